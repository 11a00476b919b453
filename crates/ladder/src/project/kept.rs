//! What a file holds beyond what is understood, kept so that it is written again where it stood.

use std::collections::BTreeMap;

use super::xml::{XmlElement, XmlNode};

/// Where an understood element stands: a number per level, from the root.
pub(super) type Path = Vec<u32>;

/// The path of a child.
pub(super) fn below(path: &[u32], number: usize) -> Path {
    let mut below = path.to_vec();
    below.push(number as u32);
    below
}

/// Elements, attributes, texts and comments of a file that mean nothing to this version, by the place where they stood.
///
/// They are written again beside the same neighbours, counted by number: after a rung is put in before it, what was kept at a
/// rung stands at the one that now has its number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    parts: BTreeMap<Path, KeptPart>,
}

/// What is kept at one understood element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct KeptPart {
    /// Its name, when the file used the other spelling.
    name: Option<String>,
    attributes: Vec<(String, String)>,
    /// Each with the number of the understood child before which it stands.
    children: Vec<(u32, XmlNode)>,
}

impl Kept {
    /// Whether the file held nothing that is not understood.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether something is kept at this element, be it only that the file has it.
    pub(super) fn has(&self, path: &[u32]) -> bool {
        self.parts.contains_key(path)
    }

    /// Remembers that the file has this element, though it holds nothing.
    pub(super) fn note(&mut self, path: &[u32]) {
        self.parts.entry(path.to_vec()).or_default();
    }

    pub(super) fn add_name(&mut self, path: &[u32], name: &str) {
        self.parts.entry(path.to_vec()).or_default().name = Some(name.to_owned());
    }

    pub(super) fn add_attribute(&mut self, path: &[u32], name: &str, value: &str) {
        let part = self.parts.entry(path.to_vec()).or_default();
        part.attributes.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn add_child(&mut self, path: &[u32], before: usize, node: XmlNode) {
        let children = &mut self.parts.entry(path.to_vec()).or_default().children;
        // Texts beside each other, once what parted them is written elsewhere, would be read as one.
        if let (XmlNode::Text(text), Some((number, XmlNode::Text(earlier)))) = (&node, children.last_mut())
            && *number == before as u32
        {
            earlier.push(' ');
            earlier.push_str(text);
            return;
        }
        children.push((before as u32, node));
    }

    /// Completes an element that is to be written. `children` are the understood ones with their numbers, ascending.
    pub(super) fn complete(
        &self,
        path: &[u32],
        mut element: XmlElement,
        children: impl IntoIterator<Item = (usize, XmlElement)>,
    ) -> XmlElement {
        let empty = KeptPart::default();
        let part = self.parts.get(path).unwrap_or(&empty);
        if let Some(name) = &part.name {
            element.name.clone_from(name);
        }
        element.attributes.extend(part.attributes.iter().cloned());
        let mut kept = part.children.iter().peekable();
        for (number, child) in children {
            while let Some((_, node)) = kept.next_if(|(before, _)| *before as usize <= number) {
                element.children.push(node.clone());
            }
            element.push(child);
        }
        element.children.extend(kept.map(|(_, node)| node.clone()));
        element
    }
}
