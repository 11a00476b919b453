//! Requests of the API about PLC contexts: contexts and places are found here, values are fitted to their places, and what was
//! asked of an engine is answered when the engine has done it.

use super::PlcId;
use super::act::{PlcAction, as_value, signal_name};
use super::context::Context;
use super::orders::{Asked, OrderError};
use crate::access::{Access, Actor};
use crate::api::plc::{MemoryRow, PlcReply, PlcRequest, ProgramRow};
use crate::api::{Refused, Reply};
use crate::hub::Hub;
use crate::output::Ticket;
use crate::rights;
use crate::signal::Value;
use crosstie_ladder::address::{Address, AddressError, Symbol};
use crosstie_ladder::data_table::{CellValue, Place};
use std::sync::Arc;

/// What the API asked of an engine, until the engine answers.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) ticket: Ticket,
    pub(crate) access: Arc<Access>,
    pub(crate) wants: Wants,
}

/// What the answer holds.
#[derive(Debug)]
pub(crate) enum Wants {
    /// How the context stands.
    Context,
    /// What readers see at a place.
    Place {
        address: Address,
        /// The value was fitted to the place.
        is_coerced: bool,
    },
}

impl Hub {
    /// Answers a request, or has an engine asked and answers later (`None`).
    pub(crate) fn plc_request(
        &mut self,
        ticket: Ticket,
        by: &Actor,
        request: PlcRequest,
    ) -> Result<Option<Reply>, Refused> {
        let reply = match request {
            PlcRequest::Contexts => {
                let rows = self.plcs.contexts.iter().map(|context| context.row(&by.access));
                PlcReply::Contexts(rows.collect(), self.now)
            }
            PlcRequest::Context { context } => {
                PlcReply::Context(Box::new(self.context_named(&context)?.row(&by.access)), self.now)
            }
            PlcRequest::Program { context } => PlcReply::Program(program_row(self.context_named(&context)?)?),
            PlcRequest::Memory { context } => {
                let context = self.context_named(&context)?;
                rights::check_memory(&by.access, context)?;
                PlcReply::Memory(MemoryRow {
                    now: self.now,
                    context: context.settings.name.clone(),
                    state: context.state,
                    words: context.mirror.words().into(),
                    masks: context.mirror.masks().into(),
                })
            }
            PlcRequest::Create { name } => {
                let plc = self.plc_create(by, name.as_deref())?;
                let context = self.plcs.get(plc).ok_or_else(|| no_context(""))?;
                PlcReply::Context(Box::new(context.row(&by.access)), self.now)
            }
            PlcRequest::Remove { context } => {
                let plc = self.context_named(&context)?.plc;
                self.plc_remove(by, plc)?;
                return Ok(Some(Reply::Done));
            }
            request => {
                let (plc, action, wants) = self.action_of(request)?;
                let access = by.access.clone();
                let asked = Asked::Api(Box::new(Question { ticket, access, wants }));
                self.plc_act(by, plc, action, asked);
                return Ok(None);
            }
        };
        Ok(Some(Reply::Plc(reply)))
    }

    /// What a request wants to be done, with its context and places found.
    fn action_of(&self, request: PlcRequest) -> Result<(PlcId, PlcAction, Wants), Refused> {
        let (name, action) = match request {
            PlcRequest::Command { context, command } => (context, PlcAction::Command(command)),
            PlcRequest::Download { context, program } => (context, PlcAction::Download(program)),
            PlcRequest::ClearProgram { context } => (context, PlcAction::Clear),
            PlcRequest::Breakpoint { context, rung, is_set } => (context, PlcAction::Breakpoint { rung, is_set }),
            PlcRequest::ClearBreakpoints { context } => (context, PlcAction::ClearBreakpoints),
            PlcRequest::Release { context, address } => {
                let found = self.context_named(&context)?;
                let address = address.map(|text| found.address_of(&text)).transpose()?;
                (context, PlcAction::Release(address))
            }
            PlcRequest::Write {
                context,
                address,
                value,
            } => {
                let context = self.context_named(&context)?;
                let (address, value, is_coerced) = fitted(context, &address, &value)?;
                let action = PlcAction::Write { address, value };
                return Ok((context.plc, action, Wants::Place { address, is_coerced }));
            }
            PlcRequest::Force {
                context,
                address,
                value,
                reason,
                expires_after,
            } => {
                let context = self.context_named(&context)?;
                let (address, value, is_coerced) = fitted(context, &address, &value)?;
                let action = PlcAction::Force {
                    address,
                    value,
                    reason: reason.into(),
                    expires_after,
                };
                return Ok((context.plc, action, Wants::Place { address, is_coerced }));
            }
            // The caller has answered these.
            PlcRequest::Contexts
            | PlcRequest::Context { .. }
            | PlcRequest::Program { .. }
            | PlcRequest::Memory { .. }
            | PlcRequest::Create { .. }
            | PlcRequest::Remove { .. } => return Err(no_context("")),
        };
        Ok((self.context_named(&name)?.plc, action, Wants::Context))
    }

    pub(crate) fn context_named(&self, name: &str) -> Result<&Context, Refused> {
        self.plcs.find(name).ok_or_else(|| no_context(name))
    }

    /// Answers what engines have done in this turn: at its end, because what a step has led to is told behind its answer.
    pub(crate) fn reply_of_plcs(&mut self) {
        for (plc, question, result) in std::mem::take(&mut self.plcs.answered) {
            let reply = match result {
                Ok(()) => self.done(plc, &question).map_or_else(Reply::Refused, Reply::Plc),
                Err(error) => Reply::Refused(refused(error)),
            };
            self.reply(question.ticket, reply);
        }
    }

    fn done(&self, plc: PlcId, question: &Question) -> Result<PlcReply, Refused> {
        let context = self.plcs.get(plc).ok_or_else(|| refused(OrderError::Gone))?;
        Ok(match question.wants {
            Wants::Context => PlcReply::Context(Box::new(context.row(&question.access)), self.now),
            Wants::Place { address, is_coerced } => PlcReply::Written {
                name: signal_name(context, address),
                stored: context.mirror.read(address).map_or(Value::Int(0), as_value),
                coerced: is_coerced,
                forced: context.mirror.is_forced(address),
            },
        })
    }
}

impl Context {
    /// The place that an address or a symbol of the program stands for.
    pub(crate) fn address_of(&self, text: &str) -> Result<Address, Refused> {
        let bad = |expected: String| Refused::BadValue {
            name: text.to_owned(),
            expected,
        };
        let error = match Address::parse(text) {
            Ok(address) => return Ok(address),
            Err(error) => error,
        };
        match (Symbol::new(text), error) {
            (Some(symbol), AddressError::MissingColon { .. }) => {
                let program = self.program.as_ref().map(|loaded| &loaded.program.logic);
                let address = program.and_then(|logic| logic.symbol(&symbol));
                address.ok_or_else(|| {
                    bad(format!(
                        "expected an address such as I:0/3, or a symbol of the program in '{}'",
                        self.settings.name
                    ))
                })
            }
            (_, error) => Err(bad(error.to_string())),
        }
    }
}

/// A value for a place: the place, what is stored there, and whether that is another value than the given one.
fn fitted(context: &Context, text: &str, value: &Value) -> Result<(Address, CellValue, bool), Refused> {
    let address = context.address_of(text)?;
    let bad = |expected: String| Refused::BadValue {
        name: text.to_owned(),
        expected,
    };
    let is_bit = match Place::of(address) {
        Some(Place::Bit(..)) => true,
        Some(Place::Word(_) | Place::Short(_)) => false,
        None => return Err(bad(format!("expected a member such as `{address}.ACC`"))),
    };
    let fitted = match (is_bit, value) {
        (true, Value::Bool(on)) => Some((CellValue::Bit(*on), false)),
        (true, value) => match whole(value) {
            Some(number @ (0 | 1)) => Some((CellValue::Bit(number == 1), true)),
            _ => None,
        },
        (false, Value::Bool(on)) => Some((CellValue::Word(i32::from(*on)), true)),
        (false, value) => whole(value).map(|number| (CellValue::Word(number), false)),
    };
    match (fitted, is_bit) {
        (Some((value, is_coerced)), _) => Ok((address, value, is_coerced)),
        (None, true) => Err(bad(String::from("expected true or false, or 1 or 0"))),
        (None, false) => Err(bad(format!(
            "expected a whole number from {} to {}",
            i32::MIN,
            i32::MAX
        ))),
    }
}

/// The number of 32 bits that a value stands for exactly.
fn whole(value: &Value) -> Option<i32> {
    match value {
        Value::Int(number) => i32::try_from(*number).ok(),
        // The cast saturates, so the way back tells whether it was exact.
        Value::Float(number) => Some(*number as i32).filter(|whole| f64::from(*whole) == *number),
        Value::Bool(_) | Value::Text(_) => None,
    }
}

fn program_row(context: &Context) -> Result<ProgramRow, Refused> {
    let name = &context.settings.name;
    let (Some(summary), Some(loaded)) = (context.summary(), &context.program) else {
        return Err(Refused::NotFound {
            what: "program in the context",
            name: name.clone(),
        });
    };
    Ok(ProgramRow {
        context: name.clone(),
        summary,
        program: loaded.program.clone(),
    })
}

fn no_context(name: &str) -> Refused {
    Refused::NotFound {
        what: "context",
        name: name.to_owned(),
    }
}

/// What the API says to whoever asked for what was not done.
fn refused(error: OrderError) -> Refused {
    match error {
        OrderError::Denied(refused) => refused,
        OrderError::Misfit(address, error) => Refused::BadValue {
            name: address.to_string(),
            expected: error.to_string(),
        },
        error => Refused::Plc(error.to_string()),
    }
}
