//! Snapshots as entries: the words that are not what the mirror holds, and the forces.

use super::state::{Done, EngineClient};
use crate::hub::Hub;
use crate::input::ConnId;
use crate::plc::PlcId;
use crate::plc::context::Context;
use crate::plc::entry::{Border, Entry};
use crosstie_ladder::address::{Address, Region};
use crosstie_ladder::controller::{ControllerState, Event};
use crosstie_ladder::data_table::{Cell, CellPart, CellValue, Place, USED_WORDS, WordIndex, aligned};
use crosstie_wire::piplc::{EngineState, SlotCells, Snapshot, SnapshotBody, read_snapshot};

impl Hub {
    /// A binary frame of an engine.
    pub(crate) fn engine_snapshot(&mut self, conn: ConnId, plc: PlcId, frame: &[u8]) {
        let now = self.now;
        let client = self.engine_clients.get_mut(&plc);
        let Some(client) = client.filter(|client| client.conn == Some(conn)) else {
            return;
        };
        // What comes before the stream was asked for is no part of it.
        if client.context.is_none() {
            return;
        }
        let snapshot = match read_snapshot(frame, client.dialect) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                self.engine_failed(plc, &format!("the engine sends what is no snapshot: {error}"));
                return;
            }
        };
        let is_first = client.heard(now);
        let Some(state) = EngineState::of_byte(snapshot.header.state).map(controller_state) else {
            let text = format!("the engine tells a state that there is not: {}", snapshot.header.state);
            self.engine_failed(plc, &text);
            return;
        };
        let Some(context) = self.plcs.get_mut(plc) else { return };
        context.is_lost = false;
        let is_new_state = context.state != state;
        let mut entries = entries(context, client, state, &snapshot, is_first);
        if is_new_state {
            entries.push(Entry::Event(Event::StateChanged(state)));
        }
        let has_forces = entries.iter().any(|entry| matches!(entry, Entry::Forced { .. }));
        self.plc_tells(plc, entries);
        if has_forces {
            self.note_foreign_forces(plc);
        }
        if is_first {
            self.engine_is_up(plc);
        }
        if is_new_state {
            self.engine_changed_state(plc, state);
        }
        self.engine_moved(plc);
    }

    /// An engine tells a state.
    pub(super) fn engine_state_told(&mut self, plc: PlcId, state: ControllerState) {
        let (Some(context), Some(client)) = (self.plcs.get(plc), self.engine_clients.get_mut(&plc)) else {
            return;
        };
        if context.state == state || !client.is_up() {
            return;
        }
        if state != ControllerState::Paused {
            client.next_rung = None;
        }
        let entries = vec![
            Entry::Border(border(client, state)),
            Entry::Event(Event::StateChanged(state)),
        ];
        self.plc_tells(plc, entries);
        self.engine_changed_state(plc, state);
    }

    fn engine_changed_state(&mut self, plc: PlcId, state: ControllerState) {
        if let Some(client) = self.engine_clients.get_mut(&plc)
            && matches!(state, ControllerState::Running | ControllerState::Stepping)
        {
            client.note_started();
        }
        self.engine_wants_program(plc);
    }

    /// An order was executed: what it did to the memory is shown before its answer, and the next snapshot says the same.
    pub(super) fn engine_did(&mut self, plc: PlcId, done: Done) {
        let (Some(context), Some(client)) = (self.plcs.get(plc), self.engine_clients.get(&plc)) else {
            return;
        };
        let mut entries = vec![Entry::Border(border(client, context.state))];
        let mask_of = |word: WordIndex| context.mirror.masks()[word.get()];
        match done {
            Done::Nothing | Done::Loaded => return,
            Done::Wrote(writes) => {
                // Several may lie in one word, so each is told before the next is looked at.
                for (address, value) in writes {
                    self.engine_wrote(plc, address, value);
                }
                return;
            }
            Done::Toggled(address, on) => {
                self.engine_wrote(plc, address, CellValue::Bit(on));
                entries.push(Entry::Toggled(on));
            }
            Done::Forced(address, value) => {
                let Ok((word, bits, value)) = aligned(address, value) else {
                    return;
                };
                entries.extend(change(context, word, bits, value));
                let mask = mask_of(word) | bits;
                entries.push(Entry::Forced { word, mask });
            }
            Done::Unforced(address) => {
                let Some((word, bits)) = Place::of(address).map(Place::bits) else {
                    return;
                };
                let mask = mask_of(word) & !bits;
                entries.push(Entry::Forced { word, mask });
            }
            Done::ClearedForces => {
                let words = (0..USED_WORDS).filter_map(WordIndex::new);
                let forced = words.filter(|word| mask_of(*word) != 0);
                entries.extend(forced.map(|word| Entry::Forced { word, mask: 0 }));
            }
        }
        self.plc_tells(plc, entries);
    }
}

impl Hub {
    fn engine_wrote(&mut self, plc: PlcId, address: Address, value: CellValue) {
        let (Some(context), Some(client)) = (self.plcs.get(plc), self.engine_clients.get(&plc)) else {
            return;
        };
        let Ok((word, bits, value)) = aligned(address, value) else {
            return;
        };
        // What is forced stays; what is written stands underneath.
        let bits = bits & !context.mirror.masks()[word.get()];
        if let Some(change) = change(context, word, bits, value) {
            let border = Entry::Border(border(client, context.state));
            self.plc_tells(plc, vec![border, change]);
        }
    }
}

/// These bits of a word as they are now.
fn change(context: &Context, word: WordIndex, bits: u32, value: u32) -> Option<Entry> {
    let before = context.mirror.words()[word.get()];
    let after = before & !bits | value & bits;
    (before != after).then_some(Entry::Change { word, after, pulsed: 0 })
}

fn border(client: &EngineClient, state: ControllerState) -> Border {
    Border {
        scan: client.scans,
        dt_us: 0,
        scans: 0,
        state,
        next_rung: client.next_rung,
        is_safe: matches!(state, ControllerState::Stopped | ControllerState::Fault),
    }
}

/// What a snapshot says that the mirror does not hold. Without anything new there is no entry but those of the first.
fn entries(
    context: &Context,
    client: &EngineClient,
    state: ControllerState,
    snapshot: &Snapshot,
    is_first: bool,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    let (words, masks) = (context.mirror.words(), context.mirror.masks());
    for at in (0..USED_WORDS).filter_map(WordIndex::new) {
        let Some((after, mask)) = told(&snapshot.body, at) else {
            continue;
        };
        if words[at.get()] != after {
            entries.push(Entry::Change {
                word: at,
                after,
                pulsed: 0,
            });
        }
        if let Cell::Word {
            region: Region::Output,
            word,
        } = at.cell()
            && context.mirror.drive(word) != after
        {
            entries.push(Entry::Drive { word, bits: after });
        }
        // Of forces that a snapshot does not tell nothing is known behind a lost link.
        let mask = mask.or(is_first.then_some(0));
        if let Some(mask) = mask.filter(|mask| *mask != masks[at.get()]) {
            entries.push(Entry::Forced { word: at, mask });
        }
    }
    if is_first || !entries.is_empty() || context.state != state {
        entries.insert(0, Entry::Border(border(client, state)));
    }
    entries
}

/// What a snapshot says of a word, and its forces where they are told; `None` where it says nothing.
fn told(body: &SnapshotBody, at: WordIndex) -> Option<(u32, Option<u32>)> {
    Some(match at.cell() {
        Cell::Word { region, word } => {
            let word = usize::from(word);
            match region {
                Region::Input => (body.inputs[word], Some(body.forces[word])),
                Region::Output => (body.outputs[word], Some(body.forces[8 + word])),
                Region::Bits => (body.bits[word], Some(body.forces[16 + word])),
                // Forces on integers have no place in the frame (PL-23).
                Region::Integer => (body.integers[word] as u32, None),
            }
        }
        Cell::Timer { timer, part } => (slot_part(&body.timers[usize::from(timer)], part)?, None),
        Cell::Counter { counter, part } => (slot_part(&body.counters[usize::from(counter)], part)?, None),
    })
}

fn slot_part(slot: &SlotCells, part: CellPart) -> Option<u32> {
    match part {
        CellPart::Preset => Some(i32::from(slot.pre) as u32),
        CellPart::Accumulated => Some(i32::from(slot.acc) as u32),
        CellPart::Flags => Some(u32::from(slot.flags)),
        CellPart::Rest => None,
    }
}

/// A state of the protocol.
pub(super) fn controller_state(state: EngineState) -> ControllerState {
    match state {
        EngineState::Stopped => ControllerState::Stopped,
        EngineState::Running => ControllerState::Running,
        EngineState::Paused => ControllerState::Paused,
        EngineState::Stepping => ControllerState::Stepping,
        EngineState::Fault => ControllerState::Fault,
    }
}
