//! One client of the engine server under test: a WebSocket, its numbered requests, and what came, in order.
//!
//! The peer reads strictly: whatever is not one JSON object with a `type`, or a snapshot, fails the check that reads it, and so
//! does a reply that answers nothing.

use super::frame::{Frame, place};
use crate::conform::message::{Message, Transcript, without_keys};
use crate::conform::peer::{Pace, host_and_port, open};
use crate::conform::rig::{Stop, ensure};
use bytes::Bytes;
use crosstie_wire::piplc::Dialect;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message as WsMessage};

/// Messages and frames of one peer in one check. A server that sends more floods its clients, and the check fails.
const LOG_LEN_MAX: usize = 100_000;

/// A bit that no check forces.
const NEVER_FORCED: &str = "B:62/30";

/// What came.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// A text.
    Message(Message),
    /// A snapshot.
    Frame(Frame),
    /// A pong of the WebSocket, with its payload.
    Pong(Bytes),
}

/// A client of the server under test.
pub(super) struct Peer {
    label: &'static str,
    socket: WebSocketStream<TcpStream>,
    transcript: Transcript,
    limit: Duration,
    dialect: Dialect,
    last_seq: i64,
    log: Vec<Entry>,
}

impl Peer {
    /// Connects to `url`, of the form `ws://host[:port][/path][?query]`, and says nothing.
    pub(super) async fn connect(
        url: &str,
        (label, pace, dialect): (&'static str, Pace, Dialect),
        limit: Duration,
        transcript: &Transcript,
    ) -> Result<Peer, Stop> {
        let expected = format!("{} accepts a WebSocket", without_keys(url));
        let fail = |got: String| Stop::failed(&expected, got);
        let request = url.into_client_request().map_err(|error| fail(error.to_string()))?;
        let (host, port) = host_and_port(request.uri()).map_err(&fail)?;
        let joined = async {
            let stream = open(&host, port, pace).await.map_err(|error| error.to_string())?;
            stream.set_nodelay(true).map_err(|error| error.to_string())?;
            let joined = tokio_tungstenite::client_async(request, stream).await;
            joined.map_err(|error| error.to_string())
        };
        let (socket, _) = timeout(limit, joined)
            .await
            .map_err(|_| fail(format!("no answer within {limit:?}")))?
            .map_err(&fail)?;
        transcript.add(label, "--", "connected");
        Ok(Peer {
            label,
            socket,
            transcript: transcript.clone(),
            limit,
            dialect,
            last_seq: 0,
            log: Vec::new(),
        })
    }

    /// The dialect in which this client says that it speaks.
    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// How long an expected message may take.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// Everything that came, oldest first.
    pub(super) fn log(&self) -> &[Entry] {
        &self.log
    }

    /// The messages that came since the log had this length.
    pub(super) fn messages_since(&self, from: usize) -> impl Iterator<Item = &Message> {
        self.log.iter().skip(from).filter_map(|entry| match entry {
            Entry::Message(message) => Some(message),
            Entry::Frame(_) | Entry::Pong(_) => None,
        })
    }

    /// Sends one text frame.
    pub(super) async fn say(&mut self, text: impl Into<String>) -> Result<(), Stop> {
        let text = text.into();
        self.transcript.add(self.label, "→", &text);
        self.send(WsMessage::text(text)).await
    }

    /// Sends one binary frame.
    pub(super) async fn say_binary(&mut self, payload: &'static [u8]) -> Result<(), Stop> {
        self.transcript.add(self.label, "→", "(a binary frame)");
        self.send(WsMessage::binary(payload)).await
    }

    /// Sends one request and gives its number.
    pub(super) async fn request(&mut self, kind: &str, context: Option<&str>, fields: &Value) -> Result<i64, Stop> {
        self.last_seq += 1;
        let mut object = Map::new();
        object.insert("type".to_owned(), kind.into());
        object.insert("seq".to_owned(), self.last_seq.into());
        if let Some(context) = context {
            object.insert("contextId".to_owned(), context.into());
        }
        if let Value::Object(fields) = fields {
            object.extend(fields.clone());
        }
        self.say(Value::Object(object).to_string()).await?;
        Ok(self.last_seq)
    }

    /// Sends one request and gives its reply, done or refused.
    pub(super) async fn ask(&mut self, kind: &str, context: Option<&str>, fields: &Value) -> Result<Message, Stop> {
        let seq = self.request(kind, context, fields).await?;
        self.reply(kind, seq).await
    }

    /// The reply to a request: what comes before it goes into the log, but no other reply may.
    pub(super) async fn reply(&mut self, kind: &str, seq: i64) -> Result<Message, Stop> {
        let deadline = Instant::now() + self.limit;
        loop {
            match self.next_before(deadline).await? {
                Some(Entry::Message(message)) if message.kind.ends_with(".reply") => {
                    let is_it = message.body.get("seq").and_then(Value::as_i64) == Some(seq)
                        && reply_types(self.dialect, kind).contains(&message.kind);
                    ensure(
                        is_it,
                        format!(
                            "the next reply is `{}` with seq {seq}",
                            reply_types(self.dialect, kind)[0]
                        ),
                        &message.text,
                    )?;
                    return Ok(message);
                }
                Some(_) => {}
                None => {
                    return Err(Stop::failed(
                        format!("`{kind}` with seq {seq} is answered"),
                        format!("nothing within {:?}", self.limit),
                    ));
                }
            }
        }
    }

    /// A request that must be done.
    pub(super) async fn done(&mut self, kind: &str, context: Option<&str>, fields: &Value) -> Result<Message, Stop> {
        let reply = self.ask(kind, context, fields).await?;
        // compat: PL-9, a query of dialect 0.1 says no success.
        let is_done = match reply.body.get("success") {
            None => self.dialect == Dialect::V01 && !reply.body.contains_key("error"),
            success => success == Some(&Value::Bool(true)),
        };
        ensure(is_done, format!("`{kind}` succeeds"), &reply.text)?;
        Ok(reply)
    }

    /// A request that must be refused with a reason; gives the reason.
    pub(super) async fn refused(&mut self, kind: &str, context: Option<&str>, fields: &Value) -> Result<String, Stop> {
        let reply = self.ask(kind, context, fields).await?;
        reason(&reply).ok_or_else(|| {
            Stop::failed(
                format!("`{kind}` with {} is refused with a reason", shown(fields)),
                &reply.text,
            )
        })
    }

    /// A write to the memory, which is done when this returns.
    pub(super) async fn write(&mut self, kind: &str, context: &str, fields: &Value) -> Result<(), Stop> {
        match self.dialect {
            Dialect::V02 => self.done(kind, Some(context), fields).await.map(drop),
            // compat: PL-9, a write is not answered. The end of a force that is none is done behind it and changes nothing.
            Dialect::V01 => {
                self.request(kind, Some(context), fields).await?;
                let idle = Value::Object(target(self.dialect, NEVER_FORCED));
                self.done("memory.unforceBit", Some(context), &idle).await.map(drop)
            }
        }
    }

    /// Says hello as a client of its dialect and gives the reply.
    pub(super) async fn hello(&mut self) -> Result<Message, Stop> {
        let version = match self.dialect {
            Dialect::V02 => "0.2.0",
            Dialect::V01 => "0.1.31",
        };
        let name = format!("conform {}", self.label);
        let fields = json!({"protocolVersion": 1, "clientName": name, "clientVersion": version});
        self.done("hello", None, &fields).await
    }

    /// The next message of this type about a context; the search begins at a length of the log.
    pub(super) async fn event(&mut self, kind: &str, context: &str, from: usize) -> Result<Message, Stop> {
        let is_it = |message: &Message| message.kind == kind && is_about(message, context);
        self.find(from, format!("{} gets `{kind}` of its context", self.label), is_it)
            .await
    }

    /// The first message that is looked for, among those since a length of the log and those that come.
    pub(super) async fn find(
        &mut self,
        from: usize,
        expected: String,
        is_it: impl Fn(&Message) -> bool,
    ) -> Result<Message, Stop> {
        if let Some(found) = self.messages_since(from).find(|message| is_it(message)) {
            return Ok(found.clone());
        }
        let deadline = Instant::now() + self.limit;
        while let Some(entry) = self.next_before(deadline).await? {
            match entry {
                Entry::Message(message) if is_it(&message) => return Ok(message),
                _ => {}
            }
        }
        Err(Stop::failed(expected, format!("none within {:?}", self.limit)))
    }

    /// The next snapshot; what else comes goes into the log.
    pub(super) async fn frame(&mut self) -> Result<Frame, Stop> {
        let deadline = Instant::now() + self.limit;
        while let Some(entry) = self.next_before(deadline).await? {
            if let Entry::Frame(frame) = entry {
                return Ok(frame);
            }
        }
        Err(Stop::failed(
            format!("{} gets a snapshot", self.label),
            format!("none within {:?}", self.limit),
        ))
    }

    /// A ping of the WebSocket and its pong: everything that the server sent before the pong is in the log.
    pub(super) async fn ping(&mut self) -> Result<(), Stop> {
        const PAYLOAD: &[u8] = b"conform";
        self.transcript.add(self.label, "→", "(ping)");
        self.send(WsMessage::Ping(Bytes::from_static(PAYLOAD))).await?;
        let deadline = Instant::now() + self.limit;
        while let Some(entry) = self.next_before(deadline).await? {
            if matches!(entry, Entry::Pong(payload) if payload == PAYLOAD) {
                return Ok(());
            }
        }
        Err(Stop::failed(
            format!("{} gets a pong with the payload of its ping", self.label),
            format!("none within {:?}", self.limit),
        ))
    }

    /// Reads whatever comes for this long; it goes into the log.
    pub(super) async fn listen(&mut self, time: Duration) -> Result<(), Stop> {
        let deadline = Instant::now() + time;
        while self.next_before(deadline).await?.is_some() {}
        Ok(())
    }

    /// Sends a text as far as the server takes it within this time; `false` when it does not.
    pub(super) async fn offer(&mut self, text: String, time: Duration) -> Result<bool, Stop> {
        match timeout(time, self.socket.send(WsMessage::text(text))).await {
            Ok(sent) => Ok(sent.is_ok()),
            Err(_) => Ok(false),
        }
    }

    /// What comes next; `None` when nothing comes before the deadline.
    pub(super) async fn next_before(&mut self, deadline: Instant) -> Result<Option<Entry>, Stop> {
        loop {
            match timeout_at(deadline, self.socket.next()).await {
                Ok(read) => match self.take(read)? {
                    Some(entry) => return Ok(Some(entry)),
                    None => continue,
                },
                Err(_) => return Ok(None),
            }
        }
    }

    async fn send(&mut self, message: WsMessage) -> Result<(), Stop> {
        let expected = format!("the connection of {} stays open and takes messages", self.label);
        match timeout(self.limit, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Stop::failed(expected, error)),
            Err(_) => Err(Stop::failed(expected, format!("nothing is taken for {:?}", self.limit))),
        }
    }

    fn take(&mut self, read: Option<Result<WsMessage, tungstenite::Error>>) -> Result<Option<Entry>, Stop> {
        let entry = match read {
            Some(Ok(WsMessage::Text(text))) => {
                self.transcript.add(self.label, "←", &text);
                let message = Message::parse(&text)
                    .map_err(|got| Stop::failed("every text of the server is one JSON object with a `type`", got))?;
                Entry::Message(message)
            }
            Some(Ok(WsMessage::Binary(bytes))) => {
                let frame = Frame::parse(bytes).map_err(|got| {
                    Stop::failed("every binary frame is a snapshot of 2704 bytes with its magic", got)
                })?;
                let line = format!("(snapshot {}, state {})", frame.sequence(), frame.state());
                self.transcript.add(self.label, "←", &line);
                Entry::Frame(frame)
            }
            Some(Ok(WsMessage::Pong(payload))) => Entry::Pong(payload),
            Some(Ok(WsMessage::Ping(_) | WsMessage::Frame(_))) => return Ok(None),
            Some(Ok(WsMessage::Close(frame))) => {
                let code = frame.map_or(1005, |frame| frame.code.into());
                return Err(self.ended(&format!("it was closed with {code}")));
            }
            Some(Err(error)) => return Err(self.ended(&format!("it ended: {error}"))),
            None => return Err(self.ended("it ended without a close frame")),
        };
        if self.log.len() >= LOG_LEN_MAX {
            return Err(Stop::failed(
                format!("at most {LOG_LEN_MAX} messages come in one check"),
                "more",
            ));
        }
        self.log.push(entry.clone());
        Ok(Some(entry))
    }

    fn ended(&self, got: &str) -> Stop {
        self.transcript.add(self.label, "←", got);
        Stop::failed(format!("the connection of {} stays open", self.label), got)
    }
}

/// Whether a message is about a context.
pub(super) fn is_about(message: &Message, context: &str) -> bool {
    message.body.get("contextId").and_then(Value::as_str) == Some(context)
}

/// Why a request was refused; `None` for a reply that does not say both that it was and why.
pub(super) fn reason(reply: &Message) -> Option<String> {
    let is_refused = reply.body.get("success") == Some(&Value::Bool(false));
    let error = reply.body.get("error").and_then(Value::as_str);
    error.filter(|error| is_refused && !error.is_empty()).map(str::to_owned)
}

/// The types that the reply to a request may have; the first is that of success (PL-4, PL-9).
fn reply_types(dialect: Dialect, kind: &str) -> Vec<String> {
    let own = format!("{kind}.reply");
    if dialect == Dialect::V02 {
        return vec![own];
    }
    let family = match kind.split_once('.') {
        Some(("engine", "state" | "statistics" | "info")) => return vec![own, "engine.reply".to_owned()],
        Some(("engine", _)) => "engine.reply",
        Some(("program", _)) => "program.reply",
        Some(("memory", "subscribe" | "unsubscribe")) => "memory.stream.reply",
        Some(("memory", _)) => "memory.reply",
        Some(("breakpoint", _)) => "breakpoint.reply",
        Some(("ioconfig", _)) => "ioconfig.reply",
        Some(("context", "create" | "remove")) => "context.reply",
        // Before its hello a client is not known to be of this dialect.
        None => return vec![own, "engine.reply".to_owned()],
        Some(_) => return vec![own],
    };
    vec![family.to_owned()]
}

/// The fields that name a bit or a word, as a server of the dialect reads them (PL-14, PL-16).
pub(super) fn target(dialect: Dialect, address: &str) -> Map<String, Value> {
    let value = match dialect {
        Dialect::V02 => json!({"address": address}),
        Dialect::V01 => cell(address),
    };
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The same with region, word and bit.
pub(super) fn cell(address: &str) -> Value {
    let (region, word, bit) = place(address);
    match address.contains('/') {
        true => json!({"region": region.to_string(), "word": word, "bit": bit}),
        false => json!({"region": region.to_string(), "word": word}),
    }
}

fn shown(fields: &Value) -> String {
    crate::conform::message::shortened(&fields.to_string())
}
