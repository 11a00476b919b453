//! Streams of snapshots (PL-15, PL-22).

use crate::conform::message::Message;
use crate::conform::peer::Pace;
use crate::conform::piplc::frame::{Frame, LEN};
use crate::conform::piplc::peer::{Entry, Peer};
use crate::conform::piplc::program::{counts_scans, document};
use crate::conform::piplc::rig::{Plc, Rig, download_fields};
use crate::conform::rig::{Stop, ensure};
use crosstie_wire::piplc::Dialect;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

const NOTHING: Value = Value::Null;
/// Frames that are looked at of one stream.
const FRAMES: u32 = 8;
/// A first frame that comes at once comes long before this, the shortest time in which the longest interval gives a second one.
const FIRST_FRAME_WITHIN: Duration = Duration::from_millis(2_500);
/// Bytes of the comment in the program that a slow reader asks for again and again.
const LARGE_COMMENT_LEN: usize = 256 * 1024;
/// How often the slow reader asks; the answers together fill what lies between it and the server.
const LARGE_UPLOADS: i64 = 24;
/// How long the slow reader's requests may wait to be taken.
const OFFER_FOR: Duration = Duration::from_millis(100);

async fn subscribe(peer: &mut Peer, context: Option<&str>, interval_ms: u32) -> Result<(), Stop> {
    let fields = json!({"intervalMs": interval_ms});
    peer.done("memory.subscribe", context, &fields).await.map(drop)
}

/// PL-15: intervals are held within their limits, and the reply tells them.
pub(super) async fn interval(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    for (asked, effective) in [
        (json!(0), 10),
        (json!(5), 10),
        (json!(-5), 10),
        (json!(49), 49),
        (json!(20_000), 5000),
        (json!("abc"), 50),
        (NOTHING, 50),
    ] {
        let reply = peer
            .done("memory.subscribe", None, &json!({"intervalMs": asked}))
            .await?;
        ensure(
            reply.body.get("intervalMs") == Some(&json!(effective)),
            format!("intervalMs {effective} for {asked}"),
            &reply.text,
        )?;
    }
    peer.done("memory.unsubscribe", None, &NOTHING).await.map(drop)
}

/// PL-15: the first frame does not wait for the interval.
pub(super) async fn first_frame(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    subscribe(&mut peer, None, 5000).await?;
    let first = tokio::time::timeout(FIRST_FRAME_WITHIN, peer.frame()).await;
    let first = first.map_err(|_| {
        Stop::failed(
            "the first frame comes at once",
            format!("none within {FIRST_FRAME_WITHIN:?}"),
        )
    })??;
    ensure(
        first.sequence() == 0,
        "the first frame has sequence 0",
        first.sequence(),
    )
}

/// PL-15, PL-22: frames go on in every state, numbered without gap, their time growing.
pub(super) async fn numbered(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    subscribe(&mut peer, None, 10).await?;
    let mut last: Option<Frame> = None;
    for number in 0..FRAMES {
        let frame = peer.frame().await?;
        ensure(
            frame.sequence() == number,
            format!("frame {number} has that sequence"),
            frame.sequence(),
        )?;
        if let Some(last) = &last {
            let grown = frame.timestamp_ms().wrapping_sub(last.timestamp_ms());
            // It wraps, and a server that was held up may say the same millisecond twice.
            ensure(
                grown < u32::MAX / 2,
                "timestamps grow",
                format!("{} after {}", frame.timestamp_ms(), last.timestamp_ms()),
            )?;
        }
        last = Some(frame);
    }
    let frames = peer.log().iter().filter_map(|entry| match entry {
        Entry::Frame(frame) => Some(frame.timestamp_ms()),
        Entry::Message(_) | Entry::Pong(_) => None,
    });
    let times: Vec<u32> = frames.collect();
    ensure(
        times.first() != times.last(),
        "timestamps grow with time",
        format!("{times:?}"),
    )
}

/// PL-22: a new subscribe begins to count anew, also on the same stream.
pub(super) async fn counts_anew(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    for _ in 0..2 {
        subscribe(&mut peer, None, 10).await?;
        for number in 0..3 {
            let frame = peer.frame().await?;
            ensure(
                frame.sequence() == number,
                format!("sequence {number}, counted from the subscribe"),
                frame.sequence(),
            )?;
        }
        peer.done("memory.unsubscribe", None, &NOTHING).await?;
        peer.ping().await?;
    }
    Ok(())
}

/// PL-15: unsubscribe ends the stream. That nothing comes any more is shown by the stream of another client that goes on.
pub(super) async fn ends(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    let mut other = rig.client("other").await?;
    subscribe(&mut peer, None, 10).await?;
    peer.frame().await?;
    peer.done("memory.unsubscribe", None, &NOTHING).await?;
    let from = peer.log().len();
    subscribe(&mut other, None, 10).await?;
    for _ in 0..5 {
        other.frame().await?;
    }
    peer.ping().await?;
    let late = peer
        .log()
        .iter()
        .skip(from)
        .any(|entry| matches!(entry, Entry::Frame(_)));
    ensure(!late, "no frame after the answer to memory.unsubscribe", "one")
}

/// PL-22: length, state and the bytes of the header that are zero.
pub(super) async fn header(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    subscribe(&mut peer, None, 5000).await?;
    let frame = peer.frame().await?;
    ensure(frame.len() == LEN, format!("{LEN} bytes"), frame.len())?;
    ensure(frame.state() <= 4, "a state byte from 0 to 4", frame.state())?;
    ensure(
        frame.context_index() == 0,
        "byte 13 is 0 for the first context",
        frame.context_index(),
    )?;
    ensure(
        frame.reserved() == [0, 0],
        "bytes 14 and 15 are zero",
        format!("{:?}", frame.reserved()),
    )
}

/// PL-22: the state byte follows the engine.
pub(super) async fn states(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0), counts_scans(1)]).await?;
    for (command, state, byte) in [
        ("reset", "Stopped", 0),
        ("start", "Running", 1),
        ("pause", "Paused", 2),
        ("stepRung", "Stepping", 3),
    ] {
        plc.command_to(command, state).await?;
        let frame = plc.peek().await?;
        ensure(
            frame.state() == byte,
            format!("the state byte of {state} is {byte}"),
            frame.state(),
        )?;
    }
    Ok(())
}

/// PL-15, PL-22: two contexts on one socket are two streams, told apart by byte 13.
pub(super) async fn two_streams(rig: &mut Rig) -> Result<(), Stop> {
    if rig.dialect == Dialect::V01 {
        return Err(Stop::skipped("a server of dialect 0.1 leaves byte 13 zero"));
    }
    let mut plc = rig.bare_plc("operator").await?;
    let second = rig.context(&mut plc.peer).await?;
    let listed = plc.peer.done("context.list", None, &NOTHING).await?;
    let rows = listed
        .body
        .get("contexts")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let position = |id: &str| rows.iter().position(|row| row.get("id") == Some(&json!(id)));
    let (Some(first_at), Some(second_at)) = (position(&plc.id), position(&second)) else {
        return Err(Stop::failed("both contexts are listed", &listed.text));
    };
    let from = plc.peer.log().len();
    subscribe(&mut plc.peer, Some(&plc.id.clone()), 10).await?;
    subscribe(&mut plc.peer, Some(&second), 10).await?;
    let mut next = [0, 0];
    let deadline = Instant::now() + rig.limit;
    while next[0] < 3 || next[1] < 3 {
        ensure(
            Instant::now() < deadline,
            "frames of both contexts come",
            format!("{} of the one, {} of the other", next[0], next[1]),
        )?;
        plc.peer.frame().await?;
        let frames = plc.peer.log().iter().skip(from).filter_map(|entry| match entry {
            Entry::Frame(frame) => Some(frame),
            Entry::Message(_) | Entry::Pong(_) => None,
        });
        next = [0, 0];
        for frame in frames {
            let at = usize::from(frame.context_index());
            let Some(stream) = [first_at, second_at].iter().position(|position| *position == at) else {
                return Err(Stop::failed(format!("byte 13 is {first_at} or {second_at}"), at));
            };
            ensure(
                frame.sequence() == next[stream],
                format!("stream {at} goes on with {}", next[stream]),
                frame.sequence(),
            )?;
            next[stream] += 1;
        }
    }
    Ok(())
}

/// PL-15: a client that does not read holds up nobody else.
pub(super) async fn slow_reader(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    let comment = "x".repeat(LARGE_COMMENT_LEN);
    let large = document(&[counts_scans(0)]).replace("<SymbolTable/>", &format!("<SymbolTable/><!-- {comment} -->"));
    let fields = download_fields(rig.dialect, &large);
    plc.done("program.download", &fields).await?;
    let mut slow = rig.client_at("slow reader", Pace::Slow, rig.dialect).await?;
    subscribe(&mut slow, Some(&plc.id), 10).await?;
    let from = slow.log().len();
    for seq in 0..LARGE_UPLOADS {
        let request = json!({"type": "program.upload", "seq": seq, "contextId": plc.id});
        if !slow.offer(request.to_string(), OFFER_FOR).await? {
            break;
        }
    }
    // With the first answer the server is at it; the others stay with it.
    let is_first = |message: &Message| message.kind.ends_with(".reply") && message.body.get("seq") == Some(&json!(0));
    slow.find(from, "program.upload is answered".to_owned(), is_first)
        .await?;
    subscribe(&mut plc.peer, Some(&plc.id.clone()), 10).await?;
    for _ in 0..FRAMES {
        plc.peer.frame().await?;
    }
    plc.done("memory.unsubscribe", &NOTHING).await?;
    plc.step().await?;
    let mut late = Plc {
        peer: rig.client("late client").await?,
        id: plc.id.clone(),
    };
    late.state().await.map(drop)
}
