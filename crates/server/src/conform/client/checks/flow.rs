//! Data both ways, and catalogs and snapshots that nobody asked for.

use crate::conform::client::catalog::Catalog;
use crate::conform::client::link::signals_of;
use crate::conform::client::stand::Stand;
use crate::conform::message::shortened;
use crate::conform::rig::{Kind, Stop, ensure};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a value may still come back, and how long a client is watched for more than its first data.
const WATCH: Duration = Duration::from_millis(500);
/// Changes that are watched for coming back.
const CHANGES: usize = 3;
/// A name that no client knows before it is in the catalog.
const EXTRA: &str = "ConformExtra";

/// RV-31: seen in the client's own catalog, for one signal of each kind.
pub(super) async fn delivered(stand: &mut Stand) -> Result<(), Stop> {
    let kinds = [Kind::Bool, Kind::Int, Kind::Float, Kind::Text];
    let names: Vec<String> = kinds.iter().filter_map(|kind| stand.shown(*kind).ok()).collect();
    if names.is_empty() {
        return Err(Stop::skipped(
            "the client's own catalog shows nothing that it reads, so what it holds cannot be seen",
        ));
    }
    let mut link = stand.opened().await?;
    for name in &names {
        let value = stand.fresh(name);
        stand.write(&mut link, name, &value).await?;
        stand.shows(&mut link, name, &value).await?;
    }
    link.leave().await;
    Ok(())
}

/// RV-31: form and names of what the client writes.
pub(super) async fn known(stand: &mut Stand) -> Result<(), Stop> {
    if stand.profile.writes.is_empty() {
        return Err(Stop::skipped("the client writes nothing by itself"));
    }
    let mut link = stand.opened().await?;
    link.expect("data", 0).await?;
    link.listen(WATCH).await?;
    for data in link.log().iter().filter(|message| message.kind == "data") {
        let shown = || shortened(&data.text);
        let version = data.body.get("version").and_then(Value::as_f64);
        ensure(version == Some(2.0), "`data` has version 2", shown())?;
        let signals = signals_of(data).ok_or_else(|| Stop::failed("`signals` of data is an object", shown()))?;
        for (name, value) in signals {
            let is_known = stand.kind(name).is_some();
            ensure(is_known, "data holds names of the catalog only", format!("{name:?}"))?;
            let is_plain = value.is_boolean() || value.is_number() || value.is_string();
            let expected = format!("the value of {name:?} is a bool, a number or a text");
            ensure(is_plain, expected, value)?;
        }
    }
    link.leave().await;
    Ok(())
}

/// RV-31: signals may appear.
pub(super) async fn more(stand: &mut Stand) -> Result<(), Stop> {
    with_another_catalog(stand, |catalog| catalog.add(EXTRA, "PLCOutputBool", json!(true))).await
}

/// RV-31: signals may vanish, here one that the client reads, where it can do without.
pub(super) async fn less(stand: &mut Stand) -> Result<(), Stop> {
    let watched = stand.shown_all().into_iter().next();
    let mut readable = stand.readable(|_, _| true);
    readable.retain(|name| watched.as_ref() != Some(name));
    let writes = &stand.profile.writes;
    let unused = || {
        let catalog = stand.catalog.with(|catalog| catalog.clone());
        catalog.names().find(|name| !writes.contains(*name)).cloned()
    };
    let gone = readable.pop().or_else(unused);
    let gone = gone.ok_or_else(|| Stop::skipped("the client writes every name of the catalog"))?;
    with_another_catalog(stand, |catalog| catalog.remove(&gone)).await
}

/// Serves the usual catalog, then changes it and sends it unasked; the usual one is back at the end.
async fn with_another_catalog(stand: &mut Stand, change: impl FnOnce(&mut Catalog)) -> Result<(), Stop> {
    let mut link = stand.opened().await?;
    stand.goes_on(&mut link).await?;
    let usual = stand.catalog.with(|catalog| {
        let usual = catalog.clone();
        change(catalog);
        usual
    });
    let applied = async {
        link.answer_import().await?;
        stand.flows(&mut link).await
    };
    let result = applied.await;
    stand.catalog.with(|catalog| *catalog = usual);
    link.leave().await;
    result
}

/// RV-17: real clients return what they receive; they must not do so for ever.
pub(super) async fn returned(stand: &mut Stand) -> Result<(), Stop> {
    let name = stand.one()?;
    let mut link = stand.opened().await?;
    link.listen(WATCH).await?;
    let from = link.log().len();
    for _ in 0..CHANGES {
        let value = stand.fresh(&name);
        stand.write(&mut link, &name, &value).await?;
        stand.goes_on(&mut link).await?;
    }
    link.listen(WATCH).await?;
    let sent = &link.log()[from..];
    let times = sent
        .iter()
        .filter(|message| message.kind == "data" && message.signal(&name).is_some())
        .count();
    ensure(
        times <= CHANGES,
        format!("{name:?} comes back at most {CHANGES} times after {CHANGES} changes"),
        format!("{times} times"),
    )?;
    link.leave().await;
    Ok(())
}

/// RV-5: a snapshot of nothing.
pub(super) async fn empty_snapshot(stand: &mut Stand) -> Result<(), Stop> {
    let mut link = stand.opened().await?;
    link.say_json(&json!({"type": "snapshot", "version": 2, "signals": {}}))
        .await?;
    stand.flows(&mut link).await?;
    link.leave().await;
    Ok(())
}

/// RV-5: a snapshot too early and one too many, as a server sends that pushes (RV-21).
pub(super) async fn unasked_snapshot(stand: &mut Stand) -> Result<(), Stop> {
    let snapshot = stand.catalog.with(|catalog| catalog.snapshot(None));
    let mut link = stand.next_link().await?;
    link.say_json(&snapshot).await?;
    if stand.profile.imports {
        link.expect("import_request", 0).await?;
    }
    stand.serve(&mut link).await?;
    link.say_json(&snapshot).await?;
    stand.flows(&mut link).await?;
    link.leave().await;
    Ok(())
}
