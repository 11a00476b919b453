//! Samples become rows for each second and each minute: smallest, largest and mean over time, and how many samples.
//!
//! A signal holds its value until the next sample, so the mean is weighted with time. A span without a sample has no row of its own:
//! whoever reads takes what was last. Rows of one span add up, so a span may be written in parts.

use std::collections::BTreeMap;

/// A span of a roll-up in seconds.
pub(super) const SPANS: [i64; 2] = [1, 60];

/// One row of a roll-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rolled {
    /// Begin of the span in seconds since 1970.
    pub(super) at_s: i64,
    pub(super) min: f64,
    pub(super) max: f64,
    /// Value times microseconds.
    pub(super) area: f64,
    /// Microseconds that `area` stands for.
    pub(super) weight: i64,
    /// Samples in the span.
    pub(super) count: i64,
}

/// What is not written of one signal and one width of spans.
#[derive(Clone, Copy, Debug)]
struct Open {
    row: Rolled,
    /// The value that holds, and since when, in microseconds.
    value: f64,
    since_us: i64,
}

/// The spans of all signals that are not written.
#[derive(Debug, Default)]
pub(super) struct Rollups {
    open: [BTreeMap<u32, Open>; 2],
}

impl Rollups {
    /// Takes a sample of a signal (by its id in the hub) and gives the rows that are complete with it, by the index of their
    /// width. A time that goes back counts as now.
    pub(super) fn take(&mut self, signal: u32, at_us: i64, value: f64) -> [Option<Rolled>; 2] {
        let mut done = [None; 2];
        for (index, span_s) in SPANS.into_iter().enumerate() {
            let at_s = at_us.div_euclid(1_000_000 * span_s) * span_s;
            let Some(open) = self.open[index].get_mut(&signal) else {
                self.open[index].insert(signal, Open::begin(at_s, at_us, value));
                continue;
            };
            if at_s > open.row.at_s {
                open.hold_until((open.row.at_s + span_s) * 1_000_000);
                done[index] = Some(open.row);
                let held = open.value;
                *open = Open::begin(at_s, at_us, value);
                // What it was before counts from the begin of the span.
                let begin_us = at_s * 1_000_000;
                open.row.min = value.min(held);
                open.row.max = value.max(held);
                open.row.area = held * (at_us - begin_us) as f64;
                open.row.weight = at_us - begin_us;
            } else {
                open.hold_until(at_us);
                open.row.min = open.row.min.min(value);
                open.row.max = open.row.max.max(value);
                open.row.count += 1;
                open.value = value;
            }
        }
        done
    }

    /// The rows that are complete at this time, and the parts so far of the others, as signal, index of the width, row. What is
    /// given is not given again.
    pub(super) fn flush(&mut self, now_us: i64) -> Vec<(u32, usize, Rolled)> {
        let mut rows = Vec::new();
        for (index, span_s) in SPANS.into_iter().enumerate() {
            self.open[index].retain(|signal, open| {
                let end_us = (open.row.at_s + span_s) * 1_000_000;
                open.hold_until(now_us.min(end_us));
                if open.row.weight > 0 || open.row.count > 0 {
                    rows.push((*signal, index, open.row));
                }
                open.row.area = 0.0;
                open.row.weight = 0;
                open.row.count = 0;
                (open.row.min, open.row.max) = (open.value, open.value);
                true
            });
        }
        rows
    }
}

impl Open {
    fn begin(at_s: i64, at_us: i64, value: f64) -> Open {
        Open {
            row: Rolled {
                at_s,
                min: value,
                max: value,
                area: 0.0,
                weight: 0,
                count: 1,
            },
            value,
            since_us: at_us,
        }
    }

    /// The value has held until then.
    fn hold_until(&mut self, until_us: i64) {
        let held = until_us - self.since_us;
        if held > 0 {
            self.row.area += self.value * held as f64;
            self.row.weight += held;
            self.since_us = until_us;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    fn mean(row: &Rolled) -> f64 {
        row.area / row.weight as f64
    }

    #[test]
    fn the_mean_is_weighted_with_time() {
        let mut rollups = Rollups::default();
        // 0 for 0.9 s, then 10 for 0.1 s.
        assert_eq!(rollups.take(1, 100 * S, 0.0), [None, None]);
        assert_eq!(rollups.take(1, 100 * S + 900_000, 10.0), [None, None]);
        let [second, minute] = rollups.take(1, 101 * S, 4.0);
        let second = second.unwrap();
        assert_eq!((second.at_s, second.min, second.max, second.count), (100, 0.0, 10.0, 2));
        assert!((mean(&second) - 1.0).abs() < 1e-9);
        assert_eq!(minute, None);
    }

    #[test]
    fn a_value_that_held_counts_from_the_begin_of_the_next_span() {
        let mut rollups = Rollups::default();
        rollups.take(1, 100 * S, 8.0);
        let [second, _] = rollups.take(1, 105 * S + 500_000, 2.0);
        assert_eq!(second.unwrap().weight, S, "the rest of its own second");
        let [second, _] = rollups.take(1, 106 * S, 2.0);
        let second = second.unwrap();
        assert_eq!((second.at_s, second.min, second.max), (105, 2.0, 8.0));
        assert!((mean(&second) - 5.0).abs() < 1e-9);
    }

    #[test]
    fn parts_of_a_span_add_up_to_the_span() {
        let (mut whole, mut parts) = (Rollups::default(), Rollups::default());
        let samples = [(100 * S, 1.0), (100 * S + 200_000, 5.0), (100 * S + 700_000, 3.0)];
        let mut sum = (0.0, 0, 0);
        for (at, value) in samples {
            whole.take(1, at, value);
            parts.take(1, at, value);
            for (_, index, row) in parts.flush(at + 50_000) {
                if index == 0 {
                    sum = (sum.0 + row.area, sum.1 + row.weight, sum.2 + row.count);
                }
            }
        }
        let [expected, _] = whole.take(1, 101 * S, 0.0);
        let [rest, _] = parts.take(1, 101 * S, 0.0);
        let (expected, rest) = (expected.unwrap(), rest.unwrap());
        let all = (sum.0 + rest.area, sum.1 + rest.weight, sum.2 + rest.count);
        assert!((all.0 - expected.area).abs() < 1e-3, "{all:?} {expected:?}");
        assert_eq!((all.1, all.2), (expected.weight, expected.count));
    }

    #[test]
    fn a_clock_that_is_set_back_does_no_harm() {
        let mut rollups = Rollups::default();
        rollups.take(1, 100 * S, 1.0);
        assert_eq!(rollups.take(1, 50 * S, 2.0), [None, None]);
        let [second, _] = rollups.take(1, 101 * S, 3.0);
        let second = second.unwrap();
        assert_eq!((second.min, second.max, second.count, second.weight), (1.0, 2.0, 2, S));
    }
}
