//! Orders as requests of PiPLC's protocol, and why some of them cannot be said in it.

use super::state::Done;
use crate::plc::context::Context;
use crate::plc::order::Order;
use crate::plc::orders::Effect;
use crate::session::piplc::document;
use crosstie_ladder::address::{Address, CounterMember, Region, TimerMember};
use crosstie_ladder::controller::Command;
use crosstie_ladder::data_table::{CellValue, Place};
use crosstie_wire::piplc::{
    BitTarget, CounterWrite, Dialect, EngineCommand, PROGRAM_FORMAT, Request, SlotTarget, TimerWrite, WordTarget,
};

/// An order as requests, in their order.
pub(super) fn requests(
    context: &Context,
    dialect: Dialect,
    order: &Order,
    effect: &Effect,
) -> Result<Vec<Request>, String> {
    match order {
        // The protocol writes one place at a time.
        Order::WriteAll(writes) => {
            let writes = writes.iter();
            writes
                .map(|(address, value)| write(context, dialect, *address, *value))
                .collect()
        }
        order => request(context, dialect, order, effect).map(|request| vec![request]),
    }
}

/// What a bit becomes that is turned over.
fn toggled(context: &Context, address: Address) -> Option<bool> {
    match context.mirror.read(address) {
        Some(CellValue::Bit(on)) if !context.mirror.is_forced(address) => Some(!on),
        _ => None,
    }
}

fn request(context: &Context, dialect: Dialect, order: &Order, effect: &Effect) -> Result<Request, String> {
    Ok(match order {
        Order::Command(command) => Request::Engine(engine_command(*command)),
        Order::Load(_) => match effect {
            Effect::Loaded(program, _) => Request::Download {
                format: Some(PROGRAM_FORMAT.into()),
                document: document(program).as_ref().into(),
            },
            _ => return Err(String::from("the program has no document that could be downloaded")),
        },
        Order::ClearProgram => Request::Clear,
        Order::Write { address, value } | Order::Feed { address, value } => write(context, dialect, *address, *value)?,
        Order::Toggle { address } => match toggled(context, *address) {
            Some(on) => write(context, dialect, *address, CellValue::Bit(on))?,
            None => {
                return Err(format!(
                    "{address} is forced, and a remote engine does not tell what stands underneath; release it first"
                ));
            }
        },
        Order::WriteAll(_) => return Err(String::from("several places are several requests")),
        Order::Force {
            address,
            value: CellValue::Bit(value),
        } => Request::ForceBit {
            target: forced_bit(dialect, *address)?,
            value: *value,
        },
        Order::Force { address, .. } => {
            return Err(format!(
                "PiPLC's protocol forces bits only, and {address} is a word; force its bits one by one"
            ));
        }
        Order::Unforce { address } => Request::UnforceBit {
            target: forced_bit(dialect, *address)?,
        },
        Order::ClearForces => Request::ClearAllForces,
        Order::SetBreakpoint(rung) => Request::SetBreakpoint {
            rung_index: rung_index(*rung),
        },
        Order::RemoveBreakpoint(rung) => Request::RemoveBreakpoint {
            rung_index: rung_index(*rung),
        },
        Order::ClearBreakpoints => Request::ClearAllBreakpoints,
        Order::Fault(_) => return Err(String::from("a remote engine cannot be put into fault from here")),
        Order::Profile(_) | Order::TellProfile => {
            return Err(String::from("PiPLC's protocol does not tell how long rungs take"));
        }
        Order::Settings(_)
        | Order::RecordPower(_)
        | Order::TellPower
        | Order::Restore(_)
        | Order::TellRetained(_)
        | Order::TellInputs(_) => {
            return Err(String::from("PiPLC's protocol has no such request"));
        }
    })
}

/// What is known of the memory when an order was executed.
pub(super) fn done(context: &Context, order: &Order) -> Done {
    match order {
        Order::Load(_) => Done::Loaded,
        Order::Write { address, value } => Done::Wrote([(*address, *value)].into()),
        Order::WriteAll(writes) => Done::Wrote(writes.clone()),
        Order::Toggle { address } => match toggled(context, *address) {
            Some(on) => Done::Toggled(*address, on),
            None => Done::Nothing,
        },
        Order::Force { address, value } => Done::Forced(*address, *value),
        Order::Unforce { address } => Done::Unforced(*address),
        Order::ClearForces => Done::ClearedForces,
        _ => Done::Nothing,
    }
}

fn engine_command(command: Command) -> EngineCommand {
    match command {
        Command::Start => EngineCommand::Start,
        Command::Stop => EngineCommand::Stop,
        Command::Pause => EngineCommand::Pause,
        Command::Resume => EngineCommand::Resume,
        Command::StepScan => EngineCommand::StepScan,
        Command::StepRung => EngineCommand::StepRung,
        Command::Reset => EngineCommand::Reset,
    }
}

/// A rung beyond the protocol is beyond every program too, and the engine says so.
fn rung_index(rung: usize) -> u32 {
    u32::try_from(rung).unwrap_or(u32::MAX)
}

fn forced_bit(dialect: Dialect, address: Address) -> Result<BitTarget, String> {
    let is_in_bitmap = matches!(
        address,
        Address::Bit {
            region: Region::Input | Region::Output | Region::Bits,
            ..
        }
    );
    match (dialect, Place::of(address)) {
        (Dialect::V01, _) if !is_in_bitmap => Err(format!(
            "an engine of protocol 0.1 forces bits of I, O and B only, not {address}"
        )),
        (_, Some(Place::Bit(..))) => Ok(BitTarget::Address(address.to_string().into())),
        _ => Err(format!("PiPLC's protocol forces bits only, and {address} is a word")),
    }
}

/// A write of one place.
pub(super) fn write(
    context: &Context,
    dialect: Dialect,
    address: Address,
    value: CellValue,
) -> Result<Request, String> {
    let is_old = dialect == Dialect::V01;
    let text = || address.to_string().into();
    match (address, value) {
        // compat: PL-16, the old generation takes its inputs anew with every scan.
        (
            Address::Bit {
                region: Region::Input, ..
            }
            | Address::Word {
                region: Region::Input, ..
            },
            _,
        ) if is_old => Err(format!(
            "an engine of protocol 0.1 forgets what is written to {address} with its next scan; force it, or write a bit of B"
        )),
        (
            Address::Bit {
                region: Region::Integer,
                ..
            },
            _,
        ) if is_old => Err(format!(
            "an engine of protocol 0.1 has no bits of integers such as {address}"
        )),
        (Address::Bit { .. }, CellValue::Bit(value)) => Ok(Request::WriteBit {
            target: BitTarget::Address(text()),
            value,
        }),
        (Address::Word { region, .. }, CellValue::Word(_)) if is_old && region != Region::Integer => Err(format!(
            "an engine of protocol 0.1 takes words of N only, not {address}; write its bits one by one"
        )),
        (Address::Word { .. }, CellValue::Word(value)) => Ok(Request::WriteInteger {
            target: WordTarget::Address(text()),
            value: i64::from(value),
        }),
        (Address::TimerMember { timer, member }, value) => Ok(Request::WriteTimer(timer_write(
            is_old.then_some(context),
            timer,
            (member, value),
        ))),
        (Address::CounterMember { counter, member }, value) => Ok(Request::WriteCounter(counter_write(
            is_old.then_some(context),
            counter,
            (member, value),
        ))),
        _ => Err(format!("{address} cannot be written over PiPLC's protocol")),
    }
}

fn short(value: CellValue) -> Option<i16> {
    match value {
        CellValue::Word(number) => i16::try_from(number).ok(),
        CellValue::Bit(_) => None,
    }
}

fn bit(value: CellValue) -> Option<bool> {
    match value {
        CellValue::Bit(on) => Some(on),
        CellValue::Word(_) => None,
    }
}

/// One member of a timer. The old generation sets members that are missing to zero, so `known` gives them what they hold.
fn timer_write(known: Option<&Context>, timer: u8, (written, value): (TimerMember, CellValue)) -> TimerWrite {
    let of = |member| match member == written {
        true => Some(value),
        false => known.and_then(|context| context.mirror.read(Address::TimerMember { timer, member })),
    };
    TimerWrite {
        target: SlotTarget::Index(u32::from(timer)),
        pre: of(TimerMember::Preset).and_then(short),
        acc: of(TimerMember::Accumulated).and_then(short),
        en: of(TimerMember::Enabled).and_then(bit),
        tt: of(TimerMember::Timing).and_then(bit),
        dn: of(TimerMember::Done).and_then(bit),
    }
}

/// The same for a counter.
fn counter_write(known: Option<&Context>, counter: u8, (written, value): (CounterMember, CellValue)) -> CounterWrite {
    let of = |member| match member == written {
        true => Some(value),
        false => known.and_then(|context| context.mirror.read(Address::CounterMember { counter, member })),
    };
    CounterWrite {
        target: SlotTarget::Index(u32::from(counter)),
        pre: of(CounterMember::Preset).and_then(short),
        acc: of(CounterMember::Accumulated).and_then(short),
        dn: of(CounterMember::Done).and_then(bit),
        ov: of(CounterMember::Overflow).and_then(bit),
        un: of(CounterMember::Underflow).and_then(bit),
        cu: of(CounterMember::CountUp).and_then(bit),
        cd: of(CounterMember::CountDown).and_then(bit),
    }
}
