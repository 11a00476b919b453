//! What changed since somebody looked last: for whoever keeps samples, such as recordings and the historian.
//!
//! Nothing is queued for them: whoever comes late gets the newest value of every signal that changed meanwhile, and can tell from
//! the generations that there may have been others.

use crate::hub::Hub;
use crate::signal::{Generation, Quality, SignalId, Value, Writer};
use crate::time::Time;

/// One signal that changed.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Its id.
    pub id: SignalId,
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: &'a Value,
    /// Whether it may be believed.
    pub quality: Quality,
    /// Who wrote it.
    pub writer: Writer,
    /// When its value changed, in the hub's time.
    pub changed_at: Time,
    /// The generation of the change of its value or quality, whichever is newer.
    pub generation: Generation,
    /// For what an engine wrote: the scan at the end of which its context was told last.
    pub scan: Option<u64>,
}

/// Signals that are noted in one turn. Further ones are seen at its end only, with their newest values.
const NOTED_MAX: usize = 65_536;

/// A generation within a turn, as it was: the borders of PLC scans, and the pulses in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Noted {
    /// The generation.
    pub generation: Generation,
    /// What changed in it.
    pub signals: Vec<Note>,
}

/// A signal of a generation within a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// Its id.
    pub id: SignalId,
    /// Its value then.
    pub value: Value,
    /// Whether it could be believed.
    pub quality: Quality,
    /// Who wrote it.
    pub writer: Writer,
    /// For what an engine wrote: the scan.
    pub scan: Option<u64>,
}

/// The generations within a turn, kept for a tap.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    told: Generation,
    list: Vec<Noted>,
    signals: usize,
}

impl Hub {
    /// Begins or ends to keep what the borders of scans change within a turn; see [`Hub::take_notes`].
    pub fn keep_notes(&mut self, keep: bool) {
        self.notes = keep.then(|| {
            Box::new(Notes {
                told: self.generation(),
                ..Notes::default()
            })
        });
    }

    /// What the borders of scans have changed since the last call, each a generation of its own, oldest first. To be called after
    /// each turn, before [`Hub::changed_since`] is asked for the rest of it: what changes twice in a turn is in here.
    pub fn take_notes(&mut self) -> Vec<Noted> {
        let generation = self.generation();
        let Some(notes) = &mut self.notes else {
            return Vec::new();
        };
        (notes.told, notes.signals) = (generation, 0);
        std::mem::take(&mut notes.list)
    }

    /// A generation within a turn is closed.
    pub(crate) fn note_generation(&mut self) {
        let Some(mut notes) = self.notes.take() else { return };
        let generation = self.generation();
        if notes.told < generation && notes.signals < NOTED_MAX {
            let signals: Vec<Note> = self.changes_since(notes.told).iter().map(Note::from).collect();
            notes.told = generation;
            notes.signals += signals.len();
            notes.list.push(Noted { generation, signals });
        }
        self.notes = Some(notes);
    }
}

impl From<&Change<'_>> for Note {
    fn from(change: &Change<'_>) -> Note {
        Note {
            id: change.id,
            value: change.value.clone(),
            quality: change.quality,
            writer: change.writer,
            scan: change.scan,
        }
    }
}

impl Hub {
    /// The newest generation: what a tap that has taken [`Hub::changes_since`] knows from then on.
    pub fn generation(&self) -> Generation {
        self.ledger.space.generation()
    }

    /// How many signals there are; their ids are `0..len`.
    pub fn signals(&self) -> u32 {
        self.ledger.space.len() as u32
    }

    /// Appends the ids of every signal whose value, quality or writer changed after `told`, once each: those whose value changed
    /// first, the older changes first.
    pub fn changed_since(&self, told: Generation, ids: &mut Vec<SignalId>) {
        let space = &self.ledger.space;
        let begin = ids.len();
        ids.extend(space.changed_since(told));
        ids[begin..].reverse();
        let values = ids.len();
        let others = space.requalified_since(told);
        ids.extend(others.filter(|id| space.cell(*id).generation <= told));
        ids[values..].reverse();
    }

    /// What [`Hub::changed_since`] names, as it is now.
    pub fn changes_since(&self, told: Generation) -> Vec<Change<'_>> {
        let mut ids = Vec::new();
        self.changed_since(told, &mut ids);
        ids.into_iter().map(|id| self.change(id)).collect()
    }

    /// One signal as it is now.
    pub fn change(&self, id: SignalId) -> Change<'_> {
        let space = &self.ledger.space;
        let cell = space.cell(id);
        let scan = match cell.writer {
            Writer::Plc(plc) => self.plcs.get(plc).and_then(|context| context.scan),
            _ => None,
        };
        Change {
            id,
            name: space.name(id),
            value: &cell.value,
            quality: cell.quality,
            writer: cell.writer,
            changed_at: cell.changed_at,
            generation: cell.generation.max(cell.quality_generation),
            scan,
        }
    }

    /// The names of all signals, in the order in which they were made.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.ledger.space.names()
    }

    /// The signal of this name in any spelling, or of this symbol.
    pub fn find(&self, name: &str) -> Option<SignalId> {
        self.ledger.space.find(name)
    }
}
