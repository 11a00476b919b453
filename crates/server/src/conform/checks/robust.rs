//! Strange peers: other versions, spoiled messages, odd frames, slow readers.

use crate::conform::peer::{Incoming, Pace, Peer};
use crate::conform::rig::{Kind, Rig, Signal, Stop, ensure};
use serde_json::{Value, json};
use tokio::time::Instant;

/// Messages that a server or a client counts and ignores (RV-50).
pub(crate) const MALFORMED: &[&str] = &[
    "",
    " ",
    "null",
    "true",
    "5",
    "-",
    "\"data\"",
    "[]",
    "[1,2]",
    "{",
    "{}",
    "}",
    r#"{"type"}"#,
    r#"{"type":null}"#,
    r#"{"type":5}"#,
    r#"{"type":{}}"#,
    r#"{"type":"data""#,
    r#"{"type":"data","signals":{"#,
    r#"{"type":"data","signals":null}"#,
    r#"{"type":"data","signals":[]}"#,
    r#"{"type":"data","signals":5}"#,
    r#"{"type":"data"}"#,
    r#"{"type":"subscribe","subscribe":5}"#,
    r#"{"type":"subscribe","subscribe":{}}"#,
    r#"{"type":"config_set","config":5}"#,
    r#"{"type":"config_set"}"#,
    r#"{'type':'data'}"#,
    r#"{"type":"data","signals":{"x":NaN}}"#,
    "\u{feff}{}",
    "\0",
];

/// A frame over the limit of 16 MiB (RV-51), in bytes.
const OVERSIZED_LEN: usize = 17 << 20;
/// Close code "message too big".
const TOO_BIG: u16 = 1009;
/// Length of the texts that fill the way to a slow reader, in bytes. Under the usual limit of a text value.
const FILLING_TEXT_LEN: usize = 32 * 1024;

/// RV-16: nobody has to introduce himself.
pub(super) async fn before_init(rig: &mut Rig) -> Result<(), Stop> {
    let subject = rig.number()?;
    let mut stranger = rig.peer("stranger").await?;
    stranger.catalog().await?;
    stranger.subscribe(&[&subject.name]).await?;
    let mut member = rig.member("member", &[&subject.name]).await?;
    rig.mark(&mut stranger, &subject, &mut [&mut member]).await?;
    rig.mark(&mut member, &subject, &mut [&mut stranger]).await
}

/// RV-16: a version is worth a warning and no more.
pub(super) async fn version(rig: &mut Rig) -> Result<(), Stop> {
    let subject = rig.number()?;
    let mut member = rig.member("member", &[&subject.name]).await?;
    for version in [1, 3] {
        let mut stranger = rig.peer("stranger").await?;
        stranger
            .say_json(&json!({"type": "init", "version": version, "name": "conform"}))
            .await?;
        let subscribe = json!({"type": "subscribe", "version": version, "subscribe": [subject.name]});
        stranger.say_json(&subscribe).await?;
        stranger.expect("snapshot").await?;
        let value = rig.fresh(&subject);
        let data = json!({"type": "data", "version": version, "signals": {subject.name.as_str(): value}});
        stranger.say_json(&data).await?;
        member.until(&subject.name, &value).await?;
        rig.mark(&mut member, &subject, &mut [&mut stranger]).await?;
    }
    Ok(())
}

/// RV-16: types that are not ours.
pub(super) async fn unknown_type(rig: &mut Rig) -> Result<(), Stop> {
    let messages = [
        r#"{"type":"hello","version":2}"#,
        r#"{"type":"DATA","signals":{}}"#,
        r#"{"type":"","x":[{"deep":[1]}]}"#,
        r#"{"type":"unsubscribe","subscribe":["a"]}"#,
    ];
    survives(rig, &messages).await
}

/// RV-16: the first protocol version said `tag`.
pub(super) async fn tag(rig: &mut Rig) -> Result<(), Stop> {
    let messages = [r#"{"tag":"init","name":"old"}"#, r#"{"tag":"data","data":{"x":1}}"#];
    survives(rig, &messages).await
}

/// RV-50: spoiled messages.
pub(super) async fn malformed(rig: &mut Rig) -> Result<(), Stop> {
    survives(rig, MALFORMED).await
}

/// RV-50: no occasion makes the server send `null`. The peers refuse every message that is no object.
pub(super) async fn never_null(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.peer("reader").await?;
    for message in [
        "null",
        "[]",
        "{}",
        r#"{"type":"hello"}"#,
        r#"{"type":"config_set","config":null}"#,
    ] {
        peer.say(message).await?;
        peer.catalog().await?;
    }
    peer.ping().await
}

/// RV-50: binary frames are not used.
pub(super) async fn binary(rig: &mut Rig) -> Result<(), Stop> {
    let subject = rig.number()?;
    let mut peer = rig.member("peer", &[&subject.name]).await?;
    for payload in [&b""[..], &[0, 159, 146, 150], br#"{"type":"subscribe","subscribe":[]}"#] {
        peer.say_binary(payload).await?;
        peer.ping().await?;
    }
    still_served(rig, &mut peer, &subject).await
}

/// RV-50: fragments belong together, and control frames may stand between them.
pub(super) async fn fragments(rig: &mut Rig) -> Result<(), Stop> {
    let subject = rig.number()?;
    let mut watcher = rig.member("watcher", &[&subject.name]).await?;
    let mut writer = rig.member("writer", &[&subject.name]).await?;
    let value = rig.fresh(&subject);
    let message =
        json!({"type": "data", "version": 2, "signals": {subject.name.as_str(): value}, "note": "ü🚀"}).to_string();
    let (head, rest) = message.split_at(9);
    let (middle, tail) = rest.split_at(1);
    writer.say_in_fragments(&[head, middle, "", tail]).await?;
    watcher.until(&subject.name, &value).await?;
    still_served(rig, &mut writer, &subject).await
}

/// RV-51: the limit of a frame and its stated effect.
pub(super) async fn oversized(rig: &mut Rig) -> Result<(), Stop> {
    let subject = rig.number()?;
    let mut watcher = rig.member("watcher", &[&subject.name]).await?;
    let mut greedy = rig.member("greedy", &[&subject.name]).await?;
    let end = greedy.say_oversized(OVERSIZED_LEN).await?;
    let got = match &end {
        Some(Incoming::Closed(Some(code))) => format!("a close with {code}"),
        Some(Incoming::Closed(None)) => "a close without a code".to_owned(),
        Some(Incoming::Gone(how)) => format!("the connection ended without a close: {how}"),
        _ => format!("no close within {:?}", rig.limit),
    };
    let refused = matches!(end, Some(Incoming::Closed(Some(TOO_BIG))));
    ensure(
        refused,
        format!("a frame of {OVERSIZED_LEN} bytes is answered by close {TOO_BIG}"),
        got,
    )?;
    let mut writer = rig.member("writer", &[]).await?;
    rig.mark(&mut writer, &subject, &mut [&mut watcher]).await
}

/// RV-52: one client reads nothing for a while.
pub(super) async fn slow_reader(rig: &mut Rig) -> Result<(), Stop> {
    let subjects: Vec<Signal> = [Kind::Text, Kind::Int, Kind::Float, Kind::Bool]
        .iter()
        .filter_map(|kind| rig.one(*kind).ok())
        .collect();
    if subjects.is_empty() {
        return Err(Stop::skipped("the server has no quiet signal that a peer may write"));
    }
    let names: Vec<&str> = subjects.iter().map(|signal| signal.name.as_str()).collect();
    let mut slow = rig.member_at("slow", &names, Pace::Slow).await?;
    let mut watcher = rig.member("watcher", &names).await?;
    let mut writer = rig.member("writer", &[]).await?;

    let reads_again = Instant::now() + rig.hold;
    let mut last: Vec<Value> = subjects.iter().map(|signal| signal.initial.clone()).collect();
    let mut first = true;
    while first || Instant::now() < reads_again {
        first = false;
        for (signal, last) in subjects.iter().zip(&mut last) {
            *last = next_value(rig, signal, last);
            writer.write(&signal.name, last).await?;
        }
        // The watcher keeps pace with every round: nobody waits for the slow one.
        for (signal, last) in subjects.iter().zip(&last) {
            watcher.until(&signal.name, last).await?;
        }
    }
    for (signal, last) in subjects.iter().zip(&last) {
        slow.until(&signal.name, last).await?;
    }
    for (signal, last) in subjects.iter().zip(&mut last) {
        *last = next_value(rig, signal, last);
        writer.write(&signal.name, last).await?;
        slow.until(&signal.name, last).await?;
    }
    Ok(())
}

/// RV-53: pings of a client.
pub(super) async fn pong(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.peer("peer").await?;
    peer.ping().await?;
    peer.init().await?;
    peer.ping().await
}

/// RV-53: pings of the server, at the rate of a link that writes.
pub(super) async fn ping(rig: &mut Rig) -> Result<(), Stop> {
    let subject = rig.number()?;
    let mut writer = rig.member("writer", &[]).await?;
    let value = rig.fresh(&subject);
    writer.write(&subject.name, &value).await?;
    if writer.wait_for_ping().await? {
        return Ok(());
    }
    Err(Stop::skipped(format!(
        "no ping within {:?}; a silent link may wait for 20 s",
        rig.limit
    )))
}

/// RV-53: a client without extensions gets none.
pub(super) async fn plain(rig: &mut Rig) -> Result<(), Stop> {
    let peer = rig.peer("peer").await?;
    match peer.extensions() {
        None => Ok(()),
        Some(chosen) => Err(Stop::failed("an upgrade without extensions", chosen)),
    }
}

/// Sends each message and shows after each that the connection lives, and in the end that it works as before.
async fn survives(rig: &mut Rig, messages: &[&str]) -> Result<(), Stop> {
    let subject = rig.number()?;
    let mut peer = rig.member("peer", &[&subject.name]).await?;
    for message in messages {
        peer.say(*message).await?;
        peer.ping().await?;
    }
    rig.settle(&mut peer).await?;
    // What a spoiled subscribe means is nobody's claim, so the view is made anew.
    peer.subscribe(&[&subject.name]).await?;
    still_served(rig, &mut peer, &subject).await
}

/// A client that was odd is heard and told as everybody else.
async fn still_served(rig: &mut Rig, peer: &mut Peer, subject: &Signal) -> Result<(), Stop> {
    let mut other = rig.member("other", &[&subject.name]).await?;
    rig.mark(peer, subject, &mut [&mut other]).await?;
    rig.mark(&mut other, subject, &mut [peer]).await
}

fn next_value(rig: &mut Rig, signal: &Signal, last: &Value) -> Value {
    match signal.kind {
        Kind::Bool => json!(last != &json!(true)),
        Kind::Text => {
            let mut text = rig.fresh_number().to_string();
            text.push_str(&".".repeat(FILLING_TEXT_LEN - text.len()));
            json!(text)
        }
        Kind::Int | Kind::Float => rig.fresh(signal),
    }
}
