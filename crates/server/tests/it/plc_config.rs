//! PLC contexts and the port of PiPLC's protocol as people write them into a project.

use crosstie_hub::plc::RealtimeWish;
use crosstie_hub::settings::{OnStale, RouteSetting};
use crosstie_server::config::{
    self, Diagnostic, Loaded, Overrides, Severity, Source, add_route, export_routes, import_routes, load, load_text,
    write_settings,
};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const PROGRAM: &str = "SOR XIC I:0/0 OTE O:0/0 EOR\n";

fn project(files: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder for a test");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file in a folder of this test");
    }
    let path = folder.path().join(config::FILE_NAME);
    (folder, path)
}

/// `file:line:column code` of each diagnostic, with the name of the file only.
fn places(diagnostics: &[Diagnostic]) -> Vec<String> {
    let place = |found: &Diagnostic| {
        let name = Path::new(&*found.source.name).file_name().unwrap_or_default();
        let Diagnostic { line, column, code, .. } = found;
        format!("{}:{line}:{column} {code}", name.to_string_lossy())
    };
    diagnostics.iter().map(place).collect()
}

fn loaded(text: &str) -> Loaded {
    load_text(Path::new("no-such-folder"), text, &Overrides::default())
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let loaded = loaded(text);
    let expected: Vec<String> = expected.iter().map(|place| format!("crosstie.toml:{place}")).collect();
    assert_eq!(
        places(&loaded.diagnostics),
        expected,
        "{text}\n{:#?}",
        loaded.diagnostics
    );
    assert_eq!(loaded.config.is_some(), !loaded.has_errors());
}

#[test]
fn contexts_and_the_port_have_every_default() {
    let config = loaded("[piplc]\n[[plc]]\nname = \"line\"\n").config.unwrap();
    let piplc = config.piplc.as_ref().unwrap();
    assert_eq!(piplc.url(), "ws://127.0.0.1:9100/");
    assert_eq!((piplc.engine_name.as_str(), piplc.contexts_max), ("Crosstie", 8));
    let settings = config.hub_settings(0);
    let plc = &settings.plcs[0];
    assert_eq!((plc.name.as_str(), plc.id.as_str()), ("line", "line"));
    assert_eq!(plc.controller.target_scan.us(), 10_000);
    assert!(plc.controller.keep_memory_on_download && plc.controller.watchdog_us.is_none());
    assert!(!plc.autostart && !plc.hold_outputs && plc.program.is_none());
    assert_eq!(settings.piplc.url, "ws://127.0.0.1:9100/");

    // Somebody who connects finds an engine; contexts do without the port.
    let names = |text: &str| -> Vec<String> {
        let plcs = loaded(text).config.unwrap().hub_settings(0).plcs;
        plcs.into_iter().map(|plc| plc.name).collect()
    };
    assert_eq!(names("[piplc]\n"), ["PLC 1"]);
    assert_eq!(names("[[plc]]\nname = \"PLC 2\"\n"), ["PLC 2"]);
    assert_eq!(names(""), [""; 0]);
    assert!(loaded("[[plc]]\nname = \"a\"\n").config.unwrap().piplc.is_none());
}

#[test]
fn every_key_reaches_the_hub() {
    let text = "[piplc]\nbind = \"0.0.0.0\"\nport = 9200\npath = \"/plc\"\nallow_unauthenticated = true\ntls = true\n\
                allowed_origins = [\"https://hmi.local\"]\nengine_name = \"Cell 4\"\nmax_contexts = 2\n\
                [[plc]]\nname = \"line\"\nid = \"a1\"\nprogram = \"line.txt\"\nscan_time_ms = 0.5\nautostart = true\n\
                watchdog_ms = 250\nkeep_memory_on_download = false\nsafe_state = \"hold\"\npriority = 60\ncpu = 1\nspin = true\n[hub]\nlock_memory = true\n";
    let (folder, _) = project(&[("crosstie.toml", text), ("line.txt", PROGRAM)]);
    let loaded = load(folder.path(), &Overrides::default());
    let config = loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    let settings = config.hub_settings(0);
    assert_eq!(settings.piplc.url, "wss://0.0.0.0:9200/plc");
    assert_eq!(
        (settings.piplc.engine_name.as_str(), settings.piplc.contexts_max),
        ("Cell 4", 2)
    );
    let plc = &settings.plcs[0];
    assert_eq!(plc.id, "a1");
    assert_eq!(&*plc.program.as_ref().unwrap().document, PROGRAM);
    assert_eq!(plc.controller.target_scan.us(), 500);
    assert_eq!(plc.controller.watchdog_us, Some(250_000));
    assert!(!plc.controller.keep_memory_on_download && plc.autostart && plc.hold_outputs);
    let wish = RealtimeWish {
        priority: Some(60),
        cpu: Some(1),
        spin: true,
    };
    assert_eq!((plc.realtime, config.hub.lock_memory), (wish, true));

    let value = |key: &str| -> Value {
        let settings = config.settings();
        settings.into_iter().find(|setting| setting.key == key).unwrap().value
    };
    assert_eq!(value("plc.line.scan_time_ms"), json!(0.5));
    assert_eq!(value("plc.line.watchdog_ms"), json!(250));
    assert_eq!(value("plc.line.safe_state"), json!("hold"));
    assert_eq!(value("plc.line.priority"), json!(60));
    assert_eq!(value("hub.lock_memory"), json!(true));
    assert_eq!(value("piplc.max_contexts"), json!(2));
}

#[test]
fn every_mistake_has_its_place() {
    check("[[plc]]\n", &["1:1 missing_key"]);
    check("[[plc]]\nname = \"a/b\"\n", &["2:8 bad_name"]);
    check(
        "[[plc]]\nname = \"a\"\n[[plc]]\nname = \"a\"\n",
        &["4:8 duplicate_name"],
    );
    check(
        "[[plc]]\nname = \"a\"\n[[plc]]\nname = \"b\"\nid = \"a\"\n",
        &["5:6 duplicate_name"],
    );
    check(
        "[[plc]]\nname = \"a\"\nid = \"b\"\n[[plc]]\nname = \"b\"\n",
        &["4:1 duplicate_name"],
    );
    check("[[plc]]\nname = \"a\"\nscan_time_ms = 0.4\n", &["3:16 out_of_range"]);
    check("[[plc]]\nname = \"a\"\nscan_time_ms = 1000.5\n", &["3:16 out_of_range"]);
    check("[[plc]]\nname = \"a\"\nscan_time_ms = 1.0001\n", &["3:16 bad_value"]);
    check("[[plc]]\nname = \"a\"\nwatchdog_ms = 0\n", &["3:15 out_of_range"]);
    check("[[plc]]\nname = \"a\"\npriority = 100\n", &["3:12 out_of_range"]);
    check("[[plc]]\nname = \"a\"\ncpu = -1\n", &["3:7 out_of_range"]);
    check("[[plc]]\nname = \"a\"\nsafe_state = \"on\"\n", &["3:14 bad_value"]);
    check("[[plc]]\nname = \"a\"\nscantime_ms = 1\n", &["3:1 unknown_key"]);
    check("[[plc]]\nname = \"a\"\nautostart = true\n", &["3:13 missing_key"]);
    check(
        "[[plc]]\nname = \"a\"\nprogram = \"../a.plcproj\"\n",
        &["3:11 bad_path"],
    );
    check("[[plc]]\nname = \"a\"\nprogram = \"a.plcproj\"\n", &["3:11 no_file"]);
    check("[plc]\nname = \"a\"\n", &["1:1 wrong_type"]);
    check("[piplc]\nmax_contexts = 65\n", &["2:16 out_of_range"]);
    check("[piplc]\npath = \"/a?b\"\n", &["2:8 bad_path"]);
    check("[piplc]\nport = 8000\n", &["2:8 duplicate_port"]);
    check("[piplc]\nbind = \"0.0.0.0\"\n", &["2:8 not_loopback"]);
    let many: String = (0..3).map(|n| format!("[[plc]]\nname = \"a{n}\"\n")).collect();
    check(&format!("[piplc]\nmax_contexts = 2\n{many}"), &["7:1 too_large"]);
}

#[test]
fn a_program_that_cannot_run_is_an_error_at_its_line_and_column() {
    let text = "[[plc]]\nname = \"line\"\nprogram = \"line.txt\"\n";
    let program = "SOR XIC I:0/0 OTE O:0/0 EOR\nSOR XIC I:9/0 OTE O:0/1 EOR\n";
    let (folder, _) = project(&[("crosstie.toml", text), ("line.txt", program)]);
    let loaded = load(folder.path(), &Overrides::default());
    assert!(loaded.config.is_none());
    let found = &loaded.diagnostics[0];
    assert_eq!((found.severity, found.code, found.line), (Severity::Error, "E101", 2));
    assert!(found.column > 1, "{found:?}");
    assert!(found.source.name.ends_with("line.txt"));
    assert!(found.found.starts_with("rung 1: "), "{}", found.found);
}

#[test]
fn what_is_doubtful_in_a_program_is_told_by_the_check_and_not_at_every_start() {
    let text = "[[plc]]\nname = \"line\"\nprogram = \"line.txt\"\n";
    let (folder, _) = project(&[("crosstie.toml", text), ("line.txt", "SOR OTE O:0/0 EOR\n")]);
    let loaded = load(folder.path(), &Overrides::default());
    assert!(loaded.config.is_some() && loaded.diagnostics.is_empty());
    assert_eq!(places(&loaded.program_warnings).len(), 1);
    assert_eq!(loaded.program_warnings[0].severity, Severity::Warning);
    assert_eq!(loaded.program_warnings[0].code, "E003");
}

#[test]
fn variables_and_flags_set_keys_of_contexts_and_of_the_port() {
    let text = "[piplc]\n[[plc]]\nname = \"PLC 1\"\nscan_time_ms = 20\n";
    let overrides = Overrides {
        environment: vec![(String::from("CROSSTIE_PLC_PLC_1_SCAN_TIME_MS"), String::from("2.5"))],
        flags: vec![(String::from("piplc.port"), String::from("9101"))],
        port_offset: 100,
    };
    let loaded = load_text(Path::new("no-such-folder"), text, &overrides);
    let config = loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    assert_eq!(config.piplc.as_ref().unwrap().address.port(), 9201);
    assert_eq!(config.plcs[0].controller.target_scan.us(), 2_500);
    let settings = config.settings();
    let source = |key: &str| settings.iter().find(|setting| setting.key == key).unwrap().source;
    assert_eq!(source("plc.PLC 1.scan_time_ms"), Source::Environment);
    assert_eq!(source("piplc.port"), Source::Flag);

    // A port that the project does not have is not set by a flag.
    let loaded = load_text(Path::new("no-such-folder"), "", &overrides);
    let codes: Vec<&str> = loaded.diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(codes, ["unknown_key", "unknown_variable"]);
}

#[test]
fn settings_of_a_context_are_written_back_with_their_comments() {
    let text = "[piplc] # here\n\n[[plc]]\nname = \"line\" # the line\nscan_time_ms = 10 # slow\n";
    let (_folder, path) = project(&[("crosstie.toml", text)]);
    let changes = [
        (String::from("plc.line.scan_time_ms"), json!(2.5)),
        (String::from("plc.line.autostart"), json!(false)),
        (String::from("piplc.max_contexts"), json!(4)),
    ];
    write_settings(&path, &changes).unwrap();
    let after = fs::read_to_string(&path).unwrap();
    let expected = "[piplc] # here\nmax_contexts = 4\n\n[[plc]]\nname = \"line\" # the line\nscan_time_ms = 2.5 # slow\n\
                    autostart = false\n";
    assert_eq!(after, expected);
    let error = write_settings(&path, &[(String::from("plc.other.autostart"), json!(true))]).unwrap_err();
    assert!(
        error.to_string().ends_with("has no PLC context named `other`"),
        "{error}"
    );
}

const TWIN: &str = "[[realvirtual]]\nname = \"cell\"\n[[realvirtual.signal]]\nname = \"Start\"\ntype = \"Bool\"\n\
                    writer = \"peer\"\n[[plc]]\nname = \"line\"\n";

#[test]
fn on_stale_stands_on_routes_that_end_at_a_plc() {
    let route = |to: &str, on_stale: &str| {
        format!("{TWIN}[[route]]\nfrom = \"twin/cell/Start\"\nto = \"{to}\"\non_stale = \"{on_stale}\"\n")
    };
    let config = loaded(&route("plc/line/i:0/0", "fault")).config.unwrap();
    assert_eq!(config.routes[0].on_stale, OnStale::Fault);
    assert_eq!(config.routes[0].to, "plc/line/I:0/0");
    check(&route("plc/line/I:0/0", "panic"), &["12:12 bad_value"]);
    check(&route("sys/x", "zero"), &["12:12 bad_route"]);
    check(&route("plc/other/I:0/0", "zero"), &["11:6 unknown_signal"]);
    check(&route("plc/line/Strat", "zero"), &["11:6 unknown_signal"]);
}

#[test]
fn on_stale_outlives_spreadsheets_and_other_changes_of_the_file() {
    let text = format!("{TWIN}[[route]]\nfrom = \"twin/cell/Start\"\nto = \"plc/line/I:0/0\"\non_stale = \"zero\"\n");
    let (folder, path) = project(&[("crosstie.toml", &text)]);
    add_route(&path, &RouteSetting::plain("twin/cell/Start", "plc/line/I:0/1")).unwrap();
    let routes = || load(folder.path(), &Overrides::default()).config.unwrap().routes;
    let exported = export_routes(&routes()).text;
    assert_eq!(
        exported,
        "from,to,on_stale\ntwin/cell/Start,plc/line/I:0/0,zero\ntwin/cell/Start,plc/line/I:0/1,\n"
    );
    let sheet = folder.path().join("routes.csv");
    fs::write(&sheet, format!("{exported}twin/cell/Start,plc/line/I:0/2,fault\n")).unwrap();
    let changes = import_routes(folder.path(), &sheet, false).unwrap();
    assert_eq!((changes.added, changes.left), (1, 2));
    let words: Vec<&str> = routes().iter().map(|route| route.on_stale.word()).collect();
    assert_eq!(words, ["zero", "hold", "fault"]);

    // A column that the file does not have says nothing.
    fs::write(&sheet, "from,to\ntwin/cell/Start,plc/line/I:0/0\n").unwrap();
    assert_eq!(import_routes(folder.path(), &sheet, false).unwrap().left, 1);
    fs::write(&sheet, "from,to,on_stale\ntwin/cell/Start,plc/line/I:0/0,\n").unwrap();
    let changes = import_routes(folder.path(), &sheet, true).unwrap();
    assert_eq!((changes.changed, changes.removed), (1, 2));
    let words: Vec<&str> = routes().iter().map(|route| route.on_stale.word()).collect();
    assert_eq!(words, ["hold"]);
}

/// A coupler that drives I:0/0 and this word of N.
fn coupler(host: &str, word: u8) -> String {
    json!({"version": 1, "provider": "modbus_tcp_client", "modbusClient": {"host": host,
        "discreteInputMappings": [{"modbusAddr": 0, "plcWord": 0, "plcBit": 0}],
        "inputRegisterMappings": [{"modbusAddr": 0, "plcNWord": word}]}})
    .to_string()
}

#[test]
fn pl72_io_files_are_read_and_checked_with_the_project() {
    let (good, twice) = (coupler("a", 1), coupler("b", 2));
    let bad = r#"{"version": 1, "provider": "gpio", "digitalPins": [{"gpioLine": 1, "plcWord": 8, "plcBit": 0}]}"#;
    let files = [
        ("good.ioconfig", good.as_str()),
        ("twice.ioconfig", &twice),
        ("bad.ioconfig", bad),
        ("broken.ioconfig", "{\n\"version\": }"),
    ];
    let found = |io: &str| {
        let text = format!("[[plc]]\nname = \"line\"\n{io}\n");
        let all: Vec<(&str, &str)> = files.into_iter().chain([("crosstie.toml", text.as_str())]).collect();
        let (folder, _) = project(&all);
        let loaded = load(folder.path(), &Overrides::default());
        let texts: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
        (places(&loaded.diagnostics), texts.join("\n"), loaded.config)
    };
    let (places, texts, config) = found("io = \"good.ioconfig\"\non_io_failure = \"zero\"");
    assert_eq!(places, [""; 0], "{texts}");
    let plc = config.unwrap().hub_settings(0).plcs.remove(0);
    assert_eq!((plc.io.len(), plc.on_io_failure), (1, OnStale::Zero));
    let (places, texts, _) = found("io = [\"good.ioconfig\", \"twice.ioconfig\"]");
    assert_eq!(places, ["crosstie.toml:3:6 io_conflict"], "{texts}");
    assert!(
        texts.contains("I:0/0 is driven by Modbus TCP (a:502) and by Modbus TCP (b:502)"),
        "{texts}"
    );
    assert!(texts.contains("good.ioconfig and twice.ioconfig"), "{texts}");
    let (places, texts, _) = found("io = \"bad.ioconfig\"");
    assert_eq!(places[0], "bad.ioconfig:1:1 bad_value", "{texts}");
    assert!(texts.contains("digitalPins[0].plcWord"), "{texts}");
    assert_eq!(found("io = \"broken.ioconfig\"").0, ["broken.ioconfig:2:12 bad_value"]);
    assert_eq!(found("io = \"none.ioconfig\"").0, ["crosstie.toml:3:6 no_file"]);
    assert_eq!(found("io = \"../good.ioconfig\"").0, ["crosstie.toml:3:6 bad_path"]);
}
