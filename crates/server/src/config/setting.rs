//! Settings one by one: what each is now and where that comes from, and the check of a single new value.

use super::diagnostic::nearest;
use super::keys::{
    CLASSROOM_KEYS, CLOCK_KEYS, Checked, ENDPOINT_KEYS, Form, GAMA_KEYS, HEADSET_KEYS, HISTORY_KEYS, HUB_KEYS, Key,
    MODBUS_KEYS, MONITOR_KEYS, PIPLC_KEYS, PLC_KEYS, PROJECT_KEYS, RECORD_KEYS, TLS_KEYS, WEB_KEYS, role_of, role_word,
};
use super::raw::{RawValue, shortened};
use super::{Config, Role};
use serde_json::Value;

/// The sections of a classroom.
const OF_CLASSROOM: [&str; 4] = ["classroom", "monitor", "headset", "gama"];

/// Where the value of a setting comes from; a later one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Nobody said anything.
    Default,
    /// The project file.
    File,
    /// An environment variable.
    Environment,
    /// A flag of the command line.
    Flag,
}

impl Source {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Source::Default => "default",
            Source::File => "file",
            Source::Environment => "environment",
            Source::Flag => "flag",
        }
    }
}

/// One setting as it is in force, as `GET /api/v1/config` shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Dotted key, such as `realvirtual.line.update_cycle_ms`.
    pub key: String,
    /// Its value; null when it is optional and not given.
    pub value: Value,
    /// Where the value comes from.
    pub source: Source,
    /// It can change while the hub runs.
    pub live: bool,
}

/// A new value of one setting that fits.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedSetting {
    /// Dotted key.
    pub key: String,
    /// The section and its key, apart.
    pub(super) target: Target,
    pub(super) value: Checked,
    /// It can change while the hub runs; otherwise the hub must be started again.
    pub live: bool,
}

impl CheckedSetting {
    /// The endpoint that the setting belongs to, if it belongs to one.
    pub fn endpoint(&self) -> Option<&str> {
        match &self.target {
            Target::Endpoint { name, .. } => Some(name),
            Target::Plc { .. } | Target::Modbus { .. } | Target::Section { .. } => None,
        }
    }

    /// The last part of the key, such as `update_cycle_ms`.
    pub fn name(&self) -> &'static str {
        match self.target {
            Target::Endpoint { key, .. }
            | Target::Plc { key, .. }
            | Target::Modbus { key, .. }
            | Target::Section { key, .. } => key,
        }
    }

    /// The value.
    pub fn value(&self) -> Value {
        self.value.to_json()
    }
}

/// The place of a setting in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Section { section: &'static str, key: &'static str },
    Endpoint { name: String, key: &'static str },
    Plc { name: String, key: &'static str },
    Modbus { name: String, key: &'static str },
}

/// Why a setting is refused. The text names the key and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No setting has this key.
    #[error("unknown key `{}`{}", shortened(.key), .near.as_ref().map_or(String::new(), |near| format!(", did you mean `{near}`?")))]
    UnknownKey {
        /// The key.
        key: String,
        /// A known key that is nearly the same.
        near: Option<String>,
    },
    /// No endpoint has this name.
    #[error("no endpoint is named `{}` (key `{}`)", shortened(.endpoint), shortened(.key))]
    UnknownEndpoint {
        /// The key.
        key: String,
        /// The name.
        endpoint: String,
    },
    /// No PLC context has this name.
    #[error("no PLC context is named `{}` (key `{}`)", shortened(.context), shortened(.key))]
    UnknownPlc {
        /// The key.
        key: String,
        /// The name.
        context: String,
    },
    /// No Modbus server has this name.
    #[error("no Modbus server is named `{}` (key `{}`)", shortened(.server), shortened(.key))]
    UnknownModbus {
        /// The key.
        key: String,
        /// The name.
        server: String,
    },
    /// The project has no `[piplc]`.
    #[error("the project has no [piplc] (key `{}`)", shortened(.key))]
    NoPiplc {
        /// The key.
        key: String,
    },
    /// The project has no `[classroom]`.
    #[error("the project has no [classroom] (key `{}`)", shortened(.key))]
    NoClassroom {
        /// The key.
        key: String,
    },
    /// The key belongs to the other role of an endpoint.
    #[error("`{}` belongs to the {} role, and the endpoint `{}` has the {} role", shortened(.key), role_word(*.role), shortened(.endpoint), role_word(*.has))]
    OtherRole {
        /// The key.
        key: String,
        /// The role that it belongs to.
        role: Role,
        /// Name of the endpoint.
        endpoint: String,
        /// The role that it has.
        has: Role,
    },
    /// The value does not fit.
    #[error("`{key}` is {found}, expected {expected}")]
    BadValue {
        /// The key.
        key: String,
        /// What was given.
        found: String,
        /// What the key takes.
        expected: String,
    },
}

/// Checks a new value of one setting by its dotted key. Whether the endpoint of a `realvirtual.<endpoint>.<key>` exists is
/// only known to [`Config::apply`] and [`super::write_settings`].
///
/// # Errors
/// [`SettingError::UnknownKey`] and [`SettingError::BadValue`].
pub fn check_setting(key: &str, value: &Value) -> Result<CheckedSetting, SettingError> {
    let (target, form, live) = find(key)?;
    match form.check(&RawValue::from_json(value)) {
        Ok(value) => Ok(CheckedSetting {
            key: key.to_owned(),
            target,
            value,
            live,
        }),
        Err(_) => Err(SettingError::BadValue {
            key: key.to_owned(),
            found: form.shown(&RawValue::from_json(value)),
            expected: form.expected(),
        }),
    }
}

impl Config {
    /// Every setting as it is in force, in the order of the sections; of an endpoint those of its role. The query of a path is
    /// not among them.
    pub fn settings(&self) -> Vec<Setting> {
        let mut settings = Vec::new();
        self.list(&mut settings, "project", PROJECT_KEYS, &self.project);
        self.list(&mut settings, "web", WEB_KEYS, &self.web);
        self.list(&mut settings, "tls", TLS_KEYS, &self.tls);
        self.list(&mut settings, "hub", HUB_KEYS, &self.hub);
        self.list(&mut settings, "record", RECORD_KEYS, &self.record);
        self.list(&mut settings, "clock", CLOCK_KEYS, &self.clock);
        for endpoint in &self.endpoints {
            let keys = ENDPOINT_KEYS
                .iter()
                .filter(|key| role_of(key.name).is_none_or(|role| role == endpoint.role));
            self.list(&mut settings, &format!("realvirtual.{}", endpoint.name), keys, endpoint);
        }
        if let Some(piplc) = &self.piplc {
            self.list(&mut settings, "piplc", PIPLC_KEYS, piplc);
        }
        for plc in &self.plcs {
            self.list(&mut settings, &format!("plc.{}", plc.name), PLC_KEYS, plc);
        }
        for modbus in &self.modbuses {
            self.list(&mut settings, &format!("modbus.{}", modbus.name), MODBUS_KEYS, modbus);
        }
        if let Some(classroom) = &self.classroom {
            self.list(&mut settings, "classroom", CLASSROOM_KEYS, classroom);
            self.list(&mut settings, "monitor", MONITOR_KEYS, &classroom.monitor);
            self.list(&mut settings, "headset", HEADSET_KEYS, &classroom.headset);
            self.list(&mut settings, "gama", GAMA_KEYS, &classroom.gama);
        }
        self.list(&mut settings, "history", HISTORY_KEYS, &self.history);
        settings
    }

    /// Takes over a setting that was written to the project file. The caller makes it live where it works.
    ///
    /// # Errors
    /// [`SettingError::UnknownEndpoint`], [`SettingError::OtherRole`], [`SettingError::UnknownPlc`],
    /// [`SettingError::UnknownModbus`], [`SettingError::NoPiplc`], [`SettingError::NoClassroom`].
    pub fn apply(&mut self, setting: &CheckedSetting) -> Result<(), SettingError> {
        let value = setting.value.clone();
        match &setting.target {
            Target::Section {
                section: "project",
                key,
            } => set(PROJECT_KEYS, key, &mut self.project, value),
            Target::Section { section: "web", key } => set(WEB_KEYS, key, &mut self.web, value),
            Target::Section { section: "clock", key } => set(CLOCK_KEYS, key, &mut self.clock, value),
            Target::Section { section: "tls", key } => set(TLS_KEYS, key, &mut self.tls, value),
            Target::Section { section: "record", key } => set(RECORD_KEYS, key, &mut self.record, value),
            Target::Section {
                section: "history",
                key,
            } => set(HISTORY_KEYS, key, &mut self.history, value),
            Target::Section { section: "piplc", key } => match &mut self.piplc {
                Some(piplc) => set(PIPLC_KEYS, key, piplc, value),
                None => {
                    let key = setting.key.clone();
                    return Err(SettingError::NoPiplc { key });
                }
            },
            Target::Section { section, key } if OF_CLASSROOM.contains(section) => match &mut self.classroom {
                Some(classroom) => match *section {
                    "monitor" => set(MONITOR_KEYS, key, &mut classroom.monitor, value),
                    "headset" => set(HEADSET_KEYS, key, &mut classroom.headset, value),
                    "gama" => set(GAMA_KEYS, key, &mut classroom.gama, value),
                    _ => set(CLASSROOM_KEYS, key, classroom, value),
                },
                None => {
                    let key = setting.key.clone();
                    return Err(SettingError::NoClassroom { key });
                }
            },
            Target::Section { key, .. } => set(HUB_KEYS, key, &mut self.hub, value),
            Target::Endpoint { name, key } => {
                let endpoint = self.endpoints.iter_mut().find(|endpoint| endpoint.name == *name);
                let endpoint = endpoint.ok_or_else(|| SettingError::UnknownEndpoint {
                    key: setting.key.clone(),
                    endpoint: name.clone(),
                })?;
                if let Some(role) = role_of(key).filter(|role| *role != endpoint.role) {
                    return Err(SettingError::OtherRole {
                        key: setting.key.clone(),
                        role,
                        endpoint: name.clone(),
                        has: endpoint.role,
                    });
                }
                set(ENDPOINT_KEYS, key, endpoint, value);
            }
            Target::Plc { name, key } => {
                let plc = self.plcs.iter_mut().find(|plc| plc.name == *name);
                let plc = plc.ok_or_else(|| SettingError::UnknownPlc {
                    key: setting.key.clone(),
                    context: name.clone(),
                })?;
                set(PLC_KEYS, key, plc, value);
            }
            Target::Modbus { name, key } => {
                let modbus = self.modbuses.iter_mut().find(|modbus| modbus.name == *name);
                let modbus = modbus.ok_or_else(|| SettingError::UnknownModbus {
                    key: setting.key.clone(),
                    server: name.clone(),
                })?;
                set(MODBUS_KEYS, key, modbus, value);
            }
        }
        self.sources.insert(setting.key.clone(), Source::File);
        Ok(())
    }

    fn list<T: 'static>(
        &self,
        settings: &mut Vec<Setting>,
        section: &str,
        keys: impl IntoIterator<Item = &'static Key<T>>,
        values: &T,
    ) {
        settings.extend(keys.into_iter().map(|key| {
            let dotted = format!("{section}.{}", key.name);
            let source = self.sources.get(&dotted).copied().unwrap_or(Source::Default);
            Setting {
                key: dotted,
                value: (key.get)(values),
                source,
                live: key.live,
            }
        }));
    }
}

fn set<T>(keys: &[Key<T>], name: &str, target: &mut T, value: Checked) {
    let key = keys
        .iter()
        .find(|key| key.name == name)
        .expect("a checked setting names a key of its section");
    (key.set)(target, value);
}

/// The place, the form and the liveliness of a dotted key.
fn find(dotted: &str) -> Result<(Target, Form, bool), SettingError> {
    let unknown = |near| SettingError::UnknownKey {
        key: dotted.to_owned(),
        near,
    };
    let Some((section, name)) = dotted.rsplit_once('.') else {
        return Err(unknown(None));
    };
    // A name may hold dots, so an endpoint's name is everything between the first and the last one.
    if let Some(endpoint) = section.strip_prefix("realvirtual.") {
        let name_of = endpoint.to_owned();
        return match of_section(ENDPOINT_KEYS, name) {
            Ok((key, form, live)) => Ok((Target::Endpoint { name: name_of, key }, form, live)),
            Err(near) => Err(unknown(near.map(|near| format!("{section}.{near}")))),
        };
    }
    if let Some(plc) = section.strip_prefix("plc.") {
        let name_of = plc.to_owned();
        return match of_section(PLC_KEYS, name) {
            Ok((key, form, live)) => Ok((Target::Plc { name: name_of, key }, form, live)),
            Err(near) => Err(unknown(near.map(|near| format!("{section}.{near}")))),
        };
    }
    if let Some(modbus) = section.strip_prefix("modbus.") {
        let name_of = modbus.to_owned();
        return match of_section(MODBUS_KEYS, name) {
            Ok((key, form, live)) => Ok((Target::Modbus { name: name_of, key }, form, live)),
            Err(near) => Err(unknown(near.map(|near| format!("{section}.{near}")))),
        };
    }
    let (section, found) = match section {
        "project" => ("project", of_section(PROJECT_KEYS, name)),
        "web" => ("web", of_section(WEB_KEYS, name)),
        "tls" => ("tls", of_section(TLS_KEYS, name)),
        "hub" => ("hub", of_section(HUB_KEYS, name)),
        "record" => ("record", of_section(RECORD_KEYS, name)),
        "clock" => ("clock", of_section(CLOCK_KEYS, name)),
        "piplc" => ("piplc", of_section(PIPLC_KEYS, name)),
        "history" => ("history", of_section(HISTORY_KEYS, name)),
        "classroom" => ("classroom", of_section(CLASSROOM_KEYS, name)),
        "monitor" => ("monitor", of_section(MONITOR_KEYS, name)),
        "headset" => ("headset", of_section(HEADSET_KEYS, name)),
        "gama" => ("gama", of_section(GAMA_KEYS, name)),
        _ => {
            return Err(unknown(
                nearest(dotted, section_keys().iter().map(String::as_str)).map(str::to_owned),
            ));
        }
    };
    match found {
        Ok((key, form, live)) => Ok((Target::Section { section, key }, form, live)),
        Err(near) => Err(unknown(near.map(|near| format!("{section}.{near}")))),
    }
}

fn of_section<T>(keys: &[Key<T>], name: &str) -> Result<(&'static str, Form, bool), Option<&'static str>> {
    match keys.iter().find(|key| key.name == name) {
        Some(key) => Ok((key.name, key.form, key.live)),
        None => Err(nearest(name, keys.iter().map(|key| key.name))),
    }
}

/// The dotted keys of the sections that exist once.
pub(super) fn section_keys() -> Vec<String> {
    let project = PROJECT_KEYS.iter().map(|key| format!("project.{}", key.name));
    let web = WEB_KEYS.iter().map(|key| format!("web.{}", key.name));
    let tls = TLS_KEYS.iter().map(|key| format!("tls.{}", key.name));
    let hub = HUB_KEYS.iter().map(|key| format!("hub.{}", key.name));
    let history = HISTORY_KEYS.iter().map(|key| format!("history.{}", key.name));
    let clock = CLOCK_KEYS.iter().map(|key| format!("clock.{}", key.name));
    let piplc = PIPLC_KEYS.iter().map(|key| format!("piplc.{}", key.name));
    let classroom = CLASSROOM_KEYS.iter().map(|key| format!("classroom.{}", key.name));
    let monitor = MONITOR_KEYS.iter().map(|key| format!("monitor.{}", key.name));
    let headset = HEADSET_KEYS.iter().map(|key| format!("headset.{}", key.name));
    let gama = GAMA_KEYS.iter().map(|key| format!("gama.{}", key.name));
    let record = RECORD_KEYS.iter().map(|key| format!("record.{}", key.name));
    let house = project
        .chain(web)
        .chain(tls)
        .chain(hub)
        .chain(clock)
        .chain(record)
        .chain(piplc);
    house
        .chain(classroom)
        .chain(monitor)
        .chain(headset)
        .chain(gama)
        .chain(history)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_names_the_key_and_what_was_expected() {
        let check = |key: &str, value: Value, expected: &str| {
            assert_eq!(check_setting(key, &value).unwrap_err().to_string(), expected);
        };
        check(
            "realvirtual.line.update_cycle_ms",
            json!("fast"),
            "`realvirtual.line.update_cycle_ms` is \"fast\", expected a whole number from 1 to 60000",
        );
        check(
            "hub.stale_after_ms",
            json!(999),
            "`hub.stale_after_ms` is 999, expected a whole number from 1000 to 60000",
        );
        check(
            "hub.stale_after_ms",
            json!(null),
            "`hub.stale_after_ms` is null, expected a whole number from 1000 to 60000",
        );
        check(
            "hub.stale_after",
            json!(1),
            "unknown key `hub.stale_after`, did you mean `hub.stale_after_ms`?",
        );
        check("hub.colour", json!(1), "unknown key `hub.colour`");
        check("wep.port", json!(1), "unknown key `wep.port`, did you mean `web.port`?");
        check(
            "realvirtual.a.b.prt",
            json!(1),
            "unknown key `realvirtual.a.b.prt`, did you mean `realvirtual.a.b.port`?",
        );
        check("", json!(1), "unknown key ``");
        check(
            "realvirtual.line.echo",
            json!("no"),
            "`realvirtual.line.echo` is \"no\", expected one of \"auto\", \"always\", \"never\"",
        );
    }

    #[test]
    fn the_name_of_an_endpoint_or_a_context_may_hold_dots() {
        let setting = check_setting("plc.PLC 1.b.scan_time_ms", &json!(0.5)).unwrap();
        assert_eq!((setting.endpoint(), setting.name()), (None, "scan_time_ms"));
        assert_eq!(setting.value(), json!(0.5));
        let setting = check_setting("realvirtual.line.2.debug", &json!(true)).unwrap();
        assert_eq!(
            (setting.endpoint(), setting.name(), setting.live),
            (Some("line.2"), "debug", true)
        );
        assert_eq!(setting.value(), json!(true));
        assert!(!check_setting("web.port", &json!(1)).unwrap().live);
    }
}
