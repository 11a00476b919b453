//! The engines of all PLC contexts as the core sees them: it hands over orders, takes what they tell, and ends them in good
//! order.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, sync_channel};

use crosstie_hub::plc::{Entry, LAST_ORDER, Numbered, Order, PlcId, RealtimeWish, Refused};
use crosstie_ladder::controller::{Command, ControllerSettings};

use super::Door;
use crate::clock_handle::ClockHandle;
use crate::io::Devices;
use crate::scan_thread::{Bell, Crowd, Exchange, ScanThread};

/// All engines.
#[derive(Debug)]
pub(super) struct Engines {
    door: Door,
    /// The time in which they scan.
    clock: ClockHandle,
    /// There with the first engine.
    bell: Option<Bell>,
    /// What all scan threads share.
    crowd: Crowd,
    engines: BTreeMap<PlcId, Engine>,
    /// Threads that were told to end.
    ending: Vec<ScanThread>,
    /// Orders that no engine will answer.
    refused: Vec<(PlcId, Entry)>,
    /// Engines tell what they are given: inputs are recorded.
    tell_inputs: bool,
}

/// One of them.
#[derive(Debug)]
struct Engine {
    thread: ScanThread,
    /// Its outputs drive something.
    drives: bool,
    /// It has answered the last order.
    has_stopped: bool,
}

impl Engines {
    pub(super) fn new(door: Door, clock: ClockHandle) -> Engines {
        Engines {
            door,
            clock,
            bell: None,
            crowd: Crowd::of_this_machine(),
            engines: BTreeMap::new(),
            ending: Vec::new(),
            refused: Vec::new(),
            tell_inputs: false,
        }
    }

    /// Makes an engine. Without a thread its orders are refused one by one, with the reason.
    pub(super) fn begin(&mut self, plc: PlcId, name: &str, settings: ControllerSettings, wish: RealtimeWish) {
        self.ending.retain(|thread| !thread.has_ended());
        if self.bell.is_none() {
            self.bell = Bell::start(self.door.clone())
                .inspect_err(|error| no_thread(name, error))
                .ok();
        }
        let Some(bell) = &self.bell else { return };
        match ScanThread::start(name, settings, wish, &self.crowd, (bell, &self.clock)) {
            Ok(thread) => {
                let mut engine = Engine {
                    thread,
                    drives: false,
                    has_stopped: false,
                };
                if self.tell_inputs {
                    engine.tell_inputs(true);
                }
                self.engines.insert(plc, engine);
            }
            Err(error) => no_thread(name, &error),
        }
        self.count();
    }

    /// From now on all engines tell what they are given, or no longer.
    pub(super) fn tell_inputs(&mut self, on: bool) {
        if std::mem::replace(&mut self.tell_inputs, on) != on {
            self.engines.values_mut().for_each(|engine| engine.tell_inputs(on));
        }
    }

    /// Tells all threads how many they are.
    fn count(&self) {
        self.crowd.count(self.engines.len());
        self.look_around();
    }

    /// Lets all threads see that the clock goes otherwise.
    pub(super) fn look_around(&self) {
        self.engines.values().for_each(|engine| engine.thread.look_around());
    }

    /// Hands an order over.
    pub(super) fn order(&mut self, plc: PlcId, numbered: Numbered) {
        let number = numbered.number;
        let is_feed = matches!(numbered.order, Order::Feed { .. });
        let handed = match self.engines.get_mut(&plc) {
            Some(engine) => engine.thread.hand_in(numbered),
            None => Err(Refused::NoThread),
        };
        if let Err(refused) = handed
            && !is_feed
        {
            let result = Err(refused);
            self.refused.push((plc, Entry::Answer { number, result }));
        }
    }

    /// Gives an engine other devices; those that it had come back, or are closed when nobody waits for them.
    pub(super) fn exchange_devices(&mut self, plc: PlcId, devices: Box<Devices>) -> Receiver<Box<Devices>> {
        let (give_back, back) = sync_channel(1);
        if let Some(engine) = self.engines.get_mut(&plc) {
            engine.thread.exchange(Exchange { devices, give_back });
        }
        back
    }

    /// Has all engines let go of their devices.
    pub(super) fn let_go_of_devices(&mut self) {
        let plcs: Vec<PlcId> = self.engines.keys().copied().collect();
        for plc in plcs {
            drop(self.exchange_devices(plc, Box::default()));
        }
    }

    /// Ends an engine.
    pub(super) fn end(&mut self, plc: PlcId) {
        if let Some(engine) = self.engines.remove(&plc) {
            engine.thread.end();
            self.ending.push(engine.thread);
            self.count();
        }
    }

    /// The answers to orders that were not handed over, since the last call.
    pub(super) fn take_refused(&mut self) -> Vec<(PlcId, Entry)> {
        std::mem::take(&mut self.refused)
    }

    /// What the engines have told since the last call, each in its order.
    pub(super) fn take(&mut self) -> Vec<(PlcId, Vec<Entry>)> {
        if let Some(bell) = &self.bell {
            bell.silence();
        }
        let mut told = Vec::new();
        for (plc, engine) in &mut self.engines {
            let mut entries = Vec::new();
            engine.thread.take(&mut entries);
            engine.watch(&entries);
            if !entries.is_empty() {
                told.push((*plc, entries));
            }
        }
        told
    }

    /// Orders every engine to stop, so that its outputs go to their safe state. Gives whether one of them drives something.
    pub(super) fn stop_all(&mut self) -> bool {
        let mut drives = false;
        for engine in self.engines.values_mut() {
            drives |= engine.drives;
            let order = Order::Command(Command::Stop);
            let stop = Numbered::by_driver(LAST_ORDER, order);
            // One that is too busy for it is ended all the same.
            engine.has_stopped = engine.thread.hand_in(stop).is_err();
        }
        drives
    }

    /// Whether every engine has answered [`Engines::stop_all`].
    pub(super) fn have_stopped(&self) -> bool {
        self.engines.values().all(|engine| engine.has_stopped)
    }

    /// Ends all threads and waits for them.
    pub(super) fn join(&mut self) {
        for (_, engine) in std::mem::take(&mut self.engines) {
            engine.thread.end();
            self.ending.push(engine.thread);
        }
        self.ending.drain(..).for_each(ScanThread::join);
        if let Some(bell) = self.bell.take() {
            bell.end();
        }
    }
}

impl Engine {
    fn tell_inputs(&mut self, on: bool) {
        let order = Order::TellInputs(on);
        // An engine that is too busy for it tells nothing, and a recording of it says so when it is executed again.
        let _ = self.thread.hand_in(Numbered::by_driver(0, order));
    }

    fn watch(&mut self, entries: &[Entry]) {
        for entry in entries {
            match entry {
                Entry::Border(border) => self.drives = !border.is_safe,
                Entry::Answer { number: LAST_ORDER, .. } => self.has_stopped = true,
                _ => {}
            }
        }
    }
}

fn no_thread(name: &str, error: &std::io::Error) {
    tracing::error!(context = name, %error, "the system gives no thread for a PLC engine: it cannot run");
}
