//! The door of the core: the one bounded queue through which everything reaches the hub.
//!
//! Connection tasks push and wait without holding a thread when the queue is full, so a core that is busy slows its
//! peers down through their sockets and nothing is dropped. The core takes everything that is there in one swap: one
//! lock per batch, and it sleeps only when there is nothing. A ready-made channel was measured and rejected: it spins
//! before it sleeps, and it has no way to wait for room without a thread.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crosstie_hub::api::{Reply, Request};
use crosstie_hub::{ConnId, Face, Input, Ticket};
use tokio::sync::oneshot;

use crate::sink::Sink;

/// Events that wait in the door. One more makes its sender wait.
const EVENTS_MAX: usize = 4_096;
/// Bytes of messages that wait in the door. One more message makes its sender wait; a single one always fits.
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
        /// Where its frames go.
        sink: Arc<Sink>,
    },
    /// Something that the hub understands as it is.
    Input(Input),
    /// A question of the API.
    Request {
        /// What is asked.
        request: Request,
        /// Where the answer goes.
        reply: oneshot::Sender<Reply>,
    },
    /// The store has done, or not done, what an output asked for.
    Saved {
        /// The ticket of the output.
        ticket: Ticket,
        /// Why not.
        result: Result<(), String>,
    },
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
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Event>,
    bytes: usize,
    waiting: Vec<Waker>,
    is_core_asleep: bool,
    is_closed: bool,
}

impl Queue {
    fn has_room(&self, bytes: usize) -> bool {
        self.events.is_empty() || (self.events.len() < EVENTS_MAX && self.bytes + bytes <= QUEUED_BYTES_MAX)
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
            }),
        }
    }

    /// A number for a new connection: never zero, never used before in this run.
    pub(crate) fn new_conn(&self) -> ConnId {
        ConnId(self.shared.last_conn.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// A number for a question; the hub's own tickets come down from the other end.
    pub(crate) fn new_ticket(&self) -> Ticket {
        Ticket(self.shared.last_ticket.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Hands in the event, or keeps it in its place and wakes the task when there is room.
    pub(crate) fn poll_push(
        &self,
        cx: &mut Context<'_>,
        event: &mut Option<Event>,
        bytes: usize,
    ) -> Poll<Result<(), Gone>> {
        let mut queue = self.lock();
        if queue.is_closed {
            return Poll::Ready(Err(Gone));
        }
        if !queue.has_room(bytes) {
            queue.waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        if let Some(event) = event.take() {
            self.put(queue, event, bytes);
        }
        Poll::Ready(Ok(()))
    }

    /// Hands in the event if there is room at once; gives it back if not.
    pub(crate) fn try_push(&self, event: Event, bytes: usize) -> Result<(), Event> {
        let queue = self.lock();
        if queue.is_closed || !queue.has_room(bytes) {
            return Err(event);
        }
        self.put(queue, event, bytes);
        Ok(())
    }

    /// Hands in the event when there is room for it.
    pub(crate) async fn push(&self, event: Event) -> Result<(), Gone> {
        let mut event = Some(event);
        std::future::poll_fn(|cx| self.poll_push(cx, &mut event, 0)).await
    }

    /// Hands in an event that answers something the core itself has asked for: there are never more of these than
    /// outputs, so they need no room.
    pub(crate) fn answer(&self, event: Event) {
        let queue = self.lock();
        if !queue.is_closed {
            self.put(queue, event, 0);
        }
    }

    /// Asks the hub and waits for the answer.
    pub(crate) async fn ask(&self, request: Request) -> Result<Reply, Gone> {
        let (reply, answer) = oneshot::channel();
        self.push(Event::Request { request, reply }).await?;
        answer.await.map_err(|_| Gone)
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

    fn put(&self, mut queue: MutexGuard<'_, Queue>, event: Event, bytes: usize) {
        queue.events.push_back(event);
        queue.bytes += bytes;
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
    fn a_full_door_makes_its_senders_wait_and_wakes_them_when_it_is_emptied() {
        let door = Door::new();
        for _ in 0..EVENTS_MAX {
            door.try_push(tick(), 0).unwrap();
        }
        assert!(door.try_push(tick(), 0).is_err());

        let waiting = Waiting::default();
        let waker = Waker::from(Arc::new(waiting.clone()));
        let mut cx = Context::from_waker(&waker);
        let mut event = Some(tick());
        assert!(door.poll_push(&mut cx, &mut event, 0).is_pending());
        assert!(event.is_some());

        let mut events = VecDeque::new();
        door.take(None, &mut events);
        assert_eq!(events.len(), EVENTS_MAX);
        assert_eq!(waiting.0.load(Ordering::Relaxed), 1);
        assert_eq!(door.poll_push(&mut cx, &mut event, 0), Poll::Ready(Ok(())));
        assert!(event.is_none());
    }

    #[test]
    fn messages_wait_by_their_bytes_but_one_always_fits() {
        let door = Door::new();
        door.try_push(tick(), QUEUED_BYTES_MAX + 1).unwrap();
        assert!(door.try_push(tick(), 1).is_err());
        door.take(None, &mut VecDeque::new());
        door.try_push(tick(), QUEUED_BYTES_MAX).unwrap();
        assert!(door.try_push(tick(), 1).is_err());
        assert!(door.try_push(tick(), 0).is_ok());
    }

    #[test]
    fn answers_need_no_room_and_a_deadline_that_has_passed_does_not_sleep() {
        let door = Door::new();
        let mut events = VecDeque::new();
        door.take(Some(Instant::now()), &mut events);
        assert!(events.is_empty());
        for _ in 0..=EVENTS_MAX {
            door.answer(tick());
        }
        door.take(Some(Instant::now()), &mut events);
        assert_eq!(events.len(), EVENTS_MAX + 1);
    }

    #[test]
    fn a_closed_door_takes_nothing() {
        let door = Door::new();
        door.close();
        assert!(door.try_push(tick(), 0).is_err());
        let mut cx = Context::from_waker(Waker::noop());
        let pushed = door.poll_push(&mut cx, &mut Some(tick()), 0);
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
