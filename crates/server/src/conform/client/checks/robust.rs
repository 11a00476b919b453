//! Strange servers: other versions, spoiled messages, odd frames, long silence.

use crate::conform::checks::MALFORMED;
use crate::conform::client::stand::Stand;
use crate::conform::message::shortened;
use crate::conform::rig::{Stop, ensure};
use serde_json::{Value, json};

/// RV-16: a version is worth a warning and no more.
pub(super) async fn version(stand: &mut Stand) -> Result<(), Stop> {
    let mut answer = stand.catalog.with(|catalog| catalog.import_answer());
    let name = stand.one().ok();
    let mut messages = Vec::new();
    for version in [json!(1), json!(3), json!("2"), Value::Null] {
        answer["version"] = version.clone();
        messages.push(answer.to_string());
        if let Some(name) = &name {
            let value = stand.catalog.with(|catalog| catalog.value(name).cloned());
            messages.push(json!({"type": "data", "version": version, "signals": {name.as_str(): value}}).to_string());
        }
    }
    let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
    survives(stand, &messages).await
}

/// RV-16: types that are not ours, and the first version of the protocol.
pub(super) async fn unknown_type(stand: &mut Stand) -> Result<(), Stop> {
    let messages = [
        r#"{"type":"hello","version":2}"#,
        r#"{"type":"DATA","signals":{}}"#,
        r#"{"type":"","x":[{"deep":[1]}]}"#,
        r#"{"tag":"data","data":{"x":1}}"#,
    ];
    survives(stand, &messages).await
}

/// RV-16: the server role's own messages, turned the wrong way, and answers to questions that nobody asked.
pub(super) async fn not_for_clients(stand: &mut Stand) -> Result<(), Stop> {
    let messages = [
        r#"{"type":"init","version":2,"name":"conform"}"#,
        r#"{"type":"subscribe","version":2,"subscribe":["x"]}"#,
        r#"{"type":"config_get"}"#,
        r#"{"type":"config_set","config":{"updateCycleMs":10}}"#,
        r#"{"type":"config_answer","config":{"updateCycleMs":10}}"#,
        r#"{"type":"config_result","success":false,"message":"no"}"#,
    ];
    survives(stand, &messages).await
}

/// RV-50: spoiled messages.
pub(super) async fn malformed(stand: &mut Stand) -> Result<(), Stop> {
    survives(stand, MALFORMED).await
}

/// RV-50: binary frames are not used.
pub(super) async fn binary(stand: &mut Stand) -> Result<(), Stop> {
    let mut link = stand.opened().await?;
    for payload in [&b""[..], b"\x00\xff", br#"{"type":"data","signals":{}}"#] {
        link.say_binary(payload).await?;
        stand.goes_on(&mut link).await?;
    }
    stand.flows(&mut link).await?;
    link.leave().await;
    Ok(())
}

/// RV-50: whatever was sent in this run is looked at, and a few occasions are given.
pub(super) async fn objects(stand: &mut Stand) -> Result<(), Stop> {
    let mut link = stand.opened().await?;
    for message in ["null", "[]", "{}", r#"{"type":"data","signals":null}"#] {
        link.say(message).await?;
        stand.goes_on(&mut link).await?;
    }
    link.leave().await;
    let noted = stand.notes.read().odd;
    ensure(
        noted.is_empty(),
        "every message of the client is one JSON object with a `type` in a text frame",
        noted.first().map_or("", String::as_str),
    )
}

/// RV-53: a sign of life.
pub(super) async fn pong(stand: &mut Stand) -> Result<(), Stop> {
    let mut link = stand.opened().await?;
    link.ping().await?;
    link.ping().await?;
    link.leave().await;
    Ok(())
}

/// RV-53: a server that has nothing to say says nothing.
pub(super) async fn silence(stand: &mut Stand) -> Result<(), Stop> {
    let pauses = &stand.options.pauses;
    let pause = if stand.options.slow {
        pauses.half_open
    } else {
        pauses.silence
    };
    let mut link = stand.opened().await?;
    link.listen(pause).await?;
    stand.goes_on(&mut link).await?;
    link.leave().await;
    Ok(())
}

/// Sends each message and makes sure after each that the client goes on; a failure names the message.
async fn survives(stand: &mut Stand, messages: &[&str]) -> Result<(), Stop> {
    let mut link = stand.opened().await?;
    for &message in messages {
        link.say(message).await?;
        stand.goes_on(&mut link).await.map_err(|stop| match stop {
            Stop::Failed { expected, got } => Stop::Failed {
                expected,
                got: format!("{got}, after {:?}", shortened(message)),
            },
            skipped @ Stop::Skipped(_) => skipped,
        })?;
    }
    stand.flows(&mut link).await?;
    link.leave().await;
    Ok(())
}
