//! Orders on their way: each is numbered, answered once, and heard by whoever asked.

use super::PlcId;
use super::act::Note;
use super::context::{Context, Force, Loaded};
use super::entry::{Border, Entry};
use super::order::{Numbered, Order, Refused};
use super::program::Program;
use super::realtime::Granted;
use super::requests::Question;
use super::tags::{as_value, output_word};
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::Output;
use crate::settings::PlcSettings;
use crate::signal::{SignalId, Value};
use crate::time::Time;
use crate::timers::Alarm;
use crosstie_ladder::address::Address;
use crosstie_ladder::controller::{Command, ControllerState, Event};
use crosstie_ladder::data_table::AccessError;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// An engine that has not answered for so long does not answer any more: whoever asked hears it.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Orders of one context that wait for their answers. A further one is refused as busy.
pub(crate) const ORDERS_MAX: usize = 256;
/// Questions how long the rungs of one context take that wait for its engine. A further one is refused as busy.
const PROFILE_ASKED_MAX: usize = 64;

/// All contexts, in the order of `context.list`, and the orders on their way.
#[derive(Debug, Default)]
pub(crate) struct Plcs {
    pub(crate) contexts: Vec<Context>,
    /// What came of the wish that all memory stays in the machine's memory.
    pub(crate) locked_memory: Granted,
    waiting: FxHashMap<u64, Waiting>,
    /// The place of every signal that is one.
    pub(crate) tag_of: FxHashMap<SignalId, (PlcId, u32)>,
    last_number: u64,
    /// The number of the next context.
    next_id: u16,
    /// Who has asked how long the rungs take: one order per context answers them all.
    profile_asked: BTreeMap<PlcId, Vec<Question>>,
    /// What engines have done in this turn for whoever asked through the API.
    pub(crate) answered: Vec<(PlcId, Box<Question>, Result<(), OrderError>)>,
}

/// An order that is not answered yet.
#[derive(Debug)]
struct Waiting {
    plc: PlcId,
    /// When whoever asked is told that there is no answer; `None` after that.
    due: Option<Time>,
    effect: Effect,
    note: Option<Box<Note>>,
    asked: Asked,
}

/// What the hub remembers when an order was executed; what the engine tells by itself is not here.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// A program is there.
    Loaded(Arc<Program>, Box<str>),
    /// No program is there.
    Cleared,
    /// A place is forced.
    Forced(Force),
    /// A breakpoint is set, or not.
    Breakpoint { rung: usize, is_set: bool },
    /// No breakpoint is left.
    NoBreakpoints,
    /// The engine measures how long the rungs take, or not.
    Profiling(bool),
    /// All memory is 0 because somebody wants it so.
    Emptied,
    /// The memory is what was kept over a power loss.
    Restored,
}

/// Who hears the answer.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Nobody.
    Nobody,
    /// The hub itself, at its start: a failure becomes a problem.
    Start,
    /// Somebody through the API.
    Api(Box<Question>),
    /// The channels that wait for the power flow.
    Watchers,
    /// All who have asked how long the rungs take.
    Profilers,
    /// The hub itself: it keeps the retentive memory.
    Memory,
    /// The hub itself: it has asked for a fault because an input is stale.
    OnStale,
    /// A client of PiPLC's protocol.
    Piplc {
        /// Its connection.
        conn: ConnId,
        /// The turn of its request.
        turn: u64,
    },
}

/// Why an order was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OrderError {
    /// The engine says so.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// What is to move its inputs and outputs is not there.
    #[error("{0}")]
    Io(String),
    /// Too many orders wait.
    #[error("the engine is busy: {ORDERS_MAX} orders wait for it")]
    Busy,
    /// Address and value do not fit; no engine was asked.
    #[error("{1}")]
    Misfit(Address, AccessError),
    /// Whoever asked may not, or asks for what cannot be.
    #[error(transparent)]
    Denied(#[from] crate::api::Refused),
    /// It does not answer.
    #[error("the engine has not answered within {} s", ANSWER_MAX.as_secs())]
    NoAnswer,
    /// The engine is elsewhere and says no, or cannot be asked.
    #[error("{0}")]
    Remote(String),
    /// There is no such context any more.
    #[error("the context is gone")]
    Gone,
}

impl Plcs {
    /// The context of this number.
    pub(crate) fn get(&self, plc: PlcId) -> Option<&Context> {
        self.contexts.iter().find(|context| context.plc == plc)
    }

    /// The same, to change it.
    pub(crate) fn get_mut(&mut self, plc: PlcId) -> Option<&mut Context> {
        self.contexts.iter_mut().find(|context| context.plc == plc)
    }

    /// As many orders wait for the engine as may.
    pub(crate) fn is_busy(&self, plc: PlcId) -> bool {
        let on_the_way = self.waiting.values().filter(|waiting| waiting.plc == plc);
        on_the_way.count() >= ORDERS_MAX
    }

    /// What an output drives, as a value of its signal; `None` where the signal is no output.
    pub(crate) fn driven(&self, id: SignalId) -> Option<Value> {
        let (plc, index) = self.tag_of.get(&id)?;
        let tags = &self.get(*plc)?.tags;
        let place = tags.get(*index)?.place;
        let word = output_word(place.bits().0)?;
        Some(as_value(place.value(tags.driven[word])))
    }

    /// An order that forces this place is on its way.
    pub(crate) fn is_forcing(&self, plc: PlcId, address: Address) -> bool {
        let forces = |effect: &Effect| matches!(effect, Effect::Forced(force) if force.address == address);
        let mut waiting = self.waiting.values();
        waiting.any(|waiting| waiting.plc == plc && forces(&waiting.effect))
    }

    /// The program of an order that is on its way, and who downloads it.
    pub(crate) fn waiting_program(&self, number: u64) -> Option<(Arc<Program>, Box<str>)> {
        match &self.waiting.get(&number)?.effect {
            Effect::Loaded(program, by) => Some((program.clone(), by.clone())),
            _ => None,
        }
    }

    /// No further context can be numbered.
    pub(crate) fn is_out_of_ids(&self) -> bool {
        self.next_id == u16::MAX
    }

    /// The context of this id or name; the first one for an empty text (PL-6).
    pub(crate) fn find(&self, text: &str) -> Option<&Context> {
        if text.is_empty() {
            return self.contexts.first();
        }
        let by_id = self.contexts.iter().find(|context| context.settings.id == text);
        by_id.or_else(|| self.contexts.iter().find(|context| context.settings.name == text))
    }
}

impl Hub {
    /// Makes a context and asks the driver for its engine.
    pub(crate) fn begin_plc(&mut self, settings: PlcSettings) -> PlcId {
        let plc = PlcId(self.plcs.next_id);
        // Whoever makes contexts has looked whether there are numbers left.
        self.plcs.next_id = self.plcs.next_id.saturating_add(1);
        let remote = settings.remote.clone();
        if remote.is_none() {
            self.outputs.push(Output::PlcBegin {
                plc,
                name: settings.name.clone(),
                settings: settings.controller,
                realtime: settings.realtime,
            });
        }
        self.plcs.contexts.push(Context::new(plc, settings));
        self.begin_tags(plc);
        if let Some(remote) = remote {
            self.begin_engine_client(plc, remote);
        }
        plc
    }

    /// Hands an order to an engine; `asked` hears the answer, also when there is no engine to hand it to.
    pub(crate) fn plc_order(&mut self, plc: PlcId, order: Order, effect: Effect, asked: Asked) {
        self.plc_order_noted(plc, order, effect, asked, None);
    }

    /// The same, with what is written down when it was executed.
    pub(crate) fn plc_order_noted(
        &mut self,
        plc: PlcId,
        order: Order,
        effect: Effect,
        asked: Asked,
        note: Option<Note>,
    ) {
        let Some(context) = self.plcs.get(plc) else {
            self.plc_answered(plc, asked, Err(OrderError::Gone));
            return;
        };
        if let Some(why) = context.why_not(&order) {
            self.plc_answered(plc, asked, Err(OrderError::Io(why)));
            return;
        }
        if self.plcs.is_busy(plc) {
            self.plc_answered(plc, asked, Err(OrderError::Busy));
            return;
        }
        let requests = match self.is_remote(plc).then(|| self.engine_request(plc, &order, &effect)) {
            None => None,
            Some(Ok(requests)) if !requests.is_empty() => Some(requests),
            // Nothing that a remote engine has to do for it.
            Some(Ok(_)) => {
                self.plc_answered(plc, asked, Ok(()));
                return;
            }
            Some(Err(error)) => {
                self.plc_answered(plc, asked, Err(error));
                return;
            }
        };
        self.forget_start(plc, &order);
        self.plcs.last_number += 1;
        let number = self.plcs.last_number;
        let due = self.now + ANSWER_MAX;
        let waiting = Waiting {
            plc,
            due: Some(due),
            effect,
            note: note.map(Box::new),
            asked,
        };
        self.plcs.waiting.insert(number, waiting);
        self.timers.set(due, Alarm::PlcAnswers);
        let forgets = matches!(
            order,
            Order::Load(_) | Order::ClearProgram | Order::Command(Command::Reset)
        );
        if let Some(requests) = requests {
            self.engine_order(plc, number, &order, &requests);
            return;
        }
        let at = self.now;
        let order = Box::new(Numbered { number, at, order });
        self.outputs.push(Output::Plc { plc, order });
        if forgets {
            self.feed_again(plc);
        }
    }

    /// Asks an engine how long the rungs take, unless that was asked and is not answered yet: then `question` shares the answer.
    pub(crate) fn ask_for_profile(&mut self, plc: PlcId, question: Question) {
        let asked = self.plcs.profile_asked.entry(plc).or_default();
        if asked.len() >= PROFILE_ASKED_MAX {
            let refused = (plc, Box::new(question), Err(OrderError::Busy));
            self.plcs.answered.push(refused);
            return;
        }
        asked.push(question);
        if asked.len() == 1 {
            self.plc_order(plc, Order::TellProfile, Effect::None, Asked::Profilers);
        }
    }

    fn profile_is_told(&mut self, plc: PlcId, result: &Result<(), OrderError>) {
        let asked = self.plcs.profile_asked.remove(&plc).unwrap_or_default();
        let each = asked
            .into_iter()
            .map(|question| (plc, Box::new(question), result.clone()));
        self.plcs.answered.extend(each);
    }

    /// The hub itself was away: engines have the full time again to answer what is not given up yet.
    pub(crate) fn wait_anew_for_orders(&mut self) {
        let due = self.now + ANSWER_MAX;
        let waiting = self.plcs.waiting.values_mut();
        let mut open = waiting.filter_map(|waiting| waiting.due.as_mut()).peekable();
        if open.peek().is_some() {
            self.timers.set(due, Alarm::PlcAnswers);
        }
        open.for_each(|at| *at = due);
    }

    /// Tells whoever waits for an order that no engine has answered in time. The order itself stays: an engine that answers
    /// after all has executed it, and what follows from that is remembered.
    pub(crate) fn give_up_orders(&mut self) {
        let now = self.now;
        let mut late: Vec<u64> = self
            .plcs
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.due.is_some_and(|due| due <= now))
            .map(|(number, _)| *number)
            .collect();
        late.sort_unstable();
        for number in late {
            if let Some(waiting) = self.plcs.waiting.get_mut(&number) {
                waiting.due = None;
                let (plc, asked) = (waiting.plc, std::mem::replace(&mut waiting.asked, Asked::Nobody));
                self.plc_answered(plc, asked, Err(OrderError::NoAnswer));
            }
        }
    }

    /// Answers the orders of a context that is no longer there.
    pub(crate) fn answer_orders_of_gone(&mut self, plc: PlcId) {
        let orders = self.plcs.waiting.iter().filter(|(_, waiting)| waiting.plc == plc);
        let mut numbers: Vec<u64> = orders.map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        for number in numbers {
            if let Some(waiting) = self.plcs.waiting.remove(&number) {
                self.plc_answered(plc, waiting.asked, Err(OrderError::Gone));
            }
        }
    }

    /// What an engine tells, in its order.
    pub(crate) fn plc_tells(&mut self, plc: PlcId, entries: Vec<Entry>) {
        if let Some(context) = self.plcs.get_mut(plc) {
            context.heard_at = self.now;
        }
        for entry in entries {
            self.plc_entry(plc, entry);
        }
        self.end_border(plc);
        self.feed_what_waited(plc);
    }

    fn plc_entry(&mut self, plc: PlcId, entry: Entry) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        match entry {
            Entry::Border(border) => self.plc_border(plc, border),
            Entry::Change { word, after, pulsed } => self.show_change(plc, word, after, pulsed),
            Entry::Forced { word, mask } => {
                context.mirror.set_mask(word, mask);
                context.forget_ended_forces();
                context.note_forced();
                self.tell_forces(plc);
            }
            Entry::Drive { word, bits } => context.mirror.set_drive(word, bits),
            Entry::Statistics(statistics) => {
                self.show_statistics(plc, statistics);
                self.judge_scans(plc);
                self.piplc_statistics(plc);
            }
            Entry::Late(scans) => context.lateness.add(scans),
            Entry::Realtime(answer) => self.plc_realtime(plc, answer),
            Entry::Event(event) => {
                if let Event::Fault(fault) = event {
                    let text = fault.to_string();
                    context.fault = Some(text.clone());
                    self.show_state(plc);
                    self.plc_failed(plc, text);
                }
                self.piplc_happened(plc, event);
                if is_end_of_run(event) {
                    self.keep_now(plc);
                }
            }
            Entry::Power(power) => context.power = power,
            Entry::Profile(profile) => context.profile = profile,
            Entry::Given(_) => {}
            Entry::Toggled(on) => context.toggled = Some(on),
            Entry::Retained(image) => self.memory_told(plc, *image),
            Entry::Answer { number, result } => self.plc_answer(number, result.map_err(OrderError::from)),
        }
    }

    /// The head of a border. What the border before has changed goes out first.
    fn plc_border(&mut self, plc: PlcId, border: Border) {
        self.end_border(plc);
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let (had_fault, before) = (context.fault.is_some(), context.state);
        context.take_border(border);
        self.plc_at_border(plc, had_fault, before);
        self.show_border(plc);
    }

    /// An engine has executed an order, or not.
    pub(crate) fn plc_answer(&mut self, number: u64, result: Result<(), OrderError>) {
        let Some(mut waiting) = self.plcs.waiting.remove(&number) else {
            return;
        };
        let context = self.plcs.get_mut(waiting.plc);
        let toggled = context.and_then(|context| context.toggled.take());
        if let Asked::Api(question) = &mut waiting.asked {
            question.wants.take_toggled(toggled);
        }
        if waiting.due.is_none() {
            self.plc_is_back(waiting.plc);
        }
        if result.is_ok() {
            self.take_effect(waiting.plc, waiting.effect);
            if let Some(note) = waiting.note {
                self.plc_audit(waiting.plc, *note, toggled);
            }
        }
        self.plc_answered(waiting.plc, waiting.asked, result);
    }

    /// Remembers what an engine has done.
    pub(crate) fn take_effect(&mut self, plc: PlcId, effect: Effect) {
        let now = self.time();
        let Some(context) = self.plcs.get_mut(plc) else { return };
        match effect {
            Effect::None => {}
            Effect::Loaded(program, by) => {
                let rungs = program.compiled.rungs();
                context.breakpoints.retain(|rung| *rung < rungs);
                context.program_number += 1;
                let logic = program.logic.clone();
                context.program = Some(Loaded { program, by, at: now });
                context.power = Box::default();
                context.profile = None;
                self.publish(plc, Some(&logic));
                self.keep_now(plc);
            }
            Effect::Cleared => {
                context.breakpoints.clear();
                context.program_number += 1;
                context.program = None;
                context.power = Box::default();
                context.profile = None;
                self.publish(plc, None);
                self.keep_now(plc);
            }
            Effect::Forced(force) => {
                let expires_at = force.expires_at;
                context.take_force(force);
                if let Some(at) = expires_at {
                    self.hub_timers.set(at, Alarm::PlcForces);
                }
                self.tell_forces(plc);
            }
            Effect::Breakpoint { rung, is_set: true } => {
                context.breakpoints.insert(rung);
            }
            Effect::Breakpoint { rung, is_set: false } => {
                context.breakpoints.remove(&rung);
            }
            Effect::NoBreakpoints => context.breakpoints.clear(),
            Effect::Profiling(on) => {
                context.is_profiling = on;
                context.profile = None;
            }
            Effect::Emptied => self.keep_emptied(plc),
            Effect::Restored => self.memory_is_restored(plc),
        }
    }

    /// An order is answered, one way or another.
    pub(crate) fn plc_answered(&mut self, plc: PlcId, asked: Asked, result: Result<(), OrderError>) {
        if let Err(error @ OrderError::NoAnswer) = &result {
            self.plc_is_silent(plc, error);
        }
        match asked {
            Asked::Nobody => {}
            Asked::Start => {
                if let Err(error) = result {
                    self.plc_not_started(plc, &error);
                }
            }
            Asked::Api(question) => self.plcs.answered.push((plc, question, result)),
            Asked::Watchers => self.power_is_told(plc),
            Asked::Profilers => self.profile_is_told(plc, &result),
            Asked::Memory => {
                if result.is_err() {
                    self.memory_not_told(plc);
                }
            }
            Asked::OnStale => {
                if let Some(context) = self.plcs.get_mut(plc) {
                    context.tags.fault_asked = false;
                }
                if let Err(error @ OrderError::Remote(_)) = result {
                    let text = format!("a route asks for a fault because its source is stale: {error}");
                    let hint = "give the route on_stale = \"zero\", and let the program of the engine decide";
                    self.plc_trouble(plc, (true, "on_stale"), text, hint);
                }
            }
            Asked::Piplc { conn, turn } => self.piplc_answered(conn, turn, plc, result),
        }
    }
}

/// A stop or a fault: the program does not go on by itself.
fn is_end_of_run(event: Event) -> bool {
    matches!(
        event,
        Event::Fault(_) | Event::StateChanged(ControllerState::Stopped | ControllerState::Fault)
    )
}
