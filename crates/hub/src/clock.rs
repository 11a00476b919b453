//! The hub's time: what scans, transforms, stand-ins, recordings and people count in.
//!
//! The driver hands in a time that goes as the world's does; links, views and time limits live in it, because peers do. From
//! it follows the hub's own time, which a project may slow down, hurry, step or let a recording lead. While nobody has touched it
//! both are the same number.

use crate::access::Actor;
use crate::api::{Refused, Reply};
use crate::client::Client;
use crate::hub::Hub;
use crate::input::{ConnId, Face};
use crate::input_log::exact;
use crate::output::Output;
use crate::settings::Owner;
use crate::signal::{Quality, SignalId, Value, Writer};
use crate::time::Time;
use crosstie_wire::live as wire;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
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

impl ClockMode {
    /// The word of the project file and of the API.
    pub const fn word(self) -> &'static str {
        match self {
            ClockMode::Real => "real",
            ClockMode::Scaled(_) => "scaled",
            ClockMode::Stepped => "stepped",
            ClockMode::Recording => "recording",
        }
    }
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

    /// The moment of the hub's time from which on it has gone so; what was before it went otherwise.
    pub fn since(&self) -> Time {
        self.base.1
    }

    /// It goes as the world does, second for second, and nothing is to stop it.
    pub fn is_plain(&self) -> bool {
        self.rate == 1.0 && self.until.is_none() && matches!(self.mode, ClockMode::Real | ClockMode::Scaled(_))
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
#[derive(Clone, Debug, PartialEq)]
pub struct ClockRow {
    /// How it goes.
    pub clock: Clock,
    /// The hub's time.
    pub now: Time,
    /// The time of the driver: since the start of the hub, as the world goes.
    pub real: Time,
    /// Who lives in a time of their own, sorted: links and peers (`link/line`, `client/line/Twin`), engines elsewhere (`plc/press`),
    /// headsets (`headset/Ada`) and the simulation (`gama`). The driver knows which of the peers are its own stand-ins.
    pub outside: Vec<String>,
}

/// The same moment in both times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Both {
    /// The driver's.
    pub(crate) world: Time,
    /// The hub's.
    pub(crate) hub: Time,
}

impl Both {
    /// A past moment of the driver's time, shown among those of the hub's as far back as it is in the world: the age of a sign of
    /// life stays what it is, whatever the clock has done meanwhile.
    pub(crate) fn shown(&self, at: Time) -> Time {
        self.hub - self.world.since(at)
    }
}

/// The signals that say how the clock goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClockSignals {
    rate: SignalId,
    running: SignalId,
}

/// What the hub says of its clock stands under this; nobody else writes there.
pub(crate) const STATE_PREFIX: &str = "sys/clock/";

impl Hub {
    /// The hub's own time, which signals, scans, transforms, recordings and the API show.
    pub fn time(&self) -> Time {
        self.clock.at(self.now)
    }

    /// The time of the driver and the hub's.
    pub(crate) fn both(&self) -> Both {
        Both {
            world: self.now,
            hub: self.time(),
        }
    }

    /// Lets the clock go as the settings say, before anything else is there.
    pub(crate) fn begin_clock(&mut self, mode: ClockMode) {
        let usable = match mode {
            ClockMode::Scaled(rate) => rate_fits(rate),
            _ => true,
        };
        if mode != ClockMode::Real && usable {
            self.clock_goes(mode, self.rate_of(mode), None);
        }
    }

    /// Makes the signals that say how the clock goes.
    pub(crate) fn begin_clock_signals(&mut self) {
        let time = self.time();
        let (rate, running) = self.clock_says();
        let mut make = |what: &str, initial| {
            let name = format!("{STATE_PREFIX}{what}");
            let made = match self.ledger.space.find(&name) {
                Some(_) => Err(String::from("the project has a signal of this name")),
                None => (self.ledger.space.create(time, &name, Owner::Hub, initial)).map_err(|error| error.to_string()),
            };
            let shown = made.map_err(|error| {
                let text = format!("the state of the clock is not shown: {error}");
                let hint = "rename the signal or raise the limit";
                self.trouble(false, format!("signal:{name}"), &name, text, hint);
            });
            shown.ok()
        };
        if let (Some(rate), Some(running)) = (make("rate", rate), make("running", running)) {
            self.clock_signals = Some(ClockSignals { rate, running });
            self.show_clock();
        }
    }

    /// The state of the clock.
    pub(crate) fn clock_row(&self) -> ClockRow {
        ClockRow {
            clock: self.clock,
            now: self.time(),
            real: self.now,
            outside: self.outside(),
        }
    }

    /// Who does not live in the hub's time.
    fn outside(&self) -> Vec<String> {
        let of_client = |client: &Client| match client.face {
            Face::Realvirtual(endpoint) => {
                let endpoint = &self.endpoints.get(usize::from(endpoint.0))?.settings.name;
                Some(format!("client/{endpoint}/{}", client.title()))
            }
            Face::Headset => Some(format!("headset/{}", client.title())),
            Face::Gama => Some(String::from("gama")),
            Face::Link(_) | Face::Engine(_) | Face::Live | Face::Piplc | Face::Monitor => None,
        };
        let links = self.endpoints.iter().filter(|endpoint| endpoint.link.is_some());
        let links = links.map(|endpoint| format!("link/{}", endpoint.settings.name));
        let contexts = self.plcs.contexts.iter();
        let engines = contexts.filter(|context| context.settings.remote.is_some());
        let engines = engines.map(|context| format!("plc/{}", context.settings.name));
        let mut all: Vec<String> = links.chain(engines).collect();
        all.extend(self.clients.values().filter_map(of_client));
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Lets the hub's time go otherwise.
    ///
    /// # Errors
    ///
    /// A rate out of its range.
    pub(crate) fn set_clock(&mut self, mode: ClockMode) -> Result<Reply, Refused> {
        if let ClockMode::Scaled(rate) = mode
            && !rate_fits(rate)
        {
            return Err(Refused::BadValue {
                name: String::from("rate"),
                expected: format!("expected a rate from {RATE_MIN} to {RATE_MAX}"),
            });
        }
        let rate = self.rate_of(mode);
        if (mode, rate, None) != (self.clock.mode, self.clock.rate, self.clock.until) {
            self.clock_goes(mode, rate, None);
        }
        Ok(Reply::Clock(self.clock_row()))
    }

    /// Lets a stepped clock go on by so much; a step that is not over yet becomes longer.
    ///
    /// # Errors
    ///
    /// The clock is not stepped, or the step is longer than [`STEP_MAX`] or nothing.
    pub(crate) fn step_clock(&mut self, step: Duration) -> Result<Reply, Refused> {
        if self.clock.mode != ClockMode::Stepped {
            let text = "the clock is not stepped: set its mode to stepped first, then step it";
            return Err(Refused::Conflict(text.to_owned()));
        }
        let begins = self.clock.until.unwrap_or_else(|| self.time());
        let until = begins + step;
        if step.is_zero() || until.since(self.time()) > STEP_MAX {
            return Err(Refused::BadValue {
                name: String::from("ms"),
                expected: format!(
                    "expected a step of 1 to {} ms, what is left of the one before included",
                    STEP_MAX.as_millis()
                ),
            });
        }
        self.clock_goes(ClockMode::Stepped, 1.0, Some(until));
        Ok(Reply::Clock(self.clock_row()))
    }

    /// The replay that leads the hub's time goes at this speed; 0 is a pause, and what is no speed is one too.
    pub(crate) fn replay_goes(&mut self, rate: f64) {
        self.replay_rate = match rate > 0.0 {
            true => rate.clamp(RATE_MIN, RATE_MAX),
            false => 0.0,
        };
        if self.clock.mode == ClockMode::Recording && self.clock.rate != self.replay_rate {
            self.clock_goes(ClockMode::Recording, self.replay_rate, None);
        }
    }

    /// Somebody lets the hub's time go otherwise.
    pub(crate) fn api_set_clock(&mut self, by: &Actor, mode: ClockMode) -> Result<Reply, Refused> {
        let before = self.clock;
        let reply = self.set_clock(mode)?;
        if self.clock != before {
            let values = (manner(before.mode), manner(mode));
            self.audit(by, "clock.set", String::from("clock"), values);
        }
        Ok(reply)
    }

    /// Somebody steps the clock.
    pub(crate) fn api_step_clock(&mut self, by: &Actor, step: Duration) -> Result<Reply, Refused> {
        let reply = self.step_clock(step)?;
        let ms = u64::try_from(step.as_millis()).unwrap_or(u64::MAX);
        self.audit(by, "clock.step", String::from("clock"), (Json::Null, Json::from(ms)));
        Ok(reply)
    }

    /// A step that is over ends: from here on the clock stands.
    pub(crate) fn end_step(&mut self) {
        if self.clock.until.is_some_and(|until| self.time() >= until) {
            self.clock_goes(ClockMode::Stepped, 0.0, None);
        }
    }

    fn rate_of(&self, mode: ClockMode) -> f64 {
        match mode {
            ClockMode::Real => 1.0,
            ClockMode::Scaled(rate) => rate,
            ClockMode::Stepped => 0.0,
            ClockMode::Recording => self.replay_rate,
        }
    }

    /// From now on the hub's time goes so, and everybody hears of it.
    fn clock_goes(&mut self, mode: ClockMode, rate: f64, until: Option<Time>) {
        self.clock.go(self.now, mode, rate, until);
        self.ledger.clock = self.clock;
        self.outputs.push(Output::Clock(self.clock));
        self.show_clock();
        let live = self.clients.iter().filter(|(_, client)| client.face == Face::Live);
        let mut live: Vec<ConnId> = live.map(|(conn, _)| *conn).collect();
        live.sort_unstable();
        for conn in live {
            self.tell_clock_to(conn);
        }
    }

    /// What the signals of the clock say: its rate, and whether it goes.
    fn clock_says(&self) -> (Value, Value) {
        let rate = self.clock.rate;
        (Value::Float(rate), Value::Bool(rate > 0.0))
    }

    fn show_clock(&mut self) {
        let Some(signals) = self.clock_signals else { return };
        let (rate, running) = self.clock_says();
        for (id, value) in [(signals.rate, rate), (signals.running, running)] {
            self.ledger.store(self.now, id, value, Writer::Nobody, Quality::Good);
        }
    }

    /// Tells a live channel how the clock goes.
    pub(crate) fn tell_clock_to(&mut self, conn: ConnId) {
        let frame = wire::ClockFrame {
            mode: self.clock.mode.word(),
            rate: self.clock.rate,
            running: self.clock.rate > 0.0,
            now_ms: self.time().as_millis(),
            until_ms: self.clock.until.map(Time::as_millis),
            real_ms: self.now.as_millis(),
        };
        self.send_text(conn, |out| wire::write_clock(out, &frame));
    }
}

fn rate_fits(rate: f64) -> bool {
    (RATE_MIN..=RATE_MAX).contains(&rate)
}

/// A mode as the audit log writes it.
fn manner(mode: ClockMode) -> Json {
    match mode {
        ClockMode::Scaled(rate) => Json::from(format!("{} {rate}", mode.word())),
        mode => Json::from(mode.word()),
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
