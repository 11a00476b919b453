//! Retentive memory: the places of a data table that keep their values when the power goes (PL-37).
//!
//! A list says which places; an image holds what stood there at the end of one scan. An image has a form in bytes that says by
//! itself whether it is whole, and that a later list reads as far as both agree.
//!
//! | text | places |
//! |---|---|
//! | `N:5` `B:3` `B:3/1` `T:4.ACC` | a word, a bit, a member of a timer or counter |
//! | `T:4` `C:4` | a timer with PRE, ACC, flags and what it has beyond its milliseconds; a counter |
//! | `N:0-9` `T:0-3` | all of a range, both ends included |
//! | `N:*` `C:*` | a whole region |
//! | `Total` | what the symbol stands for |
//!
//! Inputs and outputs keep nothing. An input is what its device says at the first scan. An output is what its rung says at the
//! end of the first scan, and safe until then; one that came back by itself would move a machine before its program has looked
//! at it. A program that wants its latched outputs back latches bits of B and copies them.

mod image;

pub use image::{ImageError, RetainImage};

use crate::address::{Address, AddressError, COUNTERS, Region, TIMERS};
use crate::data_table::{CounterSlot, Place, TimerSlot, USED_WORDS, WordIndex};

/// Words of a timer or counter that hold something: PRE, ACC, flags, and of a timer the rest of a millisecond.
const TIMER_WORDS: usize = 4;
const COUNTER_WORDS: usize = 3;

/// The places that keep their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetainList {
    texts: Vec<String>,
    /// By word: the bits that are kept.
    masks: Box<[u32]>,
}

/// A text of a list that names no place that can keep its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct RetainError {
    /// Which text of the list, counted from 0.
    pub index: usize,
    /// What is wrong with it.
    pub reason: RetainReason,
}

/// Why a text is no place that can keep its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RetainReason {
    /// It is neither an address nor a range.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// It could be a symbol, and there is none of this name.
    #[error("the program has no symbol `{0}`; expected an address such as `N:0-9`, or a symbol of the program")]
    UnknownSymbol(String),
    /// The range ends before it begins.
    #[error("expected a range that goes up, such as `N:0-9`, got `{0}`")]
    Backwards(String),
    /// A range has ends that are more than words, timers or counters.
    #[error("expected a range of words, timers or counters such as `N:0-9` or `T:0-3`, got `{0}`")]
    NoRange(String),
    /// A place of I.
    #[error("`{0}` is an input: its device says what it is at the first scan; expected B, N, T or C")]
    Input(String),
    /// A place of O.
    #[error("`{0}` is an output: its rung says what it is at the first scan; keep a bit of B and copy it")]
    Output(String),
}

impl RetainList {
    /// Reads a list. `symbol` finds the address of a symbol of the program.
    ///
    /// # Errors
    ///
    /// Every text that names no place that can keep its value.
    pub fn read(texts: &[String], symbol: impl Fn(&str) -> Option<Address>) -> Result<RetainList, Vec<RetainError>> {
        let mut list = RetainList {
            texts: texts.to_vec(),
            masks: vec![0; USED_WORDS].into(),
        };
        let mut errors = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            if let Err(reason) = list.add(text, &symbol) {
                errors.push(RetainError { index, reason });
            }
        }
        match errors.is_empty() {
            true => Ok(list),
            false => Err(errors),
        }
    }

    /// The texts of which it was read.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// The bits of a word that are kept.
    pub fn mask(&self, word: WordIndex) -> u32 {
        self.masks.get(word.get()).copied().unwrap_or_default()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.masks.iter().all(|mask| *mask == 0)
    }

    /// The words of which something is kept, in the order of the table.
    fn words(&self) -> impl Iterator<Item = (WordIndex, u32)> + '_ {
        let masks = self.masks.iter().enumerate().filter(|(_, mask)| **mask != 0);
        masks.filter_map(|(index, mask)| Some((WordIndex::new(index)?, *mask)))
    }

    fn add(&mut self, text: &str, symbol: impl Fn(&str) -> Option<Address>) -> Result<(), RetainReason> {
        let Some((letter, rest)) = text.split_once(':') else {
            let unknown = || RetainReason::UnknownSymbol(text.to_owned());
            let address = symbol(text).ok_or_else(unknown)?;
            return self.add_all(text, address, address);
        };
        if rest == "*" {
            let (first, last) = ends_of_region(letter)?;
            return self.add_all(text, first, last);
        }
        match rest.split_once('-') {
            Some((first, last)) => {
                let first = Address::parse(&format!("{letter}:{first}"))?;
                let last = Address::parse(&format!("{letter}:{last}"))?;
                let is_cell = |address| {
                    matches!(
                        address,
                        Address::Word { .. } | Address::Timer { .. } | Address::Counter { .. }
                    )
                };
                match is_cell(first) && is_cell(last) {
                    true => self.add_all(text, first, last),
                    false => Err(RetainReason::NoRange(text.to_owned())),
                }
            }
            None => {
                let address = Address::parse(text)?;
                self.add_all(text, address, address)
            }
        }
    }

    /// Adds everything from one address to another of the same region.
    fn add_all(&mut self, text: &str, first: Address, last: Address) -> Result<(), RetainReason> {
        let region = match first {
            Address::Word { region, .. } | Address::Bit { region, .. } => Some(region),
            _ => None,
        };
        match region {
            Some(Region::Input) => return Err(RetainReason::Input(text.to_owned())),
            Some(Region::Output) => return Err(RetainReason::Output(text.to_owned())),
            _ => {}
        }
        let ((start, _), (end, words)) = (span(first), span(last));
        if start > end {
            return Err(RetainReason::Backwards(text.to_owned()));
        }
        if first == last
            && let Some(place) = Place::of(first)
        {
            let (word, bits) = place.bits();
            self.masks[word.get()] |= bits;
            // What ACC of a timer shows and what it has beyond are one time.
            if let (Address::TimerMember { timer, .. }, true) = (first, words > 1) {
                self.masks[TimerSlot(timer).rest().get()] = u32::MAX;
            }
            return Ok(());
        }
        self.masks[start..end + words].fill(u32::MAX);
        if matches!(first, Address::Counter { .. }) {
            // The fourth word of a counter holds nothing.
            let unused = (start..end).step_by(TIMER_WORDS).map(|at| at + COUNTER_WORDS);
            unused.for_each(|at| self.masks[at] = 0);
        }
        Ok(())
    }
}

/// The first word of an address and how many words belong to it.
fn span(address: Address) -> (usize, usize) {
    use crate::address::TimerMember;
    match address {
        Address::Timer { timer } => (TimerSlot(timer).preset().get(), TIMER_WORDS),
        Address::Counter { counter } => (CounterSlot(counter).preset().get(), COUNTER_WORDS),
        Address::TimerMember {
            timer,
            member: TimerMember::Accumulated,
        } => (TimerSlot(timer).accumulated().get(), TIMER_WORDS - 1),
        other => (Place::of(other).map_or(0, |place| place.bits().0.get()), 1),
    }
}

/// The first and the last cell of a region.
fn ends_of_region(letter: &str) -> Result<(Address, Address), RetainReason> {
    // The borders of the regions are below 256.
    let last = |count: usize| (count - 1) as u8;
    match Address::parse(&format!("{letter}:0"))? {
        Address::Timer { .. } => Ok((Address::Timer { timer: 0 }, Address::Timer { timer: last(TIMERS) })),
        Address::Counter { .. } => Ok((
            Address::Counter { counter: 0 },
            Address::Counter {
                counter: last(COUNTERS),
            },
        )),
        Address::Word { region, .. } => Ok((
            Address::Word { region, word: 0 },
            Address::Word {
                region,
                word: last(region.words()),
            },
        )),
        _ => Err(RetainReason::NoRange(format!("{letter}:*"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Result<RetainList, Vec<RetainError>> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        RetainList::read(&texts, |name| match name {
            "Total" => "N:7".parse().ok(),
            "Dwell" => "T:2".parse().ok(),
            "Valve" => "O:0/1".parse().ok(),
            _ => None,
        })
    }

    /// The words of a list, as index and mask.
    fn words(texts: &[&str]) -> Vec<(usize, u32)> {
        let list = read(texts).unwrap();
        list.words().map(|(word, mask)| (word.get(), mask)).collect()
    }

    #[test]
    fn pl37_words_bits_ranges_regions_and_symbols_name_places() {
        assert_eq!(words(&["N:5"]), [(85, u32::MAX)]);
        assert_eq!(words(&["B:3/1", "B:3/31"]), [(19, 1 << 31 | 2)]);
        assert_eq!(words(&["n:8-9"]), [(88, u32::MAX), (89, u32::MAX)]);
        assert_eq!(words(&["N:*"]).len(), 256);
        assert_eq!(words(&["B:*"]).len(), 64);
        assert_eq!(words(&["T:*"]).len(), 256);
        assert_eq!(words(&["C:*"]).len(), 192, "the unused word of a counter is not kept");
        assert_eq!(words(&["Total"]), words(&["N:7"]));
        assert_eq!(words(&["Dwell"]), words(&["T:2"]));
        assert_eq!(
            words(&["T:2"]).len(),
            4,
            "PRE, ACC, flags and the rest of a millisecond"
        );
        assert_eq!(words(&["T:2.ACC"]).len(), 2, "ACC and what is less than a millisecond");
        assert_eq!(words(&["T:2.DN"]), [(346, 4)]);
        assert_eq!(words(&["C:1-2"]), words(&["C:1", "C:2"]));
        assert_eq!(words(&["C:0.ACC"]).len(), 1);
        assert!(read(&[]).unwrap().is_empty());
    }

    #[test]
    fn pl37_every_mistake_of_a_list_is_told_with_its_place() {
        let errors = read(&[
            "N:0",
            "N:9-3",
            "I:0",
            "O:1/3",
            "Valve",
            "Nobody",
            "N:256",
            "B:3/1-4",
            "X:*",
            "T:0.ACC-3",
            "N:",
        ]);
        let errors = errors.unwrap_err();
        let places: Vec<usize> = errors.iter().map(|error| error.index).collect();
        assert_eq!(places, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let text = |index: usize| errors[index].to_string();
        assert!(text(0).contains("goes up"), "{}", text(0));
        assert!(text(1).contains("is an input"), "{}", text(1));
        assert!(text(2).contains("is an output"), "{}", text(2));
        assert!(text(3).contains("is an output"), "{}", text(3));
        assert!(text(4).contains("no symbol `Nobody`"), "{}", text(4));
        assert!(text(5).contains("0 to 255"), "{}", text(5));
        assert!(text(7).contains("region"), "{}", text(7));
    }
}
