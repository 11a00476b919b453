//! The door of the core: the one bounded queue through which everything reaches the hub.
//!
//! Connection tasks push messages and wait without holding a thread when they have had their share, so a core that is
//! busy slows its peers down through their sockets and nothing is dropped. Shares are per connection and renewed whenever
//! the core has taken what was there: a peer that floods fills its own share and nobody else's. What is not a message (a
//! connection begins or ends, an API call) needs no share: there is never more of it than there are sockets.
//!
//! The core takes everything that is there in one swap: one lock per batch, and it sleeps only when there is nothing. A
//! ready-made channel was tried and rejected: it spins before it sleeps, and it has no way to wait for room without a
//! thread.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crosstie_hub::access::{Access, Actor};
use crosstie_hub::api::{Reply, Report, Request};
use crosstie_hub::plc::PlcId;
use crosstie_hub::{ConnId, Face, Input, Ticket};
use tokio::sync::oneshot;

use super::taps::Tap;
use crate::io::Devices;
use crate::sink::Sink;

/// Messages of one connection that wait in the door. One more makes it wait until the core has taken them.
const SHARE_MESSAGES_MAX: u32 = 64;
/// Bytes of the messages of one connection that wait in the door. Same effect; a single message always fits.
const SHARE_BYTES_MAX: usize = 1 << 20;
/// Bytes of all messages that wait in the door. One more message makes its sender wait; a single one always fits.
const QUEUED_BYTES_MAX: usize = 64 << 20;

/// Everything that can wake the core.
#[derive(Debug)]
pub(crate) enum Event {
    /// A handshake is done.
    Connected {
        /// The new connection.
        conn: ConnId,
        /// What it speaks.
        face: Face,
        /// Address and port of the peer.
        address: String,
        /// Path of the request, without its query: keys stand there.
        path: String,
        /// What it may do.
        access: Arc<Access>,
        /// Where its frames go.
        sink: Arc<Sink>,
    },
    /// Something that the hub understands as it is.
    Input(Input),
    /// A message, and the text that it came as: told so while inputs are recorded.
    Message {
        /// The message.
        input: Input,
        /// Its text.
        text: Box<str>,
    },
    /// A question of the API.
    Request {
        /// Who asks.
        by: Box<Actor>,
        /// What is asked.
        request: Request,
        /// Where the answer goes; `None` where nobody waits for it. Whoever waited and has gone was told that nothing is known of it:
        /// then nothing is done either.
        reply: Option<oneshot::Sender<Reply>>,
    },
    /// The store has done, or not done, what an output asked for.
    Saved {
        /// The ticket of the output.
        ticket: Ticket,
        /// Why not.
        result: Result<(), String>,
    },
    /// PLC engines have told something; it waits in their rings.
    EnginesTold,
    /// Devices of PLCs stand otherwise than before.
    DevicesTold,
    /// Devices of a PLC were opened, or not.
    DevicesOpened {
        /// Whose.
        plc: PlcId,
        /// The number of the setup.
        number: u64,
        /// Why not.
        result: Result<(), String>,
        /// What the scan thread is to have from now on.
        devices: Option<Box<Devices>>,
    },
    /// A recording begins: what it is to be told.
    Tap(Box<Tap>),
    /// A recording ends.
    Untap,
    /// Close everything and end.
    Stop,
}

/// The core is gone: nothing can be handed in any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hub is shutting down")]
pub(crate) struct Gone;

/// A handle to hand events in. Cloning is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    news: Condvar,
    last_conn: AtomicU32,
    last_ticket: AtomicU64,
    /// Inputs are recorded.
    keeps_texts: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Event>,
    bytes: usize,
    /// How often the core has emptied the queue.
    round: u64,
    waiting: Vec<Waker>,
    is_core_asleep: bool,
    is_closed: bool,
}

/// What one connection has put into the door since the core took everything.
#[derive(Debug, Default)]
pub(crate) struct Share {
    round: u64,
    messages: u32,
    bytes: usize,
}

impl Queue {
    /// Counts a message of so many bytes in, if there is room for it.
    fn admit(&mut self, share: &mut Share, bytes: usize) -> bool {
        if share.round != self.round {
            *share = Share {
                round: self.round,
                ..Share::default()
            };
        }
        let has_share =
            share.messages == 0 || (share.messages < SHARE_MESSAGES_MAX && share.bytes + bytes <= SHARE_BYTES_MAX);
        let has_room = self.bytes == 0 || self.bytes + bytes <= QUEUED_BYTES_MAX;
        if has_share && has_room {
            share.messages += 1;
            share.bytes += bytes;
            self.bytes += bytes;
        }
        has_share && has_room
    }
}

impl Door {
    pub(crate) fn new() -> Door {
        Door {
            shared: Arc::new(Shared {
                queue: Mutex::default(),
                news: Condvar::new(),
                last_conn: AtomicU32::new(0),
                last_ticket: AtomicU64::new(0),
                keeps_texts: AtomicBool::new(false),
            }),
        }
    }

    /// A number for a new connection: never zero, never used before in this run.
    pub(crate) fn new_conn(&self) -> ConnId {
        ConnId(self.shared.last_conn.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// From now on messages are told with the texts that they came as, or without.
    pub(crate) fn keep_texts(&self, keeps: bool) {
        self.shared.keeps_texts.store(keeps, Ordering::Relaxed);
    }

    /// Whether messages are to be told with their texts.
    pub(crate) fn keeps_texts(&self) -> bool {
        self.shared.keeps_texts.load(Ordering::Relaxed)
    }

    /// A number for a question; the hub's own tickets come down from the other end.
    pub(crate) fn new_ticket(&self) -> Ticket {
        Ticket(self.shared.last_ticket.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Hands in a message, or keeps it in its place and wakes the task when there is room.
    pub(crate) fn poll_push(
        &self,
        cx: &mut Context<'_>,
        share: &mut Share,
        event: &mut Option<Event>,
        bytes: usize,
    ) -> Poll<Result<(), Gone>> {
        let mut queue = self.lock();
        if queue.is_closed {
            return Poll::Ready(Err(Gone));
        }
        if !queue.admit(share, bytes) {
            queue.waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        if let Some(event) = event.take() {
            self.put(queue, event);
        }
        Poll::Ready(Ok(()))
    }

    /// Hands in a message if there is room at once; gives it back if not. The core is not woken: [`Door::ring`] does that
    /// once for several messages.
    pub(crate) fn try_push(&self, share: &mut Share, event: Event, bytes: usize) -> Result<(), Box<Event>> {
        let mut queue = self.lock();
        if queue.is_closed || !queue.admit(share, bytes) {
            return Err(Box::new(event));
        }
        queue.events.push_back(event);
        Ok(())
    }

    /// Wakes the core if it sleeps although there is something.
    pub(crate) fn ring(&self) {
        let queue = self.lock();
        if !queue.events.is_empty() {
            self.wake_core(queue);
        }
    }

    /// Hands in what is not a message of a peer. When the core is gone there is nobody to tell.
    pub(crate) fn tell(&self, event: Event) {
        let queue = self.lock();
        if !queue.is_closed {
            self.put(queue, event);
        }
    }

    /// Asks the hub and waits for the answer.
    pub(crate) async fn ask(&self, by: Actor, request: Request) -> Result<Reply, Gone> {
        let (reply, answer) = oneshot::channel();
        self.tell(Event::Request {
            by: Box::new(by),
            request,
            reply: Some(reply),
        });
        answer.await.map_err(|_| Gone)
    }

    /// Tells people, as a problem, about a trouble of the driver's own.
    pub(crate) fn report(&self, report: Report) {
        self.order(Request::Report(Box::new(report)));
    }

    /// What was reported under this id is over.
    pub(crate) fn clear(&self, problem: &str) {
        let problem = problem.to_owned();
        self.order(Request::Clear { problem });
    }

    /// Hands in a request of the driver's own; nobody waits for the answer.
    fn order(&self, request: Request) {
        self.tell(Event::Request {
            by: Box::new(Actor::full("the hub", "")),
            request,
            reply: None,
        });
    }

    /// Moves everything that is there to the end of `events`. Sleeps until there is something, or until `deadline`.
    pub(crate) fn take(&self, deadline: Option<Instant>, events: &mut VecDeque<Event>) {
        let mut queue = self.lock();
        while queue.events.is_empty() {
            queue.is_core_asleep = true;
            let news = &self.shared.news;
            queue = match deadline {
                None => news.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let span = deadline.saturating_duration_since(Instant::now());
                    if span.is_zero() {
                        queue.is_core_asleep = false;
                        return;
                    }
                    let woken = news.wait_timeout(queue, span);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            queue.is_core_asleep = false;
        }
        events.append(&mut queue.events);
        queue.bytes = 0;
        queue.round += 1;
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Nothing more is taken in; everyone who waits for room learns it.
    pub(crate) fn close(&self) {
        let mut queue = self.lock();
        queue.is_closed = true;
        queue.events.clear();
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        waiting.into_iter().for_each(Waker::wake);
    }

    fn put(&self, mut queue: MutexGuard<'_, Queue>, event: Event) {
        queue.events.push_back(event);
        self.wake_core(queue);
    }

    fn wake_core(&self, mut queue: MutexGuard<'_, Queue>) {
        let is_core_asleep = std::mem::take(&mut queue.is_core_asleep);
        drop(queue);
        if is_core_asleep {
            self.shared.news.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // The queue is whole after every statement, so a panic of another thread leaves nothing half done in it.
        let queue = self.shared.queue.lock();
        queue.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick() -> Event {
        Event::Input(Input::Tick)
    }

    #[test]
    fn a_connection_that_has_had_its_share_waits_and_is_woken_when_the_core_takes_it() {
        let door = Door::new();
        let (mut flooding, mut other) = (Share::default(), Share::default());
        for _ in 0..SHARE_MESSAGES_MAX {
            door.try_push(&mut flooding, tick(), 1).unwrap();
        }
        assert!(door.try_push(&mut flooding, tick(), 1).is_err());
        assert!(door.try_push(&mut other, tick(), 1).is_ok(), "the others have theirs");

        let waiting = Waiting::default();
        let waker = Waker::from(Arc::new(waiting.clone()));
        let mut cx = Context::from_waker(&waker);
        let mut event = Some(tick());
        assert!(door.poll_push(&mut cx, &mut flooding, &mut event, 1).is_pending());
        assert!(event.is_some());

        let mut events = VecDeque::new();
        door.take(None, &mut events);
        assert_eq!(events.len(), SHARE_MESSAGES_MAX as usize + 1);
        assert_eq!(waiting.0.load(Ordering::Relaxed), 1);
        let pushed = door.poll_push(&mut cx, &mut flooding, &mut event, 1);
        assert_eq!(pushed, Poll::Ready(Ok(())));
        assert!(event.is_none());
    }

    #[test]
    fn messages_wait_by_their_bytes_but_one_always_fits() {
        let door = Door::new();
        let push = |share: &mut Share, bytes| door.try_push(share, tick(), bytes).is_ok();
        let mut share = Share::default();
        assert!(push(&mut share, SHARE_BYTES_MAX + 1));
        assert!(!push(&mut share, 0));
        door.take(None, &mut VecDeque::new());
        assert!(push(&mut share, SHARE_BYTES_MAX - 1));
        assert!(push(&mut share, 1));
        assert!(!push(&mut share, 1));

        door.take(None, &mut VecDeque::new());
        assert!(push(&mut share, QUEUED_BYTES_MAX + 1));
        assert!(!push(&mut Share::default(), 1), "all together have a limit too");
    }

    #[test]
    fn what_is_no_message_needs_no_room_and_a_deadline_that_has_passed_does_not_sleep() {
        let door = Door::new();
        let mut events = VecDeque::new();
        door.take(Some(Instant::now()), &mut events);
        assert!(events.is_empty());
        door.try_push(&mut Share::default(), tick(), QUEUED_BYTES_MAX).unwrap();
        for _ in 0..SHARE_MESSAGES_MAX {
            door.tell(tick());
        }
        door.take(Some(Instant::now()), &mut events);
        assert_eq!(events.len(), SHARE_MESSAGES_MAX as usize + 1);
    }

    #[test]
    fn a_closed_door_takes_nothing() {
        let door = Door::new();
        let mut share = Share::default();
        door.close();
        assert!(door.try_push(&mut share, tick(), 0).is_err());
        let mut cx = Context::from_waker(Waker::noop());
        let pushed = door.poll_push(&mut cx, &mut share, &mut Some(tick()), 0);
        assert_eq!(pushed, Poll::Ready(Err(Gone)));
    }

    #[derive(Clone, Default)]
    struct Waiting(Arc<AtomicU32>);

    impl std::task::Wake for Waiting {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}
