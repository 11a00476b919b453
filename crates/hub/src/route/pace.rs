//! How often a route passes values on: its deadband and its interval.

use super::transform::Recipe;
use crate::signal::{Quality, Value};
use crate::time::Time;

/// What a route with a deadband or an interval has passed on, and what it owes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    passed: Option<(Value, Quality)>,
    passed_at: Time,
    /// A value is withheld until then, in the hub's time.
    due: Option<Time>,
}

/// What is to be done with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is passed on.
    Pass,
    /// The target has been told the same: there is nothing to do.
    Same,
    /// It is too near to what was passed last.
    Near,
    /// It comes too early: the value of that moment is passed on then.
    Early(Time),
}

impl Pace {
    /// When what is withheld is to be passed on.
    pub(crate) fn due(&self) -> Option<Time> {
        self.due
    }

    /// Decides about a value of the target's kind. A change of quality is never withheld.
    pub(crate) fn admit(&mut self, recipe: &Recipe, now: Time, value: &Value, quality: Quality) -> Verdict {
        let setting = &recipe.setting;
        self.due = None;
        if let Some((passed, before)) = &self.passed
            && *before == quality
        {
            if passed.is_same(value) {
                return Verdict::Same;
            }
            if let Some(width) = setting.deadband
                && let (Some(passed), Some(number)) = (number(passed), number(value))
                && (number - passed).abs() < width
            {
                return Verdict::Near;
            }
            if let Some(every) = setting.every
                && now < self.passed_at + every
            {
                let due = self.passed_at + every;
                self.due = Some(due);
                return Verdict::Early(due);
            }
        }
        self.passed = Some((value.clone(), quality));
        self.passed_at = now;
        Verdict::Pass
    }

    /// The quality of the target has been changed without a value.
    pub(crate) fn requalify(&mut self, quality: Quality) {
        if let Some((_, before)) = &mut self.passed {
            *before = quality;
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Bool(_) | Value::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Transform;
    use std::time::Duration;

    fn recipe(deadband: Option<f64>, every_ms: Option<u64>) -> Recipe {
        let setting = Transform {
            deadband,
            every: every_ms.map(Duration::from_millis),
            ..Transform::default()
        };
        Recipe::read(&setting).unwrap()
    }

    #[test]
    fn a_deadband_is_measured_from_what_was_passed_last() {
        let (recipe, mut pace) = (recipe(Some(1.0), None), Pace::default());
        let mut admit = |value: f64, quality| pace.admit(&recipe, Time::ZERO, &Value::Float(value), quality);
        assert_eq!(admit(10.0, Quality::Good), Verdict::Pass);
        assert_eq!(admit(10.9, Quality::Good), Verdict::Near);
        assert_eq!(admit(11.0, Quality::Good), Verdict::Pass);
        assert_eq!(admit(10.5, Quality::Good), Verdict::Near);
        assert_eq!(admit(10.5, Quality::Stale), Verdict::Pass);
        assert_eq!(admit(10.5, Quality::Stale), Verdict::Same);
    }

    #[test]
    fn an_interval_withholds_the_newest_value_until_it_is_over() {
        let (recipe, mut pace) = (recipe(None, Some(100)), Pace::default());
        let ms = Time::from_millis;
        let mut admit = |at: u64, value: i64| pace.admit(&recipe, ms(at), &Value::Int(value), Quality::Good);
        assert_eq!(admit(1_000, 1), Verdict::Pass);
        assert_eq!(admit(1_010, 2), Verdict::Early(ms(1_100)));
        assert_eq!(admit(1_020, 3), Verdict::Early(ms(1_100)));
        assert_eq!(admit(1_030, 1), Verdict::Same);
        assert_eq!(admit(1_040, 4), Verdict::Early(ms(1_100)));
        assert_eq!(admit(1_100, 4), Verdict::Pass);
        assert_eq!(admit(1_150, 5), Verdict::Early(ms(1_200)));
        assert_eq!(admit(1_300, 6), Verdict::Pass);
    }
}
