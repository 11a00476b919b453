//! Many routes at once: those of the project file when it has changed, or of a table. All of them are laid, or none is.

use super::requests::no_route;
use super::{Draft, Maker, Routes, meant};
use crate::access::Actor;
use crate::api::{Refused, Reply, RoutesSet};
use crate::hub::Hub;
use crate::request::route_problem;
use crate::settings::RouteSetting;
use crate::signal::SignalSpace;
use crate::signal::name::canonical;
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Value as Json, json};

/// What becomes of one route of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is there as it is.
    Same(u32),
    /// It takes the place of this one.
    Changes(u32),
    /// It is not there.
    Added,
}

impl Routes {
    pub(super) fn maker(&self, id: u32) -> Option<Maker> {
        let route = self.routes.get(&id).map(|route| route.maker);
        route.or_else(|| self.families.get(&id).map(|family| family.maker))
    }

    pub(super) fn set_maker(&mut self, id: u32, maker: Maker) {
        if let Some(route) = self.routes.get_mut(&id) {
            route.maker = maker;
        }
        if let Some(family) = self.families.get_mut(&id) {
            family.maker = maker;
        }
    }

    /// The routes that can be set together, by id: none of a pattern's children and none that belongs to a signal.
    fn settable(&self) -> Vec<u32> {
        let routes = self.routes.iter();
        let routes = routes.filter(|(_, route)| route.pattern.is_none() && route.maker != Maker::Signal);
        let mut ids: Vec<u32> = routes.map(|(id, _)| *id).chain(self.families.keys().copied()).collect();
        ids.sort_unstable();
        ids
    }

    /// For each route of a list whether it is there already: by both its names, else by its target.
    fn fates(&self, space: &SignalSpace, list: &[RouteSetting]) -> Vec<Fate> {
        let mut by_names: FxHashMap<(String, String), u32> = FxHashMap::default();
        let mut by_target: FxHashMap<String, u32> = FxHashMap::default();
        for id in self.settable() {
            let Some(setting) = self.setting(id) else { continue };
            if self.routes.contains_key(&id) {
                by_target.entry(meant(space, &setting.to)).or_insert(id);
            }
            by_names.insert((setting.from, setting.to), id);
        }
        let spelt = |name: &str| canonical(name, space.name_len_max()).unwrap_or_else(|_| name.to_owned());
        let names = |setting: &RouteSetting| match super::is_pattern(&setting.from) {
            true => (setting.from.clone(), setting.to.clone()),
            false => (spelt(&setting.from), spelt(&setting.to)),
        };
        // Whoever has both names of a route comes before who has only its target.
        let mut fates: Vec<Option<u32>> = list.iter().map(|setting| by_names.remove(&names(setting))).collect();
        let mut taken: Vec<u32> = fates.iter().copied().flatten().collect();
        taken.sort_unstable();
        by_target.retain(|_, id| taken.binary_search(id).is_err());
        for (fate, setting) in fates.iter_mut().zip(list) {
            if fate.is_none() && !super::is_pattern(&setting.from) {
                *fate = by_target.remove(&meant(space, &names(setting).1));
            }
        }
        let fate = |(id, setting): (Option<u32>, &RouteSetting)| match id {
            None => Fate::Added,
            Some(id) if self.is_as(id, setting, &names(setting)) => Fate::Same(id),
            Some(id) => Fate::Changes(id),
        };
        fates.into_iter().zip(list).map(fate).collect()
    }

    fn is_as(&self, id: u32, setting: &RouteSetting, (from, to): &(String, String)) -> bool {
        self.setting(id).is_some_and(|own| {
            (&own.from, &own.to, own.on_stale) == (from, to, setting.on_stale) && own.transform == setting.transform
        })
    }

    /// Takes the place of another state of all routes: what leads from which signal is marked anew.
    fn restore(&mut self, space: &mut SignalSpace, before: Routes) {
        for source in self.by_source.keys() {
            space.set_routed(*source, false);
        }
        *self = before;
        for source in self.by_source.keys() {
            space.set_routed(*source, true);
        }
    }
}

impl Hub {
    pub(crate) fn api_set_routes(
        &mut self,
        by: &Actor,
        list: &[RouteSetting],
        replace: bool,
    ) -> Result<Reply, Refused> {
        let located = |index: usize| {
            move |refused| Refused::Route {
                index,
                refused: Box::new(refused),
            }
        };
        for (index, setting) in list.iter().enumerate() {
            self.may_tie(&by.access, setting).map_err(located(index))?;
        }
        let fates = self.routes.fates(&self.ledger.space, list);
        let mut removed = Vec::new();
        if replace {
            let stay = fates.iter().filter_map(|fate| match fate {
                Fate::Same(id) | Fate::Changes(id) => Some(*id),
                Fate::Added => None,
            });
            let stay: FxHashSet<u32> = stay.collect();
            for id in self.routes.settable() {
                if stay.contains(&id) {
                    continue;
                }
                match self.may_untie(&by.access, id) {
                    Ok(_) => removed.push(id),
                    // Whoever does not see a route does not remove it.
                    Err(refused) if refused == no_route(id) => {}
                    Err(refused) => return Err(refused),
                }
            }
        }
        let before = self.routes.clone();
        let set = match self.set_routes(list, &fates, &removed) {
            Ok(set) => set,
            Err(refused) => {
                self.routes.restore(&mut self.ledger.space, before);
                return Err(refused);
            }
        };
        for setting in list {
            self.problems.clear(&route_problem(&setting.from, &setting.to));
        }
        if set.added + set.changed + set.removed > 0 {
            let new = json!({"added": set.added, "changed": set.changed, "removed": set.removed});
            self.audit(by, "route.set", String::from("routes"), (Json::Null, new));
        }
        Ok(Reply::RoutesSet(set))
    }

    /// Removes, changes and adds. When one cannot be laid the routes are in between, and the caller puts them back.
    fn set_routes(&mut self, list: &[RouteSetting], fates: &[Fate], removed: &[u32]) -> Result<RoutesSet, Refused> {
        for id in removed {
            self.routes.remove(&mut self.ledger.space, *id);
        }
        // Nothing that is to change is in the way of another that does.
        for fate in fates {
            if let Fate::Changes(id) = fate {
                self.routes.detach(&mut self.ledger.space, *id);
                if let Some(route) = self.routes.routes.get_mut(id) {
                    route.is_blocked = false;
                }
            }
        }
        let mut set = RoutesSet {
            removed: removed.len(),
            ..RoutesSet::default()
        };
        for (index, (setting, fate)) in list.iter().zip(fates).enumerate() {
            let instead_of = match fate {
                Fate::Same(id) => {
                    set.same += 1;
                    self.routes.set_maker(*id, Maker::Project);
                    continue;
                }
                Fate::Changes(id) => Some(*id),
                Fate::Added => None,
            };
            let draft = self.draft_of(setting, instead_of).map_err(|refused| Refused::Route {
                index,
                refused: Box::new(refused),
            })?;
            match instead_of {
                Some(id) => {
                    set.changed += 1;
                    self.relay_one(id, draft, Maker::Project);
                }
                None => {
                    set.added += 1;
                    self.lay(draft, Maker::Project);
                }
            }
        }
        self.routes.unblock(&mut self.ledger.space);
        Ok(set)
    }

    fn draft_of(&mut self, setting: &RouteSetting, instead_of: Option<u32>) -> Result<Draft, Refused> {
        self.make_places_of_route(setting)?;
        (self.routes).check(&self.ledger.space, setting, self.limits.routes_max, instead_of)
    }
}
