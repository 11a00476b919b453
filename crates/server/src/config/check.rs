//! From raw to checked: reads the sources of a project in their order and collects every mistake.

mod classroom;
mod modbus;
mod plcs;
mod practice;
mod roles;

use super::diagnostic::{Diagnostic, Findings, Place, Severity, SourceText};
use super::file::{read_file, shown_path};
use super::keys::{
    CLOCK_KEYS, ENDPOINT_KEYS, Form, HISTORY_KEYS, HUB_KEYS, Key, MODBUS_KEYS, PLC_KEYS, PROJECT_KEYS, RECORD_KEYS,
    TLS_KEYS, WEB_KEYS, is_platform_variable,
};
use super::limits::Limits;
use super::plcs::hub_contexts;
use super::raw::{self, RawConfig, RawEndpoint, RawEntry, RawTable, RawValue, shortened};
use super::routes::RouteReader;
use super::secrets::masked;
use super::setting::{SettingError, Source, check_setting, section_keys};
use super::signals::{Catalog, SignalReader, missing_key, unknown_key};
use super::{
    ClassroomConfig, ClockConfig, Config, EndpointConfig, FILE_NAME, Fingerprint, HistoryConfig, HubConfig,
    ModbusConfig, Overrides, PiplcConfig, PlcConfig, ProjectConfig, RecordConfig, Role, STATE_FOLDER, TlsConfig,
    WebConfig,
};
use crosstie_hub::settings::{PlcSettings, RouteSetting};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// Variables of the command line that are no settings.
const OTHER_VARIABLES: [&str; 4] = ["CROSSTIE_AT", "CROSSTIE_KEY", "CROSSTIE_LOG", "CROSSTIE_PORT_OFFSET"];

/// A project as far as it could be read.
#[derive(Debug)]
pub struct Loaded {
    /// The project, when nothing in it is an error.
    pub config: Option<Config>,
    /// Everything that is wrong with it, ordered by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// What is doubtful in the programs of its PLC contexts (PL-80): for whoever asks, and not at every start.
    pub program_warnings: Vec<Diagnostic>,
}

impl Loaded {
    /// Is there an error among the diagnostics?
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Reads and checks the project in a folder.
pub fn load(folder: &Path, overrides: &Overrides) -> Loaded {
    let path = folder.join(FILE_NAME);
    match read_file(&path) {
        Ok(text) => load_text(folder, &text, overrides),
        Err(unreadable) => {
            let mut findings = Findings::default();
            let source = SourceText::new(shown_path(&path), masked(&unreadable.text));
            let place = Place {
                source,
                span: unreadable.at..unreadable.at,
            };
            let finding = findings.error(&place, unreadable.code, unreadable.found, unreadable.expected);
            if unreadable.code == "no_file" {
                finding.help("`crosstie init` writes a first project file");
            }
            Loaded {
                config: None,
                diagnostics: findings.into_diagnostics(),
                program_warnings: Vec::new(),
            }
        }
    }
}

/// Checks the text of a project file as if it stood in the folder; files that it names are read from there.
pub fn load_text(folder: &Path, text: &str, overrides: &Overrides) -> Loaded {
    let source = SourceText::new(shown_path(&folder.join(FILE_NAME)), masked(text));
    let mut findings = Findings::default();
    let Some(raw) = raw::read(text, &source, &mut findings) else {
        return Loaded {
            config: None,
            diagnostics: findings.into_diagnostics(),
            program_warnings: Vec::new(),
        };
    };
    let checker = Checker {
        folder,
        source,
        overrides,
        findings,
        program_findings: Findings::default(),
        sources: BTreeMap::new(),
        places: HashMap::new(),
        used_variables: HashSet::new(),
        used_flags: HashSet::new(),
        catalog: Catalog::default(),
        keys_exist: false,
    };
    checker.check(text, &raw)
}

/// One pass over a raw project.
struct Checker<'a> {
    folder: &'a Path,
    source: SourceText,
    overrides: &'a Overrides,
    findings: Findings,
    /// What is doubtful in programs.
    program_findings: Findings,
    /// Where each setting comes from, when somebody said it.
    sources: BTreeMap<String, Source>,
    /// Where each setting that somebody said stands.
    places: HashMap<String, Place>,
    used_variables: HashSet<usize>,
    used_flags: HashSet<usize>,
    catalog: Catalog,
    /// The project has keys, so no listener lets anybody in without one.
    keys_exist: bool,
}

impl Checker<'_> {
    fn check(mut self, text: &str, raw: &RawConfig) -> Loaded {
        let mut project = ProjectConfig {
            name: folder_name(self.folder),
        };
        self.settle(PROJECT_KEYS, Some("project"), "[project]", &raw.project, &mut project);
        let mut web = WebConfig::default();
        self.settle(WEB_KEYS, Some("web"), "[web]", &raw.web, &mut web);
        let mut tls = TlsConfig::default();
        self.settle(TLS_KEYS, Some("tls"), "[tls]", &raw.tls, &mut tls);
        self.certificate(&raw.tls, &tls);
        let mut hub = HubConfig::default();
        self.settle(HUB_KEYS, Some("hub"), "[hub]", &raw.hub, &mut hub);
        let mut record = RecordConfig::default();
        self.settle(RECORD_KEYS, Some("record"), "[record]", &raw.record, &mut record);
        let mut history = HistoryConfig::default();
        self.settle(HISTORY_KEYS, Some("history"), "[history]", &raw.history, &mut history);
        let mut clock = ClockConfig::default();
        self.settle(CLOCK_KEYS, Some("clock"), "[clock]", &raw.clock, &mut clock);
        let mut endpoints = self.endpoints(&raw.endpoints);
        let mut piplc = self.piplc(raw.piplc.as_ref());
        let plcs = self.plcs(raw, piplc.as_ref());
        let contexts = hub_contexts(piplc.as_ref(), &plcs);
        let mut classroom = self.classroom(raw);
        let mut modbuses = self.modbuses(raw, &contexts);
        self.report_unused_overrides(&endpoints, &plcs, &modbuses);

        let mut taken = self.listen(&raw.web, &mut web, raw, &mut endpoints, piplc.as_mut());
        self.listen_for_modbus(&raw.modbuses, &mut modbuses, &mut taken);
        if let Some(classroom) = &mut classroom {
            self.listen_for_classroom(raw, classroom, &mut taken);
        }
        let signal_count: usize = endpoints.iter().map(|endpoint| endpoint.signals.len()).sum();
        if signal_count > hub.max_signals {
            let place = self.place_of("hub.max_signals", &raw.hub);
            let found = format!("{signal_count} signals in a hub of {}", hub.max_signals);
            self.findings
                .error(&place, "too_large", found, "a larger `max_signals`, or fewer signals");
        }
        let routes = self.routes(&raw.routes, &endpoints, &contexts, classroom.as_ref());
        let practices = self.practices(&raw.practices, &endpoints, classroom.as_ref(), &mut taken);

        let overrides = self.used_overrides();
        let config = (!self.findings.has_errors()).then(|| Config {
            folder: self.folder.to_owned(),
            project,
            web,
            tls,
            hub,
            record,
            clock,
            endpoints,
            piplc,
            plcs,
            modbuses,
            classroom,
            routes,
            history,
            practices,
            port_offset: self.overrides.port_offset,
            sources: self.sources,
            overrides,
            fingerprint: Fingerprint::of(text),
        });
        Loaded {
            config,
            diagnostics: self.findings.into_diagnostics(),
            program_warnings: self.program_findings.into_diagnostics(),
        }
    }

    /// The variables and flags that have set something: among the others may be a key.
    fn used_overrides(&self) -> Overrides {
        let all = self.overrides.environment.iter().enumerate();
        let used = all.filter(|(index, (name, _))| self.used_variables.contains(index) || is_platform_variable(name));
        Overrides {
            environment: used.map(|(_, variable)| variable.clone()).collect(),
            flags: self.overrides.flags.clone(),
            port_offset: self.overrides.port_offset,
        }
    }

    /// Sets the keys of one section from the file, then from the environment, then from flags.
    fn settle<T>(&mut self, keys: &[Key<T>], section: Option<&str>, label: &str, raw: &RawTable, target: &mut T) {
        for entry in &raw.entries {
            let place = self.in_file(&entry.key_span);
            let Some(key) = keys.iter().find(|key| key.name == entry.key) else {
                let known: Vec<&str> = keys.iter().map(|key| key.name).collect();
                unknown_key(&mut self.findings, &place, &entry.key, label, &known);
                continue;
            };
            let place = self.in_file(&entry.value_span);
            self.set(key, section, &entry.value, place, Source::File, target);
        }
        let Some(section) = section else { return };
        let overrides = self.overrides;
        for key in keys {
            self.set_from_platform(key, section, target);
            let dotted = format!("{section}.{}", key.name);
            let variable = variable_name(&dotted);
            for (index, (name, text)) in overrides
                .environment
                .iter()
                .enumerate()
                .filter(|(_, (name, _))| *name == variable)
            {
                self.used_variables.insert(index);
                let place = override_place("environment", &format!("{name}="), text);
                self.set(
                    key,
                    Some(section),
                    &RawValue::Plain(text.clone()),
                    place,
                    Source::Environment,
                    target,
                );
            }
            for (index, (name, text)) in overrides
                .flags
                .iter()
                .enumerate()
                .filter(|(_, (name, _))| *name == dotted)
            {
                self.used_flags.insert(index);
                let place = override_place("command line", &format!("{name}="), text);
                self.set(
                    key,
                    Some(section),
                    &RawValue::Plain(text.clone()),
                    place,
                    Source::Flag,
                    target,
                );
            }
        }
    }

    fn set<T>(
        &mut self,
        key: &Key<T>,
        section: Option<&str>,
        value: &RawValue,
        place: Place,
        from: Source,
        target: &mut T,
    ) {
        match key.form.check(value) {
            Ok(checked) => {
                (key.set)(target, checked);
                if let Some(section) = section {
                    let dotted = format!("{section}.{}", key.name);
                    self.sources.insert(dotted.clone(), from);
                    self.places.insert(dotted, place);
                }
            }
            Err(code) => {
                let found = format!("`{}` is {}", key.name, key.form.shown(value));
                self.findings.error(&place, code, found, key.form.expected());
            }
        }
    }

    fn endpoints(&mut self, raw: &[RawEndpoint]) -> Vec<EndpointConfig> {
        let mut endpoints: Vec<EndpointConfig> = Vec::with_capacity(raw.len());
        let limit = Limits::DEFAULT.endpoints_max;
        if let Some(beyond) = raw.get(limit) {
            let place = self.in_file(&beyond.table.span);
            self.findings.error(
                &place,
                "too_large",
                format!("{} endpoints", raw.len()),
                format!("at most {limit}"),
            );
        }
        for raw in raw.iter().take(limit) {
            let name = self.text(&raw.table, "name", "[[realvirtual]]", Form::Segment);
            let is_taken = name
                .as_ref()
                .is_some_and(|(name, _)| endpoints.iter().any(|other| other.name == *name));
            if let Some((name, place)) = &name
                && is_taken
            {
                let found = format!("two endpoints are named `{name}`");
                self.findings
                    .error(place, "duplicate_name", found, "a name that no other endpoint has");
            }
            // The other keys of an endpoint without a name are checked all the same, so that one round is enough.
            let name = name.map(|(name, _)| name);
            let section = name.as_ref().map(|name| format!("realvirtual.{name}"));
            let mut endpoint = EndpointConfig::named(name.as_deref().unwrap_or("unnamed"));
            let settings = raw.table.without("name");
            let section = section.as_deref().filter(|_| !is_taken);
            self.settle(ENDPOINT_KEYS, section, "[[realvirtual]]", &settings, &mut endpoint);
            self.settle_role(section, &settings, &mut endpoint);
            self.signals(raw, &mut endpoint);
            // A second endpoint of the same name would hide the first.
            if name.is_some() && !is_taken {
                endpoints.push(endpoint);
            }
        }
        endpoints
    }

    fn signals(&mut self, raw: &RawEndpoint, endpoint: &mut EndpointConfig) {
        let file = endpoint.signals_file.as_ref().and_then(|file| {
            let path = self.folder.join(file);
            match read_file(&path) {
                Ok(text) => Some(SourceText::new(shown_path(&path), text)),
                Err(unreadable) => {
                    let place = match raw.table.get("signals") {
                        Some(entry) if unreadable.text.is_empty() => self.in_file(&entry.value_span),
                        _ => Place {
                            source: SourceText::new(shown_path(&path), unreadable.text),
                            span: unreadable.at..unreadable.at,
                        },
                    };
                    self.findings
                        .error(&place, unreadable.code, unreadable.found, unreadable.expected);
                    None
                }
            }
        });
        let mut reader = SignalReader::new(&mut self.findings, &mut self.catalog, &endpoint.name);
        for signal in &raw.signals {
            reader.take(&self.source, signal);
        }
        if let Some(file) = file {
            reader.take_file(&file);
        }
        endpoint.signals = reader.signals;
    }

    /// Works out where each listener listens, and refuses what other machines could reach or what two of them want.
    fn listen(
        &mut self,
        raw_web: &RawTable,
        web: &mut WebConfig,
        raw: &RawConfig,
        endpoints: &mut [EndpointConfig],
        piplc: Option<&mut PiplcConfig>,
    ) -> Vec<Listener> {
        let offset = self.overrides.port_offset;
        self.keys_exist = match crate::keys::read(&self.folder.join(STATE_FOLDER)) {
            Ok(file) => file.is_some_and(|file| !file.keys.is_empty()),
            Err(diagnostics) => {
                self.findings.adopt(diagnostics);
                // Whether there are keys is not known; that they cannot be read is enough to say.
                true
            }
        };
        let mut taken: Vec<Listener> = Vec::with_capacity(endpoints.len() + 1);
        let mut listener = Listener::new("[web]", "web", web.bind, web.port, web.allow_unauthenticated);
        web.address = self.address_of(&listener, raw_web, offset);
        listener.address = web.address;
        taken.push(listener);
        // An endpoint in the client role listens nowhere: no offset moves its port and nobody takes it away.
        for endpoint in endpoints.iter_mut().filter(|endpoint| endpoint.role == Role::Server) {
            let label = format!("[[realvirtual]] \"{}\"", endpoint.name);
            let section = format!("realvirtual.{}", endpoint.name);
            let default = RawTable::default();
            let table = raw
                .endpoints
                .iter()
                .map(|raw| &raw.table)
                .find(|table| is_named(table, &endpoint.name));
            let table = table.unwrap_or(&default);
            let mut listener = Listener::new(
                &label,
                &section,
                endpoint.bind,
                endpoint.port,
                endpoint.allow_unauthenticated,
            );
            endpoint.address = self.address_of(&listener, table, offset);
            listener.address = endpoint.address;
            self.take_port(listener, table, &mut taken);
        }
        if let (Some(piplc), Some(table)) = (piplc, &raw.piplc) {
            let mut listener = Listener::new("[piplc]", "piplc", piplc.bind, piplc.port, piplc.allow_unauthenticated);
            piplc.address = self.address_of(&listener, table, offset);
            listener.address = piplc.address;
            self.take_port(listener, table, &mut taken);
        }
        taken
    }

    fn take_port(&mut self, listener: Listener, table: &RawTable, taken: &mut Vec<Listener>) {
        if let Some(other) = taken.iter().find(|other| other.collides_with(&listener)) {
            let found = format!(
                "{} and {} both listen on {}",
                other.label, listener.label, listener.address
            );
            let place = self.place_of(&format!("{}.port", listener.section), table);
            self.findings
                .error(&place, "duplicate_port", found, "a port of its own for each listener");
        }
        taken.push(listener);
    }

    fn address_of(&mut self, listener: &Listener, table: &RawTable, offset: u16) -> SocketAddr {
        let Listener {
            label,
            section,
            bind,
            port,
            allow_unauthenticated,
            ..
        } = listener;
        if !bind.to_canonical().is_loopback() && !allow_unauthenticated && !self.keys_exist {
            let place = self.place_of(&format!("{section}.bind"), table);
            let found = format!("{label} listens on {bind}, which other machines reach, and no keys exist");
            let expected = format!(
                "a key (crosstie key add), a loopback address such as 127.0.0.1, or `allow_unauthenticated = true` in this {label}"
            );
            self.findings.error(&place, "not_loopback", found, expected);
        }
        // Port 0 means that the system chooses; an offset would make a choice of it.
        let shifted = if *port == 0 { Some(0) } else { port.checked_add(offset) };
        if shifted.is_none() {
            let place = self.place_of(&format!("{section}.port"), table);
            let found = format!("port {port} of {label} with an offset of {offset} is beyond 65535");
            self.findings.error(
                &place,
                "out_of_range",
                found,
                "a smaller port or a smaller --port-offset",
            );
        }
        SocketAddr::new(*bind, shifted.unwrap_or(*port))
    }

    fn routes(
        &mut self,
        raw: &[RawTable],
        endpoints: &[EndpointConfig],
        contexts: &[PlcSettings],
        classroom: Option<&ClassroomConfig>,
    ) -> Vec<RouteSetting> {
        let limit = Limits::DEFAULT.routes_max;
        if let Some(beyond) = raw.get(limit) {
            let place = self.in_file(&beyond.span);
            self.findings.error(
                &place,
                "too_large",
                format!("{} routes", raw.len()),
                format!("at most {limit}"),
            );
        }
        let mut reader = RouteReader::new(&mut self.findings, endpoints, contexts, classroom);
        for table in raw.iter().take(limit) {
            reader.take(&self.source, table, |_| false);
        }
        reader.routes
    }

    /// The text of a key that its section needs.
    fn text(&mut self, table: &RawTable, key: &str, section: &str, form: Form) -> Option<(String, Place)> {
        let Some(entry) = table.get(key) else {
            let place = self.in_file(&table.span);
            missing_key(&mut self.findings, &place, key, section, form);
            return None;
        };
        let place = self.in_file(&entry.value_span);
        match (form.check(&entry.value), &entry.value) {
            (Ok(_), RawValue::Text(text)) => Some((text.clone(), place)),
            (Err(code), value) => {
                let found = format!("`{key}` is {}", value.shown());
                self.findings.error(&place, code, found, form.expected());
                None
            }
            _ => None,
        }
    }

    /// The flag of a key that may be left out.
    fn flag(&mut self, table: &RawTable, key: &str, default: bool) -> bool {
        match table.get(key) {
            None => default,
            Some(RawEntry {
                value: RawValue::Flag(flag),
                ..
            }) => *flag,
            Some(entry) => {
                let place = self.in_file(&entry.value_span);
                let found = format!("`{key}` is {}", entry.value.shown());
                self.findings.error(&place, "wrong_type", found, Form::Flag.expected());
                default
            }
        }
    }

    fn report_unknown(&mut self, table: &RawTable, section: &str, known: &[&str]) {
        for entry in table
            .entries
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            let place = self.in_file(&entry.key_span);
            unknown_key(&mut self.findings, &place, &entry.key, section, known);
        }
    }

    /// A flag that sets nothing is a mistake; a variable that sets nothing may belong to another program or version.
    fn report_unused_overrides(&mut self, endpoints: &[EndpointConfig], plcs: &[PlcConfig], modbuses: &[ModbusConfig]) {
        let overrides = self.overrides;
        for (index, (key, text)) in overrides.flags.iter().enumerate() {
            if self.used_flags.contains(&index) {
                continue;
            }
            let place = override_place("command line", "", &format!("{key}={text}"));
            let found = match check_setting(key, &serde_json::Value::Null) {
                Err(error @ SettingError::UnknownKey { .. }) => error.to_string(),
                _ if key.starts_with("piplc.") => format!("`{}` without a [piplc] in the project", shortened(key)),
                _ if Self::is_of_classroom(key) => {
                    format!("`{}` without a [classroom] in the project", shortened(key))
                }
                _ if key.starts_with("modbus.") => format!("`{}` belongs to no Modbus server", shortened(key)),
                _ if key.starts_with("plc.") => format!("`{}` belongs to no PLC context", shortened(key)),
                _ => format!("`{}` belongs to no endpoint", shortened(key)),
            };
            self.findings.error(
                &place,
                "unknown_key",
                found,
                "the dotted key of a setting, such as web.port",
            );
        }
        for (index, (name, text)) in overrides.environment.iter().enumerate() {
            let is_ours = name.starts_with("CROSSTIE_") && !OTHER_VARIABLES.contains(&name.as_str());
            if !is_ours || self.used_variables.contains(&index) {
                continue;
            }
            let place = override_place("environment", "", &format!("{name}={text}"));
            let known = variable_names(endpoints, plcs, modbuses);
            let finding = self.findings.warning(
                &place,
                "unknown_variable",
                format!("the variable {} sets nothing", shortened(name)),
                "CROSSTIE_ and a dotted key in capitals, such as CROSSTIE_WEB_PORT",
            );
            let typed = name.to_ascii_lowercase();
            let lower: Vec<String> = known.iter().map(|name| name.to_ascii_lowercase()).collect();
            if let Some(near) = super::diagnostic::nearest(&typed, lower.iter().map(String::as_str)) {
                finding.help(format!("did you mean {}?", near.to_ascii_uppercase()));
            }
        }
    }

    fn in_file(&self, span: &std::ops::Range<usize>) -> Place {
        Place {
            source: self.source.clone(),
            span: span.clone(),
        }
    }

    /// Where a setting was said, or the section that it would stand in.
    fn place_of(&self, dotted: &str, section: &RawTable) -> Place {
        self.places
            .get(dotted)
            .cloned()
            .unwrap_or_else(|| self.in_file(&section.span))
    }
}

/// Somebody who wants a port.
struct Listener {
    label: String,
    section: String,
    bind: IpAddr,
    port: u16,
    allow_unauthenticated: bool,
    address: SocketAddr,
}

impl Listener {
    fn new(label: &str, section: &str, bind: IpAddr, port: u16, allow_unauthenticated: bool) -> Listener {
        Listener {
            label: label.to_owned(),
            section: section.to_owned(),
            bind,
            port,
            allow_unauthenticated,
            address: SocketAddr::new(bind, port),
        }
    }

    /// Would the system refuse the second of the two?
    fn collides_with(&self, other: &Listener) -> bool {
        let (a, b) = (self.bind, other.bind);
        let same_address = a == b || (a.is_ipv4() == b.is_ipv4() && (a.is_unspecified() || b.is_unspecified()));
        same_address && self.address.port() == other.address.port() && self.port != 0
    }
}

fn folder_name(folder: &Path) -> String {
    let absolute = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    absolute
        .file_name()
        .map_or_else(|| String::from("untitled"), |name| name.to_string_lossy().into_owned())
}

fn is_named(table: &RawTable, name: &str) -> bool {
    table
        .get("name")
        .is_some_and(|entry| entry.value == RawValue::Text(name.to_owned()))
}

/// The environment variable of a dotted key.
fn variable_name(dotted: &str) -> String {
    let tail: String = dotted
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    format!("CROSSTIE_{tail}")
}

fn variable_names(endpoints: &[EndpointConfig], plcs: &[PlcConfig], modbuses: &[ModbusConfig]) -> Vec<String> {
    let of_endpoints = endpoints.iter().flat_map(|endpoint| {
        ENDPOINT_KEYS
            .iter()
            .map(move |key| format!("realvirtual.{}.{}", endpoint.name, key.name))
    });
    let of_plcs =
        (plcs.iter()).flat_map(|plc| PLC_KEYS.iter().map(move |key| format!("plc.{}.{}", plc.name, key.name)));
    let of_modbuses = modbuses.iter().flat_map(|modbus| {
        MODBUS_KEYS
            .iter()
            .map(move |key| format!("modbus.{}.{}", modbus.name, key.name))
    });
    section_keys()
        .into_iter()
        .chain(of_endpoints)
        .chain(of_plcs)
        .chain(of_modbuses)
        .map(|dotted| variable_name(&dotted))
        .collect()
}

fn override_place(source: &str, before: &str, text: &str) -> Place {
    let whole = masked(&format!("{before}{text}"));
    let span = before.len()..whole.len();
    Place {
        source: SourceText::new(source, whole),
        span,
    }
}
