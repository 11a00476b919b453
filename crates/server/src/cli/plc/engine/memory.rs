//! Places of a snapshot, and the requests that write them.

use crate::cli::CliError;
use crosstie_ladder::Address;
use crosstie_ladder::address::{CounterMember, Region, TimerMember};
use crosstie_ladder::data_table::{Cell, CellPart, CellValue, Place, aligned};
use crosstie_wire::piplc::{
    BitTarget, CounterWrite, Dialect, Request, SlotCells, SlotTarget, SnapshotBody, TimerWrite, WordTarget,
    counter_flag, timer_flag,
};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a value that was written may take to be seen in a snapshot.
pub(super) const SHOWN_MAX: Duration = Duration::from_millis(500);

/// A typed value as the place holds it, and whether it was converted.
pub(super) fn fitted(address: Address, value: &Value) -> Result<(CellValue, bool), CliError> {
    let is_bit = matches!(Place::of(address), Some(Place::Bit(..)));
    let usage = |expected: String| CliError::Usage(expected);
    let (value, coerced) = match (is_bit, value.as_bool(), value.as_i64()) {
        (true, Some(on), _) => (CellValue::Bit(on), false),
        (true, None, Some(number @ (0 | 1))) => (CellValue::Bit(number == 1), true),
        (true, ..) => return Err(usage(format!("expected on or off, or 1 or 0, for the bit {address}"))),
        (false, Some(on), _) => (CellValue::Word(i32::from(on)), true),
        (false, None, number) => {
            let word = number.and_then(|number| i32::try_from(number).ok());
            let expected = || {
                format!(
                    "expected a whole number from {} to {} for {address}",
                    i32::MIN,
                    i32::MAX
                )
            };
            (CellValue::Word(word.ok_or_else(|| usage(expected()))?), false)
        }
    };
    match aligned(address, value) {
        Ok(_) => Ok((value, coerced)),
        Err(error) => Err(usage(error.to_string())),
    }
}

/// What a snapshot shows at a place; a timer or counter as a whole shows its ACC.
pub(super) fn value(body: &SnapshotBody, address: Address) -> CellValue {
    let address = match address {
        Address::Timer { timer } => Address::TimerMember {
            timer,
            member: TimerMember::Accumulated,
        },
        Address::Counter { counter } => Address::CounterMember {
            counter,
            member: CounterMember::Accumulated,
        },
        address => address,
    };
    let word = |at: Cell| match at {
        Cell::Word { region, word } => {
            let word = usize::from(word);
            let of = |words: &[u32]| words.get(word).copied().unwrap_or(0);
            match region {
                Region::Input => of(&body.inputs),
                Region::Output => of(&body.outputs),
                Region::Bits => of(&body.bits),
                Region::Integer => body.integers.get(word).map_or(0, |number| *number as u32),
            }
        }
        Cell::Timer { timer, part } => slot_word(body.timers.get(usize::from(timer)), part),
        Cell::Counter { counter, part } => slot_word(body.counters.get(usize::from(counter)), part),
    };
    // Only a timer or counter as a whole is no place, and it was turned into one.
    Place::of(address).map_or(CellValue::Word(0), |place| place.value(word(place.bits().0.cell())))
}

fn slot_word(slot: Option<&SlotCells>, part: CellPart) -> u32 {
    let slot = slot.copied().unwrap_or_default();
    match part {
        CellPart::Preset => i32::from(slot.pre) as u32,
        CellPart::Accumulated => i32::from(slot.acc) as u32,
        CellPart::Flags => u32::from(slot.flags),
        CellPart::Rest => 0,
    }
}

/// A value as JSON.
pub(super) fn json_of(value: CellValue) -> Value {
    match value {
        CellValue::Bit(on) => json!(on),
        CellValue::Word(number) => json!(number),
    }
}

/// The word of the force bitmap that shows a place, and its bits there; `None` for a place that it does not show.
pub(super) fn force_word(address: Address) -> Option<(usize, u32)> {
    let (region, word, bits) = match address {
        Address::Word { region, word } => (region, word, u32::MAX),
        Address::Bit { region, word, bit } => (region, word, 1 << bit),
        _ => return None,
    };
    let start = match region {
        Region::Input => 0,
        Region::Output => 8,
        Region::Bits => 16,
        Region::Integer => return None,
    };
    Some((start + usize::from(word), bits))
}

/// Whether a place is forced, in any of its bits.
pub(super) fn is_forced(body: &SnapshotBody, address: Address) -> bool {
    force_word(address).is_some_and(|(word, bits)| body.forces.get(word).is_some_and(|forced| forced & bits != 0))
}

/// All forced bits with what readers see there, I before O before B.
pub(super) fn forced(body: &SnapshotBody) -> Vec<(Address, bool)> {
    let regions = [Region::Input, Region::Output, Region::Bits];
    let words = regions
        .into_iter()
        .flat_map(|region| (0..region.words()).map(move |word| (region, word)));
    let mut found = Vec::new();
    for ((region, word), mask) in words.zip(body.forces) {
        for bit in (0..32).filter(|bit| mask >> bit & 1 == 1) {
            // A region has at most 64 words of these.
            let address = Address::Bit {
                region,
                word: word as u8,
                bit,
            };
            found.push((address, value(body, address) == CellValue::Bit(true)));
        }
    }
    found
}

/// The request that writes a place. The other members of a timer or counter are sent as the snapshot has them: 0.1 sets those
/// that are missing to zero.
pub(super) fn write(
    address: Address,
    value: CellValue,
    body: &SnapshotBody,
    dialect: Dialect,
) -> Result<Request, CliError> {
    let refuse = |what: &str| Err(CliError::Usage(format!("an engine of PiPLC 0.1 {what}, got {address}")));
    let text = address.to_string().into();
    let is_old = dialect == Dialect::V01;
    Ok(match (address, value) {
        (Address::Bit { region, .. }, CellValue::Bit(_)) if is_old && region == Region::Integer => {
            return refuse("writes bits of I, O and B");
        }
        (Address::Bit { .. }, CellValue::Bit(value)) => Request::WriteBit {
            target: BitTarget::Address(text),
            value,
        },
        (Address::Word { region, .. }, CellValue::Word(_)) if is_old && region != Region::Integer => {
            return refuse("writes words of N; write the bits one by one");
        }
        (Address::Word { .. }, CellValue::Word(value)) => Request::WriteInteger {
            target: WordTarget::Address(text),
            value: value.into(),
        },
        (Address::TimerMember { timer, member }, value) => {
            let all = is_old.then(|| body.timers.get(usize::from(timer)).copied().unwrap_or_default());
            Request::WriteTimer(timer_write(timer, member, value, all))
        }
        (Address::CounterMember { counter, member }, value) => {
            let all = is_old.then(|| body.counters.get(usize::from(counter)).copied().unwrap_or_default());
            Request::WriteCounter(counter_write(counter, member, value, all))
        }
        (Address::Timer { .. } | Address::Counter { .. } | Address::Bit { .. } | Address::Word { .. }, _) => {
            return Err(CliError::Usage(format!(
                "nothing can be written to {address} as a whole"
            )));
        }
    })
}

/// `all` is what the members that are not written stay at.
fn timer_write(timer: u8, member: TimerMember, value: CellValue, all: Option<SlotCells>) -> TimerWrite {
    let flag = |bit: u8| all.map(|slot| slot.flags & bit != 0);
    let mut write = TimerWrite {
        target: SlotTarget::Index(timer.into()),
        pre: all.map(|slot| slot.pre),
        acc: all.map(|slot| slot.acc),
        en: flag(timer_flag::ENABLED),
        tt: flag(timer_flag::TIMING),
        dn: flag(timer_flag::DONE),
    };
    match member {
        TimerMember::Preset => write.pre = Some(short(value)),
        TimerMember::Accumulated => write.acc = Some(short(value)),
        TimerMember::Enabled => write.en = Some(is_on(value)),
        TimerMember::Timing => write.tt = Some(is_on(value)),
        TimerMember::Done => write.dn = Some(is_on(value)),
    }
    write
}

fn counter_write(counter: u8, member: CounterMember, value: CellValue, all: Option<SlotCells>) -> CounterWrite {
    let flag = |bit: u8| all.map(|slot| slot.flags & bit != 0);
    let mut write = CounterWrite {
        target: SlotTarget::Index(counter.into()),
        pre: all.map(|slot| slot.pre),
        acc: all.map(|slot| slot.acc),
        dn: flag(counter_flag::DONE),
        ov: flag(counter_flag::OVERFLOW),
        un: flag(counter_flag::UNDERFLOW),
        cu: flag(counter_flag::COUNT_UP),
        cd: flag(counter_flag::COUNT_DOWN),
    };
    match member {
        CounterMember::Preset => write.pre = Some(short(value)),
        CounterMember::Accumulated => write.acc = Some(short(value)),
        CounterMember::Done => write.dn = Some(is_on(value)),
        CounterMember::Overflow => write.ov = Some(is_on(value)),
        CounterMember::Underflow => write.un = Some(is_on(value)),
        CounterMember::CountUp => write.cu = Some(is_on(value)),
        CounterMember::CountDown => write.cd = Some(is_on(value)),
    }
    write
}

/// The number for PRE or ACC; that it is in range was checked when the value was fitted.
fn short(value: CellValue) -> i16 {
    match value {
        CellValue::Bit(on) => i16::from(on),
        CellValue::Word(number) => number as i16,
    }
}

fn is_on(value: CellValue) -> bool {
    match value {
        CellValue::Bit(on) => on,
        CellValue::Word(number) => number != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn every_place_of_a_snapshot_is_read() {
        let mut body = SnapshotBody::default();
        body.inputs[0] = 1 << 3;
        body.outputs[7] = u32::MAX;
        body.bits[63] = 1 << 31;
        body.integers[255] = -5;
        let slot = |flags| SlotCells {
            pre: -1,
            acc: 20,
            flags,
        };
        body.timers[4] = slot(timer_flag::DONE);
        body.counters[63] = slot(counter_flag::COUNT_DOWN);
        for (place, expected) in [
            ("I:0/3", json!(true)),
            ("I:0", json!(8)),
            ("O:7", json!(-1)),
            ("B:63/31", json!(true)),
            ("N:255", json!(-5)),
            ("N:255/0", json!(true)),
            ("T:4", json!(20)),
            ("T:4.PRE", json!(-1)),
            ("T:4.DN", json!(true)),
            ("T:4.EN", json!(false)),
            ("C:63.CD", json!(true)),
            ("C:63.ACC", json!(20)),
        ] {
            assert_eq!(json_of(value(&body, address(place))), expected, "{place}");
        }
    }

    #[test]
    fn pl23_forced_bits_are_found_in_their_words() {
        let mut body = SnapshotBody::default();
        (body.forces[0], body.forces[9], body.forces[79]) = (1 << 3, 1 << 31, 1);
        body.inputs[0] = 1 << 3;
        let found = forced(&body).into_iter().map(|(address, on)| (address.to_string(), on));
        let expected = [("I:0/3", true), ("O:1/31", false), ("B:63/0", false)];
        assert_eq!(
            found.collect::<Vec<_>>(),
            expected.map(|(place, on)| (place.to_owned(), on))
        );
        for (place, is_it) in [
            ("I:0/3", true),
            ("I:0", true),
            ("I:0/4", false),
            ("B:63", true),
            ("N:0", false),
        ] {
            assert_eq!(is_forced(&body, address(place)), is_it, "{place}");
        }
    }

    #[test]
    fn typed_values_fit_their_place_or_are_refused() {
        let fit = |place: &str, value: Value| fitted(address(place), &value);
        assert_eq!(fit("I:0/3", json!(1)).unwrap(), (CellValue::Bit(true), true));
        assert_eq!(fit("N:7", json!(true)).unwrap(), (CellValue::Word(1), true));
        assert_eq!(
            fit("T:0.PRE", json!(-32_768)).unwrap(),
            (CellValue::Word(-32_768), false)
        );
        for (place, value) in [
            ("I:0/3", json!(2)),
            ("N:7", json!(1_i64 << 31)),
            ("T:0.PRE", json!(32_768)),
            ("T:0", json!(1)),
        ] {
            assert_eq!(fit(place, value).unwrap_err().exit_code(), 2, "{place}");
        }
    }

    #[test]
    fn pl9_an_engine_of_0_1_gets_every_member_and_no_place_that_it_cannot_write() {
        let mut body = SnapshotBody::default();
        body.timers[0] = SlotCells {
            pre: 500,
            acc: 70,
            flags: timer_flag::ENABLED | timer_flag::TIMING,
        };
        let asked = |place: &str, value, dialect| write(address(place), value, &body, dialect);
        let expected = |all: bool| {
            Request::WriteTimer(TimerWrite {
                target: SlotTarget::Index(0),
                pre: Some(900),
                acc: all.then_some(70),
                en: all.then_some(true),
                tt: all.then_some(true),
                dn: all.then_some(false),
            })
        };
        let preset = CellValue::Word(900);
        assert_eq!(asked("T:0.PRE", preset, Dialect::V01).unwrap(), expected(true));
        assert_eq!(asked("T:0.PRE", preset, Dialect::V02).unwrap(), expected(false));
        for (place, value) in [("N:0/3", CellValue::Bit(true)), ("B:0", CellValue::Word(1))] {
            assert_eq!(asked(place, value, Dialect::V01).unwrap_err().exit_code(), 2, "{place}");
            assert!(asked(place, value, Dialect::V02).is_ok(), "{place}");
        }
    }
}
