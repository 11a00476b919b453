//! Who gets which value, and in which order: the heart of the contract.

use crate::conform::message::{Message, same_value, shortened};
use crate::conform::peer::Peer;
use crate::conform::rig::{Kind, Rig, Signal, Stop, ensure};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// Subscriptions made while another client writes.
const BASELINE_ROUNDS: usize = 30;
/// Writes of a burst.
const BURST: usize = 50;
/// Rounds in which two clients write one signal at the same time.
const CROSSING_ROUNDS: usize = 15;
/// Longest time after a delivery in which a server may take a write for one that crossed it (RV-13).
const CROSSING_MAX: Duration = Duration::from_millis(1_000);
/// Writes in a row that must come without an echo.
const QUIET_WRITES: usize = 3;
/// Values that an echoing client returns at rest first, so that the server knows it for what it is (RV-17).
const ECHOES_AT_REST: usize = 5;
/// Values that are returned too late afterwards.
const LATE_ECHOES: usize = 20;
/// Attempts of the echo check: a stall of this process above 150 ms makes a late echo look like a write.
const ECHO_ATTEMPTS: usize = 3;
/// Answers to one request: a stored value that the server returns for a crossing may show the request once more.
const ANSWERS_MAX: usize = 2;
/// Handshakes on one bit.
const HANDSHAKES: usize = 20;

/// RV-10: the order of the beginning, while somebody writes.
pub(super) async fn order(rig: &mut Rig) -> Result<(), Stop> {
    rig.waits_to_be_asked()?;
    let subject = rig.number()?;
    let mut writer = rig.member("writer", &[]).await?;
    let mut watcher = rig.member("watcher", &[&subject.name]).await?;
    for _ in 0..BASELINE_ROUNDS / 5 {
        let mut newcomer = rig.peer("newcomer").await?;
        let [before, beside, after] = [rig.fresh(&subject), rig.fresh(&subject), rig.fresh(&subject)];
        writer.write(&subject.name, &before).await?;
        newcomer
            .say_json(&json!({"type": "import_request", "version": 2}))
            .await?;
        newcomer
            .say_json(&json!({"type": "subscribe", "version": 2, "subscribe": [subject.name]}))
            .await?;
        writer.write(&subject.name, &beside).await?;
        newcomer.expect("snapshot").await?;
        writer.write(&subject.name, &after).await?;
        newcomer.until(&subject.name, &after).await?;
        watcher.until(&subject.name, &after).await?;

        let kinds: Vec<&str> = newcomer.log().iter().map(|message| message.kind.as_str()).collect();
        let in_order =
            kinds.starts_with(&["import_answer", "snapshot"]) && kinds[2..].iter().all(|kind| *kind == "data");
        ensure(in_order, "import_answer, then snapshot, then data", kinds.join(", "))?;
        rising(newcomer.log(), &subject)?;
    }
    Ok(())
}

/// RV-10: snapshot and the start of deltas are one step.
pub(super) async fn baseline(rig: &mut Rig) -> Result<(), Stop> {
    let subject = rig.number()?;
    let mut writer = rig.member("writer", &[]).await?;
    let mut watcher = rig.member("watcher", &[]).await?;
    for round in 0..BASELINE_ROUNDS {
        watcher.subscribe(&[]).await?;
        let seen = watcher.log().len();
        let subscribe = json!({"type": "subscribe", "version": 2, "subscribe": [subject.name]});
        let (first, last) = (rig.fresh(&subject), rig.fresh(&subject));
        writer.write(&subject.name, &first).await?;
        // Either may be ahead on its way, and every round ends with its last write, so one that is missed stays missed.
        if round % 2 == 0 {
            watcher.say_json(&subscribe).await?;
            writer.write(&subject.name, &last).await?;
        } else {
            writer.write(&subject.name, &last).await?;
            watcher.say_json(&subscribe).await?;
        }
        watcher.expect("snapshot").await?;
        watcher.until(&subject.name, &last).await?;

        let messages = &watcher.log()[seen..];
        let snapshot_first = messages.iter().find(|message| message.signal(&subject.name).is_some());
        let kind = snapshot_first.map_or("nothing", |message| &message.kind);
        ensure(
            kind == "snapshot",
            "the snapshot is the first word about the signal",
            kind,
        )?;
        rising(messages, &subject)?;
    }
    Ok(())
}

/// RV-13: everybody else hears of a write.
pub(super) async fn others(rig: &mut Rig) -> Result<(), Stop> {
    let subject = rig.number()?;
    let mut writer = rig.member("writer", &[&subject.name]).await?;
    let mut first = rig.member("first", &[&subject.name]).await?;
    let mut second = rig.member("second", &[&subject.name]).await?;
    let mut everything = rig.peer("everything").await?;
    everything.init().await?;
    rig.mark(&mut writer, &subject, &mut [&mut first, &mut second, &mut everything])
        .await
}

/// RV-13: no echo.
pub(super) async fn echo(rig: &mut Rig) -> Result<(), Stop> {
    let (subject, marker) = rig.pair()?;
    let both = [subject.name.as_str(), marker.name.as_str()];
    let mut writer = rig.member("writer", &both).await?;
    let mut other = rig.member("other", &both).await?;
    without_echo(rig, &mut writer, &mut other, &subject, &marker).await
}

/// Writes until nothing has come back several times in a row.
///
/// A server may return the stored value for a write that crossed a delivery, a snapshot too, so it gets time to stop.
async fn without_echo(
    rig: &mut Rig,
    writer: &mut Peer,
    other: &mut Peer,
    subject: &Signal,
    marker: &Signal,
) -> Result<(), Stop> {
    let deadline = Instant::now() + CROSSING_MAX * 3 / 2;
    let mut quiet = 0;
    let mut value = subject.initial.clone();
    while quiet < QUIET_WRITES {
        let seen = writer.log().len();
        value = if subject.kind == Kind::Bool {
            json!(value != json!(true))
        } else {
            rig.fresh(subject)
        };
        writer.write(&subject.name, &value).await?;
        other.until(&subject.name, &value).await?;
        rig.mark(other, marker, &mut [&mut *writer]).await?;

        let returned = writer.log()[seen..]
            .iter()
            .find(|message| message.signal(&subject.name).is_some());
        match returned {
            None => quiet += 1,
            Some(_) if Instant::now() < deadline => quiet = 0,
            Some(message) => {
                let expected = format!("the writer of {} = {value} does not get it back", subject.name);
                return Err(Stop::failed(expected, shortened(&message.text)));
            }
        }
    }
    Ok(())
}

/// RV-13: what was stored otherwise than written goes back.
pub(super) async fn coerced(rig: &mut Rig) -> Result<(), Stop> {
    let mut rows = Vec::new();
    if let Ok(int) = rig.one(Kind::Int) {
        rows.push((int.clone(), "2.7", json!(2)));
        rows.push((int, "\"17\"", json!(17)));
    }
    if let Ok(bool) = rig.one(Kind::Bool) {
        let text = if bool.initial == json!(true) {
            "\"false\""
        } else {
            "\"true\""
        };
        rows.push((bool.clone(), text, json!(bool.initial != json!(true))));
    }
    if let Ok(text) = rig.one(Kind::Text) {
        rows.push((text, "2.5", json!("2.5")));
    }
    if rows.is_empty() {
        return Err(Stop::skipped(
            "the server has no quiet bool, int or text signal that a peer may write",
        ));
    }
    for (signal, text, stored) in rows {
        let marker = rig.marker(&signal)?;
        let both = [signal.name.as_str(), marker.name.as_str()];
        let mut other = rig.member("other", &both).await?;
        let mut writer = rig.member("writer", &both).await?;
        // Only where a plain write stays without an answer does an answer show that the server saw the difference.
        without_echo(rig, &mut writer, &mut other, &signal, &marker).await?;
        if signal.kind == Kind::Bool {
            writer.write(&signal.name, &signal.initial).await?;
            other.until(&signal.name, &signal.initial).await?;
        }

        let seen = writer.log().len();
        writer.write_text(&signal.name, text).await?;
        other.until(&signal.name, &stored).await?;
        writer.until(&signal.name, &stored).await?;
        let told = writer.log()[seen..]
            .iter()
            .filter_map(|message| message.signal(&signal.name))
            .next_back();
        let right = told.is_some_and(|value| value == &stored || (value.is_number() && same_value(value, &stored)));
        ensure(
            right,
            format!("{text} written to {} comes back as {stored}", signal.name),
            format!("{told:?}"),
        )?;
    }
    Ok(())
}

/// RV-13: whoever loses the race is told.
pub(super) async fn crossing(rig: &mut Rig) -> Result<(), Stop> {
    let (subject, marker) = rig.pair()?;
    let both = [subject.name.as_str(), marker.name.as_str()];
    let mut first = rig.member("first", &both).await?;
    let mut second = rig.member("second", &both).await?;
    let mut third = rig.member("third", &both).await?;
    for round in 0..CROSSING_ROUNDS {
        for _ in 0..=round % 3 {
            let (one, other) = (rig.fresh(&subject), rig.fresh(&subject));
            first.write(&subject.name, &one).await?;
            second.write(&subject.name, &other).await?;
        }
        rig.settle(&mut first).await?;
        rig.settle(&mut second).await?;
        rig.mark(&mut third, &marker, &mut [&mut first, &mut second]).await?;

        let held = third
            .catalog()
            .await?
            .signal(&subject.name)
            .cloned()
            .unwrap_or_default();
        for (who, peer) in [("first", &first), ("second", &second)] {
            let believed = peer.believes(&subject.name);
            ensure(
                believed.is_some_and(|believed| same_value(believed, &held)),
                format!("both writers hold {} = {held}, as the catalog says", subject.name),
                format!("{who} holds {}", believed.cloned().unwrap_or_default()),
            )?;
        }
    }
    Ok(())
}

/// RV-13: merging is allowed, losing the end is not.
pub(super) async fn last_of_burst(rig: &mut Rig) -> Result<(), Stop> {
    let subject = rig.number()?;
    let mut writer = rig.member("writer", &[]).await?;
    let mut watcher = rig.member("watcher", &[&subject.name]).await?;
    for _ in 0..3 {
        let mut last = Value::Null;
        for _ in 0..BURST {
            last = rig.fresh(&subject);
            writer.write(&subject.name, &last).await?;
        }
        watcher.until(&subject.name, &last).await?;
    }
    rising(watcher.log(), &subject)
}

/// RV-14: an equal write is no change.
pub(super) async fn changed_only(rig: &mut Rig) -> Result<(), Stop> {
    changes_only_are_sent(rig)?;
    let (subject, marker) = rig.pair()?;
    let mut writer = rig.member("writer", &[]).await?;
    let mut watcher = rig.member("watcher", &[&subject.name, &marker.name]).await?;
    let value = rig.fresh(&subject);
    writer.write(&subject.name, &value).await?;
    watcher.until(&subject.name, &value).await?;
    let seen = watcher.log().len();
    for _ in 0..3 {
        writer.write(&subject.name, &value).await?;
    }
    rig.mark(&mut writer, &marker, &mut [&mut watcher]).await?;
    untold(&watcher.log()[seen..], &subject, "nothing for an equal write")
}

/// RV-14: what did not change is not sent along.
pub(super) async fn partial(rig: &mut Rig) -> Result<(), Stop> {
    changes_only_are_sent(rig)?;
    let (subject, marker) = rig.pair()?;
    let mut writer = rig.member("writer", &[]).await?;
    let mut watcher = rig.member("watcher", &[&subject.name, &marker.name]).await?;
    let seen = watcher.log().len();
    rig.mark(&mut writer, &marker, &mut [&mut watcher]).await?;
    untold(
        &watcher.log()[seen..],
        &subject,
        format!("data of {} alone", marker.name),
    )
}

/// RV-17: a name that the server writes is not moved by a peer.
pub(super) async fn owned(rig: &mut Rig) -> Result<(), Stop> {
    let subject = rig.owned()?;
    let marker = rig.marker(&subject)?;
    let mut watcher = rig.member("watcher", &[&subject.name, &marker.name]).await?;
    let mut writer = rig.member("writer", &[]).await?;
    for _ in 0..3 {
        let value = rig.fresh(&subject);
        writer.write(&subject.name, &value).await?;
        rig.mark(&mut writer, &marker, &mut [&mut watcher]).await?;
        let moved = watcher
            .log()
            .iter()
            .find(|message| message.signal(&subject.name) == Some(&value));
        if let Some(message) = moved {
            let expected = format!("{} belongs to the server and keeps its value", subject.name);
            return Err(Stop::failed(expected, shortened(&message.text)));
        }
    }
    Ok(())
}

/// RV-17: real clients return every value they receive.
pub(super) async fn echoer(rig: &mut Rig) -> Result<(), Stop> {
    let mut last = Ok(());
    for _ in 0..ECHO_ATTEMPTS {
        last = echoer_once(rig).await;
        if !matches!(last, Err(Stop::Failed { .. })) {
            break;
        }
    }
    last
}

async fn echoer_once(rig: &mut Rig) -> Result<(), Stop> {
    let (subject, marker) = rig.pair()?;
    let mut writer = rig.member("writer", &[&subject.name]).await?;
    let mut echoer = rig.member("echoer", &[&subject.name, &marker.name]).await?;
    let mut watcher = rig.member("watcher", &[&subject.name, &marker.name]).await?;

    for _ in 0..ECHOES_AT_REST {
        let value = rig.fresh(&subject);
        writer.write(&subject.name, &value).await?;
        echoer.until(&subject.name, &value).await?;
        echoer.write(&subject.name, &value).await?;
        rig.settle(&mut echoer).await?;
        watcher.until(&subject.name, &value).await?;
    }

    // Each value is returned when the next one is already stored: the echo that would turn the time back.
    let seen = watcher.log().len();
    let mut delivered = rig.fresh(&subject);
    writer.write(&subject.name, &delivered).await?;
    for _ in 0..LATE_ECHOES {
        echoer.until(&subject.name, &delivered).await?;
        let next = rig.fresh(&subject);
        writer.write(&subject.name, &next).await?;
        rig.settle(&mut writer).await?;
        echoer.write(&subject.name, &delivered).await?;
        watcher.until(&subject.name, &next).await?;
        delivered = next;
    }
    rig.settle(&mut echoer).await?;
    rig.mark(&mut writer, &marker, &mut [&mut watcher, &mut echoer]).await?;

    rising(&watcher.log()[seen..], &subject)?;
    for (who, peer) in [
        ("the watcher", &watcher),
        ("the echoing client", &echoer),
        ("the writer", &writer),
    ] {
        let held = peer.believes(&subject.name).cloned().unwrap_or_default();
        ensure(
            same_value(&held, &delivered),
            format!("{who} holds {delivered} in the end"),
            held,
        )?;
    }
    // Repetitions are left out: a server that sends everything every cycle repeats what stands.
    let mut told: Vec<&Value> = watcher.log()[seen..]
        .iter()
        .filter_map(|message| message.signal(&subject.name))
        .collect();
    told.dedup();
    ensure(
        told.len() <= LATE_ECHOES + 1,
        format!("at most {} changes are told", LATE_ECHOES + 1),
        told.len(),
    )
}

/// RV-17: returning a bit is a conversation, not an echo.
pub(super) async fn handshake(rig: &mut Rig) -> Result<(), Stop> {
    let bit = rig.one(Kind::Bool)?;
    let mut asking = rig.member("asking", &[&bit.name]).await?;
    let mut answering = rig.member("answering", &[&bit.name]).await?;
    let (idle, request) = (bit.initial.clone(), rig.fresh(&bit));
    // Another check may have left the bit in the other state.
    asking.write(&bit.name, &idle).await?;
    answering.until(&bit.name, &idle).await?;
    for _ in 0..HANDSHAKES {
        asking.write(&bit.name, &request).await?;
        let mut answers = 0;
        loop {
            tokio::select! {
                answered = asking.until(&bit.name, &idle) => break answered?,
                message = answering.next() => {
                    if message?.signal(&bit.name) == Some(&request) {
                        answers += 1;
                        let expected = format!("{} = {idle}, written as the answer to {request}, is taken", bit.name);
                        ensure(answers <= ANSWERS_MAX, expected, format!("{request} comes back to the answering client"))?;
                        answering.write(&bit.name, &idle).await?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// RV-18: one unknown name in a message, and the known ones beside it.
pub(super) async fn unknown_name(rig: &mut Rig) -> Result<(), Stop> {
    const STRANGER: &str = "conform/unknown";
    let subject = rig.number()?;
    let mut watcher = rig.member("watcher", &[&subject.name]).await?;
    let mut writer = rig.member("writer", &[]).await?;
    let value = rig.fresh(&subject);
    writer
        .say_json(&json!({"type": "data", "version": 2, "signals": {STRANGER: 1, subject.name.as_str(): value}}))
        .await?;
    watcher.until(&subject.name, &value).await?;
    rig.settle(&mut writer).await?;

    let catalog = watcher.catalog().await?;
    if let Some(kind) = catalog.body.get("signalTypes").and_then(|types| types.get(STRANGER)) {
        // A server with auto_register creates the signal, and then as a neutral one.
        let neutral = matches!(kind.as_str(), Some("Bool" | "Int" | "Float" | "Text"));
        ensure(neutral, "an unknown name is ignored or becomes a neutral signal", kind)?;
    }
    Ok(())
}

/// RV-54: as far as a peer can see it, values outlive their writer.
pub(super) async fn kept_when_gone(rig: &mut Rig) -> Result<(), Stop> {
    if rig.config_flag("resetOnDisconnect") == Some(true) {
        return Err(Stop::skipped("resetOnDisconnect is set"));
    }
    let (subject, marker) = rig.pair()?;
    let both = [subject.name.as_str(), marker.name.as_str()];
    let mut watcher = rig.member("watcher", &both).await?;
    let mut writer = rig.member("writer", &[]).await?;
    let value = rig.fresh(&subject);
    writer.write(&subject.name, &value).await?;
    watcher.until(&subject.name, &value).await?;
    writer.leave().await?;

    let mut late = rig.member("late", &both).await?;
    rig.mark(&mut late, &marker, &mut [&mut watcher]).await?;
    for (who, peer) in [
        ("a client that was there", &watcher),
        ("a client that came later", &late),
    ] {
        let held = peer.believes(&subject.name).cloned().unwrap_or_default();
        ensure(
            same_value(&held, &value),
            format!("{who} holds {} = {value}", subject.name),
            held,
        )?;
    }
    Ok(())
}

/// RV-55: no first come, first served.
pub(super) async fn last_writer(rig: &mut Rig) -> Result<(), Stop> {
    let subject = rig.number()?;
    let mut first = rig.member("first", &[&subject.name]).await?;
    let mut second = rig.member("second", &[&subject.name]).await?;
    let mut watcher = rig.member("watcher", &[&subject.name]).await?;
    for _ in 0..3 {
        rig.mark(&mut first, &subject, &mut [&mut second, &mut watcher]).await?;
        rig.mark(&mut second, &subject, &mut [&mut first, &mut watcher]).await?;
    }
    Ok(())
}

/// The values told for a signal never go back: fresh numbers of one run rise.
fn rising(messages: &[Message], signal: &Signal) -> Result<(), Stop> {
    let mut highest = f64::NEG_INFINITY;
    for message in messages
        .iter()
        .filter(|message| matches!(message.kind.as_str(), "snapshot" | "data"))
    {
        let Some(value) = message.signal(&signal.name).and_then(Value::as_f64) else {
            continue;
        };
        if value < highest {
            return Err(Stop::failed(
                format!("{} does not go back behind {highest}", signal.name),
                shortened(&message.text),
            ));
        }
        highest = value;
    }
    Ok(())
}

fn untold(messages: &[Message], signal: &Signal, expected: impl std::fmt::Display) -> Result<(), Stop> {
    match messages.iter().find(|message| message.signal(&signal.name).is_some()) {
        None => Ok(()),
        Some(message) => Err(Stop::failed(expected, shortened(&message.text))),
    }
}

fn changes_only_are_sent(rig: &Rig) -> Result<(), Stop> {
    match rig.config_flag("onlyTransmitChanged") {
        Some(false) => Err(Stop::skipped("onlyTransmitChanged is off")),
        _ => Ok(()),
    }
}
