//! How the link to one engine stands, what is waited for, and what is due when. Nothing here sends or stores.

use crate::api::plc::{EngineLink, LinkColor};
use crate::input::ConnId;
use crate::plc::Program;
use crate::settings::RemoteSettings;
use crate::time::Time;
use crosstie_ladder::address::Address;
use crosstie_ladder::data_table::CellValue;
use crosstie_wire::piplc::Dialect;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// A lost link is tried again after this, for ever (PL-90).
const RETRY_AFTER: Duration = Duration::from_secs(3);
/// A request without a reply for so long is given up; before the link is up that ends the connection.
const REPLY_MAX: Duration = Duration::from_secs(5);
/// A stream of snapshots that is silent for so long is dead, and its connection with it.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// The program is fetched so often although nothing points to another one.
const UPLOAD_EVERY: Duration = Duration::from_secs(30);
/// The program is fetched so often at most: an engine that is stepped changes its state all the time.
const UPLOAD_PAUSE: Duration = Duration::from_secs(1);
/// Documents that are remembered as the engine showed them after downloads from here; an older one counts as foreign.
const SHOWN_MAX: usize = 8;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// No connection: the next attempt is due some time.
    Waiting,
    /// A connection is being made.
    Dialling,
    /// Connected, and no snapshot has come yet.
    Greeting,
    /// Snapshots come.
    Up,
}

/// What a reply answers.
#[derive(Debug)]
pub(super) enum What {
    Hello,
    Subscribe,
    /// `follows`: it was sent right behind a download from here.
    Upload {
        follows: bool,
    },
    /// How the engine stands, asked because it gives no program.
    Info {
        error: String,
    },
    /// The same, for its provider and scan time.
    About,
    Statistics,
    /// An order, and what it has done to the memory when it was executed.
    Order {
        number: u64,
        done: Done,
    },
    /// A command whose order is answered by the question behind it.
    Command {
        number: u64,
        state_seq: i32,
    },
    /// The program that was put back.
    PutBack,
}

/// What an order has done when it was executed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Done {
    Nothing,
    Loaded,
    Wrote(Box<[(Address, CellValue)]>),
    /// A bit, and what it has become.
    Toggled(Address, bool),
    Forced(Address, CellValue),
    Unforced(Address),
    ClearedForces,
}

#[derive(Debug)]
struct Pending {
    due: Time,
    what: What,
}

/// What is due.
#[derive(Debug)]
pub(super) enum Due {
    Dial,
    Upload,
    /// The connection is good for nothing.
    Failed(String),
    /// The order of this number.
    Unanswered(u64),
    UploadUnanswered,
}

/// Why a link that works is yellow all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reservation {
    /// The program that was downloaded here was put back; nobody has started it.
    NotStarted,
    /// About programs.
    Program(String),
}

/// A program that somebody downloaded through this hub.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) program: Arc<Program>,
    pub(super) by: Box<str>,
    /// As the engine shows it; `None` while that is not known.
    pub(super) shown: Option<Arc<str>>,
}

/// The link to the engine of one context.
#[derive(Debug)]
pub(crate) struct EngineClient {
    pub(super) settings: RemoteSettings,
    pub(super) phase: Phase,
    /// Number of the dial that is not answered.
    pub(super) dial: Option<u64>,
    pub(super) conn: Option<ConnId>,
    retry_at: Option<Time>,
    /// Failures since the link was up.
    attempts: u32,
    failure: Option<String>,
    pub(super) server: Option<String>,
    pub(super) dialect: Dialect,
    is_greeted: bool,
    /// Id of the context that is meant, as the engine gave it.
    pub(super) context: Option<Box<str>>,
    last_seq: i32,
    pending: BTreeMap<i32, Pending>,
    /// When the last snapshot came, or the connection began.
    fresh_at: Time,
    /// The interval of the stream as the engine has set it.
    pub(super) interval: Duration,
    /// Scans when they were told last.
    pub(super) scans: u64,
    /// The rung before which the engine waits.
    pub(super) next_rung: Option<u32>,
    /// Name of the engine's I/O provider.
    pub(super) provider: Option<String>,
    next_upload: Option<Time>,
    uploaded_at: Option<Time>,
    /// The program of the newest download has been taken, and how the engine shows it is not known yet.
    pub(super) just_placed: bool,
    pub(super) placed: Option<Placed>,
    /// What the engine showed after downloads from here, oldest first.
    ours: VecDeque<Arc<str>>,
    /// The link was lost since the program was seen last: what was downloaded here may have to come back.
    pub(super) returns: bool,
    pub(super) reservation: Option<Reservation>,
    pub(super) alarm: Option<Time>,
    /// How it was shown last.
    pub(super) shown: Option<(LinkColor, Option<String>)>,
}

impl EngineClient {
    pub(super) fn new(settings: RemoteSettings) -> EngineClient {
        EngineClient {
            settings,
            phase: Phase::Waiting,
            dial: None,
            conn: None,
            retry_at: Some(Time::ZERO),
            attempts: 0,
            failure: None,
            server: None,
            dialect: Dialect::V02,
            is_greeted: false,
            context: None,
            last_seq: 0,
            pending: BTreeMap::new(),
            fresh_at: Time::ZERO,
            interval: Duration::ZERO,
            scans: 0,
            next_rung: None,
            provider: None,
            next_upload: None,
            uploaded_at: None,
            just_placed: false,
            placed: None,
            ours: VecDeque::new(),
            returns: false,
            reservation: None,
            alarm: None,
            shown: None,
        }
    }

    /// Snapshots come: the engine can be asked.
    pub(super) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// Name of what moves the engine's inputs and outputs, as it says itself.
    pub(crate) fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    pub(super) fn dialled(&mut self, dial: u64) {
        self.phase = Phase::Dialling;
        self.dial = Some(dial);
        self.retry_at = None;
    }

    pub(super) fn connected(&mut self, now: Time, conn: ConnId) {
        self.phase = Phase::Greeting;
        self.dial = None;
        self.conn = Some(conn);
        self.dialect = Dialect::V02;
        self.is_greeted = false;
        self.context = None;
        self.fresh_at = now;
        self.interval = Duration::ZERO;
        self.next_rung = None;
    }

    /// The engine has answered the hello.
    pub(super) fn greeted(&mut self, dialect: Dialect) {
        self.dialect = dialect;
        self.is_greeted = true;
    }

    /// A snapshot has come; true for the first of a connection.
    pub(super) fn heard(&mut self, now: Time) -> bool {
        self.fresh_at = now;
        if self.phase != Phase::Greeting {
            return false;
        }
        self.phase = Phase::Up;
        self.attempts = 0;
        self.failure = None;
        self.returns = self.placed.is_some();
        self.reservation = None;
        true
    }

    /// The attempt has failed; gives the orders that nobody will answer any more.
    pub(super) fn failed(&mut self, now: Time, reason: &str) -> Vec<u64> {
        self.phase = Phase::Waiting;
        self.dial = None;
        self.conn = None;
        self.retry_at = Some(now + RETRY_AFTER);
        self.attempts = self.attempts.saturating_add(1);
        self.failure = Some(reason.to_owned());
        self.next_upload = None;
        self.just_placed = false;
        let pending = std::mem::take(&mut self.pending);
        let orders = pending.into_values().filter_map(|pending| match pending.what {
            What::Order { number, .. } => Some(number),
            _ => None,
        });
        orders.collect()
    }

    fn next_seq(&self) -> i32 {
        // Zero is the number of what nobody waits for.
        self.last_seq.checked_add(1).unwrap_or(1)
    }

    /// The number of the request after so many others.
    pub(super) fn next_seq_after(&self, others: i32) -> i32 {
        (0..others).fold(self.next_seq(), |seq, _| seq.checked_add(1).unwrap_or(1))
    }

    /// Waits for a reply; gives the number of its request.
    pub(super) fn awaits(&mut self, now: Time, what: What) -> i32 {
        let (seq, due) = (self.next_seq(), now + REPLY_MAX);
        self.last_seq = seq;
        self.pending.insert(seq, Pending { due, what });
        seq
    }

    /// What a reply answers; `None` when nobody waits for it.
    pub(super) fn take_pending(&mut self, seq: i32) -> Option<What> {
        self.pending.remove(&seq).map(|pending| pending.what)
    }

    // The program.

    /// The program may be another one.
    pub(super) fn wants_upload(&mut self, now: Time) {
        let at = self.uploaded_at.map_or(now, |at| now.max(at + UPLOAD_PAUSE));
        self.next_upload = Some(self.next_upload.map_or(at, |next| next.min(at)));
    }

    pub(super) fn uploads(&mut self, now: Time) {
        self.uploaded_at = Some(now);
        self.next_upload = Some(now + UPLOAD_EVERY);
    }

    /// Somebody has downloaded a program through this hub.
    pub(super) fn placed(&mut self, program: Arc<Program>, by: Box<str>) {
        self.placed = Some(Placed {
            program,
            by,
            shown: None,
        });
        self.just_placed = true;
        self.returns = false;
        self.reservation = None;
    }

    /// This is how the engine shows what was downloaded here last.
    pub(super) fn shows_placed(&mut self, document: &Arc<str>) {
        self.just_placed = false;
        if let Some(placed) = &mut self.placed {
            placed.shown = Some(document.clone());
        }
        if !self.ours.contains(document) {
            self.ours.push_back(document.clone());
        }
        if self.ours.len() > SHOWN_MAX {
            self.ours.pop_front();
        }
    }

    /// The engine shows a document that a download from here has led to.
    pub(super) fn is_ours(&self, document: &str) -> bool {
        self.ours.iter().any(|ours| &**ours == document)
    }

    /// What was downloaded here is not to come back any more.
    pub(super) fn forget_placed(&mut self) {
        self.placed = None;
        self.just_placed = false;
        self.returns = false;
        self.reservation = None;
    }

    /// The engine runs, or somebody has told it to.
    pub(super) fn note_started(&mut self) {
        if self.reservation == Some(Reservation::NotStarted) {
            self.reservation = None;
        }
    }

    // Time.

    fn silence_max(&self) -> Duration {
        SILENCE_MAX.max(self.interval * 3)
    }

    /// Takes one thing that is due.
    pub(super) fn take_due(&mut self, now: Time, judged_from: Time) -> Option<Due> {
        if self.retry_at.take_if(|at| *at <= now).is_some() {
            return Some(Due::Dial);
        }
        self.conn?;
        self.fresh_at = self.fresh_at.max(judged_from);
        for pending in self.pending.values_mut() {
            pending.due = pending.due.max(judged_from + REPLY_MAX);
        }
        if now.since(self.fresh_at) >= self.silence_max() {
            return Some(Due::Failed(match (self.phase, self.is_greeted) {
                (Phase::Greeting, false) => String::from("no PiPLC engine: hello is not answered"),
                (Phase::Greeting, true) => String::from("the engine sends no snapshots"),
                _ => format!("no snapshot for {} s", self.silence_max().as_secs()),
            }));
        }
        let late = self.pending.iter().find(|(_, pending)| pending.due <= now);
        if let Some(seq) = late.map(|(seq, _)| *seq) {
            return match self.take_pending(seq) {
                Some(What::Order { number, .. }) => Some(Due::Unanswered(number)),
                Some(What::Upload { .. } | What::PutBack | What::Info { .. }) => Some(Due::UploadUnanswered),
                Some(What::Hello | What::Subscribe) => {
                    Some(Due::Failed(String::from("no PiPLC engine: hello is not answered")))
                }
                // Nobody misses it; what is late behind it comes with the next look.
                Some(What::About | What::Statistics | What::Command { .. }) | None => self.take_due(now, judged_from),
            };
        }
        if self.is_up() && self.next_upload.take_if(|at| *at <= now).is_some() {
            return Some(Due::Upload);
        }
        None
    }

    /// When something is due next.
    pub(super) fn next_due(&self) -> Option<Time> {
        let is_there = self.conn.is_some();
        let silence = is_there.then(|| self.fresh_at + self.silence_max());
        let reply = self.pending.values().map(|pending| pending.due).min();
        let upload = self.next_upload.filter(|_| self.is_up());
        [self.retry_at, silence, reply, upload].into_iter().flatten().min()
    }

    // How it stands.

    /// The colour of the link, and why it is not green.
    pub(super) fn color(&self) -> (LinkColor, Option<&str>) {
        match (self.phase, &self.failure, &self.reservation) {
            (Phase::Up, _, None) => (LinkColor::Green, None),
            (Phase::Up, _, Some(Reservation::NotStarted)) => (
                LinkColor::Yellow,
                Some("the program that was downloaded here was put back and is not started: commands are not repeated"),
            ),
            (Phase::Up, _, Some(Reservation::Program(reason))) => (LinkColor::Yellow, Some(reason)),
            (_, Some(reason), _) => (LinkColor::Red, Some(reason)),
            (_, None, _) => (LinkColor::Yellow, Some("connecting")),
        }
    }

    /// Why a command is refused while the link is down.
    pub(super) fn down_text(&self) -> String {
        let reason = self.failure.as_deref().unwrap_or("connecting");
        format!("the link to the engine is down ({reason}): a command is not kept until it returns")
    }

    pub(super) fn row(&self, now: Time) -> EngineLink {
        let (color, reason) = self.color();
        EngineLink {
            color,
            reason: reason.map(str::to_owned),
            url: self.settings.url.clone(),
            server: self.server.clone(),
            dialect: self.server.as_ref().map(|_| match self.dialect {
                Dialect::V01 => "0.1",
                Dialect::V02 => "0.2",
            }),
            remote_context: self.context.as_deref().map(str::to_owned),
            attempts: self.attempts,
            retry_in: self.retry_at.map(|at| at.since(now)),
        }
    }
}
