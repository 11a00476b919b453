//! Forces: values that hold whatever the program, the inputs or a client write (PL-66).
//!
//! Per word a mask of the forced bits and what stands underneath them. The word itself carries the forced bits, so that no
//! reader asks whether something is forced; a write asks once. Bits of I, O and B are forceable in the original; bits of N,
//! flags, and whole words are an extension.

use crate::address::{Address, Region};
use crate::data_table::{ARRAY_WORDS, AccessError, CellValue, DataTable, Place, WordIndex, aligned};

/// Which bits are forced, and what they hide.
#[derive(Debug, Clone)]
pub(crate) struct Forces {
    mask: [u32; ARRAY_WORDS],
    /// Means something only where the mask has a bit.
    underneath: [u32; ARRAY_WORDS],
}

impl Forces {
    pub(crate) const fn new() -> Forces {
        Forces {
            mask: [0; ARRAY_WORDS],
            underneath: [0; ARRAY_WORDS],
        }
    }

    #[inline(always)]
    pub(crate) fn mask(&self, at: WordIndex) -> u32 {
        self.mask[at.get() & (ARRAY_WORDS - 1)]
    }

    #[cold]
    pub(crate) fn write_underneath(&mut self, at: WordIndex, touched: u32, bits: u32) {
        let word = &mut self.underneath[at.get()];
        *word = *word & !touched | bits & touched;
    }
}

impl DataTable {
    /// Forces a bit, or all bits of a word, to a value. A force on a forced place takes its value over.
    ///
    /// # Errors
    ///
    /// An [`AccessError`] when address and value do not fit; nothing is forced then.
    pub fn force(&mut self, address: Address, value: CellValue) -> Result<(), AccessError> {
        let (at, touched, bits) = aligned(address, value)?;
        let word = &mut self.words[at.get()];
        let fresh = touched & !self.forces.mask[at.get()];
        let underneath = &mut self.forces.underneath[at.get()];
        *underneath = *underneath & !fresh | *word & fresh;
        self.forces.mask[at.get()] |= touched;
        *word = *word & !touched | bits & touched;
        Ok(())
    }

    /// Turns a bit over, underneath where it is forced; what it is then.
    ///
    /// # Errors
    ///
    /// [`AccessError::HoldsANumber`] or [`AccessError::WholeCell`] for what is no bit; nothing is changed then.
    pub fn toggle(&mut self, address: Address) -> Result<bool, AccessError> {
        let (at, bit) = match Place::of(address) {
            Some(Place::Bit(at, bit)) => (at, 1_u32 << bit),
            Some(Place::Word(_) | Place::Short(_)) => return Err(AccessError::HoldsANumber(address)),
            None => return Err(AccessError::WholeCell(address)),
        };
        let word = match self.forces.mask(at) & bit {
            0 => self.word(at),
            _ => self.forces.underneath[at.get()],
        };
        self.write_bits(at, bit, !word);
        Ok(word & bit == 0)
    }

    /// Ends the force on a bit, or on all bits of a word: what was written meanwhile shows. Without a force nothing happens.
    ///
    /// # Errors
    ///
    /// [`AccessError::WholeCell`] for a timer or counter without a member.
    pub fn unforce(&mut self, address: Address) -> Result<(), AccessError> {
        let (at, touched) = Place::of(address).ok_or(AccessError::WholeCell(address))?.bits();
        self.release(at.get(), touched);
        Ok(())
    }

    /// Ends all forces.
    pub fn clear_forces(&mut self) {
        for at in 0..ARRAY_WORDS {
            self.release(at, u32::MAX);
        }
    }

    /// The forced bits of the words of a region, for the force bitmap of a snapshot (PL-23).
    pub fn force_mask(&self, region: Region) -> &[u32] {
        let start = WordIndex::of(region, 0).get();
        &self.forces.mask[start..start + region.words()]
    }

    /// The words that have forced bits, with those bits.
    pub fn forced_words(&self) -> impl Iterator<Item = (WordIndex, u32)> + '_ {
        self.word_indexes()
            .map(|at| (at, self.forces.mask(at)))
            .filter(|(_, mask)| *mask != 0)
    }

    /// What stands in a word under its forces.
    pub(crate) fn unforced(&self, at: WordIndex) -> u32 {
        let mask = self.forces.mask(at);
        self.word(at) & !mask | self.forces.underneath[at.get()] & mask
    }

    fn release(&mut self, at: usize, touched: u32) {
        let freed = touched & self.forces.mask[at];
        self.words[at] = self.words[at] & !freed | self.forces.underneath[at] & freed;
        self.forces.mask[at] &= !freed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn bit(table: &DataTable, text: &str) -> bool {
        table.read(address(text)) == Ok(CellValue::Bit(true))
    }

    fn word(table: &DataTable, text: &str) -> i32 {
        match table.read(address(text)) {
            Ok(CellValue::Word(number)) => number,
            other => panic!("{text} is {other:?}"),
        }
    }

    #[test]
    fn pl66_readers_see_the_force_and_writes_go_underneath() {
        let mut table = DataTable::new();
        table.force(address("B:3/4"), CellValue::Bit(false)).unwrap();
        table.write(address("B:3"), CellValue::Word(-1)).unwrap();
        assert!(!bit(&table, "B:3/4"));
        assert_eq!(word(&table, "B:3"), !(1 << 4));
        table.unforce(address("B:3/4")).unwrap();
        assert_eq!(word(&table, "B:3"), -1);
    }

    #[test]
    fn pl66_the_old_value_returns_when_nobody_wrote() {
        let mut table = DataTable::new();
        table.write(address("O:1/31"), CellValue::Bit(true)).unwrap();
        table.force(address("O:1/31"), CellValue::Bit(false)).unwrap();
        table.force(address("O:1/31"), CellValue::Bit(true)).unwrap();
        table.force(address("O:1/31"), CellValue::Bit(false)).unwrap();
        assert!(!bit(&table, "O:1/31"));
        table.unforce(address("O:1/31")).unwrap();
        assert!(bit(&table, "O:1/31"));
        table.unforce(address("O:1/31")).unwrap();
        assert!(bit(&table, "O:1/31"));
    }

    #[test]
    fn a_toggle_turns_a_bit_over_underneath_its_force() {
        let mut table = DataTable::new();
        table.write(address("B:3"), CellValue::Word(0b100)).unwrap();
        assert_eq!(table.toggle(address("B:3/0")), Ok(true));
        assert_eq!(table.toggle(address("B:3/2")), Ok(false));
        assert_eq!(word(&table, "B:3"), 1, "the other bits stay");
        table.force(address("B:3/0"), CellValue::Bit(true)).unwrap();
        assert_eq!(table.toggle(address("B:3/0")), Ok(false));
        assert!(bit(&table, "B:3/0"));
        assert_eq!(table.toggle(address("B:3/0")), Ok(true));
        assert_eq!(table.toggle(address("B:3/0")), Ok(false));
        table.unforce(address("B:3/0")).unwrap();
        assert!(!bit(&table, "B:3/0"));
        for text in ["B:3", "T:4.ACC"] {
            let refused = Err(AccessError::HoldsANumber(address(text)));
            assert_eq!(table.toggle(address(text)), refused);
        }
        let whole = table.toggle(address("T:4")).unwrap_err();
        assert_eq!(whole, AccessError::WholeCell(address("T:4")));
    }

    #[test]
    fn pl23_the_mask_shows_forced_bits_by_region() {
        let mut table = DataTable::new();
        table.force(address("I:0/3"), CellValue::Bit(true)).unwrap();
        table.force(address("B:63/0"), CellValue::Bit(false)).unwrap();
        table.force(address("T:4.ACC"), CellValue::Word(9)).unwrap();
        assert_eq!(table.force_mask(Region::Input)[0], 8);
        assert_eq!(table.force_mask(Region::Bits)[63], 1);
        assert!(table.force_mask(Region::Output).iter().all(|mask| *mask == 0));
        let forced: Vec<_> = table.forced_words().map(|(_, mask)| mask).collect();
        assert_eq!(forced, [8, 1, u32::MAX]);
        table.write(address("T:4.ACC"), CellValue::Word(5)).unwrap();
        table.clear_forces();
        assert_eq!(word(&table, "T:4.ACC"), 5);
        assert!(!bit(&table, "I:0/3"));
        assert_eq!(table.forced_words().count(), 0);
    }
}
