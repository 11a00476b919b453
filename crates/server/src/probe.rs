//! Trying a realvirtual server without leaving anything behind: connect, handshake, round trip, catalog, disconnect (RV-35).
//!
//! Nothing is written: the probe names itself, asks for the catalog and goes. What it reads is counted and thrown away.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::dial::{self, DialError, Stream, Target};

/// How long the server may take for its catalog. Then the probe has failed at that stage.
const CATALOG_MAX: Duration = Duration::from_secs(10);

/// How long the server may take for a pong. Then there is no round trip to report and the probe goes on.
const PONG_MAX: Duration = Duration::from_secs(2);

/// How long a catalog that nobody has asked for may come after the pong: a server may answer pings before it speaks.
const PUSH_MAX: Duration = Duration::from_millis(100);

/// How long the goodbye may take. Then the connection is dropped without one.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// How long a probe may take in all: connection, handshake, round trip and catalog, one after the other.
pub(crate) const PROBE_MAX: Duration = Duration::from_secs(35);

/// Bytes of one message of the server. A longer one fails the probe.
const MESSAGE_LEN_MAX: usize = 64 << 20;

/// How far a probe came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The name of the server was looked up.
    Address,
    /// A connection was made.
    Connect,
    /// TLS was agreed on.
    Tls,
    /// The WebSocket handshake was done.
    Upgrade,
    /// The catalog was asked for.
    Catalog,
    /// Everything was there.
    Done,
}

impl Stage {
    /// The word of the API.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Stage::Address => "address",
            Stage::Connect => "connect",
            Stage::Tls => "tls",
            Stage::Upgrade => "upgrade",
            Stage::Catalog => "catalog",
            Stage::Done => "done",
        }
    }

    /// Where a stream that could not be opened failed.
    fn of_open(error: &DialError) -> Stage {
        match error {
            DialError::NoAddress { .. } => Stage::Address,
            DialError::Tls(_) | DialError::File { .. } | DialError::Closed => Stage::Tls,
            _ => Stage::Connect,
        }
    }
}

/// What a probe has found out.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    /// Time for the name, the connection and TLS.
    pub(crate) connect: Option<Duration>,
    /// Time for the WebSocket handshake.
    pub(crate) handshake: Option<Duration>,
    /// Time from a ping to its pong; `None` also when the server answers no pings.
    pub(crate) round_trip: Option<Duration>,
    /// Signals in the catalog.
    pub(crate) catalog: Option<usize>,
    /// The server sent its catalog before it was asked (RV-21, RV-31).
    pub(crate) server_pushes: bool,
    /// The stage that failed, or [`Stage::Done`].
    pub(crate) stage: Stage,
    /// What went wrong, in words.
    pub(crate) error: Option<String>,
}

impl Probe {
    /// Was everything there?
    pub(crate) fn is_ok(&self) -> bool {
        self.stage == Stage::Done
    }

    fn failed(mut self, stage: Stage, error: impl ToString) -> Probe {
        self.stage = stage;
        self.error = Some(error.to_string());
        self
    }
}

/// Tries a server under a name for its list of clients. Whatever goes wrong is part of the result.
pub(crate) async fn probe(target: &Target, client_name: &str) -> Probe {
    let mut probe = Probe {
        connect: None,
        handshake: None,
        round_trip: None,
        catalog: None,
        server_pushes: false,
        stage: Stage::Address,
        error: None,
    };
    let started = Instant::now();
    let stream = match dial::open(target).await {
        Ok(stream) => stream,
        Err(error) => return probe.failed(Stage::of_open(&error), error),
    };
    probe.connect = Some(started.elapsed());
    let started = Instant::now();
    let (stream, early) = match dial::greet(stream, target).await {
        Ok(greeted) => greeted,
        Err(error) => return probe.failed(Stage::Upgrade, error),
    };
    probe.handshake = Some(started.elapsed());
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_LEN_MAX))
        .max_frame_size(Some(MESSAGE_LEN_MAX));
    let socket = WebSocketStream::from_partially_read(stream, early.to_vec(), Role::Client, Some(limits)).await;
    let mut talk = Talk { socket };
    let result = talk.run(&mut probe, client_name).await;
    // The answer to the goodbye is of no interest, only that the server is not left with a dead connection.
    let _ = timeout(CLOSE_MAX, talk.socket.close(None)).await;
    match result {
        Ok(()) => probe,
        Err(why) => probe.failed(Stage::Catalog, why),
    }
}

/// A connection to a server that is being tried.
struct Talk {
    socket: WebSocketStream<Stream>,
}

/// Why a server that took the connection is of no use.
#[derive(Debug, thiserror::Error)]
enum TalkError {
    #[error("the server closed the connection before it sent its catalog")]
    Closed,
    #[error("the connection failed: {0}")]
    Failed(String),
    #[error("no import_answer within {} s; the server may still send data", CATALOG_MAX.as_secs())]
    NoCatalog,
}

impl From<Error> for TalkError {
    fn from(error: Error) -> TalkError {
        match error {
            Error::ConnectionClosed | Error::AlreadyClosed => TalkError::Closed,
            error => TalkError::Failed(error.to_string()),
        }
    }
}

/// What the probe is interested in.
enum Heard {
    Pong,
    Catalog(usize),
}

impl Talk {
    async fn run(&mut self, probe: &mut Probe, client_name: &str) -> Result<(), TalkError> {
        let init = json!({ "type": "init", "version": 2, "name": client_name });
        self.socket.send(Message::text(init.to_string())).await?;
        let pinged = Instant::now();
        self.socket.send(Message::Ping(Vec::new().into())).await?;
        // A catalog that comes before it was asked for is one that the server pushes.
        let mut until = pinged + PONG_MAX;
        while let Ok(heard) = timeout_at(until, self.next()).await {
            match heard? {
                Heard::Pong => {
                    probe.round_trip = Some(pinged.elapsed());
                    until = Instant::now() + PUSH_MAX;
                }
                Heard::Catalog(signals) => {
                    probe.server_pushes = true;
                    probe.catalog = Some(signals);
                }
            }
            if probe.round_trip.is_some() && probe.catalog.is_some() {
                break;
            }
        }
        if probe.catalog.is_none() {
            let request = json!({ "type": "import_request", "version": 2 });
            self.socket.send(Message::text(request.to_string())).await?;
            let until = Instant::now() + CATALOG_MAX;
            probe.catalog = Some(
                timeout_at(until, self.catalog())
                    .await
                    .map_err(|_| TalkError::NoCatalog)??,
            );
        }
        probe.stage = Stage::Done;
        Ok(())
    }

    async fn catalog(&mut self) -> Result<usize, TalkError> {
        loop {
            if let Heard::Catalog(signals) = self.next().await? {
                return Ok(signals);
            }
        }
    }

    /// The next pong or catalog; everything else is passed over.
    async fn next(&mut self) -> Result<Heard, TalkError> {
        loop {
            match self.socket.next().await.ok_or(TalkError::Closed)?? {
                Message::Pong(_) => return Ok(Heard::Pong),
                Message::Close(_) => return Err(TalkError::Closed),
                Message::Text(text) => {
                    if let Some(signals) = catalog_len(&text) {
                        return Ok(Heard::Catalog(signals));
                    }
                }
                _ => {}
            }
        }
    }
}

/// How many signals an import_answer names; `None` when the text is none.
fn catalog_len(text: &str) -> Option<usize> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "type")]
        kind: String,
        #[serde(default)]
        signals: Option<HashMap<String, IgnoredAny>>,
    }
    let answer: Answer = serde_json::from_str(text).ok()?;
    (answer.kind == "import_answer").then(|| answer.signals.map_or(0, |signals| signals.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_is_counted_by_its_names() {
        let check = |text: &str, expected: Option<usize>| assert_eq!(catalog_len(text), expected, "{text}");
        check(r#"{"type":"import_answer","signals":{"a":1,"b":null,"a":2}}"#, Some(2));
        check(r#"{"type":"import_answer","signals":{}}"#, Some(0));
        check(r#"{"type":"import_answer"}"#, Some(0));
        check(r#"{"type":"data","signals":{"a":1}}"#, None);
        check("null", None);
        check("{", None);
    }
}
