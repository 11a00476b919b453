//! What the hub knows of one context: its settings, its program, and a mirror of everything that its engine tells.

use super::PlcId;
use super::entry::Border;
use super::io::ContextIo;
use super::lateness::Lateness;
use super::order::Order;
use super::program::Program;
use super::realtime::Realtime;
use super::retain::Keeper;
use super::tags::Tags;
use super::troubles::Window;
use crate::settings::PlcSettings;
use crate::time::Time;
use crosstie_ladder::address::{Address, IO_WORDS};
use crosstie_ladder::controller::{Command, ControllerState, ScanStatistics};
use crosstie_ladder::data_table::{CellValue, Place, USED_WORDS, WordIndex};
use crosstie_ladder::profile::Profile;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One context.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) plc: PlcId,
    pub(crate) settings: PlcSettings,
    pub(crate) state: ControllerState,
    /// Why it is in fault.
    pub(crate) fault: Option<String>,
    /// The rung that comes next in a scan that was begun.
    pub(crate) next_rung: Option<usize>,
    /// The scan at the end of which its engine was told last; `None` before the first border.
    pub(crate) scan: Option<u64>,
    pub(crate) statistics: ScanStatistics,
    /// Scans whose changes were merged because the hub was slow: it has seen one image for several.
    pub(crate) merged_scans: u64,
    /// How late scans began.
    pub(crate) lateness: Lateness,
    /// How its thread runs.
    pub(crate) realtime: Realtime,
    pub(crate) mirror: Mirror,
    pub(crate) program: Option<Loaded>,
    /// Counts programs that were loaded or cleared.
    pub(crate) program_number: u64,
    pub(crate) breakpoints: BTreeSet<usize>,
    pub(crate) forces: Vec<Force>,
    /// How many of them people were told of.
    pub(crate) forces_told: usize,
    /// The scans that are judged now.
    pub(crate) window: Window,
    /// The engine records power flow.
    pub(crate) records_power: bool,
    /// It was asked for it and has not answered.
    pub(crate) is_power_asked: bool,
    /// The power behind every instruction as it was told last; see [`Entry::Power`](super::Entry::Power).
    pub(crate) power: Box<[u64]>,
    /// The engine measures how long the rungs take.
    pub(crate) is_profiling: bool,
    /// How long they took as it was told last.
    pub(crate) profile: Option<Box<Profile>>,
    /// What the order that is answered next has made of a bit.
    pub(crate) toggled: Option<bool>,
    /// When its engine was heard last.
    pub(crate) heard_at: Time,
    /// What of it are signals.
    pub(crate) tags: Tags,
    /// What drives its inputs and what its outputs drive.
    pub(crate) io: ContextIo,
    /// Its engine is elsewhere and cannot be heard.
    pub(crate) is_lost: bool,
    /// Keeps its retentive memory; `None` where the project names no place.
    pub(crate) keeper: Option<Keeper>,
}

/// The memory of an engine as it was told last, forced bits as they are forced.
#[derive(Debug)]
pub(crate) struct Mirror {
    words: Box<[u32]>,
    masks: Box<[u32]>,
    drives: [u32; IO_WORDS],
    pub(crate) is_safe: bool,
    /// Counts everything that a snapshot shows.
    pub(crate) version: u64,
}

/// A program in an engine.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) program: Arc<Program>,
    /// Who loaded it, for people.
    pub(crate) by: Box<str>,
    pub(crate) at: Time,
}

/// A force, with what its table does not say.
#[derive(Debug, Clone)]
pub(crate) struct Force {
    pub(crate) address: Address,
    pub(crate) value: CellValue,
    /// Who forces, for people.
    pub(crate) by: Box<str>,
    pub(crate) reason: Box<str>,
    pub(crate) since: Time,
    pub(crate) expires_at: Option<Time>,
}

impl Context {
    pub(crate) fn new(plc: PlcId, settings: PlcSettings) -> Context {
        let is_lost = settings.remote.is_some();
        Context {
            plc,
            heard_at: Time::ZERO,
            tags: Tags::new(&settings.name),
            keeper: settings.retain.as_ref().map(Keeper::new),
            io: ContextIo::new(&settings.io),
            settings,
            state: ControllerState::Stopped,
            fault: None,
            next_rung: None,
            scan: None,
            statistics: ScanStatistics::default(),
            merged_scans: 0,
            lateness: Lateness::default(),
            realtime: Realtime::default(),
            mirror: Mirror::new(),
            program: None,
            program_number: 0,
            breakpoints: BTreeSet::new(),
            forces: Vec::new(),
            forces_told: 0,
            window: Window::default(),
            records_power: false,
            is_power_asked: false,
            power: Box::default(),
            is_profiling: false,
            profile: None,
            toggled: None,
            is_lost,
        }
    }

    pub(crate) fn rungs(&self) -> usize {
        self.program
            .as_ref()
            .map_or(0, |loaded| loaded.program.compiled.rungs())
    }

    /// Why it cannot scan: what is to move its inputs and outputs is not there (PL-30).
    pub(crate) fn why_not(&self, order: &Order) -> Option<String> {
        let begins = matches!(
            order,
            Order::Command(Command::Start | Command::StepScan | Command::StepRung)
        );
        begins.then(|| self.io.why_not()).flatten()
    }

    /// Takes the head of a border; its changes follow.
    pub(crate) fn take_border(&mut self, border: Border) {
        self.next_rung = border.next_rung.map(|rung| rung as usize);
        self.scan = Some(border.scan);
        self.merged_scans += u64::from(border.scans.saturating_sub(1));
        if self.mirror.is_safe != border.is_safe || self.state != border.state {
            self.mirror.version += 1;
        }
        self.mirror.is_safe = border.is_safe;
        if border.scan == 0 {
            // After a download or a reset they begin anew, and are told only with the next scan.
            self.statistics = ScanStatistics::default();
            self.lateness = Lateness::default();
        }
        self.state = border.state;
        if border.state != ControllerState::Fault {
            self.fault = None;
        }
    }

    /// What the outputs drive, bound signals among it: in the safe state nothing, or what they drove before where the project
    /// says so (PL-30).
    pub(crate) fn drives(&self) -> [u32; IO_WORDS] {
        match self.mirror.is_safe && !self.settings.hold_outputs {
            true => [0; IO_WORDS],
            false => self.mirror.drives,
        }
    }

    /// Forces that somebody has ended, the engine itself among them, leave the list.
    pub(crate) fn forget_ended_forces(&mut self) {
        let mirror = &self.mirror;
        self.forces.retain(|force| mirror.is_forced(force.address));
    }
}

impl Mirror {
    fn new() -> Mirror {
        Mirror {
            words: vec![0; USED_WORDS].into(),
            masks: vec![0; USED_WORDS].into(),
            drives: [0; IO_WORDS],
            is_safe: true,
            version: 0,
        }
    }

    pub(crate) fn set_word(&mut self, word: WordIndex, bits: u32) {
        self.words[word.get()] = bits;
        self.version += 1;
    }

    pub(crate) fn set_mask(&mut self, word: WordIndex, mask: u32) {
        self.masks[word.get()] = mask;
        self.version += 1;
    }

    pub(crate) fn set_drive(&mut self, word: u8, bits: u32) {
        if let Some(drive) = self.drives.get_mut(usize::from(word)) {
            *drive = bits;
        }
    }

    /// What a word of O drives.
    pub(crate) fn drive(&self, word: u8) -> u32 {
        self.drives.get(usize::from(word)).copied().unwrap_or(0)
    }

    /// All words, by [`WordIndex`].
    pub(crate) fn words(&self) -> &[u32] {
        &self.words
    }

    /// The forced bits of all words.
    pub(crate) fn masks(&self) -> &[u32] {
        &self.masks
    }

    /// What stands at an address; `None` for a timer or counter as a whole.
    pub(crate) fn read(&self, address: Address) -> Option<CellValue> {
        let place = Place::of(address)?;
        let word = self.words.get(place.bits().0.get())?;
        Some(place.value(*word))
    }

    /// Whether any bit of an address is forced.
    pub(crate) fn is_forced(&self, address: Address) -> bool {
        let Some(place) = Place::of(address) else { return false };
        let (word, bits) = place.bits();
        self.masks.get(word.get()).is_some_and(|mask| mask & bits != 0)
    }
}
