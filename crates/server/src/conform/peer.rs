//! One client of the server under test: a WebSocket, what it was told, and what it believes.
//!
//! The peer shares no codec with Crosstie's own endpoints, because a mistake that both sides make would not show. It reads
//! strictly: whatever is not one JSON object with a `type` in one text frame fails the check that reads it. Everything that goes
//! either way is written into the transcript of the running check.

use super::message::{Message, Transcript, same_value, without_keys};
use super::rig::Stop;
use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{self, Message as WsMessage};

/// Receive buffer of a peer that reads slowly on purpose, in bytes: small, so that the server's side fills soon.
const SLOW_RECEIVE_BUFFER_LEN: u32 = 4 * 1024;
/// Bytes of an oversized frame that go out between two looks at the answer.
const OVERSIZED_CHUNK_LEN: usize = 64 * 1024;
/// What one read brings.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A message; it is also the last of the peer's log.
    Message(Message),
    /// A WebSocket ping; the pong is sent by the library.
    Ping,
    /// A WebSocket pong with its payload.
    Pong(Bytes),
    /// The server closes, with this code.
    Closed(Option<u16>),
    /// The connection ended without a close frame.
    Gone(String),
}

/// How a peer connects.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// Buffers as the system gives them.
    Usual,
    /// A small receive buffer: what is not read soon stays with the server.
    Slow,
}

/// A client of the server under test.
pub(crate) struct Peer {
    label: &'static str,
    socket: WebSocketStream<TcpStream>,
    transcript: Transcript,
    limit: Duration,
    believed: BTreeMap<String, Value>,
    log: Vec<Message>,
    /// How often this client asked for the catalog.
    imports: usize,
    extensions: Option<String>,
}

impl Peer {
    /// Connects to `url`, which is of the form `ws://host[:port][/path][?query]`.
    ///
    /// # Errors
    /// Fails when the server cannot be reached or refuses the upgrade within `limit`.
    pub(crate) async fn connect(
        url: &str,
        label: &'static str,
        pace: Pace,
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
            let mut config = WebSocketConfig::default();
            // A catalog of a large server is one message, and its size is no claim of the contract.
            config.max_frame_size = None;
            config.max_message_size = None;
            tokio_tungstenite::client_async_with_config(request, stream, Some(config))
                .await
                .map_err(|error| error.to_string())
        };
        let (socket, response) = timeout(limit, joined)
            .await
            .map_err(|_| fail(format!("no answer within {limit:?}")))?
            .map_err(&fail)?;
        let extensions = response.headers().get("sec-websocket-extensions");
        let extensions = extensions.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());

        transcript.add(label, "--", "connected");
        Ok(Peer {
            label,
            socket,
            transcript: transcript.clone(),
            limit,
            believed: BTreeMap::new(),
            log: Vec::new(),
            imports: 0,
            extensions,
        })
    }

    /// The extensions that the server chose, though none was offered.
    pub(crate) fn extensions(&self) -> Option<&str> {
        self.extensions.as_deref()
    }

    /// All messages so far, oldest first.
    pub(crate) fn log(&self) -> &[Message] {
        &self.log
    }

    /// Whether more catalogs came than this client asked for by [`Peer::catalog`].
    pub(crate) fn got_unasked_catalog(&self) -> bool {
        self.log
            .iter()
            .filter(|message| message.kind == "import_answer")
            .count()
            > self.imports
    }

    /// What this client holds for a signal: the later of the last value it received and the last that it wrote.
    pub(crate) fn believes(&self, name: &str) -> Option<&Value> {
        self.believed.get(name)
    }

    /// Sends one text frame.
    ///
    /// # Errors
    /// Fails when the connection is gone or takes nothing within the limit.
    pub(crate) async fn say(&mut self, text: impl Into<String>) -> Result<(), Stop> {
        let text = text.into();
        self.transcript.add(self.label, "→", &text);
        self.send(WsMessage::text(text)).await
    }

    /// Sends one JSON message.
    pub(crate) async fn say_json(&mut self, message: &Value) -> Result<(), Stop> {
        self.say(message.to_string()).await
    }

    /// Sends one binary frame.
    pub(crate) async fn say_binary(&mut self, payload: &'static [u8]) -> Result<(), Stop> {
        self.transcript.add(self.label, "→", "(a binary frame)");
        self.send(WsMessage::binary(payload)).await
    }

    /// Sends a text message in fragments, with a ping between each two of them.
    pub(crate) async fn say_in_fragments(&mut self, parts: &[&str]) -> Result<(), Stop> {
        for (index, part) in parts.iter().enumerate() {
            let opcode = OpCode::Data(if index == 0 { Data::Text } else { Data::Continue });
            let is_last = index + 1 == parts.len();
            self.transcript.add(self.label, "→", &format!("(fragment) {part}"));
            let frame = Frame::message(Bytes::copy_from_slice(part.as_bytes()), opcode, is_last);
            self.send(WsMessage::Frame(frame)).await?;
            if !is_last {
                self.send(WsMessage::Ping(Bytes::from_static(b"between"))).await?;
            }
        }
        Ok(())
    }

    /// Sends one text frame of `len` bytes as far as the server takes it, and gives the first answer that is not a message.
    ///
    /// The frame goes out in pieces beside the WebSocket library, because a server may refuse it by its header alone.
    pub(crate) async fn say_oversized(&mut self, len: usize) -> Result<Option<Incoming>, Stop> {
        self.transcript
            .add(self.label, "→", &format!("(a text frame of {len} bytes)"));
        // Final text frame, masked, 64-bit length, and a mask of zeros, so that the payload is written as it is.
        let mut header = vec![0x81, 0x80 | 127];
        header.extend_from_slice(&(len as u64).to_be_bytes());
        header.extend_from_slice(&[0; 4]);
        let chunk = vec![b' '; OVERSIZED_CHUNK_LEN];
        let deadline = Instant::now() + self.limit;

        let mut unsent = len;
        let mut piece: &[u8] = &header;
        loop {
            match timeout_at(deadline, self.socket.get_mut().write_all(piece)).await {
                Ok(Ok(())) => {}
                // A server that has closed resets the connection; its close frame was sent before that.
                Ok(Err(_)) | Err(_) => break,
            }
            while let Some(read) = self.socket.next().now_or_never() {
                match self.take(read)? {
                    Incoming::Message(_) | Incoming::Ping | Incoming::Pong(_) => {}
                    end => return Ok(Some(end)),
                }
            }
            if unsent == 0 {
                break;
            }
            piece = &chunk[..unsent.min(chunk.len())];
            unsent -= piece.len();
        }
        loop {
            match self.read_until(deadline).await? {
                Some(Incoming::Message(_) | Incoming::Ping | Incoming::Pong(_)) => {}
                end => return Ok(end),
            }
        }
    }

    /// Sends `init`.
    pub(crate) async fn init(&mut self) -> Result<(), Stop> {
        let name = format!("conform {}", self.label);
        self.say_json(&json!({"type": "init", "version": 2, "name": name}))
            .await
    }

    /// Writes one signal and believes what it wrote.
    pub(crate) async fn write(&mut self, name: &str, value: &Value) -> Result<(), Stop> {
        self.believed.insert(name.to_owned(), value.clone());
        self.say_json(&json!({"type": "data", "version": 2, "signals": {name: value}}))
            .await
    }

    /// Writes one signal with a value given as JSON text, and believes nothing new.
    pub(crate) async fn write_text(&mut self, name: &str, value: &str) -> Result<(), Stop> {
        let name = Value::from(name);
        self.say(format!(r#"{{"type":"data","version":2,"signals":{{{name}:{value}}}}}"#))
            .await
    }

    /// Subscribes to exactly these names and gives the snapshot.
    pub(crate) async fn subscribe(&mut self, names: &[&str]) -> Result<Message, Stop> {
        self.say_json(&json!({"type": "subscribe", "version": 2, "subscribe": names}))
            .await?;
        self.expect("snapshot").await
    }

    /// Asks for the catalog.
    pub(crate) async fn catalog(&mut self) -> Result<Message, Stop> {
        self.imports += 1;
        self.say_json(&json!({"type": "import_request", "version": 2})).await?;
        self.expect("import_answer").await
    }

    /// Reads on until a message of this type has come; others go into the log.
    pub(crate) async fn expect(&mut self, kind: &str) -> Result<Message, Stop> {
        let deadline = Instant::now() + self.limit;
        while let Some(message) = self.next_before(deadline).await? {
            if message.kind == kind {
                return Ok(message);
            }
        }
        Err(Stop::failed(
            format!("{} gets `{kind}`", self.label),
            format!("none within {:?}", self.limit),
        ))
    }

    /// The next message, whatever it is.
    pub(crate) async fn next(&mut self) -> Result<Message, Stop> {
        let deadline = Instant::now() + self.limit;
        self.next_before(deadline).await?.ok_or_else(|| {
            Stop::failed(
                format!("{} gets a message", self.label),
                format!("none within {:?}", self.limit),
            )
        })
    }

    /// Reads on until this client believes `value` for a signal.
    pub(crate) async fn until(&mut self, name: &str, value: &Value) -> Result<(), Stop> {
        let deadline = Instant::now() + self.limit;
        loop {
            if self.believes(name).is_some_and(|believed| same_value(believed, value)) {
                return Ok(());
            }
            if self.next_before(deadline).await?.is_none() {
                let believed = self
                    .believes(name)
                    .map_or_else(|| "nothing".to_owned(), Value::to_string);
                return Err(Stop::failed(
                    format!("{} receives {name} = {value}", self.label),
                    format!("it holds {believed} after {:?}", self.limit),
                ));
            }
        }
    }

    /// A WebSocket ping and its pong. Messages that come before the pong go into the log.
    pub(crate) async fn ping(&mut self) -> Result<(), Stop> {
        const PAYLOAD: &[u8] = b"conform";
        self.transcript.add(self.label, "→", "(ping)");
        self.send(WsMessage::Ping(Bytes::from_static(PAYLOAD))).await?;
        let deadline = Instant::now() + self.limit;
        loop {
            match self.read_until(deadline).await? {
                Some(Incoming::Pong(payload)) if payload == PAYLOAD => return Ok(()),
                Some(Incoming::Message(_) | Incoming::Ping | Incoming::Pong(_)) => {}
                Some(end) => return Err(self.ended(&end)),
                None => {
                    return Err(Stop::failed(
                        format!("{} gets a pong with the ping's payload", self.label),
                        format!("none within {:?}", self.limit),
                    ));
                }
            }
        }
    }

    /// Waits for a ping of the server; `false` when none comes within the limit.
    pub(crate) async fn wait_for_ping(&mut self) -> Result<bool, Stop> {
        let deadline = Instant::now() + self.limit;
        loop {
            match self.read_until(deadline).await? {
                Some(Incoming::Ping) => return Ok(true),
                Some(Incoming::Message(_) | Incoming::Pong(_)) => {}
                Some(end) => return Err(self.ended(&end)),
                None => return Ok(false),
            }
        }
    }

    /// Reads whatever comes for this long; it goes into the log.
    pub(crate) async fn listen(&mut self, time: Duration) -> Result<(), Stop> {
        let deadline = Instant::now() + time;
        while self.next_before(deadline).await?.is_some() {}
        Ok(())
    }

    /// Closes in good order and waits until the server has seen it.
    pub(crate) async fn leave(mut self) -> Result<(), Stop> {
        self.transcript.add(self.label, "→", "(close)");
        self.send(WsMessage::Close(None)).await?;
        let deadline = Instant::now() + self.limit;
        loop {
            match self.read_until(deadline).await? {
                Some(Incoming::Closed(_) | Incoming::Gone(_)) => return Ok(()),
                Some(_) => {}
                None => {
                    return Err(Stop::failed(
                        "a close is answered",
                        format!("nothing within {:?}", self.limit),
                    ));
                }
            }
        }
    }

    async fn next_before(&mut self, deadline: Instant) -> Result<Option<Message>, Stop> {
        loop {
            match self.read_until(deadline).await? {
                Some(Incoming::Message(message)) => return Ok(Some(message)),
                Some(Incoming::Ping | Incoming::Pong(_)) => {}
                Some(end) => return Err(self.ended(&end)),
                None => return Ok(None),
            }
        }
    }

    async fn read_until(&mut self, deadline: Instant) -> Result<Option<Incoming>, Stop> {
        match timeout_at(deadline, self.socket.next()).await {
            Ok(read) => self.take(read).map(Some),
            Err(_) => Ok(None),
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

    /// Sorts one read into what it means, with the transcript, the log and the beliefs kept up to date.
    fn take(&mut self, read: Option<Result<WsMessage, tungstenite::Error>>) -> Result<Incoming, Stop> {
        let incoming = match read {
            Some(Ok(WsMessage::Text(text))) => {
                self.transcript.add(self.label, "←", &text);
                return self.take_text(&text).map(Incoming::Message);
            }
            Some(Ok(WsMessage::Binary(_))) => {
                return Err(Stop::failed("the server sends text frames only", "a binary frame"));
            }
            Some(Ok(WsMessage::Ping(_))) => Incoming::Ping,
            Some(Ok(WsMessage::Pong(payload))) => Incoming::Pong(payload),
            Some(Ok(WsMessage::Close(frame))) => Incoming::Closed(frame.map(|frame| frame.code.into())),
            Some(Ok(WsMessage::Frame(_))) => Incoming::Gone("a raw frame".to_owned()),
            Some(Err(error)) => Incoming::Gone(error.to_string()),
            None => Incoming::Gone("the end of the stream".to_owned()),
        };
        match &incoming {
            Incoming::Closed(code) => {
                self.transcript
                    .add(self.label, "←", &format!("(close {})", code.unwrap_or(1005)));
            }
            Incoming::Gone(how) => self.transcript.add(self.label, "←", &format!("(gone: {how})")),
            // Signs of life would push the messages out of the transcript.
            Incoming::Ping | Incoming::Pong(_) | Incoming::Message(_) => {}
        }
        Ok(incoming)
    }

    fn take_text(&mut self, text: &str) -> Result<Message, Stop> {
        let message = Message::parse(text)
            .map_err(|got| Stop::failed("every message of the server is one JSON object with a `type`", got))?;
        if matches!(message.kind.as_str(), "data" | "snapshot")
            && let Some(Value::Object(signals)) = message.body.get("signals")
        {
            self.believed
                .extend(signals.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        self.log.push(message.clone());
        Ok(message)
    }

    fn ended(&self, end: &Incoming) -> Stop {
        let got = match end {
            Incoming::Closed(code) => format!("it was closed with {}", code.unwrap_or(1005)),
            Incoming::Gone(how) => format!("it ended: {how}"),
            Incoming::Message(_) | Incoming::Ping | Incoming::Pong(_) => "it is open".to_owned(),
        };
        Stop::failed(format!("the connection of {} stays open", self.label), got)
    }
}

/// Host and port of a `ws://` address.
pub(crate) fn host_and_port(uri: &Uri) -> Result<(String, u16), String> {
    if uri.scheme_str() != Some("ws") {
        return Err("only ws:// addresses can be tested".to_owned());
    }
    let host = uri.host().ok_or("the address has no host")?;
    // An IPv6 address stands in brackets in a URL and without them in a look-up.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok((host.to_owned(), uri.port_u16().unwrap_or(80)))
}

/// Opens the TCP connection to the first address that accepts it.
pub(crate) async fn open(host: &str, port: u16, pace: Pace) -> std::io::Result<TcpStream> {
    let mut refused = None;
    for address in lookup_host((host, port)).await? {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        if let Pace::Slow = pace {
            socket.set_recv_buffer_size(SLOW_RECEIVE_BUFFER_LEN)?;
        }
        match socket.connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| std::io::Error::other("the host has no address")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_taken() {
        let parse = |url: &str| host_and_port(&url.parse().unwrap());
        assert_eq!(
            parse("ws://localhost:1234/x?apikey=1"),
            Ok(("localhost".to_owned(), 1234))
        );
        assert_eq!(parse("ws://[::1]:9/"), Ok(("::1".to_owned(), 9)));
        assert!(parse("wss://localhost/").is_err());
        assert!(parse("http://localhost/").is_err());
    }
}
