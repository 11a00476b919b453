//! The members of a JSON object, each checked against what it may be.

use serde_json::{Map, Value};

use super::IoConfigError;

/// Errors that are told, and keys without a meaning that are named.
const MAX_REPORTED: usize = 100;
/// How much of an unexpected word a complaint repeats.
const SHOWN_CHARS: usize = 32;
/// The longest text, in bytes. A longer one is refused.
const MAX_TEXT_BYTES: usize = 256;
/// The longest list. A longer one is refused.
const MAX_LIST: usize = 2048;

/// What reading found.
#[derive(Default)]
pub(super) struct Report {
    pub(super) errors: Vec<IoConfigError>,
    pub(super) ignored: Vec<String>,
}

impl Report {
    pub(super) fn error(&mut self, key: impl Into<String>, text: impl Into<String>) {
        if self.errors.len() < MAX_REPORTED {
            self.errors.push(IoConfigError {
                key: key.into(),
                text: text.into(),
            });
        }
    }
}

/// An object while it is read.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    /// The keys that lead to it; empty for the outermost one.
    key: String,
    /// What was asked for.
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The members of an object.
    pub(super) fn of(value: &'a Value, key: String, report: &mut Report) -> Option<Fields<'a>> {
        match value {
            Value::Object(object) => Some(Fields {
                object,
                key,
                known: Vec::new(),
            }),
            _ => {
                report.error(key, "expected an object");
                None
            }
        }
    }

    /// The full key of a member.
    pub(super) fn key(&self, name: &str) -> String {
        match self.key.as_str() {
            "" => name.to_owned(),
            key => format!("{key}.{name}"),
        }
    }

    /// A member; `null` is as good as none.
    pub(super) fn get(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// The name that is there, of two spellings of one member; the first one when none is.
    pub(super) fn spelled(&mut self, file: &'static str, wire: &'static str) -> &'static str {
        match (self.get(file), self.get(wire)) {
            (None, Some(_)) => wire,
            _ => file,
        }
    }

    /// An object in this one.
    pub(super) fn inner(&mut self, name: &'static str, report: &mut Report) -> Option<Fields<'a>> {
        let value = self.get(name)?;
        Fields::of(value, self.key(name), report)
    }

    /// A whole number; one that is missing or wrong is told, and is the lowest one.
    pub(super) fn needed(&mut self, name: &'static str, min: i64, max: i64, report: &mut Report) -> i64 {
        self.number(name, None, min, max, report)
    }

    /// A whole number that may be missing.
    pub(super) fn number_or(
        &mut self,
        name: &'static str,
        default: i64,
        min: i64,
        max: i64,
        report: &mut Report,
    ) -> i64 {
        self.number(name, Some(default), min, max, report)
    }

    fn number(&mut self, name: &'static str, default: Option<i64>, min: i64, max: i64, report: &mut Report) -> i64 {
        let Some(value) = self.get(name) else {
            if default.is_none() {
                report.error(self.key(name), format!("expected a number from {min} to {max}"));
            }
            return default.unwrap_or(min);
        };
        // Some writers know only floats.
        let whole = value.as_i64().or_else(|| {
            let float = value.as_f64()?;
            (float.fract() == 0.0 && float.abs() <= f64::from(u32::MAX)).then_some(float as i64)
        });
        match whole.filter(|number| (min..=max).contains(number)) {
            Some(number) => number,
            None => {
                let text = format!("expected a number from {min} to {max}, got {}", shown(value));
                report.error(self.key(name), text);
                min
            }
        }
    }

    /// A text; an empty one when it is missing.
    pub(super) fn text(&mut self, name: &'static str, report: &mut Report) -> String {
        match self.get(name) {
            None => String::new(),
            Some(Value::String(text)) if text.len() <= MAX_TEXT_BYTES && !text.contains('\0') => text.clone(),
            Some(value) => {
                let text = format!(
                    "expected a text of at most {MAX_TEXT_BYTES} bytes, got {}",
                    shown(value)
                );
                report.error(self.key(name), text);
                String::new()
            }
        }
    }

    /// True or false; false when it is missing.
    pub(super) fn flag(&mut self, name: &'static str, report: &mut Report) -> bool {
        match self.get(name) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(value) => {
                let text = format!("expected true or false, got {}", shown(value));
                report.error(self.key(name), text);
                false
            }
        }
    }

    /// One of several words, in any case and with `-` or `_`; the first one when it is missing.
    pub(super) fn choice<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)], report: &mut Report) -> T {
        let default = words[0].1;
        let Some(value) = self.get(name) else { return default };
        let text = value.as_str().map(|text| text.replace('-', "_"));
        let found = text.and_then(|text| words.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)));
        match found {
            Some((_, choice)) => *choice,
            None => {
                let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                let text = format!("expected {}, got {}", names.join(" or "), shown(value));
                report.error(self.key(name), text);
                default
            }
        }
    }

    /// The objects of a list; none when it is missing.
    pub(super) fn list(&mut self, name: &'static str, report: &mut Report) -> Vec<Fields<'a>> {
        let key = self.key(name);
        match self.get(name) {
            None => Vec::new(),
            Some(Value::Array(values)) if values.len() <= MAX_LIST => {
                let numbered = values.iter().enumerate();
                numbered
                    .filter_map(|(number, value)| Fields::of(value, format!("{key}[{number}]"), report))
                    .collect()
            }
            Some(_) => {
                report.error(key, format!("expected a list of at most {MAX_LIST} objects"));
                Vec::new()
            }
        }
    }

    /// Names the members that nobody asked for.
    pub(super) fn end(self, report: &mut Report) {
        for name in self.object.keys() {
            if report.ignored.len() < MAX_REPORTED && !self.known.contains(&name.as_str()) {
                let name: String = name.chars().take(SHOWN_CHARS).collect();
                report.ignored.push(self.key(&name));
            }
        }
    }
}

/// A value as a complaint repeats it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        value => value.to_string().chars().take(SHOWN_CHARS).collect(),
    }
}
