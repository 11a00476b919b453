//! Names in the signal space and patterns over them.
//!
//! A name is a path of segments joined by `/`; the first segment says where the signal comes from. Inside a segment `~1`
//! stands for `/` and `~0` for `~`. After `plc/<context>/` the rest is one PLC address or symbol, written plainly:
//! `plc/PLC1/O:0/3` has three parts.

use crosstie_ladder::address::Address;

/// The first segments that exist.
pub const ROOTS: [&str; 4] = ["plc", "twin", "sim", "sys"];

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty or one of its segments is.
    #[error("segment {position} of '{name}' is empty")]
    EmptySegment {
        /// The name.
        name: String,
        /// Which segment, counted from 1.
        position: usize,
    },
    /// Its first segment is none of [`ROOTS`], or nothing follows it.
    #[error("'{name}' should begin with plc/, twin/, sim/ or sys/")]
    UnknownRoot {
        /// The name.
        name: String,
    },
    /// A `~` that is not followed by `0` or `1`.
    #[error("in '{name}' a '~' should be written ~0 and a '/' inside a segment ~1")]
    BadEscape {
        /// The name.
        name: String,
    },
    /// One of its segments is `.` or `..`.
    #[error("segment {position} of '{name}' is '{}': browsers take it out of an address", name.split('/').nth(position - 1).unwrap_or_default())]
    DotSegment {
        /// The name.
        name: String,
        /// Which segment, counted from 1.
        position: usize,
    },
    /// A control character stands in it.
    #[error("'{name}' holds a control character")]
    Control {
        /// The name.
        name: String,
    },
    /// It is longer than the limit.
    #[error("a name of {got} bytes is longer than {limit}")]
    TooLong {
        /// Bytes it has.
        got: usize,
        /// Bytes allowed.
        limit: usize,
    },
}

/// Writes one segment: `/` as `~1`, `~` as `~0`.
pub fn escape_segment(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// Is it `.` or `..`? Browsers and proxies fold these segments of a path, however they are written, so that nobody could ask for a
/// thing of this name, or remove it.
pub fn is_dots(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

/// Checks a name and gives its one canonical spelling: PLC addresses in upper case without leading zeros, so that one cell
/// has one name.
pub fn canonical(name: &str, len_max: usize) -> Result<String, NameError> {
    if name.len() > len_max {
        return Err(NameError::TooLong {
            got: name.len(),
            limit: len_max,
        });
    }
    if name.chars().any(char::is_control) {
        return Err(NameError::Control { name: name.to_owned() });
    }
    let parts = parts(name);
    if let Some(position) = parts.iter().position(|part| part.is_empty()) {
        return Err(NameError::EmptySegment {
            name: name.to_owned(),
            position: position + 1,
        });
    }
    // All of them: browsers know nothing of places of a PLC.
    if let Some(position) = name.split('/').position(is_dots) {
        return Err(NameError::DotSegment {
            name: name.to_owned(),
            position: position + 1,
        });
    }
    if parts.len() < 2 || !ROOTS.contains(&parts[0]) {
        return Err(NameError::UnknownRoot { name: name.to_owned() });
    }
    if parts.iter().any(|part| has_bad_escape(part)) {
        return Err(NameError::BadEscape { name: name.to_owned() });
    }
    if let ["plc", context, cell] = parts[..] {
        let cell = cell.replace("~1", "/");
        let cell = cell.parse::<Address>().map_or(cell, |address| address.to_string());
        return Ok(format!("plc/{context}/{cell}"));
    }
    Ok(name.to_owned())
}

/// The parts that a pattern is matched against: segments, but everything after a PLC context is one part.
pub(crate) fn parts(name: &str) -> Vec<&str> {
    match name.strip_prefix("plc/").and_then(|rest| rest.split_once('/')) {
        Some((context, cell)) => vec!["plc", context, cell],
        None => name.split('/').collect(),
    }
}

/// How the symbol of the signal `name` is written where names are: behind its PLC.
pub(crate) fn with_symbol(name: &str, symbol: &str) -> String {
    match name.strip_prefix("plc/").and_then(|rest| rest.split_once('/')) {
        Some((context, _)) => format!("plc/{context}/{symbol}"),
        None => symbol.to_owned(),
    }
}

fn has_bad_escape(part: &str) -> bool {
    part.split('~').skip(1).any(|after| !after.starts_with(['0', '1']))
}

/// A pattern over names: `*` is one part or at least one character of a part, a last `**` is the rest (at least one part), everything
/// else is itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    parts: Vec<String>,
    rest: bool,
}

impl std::fmt::Display for Pattern {
    /// A text that gives the same pattern.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rest = self.rest.then_some("**");
        let parts = self.parts.iter().map(String::as_str).chain(rest);
        for (index, part) in parts.enumerate() {
            let separator = if index == 0 { "" } else { "/" };
            write!(f, "{separator}{part}")?;
        }
        Ok(())
    }
}

impl Pattern {
    /// Reads a pattern. Every text is one; a `**` before the end is taken as `*`.
    pub fn new(text: &str) -> Pattern {
        let mut parts: Vec<String> = parts(text).into_iter().map(str::to_owned).collect();
        let rest = parts.last().is_some_and(|last| last == "**");
        if rest {
            parts.pop();
        }
        Pattern { parts, rest }
    }

    /// Does it fit this canonical name?
    pub fn fits(&self, name: &str) -> bool {
        self.fits_parts(&parts(name))
    }

    /// Does one of them fit this canonical name? The name is taken apart once.
    pub fn any_fits(patterns: &[Pattern], name: &str) -> bool {
        let given = parts(name);
        patterns.iter().any(|pattern| pattern.fits_parts(&given))
    }

    fn fits_parts(&self, given: &[&str]) -> bool {
        let is_long_enough = match self.rest {
            true => given.len() > self.parts.len(),
            false => given.len() == self.parts.len(),
        };
        let fits = |(wanted, part): (&String, &&str)| wanted == part || wanted.contains('*') && part_fits(wanted, part);
        is_long_enough && self.parts.iter().zip(given).all(fits)
    }
}

/// Does a part with wildcards fit this one? Each stands for at least one character.
fn part_fits(wanted: &str, part: &str) -> bool {
    if wanted == "**" {
        return true;
    }
    let mut pieces = wanted.split('*');
    let Some(mut left) = pieces.next().and_then(|first| part.strip_prefix(first)) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        // What the wildcard before the piece stands for at least.
        let Some(first) = left.chars().next() else { return false };
        let behind = &left[first.len_utf8()..];
        if pieces.peek().is_none() {
            return behind.ends_with(piece);
        }
        match behind.find(piece) {
            Some(at) => left = &behind[at + piece.len()..],
            None => return false,
        }
    }
    left.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_a_part_or_for_some_of_it() {
        let fits = |pattern: &str, name: &str| Pattern::new(pattern).fits(name);
        for (pattern, name) in [
            ("twin/*/Run", "twin/line/Run"),
            ("twin/line/Tank*", "twin/line/TankLevel"),
            ("twin/line/*Level", "twin/line/TankLevel"),
            ("twin/line/*a*e*", "twin/line/TankLevel"),
            ("plc/line/O:0/*", "plc/line/O:0/3"),
            ("plc/line/N:*", "plc/line/N:10"),
            ("twin/li*/**", "twin/line/a/b"),
            ("twin/ü*/x", "twin/üß/x"),
        ] {
            assert!(fits(pattern, name), "{pattern} fits {name}");
        }
        for (pattern, name) in [
            ("twin/line/Tank*", "twin/line/Tank"),
            ("twin/line/Tank*", "twin/line/tankLevel"),
            ("twin/line/*Level", "twin/line/TankLevels"),
            ("twin/line/a*a", "twin/line/a"),
            ("twin/line/a*a", "twin/line/aa"),
            ("twin/line/Tank*", "twin/line/Tank/Level"),
            ("twin/line/T**", "twin/line/T"),
        ] {
            assert!(!fits(pattern, name), "{pattern} does not fit {name}");
        }
    }

    #[test]
    fn a_plc_address_is_the_plain_rest_of_its_name() {
        assert_eq!(canonical("plc/PLC1/o:00/03", 99).unwrap(), "plc/PLC1/O:0/3");
        assert_eq!(canonical("plc/PLC1/o:0~13", 99).unwrap(), "plc/PLC1/O:0/3");
        assert_eq!(canonical("plc/PLC1/Start", 99).unwrap(), "plc/PLC1/Start");
    }

    #[test]
    fn names_with_mistakes_are_refused_with_their_place() {
        let check = |name: &str, expected: NameError| assert_eq!(canonical(name, 20).unwrap_err(), expected);
        let own = |name: &str| name.to_owned();
        check(
            "twin//x",
            NameError::EmptySegment {
                name: own("twin//x"),
                position: 2,
            },
        );
        check(
            "",
            NameError::EmptySegment {
                name: own(""),
                position: 1,
            },
        );
        check("twin", NameError::UnknownRoot { name: own("twin") });
        check("motor/x", NameError::UnknownRoot { name: own("motor/x") });
        check(
            "twin/a/b~2",
            NameError::BadEscape {
                name: own("twin/a/b~2"),
            },
        );
        check("twin/a\n", NameError::Control { name: own("twin/a\n") });
        check("twin/aaaaaaaaaaaaaaaa", NameError::TooLong { got: 21, limit: 20 });
        assert!(canonical("twin/aaaaaaaaaaaaaaa", 20).is_ok());
    }

    #[test]
    fn a_segment_that_browsers_take_out_of_an_address_is_refused_with_its_place() {
        for (name, position) in [
            ("twin/line/..", 3),
            ("twin/./x", 2),
            ("../x", 1),
            ("plc/../O:0/3", 2),
            ("plc/PLC1/..", 3),
            ("plc/PLC1/a/../b", 4),
        ] {
            let expected = NameError::DotSegment {
                name: name.to_owned(),
                position,
            };
            assert_eq!(canonical(name, 99).unwrap_err(), expected);
        }
        let text = canonical("twin/line/..", 99).unwrap_err().to_string();
        assert_eq!(
            text,
            "segment 3 of 'twin/line/..' is '..': browsers take it out of an address"
        );
        for name in ["twin/line/...", "twin/line/.x", "twin/line/a..", "twin/line/..~1a"] {
            assert_eq!(canonical(name, 99).as_deref(), Ok(name));
        }
    }

    #[test]
    fn patterns_fit_by_part() {
        let check = |pattern: &str, name: &str, fits: bool| {
            assert_eq!(Pattern::new(pattern).fits(name), fits, "{pattern} on {name}");
        };
        check("twin/line/Run", "twin/line/Run", true);
        check("twin/line/Run", "twin/line/Runs", false);
        check("twin/*/Run", "twin/line/Run", true);
        check("twin/*", "twin/line/Run", false);
        check("twin/**", "twin/line/Run", true);
        check("twin/**", "twin", false);
        check("**", "twin/line/Run", true);
        check("plc/*/O:0/3", "plc/PLC1/O:0/3", true);
        check("plc/PLC1/*", "plc/PLC1/O:0/3", true);
        check("plc/**", "plc/PLC1/O:0/3", true);
    }

    #[test]
    fn a_segment_survives_escaping() {
        assert_eq!(escape_segment("a/b~c"), "a~1b~0c");
        assert!(canonical(&format!("twin/line/{}", escape_segment("a/b~c")), 99).is_ok());
    }
}
