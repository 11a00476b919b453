//! What a script expects of a signal: a value, or a comparison written as a text.

use super::compare::is_about;
use super::trace::{Trust, shown};
use crosstie_hub::signal::Value;

/// What a signal is to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wanted {
    /// This value. Numbers are compared as numbers, whatever their kinds; a bit counts as 0 or 1 beside a number.
    Is(Value),
    /// Anything but this value.
    Not(Value),
    /// A number that stands so to another.
    Order(Order, f64),
    /// A number no further from the first than the second.
    About(f64, f64),
    /// A number from the first to the second, both counting.
    Within(f64, f64),
    /// Any value of this quality.
    Trusted(Trust),
}

/// How two numbers stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
}

/// The forms of a text, for messages.
pub(crate) const FORMS: &str = "a value, or a text such as \"> 80\", \">= 80\", \"< 3\", \"<= 3\", \"!= 3\", \"0.5 +- 0.1\", \"10..20\", \"is stale\"; \"= text\" is the text itself";

impl Wanted {
    /// Reads a text; `None` when it begins like a comparison and is none. What is no comparison is the text itself.
    pub(crate) fn read(text: &str) -> Option<Wanted> {
        let text = text.trim();
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        if let Some(word) = text.strip_prefix("is ") {
            return Trust::from_word(word.trim()).map(Wanted::Trusted);
        }
        if let Some(rest) = text.strip_prefix("!=") {
            return Some(Wanted::Not(plain(rest.trim())));
        }
        let orders = [
            ("<=", Order::AtMost),
            (">=", Order::AtLeast),
            ("<", Order::Below),
            (">", Order::Above),
        ];
        for (sign, order) in orders {
            if let Some(rest) = text.strip_prefix(sign) {
                return number(rest).map(|limit| Wanted::Order(order, limit));
            }
        }
        if let Some(rest) = text.strip_prefix('=') {
            return Some(Wanted::Is(Value::Text(rest.trim().into())));
        }
        for sign in ["±", "+-"] {
            if let Some((middle, width)) = text.split_once(sign)
                && let Some(middle) = number(middle)
            {
                let width = number(width).filter(|width| *width >= 0.0);
                return width.map(|width| Wanted::About(middle, width));
            }
        }
        if let Some((from, to)) = text.split_once("..")
            && let (Some(from), Some(to)) = (number(from), number(to))
        {
            return (from <= to).then_some(Wanted::Within(from, to));
        }
        Some(Wanted::Is(Value::Text(text.into())))
    }

    /// Is it so? A value that was never written is only what asks for its quality.
    pub(crate) fn holds(&self, value: &Value, trust: Trust) -> bool {
        match self {
            Wanted::Is(wanted) => is_same(wanted, value),
            Wanted::Not(unwanted) => !is_same(unwanted, value),
            Wanted::Order(order, limit) => number(value).is_some_and(|number| match order {
                Order::Below => number < *limit,
                Order::AtMost => number <= *limit,
                Order::Above => number > *limit,
                Order::AtLeast => number >= *limit,
            }),
            Wanted::About(middle, width) => {
                number(value).is_some_and(|number| is_about(&Value::Float(number), &Value::Float(*middle), *width))
            }
            Wanted::Within(from, to) => number(value).is_some_and(|number| (*from..=*to).contains(&number)),
            Wanted::Trusted(wanted) => trust == *wanted,
        }
    }
}

impl std::fmt::Display for Wanted {
    /// As it follows the name of a signal: `= true`, `> 80`, `is stale`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Wanted::Is(value) => write!(f, "= {}", shown(value)),
            Wanted::Not(value) => write!(f, "!= {}", shown(value)),
            Wanted::Order(order, limit) => {
                let sign = match order {
                    Order::Below => "<",
                    Order::AtMost => "<=",
                    Order::Above => ">",
                    Order::AtLeast => ">=",
                };
                write!(f, "{sign} {limit}")
            }
            Wanted::About(middle, width) => write!(f, "= {middle} ± {width}"),
            Wanted::Within(from, to) => write!(f, "= {from}..{to}"),
            Wanted::Trusted(trust) => write!(f, "is {}", trust.word()),
        }
    }
}

/// A value behind a sign: a bit, a number, or the text.
fn plain(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        text => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Float(number),
            _ => Value::Text(text.into()),
        },
    }
}

fn is_same(wanted: &Value, value: &Value) -> bool {
    match (wanted, value) {
        (Value::Text(_), _) | (_, Value::Text(_)) => wanted == value,
        (wanted, value) => match (number(wanted), number(value)) {
            (Some(wanted), Some(value)) => Value::Float(wanted).is_same(&Value::Float(value)),
            _ => false,
        },
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(bit) => Some(f64::from(u8::from(*bit))),
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_comparisons_or_themselves() {
        let check = |text: &str, shown: Option<&str>| {
            let read = Wanted::read(text).map(|wanted| wanted.to_string());
            assert_eq!(read.as_deref(), shown, "{text}");
        };
        check("> 80", Some("> 80"));
        check(">=80.5", Some(">= 80.5"));
        check("< -3", Some("< -3"));
        check("<= 3", Some("<= 3"));
        check("!= 3", Some("!= 3"));
        check("!= Running", Some("!= \"Running\""));
        check("0.5 ± 0.1", Some("= 0.5 ± 0.1"));
        check("0.5 +- 0.1", Some("= 0.5 ± 0.1"));
        check("10..20", Some("= 10..20"));
        check("is stale", Some("is stale"));
        check("Running", Some("= \"Running\""));
        check("= > 80", Some("= \"> 80\""));
        check("a..b", Some("= \"a..b\""));
        check("> much", None);
        check("20..10", None);
        check("1 ± -1", None);
        check("is here", None);
    }

    #[test]
    fn what_holds_and_what_does_not() {
        let check = |text: &str, value: Value, holds: bool| {
            let wanted = Wanted::read(text).unwrap();
            assert_eq!(wanted.holds(&value, Trust::Good), holds, "{text} of {value:?}");
        };
        check("> 80", Value::Float(80.5), true);
        check("> 80", Value::Int(80), false);
        check("> 80", Value::Text("90".into()), false);
        check("0.5 ± 0.1", Value::Float(0.6), true);
        check("0.5 ± 0.1", Value::Float(0.601), false);
        check("10..20", Value::Int(20), true);
        check("10..20", Value::Float(20.1), false);
        check("!= 3", Value::Int(3), false);
        check("!= true", Value::Bool(false), true);
        check("Running", Value::Text("Running".into()), true);
        check("is stale", Value::Int(0), false);
        let holds = |wanted: Value, value: Value| Wanted::Is(wanted).holds(&value, Trust::Stale);
        assert!(holds(Value::Int(200), Value::Float(200.0)));
        assert!(holds(Value::Bool(true), Value::Int(1)));
        assert!(!holds(Value::Bool(true), Value::Int(2)));
        assert!(!holds(Value::Int(1), Value::Text("1".into())));
    }
}
