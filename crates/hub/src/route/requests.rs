//! Routes through the API: who may lay which, and what is written down of it.

use super::Maker;
use super::pattern::any_names;
use crate::access::{Access, Actor};
use crate::api::{Refused, Reply, RouteRow};
use crate::hub::Hub;
use crate::request::route_problem;
use crate::rights;
use crate::settings::{OnStale, RouteSetting, Transform};
use serde_json::{Map as JsonMap, Value as Json};

impl Hub {
    /// The routes of which all signals may be seen.
    pub(crate) fn route_rows(&self, access: &Access) -> Vec<RouteRow> {
        let mut rows = self.routes.rows();
        rows.extend(self.piplc.table.rows());
        rows.retain(|row| self.sees_route(access, (&row.from, &row.to), &row.transform));
        rows
    }

    /// Every signal that a route names may be seen; of one with a pattern every signal that it can come to stand for.
    fn sees_route(&self, access: &Access, (from, to): (&str, &str), transform: &Transform) -> bool {
        if access.view.is_all() {
            return true;
        }
        let spans = from.contains("**");
        let inputs = transform.inputs.iter().map(|(_, name)| name.as_str());
        let mut names = [from, to]
            .into_iter()
            .chain(inputs)
            .flat_map(|name| any_names(name, spans));
        names.all(|name| access.sees(&self.meant(&name)))
    }

    fn writes_target(&self, access: &Access, (from, to): (&str, &str)) -> bool {
        any_names(to, from.contains("**"))
            .iter()
            .all(|name| access.writes(&self.meant(name)))
    }

    /// A route writes for ever what its maker may write once.
    pub(super) fn may_tie(&self, access: &Access, route: &RouteSetting) -> Result<(), Refused> {
        let RouteSetting { from, to, .. } = route;
        match self.sees_route(access, (from, to), &route.transform) && self.writes_target(access, (from, to)) {
            true => Ok(()),
            false => Err(rights::forbidden(access, format!("tie '{from}' to '{to}'"))),
        }
    }

    /// The route of this id, where somebody may change it.
    pub(super) fn may_untie(&self, access: &Access, id: u32) -> Result<RouteRow, Refused> {
        if self.piplc.table.holds(id) {
            let text = format!("route {id} stands in the table of PiPLC clients; change it there");
            return Err(Refused::Conflict(text));
        }
        let row = self.routes.row(id).ok_or_else(|| no_route(id))?;
        if !self.sees_route(access, (&row.from, &row.to), &row.transform) {
            return Err(no_route(id));
        }
        if let Some(pattern) = row.pattern {
            let text =
                format!("route {id} is one of those that the pattern of route {pattern} stands for; change that one");
            return Err(Refused::Conflict(text));
        }
        match self.writes_target(access, (&row.from, &row.to)) {
            true => Ok(row),
            false => Err(rights::forbidden(
                access,
                format!("untie '{}' from '{}'", row.to, row.from),
            )),
        }
    }

    pub(crate) fn api_check_route(
        &mut self,
        by: &Actor,
        route: &RouteSetting,
        instead_of: Option<u32>,
    ) -> Result<Reply, Refused> {
        if let Some(id) = instead_of {
            self.may_untie(&by.access, id)?;
        }
        self.may_tie(&by.access, route)?;
        self.make_places_of_route(route)?;
        let checked = (self.routes).check(&self.ledger.space, route, self.limits.routes_max, instead_of);
        checked.map(|_| Reply::Done)
    }

    pub(crate) fn api_add_route(&mut self, by: &Actor, route: RouteSetting) -> Result<Reply, Refused> {
        self.may_tie(&by.access, &route)?;
        let id = self.add_route(&route, Maker::Api)?;
        let row = self.routes.row(id).ok_or_else(|| no_route(id))?;
        self.audit(by, "route.add", route.to, (Json::Null, Json::from(route.from)));
        Ok(Reply::Route(Box::new(row)))
    }

    pub(crate) fn api_change_route(&mut self, by: &Actor, id: u32, route: RouteSetting) -> Result<Reply, Refused> {
        let before = self.may_untie(&by.access, id)?;
        self.may_tie(&by.access, &route)?;
        self.make_places_of_route(&route)?;
        let draft = (self.routes).check(&self.ledger.space, &route, self.limits.routes_max, Some(id))?;
        let maker = self.routes.maker(id).unwrap_or(Maker::Api);
        self.relay(id, draft, maker);
        self.problems.clear(&route_problem(&before.from, &before.to));
        let row = self.routes.row(id).ok_or_else(|| no_route(id))?;
        let old = as_json((&before.from, &before.to), before.on_stale, &before.transform);
        let new = as_json((&row.from, &row.to), row.on_stale, &row.transform);
        self.audit(by, "route.change", route.to, (old, new));
        Ok(Reply::Route(Box::new(row)))
    }

    pub(crate) fn api_remove_route(&mut self, by: &Actor, id: u32) -> Result<Reply, Refused> {
        let row = self.may_untie(&by.access, id)?;
        self.drop_route(id);
        self.audit(by, "route.remove", row.to, (Json::from(row.from), Json::Null));
        Ok(Reply::Done)
    }
}

pub(super) fn no_route(id: u32) -> Refused {
    Refused::NotFound {
        what: "route",
        name: id.to_string(),
    }
}

/// A route as the audit log writes it: the keys that are set.
fn as_json((from, to): (&str, &str), on_stale: OnStale, transform: &Transform) -> Json {
    let mut keys = JsonMap::new();
    let mut set = |key: &str, value: Option<Json>| keys.extend(value.map(|value| (key.to_owned(), value)));
    set("from", Some(Json::from(from)));
    set("to", Some(Json::from(to)));
    set(
        "on_stale",
        (on_stale != OnStale::Hold).then(|| Json::from(on_stale.word())),
    );
    set("expr", transform.expr.as_deref().map(Json::from));
    let inputs = transform
        .inputs
        .iter()
        .map(|(name, signal)| (name.clone(), Json::from(signal.as_str())));
    let inputs: JsonMap<String, Json> = inputs.collect();
    set("inputs", (!inputs.is_empty()).then_some(Json::Object(inputs)));
    let map = transform.map.as_ref().map(|map| {
        let entries = map
            .entries
            .iter()
            .map(|(key, value)| (key.clone(), rights::json(value)));
        let otherwise = map
            .otherwise
            .iter()
            .map(|value| (String::from("*"), rights::json(value)));
        Json::Object(entries.chain(otherwise).collect())
    });
    set("map", map);
    set("invert", transform.invert.then_some(Json::Bool(true)));
    set("scale", transform.scale.map(Json::from));
    set("offset", transform.offset.map(Json::from));
    set("deadband", transform.deadband.map(Json::from));
    let every = transform
        .every
        .map(|every| u64::try_from(every.as_millis()).unwrap_or(u64::MAX));
    set("every_ms", every.map(Json::from));
    Json::Object(keys)
}
