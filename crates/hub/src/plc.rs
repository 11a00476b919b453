//! PLC contexts: how the hub and the engines that scan programs talk, and what the hub knows of each.
//!
//! ```text
//!   sessions, API, routes ─▶ order ─▶ Output::Plc ─▶ driver ─▶ engine ─▶ Controller
//!   signals, answers      ◀─ mirror ◀─ Input::Plc ◀─ driver ◀─ entry ◀──┘
//! ```
//!
//! An engine lives with the driver: on a thread of its own in real time, or in a step of a test. Both drive the same
//! [`Engine`], which applies orders at the borders of scans and reports everything as [`Entry`]s in one order. The hub keeps a
//! mirror of the memory and answers every question from it; it never waits for an engine.

pub mod devices;
pub mod engine;
pub mod entry;
pub mod lateness;
pub mod order;
pub mod program;
pub mod realtime;

pub(crate) mod act;
pub(crate) mod context;
pub(crate) mod io;
pub(crate) mod orders;
pub(crate) mod publish;
pub(crate) mod requests;
pub(crate) mod tags;
pub(crate) mod watch;

mod feed;
mod forces;
mod lifecycle;
mod retain;
mod rows;
mod show;
mod troubles;

pub use devices::{DeviceInputs, DeviceReport, DeviceState, IoSetup, IoTold, ScanTiming};
pub use engine::{Engine, NotGiven};
pub use entry::{Border, Entry, EntrySink, Given};
pub use lateness::{LateScans, Lateness};
pub use order::{LAST_ORDER, Numbered, Order, Refused};
pub use program::Program;
pub use realtime::{Denial, Granted, Realtime, RealtimeAnswer, RealtimeWish};
pub use retain::KEEP_EVERY;

use serde::{Deserialize, Serialize};

/// Names one context for the life of the hub: dense, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PlcId(pub u16);
