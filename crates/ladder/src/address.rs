//! Addresses of the data table and symbols (PL-40).
//!
//! Text of a program, a route or a message enters, a checked [`Address`] leaves: what exists as a value exists in the data
//! table. Nothing here knows what is stored there.
//!
//! | region | cells | word | bit | members |
//! |---|---|---|---|---|
//! | I inputs, O outputs | 8 words of 32 bits | `I:0` | `I:0/31` | |
//! | B bits | 64 words of 32 bits | `B:3` | `B:3/0` | |
//! | N integers | 256 words of 32 bits | `N:7` | `N:7/3` | |
//! | T timers | 64 | `T:4` | | `T:4.PRE .ACC .EN .TT .DN` |
//! | C counters | 64 | `C:4` | | `C:4.PRE .ACC .DN .OV .UN .CU .CD` |

use std::fmt;
use std::str::FromStr;

/// Words of inputs, and of outputs.
pub const IO_WORDS: usize = 8;
/// Words of bits.
pub const BIT_WORDS: usize = 64;
/// Integers.
pub const INTEGER_WORDS: usize = 256;
/// Timers.
pub const TIMERS: usize = 64;
/// Counters.
pub const COUNTERS: usize = 64;
/// Bits of a word.
pub const WORD_BITS: usize = 32;

/// A place in the data table, checked against its borders.
///
/// Shape: see the table of this module; decimal numbers that count from zero. Letters of any case and leading zeros are read;
/// `Display` writes capitals without leading zeros, so that equal addresses are equal texts (PL-40).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// A word: `I:0`, `O:1`, `B:3`, `N:7`.
    Word {
        /// Where the word is.
        region: Region,
        /// Its number, below [`Region::words`].
        word: u8,
    },
    /// A bit of a word: `I:0/3`. A bit of an integer, `N:5/3`, is an extension of Crosstie.
    Bit {
        /// Where the word is.
        region: Region,
        /// Its number, below [`Region::words`].
        word: u8,
        /// The bit within the word, 0 to 31.
        bit: u8,
    },
    /// A timer as a whole: `T:4`.
    Timer {
        /// Its number, below [`TIMERS`].
        timer: u8,
    },
    /// A member of a timer: `T:4.DN`.
    TimerMember {
        /// Its number, below [`TIMERS`].
        timer: u8,
        /// Which member.
        member: TimerMember,
    },
    /// A counter as a whole: `C:4`.
    Counter {
        /// Its number, below [`COUNTERS`].
        counter: u8,
    },
    /// A member of a counter: `C:4.ACC`.
    CounterMember {
        /// Its number, below [`COUNTERS`].
        counter: u8,
        /// Which member.
        member: CounterMember,
    },
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// An [`AddressError`] that says what is wrong and at which byte.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        let Some((letter, rest)) = text.split_once(':') else {
            return Err(match text {
                "" => AddressError::Empty,
                _ => AddressError::MissingColon { at: text.len() },
            });
        };
        let mut reader = Reader {
            text,
            at: text.len() - rest.len(),
        };
        if letter.eq_ignore_ascii_case("T") {
            let timer = reader.index(Part::Timer, TIMERS)?;
            let member = reader.member(TimerMember::parse)?;
            reader.end()?;
            return Ok(match member {
                Some(member) => Address::TimerMember { timer, member },
                None => Address::Timer { timer },
            });
        }
        if letter.eq_ignore_ascii_case("C") {
            let counter = reader.index(Part::Counter, COUNTERS)?;
            let member = reader.member(CounterMember::parse)?;
            reader.end()?;
            return Ok(match member {
                Some(member) => Address::CounterMember { counter, member },
                None => Address::Counter { counter },
            });
        }
        let Some(region) = Region::parse(letter) else {
            return Err(AddressError::UnknownRegion { got: shown(letter) });
        };
        let word = reader.index(Part::Word, region.words())?;
        let bit = reader.bit()?;
        reader.end()?;
        Ok(match bit {
            Some(bit) => Address::Bit { region, word, bit },
            None => Address::Word { region, word },
        })
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        Address::parse(text)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Address::Word { region, word } => write!(f, "{}:{word}", region.letter()),
            Address::Bit { region, word, bit } => write!(f, "{}:{word}/{bit}", region.letter()),
            Address::Timer { timer } => write!(f, "T:{timer}"),
            Address::TimerMember { timer, member } => write!(f, "T:{timer}.{}", member.as_str()),
            Address::Counter { counter } => write!(f, "C:{counter}"),
            Address::CounterMember { counter, member } => {
                write!(f, "C:{counter}.{}", member.as_str())
            }
        }
    }
}

/// The regions that consist of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Region {
    /// `I`, the input image.
    Input,
    /// `O`, the output image.
    Output,
    /// `B`, internal bits.
    Bits,
    /// `N`, integers.
    Integer,
}

impl Region {
    /// All of them.
    pub const ALL: [Region; 4] = [Region::Input, Region::Output, Region::Bits, Region::Integer];

    /// The letter before the colon.
    pub const fn letter(self) -> char {
        match self {
            Region::Input => 'I',
            Region::Output => 'O',
            Region::Bits => 'B',
            Region::Integer => 'N',
        }
    }

    /// How many words there are.
    pub const fn words(self) -> usize {
        match self {
            Region::Input | Region::Output => IO_WORDS,
            Region::Bits => BIT_WORDS,
            Region::Integer => INTEGER_WORDS,
        }
    }

    fn parse(letter: &str) -> Option<Region> {
        match letter {
            "I" | "i" => Some(Region::Input),
            "O" | "o" => Some(Region::Output),
            "B" | "b" => Some(Region::Bits),
            "N" | "n" => Some(Region::Integer),
            _ => None,
        }
    }
}

/// What a timer consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TimerMember {
    /// `PRE`, the preset in milliseconds.
    Preset,
    /// `ACC`, the accumulated time in milliseconds.
    Accumulated,
    /// `EN`, enabled.
    Enabled,
    /// `TT`, timing.
    Timing,
    /// `DN`, done.
    Done,
}

impl TimerMember {
    /// All of them.
    pub const ALL: [TimerMember; 5] = [
        TimerMember::Preset,
        TimerMember::Accumulated,
        TimerMember::Enabled,
        TimerMember::Timing,
        TimerMember::Done,
    ];

    /// The word behind the dot.
    pub const fn as_str(self) -> &'static str {
        match self {
            TimerMember::Preset => "PRE",
            TimerMember::Accumulated => "ACC",
            TimerMember::Enabled => "EN",
            TimerMember::Timing => "TT",
            TimerMember::Done => "DN",
        }
    }

    fn parse(text: &str) -> Option<TimerMember> {
        TimerMember::ALL
            .into_iter()
            .find(|member| member.as_str().eq_ignore_ascii_case(text))
    }
}

/// What a counter consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CounterMember {
    /// `PRE`, the preset.
    Preset,
    /// `ACC`, the accumulated count.
    Accumulated,
    /// `DN`, done.
    Done,
    /// `OV`, counted up beyond the end.
    Overflow,
    /// `UN`, counted down beyond the end.
    Underflow,
    /// `CU`, the count-up input of the last scan.
    CountUp,
    /// `CD`, the count-down input of the last scan.
    CountDown,
}

impl CounterMember {
    /// All of them.
    pub const ALL: [CounterMember; 7] = [
        CounterMember::Preset,
        CounterMember::Accumulated,
        CounterMember::Done,
        CounterMember::Overflow,
        CounterMember::Underflow,
        CounterMember::CountUp,
        CounterMember::CountDown,
    ];

    /// The word behind the dot.
    pub const fn as_str(self) -> &'static str {
        match self {
            CounterMember::Preset => "PRE",
            CounterMember::Accumulated => "ACC",
            CounterMember::Done => "DN",
            CounterMember::Overflow => "OV",
            CounterMember::Underflow => "UN",
            CounterMember::CountUp => "CU",
            CounterMember::CountDown => "CD",
        }
    }

    fn parse(text: &str) -> Option<CounterMember> {
        CounterMember::ALL
            .into_iter()
            .find(|member| member.as_str().eq_ignore_ascii_case(text))
    }
}

/// Why a text is no address. `at` counts bytes from the start of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// There is no text.
    #[error("expected an address")]
    Empty,
    /// There is no colon; the text may be a symbol.
    #[error("expected `:` and a number at byte {at}")]
    MissingColon {
        /// Where the text ends.
        at: usize,
    },
    /// What stands before the colon is no region.
    #[error("expected region I, O, B, N, T or C, got `{got}`")]
    UnknownRegion {
        /// What stands there, cut after 16 characters.
        got: String,
    },
    /// A number is missing.
    #[error("expected the number of a {part} at byte {at}")]
    MissingIndex {
        /// What the number would count.
        part: Part,
        /// Where it has to stand.
        at: usize,
    },
    /// A number is too high.
    #[error("expected a {part} from 0 to {}, got {got}", limit - 1)]
    IndexOutOfRange {
        /// What the number counts.
        part: Part,
        /// The number, [`u64::MAX`] when it is higher still.
        got: u64,
        /// How many there are; the highest number is one less.
        limit: usize,
        /// Where the number stands.
        at: usize,
    },
    /// What stands behind the dot is no member of that cell.
    #[error("expected PRE, ACC or a flag of that cell at byte {at}, got `{got}`")]
    UnknownMember {
        /// What stands there, cut after 16 characters.
        got: String,
        /// Where it stands.
        at: usize,
    },
    /// The address is over, and something follows that does not belong to it.
    #[error("expected the end of the address at byte {at}")]
    TrailingText {
        /// Where it stands.
        at: usize,
    },
}

/// What a number in an address counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Words of a region.
    Word,
    /// Bits of a word.
    Bit,
    /// Timers.
    Timer,
    /// Counters.
    Counter,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Word => "word",
            Part::Bit => "bit",
            Part::Timer => "timer",
            Part::Counter => "counter",
        })
    }
}

/// A name that stands for an address: a letter or `_`, then letters, digits and `_` (PL-40).
///
/// Letters are those of ASCII. No symbol can be mistaken for an address, because every address has a colon. The case is kept
/// and counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(String);

impl Symbol {
    /// Checks a name; `None` when it is none.
    pub fn new(name: &str) -> Option<Symbol> {
        Symbol::is_valid(name).then(|| Symbol(name.to_owned()))
    }

    /// Whether a text may be the name of a symbol.
    pub fn is_valid(name: &str) -> bool {
        let mut bytes = name.bytes();
        bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Walks what stands behind the colon.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// Takes a number below `limit`, which is never above 256.
    fn index(&mut self, part: Part, limit: usize) -> Result<u8, AddressError> {
        let at = self.at;
        let digits_len = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if digits_len == 0 {
            return Err(AddressError::MissingIndex { part, at });
        }
        let digits = &self.rest()[..digits_len];
        self.at += digits_len;
        // Only a number that does not fit 64 bits fails here; leading zeros are harmless in any amount.
        let got: u64 = digits.parse().unwrap_or(u64::MAX);
        match u8::try_from(got) {
            Ok(index) if usize::from(index) < limit => Ok(index),
            _ => Err(AddressError::IndexOutOfRange { part, got, limit, at }),
        }
    }

    fn bit(&mut self) -> Result<Option<u8>, AddressError> {
        if !self.rest().starts_with('/') {
            return Ok(None);
        }
        self.at += 1;
        self.index(Part::Bit, WORD_BITS).map(Some)
    }

    fn member<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, AddressError> {
        if !self.rest().starts_with('.') {
            return Ok(None);
        }
        self.at += 1;
        let name = self.rest();
        match parse(name) {
            Some(member) => {
                self.at += name.len();
                Ok(Some(member))
            }
            None => Err(AddressError::UnknownMember {
                got: shown(name),
                at: self.at,
            }),
        }
    }

    fn end(&self) -> Result<(), AddressError> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(AddressError::TrailingText { at: self.at })
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }
}

/// A piece of input as it is repeated in a complaint.
fn shown(text: &str) -> String {
    text.chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;
    use std::path::Path;

    /// Reads a text and writes the address again.
    fn canonical(text: &str) -> Result<String, AddressError> {
        Address::parse(text).map(|address| address.to_string())
    }

    fn reads(text: &str, expected: &str) {
        assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
    }

    fn refuses(text: &str, expected: AddressError) {
        assert_eq!(Address::parse(text), Err(expected), "{text}");
    }

    fn refuses_index(text: &str, part: Part, got: u64, limit: usize, at: usize) {
        refuses(text, AddressError::IndexOutOfRange { part, got, limit, at });
    }

    fn every_address() -> impl Iterator<Item = Address> {
        let words = Region::ALL
            .into_iter()
            .flat_map(|region| (0..region.words()).map(move |word| (region, word as u8)));
        let bits = words
            .clone()
            .flat_map(|(region, word)| (0..32).map(move |bit| Address::Bit { region, word, bit }));
        let timers = (0..TIMERS as u8).flat_map(|timer| {
            let members = TimerMember::ALL
                .into_iter()
                .map(move |member| Address::TimerMember { timer, member });
            members.chain([Address::Timer { timer }])
        });
        let counters = (0..COUNTERS as u8).flat_map(|counter| {
            let members = CounterMember::ALL
                .into_iter()
                .map(move |member| Address::CounterMember { counter, member });
            members.chain([Address::Counter { counter }])
        });
        words
            .map(|(region, word)| Address::Word { region, word })
            .chain(bits)
            .chain(timers)
            .chain(counters)
    }

    #[test]
    fn pl40_every_address_reads_back_from_its_text() {
        let words = 2 * IO_WORDS + BIT_WORDS + INTEGER_WORDS;
        assert_eq!(every_address().count(), words * 33 + TIMERS * 6 + COUNTERS * 8);
        for address in every_address() {
            let text = address.to_string();
            assert_eq!(Address::parse(&text), Ok(address), "{text}");
            assert_eq!(text.to_lowercase().parse(), Ok(address), "{text}");
        }
    }

    #[test]
    fn pl40_case_and_leading_zeros_do_not_matter() {
        reads("i:0/3", "I:0/3");
        reads("o:007/031", "O:7/31");
        reads("b:0063", "B:63");
        reads("n:000000000000000000000000000000255/0000", "N:255/0");
        reads("t:04.pre", "T:4.PRE");
        reads("c:4.cU", "C:4.CU");
    }

    #[test]
    fn pl40_both_sides_of_every_border() {
        reads("I:7/31", "I:7/31");
        refuses_index("I:8/31", Part::Word, 8, 8, 2);
        refuses_index("I:7/32", Part::Bit, 32, 32, 4);
        reads("O:7", "O:7");
        refuses_index("O:8", Part::Word, 8, 8, 2);
        reads("B:63/0", "B:63/0");
        refuses_index("B:64/0", Part::Word, 64, 64, 2);
        reads("N:255", "N:255");
        refuses_index("N:256", Part::Word, 256, 256, 2);
        refuses_index("N:255/32", Part::Bit, 32, 32, 6);
        reads("T:63.DN", "T:63.DN");
        refuses_index("T:64.DN", Part::Timer, 64, 64, 2);
        reads("C:63", "C:63");
        refuses_index("C:64", Part::Counter, 64, 64, 2);
        refuses_index("N:18446744073709551615", Part::Word, u64::MAX, 256, 2);
        refuses_index("N:18446744073709551616", Part::Word, u64::MAX, 256, 2);
        // 256 more than a valid number must not wrap around to it.
        refuses_index("I:256/0", Part::Word, 256, 8, 2);
    }

    #[test]
    fn pl41_what_is_no_address_is_refused_with_its_place() {
        let missing = |part, at| AddressError::MissingIndex { part, at };
        let region = |got: &str| AddressError::UnknownRegion { got: got.to_owned() };
        let member = |got: &str, at| AddressError::UnknownMember {
            got: got.to_owned(),
            at,
        };
        refuses("", AddressError::Empty);
        refuses("Start", AddressError::MissingColon { at: 5 });
        refuses("F:0", region("F"));
        refuses(":0", region(""));
        refuses(" I:0", region(" I"));
        refuses("a_very_long_region_name:0", region("a_very_long_regi"));
        refuses("I:", missing(Part::Word, 2));
        refuses("I:x", missing(Part::Word, 2));
        refuses("I:-1", missing(Part::Word, 2));
        refuses("I:+1", missing(Part::Word, 2));
        refuses("N:٣", missing(Part::Word, 2));
        refuses("I:0/", missing(Part::Bit, 4));
        refuses("T:", missing(Part::Timer, 2));
        refuses("C:.PRE", missing(Part::Counter, 2));
        refuses("T:0.", member("", 4));
        refuses("T:0.CU", member("CU", 4));
        refuses("C:0.TT", member("TT", 4));
        refuses("C:0.PRE/1", member("PRE/1", 4));
        refuses("T:0/1", AddressError::TrailingText { at: 3 });
        refuses("N:0.PRE", AddressError::TrailingText { at: 3 });
        refuses("I:0/1/2", AddressError::TrailingText { at: 5 });
        refuses("I:0 ", AddressError::TrailingText { at: 3 });
    }

    #[test]
    fn complaints_say_what_was_expected() {
        let check = |text: &str, expected: &str| {
            assert_eq!(
                canonical(text).map_err(|error| error.to_string()),
                Err(expected.to_owned())
            );
        };
        check("B:64", "expected a word from 0 to 63, got 64");
        check("I:0/x", "expected the number of a bit at byte 4");
        check("Q:1", "expected region I, O, B, N, T or C, got `Q`");
        check("T:1.CU", "expected PRE, ACC or a flag of that cell at byte 4, got `CU`");
    }

    #[test]
    fn pl40_symbols_begin_with_a_letter_or_underscore() {
        for name in ["a", "_", "Start_1", "__", "Z9", "I", "T4"] {
            assert_eq!(
                Symbol::new(name).map(|symbol| symbol.to_string()).as_deref(),
                Some(name)
            );
        }
        for name in ["", "1a", "a-b", "a b", "ä", "a.b", "I:0", "a\0"] {
            assert_eq!(Symbol::new(name), None, "{name:?}");
        }
        assert_eq!(Symbol::new("Pump").expect("it is valid").as_str(), "Pump");
    }

    #[test]
    fn the_corpus_of_the_fuzzer_breaks_no_promise() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/address");
        let files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(files.len() >= 40, "only {} files", files.len());
        for file in files {
            println!("{}", file.display());
            crate::fuzz::address(&fs::read(&file).unwrap());
        }
    }

    proptest! {
        #[test]
        fn any_text_breaks_no_promise(text: String) {
            crate::fuzz::address(text.as_bytes());
        }

        #[test]
        fn any_text_that_looks_like_an_address_breaks_no_promise(text in "[IOBNTCiobntcF]:[0-9]{0,4}[/.]?[0-9a-zA-Z]{0,3}") {
            crate::fuzz::address(text.as_bytes());
        }
    }
}
