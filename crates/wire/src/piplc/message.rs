//! What a client sends.

use super::dialect::Dialect;
use super::reply::ReplyTo;
use super::{ROUTE_INTERVAL_MS_DEFAULT, SEQ_NONE};
use crate::error::DecodeError;

/// A request with what every request carries.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// The client's number for this request, echoed by the reply; [`SEQ_NONE`] when it is missing or does not fit (PL-4).
    pub seq: i32,
    /// The context that is addressed; `None` when the field is missing or empty: the first one (PL-6).
    pub context_id: Option<Box<str>>,
    /// What is asked for.
    pub request: Request,
}

/// A message that is no request, with what an answer has to carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct RequestError {
    /// The `seq` of the message, when it could be read.
    pub seq: Option<i32>,
    /// The context that is addressed, when it could be read.
    pub context_id: Option<Box<str>>,
    /// Which request it was meant to be, when that could be read.
    pub kind: Option<RequestKind>,
    /// What was expected, and where.
    #[source]
    pub error: DecodeError,
}

impl RequestError {
    /// What the error reply answers.
    pub fn reply_to(&self) -> ReplyTo<'_> {
        match (self.kind, &self.error) {
            (Some(kind), _) => ReplyTo::Request(kind),
            (None, DecodeError::UnknownType { type_name }) => ReplyTo::Unknown(type_name),
            (None, _) => ReplyTo::Unreadable,
        }
    }

    /// The `seq` of the error reply; `None` when there is none to be sent (PL-5): nothing that could be answered was read, or
    /// the dialect does not answer such a message.
    pub fn reply_seq(&self, dialect: Dialect) -> Option<i32> {
        match (self.kind, &self.error, dialect) {
            (Some(kind), _, _) => kind.is_answered(dialect).then(|| self.seq.unwrap_or(SEQ_NONE)),
            // compat: PL-9, the old generation is silent about what it does not know.
            (None, _, Dialect::V01) => None,
            (None, _, Dialect::V02) => self.seq,
        }
    }
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Who the client is; the first message (PL-2).
    Hello(Hello),
    /// A command to the engine (PL-10). Shape: `{"type":"engine.start","seq":2}`.
    Engine(EngineCommand),
    /// A new program (PL-11). Shape: `{"type":"program.download","seq":10,"format":"plcproj-xml","data":"<?xml …"}`; `projectXml`
    /// is another name of `data`.
    Download {
        /// The format, when the client said it.
        format: Option<Box<str>>,
        /// The document, as it was sent.
        document: Box<str>,
    },
    /// The program as it was downloaded (PL-12). Shape: `{"type":"program.upload","seq":11}`.
    Upload,
    /// No program any more (PL-13). Shape: `{"type":"program.clear","seq":12}`.
    Clear,
    /// Forces a bit (PL-14). Shape: `{"type":"memory.forceBit","seq":20,"address":"I:0/3","value":true}`.
    ForceBit {
        /// Which bit.
        target: BitTarget,
        /// What it is forced to.
        value: bool,
    },
    /// Ends the force of a bit (PL-14). Shape: `{"type":"memory.unforceBit","seq":21,"address":"I:0/3"}`.
    UnforceBit {
        /// Which bit.
        target: BitTarget,
    },
    /// Ends every force (PL-14). Shape: `{"type":"memory.clearAllForces","seq":22}`.
    ClearAllForces,
    /// Snapshots of the memory from now on (PL-15). Shape: `{"type":"memory.subscribe","seq":30,"intervalMs":50}`.
    Subscribe {
        /// The interval as it was asked for, see [`super::stream_interval_ms`]; `None` when it is missing or no whole number.
        interval_ms: Option<i64>,
    },
    /// No more snapshots (PL-15). Shape: `{"type":"memory.unsubscribe","seq":31}`.
    Unsubscribe,
    /// Writes a bit (PL-16). Shape: `{"type":"memory.writeBit","seq":33,"region":"B","word":0,"bit":0,"value":true}`.
    WriteBit {
        /// Which bit.
        target: BitTarget,
        /// The new value.
        value: bool,
    },
    /// Writes a word (PL-16). Shape: `{"type":"memory.writeInteger","seq":34,"region":"N","word":6,"value":-80}`.
    WriteInteger {
        /// Which word.
        target: WordTarget,
        /// The new value; which range it may have depends on the word.
        value: i64,
    },
    /// Writes members of a timer (PL-16).
    WriteTimer(TimerWrite),
    /// Writes members of a counter (PL-16).
    WriteCounter(CounterWrite),
    /// Pauses before a rung (PL-17). Shape: `{"type":"breakpoint.set","seq":58,"rungIndex":1}`.
    SetBreakpoint {
        /// The rung, counted from 0.
        rung_index: u32,
    },
    /// Does so no longer (PL-17). Shape: `{"type":"breakpoint.remove","seq":59,"rungIndex":1}`.
    RemoveBreakpoint {
        /// The rung, counted from 0.
        rung_index: u32,
    },
    /// No breakpoints any more (PL-17). Shape: `{"type":"breakpoint.clearAll","seq":60}`.
    ClearAllBreakpoints,
    /// Another I/O configuration (PL-18). Shape: `{"type":"ioconfig.load","seq":98,"config":{"providerType":"Virtual"}}`.
    LoadIoConfig {
        /// The configuration, in the order of the message.
        config: serde_json::Map<String, serde_json::Value>,
    },
    /// The state of the engine (PL-19). Shape: `{"type":"engine.state","seq":7}`.
    State,
    /// Scan times and counts (PL-19). Shape: `{"type":"engine.statistics","seq":8}`.
    Statistics,
    /// Name, program and I/O of the engine (PL-19). Shape: `{"type":"engine.info","seq":9}`.
    Info,
    /// A new route table (PL-20). Shape: `{"type":"route.sync","seq":93,"enabled":true,"routes":[…]}`.
    SyncRoutes {
        /// Whether routes run at all; true when the client does not say.
        enabled: bool,
        /// The table, in the order in which it is worked off.
        routes: Vec<Route>,
    },
    /// The route table (PL-20). Shape: `{"type":"route.list","seq":94}`.
    ListRoutes,
    /// A new context (PL-21). Shape: `{"type":"context.create","seq":69,"name":"Alpha"}`.
    CreateContext {
        /// The name it is to have; `None` when it is missing or empty.
        name: Option<Box<str>>,
    },
    /// Removes the context of the envelope, which is always named (PL-21). Shape: `{"type":"context.remove","seq":83,"contextId":"2d59"}`.
    RemoveContext,
    /// All contexts (PL-21). Shape: `{"type":"context.list","seq":82}`.
    ListContexts,
    /// A sign of life (PL-7), never answered. Shape: `{"type":"pong"}`.
    Pong,
}

/// Who a client is.
///
/// Shape: `{"type":"hello","seq":1,"protocolVersion":1,"clientName":"PiPLC Editor","clientVersion":"0.2.0"}`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hello {
    /// The version of the protocol, when the client said it; any is answered with [`super::VERSION`].
    pub protocol_version: Option<i64>,
    /// The name of the client program, when it has one.
    pub client_name: Option<Box<str>>,
    /// The version of the client program, when it has one; it decides on the [`Dialect`].
    pub client_version: Option<Box<str>>,
}

impl Hello {
    /// The dialect in which this client is answered (PL-9).
    pub fn dialect(&self) -> Dialect {
        Dialect::of_client_version(self.client_version.as_deref().unwrap_or_default())
    }
}

/// The commands to an engine (PL-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EngineCommand {
    /// Scans run.
    Start,
    /// Scans end, memory is kept.
    Stop,
    /// Scans wait after the current one.
    Pause,
    /// Scans go on.
    Resume,
    /// One scan.
    StepScan,
    /// One rung.
    StepRung,
    /// Stopped, with memory, forces, statistics and faults cleared.
    Reset,
}

/// A bit, in one of its spellings. An `address` that is there counts before the other spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BitTarget {
    /// `"address":"I:0/3"`, or a symbol.
    Address(Box<str>),
    /// `"region":"I","word":0,"bit":3`.
    Cell {
        /// The letter of the region, as it was written.
        region: Box<str>,
        /// The word within the region; whether there is such a word is not checked here.
        word: u32,
        /// The bit within the word; whether there is such a bit is not checked here.
        bit: u32,
    },
}

/// A word, in one of its spellings. An `address` that is there counts before the other spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WordTarget {
    /// `"address":"N:6"`, or a symbol.
    Address(Box<str>),
    /// `"region":"N","word":6`; `index` is another name of `word`, and a missing region is `N`.
    Cell {
        /// The letter of the region, as it was written.
        region: Box<str>,
        /// The word within the region; whether there is such a word is not checked here.
        word: u32,
    },
}

/// A timer or counter, in one of its spellings. An `address` that is there counts before the other spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotTarget {
    /// `"address":"T:4"`, or a symbol.
    Address(Box<str>),
    /// `"index":4`; `word` is another name.
    Index(u32),
}

/// New values for members of a timer; those that are missing are kept.
///
/// Shape: `{"type":"memory.writeTimer","seq":35,"index":4,"pre":500,"acc":0,"en":false,"tt":false,"dn":false}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerWrite {
    /// Which timer.
    pub target: SlotTarget,
    /// PRE in milliseconds.
    pub pre: Option<i16>,
    /// ACC in milliseconds.
    pub acc: Option<i16>,
    /// EN.
    pub en: Option<bool>,
    /// TT.
    pub tt: Option<bool>,
    /// DN.
    pub dn: Option<bool>,
}

/// New values for members of a counter; those that are missing are kept.
///
/// Shape: `{"type":"memory.writeCounter","seq":36,"index":4,"pre":5,"acc":0,"dn":false,"ov":false,"un":false,"cu":false,"cd":false}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterWrite {
    /// Which counter.
    pub target: SlotTarget,
    /// PRE.
    pub pre: Option<i16>,
    /// ACC.
    pub acc: Option<i16>,
    /// DN.
    pub dn: Option<bool>,
    /// OV.
    pub ov: Option<bool>,
    /// UN.
    pub un: Option<bool>,
    /// CU.
    pub cu: Option<bool>,
    /// CD.
    pub cd: Option<bool>,
}

/// One route between contexts (PL-20), as it is sent and as it is listed.
///
/// Shape: `{"routeId":"r1","srcContext":"ec03","srcAddress":"O:0/0","dstContext":"2d59","dstAddress":"B:1/1","dataType":1,"enabled":true,"intervalMs":50,"description":""}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The id of the route; `None` when it is missing or empty: the receiver gives one.
    pub route_id: Option<Box<str>>,
    /// The context that is read. What is missing is empty.
    pub src_context: Box<str>,
    /// The address that is read.
    pub src_address: Box<str>,
    /// The context that is written.
    pub dst_context: Box<str>,
    /// The address that is written.
    pub dst_address: Box<str>,
    /// A number for the kind of data; 0 when it is missing or, as some write it, a word.
    pub data_type: i32,
    /// Whether the route runs; true when it is missing.
    pub enabled: bool,
    /// How often it runs, in milliseconds; [`ROUTE_INTERVAL_MS_DEFAULT`] when it is missing.
    pub interval_ms: u32,
    /// A text for people; empty when it is missing.
    pub description: Box<str>,
}

impl Default for Route {
    fn default() -> Route {
        Route {
            route_id: None,
            src_context: Box::default(),
            src_address: Box::default(),
            dst_context: Box::default(),
            dst_address: Box::default(),
            data_type: 0,
            enabled: true,
            interval_ms: ROUTE_INTERVAL_MS_DEFAULT,
            description: Box::default(),
        }
    }
}

/// The types of requests, without what they carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// `hello`
    Hello,
    /// `engine.start` and the other commands
    Engine(EngineCommand),
    /// `program.download`
    Download,
    /// `program.upload`
    Upload,
    /// `program.clear`
    Clear,
    /// `memory.forceBit`
    ForceBit,
    /// `memory.unforceBit`
    UnforceBit,
    /// `memory.clearAllForces`
    ClearAllForces,
    /// `memory.subscribe`
    Subscribe,
    /// `memory.unsubscribe`
    Unsubscribe,
    /// `memory.writeBit`
    WriteBit,
    /// `memory.writeInteger`
    WriteInteger,
    /// `memory.writeTimer`
    WriteTimer,
    /// `memory.writeCounter`
    WriteCounter,
    /// `breakpoint.set`
    SetBreakpoint,
    /// `breakpoint.remove`
    RemoveBreakpoint,
    /// `breakpoint.clearAll`
    ClearAllBreakpoints,
    /// `ioconfig.load`
    LoadIoConfig,
    /// `engine.state`
    State,
    /// `engine.statistics`
    Statistics,
    /// `engine.info`
    Info,
    /// `route.sync`
    SyncRoutes,
    /// `route.list`
    ListRoutes,
    /// `context.create`
    CreateContext,
    /// `context.remove`
    RemoveContext,
    /// `context.list`
    ListContexts,
    /// `pong`
    Pong,
}

impl RequestKind {
    /// All kinds, in the order of the contract.
    pub const ALL: [RequestKind; 33] = [
        RequestKind::Hello,
        RequestKind::Engine(EngineCommand::Start),
        RequestKind::Engine(EngineCommand::Stop),
        RequestKind::Engine(EngineCommand::Pause),
        RequestKind::Engine(EngineCommand::Resume),
        RequestKind::Engine(EngineCommand::StepScan),
        RequestKind::Engine(EngineCommand::StepRung),
        RequestKind::Engine(EngineCommand::Reset),
        RequestKind::Download,
        RequestKind::Upload,
        RequestKind::Clear,
        RequestKind::ForceBit,
        RequestKind::UnforceBit,
        RequestKind::ClearAllForces,
        RequestKind::Subscribe,
        RequestKind::Unsubscribe,
        RequestKind::WriteBit,
        RequestKind::WriteInteger,
        RequestKind::WriteTimer,
        RequestKind::WriteCounter,
        RequestKind::SetBreakpoint,
        RequestKind::RemoveBreakpoint,
        RequestKind::ClearAllBreakpoints,
        RequestKind::LoadIoConfig,
        RequestKind::State,
        RequestKind::Statistics,
        RequestKind::Info,
        RequestKind::SyncRoutes,
        RequestKind::ListRoutes,
        RequestKind::CreateContext,
        RequestKind::RemoveContext,
        RequestKind::ListContexts,
        RequestKind::Pong,
    ];

    /// The type on the wire, such as `engine.start`.
    pub const fn type_name(self) -> &'static str {
        match self {
            RequestKind::Hello => "hello",
            RequestKind::Engine(EngineCommand::Start) => "engine.start",
            RequestKind::Engine(EngineCommand::Stop) => "engine.stop",
            RequestKind::Engine(EngineCommand::Pause) => "engine.pause",
            RequestKind::Engine(EngineCommand::Resume) => "engine.resume",
            RequestKind::Engine(EngineCommand::StepScan) => "engine.stepScan",
            RequestKind::Engine(EngineCommand::StepRung) => "engine.stepRung",
            RequestKind::Engine(EngineCommand::Reset) => "engine.reset",
            RequestKind::Download => "program.download",
            RequestKind::Upload => "program.upload",
            RequestKind::Clear => "program.clear",
            RequestKind::ForceBit => "memory.forceBit",
            RequestKind::UnforceBit => "memory.unforceBit",
            RequestKind::ClearAllForces => "memory.clearAllForces",
            RequestKind::Subscribe => "memory.subscribe",
            RequestKind::Unsubscribe => "memory.unsubscribe",
            RequestKind::WriteBit => "memory.writeBit",
            RequestKind::WriteInteger => "memory.writeInteger",
            RequestKind::WriteTimer => "memory.writeTimer",
            RequestKind::WriteCounter => "memory.writeCounter",
            RequestKind::SetBreakpoint => "breakpoint.set",
            RequestKind::RemoveBreakpoint => "breakpoint.remove",
            RequestKind::ClearAllBreakpoints => "breakpoint.clearAll",
            RequestKind::LoadIoConfig => "ioconfig.load",
            RequestKind::State => "engine.state",
            RequestKind::Statistics => "engine.statistics",
            RequestKind::Info => "engine.info",
            RequestKind::SyncRoutes => "route.sync",
            RequestKind::ListRoutes => "route.list",
            RequestKind::CreateContext => "context.create",
            RequestKind::RemoveContext => "context.remove",
            RequestKind::ListContexts => "context.list",
            RequestKind::Pong => "pong",
        }
    }

    /// The kind of a type on the wire; `None` for a type that the protocol does not have.
    pub fn of_type_name(type_name: &str) -> Option<RequestKind> {
        RequestKind::ALL.into_iter().find(|kind| kind.type_name() == type_name)
    }

    /// Whether a request of this kind gets a reply: all but `pong`, and in dialect 0.1 all but `pong` and memory writes (PL-9).
    pub fn is_answered(self, dialect: Dialect) -> bool {
        match self {
            RequestKind::Pong => false,
            RequestKind::WriteBit | RequestKind::WriteInteger | RequestKind::WriteTimer | RequestKind::WriteCounter => {
                dialect == Dialect::V02
            }
            _ => true,
        }
    }
}

impl Request {
    /// The kind of this request.
    pub fn kind(&self) -> RequestKind {
        match self {
            Request::Hello(_) => RequestKind::Hello,
            Request::Engine(command) => RequestKind::Engine(*command),
            Request::Download { .. } => RequestKind::Download,
            Request::Upload => RequestKind::Upload,
            Request::Clear => RequestKind::Clear,
            Request::ForceBit { .. } => RequestKind::ForceBit,
            Request::UnforceBit { .. } => RequestKind::UnforceBit,
            Request::ClearAllForces => RequestKind::ClearAllForces,
            Request::Subscribe { .. } => RequestKind::Subscribe,
            Request::Unsubscribe => RequestKind::Unsubscribe,
            Request::WriteBit { .. } => RequestKind::WriteBit,
            Request::WriteInteger { .. } => RequestKind::WriteInteger,
            Request::WriteTimer(_) => RequestKind::WriteTimer,
            Request::WriteCounter(_) => RequestKind::WriteCounter,
            Request::SetBreakpoint { .. } => RequestKind::SetBreakpoint,
            Request::RemoveBreakpoint { .. } => RequestKind::RemoveBreakpoint,
            Request::ClearAllBreakpoints => RequestKind::ClearAllBreakpoints,
            Request::LoadIoConfig { .. } => RequestKind::LoadIoConfig,
            Request::State => RequestKind::State,
            Request::Statistics => RequestKind::Statistics,
            Request::Info => RequestKind::Info,
            Request::SyncRoutes { .. } => RequestKind::SyncRoutes,
            Request::ListRoutes => RequestKind::ListRoutes,
            Request::CreateContext { .. } => RequestKind::CreateContext,
            Request::RemoveContext => RequestKind::RemoveContext,
            Request::ListContexts => RequestKind::ListContexts,
            Request::Pong => RequestKind::Pong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_type() {
        for kind in RequestKind::ALL {
            assert_eq!(RequestKind::of_type_name(kind.type_name()), Some(kind));
        }
        assert_eq!(RequestKind::of_type_name("nonsense"), None);
        assert_eq!(RequestKind::of_type_name("engine.start.reply"), None);
    }

    #[test]
    fn pl9_memory_writes_are_answered_in_the_new_generation_only() {
        let unanswered = |dialect| {
            let kinds = RequestKind::ALL.into_iter().filter(|kind| !kind.is_answered(dialect));
            kinds.map(RequestKind::type_name).collect::<Vec<_>>()
        };
        assert_eq!(unanswered(Dialect::V02), ["pong"]);
        let writes = [
            "memory.writeBit",
            "memory.writeInteger",
            "memory.writeTimer",
            "memory.writeCounter",
            "pong",
        ];
        assert_eq!(unanswered(Dialect::V01), writes);
    }
}
