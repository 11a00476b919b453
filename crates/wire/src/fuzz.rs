//! What every decoder promises for any input, as plain functions.
//!
//! A fuzzer calls them with bytes of its own, the tests call them with the collected corpus and with random texts. They panic
//! when a promise is broken: no input panics a decoder, the scanner accepts what `serde_json` accepts and reads the same
//! from it, and what was read is read again from what is written of it.

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

use crate::error::DecodeError;
use crate::gama::{self, ServerMessage};
use crate::headset;
use crate::json::JsonProblem;
use crate::live::{self, Request};
use crate::monitor::{self, PlayerState};
use crate::piplc::{self, Dialect, Envelope};
use crate::realvirtual::{self, Message, Value, Values};

/// Holds the realvirtual decoder against `serde_json` and against its own encoder.
pub fn realvirtual(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let decoded = realvirtual::decode(text.clone());
    check_acceptance(&text, decoded.as_ref().err());
    let Ok(message) = decoded else { return };
    if let Message::Data(values) | Message::Snapshot(values) = &message {
        check_values(&text, values);
    }
    check_round_trip(message);
}

/// Holds the decoder of the live channel against `serde_json`.
pub fn live(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let decoded = live::decode(text.clone());
    check_acceptance(&text, decoded.as_ref().err().map(|failure| &failure.error));
    if let Ok(Request::Write(write)) = &decoded {
        check_values(&text, &write.signals);
    }
}

/// Holds the decoders of PiPLC's text and frames against `serde_json` and their own encoders.
pub fn piplc(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let decoded = piplc::decode(&text);
    check_acceptance(&text, decoded.as_ref().err().map(|failure| &failure.error));
    match decoded {
        Ok(envelope) => check_request_round_trip(&envelope),
        Err(failure) => check_refusal(&failure),
    }
    if let Ok(piplc::ServerMessage::Event { context_id, event }) = piplc::decode_server(&text) {
        let mut out = Vec::new();
        piplc::write_event(&mut out, Dialect::V02, context_id.as_deref(), &event);
        let again = piplc::decode_server(std::str::from_utf8(&out).expect("what is written is UTF-8"));
        assert_eq!(again, Ok(piplc::ServerMessage::Event { context_id, event }));
    }
    for dialect in [Dialect::V02, Dialect::V01] {
        check_snapshot_round_trip(data, dialect);
    }
}

/// Holds the decoders of the monitor and headset ports against `serde_json` and their own encoders.
pub fn simple(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // `serde_json` is the reader here, so of a refusal only this is left to promise: what is no JSON is never accepted.
    let valid = serde_json::from_str::<IgnoredAny>(&text).is_ok();
    let request = monitor::decode(&text);
    assert!(request.is_err() || valid, "accepted: {text:?}");
    if let Ok(monitor::Request::Screen(screen)) = request {
        let mut out = Vec::new();
        monitor::write_screen(&mut out, screen.as_ref());
        let again = monitor::decode(std::str::from_utf8(&out).expect("what is written is UTF-8"));
        assert_eq!(again, Ok(monitor::Request::Screen(screen)));
    }
    match headset::decode(&text) {
        Ok(headset::Message::Connection { id, as_sent, .. }) => {
            let player = PlayerState {
                id,
                ping_interval: as_sent,
                is_alive: true,
                connected: true,
                in_game: false,
                date_connection: String::from("09:14"),
            };
            let mut out = Vec::new();
            headset::write_json_state(&mut out, &player);
            let read: serde_json::Value = serde_json::from_slice(&out).expect("what is written is JSON");
            assert_eq!(read["id_player"], player.id);
        }
        Ok(headset::Message::Ask(ask)) => {
            let mut out = Vec::new();
            gama::write_ask(&mut out, &ask, "0", Some(7));
            serde_json::from_slice::<IgnoredAny>(&out).expect("what is written is JSON");
        }
        Ok(_) => assert!(valid, "accepted: {text:?}"),
        Err(_) => {}
    }
}

/// Holds the decoder of GAMA's messages against `serde_json`: whatever it takes for a world goes out as it came.
pub fn gama(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let decoded = gama::decode(&text);
    check_acceptance(&text, decoded.as_ref().err());
    // The same bytes as the text inside of a world.
    let quoted = serde_json::Value::from(text.as_ref()).to_string();
    let message = format!("{{\"type\":\"SimulationOutput\",\"content\":{quoted}}}");
    let Ok(ServerMessage::World(world)) = gama::decode(&message) else {
        panic!("no world: {message:?}")
    };
    for element in &world.elements {
        let frame = element.frame.as_bytes();
        let start = frame
            .iter()
            .position(|byte| *byte == b'{')
            .expect("the payload is an object");
        let payload = std::str::from_utf8(&frame[start..]).expect("what is written is UTF-8");
        let contents = payload
            .strip_prefix("{\"contents\":")
            .and_then(|rest| rest.strip_suffix(",\"type\":\"json_output\"}"))
            .expect("the contents stand first and the type last");
        assert!(
            contents == "null" || text.contains(contents),
            "{contents:?} is not in {text:?}"
        );
    }
}

/// A request reads back as itself from what a client would write of it, and in dialect 0.1 as one of its kind.
fn check_request_round_trip(envelope: &Envelope) {
    let written = |dialect| {
        let mut out = Vec::new();
        let context_id = envelope.context_id.as_deref();
        piplc::write_request(&mut out, dialect, envelope.seq, context_id, &envelope.request).map(|()| {
            let text = String::from_utf8(out).expect("what is written is UTF-8");
            piplc::decode(&text).expect("what a client writes is a request")
        })
    };
    if let Ok(again) = written(Dialect::V01) {
        assert_eq!(again.request.kind(), envelope.request.kind());
    }
    let mut expected = envelope.clone();
    match &mut expected.request {
        piplc::Request::Pong => expected.seq = piplc::SEQ_NONE,
        piplc::Request::Download { format, .. } => {
            format.get_or_insert_with(|| Box::from(piplc::PROGRAM_FORMAT));
        }
        // serde_json may round the last digit of a float when it reads.
        piplc::Request::LoadIoConfig { .. } => return,
        _ => {}
    }
    assert_eq!(written(Dialect::V02), Ok(expected));
}

/// A refusal can be answered, and the answer reads back.
fn check_refusal(failure: &piplc::RequestError) {
    for dialect in [Dialect::V02, Dialect::V01] {
        let Some(seq) = failure.reply_seq(dialect) else {
            continue;
        };
        let front = piplc::ReplyFront {
            to: failure.reply_to(),
            seq,
            context_id: failure.context_id.as_deref(),
        };
        let error = failure.error.to_string();
        let refusal = piplc::Reply::Refused {
            error: &error,
            state: None,
            diagnostics: &[],
        };
        let mut out = Vec::new();
        piplc::write_reply(&mut out, dialect, &front, &refusal);
        let again = piplc::decode_server(std::str::from_utf8(&out).expect("what is written is UTF-8"));
        let Ok(piplc::ServerMessage::Reply(reply)) = again else {
            panic!("a refusal is not read again: {again:?}")
        };
        assert_eq!(
            (reply.seq, reply.success, reply.error.as_deref()),
            (seq, false, Some(&*error))
        );
    }
}

/// What is read of a frame is read again from what is written of it.
fn check_snapshot_round_trip(data: &[u8], dialect: Dialect) {
    match piplc::read_snapshot(data, dialect) {
        Ok(snapshot) => {
            let mut out = Vec::new();
            piplc::write_snapshot(&mut out, &snapshot.header, &snapshot.body, dialect);
            assert_eq!(out.len(), piplc::SNAPSHOT_LEN);
            assert_eq!(piplc::read_snapshot(&out, dialect), Ok(snapshot));
        }
        Err(piplc::SnapshotError::TooShort { got }) => assert!(got == data.len() && got < piplc::SNAPSHOT_LEN),
        Err(piplc::SnapshotError::Magic { .. }) => assert!(!data.starts_with(b"MEMP")),
    }
}

/// The scanner refuses a text exactly when `serde_json` does, except for its own limit of nesting.
fn check_acceptance(text: &str, error: Option<&DecodeError>) {
    let valid = serde_json::from_str::<IgnoredAny>(text).is_ok();
    match error {
        Some(DecodeError::Json {
            problem: JsonProblem::TooDeep,
            ..
        }) => assert!(deepest(text) > 127, "refused as too deep: {text:?}"),
        Some(DecodeError::Json { problem, place }) => {
            assert!(!valid, "refused with {problem} at {place}: {text:?}")
        }
        _ => assert!(valid, "accepted: {text:?}"),
    }
}

/// How many brackets are open at most, strings not looked at: an upper limit of the depth.
fn deepest(text: &str) -> usize {
    text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count()
}

/// The values read are those that a map visitor of `serde_json` meets in the last `signals` of the object.
fn check_values(text: &str, values: &Values) {
    let message = pairs(text).expect("what the decoder accepts is JSON");
    let Some((_, signals)) = message.iter().rfind(|(key, _)| key.as_deref() == Some("signals")) else {
        assert!(values.is_empty());
        return;
    };
    if signals.get() == "null" {
        assert!(values.is_empty());
        return;
    }
    let signals = pairs(signals.get()).expect("what the decoder accepts is JSON");
    assert_eq!(values.len(), signals.len());
    for ((name, value), (expected_name, expected)) in values.iter().zip(&signals) {
        // A name with half a surrogate pair is no text for serde_json; the decoder replaces the half.
        assert_eq!(name, expected_name.as_deref().unwrap_or(name));
        check_value(value, expected.get());
    }
}

fn check_value(value: Value<'_>, expected: &str) {
    match value {
        Value::Bool(value) => assert_eq!(expected, if value { "true" } else { "false" }),
        Value::Int(value) => assert_eq!(expected.parse(), Ok(value)),
        Value::Float(value) => {
            assert_eq!(expected.parse().map(f64::to_bits), Ok(value.to_bits()));
            assert!(
                expected == "-0" || expected.parse::<i64>().is_err(),
                "an integer was read as a float: {expected}"
            );
        }
        Value::Text(value) => match serde_json::from_str::<String>(expected) {
            Ok(expected) => assert_eq!(value, expected),
            Err(_) => assert!(value.contains('\u{fffd}'), "{expected} was read as {value:?}"),
        },
        Value::Unusable => match expected.as_bytes()[0] {
            b'n' | b'[' | b'{' => {}
            _ => assert!(
                expected.parse::<f64>().is_ok_and(f64::is_infinite),
                "{expected} was not used"
            ),
        },
    }
}

/// What was read, written and read again is the same, apart from what must not be written.
fn check_round_trip(message: Message) {
    let mut out = Vec::new();
    let expected = match &message {
        Message::Data(values) => {
            realvirtual::write_data(&mut out, values.iter());
            Message::Data(usable(values))
        }
        Message::Snapshot(values) => {
            realvirtual::write_snapshot(&mut out, values.iter());
            Message::Snapshot(usable(values))
        }
        Message::Subscribe(subscribe) => {
            let Some(names) = &subscribe.names else {
                return;
            };
            realvirtual::write_subscribe(&mut out, names);
            Message::Subscribe(realvirtual::Subscribe {
                version: Some(realvirtual::VERSION),
                names: Some(names.clone()),
            })
        }
        Message::ConfigAnswer(config) => {
            realvirtual::write_config_answer(&mut out, config);
            // serde_json may round the last digit of a float when it reads, so only the keys are compared.
            let text = String::from_utf8(out).expect("what is written is UTF-8");
            let Ok(Message::ConfigAnswer(again)) = realvirtual::decode(text) else {
                panic!("settings are not read again")
            };
            assert!(again.iter().map(|(key, _)| key).eq(config.iter().map(|(key, _)| key)));
            return;
        }
        Message::ConfigResult(result) => {
            realvirtual::write_config_result(&mut out, result.success, &result.message);
            message
        }
        _ => return,
    };
    let text = String::from_utf8(out).expect("what is written is UTF-8");
    assert_eq!(realvirtual::decode(text), Ok(expected));
}

/// The values as they read back: unusable ones are left out, and a whole float comes back as the integer it was written as.
fn usable(values: &Values) -> Values {
    let pairs = values.iter().filter_map(|(name, value)| match value {
        Value::Unusable => None,
        Value::Float(value) => {
            let mut digits = Vec::new();
            realvirtual::write_value(&mut digits, Value::Float(value));
            let digits = std::str::from_utf8(&digits).expect("digits are ASCII");
            assert_eq!(digits.parse().map(f64::to_bits), Ok(value.to_bits()));
            let whole = digits.parse().ok().filter(|_| digits != "-0");
            Some((name, whole.map_or(Value::Float(value), Value::Int)))
        }
        other => Some((name, other)),
    });
    Values::from_pairs(pairs)
}

/// One member of an object: its name and the text of its value.
type Pair = (Option<String>, Box<RawValue>);

/// The members of an object in order, names undone (`None` when that is impossible), values as they stand in the text.
fn pairs(text: &str) -> Result<Vec<Pair>, serde_json::Error> {
    struct Pairs;

    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<Pair>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(Name(name)) = map.next_key()? {
                pairs.push((name, map.next_value()?));
            }
            Ok(pairs)
        }
    }

    serde_json::Deserializer::from_str(text).deserialize_map(Pairs)
}

/// A name, read as bytes, because `serde_json` lets half a surrogate pair pass only there.
struct Name(Option<String>);

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Name, E> {
                Ok(Name(std::str::from_utf8(bytes).ok().map(str::to_owned)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(Some(name.to_owned())))
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}
