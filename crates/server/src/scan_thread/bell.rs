//! The bell: a thread that sleeps until a scan thread has told something, and then wakes the core.
//!
//! The door of the core has a lock, and a scan thread must not wait for one. It only lays its entries into its ring and
//! unparks this thread. However many scans happen until the core comes, one event stands in its door.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering, fence};
use std::thread::{JoinHandle, Thread};

use crate::core_task::{Door, Event};

/// Nobody has told anything since the core looked.
const QUIET: u8 = 0;
/// Somebody has; the core does not know yet.
const RUNG: u8 = 1;
/// An event stands in the door.
const TOLD: u8 = 2;
/// The thread is to end.
const OVER: u8 = 3;

/// The core's end.
#[derive(Debug)]
pub(crate) struct Bell {
    state: Arc<AtomicU8>,
    thread: JoinHandle<()>,
}

/// A scan thread's end.
#[derive(Debug, Clone)]
pub(super) struct Ringer {
    state: Arc<AtomicU8>,
    thread: Thread,
}

impl Bell {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The system grants no thread.
    pub(crate) fn start(door: Door) -> io::Result<Bell> {
        let state = Arc::new(AtomicU8::new(QUIET));
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name(String::from("bell"))
            .spawn(move || listen(&shared, &door))?;
        Ok(Bell { state, thread })
    }

    pub(super) fn ringer(&self) -> Ringer {
        Ringer {
            state: Arc::clone(&self.state),
            thread: self.thread.thread().clone(),
        }
    }

    /// The core is about to look into all rings: who tells something from here on rings again.
    pub(crate) fn silence(&self) {
        self.state.store(QUIET, Ordering::Relaxed);
        // Pairs with the fence of `ring`: either the core sees the entry, or the ringer sees that it has to ring.
        fence(Ordering::SeqCst);
    }

    /// Ends the thread.
    pub(crate) fn end(self) {
        self.state.store(OVER, Ordering::Release);
        self.thread.thread().unpark();
        // It does nothing that could fail.
        let _ = self.thread.join();
    }
}

impl Ringer {
    /// Something stands in a ring.
    pub(super) fn ring(&self) {
        fence(Ordering::SeqCst);
        let rung = self
            .state
            .compare_exchange(QUIET, RUNG, Ordering::Relaxed, Ordering::Relaxed);
        if rung.is_ok() {
            self.thread.unpark();
        }
    }
}

fn listen(state: &AtomicU8, door: &Door) {
    loop {
        let rung = state.compare_exchange(RUNG, TOLD, Ordering::Relaxed, Ordering::Acquire);
        match rung {
            Ok(_) => door.tell(Event::EnginesTold),
            Err(OVER) => return,
            Err(_) => std::thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    #[test]
    fn however_often_it_rings_one_event_stands_in_the_door_until_the_core_looks() {
        let door = Door::new();
        let bell = Bell::start(door.clone()).unwrap();
        let (first, second) = (bell.ringer(), bell.ringer());
        let mut events = VecDeque::new();
        for _ in 0..100 {
            first.ring();
            second.ring();
            first.ring();
            door.take(None, &mut events);
            assert!(matches!(events.pop_front(), Some(Event::EnginesTold)));
            first.ring();
            bell.silence();
            // What rang before the core looked is in the ring that it looks into now.
            assert!(events.is_empty());
        }
        bell.end();
        door.take(Some(std::time::Instant::now()), &mut events);
        assert!(events.is_empty());
    }
}
