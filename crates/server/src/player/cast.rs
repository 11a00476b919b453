//! Which signals of a recording are said: those that were asked for and that nobody here makes.

use crate::config::Limits;
use crosstie_hub::api::replay::Fit;
use crosstie_hub::replay::Replayed;
use crosstie_hub::signal::{Kind, Pattern, Quality, Value};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// Signals that are named as skipped; further ones are only counted.
const SKIPPED_NAMED_MAX: usize = 100;

/// What is known of one signal of the recording.
#[derive(Debug)]
struct Part {
    kind: Kind,
    /// Whether it may be said; `None` while the hub is to be asked.
    may: Option<bool>,
    /// It was said at least once.
    was_said: bool,
}

/// The signals of one replay.
#[derive(Debug)]
pub(crate) struct Cast {
    /// Only these; `None` for all.
    patterns: Option<Vec<Pattern>>,
    parts: FxHashMap<Arc<str>, Part>,
    /// How many of them may be said.
    says: usize,
    skipped: Vec<(String, String)>,
    skipped_count: usize,
}

impl Cast {
    /// The cast of a replay of these patterns.
    pub(crate) fn new(patterns: Option<&[String]>) -> Cast {
        let patterns = patterns.map(|patterns| patterns.iter().map(|text| Pattern::new(text)).collect());
        Cast {
            patterns,
            parts: FxHashMap::default(),
            says: 0,
            skipped: Vec::new(),
            skipped_count: 0,
        }
    }

    /// Signals that it says, each when the recording does.
    pub(crate) fn says(&self) -> usize {
        self.says
    }

    /// Signals were asked for, and none of the recording fits.
    pub(crate) fn is_missed(&self) -> bool {
        self.patterns.is_some() && self.parts.is_empty()
    }

    /// The first signals that are not said, each with the reason, and how many they are in all.
    pub(crate) fn skipped(&self) -> (Vec<(String, String)>, usize) {
        (self.skipped.clone(), self.skipped_count)
    }

    /// The signals among these samples of which the hub is to be asked.
    pub(crate) fn unjudged(&mut self, samples: &[Replayed]) -> Vec<(Arc<str>, Kind)> {
        let mut unjudged = Vec::new();
        for sample in samples {
            if self.parts.contains_key(&sample.name) || !is_wanted(self.patterns.as_deref(), &sample.name) {
                continue;
            }
            let kind = sample.value.kind();
            let part = Part {
                kind,
                may: None,
                was_said: false,
            };
            self.parts.insert(sample.name.clone(), part);
            unjudged.push((sample.name.clone(), kind));
        }
        unjudged
    }

    /// All signals that are known, to be asked for anew: routes and engines may have come or gone.
    pub(crate) fn judge_anew(&mut self) -> Vec<(Arc<str>, Kind)> {
        self.skipped.clear();
        self.skipped_count = 0;
        let mut all: Vec<(Arc<str>, Kind)> = Vec::with_capacity(self.parts.len());
        all.extend(self.parts.iter().map(|(name, part)| (name.clone(), part.kind)));
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// What the hub says of these signals. Gives those that a peer writes, each with the peer.
    pub(crate) fn judge(&mut self, signals: &[(Arc<str>, Kind)], fits: Vec<Fit>) -> Vec<(Arc<str>, String)> {
        let mut contested = Vec::new();
        for ((name, _), fit) in signals.iter().zip(fits) {
            let Some(part) = self.parts.get_mut(name) else {
                continue;
            };
            let might = part.may == Some(true);
            let may = !matches!(fit, Fit::Skipped(_));
            part.may = Some(may);
            self.says = (self.says + usize::from(may)) - usize::from(might);
            match fit {
                Fit::Free => {}
                Fit::Contested(peer) => contested.push((name.clone(), peer)),
                Fit::Skipped(reason) => {
                    self.skipped_count += 1;
                    if self.skipped.len() < SKIPPED_NAMED_MAX {
                        self.skipped.push((shown(name), reason));
                    }
                }
            }
        }
        contested
    }

    /// The samples that are said.
    pub(crate) fn pick(&mut self, mut samples: Vec<Replayed>) -> Vec<Replayed> {
        samples.retain(|sample| {
            let Some(part) = self.parts.get_mut(&sample.name) else {
                return false;
            };
            let is_said = part.may == Some(true);
            part.was_said |= is_said;
            is_said
        });
        samples
    }

    /// The samples of a whole state that are said. What was said before and is not in it had not been said at that time: it
    /// becomes what it is before anybody has written it.
    pub(crate) fn pick_state(&mut self, samples: Vec<Replayed>) -> Vec<Replayed> {
        let there: FxHashSet<Arc<str>> = samples.iter().map(|sample| sample.name.clone()).collect();
        let is_gone =
            |(name, part): &(&Arc<str>, &Part)| part.was_said && part.may == Some(true) && !there.contains(*name);
        let mut gone: Vec<Replayed> = (self.parts.iter())
            .filter(is_gone)
            .map(|(name, part)| Replayed {
                name: name.clone(),
                value: Value::zero(part.kind),
                quality: Quality::NeverWritten,
            })
            .collect();
        gone.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        gone.extend(self.pick(samples));
        gone
    }
}

fn is_wanted(patterns: Option<&[Pattern]>, name: &str) -> bool {
    patterns.is_none_or(|patterns| Pattern::any_fits(patterns, name))
}

/// A name as it is shown: one that is longer than any of the hub's is cut.
fn shown(name: &str) -> String {
    let len_max = Limits::DEFAULT.name_len_max;
    match name.len() > len_max {
        true => format!("{}…", &name[..name.floor_char_boundary(len_max)]),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory_tape::sample;
    use super::*;

    fn names(samples: &[Replayed]) -> Vec<&str> {
        samples.iter().map(|sample| &*sample.name).collect()
    }

    #[test]
    fn only_what_was_asked_for_and_is_made_by_nobody_is_said() {
        let mut cast = Cast::new(Some(&[String::from("twin/**")]));
        let all = vec![
            sample("twin/a/x", Value::Int(1)),
            sample("twin/a/y", Value::Int(2)),
            sample("sim/people", Value::Int(3)),
            sample("twin/b/z", Value::Int(4)),
        ];
        let unjudged = cast.unjudged(&all);
        assert_eq!(unjudged.len(), 3, "of what was not asked for the hub is not asked");
        let fits = vec![
            Fit::Free,
            Fit::Skipped(String::from("a route makes it")),
            Fit::Contested(String::from("Unity")),
        ];
        let contested = cast.judge(&unjudged, fits);
        assert_eq!(contested, [("twin/b/z".into(), String::from("Unity"))]);
        assert!(cast.unjudged(&all).is_empty());
        assert_eq!((cast.says(), cast.is_missed()), (2, false), "before anything is said");
        assert_eq!(names(&cast.pick(all)), ["twin/a/x", "twin/b/z"]);
        let (skipped, count) = cast.skipped();
        assert_eq!(skipped, [(String::from("twin/a/y"), String::from("a route makes it"))]);
        assert_eq!(count, 1);
    }

    #[test]
    fn what_had_not_been_said_at_a_time_is_as_before_anybody_has_written_it() {
        let mut cast = Cast::new(None);
        let all = vec![sample("twin/a/x", Value::Int(1)), sample("twin/a/y", Value::Bool(true))];
        let unjudged = cast.unjudged(&all);
        cast.judge(&unjudged, vec![Fit::Free, Fit::Free]);
        cast.pick(all);
        let state = cast.pick_state(vec![sample("twin/a/x", Value::Int(0))]);
        assert_eq!(names(&state), ["twin/a/y", "twin/a/x"]);
        assert_eq!(
            (&state[0].value, state[0].quality),
            (&Value::Bool(false), Quality::NeverWritten)
        );
    }

    #[test]
    fn what_is_made_here_in_the_meantime_is_no_longer_said() {
        let mut cast = Cast::new(None);
        let all = vec![sample("twin/a/x", Value::Int(1))];
        let unjudged = cast.unjudged(&all);
        cast.judge(&unjudged, vec![Fit::Free]);
        assert_eq!(cast.pick(all.clone()).len(), 1);
        let again = cast.judge_anew();
        assert_eq!(cast.says(), 1);
        cast.judge(&again, vec![Fit::Skipped(String::from("a route makes it"))]);
        assert_eq!(cast.says(), 0);
        assert!(cast.pick(all).is_empty());
        assert!(cast.pick_state(Vec::new()).is_empty(), "nor taken back");
    }

    #[test]
    fn of_very_many_that_are_skipped_the_first_are_named() {
        let mut cast = Cast::new(None);
        let all: Vec<Replayed> = (0..150).map(|n| sample(&format!("sys/{n}"), Value::Int(1))).collect();
        let unjudged = cast.unjudged(&all);
        cast.judge(&unjudged, vec![Fit::Skipped(String::from("no")); 150]);
        let (named, count) = cast.skipped();
        assert_eq!((named.len(), count), (SKIPPED_NAMED_MAX, 150));
    }

    #[test]
    fn a_name_that_is_too_long_is_cut() {
        assert_eq!(shown("twin/a/x"), "twin/a/x");
        let long = shown(&"é".repeat(100_000));
        assert_eq!(long, format!("{}…", "é".repeat(512)));
    }
}
