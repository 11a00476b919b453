//! Every key of the sections that hold settings: what it takes, whether it can change while the hub runs, and where it lives in
//! the checked configuration.
//!
//! The file reader, environment variables, flags, the live path and the list of settings all go through these tables, so a
//! key cannot be valid in one place and unknown in another.

use super::limits::Limits;
use super::raw::RawValue;
use super::{EndpointConfig, HubConfig, ProjectConfig, Role, WebConfig};
use crosstie_hub::settings::{Direction, DirectionConvention, Echo};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::path::{Component, Path};
use std::time::Duration;

/// One key of a section whose checked form is `T`.
pub(crate) struct Key<T: 'static> {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    /// It can change while the hub runs.
    pub(crate) live: bool,
    pub(crate) get: fn(&T) -> Value,
    pub(crate) set: fn(&mut T, Checked),
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Text without control characters, not empty.
    Text,
    /// One segment of a signal's name.
    Segment,
    Flag,
    Whole {
        min: u64,
        max: u64,
    },
    Choice(&'static [&'static str]),
    /// A list of name patterns.
    Patterns,
    /// An IP address.
    Address,
    /// The path of a URL.
    UrlPath,
    /// A file inside the project folder.
    ProjectPath,
}

/// A value that fits the form of its key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Checked {
    Text(String),
    Flag(bool),
    Whole(u64),
    List(Vec<String>),
    Address(IpAddr),
}

/// Why a value does not fit: a stable word for programs.
pub(crate) type Misfit = &'static str;

const MISMATCH: &str = "the form of a key decides the shape of its checked value";

impl Checked {
    fn text(self) -> String {
        match self {
            Checked::Text(text) => text,
            other => unreachable!("{MISMATCH}: {other:?}"),
        }
    }

    fn flag(self) -> bool {
        match self {
            Checked::Flag(flag) => flag,
            other => unreachable!("{MISMATCH}: {other:?}"),
        }
    }

    fn whole(self) -> u64 {
        match self {
            Checked::Whole(number) => number,
            other => unreachable!("{MISMATCH}: {other:?}"),
        }
    }

    fn list(self) -> Vec<String> {
        match self {
            Checked::List(list) => list,
            other => unreachable!("{MISMATCH}: {other:?}"),
        }
    }

    fn address(self) -> IpAddr {
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
            Form::Flag => String::from("true or false"),
            Form::Whole { min, max } => format!("a whole number from {min} to {max}"),
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
            Form::Address => String::from("an IP address, such as \"127.0.0.1\""),
            Form::UrlPath => String::from("the path of a URL that begins with `/`, without spaces, `?` and `#`"),
            Form::ProjectPath => String::from("the path of a file inside the project folder, such as \"signals.csv\""),
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
            (Form::Whole { min, max }, RawValue::Whole(number)) => match u64::try_from(*number) {
                Ok(number) if (min..=max).contains(&number) => Ok(Checked::Whole(number)),
                _ => Err("out_of_range"),
            },
            (Form::Patterns, RawValue::List(items)) => patterns(items),
            (Form::Flag | Form::Whole { .. } | Form::Patterns, _) => Err("wrong_type"),
            (form, RawValue::Text(text)) => form.check_text(text),
            _ => Err("wrong_type"),
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
            Form::Choice(words) => (words.contains(&text), "bad_value"),
            Form::UrlPath => (
                text.starts_with('/') && !text.contains(|c: char| c.is_whitespace() || matches!(c, '?' | '#')),
                "bad_path",
            ),
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
            Form::Flag => text.parse().map(RawValue::Flag).ok(),
            Form::Whole { .. } => text.parse().map(RawValue::Whole).ok(),
            Form::Patterns => Some(plain_list(text)),
            _ => None,
        }
        .unwrap_or_else(|| RawValue::Text(text.to_owned()))
    }
}

/// An endpoint's name stands in signal names, URLs and environment variables; `.` and `..` would not survive a URL.
fn is_segment(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && !text.starts_with(['-', '.'])
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

/// The words of an enumeration in the file, in the order in which they are documented.
type Words<T> = [(&'static str, T)];

pub(crate) const CONVENTION_WORDS: [&str; 2] = ["plc", "simulation"];
const CONVENTIONS: [(&str, DirectionConvention); 2] = [
    (CONVENTION_WORDS[0], DirectionConvention::Plc),
    (CONVENTION_WORDS[1], DirectionConvention::Simulation),
];
const ECHO_WORDS: [&str; 3] = ["auto", "always", "never"];
const ECHOES: [(&str, Echo); 3] = [
    (ECHO_WORDS[0], Echo::Auto),
    (ECHO_WORDS[1], Echo::Always),
    (ECHO_WORDS[2], Echo::Never),
];
const DIRECTION_WORDS: [&str; 2] = ["input", "output"];
const DIRECTIONS: [(&str, Direction); 2] = [
    (DIRECTION_WORDS[0], Direction::Input),
    (DIRECTION_WORDS[1], Direction::Output),
];
const ROLES: [(&str, Role); 1] = [("server", Role::Server)];

fn word_of<T: PartialEq>(words: &Words<T>, value: &T) -> &'static str {
    words
        .iter()
        .find(|(_, known)| known == value)
        .map_or("", |(word, _)| word)
}

fn by_word<T: Copy>(words: &Words<T>, checked: Checked) -> T {
    let text = checked.text();
    words
        .iter()
        .find(|(word, _)| *word == text)
        .expect("the form of the key allows exactly these words")
        .1
}

/// The convention that a checked word names.
pub(crate) fn convention(word: Checked) -> DirectionConvention {
    by_word(&CONVENTIONS, word)
}

/// The word of a convention in the file.
pub(crate) fn convention_word(convention: DirectionConvention) -> &'static str {
    word_of(&CONVENTIONS, &convention)
}

const PORT: Form = Form::Whole { min: 0, max: 65_535 };

/// The range of a port is checked by its form.
fn port(checked: Checked) -> u16 {
    u16::try_from(checked.whole()).expect("a port's form ends at 65535")
}

fn count(checked: Checked) -> usize {
    usize::try_from(checked.whole()).expect("every count's form ends below 2^32")
}

fn millis(duration: Duration) -> Value {
    json!(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// `[project]`.
pub(crate) const PROJECT_KEYS: &[Key<ProjectConfig>] = &[Key {
    name: "name",
    form: Form::Text,
    live: false,
    get: |project| json!(project.name),
    set: |project, value| project.name = value.text(),
}];

/// `[web]`.
pub(crate) const WEB_KEYS: &[Key<WebConfig>] = &[
    Key {
        name: "bind",
        form: Form::Address,
        live: false,
        get: |web| json!(web.bind),
        set: |web, value| web.bind = value.address(),
    },
    Key {
        name: "port",
        form: PORT,
        live: false,
        get: |web| json!(web.port),
        set: |web, value| web.port = port(value),
    },
    Key {
        name: "allow_unauthenticated",
        form: Form::Flag,
        live: false,
        get: |web| json!(web.allow_unauthenticated),
        set: |web, value| web.allow_unauthenticated = value.flag(),
    },
];

/// `[hub]`.
pub(crate) const HUB_KEYS: &[Key<HubConfig>] = &[
    Key {
        name: "stale_after_ms",
        form: Form::Whole {
            min: 1_000,
            max: 60_000,
        },
        live: false,
        get: |hub| millis(hub.stale_after),
        set: |hub, value| hub.stale_after = Duration::from_millis(value.whole()),
    },
    Key {
        name: "max_signals",
        form: Form::Whole {
            min: 1,
            max: 10_000_000,
        },
        live: false,
        get: |hub| json!(hub.max_signals),
        set: |hub, value| hub.max_signals = count(value),
    },
    Key {
        name: "max_clients",
        form: Form::Whole { min: 1, max: 100_000 },
        live: false,
        get: |hub| json!(hub.max_clients),
        set: |hub, value| hub.max_clients = count(value),
    },
    Key {
        name: "threads",
        form: Form::Whole { min: 1, max: 256 },
        live: false,
        get: |hub| json!(hub.threads),
        set: |hub, value| hub.threads = Some(count(value)),
    },
];

/// `[[realvirtual]]`, without its name.
pub(crate) const ENDPOINT_KEYS: &[Key<EndpointConfig>] = &[
    Key {
        name: "role",
        form: Form::Choice(&["server"]),
        live: false,
        get: |endpoint| json!(word_of(&ROLES, &endpoint.role)),
        set: |endpoint, value| endpoint.role = by_word(&ROLES, value),
    },
    Key {
        name: "bind",
        form: Form::Address,
        live: false,
        get: |endpoint| json!(endpoint.bind),
        set: |endpoint, value| endpoint.bind = value.address(),
    },
    Key {
        name: "port",
        form: PORT,
        live: false,
        get: |endpoint| json!(endpoint.port),
        set: |endpoint, value| endpoint.port = port(value),
    },
    Key {
        name: "path",
        form: Form::UrlPath,
        live: false,
        get: |endpoint| json!(endpoint.path),
        set: |endpoint, value| endpoint.path = Some(value.text()),
    },
    Key {
        name: "allow_unauthenticated",
        form: Form::Flag,
        live: false,
        get: |endpoint| json!(endpoint.allow_unauthenticated),
        set: |endpoint, value| endpoint.allow_unauthenticated = value.flag(),
    },
    Key {
        name: "update_cycle_ms",
        form: Form::Whole { min: 1, max: 60_000 },
        live: true,
        get: |endpoint| millis(endpoint.update_cycle),
        set: |endpoint, value| endpoint.update_cycle = Duration::from_millis(value.whole()),
    },
    Key {
        name: "only_transmit_changed",
        form: Form::Flag,
        live: true,
        get: |endpoint| json!(endpoint.only_transmit_changed),
        set: |endpoint, value| endpoint.only_transmit_changed = value.flag(),
    },
    Key {
        name: "direction_convention",
        form: Form::Choice(&CONVENTION_WORDS),
        live: true,
        get: |endpoint| json!(convention_word(endpoint.direction_convention)),
        set: |endpoint, value| endpoint.direction_convention = convention(value),
    },
    Key {
        name: "auto_register",
        form: Form::Flag,
        live: true,
        get: |endpoint| json!(endpoint.auto_register),
        set: |endpoint, value| endpoint.auto_register = value.flag(),
    },
    Key {
        name: "push_on_connect",
        form: Form::Flag,
        live: true,
        get: |endpoint| json!(endpoint.push_on_connect),
        set: |endpoint, value| endpoint.push_on_connect = value.flag(),
    },
    Key {
        name: "reset_on_disconnect",
        form: Form::Flag,
        live: true,
        get: |endpoint| json!(endpoint.reset_on_disconnect),
        set: |endpoint, value| endpoint.reset_on_disconnect = value.flag(),
    },
    Key {
        name: "hold_pulses",
        form: Form::Flag,
        live: true,
        get: |endpoint| json!(endpoint.hold_pulses),
        set: |endpoint, value| endpoint.hold_pulses = value.flag(),
    },
    Key {
        name: "echo",
        form: Form::Choice(&ECHO_WORDS),
        live: true,
        get: |endpoint| json!(word_of(&ECHOES, &endpoint.echo)),
        set: |endpoint, value| endpoint.echo = by_word(&ECHOES, value),
    },
    Key {
        name: "debug",
        form: Form::Flag,
        live: true,
        get: |endpoint| json!(endpoint.debug),
        set: |endpoint, value| endpoint.debug = value.flag(),
    },
    Key {
        name: "use_pattern_matching",
        form: Form::Flag,
        live: true,
        get: |endpoint| json!(endpoint.use_pattern_matching),
        set: |endpoint, value| endpoint.use_pattern_matching = value.flag(),
    },
    Key {
        name: "input_patterns",
        form: Form::Patterns,
        live: true,
        get: |endpoint| json!(endpoint.input_patterns),
        set: |endpoint, value| endpoint.input_patterns = value.list(),
    },
    Key {
        name: "output_patterns",
        form: Form::Patterns,
        live: true,
        get: |endpoint| json!(endpoint.output_patterns),
        set: |endpoint, value| endpoint.output_patterns = value.list(),
    },
    Key {
        name: "default_signal_direction",
        form: Form::Choice(&DIRECTION_WORDS),
        live: true,
        get: |endpoint| json!(word_of(&DIRECTIONS, &endpoint.default_signal_direction)),
        set: |endpoint, value| endpoint.default_signal_direction = by_word(&DIRECTIONS, value),
    },
    Key {
        name: "signals",
        form: Form::ProjectPath,
        live: false,
        get: |endpoint| json!(endpoint.signals_file),
        set: |endpoint, value| endpoint.signals_file = Some(value.text().into()),
    },
];

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
    fn texts_are_checked_by_their_form() {
        let own = |text: &str| Ok(Checked::Text(text.to_owned()));
        check(Form::Segment, text("line-1.a_B"), own("line-1.a_B"));
        check(Form::Segment, text("a/b"), Err("bad_name"));
        check(Form::Segment, text(""), Err("bad_name"));
        check(Form::Segment, text(".."), Err("bad_name"));
        check(Form::UrlPath, text("/ws"), own("/ws"));
        check(Form::UrlPath, text("ws"), Err("bad_path"));
        check(Form::UrlPath, text("/a b"), Err("bad_path"));
        check(Form::UrlPath, text("/a?b"), Err("bad_path"));
        check(Form::ProjectPath, text("tables/a.csv"), own("tables/a.csv"));
        check(Form::ProjectPath, text("../a.csv"), Err("bad_path"));
        check(Form::ProjectPath, text("/etc/passwd"), Err("bad_path"));
        check(Form::Text, text("a\nb"), Err("bad_value"));
        check(Form::Text, RawValue::Whole(1), Err("wrong_type"));
        check(Form::Text, plain("1"), own("1"));
        check(Form::Choice(&ECHO_WORDS), text("Auto"), Err("bad_value"));
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
    fn every_key_gives_back_what_was_set() {
        fn round_trip<T>(keys: &[Key<T>], target: &mut T) {
            for key in keys {
                let raw = match key.form {
                    Form::Flag => RawValue::Flag(true),
                    Form::Whole { max, .. } => RawValue::Whole(i64::try_from(max).unwrap()),
                    Form::Choice(words) => text(words.last().unwrap()),
                    Form::Patterns => RawValue::List(vec![text("x")]),
                    Form::Address => text("10.0.0.1"),
                    Form::UrlPath => text("/p"),
                    Form::Text | Form::Segment | Form::ProjectPath => text("name"),
                };
                let checked = key.form.check(&raw).unwrap();
                (key.set)(target, checked.clone());
                assert_eq!((key.get)(target), checked.to_json(), "{}", key.name);
            }
        }
        round_trip(PROJECT_KEYS, &mut ProjectConfig::default());
        round_trip(WEB_KEYS, &mut WebConfig::default());
        round_trip(HUB_KEYS, &mut HubConfig::default());
        round_trip(ENDPOINT_KEYS, &mut EndpointConfig::named("line"));
    }
}
