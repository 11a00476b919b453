//! Why a message was not understood.

use crate::json::{JsonProblem, Place};

/// Why the text of a frame is not a message of its protocol.
///
/// It is the peer's mistake, never ours: the receiver counts it, logs it once per connection and goes on (RV-50). The texts
/// name what was expected and where. Of the content, which may be long or secret, they repeat nothing but an unknown type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The text is not JSON.
    #[error("{problem} at {place}")]
    Json {
        /// What is wrong.
        problem: JsonProblem,
        /// Where the reader stopped.
        place: Place,
    },
    /// The text is not JSON, or holds a number that cannot be kept; said by the reader that builds a tree.
    #[error("expected a JSON text: {reason}")]
    Unreadable {
        /// What the JSON reader said, with the place.
        reason: String,
    },
    /// The text is JSON, but no object; for example `null`.
    #[error("expected an object, found {found}")]
    NotAnObject {
        /// What stands there instead.
        found: &'static str,
    },
    /// The object has no `type`.
    #[error("expected a field `type`")]
    NoType,
    /// The `type` is none of the protocol, and the protocol demands an answer to that.
    #[error("unknown message type `{type_name}`")]
    UnknownType {
        /// The type as it was written, cut after 64 characters.
        type_name: String,
    },
    /// A field that messages of this type need is not there.
    #[error("expected a field `{field}`")]
    MissingField {
        /// The name of the field.
        field: &'static str,
    },
    /// A field holds another kind of value than it must.
    #[error("expected {expected} in `{field}`, found {found} at {place}")]
    FieldKind {
        /// The name of the field.
        field: &'static str,
        /// What the field must hold.
        expected: &'static str,
        /// What stands there instead.
        found: &'static str,
        /// Where it stands.
        place: Place,
    },
    /// The values of a settings map cannot be kept; for example a number beyond the range of a float.
    #[error("expected settings in `config`: {reason}")]
    Config {
        /// What the JSON reader said, with the place within the map.
        reason: String,
    },
    /// A list has more routes than are accepted (PL-20).
    #[error("expected at most {limit} routes, got {got}")]
    TooManyRoutes {
        /// The most routes that are accepted.
        limit: usize,
        /// How many there were.
        got: usize,
    },
    /// The text is longer than any frame may be.
    #[error("expected at most {limit} bytes, got {got}")]
    TooLong {
        /// The most bytes that are read.
        limit: usize,
        /// How many there were.
        got: usize,
    },
    /// A list has more names than are accepted (RV-12).
    #[error("expected at most {limit} names, got {got}")]
    TooManyNames {
        /// The most names that are accepted.
        limit: usize,
        /// How many there were.
        got: usize,
    },
    /// The names of a list are together longer than is accepted (RV-12).
    #[error("expected names of at most {limit} bytes together, got {got}")]
    NamesTooLong {
        /// The most bytes that are accepted.
        limit: usize,
        /// How many there were.
        got: usize,
    },
}
