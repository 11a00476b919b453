//! Instruction timing: how long each rung of a program takes, for whoever asks what a scan is spent on.
//!
//! It is measured only while somebody wants it; a scan otherwise does not know of it. The controller has no clock, so the driver
//! hands one in. A rung of a few contacts takes less time than a look at the clock: every scan also measures an empty rung, and
//! the shortest of these is what measuring costs and is taken off.

use crate::controller::{Controller, Loaded};
use crate::data_table::DataTable;
use std::ops::Range;

/// How long one rung took, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RungTime {
    /// How often it was measured.
    pub count: u64,
    /// The last time.
    pub last_ns: u64,
    /// All times together.
    pub sum_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

impl RungTime {
    fn note(&mut self, took_ns: u64) {
        self.count += 1;
        self.last_ns = took_ns;
        self.sum_ns = self.sum_ns.saturating_add(took_ns);
        self.max_ns = self.max_ns.max(took_ns);
    }

    /// The average; 0 before the first time.
    pub fn average_ns(&self) -> u64 {
        self.sum_ns.checked_div(self.count).unwrap_or(0)
    }

    /// The same without what measuring itself takes each time.
    fn without(self, overhead_ns: u64) -> RungTime {
        RungTime {
            count: self.count,
            last_ns: self.last_ns.saturating_sub(overhead_ns),
            sum_ns: self.sum_ns.saturating_sub(overhead_ns.saturating_mul(self.count)),
            max_ns: self.max_ns.saturating_sub(overhead_ns),
        }
    }
}

/// The times of all rungs since measuring began. Steps are not measured: somebody waits between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Scans that were finished meanwhile.
    scans: u64,
    /// What a rung that does nothing took at least, once there was one.
    overhead_ns: Option<u64>,
    /// As measured, with the overhead.
    rungs: Box<[RungTime]>,
}

impl Profile {
    /// Nothing measured yet.
    pub(crate) fn new(rungs: usize) -> Profile {
        Profile {
            scans: 0,
            overhead_ns: None,
            rungs: vec![RungTime::default(); rungs].into(),
        }
    }

    /// Forgets everything; allocates nothing.
    pub(crate) fn clear(&mut self) {
        self.scans = 0;
        self.overhead_ns = None;
        self.rungs.fill(RungTime::default());
    }

    /// Scans that were finished while it was measured.
    pub fn scans(&self) -> u64 {
        self.scans
    }

    /// What measuring takes for each rung, in nanoseconds: so much longer does a scan take meanwhile. 0 before the first scan.
    pub fn overhead_ns(&self) -> u64 {
        self.overhead_ns.unwrap_or(0)
    }

    /// The times of the rungs in order, without what measuring took.
    pub fn rungs(&self) -> impl ExactSizeIterator<Item = RungTime> + '_ {
        let overhead_ns = self.overhead_ns();
        self.rungs.iter().map(move |time| time.without(overhead_ns))
    }

    /// A scan was finished.
    pub(crate) fn count_scan(&mut self) {
        self.scans += 1;
    }
}

impl Loaded {
    /// Executes rungs as [`Loaded::run`] does, and notes how long each takes. `clock` tells nanoseconds and never goes back.
    pub(crate) fn run_timed(
        &mut self,
        rungs: Range<usize>,
        table: &mut DataTable,
        dt_us: u32,
        clock: &mut impl FnMut() -> u64,
    ) {
        let Some(mut profile) = self.profile.take() else {
            self.run(rungs, table, dt_us);
            return;
        };
        let mut empty = RungTime::default();
        let began = clock();
        self.run(rungs.start..rungs.start, table, dt_us);
        empty.note(clock().saturating_sub(began));
        let mut last = clock();
        for rung in rungs {
            self.run(rung..rung + 1, table, dt_us);
            let now = clock();
            if let Some(time) = profile.rungs.get_mut(rung) {
                time.note(now.saturating_sub(last));
            }
            last = now;
        }
        let least = profile.overhead_ns.map_or(empty.last_ns, |ns| ns.min(empty.last_ns));
        profile.overhead_ns = Some(least);
        self.profile = Some(profile);
    }
}

impl Controller {
    /// Begins to measure how long rungs take, anew when it does so already, or ends it. Everything that measuring needs is made
    /// here and when a program is loaded. It costs nothing while off.
    pub fn profile_rungs(&mut self, on: bool) {
        self.profiles = on;
        if let Some(loaded) = &mut self.program {
            loaded.profile = on.then(|| Box::new(Profile::new(loaded.compiled.rungs())));
        }
    }

    /// The times of the rungs since measuring began, a program was loaded, or the last reset; `None` while they are not measured or
    /// without a program.
    pub fn profile(&self) -> Option<&Profile> {
        self.program.as_ref().and_then(|loaded| loaded.profile.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::CompiledProgram;
    use crate::controller::{Command, ControllerSettings, Inputs};
    use crate::text;

    fn controller() -> Controller {
        let program = text::read("SOR XIC I:0/0 OTE O:0/0 EOR\nSOR ADD N:0 1 N:0 EOR\n").unwrap();
        let mut controller = Controller::new(ControllerSettings::default());
        controller.load(CompiledProgram::new(&program).unwrap());
        controller.profile_rungs(true);
        controller.command(Command::Start, &Inputs::default()).unwrap();
        controller
    }

    /// A scan in which the clock moves on by these, look by look.
    fn scan(controller: &mut Controller, moves: [u64; 5]) {
        let (mut now, mut moves) = (0, moves.into_iter());
        controller.scan_timed(&Inputs::default(), 10_000, || {
            now += moves.next().expect("it looks five times");
            now
        });
    }

    fn times(controller: &Controller) -> Vec<[u64; 4]> {
        let profile = controller.profile().unwrap();
        let each = profile.rungs();
        each.map(|time| [time.count, time.last_ns, time.average_ns(), time.max_ns])
            .collect()
    }

    #[test]
    fn each_rung_has_its_times_without_what_measuring_takes() {
        let mut controller = controller();
        scan(&mut controller, [7, 40, 1, 140, 1_040]);
        assert_eq!(times(&controller), [[1, 100, 100, 100], [1, 1_000, 1_000, 1_000]]);
        // The empty rung of this scan was interrupted.
        scan(&mut controller, [9, 90, 1, 340, 20]);
        assert_eq!(times(&controller), [[2, 300, 200, 300], [2, 0, 490, 1_000]]);
        let profile = controller.profile().unwrap();
        assert_eq!((profile.scans(), profile.overhead_ns()), (2, 40));
    }

    #[test]
    fn it_begins_anew_when_it_is_switched_on_with_a_reset_and_with_a_program() {
        let again: [fn(&mut Controller); 3] = [
            |controller| controller.profile_rungs(true),
            |controller| {
                controller.command(Command::Reset, &Inputs::default()).unwrap();
            },
            |controller| {
                let program = text::read("SOR XIC I:0/0 OTE O:0/0 EOR\nSOR OTE O:0/1 EOR\n").unwrap();
                controller.load(CompiledProgram::new(&program).unwrap());
            },
        ];
        for again in again {
            let mut controller = controller();
            scan(&mut controller, [0, 40, 0, 140, 1_040]);
            again(&mut controller);
            assert_eq!(times(&controller), [[0; 4], [0; 4]]);
            assert_eq!(controller.profile().unwrap().scans(), 0);
        }
    }

    #[test]
    fn while_it_is_off_nobody_looks_at_the_clock() {
        let mut controller = controller();
        controller.profile_rungs(false);
        let looks = || -> u64 { panic!("nobody looks at the clock") };
        controller.scan_timed(&Inputs::default(), 10_000, looks);
        assert_eq!(controller.statistics().scan_count, 1);
        assert_eq!(controller.profile(), None);
    }
}
