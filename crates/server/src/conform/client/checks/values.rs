//! Values: odd ones from the server, and the numbers of the client.

use crate::conform::client::link::{Link, signals_of};
use crate::conform::client::stand::Stand;
use crate::conform::message::shortened;
use crate::conform::rig::{Kind, Stop, ensure};
use serde_json::{Map, Value, json};

/// RV-43: each row is a kind, a value of another type as JSON text, and what it means.
const COERCED: &[(Kind, &str, &str)] = &[
    (Kind::Bool, "1", "true"),
    (Kind::Bool, "0", "false"),
    (Kind::Bool, "\"TRUE\"", "true"),
    (Kind::Int, "6.9", "6"),
    (Kind::Int, "\"7\"", "7"),
    (Kind::Float, "\"5\"", "5"),
    (Kind::Float, "true", "1"),
    (Kind::Text, "8", "\"8\""),
    (Kind::Text, "false", "\"false\""),
];
/// RV-43: what no signal can hold.
const SKIPPED: &[&str] = &["null", "[1]", r#"{"x":1}"#];
/// RV-44: what may become infinite or no number on the way through single precision.
const EXTREME: &[&str] = &["1e308", "-1e308", "1e-320", "\"NaN\"", "\"Infinity\"", "\"-Infinity\""];

/// RV-43: coercion, seen where the client's catalog shows it; survived in any case.
pub(super) async fn coerced(stand: &mut Stand) -> Result<(), Stop> {
    let any = stand.one()?;
    let mut link = stand.opened().await?;
    let mut seen = false;
    for (kind, text, meant) in COERCED {
        let name = stand.shown(*kind);
        let is_shown = name.is_ok();
        let name = name.unwrap_or_else(|_| any.clone());
        odd(stand, &mut link, &name, text).await?;
        if is_shown {
            let meant: Value = serde_json::from_str(meant).unwrap_or_default();
            stand.shows(&mut link, &name, &meant).await?;
            seen = true;
        }
    }
    link.leave().await;
    survived_only(seen)
}

/// RV-43: an entry that is none spoils neither its signal nor its neighbours.
pub(super) async fn skipped(stand: &mut Stand) -> Result<(), Stop> {
    let other = stand.one()?;
    let good = stand.shown_all().into_iter().find(|name| *name != other);
    let mut link = stand.opened().await?;
    for text in SKIPPED {
        let Some(good) = &good else {
            odd(stand, &mut link, &other, text).await?;
            continue;
        };
        let value = stand.fresh(good);
        stand.catalog.with(|catalog| catalog.store(good, &value));
        let signals = format!("{}:{text},{}:{value}", json!(other), json!(good));
        stand.write_text(&mut link, &[&other, good], &signals).await?;
        stand.shows(&mut link, good, &value).await?;
    }
    link.leave().await;
    survived_only(good.is_some())
}

/// RV-44: whatever the client was told, it tells finite numbers.
pub(super) async fn finite(stand: &mut Stand) -> Result<(), Stop> {
    let name = stand.shown(Kind::Float).ok().or_else(|| {
        stand
            .readable(|catalog, name| catalog.kind(name) == Some(Kind::Float))
            .pop()
    });
    let mut link = stand.opened().await?;
    if let Some(name) = &name {
        for text in EXTREME {
            let key = Value::from(name.as_str());
            stand.write_text(&mut link, &[name], &format!("{key}:{text}")).await?;
            is_finite(stand, &mut link, name).await?;
        }
        let back = stand.fresh(name);
        stand.write(&mut link, name, &back).await?;
    }
    stand.goes_on(&mut link).await?;
    link.leave().await;
    none_noted(stand)
}

async fn is_finite(stand: &Stand, link: &mut Link, name: &str) -> Result<(), Stop> {
    link.ping().await?;
    let Some(own) = &stand.profile.own else {
        return none_noted(stand);
    };
    let answer = link.import().await;
    // An answer with a number that is none is no message, so it is missed; its note says more.
    none_noted(stand)?;
    let answer = answer?;
    match (own.signal(name), answer.signal(name)) {
        (Some(before), Some(value)) if before.is_number() => {
            ensure(value.is_number(), format!("{name:?} holds a finite number"), value)
        }
        _ => Ok(()),
    }
}

fn none_noted(stand: &Stand) -> Result<(), Stop> {
    match stand.notes.read().not_finite.first() {
        None => Ok(()),
        Some(noted) => Err(Stop::failed("every number on the wire is finite", noted)),
    }
}

/// RV-44: an int is written as one.
pub(super) async fn ints(stand: &mut Stand) -> Result<(), Stop> {
    let mut link = stand.opened().await?;
    if !stand.profile.writes.is_empty() {
        link.expect("data", 0).await?;
    }
    if stand.profile.own.is_some() {
        link.import().await?;
    }
    let mut seen = 0_usize;
    for message in link.log().iter().filter(|message| signals_of(message).is_some()) {
        let types = message.body.get("signalTypes").and_then(Value::as_object);
        for (name, token) in message.signal_tokens()? {
            let kind = match types {
                Some(types) => kind_in(types, &name),
                None => stand.kind(&name),
            };
            if kind == Some(Kind::Int) && !token.starts_with('"') {
                seen += 1;
                let expected = format!("the int {name:?} is written without fraction and exponent");
                ensure(!token.contains(['.', 'e', 'E']), expected, shortened(&token))?;
            }
        }
    }
    link.leave().await;
    if seen == 0 {
        return Err(Stop::skipped("the client sends no int"));
    }
    Ok(())
}

fn kind_in(types: &Map<String, Value>, name: &str) -> Option<Kind> {
    types.get(name).and_then(Value::as_str).and_then(Kind::of_type)
}

/// RV-45: the last of two equal names.
pub(super) async fn duplicate_names(stand: &mut Stand) -> Result<(), Stop> {
    let shown = stand.shown_all().into_iter().next();
    let name = shown.clone().map_or_else(|| stand.one(), Ok)?;
    let mut link = stand.opened().await?;
    let stands = stand.catalog.with(|catalog| catalog.value(&name).cloned());
    let first = stands.unwrap_or_default();
    let last = stand.fresh(&name);
    let key = Value::from(name.as_str());
    stand.catalog.with(|catalog| catalog.store(&name, &last));
    stand
        .write_text(&mut link, &[&name], &format!("{key}:{first},{key}:{last}"))
        .await?;
    stand.goes_on(&mut link).await?;
    if shown.is_some() {
        stand.shows(&mut link, &name, &last).await?;
    }
    link.leave().await;
    survived_only(shown.is_some())
}

/// Writes one value as JSON text and makes sure that the client goes on.
async fn odd(stand: &mut Stand, link: &mut Link, name: &str, text: &str) -> Result<(), Stop> {
    let key = Value::from(name);
    stand.write_text(link, &[name], &format!("{key}:{text}")).await?;
    stand.goes_on(link).await
}

/// A check that saw only that the client lives is no pass.
fn survived_only(seen: bool) -> Result<(), Stop> {
    if seen {
        return Ok(());
    }
    Err(Stop::skipped(
        "the client stays connected, but its own catalog shows nothing that it reads, so what it holds cannot be seen",
    ))
}
