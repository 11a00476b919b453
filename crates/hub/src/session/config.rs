//! Settings of an endpoint while it runs (RV-23): one table of keys for the protocol, the API and the project file.
//!
//! All keys of one request are checked first; then they are saved into the project; then they are applied; or none is.

use crate::access::{Actor, Role};
use crate::api::{Refused, Reply};
use crate::client::View;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::{Output, Ticket};
use crate::rights;
use crate::settings::{Direction, DirectionConvention, Echo, EndpointId, EndpointSettings};
use crosstie_wire::realvirtual as wire;
use serde_json::Value as Json;
use std::time::Duration;

/// One setting that may change while the hub runs.
struct Setting {
    /// Key on the wire.
    wire_key: &'static str,
    /// Key in the project file.
    file_key: &'static str,
    /// What a value has to be, for people.
    expected: &'static str,
    get: fn(&EndpointSettings) -> Json,
    /// Sets it; false when the value is not what was expected.
    set: fn(&mut EndpointSettings, &Json) -> bool,
}

const SETTINGS: [Setting; 13] = [
    Setting {
        wire_key: "updateCycleMs",
        file_key: "update_cycle_ms",
        expected: "a whole number from 1 to 60000",
        get: |settings| Json::from(settings.update_cycle.as_millis() as u64),
        set: |settings, value| match value.as_u64() {
            Some(millis @ 1..=60_000) => put(&mut settings.update_cycle, Some(Duration::from_millis(millis))),
            _ => false,
        },
    },
    Setting {
        wire_key: "onlyTransmitChanged",
        file_key: "only_transmit_changed",
        expected: "true or false",
        get: |settings| Json::from(settings.only_transmit_changed),
        set: |settings, value| put(&mut settings.only_transmit_changed, value.as_bool()),
    },
    Setting {
        wire_key: "debug",
        file_key: "debug",
        expected: "true or false",
        get: |settings| Json::from(settings.debug),
        set: |settings, value| put(&mut settings.debug, value.as_bool()),
    },
    Setting {
        wire_key: "defaultSignalDirection",
        file_key: "default_signal_direction",
        expected: "\"input\" or \"output\"",
        get: |settings| match settings.default_signal_direction {
            Direction::Input => Json::from("input"),
            Direction::Output => Json::from("output"),
        },
        set: |settings, value| {
            let direction = match word(value).as_deref() {
                Some("input") => Some(Direction::Input),
                Some("output") => Some(Direction::Output),
                _ => None,
            };
            put(&mut settings.default_signal_direction, direction)
        },
    },
    Setting {
        wire_key: "usePatternMatching",
        file_key: "use_pattern_matching",
        expected: "true or false",
        get: |settings| Json::from(settings.use_pattern_matching),
        set: |settings, value| put(&mut settings.use_pattern_matching, value.as_bool()),
    },
    Setting {
        wire_key: "inputPatterns",
        file_key: "input_patterns",
        expected: "a list of texts",
        get: |settings| Json::from(settings.input_patterns.clone()),
        set: |settings, value| put(&mut settings.input_patterns, texts(value)),
    },
    Setting {
        wire_key: "outputPatterns",
        file_key: "output_patterns",
        expected: "a list of texts",
        get: |settings| Json::from(settings.output_patterns.clone()),
        set: |settings, value| put(&mut settings.output_patterns, texts(value)),
    },
    Setting {
        wire_key: "autoRegister",
        file_key: "auto_register",
        expected: "true or false",
        get: |settings| Json::from(settings.auto_register),
        set: |settings, value| put(&mut settings.auto_register, value.as_bool()),
    },
    Setting {
        wire_key: "pushOnConnect",
        file_key: "push_on_connect",
        expected: "true or false",
        get: |settings| Json::from(settings.push_on_connect),
        set: |settings, value| put(&mut settings.push_on_connect, value.as_bool()),
    },
    Setting {
        wire_key: "resetOnDisconnect",
        file_key: "reset_on_disconnect",
        expected: "true or false",
        get: |settings| Json::from(settings.reset_on_disconnect),
        set: |settings, value| put(&mut settings.reset_on_disconnect, value.as_bool()),
    },
    Setting {
        wire_key: "holdPulses",
        file_key: "hold_pulses",
        expected: "true or false",
        get: |settings| Json::from(settings.hold_pulses),
        set: |settings, value| put(&mut settings.hold_pulses, value.as_bool()),
    },
    Setting {
        wire_key: "echo",
        file_key: "echo",
        expected: "\"auto\", \"always\" or \"never\"",
        get: |settings| match settings.echo {
            Echo::Auto => Json::from("auto"),
            Echo::Always => Json::from("always"),
            Echo::Never => Json::from("never"),
        },
        set: |settings, value| {
            let echo = match word(value).as_deref() {
                Some("auto") => Some(Echo::Auto),
                Some("always") => Some(Echo::Always),
                Some("never") => Some(Echo::Never),
                _ => None,
            };
            put(&mut settings.echo, echo)
        },
    },
    Setting {
        wire_key: "directionConvention",
        file_key: "direction_convention",
        expected: "\"plc\" or \"simulation\"",
        get: |settings| match settings.direction_convention {
            DirectionConvention::Plc => Json::from("plc"),
            DirectionConvention::Simulation => Json::from("simulation"),
        },
        set: |settings, value| {
            let convention = match word(value).as_deref() {
                Some("plc") => Some(DirectionConvention::Plc),
                Some("simulation") => Some(DirectionConvention::Simulation),
                _ => None,
            };
            put(&mut settings.direction_convention, convention)
        },
    },
];

/// Settings that are checked and wait to be on the disk.
#[derive(Debug)]
pub(crate) struct PendingSave {
    endpoint: EndpointId,
    settings: EndpointSettings,
    asked_by: AskedBy,
    by: Actor,
    /// Key in the project file, value before, value after.
    changes: Vec<(&'static str, Json, Json)>,
}

/// Who gets the result.
#[derive(Debug)]
enum AskedBy {
    Peer(ConnId),
    Api(Ticket),
}

/// The settings of an endpoint with their keys in the project file.
pub(crate) fn current(settings: &EndpointSettings) -> Vec<(&'static str, Json)> {
    SETTINGS
        .iter()
        .map(|setting| (setting.file_key, (setting.get)(settings)))
        .collect()
}

impl Hub {
    pub(crate) fn config_get(&mut self, conn: ConnId, endpoint_id: EndpointId) {
        let settings = &self.endpoints[endpoint_id.0 as usize].settings;
        let config: Vec<(String, Json)> = SETTINGS
            .iter()
            .map(|setting| (setting.wire_key.to_owned(), (setting.get)(settings)))
            .collect();
        self.send_text(conn, |out| wire::write_config_answer(out, &config));
    }

    pub(crate) fn config_set(&mut self, conn: ConnId, endpoint_id: EndpointId, config: Vec<(String, Json)>) {
        let Some(by) = self.actor_of(conn) else { return };
        let asked = match by.access.role >= Role::Engineer {
            true => self.configure(
                endpoint_id,
                config,
                |setting| setting.wire_key,
                (AskedBy::Peer(conn), by),
            ),
            false => Err(rights::forbidden(&by.access, "change settings")),
        };
        match (asked, self.clients.get_mut(&conn)) {
            (Ok(()), Some(client)) => client.is_saving = true,
            (Ok(()), None) => {}
            (Err(refused), _) => {
                self.send_text(conn, |out| {
                    wire::write_config_result(out, false, &refused.to_string());
                });
            }
        }
    }

    /// Changes settings through the API, by their keys in the project file.
    pub(crate) fn api_configure(
        &mut self,
        (ticket, by): (Ticket, &Actor),
        endpoint: EndpointId,
        changes: Vec<(String, Json)>,
    ) -> Result<(), Refused> {
        let asked_by = (AskedBy::Api(ticket), by.clone());
        self.configure(endpoint, changes, |setting| setting.file_key, asked_by)
    }

    /// The driver has saved settings, or could not.
    pub(crate) fn saved(&mut self, ticket: Ticket, result: Result<(), String>) {
        let Some(save) = self.saves.remove(&ticket) else { return };
        if result.is_ok() {
            let name = self.endpoints[save.endpoint.0 as usize].settings.name.clone();
            for (key, old, new) in save.changes {
                let subject = format!("realvirtual.{name}.{key}");
                self.audit(&save.by, "config", subject, (old, new));
            }
            self.apply_settings(save.endpoint, save.settings);
        }
        match save.asked_by {
            AskedBy::Peer(conn) => {
                let (success, message) = match &result {
                    Ok(()) => (true, String::from("applied")),
                    Err(reason) => (false, format!("not saved: {reason}")),
                };
                self.send_text(conn, |out| wire::write_config_result(out, success, &message));
                if let Some(client) = self.clients.get_mut(&conn) {
                    client.is_saving = false;
                }
                self.go_on_after_answer(conn);
            }
            AskedBy::Api(ticket) => {
                let reply = match result {
                    Ok(()) => Reply::Done,
                    Err(reason) => Reply::Refused(Refused::NotSaved(reason)),
                };
                self.outputs.push(Output::Reply {
                    ticket,
                    reply: Box::new(reply),
                });
            }
        }
    }

    fn configure(
        &mut self,
        endpoint: EndpointId,
        changes: Vec<(String, Json)>,
        key_of: impl Fn(&Setting) -> &'static str,
        (asked_by, by): (AskedBy, Actor),
    ) -> Result<(), Refused> {
        let mut settings = self.endpoints[endpoint.0 as usize].settings.clone();
        let mut to_save = Vec::with_capacity(changes.len());
        let mut changed = Vec::with_capacity(changes.len());
        for (key, value) in changes {
            let Some(setting) = SETTINGS.iter().find(|setting| key_of(setting) == key) else {
                let known: Vec<&str> = SETTINGS.iter().map(&key_of).collect();
                return Err(Refused::BadValue {
                    name: key,
                    expected: format!("unknown key; known are {}", known.join(", ")),
                });
            };
            let old = (setting.get)(&settings);
            if !(setting.set)(&mut settings, &value) {
                return Err(Refused::BadValue {
                    name: key,
                    expected: format!("expected {}, got {value}", setting.expected),
                });
            }
            let new = (setting.get)(&settings);
            to_save.push((setting.file_key, new.clone()));
            changed.push((setting.file_key, old, new));
        }
        let ticket = self.next_ticket();
        self.saves.insert(
            ticket,
            PendingSave {
                endpoint,
                settings,
                asked_by,
                by,
                changes: changed,
            },
        );
        self.outputs.push(Output::Save {
            ticket,
            endpoint,
            changes: to_save,
        });
        Ok(())
    }

    /// New settings are live at once: clients move to the group with the new cycle, keeping what they were told.
    fn apply_settings(&mut self, endpoint_id: EndpointId, settings: EndpointSettings) {
        self.endpoints[endpoint_id.0 as usize].settings = settings;
        self.watch_echoes();
        let has_view =
            |client: &crate::client::Client| client.face.endpoint() == Some(endpoint_id) && client.group.is_some();
        let mut conns: Vec<ConnId> = self
            .clients
            .iter()
            .filter(|(_, client)| has_view(client))
            .map(|(conn, _)| *conn)
            .collect();
        conns.sort_unstable();
        for conn in conns {
            let Some(client) = self.clients.get(&conn) else {
                continue;
            };
            let set = client
                .group
                .and_then(|group| self.views.key(group))
                .and_then(|key| key.set.clone());
            let set = match (&client.view, client.access.view.is_all()) {
                (View::List { .. }, _) | (_, false) => Some(set.as_deref().unwrap_or_default().to_vec()),
                _ => None,
            };
            let key = self.endpoint_view(endpoint_id, set);
            self.change_view(conn, key);
        }
    }
}

/// Puts a value where it belongs; false when there is none.
fn put<T>(place: &mut T, value: Option<T>) -> bool {
    match value {
        Some(value) => {
            *place = value;
            true
        }
        None => false,
    }
}

/// A text in lower case: Unity writes its enumerations with a capital.
fn word(value: &Json) -> Option<String> {
    value.as_str().map(str::to_ascii_lowercase)
}

fn texts(value: &Json) -> Option<Vec<String>> {
    value
        .as_array()?
        .iter()
        .map(|text| text.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_takes_what_it_gives_and_refuses_another_kind() {
        for setting in &SETTINGS {
            let mut settings = EndpointSettings::named("line");
            let value = (setting.get)(&settings);
            assert!(
                (setting.set)(&mut settings, &value),
                "{} takes {value}",
                setting.file_key
            );
            for wrong in [
                Json::Null,
                Json::from(0),
                Json::from(1.5),
                Json::from("?"),
                Json::from(vec![1]),
            ] {
                assert!(
                    !(setting.set)(&mut settings, &wrong),
                    "{} refuses {wrong}",
                    setting.file_key
                );
            }
            assert_eq!((setting.get)(&settings), value, "{}", setting.file_key);
        }
    }

    #[test]
    fn the_cycle_ends_at_its_borders() {
        let mut settings = EndpointSettings::named("line");
        let mut set = |value: i64| (SETTINGS[0].set)(&mut settings, &Json::from(value));
        assert!(!set(0));
        assert!(set(1));
        assert!(set(60_000));
        assert!(!set(60_001));
        assert!(!set(-1));
    }
}
