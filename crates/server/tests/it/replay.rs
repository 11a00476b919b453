//! Recordings played again into a hub: over HTTP, the command line's API and the live channel, with a PLC that follows.

use crate::cli::{check, crosstie, text};
use crate::keys::{key, project};
use crate::support::{Client, TestHub, eventually, http};
use mcap::records::{MessageHeader, Metadata};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// The world's time at which the hub of the recording had begun.
const ORIGIN_NS: u64 = 1_770_000_000_000_000_000;

/// A recording, as the format says it: every generation has a time in milliseconds and its samples.
fn record(folder: &Path, name: &str, generations: &[(u64, Vec<Value>)]) {
    record_with(folder, name, generations, &[]);
}

/// The same with what is missing in it, told at its end.
fn record_with(folder: &Path, name: &str, generations: &[(u64, Vec<Value>)], gaps: &[Value]) {
    let folder = folder.join("recordings");
    std::fs::create_dir_all(&folder).expect("what a test made is there");
    let file = BufWriter::new(File::create(folder.join(format!("{name}.mcap"))).expect("what a test made is there"));
    let mut out = mcap::WriteOptions::new()
        .profile("crosstie")
        .create(file)
        .expect("what a test made is there");
    let fields = [
        ("format", "1"),
        ("crosstie", "0.1.0"),
        ("project", "test"),
        ("origin_ns", "1770000000000000000"),
        ("begins_ns", "0"),
        ("from_start", "false"),
        ("signals", "[]"),
        ("inputs", "false"),
    ];
    let fields = fields.map(|(key, value)| (key.to_owned(), value.to_owned()));
    out.write_metadata(&Metadata {
        name: String::from("crosstie.session"),
        metadata: fields.into(),
    })
    .expect("what a test made is there");
    let schema = out
        .add_schema("crosstie.Samples", "jsonschema", b"{}")
        .expect("what a test made is there");
    let channel = out
        .add_channel(schema, "/crosstie/samples", "json", &BTreeMap::new())
        .expect("what a test made is there");
    for (number, (at, signals)) in (1_u32..).zip(generations) {
        let log_time = ORIGIN_NS + at * 1_000_000;
        let header = MessageHeader {
            channel_id: channel,
            sequence: number,
            log_time,
            publish_time: log_time,
        };
        let samples = json!({"generation": number, "signals": signals});
        out.write_to_known_channel(&header, samples.to_string().as_bytes())
            .expect("what a test made is there");
    }
    let channel = out
        .add_channel(schema, "/crosstie/gaps", "json", &BTreeMap::new())
        .expect("what a test made is there");
    let last = generations.last().map_or(0, |(at, _)| *at);
    for gap in gaps {
        let log_time = ORIGIN_NS + last * 1_000_000;
        let header = MessageHeader {
            channel_id: channel,
            sequence: 0,
            log_time,
            publish_time: log_time,
        };
        out.write_to_known_channel(&header, gap.to_string().as_bytes())
            .expect("what a test made is there");
    }
    out.finish().expect("what a test made is there");
}

fn int(name: &str, value: i64) -> Value {
    json!({"name": name, "kind": "Int", "value": value, "by": "peer"})
}

fn bit(name: &str, value: bool) -> Value {
    json!({"name": name, "kind": "Bool", "value": value, "by": "peer"})
}

const EMPTY: &str = "[web]\nport = 0\n";

/// `Level` counts from 1 to 500, one each 2 ms; `Late` comes at 600 ms.
fn counted(folder: &Path) {
    let mut generations: Vec<(u64, Vec<Value>)> = (1..=500_i64)
        .map(|number| (number as u64 * 2, vec![int("twin/line/Level", number)]))
        .collect();
    generations[300].1.push(bit("twin/line/Late", true));
    record(folder, "counted", &generations);
}

fn start(hub: &TestHub, body: Value) -> Value {
    let (status, answer) = hub.http("POST", "/api/v1/replay", &body.to_string());
    assert_eq!(status, 201, "{answer}");
    answer
}

fn order(hub: &TestHub, word: &str) -> Value {
    let (status, answer) = hub.http("POST", &format!("/api/v1/replay/{word}"), "");
    assert_eq!(status, 200, "{answer}");
    answer
}

fn change(hub: &TestHub, body: Value) -> Value {
    let (status, answer) = hub.http("PUT", "/api/v1/replay", &body.to_string());
    assert_eq!(status, 200, "{answer}");
    answer
}

fn refusal(hub: &TestHub, method: &str, path: &str, body: Value) -> (u16, String, String) {
    let (status, answer) = hub.http(method, path, &body.to_string());
    let word = |key: &str| answer["error"][key].as_str().unwrap_or_default().to_owned();
    (status, word("code"), word("message"))
}

fn state(hub: &TestHub) -> String {
    hub.get("/api/v1/replay")["state"]
        .as_str()
        .expect("what a test made is there")
        .to_owned()
}

fn signal(hub: &TestHub, name: &str) -> Value {
    hub.get(&format!("/api/v1/signals/{name}"))
}

#[test]
fn every_generation_is_said_again_at_any_speed_and_is_old_at_the_end() {
    let hub = TestHub::start(EMPTY);
    counted(hub.folder());
    for speed in [0.0, 10.0, 100.0] {
        let before = hub.get("/api/v1/health")["generation"].as_u64();
        let shown = start(&hub, json!({"recording": "counted", "speed": speed}));
        assert_eq!((&shown["duration_ms"], &shown["speed"]), (&json!(1_000), &json!(speed)));
        eventually("it ends", || state(&hub) == "ended");
        let ended = hub.get("/api/v1/replay");
        assert_eq!(
            (&ended["position_ms"], &ended["signals"]),
            (&json!(1_000), &json!(2)),
            "{ended}"
        );
        let level = signal(&hub, "twin/line/Level");
        assert_eq!(
            (&level["value"], &level["quality"]),
            (&json!(500), &json!("stale")),
            "{level}"
        );
        assert_eq!(level["writer"], "a recording");
        if let (Some(before), Some(after)) = (before, hub.get("/api/v1/health")["generation"].as_u64()) {
            assert!(after - before >= 500, "none is left out: {before} {after}");
        }
    }
    assert_eq!(order(&hub, "stop")["state"], "idle");
    assert_eq!(signal(&hub, "sys/replay/state")["value"], "idle");
}

#[test]
fn a_seek_gives_the_state_of_that_time_forwards_and_backwards() {
    let hub = TestHub::start(EMPTY);
    counted(hub.folder());
    let shown = start(
        &hub,
        json!({"recording": "counted", "paused": true, "position_ms": 700}),
    );
    assert_eq!(
        (&shown["state"], &shown["position_ms"]),
        (&json!("paused"), &json!(700))
    );
    let level = |value: i64| {
        eventually(&format!("level {value}"), || {
            let (status, signal) = hub.http("GET", "/api/v1/signals/twin/line/Level", "");
            status == 200 && signal["value"] == json!(value)
        });
    };
    level(350);
    assert_eq!(signal(&hub, "twin/line/Late")["value"], json!(true));
    for to in [1_000_u64, 2, 998, 604, 602] {
        assert_eq!(change(&hub, json!({"position_ms": to}))["position_ms"], json!(to));
        level(to as i64 / 2);
        let late = signal(&hub, "twin/line/Late");
        match to >= 602 {
            true => assert_eq!(
                (&late["value"], &late["quality"]),
                (&json!(true), &json!("good")),
                "{to}"
            ),
            false => assert_eq!(
                (&late["value"], &late["reason"]),
                (&json!(false), &json!("never written")),
                "{to}"
            ),
        }
    }
    let (status, code, message) = refusal(&hub, "PUT", "/api/v1/replay", json!({"position_ms": 1_001}));
    assert_eq!((status, code.as_str()), (422, "bad_value"));
    assert!(message.contains("at most 1000"), "{message}");
    order(&hub, "play");
    eventually("it ends", || state(&hub) == "ended");
    level(500);
    order(&hub, "play");
    eventually("it ends again", || state(&hub) == "ended");
}

#[test]
fn a_loop_begins_anew_until_it_is_told_otherwise() {
    let hub = TestHub::start(EMPTY);
    counted(hub.folder());
    start(&hub, json!({"recording": "counted", "speed": 100.0, "loop": true}));
    let said = || {
        let (_, text) = hub.http("GET", "/metrics", "");
        let text = text.as_str().unwrap_or_default().to_owned();
        let line = text
            .lines()
            .find(|line| line.starts_with("crosstie_replay_samples_total "));
        line.and_then(|line| line.split(' ').nth(1)?.parse::<u64>().ok())
            .unwrap_or(0)
    };
    eventually("three rounds", || said() > 1_500);
    assert_eq!(state(&hub), "playing");
    change(&hub, json!({"loop": false}));
    eventually("it ends", || state(&hub) == "ended");
}

const PLANT: &str = r#"
[web]
port = 0
[[realvirtual]]
name = "line"
port = 0
[[realvirtual.signal]]
name = "Sensor"
type = "Bool"
writer = "peer"
[[realvirtual.signal]]
name = "Motor"
type = "Bool"
writer = "hub"
[[plc]]
name = "line"
program = "lamp.txt"
scan_time_ms = 2
autostart = true
[[route]]
from = "twin/line/Sensor"
to = "plc/line/I:0/0"
[[route]]
from = "plc/line/O:0/0"
to = "twin/line/Motor"
"#;

fn plant() -> TestHub {
    let folder = tempfile::tempdir().expect("what a test made is there");
    std::fs::write(folder.path().join("crosstie.toml"), PLANT).expect("what a test made is there");
    std::fs::write(folder.path().join("lamp.txt"), "SOR XIC I:0/0 OTE O:0/0 EOR\n").expect("what a test made is there");
    TestHub::start_in(folder, |_| {}).expect("what a test made is there")
}

#[test]
fn a_plc_follows_the_replayed_twin_and_what_is_made_here_is_not_said() {
    let hub = plant();
    let of_then = |at: u64, sensor: bool| {
        let samples = vec![
            bit("twin/line/Sensor", sensor),
            // What the PLC of that time had made: the opposite, so that it would be seen.
            bit("plc/line/O:0/0", !sensor),
            bit("twin/line/Motor", !sensor),
            json!({"name": "sys/plc/line/state", "kind": "Text", "value": "Fault"}),
        ];
        (at, samples)
    };
    record(hub.folder(), "twin", &[of_then(0, true), of_then(60_000, false)]);
    let motor = |on: bool| {
        eventually("the motor follows", || {
            signal(&hub, "twin/line/Motor")["value"] == json!(on)
        });
    };
    start(&hub, json!({"recording": "twin"}));
    motor(true);
    let shown = hub.get("/api/v1/replay");
    assert_eq!(
        (&shown["signals"], &shown["skipped_count"]),
        (&json!(1), &json!(3)),
        "{shown}"
    );
    let reasons: BTreeMap<&str, &str> = (shown["skipped"].as_array().unwrap().iter())
        .map(|skipped| (skipped["name"].as_str().unwrap(), skipped["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(reasons["twin/line/Motor"], "a route from 'plc/line/O:0/0' makes it");
    assert_eq!(reasons["plc/line/O:0/0"], "the engine of 'line' makes it");
    assert_eq!(reasons["sys/plc/line/state"], "the hub itself says it");
    change(&hub, json!({"position_ms": 60_000}));
    motor(false);
    change(&hub, json!({"position_ms": 0}));
    motor(true);
    assert_eq!(signal(&hub, "sys/plc/line/state")["value"], "Running");
}

#[test]
fn what_cannot_be_replayed_is_refused_in_words() {
    let hub = TestHub::start(EMPTY);
    counted(hub.folder());
    std::fs::write(hub.folder().join("recordings/text.mcap"), "no recording").unwrap();
    let start_of = |body: Value| refusal(&hub, "POST", "/api/v1/replay", body);
    for name in ["tuesday", "../crosstie", "", "/etc/passwd"] {
        let (status, code, _) = start_of(json!({"recording": name}));
        assert_eq!((status, code.as_str()), (404, "not_found"), "{name}");
    }
    let (status, code, message) = start_of(json!({"recording": "text"}));
    assert_eq!((status, code.as_str()), (500, "unreadable"), "{message}");
    for body in [
        json!({"recording": "counted", "speed": 101.0}),
        json!({"recording": "counted", "speed": -1.0}),
        json!({"recording": "counted", "speed": 0.0, "leads_clock": true}),
        json!({"recording": "counted", "position_ms": 5_000}),
    ] {
        let (status, code, _) = start_of(body.clone());
        assert_eq!((status, code.as_str()), (422, "bad_value"), "{body}");
    }
    assert_eq!(start_of(json!({"speed": 1.0})).0, 400);
    for word in ["play", "pause", "stop"] {
        let (status, code, _) = refusal(&hub, "POST", &format!("/api/v1/replay/{word}"), Value::Null);
        assert_eq!((status, code.as_str()), (409, "conflict"), "{word}");
    }
    assert_eq!(refusal(&hub, "POST", "/api/v1/replay/fly", Value::Null).0, 404);
    assert_eq!(state(&hub), "idle", "nothing of it is left");

    start(&hub, json!({"recording": "counted", "paused": true}));
    let (status, code, message) = start_of(json!({"recording": "counted"}));
    assert_eq!((status, code.as_str()), (409, "conflict"));
    assert!(message.contains("'counted' is being replayed"), "{message}");
}

#[test]
fn a_recording_that_was_cut_plays_to_where_it_is_whole_and_says_so() {
    let hub = TestHub::start(EMPTY);
    counted(hub.folder());
    let file = hub.folder().join("recordings/counted.mcap");
    let bytes = std::fs::read(&file).unwrap();
    // The summary and the end are gone; the one chunk is whole.
    std::fs::write(&file, &bytes[..bytes.len() - 40]).unwrap();
    let shown = start(&hub, json!({"recording": "counted", "speed": 0.0}));
    assert!(
        shown["error"].as_str().unwrap().contains("the end is missing"),
        "{shown}"
    );
    eventually("it ends", || state(&hub) == "ended");
    let problem = || {
        let problems = hub.get("/api/v1/health");
        let problems = problems["problems"].as_array().unwrap().clone();
        problems.iter().any(|problem| problem["id"] == "player:recording")
    };
    eventually("the problem is told", problem);
    order(&hub, "stop");
    eventually("the problem is over", || !problem());
}

#[test]
fn a_recording_with_gaps_plays_and_says_so() {
    let hub = TestHub::start(EMPTY);
    let gap = json!({"what": "samples", "why": "the recorder was behind", "from_ns": 1, "to_ns": 9, "lost": 3});
    let generations = [
        (0, vec![int("twin/line/Level", 1)]),
        (20, vec![int("twin/line/Level", 9)]),
    ];
    record_with(hub.folder(), "behind", &generations, &[gap.clone(), gap]);
    let shown = start(&hub, json!({"recording": "behind", "speed": 0.0}));
    assert_eq!(
        shown["error"], "the recording has 2 gaps: some of what happened is missing",
        "{shown}"
    );
    eventually("it ends", || state(&hub) == "ended");
    assert_eq!(hub.get("/api/v1/signals/twin/line/Level")["value"], 9);
}

#[test]
fn what_a_connected_peer_writes_is_replayed_only_by_force() {
    let hub = plant();
    record(
        hub.folder(),
        "twin",
        &[(0, vec![bit("twin/line/Sensor", true)]), (60_000, Vec::new())],
    );
    let mut twin = Client::connect(hub.endpoint("line"), "/");
    twin.send(r#"{"type":"init","version":2,"name":"Unity"}"#);
    twin.send(r#"{"type":"data","signals":{"Sensor":true}}"#);
    eventually("the twin writes", || {
        signal(&hub, "twin/line/Sensor")["writer"] == "Unity"
    });
    let (status, code, message) = refusal(&hub, "POST", "/api/v1/replay", json!({"recording": "twin"}));
    assert_eq!((status, code.as_str()), (409, "conflict"));
    assert!(
        message.contains("Unity") && message.contains("twin/line/Sensor"),
        "{message}"
    );
    assert_eq!(state(&hub), "idle");
    start(&hub, json!({"recording": "twin", "force": true}));
    eventually("the replay writes", || {
        signal(&hub, "twin/line/Sensor")["writer"] == "a recording"
    });
}

#[test]
fn an_operator_replays_a_viewer_looks_and_the_clock_is_an_engineers() {
    let folder = project(EMPTY);
    let keys = ["engineer", "operator", "viewer"].map(|role| key(folder.path(), role, role, &[]));
    counted(folder.path());
    let hub = TestHub::start_in(folder, |_| ()).unwrap();
    let ask = |key: &str, method: &str, path: &str, body: Value| {
        let header = format!("X-API-Key: {key}");
        let (status, _, answer) = http(hub.web(), method, path, &[&header], &body.to_string());
        (status, answer)
    };
    let [engineer, operator, viewer] = &keys;
    let plain = json!({"recording": "counted", "paused": true});
    let leading = json!({"recording": "counted", "paused": true, "leads_clock": true});
    assert_eq!(ask(viewer, "POST", "/api/v1/replay", plain.clone()).0, 403);
    assert_eq!(ask(operator, "POST", "/api/v1/replay", leading.clone()).0, 403);
    assert_eq!(ask(operator, "POST", "/api/v1/replay", plain).0, 201);
    for (method, path) in [("PUT", "/api/v1/replay"), ("POST", "/api/v1/replay/stop")] {
        assert_eq!(ask(viewer, method, path, json!({})).0, 403, "{method} {path}");
    }
    assert_eq!(ask(viewer, "GET", "/api/v1/replay", Value::Null).0, 200);
    assert_eq!(ask(operator, "POST", "/api/v1/replay/stop", Value::Null).0, 200);
    assert_eq!(ask(engineer, "POST", "/api/v1/replay", leading).0, 201);
    let (_, audit) = ask(engineer, "GET", "/api/v1/audit", Value::Null);
    for deed in ["replay.start", "replay.stop"] {
        assert!(audit.contains(deed), "{deed}: {audit}");
    }
}

#[test]
fn the_live_channel_and_the_command_line_say_how_it_stands() {
    let hub = TestHub::start(EMPTY);
    counted(hub.folder());
    let mut live = Client::connect(hub.web(), "/api/v1/live");
    assert_eq!(live.json()["type"], "hello");
    let at = format!("http://{}", hub.web());
    let output = crosstie(&[
        "replay",
        "start",
        "somewhere/counted.mcap",
        "--at-time",
        "0.7",
        "--paused",
        "--at",
        &at,
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let line = text(&output.stdout);
    assert_eq!(
        line.trim(),
        "paused counted: 0:00.700 of 0:01.000, 1x, 2 signals, 0 skipped"
    );
    let frame = live.next_of("replay");
    let shown = hub.get("/api/v1/replay");
    for member in [
        "recording",
        "duration_ms",
        "speed",
        "loop",
        "leads_clock",
        "skipped",
        "error",
    ] {
        assert_eq!(frame[member], shown[member], "{member}");
    }
    let done = |arguments: &[&str], words: &str| check(&[arguments, &["--at", &at]].concat(), 0, words, "");
    done(&["replay", "seek", "0.5"], "0:00.500 of");
    done(&["replay", "speed", "max"], "as fast as possible");
    done(&["replay", "play"], "counted");
    eventually("it ends", || state(&hub) == "ended");
    done(
        &["replay", "show"],
        "ended counted: 0:01.000 of 0:01.000, as fast as possible, 2 signals, 0 skipped",
    );
    done(&["replay", "pause"], "ended counted");
    done(&["replay", "stop"], "idle");
    check(&["replay", "stop", "--at", &at], 1, "", "no replay is there");
    check(
        &["replay", "start", "tuesday", "--at", &at],
        1,
        "",
        "no recording is called 'tuesday'",
    );
}

#[test]
fn a_long_recording_is_said_to_its_last_generation_in_its_order() {
    let hub = TestHub::start(EMPTY);
    // A hidden difference of each generation: two signals that are always together, and a sum that only the right order gives.
    let generations: Vec<(u64, Vec<Value>)> = (1..=9_000_i64)
        .map(|number| {
            (
                number as u64 / 3,
                vec![int("twin/line/A", number), int("twin/line/B", -number)],
            )
        })
        .collect();
    record(hub.folder(), "long", &generations);
    let mut live = Client::connect(hub.web(), "/api/v1/live");
    assert_eq!(live.json()["type"], "hello");
    live.send(r#"{"type":"subscribe","id":1,"patterns":["twin/**"],"cycle_ms":10}"#);
    assert_eq!(live.next_of("snapshot")["id"], 1);
    let before = hub.get("/api/v1/health")["generation"].as_u64().unwrap();
    start(&hub, json!({"recording": "long", "speed": 0.0}));
    eventually("it ends", || state(&hub) == "ended");
    let after = hub.get("/api/v1/health")["generation"].as_u64().unwrap();
    assert!(after - before >= 9_000, "none is left out: {before} {after}");
    for (name, value) in [("twin/line/A", 9_000), ("twin/line/B", -9_000)] {
        assert_eq!(signal(&hub, name)["value"], json!(value));
    }
    // Each frame of the channel is a moment between two generations: both are there or neither, and it only goes forwards.
    let (mut last, mut values) = (0, BTreeMap::new());
    while last < 9_000 {
        let frame = live.next_of("data");
        for row in frame["signals"].as_array().unwrap() {
            values.insert(row[0].as_u64().unwrap(), row[1].as_i64().unwrap());
        }
        assert_eq!(values.values().sum::<i64>(), 0, "{values:?}");
        let newest = values.values().copied().max().unwrap_or(0);
        assert!(newest >= last, "{newest} after {last}");
        last = newest;
    }
}

#[test]
fn a_replay_that_leads_the_clock_gives_it_back_when_it_is_stopped() {
    let hub = TestHub::start(EMPTY);
    counted(hub.folder());
    let clock = || {
        let clock = hub.get("/api/v1/clock");
        (clock["mode"].as_str().unwrap().to_owned(), clock["running"] == true)
    };
    let goes = |mode: &str, running: bool| {
        eventually(&format!("{mode} {running}"), || clock() == (mode.to_owned(), running));
    };
    goes("real", true);
    start(
        &hub,
        json!({"recording": "counted", "speed": 10.0, "leads_clock": true, "paused": true}),
    );
    goes("recording", false);
    change(&hub, json!({"loop": true}));
    order(&hub, "play");
    goes("recording", true);
    order(&hub, "pause");
    goes("recording", false);
    let (status, _, message) = refusal(&hub, "PUT", "/api/v1/replay", json!({"speed": 0.0}));
    assert!(status == 422 && message.contains("leads the clock"), "{message}");
    order(&hub, "play");
    order(&hub, "stop");
    goes("real", true);
    // Without a replay a clock that is to go as one stands, and what somebody has set is not taken back.
    let (status, _) = hub.http("PUT", "/api/v1/clock", r#"{"mode":"recording"}"#);
    assert_eq!(status, 200);
    goes("recording", false);
    hub.http("PUT", "/api/v1/clock", r#"{"mode":"real"}"#);
    start(&hub, json!({"recording": "counted", "leads_clock": true}));
    hub.http("PUT", "/api/v1/clock", r#"{"mode":"scaled","rate":2.0}"#);
    order(&hub, "stop");
    goes("scaled", true);
}
