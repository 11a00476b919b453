//! The scanner: one pass over a JSON text, places instead of copies.
//!
//! A caller walks the objects it knows with [`Scanner::next_key`] and takes each value in the form it wants: a scalar, a
//! string, a skipped value. Everything is checked, also what is skipped, so a message is either valid JSON to its last byte or
//! refused with the place. Nothing here recurses, so no text can exhaust the stack; nesting is limited all the same, because
//! parts of a message go on to `serde_json`, which does recurse.
//!
//! Strings without escapes are spans of the text. Strings with escapes are undone into `side`, and their spans count on from
//! the end of the text: whoever keeps the spans appends `side` to the text when the scan is over.

use super::plain_run;
use crate::value::{Entry, RawValue, Span};

/// Levels of nested arrays and objects that are accepted; the same as `serde_json`'s.
pub const DEPTH_MAX: u32 = 127;

/// Length of a text in bytes up to which places fit 32 bits with room for undone escapes. Connections stop far below it.
pub const TEXT_LEN_MAX: usize = 256 << 20;

/// Why a text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonProblem {
    /// Something else stands where the named thing has to be; also at the end of the text.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A control character stands in a string without being escaped.
    #[error("control character in a string")]
    ControlCharacter,
    /// A backslash is not followed by one of `"\/bfnrt` or `u` and four hexadecimal digits.
    #[error("unknown escape in a string")]
    Escape,
    /// The number breaks the grammar, for example by a leading zero.
    #[error("number that is not in JSON form")]
    Number,
    /// Arrays and objects are nested deeper than [`DEPTH_MAX`].
    #[error("nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// Something follows the end of the message.
    #[error("expected nothing after the end of the message")]
    TrailingData,
}

/// The text is not JSON; [`Scanner::failure`] tells why and where. The error itself is empty, so that the result of a step on
/// the way of every value is no larger than the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotJson;

type Scan<T> = Result<T, NotJson>;

/// Reads a JSON text from front to end.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: u32,
    side: String,
    failure: Option<(JsonProblem, usize)>,
}

impl<'a> Scanner<'a> {
    /// Starts at the front of a text that is not longer than [`TEXT_LEN_MAX`].
    pub(crate) fn new(text: &'a str) -> Scanner<'a> {
        debug_assert!(text.len() <= TEXT_LEN_MAX);
        Scanner {
            text,
            bytes: text.as_bytes(),
            at: 0,
            depth: 0,
            side: String::new(),
            failure: None,
        }
    }

    /// The next byte that is not white space, without taking it; `None` at the end.
    #[inline(always)]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    /// The offset of the next byte that is not white space.
    pub(crate) fn offset(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// What kind of value stands here, in words for a complaint.
    pub(crate) fn kind(&mut self) -> &'static str {
        match self.peek() {
            None => "the end",
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a bool",
            Some(b'n') => "null",
            Some(_) => "a number",
        }
    }

    /// How many bytes are left.
    pub(crate) fn rest_len(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The span from an offset up to what was taken last.
    pub(crate) fn span_from(&self, start: usize) -> Span {
        Span::new(start, self.at)
    }

    /// Takes the bracket that opens an object or array. The caller has seen it with [`Scanner::peek`].
    pub(crate) fn open(&mut self) -> Scan<()> {
        if self.depth == DEPTH_MAX {
            return self.fail(JsonProblem::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Goes to the next member of the object that was opened last: takes its key and stands before its value. `None` when the
    /// object is over; its bracket is taken then.
    #[inline(always)]
    pub(crate) fn next_key(&mut self, first: &mut bool) -> Scan<Option<Span>> {
        match self.peek() {
            Some(b'}') => {
                self.close();
                return Ok(None);
            }
            Some(b',') if !*first => self.at += 1,
            _ if !*first => return self.fail(JsonProblem::Expected("`,` or `}`")),
            _ => {}
        }
        *first = false;
        self.key().map(Some)
    }

    /// Goes to the next element of the array that was opened last and stands before it. False when the array is over; its
    /// bracket is taken then.
    pub(crate) fn next_element(&mut self, first: &mut bool) -> Scan<bool> {
        match self.peek() {
            Some(b']') => {
                self.close();
                return Ok(false);
            }
            Some(b',') if !*first => self.at += 1,
            _ if !*first => return self.fail(JsonProblem::Expected("`,` or `]`")),
            _ => {}
        }
        *first = false;
        if self.peek() == Some(b']') {
            return self.fail(JsonProblem::Expected("a value"));
        }
        Ok(true)
    }

    /// Takes a whole object of signals, `{"name":value,…}`, and appends its entries. The caller has seen the bracket.
    pub(crate) fn entries(&mut self, entries: &mut Vec<Entry>) -> Scan<()> {
        self.open()?;
        let mut first = true;
        while let Some(name) = self.next_key(&mut first)? {
            let value = self.scalar()?;
            entries.push(Entry::new(name, value));
        }
        Ok(())
    }

    /// Takes any value. What is no bool, number or string is checked and skipped.
    #[inline(always)]
    pub(crate) fn scalar(&mut self) -> Scan<RawValue> {
        match self.peek() {
            Some(b't') => self.word(b"true").map(|()| RawValue::bool(true)),
            Some(b'f') => self.word(b"false").map(|()| RawValue::bool(false)),
            Some(b'"') => self.string().map(RawValue::text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.skip().map(|()| RawValue::UNUSABLE),
        }
    }

    /// Checks any value and goes on behind it.
    pub(crate) fn skip(&mut self) -> Scan<()> {
        let base = self.depth;
        // One bit per open level, the newest lowest: set for an object. The limit of nesting fits the word.
        let mut objects: u128 = 0;
        loop {
            // Stands before a value: a bracket that opens goes on to its first member.
            match self.peek() {
                Some(b'{') => {
                    self.open()?;
                    if self.peek() == Some(b'}') {
                        self.close();
                    } else {
                        objects = objects << 1 | 1;
                        self.skip_key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.open()?;
                    if self.peek() == Some(b']') {
                        self.close();
                    } else {
                        objects <<= 1;
                        continue;
                    }
                }
                Some(b'"') => {
                    let side_len = self.side.len();
                    self.string()?;
                    self.side.truncate(side_len);
                }
                Some(b'-' | b'0'..=b'9') => {
                    self.number()?;
                }
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                _ => return self.fail(JsonProblem::Expected("a value")),
            }
            // Stands behind a value: a comma leads to the next one, brackets close levels until none is left.
            loop {
                if self.depth == base {
                    return Ok(());
                }
                let in_object = objects & 1 == 1;
                match (self.peek(), in_object) {
                    (Some(b','), true) => {
                        self.at += 1;
                        self.skip_key()?;
                        break;
                    }
                    (Some(b','), false) => {
                        self.at += 1;
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.close();
                        objects >>= 1;
                    }
                    (_, true) => return self.fail(JsonProblem::Expected("`,` or `}`")),
                    (_, false) => return self.fail(JsonProblem::Expected("`,` or `]`")),
                }
            }
        }
    }

    /// Takes a string and undoes its escapes. The caller has seen the quote.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Scan<Span> {
        let start = self.at + 1;
        let end = start + plain_run(&self.bytes[start..]);
        self.at = end;
        if self.bytes.get(end) == Some(&b'"') {
            self.at += 1;
            return Ok(Span::new(start, end));
        }
        self.string_with_escapes(start)
    }

    /// Takes a number and tells whether it is an integer. The caller has seen its first byte.
    pub(crate) fn number(&mut self) -> Scan<RawValue> {
        let start = self.at;
        let negative = self.bytes[start] == b'-';
        if negative {
            self.at += 1;
        }

        // Nineteen digits always fit the mantissa; of a longer number only the length matters, because it is read again.
        let mut mantissa: u64 = 0;
        let whole_start = self.at;
        self.digits(&mut mantissa)?;
        let whole_len = self.at - whole_start;
        if whole_len > 1 && self.bytes[whole_start] == b'0' {
            self.at = whole_start + 1;
            return self.fail(JsonProblem::Number);
        }

        let mut digits_len = whole_len;
        let mut fraction_len = 0;
        let mut is_integer = true;
        if self.bytes.get(self.at) == Some(&b'.') {
            is_integer = false;
            self.at += 1;
            let fraction_start = self.at;
            self.digits(&mut mantissa)?;
            fraction_len = self.at - fraction_start;
            digits_len += fraction_len;
        }
        let mut has_exponent = false;
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            is_integer = false;
            has_exponent = true;
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.digits(&mut 0)?;
        }

        let mantissa_is_exact = digits_len <= 19;
        if is_integer && mantissa_is_exact {
            if negative && mantissa == 0 {
                return Ok(RawValue::float(-0.0));
            }
            if mantissa <= i64::MAX as u64 {
                let magnitude = mantissa as i64;
                return Ok(RawValue::int(if negative { -magnitude } else { magnitude }));
            }
            if negative && mantissa == i64::MIN.unsigned_abs() {
                return Ok(RawValue::int(i64::MIN));
            }
        }
        // A mantissa and a power of ten that are both exact as floats give the correctly rounded quotient in one division.
        if mantissa_is_exact && !has_exponent && mantissa <= MANTISSA_EXACT_MAX && fraction_len < POWERS_OF_TEN.len() {
            let magnitude = mantissa as f64 / POWERS_OF_TEN[fraction_len];
            return Ok(RawValue::float(if negative { -magnitude } else { magnitude }));
        }
        let value: f64 = self.text[start..self.at]
            .parse()
            .expect("JSON numbers are a subset of what Rust reads as a float");
        Ok(if value.is_finite() {
            RawValue::float(value)
        } else {
            RawValue::UNUSABLE
        })
    }

    /// Checks that nothing but white space is left.
    pub(crate) fn end(&mut self) -> Scan<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.fail(JsonProblem::TrailingData),
        }
    }

    /// Why and at which byte the scan ended, after a step has failed.
    pub(crate) fn failure(&self) -> Option<(JsonProblem, usize)> {
        self.failure
    }

    /// The text of a span that this scanner made.
    #[inline]
    pub(crate) fn str_of(&self, span: Span) -> &str {
        span.of_joined(self.text, &self.side)
    }

    /// The escapes that were undone, to be appended to the text by whoever keeps spans.
    pub(crate) fn into_side(self) -> String {
        self.side
    }

    #[inline(always)]
    fn key(&mut self) -> Scan<Span> {
        if self.peek() != Some(b'"') {
            return self.fail(JsonProblem::Expected("a name in quotes"));
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return self.fail(JsonProblem::Expected("`:`"));
        }
        self.at += 1;
        Ok(key)
    }

    fn skip_key(&mut self) -> Scan<()> {
        let side_len = self.side.len();
        self.key()?;
        self.side.truncate(side_len);
        Ok(())
    }

    #[inline]
    fn close(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    #[inline]
    fn word(&mut self, word: &'static [u8]) -> Scan<()> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        self.fail(JsonProblem::Expected("a value"))
    }

    #[inline]
    fn digits(&mut self, mantissa: &mut u64) -> Scan<()> {
        let start = self.at;
        while let Some(digit @ b'0'..=b'9') = self.bytes.get(self.at) {
            *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        if self.at == start {
            return self.fail(JsonProblem::Number);
        }
        Ok(())
    }

    /// Goes on with a string at its first byte that is not plain, `self.at`.
    #[cold]
    fn string_with_escapes(&mut self, start: usize) -> Scan<Span> {
        let side_start = self.side.len();
        self.side.push_str(&self.text[start..self.at]);
        loop {
            match self.bytes.get(self.at) {
                None => return self.fail(JsonProblem::Expected("the closing quote of a string")),
                Some(b'"') => {
                    self.at += 1;
                    let base = self.text.len();
                    return Ok(Span::new(base + side_start, base + self.side.len()));
                }
                Some(b'\\') => self.escape()?,
                Some(0..0x20) => return self.fail(JsonProblem::ControlCharacter),
                Some(_) => {
                    let run_start = self.at;
                    self.at += plain_run(&self.bytes[run_start..]);
                    self.side.push_str(&self.text[run_start..self.at]);
                }
            }
        }
    }

    fn escape(&mut self) -> Scan<()> {
        let plain = match self.bytes.get(self.at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return self.fail(JsonProblem::Escape),
        };
        self.side.push(plain);
        self.at += 2;
        Ok(())
    }

    fn unicode_escape(&mut self) -> Scan<()> {
        let Some(unit) = self.code_unit(self.at) else {
            return self.fail(JsonProblem::Escape);
        };
        let low = match unit {
            0xD800..0xDC00 => self.code_unit(self.at + 6),
            _ => None,
        };
        self.at += 6;
        let character = match (unit, low) {
            (high @ 0xD800..0xDC00, Some(low @ 0xDC00..0xE000)) => {
                self.at += 6;
                char::from_u32(0x1_0000 + (high - 0xD800) * 0x400 + (low - 0xDC00))
            }
            (unit, _) => char::from_u32(unit),
        };
        // Half of a surrogate pair is what JavaScript and C# write for a text cut in the middle of a character. It becomes the
        // replacement character, as browsers do it, because one such text must not cost the other signals of the message.
        self.side.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(())
    }

    /// The code unit of `\uXXXX` at an offset, if that stands there.
    fn code_unit(&self, offset: usize) -> Option<u32> {
        let escape = self.bytes.get(offset..offset + 6)?;
        let digits = escape.strip_prefix(b"\\u")?;
        digits
            .iter()
            .try_fold(0, |unit, &digit| Some(unit * 16 + char::from(digit).to_digit(16)?))
    }

    #[cold]
    fn fail<T>(&mut self, problem: JsonProblem) -> Scan<T> {
        self.failure = Some((problem, self.at));
        Err(NotJson)
    }
}

/// Up to here every integer is exact as a float.
const MANTISSA_EXACT_MAX: u64 = 1 << 53;

/// The powers of ten that are exact as floats.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    /// Takes one thing that must be the whole text.
    fn whole<T>(text: &str, take: impl FnOnce(&mut Scanner<'_>) -> Scan<T>) -> Result<T, JsonProblem> {
        let mut scanner = Scanner::new(text);
        let taken = take(&mut scanner).and_then(|taken| scanner.end().map(|()| taken));
        taken.map_err(|NotJson| scanner.failure().unwrap().0)
    }

    fn scalar(text: &str) -> Result<Value<'_>, JsonProblem> {
        whole(text, |scanner| scanner.scalar()).map(|value| value.of(text))
    }

    #[test]
    fn numbers_are_integers_only_without_fraction_and_exponent_and_within_64_bits() {
        let check = |text: &str, expected: Value<'_>| assert_eq!(scalar(text), Ok(expected), "{text}");
        check("0", Value::Int(0));
        check("-1", Value::Int(-1));
        check("9223372036854775807", Value::Int(i64::MAX));
        check("-9223372036854775808", Value::Int(i64::MIN));
        check("9223372036854775808", Value::Float(9_223_372_036_854_775_808.0));
        check("-9223372036854775809", Value::Float(-9_223_372_036_854_775_809.0));
        check("99999999999999999999", Value::Float(1e20));
        check("1.0", Value::Float(1.0));
        check("1e2", Value::Float(100.0));
        check("1E+2", Value::Float(100.0));
        check("0.1", Value::Float(0.1));
        check("-0.5e-3", Value::Float(-0.0005));
        check("0.30000000000000004", Value::Float(0.1 + 0.2));
        check("2.2250738585072011e-308", Value::Float(2.225_073_858_507_201e-308));
        check("1e-400", Value::Float(0.0));
        check("1e400", Value::Unusable);
        check("-1e99999999999999999999", Value::Unusable);
    }

    #[test]
    fn minus_zero_keeps_its_sign() {
        let sign = |text| match scalar(text) {
            Ok(Value::Float(value)) => value.is_sign_negative(),
            other => panic!("{text} is {other:?}"),
        };
        assert!(sign("-0"));
        assert!(sign("-0.0"));
        assert!(!sign("0.0"));
    }

    #[test]
    fn numbers_outside_the_grammar_are_refused() {
        for text in [
            "-",
            "00",
            "01",
            "-01",
            "1.",
            ".5",
            "1.e5",
            "1e",
            "1e+",
            "+1",
            "0x10",
            "1_000",
            "NaN",
            "Infinity",
            "-Infinity",
        ] {
            assert!(scalar(text).is_err(), "{text}");
        }
    }

    #[test]
    fn escapes_are_undone_and_half_a_surrogate_pair_is_replaced() {
        let undone = |text: &str| {
            whole(text, |scanner| {
                let span = scanner.string()?;
                Ok(scanner.str_of(span).to_owned())
            })
        };
        let check = |text: &str, expected: Result<&str, JsonProblem>| {
            assert_eq!(undone(text), expected.map(str::to_owned), "{text}");
        };
        check(r#""""#, Ok(""));
        check(r#""plain ü""#, Ok("plain ü"));
        check(r#""\"\\\/\b\f\n\r\t""#, Ok("\"\\/\u{8}\u{c}\n\r\t"));
        check(r#""a\u00FCb\u0000""#, Ok("aüb\0"));
        check(r#""\uD83D\uDE00""#, Ok("😀"));
        check(r#""\uD83D""#, Ok("\u{fffd}"));
        check(r#""\uDE00x""#, Ok("\u{fffd}x"));
        check(r#""\uD83D\u0041""#, Ok("\u{fffd}A"));
        check(r#""\uD83D\n""#, Ok("\u{fffd}\n"));
        check(r#""\uD83D\uZZZZ""#, Err(JsonProblem::Escape));
        check(r#""\u00G0""#, Err(JsonProblem::Escape));
        check(r#""\u+123""#, Err(JsonProblem::Escape));
        check(r#""\x41""#, Err(JsonProblem::Escape));
        check(r#""\"#, Err(JsonProblem::Escape));
        check(r#""open"#, Err(JsonProblem::Expected("the closing quote of a string")));
        check("\"a\nb\"", Err(JsonProblem::ControlCharacter));
        check("\"a\u{7f}\u{2028}b\"", Ok("a\u{7f}\u{2028}b"));
    }

    #[test]
    fn nesting_is_accepted_up_to_the_limit_and_no_deeper() {
        let nested = |levels: usize| {
            let text = "[".repeat(levels) + &"]".repeat(levels);
            whole(&text, |scanner| scanner.skip())
        };
        assert_eq!(nested(126), Ok(()));
        assert_eq!(nested(127), Ok(()));
        assert_eq!(nested(128), Err(JsonProblem::TooDeep));
        assert_eq!(nested(1_000_000), Err(JsonProblem::TooDeep));
    }

    #[test]
    fn a_skipped_value_leaves_no_escapes_behind() {
        let mut scanner = Scanner::new(r#"{"\u0041":["\n",{"b":"\t"}]}"#);
        assert_eq!(scanner.skip(), Ok(()));
        assert_eq!(scanner.into_side(), "");
    }

    #[test]
    fn brackets_and_commas_must_fit() {
        for text in [
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1}",
            "{\"a\":1]",
            "{\"a\" 1}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{a:1}",
            "[",
            "{",
            "]",
            "tru",
            "nul",
        ] {
            let mut scanner = Scanner::new(text);
            assert!(scanner.skip().and_then(|()| scanner.end()).is_err(), "{text}");
        }
        for text in [
            "[]",
            "{}",
            "[[],{}]",
            " [ 1 , 2 ] ",
            "{\"a\":{\"b\":[{}]},\"a\":null}\r\n\t",
        ] {
            let mut scanner = Scanner::new(text);
            assert_eq!(scanner.skip().and_then(|()| scanner.end()), Ok(()), "{text}");
        }
    }
}
