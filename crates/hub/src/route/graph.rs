//! How routes hang together: second writers, circles, and the order in which they are evaluated.

use super::{Meant, Routes};
use rustc_hash::FxHashMap;

/// Why a second route into a target does not run.
pub(super) fn second_writer(to: &str, from: &str) -> String {
    format!("'{to}' is written by a route from '{from}' already")
}

impl Routes {
    /// What is in the way of a route with these names; the one whose place it takes is not. A route that names its source is not
    /// hindered by one that a pattern stands for: that one makes way.
    pub(super) fn obstacle(&self, means: &Meant, instead_of: Option<u32>, is_child: bool) -> Option<String> {
        let to = &means.target;
        if let Some(other) = self.by_target.get(to).filter(|other| Some(**other) != instead_of)
            && let Some(route) = self.routes.get(other)
            && (is_child || route.pattern.is_none())
        {
            return Some(second_writer(to, &route.from));
        }
        let chain = self.chain_from(to, &means.sources, instead_of)?;
        // The chain ends with the source that closes the circle.
        let from = chain.last().map_or("", |name| name.as_str());
        Some(format!(
            "the routes would go in a circle: {from} → {}",
            chain.join(" → ")
        ))
    }

    /// The names of the routes from one name to one of these, when there is a way. Every name has at most one route into it, but
    /// a route may have several sources: the walk goes backwards and meets each name once.
    fn chain_from(&self, start: &str, ends: &[String], without: Option<u32>) -> Option<Vec<String>> {
        let mut after: FxHashMap<&str, Option<&str>> = FxHashMap::default();
        let mut open: Vec<&str> = Vec::new();
        for end in ends {
            if after.insert(end, None).is_none() {
                open.push(end);
            }
        }
        while let Some(name) = open.pop() {
            if name == start {
                let mut chain = vec![name.to_owned()];
                let mut next = after.get(name).copied().flatten();
                while let Some(name) = next {
                    chain.push(name.to_owned());
                    next = after.get(name).copied().flatten();
                }
                return Some(chain);
            }
            let into = self.by_target.get(name).filter(|id| Some(**id) != without);
            let Some(into) = into.and_then(|id| self.routes.get(id)) else {
                continue;
            };
            for source in &into.means.sources {
                if !after.contains_key(source.as_str()) {
                    after.insert(source, Some(name));
                    open.push(source);
                }
            }
        }
        None
    }

    /// Gives every route that runs a rank above those of the routes into its sources. Routes have no circles, so everyone gets one.
    pub(super) fn set_ranks(&mut self) {
        if !std::mem::take(&mut self.ranks_are_old) {
            return;
        }
        let mut open: Vec<u32> = Vec::new();
        let mut before: FxHashMap<u32, usize> = FxHashMap::default();
        for (id, route) in &mut self.routes {
            let Some(ends) = &route.ends else { continue };
            route.rank = 0;
            let mut sources = ends.sources.clone();
            sources.sort_unstable();
            sources.dedup();
            match sources.iter().filter(|source| self.into.contains_key(source)).count() {
                0 => open.push(*id),
                count => drop(before.insert(*id, count)),
            }
        }
        while let Some(id) = open.pop() {
            let Some((rank, target)) = self
                .routes
                .get(&id)
                .and_then(|route| Some((route.rank, route.ends.as_ref()?.target)))
            else {
                continue;
            };
            for next in self.by_source.get(&target).into_iter().flatten() {
                if let Some(route) = self.routes.get_mut(next) {
                    route.rank = route.rank.max(rank + 1);
                }
                if let Some(count) = before.get_mut(next) {
                    *count -= 1;
                    if *count == 0 {
                        open.push(*next);
                    }
                }
            }
        }
    }
}
