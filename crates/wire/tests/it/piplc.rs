//! PiPLC's messages: those of the description, those of the published engine, and hand-written ones with what they mean.
//!
//! `tests/golden/piplc/SOURCES.md` says where each file comes from.

mod random;
mod requests;
mod snapshot;

use crosstie_wire::piplc::*;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::PathBuf;

fn lines(file: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/piplc")
        .join(file);
    let text = fs::read_to_string(path).expect("the goldens are readable");
    text.lines().map(str::to_owned).collect()
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).expect("a golden is JSON")
}

fn written_reply(dialect: Dialect, front: &ReplyFront<'_>, reply: &Reply<'_>) -> Value {
    let mut out = Vec::new();
    write_reply(&mut out, dialect, front, reply);
    serde_json::from_slice(&out).expect("what is written is JSON")
}

fn written_event(dialect: Dialect, context_id: Option<&str>, event: &Event) -> Value {
    let mut out = Vec::new();
    write_event(&mut out, dialect, context_id, event);
    serde_json::from_slice(&out).expect("what is written is JSON")
}

fn written_request(dialect: Dialect, seq: i32, context_id: Option<&str>, request: &Request) -> Value {
    let mut out = Vec::new();
    write_request(&mut out, dialect, seq, context_id, request).expect("the dialect can spell it");
    serde_json::from_slice(&out).expect("what is written is JSON")
}

fn answer_to(kind: RequestKind, seq: i32, context_id: Option<&str>) -> ReplyFront<'_> {
    ReplyFront {
        to: ReplyTo::Request(kind),
        seq,
        context_id,
    }
}

/// Every field that is expected is there with that value, and these fields stand in the expected order.
fn assert_shows(ours: &Value, expected: &Value) {
    let (Value::Object(fields), Value::Object(expected_fields)) = (ours, expected) else {
        assert_eq!(ours, expected);
        return;
    };
    let order: Vec<_> = fields.keys().filter(|key| expected_fields.contains_key(*key)).collect();
    assert_eq!(order, expected_fields.keys().collect::<Vec<_>>(), "{ours}");
    for (name, value) in expected_fields {
        assert_shows(&fields[name], value);
    }
}

#[test]
fn pl2_requests_of_the_description_are_read_and_written() {
    let expected = [
        Request::Hello(Hello {
            protocol_version: Some(1),
            client_name: Some("PiPLC Editor".into()),
            client_version: Some("0.2.0".into()),
        }),
        Request::Engine(EngineCommand::Start),
        Request::Download {
            format: Some("plcproj-xml".into()),
            document: "<?xml version=\"1.0\" ...>...</PLCProject>".into(),
        },
        Request::ForceBit {
            target: BitTarget::Address("I:0/3".into()),
            value: true,
        },
        Request::Subscribe { interval_ms: Some(50) },
    ];
    let lines = lines("seed.client.jsonl");
    assert_eq!(lines.len(), expected.len());
    for (line, request) in lines.iter().zip(expected) {
        let envelope = decode(line).expect("a request of the description");
        assert_eq!((&envelope.request, envelope.context_id), (&request, None), "{line}");
        let ours = written_request(Dialect::V02, envelope.seq, None, &request);
        assert_eq!(ours, parsed(line));
        assert_shows(&ours, &parsed(line));
    }
}

#[test]
fn pl3_replies_and_events_of_the_description_are_written_in_its_order() {
    let lines = lines("seed.server.jsonl");
    let hello = HelloReply {
        server_name: "PiPLC Engine",
        server_version: "0.2.0",
        engine_id: "uuid-string",
        capabilities: &["gpio", "analog"],
        engine_name: "Line",
        engine_state: EngineState::Running,
        contexts: &[ContextRow {
            id: "ec03",
            name: "Line",
            state: EngineState::Running,
            has_program: true,
        }],
        io_config: &Map::new(),
        io_provider_name: "Virtual I/O",
    };
    let front = answer_to(RequestKind::Hello, 1, None);
    let ours = written_reply(Dialect::V02, &front, &Reply::Hello(&hello));
    assert_shows(&ours, &parsed(&lines[0]));
    assert_shows(
        &ours,
        &json!({
            "memoryLayout": {"timers": 64, "counters": 64, "snapshotSize": 2704},
            "success": true, "engineName": "Line", "engineState": "Running",
            "contexts": [{"id": "ec03", "name": "Line", "state": "Running", "hasProgram": true}],
            "ioConfig": {}, "ioProviderName": "Virtual I/O",
        }),
    );
    let start = answer_to(RequestKind::Engine(EngineCommand::Start), 2, None);
    let running = Reply::State(EngineState::Running);
    let fault = Event::Fault {
        message: "Division by zero at rung 3".into(),
        rung_index: None,
        column: None,
    };
    let state = EngineState::Running;
    for (line, ours) in lines[1..].iter().zip([
        written_reply(Dialect::V02, &start, &running),
        written_event(Dialect::V02, None, &Event::StateChanged { state }),
        written_event(Dialect::V02, None, &fault),
        written_event(Dialect::V02, None, &Event::BreakpointHit { rung_index: 3 }),
    ]) {
        assert_eq!(ours, parsed(line));
        assert_shows(&ours, &parsed(line));
    }
}

#[test]
fn pl4_a_reply_says_what_was_done_where_and_in_which_state() {
    let check = |kind, reply: &Reply<'_>, expected: &str| {
        let mut out = b"kept".to_vec();
        write_reply(&mut out, Dialect::V02, &answer_to(kind, 7, Some("ec03")), reply);
        assert_eq!(std::str::from_utf8(&out).unwrap(), format!("kept{expected}"));
    };
    let stop = RequestKind::Engine(EngineCommand::Stop);
    check(
        stop,
        &Reply::State(EngineState::Stopped),
        r#"{"type":"engine.stop.reply","seq":7,"success":true,"state":"Stopped","contextId":"ec03"}"#,
    );
    let refused = |state| Reply::Refused {
        error: "load a program first",
        state,
        diagnostics: &[],
    };
    check(
        stop,
        &refused(Some(EngineState::Fault)),
        r#"{"type":"engine.stop.reply","seq":7,"success":false,"error":"load a program first","state":"Fault","contextId":"ec03"}"#,
    );
    check(
        RequestKind::Upload,
        &refused(None),
        r#"{"type":"program.upload.reply","seq":7,"success":false,"error":"load a program first","contextId":"ec03"}"#,
    );
    check(
        RequestKind::WriteBit,
        &Reply::Done,
        r#"{"type":"memory.writeBit.reply","seq":7,"success":true,"contextId":"ec03"}"#,
    );
    check(
        RequestKind::Subscribe,
        &Reply::Subscribed { interval_ms: 10 },
        r#"{"type":"memory.subscribe.reply","seq":7,"success":true,"contextId":"ec03","intervalMs":10}"#,
    );
    check(
        RequestKind::State,
        &Reply::State(EngineState::Stepping),
        r#"{"type":"engine.state.reply","seq":7,"success":true,"state":"Stepping","contextId":"ec03"}"#,
    );
}

#[test]
fn pl11_a_download_tells_every_problem_with_its_place() {
    let whole = Diagnostic {
        code: "E101",
        rung: Some(3),
        column: Some(5),
        line: Some(12),
        character: Some(8),
        text: "no such timer",
    };
    let bare = Diagnostic {
        code: "W001",
        rung: None,
        column: None,
        line: None,
        character: None,
        text: "one path",
    };
    let diagnostics = &[whole, bare];
    let listed = json!([
        {"code": "E101", "rung": 3, "column": 5, "line": 12, "character": 8, "text": "no such timer"},
        {"code": "W001", "text": "one path"},
    ]);
    let front = answer_to(RequestKind::Download, 10, Some("ec03"));
    for (dialect, type_name) in [
        (Dialect::V02, "program.download.reply"),
        (Dialect::V01, "program.reply"),
    ] {
        let expected =
            json!({"type": type_name, "seq": 10, "success": true, "contextId": "ec03", "diagnostics": listed});
        assert_eq!(
            written_reply(dialect, &front, &Reply::Download { diagnostics }),
            expected
        );
    }
    let (error, state) = ("the program has 2 problems", None);
    let refused = Reply::Refused {
        error,
        state,
        diagnostics,
    };
    let expected = json!({
        "type": "program.download.reply", "seq": 10, "success": false, "error": error, "contextId": "ec03",
        "diagnostics": listed,
    });
    assert_eq!(written_reply(Dialect::V02, &front, &refused), expected);
}

#[test]
fn pl12_an_upload_has_the_document_under_both_names() {
    let front = answer_to(RequestKind::Upload, 1, Some("a"));
    let upload = Reply::Upload {
        document: "<a b=\"c\"/>",
    };
    let expected = json!({
        "type": "program.upload.reply", "seq": 1, "success": true, "contextId": "a",
        "format": "plcproj-xml", "data": "<a b=\"c\"/>", "projectXml": "<a b=\"c\"/>",
    });
    assert_eq!(written_reply(Dialect::V02, &front, &upload), expected);
    let expected = json!({
        "type": "program.reply", "seq": 1, "success": true, "contextId": "a", "projectXml": "<a b=\"c\"/>",
    });
    assert_eq!(written_reply(Dialect::V01, &front, &upload), expected);
}

#[test]
fn pl19_queries_are_answered_with_all_fields() {
    let stats = ScanStats {
        scan_count: u64::MAX,
        last_scan_time_us: 1,
        min_scan_time_us: 2,
        max_scan_time_us: 3,
        avg_scan_time_us: 4,
        overrun_count: 5,
        target_scan_time_us: 500,
    };
    let expected = json!({
        "type": "engine.statistics.reply", "seq": 8, "success": true, "contextId": "a", "scanCount": u64::MAX,
        "lastScanTimeUs": 1, "minScanTimeUs": 2, "maxScanTimeUs": 3, "avgScanTimeUs": 4, "overrunCount": 5,
        "targetScanTimeUs": 500,
    });
    let front = answer_to(RequestKind::Statistics, 8, Some("a"));
    assert_eq!(written_reply(Dialect::V02, &front, &Reply::Statistics(stats)), expected);

    let config = json!({"providerType": "Virtual"});
    let info = EngineInfo {
        name: "Line",
        state: EngineState::Paused,
        has_program: true,
        io_provider: "Virtual",
        io_provider_name: "Virtual I/O",
        scan_time_us: 500,
        io_config: config.as_object().unwrap(),
    };
    let expected = json!({
        "type": "engine.info.reply", "seq": 9, "success": true, "contextId": "a", "name": "Line", "state": "Paused",
        "hasProgram": true, "ioProvider": "Virtual", "scanTimeMs": 0.5, "ioProviderName": "Virtual I/O", "ioConfig": config,
    });
    let front = answer_to(RequestKind::Info, 9, Some("a"));
    assert_eq!(written_reply(Dialect::V02, &front, &Reply::Info(&info)), expected);
}

#[test]
fn pl20_routes_are_counted_refused_and_announced() {
    let front = answer_to(RequestKind::SyncRoutes, 93, Some("not addressed"));
    let refused = &[RefusedRoute {
        route_id: "r2",
        error: "no such context",
    }];
    let (route_count, none) = (2, &[][..]);
    let with = json!({
        "type": "route.sync.reply", "seq": 93, "success": true, "routeCount": 2,
        "refused": [{"routeId": "r2", "error": "no such context"}],
    });
    let without = json!({"type": "route.sync.reply", "seq": 93, "success": true, "routeCount": 2, "refused": []});
    let reply = |refused| Reply::RoutesSynced { route_count, refused };
    assert_eq!(written_reply(Dialect::V02, &front, &reply(refused)), with);
    assert_eq!(written_reply(Dialect::V01, &front, &reply(refused)), with);
    assert_eq!(written_reply(Dialect::V02, &front, &reply(none)), without);

    let routes = vec![Route {
        route_id: Some("r1".into()),
        src_address: "O:0/0".into(),
        ..Route::default()
    }];
    let listed = json!([{
        "routeId": "r1", "srcContext": "", "srcAddress": "O:0/0", "dstContext": "", "dstAddress": "", "dataType": 0,
        "enabled": true, "intervalMs": 50, "description": "",
    }]);
    let enabled = false;
    let list = Reply::Routes {
        enabled,
        routes: &routes,
    };
    let expected = json!({
        "type": "route.list.reply", "seq": 93, "success": true, "enabled": false, "routes": listed.clone(),
    });
    let front = answer_to(RequestKind::ListRoutes, 93, None);
    assert_eq!(written_reply(Dialect::V02, &front, &list), expected);
    let expected = json!({"type": "event.routesChanged", "enabled": false, "routes": listed});
    let changed = Event::RoutesChanged { enabled, routes };
    assert_eq!(written_event(Dialect::V02, None, &changed), expected);
}

#[test]
fn pl21_contexts_are_listed_with_their_id_under_both_names() {
    let row = ContextRow {
        id: "ec03",
        name: "Line",
        state: EngineState::Stopped,
        has_program: false,
    };
    let front = answer_to(RequestKind::ListContexts, 82, None);
    let expected = json!({
        "type": "context.list.reply", "seq": 82, "success": true,
        "contexts": [{"id": "ec03", "contextId": "ec03", "name": "Line", "state": "Stopped", "hasProgram": false}],
    });
    assert_eq!(written_reply(Dialect::V02, &front, &Reply::Contexts(&[row])), expected);
    let created = Reply::ContextCreated { name: "Line" };
    let expected = json!({
        "type": "context.create.reply", "seq": 82, "success": true, "contextId": "ec03", "name": "Line",
    });
    let front = answer_to(RequestKind::CreateContext, 82, Some("ec03"));
    assert_eq!(written_reply(Dialect::V02, &front, &created), expected);
}

#[test]
fn pl8_events_have_their_fields_and_their_context() {
    let check = |event: &Event, expected: &str| {
        let mut out = Vec::new();
        write_event(&mut out, Dialect::V02, Some("ec03"), event);
        assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
    };
    check(
        &Event::Fault {
            message: "Division by zero at rung 3, column 5 (DIV)".into(),
            rung_index: Some(3),
            column: Some(5),
        },
        r#"{"type":"event.fault","message":"Division by zero at rung 3, column 5 (DIV)","rungIndex":3,"column":5,"contextId":"ec03"}"#,
    );
    check(
        &Event::ScanStats(ScanStats::default()),
        r#"{"type":"event.scanStats","scanCount":0,"lastScanTimeUs":0,"minScanTimeUs":0,"maxScanTimeUs":0,"avgScanTimeUs":0,"overrunCount":0,"targetScanTimeUs":0,"contextId":"ec03"}"#,
    );
    let reason = "Server shutting down".into();
    let disconnecting = written_event(Dialect::V02, None, &Event::Disconnecting { reason });
    assert_eq!(
        disconnecting,
        json!({"type": "event.disconnecting", "reason": "Server shutting down"})
    );
    assert_eq!(
        written_event(Dialect::V02, None, &Event::Ping),
        json!({"type": "event.ping"})
    );
}

#[test]
fn pl90_a_server_is_read_tolerantly() {
    let reply = |line: &str| match decode_server(line) {
        Ok(ServerMessage::Reply(reply)) => reply,
        other => panic!("no reply: {other:?}"),
    };
    let bare = reply(r#"{"type":"x.reply"}"#);
    assert_eq!((bare.seq, bare.success, bare.state), (SEQ_NONE, true, None));
    let odd = reply(r#"{"type":"x.reply","seq":4.0,"success":1,"error":"no","state":"flying","more":[1]}"#);
    assert_eq!((odd.seq, odd.success, odd.error.as_deref()), (4, false, Some("no")));
    assert_eq!(Value::Object(odd.fields), json!({"state": "flying", "more": [1]}));
    let state = reply(r#"{"type":"x.reply","state":"RUNNING"}"#);
    assert_eq!((state.state, state.fields.len()), (Some(EngineState::Running), 0));

    let unknown = ServerMessage::Unknown {
        type_name: "event.later".into(),
    };
    assert_eq!(decode_server(r#"{"type":"event.later"}"#), Ok(unknown));
    for line in [
        "not json",
        "[1]",
        "null",
        "{}",
        r#"{"type":"event.stateChanged","state":"flying"}"#,
        r#"{"type":"event.breakpointHit","rungIndex":-1}"#,
    ] {
        assert!(decode_server(line).is_err(), "{line}");
    }
}

/// A reply with what another server's reply says, as an answer to the same request.
fn rewritten_reply(to: ReplyTo<'_>, theirs: &ServerReply) -> Value {
    let front = ReplyFront {
        to,
        seq: theirs.seq,
        context_id: theirs.context_id.as_deref(),
    };
    let write = |reply: &Reply<'_>| written_reply(Dialect::V01, &front, reply);
    let text = |name: &str| theirs.fields[name].as_str().expect("a text");
    let number = |name: &str| theirs.fields[name].as_u64().expect("a number");
    let kind = match to {
        _ if !theirs.success => {
            let error = theirs.error.as_deref().expect("a refusal says why");
            let (state, diagnostics) = (theirs.state, &[]);
            return write(&Reply::Refused {
                error,
                state,
                diagnostics,
            });
        }
        ReplyTo::Request(kind) => kind,
        ReplyTo::Unknown(_) | ReplyTo::Unreadable => panic!("answered: {theirs:?}"),
    };
    match kind {
        RequestKind::Hello => write(&Reply::Hello(&HelloReply {
            server_name: "Crosstie",
            server_version: "1",
            engine_id: "id",
            capabilities: &[],
            engine_name: text("engineName"),
            engine_state: EngineState::of_word(text("engineState")).expect("a state"),
            contexts: &contexts(&theirs.fields["contexts"]),
            io_config: theirs.fields["ioConfig"].as_object().expect("a map"),
            io_provider_name: text("ioProviderName"),
        })),
        // The state is not told in this dialect; whichever it is, it must not be written.
        RequestKind::Engine(_) => write(&Reply::State(EngineState::Running)),
        RequestKind::State => write(&Reply::State(theirs.state.expect("a state"))),
        RequestKind::Statistics => write(&Reply::Statistics(ScanStats {
            scan_count: number("scanCount"),
            last_scan_time_us: number("lastScanTimeUs"),
            min_scan_time_us: number("minScanTimeUs"),
            max_scan_time_us: number("maxScanTimeUs"),
            avg_scan_time_us: number("avgScanTimeUs"),
            overrun_count: number("overrunCount"),
            target_scan_time_us: 10_000,
        })),
        RequestKind::Info => write(&Reply::Info(&EngineInfo {
            name: text("name"),
            state: theirs.state.expect("a state"),
            has_program: theirs.fields["hasProgram"].as_bool().expect("a bool"),
            io_provider: text("ioProvider"),
            io_provider_name: "not told",
            scan_time_us: number("scanTimeMs") as u32 * 1000,
            io_config: &Map::new(),
        })),
        RequestKind::Download => write(&Reply::Download { diagnostics: &[] }),
        RequestKind::SyncRoutes => write(&Reply::RoutesSynced {
            route_count: number("routeCount") as usize,
            refused: &[],
        }),
        RequestKind::ListRoutes => {
            let (enabled, routes) = (&theirs.fields["enabled"], &theirs.fields["routes"]);
            let enabled = enabled.as_bool().expect("a bool");
            write(&Reply::Routes {
                enabled,
                routes: &routes_of(enabled, routes),
            })
        }
        RequestKind::CreateContext => write(&Reply::ContextCreated { name: text("name") }),
        RequestKind::ListContexts => write(&Reply::Contexts(&contexts(&theirs.fields["contexts"]))),
        _ => write(&Reply::Done),
    }
}

fn contexts(list: &Value) -> Vec<ContextRow<'_>> {
    let rows = list.as_array().expect("a list").iter();
    rows.map(|row| ContextRow {
        id: row["id"].as_str().expect("a text"),
        name: row["name"].as_str().expect("a text"),
        state: EngineState::of_word(row["state"].as_str().expect("a text")).expect("a state"),
        has_program: row["hasProgram"].as_bool().expect("a bool"),
    })
    .collect()
}

/// Routes out of a list, by way of the event that has the same form.
fn routes_of(enabled: bool, routes: &Value) -> Vec<Route> {
    let event = json!({"type": "event.routesChanged", "enabled": enabled, "routes": routes}).to_string();
    match decode_server(&event) {
        Ok(ServerMessage::Event {
            event: Event::RoutesChanged { routes, .. },
            ..
        }) => routes,
        other => panic!("no routes: {other:?}"),
    }
}

/// Holds every line of the server against what we write of it, and tells how many there were.
fn check_transcript(file: &str) -> usize {
    let mut asked: Vec<(i32, Result<Envelope, RequestError>)> = Vec::new();
    let mut count = 0;
    for line in lines(file) {
        if let Some(request) = line.strip_prefix("> ") {
            let request = decode(request);
            let seq = request
                .as_ref()
                .map_or_else(|error| error.seq, |envelope| Some(envelope.seq));
            asked.push((seq.unwrap_or(SEQ_NONE), request));
            continue;
        }
        let theirs = line.strip_prefix("< ").expect("a line has a direction");
        let expected = parsed(theirs);
        count += 1;
        match decode_server(theirs).unwrap_or_else(|error| panic!("{error}: {theirs}")) {
            ServerMessage::Reply(reply) => {
                let (_, request) = asked
                    .iter()
                    .rfind(|(seq, _)| *seq == reply.seq)
                    .expect("it was asked for");
                let to = match request {
                    Ok(envelope) => ReplyTo::Request(envelope.request.kind()),
                    Err(failure) => failure.reply_to(),
                };
                let ours = rewritten_reply(to, &reply);
                if to == ReplyTo::Request(RequestKind::Hello) {
                    // PL-3 adds the fields of the description to what this generation says.
                    assert_holds(&ours, &expected);
                } else {
                    assert_eq!(ours, expected, "{theirs}");
                }
            }
            ServerMessage::Event { context_id, event } => {
                let ours = written_event(Dialect::V01, context_id.as_deref(), &event);
                assert_eq!(ours, expected);
            }
            ServerMessage::Unknown { type_name } => panic!("unknown: {type_name}"),
        }
    }
    count
}

/// Every field that is expected is there with that value, in any order.
fn assert_holds(ours: &Value, expected: &Value) {
    let (Value::Object(fields), Value::Object(expected_fields)) = (ours, expected) else {
        assert_eq!(ours, expected);
        return;
    };
    for (name, value) in expected_fields {
        assert_holds(&fields[name], value);
    }
}

#[test]
fn pl9_replies_and_events_of_the_published_engine_are_written_as_it_writes_them() {
    for (file, count) in [
        ("v01-before-hello.transcript", 3),
        ("v01-hello.transcript", 3),
        ("v01-seq.transcript", 5),
        ("v01-every-request.transcript", 32),
        ("v01-run-step-fault.transcript", 37),
        ("v01-scan-stats.transcript", 10),
        ("v01-contexts.transcript", 23),
        ("v01-routes.transcript", 5),
        ("v01-io-config.transcript", 22),
        ("v01-shutdown.transcript", 1),
    ] {
        assert_eq!(check_transcript(file), count, "{file}");
    }
}
