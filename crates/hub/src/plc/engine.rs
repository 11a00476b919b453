//! The engine: a controller driven from border to border, without a clock and without a thread.
//!
//! A driver hands in orders at the border, says how much time a scan gets, and lets the engine report. Two drivers exist: a
//! thread in real time, and the step of a test or a replay. Between two borders nothing from outside reaches the program.
//!
//! When the hub does not take entries fast enough, scans go on and their changes are merged: the newest image counts, a bit
//! that went and came back meanwhile is told as a pulse, and the number of merged scans is told too. Answers and events are
//! never merged and never lost: the engine takes no order for whose answer there is no room.

mod feed;
mod given;
mod seen;
#[cfg(test)]
mod tests;

use super::devices::{DeviceInputs, ScanTiming};
use super::entry::{Border, Entry, EntrySink, Given};
use super::lateness::{LATE_BUCKETS, Untold};
use super::order::{Numbered, Order, Refused};
use crosstie_ladder::address::{IO_WORDS, Region};
use crosstie_ladder::controller::{Command, Controller, ControllerSettings, ControllerState, Events};
use crosstie_ladder::data_table::{USED_WORDS, WordIndex, aligned};
use feed::Feed;
use given::{GIVEN_MAX, GivenLog};
use seen::Seen;

/// Entries that one order or one scan makes at most besides changes: border, statistics, lateness, events, power, answer. The
/// rest is kept for the events that end a run while there is no room for anything else; there are eight of them at most before
/// the next order.
const EXTRAS_MAX: usize = 32 + LATE_BUCKETS;

/// Entries that the changes of one border make at most: every word, every force mask, every word of outputs.
const CHANGES_MAX: usize = 2 * USED_WORDS + IO_WORDS;

/// Room that a sink must offer before an engine takes an order or tells what changed. A sink is larger than that.
pub const ROOM_MIN: usize = CHANGES_MAX + EXTRAS_MAX;

// What it was given finds room in such a sink, too.
const _: () = assert!(GIVEN_MAX < ROOM_MIN);

/// One engine.
#[derive(Debug)]
pub struct Engine {
    controller: Controller,
    feed: Feed,
    seen: Seen,
    /// Force masks as they were told last.
    told_masks: Box<[u32]>,
    forces_moved: bool,
    /// Scans that were executed and not told, and their time.
    untold_scans: u32,
    untold_us: u32,
    /// How late they began.
    untold_late: Untold,
    /// What the outputs drove when it was told last.
    told_outputs: [u32; IO_WORDS],
    /// There while what it is given is told.
    given: Option<Box<GivenLog>>,
    /// The time of the scan before the next report.
    dt_us: u32,
}

impl Engine {
    /// An engine without a program, Stopped, all memory 0.
    pub fn new(settings: ControllerSettings) -> Engine {
        Engine {
            controller: Controller::new(settings),
            feed: Feed::default(),
            seen: Seen::new(),
            told_masks: vec![0; USED_WORDS].into(),
            forces_moved: false,
            untold_scans: 0,
            untold_us: 0,
            untold_late: Untold::default(),
            told_outputs: [0; IO_WORDS],
            given: None,
            dt_us: 0,
        }
    }

    /// Its state: scans are to be executed while Running.
    pub fn state(&self) -> ControllerState {
        self.controller.state()
    }

    /// Its controller, to look at.
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    /// Executes an order; steps see what devices say. The sink has room for [`ROOM_MIN`] entries.
    pub fn execute(&mut self, numbered: Numbered, devices: &DeviceInputs, sink: &mut impl EntrySink) {
        let Numbered { number, at, order } = numbered;
        if let Order::Feed { address, value } = order {
            if let Some(given) = &mut self.given {
                given.heard(at);
            }
            // The hub has checked that they fit.
            self.feed.put(address, value);
            return;
        }
        if let Order::TellInputs(on) = order {
            self.given = on.then(Box::default);
            return;
        }
        let is_step = matches!(order, Order::Command(Command::StepScan | Command::StepRung));
        let scans_before = self.controller.statistics().scan_count;
        // What routes said before this order is there when it is executed.
        if self.state() != ControllerState::Running {
            self.apply_all();
        }
        if let Some(given) = &mut self.given {
            given.devices(devices);
            given.heard(at);
            given.note(Given::Order { number });
        }
        let power = matches!(order, Order::TellPower).then(|| self.power());
        let profile = matches!(order, Order::TellProfile).then(|| self.controller.profile().cloned().map(Box::new));
        if is_step {
            self.read_numbers(devices);
        }
        let (mut toggled, mut retained) = (None, None);
        let result = match order {
            Order::TellRetained(_) if self.controller.next_rung().is_some() => Err(Refused::MidScan),
            Order::TellRetained(mut image) => {
                self.controller.table().fill(&mut image);
                retained = Some(image);
                Ok(Events::default())
            }
            order => self.obey(order, devices, &mut toggled),
        };
        let events = result.unwrap_or_default();
        if self.controller.statistics().scan_count == 0 {
            self.untold_late.forget();
        }
        if is_step {
            let target = self.controller.settings().target_scan.us();
            let scans = self.controller.statistics().scan_count - scans_before;
            self.untold_us += target * u32::from(scans > 0);
            self.untold_scans += u32::from(scans > 0);
        }
        self.tell_changes(sink);
        if let Some(power) = power {
            sink.push(Entry::Power(power));
        }
        if let Some(profile) = profile {
            sink.push(Entry::Profile(profile));
        }
        if let Some(on) = toggled {
            sink.push(Entry::Toggled(on));
        }
        if let Some(image) = retained {
            sink.push(Entry::Retained(image));
        }
        sink.push(Entry::Answer {
            number,
            result: result.map(|_| ()),
        });
        tell_events(events, sink);
        if is_step && result.is_ok() {
            sink.push(Entry::Statistics(*self.controller.statistics()));
        }
    }

    /// Executes one scan while Running; otherwise shows what routes have said. `dt_us` is the time since the last scan began.
    pub fn scan(&mut self, devices: &DeviceInputs, dt_us: u32) -> Events {
        self.scan_timed(devices, dt_us, || 0)
    }

    /// The same, and measures how long the rungs take while that is wanted; otherwise nobody looks at the clock, which tells
    /// nanoseconds and never goes back.
    pub fn scan_timed(&mut self, devices: &DeviceInputs, dt_us: u32, clock: impl FnMut() -> u64) -> Events {
        if self.state() != ControllerState::Running {
            self.apply_all();
            return Events::default();
        }
        self.apply_next();
        if let Some(given) = &mut self.given {
            given.devices(devices);
        }
        self.dt_us = dt_us;
        self.read_numbers(devices);
        let events = self.controller.scan_timed(&devices.bits, dt_us, clock);
        self.untold_scans += 1;
        self.untold_us = self.untold_us.saturating_add(dt_us);
        events
    }

    /// The border before a scan.
    fn apply_next(&mut self) {
        let (controller, given) = (&mut self.controller, &mut self.given);
        self.feed.apply_next(|word, touched, bits| {
            controller.write_bits(word, touched, bits);
            if let Some(given) = given {
                given.fed(word, touched, bits);
            }
        });
    }

    /// Nobody scans: the newest values are written at once.
    fn apply_all(&mut self) {
        while !self.feed.is_empty() {
            self.apply_next();
        }
    }

    /// Writes the words that devices say. A scan that was begun keeps what it began with.
    fn read_numbers(&mut self, devices: &DeviceInputs) {
        if self.controller.next_rung().is_some() {
            return;
        }
        for (word, number) in &devices.numbers {
            let word = WordIndex::of(Region::Integer, *word);
            self.controller.write_bits(word, u32::MAX, *number as u32);
        }
    }

    /// Tells how the scan before went, and everything that happened since the last report. With a sink that has no room only
    /// events are told; the rest waits and is merged.
    pub fn report(&mut self, timing: Option<ScanTiming>, events: Events, sink: &mut impl EntrySink) {
        let mut late = Events::default();
        if let Some(timing) = timing {
            let target = self.controller.settings().target_scan.us();
            self.untold_late.count(timing, target);
            late = self.controller.scan_took(timing.took_us);
        }
        let is_told = self.takes_orders(sink);
        if let Some(given) = &mut self.given {
            given.scan(self.dt_us, timing, is_told);
            if !is_told && events.iter().chain(late.iter()).next().is_some() {
                given.lose();
            }
        }
        if is_told {
            self.tell_changes(sink);
            if timing.is_some() {
                sink.push(Entry::Statistics(*self.controller.statistics()));
            }
        } else {
            self.seen.note(self.controller.table().words());
        }
        tell_events(events, sink);
        tell_events(late, sink);
    }

    /// Executes once more what another engine was given: see [`Given`]. An order is the one of that number. `devices` is what devices
    /// say, and is kept by the caller from one call to the next.
    ///
    /// # Errors
    ///
    /// What was given is not known: it was lost, or there is no such order.
    pub fn execute_given(
        &mut self,
        given: Given,
        order: impl FnOnce(u64) -> Option<Order>,
        devices: &mut DeviceInputs,
        sink: &mut Vec<Entry>,
    ) -> Result<(), NotGiven> {
        match given {
            // What was heard until then has its own entries.
            Given::Heard { .. } => {}
            Given::Fed { word, touched, bits } => self.controller.write_bits(word, touched, bits),
            Given::Bits { word, bits, driven } => {
                let index = usize::from(word);
                if let (Some(word), Some(drives)) =
                    (devices.bits.words.get_mut(index), devices.bits.driven.get_mut(index))
                {
                    (*word, *drives) = (bits, driven);
                }
            }
            Given::Number { word, number } => {
                devices.numbers.retain(|(other, _)| *other != word);
                devices.numbers.extend(number.map(|number| (word, number)));
            }
            Given::Order { number } => {
                let order = order(number).ok_or(NotGiven::Order(number))?;
                self.execute(Numbered::by_driver(number, order), devices, sink);
            }
            Given::Scan { dt_us, timing, is_told } => {
                let events = self.scan(devices, dt_us);
                self.report(Some(timing), events, &mut Roomy(sink, is_told));
            }
            Given::Show { is_told } => {
                let events = self.scan(devices, 0);
                self.report(None, events, &mut Roomy(sink, is_told));
            }
            Given::Lost { count } => return Err(NotGiven::Lost(count)),
        }
        Ok(())
    }

    /// Whether an order can be taken: its answer must find room.
    pub fn takes_orders(&self, sink: &impl EntrySink) -> bool {
        let given = self.given.as_ref().map_or(0, |_| GIVEN_MAX + 1);
        sink.room() >= ROOM_MIN + given
    }

    /// Does what an order says; what a bit that it has turned over is then goes into `toggled`.
    fn obey(&mut self, order: Order, devices: &DeviceInputs, toggled: &mut Option<bool>) -> Result<Events, Refused> {
        let controller = &mut self.controller;
        let mut events = Events::default();
        match order {
            Order::Command(command) => {
                events = controller.command(command, &devices.bits)?;
                self.forces_moved |= command == Command::Reset;
            }
            Order::Load(compiled) => {
                events = controller.load(*compiled);
                self.forces_moved = true;
            }
            Order::ClearProgram => {
                events = controller.clear_program();
                self.forces_moved = true;
            }
            Order::Write { address, value } => {
                self.feed.forget(address);
                controller.write(address, value)?;
            }
            Order::WriteAll(writes) => {
                for (address, value) in &writes {
                    aligned(*address, *value)?;
                }
                for (address, value) in writes {
                    self.feed.forget(address);
                    controller.write(address, value)?;
                }
            }
            Order::Toggle { address } => {
                let on = controller.toggle(address)?;
                self.feed.forget(address);
                *toggled = Some(on);
            }
            Order::Force { address, value } => {
                controller.force(address, value)?;
                self.forces_moved = true;
            }
            Order::Unforce { address } => {
                controller.unforce(address)?;
                self.forces_moved = true;
            }
            Order::ClearForces => {
                controller.clear_forces();
                self.forces_moved = true;
            }
            Order::SetBreakpoint(rung) => controller.set_breakpoint(rung)?,
            Order::RemoveBreakpoint(rung) => controller.remove_breakpoint(rung)?,
            Order::ClearBreakpoints => controller.clear_breakpoints(),
            Order::Fault(fault) => events = controller.fault(fault),
            Order::Settings(settings) => controller.set_settings(settings),
            Order::RecordPower(on) => controller.record_power(on),
            Order::Profile(on) => controller.profile_rungs(on),
            Order::Restore(image) => controller.restore(&image),
            Order::TellPower
            | Order::TellProfile
            | Order::TellRetained(_)
            | Order::Feed { .. }
            | Order::TellInputs(_) => {}
        }
        Ok(events)
    }

    fn power(&self) -> Box<[u64]> {
        let flow = self.controller.power_flow();
        flow.map_or_else(Box::default, |flow| flow.words().into())
    }

    fn tell_changes(&mut self, sink: &mut impl EntrySink) {
        if let Some(given) = &mut self.given {
            given.tell(sink);
        }
        sink.push(Entry::Border(Border {
            scan: self.controller.statistics().scan_count,
            dt_us: std::mem::take(&mut self.untold_us),
            scans: std::mem::take(&mut self.untold_scans),
            state: self.controller.state(),
            next_rung: self.controller.next_rung().map(|rung| rung as u32),
            is_safe: self.controller.outputs().is_none(),
        }));
        let seen = &mut self.seen;
        self.controller.take_changes(|change| {
            sink.push(Entry::Change {
                word: change.word,
                after: change.after,
                pulsed: seen.take_pulses(change.word, change.before, change.after),
            });
        });
        self.seen.tell_rest(self.controller.table().words(), sink);
        if let Some(outputs) = self.controller.outputs() {
            for (word, (told, bits)) in (0_u8..).zip(self.told_outputs.iter_mut().zip(*outputs)) {
                if *told != bits {
                    *told = bits;
                    sink.push(Entry::Drive { word, bits });
                }
            }
        }
        if std::mem::take(&mut self.forces_moved) {
            self.tell_masks(sink);
        }
        self.untold_late.tell(sink);
    }

    fn tell_masks(&mut self, sink: &mut impl EntrySink) {
        let mut masks = [0; USED_WORDS];
        for (word, mask) in self.controller.table().forced_words() {
            masks[word.get()] = mask;
        }
        for (index, (told, mask)) in self.told_masks.iter_mut().zip(masks).enumerate() {
            if *told != mask {
                *told = mask;
                if let Some(word) = WordIndex::new(index) {
                    sink.push(Entry::Forced { word, mask });
                }
            }
        }
    }
}

/// Why something cannot be executed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotGiven {
    /// Nobody has given an order of this number.
    #[error("the engine has executed order {0}, which nobody gives now")]
    Order(u64),
    /// The hub was too slow for the engine to tell so much.
    #[error("of what the engine was given {0} are not in the recording: the hub was too slow then")]
    Lost(u32),
}

/// A list that says that it has room, or that it has none.
struct Roomy<'a>(&'a mut Vec<Entry>, bool);

impl EntrySink for Roomy<'_> {
    fn room(&self) -> usize {
        if self.1 { usize::MAX } else { 0 }
    }

    fn push(&mut self, entry: Entry) {
        self.0.push(entry);
    }
}

fn tell_events(events: Events, sink: &mut impl EntrySink) {
    events.iter().for_each(|event| sink.push(Entry::Event(event)));
}
