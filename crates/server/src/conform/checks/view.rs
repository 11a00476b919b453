//! What a client sees: subscribe, snapshot, and the full state for those who never subscribe.

use crate::conform::message::{Message, shortened};
use crate::conform::peer::Peer;
use crate::conform::rig::{Rig, Signal, Stop, ensure};
use serde_json::json;
use std::collections::BTreeSet;

/// A name that no server has.
const NOBODY: &str = "conform/no such signal";
/// Writes made while a client with an empty view must hear nothing: enough for several cycles of the server.
const UNHEARD_WRITES: usize = 5;

/// RV-4: the snapshot holds exactly the listed names.
pub(super) async fn list(rig: &mut Rig) -> Result<(), Stop> {
    let names = two_names(rig)?;
    let mut peer = rig.peer("reader").await?;
    peer.init().await?;
    for wanted in [&names[..], &names[..1], &names[1..]] {
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let snapshot = peer.subscribe(&wanted).await?;
        holds_exactly(&snapshot, &wanted)?;
    }
    Ok(())
}

/// RV-4, RV-12: no field, all signals.
pub(super) async fn missing(rig: &mut Rig) -> Result<(), Stop> {
    everything(rig, r#"{"type":"subscribe","version":2}"#).await
}

/// RV-4, RV-12: null, all signals.
pub(super) async fn null(rig: &mut Rig) -> Result<(), Stop> {
    everything(rig, r#"{"type":"subscribe","version":2,"subscribe":null}"#).await
}

/// RV-5, RV-12: an empty list is a view of nothing.
pub(super) async fn empty(rig: &mut Rig) -> Result<(), Stop> {
    let subject = rig.number()?;
    let mut deaf = rig.peer("deaf").await?;
    deaf.init().await?;
    let snapshot = deaf.subscribe(&[]).await?;
    holds_exactly(&snapshot, &[])?;
    let seen = deaf.log().len();

    let mut watcher = rig.member("watcher", &[&subject.name]).await?;
    let mut writer = rig.member("writer", &[]).await?;
    for _ in 0..UNHEARD_WRITES {
        rig.mark(&mut writer, &subject, &mut [&mut watcher]).await?;
    }
    rig.settle(&mut deaf).await?;
    no_data(&deaf.log()[seen..], "an empty view gets nothing")
}

/// RV-12: unknown names are left out, the others are served.
pub(super) async fn unknown(rig: &mut Rig) -> Result<(), Stop> {
    let subject = rig.number()?;
    let mut watcher = rig.peer("watcher").await?;
    watcher.init().await?;
    let snapshot = watcher
        .subscribe(&[NOBODY, &subject.name, "", "conform/nor this"])
        .await?;
    holds_exactly(&snapshot, &[&subject.name])?;
    let mut writer = rig.member("writer", &[]).await?;
    rig.mark(&mut writer, &subject, &mut [&mut watcher]).await
}

/// RV-12: a repeated name is one name.
pub(super) async fn duplicates(rig: &mut Rig) -> Result<(), Stop> {
    let names = two_names(rig)?;
    let (first, second) = (names[0].as_str(), names[1].as_str());
    let mut peer = rig.peer("reader").await?;
    peer.init().await?;
    let snapshot = peer.subscribe(&[first, second, first, first]).await?;
    let sent = snapshot.signal_tokens()?.len();
    ensure(sent == 2, "two names, each once", shortened(&snapshot.text))?;
    holds_exactly(&snapshot, &[first, second])
}

/// RV-12: a name in another case is another name.
pub(super) async fn case(rig: &mut Rig) -> Result<(), Stop> {
    let known: BTreeSet<&String> = rig.field.names.iter().collect();
    let swapped = rig.field.names.iter().find_map(|name| {
        let swapped: String = name.chars().map(swap_case).collect();
        (!known.contains(&swapped)).then_some(swapped)
    });
    let swapped =
        swapped.ok_or_else(|| Stop::skipped("the catalog has no name with a letter to change the case of"))?;
    let mut peer = rig.peer("reader").await?;
    peer.init().await?;
    let snapshot = peer.subscribe(&[&swapped]).await?;
    holds_exactly(&snapshot, &[])
}

/// RV-12: after a second subscribe the first list is forgotten.
pub(super) async fn replace(rig: &mut Rig) -> Result<(), Stop> {
    let (first, second) = rig.pair()?;
    let mut watcher = rig.member("watcher", &[&first.name]).await?;
    let snapshot = watcher.subscribe(&[&second.name]).await?;
    holds_exactly(&snapshot, &[&second.name])?;
    let seen = watcher.log().len();

    let mut writer = rig.member("writer", &[]).await?;
    let mut witness = rig.member("witness", &[&first.name]).await?;
    rig.mark(&mut writer, &first, &mut [&mut witness]).await?;
    rig.mark(&mut writer, &second, &mut [&mut watcher]).await?;
    unseen(&watcher.log()[seen..], &first, "the earlier list is forgotten")
}

/// RV-11: init alone starts the full state.
pub(super) async fn first_data(rig: &mut Rig) -> Result<(), Stop> {
    rig.waits_to_be_asked()?;
    let mut peer = rig.peer("newcomer").await?;
    peer.init().await?;
    let first = peer.next().await?;
    full_state(rig, &first)
}

/// RV-11: a client without a word is served after a second.
pub(super) async fn silent(rig: &mut Rig) -> Result<(), Stop> {
    rig.waits_to_be_asked()?;
    let mut peer = rig.peer("silent").await?;
    let first = peer.next().await?;
    full_state(rig, &first)
}

/// RV-11: nothing comes between the steps of the usual beginning.
pub(super) async fn import_first(rig: &mut Rig) -> Result<(), Stop> {
    rig.waits_to_be_asked()?;
    let subject = rig
        .field
        .names
        .first()
        .cloned()
        .ok_or_else(|| Stop::skipped("the catalog is empty"))?;
    // No init here: it would start the full state, rightly, before the request arrives.
    let mut peer = rig.peer("importer").await?;
    peer.say_json(&json!({"type": "import_request", "version": 2})).await?;
    let answer = peer.next().await?;
    ensure(
        answer.kind == "import_answer",
        "import_answer is the first message",
        shortened(&answer.text),
    )?;
    peer.say_json(&json!({"type": "subscribe", "version": 2, "subscribe": [subject]}))
        .await?;
    let snapshot = peer.next().await?;
    ensure(
        snapshot.kind == "snapshot",
        "snapshot is the second message",
        shortened(&snapshot.text),
    )
}

/// RV-11: who imports and then never subscribes sees everything.
pub(super) async fn import_only(rig: &mut Rig) -> Result<(), Stop> {
    rig.waits_to_be_asked()?;
    let mut peer = rig.peer("importer").await?;
    peer.init().await?;
    peer.catalog().await?;
    let data = match peer.log().iter().find(|message| message.kind == "data") {
        Some(early) => early.clone(),
        None => peer.expect("data").await?,
    };
    full_state(rig, &data)
}

/// RV-21: the option of one gateway, where it is on.
pub(super) async fn push(rig: &mut Rig) -> Result<(), Stop> {
    if !rig.field.pushes {
        return Err(Stop::skipped(
            "the server waits to be asked for its catalog (push_on_connect is off)",
        ));
    }
    let mut peer = rig.peer("silent").await?;
    let answer = peer.next().await?;
    let expected = "import_answer comes first and unasked";
    ensure(answer.kind == "import_answer", expected, shortened(&answer.text))?;
    // A request holds the full state of a client that waits for it back (RV-11), so what comes ahead of its answer was pushed.
    peer.say_json(&json!({"type": "import_request", "version": 2})).await?;
    let data = peer.next().await?;
    full_state(rig, &data)
}

async fn everything(rig: &mut Rig, subscribe: &str) -> Result<(), Stop> {
    let mut peer: Peer = rig.peer("reader").await?;
    peer.init().await?;
    // A narrow view first: a server that ignores the message would otherwise look right.
    peer.subscribe(&[]).await?;
    peer.say(subscribe).await?;
    let snapshot = peer.expect("snapshot").await?;
    let names: Vec<&str> = rig.field.names.iter().map(String::as_str).collect();
    holds_all(&snapshot, &names)
}

/// Two names of the catalog: writable or not does not matter for a snapshot.
fn two_names(rig: &Rig) -> Result<Vec<String>, Stop> {
    match rig.field.names.as_slice() {
        [first, second, ..] => Ok(vec![first.clone(), second.clone()]),
        _ => Err(Stop::skipped("the catalog has fewer than two signals")),
    }
}

fn full_state(rig: &Rig, message: &Message) -> Result<(), Stop> {
    ensure(
        message.kind == "data",
        "the first message is data",
        shortened(&message.text),
    )?;
    let names: Vec<&str> = rig.field.names.iter().map(String::as_str).collect();
    holds_all(message, &names)
}

fn holds_all(message: &Message, names: &[&str]) -> Result<(), Stop> {
    let held: BTreeSet<String> = message.signal_tokens()?.into_iter().map(|(name, _)| name).collect();
    match names.iter().find(|name| !held.contains(**name)) {
        None => Ok(()),
        Some(absent) => Err(Stop::failed(
            format!("{} holds all {} signals of the catalog", message.kind, names.len()),
            format!("{} of them, without {absent}", held.len()),
        )),
    }
}

fn holds_exactly(message: &Message, names: &[&str]) -> Result<(), Stop> {
    let held: BTreeSet<String> = message.signal_tokens()?.into_iter().map(|(name, _)| name).collect();
    let wanted: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    ensure(
        held == wanted,
        format!("{} of {names:?}", message.kind),
        shortened(&message.text),
    )
}

fn no_data(messages: &[Message], expected: &str) -> Result<(), Stop> {
    match messages.iter().find(|message| message.kind == "data") {
        None => Ok(()),
        Some(data) => Err(Stop::failed(expected, shortened(&data.text))),
    }
}

fn unseen(messages: &[Message], signal: &Signal, expected: &str) -> Result<(), Stop> {
    match messages.iter().find(|message| message.signal(&signal.name).is_some()) {
        None => Ok(()),
        Some(message) => Err(Stop::failed(expected, shortened(&message.text))),
    }
}

fn swap_case(letter: char) -> char {
    match letter {
        'a'..='z' => letter.to_ascii_uppercase(),
        'A'..='Z' => letter.to_ascii_lowercase(),
        other => other,
    }
}
