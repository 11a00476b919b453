//! Every key of the sections that hold settings: what it takes, whether it can change while the hub runs, and where it lives in
//! the checked configuration.
//!
//! The file reader, environment variables, flags, the live path and the list of settings all go through these tables, so a
//! key cannot be valid in one place and unknown in another.

mod classroom;
mod clock;
mod form;
mod history;
mod modbus;
mod plcs;
mod record;

pub(crate) use classroom::{
    CLASSROOM_KEYS, GAMA_KEYS, HEADSET_KEYS, MONITOR_KEYS, is_platform_variable, platform_value, platform_variable,
};
pub(crate) use clock::CLOCK_KEYS;
pub(crate) use form::{Checked, Form, without_query};
pub(crate) use history::HISTORY_KEYS;
pub(crate) use modbus::MODBUS_KEYS;
pub(crate) use plcs::{PIPLC_KEYS, PLC_KEYS};
pub(crate) use record::RECORD_KEYS;

use super::{EndpointConfig, HubConfig, ProjectConfig, Role, TlsConfig, WebConfig};
use crosstie_hub::settings::{Direction, DirectionConvention, Echo};
use serde_json::{Value, json};
use std::time::Duration;

/// One key of a section whose checked form is `T`.
pub(crate) struct Key<T: 'static> {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    /// It can change while the hub runs.
    pub(crate) live: bool,
    pub(crate) get: fn(&T) -> Value,
    pub(crate) set: fn(&mut T, Checked),
}

/// The words of an enumeration in the file, in the order in which they are documented.
type Words<T> = [(&'static str, T)];

pub(crate) const CONVENTION_WORDS: [&str; 2] = ["plc", "simulation"];
const CONVENTIONS: [(&str, DirectionConvention); 2] = [
    (CONVENTION_WORDS[0], DirectionConvention::Plc),
    (CONVENTION_WORDS[1], DirectionConvention::Simulation),
];
const ECHO_WORDS: [&str; 3] = ["auto", "always", "never"];
const ECHOES: [(&str, Echo); 3] = [
    (ECHO_WORDS[0], Echo::Auto),
    (ECHO_WORDS[1], Echo::Always),
    (ECHO_WORDS[2], Echo::Never),
];
const DIRECTION_WORDS: [&str; 2] = ["input", "output"];
const DIRECTIONS: [(&str, Direction); 2] = [
    (DIRECTION_WORDS[0], Direction::Input),
    (DIRECTION_WORDS[1], Direction::Output),
];
const ROLE_WORDS: [&str; 2] = ["server", "client"];
const ROLES: [(&str, Role); 2] = [(ROLE_WORDS[0], Role::Server), (ROLE_WORDS[1], Role::Client)];

fn word_of<T: PartialEq>(words: &Words<T>, value: &T) -> &'static str {
    words
        .iter()
        .find(|(_, known)| known == value)
        .map_or("", |(word, _)| word)
}

fn by_word<T: Copy>(words: &Words<T>, checked: Checked) -> T {
    let text = checked.text();
    words
        .iter()
        .find(|(word, _)| *word == text)
        .expect("the form of the key allows exactly these words")
        .1
}

/// The word of a role in the file.
pub(crate) fn role_word(role: Role) -> &'static str {
    word_of(&ROLES, &role)
}

/// The role that an endpoint's key belongs to; `None` for those of both.
pub(crate) fn role_of(key: &str) -> Option<Role> {
    match key {
        "bind" | "allow_unauthenticated" | "allowed_origins" | "tls" | "push_on_connect" => Some(Role::Server),
        "address"
        | "use_ssl"
        | "client_name"
        | "auto_reconnect"
        | "reconnect_interval_seconds"
        | "max_reconnect_attempts"
        | "connect_on_start"
        | "keep_alive"
        | "ca_file"
        | "access_key_file" => Some(Role::Client),
        _ => None,
    }
}

/// The convention that a checked word names.
pub(crate) fn convention(word: Checked) -> DirectionConvention {
    by_word(&CONVENTIONS, word)
}

/// The word of a convention in the file.
pub(crate) fn convention_word(convention: DirectionConvention) -> &'static str {
    word_of(&CONVENTIONS, &convention)
}

const PORT: Form = Form::Whole { min: 0, max: 65_535 };

/// The range of a port is checked by its form.
fn port(checked: Checked) -> u16 {
    u16::try_from(checked.whole()).expect("a port's form ends at 65535")
}

fn count(checked: Checked) -> usize {
    usize::try_from(checked.whole()).expect("every count's form lies between 0 and 2^32")
}

/// The range of a time is checked by its form.
fn unsigned(checked: Checked) -> u64 {
    u64::try_from(checked.whole()).expect("no time's form begins below 0")
}

fn millis(duration: Duration) -> Value {
    json!(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// `[project]`.
pub(crate) const PROJECT_KEYS: &[Key<ProjectConfig>] = &[Key {
    name: "name",
    form: Form::Text,
    live: false,
    get: |project| json!(project.name),
    set: |project, value| project.name = value.text(),
}];

/// `[web]`.
pub(crate) const WEB_KEYS: &[Key<WebConfig>] = &[
    Key {
        name: "bind",
        form: Form::Address,
        live: false,
        get: |web| json!(web.bind),
        set: |web, value| web.bind = value.address(),
    },
    Key {
        name: "port",
        form: PORT,
        live: false,
        get: |web| json!(web.port),
        set: |web, value| web.port = port(value),
    },
    Key {
        name: "allow_unauthenticated",
        form: Form::Flag,
        live: false,
        get: |web| json!(web.allow_unauthenticated),
        set: |web, value| web.allow_unauthenticated = value.flag(),
    },
    Key {
        name: "allowed_origins",
        form: Form::Origins { any: false },
        live: false,
        get: |web| json!(web.allowed_origins),
        set: |web, value| web.allowed_origins = value.list(),
    },
    Key {
        name: "tls",
        form: Form::Flag,
        live: false,
        get: |web| json!(web.tls),
        set: |web, value| web.tls = value.flag(),
    },
];

/// `[tls]`.
pub(crate) const TLS_KEYS: &[Key<TlsConfig>] = &[
    Key {
        name: "certificate",
        form: Form::ProjectPath,
        live: false,
        get: |tls| json!(tls.certificate),
        set: |tls, value| tls.certificate = Some(value.text().into()),
    },
    Key {
        name: "private_key",
        form: Form::ProjectPath,
        live: false,
        get: |tls| json!(tls.private_key),
        set: |tls, value| tls.private_key = Some(value.text().into()),
    },
    Key {
        name: "names",
        form: Form::Hosts,
        live: false,
        get: |tls| json!(tls.names),
        set: |tls, value| tls.names = value.list(),
    },
];

/// `[hub]`.
pub(crate) const HUB_KEYS: &[Key<HubConfig>] = &[
    Key {
        name: "stale_after_ms",
        form: Form::Whole {
            min: 1_000,
            max: 60_000,
        },
        live: false,
        get: |hub| millis(hub.stale_after),
        set: |hub, value| hub.stale_after = Duration::from_millis(unsigned(value)),
    },
    Key {
        name: "max_signals",
        form: Form::Whole {
            min: 1,
            max: 10_000_000,
        },
        live: false,
        get: |hub| json!(hub.max_signals),
        set: |hub, value| hub.max_signals = count(value),
    },
    Key {
        name: "max_clients",
        form: Form::Whole { min: 1, max: 100_000 },
        live: false,
        get: |hub| json!(hub.max_clients),
        set: |hub, value| hub.max_clients = count(value),
    },
    Key {
        name: "threads",
        form: Form::Whole { min: 1, max: 256 },
        live: false,
        get: |hub| json!(hub.threads),
        set: |hub, value| hub.threads = Some(count(value)),
    },
    Key {
        name: "lock_memory",
        form: Form::Flag,
        live: false,
        get: |hub| json!(hub.lock_memory),
        set: |hub, value| hub.lock_memory = value.flag(),
    },
];

/// `[[realvirtual]]`, without its name.
pub(crate) const ENDPOINT_KEYS: &[Key<EndpointConfig>] = &[
    Key {
        name: "role",
        form: Form::Choice(&ROLE_WORDS),
        live: false,
        get: |endpoint| json!(word_of(&ROLES, &endpoint.role)),
        set: |endpoint, value| endpoint.role = by_word(&ROLES, value),
    },
    Key {
        name: "bind",
        form: Form::Address,
        live: false,
        get: |endpoint| json!(endpoint.bind),
        set: |endpoint, value| endpoint.bind = value.address(),
    },
    Key {
        name: "port",
        form: PORT,
        live: false,
        get: |endpoint| json!(endpoint.port),
        set: |endpoint, value| endpoint.port = port(value),
    },
    Key {
        name: "path",
        form: Form::UrlPath,
        live: false,
        get: |endpoint| match endpoint.role {
            Role::Server => json!(endpoint.path),
            Role::Client => json!(without_query(&endpoint.link.target)),
        },
        // Both roles have a path; which of the two counts is known when the role is, see `EndpointConfig::settle_role`.
        set: |endpoint, value| {
            let text = value.text();
            endpoint.link.target.clone_from(&text);
            endpoint.path = Some(text);
        },
    },
    Key {
        name: "allow_unauthenticated",
        form: Form::Flag,
        live: false,
        get: |endpoint| json!(endpoint.allow_unauthenticated),
        set: |endpoint, value| endpoint.allow_unauthenticated = value.flag(),
    },
    Key {
        name: "allowed_origins",
        form: Form::Origins { any: true },
        live: false,
        get: |endpoint| json!(endpoint.allowed_origins),
        set: |endpoint, value| endpoint.allowed_origins = value.list(),
    },
    Key {
        name: "tls",
        form: Form::Flag,
        live: false,
        get: |endpoint| json!(endpoint.tls),
        set: |endpoint, value| endpoint.tls = value.flag(),
    },
    Key {
        name: "address",
        form: Form::Host,
        live: false,
        get: |endpoint| json!(endpoint.link.host),
        set: |endpoint, value| endpoint.link.host = value.text(),
    },
    Key {
        name: "use_ssl",
        form: Form::Flag,
        live: false,
        get: |endpoint| json!(endpoint.link.use_ssl),
        set: |endpoint, value| endpoint.link.use_ssl = value.flag(),
    },
    Key {
        name: "client_name",
        form: Form::Text,
        live: false,
        get: |endpoint| json!(endpoint.link.settings.client_name),
        set: |endpoint, value| endpoint.link.settings.client_name = value.text(),
    },
    Key {
        name: "auto_reconnect",
        form: Form::Flag,
        live: false,
        get: |endpoint| json!(endpoint.link.settings.auto_reconnect),
        set: |endpoint, value| endpoint.link.settings.auto_reconnect = value.flag(),
    },
    Key {
        name: "reconnect_interval_seconds",
        form: Form::Whole { min: 1, max: 3_600 },
        live: false,
        get: |endpoint| json!(endpoint.link.settings.reconnect_interval.as_secs()),
        set: |endpoint, value| endpoint.link.settings.reconnect_interval = Duration::from_secs(unsigned(value)),
    },
    Key {
        name: "max_reconnect_attempts",
        // -1 is realvirtual's word for "never give up".
        form: Form::Whole {
            min: -1,
            max: 1_000_000,
        },
        live: false,
        get: |endpoint| match endpoint.link.settings.max_reconnect_attempts {
            Some(attempts) => json!(attempts),
            None => json!(-1),
        },
        set: |endpoint, value| endpoint.link.settings.max_reconnect_attempts = u32::try_from(value.whole()).ok(),
    },
    Key {
        name: "connect_on_start",
        form: Form::Flag,
        live: false,
        get: |endpoint| json!(endpoint.link.settings.connect_on_start),
        set: |endpoint, value| endpoint.link.settings.connect_on_start = value.flag(),
    },
    Key {
        name: "keep_alive",
        form: Form::Flag,
        live: false,
        get: |endpoint| json!(endpoint.link.settings.keep_alive),
        set: |endpoint, value| endpoint.link.settings.keep_alive = value.flag(),
    },
    Key {
        name: "ca_file",
        form: Form::ProjectPath,
        live: false,
        get: |endpoint| json!(endpoint.link.ca_file),
        set: |endpoint, value| endpoint.link.ca_file = Some(value.text().into()),
    },
    Key {
        name: "access_key_file",
        form: Form::ProjectPath,
        live: false,
        get: |endpoint| json!(endpoint.link.access_key_file),
        set: |endpoint, value| endpoint.link.access_key_file = Some(value.text().into()),
    },
    Key {
        name: "update_cycle_ms",
        form: Form::Whole { min: 1, max: 60_000 },
        live: true,
        get: |endpoint| millis(endpoint.update_cycle),
        set: |endpoint, value| endpoint.update_cycle = Duration::from_millis(unsigned(value)),
    },
    Key {
        name: "only_transmit_changed",
        form: Form::Flag,
        live: true,
        get: |endpoint| json!(endpoint.only_transmit_changed),
        set: |endpoint, value| endpoint.only_transmit_changed = value.flag(),
    },
    Key {
        name: "direction_convention",
        form: Form::Choice(&CONVENTION_WORDS),
        live: true,
        get: |endpoint| json!(convention_word(endpoint.direction_convention)),
        set: |endpoint, value| endpoint.direction_convention = convention(value),
    },
    Key {
        name: "auto_register",
        form: Form::Flag,
        live: true,
        get: |endpoint| json!(endpoint.auto_register),
        set: |endpoint, value| endpoint.auto_register = value.flag(),
    },
    Key {
        name: "push_on_connect",
        form: Form::Flag,
        live: true,
        get: |endpoint| json!(endpoint.push_on_connect),
        set: |endpoint, value| endpoint.push_on_connect = value.flag(),
    },
    Key {
        name: "reset_on_disconnect",
        form: Form::Flag,
        live: true,
        get: |endpoint| json!(endpoint.reset_on_disconnect),
        set: |endpoint, value| endpoint.reset_on_disconnect = value.flag(),
    },
    Key {
        name: "hold_pulses",
        form: Form::Flag,
        live: true,
        get: |endpoint| json!(endpoint.hold_pulses),
        set: |endpoint, value| endpoint.hold_pulses = value.flag(),
    },
    Key {
        name: "echo",
        form: Form::Choice(&ECHO_WORDS),
        live: true,
        get: |endpoint| json!(word_of(&ECHOES, &endpoint.echo)),
        set: |endpoint, value| endpoint.echo = by_word(&ECHOES, value),
    },
    Key {
        name: "debug",
        form: Form::Flag,
        live: true,
        get: |endpoint| json!(endpoint.debug),
        set: |endpoint, value| endpoint.debug = value.flag(),
    },
    Key {
        name: "use_pattern_matching",
        form: Form::Flag,
        live: true,
        get: |endpoint| json!(endpoint.use_pattern_matching),
        set: |endpoint, value| endpoint.use_pattern_matching = value.flag(),
    },
    Key {
        name: "input_patterns",
        form: Form::Patterns,
        live: true,
        get: |endpoint| json!(endpoint.input_patterns),
        set: |endpoint, value| endpoint.input_patterns = value.list(),
    },
    Key {
        name: "output_patterns",
        form: Form::Patterns,
        live: true,
        get: |endpoint| json!(endpoint.output_patterns),
        set: |endpoint, value| endpoint.output_patterns = value.list(),
    },
    Key {
        name: "default_signal_direction",
        form: Form::Choice(&DIRECTION_WORDS),
        live: true,
        get: |endpoint| json!(word_of(&DIRECTIONS, &endpoint.default_signal_direction)),
        set: |endpoint, value| endpoint.default_signal_direction = by_word(&DIRECTIONS, value),
    },
    Key {
        name: "signals",
        form: Form::ProjectPath,
        live: false,
        get: |endpoint| json!(endpoint.signals_file),
        set: |endpoint, value| endpoint.signals_file = Some(value.text().into()),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw::RawValue;
    use crate::config::{
        ClassroomConfig, ClockConfig, GamaConfig, HeadsetConfig, MonitorConfig, PiplcConfig, PlcConfig,
    };

    #[test]
    fn every_key_gives_back_what_was_set() {
        fn round_trip<T>(keys: &[Key<T>], target: &mut T) {
            let text = |text: &str| RawValue::Text(text.to_owned());
            for key in keys {
                let raw = match key.form {
                    Form::Flag => RawValue::Flag(true),
                    Form::Whole { max, .. } => RawValue::Whole(max),
                    Form::Rate => RawValue::Float(2.5),
                    Form::Millis { min_us, .. } => RawValue::Float(f64::from(min_us) / 1e3),
                    Form::Choice(words) => text(words.last().unwrap()),
                    Form::Patterns | Form::Places | Form::Hosts | Form::ProjectPaths | Form::Actions => {
                        RawValue::List(vec![text("x")])
                    }
                    Form::PathMap => RawValue::List(vec![text("/a=/b")]),
                    Form::Origins { .. } => RawValue::List(vec![text("http://x")]),
                    Form::Address => text("10.0.0.1"),
                    Form::UrlPath => text("/p"),
                    Form::EngineUrl => text("ws://10.0.0.1:9100/"),
                    Form::Text | Form::Segment | Form::Context | Form::Host | Form::ProjectPath | Form::Folder => {
                        text("name")
                    }
                };
                let checked = key.form.check(&raw).unwrap();
                (key.set)(target, checked.clone());
                assert_eq!((key.get)(target), checked.to_json(), "{}", key.name);
            }
        }
        round_trip(PROJECT_KEYS, &mut ProjectConfig::default());
        round_trip(WEB_KEYS, &mut WebConfig::default());
        round_trip(HUB_KEYS, &mut HubConfig::default());
        round_trip(RECORD_KEYS, &mut crate::config::RecordConfig::default());
        round_trip(HISTORY_KEYS, &mut super::super::HistoryConfig::default());
        round_trip(CLOCK_KEYS, &mut ClockConfig::default());
        round_trip(TLS_KEYS, &mut TlsConfig::default());
        round_trip(ENDPOINT_KEYS, &mut EndpointConfig::named("line"));
        round_trip(PIPLC_KEYS, &mut PiplcConfig::default());
        round_trip(PLC_KEYS, &mut PlcConfig::named("line"));
        round_trip(CLASSROOM_KEYS, &mut ClassroomConfig::default());
        round_trip(MONITOR_KEYS, &mut MonitorConfig::default());
        round_trip(HEADSET_KEYS, &mut HeadsetConfig::default());
        round_trip(GAMA_KEYS, &mut GamaConfig::default());
    }

    #[test]
    fn the_query_of_a_clients_path_is_shown_to_nobody() {
        let mut endpoint = EndpointConfig::named("line");
        let path = ENDPOINT_KEYS.iter().find(|key| key.name == "path").unwrap();
        endpoint.role = Role::Client;
        (path.set)(&mut endpoint, Checked::Text(String::from("/ws?apikey=k1")));
        assert_eq!((path.get)(&endpoint), json!("/ws?…"));
        assert_eq!(endpoint.link.target, "/ws?apikey=k1");
    }
}
