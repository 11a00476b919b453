//! `[piplc]` and `[[plc]]`: the contexts of a project, and their programs.

use super::super::diagnostic::{Findings, Place, SourceText};
use super::super::file::{read_file, shown_path};
use super::super::keys::{Form, PIPLC_KEYS, PLC_KEYS};
use super::super::limits::Limits;
use super::super::raw::{RawConfig, RawTable};
use super::super::{PiplcConfig, PlcConfig};
use super::Checker;
use crosstie_hub::plc::Program;
use crosstie_ladder::Symbol;
use crosstie_ladder::diagnostic::Diagnostic;
use crosstie_ladder::program::Position;
use crosstie_ladder::project::{IoConfig, io_conflict};
use crosstie_ladder::retain::RetainList;
use std::path::Path;
use std::sync::Arc;

/// Keys of a context that only one with `remote` takes.
const OF_REMOTE: [&str; 3] = ["remote_context", "ca_file", "access_key_file"];
/// Keys that belong to an engine of this hub.
const OF_ENGINE: [&str; 11] = [
    "program",
    "autostart",
    "scan_time_ms",
    "watchdog_ms",
    "keep_memory_on_download",
    "priority",
    "cpu",
    "spin",
    "retain",
    "io",
    "on_io_failure",
];

impl Checker<'_> {
    pub(super) fn piplc(&mut self, raw: Option<&RawTable>) -> Option<PiplcConfig> {
        let raw = raw?;
        let mut piplc = PiplcConfig::default();
        self.settle(PIPLC_KEYS, Some("piplc"), "[piplc]", raw, &mut piplc);
        if piplc.path.as_ref().is_some_and(|path| path.contains('?')) {
            let place = self.place_of("piplc.path", raw);
            let found = "the `path` of [piplc] has a query";
            self.findings.error(&place, "bad_path", found, "a path without `?`");
        }
        Some(piplc)
    }

    pub(super) fn plcs(&mut self, raw: &RawConfig, piplc: Option<&PiplcConfig>) -> Vec<PlcConfig> {
        let limit = Limits::DEFAULT.plcs_max;
        let allowed = piplc.map_or(limit, |piplc| piplc.contexts_max);
        if let Some(beyond) = raw.plcs.get(allowed) {
            let place = self.in_file(&beyond.span);
            let found = format!("{} PLC contexts", raw.plcs.len());
            let expected = match allowed == limit {
                true => format!("at most {limit}"),
                false => format!("at most {allowed}, or a larger `max_contexts` in [piplc]"),
            };
            self.findings.error(&place, "too_large", found, expected);
        }
        let mut plcs: Vec<PlcConfig> = Vec::new();
        for table in raw.plcs.iter().take(limit) {
            let name = self.text(table, "name", "[[plc]]", Form::Context);
            let is_taken = (name.as_ref()).is_some_and(|(name, _)| plcs.iter().any(|other| other.name == *name));
            if let Some((name, place)) = &name
                && is_taken
            {
                let found = format!("two PLC contexts are named `{name}`");
                let expected = "a name that no other context has";
                self.findings.error(place, "duplicate_name", found, expected);
            }
            let name = name.map(|(name, _)| name);
            let section = name.as_ref().filter(|_| !is_taken).map(|name| format!("plc.{name}"));
            let mut plc = PlcConfig::named(name.as_deref().unwrap_or("unnamed"));
            let settings = table.without("name");
            self.settle(PLC_KEYS, section.as_deref(), "[[plc]]", &settings, &mut plc);
            self.id_of_its_own(section.as_deref(), &settings, &plc, &plcs);
            self.remote(section.as_deref(), &settings, &mut plc);
            self.program(section.as_deref(), &settings, &mut plc);
            self.retain(section.as_deref(), &settings, &mut plc);
            self.io_configs(section.as_deref(), &settings, &mut plc);
            // A second context of the same name would hide the first.
            if section.is_some() {
                plcs.push(plc);
            }
        }
        plcs
    }

    /// A context is asked for by its id or its name, so no id is the name or the id of another.
    fn id_of_its_own(&mut self, section: Option<&str>, raw: &RawTable, plc: &PlcConfig, others: &[PlcConfig]) {
        let clash = others.iter().find(|other| {
            let theirs = [other.id(), &other.name];
            theirs.contains(&plc.id()) || other.id() == plc.name
        });
        if let Some(other) = clash.filter(|other| other.name != plc.name) {
            let place = self.place_of_key(section, "id", raw);
            let found = format!("the id `{}` belongs to the context `{}`", plc.id(), other.name);
            let expected = "an id that is neither the id nor the name of another context";
            self.findings.error(&place, "duplicate_name", found, expected);
        }
    }

    /// A context whose engine is elsewhere takes nothing that belongs to an engine here, and only such a one takes the rest.
    fn remote(&mut self, section: Option<&str>, raw: &RawTable, plc: &mut PlcConfig) {
        let said = |checker: &Self, key: &str| {
            let dotted = section.map(|section| format!("{section}.{key}"));
            raw.get(key).is_some() || dotted.is_some_and(|dotted| checker.places.contains_key(&dotted))
        };
        let is_remote = plc.remote.as_ref().is_some_and(|remote| !remote.url.is_empty());
        if !is_remote {
            plc.remote = None;
            for key in OF_REMOTE.into_iter().filter(|key| said(self, key)).collect::<Vec<_>>() {
                // A `remote` that is none was reported already.
                if said(self, "remote") {
                    break;
                }
                let place = self.place_of_key(section, key, raw);
                let found = format!("`{key}` without `remote`");
                let expected = "the address of an engine in `remote`, or no such key";
                self.findings.error(&place, "missing_key", found, expected);
            }
            return;
        }
        for key in OF_ENGINE.into_iter().filter(|key| said(self, key)).collect::<Vec<_>>() {
            let place = self.place_of_key(section, key, raw);
            let found = format!("`{key}` beside `remote`: it belongs to an engine of this hub");
            let expected = format!("no `{key}`, or no `remote`; a remote engine has its own settings");
            self.findings.error(&place, "wrong_role", found, expected);
        }
        let remote = plc.remote.iter();
        let files = remote.flat_map(|remote| {
            [
                ("ca_file", &remote.ca_file),
                ("access_key_file", &remote.access_key_file),
            ]
        });
        for (key, file) in files {
            if let Some(file) = file.as_ref().filter(|file| !self.folder.join(file).is_file()) {
                let place = self.place_of_key(section, key, raw);
                let found = format!("there is no file {}", file.display());
                let expected = "a file in the project folder; the link cannot be up without it";
                self.findings.warning(&place, "no_file", found, expected);
            }
        }
        plc.program_file = None;
        plc.autostart = false;
        plc.retain.clear();
        plc.io_files.clear();
    }

    /// Reads what is wired to a context. Two devices never move the same.
    fn io_configs(&mut self, section: Option<&str>, raw: &RawTable, plc: &mut PlcConfig) {
        for file in plc.io_files.clone() {
            let path = self.folder.join(&file);
            if let Some(config) = self.io_config(section, raw, &path) {
                if let Some(reason) = crate::io::not_built_in(&config) {
                    let place = self.place_of_key(section, "io", raw);
                    let found = format!("{}: {reason}", shown_path(&path));
                    self.findings
                        .error(&place, "bad_value", found, "a provider that is built in");
                }
                plc.io.push(config);
            }
        }
        // The places of a conflict are those of the list, so the list must be whole.
        if plc.io.len() < plc.io_files.len() {
            return;
        }
        if let Some(conflict) = io_conflict(&plc.io) {
            let place = self.place_of_key(section, "io", raw);
            let name = |index: usize| {
                plc.io_files
                    .get(index)
                    .map_or_else(String::new, |file| file.display().to_string())
            };
            let (first, second) = (name(conflict.first), name(conflict.second));
            let files = match conflict.first == conflict.second {
                true => first,
                false => format!("{first} and {second}"),
            };
            let found = format!("{files}: {conflict}");
            self.findings.error(
                &place,
                "io_conflict",
                found,
                "each input and number moved by one device",
            );
        }
    }

    /// Reads one `.ioconfig` file.
    fn io_config(&mut self, section: Option<&str>, raw: &RawTable, path: &Path) -> Option<IoConfig> {
        let document = match read_file(path) {
            Ok(document) => document,
            Err(unreadable) => {
                let place = match unreadable.text.is_empty() {
                    true => self.place_of_key(section, "io", raw),
                    false => Place {
                        source: SourceText::new(shown_path(path), unreadable.text),
                        span: unreadable.at..unreadable.at,
                    },
                };
                self.findings
                    .error(&place, unreadable.code, unreadable.found, unreadable.expected);
                return None;
            }
        };
        let source = SourceText::new(shown_path(path), document.as_str());
        let json = match serde_json::from_str(document.trim_start_matches('\u{feff}')) {
            Ok(json) => json,
            Err(error) => {
                let position = Position {
                    line: u32::try_from(error.line()).unwrap_or(u32::MAX),
                    column: u32::try_from(error.column()).unwrap_or(u32::MAX),
                };
                let place = place_of(&source, Some(position));
                let found = format!("a file that is no JSON: {error}");
                self.findings
                    .error(&place, "bad_value", found, "an .ioconfig file in JSON");
                return None;
            }
        };
        match IoConfig::from_json(&json) {
            Ok(config) => {
                for key in &config.ignored {
                    let place = place_of(&source, None);
                    let found = format!("`{key}` means nothing here");
                    self.findings
                        .warning(&place, "unknown_key", found, "a key of an .ioconfig file");
                }
                Some(config)
            }
            Err(errors) => {
                for error in errors {
                    let place = place_of(&source, None);
                    self.findings.error(
                        &place,
                        "bad_value",
                        format!("`{}`", error.key),
                        error.text.trim_start_matches("expected ").to_owned(),
                    );
                }
                None
            }
        }
    }

    /// Reads the places that keep their values. A program with mistakes of its own is told without those of its symbols.
    fn retain(&mut self, section: Option<&str>, raw: &RawTable, plc: &mut PlcConfig) {
        if plc.retain.is_empty() || plc.program_file.is_some() && plc.program.is_none() {
            return;
        }
        let program = plc.program.as_ref();
        let symbols = program.map(|program| program.logic.symbol_map()).unwrap_or_default();
        let symbol = |name: &str| symbols.get(&Symbol::new(name)?).copied();
        match RetainList::read(&plc.retain, symbol) {
            Ok(list) => plc.retain_list = Some(Arc::new(list)),
            Err(errors) => {
                let place = self.place_of_key(section, "retain", raw);
                for error in errors {
                    let text = plc.retain.get(error.index).map_or("", String::as_str);
                    let found = format!("`{text}` in `retain`: {error}");
                    let expected = "a place of B, N, T or C, such as \"N:0-9\", \"B:3/1\", \"T:*\" or a symbol";
                    self.findings
                        .error(&within(&place, text), "bad_address", found, expected);
                }
            }
        }
    }

    /// Reads the program of a context. What keeps it from running is an error; what is doubtful in it is kept apart.
    fn program(&mut self, section: Option<&str>, raw: &RawTable, plc: &mut PlcConfig) {
        let Some(file) = &plc.program_file else {
            if plc.autostart {
                let place = self.place_of_key(section, "autostart", raw);
                let found = "`autostart` without `program`";
                let expected = "a program that can be started";
                self.findings.error(&place, "missing_key", found, expected);
            }
            return;
        };
        let path = self.folder.join(file);
        let document = match read_file(&path) {
            Ok(document) => document,
            Err(unreadable) => {
                let place = match unreadable.text.is_empty() {
                    true => self.place_of_key(section, "program", raw),
                    false => Place {
                        source: SourceText::new(shown_path(&path), unreadable.text),
                        span: unreadable.at..unreadable.at,
                    },
                };
                self.findings
                    .error(&place, unreadable.code, unreadable.found, unreadable.expected);
                return;
            }
        };
        let source = SourceText::new(shown_path(&path), document.as_str());
        match Program::read(&document) {
            Ok(program) => {
                for doubt in &program.diagnostics {
                    let place = place_of(&source, doubt.place);
                    let expected = "a program without what is probably a slip; it runs as it is";
                    let findings = &mut self.program_findings;
                    findings.warning(&place, doubt.code.as_str(), found(doubt), expected);
                }
                plc.program = Some(Arc::new(program));
            }
            Err(diagnostics) => {
                for mistake in &diagnostics {
                    let place = place_of(&source, mistake.place);
                    let (code, expected) = (mistake.code.as_str(), "a program that can run");
                    // Those that would not keep it from running are told with those that do.
                    let add = match mistake.code.is_refusal() {
                        true => Findings::error,
                        false => Findings::warning,
                    };
                    add(&mut self.findings, &place, code, found(mistake), expected);
                }
                if !diagnostics.iter().any(|mistake| mistake.code.is_refusal()) {
                    let found = "a program that cannot be read";
                    let place = place_of(&source, None);
                    self.findings
                        .error(&place, "bad_value", found, "a program that can run");
                }
            }
        }
    }
}

/// The place of one text of a list.
fn within(list: &Place, text: &str) -> Place {
    let quoted = format!("\"{text}\"");
    let found = list
        .source
        .text
        .get(list.span.clone())
        .and_then(|all| all.find(&quoted));
    let span = found.map_or(list.span.clone(), |at| {
        let start = list.span.start + at;
        start..start + quoted.len()
    });
    Place {
        source: list.source.clone(),
        span,
    }
}

/// What was found, with the rung that it stands in.
fn found(diagnostic: &Diagnostic) -> String {
    match diagnostic.rung {
        Some(rung) => format!("rung {rung}: {}", diagnostic.text),
        None => diagnostic.text.clone(),
    }
}

/// The place of a line and a character, both counted from 1.
fn place_of(source: &SourceText, position: Option<Position>) -> Place {
    let at = position.map_or(0, |position| {
        let (before, column) = (
            position.line.saturating_sub(1) as usize,
            position.column.saturating_sub(1) as usize,
        );
        let mut lines = source.text.split_inclusive('\n');
        let start: usize = lines.by_ref().take(before).map(str::len).sum();
        let line = lines.next().unwrap_or_default();
        start + line.char_indices().nth(column).map_or(line.len(), |(at, _)| at)
    });
    Place {
        source: source.clone(),
        span: at..at,
    }
}
