//! Plain routes: what is written to one signal is written to another.
//!
//! Checked when a route is added: both kinds fit, nobody else is meant to write the target, and no chain of routes leads back
//! to its start. A route whose signals do not exist yet waits for them. What a route carries is the value and the quality.

mod carry;

use crate::api::{Refused, RouteOrigin, RouteRow};
use crate::session::link::is_state;
use crate::settings::{OnStale, Owner, RouteSetting, Transform};
use crate::signal::{SignalId, SignalSpace, Value};
use crate::time::Time;
pub(crate) use carry::carry;
use rustc_hash::FxHashMap;

/// Both ends of a route that runs: source and target.
pub(crate) type Ends = (SignalId, SignalId);

/// One route.
#[derive(Debug)]
struct Route {
    from: String,
    to: String,
    from_project: bool,
    on_stale: OnStale,
    /// The names of the signals that `from` and `to` mean now: symbols stand for addresses.
    means: (String, String),
    /// Both ends, once they exist and fit.
    ends: Option<Ends>,
    /// Why it does not run although both names may exist.
    waiting: Option<String>,
    /// Another route is in its way since a symbol has moved.
    is_blocked: bool,
    count: u64,
    last: Option<(Value, Time)>,
}

/// A route whose signals are others than before.
#[derive(Debug)]
pub(crate) struct Moved {
    pub(crate) id: u32,
    pub(crate) before: Option<Ends>,
    pub(crate) after: Option<Ends>,
}

/// All routes, by id.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    routes: FxHashMap<u32, Route>,
    by_source: FxHashMap<SignalId, Vec<u32>>,
    by_target: FxHashMap<String, u32>,
    /// Names that do not exist yet, and the routes that wait for them.
    waiting_for: FxHashMap<String, Vec<u32>>,
    last_id: u32,
}

impl Routes {
    /// Would this route be added? Gives its canonical names.
    pub(crate) fn check(
        &self,
        space: &SignalSpace,
        from: &str,
        to: &str,
        routes_max: usize,
    ) -> Result<(String, String), Refused> {
        if self.routes.len() >= routes_max {
            return Err(Refused::Limit {
                what: "routes",
                limit: routes_max,
            });
        }
        let names = (canonical(space, from)?, canonical(space, to)?);
        let (source, target) = (meant(space, &names.0), meant(space, &names.1));
        if let Some(obstacle) = self.obstacle(&source, &target) {
            return Err(Refused::Conflict(obstacle));
        }
        ends(space, &source, &target)?;
        Ok(names)
    }

    /// Adds a route. It is active at once when both signals exist.
    pub(crate) fn add(
        &mut self,
        space: &mut SignalSpace,
        setting: &RouteSetting,
        from_project: bool,
        routes_max: usize,
    ) -> Result<u32, Refused> {
        let (from, to) = self.check(space, &setting.from, &setting.to, routes_max)?;
        let id = self.next_id();
        let route = Route {
            from,
            to,
            from_project,
            on_stale: setting.on_stale,
            means: (String::new(), String::new()),
            ends: None,
            waiting: None,
            is_blocked: false,
            count: 0,
            last: None,
        };
        self.routes.insert(id, route);
        self.attach(space, id);
        Ok(id)
    }

    /// A number that no route has had.
    pub(crate) fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    /// Removes a route and gives its names.
    pub(crate) fn remove(&mut self, space: &mut SignalSpace, id: u32) -> Option<(String, String)> {
        self.detach(space, id);
        let route = self.routes.remove(&id)?;
        Some((route.from, route.to))
    }

    /// Symbols under this prefix may mean other signals now: whatever route is named by one follows it, and whatever was in
    /// the way of another may be no longer.
    pub(crate) fn follow_symbols(&mut self, space: &mut SignalSpace, prefix: &str) -> Vec<Moved> {
        let by_symbol = |name: &str| name.strip_prefix(prefix).is_some_and(|cell| !cell.contains(':'));
        self.attach_again(space, |route| by_symbol(&route.from) || by_symbol(&route.to))
    }

    /// A route is gone: those that it was in the way of begin.
    pub(crate) fn unblock(&mut self, space: &mut SignalSpace) -> Vec<Moved> {
        self.attach_again(space, |_| false)
    }

    fn attach_again(&mut self, space: &mut SignalSpace, is_meant: impl Fn(&Route) -> bool) -> Vec<Moved> {
        let chosen = self
            .routes
            .iter()
            .filter(|(_, route)| route.is_blocked || is_meant(route));
        let mut moved: Vec<Moved> = chosen
            .map(|(id, route)| Moved {
                id: *id,
                before: route.ends,
                after: None,
            })
            .collect();
        moved.sort_unstable_by_key(|moved| moved.id);
        moved.iter().for_each(|moved| self.detach(space, moved.id));
        for moved in &mut moved {
            self.attach(space, moved.id);
            moved.after = self.routes.get(&moved.id).and_then(|route| route.ends);
        }
        moved.retain(|moved| moved.before != moved.after);
        moved
    }

    /// Ties a route to the signals that its names mean now, or lets it wait with the reason.
    fn attach(&mut self, space: &mut SignalSpace, id: u32) {
        let Some(route) = self.routes.get(&id) else { return };
        let means = (meant(space, &route.from), meant(space, &route.to));
        let obstacle = self.obstacle(&means.0, &means.1);
        let found = ends(space, &means.0, &means.1);
        let Some(route) = self.routes.get_mut(&id) else { return };
        route.means = means;
        route.is_blocked = obstacle.is_some();
        if obstacle.is_some() {
            route.waiting = obstacle;
            return;
        }
        self.by_target.insert(route.means.1.clone(), id);
        match found {
            Ok(Some(ends)) => self.activate(space, id, ends),
            Ok(None) => self.wait_for_what_is_missing(space, id),
            Err(refused) => route.waiting = Some(refused.to_string()),
        }
    }

    /// Unties a route from its signals and its names.
    fn detach(&mut self, space: &mut SignalSpace, id: u32) {
        let Some(route) = self.routes.get_mut(&id) else { return };
        let ends = route.ends.take();
        if self.by_target.get(&route.means.1) == Some(&id) {
            self.by_target.remove(&route.means.1);
        }
        for name in [&route.means.0, &route.means.1] {
            if let Some(waiting) = self.waiting_for.get_mut(name) {
                waiting.retain(|other| *other != id);
                if waiting.is_empty() {
                    self.waiting_for.remove(name);
                }
            }
        }
        if let Some((source, _)) = ends
            && let Some(ids) = self.by_source.get_mut(&source)
        {
            ids.retain(|other| *other != id);
            space.set_routed(source, !ids.is_empty());
        }
    }

    /// What is in the way of a route from one name to another.
    fn obstacle(&self, from: &str, to: &str) -> Option<String> {
        if let Some(other) = self.by_target.get(to).and_then(|id| self.routes.get(id)) {
            return Some(format!("'{to}' is written by a route from '{}' already", other.from));
        }
        let chain = self.chain_from(to, from)?;
        Some(format!("the routes would go in a circle: {from} → {chain}"))
    }

    /// The names under this prefix for which routes wait.
    pub(crate) fn missing(&self, prefix: &str) -> Vec<String> {
        let names = self.waiting_for.keys().filter(|name| name.starts_with(prefix));
        let mut names: Vec<String> = names.cloned().collect();
        names.sort_unstable();
        names
    }

    /// The source of the route into a signal.
    pub(crate) fn source_of(&self, target: SignalId) -> Option<SignalId> {
        let ends = self.routes.values().filter_map(|route| route.ends);
        ends.filter(|ends| ends.1 == target).map(|ends| ends.0).min()
    }

    /// Both ends of a route that runs.
    pub(crate) fn ends(&self, id: u32) -> Option<Ends> {
        self.routes.get(&id)?.ends
    }

    /// What becomes of the target of a route when its source is stale.
    pub(crate) fn on_stale(&self, id: u32) -> OnStale {
        self.routes.get(&id).map_or(OnStale::Hold, |route| route.on_stale)
    }

    /// A signal has appeared: routes that waited for it begin. Gives the sources that must be carried over now.
    pub(crate) fn signal_created(&mut self, space: &mut SignalSpace, created: SignalId) -> Vec<SignalId> {
        let Some(ids) = self.waiting_for.remove(space.name(created)) else {
            return Vec::new();
        };
        let mut sources = Vec::new();
        for id in ids {
            let Some(route) = self.routes.get(&id) else { continue };
            match ends(space, &route.means.0, &route.means.1) {
                Ok(Some(ends)) => {
                    self.activate(space, id, ends);
                    sources.push(ends.0);
                }
                Ok(None) => self.wait_for_what_is_missing(space, id),
                Err(refused) => {
                    if let Some(route) = self.routes.get_mut(&id) {
                        route.waiting = Some(refused.to_string());
                    }
                }
            }
        }
        sources
    }

    /// The targets of a source: route id and target.
    pub(crate) fn targets(&self, source: SignalId) -> impl Iterator<Item = (u32, SignalId)> + '_ {
        let ids = self.by_source.get(&source).map(Vec::as_slice).unwrap_or_default();
        ids.iter()
            .filter_map(|id| self.routes.get(id)?.ends.map(|(_, target)| (*id, target)))
    }

    /// Where a route begins, once both its ends exist.
    pub(crate) fn source(&self, id: u32) -> Option<SignalId> {
        self.routes.get(&id)?.ends.map(|(source, _)| source)
    }

    /// Counts a value that a route has carried.
    pub(crate) fn carried(&mut self, now: Time, id: u32, value: &Value) {
        if let Some(route) = self.routes.get_mut(&id) {
            route.count += 1;
            route.last = Some((value.clone(), now));
        }
    }

    /// One row per route, by id.
    pub(crate) fn rows(&self) -> Vec<RouteRow> {
        let mut rows: Vec<RouteRow> = self.routes.keys().filter_map(|id| self.row(*id)).collect();
        rows.sort_unstable_by_key(|row| row.id);
        rows
    }

    /// The row of one route.
    pub(crate) fn row(&self, id: u32) -> Option<RouteRow> {
        let route = self.routes.get(&id)?;
        Some(RouteRow {
            id,
            from: route.from.clone(),
            to: route.to.clone(),
            origin: match route.from_project {
                true => RouteOrigin::Project,
                false => RouteOrigin::Api,
            },
            on_stale: route.on_stale,
            waiting: route.waiting.clone(),
            count: route.count,
            held: 0,
            failed: 0,
            error: None,
            last_value: route.last.as_ref().map(|(value, _)| value.clone()),
            last_at: route.last.as_ref().map(|(_, at)| *at),
            transform: Transform::default(),
            pattern: None,
            fits: None,
        })
    }

    /// The chain of routes from one name to another, in words, when there is one. Every name has at most one route into it,
    /// so the walk goes backwards along a single path.
    fn chain_from(&self, start: &str, end: &str) -> Option<String> {
        let mut names = vec![end.to_owned()];
        while names.last().is_some_and(|name| name != start) {
            let last = names.last().expect("the list begins with one name");
            let into = self.by_target.get(last).and_then(|id| self.routes.get(id))?;
            names.push(into.means.0.clone());
        }
        names.reverse();
        Some(names.join(" → "))
    }

    fn activate(&mut self, space: &mut SignalSpace, id: u32, ends: (SignalId, SignalId)) {
        if let Some(route) = self.routes.get_mut(&id) {
            route.ends = Some(ends);
            route.waiting = None;
        }
        self.by_source.entry(ends.0).or_default().push(id);
        space.set_routed(ends.0, true);
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

    fn wait_for_what_is_missing(&mut self, space: &SignalSpace, id: u32) {
        let Some(route) = self.routes.get_mut(&id) else { return };
        let (from, to) = &route.means;
        let missing = if space.find(from).is_none() { from } else { to };
        let is_symbol = missing.starts_with("plc/") && !missing.contains(':');
        route.waiting = Some(match is_symbol {
            true => format!("no program has the symbol '{missing}' yet"),
            false => format!("no signal is called '{missing}' yet"),
        });
        self.waiting_for.entry(missing.clone()).or_default().push(id);
    }
}

fn canonical(space: &SignalSpace, name: &str) -> Result<String, Refused> {
    crate::signal::name::canonical(name, space.name_len_max()).map_err(|error| Refused::BadValue {
        name: name.to_owned(),
        expected: error.to_string(),
    })
}

/// The name of the signal that a canonical name means: a symbol stands for an address.
fn meant(space: &SignalSpace, name: &str) -> String {
    let found = space.find(name).map(|id| space.name(id));
    found.unwrap_or(name).to_owned()
}

fn ends(space: &SignalSpace, from: &str, to: &str) -> Result<Option<Ends>, Refused> {
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
    let (Some(source), Some(target)) = (space.find(from), target) else {
        return Ok(None);
    };
    let (have, want) = (space.cell(source).value.kind(), space.cell(target).value.kind());
    if carry(&Value::zero(have), want).is_none() {
        return Err(Refused::Conflict(format!(
            "'{from}' is {}, '{to}' is {}: a plain route does not convert that",
            have.word(),
            want.word()
        )));
    }
    Ok(Some((source, target)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Kind;

    fn house() -> (SignalSpace, Routes) {
        let mut space = SignalSpace::new(99, 99);
        for (name, owner, kind) in [
            ("twin/a/bit", Owner::Peer, Kind::Bool),
            ("twin/b/bit", Owner::Hub, Kind::Bool),
            ("twin/c/bit", Owner::Hub, Kind::Bool),
            ("twin/b/number", Owner::Hub, Kind::Float),
            ("twin/b/count", Owner::Hub, Kind::Int),
        ] {
            space.create(Time::ZERO, name, owner, Value::zero(kind)).unwrap();
        }
        (space, Routes::default())
    }

    fn add(space: &mut SignalSpace, routes: &mut Routes, from: &str, to: &str) -> Result<u32, Refused> {
        routes.add(space, &RouteSetting::plain(from, to), false, 99)
    }

    fn refusal(space: &mut SignalSpace, routes: &mut Routes, from: &str, to: &str) -> String {
        add(space, routes, from, to).unwrap_err().to_string()
    }

    #[test]
    fn a_route_that_breaks_a_rule_is_refused_with_the_reason() {
        let (mut space, mut routes) = house();
        let mut check = |from: &str, to: &str, words: &str| {
            let text = refusal(&mut space, &mut routes, from, to);
            assert!(text.contains(words), "{text}");
        };
        check("twin/b/bit", "twin/a/bit", "second writer");
        check("twin/b/number", "twin/b/count", "does not convert");
        check("nonsense", "twin/b/bit", "should begin with");
        check("twin/b/bit", "twin/b/bit", "circle: twin/b/bit → twin/b/bit");
    }

    #[test]
    fn two_routes_into_one_signal_and_circles_over_several_are_refused() {
        let (mut space, mut routes) = house();
        add(&mut space, &mut routes, "twin/a/bit", "twin/b/bit").unwrap();
        add(&mut space, &mut routes, "twin/b/bit", "twin/c/bit").unwrap();
        let second = refusal(&mut space, &mut routes, "twin/c/bit", "twin/b/bit");
        assert!(second.contains("from 'twin/a/bit' already"), "{second}");
        add(&mut space, &mut routes, "twin/c/bit", "twin/d/later").unwrap();
        let circle = refusal(&mut space, &mut routes, "twin/d/later", "twin/a/bit");
        assert!(
            circle.contains("twin/d/later → twin/a/bit → twin/b/bit → twin/c/bit → twin/d/later"),
            "{circle}"
        );
    }

    #[test]
    fn a_route_waits_for_its_signals_and_begins_when_they_appear() {
        let (mut space, mut routes) = house();
        let id = add(&mut space, &mut routes, "twin/x/new", "twin/b/bit").unwrap();
        assert_eq!(
            routes.row(id).unwrap().waiting.unwrap(),
            "no signal is called 'twin/x/new' yet"
        );
        let created = space
            .create(Time::ZERO, "twin/x/new", Owner::Peer, Value::Bool(true))
            .unwrap();
        assert_eq!(routes.signal_created(&mut space, created), [created]);
        assert_eq!(routes.row(id).unwrap().waiting, None);
        assert_eq!(routes.targets(created).count(), 1);
        routes.remove(&mut space, id).unwrap();
        assert_eq!(routes.targets(created).count(), 0);
        assert!(!space.cell(created).is_routed);
    }
}
