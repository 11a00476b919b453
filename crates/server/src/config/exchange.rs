//! Signals and routes of a project as CSV, out and in again, for work in a spreadsheet.
//!
//! ```text
//!   Config ─▶ export ─▶ CSV ─▶ (spreadsheet) ─▶ import ─┬─▶ Diagnostic  every mistake at its row and column, nothing written
//!                                                       └─▶ crosstie.toml, comments kept
//! ```
//!
//! A row stands for the whole of a signal: an empty cell is the default. A column that the file does not have says nothing, so
//! what it would hold stays as it is.

use super::check::{load, load_text};
use super::csv_file::{Rows, looks_like_formula, put_row};
use super::diagnostic::{Diagnostic, Findings, Place, SourceText};
use super::file::{read_file, shown_path};
use super::keys::convention_word;
use super::raw::{RawEntry, RawTable, RawValue};
use super::routes::{ROUTE_FILE, RoutePlan, plan, route_cell};
use super::signals::{Catalog, SIGNAL_FILE, SignalReader, default_signal_name, type_word};
use super::write_back::{WriteError, own_signals, put_signals, set_routes};
use super::{Config, EndpointConfig, FILE_NAME, Overrides};
use crosstie_hub::settings::{RouteSetting, SignalSetting};
use crosstie_hub::signal::{Kind, Value};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// A file for a spreadsheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// CSV in UTF-8 with commas and a header.
    pub text: String,
    /// Cells that a spreadsheet may take for formulas: they begin with `=`, `+`, `-` or `@` and are no numbers. They stand in
    /// quotes and are not changed, so whoever opens the file should have the columns read as text.
    pub formula_like: usize,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Rows that were new.
    pub added: usize,
    /// Rows that the project had with other words.
    pub changed: usize,
    /// Rows that the project had as they are.
    pub left: usize,
    /// What the project had and no row says, where the rows are to be all.
    pub removed: usize,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The project has no endpoint of this name.
    #[error("the project has no endpoint named `{0}`")]
    UnknownEndpoint(String),
    /// The project or the file has mistakes.
    #[error("nothing was written: {}", .0.first().map_or(String::new(), ToString::to_string))]
    Mistakes(Vec<Diagnostic>),
    /// The project file was not written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// The signals of an endpoint, those of its signal file too, in the columns of a signal file.
pub fn export_signals(endpoint: &EndpointConfig) -> Exported {
    let mut exported = Exported::new(SIGNAL_FILE.known);
    for signal in &endpoint.signals {
        let name = if signal.signal == default_signal_name(&endpoint.name, &signal.wire_name) {
            ""
        } else {
            signal.signal.as_str()
        };
        let value = signal.value.as_ref().map_or_else(String::new, shown_value);
        exported.row(&[
            signal.wire_name.as_str(),
            name,
            type_word(signal.kind),
            signal.owner.word(),
            value.as_str(),
            signal.convention.map_or("", convention_word),
            if signal.neutral { "true" } else { "" },
        ]);
    }
    exported
}

/// Routes in the columns `from` and `to`, and every other that one of them needs.
pub fn export_routes(routes: &[RouteSetting]) -> Exported {
    let is_needed =
        |key: &&str| ROUTE_FILE.needed.contains(key) || routes.iter().any(|route| !route_cell(route, key).is_empty());
    let columns: Vec<&str> = ROUTE_FILE.known.iter().copied().filter(|key| is_needed(key)).collect();
    let mut exported = Exported::new(&columns);
    for route in routes {
        let cells: Vec<String> = columns.iter().map(|key| route_cell(route, key)).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        exported.row(&cells);
    }
    exported
}

impl Exported {
    fn new(header: &[&str]) -> Exported {
        let mut text = String::new();
        put_row(&mut text, header.iter().copied());
        Exported { text, formula_like: 0 }
    }

    fn row(&mut self, cells: &[&str]) {
        self.formula_like += cells.iter().filter(|cell| looks_like_formula(cell)).count();
        put_row(&mut self.text, cells.iter().copied());
    }
}

/// A value as a cell holds it.
fn shown_value(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        // Shortest, and with an exponent where the number is long.
        Value::Float(number) => format!("{number:?}"),
        Value::Text(text) => text.to_string(),
    }
}

/// Adds the signals of a file to an endpoint of the project in a folder, and changes those that it has under the same names.
///
/// # Errors
/// [`ImportError`]. All rows are checked first; when one of them is wrong, nothing is written.
pub fn import_signals(folder: &Path, endpoint: &str, file: &Path) -> Result<Changes, ImportError> {
    let project = read_project(folder)?;
    let known = project.config.endpoint(endpoint);
    let known = known.ok_or_else(|| ImportError::UnknownEndpoint(endpoint.to_owned()))?;
    let source = read_source(file)?;
    let own = own_signals(&project.text, endpoint);
    let mut import = SignalImport {
        source: &source,
        known: known
            .signals
            .iter()
            .map(|signal| (signal.wire_name.as_str(), signal))
            .collect(),
        own: &own,
        added: Vec::new(),
        changed: HashMap::new(),
        left: 0,
    };
    let mut findings = Findings::default();
    import.read(&project.config, endpoint, &mut findings);
    if findings.has_errors() {
        return Err(ImportError::Mistakes(findings.into_diagnostics()));
    }
    let changes = Changes {
        added: import.added.len(),
        changed: import.changed.len(),
        left: import.left,
        removed: 0,
    };
    let changed = import.changed.iter().map(|(name, (old, new))| (*name, (*old, new)));
    put_signals(&folder.join(FILE_NAME), endpoint, &import.added, &changed.collect())?;
    Ok(changes)
}

/// One file of signals on its way into an endpoint.
struct SignalImport<'a> {
    source: &'a SourceText,
    /// The signals that the endpoint has, by their wire names.
    known: HashMap<&'a str, &'a SignalSetting>,
    /// Those of them that stand in the project file itself.
    own: &'a HashSet<String>,
    added: Vec<SignalSetting>,
    changed: HashMap<&'a str, (&'a SignalSetting, SignalSetting)>,
    left: usize,
}

impl SignalImport<'_> {
    fn read(&mut self, config: &Config, endpoint: &str, findings: &mut Findings) {
        let replaced = self.names(endpoint);
        let mut catalog = Catalog::default();
        let mut reader = SignalReader::new(findings, &mut catalog, endpoint);
        for other in &config.endpoints {
            for signal in &other.signals {
                let is_here = other.name == endpoint;
                if is_here && replaced.contains(&signal.wire_name) {
                    continue;
                }
                reader.catalog.add(signal);
                if is_here {
                    reader.knows(signal);
                }
            }
        }
        let Some(mut rows) = Rows::open(self.source, &SIGNAL_FILE, reader.findings) else {
            return;
        };
        let columns = rows.columns().to_vec();
        while let Some(mut row) = rows.next(reader.findings) {
            self.complete(&mut row, &columns);
            reader.take(self.source, &row);
            if let Some(signal) = reader.signals.pop() {
                self.sort_in(signal, &row, reader.findings);
            }
        }
    }

    /// The wire names of the file, as far as it can be read.
    fn names(&self, endpoint: &str) -> HashSet<String> {
        let (mut findings, mut catalog) = (Findings::default(), Catalog::default());
        let mut reader = SignalReader::new(&mut findings, &mut catalog, endpoint);
        reader.take_file(self.source);
        reader.signals.into_iter().map(|signal| signal.wire_name).collect()
    }

    /// Gives a row what the signal has under the columns that the file does not have.
    fn complete(&self, row: &mut RawTable, columns: &[&str]) {
        let name = row.get("name").map(|entry| &entry.value);
        let Some(RawValue::Plain(name)) = name else { return };
        let Some(signal) = self.known.get(name.as_str()) else {
            return;
        };
        let kept = [
            ("signal", Some(signal.signal.clone())),
            ("value", signal.value.as_ref().map(shown_value)),
            (
                "direction_convention",
                signal
                    .convention
                    .map(|convention| convention_word(convention).to_owned()),
            ),
            ("neutral", Some(signal.neutral.to_string())),
        ];
        for (key, value) in kept {
            if let Some(value) = value.filter(|_| !columns.contains(&key)) {
                row.entries.push(RawEntry {
                    key: key.to_owned(),
                    key_span: row.span.clone(),
                    value: RawValue::Plain(value),
                    value_span: row.span.clone(),
                });
            }
        }
    }

    fn sort_in(&mut self, signal: SignalSetting, row: &RawTable, findings: &mut Findings) {
        let Some((name, known)) = self.known.get_key_value(signal.wire_name.as_str()) else {
            self.added.push(signal);
            return;
        };
        if same(known, &signal) {
            self.left += 1;
        } else if self.own.contains(*name) {
            self.changed.insert(name, (known, signal));
        } else {
            let place = Place {
                source: self.source.clone(),
                span: row.span.clone(),
            };
            let found = "this signal stands in the signal file of the endpoint with other words";
            let expected = "the change in the signal file itself, or the signal as it stands there";
            findings.error(&place, "in_signal_file", found, expected);
        }
    }
}

/// Are two forms of a signal the same to everybody? A cell cannot say whether an empty text was given or is the default.
fn same(a: &SignalSetting, b: &SignalSetting) -> bool {
    let given = |signal: &SignalSetting| SignalSetting {
        value: signal.value.clone().filter(|value| *value != Value::zero(Kind::Text)),
        ..signal.clone()
    };
    given(a) == given(b)
}

/// Takes the routes of a file into the project in a folder. A route that the project has, by its target (one with a pattern by
/// both its names), is changed; with `replace` those that the file does not have are removed.
///
/// # Errors
/// [`ImportError`]. All rows are checked first; when one of them is wrong, nothing is written.
pub fn import_routes(folder: &Path, file: &Path, replace: bool) -> Result<Changes, ImportError> {
    let project = folder.join(FILE_NAME);
    let plan = plan_routes(&project, &read_source(file)?, replace)?;
    set_routes(&project, &plan)?;
    Ok(Changes {
        added: plan.added.len(),
        changed: plan.changed.len(),
        left: plan.same,
        removed: plan.removed.len(),
    })
}

/// What a table of routes makes of those of a project file.
///
/// # Errors
/// [`ImportError::Mistakes`], at their rows and columns, or those of the project.
pub(crate) fn plan_routes(project: &Path, table: &SourceText, replace: bool) -> Result<RoutePlan, ImportError> {
    let folder = project.parent().unwrap_or(Path::new(""));
    let Project { config, .. } = read_project(folder)?;
    plan(&config, table, replace).map_err(ImportError::Mistakes)
}

/// A project without mistakes, and the text of its file.
struct Project {
    config: Config,
    text: String,
}

fn read_project(folder: &Path) -> Result<Project, ImportError> {
    // Variables and flags are of a run and not of the project, so they do not count here.
    let overrides = Overrides::default();
    let Ok(text) = read_file(&folder.join(FILE_NAME)) else {
        return Err(ImportError::Mistakes(load(folder, &overrides).diagnostics));
    };
    let loaded = load_text(folder, &text, &overrides);
    match loaded.config {
        Some(config) => Ok(Project { config, text }),
        None => Err(ImportError::Mistakes(loaded.diagnostics)),
    }
}

fn read_source(file: &Path) -> Result<SourceText, ImportError> {
    read_file(file)
        .map(|text| SourceText::new(shown_path(file), text))
        .map_err(|unreadable| {
            let mut findings = Findings::default();
            let place = Place {
                source: SourceText::new(shown_path(file), unreadable.text),
                span: unreadable.at..unreadable.at,
            };
            findings.error(&place, unreadable.code, unreadable.found, unreadable.expected);
            ImportError::Mistakes(findings.into_diagnostics())
        })
}
