//! The forms of values: what a key takes, in words and as a check.

use super::super::limits::Limits;
use super::super::raw::RawValue;
use super::plcs::millis_of_us;
use crate::dial::Target;
use axum::http::uri::PathAndQuery;
use crosstie_hub::clock::{RATE_MAX, RATE_MIN};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Component, Path};

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Text without control characters, not empty.
    Text,
    /// One segment of a signal's name.
    Segment,
    /// Name or id of a PLC context: a segment that may hold blanks, as the original's names do.
    Context,
    Flag,
    Whole {
        min: i64,
        max: i64,
    },
    /// How many times as fast a clock goes.
    Rate,
    /// A number of milliseconds, exact to the microsecond.
    Millis {
        min_us: u32,
        max_us: u32,
    },
    Choice(&'static [&'static str]),
    /// A list of name patterns.
    Patterns,
    /// A list of places of a PLC's memory.
    Places,
    /// An IP address.
    Address,
    /// The name or the IP address of a machine.
    Host,
    /// A list of those.
    Hosts,
    /// A list of origins of pages; `*` for all of them where that is allowed.
    Origins {
        any: bool,
    },
    /// The path of a URL; in the client role with a query, which may hold a key.
    UrlPath,
    /// The URL of a PiPLC engine, without a query: a key does not belong there.
    EngineUrl,
    /// A file inside the project folder.
    ProjectPath,
    /// One of those, or a list of them.
    ProjectPaths,
    /// A folder anywhere on this machine.
    Folder,
    /// A list of `from=to`.
    PathMap,
    /// A list of names of actions in GAML.
    Actions,
}

/// A value that fits the form of its key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Checked {
    Text(String),
    Flag(bool),
    Whole(i64),
    Number(f64),
    /// Microseconds; milliseconds in the file.
    Micros(u32),
    List(Vec<String>),
    Address(IpAddr),
}

/// Why a value does not fit: a stable word for programs.
pub(crate) type Misfit = &'static str;

const MISMATCH: &str = "the form of a key decides the shape of its checked value";

impl Checked {
    /// The text of a value whose form gives one.
    pub(crate) fn text(self) -> String {
        match self {
            Checked::Text(text) => text,
            other => unreachable!("{MISMATCH}: {other:?}"),
        }
    }

    pub(super) fn flag(self) -> bool {
        match self {
            Checked::Flag(flag) => flag,
            other => unreachable!("{MISMATCH}: {other:?}"),
        }
    }

    pub(super) fn whole(self) -> i64 {
        match self {
            Checked::Whole(number) => number,
            other => unreachable!("{MISMATCH}: {other:?}"),
        }
    }

    pub(super) fn number(self) -> f64 {
        match self {
            Checked::Number(number) => number,
            other => unreachable!("{MISMATCH}: {other:?}"),
        }
    }

    pub(super) fn micros(self) -> u32 {
        match self {
            Checked::Micros(us) => us,
            other => unreachable!("{MISMATCH}: {other:?}"),
        }
    }

    pub(super) fn list(self) -> Vec<String> {
        match self {
            Checked::List(list) => list,
            other => unreachable!("{MISMATCH}: {other:?}"),
        }
    }

    pub(super) fn address(self) -> IpAddr {
        match self {
            Checked::Address(address) => address,
            other => unreachable!("{MISMATCH}: {other:?}"),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        match self {
            Checked::Text(text) => json!(text),
            Checked::Flag(flag) => json!(flag),
            Checked::Whole(number) => json!(number),
            Checked::Number(number) => json!(number),
            Checked::Micros(us) => millis_of_us(*us),
            Checked::List(list) => json!(list),
            Checked::Address(address) => json!(address),
        }
    }
}

impl Form {
    /// What the key takes, in words that follow "expected".
    pub(crate) fn expected(self) -> String {
        match self {
            Form::Text => String::from("a text of one line that is not empty"),
            Form::Segment => String::from(
                "a name of the letters A-Z and a-z, digits, `_`, `-` and `.` that begins with none of the last two",
            ),
            Form::Context => String::from(
                "a name of the letters A-Z and a-z, digits, `_`, `-`, `.` and single blanks that begins with a letter, a digit or `_`",
            ),
            Form::Flag => String::from("true or false"),
            Form::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Form::Rate => format!("a number from {RATE_MIN} to {RATE_MAX}"),
            Form::Millis { min_us, max_us } => format!(
                "a number from {} to {} with at most three decimals",
                millis_of_us(min_us),
                millis_of_us(max_us)
            ),
            Form::Choice([only]) => format!("\"{only}\""),
            Form::Choice(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                format!("one of {}", quoted.join(", "))
            }
            Form::Patterns => {
                let Limits {
                    patterns_max,
                    name_len_max,
                    ..
                } = Limits::DEFAULT;
                format!("a list of at most {patterns_max} texts of 1 to {name_len_max} bytes, such as [\"Sensor\"]")
            }
            Form::Places => format!(
                "a list of at most {} places of the memory, such as [\"N:0-9\", \"T:3\", \"Total\"]",
                Limits::DEFAULT.patterns_max
            ),
            Form::Address => String::from("an IP address, such as \"127.0.0.1\""),
            Form::Host => {
                String::from("the name or the IP address of a machine, such as \"plc.local\" or \"10.0.0.7\"")
            }
            Form::Hosts => format!(
                "a list of at most {} names or IP addresses of machines, such as [\"plant.local\"]",
                Limits::DEFAULT.hosts_max
            ),
            Form::Origins { any } => format!(
                "a list of at most {} origins scheme://host[:port], such as [\"https://hmi.local:8443\"]{}",
                Limits::DEFAULT.hosts_max,
                if any { ", or [\"*\"] for every page" } else { "" }
            ),
            Form::UrlPath => String::from(
                "the path of a URL that begins with `/`, of the signs that a URL takes, without `#`, such as \"/ws\"",
            ),
            Form::EngineUrl => String::from(
                "the address of a PiPLC engine, such as \"ws://192.0.2.7:9100/\", without a query; a key stands in a file that `access_key_file` names",
            ),
            Form::ProjectPath => String::from("the path of a file inside the project folder, such as \"signals.csv\""),
            Form::ProjectPaths => format!(
                "the path of a file inside the project folder, such as \"sensors.ioconfig\", or a list of at most {} of them",
                Limits::DEFAULT.hosts_max
            ),
            Form::Folder => String::from("the path of a folder, absolute or from the project folder"),
            Form::PathMap => format!(
                "a list of at most {} texts `from=to`, such as [\"/srv/lessons=C:\\\\lessons\"]",
                Limits::DEFAULT.hosts_max
            ),
            Form::Actions => format!(
                "a list of at most {} names of actions in GAML, such as [\"move_player_external\"]",
                Limits::DEFAULT.hosts_max
            ),
        }
    }

    /// Does the value fit?
    pub(crate) fn check(self, raw: &RawValue) -> Result<Checked, Misfit> {
        let shaped = match raw {
            RawValue::Plain(text) => &self.shaped(text),
            raw => raw,
        };
        match (self, shaped) {
            (Form::Flag, RawValue::Flag(flag)) => Ok(Checked::Flag(*flag)),
            (Form::Whole { min, max }, RawValue::Whole(number)) if (min..=max).contains(number) => {
                Ok(Checked::Whole(*number))
            }
            (Form::Whole { .. }, RawValue::Whole(_)) => Err("out_of_range"),
            (Form::Rate, RawValue::Whole(number)) => rate(*number as f64),
            (Form::Rate, RawValue::Float(number)) => rate(*number),
            (Form::Millis { min_us, max_us }, RawValue::Whole(_) | RawValue::Float(_)) => {
                let us = whole_micros(shaped).ok_or("bad_value")?;
                let fits = u32::try_from(us).ok().filter(|us| (min_us..=max_us).contains(us));
                fits.map(Checked::Micros).ok_or("out_of_range")
            }
            (Form::Patterns | Form::Places, RawValue::List(items)) => patterns(items),
            (Form::ProjectPaths, RawValue::Text(text)) => {
                let path = Form::ProjectPath.check_text(text)?.text();
                Ok(Checked::List(vec![path]))
            }
            (Form::ProjectPaths, RawValue::List(items)) => {
                let path = |text: &str| Form::ProjectPath.check_text(text).ok().map(Checked::text);
                list_of(items, path).map_err(|misfit| match misfit {
                    "bad_value" => "bad_path",
                    misfit => misfit,
                })
            }
            (Form::Hosts, RawValue::List(items)) => list_of(items, |text| is_host(text).then(|| text.to_owned())),
            (Form::PathMap, RawValue::List(items)) => list_of(items, |text| is_pair(text).then(|| text.to_owned())),
            (Form::Actions, RawValue::List(items)) => list_of(items, |text| is_action(text).then(|| text.to_owned())),
            (Form::Origins { any }, RawValue::List(items)) => list_of(items, |text| origin(text, any)),
            (form, _) if form.is_shaped() => Err("wrong_type"),
            (form, RawValue::Text(text)) => form.check_text(text),
            _ => Err("wrong_type"),
        }
    }

    /// Its values are written without quotes, or are lists.
    fn is_shaped(self) -> bool {
        matches!(self, Form::Flag | Form::Whole { .. } | Form::Rate | Form::Millis { .. }) || self.is_list()
    }

    fn is_list(self) -> bool {
        matches!(
            self,
            Form::Patterns
                | Form::Places
                | Form::Hosts
                | Form::Origins { .. }
                | Form::ProjectPaths
                | Form::PathMap
                | Form::Actions
        )
    }

    /// A value in a message. The query of a path may hold a key, so it is left out.
    pub(crate) fn shown(self, raw: &RawValue) -> String {
        match (self, raw) {
            (Form::UrlPath | Form::EngineUrl, RawValue::Text(text)) => RawValue::Text(without_query(text)).shown(),
            (Form::UrlPath | Form::EngineUrl, RawValue::Plain(text)) => RawValue::Plain(without_query(text)).shown(),
            (_, raw) => raw.shown(),
        }
    }

    fn check_text(self, text: &str) -> Result<Checked, Misfit> {
        let one_line =
            !text.is_empty() && text.len() <= Limits::DEFAULT.name_len_max && !text.chars().any(char::is_control);
        if self == Form::Address {
            return text.parse().map(Checked::Address).map_err(|_| "bad_value");
        }
        let (fits, misfit) = match self {
            Form::Segment => (is_segment(text), "bad_name"),
            Form::Context => (is_context(text), "bad_name"),
            Form::Choice(words) => (words.contains(&text), "bad_value"),
            Form::Host => (is_host(text), "bad_value"),
            Form::UrlPath => (is_target(text), "bad_path"),
            Form::EngineUrl => (is_engine_url(text), "bad_value"),
            Form::ProjectPath => {
                let stays = Path::new(text)
                    .components()
                    .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
                (stays, "bad_path")
            }
            _ => (true, "bad_value"),
        };
        if fits && one_line {
            Ok(Checked::Text(text.to_owned()))
        } else {
            Err(misfit)
        }
    }

    /// Reads text without quotes the way this form writes its values.
    fn shaped(self, text: &str) -> RawValue {
        match self {
            // Spreadsheets write TRUE.
            Form::Flag => text.to_ascii_lowercase().parse().map(RawValue::Flag).ok(),
            Form::Whole { .. } => text.parse().map(RawValue::Whole).ok(),
            Form::Millis { .. } | Form::Rate => text.parse().map(RawValue::Float).ok(),
            form if form.is_list() => Some(plain_list(text)),
            _ => None,
        }
        .unwrap_or_else(|| RawValue::Text(text.to_owned()))
    }
}

fn rate(number: f64) -> Result<Checked, Misfit> {
    let fits = (RATE_MIN..=RATE_MAX).contains(&number);
    fits.then_some(Checked::Number(number)).ok_or("out_of_range")
}

/// An endpoint's name stands in signal names, URLs and environment variables; `.` and `..` would not survive a URL.
fn is_segment(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && !text.starts_with(['-', '.'])
}

/// The name of a context stands in signal names and URLs, too, and its parts in environment variables.
fn is_context(text: &str) -> bool {
    text.split(' ').all(|part| !part.is_empty() && is_segment(part))
}

/// A number of milliseconds in microseconds; `None` when it has more than three decimals.
fn whole_micros(millis: &RawValue) -> Option<i64> {
    match millis {
        RawValue::Whole(millis) => Some(millis.saturating_mul(1_000)),
        RawValue::Float(millis) => {
            let us = millis * 1e3;
            // What was typed in decimals is a hair beside them in binary.
            let is_whole = us.is_finite() && (us - us.round()).abs() < 1e-6;
            is_whole.then_some(us.round() as i64)
        }
        _ => None,
    }
}

/// A path with or without a query, as it can stand in the first line of a request.
fn is_target(text: &str) -> bool {
    text.starts_with('/')
        && !text.contains('#')
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && text.parse::<PathAndQuery>().is_ok()
}

/// The address of a WebSocket server that holds no secret.
fn is_engine_url(text: &str) -> bool {
    !text.contains(['?', '#']) && Target::from_url(text).is_ok()
}

/// A path for people: its query, which may hold a key, is only said to be there.
pub(crate) fn without_query(target: &str) -> String {
    match target.split_once('?') {
        Some((path, _)) => format!("{path}?…"),
        None => target.to_owned(),
    }
}

/// The name or the IP address of a machine. A name whose last part is a number would be a mistyped address.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_name = text.len() <= 253 && text.split('.').all(is_label) && !last.bytes().all(|byte| byte.is_ascii_digit());
    is_name || text.parse::<IpAddr>().is_ok()
}

/// Two texts of one line with a sign of equality between them. What is replaced cannot be nothing.
fn is_pair(text: &str) -> bool {
    let one_line = text.len() <= Limits::DEFAULT.name_len_max && !text.chars().any(char::is_control);
    one_line && text.split_once('=').is_some_and(|(from, _)| !from.is_empty())
}

/// A name in GAML.
fn is_action(text: &str) -> bool {
    text.len() <= Limits::DEFAULT.name_len_max
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// An origin as browsers write it: in small letters, and without the port that its scheme has anyway.
fn origin(text: &str, any: bool) -> Option<String> {
    if text == "*" {
        return any.then(|| text.to_owned());
    }
    let text = text.to_ascii_lowercase();
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host.parse::<Ipv6Addr>().ok()?.to_string(), port),
        None => {
            let (host, port) = rest.split_at(rest.find(':').unwrap_or(rest.len()));
            (host.to_owned(), port)
        }
    };
    let port = match port.strip_prefix(':') {
        Some(port) => Some(port.parse::<u16>().ok().filter(|port| *port > 0)?),
        None if port.is_empty() => None,
        None => return None,
    };
    if !is_scheme || !is_host(&host) {
        return None;
    }
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    Some(match (scheme, port) {
        (_, None) | ("http", Some(80)) | ("https", Some(443)) => format!("{scheme}://{host}"),
        (_, Some(port)) => format!("{scheme}://{host}:{port}"),
    })
}

/// A list of machines or origins, each as it is compared later.
fn list_of(items: &[RawValue], read: impl Fn(&str) -> Option<String>) -> Result<Checked, Misfit> {
    if items.len() > Limits::DEFAULT.hosts_max {
        return Err("out_of_range");
    }
    let texts = items.iter().map(|item| match item {
        RawValue::Text(text) => read(text).ok_or("bad_value"),
        _ => Err("wrong_type"),
    });
    texts.collect::<Result<_, _>>().map(Checked::List)
}

/// A list in a variable or a flag: JSON, or words between commas.
fn plain_list(text: &str) -> RawValue {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text)
            .map_or_else(|_| RawValue::Text(text.to_owned()), |value| RawValue::from_json(&value));
    }
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    RawValue::List(words.map(|word| RawValue::Text(word.to_owned())).collect())
}

fn patterns(items: &[RawValue]) -> Result<Checked, Misfit> {
    let Limits {
        patterns_max,
        name_len_max,
        ..
    } = Limits::DEFAULT;
    if items.len() > patterns_max {
        return Err("out_of_range");
    }
    let texts = items.iter().map(|item| match item {
        // An empty substring stands in every name; whoever wrote it meant something else.
        RawValue::Text(text) if (1..=name_len_max).contains(&text.len()) => Ok(text.clone()),
        RawValue::Text(_) => Err("bad_value"),
        _ => Err("wrong_type"),
    });
    texts.collect::<Result<_, _>>().map(Checked::List)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: Form, raw: RawValue, expected: Result<Checked, Misfit>) {
        assert_eq!(form.check(&raw), expected, "{raw:?} as {form:?}");
    }

    fn text(text: &str) -> RawValue {
        RawValue::Text(text.to_owned())
    }

    fn plain(text: &str) -> RawValue {
        RawValue::Plain(text.to_owned())
    }

    #[test]
    fn both_sides_of_every_range() {
        let cycle = Form::Whole { min: 1, max: 60_000 };
        check(cycle, RawValue::Whole(0), Err("out_of_range"));
        check(cycle, RawValue::Whole(1), Ok(Checked::Whole(1)));
        check(cycle, RawValue::Whole(60_000), Ok(Checked::Whole(60_000)));
        check(cycle, RawValue::Whole(60_001), Err("out_of_range"));
        check(cycle, RawValue::Whole(-1), Err("out_of_range"));
        check(cycle, RawValue::Float(10.0), Err("wrong_type"));
        check(cycle, text("10"), Err("wrong_type"));
        check(cycle, plain("10"), Ok(Checked::Whole(10)));
        check(cycle, plain("ten"), Err("wrong_type"));
    }

    #[test]
    fn milliseconds_are_exact_to_the_microsecond() {
        let scan = Form::Millis {
            min_us: 500,
            max_us: 1_000_000,
        };
        check(scan, RawValue::Float(0.5), Ok(Checked::Micros(500)));
        check(scan, RawValue::Float(0.499), Err("out_of_range"));
        check(scan, RawValue::Float(1.001), Ok(Checked::Micros(1_001)));
        check(scan, RawValue::Whole(1_000), Ok(Checked::Micros(1_000_000)));
        check(scan, RawValue::Float(1_000.001), Err("out_of_range"));
        check(scan, RawValue::Float(1.000_5), Err("bad_value"));
        check(scan, RawValue::Float(f64::NAN), Err("bad_value"));
        check(scan, RawValue::Whole(i64::MAX), Err("out_of_range"));
        check(scan, RawValue::Whole(-1), Err("out_of_range"));
        check(scan, text("10"), Err("wrong_type"));
        check(scan, plain("2.5"), Ok(Checked::Micros(2_500)));
        check(scan, plain("fast"), Err("wrong_type"));
        assert_eq!(scan.expected(), "a number from 0.5 to 1000 with at most three decimals");
        assert_eq!(Checked::Micros(1_500).to_json(), json!(1.5));
        assert_eq!(Checked::Micros(10_000).to_json(), json!(10));
    }

    #[test]
    fn texts_are_checked_by_their_form() {
        let own = |text: &str| Ok(Checked::Text(text.to_owned()));
        check(Form::Segment, text("line-1.a_B"), own("line-1.a_B"));
        check(Form::Segment, text("a/b"), Err("bad_name"));
        check(Form::Segment, text(""), Err("bad_name"));
        check(Form::Segment, text(".."), Err("bad_name"));
        check(Form::Context, text("PLC 1"), own("PLC 1"));
        for wrong in ["", " PLC", "PLC  1", "PLC ", "a/b", "a~1", "PLC .1", "-a"] {
            check(Form::Context, text(wrong), Err("bad_name"));
        }
        check(Form::UrlPath, text("/ws"), own("/ws"));
        check(Form::UrlPath, text("ws"), Err("bad_path"));
        check(Form::UrlPath, text("/a b"), Err("bad_path"));
        check(Form::UrlPath, text("/a?b=c&d"), own("/a?b=c&d"));
        check(Form::UrlPath, text("/a#b"), Err("bad_path"));
        check(Form::UrlPath, text("/ü"), Err("bad_path"));
        check(Form::Host, text("plc-1.plant.local"), own("plc-1.plant.local"));
        check(Form::Host, text("10.0.0.7"), own("10.0.0.7"));
        check(Form::Host, text("::1"), own("::1"));
        for wrong in [
            "",
            "10.0.0.256",
            "-a",
            "a b",
            "a..b",
            "ws://a",
            "a:1",
            "[::1]",
            "a/b",
            "ü.local",
        ] {
            check(Form::Host, text(wrong), Err("bad_value"));
        }
        check(Form::ProjectPath, text("tables/a.csv"), own("tables/a.csv"));
        check(Form::ProjectPath, text("../a.csv"), Err("bad_path"));
        check(Form::ProjectPath, text("/etc/passwd"), Err("bad_path"));
        let one = Ok(Checked::List(vec![String::from("a.ioconfig")]));
        check(Form::ProjectPaths, text("a.ioconfig"), one.clone());
        check(
            Form::ProjectPaths,
            RawValue::List(vec![text("a.ioconfig")]),
            one.clone(),
        );
        check(Form::ProjectPaths, plain("a.ioconfig"), one);
        check(Form::ProjectPaths, text("../a.ioconfig"), Err("bad_path"));
        check(
            Form::ProjectPaths,
            RawValue::List(vec![text("/etc/passwd")]),
            Err("bad_path"),
        );
        check(Form::ProjectPaths, RawValue::Whole(1), Err("wrong_type"));
        check(Form::Text, text("a\nb"), Err("bad_value"));
        check(Form::Text, RawValue::Whole(1), Err("wrong_type"));
        check(Form::Text, plain("1"), own("1"));
        check(Form::Choice(&["auto", "never"]), text("Auto"), Err("bad_value"));
        check(Form::Address, text("localhost"), Err("bad_value"));
        check(Form::Address, text("::1"), Ok(Checked::Address("::1".parse().unwrap())));
    }

    #[test]
    fn pattern_lists_come_from_toml_json_and_commas() {
        let both = Ok(Checked::List(vec![String::from("Sensor"), String::from("Btn")]));
        check(
            Form::Patterns,
            RawValue::List(vec![text("Sensor"), text("Btn")]),
            both.clone(),
        );
        check(Form::Patterns, plain("Sensor, Btn"), both.clone());
        check(Form::Patterns, plain(r#"["Sensor","Btn"]"#), both);
        check(Form::Patterns, plain(""), Ok(Checked::List(Vec::new())));
        check(Form::Patterns, plain("[1"), Err("wrong_type"));
        check(Form::Patterns, RawValue::List(vec![text("")]), Err("bad_value"));
        check(
            Form::Patterns,
            RawValue::List(vec![RawValue::Flag(true)]),
            Err("wrong_type"),
        );
        check(
            Form::Patterns,
            RawValue::List(vec![text("x"); Limits::DEFAULT.patterns_max + 1]),
            Err("out_of_range"),
        );
    }

    #[test]
    fn origins_are_kept_as_browsers_write_them() {
        let origins = |any| Form::Origins { any };
        let one = |given: &str, kept: &str| {
            let kept = Ok(Checked::List(vec![kept.to_owned()]));
            check(origins(false), RawValue::List(vec![text(given)]), kept);
        };
        one("https://HMI.local", "https://hmi.local");
        one("https://hmi.local:443", "https://hmi.local");
        one("http://hmi:80", "http://hmi");
        one("http://hmi:443", "http://hmi:443");
        one("http://[::1]:3000", "http://[::1]:3000");
        one("capacitor://localhost", "capacitor://localhost");
        for wrong in [
            "",
            "*",
            "hmi",
            "hmi:80",
            "http://",
            "http://a/",
            "http://a:",
            "http://a:0",
            "http://a:65536",
            "http://u@a",
            "http://[::1",
            "http://[::1]x",
            "1http://a",
            "null",
        ] {
            check(origins(false), RawValue::List(vec![text(wrong)]), Err("bad_value"));
        }
        let every = Ok(Checked::List(vec![String::from("*")]));
        check(origins(true), plain("*"), every);
        check(origins(true), text("*"), Err("wrong_type"));
        check(
            Form::Hosts,
            plain("plant.local, 10.0.0.7"),
            Ok(Checked::List(vec![
                String::from("plant.local"),
                String::from("10.0.0.7"),
            ])),
        );
        check(
            Form::Hosts,
            RawValue::List(vec![text("x"); Limits::DEFAULT.hosts_max + 1]),
            Err("out_of_range"),
        );
    }

    #[test]
    fn the_query_of_a_path_is_shown_to_nobody() {
        assert_eq!(Form::UrlPath.shown(&text("/a b?apikey=k1")), "\"/a b?…\"");
        assert_eq!(Form::UrlPath.shown(&plain("ws?k1")), "\"ws?…\"");
        assert_eq!(Form::Text.shown(&text("a?b")), "\"a?b\"");
        assert_eq!(without_query("/ws"), "/ws");
    }
}
