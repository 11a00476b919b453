//! `crosstie plc`: against a hub, and the verbs that need none.

use crate::cli::{check, crosstie, text, word};
use crate::support::{Client, TestHub, eventually};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const PROGRAM: &str = "PROGRAM \"Bottling line\"\nSYM Start I:0/0 BOOL \"the button\"\nSOR XIC Start OTE O:0/0 EOR\nSOR XIC O:0/0 TON T:4 20 EOR\n";
const PROJECT: &str = "[web]\nport = 0\n[[plc]]\nname = \"line\"\n[[plc]]\nname = \"Line 2\"\nid = \"two\"\n";

const GOOD_TABLE: &str = "case a timer is done in the scan that fills it\nSOR XIC I:0/0 TON T:0 20 EOR\n\
    columns ms I:0/0 | T:0.ACC T:0.DN\n        10 1     | 10      0\n        10 .     | 20      1\n";
const BAD_TABLE: &str = "case it holds\nSOR XIC I:0/0 OTE O:0/0 EOR\ncolumns ms I:0/0 | O:0/0\n        10 1     | 1\n\
    case it does <not> hold\nSOR XIC I:0/0 OTE O:0/0 EOR\ncolumns ms I:0/0 | O:0/0\n        10 1     | 0\n";

/// A hub and the verbs that talk to it.
struct Told {
    _hub: TestHub,
    at: String,
}

impl Told {
    fn new() -> Told {
        let hub = TestHub::start(PROJECT);
        let at = format!("http://{}", hub.web());
        Told { _hub: hub, at }
    }

    #[track_caller]
    fn check(&self, arguments: &[&str], exit_code: i32, stdout: &str, stderr: &str) {
        check(
            &[&["plc"], arguments, &["--at", &self.at]].concat(),
            exit_code,
            stdout,
            stderr,
        );
    }

    fn out(&self, arguments: &[&str]) -> String {
        let output = crosstie(&[&["plc"], arguments, &["--at", &self.at]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }
}

fn file(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, content).expect("the folder takes a file");
    word(&path).to_owned()
}

#[test]
fn a_program_is_loaded_run_and_looked_at() {
    let (told, folder) = (Told::new(), tempfile::tempdir().unwrap());
    let program = file(folder.path(), "line.ladder", PROGRAM);
    told.check(&["upload"], 1, "", "has no program; download one (no_program)");
    told.check(&["start"], 1, "", "(plc_refused)");
    let loaded = "line is Stopped: 2 rungs with 4 instructions is loaded\n";
    told.check(&["download", &program], 0, loaded, "");
    told.check(&["start"], 0, "line is Running\n", "");
    let stops = "line is Running, and a download stops it; --yes allows that";
    told.check(&["download", &program], 2, "", stops);
    told.check(&["download", &program, "--yes"], 0, loaded, "");
    assert_eq!(told.out(&["upload"]), PROGRAM);
    let copy = folder.path().join("copy.ladder");
    told.check(&["upload", word(&copy)], 0, "wrote ", "");
    told.check(
        &["upload", word(&copy)],
        1,
        "",
        "exists and is left as it is; --force replaces it",
    );
    assert_eq!(fs::read_to_string(&copy).unwrap(), PROGRAM);

    told.check(&["step-rung"], 0, "line is Stepping, rung 1 is next\n", "");
    told.check(&["step"], 0, "line is Paused\n", "");
    told.check(&["resume"], 0, "line is Running\n", "");
    told.check(&["pause"], 0, "line is Paused\n", "");
    told.check(&["reset"], 0, "line is Stopped\n", "");
    let status = told.out(&["status"]);
    assert!(
        status.starts_with(
            "CONTEXT  PROGRAM        SCANS  LAST US  AVG US  MAX US  OVERRUNS  LATE P99  MISSED  FORCES  STATE\n"
        ),
        "{status}"
    );
    assert!(
        status.contains("\nline     Bottling line  ") && status.contains("\nLine 2   -  "),
        "{status}"
    );
    let rows: Value = serde_json::from_str(&told.out(&["status", "--json", "--context", "two"])).unwrap();
    assert_eq!([&rows[0]["name"], &rows[1]], [&json!("Line 2"), &Value::Null]);
    told.check(&["status", "--context", "none"], 1, "", "(not_found)");
    told.check(&["clear"], 0, "line has no program\n", "");
}

#[test]
fn a_refused_program_is_told_line_by_line() {
    let (told, folder) = (Told::new(), tempfile::tempdir().unwrap());
    let program = file(
        folder.path(),
        "bad.ladder",
        "SOR XIC ? OTE O:0/0 EOR\nSOR XIC I:0/0 OTE O:9/0 EOR\n",
    );
    let output = crosstie(&["plc", "download", &program, "--at", &told.at]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(&format!("{program}:1:9: error[E005]: ")), "{stderr}");
    assert!(stderr.contains(&format!("{program}:2:19: error[E101]: ")), "{stderr}");
    assert!(stderr.ends_with("cannot run; nothing is changed\n"), "{stderr}");
    let doubtful = file(folder.path(), "doubtful.ladder", "SOR OTE O:0/0 EOR\n");
    told.check(
        &["download", &doubtful],
        0,
        "1 rung with 1 instruction",
        ":1:5: warning[E003]: ",
    );
    told.check(&["download", "no such file"], 2, "", "no such file: ");
}

#[test]
fn places_are_forced_written_and_watched() {
    let (told, folder) = (Told::new(), tempfile::tempdir().unwrap());
    let program = file(folder.path(), "line.ladder", PROGRAM);
    told.out(&["download", &program]);
    told.check(&["forces"], 0, "nothing is forced in line\n", "");
    let forced = "plc/line/I:0/0 = true, forced for 600 s\n";
    told.check(
        &["force", "Start", "on", "--reason", "sensor broken", "--for", "10m"],
        0,
        forced,
        "",
    );
    told.check(
        &["force", "N:7", "-5"],
        0,
        "plc/line/N:7 = -5, forced until it is released\n",
        "",
    );
    let forces = told.out(&["forces"]);
    let heading = "ADDRESS  SYMBOL  VALUE  BY            SINCE    ENDS      REASON\n";
    assert!(forces.starts_with(heading), "{forces}");
    assert!(
        forces.contains("I:0/0    Start   true   this machine") && forces.contains("sensor broken\n"),
        "{forces}"
    );
    let rows: Value = serde_json::from_str(&told.out(&["forces", "--json"])).unwrap();
    assert_eq!(
        [&rows[1]["address"], &rows[1]["expires_at_ms"]],
        [&json!("N:7"), &Value::Null]
    );
    let underneath = "plc/line/N:7 = -5 (forced; what was written stands underneath)\n";
    told.check(&["write", "N:7", "9"], 0, underneath, "");
    told.check(&["release", "N:7"], 0, "N:7 is released in line\n", "");
    told.check(
        &["toggle", "Start"],
        0,
        "plc/line/I:0/0 = true (forced; underneath it is true now)\n",
        "",
    );
    told.check(&["toggle", "B:3/1"], 0, "plc/line/B:3/1 = true\n", "");
    told.check(&["toggle", "N:7"], 1, "", "expected a bit such as `B:3/1`");
    told.check(&["write", "N:7", "10"], 0, "plc/line/N:7 = 10\n", "");
    told.check(&["release", "--all"], 0, "everything is released in line\n", "");
    told.check(&["write", "Start", "1"], 0, "plc/line/I:0/0 = true (converted)\n", "");
    told.check(
        &["write", "Start", "fast"],
        2,
        "",
        "expected on, off, true, false or a whole number",
    );
    told.check(&["write", "Nobody", "1"], 1, "", "(bad_value)");
    told.check(
        &["write", "N:7", "3", "--context", "two"],
        0,
        "plc/Line 2/N:7 = 3\n",
        "",
    );
    let watched = "plc/line/N:9 = 0  (stale: the engine is stopped)\n";
    told.check(&["watch", "Start", "N:9", "--count", "2"], 0, watched, "");
    told.check(
        &["watch", "Start", "--count", "1"],
        0,
        "plc/line/I:0/0 = true  (stale: the engine is stopped)\n",
        "",
    );
    told.check(&["watch", "Nobody"], 2, "", "or a symbol of the program in line");

    told.check(&["break", "1"], 0, "line pauses before rung 1\n", "");
    told.out(&["start"]);
    eventually("the breakpoint is hit", || {
        told.out(&["status"]).contains("Paused, rung 1 is next")
    });
    told.check(
        &["break", "--clear", "1"],
        0,
        "line has no breakpoint before rung 1\n",
        "",
    );
    told.check(&["break", "--clear"], 0, "line has no breakpoints\n", "");
    told.check(&["break", "9"], 1, "", "(plc_refused)");
}

#[test]
fn a_preset_says_when_it_is_loaded_anew_and_the_rungs_are_measured() {
    let (told, folder) = (Told::new(), tempfile::tempdir().unwrap());
    let text = format!("{PROGRAM}RUNG \"Pause\"\nSOR XIC I:0/7 TON T:5 100 EOR\n");
    let program = file(folder.path(), "line.ladder", &text);
    told.out(&["download", &program]);
    let until = "plc/line/T:4.PRE = 250\nit counts until the next start, which loads the preset of the program\n";
    told.check(&["write", "T:4.PRE", "250"], 0, until, "");

    told.check(&["profile"], 1, "", "crosstie plc profile --on begins it");
    told.check(&["profile", "--on"], 0, "the rungs of line are measured\n", "");
    told.check(&["profile"], 0, "line has finished no scan since measuring began\n", "");
    told.out(&["start"]);
    eventually("a scan is measured", || told.out(&["profile"]).starts_with("RUNG"));
    let table = told.out(&["profile", "--top", "0"]);
    assert!(table.contains("Pause") && table.contains("100.0 %"), "{table}");
    assert!(
        table.contains("a scan takes ") && table.contains("measuring takes "),
        "{table}"
    );
    let json: Value = serde_json::from_str(&told.out(&["profile", "--json"])).unwrap();
    assert_eq!(json["on"], true);
    told.check(
        &["profile", "--off"],
        0,
        "the rungs of line are no longer measured\n",
        "",
    );
}

#[test]
fn scan_tables_are_run_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let good = file(folder.path(), "good.scan", GOOD_TABLE);
    let passed =
        format!("passed  {good}:1  a timer is done in the scan that fills it\n\n1 passed, 0 failed in 1 table\n");
    check(&["plc", "scan-test", &good], 0, &passed, "");
    fs::create_dir(folder.path().join("more")).unwrap();
    let bad = file(&folder.path().join("more"), "bad.scan", BAD_TABLE);
    file(folder.path(), "no-table.txt", "nothing");
    let report = folder.path().join("report.xml");
    let arguments = ["plc", "scan-test", word(folder.path()), "--junit", word(&report)];
    let failed = format!("FAILED  {bad}:5  it does <not> hold\n        {bad}:8: expected O:0/0 = 0, got 1\n");
    check(&arguments, 1, &failed, "");
    check(&arguments, 1, "\n2 passed, 1 failed in 2 tables\n", "");

    let xml = fs::read_to_string(&report).unwrap();
    let read = quick_junit::Report::deserialize_from_str(&xml).expect("it is JUnit");
    let outcomes: Vec<(&str, bool)> = (read.test_suites.iter())
        .flat_map(|suite| &suite.test_cases)
        .map(|case| {
            let is_good = matches!(case.status, quick_junit::TestCaseStatus::Success { .. });
            (case.name.as_str(), is_good)
        })
        .collect();
    let expected = [
        ("a timer is done in the scan that fills it", true),
        ("it holds", true),
        ("it does <not> hold", false),
    ];
    assert_eq!(outcomes, expected);
}

#[test]
fn the_examples_of_the_tree_can_run_and_do_what_their_tables_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ladder");
    check(
        &["plc", "scan-test", word(&folder)],
        0,
        " passed, 0 failed in 10 tables\n",
        "",
    );
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "plcproj") {
            check(&["plc", "check", word(&path)], 0, " instructions\n", "");
        }
    }
}

#[test]
fn a_table_names_a_project_beside_it_and_an_unreadable_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let program = file(folder.path(), "line.ladder", PROGRAM);
    let project = folder.path().join("line.plcproj");
    check(&["plc", "convert", &program, word(&project)], 0, "2 rungs", "");
    let table = "case the program of a file\nprogram line.plcproj\ncolumns ms I:0/0 | O:0/0\n 10 1 | 1\n";
    let table = file(folder.path(), "line.scan", table);
    check(&["plc", "scan-test", &table], 0, "1 passed, 0 failed in 1 table", "");
    let broken = file(
        folder.path(),
        "broken.scan",
        "case x\nSOR XIC I:0/0 OTE O:0/0 EOR\ncolumns I:0/0\n",
    );
    let told = format!("UNREADABLE  {broken}\n            {broken}:3: ");
    check(&["plc", "scan-test", &table, &broken], 2, &told, "");
    check(
        &["plc", "scan-test", &table, &broken],
        2,
        "1 passed, 0 failed in 2 tables, 1 of them unreadable\n",
        "",
    );
    check(
        &["plc", "scan-test", "no such table.scan"],
        2,
        "UNREADABLE  no such table.scan: ",
        "",
    );
    let empty = tempfile::tempdir().unwrap();
    check(
        &["plc", "scan-test", word(empty.path())],
        2,
        "0 passed",
        "no case was found",
    );
}

#[test]
fn programs_in_files_are_checked_and_converted() {
    let folder = tempfile::tempdir().unwrap();
    let good = file(folder.path(), "good.ladder", PROGRAM);
    let bad = file(folder.path(), "bad.ladder", "SOR XIC ? OTE O:0/0 EOR\n");
    check(
        &["plc", "check", &good],
        0,
        &format!("{good}: 2 rungs, 4 instructions\n"),
        "",
    );
    let found = format!("{bad}:1:9: error[E005]: ");
    check(&["plc", "check", &good, &bad], 2, &found, "");
    check(&["plc", "check", &bad], 2, &format!("{bad}: cannot run\n"), "");
    check(&["plc", "check", "none.ladder", &good], 2, "2 rungs", "none.ladder: ");
    let output = crosstie(&["plc", "check", &bad, "--json"]);
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!([&rows[0]["code"], &rows[0]["line"]], [&json!("E005"), &json!(1)]);

    let project = folder.path().join("line.plcproj");
    check(&["plc", "convert", &good, word(&project)], 0, "wrote ", "");
    check(&["plc", "convert", &good, word(&project)], 1, "", "--force replaces it");
    check(&["plc", "check", word(&project)], 0, "2 rungs, 4 instructions", "");
    let output = crosstie(&["plc", "convert", word(&project), "-"]);
    assert_eq!(text(&output.stdout), PROGRAM);
    check(&["plc", "convert", &bad, "-"], 0, "SOR XIC ? OTE O:0/0 EOR\n", "");
    let broken = file(folder.path(), "broken.plcproj", "<PLCProject><Rung></PLCProject>");
    check(&["plc", "convert", &broken, "-"], 2, "", "broken.plcproj:1:");

    let several = "<MultiPLCProject version=\"1.0\"><Contexts><Context id=\"a\" name=\"A\"><Program>PROJECT</Program></Context>\
                   <Context id=\"b\" name=\"B\"/></Contexts></MultiPLCProject>";
    let inner = fs::read_to_string(&project).unwrap();
    let inner = &inner[inner.find("<PLCProject").unwrap()..];
    let several = file(folder.path(), "both.mplcproj", &several.replace("PROJECT", inner));
    check(
        &["plc", "check", &several],
        0,
        "both.mplcproj: 2 contexts, 2 rungs, 4 instructions\n",
        "",
    );
}

#[test]
fn a_hub_without_contexts_says_how_one_is_made() {
    let hub = TestHub::start("[web]\nport = 0\n");
    let at = format!("http://{}", hub.web());
    let told = "the hub has no PLC contexts; [piplc] or [[plc]] in its project makes one";
    check(&["plc", "status", "--at", &at], 1, "", told);
    check(&["plc", "start", "--at", &at], 1, "", told);
    check(&["plc", "status", "--json", "--at", &at], 0, "[]\n", "");
    // The live channel of this hub stays usable beside it.
    Client::connect(hub.web(), "/api/v1/live").next_of("hello");
}
