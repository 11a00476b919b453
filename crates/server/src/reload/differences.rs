//! What a project file says otherwise than the hub does, besides its routes.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crosstie_hub::settings::SignalSetting;
use serde_json::Value;

use crate::config::{Config, EndpointConfig};

/// What has changed, in words such as `[web] port`: it differs from what the file said at the start and from what is in force. What
/// the hub has written into the file itself is in force.
pub(super) fn differences(started: &Config, in_force: &Config, now: &Config) -> Vec<String> {
    let [started_keys, in_force_keys, now_keys] = [started, in_force, now].map(settings);
    let mut found = Vec::new();
    let mut sections: Vec<&str> = Vec::new();
    for (key, value) in &now_keys {
        let section = section_of(key);
        match (started_keys.get(key), in_force_keys.get(key)) {
            (None, None) => {
                // The keys of a section that is new say nothing more.
                let is_new = !started_keys.keys().any(|other| section_of(other) == section);
                if !is_new {
                    found.push(in_words(key));
                } else if !sections.contains(&section) {
                    sections.push(section);
                    found.push(section_in_words(section));
                }
            }
            (before, force) if before != Some(value) && force != Some(value) => found.push(in_words(key)),
            _ => {}
        }
    }
    for key in started_keys.keys().filter(|key| !now_keys.contains_key(*key)) {
        let section = section_of(key);
        let is_gone = !now_keys.keys().any(|other| section_of(other) == section);
        if is_gone && !sections.contains(&section) {
            sections.push(section);
            found.push(section_in_words(section));
        }
    }
    for endpoint in &now.endpoints {
        let of = [started, in_force].map(|config| config.endpoint(&endpoint.name).map(signals));
        let ([before, force], now) = (of, Some(signals(endpoint)));
        if before.is_some() && before != now && force != now {
            found.push(format!("[[realvirtual]] \"{}\" signal", endpoint.name));
        }
    }
    let mut lists = |name: &str, before: String, now: String| {
        if before != now {
            found.push(name.to_owned());
        }
    };
    lists("[[practice]]", debug(&started.practices), debug(&now.practices));
    let maps = |config: &Config| debug(&config.modbuses.iter().map(|server| &server.maps).collect::<Vec<_>>());
    if started.modbuses.len() == now.modbuses.len() {
        lists("[[modbus]]", maps(started), maps(now));
    }
    if let (Some(before), Some(now)) = (&started.classroom, &now.classroom) {
        lists("[[gama.watch]]", debug(&before.gama.watches), debug(&now.gama.watches));
        lists("[[gama.write]]", debug(&before.gama.writes), debug(&now.gama.writes));
    }
    found
}

fn debug(value: &impl Debug) -> String {
    format!("{value:?}")
}

fn settings(config: &Config) -> BTreeMap<String, Value> {
    let settings = config.settings().into_iter();
    settings.map(|setting| (setting.key, setting.value)).collect()
}

/// Signals by their names: their order has no meaning.
fn signals(endpoint: &EndpointConfig) -> BTreeMap<&str, &SignalSetting> {
    let signals = endpoint.signals.iter();
    signals.map(|signal| (signal.wire_name.as_str(), signal)).collect()
}

/// A dotted key without its last part.
fn section_of(key: &str) -> &str {
    key.rsplit_once('.').map_or(key, |(section, _)| section)
}

/// A dotted key as it stands in the file.
fn in_words(key: &str) -> String {
    let name = key.rsplit_once('.').map_or("", |(_, name)| name);
    format!("{} {name}", section_in_words(section_of(key)))
}

fn section_in_words(section: &str) -> String {
    match section.split_once('.') {
        Some((kind, name)) => format!("[[{kind}]] \"{name}\""),
        None => format!("[{section}]"),
    }
}
