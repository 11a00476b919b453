//! What went wrong with a Modbus server, for people.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio_modbus::{Error, ExceptionCode};

/// A request, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deed {
    pub(super) kind: Kind,
    pub(super) addr: u16,
    pub(super) count: usize,
}

/// What a request moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    DiscreteInput,
    Coil,
    InputRegister,
    HoldingRegister,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Kind::DiscreteInput => "discrete input",
            Kind::Coil => "coil",
            Kind::InputRegister => "input register",
            Kind::HoldingRegister => "holding register",
        }
    }

    const fn verb(self) -> &'static str {
        match self {
            Kind::DiscreteInput | Kind::InputRegister => "read",
            Kind::Coil | Kind::HoldingRegister => "write",
        }
    }
}

impl fmt::Display for Deed {
    /// `discrete input 17`, `coils 3 to 9`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, addr) = (self.kind.word(), usize::from(self.addr));
        match self.count {
            1 => write!(f, "{word} {addr}"),
            count => write!(f, "{word}s {addr} to {}", addr + count - 1),
        }
    }
}

/// Why a server says no. The connection goes on.
pub(super) fn exception(deed: Deed, exception: ExceptionCode) -> String {
    let (verb, code) = (deed.kind.verb(), u8::from(exception));
    let text = match exception {
        ExceptionCode::IllegalFunction => format!("the device cannot {verb} {}s", deed.kind.word()),
        ExceptionCode::IllegalDataAddress => match deed.count {
            1 => format!("the device has no {deed}"),
            _ => format!("the device has not all of {deed}"),
        },
        ExceptionCode::IllegalDataValue => format!("the device refuses to {verb} {deed}"),
        ExceptionCode::ServerDeviceFailure => format!("the device has failed to {verb} {deed}"),
        ExceptionCode::Acknowledge | ExceptionCode::ServerDeviceBusy => {
            format!("the device is busy and did not {verb} {deed}")
        }
        ExceptionCode::GatewayPathUnavailable | ExceptionCode::GatewayTargetDevice => {
            format!("the gateway does not reach the unit to {verb} {deed}: look at `unitId`")
        }
        _ => format!("the device did not {verb} {deed}"),
    };
    format!("{text} (exception {code})")
}

/// Why the connection is given up.
pub(super) fn lost(deed: Deed, error: &Error) -> String {
    let verb = deed.kind.verb();
    match error {
        Error::Protocol(_) => format!("the answer to the request to {verb} {deed} is that to another one"),
        Error::Transport(error) if error.kind() == io::ErrorKind::InvalidData => {
            format!("the answer to the request to {verb} {deed} cannot be read: {error}")
        }
        Error::Transport(error) if is_end(error) => format!("it closed the connection when asked to {verb} {deed}"),
        Error::Transport(error) => format!("the connection is lost: {error}"),
    }
}

/// The library tells the end of the stream as whatever the system has said last.
fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof, WouldBlock};
    let kinds = [
        BrokenPipe,
        ConnectionAborted,
        ConnectionReset,
        NotConnected,
        UnexpectedEof,
        WouldBlock,
    ];
    kinds.contains(&error.kind()) || error.raw_os_error().is_some()
}

/// No answer came.
pub(super) fn silent(deed: Deed, after: Duration) -> String {
    let verb = deed.kind.verb();
    format!(
        "no answer within {} ms to the request to {verb} {deed}",
        after.as_millis()
    )
}

/// An answer of another length than was asked for.
pub(super) fn misfit(deed: Deed) -> String {
    let verb = deed.kind.verb();
    format!("the answer to the request to {verb} {deed} has another length than was asked for")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_say_what_was_asked_and_where() {
        let one = |kind| Deed {
            kind,
            addr: 17,
            count: 1,
        };
        let many = Deed {
            count: 8,
            ..one(Kind::Coil)
        };
        let cases = [
            (
                one(Kind::DiscreteInput),
                1,
                "the device cannot read discrete inputs (exception 1)",
            ),
            (
                one(Kind::DiscreteInput),
                2,
                "the device has no discrete input 17 (exception 2)",
            ),
            (many, 2, "the device has not all of coils 17 to 24 (exception 2)"),
            (
                one(Kind::HoldingRegister),
                3,
                "the device refuses to write holding register 17 (exception 3)",
            ),
            (
                one(Kind::InputRegister),
                4,
                "the device has failed to read input register 17 (exception 4)",
            ),
            (
                many,
                6,
                "the device is busy and did not write coils 17 to 24 (exception 6)",
            ),
            (
                many,
                11,
                "the gateway does not reach the unit to write coils 17 to 24: look at `unitId` (exception 11)",
            ),
            (many, 99, "the device did not write coils 17 to 24 (exception 99)"),
        ];
        for (deed, code, text) in cases {
            assert_eq!(exception(deed, ExceptionCode::new(code)), text);
        }
    }
}
