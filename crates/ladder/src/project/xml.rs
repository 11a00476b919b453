//! XML as it is written: a tree of elements, printed in the spelling of the original's files.
//!
//! Two spaces per level, attributes in double quotes, one element per line. An element that holds nothing but text stands in
//! one line with it.

/// The first line of every file.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const INDENT: &str = "  ";

/// An element with what stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct XmlElement {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<XmlNode>,
}

/// What stands in an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum XmlNode {
    Element(XmlElement),
    Text(String),
    Comment(String),
    /// A processing instruction, without its `<?` and `?>`.
    Processing(String),
}

impl XmlElement {
    pub(super) fn new(name: &str) -> XmlElement {
        XmlElement {
            name: name.to_owned(),
            attributes: Vec::new(),
            children: Vec::new(),
        }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> XmlElement {
        self.attributes.push((name.to_owned(), value.into()));
        self
    }

    /// Adds an attribute unless its value is empty.
    pub(super) fn with_text(self, name: &str, value: &str) -> XmlElement {
        match value {
            "" => self,
            value => self.with(name, value),
        }
    }

    pub(super) fn push(&mut self, child: XmlElement) {
        self.children.push(XmlNode::Element(child));
    }

    /// The text of a file with this element as its root.
    pub(super) fn to_document(&self) -> String {
        let mut text = DECLARATION.to_owned();
        self.print(&mut text, 0);
        text.push('\n');
        text
    }

    fn print(&self, text: &mut String, level: usize) {
        text.push('<');
        text.push_str(&self.name);
        for (name, value) in &self.attributes {
            text.push(' ');
            text.push_str(name);
            text.push_str("=\"");
            escape(text, value, true);
            text.push('"');
        }
        match self.children.as_slice() {
            [] => text.push_str("/>"),
            [XmlNode::Text(inner)] => {
                text.push('>');
                escape(text, inner, false);
                self.close(text);
            }
            children => {
                text.push('>');
                for child in children {
                    new_line(text, level + 1);
                    match child {
                        XmlNode::Element(element) => element.print(text, level + 1),
                        XmlNode::Text(inner) => escape(text, inner, false),
                        XmlNode::Comment(inner) => text.extend(["<!--", inner, "-->"]),
                        XmlNode::Processing(inner) => text.extend(["<?", inner, "?>"]),
                    }
                }
                new_line(text, level);
                self.close(text);
            }
        }
    }

    fn close(&self, text: &mut String) {
        text.push_str("</");
        text.push_str(&self.name);
        text.push('>');
    }
}

fn new_line(text: &mut String, level: usize) {
    text.push('\n');
    (0..level).for_each(|_| text.push_str(INDENT));
}

/// Adds a text so that reading gives it back. Characters that XML cannot hold become U+FFFD: the text form may bring them.
fn escape(text: &mut String, value: &str, is_attribute: bool) {
    for c in value.chars() {
        match c {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            '"' => text.push_str("&quot;"),
            // Readers turn a plain carriage return into a line feed, and in attributes all three into spaces.
            '\r' => text.push_str("&#13;"),
            '\n' if is_attribute => text.push_str("&#10;"),
            '\t' if is_attribute => text.push_str("&#9;"),
            '\n' | '\t' => text.push(c),
            c if c < ' ' || matches!(c, '\u{FFFE}' | '\u{FFFF}') => text.push('\u{FFFD}'),
            c => text.push(c),
        }
    }
}
