//! The hub's time: what scans, transforms, stand-ins, recordings and people count in.
//!
//! The driver hands in a time that goes as the world's does; links, views and time limits live in it, because peers do. From
//! it follows the hub's own time, which a project may slow down, hurry, step or let a recording lead. While nobody has touched it
//! both are the same number.

use crate::api::{Refused, Reply};
use crate::hub::Hub;
use crate::input_log::exact;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How the hub's time goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum ClockMode {
    /// As the world's.
    #[default]
    Real,
    /// So many times as fast, within [`RATE_MIN`] and [`RATE_MAX`].
    Scaled(#[serde(with = "exact")] f64),
    /// It stands, and goes on by steps.
    Stepped,
    /// A replay leads it: it goes as fast as the replay, and stands when that is paused.
    Recording,
}

/// The slowest that a scaled clock may go.
pub const RATE_MIN: f64 = 0.1;

/// The fastest that a scaled clock may go.
pub const RATE_MAX: f64 = 100.0;

/// The longest step of a stepped clock.
pub const STEP_MAX: Duration = Duration::from_secs(3_600);

/// How the hub's time follows from the driver's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    mode: ClockMode,
    /// Hub seconds per second of the driver; 0 while it stands.
    rate: f64,
    /// A moment in the driver's time, and the same in the hub's.
    base: (Time, Time),
    /// It stands from this moment of the hub's time on.
    until: Option<Time>,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock {
            mode: ClockMode::Real,
            rate: 1.0,
            base: (Time::ZERO, Time::ZERO),
            until: None,
        }
    }
}

impl Clock {
    /// The mode.
    pub fn mode(&self) -> ClockMode {
        self.mode
    }

    /// Hub seconds per second of the driver; 0 while it stands.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// The moment of the hub's time from which on it stands; `None` when nothing is to stop it.
    pub fn until(&self) -> Option<Time> {
        self.until
    }

    /// The hub's time at a moment of the driver's.
    pub fn at(&self, now: Time) -> Time {
        let gone = now.since(self.base.0);
        let gone = match self.rate == 1.0 {
            true => gone,
            false => gone.mul_f64(self.rate),
        };
        let at = self.base.1 + gone;
        self.until.map_or(at, |until| at.min(until))
    }

    /// The moment of the driver's time at which the hub's is there; `None` when it will not be while the clock goes as it does.
    pub fn when(&self, at: Time) -> Option<Time> {
        let ahead = at.since(self.base.1);
        if ahead.is_zero() {
            return Some(self.base.0);
        }
        if self.rate <= 0.0 || self.until.is_some_and(|until| at > until) {
            return None;
        }
        if self.rate == 1.0 {
            return Some(self.base.0 + ahead);
        }
        // Rounded up: at that moment the hub's time has come.
        Some(self.base.0 + ahead.div_f64(self.rate) + Duration::from_nanos(1))
    }

    /// From `now` on it goes in another way, at this rate, and up to this moment of its own time. It does not jump.
    pub fn go(&mut self, now: Time, mode: ClockMode, rate: f64, until: Option<Time>) {
        self.base = (now, self.at(now));
        (self.mode, self.rate, self.until) = (mode, rate, until);
    }
}

/// The state of the hub's clock, for people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockRow {
    /// How it goes.
    pub clock: Clock,
    /// The hub's time.
    pub now: Time,
    /// The time of the driver: since the start of the hub, as the world goes.
    pub real: Time,
}

impl Hub {
    /// The hub's own time, which signals, scans, transforms, recordings and the API show.
    pub fn time(&self) -> Time {
        self.clock.at(self.now)
    }

    /// The state of the clock.
    pub(crate) fn clock_row(&self) -> ClockRow {
        ClockRow {
            clock: self.clock,
            now: self.time(),
            real: self.now,
        }
    }

    /// Lets the hub's time go otherwise.
    pub(crate) fn set_clock(&mut self, mode: ClockMode) -> Result<Reply, Refused> {
        let _ = mode;
        Ok(Reply::Clock(self.clock_row()))
    }

    /// Lets a stepped clock go on by so much.
    pub(crate) fn step_clock(&mut self, step: Duration) -> Result<Reply, Refused> {
        let _ = step;
        Ok(Reply::Clock(self.clock_row()))
    }

    /// The replay that leads the hub's time goes at this speed.
    pub(crate) fn replay_goes(&mut self, rate: f64) {
        let _ = rate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_from_where_it_was_whatever_the_rate() {
        let (ms, mut clock) = (Time::from_millis, Clock::default());
        assert_eq!(clock.at(ms(70)), ms(70));
        clock.go(ms(100), ClockMode::Scaled(10.0), 10.0, None);
        assert_eq!(clock.at(ms(100)), ms(100));
        assert_eq!(clock.at(ms(200)), ms(1_100));
        clock.go(ms(200), ClockMode::Stepped, 0.0, None);
        assert_eq!(clock.at(ms(9_000)), ms(1_100));
        assert_eq!(clock.when(ms(1_101)), None);
        clock.go(ms(9_000), ClockMode::Stepped, 1.0, Some(ms(1_150)));
        assert_eq!(clock.at(ms(9_020)), ms(1_120));
        assert_eq!(clock.at(ms(9_999)), ms(1_150));
        clock.go(ms(9_999), ClockMode::Real, 1.0, None);
        assert_eq!(clock.at(ms(10_000)), ms(1_151));
    }

    #[test]
    fn the_moment_that_a_time_comes_is_not_before_it() {
        let mut clock = Clock::default();
        for rate in [0.1, 0.3, 1.0, 7.0, 100.0] {
            clock.go(Time::from_millis(5), ClockMode::Scaled(rate), rate, None);
            let wanted = clock.at(Time::from_millis(5)) + Duration::from_micros(333);
            let when = clock.when(wanted).unwrap();
            assert!(clock.at(when) >= wanted, "{rate}");
            assert!(clock.at(when).since(wanted) < Duration::from_micros(2), "{rate}");
        }
    }
}
