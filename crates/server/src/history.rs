//! The historian: what listed signals were over days and years, in `state/history.db`.
//!
//! ```text
//!   core ─▶ Intake (after each turn: what changed of the listed signals) ─▶ bounded queue ─▶ historian thread ─▶ SQLite
//!                                                                                                 └─ raw · seconds · minutes
//!   API ─▶ query (a connection of its own, which only reads)
//! ```
//!
//! The core never waits: what the queue or the cap does not take is counted and its newest value is written as soon as there is
//! room, so the last value of a signal is never missing.

mod database;
mod intake;
mod query;
mod rollup;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use database::HistoryError;
pub(crate) use intake::Intake;
pub(crate) use query::{Point, Wanted, query};
pub(crate) use writer::Historian;

use std::time::Duration;

/// What the historian is told at its start.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Patterns of the signals that are kept.
    pub(crate) signals: Vec<String>,
    /// How long every sample is kept.
    pub(crate) raw: Duration,
    /// How long a row for each second is kept.
    pub(crate) seconds: Duration,
    /// How long a row for each minute is kept.
    pub(crate) minutes: Duration,
    /// The file is kept below so many bytes: beyond it the oldest rows go before their time.
    pub(crate) bytes_max: u64,
    /// Samples that are taken in a second at most; of more only the newest of each signal is kept, and the others are counted.
    pub(crate) rows_per_second_max: u32,
}

/// One sample on its way to the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Which signal.
    pub(crate) signal: crosstie_hub::signal::SignalId,
    /// Its name, with the first of its samples.
    pub(crate) name: Option<Box<str>>,
    /// The world's time in microseconds since 1970.
    pub(crate) at_us: i64,
    /// What it is.
    pub(crate) value: crosstie_hub::signal::Value,
    /// The word of its quality.
    pub(crate) quality: &'static str,
}
