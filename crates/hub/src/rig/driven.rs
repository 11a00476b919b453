//! An engine that scans by the hub's time: orders at the border, the scan, the report, as a scan thread does it.

use crate::input::Input;
use crate::plc::{DeviceInputs, Engine, Entry, Numbered, PlcId, ScanTiming};
use crate::time::Time;
use crosstie_ladder::controller::{ControllerSettings, ControllerState};
use std::collections::VecDeque;
use std::time::Duration;

/// A scan as it is to be executed: see [`Rig::set_schedule`](super::Rig::set_schedule).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// When, in the hub's time. Not before the scan before it, and not before the program runs.
    pub at: Time,
    /// The time that it gets, in microseconds.
    pub dt_us: u32,
    /// How late it began and how long it took.
    pub timing: ScanTiming,
}

/// The times of one run, in the hub's time.
#[derive(Debug)]
struct Pace {
    due: Time,
    last_began: Option<Time>,
}

/// One engine.
#[derive(Debug)]
pub(super) struct Driven {
    pub(super) plc: PlcId,
    pub(super) engine: Engine,
    /// Orders that wait for the border.
    pub(super) orders: VecDeque<Numbered>,
    pub(super) schedule: VecDeque<Scheduled>,
    inputs: DeviceInputs,
    /// There while Running.
    pace: Option<Pace>,
    told: Vec<Entry>,
}

impl Driven {
    pub(super) fn new(plc: PlcId, settings: ControllerSettings) -> Driven {
        Driven {
            plc,
            engine: Engine::new(settings),
            orders: VecDeque::new(),
            schedule: VecDeque::new(),
            inputs: DeviceInputs::default(),
            pace: None,
            told: Vec::new(),
        }
    }

    /// When its next scan is due.
    pub(super) fn due(&self) -> Option<Time> {
        let due = self.pace.as_ref()?.due;
        Some(self.schedule.front().map_or(due, |next| next.at))
    }

    pub(super) fn is_due(&self, time: Time) -> bool {
        self.due().is_some_and(|due| due <= time)
    }

    /// Scans since its program was loaded or reset.
    pub(super) fn scans(&self) -> u64 {
        self.engine.controller().statistics().scan_count
    }

    /// Orders have come: an engine that does not run takes them at once and shows what routes have said.
    pub(super) fn look(&mut self, time: Time) {
        if self.pace.is_none() && !self.orders.is_empty() {
            self.take_orders(time);
            self.show_values();
        }
    }

    /// A scan is due: orders first, and they may have ended the run.
    pub(super) fn border(&mut self, time: Time) {
        self.take_orders(time);
        let period = self.period();
        let Some(pace) = &mut self.pace else {
            self.show_values();
            return;
        };
        let scheduled = self.schedule.pop_front();
        let began = scheduled.map_or(pace.due, |scan| scan.at).min(time);
        let since = pace.last_began.map_or(period, |last| began.since(last));
        let dt_us = u32::try_from(since.as_micros()).unwrap_or(u32::MAX);
        pace.last_began = Some(began);
        pace.due = began + period;
        let (dt_us, timing) = scheduled.map_or((dt_us, ScanTiming::default()), |scan| (scan.dt_us, scan.timing));
        let events = self.engine.scan(&self.inputs, dt_us);
        self.engine.report(Some(timing), events, &mut self.told);
        self.follow_state(time);
    }

    /// What it has told since the last call, for the hub.
    pub(super) fn tell(&mut self) -> Option<Input> {
        let (plc, entries) = (self.plc, std::mem::take(&mut self.told));
        (!entries.is_empty()).then_some(Input::Plc { plc, entries })
    }

    fn period(&self) -> Duration {
        let us = self.engine.controller().settings().target_scan.us();
        Duration::from_micros(u64::from(us.max(1)))
    }

    fn take_orders(&mut self, time: Time) {
        while let Some(order) = self.orders.pop_front() {
            self.engine.execute(order, &self.inputs, &mut self.told);
            // Also between two orders: a run that begins behind a stop has a pace of its own.
            self.follow_state(time);
        }
    }

    fn show_values(&mut self) {
        if self.pace.is_none() {
            let events = self.engine.scan(&self.inputs, 0);
            self.engine.report(None, events, &mut self.told);
        }
    }

    /// The first scan of a run is due when it begins.
    fn follow_state(&mut self, time: Time) {
        match (self.engine.state(), &self.pace) {
            (ControllerState::Running, None) => {
                self.pace = Some(Pace {
                    due: time,
                    last_began: None,
                });
            }
            (ControllerState::Running, Some(_)) => {}
            _ => self.pace = None,
        }
    }
}
