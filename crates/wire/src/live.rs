//! The live channel: how the web interface and the command line follow signals and write them.
//!
//! Text frames with one JSON object each, as the manual's page on the HTTP and live API describes them. Only the hub's side is
//! here: [`decode`] reads what a client sends, the `write_*` functions append what the hub sends. Rows borrow their fields, so
//! a row costs no allocation. Which signals a view holds and whether a write is allowed is decided elsewhere.

mod classroom;
mod decode;
mod encode;
mod plc;
mod replay;

pub use classroom::{
    ClassCounts, ClassError, ClassGama, ClassLine, ClassModel, ClassPlayer, ClassState, write_class_state,
    write_classroom, write_watching_classroom,
};
pub use decode::{Limits, Request, RequestError, Subscribe, WatchClassroom, WatchPlc, Write, decode, decode_within};
pub use encode::{
    ClockFrame, DataFront, DataRow, Gap, Quality, SignalRow, SnapshotFront, WriteOutcome, Writer, write_added,
    write_clock, write_data, write_data_row, write_error, write_hello, write_signal_row, write_snapshot,
    write_snapshot_head, write_snapshot_tail, write_tick, write_write_result,
};
pub use plc::{PlcFrame, PlcScan, write_plc, write_watching_plc};
pub use replay::{Replay, SkippedSignal, write_replay, write_replay_state};
