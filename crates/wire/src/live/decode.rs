//! Requests of a client of the live channel.

use crate::error::DecodeError;
use crate::json::field::{self, Names, Slot};
use crate::json::scan::{NotJson, Scanner};
use crate::value::{Entry, Span, Values};

/// How much of an unknown type is repeated in the complaint, in characters.
const TYPE_NAME_SHOWN_MAX: usize = 64;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// A new view for this channel; answered by a snapshot with the same id.
    Subscribe(Subscribe),
    /// New values for signals; answered by a write result with the same id.
    Write(Write),
    /// A PLC context to be watched from now on, or none.
    WatchPlc(WatchPlc),
    /// The classroom to be watched from now on, or no longer.
    WatchClassroom(WatchClassroom),
}

/// The signals that the client wants to follow from now on. A missing list is an empty one.
///
/// Shape: `{"type":"subscribe","id":1,"names":["twin/line/Level"],"patterns":["plc/**"],"cycle_ms":100}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// The client's number for this request.
    pub id: u64,
    /// Exact names.
    pub names: Vec<String>,
    /// Patterns; `*` stands for one segment, `**` for the rest.
    pub patterns: Vec<String>,
    /// The shortest time between two frames in milliseconds, as the client wrote it; its range is checked by the hub.
    pub cycle_ms: Option<u64>,
}

/// Values that the client wants to be written.
///
/// Shape: `{"type":"write","id":7,"epoch":5,"given_at_ms":81234,"signals":{"twin/line/Run":true}}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The client's number for this request.
    pub id: u64,
    /// The epoch from the hello of the channel for which the write was meant.
    pub epoch: u64,
    /// When it was given, in milliseconds since the start of the hub as the world goes, as well as the client knows; without it the write
    /// may be as old as it likes.
    pub given_at_ms: Option<u64>,
    /// Name and value of each signal. A value may be unusable; it is refused with the others unharmed.
    pub signals: Values,
}

/// The PLC context that the client wants to be told about from now on; a channel watches one at most.
///
/// Shape: `{"type":"watch_plc","id":3,"context":"line","cycle_ms":100,"power":true}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchPlc {
    /// The client's number for this request.
    pub id: u64,
    /// Id or name of the context; without one the watch ends.
    pub context: Option<String>,
    /// The shortest time between two frames in milliseconds, as the client wrote it; its range is checked by the hub.
    pub cycle_ms: Option<u64>,
    /// Whether the frames show the power flow.
    pub power: bool,
}

/// Whether the client wants to be told about the classroom from now on. Without `on` it does.
///
/// Shape: `{"type":"watch_classroom","id":1,"on":true}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchClassroom {
    /// The client's number for this request.
    pub id: u64,
    /// Whether it watches.
    pub on: bool,
}

/// A message that is no request, with the id that an answer has to carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct RequestError {
    /// The id of the request, when it could be read.
    pub id: Option<u64>,
    /// What was expected, and where.
    pub error: DecodeError,
}

/// What one request may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Names, and separately patterns, in one `subscribe`; 100,000 by default, as on a realvirtual endpoint.
    pub names_max: usize,
    /// Bytes of all names, and separately of all patterns, together; 4 MiB by default.
    pub names_len_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            names_max: 100_000,
            names_len_max: 4 << 20,
        }
    }
}

/// Reads one request within the default [`Limits`].
///
/// # Errors
///
/// See [`decode_within`].
pub fn decode(text: String) -> Result<Request, RequestError> {
    decode_within(text, &Limits::default())
}

/// Reads one request. The order of fields is free, unknown fields are ignored, of two equal fields the last counts.
///
/// # Errors
///
/// Unlike the protocols of foreign peers this one answers every mistake, so everything unexpected is an error:
/// [`DecodeError::UnknownType`], [`DecodeError::MissingField`] and all that the realvirtual decoder knows.
pub fn decode_within(text: String, limits: &Limits) -> Result<Request, RequestError> {
    let mut fields = Fields::default();
    let read = field::read_object(text, |scanner, key| fields.read(scanner, key, limits));
    let text = read.map_err(|error| RequestError { id: None, error })?;
    let id = match fields.id {
        Slot::Present(id) => Some(id),
        _ => None,
    };
    fields
        .into_request(text, limits)
        .map_err(|error| RequestError { id, error })
}

/// All fields of all requests.
#[derive(Default)]
struct Fields {
    type_name: Slot<Span>,
    id: Slot<u64>,
    names: Slot<Names>,
    patterns: Slot<Names>,
    cycle_ms: Slot<u64>,
    epoch: Slot<u64>,
    given_at_ms: Slot<u64>,
    signals: Slot<Vec<Entry>>,
    context: Slot<Span>,
    power: Slot<bool>,
    on: Slot<bool>,
}

impl Fields {
    fn read(&mut self, scanner: &mut Scanner<'_>, key: Span, limits: &Limits) -> Result<(), NotJson> {
        match scanner.str_of(key) {
            "type" => self.type_name = field::text(scanner)?,
            "id" => self.id = field::uint(scanner)?,
            "names" => self.names = field::names(scanner, limits.names_max)?,
            "patterns" => self.patterns = field::names(scanner, limits.names_max)?,
            "cycle_ms" => self.cycle_ms = field::uint(scanner)?,
            "epoch" => self.epoch = field::uint(scanner)?,
            "given_at_ms" => self.given_at_ms = field::uint(scanner)?,
            "context" => self.context = field::text(scanner)?,
            "power" => self.power = field::bool(scanner)?,
            "on" => self.on = field::bool(scanner)?,
            "signals" => field::entries(scanner, &mut self.signals)?,
            _ => scanner.skip()?,
        }
        Ok(())
    }

    fn into_request(self, text: String, limits: &Limits) -> Result<Request, DecodeError> {
        let type_name = self.type_name.take("type", &text)?.ok_or(DecodeError::NoType)?;
        let list = |slot: Slot<Names>, field| match slot.take(field, &text)? {
            Some(names) => names.to_strings(&text, limits.names_max, limits.names_len_max),
            None => Ok(Vec::new()),
        };
        match type_name.of(&text) {
            "subscribe" => Ok(Request::Subscribe(Subscribe {
                id: self.id.demand("id", &text)?,
                names: list(self.names, "names")?,
                patterns: list(self.patterns, "patterns")?,
                cycle_ms: self.cycle_ms.take("cycle_ms", &text)?,
            })),
            "write" => {
                let id = self.id.demand("id", &text)?;
                let epoch = self.epoch.demand("epoch", &text)?;
                let given_at_ms = self.given_at_ms.take("given_at_ms", &text)?;
                let entries = self.signals.demand("signals", &text)?;
                Ok(Request::Write(Write {
                    id,
                    epoch,
                    given_at_ms,
                    signals: Values::from_parts(text, entries),
                }))
            }
            "watch_plc" => Ok(Request::WatchPlc(WatchPlc {
                id: self.id.demand("id", &text)?,
                context: self
                    .context
                    .take("context", &text)?
                    .map(|name| name.of(&text).to_owned()),
                cycle_ms: self.cycle_ms.take("cycle_ms", &text)?,
                power: self.power.take("power", &text)?.unwrap_or(false),
            })),
            "watch_classroom" => Ok(Request::WatchClassroom(WatchClassroom {
                id: self.id.demand("id", &text)?,
                on: self.on.take("on", &text)?.unwrap_or(true),
            })),
            unknown => Err(DecodeError::UnknownType {
                type_name: unknown.chars().take(TYPE_NAME_SHOWN_MAX).collect(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{JsonProblem, Place};
    use crate::value::Value;

    fn read(text: &str) -> Result<Request, RequestError> {
        decode(text.to_owned())
    }

    fn complaint(text: &str) -> (Option<u64>, String) {
        let error = read(text).unwrap_err();
        (error.id, error.to_string())
    }

    #[test]
    fn the_requests_of_the_manual_are_read() {
        assert_eq!(
            read(r#"{"type":"subscribe","id":1,"names":["twin/line/Level"],"patterns":["plc/**"],"cycle_ms":100}"#),
            Ok(Request::Subscribe(Subscribe {
                id: 1,
                names: vec!["twin/line/Level".to_owned()],
                patterns: vec!["plc/**".to_owned()],
                cycle_ms: Some(100),
            }))
        );
        let write = |given_at_ms| {
            Ok(Request::Write(Write {
                id: 7,
                epoch: 5,
                given_at_ms,
                signals: Values::from_pairs([("twin/line/Run", Value::Bool(true))]),
            }))
        };
        assert_eq!(
            read(r#"{"type":"write","id":7,"epoch":5,"signals":{"twin/line/Run":true}}"#),
            write(None)
        );
        assert_eq!(
            read(r#"{"type":"write","id":7,"epoch":5,"given_at_ms":81234,"signals":{"twin/line/Run":true}}"#),
            write(Some(81_234))
        );
    }

    #[test]
    fn a_context_is_watched_until_none_is() {
        let watch = |context: Option<&str>, cycle_ms, power| {
            Ok(Request::WatchPlc(WatchPlc {
                id: 3,
                context: context.map(str::to_owned),
                cycle_ms,
                power,
            }))
        };
        assert_eq!(
            read(r#"{"type":"watch_plc","id":3,"context":"l\u0069ne","cycle_ms":100,"power":true}"#),
            watch(Some("line"), Some(100), true)
        );
        assert_eq!(
            read(r#"{"type":"watch_plc","id":3,"context":null}"#),
            watch(None, None, false)
        );
        assert_eq!(read(r#"{"type":"watch_plc","id":3}"#), watch(None, None, false));
        assert_eq!(
            complaint(r#"{"type":"watch_plc","id":3,"context":7}"#),
            (
                Some(3),
                String::from("expected a string in `context`, found a number at line 1 column 38")
            )
        );
    }

    #[test]
    fn the_classroom_is_watched_until_it_is_said_that_it_is_not() {
        let watch = |id, on| Ok(Request::WatchClassroom(WatchClassroom { id, on }));
        assert_eq!(read(r#"{"type":"watch_classroom","id":1,"on":true}"#), watch(1, true));
        assert_eq!(read(r#"{"on":false,"id":2,"type":"watch_classroom"}"#), watch(2, false));
        assert_eq!(read(r#"{"type":"watch_classroom","id":3}"#), watch(3, true));
        assert_eq!(
            complaint(r#"{"type":"watch_classroom","on":true}"#),
            (None, String::from("expected a field `id`"))
        );
        assert_eq!(
            complaint(r#"{"type":"watch_classroom","id":3,"on":1}"#).0,
            Some(3),
            "a number is no answer to whether"
        );
    }

    #[test]
    fn lists_may_be_missing_or_null_and_fields_may_come_in_any_order() {
        let empty = Subscribe {
            id: 3,
            names: vec![],
            patterns: vec![],
            cycle_ms: None,
        };
        assert_eq!(
            read(r#"{"id":3.0,"names":null,"extra":[{}],"type":"subscribe"}"#),
            Ok(Request::Subscribe(empty))
        );
    }

    #[test]
    fn every_mistake_names_what_was_expected_and_carries_the_id_when_there_is_one() {
        let check = |text, id, expected: &str| assert_eq!(complaint(text), (id, expected.to_owned()), "{text}");
        check("", None, "expected a value at line 1 column 1");
        check("null", None, "expected an object, found null");
        check(r#"{"id":4}"#, Some(4), "expected a field `type`");
        check(r#"{"id":4,"type":"shout"}"#, Some(4), "unknown message type `shout`");
        check(r#"{"type":"subscribe"}"#, None, "expected a field `id`");
        check(
            r#"{"type":"subscribe","id":-1}"#,
            None,
            "expected a whole number that is not negative in `id`, found a negative number at line 1 column 26",
        );
        check(
            r#"{"type":"subscribe","id":1,"names":["a",7,null]}"#,
            Some(1),
            "expected an array of strings in `names`, found a number at line 1 column 41",
        );
        check(
            r#"{"type":"write","id":1,"signals":{}}"#,
            Some(1),
            "expected a field `epoch`",
        );
        check(
            r#"{"type":"write","id":1,"epoch":5}"#,
            Some(1),
            "expected a field `signals`",
        );
        check(
            r#"{"type":"write","id":1,"epoch":5,"signals":["a"]}"#,
            Some(1),
            "expected an object in `signals`, found an array at line 1 column 44",
        );
        check(
            r#"{"type":"write","id":1,"epoch":"5","signals":{}}"#,
            Some(1),
            "expected a whole number in `epoch`, found a string at line 1 column 32",
        );
    }

    #[test]
    fn a_broken_text_is_located() {
        let error = read("{\"type\":\"write\",\n\"id\":}").unwrap_err();
        let problem = JsonProblem::Expected("a value");
        assert_eq!(
            error.error,
            DecodeError::Json {
                problem,
                place: Place { line: 2, column: 6 }
            }
        );
    }

    #[test]
    fn lists_are_limited_on_both_sides_of_the_border() {
        let limits = Limits {
            names_max: 2,
            names_len_max: 4,
        };
        let names = |names: &str| {
            let text = format!(r#"{{"type":"subscribe","id":1,"patterns":{names}}}"#);
            decode_within(text, &limits).map(|_| ()).map_err(|error| error.error)
        };
        assert_eq!(names(r#"["ab","cd"]"#), Ok(()));
        assert_eq!(
            names(r#"["ab","cde"]"#),
            Err(DecodeError::NamesTooLong { limit: 4, got: 5 })
        );
        assert_eq!(
            names(r#"["a","b","c"]"#),
            Err(DecodeError::TooManyNames { limit: 2, got: 3 })
        );
    }

    #[test]
    fn an_endless_type_is_shown_shortened() {
        let text = format!(r#"{{"type":"{}"}}"#, "ü".repeat(9_000));
        assert_eq!(complaint(&text).1, format!("unknown message type `{}`", "ü".repeat(64)));
    }
}
