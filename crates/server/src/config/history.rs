//! `[history]`: what the historian keeps, and for how long.

use std::time::Duration;

/// `[history]`. Without signals there is no historian.
#[derive(Clone, Debug)]
pub struct HistoryConfig {
    /// Patterns of the signals that are kept.
    pub signals: Vec<String>,
    /// Days that every sample is kept: 1 to 36,500.
    pub raw_days: u32,
    /// Days that the rows for each second are kept: 1 to 36,500.
    pub seconds_days: u32,
    /// Days that the rows for each minute are kept: 1 to 36,500.
    pub minutes_days: u32,
    /// Megabytes that the file may hold; beyond it the oldest rows go before their time.
    pub max_mb: u32,
    /// Samples that are taken in a second at most; of more only the newest of each signal is kept.
    pub rows_per_second_max: u32,
}

impl Default for HistoryConfig {
    fn default() -> HistoryConfig {
        HistoryConfig {
            signals: Vec::new(),
            raw_days: 7,
            seconds_days: 31,
            minutes_days: 365,
            max_mb: 1_024,
            rows_per_second_max: 20_000,
        }
    }
}

impl HistoryConfig {
    /// What the historian is told; `None` where nothing is to be kept.
    pub(crate) fn settings(&self) -> Option<crate::history::Settings> {
        let days = |days: u32| Duration::from_secs(u64::from(days) * 86_400);
        (!self.signals.is_empty()).then(|| crate::history::Settings {
            signals: self.signals.clone(),
            raw: days(self.raw_days),
            seconds: days(self.seconds_days),
            minutes: days(self.minutes_days),
            bytes_max: u64::from(self.max_mb) * 1_000_000,
            rows_per_second_max: self.rows_per_second_max,
        })
    }
}
