//! A small realvirtual client that is right, or wrong in exactly one planted way.
//!
//! It is to the suite for clients what the wrong server is to the other one: the suite must pass it without a fault and must find
//! every fault. It reads and writes a fixed list of names and comes back after every drop.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

/// One way of being wrong. The suite must fail at the check that [`ClientFault::ALL`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientFault {
    NoUpgradeHeader,
    InsistsOnExtension,
    OtherPath,
    Unmasked,
    InitLate,
    InitWithoutName,
    NoImportRequest,
    SubscribesEarly,
    SubscribesUnknown,
    NoCatalog,
    TypesOwn,
    IgnoresData,
    WritesUnknown,
    DiesOnMore,
    DiesOnLess,
    ReturnsWithoutEnd,
    DiesOnEmptySnapshot,
    DiesOnEarlySnapshot,
    NumericStringIgnored,
    NullSpoilsMessage,
    NanOnTheWire,
    IntsWithFraction,
    FirstDuplicateWins,
    DiesOnOtherVersion,
    DiesOnUnknownType,
    DiesOnConfig,
    DiesOnBadJson,
    DiesOnBinary,
    AnswersNull,
    NoPongs,
    LeavesSilence,
    DiesWithoutCatalog,
    OtherNameInRepeatedInit,
    FirstDataPartial,
    ForgetsAfterReset,
    ForgetsAfter1001,
    ForgetsAfter1011,
    ForgetsAfterRefusal,
    Hurries,
    HoldsOnToDeadLink,
    StaysAway,
}

use ClientFault as F;

impl ClientFault {
    /// Every fault with the check that must find it.
    pub(crate) const ALL: &'static [(ClientFault, &'static str)] = &[
        (F::NoUpgradeHeader, "RV-30.reached"),
        (F::InsistsOnExtension, "RV-30.reached"),
        (F::OtherPath, "RV-30.path"),
        (F::Unmasked, "RV-30.masked"),
        (F::InitLate, "RV-1.init"),
        (F::InitWithoutName, "RV-1.init"),
        (F::NoImportRequest, "RV-2.request"),
        (F::SubscribesEarly, "RV-31.order"),
        (F::SubscribesUnknown, "RV-31.subscribe"),
        (F::NoCatalog, "RV-36.answer"),
        (F::TypesOwn, "RV-36.answer"),
        (F::IgnoresData, "RV-31.delivered"),
        (F::WritesUnknown, "RV-31.known"),
        (F::DiesOnMore, "RV-31.more"),
        (F::DiesOnLess, "RV-31.less"),
        (F::ReturnsWithoutEnd, "RV-17.returned"),
        (F::DiesOnEmptySnapshot, "RV-5.empty"),
        (F::DiesOnEarlySnapshot, "RV-5.unasked"),
        (F::NumericStringIgnored, "RV-43.odd"),
        (F::NullSpoilsMessage, "RV-43.skipped"),
        (F::NanOnTheWire, "RV-44.finite"),
        (F::IntsWithFraction, "RV-44.ints"),
        (F::FirstDuplicateWins, "RV-45.last"),
        (F::DiesOnOtherVersion, "RV-16.version"),
        (F::DiesOnUnknownType, "RV-16.unknown-type"),
        (F::DiesOnConfig, "RV-16.not-for-clients"),
        (F::DiesOnBadJson, "RV-50.malformed"),
        (F::DiesOnBinary, "RV-50.binary"),
        (F::AnswersNull, "RV-50.objects"),
        (F::NoPongs, "RV-53.pong"),
        (F::LeavesSilence, "RV-53.silence"),
        (F::DiesWithoutCatalog, "RV-32.no-answer"),
        (F::OtherNameInRepeatedInit, "RV-34.keep-alive"),
        (F::FirstDataPartial, "RV-33.full"),
        (F::ForgetsAfterReset, "RV-33.reset"),
        (F::ForgetsAfter1001, "RV-33.close-1001"),
        (F::ForgetsAfter1011, "RV-33.close-1011"),
        (F::ForgetsAfterRefusal, "RV-33.refused"),
        (F::Hurries, "RV-33.pace"),
        (F::HoldsOnToDeadLink, "RV-33.half-open"),
        (F::StaysAway, "RV-33.comes-back"),
    ];
}

/// The pause before a new attempt: not more than four a second.
const RETRY: Duration = Duration::from_millis(260);
/// The pause of one that hurries.
const HURRY: Duration = Duration::from_millis(10);
/// How often a connection looks at its clock.
const TICK: Duration = Duration::from_millis(20);
/// How often it pings.
const PING_EVERY: Duration = Duration::from_millis(100);
/// A link without any sign of life for this long is left.
const SILENT_MAX: Duration = Duration::from_secs(2);
/// One that leaves silence leaves a link without a message after this.
const QUIET_MAX: Duration = Duration::from_millis(700);
/// Without a catalog for this long, one that dies of it dies.
const CATALOG_MAX: Duration = Duration::from_millis(700);
/// How often `init` is repeated.
const KEEP_ALIVE: Duration = Duration::from_millis(600);

/// What it reads, with its types; `Lamp` is in no catalog but its own.
const READS: &[(&str, &str)] = &[
    ("RunOut", "PLCInputBool"),
    ("CountOut", "PLCInputInt"),
    ("SpeedOut", "PLCInputFloat"),
    ("TextOut", "PLCInputText"),
    ("Lamp", "PLCInputBool"),
];
/// What it writes, with its types; `Cycle` is in no catalog but its own.
const WRITES: &[(&str, &str)] = &[
    ("StartIn", "PLCOutputBool"),
    ("ModeIn", "PLCOutputInt"),
    ("SetpointIn", "PLCOutputFloat"),
    ("Cycle", "PLCOutputInt"),
];

/// The running client. It ends when it is dropped.
pub(crate) struct WrongClient {
    running: JoinHandle<()>,
}

impl WrongClient {
    /// Connects to this port of the loopback, asking for `target`, again and again.
    pub(crate) fn start(port: u16, target: &'static str, fault: Option<ClientFault>) -> WrongClient {
        let client = Client {
            port,
            target,
            fault,
            values: Map::new(),
            last_end: End::Refused,
        };
        WrongClient {
            running: tokio::spawn(client.run()),
        }
    }
}

impl Drop for WrongClient {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// How a connection ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Refused,
    Lost,
    Reset,
    Closed(u16),
    Own,
}

struct Client {
    port: u16,
    target: &'static str,
    fault: Option<ClientFault>,
    /// What it holds of its names.
    values: Map<String, Value>,
    last_end: End,
}

type Socket = WebSocketStream<TcpStream>;

impl Client {
    fn has(&self, fault: ClientFault) -> bool {
        self.fault == Some(fault)
    }

    async fn run(mut self) {
        for (name, kind) in READS.iter().chain(WRITES) {
            let zero = match kind.trim_start_matches("PLCInput").trim_start_matches("PLCOutput") {
                "Bool" => json!(false),
                "Text" => json!(""),
                "Float" => json!(0.0),
                _ => json!(0),
            };
            self.values.insert((*name).to_owned(), zero);
        }
        let pause = if self.has(F::Hurries) { HURRY } else { RETRY };
        // The first attempt is no retry: whoever began the port is there.
        let mut attempts = interval(pause);
        attempts.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut links = 0;
        loop {
            attempts.tick().await;
            self.last_end = match self.open().await {
                Some(socket) => {
                    links += 1;
                    let end = self.talk(socket, links).await;
                    attempts.reset();
                    end
                }
                None => End::Refused,
            };
            if self.has(F::StaysAway) && links == 3 {
                return std::future::pending().await;
            }
        }
    }

    /// The upgrade; `None` when nobody is there.
    async fn open(&self) -> Option<Socket> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        if self.has(F::NoUpgradeHeader) {
            let request = b"GET / HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Version: 13\r\n\r\n";
            stream.write_all(request).await.ok()?;
            drop(stream.read(&mut [0; 1]).await);
            return None;
        }
        let target = if self.has(F::OtherPath) { "/other" } else { self.target };
        let url = format!("ws://127.0.0.1:{}{target}", self.port);
        let (socket, response) = tokio_tungstenite::client_async(url, stream).await.ok()?;
        if self.has(F::InsistsOnExtension) && !response.headers().contains_key("sec-websocket-extensions") {
            return None;
        }
        if self.has(F::Unmasked) {
            let config = WebSocketConfig::default().accept_unmasked_frames(true);
            return Some(WebSocketStream::from_raw_socket(socket.into_inner(), Role::Server, Some(config)).await);
        }
        Some(socket)
    }

    /// One connection, from its handshake to its end.
    async fn talk(&mut self, mut socket: Socket, number: usize) -> End {
        let mut talk = Talk {
            again: number > 1,
            ..Talk::default()
        };
        for message in self.handshake(number) {
            if socket.send(Message::text(message)).await.is_err() {
                return End::Lost;
            }
        }
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut life_at, mut message_at, mut pinged_at, mut init_at) =
            (Instant::now(), Instant::now(), Instant::now(), Instant::now());
        let begun_at = Instant::now();
        loop {
            let mut out = Vec::new();
            tokio::select! {
                read = socket.next() => {
                    life_at = Instant::now();
                    match self.take(read, &mut talk, &mut out) {
                        Ok(is_message) if is_message => message_at = Instant::now(),
                        Ok(_) => {}
                        Err(end) => return end,
                    }
                }
                _ = ticks.tick() => {
                    if self.has(F::ReturnsWithoutEnd) && talk.has_snapshot {
                        out.push(self.data(&["RunOut", "CountOut"]));
                    }
                    if pinged_at.elapsed() >= PING_EVERY {
                        pinged_at = Instant::now();
                        if socket.send(Message::Ping("".into())).await.is_err() {
                            return End::Reset;
                        }
                    }
                    if init_at.elapsed() >= KEEP_ALIVE {
                        init_at = Instant::now();
                        let name = if self.has(F::OtherNameInRepeatedInit) { "other" } else { "wrong client" };
                        out.push(json!({"type": "init", "version": 2, "name": name}).to_string());
                    }
                    let dead = life_at.elapsed() >= SILENT_MAX && !self.has(F::HoldsOnToDeadLink);
                    let quiet = message_at.elapsed() >= QUIET_MAX && self.has(F::LeavesSilence);
                    let no_catalog = talk.catalogs == 0 && begun_at.elapsed() >= CATALOG_MAX;
                    if dead || quiet || (no_catalog && self.has(F::DiesWithoutCatalog)) {
                        return End::Own;
                    }
                }
            }
            for message in out {
                if socket.send(Message::text(message)).await.is_err() {
                    return End::Reset;
                }
            }
        }
    }

    /// What is said right after the upgrade.
    fn handshake(&self, number: usize) -> Vec<String> {
        let init = match self.fault {
            Some(F::InitWithoutName) => json!({"type": "init", "version": 2}),
            _ => json!({"type": "init", "version": 2, "name": "wrong client"}),
        };
        let mut messages = vec![init.to_string()];
        let forgets = number > 1
            && match self.fault {
                Some(F::ForgetsAfterReset) => self.last_end == End::Reset,
                Some(F::ForgetsAfter1001) => self.last_end == End::Closed(1001),
                Some(F::ForgetsAfter1011) => self.last_end == End::Closed(1011),
                Some(F::ForgetsAfterRefusal) => self.last_end == End::Refused,
                _ => false,
            };
        if !forgets && !self.has(F::NoImportRequest) {
            messages.push(json!({"type": "import_request", "version": 2}).to_string());
        }
        if self.has(F::InitLate) {
            messages.reverse();
        }
        if self.has(F::SubscribesEarly) {
            messages.push(json!({"type": "subscribe", "version": 2, "subscribe": ["RunOut"]}).to_string());
        }
        messages
    }

    /// Handles one read: whether it was a message, or how the connection ended.
    fn take(
        &mut self,
        read: Option<Result<Message, Error>>,
        talk: &mut Talk,
        out: &mut Vec<String>,
    ) -> Result<bool, End> {
        match read {
            Some(Ok(Message::Text(text))) => {
                if self.hear(&text, talk, out) {
                    Ok(true)
                } else {
                    Err(End::Own)
                }
            }
            Some(Ok(Message::Binary(_))) if self.has(F::DiesOnBinary) => Err(End::Own),
            Some(Ok(Message::Ping(_))) if self.has(F::NoPongs) => Err(End::Own),
            Some(Ok(Message::Close(frame))) => Err(End::Closed(frame.map_or(1005, |frame| frame.code.into()))),
            Some(Ok(_)) => Ok(false),
            Some(Err(Error::Io(error))) if error.kind() == std::io::ErrorKind::ConnectionReset => Err(End::Reset),
            Some(Err(_)) | None => Err(End::Lost),
        }
    }

    /// Acts on one message; `false` when it dies of it.
    fn hear(&mut self, text: &str, talk: &mut Talk, out: &mut Vec<String>) -> bool {
        let Ok(Value::Object(message)) = serde_json::from_str(text) else {
            if self.has(F::AnswersNull) {
                out.push("null".to_owned());
            }
            return !self.has(F::DiesOnBadJson);
        };
        let version = message.get("version").and_then(Value::as_i64);
        let kind = message.get("type").and_then(Value::as_str).unwrap_or_default();
        let signals = message.get("signals").and_then(Value::as_object).cloned();
        match kind {
            "import_answer" | "data" if version != Some(2) && self.has(F::DiesOnOtherVersion) => return false,
            "import_answer" => return self.hear_catalog(&signals.unwrap_or_default(), talk, out),
            "import_request" if !self.has(F::NoCatalog) => out.push(self.catalog()),
            "snapshot" => {
                let signals = signals.unwrap_or_default();
                let dies = signals.is_empty() && self.has(F::DiesOnEmptySnapshot)
                    || talk.catalogs == 0 && self.has(F::DiesOnEarlySnapshot);
                self.apply(&signals);
                talk.has_snapshot = true;
                return !dies;
            }
            "data" => self.hear_data(&signals.unwrap_or_default(), text),
            "hello" => return !self.has(F::DiesOnUnknownType),
            "config_result" => return !self.has(F::DiesOnConfig),
            _ => {}
        }
        true
    }

    fn hear_catalog(&mut self, signals: &Map<String, Value>, talk: &mut Talk, out: &mut Vec<String>) -> bool {
        let before = std::mem::replace(&mut talk.known, signals.len());
        talk.catalogs += 1;
        if talk.catalogs > 1
            && (self.has(F::DiesOnMore) && signals.len() > before || self.has(F::DiesOnLess) && signals.len() < before)
        {
            return false;
        }
        let mut reads: Vec<&str> = READS.iter().map(|(name, _)| *name).collect();
        reads.retain(|name| signals.contains_key(*name));
        if self.has(F::SubscribesUnknown) {
            reads.push("runout");
        }
        out.push(json!({"type": "subscribe", "version": 2, "subscribe": reads}).to_string());
        if talk.catalogs > 1 {
            return true;
        }
        let mut writes: Vec<&str> = WRITES.iter().map(|(name, _)| *name).collect();
        writes.retain(|name| signals.contains_key(*name));
        if self.has(F::FirstDataPartial) && talk.again {
            writes.truncate(1);
        }
        let mut data = self.data(&writes);
        if self.has(F::WritesUnknown) {
            data = data.replace("\"StartIn\"", "\"Ghost\":1,\"StartIn\"");
        }
        out.push(data);
        true
    }

    fn hear_data(&mut self, signals: &Map<String, Value>, text: &str) {
        let spoilt = self.has(F::NullSpoilsMessage) && signals.values().any(|value| value.is_null());
        if self.has(F::IgnoresData) || spoilt {
            return;
        }
        if self.has(F::FirstDuplicateWins)
            && signals
                .keys()
                .any(|name| text.matches(&format!("{name:?}:")).count() > 1)
        {
            return;
        }
        self.apply(signals);
    }

    /// Keeps what it reads, coerced to its types (RV-43).
    fn apply(&mut self, signals: &Map<String, Value>) {
        for (name, value) in signals {
            let Some((_, kind)) = READS.iter().find(|(read, _)| read == name) else {
                continue;
            };
            let numeric = match value {
                Value::Bool(bit) => Some(f64::from(u8::from(*bit))),
                Value::Number(number) => number.as_f64(),
                Value::String(_) if self.has(F::NumericStringIgnored) => None,
                Value::String(text) => serde_json::from_str::<f64>(text).ok(),
                _ => None,
            };
            let kept = match (*kind, value) {
                ("PLCInputBool", Value::String(text)) if text.eq_ignore_ascii_case("true") => Some(json!(true)),
                ("PLCInputBool", Value::String(text)) if text.eq_ignore_ascii_case("false") => Some(json!(false)),
                ("PLCInputBool", _) => numeric.map(|number| json!(number != 0.0)),
                ("PLCInputInt", _) => numeric.map(|number| json!(number as i32)),
                ("PLCInputFloat", _) => numeric.and_then(|number| self.single(number)),
                (_, Value::String(_)) => Some(value.clone()),
                (_, Value::Bool(_) | Value::Number(_)) => Some(json!(value.to_string())),
                _ => None,
            };
            if let Some(kept) = kept {
                self.values.insert(name.clone(), kept);
            }
        }
    }

    /// A number at single precision; what does not fit is skipped.
    fn single(&self, number: f64) -> Option<Value> {
        let single = f64::from(number as f32);
        // JSON has no infinity, so this becomes `null`, as in many a library.
        (single.is_finite() || self.has(F::NanOnTheWire)).then(|| json!(single))
    }

    fn data(&self, names: &[&str]) -> String {
        let signals: Map<String, Value> = names
            .iter()
            .map(|name| ((*name).to_owned(), self.outgoing(name)))
            .collect();
        json!({"type": "data", "version": 2, "signals": signals}).to_string()
    }

    fn outgoing(&self, name: &str) -> Value {
        match self.values[name].as_i64() {
            Some(int) if self.has(F::IntsWithFraction) => json!(int as f64),
            _ => self.values[name].clone(),
        }
    }

    fn catalog(&self) -> String {
        let names = || READS.iter().chain(WRITES);
        let signals: Map<String, Value> = names()
            .map(|(name, _)| ((*name).to_owned(), self.outgoing(name)))
            .collect();
        let types: Map<String, Value> = names()
            .map(|(name, kind)| {
                let own = self.has(F::TypesOwn) && *name == "Lamp";
                ((*name).to_owned(), json!(if own { "boolean" } else { *kind }))
            })
            .collect();
        json!({"type": "import_answer", "version": 2, "signals": signals, "signalTypes": types}).to_string()
    }
}

/// What one connection has come to.
#[derive(Default)]
struct Talk {
    /// Catalogs that came.
    catalogs: usize,
    /// Signals of the last one.
    known: usize,
    /// A snapshot came.
    has_snapshot: bool,
    /// It is not the first connection.
    again: bool,
}
