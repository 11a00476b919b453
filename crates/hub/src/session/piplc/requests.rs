//! What a request means for the hub.

use super::places::{self, Write};
use super::replies::{self, Front, Outcome, Waited};
use super::{CLIENT_NAME_MAX, actor, sees};
use crate::access::Actor;
use crate::access::Role;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::Level;
use crate::plc::act::PlcAction;
use crate::plc::context::Context;
use crate::plc::orders::Asked;
use crate::plc::{PlcId, Program};
use crate::rights;
use crosstie_ladder::controller::Command;
use crosstie_ladder::data_table::CellValue;
use crosstie_ladder::diagnostic::Diagnostic;
use crosstie_ladder::project::{IoConfig, io_conflict};
use crosstie_wire::piplc::{self as wire, ContextRow, EngineCommand, Envelope, Hello, Reply, Request};
use serde_json::{Map, Value as Json};
use std::sync::Arc;

/// The format of a document, also what a client may leave out.
const FORMAT: &str = wire::PROGRAM_FORMAT;

/// One request on its way through this room.
struct Asking {
    conn: ConnId,
    by: Actor,
    front: Front,
    /// The context that is addressed, for the requests that address one.
    plc: PlcId,
    is_next: bool,
}

impl Hub {
    /// Who a client is (PL-2, PL-3). It may say so again.
    pub(super) fn piplc_hello(&mut self, conn: ConnId, seq: i32, hello: &Hello, is_next: bool) {
        let mut name = hello.client_name.as_deref().unwrap_or_default();
        name = &name[..name.floor_char_boundary(CLIENT_NAME_MAX)];
        let (Some(client), Some(session)) = (self.clients.get_mut(&conn), self.piplc.sessions.get_mut(&conn)) else {
            return;
        };
        client.name = name.to_owned();
        session.dialect = hello.dialect();
        session.actor = Some(actor(&client.access, &client.address, name));
        let text = format!("{} has joined from {}", client.title(), client.address);
        let contexts: Vec<&Context> = self.plcs.contexts.iter().collect();
        let shown: Vec<&Context> = contexts
            .into_iter()
            .filter(|context| sees(&client.access, context))
            .collect();
        let bytes = replies::hello_frame(session.dialect, seq, &self.piplc.settings, &shown);
        self.log(Level::Info, Some(conn), text);
        self.piplc_answer(conn, bytes, is_next);
        self.piplc_greeted(conn);
    }

    /// A request of a client that has said hello.
    pub(super) fn piplc_request(
        &mut self,
        conn: ConnId,
        envelope: Envelope,
        program: Option<Result<Arc<Program>, Vec<Diagnostic>>>,
        is_next: bool,
    ) {
        let Some(by) = self.piplc.sessions.get(&conn).and_then(|session| session.actor.clone()) else {
            return;
        };
        let mut front = Front::of(&envelope);
        if self.is_revoked(&by.access) {
            self.piplc_refuse(conn, &front, "the key of this connection is revoked", is_next);
            return;
        }
        match envelope.request {
            Request::SyncRoutes { enabled, routes } => {
                return self.piplc_sync_routes(conn, &by, (&front, is_next), (enabled, routes));
            }
            Request::ListRoutes => return self.piplc_list_routes(conn, &by, &front, is_next),
            Request::ListContexts => return self.piplc_list_contexts(conn, &by, &front, is_next),
            Request::CreateContext { name } => return self.piplc_create(conn, &by, front, name.as_deref(), is_next),
            _ => {}
        }
        let id = envelope.context_id.as_deref().unwrap_or_default();
        let context = self.plcs.find(id);
        let Some(context) = context.filter(|context| sees(&by.access, context)) else {
            let text = match id {
                "" => String::from("there is no context"),
                id => format!("unknown context '{id}'"),
            };
            self.piplc_refuse(conn, &front, &text, is_next);
            return;
        };
        front.context_id = Some(context.settings.id.as_str().into());
        let asking = Asking {
            conn,
            by,
            front,
            plc: context.plc,
            is_next,
        };
        match envelope.request {
            Request::Download { format, .. } => self.piplc_download(asking, format.as_deref(), program),
            Request::LoadIoConfig { config } => self.piplc_io_config(asking, config),
            Request::Subscribe { interval_ms } => self.piplc_subscribe(asking, interval_ms),
            Request::Unsubscribe => {
                self.piplc_unsubscribe(asking.conn, asking.plc);
                self.piplc_reply(conn, &asking.front, &Reply::Done, is_next);
            }
            Request::RemoveContext => self.piplc_remove(asking),
            Request::Upload | Request::State | Request::Statistics | Request::Info => self.piplc_query(asking),
            request => self.piplc_order(asking, &request),
        }
    }

    /// What is answered from what the hub knows (PL-12, PL-19).
    fn piplc_query(&mut self, asking: Asking) {
        let Asking { conn, front, plc, .. } = &asking;
        let (Some(context), Some(session)) = (self.plcs.get(*plc), self.piplc.sessions.get(conn)) else {
            return;
        };
        let bytes = match (front.kind, &context.program) {
            (wire::RequestKind::Upload, None) => {
                let text = "no program is loaded; download one first";
                return self.piplc_refuse(*conn, front, text, asking.is_next);
            }
            (wire::RequestKind::Upload, Some(loaded)) => {
                let document = replies::document(&loaded.program);
                session.reply(front, &Reply::Upload { document: &document })
            }
            (wire::RequestKind::Statistics, _) => {
                session.reply(front, &Reply::Statistics(replies::scan_stats(context)))
            }
            (wire::RequestKind::Info, _) => {
                replies::with_info(context, |info| session.reply(front, &Reply::Info(info)))
            }
            _ => session.reply(front, &Reply::State(replies::engine_state(context.state))),
        };
        self.piplc_answer(*conn, bytes, asking.is_next);
    }

    /// What an engine does (PL-10, PL-13, PL-14, PL-16, PL-17).
    fn piplc_order(&mut self, asking: Asking, request: &Request) {
        let Some(context) = self.plcs.get(asking.plc) else {
            return;
        };
        match actions(context, request) {
            Ok(actions) => {
                let outcome = match request {
                    Request::Engine(_) => Outcome::State,
                    _ => Outcome::Done,
                };
                self.piplc_act(asking, outcome, actions);
            }
            Err(error) => self.piplc_refuse(asking.conn, &asking.front, &error, asking.is_next),
        }
    }

    /// Hands actions to the engine and opens the turn that waits for them.
    fn piplc_act(&mut self, asking: Asking, outcome: Outcome, actions: Vec<PlcAction>) {
        let Asking {
            conn, by, front, plc, ..
        } = asking;
        if actions.is_empty() {
            return self.piplc_reply(conn, &front, &Reply::Done, asking.is_next);
        }
        let dialect = self.piplc.sessions.get(&conn).map(|session| session.dialect);
        let turn = match dialect.is_some_and(|dialect| front.kind.is_answered(dialect)) {
            true => self.piplc_wait(conn, Waited::new(front, outcome), actions.len()),
            false => None,
        };
        for action in actions {
            let asked = turn.map_or(Asked::Nobody, |turn| Asked::Piplc { conn, turn });
            self.plc_act(&by, plc, action, asked);
        }
    }

    /// A new program (PL-11). The driver has read it.
    fn piplc_download(
        &mut self,
        asking: Asking,
        format: Option<&str>,
        program: Option<Result<Arc<Program>, Vec<Diagnostic>>>,
    ) {
        let (conn, is_next) = (asking.conn, asking.is_next);
        if let Some(format) = format.filter(|format| *format != FORMAT) {
            let text = format!("expected the format '{FORMAT}', got '{format}'");
            return self.piplc_refuse(conn, &asking.front, &text, is_next);
        }
        match program {
            Some(Ok(program)) => {
                let outcome = Outcome::Download(program.diagnostics.clone());
                self.piplc_act(asking, outcome, vec![PlcAction::Download(program)]);
            }
            Some(Err(diagnostics)) => {
                let error = replies::refusal_of_document(&diagnostics);
                let reply = Reply::Refused {
                    error: &error,
                    state: None,
                    diagnostics: &replies::wire_diagnostics(&diagnostics),
                };
                self.piplc_reply(conn, &asking.front, &reply, is_next);
            }
            None => {
                let access = &asking.by.access;
                let text = match access.role >= Role::Engineer {
                    true => String::from("too many programs are read at this time; try again"),
                    false => rights::forbidden(access, "change programs").to_string(),
                };
                self.piplc_refuse(conn, &asking.front, &text, is_next);
            }
        }
    }

    /// Other inputs and outputs (PL-18): the engine stops, then the driver opens the devices, and what cannot be opened changes
    /// nothing.
    fn piplc_io_config(&mut self, asking: Asking, config: Map<String, Json>) {
        let refusal = match config.is_empty() {
            true => Err(String::from("expected a configuration with providerType in 'config'")),
            false => IoConfig::from_json(&Json::Object(config)).map_err(|errors| {
                let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
                format!("the I/O configuration is refused: {}", texts.join("; "))
            }),
        };
        let config = match refusal {
            Ok(config) => config,
            Err(text) => return self.piplc_refuse(asking.conn, &asking.front, &text, asking.is_next),
        };
        if let Some(conflict) = io_conflict(std::slice::from_ref(&config)) {
            let text = format!("the I/O configuration is refused: {conflict}");
            return self.piplc_refuse(asking.conn, &asking.front, &text, asking.is_next);
        }
        if let Err(refused) = rights::check_need(&asking.by.access, rights::CHANGE_IO) {
            return self.piplc_refuse(asking.conn, &asking.front, &refused.to_string(), asking.is_next);
        }
        if self.is_remote(asking.plc) {
            let text = "the engine of this context is elsewhere: give the configuration to that engine";
            return self.piplc_refuse(asking.conn, &asking.front, text, asking.is_next);
        }
        self.piplc_act(
            asking,
            Outcome::IoConfig(Box::new(config)),
            vec![PlcAction::Command(Command::Stop)],
        );
    }

    fn piplc_list_contexts(&mut self, conn: ConnId, by: &Actor, front: &Front, is_next: bool) {
        let Some(session) = self.piplc.sessions.get(&conn) else {
            return;
        };
        let contexts = self.plcs.contexts.iter().filter(|context| sees(&by.access, context));
        let rows: Vec<ContextRow<'_>> = contexts.map(replies::context_row).collect();
        let bytes = session.reply(front, &Reply::Contexts(&rows));
        self.piplc_answer(conn, bytes, is_next);
    }

    fn piplc_create(&mut self, conn: ConnId, by: &Actor, mut front: Front, name: Option<&str>, is_next: bool) {
        match self.plc_create(by, name) {
            Ok(plc) => {
                let Some((id, name)) = self
                    .plcs
                    .get(plc)
                    .map(|context| (context.settings.id.clone(), context.settings.name.clone()))
                else {
                    return;
                };
                front.context_id = Some(id.into());
                self.piplc_reply(conn, &front, &Reply::ContextCreated { name: &name }, is_next);
            }
            Err(refused) => self.piplc_refuse(conn, &front, &refused.to_string(), is_next),
        }
    }

    fn piplc_remove(&mut self, asking: Asking) {
        match self.plc_remove(&asking.by, asking.plc) {
            Ok(()) => self.piplc_reply(asking.conn, &asking.front, &Reply::Done, asking.is_next),
            Err(refused) => self.piplc_refuse(asking.conn, &asking.front, &refused.to_string(), asking.is_next),
        }
    }

    fn piplc_subscribe(&mut self, asking: Asking, interval_ms: Option<i64>) {
        let interval_ms = wire::stream_interval_ms(interval_ms);
        let reply = Reply::Subscribed { interval_ms };
        self.piplc_reply(asking.conn, &asking.front, &reply, asking.is_next);
        self.piplc_stream(asking.conn, asking.plc, interval_ms);
    }
}

/// What an engine is to do for a request.
fn actions(context: &Context, request: &Request) -> Result<Vec<PlcAction>, String> {
    let write = |(address, value): Write| PlcAction::Write { address, value };
    Ok(match request {
        Request::Engine(command) => vec![PlcAction::Command(controller_command(*command))],
        Request::Clear => vec![PlcAction::Clear],
        Request::ForceBit { target, value } => vec![PlcAction::Force {
            address: places::bit(context, target)?,
            value: CellValue::Bit(*value),
            reason: "PiPLC client".into(),
            expires_after: None,
        }],
        Request::UnforceBit { target } => vec![PlcAction::Release(Some(places::bit(context, target)?))],
        Request::ClearAllForces => vec![PlcAction::Release(None)],
        Request::WriteBit { target, value } => {
            vec![write((places::bit(context, target)?, CellValue::Bit(*value)))]
        }
        Request::WriteInteger { target, value } => vec![write(places::word(context, target, *value)?)],
        Request::WriteTimer(timer) => places::timer(context, timer)?.into_iter().map(write).collect(),
        Request::WriteCounter(counter) => places::counter(context, counter)?.into_iter().map(write).collect(),
        Request::SetBreakpoint { rung_index } => vec![breakpoint(*rung_index, true)],
        Request::RemoveBreakpoint { rung_index } => vec![breakpoint(*rung_index, false)],
        Request::ClearAllBreakpoints => vec![PlcAction::ClearBreakpoints],
        _ => return Err(String::from("an engine does not do this")),
    })
}

fn breakpoint(rung_index: u32, is_set: bool) -> PlcAction {
    PlcAction::Breakpoint {
        rung: rung_index as usize,
        is_set,
    }
}

fn controller_command(command: EngineCommand) -> Command {
    match command {
        EngineCommand::Start => Command::Start,
        EngineCommand::Stop => Command::Stop,
        EngineCommand::Pause => Command::Pause,
        EngineCommand::Resume => Command::Resume,
        EngineCommand::StepScan => Command::StepScan,
        EngineCommand::StepRung => Command::StepRung,
        EngineCommand::Reset => Command::Reset,
    }
}
