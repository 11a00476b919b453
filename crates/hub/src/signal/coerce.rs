//! Turning what a peer sent into what a signal holds (RV-43).

use super::value::{Kind, Value};
use crosstie_wire::realvirtual::Value as Wire;

/// A value fitted to a kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// What is stored.
    pub value: Value,
    /// The sender surely holds the same value: it need not be told.
    pub exact: bool,
}

/// Fits a received value to a kind; `None` when it does not stand for any value of that kind.
///
/// To float: numbers, bools as 0 and 1. To int: truncated toward zero and saturated to 32 bits. To bool: bools, numbers other
/// than zero, the words true and false in any case. To text: texts, the shortest form of others. A text in JSON's number
/// syntax counts as that number.
pub fn fit(kind: Kind, received: Wire<'_>) -> Option<Fitted> {
    match kind {
        Kind::Bool => fit_bool(received),
        Kind::Int => fit_int(received),
        Kind::Float => fit_float(received),
        Kind::Text => fit_text(received),
    }
}

fn fit_bool(received: Wire<'_>) -> Option<Fitted> {
    let (value, exact) = match received {
        Wire::Bool(value) => (value, true),
        Wire::Int(number) => (number != 0, false),
        Wire::Float(number) => (number != 0.0, false),
        Wire::Text(text) if text.eq_ignore_ascii_case("true") => (true, false),
        Wire::Text(text) if text.eq_ignore_ascii_case("false") => (false, false),
        Wire::Text(text) => (json_number(text)? != 0.0, false),
        Wire::Unusable => return None,
    };
    Some(Fitted {
        value: Value::Bool(value),
        exact,
    })
}

fn fit_int(received: Wire<'_>) -> Option<Fitted> {
    let (value, exact) = match received {
        Wire::Bool(value) => (i64::from(value), false),
        Wire::Int(number) => {
            let stored = number.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
            (stored, stored == number)
        }
        Wire::Float(number) => {
            let stored = truncated(number);
            (stored, stored as f64 == number)
        }
        Wire::Text(text) => (truncated(json_number(text)?), false),
        Wire::Unusable => return None,
    };
    Some(Fitted {
        value: Value::Int(value),
        exact,
    })
}

fn fit_float(received: Wire<'_>) -> Option<Fitted> {
    let (value, exact) = match received {
        Wire::Bool(value) => (f64::from(u8::from(value)), false),
        Wire::Int(number) => (number as f64, true),
        Wire::Float(number) => (number, true),
        Wire::Text(text) => (json_number(text)?, false),
        Wire::Unusable => return None,
    };
    value.is_finite().then_some(Fitted {
        value: Value::Float(value),
        exact,
    })
}

fn fit_text(received: Wire<'_>) -> Option<Fitted> {
    let text = match received {
        Wire::Text(text) => {
            return Some(Fitted {
                value: Value::Text(text.into()),
                exact: true,
            });
        }
        Wire::Unusable => return None,
        other => {
            let mut out = Vec::with_capacity(24);
            if !crosstie_wire::realvirtual::write_value(&mut out, other) {
                return None;
            }
            String::from_utf8(out).ok()?
        }
    };
    Some(Fitted {
        value: Value::Text(text.into()),
        exact: false,
    })
}

/// Toward zero, and no further than 32 bits reach. A Rust cast saturates.
fn truncated(number: f64) -> i64 {
    i64::from(number.trunc() as i32)
}

/// The number that a text in JSON's number syntax stands for, when it is finite.
fn json_number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let mut bytes = digits.bytes();
    let starts_well = match bytes.next()? {
        b'0' => !matches!(digits.as_bytes().get(1), Some(b'0'..=b'9')),
        b'1'..=b'9' => true,
        _ => false,
    };
    let only_number_signs = digits
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    let dot_is_followed = digits
        .bytes()
        .zip(digits.bytes().skip(1).map(Some).chain([None]))
        .all(|(byte, next)| byte != b'.' || matches!(next, Some(b'0'..=b'9')));
    if !(starts_well && only_number_signs && dot_is_followed) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, received: Wire<'_>, expected: Option<(Value, bool)>) {
        let fitted = fit(kind, received).map(|fitted| (fitted.value, fitted.exact));
        assert_eq!(fitted, expected, "{received:?} as {kind:?}");
    }

    #[test]
    fn every_row_of_the_coercion_table() {
        check(Kind::Float, Wire::Int(1), Some((Value::Float(1.0), true)));
        check(Kind::Float, Wire::Float(2.5), Some((Value::Float(2.5), true)));
        check(Kind::Float, Wire::Bool(true), Some((Value::Float(1.0), false)));
        check(Kind::Float, Wire::Text("12.5"), Some((Value::Float(12.5), false)));
        check(Kind::Float, Wire::Text("-1e3"), Some((Value::Float(-1000.0), false)));
        check(Kind::Int, Wire::Float(2.7), Some((Value::Int(2), false)));
        check(Kind::Int, Wire::Float(-2.7), Some((Value::Int(-2), false)));
        check(Kind::Int, Wire::Float(1.0), Some((Value::Int(1), true)));
        check(
            Kind::Int,
            Wire::Int(i64::from(i32::MAX)),
            Some((Value::Int(2_147_483_647), true)),
        );
        check(
            Kind::Int,
            Wire::Int(i64::from(i32::MAX) + 1),
            Some((Value::Int(2_147_483_647), false)),
        );
        check(
            Kind::Int,
            Wire::Int(i64::MIN),
            Some((Value::Int(-2_147_483_648), false)),
        );
        check(Kind::Int, Wire::Float(1e300), Some((Value::Int(2_147_483_647), false)));
        check(Kind::Int, Wire::Bool(true), Some((Value::Int(1), false)));
        check(Kind::Int, Wire::Text("7.9"), Some((Value::Int(7), false)));
        check(Kind::Bool, Wire::Int(0), Some((Value::Bool(false), false)));
        check(Kind::Bool, Wire::Float(0.1), Some((Value::Bool(true), false)));
        check(Kind::Bool, Wire::Text("TRUE"), Some((Value::Bool(true), false)));
        check(Kind::Bool, Wire::Text("False"), Some((Value::Bool(false), false)));
        check(Kind::Bool, Wire::Text("0"), Some((Value::Bool(false), false)));
        check(Kind::Bool, Wire::Text("2"), Some((Value::Bool(true), false)));
        check(Kind::Text, Wire::Int(5), Some((Value::Text("5".into()), false)));
        check(Kind::Text, Wire::Float(2.5), Some((Value::Text("2.5".into()), false)));
        check(Kind::Text, Wire::Float(5.0), Some((Value::Text("5".into()), false)));
        check(
            Kind::Text,
            Wire::Bool(false),
            Some((Value::Text("false".into()), false)),
        );
        check(Kind::Text, Wire::Text("x"), Some((Value::Text("x".into()), true)));
    }

    #[test]
    fn what_stands_for_nothing_is_refused() {
        for kind in [Kind::Bool, Kind::Int, Kind::Float, Kind::Text] {
            check(kind, Wire::Unusable, None);
        }
        for text in [
            "", "abc", "1.", ".5", "01", "+1", "0x10", "NaN", "inf", "1e999", " 7 ", "1e", "--1", "1-1", "-",
        ] {
            check(Kind::Float, Wire::Text(text), None);
            check(Kind::Int, Wire::Text(text), None);
            check(Kind::Bool, Wire::Text(text), None);
        }
    }
}
