//! Project files with one program: what is read, what is refused, what is written (PL-70, PL-73).

use crosstie_ladder::compile::CompiledProgram;
use crosstie_ladder::diagnostic::Diagnostic;
use crosstie_ladder::program::Program;
use crosstie_ladder::project::{MAX_DOCUMENT_BYTES, Project, RemoteConnection, read_project};
use crosstie_ladder::text;

const CANONICAL: &str = include_str!("../project/all-instructions.plcproj");

/// A project of one rung with these elements.
fn rung(elements: &str) -> String {
    file(&format!("<Rung number=\"0\">{elements}</Rung>"))
}

/// A project with these rungs.
fn file(rungs: &str) -> String {
    format!(
        "<PLCProject version=\"3.2\"><Programs><Program name=\"P\" type=\"Main\"><Rungs>{rungs}</Rungs></Program></Programs></PLCProject>"
    )
}

fn read(source: &str) -> Project {
    read_project(source).unwrap_or_else(|problems| panic!("{source}\n{problems:?}"))
}

fn texts(found: &[Diagnostic]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

fn problems(source: &str) -> Vec<String> {
    texts(&read_project(source).expect_err(source))
}

/// The first rung as it is written, in one line.
fn written(elements: &str) -> String {
    let file = read(&rung(elements)).write();
    let start = file.find("<Rung id").unwrap();
    let end = file.find("</Rungs>").unwrap();
    let lines: Vec<_> = file[start..end].lines().map(str::trim).collect();
    let line = lines.concat();
    let inner = line
        .strip_prefix("<Rung id=\"0\" number=\"0\">")
        .unwrap_or(&line)
        .trim_end_matches("</Rung>");
    inner.to_owned()
}

#[test]
fn pl70_a_file_of_the_original_is_written_byte_for_byte() {
    let project = read(CANONICAL);
    assert_eq!(texts(&project.warnings), [""; 0]);
    assert!(project.kept.is_empty());
    assert_eq!(project.write(), CANONICAL);
    assert_eq!(project.name.as_deref(), Some("All"));
    assert_eq!(project.description.as_deref(), Some("every instruction"));
    assert_eq!(
        text::rung(&project.program.rungs[6]),
        "SOR XIC B:0/0 SCL N:0 0 4095 0 10000 N:3 MOV N:3 T:0.PRE EOR"
    );
    assert_eq!(
        text::rung(&project.program.rungs[9]),
        "SOR BST XIC I:0/2 NXB BST XIC I:0/3 NXB XIO I:0/4 BND BND OTE O:0/2 EOR"
    );
    CompiledProgram::new(&project.program).unwrap();
    // As an editor on Windows may leave it.
    let windows = format!("\u{FEFF}{}", CANONICAL.replace('\n', "\r\n"));
    assert_eq!(read(&windows).write(), CANONICAL);
}

#[test]
fn pl70_input_that_the_original_tolerates_is_read_as_it_does() {
    let same = |given: &str, expected: &str| assert_eq!(written(given), expected, "{given}");
    for (given, expected) in [
        ("I:0/0", "I:0/0"),
        ("i:00/00", "I:0/0"),
        (" I:0/0 ", "I:0/0"),
        ("T:0.dn", "T:0.DN"),
        ("B:3", "B:3"),
        ("5", "5"),
        ("", ""),
    ] {
        same(
            &format!("<Instruction type=\"xic\" address=\"{given}\"/>"),
            &format!("<Instruction type=\"XIC\" column=\"0\" address=\"{expected}\"/>"),
        );
    }
    for (given, expected) in [("10", "10"), ("100", "100"), ("x", "0"), ("", "0"), ("-1", "0")] {
        same(
            &format!("<Instruction column=\"{given}\" type=\"XIC\" address=\"I:0/0\"/>"),
            &format!("<Instruction type=\"XIC\" column=\"{expected}\" address=\"I:0/0\"/>"),
        );
    }
    same(
        "<Instruction type='TON' address='T:0'/><Instruction type='CTU' address='C:0' preset=''/>",
        "<Instruction type=\"TON\" column=\"0\" address=\"T:0\" preset=\"0\"/>\
         <Instruction type=\"CTU\" column=\"0\" address=\"C:0\" preset=\"0\"/>",
    );
    same(
        "<Instruction type=\"ADD\" sourceA=\"-2147483648\" sourceB=\" 5 \"/>",
        "<Instruction type=\"ADD\" column=\"0\" sourceA=\"-2147483648\" sourceB=\"5\" dest=\"\"/>",
    );
    same(
        "<Instruction type=\"BSL\" sourceA=\"N:1\" dest=\"N:4\" ctrl=\"B:9/1\"/>",
        "<Instruction type=\"BSL\" column=\"0\" sourceA=\"N:1\" sourceB=\"\" dest=\"N:4\" ctrl=\"B:9/1\"/>",
    );
    same("<Branch/>", "<Branch/>");
    same("<Branch><Path/></Branch>", "<Branch><Path/></Branch>");
}

#[test]
fn pl64_decorators_are_read_in_every_spelling_and_get_their_slots() {
    let decorated = |decorators: &str| {
        format!(
            "<Instruction type=\"XIC\" column=\"0\" address=\"I:0/0\"><Decorators>{decorators}</Decorators></Instruction>"
        )
    };
    for (given, expected) in [
        (
            "type=\"ton\" address=\"T:5\" preset=\"100\"",
            "type=\"TON\" address=\"T:5\" preset=\"100\"",
        ),
        ("type=\"TON\"", "type=\"TON\" address=\"T:0\" preset=\"0\""),
        ("type=\"TOF\"", "type=\"TOF\" address=\"T:0\" preset=\"0\""),
        ("type=\"osr\"", "type=\"OSR\""),
        ("type=\"DEBOUNCE\"", "type=\"Debounce\" debounceTime=\"0\""),
        (
            "type=\"CTU\" preset=\"7\"",
            "type=\"Counter\" address=\"C:0\" preset=\"7\"",
        ),
        ("type=\"Counter\"", "type=\"Counter\" address=\"C:0\" preset=\"1\""),
    ] {
        let got = written(&decorated(&format!("<Decorator {given}/>")));
        assert_eq!(got, decorated(&format!("<Decorator {expected}/>")));
    }
    let two = "<Decorator type=\"TON\" preset=\"5\"/><Decorator type=\"TON\" preset=\"6\"/>";
    let project = read(&rung(
        &(decorated(two) + "<Instruction type=\"TON\" address=\"T:0\" preset=\"1\"/>"),
    ));
    let symbols: Vec<_> = project
        .program
        .symbols
        .iter()
        .map(|entry| format!("{} {}", entry.name, entry.address))
        .collect();
    assert_eq!(symbols, ["DEC_TON_1 T:1", "DEC_TON_2 T:2"]);
    assert!(project.write().contains(
        "<Symbol name=\"DEC_TON_1\" address=\"T:1\" type=\"TIMER\" description=\"Auto-created for decorator\"/>"
    ));
}

#[test]
fn pl64_a_decorator_that_the_original_drops_is_refused() {
    for kind in ["OTE' address='O:0/0", "GRT' sourceA='1' sourceB='2"] {
        let decorated =
            format!("<Instruction type='{kind}'><Decorators><Decorator type='OSR'/></Decorators></Instruction>");
        let found = CompiledProgram::new(&read(&rung(&decorated)).program).unwrap_err();
        assert!(texts(&found)[0].starts_with("E103 rung 0"), "{found:?}");
    }
}

#[test]
fn pl70_all_problems_are_told_at_once_with_their_places() {
    let source = r#"<?xml version="1.0"?>
<PLCProject>
  <SymbolTable>
    <Symbol name="Go" address="I:0/0"/>
    <Symbol name="Go" address="I:0/1"/>
    <Symbol name="1st" address="I:9/1"/>
    <Symbol/>
  </SymbolTable>
  <Programs><Program><Rungs>
    <Rung>
      <Instruction type="FOO" column="3"/>
      <Instruction address="I:0/0"/>
      <Instruction type="INTERVAL"/>
      <Instruction type="XIC" address="I:9/9"><Decorators>
        <Decorator type="CTR"/>
        <Decorator preset="3"/>
      </Decorators></Instruction>
    </Rung>
    <Rung>
      <Branch><Instruction type="XIC" address="I:0/0"/></Branch>
      <Instruction type="XIC"><Decorator type="OSR"/><Decorators/><Decorators/></Instruction>
      <Path/>
    </Rung>
    <Instruction type="XIC"/>
  </Rungs></Program></Programs>
  <Programs/>
</PLCProject>"#;
    assert_eq!(
        problems(source),
        [
            "E103 (line 2, character 1): expected `version` such as 3.2 in `PLCProject`",
            "E103 (line 5, character 19): symbol `Go` stands twice: give one of them another name",
            "E103 (line 6, character 19): expected a name of letters, digits and `_`, got `1st`",
            "E103 (line 6, character 33): symbol `1st`: expected a word from 0 to 7, got 9",
            "E103 (line 7, character 5): expected a name of letters, digits and `_`, got ``",
            "E103 (line 7, character 5): symbol ``: expected an address",
            "E103 rung 0 column 3 (line 11, character 26): expected an instruction such as XIC, OTE or TON, got `FOO`",
            "E103 rung 0 column 0 (line 12, character 7): expected `type` such as `XIC` in `Instruction`",
            "E103 rung 0 column 0 (line 13, character 26): `INTERVAL` belongs to a newer PiPLC and cannot be run; replace it by \
             timers or compare instructions",
            "E103 rung 0 column 0 (line 15, character 26): expected a decorator: TON, TOF, OSR, OSF, DEBOUNCE or COUNTER, got \
             `CTR`",
            "E103 rung 0 column 0 (line 16, character 9): expected `type` such as `TON` in `Decorator`",
            "E103 rung 1 (line 20, character 15): expected `Path` in `Branch`, got `Instruction`",
            "E103 rung 1 (line 21, character 31): expected `Decorators` in `Instruction`, got `Decorator`",
            "E103 rung 1 (line 21, character 67): expected one `Decorators`, got another",
            "E103 rung 1 (line 22, character 7): expected `Instruction` or `Branch` in `Rung`, got `Path`",
            "E103 (line 24, character 5): expected `Rung` in `Rungs`, got `Instruction`",
            "E103 (line 26, character 3): expected one `Programs`, got another",
        ]
    );
}

#[test]
fn pl70_what_an_operand_means_is_told_with_its_place_when_it_is_compiled() {
    let source = "<PLCProject version='3.2'><Programs><Program><Rungs><Rung>\n\
        <Instruction type='XIC' column='2'\n address='I:9/0'><Decorators><Decorator type='TON' address='C:5'/></Decorators>\
        </Instruction>\n<Instruction type='OTE'/><Instruction type='TON' address='T:0' preset='abc'/></Rung></Rungs></Program>\
        </Programs></PLCProject>";
    let project = read(source);
    let found = CompiledProgram::new(&project.program).unwrap_err();
    let places: Vec<_> = texts(&found)
        .iter()
        .map(|text| text.split_once(':').unwrap().0.to_owned())
        .collect();
    assert_eq!(
        places,
        [
            "E101 rung 0 column 2 (line 3, character 11)",
            "E102 rung 0 column 2 (line 3, character 61)",
            "E005 rung 0 column 0 (line 4, character 1)",
            "E101 rung 0 column 0 (line 4, character 72)",
        ],
        "{found:?}"
    );
}

#[test]
fn pl70_versions() {
    let source = |version: &str| rung("").replace("3.2", version);
    for (given, written) in [
        ("2.0", "3.2"),
        ("2", "3.2"),
        ("3.1", "3.2"),
        (" 3.2 ", "3.2"),
        ("3.10", "3.10"),
    ] {
        let project = read(&source(given));
        assert_eq!(project.version.to_string(), written, "{given}");
        assert!(project.write().contains(&format!("<PLCProject version=\"{written}\">")));
    }
    let warnings = texts(&read(&source("3.3")).warnings);
    assert_eq!(
        warnings,
        ["W004 (line 1, character 22): version 3.3 is newer than 3.2: what is new in it is kept and does nothing"]
    );
    for given in ["4.0", "1.9", "0"] {
        let problem = problems(&source(given)).concat();
        assert!(
            problem.contains("expected a version from 2.0 to 3.2 or a later 3.x"),
            "{problem}"
        );
    }
    for given in ["", "x", "3.", "3.2.1", "-3.2", "+3", "99999999999.0"] {
        let problem = problems(&source(given)).concat();
        assert!(problem.contains("expected a version such as 3.2"), "{problem}");
    }
}

#[test]
fn pl12_watch_list_remote_connection_and_panel_come_back_as_they_were_spelled() {
    let source = |entry: &str, panel: &str| {
        format!(
            "<PLCProject version=\"3.2\"><Programs><Program name=\"P\"/></Programs><WatchList><{entry} address=\"I:0/0\"/>\
             <{entry} address=\"Level\"/></WatchList><RemoteConnection><Host>pi</Host><Port>9100</Port>\
             <ContextId>c1</ContextId></RemoteConnection><{panel}>a &amp; b.hmi</{panel}></PLCProject>"
        )
    };
    for (entry, panel) in [("WatchEntry", "HmiFilePath"), ("Watch", "HmiFile")] {
        let project = read(&source(entry, panel));
        assert_eq!(project.watch_list, ["I:0/0", "Level"]);
        assert_eq!(project.hmi_path.as_deref(), Some("a & b.hmi"));
        let remote = RemoteConnection {
            host: Some("pi".to_owned()),
            port: Some("9100".to_owned()),
            context_id: Some("c1".to_owned()),
            context_name: None,
        };
        assert_eq!(project.remote, Some(remote));
        let end = format!(
            "  <WatchList>\n    <{entry} address=\"I:0/0\"/>\n    <{entry} address=\"Level\"/>\n  </WatchList>\n  \
             <RemoteConnection>\n    <Host>pi</Host>\n    <Port>9100</Port>\n    <ContextId>c1</ContextId>\n  \
             </RemoteConnection>\n  <{panel}>a &amp; b.hmi</{panel}>\n</PLCProject>\n"
        );
        assert!(project.write().ends_with(&end), "{}", project.write());
        assert_eq!(texts(&project.warnings), [""; 0]);
    }
}

#[test]
fn pl70_what_is_not_understood_is_kept_where_it_stood() {
    let source = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<PLCProject version=\"3.7\" editor=\"E\">
  <!-- made by hand -->
  <Metadata>
    <Author>A &lt; B</Author>
    <Name>N</Name>
    <Created>2026-01-01</Created>
    <Description/>
  </Metadata>
  <SymbolTable>
    <Symbol name=\"Go\" address=\"I:0/0\" colour=\"green&#10;\"/>
    <Group/>
    <Symbol name=\"Up\" address=\"I:0/1\" type=\"BOOL\"/>
  </SymbolTable>
  <Layout zoom=\"1.5\">
    <Pane kind=\"watch\">  two  </Pane>
    mixed
    <Pane/>
  </Layout>
  <Programs>
    <Program name=\"Sub1\" type=\"Sub\">
      <Rungs/>
    </Program>
    <Program name=\"P\" type=\"Main\" lang=\"LD\">
      <Rungs>
        <Rung id=\"0\" number=\"0\" bookmark=\"1\">
          <Note>first</Note>
          <Instruction type=\"XIC\" column=\"0\" address=\"Go\" sourceA=\"5\">
            <Decorators>
              <Decorator type=\"OSR\" preset=\"100\"/>
            </Decorators>
            <Tag/>
          </Instruction>
          <Branch startColumn=\"1\">
            <Path id=\"7\">
              <!-- nothing yet -->
            </Path>
            <Hint/>
          </Branch>
          <Note>last</Note>
        </Rung>
      </Rungs>
      <Locals/>
    </Program>
    <Program name=\"Sub2\" type=\"Sub\"/>
  </Programs>
  <WatchList/>
  <Trends xml:space=\"preserve\"/>
</PLCProject>
";
    let project = read(source);
    assert_eq!(project.write(), source);
    assert_eq!(project.program.name, "P");
    assert!(!project.kept.is_empty());
    let warnings = texts(&project.warnings);
    assert_eq!(
        warnings,
        [
            "W004 (line 2, character 22): version 3.7 is newer than 3.2: what is new in it is kept and does nothing",
            "W004 (line 5, character 5): `Author` means nothing here: it is kept and does nothing",
            "W004 (line 7, character 5): `Created` means nothing here: it is kept and does nothing",
            "W004 (line 12, character 5): `Group` means nothing here: it is kept and does nothing",
            "W004 (line 15, character 3): `Layout` means nothing here: it is kept and does nothing",
            "W004 (line 21, character 5): program `Sub1` is not the main one: it does not run",
            "W004 rung 0 (line 27, character 11): `Note` means nothing here: it is kept and does nothing",
            "W004 rung 0 (line 32, character 13): `Tag` means nothing here: it is kept and does nothing",
            "W004 rung 0 (line 38, character 13): `Hint` means nothing here: it is kept and does nothing",
            "W004 rung 0 (line 40, character 11): `Note` means nothing here: it is kept and does nothing",
            "W004 (line 43, character 7): `Locals` means nothing here: it is kept and does nothing",
            "W004 (line 45, character 5): program `Sub2` is not the main one: it does not run",
            "W004 (line 48, character 3): `Trends` means nothing here: it is kept and does nothing",
        ]
    );
    // The same logic with other parts around it runs the same.
    CompiledProgram::new(&project.program).unwrap();
}

#[test]
fn pl70_texts_with_every_character_come_back() {
    let mut program = Program {
        name: "<\"&'> \t\r\n ä✓😀\u{85}\u{2028}".to_owned(),
        ..text::read("RUNG \"a\\n\\tb\" \" <c> \"\nSOR EOR").unwrap()
    };
    let mut project = Project::new(program.clone());
    project.description = Some(" two\r\n\tlines ]]> & more ".to_owned());
    project.hmi_path = Some(String::new());
    let file = project.write();
    assert_eq!(read(&file).without_places(), project.without_places(), "{file}");
    // XML has no way to write some characters that a text in quotes may hold.
    program.name = "a\u{1}b\u{FFFE}".to_owned();
    assert_eq!(read(&Project::new(program).write()).program.name, "a\u{FFFD}b\u{FFFD}");
}

#[test]
fn pl70_the_main_program_is_taken_or_the_first() {
    let name = |programs: &str| {
        let project = read(&format!(
            "<PLCProject version=\"3.2\"><Programs>{programs}</Programs></PLCProject>"
        ));
        assert_eq!(
            read(&project.write()).without_places(),
            project.clone().without_places()
        );
        (project.program.name, project.warnings.len())
    };
    assert_eq!(name("<Program name=\"A\"/><Program name=\"B\" type=\"main\"/>").0, "B");
    assert_eq!(name("<Program name=\"A\"/><Program name=\"B\"/>").0, "A");
    assert_eq!(name("<Program name=\"A\" type=\"Odd\"/>"), ("A".to_owned(), 0));
    assert_eq!(name(""), (String::new(), 1));
    let warnings = texts(&read("<PLCProject version=\"3.2\"/>").warnings);
    assert_eq!(warnings, ["W004 (line 1, character 1): the project has no program"]);
}

#[test]
fn pl70_what_is_no_project_is_refused_with_the_reason() {
    let refused = |source: &str, expected: &str| {
        let found = problems(source);
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
    };
    refused("", "E103 (line 1, character 1): expected XML");
    refused("<Project/>", "expected `PLCProject` as the root element, got `Project`");
    refused("<MultiPLCProject version='1'/>", "got `MultiPLCProject`");
    refused(
        "<PLCProject version='3.2'>\n  <A></B>\n</PLCProject>",
        "E103 (line 2, character 6): expected XML",
    );
    refused("<PLCProject version='3.2' version='3.2'/>", "expected XML");
    refused("<PLCProject version='3.2'/><PLCProject/>", "expected XML");
    refused("<PLCProject version='3.2' a='&x;'/>", "expected XML");
    refused("<PLCProject version='3.2'>&#0;</PLCProject>", "expected XML");
    refused(
        "<PLCProject version='3.2' xmlns='urn:x'/>",
        "E103 (line 1, character 27): expected no declaration of a namespace",
    );
    refused("<PLCProject version='3.2'><x:a/></PLCProject>", "expected XML");
}

#[test]
fn pl70_documents_that_are_made_to_hurt_are_refused_with_the_reason() {
    // The smallest stack that a thread of a server is likely to have.
    let thread = std::thread::Builder::new().stack_size(512 * 1024);
    thread.spawn(refuse_what_is_made_to_hurt).unwrap().join().unwrap();
}

fn refuse_what_is_made_to_hurt() {
    let refused = |source: &str, expected: &str| {
        let found = problems(source);
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
    };
    let dtd = "expected no document type: entities are not read";
    refused(
        "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><PLCProject version='3.2'>&b;</PLCProject>",
        dtd,
    );
    refused(
        "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><PLCProject version='3.2' a=\"&c;\"/>",
        dtd,
    );
    refused("<!DOCTYPE a><PLCProject version='3.2'/>", dtd);
    let nested = |open: &str, close: &str, count: usize| rung(&(open.repeat(count) + &close.repeat(count)));
    let depth = "E104 (line 1, character 600): expected at most 128 elements in each other";
    refused(
        &nested("<a>", "</a>", 100_000),
        &depth.replace("600", &deep_place(&nested("<a>", "</a>", 200))),
    );
    // A comment that looks closed hides nothing from the walk, nor does a text in quotes.
    let hidden = "<!--> <a/></a></a> --><b c='>' d=\"</a>\"></b><![CDATA[</a>]]><?p </a>?>";
    refused(
        &nested(&format!("<a>{hidden}"), "</a>", 200),
        "expected at most 128 elements in each other",
    );
    refused(
        &nested("<Branch><Path>", "</Path></Branch>", 33),
        "expected at most 32 branches in each other",
    );
    let deepest = read(&nested("<Branch><Path>", "</Path></Branch>", 32));
    assert_eq!(read(&deepest.write()).without_places(), deepest.without_places());
    let deepest = read(&nested("<a>", "</a>", 123));
    assert_eq!(read(&deepest.write()).without_places(), deepest.without_places());
    let many: String = (0..257).map(|number| format!(" a{number}=''")).collect();
    refused(
        &rung(&format!("<Instruction type='XIC'{many}/>")),
        "expected at most 256 attributes of an element, got 258",
    );
    refused(
        &" ".repeat(MAX_DOCUMENT_BYTES + 1),
        "E104: expected a file of at most 8388608 bytes, got 8388609",
    );
    refused(
        &rung(&"<a/>".repeat(500_001)),
        "E104: expected at most 500000 elements and texts",
    );
    let found = problems(&rung(&"<Instruction/>".repeat(2000)));
    assert_eq!(found.len(), 1000);
}

/// The character at which the 129th element of a one-line document stands.
fn deep_place(source: &str) -> String {
    let (mut depth, mut at) = (0_usize, 0);
    while depth <= 128 {
        at += source[at..].find('<').unwrap() + 1;
        depth = if source[at..].starts_with('/') {
            depth - 1
        } else {
            depth + 1
        };
    }
    at.to_string()
}

#[test]
fn pl70_a_long_line_costs_no_more_than_many() {
    // With places that are counted from the start each time this would take the square of the length.
    let source = rung(&"<Instruction type=\"XIC\" address=\"I:0/0\"/>".repeat(100_000));
    let project = read(&source);
    let last = project.program.rungs[0].elements.len();
    assert_eq!(last, 100_000);
}
