//! What bits were while nobody could be told: the pulses of merged scans.

use crate::plc::entry::{Entry, EntrySink};
use crosstie_ladder::data_table::{Cell, CellPart, USED_WORDS, WordIndex};

/// Per word the bits that were seen on, and off, since the last report.
#[derive(Debug)]
pub(super) struct Seen {
    on: Box<[u32]>,
    off: Box<[u32]>,
    is_active: bool,
}

impl Seen {
    pub(super) fn new() -> Seen {
        Seen {
            on: vec![0; USED_WORDS].into(),
            off: vec![0; USED_WORDS].into(),
            is_active: false,
        }
    }

    /// A scan that is not told.
    pub(super) fn note(&mut self, words: &[u32]) {
        self.is_active = true;
        for ((on, off), word) in self.on.iter_mut().zip(&mut self.off).zip(words) {
            *on |= word;
            *off |= !word;
        }
    }

    /// The bits of a changed word that are what they were, and were not in between. The word is told with it.
    pub(super) fn take_pulses(&mut self, word: WordIndex, before: u32, after: u32) -> u32 {
        if !self.is_active {
            return 0;
        }
        let on = std::mem::take(&mut self.on[word.get()]);
        let off = std::mem::take(&mut self.off[word.get()]);
        !before & !after & on | before & after & off
    }

    /// Tells the pulses of words that have not changed, and forgets everything.
    pub(super) fn tell_rest(&mut self, words: &[u32], sink: &mut impl EntrySink) {
        if !std::mem::take(&mut self.is_active) {
            return;
        }
        for (index, now) in words.iter().enumerate() {
            let on = std::mem::take(&mut self.on[index]);
            let off = std::mem::take(&mut self.off[index]);
            let pulsed = !now & on | now & off;
            let Some(word) = WordIndex::new(index).filter(|word| pulsed != 0 && has_address(*word)) else {
                continue;
            };
            sink.push(Entry::Change {
                word,
                after: *now,
                pulsed,
            });
        }
    }
}

/// What a timer has beyond its milliseconds is nobody's business.
fn has_address(word: WordIndex) -> bool {
    !matches!(
        word.cell(),
        Cell::Timer {
            part: CellPart::Rest,
            ..
        } | Cell::Counter {
            part: CellPart::Rest,
            ..
        }
    )
}
