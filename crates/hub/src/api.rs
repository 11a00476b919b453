//! Questions and commands of our own API, and their answers, as plain data. The server's HTTP room gives them their JSON.

pub mod classroom;
pub mod plc;
pub mod replay;

use crate::clock::{ClockMode, ClockRow};
use crate::input::ConnId;
use crate::settings::{EndpointId, OnStale, Owner, RouteSetting, Transform};
use crate::signal::{Generation, Kind, Quality, SignalId, Value};
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the API asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    /// One page of the signal list.
    Signals(SignalQuery),
    /// One signal by its name in the space.
    Signal {
        /// The name.
        name: String,
    },
    /// An operator writes a signal.
    Write {
        /// The name.
        name: String,
        /// The value as it came; it is coerced to the kind.
        value: Value,
    },
    /// State of the endpoints.
    Endpoints,
    /// The connected clients.
    Clients,
    /// The routes.
    Routes,
    /// Add a route.
    AddRoute(Box<RouteSetting>),
    /// Change a route in place: nothing that its source says meanwhile is lost, and its counters go on.
    ChangeRoute {
        /// Its id.
        id: u32,
        /// What it is from now on.
        route: Box<RouteSetting>,
    },
    /// Would this route be added, or take the place of one that is there? Nothing is changed and nothing is carried.
    CheckRoute {
        /// The route.
        route: Box<RouteSetting>,
        /// Id of the one whose place it takes.
        instead_of: Option<u32>,
    },
    /// Remove a route.
    RemoveRoute {
        /// Its id.
        id: u32,
    },
    /// Lay all these routes, or none of them: those of the project file or of a table. A route that is there already, by its
    /// target (one with a pattern by both its names), is changed in place and keeps its id and its counters.
    SetRoutes {
        /// The routes.
        routes: Vec<RouteSetting>,
        /// Routes that are not among them are removed. Those of PiPLC's clients and those that signals of endpoints stand for stay.
        replace: bool,
    },
    /// Ask every peer of an endpoint for its catalog (RV-19, RV-35). A link that is down is connected for it, and a link that
    /// nobody has connected is disconnected afterwards. The answer comes when all have answered or ten seconds are over.
    Import {
        /// Name of the endpoint.
        endpoint: String,
    },
    /// Change settings of an endpoint: all keys are checked, saved, then applied, or none is.
    Configure {
        /// Name of the endpoint.
        endpoint: String,
        /// Keys as in the project file.
        changes: Vec<(String, serde_json::Value)>,
    },
    /// Connect the link of an endpoint, now, and keep it connected.
    Connect {
        /// Name of the endpoint.
        endpoint: String,
    },
    /// Disconnect the link of an endpoint and keep it so.
    Disconnect {
        /// Name of the endpoint.
        endpoint: String,
    },
    /// A person has seen a problem.
    Acknowledge {
        /// Its id; `None` for all.
        problem: Option<String>,
    },
    /// The driver has something that a person should know; the same id counts up.
    Report(Box<Report>),
    /// What the driver reported under this id is over.
    Clear {
        /// Its id.
        problem: String,
    },
    /// What is the hub's time, and how does it go?
    Clock,
    /// The hub's time goes otherwise from now on.
    SetClock(ClockMode),
    /// A stepped clock goes on by so much.
    StepClock(Duration),
    /// Everything about PLC contexts.
    Plc(plc::PlcRequest),
    /// Everything about the classroom.
    Classroom(classroom::ClassroomRequest),
    /// Everything about replays.
    Replay(replay::ReplayRequest),
    /// Is everything alive?
    Health,
}

/// A trouble of the driver's own: a full disk, a listener that takes no connections.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Stable key.
    pub id: String,
    /// It stops something from working.
    pub is_error: bool,
    /// What it is about.
    pub subject: String,
    /// What happened.
    pub text: String,
    /// What to do.
    pub hint: String,
}

/// Selects signals for one page.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SignalQuery {
    /// Substring of the name, any case; empty for all.
    pub filter: String,
    /// Pattern of the name; `None` for all.
    pub pattern: Option<String>,
    /// Only this quality, by its word.
    pub quality: Option<String>,
    /// Only this owner.
    pub owner: Option<Owner>,
    /// Go on after this id.
    pub after: Option<u32>,
    /// Rows wanted.
    pub limit: usize,
}

/// The answer.
#[derive(Clone, Debug)]
pub enum Reply {
    /// To [`Request::Signals`].
    Signals(SignalPage),
    /// To [`Request::Signal`].
    Signal(SignalRow, Time),
    /// To [`Request::Write`].
    Written {
        /// What is stored now.
        stored: Value,
        /// The stored value is not what was sent.
        coerced: bool,
        /// Generation of what is stored; of a place of a PLC, whose engine takes it at its next border, the newest generation.
        generation: Generation,
    },
    /// To [`Request::Endpoints`].
    Endpoints(Vec<EndpointRow>, Time),
    /// To [`Request::Clients`].
    Clients(Vec<ClientRow>, Time),
    /// To [`Request::Routes`].
    Routes(Vec<RouteRow>, Time),
    /// To [`Request::AddRoute`] and [`Request::ChangeRoute`].
    Route(Box<RouteRow>),
    /// To [`Request::SetRoutes`].
    RoutesSet(RoutesSet),
    /// To [`Request::Clock`], [`Request::SetClock`] and [`Request::StepClock`].
    Clock(ClockRow),
    /// To everything that has nothing more to say.
    Done,
    /// To [`Request::Import`].
    Imported(ImportReport),
    /// To [`Request::Plc`].
    Plc(plc::PlcReply),
    /// To [`Request::Classroom`].
    Classroom(classroom::ClassroomReply),
    /// To [`ReplayRequest::Fits`](replay::ReplayRequest::Fits): one each, in the same order.
    Replay(Vec<replay::Fit>),
    /// To [`Request::Health`].
    Health(HealthRow),
    /// Any request that cannot be carried out.
    Refused(Refused),
}

/// What became of the routes of [`Request::SetRoutes`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoutesSet {
    /// Routes that were not there.
    pub added: usize,
    /// Routes that are others than before.
    pub changed: usize,
    /// Routes that were there as they are.
    pub same: usize,
    /// Routes that are no longer there.
    pub removed: usize,
}

/// What an import brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Peers that were asked.
    pub asked: usize,
    /// Peers that answered.
    pub answered: usize,
    /// Signals in their catalogs.
    pub found: usize,
    /// Signals that were made.
    pub made: usize,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing has that name.
    #[error("no {what} is called '{name}'")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The value does not fit.
    #[error("'{name}': {expected}")]
    BadValue {
        /// The signal or key.
        name: String,
        /// What was expected.
        expected: String,
    },
    /// It would break a rule; the text names it.
    #[error("{0}")]
    Conflict(String),
    /// One of several routes cannot be laid, and so none is.
    #[error("route {}: {refused}", .index + 1)]
    Route {
        /// Which one, counted from 0.
        index: usize,
        /// Why.
        refused: Box<Refused>,
    },
    /// A limit is reached.
    #[error("{what}: the limit is {limit}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// An engine cannot do it in its state; the text says why.
    #[error("{0}")]
    Plc(String),
    /// The class cannot do it as it stands; the text says why.
    #[error("{0}")]
    Classroom(String),
    /// The project could not be written.
    #[error("not saved: {0}")]
    NotSaved(String),
    /// Whoever asks has not the right to it.
    #[error("{who} is {role} and may not {what}")]
    Forbidden {
        /// Who asked.
        who: Box<str>,
        /// Its role, by its word.
        role: &'static str,
        /// What was asked, as a verb.
        what: String,
    },
    /// The link that the value would go over is down: a command is executed now or not at all.
    #[error("the link '{endpoint}' is down: a command is not kept until it returns")]
    LinkDown {
        /// Name of the endpoint.
        endpoint: String,
    },
}

/// A page of signals.
#[derive(Clone, Debug)]
pub struct SignalPage {
    /// Time of the answer.
    pub now: Time,
    /// Newest generation.
    pub generation: Generation,
    /// Signals in the space.
    pub total: usize,
    /// Ask again with `after` = this, when there may be more.
    pub next: Option<u32>,
    /// The rows.
    pub rows: Vec<SignalRow>,
}

/// One signal.
#[derive(Clone, Debug)]
pub struct SignalRow {
    /// Its id.
    pub id: SignalId,
    /// Its name.
    pub name: String,
    /// What the program of its PLC calls it.
    pub symbol: Option<String>,
    /// Its kind.
    pub kind: Kind,
    /// Its value.
    pub value: Value,
    /// Its quality.
    pub quality: Quality,
    /// Why the quality is not good.
    pub reason: Option<String>,
    /// Who is meant to write it.
    pub owner: Owner,
    /// Who wrote it last, for people.
    pub writer: Option<String>,
    /// Two writers were seen.
    pub conflict: bool,
    /// Generation of its last change.
    pub generation: Generation,
    /// Time of its last change.
    pub changed_at: Time,
    /// Last sign of life of its writer.
    pub confirmed_at: Time,
}

/// What passed over an endpoint or a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages received.
    pub messages_in: u64,
    /// Frames sent.
    pub messages_out: u64,
    /// Payload bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Values received.
    pub updates_in: u64,
    /// Values sent.
    pub updates_out: u64,
    /// Frames that stand for more than one cycle because the client was slow.
    pub merged_frames: u64,
    /// Bursts after a silence that were applied newest-only.
    pub late_bursts: u64,
    /// What was ignored, by reason.
    pub ignored: Ignored,
}

/// What was ignored, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Writes to signals that the hub owns.
    pub owned: u64,
    /// Writes outside the rights of whoever sent them.
    pub forbidden: u64,
    /// Writes to names that nobody knows.
    pub unknown: u64,
    /// Values returned by an echoer.
    pub echo: u64,
    /// Values that fit no kind.
    pub bad_value: u64,
    /// Texts that are no message.
    pub malformed: u64,
    /// Messages of an unknown type.
    pub unknown_type: u64,
    /// Binary frames.
    pub binary: u64,
    /// Messages of the old v1 protocol.
    pub legacy: u64,
}

/// One endpoint.
#[derive(Clone, Debug)]
pub struct EndpointRow {
    /// Its id.
    pub id: EndpointId,
    /// Its name.
    pub name: String,
    /// Its URL.
    pub url: String,
    /// Connected clients; for a link 1 while it is connected.
    pub clients: usize,
    /// Its link, in the client role.
    pub link: Option<LinkRow>,
    /// Signals it shows.
    pub signals: usize,
    /// Its live settings, keys as in the project file.
    pub settings: Vec<(&'static str, serde_json::Value)>,
    /// What passed.
    pub counters: Counters,
}

/// How a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Nobody wants it: not connected at the start, or disconnected by somebody.
    Off,
    /// A connection is being made.
    Connecting,
    /// Connected; the server has not sent its catalog yet.
    Greeting,
    /// Connected, and the catalog is here.
    Connected,
    /// It failed and is tried again after a pause.
    Waiting,
    /// It failed as often as the settings allow.
    GivenUp,
}

impl LinkState {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            LinkState::Off => "off",
            LinkState::Connecting => "connecting",
            LinkState::Greeting => "greeting",
            LinkState::Connected => "connected",
            LinkState::Waiting => "waiting",
            LinkState::GivenUp => "given_up",
        }
    }
}

/// The link of an endpoint in the client role.
#[derive(Clone, Debug)]
pub struct LinkRow {
    /// How it stands.
    pub state: LinkState,
    /// The same in words, with the reason.
    pub text: String,
    /// Failures in a row.
    pub failures: u32,
    /// Attempts since the hub started.
    pub attempts: u64,
    /// When it is tried again.
    pub next_attempt_at: Option<Time>,
    /// Since when it is connected.
    pub connected_at: Option<Time>,
    /// Why the last attempt or connection ended.
    pub last_error: Option<String>,
    /// Signals in the catalog of the server.
    pub catalog: Option<usize>,
}

/// One connected client.
#[derive(Clone, Debug)]
pub struct ClientRow {
    /// Its id.
    pub id: ConnId,
    /// Name of its endpoint, or `live`.
    pub endpoint: String,
    /// `realvirtual` or `live`.
    pub protocol: &'static str,
    /// What it calls itself.
    pub name: String,
    /// Who that is: the name of its key, `this machine`, `anonymous`.
    pub who: Box<str>,
    /// Its role.
    pub role: crate::access::Role,
    /// Where it comes from.
    pub address: String,
    /// Path it asked for.
    pub path: String,
    /// Since when.
    pub connected_at: Time,
    /// Last sign of life.
    pub last_seen_at: Time,
    /// It writes and gave no sign for too long.
    pub stale: bool,
    /// `all`, `none`, `list`.
    pub view: &'static str,
    /// Signals in its view.
    pub view_len: usize,
    /// Signals whose last writer it is.
    pub writes: usize,
    /// It returns what it gets.
    pub echoer: bool,
    /// Measured round trip.
    pub rtt: Option<std::time::Duration>,
    /// How long its socket has been full.
    pub lag: std::time::Duration,
    /// What passed.
    pub counters: Counters,
}

/// Where a route comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteOrigin {
    /// The project file.
    Project,
    /// The API.
    Api,
    /// The route table that a client of PiPLC's protocol has sent.
    Piplc,
}

impl RouteOrigin {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            RouteOrigin::Project => "project",
            RouteOrigin::Api => "api",
            RouteOrigin::Piplc => "piplc",
        }
    }
}

/// One route.
#[derive(Clone, Debug)]
pub struct RouteRow {
    /// Its id.
    pub id: u32,
    /// Name of the source.
    pub from: String,
    /// Name of the target.
    pub to: String,
    /// Where it comes from.
    pub origin: RouteOrigin,
    /// Where the target is a place of a PLC: what becomes of it when the source is stale.
    pub on_stale: OnStale,
    /// Why it waits; `None` when it is active.
    pub waiting: Option<String>,
    /// Values passed.
    pub count: u64,
    /// Values that deadband, interval or map have withheld.
    pub held: u64,
    /// Values that could not be transformed, and why the last one could not.
    pub failed: u64,
    /// Why the last value could not be transformed; `None` since one could.
    pub error: Option<String>,
    /// Last value passed.
    pub last_value: Option<Value>,
    /// When, in the hub's time.
    pub last_at: Option<Time>,
    /// What becomes of values on the way.
    pub transform: Transform,
    /// The route with the pattern that this one stands for.
    pub pattern: Option<u32>,
    /// For a route with a pattern: how many routes it stands for now.
    pub fits: Option<usize>,
}

/// A thing that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Stable key: the same trouble counts up instead of repeating.
    pub id: String,
    /// It stops something from working, rather than being odd.
    pub is_error: bool,
    /// Name of the signal, endpoint or client.
    pub subject: String,
    /// What happened.
    pub text: String,
    /// What to do.
    pub hint: String,
    /// When it was first seen.
    pub first_seen: Time,
    /// When it was last seen.
    pub last_seen: Time,
    /// A person has seen it since it was last seen by the hub.
    pub is_acknowledged: bool,
    /// How often.
    pub count: u64,
}

/// Is everything alive?
#[derive(Clone, Debug)]
pub struct HealthRow {
    /// Time of the answer.
    pub now: Time,
    /// Name of the project.
    pub project: String,
    /// Signals in the space.
    pub signals: usize,
    /// Connected clients.
    pub clients: usize,
    /// Endpoints.
    pub endpoints: usize,
    /// Newest generation.
    pub generation: Generation,
    /// What is wrong, newest last.
    pub problems: Vec<Problem>,
}
