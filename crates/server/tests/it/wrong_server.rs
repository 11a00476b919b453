//! A small realvirtual server that is right, or wrong in exactly one planted way.
//!
//! It exists to test the tests: the conformance suite must pass it without a fault and must find every fault. It is simple
//! where Crosstie is fast: one lock around everything, no shared frames, one set of changed signals per client.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

/// One way of being wrong. The suite must fail at the claim that [`Fault::ALL`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    InitResetsView,
    TypesMissing,
    TypeStringsOwn,
    SignalsMissing,
    OrderUnstable,
    OnePathOnly,
    NullMeansNone,
    EmptyMeansAll,
    UnknownNameInSnapshot,
    CaseIgnored,
    SubscribeAdds,
    FirstDataPartial,
    DataBeforeImportAnswer,
    PushWithoutData,
    DeltaBeforeSnapshot,
    SubscribeMissesWrite,
    EchoToWriter,
    CoercedNotReturned,
    CrossingNotReturned,
    FinalLost,
    UnchangedSent,
    OwnedPassedOn,
    EchoReverts,
    EveryReturnIsEcho,
    UnknownNameSpoils,
    ForgetsWhoLeft,
    FirstWriterWins,
    IntsRounded,
    NullSpoilsMessage,
    IntsWithFraction,
    NanOnTheWire,
    FirstDuplicateWins,
    ConfigListed,
    UnknownKeyAccepted,
    ConfigHalfApplied,
    OtherVersionRefused,
    ClosesOnBadJson,
    AnswersNull,
    DiesOnBinary,
    FrameLimitMissing,
    SlowReaderStopsAll,
}

impl Fault {
    /// Every fault with the claim that it breaks.
    pub(crate) const ALL: &'static [(Fault, &'static str)] = &[
        (Fault::InitResetsView, "RV-1"),
        (Fault::TypesMissing, "RV-3"),
        (Fault::TypeStringsOwn, "RV-40"),
        (Fault::SignalsMissing, "RV-15"),
        (Fault::OrderUnstable, "RV-15"),
        (Fault::OnePathOnly, "RV-20"),
        (Fault::NullMeansNone, "RV-4"),
        (Fault::EmptyMeansAll, "RV-5"),
        (Fault::UnknownNameInSnapshot, "RV-12"),
        (Fault::CaseIgnored, "RV-12"),
        (Fault::SubscribeAdds, "RV-12"),
        (Fault::FirstDataPartial, "RV-11"),
        (Fault::DataBeforeImportAnswer, "RV-11"),
        (Fault::PushWithoutData, "RV-21"),
        (Fault::DeltaBeforeSnapshot, "RV-10"),
        (Fault::SubscribeMissesWrite, "RV-10"),
        (Fault::EchoToWriter, "RV-13"),
        (Fault::CoercedNotReturned, "RV-13"),
        (Fault::CrossingNotReturned, "RV-13"),
        (Fault::FinalLost, "RV-13"),
        (Fault::UnchangedSent, "RV-14"),
        (Fault::OwnedPassedOn, "RV-17"),
        (Fault::EchoReverts, "RV-17"),
        (Fault::EveryReturnIsEcho, "RV-17"),
        (Fault::UnknownNameSpoils, "RV-18"),
        (Fault::ForgetsWhoLeft, "RV-54"),
        (Fault::FirstWriterWins, "RV-55"),
        (Fault::IntsRounded, "RV-43"),
        (Fault::NullSpoilsMessage, "RV-43"),
        (Fault::IntsWithFraction, "RV-44"),
        (Fault::NanOnTheWire, "RV-44"),
        (Fault::FirstDuplicateWins, "RV-45"),
        (Fault::ConfigListed, "RV-7"),
        (Fault::UnknownKeyAccepted, "RV-8"),
        (Fault::ConfigHalfApplied, "RV-23"),
        (Fault::OtherVersionRefused, "RV-16"),
        (Fault::ClosesOnBadJson, "RV-50"),
        (Fault::AnswersNull, "RV-50"),
        (Fault::DiesOnBinary, "RV-50"),
        (Fault::FrameLimitMissing, "RV-51"),
        (Fault::SlowReaderStopsAll, "RV-52"),
    ];
}

/// Limit of one frame and one message, in bytes (RV-51).
const FRAME_LEN_MAX: usize = 16 << 20;
/// A silent client and one that imports get their full state after this time (RV-11).
const START_AFTER: Duration = Duration::from_secs(1);
/// A write so soon after a delivery may have crossed it (RV-13).
const CROSSING: Duration = Duration::from_millis(50);
/// A returned value is an echo when it was superseded so recently (RV-17).
const ECHO_WINDOW: Duration = Duration::from_millis(150);
/// Returned values that make an echoer (RV-17).
const ECHOES_MIN: usize = 3;
/// Values that are remembered to tell an echo.
const TOLD_MAX: usize = 8;
/// Pings of the server.
const PING_EVERY: Duration = Duration::from_millis(500);
/// How often a connection looks at its clock.
const TICK: Duration = Duration::from_millis(10);
/// Send buffer of a connection: small, so that a slow reader is felt soon.
const SEND_BUFFER_LEN: u32 = 16 * 1024;

/// The running server. It ends when it is dropped.
pub(crate) struct WrongServer {
    /// Its address on loopback.
    pub(crate) url: String,
    accepting: JoinHandle<()>,
}

impl WrongServer {
    /// Starts on a free port.
    pub(crate) async fn start(fault: Option<Fault>) -> WrongServer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(SEND_BUFFER_LEN).unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let listener = socket.listen(64).unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let house = Arc::new(House {
            fault,
            world: Mutex::new(World::new(fault)),
            turnstile: tokio::sync::Mutex::new(()),
        });
        let accepting = tokio::spawn(async move {
            // Dropped with this task, the set ends its connections.
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, Arc::clone(&house)));
                while connections.try_join_next().is_some() {}
            }
        });
        WrongServer { url, accepting }
    }
}

impl Drop for WrongServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct House {
    fault: Option<Fault>,
    world: Mutex<World>,
    /// Held while a frame is sent by a server whose slow reader stops all.
    turnstile: tokio::sync::Mutex<()>,
}

impl House {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.world.lock().unwrap())
    }
}

/// One connection from its upgrade to its end.
async fn serve(stream: TcpStream, house: Arc<House>) {
    stream.set_nodelay(true).unwrap();
    let mut config = WebSocketConfig::default();
    let len_max = if house.has(Fault::FrameLimitMissing) {
        1 << 30
    } else {
        FRAME_LEN_MAX
    };
    config.max_frame_size = Some(len_max);
    config.max_message_size = Some(len_max);
    let one_path_only = house.has(Fault::OnePathOnly);
    #[allow(clippy::result_large_err, reason = "the library's callback has this type")]
    let upgrade = |request: &Request, response: Response| match request.uri().path() {
        "/" => Ok(response),
        _ if !one_path_only => Ok(response),
        _ => {
            let mut refusal = tokio_tungstenite::tungstenite::http::Response::new(None);
            *refusal.status_mut() = StatusCode::NOT_FOUND;
            Err(refusal)
        }
    };
    let Ok(mut socket) = accept_hdr_async_with_config(stream, upgrade, Some(config)).await else {
        return;
    };

    let wake = Arc::new(Notify::new());
    let id = house.with(|world| world.join(Arc::clone(&wake)));
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pinged_at = Instant::now();
    let mut open = true;
    while open {
        tokio::select! {
            read = socket.next() => open = take(read, id, &house, &mut socket).await,
            () = wake.notified() => {}
            _ = ticks.tick() => {
                house.with(|world| world.tick(id));
                if pinged_at.elapsed() >= PING_EVERY {
                    pinged_at = Instant::now();
                    open = socket.send(Message::Ping("".into())).await.is_ok();
                }
            }
        }
        for frame in house.with(|world| world.take_frames(id)) {
            let turn = if house.has(Fault::SlowReaderStopsAll) {
                Some(house.turnstile.lock().await)
            } else {
                None
            };
            open &= socket.send(Message::text(frame)).await.is_ok();
            drop(turn);
        }
    }
    house.with(|world| world.leave(id));
}

/// Handles one read; `false` when the connection is over.
async fn take(
    read: Option<Result<Message, Error>>,
    id: u64,
    house: &House,
    socket: &mut WebSocketStream<TcpStream>,
) -> bool {
    let code = match read {
        Some(Ok(Message::Text(text))) => match house.with(|world| world.hear(id, &text)) {
            Heard::Fine => return true,
            Heard::Fatal => CloseCode::Invalid,
        },
        Some(Ok(Message::Binary(_))) if house.has(Fault::DiesOnBinary) => CloseCode::Unsupported,
        Some(Ok(_)) => return true,
        Some(Err(Error::Capacity(_))) => CloseCode::Size,
        Some(Err(Error::Utf8(_))) => CloseCode::Invalid,
        Some(Err(Error::Protocol(_))) => CloseCode::Protocol,
        Some(Err(_)) | None => return false,
    };
    // The peer may be gone already, and then nobody misses the close frame.
    let _ = socket
        .close(Some(CloseFrame {
            code,
            reason: "".into(),
        }))
        .await;
    false
}

#[derive(PartialEq, Eq)]
enum Heard {
    Fine,
    Fatal,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    Float,
    Text,
}

struct Signal {
    name: &'static str,
    type_string: &'static str,
    kind: Kind,
    peer_writes: bool,
    value: Value,
    initial: Value,
    changed_at: Instant,
    writer: Option<u64>,
}

enum View {
    All,
    List(BTreeSet<usize>),
}

struct Client {
    wake: Arc<Notify>,
    view: View,
    /// Whether values flow. A client without a subscription waits for its moment (RV-11).
    started: bool,
    starts_at: Instant,
    importing: bool,
    control: VecDeque<String>,
    changed: BTreeSet<usize>,
    told: BTreeMap<usize, Told>,
    snapshot_at: Option<Instant>,
    returned: usize,
}

/// What a client was told of one signal.
#[derive(Default)]
struct Told {
    /// The last values, newest last.
    values: VecDeque<Value>,
    /// Whether the newest of them has come back; one delivery is returned once.
    returned: bool,
    /// When it was last told something that it did not write itself.
    news_at: Option<Instant>,
    at: Option<Instant>,
}

impl Client {
    fn sees(&self, at: usize) -> bool {
        match &self.view {
            View::All => true,
            View::List(list) => list.contains(&at),
        }
    }
}

struct World {
    fault: Option<Fault>,
    signals: Vec<Signal>,
    clients: BTreeMap<u64, Client>,
    config: Map<String, Value>,
    next_client: u64,
    catalogs: usize,
}

impl World {
    fn new(fault: Option<Fault>) -> World {
        let signal = |name, type_string: &'static str, kind, peer_writes, value: Value| Signal {
            name,
            type_string,
            kind,
            peer_writes,
            initial: value.clone(),
            value,
            changed_at: Instant::now(),
            writer: None,
        };
        World {
            fault,
            signals: vec![
                signal("RunOut", "PLCOutputBool", Kind::Bool, false, json!(true)),
                signal("SpeedOut", "PLCOutputFloat", Kind::Float, false, json!(500.5)),
                signal("CountOut", "PLCOutputInt", Kind::Int, false, json!(42)),
                signal("TextOut", "PLCOutputText", Kind::Text, false, json!("Running")),
                signal("StartIn", "PLCInputBool", Kind::Bool, true, json!(false)),
                signal("SetpointIn", "PLCInputFloat", Kind::Float, true, json!(1.5)),
                signal("ModeIn", "PLCInputInt", Kind::Int, true, json!(7)),
                signal("LabelIn", "PLCInputText", Kind::Text, true, json!("")),
                signal("NeutralInt", "Int", Kind::Int, true, json!(3)),
            ],
            clients: BTreeMap::new(),
            config: [
                ("updateCycleMs".to_owned(), json!(10)),
                ("onlyTransmitChanged".to_owned(), json!(true)),
                ("debug".to_owned(), json!(false)),
            ]
            .into_iter()
            .collect(),
            next_client: 0,
            catalogs: 0,
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn join(&mut self, wake: Arc<Notify>) -> u64 {
        self.next_client += 1;
        let client = Client {
            wake,
            view: View::All,
            started: false,
            starts_at: Instant::now() + START_AFTER,
            importing: false,
            control: VecDeque::new(),
            changed: BTreeSet::new(),
            told: BTreeMap::new(),
            snapshot_at: None,
            returned: 0,
        };
        self.clients.insert(self.next_client, client);
        if self.has(Fault::PushWithoutData) {
            self.import(self.next_client);
        }
        self.next_client
    }

    fn leave(&mut self, id: u64) {
        self.clients.remove(&id);
        for at in 0..self.signals.len() {
            if self.signals[at].writer == Some(id) {
                self.signals[at].writer = None;
                if self.has(Fault::ForgetsWhoLeft) {
                    self.signals[at].value = self.signals[at].initial.clone();
                    self.tell(at, None);
                }
            }
        }
    }

    fn tick(&mut self, id: u64) {
        if Instant::now() >= self.client(id).starts_at {
            self.begin(id);
        }
    }

    /// Starts the flow of values for a client that did not subscribe.
    fn begin(&mut self, id: u64) {
        let count = if self.has(Fault::FirstDataPartial) {
            self.signals.len() - 1
        } else {
            self.signals.len()
        };
        let client = self.client(id);
        if !client.started {
            client.started = true;
            client.changed = (0..count).collect();
        }
    }

    fn client(&mut self, id: u64) -> &mut Client {
        self.clients
            .get_mut(&id)
            .expect("a connection is a client until it leaves")
    }

    /// All that waits for a client: control messages in order, then one frame of values.
    fn take_frames(&mut self, id: u64) -> Vec<String> {
        let mut frames: Vec<String> = self.client(id).control.drain(..).collect();
        let client = self.client(id);
        if client.started && !client.changed.is_empty() {
            let changed = std::mem::take(&mut client.changed);
            frames.push(self.values_message("data", &changed, id));
        }
        frames
    }

    fn hear(&mut self, id: u64, text: &str) -> Heard {
        if self.has(Fault::NanOnTheWire) && text.contains("e400") {
            for client in self.clients.values_mut() {
                client
                    .control
                    .push_back(r#"{"type":"data","version":2,"signals":{"SetpointIn":NaN}}"#.to_owned());
                client.wake.notify_one();
            }
        }
        let message = match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(message)) => message,
            _ if self.has(Fault::ClosesOnBadJson) => return Heard::Fatal,
            _ => {
                if self.has(Fault::AnswersNull) {
                    self.client(id).control.push_back("null".to_owned());
                }
                return Heard::Fine;
            }
        };
        let other_version = message.get("version").is_some_and(|version| *version != json!(2));
        if self.has(Fault::OtherVersionRefused) && other_version {
            return Heard::Fatal;
        }
        match message.get("type").and_then(Value::as_str) {
            Some("init") => self.init(id),
            Some("import_request") => self.import(id),
            Some("subscribe") => self.subscribe(id, message.get("subscribe")),
            Some("data") => self.data(id, message.get("signals"), text),
            Some("config_get") => {
                let config = if self.has(Fault::ConfigListed) {
                    json!(["updateCycleMs"])
                } else {
                    json!(self.config)
                };
                self.answer(id, json!({"type": "config_answer", "config": config}));
            }
            Some("config_set") => self.configure(id, message.get("config")),
            _ => {}
        }
        Heard::Fine
    }

    fn answer(&mut self, id: u64, message: Value) {
        self.client(id).control.push_back(message.to_string());
    }

    fn init(&mut self, id: u64) {
        let resets = self.has(Fault::InitResetsView);
        let client = self.client(id);
        if resets && client.started {
            client.view = View::All;
        }
        if !client.importing {
            self.begin(id);
        }
    }

    fn import(&mut self, id: u64) {
        self.catalogs += 1;
        let mut order: Vec<usize> = (0..self.signals.len()).collect();
        if self.has(Fault::OrderUnstable) {
            order.rotate_left(self.catalogs % self.signals.len());
        }
        let mut signals = Map::new();
        let mut types = Map::new();
        for at in order {
            let signal = &self.signals[at];
            let type_string = if self.has(Fault::TypeStringsOwn) && at == 0 {
                "PLCOutputBit"
            } else {
                signal.type_string
            };
            if !(self.has(Fault::SignalsMissing) && at == 0) {
                signals.insert(signal.name.to_owned(), self.wire_value(at));
            }
            if !(self.has(Fault::TypesMissing) && at == 0) {
                types.insert(signal.name.to_owned(), json!(type_string));
            }
        }
        let early = self.has(Fault::DataBeforeImportAnswer);
        let everything = (0..self.signals.len()).collect();
        let early = early.then(|| self.values_message("data", &everything, id));
        let client = self.client(id);
        client.control.extend(early);
        if !client.started || client.told.is_empty() {
            // A subscribe may follow, so the full state waits (RV-11).
            client.started = false;
            client.importing = true;
            client.starts_at = Instant::now() + START_AFTER;
        }
        let answer = json!({"type": "import_answer", "version": 2, "signals": signals, "signalTypes": types});
        self.answer(id, answer);
    }

    fn subscribe(&mut self, id: u64, names: Option<&Value>) {
        let all: BTreeSet<usize> = (0..self.signals.len()).collect();
        let mut unknown = Vec::new();
        let mut list = match names {
            Some(Value::Null) if self.has(Fault::NullMeansNone) => BTreeSet::new(),
            None | Some(Value::Null) => all.clone(),
            Some(Value::Array(names)) if names.is_empty() && self.has(Fault::EmptyMeansAll) => all,
            Some(Value::Array(names)) => {
                let mut list = BTreeSet::new();
                for name in names.iter().filter_map(Value::as_str) {
                    match self.find(name) {
                        Some(at) => list.extend([at]),
                        None => unknown.push(name.to_owned()),
                    }
                }
                list
            }
            Some(_) => return,
        };
        if let (true, View::List(earlier)) = (self.has(Fault::SubscribeAdds), &self.client(id).view) {
            list.extend(earlier);
        }
        let mut snapshot = self.values_message("snapshot", &list, id);
        if self.has(Fault::UnknownNameInSnapshot) && !unknown.is_empty() {
            let mut message: Value = serde_json::from_str(&snapshot).unwrap();
            message["signals"][&unknown[0]] = Value::from(0);
            snapshot = message.to_string();
        }
        if self.has(Fault::DeltaBeforeSnapshot) && !list.is_empty() {
            let data = self.values_message("data", &list, id);
            self.client(id).control.push_back(data);
        }
        let client = self.client(id);
        client.changed.clear();
        client.snapshot_at = Some(Instant::now());
        client.control.push_back(snapshot);
        client.view = View::List(list);
        client.started = true;
    }

    fn find(&self, name: &str) -> Option<usize> {
        let ignores_case = self.has(Fault::CaseIgnored);
        self.signals
            .iter()
            .position(|signal| signal.name == name || (ignores_case && signal.name.eq_ignore_ascii_case(name)))
    }

    fn data(&mut self, id: u64, signals: Option<&Value>, text: &str) {
        if !self.client(id).importing {
            self.begin(id);
        }
        let Some(Value::Object(entries)) = signals else {
            return;
        };
        let spoilt = |value: &Value| value.is_null() || value.is_array() || value.is_object();
        if self.has(Fault::NullSpoilsMessage) && entries.values().any(spoilt) {
            return;
        }
        if self.has(Fault::UnknownNameSpoils) && entries.keys().any(|name| self.find(name).is_none()) {
            return;
        }
        for (name, value) in entries {
            let Some(at) = self.signals.iter().position(|signal| signal.name == name) else {
                continue;
            };
            let first = self
                .has(Fault::FirstDuplicateWins)
                .then(|| first_of_two(text, name))
                .flatten();
            self.write(id, at, first.as_ref().unwrap_or(value));
        }
    }

    fn write(&mut self, id: u64, at: usize, value: &Value) {
        if !self.signals[at].peer_writes {
            if self.has(Fault::OwnedPassedOn) {
                let message = json!({"type": "data", "version": 2, "signals": {self.signals[at].name: value}});
                for (_, client) in self
                    .clients
                    .iter_mut()
                    .filter(|(other, client)| **other != id && client.sees(at))
                {
                    client.control.push_back(message.to_string());
                    client.wake.notify_one();
                }
            }
            self.owe(id, at);
            return;
        }
        let kind = self.signals[at].kind;
        let Some(stored) = coerced(kind, value, self.has(Fault::IntsRounded)) else {
            return;
        };
        if self.is_echo(id, at, &stored) {
            self.owe(id, at);
            return;
        }
        if self.has(Fault::FirstWriterWins) && self.signals[at].writer.is_some_and(|writer| writer != id) {
            self.owe(id, at);
            return;
        }
        let changes = self.signals[at].value != stored;
        if *value != stored && !self.has(Fault::CoercedNotReturned) && !same_number(value, &stored) {
            self.owe(id, at);
        }
        let crossed = within(self.client(id).told.get(&at).and_then(|told| told.news_at), CROSSING);
        if crossed && !self.has(Fault::CrossingNotReturned) {
            self.owe(id, at);
        }
        if changes || self.has(Fault::UnchangedSent) {
            let signal = &mut self.signals[at];
            signal.value = stored;
            signal.changed_at = Instant::now();
            signal.writer = Some(id);
            self.tell(at, Some(id));
        }
    }

    /// RV-17: a value that comes back from a peer that returns values, after a newer one has taken its place.
    fn is_echo(&mut self, id: u64, at: usize, stored: &Value) -> bool {
        let signal = &self.signals[at];
        // Whoever took the value's place himself does not return it: he goes back to it.
        let superseded_now =
            signal.value != *stored && signal.writer != Some(id) && signal.changed_at.elapsed() < ECHO_WINDOW;
        let (never, always) = (self.has(Fault::EchoReverts), self.has(Fault::EveryReturnIsEcho));
        let client = self.client(id);
        let Some(told) = client.told.get_mut(&at) else {
            return false;
        };
        if told.values.back() == Some(stored) && !told.returned {
            told.returned = true;
            client.returned += 1;
        }
        let is_echoer = always || (client.returned >= ECHOES_MIN && !never);
        is_echoer && superseded_now && told.values.contains(stored)
    }

    /// Marks a signal as changed for everybody who sees it, but not for its writer.
    fn tell(&mut self, at: usize, writer: Option<u64>) {
        let (echoes, loses) = (self.has(Fault::EchoToWriter), self.has(Fault::FinalLost));
        let (misses, at_once) = (
            self.has(Fault::SubscribeMissesWrite),
            self.has(Fault::CrossingNotReturned),
        );
        let data = json!({"type": "data", "version": 2, "signals": {self.signals[at].name: self.wire_value(at)}});
        for (id, client) in &mut self.clients {
            if !client.sees(at) || (Some(*id) == writer && !echoes) {
                continue;
            }
            let throttled = loses && within(client.told.get(&at).and_then(|told| told.at), TICK);
            if throttled || (misses && within(client.snapshot_at, TICK)) {
                continue;
            }
            if at_once {
                client.control.push_back(data.to_string());
            } else {
                client.changed.insert(at);
            }
            client.wake.notify_one();
        }
    }

    /// Sends the stored value to a client although nothing changed.
    fn owe(&mut self, id: u64, at: usize) {
        let client = self.client(id);
        if client.sees(at) {
            client.changed.insert(at);
        }
    }

    fn configure(&mut self, id: u64, config: Option<&Value>) {
        let Some(Value::Object(config)) = config else {
            return;
        };
        let mut wanted = self.config.clone();
        let mut unknown = Vec::new();
        for (key, value) in config {
            match wanted.get_mut(key) {
                Some(setting) => *setting = value.clone(),
                None => unknown.push(key.as_str()),
            }
        }
        let success = unknown.is_empty() || self.has(Fault::UnknownKeyAccepted);
        if success || self.has(Fault::ConfigHalfApplied) {
            self.config = wanted;
        }
        let message = if success {
            "applied".to_owned()
        } else {
            format!("unknown: {}", unknown.join(", "))
        };
        self.answer(
            id,
            json!({"type": "config_result", "success": success, "message": message}),
        );
    }

    /// Builds a message of values for a client and notes what it was told.
    fn values_message(&mut self, kind: &str, list: &BTreeSet<usize>, id: u64) -> String {
        let mut signals = Map::new();
        for at in list {
            signals.insert(self.signals[*at].name.to_owned(), self.wire_value(*at));
            let value = self.signals[*at].value.clone();
            let is_news = kind == "snapshot" || self.signals[*at].writer != Some(id);
            let told = self.client(id).told.entry(*at).or_default();
            told.at = Some(Instant::now());
            if is_news {
                told.news_at = told.at;
            }
            told.returned = false;
            told.values.push_back(value);
            if told.values.len() > TOLD_MAX {
                told.values.pop_front();
            }
        }
        json!({"type": kind, "version": 2, "signals": signals}).to_string()
    }

    fn wire_value(&self, at: usize) -> Value {
        let signal = &self.signals[at];
        match signal.value.as_f64() {
            Some(number) if signal.kind == Kind::Int && self.has(Fault::IntsWithFraction) => {
                json!(number)
            }
            _ => signal.value.clone(),
        }
    }
}

fn within(when: Option<Instant>, time: Duration) -> bool {
    when.is_some_and(|when| when.elapsed() < time)
}

/// RV-43 in a few lines.
fn coerced(kind: Kind, value: &Value, rounds: bool) -> Option<Value> {
    let number = match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => serde_json::from_str::<f64>(text).ok(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    match kind {
        Kind::Bool => match value.as_str().map(str::to_ascii_lowercase).as_deref() {
            Some("true") => Some(json!(true)),
            Some("false") => Some(json!(false)),
            _ => number.map(|number| json!(number != 0.0)),
        },
        Kind::Int => number.map(|number| json!(if rounds { number.round() } else { number } as i32)),
        Kind::Float => number.map(|number| json!(number)),
        Kind::Text => Some(match value {
            Value::String(_) => value.clone(),
            Value::Number(number) => json!(number.as_f64()?.to_string()),
            other => json!(other.to_string()),
        }),
    }
}

fn same_number(left: &Value, right: &Value) -> bool {
    left.is_number() && right.is_number() && left.as_f64() == right.as_f64()
}

/// The first of two values that a message gives for one name.
fn first_of_two(text: &str, name: &str) -> Option<Value> {
    let key = format!("{}:", json!(name));
    let mut behind = text.split(&key).skip(1);
    let (first, _) = (behind.next()?, behind.next()?);
    serde_json::from_str(first.trim_end_matches(',')).ok()
}
