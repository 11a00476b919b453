//! Taking in the catalogs of peers, clients and servers alike (RV-19, RV-35, RV-40…42).

use super::write::is_too_long;
use crate::api::{ImportReport, LinkState, Refused, Reply};
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::{Level, Output, Ticket};
use crate::settings::{Direction, DirectionConvention, EndpointId, EndpointSettings, Owner, SignalSetting};
use crate::signal::{Kind, Quality, Writer, coerce};
use crate::time::Time;
use crate::timers::Alarm;
use crosstie_wire::realvirtual::{self as wire, Catalog, Prefix, SignalType, Value as Wire};
use rustc_hash::FxHashMap;
use std::time::Duration;

/// A peer that has not answered an import_request for so long is given up (RV-19).
const GIVEN_UP_AFTER: Duration = Duration::from_secs(10);
/// Imports that may wait for their peers at a time. A further one is refused.
const IMPORTS_MAX: usize = 16;

/// An import that is answered when its peers have answered, or are given up.
#[derive(Debug)]
pub(crate) struct WaitingImport {
    ticket: Ticket,
    endpoint: EndpointId,
    until: Time,
    /// The link is not connected yet: nobody has been asked.
    is_dialling: bool,
    /// Peers that have not answered.
    asked: Vec<ConnId>,
    report: ImportReport,
}

impl Hub {
    /// Imports the catalogs of the peers of an endpoint (RV-19, RV-35). The reply comes when all have answered or ten seconds
    /// are over; a link that is down is connected for it.
    pub(crate) fn import(&mut self, ticket: Ticket, endpoint_id: EndpointId) -> Result<(), Refused> {
        if self.imports.len() >= IMPORTS_MAX {
            return Err(Refused::Limit {
                what: "imports that wait for their peers",
                limit: IMPORTS_MAX,
            });
        }
        let (asked, is_dialling) = match self.link_state(endpoint_id) {
            None | Some(LinkState::Greeting | LinkState::Connected) => (self.ask_for_catalogs(endpoint_id), false),
            Some(LinkState::Connecting) => (Vec::new(), true),
            Some(state @ (LinkState::Off | LinkState::Waiting | LinkState::GivenUp)) => {
                if let Some(link) = self.link(endpoint_id) {
                    link.is_for_import = state == LinkState::Off;
                }
                self.dial(endpoint_id);
                (Vec::new(), true)
            }
        };
        let report = ImportReport {
            asked: asked.len(),
            ..ImportReport::default()
        };
        if asked.is_empty() && !is_dialling {
            self.reply(ticket, Reply::Imported(report));
            return Ok(());
        }
        let until = self.now + GIVEN_UP_AFTER;
        self.timers.set(until, Alarm::Imports);
        self.imports.push(WaitingImport {
            ticket,
            endpoint: endpoint_id,
            until,
            is_dialling,
            asked,
            report,
        });
        Ok(())
    }

    /// The link that imports wait for is connected: its catalog is asked for already.
    pub(crate) fn import_link_up(&mut self, endpoint_id: EndpointId, conn: ConnId) {
        let waiting = self
            .imports
            .iter_mut()
            .filter(|import| import.endpoint == endpoint_id && import.is_dialling);
        for import in waiting {
            import.is_dialling = false;
            import.asked = vec![conn];
            import.report.asked = 1;
            if let Some(client) = self.clients.get_mut(&conn) {
                client.import_asked_at = Some(self.now);
            }
        }
    }

    /// The link that imports wait for cannot be connected, or is not wanted any more.
    pub(crate) fn import_link_failed(&mut self, endpoint_id: EndpointId, reason: &str) {
        let is_hopeless = |import: &WaitingImport| import.endpoint == endpoint_id && import.is_dialling;
        self.refuse_imports(is_hopeless, reason);
    }

    fn refuse_imports(&mut self, is_hopeless: impl Fn(&WaitingImport) -> bool, reason: &str) {
        if !self.imports.iter().any(&is_hopeless) {
            return;
        }
        let (hopeless, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.imports).into_iter().partition(is_hopeless);
        self.imports = rest;
        for import in hopeless {
            let name = &self.endpoints[import.endpoint.0 as usize].settings.name;
            let refused = Refused::Conflict(format!("the link '{name}' could not be used for the import: {reason}"));
            self.reply(import.ticket, Reply::Refused(refused));
            self.end_link_for_import(import.endpoint);
        }
    }

    /// A peer has answered with a catalog of so many signals, of which so many were made.
    pub(crate) fn import_answered(&mut self, conn: ConnId, found: usize, made: usize) {
        for import in &mut self.imports {
            let asked_before = import.asked.len();
            import.asked.retain(|other| *other != conn);
            if import.asked.len() < asked_before {
                import.report.answered += 1;
                import.report.found += found;
                import.report.made += made;
            }
        }
        self.end_imports();
    }

    /// A peer that has not answered has left: it is not waited for.
    pub(crate) fn import_peer_left(&mut self, conn: ConnId) {
        for import in &mut self.imports {
            import.asked.retain(|other| *other != conn);
        }
        self.end_imports();
    }

    /// Imports that have waited long enough are answered with what there is; what comes later was not asked for.
    pub(crate) fn give_up_imports(&mut self) {
        let now = self.now;
        for import in self.imports.iter_mut().filter(|import| import.until <= now) {
            for conn in import.asked.drain(..) {
                if let Some(client) = self.clients.get_mut(&conn) {
                    client.import_asked_at = None;
                }
            }
        }
        // Who is still waited for by a later import was asked for it.
        for import in &self.imports {
            for conn in &import.asked {
                if let Some(client) = self.clients.get_mut(conn) {
                    client.import_asked_at.get_or_insert(import.until - GIVEN_UP_AFTER);
                }
            }
        }
        let is_unreached = |import: &WaitingImport| import.until <= now && import.is_dialling;
        self.refuse_imports(is_unreached, "it was not connected within 10 s");
        self.end_imports();
    }

    /// Answers the imports that wait for nobody any more.
    fn end_imports(&mut self) {
        let is_over = |import: &WaitingImport| import.asked.is_empty() && !import.is_dialling;
        if !self.imports.iter().any(is_over) {
            return;
        }
        let (over, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.imports).into_iter().partition(is_over);
        self.imports = rest;
        for import in over {
            self.reply(import.ticket, Reply::Imported(import.report));
            self.end_link_for_import(import.endpoint);
        }
    }

    /// A link that was connected for imports only is disconnected after the last of them.
    fn end_link_for_import(&mut self, endpoint_id: EndpointId) {
        let is_last = self.imports.iter().all(|other| other.endpoint != endpoint_id);
        if is_last && self.link(endpoint_id).is_some_and(|link| link.is_for_import) {
            // An endpoint with a link has nothing to refuse.
            let _ = self.link_off(endpoint_id);
        }
    }

    /// Was the catalog of this peer asked for by an import that still waits for it?
    pub(crate) fn takes_import(&mut self, conn: ConnId) -> bool {
        let now = self.now;
        let asked_at = self
            .clients
            .get_mut(&conn)
            .and_then(|client| client.import_asked_at.take());
        asked_at.is_some_and(|at| now.since(at) < GIVEN_UP_AFTER)
    }

    /// Asks every peer of an endpoint for its catalog; gives who was asked.
    fn ask_for_catalogs(&mut self, endpoint_id: EndpointId) -> Vec<ConnId> {
        let is_here = |client: &Client| client.face.endpoint() == Some(endpoint_id) && !client.is_closing;
        let mut asked: Vec<ConnId> = self
            .clients
            .iter()
            .filter(|(_, client)| is_here(client))
            .map(|(conn, _)| *conn)
            .collect();
        asked.sort_unstable();
        for conn in &asked {
            if let Some(client) = self.clients.get_mut(conn) {
                client.import_asked_at = Some(self.now);
            }
            self.send_text(*conn, wire::write_import_request);
        }
        asked
    }

    /// The catalog of a client: mirror signals with inverted direction for what is new, values for what it writes. One that was
    /// not asked for is taken only where peers may register signals.
    pub(crate) fn import_answer(&mut self, conn: ConnId, endpoint_id: EndpointId, catalog: Catalog) {
        let was_asked = self.takes_import(conn);
        let endpoint = &self.endpoints[endpoint_id.0 as usize];
        if !was_asked && !endpoint.settings.auto_register {
            self.log(
                Level::Info,
                Some(conn),
                String::from("ignored a catalog that was not asked for; import it or set auto_register"),
            );
            return;
        }
        let made = self.take_catalog(conn, endpoint_id, &catalog);
        let made_count = made.len();
        if was_asked && !made.is_empty() {
            self.outputs.push(Output::SaveSignals {
                endpoint: endpoint_id,
                signals: made,
            });
        }
        self.import_answered(conn, catalog.values.len(), made_count);
    }

    /// Makes mirror signals with inverted direction of what is new in a catalog; gives them as they are to be saved.
    pub(crate) fn take_catalog(
        &mut self,
        conn: ConnId,
        endpoint_id: EndpointId,
        catalog: &Catalog,
    ) -> Vec<SignalSetting> {
        let now = self.now;
        let Some(access) = self.clients.get(&conn).map(|client| client.access.clone()) else {
            return Vec::new();
        };
        let types: FxHashMap<&str, &str> = catalog
            .types
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let mut made: Vec<SignalSetting> = Vec::new();
        for (name, received) in catalog.values.iter() {
            if self.endpoints[endpoint_id.0 as usize].find(name).is_some() {
                continue;
            }
            if made.len() == self.limits.imported_max {
                let subject = self.endpoints[endpoint_id.0 as usize].settings.name.clone();
                let text = format!(
                    "a catalog of {} signals: only {} were made",
                    catalog.values.len(),
                    made.len()
                );
                let id = format!("import:{subject}:limit");
                self.trouble(
                    false,
                    id,
                    &subject,
                    text,
                    "import once more for the rest, or ask for a smaller catalog",
                );
                break;
            }
            let declared = types.get(name).and_then(|text| SignalType::parse(text));
            let Some(kind) = declared.map(|declared| declared.kind).or_else(|| kind_of(received)) else {
                continue;
            };
            let (owner, is_ambiguous) = owner_of(&self.endpoints[endpoint_id.0 as usize], name, declared);
            if is_ambiguous {
                let text = String::from("its name matches input and output patterns; it is taken as input");
                self.trouble(
                    false,
                    format!("pattern:{name}"),
                    name,
                    text,
                    "make the patterns of the endpoint disjoint",
                );
            }
            let mut setting = self.neutral_signal(endpoint_id, name, kind, owner);
            setting.neutral = declared.is_none_or(|declared| declared.prefix.is_none());
            if !access.writes(&setting.signal) {
                self.endpoints[endpoint_id.0 as usize].counters.ignored.forbidden += 1;
                continue;
            }
            let value = coerce::fit(kind, received).map(|fitted| fitted.value);
            let value = value.filter(|value| !is_too_long(value, self.limits.text_len_max));
            // What the peer writes is not ours to begin with after a restart. What our clients are shown begins as it is there
            // now; to a server we say nothing that nobody here has said.
            if owner == Owner::Hub && self.endpoints[endpoint_id.0 as usize].link.is_none() {
                setting.value = value.clone();
            }
            if let Some(id) = self.add_signal(endpoint_id, &setting, declared.is_none()) {
                if let (Owner::Peer, Some(value)) = (owner, value) {
                    self.ledger.store(now, id, value, Writer::Peer(conn), Quality::Good);
                }
                made.push(setting);
            }
        }
        let endpoint_name = &self.endpoints[endpoint_id.0 as usize].settings.name;
        let text = format!(
            "imported {} of {} signals into endpoint {endpoint_name}",
            made.len(),
            catalog.values.len()
        );
        // A peer that sends its catalog again and again brings nothing new after the first time.
        if !made.is_empty() {
            self.log(Level::Info, Some(conn), text);
        }
        made
    }
}

fn kind_of(received: Wire<'_>) -> Option<Kind> {
    match received {
        Wire::Bool(_) => Some(Kind::Bool),
        Wire::Int(_) => Some(Kind::Int),
        Wire::Float(_) => Some(Kind::Float),
        Wire::Text(_) => Some(Kind::Text),
        Wire::Unusable => None,
    }
}

/// Who writes a signal that a peer declares, and whether its name matched both lists of patterns.
fn owner_of(endpoint: &Endpoint, name: &str, declared: Option<SignalType>) -> (Owner, bool) {
    let settings = &endpoint.settings;
    match declared.and_then(|declared| declared.prefix) {
        Some(prefix) => (owner_of_prefix(prefix, settings.direction_convention), false),
        None => owner_of_name(settings, name),
    }
}

/// RV-40: what the sender says it writes is the peer's.
fn owner_of_prefix(prefix: Prefix, convention: DirectionConvention) -> Owner {
    match (prefix, convention) {
        (Prefix::PlcOutput, DirectionConvention::Plc) | (Prefix::PlcInput, DirectionConvention::Simulation) => {
            Owner::Peer
        }
        (Prefix::PlcInput, DirectionConvention::Plc) | (Prefix::PlcOutput, DirectionConvention::Simulation) => {
            Owner::Hub
        }
    }
}

/// RV-42: a neutral type by its name.
fn owner_of_name(settings: &EndpointSettings, name: &str) -> (Owner, bool) {
    let lower = name.to_lowercase();
    let matches = |patterns: &[String]| {
        settings.use_pattern_matching && patterns.iter().any(|pattern| lower.contains(&pattern.to_lowercase()))
    };
    let (is_input, is_output) = (matches(&settings.input_patterns), matches(&settings.output_patterns));
    let direction = match (is_input, is_output) {
        (true, _) => Direction::Input,
        (false, true) => Direction::Output,
        (false, false) => settings.default_signal_direction,
    };
    let owner = match direction {
        Direction::Input => Owner::Hub,
        Direction::Output => Owner::Peer,
    };
    (owner, is_input && is_output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefixed_type_says_who_writes_under_either_convention() {
        use DirectionConvention::{Plc, Simulation};
        assert_eq!(owner_of_prefix(Prefix::PlcOutput, Plc), Owner::Peer);
        assert_eq!(owner_of_prefix(Prefix::PlcInput, Plc), Owner::Hub);
        assert_eq!(owner_of_prefix(Prefix::PlcOutput, Simulation), Owner::Hub);
        assert_eq!(owner_of_prefix(Prefix::PlcInput, Simulation), Owner::Peer);
    }

    #[test]
    fn a_neutral_name_goes_by_patterns_then_by_default() {
        let mut settings = EndpointSettings::named("line");
        settings.input_patterns = vec!["Unity".into()];
        settings.output_patterns = vec!["plc".into()];
        settings.default_signal_direction = Direction::Output;
        let check = |settings: &EndpointSettings, name: &str, expected| {
            assert_eq!(owner_of_name(settings, name), expected, "{name}")
        };
        check(&settings, "FromUNITY", (Owner::Hub, false));
        check(&settings, "PlcSpeed", (Owner::Peer, false));
        check(&settings, "unity_plc", (Owner::Hub, true));
        check(&settings, "Speed", (Owner::Peer, false));
        settings.use_pattern_matching = false;
        check(&settings, "unity_plc", (Owner::Peer, false));
    }

    #[test]
    fn a_value_without_a_type_says_its_kind() {
        assert_eq!(kind_of(Wire::Int(1)), Some(Kind::Int));
        assert_eq!(kind_of(Wire::Unusable), None);
    }
}
