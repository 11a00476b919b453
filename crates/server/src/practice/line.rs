//! A small bottling line, played as if it stood there: commands and elapsed time enter, changed outputs leave.
//!
//! ```text
//!         infeed          filler          outfeed
//!    0 mm  100 mm          600 mm          1100 mm  1200 mm
//!    ├──────◉───────────────▼────────────────◉───────┤        one bottle every 300 mm of belt
//!                          tank
//! ```
//!
//! A bottle is set on the belt every 300 mm, stops under the filler, is filled from the tank and leaves over the outfeed
//! sensor, where it is counted. The tank is topped up by a pump of its own.
//!
//! Everything is an integer of a small unit and moves in steps of one millisecond, so the line is in the same state after
//! the same time, however that time was cut into steps. It knows no clock, no socket, no randomness and no signal space.

use std::collections::VecDeque;

/// The fastest belt speed that a setpoint can ask for, in mm/s; a higher setpoint counts as this one.
pub const SPEED_MM_S_MAX: f64 = 500.0;

/// The belt speed before anybody gives a setpoint, in mm/s.
pub const SPEED_MM_S_DEFAULT: f64 = 200.0;

/// The longest time that one [`Line::step`] plays, in ms. A caller that slept longer (a suspended laptop) gets a line that
/// stood still meanwhile instead of one that does an hour of work in one call.
pub const STEP_MS_MAX: u32 = 10_000;

const NM_PER_MM: i64 = 1_000_000;
const INFEED_NM: i64 = 100 * NM_PER_MM;
const FILLER_NM: i64 = 600 * NM_PER_MM;
const OUTFEED_NM: i64 = 1_100 * NM_PER_MM;
const BELT_END_NM: i64 = 1_200 * NM_PER_MM;
/// The belt is a loop; its position starts again after one turn.
const BELT_LOOP_NM: i64 = 2_400 * NM_PER_MM;
const BOTTLE_PITCH_NM: i64 = 300 * NM_PER_MM;
/// Half a bottle: a sensor sees a bottle whose middle is this near.
const SENSOR_REACH_NM: i64 = 35 * NM_PER_MM;

/// The drive gains or loses 1 mm/s each millisecond, which is 1 m/s².
const RAMP_UM_S_PER_MS: i64 = 1_000;
/// The slowest approach to the filler; without it the last micrometre would take for ever.
const CREEP_UM_S: i64 = 5_000;

/// Levels are thousandths of a percent.
const FULL_MPCT: i64 = 100_000;
/// A bottle is full after two seconds under the open filler.
const FILL_MPCT_PER_MS: i64 = 50;
/// One bottle takes six percent of the tank.
const DRAIN_MPCT_PER_MS: i64 = 3;
const REFILL_MPCT_PER_MS: i64 = 8;
const TANK_START_MPCT: i64 = 80_000;
const TANK_LOW_MPCT: i64 = 20_000;
const TANK_HIGH_MPCT: i64 = 90_000;

/// The bottling line. A new one is stopped, has one bottle at the start of the belt and a tank filled to 80 %.
#[derive(Clone, Debug)]
pub struct Line {
    run: bool,
    reset_count: bool,
    fault: bool,
    speed_um_s: i64,
    belt_nm: i64,
    since_bottle_nm: i64,
    /// The bottles on the belt, the one nearest to the end first; at most five fit.
    bottles: VecDeque<Bottle>,
    tank_mpct: i64,
    refilling: bool,
    count: i32,
    told: Outputs,
}

/// What the line is told to do. All four are levels; the line sees the rising edges itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Commands {
    /// The line runs while this is true. A rising edge acknowledges a fault whose switch is off again.
    pub run: bool,
    /// While this is true the line is in fault.
    pub fault_switch: bool,
    /// Belt speed in mm/s, clamped to 0…[`SPEED_MM_S_MAX`]; a value that is not a number counts as 0.
    pub speed_setpoint_mm_s: f64,
    /// A rising edge sets the bottle count to zero.
    pub reset_count: bool,
}

/// What the line is doing, the `State` signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The belt stands and nobody asks it to run.
    Stopped,
    /// The line is told to run, or the belt is still slowing down.
    Running,
    /// The filler is open.
    Filling,
    /// Stopped by the fault switch, and not yet acknowledged.
    Fault,
}

/// Everything that can be read off the line at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// Speed of the belt in mm/s, 0…500.
    pub conveyor_speed_mm_s: f64,
    /// Position of the belt in mm, 0…2400; it starts again after a whole turn.
    pub conveyor_position_mm: f64,
    /// A bottle stands before the infeed sensor.
    pub sensor_infeed: bool,
    /// A bottle stands before the filler's sensor.
    pub sensor_filler: bool,
    /// A bottle stands before the outfeed sensor.
    pub sensor_outfeed: bool,
    /// The filler is open.
    pub filler_open: bool,
    /// How full the bottle at the filler is, in percent 0…100; 0 without a bottle.
    pub fill_level_pct: f64,
    /// How full the tank is, in percent 0…100.
    pub tank_level_pct: f64,
    /// Bottles that reached the outfeed sensor since the count was last reset.
    pub bottle_count: i32,
    /// What the line is doing.
    pub state: State,
    /// The line is in fault.
    pub fault_active: bool,
}

/// The outputs that one step changed, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes(Vec<(&'static str, Value)>);

/// One output value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A bit.
    Bool(bool),
    /// A whole number.
    Int(i32),
    /// A number with a fraction.
    Float(f64),
    /// A word.
    Text(&'static str),
}

#[derive(Clone, Debug, PartialEq)]
struct Bottle {
    at_nm: i64,
    level_mpct: i64,
    counted: bool,
}

impl Line {
    /// A stopped line.
    pub fn new() -> Self {
        let mut line = Self {
            run: false,
            reset_count: false,
            fault: false,
            speed_um_s: 0,
            belt_nm: 0,
            since_bottle_nm: 0,
            bottles: VecDeque::from([Bottle::set_at(0)]),
            tank_mpct: TANK_START_MPCT,
            refilling: false,
            count: 0,
            told: Outputs::standing(),
        };
        line.told = line.outputs();
        line
    }

    /// Plays `dt_ms` milliseconds under `commands` and says which outputs are now other than after the step before.
    ///
    /// At most [`STEP_MS_MAX`] are played. A step of 0 ms plays no time but sees edges: with it a command that comes and
    /// goes between two steps still counts.
    pub fn step(&mut self, dt_ms: u32, commands: &Commands) -> Changes {
        self.see_edges(commands);
        let setpoint_um_s = setpoint_um_s(commands.speed_setpoint_mm_s);
        for _ in 0..dt_ms.min(STEP_MS_MAX) {
            self.play_one_ms(setpoint_um_s);
        }
        let outputs = self.outputs();
        let changes = Changes::between(&self.told, &outputs);
        self.told = outputs;
        changes
    }

    /// Takes the levels of `commands` as they stand, without seeing an edge in them.
    ///
    /// This is for values that were already there when somebody began to look: a reset that was pressed while nobody
    /// listened must not be carried out late.
    pub fn settle(&mut self, commands: &Commands) {
        self.run = commands.run;
        self.reset_count = commands.reset_count;
    }

    /// Everything as it stands now.
    pub fn outputs(&self) -> Outputs {
        let at_filler = self.bottle_near(FILLER_NM);
        let filler_open = self.may_fill();
        Outputs {
            conveyor_speed_mm_s: self.speed_um_s as f64 / 1_000.0,
            conveyor_position_mm: (self.belt_nm / 1_000) as f64 / 1_000.0,
            sensor_infeed: self.bottle_near(INFEED_NM).is_some(),
            sensor_filler: at_filler.is_some(),
            sensor_outfeed: self.bottle_near(OUTFEED_NM).is_some(),
            filler_open,
            fill_level_pct: at_filler.map_or(0.0, |bottle| bottle.level_mpct as f64 / 1_000.0),
            tank_level_pct: self.tank_mpct as f64 / 1_000.0,
            bottle_count: self.count,
            state: if self.fault {
                State::Fault
            } else if filler_open {
                State::Filling
            } else if self.run || self.speed_um_s > 0 {
                State::Running
            } else {
                State::Stopped
            },
            fault_active: self.fault,
        }
    }

    fn see_edges(&mut self, commands: &Commands) {
        let run_rises = commands.run && !self.run;
        let reset_rises = commands.reset_count && !self.reset_count;
        self.settle(commands);
        if commands.fault_switch {
            self.fault = true;
        } else if run_rises {
            self.fault = false;
        }
        if reset_rises {
            self.count = 0;
        }
    }

    fn play_one_ms(&mut self, setpoint_um_s: i64) {
        // A fault is the emergency stop: belt, filler and pump stand at once, without a ramp.
        if self.fault {
            self.speed_um_s = 0;
            return;
        }
        self.pump();
        if self.may_fill() {
            self.fill();
        } else if self.distance_to_filler_nm() != Some(0) {
            self.drive(setpoint_um_s);
        }
    }

    /// The pump runs between two levels and not at one, or it would switch with every bottle.
    fn pump(&mut self) {
        if self.tank_mpct <= TANK_LOW_MPCT {
            self.refilling = true;
        }
        if self.refilling {
            self.tank_mpct = (self.tank_mpct + REFILL_MPCT_PER_MS).min(TANK_HIGH_MPCT);
            self.refilling = self.tank_mpct < TANK_HIGH_MPCT;
        }
    }

    fn may_fill(&self) -> bool {
        self.run && !self.fault && self.tank_mpct >= DRAIN_MPCT_PER_MS && self.distance_to_filler_nm() == Some(0)
    }

    fn fill(&mut self) {
        if let Some(bottle) = self.bottles.iter_mut().find(|bottle| !bottle.is_full()) {
            bottle.level_mpct = (bottle.level_mpct + FILL_MPCT_PER_MS).min(FULL_MPCT);
            self.tank_mpct -= DRAIN_MPCT_PER_MS;
        }
    }

    fn drive(&mut self, setpoint_um_s: i64) {
        let target_um_s = if self.run { setpoint_um_s } else { 0 };
        let ramped_um_s = target_um_s.clamp(self.speed_um_s - RAMP_UM_S_PER_MS, self.speed_um_s + RAMP_UM_S_PER_MS);
        let ahead_nm = self.distance_to_filler_nm();
        // The drive brakes in time for the bottle to stop under the filler: v² = 2·a·s, here with a = 1 m/s², v in µm/s
        // and s in nm.
        self.speed_um_s = match ahead_nm {
            Some(ahead_nm) => ramped_um_s.min((2_000 * ahead_nm).isqrt().max(CREEP_UM_S)),
            None => ramped_um_s,
        };
        // One millisecond at one µm/s is one nm.
        let moved_nm = match ahead_nm {
            Some(ahead_nm) => self.speed_um_s.min(ahead_nm),
            None => self.speed_um_s,
        };
        self.carry(moved_nm);
        if self.distance_to_filler_nm() == Some(0) {
            self.speed_um_s = 0;
        }
    }

    /// Moves the belt and all that stands on it.
    fn carry(&mut self, moved_nm: i64) {
        self.belt_nm = (self.belt_nm + moved_nm) % BELT_LOOP_NM;
        for bottle in &mut self.bottles {
            bottle.at_nm += moved_nm;
            if !bottle.counted && bottle.at_nm >= OUTFEED_NM - SENSOR_REACH_NM {
                bottle.counted = true;
                self.count = self.count.saturating_add(1);
            }
        }
        if self.bottles.front().is_some_and(|bottle| bottle.at_nm >= BELT_END_NM) {
            self.bottles.pop_front();
        }
        self.since_bottle_nm += moved_nm;
        if self.since_bottle_nm >= BOTTLE_PITCH_NM {
            self.since_bottle_nm -= BOTTLE_PITCH_NM;
            self.bottles.push_back(Bottle::set_at(self.since_bottle_nm));
        }
    }

    /// How far the next empty bottle has to go; bottles beyond the filler are full, so the first that is not is the next.
    fn distance_to_filler_nm(&self) -> Option<i64> {
        self.bottles
            .iter()
            .find(|bottle| !bottle.is_full())
            .map(|bottle| FILLER_NM - bottle.at_nm)
    }

    fn bottle_near(&self, sensor_nm: i64) -> Option<&Bottle> {
        self.bottles
            .iter()
            .find(|bottle| (bottle.at_nm - sensor_nm).abs() <= SENSOR_REACH_NM)
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for Commands {
    /// Stopped, no fault, the default speed.
    fn default() -> Self {
        Self {
            run: false,
            fault_switch: false,
            speed_setpoint_mm_s: SPEED_MM_S_DEFAULT,
            reset_count: false,
        }
    }
}

impl State {
    /// The word on the wire: `Stopped`, `Running`, `Filling` or `Fault`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "Stopped",
            Self::Running => "Running",
            Self::Filling => "Filling",
            Self::Fault => "Fault",
        }
    }
}

impl Outputs {
    /// Every output under its wire name, in a fixed order.
    pub fn signals(&self) -> [(&'static str, Value); 11] {
        [
            ("ConveyorSpeed", Value::Float(self.conveyor_speed_mm_s)),
            ("ConveyorPosition", Value::Float(self.conveyor_position_mm)),
            ("SensorInfeed", Value::Bool(self.sensor_infeed)),
            ("SensorFiller", Value::Bool(self.sensor_filler)),
            ("SensorOutfeed", Value::Bool(self.sensor_outfeed)),
            ("FillerOpen", Value::Bool(self.filler_open)),
            ("FillLevel", Value::Float(self.fill_level_pct)),
            ("TankLevel", Value::Float(self.tank_level_pct)),
            ("BottleCount", Value::Int(self.bottle_count)),
            ("State", Value::Text(self.state.as_str())),
            ("FaultActive", Value::Bool(self.fault_active)),
        ]
    }

    fn standing() -> Self {
        Self {
            conveyor_speed_mm_s: 0.0,
            conveyor_position_mm: 0.0,
            sensor_infeed: false,
            sensor_filler: false,
            sensor_outfeed: false,
            filler_open: false,
            fill_level_pct: 0.0,
            tank_level_pct: 0.0,
            bottle_count: 0,
            state: State::Stopped,
            fault_active: false,
        }
    }
}

impl Changes {
    /// The changed outputs, each with its new value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Value)> + '_ {
        self.0.iter().copied()
    }

    /// No output changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn between(before: &Outputs, after: &Outputs) -> Self {
        let pairs = before.signals().into_iter().zip(after.signals());
        Self(pairs.filter(|(old, new)| old != new).map(|(_, new)| new).collect())
    }
}

impl Bottle {
    fn set_at(at_nm: i64) -> Self {
        Self {
            at_nm,
            level_mpct: 0,
            counted: false,
        }
    }

    fn is_full(&self) -> bool {
        self.level_mpct >= FULL_MPCT
    }
}

fn setpoint_um_s(setpoint_mm_s: f64) -> i64 {
    // Clamping keeps a value that is not a number, and the cast then makes it 0.
    (setpoint_mm_s.clamp(0.0, SPEED_MM_S_MAX) * 1_000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RUN: Commands = Commands {
        run: true,
        fault_switch: false,
        speed_setpoint_mm_s: SPEED_MM_S_DEFAULT,
        reset_count: false,
    };

    /// A line that ran for this long with nothing but Run.
    fn ran_for(time_ms: u32) -> Line {
        let mut line = Line::new();
        line.step(0, &RUN);
        for _ in 0..time_ms {
            line.step(1, &RUN);
        }
        line
    }

    #[test]
    fn line_at_the_default_speed_does_these_things_at_these_times() {
        use State::{Filling, Running};
        // (ms, state, belt speed mm/s, infeed, filler, outfeed sensor, bottles counted)
        let cases = [
            (0, Running, 0.0, false, false, false, 0),
            (100, Running, 100.0, false, false, false, 0),
            (200, Running, 200.0, false, false, false, 0),
            (420, Running, 200.0, false, false, false, 0),
            (430, Running, 200.0, true, false, false, 0),
            (770, Running, 200.0, true, false, false, 0),
            (780, Running, 200.0, false, false, false, 0),
            (2_900, Running, 200.0, false, false, false, 0),
            // 600 mm at 0.2 m/s, with 0.1 s lost to the ramp on each side.
            (3_250, Filling, 0.0, false, true, false, 0),
            (5_150, Filling, 0.0, false, true, false, 0),
            (5_300, Running, 90.0, false, true, false, 0),
            // The second bottle is a pitch behind: 300 mm in 1.7 s.
            (7_100, Filling, 0.0, false, true, false, 0),
            (8_850, Filling, 0.0, false, true, false, 0),
            // The first is counted 165 mm further on.
            (9_600, Running, 200.0, true, false, false, 0),
            (9_900, Running, 200.0, false, false, true, 1),
        ];
        for (time_ms, state, speed, infeed, filler, outfeed, count) in cases {
            let outputs = ran_for(time_ms).outputs();
            let sensors = (outputs.sensor_infeed, outputs.sensor_filler, outputs.sensor_outfeed);
            assert_eq!(outputs.state, state, "state at {time_ms} ms");
            assert!(
                (outputs.conveyor_speed_mm_s - speed).abs() < 20.0,
                "speed at {time_ms} ms: {}",
                outputs.conveyor_speed_mm_s
            );
            assert_eq!(sensors, (infeed, filler, outfeed), "sensors at {time_ms} ms");
            assert_eq!(outputs.bottle_count, count, "count at {time_ms} ms");
        }
    }

    #[test]
    fn bottle_fills_evenly_in_two_seconds_and_takes_six_percent_of_the_tank() {
        let mut line = Line::new();
        while line.outputs().state != State::Filling {
            line.step(1, &RUN);
        }
        assert_eq!(line.outputs().fill_level_pct, 0.0);
        // (ms after the filler opened, bottle %, tank %)
        let cases = [
            (1, 0.05, 79.997),
            (999, 50.0, 77.0),
            (999, 99.95, 74.003),
            (1, 100.0, 74.0),
        ];
        for (dt_ms, bottle, tank) in cases {
            line.step(dt_ms, &RUN);
            let outputs = line.outputs();
            assert_eq!((outputs.fill_level_pct, outputs.tank_level_pct), (bottle, tank));
        }
        assert!(!line.outputs().filler_open, "a full bottle closes the filler");
    }

    #[test]
    fn every_bottle_that_leaves_was_filled_and_counted_once() {
        let mut line = Line::new();
        let mut passed = 0;
        let mut filled = 0;
        let (mut at_outfeed, mut filling) = (false, false);
        for _ in 0..60_000 {
            // Ten milliseconds are shorter than any phase, so no edge is missed.
            line.step(10, &RUN);
            let outputs = line.outputs();
            passed += i32::from(outputs.sensor_outfeed && !at_outfeed);
            filled += i32::from(!outputs.filler_open && filling);
            (at_outfeed, filling) = (outputs.sensor_outfeed, outputs.filler_open);
            assert_eq!(outputs.bottle_count, passed);
            assert!(filled >= passed, "a bottle passed the outfeed unfilled");
            assert!(line.bottles.len() <= 5, "bottles pile up on the belt");
        }
        // 3.7 s a bottle.
        assert!((155..=165).contains(&passed), "{passed} bottles in ten minutes");
    }

    #[test]
    fn tank_swings_between_its_two_levels() {
        let mut line = Line::new();
        let (mut lowest, mut highest) = (f64::MAX, f64::MIN);
        for _ in 0..60_000 {
            line.step(10, &RUN);
            let level = line.outputs().tank_level_pct;
            (lowest, highest) = (lowest.min(level), highest.max(level));
        }
        assert!((19.0..=20.0).contains(&lowest), "lowest {lowest}");
        assert!((89.0..=90.0).contains(&highest), "highest {highest}");
    }

    #[test]
    fn filler_stays_shut_while_the_tank_is_empty() {
        let mut line = ran_for(3_200);
        line.tank_mpct = DRAIN_MPCT_PER_MS - 1;
        assert_ne!(line.outputs().state, State::Filling);
        line.step(10, &RUN);
        assert!(line.outputs().tank_level_pct >= 0.0);
        line.step(5_000, &RUN);
        assert!(line.outputs().tank_level_pct > 1.0, "the pump brings it back");
    }

    #[test]
    fn stop_slows_the_belt_down_and_start_goes_on_with_the_same_bottle() {
        let stop = Commands { run: false, ..RUN };
        let mut line = ran_for(1_000);
        line.step(100, &stop);
        assert_eq!(line.outputs().state, State::Running);
        assert_eq!(line.outputs().conveyor_speed_mm_s, 100.0);
        line.step(100, &stop);
        assert_eq!(line.outputs().state, State::Stopped);

        let mut line = ran_for(4_200);
        let level = line.outputs().fill_level_pct;
        line.step(3_000, &stop);
        assert_eq!(line.outputs().state, State::Stopped);
        assert!(!line.outputs().filler_open);
        line.step(1, &RUN);
        assert_eq!(line.outputs().state, State::Filling);
        assert_eq!(line.outputs().fill_level_pct, level + 0.05);
    }

    #[test]
    fn setpoint_is_clamped_on_both_sides() {
        let cases = [
            (-1.0, 0.0),
            (0.0, 0.0),
            (0.5, 0.5),
            (499.999, 499.999),
            (500.0, 500.0),
            (500.001, 500.0),
            (f64::INFINITY, 500.0),
            (f64::NEG_INFINITY, 0.0),
            (f64::NAN, 0.0),
        ];
        for (speed_setpoint_mm_s, speed) in cases {
            let mut line = Line::new();
            line.step(
                700,
                &Commands {
                    speed_setpoint_mm_s,
                    ..RUN
                },
            );
            assert_eq!(line.outputs().conveyor_speed_mm_s, speed);
        }
    }

    #[test]
    fn fault_stops_at_once_and_waits_for_the_switch_and_a_new_start() {
        let commands = |run, fault_switch| Commands {
            run,
            fault_switch,
            ..RUN
        };
        let mut line = ran_for(1_000);
        // (run, fault switch, state afterwards): a new start before the switch is off again does not count.
        let cases = [
            (true, true, State::Fault),
            (false, true, State::Fault),
            (true, true, State::Fault),
            (true, false, State::Fault),
            (false, false, State::Fault),
            (true, false, State::Running),
        ];
        for (run, fault_switch, state) in cases {
            line.step(20, &commands(run, fault_switch));
            let outputs = line.outputs();
            assert_eq!(outputs.state, state, "run {run}, switch {fault_switch}");
            assert_eq!(outputs.fault_active, state == State::Fault);
            assert_eq!(outputs.conveyor_speed_mm_s == 0.0, state == State::Fault);
        }
    }

    #[test]
    fn fault_switch_stops_a_standing_line_too() {
        let mut line = Line::new();
        let fault = Commands {
            run: false,
            fault_switch: true,
            ..RUN
        };
        let changes = line.step(0, &fault);
        let expected = [("State", Value::Text("Fault")), ("FaultActive", Value::Bool(true))];
        assert_eq!(changes.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn count_goes_to_zero_on_the_rising_edge_only() {
        let reset = Commands {
            reset_count: true,
            ..RUN
        };
        let mut line = ran_for(12_000);
        assert_eq!(line.outputs().bottle_count, 1);
        line.step(0, &reset);
        assert_eq!(line.outputs().bottle_count, 0);
        line.step(10_000, &reset);
        assert!(line.outputs().bottle_count > 0, "a held reset counts on");
    }

    #[test]
    fn levels_that_are_settled_are_no_edges() {
        let mut line = ran_for(12_000);
        line.step(
            0,
            &Commands {
                fault_switch: true,
                run: false,
                ..RUN
            },
        );
        let found = Commands {
            reset_count: true,
            ..RUN
        };
        line.settle(&found);
        line.step(0, &found);
        assert_eq!(line.outputs().bottle_count, 1);
        assert_eq!(line.outputs().state, State::Fault);
    }

    #[test]
    fn step_reports_what_changed_and_nothing_else() {
        let mut line = Line::new();
        assert!(line.step(1_000, &Commands::default()).is_empty());
        let names: Vec<_> = line.step(10, &RUN).iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["ConveyorSpeed", "ConveyorPosition", "State"]);
    }

    #[test]
    fn one_step_plays_no_more_than_its_limit() {
        let (mut at_limit, mut beyond) = (Line::new(), Line::new());
        at_limit.step(STEP_MS_MAX, &RUN);
        beyond.step(STEP_MS_MAX + 1, &RUN);
        assert_eq!(at_limit.outputs(), beyond.outputs());
        at_limit.step(1, &RUN);
        assert_ne!(at_limit.outputs(), beyond.outputs());
    }

    fn any_commands() -> impl Strategy<Value = Commands> {
        (any::<bool>(), any::<bool>(), any::<f64>(), any::<bool>()).prop_map(
            |(run, fault_switch, speed_setpoint_mm_s, reset_count)| Commands {
                run,
                fault_switch,
                speed_setpoint_mm_s,
                reset_count,
            },
        )
    }

    proptest! {
        // Minutes of bottling are played in each case, so a few dozen cases already see every phase of the line.
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn same_inputs_give_the_same_outputs_however_time_is_cut(
            script in prop::collection::vec((0_u32..1_000, any_commands()), 1..12)
        ) {
            let (mut coarse, mut again, mut fine) = (Line::new(), Line::new(), Line::new());
            for (dt_ms, commands) in script {
                prop_assert_eq!(coarse.step(dt_ms, &commands), again.step(dt_ms, &commands));
                fine.step(0, &commands);
                for _ in 0..dt_ms {
                    fine.step(1, &commands);
                }
                prop_assert_eq!(coarse.outputs(), fine.outputs());
            }
        }

        #[test]
        fn no_commands_drive_an_output_out_of_its_range(
            script in prop::collection::vec((0_u32..5_000, any_commands()), 1..24)
        ) {
            let mut line = Line::new();
            for (dt_ms, commands) in script {
                line.step(dt_ms, &commands);
                let outputs = line.outputs();
                prop_assert!((0.0..=100.0).contains(&outputs.tank_level_pct));
                prop_assert!((0.0..=100.0).contains(&outputs.fill_level_pct));
                prop_assert!((0.0..=SPEED_MM_S_MAX).contains(&outputs.conveyor_speed_mm_s));
                prop_assert!((0.0..2_400.0).contains(&outputs.conveyor_position_mm));
                prop_assert!(outputs.bottle_count >= 0);
            }
        }
    }
}
