//! The data table: all cells of a PLC in one array of words (PL-40).
//!
//! Addresses enter, values leave. Done bits of timers and counters stand in words like every other bit, so that each contact of
//! a program is the same test of one bit of one word. What a force hides is kept beside the words (see [`crate::force`]); every
//! reader sees the forced value. Nothing here knows rungs, time or clients.
//!
//! | words | what |
//! |---|---|
//! | 0–7 I, 8–15 O, 16–79 B | bits, in the order of the snapshot's force bitmap (PL-23) |
//! | 80–335 N | integers, as the bits of an `i32` |
//! | 336–591 T | 64 × PRE, ACC, flags, rest of a millisecond |
//! | 592–847 C | 64 × PRE, ACC, flags, unused |

use crate::address::{Address, COUNTERS, CounterMember, IO_WORDS, Region, TIMERS, TimerMember};
use crate::force::Forces;

/// Words of the array. A power of two, so that an index is bounded by a mask instead of a check.
pub(crate) const ARRAY_WORDS: usize = 1024;
/// Words that hold cells, by [`WordIndex`]; the rest of the array is never written.
pub const USED_WORDS: usize = COUNTERS_AT + COUNTERS * CELL_WORDS;
/// Words of a timer or a counter.
const CELL_WORDS: usize = 4;
const OUTPUTS_AT: usize = IO_WORDS;
const BITS_AT: usize = 2 * IO_WORDS;
const INTEGERS_AT: usize = BITS_AT + Region::Bits.words();
const TIMERS_AT: usize = INTEGERS_AT + Region::Integer.words();
const COUNTERS_AT: usize = TIMERS_AT + TIMERS * CELL_WORDS;

/// Flags of a timer, as bits of its flag word and of a snapshot (PL-22).
pub mod timer_flag {
    /// `EN`, enabled.
    pub const ENABLED: u32 = 1;
    /// `TT`, timing.
    pub const TIMING: u32 = 1 << 1;
    /// `DN`, done.
    pub const DONE: u32 = 1 << 2;
    /// All of them.
    pub const ALL: u32 = ENABLED | TIMING | DONE;
}

/// Flags of a counter, as bits of its flag word and of a snapshot (PL-22).
pub mod counter_flag {
    /// `DN`, done.
    pub const DONE: u32 = 1;
    /// `OV`, counted up beyond the end.
    pub const OVERFLOW: u32 = 1 << 1;
    /// `UN`, counted down beyond the end.
    pub const UNDERFLOW: u32 = 1 << 2;
    /// `CU`, the count-up input of the last scan.
    pub const COUNT_UP: u32 = 1 << 3;
    /// `CD`, the count-down input of the last scan.
    pub const COUNT_DOWN: u32 = 1 << 4;
    /// All of them.
    pub const ALL: u32 = DONE | OVERFLOW | UNDERFLOW | COUNT_UP | COUNT_DOWN;
}

/// The index of a word in the array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WordIndex(u16);

impl WordIndex {
    /// A word that holds no cell: it is 0 and stays so.
    pub(crate) const UNUSED: WordIndex = WordIndex(ARRAY_WORDS as u16 - 1);

    /// The word of a region; `word` is below [`Region::words`].
    pub const fn of(region: Region, word: u8) -> WordIndex {
        let start = match region {
            Region::Input => 0,
            Region::Output => OUTPUTS_AT,
            Region::Bits => BITS_AT,
            Region::Integer => INTEGERS_AT,
        };
        WordIndex((start + word as usize) as u16)
    }

    /// The word of this number; `None` from [`USED_WORDS`] on.
    pub fn new(index: usize) -> Option<WordIndex> {
        (index < USED_WORDS).then_some(WordIndex(index as u16))
    }

    /// The index as a number.
    pub const fn get(self) -> usize {
        self.0 as usize
    }

    /// What is stored there.
    pub fn cell(self) -> Cell {
        let at = self.get();
        if at >= COUNTERS_AT {
            let (counter, part) = split(at - COUNTERS_AT);
            Cell::Counter { counter, part }
        } else if at >= TIMERS_AT {
            let (timer, part) = split(at - TIMERS_AT);
            Cell::Timer { timer, part }
        } else {
            let (region, start) = match at {
                INTEGERS_AT.. => (Region::Integer, INTEGERS_AT),
                BITS_AT.. => (Region::Bits, BITS_AT),
                OUTPUTS_AT.. => (Region::Output, OUTPUTS_AT),
                _ => (Region::Input, 0),
            };
            Cell::Word {
                region,
                word: (at - start) as u8,
            }
        }
    }
}

fn split(offset: usize) -> (u8, CellPart) {
    let part = match offset % CELL_WORDS {
        0 => CellPart::Preset,
        1 => CellPart::Accumulated,
        2 => CellPart::Flags,
        _ => CellPart::Rest,
    };
    ((offset / CELL_WORDS) as u8, part)
}

/// What a word of the array holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cell {
    /// A word of I, O, B or N.
    Word {
        /// Its region.
        region: Region,
        /// Its number.
        word: u8,
    },
    /// A word of a timer.
    Timer {
        /// Its number.
        timer: u8,
        /// Which of its words.
        part: CellPart,
    },
    /// A word of a counter.
    Counter {
        /// Its number.
        counter: u8,
        /// Which of its words.
        part: CellPart,
    },
}

/// The words of a timer or counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CellPart {
    /// `PRE`.
    Preset,
    /// `ACC`.
    Accumulated,
    /// The flags, see [`timer_flag`] and [`counter_flag`].
    Flags,
    /// Of a timer: the microseconds that `ACC` does not show yet (PL-65). It has no address.
    Rest,
}

/// Where an address lies: a word, or one bit of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// All bits of a word.
    Word(WordIndex),
    /// `PRE` or `ACC`: a word that holds no more than an `i16`.
    Short(WordIndex),
    /// One bit, 0 to 31.
    Bit(WordIndex, u8),
}

impl Place {
    /// Where an address lies; `None` for a timer or counter as a whole.
    pub fn of(address: Address) -> Option<Place> {
        Some(match address {
            Address::Word { region, word } => Place::Word(WordIndex::of(region, word)),
            Address::Bit { region, word, bit } => Place::Bit(WordIndex::of(region, word), bit),
            Address::TimerMember { timer, member } => {
                let at = TimerSlot(timer);
                match member {
                    TimerMember::Preset => Place::Short(at.preset()),
                    TimerMember::Accumulated => Place::Short(at.accumulated()),
                    TimerMember::Enabled => Place::Bit(at.flags(), 0),
                    TimerMember::Timing => Place::Bit(at.flags(), 1),
                    TimerMember::Done => Place::Bit(at.flags(), 2),
                }
            }
            Address::CounterMember { counter, member } => {
                let at = CounterSlot(counter);
                match member {
                    CounterMember::Preset => Place::Short(at.preset()),
                    CounterMember::Accumulated => Place::Short(at.accumulated()),
                    CounterMember::Done => Place::Bit(at.flags(), 0),
                    CounterMember::Overflow => Place::Bit(at.flags(), 1),
                    CounterMember::Underflow => Place::Bit(at.flags(), 2),
                    CounterMember::CountUp => Place::Bit(at.flags(), 3),
                    CounterMember::CountDown => Place::Bit(at.flags(), 4),
                }
            }
            Address::Timer { .. } | Address::Counter { .. } => return None,
        })
    }

    /// The word and the bits of it.
    pub fn bits(self) -> (WordIndex, u32) {
        match self {
            Place::Word(word) | Place::Short(word) => (word, u32::MAX),
            Place::Bit(word, bit) => (word, 1 << bit),
        }
    }

    /// What stands here when its word holds `word`.
    pub fn value(self, word: u32) -> CellValue {
        match self {
            Place::Word(_) | Place::Short(_) => CellValue::Word(word as i32),
            Place::Bit(_, bit) => CellValue::Bit(word >> bit & 1 == 1),
        }
    }
}

/// A timer, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimerSlot(pub(crate) u8);

impl TimerSlot {
    pub(crate) const fn preset(self) -> WordIndex {
        WordIndex((TIMERS_AT + self.0 as usize * CELL_WORDS) as u16)
    }

    pub(crate) const fn accumulated(self) -> WordIndex {
        WordIndex(self.preset().0 + 1)
    }

    pub(crate) const fn flags(self) -> WordIndex {
        WordIndex(self.preset().0 + 2)
    }

    pub(crate) const fn rest(self) -> WordIndex {
        WordIndex(self.preset().0 + 3)
    }
}

/// A counter, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CounterSlot(pub(crate) u8);

impl CounterSlot {
    pub(crate) const fn preset(self) -> WordIndex {
        WordIndex((COUNTERS_AT + self.0 as usize * CELL_WORDS) as u16)
    }

    pub(crate) const fn accumulated(self) -> WordIndex {
        WordIndex(self.preset().0 + 1)
    }

    pub(crate) const fn flags(self) -> WordIndex {
        WordIndex(self.preset().0 + 2)
    }
}

/// What an address holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellValue {
    /// A bit.
    Bit(bool),
    /// A word, an integer, a preset or an accumulated value.
    Word(i32),
}

/// Why a client cannot write, force or read an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The address names a timer or counter as a whole.
    #[error("expected a member such as `{0}.ACC`, got `{0}` as a whole")]
    WholeCell(Address),
    /// A number was given for a bit.
    #[error("expected on or off for the bit `{0}`")]
    NotABit(Address),
    /// On or off was given for a word.
    #[error("expected a whole number for `{0}`")]
    NotAWord(Address),
    /// A word was to be toggled.
    #[error("expected a bit such as `B:3/1`, got `{0}`, which holds a number")]
    HoldsANumber(Address),
    /// `PRE` and `ACC` hold 16 bits.
    #[error("expected -32768 to 32767 for `{0}`, got {1}")]
    OutOfRange(Address, i32),
}

/// A timer or counter, as a snapshot shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotValue {
    /// `PRE`.
    pub preset: i16,
    /// `ACC`.
    pub accumulated: i16,
    /// The flags, see [`timer_flag`] and [`counter_flag`].
    pub flags: u8,
}

/// All cells of a PLC, and which of them are forced.
#[derive(Debug, Clone)]
pub struct DataTable {
    pub(crate) words: [u32; ARRAY_WORDS],
    pub(crate) forces: Forces,
}

impl Default for DataTable {
    fn default() -> DataTable {
        DataTable::new()
    }
}

impl DataTable {
    /// A table of zeros without forces.
    pub fn new() -> DataTable {
        DataTable {
            words: [0; ARRAY_WORDS],
            forces: Forces::new(),
        }
    }

    /// All cells 0, no forces (PL-32).
    pub fn clear(&mut self) {
        self.words.fill(0);
        self.forces = Forces::new();
    }

    /// What an address holds, forced or not.
    ///
    /// # Errors
    ///
    /// [`AccessError::WholeCell`] for a timer or counter without a member.
    pub fn read(&self, address: Address) -> Result<CellValue, AccessError> {
        let place = Place::of(address).ok_or(AccessError::WholeCell(address))?;
        Ok(place.value(self.word(place.bits().0)))
    }

    /// Writes an address; what is forced changes only underneath (PL-66).
    ///
    /// # Errors
    ///
    /// An [`AccessError`] when address and value do not fit; nothing is written then.
    pub fn write(&mut self, address: Address, value: CellValue) -> Result<(), AccessError> {
        let (word, touched, bits) = aligned(address, value)?;
        self.write_bits(word, touched, bits);
        Ok(())
    }

    /// The words of a region in order, forced where forced (PL-24). Integers are the bits of an `i32`.
    pub fn region(&self, region: Region) -> &[u32] {
        let start = WordIndex::of(region, 0).get();
        &self.words[start..start + region.words()]
    }

    /// The timers in order.
    pub fn timers(&self) -> impl Iterator<Item = SlotValue> + '_ {
        self.slots(TIMERS_AT, TIMERS)
    }

    /// The counters in order.
    pub fn counters(&self) -> impl Iterator<Item = SlotValue> + '_ {
        self.slots(COUNTERS_AT, COUNTERS)
    }

    fn slots(&self, start: usize, count: usize) -> impl Iterator<Item = SlotValue> + '_ {
        let words = self.words[start..start + count * CELL_WORDS].chunks_exact(CELL_WORDS);
        words.map(|cell| SlotValue {
            preset: cell[0] as i16,
            accumulated: cell[1] as i16,
            flags: cell[2] as u8,
        })
    }

    /// All words that hold cells, by [`WordIndex`].
    pub fn words(&self) -> &[u32] {
        &self.words[..USED_WORDS]
    }

    /// The indexes of [`words`](DataTable::words).
    pub(crate) fn word_indexes(&self) -> impl Iterator<Item = WordIndex> + use<> {
        (0..USED_WORDS as u16).map(WordIndex)
    }

    #[inline(always)]
    pub(crate) fn word(&self, at: WordIndex) -> u32 {
        self.words[at.get() & (ARRAY_WORDS - 1)]
    }

    #[inline(always)]
    pub(crate) fn signed(&self, at: WordIndex) -> i32 {
        self.word(at) as i32
    }

    /// Writes the bits of `touched` and leaves the others.
    #[inline(always)]
    pub(crate) fn write_bits(&mut self, at: WordIndex, touched: u32, bits: u32) {
        let open = touched & !self.forces.mask(at);
        let word = &mut self.words[at.get() & (ARRAY_WORDS - 1)];
        *word ^= (*word ^ bits) & open;
        if open != touched {
            self.forces.write_underneath(at, touched, bits);
        }
    }

    #[inline(always)]
    pub(crate) fn write_word(&mut self, at: WordIndex, value: i32) {
        self.write_bits(at, u32::MAX, value as u32);
    }
}

/// The word, the bits of it that a value is meant for, and the value moved to their place.
///
/// # Errors
///
/// An [`AccessError`] when address and value do not fit.
pub fn aligned(address: Address, value: CellValue) -> Result<(WordIndex, u32, u32), AccessError> {
    let place = Place::of(address).ok_or(AccessError::WholeCell(address))?;
    let (word, touched) = place.bits();
    let bits = match (place, value) {
        (Place::Bit(_, bit), CellValue::Bit(on)) => u32::from(on) << bit,
        (Place::Bit(..), CellValue::Word(_)) => return Err(AccessError::NotABit(address)),
        (_, CellValue::Bit(_)) => return Err(AccessError::NotAWord(address)),
        (Place::Short(_), CellValue::Word(number)) if i16::try_from(number).is_err() => {
            return Err(AccessError::OutOfRange(address, number));
        }
        (_, CellValue::Word(number)) => number as u32,
    };
    Ok((word, touched, bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn pl40_every_word_knows_what_it_holds() {
        for at in 0..USED_WORDS {
            let index = WordIndex(at as u16);
            let back = match index.cell() {
                Cell::Word { region, word } => WordIndex::of(region, word),
                Cell::Timer { timer, part } => match part {
                    CellPart::Preset => TimerSlot(timer).preset(),
                    CellPart::Accumulated => TimerSlot(timer).accumulated(),
                    CellPart::Flags => TimerSlot(timer).flags(),
                    CellPart::Rest => TimerSlot(timer).rest(),
                },
                Cell::Counter { counter, part } => match part {
                    CellPart::Preset => CounterSlot(counter).preset(),
                    CellPart::Accumulated => CounterSlot(counter).accumulated(),
                    CellPart::Flags => CounterSlot(counter).flags(),
                    CellPart::Rest => WordIndex(CounterSlot(counter).flags().0 + 1),
                },
            };
            assert_eq!(back, index);
        }
        assert_eq!(WordIndex::of(Region::Bits, 63).get(), 79);
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_moves() {
        let bits = [
            "I:0/0", "O:7/31", "B:63/5", "N:255/31", "T:63.EN", "T:0.TT", "T:1.DN", "C:63.CD", "C:0.OV",
        ];
        for text in bits {
            let mut table = DataTable::new();
            table.write(address(text), CellValue::Bit(true)).unwrap();
            assert_eq!(table.read(address(text)), Ok(CellValue::Bit(true)), "{text}");
            assert_eq!(
                table.words().iter().map(|word| word.count_ones()).sum::<u32>(),
                1,
                "{text}"
            );
        }
        for text in ["I:7", "O:0", "B:9", "N:200", "T:5.PRE", "T:5.ACC", "C:5.PRE", "C:5.ACC"] {
            let mut table = DataTable::new();
            table.write(address(text), CellValue::Word(-32768)).unwrap();
            assert_eq!(table.read(address(text)), Ok(CellValue::Word(-32768)), "{text}");
            assert_eq!(table.words().iter().filter(|word| **word != 0).count(), 1, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_changes_nothing() {
        let mut table = DataTable::new();
        let mut refuses = |text: &str, value, expected: &str| {
            let error = table.write(address(text), value).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert!(table.words().iter().all(|word| *word == 0));
        };
        refuses(
            "T:4",
            CellValue::Word(1),
            "expected a member such as `T:4.ACC`, got `T:4` as a whole",
        );
        refuses("I:0/3", CellValue::Word(1), "expected on or off for the bit `I:0/3`");
        refuses("N:0", CellValue::Bit(true), "expected a whole number for `N:0`");
        refuses(
            "T:0.PRE",
            CellValue::Word(32768),
            "expected -32768 to 32767 for `T:0.PRE`, got 32768",
        );
        refuses(
            "C:0.ACC",
            CellValue::Word(-32769),
            "expected -32768 to 32767 for `C:0.ACC`, got -32769",
        );
    }

    #[test]
    fn regions_and_slots_are_read_in_order() {
        let mut table = DataTable::new();
        table.write(address("O:2"), CellValue::Word(-1)).unwrap();
        table.write(address("N:3"), CellValue::Word(7)).unwrap();
        table.write(address("T:1.PRE"), CellValue::Word(500)).unwrap();
        table.write(address("T:1.DN"), CellValue::Bit(true)).unwrap();
        table.write(address("C:63.ACC"), CellValue::Word(-3)).unwrap();
        assert_eq!(table.region(Region::Output), [0, 0, u32::MAX, 0, 0, 0, 0, 0]);
        assert_eq!(table.region(Region::Integer)[3], 7);
        assert_eq!(table.region(Region::Integer).len(), 256);
        assert_eq!(
            table.timers().nth(1),
            Some(SlotValue {
                preset: 500,
                accumulated: 0,
                flags: 4
            })
        );
        assert_eq!(
            table.counters().nth(63),
            Some(SlotValue {
                preset: 0,
                accumulated: -3,
                flags: 0
            })
        );
        assert_eq!((table.timers().count(), table.counters().count()), (64, 64));
    }
}
