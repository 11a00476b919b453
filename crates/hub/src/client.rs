//! One connection as the hub knows it.

use crate::access::Access;
use crate::api::Counters;
use crate::endpoint::Slot;
use crate::input::{ConnId, Face};
use crate::outlet::Outlet;
use crate::session::answer::Answer;
use crate::signal::{Generation, Pattern, SignalId, Value};
use crate::time::Time;
use crate::view::GroupId;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// What a client has of its view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It gets no values.
    Idle,
    /// It has been told what its group has been told.
    Shared,
    /// It goes its own way: it was told up to here and gets one frame over the rest as soon as it can.
    Behind {
        /// What it was told.
        told: Generation,
        /// Since when it waits.
        since: Time,
    },
}

/// Which signals a client wants.
#[derive(Debug, PartialEq)]
pub(crate) enum View {
    /// It has not said; it gets all once it has begun (RV-11).
    Unsaid,
    /// Every signal of its endpoint.
    All,
    /// A list; names that do not exist yet wait here (RV-12).
    List {
        /// Names without a signal so far.
        missing: FxHashSet<Box<str>>,
    },
    /// Names and patterns of a live channel.
    Patterns {
        /// Exact names, canonical.
        names: FxHashSet<Box<str>>,
        /// Patterns.
        patterns: Vec<Pattern>,
    },
}

/// A burst that arrived after a silence of the peer or of the hub: the newest value of each signal (by slot), until the line is
/// calm.
#[derive(Debug)]
pub(crate) struct Burst {
    pub(crate) began: Time,
    pub(crate) until: Time,
    /// The hub was the silent one: it did not run.
    pub(crate) is_ours: bool,
    /// Another sign of life than values came meanwhile.
    pub(crate) has_sign: bool,
    pub(crate) values: FxHashMap<Slot, Value>,
}

/// A value that was sent because it was owed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwedSent {
    pub(crate) at: Time,
    pub(crate) rounds: u32,
}

/// A signal that is owed when its client has been quiet about it for a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settling {
    pub(crate) due: Time,
    pub(crate) rounds: u32,
}

/// What was logged once for a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said {
    pub(crate) malformed: bool,
    pub(crate) binary: bool,
    pub(crate) legacy: bool,
    pub(crate) version: bool,
    pub(crate) before_init: bool,
    pub(crate) unknown_type: bool,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) face: Face,
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) path: String,
    /// What it may do.
    pub(crate) access: Arc<Access>,
    pub(crate) connected_at: Time,
    pub(crate) said: Said,
    pub(crate) counters: Counters,
    pub(crate) outlet: Outlet,
    /// It was within the limit of clients and is counted.
    pub(crate) is_admitted: bool,
    pub(crate) is_closing: bool,
    pub(crate) alarm: Option<Time>,

    // Liveness.
    pub(crate) last_seen: Time,
    /// The hub itself did not run before this: the silence until then is not the peer's.
    pub(crate) judged_from: Time,
    pub(crate) rtt: Option<Duration>,
    pub(crate) ping_sent_at: Option<Time>,
    pub(crate) next_ping: Time,
    pub(crate) next_tick: Time,
    pub(crate) is_stale: bool,

    // What it gets.
    pub(crate) view: View,
    pub(crate) group: Option<GroupId>,
    pub(crate) step: Step,
    pub(crate) has_begun: bool,
    pub(crate) begins_at: Option<Time>,
    pub(crate) holds_until: Option<Time>,
    pub(crate) answer: Option<Answer>,
    /// Its settings are on the way to the disk: its next words are heard when they are there.
    pub(crate) is_saving: bool,
    pub(crate) pending: VecDeque<Pending>,

    // What it writes, and what may cross on the way.
    pub(crate) has_sent_data: bool,
    pub(crate) writes: usize,
    /// Signals of which it may hold another value than the stored one: they go out with its next frame. The number counts
    /// how often in a row the same signal was owed because its own writes met what was owed before.
    pub(crate) owed: FxHashMap<SignalId, u32>,
    /// What was owed and sent within the last second.
    pub(crate) owed_sent: FxHashMap<SignalId, OwedSent>,
    /// Signals that are owed once the client has been quiet about them.
    pub(crate) settling: FxHashMap<SignalId, Settling>,
    /// When to look at them next, not later than the first of them is due.
    pub(crate) settles_at: Option<Time>,
    pub(crate) baseline_at: Option<Time>,
    pub(crate) returned: u8,
    pub(crate) last_returned: Generation,
    pub(crate) is_echoer: bool,
    pub(crate) burst: Option<Burst>,
    pub(crate) import_asked_at: Option<Time>,
}

/// A message that waits while a large answer is built for its sender.
#[derive(Debug)]
pub(crate) enum Pending {
    /// Of the realvirtual protocol.
    Realvirtual(crosstie_wire::realvirtual::Message),
    /// Of our live channel.
    Live(crosstie_wire::live::Request),
}

/// The shortest time in which two values may cross on a link.
const CROSSING_MIN: Duration = Duration::from_millis(5);
/// The longest.
const CROSSING_MAX: Duration = Duration::from_secs(1);
/// A link that answers no ping for so long is dropped (RV-53).
const DROPPED_AFTER: Duration = Duration::from_secs(40);

impl Client {
    pub(crate) fn new(now: Time, face: Face, (address, path): (String, String), access: Arc<Access>) -> Client {
        Client {
            face,
            name: String::new(),
            address,
            path,
            access,
            connected_at: now,
            said: Said::default(),
            counters: Counters::default(),
            outlet: Outlet::default(),
            is_admitted: false,
            is_closing: false,
            alarm: None,
            last_seen: now,
            judged_from: now,
            rtt: None,
            ping_sent_at: None,
            next_ping: now,
            next_tick: now,
            is_stale: false,
            view: View::Unsaid,
            group: None,
            step: Step::Idle,
            has_begun: false,
            begins_at: None,
            holds_until: None,
            answer: None,
            is_saving: false,
            pending: VecDeque::new(),
            has_sent_data: false,
            writes: 0,
            owed: FxHashMap::default(),
            owed_sent: FxHashMap::default(),
            settling: FxHashMap::default(),
            settles_at: None,
            baseline_at: None,
            returned: 0,
            last_returned: Generation(0),
            is_echoer: false,
            burst: None,
            import_asked_at: None,
        }
    }

    /// What people call it: its own name, or its address while it has none.
    pub(crate) fn title(&self) -> &str {
        if self.name.is_empty() {
            &self.address
        } else {
            &self.name
        }
    }

    /// Since when it has given no sign of life while the hub listened.
    pub(crate) fn silent_since(&self) -> Time {
        self.last_seen.max(self.judged_from)
    }

    /// Since when its socket could have taken something and did not.
    pub(crate) fn not_reading_since(&self) -> Option<Time> {
        self.outlet.stuck_since().map(|since| since.max(self.judged_from))
    }

    /// Values sent to it less than this ago may still be on their way while it writes: twice its round trip, and as long as it
    /// takes when the round trip is not known or an answer is overdue.
    pub(crate) fn crossing_since(&self, now: Time) -> Time {
        let overdue = self.ping_sent_at.is_some_and(|sent| now.since(sent) > CROSSING_MAX);
        if self.outlet.stuck_since().is_some() || overdue {
            return Time::ZERO;
        }
        let outstanding = self.ping_sent_at.map_or(Duration::ZERO, |sent| now.since(sent));
        let round_trip = self.rtt.unwrap_or(CROSSING_MAX).max(outstanding);
        now - (round_trip * 2).clamp(CROSSING_MIN, CROSSING_MAX)
    }

    /// It may be given values now.
    pub(crate) fn takes_values(&self) -> bool {
        self.outlet.stuck_since().is_none() && self.answer.is_none() && self.holds_until.is_none() && !self.is_closing
    }

    /// Takes what is owed for a frame that is sent now, in a stable order, and remembers it for a second.
    pub(crate) fn take_owed(&mut self, now: Time) -> Vec<SignalId> {
        self.owed_sent.retain(|_, sent| now.since(sent.at) <= CROSSING_MAX);
        let mut owed: Vec<(SignalId, u32)> = self.owed.drain().collect();
        owed.sort_unstable();
        for (id, rounds) in &owed {
            self.owed_sent.insert(
                *id,
                OwedSent {
                    at: now,
                    rounds: *rounds,
                },
            );
        }
        owed.into_iter().map(|(id, _)| id).collect()
    }

    /// The client has written a signal that was owed to it within the last second, so the two may have met on the way. It is
    /// owed again, but only when the client is quiet about it, and each time later: two values that chase each other through
    /// a peer that returns everything come to rest.
    pub(crate) fn settle(&mut self, now: Time, id: SignalId) {
        let Some(sent) = self
            .owed_sent
            .get(&id)
            .filter(|sent| now.since(sent.at) <= CROSSING_MAX)
        else {
            return;
        };
        let rounds = sent.rounds;
        let window = now.since(self.crossing_since(now)).clamp(CROSSING_MIN, CROSSING_MAX);
        let quiet = (window * 2_u32.pow(rounds.min(10))).min(CROSSING_MAX);
        let due = now + quiet;
        self.settling.insert(
            id,
            Settling {
                due,
                rounds: rounds + 1,
            },
        );
        self.settles_at = Some(self.settles_at.map_or(due, |at| at.min(due)));
    }

    /// Takes the signals of which the client has been quiet for long enough into what it is owed; true when there are some.
    pub(crate) fn settle_due(&mut self, now: Time) -> bool {
        if self.settles_at.is_none_or(|at| now < at) {
            return false;
        }
        let due: Vec<SignalId> = self
            .settling
            .iter()
            .filter(|(_, settling)| now >= settling.due)
            .map(|(id, _)| *id)
            .collect();
        for id in &due {
            if let Some(settling) = self.settling.remove(id) {
                self.owed.insert(*id, settling.rounds);
            }
        }
        self.settles_at = self.settling.values().map(|settling| settling.due).min();
        !due.is_empty()
    }

    /// When it counts as dead unless it gives a sign of life before. A client with a full socket may only be slow. A server that
    /// takes nothing and says nothing either is half-open: a link must not wait until the system notices.
    pub(crate) fn dead_at(&self) -> Option<Time> {
        let since = match (self.outlet.stuck_since(), self.face) {
            (None, _) => self.ping_sent_at?,
            (Some(stuck), Face::Link(_) | Face::Engine(_) | Face::Gama) => stuck,
            (Some(_), _) => return None,
        };
        Some(since.max(self.silent_since()) + DROPPED_AFTER)
    }

    /// The hub's own pings are answered by whoever reads; how far apart they stand depends on what hangs on the answer (RV-53).
    pub(crate) fn ping_every(&self) -> Duration {
        if self.writes > 0 {
            Duration::from_secs(2)
        } else {
            Duration::from_secs(20)
        }
    }
}

/// All connections.
pub(crate) type Clients = FxHashMap<ConnId, Client>;
