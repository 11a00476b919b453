//! What routes have said since the last border.

use crosstie_ladder::Region;
use crosstie_ladder::address::Address;
use crosstie_ladder::data_table::{Cell, CellPart, CellValue, USED_WORDS, WordIndex, aligned};

/// Bits of one word to be written.
#[derive(Debug, Clone, Copy, Default)]
struct Bits {
    touched: u32,
    bits: u32,
}

impl Bits {
    fn set(&mut self, touched: u32, bits: u32) {
        self.touched |= touched;
        self.bits = self.bits & !touched | bits & touched;
    }
}

/// What one word is to become: at the next border, and at the one after.
#[derive(Debug, Clone, Copy, Default)]
struct Waiting {
    next: Bits,
    then: Bits,
}

/// What routes have said, by word. Everything is there from the start: putting and applying allocate nothing.
#[derive(Debug)]
pub(super) struct Feed {
    words: Box<[Waiting]>,
    /// The words that wait, each once.
    active: Vec<WordIndex>,
}

impl Default for Feed {
    fn default() -> Feed {
        Feed {
            words: vec![Waiting::default(); USED_WORDS].into(),
            active: Vec::with_capacity(USED_WORDS),
        }
    }
}

impl Feed {
    /// A route says a value. One that does not fit is passed over.
    pub(super) fn put(&mut self, address: Address, value: CellValue) {
        let Ok((word, touched, bits)) = aligned(address, value) else {
            return;
        };
        let waiting = &mut self.words[word.get()];
        if waiting.next.touched == 0 {
            self.active.push(word);
        }
        if is_number(word) {
            waiting.next.set(touched, bits);
            return;
        }
        let fresh = touched & !waiting.next.touched;
        waiting.next.set(fresh, bits);
        let same = touched & !(waiting.next.bits ^ bits);
        // The newest value is the waiting one again: what stood between is not shown.
        waiting.then.touched &= !same;
        waiting.then.set(touched & !same, bits);
    }

    /// Somebody else has written the place: what waits for it is older.
    pub(super) fn forget(&mut self, address: Address) {
        let Some(place) = crosstie_ladder::data_table::Place::of(address) else {
            return;
        };
        let (word, touched) = place.bits();
        let waiting = &mut self.words[word.get()];
        let was_active = waiting.next.touched != 0;
        waiting.next.touched &= !touched;
        waiting.then.touched &= !touched;
        if was_active && waiting.next.touched == 0 {
            self.active.retain(|other| *other != word);
        }
    }

    /// The border before a scan: each bit gets its next value, and keeps what comes after it for the next border.
    pub(super) fn apply_next(&mut self, mut write: impl FnMut(WordIndex, u32, u32)) {
        self.active.retain(|word| {
            let waiting = &mut self.words[word.get()];
            write(*word, waiting.next.touched, waiting.next.bits);
            waiting.next = std::mem::take(&mut waiting.then);
            waiting.next.touched != 0
        });
    }

    /// Nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.active.is_empty()
    }
}

/// A word that is one number, not 32 bits: half of an old and half of a new number is neither.
fn is_number(word: WordIndex) -> bool {
    match word.cell() {
        Cell::Word { region, .. } => region == Region::Integer,
        Cell::Timer { part, .. } | Cell::Counter { part, .. } => part != CellPart::Flags,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstie_ladder::controller::{Controller, ControllerSettings};

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn borders(said: &[(&str, CellValue)], watched: &str, count: usize) -> Vec<CellValue> {
        let mut feed = Feed::default();
        let mut controller = Controller::new(ControllerSettings::default());
        for (place, value) in said {
            feed.put(address(place), *value);
        }
        let mut border = || {
            feed.apply_next(|word, touched, bits| controller.write_bits(word, touched, bits));
            controller.table().read(address(watched)).unwrap()
        };
        (0..count).map(|_| border()).collect()
    }

    #[test]
    fn a_pulse_between_two_borders_is_one_scan_long() {
        use CellValue::Bit;
        let pulse = [("I:0/3", Bit(true)), ("I:0/3", Bit(false))];
        assert_eq!(borders(&pulse, "I:0/3", 3), [Bit(true), Bit(false), Bit(false)]);
        let twice = [pulse, pulse].concat();
        assert_eq!(borders(&twice, "I:0/3", 3), [Bit(true), Bit(false), Bit(false)]);
        let back = [pulse[0], pulse[1], pulse[0]];
        assert_eq!(borders(&back, "I:0/3", 2), [Bit(true), Bit(true)]);
    }

    #[test]
    fn bits_of_one_word_have_pulses_of_their_own() {
        use CellValue::{Bit, Word};
        let said = [("B:1/0", Bit(true)), ("B:1/0", Bit(false)), ("B:1/1", Bit(true))];
        assert_eq!(borders(&said, "B:1", 2), [Word(0b11), Word(0b10)]);
    }

    #[test]
    fn of_numbers_the_newest_counts() {
        use CellValue::Word;
        let said = [("N:4", Word(5)), ("N:4", Word(6)), ("T:0.PRE", Word(7))];
        assert_eq!(borders(&said, "N:4", 2), [Word(6), Word(6)]);
        assert_eq!(borders(&said, "T:0.PRE", 1), [Word(7)]);
    }

    #[test]
    fn what_somebody_writes_meanwhile_is_newer() {
        let mut feed = Feed::default();
        let mut controller = Controller::new(ControllerSettings::default());
        feed.put(address("I:0/3"), CellValue::Bit(true));
        feed.put(address("I:0/4"), CellValue::Bit(true));
        feed.forget(address("I:0/3"));
        feed.apply_next(|word, touched, bits| controller.write_bits(word, touched, bits));
        assert_eq!(controller.table().read(address("I:0")), Ok(CellValue::Word(1 << 4)));
    }
}
