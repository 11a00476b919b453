//! Signals of an endpoint: the check of one, and the reader of signal files.
//!
//! A row of a signal file and a `[[realvirtual.signal]]` are the same table here; only that a cell has no quotes and takes
//! its type from its column.

use super::csv_file::{Columns, Rows};
use super::diagnostic::{Findings, Place, SourceText, nearest};
use super::keys::{CONVENTION_WORDS, Checked, Form, convention};
use super::limits::Limits;
use super::raw::{RawEntry, RawTable, RawValue, shortened};
use crosstie_hub::settings::{Owner, SignalSetting};
use crosstie_hub::signal::name::{canonical, escape_segment};
use crosstie_hub::signal::{Kind, Value};
use std::collections::{HashMap, HashSet};

/// The keys of a signal, which are also the columns of a signal file.
const SIGNAL_KEYS: [&str; 7] = [
    "name",
    "signal",
    "type",
    "writer",
    "value",
    "direction_convention",
    "neutral",
];

/// A signal file. Names and values are exact; a blank around a word of ours is a slip of the spreadsheet.
pub(crate) const SIGNAL_FILE: Columns = Columns {
    what: "signal file",
    known: &SIGNAL_KEYS,
    needed: &["name", "type", "writer"],
    exact: &["name", "signal", "value"],
};

pub(crate) const TYPE_WORDS: [&str; 4] = ["Bool", "Int", "Float", "Text"];
const WRITER_WORDS: [&str; 2] = ["hub", "peer"];

/// The word of a kind in the project file.
pub(crate) fn type_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => TYPE_WORDS[0],
        Kind::Int => TYPE_WORDS[1],
        Kind::Float => TYPE_WORDS[2],
        Kind::Text => TYPE_WORDS[3],
    }
}

/// Name in the signal space of a signal that gives none: `twin/<endpoint>/<name>` with the name escaped to one segment.
pub(crate) fn default_signal_name(endpoint: &str, wire_name: &str) -> String {
    format!("twin/{endpoint}/{}", escape_segment(wire_name))
}

/// What is known of the signals of a project so far.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    /// The type of each name in the signal space; two endpoints may show one signal, but not as two types.
    kinds: HashMap<String, Kind>,
}

impl Catalog {
    /// Counts a signal in.
    pub(crate) fn add(&mut self, signal: &SignalSetting) {
        self.kinds.entry(signal.signal.clone()).or_insert(signal.kind);
    }
}

/// Checks the signals of one endpoint.
pub(crate) struct SignalReader<'a> {
    pub(crate) findings: &'a mut Findings,
    pub(crate) catalog: &'a mut Catalog,
    endpoint: &'a str,
    names: HashSet<String>,
    shown: HashSet<String>,
    pub(crate) signals: Vec<SignalSetting>,
}

impl<'a> SignalReader<'a> {
    pub(crate) fn new(findings: &'a mut Findings, catalog: &'a mut Catalog, endpoint: &'a str) -> SignalReader<'a> {
        SignalReader {
            findings,
            catalog,
            endpoint,
            names: HashSet::new(),
            shown: HashSet::new(),
            signals: Vec::new(),
        }
    }

    /// Takes one signal from the project file or from a row of a signal file.
    pub(crate) fn take(&mut self, source: &SourceText, raw: &RawTable) {
        self.report_unknown_keys(source, raw);
        let name = self.required(source, raw, "name", Form::Text);
        let kind = self
            .required(source, raw, "type", Form::Choice(&TYPE_WORDS))
            .map(|(word, _)| kind_of(&word));
        let writer = self.required(source, raw, "writer", Form::Choice(&WRITER_WORDS));
        let given = raw
            .get("signal")
            .and_then(|entry| self.checked(source, entry, Form::Text));
        let override_word = raw
            .get("direction_convention")
            .and_then(|entry| self.checked_value(source, entry, Form::Choice(&CONVENTION_WORDS)));
        let neutral = raw
            .get("neutral")
            .and_then(|entry| self.checked_value(source, entry, Form::Flag));
        let value = match (kind, raw.get("value")) {
            (Some(kind), Some(entry)) => self.initial_value(source, entry, kind),
            _ => None,
        };
        let Some((name, name_place)) = name else { return };
        if !self.names.insert(name.clone()) {
            let found = format!("two signals of `{}` are named \"{}\"", self.endpoint, shortened(&name));
            self.findings.error(
                &name_place,
                "duplicate_name",
                found,
                "a name that no other signal of the endpoint has",
            );
            return;
        }
        let (signal, signal_place) = given.unwrap_or_else(|| (default_signal_name(self.endpoint, &name), name_place));
        let signal = match canonical(&signal, Limits::DEFAULT.name_len_max) {
            Ok(signal) => signal,
            Err(error) => {
                let expected = "a name in the signal space, such as \"twin/line/Start\"";
                self.findings
                    .error(&signal_place, "bad_name", error.to_string(), expected);
                return;
            }
        };
        let (Some(kind), Some((writer, _))) = (kind, writer) else {
            return;
        };
        if !self.shown.insert(signal.clone()) {
            let found = format!(
                "two names of `{}` stand for the signal \"{}\"",
                self.endpoint,
                shortened(&signal)
            );
            self.findings.error(
                &signal_place,
                "duplicate_name",
                found,
                "a signal that the endpoint does not show yet",
            );
            return;
        }
        let known = *self.catalog.kinds.entry(signal.clone()).or_insert(kind);
        if known != kind {
            let found = format!(
                "the signal \"{}\" is {} elsewhere",
                shortened(&signal),
                type_word(known)
            );
            self.findings.error(
                &signal_place,
                "type_mismatch",
                found,
                format!("the same type, or a signal that is {}", type_word(kind)),
            );
            return;
        }
        self.signals.push(SignalSetting {
            wire_name: name,
            signal,
            kind,
            owner: if writer == "hub" { Owner::Hub } else { Owner::Peer },
            value,
            convention: override_word.map(convention),
            neutral: neutral == Some(Checked::Flag(true)),
        });
    }

    /// Takes all rows of a signal file.
    pub(crate) fn take_file(&mut self, source: &SourceText) {
        let Some(mut rows) = Rows::open(source, &SIGNAL_FILE, self.findings) else {
            return;
        };
        while let Some(row) = rows.next(self.findings) {
            self.take(source, &row);
        }
    }

    /// Counts a signal as shown by the endpoint already.
    pub(crate) fn knows(&mut self, signal: &SignalSetting) {
        self.shown.insert(signal.signal.clone());
    }

    fn report_unknown_keys(&mut self, source: &SourceText, raw: &RawTable) {
        for entry in raw
            .entries
            .iter()
            .filter(|entry| !SIGNAL_KEYS.contains(&entry.key.as_str()))
        {
            let place = Place {
                source: source.clone(),
                span: entry.key_span.clone(),
            };
            unknown_key(
                self.findings,
                &place,
                &entry.key,
                "[[realvirtual.signal]]",
                &SIGNAL_KEYS,
            );
        }
    }

    fn required(&mut self, source: &SourceText, raw: &RawTable, key: &str, form: Form) -> Option<(String, Place)> {
        match raw.get(key) {
            Some(entry) => self.checked(source, entry, form),
            None => {
                let place = Place {
                    source: source.clone(),
                    span: raw.span.clone(),
                };
                missing_key(self.findings, &place, key, "a signal", form);
                None
            }
        }
    }

    fn checked(&mut self, source: &SourceText, entry: &RawEntry, form: Form) -> Option<(String, Place)> {
        let place = Place {
            source: source.clone(),
            span: entry.value_span.clone(),
        };
        match self.checked_value(source, entry, form)? {
            Checked::Text(text) => Some((text, place)),
            _ => None,
        }
    }

    fn checked_value(&mut self, source: &SourceText, entry: &RawEntry, form: Form) -> Option<Checked> {
        match form.check(&entry.value) {
            Ok(checked) => Some(checked),
            Err(code) => {
                let place = Place {
                    source: source.clone(),
                    span: entry.value_span.clone(),
                };
                let found = format!("`{}` is {}", entry.key, entry.value.shown());
                self.findings.error(&place, code, found, form.expected());
                None
            }
        }
    }

    fn initial_value(&mut self, source: &SourceText, entry: &RawEntry, kind: Kind) -> Option<Value> {
        let value = value_of(kind, &entry.value);
        if value.is_none() {
            let place = Place {
                source: source.clone(),
                span: entry.value_span.clone(),
            };
            let found = format!("`value` is {}", entry.value.shown());
            self.findings
                .error(&place, "value_mismatch", found, expected_value(kind));
        }
        value
    }
}

/// Reports a key that its section does not have.
pub(crate) fn unknown_key(findings: &mut Findings, place: &Place, key: &str, section: &str, known: &[&str]) {
    let expected = format!("a key of {section}: {}", known.join(", "));
    let finding = findings.error(
        place,
        "unknown_key",
        format!("unknown key `{}`", shortened(key)),
        expected,
    );
    if let Some(near) = nearest(key, known.iter().copied()) {
        finding.help(format!("did you mean `{near}`?"));
    }
}

/// Reports a key that its section needs.
pub(crate) fn missing_key(findings: &mut Findings, place: &Place, key: &str, section: &str, form: Form) {
    findings.error(
        place,
        "missing_key",
        format!("{section} without `{key}`"),
        form.expected(),
    );
}

/// The kind of a checked word.
pub(crate) fn kind_of(word: &str) -> Kind {
    match word {
        "Bool" => Kind::Bool,
        "Int" => Kind::Int,
        "Float" => Kind::Float,
        _ => Kind::Text,
    }
}

/// The initial value of a signal, when it is one of the kind. Unity's whole numbers have 32 bits, so no other fits.
fn value_of(kind: Kind, raw: &RawValue) -> Option<Value> {
    let value = match (kind, raw) {
        (Kind::Bool, RawValue::Flag(flag)) => Value::Bool(*flag),
        (Kind::Bool, RawValue::Plain(text)) => Value::Bool(text.to_ascii_lowercase().parse().ok()?),
        (Kind::Int, RawValue::Whole(number)) => Value::Int(i64::from(i32::try_from(*number).ok()?)),
        (Kind::Int, RawValue::Plain(text)) => Value::Int(i64::from(text.parse::<i32>().ok()?)),
        (Kind::Float, RawValue::Whole(number)) => Value::Float(*number as f64),
        (Kind::Float, RawValue::Float(number)) => Value::Float(*number),
        (Kind::Float, RawValue::Plain(text)) => Value::Float(text.parse().ok()?),
        (Kind::Text, RawValue::Text(text) | RawValue::Plain(text)) if text.len() <= Limits::DEFAULT.text_len_max => {
            Value::Text(text.as_str().into())
        }
        _ => return None,
    };
    match value {
        Value::Float(number) if !number.is_finite() => None,
        value => Some(value),
    }
}

fn expected_value(kind: Kind) -> String {
    match kind {
        Kind::Bool => String::from("true or false, for the type is Bool"),
        Kind::Int => format!("a whole number from {} to {}, for the type is Int", i32::MIN, i32::MAX),
        Kind::Float => String::from("a finite number, for the type is Float"),
        Kind::Text => format!(
            "a text of at most {} bytes, for the type is Text",
            Limits::DEFAULT.text_len_max
        ),
    }
}
