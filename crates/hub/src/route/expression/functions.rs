//! The functions that expressions have: those of the language, and those of `math`. None of them knows the time or keeps anything.

use super::machine::{Item, Outcome, too_large};
use super::tokens::TOKENS_MAX;
use super::{Failure, TEXT_LEN_MAX};
use std::cmp::Ordering;

/// What a function does with its values.
pub(super) type Function = fn(&[Item]) -> Outcome;

/// A function by its name.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: &'static str,
    /// Values that it takes in its brackets.
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) function: Function,
}

const fn call(name: &'static str, count: usize, function: Function) -> Call {
    Call {
        name,
        least: count,
        most: count,
        function,
    }
}

const fn call_of_many(name: &'static str, function: Function) -> Call {
    Call {
        name,
        least: 1,
        most: TOKENS_MAX,
        function,
    }
}

/// The functions of the language.
pub(super) const FUNCTIONS: [Call; 6] = [
    call("bool", 1, bool),
    call("double", 1, double),
    call("int", 1, int),
    call("size", 1, size),
    call("string", 1, string),
    call("uint", 1, uint),
];

/// Those that are written behind a text or a list.
pub(super) const METHODS: [Call; 4] = [
    call("contains", 1, contains),
    call("endsWith", 1, ends_with),
    call("size", 0, size),
    call("startsWith", 1, starts_with),
];

/// Those of `math`.
pub(super) const MATH: [Call; 18] = [
    call("abs", 1, abs),
    call("bitAnd", 2, |items| bits("math.bitAnd", items, |a, b| a & b)),
    call("bitNot", 1, bit_not),
    call("bitOr", 2, |items| bits("math.bitOr", items, |a, b| a | b)),
    call("bitShiftLeft", 2, |items| {
        shifted("math.bitShiftLeft", items, |a, by| a << by)
    }),
    call("bitShiftRight", 2, |items| {
        shifted("math.bitShiftRight", items, |a, by| a >> by)
    }),
    call("bitXor", 2, |items| bits("math.bitXor", items, |a, b| a ^ b)),
    call("ceil", 1, |items| {
        of_double("math.ceil", items, |x| Item::Double(x.ceil()))
    }),
    call("floor", 1, |items| {
        of_double("math.floor", items, |x| Item::Double(x.floor()))
    }),
    call_of_many("greatest", |items| extreme("math.greatest", items, Ordering::Greater)),
    call("isFinite", 1, |items| {
        of_double("math.isFinite", items, |x| Item::Bool(x.is_finite()))
    }),
    call("isInf", 1, |items| {
        of_double("math.isInf", items, |x| Item::Bool(x.is_infinite()))
    }),
    call("isNaN", 1, |items| {
        of_double("math.isNaN", items, |x| Item::Bool(x.is_nan()))
    }),
    call_of_many("least", |items| extreme("math.least", items, Ordering::Less)),
    call("round", 1, |items| {
        of_double("math.round", items, |x| Item::Double(x.round()))
    }),
    call("sign", 1, sign),
    call("sqrt", 1, sqrt),
    call("trunc", 1, |items| {
        of_double("math.trunc", items, |x| Item::Double(x.trunc()))
    }),
];

/// The values are the reason.
pub(super) fn failed(text: &str) -> Failure {
    Failure {
        text: text.to_owned(),
        is_of_kinds: false,
    }
}

/// The types of the values are the reason.
pub(super) fn misfit(what: &str, items: &[&Item]) -> Failure {
    let words: Vec<&str> = items.iter().map(|item| item.word()).collect();
    let hint = match words.contains(&"double") && words.contains(&"int") {
        true => "; whole and other numbers do not mix: write 2.0 for 2, or double(…)",
        false => "",
    };
    Failure {
        text: format!("{what} does not take {}{hint}", words.join(" and ")),
        is_of_kinds: true,
    }
}

fn does_not_take(name: &str, items: &[Item]) -> Failure {
    let items: Vec<&Item> = items.iter().collect();
    misfit(&format!("'{name}'"), &items)
}

fn unreadable(text: &str, what: &str) -> Failure {
    let text: String = text.chars().take(40).collect();
    failed(&format!("'{text}' is no {what}"))
}

fn bool(items: &[Item]) -> Outcome {
    match items {
        [Item::Bool(value)] => Ok(Item::Bool(*value)),
        [Item::Text(text)] => match &**text {
            "1" | "t" | "true" | "TRUE" | "True" => Ok(Item::Bool(true)),
            "0" | "f" | "false" | "FALSE" | "False" => Ok(Item::Bool(false)),
            text => Err(unreadable(text, "bool")),
        },
        other => Err(does_not_take("bool", other)),
    }
}

fn double(items: &[Item]) -> Outcome {
    match items {
        [Item::Double(number)] => Ok(Item::Double(*number)),
        [Item::Int(number)] => Ok(Item::Double(*number as f64)),
        [Item::Uint(number)] => Ok(Item::Double(*number as f64)),
        [Item::Text(text)] => text.parse().map(Item::Double).map_err(|_| unreadable(text, "double")),
        other => Err(does_not_take("double", other)),
    }
}

fn int(items: &[Item]) -> Outcome {
    match items {
        [Item::Int(number)] => Ok(Item::Int(*number)),
        [Item::Uint(number)] => i64::try_from(*number).map(Item::Int).map_err(|_| too_large()),
        // Both bounds are powers of two, so what lies between them is in the range of the cast.
        [Item::Double(number)] if *number > i64::MIN as f64 && *number < i64::MAX as f64 => {
            Ok(Item::Int(*number as i64))
        }
        [Item::Double(_)] => Err(too_large()),
        [Item::Text(text)] => text.parse().map(Item::Int).map_err(|_| unreadable(text, "int")),
        other => Err(does_not_take("int", other)),
    }
}

fn uint(items: &[Item]) -> Outcome {
    match items {
        [Item::Uint(number)] => Ok(Item::Uint(*number)),
        [Item::Int(number)] => u64::try_from(*number)
            .map(Item::Uint)
            .map_err(|_| failed("a uint is not below 0")),
        [Item::Double(number)] if *number >= 0.0 && *number < u64::MAX as f64 => Ok(Item::Uint(*number as u64)),
        [Item::Double(_)] => Err(failed("a uint is not below 0 and has 64 bits")),
        [Item::Text(text)] => text.parse().map(Item::Uint).map_err(|_| unreadable(text, "uint")),
        other => Err(does_not_take("uint", other)),
    }
}

fn string(items: &[Item]) -> Outcome {
    let text = match items {
        [Item::Text(text)] => return Ok(Item::Text(text.clone())),
        [Item::Bool(value)] => value.to_string(),
        [Item::Int(number)] => number.to_string(),
        [Item::Uint(number)] => number.to_string(),
        [Item::Double(number)] => number.to_string(),
        other => return Err(does_not_take("string", other)),
    };
    match text.len() > TEXT_LEN_MAX {
        true => Err(super::too_long(text.len())),
        false => Ok(Item::Text(text.into())),
    }
}

fn size(items: &[Item]) -> Outcome {
    let count = match items {
        [Item::Text(text)] => text.chars().count(),
        [Item::List(items)] => items.len(),
        other => return Err(does_not_take("size", other)),
    };
    i64::try_from(count).map(Item::Int).map_err(|_| too_large())
}

fn of_texts(name: &str, items: &[Item], test: fn(&str, &str) -> bool) -> Outcome {
    match items {
        [Item::Text(text), Item::Text(part)] => Ok(Item::Bool(test(text, part))),
        other => Err(does_not_take(name, other)),
    }
}

fn contains(items: &[Item]) -> Outcome {
    of_texts("contains", items, |text, part| text.contains(part))
}

fn starts_with(items: &[Item]) -> Outcome {
    of_texts("startsWith", items, |text, part| text.starts_with(part))
}

fn ends_with(items: &[Item]) -> Outcome {
    of_texts("endsWith", items, |text, part| text.ends_with(part))
}

fn of_double(name: &str, items: &[Item], function: fn(f64) -> Item) -> Outcome {
    match items {
        [Item::Double(number)] => Ok(function(*number)),
        other => Err(does_not_take(name, other)),
    }
}

fn abs(items: &[Item]) -> Outcome {
    match items {
        [Item::Double(number)] => Ok(Item::Double(number.abs())),
        [Item::Int(number)] => number.checked_abs().map(Item::Int).ok_or_else(too_large),
        [Item::Uint(number)] => Ok(Item::Uint(*number)),
        other => Err(does_not_take("math.abs", other)),
    }
}

fn sign(items: &[Item]) -> Outcome {
    match items {
        [Item::Double(number)] if *number > 0.0 => Ok(Item::Double(1.0)),
        [Item::Double(number)] if *number < 0.0 => Ok(Item::Double(-1.0)),
        [Item::Double(number)] if *number == 0.0 => Ok(Item::Double(0.0)),
        [Item::Double(number)] => Ok(Item::Double(*number)),
        [Item::Int(number)] => Ok(Item::Int(number.signum())),
        [Item::Uint(number)] => Ok(Item::Uint(u64::from(*number != 0))),
        other => Err(does_not_take("math.sign", other)),
    }
}

fn sqrt(items: &[Item]) -> Outcome {
    match items {
        [Item::Double(number)] => Ok(Item::Double(number.sqrt())),
        [Item::Int(number)] => Ok(Item::Double((*number as f64).sqrt())),
        [Item::Uint(number)] => Ok(Item::Double((*number as f64).sqrt())),
        other => Err(does_not_take("math.sqrt", other)),
    }
}

fn bits(name: &str, items: &[Item], function: fn(u64, u64) -> u64) -> Outcome {
    match items {
        [Item::Int(left), Item::Int(right)] => Ok(Item::Int(function(*left as u64, *right as u64) as i64)),
        [Item::Uint(left), Item::Uint(right)] => Ok(Item::Uint(function(*left, *right))),
        other => Err(does_not_take(name, other)),
    }
}

fn bit_not(items: &[Item]) -> Outcome {
    match items {
        [Item::Int(number)] => Ok(Item::Int(!number)),
        [Item::Uint(number)] => Ok(Item::Uint(!number)),
        other => Err(does_not_take("math.bitNot", other)),
    }
}

/// Zeros come in from either side: the sign is a bit like any other.
fn shifted(name: &str, items: &[Item], function: fn(u64, u32) -> u64) -> Outcome {
    let by = match items {
        [Item::Int(_) | Item::Uint(_), Item::Int(by)] if *by < 0 => return Err(failed("a shift is not below 0")),
        [Item::Int(_) | Item::Uint(_), Item::Int(by)] => u32::try_from(*by).ok().filter(|by| *by < u64::BITS),
        other => return Err(does_not_take(name, other)),
    };
    let shift = |number: u64| by.map_or(0, |by| function(number, by));
    match items {
        [Item::Int(number), _] => Ok(Item::Int(shift(*number as u64) as i64)),
        [Item::Uint(number), _] => Ok(Item::Uint(shift(*number))),
        other => Err(does_not_take(name, other)),
    }
}

/// The greatest or least of numbers, or of a list of them; the first of equal ones.
fn extreme(name: &str, items: &[Item], wanted: Ordering) -> Outcome {
    let items = match items {
        [Item::List(items)] => items.as_slice(),
        items => items,
    };
    let Some((first, others)) = items.split_first() else {
        return Err(failed("an empty list has no greatest and no least element"));
    };
    let is_number = |item: &Item| matches!(item, Item::Int(_) | Item::Uint(_) | Item::Double(_));
    if !items.iter().all(is_number) {
        return Err(does_not_take(name, items));
    }
    let mut extreme = first;
    for item in others {
        match extreme.compare(item) {
            Some(ordering) if ordering == wanted.reverse() => extreme = item,
            Some(_) => {}
            None => return Err(failed("what is no number is neither greater nor less")),
        }
    }
    Ok(extreme.clone())
}
