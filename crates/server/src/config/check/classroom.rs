//! `[classroom]`, `[monitor]`, `[headset]` and `[gama]`: what belongs together, what is signals, and who may come in.

use super::super::keys::{CLASSROOM_KEYS, Form, GAMA_KEYS, HEADSET_KEYS, MONITOR_KEYS};
use super::super::limits::Limits;
use super::super::raw::{RawConfig, RawGama, RawTable, RawValue, shortened};
use super::super::signals::{TYPE_WORDS, kind_of};
use super::super::{ClassroomConfig, Source};
use super::{Checker, Listener, override_place};
use crosstie_hub::settings::{GamaWatch, GamaWrite};
use crosstie_hub::signal::Kind;
use std::time::Duration;

/// The keys of a `[[gama.watch]]`.
const WATCH_KEYS: [&str; 4] = ["name", "expr", "type", "every_ms"];
/// The keys of a `[[gama.write]]`.
const WRITE_KEYS: [&str; 3] = ["name", "expr", "type"];

/// How often an expression may be asked for.
const EVERY_MS: (i64, i64) = (100, 3_600_000);
/// How often it is, where the project does not say.
const EVERY_MS_DEFAULT: i64 = 1_000;

/// What stands for the value in the expression of a write.
const VALUE_MARK: &str = "$value";

impl Checker<'_> {
    /// The classroom of a project that has one.
    pub(super) fn classroom(&mut self, raw: &RawConfig) -> Option<ClassroomConfig> {
        let nothing = RawTable::default();
        let no_gama = RawGama::default();
        let raw_gama = raw.gama.as_ref().unwrap_or(&no_gama);
        let Some(table) = &raw.classroom else {
            let lonely = [("monitor", &raw.monitor), ("headset", &raw.headset)];
            let lonely = lonely
                .into_iter()
                .filter_map(|(name, table)| Some((name, table.as_ref()?)));
            let gama = raw.gama.iter().map(|gama| ("gama", &gama.table));
            for (name, table) in lonely.chain(gama) {
                let place = self.in_file(&table.span);
                let found = format!("[{name}] in a project without a classroom");
                self.findings.error(
                    &place,
                    "missing_key",
                    found,
                    "a section [classroom], which may be empty",
                );
            }
            return None;
        };
        let mut classroom = ClassroomConfig::default();
        self.settle(CLASSROOM_KEYS, Some("classroom"), "[classroom]", table, &mut classroom);
        let monitor = raw.monitor.as_ref().unwrap_or(&nothing);
        self.settle(
            MONITOR_KEYS,
            Some("monitor"),
            "[monitor]",
            monitor,
            &mut classroom.monitor,
        );
        if classroom.monitor.path.as_ref().is_some_and(|path| path.contains('?')) {
            let place = self.place_of("monitor.path", monitor);
            let found = "the `path` of [monitor] has a query";
            self.findings.error(&place, "bad_path", found, "a path without `?`");
        }
        let headset = raw.headset.as_ref().unwrap_or(&nothing);
        self.settle(
            HEADSET_KEYS,
            Some("headset"),
            "[headset]",
            headset,
            &mut classroom.headset,
        );
        let gama = &raw_gama.table;
        self.settle(GAMA_KEYS, Some("gama"), "[gama]", gama, &mut classroom.gama);
        if let Some(file) = classroom
            .gama
            .ca_file
            .as_ref()
            .filter(|file| !self.folder.join(file).is_file())
        {
            let place = self.place_of("gama.ca_file", gama);
            let found = format!("there is no file {}", file.display());
            let expected = "a file in the project folder; the link cannot be up without it";
            self.findings.warning(&place, "no_file", found, expected);
        }
        classroom.gama.watches = self.watches(&raw_gama.watches);
        classroom.gama.writes = self.writes(&raw_gama.writes);
        Some(classroom)
    }

    fn watches(&mut self, raw: &[RawTable]) -> Vec<GamaWatch> {
        let mut watches: Vec<GamaWatch> = Vec::new();
        for table in self.within_limit(raw, "[[gama.watch]]") {
            self.report_unknown(table, "[[gama.watch]]", &WATCH_KEYS);
            let taken: Vec<&str> = watches.iter().map(|watch| watch.name.as_str()).collect();
            let name = self.signal_part(table, "[[gama.watch]]", &taken);
            let expr = self.text(table, "expr", "[[gama.watch]]", Form::Text);
            let kind = self.kind(table);
            let every = self.whole(table, "every_ms", "[[gama.watch]]", EVERY_MS, Some(EVERY_MS_DEFAULT));
            if let (Some(name), Some((expr, _)), Some(kind), Some(every)) = (name, expr, kind, every) {
                watches.push(GamaWatch {
                    name,
                    expr,
                    kind,
                    // The range of the key begins above 0.
                    every: Duration::from_millis(every.unsigned_abs()),
                });
            }
        }
        watches
    }

    fn writes(&mut self, raw: &[RawTable]) -> Vec<GamaWrite> {
        let mut writes: Vec<GamaWrite> = Vec::new();
        for table in self.within_limit(raw, "[[gama.write]]") {
            self.report_unknown(table, "[[gama.write]]", &WRITE_KEYS);
            let taken: Vec<&str> = writes.iter().map(|write| write.name.as_str()).collect();
            let name = self.signal_part(table, "[[gama.write]]", &taken);
            let expr = self.text(table, "expr", "[[gama.write]]", Form::Text);
            let kind = self.kind(table);
            let (Some(name), Some((expr, place)), Some(kind)) = (name, expr, kind) else {
                continue;
            };
            if !expr.contains(VALUE_MARK) {
                let found = format!("`expr` is \"{}\", and the value stands nowhere in it", shortened(&expr));
                let expected = "GAML with $value, such as \"do set_gate($value);\"";
                self.findings.error(&place, "bad_value", found, expected);
                continue;
            }
            writes.push(GamaWrite { name, expr, kind });
        }
        writes
    }

    /// As many of these as a project may have.
    fn within_limit<'t>(&mut self, raw: &'t [RawTable], section: &str) -> impl Iterator<Item = &'t RawTable> + use<'t> {
        let limit = Limits::DEFAULT.gama_signals_max;
        if let Some(beyond) = raw.get(limit) {
            let place = self.in_file(&beyond.span);
            let found = format!("{} {section}", raw.len());
            self.findings
                .error(&place, "too_large", found, format!("at most {limit}"));
        }
        raw.iter().take(limit)
    }

    /// The name of a watch or a write: the last part of its signal's name.
    fn signal_part(&mut self, table: &RawTable, section: &str, taken: &[&str]) -> Option<String> {
        let (name, place) = self.text(table, "name", section, Form::Segment)?;
        if taken.contains(&name.as_str()) {
            let found = format!("two {section} are named `{name}`");
            self.findings
                .error(&place, "duplicate_name", found, "a name that no other of them has");
            return None;
        }
        Some(name)
    }

    /// The kind of a signal; `None`, with a finding, when it is none.
    fn kind(&mut self, table: &RawTable) -> Option<Kind> {
        let Some(entry) = table.get("type") else {
            return Some(Kind::Float);
        };
        let form = Form::Choice(&TYPE_WORDS);
        match (form.check(&entry.value), &entry.value) {
            (Ok(_), RawValue::Text(word)) => Some(kind_of(word)),
            (_, value) => {
                let place = self.in_file(&entry.value_span);
                let found = format!("`type` is {}", value.shown());
                self.findings.error(&place, "bad_value", found, form.expected());
                None
            }
        }
    }

    /// Where monitors and headsets connect. Nobody needs a key as a headset; what it may do there is the question.
    pub(super) fn listen_for_classroom(
        &mut self,
        raw: &RawConfig,
        classroom: &mut ClassroomConfig,
        taken: &mut Vec<Listener>,
    ) {
        let offset = self.overrides.port_offset;
        let nothing = RawTable::default();
        let section = raw.classroom.as_ref().unwrap_or(&nothing);
        let table = raw.monitor.as_ref().unwrap_or(section);
        let monitor = &mut classroom.monitor;
        let mut listener = Listener::new(
            "[monitor]",
            "monitor",
            monitor.bind,
            monitor.port,
            monitor.allow_unauthenticated,
        );
        monitor.address = self.address_of(&listener, table, offset);
        listener.address = monitor.address;
        self.take_port(listener, table, taken);

        let table = raw.headset.as_ref().unwrap_or(section);
        let headset = &mut classroom.headset;
        let mut listener = Listener::new("[headset]", "headset", headset.bind, headset.port, true);
        headset.address = self.address_of(&listener, table, offset);
        listener.address = headset.address;
        self.take_port(listener, table, taken);
        if headset.is_open() && headset.allows_expressions() {
            let place = self.place_of("headset.allow_expression", table);
            let found = "headsets of other machines need no key and may have GAMA carry out every expression";
            let expected = "no `allow_expression`: then they may ask for `allowed_actions` only";
            self.findings.warning(&place, "open_listener", found, expected);
        }
    }

    /// Flags of a classroom in a project without one set nothing.
    pub(super) fn is_of_classroom(key: &str) -> bool {
        ["classroom.", "monitor.", "headset.", "gama."]
            .iter()
            .any(|section| key.starts_with(section))
    }

    /// The variable that a SIMPLE WebPlatform has for a key: it is weaker than our own for the same key, and nothing in it is nothing
    /// said, as in files of variables that list them all (SI-1).
    pub(super) fn set_from_platform<T>(&mut self, key: &super::Key<T>, section: &str, target: &mut T) {
        let dotted = format!("{section}.{}", key.name);
        let Some(variable) = super::super::keys::platform_variable(&dotted) else {
            return;
        };
        let overrides = self.overrides;
        let said = (overrides.environment.iter()).filter(|(name, text)| name == variable && !text.trim().is_empty());
        for (name, text) in said {
            let place = override_place("environment", &format!("{name}="), text);
            let value = RawValue::Plain(super::super::keys::platform_value(key.form, text).to_owned());
            if let Err(code) = key.form.check(&value) {
                let found = format!("`{name}` is {}", key.form.shown(&RawValue::Plain(text.clone())));
                self.findings.error(&place, code, found, key.form.expected());
                continue;
            }
            self.set(key, Some(section), &value, place, Source::Environment, target);
        }
    }
}
