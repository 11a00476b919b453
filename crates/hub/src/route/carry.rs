//! Carrying values on: from the sources of a route to its target, in the same turn and the same generation.
//!
//! Routes are evaluated in the order of their ranks, so that one with several sources sees all of them as this turn leaves them
//! and is evaluated once. A turn costs what has changed, however many routes there are.

use super::pace::Verdict;
use super::transform::{Made, Recipe};
use super::{Draft, Maker, Moved, Routes, is_pattern};
use crate::api::Refused;
use crate::hub::Hub;
use crate::request::route_problem;
use crate::settings::{OnStale, RouteSetting};
use crate::signal::{Quality, SignalId, SignalSpace, Value, Writer};
use crate::time::Time;
use crate::timers::Alarm;
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::collections::hash_map::Entry;

/// The routes that are to be evaluated in a turn, by rank.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    ranks: Vec<Vec<u32>>,
    len: usize,
}

/// What comes of the evaluation of a route.
#[derive(Debug)]
enum Step {
    /// The target gets this value.
    Pass {
        target: SignalId,
        value: Value,
        quality: Quality,
    },
    /// The target keeps its value, which is believed so far.
    Keep { target: SignalId, quality: Quality },
}

impl Routes {
    /// Puts a route on the agenda, where it is not yet.
    fn plan(&mut self, id: u32, rank_min: usize) {
        let Some(route) = self.routes.get_mut(&id) else { return };
        if route.ends.is_none() || std::mem::replace(&mut route.is_planned, true) {
            return;
        }
        let rank = (route.rank as usize).max(rank_min);
        if self.agenda.ranks.len() <= rank {
            self.agenda.ranks.resize_with(rank + 1, Vec::new);
        }
        self.agenda.ranks[rank].push(id);
        self.agenda.len += 1;
    }

    /// The same for every route that has a signal among its sources.
    fn plan_from(&mut self, source: SignalId, rank_min: usize) {
        let Some(ids) = self.by_source.get_mut(&source).map(std::mem::take) else {
            return;
        };
        ids.iter().for_each(|id| self.plan(*id, rank_min));
        self.by_source.insert(source, ids);
    }

    /// Evaluates a route with its sources as they are.
    fn evaluate(
        &mut self,
        id: u32,
        time: Time,
        space: &SignalSpace,
        driven: impl Fn(SignalId) -> Option<Value>,
    ) -> Option<Step> {
        let route = self.routes.get_mut(&id)?;
        let ends = route.ends.as_ref()?;
        let target = ends.target;
        let quality = worst(ends.sources.iter().map(|source| space.cell(*source).quality));
        let recipe = &route.recipe;
        let made = made_of(recipe, &ends.sources, space, driven);
        let kind = space.cell(target).value.kind();
        let converted = match made {
            Made::Value(value) => {
                let word = value.kind().word();
                let converted = recipe.convert(value, kind);
                converted.ok_or_else(|| format!("the value is {word}, the target is {}", kind.word()))
            }
            Made::Failed(text) => Err(text),
            Made::Nothing => {
                route.held += 1;
                route.error = None;
                return Some(self.keep(id, target, quality));
            }
        };
        let value = match converted {
            Ok(value) => value,
            Err(text) => {
                route.failed += 1;
                route.error = Some(text);
                return Some(self.keep(id, target, worst([quality, Quality::RouteFailed])));
            }
        };
        route.error = None;
        if !recipe.is_paced() {
            return Some(Step::Pass { target, value, quality });
        }
        if let Some(due) = route.pace.due() {
            self.due.remove(&(due, id));
        }
        match route.pace.admit(recipe, time, &value, quality) {
            Verdict::Pass => return Some(Step::Pass { target, value, quality }),
            Verdict::Same => {}
            Verdict::Near => route.held += 1,
            Verdict::Early(due) => {
                route.held += 1;
                self.due.insert((due, id));
            }
        }
        None
    }

    /// Only the quality goes on: what was withheld before is overtaken.
    fn keep(&mut self, id: u32, target: SignalId, quality: Quality) -> Step {
        if let Some(route) = self.routes.get_mut(&id) {
            if let Some(due) = route.pace.due() {
                self.due.remove(&(due, id));
            }
            route.pace.requalify(quality);
        }
        Step::Keep { target, quality }
    }

    /// Counts a value that a route has carried.
    fn carried(&mut self, time: Time, id: u32, value: &Value) {
        if let Some(route) = self.routes.get_mut(&id) {
            route.count += 1;
            route.last = Some((value.clone(), time));
        }
    }
}

/// What a transform makes of signals as they are now.
fn made_of(
    recipe: &Recipe,
    sources: &[SignalId],
    space: &SignalSpace,
    driven: impl Fn(SignalId) -> Option<Value>,
) -> Made {
    let value_of = |source: SignalId| match space.cell(source).is_tag {
        true => driven(source).map_or(Cow::Borrowed(&space.cell(source).value), Cow::Owned),
        false => Cow::Borrowed(&space.cell(source).value),
    };
    match (recipe.is_identity(), sources) {
        (true, [source, ..]) => Made::Value(value_of(*source).into_owned()),
        (_, sources) => {
            let values: Vec<Cow<'_, Value>> = sources.iter().map(|source| value_of(*source)).collect();
            let values: Vec<&Value> = values.iter().map(|value| &**value).collect();
            recipe.apply(&values)
        }
    }
}

/// The quality of what follows from several values: the worst of theirs, the first of equal ones.
fn worst(qualities: impl IntoIterator<Item = Quality>) -> Quality {
    let badness = |quality: &Quality| match (quality, quality.word()) {
        (Quality::Good, _) => 0,
        (Quality::NeverWritten, _) => 3,
        (_, "bad") => 2,
        _ => 1,
    };
    let worse = |before: Quality, next: Quality| match badness(&next) > badness(&before) {
        true => next,
        false => before,
    };
    qualities.into_iter().fold(Quality::Good, worse)
}

impl Hub {
    /// What was written to the sources of routes is written to their targets, in the same generation. Routes have no circles, so
    /// this ends. A target in the memory of a PLC is fed: its signal changes when the engine tells.
    pub(crate) fn carry_routes(&mut self) {
        self.settle_routes();
        if self.ledger.routed.is_empty() && self.routes.wanted.is_empty() {
            return;
        }
        self.routes.set_ranks();
        for id in std::mem::take(&mut self.routes.wanted) {
            self.routes.plan(id, 0);
        }
        self.plan_changed(0);
        let mut rank = 0;
        while self.routes.agenda.len > 0 {
            let mut next = 0;
            while let Some(id) = self
                .routes
                .agenda
                .ranks
                .get(rank)
                .and_then(|ids| ids.get(next))
                .copied()
            {
                next += 1;
                self.routes.agenda.len -= 1;
                self.carry(id);
                // Whatever hangs on its target has a higher rank.
                self.plan_changed(rank);
            }
            if let Some(ids) = self.routes.agenda.ranks.get_mut(rank) {
                ids.clear();
            }
            rank += 1;
        }
        self.set_routes_alarm();
    }

    fn plan_changed(&mut self, rank_min: usize) {
        let mut routed = std::mem::take(&mut self.ledger.routed);
        routed
            .drain(..)
            .for_each(|source| self.routes.plan_from(source, rank_min));
        self.ledger.routed = routed;
    }

    fn carry(&mut self, id: u32) {
        let time = self.time();
        let Hub {
            routes, ledger, plcs, ..
        } = self;
        if let Some(route) = routes.routes.get_mut(&id) {
            route.is_planned = false;
        }
        match routes.evaluate(id, time, &ledger.space, |source| plcs.driven(source)) {
            Some(Step::Pass { target, value, quality }) => {
                let has_passed = match self.ledger.space.cell(target).is_tag {
                    true => self.feed(id, target, &value, quality),
                    false => self
                        .ledger
                        .store(self.now, target, value.clone(), Writer::Route(id), quality),
                };
                if has_passed {
                    self.routes.carried(time, id, &value);
                }
            }
            Some(Step::Keep { target, quality }) => self.requalify(id, target, quality),
            None => {}
        }
    }

    /// A route has no value to pass on: its target keeps what it holds and is believed so far. To a place of a PLC the route says
    /// again what it has said last, so that the place does with an old value what the route asks for.
    fn requalify(&mut self, id: u32, target: SignalId, quality: Quality) {
        let cell = self.ledger.space.cell(target);
        if !cell.is_tag {
            self.ledger.mark(target, quality);
            return;
        }
        let zero = Value::zero(cell.value.kind());
        let said = self.routes.routes.get(&id).and_then(|route| route.last.as_ref());
        let said = said.map(|(value, _)| value.clone());
        let said = match self.routes.on_stale(id) {
            OnStale::Hold => said,
            OnStale::Zero | OnStale::Fault => said.or(Some(zero)),
        };
        if let Some(value) = said {
            self.feed(id, target, &value, quality);
        }
    }

    /// Has the hub called when the first withheld value is due.
    fn set_routes_alarm(&mut self) {
        let Some((due, _)) = self.routes.due.first().copied() else {
            return;
        };
        if self.routes.alarm_at.is_none_or(|at| due < at) {
            self.routes.alarm_at = Some(due);
            self.hub_timers.set(due, Alarm::Routes);
        }
    }

    /// Withheld values are due: their routes are evaluated in this turn.
    pub(crate) fn routes_alarm(&mut self) {
        let time = self.time();
        self.routes.alarm_at = None;
        let due = self.routes.due.iter().take_while(|(due, _)| *due <= time);
        let ids: Vec<u32> = due.map(|(_, id)| *id).collect();
        if ids.is_empty() {
            // What this alarm was for has passed or come back meanwhile; something else may be withheld for longer.
            self.set_routes_alarm();
        }
        self.routes.wanted.extend(ids);
    }

    /// Lays a route and carries the present value over in this turn.
    pub(crate) fn add_route(&mut self, setting: &RouteSetting, maker: Maker) -> Result<u32, Refused> {
        self.make_places_of_route(setting)?;
        let draft = (self.routes).check(&self.ledger.space, setting, self.limits.routes_max, None)?;
        let id = self.lay(draft, maker);
        self.settle_routes();
        self.problems.clear(&route_problem(&setting.from, &setting.to));
        Ok(id)
    }

    pub(super) fn lay(&mut self, draft: Draft, maker: Maker) -> u32 {
        match draft.matcher.is_some() {
            true => self.lay_pattern(draft, maker, None),
            false => self.routes.add(&mut self.ledger.space, draft, maker, None),
        }
    }

    /// A route becomes another, in place.
    pub(super) fn relay(&mut self, id: u32, draft: Draft, maker: Maker) {
        self.relay_one(id, draft, maker);
        self.routes.unblock(&mut self.ledger.space);
    }

    /// The same, while those that it was in the way of still wait.
    pub(super) fn relay_one(&mut self, id: u32, draft: Draft, maker: Maker) {
        let is_family = self.routes.families.contains_key(&id);
        match (is_family, draft.matcher.is_some()) {
            (_, true) => {
                // A route from one source that gets a pattern is one of those that the pattern stands for, or none.
                if !is_family {
                    self.routes.remove(&mut self.ledger.space, id);
                }
                self.lay_pattern(draft, maker, Some(id));
            }
            (true, false) => {
                self.routes.remove(&mut self.ledger.space, id);
                self.routes.add_as(&mut self.ledger.space, id, draft, (maker, None));
            }
            (false, false) => {
                self.routes.change(&mut self.ledger.space, id, draft);
                self.routes.set_maker(id, maker);
            }
        }
    }

    /// The places of PLCs that a route names are signals from now on.
    pub(super) fn make_places_of_route(&mut self, setting: &RouteSetting) -> Result<(), Refused> {
        if is_pattern(&setting.from) {
            return Ok(());
        }
        let inputs = setting.transform.inputs.iter().map(|(_, name)| name);
        for name in [&setting.from, &setting.to].into_iter().chain(inputs) {
            self.make_tag_named(name)?;
        }
        Ok(())
    }

    /// Removes a route. What it was in the way of begins.
    pub(crate) fn drop_route(&mut self, id: u32) {
        self.routes.remove(&mut self.ledger.space, id);
        self.routes.unblock(&mut self.ledger.space);
        self.settle_routes();
    }

    /// Routes have other ends than before: the targets that they had keep what they hold; those that they have get the present
    /// value in this turn.
    pub(crate) fn settle_routes(&mut self) {
        if self.routes.moved.is_empty() {
            return;
        }
        let mut moved: Vec<Moved> = Vec::new();
        let mut known: FxHashMap<u32, usize> = FxHashMap::default();
        for step in std::mem::take(&mut self.routes.moved) {
            // A route that was untied and tied again has moved from where it was first to where it is last.
            match known.entry(step.id) {
                Entry::Occupied(known) => moved[*known.get()].after = step.after,
                Entry::Vacant(place) => {
                    place.insert(moved.len());
                    moved.push(step);
                }
            }
        }
        moved.retain(|moved| moved.before != moved.after);
        for moved in &moved {
            if let Some(target) = moved.before {
                self.unfeed(moved.id, target);
            }
        }
        for target in moved.iter().filter_map(|moved| moved.after) {
            self.note_driven(target);
        }
    }
}
