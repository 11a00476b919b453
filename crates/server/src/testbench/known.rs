//! Names in scripts: which of them mean a signal, and what may have been meant by one that means none.

use super::stage::Stage;
use crate::config::nearest;
use crosstie_hub::Hub;
use crosstie_hub::signal::name::{Pattern, escape_segment};
use crosstie_ladder::Region;
use crosstie_ladder::address::Address;
use std::collections::BTreeMap;

/// The name means something: a signal of the hub, a place of a PLC, or what a route of the project begins at, reads or ends at.
pub(crate) fn is_known(name: &str, hub: &Hub, stage: &Stage) -> bool {
    let is_place = || stage.context_of(name).is_some_and(|(_, address)| address.is_some());
    hub.find(name).is_some() || is_place() || is_of_route(name, stage)
}

/// That no signal is called so, with the name that is nearest.
pub(crate) fn unknown(name: &str, hub: &Hub, stage: &Stage) -> String {
    let near = near(name, hub, stage).map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
    format!("no signal is called '{name}'{near}")
}

/// The known name that is nearest to one that is not known, when one is near enough to be meant.
pub(crate) fn near(name: &str, hub: &Hub, stage: &Stage) -> Option<String> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let symbols = stage.symbols();
    let routed = names_of_routes(stage).filter(|name| !is_pattern(name));
    let names = hub.names().map(str::to_owned).chain(symbols).chain(routed);
    for name in names {
        known.entry(name.to_ascii_lowercase()).or_insert(name);
    }
    let near = nearest(name, known.keys().map(String::as_str))?;
    known.get(near).cloned()
}

/// It is an input of a PLC, or a route that does not begin at a PLC ends at it: what programs do follows from it.
pub(crate) fn leads(name: &str, stage: &Stage) -> bool {
    let is_input = || match stage.context_of(name) {
        Some((_, Some(Address::Word { region, .. } | Address::Bit { region, .. }))) => region == Region::Input,
        _ => false,
    };
    let canonical = stage.canonical(name);
    let routes = stage.settings.routes.iter();
    let mut targets = routes
        .filter(|route| stage.context_of(&route.from).is_none())
        .map(|route| match is_pattern(&route.from) {
            true => caught(&route.to),
            false => route.to.clone(),
        });
    is_input() || targets.any(|target| means(&target, &canonical, stage))
}

fn is_of_route(name: &str, stage: &Stage) -> bool {
    let canonical = stage.canonical(name);
    names_of_routes(stage).any(|routed| means(&routed, &canonical, stage))
}

/// A name or a pattern of a route means this signal.
fn means(routed: &str, canonical: &str, stage: &Stage) -> bool {
    match is_pattern(routed) {
        true => Pattern::new(routed).fits(canonical),
        false => stage.canonical(routed) == canonical,
    }
}

fn is_pattern(name: &str) -> bool {
    name.contains('*')
}

/// The sources, inputs and targets of all routes; what a pattern catches stands as a pattern in the others, too.
fn names_of_routes(stage: &Stage) -> impl Iterator<Item = String> + '_ {
    stage.settings.routes.iter().flat_map(|route| {
        let inputs = route.transform.inputs.iter().map(|(_, name)| name);
        let others = inputs.chain([&route.to]);
        let has_pattern = is_pattern(&route.from);
        let others = others.map(move |name| if has_pattern { caught(name) } else { name.clone() });
        others.chain([route.from.clone()])
    })
}

/// A name with `*` in the place of each segment that holds a `$1` and so on; at its end that may be several.
fn caught(name: &str) -> String {
    let mut segments: Vec<&str> = name.split('/').collect();
    let last = segments.len() - 1;
    for (index, segment) in segments.iter_mut().enumerate() {
        if segment.contains('$') {
            *segment = if index == last { "**" } else { "*" };
        }
    }
    segments.join("/")
}

impl Stage {
    /// The symbols of all programs, as names of signals.
    fn symbols(&self) -> impl Iterator<Item = String> + '_ {
        self.settings.plcs.iter().flat_map(|context| {
            let segment = escape_segment(&context.name);
            let program = context.program.as_ref();
            let symbols = program.into_iter().flat_map(|program| program.logic.symbols.iter());
            symbols.map(move |entry| format!("plc/{segment}/{}", entry.name.as_str()))
        })
    }
}
