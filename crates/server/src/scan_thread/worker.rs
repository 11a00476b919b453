//! What a scan thread does when it is awake: orders, the next scan, the report. It does not sleep and has no thread, so that
//! tests drive it with a clock of their own.

use crosstie_hub::plc::{DeviceInputs, Engine, Entry, EntrySink, Numbered, Order, RealtimeAnswer, ScanTiming};
use crosstie_ladder::Region;
use crosstie_ladder::address::INTEGER_WORDS;
use crosstie_ladder::controller::{Command, ControllerSettings, ControllerState};
use rtrb::Consumer;

use super::pace::{Manner, Pace};
use super::ring::{Exchange, RingSink};
use crate::io::{Devices, Outputs};

/// Where the time comes from.
pub(super) trait Clock {
    /// The hub's time and how it goes; `None` while that is being changed.
    fn moment(&mut self) -> Option<Moment>;

    /// The world's time in nanoseconds, never going back: for how long something takes.
    fn now_ns(&self) -> u64;
}

/// A moment of the hub's time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Microseconds, never going back.
    pub(super) hub_us: u64,
    /// How scans are paced.
    pub(super) manner: Manner,
    /// Seconds of the hub in a second of the world; 0 while its time stands.
    pub(super) rate: f64,
}

impl Moment {
    /// Scans may be so far apart in the world that orders do not wait for the next one.
    fn is_slow(&self) -> bool {
        self.rate < 1.0
    }

    /// A span of the hub's time in the world's; 0 while the hub's stands.
    fn in_world(&self, us: u32) -> u32 {
        match self.rate {
            1.0 => us,
            rate if rate > 0.0 => (f64::from(us) / rate) as u32,
            _ => 0,
        }
    }
}

/// What to do until the next turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Sleep until that time of the hub; whoever wakes the thread before only has values for it.
    ScanAt(u64),
    /// The same where the hub's time is slow or stands: whoever wakes the thread before may have orders for it.
    SlowScanAt(u64),
    /// Sleep until there is something to do.
    WhenTold,
    /// Sleep until the clock is changed: the core wakes everybody then.
    WhenOpen,
}

/// An engine with its two rings and its pace.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) engine: Engine,
    orders: Consumer<Numbered>,
    sink: RingSink,
    exchanges: Consumer<Exchange>,
    devices: Box<Devices>,
    /// What devices said at the last border.
    inputs: DeviceInputs,
    /// There while Running.
    pace: Option<Pace>,
    /// What routes said while nobody scans is in the memory and not told: the core has not made room yet.
    is_untold: bool,
}

impl Worker {
    pub(super) fn new(
        settings: ControllerSettings,
        orders: Consumer<Numbered>,
        exchanges: Consumer<Exchange>,
        sink: RingSink,
    ) -> Worker {
        Worker {
            engine: Engine::new(settings),
            orders,
            sink,
            exchanges,
            devices: Box::default(),
            inputs: DeviceInputs {
                numbers: Vec::with_capacity(INTEGER_WORDS),
                ..DeviceInputs::default()
            },
            pace: None,
            is_untold: false,
        }
    }

    /// Whether there is something to do although no scan is due.
    pub(super) fn has_work(&self) -> bool {
        let has_orders = self.is_untold || !self.orders.is_empty();
        !self.exchanges.is_empty() || has_orders && self.engine.takes_orders(&self.sink)
    }

    /// Whether there are orders that can be taken, or other devices.
    pub(super) fn has_orders(&self) -> bool {
        !self.exchanges.is_empty() || !self.orders.is_empty() && self.engine.takes_orders(&self.sink)
    }

    /// Tells what the system grants the thread; false when there is no room for it now.
    pub(super) fn tell_realtime(&mut self, answer: RealtimeAnswer) -> bool {
        let has_room = self.engine.takes_orders(&self.sink);
        if has_room {
            self.sink.push(Entry::Realtime(answer));
        }
        has_room
    }

    /// One turn. `tell` is called when there is something for the core.
    pub(super) fn turn(&mut self, clock: &mut impl Clock, tell: impl Fn()) -> Next {
        let Some(moment) = clock.moment() else {
            return Next::WhenOpen;
        };
        match &self.pace {
            Some(pace) if moment.hub_us < pace.due() && moment.is_slow() && self.has_orders() => {
                self.between_scans(moment);
                tell();
            }
            Some(pace) if moment.hub_us < pace.due() => self.take_values(),
            Some(_) => {
                self.border(moment, clock);
                tell();
            }
            None if self.is_untold || !self.orders.is_empty() || !self.exchanges.is_empty() => {
                self.between_scans(moment);
                tell();
            }
            None => {}
        }
        match &self.pace {
            Some(pace) if moment.is_slow() => Next::SlowScanAt(pace.due()),
            Some(pace) => Next::ScanAt(pace.due()),
            None => Next::WhenTold,
        }
    }

    /// No scan is due, and there is something to do.
    fn between_scans(&mut self, moment: Moment) {
        self.take_orders(moment);
        self.take_devices();
        self.show_values();
        self.write_devices();
    }

    /// A scan is due: orders first, and they may have ended the run.
    fn border(&mut self, moment: Moment, clock: &impl Clock) {
        self.take_orders(moment);
        self.take_devices();
        let Some(pace) = &mut self.pace else {
            self.write_devices();
            self.show_values();
            return;
        };
        let began = clock.now_ns();
        let period = self.engine.controller().settings().target_scan.us();
        let begun = pace.scan(moment.hub_us, period, moment.manner);
        self.devices.read(&mut self.inputs);
        let events = self.engine.scan_timed(&self.inputs, begun.dt_us, || clock.now_ns());
        self.write_devices();
        let timing = ScanTiming {
            late_us: moment.in_world(begun.late_us),
            missed: begun.missed,
            took_us: clock.now_ns().saturating_sub(began) / 1_000,
        };
        self.engine.report(Some(timing), events, &mut self.sink);
        // The watchdog may have ended the run.
        self.write_devices();
        self.follow_state(moment);
    }

    /// Nobody scans: what routes have said is shown at once.
    fn show_values(&mut self) {
        if self.pace.is_none() {
            let events = self.engine.scan(&self.inputs, 0);
            self.is_untold = !self.engine.takes_orders(&self.sink);
            self.engine.report(None, events, &mut self.sink);
        }
    }

    /// Executes the orders that wait, as far as there is room for their answers. Those that come meanwhile are for the next
    /// border: nobody can hold up a scan with them.
    fn take_orders(&mut self, moment: Moment) {
        for _ in 0..self.orders.slots() {
            let is_feed = matches!(
                self.orders.peek().map(|numbered| &numbered.order),
                Ok(Order::Feed { .. })
            );
            if !is_feed && !self.engine.takes_orders(&self.sink) {
                return;
            }
            let Ok(numbered) = self.orders.pop() else { return };
            if matches!(numbered.order, Order::Command(Command::StepScan | Command::StepRung)) {
                self.devices.read(&mut self.inputs);
            }
            self.engine.execute(numbered, &self.inputs, &mut self.sink);
            // Also between two orders: a run that begins behind a stop has a pace of its own.
            self.follow_state(moment);
        }
    }

    /// Takes the values of routes that stand before the next order: the engine keeps them until the border, and the ring
    /// has room for newer ones.
    fn take_values(&mut self) {
        while let Ok(Numbered {
            order: Order::Feed { .. },
            ..
        }) = self.orders.peek()
        {
            let Ok(numbered) = self.orders.pop() else { return };
            self.engine.execute(numbered, &self.inputs, &mut self.sink);
        }
    }

    /// Other devices than before: the old ones go to where they may be closed.
    fn take_devices(&mut self) {
        while let Ok(Exchange { devices, give_back }) = self.exchanges.pop() {
            let old = std::mem::replace(&mut self.devices, devices);
            // When nobody waits for them they end here, where nothing depends on it.
            drop(give_back.try_send(old));
        }
    }

    /// Devices carry what the outputs drive, or go to their safe state.
    fn write_devices(&mut self) {
        let controller = self.engine.controller();
        if let Some(numbers) = controller.table().region(Region::Integer).first_chunk() {
            let bits = controller.outputs();
            self.devices.write(&Outputs { bits, numbers });
        }
    }

    fn follow_state(&mut self, moment: Moment) {
        match (self.engine.state(), &self.pace) {
            (ControllerState::Running, None) => self.pace = Some(Pace::begin(moment.hub_us)),
            (ControllerState::Running, Some(_)) => {}
            _ => self.pace = None,
        }
    }
}
