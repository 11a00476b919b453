//! A script on its stage: steps begin and are judged, faults come and go, virtual time passes.
//!
//! Time goes on in slices of at most [`SLICE`]; everything due in a slice happens at its own moment. What steps do, and what
//! faults do, happens at the end of a slice. `expect` is looked at behind every moment at which something changed, `never` at
//! every single change.

use super::budget::Budget;
use super::cast::Cast;
use super::known::{is_known, near, unknown};
use super::orders::{ClassOrders, Turn};
use super::script::{Begin, Fault, FaultKind, PLC_ORDERS, Script, Step};
use super::stage::Stage;
use super::trace::{Point, Trace, Trust, shown};
use super::wanted::Wanted;
use crate::practice::Chance;
use crosstie_hub::api::plc::PlcRequest;
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::replay::Replayed;
use crosstie_hub::rig::{Changed, Rig};
use crosstie_hub::signal::{Quality, SignalId, Value};
use crosstie_hub::{Input, Ticket, Time};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// While something is waited for, time goes on by so much at once: what follows it begins no later than this.
const SLICE: Duration = Duration::from_millis(1);

/// While nothing is waited for, time goes on by so much at once.
const STRIDE: Duration = Duration::from_millis(100);

/// How a script went wrong.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Line of the step in its file.
    pub(crate) line: usize,
    /// What was expected and what was there.
    pub(crate) text: String,
    /// When.
    pub(crate) at: Time,
    /// The signals that it is about; empty when it is about none.
    pub(crate) signals: Vec<String>,
    /// What all signals did up to a little later.
    pub(crate) trace: Trace,
    /// The scan of the first of the signals, where it belongs to a PLC.
    pub(crate) scan: Option<u64>,
}

/// Plays a script with a seed.
///
/// # Errors
///
/// The first thing that was not as expected.
pub(crate) fn play(script: &Script, seed: u64, stage: &Stage, budget: &Budget) -> Result<(), Box<Failure>> {
    let mut rig = Rig::new(stage.settings.clone());
    if let Some(catalog) = &stage.catalog {
        rig.give(Input::Packages(Arc::clone(catalog)));
    }
    let failed = |line, text| {
        Box::new(Failure {
            line,
            text,
            at: Time::ZERO,
            signals: Vec::new(),
            trace: Trace::default(),
            scan: None,
        })
    };
    let cast = Cast::join(script, stage, seed, &mut rig).map_err(|(line, text)| failed(line, text))?;
    let watched = watched(script, &mut rig);
    let mut player = Player {
        script,
        stage,
        rig,
        cast,
        chance: Chance::new(seed),
        trace: Trace::default(),
        watched,
        steps: vec![Phase::Waiting; script.steps.len()],
        faults: vec![FaultPhase::Waiting; script.faults.len()],
        stuck: BTreeSet::new(),
        asked: Vec::new(),
        orders: ClassOrders::default(),
        now: Time::ZERO,
    };
    match player.run(budget) {
        Ok(()) => Ok(()),
        Err(wrong) => Err(Box::new(player.failure(wrong))),
    }
}

/// A signal that a step looks at.
struct Watched<'a> {
    name: &'a str,
    id: Option<SignalId>,
    value: Value,
    trust: Trust,
}

/// How far a step has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting,
    /// Since when, and since when its expectation has been met.
    Active(Time, Option<Time>),
    Over(Time),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FaultPhase {
    Waiting,
    Active,
    Over,
}

/// What went wrong: the step, when, and how.
struct Wrong {
    line: usize,
    at: Time,
    text: String,
    signals: Vec<String>,
}

struct Player<'a> {
    script: &'a Script,
    stage: &'a Stage,
    rig: Rig,
    cast: Cast,
    chance: Chance,
    trace: Trace,
    watched: Vec<Watched<'a>>,
    steps: Vec<Phase>,
    faults: Vec<FaultPhase>,
    /// Signals that the script does not change either while they are stuck.
    stuck: BTreeSet<String>,
    /// What was asked of the hub: by which line, and in its words.
    asked: Vec<(Ticket, usize, String)>,
    /// What the class is told later.
    orders: ClassOrders,
    now: Time,
}

/// Every signal that a step looks at, once. Places of a PLC become signals by being asked for.
fn watched<'a>(script: &'a Script, rig: &mut Rig) -> Vec<Watched<'a>> {
    let named = script
        .steps
        .iter()
        .flat_map(|step| step.expect.iter().chain(&step.never));
    let names: BTreeSet<&str> = named.map(|(name, _)| name.as_str()).collect();
    let watched = names.into_iter().map(|name| {
        let ticket = rig.put(Request::Signal { name: name.to_owned() });
        drop(rig.reply(ticket));
        Watched {
            name,
            id: None,
            value: Value::Bool(false),
            trust: Trust::Bad,
        }
    });
    watched.collect()
}

impl Player<'_> {
    fn run(&mut self, budget: &Budget) -> Result<(), Wrong> {
        loop {
            self.rig.run_until(self.now);
            self.take_in()?;
            self.turn_faults()?;
            self.take_in()?;
            while self.begin_steps()? {
                self.take_in()?;
            }
            self.judge()?;
            self.hear_answers()?;
            self.order_class()?;
            if self.is_over() {
                return self.check_names();
            }
            if let Err(text) = budget.check() {
                return Err(self.wrong(1, text, Vec::new()));
            }
            self.now = self.next();
        }
    }

    fn is_over(&self) -> bool {
        let are_over = self.steps.iter().all(|phase| matches!(phase, Phase::Over(_)));
        are_over && self.now >= Time::ZERO + self.script.end && self.asked.is_empty() && self.orders.is_empty()
    }

    /// What was never to be is a signal: one that never came into being up to the end is a name that means none.
    fn check_names(&self) -> Result<(), Wrong> {
        for step in &self.script.steps {
            for (name, _) in &step.never {
                if self.rig.hub().find(name).is_none() {
                    return Err(self.wrong(step.line, self.unknown(name), Vec::new()));
                }
            }
        }
        Ok(())
    }

    fn unknown(&self, name: &str) -> String {
        unknown(name, self.rig.hub(), self.stage)
    }

    fn is_known(&self, name: &str) -> bool {
        is_known(name, self.rig.hub(), self.stage)
    }

    fn wrong(&self, line: usize, text: String, signals: Vec<String>) -> Wrong {
        Wrong {
            line,
            at: self.now,
            text,
            signals,
        }
    }

    /// The next moment to stop at.
    fn next(&self) -> Time {
        let mut next = self.now + STRIDE;
        let mut sooner = |at: Time| {
            if at > self.now {
                next = next.min(at);
            }
        };
        if self.waits() {
            sooner(self.now + SLICE);
        }
        sooner(Time::ZERO + self.script.end);
        for (index, (step, phase)) in self.script.steps.iter().zip(&self.steps).enumerate() {
            match *phase {
                Phase::Waiting => self.begin_of(index, step).into_iter().for_each(&mut sooner),
                Phase::Active(since, met) => {
                    sooner(since + step.within);
                    sooner(since + step.lasts);
                    met.into_iter().for_each(|met| sooner(met + step.lasts));
                }
                Phase::Over(_) => {}
            }
        }
        for fault in &self.script.faults {
            sooner(Time::ZERO + fault.at);
            fault
                .lasts
                .into_iter()
                .for_each(|lasts| sooner(Time::ZERO + fault.at + lasts));
        }
        next
    }

    /// Something may be met at any moment, or chance delays a link.
    fn waits(&self) -> bool {
        let mut steps = self.script.steps.iter().zip(&self.steps);
        let waits = steps.any(|(step, phase)| !step.expect.is_empty() && matches!(phase, Phase::Active(_, None)));
        let mut faults = self.script.faults.iter().zip(&self.faults);
        let jitters = |fault: &Fault| matches!(&fault.kind, FaultKind::Delay { jitter, .. } if !jitter.is_zero());
        waits
            || !self.asked.is_empty()
            || !self.orders.is_empty()
            || faults.any(|(fault, phase)| *phase == FaultPhase::Active && jitters(fault))
    }

    fn begin_of(&self, index: usize, step: &Step) -> Option<Time> {
        match step.begin {
            Begin::At(at) => Some(Time::ZERO + at),
            Begin::After(after) => match self.steps.get(index.checked_sub(1)?)? {
                Phase::Over(over) => Some(*over + after),
                _ => None,
            },
        }
    }

    /// Notes what has changed and lets steps look at it.
    fn take_in(&mut self) -> Result<(), Wrong> {
        for watched in self.watched.iter_mut().filter(|watched| watched.id.is_none()) {
            if let Some(id) = self.rig.hub().find(watched.name) {
                let change = self.rig.hub().change(id);
                watched.id = Some(id);
                (watched.value, watched.trust) = (change.value.clone(), trust_of(change.quality));
            }
        }
        let changes = self.rig.take_changes();
        let mut changes = changes.into_iter().peekable();
        while let Some(change) = changes.next() {
            let at = change.at;
            self.note(change)?;
            if changes.peek().is_none_or(|next| next.at != at) {
                self.look(at)?;
            }
        }
        Ok(())
    }

    fn note(&mut self, change: Changed) -> Result<(), Wrong> {
        let trust = trust_of(change.quality);
        let watched = self.watched.iter_mut().find(|watched| watched.id == Some(change.id));
        let name = watched.map(|watched| {
            (watched.value, watched.trust) = (change.value.clone(), trust);
            watched.name
        });
        let (at, value) = (change.at, change.value.clone());
        let point = Point {
            at,
            scan: change.scan,
            value: change.value,
            trust,
        };
        self.trace.push(&change.name, point);
        match name {
            Some(name) => self.check_never(name, at, &value, trust),
            None => Ok(()),
        }
    }

    /// A value that must not come has come.
    fn check_never(&self, name: &str, at: Time, value: &Value, trust: Trust) -> Result<(), Wrong> {
        for (step, phase) in self.script.steps.iter().zip(&self.steps) {
            let Phase::Active(since, _) = phase else { continue };
            if at > *since + step.lasts {
                continue;
            }
            let mut never = step.never.iter().filter(|(other, _)| other == name);
            if let Some((name, wanted)) = never.find(|(_, wanted)| wanted.holds(value, trust)) {
                let text = format!("{}{name} was never to be {}, and is", says(step), bare(wanted));
                return Err(Wrong {
                    line: step.line,
                    at,
                    text,
                    signals: vec![name.clone()],
                });
            }
        }
        Ok(())
    }

    /// Looks at what steps wait for, and at what is to stay.
    fn look(&mut self, at: Time) -> Result<(), Wrong> {
        for index in 0..self.steps.len() {
            let Phase::Active(since, met) = self.steps[index] else {
                continue;
            };
            let step = &self.script.steps[index];
            if step.expect.is_empty() || at < since {
                continue;
            }
            let unmet = self.unmet(step);
            match met {
                None if unmet.is_none() && at <= since + step.within => {
                    self.steps[index] = Phase::Active(since, Some(at.max(since)));
                }
                Some(met) if at <= met + step.lasts && unmet.is_some() => {
                    let (text, signals) = unmet.unwrap_or_default();
                    let lasts = millis(step.lasts);
                    let text = format!("{}{text}; it was to stay so for {lasts}", says(step));
                    return Err(Wrong {
                        line: step.line,
                        at,
                        text,
                        signals,
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What of a step's expectation is not so: in words, and the signals.
    fn unmet(&self, step: &Step) -> Option<(String, Vec<String>)> {
        let mut words = Vec::new();
        let mut signals = Vec::new();
        for (name, wanted) in &step.expect {
            let watched = self.watched.iter().find(|watched| watched.name == name);
            let got = match watched.filter(|watched| watched.id.is_some()) {
                None => {
                    let near = near(name, self.rig.hub(), self.stage);
                    let near = near.map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
                    format!("no such signal{near}")
                }
                Some(watched) if wanted.holds(&watched.value, watched.trust) => continue,
                Some(watched) => match (wanted, watched.trust) {
                    (Wanted::Trusted(_), trust) => format!("got {}", trust.word()),
                    (_, Trust::Good) => format!("got {}", shown(&watched.value)),
                    (_, trust) => format!("got {} ({})", shown(&watched.value), trust.word()),
                },
            };
            words.push(format!("expected {name} {wanted}, {got}"));
            signals.push(name.clone());
        }
        (!words.is_empty()).then(|| (words.join("; "), signals))
    }

    /// Begins what is due; true when something has begun.
    fn begin_steps(&mut self) -> Result<bool, Wrong> {
        let mut begun = false;
        for (index, step) in self.script.steps.iter().enumerate() {
            let is_due = self.begin_of(index, step).is_some_and(|begin| begin <= self.now);
            if self.steps[index] == Phase::Waiting && is_due {
                self.steps[index] = match step.judges() {
                    true => Phase::Active(self.now, None),
                    false => Phase::Over(self.now),
                };
                self.act(step)?;
                begun = true;
            }
        }
        Ok(begun)
    }

    /// Does what a step does.
    fn act(&mut self, step: &Step) -> Result<(), Wrong> {
        self.say(step)?;
        for (context, command) in &step.plc {
            let (context, command) = (context.clone(), *command);
            let word = PLC_ORDERS.iter().find(|(_, known)| *known == command);
            let words = format!("{context} = {}", word.map_or("", |(word, _)| word));
            self.ask(step.line, words, Request::Plc(PlcRequest::Command { context, command }));
        }
        self.orders.add(step.line, &step.classroom);
        self.order_class()
    }

    /// Gives the orders to the class whose turn it is.
    fn order_class(&mut self) -> Result<(), Wrong> {
        loop {
            let state = match self.rig.value("sim/state") {
                Some(Value::Text(state)) => state,
                _ => "NONE".into(),
            };
            let asked = &self.asked;
            let is_asked = |ticket: Ticket| asked.iter().any(|(other, ..)| *other == ticket);
            match self.orders.turn(self.now, &state, is_asked) {
                Turn::Wait => return Ok(()),
                Turn::Restless(line, text) => return Err(self.wrong(line, text, Vec::new())),
                Turn::Give(line, order) => {
                    let request = Request::Classroom(order.request());
                    let ticket = self.ask(line, order.word(), request);
                    self.orders.given(line, order, ticket, self.now);
                }
            }
        }
    }

    /// Says what a step sets and what it makes stale. What means no signal, and what the hub does not take, is a mistake.
    fn say(&mut self, step: &Step) -> Result<(), Wrong> {
        let set = step.set.iter().map(|(name, _)| name);
        let mut names = set.chain(&step.stale);
        // What is said becomes a signal: which name is near is asked before.
        let unknown = names.find(|name| !self.is_known(name)).map(|name| self.unknown(name));
        let absent = step.stale.iter().find(|name| self.rig.value(name).is_none());
        let samples = self.samples(step);
        let said: Vec<Arc<str>> = samples.iter().map(|sample| Arc::clone(&sample.name)).collect();
        if !samples.is_empty() {
            self.rig.say(samples);
        }
        for name in said {
            if let Some(why) = self.rig.hub().replay_refusal(&name) {
                let text = format!("{name} cannot be set: {why}");
                return Err(self.wrong(step.line, text, vec![name.as_ref().to_owned()]));
            }
        }
        let text = match (unknown, absent) {
            (Some(unknown), _) => unknown,
            (None, Some(name)) => format!("{name} cannot become stale: nobody has said anything of it yet"),
            (None, None) => return Ok(()),
        };
        Err(self.wrong(step.line, text, Vec::new()))
    }

    fn samples(&self, step: &Step) -> Vec<Replayed> {
        let mut samples = Vec::new();
        for (name, value) in step.set.iter().filter(|(name, _)| !self.stuck.contains(name)) {
            samples.push(Replayed {
                name: name.as_str().into(),
                value: value.clone(),
                quality: Quality::Good,
            });
        }
        for name in &step.stale {
            samples.extend(self.rig.value(name).map(|value| Replayed {
                name: name.as_str().into(),
                value,
                quality: Quality::Stale,
            }));
        }
        samples
    }

    fn ask(&mut self, line: usize, words: String, request: Request) -> Ticket {
        let ticket = self.rig.put(request);
        self.asked.push((ticket, line, words));
        ticket
    }

    /// An order that is refused is a mistake.
    fn hear_answers(&mut self) -> Result<(), Wrong> {
        let mut refused = None;
        let rig = &mut self.rig;
        self.asked.retain(|(ticket, line, words)| match rig.reply(*ticket) {
            Some(Reply::Refused(why)) => {
                refused.get_or_insert((*line, format!("the order `{words}` is refused: {why}")));
                false
            }
            answer => answer.is_none(),
        });
        match refused {
            Some((line, text)) => Err(self.wrong(line, text, Vec::new())),
            None => Ok(()),
        }
    }

    /// Ends the steps whose time is over.
    fn judge(&mut self) -> Result<(), Wrong> {
        self.look(self.now)?;
        for watched in &self.watched {
            if watched.id.is_some() {
                self.check_never(watched.name, self.now, &watched.value, watched.trust)?;
            }
        }
        for index in 0..self.steps.len() {
            let Phase::Active(since, met) = self.steps[index] else {
                continue;
            };
            let step = &self.script.steps[index];
            let mut over = since;
            if !step.never.is_empty() {
                over = since + step.lasts;
            }
            if !step.expect.is_empty() {
                match met {
                    Some(met) => over = over.max(met + step.lasts),
                    None if self.now < since + step.within => continue,
                    None => {
                        let (text, signals) = self.unmet(step).unwrap_or_default();
                        let within = match step.within.is_zero() {
                            true => String::new(),
                            false => format!("; it had {}", millis(step.within)),
                        };
                        return Err(self.wrong(step.line, format!("{}{text}{within}", says(step)), signals));
                    }
                }
            }
            if self.now >= over {
                self.steps[index] = Phase::Over(over);
            }
        }
        Ok(())
    }

    /// Begins and ends faults.
    fn turn_faults(&mut self) -> Result<(), Wrong> {
        for (index, fault) in self.script.faults.iter().enumerate() {
            let begin = Time::ZERO + fault.at;
            let end = fault.lasts.map(|lasts| begin + lasts);
            if self.faults[index] == FaultPhase::Waiting && begin <= self.now {
                self.faults[index] = FaultPhase::Active;
                self.turn_fault(fault, true)
                    .map_err(|text| self.wrong(fault.line, text, Vec::new()))?;
            } else if self.faults[index] == FaultPhase::Active {
                self.jitter(fault);
            }
            if self.faults[index] == FaultPhase::Active && end.is_some_and(|end| end <= self.now) {
                self.faults[index] = FaultPhase::Over;
                self.turn_fault(fault, false)
                    .map_err(|text| self.wrong(fault.line, text, Vec::new()))?;
            }
        }
        Ok(())
    }

    fn turn_fault(&mut self, fault: &Fault, begins: bool) -> Result<(), String> {
        let nobody = || String::from("which stand-in? write `endpoint`");
        match &fault.kind {
            FaultKind::DropLink { endpoint } => {
                let twin = self.cast.twin(endpoint.as_deref()).ok_or_else(nobody)?;
                match (begins, twin.conn) {
                    (true, Some(conn)) => {
                        twin.conn = None;
                        self.rig.drop_link(conn);
                    }
                    (false, None) => twin.connect(&mut self.rig),
                    _ => {}
                }
            }
            FaultKind::Delay { endpoint, by, .. } => {
                let twin = self.cast.twin(endpoint.as_deref()).ok_or_else(nobody)?;
                if let Some(conn) = twin.conn {
                    self.rig.delay_link(conn, if begins { *by } else { Duration::ZERO });
                }
                if begins {
                    self.jitter(fault);
                }
            }
            FaultKind::Stuck { signal } => {
                if !self.is_known(signal) {
                    return Err(self.unknown(signal));
                }
                self.cast.stick(signal, self.stage, begins);
                match begins {
                    true => drop(self.stuck.insert(signal.clone())),
                    false => drop(self.stuck.remove(signal)),
                }
            }
            FaultKind::Noise { signal, amount } => {
                if !self.cast.disturb(signal, self.stage, begins.then_some(*amount)) {
                    return Err(match self.is_known(signal) {
                        true => format!("no stand-in says {signal}"),
                        false => self.unknown(signal),
                    });
                }
            }
            FaultKind::LostGama if begins => self.cast.gama_is_gone(&mut self.rig),
            FaultKind::LostGama => self.cast.gama_listens(&mut self.rig),
        }
        Ok(())
    }

    /// Chance decides anew how long a link takes.
    fn jitter(&mut self, fault: &Fault) {
        let FaultKind::Delay { endpoint, by, jitter } = &fault.kind else {
            return;
        };
        if jitter.is_zero() {
            return;
        }
        let most = u32::try_from(jitter.as_micros()).unwrap_or(u32::MAX).saturating_add(1);
        let more = Duration::from_micros(u64::from(self.chance.below(most)));
        if let Some(conn) = self.cast.twin(endpoint.as_deref()).and_then(|twin| twin.conn) {
            self.rig.delay_link(conn, *by + more);
        }
    }

    /// Everything that a report needs; a diagram also shows what came after.
    fn failure(mut self, wrong: Wrong) -> Failure {
        let Wrong {
            line,
            at,
            text,
            signals,
        } = wrong;
        let first = signals.first().cloned().unwrap_or_default();
        let context = self.stage.context_of(&first).map(|(context, _)| context.name.clone());
        let plc = context.and_then(|name| self.rig.plc(&name));
        let scan = plc.and_then(|plc| self.rig.scans(plc));
        let after = self.stage.scan_time(&first).unwrap_or(super::COLUMN) * 30;
        let until = self.rig.now() + after;
        self.rig.run_until(until);
        for change in self.rig.take_changes() {
            let point = Point {
                at: change.at,
                scan: change.scan,
                trust: trust_of(change.quality),
                value: change.value,
            };
            self.trace.push(&change.name, point);
        }
        Failure {
            line,
            text,
            at,
            signals,
            trace: self.trace,
            scan,
        }
    }
}

/// The quality of a signal in one of three words.
pub(crate) fn trust_of(quality: Quality) -> Trust {
    Trust::from_word(quality.word()).unwrap_or(Trust::Bad)
}

fn says(step: &Step) -> String {
    step.say.as_ref().map_or_else(String::new, |say| format!("{say}: "))
}

/// A wish without its equals sign.
fn bare(wanted: &Wanted) -> String {
    let text = wanted.to_string();
    text.strip_prefix("= ").map_or(text.clone(), str::to_owned)
}

fn millis(time: Duration) -> String {
    super::compare::shown_time(Time::ZERO + time)
}
