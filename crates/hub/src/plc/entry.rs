//! What an engine tells: one ordered stream of entries, so that an answer never overtakes what it is the answer to.

use super::devices::ScanTiming;
use super::lateness::LateScans;
use super::order::Refused;
use super::realtime::RealtimeAnswer;
use crate::time::Time;
use crosstie_ladder::controller::{ControllerState, Event, ScanStatistics};
use crosstie_ladder::data_table::WordIndex;
use crosstie_ladder::profile::Profile;
use crosstie_ladder::retain::RetainImage;

/// One thing that an engine tells. Small and without a heap except for [`Entry::Power`], [`Entry::Profile`] and
/// [`Entry::Retained`], which nobody gets unasked.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A border. The changes that follow, up to the next border, happened together.
    Border(Border),
    /// A word is not what it was.
    Change {
        /// Which word.
        word: WordIndex,
        /// What it is.
        after: u32,
        /// Bits that are what they were, and were not in between. Only where scans were merged.
        pulsed: u32,
    },
    /// The forced bits of a word are others.
    Forced {
        /// Which word.
        word: WordIndex,
        /// The bits that are forced now.
        mask: u32,
    },
    /// A word of outputs drives something else. (In the safe state they drive nothing, whatever was told here.)
    Drive {
        /// Which word of O.
        word: u8,
        /// What it drives.
        bits: u32,
    },
    /// Something happened.
    Event(Event),
    /// An order was executed, or not.
    Answer {
        /// Number of the order.
        number: u64,
        /// Why it was not.
        result: Result<(), Refused>,
    },
    /// What the bit of an [`Order::Toggle`](super::Order::Toggle) has become, underneath where it is forced.
    Toggled(bool),
    /// How scans went.
    Statistics(ScanStatistics),
    /// How long the rungs took; `None` while that is not measured.
    Profile(Option<Box<Profile>>),
    /// How late scans began that were executed since it was told last: an entry for each bucket that is not empty, before the
    /// statistics.
    Late(LateScans),
    /// What the system grants the thread that scans. Its driver tells it, not the engine: at the begin, and when it changes.
    Realtime(RealtimeAnswer),
    /// The power behind every instruction, 64 to a word, the first in the lowest bit. Empty without a program.
    Power(Box<[u64]>),
    /// What the engine was given, before what came of it; only while [`Order::TellInputs`](super::Order::TellInputs) is on. The hub
    /// itself has no use for it.
    Given(Given),
    /// What stands in the places of the image that [`Order::TellRetained`](super::Order::TellRetained) brought.
    Retained(Box<RetainImage>),
}

/// Something that an engine was given. Who gives another engine the same in the same order sees it tell the same:
/// [`Engine::execute_given`](super::Engine::execute_given).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// Everything that the hub had said until then was heard: orders, and what routes feed.
    Heard {
        /// When the last of it was said, as the hub's driver calls the time.
        until: Time,
    },
    /// Bits of a word that routes and others have fed, written before what follows.
    Fed {
        /// Which word.
        word: WordIndex,
        /// Which bits.
        touched: u32,
        /// What they are.
        bits: u32,
    },
    /// From now on devices say this of a word of I.
    Bits {
        /// Which word.
        word: u8,
        /// What it is.
        bits: u32,
        /// The bits that devices drive.
        driven: u32,
    },
    /// From now on devices say this of a word of N.
    Number {
        /// Which word.
        word: u8,
        /// What stands there; `None` when no device says it any more.
        number: Option<i32>,
    },
    /// An order was executed.
    Order {
        /// Its number.
        number: u64,
    },
    /// A scan was executed.
    Scan {
        /// The time that it got, in microseconds.
        dt_us: u32,
        /// How late it began and how long it took.
        timing: ScanTiming,
        /// There was room to tell what it changed.
        is_told: bool,
    },
    /// Nobody scans; what was fed is shown.
    Show {
        /// There was room to tell what it changed.
        is_told: bool,
    },
    /// So much more was given that could not be told.
    Lost {
        /// How much.
        count: u32,
    },
}

/// The end of a scan, or of orders between scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Border {
    /// Scans since the last download or reset.
    pub scan: u64,
    /// Time of the scan in microseconds; 0 when none was executed.
    pub dt_us: u32,
    /// Scans that this stands for: 1, or more when the hub did not take entries fast enough; 0 when none was executed.
    pub scans: u32,
    /// The state.
    pub state: ControllerState,
    /// The rung that comes next in a scan that was begun.
    pub next_rung: Option<u32>,
    /// The outputs are in their safe state: stopped, in fault, or before the first scan has ended.
    pub is_safe: bool,
}

/// Where an engine puts its entries: a ring of fixed size in real time, a list in a test.
pub trait EntrySink {
    /// Entries that fit now.
    fn room(&self) -> usize;

    /// Puts one in; the engine has asked for room before.
    fn push(&mut self, entry: Entry);
}

impl EntrySink for Vec<Entry> {
    fn room(&self) -> usize {
        usize::MAX
    }

    fn push(&mut self, entry: Entry) {
        Vec::push(self, entry);
    }
}
