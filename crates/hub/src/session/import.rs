//! Taking in the catalog of a client (RV-19, RV-40…42).

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::hub::Hub;
use crate::input::{ConnId, Face};
use crate::output::{Level, Output};
use crate::settings::{Direction, DirectionConvention, EndpointId, EndpointSettings, Owner, SignalSetting};
use crate::signal::{Kind, Quality, Writer, coerce};
use crosstie_wire::realvirtual::{self as wire, Catalog, Prefix, SignalType, Value as Wire};
use rustc_hash::FxHashMap;
use std::time::Duration;

/// A client that has not answered an import_request for so long is given up (RV-19).
const GIVEN_UP_AFTER: Duration = Duration::from_secs(10);

impl Hub {
    /// Asks every client of an endpoint for its catalog; gives how many were asked.
    pub(crate) fn ask_for_catalogs(&mut self, endpoint_id: EndpointId) -> usize {
        let is_here = |client: &Client| client.face == Face::Realvirtual(endpoint_id) && !client.is_closing;
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
        asked.len()
    }

    /// The catalog of a client: mirror signals with inverted direction for what is new, values for what it writes. One that was
    /// not asked for is taken only where peers may register signals.
    pub(crate) fn import_answer(&mut self, conn: ConnId, endpoint_id: EndpointId, catalog: Catalog) {
        let now = self.now;
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        let access = client.access.clone();
        let was_asked = client
            .import_asked_at
            .take()
            .is_some_and(|at| now.since(at) < GIVEN_UP_AFTER);
        let endpoint = &self.endpoints[endpoint_id.0 as usize];
        if !was_asked && !endpoint.settings.auto_register {
            self.log(
                Level::Info,
                Some(conn),
                String::from("ignored a catalog that was not asked for; import it or set auto_register"),
            );
            return;
        }
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
            setting.value = coerce::fit(kind, received).map(|fitted| fitted.value);
            if let Some(id) = self.add_signal(endpoint_id, &setting, declared.is_none()) {
                if let (Owner::Peer, Some(value)) = (owner, setting.value.clone()) {
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
        self.log(Level::Info, Some(conn), text);
        if was_asked && !made.is_empty() {
            self.outputs.push(Output::SaveSignals {
                endpoint: endpoint_id,
                signals: made,
            });
        }
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
