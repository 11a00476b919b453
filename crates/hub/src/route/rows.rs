//! Routes as the API lists them.

use super::family::Family;
use super::{Route, Routes};
use crate::api::RouteRow;
use crate::settings::RouteSetting;

impl Routes {
    /// One row per route, by id.
    pub(crate) fn rows(&self) -> Vec<RouteRow> {
        let ids = self.routes.keys().chain(self.families.keys());
        let mut rows: Vec<RouteRow> = ids.filter_map(|id| self.row(*id)).collect();
        rows.sort_unstable_by_key(|row| row.id);
        rows
    }

    /// The row of one route.
    pub(crate) fn row(&self, id: u32) -> Option<RouteRow> {
        match (self.routes.get(&id), self.families.get(&id)) {
            (Some(route), _) => Some(row_of(id, route)),
            (None, Some(family)) => Some(self.row_of_family(id, family)),
            (None, None) => None,
        }
    }

    /// A route as it could be laid.
    pub(crate) fn setting(&self, id: u32) -> Option<RouteSetting> {
        let row = self.row(id)?;
        Some(RouteSetting {
            from: row.from,
            to: row.to,
            on_stale: row.on_stale,
            transform: row.transform,
        })
    }

    /// A route with a pattern counts what those count that it stands for.
    fn row_of_family(&self, id: u32, family: &Family) -> RouteRow {
        let mut children: Vec<(u32, &Route)> = family
            .children()
            .filter_map(|child| Some((child, self.routes.get(&child)?)))
            .collect();
        children.sort_unstable_by_key(|(child, _)| *child);
        let last = children.iter().filter_map(|(_, route)| route.last.as_ref());
        let last = last.max_by_key(|(_, at)| *at);
        let sum = |count: fn(&Route) -> u64| children.iter().map(|(_, route)| count(route)).sum();
        RouteRow {
            id,
            from: family.from.clone(),
            to: family.to.clone(),
            origin: family.maker.origin(),
            on_stale: family.on_stale,
            waiting: family.waiting.clone(),
            count: sum(|route| route.count),
            held: sum(|route| route.held),
            failed: sum(|route| route.failed),
            error: children.iter().find_map(|(_, route)| route.error.clone()),
            last_value: last.map(|(value, _)| value.clone()),
            last_at: last.map(|(_, at)| *at),
            transform: family.recipe.setting.clone(),
            pattern: None,
            fits: Some(children.len()),
        }
    }
}

fn row_of(id: u32, route: &Route) -> RouteRow {
    let mut transform = route.recipe.setting.clone();
    if route.pattern.is_some() {
        // What a pattern has caught stands in the names of the inputs too.
        let names = transform.inputs.iter_mut().zip(&route.inputs);
        names.for_each(|((_, name), own)| name.clone_from(own));
    }
    RouteRow {
        id,
        from: route.from.clone(),
        to: route.to.clone(),
        origin: route.maker.origin(),
        on_stale: route.on_stale,
        waiting: route.waiting.clone(),
        count: route.count,
        held: route.held,
        failed: route.failed,
        error: route.error.clone(),
        last_value: route.last.as_ref().map(|(value, _)| value.clone()),
        last_at: route.last.as_ref().map(|(_, at)| *at),
        transform,
        pattern: route.pattern,
        fits: None,
    }
}
