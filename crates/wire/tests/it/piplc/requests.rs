//! Requests in every spelling, and messages that are none.

use super::{lines, written_request};
use crosstie_wire::DecodeError;
use crosstie_wire::json::{JsonProblem, Place};
use crosstie_wire::piplc::*;
use serde_json::json;

fn bit(region: &str, word: u32, bit: u32) -> BitTarget {
    let region = region.into();
    BitTarget::Cell { region, word, bit }
}

fn bit_at(address: &str) -> BitTarget {
    BitTarget::Address(address.into())
}

fn word(region: &str, word: u32) -> WordTarget {
    let region = region.into();
    WordTarget::Cell { region, word }
}

fn timer(target: SlotTarget) -> TimerWrite {
    TimerWrite {
        target,
        pre: None,
        acc: None,
        en: None,
        tt: None,
        dn: None,
    }
}

fn counter(target: SlotTarget) -> CounterWrite {
    CounterWrite {
        target,
        pre: None,
        acc: None,
        dn: None,
        ov: None,
        un: None,
        cu: None,
        cd: None,
    }
}

fn download(format: Option<&str>, document: &str) -> Request {
    Request::Download {
        format: format.map(Box::from),
        document: document.into(),
    }
}

/// Seq, context and request of every line of `requests.hand.jsonl`.
fn expected_requests() -> Vec<(i32, Option<&'static str>, Request)> {
    use EngineCommand::*;
    let old_hello = Hello {
        protocol_version: Some(99),
        client_name: None,
        client_version: Some("0.1.31".into()),
    };
    let config = json!({"providerType": "Virtual", "virtualInputCount": 16});
    let mut rows = vec![
        (50, None, Request::Hello(Hello::default())),
        (1, None, Request::Hello(old_hello)),
        (2, None, Request::Engine(Start)),
        (-7, Some("ec03"), Request::Engine(Stop)),
        (-1, None, Request::Engine(Pause)),
        (-1, None, Request::Engine(Resume)),
        (-1, None, Request::Engine(StepScan)),
        (-1, None, Request::Engine(StepRung)),
        (4, None, Request::Engine(Reset)),
        (10, None, download(Some("plcproj-xml"), "<a b=\"c\">\n</a>")),
        (11, None, download(None, "<a b=\"ä\"/>")),
        (12, None, download(None, "new")),
        (13, None, Request::Upload),
        (14, None, Request::Clear),
    ];
    rows.extend(
        expected_memory_requests()
            .into_iter()
            .map(|(seq, request)| (seq, None, request)),
    );
    rows.extend([
        (70, None, Request::SetBreakpoint { rung_index: 1 }),
        (71, None, Request::RemoveBreakpoint { rung_index: 0 }),
        (72, None, Request::ClearAllBreakpoints),
        (
            98,
            None,
            Request::LoadIoConfig {
                config: config.as_object().cloned().expect("it is an object"),
            },
        ),
        (-1, None, Request::State),
        (8, None, Request::Statistics),
        (9, None, Request::Info),
    ]);
    rows.extend(expected_table_requests());
    rows
}

fn expected_memory_requests() -> Vec<(i32, Request)> {
    let force = |target, value| Request::ForceBit { target, value };
    let write = |target, value| Request::WriteBit { target, value };
    let integer = |target, value| Request::WriteInteger { target, value };
    let subscribe = |interval_ms| Request::Subscribe { interval_ms };
    let timers = [
        TimerWrite {
            pre: Some(1),
            acc: Some(0),
            en: Some(true),
            ..timer(SlotTarget::Index(0))
        },
        TimerWrite {
            tt: Some(true),
            dn: Some(false),
            ..timer(SlotTarget::Index(4))
        },
        TimerWrite {
            pre: Some(i16::MAX),
            acc: Some(i16::MIN),
            ..timer(SlotTarget::Address("T:63".into()))
        },
    ];
    let counters = [
        CounterWrite {
            pre: Some(5),
            acc: Some(-5),
            dn: Some(true),
            ov: Some(false),
            ..counter(SlotTarget::Index(9))
        },
        CounterWrite {
            un: Some(true),
            cu: Some(false),
            cd: Some(true),
            ..counter(SlotTarget::Address("C:0".into()))
        },
    ];
    let mut rows = vec![
        (20, force(bit_at("I:0/3"), true)),
        (21, force(bit("O", 1, 31), false)),
        (22, force(bit_at("Start"), false)),
        (
            23,
            Request::UnforceBit {
                target: bit_at("I:0/3"),
            },
        ),
        (
            24,
            Request::UnforceBit {
                target: bit("B", 63, 0),
            },
        ),
        (25, Request::ClearAllForces),
        (30, subscribe(Some(50))),
        (31, subscribe(None)),
        (32, subscribe(None)),
        (33, subscribe(None)),
        (34, subscribe(Some(-5))),
        (35, Request::Unsubscribe),
        (53, write(bit("B", 0, 0), true)),
        (54, write(bit_at("B:3/1"), false)),
        (55, integer(word("N", 6), -80)),
        (56, integer(word("N", 3), 77)),
        (57, integer(word("N", 3), 77)),
        (58, integer(WordTarget::Address("B:3".into()), 4_294_967_295)),
    ];
    rows.extend((60..).zip(timers.map(Request::WriteTimer)));
    rows.extend((63..).zip(counters.map(Request::WriteCounter)));
    rows
}

fn expected_table_requests() -> Vec<(i32, Option<&'static str>, Request)> {
    let whole = Route {
        route_id: Some("r1".into()),
        src_context: "a".into(),
        src_address: "O:0/0".into(),
        dst_context: "b".into(),
        dst_address: "B:1/1".into(),
        data_type: 1,
        enabled: false,
        interval_ms: 20,
        description: "\"d\"".into(),
    };
    let short = Route {
        src_context: "a".into(),
        src_address: "N:0".into(),
        dst_context: "b".into(),
        dst_address: "N:9".into(),
        ..Route::default()
    };
    let sync = |enabled, routes| Request::SyncRoutes { enabled, routes };
    let create = |name: Option<&str>| Request::CreateContext {
        name: name.map(Box::from),
    };
    vec![
        (93, None, sync(false, vec![whole, short])),
        (94, None, sync(true, Vec::new())),
        (95, None, Request::ListRoutes),
        (69, None, create(Some("Alpha"))),
        (70, None, create(None)),
        (83, Some("2d59"), Request::RemoveContext),
        (82, None, Request::ListContexts),
        (37, None, Request::Pong),
    ]
}

#[test]
fn pl10_every_request_is_read_in_every_spelling() {
    let lines = lines("requests.hand.jsonl");
    let expected = expected_requests();
    assert_eq!(lines.len(), expected.len());
    for (line, (seq, context_id, request)) in lines.iter().zip(expected) {
        let context_id = context_id.map(Box::from);
        let envelope = Envelope {
            seq,
            context_id,
            request,
        };
        assert_eq!(decode(line), Ok(envelope), "{line}");
    }
    let dialect = |line: usize| match decode(&lines[line]).unwrap().request {
        Request::Hello(hello) => hello.dialect(),
        other => panic!("no hello: {other:?}"),
    };
    assert_eq!([dialect(0), dialect(1)], [Dialect::V02, Dialect::V01]);
    let kinds = |kind: RequestKind| lines.iter().any(|line| decode(line).unwrap().request.kind() == kind);
    assert!(RequestKind::ALL.into_iter().all(kinds));
}

fn wrong_kind(field: &'static str, expected: &'static str, found: &'static str, column: usize) -> DecodeError {
    DecodeError::FieldKind {
        field,
        expected,
        found,
        place: Place { line: 1, column },
    }
}

/// Seq, type and mistake of every line of `wrong.hand.jsonl`.
fn expected_mistakes() -> Vec<(Option<i32>, Option<&'static str>, DecodeError)> {
    const FLAG: &str = "true or false";
    const INDEX: &str = "a whole number from 0 to 4294967295";
    const SHORT: &str = "a whole number from -32768 to 32767";
    const OUT: &str = "a number out of this range";
    let json = |problem, column| DecodeError::Json {
        problem,
        place: Place { line: 1, column },
    };
    let missing = |field| DecodeError::MissingField { field };
    let unknown = || DecodeError::UnknownType {
        type_name: "nonsense".to_owned(),
    };
    let not_an_object = |found| DecodeError::NotAnObject { found };
    let force = Some("memory.forceBit");
    let infinite = DecodeError::Config {
        reason: "number out of range at line 1 column 15".to_owned(),
    };
    vec![
        (None, None, json(JsonProblem::Expected("a value"), 1)),
        (None, None, not_an_object("an array")),
        (None, None, not_an_object("null")),
        (Some(77), None, DecodeError::NoType),
        (Some(77), None, wrong_kind("type", "a string", "a number", 9)),
        (Some(5), None, unknown()),
        (None, None, unknown()),
        (
            Some(5),
            Some("engine.start"),
            json(JsonProblem::Expected("a name in quotes"), 32),
        ),
        (
            Some(6),
            Some("engine.start"),
            wrong_kind("contextId", "a string", "a number", 44),
        ),
        (Some(19), Some("program.download"), missing("data")),
        (
            Some(19),
            Some("program.download"),
            wrong_kind("data", "a string", "a number", 44),
        ),
        (
            Some(19),
            Some("program.download"),
            wrong_kind("projectXml", "a string", "an array", 62),
        ),
        (Some(20), force, missing("address")),
        (Some(20), force, missing("value")),
        (Some(20), force, wrong_kind("value", FLAG, "a number", 62)),
        (Some(20), force, missing("bit")),
        (Some(20), force, wrong_kind("word", INDEX, OUT, 56)),
        (
            None,
            Some("memory.writeBit"),
            wrong_kind("region", "a string", "a number", 36),
        ),
        (Some(34), Some("memory.writeInteger"), missing("address")),
        (
            Some(34),
            Some("memory.writeInteger"),
            wrong_kind("value", "a whole number", "a number", 57),
        ),
        (Some(35), Some("memory.writeTimer"), missing("index")),
        (Some(35), Some("memory.writeTimer"), wrong_kind("pre", SHORT, OUT, 54)),
        (Some(36), Some("memory.writeCounter"), wrong_kind("acc", SHORT, OUT, 56)),
        (
            Some(36),
            Some("memory.writeCounter"),
            wrong_kind("cu", FLAG, "a string", 55),
        ),
        (Some(24), Some("breakpoint.set"), missing("rungIndex")),
        (
            Some(25),
            Some("breakpoint.remove"),
            wrong_kind("rungIndex", INDEX, OUT, 50),
        ),
        (Some(27), Some("ioconfig.load"), missing("config")),
        (
            Some(27),
            Some("ioconfig.load"),
            wrong_kind("config", "an object", "a string", 43),
        ),
        (Some(27), Some("ioconfig.load"), infinite),
        (
            Some(28),
            Some("route.sync"),
            wrong_kind("routes", "an array of objects", "an object", 40),
        ),
        (
            Some(28),
            Some("route.sync"),
            wrong_kind("routes", "an object for each route", "a number", 44),
        ),
        (
            Some(28),
            Some("route.sync"),
            wrong_kind("srcAddress", "a string", "a number", 55),
        ),
        (
            Some(31),
            Some("context.create"),
            wrong_kind("name", "a string", "a number", 42),
        ),
        (Some(32), Some("context.remove"), missing("contextId")),
        (Some(32), Some("context.remove"), missing("contextId")),
    ]
}

#[test]
fn pl5_a_mistake_is_told_with_its_place_and_keeps_what_an_answer_needs() {
    let lines = lines("wrong.hand.jsonl");
    let expected = expected_mistakes();
    assert_eq!(lines.len(), expected.len());
    for (line, (seq, type_name, error)) in lines.iter().zip(expected) {
        let failure = decode(line).expect_err(line);
        assert_eq!(failure.error, error, "{line}");
        assert_eq!(failure.seq, seq, "{line}");
        assert_eq!(failure.kind.map(RequestKind::type_name), type_name, "{line}");
    }
    let with_context = decode(&lines[12]).unwrap_err();
    assert_eq!(with_context.context_id.as_deref(), Some("ec03"));
}

#[test]
fn pl5_a_mistake_is_answered_when_its_seq_or_its_type_is_known() {
    let check = |line: &str, to: ReplyTo<'_>, seq_new: Option<i32>, seq_old: Option<i32>| {
        let failure = decode(line).unwrap_err();
        assert_eq!(failure.reply_to(), to, "{line}");
        assert_eq!(failure.reply_seq(Dialect::V02), seq_new, "{line}");
        assert_eq!(failure.reply_seq(Dialect::V01), seq_old, "{line}");
    };
    let unknown = ReplyTo::Unknown("nonsense");
    check(r#"{"type":"nonsense","seq":5}"#, unknown, Some(5), None);
    check(r#"{"type":"nonsense"}"#, unknown, None, None);
    check(r#"{"seq":77}"#, ReplyTo::Unreadable, Some(77), None);
    check("not json", ReplyTo::Unreadable, None, None);
    let force = ReplyTo::Request(RequestKind::ForceBit);
    check(r#"{"type":"memory.forceBit","seq":5}"#, force, Some(5), Some(5));
    check(r#"{"type":"memory.forceBit"}"#, force, Some(-1), Some(-1));
    let write = ReplyTo::Request(RequestKind::WriteTimer);
    check(r#"{"type":"memory.writeTimer","seq":5}"#, write, Some(5), None);

    let long = format!(r#"{{"type":"{}","seq":1}}"#, "ä".repeat(65));
    let DecodeError::UnknownType { type_name } = decode(&long).unwrap_err().error else {
        panic!("{long}")
    };
    assert_eq!(type_name.chars().count(), 64);
}

#[test]
fn pl20_a_table_has_at_most_the_routes_of_the_limit() {
    let limits = Limits { routes_max: 2 };
    let sync = |routes: &str| decode_within(&format!(r#"{{"type":"route.sync","routes":[{routes}]}}"#), &limits);
    assert!(matches!(
        sync("{},{}").unwrap().request,
        Request::SyncRoutes { routes, .. } if routes.len() == 2
    ));
    let error = sync("{},{},{},5").unwrap_err().error;
    assert_eq!(error, DecodeError::TooManyRoutes { limit: 2, got: 4 });
    assert_eq!(error.to_string(), "expected at most 2 routes, got 4");
}

#[test]
fn pl11_a_long_document_is_read_in_both_spellings() {
    let document = "<Rung comment=\"ä\\\"/>\n".repeat(100_000);
    let quoted = serde_json::to_string(&document).unwrap();
    for text in [
        format!(r#"{{"type":"program.download","data":{quoted}}}"#),
        format!(r#"{{"contextId":"a\"b","projectXml":{quoted},"format":"x\n","type":"program.download"}}"#),
    ] {
        let envelope = decode(&text).unwrap();
        assert!(matches!(
            envelope.request,
            Request::Download { document: ref read, .. } if **read == *document
        ));
    }
}

#[test]
fn pl90_requests_are_spelled_as_the_server_reads_them() {
    let force = |target| Request::ForceBit { target, value: true };
    let integer = |target| Request::WriteInteger { target, value: -80 };
    let timer_write = |target| {
        Request::WriteTimer(TimerWrite {
            pre: Some(5),
            ..timer(target)
        })
    };
    let check = |request: &Request, expected| assert_eq!(written_request(Dialect::V01, 1, None, request), expected);
    check(
        &force(bit_at("b:03/1")),
        json!({"type": "memory.forceBit", "seq": 1, "region": "B", "word": 3, "bit": 1, "value": true}),
    );
    check(
        &integer(WordTarget::Address("N:6".into())),
        json!({"type": "memory.writeInteger", "seq": 1, "region": "N", "word": 6, "value": -80}),
    );
    check(
        &timer_write(SlotTarget::Address("T:4".into())),
        json!({"type": "memory.writeTimer", "seq": 1, "index": 4, "pre": 5}),
    );
    check(
        &download(None, "<a/>"),
        json!({"type": "program.download", "seq": 1, "projectXml": "<a/>"}),
    );
    check(&Request::Pong, json!({"type": "pong"}));

    // What such a server would take for B:0/0 or T:0 is never sent.
    let refused = |request: &Request| {
        let mut out = b"kept".to_vec();
        let error = write_request(&mut out, Dialect::V01, 1, None, request).unwrap_err();
        assert_eq!(out, b"kept");
        error
    };
    for address in ["Start", "T:4.DN", "B:3", "B:/1", "B:3/", "B:x/1", ""] {
        assert_eq!(refused(&force(bit_at(address))), SpellingError::Bit, "{address:?}");
    }
    for address in ["Count", "N:5/3", "T:4.PRE", "N:"] {
        let target = WordTarget::Address(address.into());
        assert_eq!(refused(&integer(target)), SpellingError::Word, "{address:?}");
    }
    let symbol = SlotTarget::Address("Delay".into());
    assert_eq!(refused(&timer_write(symbol)), SpellingError::Slot);
}
