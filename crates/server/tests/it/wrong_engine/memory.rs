//! The memory of a context: writes, forces, and the frame that shows it.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use super::fault::Fault::{self, self as F};
use super::{Done, Plc, World};
use crosstie_ladder::address::{Address, Region};
use crosstie_ladder::controller::Controller;
use crosstie_ladder::data_table::{CellValue, Place, SlotValue};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

impl World {
    pub(super) fn memory(&mut self, kind: &str, at: usize, request: &Map<String, Value>) -> Done {
        let fault = self.fault;
        let controller = &mut self.plcs[at].controller;
        let value = request.get("value").cloned().unwrap_or_default();
        let bit = || {
            let is_cell = !request.contains_key("address");
            let address = address_of(request)?;
            match Place::of(address) {
                Some(Place::Bit(..)) if is_cell && fault == Some(F::CellsNotRead) => {
                    Ok(Address::parse("B:0/0").unwrap())
                }
                Some(Place::Bit(..)) => Ok(address),
                _ => Err(format!("expected a bit, got {address}")),
            }
        };
        let on = || value.as_bool().ok_or("expected true or false as value");
        let tried = match kind {
            "memory.forceBit" => bit().and_then(|address| {
                controller
                    .force(address, CellValue::Bit(on()?))
                    .map_err(|error| error.to_string())
            }),
            "memory.unforceBit" if fault == Some(F::UnforceEndsAll) => {
                controller.clear_forces();
                Ok(())
            }
            "memory.unforceBit" => {
                bit().and_then(|address| controller.unforce(address).map_err(|error| error.to_string()))
            }
            "memory.clearAllForces" => {
                controller.clear_forces();
                Ok(())
            }
            "memory.writeBit" => bit().and_then(|address| {
                let value = CellValue::Bit(on()?);
                if fault == Some(F::ForceLosesWrites)
                    && forced_bits(controller).iter().any(|(forced, _)| *forced == address)
                {
                    return Ok(());
                }
                if fault == Some(F::BitWriteForces) {
                    return controller.force(address, value).map_err(|error| error.to_string());
                }
                controller.write(address, value).map_err(|error| error.to_string())
            }),
            "memory.writeInteger" => write_integer(controller, request, fault),
            _ => write_slot(controller, kind, request, fault),
        };
        match (tried, fault) {
            (Err(_), Some(F::BadForceTaken)) if kind == "memory.forceBit" => Ok(Map::new()),
            (Err(_), Some(F::BadWriteTaken)) if kind.starts_with("memory.write") => Ok(Map::new()),
            (tried, _) => tried.map(|()| Map::new()),
        }
    }

    /// A snapshot, written at the offsets of the description.
    pub(super) fn frame(&self, at: usize, sequence: u32, is_old: bool) -> Vec<u8> {
        let plc = &self.plcs[at];
        let table = plc.controller.table();
        let time = if self.has(F::TimeStandsStill) {
            0
        } else {
            self.started.elapsed().as_millis() as u32
        };
        let state = if self.has(F::StateByteWrong) {
            0
        } else {
            plc.controller.state() as u8
        };
        let magic = 0x504D_454D_u32;
        let mut bytes = if self.has(F::MagicTurned) {
            magic.to_be_bytes()
        } else {
            magic.to_le_bytes()
        }
        .to_vec();
        bytes.extend(sequence.to_le_bytes());
        bytes.extend(time.to_le_bytes());
        // The first generation leaves the position of the context out.
        let position = if self.is_old { 0 } else { at as u8 };
        bytes.extend([state, position, u8::from(self.has(F::ReservedUsed)), 0]);
        let mut masks = BTreeMap::new();
        for (word, mask) in table.forced_words() {
            masks.insert(word.get(), mask);
        }
        let mask_of = |region: Region, word: usize| {
            let (index, _) = Place::of(Address::Word {
                region,
                word: word as u8,
            })
            .unwrap()
            .bits();
            masks.get(&index.get()).copied().unwrap_or(0)
        };
        let mut forces = Vec::new();
        for region in [Region::Input, Region::Output, Region::Bits, Region::Integer] {
            for (word, bits) in table.region(region).iter().enumerate() {
                let mask = if region == Region::Integer {
                    0
                } else {
                    mask_of(region, word)
                };
                let shown = if self.has(F::UnderneathShown) {
                    bits & !mask
                } else {
                    *bits
                };
                bytes.extend(shown.to_le_bytes());
                if region != Region::Integer {
                    forces.push(mask);
                }
            }
        }
        let turn = |flags: u8| flags & 2 | (flags & 1) << 2 | flags >> 2 & 1;
        let turns = (is_old && !self.has(F::OldFlagsNotTurned)) != self.has(F::TimerFlagsTurned);
        let timers = table
            .timers()
            .map(|timer| slot_bytes(timer, if turns { turn(timer.flags) } else { timer.flags }));
        let mirrored = self.has(F::CounterFlagsTurned);
        let counters = table.counters().map(|counter| {
            let flags = if mirrored {
                counter.flags.reverse_bits() >> 3
            } else {
                counter.flags
            };
            slot_bytes(counter, flags)
        });
        match self.has(F::CountersBeforeTimers) {
            true => counters.chain(timers).for_each(|slot| bytes.extend(slot)),
            false => timers.chain(counters).for_each(|slot| bytes.extend(slot)),
        }
        if self.has(F::ForcesMisplaced) {
            forces.rotate_right(8);
        }
        forces.iter().for_each(|mask| bytes.extend(mask.to_le_bytes()));
        bytes
    }
}

fn slot_bytes(slot: SlotValue, flags: u8) -> [u8; 8] {
    let ([p, q], [a, b]) = (slot.preset.to_le_bytes(), slot.accumulated.to_le_bytes());
    [p, q, a, b, flags, 0, 0, 0]
}

fn address_of(request: &Map<String, Value>) -> Result<Address, String> {
    let text = match request.get("address").and_then(Value::as_str) {
        Some(address) => address.to_owned(),
        None => {
            let region = request
                .get("region")
                .and_then(Value::as_str)
                .ok_or("expected an address")?;
            let word = request.get("word").and_then(Value::as_u64).ok_or("expected a word")?;
            match request.get("bit").and_then(Value::as_u64) {
                Some(bit) => format!("{region}:{word}/{bit}"),
                None => format!("{region}:{word}"),
            }
        }
    };
    Address::parse(&text).map_err(|error| error.to_string())
}

fn write_integer(
    controller: &mut Controller,
    request: &Map<String, Value>,
    fault: Option<Fault>,
) -> Result<(), String> {
    let address = address_of(request)?;
    let number = request
        .get("value")
        .and_then(Value::as_i64)
        .ok_or("expected a number")?;
    let number = i32::try_from(number).map_err(|error| error.to_string())?;
    let number = if fault == Some(F::IntegerShort) {
        i32::from(number as i16)
    } else {
        number
    };
    controller
        .write(address, CellValue::Word(number))
        .map_err(|error| error.to_string())
}

fn write_slot(
    controller: &mut Controller,
    kind: &str,
    request: &Map<String, Value>,
    fault: Option<Fault>,
) -> Result<(), String> {
    let (letter, flags): (_, &[&str]) = match kind {
        "memory.writeTimer" => ('T', &["en", "tt", "dn"]),
        _ => ('C', &["dn", "ov", "un", "cu", "cd"]),
    };
    let index = request
        .get("index")
        .and_then(Value::as_u64)
        .ok_or("expected an index")?;
    let at = |member: &str| {
        Address::parse(&format!("{letter}:{index}.{}", member.to_uppercase())).map_err(|error| error.to_string())
    };
    let zeroed = fault == Some(F::MembersZeroed);
    for member in ["pre", "acc"] {
        let number = request.get(member).and_then(Value::as_i64).or(zeroed.then_some(0));
        if let Some(number) = number {
            let number = i16::try_from(number).map_err(|error| error.to_string())?;
            controller
                .write(at(member)?, CellValue::Word(number.into()))
                .map_err(|error| error.to_string())?;
        }
    }
    for member in flags {
        let on = request
            .get(*member)
            .and_then(Value::as_bool)
            .filter(|_| fault != Some(F::SlotFlagsLost));
        if let Some(on) = on {
            controller
                .write(at(member)?, CellValue::Bit(on))
                .map_err(|error| error.to_string())?;
        }
    }
    at("pre").map(drop)
}

/// The forced bits of I, O and B with their values.
pub(super) fn forced_bits(controller: &Controller) -> Vec<(Address, CellValue)> {
    let table = controller.table();
    let mut found = Vec::new();
    for (word, mask) in table.forced_words() {
        for (letter, words) in [('I', 8), ('O', 8), ('B', 64)] {
            for (number, bit) in (0..words).flat_map(|number| (0..32).map(move |bit| (number, bit))) {
                let address = Address::parse(&format!("{letter}:{number}/{bit}")).unwrap();
                let is_it = Place::of(address).is_some_and(|place| place.bits() == (word, 1 << bit));
                if is_it && mask >> bit & 1 == 1 {
                    found.push((address, table.read(address).unwrap()));
                }
            }
        }
    }
    found
}

pub(super) fn forget_inputs(plc: &mut Plc) {
    for word in 0..8 {
        let address = Address::parse(&format!("I:{word}")).unwrap();
        plc.controller.write(address, CellValue::Word(0)).unwrap();
    }
}
