//! One route as it was typed, in the project file, in a row of a file of routes or in a request: every key in its form and range.
//!
//! Whether the hub could lay it is another question, which needs the project.

use super::super::diagnostic::{Diagnostic, Findings, Place, SourceText};
use super::super::keys::{Checked, Form};
use super::super::limits::Limits;
use super::super::raw::{RawEntry, RawTable, RawValue, shortened};
use super::super::signals::{missing_key, unknown_key};
use super::{ON_STALE_WORDS, ROUTE_KEYS, cells};
use crosstie_hub::settings::{OnStale, RouteSetting, Transform, ValueMap};
use crosstie_hub::signal::Value;
use crosstie_hub::signal::name::canonical;
use std::time::Duration;

/// The key of a map that stands for every other value.
pub(crate) const OTHERWISE: &str = "*";

/// How long a route may hold a value back: 1 ms to an hour.
const EVERY: Form = Form::Millis {
    min_us: 1_000,
    max_us: 3_600_000_000,
};

/// What a number of a transform may be.
#[derive(Clone, Copy)]
enum Number {
    Any,
    NotZero,
    NotNegative,
}

impl Number {
    fn fits(self, number: f64) -> bool {
        number.is_finite()
            && match self {
                Number::Any => true,
                Number::NotZero => number != 0.0,
                Number::NotNegative => number >= 0.0,
            }
    }

    fn expected(self) -> &'static str {
        match self {
            Number::Any => "a number",
            Number::NotZero => "a number that is not 0",
            Number::NotNegative => "a number from 0 on",
        }
    }
}

/// Where a key of a route stands; the whole route where it does not have it.
pub(crate) fn place_of(source: &SourceText, table: &RawTable, key: &str) -> Place {
    let span = table.get(key).map_or(&table.span, |entry| &entry.value_span);
    Place {
        source: source.clone(),
        span: span.clone(),
    }
}

/// Reads a route of a request, whose keys are those of the project file.
///
/// # Errors
///
/// What was found and what was expected, of the first mistake.
pub(crate) fn route_of_json(keys: &serde_json::Value) -> Result<RouteSetting, String> {
    let mut findings = Findings::default();
    let table = RawTable {
        span: 0..0,
        entries: match RawValue::from_json(keys) {
            RawValue::Table(entries) => entries,
            _ => Vec::new(),
        },
    };
    let route = read_route(&mut findings, &SourceText::new("request", ""), &table);
    let words = |Diagnostic { found, expected, .. }: &Diagnostic| format!("{found}; expected {expected}");
    route.ok_or_else(|| findings.into_diagnostics().first().map_or_else(String::new, words))
}

/// Reads one route as far as that goes without the project that it is for; `None`, with findings, when something is wrong.
pub(crate) fn read_route(findings: &mut Findings, source: &SourceText, table: &RawTable) -> Option<RouteSetting> {
    Reader {
        findings,
        source,
        table,
    }
    .route()
}

struct Reader<'a> {
    findings: &'a mut Findings,
    source: &'a SourceText,
    table: &'a RawTable,
}

impl Reader<'_> {
    fn route(mut self) -> Option<RouteSetting> {
        let is_known = self.only_known_keys();
        let (from, to) = (self.signal_name("from"), self.signal_name("to"));
        let (on_stale, transform) = (self.on_stale(), self.transform());
        let (from, to) = (from?, to?);
        if from == to {
            let found = format!("a route from \"{}\" to itself", shortened(&from));
            self.error("to", "bad_route", found, "another signal");
            return None;
        }
        let (on_stale, transform) = (on_stale?, transform?);
        if on_stale != OnStale::default() && !to.starts_with("plc/") {
            let found = String::from("`on_stale` on a route that does not end at a PLC");
            let expected = "a `to` that begins with plc/, or no `on_stale`";
            self.error("on_stale", "bad_route", found, expected);
            return None;
        }
        is_known.then_some(RouteSetting {
            from,
            to,
            on_stale,
            transform,
        })
    }

    fn only_known_keys(&mut self) -> bool {
        let unknown = |entry: &&RawEntry| !ROUTE_KEYS.contains(&&*entry.key);
        let mut is_known = true;
        for entry in self.table.entries.iter().filter(unknown) {
            let place = self.place(&entry.key_span);
            unknown_key(self.findings, &place, &entry.key, "[[route]]", &ROUTE_KEYS);
            is_known = false;
        }
        is_known
    }

    fn transform(&mut self) -> Option<Transform> {
        let expr = self.checked("expr", Form::Text).map(|expr| expr.map(Checked::text));
        let inputs = self.inputs();
        let map = self.map();
        let invert = self.checked("invert", Form::Flag);
        let scale = self.number("scale", Number::NotZero);
        let offset = self.number("offset", Number::Any);
        let deadband = self.number("deadband", Number::NotNegative);
        let every = self.checked("every_ms", EVERY);
        let transform = Transform {
            expr: expr?,
            inputs: inputs?,
            map: map?,
            invert: invert? == Some(Checked::Flag(true)),
            scale: scale?,
            offset: offset?,
            deadband: deadband?,
            every: match every? {
                Some(Checked::Micros(us)) => Some(Duration::from_micros(us.into())),
                _ => None,
            },
        };
        if transform.expr.is_none() && !transform.inputs.is_empty() {
            let found = String::from("`inputs` without an `expr` that reads them");
            self.error("inputs", "bad_route", found, "an `expr`, or no `inputs`");
            return None;
        }
        Some(transform)
    }

    /// The variables in the order of their names, so that two routes that mean the same are the same.
    fn inputs(&mut self) -> Option<Vec<(String, String)>> {
        let expected = "a table of variables and signals, such as { running = \"plc/line/Run\" }";
        let entries = self.entries("inputs", expected)?;
        let mut inputs = Vec::with_capacity(entries.len());
        let mut is_sound = true;
        for entry in entries {
            let place = self.place(&entry.value_span);
            let checked = Form::Text.check(&entry.value).map(Checked::text);
            let Ok(name) = checked else {
                let found = format!("`{}` of `inputs` is {}", shortened(&entry.key), entry.value.shown());
                self.findings.error(&place, "wrong_type", found, "the name of a signal");
                is_sound = false;
                continue;
            };
            match self.canonical(&name, &place) {
                Some(name) => inputs.push((entry.key, name)),
                None => is_sound = false,
            }
        }
        inputs.sort_unstable();
        is_sound &= self.once("inputs", inputs.iter().map(|(name, _)| name));
        is_sound.then_some(inputs)
    }

    /// The entries in the order of their values, so that two routes that mean the same are the same.
    fn map(&mut self) -> Option<Option<ValueMap>> {
        if self.table.get("map").is_none() {
            return Some(None);
        }
        let expected = "a table of values and what they become, such as { \"0\" = \"Stopped\", \"*\" = \"Unknown\" }";
        let entries = self.entries("map", expected)?;
        if entries.is_empty() {
            self.error("map", "bad_value", String::from("`map` is empty"), expected);
            return None;
        }
        let (mut taken, mut is_sound) = (Vec::with_capacity(entries.len()), true);
        for RawEntry {
            key, value, value_span, ..
        } in entries
        {
            match value {
                RawValue::Flag(flag) => taken.push((key, Value::Bool(flag))),
                RawValue::Whole(number) => taken.push((key, Value::Int(number))),
                RawValue::Float(number) if number.is_finite() => taken.push((key, Value::Float(number))),
                RawValue::Text(text) if text.len() <= Limits::DEFAULT.text_len_max => {
                    taken.push((key, Value::Text(text.into())));
                }
                other => {
                    let found = format!("`{}` of `map` becomes {}", shortened(&key), other.shown());
                    let place = self.place(&value_span);
                    let expected = "true, false, a finite number or a text";
                    self.findings.error(&place, "wrong_type", found, expected);
                    is_sound = false;
                }
            }
        }
        taken.sort_by(|a, b| a.0.cmp(&b.0));
        is_sound &= self.once("map", taken.iter().map(|(name, _)| name));
        let otherwise = taken.iter().position(|(name, _)| name == OTHERWISE);
        let otherwise = otherwise.map(|index| taken.remove(index).1);
        is_sound.then_some(Some(ValueMap {
            entries: taken,
            otherwise,
        }))
    }

    /// A cell may name the same twice, which a table of TOML cannot.
    fn once<'a>(&mut self, key: &str, names: impl Iterator<Item = &'a String>) -> bool {
        let names: Vec<&String> = names.collect();
        let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) else {
            return true;
        };
        let found = format!("`{}` stands twice in `{key}`", shortened(twice[0]));
        self.error(key, "bad_value", found, "each name once");
        false
    }

    /// The entries of a table, or of a cell that holds one; none where the key is not there.
    fn entries(&mut self, key: &str, expected: &str) -> Option<Vec<RawEntry>> {
        let Some(entry) = self.table.get(key) else {
            return Some(Vec::new());
        };
        match &entry.value {
            RawValue::Table(entries) => Some(entries.clone()),
            RawValue::Plain(cell) => match cells::pairs(cell, &entry.value_span) {
                Ok(entries) => Some(entries),
                Err(expected) => {
                    let found = format!("`{key}` is {}", entry.value.shown());
                    self.error(key, "bad_value", found, expected);
                    None
                }
            },
            other => {
                let found = format!("`{key}` is {}", other.shown());
                self.error(key, "wrong_type", found, expected);
                None
            }
        }
    }

    fn number(&mut self, key: &str, form: Number) -> Option<Option<f64>> {
        let Some(entry) = self.table.get(key) else {
            return Some(None);
        };
        let number = match &entry.value {
            RawValue::Float(number) => Ok(*number),
            // What is beyond the whole numbers of a float is beyond every signal.
            RawValue::Whole(number) => Ok(*number as f64),
            RawValue::Plain(text) => text.trim().parse().map_err(|_| "wrong_type"),
            _ => Err("wrong_type"),
        };
        match number.and_then(|number| form.fits(number).then_some(number).ok_or("out_of_range")) {
            Ok(number) => Some(Some(number)),
            Err(code) => {
                let found = format!("`{key}` is {}", entry.value.shown());
                self.error(key, code, found, form.expected());
                None
            }
        }
    }

    /// The checked value of a key that may be left out.
    fn checked(&mut self, key: &str, form: Form) -> Option<Option<Checked>> {
        let Some(entry) = self.table.get(key) else {
            return Some(None);
        };
        match form.check(&entry.value) {
            Ok(checked) => Some(Some(checked)),
            Err(code) => {
                let found = format!("`{key}` is {}", entry.value.shown());
                self.error(key, code, found, form.expected());
                None
            }
        }
    }

    fn signal_name(&mut self, key: &str) -> Option<String> {
        if self.table.get(key).is_none() {
            let place = self.place(&self.table.span);
            missing_key(self.findings, &place, key, "[[route]]", Form::Text);
            return None;
        }
        let name = self.checked(key, Form::Text)??.text();
        self.canonical(&name, &place_of(self.source, self.table, key))
    }

    fn canonical(&mut self, name: &str, place: &Place) -> Option<String> {
        match canonical(name, Limits::DEFAULT.name_len_max) {
            Ok(name) => Some(name),
            Err(error) => {
                let expected = "a name in the signal space, such as \"twin/line/Start\"";
                self.findings.error(place, "bad_name", error.to_string(), expected);
                None
            }
        }
    }

    fn on_stale(&mut self) -> Option<OnStale> {
        match self.checked("on_stale", Form::Choice(&ON_STALE_WORDS))? {
            Some(word) => OnStale::from_word(&word.text()),
            None => Some(OnStale::default()),
        }
    }

    fn error(&mut self, key: &str, code: &'static str, found: String, expected: impl Into<String>) {
        let place = place_of(self.source, self.table, key);
        self.findings.error(&place, code, found, expected);
    }

    fn place(&self, span: &std::ops::Range<usize>) -> Place {
        Place {
            source: self.source.clone(),
            span: span.clone(),
        }
    }
}
