//! The signal space: every value of the house under one name, with its quality and its age.
//!
//! What enters: a name, a value, who wrote it and when. What leaves: the stored sample, and the list of what changed since
//! a generation. This room refuses to know who is connected, what a frame is and how a name looks on somebody's wire.

pub mod coerce;
pub mod name;
mod recency;
pub mod space;
pub mod value;

pub use name::Pattern;
pub use space::{Cell, SignalSpace, Writer};
pub use value::{Kind, Quality, Value};

/// Names one signal for the life of the hub: dense, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignalId(pub u32);

/// Counts batches of changes. One batch applied is one generation, and a client that has been told up to a generation
/// knows every value as it was then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);
