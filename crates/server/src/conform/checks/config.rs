//! The server's settings over the protocol. The seed leaves them optional, so a server without them is skipped.

use crate::conform::message::{Message, same_value, shortened};
use crate::conform::peer::Peer;
use crate::conform::rig::{Rig, Stop, ensure};
use serde_json::{Map, Value, json};

/// A key that no server has.
const NO_KEY: &str = "conformNoSuchKey";

/// RV-7: config_answer holds a map.
pub(super) async fn answer(rig: &mut Rig) -> Result<(), Stop> {
    rig.config()?;
    let mut peer = rig.peer("operator").await?;
    read(&mut peer).await.map(drop)
}

/// RV-8: setting what stands succeeds and changes nothing.
pub(super) async fn same(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.peer("operator").await?;
    let (key, value) = setting(rig)?;
    let result = set(&mut peer, json!({key.as_str(): value})).await?;
    succeeded(&result, true)?;
    shows(&mut peer, &key, &value).await
}

/// RV-8, RV-23: an unknown key is named.
pub(super) async fn unknown(rig: &mut Rig) -> Result<(), Stop> {
    rig.config()?;
    let mut peer = rig.peer("operator").await?;
    let result = set(&mut peer, json!({NO_KEY: 1})).await?;
    succeeded(&result, false)?;
    names(&result, NO_KEY)
}

/// RV-23: one bad key and the good one beside it is not applied either.
pub(super) async fn all_or_nothing(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.peer("operator").await?;
    let (key, value) = setting(rig)?;
    for bad_first in [false, true] {
        let good = (key.clone(), other(&value));
        let bad = (NO_KEY.to_owned(), json!(1));
        let both = if bad_first { [bad, good] } else { [good, bad] };
        let result = set(&mut peer, Value::Object(both.into_iter().collect())).await?;
        let kept = async {
            succeeded(&result, false)?;
            names(&result, NO_KEY)?;
            shows(&mut peer, &key, &value).await
        };
        if let Err(stop) = kept.await {
            // The setting may have been changed, and the server should be left as it was.
            set(&mut peer, json!({key.as_str(): value})).await?;
            return Err(stop);
        }
    }
    Ok(())
}

/// RV-23: a setting is live at once, for every client that asks.
pub(super) async fn live(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.peer("operator").await?;
    let (key, value) = setting(rig)?;
    let changed = other(&value);
    let result = set(&mut peer, json!({key.as_str(): changed})).await?;
    let mut reader = rig.peer("reader").await?;
    let shown = async {
        succeeded(&result, true)?;
        shows(&mut reader, &key, &changed).await
    };
    let shown = shown.await;
    let result = set(&mut peer, json!({key.as_str(): value})).await?;
    shown?;
    succeeded(&result, true)?;
    shows(&mut reader, &key, &value).await
}

/// A setting whose neighbour value is harmless: the cycle, else the first number or flag.
fn setting(rig: &Rig) -> Result<(String, Value), Stop> {
    let config = rig.config()?;
    let usable = |value: &Value| value.is_u64() || value.is_boolean();
    let found = config.get_key_value("updateCycleMs").filter(|(_, value)| usable(value));
    let found = found.or_else(|| config.iter().find(|(_, value)| usable(value)));
    let (key, value) = found.ok_or_else(|| Stop::skipped("the configuration has no number and no flag"))?;
    Ok((key.clone(), value.clone()))
}

fn other(value: &Value) -> Value {
    match value.as_u64() {
        Some(number) => json!(number + 1),
        None => json!(value != &json!(true)),
    }
}

async fn read(peer: &mut Peer) -> Result<Map<String, Value>, Stop> {
    peer.say_json(&json!({"type": "config_get"})).await?;
    let answer = peer.expect("config_answer").await?;
    let config = answer.body.get("config").and_then(Value::as_object).cloned();
    config.ok_or_else(|| Stop::failed("config_answer has an object `config`", shortened(&answer.text)))
}

async fn set(peer: &mut Peer, config: Value) -> Result<Message, Stop> {
    peer.say_json(&json!({"type": "config_set", "config": config})).await?;
    peer.expect("config_result").await
}

async fn shows(peer: &mut Peer, key: &str, value: &Value) -> Result<(), Stop> {
    let config = read(peer).await?;
    let shown = config.get(key).cloned().unwrap_or_default();
    ensure(
        same_value(&shown, value),
        format!("config_get shows {key} = {value}"),
        shown,
    )
}

fn succeeded(result: &Message, success: bool) -> Result<(), Stop> {
    let told = result.body.get("success").and_then(Value::as_bool);
    ensure(
        told == Some(success),
        format!("config_result with success {success}"),
        shortened(&result.text),
    )
}

fn names(result: &Message, key: &str) -> Result<(), Stop> {
    let message = result.body.get("message").and_then(Value::as_str).unwrap_or_default();
    ensure(
        message.contains(key),
        format!("the message names {key}"),
        shortened(&result.text),
    )
}
