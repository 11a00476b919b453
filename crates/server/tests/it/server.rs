//! The running hub as its peers see it: the realvirtual protocol, the API, the live channel, its ports and its end.

use crate::nasty;
use crate::support::{CLOSE, Client, LIMIT, PING, TEXT, TestHub, eventually, frame, handshake, http};
use crosstie_server::conform;
use crosstie_server::run::RunError;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::block_in_place;

/// The project of the contract's captured conversation.
const LINE: &str = r#"
# The bottling line.
[web]
port = 0

[[realvirtual]]
name = "line" # as people call it
port = 0

[[realvirtual.signal]]
name = "RunOut"
type = "Bool"
writer = "hub"
value = true

[[realvirtual.signal]]
name = "SpeedOut"
type = "Float"
writer = "hub"
value = 500.5

[[realvirtual.signal]]
name = "CountOut"
type = "Int"
writer = "hub"
value = 42

[[realvirtual.signal]]
name = "TextOut"
type = "Text"
writer = "hub"
value = "Running"

[[realvirtual.signal]]
name = "StartIn"
type = "Bool"
writer = "peer"
"#;

const INIT: &str = r#"{"type":"init","version":2,"name":"WebViewer"}"#;
const SUBSCRIBE_ALL: &str = r#"{"type":"subscribe","version":2}"#;

#[test]
fn the_captured_conversation_is_answered_byte_for_byte() {
    let hub = TestHub::start(LINE);
    let mut client = Client::connect(hub.endpoint("line"), "/any/path?token=secret");
    client.send(INIT);
    client.send(r#"{"type":"import_request","version":2}"#);
    assert_eq!(
        client.text(),
        r#"{"type":"import_answer","version":2,"signals":{"RunOut":true,"SpeedOut":500.5,"CountOut":42,"TextOut":"Running","StartIn":false},"signalTypes":{"RunOut":"PLCOutputBool","SpeedOut":"PLCOutputFloat","CountOut":"PLCOutputInt","TextOut":"PLCOutputText","StartIn":"PLCInputBool"}}"#
    );
    client.send(r#"{"type":"subscribe","version":2,"subscribe":["RunOut","SpeedOut"]}"#);
    assert_eq!(
        client.text(),
        r#"{"type":"snapshot","version":2,"signals":{"RunOut":true,"SpeedOut":500.5}}"#
    );
    let (status, written) = hub.http("PUT", "/api/v1/signals/twin/line/SpeedOut", r#"{"value":520.5}"#);
    assert_eq!((status, &written["value"]), (200, &json!(520.5)));
    assert_eq!(
        client.text(),
        r#"{"type":"data","version":2,"signals":{"SpeedOut":520.5}}"#
    );

    client.send(r#"{"type":"data","version":2,"signals":{"StartIn":true}}"#);
    eventually("the peer's value is stored", || {
        hub.get("/api/v1/signals/twin/line/StartIn")["value"] == true
    });
    let row = hub.client("WebViewer").expect("a connected client is listed");
    // A key in the query is nobody's business.
    assert_eq!((&row["path"], &row["view_len"]), (&json!("/any/path"), &json!(2)));

    client.send(r#"{"type":"config_get"}"#);
    assert_eq!(client.json()["config"]["updateCycleMs"], 10);
    client.send(r#"{"type":"config_set","config":{"updateCycleMs":25}}"#);
    assert_eq!(client.next_of("config_result")["success"], true);
    assert!(hub.project().contains("update_cycle_ms = 25"), "{}", hub.project());

    client.send_frame(CLOSE, &1000_u16.to_be_bytes());
    assert_eq!(client.close_code(), (1000, String::new()));
    eventually("the client is gone", || hub.client("WebViewer").is_none());
}

#[test]
fn what_a_peer_must_not_send_ends_its_connection_with_the_code_of_the_standard() {
    let hub = TestHub::start(LINE);
    for (what, opcode, payload, code) in [
        ("text that is not UTF-8", 0x1, &[0xC3][..], 1007),
        ("an opcode that does not exist", 0x3, b"", 1002),
        ("a continuation of nothing", 0x0, b"", 1002),
        ("a close code of one byte", 0x8, &[3], 1002),
        ("a close code that may not be sent", 0x8, &[0x03, 0xED], 1002),
        ("a ping that is too long", 0x9, &[0; 126], 1002),
        ("a message above the limit", 0x2, &[0; (16 << 20) + 1], 1009),
    ] {
        let mut client = Client::connect(hub.endpoint("line"), "/");
        client.send_frame(opcode, payload);
        assert_eq!(client.close_code().0, code, "{what}");
    }
    let mut client = Client::connect(hub.endpoint("line"), "/");
    client.send_frame(0x9, b"are you there");
    let pong = std::iter::repeat_with(|| client.frame()).find(|(opcode, _)| *opcode == 0xA);
    assert_eq!(pong.map(|(_, payload)| payload), Some(b"are you there".to_vec()));
}

#[test]
fn a_client_that_reads_nothing_costs_bounded_data_and_nobody_else_notices() {
    let signals = 1_000;
    let mut project =
        String::from("[web]\nport = 0\n[[realvirtual]]\nname = \"line\"\nport = 0\nupdate_cycle_ms = 1\n");
    for signal in 0..signals {
        writeln!(
            project,
            "[[realvirtual.signal]]\nname = \"signal number {signal}\"\ntype = \"Int\"\nwriter = \"peer\""
        )
        .unwrap();
    }
    let hub = TestHub::start(&project);
    let cycle = |cycle: u32| {
        let values: Vec<String> = (0..signals)
            .map(|signal| format!("\"signal number {signal}\":{cycle}"))
            .collect();
        format!(r#"{{"type":"data","version":2,"signals":{{{}}}}}"#, values.join(","))
    };
    let is_final = |message: &Value, last: u32| {
        message["signals"]
            .as_object()
            .is_some_and(|all| all.len() == signals && all.values().all(|value| *value == last))
    };

    // A small receive buffer makes the socket full after little data.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.connect(&hub.endpoint("line").into()).unwrap();
    let mut slow = Client::over(socket.into(), "/");
    slow.send(r#"{"type":"init","version":2,"name":"slow"}"#);
    slow.send(SUBSCRIBE_ALL);
    slow.next_of("snapshot");
    let mut quick = Client::connect(hub.endpoint("line"), "/");
    quick.send(r#"{"type":"init","version":2,"name":"quick"}"#);
    quick.send(SUBSCRIBE_ALL);
    quick.next_of("snapshot");
    let mut writer = Client::connect(hub.endpoint("line"), "/");
    writer.send(r#"{"type":"subscribe","version":2,"subscribe":[]}"#);
    writer.next_of("snapshot");

    // The quick reader confirms every cycle, so the writer never runs ahead of the hub.
    let mut number = 0;
    let mut play = |cycles: u32| {
        for _ in 0..cycles {
            number += 1;
            writer.send(&cycle(number));
            while !is_final(&quick.next_of("data"), number) {}
        }
        number
    };
    eventually("the slow reader's socket is full", || {
        play(20);
        hub.client("slow")
            .is_some_and(|client| client["lag_ms"].as_u64() > Some(0))
    });
    let stuck = hub.client("slow").unwrap();
    let last = play(200);
    let later = hub.client("slow").unwrap();
    assert_eq!(
        later["counters"]["bytes_out"], stuck["counters"]["bytes_out"],
        "nothing more is built for it"
    );

    let before = slow.bytes_read;
    let mut merged = 0;
    while !is_final(&slow.next_of("data"), last) {
        merged += 1;
    }
    assert!(merged < last, "many cycles came as one frame: {merged} of {last}");
    assert!(
        slow.bytes_read - before < 16 << 20,
        "what was in the sockets, and one frame"
    );
    eventually("it is in step again", || {
        hub.client("slow").is_some_and(|client| client["lag_ms"] == 0)
    });
}

#[test]
fn peers_that_flood_and_read_nothing_keep_nobody_from_being_served() {
    let hub = TestHub::start(LINE);
    let quiet = |name: &str| {
        let mut client = Client::connect(hub.endpoint("line"), "/");
        client.send(&format!(r#"{{"type":"init","version":2,"name":"{name}"}}"#));
        client.send(r#"{"type":"subscribe","version":2,"subscribe":["CountOut"]}"#);
        client.next_of("snapshot");
        client
    };
    let mut reader = quiet("reader");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for bytes in [
            frame(TEXT, br#"{"type":"data","version":2,"signals":{"StartIn":true}}"#).repeat(2_000),
            frame(TEXT, br#"{"type":"import_request","version":2}"#).repeat(2_000),
            frame(TEXT, "[".repeat(1 << 20).as_bytes()),
            frame(PING, b"x").repeat(10_000),
        ] {
            let client = Client::connect(hub.endpoint("line"), "/");
            let stop = &stop;
            scope.spawn(move || client.flood(&bytes, stop));
        }
        for count in 100..150 {
            let (status, _) = hub.http(
                "PUT",
                "/api/v1/signals/twin/line/CountOut",
                &json!({"value": count}).to_string(),
            );
            assert_eq!(status, 200);
            while reader.next_of("data")["signals"]["CountOut"] != count {}
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn all_busy_ports_are_told_in_one_message() {
    let taken: Vec<TcpListener> = (0..2).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let ports: Vec<u16> = taken.iter().map(|port| port.local_addr().unwrap().port()).collect();
    let project = format!(
        "[web]\nport = {}\n[[realvirtual]]\nname = \"free\"\nport = 0\n[[realvirtual]]\nname = \"line\"\nport = {}\n",
        ports[0], ports[1]
    );
    let Err(RunError::BusyPorts(message)) = TestHub::try_start(&project) else {
        panic!("a hub must not start without its ports");
    };
    for part in [
        &format!(":{}", ports[0]),
        &format!(":{}", ports[1]),
        "--web-port",
        "realvirtual.line.port",
        "--port-offset",
    ] {
        assert!(message.contains(part), "{part} is not in {message}");
    }
    assert!(!message.contains("free"), "{message}");
}

#[test]
fn without_further_settings_only_this_machine_is_listened_to() {
    let hub = TestHub::start(LINE);
    assert!(hub.web().ip().is_loopback());
    assert!(hub.endpoint("line").ip().is_loopback());
    let endpoints = hub.get("/api/v1/endpoints");
    let line = &endpoints["endpoints"][0];
    assert_eq!(
        (&line["bind"], &line["url"]),
        (&json!("127.0.0.1"), &json!(hub.url("line")))
    );
}

#[test]
fn plain_http_on_a_protocol_port_is_told_what_the_port_is() {
    let hub = TestHub::start(&format!("{LINE}\n").replace("name = \"line\" #", "path = \"/ws\"\nname = \"line\" #"));
    let (status, head, body) = http(hub.endpoint("line"), "GET", "/ws", &[], "");
    assert_eq!(status, 426, "{head}");
    assert!(
        body.contains("realvirtual endpoint 'line'") && body.contains(&hub.web().to_string()),
        "{body}"
    );
    assert_eq!(http(hub.endpoint("line"), "GET", "/other", &[], "").0, 404);
    assert_eq!(
        http(hub.endpoint("line"), "GET", "/ws", &["Upgrade: websocket"], "").0,
        400
    );
    let long = format!("X-Long: {}", "x".repeat(20_000));
    assert_eq!(http(hub.endpoint("line"), "GET", "/ws", &[&long], "").0, 431);
    Client::connect(hub.endpoint("line"), "/ws");
}

#[test]
fn an_endpoint_is_reached_over_the_web_port_too_but_not_from_a_foreign_page() {
    let hub = TestHub::start(LINE);
    let mut client = Client::connect(hub.web(), "/realvirtual/line");
    client.send(INIT);
    client.send(SUBSCRIBE_ALL);
    assert_eq!(client.next_of("snapshot")["signals"]["CountOut"], 42);
    assert_eq!(hub.client("WebViewer").unwrap()["endpoint"], "line");

    let answer = |path: &str, origin: &str| {
        let mut stream = TcpStream::connect(hub.web()).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let head = handshake(&mut stream, path, &[&format!("Origin: {origin}")]);
        head.split(' ').nth(1).map(str::to_owned)
    };
    for path in ["/realvirtual/line", "/api/v1/live"] {
        assert_eq!(answer(path, "http://evil.example").as_deref(), Some("403"), "{path}");
        assert_eq!(answer(path, "http://localhost:5173").as_deref(), Some("101"), "{path}");
    }
    assert_eq!(answer("/realvirtual/none", "http://localhost").as_deref(), Some("404"));
}

#[test]
fn signals_are_listed_in_pages_read_and_written() {
    let hub = TestHub::start(LINE);
    let page = hub.get("/api/v1/signals?limit=2");
    assert_eq!(
        (&page["total"], &page["signals"][1]["name"]),
        // Five are the hub's own.
        (&json!(10), &json!("twin/line/SpeedOut"))
    );
    let next = page["next"].as_str().expect("more follow");
    let page = hub.get(&format!("/api/v1/signals?limit=20&after={next}"));
    assert_eq!(
        (&page["signals"][0]["name"], &page["next"]),
        (&json!("twin/line/CountOut"), &Value::Null)
    );

    let names = |query: &str| {
        let page = hub.get(&format!("/api/v1/signals?{query}"));
        let rows = page["signals"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| row["name"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names("filter=OUT&owner=hub"),
        ["RunOut", "SpeedOut", "CountOut", "TextOut"]
    );
    assert_eq!(names("pattern=twin/*/Start*"), ["StartIn"]);
    assert_eq!(names("pattern=twin/*/StartIn"), ["StartIn"]);
    assert_eq!(names("pattern=twin/*/StartIn*"), [""; 0]);
    assert_eq!(names("quality=bad"), ["StartIn"]);

    let check = |method: &str, path: &str, body: &str, status: u16, code: &str| {
        let (got, answer) = hub.http(method, path, body);
        assert_eq!(
            (got, &answer["error"]["code"]),
            (status, &json!(code)),
            "{method} {path} {body}: {answer}"
        );
    };
    let run = "/api/v1/signals/twin/line/RunOut";
    check("GET", "/api/v1/signals/no/such/name", "", 404, "not_found");
    check("GET", "/api/v1/signals?limit=0", "", 400, "bad_request");
    check("GET", "/api/v1/signals?limit=1001", "", 400, "bad_request");
    check("GET", "/api/v1/signals?after=x", "", 400, "bad_request");
    check("GET", "/api/v1/signals?colour=red", "", 400, "bad_request");
    check("GET", "/api/v1/nothing", "", 404, "not_found");
    check(
        "PUT",
        "/api/v1/signals/no/such/name",
        r#"{"value":1}"#,
        404,
        "not_found",
    );
    check("PUT", run, r#"{"value":"perhaps"}"#, 422, "bad_value");
    check("PUT", run, r#"{"value":null}"#, 422, "bad_value");
    check("PUT", run, r#"{"value":"#, 400, "bad_request");
    check("PUT", run, r#"{"wert":1}"#, 400, "bad_request");
    check("POST", run, "", 405, "method_not_allowed");
    check(
        "PUT",
        run,
        &format!(r#"{{"value":"{}"}}"#, "x".repeat(1 << 20)),
        413,
        "too_large",
    );

    let (status, written) = hub.http("PUT", run, r#"{"value":"FALSE"}"#);
    assert_eq!(
        (status, &written["value"], &written["coerced"]),
        (200, &json!(false), &json!(true))
    );
    let row = hub.get(run);
    assert_eq!(
        (&row["value"], &row["quality"], &row["kind"]),
        (&json!(false), &json!("good"), &json!("bool"))
    );
    let (status, written) = hub.http("PUT", "/api/v1/signals/twin/line/CountOut", r#"{"value":7}"#);
    assert_eq!(
        (status, &written["value"], &written["coerced"]),
        (200, &json!(7), &json!(false))
    );
}

#[test]
fn a_page_of_another_origin_changes_nothing() {
    let hub = TestHub::start(LINE);
    let path = "/api/v1/signals/twin/line/CountOut";
    let put = |origin: &str| {
        http(
            hub.web(),
            "PUT",
            path,
            &[&format!("Origin: {origin}")],
            r#"{"value":1}"#,
        )
        .0
    };
    assert_eq!(put("http://evil.example"), 403);
    assert_eq!(hub.get(path)["value"], 42);
    assert_eq!(put(&format!("http://{}", hub.web())), 200);
}

#[test]
fn routes_are_added_and_removed_in_the_hub_and_in_the_project() {
    let hub = TestHub::start(LINE);
    let (from, to) = ("twin/line/StartIn", "twin/line/RunOut");
    let body = json!({"from": from, "to": to}).to_string();
    let (status, route) = hub.http("POST", "/api/v1/routes", &body);
    assert_eq!(
        (status, &route["state"], &route["source"]),
        (201, &json!("active"), &json!("api"))
    );
    assert!(
        hub.project().contains(&format!("from = \"{from}\"")),
        "{}",
        hub.project()
    );
    assert!(hub.project().contains("# as people call it"), "comments are kept");

    let (status, refused) = hub.http("POST", "/api/v1/routes", &body);
    assert_eq!(
        (status, &refused["error"]["code"]),
        (409, &json!("conflict")),
        "{refused}"
    );
    hub.http("PUT", "/api/v1/signals/twin/line/StartIn", r#"{"value":true}"#);
    assert_eq!(hub.get("/api/v1/signals/twin/line/RunOut")["value"], true);
    let listed = &hub.get("/api/v1/routes")["routes"][0];
    assert_eq!((&listed["id"], &listed["last_value"]), (&route["id"], &json!(true)));

    let path = format!("/api/v1/routes/{}", route["id"]);
    assert_eq!(hub.http("DELETE", &path, "").0, 204);
    assert_eq!(hub.http("DELETE", &path, "").0, 404);
    assert!(!hub.project().contains(from), "{}", hub.project());
}

#[test]
fn settings_are_changed_all_or_none_live_and_in_the_project() {
    let hub = TestHub::start(LINE);
    let setting = |key: &str| {
        let config = hub.get("/api/v1/config");
        let settings = config["settings"].as_array().unwrap().clone();
        settings.into_iter().find(|setting| setting["key"] == key).unwrap()
    };
    let key = "realvirtual.line.update_cycle_ms";
    assert_eq!(
        setting(key),
        json!({"key": key, "value": 10, "source": "default", "live": true})
    );

    let patch = |changes: Value| hub.http("PATCH", "/api/v1/config", &changes.to_string());
    let (status, applied) = patch(json!({key: 20, "realvirtual.line.echo": "never"}));
    assert_eq!(
        (status, &applied["applied"]),
        (200, &json!([key, "realvirtual.line.echo"])),
        "{applied}"
    );
    assert_eq!(
        setting(key),
        json!({"key": key, "value": 20, "source": "file", "live": true})
    );
    assert!(hub.project().contains("update_cycle_ms = 20") && hub.project().contains("echo = \"never\""));

    for (changes, expected, code) in [
        (json!({key: 30, "realvirtual.line.echo": "loud"}), 422, "bad_value"),
        (json!({key: 30, "realvirtual.line.unknown": 1}), 422, "bad_value"),
        (json!({key: 30, "realvirtual.other.echo": "auto"}), 422, "bad_value"),
        (json!({key: 30, "web.port": 8001}), 409, "needs_restart"),
    ] {
        let (status, refused) = patch(changes.clone());
        assert_eq!(
            (status, &refused["error"]["code"]),
            (expected, &json!(code)),
            "{changes}: {refused}"
        );
    }
    assert_eq!(setting(key)["value"], 20);
    assert_eq!(hub.http("PATCH", "/api/v1/config", "[]").0, 400);
}

#[test]
fn clients_are_asked_for_their_catalogs_and_what_they_tell_is_kept() {
    let hub = TestHub::start(LINE);
    let mut client = Client::connect(hub.endpoint("line"), "/");
    client.send(INIT);
    eventually("the client is known", || hub.client("WebViewer").is_some());
    std::thread::scope(|scope| {
        // The answer waits for the client.
        let import = scope.spawn(|| hub.http("POST", "/api/v1/endpoints/line/import", ""));
        client.next_of("import_request");
        client.send(
            r#"{"type":"import_answer","version":2,"signals":{"Level":1.5},"signalTypes":{"Level":"PLCOutputFloat"}}"#,
        );
        let report = json!({"asked": 1, "answered": 1, "found": 1, "made": 1});
        assert_eq!(import.join().expect("the request is answered"), (200, report));
    });
    eventually("the signal is in the project", || {
        hub.project().contains("name = \"Level\"")
    });
    assert_eq!(hub.get("/api/v1/signals/twin/line/Level")["value"], 1.5);
    assert_eq!(hub.http("POST", "/api/v1/endpoints/none/import", "").0, 404);
}

#[test]
fn the_live_channel_follows_signals_and_refuses_what_was_typed_before_it_opened() {
    let hub = TestHub::start(LINE);
    let mut live = Client::connect(hub.web(), "/api/v1/live");
    let hello = live.next_of("hello");
    let epoch = hello["epoch"].as_u64().expect("an epoch");
    live.send(r#"{"type":"subscribe","id":1,"names":["twin/line/CountOut","no/such"],"patterns":["twin/*/RunOut"],"cycle_ms":10}"#);
    let snapshot = live.next_of("snapshot");
    assert_eq!(
        (&snapshot["id"], &snapshot["unknown"]),
        (&json!(1), &json!(["no/such"]))
    );
    let mut names: Vec<&str> = snapshot["signals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["twin/line/CountOut", "twin/line/RunOut"]);

    live.send(&json!({"type": "write", "id": 7, "epoch": epoch, "signals": {"twin/line/CountOut": 43}}).to_string());
    let result = live.next_of("write_result");
    assert_eq!(
        result["signals"]["twin/line/CountOut"],
        json!({"ok": true, "value": 43})
    );
    live.send(
        &json!({"type": "write", "id": 8, "epoch": epoch - 1, "signals": {"twin/line/CountOut": 44}}).to_string(),
    );
    let refused = live.next_of("error");
    assert_eq!((&refused["id"], &refused["code"]), (&json!(8), &json!("stale_epoch")));
    assert_eq!(hub.get("/api/v1/signals/twin/line/CountOut")["value"], 43);

    hub.http("PUT", "/api/v1/signals/twin/line/CountOut", r#"{"value":45}"#);
    let shown = std::iter::repeat_with(|| live.next_of("data")["signals"][0][1].clone());
    assert!(shown.take(10).any(|value| value == 45));

    let mut other = Client::connect(hub.web(), "/api/v1/live");
    assert_ne!(
        other.next_of("hello")["epoch"],
        hello["epoch"],
        "every channel has an epoch of its own"
    );
}

#[test]
fn health_metrics_and_the_description_are_there() {
    let hub = TestHub::start(LINE);
    assert_eq!(hub.http("GET", "/healthz", ""), (200, json!("ok")));
    assert_eq!(hub.get("/api/v1/version")["name"], "crosstie");
    let health = hub.get("/api/v1/health");
    assert_eq!((&health["status"], &health["signals"]), (&json!("ok"), &json!(10)));
    let description = hub.get("/api/v1/openapi.json");
    assert!(description["paths"]["/api/v1/signals/{name}"]["put"].is_object());

    let Value::String(page) = hub.get("/metrics") else {
        panic!("metrics are text")
    };
    let mut families = std::collections::BTreeSet::new();
    for line in page.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap();
            assert!(matches!(kind, "counter" | "gauge" | "histogram"), "{line}");
            assert!(families.insert(name.to_owned()), "a family stands once: {line}");
            if kind == "histogram" {
                families.extend(["bucket", "sum", "count"].map(|sample| format!("{name}_{sample}")));
            }
        } else if !line.starts_with("# HELP ") {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            value.parse::<f64>().unwrap();
            assert!(families.contains(sample.split('{').next().unwrap()), "{line}");
        }
    }
    assert!(
        page.contains("crosstie_endpoint_signals{endpoint=\"line\"} 5"),
        "{page}"
    );
}

#[test]
fn a_hub_that_ends_closes_every_connection_with_1001() {
    let hub = TestHub::start(LINE);
    let mut client = Client::connect(hub.endpoint("line"), "/");
    let mut live = Client::connect(hub.web(), "/api/v1/live");
    live.next_of("hello");
    let ends = std::thread::spawn(move || {
        let codes = [client.close_code().0, live.close_code().0];
        client.send_frame(CLOSE, &1001_u16.to_be_bytes());
        live.send_frame(CLOSE, &1001_u16.to_be_bytes());
        codes
    });
    hub.stop();
    assert_eq!(ends.join().unwrap(), [1001, 1001]);
}

/// The binary itself: it tells where it listens, and ends in good order when it is asked to.
#[cfg(unix)]
#[test]
fn the_binary_ends_with_1001_and_0_when_it_is_terminated() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("crosstie.toml"), LINE).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_crosstie"))
        .arg("run")
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    let address = loop {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it tells its endpoint");
        if let Some((_, url)) = line.split_once("line: ws://") {
            break url.trim().trim_end_matches('/').parse().unwrap();
        }
    };
    let mut client = Client::connect(address, "/");
    client.send(INIT);
    client.send(SUBSCRIBE_ALL);
    client.next_of("snapshot");
    let killed = Command::new("kill")
        .args(["-TERM", &process.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert_eq!(client.close_code(), (1001, String::from("the hub is shutting down")));
    client.send_frame(CLOSE, &1001_u16.to_be_bytes());
    assert_eq!(process.wait().unwrap().code(), Some(0));
    let mut log = String::new();
    process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("SIGTERM"), "{log}");
}

/// `bench scale` starts this very binary as the hub under test.
#[test]
fn the_scale_bench_measures_a_hub_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_crosstie"))
        .args(["bench", "scale", "--signals", "50", "--clients", "3"])
        .args([
            "--routes",
            "40",
            "--record",
            "--change",
            "0.5",
            "--every-ms",
            "10",
            "--secs",
            "1",
            "--json",
        ])
        .env("TMPDIR", temporary.path())
        .output()
        .unwrap();
    // A machine that is busy may let a client be behind: that is judged, not broken.
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() || said.contains("behind") || said.contains("memory"),
        "{said}"
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["clients"], &report["routes"], &report["changes_per_cycle"]),
        (&json!(3), &json!(40), &json!(25))
    );
    let recording = &report["recording"];
    assert!(recording["samples"].as_u64() > Some(1_000), "{report}");
    assert_eq!(recording["gaps"], 0, "{report}");
    assert!(report["updates_read"].as_u64() > Some(0), "{report}");
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn a_handshake_may_come_in_pieces_and_with_the_first_frame_behind_it() {
    let hub = TestHub::start(LINE);
    let mut stream = TcpStream::connect(hub.endpoint("line")).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_nodelay(true).unwrap();
    let request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let (first, second) = request.split_at(40);
    stream.write_all(first.as_bytes()).unwrap();
    // An import_request with a mask of zeros, in the same packet as the end of the head.
    let import = r#"{"type":"import_request","version":2}"#;
    let mut rest = second.as_bytes().to_vec();
    rest.extend([0x81, 0x80 | import.len() as u8, 0, 0, 0, 0]);
    rest.extend(import.as_bytes());
    stream.write_all(&rest).unwrap();
    let mut seen = Vec::new();
    let mut byte = [0; 512];
    while !String::from_utf8_lossy(&seen).contains("import_answer") {
        let len = stream.read(&mut byte).expect("the answer comes within the limit");
        assert_ne!(len, 0);
        seen.extend(&byte[..len]);
    }
}

/// The line with one signal of each kind that its peers write.
fn line_with_writable_signals() -> String {
    let signal =
        |(name, kind)| format!("[[realvirtual.signal]]\nname = \"{name}\"\ntype = \"{kind}\"\nwriter = \"peer\"\n");
    let further = [("SetpointIn", "Float"), ("ModeIn", "Int"), ("LabelIn", "Text")].map(signal);
    format!("{LINE}\n{}", further.concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_server_passes_the_conformance_suite() {
    let hub = block_in_place(|| TestHub::start(&line_with_writable_signals()));
    let report = conform::realvirtual(&hub.url("line"), &conform::Options::default()).await;
    block_in_place(|| hub.stop());
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nasty_input_does_not_disturb_the_others() {
    let hub = block_in_place(|| TestHub::start(&line_with_writable_signals()));
    nasty::run_all(&hub.url("line")).await;
    block_in_place(|| hub.stop());
}

#[test]
fn a_link_holds_between_two_hubs_until_the_server_ends() {
    let plant = TestHub::start(LINE);
    let office = format!(
        "[web]\nport = 0\n[[realvirtual]]\nname = \"line\"\nrole = \"client\"\naddress = \"127.0.0.1\"\nport = {}\n\
         [[realvirtual.signal]]\nname = \"RunOut\"\ntype = \"Bool\"\nwriter = \"peer\"\n",
        plant.endpoint("line").port()
    );
    let office = TestHub::start(&office);
    let run = |hub: &TestHub| hub.get("/api/v1/signals/twin/line/RunOut");
    eventually("the value is mirrored", || {
        let row = run(&office);
        row["value"] == true && row["quality"] == "good"
    });
    assert_eq!(office.get("/api/v1/signals/sys/link/line/up")["value"], true);
    assert_eq!(
        plant
            .http("PUT", "/api/v1/signals/twin/line/RunOut", r#"{"value":false}"#)
            .0,
        200
    );
    eventually("the change is mirrored", || run(&office)["value"] == false);
    plant.stop();
    eventually("the value is old", || run(&office)["quality"] == "stale");
    assert_eq!(office.get("/api/v1/signals/sys/link/line/up")["value"], false);
}
