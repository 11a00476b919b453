//! What is answered.

use super::{Session, sees};
use crate::hub::Hub;
use crate::input::ConnId;
use crate::plc::context::Context;
use crate::plc::orders::OrderError;
use crate::plc::{PlcId, Program};
use crate::settings::PiplcSettings;
use crate::view::frame::into_bytes;
use bytes::Bytes;
use crosstie_ladder::controller::ControllerState;
use crosstie_ladder::diagnostic::Diagnostic;
use crosstie_ladder::program::Program as Logic;
use crosstie_ladder::project::{IoConfig, Project};
use crosstie_wire::frame::FrameBuilder;
use crosstie_wire::piplc::{
    self as wire, ContextRow, Dialect, EngineInfo, EngineState, Envelope, HelloReply, Reply, ReplyFront, ReplyTo,
    RequestError, RequestKind, ScanStats,
};
use serde_json::{Map, Value as Json};
use std::sync::Arc;

/// The answer to everything before `hello` (PL-2).
pub(super) const HANDSHAKE: &str = "handshake required: send 'hello' first";
/// How the server calls itself.
const SERVER_NAME: &str = "Crosstie";
/// The generation of the protocol that is spoken, as a version of the original server: clients tell from it how to spell.
const SERVER_VERSION: &str = "0.2.0";

/// What a reply repeats of its request.
#[derive(Debug, Clone)]
pub(super) struct Front {
    pub(super) kind: RequestKind,
    pub(super) seq: i32,
    /// The id of the context that is meant, once it is known.
    pub(super) context_id: Option<Box<str>>,
}

/// A reply that waits for engines.
#[derive(Debug)]
pub(super) struct Waited {
    pub(super) front: Front,
    pub(super) outcome: Outcome,
    /// Why an order was not carried out; the first that fails counts.
    error: Option<String>,
    /// Its devices are being opened.
    is_opening: bool,
}

/// What is answered, and done, when all orders are carried out.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Nothing more.
    Done,
    /// How the engine stands (PL-10).
    State,
    /// What is doubtful in the program (PL-11).
    Download(Vec<Diagnostic>),
    /// These inputs and outputs from now on (PL-18).
    IoConfig(Box<IoConfig>),
}

impl Front {
    pub(super) fn of(envelope: &Envelope) -> Front {
        Front {
            kind: envelope.request.kind(),
            seq: envelope.seq,
            context_id: None,
        }
    }

    fn reply_front(&self) -> ReplyFront<'_> {
        ReplyFront {
            to: ReplyTo::Request(self.kind),
            seq: self.seq,
            context_id: self.context_id.as_deref(),
        }
    }
}

impl Waited {
    pub(super) fn new(front: Front, outcome: Outcome) -> Waited {
        Waited {
            front,
            outcome,
            error: None,
            is_opening: false,
        }
    }

    pub(super) fn failed(&mut self, error: &OrderError) {
        self.error.get_or_insert_with(|| error.to_string());
    }

    /// The configuration that is to be opened now that the engine has stopped; given once.
    pub(super) fn take_to_open(&mut self) -> Option<IoConfig> {
        match &self.outcome {
            Outcome::IoConfig(config) if self.error.is_none() && !self.is_opening => {
                self.is_opening = true;
                Some(IoConfig::clone(config))
            }
            _ => None,
        }
    }

    /// Symbols and settings are others when this is over.
    pub(super) fn changes_what_follows(&self) -> bool {
        matches!(
            self.front.kind,
            RequestKind::Download | RequestKind::Clear | RequestKind::LoadIoConfig
        )
    }
}

impl Session {
    /// A reply as a frame.
    pub(super) fn reply(&self, front: &Front, reply: &Reply<'_>) -> Bytes {
        frame(|out| wire::write_reply(out, self.dialect, &front.reply_front(), reply))
    }
}

impl Hub {
    /// Answers a request that is over.
    pub(super) fn piplc_reply(&mut self, conn: ConnId, front: &Front, reply: &Reply<'_>, is_next: bool) {
        if let Some(session) = self.piplc.sessions.get(&conn)
            && front.kind.is_answered(session.dialect)
        {
            let bytes = session.reply(front, reply);
            self.piplc_answer(conn, bytes, is_next);
        }
    }

    /// Refuses a request. Before `hello` a `pong` is refused like everything else.
    pub(super) fn piplc_refuse(&mut self, conn: ConnId, front: &Front, error: &str, is_next: bool) {
        let Some(session) = self.piplc.sessions.get(&conn) else {
            return;
        };
        if session.actor.is_some() && !front.kind.is_answered(session.dialect) {
            if let Some(client) = self.clients.get_mut(&conn) {
                client.counters.ignored.bad_value += 1;
            }
            return;
        }
        let reply = Reply::Refused {
            error,
            state: self.piplc_state(front),
            diagnostics: &[],
        };
        let bytes = session.reply(front, &reply);
        self.piplc_answer(conn, bytes, is_next);
    }

    /// Answers a message that is no request (PL-5).
    pub(super) fn piplc_answer_error(
        &mut self,
        conn: ConnId,
        error: &RequestError,
        seq: i32,
        text: &str,
        is_next: bool,
    ) {
        let Some(session) = self.piplc.sessions.get(&conn) else {
            return;
        };
        // The context that was named, for somebody who may know that it exists; requests about no context name none.
        let named = error
            .context_id
            .as_deref()
            .filter(|id| !id.is_empty() && is_about_context(error.kind));
        let access = session.actor.as_ref().map(|actor| &actor.access);
        let context = named.and_then(|id| self.plcs.find(id));
        let context = context.filter(|context| access.is_some_and(|access| sees(access, context)));
        let front = ReplyFront {
            to: error.reply_to(),
            seq,
            context_id: context.map(|context| context.settings.id.as_str()),
        };
        let reply = Reply::Refused {
            error: text,
            state: None,
            diagnostics: &[],
        };
        let bytes = frame(|out| wire::write_reply(out, session.dialect, &front, &reply));
        self.piplc_answer(conn, bytes, is_next);
    }

    /// The reply to a request whose orders are answered.
    pub(super) fn piplc_finish(&mut self, conn: ConnId, plc: PlcId, waited: Waited) -> Bytes {
        let Waited {
            front, outcome, error, ..
        } = waited;
        let state = self.plcs.get(plc).map(|context| engine_state(context.state));
        let Some(session) = self.piplc.sessions.get(&conn) else {
            return Bytes::new();
        };
        if let Some(error) = error {
            let state = state.filter(|_| matches!(front.kind, RequestKind::Engine(_)));
            return session.reply(
                &front,
                &Reply::Refused {
                    error: &error,
                    state,
                    diagnostics: &[],
                },
            );
        }
        match (outcome, state) {
            (Outcome::State, Some(state)) => session.reply(&front, &Reply::State(state)),
            (Outcome::Download(diagnostics), _) => {
                let diagnostics = wire_diagnostics(&diagnostics);
                session.reply(
                    &front,
                    &Reply::Download {
                        diagnostics: &diagnostics,
                    },
                )
            }
            (Outcome::Done | Outcome::State | Outcome::IoConfig(_), _) => session.reply(&front, &Reply::Done),
        }
    }

    /// The state that the refusal of a command tells.
    fn piplc_state(&self, front: &Front) -> Option<EngineState> {
        let id = front.context_id.as_deref()?;
        let context = self.plcs.contexts.iter().find(|context| context.settings.id == id)?;
        matches!(front.kind, RequestKind::Engine(_)).then(|| engine_state(context.state))
    }
}

/// Whether replies to a kind of request name a context.
fn is_about_context(kind: Option<RequestKind>) -> bool {
    !matches!(
        kind,
        None | Some(
            RequestKind::Hello
                | RequestKind::SyncRoutes
                | RequestKind::ListRoutes
                | RequestKind::ListContexts
                | RequestKind::CreateContext
        )
    )
}

/// What a frame is made of.
pub(super) fn frame(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut builder = FrameBuilder::with_capacity(256);
    write(builder.buffer());
    into_bytes(builder)
}

/// `hello.reply` about these contexts (PL-3).
pub(super) fn hello_frame(dialect: Dialect, seq: i32, settings: &PiplcSettings, contexts: &[&Context]) -> Bytes {
    let rows: Vec<ContextRow<'_>> = contexts.iter().map(|context| context_row(context)).collect();
    let first = contexts.first();
    let io_config = first.map(|context| io_wire(&context.io.first())).unwrap_or_default();
    let io_provider_name = first.map(|context| context.io.provider_name()).unwrap_or_default();
    // Only where a provider that is configured has them (PL-3).
    let has_pins = contexts.iter().any(|context| context.io.has_pins());
    let has_numbers = contexts.iter().any(|context| context.io.has_numbers());
    let capabilities: Vec<&str> = [(has_pins, "gpio"), (has_numbers, "analog")]
        .into_iter()
        .filter_map(|(is_there, word)| is_there.then_some(word))
        .collect();
    let hello = HelloReply {
        server_name: SERVER_NAME,
        server_version: SERVER_VERSION,
        engine_id: &settings.engine_id,
        capabilities: &capabilities,
        engine_name: &settings.engine_name,
        engine_state: first.map_or(EngineState::Stopped, |context| engine_state(context.state)),
        contexts: &rows,
        io_config: &io_config,
        io_provider_name: &io_provider_name,
    };
    let front = ReplyFront {
        to: ReplyTo::Request(RequestKind::Hello),
        seq,
        context_id: None,
    };
    frame(|out| wire::write_reply(out, dialect, &front, &Reply::Hello(&hello)))
}

/// One row of `context.list`.
pub(super) fn context_row(context: &Context) -> ContextRow<'_> {
    ContextRow {
        id: &context.settings.id,
        name: &context.settings.name,
        state: engine_state(context.state),
        has_program: context.program.is_some(),
    }
}

/// `engine.info` of a context.
pub(super) fn with_info<T>(context: &Context, tell: impl FnOnce(&EngineInfo<'_>) -> T) -> T {
    let (io_config, provider) = (io_wire(&context.io.first()), context.io.provider_name());
    tell(&EngineInfo {
        name: &context.settings.name,
        state: engine_state(context.state),
        has_program: context.program.is_some(),
        io_provider: &provider,
        io_provider_name: &provider,
        scan_time_us: context.settings.controller.target_scan.us(),
        io_config: &io_config,
    })
}

fn io_wire(config: &IoConfig) -> Map<String, Json> {
    match config.to_wire() {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}

/// How scans of a context went.
pub(super) fn scan_stats(context: &Context) -> ScanStats {
    let statistics = &context.statistics;
    ScanStats {
        scan_count: statistics.scan_count,
        last_scan_time_us: statistics.last_us,
        min_scan_time_us: statistics.min_us,
        max_scan_time_us: statistics.max_us,
        avg_scan_time_us: statistics.average_us(),
        overrun_count: statistics.overrun_count,
        target_scan_time_us: u64::from(context.settings.controller.target_scan.us()),
    }
}

/// A state in the words of the protocol.
pub(super) fn engine_state(state: ControllerState) -> EngineState {
    match state {
        ControllerState::Stopped => EngineState::Stopped,
        ControllerState::Running => EngineState::Running,
        ControllerState::Paused => EngineState::Paused,
        ControllerState::Stepping => EngineState::Stepping,
        ControllerState::Fault => EngineState::Fault,
    }
}

/// Diagnostics in the words of the protocol.
pub(super) fn wire_diagnostics(diagnostics: &[Diagnostic]) -> Vec<wire::Diagnostic<'_>> {
    let row = |diagnostic: &Diagnostic| {
        (
            diagnostic.place.map(|place| place.line),
            diagnostic.place.map(|place| place.column),
        )
    };
    diagnostics
        .iter()
        .map(|diagnostic| {
            let (line, character) = row(diagnostic);
            wire::Diagnostic {
                code: diagnostic.code.as_str(),
                rung: diagnostic.rung,
                column: diagnostic.column,
                line,
                character,
                text: &diagnostic.text,
            }
        })
        .collect()
}

/// Why a document is refused, in one text: the first reason with its place, and how many there are (PL-11).
pub(super) fn refusal_of_document(diagnostics: &[Diagnostic]) -> String {
    let refusing = || diagnostics.iter().filter(|diagnostic| diagnostic.code.is_refusal());
    let Some(first) = refusing().next().or(diagnostics.first()) else {
        return String::from("the program cannot be read");
    };
    let problems = match refusing().count().max(1) {
        1 => String::from("1 problem"),
        count => format!("{count} problems"),
    };
    format!("the program has {problems}; {first}")
}

/// The document of a program as the protocol carries it (PL-12): as it came, or written as XML when it came as text.
pub(crate) fn document(program: &Program) -> Arc<str> {
    match program.document.trim_start().starts_with('<') {
        true => program.document.clone(),
        false => Project::new(Logic::clone(&program.logic)).write().into(),
    }
}
