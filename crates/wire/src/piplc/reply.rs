//! What a server sends, apart from snapshots.

use super::message::{RequestKind, Route};
use super::state::EngineState;

/// What a reply answers; it decides on the type of the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyTo<'a> {
    /// A request of the protocol.
    Request(RequestKind),
    /// A request whose type the protocol does not have.
    Unknown(&'a str),
    /// A message whose type could not be read; the reply has the type `error.reply`.
    Unreadable,
}

/// What every reply carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyFront<'a> {
    /// What is answered.
    pub to: ReplyTo<'a>,
    /// The `seq` of the request.
    pub seq: i32,
    /// The context that was addressed, when there is one.
    pub context_id: Option<&'a str>,
}

/// The content of a reply, with `success` true unless it is [`Reply::Refused`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reply<'a> {
    /// It is done, there is nothing to tell.
    Done,
    /// It is not done.
    Refused {
        /// Why, and what to do.
        error: &'a str,
        /// The state of the engine, when the request was a command to it.
        state: Option<EngineState>,
        /// What is wrong with a program, when it was one; none for other requests.
        diagnostics: &'a [Diagnostic<'a>],
    },
    /// To `hello` (PL-3).
    Hello(&'a HelloReply<'a>),
    /// To a command (PL-10) and to `engine.state` (PL-19).
    State(EngineState),
    /// To `engine.statistics` (PL-19).
    Statistics(ScanStats),
    /// To `engine.info` (PL-19).
    Info(&'a EngineInfo<'a>),
    /// To `program.download` (PL-11): the program is there, with what is doubtful in it.
    Download {
        /// The warnings; mostly none.
        diagnostics: &'a [Diagnostic<'a>],
    },
    /// To `program.upload` (PL-12): the document as it was downloaded.
    Upload {
        /// The document.
        document: &'a str,
    },
    /// To `memory.subscribe` (PL-15).
    Subscribed {
        /// The interval that the stream has, in milliseconds.
        interval_ms: u32,
    },
    /// To `route.sync` (PL-20).
    RoutesSynced {
        /// How many routes the table has now.
        route_count: usize,
        /// The routes that are not in it.
        refused: &'a [RefusedRoute<'a>],
    },
    /// To `route.list` (PL-20).
    Routes {
        /// Whether routes run at all.
        enabled: bool,
        /// The table.
        routes: &'a [Route],
    },
    /// To `context.create` (PL-21); the id of the new context stands in the front.
    ContextCreated {
        /// Its name.
        name: &'a str,
    },
    /// To `context.list` (PL-21).
    Contexts(&'a [ContextRow<'a>]),
}

/// Who the server is and what it runs (PL-3).
///
/// Shape: `{"type":"hello.reply","seq":1,"protocolVersion":1,"serverName":"…","serverVersion":"…","engineId":"…","capabilities":[],"memoryLayout":{…},"success":true,"engineName":"…","engineState":"Stopped","contexts":[…],"ioConfig":{},"ioProviderName":"…"}`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HelloReply<'a> {
    /// The name of the server program.
    pub server_name: &'a str,
    /// The version of the server program.
    pub server_version: &'a str,
    /// An id that outlives restarts.
    pub engine_id: &'a str,
    /// Words such as `gpio` and `analog`.
    pub capabilities: &'a [&'a str],
    /// The name of the first context.
    pub engine_name: &'a str,
    /// The state of the first context.
    pub engine_state: EngineState,
    /// All contexts.
    pub contexts: &'a [ContextRow<'a>],
    /// The I/O configuration of the first context.
    pub io_config: &'a serde_json::Map<String, serde_json::Value>,
    /// The name of its I/O provider.
    pub io_provider_name: &'a str,
}

/// One context of a list.
///
/// Shape: `{"id":"ec03","contextId":"ec03","name":"Alpha","state":"Stopped","hasProgram":true}`; `contextId` only in the
/// reply to `context.list`, and not in dialect 0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextRow<'a> {
    /// The id.
    pub id: &'a str,
    /// The name for people.
    pub name: &'a str,
    /// What its engine does.
    pub state: EngineState,
    /// Whether it has a program.
    pub has_program: bool,
}

/// Name, program and I/O of an engine (PL-19).
///
/// Shape: `{"type":"engine.info.reply","seq":9,"success":true,"contextId":"ec03","name":"Alpha","state":"Stopped","hasProgram":false,"ioProvider":"…","ioProviderName":"…","scanTimeMs":10,"ioConfig":{}}`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EngineInfo<'a> {
    /// The name of the context.
    pub name: &'a str,
    /// What its engine does.
    pub state: EngineState,
    /// Whether it has a program.
    pub has_program: bool,
    /// The I/O provider.
    pub io_provider: &'a str,
    /// Its name for people.
    pub io_provider_name: &'a str,
    /// The target scan time in microseconds; on the wire in milliseconds, with a fraction where it has one.
    pub scan_time_us: u32,
    /// The I/O configuration.
    pub io_config: &'a serde_json::Map<String, serde_json::Value>,
}

/// Scan times and counts (PL-8, PL-19). Times are microseconds.
///
/// Shape: `{"scanCount":6,"lastScanTimeUs":47,"minScanTimeUs":47,"maxScanTimeUs":83,"avgScanTimeUs":62,"overrunCount":0,"targetScanTimeUs":10000}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScanStats {
    /// Scans so far.
    pub scan_count: u64,
    /// The last one.
    pub last_scan_time_us: u64,
    /// The shortest one.
    pub min_scan_time_us: u64,
    /// The longest one.
    pub max_scan_time_us: u64,
    /// The mean.
    pub avg_scan_time_us: u64,
    /// Scans that took longer than the target.
    pub overrun_count: u64,
    /// The time that a scan is to take; not in the reply of dialect 0.1.
    pub target_scan_time_us: u64,
}

/// What is wrong or doubtful in a program (PL-11, PL-80).
///
/// Shape: `{"code":"E101","rung":3,"column":5,"line":12,"character":8,"text":"…"}`; what is not known is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Diagnostic<'a> {
    /// The rule, such as `E101` or `W001`.
    pub code: &'a str,
    /// The rung, counted from 0.
    pub rung: Option<u32>,
    /// The column of the instruction within its rung.
    pub column: Option<u32>,
    /// The line of the document, counted from 1.
    pub line: Option<u32>,
    /// The character within the line, counted from 1.
    pub character: Option<u32>,
    /// What it is and what to do.
    pub text: &'a str,
}

/// A route that is not taken into the table (PL-20).
///
/// Shape: `{"routeId":"r1","error":"…"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedRoute<'a> {
    /// The id of the route, empty when it has none.
    pub route_id: &'a str,
    /// Why, and what to do.
    pub error: &'a str,
}

/// What a server says without being asked (PL-7, PL-8, PL-20).
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Shape: `{"type":"event.stateChanged","state":"Running","contextId":"ec03"}`.
    StateChanged {
        /// What the engine does now.
        state: EngineState,
    },
    /// Shape: `{"type":"event.fault","message":"Division by zero at rung 3, column 5 (DIV)","rungIndex":3,"column":5,"contextId":"ec03"}`;
    /// dialect 0.1 has the message only.
    Fault {
        /// What went wrong, where, in words.
        message: Box<str>,
        /// The rung, counted from 0, when there is one.
        rung_index: Option<u32>,
        /// The column of the instruction within its rung, when there is one.
        column: Option<u32>,
    },
    /// Shape: `{"type":"event.breakpointHit","rungIndex":3,"contextId":"ec03"}`.
    BreakpointHit {
        /// The rung that is executed next, counted from 0.
        rung_index: u32,
    },
    /// Shape: `{"type":"event.scanStats","scanCount":6,…,"contextId":"ec03"}`, see [`ScanStats`].
    ScanStats(ScanStats),
    /// A question for a sign of life. Shape: `{"type":"event.ping"}`.
    Ping,
    /// The connection ends. Shape: `{"type":"event.disconnecting","reason":"Server shutting down"}`.
    Disconnecting {
        /// Why, in words.
        reason: Box<str>,
    },
    /// Another client has replaced the route table. Shape: `{"type":"event.routesChanged","enabled":true,"routes":[…]}`.
    RoutesChanged {
        /// Whether routes run at all.
        enabled: bool,
        /// The table.
        routes: Vec<Route>,
    },
}

impl Event {
    /// The type on the wire.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Event::StateChanged { .. } => "event.stateChanged",
            Event::Fault { .. } => "event.fault",
            Event::BreakpointHit { .. } => "event.breakpointHit",
            Event::ScanStats(_) => "event.scanStats",
            Event::Ping => "event.ping",
            Event::Disconnecting { .. } => "event.disconnecting",
            Event::RoutesChanged { .. } => "event.routesChanged",
        }
    }
}
