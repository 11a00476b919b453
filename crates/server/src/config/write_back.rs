//! Changes to the project file by the program: settings, routes and imported signals.
//!
//! The file belongs to its author. Only the value in question changes; comments, order, blanks and line ends stay as they
//! are. Every change is checked first and written whole: a new file beside the old one takes its place in one step, so a
//! reader (or a power failure) meets the old text or the new one, never half of each.

mod routes;

use super::check::load_text;
use super::diagnostic::Diagnostic;
use super::keys::{Checked, convention_word};
use super::setting::{CheckedSetting, SettingError, Target, check_setting};
use super::signals::{default_signal_name, type_word};
use super::{FILE_NAME, Overrides};
use crosstie_hub::settings::{Owner, SignalSetting};
use crosstie_hub::signal::Value as SignalValue;
pub(crate) use routes::{Rewritten, put_back, set_routes};
pub use routes::{add_route, change_route, remove_route};
use std::collections::{HashMap, HashSet};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use toml_edit::{Array, ArrayOfTables, Document, DocumentMut, Item, Table, TableLike, Value};

/// Why the project file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A key is unknown or its value does not fit.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The file has no endpoint of this name.
    #[error("{path} has no endpoint named `{endpoint}`")]
    UnknownEndpoint {
        /// The project file.
        path: PathBuf,
        /// The name.
        endpoint: String,
    },
    /// The file has no PLC context of this name.
    #[error("{path} has no PLC context named `{context}`")]
    UnknownPlc {
        /// The project file.
        path: PathBuf,
        /// The name.
        context: String,
    },
    /// The file has no Modbus server of this name.
    #[error("{path} has no Modbus server named `{server}`")]
    UnknownModbus {
        /// The project file.
        path: PathBuf,
        /// The name.
        server: String,
    },
    /// The file has no such route.
    #[error("{path} has no route from \"{from}\" to \"{to}\"")]
    UnknownRoute {
        /// The project file.
        path: PathBuf,
        /// Its source.
        from: String,
        /// Its target.
        to: String,
    },
    /// The file is no TOML any more; somebody is in the middle of editing it.
    #[error("{path} is not TOML at the moment: {reason}")]
    Syntax {
        /// The project file.
        path: PathBuf,
        /// What is wrong, without the line of the file: a key may stand there.
        reason: String,
    },
    /// The project would have a mistake that it does not have now.
    #[error("the project would not be valid: {}", .0.first().map_or(String::new(), ToString::to_string))]
    Invalid(Vec<Diagnostic>),
    /// The file could not be read.
    #[error("{path} cannot be read")]
    Read {
        /// The project file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file could not be written.
    #[error("{path} cannot be written")]
    Write {
        /// The project file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Writes settings into a project file; keys are dotted, `realvirtual.line.update_cycle_ms`. `path` is the project file.
///
/// # Errors
/// [`WriteError`]. All keys are checked first; when one of them is refused, nothing is written.
pub fn write_settings(path: &Path, changes: &[(String, serde_json::Value)]) -> Result<(), WriteError> {
    let checked = changes.iter().map(|(key, value)| check_setting(key, value));
    let checked = checked.collect::<Result<Vec<_>, _>>()?;
    edit(path, |_, document| {
        let mut document = document.into_mut();
        checked
            .iter()
            .try_for_each(|setting| put_setting(path, &mut document, setting))?;
        Ok(document.to_string())
    })
    .map(drop)
}

/// Adds signals to an endpoint of a project file, at the end of those that it has there.
///
/// # Errors
/// [`WriteError`]; [`WriteError::Invalid`] when a name is taken. Nothing is written then.
pub fn add_signals(path: &Path, endpoint: &str, signals: &[SignalSetting]) -> Result<(), WriteError> {
    put_signals(path, endpoint, signals, &HashMap::new())
}

/// Adds signals to an endpoint of a project file and changes some that it has there: `changed` holds, by their wire names, the
/// signals as they are and as they are to be. Only what differs is written.
///
/// # Errors
/// As [`add_signals`].
pub(super) fn put_signals(
    path: &Path,
    endpoint: &str,
    added: &[SignalSetting],
    changed: &HashMap<&str, (&SignalSetting, &SignalSetting)>,
) -> Result<(), WriteError> {
    edit(path, |_, document| {
        let mut document = document.into_mut();
        let table = endpoint_mut(&mut document, endpoint).ok_or_else(|| unknown_endpoint(path, endpoint))?;
        if let Some(signals) = table.get_mut("signal") {
            each_table(signals, |signal| {
                let change = signal
                    .get("name")
                    .and_then(Item::as_str)
                    .and_then(|name| changed.get(name));
                if let Some((old, new)) = change {
                    change_signal(signal, endpoint, old, new);
                }
            });
        }
        let tables = document.get_mut("realvirtual").and_then(Item::as_array_of_tables_mut);
        let table = tables.and_then(|tables| tables.iter_mut().find(|table| is_named(*table, endpoint)));
        if let Some(table) = table {
            added
                .iter()
                .for_each(|signal| push(table, "signal", signal_table(endpoint, signal)));
            return Ok(document.to_string());
        }
        let inline = endpoint_mut(&mut document, endpoint).ok_or_else(|| unknown_endpoint(path, endpoint))?;
        let list = inline.entry("signal").or_insert(toml_edit::value(Array::new()));
        if let Some(list) = list.as_array_mut() {
            added
                .iter()
                .for_each(|signal| list.push(signal_table(endpoint, signal).into_inline_table()));
        }
        Ok(document.to_string())
    })
    .map(drop)
}

/// The wire names of the signals that stand in the text of a project file itself, and not in a signal file.
pub(super) fn own_signals(text: &str, endpoint: &str) -> HashSet<String> {
    let mut names = HashSet::new();
    if let Ok(mut document) = text.parse::<DocumentMut>()
        && let Some(signals) = endpoint_mut(&mut document, endpoint).and_then(|table| table.get_mut("signal"))
    {
        each_table(signals, |signal| {
            names.extend(signal.get("name").and_then(Item::as_str).map(str::to_owned));
        });
    }
    names
}

/// Goes through the tables of `[[name]]` or of `name = [{ … }]`.
fn each_table(item: &mut Item, mut visit: impl FnMut(&mut dyn TableLike)) {
    match item {
        Item::ArrayOfTables(tables) => tables.iter_mut().for_each(|table| visit(table)),
        Item::Value(Value::Array(list)) => list
            .iter_mut()
            .filter_map(Value::as_inline_table_mut)
            .for_each(|table| visit(table)),
        _ => {}
    }
}

/// Writes what differs between two forms of one signal; a key whose default is wanted is left out.
fn change_signal(table: &mut dyn TableLike, endpoint: &str, old: &SignalSetting, new: &SignalSetting) {
    let (old, new) = (signal_table(endpoint, old), signal_table(endpoint, new));
    for (key, item) in &new {
        let value = item.as_value().filter(|value| {
            let before = old.get(key).and_then(Item::as_value);
            before.is_none_or(|before| before.to_string() != value.to_string())
        });
        if let Some(value) = value {
            put(table, key, value.clone());
        }
    }
    for (key, _) in old.iter().filter(|(key, _)| !new.contains_key(key)) {
        table.remove(key);
    }
}

/// Reads, changes, checks and replaces a project file. Gives its text before and after.
fn edit(
    path: &Path,
    change: impl FnOnce(&str, Document<&str>) -> Result<String, WriteError>,
) -> Result<(String, String), WriteError> {
    // A link to the file stays a link: what it points to is replaced.
    let real = path.canonicalize().map_err(|source| WriteError::Read {
        path: path.to_owned(),
        source,
    })?;
    let before = fs::read_to_string(&real).map_err(|source| WriteError::Read {
        path: path.to_owned(),
        source,
    })?;
    let document = Document::parse(before.as_str()).map_err(|error| WriteError::Syntax {
        path: path.to_owned(),
        reason: error.message().lines().next().unwrap_or_default().to_owned(),
    })?;
    let after = like_before(&before, change(&before, document)?);
    if after == before {
        return Ok((before, after));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let checked = load_text(folder, &after, &Overrides::default());
    if checked.has_errors() && !load_text(folder, &before, &Overrides::default()).has_errors() {
        return Err(WriteError::Invalid(checked.diagnostics));
    }
    replace(&real, &after).map_err(|source| WriteError::Write {
        path: path.to_owned(),
        source,
    })?;
    Ok((before, after))
}

/// The editor of TOML writes plain line ends and no byte order mark; a file that had others gets them back.
fn like_before(before: &str, mut after: String) -> String {
    let lines = before.matches('\n').count();
    if lines > 0 && before.matches("\r\n").count() == lines {
        after = after.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    if before.starts_with('\u{feff}') && !after.starts_with('\u{feff}') {
        after.insert(0, '\u{feff}');
    }
    after
}

/// Would a change of the project file succeed now? Writes the same text beside it and takes it away again.
///
/// # Errors
///
/// What the system says.
pub fn try_writing(path: &Path) -> io::Result<()> {
    let real = path.canonicalize()?;
    let temporary = temporary(&real);
    let written = fs::read_to_string(&real).and_then(|text| write_new(&temporary, &real, &text));
    drop(fs::remove_file(&temporary));
    written
}

/// Takes away what a process left beside the project file when it was killed in the middle of a change. Files of a process
/// that may still run are left: another hub of this folder would be in the middle of its own.
pub fn remove_leftovers(path: &Path) {
    let Ok(real) = path.canonicalize() else { return };
    let Some(folder) = real.parent() else { return };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let writer = name.to_str().and_then(writer_of);
        if writer.is_some_and(|writer| writer == std::process::id() || !is_running(writer)) {
            // What cannot be taken away does no harm.
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// The process that a temporary file of ours belongs to.
fn writer_of(name: &str) -> Option<u32> {
    let rest = name
        .strip_prefix('.')?
        .strip_prefix(FILE_NAME)?
        .strip_prefix('.')?
        .strip_suffix(".new")?;
    let (writer, number) = rest.split_once('.')?;
    number.parse::<u64>().ok()?;
    writer.parse().ok()
}

/// Whether a process of this number exists, where the system shows that; elsewhere it may.
fn is_running(process: u32) -> bool {
    let all = Path::new("/proc");
    !all.join("self").exists() || all.join(process.to_string()).exists()
}

/// A name beside the project file that nobody else uses.
fn temporary(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{FILE_NAME}.{}.{number}.new", std::process::id()))
}

/// Puts a new file with the permissions of the old one in its place.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let temporary = temporary(path);
    let written = write_new(&temporary, path, text).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The error that counts is the one above; a file left over does no harm.
        drop(fs::remove_file(&temporary));
    }
    written
}

fn write_new(temporary: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(temporary)?;
    file.set_permissions(fs::metadata(path)?.permissions())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn put_setting(path: &Path, document: &mut DocumentMut, setting: &CheckedSetting) -> Result<(), WriteError> {
    let value = toml_value(&setting.value);
    match &setting.target {
        Target::Section { section, key } => {
            let root = document.as_table_mut();
            if !root.contains_key(section) {
                let mut table = Table::new();
                table.decor_mut().set_prefix(if root.is_empty() { "" } else { "\n" });
                root.insert(section, Item::Table(table));
            }
            if let Some(table) = root.get_mut(section).and_then(Item::as_table_like_mut) {
                put(table, key, value);
            }
        }
        Target::Endpoint { name, key } => {
            let table = endpoint_mut(document, name).ok_or_else(|| unknown_endpoint(path, name))?;
            put(table, key, value);
        }
        Target::Plc { name, key } => {
            let table = named_mut(document, "plc", name).ok_or_else(|| WriteError::UnknownPlc {
                path: path.to_owned(),
                context: name.clone(),
            })?;
            put(table, key, value);
        }
        Target::Modbus { name, key } => {
            let table = named_mut(document, "modbus", name).ok_or_else(|| WriteError::UnknownModbus {
                path: path.to_owned(),
                server: name.clone(),
            })?;
            put(table, key, value);
        }
    }
    Ok(())
}

/// Replaces a value and keeps what stands around it, or adds the key at the end of its section.
fn put(table: &mut dyn TableLike, key: &str, mut value: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

fn toml_value(checked: &Checked) -> Value {
    match checked {
        Checked::Text(text) => text.into(),
        Checked::Flag(flag) => (*flag).into(),
        Checked::Whole(number) => (*number).into(),
        Checked::Number(number) => (*number).into(),
        Checked::Micros(us) if us % 1_000 == 0 => i64::from(us / 1_000).into(),
        Checked::Micros(us) => (f64::from(*us) / 1e3).into(),
        Checked::List(list) => Value::Array(list.iter().collect()),
        Checked::Address(address) => address.to_string().into(),
    }
}

fn endpoint_mut<'a>(document: &'a mut DocumentMut, name: &str) -> Option<&'a mut dyn TableLike> {
    named_mut(document, "realvirtual", name)
}

/// The section `[[kind]]` of a name, in either of TOML's two spellings.
fn named_mut<'a>(document: &'a mut DocumentMut, kind: &str, name: &str) -> Option<&'a mut dyn TableLike> {
    match document.get_mut(kind)? {
        Item::ArrayOfTables(sections) => {
            let table = sections.iter_mut().find(|table| is_named(*table, name));
            table.map(|table| table as &mut dyn TableLike)
        }
        Item::Value(Value::Array(sections)) => {
            let mut tables = sections.iter_mut().filter_map(Value::as_inline_table_mut);
            tables
                .find(|table| is_named(*table, name))
                .map(|table| table as &mut dyn TableLike)
        }
        _ => None,
    }
}

fn is_named(table: &dyn TableLike, name: &str) -> bool {
    table.get("name").and_then(Item::as_str) == Some(name)
}

fn unknown_endpoint(path: &Path, endpoint: &str) -> WriteError {
    WriteError::UnknownEndpoint {
        path: path.to_owned(),
        endpoint: endpoint.to_owned(),
    }
}

/// Adds a table to an array of tables, with a blank line above it; an array in the other spelling stays in its spelling.
fn push(parent: &mut Table, key: &str, mut table: Table) {
    let array = parent
        .entry(key)
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    match array {
        Item::Value(Value::Array(array)) => array.push(table.into_inline_table()),
        Item::ArrayOfTables(array) => {
            table.decor_mut().set_prefix("\n");
            array.push(table);
        }
        _ => {}
    }
}

fn signal_table(endpoint: &str, signal: &SignalSetting) -> Table {
    let mut table = Table::new();
    table.insert("name", toml_edit::value(&signal.wire_name));
    if signal.signal != default_signal_name(endpoint, &signal.wire_name) {
        table.insert("signal", toml_edit::value(&signal.signal));
    }
    table.insert("type", toml_edit::value(type_word(signal.kind)));
    let writer = match signal.owner {
        Owner::Hub => "hub",
        Owner::Peer => "peer",
    };
    table.insert("writer", toml_edit::value(writer));
    if signal.neutral {
        table.insert("neutral", toml_edit::value(true));
    }
    if let Some(value) = &signal.value {
        let value: Value = match value {
            SignalValue::Bool(flag) => (*flag).into(),
            SignalValue::Int(number) => (*number).into(),
            SignalValue::Float(number) => (*number).into(),
            SignalValue::Text(text) => (&**text).into(),
        };
        table.insert("value", Item::Value(value));
    }
    if let Some(convention) = signal.convention {
        table.insert("direction_convention", toml_edit::value(convention_word(convention)));
    }
    table
}
