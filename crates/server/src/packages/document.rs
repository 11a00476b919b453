//! JSON whose values know where they stand, so that a wrong field is told with its line and column (SI-53).
//!
//! A value stays the piece of text that it is until somebody asks for more: the text is checked once as a whole, and each
//! object is taken apart when its fields are wanted.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Line and column, both counted from 1, the column in characters.
pub(super) type Position = (usize, usize);

/// Something that cannot be read, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) at: Position,
    pub(super) text: String,
}

/// A value in a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a> {
    document: &'a str,
    raw: &'a str,
}

/// Takes a whole text for a value.
pub(super) fn parse(document: &str) -> Result<Node<'_>, Mistake> {
    match serde_json::from_str::<IgnoredAny>(document) {
        Ok(_) => Ok(Node {
            document,
            raw: document.trim_matches([' ', '\t', '\r', '\n']),
        }),
        Err(error) => Err(Mistake {
            at: position_of_error(document, 0, &error),
            text: format!("this is not JSON: {}", reason(&error)),
        }),
    }
}

impl<'a> Node<'a> {
    /// Where it begins.
    pub(super) fn position(&self) -> Position {
        position(self.document, self.offset())
    }

    /// What it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self.raw.as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a text",
            Some(b't' | b'f') => "true or false",
            Some(b'n') => "null",
            _ => "a number",
        }
    }

    /// The elements, if it is an array.
    pub(super) fn elements(&self) -> Option<Vec<Node<'a>>> {
        let Elements(elements) = self.taken_apart(b'[')?;
        Some(elements.into_iter().map(|raw| self.within(raw)).collect())
    }

    /// The fields in the order of the file, if it is an object. Of several with the same name the last one counts.
    pub(super) fn fields(&self) -> Option<Fields<'a>> {
        let Members(members) = self.taken_apart(b'{')?;
        let fields = members.into_iter().map(|(name, raw)| (name, self.within(raw)));
        Some(Fields(fields.collect()))
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<String> {
        serde_json::from_str(self.raw).ok()
    }

    /// Everything in it, with the order of its fields.
    pub(super) fn object(&self) -> Result<Map<String, Value>, Mistake> {
        serde_json::from_str(self.raw).map_err(|error| Mistake {
            at: position_of_error(self.document, self.offset(), &error),
            text: format!("this cannot be kept: {}", reason(&error)),
        })
    }

    /// The raw text of the value.
    pub(super) fn raw(&self) -> &'a str {
        self.raw
    }

    fn taken_apart<T: Deserialize<'a>>(&self, bracket: u8) -> Option<T> {
        let is_meant = self.raw.as_bytes().first() == Some(&bracket);
        is_meant.then(|| serde_json::from_str(self.raw).ok()).flatten()
    }

    fn within(&self, raw: &'a RawValue) -> Node<'a> {
        Node {
            document: self.document,
            raw: raw.get(),
        }
    }

    /// Both texts are the same memory, so the difference of where they begin is the place.
    fn offset(&self) -> usize {
        (self.raw.as_ptr() as usize).saturating_sub(self.document.as_ptr() as usize)
    }
}

/// The fields of an object.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<(String, Node<'a>)>);

impl<'a> Fields<'a> {
    /// The field of this name; `null` counts as missing.
    pub(super) fn get(&self, name: &str) -> Option<Node<'a>> {
        let found = self.0.iter().rev().find(|(other, _)| other == name);
        found.map(|(_, node)| *node).filter(|node| node.raw != "null")
    }

    /// The names, for a guess what was meant.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

struct Elements<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Elements<'de>, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Elements<'de>, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = array.next_element()? {
                    elements.push(element);
                }
                Ok(Elements(elements))
            }
        }
        deserializer.deserialize_seq(Collect)
    }
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'de>, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = object.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Line and column of a byte.
pub(super) fn position(text: &str, byte: usize) -> Position {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// The place that an error names within the text that begins at `start`. Its column counts bytes, and is that of the last
/// byte that was looked at.
fn position_of_error(document: &str, start: usize, error: &serde_json::Error) -> Position {
    let mut at = start;
    for _ in 1..error.line() {
        at = match document.as_bytes()[at..].iter().position(|byte| *byte == b'\n') {
            Some(newline) => at + newline + 1,
            None => document.len(),
        };
    }
    at = (at + error.column().saturating_sub(1)).min(document.len());
    while !document.is_char_boundary(at) {
        at -= 1;
    }
    position(document, at)
}

/// What an error says, without its place; the usual mistakes in words of people.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place).unwrap_or(&text) {
        "key must be a string" => String::from(
            "the name of a field in double quotes should stand here, or the comma before it is one too many",
        ),
        "trailing comma" => String::from("the comma before this is one too many"),
        reason if reason.starts_with("EOF while") => String::from("the file ends before its JSON does"),
        reason => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_place() {
        let text = "{\n  \"ä\": [1, {\"b\": \"x\"}],\n  \"c\": null, \"d\": 1, \"d\": true\n}";
        let root = parse(text).unwrap();
        assert_eq!((root.kind(), root.position()), ("an object", (1, 1)));
        let fields = root.fields().unwrap();
        let inner = fields.get("ä").unwrap().elements().unwrap()[1];
        assert_eq!(inner.position(), (2, 12));
        let b = inner.fields().unwrap().get("b").unwrap();
        assert_eq!((b.text().as_deref(), b.position()), (Some("x"), (2, 18)));
        assert!(fields.get("c").is_none());
        assert_eq!(fields.get("d").unwrap().raw(), "true");
        assert!(b.fields().is_none() && b.elements().is_none() && inner.elements().is_none());
    }

    #[test]
    fn what_is_not_json_is_told_with_line_and_column() {
        for (text, at, words) in [
            ("", (1, 1), "the file ends"),
            ("{\n \"ä\": x}", (2, 7), "expected value"),
            ("{\"a\":1,}", (1, 8), "one too many"),
            ("[1]\n[2]", (2, 1), "trailing characters"),
            ("{\"a\":1", (1, 6), "the file ends"),
        ] {
            let mistake = parse(text).unwrap_err();
            assert_eq!(mistake.at, at, "{text}");
            assert!(
                mistake.text.contains(words) && !mistake.text.contains(" line "),
                "{}",
                mistake.text
            );
        }
    }

    #[test]
    fn a_value_that_cannot_be_kept_is_told_with_its_place() {
        let text = "[\n {\"a\": 1e999}]";
        let node = parse(text).unwrap().elements().unwrap()[0];
        let mistake = node.object().unwrap_err();
        assert_eq!(mistake.at.0, 2);
        assert!(mistake.text.contains("number out of range"), "{}", mistake.text);
    }
}
