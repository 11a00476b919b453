//! JSON text pieces that several codecs share.
//!
//! Reading is one pass over the text by a scanner that keeps places instead of building a tree; writing appends to a byte
//! vector. Both exist because a message of ten thousand signals comes and goes every few milliseconds. The grammar is RFC
//! 8259 and nothing else: `serde_json` is the judge in the tests of what is accepted and what it means.

pub(crate) mod field;
pub(crate) mod scan;
mod write;

pub use scan::{DEPTH_MAX, JsonProblem, TEXT_LEN_MAX};
pub use write::{write_int, write_name, write_string, write_text_or_null, write_uint, write_value};

use std::fmt;

/// A place in a text, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line, counted from 1.
    pub line: usize,
    /// Character within the line, counted from 1.
    pub column: usize,
}

impl Place {
    pub(crate) fn of(text: &str, offset: usize) -> Place {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        // Bytes that continue a character are not counted, so that the column is what an editor shows.
        let characters = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
        Place {
            line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
            column: characters(&before[line_start..]) + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)
    }
}

/// How many bytes from the front stand in a JSON string as they are: no quote, no backslash, no control character.
#[inline]
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    let mut run = 0;
    while let Some(chunk) = bytes[run..].first_chunk::<8>() {
        let marks = special_marks(u64::from_le_bytes(*chunk));
        if marks != 0 {
            return run + (marks.trailing_zeros() / 8) as usize;
        }
        run += 8;
    }
    // The last bytes are looked at together with some before them, which are known to be plain and cannot be marked.
    if let Some(chunk) = bytes.last_chunk::<8>() {
        let marks = special_marks(u64::from_le_bytes(*chunk));
        return bytes.len() - 8 + (marks.trailing_zeros() / 8) as usize;
    }
    bytes
        .iter()
        .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20)
        .unwrap_or(bytes.len())
}

/// Marks the special ones of eight bytes in their highest bits.
///
/// The lowest mark is exact; marks above it can be false, because a subtraction borrows from the next byte. Flipping the bit of
/// value two brings the quote next to the control characters, so that one subtraction finds both.
#[inline]
fn special_marks(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let control_or_quote = (word ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (control_or_quote | backslash) & !word & (ONES * 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let text = "{\n \"ä\": x}";
        assert_eq!(Place::of(text, 0), Place { line: 1, column: 1 });
        assert_eq!(Place::of(text, text.find('x').unwrap()), Place { line: 2, column: 7 });
        assert_eq!(Place::of(text, 9_999), Place { line: 2, column: 9 });
        assert_eq!(Place::of(text, 0).to_string(), "line 1 column 1");
    }

    #[test]
    fn a_plain_run_ends_before_each_special_byte_at_every_position() {
        for special in (0..0x20).chain([b'"', b'\\']) {
            for position in 0..40 {
                let mut bytes = vec![b'~'; 40];
                bytes[position] = special;
                assert_eq!(plain_run(&bytes), position, "byte {special:#04x} at {position}");
            }
        }
        assert_eq!(plain_run(b""), 0);
    }

    proptest! {
        #[test]
        fn a_plain_run_equals_the_slow_search(bytes: Vec<u8>) {
            let slow = bytes.iter().position(|&b| b == b'"' || b == b'\\' || b < 0x20).unwrap_or(bytes.len());
            prop_assert_eq!(plain_run(&bytes), slow);
        }
    }
}
