//! What a project file says otherwise than the hub does, besides its routes.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crosstie_hub::settings::SignalSetting;
use crosstie_hub::signal::Value as SignalValue;

use crate::config::{Config, EndpointConfig, Setting, Source};

/// What a project says, as far as it is compared. The signals of an endpoint and what else is a list are one number each: a project
/// may have many of them.
#[derive(Debug)]
pub(super) struct Said {
    keys: BTreeMap<String, Setting>,
    lists: BTreeMap<String, u64>,
}

impl Said {
    /// By a project.
    pub(super) fn by(config: &Config) -> Said {
        let settings = config.settings().into_iter();
        let keys = settings.map(|setting| (setting.key.clone(), setting)).collect();
        let mut lists = BTreeMap::new();
        for endpoint in &config.endpoints {
            let name = format!("[[realvirtual]] \"{}\" signal", endpoint.name);
            lists.insert(name, signals(endpoint));
        }
        for server in &config.modbuses {
            lists.insert(format!("[[modbus]] \"{}\" map", server.name), number(&server.maps));
        }
        if let Some(classroom) = &config.classroom {
            lists.insert(String::from("[[gama.watch]]"), number(&classroom.gama.watches));
            lists.insert(String::from("[[gama.write]]"), number(&classroom.gama.writes));
        }
        lists.insert(String::from("[[practice]]"), number(&config.practices));
        Said { keys, lists }
    }

    /// What has changed, in words such as `[web] port`: `now` differs from what the file said at the start, which is this, and from
    /// what is in force. What the hub has written into the file itself is in force, and so is what a flag says.
    pub(super) fn differences(&self, in_force: &Said, now: &Said) -> Vec<String> {
        let mut found = Vec::new();
        let mut sections: Vec<&str> = Vec::new();
        let mut whole = |section, found: &mut Vec<String>| {
            if !sections.contains(&section) {
                sections.push(section);
                found.push(section_in_words(section));
            }
        };
        for (key, setting) in &now.keys {
            let force = in_force.keys.get(key);
            if force.is_some_and(|force| matches!(force.source, Source::Flag | Source::Environment)) {
                continue;
            }
            let is = |known: Option<&Setting>| known.is_some_and(|known| known.value == setting.value);
            match self.keys.get(key) {
                None if !self.has_section(section_of(key)) => whole(section_of(key), &mut found),
                before if !is(before) && !is(force) => found.push(in_words(key)),
                _ => {}
            }
        }
        let gone = |key: &&String| !now.has_section(section_of(key));
        for key in self.keys.keys().filter(gone) {
            whole(section_of(key), &mut found);
        }
        for (name, number) in &now.lists {
            let (before, force) = (self.lists.get(name), in_force.lists.get(name));
            if before.is_some() && before != Some(number) && force != Some(number) {
                found.push(name.clone());
            }
        }
        found
    }

    fn has_section(&self, section: &str) -> bool {
        self.keys.keys().any(|key| section_of(key) == section)
    }
}

/// One number for what is short.
fn number(value: &impl Debug) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{value:?}").hash(&mut hasher);
    hasher.finish()
}

/// One number for the signals of an endpoint, in whatever order.
fn signals(endpoint: &EndpointConfig) -> u64 {
    let one = |signal: &SignalSetting| {
        let mut hasher = DefaultHasher::new();
        (&signal.wire_name, &signal.signal, signal.kind.word()).hash(&mut hasher);
        (signal.owner.word(), signal.neutral).hash(&mut hasher);
        signal
            .convention
            .map(|convention| format!("{convention:?}"))
            .hash(&mut hasher);
        match &signal.value {
            None => {}
            Some(SignalValue::Bool(flag)) => flag.hash(&mut hasher),
            Some(SignalValue::Int(number)) => number.hash(&mut hasher),
            Some(SignalValue::Float(number)) => number.to_bits().hash(&mut hasher),
            Some(SignalValue::Text(text)) => text.hash(&mut hasher),
        }
        hasher.finish()
    };
    endpoint.signals.iter().map(one).fold(0, u64::wrapping_add)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Overrides, check_setting, load_text};
    use std::path::Path;

    const PROJECT: &str = "[web]\nport = 0\n[[realvirtual]]\nname = \"a.b\"\nport = 0\n";

    fn config(text: &str) -> Config {
        let loaded = load_text(Path::new("no-such-folder"), text, &Overrides::default());
        loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
    }

    fn check(text: &str, expected: &[&str]) {
        let started = Said::by(&config(PROJECT));
        assert_eq!(
            started.differences(&started, &Said::by(&config(text))),
            expected,
            "{text}"
        );
    }

    #[test]
    fn what_differs_is_named_as_it_stands_in_the_file() {
        check(
            &format!("# comment\n{PROJECT}\n[[route]]\nfrom = \"sim/a\"\nto = \"sim/b\"\n"),
            &[],
        );
        check(&format!("{PROJECT}debug = true\n"), &["[[realvirtual]] \"a.b\" debug"]);
        check("[web]\nport = 0\n", &["[[realvirtual]] \"a.b\""]);
        check(
            &format!("{PROJECT}[[realvirtual.signal]]\nname = \"x\"\ntype = \"Int\"\nwriter = \"hub\"\n[classroom]\n"),
            &[
                "[classroom]",
                "[gama]",
                "[headset]",
                "[monitor]",
                "[[realvirtual]] \"a.b\" signal",
            ],
        );
    }

    #[test]
    fn what_is_in_force_already_is_no_difference() {
        let started = Said::by(&config(PROJECT));
        let mut in_force = config(PROJECT);
        let setting = check_setting("realvirtual.a.b.update_cycle_ms", &serde_json::json!(20)).unwrap();
        in_force.apply(&setting).unwrap();
        let now = Said::by(&config(&format!("{PROJECT}update_cycle_ms = 20\n")));
        assert_eq!(started.differences(&Said::by(&in_force), &now), [""; 0]);
        in_force.say_by_flag("realvirtual.a.b.update_cycle_ms");
        let now = Said::by(&config(&format!("{PROJECT}update_cycle_ms = 30\n")));
        assert_eq!(started.differences(&Said::by(&in_force), &now), [""; 0]);
    }
}
