//! The hub's clock over a real hub: scans, signals, the API, the live channel and the command line in its time.

use crate::cli::{check, word};
use crate::support::{Client, TestHub, eventually};
use serde_json::{Value, json};

const CONTEXT: &str = "/api/v1/plc/contexts/line";

/// A timer of ten seconds that is on from the first scan.
const TIMER: &str = "SOR XIO B:0/0 TON T:0 10000 EOR\n";

fn hub(clock: &str) -> TestHub {
    let folder = tempfile::tempdir().expect("a folder for a test");
    let project = format!(
        "[web]\nport = 0\n{clock}\n[[plc]]\nname = \"line\"\nprogram = \"line.ladder\"\nscan_time_ms = 10\nautostart = true\n"
    );
    for (name, text) in [("crosstie.toml", project.as_str()), ("line.ladder", TIMER)] {
        std::fs::write(folder.path().join(name), text).expect("the folder takes a file");
    }
    TestHub::start_in(folder, |_| {}).expect("the hub of a test starts")
}

fn clock(hub: &TestHub) -> Value {
    hub.get("/api/v1/clock")
}

fn value(hub: &TestHub, name: &str) -> Value {
    hub.get(&format!("/api/v1/signals/{name}"))["value"].take()
}

fn set(hub: &TestHub, mode: Value) -> Value {
    let (status, clock) = hub.http("PUT", "/api/v1/clock", &mode.to_string());
    assert_eq!(status, 200, "{clock}");
    clock
}

fn scans(hub: &TestHub) -> u64 {
    hub.get(CONTEXT)["context"]["scan"]["count"].as_u64().expect("a count")
}

#[test]
fn at_a_hundred_times_the_speed_a_timer_of_ten_seconds_is_done_long_before() {
    let hub = hub("[clock]\nmode = \"scaled\"\nrate = 100\n");
    assert_eq!(value(&hub, "sys/clock/rate").as_f64(), Some(100.0));
    eventually("the timer is done", || value(&hub, "plc/line/T:0.DN") == json!(true));
    let row = hub.get("/api/v1/signals/plc/line/T:0.DN");
    let done = row["changed_at_ms"].as_u64().expect("it has changed");
    // The first scan of all, and the ten seconds.
    assert!(done >= 9_900, "in the hub's time it takes its time: {row}");
    let clock = clock(&hub);
    let (now, real) = (clock["now_ms"].as_u64(), clock["real_ms"].as_u64());
    assert!(
        real < now && real.expect("a time") * 50 < now.expect("a time"),
        "{clock}"
    );
    let Value::String(metrics) = hub.get("/metrics") else {
        panic!("metrics are text")
    };
    assert!(metrics.contains("\ncrosstie_clock_rate 100\n"), "{metrics}");
}

#[test]
fn a_step_of_a_hundred_milliseconds_is_exactly_ten_scans_of_ten() {
    let hub = hub("[clock]\nmode = \"stepped\"\n");
    eventually("a run begins with its first scan", || scans(&hub) == 1);
    assert_eq!(
        (&clock(&hub)["now_ms"], &clock(&hub)["running"]),
        (&json!(0), &json!(false))
    );
    for step in 1..=5_u64 {
        let (status, answer) = hub.http("POST", "/api/v1/clock/step", "{\"ms\":100}");
        assert_eq!((status, &answer["until_ms"]), (200, &json!(step * 100)), "{answer}");
        eventually("the step is over", || clock(&hub)["running"] == json!(false));
        assert_eq!(clock(&hub)["now_ms"], json!(step * 100));
        eventually("all of its scans are told", || scans(&hub) > step * 10);
        // An order that is executed between two scans is answered behind everything that was scanned before.
        let (status, answer) = hub.http("PUT", "/api/v1/signals/plc/line/N:7", "{\"value\":1}");
        assert_eq!(status, 200, "{answer}");
        assert_eq!(scans(&hub), 1 + step * 10);
        assert_eq!(
            value(&hub, "plc/line/T:0.ACC"),
            json!(10 + step * 100),
            "each gets its 10 ms"
        );
    }
    let (status, _) = hub.http("POST", &format!("{CONTEXT}/command"), "{\"command\":\"stop\"}");
    assert_eq!(status, 200, "also an engine whose time stands can be stopped");
}

#[test]
fn the_clock_is_set_and_refused_over_http_and_every_live_channel_hears_of_it() {
    let hub = hub("");
    let mut live = Client::connect(hub.web(), "/api/v1/live");
    let first = live.next_of("clock");
    assert_eq!(
        (&first["mode"], first["rate"].as_f64(), &first["running"]),
        (&json!("real"), Some(1.0), &json!(true))
    );
    let answer = set(&hub, json!({"mode": "scaled", "rate": 0.5}));
    assert_eq!((&answer["rate"], &answer["does_not_follow"]), (&json!(0.5), &json!([])));
    let heard = live.next_of("clock");
    assert_eq!((&heard["mode"], &heard["rate"]), (&json!("scaled"), &json!(0.5)));
    for (method, path, body, expected) in [
        (
            "POST",
            "/api/v1/clock/step",
            json!({"ms": 10}),
            (409, "set its mode to stepped first"),
        ),
        (
            "PUT",
            "/api/v1/clock",
            json!({"mode": "scaled", "rate": 1000}),
            (422, "expected a rate from 0.1 to 100"),
        ),
        (
            "PUT",
            "/api/v1/clock",
            json!({"mode": "scaled"}),
            (422, "expected a rate from 0.1 to 100"),
        ),
        (
            "PUT",
            "/api/v1/clock",
            json!({"mode": "real", "rate": 1}),
            (422, "it belongs to the mode scaled"),
        ),
        (
            "PUT",
            "/api/v1/clock",
            json!({"mode": "fast"}),
            (422, "expected real, scaled, stepped or recording"),
        ),
    ] {
        let (status, answer) = hub.http(method, path, &body.to_string());
        let text = answer["error"].to_string();
        assert!(status == expected.0 && text.contains(expected.1), "{status} {answer}");
    }
    set(&hub, json!({"mode": "stepped"}));
    assert_eq!(live.next_of("clock")["running"], json!(false));
    let stands = clock(&hub)["now_ms"].clone();
    let page = hub.get("/api/v1/signals");
    assert_eq!(
        (&page["now_ms"], &hub.get(CONTEXT)["now_ms"]),
        (&stands, &stands),
        "it is shown everywhere"
    );
    let answer = set(&hub, json!({"mode": "recording"}));
    assert_eq!(answer["running"], json!(false), "nothing is replayed");
    set(&hub, json!({"mode": "real"}));
    eventually("it scans again", || scans(&hub) > 3);
}

#[test]
fn the_command_line_shows_and_moves_the_clock() {
    let hub = hub("");
    let at = format!("http://{}", hub.web());
    check(&["clock", "--at", &at], 0, "real: ", "");
    check(
        &["clock", "set", "scaled", "20", "--at", &at],
        0,
        "it goes at 20 times the speed of the world",
        "",
    );
    check(&["clock", "step", "5", "--at", &at], 1, "", "the clock is not stepped");
    check(&["clock", "set", "stepped", "--at", &at], 0, "it stands", "");
    check(&["clock", "step", "5000", "--at", &at, "--json"], 0, "\"until_ms\"", "");
    check(&["clock", "set", "real", "--at", &at], 0, "real: ", "");
}

#[test]
fn a_mistake_in_the_section_of_the_clock_is_told_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder for a test");
    let check_text = |text: &str, expected: &str| {
        std::fs::write(folder.path().join("crosstie.toml"), format!("[web]\nport = 0\n{text}")).expect("a file");
        check(&["check", word(folder.path())], 2, expected, "");
    };
    check_text(
        "[clock]\nmode = \"scaled\"\nrate = 1000\n",
        "expected a number from 0.1 to 100",
    );
    check_text(
        "[clock]\nmode = \"fast\"\n",
        "expected one of \"real\", \"scaled\", \"stepped\"",
    );
    check_text("[clock]\nspeed = 2\n", "speed");
}
