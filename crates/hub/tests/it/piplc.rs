//! PiPLC's protocol: the conversation of its description, events, rights, the order of replies.

use crate::house::{House, Wire};
use crosstie_hub::access::{Access, Role, Scope};
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::plc::PlcId;
use crosstie_hub::settings::{PiplcSettings, PlcSettings, Settings};
use crosstie_hub::{ConnId, Face, Input, Unreadable};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;

/// A start-stop circuit and a timer.
pub(crate) const DOCUMENT: &str = r#"<?xml version="1.0" encoding="UTF-8"?><PLCProject version="3.2"><Metadata><Name>t</Name></Metadata><SymbolTable><Symbol name="Start" address="I:0/0" type="BOOL"/></SymbolTable><Programs><Program name="Main" type="Main"><Rungs><Rung number="0"><Instruction type="XIC" address="I:0/0"/><Instruction type="OTE" address="O:0/0"/></Rung><Rung number="1"><Instruction type="XIC" address="B:0/0"/><Instruction type="DIV" sourceA="7" sourceB="N:9" dest="N:4"/></Rung></Rungs></Program></Programs></PLCProject>"#;

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A hub with these contexts.
pub(crate) fn house(contexts: &[&str]) -> House {
    House::with(settings(contexts))
}

/// The settings of that house.
pub(crate) fn settings(contexts: &[&str]) -> Settings {
    Settings {
        plcs: contexts.iter().map(|name| PlcSettings::named(name)).collect(),
        piplc: PiplcSettings {
            engine_name: "Press shop".into(),
            engine_id: "6d9f4a3e-0f0e-4b7c-9a51-2d3c4b5a6978".into(),
            ..PiplcSettings::default()
        },
        ..Settings::default()
    }
}

/// A client that has said hello in the words of this version.
pub(crate) fn client(house: &mut House, version: &str) -> ConnId {
    client_with(house, version, Access::full("this machine"))
}

pub(crate) fn client_with(house: &mut House, version: &str, access: Arc<Access>) -> ConnId {
    let conn = house.connect_with(Face::Piplc, Wire::default(), access);
    let hello =
        json!({"type": "hello", "seq": 1, "protocolVersion": 1, "clientName": "probe", "clientVersion": version});
    let answer = exchange(house, conn, hello);
    assert_eq!(answer[0]["type"], "hello.reply");
    conn
}

/// Everything that a client has got, without the statistics of scans; forgets it.
pub(crate) fn heard(house: &mut House, conn: ConnId) -> Vec<Json> {
    let mut inbox = std::mem::take(&mut house.peer(conn).inbox);
    house.peer(conn).arrivals.clear();
    inbox.retain(|message| message["type"] != "event.scanStats");
    inbox
}

/// Says something and gives what comes within one and a half scans.
pub(crate) fn exchange(house: &mut House, conn: ConnId, message: Json) -> Vec<Json> {
    heard(house, conn);
    house.say(conn, message);
    house.run_for(ms(15));
    heard(house, conn)
}

/// The same for a request whose only consequence for its sender is the reply.
pub(crate) fn reply(house: &mut House, conn: ConnId, message: Json) -> Json {
    let mut got = exchange(house, conn, message);
    assert!(!got.is_empty(), "there is a reply");
    got.remove(0)
}

/// A request that must succeed.
pub(crate) fn done(house: &mut House, conn: ConnId, message: Json) {
    let got = reply(house, conn, message.clone());
    assert_eq!(got["success"], true, "{message} → {got}");
}

pub(crate) fn download(house: &mut House, conn: ConnId, context: &str) {
    done(
        house,
        conn,
        json!({"type": "program.download", "seq": 10, "contextId": context, "format": "plcproj-xml", "data": DOCUMENT}),
    );
}

pub(crate) fn access(role: Role, view: Option<&[&str]>, write: Option<&[&str]>) -> Arc<Access> {
    let scope = |patterns: Option<&[&str]>| {
        let texts: Option<Vec<String>> = patterns.map(|list| list.iter().map(|text| text.to_string()).collect());
        Scope::new(texts.as_deref())
    };
    Arc::new(Access {
        key: Some("k1".into()),
        ring: 1,
        who: "panel".into(),
        role,
        view: scope(view),
        write: scope(write),
    })
}

/// The description's examples, field by field, in the order of its lifecycle diagram.
#[test]
fn pl1_the_conversation_of_the_description() {
    let mut house = house(&["line"]);
    let conn = house.connect_as(Face::Piplc, Wire::default());
    let hello = json!({"type": "hello", "seq": 1, "protocolVersion": 1, "clientName": "PiPLC Editor", "clientVersion": "0.2.0"});
    let answer = reply(&mut house, conn, hello.clone());
    let expected = json!({
        "type": "hello.reply",
        "seq": 1,
        "protocolVersion": 1,
        "serverName": "Crosstie",
        "serverVersion": "0.2.0",
        "engineId": "6d9f4a3e-0f0e-4b7c-9a51-2d3c4b5a6978",
        "capabilities": [],
        "memoryLayout": {
            "inputWords": 8, "outputWords": 8, "bitWords": 64, "integerWords": 256, "timerCount": 64, "counterCount": 64,
            "timers": 64, "counters": 64, "snapshotSize": 2704,
        },
        "success": true,
        "engineName": "Press shop",
        "engineState": "Stopped",
        "contexts": [{"id": "line", "name": "line", "state": "Stopped", "hasProgram": false}],
        "ioConfig": {"boardName": "", "digitalPins": [], "gpioChipPath": "", "providerType": "Virtual",
            "virtualInputCount": 8, "virtualOutputCount": 8},
        "ioProviderName": "Virtual I/O",
    });
    assert_eq!(answer, expected);
    assert_eq!(
        reply(&mut house, conn, hello),
        expected,
        "a second hello is answered alike"
    );

    let download = json!({"type": "program.download", "seq": 10, "format": "plcproj-xml", "data": DOCUMENT});
    let answer = reply(&mut house, conn, download);
    assert_eq!(
        answer,
        json!({"type": "program.download.reply", "seq": 10, "success": true, "contextId": "line"})
    );

    house.say(conn, json!({"type": "memory.subscribe", "seq": 30, "intervalMs": 50}));
    house.run_for(ms(1));
    let began = house.peer(conn).binary[0].0;
    assert_eq!(
        heard(&mut house, conn),
        [json!({"type": "memory.subscribe.reply", "seq": 30, "success": true, "contextId": "line", "intervalMs": 50})]
    );
    house.run_for(ms(99));
    let times: Vec<Duration> = house.peer(conn).binary.iter().map(|(at, _)| at.since(began)).collect();
    assert_eq!(times.len(), 2, "one at once, one after 50 ms: {times:?}");

    let started = exchange(&mut house, conn, json!({"type": "engine.start", "seq": 2}));
    assert_eq!(
        started,
        [
            json!({"type": "engine.start.reply", "seq": 2, "success": true, "state": "Running", "contextId": "line"}),
            json!({"type": "event.stateChanged", "state": "Running", "contextId": "line"}),
        ]
    );
    let forced = json!({"type": "memory.forceBit", "seq": 20, "address": "I:0/3", "value": true});
    let answer = reply(&mut house, conn, forced);
    assert_eq!(
        answer,
        json!({"type": "memory.forceBit.reply", "seq": 20, "success": true, "contextId": "line"})
    );

    // The pings of the description, and what becomes of a client that answers them, and of one that does not.
    house.say(conn, json!({"type": "memory.unsubscribe", "seq": 31}));
    for _ in 0..4 {
        house.run_for(Duration::from_secs(30));
        let pings = heard(&mut house, conn);
        let pings = pings.iter().filter(|message| message["type"] == "event.ping");
        assert_eq!(pings.count(), 1);
        house.say(conn, json!({"type": "pong"}));
    }
    assert_eq!(house.peer(conn).closed, None);
}

#[test]
fn pl2_nothing_is_heard_before_hello_and_nothing_is_told() {
    let mut house = house(&["line"]);
    let known = client(&mut house, "0.2.0");
    let conn = house.connect_as(Face::Piplc, Wire::default());
    let answer = reply(&mut house, conn, json!({"type": "engine.start", "seq": 7}));
    assert_eq!(
        answer,
        json!({"type": "engine.start.reply", "seq": 7, "success": false, "error": "handshake required: send 'hello' first"})
    );
    download(&mut house, known, "");
    done(&mut house, known, json!({"type": "engine.start", "seq": 8}));
    house.run_for(Duration::from_secs(61));
    assert_eq!(heard(&mut house, conn), [Json::Null; 0], "no event reaches it");
    let answer = reply(
        &mut house,
        conn,
        json!({"type": "hello", "seq": 9, "protocolVersion": 99}),
    );
    assert_eq!(
        (&answer["protocolVersion"], &answer["success"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(answer["engineState"], "Running");
    done(&mut house, conn, json!({"type": "engine.stop", "seq": 10}));
}

#[test]
fn pl4_replies_keep_the_order_of_their_requests_and_events_follow() {
    let mut house = house(&["a", "b"]);
    let (conn, other) = (client(&mut house, "0.2.0"), client(&mut house, "0.2.0"));
    download(&mut house, conn, "a");
    download(&mut house, conn, "b");
    done(
        &mut house,
        conn,
        json!({"type": "engine.start", "seq": 11, "contextId": "a"}),
    );
    heard(&mut house, other);
    // Context a answers at the border of its next scan, b at once, and the query needs no engine at all.
    house.say(conn, json!({"type": "engine.pause", "seq": 12, "contextId": "a"}));
    house.say(conn, json!({"type": "engine.start", "seq": 13, "contextId": "b"}));
    house.say(conn, json!({"type": "engine.state", "seq": 14, "contextId": "a"}));
    house.say(conn, json!({"type": "engine.nonsense", "seq": 15}));
    house.run_for(ms(15));
    let got: Vec<String> = heard(&mut house, conn)
        .iter()
        .map(|message| format!("{} {} {}", message["type"], message["seq"], message["state"]))
        .collect();
    assert_eq!(
        got,
        [
            r#""engine.pause.reply" 12 "Paused""#,
            r#""engine.start.reply" 13 "Running""#,
            r#""event.stateChanged" null "Running""#,
            r#""engine.state.reply" 14 "Paused""#,
            r#""engine.nonsense.reply" 15 null"#,
            r#""event.stateChanged" null "Paused""#,
        ]
    );
    let told: Vec<Json> = heard(&mut house, other)
        .iter()
        .map(|message| message["contextId"].clone())
        .collect();
    assert_eq!(told, ["b", "a"], "others hear events as they come");
}

#[test]
fn pl4_many_writes_meet_one_border() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    download(&mut house, conn, "");
    done(&mut house, conn, json!({"type": "engine.start", "seq": 2}));
    for seq in 0..500 {
        house.say(conn, json!({"type": "memory.writeInteger", "seq": seq, "address": format!("N:{}", 10 + seq % 100), "value": seq}));
    }
    house.run_for(ms(90));
    let got = heard(&mut house, conn);
    let seqs: Vec<i64> = got.iter().filter_map(|message| message["seq"].as_i64()).collect();
    assert_eq!(seqs, (0..500).collect::<Vec<i64>>());
    assert!(got.iter().all(|message| message["success"] == true));
}

#[test]
fn pl4_an_engine_that_does_not_answer_is_told_after_five_seconds() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    house.engines.get_mut(&PlcId(0)).expect("it was begun").holds = true;
    house.say(conn, json!({"type": "engine.reset", "seq": 5}));
    house.say(conn, json!({"type": "engine.state", "seq": 6}));
    house.run_for(ms(4_999));
    assert_eq!(heard(&mut house, conn), [Json::Null; 0]);
    house.run_for(ms(2));
    let got = heard(&mut house, conn);
    assert_eq!(got[0]["error"], "the engine has not answered within 5 s");
    assert_eq!((&got[0]["success"], &got[0]["seq"]), (&json!(false), &json!(5)));
    assert_eq!((&got[1]["success"], &got[1]["seq"]), (&json!(true), &json!(6)));
}

#[test]
fn pl5_what_is_no_request_is_answered_where_it_can_be_and_the_connection_stays() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    let answer = reply(&mut house, conn, json!({"type": "engine.dance", "seq": 3}));
    assert_eq!(
        (&answer["type"], &answer["success"]),
        (&json!("engine.dance.reply"), &json!(false))
    );
    let answer = reply(
        &mut house,
        conn,
        json!({"type": "memory.forceBit", "seq": 4, "value": 7}),
    );
    assert_eq!(
        (&answer["type"], &answer["seq"], &answer["success"]),
        (&json!("memory.forceBit.reply"), &json!(4), &json!(false))
    );
    house.log.clear();
    for text in ["not json", "[1,2]", "{\"typ", "7"] {
        house.say_text(conn, text.into());
    }
    house.run_for(ms(5));
    assert_eq!(heard(&mut house, conn), [Json::Null; 0]);
    assert!(house.log.is_empty(), "the first one was logged before: {:?}", house.log);
    house.give(Input::Unreadable {
        conn,
        why: Unreadable::Binary,
        bytes: 9,
    });
    let Reply::Clients(rows, _) = house.ask(Request::Clients) else {
        panic!("a list of clients")
    };
    let ignored = rows[0].counters.ignored;
    assert_eq!((ignored.malformed, ignored.unknown_type, ignored.binary), (5, 1, 1));
    assert_eq!((rows[0].protocol, rows[0].name.as_str()), ("piplc", "probe"));
    done(&mut house, conn, json!({"type": "engine.state", "seq": 5}));
}

#[test]
fn pl6_no_context_is_the_first_one_and_an_unknown_one_is_refused() {
    let mut house = house(&["a", "b"]);
    let conn = client(&mut house, "0.2.0");
    for request in [
        json!({"type": "engine.state", "seq": 1}),
        json!({"type": "engine.state", "seq": 1, "contextId": ""}),
    ] {
        assert_eq!(reply(&mut house, conn, request)["contextId"], "a");
    }
    let answer = reply(
        &mut house,
        conn,
        json!({"type": "engine.state", "seq": 1, "contextId": "b"}),
    );
    assert_eq!(answer["contextId"], "b");
    for kind in [
        "engine.start",
        "engine.info",
        "memory.subscribe",
        "program.upload",
        "memory.clearAllForces",
        "context.remove",
    ] {
        let answer = reply(&mut house, conn, json!({"type": kind, "seq": 2, "contextId": "nope"}));
        assert_eq!(
            (&answer["success"], &answer["error"]),
            (&json!(false), &json!("unknown context 'nope'")),
            "{kind}"
        );
    }
}

#[test]
fn pl7_a_client_without_pong_is_closed_after_ninety_seconds() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    for at in [30, 60] {
        house.run_for(Duration::from_secs(30));
        let got = heard(&mut house, conn);
        assert_eq!(got, [json!({"type": "event.ping"})], "{at} s");
        // Other words are no pong.
        done(&mut house, conn, json!({"type": "engine.state", "seq": at}));
        assert_eq!(house.peer(conn).closed, None);
    }
    house.run_for(Duration::from_secs(31));
    assert_eq!(house.peer(conn).closed, Some(1000));
}

#[test]
fn pl7_a_shutdown_is_told_before_the_connection_closes() {
    let mut house = house(&["line"]);
    let (new, old) = (client(&mut house, "0.2.0"), client(&mut house, "0.1.31"));
    let stranger = house.connect_as(Face::Piplc, Wire::default());
    heard(&mut house, new);
    heard(&mut house, old);
    house.give(Input::ShuttingDown);
    house.run_for(ms(5));
    let event = json!({"type": "event.disconnecting", "reason": "Server shutting down"});
    assert_eq!(heard(&mut house, new), [event]);
    let event = json!({"type": "event.disconnecting", "seq": 0, "reason": "Server shutting down"});
    assert_eq!(heard(&mut house, old), [event]);
    for conn in [new, old, stranger] {
        assert_eq!(house.peer(conn).closed, Some(1000));
    }
}

#[test]
fn pl8_statistics_come_ten_times_a_second_and_after_every_step() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    download(&mut house, conn, "");
    let stats = |house: &mut House| {
        let inbox = std::mem::take(&mut house.peer(conn).inbox);
        let all = inbox.into_iter().filter(|message| message["type"] == "event.scanStats");
        all.collect::<Vec<Json>>()
    };
    for scans in 1..4 {
        house.say(conn, json!({"type": "engine.stepScan", "seq": 2}));
        house.run_for(ms(5));
        let got = stats(&mut house);
        assert_eq!(got.len(), 1);
        assert_eq!(
            (&got[0]["scanCount"], &got[0]["targetScanTimeUs"]),
            (&json!(scans), &json!(10_000))
        );
        let mut fields: Vec<&str> = got[0]
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "avgScanTimeUs",
                "contextId",
                "lastScanTimeUs",
                "maxScanTimeUs",
                "minScanTimeUs",
                "overrunCount",
                "scanCount",
                "targetScanTimeUs",
                "type"
            ]
        );
    }
    house.say(conn, json!({"type": "engine.start", "seq": 3}));
    house.run_for(ms(5));
    stats(&mut house);
    house.run_for(Duration::from_secs(10));
    assert_eq!(stats(&mut house).len(), 100);
}

#[test]
fn pl8_a_fault_and_a_breakpoint_are_told_with_their_places() {
    let mut house = house(&["line"]);
    let (conn, other) = (client(&mut house, "0.2.0"), client(&mut house, "0.2.0"));
    download(&mut house, conn, "");
    done(
        &mut house,
        conn,
        json!({"type": "breakpoint.set", "seq": 2, "rungIndex": 1}),
    );
    let answer = reply(
        &mut house,
        conn,
        json!({"type": "breakpoint.set", "seq": 3, "rungIndex": 2}),
    );
    assert_eq!(
        (&answer["success"], &answer["error"]),
        (&json!(false), &json!("expected a rung below 2, got 2"))
    );
    heard(&mut house, other);
    house.say(conn, json!({"type": "engine.start", "seq": 4}));
    house.run_for(ms(15));
    let expected = [
        json!({"type": "event.stateChanged", "state": "Running", "contextId": "line"}),
        json!({"type": "event.breakpointHit", "rungIndex": 1, "contextId": "line"}),
        json!({"type": "event.stateChanged", "state": "Paused", "contextId": "line"}),
    ];
    assert_eq!(heard(&mut house, other), expected);
    done(&mut house, conn, json!({"type": "breakpoint.clearAll", "seq": 5}));
    done(
        &mut house,
        conn,
        json!({"type": "memory.writeBit", "seq": 6, "address": "B:0/0", "value": true}),
    );
    heard(&mut house, other);
    house.say(conn, json!({"type": "engine.resume", "seq": 7}));
    house.run_for(ms(15));
    let expected = [
        json!({"type": "event.stateChanged", "state": "Running", "contextId": "line"}),
        json!({"type": "event.stateChanged", "state": "Fault", "contextId": "line"}),
        json!({"type": "event.fault", "message": "Division by zero at rung 1, column 0 (DIV)", "rungIndex": 1, "column": 0,
            "contextId": "line"}),
    ];
    assert_eq!(heard(&mut house, other), expected);
    let answer = reply(&mut house, conn, json!({"type": "engine.start", "seq": 8}));
    assert_eq!((&answer["success"], &answer["state"]), (&json!(false), &json!("Fault")));
}

#[test]
fn pl1_rights_of_keys_hold_on_this_door_too() {
    let mut house = house(&["line", "store"]);
    let engineer = client(&mut house, "0.2.0");
    download(&mut house, engineer, "line");
    let viewer = client_with(&mut house, "0.2.0", access(Role::Viewer, None, None));
    let operator = client_with(
        &mut house,
        "0.2.0",
        access(Role::Operator, None, Some(&["plc/line/I:0/1"])),
    );
    let may = |house: &mut House, conn, request: Json| reply(house, conn, request)["success"] == true;
    let start = json!({"type": "engine.start", "seq": 1});
    let force = json!({"type": "memory.forceBit", "seq": 2, "address": "I:0/0", "value": true});
    let step = json!({"type": "engine.stepScan", "seq": 3});
    let state = json!({"type": "engine.state", "seq": 4});
    let write = json!({"type": "memory.writeBit", "seq": 5, "address": "I:0/1", "value": true});
    let elsewhere = json!({"type": "memory.writeBit", "seq": 6, "address": "B:0/1", "value": true});
    let sync = json!({"type": "route.sync", "seq": 7, "routes": []});
    let io = json!({"type": "ioconfig.load", "seq": 8, "config": {"providerType": "Virtual"}});
    let create = json!({"type": "context.create", "seq": 9});
    for (request, viewer_may, operator_may) in [
        (state, true, true),
        (step, false, false),
        (start, false, true),
        (force, false, false),
        (write, false, true),
        (elsewhere, false, false),
        (sync, false, false),
        (io, false, false),
        (create, false, false),
    ] {
        assert_eq!(may(&mut house, viewer, request.clone()), viewer_may, "{request}");
        assert_eq!(may(&mut house, operator, request.clone()), operator_may, "{request}");
    }
    // Who sees only one context knows of no other.
    let narrow = client_with(
        &mut house,
        "0.2.0",
        access(Role::Engineer, Some(&["plc/store/**"]), None),
    );
    let list = reply(&mut house, narrow, json!({"type": "context.list", "seq": 1}));
    assert_eq!(list["contexts"].as_array().map(Vec::len), Some(1));
    let answer = reply(
        &mut house,
        narrow,
        json!({"type": "memory.subscribe", "seq": 1, "contextId": "line"}),
    );
    assert_eq!(answer["error"], "unknown context 'line'");
    heard(&mut house, narrow);
    done(&mut house, engineer, json!({"type": "engine.stop", "seq": 1}));
    assert_eq!(heard(&mut house, narrow), [Json::Null; 0], "nor of its events");
    let blind = client_with(&mut house, "0.2.0", access(Role::Viewer, Some(&["twin/**"]), None));
    let answer = reply(&mut house, blind, json!({"type": "engine.state", "seq": 1}));
    assert_eq!(answer["error"], "there is no context");
}

#[test]
fn pl21_a_key_makes_only_contexts_that_it_covers() {
    let mut house = house(&["line"]);
    let narrow = client_with(
        &mut house,
        "0.2.0",
        access(Role::Engineer, Some(&["plc/line/**"]), None),
    );
    let no_write = access(Role::Engineer, None, Some(&["plc/new/N:0"]));
    let no_write = client_with(&mut house, "0.2.0", no_write);
    let cell = access(Role::Engineer, Some(&["plc/cell/**"]), Some(&["plc/cell/**"]));
    let cell = client_with(&mut house, "0.2.0", cell);
    for (conn, name) in [
        (narrow, json!("new")),
        (narrow, Json::Null),
        (no_write, json!("new")),
        (cell, json!("line")),
    ] {
        let create = json!({"type": "context.create", "seq": 4, "name": name});
        let got = reply(&mut house, conn, create);
        let error = got["error"].as_str().unwrap_or_default();
        assert!(
            got["success"] == false && error.contains("does not cover all of its signals"),
            "{name}: {got}"
        );
    }
    let got = reply(
        &mut house,
        cell,
        json!({"type": "context.create", "seq": 4, "name": "cell"}),
    );
    assert_eq!((&got["success"], &got["name"]), (&json!(true), &json!("cell")));
}

#[test]
fn pl5_a_refused_field_is_answered_with_the_context_that_was_named() {
    let mut house = house(&["line", "other"]);
    let all = client(&mut house, "0.2.0");
    let narrow = client_with(
        &mut house,
        "0.2.0",
        access(Role::Engineer, Some(&["plc/line/**"]), None),
    );
    let requests = [
        json!({"type": "memory.writeBit", "seq": 4, "contextId": "other", "address": "B:0/0", "value": 1}),
        json!({"type": "memory.writeTimer", "seq": 4, "contextId": "other", "address": "T:0", "pre": 40_000}),
        json!({"type": "breakpoint.set", "seq": 4, "contextId": "other", "rungIndex": -1}),
    ];
    for request in requests {
        let got = reply(&mut house, all, request.clone());
        assert_eq!(
            (&got["success"], &got["contextId"]),
            (&json!(false), &json!("other")),
            "{got}"
        );
        let got = reply(&mut house, narrow, request);
        assert_eq!(
            (&got["success"], &got["contextId"]),
            (&json!(false), &Json::Null),
            "{got}"
        );
    }
    let odd = json!({"type": "route.sync", "seq": 4, "contextId": "line", "enabled": true, "routes": 7});
    assert_eq!(reply(&mut house, all, odd)["contextId"], Json::Null);
}
