//! How scans went: how many, how long (PL-8, PL-36).

/// Counts and times of scans since the program was loaded or the controller was reset. Times are in microseconds and are
/// measured by the driver.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanStatistics {
    /// Scans that were finished.
    pub scan_count: u64,
    /// How long the last one took.
    pub last_us: u64,
    /// The shortest; 0 before the first.
    pub min_us: u64,
    /// The longest.
    pub max_us: u64,
    /// Scans that took longer than the target scan time.
    pub overrun_count: u64,
    measured: u64,
    total_us: u64,
}

impl ScanStatistics {
    /// What an engine elsewhere tells: scans, the times `[last, shortest, longest, average]`, and overruns.
    pub fn told(
        scan_count: u64,
        [last_us, min_us, max_us, average_us]: [u64; 4],
        overrun_count: u64,
    ) -> ScanStatistics {
        ScanStatistics {
            scan_count,
            last_us,
            min_us,
            max_us,
            overrun_count,
            measured: u64::from(scan_count > 0),
            total_us: average_us,
        }
    }

    /// The average over all measured scans; 0 before the first.
    pub fn average_us(&self) -> u64 {
        self.total_us.checked_div(self.measured).unwrap_or(0)
    }

    pub(crate) fn measure(&mut self, took_us: u64, target_us: u64) {
        self.last_us = took_us;
        self.min_us = if self.measured == 0 {
            took_us
        } else {
            self.min_us.min(took_us)
        };
        self.max_us = self.max_us.max(took_us);
        self.measured += 1;
        self.total_us = self.total_us.saturating_add(took_us);
        self.overrun_count += u64::from(took_us > target_us);
    }
}
