//! Recordings that are executed again: the same bytes twice, the samples of then, the first difference of a changed program.

use crate::cli::{crosstie, text, word};
use crate::support::{Client, TestHub, eventually};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// N:1 counts scans, O:0/0 follows the button, O:0/1 follows N:7.
const PROGRAM: &str = "SOR XIC I:0/0 OTE O:0/0 EOR\nSOR XIC I:0/0 CTU C:0 9999 EOR\nSOR ADD N:1 1 N:1 EOR\nSOR GRT N:7 10 OTE O:0/1 EOR\n";

const PROJECT: &str = r#"
[web]
port = 0
[record]
autostart = true
[[plc]]
name = "line"
program = "line.txt"
scan_time_ms = 2
autostart = true
[[realvirtual]]
name = "cell"
port = 0
[[realvirtual.signal]]
name = "Button"
type = "Bool"
writer = "peer"
[[realvirtual.signal]]
name = "Speed"
type = "Float"
writer = "peer"
[[realvirtual.signal]]
name = "Lamp"
type = "Bool"
writer = "hub"
[[route]]
from = "twin/cell/Button"
to = "plc/line/I:0/0"
[[route]]
from = "plc/line/O:0/0"
to = "twin/cell/Lamp"
"#;

fn folder(project: &str, program: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("the system gives a folder");
    fs::write(folder.path().join("crosstie.toml"), project).expect("the folder takes a file");
    fs::write(folder.path().join("line.txt"), program).expect("the folder takes a file");
    folder
}

fn value(hub: &TestHub, name: &str) -> Value {
    hub.get(&format!("/api/v1/signals/{name}"))["value"].clone()
}

/// A client presses the button twice, somebody writes over HTTP, a program is stopped and started.
fn session(hub: &TestHub) {
    eventually("the program scans", || value(hub, "plc/line/N:1").as_i64() > Some(20));
    let mut twin = Client::connect(hub.endpoint("cell"), "/");
    twin.send(r#"{"type":"init","version":2,"name":"twin"}"#);
    twin.send(r#"{"type":"subscribe","version":2}"#);
    twin.next_of("snapshot");
    for on in [true, false, true] {
        let write =
            json!({"type": "data", "version": 2, "signals": {"Button": on, "Speed": 0.1 + f64::from(u8::from(on))}});
        twin.send(&write.to_string());
        eventually("the lamp follows", || value(hub, "twin/cell/Lamp") == on);
    }
    twin.send("this is no message");
    let write = json!({"value": 12}).to_string();
    let (status, body) = hub.http("PUT", "/api/v1/signals/plc/line/N:7", &write);
    assert_eq!(status, 200, "{body}");
    eventually("the program has seen it", || value(hub, "plc/line/O:0/1") == true);
    for command in ["stop", "start"] {
        let body = json!({ "command": command }).to_string();
        let (status, body) = hub.http("POST", "/api/v1/plc/contexts/line/command", &body);
        assert_eq!(status, 200, "{command}: {body}");
    }
    eventually("it scans again", || value(hub, "sys/plc/line/running") == true);
}

/// The only recording in a project folder.
fn recording(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder.join("recordings")).expect("there is a recording");
    let mut files = files.map(|file| file.expect("the folder can be read").path());
    files.next().expect("there is a recording")
}

fn execute(arguments: &[&str]) -> (Option<i32>, Value, String) {
    let output = crosstie(&[&["replay", "execute", "--json"], arguments].concat());
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), json, text(&output.stderr))
}

#[test]
fn a_session_is_executed_twice_to_the_same_bytes_and_to_the_samples_of_then() {
    let hub = TestHub::start_in(folder(PROJECT, PROGRAM), |_| ()).expect("the hub of a test starts");
    session(&hub);
    let kept = tempfile::tempdir().expect("the system gives a folder");
    let file = kept.path().join("session.mcap");
    let recorded = recording(hub.folder());
    let (status, stopped) = hub.http("POST", "/api/v1/recordings/stop", "");
    assert_eq!(status, 200, "{stopped}");
    fs::copy(recorded, &file).expect("a recording is a file");
    hub.stop();

    let (code, first, error) = execute(&[word(&file)]);
    assert_eq!((code, error.as_str()), (Some(0), ""), "{first}");
    assert_eq!(first["difference"], Value::Null, "{first}");
    assert_eq!(first["note"], Value::Null, "{first}");
    assert!(first["compared"].as_u64() > Some(50), "{first}");
    assert!(first["inputs"].as_u64() > Some(50), "{first}");
    let (_, second, _) = execute(&[word(&file)]);
    assert_eq!(first, second);
    assert_eq!(first["digest"].as_str().map(str::len), Some(64));

    // One rung is another one.
    let changed = folder(PROJECT, &PROGRAM.replace("XIC I:0/0 OTE", "XIO I:0/0 OTE"));
    let (code, other, error) = execute(&[word(&file), "--project", word(changed.path())]);
    assert_eq!(code, Some(1), "{other} {error}");
    assert_ne!(other["digest"], first["digest"]);
    assert_eq!(other["difference"]["signal"], "plc/line/O:0/0", "{other}");
    assert!(other["difference"]["scan"].is_u64(), "{other}");
}

#[test]
fn a_recording_that_did_not_begin_with_the_hub_is_refused_with_what_to_do() {
    let project = PROJECT.replace("autostart = true\n[[plc]]", "autostart = false\n[[plc]]");
    let hub = TestHub::start_in(folder(&project, PROGRAM), |_| ()).expect("the hub of a test starts");
    let (status, begun) = hub.http("POST", "/api/v1/recordings", r#"{"name": "late"}"#);
    assert_eq!(status, 201, "{begun}");
    let (status, stopped) = hub.http("POST", "/api/v1/recordings/stop", "");
    assert_eq!(status, 200, "{stopped}");
    let (code, _, error) = execute(&[word(&recording(hub.folder()))]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("did not begin with the hub"), "{error}");
    assert!(error.contains("crosstie run --record"), "{error}");
}
