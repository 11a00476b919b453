//! `.plcproj`: XML becomes a project (PL-70).

use roxmltree::Node;

use super::document::{Places, parse};
use super::kept::below;
use super::reader::{Reader, attribute, name_of, shown};
use super::{MAIN, MAX_ELEMENT_DEPTH, Project, RemoteConnection, Version};
use crate::address::{Address, Symbol};
use crate::diagnostic::Diagnostic;
use crate::program::{Program, SymbolEntry};
use crate::slots::assign_slots;

pub(super) const ROOT: &str = "PLCProject";

/// The sections of a project with their spellings; the first one is written.
pub(super) const SECTIONS: [&[&str]; 6] = [
    &["Metadata"],
    &["SymbolTable"],
    &["Programs"],
    &["WatchList"],
    &["RemoteConnection"],
    &["HmiFilePath", "HmiFile"],
];
pub(super) const METADATA: usize = 0;
pub(super) const SYMBOL_TABLE: usize = 1;
pub(super) const PROGRAMS: usize = 2;
pub(super) const WATCH_LIST: usize = 3;
pub(super) const REMOTE_CONNECTION: usize = 4;
pub(super) const HMI_PATH: usize = 5;

/// What stands in `Metadata` and is understood.
pub(super) const METADATA_TEXTS: [&[&str]; 2] = [&["Name"], &["Description"]];
/// What stands in `RemoteConnection`.
pub(super) const REMOTE_TEXTS: [&[&str]; 4] = [&["Host"], &["Port"], &["ContextId"], &["ContextName"]];
/// The spellings of an entry of the watch list; the first one is written.
pub(super) const WATCH_ENTRY: [&str; 2] = ["WatchEntry", "Watch"];

/// Reads a project. Decorators without a slot have one afterwards, as the original assigns them ([`assign_slots`]).
///
/// Versions 2.0 to 3.x are read; what is not understood is kept, and told as a warning in [`Project::warnings`]. The program of
/// type `Main` is taken, or else the first one; others are kept and do not run.
///
/// # Errors
///
/// All problems of the file with their places, at most 1000; those of the XML itself one at a time. Operands are not looked at:
/// compiling does that.
pub fn read_project(text: &str) -> Result<Project, Vec<Diagnostic>> {
    let document = parse(text, MAX_ELEMENT_DEPTH).map_err(|problem| vec![problem])?;
    let places = Places::new(text);
    let mut reader = Reader::new(&places);
    let root = document.root_element();
    if name_of(root) != ROOT {
        let text = format!("expected `{ROOT}` as the root element, got `{}`", shown(name_of(root)));
        reader.problem(reader.place(root), text);
        return Err(reader.problems);
    }
    reader.project(root)
}

impl Reader<'_> {
    /// Reads a `PLCProject` element with this reader, which must be fresh.
    pub(super) fn project(mut self, root: Node<'_, '_>) -> Result<Project, Vec<Diagnostic>> {
        self.attributes(root, &[], &["version"]);
        let version = self.version(root).unwrap_or(Version::WRITTEN);
        let mut project = Project {
            version: version.max(Version::WRITTEN),
            name: None,
            program_type: MAIN.to_owned(),
            ..Project::new(Program::default())
        };
        let mut has_program = false;
        for (number, section) in self.sections(root, &[], &SECTIONS) {
            let path = [number as u32];
            match number {
                METADATA => self.metadata(section, &mut project),
                SYMBOL_TABLE => project.program.symbols = self.symbols(section),
                PROGRAMS => has_program = self.programs(section, &mut project),
                WATCH_LIST => project.watch_list = self.watch_list(section),
                REMOTE_CONNECTION => project.remote = Some(self.remote(section)),
                _ => {
                    self.spelling(section, &path, SECTIONS[HMI_PATH]);
                    project.hmi_path = Some(self.text(section, &path));
                }
            }
        }
        if !has_program {
            self.warning(self.place(root), "the project has no program");
        }
        (project.kept, project.warnings) = self.finish()?;
        assign_slots(&mut project.program);
        Ok(project)
    }

    /// The version of the file; a problem is told when there is none that can be read.
    fn version(&mut self, root: Node<'_, '_>) -> Option<Version> {
        let place = self.place_of(root, "version");
        let Some(text) = attribute(root, "version") else {
            let text = format!("expected `version` such as {} in `{ROOT}`", Version::WRITTEN);
            self.problem(place, text);
            return None;
        };
        let Some(version) = Version::parse(text) else {
            let text = format!("expected a version such as {}, got `{}`", Version::WRITTEN, shown(text));
            self.problem(place, text);
            return None;
        };
        let (oldest, newest) = (Version::OLDEST, Version::WRITTEN);
        if version < oldest || version.major > newest.major {
            let text = format!(
                "expected a version from {oldest} to {newest} or a later {}.x, got {version}",
                newest.major
            );
            self.problem(place, text);
        } else if version > newest {
            let text = format!("version {version} is newer than {newest}: what is new in it is kept and does nothing");
            self.warning(place, text);
        }
        Some(version)
    }

    /// Remembers how an element is spelled, when it is not the way in which it is written.
    pub(super) fn spelling(&mut self, node: Node<'_, '_>, path: &[u32], spellings: &[&str]) {
        let name = name_of(node);
        if spellings.first() != Some(&name) {
            self.kept.add_name(path, name);
        }
    }

    fn metadata(&mut self, section: Node<'_, '_>, project: &mut Project) {
        let path = [METADATA as u32];
        self.attributes(section, &path, &[]);
        for (number, node) in self.sections(section, &path, &METADATA_TEXTS) {
            let text = Some(self.text(node, &below(&path, number)));
            match number {
                0 => project.name = text,
                _ => project.description = text,
            }
        }
    }

    fn symbols(&mut self, section: Node<'_, '_>) -> Vec<SymbolEntry> {
        let path = [SYMBOL_TABLE as u32];
        self.attributes(section, &path, &[]);
        let mut entries = Vec::new();
        let mut names = std::collections::HashSet::new();
        for (number, node) in self.list(section, &path, &["Symbol"]).into_iter().enumerate() {
            let path = below(&path, number);
            self.attributes(node, &path, &["name", "address", "type", "description"]);
            self.list(node, &path, &[]);
            let Some(entry) = self.symbol(node) else { continue };
            if !names.insert(entry.name.clone()) {
                let text = format!("symbol `{}` stands twice: give one of them another name", entry.name);
                self.problem(self.place_of(node, "name"), text);
            }
            entries.push(entry);
        }
        entries
    }

    fn symbol(&mut self, node: Node<'_, '_>) -> Option<SymbolEntry> {
        let written = attribute(node, "name").unwrap_or_default();
        let name = Symbol::new(written);
        if name.is_none() {
            let text = format!("expected a name of letters, digits and `_`, got `{}`", shown(written));
            self.problem(self.place_of(node, "name"), text);
        }
        let address = Address::parse(attribute(node, "address").unwrap_or_default());
        if let Err(error) = &address {
            let text = format!("symbol `{}`: {error}", shown(written));
            self.problem(self.place_of(node, "address"), text);
        }
        let text = |name| node.attribute(name).unwrap_or_default().to_owned();
        Some(SymbolEntry {
            name: name?,
            address: address.ok()?,
            data_type: text("type"),
            description: text("description"),
            place: Some(self.place(node)),
        })
    }

    /// Takes the program that runs; whether there is one.
    fn programs(&mut self, section: Node<'_, '_>, project: &mut Project) -> bool {
        let path = [PROGRAMS as u32];
        self.attributes(section, &path, &[]);
        let is_program = |node: &Node<'_, '_>| name_of(*node) == "Program";
        let is_main =
            |node: &Node<'_, '_>| attribute(*node, "type").is_some_and(|text| text.eq_ignore_ascii_case(MAIN));
        let programs = || section.children().filter(is_program);
        let chosen = programs().find(is_main).or_else(|| programs().next());
        let mut before = 0;
        for node in section.children() {
            if Some(node) == chosen {
                before = 1;
                self.program(node, project);
                continue;
            }
            if !is_program(&node) {
                self.keep(node, &path, before);
            } else {
                self.keep_silently(node, &path, before);
                let name = shown(attribute(node, "name").unwrap_or_default());
                self.warning(
                    self.place(node),
                    format!("program `{name}` is not the main one: it does not run"),
                );
            }
        }
        chosen.is_some()
    }

    fn program(&mut self, node: Node<'_, '_>, project: &mut Project) {
        let path = [PROGRAMS as u32, 0];
        self.attributes(node, &path, &["name", "type"]);
        project.program.name = node.attribute("name").unwrap_or_default().to_owned();
        if let Some(text) = node.attribute("type").filter(|text| !text.is_empty()) {
            project.program_type = text.to_owned();
        }
        for (_, rungs) in self.sections(node, &path, &[&["Rungs"]]) {
            let path = below(&path, 0);
            self.attributes(rungs, &path, &[]);
            self.misplaced(rungs, &["Rung"]);
            for (number, rung) in self.list(rungs, &path, &["Rung"]).into_iter().enumerate() {
                let rung = self.rung(rung, number, &below(&path, number));
                project.program.rungs.push(rung);
            }
        }
    }

    fn watch_list(&mut self, section: Node<'_, '_>) -> Vec<String> {
        let path = [WATCH_LIST as u32];
        self.attributes(section, &path, &[]);
        let mut addresses = Vec::new();
        for (number, node) in self.list(section, &path, &WATCH_ENTRY).into_iter().enumerate() {
            let path = below(&path, number);
            self.spelling(node, &path, &WATCH_ENTRY);
            self.attributes(node, &path, &["address"]);
            self.list(node, &path, &[]);
            addresses.push(node.attribute("address").unwrap_or_default().to_owned());
        }
        if addresses.is_empty() {
            self.kept.note(&path);
        }
        addresses
    }

    fn remote(&mut self, section: Node<'_, '_>) -> RemoteConnection {
        let path = [REMOTE_CONNECTION as u32];
        self.attributes(section, &path, &[]);
        let mut remote = RemoteConnection::default();
        for (number, node) in self.sections(section, &path, &REMOTE_TEXTS) {
            let text = Some(self.text(node, &below(&path, number)));
            match number {
                0 => remote.host = text,
                1 => remote.port = text,
                2 => remote.context_id = text,
                _ => remote.context_name = text,
            }
        }
        remote
    }
}
