//! An XML text becomes a tree with places, or is refused before it can hurt.
//!
//! A walk over the raw text looks for what would cost the parser more than its length: depth, many attributes in one element,
//! namespaces, document types. The parser itself reads nested elements in a loop and knows no entities without a document type.

use roxmltree::{Document, Node, ParsingOptions};

use super::{MAX_ATTRIBUTES, MAX_DOCUMENT_BYTES, MAX_NODES};
use crate::diagnostic::{Diagnostic, DiagnosticCode};
use crate::program::Position;

/// Bytes between two places whose line and column are known, so that a place costs no more than this.
const PLACE_STRIDE: usize = 256;

/// Parses a text with elements at most `max_depth` deep in each other.
///
/// # Errors
///
/// The one problem that ended it.
pub(super) fn parse(text: &str, max_depth: usize) -> Result<Document<'_>, Diagnostic> {
    if text.len() > MAX_DOCUMENT_BYTES {
        let words = format!(
            "expected a file of at most {MAX_DOCUMENT_BYTES} bytes, got {}",
            text.len()
        );
        return Err(problem(DiagnosticCode::TooLarge, None, words));
    }
    if let Err((code, at, words)) = (Walk {
        text,
        at: 0,
        depth: 0,
        max_depth,
    })
    .run()
    {
        return Err(problem(code, Some(Places::new(text).at(at)), words));
    }
    let options = ParsingOptions {
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, options).map_err(|error| {
        let place = error.pos();
        let place = Some(Position {
            line: place.row,
            column: place.col,
        });
        match error {
            roxmltree::Error::NodesLimitReached => {
                let words = format!("expected at most {MAX_NODES} elements and texts");
                problem(DiagnosticCode::TooLarge, None, words)
            }
            error => problem(DiagnosticCode::BadDocument, place, format!("expected XML: {error}")),
        }
    })
}

fn problem(code: DiagnosticCode, place: Option<Position>, text: String) -> Diagnostic {
    Diagnostic {
        code,
        rung: None,
        column: None,
        place,
        text,
    }
}

/// What is wrong, at which byte, in words.
type Refusal = (DiagnosticCode, usize, String);

/// Walks over the tags of a text without building anything.
struct Walk<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    max_depth: usize,
}

impl Walk<'_> {
    fn run(mut self) -> Result<(), Refusal> {
        while let Some(found) = self.text[self.at..].find('<') {
            self.at += found;
            let rest = &self.text[self.at..];
            if rest.starts_with("<!--") {
                self.skip("<!--", "-->");
            } else if rest.starts_with("<![CDATA[") {
                self.skip("<![CDATA[", "]]>");
            } else if rest.starts_with("<?") {
                self.skip("<?", "?>");
            } else if rest.starts_with("<!") {
                let words = "expected no document type: entities are not read; remove the DOCTYPE".to_owned();
                return Err((DiagnosticCode::BadDocument, self.at, words));
            } else if rest.starts_with("</") {
                self.depth = self.depth.saturating_sub(1);
                self.skip("</", ">");
            } else {
                self.tag()?;
            }
        }
        Ok(())
    }

    /// Goes on behind `end`, or to the end of the text, which the parser will complain about.
    fn skip(&mut self, start: &str, end: &str) {
        self.at += start.len();
        let rest = &self.text[self.at..];
        self.at += rest.find(end).map_or(rest.len(), |found| found + end.len());
    }

    fn tag(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let (mut quote, mut attributes, mut name) = (None, 0, start + 1);
        for at in start + 1..bytes.len() {
            match (quote, bytes[at]) {
                (Some(open), byte) => quote = quote.filter(|_| byte != open),
                (None, byte @ (b'"' | b'\'')) => quote = Some(byte),
                (None, b' ' | b'\t' | b'\r' | b'\n') => name = at + 1,
                (None, b'=') if bytes[name..at].starts_with(b"xmlns") => {
                    let words = "expected no declaration of a namespace: files of projects have none".to_owned();
                    return Err((DiagnosticCode::BadDocument, name, words));
                }
                (None, b'=') => attributes += 1,
                (None, b'>') => {
                    self.depth += usize::from(bytes[at - 1] != b'/');
                    self.at = at + 1;
                    return self.limits(start, attributes);
                }
                (None, _) => {}
            }
        }
        self.at = bytes.len();
        self.limits(start, attributes)
    }

    fn limits(&self, at: usize, attributes: usize) -> Result<(), Refusal> {
        let words = if self.depth > self.max_depth {
            format!("expected at most {} elements in each other", self.max_depth)
        } else if attributes > MAX_ATTRIBUTES {
            format!("expected at most {MAX_ATTRIBUTES} attributes of an element, got {attributes}")
        } else {
            return Ok(());
        };
        Err((DiagnosticCode::TooLarge, at, words))
    }
}

/// Lines and columns of a text.
pub(super) struct Places<'a> {
    text: &'a str,
    /// Line and column at every [`PLACE_STRIDE`]th byte, or at the first character behind it.
    known: Vec<(usize, Position)>,
}

impl Places<'_> {
    pub(super) fn new(text: &str) -> Places<'_> {
        let mut known = Vec::with_capacity(text.len() / PLACE_STRIDE + 1);
        let mut place = Position { line: 1, column: 1 };
        for (at, c) in text.char_indices() {
            if at >= known.len() * PLACE_STRIDE {
                known.push((at, place));
            }
            place = behind(place, c);
        }
        Places { text, known }
    }

    /// The place of a byte.
    pub(super) fn at(&self, byte: usize) -> Position {
        let number = self.known.partition_point(|(at, _)| *at <= byte);
        let Some((at, place)) = number.checked_sub(1).and_then(|number| self.known.get(number)) else {
            return Position { line: 1, column: 1 };
        };
        let between = self.text.get(*at..byte).unwrap_or_default();
        between.chars().fold(*place, behind)
    }

    /// The place of an element or a text.
    pub(super) fn of(&self, node: Node<'_, '_>) -> Position {
        self.at(node.range().start)
    }
}

fn behind(place: Position, c: char) -> Position {
    match c {
        '\n' => Position {
            line: place.line + 1,
            column: 1,
        },
        _ => Position {
            line: place.line,
            column: place.column + 1,
        },
    }
}
