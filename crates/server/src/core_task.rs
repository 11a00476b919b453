//! The core: one thread that owns the hub, and the only one that ever touches it.
//!
//! ```text
//!   connection tasks ─┐                        ┌─▶ sinks (the core writes the sockets itself)
//!   API               ├─▶ door ─▶ Hub::handle ─┼─▶ waiting API calls, audit log
//!   store             ┤     (one event         ├─▶ store thread (files), retain thread (memory of PLCs)
//!   PLC engines       ┘      at a time)        ├─▶ dials (links)
//!                                              ├─▶ PLC engines (a thread each)
//!                                              └─▶ log
//! ```
//!
//! A turn is: take an event, hand it to the hub with the time, carry the outputs out in order, hand back at once what a
//! full socket did not take. The core never waits for a client, a file or a log: everything it hands on either takes it
//! at once or is told that it was refused.

mod devices;
mod door;
mod engines;
mod links;
mod store;
mod taps;

pub(crate) use door::{Door, Event, Gone, Share};
pub(crate) use links::Links;
pub(crate) use store::{Job, Store, StoreError};
pub(crate) use taps::{Missing, Ring, Sample, Taken, Tap, Taps};

use std::collections::VecDeque;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crosstie_hub::api::{Reply, Request};
use crosstie_hub::input_log::{Start, encode, encode_start};
use crosstie_hub::output::SnapshotFor;
use crosstie_hub::plc::PlcId;
use crosstie_hub::settings::Settings;
use crosstie_hub::{ConnId, Face, Frame, Hub, Input, Level, Output, Ticket, Time};
use rustc_hash::FxHashMap;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use devices::Houses;
use engines::Engines;

use crate::audit::AuditLog;
use crate::clock_handle::ClockHandle;
use crate::history::Intake;
use crate::recording::Recorder;
use crate::retain::RetainStore;
use crate::sink::{Sent, Sink};

/// How long the clients together may take to agree to the end when the hub shuts down.
const FAREWELL_MAX: Duration = Duration::from_millis(2_500);

/// How long the engines may take to stop before the clients are told good-bye: half a second is a slow scan and more.
const ENGINES_STOP_MAX: Duration = Duration::from_millis(500);

/// How long the clients get to hear what the stopped engines do not drive any more: many times the usual cycle of an endpoint.
const LAST_VALUES: Duration = Duration::from_millis(100);

/// Starts the core with the hub of these settings.
///
/// The thread ends after [`Event::Stop`], when every connection has ended or the time for that is over. A panic in it is
/// our mistake and ends the process with a message: a house without its core must not look alive.
///
/// # Errors
///
/// The system grants no thread.
pub(crate) fn start(
    settings: Settings,
    started: Instant,
    door: Door,
    links: Links,
    mut handles: Handles,
) -> io::Result<JoinHandle<()>> {
    // Before anybody can connect.
    door.keep_texts(handles.tap.as_ref().is_some_and(Tap::wants_inputs));
    std::thread::Builder::new().name(String::from("core")).spawn(move || {
        let run = AssertUnwindSafe(|| {
            let names = settings.endpoints.iter().map(|e| e.name.clone()).collect();
            let start = Start::of(&settings);
            let (mut hub, mut taps) = (Hub::new(settings), Taps::default());
            if let Some(tap) = handles.tap.take() {
                taps.begin(&mut hub, tap);
                if taps.wants_inputs() {
                    taps.input(Time::ZERO, Time::ZERO, encode_start(&start));
                }
            }
            let mut core = Core {
                hub,
                taps,
                started,
                door: door.clone(),
                links,
                engines: Engines::new(door.clone(), handles.clock.clone()),
                devices: Houses::new(door.clone(), handles.runtime.clone()),
                handles,
                endpoint_names: names,
                sinks: FxHashMap::default(),
                faces: FxHashMap::default(),
                questions: FxHashMap::default(),
                outputs: Vec::new(),
                scratch: Vec::new(),
                unsent: FxHashMap::default(),
                untold: Vec::new(),
                ending: None,
            };
            core.follow_taps();
            core.run();
        });
        if std::panic::catch_unwind(run).is_err() {
            tracing::error!("the core has failed: this is a fault of Crosstie itself, not of a client");
            crate::log::flush();
            std::process::exit(1);
        }
        door.close();
    })
}

/// The threads that write files for the core.
#[derive(Debug)]
pub(crate) struct Handles {
    /// The project file.
    pub(crate) store: Store,
    /// The audit log.
    pub(crate) audit: AuditLog,
    /// The retentive memory of PLCs; `None` where none keeps anything.
    pub(crate) retain: Option<RetainStore>,
    /// The recorder.
    pub(crate) recorder: Recorder,
    /// What a recording that begins with the hub is told.
    pub(crate) tap: Option<Tap>,
    /// Where samples go that are kept for years; `None` where the project keeps no history.
    pub(crate) history: Option<Intake>,
    /// Where the tasks of devices run.
    pub(crate) runtime: Handle,
    /// The hub's time, for those who follow it.
    pub(crate) clock: ClockHandle,
}

struct Core {
    hub: Hub,
    /// What a recorder is told.
    taps: Taps,
    started: Instant,
    door: Door,
    links: Links,
    engines: Engines,
    devices: Houses,
    handles: Handles,
    endpoint_names: Vec<String>,
    sinks: FxHashMap<ConnId, Arc<Sink>>,
    /// What each connection speaks, for the log.
    faces: FxHashMap<ConnId, Face>,
    questions: FxHashMap<Ticket, oneshot::Sender<Reply>>,
    outputs: Vec<Output>,
    /// The frame that is being sent, where clients get frames of their own.
    scratch: Vec<u8>,
    /// Frames of this turn that full sockets did not take; an entry without frames is a frame that was begun.
    unsent: FxHashMap<ConnId, Vec<Frame>>,
    /// What the hub is to be told of orders of this turn that could not be begun.
    untold: Vec<Input>,
    /// The hub is shutting down.
    ending: Option<Ending>,
}

/// How far the end has come.
struct Ending {
    /// The hub ends then at the latest.
    ends_at: Instant,
    step: Step,
}

/// What the end waits for.
enum Step {
    /// The engines: whether they drive something, and until when they may take.
    Engines { drive: bool, until: Instant },
    /// The clients, to hear the last values.
    LastValues { until: Instant },
    /// The clients, to go, and the retentive memory, to be on the disk.
    Farewell,
}

impl Ending {
    /// When there is something to do about it.
    fn deadline(&self) -> Instant {
        match self.step {
            Step::Engines { until, .. } | Step::LastValues { until } => until.min(self.ends_at),
            Step::Farewell => self.ends_at,
        }
    }
}

impl Core {
    fn run(&mut self) {
        let mut events = VecDeque::new();
        // What the hub wants at its start is carried out with its first turn.
        self.handle(Input::Tick);
        loop {
            let deadline = self.hub.next_deadline();
            let deadline = deadline.map(|at| self.started + Duration::from_nanos(at.as_nanos()));
            let deadline = earlier(deadline, self.ending.as_ref().map(Ending::deadline));
            let tap = self.taps.wants_turn_in().map(|soon| Instant::now() + soon);
            self.door.take(earlier(deadline, tap), &mut events);
            if events.is_empty() {
                // The tap alone is no reason to wake the hub.
                match deadline.is_none_or(|deadline| Instant::now() < deadline) && tap.is_some() {
                    true => self.taps.turn(&mut self.hub),
                    false => self.handle(Input::Tick),
                }
            }
            for event in events.drain(..) {
                self.event(event);
            }
            if self.is_over() {
                self.engines.join();
                self.devices.join();
                self.taps.end(&mut self.hub);
                return;
            }
        }
    }

    /// Goes on with the end, if there is one; true when it is there.
    fn is_over(&mut self) -> bool {
        let Some(ending) = &mut self.ending else {
            return false;
        };
        let now = Instant::now();
        if let Step::Engines { drive, until } = ending.step
            && (self.engines.have_stopped() || now >= until)
        {
            let until = if drive { now + LAST_VALUES } else { now };
            ending.step = Step::LastValues { until };
        }
        let ends_at = ending.ends_at;
        match ending.step {
            Step::LastValues { until } if self.sinks.is_empty() || now >= until => {
                ending.step = Step::Farewell;
                // Their outputs are safe by now; they say so while the clients take their leave.
                self.engines.let_go_of_devices();
                self.devices.end_all();
                self.handle(Input::ShuttingDown);
                self.sinks.values().for_each(|sink| say_goodbye(sink));
                self.sinks.is_empty() && !self.hub.keeps_memory()
            }
            Step::Farewell => self.sinks.is_empty() && !self.hub.keeps_memory() || now >= ends_at,
            Step::Engines { .. } | Step::LastValues { .. } => now >= ends_at,
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Connected {
                conn,
                face,
                address,
                path,
                access,
                sink,
            } => {
                if self.ending.is_some() {
                    say_goodbye(&sink);
                }
                self.sinks.insert(conn, sink);
                self.faces.insert(conn, face);
                self.handle(Input::Connected {
                    conn,
                    face,
                    address,
                    path,
                    access,
                });
            }
            Event::Input(input) => {
                let closed = match &input {
                    Input::Closed { conn, .. } => Some(*conn),
                    _ => None,
                };
                if let Some(conn) = closed {
                    self.sinks.remove(&conn);
                }
                self.handle(input);
                // Only now: the hub has a last word on it for the log.
                if let Some(conn) = closed {
                    self.faces.remove(&conn);
                }
            }
            Event::Message { input, text } => self.handle_text(input, Some(&text)),
            Event::Request { by, request, reply } => {
                if reply.as_ref().is_some_and(oneshot::Sender::is_closed) {
                    return;
                }
                let ticket = self.door.new_ticket();
                if let Some(reply) = reply {
                    self.questions.insert(ticket, reply);
                }
                self.handle(Input::Request { ticket, by, request });
            }
            Event::Saved { ticket, result } => self.handle(Input::Saved { ticket, result }),
            Event::EnginesTold => {
                for (plc, entries) in self.engines.take() {
                    self.handle(Input::Plc { plc, entries });
                }
                // A scan may have found a device silent.
                self.tell_devices();
            }
            Event::DevicesTold => self.tell_devices(),
            Event::DevicesOpened {
                plc,
                number,
                result,
                devices,
            } => {
                if let Some(devices) = devices {
                    // What it has had in between is nothing.
                    drop(self.engines.exchange_devices(plc, devices));
                }
                if let Some((plc, number, told)) = self.devices.opened(plc, number, result) {
                    self.handle(Input::PlcIo { plc, number, told });
                }
                self.tell_devices();
            }
            Event::Tap(tap) => {
                self.taps.end(&mut self.hub);
                self.taps.begin(&mut self.hub, *tap);
                self.follow_taps();
            }
            Event::Untap => {
                self.taps.end(&mut self.hub);
                self.follow_taps();
            }
            Event::Stop => {
                let now = Instant::now();
                self.links.hang_up_all();
                let drive = self.engines.stop_all();
                let until = now + ENGINES_STOP_MAX;
                self.ending = Some(Ending {
                    ends_at: now + FAREWELL_MAX,
                    step: Step::Engines { drive, until },
                });
            }
        }
    }

    fn tell_devices(&mut self) {
        for (plc, number, told) in self.devices.news() {
            self.handle(Input::PlcIo { plc, number, told });
        }
    }

    /// One turn.
    fn handle(&mut self, input: Input) {
        self.handle_text(input, None);
    }

    /// The same with the text that the input came as.
    fn handle_text(&mut self, input: Input, text: Option<&str>) {
        let moves_clock = matches!(
            input,
            Input::ReplayRate(_)
                | Input::Request {
                    request: Request::SetClock(_) | Request::StepClock(_),
                    ..
                }
        );
        // Nobody takes the time by the old clock once the new one has begun.
        if moves_clock {
            self.handles.clock.close();
        }
        self.turn(input, text);
        if moves_clock {
            self.handles.clock.open();
            self.engines.look_around();
        }
        self.taps.turn(&mut self.hub);
    }

    /// Connections and engines tell more while inputs are recorded.
    fn follow_taps(&mut self) {
        let wants = self.taps.wants_inputs();
        self.door.keep_texts(wants);
        self.engines.tell_inputs(wants);
    }

    /// Hands an input to the hub, and to a recorder before.
    fn enter(&mut self, now: Time, input: Input, text: Option<&str>) {
        if self.taps.wants_inputs() {
            self.taps.input(self.hub.time(), now, encode(&input, text));
        }
        self.hub.handle(now, input, &mut self.outputs);
    }

    fn turn(&mut self, input: Input, text: Option<&str>) {
        let since_start = self.started.elapsed();
        // The clock of the hub holds five hundred years.
        let now = Time::from_nanos(since_start.as_nanos() as u64);
        self.enter(now, input, text);
        loop {
            let mut outputs = std::mem::take(&mut self.outputs);
            for output in outputs.drain(..) {
                self.carry_out(output);
            }
            self.outputs = outputs;
            let refused = self.engines.take_refused();
            let untold = std::mem::take(&mut self.untold);
            if self.unsent.is_empty() && refused.is_empty() && untold.is_empty() {
                self.keep_history();
                return;
            }
            for (conn, frames) in std::mem::take(&mut self.unsent) {
                let unsent = Input::Unsent { conn, frames };
                self.enter(now, unsent, None);
            }
            for input in untold {
                self.enter(now, input, None);
            }
            for (plc, answer) in refused {
                let entries = vec![answer];
                self.enter(now, Input::Plc { plc, entries }, None);
            }
        }
    }

    /// What has changed goes to the historian, with the time of the world.
    fn keep_history(&mut self) {
        if let Some(intake) = &mut self.handles.history {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let at_us = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
            intake.after_turn(&self.hub, at_us);
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Send { conn, frame } => self.send(conn, &frame),
            Output::Share { conns, frame } => conns.into_iter().for_each(|conn| self.send(conn, &frame)),
            Output::Snapshots {
                plc,
                frame,
                header_at,
                to,
            } => self.send_snapshots(plc, &frame, header_at, &to),
            Output::Close { conn, code, reason } => {
                if let Some(sink) = self.sinks.get(&conn) {
                    sink.order_close(code, reason);
                }
            }
            Output::Reply { ticket, reply } => {
                if let Some(question) = self.questions.remove(&ticket) {
                    // Who asked may have given up; the answer is for nobody else.
                    let _ = question.send(*reply);
                }
            }
            Output::Save {
                ticket,
                endpoint,
                changes,
            } => {
                let name = &self.endpoint_names[usize::from(endpoint.0)];
                let changes = changes.into_iter();
                let changes = changes.map(|(key, value)| (format!("realvirtual.{name}.{key}"), value));
                self.handles.store.hand_in(Job::Settings {
                    ticket,
                    changes: changes.collect(),
                });
            }
            Output::SaveSignals { endpoint, signals } => {
                let endpoint = self.endpoint_names[usize::from(endpoint.0)].clone();
                self.handles.store.hand_in(Job::Signals { endpoint, signals });
            }
            Output::Dial { callee, dial } => self.links.dial(callee, dial, &self.door),
            Output::HangUp { callee } => self.links.hang_up(callee),
            Output::PlcBegin {
                plc,
                name,
                settings,
                realtime,
            } => self.engines.begin(plc, &name, settings, realtime),
            Output::Plc { plc, order } => self.engines.order(plc, *order),
            Output::PlcIo { plc, setup } => {
                let back = self.engines.exchange_devices(plc, Box::default());
                if let Some((plc, number, told)) = self.devices.open(plc, *setup, back) {
                    self.untold.push(Input::PlcIo { plc, number, told });
                }
            }
            Output::PlcEnd { plc } => {
                self.devices.end(plc);
                self.engines.end(plc);
            }
            Output::Retain {
                plc,
                context,
                number,
                image,
            } => {
                if let Some(retain) = &self.handles.retain {
                    retain.hand_in(plc, context, number, image);
                }
            }
            Output::Clock(clock) => {
                self.handles.clock.publish(clock);
                self.engines.look_around();
            }
            Output::Record(on) => self.handles.recorder.signalled(on),
            Output::Audit(entry) => self.handles.audit.hand_in((*entry).into()),
            Output::Log { level, conn, text } => log_line(level, conn, self.endpoint_of(conn), &text),
        }
    }

    /// Name of the endpoint that a connection belongs to; `live` for channels of the page, `piplc` for clients of the engines
    /// and for engines elsewhere.
    fn endpoint_of(&self, conn: Option<ConnId>) -> Option<&str> {
        match self.faces.get(&conn?)? {
            Face::Live => Some("live"),
            Face::Piplc | Face::Engine(_) => Some("piplc"),
            Face::Monitor => Some("monitor"),
            Face::Headset => Some("headset"),
            Face::Gama => Some("gama"),
            Face::Realvirtual(endpoint) | Face::Link(endpoint) => {
                let name = self.endpoint_names.get(usize::from(endpoint.0));
                name.map(String::as_str)
            }
        }
    }

    /// Writes frames that differ in their headers from one buffer, so that a thousand of them touch the memory of one.
    fn send_snapshots(&mut self, plc: PlcId, template: &[u8], header_at: usize, to: &[SnapshotFor]) {
        self.scratch.clear();
        self.scratch.extend_from_slice(template);
        for one in to {
            if !self.unsent.is_empty()
                && let Some(frames) = self.unsent.get_mut(&one.conn)
            {
                frames.push(one.frame(plc, template, header_at));
                continue;
            }
            let Some(sink) = self.sinks.get(&one.conn) else {
                continue;
            };
            self.scratch[header_at..header_at + one.header.len()].copy_from_slice(&one.header);
            let unsent = match sink.send_own(&self.scratch) {
                Sent::Whole => continue,
                Sent::Begun => Vec::new(),
                Sent::Refused => vec![one.frame(plc, template, header_at)],
            };
            self.unsent.insert(one.conn, unsent);
        }
    }

    fn send(&mut self, conn: ConnId, frame: &Frame) {
        // Behind a frame that was not sent nothing may be sent: the order is part of the meaning.
        if !self.unsent.is_empty()
            && let Some(frames) = self.unsent.get_mut(&conn)
        {
            frames.push(frame.clone());
            return;
        }
        let Some(sink) = self.sinks.get(&conn) else {
            return;
        };
        match sink.send(&frame.bytes) {
            Sent::Whole => {}
            Sent::Begun => {
                self.unsent.insert(conn, Vec::new());
            }
            Sent::Refused => {
                self.unsent.insert(conn, vec![frame.clone()]);
            }
        }
    }
}

/// The earlier of two moments, as far as there are any.
fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn say_goodbye(sink: &Sink) {
    sink.order_close(1001, "the hub is shutting down");
}

fn log_line(level: Level, conn: Option<ConnId>, endpoint: Option<&str>, text: &str) {
    let conn = conn.map(|conn| conn.0);
    match level {
        // Only endpoints with `debug = true` say these, so whoever reads them has asked for them.
        Level::Debug => tracing::info!(target: "crosstie::messages", conn, endpoint, "{text}"),
        Level::Info => tracing::info!(conn, endpoint, "{text}"),
        Level::Warn => tracing::warn!(conn, endpoint, "{text}"),
    }
}
