//! Why a verb did not succeed, and the exit code that says so to scripts.

use std::error::Error;
use std::io;

/// Why a verb did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// What was asked for failed: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// A mistake in the project, already told to people, or a claim that is not kept: nothing more is to be said.
    #[error("see above")]
    Told {
        /// Exit code.
        exit_code: u8,
    },
    /// A mistake on the command line: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Nobody answers where a hub should: exit code 3.
    #[error("no hub answers at {at}: is `crosstie run` up? --at URL names another")]
    NoHub {
        /// The address that was tried.
        at: String,
        /// Why the connection failed.
        #[source]
        source: io::Error,
    },
    /// Nobody answers where an engine should: exit code 3.
    #[error("no engine answers at {at}: does it run there? --engine URL names another")]
    NoEngine {
        /// The address that was tried, without its query.
        at: String,
        /// Why the connection failed.
        #[source]
        source: io::Error,
    },
    /// Standard output could not be written: exit code 1, or 0 when its reader has only seen enough.
    #[error("the output cannot be written")]
    Output(#[from] io::Error),
}

impl CliError {
    /// An error of another room with its causes.
    pub fn failed(error: &dyn Error) -> CliError {
        CliError::Failed(chain(error))
    }

    /// What the process returns.
    pub fn exit_code(&self) -> u8 {
        match self {
            CliError::Failed(_) => 1,
            CliError::Told { exit_code } => *exit_code,
            CliError::Usage(_) => 2,
            CliError::NoHub { .. } | CliError::NoEngine { .. } => 3,
            // `crosstie signals list | head` is a success.
            CliError::Output(error) => u8::from(error.kind() != io::ErrorKind::BrokenPipe),
        }
    }

    /// What people are told, if anything is left to say.
    pub fn message(&self) -> Option<String> {
        match self {
            CliError::Told { .. } => None,
            CliError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            error => Some(chain(error)),
        }
    }
}

/// An error and its causes in one line. A cause that an error has said itself is not said again.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_was_said_is_not_said_again() {
        #[derive(Debug, thiserror::Error)]
        #[error("a.mcap cannot be read: {source}")]
        struct Read {
            source: io::Error,
        }
        let read = Read {
            source: io::Error::other("no such file"),
        };
        let text = CliError::failed(&read).message();
        assert_eq!(text.as_deref(), Some("a.mcap cannot be read: no such file"));
    }

    #[test]
    fn every_error_has_its_exit_code_and_its_text() {
        let check = |error: CliError, exit_code: u8, message: Option<&str>| {
            assert_eq!(error.exit_code(), exit_code);
            assert_eq!(error.message().as_deref(), message);
        };
        check(CliError::Failed(String::from("no")), 1, Some("no"));
        check(CliError::Told { exit_code: 2 }, 2, None);
        check(CliError::Usage(String::from("what")), 2, Some("what"));
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "refused");
        check(
            CliError::NoHub {
                at: String::from("http://x"),
                source: refused,
            },
            3,
            Some("no hub answers at http://x: is `crosstie run` up? --at URL names another: refused"),
        );
        check(
            CliError::NoEngine {
                at: String::from("ws://x:9100/"),
                source: io::ErrorKind::TimedOut.into(),
            },
            3,
            Some("no engine answers at ws://x:9100/: does it run there? --engine URL names another: timed out"),
        );
        check(CliError::Output(io::ErrorKind::BrokenPipe.into()), 0, None);
        check(
            CliError::Output(io::Error::other("full")),
            1,
            Some("the output cannot be written: full"),
        );
    }
}
