//! The handshake: the request, who the client says that it is, what it asks for, and its own catalog.

use crate::conform::client::link::signals_of;
use crate::conform::client::stand::Stand;
use crate::conform::message::{Message, shortened, without_keys};
use crate::conform::rig::{Kind, Stop, ensure};
use serde_json::Value;
use std::time::Duration;

/// How long an `import_answer` is held back to see whether the client waits for it.
const HOLD_BACK: Duration = Duration::from_millis(500);

/// RV-30: what was configured is what is asked for.
pub(super) async fn path(stand: &mut Stand) -> Result<(), Stop> {
    stand.next_link().await?.leave().await;
    let target = &stand.profile.target;
    let Some(path) = &stand.options.path else {
        return ensure(target.starts_with('/'), "the client asks for a path", shortened(target));
    };
    let (expected, got) = (without_keys(path), without_keys(target));
    let got = if expected == got {
        "the same names in the query with other values".to_owned()
    } else {
        got
    };
    ensure(path == target, format!("the client asks for {expected}"), got)
}

/// RV-30: RFC 6455 demands a mask on every frame of a client.
pub(super) async fn masked(stand: &mut Stand) -> Result<(), Stop> {
    stand.opened().await?.leave().await;
    let unmasked = stand.notes.read().unmasked;
    ensure(
        !unmasked,
        "every frame of the client is masked",
        "a frame without a mask",
    )
}

/// RV-1: who it is comes before everything else.
pub(super) async fn init(stand: &mut Stand) -> Result<(), Stop> {
    let mut link = stand.next_link().await?;
    let first = link.await_message(0, |_| true).await?;
    let got = first.as_ref().map_or("nothing", |first| &first.text);
    let is_init = first.as_ref().is_some_and(|first| first.kind == "init");
    ensure(is_init, "the first message is `init`", shortened(got))?;
    if let Some(init) = &first {
        is_whole_init(init)?;
    }
    link.leave().await;
    Ok(())
}

/// RV-1: version and name of an `init`.
pub(super) fn is_whole_init(init: &Message) -> Result<(), Stop> {
    has_version(init)?;
    let name = init.body.get("name").and_then(Value::as_str);
    ensure(
        name.is_some_and(|name| !name.is_empty()),
        "`init` has a name",
        shortened(&init.text),
    )
}

/// RV-2: the client asks for the catalog by itself.
pub(super) async fn import_request(stand: &mut Stand) -> Result<(), Stop> {
    let mut link = stand.next_link().await?;
    let request = link.expect("import_request", 0).await?;
    link.leave().await;
    has_version(&request)
}

/// RV-31: nothing is subscribed before there is a catalog to choose from.
pub(super) async fn order(stand: &mut Stand) -> Result<(), Stop> {
    if !stand.profile.imports {
        return Err(Stop::skipped("the client does not ask for the catalog"));
    }
    let mut link = stand.next_link().await?;
    link.expect("import_request", 0).await?;
    link.listen(HOLD_BACK).await?;
    let early = link.log().iter().find(|message| message.kind == "subscribe");
    let got = early.map_or_else(String::new, |early| shortened(&early.text));
    ensure(
        early.is_none(),
        format!("no `subscribe` while the import_answer is held back for {HOLD_BACK:?}"),
        got,
    )?;
    link.leave().await;
    Ok(())
}

/// RV-31: a list, and only of what there is.
pub(super) async fn subscribe(stand: &mut Stand) -> Result<(), Stop> {
    let mut link = stand.opened().await?;
    let subscribe = link.expect("subscribe", 0).await?;
    has_version(&subscribe)?;
    let list = subscribe.body.get("subscribe").and_then(Value::as_array);
    let Some(list) = list.filter(|list| list.iter().all(Value::is_string)) else {
        return Err(Stop::failed(
            "`subscribe` is a list of names",
            shortened(&subscribe.text),
        ));
    };
    let unknown = list
        .iter()
        .filter_map(Value::as_str)
        .find(|name| stand.kind(name).is_none());
    ensure(
        unknown.is_none(),
        "every name is one of the import_answer, letter by letter",
        format!("{:?}", unknown.unwrap_or_default()),
    )?;
    link.leave().await;
    Ok(())
}

/// RV-36: the client's own catalog.
pub(super) async fn own_catalog(stand: &mut Stand) -> Result<(), Stop> {
    let mut link = stand.opened().await?;
    let answer = link.import().await?;
    link.leave().await;
    let types = answer.body.get("signalTypes").and_then(Value::as_object);
    let (Some(signals), Some(types)) = (signals_of(&answer), types) else {
        return Err(Stop::failed(
            "import_answer has the objects `signals` and `signalTypes`",
            shortened(&answer.text),
        ));
    };
    if let Some(name) = types.keys().find(|name| !signals.contains_key(*name)) {
        return Err(Stop::failed(
            "every name of `signalTypes` is in `signals`",
            format!("{name:?} is not"),
        ));
    }
    for (name, value) in signals {
        let text = types.get(name).map_or_else(|| "nothing".to_owned(), Value::to_string);
        let kind = types.get(name).and_then(Value::as_str).and_then(Kind::of_type);
        let Some(kind) = kind else {
            return Err(Stop::failed(
                format!("{name:?} has a type of the contract, such as PLCOutputBool"),
                text,
            ));
        };
        ensure(
            kind.fits(value),
            format!("the value of {name:?} fits its type {text}"),
            value,
        )?;
    }
    Ok(())
}

/// RV-35: commands are the client's own surface.
pub(super) async fn commands(_: &mut Stand) -> Result<(), Stop> {
    Err(Stop::skipped(
        "commands of the client, and the signal with its state, cannot be seen from outside",
    ))
}

fn has_version(message: &Message) -> Result<(), Stop> {
    let version = message.body.get("version").and_then(Value::as_f64);
    ensure(
        version == Some(2.0),
        format!("`{}` has version 2", message.kind),
        shortened(&message.text),
    )
}
