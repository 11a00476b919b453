//! A hub and its clients without sockets: every wire has a latency, every socket can be full, time moves by hand.

use crosstie_hub::access::{Access, Actor};
use crosstie_hub::api::{Reply, Request, SignalRow};
use crosstie_hub::input::{ClockMinute, Uploaded};
use crosstie_hub::input_log::encode;
use crosstie_hub::output::{AuditEntry, Callee};
use crosstie_hub::plc::{
    DeviceInputs, Engine, Entry, EntrySink, IoSetup, IoTold, Numbered, Order, PlcId, Program, ScanTiming,
};
use crosstie_hub::settings::{EndpointId, EndpointSettings, Owner, Settings, SignalSetting};
use crosstie_hub::signal::{Kind, Quality, Value};
use crosstie_hub::{ConnId, Face, Frame, Hub, Input, Output, Ticket, Time, Unreadable};
use crosstie_ladder::controller::ControllerState;
use crosstie_ladder::retain::RetainImage;
use crosstie_wire::{gama, headset, live, monitor, piplc, realvirtual};
use serde_json::{Value as Json, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// What a test may set of a peer's wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire {
    /// From the hub's socket to the peer, and back.
    pub(crate) latency: Duration,
    /// Answers pings, as every WebSocket library does while somebody reads.
    pub(crate) answers_pings: bool,
}

impl Default for Wire {
    fn default() -> Wire {
        Wire {
            latency: Duration::from_micros(200),
            answers_pings: true,
        }
    }
}

/// A client as the test sees it: what it was sent and what it believes.
pub(crate) struct Peer {
    pub(crate) wire: Wire,
    /// Its socket takes bytes.
    pub(crate) reads: bool,
    /// Bytes of a frame that was begun when the socket filled up.
    begun: Option<Frame>,
    is_stuck: bool,
    pub(crate) inbox: Vec<Json>,
    /// The texts of the inbox as they came, of monitors and headsets.
    pub(crate) texts: Vec<String>,
    /// When the messages of the inbox have arrived.
    pub(crate) arrivals: Vec<Time>,
    /// Binary frames, and when they have arrived.
    pub(crate) binary: Vec<(Time, Vec<u8>)>,
    face: Face,
    /// Wire name to value, from snapshots and data, and from its own writes.
    pub(crate) believes: BTreeMap<String, Json>,
    /// It returns every value that it gets, after this.
    pub(crate) echoes_after: Option<Duration>,
    pub(crate) closed: Option<u16>,
    /// No frame of either direction overtakes another.
    last_arrival: [Time; 2],
    pub(crate) bytes: u64,
}

#[derive(Debug)]
enum Event {
    /// A frame has reached a peer.
    AtPeer(ConnId, Frame),
    /// A text has reached the hub.
    AtHub(ConnId, String),
    /// A pong has reached the hub.
    Pong(ConnId, u64),
    /// A peer returns what it got.
    Echo(ConnId, String),
    /// The next scan of an engine is due.
    Scan(PlcId),
}

/// An engine that is driven by the clock of the house.
pub(crate) struct Driven {
    pub(crate) engine: Engine,
    /// Orders that wait for the border.
    orders: VecDeque<Numbered>,
    /// What its devices say.
    pub(crate) inputs: DeviceInputs,
    is_scheduled: bool,
    /// What it tells is kept back: the hub is slow, or the test looks first.
    pub(crate) holds: bool,
    /// There is no room for what it tells: it takes no orders, scans on and merges what changes.
    pub(crate) is_full: bool,
    told: Vec<Entry>,
    /// How far its clock moves on with each look at it in a scan, in nanoseconds: the first, the second and so on; then not at all.
    pub(crate) looks_ns: Vec<u64>,
    clock_ns: u64,
}

/// Where an engine of the house puts what it tells.
struct Told<'a> {
    list: &'a mut Vec<Entry>,
    is_full: bool,
}

impl EntrySink for Told<'_> {
    fn room(&self) -> usize {
        if self.is_full { 0 } else { usize::MAX }
    }

    fn push(&mut self, entry: Entry) {
        self.list.push(entry);
    }
}

/// The hub, the peers, the engines and what is on its way.
pub(crate) struct House {
    pub(crate) hub: Hub,
    pub(crate) now: Time,
    pub(crate) peers: BTreeMap<ConnId, Peer>,
    pub(crate) engines: BTreeMap<PlcId, Driven>,
    queue: BinaryHeap<Reverse<(Time, u64)>>,
    events: HashMap<u64, Event>,
    last_event: u64,
    last_conn: u32,
    replies: HashMap<u64, Reply>,
    pub(crate) saved: Vec<(&'static str, Json)>,
    pub(crate) save_result: Result<(), String>,
    /// The disk is slow: saves wait here until the test answers them.
    pub(crate) slow_saves: Option<Vec<Ticket>>,
    pub(crate) imported: Vec<SignalSetting>,
    /// What the hub wanted to be connected to, and the number of each dial.
    pub(crate) dials: Vec<(EndpointId, u64)>,
    /// The same for remote engines.
    pub(crate) engine_dials: Vec<(PlcId, u64)>,
    /// The same for GAMA.
    pub(crate) gama_dials: Vec<u64>,
    pub(crate) hung_up: Vec<Callee>,
    /// Images of retentive memory, and what becomes of them: each is answered with this result.
    pub(crate) kept: Vec<(Time, Arc<RetainImage>)>,
    pub(crate) keep_result: Result<(), String>,
    /// The devices that contexts were to have, and whether they can be opened.
    pub(crate) setups: Vec<IoSetup>,
    pub(crate) io_result: Result<(), String>,
    pub(crate) audited: Vec<AuditEntry>,
    pub(crate) log: Vec<String>,
    /// Every input with its time, for the replay.
    pub(crate) inputs: Vec<(Time, Input)>,
    /// The same as a recording keeps them.
    pub(crate) log_kept: Vec<(Time, Json)>,
    /// The text of the message that is handed in next.
    text: Option<String>,
    /// Every output in words.
    pub(crate) outputs: Vec<String>,
    pub(crate) keeps_log: bool,
}

/// A signal of the endpoint `line`.
pub(crate) fn signal(name: &str, kind: Kind, owner: Owner) -> SignalSetting {
    SignalSetting {
        wire_name: name.into(),
        signal: format!("twin/line/{name}"),
        kind,
        owner,
        value: None,
        convention: None,
        neutral: false,
    }
}

/// One endpoint `line`: `Run` Bool, `Speed` Float, `Count` Int, `Label` Text written by peers; `Lamp` Bool, `Setpoint` Float
/// written by the hub.
pub(crate) fn line() -> EndpointSettings {
    let mut endpoint = EndpointSettings::named("line");
    endpoint.signals = vec![
        signal("Run", Kind::Bool, Owner::Peer),
        signal("Speed", Kind::Float, Owner::Peer),
        signal("Count", Kind::Int, Owner::Peer),
        signal("Label", Kind::Text, Owner::Peer),
        signal("Lamp", Kind::Bool, Owner::Hub),
        signal("Setpoint", Kind::Float, Owner::Hub),
    ];
    endpoint
}

impl House {
    pub(crate) fn new(endpoint: EndpointSettings) -> House {
        House::with(Settings {
            endpoints: vec![endpoint],
            ..Settings::default()
        })
    }

    pub(crate) fn with(settings: Settings) -> House {
        House::begun(settings, false)
    }

    /// The same with a log of all inputs from the first turn on.
    pub(crate) fn logged(settings: Settings) -> House {
        House::begun(settings, true)
    }

    fn begun(settings: Settings, keeps_log: bool) -> House {
        let mut house = House {
            hub: Hub::new(settings),
            now: Time::from_millis(1_000),
            peers: BTreeMap::new(),
            engines: BTreeMap::new(),
            queue: BinaryHeap::new(),
            events: HashMap::new(),
            last_event: 0,
            last_conn: 0,
            replies: HashMap::new(),
            saved: Vec::new(),
            save_result: Ok(()),
            slow_saves: None,
            imported: Vec::new(),
            dials: Vec::new(),
            engine_dials: Vec::new(),
            gama_dials: Vec::new(),
            hung_up: Vec::new(),
            kept: Vec::new(),
            keep_result: Ok(()),
            setups: Vec::new(),
            io_result: Ok(()),
            audited: Vec::new(),
            log: Vec::new(),
            inputs: Vec::new(),
            log_kept: Vec::new(),
            text: None,
            outputs: Vec::new(),
            keeps_log,
        };
        // What a hub wants at its start is carried out with its first turn, as by the driver.
        house.give(Input::Tick);
        house
    }

    // Peers.

    pub(crate) fn connect(&mut self, wire: Wire) -> ConnId {
        self.connect_as(Face::Realvirtual(EndpointId(0)), wire)
    }

    pub(crate) fn connect_as(&mut self, face: Face, wire: Wire) -> ConnId {
        self.connect_with(face, wire, Access::full("this machine"))
    }

    /// Connects with these rights.
    pub(crate) fn connect_with(&mut self, face: Face, wire: Wire, access: Arc<Access>) -> ConnId {
        let address = format!("10.0.0.{}:1", self.last_conn + 1);
        self.connect_from(face, wire, access, address)
    }

    /// Connects with these rights, from this address.
    pub(crate) fn connect_from(&mut self, face: Face, wire: Wire, access: Arc<Access>, address: String) -> ConnId {
        self.last_conn += 1;
        let conn = ConnId(self.last_conn);
        let peer = Peer {
            wire,
            reads: true,
            begun: None,
            is_stuck: false,
            inbox: Vec::new(),
            texts: Vec::new(),
            arrivals: Vec::new(),
            binary: Vec::new(),
            face,
            believes: BTreeMap::new(),
            echoes_after: None,
            closed: None,
            last_arrival: [self.now; 2],
            bytes: 0,
        };
        self.peers.insert(conn, peer);
        self.give(Input::Connected {
            conn,
            face,
            address,
            path: "/".into(),
            access,
        });
        conn
    }

    /// Connects, says its name, imports, subscribes to everything and waits for the snapshot.
    pub(crate) fn join(&mut self, name: &str) -> ConnId {
        let conn = self.connect(Wire::default());
        self.say(conn, json!({"type": "init", "version": 2, "name": name}));
        self.say(conn, json!({"type": "subscribe", "version": 2}));
        self.run_for(Duration::from_millis(20));
        assert_eq!(self.types(conn), ["snapshot"], "{name}");
        self.peer(conn).inbox.clear();
        conn
    }

    pub(crate) fn peer(&mut self, conn: ConnId) -> &mut Peer {
        self.peers.get_mut(&conn).expect("the test named a peer")
    }

    /// A peer sends a message; its own data it believes at once.
    pub(crate) fn say(&mut self, conn: ConnId, message: Json) {
        if message["type"] == "data"
            && let Some(signals) = message["signals"].as_object()
        {
            let own = signals.iter().map(|(name, value)| (name.clone(), value.clone()));
            self.peer(conn).believes.extend(own);
        }
        self.say_text(conn, message.to_string());
    }

    pub(crate) fn say_text(&mut self, conn: ConnId, text: String) {
        let (now, peer) = (self.now, self.peer(conn));
        let at = (now + peer.wire.latency).max(peer.last_arrival[1]);
        peer.last_arrival[1] = at;
        self.schedule(at, Event::AtHub(conn, text));
    }

    /// A peer writes signals.
    pub(crate) fn write(&mut self, conn: ConnId, signals: Json) {
        self.say(conn, json!({"type": "data", "version": 2, "signals": signals}));
    }

    pub(crate) fn disconnect(&mut self, conn: ConnId) {
        self.peers.remove(&conn);
        self.give(Input::Closed {
            conn,
            reason: "test".into(),
        });
    }

    /// The socket of a peer takes bytes again.
    pub(crate) fn read_again(&mut self, conn: ConnId) {
        let peer = self.peer(conn);
        peer.reads = true;
        if let Some(frame) = peer.begun.take() {
            self.carry(conn, frame);
        }
        if std::mem::take(&mut self.peer(conn).is_stuck) {
            self.give(Input::Writable { conn });
        }
    }

    /// Types of the messages that a peer has got.
    pub(crate) fn types(&mut self, conn: ConnId) -> Vec<String> {
        self.peer(conn)
            .inbox
            .iter()
            .map(|message| message["type"].as_str().unwrap_or("?").to_owned())
            .collect()
    }

    /// The `signals` of the messages of this type that a peer has got, oldest first; forgets all messages.
    pub(crate) fn take(&mut self, conn: ConnId, kind: &str) -> Vec<Json> {
        let inbox = std::mem::take(&mut self.peer(conn).inbox);
        inbox
            .into_iter()
            .filter(|message| message["type"] == kind)
            .map(|mut message| message["signals"].take())
            .collect()
    }

    // The hub's own door.

    pub(crate) fn ask(&mut self, request: Request) -> Reply {
        self.ask_as(Access::full("this machine"), request)
    }

    /// Asks with these rights.
    pub(crate) fn ask_as(&mut self, access: Arc<Access>, request: Request) -> Reply {
        let ticket = self.put(access, request);
        self.reply(ticket).expect("this request is answered at once")
    }

    /// Asks what is answered only later.
    pub(crate) fn ask_later(&mut self, request: Request) -> Ticket {
        self.put(Access::full("this machine"), request)
    }

    fn put(&mut self, access: Arc<Access>, request: Request) -> Ticket {
        self.last_event += 1;
        let ticket = Ticket(self.last_event);
        self.give(Input::Request {
            ticket,
            by: Box::new(Actor {
                access,
                from: "10.0.0.9:9".into(),
            }),
            request,
        });
        ticket
    }

    /// The answer to a request, once it is there.
    pub(crate) fn reply(&mut self, ticket: Ticket) -> Option<Reply> {
        self.replies.remove(&ticket.0)
    }

    pub(crate) fn row(&mut self, name: &str) -> SignalRow {
        match self.ask(Request::Signal { name: name.into() }) {
            Reply::Signal(row, _) => row,
            other => panic!("{name}: {other:?}"),
        }
    }

    pub(crate) fn value(&mut self, wire_name: &str) -> Value {
        self.row(&format!("twin/line/{wire_name}")).value
    }

    pub(crate) fn quality(&mut self, wire_name: &str) -> Quality {
        self.row(&format!("twin/line/{wire_name}")).quality
    }

    /// An operator writes.
    pub(crate) fn operate(&mut self, wire_name: &str, value: Value) {
        let reply = self.ask(Request::Write {
            name: format!("twin/line/{wire_name}"),
            value,
        });
        assert!(matches!(reply, Reply::Written { .. }), "{reply:?}");
    }

    // Time.

    /// When something happens here next, if nothing comes from outside.
    pub(crate) fn next_at(&self) -> Option<Time> {
        let event_at = self.queue.peek().map(|Reverse((at, _))| *at);
        [event_at, self.hub.next_deadline()].into_iter().flatten().min()
    }

    /// Moves the clock on, delivering everything and ticking the hub on the way.
    pub(crate) fn run_for(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let event_at = self.queue.peek().map(|Reverse((at, _))| *at);
            let Some(at) = self.next_at().filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(at);
            if event_at.is_some_and(|event_at| event_at <= self.now) {
                let Reverse((_, id)) = self.queue.pop().expect("it was peeked");
                let event = self.events.remove(&id).expect("every entry has its event");
                self.deliver(event);
            } else {
                self.give(Input::Tick);
            }
        }
        self.now = end;
    }

    /// Hands in one input and carries out what comes of it, as the driver does.
    pub(crate) fn give(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            if self.keeps_log {
                self.inputs.push((self.now, input.clone()));
                let kept = encode(&input, self.text.take().as_deref());
                self.log_kept.push((self.now, kept));
            }
            let mut outputs = Vec::new();
            self.hub.handle(self.now, input, &mut outputs);
            if self.keeps_log {
                self.outputs.extend(outputs.iter().map(|output| format!("{output:?}")));
            }
            let mut unsent: BTreeMap<ConnId, Vec<Frame>> = BTreeMap::new();
            for output in outputs {
                self.carry_out(output, &mut unsent, &mut inputs);
            }
            // Full sockets are reported before anything else.
            for (conn, frames) in unsent.into_iter().rev() {
                inputs.push_front(Input::Unsent { conn, frames });
            }
        }
    }

    fn carry_out(&mut self, output: Output, unsent: &mut BTreeMap<ConnId, Vec<Frame>>, inputs: &mut VecDeque<Input>) {
        match output {
            // The house has one clock and no recorder.
            Output::Clock(_) | Output::Record(_) => {}
            Output::Send { conn, frame } => self.send(conn, frame, unsent),
            Output::Share { conns, frame } => {
                for conn in conns {
                    self.send(conn, frame.clone(), unsent);
                }
            }
            Output::Snapshots {
                plc,
                frame,
                header_at,
                to,
            } => {
                for one in to {
                    self.send(one.conn, one.frame(plc, &frame, header_at), unsent);
                }
            }
            Output::Close { conn, code, .. } => {
                if let Some(peer) = self.peers.get_mut(&conn) {
                    peer.closed = Some(code);
                    inputs.push_back(Input::Closed {
                        conn,
                        reason: "closed by the hub".into(),
                    });
                }
            }
            Output::Reply { ticket, reply } => {
                self.replies.insert(ticket.0, *reply);
            }
            Output::Save { ticket, changes, .. } => {
                if let Some(slow_saves) = &mut self.slow_saves {
                    slow_saves.push(ticket);
                    return;
                }
                if self.save_result.is_ok() {
                    self.saved.extend(changes);
                }
                inputs.push_back(Input::Saved {
                    ticket,
                    result: self.save_result.clone(),
                });
            }
            Output::SaveSignals { signals, .. } => self.imported.extend(signals),
            Output::Dial { callee, dial } => match callee {
                Callee::Endpoint(endpoint) => self.dials.push((endpoint, dial)),
                Callee::Engine(plc) => self.engine_dials.push((plc, dial)),
                Callee::Gama => self.gama_dials.push(dial),
            },
            Output::HangUp { callee } => self.hung_up.push(callee),
            Output::PlcBegin { plc, settings, .. } => {
                let mut engine = Engine::new(settings);
                if self.keeps_log {
                    let order = Order::TellInputs(true);
                    engine.execute(Numbered::by_driver(0, order), &DeviceInputs::default(), &mut Vec::new());
                }
                let driven = Driven {
                    engine,
                    orders: VecDeque::new(),
                    inputs: DeviceInputs::default(),
                    is_scheduled: false,
                    holds: false,
                    is_full: false,
                    told: Vec::new(),
                    looks_ns: Vec::new(),
                    clock_ns: 0,
                };
                self.engines.insert(plc, driven);
            }
            Output::Plc { plc, order } => {
                if let Some(driven) = self.engines.get_mut(&plc) {
                    driven.orders.push_back(*order);
                    inputs.extend(self.border(plc));
                }
            }
            Output::PlcIo { plc, setup } => {
                if !setup.retries {
                    let (number, told) = (setup.number, IoTold::Opened(self.io_result.clone()));
                    inputs.push_back(Input::PlcIo { plc, number, told });
                }
                self.setups.push(*setup);
            }
            Output::PlcEnd { plc } => drop(self.engines.remove(&plc)),
            Output::Retain { plc, number, image, .. } => {
                self.kept.push((self.now, image));
                let result = self.keep_result.clone();
                inputs.push_back(Input::Retained { plc, number, result });
            }
            Output::Audit(entry) => self.audited.push(*entry),
            Output::Log { text, .. } => self.log.push(text),
        }
    }

    /// Between scans: a running engine takes orders only right before its next scan, one that does not run takes them at once.
    fn border(&mut self, plc: PlcId) -> Option<Input> {
        let driven = self.engines.get_mut(&plc)?;
        while driven.engine.state() != ControllerState::Running && !driven.is_full {
            let Some(order) = driven.orders.pop_front() else { break };
            let is_feed = matches!(order.order, Order::Feed { .. });
            driven.engine.execute(order, &driven.inputs, &mut driven.told);
            if is_feed && driven.engine.state() != ControllerState::Running {
                let events = driven.engine.scan(&driven.inputs, 0);
                driven.engine.report(None, events, &mut driven.told);
            }
        }
        let runs = driven.engine.state() == ControllerState::Running;
        if runs && !std::mem::replace(&mut driven.is_scheduled, true) {
            let at = self.now + driven.period();
            self.schedule(at, Event::Scan(plc));
        }
        self.tell(plc)
    }

    /// The engine of a context.
    pub(crate) fn driven(&mut self, plc: PlcId) -> &mut Driven {
        self.engines.get_mut(&plc).expect("the test named a context")
    }

    /// One scan in its time.
    fn scan(&mut self, plc: PlcId) {
        let Some(driven) = self.engines.get_mut(&plc) else {
            return;
        };
        driven.is_scheduled = false;
        let dt_us = driven.period().as_micros() as u32;
        let mut told = Told {
            list: &mut driven.told,
            is_full: driven.is_full,
        };
        while driven.engine.takes_orders(&told)
            && let Some(order) = driven.orders.pop_front()
        {
            driven.engine.execute(order, &driven.inputs, &mut told);
        }
        if driven.engine.state() == ControllerState::Running {
            let (mut moves, now) = (driven.looks_ns.iter(), &mut driven.clock_ns);
            let clock = || {
                *now += moves.next().copied().unwrap_or(0);
                *now
            };
            let events = driven.engine.scan_timed(&driven.inputs, dt_us, clock);
            let timing = ScanTiming {
                took_us: 100,
                ..ScanTiming::default()
            };
            driven.engine.report(Some(timing), events, &mut told);
        } else {
            // An order has ended the run: what routes have said behind it is shown at once.
            let events = driven.engine.scan(&driven.inputs, 0);
            driven.engine.report(None, events, &mut told);
        }
        if let Some(input) = self.border(plc).or_else(|| self.tell(plc)) {
            self.give(input);
        }
    }

    /// The hub hears the first part of what an engine has told, up to so many entries, wherever that is cut.
    pub(crate) fn tell_part(&mut self, plc: PlcId, count: usize) {
        let told = &mut self.driven(plc).told;
        let entries: Vec<Entry> = told.drain(..count.min(told.len())).collect();
        self.give(Input::Plc { plc, entries });
    }

    /// What an engine has told and the hub has not heard.
    fn tell(&mut self, plc: PlcId) -> Option<Input> {
        let driven = self.engines.get_mut(&plc)?;
        if driven.holds || driven.told.is_empty() {
            return None;
        }
        let entries = std::mem::take(&mut driven.told);
        Some(Input::Plc { plc, entries })
    }

    fn send(&mut self, conn: ConnId, frame: Frame, unsent: &mut BTreeMap<ConnId, Vec<Frame>>) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        if let Some(frames) = unsent.get_mut(&conn) {
            frames.push(frame);
        } else if peer.reads && !peer.is_stuck {
            self.carry(conn, frame);
        } else {
            // The first frame after the socket filled up is begun every other time.
            assert!(!peer.is_stuck, "nothing is sent to a stuck socket");
            peer.is_stuck = true;
            let frames = unsent.entry(conn).or_default();
            if conn.0.is_multiple_of(2) {
                peer.begun = Some(frame);
            } else {
                frames.push(frame);
            }
        }
    }

    fn carry(&mut self, conn: ConnId, frame: Frame) {
        let (now, peer) = (self.now, self.peer(conn));
        let at = (now + peer.wire.latency).max(peer.last_arrival[0]);
        peer.last_arrival[0] = at;
        self.schedule(at, Event::AtPeer(conn, frame));
    }

    fn schedule(&mut self, at: Time, event: Event) {
        self.last_event += 1;
        self.queue.push(Reverse((at, self.last_event)));
        self.events.insert(self.last_event, event);
    }

    fn deliver(&mut self, event: Event) {
        match event {
            Event::AtPeer(conn, frame) => self.at_peer(conn, &frame),
            Event::AtHub(conn, text) => self.at_hub(conn, text),
            Event::Echo(conn, text) => {
                if self.peers.contains_key(&conn) {
                    self.say_text(conn, text);
                }
            }
            Event::Scan(plc) => self.scan(plc),
            Event::Pong(conn, sent_at) => self.give(Input::Pong {
                conn,
                sent_at_nanos: Some(sent_at),
            }),
        }
    }

    fn at_peer(&mut self, conn: ConnId, frame: &Frame) {
        let Some(peer) = self.peers.get_mut(&conn) else { return };
        peer.bytes += frame.bytes.len() as u64;
        let (opcode, payload) = unframed(&frame.bytes);
        if opcode == 9 {
            if peer.wire.answers_pings {
                let at = (self.now + peer.wire.latency).max(peer.last_arrival[1]);
                peer.last_arrival[1] = at;
                let sent_at = u64::from_le_bytes(payload.try_into().expect("our pings carry eight bytes"));
                self.schedule(at, Event::Pong(conn, sent_at));
            }
            return;
        }
        if opcode == 2 {
            peer.binary.push((self.now, payload.to_vec()));
            return;
        }
        peer.arrivals.push(self.now);
        if matches!(peer.face, Face::Monitor | Face::Headset) {
            peer.texts.push(String::from_utf8_lossy(payload).into_owned());
        }
        let message: Json = serde_json::from_slice(payload).expect("the hub sends JSON");
        if let (Some("data" | "snapshot"), Some(signals)) = (message["type"].as_str(), message["signals"].as_object()) {
            let signals: Vec<(String, Json)> = signals
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            peer.believes.extend(signals.iter().cloned());
            if let Some(after) = peer.echoes_after.filter(|_| message["type"] == "data") {
                let at = self.now + after;
                let echo = json!({"type": "data", "version": 2, "signals": message["signals"]});
                self.schedule(at, Event::Echo(conn, echo.to_string()));
            }
        }
        self.peer(conn).inbox.push(message);
    }

    fn at_hub(&mut self, conn: ConnId, text: String) {
        if !self.peers.contains_key(&conn) || self.peer(conn).closed.is_some() {
            return;
        }
        if self.keeps_log {
            self.text = Some(text.clone());
        }
        let bytes = text.len() as u32;
        let is_live = ["\"epoch\"", "\"cycle_ms\"", "\"watch_plc\"", "\"watch_classroom\""]
            .iter()
            .any(|sign| text.contains(sign));
        let input = if let Face::Engine(_) = self.peer(conn).face {
            let message = piplc::decode_server(&text);
            let uploaded = match &message {
                Ok(piplc::ServerMessage::Reply(reply)) => {
                    let document = reply.fields.get("data").or(reply.fields.get("projectXml"));
                    document.and_then(Json::as_str).map(Uploaded::read)
                }
                _ => None,
            };
            Input::Engine {
                conn,
                message,
                uploaded,
                bytes,
            }
        } else if let Some(input) = self.of_class(conn, &text) {
            input
        } else if self.peer(conn).face == Face::Piplc {
            let message = piplc::decode(&text);
            let program = match &message {
                Ok(envelope) => match &envelope.request {
                    piplc::Request::Download { document, .. } => Some(Program::read(document).map(Arc::new)),
                    _ => None,
                },
                Err(_) => None,
            };
            Input::Piplc {
                conn,
                message,
                program,
                bytes,
            }
        } else if is_live {
            Input::Live {
                conn,
                request: live::decode(text),
                bytes,
            }
        } else {
            match realvirtual::decode(text) {
                Ok(message) => Input::Realvirtual { conn, message, bytes },
                Err(error) => Input::Unreadable {
                    conn,
                    why: Unreadable::Malformed(error.to_string()),
                    bytes,
                },
            }
        };
        self.give(input);
    }
}

impl House {
    /// A text of a monitor, a headset or GAMA as the driver hands it in.
    fn of_class(&mut self, conn: ConnId, text: &str) -> Option<Input> {
        let bytes = text.len() as u32;
        Some(match self.peer(conn).face {
            Face::Monitor => Input::Monitor {
                conn,
                request: monitor::decode(text),
                bytes,
            },
            Face::Headset => Input::Headset {
                conn,
                message: headset::decode(text),
                clock: ClockMinute(9 * 60 + 16),
                bytes,
            },
            Face::Gama => Input::Gama {
                conn,
                message: gama::decode(text).map(Box::new),
                bytes,
            },
            _ => return None,
        })
    }
}

impl Driven {
    /// Orders that wait for the border.
    pub(crate) fn orders_waiting(&self) -> usize {
        self.orders.len()
    }

    fn period(&self) -> Duration {
        Duration::from_micros(u64::from(self.engine.controller().settings().target_scan.us()))
    }
}

/// Opcode and payload of one unmasked frame.
pub(crate) fn unframed(bytes: &[u8]) -> (u8, &[u8]) {
    let head = match bytes[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    (bytes[0] & 15, &bytes[head..])
}

/// A value of the hub as JSON.
pub(crate) fn as_json(value: &Value) -> Json {
    match value {
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Float(value) => json!(value),
        Value::Text(value) => json!(value),
    }
}

/// The same for a client: numbers by value, whether written with a fraction or not.
pub(crate) fn is_same(a: &Json, b: &Json) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}
