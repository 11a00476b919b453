//! How a scan is executed: whole, up to a breakpoint, or rung by rung (PL-31, PL-34, PL-35).
//!
//! A scan copies the inputs, executes the rungs, and ends with the output phase. All rungs of a scan get the same time, also
//! when minutes lie between them.

use crate::address::Region;
use crate::controller::{Controller, ControllerState, Event, Events, Inputs, Loaded, Refusal};
use crate::data_table::{DataTable, WordIndex};
use crate::fault::Fault;
use std::ops::Range;

/// A scan that was begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unfinished {
    /// The rung that comes next.
    pub(crate) rung: usize,
    /// The time that its timers get.
    dt_us: u32,
    /// Whether execution already stood before that rung: its breakpoint does not hold it again.
    has_waited: bool,
}

/// How far to go.
#[derive(Clone, Copy)]
enum Reach {
    Scan,
    Rung,
}

/// Where execution ended.
enum Progress {
    Finished,
    AtBreakpoint(usize),
    BetweenRungs,
}

impl Controller {
    /// Executes one scan while Running, or the rest of one that was begun; otherwise does nothing. `dt_us` is the time since
    /// the last scan, in microseconds, without pauses; a scan that was begun keeps the inputs and the time it began with.
    ///
    /// It allocates nothing, takes no lock and writes no log.
    pub fn scan(&mut self, inputs: &Inputs, dt_us: u32) -> Events {
        self.scan_by(inputs, dt_us, Loaded::run)
    }

    /// The same, and measures how long each rung takes while that is wanted (see [`Controller::profile_rungs`]); otherwise nobody looks at
    /// the clock, which tells nanoseconds and never goes back.
    pub fn scan_timed(&mut self, inputs: &Inputs, dt_us: u32, mut clock: impl FnMut() -> u64) -> Events {
        if !self.profiles {
            return self.scan(inputs, dt_us);
        }
        let before = self.statistics.scan_count;
        let events = self.scan_by(inputs, dt_us, |loaded, rungs, table, dt_us| {
            loaded.run_timed(rungs, table, dt_us, &mut clock);
        });
        let profile = self.program.as_mut().and_then(|loaded| loaded.profile.as_mut());
        if let Some(profile) = profile.filter(|_| self.statistics.scan_count > before) {
            profile.count_scan();
        }
        events
    }

    #[inline(always)]
    fn scan_by(
        &mut self,
        inputs: &Inputs,
        dt_us: u32,
        run: impl FnOnce(&mut Loaded, Range<usize>, &mut DataTable, u32),
    ) -> Events {
        let mut events = Events::default();
        if self.state == ControllerState::Running {
            match self.advance(Reach::Scan, inputs, dt_us, run) {
                Progress::Finished => self.finish(ControllerState::Running, &mut events),
                Progress::AtBreakpoint(rung) => self.halt(rung, &mut events),
                Progress::BetweenRungs => {}
            }
        }
        events
    }

    /// Tells how long the last scan took, in microseconds. A watchdog makes a fault of one that took too long while Running.
    pub fn scan_took(&mut self, took_us: u64) -> Events {
        let mut events = Events::default();
        self.statistics
            .measure(took_us, u64::from(self.settings.target_scan.us()));
        if let Some(limit_us) = self.settings.watchdog_us
            && took_us > limit_us
            && self.state == ControllerState::Running
        {
            self.fail(Fault::Watchdog { took_us, limit_us }, &mut events);
        }
        events
    }

    pub(crate) fn step_scan(&mut self, inputs: &Inputs, events: &mut Events) -> Result<(), Refusal> {
        self.prepare_step()?;
        self.enter(ControllerState::Stepping, events);
        match self.advance(Reach::Scan, inputs, self.settings.target_scan.us(), Loaded::run) {
            Progress::Finished => self.finish(ControllerState::Paused, events),
            Progress::AtBreakpoint(rung) => self.halt(rung, events),
            Progress::BetweenRungs => {}
        }
        Ok(())
    }

    pub(crate) fn step_rung(&mut self, inputs: &Inputs, events: &mut Events) -> Result<(), Refusal> {
        self.prepare_step()?;
        self.enter(ControllerState::Stepping, events);
        if let Progress::Finished = self.advance(Reach::Rung, inputs, self.settings.target_scan.us(), Loaded::run) {
            self.finish(ControllerState::Paused, events);
        }
        Ok(())
    }

    fn prepare_step(&mut self) -> Result<(), Refusal> {
        match self.state {
            ControllerState::Running => Err(Refusal::WhileRunning),
            ControllerState::Fault => Err(Refusal::InFault),
            ControllerState::Stopped => self.load_presets(),
            ControllerState::Paused | ControllerState::Stepping => Ok(()),
        }
    }

    /// Goes on with the scan that was begun, or begins one. `run` executes its rungs.
    #[inline(always)]
    fn advance(
        &mut self,
        reach: Reach,
        inputs: &Inputs,
        dt_us: u32,
        run: impl FnOnce(&mut Loaded, Range<usize>, &mut DataTable, u32),
    ) -> Progress {
        let scan = match self.unfinished.take() {
            Some(scan) => scan,
            None => self.begin(inputs, dt_us),
        };
        let Some(loaded) = &mut self.program else {
            return Progress::Finished;
        };
        let rungs = loaded.compiled.rungs();
        let first_held = scan.rung + usize::from(scan.has_waited);
        let end = match reach {
            Reach::Rung => (scan.rung + 1).min(rungs),
            Reach::Scan => self
                .breakpoints
                .range(first_held..)
                .next()
                .copied()
                .unwrap_or(rungs)
                .min(rungs),
        };
        run(loaded, scan.rung..end, &mut self.table, scan.dt_us);
        if end == rungs {
            return Progress::Finished;
        }
        self.unfinished = Some(Unfinished {
            rung: end,
            has_waited: true,
            ..scan
        });
        match reach {
            Reach::Rung => Progress::BetweenRungs,
            Reach::Scan => Progress::AtBreakpoint(end),
        }
    }

    fn begin(&mut self, inputs: &Inputs, dt_us: u32) -> Unfinished {
        let images = inputs.words.iter().zip(&inputs.driven).zip(&self.virtual_inputs);
        for (number, ((word, driven), written)) in images.enumerate() {
            let image = word & driven | written & !driven;
            self.table
                .write_bits(WordIndex::of(Region::Input, number as u8), u32::MAX, image);
        }
        Unfinished {
            rung: 0,
            dt_us,
            has_waited: false,
        }
    }

    /// The output phase, and the fault that waited for it.
    fn finish(&mut self, next: ControllerState, events: &mut Events) {
        self.statistics.scan_count += 1;
        let fault = self.program.as_mut().and_then(|loaded| loaded.memory.take_fault());
        if let Some(fault) = fault {
            self.fail(fault, events);
            return;
        }
        let outputs = self.outputs.get_or_insert_default();
        outputs.copy_from_slice(self.table.region(Region::Output));
        self.enter(next, events);
    }

    fn halt(&mut self, rung: usize, events: &mut Events) {
        events.push(Event::BreakpointHit { rung });
        self.enter(ControllerState::Paused, events);
    }
}
