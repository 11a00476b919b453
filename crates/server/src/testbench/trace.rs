//! What signals did in a run: their values in the order of their times.

use crosstie_hub::Time;
use crosstie_hub::signal::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Values kept per signal. Of a signal that changes more often the oldest are forgotten: a diagram shows what is around a
/// difference, and a comparison that would need them says so.
pub(crate) const POINTS_MAX: usize = 200_000;

/// How far a value can be trusted: the words of the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Trust {
    /// `good`
    #[default]
    Good,
    /// `stale`
    Stale,
    /// `bad`
    Bad,
}

impl Trust {
    /// The word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Trust::Good => "good",
            Trust::Stale => "stale",
            Trust::Bad => "bad",
        }
    }

    /// The one of a word.
    pub(crate) fn from_word(word: &str) -> Option<Trust> {
        [Trust::Good, Trust::Stale, Trust::Bad]
            .into_iter()
            .find(|trust| trust.word() == word)
    }
}

/// One value of a signal, from a moment on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    /// Hub time.
    pub(crate) at: Time,
    /// The scan that wrote it, for what a PLC writes.
    pub(crate) scan: Option<u64>,
    /// The value.
    pub(crate) value: Value,
    /// Its quality.
    pub(crate) trust: Trust,
}

/// What one signal did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Track {
    points: VecDeque<Point>,
    /// Points that were forgotten.
    pub(crate) forgotten: u64,
}

impl Track {
    /// Adds what the signal is from a moment on. Times do not go back.
    pub(crate) fn push(&mut self, point: Point) {
        let is_news = self
            .points
            .back()
            .is_none_or(|last| last.value != point.value || last.trust != point.trust);
        if !is_news {
            return;
        }
        if self.points.len() == POINTS_MAX {
            self.points.pop_front();
            self.forgotten += 1;
        }
        self.points.push_back(point);
    }

    /// Its values, oldest first.
    pub(crate) fn points(&self) -> impl DoubleEndedIterator<Item = &Point> + ExactSizeIterator {
        self.points.iter()
    }

    /// What it is at a moment; `None` before it was anything.
    pub(crate) fn at(&self, at: Time) -> Option<&Point> {
        let after = self.points.partition_point(|point| point.at <= at);
        after.checked_sub(1).and_then(|index| self.points.get(index))
    }
}

/// What the signals of a run did, by their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    tracks: BTreeMap<Arc<str>, Track>,
    /// The newest moment that anybody told of.
    pub(crate) end: Time,
}

impl Trace {
    /// Adds what a signal is from a moment on.
    pub(crate) fn push(&mut self, name: &str, point: Point) {
        self.end = self.end.max(point.at);
        match self.tracks.get_mut(name) {
            Some(track) => track.push(point),
            None => self.tracks.entry(name.into()).or_default().push(point),
        }
    }

    /// What a signal did.
    pub(crate) fn track(&self, name: &str) -> Option<&Track> {
        self.tracks.get(name)
    }
}

/// A value as reports and diagrams show it.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Bool(bit) => bit.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at_ms: u64, number: i64) -> Point {
        Point {
            at: Time::from_millis(at_ms),
            scan: None,
            value: Value::Int(number),
            trust: Trust::Good,
        }
    }

    #[test]
    fn a_track_knows_what_it_was_at_any_moment() {
        let mut track = Track::default();
        for (at, number) in [(10, 1), (20, 1), (30, 2), (30, 3)] {
            track.push(point(at, number));
        }
        assert_eq!(track.points().len(), 3, "what is the same again is no news");
        let at = |at_ms| track.at(Time::from_millis(at_ms)).map(|point| point.value.clone());
        assert_eq!(at(9), None);
        assert_eq!(at(10), Some(Value::Int(1)));
        assert_eq!(at(29), Some(Value::Int(1)));
        assert_eq!(at(30), Some(Value::Int(3)));
        assert_eq!(at(9_999), Some(Value::Int(3)));
    }

    #[test]
    fn a_track_forgets_the_oldest_and_says_so() {
        let mut track = Track::default();
        for number in 0..=POINTS_MAX as u64 {
            track.push(point(number, number as i64));
        }
        assert_eq!((track.points().len(), track.forgotten), (POINTS_MAX, 1));
        assert_eq!(track.at(Time::ZERO), None);
    }
}
