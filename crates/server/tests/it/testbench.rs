//! Tests of a project from outside: `crosstie test`, and the same over HTTP beside a hub that runs.

use crate::cli::{check, crosstie, text, word};
use crate::keys::key;
use crate::support::{TestHub, eventually, http};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const PROJECT: &str = r#"
[web]
port = 0

[record]
autostart = true

[[realvirtual]]
name = "line"
port = 0
[[realvirtual.signal]]
name = "Start"
type = "Bool"
writer = "hub"
[[realvirtual.signal]]
name = "Stop"
type = "Bool"
writer = "hub"
[[realvirtual.signal]]
name = "Run"
type = "Bool"
writer = "hub"

[[plc]]
name = "line"
program = "seal.ladder"
scan_time_ms = 10
autostart = true

[[route]]
from = "twin/line/Start"
to = "plc/line/I:0/0"
[[route]]
from = "twin/line/Stop"
to = "plc/line/I:0/1"
[[route]]
from = "plc/line/O:0/0"
to = "twin/line/Run"
"#;

const SEAL: &str = "SOR BST XIC I:0/0 NXB XIC O:0/0 BND XIO I:0/1 OTE O:0/0 EOR\n";

/// The seal contact looks at a bit that nobody writes.
const BROKEN: &str = "SOR BST XIC I:0/0 NXB XIC B:7/7 BND XIO I:0/1 OTE O:0/0 EOR\n";

const SCRIPT: &str = "name = \"it seals itself in\"\nseeds = [1, 2]\n\
    [[step]]\nset = { \"twin/line/Start\" = true }\nexpect = { \"twin/line/Run\" = true }\nwithin_ms = 20\n\
    [[step]]\nafter_ms = 100\nset = { \"twin/line/Start\" = false }\nexpect = { \"plc/line/O:0/0\" = true }\nfor_ms = 300\n";

/// A project with these tests.
fn project(tests: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("what a test made is there");
    fs::write(folder.path().join("crosstie.toml"), PROJECT).expect("what a test made is there");
    fs::write(folder.path().join("seal.ladder"), SEAL).expect("what a test made is there");
    fs::create_dir(folder.path().join("tests")).expect("what a test made is there");
    for (name, text) in tests {
        fs::write(folder.path().join("tests").join(name), text).expect("what a test made is there");
    }
    folder
}

#[test]
fn scripts_pass_and_fail_with_their_exit_codes() {
    let folder = project(&[("seal.toml", SCRIPT)]);
    let dir = word(folder.path());
    check(
        &["test", "run", dir],
        0,
        "passed  seal.toml  it seals itself in, seed 2\n",
        "",
    );
    check(
        &["test", "run", dir, "--repeat", "50"],
        0,
        "2 passed, 0 failed; 100 runs in",
        "",
    );
    check(&["test", "run", dir, "--filter", "seed 2"], 0, "1 passed, 0 failed", "");
    check(
        &["test", "run", dir, "--filter", "robot"],
        2,
        "",
        "no test fits the filter 'robot'",
    );
    fs::write(folder.path().join("seal.ladder"), BROKEN).unwrap();
    let report = folder.path().join("report.xml");
    let arguments = ["test", "run", dir, "--junit", word(&report), "--ascii"];
    check(
        &arguments,
        1,
        "seal.toml:7: expected plc/line/O:0/0 = true, got false; it was to stay so for 300 ms, at ",
        "",
    );
    check(&arguments, 1, "plc/line/B:7/7 ", "");
    check(&arguments, 1, "####____", "");
    let report = fs::read_to_string(report).unwrap();
    assert!(
        report.contains("failures=\"2\"") && report.contains("####____"),
        "{report}"
    );
    let output = crosstie(&["test", "run", dir, "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&found["passed"], &found["failed"], &found["cases"]),
        (&json!(false), &json!(2), &json!(2))
    );
}

#[test]
fn a_test_or_a_project_that_is_wrong_itself_is_exit_code_two() {
    let folder = project(&[("bad.toml", "[[step]]\nexpect = { \"motor\" = 1 }\n")]);
    let dir = word(folder.path());
    check(&["test", "run", dir], 2, "bad.toml:2:12: error: ", "");
    fs::write(folder.path().join("crosstie.toml"), "[web]\nport = -1\n").unwrap();
    check(&["test", "run", dir], 2, "the project is not sound", "");
    check(
        &["test", "run", word(&folder.path().join("nowhere"))],
        2,
        "",
        "expected a folder or a test",
    );
    let nothing = tempfile::tempdir().unwrap();
    check(&["test", "run", word(nothing.path())], 2, "", "no test was found");
}

fn press(hub: &TestHub, name: &str, on: bool) {
    let (status, body) = hub.http(
        "PUT",
        &format!("/api/v1/signals/twin/line/{name}"),
        &json!({ "value": on }).to_string(),
    );
    assert_eq!(status, 200, "{body}");
}

fn eventually_runs(hub: &TestHub, runs: bool) {
    eventually("the line follows", || {
        hub.get("/api/v1/signals/twin/line/Run")["value"] == json!(runs)
    });
}

/// Presses start and stop on a hub that records from its start; gives the name of the recording.
fn session(hub: &TestHub) -> String {
    press(hub, "Start", true);
    eventually_runs(hub, true);
    let scans = || {
        hub.get("/api/v1/plc/contexts/line")["context"]["scan"]["count"]
            .as_u64()
            .unwrap_or(0)
    };
    // Longer than what a test may be beside its recording.
    let pressed = scans();
    eventually("twenty scans with start", || scans() >= pressed + 20);
    press(hub, "Start", false);
    // The seal holds it over a few scans.
    eventually("the PLC sees start go", || {
        hub.get("/api/v1/signals/plc/line/I:0/0")["value"] == json!(false)
    });
    let released = scans();
    eventually("twenty scans", || scans() >= released + 20);
    press(hub, "Stop", true);
    eventually_runs(hub, false);
    let (status, row) = hub.http("POST", "/api/v1/recordings/stop", "");
    assert_eq!(status, 200, "{row}");
    row["name"].as_str().expect("what a test made is there").to_owned()
}

#[test]
fn a_session_of_a_running_hub_becomes_a_test_and_a_broken_rung_fails_it() {
    let folder = project(&[("seal.toml", SCRIPT)]);
    let hub = TestHub::start_in(folder, |_| {}).unwrap();
    let name = session(&hub);
    let order = json!({"recording": name, "name": "session"}).to_string();
    let (status, row) = hub.http("POST", "/api/v1/tests/accept", &order);
    assert_eq!(status, 201, "{row}");
    assert_eq!(row, json!({"name": "session", "kind": "recording", "last": null}));
    let (status, again) = hub.http("POST", "/api/v1/tests/accept", &order);
    assert_eq!((status, &again["error"]["code"]), (409, &json!("conflict")));

    let (status, ran) = hub.http("POST", "/api/v1/tests/run", &json!({"repeat": 20}).to_string());
    assert_eq!(
        (status, &ran["passed"], &ran["cases"]),
        (200, &json!(true), &json!(3)),
        "{ran}"
    );
    let list = hub.get("/api/v1/tests");
    let names: Vec<&Value> = list["tests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|test| &test["name"])
        .collect();
    assert_eq!(names, [&json!("seal.toml"), &json!("session")]);
    assert_eq!(
        (&list["tests"][1]["last"]["passed"], &list["running"]),
        (&json!(true), &Value::Null)
    );

    fs::write(hub.folder().join("seal.ladder"), BROKEN).unwrap();
    let (status, ran) = hub.http("POST", "/api/v1/tests/run", &json!({"name": "session"}).to_string());
    let said = ran["results"][0]["text"].as_str().unwrap_or_default();
    assert_eq!((status, &ran["passed"]), (200, &json!(false)), "{ran}");
    for word in [
        "plc/line/O:0/0: expected true, got false at ",
        " ms, scan ",
        "expected",
        "▔",
        "plc/line/I:0/0",
    ] {
        assert!(said.contains(word), "{word:?} in {said}");
    }
    assert_eq!(hub.get("/api/v1/tests")["tests"][1]["last"]["passed"], json!(false));
    let output = crosstie(&["test", "run", word(hub.folder())]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    // What this project does not do any more is no test of it.
    let dir = word(hub.folder());
    check(
        &["test", "accept", &name, dir, "--name", "other"],
        1,
        "",
        "the project does not do what the recording says",
    );
    assert!(!Path::new(dir).join("tests/other.test.toml").exists());
    fs::write(hub.folder().join("seal.ladder"), SEAL).unwrap();
    let signals = ["--signals", "plc/**", "--tolerance", "plc/line/N:1=0.5"];
    let mut arguments = vec!["test", "accept", &name, dir, "--name", "other"];
    arguments.extend(signals);
    check(&arguments, 0, "other compares ", "");
    check(&arguments, 1, "", "--force replaces it");
    check(&["test", "run", dir], 0, "passed  other  other", "");
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    let hub = TestHub::start_in(project(&[]), |_| {}).unwrap();
    let refused = |path: &str, body: Value| {
        let (status, body) = hub.http("POST", &format!("/api/v1/tests/{path}"), &body.to_string());
        (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(hub.get("/api/v1/tests")["tests"], json!([]));
    assert_eq!(
        refused("run", json!({"name": "robot"})),
        (404, String::from("not_found"))
    );
    assert_eq!(refused("run", json!({"repeat": 0})), (422, String::from("bad_value")));
    assert_eq!(
        refused("run", json!({"repeat": 1_001})),
        (422, String::from("bad_value"))
    );
    for name in ["robot", "../crosstie", "", "/etc/passwd"] {
        assert_eq!(
            refused("accept", json!({"recording": name})),
            (404, String::from("not_found")),
            "{name}"
        );
    }
}

#[test]
fn what_differs_is_shown_to_whoever_sees_every_signal() {
    let folder = project(&[("wrong.toml", "[[step]]\nexpect = { \"twin/line/Run\" = true }\n")]);
    let narrow = ["--view", "plc/**"];
    let whole = key(folder.path(), "whole", "engineer", &[]);
    let [viewer, operator, engineer] =
        ["viewer", "operator", "engineer"].map(|role| key(folder.path(), role, role, &narrow));
    let hub = TestHub::start_in(folder, |_| {}).unwrap();
    let ask = |key: &str, method: &str, path: &str, body: &str| {
        let (status, _, body) = http(
            hub.web(),
            method,
            &format!("/api/v1/tests{path}"),
            &[&format!("X-API-Key: {key}")],
            body,
        );
        (status, body)
    };
    let says = |key: &str, method: &str, path: &str, body: &str| {
        let (status, body) = ask(key, method, path, body);
        assert_eq!(status, 200, "{body}");
        body.contains("twin/line/Run")
    };
    assert!(says(&whole, "POST", "/run", "{}"));
    assert!(says(&whole, "GET", "", ""));
    assert!(!says(&operator, "POST", "/run", "{}"));
    for key in [&viewer, &operator, &engineer] {
        assert!(!says(key, "GET", "", ""));
    }
    let order = r#"{"recording":"any"}"#;
    assert_eq!(ask(&engineer, "POST", "/accept", order).0, 403);
}
