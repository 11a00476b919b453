//! Plain routes: what is written to one signal is written to another.
//!
//! Checked when a route is added: both kinds fit, nobody else is meant to write the target, and no chain of routes leads back
//! to its start. A route whose signals do not exist yet waits for them. What a route carries is the value and the quality.

use crate::api::{Refused, RouteRow};
use crate::session::link::STATE_PREFIX;
use crate::settings::Owner;
use crate::signal::{Kind, SignalId, SignalSpace, Value};
use crate::time::Time;
use rustc_hash::FxHashMap;

/// One route.
#[derive(Debug)]
struct Route {
    from: String,
    to: String,
    from_project: bool,
    /// Both ends, once they exist and fit.
    ends: Option<(SignalId, SignalId)>,
    /// Why it does not run although both names may exist.
    waiting: Option<String>,
    count: u64,
    last: Option<(Value, Time)>,
}

/// A route that may be added.
#[derive(Debug)]
pub(crate) struct Checked {
    from: String,
    to: String,
    ends: Option<(SignalId, SignalId)>,
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
    /// Would this route be added? Gives its canonical names, and its ends when both signals exist.
    pub(crate) fn check(
        &self,
        space: &SignalSpace,
        from: &str,
        to: &str,
        routes_max: usize,
    ) -> Result<Checked, Refused> {
        if self.routes.len() >= routes_max {
            return Err(Refused::Limit {
                what: "routes",
                limit: routes_max,
            });
        }
        let from = canonical(space, from)?;
        let to = canonical(space, to)?;
        if let Some(other) = self.by_target.get(&to).and_then(|id| self.routes.get(id)) {
            return Err(Refused::Conflict(format!(
                "'{to}' is written by a route from '{}' already",
                other.from
            )));
        }
        if let Some(chain) = self.chain_from(&to, &from) {
            return Err(Refused::Conflict(format!(
                "the routes would go in a circle: {from} → {chain}"
            )));
        }
        let ends = ends(space, &from, &to)?;
        Ok(Checked { from, to, ends })
    }

    /// Adds a route. It is active at once when both signals exist.
    pub(crate) fn add(
        &mut self,
        space: &mut SignalSpace,
        from: &str,
        to: &str,
        from_project: bool,
        routes_max: usize,
    ) -> Result<u32, Refused> {
        let Checked { from, to, ends } = self.check(space, from, to, routes_max)?;
        self.last_id += 1;
        let id = self.last_id;
        self.by_target.insert(to.clone(), id);
        let route = Route {
            from,
            to,
            from_project,
            ends: None,
            waiting: None,
            count: 0,
            last: None,
        };
        self.routes.insert(id, route);
        match ends {
            Some(ends) => self.activate(space, id, ends),
            None => self.wait_for_what_is_missing(space, id),
        }
        Ok(id)
    }

    /// Removes a route and gives its names.
    pub(crate) fn remove(&mut self, space: &mut SignalSpace, id: u32) -> Option<(String, String)> {
        let route = self.routes.remove(&id)?;
        self.by_target.remove(&route.to);
        for name in [&route.from, &route.to] {
            if let Some(waiting) = self.waiting_for.get_mut(name) {
                waiting.retain(|other| *other != id);
                if waiting.is_empty() {
                    self.waiting_for.remove(name);
                }
            }
        }
        if let Some((source, _)) = route.ends
            && let Some(ids) = self.by_source.get_mut(&source)
        {
            ids.retain(|other| *other != id);
            space.set_routed(source, !ids.is_empty());
        }
        Some((route.from, route.to))
    }

    /// A signal has appeared: routes that waited for it begin. Gives the sources that must be carried over now.
    pub(crate) fn signal_created(&mut self, space: &mut SignalSpace, created: SignalId) -> Vec<SignalId> {
        let Some(ids) = self.waiting_for.remove(space.name(created)) else {
            return Vec::new();
        };
        let mut sources = Vec::new();
        for id in ids {
            let Some(route) = self.routes.get(&id) else { continue };
            match ends(space, &route.from, &route.to) {
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
            from_project: route.from_project,
            waiting: route.waiting.clone(),
            count: route.count,
            last_value: route.last.as_ref().map(|(value, _)| value.clone()),
            last_at: route.last.as_ref().map(|(_, at)| *at),
        })
    }

    /// The chain of routes from one name to another, in words, when there is one. Every name has at most one route into it,
    /// so the walk goes backwards along a single path.
    fn chain_from(&self, start: &str, end: &str) -> Option<String> {
        let mut names = vec![end.to_owned()];
        while names.last().is_some_and(|name| name != start) {
            let last = names.last().expect("the list begins with one name");
            let into = self.by_target.get(last).and_then(|id| self.routes.get(id))?;
            names.push(into.from.clone());
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

    fn wait_for_what_is_missing(&mut self, space: &SignalSpace, id: u32) {
        let Some(route) = self.routes.get_mut(&id) else { return };
        let missing = if space.find(&route.from).is_none() {
            &route.from
        } else {
            &route.to
        };
        route.waiting = Some(format!("no signal is called '{missing}' yet"));
        self.waiting_for.entry(missing.clone()).or_default().push(id);
    }
}

/// The value as the target holds it; `None` when it does not fit (a plain route changes nothing but the form).
pub(crate) fn carry(value: &Value, target: Kind) -> Option<Value> {
    match (value, target) {
        (value, target) if value.kind() == target => Some(value.clone()),
        (Value::Bool(value), Kind::Int) => Some(Value::Int(i64::from(*value))),
        (Value::Bool(value), Kind::Float) => Some(Value::Float(f64::from(u8::from(*value)))),
        (Value::Int(value), Kind::Float) => Some(Value::Float(*value as f64)),
        (Value::Int(value), Kind::Bool) => Some(Value::Bool(*value != 0)),
        _ => None,
    }
}

fn canonical(space: &SignalSpace, name: &str) -> Result<String, Refused> {
    crate::signal::name::canonical(name, space.name_len_max()).map_err(|error| Refused::BadValue {
        name: name.to_owned(),
        expected: error.to_string(),
    })
}

fn ends(space: &SignalSpace, from: &str, to: &str) -> Result<Option<(SignalId, SignalId)>, Refused> {
    if to.starts_with(STATE_PREFIX) {
        return Err(Refused::Conflict(format!(
            "'{to}' says how a link stands; only the hub writes it"
        )));
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

    fn refusal(space: &mut SignalSpace, routes: &mut Routes, from: &str, to: &str) -> String {
        routes.add(space, from, to, false, 99).unwrap_err().to_string()
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
        routes.add(&mut space, "twin/a/bit", "twin/b/bit", true, 99).unwrap();
        routes.add(&mut space, "twin/b/bit", "twin/c/bit", true, 99).unwrap();
        let second = refusal(&mut space, &mut routes, "twin/c/bit", "twin/b/bit");
        assert!(second.contains("from 'twin/a/bit' already"), "{second}");
        routes.add(&mut space, "twin/c/bit", "twin/d/later", true, 99).unwrap();
        let circle = refusal(&mut space, &mut routes, "twin/d/later", "twin/a/bit");
        assert!(
            circle.contains("twin/d/later → twin/a/bit → twin/b/bit → twin/c/bit → twin/d/later"),
            "{circle}"
        );
    }

    #[test]
    fn a_route_waits_for_its_signals_and_begins_when_they_appear() {
        let (mut space, mut routes) = house();
        let id = routes.add(&mut space, "twin/x/new", "twin/b/bit", false, 99).unwrap();
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
