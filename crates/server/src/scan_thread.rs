//! Scan threads: one for each PLC context, which drives its engine in the hub's time.
//!
//! ```text
//!            orders: a ring ───────────▶ ┌─────────────┐
//!   core ─┤                              │ scan thread │  border ─▶ scan ─▶ report ─▶ sleep until the next is due
//!            entries: a ring ◀────────── └─────────────┘
//!               ▲                               │ unpark
//!               └── event in the door ── bell ◀─┘
//! ```
//!
//! A scan allocates nothing, takes no lock and writes no log: it lays what it has to tell into a ring of fixed size and wakes
//! the bell, a thread that may wait at the core's door in its stead. The core never waits for a scan thread either: an order
//! for which the ring has no place is answered as refused, and of what routes say the newest waits.

mod bell;
mod late_feeds;
mod pace;
mod realtime;
mod ring;
mod worker;

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::JoinHandle;
use std::time::Duration;

use crosstie_hub::Time;
use crosstie_hub::clock::ClockMode;
use crosstie_hub::plc::{Entry, Granted, Numbered, Order, RealtimeAnswer, RealtimeWish, Refused};
use crosstie_ladder::controller::ControllerSettings;
use rtrb::{Consumer, Producer};

pub(crate) use bell::Bell;
use bell::Ringer;
use late_feeds::LateFeeds;
use pace::Manner;
use realtime::SPIN_MARGIN_US;
pub(crate) use realtime::{Crowd, lock_memory};
pub(crate) use ring::Exchange;
use ring::ORDERS_MAX;
use worker::{Clock, Moment, Next, Worker};

use crate::clock_handle::{ClockHandle, ClockReader};

/// While so many orders wait for a thread that sleeps until its next scan, it is woken to take the values among them.
const WAKE_AT: usize = ORDERS_MAX / 4;

/// The core's end of a scan thread.
#[derive(Debug)]
pub(crate) struct ScanThread {
    orders: Producer<Numbered>,
    exchanges: Producer<Exchange>,
    entries: Consumer<Entry>,
    late: LateFeeds,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

/// What both ends look at.
#[derive(Debug, Default)]
struct Shared {
    /// The thread sleeps until a scan is due and takes its orders then: nobody needs to wake it.
    is_paced: AtomicBool,
    /// The thread is to end.
    is_over: AtomicBool,
}

impl ScanThread {
    /// Starts the thread of a context, one of a crowd. It scans in the time of the clock. `name` is for people.
    ///
    /// A panic in it is our mistake and ends the process with a message: a machine whose program stands still must not look
    /// alive.
    ///
    /// # Errors
    ///
    /// The system grants no thread.
    pub(crate) fn start(
        name: &str,
        settings: ControllerSettings,
        wish: RealtimeWish,
        crowd: &Crowd,
        (bell, clock): (&Bell, &ClockHandle),
    ) -> io::Result<ScanThread> {
        let (orders, taken) = ring::orders();
        let (sink, entries) = ring::entries();
        let (exchanges, exchanged) = ring::exchanges();
        let shared = Arc::new(Shared::default());
        let (theirs, ringer) = (Arc::clone(&shared), bell.ringer());
        let (crowd, reader) = (crowd.clone(), clock.reader());
        let thread = std::thread::Builder::new()
            .name(format!("scan {name}"))
            .spawn(move || {
                let run = AssertUnwindSafe(|| {
                    let running = Running::ask(wish, crowd);
                    let worker = Worker::new(settings, taken, exchanged, sink);
                    scan_until_over(worker, running, HubClock(reader), (&theirs, &ringer));
                });
                if std::panic::catch_unwind(run).is_err() {
                    tracing::error!("a PLC engine has failed: this is a fault of Crosstie itself, not of the program");
                    crate::log::flush();
                    std::process::exit(1);
                }
            })?;
        Ok(ScanThread {
            orders,
            exchanges,
            entries,
            late: LateFeeds::default(),
            shared,
            thread,
        })
    }

    /// Hands over an order; the engine's answer is among its entries. Never waits.
    ///
    /// # Errors
    ///
    /// [`Refused::Busy`]: the order is not handed over and nothing else answers it.
    pub(crate) fn hand_in(&mut self, numbered: Numbered) -> Result<(), Refused> {
        let taken = match numbered.order {
            Order::Feed { address, value } => {
                self.late.put(address, value, numbered.at, &mut self.orders);
                Ok(())
            }
            ref order => {
                match order {
                    Order::Write { address, .. } | Order::Toggle { address } => self.late.forget(*address),
                    Order::WriteAll(writes) => writes.iter().for_each(|(address, _)| self.late.forget(*address)),
                    _ => {}
                }
                self.late.flush(&mut self.orders);
                self.orders.push(numbered).map_err(|_| Refused::Busy)
            }
        };
        self.wake();
        taken
    }

    /// Gives the thread other devices, behind the orders handed in before.
    pub(crate) fn exchange(&mut self, exchange: Exchange) {
        // A thread that stands still for so many exchanges is given no more of them; it holds on to what it has.
        drop(self.exchanges.push(exchange));
        self.wake();
    }

    /// Moves everything that the engine has told to the end of `entries`.
    pub(crate) fn take(&mut self, entries: &mut Vec<Entry>) {
        if let Ok(chunk) = self.entries.read_chunk(self.entries.slots()) {
            entries.extend(chunk);
        }
        self.late.flush(&mut self.orders);
        // There is room now for what has waited for it.
        self.wake();
    }

    /// Lets the thread see what its crowd or the clock is now.
    pub(crate) fn look_around(&self) {
        self.thread.thread().unpark();
    }

    fn wake(&self) {
        // Pairs with the fence of the thread before it sleeps: it sees the order, or this sees that it sleeps.
        fence(Ordering::SeqCst);
        let is_paced = self.shared.is_paced.load(Ordering::Relaxed);
        let waiting = ORDERS_MAX - self.orders.slots();
        if !is_paced || waiting > WAKE_AT {
            self.thread.thread().unpark();
        }
    }

    /// Tells the thread to end after the scan that it executes.
    pub(crate) fn end(&self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.thread.thread().unpark();
    }

    /// Whether the thread is gone.
    pub(crate) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for the end of a thread that was told to end: a program has no loops, so that is a scan away at most.
    pub(crate) fn join(self) {
        // A thread that panicked has ended the whole process, so it is there to be joined.
        let _ = self.thread.join();
    }
}

/// The clock of the hub.
struct HubClock(ClockReader);

/// Until a moment of the hub's time.
enum Rest {
    /// So many microseconds of the world.
    Us(u64),
    /// It does not come while the clock goes as it does.
    Never,
    /// The clock is being changed.
    Changing,
}

impl HubClock {
    fn until(&mut self, due: u64) -> Rest {
        let Some((clock, world)) = self.0.read() else {
            return Rest::Changing;
        };
        let due = Time::from_nanos(due.saturating_mul(NANOS));
        match clock.when(due) {
            Some(at) => Rest::Us(at.since(world).as_nanos().div_ceil(u128::from(NANOS)) as u64),
            None => Rest::Never,
        }
    }
}

impl Clock for HubClock {
    fn moment(&mut self) -> Option<Moment> {
        let (clock, world) = self.0.read()?;
        let manner = match clock.mode() {
            _ if clock.is_plain() => Manner::Plain {
                since: clock.since().as_nanos() / NANOS,
            },
            ClockMode::Stepped => Manner::Stepped,
            _ => Manner::Exact,
        };
        Some(Moment {
            hub_us: clock.at(world).as_nanos() / NANOS,
            manner,
            rate: clock.rate(),
        })
    }

    fn now_ns(&self) -> u64 {
        self.0.world().as_nanos()
    }
}

/// Nanoseconds of a microsecond.
const NANOS: u64 = 1_000;

/// How the thread runs.
struct Running {
    spins: bool,
    crowd: Crowd,
    answer: RealtimeAnswer,
    /// The core knows the answer.
    is_told: bool,
}

impl Running {
    fn ask(wish: RealtimeWish, crowd: Crowd) -> Running {
        Running {
            spins: wish.spin,
            crowd,
            answer: realtime::ask(wish),
            is_told: false,
        }
    }

    /// Tells the core how the thread runs, when that is new and there is room for it.
    fn tell(&mut self, worker: &mut Worker, ringer: &Ringer) {
        if self.spins {
            let spin = self.crowd.spin();
            self.is_told &= self.answer.spin == spin;
            self.answer.spin = spin;
        }
        if !self.is_told && worker.tell_realtime(self.answer) {
            self.is_told = true;
            ringer.ring();
        }
    }

    /// Waits until a scan is due, or somebody wakes the thread.
    fn wait(&self, due: u64, clock: &mut HubClock) {
        let Rest::Us(rest) = clock.until(due) else {
            // Whoever changes the clock wakes the thread.
            std::thread::park();
            return;
        };
        let spins = self.answer.spin == Granted::Yes;
        let asleep = if spins {
            rest.saturating_sub(SPIN_MARGIN_US)
        } else {
            rest
        };
        if asleep > 0 {
            std::thread::park_timeout(Duration::from_micros(asleep));
        } else if spins {
            while matches!(clock.until(due), Rest::Us(1..)) {
                std::hint::spin_loop();
            }
        }
    }
}

fn scan_until_over(
    mut worker: Worker,
    mut running: Running,
    mut clock: HubClock,
    (shared, ringer): (&Shared, &Ringer),
) {
    while !shared.is_over.load(Ordering::Acquire) {
        running.tell(&mut worker, ringer);
        match worker.turn(&mut clock, || ringer.ring()) {
            Next::ScanAt(due) => {
                shared.is_paced.store(true, Ordering::Relaxed);
                running.wait(due, &mut clock);
            }
            Next::SlowScanAt(due) => {
                shared.is_paced.store(false, Ordering::Relaxed);
                fence(Ordering::SeqCst);
                if !worker.has_orders() {
                    running.wait(due, &mut clock);
                }
            }
            Next::WhenOpen => std::thread::park(),
            Next::WhenTold => {
                shared.is_paced.store(false, Ordering::Relaxed);
                fence(Ordering::SeqCst);
                if !worker.has_work() {
                    std::thread::park();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
