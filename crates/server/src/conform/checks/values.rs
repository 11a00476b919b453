//! Coercion on the way in, number forms on the way out.

use crate::conform::message::{Message, same_value, shortened};
use crate::conform::peer::Peer;
use crate::conform::rig::{Kind, Rig, Signal, Stop, ensure};
use serde_json::{Value, json};

/// RV-43: to bool. Each row is what is written, as JSON text, and what is stored.
const TO_BOOL: &[(&str, bool)] = &[
    ("true", true),
    ("false", false),
    ("1", true),
    ("0", false),
    ("-1", true),
    ("0.0", false),
    ("0.25", true),
    ("\"true\"", true),
    ("\"false\"", false),
    ("\"TRUE\"", true),
    ("\"False\"", false),
    ("\"1\"", true),
    ("\"0\"", false),
];

/// RV-43: to int.
const TO_INT: &[(&str, i64)] = &[
    ("5", 5),
    ("-7", -7),
    ("2.7", 2),
    ("-2.7", -2),
    ("0.9", 0),
    ("1.0", 1),
    ("1e3", 1_000),
    ("2147483647", i32::MAX as i64),
    ("2147483648", i32::MAX as i64),
    ("-2147483648", i32::MIN as i64),
    ("-2147483649", i32::MIN as i64),
    ("9007199254740993", i32::MAX as i64),
    ("1e300", i32::MAX as i64),
    ("-1e300", i32::MIN as i64),
    ("true", 1),
    ("false", 0),
    ("\"42\"", 42),
    ("\"2.5\"", 2),
    ("\"-1e2\"", -100),
];

/// RV-43: to float.
const TO_FLOAT: &[(&str, f64)] = &[
    ("5", 5.0),
    ("2.5", 2.5),
    ("-0.25", -0.25),
    ("1e3", 1_000.0),
    ("1E-2", 0.01),
    ("16777216", 16_777_216.0),
    ("true", 1.0),
    ("false", 0.0),
    ("\"2.5\"", 2.5),
    ("\"-1e3\"", -1_000.0),
];

/// RV-43: to text.
const TO_TEXT: &[(&str, &str)] = &[
    ("\"Running\"", "Running"),
    ("\"\"", ""),
    ("5", "5"),
    ("-3", "-3"),
    ("2.5", "2.5"),
    ("5.0", "5"),
    ("true", "true"),
    ("false", "false"),
    ("\"\\u00fc \\\"x\\\" \\ud83d\\ude80\"", "ü \"x\" 🚀"),
];

/// Entries of a message that are skipped (RV-43).
const SKIPPED: [&str; 5] = ["null", "[]", "[1]", "{}", r#"{"value":1}"#];

/// Floats with one shortest form at single and at double precision (RV-44).
const SHORTEST: [&str; 5] = ["0.1", "2.5", "1.1", "500.5", "-0.25"];
/// Numbers that no float holds (RV-44).
const BEYOND: [&str; 3] = ["1e400", "-1e400", "1e39"];

pub(super) async fn to_bool(rig: &mut Rig) -> Result<(), Stop> {
    coercion(
        rig,
        Kind::Bool,
        TO_BOOL.iter().map(|(text, stored)| (*text, json!(stored))),
    )
    .await
}

pub(super) async fn to_int(rig: &mut Rig) -> Result<(), Stop> {
    coercion(
        rig,
        Kind::Int,
        TO_INT.iter().map(|(text, stored)| (*text, json!(stored))),
    )
    .await
}

pub(super) async fn to_float(rig: &mut Rig) -> Result<(), Stop> {
    coercion(
        rig,
        Kind::Float,
        TO_FLOAT.iter().map(|(text, stored)| (*text, json!(stored))),
    )
    .await
}

pub(super) async fn to_text(rig: &mut Rig) -> Result<(), Stop> {
    coercion(
        rig,
        Kind::Text,
        TO_TEXT.iter().map(|(text, stored)| (*text, json!(stored))),
    )
    .await
}

/// RV-43: entries without a value are skipped, each alone.
pub(super) async fn skipped(rig: &mut Rig) -> Result<(), Stop> {
    let (subject, marker) = rig.pair()?;
    let mut watcher = rig.member("watcher", &[&subject.name, &marker.name]).await?;
    let mut writer = rig.member("writer", &[]).await?;
    let standing = rig.fresh(&subject);
    writer.write(&subject.name, &standing).await?;
    watcher.until(&subject.name, &standing).await?;
    for entry in SKIPPED {
        // The good entry stands once behind and once before the bad one.
        for bad_first in [true, false] {
            let good = rig.fresh(&marker);
            let (bad_name, good_name) = (json!(subject.name), json!(marker.name));
            let entries = if bad_first {
                format!("{bad_name}:{entry},{good_name}:{good}")
            } else {
                format!("{good_name}:{good},{bad_name}:{entry}")
            };
            writer
                .say(format!(r#"{{"type":"data","version":2,"signals":{{{entries}}}}}"#))
                .await?;
            watcher.until(&marker.name, &good).await?;
            let held = watcher.believes(&subject.name).cloned().unwrap_or_default();
            ensure(
                same_value(&held, &standing),
                format!("{} keeps {standing} when {entry} is written", subject.name),
                held,
            )?;
        }
    }
    Ok(())
}

/// RV-44: `42`, never `42.0`.
pub(super) async fn ints(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.peer("reader").await?;
    let catalog = peer.catalog().await?;
    whole_ints(&catalog, &catalog)?;
    if let Ok(int) = rig.one(Kind::Int) {
        let mut watcher = rig.member("watcher", &[&int.name]).await?;
        let mut writer = rig.member("writer", &[]).await?;
        for text in ["7", "8.0", "-90000.75"] {
            let sent = written(rig, &mut writer, &mut watcher, &int, text).await?;
            whole_ints(&catalog, &sent)?;
        }
        let snapshot = watcher.subscribe(&[&int.name]).await?;
        whole_ints(&catalog, &snapshot)?;
    }
    Ok(())
}

/// RV-44: shortest round-trip form, and one form of whole floats.
pub(super) async fn floats(rig: &mut Rig) -> Result<(), Stop> {
    let float = rig.one(Kind::Float)?;
    let mut watcher = rig.member("watcher", &[&float.name]).await?;
    let mut writer = rig.member("writer", &[]).await?;
    for text in SHORTEST {
        let sent = written(rig, &mut writer, &mut watcher, &float, text).await?;
        let token = token(&sent, &float.name)?;
        ensure(token == text, format!("{} is written {text}", float.name), token)?;
    }
    let mut with_point = Vec::new();
    for text in ["500", "-2", "70000"] {
        let sent = written(rig, &mut writer, &mut watcher, &float, text).await?;
        with_point.push(token(&sent, &float.name)?.contains('.'));
    }
    let consistent = with_point.iter().all(|point| *point == with_point[0]);
    ensure(
        consistent,
        "whole floats are written alike",
        format!("with a point: {with_point:?}"),
    )
}

/// RV-44: NaN and infinity are no JSON. Every message that a watcher reads is parsed strictly, and numbers must be finite.
pub(super) async fn finite(rig: &mut Rig) -> Result<(), Stop> {
    let float = rig.one(Kind::Float)?;
    let marker = rig.marker(&float)?;
    let mut watcher = rig.member("watcher", &[&float.name, &marker.name]).await?;
    let mut writer = rig.member("writer", &[]).await?;
    for text in BEYOND {
        writer.write_text(&float.name, text).await?;
        rig.mark(&mut writer, &marker, &mut [&mut watcher]).await?;
    }
    // Single precision has its own infinity; a text such as "Infinity" or null would be the same mistake in disguise.
    let told = watcher.log().iter().filter_map(|message| message.signal(&float.name));
    for value in told {
        ensure(
            value.as_f64().is_some_and(f64::is_finite),
            format!("{} is a finite number", float.name),
            value,
        )?;
    }
    let snapshot = watcher.subscribe(&[&float.name]).await?;
    match snapshot.signal(&float.name) {
        Some(value) => ensure(value.is_number(), "a number or nothing in the snapshot", value),
        None => Ok(()),
    }
}

/// RV-45: the last of equal names.
pub(super) async fn duplicate_names(rig: &mut Rig) -> Result<(), Stop> {
    let (subject, marker) = rig.pair()?;
    let mut watcher = rig.member("watcher", &[&subject.name, &marker.name]).await?;
    let mut writer = rig.member("writer", &[]).await?;
    for _ in 0..3 {
        let (first, last) = (rig.fresh(&subject), rig.fresh(&subject));
        let name = json!(subject.name);
        writer
            .say(format!(
                r#"{{"type":"data","version":2,"signals":{{{name}:{first},{name}:{last}}}}}"#
            ))
            .await?;
        rig.mark(&mut writer, &marker, &mut [&mut watcher]).await?;
        let held = watcher.believes(&subject.name).cloned().unwrap_or_default();
        ensure(
            same_value(&held, &last),
            format!("{} = {last}, the last of two", subject.name),
            held,
        )?;
    }
    Ok(())
}

/// Writes each row and compares what another client is told, value by value and with its JSON type.
async fn coercion(rig: &mut Rig, kind: Kind, rows: impl Iterator<Item = (&'static str, Value)>) -> Result<(), Stop> {
    let subject = rig.one(kind)?;
    let mut watcher = rig.member("watcher", &[&subject.name]).await?;
    let mut writer = rig.member("writer", &[]).await?;
    for (text, stored) in rows {
        // Another value first, so that the row is a change; the watcher must have seen it.
        let other = if kind == Kind::Bool {
            json!(stored != json!(true))
        } else {
            rig.fresh(&subject)
        };
        writer.write(&subject.name, &other).await?;
        watcher.until(&subject.name, &other).await?;
        writer.write_text(&subject.name, text).await?;
        let expected = format!("{text} written to a {kind} is stored as {stored}");
        watcher.until(&subject.name, &stored).await.map_err(|stop| match stop {
            Stop::Failed { got, .. } => Stop::failed(&expected, got),
            skipped @ Stop::Skipped(_) => skipped,
        })?;
    }
    Ok(())
}

/// Writes a value and gives the message that tells the watcher of it.
async fn written(
    rig: &mut Rig,
    writer: &mut Peer,
    watcher: &mut Peer,
    signal: &Signal,
    text: &str,
) -> Result<Message, Stop> {
    let other = rig.fresh(signal);
    writer.write(&signal.name, &other).await?;
    watcher.until(&signal.name, &other).await?;
    let seen = watcher.log().len();
    writer.write_text(&signal.name, text).await?;
    loop {
        let told = watcher.log()[seen..].iter().rev().find(|message| {
            message
                .signal(&signal.name)
                .is_some_and(|value| !same_value(value, &other))
        });
        match told {
            Some(message) => return Ok(message.clone()),
            None => watcher.expect("data").await.map(drop)?,
        }
    }
}

/// Every int that `message` tells has digits and a sign only; the kinds come from the catalog.
fn whole_ints(catalog: &Message, message: &Message) -> Result<(), Stop> {
    for (name, token) in message.signal_tokens()? {
        let kind = catalog
            .body
            .get("signalTypes")
            .and_then(|types| types.get(&name))
            .and_then(Value::as_str);
        let is_int = kind.and_then(Kind::of_type) == Some(Kind::Int);
        let whole = token
            .strip_prefix('-')
            .unwrap_or(&token)
            .bytes()
            .all(|byte| byte.is_ascii_digit());
        ensure(
            !is_int || whole,
            format!("the int {name} is written without fraction"),
            &token,
        )?;
    }
    Ok(())
}

fn token(message: &Message, name: &str) -> Result<String, Stop> {
    let found = message.signal_tokens()?.into_iter().rev().find(|(key, _)| key == name);
    found
        .map(|(_, token)| token)
        .ok_or_else(|| Stop::failed(format!("{name} is told"), shortened(&message.text)))
}
