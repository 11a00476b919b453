//! What an engine was given, kept until it is told: so much that whoever has it can let another engine execute the same.
//!
//! There is none of it while nobody wants it, and then nothing is noted. While it is there nothing is allocated either: the list
//! has its size from the start, and what does not fit is counted.

use crate::plc::devices::{DeviceInputs, ScanTiming};
use crate::plc::entry::{Entry, EntrySink, Given};
use crate::time::Time;
use crosstie_ladder::address::INTEGER_WORDS;
use crosstie_ladder::controller::Inputs;
use crosstie_ladder::data_table::{USED_WORDS, WordIndex};

/// What is noted until there is room to tell it: several scans while the hub is slow. What comes when so much waits is not told,
/// and an entry says how much that is: what was recorded then cannot be executed again.
pub(super) const GIVEN_MAX: usize = 2 * USED_WORDS;

/// What is noted.
#[derive(Debug)]
pub(super) struct GivenLog {
    notes: Vec<Given>,
    lost: u32,
    /// Until when the hub was heard, where that is not noted yet.
    heard: Option<Time>,
    /// What devices said when it was noted last.
    bits: Inputs,
    numbers: [Option<i32>; INTEGER_WORDS],
}

impl Default for GivenLog {
    fn default() -> GivenLog {
        GivenLog {
            notes: Vec::with_capacity(GIVEN_MAX),
            lost: 0,
            heard: None,
            bits: Inputs::default(),
            numbers: [None; INTEGER_WORDS],
        }
    }
}

impl GivenLog {
    pub(super) fn note(&mut self, given: Given) {
        if let Some(until) = self.heard.take() {
            self.put(Given::Heard { until });
        }
        self.put(given);
    }

    /// Something that the hub said at this time has come; it is noted with what comes of it.
    pub(super) fn heard(&mut self, at: Time) {
        self.heard = Some(self.heard.map_or(at, |until| until.max(at)));
    }

    fn put(&mut self, given: Given) {
        match self.notes.len() < GIVEN_MAX {
            true => self.notes.push(given),
            false => self.lost = self.lost.saturating_add(1),
        }
    }

    /// A route, or whoever else feeds, has said this.
    pub(super) fn fed(&mut self, word: WordIndex, touched: u32, bits: u32) {
        self.note(Given::Fed {
            word,
            touched,
            bits: bits & touched,
        });
    }

    /// What devices say otherwise than before.
    pub(super) fn devices(&mut self, devices: &DeviceInputs) {
        if self.bits != devices.bits {
            let before = std::mem::replace(&mut self.bits, devices.bits);
            for (word, (bits, driven)) in (0_u8..).zip(devices.bits.words.into_iter().zip(devices.bits.driven)) {
                let index = usize::from(word);
                if (before.words[index], before.driven[index]) != (bits, driven) {
                    self.note(Given::Bits { word, bits, driven });
                }
            }
        }
        let mut seen = [None; INTEGER_WORDS];
        for (word, number) in &devices.numbers {
            if let Some(seen) = seen.get_mut(usize::from(*word)) {
                *seen = Some(*number);
            }
        }
        if seen != self.numbers {
            for (word, (before, now)) in (0_u8..).zip(self.numbers.into_iter().zip(seen)) {
                if before != now {
                    self.note(Given::Number { word, number: now });
                }
            }
            self.numbers = seen;
        }
    }

    /// A scan was executed, or with `None` nobody scans and what was fed is shown.
    pub(super) fn scan(&mut self, dt_us: u32, timing: Option<ScanTiming>, is_told: bool) {
        self.note(match timing {
            Some(timing) => Given::Scan { dt_us, timing, is_told },
            None => Given::Show { is_told },
        });
    }

    /// Something was told out of its order: what follows cannot be executed again.
    pub(super) fn lose(&mut self) {
        self.lost = self.lost.saturating_add(1);
    }

    /// Tells everything; the sink has room for [`GIVEN_MAX`] and one more.
    pub(super) fn tell(&mut self, sink: &mut impl EntrySink) {
        self.notes.drain(..).for_each(|given| sink.push(Entry::Given(given)));
        if self.lost > 0 {
            let count = std::mem::take(&mut self.lost);
            sink.push(Entry::Given(Given::Lost { count }));
        }
    }
}
