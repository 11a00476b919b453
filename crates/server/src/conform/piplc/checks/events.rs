//! What a client is told unasked, and clients of the first generation (PL-7 to PL-9).

use super::session::{is_state, state_is};
use crate::conform::peer::Pace;
use crate::conform::piplc::frame::timer_flags;
use crate::conform::piplc::peer::{Entry, Peer};
use crate::conform::piplc::program::{counting, counts_scans, follows};
use crate::conform::piplc::rig::{Plc, Rig};
use crate::conform::rig::{Stop, ensure};
use crosstie_wire::piplc::Dialect;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// How long the server may take to ask for a sign of life, with room for a late timer (PL-7).
const PING_WITHIN: Duration = Duration::from_secs(40);
/// Statistics that are counted to find their pace (PL-8).
const STATISTICS_COUNTED: usize = 6;
/// Five pauses of 100 ms lie between six events; a late one shortens the pause behind it.
const STATISTICS_TIME_MIN: Duration = Duration::from_millis(300);
const NOTHING: Value = Value::Null;

/// PL-7: a `pong` is no request.
pub(super) async fn pong(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    peer.say(r#"{"type":"pong"}"#).await?;
    peer.say(r#"{"type":"pong","seq":12}"#).await?;
    peer.done("engine.state", None, &NOTHING).await?;
    peer.ping().await
}

/// PL-7: the server asks for signs of life.
pub(super) async fn ping(rig: &mut Rig) -> Result<(), Stop> {
    if !rig.slow {
        return Err(Stop::skipped("it takes 30 s: ask for it with --slow"));
    }
    let mut peer = rig.client("client").await?;
    let deadline = Instant::now() + PING_WITHIN;
    while let Some(entry) = peer.next_before(deadline).await? {
        if matches!(entry, Entry::Message(message) if message.kind == "event.ping") {
            return peer.say(r#"{"type":"pong"}"#).await;
        }
    }
    Err(Stop::failed(
        "event.ping every 30 s",
        format!("none within {PING_WITHIN:?}"),
    ))
}

/// PL-8: every client hears what another has brought about.
pub(super) async fn others(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    let mut witness = rig.client("witness").await?;
    for (command, state) in [("start", "Running"), ("pause", "Paused"), ("stop", "Stopped")] {
        let from = witness.log().len();
        plc.command(command).await?;
        let event = witness.event("event.stateChanged", &plc.id, from).await?;
        ensure(
            state_is(&event, state),
            format!("event.stateChanged tells {state}"),
            &event.text,
        )?;
    }
    Ok(())
}

/// PL-8: statistics, told behind every step with all their members.
pub(super) async fn statistics(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    for count in 1..=3 {
        let from = plc.peer.log().len();
        plc.step().await?;
        let event = plc.peer.event("event.scanStats", &plc.id, from).await?;
        for name in [
            "scanCount",
            "lastScanTimeUs",
            "minScanTimeUs",
            "maxScanTimeUs",
            "avgScanTimeUs",
            "overrunCount",
            "targetScanTimeUs",
        ] {
            let number = event.body.get(name).and_then(Value::as_u64);
            ensure(
                number.is_some(),
                format!("event.scanStats has the number `{name}`"),
                &event.text,
            )?;
        }
        ensure(
            event.body.get("scanCount") == Some(&json!(count)),
            format!("scanCount {count} after {count} steps"),
            &event.text,
        )?;
    }
    Ok(())
}

/// PL-8: statistics of a running engine come at most ten times a second.
pub(super) async fn statistics_pace(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    plc.command("start").await?;
    let mut first = None;
    for _ in 0..STATISTICS_COUNTED {
        let from = plc.peer.log().len();
        plc.peer.event("event.scanStats", &plc.id, from).await?;
        first.get_or_insert_with(Instant::now);
    }
    let took = first.map(|first| first.elapsed()).unwrap_or_default();
    ensure(
        took >= STATISTICS_TIME_MIN,
        "at most ten event.scanStats a second while running",
        format!("{STATISTICS_COUNTED} within {took:?}"),
    )
}

/// PL-9: a client of the first generation is answered in its spelling.
pub(super) async fn old_client(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client_at("old client", Pace::Usual, Dialect::V01).await?;
    let reply = peer.done("engine.state", None, &NOTHING).await?;
    let state = reply.body.get("state").and_then(Value::as_str).unwrap_or_default();
    ensure(
        is_state(state) && state == state.to_lowercase(),
        "the state in lower case for a client of dialect 0.1",
        &reply.text,
    )?;
    peer.done("memory.subscribe", None, &json!({"intervalMs": 5000}))
        .await?;
    peer.done("memory.unsubscribe", None, &NOTHING).await.map(drop)
}

/// PL-9: what a client of the first generation does: families of replies, unanswered writes, events with `seq` 0.
pub(super) async fn old_operator(rig: &mut Rig) -> Result<(), Stop> {
    let mut maker = rig.client("maker").await?;
    let id = rig.context(&mut maker).await?;
    let peer = rig.client_at("old client", Pace::Usual, Dialect::V01).await?;
    let mut plc = Plc { peer, id };
    plc.load(&[follows("B:0/0", "O:0/0")]).await?;
    plc.set("B:0/0", true).await?;
    let from = plc.peer.log().len();
    plc.step().await?;
    let event = plc.peer.event("event.stateChanged", &plc.id, from).await?;
    ensure(
        event.body.get("seq") == Some(&json!(0)),
        "events with seq 0",
        &event.text,
    )?;
    let frame = plc.peek().await?;
    ensure(
        frame.bit("B:0/0") && frame.bit("O:0/0"),
        "the write is done: O:0/0 follows B:0/0",
        "it does not",
    )
}

/// PL-9: the same memory as clients of both generations see it.
pub(super) async fn old_witness(rig: &mut Rig) -> Result<(), Stop> {
    let rung = counting("TON", "T:0", 30_000);
    let mut plc = rig.plc(&[rung]).await?;
    plc.step().await?;
    for dialect in [Dialect::V01, Dialect::V02] {
        if dialect == Dialect::V02 && rig.dialect == Dialect::V01 {
            continue;
        }
        let peer: Peer = rig.client_at("witness", Pace::Usual, dialect).await?;
        let id = plc.id.clone();
        let flags = Plc { peer, id }.peek().await?.timer(0).flags;
        let (en, tt, _) = timer_flags(dialect);
        ensure(
            flags == en | tt,
            format!("EN and TT of a timing timer are {:#05b}", en | tt),
            format!("{flags:#05b}"),
        )?;
    }
    Ok(())
}
