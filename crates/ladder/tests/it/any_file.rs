//! Files of any kind, collected and made up: no reader panics, what is read is written back (PL-70 to PL-73).

use std::fs;
use std::path::Path;

use crosstie_ladder::project::{Project, read_project};
use crosstie_ladder::{fuzz, text};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::programs::program;

fn corpus(target: &str, least: usize, function: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= least, "only {} files in {target}", files.len());
    for file in files {
        // Shown when the function panics.
        println!("{}", file.display());
        function(&fs::read(&file).unwrap());
    }
}

#[test]
fn the_collected_files_break_no_promise() {
    corpus("plcproj", 20, fuzz::plcproj);
    corpus("mplcproj", 8, fuzz::mplcproj);
    corpus("ioconfig", 15, fuzz::ioconfig);
    corpus("program", 8, fuzz::program);
    corpus("scan_table", 5, fuzz::scan_table);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pl73_text_and_project_file_carry_the_same_logic(program in program()) {
        let written = text::write(&program);
        let project = Project::new(text::read(&written).unwrap().without_places());
        let file = project.write();
        let read = read_project(&file).map(Project::without_places);
        prop_assert_eq!(read.as_ref(), Ok(&project), "{}", file);
        prop_assert_eq!(text::write(&read.unwrap().program), written);
    }

    #[test]
    fn pl70_any_project_file_breaks_no_promise(parts in vec(part(), 0..40), text: String) {
        let rungs = parts.concat();
        let wrap = |rungs: &str| format!(
            "<PLCProject version='3.2'><Programs><Program><Rungs><Rung>{rungs}</Rung></Rungs></Program></Programs>{rungs}</PLCProject>"
        );
        for source in [wrap(&rungs), rungs, wrap(&text), text] {
            fuzz::plcproj(source.as_bytes());
            let multi = format!(
                "<MultiPLCProject version='1.0'><Contexts><Context id='a'><Program>{source}</Program></Context></Contexts>\
                 <Routes>{source}</Routes></MultiPLCProject>"
            );
            fuzz::mplcproj(multi.as_bytes());
            fuzz::mplcproj(source.as_bytes());
            fuzz::ioconfig(source.as_bytes());
        }
    }

    #[test]
    fn pl72_any_io_configuration_breaks_no_promise(members in vec(io_member(), 0..10), pins in vec(io_member(), 0..10)) {
        let object = |members: &[String]| format!("{{{}}}", members.join(","));
        let pins = object(&pins);
        for provider in ["virtual", "gpio", "modbus_tcp_client"] {
            let start = format!("{{\"provider\":\"{provider}\",\"host\":\"h\",\"digitalPins\":[{pins}],\"coilMappings\":[{pins}]");
            fuzz::ioconfig(format!("{start}}}").as_bytes());
            fuzz::ioconfig(format!("{start},{}}}", members.join(",")).as_bytes());
        }
        fuzz::ioconfig(object(&members).as_bytes());
    }
}

/// A piece of XML that a project file may be made of, or may not.
fn part() -> impl Strategy<Value = String> {
    let whole = vec![
        "<Instruction type='XIC' address='I:0/0'/>",
        "<Instruction type='TON' address='T:0'><Decorators><Decorator type='Counter'/></Decorators></Instruction>",
        "<Instruction type='SCL' inMin='x' other='1'>text<!--c--></Instruction>",
        "<Metadata><Name>a</Name>b<Description/></Metadata>",
        "<SymbolTable><Symbol name='A' address='T:0'/></SymbolTable>",
        "<WatchList><Watch address='A'/></WatchList>",
        "<HmiFile>a<b/>c</HmiFile>",
        "<RemoteConnection><Port/><Host>h</Host></RemoteConnection>",
        "<Route srcAddress='I:0' Enabled='0'><dstAddress>N:0</dstAddress><x/></Route>",
        "<PLCProject version='3.9' xml:lang='a'/>",
        "<?p x?>",
        "<![CDATA[<&]]>",
        "&amp;&#13;&#10;",
        "&x;",
        " \n",
    ];
    let tags = vec![
        "Branch",
        "Path",
        "Rung",
        "Rungs",
        "Decorators",
        "Instruction type='XIO'",
        "Unknown a='&lt;'",
        "PLCProject version='2.1'",
        "Program type='Main'",
        "Programs",
        "Context id='b'",
    ];
    let tag = (select(tags), any::<bool>()).prop_map(|(tag, is_open)| match (is_open, tag.split_once(' ')) {
        (true, _) => format!("<{tag}>"),
        (false, Some((name, _))) => format!("</{name}>"),
        (false, None) => format!("</{tag}>"),
    });
    prop_oneof![4 => select(whole).prop_map(str::to_owned), 1 => tag]
}

/// A member of an I/O configuration, right or wrong.
fn io_member() -> impl Strategy<Value = String> {
    let names = vec![
        "gpioLine",
        "plcWord",
        "plcBit",
        "plcNWord",
        "direction",
        "bias",
        "safeState",
        "activeLow",
        "label",
        "channel",
        "rawMin",
        "rawMax",
        "scaledMax",
        "modbusAddr",
        "gpioChip",
        "boardName",
        "virtualFallback",
        "analogChannels",
        "port",
        "x",
    ];
    let values = vec![
        "0",
        "1",
        "31",
        "-1",
        "1e9",
        "0.5",
        "3.0",
        "null",
        "true",
        "\"input\"",
        "\"output\"",
        "\"pull_up\"",
        "\"hold\"",
        "\"/dev/gpiochip1\"",
        "{}",
        "[]",
        "[{}]",
        "[{\"channel\":1,\"plcNWord\":2}]",
        "{\"inputCount\":3}",
    ];
    (select(names), select(values)).prop_map(|(name, value)| format!("\"{name}\":{value}"))
}
