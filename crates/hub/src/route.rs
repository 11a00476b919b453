//! Routes: what is written to signals is written to another, as it is or transformed.
//!
//! Checked when a route is laid: its transform and the kinds fit, nobody else is meant to write the target, and no chain of routes
//! leads back to its start. A route whose signals do not exist yet waits for them. What a route carries is the value and the
//! quality. A route with a pattern stands for a route from each signal that it fits.

mod bulk;
mod carry;
mod expression;
mod family;
mod graph;
mod map;
mod pace;
mod pattern;
mod requests;
mod rows;
mod transform;

use crate::api::{Refused, RouteOrigin};
use crate::session::link::is_state;
use crate::settings::{OnStale, Owner, RouteSetting, Transform};
use crate::signal::{SignalId, SignalSpace, Value};
use crate::time::Time;
use carry::Agenda;
use family::Family;
use pace::Pace;
use pattern::{Matcher, filled, highest_capture, is_pattern};
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use transform::{Recipe, Seen};

/// The signals of a route that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ends {
    /// The source, then what its expression reads besides.
    sources: Vec<SignalId>,
    target: SignalId,
}

/// The names of the signals that a route means now: symbols stand for addresses.
#[derive(Clone, Debug, Default)]
struct Meant {
    sources: Vec<String>,
    target: String,
}

/// Who has laid a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Maker {
    /// It stands in the project file or in a table.
    Project,
    /// Somebody through the API.
    Api,
    /// The hub, for a signal of an endpoint that shows a place of a PLC.
    Signal,
}

impl Maker {
    fn origin(self) -> RouteOrigin {
        match self {
            Maker::Project | Maker::Signal => RouteOrigin::Project,
            Maker::Api => RouteOrigin::Api,
        }
    }
}

/// One route from one source.
#[derive(Clone, Debug)]
struct Route {
    from: String,
    to: String,
    /// The signals that its expression reads besides, in the order of the setting.
    inputs: Vec<String>,
    maker: Maker,
    /// The route with the pattern that this one stands for.
    pattern: Option<u32>,
    on_stale: OnStale,
    recipe: Arc<Recipe>,
    means: Meant,
    /// Its signals, once they exist and fit.
    ends: Option<Ends>,
    /// Why it does not run although all names may exist.
    waiting: Option<String>,
    /// Another route is in its way.
    is_blocked: bool,
    pace: Pace,
    /// One more than the routes into its sources: whoever has a lower one is evaluated before.
    rank: u32,
    /// It stands on the agenda of this turn.
    is_planned: bool,
    count: u64,
    held: u64,
    failed: u64,
    error: Option<String>,
    last: Option<(Value, Time)>,
}

/// A route that has been checked and can be laid.
#[derive(Debug)]
pub(crate) struct Draft {
    from: String,
    to: String,
    inputs: Vec<String>,
    on_stale: OnStale,
    recipe: Arc<Recipe>,
    /// The pattern, where `from` is one.
    matcher: Option<Matcher>,
}

/// A route whose target is another than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moved {
    id: u32,
    before: Option<SignalId>,
    after: Option<SignalId>,
}

/// All routes, by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    routes: FxHashMap<u32, Route>,
    /// The routes with patterns, by id; what they stand for is among the others.
    families: BTreeMap<u32, Family>,
    by_source: FxHashMap<SignalId, Vec<u32>>,
    /// The route into a name, whether it runs or waits.
    by_target: FxHashMap<String, u32>,
    /// The route into a signal that runs.
    into: FxHashMap<SignalId, u32>,
    /// Names that do not exist yet, and the routes that wait for them.
    waiting_for: FxHashMap<String, Vec<u32>>,
    /// What has been tied and untied since the hub looked last.
    moved: Vec<Moved>,
    /// Routes that are to be evaluated though no source has changed.
    wanted: Vec<u32>,
    /// When withheld values are due, in the hub's time.
    due: BTreeSet<(Time, u32)>,
    /// When the hub is called for the first of them.
    alarm_at: Option<Time>,
    agenda: Agenda,
    ranks_are_old: bool,
    last_id: u32,
}

impl Routes {
    /// Would this route be laid, or take the place of the one with this id?
    pub(crate) fn check(
        &self,
        space: &SignalSpace,
        setting: &RouteSetting,
        routes_max: usize,
        instead_of: Option<u32>,
    ) -> Result<Draft, Refused> {
        if instead_of.is_none() && self.len() >= routes_max {
            return Err(Refused::Limit {
                what: "routes",
                limit: routes_max,
            });
        }
        let recipe = match instead_of.and_then(|id| self.recipe(id)) {
            Some(recipe) if recipe.setting == setting.transform => recipe.clone(),
            _ => Arc::new(Recipe::read(&setting.transform)?),
        };
        let draft = match is_pattern(&setting.from) {
            true => draft_of_pattern(space, setting, recipe)?,
            false => draft(space, setting, recipe)?,
        };
        if draft.matcher.is_some() {
            self.check_pattern(&draft, instead_of)?;
            return Ok(draft);
        }
        let means = meant_by(space, &draft.from, &draft.inputs, &draft.to);
        if let Some(obstacle) = self.obstacle(&means, instead_of, false) {
            return Err(Refused::Conflict(obstacle));
        }
        ends(space, &means, &draft.recipe)?;
        Ok(draft)
    }

    /// How many there are, those with patterns included.
    fn len(&self) -> usize {
        self.routes.len() + self.families.len()
    }

    fn recipe(&self, id: u32) -> Option<&Arc<Recipe>> {
        let route = self.routes.get(&id).map(|route| &route.recipe);
        route.or_else(|| self.families.get(&id).map(|family| &family.recipe))
    }

    /// Lays a route from one source. It is active at once when its signals exist.
    fn add(&mut self, space: &mut SignalSpace, draft: Draft, maker: Maker, pattern: Option<u32>) -> u32 {
        let id = self.next_id();
        self.add_as(space, id, draft, (maker, pattern));
        id
    }

    /// The same under a number that is its own.
    fn add_as(&mut self, space: &mut SignalSpace, id: u32, draft: Draft, (maker, pattern): (Maker, Option<u32>)) {
        let route = Route {
            from: draft.from,
            to: draft.to,
            inputs: draft.inputs,
            maker,
            pattern,
            on_stale: draft.on_stale,
            recipe: draft.recipe,
            means: Meant::default(),
            ends: None,
            waiting: None,
            is_blocked: false,
            pace: Pace::default(),
            rank: 0,
            is_planned: false,
            count: 0,
            held: 0,
            failed: 0,
            error: None,
            last: None,
        };
        self.routes.insert(id, route);
        self.attach(space, id);
    }

    /// A route from one source becomes another; its id stays and its counters go on.
    fn change(&mut self, space: &mut SignalSpace, id: u32, draft: Draft) {
        self.detach(space, id);
        if let Some(route) = self.routes.get_mut(&id) {
            route.from = draft.from;
            route.to = draft.to;
            route.inputs = draft.inputs;
            route.on_stale = draft.on_stale;
            route.recipe = draft.recipe;
            route.error = None;
        }
        self.attach(space, id);
    }

    /// A number that no route has had.
    pub(crate) fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    /// Removes a route, and with one that has a pattern all that it stands for.
    fn remove(&mut self, space: &mut SignalSpace, id: u32) {
        for child in self.families.remove(&id).into_iter().flat_map(Family::into_children) {
            self.detach(space, child);
            self.routes.remove(&child);
        }
        self.detach(space, id);
        self.routes.remove(&id);
    }

    /// Symbols under this prefix may mean other signals now: whatever route is named by one follows it, and whatever was in
    /// the way of another may be no longer.
    pub(crate) fn follow_symbols(&mut self, space: &mut SignalSpace, prefix: &str) {
        let by_symbol = |name: &String| name.strip_prefix(prefix).is_some_and(|cell| !cell.contains(':'));
        self.attach_again(space, |route| {
            by_symbol(&route.from) || by_symbol(&route.to) || route.inputs.iter().any(by_symbol)
        });
    }

    /// A route is gone or goes elsewhere: those that it was in the way of begin.
    fn unblock(&mut self, space: &mut SignalSpace) {
        self.attach_again(space, |_| false);
    }

    fn attach_again(&mut self, space: &mut SignalSpace, is_meant: impl Fn(&Route) -> bool) {
        let chosen = self.routes.iter();
        let chosen = chosen.filter(|(_, route)| route.is_blocked || is_meant(route));
        // Who names its source comes before who has a pattern for it.
        let mut chosen: Vec<(bool, u32)> = chosen.map(|(id, route)| (route.pattern.is_some(), *id)).collect();
        chosen.sort_unstable();
        chosen.iter().for_each(|(_, id)| self.detach(space, *id));
        for (_, id) in chosen {
            self.attach(space, id);
        }
    }

    /// Ties a route to the signals that its names mean now, or lets it wait with the reason.
    fn attach(&mut self, space: &mut SignalSpace, id: u32) {
        let Some(route) = self.routes.get(&id) else { return };
        let is_child = route.pattern.is_some();
        let means = meant_by(space, &route.from, &route.inputs, &route.to);
        let obstacle = self.obstacle(&means, Some(id), is_child);
        let found = ends(space, &means, &route.recipe);
        if obstacle.is_none() {
            self.make_way(space, &means.target, id);
        }
        let Some(route) = self.routes.get_mut(&id) else { return };
        route.means = means;
        route.is_blocked = obstacle.is_some();
        if obstacle.is_some() {
            route.waiting = obstacle;
            return;
        }
        self.by_target.insert(route.means.target.clone(), id);
        match found {
            Ok(Some(ends)) => self.activate(space, id, ends),
            Ok(None) => self.wait_for_what_is_missing(space, id),
            Err(refused) => route.waiting = Some(refused.to_string()),
        }
    }

    /// A route that names its source takes a target from one that a pattern stands for.
    fn make_way(&mut self, space: &mut SignalSpace, target: &str, newcomer: u32) {
        let Some(other) = self.by_target.get(target).copied().filter(|other| *other != newcomer) else {
            return;
        };
        let from = self
            .routes
            .get(&newcomer)
            .map(|route| route.from.clone())
            .unwrap_or_default();
        self.detach(space, other);
        if let Some(route) = self.routes.get_mut(&other) {
            route.is_blocked = true;
            route.waiting = Some(graph::second_writer(target, &from));
        }
    }

    /// Unties a route from its signals and its names.
    fn detach(&mut self, space: &mut SignalSpace, id: u32) {
        let Some(route) = self.routes.get_mut(&id) else { return };
        let ends = route.ends.take();
        if let Some(due) = std::mem::take(&mut route.pace).due() {
            self.due.remove(&(due, id));
        }
        if self.by_target.get(&route.means.target) == Some(&id) {
            self.by_target.remove(&route.means.target);
        }
        for name in route.means.sources.iter().chain([&route.means.target]) {
            if let Some(waiting) = self.waiting_for.get_mut(name) {
                waiting.retain(|other| *other != id);
                if waiting.is_empty() {
                    self.waiting_for.remove(name);
                }
            }
        }
        let Some(ends) = ends else { return };
        self.ranks_are_old = true;
        self.into.remove(&ends.target);
        self.moved.push(Moved {
            id,
            before: Some(ends.target),
            after: None,
        });
        for source in ends.sources {
            if let Some(ids) = self.by_source.get_mut(&source) {
                ids.retain(|other| *other != id);
                space.set_routed(source, !ids.is_empty());
                if ids.is_empty() {
                    self.by_source.remove(&source);
                }
            }
        }
    }

    fn activate(&mut self, space: &mut SignalSpace, id: u32, ends: Ends) {
        self.ranks_are_old = true;
        self.into.insert(ends.target, id);
        self.moved.push(Moved {
            id,
            before: None,
            after: Some(ends.target),
        });
        self.wanted.push(id);
        for source in &ends.sources {
            let ids = self.by_source.entry(*source).or_default();
            if ids.last() != Some(&id) {
                ids.push(id);
            }
            space.set_routed(*source, true);
        }
        if let Some(route) = self.routes.get_mut(&id) {
            route.ends = Some(ends);
            route.waiting = None;
        }
    }

    /// The names under this prefix for which routes wait.
    pub(crate) fn missing(&self, prefix: &str) -> Vec<String> {
        let names = self.waiting_for.keys().filter(|name| name.starts_with(prefix));
        let mut names: Vec<String> = names.cloned().collect();
        names.sort_unstable();
        names
    }

    /// The symbols under a prefix that routes wait for, in the order of their routes.
    pub(crate) fn without_symbol(&self, prefix: &str) -> Vec<String> {
        let mut waiting: Vec<(u32, String)> = Vec::new();
        for (name, ids) in &self.waiting_for {
            if name.starts_with(prefix) && !name.contains(':') {
                waiting.extend(ids.iter().map(|id| (*id, name.clone())));
            }
        }
        waiting.sort_unstable();
        waiting.into_iter().map(|(_, name)| name).collect()
    }

    /// The route into a signal is evaluated anew in this turn.
    pub(crate) fn want_into(&mut self, target: SignalId) {
        self.wanted.extend(self.into.get(&target));
    }

    /// The sources of a route that runs.
    pub(crate) fn sources(&self, id: u32) -> &[SignalId] {
        let ends = self.routes.get(&id).and_then(|route| route.ends.as_ref());
        ends.map_or(&[], |ends| &ends.sources)
    }

    /// What becomes of the target of a route when its source is stale.
    pub(crate) fn on_stale(&self, id: u32) -> OnStale {
        self.routes.get(&id).map_or(OnStale::Hold, |route| route.on_stale)
    }

    /// A signal has appeared: routes that waited for it begin, or wait for the next one that is missing.
    pub(crate) fn signal_created(&mut self, space: &mut SignalSpace, created: SignalId) {
        for id in self.waiting_for.remove(space.name(created)).unwrap_or_default() {
            self.detach(space, id);
            self.attach(space, id);
        }
    }

    fn wait_for_what_is_missing(&mut self, space: &SignalSpace, id: u32) {
        let Some(route) = self.routes.get_mut(&id) else { return };
        let names = route.means.sources.iter();
        let missing = names.clone().find(|name| space.find(name).is_none());
        let missing = missing.unwrap_or(&route.means.target);
        let is_symbol = missing.starts_with("plc/") && !missing.contains(':');
        route.waiting = Some(match is_symbol {
            true => format!("no program has the symbol '{missing}' yet"),
            false => format!("no signal is called '{missing}' yet"),
        });
        self.waiting_for.entry(missing.clone()).or_default().push(id);
    }
}

/// Checks what can be checked of a route without signals; see [`RouteSetting::check`].
pub(crate) fn check_alone(setting: &RouteSetting, name_len_max: usize) -> Result<(), Refused> {
    let space = SignalSpace::new(0, name_len_max);
    Routes::default().check(&space, setting, 1, None).map(|_| ())
}

fn canonical(space: &SignalSpace, name: &str) -> Result<String, Refused> {
    crate::signal::name::canonical(name, space.name_len_max()).map_err(|error| Refused::BadValue {
        name: name.to_owned(),
        expected: error.to_string(),
    })
}

/// The canonical names of a route from one source.
fn draft(space: &SignalSpace, setting: &RouteSetting, recipe: Arc<Recipe>) -> Result<Draft, Refused> {
    let inputs = &setting.transform.inputs;
    for name in inputs.iter().map(|(_, name)| name).chain([&setting.to]) {
        if highest_capture(name).map_or(true, |highest| highest > 0) {
            return Err(Refused::BadValue {
                name: name.clone(),
                expected: format!("expected '*' in '{}' for what '$1' stands for", setting.from),
            });
        }
    }
    let names: Result<Vec<String>, Refused> = inputs.iter().map(|(_, name)| canonical(space, name)).collect();
    Ok(Draft {
        from: canonical(space, &setting.from)?,
        to: canonical(space, &setting.to)?,
        inputs: names?,
        on_stale: setting.on_stale,
        recipe,
        matcher: None,
    })
}

/// The names of a route with a pattern, with their captures still in them.
fn draft_of_pattern(space: &SignalSpace, setting: &RouteSetting, recipe: Arc<Recipe>) -> Result<Draft, Refused> {
    let bad_value = |name: &str, expected: String| Refused::BadValue {
        name: name.to_owned(),
        expected,
    };
    let matcher = Matcher::read(&setting.from, space.name_len_max());
    let matcher = matcher.map_err(|text| bad_value("from", text))?;
    let Transform { inputs, .. } = &setting.transform;
    let inputs = inputs
        .iter()
        .map(|(variable, name)| (format!("inputs.{variable}"), name));
    for (key, name) in inputs.chain([(String::from("to"), &setting.to)]) {
        let highest = highest_capture(name).map_err(|text| bad_value(&key, text))?;
        if highest > matcher.wildcards() {
            let (count, from) = (matcher.wildcards(), &setting.from);
            let text = format!("'{name}' names ${highest}, and '{from}' has {count} wildcards");
            return Err(bad_value(&key, text));
        }
        let sample = vec![String::from("x"); matcher.wildcards()];
        if is_pattern(name) {
            return Err(bad_value(
                &key,
                format!("'{name}': expected $1 and so on in the place of '*'"),
            ));
        }
        canonical(space, &filled(name, &sample))?;
    }
    Ok(Draft {
        from: setting.from.clone(),
        to: setting.to.clone(),
        inputs: setting.transform.inputs.iter().map(|(_, name)| name.clone()).collect(),
        on_stale: setting.on_stale,
        recipe,
        matcher: Some(matcher),
    })
}

/// The name of the signal that a canonical name means: a symbol stands for an address.
fn meant(space: &SignalSpace, name: &str) -> String {
    let found = space.find(name).map(|id| space.name(id));
    found.unwrap_or(name).to_owned()
}

fn meant_by(space: &SignalSpace, from: &str, inputs: &[String], to: &str) -> Meant {
    let sources = std::iter::once(from).chain(inputs.iter().map(String::as_str));
    Meant {
        sources: sources.map(|name| meant(space, name)).collect(),
        target: meant(space, to),
    }
}

/// The signals of a route, when all of them exist.
///
/// # Errors
///
/// The target is not a route's to write, or a kind does not fit.
fn ends(space: &SignalSpace, means: &Meant, recipe: &Recipe) -> Result<Option<Ends>, Refused> {
    let to = &means.target;
    if let Some(refusal) = is_state(to) {
        return Err(Refused::Conflict(refusal));
    }
    let target = space.find(to);
    if let Some(target) = target
        && space.owner(target) == Owner::Peer
    {
        return Err(Refused::Conflict(format!(
            "'{to}' is written by the peers of its endpoint; a route would be a second writer"
        )));
    }
    let sources: Option<Vec<SignalId>> = means.sources.iter().map(|name| space.find(name)).collect();
    let (Some(sources), Some(target)) = (sources, target) else {
        return Ok(None);
    };
    let seen = |id: SignalId| Seen {
        name: space.name(id),
        kind: space.cell(id).value.kind(),
    };
    let all: Vec<Seen<'_>> = sources.iter().map(|id| seen(*id)).collect();
    recipe.fits(&all, seen(target)).map_err(Refused::Conflict)?;
    Ok(Some(Ends { sources, target }))
}

#[cfg(test)]
mod tests;
