//! Addresses and symbols of requests, in both spellings (PL-14, PL-16, PL-40).

use crate::plc::context::Context;
use crosstie_ladder::address::{Address, CounterMember, TimerMember, WORD_BITS};
use crosstie_ladder::data_table::{CellValue, Place};
use crosstie_wire::piplc::{BitTarget, CounterWrite, SlotTarget, TimerWrite, WordTarget};

/// What is written, and where.
pub(super) type Write = (Address, CellValue);

/// The address of a text: an address or a symbol of the program.
pub(super) fn address(context: &Context, text: &str) -> Result<Address, String> {
    context.address_of(text).map_err(|refused| refused.to_string())
}

/// A bit.
pub(super) fn bit(context: &Context, target: &BitTarget) -> Result<Address, String> {
    let address = match target {
        BitTarget::Address(text) => address(context, text)?,
        BitTarget::Cell { region, word, bit } if *bit as usize >= WORD_BITS => {
            return Err(format!("expected a bit from 0 to 31, got {region}:{word}/{bit}"));
        }
        BitTarget::Cell { region, word, bit } => parse(&format!("{region}:{word}/{bit}"))?,
    };
    match Place::of(address) {
        Some(Place::Bit(..)) => Ok(address),
        _ => Err(format!("expected a bit such as I:0/3, got {address}")),
    }
}

/// A word and a value that it can hold.
pub(super) fn word(context: &Context, target: &WordTarget, value: i64) -> Result<Write, String> {
    let address = match target {
        WordTarget::Address(text) => address(context, text)?,
        WordTarget::Cell { region, word } => parse(&format!("{region}:{word}"))?,
    };
    let is_bits = !matches!(
        address,
        Address::Word {
            region: crosstie_ladder::address::Region::Integer,
            ..
        }
    );
    let word = match (Place::of(address), i32::try_from(value), u32::try_from(value)) {
        (Some(Place::Word(_) | Place::Short(_)), Ok(word), _) => word,
        // 32 bits may be written as the number that a snapshot shows.
        (Some(Place::Word(_)), _, Ok(bits)) if is_bits => bits as i32,
        (Some(Place::Word(_)), ..) => {
            return Err(format!("expected -2147483648 to 2147483647 for {address}, got {value}"));
        }
        (Some(Place::Short(_)), ..) => return Err(format!("expected -32768 to 32767 for {address}, got {value}")),
        (Some(Place::Bit(..)) | None, ..) => {
            return Err(format!("expected a word such as N:6 or T:4.PRE, got {address}"));
        }
    };
    Ok((address, CellValue::Word(word)))
}

/// The members of a timer that a request names, with their values.
pub(super) fn timer(context: &Context, write: &TimerWrite) -> Result<Vec<Write>, String> {
    let address = slot(context, &write.target, 'T')?;
    let Address::Timer { timer } = address else {
        return Err(format!("expected a timer such as T:4, got {address}"));
    };
    let at = |member| Address::TimerMember { timer, member };
    Ok(members([
        (at(TimerMember::Preset), short(write.pre)),
        (at(TimerMember::Accumulated), short(write.acc)),
        (at(TimerMember::Enabled), write.en.map(CellValue::Bit)),
        (at(TimerMember::Timing), write.tt.map(CellValue::Bit)),
        (at(TimerMember::Done), write.dn.map(CellValue::Bit)),
    ]))
}

/// The members of a counter that a request names, with their values.
pub(super) fn counter(context: &Context, write: &CounterWrite) -> Result<Vec<Write>, String> {
    let address = slot(context, &write.target, 'C')?;
    let Address::Counter { counter } = address else {
        return Err(format!("expected a counter such as C:4, got {address}"));
    };
    let at = |member| Address::CounterMember { counter, member };
    Ok(members([
        (at(CounterMember::Preset), short(write.pre)),
        (at(CounterMember::Accumulated), short(write.acc)),
        (at(CounterMember::Done), write.dn.map(CellValue::Bit)),
        (at(CounterMember::Overflow), write.ov.map(CellValue::Bit)),
        (at(CounterMember::Underflow), write.un.map(CellValue::Bit)),
        (at(CounterMember::CountUp), write.cu.map(CellValue::Bit)),
        (at(CounterMember::CountDown), write.cd.map(CellValue::Bit)),
    ]))
}

fn slot(context: &Context, target: &SlotTarget, letter: char) -> Result<Address, String> {
    match target {
        SlotTarget::Address(text) => address(context, text),
        SlotTarget::Index(index) => parse(&format!("{letter}:{index}")),
    }
}

fn parse(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|error| error.to_string())
}

fn short(value: Option<i16>) -> Option<CellValue> {
    value.map(|value| CellValue::Word(i32::from(value)))
}

fn members<const N: usize>(all: [(Address, Option<CellValue>); N]) -> Vec<Write> {
    let named = |(address, value): (Address, Option<CellValue>)| Some((address, value?));
    all.into_iter().filter_map(named).collect()
}
