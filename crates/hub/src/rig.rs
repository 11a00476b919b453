//! A hub with its engines on a clock that is moved by hand: what tests, recordings that are executed again and stand-ins in
//! memory need. No thread, no socket, no real time; the same orders give the same bytes.
//!
//! Everything that the hub wants done is carried out here: frames reach partners in memory after the latency of their link, a
//! server that is called answers when somebody has been put in its place, settings and retentive memory count as saved, contexts
//! get engines. Devices say nothing, and there are no learning packages.
//!
//! Of what is due at the same moment frames and texts on their way come first, in the order in which they were sent; then scans,
//! in the order of the contexts; then partners, in the order of their connections; then the hub.

mod carry;
mod changes;
mod driven;
mod links;

pub use changes::{CHANGES_MAX, Changed};
pub use driven::Scheduled;
pub use links::{IN_FLIGHT_MAX, Partner, text_of};

use crate::access::Actor;
use crate::api::{Refused, Reply, Request};
use crate::clock::Clock;
use crate::hub::Hub;
use crate::input::{ConnId, Input};
use crate::output::{Output, Ticket};
use crate::plc::PlcId;
use crate::replay::Replayed;
use crate::settings::Settings;
use crate::signal::Value;
use crate::time::Time;
use changes::Changes;
use crosstie_ladder::controller::ControllerState;
use driven::Driven;
use links::Links;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long [`Rig::ask`] lets the time go on until the answer is there: longer than the hub waits for an engine or a peer.
const ASK_MAX: Duration = Duration::from_secs(15);

/// Turns at one moment. Partners that answer each other at once for ever let the time go on by a microsecond then, so that
/// [`Rig::run_until`] ends.
const TURNS_AT_ONCE_MAX: u32 = 100_000;

/// A hub, its engines, its partners and their clock.
#[derive(Debug)]
pub struct Rig {
    hub: Hub,
    now: Time,
    /// How the hub's time follows from [`Rig::now`].
    clock: Clock,
    /// In the order of their contexts.
    engines: Vec<Driven>,
    links: Links,
    inputs: VecDeque<Input>,
    outputs: Vec<Output>,
    last_ticket: u64,
    /// Questions with their answers, until they are fetched.
    replies: BTreeMap<u64, Option<Reply>>,
    changes: Changes,
    /// Turns since the time has moved.
    turns: u32,
}

impl Rig {
    /// The hub of these settings at time 0, with an engine for each context that is not elsewhere.
    pub fn new(settings: Settings) -> Rig {
        let hub = Hub::new(settings);
        let mut rig = Rig {
            changes: Changes::default(),
            hub,
            now: Time::ZERO,
            clock: Clock::default(),
            engines: Vec::new(),
            links: Links::default(),
            inputs: VecDeque::new(),
            outputs: Vec::new(),
            last_ticket: 0,
            replies: BTreeMap::new(),
            turns: 0,
        };
        // What a hub wants at its start is carried out with its first turn.
        rig.give(Input::Tick);
        rig
    }

    /// The hub, to look at.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The time, as the driver of the hub counts it; the hub's own is [`Hub::time`].
    pub fn now(&self) -> Time {
        self.now
    }

    /// Says what the outside world says: see [`Input::Replayed`].
    pub fn say(&mut self, samples: Vec<Replayed>) {
        self.give(Input::Replayed(samples));
    }

    /// Asks the hub, as somebody with every right, and lets the time go on until the answer is there: most requests are answered
    /// at once, orders to an engine that runs at the border of its next scan.
    pub fn ask(&mut self, request: Request) -> Reply {
        let ticket = self.put(request);
        let end = self.now + ASK_MAX;
        loop {
            if let Some(reply) = self.reply(ticket) {
                return reply;
            }
            match self.next_due().filter(|due| *due <= end) {
                Some(due) => self.run_until(due),
                None => {
                    self.replies.remove(&ticket.0);
                    let text =
                        String::from("nothing answers: the hub's clock stands, or what was asked waits for ever");
                    return Reply::Refused(Refused::Conflict(text));
                }
            }
        }
    }

    /// Asks the hub and does not wait; [`Rig::reply`] fetches the answer.
    pub fn put(&mut self, request: Request) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.replies.insert(ticket.0, None);
        let by = Box::new(Actor::full("the rig", ""));
        self.give(Input::Request { ticket, by, request });
        ticket
    }

    /// The answer to a question, once it is there.
    pub fn reply(&mut self, ticket: Ticket) -> Option<Reply> {
        let reply = self.replies.get_mut(&ticket.0)?.take()?;
        self.replies.remove(&ticket.0);
        Some(reply)
    }

    /// Hands in any input at the present moment and carries out what comes of it.
    pub fn give(&mut self, input: Input) {
        self.inputs.push_back(input);
        while let Some(input) = self.inputs.pop_front() {
            self.hub.handle(self.now, input, &mut self.outputs);
            self.note_changes();
            let mut outputs = std::mem::take(&mut self.outputs);
            outputs.drain(..).for_each(|output| self.carry_out(output));
            self.outputs = outputs;
        }
    }

    /// Lets the time go to `at`, with every scan, timer and turn of a partner on the way, in the order of their times.
    pub fn run_until(&mut self, at: Time) {
        while let Some(due) = self.next_due().filter(|due| *due <= at) {
            if due > self.now {
                (self.now, self.turns) = (due, 0);
            }
            self.turns += 1;
            if self.turns > TURNS_AT_ONCE_MAX {
                (self.now, self.turns) = (self.now + Duration::from_micros(1), 0);
            }
            self.turn();
        }
        self.now = self.now.max(at);
    }

    /// When something happens next if nobody says or asks anything; `None` when nothing will. Never before [`Rig::now`].
    pub fn next_due(&self) -> Option<Time> {
        let scans = self.engines.iter().filter_map(Driven::due);
        let scan = scans.min().and_then(|due| self.clock.when(due));
        let due = [self.links.due(), scan, self.hub.next_deadline()];
        due.into_iter().flatten().min().map(|due| due.max(self.now))
    }

    /// One thing that is due now.
    fn turn(&mut self) {
        if let Some(event) = self.links.take_arrived(self.now) {
            self.arrived(event);
            return;
        }
        let time = self.clock.at(self.now);
        if let Some(driven) = self.engines.iter_mut().find(|driven| driven.is_due(time)) {
            driven.border(time);
            let input = driven.tell();
            input.into_iter().for_each(|input| self.give(input));
            return;
        }
        match self.links.take_turn(self.now) {
            Some((conn, texts)) => self.speaks(conn, texts),
            None => self.give(Input::Tick),
        }
    }

    /// The value of a signal, by its name or symbol.
    pub fn value(&self, name: &str) -> Option<Value> {
        let id = self.hub.find(name)?;
        Some(self.hub.change(id).value.clone())
    }

    /// The number of a context, by its id or name.
    pub fn plc(&self, name: &str) -> Option<PlcId> {
        self.hub.plcs.find(name).map(|context| context.plc)
    }

    /// The state of the engine of a context; `None` where there is none.
    pub fn state(&self, plc: PlcId) -> Option<ControllerState> {
        self.engine(plc).map(|driven| driven.engine.state())
    }

    /// Scans that the engine of a context has executed since its program was loaded or reset; `None` where there is none.
    pub fn scans(&self, plc: PlcId) -> Option<u64> {
        self.engine(plc).map(Driven::scans)
    }

    /// The moments, times and timings of the scans of a context from now on, instead of its period: the first of them is that of
    /// its next scan. Scans behind the last go on with the period. False when there is no such engine.
    pub fn set_schedule(&mut self, plc: PlcId, scans: VecDeque<Scheduled>) -> bool {
        let driven = self.engines.iter_mut().find(|driven| driven.plc == plc);
        driven.map(|driven| driven.schedule = scans).is_some()
    }

    /// Every change since the last call, in order: every value that a signal has had, not only its last. At most
    /// [`CHANGES_MAX`]; see [`Rig::changes_lost`].
    pub fn take_changes(&mut self) -> Vec<Changed> {
        self.changes.take()
    }

    /// Changes that were not kept, because nobody has fetched those before them.
    pub fn changes_lost(&self) -> u64 {
        self.changes.lost()
    }

    fn engine(&self, plc: PlcId) -> Option<&Driven> {
        self.engines.iter().find(|driven| driven.plc == plc)
    }

    /// A partner has come: it has the connection that is given back. Its frames and texts take no time.
    pub fn join(&mut self, partner: Box<dyn Partner>) -> ConnId {
        self.join_over(partner, Duration::ZERO)
    }
}
