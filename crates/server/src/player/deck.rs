//! What is due when: a tape, a position on it and how fast it goes. No thread, no clock: the time is handed in, so that every
//! schedule of a test is exact.

use crosstie_hub::replay::Replayed;
use std::time::Duration;

/// How late the next samples may be before the replay goes on from where it is instead of hurrying after the time: the machine
/// slept, or cannot go so fast. What is late is said all the same, in its order.
const BEHIND_MAX: Duration = Duration::from_secs(1);

/// Samples of one generation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Batch {
    /// When, from the begin of the recording.
    pub(crate) at: Duration,
    /// What changed.
    pub(crate) samples: Vec<Replayed>,
}

/// Why a recording cannot be read on; the text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TapeError(pub(crate) String);

/// A recording to play from.
pub(crate) trait Tape {
    /// Its length.
    fn length(&self) -> Duration;

    /// Goes to a position: the state of every signal there, with everything that changed up to and at that time.
    fn seek(&mut self, to: Duration) -> Result<Vec<Replayed>, TapeError>;

    /// What changed next; `None` behind the last of it.
    fn next(&mut self) -> Result<Option<Batch>, TapeError>;
}

/// What the deck does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Motion {
    /// The tape goes.
    Playing,
    /// It stands.
    Paused,
    /// It is over.
    Ended,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Due {
    /// The state of every signal, after a seek: what is not among these had not been said.
    State(Vec<Replayed>),
    /// What changed together.
    Batch(Vec<Replayed>),
    /// Nothing before this time.
    At(Duration),
    /// Nothing before somebody moves the deck.
    Nothing,
    /// The tape is over, just now.
    Over,
}

/// A tape that goes. Times are since any moment that stays the same.
#[derive(Debug)]
pub(crate) struct Deck<T> {
    tape: T,
    motion: Motion,
    /// Seconds of the tape per second; 0 for as fast as it is asked.
    speed: f64,
    loops: bool,
    /// Everything up to here has been handed out.
    position: Duration,
    /// A time, and where the tape was then.
    mark: (Duration, Duration),
    /// Read, and not due yet.
    ahead: Option<Batch>,
    /// There is nothing more to read.
    is_out: bool,
    /// What a seek has found, until it is handed out.
    state: Option<Vec<Replayed>>,
}

impl<T: Tape> Deck<T> {
    /// A deck that stands at the begin of a tape until it is moved.
    pub(crate) fn new(tape: T, speed: f64, loops: bool) -> Deck<T> {
        Deck {
            tape,
            motion: Motion::Paused,
            speed,
            loops,
            position: Duration::ZERO,
            mark: (Duration::ZERO, Duration::ZERO),
            ahead: None,
            is_out: false,
            state: None,
        }
    }

    /// What it does.
    pub(crate) fn motion(&self) -> Motion {
        self.motion
    }

    /// Seconds of the tape per second; 0 for as fast as it is asked.
    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }

    /// It begins anew when the tape is over.
    pub(crate) fn loops(&self) -> bool {
        self.loops
    }

    /// Length of the tape.
    pub(crate) fn length(&self) -> Duration {
        self.tape.length()
    }

    /// Where the tape is: nothing that was recorded up to here is still to be handed out.
    pub(crate) fn position(&self, now: Duration) -> Duration {
        if self.motion != Motion::Playing || self.speed <= 0.0 || self.state.is_some() {
            return self.position;
        }
        let gone = now.saturating_sub(self.mark.0).mul_f64(self.speed);
        (self.mark.1 + gone).clamp(self.position, self.next_at().max(self.position))
    }

    /// Up to here the position moves by itself.
    pub(crate) fn next_at(&self) -> Duration {
        let length = self.tape.length();
        self.ahead.as_ref().map_or(length, |batch| batch.at.min(length))
    }

    /// What is to be done now. To be called again at once unless it says when.
    pub(crate) fn due(&mut self, now: Duration) -> Result<Due, TapeError> {
        if let Some(state) = self.state.take() {
            return Ok(Due::State(state));
        }
        if self.motion != Motion::Playing {
            return Ok(Due::Nothing);
        }
        if self.ahead.is_none() && !self.is_out {
            self.ahead = self.tape.next()?;
            self.is_out = self.ahead.is_none();
        }
        let next_at = self.next_at();
        if self.speed > 0.0 {
            let at = self.when(next_at);
            if now < at {
                return Ok(Due::At(at));
            }
            if now - at > BEHIND_MAX {
                self.mark = (now, next_at);
            }
        }
        self.position = self.position.max(next_at);
        match self.ahead.take() {
            Some(batch) => Ok(Due::Batch(batch.samples)),
            None => self.over(now),
        }
    }

    /// Lets it go on; behind the end it begins anew.
    pub(crate) fn play(&mut self, now: Duration) -> Result<(), TapeError> {
        if self.motion == Motion::Ended {
            self.seek(now, Duration::ZERO)?;
        }
        self.motion = Motion::Playing;
        self.mark = (now, self.position);
        Ok(())
    }

    /// Lets it stand.
    pub(crate) fn pause(&mut self, now: Duration) {
        if self.motion == Motion::Playing {
            self.position = self.position(now);
            self.motion = Motion::Paused;
        }
    }

    /// It is over, because nothing more can be read.
    pub(crate) fn break_off(&mut self) {
        (self.motion, self.state) = (Motion::Ended, None);
    }

    /// Goes to a position. What goes on playing does so from there; what had ended stands there.
    pub(crate) fn seek(&mut self, now: Duration, to: Duration) -> Result<(), TapeError> {
        let to = to.min(self.tape.length());
        self.state = Some(self.tape.seek(to)?);
        (self.ahead, self.is_out) = (None, false);
        self.position = to;
        self.mark = (now, to);
        if self.motion == Motion::Ended {
            self.motion = Motion::Paused;
        }
        Ok(())
    }

    /// From now on it goes so fast.
    pub(crate) fn set_speed(&mut self, now: Duration, speed: f64) {
        self.position = self.position(now);
        self.mark = (now, self.position);
        self.speed = speed;
    }

    /// Whether it begins anew when the tape is over.
    pub(crate) fn set_loops(&mut self, loops: bool) {
        self.loops = loops;
    }

    /// When the tape is there.
    fn when(&self, at: Duration) -> Duration {
        let ahead = at.saturating_sub(self.mark.1);
        self.mark.0 + ahead.div_f64(self.speed)
    }

    /// The tape has come to its end.
    fn over(&mut self, now: Duration) -> Result<Due, TapeError> {
        let length = self.tape.length();
        // A tape without length would go round for ever without a moment in between.
        if !self.loops || length.is_zero() {
            self.motion = Motion::Ended;
            return Ok(Due::Over);
        }
        let ended_at = if self.speed > 0.0 { self.when(length) } else { now };
        self.seek(ended_at, Duration::ZERO)?;
        Ok(Due::State(self.state.take().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory_tape::{MemoryTape, sample};
    use super::*;
    use crosstie_hub::signal::Value;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn tape() -> MemoryTape {
        let batch = |at: u64, value: i64| (at, vec![sample("twin/a/x", Value::Int(value))]);
        MemoryTape::new(1_000, vec![batch(0, 1), batch(100, 2), batch(100, 3), batch(700, 4)])
    }

    fn deck(speed: f64, loops: bool) -> Deck<MemoryTape> {
        let mut deck = Deck::new(tape(), speed, loops);
        deck.seek(ms(0), ms(0)).unwrap();
        deck.play(ms(0)).unwrap();
        deck
    }

    /// What is handed out up to a time, with the time of each.
    fn run(
        deck: &mut Deck<MemoryTape>,
        mut now: Duration,
        until: Duration,
    ) -> Vec<(u128, &'static str, Vec<Replayed>)> {
        let mut said = Vec::new();
        loop {
            let at = now.as_millis();
            match deck.due(now).unwrap() {
                Due::State(samples) => said.push((at, "state", samples)),
                Due::Batch(samples) => said.push((at, "batch", samples)),
                Due::Over => said.push((at, "over", Vec::new())),
                Due::At(due) if due <= until => now = due,
                Due::At(_) | Due::Nothing => return said,
            }
        }
    }

    fn short(said: &[(u128, &'static str, Vec<Replayed>)]) -> Vec<(u128, &'static str, i64)> {
        let number = |samples: &[Replayed]| match samples.first().map(|sample| &sample.value) {
            Some(Value::Int(value)) => *value,
            _ => 0,
        };
        said.iter()
            .map(|(at, what, samples)| (*at, *what, number(samples)))
            .collect()
    }

    #[test]
    fn every_batch_comes_at_its_time_and_then_it_is_over() {
        let mut deck = deck(10.0, false);
        let said = short(&run(&mut deck, ms(0), ms(9_000)));
        let expected = [
            (0, "state", 1),
            (10, "batch", 2),
            (10, "batch", 3),
            (70, "batch", 4),
            (100, "over", 0),
        ];
        assert_eq!(said, expected);
        assert_eq!((deck.motion(), deck.position(ms(9_000))), (Motion::Ended, ms(1_000)));
    }

    #[test]
    fn as_fast_as_possible_waits_for_nothing() {
        let mut deck = deck(0.0, false);
        let said = short(&run(&mut deck, ms(5), ms(5)));
        assert_eq!(said.len(), 5);
        assert!(said.iter().all(|(at, _, _)| *at == 5));
    }

    #[test]
    fn a_pause_stands_where_it_is_and_goes_on_from_there() {
        let mut deck = deck(1.0, false);
        run(&mut deck, ms(0), ms(50));
        deck.pause(ms(50));
        assert_eq!(deck.position(ms(800)), ms(50));
        assert_eq!(deck.due(ms(800)).unwrap(), Due::Nothing);
        deck.play(ms(800)).unwrap();
        let said = short(&run(&mut deck, ms(800), ms(900)));
        assert_eq!(said, [(850, "batch", 2), (850, "batch", 3)]);
        assert_eq!(deck.position(ms(900)), ms(150));
    }

    #[test]
    fn a_new_speed_counts_from_where_the_tape_is() {
        let mut deck = deck(1.0, false);
        run(&mut deck, ms(0), ms(200));
        deck.set_speed(ms(200), 10.0);
        let said = short(&run(&mut deck, ms(200), ms(9_000)));
        assert_eq!(said, [(250, "batch", 4), (280, "over", 0)]);
    }

    #[test]
    fn a_loop_begins_anew_with_the_state_of_the_begin() {
        let mut deck = deck(1.0, true);
        let said = short(&run(&mut deck, ms(0), ms(1_150)));
        let again = [(1_000, "state", 1), (1_100, "batch", 2), (1_100, "batch", 3)];
        assert_eq!(said[said.len() - 3..], again);
        deck.set_loops(false);
        let said = short(&run(&mut deck, ms(1_150), ms(9_000)));
        assert_eq!(said.last(), Some(&(2_000, "over", 0)));

        let mut empty = Deck::new(MemoryTape::new(0, Vec::new()), 1.0, true);
        empty.play(ms(0)).unwrap();
        assert_eq!(
            empty.due(ms(0)).unwrap(),
            Due::Over,
            "one without length does not go round"
        );
    }

    #[test]
    fn what_is_long_late_is_said_and_nothing_is_hurried_after_it() {
        let mut deck = deck(1.0, false);
        run(&mut deck, ms(0), ms(150));
        // The machine slept for an hour.
        let woken = ms(3_600_000);
        let said = short(&run(&mut deck, woken, woken + ms(299)));
        assert_eq!(said, [(3_600_000, "batch", 4)]);
        let said = short(&run(&mut deck, woken + ms(299), woken + ms(300)));
        assert_eq!(said, [(3_600_300, "over", 0)]);
    }

    #[test]
    fn after_the_end_it_plays_from_the_begin_or_stands_where_it_is_sought() {
        let mut deck = deck(1.0, false);
        run(&mut deck, ms(0), ms(2_000));
        deck.seek(ms(2_000), ms(700)).unwrap();
        assert_eq!(deck.motion(), Motion::Paused);
        assert_eq!(short(&run(&mut deck, ms(2_000), ms(5_000))), [(2_000, "state", 4)]);
        deck.play(ms(5_000)).unwrap();
        run(&mut deck, ms(5_000), ms(6_000));
        assert_eq!(deck.motion(), Motion::Ended);
        deck.play(ms(6_000)).unwrap();
        assert_eq!(short(&run(&mut deck, ms(6_000), ms(6_000))), [(6_000, "state", 1)]);
    }

    proptest! {
        #[test]
        fn the_state_after_a_seek_is_that_of_playing_from_the_begin(
            steps in prop::collection::vec((0_u64..50, 0_usize..4, -9_i64..9), 0..60),
            to in 0_u64..2_000,
            rest in 0_u64..2_000,
        ) {
            let mut at = 0;
            let batches: Vec<(u64, Vec<Replayed>)> = steps
                .iter()
                .map(|(pause, signal, value)| {
                    at += pause;
                    (at, vec![sample(&format!("twin/a/{signal}"), Value::Int(*value))])
                })
                .collect();
            let all = MemoryTape::new(at, batches);
            let replay = |from: u64, until: u64| {
                let mut deck = Deck::new(all.clone(), 1.0, false);
                deck.seek(ms(0), ms(from)).unwrap();
                deck.play(ms(0)).unwrap();
                let mut state = BTreeMap::new();
                let until = until.min(at).saturating_sub(from.min(at));
                for (_, what, samples) in run(&mut deck, ms(0), ms(until)) {
                    if what == "state" {
                        state.clear();
                    }
                    state.extend(samples.into_iter().map(|sample| (sample.name, sample.value)));
                }
                state
            };
            // Forwards to a time, and on from there to a later one.
            prop_assert_eq!(replay(to, to), replay(0, to));
            prop_assert_eq!(replay(to, to + rest), replay(0, to + rest));
        }

        #[test]
        fn every_sample_comes_once_and_in_its_order_whatever_is_done_meanwhile(
            pauses in prop::collection::vec(0_u64..30, 1..60),
            deeds in prop::collection::vec((0_u64..200, 0_u8..3, 0.1_f64..100.0), 0..20),
        ) {
            let mut at = 0;
            let batches: Vec<(u64, Vec<Replayed>)> = pauses
                .iter()
                .zip(1_i64..)
                .map(|(pause, number)| {
                    at += pause + 1;
                    (at, vec![sample("twin/a/x", Value::Int(number))])
                })
                .collect();
            let count = batches.len() as i64;
            let mut deck = Deck::new(MemoryTape::new(at, batches), 1.0, false);
            deck.play(ms(0)).unwrap();
            let (mut now, mut said) = (ms(0), Vec::new());
            for (wait, deed, speed) in deeds {
                said.extend(short(&run(&mut deck, now, now + ms(wait))));
                now += ms(wait);
                match deed {
                    0 => deck.pause(now),
                    1 if deck.motion() != Motion::Ended => deck.play(now).unwrap(),
                    _ => deck.set_speed(now, speed),
                }
            }
            if deck.motion() != Motion::Ended {
                deck.play(now).unwrap();
            }
            said.extend(short(&run(&mut deck, now, now + Duration::from_secs(9_000))));
            let values: Vec<i64> = said.iter().filter(|(_, what, _)| *what == "batch").map(|(_, _, value)| *value).collect();
            prop_assert_eq!(values, (1..=count).collect::<Vec<i64>>());
            prop_assert_eq!(said.last().map(|(_, what, _)| *what), Some("over"));
        }
    }
}
