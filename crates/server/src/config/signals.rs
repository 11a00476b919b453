//! Signals of an endpoint: the check of one, and the reader of signal files.
//!
//! A row of a signal file and a `[[realvirtual.signal]]` are the same table here; only that a cell has no quotes and takes
//! its type from its column.

use super::diagnostic::{Findings, Place, SourceText, nearest};
use super::keys::{CONVENTION_WORDS, Form, convention};
use super::limits::Limits;
use super::raw::{RawEntry, RawTable, RawValue, shortened};
use crosstie_hub::settings::{Owner, SignalSetting};
use crosstie_hub::signal::name::{canonical, escape_segment};
use crosstie_hub::signal::{Kind, Value};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// The keys of a signal, which are also the columns of a signal file.
pub(crate) const SIGNAL_KEYS: [&str; 6] = ["name", "signal", "type", "writer", "value", "direction_convention"];

const TYPE_WORDS: [&str; 4] = ["Bool", "Int", "Float", "Text"];
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
            neutral: false,
        });
    }

    /// Takes all rows of a signal file.
    pub(crate) fn take_file(&mut self, source: &SourceText) {
        let delimiter = delimiter(&source.text);
        let mut rows = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(source.text.as_bytes());
        let mut columns: Option<Vec<&'static str>> = None;
        let mut record = csv::StringRecord::new();
        let mut row_count = 0;
        loop {
            match rows.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    let found = format!("not readable as CSV: {error}");
                    self.findings
                        .error(&whole(source), "bad_csv", found, "rows of cells between commas");
                    return;
                }
            }
            let start = record
                .position()
                .map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
            let row = Row {
                source,
                start,
                delimiter,
            };
            let Some(columns) = &columns else {
                match self.header(&row, &record) {
                    Some(header) => columns = Some(header),
                    None => return,
                }
                continue;
            };
            row_count += 1;
            if row_count > Limits::DEFAULT.csv_rows_max {
                let expected = format!("at most {} rows", Limits::DEFAULT.csv_rows_max);
                self.findings
                    .error(&row.place(0), "too_large", "more rows than the limit", expected);
                return;
            }
            if record.len() > columns.len() {
                let found = format!("{} cells", record.len());
                let expected = format!("{}, one for each column of the header", columns.len());
                self.findings
                    .error(&row.place(columns.len()), "bad_csv", found, expected);
                continue;
            }
            self.take(source, &row.table(columns, &record));
        }
        if columns.is_none() {
            let expected = format!(
                "a header with the columns name, type, writer and any of {}",
                SIGNAL_KEYS.join(", ")
            );
            self.findings
                .error(&whole(source), "bad_csv", "an empty signal file", expected);
        }
    }

    /// The columns that the first row names; `None` when rows could not be understood with them.
    fn header(&mut self, row: &Row<'_>, record: &csv::StringRecord) -> Option<Vec<&'static str>> {
        let mut columns = Vec::with_capacity(record.len());
        let mut is_sound = true;
        for (index, cell) in record.iter().enumerate() {
            let cell = cell.trim().trim_start_matches('\u{feff}');
            match SIGNAL_KEYS.iter().find(|key| **key == cell) {
                Some(key) if columns.contains(key) => {
                    let found = format!("the column `{key}` stands twice");
                    self.findings
                        .error(&row.place(index), "bad_csv", found, "each column once");
                    is_sound = false;
                }
                Some(key) => columns.push(*key),
                None => {
                    let found = format!("unknown column `{}`", shortened(cell));
                    let expected = format!("one of {}", SIGNAL_KEYS.join(", "));
                    let finding = self.findings.error(&row.place(index), "unknown_key", found, expected);
                    if let Some(near) = nearest(cell, SIGNAL_KEYS) {
                        finding.help(format!("did you mean `{near}`?"));
                    }
                    is_sound = false;
                }
            }
        }
        for needed in ["name", "type", "writer"] {
            if is_sound && !columns.contains(&needed) {
                let found = format!("the column `{needed}` is missing");
                self.findings.error(
                    &row.place(0),
                    "missing_key",
                    found,
                    "the columns name, type and writer in the first row",
                );
                is_sound = false;
            }
        }
        is_sound.then_some(columns)
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
            super::keys::Checked::Text(text) => Some((text, place)),
            _ => None,
        }
    }

    fn checked_value(&mut self, source: &SourceText, entry: &RawEntry, form: Form) -> Option<super::keys::Checked> {
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

fn kind_of(word: &str) -> Kind {
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
        (Kind::Bool, RawValue::Plain(text)) => Value::Bool(text.parse().ok()?),
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

/// Spreadsheets of half of the world write semicolons; the header tells which.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    if header.contains(';') && !header.contains(',') {
        b';'
    } else {
        b','
    }
}

fn whole(source: &SourceText) -> Place {
    Place {
        source: source.clone(),
        span: 0..0,
    }
}

/// One row of a signal file.
struct Row<'a> {
    source: &'a SourceText,
    start: usize,
    delimiter: u8,
}

impl Row<'_> {
    /// The cells that are not empty, as keys of a signal.
    fn table(&self, columns: &[&'static str], record: &csv::StringRecord) -> RawTable {
        let cells = columns.iter().zip(record.iter()).zip(self.cells());
        let entries = cells
            .filter(|((_, cell), _)| !cell.is_empty())
            .map(|((column, cell), span)| {
                // Names and values are exact; a blank around a word of ours is a slip of the spreadsheet.
                let cell = if matches!(*column, "name" | "value") {
                    cell
                } else {
                    cell.trim()
                };
                RawEntry {
                    key: (*column).to_owned(),
                    key_span: span.clone(),
                    value: RawValue::Plain(cell.to_owned()),
                    value_span: span,
                }
            });
        RawTable {
            entries: entries.collect(),
            span: self.cells().next().unwrap_or(self.start..self.start),
        }
    }

    fn place(&self, index: usize) -> Place {
        let span = self.cells().nth(index).unwrap_or(self.start..self.start);
        Place {
            source: self.source.clone(),
            span,
        }
    }

    /// The bytes of each cell in the file, with its quotes. The CSV reader gives the cells without their places.
    fn cells(&self) -> impl Iterator<Item = Range<usize>> {
        let bytes = self.source.text.as_bytes();
        let mut next = Some(self.start.min(bytes.len()));
        // The reader places a row at the end of the line before it, or at a byte order mark.
        while let Some(at) = next.filter(|at| matches!(bytes.get(*at), Some(b'\r' | b'\n'))) {
            next = Some(at + 1);
        }
        let delimiter = self.delimiter;
        std::iter::from_fn(move || {
            let start = next?;
            let mut is_quoted = false;
            let mut end = start;
            while let Some(byte) = bytes.get(end) {
                match byte {
                    b'"' => is_quoted = !is_quoted,
                    byte if !is_quoted && *byte == delimiter => break,
                    b'\r' | b'\n' if !is_quoted => break,
                    _ => {}
                }
                end += 1;
            }
            next = (bytes.get(end) == Some(&delimiter)).then_some(end + 1);
            Some(start..end)
        })
    }
}
