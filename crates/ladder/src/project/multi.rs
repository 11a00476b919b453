//! `.mplcproj`: several contexts, each with its program, and routes between them (PL-71).
//!
//! The spelling of routes is not public. They are written as `Routes/Route` with the field names of the protocol (PL-20) as
//! attributes, and read in any case, as attributes or as elements.

use roxmltree::Node;

use super::document::{Places, parse};
use super::kept::below;
use super::read::ROOT as PROJECT;
use super::reader::{Reader, attribute, attributes, name_of, shown};
use super::write;
use super::xml::{XmlElement, XmlNode};
use super::{Kept, MAX_ELEMENT_DEPTH, Project, Version};
use crate::diagnostic::Diagnostic;

const ROOT: &str = "MultiPLCProject";
/// How many elements stand around a project.
const PROJECT_DEPTH: usize = 4;
/// Contexts of one file, as many as an engine may have (PL-21).
const MAX_CONTEXTS: usize = 64;
/// Routes of one file. More are refused.
const MAX_ROUTES: usize = 10_000;
/// How often a route moves its value when a file does not say, in milliseconds.
const DEFAULT_INTERVAL_MS: u32 = 50;

const SECTIONS: [&[&str]; 2] = [&["Contexts"], &["Routes"]];
const CONTEXTS: usize = 0;
const ROUTES: usize = 1;
const CONTEXT_PARTS: [&[&str]; 2] = [&["FilePath"], &["Program"]];

/// Several contexts and the routes between them: what a `.mplcproj` file holds (PL-71).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultiProject {
    /// The version of the file. Its history is not public: any is read and written again.
    pub version: Version,
    /// The id of the context that an editor shows first, as it was written.
    pub active_context: Option<String>,
    /// The contexts; each id stands once.
    pub contexts: Vec<Context>,
    /// Whether routes move values.
    pub routes_enabled: bool,
    /// The routes, in the order in which they are executed.
    pub routes: Vec<Route>,
    /// Everything else in the file. What the projects inside hold is kept there.
    pub kept: Kept,
    /// What reading found doubtful, that of the projects inside first. It is not written.
    pub warnings: Vec<Diagnostic>,
}

/// One PLC of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Its id, not empty.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The `.plcproj` file that it came from, as it was written. Nothing here opens it.
    pub file_path: Option<String>,
    /// Its project, when the file holds it.
    pub project: Option<Project>,
}

/// A route from an address of one context to one of another (PL-20). Addresses are as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its id; `route-N` when the file has none, N counted from 1.
    pub route_id: String,
    /// The id of the context that is read.
    pub src_context: String,
    /// The address that is read.
    pub src_address: String,
    /// The id of the context that is written.
    pub dst_context: String,
    /// The address that is written.
    pub dst_address: String,
    /// The number that the original gives to the type; it decides nothing.
    pub data_type: i32,
    /// Whether it moves values.
    pub enabled: bool,
    /// How often, in milliseconds.
    pub interval_ms: u32,
    /// What it is for.
    pub description: String,
}

impl MultiProject {
    /// Forgets places and warnings: two readings of the same file are equal then.
    pub fn without_places(mut self) -> MultiProject {
        let contexts = self.contexts.into_iter().map(|context| Context {
            project: context.project.map(Project::without_places),
            ..context
        });
        self.contexts = contexts.collect();
        self.warnings = Vec::new();
        self
    }

    /// The text of the file. [`read_multi_project`] gives the same back.
    pub fn write(&self) -> String {
        let kept = &self.kept;
        let root = XmlElement::new(ROOT).with("version", self.version.to_string());
        let mut list = XmlElement::new(SECTIONS[CONTEXTS][0]);
        if let Some(id) = &self.active_context {
            list = list.with("activeContext", id.as_str());
        }
        let contexts = self.contexts.iter().enumerate().map(|(number, context)| {
            let path = [CONTEXTS as u32, number as u32];
            (number, context.to_xml(kept, &path))
        });
        let mut sections = vec![(CONTEXTS, kept.complete(&[CONTEXTS as u32], list, contexts))];
        let path = [ROUTES as u32];
        if !self.routes.is_empty() || !self.routes_enabled || kept.has(&path) {
            let list = XmlElement::new(SECTIONS[ROUTES][0]).with("enabled", self.routes_enabled.to_string());
            let routes = self.routes.iter().enumerate();
            let routes =
                routes.map(|(number, route)| (number, kept.complete(&below(&path, number), route.to_xml(), [])));
            sections.push((ROUTES, kept.complete(&path, list, routes)));
        }
        kept.complete(&[], root, sections).to_document()
    }
}

impl Context {
    fn to_xml(&self, kept: &Kept, path: &[u32]) -> XmlElement {
        let element = XmlElement::new("Context")
            .with("id", self.id.as_str())
            .with("name", self.name.as_str());
        let mut parts = Vec::new();
        if let Some(file) = &self.file_path {
            let mut part = kept.complete(&below(path, 0), XmlElement::new("FilePath"), []);
            if !file.is_empty() {
                part.children.insert(0, XmlNode::Text(file.clone()));
            }
            parts.push((0, part));
        }
        let path_of_program = below(path, 1);
        if self.project.is_some() || kept.has(&path_of_program) {
            let project = self.project.as_ref().map(|project| (0, write::project(project)));
            parts.push((1, kept.complete(&path_of_program, XmlElement::new("Program"), project)));
        }
        kept.complete(path, element, parts)
    }
}

impl Route {
    fn to_xml(&self) -> XmlElement {
        XmlElement::new("Route")
            .with("routeId", self.route_id.as_str())
            .with("srcContext", self.src_context.as_str())
            .with("srcAddress", self.src_address.as_str())
            .with("dstContext", self.dst_context.as_str())
            .with("dstAddress", self.dst_address.as_str())
            .with("dataType", self.data_type.to_string())
            .with("enabled", self.enabled.to_string())
            .with("intervalMs", self.interval_ms.to_string())
            .with_text("description", &self.description)
    }
}

/// Reads a project of several contexts.
///
/// # Errors
///
/// All problems of the file with their places, those of the projects inside among them.
pub fn read_multi_project(text: &str) -> Result<MultiProject, Vec<Diagnostic>> {
    let document = parse(text, MAX_ELEMENT_DEPTH + PROJECT_DEPTH).map_err(|problem| vec![problem])?;
    let places = Places::new(text);
    let mut reader = Reader::new(&places);
    let root = document.root_element();
    if name_of(root) != ROOT {
        let text = format!("expected `{ROOT}` as the root element, got `{}`", shown(name_of(root)));
        reader.problem(reader.place(root), text);
        return Err(reader.problems);
    }
    reader.attributes(root, &[], &["version"]);
    let version = attribute(root, "version").and_then(Version::parse);
    if version.is_none() {
        let text = format!("expected `version` such as 1.0 in `{ROOT}`");
        reader.problem(reader.place_of(root, "version"), text);
    }
    let mut project = MultiProject {
        version: version.unwrap_or(Version { major: 1, minor: 0 }),
        active_context: None,
        contexts: Vec::new(),
        routes_enabled: true,
        routes: Vec::new(),
        kept: Kept::default(),
        warnings: Vec::new(),
    };
    for (number, section) in reader.sections(root, &[], &SECTIONS) {
        match number {
            CONTEXTS => reader.contexts(section, &places, &mut project),
            _ => reader.routes(section, &mut project),
        }
    }
    let (kept, warnings) = reader.finish()?;
    project.kept = kept;
    project.warnings.extend(warnings);
    Ok(project)
}

impl Reader<'_> {
    fn contexts(&mut self, section: Node<'_, '_>, places: &Places<'_>, project: &mut MultiProject) {
        let path = [CONTEXTS as u32];
        self.attributes(section, &path, &["activeContext"]);
        project.active_context = section.attribute("activeContext").map(str::to_owned);
        for (number, node) in self.list(section, &path, &["Context"]).into_iter().enumerate() {
            if number == MAX_CONTEXTS {
                self.problem(self.place(node), format!("expected at most {MAX_CONTEXTS} contexts"));
                return;
            }
            let context = self.context(node, &below(&path, number), places, &mut project.warnings);
            if project.contexts.iter().any(|earlier| earlier.id == context.id) {
                let text = format!(
                    "context `{}` stands twice: give one of them another id",
                    shown(&context.id)
                );
                self.problem(self.place_of(node, "id"), text);
            }
            project.contexts.push(context);
        }
    }

    fn context(
        &mut self,
        node: Node<'_, '_>,
        path: &[u32],
        places: &Places<'_>,
        warnings: &mut Vec<Diagnostic>,
    ) -> Context {
        self.attributes(node, path, &["id", "name"]);
        let text = |name| node.attribute(name).unwrap_or_default().to_owned();
        let mut context = Context {
            id: text("id"),
            name: text("name"),
            file_path: None,
            project: None,
        };
        if context.id.is_empty() {
            self.problem(self.place_of(node, "id"), "expected an `id` in `Context`");
        }
        for (number, part) in self.sections(node, path, &CONTEXT_PARTS) {
            let path = below(path, number);
            if number == 0 {
                context.file_path = Some(self.text(part, &path));
                continue;
            }
            self.attributes(part, &path, &[]);
            let found = self.sections(part, &path, &[&[PROJECT]]);
            let Some((_, root)) = found.first() else {
                self.kept.note(&path);
                continue;
            };
            match Reader::new(places).project(*root) {
                Ok(mut inner) => {
                    warnings.append(&mut inner.warnings);
                    context.project = Some(inner);
                }
                Err(problems) => self.problems.extend(problems),
            }
        }
        context
    }

    fn routes(&mut self, section: Node<'_, '_>, project: &mut MultiProject) {
        let path = [ROUTES as u32];
        self.attributes(section, &path, &["enabled"]);
        project.routes_enabled = match attribute(section, "enabled") {
            Some(text) => self.flag(section, "enabled", text),
            None => true,
        };
        for (number, node) in self.list(section, &path, &["Route"]).into_iter().enumerate() {
            if number == MAX_ROUTES {
                self.problem(self.place(node), format!("expected at most {MAX_ROUTES} routes"));
                return;
            }
            let route = self.route(node, number, &below(&path, number));
            project.routes.push(route);
        }
        if project.routes.is_empty() {
            self.kept.note(&path);
        }
    }

    fn route(&mut self, node: Node<'_, '_>, number: usize, path: &[u32]) -> Route {
        let mut route = Route {
            route_id: String::new(),
            src_context: String::new(),
            src_address: String::new(),
            dst_context: String::new(),
            dst_address: String::new(),
            data_type: 0,
            enabled: true,
            interval_ms: DEFAULT_INTERVAL_MS,
            description: String::new(),
        };
        for (name, value) in attributes(node) {
            if !self.field(&mut route, node, name, value) {
                self.kept.add_attribute(path, name, value);
            }
        }
        for child in node.children() {
            let text = child.text().unwrap_or_default();
            let is_plain =
                child.is_element() && child.attributes().len() == 0 && child.children().all(|inner| inner.is_text());
            if !(is_plain && self.field(&mut route, child, name_of(child), text)) {
                self.keep(child, path, 0);
            }
        }
        if route.route_id.is_empty() {
            route.route_id = format!("route-{}", number + 1);
        }
        route
    }

    /// Takes a field of a route; whether it is one.
    fn field(&mut self, route: &mut Route, node: Node<'_, '_>, name: &str, value: &str) -> bool {
        let text = match name.to_ascii_lowercase().as_str() {
            "routeid" | "id" => &mut route.route_id,
            "srccontext" => &mut route.src_context,
            "srcaddress" => &mut route.src_address,
            "dstcontext" => &mut route.dst_context,
            "dstaddress" => &mut route.dst_address,
            "description" => &mut route.description,
            // A type in words becomes 0, as in the original.
            "datatype" => {
                route.data_type = value.trim().parse().unwrap_or(0);
                return true;
            }
            "enabled" => {
                route.enabled = self.flag(node, name, value);
                return true;
            }
            "intervalms" => {
                match value.trim().parse() {
                    Ok(interval) => route.interval_ms = interval,
                    Err(_) => {
                        let text = format!("expected milliseconds in `{name}`, got `{}`", shown(value));
                        self.problem(self.place_of(node, name), text);
                    }
                }
                return true;
            }
            _ => return false,
        };
        value.clone_into(text);
        true
    }

    fn flag(&mut self, node: Node<'_, '_>, name: &str, value: &str) -> bool {
        match value.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => true,
            "false" | "0" => false,
            _ => {
                let text = format!("expected true or false in `{}`, got `{}`", shown(name), shown(value));
                self.problem(self.place_of(node, name), text);
                true
            }
        }
    }
}
