//! Recordings: every sample and every input of a run in an MCAP file, and reading it back.
//!
//! ```text
//!   core ─(after each turn: what changed since the last hand-over)─▶ bounded ring ─▶ recorder thread ─▶ file.mcap
//!        ─(before each turn: the input)───────────────────────────▶
//! ```
//!
//! The core never waits: with a full ring it hands over nothing and says later what was lost (a gap). Samples are made up for by
//! the newest values; inputs are not, and a recording with lost inputs can be replayed, not executed again.

pub(crate) mod format;
