//! Requests of the API about PLC contexts: contexts and places are found here, values are fitted to their places, and what was
//! asked of an engine is answered when the engine has done it.

use super::PlcId;
use super::act::{PlcAction, as_value, signal_name};
use super::context::Context;
use super::order::WRITES_MAX;
use super::orders::{Asked, OrderError};
use crate::access::{Access, Actor};
use crate::api::plc::{ContextRow, MemoryRow, PlcReply, PlcRequest, ProgramRow, Written};
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
        /// What the engine has made of the bit, where it was to turn it over.
        toggled: Option<bool>,
    },
    /// How long the rungs take.
    Profile,
    /// What readers see at these places, and whether their values were fitted to them.
    Places(Vec<(Address, bool)>),
}

impl Wants {
    fn place(address: Address, is_coerced: bool) -> Wants {
        Wants::Place {
            address,
            is_coerced,
            toggled: None,
        }
    }

    /// The engine says what it has made of a bit.
    pub(crate) fn take_toggled(&mut self, on: Option<bool>) {
        if let Wants::Place { toggled, .. } = self {
            *toggled = on;
        }
    }
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
                let rows = self
                    .plcs
                    .contexts
                    .iter()
                    .map(|context| self.plc_row(context, &by.access));
                PlcReply::Contexts(rows.collect(), self.time())
            }
            PlcRequest::Context { context } => {
                let context = self.context_named(&context)?;
                PlcReply::Context(Box::new(self.plc_row(context, &by.access)), self.time())
            }
            PlcRequest::Program { context } => PlcReply::Program(program_row(self.context_named(&context)?)?),
            PlcRequest::Memory { context } => {
                let context = self.context_named(&context)?;
                rights::check_memory(&by.access, context)?;
                PlcReply::Memory(MemoryRow {
                    now: self.time(),
                    context: context.settings.name.clone(),
                    state: context.state,
                    words: context.mirror.words().into(),
                    masks: context.mirror.masks().into(),
                })
            }
            PlcRequest::Profile { context } => {
                let plc = self.context_named(&context)?.plc;
                let (access, wants) = (by.access.clone(), Wants::Profile);
                self.ask_for_profile(plc, Question { ticket, access, wants });
                return Ok(None);
            }
            PlcRequest::Create { name } => {
                let plc = self.plc_create(by, name.as_deref())?;
                let context = self.plcs.get(plc).ok_or_else(|| no_context(""))?;
                PlcReply::Context(Box::new(self.plc_row(context, &by.access)), self.time())
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
                return Ok((context.plc, action, Wants::place(address, is_coerced)));
            }
            PlcRequest::WriteAll { context, writes } => {
                let context = self.context_named(&context)?;
                let places = writes.iter().map(|(address, _)| (*address, false)).collect();
                let action = PlcAction::WriteAll {
                    writes: writes.into(),
                    is_cyclic: true,
                };
                return Ok((context.plc, action, Wants::Places(places)));
            }
            PlcRequest::WriteNamed { context, writes } => {
                let context = self.context_named(&context)?;
                let (writes, places) = all_fitted(context, &writes)?;
                let is_cyclic = false;
                let action = PlcAction::WriteAll { writes, is_cyclic };
                return Ok((context.plc, action, Wants::Places(places)));
            }
            PlcRequest::SetProfile { context, on } => {
                let plc = self.context_named(&context)?.plc;
                return Ok((plc, PlcAction::Profile(on), Wants::Profile));
            }
            PlcRequest::Toggle { context, address } => {
                let context = self.context_named(&context)?;
                let address = context.address_of(&address)?;
                return Ok((context.plc, PlcAction::Toggle(address), Wants::place(address, false)));
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
                return Ok((context.plc, action, Wants::place(address, is_coerced)));
            }
            // The caller has answered these.
            PlcRequest::Contexts
            | PlcRequest::Context { .. }
            | PlcRequest::Program { .. }
            | PlcRequest::Memory { .. }
            | PlcRequest::Profile { .. }
            | PlcRequest::Create { .. }
            | PlcRequest::Remove { .. } => return Err(no_context("")),
        };
        Ok((self.context_named(&name)?.plc, action, Wants::Context))
    }

    /// All that the API says of a context, the link to its engine among it.
    fn plc_row(&self, context: &Context, access: &Access) -> ContextRow {
        let client = self.engine_clients.get(&context.plc);
        let mut row = context.row(access);
        row.link = self.engine_link(context.plc);
        if let Some(provider) = client.and_then(|client| client.provider()) {
            row.io_provider = provider.to_owned();
        }
        row
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
        Ok(match &question.wants {
            Wants::Context => PlcReply::Context(Box::new(self.plc_row(context, &question.access)), self.time()),
            Wants::Profile => PlcReply::Profile(context.profile_row()),
            Wants::Place {
                address,
                is_coerced,
                toggled,
            } => PlcReply::Written(Written {
                toggled: *toggled,
                ..context.written(*address, *is_coerced)
            }),
            Wants::Places(places) => {
                let each = places
                    .iter()
                    .map(|(address, is_coerced)| context.written(*address, *is_coerced));
                PlcReply::WrittenAll(each.collect())
            }
        })
    }
}

impl Context {
    /// What readers see at a place that was written.
    fn written(&self, address: Address, coerced: bool) -> Written {
        let forced = self.mirror.is_forced(address);
        let program = self.program.as_ref().map(|loaded| &loaded.program.compiled);
        Written {
            name: signal_name(self, address),
            stored: self.mirror.read(address).map_or(Value::Int(0), as_value),
            coerced,
            forced,
            toggled: None,
            until_start: !forced && program.is_some_and(|compiled| compiled.loads(address)),
            driven_by: Place::of(address)
                .and_then(|place| self.io.driver_of(place))
                .map(str::to_owned),
        }
    }

    /// The place that an address or a symbol of the program stands for.
    pub(crate) fn address_of(&self, text: &str) -> Result<Address, Refused> {
        let program = self.program.as_ref().map(|loaded| &loaded.program.logic);
        self.address_by(text, |symbol| program.and_then(|logic| logic.symbol(symbol)))
    }

    /// The same, with a way to look up symbols.
    fn address_by(&self, text: &str, find: impl FnOnce(&Symbol) -> Option<Address>) -> Result<Address, Refused> {
        let bad = |expected: String| Refused::BadValue {
            name: text.to_owned(),
            expected,
        };
        let error = match Address::parse(text) {
            Ok(address) => return Ok(address),
            Err(error) => error,
        };
        match (Symbol::new(text), error) {
            (Some(symbol), AddressError::MissingColon { .. }) => find(&symbol).ok_or_else(|| {
                bad(format!(
                    "expected an address such as I:0/3, or a symbol of the program in '{}'",
                    self.settings.name
                ))
            }),
            (_, error) => Err(bad(error.to_string())),
        }
    }
}

/// Writes with their addresses and the values for their places, and which of these were fitted.
type Fitted = (Box<[(Address, CellValue)]>, Vec<(Address, bool)>);

fn all_fitted(context: &Context, writes: &[(String, Value)]) -> Result<Fitted, Refused> {
    if writes.len() > WRITES_MAX {
        return Err(Refused::Limit {
            what: "places of one write",
            limit: WRITES_MAX,
        });
    }
    // Each text may be a symbol, and a program may have thousands.
    let logic = context.program.as_ref().map(|loaded| &loaded.program.logic);
    let symbols = logic.map(|logic| logic.symbol_map()).unwrap_or_default();
    let each = writes.iter().map(|(text, value)| {
        let address = context.address_by(text, |symbol| symbols.get(symbol).copied())?;
        let (address, value, is_coerced) = fitted_at(address, text, value)?;
        Ok(((address, value), (address, is_coerced)))
    });
    let both: Vec<_> = each.collect::<Result<_, Refused>>()?;
    let (writes, places): (Vec<_>, Vec<_>) = both.into_iter().unzip();
    Ok((writes.into(), places))
}

/// A value for a place: the place, what is stored there, and whether that is another value than the given one.
fn fitted(context: &Context, text: &str, value: &Value) -> Result<(Address, CellValue, bool), Refused> {
    fitted_at(context.address_of(text)?, text, value)
}

/// The same, with the place found. `text` is what it was called.
fn fitted_at(address: Address, text: &str, value: &Value) -> Result<(Address, CellValue, bool), Refused> {
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
