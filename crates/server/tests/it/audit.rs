//! The audit log as people meet it: what a hub and the command line write, and what `crosstie check` says about it.

use crate::cli::{crosstie, text};
use crate::keys::{key, project};
use crate::support::{TestHub, eventually};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const PROJECT: &str = "[web]\nport = 0\n[[realvirtual]]\nname = \"line\"\nport = 0\n\
    [[realvirtual.signal]]\nname = \"Start\"\ntype = \"Bool\"\nwriter = \"hub\"\n";

fn write(hub: &TestHub, value: bool) {
    let body = json!({ "value": value }).to_string();
    let (status, answer) = hub.http("PUT", "/api/v1/signals/twin/line/Start", &body);
    assert_eq!(status, 200, "{answer}");
}

fn entries(hub: &TestHub, query: &str) -> Vec<Value> {
    let answer = hub.get(&format!("/api/v1/audit{query}"));
    answer["entries"].as_array().expect("a list").clone()
}

fn wait_for(hub: &TestHub, count: usize) {
    eventually("the entries are written", || entries(hub, "").len() >= count);
}

/// Exit code and output of `crosstie check`.
fn check(folder: &Path) -> (Option<i32>, String) {
    let folder = folder.to_str().expect("a temporary folder has a plain name");
    let output = crosstie(&["check", folder]);
    (output.status.code(), text(&output.stdout))
}

#[test]
fn what_somebody_does_is_written_down_and_read_from_the_end() {
    let hub = TestHub::start(PROJECT);
    assert!(entries(&hub, "").is_empty());
    for value in [true, false, true] {
        write(&hub, value);
    }
    wait_for(&hub, 3);
    let page = entries(&hub, "?limit=2");
    let newest = &page[0];
    assert_eq!(
        [&newest["n"], &newest["what"], &newest["subject"]],
        [&json!(3), &json!("write"), &json!("twin/line/Start")]
    );
    assert_eq!(
        [&newest["who"], &newest["old"], &newest["new"]],
        [&json!("this machine"), &json!(false), &json!(true)]
    );
    assert!(newest["from"].as_str().unwrap().starts_with("127.0.0.1:"), "{newest}");
    assert_eq!(page.len(), 2);
    assert_eq!(entries(&hub, "?before=2")[0]["n"], 1);
    assert_eq!(hub.http("GET", "/api/v1/audit?limit=0", "").0, 400);
    assert_eq!(hub.http("GET", "/api/v1/audit?before=x", "").0, 400);

    let folder = hub.folder().to_str().unwrap().to_owned();
    let lines = text(&crosstie(&["audit", &folder, "--tail", "2"]).stdout);
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert!(
        lines
            .lines()
            .next()
            .unwrap()
            .contains("write  twin/line/Start  true → false"),
        "{lines}"
    );
    assert_eq!(text(&crosstie(&["audit", &folder]).stdout).lines().count(), 3);
}

#[test]
fn the_hub_and_the_command_line_write_one_chain() {
    let folder = project(PROJECT);
    key(folder.path(), "Anna", "engineer", &[]);
    assert!(
        crosstie(&["key", "revoke", "k1", folder.path().to_str().unwrap()])
            .status
            .success()
    );
    let hub = TestHub::start_in(folder, |_| ()).unwrap();
    write(&hub, true);
    wait_for(&hub, 3);
    let engineer = key(hub.folder(), "Ben", "engineer", &[]);
    let (status, _) = check(hub.folder());
    assert_eq!(status, Some(0));
    let log = fs::read_to_string(hub.folder().join("state/audit.jsonl")).unwrap();
    let what: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["what"].clone())
        .collect();
    assert_eq!(what, ["key.add", "key.revoke", "write", "key.add"]);
    assert!(!log.contains(&engineer) && log.contains("the command line"));
}

#[test]
fn one_changed_byte_is_found_and_named_by_check() {
    let hub = TestHub::start(PROJECT);
    for value in [true, false, true, false] {
        write(&hub, value);
    }
    wait_for(&hub, 4);
    assert_eq!(check(hub.folder()).0, Some(0));
    let file = hub.folder().join("state/audit.jsonl");
    let sound = fs::read_to_string(&file).unwrap();
    let third = sound.match_indices('\n').nth(1).unwrap().0 + 1;
    let at = third + sound[third..].find("twin/line").unwrap();
    let mut bytes = sound.clone().into_bytes();
    bytes[at] = b'T';
    fs::write(&file, bytes).unwrap();
    let (status, told) = check(hub.folder());
    assert_eq!(status, Some(2), "{told}");
    assert!(told.contains("audit.jsonl:3:1"), "{told}");
    let output = crosstie(&["check", hub.folder().to_str().unwrap(), "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        [&found[0]["code"], &found[0]["line"]],
        [&json!("audit_broken"), &json!(3)]
    );

    let last = sound.trim_end().rfind('\n').unwrap() + 1;
    fs::write(&file, &sound[..last]).unwrap();
    let output = crosstie(&["check", hub.folder().to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let told = found[0]["found"].as_str().unwrap();
    assert!(
        told.ends_with("line 4: the entries 4 to 4 are missing at the end"),
        "{told}"
    );
    fs::write(&file, sound).unwrap();
    assert_eq!(check(hub.folder()).0, Some(0));
}

#[test]
fn a_torn_last_line_is_cut_off_at_the_start_and_that_is_written_down() {
    let folder = project(PROJECT);
    key(folder.path(), "Anna", "engineer", &[]);
    assert!(
        crosstie(&["key", "revoke", "k1", folder.path().to_str().unwrap()])
            .status
            .success()
    );
    let file = folder.path().join("state/audit.jsonl");
    let sound = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{sound}{{\"n\":3,\"at\":\"20")).unwrap();
    let (status, told) = check(folder.path());
    assert_eq!(status, Some(0), "a warning: {told}");
    assert!(told.contains("1 warning"), "{told}");
    let hub = TestHub::start_in(folder, |_| ()).unwrap();
    wait_for(&hub, 3);
    assert_eq!(entries(&hub, "?limit=1")[0]["what"], "audit.cut");
    assert_eq!(check(hub.folder()).0, Some(0));
}

#[test]
fn a_log_that_cannot_be_written_is_a_problem_and_the_gap_is_written_down_afterwards() {
    let hub = TestHub::start(PROJECT);
    let file = hub.folder().join("state/audit.jsonl");
    fs::create_dir_all(&file).unwrap();
    let problem = || {
        let health = hub.get("/api/v1/health");
        let problems = health["problems"].as_array().unwrap();
        problems.iter().find(|problem| problem["id"] == "audit").cloned()
    };
    write(&hub, true);
    write(&hub, false);
    eventually("both entries are missed", || {
        problem().is_some_and(|problem| problem["text"].as_str().unwrap().contains("2 entries are missing"))
    });
    fs::remove_dir(&file).unwrap();
    eventually("the problem is over", || problem().is_none());
    write(&hub, true);
    wait_for(&hub, 2);
    let page = entries(&hub, "");
    assert_eq!(
        [&page[1]["what"], &page[1]["subject"]],
        [&json!("audit.missing"), &json!("2 entries are missing")]
    );
    assert_eq!(page[0]["what"], "write");
    assert_eq!(check(hub.folder()).0, Some(0));
}
