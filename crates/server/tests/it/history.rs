//! The historian over a real hub: what was written is found again over HTTP, from the command line and after a restart.

use crate::cli::{crosstie, text};
use crate::support::{TestHub, eventually, http};
use serde_json::{Value, json};

const PROJECT: &str = "[web]\nport = 0\n[history]\nsignals = [\"twin/line/**\"]\n[[realvirtual]]\nname = \"line\"\nport = 0\n\
    [[realvirtual.signal]]\nname = \"Level\"\ntype = \"Float\"\nwriter = \"hub\"\n";

fn write(hub: &TestHub, value: f64) {
    let body = json!({ "value": value }).to_string();
    assert_eq!(hub.http("PUT", "/api/v1/signals/twin/line/Level", &body).0, 200);
}

fn values(hub: &TestHub) -> Vec<Value> {
    let answer = hub.get("/api/v1/history?signal=twin/line/Level");
    let points = answer["points"].as_array().expect("a list");
    points.iter().map(|point| point["value"].clone()).collect()
}

#[test]
fn what_a_signal_was_is_found_again_also_after_a_restart() {
    let hub = TestHub::start(PROJECT);
    for value in [1.5, 2.5, 3.5] {
        write(&hub, value);
    }
    let all = [json!(0.0), json!(1.5), json!(2.5), json!(3.5)];
    eventually("the samples are written", || values(&hub) == all);
    // It counts what it has written a moment after it stands in the file.
    eventually("they are counted", || hub.get("/api/v1/historian")["rows"] == 4);
    let state = hub.get("/api/v1/historian");
    assert_eq!(
        (&state["signals"], &state["dropped"]),
        (&json!(1), &json!(0)),
        "{state}"
    );

    let (status, _, csv) = http(
        hub.web(),
        "GET",
        "/api/v1/history?signal=twin/line/Level&format=csv",
        &[],
        "",
    );
    assert_eq!(status, 200);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "at_ms,value,quality,min,avg,max,count");
    assert!(lines[4].ends_with(",3.5,,,,,"), "{csv}");

    // Host and port are enough.
    let at = hub.web().to_string();
    let shown = crosstie(&["history", "twin/line/Level", "--at", &at]);
    assert!(text(&shown.stdout).contains("3.5"), "{}", text(&shown.stdout));
    assert_eq!(crosstie(&["history", "--state", "--at", &at]).status.code(), Some(0));

    let kept = tempfile::tempdir().unwrap();
    std::fs::write(kept.path().join("crosstie.toml"), PROJECT).unwrap();
    let state = kept.path().join("state");
    std::fs::create_dir(&state).unwrap();
    for name in ["history.db", "history.db-wal"] {
        // A copy of the files of a hub that runs: what a power loss leaves.
        let from = hub.folder().join("state").join(name);
        std::fs::copy(from, state.join(name)).unwrap();
    }
    hub.stop();
    let hub = TestHub::start_in(kept, |_| ()).unwrap();
    let kept = values(&hub);
    assert_eq!(kept[..4], all, "{kept:?}");
}

#[test]
fn a_question_that_is_none_is_refused_with_what_was_expected() {
    let hub = TestHub::start(PROJECT);
    for (query, words) in [
        (
            "signal=twin/line/Level&points=0",
            "`points`: expected a whole number from 1 to 10000",
        ),
        (
            "signal=twin/line/Level&from_ms=5&to_ms=4",
            "the first not after the second",
        ),
        ("signal=twin/line/Level&from_ms=-1", "milliseconds since 1970"),
        ("signal=twin/line/Level&format=xml", "expected json or csv"),
        ("from_ms=1", "signal"),
    ] {
        let (status, answer) = hub.http("GET", &format!("/api/v1/history?{query}"), "");
        assert_eq!(status, 400, "{query}: {answer}");
        assert!(answer.to_string().contains(words), "{query}: {answer}");
    }
    let (status, answer) = hub.http("GET", "/api/v1/history?signal=not%20a%20name", "");
    assert_eq!(status, 404, "{answer}");
    let silent = TestHub::start("[web]\nport = 0\n");
    let (status, answer) = silent.http("GET", "/api/v1/historian", "");
    assert_eq!(status, 404);
    assert!(answer.to_string().contains("history.signals"), "{answer}");
}
