//! The hub's time for everybody who is not the core: scan threads, stand-ins.
//!
//! ```text
//!   core: closes ─▶ decides at a moment of the world ─▶ publishes ─▶ wakes
//!                                                     │
//!   scan thread: one look at a number, then arithmetic│    tasks: wait for a moment of the hub's time
//! ```
//!
//! Whoever reads the time gets it by arithmetic from the clock that was published last. While the core decides, the number says so,
//! and nobody takes the time by a clock that may be over already: that is why the hub's time goes back for no engine, and why a scan
//! that is due after the clock has stopped does not happen before.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crosstie_hub::Time;
use crosstie_hub::clock::Clock;
use tokio::sync::watch;
use tokio::time::sleep_until;

/// Somebody's look at the clock of the hub. Clones look at the same one.
#[derive(Clone, Debug)]
pub struct ClockHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    /// Even: the number of the clock that is published. Odd: another one is about to be.
    version: AtomicU64,
    clock: watch::Sender<Clock>,
    /// The stand-ins that live in the hub's time, by the names that the hub has for them.
    followers: Mutex<BTreeSet<String>>,
}

impl Default for ClockHandle {
    /// The clock of the world, which nobody changes: for stand-ins without a hub of their own.
    fn default() -> ClockHandle {
        ClockHandle::new(Instant::now())
    }
}

impl ClockHandle {
    /// The clock of a hub that was started then; it goes as the world does until somebody publishes another.
    pub(crate) fn new(started: Instant) -> ClockHandle {
        ClockHandle {
            shared: Arc::new(Shared {
                started,
                version: AtomicU64::new(0),
                clock: watch::Sender::new(Clock::default()),
                followers: Mutex::default(),
            }),
        }
    }

    /// From here on nobody takes the time until [`ClockHandle::open`]. Only the core does this, before it reads the time at which it
    /// changes the clock.
    pub(crate) fn close(&self) {
        let version = self.shared.version.load(Ordering::Relaxed);
        self.shared.version.store(version | 1, Ordering::SeqCst);
    }

    /// The clock goes so from now on.
    pub(crate) fn publish(&self, clock: Clock) {
        self.close();
        self.shared.clock.send_replace(clock);
        self.open();
    }

    /// The time may be taken again, by the clock that was published last.
    pub(crate) fn open(&self) {
        let version = self.shared.version.load(Ordering::Relaxed);
        if version & 1 == 1 {
            self.shared.version.store(version + 1, Ordering::SeqCst);
        }
    }

    /// How the clock goes.
    pub(crate) fn clock(&self) -> Clock {
        *self.shared.clock.borrow()
    }

    /// The hub's time.
    pub(crate) fn now(&self) -> Time {
        self.clock().at(self.world())
    }

    /// The time since the start of the hub, as the world goes.
    pub(crate) fn world(&self) -> Time {
        // The clock of the hub holds five hundred years.
        Time::from_nanos(self.shared.started.elapsed().as_nanos() as u64)
    }

    /// Waits until the hub's time is there: for ever while it stands. Others have their turn also when it is there already.
    pub(crate) async fn reached(&self, at: Time) {
        let mut changes = self.shared.clock.subscribe();
        loop {
            let clock = *changes.borrow_and_update();
            if clock.at(self.world()) >= at {
                tokio::task::yield_now().await;
                return;
            }
            let coming = clock.when(at).map(|world| {
                let since_start = Duration::from_nanos(world.as_nanos());
                self.shared.started.checked_add(since_start)
            });
            tokio::select! {
                () = until(coming.flatten()) => {}
                // The handle itself keeps the sender alive.
                _ = changes.changed() => {}
            }
        }
    }

    /// A stand-in lives in the hub's time; the name is the one that the hub has for it among those who might not.
    pub(crate) fn follow(&self, name: String) {
        self.followers().insert(name);
    }

    /// Whether it does.
    pub(crate) fn is_followed_by(&self, name: &str) -> bool {
        self.followers().contains(name)
    }

    fn followers(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.shared.followers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A look of a thread of its own.
    pub(crate) fn reader(&self) -> ClockReader {
        ClockReader {
            clock: self.clock(),
            // The number of no clock.
            version: u64::MAX,
            handle: self.clone(),
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// A thread's look at the clock: it keeps the clock that it has seen and compares one number.
#[derive(Debug)]
pub(crate) struct ClockReader {
    handle: ClockHandle,
    clock: Clock,
    /// The number of that clock.
    version: u64,
}

impl ClockReader {
    /// The clock and the time of the world; `None` while the core changes the clock: it wakes everybody when that is done.
    pub(crate) fn read(&mut self) -> Option<(Clock, Time)> {
        loop {
            let world = self.handle.world();
            // Behind the time: a number that has not moved vouches for it.
            let version = self.handle.shared.version.load(Ordering::SeqCst);
            if version == self.version {
                return Some((self.clock, world));
            }
            if version & 1 == 1 {
                return None;
            }
            (self.clock, self.version) = (self.handle.clock(), version);
        }
    }

    /// The time since the start of the hub, as the world goes.
    pub(crate) fn world(&self) -> Time {
        self.handle.world()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstie_hub::clock::ClockMode;
    use std::sync::atomic::AtomicBool;

    fn goes(handle: &ClockHandle, mode: ClockMode, rate: f64) -> Clock {
        handle.close();
        let mut clock = handle.clock();
        clock.go(handle.world(), mode, rate, None);
        handle.publish(clock);
        clock
    }

    #[test]
    fn a_reader_sees_every_clock_and_takes_no_time_while_one_is_changed() {
        let handle = ClockHandle::default();
        let mut reader = handle.reader();
        assert_eq!(reader.read().unwrap().0, Clock::default());
        handle.close();
        assert!(reader.read().is_none());
        handle.open();
        assert!(reader.read().is_some());
        let clock = goes(&handle, ClockMode::Stepped, 0.0);
        let (seen, world) = reader.read().unwrap();
        assert_eq!((seen, seen.at(world)), (clock, clock.since()));
        assert_eq!(handle.now(), clock.since());
    }

    #[test]
    fn the_time_goes_back_for_no_reader_however_often_the_clock_is_changed() {
        let handle = ClockHandle::default();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let (mut reader, mut last, mut reads) = (handle.reader(), Time::ZERO, 0_u64);
                    while !is_over.load(Ordering::Relaxed) || reads == 0 {
                        let Some((clock, world)) = reader.read() else { continue };
                        let time = clock.at(world);
                        assert!(time >= last, "{time:?} after {last:?}");
                        (last, reads) = (time, reads + 1);
                    }
                });
            }
            for turn in 0..3_000_u32 {
                let rate = f64::from(turn % 3) * 50.0;
                goes(&handle, ClockMode::Scaled(rate), rate);
            }
            is_over.store(true, Ordering::Relaxed);
        });
    }

    #[tokio::test]
    async fn a_task_waits_for_the_hubs_time_and_hears_of_changes() {
        let handle = ClockHandle::default();
        goes(&handle, ClockMode::Stepped, 0.0);
        let at = handle.now() + Duration::from_secs(50);
        let waits = tokio::spawn({
            let handle = handle.clone();
            async move { handle.reached(at).await }
        });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        // Half a second of the world.
        goes(&handle, ClockMode::Scaled(100.0), 100.0);
        waits.await.unwrap();
        assert!(handle.now() >= at);
    }
}
