//! What goes over the wire, as both suites see it: one message, the transcript of a check, and when two values are the same.

use super::rig::Stop;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Lines that a transcript keeps: enough to see what led to a failure.
const TRANSCRIPT_LINES_MAX: usize = 40;
/// Characters of one message that a transcript line shows.
const TRANSCRIPT_LINE_LEN: usize = 240;

/// The last lines of what went both ways in one check, shared by the peers of the check.
///
/// It is shared by lock and not kept in the peers, because a failing check drops its peers before the report is written.
#[derive(Clone, Default)]
pub(crate) struct Transcript(Arc<Mutex<VecDeque<String>>>);

impl Transcript {
    /// Forgets everything: a new check begins.
    pub(crate) fn clear(&self) {
        self.lines_mut(|lines| lines.clear());
    }

    /// The kept lines, oldest first.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines_mut(|lines| lines.iter().cloned().collect())
    }

    /// Adds what `label` sent (`→`) or received (`←`), cut to a length that a line can show.
    pub(crate) fn add(&self, label: &str, arrow: &str, what: &str) {
        let mut line = format!("{label} {arrow} ");
        line.extend(what.chars().take(TRANSCRIPT_LINE_LEN));
        if what.chars().nth(TRANSCRIPT_LINE_LEN).is_some() {
            line.push('…');
        }
        self.lines_mut(|lines| {
            if lines.len() == TRANSCRIPT_LINES_MAX {
                lines.pop_front();
            }
            lines.push_back(line);
        });
    }

    fn lines_mut<T>(&self, act: impl FnOnce(&mut VecDeque<String>) -> T) -> T {
        // A check that panicked half-way leaves whole lines behind, so a poisoned lock is still good.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One message of the other side, as text and as value.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// The `type` field.
    pub(crate) kind: String,
    /// The frame's text, for what a parsed value does not show: number forms and repeated keys.
    pub(crate) text: String,
    /// The whole object.
    pub(crate) body: Map<String, Value>,
}

impl Message {
    /// Reads one text frame; the error is what was seen instead of an object with a `type`.
    pub(crate) fn parse(text: &str) -> Result<Message, String> {
        let body = match serde_json::from_str(text) {
            Ok(Value::Object(body)) => body,
            Ok(_) => return Err(shortened(text)),
            Err(error) => return Err(format!("{error} in {}", shortened(text))),
        };
        let Some(Value::String(kind)) = body.get("type") else {
            return Err(shortened(text));
        };
        Ok(Message {
            kind: kind.clone(),
            text: text.to_owned(),
            body,
        })
    }

    /// The value that this message gives for a signal.
    pub(crate) fn signal(&self, name: &str) -> Option<&Value> {
        self.body.get("signals")?.get(name)
    }

    /// The names in `signals`, in the order of the wire and with repetitions, each with its value as written.
    ///
    /// # Errors
    /// Fails the check when there is no `signals` object.
    pub(crate) fn signal_tokens(&self) -> Result<Vec<(String, String)>, Stop> {
        #[derive(Deserialize)]
        struct Shape {
            signals: Tokens,
        }
        serde_json::from_str::<Shape>(&self.text)
            .map(|shape| shape.signals.0)
            .map_err(|_| Stop::failed(format!("`signals` of {} is an object", self.kind), &self.text))
    }
}

/// The members of a JSON object in the order of the text, repetitions included.
struct Tokens(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Tokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Tokens;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tokens, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push((name, value.get().to_owned()));
                }
                Ok(Tokens(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Equality as realvirtual peers see it: numbers by their value at single precision, everything else exactly.
pub(crate) fn same_value(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left == right || left as f32 == right as f32,
        _ => left == right,
    }
}

/// A text cut to a length that a report line can show.
pub(crate) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(TRANSCRIPT_LINE_LEN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// A URL or request target as it may be shown: the values of its query may be keys (RV-57), the names are not.
pub(crate) fn without_keys(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return target.to_owned();
    };
    let fields = query.split('&').map(|field| match field.split_once('=') {
        Some((name, _)) => format!("{name}=…"),
        // A field without a name might be nothing but the key.
        None => "…".to_owned(),
    });
    format!("{path}?{}", fields.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(text: &str) -> Message {
        Message::parse(text).unwrap()
    }

    #[test]
    fn signal_tokens_keep_order_repetition_and_number_form() {
        let tokens = message(r#"{"type":"data","signals":{"b":1.0,"a":"x","b":2}}"#)
            .signal_tokens()
            .unwrap();
        let expected =
            [("b", "1.0"), ("a", "\"x\""), ("b", "2")].map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(tokens, expected);
    }

    #[test]
    fn signal_tokens_fail_without_an_object() {
        assert!(message(r#"{"type":"data","signals":[]}"#).signal_tokens().is_err());
        assert!(message(r#"{"type":"data"}"#).signal_tokens().is_err());
    }

    #[test]
    fn only_an_object_with_a_type_is_a_message() {
        for text in [
            "",
            "null",
            "[]",
            "{",
            "{}",
            r#"{"type":5}"#,
            r#"{"type":"data","signals":{"x":NaN}}"#,
        ] {
            assert!(Message::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_values_of_a_query_are_not_shown() {
        assert_eq!(without_keys("/ws"), "/ws");
        assert_eq!(
            without_keys("ws://h:1/a?apikey=k&room&x=a=b"),
            "ws://h:1/a?apikey=…&…&x=…"
        );
    }

    #[test]
    fn values_are_the_same_at_single_precision_and_across_number_forms() {
        assert!(same_value(&json!(500), &json!(500.0)));
        assert!(same_value(&json!(0.1), &json!(0.10000000149011612)));
        assert!(!same_value(&json!(1), &json!(true)));
        assert!(!same_value(&json!(1), &json!("1")));
    }

    #[test]
    fn a_transcript_keeps_the_last_lines_and_shortens_them() {
        let transcript = Transcript::default();
        for index in 0..TRANSCRIPT_LINES_MAX + 1 {
            transcript.add("a", "→", &index.to_string());
        }
        transcript.add("a", "→", &"x".repeat(TRANSCRIPT_LINE_LEN + 1));
        let lines = transcript.lines();
        assert_eq!(lines.len(), TRANSCRIPT_LINES_MAX);
        assert_eq!(lines[0], "a → 2");
        assert!(lines[TRANSCRIPT_LINES_MAX - 1].ends_with("x…"));
    }
}
