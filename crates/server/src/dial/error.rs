//! Why a connection did not come about, in words for people: the stage, what was wrong there, and what to do.

use std::io;
use std::path::PathBuf;

use super::DIAL_MAX;

/// Why a dial failed. No text holds the query of the target or its key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// The name has no address.
    #[error("no address is known for '{host}'")]
    NoAddress {
        /// The name.
        host: String,
    },
    /// Nobody listens there.
    #[error("connection refused")]
    Refused,
    /// The network says so.
    #[error("not reachable: {0}")]
    Unreachable(io::Error),
    /// The time is over.
    #[error("no answer within {} s", DIAL_MAX.as_secs())]
    TooLate,
    /// The connection ended between two steps.
    #[error("the server closed the connection before it answered")]
    Closed,
    /// The TLS handshake failed.
    #[error("TLS: {0}")]
    Tls(String),
    /// A file of the target is not what it should be.
    #[error("{key} '{}': {what}", path.display())]
    File {
        /// The setting that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The server answered, but not with an upgrade.
    #[error("the server answered {status}{}", status_hint(*status, *has_key))]
    Status {
        /// Status of the answer.
        status: u16,
        /// A key was sent.
        has_key: bool,
    },
    /// The path of the target cannot be asked for.
    #[error("the path is no path of a request: '/' and then ASCII without spaces was expected")]
    Path,
    /// What answered is no WebSocket server.
    #[error("not a WebSocket server: {0}")]
    NotWebSocket(&'static str),
}

impl DialError {
    /// What the system says about an attempt.
    pub(super) fn unreachable(error: io::Error) -> DialError {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => DialError::Refused,
            io::ErrorKind::TimedOut => DialError::TooLate,
            _ => DialError::Unreachable(error),
        }
    }
}

/// What an unwanted status means here.
fn status_hint(status: u16, has_key: bool) -> &'static str {
    match (status, has_key) {
        (401, false) => ": a key is wanted (access_key_file)",
        (401, true) => ": it does not take the key of access_key_file",
        (403, _) => ": it does not allow this connection",
        (404, _) => ": there is nothing at this path",
        (300..=399, _) => ": it points to another address, and that is not followed; give the other address itself",
        (400 | 426, _) => ": it does not agree to a WebSocket at this path; if it speaks TLS, wss is wanted (use_ssl)",
        (500..=599, _) => ": it cannot serve for the moment",
        _ => ": 101 was expected, as a WebSocket server answers",
    }
}

/// Why a text is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    /// It is no URL.
    #[error("ws://host:port/path or wss://host:port/path was expected")]
    NoUrl,
    /// It is a URL of something else.
    #[error("an address that begins with ws:// or wss:// was expected")]
    Scheme,
    /// The port is none.
    #[error("a port from 1 to 65535 was expected")]
    Port,
    /// It names a user.
    #[error("an address without a user name was expected; a key is given by a file")]
    User,
}
