//! Replay: a recording says again what was said when it was made.
//!
//! ```text
//!   recording ─▶ tape ─▶ deck (what is due when) ─▶ cast (what of it is said) ─▶ door ─▶ core ─▶ Hub::replayed
//!                         ▲ play, pause, seek, speed, loop                        (waits for its share, as a connection does)
//! ```
//!
//! | room | what it does |
//! |---|---|
//! | `tape` | a recording as something to play from |
//! | `deck` | position, speed, pause, loop; no thread and no clock |
//! | `cast` | which signals are said, which are not and why |
//! | `work` | the thread that carries a replay out |
//!
//! There is one replay at a time, and one thread while there is one. It never holds the core: what it hands in waits for room as
//! the messages of a connection do, so a core that is busy slows the replay down and nothing is dropped.

mod cast;
mod deck;
#[cfg(test)]
mod memory_tape;
mod tape;
mod work;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};
use crosstie_hub::access::Actor;
use crosstie_hub::api::Refused;
use crosstie_hub::api::replay::{ReplayShown, ReplayState};
use crosstie_hub::clock::{RATE_MAX, RATE_MIN};
use tokio::sync::oneshot;

use crate::core_task::Door;

/// Orders that wait for the thread. A further one is refused as "busy".
const ORDERS_MAX: usize = 64;

/// What is to be replayed, and how.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Name of the recording, for people.
    pub(crate) recording: String,
    /// Its file.
    pub(crate) file: PathBuf,
    /// Only signals that fit one of these; `None` for all.
    pub(crate) signals: Option<Vec<String>>,
    /// How many times as fast as it was recorded, from [`RATE_MIN`] to [`RATE_MAX`]; 0 for as fast as the hub can.
    pub(crate) speed: f64,
    /// It begins anew when it is over.
    pub(crate) loops: bool,
    /// The hub's time goes as the replay does.
    pub(crate) leads_clock: bool,
    /// It stands until somebody lets it play.
    pub(crate) paused: bool,
    /// Where it begins.
    pub(crate) position: Duration,
    /// Also signals that a connected peer writes.
    pub(crate) force: bool,
}

/// What somebody wants of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Change {
    /// Another speed.
    pub(crate) speed: Option<f64>,
    /// To begin anew at the end, or no longer.
    pub(crate) loops: Option<bool>,
    /// To go to this position.
    pub(crate) position: Option<Duration>,
}

/// An order to the replay that is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Order {
    /// Go on; behind the end begin anew.
    Play,
    /// Stand still.
    Pause,
    /// Change some of it.
    Change(Change),
    /// End: what was said is old from then on.
    Stop,
}

/// Why a replay does not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlayerError {
    /// There is no replay.
    #[error("no replay is there; start one")]
    Nothing,
    /// It cannot be done as things stand; the text says why.
    #[error("{0}")]
    Conflict(String),
    /// What was asked makes no sense; the text says what was expected.
    #[error("{0}")]
    BadValue(String),
    /// The recording cannot be read; the text says where.
    #[error("{0}")]
    Unreadable(String),
    /// The hub refuses it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The hub ends.
    #[error("the hub is shutting down")]
    Gone,
    /// The thread has more to do than it can.
    #[error("the replay has more to do than it can answer; try again")]
    Busy,
}

/// The answer to an order.
type Answer = Result<ReplayShown, PlayerError>;

/// An order on its way to the thread.
#[derive(Debug)]
struct Steer {
    order: Order,
    answer: oneshot::Sender<Answer>,
}

/// The way to the thread of the replay.
#[derive(Debug)]
struct Seat {
    /// Tells one replay from another.
    number: u64,
    orders: Sender<Steer>,
}

/// What the API and the thread share.
#[derive(Debug, Default)]
struct Shared {
    seat: Mutex<Option<Seat>>,
    board: Mutex<Board>,
    /// Signals that were handed to the hub since its start.
    samples: AtomicU64,
}

/// How the replay stands, as the thread has said last.
#[derive(Debug, Default)]
struct Board {
    shown: ReplayShown,
    /// Since when, and up to where, the position moves by itself; `None` while it does not.
    moves: Option<(Instant, Duration)>,
}

impl Board {
    /// How it stands now.
    fn now(&self) -> ReplayShown {
        let mut shown = self.shown.clone();
        if let Some((since, until)) = self.moves {
            let gone = since.elapsed().mul_f64(shown.speed);
            shown.position = (shown.position + gone).min(until.max(shown.position));
        }
        shown
    }
}

impl Shared {
    /// Gives the seat up, if it is that of this replay.
    fn leave(&self, number: u64) {
        lock(&self.seat).take_if(|seat| seat.number == number);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A handle to the replay of a hub. Its thread ends with it.
#[derive(Debug)]
pub(crate) struct Player {
    door: Door,
    shared: Arc<Shared>,
    last_number: AtomicU64,
}

impl Player {
    /// A player without a recording.
    pub(crate) fn new(door: Door) -> Player {
        Player {
            door,
            shared: Arc::default(),
            last_number: AtomicU64::new(0),
        }
    }

    /// How the replay stands.
    pub(crate) fn shown(&self) -> ReplayShown {
        lock(&self.shared.board).now()
    }

    /// Signals that were handed to the hub since its start.
    pub(crate) fn samples(&self) -> u64 {
        self.shared.samples.load(Ordering::Relaxed)
    }

    /// Starts a replay; one that has ended makes room. Answers when the recording is open and the hub has said what may be
    /// replayed of it.
    ///
    /// # Errors
    ///
    /// A [`PlayerError`]; then there is no replay.
    pub(crate) async fn start(&self, by: &Actor, wanted: Wanted) -> Answer {
        check_speed(wanted.speed, wanted.leads_clock)?;
        if self.shown().state == ReplayState::Ended {
            // Whatever else it answers, it is gone then.
            drop(self.order(Order::Stop).await);
        }
        let (ready, answer) = oneshot::channel();
        self.begin(by, wanted, ready)?;
        answer.await.unwrap_or(Err(PlayerError::Gone))
    }

    /// Takes the seat and starts the thread.
    fn begin(&self, by: &Actor, wanted: Wanted, ready: oneshot::Sender<Answer>) -> Result<(), PlayerError> {
        let (orders, inbox) = crossbeam_channel::bounded(ORDERS_MAX);
        let number = self.last_number.fetch_add(1, Ordering::Relaxed) + 1;
        let mut seat = lock(&self.shared.seat);
        if seat.is_some() {
            let text = match lock(&self.shared.board).shown.recording.as_deref() {
                Some(recording) => format!("'{recording}' is being replayed; stop that first"),
                None => String::from("another replay is being started"),
            };
            return Err(PlayerError::Conflict(text));
        }
        let call = work::Call {
            door: self.door.clone(),
            shared: Arc::clone(&self.shared),
            number,
            by: by.clone(),
            wanted,
            inbox,
        };
        let thread = std::thread::Builder::new().name(String::from("player"));
        let begun = thread.spawn(move || work::run(call, ready));
        begun.map_err(|error| PlayerError::Conflict(format!("the system gives no thread: {error}")))?;
        *seat = Some(Seat { number, orders });
        Ok(())
    }

    /// Gives an order to the replay that is there and waits until it is carried out.
    ///
    /// # Errors
    ///
    /// A [`PlayerError`]; then nothing has changed.
    pub(crate) async fn order(&self, order: Order) -> Answer {
        let (answer, answered) = oneshot::channel();
        {
            let seat = lock(&self.shared.seat);
            let seat = seat.as_ref().ok_or(PlayerError::Nothing)?;
            seat.orders
                .try_send(Steer { order, answer })
                .map_err(|error| match error {
                    TrySendError::Full(_) => PlayerError::Busy,
                    TrySendError::Disconnected(_) => PlayerError::Nothing,
                })?;
        }
        // Without an answer it has ended meanwhile.
        answered.await.unwrap_or(Err(PlayerError::Nothing))
    }
}

/// Refuses a speed that a replay cannot go at.
fn check_speed(speed: f64, leads_clock: bool) -> Result<(), PlayerError> {
    let is_paced = (RATE_MIN..=RATE_MAX).contains(&speed);
    if !is_paced && speed != 0.0 {
        return Err(PlayerError::BadValue(format!(
            "`speed`: expected {RATE_MIN} to {RATE_MAX}, or 0 for as fast as possible"
        )));
    }
    if leads_clock && !is_paced {
        return Err(PlayerError::BadValue(format!(
            "`speed`: a replay that leads the clock goes at {RATE_MIN} to {RATE_MAX}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_within_the_range_of_the_clock_or_0() {
        let check = |speed: f64, leads: bool, expected: bool| {
            assert_eq!(check_speed(speed, leads).is_ok(), expected, "{speed} {leads}");
        };
        check(0.1, true, true);
        check(100.0, true, true);
        check(0.0, false, true);
        check(0.0, true, false);
        check(0.09, false, false);
        check(100.1, false, false);
        check(-1.0, false, false);
        check(f64::NAN, false, false);
        check(f64::INFINITY, false, false);
    }
}
