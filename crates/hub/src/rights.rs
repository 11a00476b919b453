//! What follows from who somebody is: which requests a role may make, what a session sees and writes, what is written down.

use crate::access::{Access, Actor, Role};
use crate::api::classroom::ClassroomRequest;
use crate::api::plc::PlcRequest;
use crate::api::{Refused, Request};
use crate::endpoint::Endpoint;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::{AuditEntry, Output};
use crate::plc::act::{self, PlcAction};
use crate::plc::context::Context;
use crate::signal::name::escape_segment;
use crate::signal::{SignalId, SignalSpace, Value};
use crosstie_ladder::controller::Command;
use serde_json::Value as Json;

/// A role, and what it is needed for, as a verb.
type Need = (Role, &'static str);

const WRITE: Need = (Role::Operator, "write signals");
const CHANGE_PROGRAMS: Need = (Role::Engineer, "change programs");
const FORCE: Need = (Role::Engineer, "force");
const PROFILE: Need = (Role::Engineer, "measure how long rungs take");
const SET_BREAKPOINTS: Need = (Role::Engineer, "set breakpoints");
/// To make and remove PLC contexts.
pub(crate) const CHANGE_CONTEXTS: Need = (Role::Engineer, "change contexts");
/// To say what drives the inputs of a PLC and what its outputs drive.
pub(crate) const CHANGE_IO: Need = (Role::Engineer, "change I/O configurations");
/// To tie signals or addresses to each other.
pub(crate) const CHANGE_ROUTES: Need = (Role::Engineer, "change routes");

/// To let a recording say what it says.
const REPLAY: Need = (Role::Operator, "replay recordings");
/// To run a lesson: launch, pause, seats, what monitors show.
pub(crate) const RUN_LESSONS: Need = (Role::Operator, "run lessons");

/// The role that a request needs, and the request as a verb.
fn needed(request: &Request) -> Need {
    match request {
        Request::Signals(_)
        | Request::Signal { .. }
        | Request::Endpoints
        | Request::Clients
        | Request::Routes
        | Request::Clock
        | Request::Health => (Role::Viewer, "look"),
        Request::Write { .. } => WRITE,
        Request::Connect { .. } | Request::Disconnect { .. } => (Role::Operator, "steer links"),
        Request::Acknowledge { .. } => (Role::Operator, "acknowledge problems"),
        Request::AddRoute(_)
        | Request::ChangeRoute { .. }
        | Request::CheckRoute { .. }
        | Request::RemoveRoute { .. }
        | Request::SetRoutes { .. } => CHANGE_ROUTES,
        Request::SetClock(_) | Request::StepClock(_) => (Role::Engineer, "move the clock"),
        Request::Import { .. } => (Role::Engineer, "import signals"),
        Request::Configure { .. } => (Role::Engineer, "change settings"),
        Request::Plc(request) => needed_of_plc(request),
        Request::Classroom(request) => needed_of_classroom(request),
        Request::Replay(_) => REPLAY,
        Request::Report(_) | Request::Clear { .. } => (Role::Engineer, "report problems"),
    }
}

/// The same for the classroom: who operates runs the lesson; an expression can do anything in a simulation.
fn needed_of_classroom(request: &ClassroomRequest) -> Need {
    match request {
        ClassroomRequest::State | ClassroomRequest::Catalog | ClassroomRequest::Console { .. } => {
            (Role::Viewer, "look")
        }
        ClassroomRequest::Evaluate { .. } => (Role::Engineer, "evaluate expressions"),
        ClassroomRequest::Select { .. }
        | ClassroomRequest::Order(_)
        | ClassroomRequest::AddPlayer { .. }
        | ClassroomRequest::RemovePlayer { .. }
        | ClassroomRequest::ForgetPlayer { .. }
        | ClassroomRequest::Screen { .. } => RUN_LESSONS,
    }
}

/// The same for PLC contexts: who operates a plant starts and stops it and writes values; what changes the logic, stands above
/// it or stops it in the middle is an engineer's.
fn needed_of_plc(request: &PlcRequest) -> Need {
    match request {
        PlcRequest::Contexts
        | PlcRequest::Context { .. }
        | PlcRequest::Program { .. }
        | PlcRequest::Memory { .. }
        | PlcRequest::Profile { .. } => (Role::Viewer, "look"),
        PlcRequest::Command { command, .. } => needed_of_command(*command),
        PlcRequest::Write { .. }
        | PlcRequest::WriteAll { .. }
        | PlcRequest::WriteNamed { .. }
        | PlcRequest::Toggle { .. } => WRITE,
        PlcRequest::Download { .. } | PlcRequest::ClearProgram { .. } => CHANGE_PROGRAMS,
        PlcRequest::Force { .. } | PlcRequest::Release { .. } => FORCE,
        PlcRequest::SetProfile { .. } => PROFILE,
        PlcRequest::Breakpoint { .. } | PlcRequest::ClearBreakpoints { .. } => SET_BREAKPOINTS,
        PlcRequest::Create { .. } | PlcRequest::Remove { .. } => CHANGE_CONTEXTS,
    }
}

/// The same for what is done through any door.
pub(crate) fn needed_of_action(action: &PlcAction) -> Need {
    match action {
        PlcAction::Command(command) => needed_of_command(*command),
        PlcAction::Write { .. } | PlcAction::WriteAll { .. } | PlcAction::Toggle(_) => WRITE,
        PlcAction::Download(_) | PlcAction::Clear => CHANGE_PROGRAMS,
        PlcAction::Force { .. } | PlcAction::Release(_) => FORCE,
        PlcAction::Profile(_) => PROFILE,
        PlcAction::Breakpoint { .. } | PlcAction::ClearBreakpoints => SET_BREAKPOINTS,
    }
}

fn needed_of_command(command: Command) -> Need {
    match command {
        Command::StepScan | Command::StepRung => (Role::Engineer, "step a program"),
        _ => (Role::Operator, "start and stop programs"),
    }
}

/// Refuses a request that the role of its sender does not cover.
pub(crate) fn check(by: &Actor, request: &Request) -> Result<(), Refused> {
    check_need(&by.access, needed(request))
}

/// Refuses what a role does not cover.
pub(crate) fn check_need(access: &Access, (role, what): Need) -> Result<(), Refused> {
    match access.role >= role {
        true => Ok(()),
        false => Err(forbidden(access, what)),
    }
}

/// A refusal that says who asked for what.
pub(crate) fn forbidden(access: &Access, what: impl Into<String>) -> Refused {
    Refused::Forbidden {
        who: access.who.clone(),
        role: access.role.word(),
        what: what.into(),
    }
}

/// Refuses the write of a signal outside the rights; a signal that may not even be seen does not exist for whoever asks.
pub(crate) fn check_write(access: &Access, name: &str) -> Result<(), Refused> {
    if !access.sees(name) {
        return Err(Refused::NotFound {
            what: "signal",
            name: name.to_owned(),
        });
    }
    match access.writes(name) {
        true => Ok(()),
        false => Err(forbidden(access, format!("write '{name}'"))),
    }
}

/// Refuses to show the memory of a context as a whole to somebody who may not see each of its signals.
pub(crate) fn check_memory(access: &Access, context: &Context) -> Result<(), Refused> {
    // No address is spelt so: only patterns that hold every place of the context hold it.
    let any_place = format!("{}/\u{0}", act::subject(context));
    match access.view.is_all() || access.sees(&any_place) {
        true => Ok(()),
        false => Err(forbidden(
            access,
            format!("see the whole memory of '{}'", context.settings.name),
        )),
    }
}

/// Refuses a context to somebody who could then not see and write all of it.
pub(crate) fn check_new_context(access: &Access, name: &str) -> Result<(), Refused> {
    let any_place = format!("plc/{}/\u{0}", escape_segment(name));
    let is_covered =
        (access.view.is_all() || access.sees(&any_place)) && (access.write.is_all() || access.write.holds(&any_place));
    match is_covered {
        true => Ok(()),
        false => Err(forbidden(
            access,
            format!("make a context '{name}': its key does not cover all of its signals"),
        )),
    }
}

/// What a client may do with the values of an endpoint, decided once per message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MayWrite<'a> {
    /// Everything.
    All,
    /// What its rights say about each name.
    Some(&'a Access),
}

impl MayWrite<'_> {
    pub(crate) fn of(access: &Access) -> MayWrite<'_> {
        match access.role >= Role::Operator && access.view.is_all() && access.write.is_all() {
            true => MayWrite::All,
            false => MayWrite::Some(access),
        }
    }

    /// May this signal be written?
    pub(crate) fn holds(&self, space: &SignalSpace, id: SignalId) -> bool {
        match self {
            MayWrite::All => true,
            MayWrite::Some(access) => access.writes(space.name(id)),
        }
    }
}

/// Every signal of an endpoint that may be seen, in the order of its catalog.
pub(crate) fn visible(endpoint: &Endpoint, space: &SignalSpace, access: &Access) -> Vec<SignalId> {
    let mut signals = endpoint.catalog();
    if !access.view.is_all() {
        signals.retain(|id| access.sees(space.name(*id)));
    }
    signals
}

/// A value as the audit log writes it.
pub(crate) fn json(value: &Value) -> Json {
    match value {
        Value::Bool(value) => Json::from(*value),
        Value::Int(value) => Json::from(*value),
        Value::Float(value) => Json::from(*value),
        Value::Text(value) => Json::from(&**value),
    }
}

impl Hub {
    /// Writes down what somebody has done.
    pub(crate) fn audit(&mut self, by: &Actor, what: &'static str, subject: String, (old, new): (Json, Json)) {
        let by = by.clone();
        self.outputs.push(Output::Audit(Box::new(AuditEntry {
            by,
            what,
            subject,
            old,
            new,
        })));
    }

    /// Who stands behind a connection.
    pub(crate) fn actor_of(&self, conn: ConnId) -> Option<Actor> {
        self.clients.get(&conn).map(|client| Actor {
            access: client.access.clone(),
            from: client.address.as_str().into(),
        })
    }
}
