//! What the readers of all files share: attributes, children, problems, and what is kept.

use roxmltree::{Attribute, Node};

use super::MAX_PROBLEMS;
use super::document::Places;
use super::kept::Kept;
use super::xml::{XmlElement, XmlNode};
use crate::diagnostic::{Diagnostic, DiagnosticCode};
use crate::program::Position;

/// How much of an unexpected word a complaint repeats.
const SHOWN_CHARS: usize = 32;

/// A word of a file as a complaint repeats it.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

/// Reads one file.
pub(super) struct Reader<'a> {
    places: &'a Places<'a>,
    pub(super) problems: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    pub(super) kept: Kept,
    /// The rung that is being read.
    pub(super) rung: Option<u32>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(places: &'a Places<'a>) -> Reader<'a> {
        Reader {
            places,
            problems: Vec::new(),
            warnings: Vec::new(),
            kept: Kept::default(),
            rung: None,
        }
    }

    pub(super) fn place(&self, node: Node<'_, '_>) -> Position {
        self.places.of(node)
    }

    /// Where the value of an attribute stands; the element when it has none.
    pub(super) fn place_of(&self, node: Node<'_, '_>, attribute: &str) -> Position {
        match plain_attribute(node, attribute) {
            Some(attribute) => self.places.at(attribute.range_value().start),
            None => self.place(node),
        }
    }

    pub(super) fn problem(&mut self, place: Position, text: impl Into<String>) {
        self.tell(DiagnosticCode::BadDocument, None, place, text.into());
    }

    pub(super) fn problem_in(&mut self, column: u32, place: Position, text: impl Into<String>) {
        self.tell(DiagnosticCode::BadDocument, Some(column), place, text.into());
    }

    pub(super) fn warning(&mut self, place: Position, text: impl Into<String>) {
        self.tell(DiagnosticCode::IgnoredPart, None, place, text.into());
    }

    fn tell(&mut self, code: DiagnosticCode, column: Option<u32>, place: Position, text: String) {
        let list = match code.is_refusal() {
            true => &mut self.problems,
            false => &mut self.warnings,
        };
        if list.len() < MAX_PROBLEMS {
            list.push(Diagnostic {
                code,
                rung: self.rung,
                column,
                place: Some(place),
                text,
            });
        }
    }

    /// Keeps the attributes that are not in `known`.
    pub(super) fn attributes(&mut self, node: Node<'_, '_>, path: &[u32], known: &[&str]) {
        for (name, value) in attributes(node) {
            if !known.contains(&name) {
                self.kept.add_attribute(path, name, value);
            }
        }
    }

    /// The children with these names, each with the number of its name, which may stand once. The others are kept.
    pub(super) fn sections<'n, 'i>(
        &mut self,
        node: Node<'n, 'i>,
        path: &[u32],
        names: &[&[&str]],
    ) -> Vec<(usize, Node<'n, 'i>)> {
        let mut found: Vec<(usize, Node<'n, 'i>)> = Vec::new();
        let mut before = 0;
        for child in node.children() {
            let number = names.iter().position(|names| names.contains(&name_of(child)));
            match number {
                Some(number) if found.iter().any(|(earlier, _)| *earlier == number) => {
                    let text = format!("expected one `{}`, got another", name_of(child));
                    self.problem(self.place(child), text);
                }
                Some(number) => {
                    found.push((number, child));
                    before = before.max(number + 1);
                }
                None => self.keep(child, path, before),
            }
        }
        found
    }

    /// The children with these names, in their order. The others are kept.
    pub(super) fn list<'n, 'i>(&mut self, node: Node<'n, 'i>, path: &[u32], names: &[&str]) -> Vec<Node<'n, 'i>> {
        let mut found = Vec::new();
        for child in node.children() {
            match names.contains(&name_of(child)) {
                true => found.push(child),
                false => self.keep(child, path, found.len()),
            }
        }
        found
    }

    /// Keeps a child that is not understood, and says so. White space between elements is no content.
    pub(super) fn keep(&mut self, child: Node<'_, '_>, path: &[u32], before: usize) {
        let is_blank = child.is_text() && child.text().unwrap_or_default().trim().is_empty();
        if child.is_element() || (child.is_text() && !is_blank) {
            let what = match child.is_element() {
                true => format!("`{}`", shown(name_of(child))),
                false => "text".to_owned(),
            };
            let text = format!("{what} means nothing here: it is kept and does nothing");
            self.warning(self.place(child), text);
        }
        self.keep_silently(child, path, before);
    }

    /// The same without a word.
    pub(super) fn keep_silently(&mut self, child: Node<'_, '_>, path: &[u32], before: usize) {
        if let Some(kept) = xml_node(child, true) {
            self.kept.add_child(path, before, kept);
        }
    }

    /// What was found, in the order of the file: the problems when there are some, or else what is kept and the warnings.
    pub(super) fn finish(mut self) -> Result<(Kept, Vec<Diagnostic>), Vec<Diagnostic>> {
        self.problems.sort_by_key(|problem| problem.place);
        self.warnings.sort_by_key(|warning| warning.place);
        match self.problems.is_empty() {
            true => Ok((self.kept, self.warnings)),
            false => Err(self.problems),
        }
    }

    /// The text of an element that holds nothing else; what else it holds is kept, and blanks beside it do not count.
    pub(super) fn text(&mut self, node: Node<'_, '_>, path: &[u32]) -> String {
        self.attributes(node, path, &[]);
        let mut text = String::new();
        let mut is_alone = true;
        for child in node.children() {
            if child.is_text() {
                text.push_str(child.text().unwrap_or_default());
            } else {
                is_alone = false;
                self.keep(child, path, 0);
            }
        }
        match is_alone {
            true => text,
            false => text.trim().to_owned(),
        }
    }
}

/// The name of an element as it is written, its prefix included; empty for texts and comments.
pub(super) fn name_of<'i>(node: Node<'_, 'i>) -> &'i str {
    if !node.is_element() {
        return "";
    }
    let text = node.document().input_text().get(node.range()).unwrap_or_default();
    let name = text.get(1..).unwrap_or_default();
    let end = name.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>'));
    &name[..end.unwrap_or(name.len())]
}

fn plain_attribute<'n, 'i>(node: Node<'n, 'i>, name: &str) -> Option<Attribute<'n, 'i>> {
    node.attributes()
        .find(|attribute| attribute.namespace().is_none() && attribute.name() == name)
}

/// The value of an attribute, without the blanks around it.
pub(super) fn attribute<'n>(node: Node<'n, '_>, name: &str) -> Option<&'n str> {
    plain_attribute(node, name).map(|attribute| attribute.value().trim())
}

/// All attributes with their names as they are written. Declarations of namespaces do not get here.
pub(super) fn attributes<'n>(node: Node<'n, '_>) -> impl Iterator<Item = (&'n str, &'n str)> {
    let text = node.document().input_text();
    node.attributes()
        .map(|attribute| (text.get(attribute.range_qname()).unwrap_or_default(), attribute.value()))
}

/// A node as it is kept, or `None` when nothing of it is. `is_between` says that it stands between elements, where blanks around
/// texts do not count. Elements stand in each other as deep as the walk over the text allows.
fn xml_node(node: Node<'_, '_>, is_between: bool) -> Option<XmlNode> {
    if node.is_comment() {
        return Some(XmlNode::Comment(node.text().unwrap_or_default().to_owned()));
    }
    if node.is_text() {
        let text = node.text().unwrap_or_default();
        let text = if is_between { text.trim() } else { text };
        return (!text.is_empty()).then(|| XmlNode::Text(text.to_owned()));
    }
    if let Some(processing) = node.pi() {
        let value = processing.value.map(|value| format!(" {value}")).unwrap_or_default();
        return Some(XmlNode::Processing(format!("{}{value}", processing.target)));
    }
    let is_between = node.children().any(|child| !child.is_text());
    Some(XmlNode::Element(XmlElement {
        name: name_of(node).to_owned(),
        attributes: attributes(node)
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        children: node
            .children()
            .filter_map(|child| xml_node(child, is_between))
            .collect(),
    }))
}
