//! Routes: the check of one, whether it stands in the project file or in a row of a file of routes.

mod cells;
mod plan;
mod read;
mod write;

use super::csv_file::Columns;
use super::diagnostic::{Findings, Place, SourceText, nearest};
use super::raw::{RawTable, shortened};
use super::{ClassroomConfig, EndpointConfig};
pub(crate) use cells::pairs_to_json;
use crosstie_hub::access::Actor;
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::settings::{OnStale, PlcSettings, RouteSetting, Settings};
use crosstie_hub::signal::name::escape_segment;
use crosstie_hub::{Hub, Input, Output, Ticket, Time};
use crosstie_ladder::address::Address;
pub(crate) use plan::{RoutePlan, plan};
pub(crate) use read::{place_of, read_route, route_of_json};
use std::collections::HashSet;
pub(crate) use write::{is_pattern, route_cell, route_table};

/// The keys of a route, which are also the columns of a file of routes.
pub(crate) const ROUTE_KEYS: [&str; 11] = [
    "from", "to", "on_stale", "expr", "inputs", "map", "invert", "scale", "offset", "deadband", "every_ms",
];

/// What a route may do when its source is stale; see [`OnStale`].
const ON_STALE_WORDS: [&str; 3] = [OnStale::Hold.word(), OnStale::Zero.word(), OnStale::Fault.word()];

/// A file of routes. Names and expressions are exact.
pub(crate) const ROUTE_FILE: Columns = Columns {
    what: "file of routes",
    known: &ROUTE_KEYS,
    needed: &["from", "to"],
    exact: &["from", "to", "expr"],
};

/// Checks the routes of one project.
pub(crate) struct RouteReader<'a> {
    pub(crate) findings: &'a mut Findings,
    endpoints: &'a [EndpointConfig],
    contexts: &'a [PlcSettings],
    classroom: Option<&'a ClassroomConfig>,
    known: HashSet<&'a str>,
    seen: HashSet<(String, String)>,
    trial: Hub,
    pub(crate) routes: Vec<RouteSetting>,
}

impl<'a> RouteReader<'a> {
    pub(crate) fn new(
        findings: &'a mut Findings,
        endpoints: &'a [EndpointConfig],
        contexts: &'a [PlcSettings],
        classroom: Option<&'a ClassroomConfig>,
    ) -> RouteReader<'a> {
        let known = endpoints
            .iter()
            .flat_map(|endpoint| &endpoint.signals)
            .map(|signal| signal.signal.as_str())
            .collect();
        RouteReader {
            findings,
            endpoints,
            contexts,
            classroom,
            known,
            seen: HashSet::new(),
            trial: trial_hub(endpoints, contexts, classroom),
            routes: Vec::new(),
        }
    }

    /// Lays a route of the project, so that those that follow have to go with it.
    pub(crate) fn lay(&mut self, route: &RouteSetting) {
        // The project has been checked: what the hub refuses is not in it.
        let _ = refusal(&mut self.trial, route);
    }

    /// Takes one route from the project file or from a row of a file of routes. `is_known` says that the project has it
    /// already; then it is only read.
    pub(crate) fn take(
        &mut self,
        source: &SourceText,
        table: &RawTable,
        is_known: impl Fn(&RouteSetting) -> bool,
    ) -> Option<RouteSetting> {
        let route = read_route(self.findings, source, table)?;
        let place = |key: &str| place_of(source, table, key);
        if !self.seen.insert((route.from.clone(), route.to.clone())) {
            let found = "the same route a second time";
            self.findings.error(&place("to"), "bad_route", found, "each route once");
            return None;
        }
        let is_known = is_known(&route);
        if !is_known {
            self.warn_of_unknown_signal(&route.from, &place("from"));
            self.warn_of_unknown_signal(&route.to, &place("to"));
            for (_, signal) in &route.transform.inputs {
                self.warn_of_unknown_signal(signal, &place("inputs"));
            }
        }
        if let Some(reason) = refusal(&mut self.trial, &route) {
            let key = ROUTE_KEYS.into_iter().find(|key| is_about(&reason, key));
            let key = key.filter(|key| table.get(key).is_some()).unwrap_or("to");
            self.findings
                .error(&place(key), "bad_route", reason, "a route that the hub can lay");
            return None;
        }
        self.routes.push(route.clone());
        Some(route)
    }

    /// The place of a PLC may belong to a context that a client makes later, so that too is only probably a mistake.
    fn warn_of_unknown_place(&mut self, name: &str, rest: &str, at: &Place) {
        let (segment, cell) = rest.split_once('/').unwrap_or((rest, ""));
        let context = self
            .contexts
            .iter()
            .find(|context| escape_segment(&context.name) == segment);
        let Some(context) = context else {
            let found = format!("no PLC context is named `{}`", shortened(segment));
            let expected = "plc/<context>/<address>; the route waits for it";
            let near = nearest(segment, self.contexts.iter().map(|context| context.name.as_str()));
            let near = near.map(|near| format!("did you mean plc/{near}/{cell}?"));
            let finding = self.findings.warning(at, "unknown_signal", found, expected);
            if let Some(near) = near {
                finding.help(near);
            }
            return;
        };
        let is_address = cell.parse::<Address>().is_ok();
        let is_symbol = context.program.as_ref().is_some_and(|program| {
            let mut symbols = program.logic.symbols.iter();
            symbols.any(|entry| entry.name.as_str().eq_ignore_ascii_case(cell))
        });
        if !is_address && !is_symbol {
            let found = format!("\"{}\" is no address and no symbol of its program", shortened(name));
            let expected = "an address such as plc/line/O:0/3, or a symbol; the route waits for it";
            self.findings.warning(at, "unknown_signal", found, expected);
        }
    }

    /// Watches and writes are all in the project; the others come with GAMA and the players.
    fn warn_of_unknown_simulation(&mut self, classroom: &ClassroomConfig, name: &str, rest: &str, at: &Place) {
        let gama = &classroom.gama;
        let (section, names): (_, Vec<&str>) = match rest.split_once('/') {
            Some(("watch", _)) => (
                "gama.watch",
                gama.watches.iter().map(|watch| watch.name.as_str()).collect(),
            ),
            Some(("write", _)) => (
                "gama.write",
                gama.writes.iter().map(|write| write.name.as_str()).collect(),
            ),
            _ => return,
        };
        let part = rest.split_once('/').map_or("", |(_, part)| part);
        if names.contains(&part) && !classroom.gamaless {
            return;
        }
        let found = match classroom.gamaless {
            true => format!("\"{}\" in a classroom without GAMA", shortened(name)),
            false => format!("no [[{section}]] is named `{}`", shortened(part)),
        };
        let near = nearest(part, names).filter(|_| !classroom.gamaless);
        let finding = self.findings.warning(
            at,
            "unknown_signal",
            found,
            "a signal of the classroom; the route waits for it",
        );
        if let Some(near) = near {
            finding.help(format!("did you mean `{near}`?"));
        }
    }

    /// Signals that come later may fit a pattern, so one that fits nothing yet is only probably a mistake.
    fn warn_of_idle_pattern(&mut self, pattern: &str, place: &Place) {
        let (root, rest) = pattern.split_once('/').unwrap_or((pattern, ""));
        let owner = rest.split('/').next().unwrap_or_default();
        let (fits, what) = match root {
            "plc" => {
                let mut contexts = self.contexts.iter();
                let fits = contexts.any(|context| glob(owner, &escape_segment(&context.name)));
                (fits, "no PLC context of the project")
            }
            "twin" => {
                let mut makers = self.endpoints.iter().filter(|endpoint| endpoint.auto_register);
                let fits = makers.any(|endpoint| glob(owner, &endpoint.name))
                    || self.known.iter().any(|name| glob(pattern, name));
                (fits, "no signal of the project")
            }
            _ => return,
        };
        if !fits {
            let found = format!("{what} fits the pattern \"{}\"", shortened(pattern));
            let expected = "a pattern that fits signals which are there; the route waits for them";
            self.findings.warning(place, "unknown_signal", found, expected);
        }
    }

    /// A route may wait for a signal that a peer brings later, so a name that nobody declares is only probably a mistake.
    fn warn_of_unknown_signal(&mut self, name: &str, place: &Place) {
        // What a pattern catches is known when its signals are.
        if name.contains('$') {
            return;
        }
        if is_pattern(name) {
            self.warn_of_idle_pattern(name, place);
            return;
        }
        if let Some(rest) = name.strip_prefix("plc/") {
            self.warn_of_unknown_place(name, rest, place);
            return;
        }
        if let (Some(rest), Some(classroom)) = (name.strip_prefix("sim/"), self.classroom) {
            self.warn_of_unknown_simulation(classroom, name, rest, place);
            return;
        }
        let Some(rest) = name.strip_prefix("twin/") else { return };
        if self.known.contains(name) {
            return;
        }
        let segment = rest.split('/').next().unwrap_or_default();
        match self.endpoints.iter().find(|endpoint| endpoint.name == segment) {
            Some(endpoint) if endpoint.auto_register => {}
            Some(endpoint) => {
                let names = endpoint.signals.iter().map(|signal| signal.signal.as_str());
                let near = nearest(name, names).map(str::to_owned);
                let found = format!("the endpoint `{segment}` has no signal \"{}\"", shortened(name));
                let finding = self.findings.warning(
                    place,
                    "unknown_signal",
                    found,
                    "a signal of the endpoint; the route waits for it",
                );
                if let Some(near) = near {
                    finding.help(format!("did you mean \"{near}\"?"));
                }
            }
            None => {
                let found = format!("no endpoint is named `{}`", shortened(segment));
                self.findings.warning(
                    place,
                    "unknown_signal",
                    found,
                    "twin/<endpoint>/<signal>; the route waits for it",
                );
            }
        }
    }
}

/// Is a refusal about this key? It begins with the one that is the reason; what is between two routes is about their target.
fn is_about(reason: &str, key: &str) -> bool {
    let after = reason.trim_start_matches('\'').strip_prefix(key);
    after.is_some_and(|after| after.starts_with(['\'', ':', ' ']))
}

/// Does a name fit a pattern? `*` stands for signs of one segment, `**` for any.
fn glob(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(rest) = name.strip_prefix(before) else {
        return false;
    };
    let (is_deep, after) = match after.strip_prefix('*') {
        Some(after) => (true, after),
        None => (false, after),
    };
    let end = match is_deep {
        true => rest.len(),
        false => rest.find('/').unwrap_or(rest.len()),
    };
    (0..=end).any(|at| rest.is_char_boundary(at) && glob(after, &rest[at..]))
}

/// A hub with these endpoints, contexts and this classroom and nothing else: what it refuses is what the running one would leave out.
fn trial_hub(endpoints: &[EndpointConfig], contexts: &[PlcSettings], classroom: Option<&ClassroomConfig>) -> Hub {
    Hub::new(Settings {
        endpoints: endpoints.iter().map(EndpointConfig::hub_settings).collect(),
        plcs: contexts.to_vec(),
        classroom: classroom.map(ClassroomConfig::hub_settings),
        ..Settings::default()
    })
}

/// Why the hub refuses a route; a route whose signals do not exist yet is not refused.
fn refusal(hub: &mut Hub, route: &RouteSetting) -> Option<String> {
    let request = Request::AddRoute(Box::new(route.clone()));
    let input = Input::Request {
        ticket: Ticket(0),
        by: Box::new(Actor::full("the check", "the project file")),
        request,
    };
    let mut outputs = Vec::new();
    hub.handle(Time::ZERO, input, &mut outputs);
    outputs.into_iter().find_map(|output| match output {
        Output::Reply { reply, .. } => match *reply {
            Reply::Refused(refused) => Some(refused.to_string()),
            _ => None,
        },
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_in_its_segment_and_two_go_on() {
        for (pattern, name, fits) in [
            ("a/b", "a/b", true),
            ("a/*", "a/b", true),
            ("a/*", "a/b/c", false),
            ("a/*/c", "a/b/c", true),
            ("a/x*", "a/xü", true),
            ("a/x*y", "a/xzzy", true),
            ("a/x*", "a/yx", false),
            ("a/**", "a/b/c", true),
            ("*", "line", true),
        ] {
            assert_eq!(glob(pattern, name), fits, "{pattern} {name}");
        }
    }
}
