//! `[record]`: where recordings go, what is in them and how large they may become.

use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Megabytes at which a recording may be told to end. Anything else is refused, in the project file and by the API.
pub(crate) const MAX_MB: RangeInclusive<u64> = 1..=1_000_000;

/// Minutes after which a recording may be told to end. Anything else is refused, in the project file and by the API.
pub(crate) const MAX_MINUTES: RangeInclusive<u64> = 1..=100_000;

/// `[record]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordConfig {
    /// Folder of the recordings; a relative path begins at the project folder.
    pub folder: PathBuf,
    /// A recording begins with the hub.
    pub autostart: bool,
    /// Patterns of the signals in a recording.
    pub signals: Vec<String>,
    /// What enters the hub is in it, too.
    pub inputs: bool,
    /// A recording ends at so many megabytes.
    pub max_mb: u64,
    /// A recording ends after so many minutes of the world's time.
    pub max_minutes: u64,
    /// With so many megabytes of recordings in the folder no other one is started.
    pub keep_mb: u64,
}

impl Default for RecordConfig {
    fn default() -> RecordConfig {
        RecordConfig {
            folder: PathBuf::from("recordings"),
            autostart: false,
            signals: vec![String::from("**")],
            inputs: true,
            max_mb: 1_024,
            max_minutes: 60,
            keep_mb: 10_240,
        }
    }
}
