//! One connection of the client under test: the suite's side of it, which serves as a server does unless it is told not to.
//!
//! It reads leniently: a message that is none is noted for the check of its claim (RV-50) and passed over, so that one fault of a
//! client does not fail every check.

use super::catalog::Catalog;
use super::door::reset;
use crate::conform::message::{Message, Transcript};
use crate::conform::peer::Incoming;
use crate::conform::rig::Stop;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message as WsMessage};

/// How the client stands in a transcript.
const LABEL: &str = "client";
/// Messages that one connection keeps; a client that sends more within one check fails it.
const LOG_LEN_MAX: usize = 20_000;
/// How long a client may take to leave after the suite has; then the connection is reset.
const LEAVE_MAX: Duration = Duration::from_millis(500);
/// Notes of one sort that a run keeps; further ones are dropped.
const NOTES_MAX: usize = 8;

/// What is seen by the way and judged by the check of its claim, shared by all connections of a run.
#[derive(Clone, Default)]
pub(super) struct Notes(Arc<Mutex<Noted>>);

/// The notes of a run.
#[derive(Clone, Default)]
pub(super) struct Noted {
    /// Frames that are no messages, shortened.
    pub(super) odd: Vec<String>,
    /// Frames that are no messages because of a number that is none.
    pub(super) not_finite: Vec<String>,
    /// A frame came without a mask.
    pub(super) unmasked: bool,
}

impl Notes {
    /// What was noted so far.
    pub(super) fn read(&self) -> Noted {
        self.with(|noted| noted.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Noted) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add_odd(&self, text: &str, got: String) {
        // A JSON parser refuses these words, so they stand where a number was meant.
        let not_finite = ["NaN", "Infinity", "-inf", ":inf", ":nan"];
        self.with(|noted| {
            let beyond = got.contains("number out of range");
            let list = if beyond || not_finite.iter().any(|word| text.contains(word)) {
                &mut noted.not_finite
            } else {
                &mut noted.odd
            };
            if list.len() < NOTES_MAX {
                list.push(got);
            }
        });
    }
}

/// The catalog of a run, shared by its connections: what the client writes on one is in the snapshot of the next.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Catalog>>);

impl Shared {
    /// Works on the catalog.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Catalog) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a connection works with.
#[derive(Clone)]
pub(super) struct Means {
    /// What went both ways in the running check.
    pub(super) transcript: Transcript,
    /// What is judged elsewhere.
    pub(super) notes: Notes,
    /// What is served.
    pub(super) catalog: Shared,
    /// How long an expected message may take.
    pub(super) limit: Duration,
}

/// One connection of the client under test.
pub(super) struct Link {
    socket: WebSocketStream<TcpStream>,
    means: Means,
    /// Answers `import_request` and `subscribe` and keeps what is written, as a server does.
    serves: bool,
    log: Vec<Message>,
    pings: u8,
}

impl Link {
    /// A connection after its upgrade. It serves nothing yet.
    pub(super) fn new(socket: WebSocketStream<TcpStream>, means: Means) -> Link {
        means.transcript.add(LABEL, "--", "connected");
        Link {
            socket,
            means,
            serves: false,
            log: Vec::new(),
            pings: 0,
        }
    }

    /// From here on the client is served, or is no longer.
    pub(super) fn serve(&mut self, serves: bool) {
        self.serves = serves;
    }

    /// All messages so far, oldest first.
    pub(super) fn log(&self) -> &[Message] {
        &self.log
    }

    /// Sends one text frame.
    ///
    /// # Errors
    /// Fails when the connection is gone or takes nothing within the limit.
    pub(super) async fn say(&mut self, text: impl Into<String>) -> Result<(), Stop> {
        let text = text.into();
        self.means.transcript.add(LABEL, "←", &text);
        self.send(WsMessage::text(text)).await
    }

    /// Sends one JSON message.
    pub(super) async fn say_json(&mut self, message: &Value) -> Result<(), Stop> {
        self.say(message.to_string()).await
    }

    /// Sends one binary frame.
    pub(super) async fn say_binary(&mut self, payload: &'static [u8]) -> Result<(), Stop> {
        self.means.transcript.add(LABEL, "←", "(a binary frame)");
        self.send(WsMessage::binary(payload)).await
    }

    /// Sends `data` with these signals, given as JSON text because a value cannot hold every oddity.
    pub(super) async fn write_text(&mut self, signals: &str) -> Result<(), Stop> {
        self.say(format!(r#"{{"type":"data","version":2,"signals":{{{signals}}}}}"#))
            .await
    }

    /// Sends the catalog.
    pub(super) async fn answer_import(&mut self) -> Result<(), Stop> {
        let answer = self.means.catalog.with(|catalog| catalog.import_answer());
        self.say_json(&answer).await
    }

    /// Sends the snapshot that a `subscribe` asks for.
    pub(super) async fn answer_subscribe(&mut self, subscribe: &Message) -> Result<(), Stop> {
        let names = list_of(subscribe);
        let snapshot = self.means.catalog.with(|catalog| catalog.snapshot(names.as_deref()));
        self.say_json(&snapshot).await
    }

    /// Asks the client for its catalog (RV-36).
    pub(super) async fn import(&mut self) -> Result<Message, Stop> {
        let from = self.log.len();
        self.say_json(&json!({"type": "import_request", "version": 2})).await?;
        self.expect("import_answer", from).await
    }

    /// The first message of this type from place `from` of the log on; reads until it is there.
    pub(super) async fn expect(&mut self, kind: &str, from: usize) -> Result<Message, Stop> {
        self.await_kind(kind, from).await?.ok_or_else(|| {
            let limit = self.means.limit;
            Stop::failed(format!("the client sends `{kind}`"), format!("none within {limit:?}"))
        })
    }

    /// The same; `None` when none comes within the limit.
    pub(super) async fn await_kind(&mut self, kind: &str, from: usize) -> Result<Option<Message>, Stop> {
        self.await_message(from, |message| message.kind == kind).await
    }

    /// The first message of this sort from place `from` of the log on; `None` when none comes within the limit.
    pub(super) async fn await_message(
        &mut self,
        from: usize,
        is_it: impl Fn(&Message) -> bool,
    ) -> Result<Option<Message>, Stop> {
        let there = self.log.get(from..).unwrap_or_default();
        if let Some(found) = there.iter().find(|message| is_it(message)) {
            return Ok(Some(found.clone()));
        }
        let deadline = Instant::now() + self.means.limit;
        while let Some(message) = self.next_before(deadline).await? {
            if is_it(&message) {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// Reads whatever comes for this long; it goes into the log.
    pub(super) async fn listen(&mut self, time: Duration) -> Result<(), Stop> {
        let deadline = Instant::now() + time;
        while self.next_before(deadline).await?.is_some() {}
        Ok(())
    }

    /// A WebSocket ping and the pong with its payload (RV-53).
    pub(super) async fn ping(&mut self) -> Result<(), Stop> {
        self.pings = self.pings.wrapping_add(1);
        let payload = format!("conform {}", self.pings);
        self.means.transcript.add(LABEL, "←", &format!("(ping {payload:?})"));
        self.send(WsMessage::Ping(Bytes::copy_from_slice(payload.as_bytes())))
            .await?;
        let deadline = Instant::now() + self.means.limit;
        let mut others = 0_usize;
        loop {
            match self.read_until(deadline).await? {
                Some(Incoming::Pong(came)) if came == payload.as_bytes() => return Ok(()),
                Some(Incoming::Pong(_)) => others += 1,
                Some(Incoming::Message(message)) => self.answer(&message).await?,
                Some(Incoming::Ping) => {}
                Some(end) => return Err(ended(&end)),
                None => {
                    let got = format!("none within {:?}, {others} with another payload", self.means.limit);
                    return Err(Stop::failed("a ping is answered by a pong with its payload", got));
                }
            }
        }
    }

    /// Ends the connection in good order for TCP and without a close frame.
    pub(super) async fn leave(mut self) {
        self.means.transcript.add(LABEL, "←", "(end of the connection)");
        // Dropped with something unread, a connection is reset; so what is on its way is read until the client has left too.
        if self.socket.get_mut().shutdown().await.is_ok() {
            let deadline = Instant::now() + LEAVE_MAX;
            while let Ok(Some(Ok(_))) = timeout_at(deadline, self.socket.next()).await {}
        }
    }

    /// Ends the connection with a TCP reset.
    pub(super) fn reset(self) -> Result<(), Stop> {
        self.means.transcript.add(LABEL, "←", "(TCP reset)");
        reset(self.socket.get_ref()).map_err(|error| Stop::failed("the system resets a connection", error))
    }

    /// Closes with this code and waits until the client has answered or is gone.
    pub(super) async fn close(mut self, code: u16) -> Result<(), Stop> {
        self.means.transcript.add(LABEL, "←", &format!("(close {code})"));
        let frame = CloseFrame {
            code: code.into(),
            reason: "".into(),
        };
        self.send(WsMessage::Close(Some(frame))).await?;
        let deadline = Instant::now() + self.means.limit;
        loop {
            match self.read_until(deadline).await? {
                Some(Incoming::Closed(_) | Incoming::Gone(_)) | None => return Ok(()),
                Some(_) => {}
            }
        }
    }

    /// The next message; `None` when none comes before the deadline.
    pub(super) async fn next_before(&mut self, deadline: Instant) -> Result<Option<Message>, Stop> {
        loop {
            match self.read_until(deadline).await? {
                Some(Incoming::Message(message)) => {
                    self.answer(&message).await?;
                    return Ok(Some(message));
                }
                Some(Incoming::Ping | Incoming::Pong(_)) => {}
                Some(end) => return Err(ended(&end)),
                None => return Ok(None),
            }
        }
    }

    /// Does what a server does about a message, while it serves.
    async fn answer(&mut self, message: &Message) -> Result<(), Stop> {
        match message.kind.as_str() {
            "data" => {
                if let Some(signals) = signals_of(message) {
                    self.means
                        .catalog
                        .with(|catalog| signals.iter().for_each(|(name, value)| catalog.store(name, value)));
                }
                Ok(())
            }
            "import_request" if self.serves => self.answer_import().await,
            "subscribe" if self.serves => self.answer_subscribe(message).await,
            _ => Ok(()),
        }
    }

    async fn send(&mut self, message: WsMessage) -> Result<(), Stop> {
        const EXPECTED: &str = "the client stays connected and takes messages";
        let limit = self.means.limit;
        match timeout(limit, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Stop::failed(EXPECTED, error)),
            Err(_) => Err(Stop::failed(EXPECTED, format!("nothing is taken for {limit:?}"))),
        }
    }

    async fn read_until(&mut self, deadline: Instant) -> Result<Option<Incoming>, Stop> {
        loop {
            match timeout_at(deadline, self.socket.next()).await {
                Ok(read) => {
                    if let Some(incoming) = self.take(read)? {
                        return Ok(Some(incoming));
                    }
                }
                Err(_) => return Ok(None),
            }
        }
    }

    /// Sorts one read into what it means; `None` for a frame that is only noted.
    fn take(&mut self, read: Option<Result<WsMessage, tungstenite::Error>>) -> Result<Option<Incoming>, Stop> {
        let incoming = match read {
            Some(Ok(WsMessage::Text(text))) => {
                self.means.transcript.add(LABEL, "→", &text);
                return self.take_text(&text);
            }
            Some(Ok(WsMessage::Binary(_))) => {
                self.means.transcript.add(LABEL, "→", "(a binary frame)");
                self.means.notes.add_odd("", "a binary frame".to_owned());
                return Ok(None);
            }
            Some(Ok(WsMessage::Ping(_))) => Incoming::Ping,
            Some(Ok(WsMessage::Pong(payload))) => Incoming::Pong(payload),
            Some(Ok(WsMessage::Close(frame))) => Incoming::Closed(frame.map(|frame| frame.code.into())),
            Some(Ok(WsMessage::Frame(_))) => Incoming::Gone("a raw frame".to_owned()),
            Some(Err(error)) => {
                if let tungstenite::Error::Protocol(ProtocolError::UnmaskedFrameFromClient) = error {
                    self.means.notes.with(|noted| noted.unmasked = true);
                }
                Incoming::Gone(error.to_string())
            }
            None => Incoming::Gone("the end of the stream".to_owned()),
        };
        let shown = match &incoming {
            Incoming::Closed(code) => format!("(close {})", code.unwrap_or(1005)),
            Incoming::Gone(how) => format!("(gone: {how})"),
            // Signs of life would push the messages out of the transcript.
            Incoming::Ping | Incoming::Pong(_) | Incoming::Message(_) => return Ok(Some(incoming)),
        };
        self.means.transcript.add(LABEL, "→", &shown);
        Ok(Some(incoming))
    }

    fn take_text(&mut self, text: &str) -> Result<Option<Incoming>, Stop> {
        let message = match Message::parse(text) {
            Ok(message) => message,
            Err(got) => {
                self.means.notes.add_odd(text, got);
                return Ok(None);
            }
        };
        if self.log.len() >= LOG_LEN_MAX {
            let expected = format!("a client sends at most {LOG_LEN_MAX} messages within one check");
            return Err(Stop::failed(expected, "one more"));
        }
        self.log.push(message.clone());
        Ok(Some(Incoming::Message(message)))
    }
}

/// The list of a `subscribe`; `None` when it asks for everything (RV-12). Entries that are no names are left out.
pub(super) fn list_of(subscribe: &Message) -> Option<Vec<String>> {
    let names = subscribe.body.get("subscribe")?.as_array()?;
    let names = names.iter().filter_map(Value::as_str);
    Some(names.map(str::to_owned).collect())
}

/// The `signals` of a message, when they are an object.
pub(super) fn signals_of(message: &Message) -> Option<&Map<String, Value>> {
    message.body.get("signals")?.as_object()
}

fn ended(end: &Incoming) -> Stop {
    let got = match end {
        Incoming::Closed(code) => format!("it closed with {}", code.unwrap_or(1005)),
        Incoming::Gone(how) => format!("it ended: {how}"),
        Incoming::Message(_) | Incoming::Ping | Incoming::Pong(_) => "it is open".to_owned(),
    };
    Stop::failed("the client stays connected", got)
}
