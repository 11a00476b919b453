//! Tables inside one cell: `a=b;c=d`, as the inputs and the map of a route stand in a CSV file.
//!
//! A name or a value that could be read otherwise stands in double quotes, in which `\"` is a quote and `\\` a backslash. A value
//! without quotes is `true`, `false` or a number where it reads like one, and a text otherwise.

use super::super::raw::{RawEntry, RawValue};
use crosstie_hub::signal::Value;
use std::ops::Range;

/// Writes the pairs of one cell.
pub(crate) fn put_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let pairs = pairs.into_iter().map(|(name, value)| {
        let is_plain = !is_ambiguous(name);
        match is_plain {
            true => format!("{name}={value}"),
            false => format!("{}={value}", quoted(name)),
        }
    });
    pairs.collect::<Vec<_>>().join(";")
}

/// A text as it stands in a pair.
pub(crate) fn text_cell(text: &str) -> String {
    match is_ambiguous(text) || !matches!(plain_value(text), RawValue::Text(_)) {
        true => quoted(text),
        false => text.to_owned(),
    }
}

/// A value as it stands in a pair.
pub(crate) fn value_cell(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        // Shortest, and with a point or an exponent, so that it stays what it is.
        Value::Float(number) => format!("{number:?}"),
        Value::Text(text) => text_cell(text),
    }
}

/// Reads the pairs of one cell; every mistake has the place of the whole cell. The error is what was expected.
pub(crate) fn pairs(cell: &str, span: &Range<usize>) -> Result<Vec<RawEntry>, &'static str> {
    let mut rest = cell.trim_start();
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (name, after) = part(rest, '=')?;
        let after = after.ok_or("pairs such as a=b;c=d")?;
        let (value, after) = part(after, ';')?;
        entries.push(RawEntry {
            key: match name {
                Part::Quoted(name) => name,
                Part::Plain(name) => name.to_owned(),
            },
            key_span: span.clone(),
            value: match value {
                Part::Quoted(text) => RawValue::Text(text),
                Part::Plain(text) => plain_value(text),
            },
            value_span: span.clone(),
        });
        rest = after.unwrap_or_default().trim_start();
    }
    Ok(entries)
}

/// Reads pairs, such as those of a flag, as an object. The error is what was expected.
pub(crate) fn pairs_to_json(cell: &str) -> Result<serde_json::Value, &'static str> {
    let entries = pairs(cell, &(0..0))?.into_iter().map(|entry| {
        let value = match entry.value {
            RawValue::Flag(flag) => flag.into(),
            RawValue::Whole(number) => number.into(),
            RawValue::Float(number) => number.into(),
            RawValue::Text(text) => text.into(),
            _ => serde_json::Value::Null,
        };
        (entry.key, value)
    });
    Ok(entries.collect())
}

enum Part<'a> {
    Quoted(String),
    Plain(&'a str),
}

/// What stands before a sign, and what follows it; `None` where the sign does not come any more.
fn part(text: &str, end: char) -> Result<(Part<'_>, Option<&str>), &'static str> {
    let text = text.trim_start();
    if let Some(inside) = text.strip_prefix('"') {
        let (content, after) = unquoted(inside).ok_or("a closing quote behind each opening one")?;
        let after = after.trim_start();
        return match (after.strip_prefix(end), after.is_empty()) {
            (Some(after), _) => Ok((Part::Quoted(content), Some(after))),
            (None, true) => Ok((Part::Quoted(content), None)),
            (None, false) => Err("nothing between a closing quote and the next `=` or `;`"),
        };
    }
    match text.split_once(end) {
        Some((content, after)) => Ok((Part::Plain(content.trim()), Some(after))),
        None => Ok((Part::Plain(text.trim()), None)),
    }
}

/// The text up to the closing quote, and what follows it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut content = String::new();
    let mut signs = text.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return Some((content, &text[at + 1..])),
            '\\' => content.push(signs.next()?.1),
            sign => content.push(sign),
        }
    }
    None
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Would this be read otherwise without quotes?
fn is_ambiguous(text: &str) -> bool {
    text.is_empty() || text.trim() != text || text.contains(['=', ';', '"'])
}

/// What a value without quotes is.
fn plain_value(text: &str) -> RawValue {
    if let Ok(flag) = text.to_ascii_lowercase().parse() {
        return RawValue::Flag(flag);
    }
    if let Ok(number) = text.parse() {
        return RawValue::Whole(number);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => RawValue::Float(number),
        _ => RawValue::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cell: &str) -> Result<Vec<(String, RawValue)>, &'static str> {
        let entries = pairs(cell, &(0..0))?;
        Ok(entries.into_iter().map(|entry| (entry.key, entry.value)).collect())
    }

    #[test]
    fn a_cell_holds_pairs_and_a_value_is_what_it_reads_like() {
        let text = |text: &str| RawValue::Text(text.to_owned());
        let expected = vec![
            (String::from("0"), text("Off")),
            (String::from("1"), RawValue::Flag(true)),
            (String::from("a=b"), RawValue::Whole(-3)),
            (String::from("*"), RawValue::Float(2.5)),
            (String::from("x"), text("1")),
            (String::from(""), text("")),
        ];
        let cell = " 0 = Off ;1=TRUE; \"a=b\" =-3;*=2.5;x=\"1\";=;";
        assert_eq!(read(cell).unwrap(), expected);
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn what_is_no_list_of_pairs_is_told() {
        assert_eq!(read("a"), Err("pairs such as a=b;c=d"));
        assert_eq!(read("a=1;b"), Err("pairs such as a=b;c=d"));
        assert_eq!(read("\"a=1"), Err("a closing quote behind each opening one"));
        assert_eq!(
            read("\"a\"b=1"),
            Err("nothing between a closing quote and the next `=` or `;`")
        );
    }

    #[test]
    fn every_text_comes_back() {
        for text in [
            "", " a ", "a;b", "a=b", "\"", "\\", "a\\\"", "true", "TRUE", "1", "1e9", "inf", "nan", "ü", "-",
        ] {
            let cell = put_pairs([(text, value_cell(&Value::Text(text.into())))]);
            let expected = vec![(text.to_owned(), RawValue::Text(text.to_owned()))];
            assert_eq!(read(&cell), Ok(expected), "{cell}");
        }
        for number in [0.1, -5.0, 1e300, 1e-9, 123456789.0] {
            let cell = put_pairs([("a", value_cell(&Value::Float(number)))]);
            assert_eq!(read(&cell).unwrap()[0].1, RawValue::Float(number), "{cell}");
        }
    }
}
