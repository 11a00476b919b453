//! The controller: one PLC with its program, its memory and its state (PL-30 to PL-36).
//!
//! It has no clock and touches no device. A driver hands in inputs and elapsed time, executes scans when the state says so, and
//! gets what happened as values: events, changed words, the outputs to drive. Two drivers exist, a thread in real time and a
//! step of the hub's own; both get the same results from the same inputs.
//!
//! | command | Stopped | Running | Paused | Stepping | Fault |
//! |---|---|---|---|---|---|
//! | start | Running | – | Running | Running | refused |
//! | stop | – | Stopped | Stopped | Stopped | Stopped |
//! | pause | – | Paused | – | – | – |
//! | resume | – | – | Running | – | – |
//! | step scan | Paused | refused | Paused | Paused | refused |
//! | step rung | Stepping | refused | Stepping | Stepping | refused |
//! | reset | Stopped | Stopped | Stopped | Stopped | Stopped |
//!
//! A dash changes nothing and succeeds. Without a program, start and the steps are refused. A rung step ends in Paused after
//! the last rung; a fault ends every scan in Fault.

mod event;
mod statistics;

use std::collections::BTreeSet;
use std::ops::Range;

pub use event::{Command, ControllerState, Event, Events, Refusal};
pub use statistics::ScanStatistics;

use crate::address::{Address, IO_WORDS};
use crate::compile::{CompiledProgram, RunMemory};
use crate::data_table::Cell;
use crate::data_table::{AccessError, CellPart, CellValue, DataTable, USED_WORDS, WordIndex, aligned};
use crate::fault::Fault;
use crate::power_flow::PowerFlow;
use crate::profile::Profile;
use crate::retain::RetainImage;
use crate::stepping::Unfinished;

/// How often a scan begins, in microseconds: 500 to 1,000,000 (PL-36).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScanTime(u32);

impl ScanTime {
    /// The fastest.
    pub const MIN: ScanTime = ScanTime(500);
    /// The slowest.
    pub const MAX: ScanTime = ScanTime(1_000_000);

    /// A scan time; `None` outside of the limits.
    pub fn from_us(us: u32) -> Option<ScanTime> {
        (ScanTime::MIN.0..=ScanTime::MAX.0)
            .contains(&us)
            .then_some(ScanTime(us))
    }

    /// In microseconds.
    pub const fn us(self) -> u32 {
        self.0
    }
}

impl Default for ScanTime {
    fn default() -> ScanTime {
        ScanTime(10_000)
    }
}

/// What a project says about a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControllerSettings {
    /// How often a scan begins; the time that a step gives to timers.
    pub target_scan: ScanTime,
    /// Whether memory and forces outlive a download while Stopped (PL-33).
    pub keep_memory_on_download: bool,
    /// A scan that takes longer is a fault; `None` is off.
    pub watchdog_us: Option<u64>,
}

impl Default for ControllerSettings {
    fn default() -> ControllerSettings {
        ControllerSettings {
            target_scan: ScanTime::default(),
            keep_memory_on_download: true,
            watchdog_us: None,
        }
    }
}

/// What the input image is made of at the start of a scan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The words of I as devices give them.
    pub words: [u32; IO_WORDS],
    /// The bits that devices drive. All others come from the virtual input image, which clients write (PL-16).
    pub driven: [u32; IO_WORDS],
}

/// A word that is not what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Which word; [`WordIndex::cell`] says what it holds.
    pub word: WordIndex,
    /// What it was when changes were taken last.
    pub before: u32,
    /// What it is.
    pub after: u32,
}

/// One PLC.
#[derive(Debug)]
pub struct Controller {
    pub(crate) settings: ControllerSettings,
    pub(crate) state: ControllerState,
    pub(crate) program: Option<Loaded>,
    pub(crate) table: Box<DataTable>,
    /// What clients wrote to I. It fills the bits that no device drives.
    pub(crate) virtual_inputs: [u32; IO_WORDS],
    /// The outputs of the last finished scan; `None` when they are to be safe.
    pub(crate) outputs: Option<[u32; IO_WORDS]>,
    pub(crate) breakpoints: BTreeSet<usize>,
    /// A scan that was begun and waits, at a breakpoint or between rung steps.
    pub(crate) unfinished: Option<Unfinished>,
    pub(crate) statistics: ScanStatistics,
    records_power: bool,
    pub(crate) profiles: bool,
    /// The words as they were when changes were taken last.
    reported: Box<[u32]>,
}

/// A program and what its run remembers.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) compiled: CompiledProgram,
    pub(crate) memory: RunMemory,
    pub(crate) flow: Option<PowerFlow>,
    /// The times of its rungs, while they are measured.
    pub(crate) profile: Option<Box<Profile>>,
}

impl Loaded {
    /// Executes rungs.
    #[inline(always)]
    pub(crate) fn run(&mut self, rungs: Range<usize>, table: &mut DataTable, dt_us: u32) {
        let flow = self.flow.as_mut();
        self.compiled.run(rungs, table, &mut self.memory, dt_us, flow);
    }
}

impl Controller {
    /// A controller without a program, Stopped, all memory 0.
    pub fn new(settings: ControllerSettings) -> Controller {
        Controller {
            settings,
            state: ControllerState::Stopped,
            program: None,
            table: Box::new(DataTable::new()),
            virtual_inputs: [0; IO_WORDS],
            outputs: None,
            breakpoints: BTreeSet::new(),
            unfinished: None,
            statistics: ScanStatistics::default(),
            records_power: false,
            profiles: false,
            reported: vec![0; USED_WORDS].into(),
        }
    }

    /// Its state.
    pub fn state(&self) -> ControllerState {
        self.state
    }

    /// Its settings.
    pub fn settings(&self) -> &ControllerSettings {
        &self.settings
    }

    /// Changes settings; they count from the next scan on.
    pub fn set_settings(&mut self, settings: ControllerSettings) {
        self.settings = settings;
    }

    /// The program that is loaded.
    pub fn program(&self) -> Option<&CompiledProgram> {
        self.program.as_ref().map(|loaded| &loaded.compiled)
    }

    /// The memory, forces included.
    pub fn table(&self) -> &DataTable {
        &self.table
    }

    /// How scans went.
    pub fn statistics(&self) -> &ScanStatistics {
        &self.statistics
    }

    /// Whether a scan was begun and waits, at a breakpoint or between rung steps; the rung that comes next.
    pub fn next_rung(&self) -> Option<usize> {
        self.unfinished.as_ref().map(|unfinished| unfinished.rung)
    }

    /// The words of O that devices are to carry: those of the last finished scan. `None` means the safe state: after a stop, a
    /// fault or a reset, and before the first scan ends.
    pub fn outputs(&self) -> Option<&[u32; IO_WORDS]> {
        self.outputs.as_ref()
    }

    /// Executes a command. Steps scan with `inputs`; the other commands do not look at them.
    ///
    /// # Errors
    ///
    /// A [`Refusal`]; nothing has changed then.
    pub fn command(&mut self, command: Command, inputs: &Inputs) -> Result<Events, Refusal> {
        let mut events = Events::default();
        match command {
            Command::Start => self.start(&mut events)?,
            Command::Stop => self.stop(&mut events),
            Command::Pause if self.state == ControllerState::Running => {
                self.enter(ControllerState::Paused, &mut events);
            }
            Command::Resume if self.state == ControllerState::Paused => {
                self.enter(ControllerState::Running, &mut events);
            }
            Command::Pause | Command::Resume => {}
            Command::StepScan => self.step_scan(inputs, &mut events)?,
            Command::StepRung => self.step_rung(inputs, &mut events)?,
            Command::Reset => self.reset(&mut events),
        }
        Ok(events)
    }

    /// Takes a program, and stops first when it is not Stopped. Memory and forces are kept only when it was Stopped and the
    /// settings say so (PL-33). Breakpoints stay where the program still has a rung.
    pub fn load(&mut self, compiled: CompiledProgram) -> Events {
        let events = self.make_room();
        self.breakpoints.retain(|rung| *rung < compiled.rungs());
        let memory = RunMemory::new(&compiled);
        let flow = self.records_power.then(|| compiled.power_flow());
        let profile = self.profiles.then(|| Box::new(Profile::new(compiled.rungs())));
        self.program = Some(Loaded {
            compiled,
            memory,
            flow,
            profile,
        });
        events
    }

    /// Forgets the program, and stops first when it is not Stopped. Memory is treated as by [`Controller::load`].
    pub fn clear_program(&mut self) -> Events {
        let events = self.make_room();
        self.breakpoints.clear();
        self.program = None;
        events
    }

    fn make_room(&mut self) -> Events {
        let mut events = Events::default();
        let keeps = self.state == ControllerState::Stopped && self.settings.keep_memory_on_download;
        self.stop(&mut events);
        self.statistics = ScanStatistics::default();
        if !keeps {
            self.clear_memory();
        }
        events
    }

    fn start(&mut self, events: &mut Events) -> Result<(), Refusal> {
        match self.state {
            ControllerState::Fault => return Err(Refusal::InFault),
            ControllerState::Stopped => self.load_presets()?,
            ControllerState::Running | ControllerState::Paused | ControllerState::Stepping => {}
        }
        self.enter(ControllerState::Running, events);
        Ok(())
    }

    /// What a start from Stopped does, a step included.
    pub(crate) fn load_presets(&mut self) -> Result<(), Refusal> {
        let loaded = self.program.as_ref().ok_or(Refusal::NoProgram)?;
        loaded.compiled.load_presets(&mut self.table);
        Ok(())
    }

    fn stop(&mut self, events: &mut Events) {
        self.unfinished = None;
        self.outputs = None;
        if let Some(loaded) = &mut self.program {
            loaded.memory.take_fault();
        }
        self.enter(ControllerState::Stopped, events);
    }

    fn reset(&mut self, events: &mut Events) {
        self.stop(events);
        self.clear_memory();
        self.statistics = ScanStatistics::default();
        if let Some(loaded) = &mut self.program {
            loaded.memory.clear();
            if let Some(profile) = &mut loaded.profile {
                profile.clear();
            }
        }
    }

    fn clear_memory(&mut self) {
        self.table.clear();
        self.virtual_inputs = [0; IO_WORDS];
    }

    pub(crate) fn enter(&mut self, state: ControllerState, events: &mut Events) {
        if self.state != state {
            self.state = state;
            events.push(Event::StateChanged(state));
        }
    }

    /// Makes a fault of something that the driver has found, while Running; a scan that was begun is abandoned.
    pub fn fault(&mut self, fault: Fault) -> Events {
        let mut events = Events::default();
        if self.state == ControllerState::Running {
            self.fail(fault, &mut events);
        }
        events
    }

    pub(crate) fn fail(&mut self, fault: Fault, events: &mut Events) {
        self.unfinished = None;
        self.outputs = None;
        self.enter(ControllerState::Fault, events);
        events.push(Event::Fault(fault));
    }
}

/// What clients do with memory, in every state.
impl Controller {
    /// Writes a place of the memory (PL-16). What is written to I stays in the virtual input image, so that the next scan finds
    /// it again. Forced bits change underneath.
    ///
    /// # Errors
    ///
    /// An [`AccessError`] when address and value do not fit.
    pub fn write(&mut self, address: Address, value: CellValue) -> Result<(), AccessError> {
        let (at, touched, bits) = aligned(address, value)?;
        self.write_bits(at, touched, bits);
        Ok(())
    }

    /// Turns a bit over, underneath where it is forced; what it is then. Of I the virtual input image gets it, as by a write.
    ///
    /// # Errors
    ///
    /// An [`AccessError`] for what is no bit.
    pub fn toggle(&mut self, address: Address) -> Result<bool, AccessError> {
        let on = self.table.toggle(address)?;
        self.write(address, CellValue::Bit(on))?;
        Ok(on)
    }

    /// Writes the bits of `touched` of one word, as [`Controller::write`] does.
    pub fn write_bits(&mut self, at: WordIndex, touched: u32, bits: u32) {
        if let Some(word) = self.virtual_inputs.get_mut(at.get()) {
            *word = *word & !touched | bits & touched;
        }
        self.table.write_bits(at, touched, bits);
    }

    /// Writes what was kept over a power loss (PL-37). Forced bits change underneath.
    pub fn restore(&mut self, image: &RetainImage) {
        self.table.restore(image);
    }

    /// Forces a place of the memory (PL-66).
    ///
    /// # Errors
    ///
    /// An [`AccessError`] when address and value do not fit.
    pub fn force(&mut self, address: Address, value: CellValue) -> Result<(), AccessError> {
        self.table.force(address, value)
    }

    /// Ends the force on a place; without a force nothing happens.
    ///
    /// # Errors
    ///
    /// [`AccessError::WholeCell`] for a timer or counter without a member.
    pub fn unforce(&mut self, address: Address) -> Result<(), AccessError> {
        self.table.unforce(address)
    }

    /// Ends all forces.
    pub fn clear_forces(&mut self) {
        self.table.clear_forces();
    }

    /// Hands out every word that changed since the last call, by scans, writes or forces, in the order of the array.
    /// Allocates nothing.
    pub fn take_changes(&mut self, mut each: impl FnMut(Change)) {
        for (at, before) in self.table.word_indexes().zip(self.reported.iter_mut()) {
            let after = self.table.word(at);
            if *before != after {
                // What a timer has beyond its milliseconds has no address.
                if !matches!(
                    at.cell(),
                    Cell::Timer {
                        part: CellPart::Rest,
                        ..
                    }
                ) {
                    each(Change {
                        word: at,
                        before: *before,
                        after,
                    });
                }
                *before = after;
            }
        }
    }

    /// Sets a breakpoint before a rung (PL-17, PL-34).
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownRung`] when the program has no such rung.
    pub fn set_breakpoint(&mut self, rung: usize) -> Result<(), Refusal> {
        self.known(rung)?;
        self.breakpoints.insert(rung);
        Ok(())
    }

    /// Removes a breakpoint; without one nothing happens.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownRung`] when the program has no such rung.
    pub fn remove_breakpoint(&mut self, rung: usize) -> Result<(), Refusal> {
        self.known(rung)?;
        self.breakpoints.remove(&rung);
        Ok(())
    }

    /// Removes all breakpoints.
    pub fn clear_breakpoints(&mut self) {
        self.breakpoints.clear();
    }

    /// The rungs with a breakpoint, in order.
    pub fn breakpoints(&self) -> impl Iterator<Item = usize> + '_ {
        self.breakpoints.iter().copied()
    }

    fn known(&self, rung: usize) -> Result<(), Refusal> {
        let rungs = self.program().map_or(0, CompiledProgram::rungs);
        if rung < rungs {
            Ok(())
        } else {
            Err(Refusal::UnknownRung { rung, rungs })
        }
    }

    /// Begins or ends the recording of power flow. It costs nothing while off.
    pub fn record_power(&mut self, on: bool) {
        self.records_power = on;
        if let Some(loaded) = &mut self.program {
            loaded.flow = on.then(|| loaded.compiled.power_flow());
        }
    }

    /// The power flow of the last scan; `None` while it is not recorded.
    pub fn power_flow(&self) -> Option<&PowerFlow> {
        self.program.as_ref().and_then(|loaded| loaded.flow.as_ref())
    }
}
