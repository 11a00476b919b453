//! Fields of a message that are read before its type is known.
//!
//! The order of fields in an object is free, so `signals` may come before the `type` that says what they are. Every known
//! field is therefore read into a slot; a wrong kind is remembered and complained of only when the type needs that field.
//! `null` counts as absent, because some languages write it for what is not set. Of two fields with the same name the last
//! one counts (RV-45).

use super::scan::{NotJson, Scanner};
use super::{Place, TEXT_LEN_MAX};
use crate::error::DecodeError;
use crate::value::{Entry, RawValue, Span};

/// One field of a message.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Slot<T> {
    /// Missing or null.
    #[default]
    Absent,
    Present(T),
    Wrong {
        expected: &'static str,
        found: &'static str,
        offset: usize,
    },
}

impl<T> Slot<T> {
    /// The content, `None` when absent, the located complaint when it is of the wrong kind.
    pub(crate) fn take(self, field: &'static str, text: &str) -> Result<Option<T>, DecodeError> {
        match self {
            Slot::Absent => Ok(None),
            Slot::Present(content) => Ok(Some(content)),
            Slot::Wrong {
                expected,
                found,
                offset,
            } => Err(DecodeError::FieldKind {
                field,
                expected,
                found,
                place: Place::of(text, offset),
            }),
        }
    }

    /// The content, or a complaint when it is absent or of the wrong kind.
    pub(crate) fn demand(self, field: &'static str, text: &str) -> Result<T, DecodeError> {
        self.take(field, text)?.ok_or(DecodeError::MissingField { field })
    }

    /// The content when it is there and of the right kind.
    pub(crate) fn lenient(self) -> Option<T> {
        match self {
            Slot::Present(content) => Some(content),
            Slot::Absent | Slot::Wrong { .. } => None,
        }
    }
}

/// Walks the object that is the whole text. `read_field` gets each key and must take its value; at the end the text is given
/// back with the undone escapes appended, so that all spans lie within it.
pub(crate) fn read_object(
    mut text: String,
    mut read_field: impl FnMut(&mut Scanner<'_>, Span) -> Result<(), NotJson>,
) -> Result<String, DecodeError> {
    if text.len() > TEXT_LEN_MAX {
        return Err(DecodeError::TooLong {
            limit: TEXT_LEN_MAX,
            got: text.len(),
        });
    }
    let mut scanner = Scanner::new(&text);
    match walk(&mut scanner, &mut read_field) {
        Ok(None) => {
            let side = scanner.into_side();
            text.push_str(&side);
            Ok(text)
        }
        Ok(Some(found)) => Err(DecodeError::NotAnObject { found }),
        Err(NotJson) => {
            let (problem, offset) = scanner.failure().expect("a step that fails leaves why");
            Err(DecodeError::Json {
                problem,
                place: Place::of(&text, offset),
            })
        }
    }
}

/// Reads a string.
pub(crate) fn text(scanner: &mut Scanner<'_>) -> Result<Slot<Span>, NotJson> {
    scalar(scanner, "a string", RawValue::as_text)
}

/// Reads a bool.
pub(crate) fn bool(scanner: &mut Scanner<'_>) -> Result<Slot<bool>, NotJson> {
    scalar(scanner, "true or false", RawValue::as_bool)
}

/// Reads an integer. A float without fraction is one too, because some languages have only floats.
pub(crate) fn int(scanner: &mut Scanner<'_>) -> Result<Slot<i64>, NotJson> {
    scalar(scanner, "a whole number", RawValue::as_int)
}

/// Reads an integer that is not negative.
pub(crate) fn uint(scanner: &mut Scanner<'_>) -> Result<Slot<u64>, NotJson> {
    int_within(scanner, "a whole number that is not negative", "a negative number")
}

/// Reads an integer of a type that holds fewer of them; `expected` and `found` name the range and what is outside of it.
pub(crate) fn int_within<T: TryFrom<i64>>(
    scanner: &mut Scanner<'_>,
    expected: &'static str,
    found: &'static str,
) -> Result<Slot<T>, NotJson> {
    let offset = scanner.offset();
    Ok(match int(scanner)? {
        Slot::Absent => Slot::Absent,
        Slot::Present(value) => match T::try_from(value) {
            Ok(value) => Slot::Present(value),
            Err(_) => Slot::Wrong {
                expected,
                found,
                offset,
            },
        },
        Slot::Wrong {
            expected,
            found,
            offset,
        } => Slot::Wrong {
            expected,
            found,
            offset,
        },
    })
}

/// Reads `{"name":value,…}`.
pub(crate) fn entries(scanner: &mut Scanner<'_>, slot: &mut Slot<Vec<Entry>>) -> Result<(), NotJson> {
    // A repeated field uses the room of the one before it: a text full of empty repetitions must not allocate each time.
    let mut entries = std::mem::take(slot).lenient().unwrap_or_default();
    entries.clear();
    *slot = match open(scanner, b'{', "an object")? {
        Slot::Present(()) => {
            if entries.capacity() == 0 {
                entries.reserve(scanner.rest_len() / ENTRY_TEXT_LEN_TYPICAL + 1);
            }
            scanner.entries(&mut entries)?;
            Slot::Present(entries)
        }
        Slot::Absent => Slot::Absent,
        Slot::Wrong {
            expected,
            found,
            offset,
        } => Slot::Wrong {
            expected,
            found,
            offset,
        },
    };
    Ok(())
}

/// Reads `["name",…]` and keeps at most `names_max` of them.
pub(crate) fn names(scanner: &mut Scanner<'_>, names_max: usize) -> Result<Slot<Names>, NotJson> {
    const EXPECTED: &str = "an array of strings";
    match open(scanner, b'[', EXPECTED)? {
        Slot::Present(()) => {}
        Slot::Absent => return Ok(Slot::Absent),
        Slot::Wrong {
            expected,
            found,
            offset,
        } => {
            return Ok(Slot::Wrong {
                expected,
                found,
                offset,
            });
        }
    }
    let mut names = Names::default();
    let mut wrong = None;
    scanner.open()?;
    let mut first = true;
    while scanner.next_element(&mut first)? {
        let offset = scanner.offset();
        let found = scanner.kind();
        match scanner.scalar()?.as_text() {
            Some(name) => {
                names.len += 1;
                names.text_len += name.len();
                if names.len <= names_max {
                    names.spans.push(name);
                }
            }
            None if wrong.is_none() => {
                wrong = Some(Slot::Wrong {
                    expected: EXPECTED,
                    found,
                    offset,
                })
            }
            None => {}
        }
    }
    Ok(wrong.unwrap_or(Slot::Present(names)))
}

/// Checks an object and keeps its place.
pub(crate) fn object(scanner: &mut Scanner<'_>) -> Result<Slot<Span>, NotJson> {
    Ok(match open(scanner, b'{', "an object")? {
        Slot::Present(()) => {
            let start = scanner.offset();
            scanner.skip()?;
            Slot::Present(scanner.span_from(start))
        }
        Slot::Absent => Slot::Absent,
        Slot::Wrong {
            expected,
            found,
            offset,
        } => Slot::Wrong {
            expected,
            found,
            offset,
        },
    })
}

/// Names of a list, with how many and how long they really were.
#[derive(Debug, Default)]
pub(crate) struct Names {
    spans: Vec<Span>,
    len: usize,
    text_len: usize,
}

impl Names {
    /// Copies the names out, unless there are too many or they are too long.
    pub(crate) fn to_strings(
        &self,
        text: &str,
        names_max: usize,
        text_len_max: usize,
    ) -> Result<Vec<String>, DecodeError> {
        if self.len > names_max {
            return Err(DecodeError::TooManyNames {
                limit: names_max,
                got: self.len,
            });
        }
        if self.text_len > text_len_max {
            return Err(DecodeError::NamesTooLong {
                limit: text_len_max,
                got: self.text_len,
            });
        }
        Ok(self.spans.iter().map(|span| span.of(text).to_owned()).collect())
    }
}

/// Length of the text of a short-named signal. Taking it for the length of all reserves a little too much for most messages
/// and never more than the message itself weighs.
const ENTRY_TEXT_LEN_TYPICAL: usize = 32;

/// Stands on an object and walks it, or checks what else is there and names it.
pub(crate) fn walk(
    scanner: &mut Scanner<'_>,
    read_field: &mut impl FnMut(&mut Scanner<'_>, Span) -> Result<(), NotJson>,
) -> Result<Option<&'static str>, NotJson> {
    let mut other = None;
    if scanner.peek() == Some(b'{') {
        scanner.open()?;
        let mut first = true;
        while let Some(key) = scanner.next_key(&mut first)? {
            read_field(scanner, key)?;
        }
    } else {
        other = Some(scanner.kind());
        scanner.skip()?;
    }
    scanner.end()?;
    Ok(other)
}

fn scalar<T>(
    scanner: &mut Scanner<'_>,
    expected: &'static str,
    convert: impl FnOnce(RawValue) -> Option<T>,
) -> Result<Slot<T>, NotJson> {
    let (offset, found) = (scanner.offset(), scanner.kind());
    let value = scanner.scalar()?;
    Ok(match convert(value) {
        Some(value) => Slot::Present(value),
        None if found == "null" => Slot::Absent,
        None => Slot::Wrong {
            expected,
            found,
            offset,
        },
    })
}

/// Looks for a bracket without taking it; takes whatever else stands there.
pub(crate) fn open(scanner: &mut Scanner<'_>, bracket: u8, expected: &'static str) -> Result<Slot<()>, NotJson> {
    if scanner.peek() == Some(bracket) {
        return Ok(Slot::Present(()));
    }
    scalar(scanner, expected, |_| None)
}
