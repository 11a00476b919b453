//! How much later than due scans begin: counted exactly where they are executed, told in small pieces, and added up in the hub.
//!
//! A scan thread is woken by the operating system, and that is never quite on time. Each scan falls into a bucket by how late
//! it began. The engine keeps what it has counted since it was told last, so that nothing is lost when scans are merged.

use super::devices::ScanTiming;
use super::entry::{Entry, EntrySink};

/// The upper bounds of the buckets in microseconds, each of them included. They are dense where a good machine lies, between
/// 1 and 100 µs. What is later than the last one falls into a bucket without a bound.
pub const LATE_BOUNDS_US: [u32; 29] = [
    1, 2, 3, 5, 7, 10, 12, 15, 20, 25, 30, 40, 50, 60, 70, 80, 100, 120, 150, 200, 300, 500, 700, 1_000, 2_000, 5_000,
    10_000, 20_000, 50_000,
];

/// Buckets, the one without a bound among them. Each is told as one entry at most.
pub const LATE_BUCKETS: usize = LATE_BOUNDS_US.len() + 1;

/// A scan that began later than this part of its scan time is tardy: half of it. Less is a matter of the histogram, not of a
/// warning: an ordinary system without priorities is often a millisecond late.
pub(super) const TARDY_PART: u32 = 2;

/// Scans that fell into one bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LateScans {
    /// Which bucket: a position in [`LATE_BOUNDS_US`], or one behind its end.
    pub bucket: u8,
    /// How many.
    pub count: u32,
    /// How late they began together, in microseconds.
    pub sum_us: u64,
    /// How late the latest of them began, in microseconds.
    pub max_us: u32,
    /// Those of them that began later than half the scan time.
    pub tardy: u32,
    /// Scans that were due right before one of them and were left out.
    pub missed: u32,
}

/// What an engine has counted since it was told last.
#[derive(Debug)]
pub(super) struct Untold {
    buckets: [LateScans; LATE_BUCKETS],
    /// The buckets that are not empty: bit n for bucket n.
    active: u32,
}

const _: () = assert!(LATE_BUCKETS <= u32::BITS as usize);

impl Default for Untold {
    fn default() -> Untold {
        let mut buckets = [LateScans::default(); LATE_BUCKETS];
        for (number, bucket) in (0_u8..).zip(&mut buckets) {
            bucket.bucket = number;
        }
        Untold { buckets, active: 0 }
    }
}

impl Untold {
    /// A scan was executed that is due every `target_us` microseconds.
    pub(super) fn count(&mut self, timing: ScanTiming, target_us: u32) {
        let number = LATE_BOUNDS_US.partition_point(|bound| *bound < timing.late_us);
        let bucket = &mut self.buckets[number];
        bucket.count = bucket.count.saturating_add(1);
        bucket.sum_us += u64::from(timing.late_us);
        bucket.max_us = bucket.max_us.max(timing.late_us);
        let is_tardy = timing.late_us > target_us / TARDY_PART;
        bucket.tardy = bucket.tardy.saturating_add(u32::from(is_tardy));
        bucket.missed = bucket.missed.saturating_add(timing.missed);
        self.active |= 1 << number;
    }

    /// Statistics begin anew: what was not told belongs to nothing.
    pub(super) fn forget(&mut self) {
        if self.active != 0 {
            *self = Untold::default();
        }
    }

    /// Tells the buckets that are not empty.
    pub(super) fn tell(&mut self, sink: &mut impl EntrySink) {
        while self.active != 0 {
            let number = self.active.trailing_zeros();
            self.active &= self.active - 1;
            let bucket = &mut self.buckets[number as usize];
            let empty = LateScans {
                bucket: bucket.bucket,
                ..LateScans::default()
            };
            sink.push(Entry::Late(std::mem::replace(bucket, empty)));
        }
    }
}

/// How late the scans of a context began since the program was loaded or the context was reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lateness {
    /// Scans in each bucket.
    pub counts: [u64; LATE_BUCKETS],
    /// How late all of them began together, in microseconds.
    pub sum_us: u64,
    /// How late the latest of them began, in microseconds.
    pub max_us: u32,
    /// Scans that began later than half the scan time.
    pub tardy: u64,
    /// Scans that were due and were left out, because the thread came too late for them.
    pub missed: u64,
}

impl Default for Lateness {
    fn default() -> Lateness {
        Lateness {
            counts: [0; LATE_BUCKETS],
            sum_us: 0,
            max_us: 0,
            tardy: 0,
            missed: 0,
        }
    }
}

impl Lateness {
    /// Adds what an engine has told. A bucket that does not exist is passed over.
    pub(crate) fn add(&mut self, scans: LateScans) {
        let Some(count) = self.counts.get_mut(usize::from(scans.bucket)) else {
            return;
        };
        *count += u64::from(scans.count);
        self.sum_us = self.sum_us.saturating_add(scans.sum_us);
        self.max_us = self.max_us.max(scans.max_us);
        self.tardy += u64::from(scans.tardy);
        self.missed += u64::from(scans.missed);
    }

    /// Scans that were counted.
    pub fn scans(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The upper bounds of the buckets, in microseconds, with their counts; the last one has none.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<u32>, u64)> {
        let bounds = LATE_BOUNDS_US.iter().map(|bound| Some(*bound));
        bounds.chain([None]).zip(self.counts)
    }

    /// So many per cent of the scans began no later than this, in microseconds: the upper bound of a bucket, or the latest of
    /// all in the bucket that has none. `None` without scans.
    pub fn percentile_us(&self, percent: u64) -> Option<u32> {
        let scans = self.scans();
        let wanted = (scans * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.buckets().find(|(_, count)| {
            seen += count;
            seen >= wanted
        });
        found.map(|(bound, _)| bound.unwrap_or(self.max_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn late(late_us: u32, missed: u32) -> ScanTiming {
        ScanTiming {
            late_us,
            missed,
            took_us: 1,
        }
    }

    /// What the hub adds up of these scans of a context at 1 ms, told after each or all at once.
    fn added(scans: &[ScanTiming], tells_each: bool) -> Lateness {
        let (mut untold, mut told) = (Untold::default(), Vec::new());
        for scan in scans {
            untold.count(*scan, 1_000);
            if tells_each {
                untold.tell(&mut told);
            }
        }
        untold.tell(&mut told);
        assert!(tells_each || told.len() <= LATE_BUCKETS);
        let mut lateness = Lateness::default();
        for entry in told {
            let Entry::Late(scans) = entry else { panic!("{entry:?}") };
            lateness.add(scans);
        }
        lateness
    }

    #[test]
    fn scans_that_are_told_together_count_as_those_that_are_told_one_by_one() {
        let scans: Vec<ScanTiming> = (0..5_000_u32).map(|n| late(n * n % 70_001, n % 3)).collect();
        let (each, once) = (added(&scans, true), added(&scans, false));
        assert_eq!(each, once);
        assert_eq!(each.scans(), 5_000);
        assert_eq!(
            each.missed,
            scans.iter().map(|scan| u64::from(scan.missed)).sum::<u64>()
        );
        assert_eq!(
            each.sum_us,
            scans.iter().map(|scan| u64::from(scan.late_us)).sum::<u64>()
        );
        assert_eq!(Some(each.max_us), scans.iter().map(|scan| scan.late_us).max());
        assert_eq!(
            each.tardy,
            scans.iter().filter(|scan| scan.late_us > 500).count() as u64
        );
    }

    #[test]
    fn a_bound_belongs_to_its_bucket_and_percentiles_are_bounds() {
        assert_eq!(Lateness::default().percentile_us(99), None);
        let mut scans = vec![late(10, 0); 99];
        scans.push(late(11, 0));
        assert_eq!(added(&scans, false).percentile_us(99), Some(10));
        scans.push(late(11, 0));
        let lateness = added(&scans, false);
        assert_eq!(
            (lateness.percentile_us(50), lateness.percentile_us(99)),
            (Some(10), Some(12))
        );
        assert_eq!(added(&[late(0, 0)], false).percentile_us(99), Some(1));
        assert_eq!(added(&[late(70_000, 0)], false).percentile_us(99), Some(70_000));
        assert!(LATE_BOUNDS_US.is_sorted());
    }

    #[test]
    fn statistics_that_begin_anew_forget_what_was_not_told() {
        let (mut untold, mut told) = (Untold::default(), Vec::new());
        untold.count(late(7, 2), 1_000);
        untold.forget();
        untold.tell(&mut told);
        assert_eq!(told, []);
    }
}
