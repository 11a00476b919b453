//! Routes with patterns: each stands for a route from every signal that it fits, also from those that come later.

use super::pattern::{Matcher, filled};
use super::transform::Recipe;
use super::{Draft, Maker, Routes, canonical};
use crate::api::Refused;
use crate::hub::Hub;
use crate::settings::OnStale;
use crate::signal::{SignalId, SignalSpace};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A route with a pattern, and the routes that it stands for.
#[derive(Clone, Debug)]
pub(super) struct Family {
    pub(super) from: String,
    pub(super) to: String,
    inputs: Vec<String>,
    pub(super) on_stale: OnStale,
    pub(super) recipe: Arc<Recipe>,
    matcher: Matcher,
    pub(super) maker: Maker,
    /// By the names of their sources.
    children: FxHashMap<String, u32>,
    /// Why some signals that fit have no route.
    pub(super) waiting: Option<String>,
}

/// A route that a pattern stands for.
struct Child {
    from: String,
    to: String,
    inputs: Vec<String>,
}

impl Family {
    pub(super) fn children(&self) -> impl Iterator<Item = u32> + '_ {
        self.children.values().copied()
    }

    /// Its children, the oldest first.
    pub(super) fn into_children(self) -> Vec<u32> {
        let mut ids: Vec<u32> = self.children.into_values().collect();
        ids.sort_unstable();
        ids
    }

    /// The route for a signal, when its name fits. A signal is not tied to itself.
    fn child(&self, space: &SignalSpace, name: &str) -> Option<Result<Child, Refused>> {
        let caught = self.matcher.captures(name)?;
        let names = || {
            let to = canonical(space, &filled(&self.to, &caught))?;
            let inputs = self
                .inputs
                .iter()
                .map(|input| canonical(space, &filled(input, &caught)));
            Ok(Child {
                from: name.to_owned(),
                to,
                inputs: inputs.collect::<Result<_, Refused>>()?,
            })
        };
        let child = names();
        match &child {
            Ok(child) if space.find(&child.to).is_some_and(|to| space.find(name) == Some(to)) => None,
            _ => Some(child),
        }
    }

    fn draft(&self, child: Child) -> Draft {
        Draft {
            from: child.from,
            to: child.to,
            inputs: child.inputs,
            on_stale: self.on_stale,
            recipe: self.recipe.clone(),
            matcher: None,
        }
    }
}

impl Routes {
    /// A pattern stands once with a target.
    pub(super) fn check_pattern(&self, draft: &Draft, instead_of: Option<u32>) -> Result<(), Refused> {
        let mut others = self.families.iter().filter(|(id, _)| Some(**id) != instead_of);
        match others.any(|(_, family)| (&family.from, &family.to) == (&draft.from, &draft.to)) {
            true => Err(Refused::Conflict(format!(
                "there is a route from '{}' to '{}' already",
                draft.from, draft.to
            ))),
            false => Ok(()),
        }
    }

    /// Does any pattern wait for signals that appear?
    fn has_patterns(&self) -> bool {
        !self.families.is_empty()
    }

    /// The children of a family whose names are no longer those that it gives.
    fn outgrown(&self, space: &SignalSpace, id: u32) -> Vec<(String, u32)> {
        let Some(family) = self.families.get(&id) else {
            return Vec::new();
        };
        let stays = |from: &str, child: u32| {
            let route = self.routes.get(&child);
            let wanted = family.child(space, from).and_then(Result::ok);
            route.zip(wanted).is_some_and(|(route, wanted)| route.to == wanted.to)
        };
        let children = family.children.iter().filter(|(from, child)| !stays(from, **child));
        let mut gone: Vec<(String, u32)> = children.map(|(from, child)| (from.clone(), *child)).collect();
        gone.sort_unstable_by_key(|(_, child)| *child);
        gone
    }
}

impl Hub {
    /// Lays a route with a pattern, and one from each signal that it fits. With an id it takes the place of the route of this id,
    /// and what both stand for goes on.
    pub(super) fn lay_pattern(&mut self, draft: Draft, maker: Maker, instead_of: Option<u32>) -> u32 {
        let id = instead_of.unwrap_or_else(|| self.routes.next_id());
        let Some(matcher) = draft.matcher else { return id };
        let before = self.routes.families.remove(&id);
        let family = Family {
            from: draft.from,
            to: draft.to,
            inputs: draft.inputs,
            on_stale: draft.on_stale,
            recipe: draft.recipe,
            matcher,
            maker,
            children: before.map(|family| family.children).unwrap_or_default(),
            waiting: None,
        };
        self.routes.families.insert(id, family);
        for (from, child) in self.routes.outgrown(&self.ledger.space, id) {
            self.routes.remove(&mut self.ledger.space, child);
            if let Some(family) = self.routes.families.get_mut(&id) {
                family.children.remove(&from);
            }
        }
        self.make_places_of_pattern(id);
        for name in self.names_for(id) {
            self.extend_family(id, &name);
        }
        self.routes.unblock(&mut self.ledger.space);
        id
    }

    /// The names that a pattern is tried on: those of signals, or the symbols of programs.
    fn names_for(&self, id: u32) -> Vec<String> {
        let Some(family) = self.routes.families.get(&id) else {
            return Vec::new();
        };
        let space = &self.ledger.space;
        let fits = |name: &&str| family.matcher.captures(name).is_some();
        if family.matcher.is_of_symbols() {
            let mut names: Vec<String> = space.aliases().filter(fits).map(str::to_owned).collect();
            names.sort_unstable();
            return names;
        }
        let names = (0..space.len() as u32).map(|id| space.name(SignalId(id)));
        names.filter(fits).map(str::to_owned).collect()
    }

    /// An address behind a pattern of contexts is a signal in each context that fits.
    fn make_places_of_pattern(&mut self, id: u32) {
        let Some(family) = self.routes.families.get(&id) else {
            return;
        };
        let Some(address) = family.matcher.address() else {
            return;
        };
        let contexts = self.plcs.contexts.iter();
        let names = contexts.map(|context| format!("{}{address}", context.tags.prefix));
        let names: Vec<String> = names.filter(|name| family.matcher.captures(name).is_some()).collect();
        let mut refused = None;
        for name in names {
            refused = self.make_tag_named(&name).err().or(refused);
        }
        if let Some(refused) = refused
            && let Some(family) = self.routes.families.get_mut(&id)
        {
            family.waiting = Some(refused.to_string());
        }
    }

    /// A PLC context is new: the addresses that patterns name in it are signals.
    pub(crate) fn make_places_of_patterns(&mut self) {
        let ids: Vec<u32> = self.routes.families.keys().copied().collect();
        ids.into_iter().for_each(|id| self.make_places_of_pattern(id));
    }

    /// Signals and symbols have appeared in this turn: those that fit a pattern get their routes. The places of PLCs that these
    /// name appear with them and are tried too.
    pub(crate) fn extend_patterns(&mut self) {
        if !self.routes.has_patterns() {
            return;
        }
        let ids: Vec<u32> = self.routes.families.keys().copied().collect();
        let symbols: Vec<String> = self.named_anew.iter().map(|(alias, _)| alias.clone()).collect();
        for symbol in symbols {
            for id in &ids {
                self.extend_named(*id, &symbol, true);
            }
        }
        let mut next = 0;
        while let Some(created) = self.created.get(next).copied() {
            next += 1;
            let name = self.ledger.space.name(created).to_owned();
            for id in &ids {
                self.extend_named(*id, &name, false);
            }
        }
    }

    fn extend_named(&mut self, id: u32, name: &str, is_symbol: bool) {
        let family = self.routes.families.get(&id);
        if family.is_some_and(|family| family.matcher.is_of_symbols() == is_symbol) {
            self.extend_family(id, name);
        }
    }

    /// Lays the route that a pattern stands for with this source; one that is there follows a pattern that has changed.
    fn extend_family(&mut self, id: u32, name: &str) {
        let Some(family) = self.routes.families.get(&id) else {
            return;
        };
        let known = family.children.get(name).copied();
        let Some(child) = family.child(&self.ledger.space, name) else {
            return;
        };
        let waiting = match child {
            Err(refused) => Some(refused.to_string()),
            Ok(_) if known.is_none() && self.routes.len() >= self.limits.routes_max => Some(format!(
                "not every signal that fits has a route: the limit is {} routes",
                self.limits.routes_max
            )),
            Ok(child) => {
                let (maker, draft) = (family.maker, family.draft(child));
                // A name that can be no place stays missing, and its route says so.
                for name in draft.inputs.iter().chain([&draft.to]) {
                    drop(self.make_tag_named(name));
                }
                let space = &mut self.ledger.space;
                match known {
                    Some(child) => {
                        let is_same = self.routes.routes.get(&child).is_some_and(|route| {
                            Arc::ptr_eq(&route.recipe, &draft.recipe) && route.on_stale == draft.on_stale
                        });
                        if !is_same {
                            self.routes.change(space, child, draft);
                        }
                    }
                    None => {
                        let child = self.routes.add(space, draft, maker, Some(id));
                        if let Some(family) = self.routes.families.get_mut(&id) {
                            family.children.insert(name.to_owned(), child);
                        }
                    }
                }
                None
            }
        };
        if let (Some(text), Some(family)) = (waiting, self.routes.families.get_mut(&id)) {
            family.waiting = Some(text);
        }
    }
}
