//! The conversations that were recorded at the published engine 0.1.31, word by word: what it was told is told to the hub, in
//! the same dialect, and every answer and event is compared. Where the hub answers otherwise on purpose, the table says what
//! and why.

use crate::house::{House, Wire};
use crate::piplc::{download, heard, ms};
use crosstie_hub::settings::{PiplcSettings, PlcSettings, Settings};
use crosstie_hub::{ConnId, Face};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// The context of the recorded engine.
const FIRST: &str = "ec03e314-a2fa-4fd6-a5ae-e886c46d6da2";

/// What comes instead of what was recorded.
enum Instead {
    /// A reply that refuses, and no event.
    Refused,
    /// A reply that it is done, and no event.
    Done,
    /// The same messages, with these fields of the first one as they are here.
    With(&'static [(&'static str, &'static str)]),
}

/// What differs on purpose: conversation and `seq` of the request. The reasons stand in docs/compat/piplc.md.
const DIFFERENCES: &[(&str, i64, Instead)] = &[
    // Nothing starts without a program, and nothing goes to Fault for it.
    ("every-request", 10, Instead::Refused),
    ("every-request", 11, Instead::Done),
    ("every-request", 14, Instead::Refused),
    ("every-request", 15, Instead::Refused),
    ("every-request", 16, Instead::Done),
    // What names no bit is meant for none.
    ("every-request", 20, Instead::Refused),
    ("every-request", 21, Instead::Refused),
    ("every-request", 24, Instead::Refused),
    ("every-request", 25, Instead::Refused),
    // The document is read under both names.
    ("run-step-fault", 42, Instead::Done),
    // Who starts in a fault hears that nothing runs.
    ("run-step-fault", 54, Instead::Refused),
    // A provider that does not exist is refused.
    ("io-config", 101, Instead::Refused),
    // One that is not built in is shown, and nothing starts with it.
    (
        "io-config",
        105,
        Instead::With(&[("/ioProvider", "GPIO (/dev/gpiochip0)")]),
    ),
    (
        "io-config",
        106,
        Instead::With(&[
            ("/ioProviderName", "GPIO (/dev/gpiochip0)"),
            ("/ioConfig/gpioChipPath", "/dev/gpiochip0"),
        ]),
    ),
    ("io-config", 114, Instead::Refused),
    ("io-config", 115, Instead::Done),
];

impl Instead {
    fn of(&self, mut expected: Vec<Json>) -> Vec<Json> {
        let (kind, seq) = (expected[0]["type"].clone(), expected[0]["seq"].clone());
        match self {
            Instead::Refused => vec![json!({"type": kind, "seq": seq, "success": false, "error": "…"})],
            Instead::Done => vec![json!({"type": kind, "seq": seq, "success": true, "contextId": FIRST})],
            Instead::With(fields) => {
                for (pointer, value) in *fields {
                    *expected[0].pointer_mut(pointer).expect("the field was recorded") = json!(value);
                }
                expected
            }
        }
    }
}

/// One request and what came before the next.
struct Exchange {
    request: String,
    answers: Vec<Json>,
}

fn transcript(name: &str) -> Vec<Exchange> {
    let path = format!(
        "{}/../wire/tests/golden/piplc/v01-{name}.transcript",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).expect("the transcripts stand beside the codec");
    let mut exchanges: Vec<Exchange> = Vec::new();
    for line in text.lines() {
        if let Some(request) = line.strip_prefix("> ") {
            let (request, answers) = (request.to_owned(), Vec::new());
            exchanges.push(Exchange { request, answers });
        } else if let (Some(answer), Some(last)) = (line.strip_prefix("< "), exchanges.last_mut()) {
            let answer = serde_json::from_str(answer).expect("the engine answered in JSON");
            last.answers.push(answer);
        }
    }
    exchanges
}

fn house() -> (House, ConnId) {
    let mut house = House::with(Settings {
        plcs: vec![PlcSettings {
            id: FIRST.into(),
            ..PlcSettings::named("Z")
        }],
        piplc: PiplcSettings {
            engine_name: "Z".into(),
            ..PiplcSettings::default()
        },
        ..Settings::default()
    });
    let conn = house.connect_as(Face::Piplc, Wire::default());
    house.run_for(ms(5));
    (house, conn)
}

fn say_hello(house: &mut House, conn: ConnId) {
    house.say(
        conn,
        json!({"type": "hello", "seq": 1, "clientName": "probe", "clientVersion": "0.1.31"}),
    );
    house.run_for(ms(5));
    heard(house, conn);
}

/// The recorded client called itself 0.2.0 and was answered as by 0.1.31 all the same; here the dialect is what it says. Ids
/// of contexts are those of our engine.
fn translated(request: &str, ids: &BTreeMap<String, String>) -> String {
    let mut text = request.replace("\"clientVersion\": \"0.2.0\"", "\"clientVersion\": \"0.1.31\"");
    if text == r#"{"type": "hello", "seq": 50}"# {
        text = r#"{"type": "hello", "seq": 50, "clientVersion": "0.1.31"}"#.into();
    }
    for (theirs, ours) in ids {
        text = text.replace(theirs.as_str(), ours);
    }
    text
}

/// A message without what cannot be equal: words of errors, times of scans, generated ids. Of `hello.reply` only what 0.1 says.
fn comparable(message: &Json, ids: &BTreeMap<String, String>) -> Json {
    let mut text = message.to_string();
    for (theirs, ours) in ids {
        text = text.replace(theirs.as_str(), ours);
    }
    let mut message: Json = serde_json::from_str(&text).expect("it was JSON before");
    if let Some(fields) = message.as_object_mut() {
        for name in ["serverName", "serverVersion", "engineId", "capabilities"] {
            fields.remove(name);
        }
        for (name, value) in fields.iter_mut() {
            if name.ends_with("TimeUs") || name == "scanCount" || name == "error" || name == "message" {
                *value = json!("…");
            }
        }
        if let Some(layout) = fields.get_mut("memoryLayout").and_then(Json::as_object_mut) {
            layout.remove("timerCount");
            layout.remove("counterCount");
        }
        for route in fields
            .get_mut("routes")
            .and_then(Json::as_array_mut)
            .into_iter()
            .flatten()
        {
            if route["routeId"] != "r1" {
                route["routeId"] = json!("…");
            }
        }
    }
    message
}

fn replay(name: &str) -> Vec<String> {
    let (mut house, conn) = house();
    if name != "before-hello" {
        say_hello(&mut house, conn);
    }
    // The recorded engine had a program in all but these.
    if !["before-hello", "seq", "every-request", "run-step-fault"].contains(&name) {
        download(&mut house, conn, "");
    }
    let mut ids = BTreeMap::new();
    let mut wrong = Vec::new();
    for Exchange { request, answers } in transcript(name) {
        house.say_text(conn, translated(&request, &ids));
        house.run_for(ms(25));
        let got = heard(&mut house, conn);
        if let (Some(theirs), Some(ours)) = (answers.first(), got.first())
            && request.contains("context.create")
            && let (Some(theirs), Some(ours)) = (theirs["contextId"].as_str(), ours["contextId"].as_str())
        {
            ids.insert(theirs.to_owned(), ours.to_owned());
            // A context without a name gets the first free number; the recorded engine counted the contexts.
            let name = |message: &Json| format!("\"name\":{}", message["name"]);
            ids.insert(name(&answers[0]), name(&got[0]));
        }
        let expected: Vec<Json> = answers
            .iter()
            .filter(|answer| answer["type"] != "event.scanStats" && answer["type"] != "event.ping")
            .map(|answer| comparable(answer, &ids))
            .collect();
        let ours = BTreeMap::new();
        let mut got: Vec<Json> = got.iter().map(|message| comparable(message, &ours)).collect();
        if name == "before-hello" {
            // The dialect, and with it the type of a reply, is known only from the hello on.
            got.iter_mut()
                .for_each(|message| message["type"] = json!("engine.reply"));
        }
        let seq = serde_json::from_str::<Json>(&request).map_or(Json::Null, |request| request["seq"].clone());
        let differs = DIFFERENCES
            .iter()
            .find(|(conversation, of, ..)| *conversation == name && seq == *of);
        let expected = match differs {
            Some((_, _, instead)) => instead.of(expected),
            None => expected,
        };
        if got != expected {
            let text: String = request.chars().take(90).collect();
            wrong.push(format!("{name} {text}\n   got {got:#?}\n   not {expected:#?}"));
        }
    }
    wrong
}

#[test]
fn pl9_the_recorded_conversations_of_the_published_engine() {
    let names = [
        "before-hello",
        "hello",
        "seq",
        "every-request",
        "run-step-fault",
        "scan-stats",
        "contexts",
        "routes",
        "io-config",
    ];
    let wrong: Vec<String> = names.into_iter().flat_map(replay).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
