//! One connection to an engine: the upgrade, the hello, requests with their replies, and snapshots.

use crate::cli::{At, CliError, api};
use crate::dial::{self, DialError, Target};
use crate::socket::Stream;
use axum::http::{StatusCode, header};
use crosstie_wire::piplc::{
    Dialect, EngineState, Event, Hello, Request, ServerMessage, ServerReply, Snapshot, VERSION, decode_server,
    read_snapshot, write_request,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value};
use std::io;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};

/// How long an engine may take for the upgrade, for the hello, for each reply, and for a snapshot that is due.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// A connection to an engine that has said hello.
pub(super) struct Client {
    socket: WebSocketStream<Stream>,
    /// The address without its query, for messages.
    url: String,
    dialect: Dialect,
    contexts: Vec<Row>,
    last_seq: i32,
    /// What was told last of a fault: the context, and why.
    fault: Option<(Box<str>, Box<str>)>,
    /// The breakpoint that was told last: the context, and the rung that comes next.
    paused_before: Option<(Box<str>, u32)>,
    /// Why the server is about to end the connection.
    farewell: Option<Box<str>>,
}

/// A context, as the hello and the list of contexts tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) state: EngineState,
    pub(super) has_program: bool,
}

/// What comes, apart from signs of life.
enum Incoming {
    Message(ServerMessage),
    Frame(Box<Snapshot>),
}

impl Client {
    /// Connects to `ws://host:port/` or `wss://…` and says hello.
    ///
    /// # Errors
    ///
    /// Exit code 2 for an address or a key that is none, 3 when nobody listens, 1 for whoever listens and is no engine.
    pub(super) async fn connect(url: &str, at: &At) -> Result<Client, CliError> {
        let mut target = Target::from_url(url).map_err(|error| CliError::Usage(format!("--engine: {error}")))?;
        target.ca_file.clone_from(&at.ca);
        let shown = format!("{target:?}");
        let mut request = url
            .into_client_request()
            .map_err(|_| CliError::Usage(format!("--engine {shown}: expected an address such as ws://host:9100/")))?;
        let bearer = api::bearer(at.key_file.as_deref())?;
        let has_key = bearer.is_some();
        if let Some(bearer) = bearer {
            request.headers_mut().insert(header::AUTHORIZATION, bearer);
        }
        let stream = open(&target, &shown).await?;
        let upgraded = timeout(ANSWER_MAX, tokio_tungstenite::client_async(request, stream)).await;
        let (socket, _) = upgraded
            .map_err(|_| CliError::Failed(silent(&shown)))?
            .map_err(|error| CliError::Failed(format!("{shown}: {}", not_upgraded(&error, has_key))))?;
        let mut client = Client {
            socket,
            url: shown,
            dialect: Dialect::V02,
            contexts: Vec::new(),
            last_seq: 0,
            fault: None,
            paused_before: None,
            farewell: None,
        };
        client.greet().await?;
        Ok(client)
    }

    /// The generation of the protocol that the engine speaks.
    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The contexts, as they were when the connection was made.
    pub(super) fn contexts(&self) -> &[Row] {
        &self.contexts
    }

    /// Why a context is in fault, as far as it was told on this connection.
    pub(super) fn fault(&self, context: &str) -> Option<&str> {
        let fault = self.fault.as_ref().filter(|(of, _)| **of == *context);
        fault.map(|(_, message)| &**message)
    }

    /// The rung before which a context has paused, as far as it was told on this connection.
    pub(super) fn paused_before(&self, context: &str) -> Option<usize> {
        let hit = self.paused_before.as_ref().filter(|(of, _)| **of == *context);
        hit.map(|(_, rung)| *rung as usize)
    }

    /// Says hello as a client of 0.2 and learns which generation answers. 0.1 does not say its version.
    async fn greet(&mut self) -> Result<(), CliError> {
        let hello = Request::Hello(Hello {
            protocol_version: Some(VERSION),
            client_name: Some("crosstie plc".into()),
            client_version: Some("0.2.0".into()),
        });
        let reply = self.exchange(None, &hello).await?;
        let not_it = |what: String| CliError::Failed(format!("{}: no PiPLC engine answers there: {what}", self.url));
        if let Some(error) = &reply.error {
            return Err(not_it(format!("it refuses the hello: {error}")));
        }
        if &*reply.type_name != "hello.reply" {
            return Err(not_it(format!("it answers the hello with {:?}", reply.type_name)));
        }
        match reply.fields.get("protocolVersion").and_then(Value::as_i64) {
            Some(VERSION) => {}
            Some(other) => {
                return Err(CliError::Failed(format!(
                    "{} speaks version {other} of PiPLC's protocol, and this program speaks version {VERSION}",
                    self.url
                )));
            }
            None => return Err(not_it(String::from("its hello says no version of the protocol"))),
        }
        // compat: PL-9, the published engine 0.1 does not say its version.
        self.dialect = match reply.fields.get("serverVersion").and_then(Value::as_str) {
            Some(version) => Dialect::of_client_version(version),
            None => Dialect::V01,
        };
        self.contexts = rows(&reply.fields);
        match self.contexts.is_empty() {
            true => Err(not_it(String::from("it has no contexts"))),
            false => Ok(()),
        }
    }

    /// Makes a request and gives its reply.
    ///
    /// # Errors
    ///
    /// The engine's reason when it refuses, and whatever keeps a reply from coming.
    pub(super) async fn ask(&mut self, context: Option<&str>, request: &Request) -> Result<ServerReply, CliError> {
        let reply = self.exchange(context, request).await?;
        match reply.success {
            true => Ok(reply),
            false => Err(refusal(&reply)),
        }
    }

    /// Makes a request and gives its reply, done or refused.
    pub(super) async fn exchange(&mut self, context: Option<&str>, request: &Request) -> Result<ServerReply, CliError> {
        let seq = self.tell(context, request).await?;
        let deadline = Instant::now() + ANSWER_MAX;
        while let Some(incoming) = self.next(deadline).await? {
            match incoming {
                Incoming::Message(ServerMessage::Reply(reply)) if reply.seq == seq => return Ok(reply),
                // A newer engine may have more events; nothing else comes without being asked for.
                Incoming::Message(ServerMessage::Unknown { type_name }) if !type_name.starts_with("event.") => {
                    return Err(CliError::Failed(format!(
                        "{}: no PiPLC engine answers there: it sends a message of the type {type_name:?}",
                        self.url
                    )));
                }
                _ => {}
            }
        }
        Err(match request {
            Request::Hello(_) => CliError::Failed(format!(
                "{}: no answer to the hello within {} s; is this a PiPLC engine?",
                self.url,
                ANSWER_MAX.as_secs()
            )),
            _ => CliError::Failed(format!(
                "{}: no answer to {} within {} s; whether it was done is not known",
                self.url,
                request.kind().type_name(),
                ANSWER_MAX.as_secs()
            )),
        })
    }

    /// Sends a request and gives its number; 0.1 answers no writes to the memory.
    pub(super) async fn tell(&mut self, context: Option<&str>, request: &Request) -> Result<i32, CliError> {
        self.last_seq += 1;
        let mut payload = Vec::new();
        write_request(&mut payload, self.dialect, self.last_seq, context, request)
            .map_err(|error| CliError::Usage(error.to_string()))?;
        // The writer writes UTF-8 only.
        let text = String::from_utf8(payload).map_err(|error| CliError::failed(&error))?;
        self.send(Message::text(text)).await?;
        Ok(self.last_seq)
    }

    /// The next snapshot of the streams that were asked for; `None` when none comes in time.
    pub(super) async fn frame(&mut self, limit: Duration) -> Result<Option<Box<Snapshot>>, CliError> {
        let deadline = Instant::now() + limit;
        while let Some(incoming) = self.next(deadline).await? {
            if let Incoming::Frame(frame) = incoming {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// One snapshot of a context, taken after everything that was sent before.
    pub(super) async fn snapshot(&mut self, context: &str) -> Result<Box<Snapshot>, CliError> {
        let subscribe = Request::Subscribe { interval_ms: None };
        self.ask(Some(context), &subscribe).await?;
        let frame = self.frame(ANSWER_MAX).await?;
        // Frames that still come belong to this stream, so the reply ends it for the next one.
        self.ask(Some(context), &Request::Unsubscribe).await?;
        frame.ok_or_else(|| self.no_snapshot())
    }

    /// What is said when a stream is silent.
    pub(super) fn no_snapshot(&self) -> CliError {
        CliError::Failed(format!(
            "{}: no snapshot of the memory within {} s",
            self.url,
            ANSWER_MAX.as_secs()
        ))
    }

    /// Waits a moment, reading what comes.
    pub(super) async fn listen(&mut self, time: Duration) -> Result<(), CliError> {
        let until = Instant::now() + time;
        while self.next(until).await?.is_some() {}
        Ok(())
    }

    async fn next(&mut self, deadline: Instant) -> Result<Option<Incoming>, CliError> {
        loop {
            let Ok(read) = timeout_at(deadline, self.socket.next()).await else {
                return Ok(None);
            };
            let strange = |what: &dyn std::fmt::Display| {
                CliError::Failed(format!("{}: no PiPLC engine answers there: {what}", self.url))
            };
            match read {
                Some(Ok(Message::Text(text))) => {
                    let message = decode_server(&text).map_err(|error| strange(&error))?;
                    if let ServerMessage::Event { context_id, event } = &message {
                        self.notice(context_id.as_deref().unwrap_or_default(), event).await?;
                    }
                    return Ok(Some(Incoming::Message(message)));
                }
                Some(Ok(Message::Binary(bytes))) => {
                    let frame = read_snapshot(&bytes, self.dialect).map_err(|error| strange(&error))?;
                    return Ok(Some(Incoming::Frame(Box::new(frame))));
                }
                Some(Ok(Message::Close(_))) | None => return Err(self.lost("closed by the engine")),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(self.lost(&error.to_string())),
            }
        }
    }

    async fn notice(&mut self, context: &str, event: &Event) -> Result<(), CliError> {
        match event {
            Event::Ping => {
                let mut payload = Vec::new();
                write_request(&mut payload, self.dialect, 0, None, &Request::Pong)
                    .map_err(|error| CliError::failed(&error))?;
                let text = String::from_utf8(payload).map_err(|error| CliError::failed(&error))?;
                self.send(Message::text(text)).await?;
            }
            Event::Fault { message, .. } => self.fault = Some((context.into(), message.clone())),
            Event::BreakpointHit { rung_index } => self.paused_before = Some((context.into(), *rung_index)),
            Event::Disconnecting { reason } => self.farewell = Some(reason.clone()),
            Event::StateChanged { .. } | Event::ScanStats(_) | Event::RoutesChanged { .. } => {}
        }
        Ok(())
    }

    async fn send(&mut self, message: Message) -> Result<(), CliError> {
        match timeout(ANSWER_MAX, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.lost(&error.to_string())),
            Err(_) => Err(self.lost("it takes no more messages")),
        }
    }

    fn lost(&self, how: &str) -> CliError {
        CliError::NoEngine {
            at: self.url.clone(),
            source: io::Error::other(format!(
                "the connection ended: {}",
                self.farewell.as_deref().unwrap_or(how)
            )),
        }
    }
}

/// Opens the stream to a server, TLS included.
async fn open(target: &Target, shown: &str) -> Result<Stream, CliError> {
    match timeout(ANSWER_MAX, dial::open(target)).await {
        Ok(Ok(stream)) => Ok(stream),
        // Somebody is there, or the mistake is in a file of ours.
        Ok(Err(error @ (DialError::Tls(_) | DialError::File { .. }))) => Err(CliError::Failed(format!(
            "{shown}: {error}; --ca FILE vouches for an engine"
        ))),
        Ok(Err(error)) => Err(CliError::NoEngine {
            at: shown.to_owned(),
            source: io::Error::other(error),
        }),
        Err(_) => Err(CliError::NoEngine {
            at: shown.to_owned(),
            source: io::ErrorKind::TimedOut.into(),
        }),
    }
}

fn silent(shown: &str) -> String {
    let seconds = ANSWER_MAX.as_secs();
    format!("{shown} takes connections and does not answer within {seconds} s; is this a PiPLC engine?")
}

/// Why a WebSocket did not come about.
fn not_upgraded(error: &tungstenite::Error, has_key: bool) -> String {
    let tungstenite::Error::Http(response) = error else {
        return format!("no PiPLC engine answers there: {error}");
    };
    let status = response.status();
    let hint = match (status, has_key) {
        (StatusCode::UNAUTHORIZED, false) => "a key is wanted: --key-file FILE or the variable CROSSTIE_KEY",
        (StatusCode::UNAUTHORIZED, true) => "it does not take this key",
        (StatusCode::FORBIDDEN, _) => "it does not allow this connection",
        (StatusCode::TOO_MANY_REQUESTS, _) => "too many keys were wrong; try again in a minute",
        _ => "no PiPLC engine answers there, as an engine answers 101",
    };
    format!("the server answers {status}: {hint}")
}

/// Why a request was refused, in the engine's words.
pub(super) fn refusal(reply: &ServerReply) -> CliError {
    CliError::Failed(match &reply.error {
        Some(error) => format!("the engine refuses: {error}"),
        None => String::from("the engine refuses and does not say why"),
    })
}

/// The contexts of a hello or of a list.
fn rows(fields: &Map<String, Value>) -> Vec<Row> {
    let rows = fields.get("contexts").and_then(Value::as_array);
    let rows = rows.map(Vec::as_slice).unwrap_or_default();
    rows.iter().filter_map(row).collect()
}

fn row(row: &Value) -> Option<Row> {
    let id = row["id"].as_str().or_else(|| row["contextId"].as_str())?;
    Some(Row {
        id: id.to_owned(),
        name: row["name"].as_str().unwrap_or(id).to_owned(),
        state: EngineState::of_word(row["state"].as_str()?)?,
        has_program: row["hasProgram"] == true,
    })
}
