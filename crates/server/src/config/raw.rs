//! The project file as it was typed: sections of keys with their places, nothing believed yet.
//!
//! TOML has several spellings for the same thing (`[web]`, `web.port = …`, `web = { … }`, `[[route]]`, `route = [{ … }]`);
//! this room turns them all into [`RawTable`]s and refuses to know which keys exist inside a section.

use super::diagnostic::{Findings, Place, SourceText, nearest};
use super::limits::Limits;
use super::modbus::ModbusTable;
use std::ops::Range;
use toml_edit::{Item, TableLike, Value};

/// A project file split into its sections.
#[derive(Debug, Default)]
pub(crate) struct RawConfig {
    pub(crate) project: RawTable,
    pub(crate) web: RawTable,
    pub(crate) tls: RawTable,
    pub(crate) hub: RawTable,
    pub(crate) record: RawTable,
    pub(crate) history: RawTable,
    pub(crate) clock: RawTable,
    pub(crate) endpoints: Vec<RawEndpoint>,
    /// There when the file has the section, empty or not.
    pub(crate) piplc: Option<RawTable>,
    pub(crate) plcs: Vec<RawTable>,
    pub(crate) modbuses: Vec<RawModbus>,
    /// There when the file has the section, empty or not; so are the next three.
    pub(crate) classroom: Option<RawTable>,
    pub(crate) monitor: Option<RawTable>,
    pub(crate) headset: Option<RawTable>,
    pub(crate) gama: Option<RawGama>,
    pub(crate) routes: Vec<RawTable>,
    pub(crate) practices: Vec<RawTable>,
}

/// One `[[realvirtual]]` with its `[[realvirtual.signal]]`.
#[derive(Debug, Default)]
pub(crate) struct RawEndpoint {
    pub(crate) table: RawTable,
    pub(crate) signals: Vec<RawTable>,
}

/// One `[[modbus]]` with the maps that it gives.
#[derive(Debug, Default)]
pub(crate) struct RawModbus {
    pub(crate) table: RawTable,
    pub(crate) maps: Vec<(ModbusTable, Vec<RawTable>)>,
}

/// `[gama]` with its `[[gama.watch]]` and `[[gama.write]]`.
#[derive(Debug, Default)]
pub(crate) struct RawGama {
    pub(crate) table: RawTable,
    pub(crate) watches: Vec<RawTable>,
    pub(crate) writes: Vec<RawTable>,
}

/// The keys of one section, or the cells of one row of a signal file.
#[derive(Debug, Default)]
pub(crate) struct RawTable {
    /// Where the section begins.
    pub(crate) span: Range<usize>,
    pub(crate) entries: Vec<RawEntry>,
}

impl RawTable {
    pub(crate) fn get(&self, key: &str) -> Option<&RawEntry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The same section without one of its keys.
    pub(crate) fn without(&self, key: &str) -> RawTable {
        let entries = self.entries.iter().filter(|entry| entry.key != key);
        RawTable {
            span: self.span.clone(),
            entries: entries.cloned().collect(),
        }
    }
}

/// One `key = value`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RawEntry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: RawValue,
    pub(crate) value_span: Range<usize>,
}

/// A value before anybody asked whether it fits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RawValue {
    Text(String),
    Whole(i64),
    Float(f64),
    Flag(bool),
    List(Vec<RawValue>),
    /// `{ key = value }`, or a section inside a section.
    Table(Vec<RawEntry>),
    /// Text without quotes, from a cell, an environment variable or a flag: its key decides what it is.
    Plain(String),
    /// Something that no key takes, in words.
    Other(&'static str),
}

impl RawValue {
    /// The same value from JSON.
    pub(crate) fn from_json(value: &serde_json::Value) -> RawValue {
        match value {
            serde_json::Value::Null => RawValue::Other("null"),
            serde_json::Value::Bool(flag) => RawValue::Flag(*flag),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(whole) => RawValue::Whole(whole),
                None => RawValue::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => RawValue::Text(text.clone()),
            serde_json::Value::Array(items) => RawValue::List(items.iter().map(RawValue::from_json).collect()),
            serde_json::Value::Object(entries) => RawValue::Table(
                entries
                    .iter()
                    .map(|(key, value)| RawEntry {
                        key: key.clone(),
                        key_span: 0..0,
                        value: RawValue::from_json(value),
                        value_span: 0..0,
                    })
                    .collect(),
            ),
        }
    }

    /// The value in a message: shortened, with its type where that is not seen.
    pub(crate) fn shown(&self) -> String {
        match self {
            RawValue::Text(text) | RawValue::Plain(text) => format!("\"{}\"", shortened(text)),
            RawValue::Whole(number) => number.to_string(),
            RawValue::Float(number) => number.to_string(),
            RawValue::Flag(flag) => flag.to_string(),
            RawValue::List(items) => match items.iter().find(|item| !matches!(item, RawValue::Text(_))) {
                Some(other) => format!("a list with {} in it", other.shown()),
                None => format!("a list of {} texts", items.len()),
            },
            RawValue::Table(_) => String::from("a table"),
            RawValue::Other(words) => (*words).to_owned(),
        }
    }
}

/// Cuts a text that is too long to be shown and writes its control characters visibly.
pub(crate) fn shortened(text: &str) -> String {
    let limit = Limits::DEFAULT.shown_len_max;
    let end = text
        .char_indices()
        .map(|(index, _)| index)
        .find(|index| *index >= limit);
    match end {
        Some(end) => format!("{}…", text[..end].escape_debug()),
        None => text.escape_debug().to_string(),
    }
}

const SECTIONS: [&str; 17] = [
    "project",
    "web",
    "tls",
    "hub",
    "record",
    "clock",
    "realvirtual",
    "piplc",
    "plc",
    "modbus",
    "classroom",
    "monitor",
    "headset",
    "gama",
    "route",
    "history",
    "practice",
];

/// Splits the text of a project file; what does not fit becomes a finding in `source`, which is the text as people may see it.
/// `None` when it is not TOML.
pub(crate) fn read(text: &str, source: &SourceText, findings: &mut Findings) -> Option<RawConfig> {
    let document = match toml_edit::Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let found = format!("not TOML: {}", error.message().lines().next().unwrap_or_default());
            findings.error(&place(source, span), "syntax", found, "a TOML document");
            return None;
        }
    };
    let mut raw = RawConfig::default();
    for (key, item) in document.iter() {
        let key_span = document.key(key).and_then(toml_edit::Key::span).unwrap_or(0..0);
        let mut reader = Reader {
            source,
            findings,
            key,
            key_span,
        };
        match key {
            "project" => raw.project = reader.section(item),
            "web" => raw.web = reader.section(item),
            "tls" => raw.tls = reader.section(item),
            "hub" => raw.hub = reader.section(item),
            "record" => raw.record = reader.section(item),
            "clock" => raw.clock = reader.section(item),
            "realvirtual" => raw.endpoints = reader.endpoints(item),
            "piplc" => raw.piplc = Some(reader.section(item)),
            "plc" => raw.plcs = reader.sections(item),
            "modbus" => raw.modbuses = reader.modbuses(item),
            "classroom" => raw.classroom = Some(reader.section(item)),
            "monitor" => raw.monitor = Some(reader.section(item)),
            "headset" => raw.headset = Some(reader.section(item)),
            "gama" => raw.gama = Some(reader.gama(item)),
            "history" => raw.history = reader.section(item),
            "route" => raw.routes = reader.sections(item),
            "practice" => raw.practices = reader.sections(item),
            unknown => reader.unknown_section(unknown),
        }
    }
    Some(raw)
}

/// The line of a route of a project file, both counted from the first: the route from 0, the line from 1.
pub(crate) fn line_of_route(text: &str, index: usize) -> Option<usize> {
    let document = toml_edit::Document::parse(text).ok()?;
    let (_, span) = tables(document.get("route")?)?.into_iter().nth(index)?;
    Some(text.get(..span.start)?.matches('\n').count() + 1)
}

/// Reads what stands under one top-level key.
struct Reader<'a> {
    source: &'a SourceText,
    findings: &'a mut Findings,
    key: &'a str,
    key_span: Range<usize>,
}

impl Reader<'_> {
    fn section(&mut self, item: &Item) -> RawTable {
        match item.as_table_like() {
            Some(table) => raw_table(table, item.span().unwrap_or_else(|| self.key_span.clone())),
            None => {
                self.wrong_shape(item, format!("a section [{}]", self.key));
                RawTable::default()
            }
        }
    }

    fn sections(&mut self, item: &Item) -> Vec<RawTable> {
        let tables = tables(item);
        if tables.is_none() {
            self.wrong_shape(item, format!("sections [[{}]] in double brackets", self.key));
        }
        tables
            .unwrap_or_default()
            .into_iter()
            .map(|(table, span)| raw_table(table, span))
            .collect()
    }

    fn endpoints(&mut self, item: &Item) -> Vec<RawEndpoint> {
        let Some(endpoints) = tables(item) else {
            self.wrong_shape(item, String::from("sections [[realvirtual]] in double brackets"));
            return Vec::new();
        };
        let mut raw = Vec::with_capacity(endpoints.len());
        for (endpoint, span) in endpoints {
            let mut table = raw_table(endpoint, span);
            table.entries.retain(|entry| entry.key != "signal");
            let mut signals = Vec::new();
            if let Some(item) = endpoint.get("signal") {
                self.key_span = endpoint.key("signal").and_then(toml_edit::Key::span).unwrap_or(0..0);
                match tables(item) {
                    Some(tables) => signals = tables.into_iter().map(|(table, span)| raw_table(table, span)).collect(),
                    None => {
                        self.wrong_shape(item, String::from("sections [[realvirtual.signal]] in double brackets"));
                    }
                }
            }
            raw.push(RawEndpoint { table, signals });
        }
        raw
    }

    fn modbuses(&mut self, item: &Item) -> Vec<RawModbus> {
        let Some(servers) = tables(item) else {
            self.wrong_shape(item, String::from("sections [[modbus]] in double brackets"));
            return Vec::new();
        };
        let mut raw = Vec::with_capacity(servers.len());
        for (server, span) in servers {
            let mut table = raw_table(server, span);
            table
                .entries
                .retain(|entry| ModbusTable::ALL.iter().all(|map| map.key() != entry.key));
            let mut maps = Vec::new();
            for map in ModbusTable::ALL {
                let key = map.key();
                let Some(item) = server.get(key) else { continue };
                self.key = key;
                self.key_span = server.key(key).and_then(toml_edit::Key::span).unwrap_or(0..0);
                match tables(item) {
                    Some(tables) => {
                        let entries = tables.into_iter().map(|(table, span)| raw_table(table, span));
                        maps.push((map, entries.collect()));
                    }
                    None => self.wrong_shape(
                        item,
                        format!("a list such as {key} = [{{ address = 0, place = \"…\" }}]"),
                    ),
                }
            }
            raw.push(RawModbus { table, maps });
        }
        raw
    }

    fn gama(&mut self, item: &Item) -> RawGama {
        let mut table = self.section(item);
        table.entries.retain(|entry| !["watch", "write"].contains(&&*entry.key));
        let mut lists = ["watch", "write"].map(|key| {
            let gama = item.as_table_like()?;
            let list = gama.get(key)?;
            self.key = key;
            self.key_span = gama.key(key).and_then(toml_edit::Key::span).unwrap_or(0..0);
            let tables = tables(list);
            if tables.is_none() {
                self.wrong_shape(list, format!("sections [[gama.{key}]] in double brackets"));
            }
            Some(
                tables?
                    .into_iter()
                    .map(|(table, span)| raw_table(table, span))
                    .collect(),
            )
        });
        RawGama {
            table,
            watches: lists[0].take().unwrap_or_default(),
            writes: lists[1].take().unwrap_or_default(),
        }
    }

    fn wrong_shape(&mut self, item: &Item, expected: String) {
        let span = item.span().unwrap_or_else(|| self.key_span.clone());
        let found = format!("`{}` is {}", self.key, kind_of(item));
        self.findings
            .error(&place(self.source, span), "wrong_type", found, expected);
    }

    fn unknown_section(&mut self, unknown: &str) {
        let place = place(self.source, self.key_span.clone());
        let found = format!("unknown section `{}`", shortened(unknown));
        let finding = self
            .findings
            .error(&place, "unknown_key", found, format!("one of {}", SECTIONS.join(", ")));
        if let Some(near) = nearest(unknown, SECTIONS) {
            finding.help(format!("did you mean `{near}`?"));
        }
    }
}

/// The tables of `[[name]]` or of `name = [{ … }]`, each with the place where it begins.
fn tables(item: &Item) -> Option<Vec<(&dyn TableLike, Range<usize>)>> {
    if let Some(tables) = item.as_array_of_tables() {
        return Some(
            tables
                .iter()
                .map(|table| (table as &dyn TableLike, table.span().unwrap_or(0..0)))
                .collect(),
        );
    }
    let values = item.as_array()?.iter();
    values
        .map(|value| Some((value.as_inline_table()? as &dyn TableLike, value.span().unwrap_or(0..0))))
        .collect::<Option<Vec<_>>>()
}

fn raw_table(table: &dyn TableLike, span: Range<usize>) -> RawTable {
    let entries = raw_entries(table, &span);
    RawTable { span, entries }
}

fn raw_entries(table: &dyn TableLike, span: &Range<usize>) -> Vec<RawEntry> {
    let entries = table.iter().map(|(key, item)| {
        let key_span = table
            .key(key)
            .and_then(toml_edit::Key::span)
            .unwrap_or_else(|| span.clone());
        let value_span = item.span().unwrap_or_else(|| key_span.clone());
        RawEntry {
            key: key.to_owned(),
            value: raw_item(item, &value_span),
            key_span,
            value_span,
        }
    });
    entries.collect()
}

fn raw_item(item: &Item, span: &Range<usize>) -> RawValue {
    match item {
        Item::Value(value) => raw_value(value, span),
        Item::Table(table) => RawValue::Table(raw_entries(table, span)),
        other => RawValue::Other(kind_of(other)),
    }
}

fn raw_value(value: &Value, span: &Range<usize>) -> RawValue {
    match value {
        Value::String(text) => RawValue::Text(text.value().clone()),
        Value::Integer(number) => RawValue::Whole(*number.value()),
        Value::Float(number) => RawValue::Float(*number.value()),
        Value::Boolean(flag) => RawValue::Flag(*flag.value()),
        Value::Datetime(_) => RawValue::Other("a date or time"),
        Value::Array(items) => RawValue::List(items.iter().map(|item| raw_value(item, span)).collect()),
        Value::InlineTable(table) => RawValue::Table(raw_entries(table, span)),
    }
}

fn kind_of(item: &Item) -> &'static str {
    match item {
        Item::None => "nothing",
        Item::Table(_) | Item::Value(Value::InlineTable(_)) => "a table",
        Item::ArrayOfTables(_) => "a list of tables",
        Item::Value(Value::String(_)) => "a text",
        Item::Value(Value::Integer(_)) => "a whole number",
        Item::Value(Value::Float(_)) => "a number",
        Item::Value(Value::Boolean(_)) => "true or false",
        Item::Value(Value::Datetime(_)) => "a date or time",
        Item::Value(Value::Array(_)) => "a list",
    }
}

fn place(source: &SourceText, span: Range<usize>) -> Place {
    Place {
        source: source.clone(),
        span,
    }
}
