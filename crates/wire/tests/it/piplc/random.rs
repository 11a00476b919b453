//! Random requests, replies, events and snapshots read back; no text and no frame breaks a promise.

use crosstie_wire::fuzz;
use crosstie_wire::piplc::*;
use proptest::prelude::*;

/// A text of any length but none.
fn filled() -> impl Strategy<Value = Box<str>> {
    ".{1,12}".prop_map(Box::from)
}

fn text() -> impl Strategy<Value = Box<str>> {
    any::<String>().prop_map(Box::from)
}

fn optional<S: Strategy<Value: Clone>>(strategy: S) -> impl Strategy<Value = Option<S::Value>> {
    (any::<bool>(), strategy).prop_map(|(is_there, value)| is_there.then_some(value))
}

fn bit_target() -> impl Strategy<Value = BitTarget> {
    prop_oneof![
        text().prop_map(BitTarget::Address),
        (text(), any::<u32>(), any::<u32>()).prop_map(|(region, word, bit)| BitTarget::Cell { region, word, bit }),
    ]
}

fn word_target() -> impl Strategy<Value = WordTarget> {
    prop_oneof![
        text().prop_map(WordTarget::Address),
        (text(), any::<u32>()).prop_map(|(region, word)| WordTarget::Cell { region, word }),
    ]
}

fn slot_target() -> impl Strategy<Value = SlotTarget> {
    prop_oneof![
        text().prop_map(SlotTarget::Address),
        any::<u32>().prop_map(SlotTarget::Index),
    ]
}

fn route() -> impl Strategy<Value = Route> {
    let places = (text(), text(), text(), text(), text());
    let numbers = (any::<i32>(), any::<bool>(), any::<u32>());
    (optional(filled()), places, numbers).prop_map(|(route_id, places, (data_type, enabled, interval_ms))| Route {
        route_id,
        src_context: places.0,
        src_address: places.1,
        dst_context: places.2,
        dst_address: places.3,
        description: places.4,
        data_type,
        enabled,
        interval_ms,
    })
}

fn hello() -> impl Strategy<Value = Request> {
    (any::<Option<i64>>(), optional(filled()), optional(filled())).prop_map(|(version, client_name, client_version)| {
        Request::Hello(Hello {
            protocol_version: version,
            client_name,
            client_version,
        })
    })
}

fn slot_write() -> impl Strategy<Value = Request> {
    let members = (slot_target(), any::<Option<i16>>(), any::<Option<i16>>());
    let timer = (members, any::<[Option<bool>; 3]>()).prop_map(|((target, pre, acc), [en, tt, dn])| {
        Request::WriteTimer(TimerWrite {
            target,
            pre,
            acc,
            en,
            tt,
            dn,
        })
    });
    let members = (slot_target(), any::<Option<i16>>(), any::<Option<i16>>());
    let counter = (members, any::<[Option<bool>; 5]>()).prop_map(|((target, pre, acc), [dn, ov, un, cu, cd])| {
        Request::WriteCounter(CounterWrite {
            target,
            pre,
            acc,
            dn,
            ov,
            un,
            cu,
            cd,
        })
    });
    prop_oneof![timer, counter]
}

fn plain_request() -> impl Strategy<Value = Request> {
    use EngineCommand::*;
    let commands = [Start, Stop, Pause, Resume, StepScan, StepRung, Reset].map(Request::Engine);
    let others = [
        Request::Upload,
        Request::Clear,
        Request::ClearAllForces,
        Request::Unsubscribe,
        Request::ClearAllBreakpoints,
        Request::State,
        Request::Statistics,
        Request::Info,
        Request::ListRoutes,
        Request::ListContexts,
    ];
    prop::sample::select([&commands[..], &others[..]].concat())
}

fn request() -> impl Strategy<Value = Request> {
    let force = (bit_target(), any::<bool>());
    let write = (bit_target(), any::<bool>());
    prop_oneof![
        5 => plain_request(),
        1 => hello(),
        2 => slot_write(),
        1 => text().prop_map(|document| Request::Download { format: Some(PROGRAM_FORMAT.into()), document }),
        1 => force.prop_map(|(target, value)| Request::ForceBit { target, value }),
        1 => bit_target().prop_map(|target| Request::UnforceBit { target }),
        1 => any::<Option<i64>>().prop_map(|interval_ms| Request::Subscribe { interval_ms }),
        1 => write.prop_map(|(target, value)| Request::WriteBit { target, value }),
        1 => (word_target(), any::<i64>()).prop_map(|(target, value)| Request::WriteInteger { target, value }),
        1 => any::<u32>().prop_map(|rung_index| Request::SetBreakpoint { rung_index }),
        1 => any::<u32>().prop_map(|rung_index| Request::RemoveBreakpoint { rung_index }),
        1 => optional(filled()).prop_map(|name| Request::CreateContext { name }),
        1 => (any::<bool>(), prop::collection::vec(route(), 0..4))
            .prop_map(|(enabled, routes)| Request::SyncRoutes { enabled, routes }),
        1 => prop::collection::hash_map(any::<String>(), any::<i64>(), 0..4).prop_map(|config| Request::LoadIoConfig {
            config: config.into_iter().map(|(name, value)| (name, value.into())).collect(),
        }),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let stats = any::<[u64; 7]>().prop_map(|numbers| {
        Event::ScanStats(ScanStats {
            scan_count: numbers[0],
            last_scan_time_us: numbers[1],
            min_scan_time_us: numbers[2],
            max_scan_time_us: numbers[3],
            avg_scan_time_us: numbers[4],
            overrun_count: numbers[5],
            target_scan_time_us: numbers[6],
        })
    });
    let fault = (text(), any::<Option<u32>>(), any::<Option<u32>>());
    prop_oneof![
        prop::sample::select(EngineState::ALL.to_vec()).prop_map(|state| Event::StateChanged { state }),
        fault.prop_map(|(message, rung_index, column)| Event::Fault {
            message,
            rung_index,
            column
        }),
        any::<u32>().prop_map(|rung_index| Event::BreakpointHit { rung_index }),
        stats,
        Just(Event::Ping),
        text().prop_map(|reason| Event::Disconnecting { reason }),
        (any::<bool>(), prop::collection::vec(route(), 0..4))
            .prop_map(|(enabled, routes)| Event::RoutesChanged { enabled, routes }),
    ]
}

/// What is left of an event in a dialect.
fn told(event: Event, dialect: Dialect) -> Event {
    match (event, dialect) {
        (Event::Fault { message, .. }, Dialect::V01) => Event::Fault {
            message,
            rung_index: None,
            column: None,
        },
        (event, _) => event,
    }
}

fn dialect() -> impl Strategy<Value = Dialect> {
    prop::sample::select(vec![Dialect::V02, Dialect::V01])
}

fn cells() -> impl Strategy<Value = SlotCells> {
    (any::<i16>(), any::<i16>(), any::<u8>()).prop_map(|(pre, acc, flags)| SlotCells { pre, acc, flags })
}

fn array<T: std::fmt::Debug + Clone, const LEN: usize>(
    strategy: impl Strategy<Value = T>,
) -> impl Strategy<Value = [T; LEN]> {
    prop::collection::vec(strategy, LEN).prop_map(|items| items.try_into().expect("the length is asked for"))
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let header = (any::<u32>(), any::<u32>(), any::<u8>(), any::<u8>());
    let words = (
        array(any::<u32>()),
        array(any::<u32>()),
        array(any::<u32>()),
        array(any::<u32>()),
    );
    let slots = (array(cells()), array(cells()));
    (header, words, array(any::<i32>()), slots).prop_map(|(header, words, integers, (timers, counters))| Snapshot {
        header: SnapshotHeader {
            sequence: header.0,
            timestamp_ms: header.1,
            state: header.2,
            context_index: header.3,
        },
        body: SnapshotBody {
            inputs: words.0,
            outputs: words.1,
            bits: words.2,
            integers,
            timers,
            counters,
            forces: words.3,
        },
    })
}

/// Fields with names of the protocol and values of every kind.
fn any_message() -> impl Strategy<Value = String> {
    let mut types: Vec<&str> = RequestKind::ALL.map(RequestKind::type_name).to_vec();
    types.extend([
        "event.stateChanged",
        "event.fault",
        "event.routesChanged",
        "engine.reply",
        "nonsense",
    ]);
    let names = vec![
        "seq",
        "contextId",
        "data",
        "projectXml",
        "format",
        "address",
        "region",
        "word",
        "bit",
        "index",
        "value",
        "pre",
        "acc",
        "en",
        "dn",
        "cu",
        "rungIndex",
        "config",
        "enabled",
        "routes",
        "name",
        "intervalMs",
        "state",
        "message",
        "clientVersion",
        "other",
    ];
    let values = prop_oneof![
        4 => r#""([ -!#-\[\]-~äß😀]|\\["\\/bfnrt]|\\u00[0-9a-f]{2}|\\ud83d\\ude0[0-9]|\\ud[89a-f]0[0-9]){0,8}""#,
        4 => r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
        4 => prop::sample::select(vec!["true", "false", "null", "[]", "{}", "[{}]", "[null]", "[1,{}]", "nul", "\"\""])
            .prop_map(str::to_owned),
        1 => r#"\[\{"(routeId|srcAddress|dataType|enabled|intervalMs)":("a"|1|-1|true|null|1\.0)\}(,\{\})?\]"#,
    ];
    let fields = prop::collection::vec((prop::sample::select(names), values), 0..8);
    (prop::sample::select(types), fields, any::<prop::sample::Index>()).prop_map(|(type_name, fields, place)| {
        let mut members: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        members.insert(place.index(members.len() + 1), format!("\"type\":\"{type_name}\""));
        format!("{{{}}}", members.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_and_messages_break_no_promise(bytes: Vec<u8>, text in any_message(), place: prop::sample::Index, byte: u8) {
        fuzz::piplc(&bytes);
        fuzz::piplc(text.as_bytes());
        let mut spoiled = text.into_bytes();
        let place = place.index(spoiled.len());
        spoiled[place] = byte;
        fuzz::piplc(&spoiled);
    }

    #[test]
    fn any_request_reads_back(seq: i32, context_id in optional(filled()), request in request()) {
        let mut out = Vec::new();
        write_request(&mut out, Dialect::V02, seq, context_id.as_deref(), &request).unwrap();
        let envelope = Envelope { seq, context_id, request };
        prop_assert_eq!(decode(std::str::from_utf8(&out).unwrap()), Ok(envelope));
    }

    #[test]
    fn any_event_reads_back(dialect in dialect(), context_id in optional(text()), event in event()) {
        let mut out = Vec::new();
        write_event(&mut out, dialect, context_id.as_deref(), &event);
        let expected = ServerMessage::Event { context_id, event: told(event, dialect) };
        prop_assert_eq!(decode_server(std::str::from_utf8(&out).unwrap()), Ok(expected));
    }

    #[test]
    fn any_refusal_reads_back(
        dialect in dialect(),
        kind in prop::sample::select(RequestKind::ALL.to_vec()),
        seq: i32,
        error: String,
        context_id in text(),
    ) {
        let front = ReplyFront { to: ReplyTo::Request(kind), seq, context_id: Some(&context_id) };
        let mut out = Vec::new();
        write_reply(&mut out, dialect, &front, &Reply::Refused { error: &error, state: None, diagnostics: &[] });
        let read = decode_server(std::str::from_utf8(&out).unwrap());
        let Ok(ServerMessage::Reply(reply)) = read else { panic!("no reply: {read:?}") };
        prop_assert_eq!((reply.seq, reply.success, reply.error.as_deref()), (seq, false, Some(&*error)));
        prop_assert!(reply.fields.is_empty());
    }

    #[test]
    fn any_snapshot_reads_back(dialect in dialect(), snapshot in snapshot()) {
        let mut out = Vec::new();
        write_snapshot(&mut out, &snapshot.header, &snapshot.body, dialect);
        prop_assert_eq!(read_snapshot(&out, dialect), Ok(snapshot));
    }
}
