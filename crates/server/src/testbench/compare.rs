//! Does a run do what a recording says? Both are traces; the answer is the first difference.
//!
//! What a PLC writes is compared scan by scan, everything else moment by moment, such as what routes bring to a PLC. A value counts as *in force* from its point to
//! the next one. With [`Slack`] a run may be a little earlier or later than the recording: what it says must then be in force in
//! the other somewhere near. Without slack both must change at the same scan, or the same moment.

use super::trace::{Point, Trace, Track, Trust, shown};
use crosstie_hub::Time;
use crosstie_hub::signal::Value;
use std::time::Duration;

/// How far two traces may be apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slack {
    /// For what a PLC writes: so many scans earlier or later.
    pub(crate) scans: u64,
    /// For the rest: so much earlier or later.
    pub(crate) time: Duration,
    /// What was in force for no longer than the slack need not be found in the recording: a recorder that comes late has the
    /// newest value only.
    pub(crate) lets_blinks: bool,
}

/// One signal to be compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Compared {
    /// Its name.
    pub(crate) name: String,
    /// Numbers may differ by so much.
    pub(crate) tolerance: f64,
}

/// Where a run is not as it should be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// Name of the signal.
    pub(crate) signal: String,
    /// When, in hub time.
    pub(crate) at: Time,
    /// The scan, for what a PLC writes.
    pub(crate) scan: Option<u64>,
    /// What should be there; `None` when the signal is not to be there yet.
    pub(crate) expected: Option<(Value, Trust)>,
    /// What is there.
    pub(crate) got: Option<(Value, Trust)>,
}

impl std::fmt::Display for Difference {
    /// `plc/line/Run: expected true, got false at 1230 ms, scan 123`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = |side: &Option<(Value, Trust)>| match side {
            None => String::from("nothing yet"),
            Some((value, Trust::Good)) => shown(value),
            Some((value, trust)) => format!("{} ({})", shown(value), trust.word()),
        };
        let (expected, got) = (side(&self.expected), side(&self.got));
        write!(
            f,
            "{}: expected {expected}, got {got} at {}",
            self.signal,
            shown_time(self.at)
        )?;
        match self.scan {
            Some(scan) => write!(f, ", scan {scan}"),
            None => Ok(()),
        }
    }
}

/// A moment in milliseconds, with as many decimals as it has, at most three.
pub(crate) fn shown_time(at: Time) -> String {
    let us = at.as_nanos() / 1_000;
    match us % 1_000 {
        0 => format!("{} ms", us / 1_000),
        rest => format!("{}.{rest:03} ms", us / 1_000),
    }
}

/// The first difference between a recording and a run, up to the end of the shorter one; `None` when the run does what the
/// recording says.
pub(crate) fn first_difference(
    expected: &Trace,
    got: &Trace,
    compared: &[Compared],
    slack: Slack,
) -> Option<Difference> {
    let end = expected.end.min(got.end);
    let nothing = Track::default();
    let differences = compared.iter().filter_map(|compared| {
        let expected = expected.track(&compared.name).unwrap_or(&nothing);
        let got = got.track(&compared.name).unwrap_or(&nothing);
        let pair = Pair::new(expected, got, compared, slack, end);
        pair.first()
    });
    // Of several at the same moment the first in the order of the list counts.
    differences.min_by_key(|difference| difference.at)
}

/// A value from a position on: the number of a scan, or nanoseconds.
struct Stretch<'a> {
    from: u64,
    point: &'a Point,
}

/// One signal in both traces.
struct Pair<'a> {
    compared: &'a Compared,
    by_scan: bool,
    expected: Vec<Stretch<'a>>,
    got: Vec<Stretch<'a>>,
    slack: u64,
    lets_blinks: bool,
    /// Nothing that came later counts.
    end: Time,
}

impl<'a> Pair<'a> {
    fn new(expected: &'a Track, got: &'a Track, compared: &'a Compared, slack: Slack, end: Time) -> Pair<'a> {
        let by_scan = goes_by_scans(expected) && goes_by_scans(got);
        let stretches = |track: &'a Track| {
            let mut list: Vec<Stretch<'a>> = Vec::with_capacity(track.points().len());
            let mut last_scan = 0;
            for point in track.points() {
                // What came without a scan, as at the begin, came with the one before.
                last_scan = point.scan.unwrap_or(last_scan);
                let from = if by_scan { last_scan } else { point.at.as_nanos() };
                // Of several values of one position the last is what others saw.
                match list.last_mut() {
                    Some(last) if last.from == from => last.point = point,
                    _ => list.push(Stretch { from, point }),
                }
            }
            list
        };
        let (expected, got) = (stretches(expected), stretches(got));
        let slack_of = if by_scan {
            slack.scans
        } else {
            slack.time.as_nanos() as u64
        };
        // The shorter of the two runs has not seen what would come within the slack.
        let end = Time::from_nanos(end.as_nanos().saturating_sub(slack.time.as_nanos() as u64));
        Pair {
            compared,
            by_scan,
            expected,
            got,
            slack: slack_of,
            lets_blinks: slack.lets_blinks,
            end,
        }
    }

    fn first(&self) -> Option<Difference> {
        let missing = self.lost(&self.expected, &self.got, false);
        let surplus = self.lost(&self.got, &self.expected, self.lets_blinks);
        let from = match (missing, surplus) {
            (Some(missing), Some(surplus)) => missing.min(surplus),
            (one, other) => one.or(other)?,
        };
        let side = |list: &[Stretch<'a>]| {
            let point = in_force(list, from)?.point;
            Some((point.value.clone(), point.trust))
        };
        let here = |list: &[Stretch<'_>]| list.iter().find(|one| one.from == from).map(|one| one.point.at);
        let at = here(&self.expected).or_else(|| here(&self.got));
        Some(Difference {
            signal: self.compared.name.clone(),
            at: at.unwrap_or(Time::ZERO),
            scan: self.by_scan.then_some(from),
            expected: side(&self.expected),
            got: side(&self.got),
        })
    }

    /// Where the first stretch of a list begins whose value the other list does not have somewhere near.
    fn lost(&self, list: &[Stretch<'_>], other: &[Stretch<'_>], lets_blinks: bool) -> Option<u64> {
        for (index, stretch) in list.iter().enumerate() {
            if stretch.point.at > self.end {
                return None;
            }
            let until = list.get(index + 1).map_or(u64::MAX, |next| next.from);
            // In which order a hub comes to life is nobody's matter: what does not last is let pass there, too.
            let may_blink = lets_blinks || stretch.from <= self.slack;
            if may_blink && until.saturating_sub(stretch.from) <= self.slack {
                continue;
            }
            // Its begin must be matched, and without slack every change of the other while it lasts.
            let seen = other.iter().filter(|one| one.point.at <= self.end).map(|one| one.from);
            let moments = seen.filter(|from| (stretch.from..until).contains(from));
            let near = |from: u64| self.is_near(stretch.point, other, from);
            if !near(stretch.from) {
                return Some(stretch.from);
            }
            if self.slack == 0
                && let Some(from) = moments.filter(|from| !near(*from)).min()
            {
                return Some(from);
            }
        }
        None
    }

    /// The other list has this value, about, in force somewhere around a position.
    fn is_near(&self, point: &Point, other: &[Stretch<'_>], from: u64) -> bool {
        let (first, last) = (from.saturating_sub(self.slack), from.saturating_add(self.slack));
        let begun = other.partition_point(|one| one.from <= first).saturating_sub(1);
        other[begun.min(other.len())..]
            .iter()
            .take_while(|one| one.from <= last)
            .any(|one| {
                is_about(&point.value, &one.point.value, self.compared.tolerance) && point.trust == one.point.trust
            })
    }
}

fn in_force<'a, 'b>(list: &'b [Stretch<'a>], from: u64) -> Option<&'b Stretch<'a>> {
    let after = list.partition_point(|one| one.from <= from);
    after.checked_sub(1).map(|index| &list[index])
}

/// Every value came with the number of its scan, but for what was there at the begin, and they do not go back, as after a reset.
fn goes_by_scans(track: &Track) -> bool {
    let mut last = 0;
    let mut points = track.points();
    let go_on = points.all(|point| {
        let goes_on = point.scan.map_or(point.at == Time::ZERO, |scan| scan >= last);
        last = point.scan.unwrap_or(last);
        goes_on
    });
    go_on && track.points().any(|point| point.scan.is_some())
}

/// The same value, or two numbers that are no further apart than the tolerance.
pub(crate) fn is_about(one: &Value, other: &Value, tolerance: f64) -> bool {
    let number = |value: &Value| match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Bool(_) | Value::Text(_) => None,
    };
    if one.is_same(other) {
        return true;
    }
    match (number(one), number(other)) {
        // Two decimals that are one tenth apart are a little more than that in binary.
        (Some(one), Some(other)) if tolerance > 0.0 => (one - other).abs() <= tolerance * (1.0 + 1e-9),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trace of one signal `s`: scans (of 10 ms) and values.
    fn scans(points: &[(u64, i64)], end_scan: u64) -> Trace {
        let mut trace = Trace::default();
        for (scan, number) in points {
            let point = Point {
                at: Time::from_millis(scan * 10),
                scan: Some(*scan),
                value: Value::Int(*number),
                trust: Trust::Good,
            };
            trace.push("s", point);
        }
        trace.end = Time::from_millis(end_scan * 10);
        trace
    }

    fn times(points: &[(u64, f64)], end_ms: u64) -> Trace {
        let mut trace = Trace::default();
        for (at_ms, number) in points {
            let point = Point {
                at: Time::from_millis(*at_ms),
                scan: None,
                value: Value::Float(*number),
                trust: Trust::Good,
            };
            trace.push("s", point);
        }
        trace.end = Time::from_millis(end_ms);
        trace
    }

    fn list(tolerance: f64) -> Vec<Compared> {
        vec![Compared {
            name: String::from("s"),
            tolerance,
        }]
    }

    #[track_caller]
    fn check(expected: &Trace, got: &Trace, tolerance: f64, slack: Slack, text: Option<&str>) {
        let difference = first_difference(expected, got, &list(tolerance), slack);
        let got = difference.map(|difference| difference.to_string());
        assert_eq!(got.as_deref(), text);
    }

    #[test]
    fn without_slack_both_change_at_the_same_scan() {
        let exact = Slack::default();
        let expected = scans(&[(0, 0), (5, 1), (9, 0)], 20);
        check(&expected, &expected, 0.0, exact, None);
        let late = scans(&[(0, 0), (6, 1), (9, 0)], 20);
        check(
            &expected,
            &late,
            0.0,
            exact,
            Some("s: expected 1, got 0 at 50 ms, scan 5"),
        );
        let early = scans(&[(0, 0), (4, 1), (9, 0)], 20);
        check(
            &expected,
            &early,
            0.0,
            exact,
            Some("s: expected 0, got 1 at 40 ms, scan 4"),
        );
        let never = scans(&[(0, 0)], 20);
        check(
            &expected,
            &never,
            0.0,
            exact,
            Some("s: expected 1, got 0 at 50 ms, scan 5"),
        );
        let pulse = scans(&[(0, 0), (5, 1), (7, 2), (8, 1), (9, 0)], 20);
        check(
            &expected,
            &pulse,
            0.0,
            exact,
            Some("s: expected 1, got 2 at 70 ms, scan 7"),
        );
        let silent = scans(&[], 20);
        check(
            &expected,
            &silent,
            0.0,
            exact,
            Some("s: expected 0, got nothing yet at 0 ms"),
        );
    }

    #[test]
    fn with_slack_a_run_may_be_a_little_beside_the_recording() {
        let slack = Slack {
            scans: 1,
            time: Duration::from_millis(20),
            lets_blinks: true,
        };
        let expected = scans(&[(0, 0), (5, 1), (9, 0)], 20);
        check(&expected, &scans(&[(0, 0), (6, 1), (10, 0)], 20), 0.0, slack, None);
        check(&expected, &scans(&[(0, 0), (4, 1), (8, 0)], 20), 0.0, slack, None);
        let two_late = scans(&[(0, 0), (7, 1), (9, 0)], 20);
        check(
            &expected,
            &two_late,
            0.0,
            slack,
            Some("s: expected 1, got 0 at 50 ms, scan 5"),
        );
        // A recorder that came late has not seen a blink of one scan, but it has seen what stayed.
        let blink = scans(&[(0, 0), (5, 1), (7, 2), (8, 1), (9, 0)], 20);
        check(&expected, &blink, 0.0, slack, None);
        let stays = scans(&[(0, 0), (5, 1), (9, 0), (12, 3)], 20);
        check(
            &scans(&[(0, 0), (5, 1), (9, 0), (15, 3)], 20),
            &stays,
            0.0,
            slack,
            Some("s: expected 0, got 3 at 120 ms, scan 12"),
        );
        let expected = times(&[(0, 0.0), (100, 1.0)], 500);
        check(&expected, &times(&[(0, 0.0), (118, 1.0)], 500), 0.0, slack, None);
        check(
            &expected,
            &times(&[(0, 0.0), (130, 1.0)], 500),
            0.0,
            slack,
            Some("s: expected 1, got 0 at 100 ms"),
        );
    }

    #[test]
    fn numbers_may_differ_by_the_tolerance() {
        let exact = Slack::default();
        let expected = times(&[(0, 1.0), (10, 1.05), (20, 2.0)], 100);
        check(&expected, &times(&[(0, 1.0), (20, 2.1)], 100), 0.1, exact, None);
        let wide = times(&[(0, 1.0), (20, 2.11)], 100);
        check(&expected, &wide, 0.1, exact, Some("s: expected 2, got 2.11 at 20 ms"));
        assert!(!is_about(&Value::Bool(true), &Value::Bool(false), 9.0));
    }

    #[test]
    fn what_only_the_longer_run_has_seen_does_not_count() {
        let expected = scans(&[(0, 0), (5, 1)], 10);
        check(
            &expected,
            &scans(&[(0, 0), (5, 1), (15, 0)], 20),
            0.0,
            Slack::default(),
            None,
        );
    }

    #[test]
    fn a_quality_counts_as_well() {
        let expected = times(&[(0, 1.0)], 100);
        let mut got = times(&[(0, 1.0)], 100);
        let point = Point {
            at: Time::from_millis(50),
            scan: None,
            value: Value::Float(1.0),
            trust: Trust::Stale,
        };
        got.push("s", point);
        got.end = Time::from_millis(100);
        let text = Some("s: expected 1, got 1 (stale) at 50 ms");
        check(&expected, &got, 0.0, Slack::default(), text);
    }

    #[test]
    fn scans_that_begin_anew_are_compared_by_time() {
        let mut expected = scans(&[(0, 0), (5, 1)], 10);
        let again = Point {
            at: Time::from_millis(80),
            scan: Some(1),
            value: Value::Int(7),
            trust: Trust::Good,
        };
        expected.push("s", again);
        let got = scans(&[(0, 0), (5, 1)], 10);
        let text = Some("s: expected 7, got 1 at 80 ms");
        check(&expected, &got, 0.0, Slack::default(), text);
    }

    #[test]
    fn moments_are_shown_in_milliseconds() {
        assert_eq!(shown_time(Time::from_millis(1_230)), "1230 ms");
        assert_eq!(shown_time(Time::from_nanos(1_230_500_000)), "1230.500 ms");
    }
}
