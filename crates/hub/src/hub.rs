//! The corridor: one entrance, and the doors to the rooms.
//!
//! A turn is: take one input, let its session decide, fire what is due, carry routes on, build on large answers, send what
//! the views owe. Then the batch is closed: everything that changed in one turn is one generation.

use crate::access::Access;
use crate::classroom::Classroom;
use crate::client::{Client, Clients, Pending, Step};
use crate::clock::{Clock, ClockSignals};
use crate::endpoint::Endpoint;
use crate::input::{ConnId, Face, Input, Unreadable};
use crate::ledger::Ledger;
use crate::limits::Limits;
use crate::output::{Callee, Class, Level, Output, Ticket};
use crate::plc::PlcId;
use crate::plc::orders::Plcs;
use crate::plc::watch::Watches;
use crate::problems::{Problems, Trouble};
use crate::record::RecordSignals;
use crate::replay::Replay;
use crate::replay::shown::ReplayBoard;
use crate::request::route_problem;
use crate::route::{Maker, Routes};
use crate::session::config::PendingSave;
use crate::session::engine_client::EngineClient;
use crate::session::import::WaitingImport;
use crate::session::piplc::Piplc;
use crate::settings::{EndpointId, Settings};
use crate::signal::{Generation, Quality, SignalId, SignalSpace, Value, Writer};
use crate::tap::Notes;
use crate::time::Time;
use crate::timers::{Alarm, Timers};
use crate::view::{House, Views};
use bytes::Bytes;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// A turn that comes so much later than it was asked for says that the hub was away.
const AWAY_MIN: Duration = Duration::from_secs(1);

/// The signal space, everything tied to it and everyone who looks at it.
///
/// Drive it so: call [`Hub::handle`] with each input and the time, carry out the outputs in order, report full sockets with
/// [`Input::Unsent`] before anything else, and call it with [`Input::Tick`] at [`Hub::next_deadline`].
#[derive(Debug)]
pub struct Hub {
    pub(crate) now: Time,
    /// What the hub's own time follows from; see [`Hub::time`].
    pub(crate) clock: Clock,
    /// How fast the replay goes that may lead the hub's time; 0 while there is none.
    pub(crate) replay_rate: f64,
    pub(crate) clock_signals: Option<ClockSignals>,
    pub(crate) project: String,
    pub(crate) epoch_base: u64,
    pub(crate) stale_after: Duration,
    pub(crate) limits: Limits,
    pub(crate) ledger: Ledger,
    pub(crate) routes: Routes,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) clients: Clients,
    pub(crate) views: Views,
    pub(crate) timers: Timers,
    /// Alarms in the hub's own time: they wait while it stands.
    pub(crate) hub_timers: Timers,
    /// Somebody has written a peer's signal through the API: one sending peer is enough for an echo then.
    pub(crate) operators_write: bool,
    pub(crate) problems: Problems,
    /// Signals that two peers write, and the two.
    pub(crate) conflicts: FxHashMap<SignalId, [ConnId; 2]>,
    /// Connections for which a large answer is being built, in turn.
    pub(crate) answering: VecDeque<ConnId>,
    /// Clients that go their own way and may be able to come into step.
    pub(crate) rejoining: Vec<ConnId>,
    /// Signals that appeared in this turn.
    pub(crate) created: Vec<SignalId>,
    /// Names that stand for a signal since this turn: symbols.
    pub(crate) named_anew: Vec<(String, SignalId)>,
    /// Names that endpoints show since this turn.
    pub(crate) appeared: Vec<(EndpointId, Box<str>, SignalId)>,
    /// Keys that were revoked in this run, with the number of the first ring without them.
    pub(crate) revocations: FxHashMap<Box<str>, u64>,
    pub(crate) saves: FxHashMap<Ticket, PendingSave>,
    pub(crate) last_ticket: u64,
    /// Imports that are not answered yet.
    pub(crate) imports: Vec<WaitingImport>,
    pub(crate) last_dial: u64,
    pub(crate) plcs: Plcs,
    /// The contexts whose engines are elsewhere.
    pub(crate) engine_clients: BTreeMap<PlcId, EngineClient>,
    /// Channels that watch a PLC context.
    pub(crate) watches: Watches,
    pub(crate) piplc: Piplc,
    /// The classroom, when the project has one.
    pub(crate) classroom: Option<Box<Classroom>>,
    pub(crate) record: RecordSignals,
    /// There while a tap wants to know of every generation.
    pub(crate) notes: Option<Box<Notes>>,
    /// What a recording or a test has said.
    pub(crate) replay: Replay,
    /// How a replay stands, for people.
    pub(crate) replay_board: ReplayBoard,
    pub(crate) outputs: Vec<Output>,
}

impl Hub {
    /// The hub of a checked project. What does not fit (a signal of two kinds, a route against the rules) is noted as a problem
    /// and left out; everything else works.
    pub fn new(settings: Settings) -> Hub {
        let limits = settings.limits;
        let space = SignalSpace::new(limits.signals_max, limits.name_len_max);
        let mut hub = Hub {
            now: Time::ZERO,
            clock: Clock::default(),
            replay_rate: 0.0,
            clock_signals: None,
            project: settings.project,
            epoch_base: settings.epoch_base,
            stale_after: settings.stale_after,
            ledger: Ledger::new(space, limits.echo_values_max),
            routes: Routes::default(),
            endpoints: Vec::new(),
            clients: Clients::default(),
            views: Views::default(),
            timers: Timers::default(),
            hub_timers: Timers::default(),
            operators_write: false,
            problems: Problems::new(limits.problems_max),
            conflicts: FxHashMap::default(),
            answering: VecDeque::new(),
            rejoining: Vec::new(),
            created: Vec::new(),
            named_anew: Vec::new(),
            appeared: Vec::new(),
            revocations: FxHashMap::default(),
            saves: FxHashMap::default(),
            last_ticket: 0,
            imports: Vec::new(),
            last_dial: 0,
            plcs: Plcs::default(),
            engine_clients: BTreeMap::new(),
            watches: Watches::default(),
            piplc: Piplc::new(settings.piplc),
            classroom: None,
            record: RecordSignals::default(),
            notes: None,
            replay: Replay::default(),
            replay_board: ReplayBoard::default(),
            outputs: Vec::new(),
            limits,
        };
        hub.plcs.locked_memory = settings.locked_memory;
        // Engines begin with the clock that they are to follow.
        hub.begin_clock(settings.clock);
        // Endpoints and routes may name what PLCs hold.
        for plc in settings.plcs {
            hub.begin_plc_of_project(plc);
        }
        for mut endpoint in settings.endpoints {
            let signals = std::mem::take(&mut endpoint.signals);
            let id = EndpointId(hub.endpoints.len() as u16);
            hub.endpoints.push(Endpoint::new(endpoint));
            for signal in signals {
                hub.add_signal(id, &signal, false);
            }
        }
        hub.begin_links();
        if let Some(classroom) = settings.classroom {
            hub.begin_classroom(classroom);
        }
        hub.begin_record_signals();
        hub.begin_clock_signals();
        for route in settings.routes {
            if let Err(refused) = hub.add_route(&route, Maker::Project) {
                let text = format!("the route is left out: {refused}");
                hub.trouble(
                    true,
                    route_problem(&route.from, &route.to),
                    &route.to,
                    text,
                    "correct the route in the project file",
                );
            }
        }
        hub.ledger.space.close_batch();
        hub
    }

    /// Takes one input at a time `now`, which never goes back, and appends what is to be done.
    pub fn handle(&mut self, now: Time, input: Input, outputs: &mut Vec<Output>) {
        self.step_to(now);
        match input {
            Input::Connected {
                conn,
                face,
                address,
                path,
                access,
            } => self.connected(conn, face, (address, path), access),
            Input::DialFailed { callee, dial, reason } => match callee {
                Callee::Endpoint(endpoint) => self.dial_failed(endpoint, dial, &reason),
                Callee::Engine(plc) => self.engine_dial_failed(plc, dial, &reason),
                Callee::Gama => self.gama_dial_failed(dial, &reason),
            },
            Input::Revoked { key, ring } => self.revoked(key, ring),
            Input::Closed { conn, reason } => self.closed(conn, &reason),
            Input::Realvirtual { conn, message, bytes } => {
                if self.received(conn, bytes) {
                    self.realvirtual(conn, message);
                }
            }
            Input::Live { conn, request, bytes } => {
                if self.received(conn, bytes) {
                    self.live(conn, request);
                }
            }
            Input::Piplc {
                conn,
                message,
                program,
                bytes,
            } => {
                if self.received(conn, bytes) {
                    self.piplc(conn, message, program, bytes);
                }
            }
            Input::Engine {
                conn,
                message,
                uploaded,
                bytes,
            } => {
                if self.received(conn, bytes)
                    && let Some(plc) = self.engine_of(conn)
                {
                    self.engine_message(conn, plc, message, uploaded);
                }
            }
            Input::Snapshot { conn, frame, bytes } => {
                if self.received(conn, bytes)
                    && let Some(plc) = self.engine_of(conn)
                {
                    self.engine_snapshot(conn, plc, &frame);
                }
            }
            Input::Monitor { conn, request, bytes } => {
                if self.received(conn, bytes) {
                    self.monitor(conn, request);
                }
            }
            Input::Headset {
                conn,
                message,
                clock,
                bytes,
            } => {
                if self.received(conn, bytes) {
                    self.headset(conn, message, clock);
                }
            }
            Input::Gama { conn, message, bytes } => {
                if self.received(conn, bytes) {
                    self.gama_message(conn, message.map(|message| *message));
                }
            }
            Input::Replayed(samples) => self.replayed(samples),
            Input::ReplayEnds => self.replay_ends(),
            Input::ReplayRate(rate) => self.replay_goes(rate),
            Input::Recording { is_active, lost } => self.recording_stands(is_active, lost),
            Input::ReplayShown(shown) => self.replay_shown(shown),
            Input::Packages(catalog) => self.packages_read(catalog),
            Input::ShuttingDown => {
                self.keep_all_now();
                self.piplc_shuts_down();
            }
            Input::Retained { plc, number, result } => self.memory_saved(plc, number, result),
            Input::Unreadable { conn, why, bytes } => {
                if self.received(conn, bytes) {
                    self.unreadable(conn, why);
                }
            }
            Input::Pong { conn, sent_at_nanos } => self.pong(conn, sent_at_nanos),
            Input::Seen { conn } => self.seen(conn),
            Input::Unsent { conn, frames } => self.unsent(conn, frames),
            Input::Writable { conn } => self.writable(conn),
            Input::Tick => {}
            Input::Request { ticket, by, request } => self.request(ticket, &by, request),
            Input::Saved { ticket, result } => self.saved(ticket, result),
            Input::Plc { plc, entries } => self.plc_tells(plc, entries),
            Input::PlcIo { plc, number, told } => self.plc_io_told(plc, number, told),
        }
        self.end_turn();
        outputs.append(&mut self.outputs);
    }

    /// When to call with [`Input::Tick`] at the latest; a time that has passed means at once.
    pub fn next_deadline(&self) -> Option<Time> {
        if !self.answering.is_empty() {
            return Some(self.now);
        }
        let in_hub_time = [self.hub_timers.next(), self.clock.until()];
        let in_hub_time = in_hub_time.into_iter().flatten().filter_map(|at| self.clock.when(at));
        in_hub_time.chain(self.timers.next()).min()
    }

    /// Moves the clock. When the hub was to be called long ago and was not, it is the hub that was away (stopped, or starved of
    /// processor time): whoever is connected gets the time to answer that it would have had.
    fn step_to(&mut self, now: Time) {
        let missed = self.next_deadline().map_or(Duration::ZERO, |at| now.since(at));
        self.now = self.now.max(now);
        if missed < AWAY_MIN {
            return;
        }
        for client in self.clients.values_mut() {
            client.judged_from = self.now;
        }
        self.wait_anew_for_orders();
        if missed >= self.stale_after {
            self.expect_bursts();
            let text = format!(
                "the hub did not run for {} ms; of what arrived meanwhile only the newest values are taken",
                missed.as_millis()
            );
            let hint = "look at what else this machine does, and whether something stops the process";
            self.trouble(false, String::from("hub:away"), "hub", text, hint);
        }
    }

    fn end_turn(&mut self) {
        self.end_step();
        while let Some((at, alarm)) = self.timers.pop_due(self.now) {
            self.alarm(at, alarm);
        }
        while let Some((at, alarm)) = self.hub_timers.pop_due(self.time()) {
            self.alarm(at, alarm);
        }
        self.reply_of_plcs();
        self.announce_created();
        self.announce_names();
        self.show_class();
        self.carry_routes();
        // What was ordered by signals shows in the same turn.
        if self.class_takes_signals() {
            self.show_class();
            self.carry_routes();
        }
        self.record_takes_signal();
        self.count_writers();
        self.links_say();
        self.ledger.space.close_batch();
        self.build_answers();
        self.rejoin();
        let (views, mut house) = self.split();
        views.flush_due(&mut house);
    }

    /// An alarm that is due, in the time that its kind is set in.
    fn alarm(&mut self, at: Time, alarm: Alarm) {
        match alarm {
            Alarm::Group(group) => {
                let (views, mut house) = self.split();
                views.alarm(&mut house, group, at);
            }
            Alarm::Client(conn) => self.client_alarm(conn, at),
            Alarm::Link(endpoint) => self.link_alarm(endpoint, at),
            Alarm::Imports => self.give_up_imports(),
            Alarm::PlcAnswers => self.give_up_orders(),
            Alarm::PlcForces => self.expire_forces(),
            Alarm::PlcMemory(plc) => self.memory_alarm(plc, at),
            Alarm::PlcWatch(conn) => self.watch_alarm(conn, at),
            Alarm::Piplc(conn) => self.piplc_alarm(conn, at),
            Alarm::Engine(plc) => self.engine_alarm(plc, at),
            Alarm::Snapshots(key) => self.snapshots_alarm(key, at),
            Alarm::Routes => self.routes_alarm(),
            Alarm::RouteTable => self.table_alarm(at),
            Alarm::Gama => self.gama_alarm(at),
            Alarm::Monitors => self.monitors_alarm(at),
            Alarm::Headset(conn) => self.headset_alarm(conn, at),
            Alarm::ClassWatch(conn) => self.class_watch_alarm(conn, at),
        }
    }

    /// Keeps the number of signals that each peer is the writer of; a peer that begins to write is watched more closely.
    fn count_writers(&mut self) {
        for (before, after) in std::mem::take(&mut self.ledger.handed_over) {
            if let Writer::Peer(conn) = before
                && let Some(client) = self.clients.get_mut(&conn)
            {
                client.writes -= 1;
            }
            if let Writer::Peer(conn) = after
                && let Some(client) = self.clients.get_mut(&conn)
            {
                client.writes += 1;
                if client.writes == 1 {
                    client.next_ping = client.next_ping.min(self.now + client.ping_every());
                    self.set_alarm(conn);
                }
            }
        }
    }

    fn build_answers(&mut self) {
        let mut budget = self.limits.slice_signals;
        while budget > 0
            && let Some(conn) = self.answering.pop_front()
        {
            self.build_answer(conn, &mut budget);
        }
    }

    /// A peer's message has arrived: it is alive. False when nobody knows the connection any more.
    fn received(&mut self, conn: ConnId, bytes: u32) -> bool {
        let Some(client) = self.clients.get_mut(&conn) else {
            return false;
        };
        if client.is_closing {
            return false;
        }
        let add = |counters: &mut crate::api::Counters| {
            counters.messages_in += 1;
            counters.bytes_in += u64::from(bytes);
        };
        add(&mut client.counters);
        if let Some(endpoint) = client.face.endpoint() {
            add(&mut self.endpoints[endpoint.0 as usize].counters);
        }
        // A stale link is not good again before the burst behind the silence is in (see `session::write`).
        if !client.is_stale {
            client.last_seen = self.now;
        }
        true
    }

    /// The context whose engine is at the other end.
    fn engine_of(&self, conn: ConnId) -> Option<PlcId> {
        match self.clients.get(&conn)?.face {
            Face::Engine(plc) => Some(plc),
            _ => None,
        }
    }

    fn connected(&mut self, conn: ConnId, face: Face, (address, path): (String, String), access: Arc<Access>) {
        let is_revoked = self.is_revoked(&access);
        let client = Client::new(self.now, face, (address, path), access);
        self.clients.insert(conn, client);
        if is_revoked {
            self.close(conn, 1008, "key revoked");
            return;
        }
        let group = self.clients.values().filter(|client| client.face == face).count();
        // A link has one connection; whether this is the one is decided by its state.
        if group > self.limits.clients_max && !matches!(face, Face::Link(_) | Face::Engine(_) | Face::Gama) {
            self.close(conn, 1013, "too many clients");
            return;
        }
        if let Some(client) = self.clients.get_mut(&conn) {
            client.is_admitted = true;
        }
        match face {
            Face::Realvirtual(endpoint) => self.realvirtual_connected(conn, endpoint),
            Face::Link(endpoint) => self.link_connected(conn, endpoint),
            Face::Live => self.live_connected(conn),
            Face::Piplc => self.piplc_connected(conn),
            Face::Engine(plc) => self.engine_connected(conn, plc),
            Face::Monitor => self.monitor_connected(conn),
            Face::Headset => self.headset_connected(conn),
            Face::Gama => self.gama_connected(conn),
        }
        self.ping(conn);
        self.set_alarm(conn);
    }

    fn closed(&mut self, conn: ConnId, reason: &str) {
        let Some(client) = self.clients.remove(&conn) else {
            return;
        };
        if let Some(group) = client.group {
            self.views.leave(group, conn);
        }
        self.answering.retain(|other| *other != conn);
        self.unwatch(conn);
        self.class_unwatch(conn);
        self.replay_left(conn);
        self.piplc_left(conn);
        self.classroom_left(conn, client.face, reason);
        let title = client.title().to_owned();
        self.log(Level::Info, Some(conn), format!("{title} has left: {reason}"));
        self.end_conflicts(conn);
        self.end_replay_conflicts(conn);
        if client.writes > 0 {
            self.writer_left(conn, client.face);
        }
        self.import_peer_left(conn);
        match client.face {
            Face::Realvirtual(endpoint) if client.is_admitted => self.realvirtual_closed(endpoint, &client),
            Face::Link(endpoint) => self.link_closed(conn, endpoint, reason),
            Face::Engine(plc) => self.engine_closed(conn, plc, reason),
            _ => {}
        }
    }

    /// Has the key behind these rights been revoked since they were given?
    pub(crate) fn is_revoked(&self, access: &Access) -> bool {
        let revoked = access.key.as_ref().and_then(|key| self.revocations.get(key));
        revoked.is_some_and(|ring| access.ring < *ring)
    }

    /// The connections that came with a key end with it.
    fn revoked(&mut self, key: Box<str>, ring: u64) {
        let holds = |client: &Client| client.access.key.as_deref() == Some(&*key) && client.access.ring < ring;
        let mut held: Vec<ConnId> = self
            .clients
            .iter()
            .filter(|(_, client)| holds(client))
            .map(|(conn, _)| *conn)
            .collect();
        held.sort_unstable();
        for conn in held {
            self.close(conn, 1008, "key revoked");
        }
        self.revocations.insert(key, ring);
    }

    fn unreadable(&mut self, conn: ConnId, why: Unreadable) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        let (first, text) = match why {
            Unreadable::Malformed(text) => {
                client.counters.ignored.malformed += 1;
                (
                    !std::mem::replace(&mut client.said.malformed, true),
                    format!("ignored a message that is none: {text}"),
                )
            }
            Unreadable::Binary => {
                client.counters.ignored.binary += 1;
                (
                    !std::mem::replace(&mut client.said.binary, true),
                    String::from("ignored a binary frame"),
                )
            }
        };
        if first {
            self.log(Level::Warn, Some(conn), text);
        }
    }

    fn unsent(&mut self, conn: ConnId, frames: Vec<crate::output::Frame>) {
        let (views, mut house) = self.split();
        let Some(client) = house.clients.get_mut(&conn) else {
            return;
        };
        let mut told = client.group.map_or(Generation(0), |group| views.told(group));
        if let Step::Behind { told: own, .. } = client.step {
            told = own;
        }
        let (mut control, mut snapshots, mut worlds) = (Vec::new(), Vec::new(), Vec::new());
        let mut is_state = false;
        for frame in frames {
            match frame.class {
                Class::Control => control.push(frame.bytes),
                Class::Value { from, extra } => {
                    told = told.min(from);
                    client
                        .owed
                        .extend(extra.iter().flat_map(|ids| ids.iter()).map(|id| (*id, 0)));
                }
                Class::Snapshot { plc, sequence } => snapshots.push((plc, sequence)),
                Class::World { kind } => worlds.push((kind, frame.bytes)),
                Class::State => is_state = true,
            }
        }
        client.outlet.stick(house.now, control);
        views.fall_behind(&mut house, conn, told);
        // The first number that was not used is the next one: it is given back last.
        for (plc, sequence) in snapshots.into_iter().rev() {
            self.snapshot_unsent(conn, plc, sequence);
        }
        self.worlds_unsent(conn, worlds);
        if is_state {
            self.state_unsent(conn);
        }
        self.set_alarm(conn);
    }

    fn writable(&mut self, conn: ConnId) {
        let (views, mut house) = self.split();
        let Some(client) = house.clients.get_mut(&conn) else {
            return;
        };
        // Liveness is judged only on a link that takes frames: the clock of an unanswered ping starts anew.
        if client.ping_sent_at.is_some() {
            client.ping_sent_at = Some(house.now);
        }
        // What waited here goes out now and may meet what the client writes meanwhile.
        client.baseline_at = Some(house.now);
        client.outlet.open(conn, house.outputs);
        views.catch_up(&mut house, conn);
        self.piplc_writable(conn);
        self.worlds_writable(conn);
        self.monitor_writable(conn);
        self.gama_writable(conn);
        self.set_alarm(conn);
    }

    /// Queues or sends a control message; a queue that is full closes the connection.
    pub(crate) fn send(&mut self, conn: ConnId, bytes: Bytes) {
        let is_memory_full = self.is_waiting_too_much(conn);
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        if client.is_closing {
            return;
        }
        let add = |counters: &mut crate::api::Counters| {
            counters.messages_out += 1;
            counters.bytes_out += bytes.len() as u64;
        };
        add(&mut client.counters);
        if let Some(endpoint) = client.face.endpoint() {
            add(&mut self.endpoints[endpoint.0 as usize].counters);
        }
        let small_max = self.limits.headset_control_bytes_max;
        let bytes_max = match client.face {
            Face::Headset => small_max,
            // Who has little waiting is not the one who fills the memory.
            _ if client.outlet.waiting_bytes() > small_max && is_memory_full => small_max,
            _ => self.limits.control_bytes_max,
        };
        let queued = client
            .outlet
            .control(conn, bytes, &self.limits, bytes_max, &mut self.outputs);
        if queued.is_err() {
            self.close(conn, 1008, "control queue full");
        }
    }

    /// Do control messages wait for a socket of this client, and with those of all others for more than the hub holds?
    fn is_waiting_too_much(&self, conn: ConnId) -> bool {
        let is_waiting = self
            .clients
            .get(&conn)
            .is_some_and(|client| client.outlet.waiting_bytes() > 0);
        let waiting = || self.clients.values().map(|client| client.outlet.waiting_bytes());
        is_waiting && waiting().sum::<usize>() > self.limits.control_bytes_sum_max
    }

    /// Sends one text message.
    pub(crate) fn send_text(&mut self, conn: ConnId, write: impl FnOnce(&mut Vec<u8>)) {
        let mut builder = crosstie_wire::frame::FrameBuilder::with_capacity(256);
        write(builder.buffer());
        self.send(conn, crate::view::frame::into_bytes(builder));
    }

    /// Ends a connection from our side.
    pub(crate) fn close(&mut self, conn: ConnId, code: u16, reason: &'static str) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        if std::mem::replace(&mut client.is_closing, true) {
            return;
        }
        if let Some(group) = client.group.take() {
            self.views.leave(group, conn);
        }
        client.step = Step::Idle;
        client.answer = None;
        let face = client.face;
        self.outputs.push(Output::Close { conn, code, reason });
        // 1000 and 1001 end what was to end; every other code says that something was wrong.
        let level = if matches!(code, 1000 | 1001) {
            Level::Info
        } else {
            Level::Warn
        };
        self.log(level, Some(conn), format!("closed with {code}: {reason}"));
        self.piplc_left(conn);
        self.classroom_left(conn, face, reason);
        self.import_peer_left(conn);
        self.link_closes(conn, face, reason);
        if let Face::Engine(plc) = face {
            self.engine_closed(conn, plc, reason);
        }
    }

    pub(crate) fn log(&mut self, level: Level, conn: Option<ConnId>, text: String) {
        // A peer's words must not end a line and begin another that looks like ours.
        let text = match text.contains(char::is_control) {
            true => text.chars().flat_map(|sign| sign.escape_debug()).collect(),
            false => text,
        };
        self.outputs.push(Output::Log { level, conn, text });
    }

    /// Notes a trouble; the first time it is also a line in the log.
    pub(crate) fn trouble(&mut self, is_error: bool, id: String, subject: &str, text: String, hint: &str) {
        let line = format!("{subject}: {text}");
        if self.problems.note(
            self.now,
            Trouble {
                id,
                is_error,
                subject,
                text,
                hint,
            },
        ) {
            self.log(Level::Warn, None, line);
        }
    }

    pub(crate) fn split(&mut self) -> (&mut Views, House<'_>) {
        let house = House {
            now: self.now,
            both: self.both(),
            space: &self.ledger.space,
            endpoints: &mut self.endpoints,
            clients: &mut self.clients,
            timers: &mut self.timers,
            outputs: &mut self.outputs,
        };
        (&mut self.views, house)
    }

    /// Puts a message aside until the answer that is being built for its sender is whole.
    pub(crate) fn wait_for_answer(&mut self, conn: ConnId, pending: Pending) {
        let limit = self.limits.pending_messages_max;
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        if client.pending.len() < limit {
            client.pending.push_back(pending);
        } else {
            self.close(conn, 1008, "answer pending");
        }
    }

    pub(crate) fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        // The driver's tickets count up from zero, ours down from the top.
        Ticket(u64::MAX - self.last_ticket)
    }

    /// Everything a peer wrote is old from now on, or is put back.
    pub(crate) fn writer_left(&mut self, conn: ConnId, face: Face) {
        let reset = face
            .endpoint()
            .is_some_and(|endpoint| self.endpoints[endpoint.0 as usize].settings.reset_on_disconnect);
        for id in self.written_by(conn) {
            if reset {
                let initial: Value = self.ledger.space.initial(id).clone();
                self.ledger.store(self.now, id, initial, Writer::Nobody, Quality::Stale);
            } else {
                self.ledger.mark(id, Quality::Stale);
            }
        }
    }

    /// The signals whose last writer a peer is.
    pub(crate) fn written_by(&self, conn: ConnId) -> Vec<SignalId> {
        let all = (0..self.ledger.space.len() as u32).map(SignalId);
        all.filter(|id| self.ledger.space.cell(*id).writer == Writer::Peer(conn))
            .collect()
    }
}
