//! Patterns of names that catch what their wildcards stand for, and names with `$1` for what was caught.

use crate::signal::name::{canonical, parts};

/// Wildcards of a pattern: `$1` to `$9` name them. One with more is refused.
pub(crate) const WILDCARDS_MAX: usize = 9;

/// A pattern over names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Matcher {
    parts: Vec<Part>,
    /// It ends with `**`.
    rest: bool,
    wildcards: usize,
}

/// One part of a name: the pieces of text around its wildcards. Without a wildcard it is one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    pieces: Vec<String>,
}

/// Is this a pattern rather than a name?
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains('*')
}

impl Matcher {
    /// Reads a pattern: `*` stands for one part or at least one character of a part, a last `**` for the rest.
    ///
    /// # Errors
    ///
    /// Why it is none.
    pub(crate) fn read(text: &str, name_len_max: usize) -> Result<Matcher, String> {
        // A pattern is spelt like a name; an address without wildcards gets its one spelling.
        let text = canonical(text, name_len_max).map_err(|error| error.to_string())?;
        let mut list = parts(&text);
        let rest = list.last().is_some_and(|last| *last == "**");
        if rest {
            list.pop();
        }
        let is_of_plc = list.len() == 3 && list[0] == "plc";
        let mut wildcards = usize::from(rest);
        let mut read = Vec::new();
        for (index, part) in list.iter().enumerate() {
            if part.contains("**") {
                return Err(format!(
                    "'{text}': '**' stands for the rest of a name, so it is the last segment"
                ));
            }
            let is_address = is_of_plc && index == 2 && part.contains(':');
            let part = if is_address {
                part.to_uppercase()
            } else {
                (*part).to_owned()
            };
            let pieces: Vec<String> = part.split('*').map(str::to_owned).collect();
            wildcards += pieces.len() - 1;
            read.push(Part { pieces });
        }
        if wildcards > WILDCARDS_MAX {
            return Err(format!("'{text}' has more than {WILDCARDS_MAX} wildcards"));
        }
        Ok(Matcher {
            parts: read,
            rest,
            wildcards,
        })
    }

    /// How many wildcards it has.
    pub(crate) fn wildcards(&self) -> usize {
        self.wildcards
    }

    /// What its wildcards catch of a canonical name; `None` when it does not fit.
    pub(crate) fn captures(&self, name: &str) -> Option<Vec<String>> {
        let given = parts(name);
        if given.len() < self.parts.len() + usize::from(self.rest) || (!self.rest && given.len() > self.parts.len()) {
            return None;
        }
        let mut caught = Vec::with_capacity(self.wildcards);
        for (part, text) in self.parts.iter().zip(&given) {
            part.capture(text, &mut caught)?;
        }
        if self.rest {
            caught.push(given[self.parts.len()..].join("/"));
        }
        Some(caught)
    }

    /// It is about symbols of programs: under a PLC context, without an address and without a wildcard for the whole place.
    pub(crate) fn is_of_symbols(&self) -> bool {
        self.cell().is_some_and(|cell| {
            let is_whole = cell.pieces.len() == 2 && cell.pieces.iter().all(String::is_empty);
            !is_whole && !cell.pieces.iter().any(|piece| piece.contains(':'))
        })
    }

    /// The address that it names in every context that fits.
    pub(crate) fn address(&self) -> Option<&str> {
        let cell = self.cell()?;
        (cell.pieces.len() == 1 && cell.pieces[0].contains(':')).then(|| cell.pieces[0].as_str())
    }

    /// What stands behind a PLC context.
    fn cell(&self) -> Option<&Part> {
        let is_plc = self.parts.first().is_some_and(|first| first.pieces == ["plc"]);
        (is_plc && !self.rest).then(|| self.parts.get(2)).flatten()
    }
}

impl Part {
    fn capture(&self, text: &str, caught: &mut Vec<String>) -> Option<()> {
        let (first, others) = self.pieces.split_first()?;
        let Some((last, middle)) = others.split_last() else {
            return (text == first).then_some(());
        };
        let mut left = text.strip_prefix(first.as_str())?;
        // What a wildcard catches is not empty, and as short as it can be.
        let second_sign = |text: &str| text.char_indices().nth(1).map(|(index, _)| index).unwrap_or(text.len());
        for piece in middle {
            if left.is_empty() {
                return None;
            }
            let from = second_sign(left);
            let at = from + left[from..].find(piece.as_str())?;
            caught.push(segment(&left[..at]));
            left = &left[at + piece.len()..];
        }
        let end = left.strip_suffix(last.as_str())?;
        if end.is_empty() {
            return None;
        }
        caught.push(segment(end));
        Some(())
    }
}

/// What was caught of one part stays one segment wherever it is put: a PLC address has a `/` of its own.
fn segment(text: &str) -> String {
    text.replace('/', "~1")
}

/// The greatest number behind a `$` of a text; 0 when there is none.
///
/// # Errors
///
/// `$0`, which names nothing.
pub(crate) fn highest_capture(text: &str) -> Result<usize, String> {
    let mut highest = 0;
    for after in text.split('$').skip(1) {
        match after.chars().next().and_then(|sign| sign.to_digit(10)) {
            Some(0) => {
                return Err(format!(
                    "'{text}': expected $1 for what the first wildcard catches, not $0"
                ));
            }
            Some(number) => highest = highest.max(number as usize),
            None => {}
        }
    }
    Ok(highest)
}

/// Puts what was caught in the place of `$1` and so on.
pub(crate) fn filled(template: &str, caught: &[String]) -> String {
    let mut pieces = template.split('$');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let number = piece.chars().next().and_then(|sign| sign.to_digit(10)).unwrap_or(0) as usize;
        match number.checked_sub(1).and_then(|index| caught.get(index)) {
            Some(found) => {
                text.push_str(found);
                text.push_str(&piece[1..]);
            }
            None => {
                text.push('$');
                text.push_str(piece);
            }
        }
    }
    text
}

/// Names that stand for every name that a pattern or a name with captures can become, for questions about rights: no signal has
/// them, so only rights that hold every such name hold them.
///
/// `spans` says that one wildcard stands for the rest of a name, which may be several segments.
pub(crate) fn any_names(text: &str, spans: bool) -> Vec<String> {
    const ANY: &str = "\u{0}";
    let mut short = text.replace("**", ANY).replace('*', ANY);
    for number in 1..=WILDCARDS_MAX {
        short = short.replace(&format!("${number}"), ANY);
    }
    if short == text || !spans {
        return vec![short];
    }
    vec![short.replace(ANY, &format!("{ANY}/{ANY}")), short]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caught(pattern: &str, name: &str) -> Option<Vec<String>> {
        Matcher::read(pattern, 99).unwrap().captures(name)
    }

    #[test]
    fn wildcards_catch_parts_pieces_of_parts_and_the_rest() {
        let check = |pattern: &str, name: &str, expected: Option<&[&str]>| {
            let expected = expected.map(|list| list.iter().map(|text| (*text).to_owned()).collect());
            assert_eq!(caught(pattern, name), expected, "{pattern} on {name}");
        };
        check("plc/*/O:0/3", "plc/PLC1/O:0/3", Some(&["PLC1"]));
        check("plc/*/o:00/03", "plc/PLC1/O:0/3", Some(&["PLC1"]));
        check("plc/*/O:0/3", "plc/PLC1/O:0/4", None);
        check("plc/line/O:0/*", "plc/line/O:0/13", Some(&["13"]));
        check("plc/line/o:0/*", "plc/line/O:0/13", Some(&["13"]));
        check("plc/line/*", "plc/line/O:0/13", Some(&["O:0~113"]));
        check("plc/**", "plc/line/O:0/13", Some(&["line/O:0/13"]));
        check("twin/line/Sensor*", "twin/line/Sensor12", Some(&["12"]));
        check("twin/line/Sensor*", "twin/line/Sensor", None);
        check("twin/line/*_*", "twin/line/a_b_c", Some(&["a", "b_c"]));
        check("twin/line/*x*", "twin/line/xxx", Some(&["x", "x"]));
        check("twin/*/*/Run", "twin/a/b/Run", Some(&["a", "b"]));
        check("twin/*", "twin/a/b", None);
        check("twin/**", "twin/a/b", Some(&["a/b"]));
        check("twin/**", "twin", None);
        check("twin/line/é*", "twin/line/éü", Some(&["ü"]));
    }

    #[test]
    fn patterns_that_are_none_say_why() {
        let check = |pattern: &str, words: &str| {
            let text = Matcher::read(pattern, 99).unwrap_err();
            assert!(text.contains(words), "{pattern}: {text}");
        };
        check("*/line/Run", "should begin with");
        check("**", "should begin with");
        check("twin/**/Run", "the last segment");
        check("twin/a**", "the last segment");
        check("twin//*", "segment 2");
        check("twin/*/*/*/*/*/*/*/*/*/*", "more than 9 wildcards");
    }

    #[test]
    fn captures_are_put_where_their_numbers_stand() {
        let caught = [String::from("A"), String::from("B")];
        assert_eq!(filled("twin/line/$1.$2/$1", &caught), "twin/line/A.B/A");
        assert_eq!(filled("twin/$/US$x/$3", &caught), "twin/$/US$x/$3");
        assert_eq!(highest_capture("twin/$2/$1"), Ok(2));
        assert_eq!(highest_capture("twin/$x$"), Ok(0));
        assert!(highest_capture("twin/$0").unwrap_err().contains("not $0"));
    }

    #[test]
    fn symbols_and_addresses_are_told_apart() {
        let read = |text: &str| Matcher::read(text, 99).unwrap();
        assert!(read("plc/*/Start").is_of_symbols());
        assert!(read("plc/*/Sensor*").is_of_symbols());
        assert!(!read("plc/line/*").is_of_symbols());
        assert!(!read("plc/*/O:0/*").is_of_symbols());
        assert!(!read("twin/*/Start").is_of_symbols());
        assert_eq!(read("plc/*/o:0/3").address(), Some("O:0/3"));
        assert_eq!(read("plc/line/O:0/*").address(), None);
        assert_eq!(read("plc/**").address(), None);
    }
}
