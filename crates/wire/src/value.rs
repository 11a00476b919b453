//! Kinds and values of signals as they stand in a message.
//!
//! A message with ten thousand signals must not cost ten thousand allocations. [`Values`] therefore keeps the text of the
//! message and, per signal, where its name stands in that text and what its value is. Nothing is looked up or merged here:
//! a name that occurs twice is two entries in their order, so that applying them in order lets the last one win (RV-45).

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;

/// What a signal can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A floating-point number.
    Float,
    /// A text.
    Text,
}

impl Kind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Kind; 4] = [Kind::Bool, Kind::Int, Kind::Float, Kind::Text];

    /// The lower-case word of the HTTP and live API: `bool`, `int`, `float` or `text`.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::Text => "text",
        }
    }
}

/// One value as it stands on the wire, borrowed from its message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// `true` or `false`.
    Bool(bool),
    /// A number that is written without fraction and exponent and fits 64 bits.
    Int(i64),
    /// Every other finite number. `-0` is one of them, because the sign would be lost in an integer.
    Float(f64),
    /// A string, without its quotes and with its escapes undone.
    Text(&'a str),
    /// `null`, an array, an object, or a number beyond the range of a 64-bit float. The reader skips and counts it (RV-43).
    Unusable,
}

/// The signals of one message: names and values in the order of the message.
///
/// Shape: `{"SpeedOut":520.5,"RunOut":false}`. Names are neither sorted nor merged (RV-45).
#[derive(Clone, Default)]
pub struct Values {
    text: String,
    entries: Vec<Entry>,
}

impl Values {
    /// Collects names with their values, in the order given.
    ///
    /// # Panics
    ///
    /// When names and texts together are longer than 4 GiB, or one name is longer than 512 MiB.
    pub fn from_pairs<'a, N: AsRef<str>>(pairs: impl IntoIterator<Item = (N, Value<'a>)>) -> Values {
        let mut values = Values::default();
        for (name, value) in pairs {
            let name = values.keep(name.as_ref());
            let value = match value {
                Value::Bool(value) => RawValue::bool(value),
                Value::Int(value) => RawValue::int(value),
                Value::Float(value) => RawValue::float(value),
                Value::Text(text) => RawValue::text(values.keep(text)),
                Value::Unusable => RawValue::UNUSABLE,
            };
            values.entries.push(Entry::new(name, value));
        }
        values
    }

    pub(crate) fn from_parts(text: String, entries: Vec<Entry>) -> Values {
        Values { text, entries }
    }

    /// How many entries there are; a name that occurs twice counts twice.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Name and value of one entry.
    ///
    /// # Panics
    ///
    /// When `index` is not below [`Values::len`].
    pub fn get(&self, index: usize) -> (&str, Value<'_>) {
        self.resolve(&self.entries[index])
    }

    /// All entries in the order of the message.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Value<'_>)> + Clone {
        self.entries.iter().map(|entry| self.resolve(entry))
    }

    /// The entries of a range of indices, so that a long message can be worked off in several turns. A range that reaches
    /// beyond the end is cut there.
    pub fn range(&self, range: Range<usize>) -> impl ExactSizeIterator<Item = (&str, Value<'_>)> + Clone {
        let end = range.end.min(self.entries.len());
        let start = range.start.min(end);
        self.entries[start..end].iter().map(|entry| self.resolve(entry))
    }

    #[inline]
    fn resolve(&self, entry: &Entry) -> (&str, Value<'_>) {
        (entry.name().of(&self.text), entry.value().of(&self.text))
    }

    fn keep(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        Span::new(start, self.text.len())
    }
}

impl PartialEq for Values {
    /// Equal when the same names carry the same values in the same order, wherever their text came from.
    fn eq(&self, other: &Values) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Where one signal stands in the text of its message.
///
/// The length of the name shares a word with the tag of the value: sixteen bytes per signal instead of twenty-four are a third
/// less fresh memory per message, and fresh memory costs more than the scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    name_start: u32,
    name_len_and_tag: u32,
    bits: u64,
}

impl Entry {
    #[inline]
    pub(crate) fn new(name: Span, value: RawValue) -> Entry {
        assert!(name.len() < 1 << (32 - TAG_BITS), "a name is shorter than 512 MiB");
        Entry {
            name_start: name.start,
            name_len_and_tag: (name.end - name.start) << TAG_BITS | value.tag as u32,
            bits: value.bits,
        }
    }

    #[inline]
    pub(crate) fn name(self) -> Span {
        Span {
            start: self.name_start,
            end: self.name_start + (self.name_len_and_tag >> TAG_BITS),
        }
    }

    #[inline]
    pub(crate) fn value(self) -> RawValue {
        let tag = match self.name_len_and_tag & ((1 << TAG_BITS) - 1) {
            0 => Tag::Bool,
            1 => Tag::Int,
            2 => Tag::Float,
            3 => Tag::Text,
            _ => Tag::Unusable,
        };
        RawValue { tag, bits: self.bits }
    }
}

/// Enough for every [`Tag`].
const TAG_BITS: u32 = 3;

/// A value whose text is still a place in the message.
///
/// Two plain words instead of an enum with payloads: a scanner makes one per signal, and these travel in registers, while an
/// enum is put together in memory in pieces of different width, which cost a third of the whole scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawValue {
    tag: Tag,
    bits: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Bool = 0,
    Int = 1,
    Float = 2,
    Text = 3,
    Unusable = 4,
}

impl RawValue {
    pub(crate) const UNUSABLE: RawValue = RawValue {
        tag: Tag::Unusable,
        bits: 0,
    };

    #[inline]
    pub(crate) fn bool(value: bool) -> RawValue {
        RawValue {
            tag: Tag::Bool,
            bits: u64::from(value),
        }
    }

    #[inline]
    pub(crate) fn int(value: i64) -> RawValue {
        RawValue {
            tag: Tag::Int,
            bits: value as u64,
        }
    }

    #[inline]
    pub(crate) fn float(value: f64) -> RawValue {
        RawValue {
            tag: Tag::Float,
            bits: value.to_bits(),
        }
    }

    #[inline]
    pub(crate) fn text(span: Span) -> RawValue {
        RawValue {
            tag: Tag::Text,
            bits: u64::from(span.end) << 32 | u64::from(span.start),
        }
    }

    /// The value with its text looked up.
    #[inline]
    pub(crate) fn of(self, text: &str) -> Value<'_> {
        match self.tag {
            Tag::Bool => Value::Bool(self.bits != 0),
            Tag::Int => Value::Int(self.bits as i64),
            Tag::Float => Value::Float(f64::from_bits(self.bits)),
            Tag::Text => Value::Text(self.span().of(text)),
            Tag::Unusable => Value::Unusable,
        }
    }

    /// The place of a text; `None` for every other value.
    pub(crate) fn as_text(self) -> Option<Span> {
        (self.tag == Tag::Text).then(|| self.span())
    }

    /// The bool; `None` for every other value.
    pub(crate) fn as_bool(self) -> Option<bool> {
        (self.tag == Tag::Bool).then_some(self.bits != 0)
    }

    /// The integer, also when it was written as a float without fraction; `None` for every other value.
    pub(crate) fn as_int(self) -> Option<i64> {
        match self.tag {
            Tag::Int => Some(self.bits as i64),
            Tag::Float => {
                let value = f64::from_bits(self.bits);
                (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64)
            }
            _ => None,
        }
    }

    #[inline]
    fn span(self) -> Span {
        Span {
            start: self.bits as u32,
            end: (self.bits >> 32) as u32,
        }
    }
}

/// A range of bytes of a text. 32 bits per end keep an entry of a message small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Span {
        // Decoders refuse a text above 256 MiB before the first span is made, and undoing escapes at most doubles it.
        Span {
            start: u32::try_from(start).expect("a text of a message is shorter than 4 GiB"),
            end: u32::try_from(end).expect("a text of a message is shorter than 4 GiB"),
        }
    }

    #[inline]
    pub(crate) fn of(self, text: &str) -> &str {
        &text[self.start as usize..self.end as usize]
    }

    /// The text of a span that counts on from the end of `text` into `side`.
    pub(crate) fn of_joined<'a>(self, text: &'a str, side: &'a str) -> &'a str {
        // No string begins at the very end of a text, because its closing quote has to follow.
        match (self.start as usize).checked_sub(text.len()) {
            None => self.of(text),
            Some(start) => &side[start..self.end as usize - text.len()],
        }
    }

    /// As [`Span::of_joined`], in the vector of `side` when it lies there, so that a long text is not copied once more.
    pub(crate) fn into_joined(self, text: &str, mut side: String) -> String {
        match (self.start as usize).checked_sub(text.len()) {
            None => self.of(text).to_owned(),
            Some(start) => {
                side.truncate(self.end as usize - text.len());
                side.drain(..start);
                side
            }
        }
    }

    pub(crate) fn len(self) -> usize {
        (self.end - self.start) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_stays_small() {
        assert_eq!(std::mem::size_of::<Entry>(), 16);
    }

    #[test]
    fn pairs_keep_order_and_duplicates() {
        let pairs = [
            ("A", Value::Int(1)),
            ("", Value::Text("")),
            ("A", Value::Text("zwei ü")),
            ("N", Value::Unusable),
        ];
        let values = Values::from_pairs(pairs);
        assert_eq!(values.len(), 4);
        assert!(values.iter().eq(pairs));
        assert_eq!(values.get(2), ("A", Value::Text("zwei ü")));
        assert!(Values::default().is_empty());
    }

    #[test]
    fn a_range_is_cut_at_the_end() {
        let values = Values::from_pairs([("A", Value::Int(1)), ("B", Value::Int(2)), ("C", Value::Int(3))]);
        let names = |range| values.range(range).map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(0..2), ["A", "B"]);
        assert_eq!(names(2..3), ["C"]);
        assert_eq!(names(2..900), ["C"]);
        assert!(names(900..901).is_empty());
    }

    #[test]
    fn equality_looks_at_meaning_and_not_at_the_text_kept() {
        let entry = Entry::new(Span::new(2, 3), RawValue::int(5));
        let decoded = Values::from_parts(r#"{"A":5}"#.to_owned(), vec![entry]);
        assert_eq!(decoded, Values::from_pairs([("A", Value::Int(5))]));
        assert_ne!(decoded, Values::from_pairs([("A", Value::Float(5.0))]));
        assert_eq!(format!("{decoded:?}"), r#"{"A": Int(5)}"#);
    }
}
