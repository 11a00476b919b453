//! The PiPLC engine protocol: JSON text for commands, replies and events, binary frames for the memory.
//!
//! Every message is one JSON object in one text frame. The server role reads a request with [`decode`] and appends answers
//! with [`write_reply`] and [`write_event`]; the client role appends a request with [`write_request`] and reads what comes
//! with [`decode_server`]. The memory goes out as a binary frame of fixed size, see [`SnapshotBody`]. Which contexts there are,
//! what an address means, when an event is due and who may write is not known here.
//!
//! Two generations of the protocol are spoken; [`Dialect`] says how they differ (PL-9).
//!
//! ```text
//!   frame text ──▶ decode ──▶ Envelope { seq, context_id, Request }        Reply, Event ──▶ write_reply, write_event ──▶ payload
//!   Request ──▶ write_request ──▶ payload                                   frame text ──▶ decode_server ──▶ ServerMessage
//!   SnapshotHeader, SnapshotBody ──▶ encode_header, encode_body ──▶ 2,704 bytes ──▶ read_snapshot ──▶ Snapshot
//! ```

mod client;
mod decode;
mod dialect;
mod encode;
mod message;
mod object;
mod reply;
mod snapshot;
mod state;

pub use crate::error::DecodeError;
pub use client::{ServerMessage, ServerReply, SpellingError, decode_server, write_request};
pub use decode::{Limits, decode, decode_within};
pub use dialect::Dialect;
pub use encode::{write_event, write_reply};
pub use message::{
    BitTarget, CounterWrite, EngineCommand, Envelope, Hello, Request, RequestError, RequestKind, Route, SlotTarget,
    TimerWrite, WordTarget,
};
pub use reply::{
    ContextRow, Diagnostic, EngineInfo, Event, HelloReply, RefusedRoute, Reply, ReplyFront, ReplyTo, ScanStats,
};
pub use snapshot::{
    BODY_LEN, HEADER_LEN, MAGIC, SNAPSHOT_LEN, SlotCells, Snapshot, SnapshotBody, SnapshotError, SnapshotHeader,
    counter_flag, encode_body, encode_header, read_snapshot, timer_flag, write_snapshot,
};
pub use state::EngineState;

/// The version of the protocol that is spoken. Whatever version a client says, it is answered with this one (PL-2).
pub const VERSION: i64 = 1;

/// The `seq` of an answer to a request without one (PL-4).
pub const SEQ_NONE: i32 = -1;

/// The document format of a program; the only one there is (PL-11).
pub const PROGRAM_FORMAT: &str = "plcproj-xml";

/// The shortest interval of a memory stream in milliseconds; a shorter one is raised to it (PL-15).
pub const STREAM_INTERVAL_MS_MIN: u32 = 10;
/// The longest interval of a memory stream in milliseconds; a longer one is lowered to it (PL-15).
pub const STREAM_INTERVAL_MS_MAX: u32 = 5000;
/// The interval of a memory stream when the client names none, in milliseconds (PL-15).
pub const STREAM_INTERVAL_MS_DEFAULT: u32 = 50;

/// How often a route runs when its sender does not say, in milliseconds (PL-20).
pub const ROUTE_INTERVAL_MS_DEFAULT: u32 = 50;

/// The interval of a memory stream that a client gets for the one it asked for, in milliseconds (PL-15).
pub fn stream_interval_ms(asked: Option<i64>) -> u32 {
    match asked {
        None => STREAM_INTERVAL_MS_DEFAULT,
        Some(asked) => asked.clamp(STREAM_INTERVAL_MS_MIN.into(), STREAM_INTERVAL_MS_MAX.into()) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pairs are captured from the published engine 0.1.31.
    #[test]
    fn pl15_an_interval_is_held_within_its_range() {
        for (asked, effective) in [
            (Some(0), 10),
            (Some(1), 10),
            (Some(5), 10),
            (Some(20), 20),
            (Some(49), 49),
            (Some(1000), 1000),
            (Some(20_000), 5000),
            (Some(-5), 10),
            (None, 50),
        ] {
            assert_eq!(stream_interval_ms(asked), effective, "{asked:?}");
        }
        for border in [10, 5000] {
            assert_eq!(stream_interval_ms(Some(border)), border as u32);
        }
        assert_eq!(stream_interval_ms(Some(9)), 10);
        assert_eq!(stream_interval_ms(Some(5001)), 5000);
        assert_eq!(stream_interval_ms(Some(i64::MAX)), 5000);
        assert_eq!(stream_interval_ms(Some(i64::MIN)), 10);
    }
}
