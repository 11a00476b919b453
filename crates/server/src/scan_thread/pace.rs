//! When scans are due: at fixed times from the start on, whatever a single scan takes.

/// The times of one run, in microseconds of the thread's clock.
#[derive(Debug)]
pub(super) struct Pace {
    due: u64,
    last_began: Option<u64>,
}

impl Pace {
    /// A run that begins now: its first scan is due at once.
    pub(super) fn begin(now: u64) -> Pace {
        Pace {
            due: now,
            last_began: None,
        }
    }

    /// When the next scan is due.
    pub(super) fn due(&self) -> u64 {
        self.due
    }

    /// A scan begins now. The next one is due a period after this one was; periods that have passed whole are skipped.
    pub(super) fn scan(&mut self, now: u64, period: u32) -> Begun {
        let since = self.last_began.map(|began| now.saturating_sub(began));
        self.last_began = Some(now);
        let period = u64::from(period.max(1));
        let late = now.saturating_sub(self.due);
        let missed = late / period;
        self.due += (missed + 1) * period;
        Begun {
            dt_us: since.map_or(period as u32, saturated),
            late_us: saturated(late),
            missed: saturated(missed),
        }
    }
}

/// A scan that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    /// The time since the one before began; the first one gets the target time.
    pub(super) dt_us: u32,
    /// How much later than due it begins.
    pub(super) late_us: u32,
    /// Scans before it that were due and are skipped.
    pub(super) missed: u32,
}

fn saturated(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scans that begin at these times, or when they are due if that is later: when each began, and the time that it got.
    fn scans(woken: &[u64], period: u32) -> Vec<(u64, u32)> {
        let mut pace = Pace::begin(woken[0]);
        let mut scan = |woken: &u64| {
            let now = pace.due().max(*woken);
            (now, pace.scan(now, period).dt_us)
        };
        woken.iter().map(&mut scan).collect()
    }

    #[test]
    fn a_late_scan_does_not_shift_the_following() {
        let expected = [(100, 10), (113, 13), (120, 7), (130, 10)];
        assert_eq!(scans(&[100, 113, 0, 0], 10), expected);
    }

    #[test]
    fn missed_periods_are_skipped_and_their_time_is_not_lost() {
        // The periods of 110, 120 and 130 have passed when the thread comes back at 137: one scan stands for them.
        let expected = [(100, 10), (137, 37), (140, 3), (150, 10)];
        assert_eq!(scans(&[100, 137, 0, 0], 10), expected);
    }

    #[test]
    fn the_times_of_all_scans_are_exact_together() {
        let mut pace = Pace::begin(0);
        let (mut now, mut sum) = (0, 0_u64);
        for step in 0..10_000_u64 {
            now = pace.due().max(now) + step * 7 % 13;
            sum += u64::from(pace.scan(now, 500).dt_us);
        }
        assert_eq!(sum, now + 500, "the first one gets the target time");
        assert_eq!(pace.due() % 500, 0, "no drift");
    }

    #[test]
    fn another_period_counts_from_the_last_due_time() {
        let mut pace = Pace::begin(0);
        pace.scan(0, 10);
        pace.scan(10, 50);
        assert_eq!(pace.due(), 60);
        // A thread that was held for hours.
        assert_eq!(pace.scan(1 << 40, 50).dt_us, u32::MAX);
        assert!(pace.due() > 1 << 40);
    }
}
