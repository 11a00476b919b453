//! Routes: the check of one, whether it stands in the project file or in a row of a file of routes.

use super::csv_file::Columns;
use super::diagnostic::{Findings, Place, SourceText, nearest};
use super::keys::Form;
use super::limits::Limits;
use super::raw::{RawTable, shortened};
use super::signals::{missing_key, unknown_key};
use super::{ClassroomConfig, EndpointConfig};
use crosstie_hub::access::Actor;
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::settings::{OnStale, PlcSettings, RouteSetting, Settings};
use crosstie_hub::signal::name::{canonical, escape_segment};
use crosstie_hub::{Hub, Input, Output, Ticket, Time};
use crosstie_ladder::address::Address;
use std::collections::HashSet;

const ROUTE_KEYS: [&str; 3] = ["from", "to", "on_stale"];

/// What a route may do when its source is stale; see [`OnStale`].
const ON_STALE_WORDS: [&str; 3] = [OnStale::Hold.word(), OnStale::Zero.word(), OnStale::Fault.word()];

/// A file of routes.
pub(crate) const ROUTE_FILE: Columns = Columns {
    what: "file of routes",
    known: &ROUTE_KEYS,
    needed: &["from", "to"],
    exact: &["from", "to"],
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
        let _ = refusal(&mut self.trial, &route.from, &route.to);
    }

    /// Takes one route from the project file or from a row of a file of routes. `is_known` says that the project has it
    /// already; then it is only read.
    pub(crate) fn take(
        &mut self,
        source: &SourceText,
        table: &RawTable,
        is_known: impl Fn(&RouteSetting) -> bool,
    ) -> Option<RouteSetting> {
        for entry in table.entries.iter().filter(|entry| !ROUTE_KEYS.contains(&&*entry.key)) {
            let place = place(source, &entry.key_span);
            unknown_key(self.findings, &place, &entry.key, "[[route]]", &ROUTE_KEYS);
        }
        let from = self.signal_name(source, table, "from");
        let to = self.signal_name(source, table, "to");
        let on_stale = self.on_stale(source, table);
        let ((from, from_place), (to, to_place)) = (from?, to?);
        if from == to {
            let found = format!("a route from \"{}\" to itself", shortened(&from));
            self.findings.error(&to_place, "bad_route", found, "another signal");
            return None;
        }
        if !self.seen.insert((from.clone(), to.clone())) {
            let found = "the same route a second time";
            self.findings.error(&to_place, "bad_route", found, "each route once");
            return None;
        }
        let (on_stale, on_stale_place) = on_stale?;
        if on_stale != OnStale::default() && !to.starts_with("plc/") {
            let found = "`on_stale` on a route that does not end at a PLC";
            let expected = "a `to` that begins with plc/, or no `on_stale`";
            self.findings.error(&on_stale_place, "bad_route", found, expected);
            return None;
        }
        let route = RouteSetting {
            on_stale,
            ..RouteSetting::plain(&from, &to)
        };
        if is_known(&route) {
            return Some(route);
        }
        for (name, place) in [(&route.from, &from_place), (&route.to, &to_place)] {
            self.warn_of_unknown_signal(name, place);
        }
        if let Some(reason) = refusal(&mut self.trial, &route.from, &route.to) {
            self.findings
                .error(&to_place, "bad_route", reason, "a route that the hub can lay");
            return None;
        }
        self.routes.push(route.clone());
        Some(route)
    }

    fn signal_name(&mut self, source: &SourceText, table: &RawTable, key: &str) -> Option<(String, Place)> {
        let Some(entry) = table.get(key) else {
            missing_key(self.findings, &place(source, &table.span), key, "[[route]]", Form::Text);
            return None;
        };
        let place = place(source, &entry.value_span);
        let name = match Form::Text.check(&entry.value) {
            Ok(checked) => checked.text(),
            Err(code) => {
                let found = format!("`{key}` is {}", entry.value.shown());
                self.findings.error(&place, code, found, Form::Text.expected());
                return None;
            }
        };
        match canonical(&name, Limits::DEFAULT.name_len_max) {
            Ok(name) => Some((name, place)),
            Err(error) => {
                let expected = "a name in the signal space, such as \"twin/line/Start\"";
                self.findings.error(&place, "bad_name", error.to_string(), expected);
                None
            }
        }
    }

    /// What the route does when its source is stale; `None`, with a finding, when that cannot be read.
    fn on_stale(&mut self, source: &SourceText, table: &RawTable) -> Option<(OnStale, Place)> {
        let Some(entry) = table.get("on_stale") else {
            return Some((OnStale::default(), place(source, &table.span)));
        };
        let form = Form::Choice(&ON_STALE_WORDS);
        let place = place(source, &entry.value_span);
        match form.check(&entry.value) {
            Ok(checked) => OnStale::from_word(&checked.text()).map(|on_stale| (on_stale, place)),
            Err(code) => {
                let found = format!("`on_stale` is {}", entry.value.shown());
                self.findings.error(&place, code, found, form.expected());
                None
            }
        }
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

    /// A route may wait for a signal that a peer brings later, so a name that nobody declares is only probably a mistake.
    fn warn_of_unknown_signal(&mut self, name: &str, place: &Place) {
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

fn place(source: &SourceText, span: &std::ops::Range<usize>) -> Place {
    Place {
        source: source.clone(),
        span: span.clone(),
    }
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
fn refusal(hub: &mut Hub, from: &str, to: &str) -> Option<String> {
    let request = Request::AddRoute(Box::new(RouteSetting::plain(from, to)));
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
