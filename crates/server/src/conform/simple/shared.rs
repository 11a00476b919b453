//! Checks that both ports have: paths, compression, the limit of a frame, and messages that are none.

use super::peer::{End, Peer};
use super::rig::{Rig, settle, settle_headset};
use crate::conform::rig::{Stop, ensure};

/// Messages that a port counts and ignores (SI-4), whatever else it understands.
const MALFORMED: &[&str] = &[
    "",
    " ",
    "null",
    "true",
    "42",
    "-",
    "\"str\"",
    "[]",
    "[1,2]",
    "{",
    "{}",
    "{oops",
    r#"{"notype":1}"#,
    r#"{"type":null}"#,
    r#"{"type":5}"#,
    r#"{"type":{}}"#,
    r#"{"type":""}"#,
    r#"{"type":"nonsense"}"#,
    r#"{'type':'ping'}"#,
    "\u{feff}{}",
    "\0",
];

/// Messages of monitors that lack what they need (SI-4).
const HALF_OF_MONITORS: &[&str] = &[
    r#"{"type":"send_simulation"}"#,
    r#"{"type":"send_simulation","simulation":null}"#,
    r#"{"type":"send_simulation","simulation":{}}"#,
    r#"{"type":"add_player_headset"}"#,
    r#"{"type":"remove_player_headset","id":5}"#,
    r#"{"type":"remove_player_headset","id":null}"#,
];

/// Messages of headsets that lack what they need, and such as mean nothing before `connection` (SI-4).
const HALF_OF_HEADSETS: &[&str] = &[
    r#"{"type":"connection"}"#,
    r#"{"type":"connection","id":5}"#,
    r#"{"type":"connection","id":null,"heartbeat":5000}"#,
    r#"{"type":"expression"}"#,
    r#"{"type":"expression","expr":5}"#,
    r#"{"type":"ask"}"#,
    r#"{"type":"ask","action":null}"#,
];

/// The limit of a frame (SI-3), in bytes.
const FRAME_LEN_MAX: usize = 1 << 20;
/// Close code "message too big".
const TOO_BIG: u16 = 1009;

/// The port that a check is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    /// Of front ends.
    Monitor,
    /// Of headsets.
    Headset,
}

/// One client of the port that a check is about.
pub(super) async fn member(rig: &mut Rig, port: Port, label: &'static str) -> Result<Peer, Stop> {
    match port {
        Port::Monitor => rig.monitor(label).await,
        Port::Headset => Ok(rig.player(label).await?.peer),
    }
}

/// Shows that a client is served as before.
pub(super) async fn served(peer: &mut Peer, port: Port) -> Result<(), Stop> {
    match port {
        Port::Monitor => settle(peer).await,
        Port::Headset => settle_headset(peer, "served").await,
    }
}

/// A message that the port answers.
const fn question(port: Port) -> &'static str {
    match port {
        Port::Monitor => r#"{"type":"get_simulation_informations"}"#,
        Port::Headset => r#"{"type":"ping","id":"question"}"#,
    }
}

/// SI-3: a long frame is taken as a short one is.
pub(super) async fn large(rig: &mut Rig, port: Port) -> Result<(), Stop> {
    let mut peer = member(rig, port, "talker").await?;
    let mut text = question(port).to_owned();
    text.push_str(&" ".repeat(FRAME_LEN_MAX - text.len()));
    peer.say(text).await?;
    served(&mut peer, port).await
}

/// SI-3: the limit and its stated effect, for the client that breaks it and for nobody else.
pub(super) async fn oversized(rig: &mut Rig, port: Port) -> Result<(), Stop> {
    let mut neighbour = member(rig, port, "neighbour").await?;
    let mut greedy = member(rig, port, "greedy").await?;
    let end = greedy.say_oversized(FRAME_LEN_MAX + 1).await?;
    let got = end
        .as_ref()
        .map_or_else(|| format!("it is open after {:?}", rig.limit), End::words);
    ensure(
        end == Some(End::Closed(Some(TOO_BIG))),
        format!("a frame of {} bytes is answered by close {TOO_BIG}", FRAME_LEN_MAX + 1),
        got,
    )?;
    served(&mut neighbour, port).await
}

/// SI-4: messages that are none change nothing, neither for their sender nor for a neighbour.
pub(super) async fn malformed(rig: &mut Rig, port: Port) -> Result<(), Stop> {
    let half = match port {
        Port::Monitor => HALF_OF_MONITORS,
        Port::Headset => HALF_OF_HEADSETS,
    };
    let mut neighbour = member(rig, port, "neighbour").await?;
    let told = neighbour.log().len();
    let mut odd = member(rig, port, "odd").await?;
    for message in MALFORMED.iter().chain(half) {
        odd.say(*message).await?;
        odd.say_binary(message.as_bytes().to_vec()).await?;
        served(&mut odd, port).await?;
    }
    odd.say_binary(vec![0xFF, 0xFE, 0x00]).await?;
    served(&mut odd, port).await?;
    served(&mut neighbour, port).await?;
    let odd_news = neighbour.log()[told..].iter().find(|heard| match port {
        // A monitor may be told that a headset has come or gone; nothing of this check is a reason for more.
        Port::Monitor => !matches!(heard.kind(), "json_state" | "json_settings") && heard.kind() != "",
        Port::Headset => heard.kind() != "pong",
    });
    ensure(
        odd_news.is_none(),
        "a neighbour is told nothing about messages that are none",
        odd_news.map_or("", |heard| heard.text.as_str()),
    )
}

/// SI-2: a client without extensions gets none.
pub(super) fn plain(peer: &Peer) -> Result<(), Stop> {
    match peer.extensions() {
        None => Ok(()),
        Some(chosen) => Err(Stop::failed("an upgrade without extensions", chosen)),
    }
}

/// The address of a port with another path.
pub(super) fn elsewhere(url: &str) -> String {
    let base = url.split(['?', '#']).next().unwrap_or(url);
    let scheme_end = base.find("://").map_or(0, |at| at + 3);
    let host_end = base[scheme_end..].find('/').map_or(base.len(), |at| scheme_end + at);
    format!("{}/any/path%20at/all", &base[..host_end])
}

#[cfg(test)]
mod tests {
    use super::elsewhere;

    #[test]
    fn another_path_stands_behind_the_host() {
        for url in ["ws://h:1", "ws://h:1/", "ws://h:1/a/b?key=x"] {
            assert_eq!(elsewhere(url), "ws://h:1/any/path%20at/all");
        }
    }
}
