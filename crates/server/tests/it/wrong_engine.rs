//! A small PiPLC engine server that is right, or wrong in exactly one planted way.
//!
//! It exists to test the tests: the suite must pass it without a fault and must find every fault. It drives the ladder engine
//! behind a protocol of its own, written from the contract beside Crosstie's sessions: one lock around everything, JSON by hand.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

mod fault;
mod memory;
mod old;
mod steer;

use crosstie_ladder::address::Address;
use crosstie_ladder::controller::{Controller, ControllerSettings, ControllerState, Event, Inputs};
use crosstie_ladder::data_table::{CellValue, Place};
use crosstie_ladder::fault::Fault as ProgramFault;
pub(crate) use fault::Fault::{self, self as F};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Requests that change nothing.
const HARMLESS: &[&str] = &[
    "engine.state",
    "engine.statistics",
    "engine.info",
    "program.upload",
    "memory.subscribe",
    "memory.unsubscribe",
    "route.list",
    "context.list",
];
/// Contexts at most (PL-21).
const CONTEXTS_MAX: usize = 8;
/// How often the world looks at its clock; every second time is a scan.
const TICK: Duration = Duration::from_millis(5);
/// The pace of statistics while running (PL-8).
const STATISTICS_EVERY: Duration = Duration::from_millis(100);
/// Send buffer of a connection: small, so that a slow reader is felt soon.
const SEND_BUFFER_LEN: u32 = 16 * 1024;
/// Bytes of texts that may wait for a client before it is given up.
const WAITING_MAX: usize = 64 << 20;

/// The running server. It ends when it is dropped.
pub(crate) struct WrongEngine {
    /// Its address on loopback.
    pub(crate) url: String,
    house: Arc<House>,
    tasks: [JoinHandle<()>; 2],
}

impl WrongEngine {
    /// Starts on a free port.
    pub(crate) async fn start(fault: Option<Fault>) -> WrongEngine {
        WrongEngine::start_as(fault, false).await
    }

    /// Starts a right engine of the first generation, as the published 0.1.31 is, on a free port.
    pub(crate) async fn start_old() -> WrongEngine {
        WrongEngine::start_as(None, true).await
    }

    async fn start_as(fault: Option<Fault>, is_old: bool) -> WrongEngine {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(SEND_BUFFER_LEN).unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let listener = socket.listen(64).unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let house = Arc::new(House {
            fault,
            world: Mutex::new(World::new(fault, is_old)),
            turnstile: tokio::sync::Mutex::new(()),
        });
        let accepting = tokio::spawn({
            let house = Arc::clone(&house);
            async move {
                // Dropped with this task, the set ends its connections.
                let mut connections = JoinSet::new();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    connections.spawn(serve(stream, Arc::clone(&house)));
                    while connections.try_join_next().is_some() {}
                }
            }
        });
        let ticking = tokio::spawn({
            let house = Arc::clone(&house);
            async move {
                let mut ticks = interval(TICK);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                for number in 0_u64.. {
                    ticks.tick().await;
                    house.world.lock().unwrap().tick(number);
                }
            }
        });
        WrongEngine {
            url,
            house,
            tasks: [accepting, ticking],
        }
    }

    /// Its contexts and routes.
    pub(crate) fn told(&self) -> Value {
        let world = self.house.world.lock().unwrap();
        let rows: Vec<Value> = world.plcs.iter().map(|plc| plc.row(false)).collect();
        json!([rows, world.routes, world.routes_on])
    }

    /// Requests so far that ask for a change, whether it was made or not.
    pub(crate) fn changes(&self) -> usize {
        self.house.world.lock().unwrap().changes
    }

    /// Puts a route of somebody else into its table.
    pub(crate) fn give_a_route(&self) {
        self.house.world.lock().unwrap().routes.push(json!({
            "routeId": "theirs", "srcContext": "plc-0", "srcAddress": "B:0/0", "dstContext": "plc-0", "dstAddress": "B:0/1",
            "dataType": 0, "enabled": true, "intervalMs": 50, "description": ""
        }));
    }
}

impl Drop for WrongEngine {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

struct House {
    fault: Option<Fault>,
    world: Mutex<World>,
    /// Held while a frame is sent by a server whose slow reader stops all.
    turnstile: tokio::sync::Mutex<()>,
}

/// One connection from its upgrade to its end.
async fn serve(stream: TcpStream, house: Arc<House>) {
    stream.set_nodelay(true).unwrap();
    let Ok(socket) = accept_async(stream).await else { return };
    let (mut sink, mut source) = socket.split();
    let wake = Arc::new(Notify::new());
    let id = house.world.lock().unwrap().join(Arc::clone(&wake));
    let reading = async {
        while let Some(read) = source.next().await {
            let open = match read {
                Ok(Message::Text(text)) => house.world.lock().unwrap().hear(id, &text),
                Ok(Message::Binary(_)) => house.fault != Some(F::DiesOnBinary),
                Ok(Message::Close(_)) | Err(_) => false,
                Ok(_) => {
                    // The library queues the pong; it goes out with the next flush.
                    wake.notify_one();
                    true
                }
            };
            if !open {
                return;
            }
        }
    };
    let writing = async {
        loop {
            wake.notified().await;
            let frames = house.world.lock().unwrap().take_frames(id);
            let turn = match house.fault {
                Some(F::SlowReaderStopsAll) => Some(house.turnstile.lock().await),
                _ => None,
            };
            for frame in frames {
                if sink.send(frame).await.is_err() {
                    return;
                }
            }
            let flushed: Result<(), Error> = sink.flush().await;
            drop(turn);
            if flushed.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = reading => {}
        () = writing => {}
    }
    house.world.lock().unwrap().leave(id);
}

struct World {
    fault: Option<Fault>,
    /// It is of the first generation, whatever its clients say that they are.
    is_old: bool,
    started: Instant,
    plcs: Vec<Plc>,
    clients: BTreeMap<u64, Client>,
    routes: Vec<Value>,
    routes_on: bool,
    made: u32,
    changes: usize,
}

struct Plc {
    id: String,
    name: String,
    controller: Controller,
    document: Option<String>,
    io: Value,
    told_at: Option<Instant>,
}

struct Client {
    wake: Arc<Notify>,
    greeted: bool,
    is_old: bool,
    out: VecDeque<Message>,
    waiting: usize,
    streams: Vec<Stream>,
    last_sequence: u32,
}

struct Stream {
    plc: String,
    every: Duration,
    next: Instant,
    sequence: u32,
}

/// What a request brings about: fields of its reply or the reason of its refusal, and events.
type Done = Result<Map<String, Value>, String>;

fn fields(value: Value) -> Done {
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}

impl Plc {
    fn new(id: String, name: String, fault: Option<Fault>) -> Plc {
        let settings = ControllerSettings {
            keep_memory_on_download: fault != Some(F::DownloadClears),
            ..ControllerSettings::default()
        };
        Plc {
            id,
            name,
            controller: Controller::new(settings),
            document: None,
            io: json!({"providerType": "Virtual", "virtualInputCount": 8, "virtualOutputCount": 8}),
            told_at: None,
        }
    }

    fn row(&self, is_old: bool) -> Value {
        json!({"id": self.id, "name": self.name, "state": word(self.controller.state(), is_old), "hasProgram": self.document.is_some()})
    }

    fn statistics(&self) -> Map<String, Value> {
        let statistics = self.controller.statistics();
        let told = json!({
            "scanCount": statistics.scan_count, "lastScanTimeUs": statistics.last_us, "minScanTimeUs": statistics.min_us,
            "maxScanTimeUs": statistics.max_us, "avgScanTimeUs": statistics.average_us(),
            "overrunCount": statistics.overrun_count, "targetScanTimeUs": self.controller.settings().target_scan.us()
        });
        fields(told).unwrap()
    }
}

fn word(state: ControllerState, is_old: bool) -> String {
    match is_old {
        true => state.as_str().to_lowercase(),
        false => state.as_str().to_owned(),
    }
}

impl World {
    fn new(fault: Option<Fault>, is_old: bool) -> World {
        World {
            fault,
            is_old,
            started: Instant::now(),
            plcs: vec![Plc::new("plc-0".to_owned(), "Main".to_owned(), fault)],
            clients: BTreeMap::new(),
            routes: Vec::new(),
            routes_on: true,
            made: 0,
            changes: 0,
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn join(&mut self, wake: Arc<Notify>) -> u64 {
        let id = self.clients.keys().next_back().map_or(0, |last| last + 1);
        self.clients.insert(
            id,
            Client {
                wake,
                greeted: false,
                is_old: false,
                out: VecDeque::new(),
                waiting: 0,
                streams: Vec::new(),
                last_sequence: 0,
            },
        );
        id
    }

    fn leave(&mut self, id: u64) {
        self.clients.remove(&id);
        if self.has(F::LeaverEndsForces) {
            self.plcs.iter_mut().for_each(|plc| plc.controller.clear_forces());
        }
    }

    fn take_frames(&mut self, id: u64) -> VecDeque<Message> {
        self.clients.get_mut(&id).map_or_else(VecDeque::new, |client| {
            client.waiting = 0;
            std::mem::take(&mut client.out)
        })
    }

    fn send(&mut self, id: u64, message: Message) {
        if let Some(client) = self.clients.get_mut(&id)
            && client.waiting < WAITING_MAX
        {
            client.waiting += message.len();
            client.out.push_back(message);
            client.wake.notify_one();
        }
    }

    fn plc(&self, id: &str) -> Option<usize> {
        self.plcs.iter().position(|plc| plc.id == id)
    }

    /// One tick: scans and routes, then streams.
    fn tick(&mut self, number: u64) {
        if number.is_multiple_of(2) {
            self.scan_all();
            self.carry();
        }
        let now = Instant::now();
        let mut frames = Vec::new();
        let plcs = &self.plcs;
        let skips = self.fault == Some(F::SequenceSkips);
        for (&id, client) in &mut self.clients {
            for stream in client.streams.iter_mut().filter(|stream| stream.next <= now) {
                let Some(at) = plcs.iter().position(|plc| plc.id == stream.plc) else {
                    continue;
                };
                frames.push((id, at, stream.sequence));
                stream.sequence += 1 + u32::from(skips && stream.sequence == 1);
                client.last_sequence = stream.sequence;
                stream.next = now + stream.every;
            }
        }
        for (id, at, sequence) in frames {
            let bytes = self.frame(at, sequence, self.clients[&id].is_old);
            self.send(id, Message::binary(bytes));
        }
    }

    fn scan_all(&mut self) {
        for at in 0..self.plcs.len() {
            let plc = &mut self.plcs[at];
            if plc.controller.state() != ControllerState::Running {
                continue;
            }
            let mut events: Vec<Event> = plc.controller.scan(&Inputs::default(), 10_000).iter().collect();
            events.extend(plc.controller.scan_took(40).iter());
            if self.fault == Some(F::InputsForgotten) {
                memory::forget_inputs(plc);
            }
            let is_due = plc.told_at.is_none_or(|told| told.elapsed() >= STATISTICS_EVERY);
            self.tell_events(at, &events, None);
            if self.has(F::StatisticsEveryScan) {
                (0..4).for_each(|_| self.tell_statistics(at, None));
            } else if is_due {
                self.tell_statistics(at, None);
            }
        }
    }

    fn carry(&mut self) {
        if !self.routes_on || self.has(F::RoutesDoNotCarry) {
            return;
        }
        let text = |route: &Value, name: &str| route[name].as_str().unwrap_or_default().to_owned();
        let end = |route: &Value, side: &str| {
            let at = self.plc(&text(route, &format!("{side}Context")))?;
            let address = Address::parse(&text(route, &format!("{side}Address"))).ok()?;
            Some((at, address))
        };
        let on = self.routes.iter().filter(|route| route["enabled"] == json!(true));
        let ends: Vec<_> = on
            .filter_map(|route| Some((end(route, "src")?, end(route, "dst")?)))
            .collect();
        for ((from, source), (to, target)) in ends {
            let number = match self.plcs[from].controller.table().read(source).unwrap() {
                CellValue::Bit(on) => i32::from(on),
                CellValue::Word(number) => number,
            };
            let value = match Place::of(target) {
                Some(Place::Bit(..)) => CellValue::Bit(number != 0),
                _ => CellValue::Word(number),
            };
            self.plcs[to].controller.write(target, value).unwrap();
        }
    }

    fn tell_events(&mut self, at: usize, events: &[Event], sender: Option<u64>) {
        for event in events {
            let (kind, mut told) = match *event {
                Event::StateChanged(state) => ("event.stateChanged", json!({"state": state.as_str()})),
                Event::BreakpointHit { rung } => {
                    let rung = rung - usize::from(self.has(F::BreakpointAfterRung));
                    ("event.breakpointHit", json!({"rungIndex": rung}))
                }
                Event::Fault(fault) => ("event.fault", self.fault_told(fault)),
            };
            told["contextId"] = json!(self.plcs[at].id);
            self.tell(kind, &told, sender);
        }
    }

    fn fault_told(&self, fault: ProgramFault) -> Value {
        let message = match self.has(F::OtherText) {
            true => "Division by zero in DIV instruction at column 0".to_owned(),
            false => fault.to_string(),
        };
        match fault {
            ProgramFault::Instruction { rung, column, .. } => {
                json!({"message": message, "rungIndex": rung, "column": column})
            }
            _ => json!({"message": message}),
        }
    }

    fn tell_statistics(&mut self, at: usize, sender: Option<u64>) {
        let mut told = self.plcs[at].statistics();
        self.plcs[at].told_at = Some(Instant::now());
        told.insert("contextId".to_owned(), json!(self.plcs[at].id));
        if self.has(F::StatisticsFieldMissing) {
            told.remove("overrunCount");
        }
        if self.has(F::TargetWrong) {
            told.insert("targetScanTimeUs".to_owned(), json!(1));
        }
        self.tell("event.scanStats", &Value::Object(told), sender);
    }

    /// An event for all that have said hello, or for all but its sender.
    fn tell(&mut self, kind: &str, told: &Value, sender: Option<u64>) {
        let early = self.has(F::EventsBeforeHello);
        let sender_only = sender.filter(|_| self.has(F::EventsToSenderOnly));
        let hears =
            |(id, client): &(&u64, &Client)| (client.greeted || early) && sender_only.is_none_or(|only| only == **id);
        let ids: Vec<u64> = self.clients.iter().filter(hears).map(|(id, _)| *id).collect();
        for id in ids {
            let mut told = told.clone();
            told["type"] = json!(kind);
            if self.clients[&id].is_old {
                told["seq"] = json!(0);
                if let Some(state) = told["state"].as_str() {
                    told["state"] = json!(state.to_lowercase());
                }
            }
            self.send(id, Message::text(told.to_string()));
        }
    }

    /// One text of a client; `false` closes the connection.
    fn hear(&mut self, id: u64, text: &str) -> bool {
        let Ok(Value::Object(request)) = serde_json::from_str::<Value>(text) else {
            return !self.has(F::ClosesOnBadJson);
        };
        let Some(kind) = request.get("type").and_then(Value::as_str) else {
            return true;
        };
        let said = request
            .get("seq")
            .and_then(Value::as_i64)
            .filter(|seq| i32::try_from(*seq).is_ok());
        let missing = if self.has(F::SeqZeroWhenMissing) { 0 } else { -1 };
        let seq = said.unwrap_or(missing);
        let greeted = self.clients[&id].greeted || self.has(F::HandshakeNotNeeded);
        if kind == "hello" {
            self.hello(id, seq, &request);
        } else if !greeted {
            self.answer(
                id,
                kind,
                seq,
                None,
                Err("handshake required: send 'hello' first".to_owned()),
            );
        } else if kind == "pong" {
            if self.has(F::PongAnswered) {
                self.answer(id, kind, seq, None, Ok(Map::new()));
            }
        } else if !is_known(kind) {
            if !self.clients[&id].is_old && said.is_some() && !self.has(F::SilentOnUnknownType) {
                self.answer(id, kind, seq, None, Err(format!("unknown type '{kind}'")));
            }
        } else {
            self.request(id, kind, seq, &request);
        }
        true
    }

    fn hello(&mut self, id: u64, seq: i64, request: &Map<String, Value>) {
        let version = request.get("clientVersion").and_then(Value::as_str).unwrap_or_default();
        let is_old = self.is_old || version.starts_with("0.1") && !self.has(F::OldClientUnknown);
        let was_greeted = self.clients[&id].greeted;
        let spoken = match self.has(F::VersionEchoed) {
            true => request.get("protocolVersion").cloned().unwrap_or(json!(1)),
            false => json!(1),
        };
        let input_words = if self.has(F::LayoutWrong) { 16 } else { 8 };
        let mut rows: Vec<Value> = self.plcs.iter().map(|plc| plc.row(is_old)).collect();
        if self.has(F::ContextRowsBare) {
            rows = self.plcs.iter().map(|plc| json!({"id": plc.id})).collect();
        }
        let first = &self.plcs[0];
        let mut told = json!({
            "protocolVersion": spoken, "serverName": "Wrong Engine", "serverVersion": "0.2.0", "engineId": "wrong-1",
            "capabilities": [],
            "memoryLayout": {
                "inputWords": input_words, "outputWords": 8, "bitWords": 64, "integerWords": 256, "timerCount": 64,
                "counterCount": 64, "timers": 64, "counters": 64, "snapshotSize": 2704
            },
            "engineName": first.name, "engineState": word(first.controller.state(), is_old), "contexts": rows,
            "ioConfig": first.io, "ioProviderName": "Virtual I/O"
        });
        if self.has(F::HelloFieldMissing) {
            told.as_object_mut().unwrap().remove("engineId");
        }
        if self.has(F::SecondHelloOther) && was_greeted {
            told["engineId"] = json!("wrong-2");
        }
        if self.is_old {
            old::shorten_hello(&mut told);
        }
        let client = self.clients.get_mut(&id).unwrap();
        (client.greeted, client.is_old) = (true, is_old);
        self.answer(id, "hello", seq, None, fields(told));
    }

    /// A request about a context, or about all of them.
    fn request(&mut self, id: u64, kind: &str, seq: i64, request: &Map<String, Value>) {
        self.changes += usize::from(!HARMLESS.contains(&kind));
        let read_by_old = self.is_old.then(|| old::as_read(kind, request));
        let request = read_by_old.as_ref().unwrap_or(request);
        let about_all = ["route.sync", "route.list", "context.list", "context.create"].contains(&kind);
        let at = match self.addressed(kind, request.get("contextId")) {
            Ok(at) => at,
            Err(_) if about_all => 0,
            Err(error) => return self.answer(id, kind, seq, None, Err(error)),
        };
        let plc_id = self.plcs[at].id.clone();
        let mut events = Vec::new();
        let done = match kind {
            "route.sync" => self.sync_routes(request),
            "route.list" => self.list_routes(),
            "context.list" => self.list_contexts(self.clients[&id].is_old),
            "context.create" => self.create(request),
            "context.remove" => self.remove(at),
            "memory.subscribe" => self.subscribe(id, &plc_id, request),
            "memory.unsubscribe" => self.unsubscribe(id, &plc_id),
            "engine.state" | "engine.statistics" | "engine.info" => self.query(kind, at, self.clients[&id].is_old),
            _ => self.steer(kind, at, request, &mut events),
        };
        let done = if self.is_old { old::answered(kind, done) } else { done };
        if done.is_err()
            && self.has(F::SilentOnMissingField)
            && kind == "breakpoint.set"
            && !request.contains_key("rungIndex")
        {
            return;
        }
        let is_done = done.is_ok();
        let early = self.has(F::EventBeforeReply) && kind.starts_with("engine.");
        let early = early || self.has(F::DownloadEventFirst) && kind == "program.download";
        if early {
            self.tell_events(at, &events, Some(id));
        }
        let named = (!about_all).then_some(plc_id.as_str());
        self.answer(id, kind, seq, named, done);
        if !early {
            self.tell_events(at, &events, Some(id));
        }
        if is_done {
            self.follow_up(id, kind, at, &plc_id);
        }
    }

    /// The context that a request is for.
    fn addressed(&self, kind: &str, context: Option<&Value>) -> Result<usize, String> {
        match context.and_then(Value::as_str) {
            None if context.is_some_and(|context| !context.is_null()) => Err("expected a text as contextId".to_owned()),
            None if kind == "context.remove" => Err("expected a contextId".to_owned()),
            Some("") if self.has(F::EmptyContextUnknown) => Err("unknown context ''".to_owned()),
            None | Some("") => Ok(0),
            Some(name) => match self.plc(name) {
                Some(at) => Ok(at),
                None if self.has(F::UnknownContextIsFirst) => Ok(0),
                None => Err(format!("unknown context '{name}'")),
            },
        }
    }

    /// What comes behind a reply.
    fn follow_up(&mut self, id: u64, kind: &str, at: usize, plc: &str) {
        match kind {
            "engine.stepScan" | "engine.stepRung" => self.tell_statistics(at, Some(id)),
            "memory.subscribe" => self.first_frame(id, plc),
            "route.sync" if !self.has(F::RoutesNotTold) => {
                let told = json!({"type": "event.routesChanged", "enabled": self.routes_on, "routes": self.routes});
                let all = self.has(F::RoutesTellSender);
                let hears = |(other, client): &(&u64, &Client)| client.greeted && (all || **other != id);
                let others: Vec<u64> = self.clients.iter().filter(hears).map(|(other, _)| *other).collect();
                for other in others {
                    self.send(other, Message::text(told.to_string()));
                }
            }
            _ => {}
        }
    }

    fn answer(&mut self, id: u64, kind: &str, seq: i64, context: Option<&str>, done: Done) {
        let is_old = self.clients[&id].is_old;
        let is_query = ["engine.state", "engine.statistics", "engine.info", "hello"].contains(&kind);
        if is_old && kind.starts_with("memory.write") && !self.has(F::OldWritesAnswered)
            || self.has(F::ReplyMissing) && kind == "breakpoint.clearAll"
        {
            return;
        }
        let mut reply = Map::new();
        let family = is_old.then(|| family(kind, done.is_err())).flatten();
        let is_strange = self.has(F::FamilyReply) && kind == "engine.pause";
        let own = if is_strange {
            "engine.reply".to_owned()
        } else {
            format!("{kind}.reply")
        };
        reply.insert("type".to_owned(), json!(family.map_or(own, str::to_owned)));
        reply.insert("seq".to_owned(), json!(seq));
        if !is_old || !is_query || done.is_err() {
            reply.insert("success".to_owned(), json!(done.is_ok()));
        }
        let lost = self.has(F::QueryContextMissing) && kind == "engine.info";
        if let Some(context) = context.filter(|_| !lost) {
            reply.insert("contextId".to_owned(), json!(context));
        }
        match done {
            Ok(told) => reply.extend(told),
            Err(error) => drop(reply.insert("error".to_owned(), json!(error))),
        }
        let is_command = kind.starts_with("engine.") && !is_query;
        if is_command && !is_old && !self.has(F::StateMissing) {
            let state = context
                .and_then(|context| self.plc(context))
                .map(|at| self.plcs[at].controller.state());
            reply.insert("state".to_owned(), json!(state.map(ControllerState::as_str)));
        }
        let text = Value::Object(reply).to_string();
        if self.has(F::ReplyTwice) && kind == "memory.unforceBit" {
            self.send(id, Message::text(text.clone()));
        }
        self.send(id, Message::text(text));
    }

    fn query(&mut self, kind: &str, at: usize, is_old: bool) -> Done {
        let plc = &self.plcs[at];
        match kind {
            "engine.state" => {
                let is_low = is_old || self.has(F::StateLowerCase);
                fields(json!({"state": word(plc.controller.state(), is_low)}))
            }
            "engine.statistics" => {
                let mut told = plc.statistics();
                if self.has(F::StatisticsReplyBare) {
                    told.remove("avgScanTimeUs");
                }
                Ok(told)
            }
            _ => {
                let provider = plc.io["providerType"].as_str().unwrap_or_default();
                let mut told = json!({
                    "name": plc.name, "state": word(plc.controller.state(), is_old), "hasProgram": plc.document.is_some(),
                    "ioProvider": format!("{provider} I/O"), "ioProviderName": format!("{provider} I/O"), "scanTimeMs": 10,
                    "ioConfig": plc.io
                });
                if self.has(F::InfoFieldMissing) {
                    told.as_object_mut().unwrap().remove("hasProgram");
                }
                fields(told)
            }
        }
    }

    fn list_contexts(&self, is_old: bool) -> Done {
        let row = |plc: &Plc| {
            let mut row = plc.row(is_old);
            if !self.has(F::ListIdMissing) {
                row["contextId"] = row["id"].clone();
            }
            row
        };
        fields(json!({"contexts": self.plcs.iter().map(row).collect::<Vec<_>>()}))
    }

    fn create(&mut self, request: &Map<String, Value>) -> Done {
        if self.plcs.len() >= CONTEXTS_MAX && !self.has(F::NoContextLimit) {
            return Err(format!("the limit of {CONTEXTS_MAX} contexts is reached"));
        }
        self.made += 1;
        let asked = request
            .get("name")
            .and_then(Value::as_str)
            .filter(|_| !self.has(F::NameForgotten));
        let name = asked.map_or_else(|| format!("PLC {}", self.made + 1), str::to_owned);
        let id = format!("plc-{}", self.made);
        self.plcs.push(Plc::new(id.clone(), name.clone(), self.fault));
        fields(json!({"contextId": id, "name": name}))
    }

    fn remove(&mut self, at: usize) -> Done {
        let is_running = self.plcs[at].controller.state() == ControllerState::Running;
        if self.plcs.len() == 1 || is_running && !self.has(F::RunningRemoved) {
            return Err("the last context and a running one are not removed".to_owned());
        }
        let id = json!(self.plcs.remove(at).id);
        let forgets = self.has(F::RouteForgotten);
        self.routes
            .retain(|route| !forgets || route["srcContext"] != id && route["dstContext"] != id);
        for route in &mut self.routes {
            if route["srcContext"] == id || route["dstContext"] == id {
                route["enabled"] = json!(false);
            }
        }
        Ok(Map::new())
    }

    fn list_routes(&self) -> Done {
        match self.has(F::RoutesUnreadable) {
            true => fields(json!({"routes": {}})),
            false => fields(json!({"enabled": self.routes_on, "routes": self.routes})),
        }
    }

    fn sync_routes(&mut self, request: &Map<String, Value>) -> Done {
        let asked = request
            .get("routes")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        self.routes_on = request.get("enabled") != Some(&json!(false));
        let (mut taken, mut refused) = (Vec::new(), Vec::new());
        for (number, route) in asked.into_iter().enumerate() {
            let defaults = json!({
                "routeId": format!("given-{number}"), "dataType": 0, "enabled": true, "intervalMs": 50, "description": ""
            });
            let mut filled = if self.has(F::RouteDefaultsMissing) {
                Map::new()
            } else {
                fields(defaults).unwrap()
            };
            filled.extend(fields(route).unwrap());
            let text = |name: &str| filled.get(name).and_then(Value::as_str).unwrap_or_default();
            let is_end = |side: &str| {
                let address = Address::parse(text(&format!("{side}Address")));
                self.plc(text(&format!("{side}Context"))).is_some() && address.is_ok()
            };
            if is_end("src") && is_end("dst") || self.has(F::BadRoutesTaken) {
                taken.push(Value::Object(filled));
            } else {
                refused.push(json!({"routeId": text("routeId"), "error": "it leads nowhere"}));
            }
        }
        self.routes = taken;
        fields(json!({"routeCount": self.routes.len(), "refused": refused}))
    }

    fn subscribe(&mut self, id: u64, plc: &str, request: &Map<String, Value>) -> Done {
        let asked = request.get("intervalMs").and_then(Value::as_i64).unwrap_or(50);
        let held = asked.clamp(10, 5000);
        let told = if self.has(F::IntervalNotHeld) { asked } else { held };
        let (one_only, goes_on) = (self.has(F::OneStreamOnly), self.has(F::SequenceNotReset));
        let client = self.clients.get_mut(&id).unwrap();
        client.streams.retain(|stream| !one_only && stream.plc != plc);
        let every = Duration::from_millis(held.unsigned_abs());
        client.streams.push(Stream {
            plc: plc.to_owned(),
            every,
            next: Instant::now() + every,
            sequence: if goes_on { client.last_sequence } else { 0 },
        });
        fields(json!({"intervalMs": told}))
    }

    fn unsubscribe(&mut self, id: u64, plc: &str) -> Done {
        let goes_on = self.has(F::StreamGoesOn);
        let client = self.clients.get_mut(&id).unwrap();
        client.streams.retain(|stream| goes_on || stream.plc != plc);
        Ok(Map::new())
    }

    fn first_frame(&mut self, id: u64, plc: &str) {
        if self.has(F::FirstFrameLate) {
            return;
        }
        let at = self.plc(plc).unwrap();
        let client = self.clients.get_mut(&id).unwrap();
        let is_old = client.is_old;
        let stream = client.streams.iter_mut().find(|stream| stream.plc == plc).unwrap();
        let sequence = stream.sequence;
        stream.sequence += 1;
        client.last_sequence = stream.sequence;
        let bytes = self.frame(at, sequence, is_old);
        self.send(id, Message::binary(bytes));
    }
}

fn is_known(kind: &str) -> bool {
    let (family, rest) = kind.split_once('.').unwrap_or_default();
    let known: &[&str] = match family {
        "engine" => &[
            "start",
            "stop",
            "pause",
            "resume",
            "stepScan",
            "stepRung",
            "reset",
            "state",
            "statistics",
            "info",
        ],
        "program" => &["download", "upload", "clear"],
        "memory" => &[
            "forceBit",
            "unforceBit",
            "clearAllForces",
            "subscribe",
            "unsubscribe",
            "writeBit",
            "writeInteger",
            "writeTimer",
            "writeCounter",
        ],
        "breakpoint" => &["set", "remove", "clearAll"],
        "ioconfig" => &["load"],
        "route" => &["sync", "list"],
        "context" => &["create", "remove", "list"],
        _ => &[],
    };
    known.contains(&rest)
}

/// The reply type of dialect 0.1; `None` for those of their own.
fn family(kind: &str, is_refused: bool) -> Option<&'static str> {
    Some(match kind {
        "engine.state" | "engine.statistics" | "engine.info" | "hello" if !is_refused => return None,
        "context.list" | "route.list" | "route.sync" => return None,
        "context.create" | "context.remove" => "context.reply",
        "memory.subscribe" | "memory.unsubscribe" => "memory.stream.reply",
        "ioconfig.load" => "ioconfig.reply",
        _ if kind.starts_with("program.") => "program.reply",
        _ if kind.starts_with("memory.") => "memory.reply",
        _ if kind.starts_with("breakpoint.") => "breakpoint.reply",
        _ => "engine.reply",
    })
}
