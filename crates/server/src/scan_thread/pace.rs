//! When scans are due: at fixed times of the hub from the start on, whatever a single scan takes.
//!
//! Where the hub's time goes as the world's does, a thread that comes late skips the periods that have passed. In any other time
//! every scan is executed as of the moment at which it is due: at a hundred times the speed a thread is always late, and a program
//! that saw that would not be the program at work.

/// Scans that may be due and not executed where none is to be skipped. A thread that is further behind cannot follow: it goes on with
/// the newest of them, which gets the time of all, and the others count as missed.
const SCANS_BEHIND_MAX: u64 = 1_000;

/// How scans are paced now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Manner {
    /// As the world goes: what is late is skipped. What was due before this moment is not: the time went otherwise until then.
    Plain { since: u64 },
    /// Each scan as of the moment at which it is due.
    #[default]
    Exact,
    /// The same in a step of the clock, and however far behind.
    Stepped,
}

/// The times of one run, in microseconds of the hub.
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

    /// A scan begins now. The next one is due a period after this one was; in the time of the world, periods that have passed whole
    /// are skipped.
    pub(super) fn scan(&mut self, now: u64, period: u32, manner: Manner) -> Begun {
        let period = u64::from(period.max(1));
        let late = now.saturating_sub(self.due);
        let behind = late / period;
        let (missed, is_exact) = match manner {
            Manner::Plain { since } if self.due >= since => (behind, false),
            Manner::Stepped => (0, true),
            Manner::Plain { .. } | Manner::Exact if behind > SCANS_BEHIND_MAX => (behind, true),
            Manner::Plain { .. } | Manner::Exact => (0, true),
        };
        let begins = if is_exact { self.due + missed * period } else { now };
        let since = self.last_began.map(|began| begins.saturating_sub(began));
        self.last_began = Some(begins);
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
    /// How much later than due it begins, in the hub's time.
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

    const PLAIN: Manner = Manner::Plain { since: 0 };

    /// Scans that begin at these times, or when they are due if that is later: when each began, and the time that it got.
    fn scans(woken: &[u64], period: u32) -> Vec<(u64, u32)> {
        let mut pace = Pace::begin(woken[0]);
        let mut scan = |woken: &u64| {
            let now = pace.due().max(*woken);
            (now, pace.scan(now, period, PLAIN).dt_us)
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
            sum += u64::from(pace.scan(now, 500, PLAIN).dt_us);
        }
        assert_eq!(sum, now + 500, "the first one gets the target time");
        assert_eq!(pace.due() % 500, 0, "no drift");
    }

    #[test]
    fn another_period_counts_from_the_last_due_time() {
        let mut pace = Pace::begin(0);
        pace.scan(0, 10, PLAIN);
        pace.scan(10, 50, PLAIN);
        assert_eq!(pace.due(), 60);
        // A thread that was held for hours.
        assert_eq!(pace.scan(1 << 40, 50, PLAIN).dt_us, u32::MAX);
        assert!(pace.due() > 1 << 40);
    }
    #[test]
    fn in_another_time_every_scan_is_executed_as_of_the_moment_at_which_it_is_due() {
        let mut pace = Pace::begin(100);
        pace.scan(100, 10, PLAIN);
        // The thread comes at 137 of the hub: three scans are due, and each gets its own time.
        for due in [110, 120, 130] {
            assert_eq!(pace.due(), due);
            let begun = pace.scan(137, 10, Manner::Exact);
            assert_eq!((begun.dt_us, begun.missed), (10, 0));
        }
        assert_eq!(pace.due(), 140);
    }

    #[test]
    fn what_was_due_before_the_time_went_as_the_world_does_is_not_skipped() {
        let mut pace = Pace::begin(100);
        pace.scan(100, 10, Manner::Exact);
        let plain = Manner::Plain { since: 125 };
        assert_eq!((pace.scan(151, 10, plain).dt_us, pace.due()), (10, 120));
        assert_eq!((pace.scan(151, 10, plain).dt_us, pace.due()), (10, 130));
        let late = pace.scan(151, 10, plain);
        assert_eq!((late.dt_us, late.missed, pace.due()), (31, 2, 160));
    }

    #[test]
    fn a_thread_that_cannot_follow_skips_and_counts_except_in_a_step() {
        let mut pace = Pace::begin(0);
        let begun = pace.scan(SCANS_BEHIND_MAX * 10, 10, Manner::Exact);
        assert_eq!((begun.missed, pace.due()), (0, 10));
        let begun = pace.scan(10 + (SCANS_BEHIND_MAX + 1) * 10, 10, Manner::Exact);
        assert_eq!(u64::from(begun.missed), SCANS_BEHIND_MAX + 1);
        assert_eq!(
            u64::from(begun.dt_us),
            10 + (SCANS_BEHIND_MAX + 1) * 10,
            "its time is not lost"
        );
        let due = pace.due();
        let begun = pace.scan(due + SCANS_BEHIND_MAX * 100, 10, Manner::Stepped);
        assert_eq!((begun.missed, pace.due()), (0, due + 10));
    }
}
