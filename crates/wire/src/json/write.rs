//! Appending JSON pieces to a payload.

use super::plain_run;
use crate::value::Value;

/// Appends a string with its quotes. Only what JSON demands is escaped: quote, backslash and control characters.
#[inline]
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    write_inside_quotes(out, text);
    out.push(b'"');
}

/// Appends `"name":`, the front of an object member.
#[inline]
pub fn write_name(out: &mut Vec<u8>, name: &str) {
    out.push(b'"');
    write_inside_quotes(out, name);
    out.extend_from_slice(b"\":");
}

/// Appends a value and tells whether there was one to write.
///
/// Shape: `true`, `42`, `500.5`, `"Running"`. Integers have no fraction; floats have the fewest digits that read back to the
/// same float, and a whole one is written without fraction (`500`, never `500.0`). Writes nothing and returns false for
/// [`Value::Unusable`], NaN and the infinities, which never reach the wire (RV-44).
#[inline]
pub fn write_value(out: &mut Vec<u8>, value: Value<'_>) -> bool {
    match value {
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(value) => write_int(out, value),
        Value::Float(value) if value.is_finite() => write_float(out, value),
        Value::Text(text) => write_string(out, text),
        Value::Float(_) | Value::Unusable => return false,
    }
    true
}

/// Appends an integer.
#[inline]
pub fn write_int(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends an integer that is not negative, such as an id, a generation or a time.
#[inline]
pub fn write_uint(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a string, or `null` when there is none.
pub fn write_text_or_null(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => write_string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

#[inline]
fn write_float(out: &mut Vec<u8>, value: f64) {
    if !write_short_decimal(out, value) {
        write_shortest(out, value);
    }
}

fn write_shortest(out: &mut Vec<u8>, value: f64) {
    let mut buffer = zmij::Buffer::new();
    let digits = buffer.format_finite(value);
    // A whole float loses its fraction here.
    out.extend_from_slice(digits.strip_suffix(".0").unwrap_or(digits).as_bytes());
}

/// Appends a float that is a decimal with at most three places after the point, and tells whether it was one.
///
/// Most values of a plant are: set-points, rounded measurements, whole numbers. They need none of the search for the shortest
/// digits: thousandths below 2⁵³ divided by 1000 are correctly rounded, so when the quotient is the value, these digits read
/// back to it; and two decimals of up to fifteen digits are never the same float, so no shorter ones do.
#[inline]
fn write_short_decimal(out: &mut Vec<u8>, value: f64) -> bool {
    const MAGNITUDE_MAX: f64 = 1e12;

    let magnitude = value.abs();
    if magnitude >= MAGNITUDE_MAX {
        return false;
    }
    let thousandths = (magnitude * 1e3 + 0.5) as u64;
    if thousandths as f64 / 1e3 != magnitude {
        return false;
    }
    // A zero keeps its sign: `-0` reads back as a float, where `0` would be an integer.
    if value.is_sign_negative() {
        out.push(b'-');
    }
    write_uint(out, thousandths / 1000);
    let places = thousandths % 1000;
    if places != 0 {
        let digit = |divisor: u64| b'0' + (places / divisor % 10) as u8;
        let zeros = if places.is_multiple_of(100) {
            2
        } else {
            usize::from(places.is_multiple_of(10))
        };
        out.extend_from_slice(&[b'.', digit(100), digit(10), digit(1)]);
        out.truncate(out.len() - zeros);
    }
    true
}

#[inline]
fn write_inside_quotes(out: &mut Vec<u8>, text: &str) {
    let plain_len = plain_run(text.as_bytes());
    if plain_len == text.len() {
        out.extend_from_slice(text.as_bytes());
    } else {
        write_escaped(out, text.as_bytes(), plain_len);
    }
}

/// Appends a text whose first `plain_len` bytes need no escape.
#[cold]
fn write_escaped(out: &mut Vec<u8>, text: &[u8], plain_len: usize) {
    let (mut plain, mut rest) = text.split_at(plain_len);
    loop {
        out.extend_from_slice(plain);
        let Some((&special, after)) = rest.split_first() else {
            return;
        };
        write_escape(out, special);
        (plain, rest) = after.split_at(plain_run(after));
    }
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0C => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(value: Value<'_>) -> Option<String> {
        let mut out = Vec::new();
        let wrote = write_value(&mut out, value);
        assert_eq!(wrote, !out.is_empty());
        wrote.then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn rv44_numbers_are_short_and_whole_floats_have_no_fraction() {
        let check = |value: Value<'_>, expected: &str| assert_eq!(written(value).as_deref(), Some(expected));
        check(Value::Int(i64::MIN), "-9223372036854775808");
        check(Value::Float(500.0), "500");
        check(Value::Float(500.5), "500.5");
        check(Value::Float(-0.0), "-0");
        check(Value::Float(0.1 + 0.2), "0.30000000000000004");
        check(Value::Float(9_007_199_254_740_994.0), "9007199254740994");
    }

    #[test]
    fn rv44_what_is_no_number_writes_nothing() {
        for value in [
            Value::Float(f64::NAN),
            Value::Float(f64::INFINITY),
            Value::Float(f64::NEG_INFINITY),
            Value::Unusable,
        ] {
            assert_eq!(written(value), None);
        }
    }

    #[test]
    fn extreme_floats_read_back_to_the_same_bits() {
        for value in [
            1e15,
            1e16,
            1e17,
            1e21,
            1e22,
            -1e300,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            5e-324,
            -0.0,
            1e-5,
            1e-7,
        ] {
            let text = written(Value::Float(value)).unwrap();
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits(), "{text}");
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        let mut out = Vec::new();
        write_name(&mut out, "a\"\\\u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f}ü");
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\u{7f}ü\":"
        );
    }

    #[test]
    fn short_decimals_are_written_as_the_search_for_the_shortest_digits_writes_them() {
        let check = |value: f64| {
            let mut shortest = Vec::new();
            write_shortest(&mut shortest, value);
            let mut short = Vec::new();
            assert!(write_short_decimal(&mut short, value), "{value}");
            assert_eq!(short, shortest, "{value}");
        };
        for thousandths in (-2_100_000..2_100_000).step_by(7) {
            check(f64::from(thousandths) / 1e3);
        }
        for value in [
            0.0,
            -0.0,
            0.001,
            -0.009,
            0.01,
            0.5,
            999.999,
            1e11,
            999_999_999_999.0,
            999_999_999_999.999,
        ] {
            check(value);
        }
        let mut out = Vec::new();
        for value in [1e12, 0.0001, 0.0005, 1e-300, 0.1 + 0.2, f64::MAX, f64::from(0.1_f32)] {
            assert!(!write_short_decimal(&mut out, value), "{value}");
        }
        assert!(out.is_empty());
    }

    proptest! {
        #[test]
        fn any_string_reads_back(text: String) {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn any_finite_float_reads_back_to_the_same_bits(value in proptest::num::f64::ANY.prop_filter("finite", |v| v.is_finite())) {
            let text = written(Value::Float(value)).unwrap();
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }
}
