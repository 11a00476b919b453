//! The one door for everything that is done to a PLC: rights, order, effect and audit in one place.
//!
//! The API and the sessions of PiPLC's protocol come through here, so that neither can do what the other may not.

use super::PlcId;
use super::context::{Context, Force};
use super::order::{Order, WRITES_MAX};
use super::orders::{Asked, Effect, OrderError};
use super::program::Program;
use crate::access::{Access, Actor};
use crate::api::Refused;
use crate::hub::Hub;
use crate::rights;
use crate::signal::Value;
use crate::signal::name::escape_segment;
use crosstie_ladder::address::Address;
use crosstie_ladder::controller::Command;
use crosstie_ladder::data_table::{AccessError, CellValue, Place, aligned};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;

/// Forces of one context. A further one is refused: a list that nobody can read is a list of forces that somebody forgets.
pub(crate) const FORCES_MAX: usize = 1_000;

/// Bytes of the reason of a force. A longer one is refused.
const REASON_LEN_MAX: usize = 1_024;

/// What somebody can do to a PLC.
#[derive(Debug, Clone)]
pub(crate) enum PlcAction {
    /// Start, stop, step and the like.
    Command(Command),
    /// Take this program; stops first.
    Download(Arc<Program>),
    /// Forget the program; stops first.
    Clear,
    /// Write a place of the memory.
    Write {
        /// Where.
        address: Address,
        /// What.
        value: CellValue,
    },
    /// Write several places of the memory at one border.
    WriteAll {
        /// Where, and what.
        writes: Box<[(Address, CellValue)]>,
        /// A machine does it, many times a second: as with a route, no value of its is written down.
        is_cyclic: bool,
    },
    /// Turn a bit over.
    Toggle(Address),
    /// Force a place of the memory.
    Force {
        /// Where.
        address: Address,
        /// What.
        value: CellValue,
        /// Why, for people; may be empty.
        reason: Box<str>,
        /// It ends by itself after this.
        expires_after: Option<Duration>,
    },
    /// End the force on a place, or all forces.
    Release(Option<Address>),
    /// Set a breakpoint before a rung, or remove it.
    Breakpoint {
        /// The rung, counted from 0.
        rung: usize,
        /// Set it.
        is_set: bool,
    },
    /// Remove all breakpoints.
    ClearBreakpoints,
    /// Begin to measure how long the rungs take, or end it.
    Profile(bool),
}

/// What is written down when an order was executed.
#[derive(Debug)]
pub(crate) struct Note {
    by: Actor,
    what: &'static str,
    subject: String,
    old: Json,
    new: New,
}

/// What is there afterwards.
#[derive(Debug)]
enum New {
    /// Known before.
    Known(Json),
    /// The state that the engine is in then.
    State,
    /// What stands at the place then.
    Value(Address),
    /// What the bit has become; before, it was the opposite.
    Toggled,
}

impl Hub {
    /// Does something to a PLC in the name of somebody: checks the rights, hands the order to the engine, and writes down what
    /// was done when it was executed. `asked` hears the outcome in any case.
    pub(crate) fn plc_act(&mut self, by: &Actor, plc: PlcId, action: PlcAction, asked: Asked) {
        let Some(context) = self.plcs.get(plc) else {
            self.plc_answered(plc, asked, Err(OrderError::Gone));
            return;
        };
        if let Err(error) = may(&by.access, context, &action) {
            self.plc_answered(plc, asked, Err(error));
            return;
        }
        let note = note(by, context, &action);
        let (order, effect) = self.order_of(by, action);
        self.plc_order_noted(plc, order, effect, asked, note);
    }

    fn order_of(&self, by: &Actor, action: PlcAction) -> (Order, Effect) {
        match action {
            PlcAction::Command(Command::Reset) => (Order::Command(Command::Reset), Effect::Emptied),
            PlcAction::Command(command) => (Order::Command(command), Effect::None),
            PlcAction::Download(program) => (
                Order::Load(program.compiled.clone()),
                Effect::Loaded(program, by.access.who.clone()),
            ),
            PlcAction::Clear => (Order::ClearProgram, Effect::Cleared),
            PlcAction::Write { address, value } => (Order::Write { address, value }, Effect::None),
            PlcAction::WriteAll { writes, .. } => (Order::WriteAll(writes), Effect::None),
            PlcAction::Toggle(address) => (Order::Toggle { address }, Effect::None),
            PlcAction::Force {
                address,
                value,
                reason,
                expires_after,
            } => {
                let force = Force {
                    address,
                    value,
                    by: by.access.who.clone(),
                    reason,
                    since: self.time(),
                    expires_at: expires_after.map(|after| self.time() + after),
                };
                (Order::Force { address, value }, Effect::Forced(force))
            }
            PlcAction::Release(Some(address)) => (Order::Unforce { address }, Effect::None),
            PlcAction::Release(None) => (Order::ClearForces, Effect::None),
            PlcAction::Breakpoint { rung, is_set } => {
                let order = match is_set {
                    true => Order::SetBreakpoint(rung),
                    false => Order::RemoveBreakpoint(rung),
                };
                (order, Effect::Breakpoint { rung, is_set })
            }
            PlcAction::ClearBreakpoints => (Order::ClearBreakpoints, Effect::NoBreakpoints),
            PlcAction::Profile(on) => (Order::Profile(on), Effect::Profiling(on)),
        }
    }

    /// Writes down what an engine has done for somebody. `toggled` is what it said that a bit has become.
    pub(crate) fn plc_audit(&mut self, plc: PlcId, note: Note, toggled: Option<bool>) {
        let Some(context) = self.plcs.get(plc) else { return };
        let (old, new) = match note.new {
            New::Known(new) => (note.old, new),
            New::State => (note.old, Json::from(context.state.as_str())),
            New::Value(address) => (note.old, shown_at(context, address)),
            New::Toggled => (Json::from(toggled.map(|on| !on)), Json::from(toggled)),
        };
        self.audit(&note.by, note.what, note.subject, (old, new));
    }
}

/// Refuses what the rights do not cover, and what can be known to fail before the engine is asked.
fn may(access: &Access, context: &Context, action: &PlcAction) -> Result<(), OrderError> {
    let (role, what) = rights::needed_of_action(action);
    if access.role < role {
        return Err(rights::forbidden(access, what).into());
    }
    match action {
        PlcAction::Write { address, value } => {
            may_write(access, context, *address)?;
            fits(*address, *value)
        }
        PlcAction::WriteAll { writes, .. } if writes.len() > WRITES_MAX => Err(OrderError::Denied(Refused::Limit {
            what: "places of one write",
            limit: WRITES_MAX,
        })),
        PlcAction::WriteAll { writes, .. } => writes.iter().try_for_each(|(address, value)| {
            may_write(access, context, *address)?;
            fits(*address, *value)
        }),
        PlcAction::Toggle(address) => {
            may_write(access, context, *address)?;
            is_bit(*address)
        }
        PlcAction::Force {
            address, value, reason, ..
        } => {
            may_write(access, context, *address)?;
            fits(*address, *value)?;
            if reason.len() > REASON_LEN_MAX {
                return Err(OrderError::Denied(Refused::BadValue {
                    name: String::from("reason"),
                    expected: format!("expected a text of at most {REASON_LEN_MAX} bytes"),
                }));
            }
            let is_new = !context.forces.iter().any(|force| force.address == *address);
            match is_new && context.forces.len() >= FORCES_MAX {
                true => Err(OrderError::Denied(Refused::Limit {
                    what: "forces of a context",
                    limit: FORCES_MAX,
                })),
                false => Ok(()),
            }
        }
        PlcAction::Release(Some(address)) => may_write(access, context, *address),
        PlcAction::Release(None) => {
            let is_hidden = |force: &Force| !access.sees(&signal_name(context, force.address));
            match context.forces.iter().any(is_hidden) {
                // Which one that is, is not for whoever may not see it.
                true => Err(rights::forbidden(access, "end all forces: its key does not cover all of them").into()),
                false => {
                    let mut forces = context.forces.iter();
                    forces.try_for_each(|force| may_write(access, context, force.address))
                }
            }
        }
        _ => Ok(()),
    }
}

fn may_write(access: &Access, context: &Context, address: Address) -> Result<(), OrderError> {
    Ok(rights::check_write(access, &signal_name(context, address))?)
}

fn fits(address: Address, value: CellValue) -> Result<(), OrderError> {
    match aligned(address, value) {
        Ok(_) => Ok(()),
        Err(error) => Err(OrderError::Misfit(address, error)),
    }
}

fn is_bit(address: Address) -> Result<(), OrderError> {
    let error = match Place::of(address) {
        Some(Place::Bit(..)) => return Ok(()),
        Some(Place::Word(_) | Place::Short(_)) => AccessError::HoldsANumber(address),
        None => AccessError::WholeCell(address),
    };
    Err(OrderError::Misfit(address, error))
}

/// The name of the signal of a place.
pub(crate) fn signal_name(context: &Context, address: Address) -> String {
    format!("plc/{}/{address}", escape_segment(&context.settings.name))
}

/// What a place of the memory holds, as a value of a signal.
pub(crate) fn as_value(value: CellValue) -> Value {
    match value {
        CellValue::Bit(on) => Value::Bool(on),
        CellValue::Word(number) => Value::Int(i64::from(number)),
    }
}

/// What is written down of an action; `None` where nothing is.
fn note(by: &Actor, context: &Context, action: &PlcAction) -> Option<Note> {
    let plain = |what, old, new| Note {
        by: by.clone(),
        what,
        subject: subject(context),
        old,
        new: New::Known(new),
    };
    let at = |what, address, old, new| Note {
        by: by.clone(),
        what,
        subject: signal_name(context, address),
        old,
        new,
    };
    Some(match action {
        PlcAction::Command(command) => Note {
            new: New::State,
            ..plain(word_of(*command), Json::from(context.state.as_str()), Json::Null)
        },
        PlcAction::Download(program) => plain("plc.download", loaded(context), summary(program)),
        PlcAction::Clear => plain("plc.clear", loaded(context), Json::Null),
        PlcAction::Write { address, value } => {
            let new = New::Known(rights::json(&as_value(*value)));
            at("plc.write", *address, shown_at(context, *address), new)
        }
        PlcAction::WriteAll { is_cyclic: true, .. } => return None,
        PlcAction::WriteAll { writes, .. } => {
            let values = |value: &dyn Fn(&(Address, CellValue)) -> Json| {
                let each = writes.iter().map(|write| (write.0.to_string(), value(write)));
                Json::Object(each.collect())
            };
            let old = values(&|(address, _)| shown_at(context, *address));
            plain("plc.write", old, values(&|(_, value)| rights::json(&as_value(*value))))
        }
        PlcAction::Toggle(address) => at("plc.toggle", *address, Json::Null, New::Toggled),
        PlcAction::Force {
            address,
            value,
            reason,
            expires_after,
        } => {
            let new = json!({
                "value": rights::json(&as_value(*value)),
                "reason": reason,
                "expires_after_s": expires_after.map(|after| after.as_secs()),
            });
            at("plc.force", *address, shown_at(context, *address), New::Known(new))
        }
        PlcAction::Release(Some(address)) => {
            let force = context.forces.iter().find(|force| force.address == *address);
            let old = force.map_or(Json::Null, forced);
            at("plc.release", *address, old, New::Value(*address))
        }
        PlcAction::Release(None) => {
            let forces = context.forces.iter();
            let old: serde_json::Map<String, Json> =
                forces.map(|force| (force.address.to_string(), forced(force))).collect();
            plain("plc.release", Json::Object(old), Json::Null)
        }
        PlcAction::Breakpoint { rung, is_set: true } => plain("plc.breakpoint", Json::Null, Json::from(*rung)),
        PlcAction::Breakpoint { rung, is_set: false } => plain("plc.breakpoint", Json::from(*rung), Json::Null),
        PlcAction::ClearBreakpoints => {
            let old: Vec<usize> = context.breakpoints.iter().copied().collect();
            plain("plc.breakpoint", Json::from(old), Json::Null)
        }
        PlcAction::Profile(on) => plain("plc.profile", Json::from(context.is_profiling), Json::from(*on)),
    })
}

/// What the audit log calls a context.
pub(crate) fn subject(context: &Context) -> String {
    format!("plc/{}", escape_segment(&context.settings.name))
}

fn word_of(command: Command) -> &'static str {
    match command {
        Command::Start => "plc.start",
        Command::Stop => "plc.stop",
        Command::Pause => "plc.pause",
        Command::Resume => "plc.resume",
        Command::StepScan => "plc.step_scan",
        Command::StepRung => "plc.step_rung",
        Command::Reset => "plc.reset",
    }
}

fn loaded(context: &Context) -> Json {
    context
        .program
        .as_ref()
        .map_or(Json::Null, |loaded| summary(&loaded.program))
}

fn summary(program: &Program) -> Json {
    json!({"name": program.logic.name, "rungs": program.compiled.rungs()})
}

fn forced(force: &Force) -> Json {
    json!({"value": rights::json(&as_value(force.value)), "by": force.by, "reason": force.reason})
}

fn shown_at(context: &Context, address: Address) -> Json {
    let value = context.mirror.read(address);
    value.map_or(Json::Null, |value| rights::json(&as_value(value)))
}
