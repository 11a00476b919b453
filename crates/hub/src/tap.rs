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
}

impl Hub {
    /// The newest generation: what a tap that has taken [`Hub::changes_since`] knows from then on.
    pub fn generation(&self) -> Generation {
        self.ledger.space.generation()
    }

    /// Every signal whose value, quality or writer changed after `told`, once each, those whose value changed first, the older
    /// changes first.
    pub fn changes_since(&self, told: Generation) -> Vec<Change<'_>> {
        let space = &self.ledger.space;
        let mut ids: Vec<SignalId> = space.changed_since(told).collect();
        ids.reverse();
        let values = ids.len();
        ids.extend(
            space
                .requalified_since(told)
                .filter(|id| space.cell(*id).generation <= told),
        );
        ids[values..].reverse();
        ids.into_iter().map(|id| self.change(id)).collect()
    }

    /// One signal as it is now.
    pub fn change(&self, id: SignalId) -> Change<'_> {
        let space = &self.ledger.space;
        let cell = space.cell(id);
        Change {
            id,
            name: space.name(id),
            value: &cell.value,
            quality: cell.quality,
            writer: cell.writer,
            changed_at: cell.changed_at,
            generation: cell.generation.max(cell.quality_generation),
        }
    }

    /// The signal of this name in any spelling, or of this symbol.
    pub fn find(&self, name: &str) -> Option<SignalId> {
        self.ledger.space.find(name)
    }
}
