//! One client of a platform or of a GAMA: a WebSocket and what it was told.
//!
//! It shares no codec with the hub. Whatever is not JSON in one text frame fails the check that reads it.

use crate::conform::message::{Transcript, shortened, without_keys};
use crate::conform::peer::{Pace, host_and_port};
use crate::conform::rig::Stop;
use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message as WsMessage};

/// Receive buffer of a peer that reads slowly on purpose, in bytes: small, so that the server's side fills soon.
const SLOW_RECEIVE_BUFFER_LEN: u32 = 64 * 1024;
/// Messages that one connection keeps; a server that sends more within one check fails it.
const LOG_LEN_MAX: usize = 20_000;
/// Bytes of an oversized frame that go out between two looks at the answer.
const OVERSIZED_CHUNK_LEN: usize = 64 * 1024;

/// How a peer connects.
#[derive(Clone, Copy)]
pub(crate) struct How {
    /// How it stands in a transcript.
    pub(crate) label: &'static str,
    /// The address that it comes from; the system's choice when it is `None`.
    pub(crate) from: Option<IpAddr>,
    /// Its buffers.
    pub(crate) pace: Pace,
    /// It offers compression.
    pub(crate) deflates: bool,
}

impl How {
    /// An ordinary client.
    pub(crate) fn named(label: &'static str) -> How {
        How {
            label,
            from: None,
            pace: Pace::Usual,
            deflates: false,
        }
    }
}

/// One message as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// The text of its frame.
    pub(crate) text: String,
    /// What it says.
    pub(crate) value: Value,
}

impl Heard {
    /// Its `type`; empty where it has none.
    pub(crate) fn kind(&self) -> &str {
        self.value.get("type").and_then(Value::as_str).unwrap_or("")
    }
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A close frame with this code.
    Closed(Option<u16>),
    /// Without a close frame.
    Gone(String),
}

impl End {
    /// For people.
    pub(crate) fn words(&self) -> String {
        match self {
            End::Closed(code) => format!("it was closed with {}", code.unwrap_or(1005)),
            End::Gone(how) => format!("it ended without a close: {how}"),
        }
    }
}

enum Came {
    Message,
    Pong(Bytes),
    Sign,
    End(End),
}

/// A client.
pub(crate) struct Peer {
    label: &'static str,
    socket: WebSocketStream<TcpStream>,
    transcript: Transcript,
    limit: Duration,
    log: Vec<Heard>,
    /// Messages before this place of the log were taken by a `next`.
    taken: usize,
    extensions: Option<String>,
    pinged: bool,
}

impl Peer {
    /// Connects to `url`, which is of the form `ws://host[:port][/path]`.
    ///
    /// # Errors
    /// Fails when the server cannot be reached or refuses the upgrade within `limit`.
    pub(crate) async fn connect(url: &str, how: How, limit: Duration, transcript: &Transcript) -> Result<Peer, Stop> {
        let expected = format!("{} accepts a WebSocket", without_keys(url));
        let fail = |got: String| Stop::failed(&expected, got);
        let mut request = url.into_client_request().map_err(|error| fail(error.to_string()))?;
        let (host, port) = host_and_port(request.uri()).map_err(&fail)?;
        if how.deflates {
            let offer = HeaderValue::from_static("permessage-deflate; client_max_window_bits");
            request.headers_mut().insert("sec-websocket-extensions", offer);
        }
        let joined = async {
            let stream = open(&host, port, how).await.map_err(|error| error.to_string())?;
            stream.set_nodelay(true).map_err(|error| error.to_string())?;
            let mut config = WebSocketConfig::default();
            // How long a message of the server may be is no claim.
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
        transcript.add(how.label, "--", "connected");
        Ok(Peer {
            label: how.label,
            socket,
            transcript: transcript.clone(),
            limit,
            log: Vec::new(),
            taken: 0,
            extensions,
            pinged: false,
        })
    }

    /// The extensions that the server chose.
    pub(crate) fn extensions(&self) -> Option<&str> {
        self.extensions.as_deref()
    }

    /// All messages so far, oldest first.
    pub(crate) fn log(&self) -> &[Heard] {
        &self.log
    }

    /// Its own end of the connection.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.socket.get_ref().local_addr().ok()
    }

    /// Whether the server has sent a WebSocket ping.
    pub(crate) fn was_pinged(&self) -> bool {
        self.pinged
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
    pub(crate) async fn tell(&mut self, message: &Value) -> Result<(), Stop> {
        self.say(message.to_string()).await
    }

    /// Sends one binary frame.
    pub(crate) async fn say_binary(&mut self, payload: Vec<u8>) -> Result<(), Stop> {
        self.transcript
            .add(self.label, "→", &format!("(a binary frame of {} bytes)", payload.len()));
        self.send(WsMessage::binary(payload)).await
    }

    /// Sends one text frame of `len` bytes as far as the server takes it, and gives how the connection ended, if it did.
    ///
    /// The frame goes out in pieces beside the WebSocket library, because a server may refuse it by its header alone.
    pub(crate) async fn say_oversized(&mut self, len: usize) -> Result<Option<End>, Stop> {
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
                if let Came::End(end) = self.take(read)? {
                    return Ok(Some(end));
                }
            }
            if unsent == 0 {
                break;
            }
            piece = &chunk[..unsent.min(chunk.len())];
            unsent -= piece.len();
        }
        self.end_before(deadline).await
    }

    /// The next message that was not taken yet and is of this sort; those before it are passed over.
    ///
    /// # Errors
    /// Fails when none comes within the limit, with `what` as that which was expected.
    pub(crate) async fn next(&mut self, what: &str, is_it: impl Fn(&Heard) -> bool) -> Result<Heard, Stop> {
        let deadline = Instant::now() + self.limit;
        self.next_before(deadline, is_it).await?.ok_or_else(|| {
            let last = self.log.last().map_or("nothing came at all".to_owned(), |heard| {
                format!("the last that came is {}", shortened(&heard.text))
            });
            let got = format!("none within {:?}; {last}", self.limit);
            Stop::failed(format!("{} gets {what}", self.label), got)
        })
    }

    /// The same; `None` when none comes before the deadline.
    pub(crate) async fn next_before(
        &mut self,
        deadline: Instant,
        is_it: impl Fn(&Heard) -> bool,
    ) -> Result<Option<Heard>, Stop> {
        loop {
            while let Some(heard) = self.log.get(self.taken) {
                self.taken += 1;
                if is_it(heard) {
                    return Ok(Some(heard.clone()));
                }
            }
            match self.read_until(deadline).await? {
                Some(Came::End(end)) => return Err(self.ended(&end)),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// Reads on until `holds` for the log; `false` when it does not within the limit.
    pub(crate) async fn until(&mut self, holds: impl Fn(&[Heard]) -> bool) -> Result<bool, Stop> {
        let deadline = Instant::now() + self.limit;
        while !holds(&self.log) {
            match self.read_until(deadline).await? {
                Some(Came::End(end)) => return Err(self.ended(&end)),
                Some(_) => {}
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Reads whatever comes for this long; it goes into the log.
    pub(crate) async fn listen(&mut self, time: Duration) -> Result<(), Stop> {
        let deadline = Instant::now() + time;
        loop {
            match self.read_until(deadline).await? {
                Some(Came::End(end)) => return Err(self.ended(&end)),
                Some(_) => {}
                None => return Ok(()),
            }
        }
    }

    /// A WebSocket ping and the pong with its payload.
    pub(crate) async fn ping(&mut self) -> Result<(), Stop> {
        const PAYLOAD: &[u8] = b"conform";
        self.transcript.add(self.label, "→", "(ping)");
        self.send(WsMessage::Ping(Bytes::from_static(PAYLOAD))).await?;
        let deadline = Instant::now() + self.limit;
        loop {
            match self.read_until(deadline).await? {
                Some(Came::Pong(payload)) if payload == PAYLOAD => return Ok(()),
                Some(Came::End(end)) => return Err(self.ended(&end)),
                Some(_) => {}
                None => {
                    let expected = format!("{} gets a pong with the ping's payload", self.label);
                    return Err(Stop::failed(expected, format!("none within {:?}", self.limit)));
                }
            }
        }
    }

    /// Reads until the server closes with this code.
    pub(crate) async fn closed_with(&mut self, code: u16, why: &str) -> Result<(), Stop> {
        let deadline = Instant::now() + self.limit;
        let end = self.end_before(deadline).await?;
        if end == Some(End::Closed(Some(code))) {
            return Ok(());
        }
        let got = end.map_or_else(|| format!("it is open after {:?}", self.limit), |end| end.words());
        Err(Stop::failed(format!("{} is closed with {code} {why}", self.label), got))
    }

    /// How the connection ends; `None` when it does not before the deadline.
    pub(crate) async fn end_before(&mut self, deadline: Instant) -> Result<Option<End>, Stop> {
        loop {
            match self.read_until(deadline).await? {
                Some(Came::End(end)) => return Ok(Some(end)),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// Closes in good order and waits until the server has seen it.
    pub(crate) async fn leave(mut self) -> Result<(), Stop> {
        self.transcript.add(self.label, "→", "(close)");
        self.send(WsMessage::Close(None)).await?;
        let deadline = Instant::now() + self.limit;
        match self.end_before(deadline).await? {
            Some(_) => Ok(()),
            None => Err(Stop::failed(
                "a close is answered",
                format!("nothing within {:?}", self.limit),
            )),
        }
    }

    async fn read_until(&mut self, deadline: Instant) -> Result<Option<Came>, Stop> {
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

    /// Sorts one read into what it means, with the transcript and the log kept up to date.
    fn take(&mut self, read: Option<Result<WsMessage, tungstenite::Error>>) -> Result<Came, Stop> {
        let end = match read {
            Some(Ok(WsMessage::Text(text))) => {
                self.transcript.add(self.label, "←", &text);
                return self.take_text(&text);
            }
            Some(Ok(WsMessage::Binary(_))) => {
                return Err(Stop::failed("the server sends text frames only", "a binary frame"));
            }
            Some(Ok(WsMessage::Ping(_))) => {
                self.pinged = true;
                return Ok(Came::Sign);
            }
            Some(Ok(WsMessage::Pong(payload))) => return Ok(Came::Pong(payload)),
            Some(Ok(WsMessage::Close(frame))) => End::Closed(frame.map(|frame| frame.code.into())),
            Some(Ok(WsMessage::Frame(_))) => End::Gone("a raw frame".to_owned()),
            Some(Err(error)) => End::Gone(error.to_string()),
            None => End::Gone("the end of the stream".to_owned()),
        };
        self.transcript.add(self.label, "←", &format!("({})", end.words()));
        Ok(Came::End(end))
    }

    fn take_text(&mut self, text: &str) -> Result<Came, Stop> {
        let value = serde_json::from_str(text)
            .map_err(|error| Stop::failed("every message is JSON", format!("{error} in {}", shortened(text))))?;
        if self.log.len() >= LOG_LEN_MAX {
            let expected = format!("{} gets at most {LOG_LEN_MAX} messages in one check", self.label);
            return Err(Stop::failed(expected, "one more"));
        }
        self.log.push(Heard {
            text: text.to_owned(),
            value,
        });
        Ok(Came::Message)
    }

    fn ended(&self, end: &End) -> Stop {
        Stop::failed(format!("the connection of {} stays open", self.label), end.words())
    }
}

/// Opens the TCP connection to the first address that accepts it.
async fn open(host: &str, port: u16, how: How) -> std::io::Result<TcpStream> {
    let mut refused = None;
    for address in lookup_host((host, port)).await? {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        if let Pace::Slow = how.pace {
            socket.set_recv_buffer_size(SLOW_RECEIVE_BUFFER_LEN)?;
        }
        if let Some(from) = how.from.filter(|from| from.is_ipv4() == address.is_ipv4()) {
            socket.bind(SocketAddr::new(from, 0))?;
        }
        match socket.connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| std::io::Error::other("the host has no address")))
}
