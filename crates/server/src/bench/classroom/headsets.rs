//! The headsets of a trial: each looks at nothing but the numbers of the worlds that it gets, and at the time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::simulation::{FIRST, Shown};
use crate::bench::BenchError;
use crate::bench::load::lost;
use crate::cli::bench::ClassroomOptions;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A headset that stalls asks for the longest heartbeat, so that it is not taken for dead.
const HEARTBEAT_MS: u64 = 600_000;
/// What stands before the number in a piece.
const MARK: &str = "{\"contents\":{\"number\":";

/// What one headset has seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) is_stalled: bool,
    pub(super) pieces: u64,
    /// Worlds that did not follow the one before.
    pub(super) out_of_order: u64,
    /// The newest world.
    pub(super) newest: Option<u64>,
    pub(super) latencies_ms: Vec<f32>,
}

/// The running headsets.
pub(super) struct Headsets {
    tasks: JoinSet<Result<(), BenchError>>,
    seen: Vec<Arc<Mutex<Seen>>>,
    stalled: watch::Sender<bool>,
}

impl Headsets {
    /// Connects all of them; when this returns each has a seat.
    pub(super) async fn start(url: &str, options: &ClassroomOptions, shown: &Shown) -> Result<Headsets, BenchError> {
        let (stalled, _) = watch::channel(false);
        let mut all = Headsets {
            tasks: JoinSet::new(),
            seen: Vec::new(),
            stalled,
        };
        for headset in 0..options.headsets {
            let socket = connect(url, headset).await?;
            let is_stalled = headset < options.stalled;
            let seen = Arc::new(Mutex::new(Seen {
                is_stalled,
                ..Seen::default()
            }));
            all.seen.push(Arc::clone(&seen));
            let stalled = is_stalled.then(|| all.stalled.subscribe());
            all.tasks.spawn(read(socket, seen, stalled, Arc::clone(shown)));
        }
        Ok(all)
    }

    /// Those that are to stall stop reading, or read on.
    pub(super) fn stall(&self, is_stalled: bool) {
        self.stalled
            .send_if_modified(|now| std::mem::replace(now, is_stalled) != is_stalled);
    }

    /// A headset that is lost ends the trial.
    pub(super) fn check(&mut self) -> Result<(), BenchError> {
        match self.tasks.try_join_next() {
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(lost(Error::ConnectionClosed)),
            None => Ok(()),
        }
    }

    /// Waits until all have got the last of so many worlds; gives the number of those that have not in this time.
    pub(super) async fn settle(&mut self, worlds: u64, limit: Duration) -> Result<u64, BenchError> {
        let until = Instant::now() + limit;
        loop {
            let last = FIRST + worlds - 1;
            let is_behind = |seen: &&Arc<Mutex<Seen>>| locked(seen).newest != Some(last);
            let behind = self.seen.iter().filter(is_behind).count() as u64;
            if worlds == 0 || behind == 0 || Instant::now() >= until {
                return Ok(behind);
            }
            self.check()?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends them.
    pub(super) fn end(mut self) -> Vec<Seen> {
        self.tasks.abort_all();
        self.seen.iter().map(|seen| locked(seen).clone()).collect()
    }
}

/// A task that panicked while it counted has left numbers that are still numbers.
fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn connect(url: &str, headset: u32) -> Result<Socket, BenchError> {
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.map_err(lost)?;
    let connection = json!({"type": "connection", "id": format!("H{headset}"), "heartbeat": HEARTBEAT_MS});
    socket.send(Message::text(connection.to_string())).await.map_err(lost)?;
    // Its state says that it has a seat.
    match socket.next().await {
        Some(Ok(_)) => Ok(socket),
        Some(Err(error)) => Err(lost(error)),
        None => Err(lost(Error::ConnectionClosed)),
    }
}

async fn read(
    mut socket: Socket,
    seen: Arc<Mutex<Seen>>,
    mut stalled: Option<watch::Receiver<bool>>,
    shown: Shown,
) -> Result<(), BenchError> {
    loop {
        if let Some(stalled) = &mut stalled
            && stalled.wait_for(|is_stalled| !is_stalled).await.is_err()
        {
            return Ok(());
        }
        let message = socket.next().await;
        let message = message.ok_or_else(|| lost(Error::ConnectionClosed))?.map_err(lost)?;
        let Message::Text(text) = message else { continue };
        if text.as_str() == "{\"type\":\"ping\"}" {
            let pong = Message::text("{\"type\":\"pong\"}");
            socket.send(pong).await.map_err(lost)?;
        } else if let Some(number) = number_of(&text) {
            let at = shown.lock().unwrap_or_else(PoisonError::into_inner);
            let at = at.get((number - FIRST) as usize).copied();
            locked(&seen).take(number, at.map(|at| at.elapsed()));
        }
    }
}

/// The number of a piece; `None` for every other message.
fn number_of(text: &str) -> Option<u64> {
    let digits = text.strip_prefix(MARK)?.split(',').next()?;
    digits.parse().ok().filter(|number| *number >= FIRST)
}

impl Seen {
    fn take(&mut self, number: u64, latency: Option<Duration>) {
        self.out_of_order += u64::from(self.newest.is_some_and(|newest| number <= newest));
        self.newest = Some(number);
        self.pieces += 1;
        self.latencies_ms
            .extend(latency.map(|latency| latency.as_secs_f32() * 1e3));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_that_comes_twice_or_late_is_out_of_order() {
        let mut seen = Seen::default();
        for number in [FIRST, FIRST + 1, FIRST + 1, FIRST, FIRST + 7] {
            seen.take(number, None);
        }
        assert_eq!((seen.pieces, seen.out_of_order, seen.newest), (5, 2, Some(FIRST + 7)));
    }

    #[test]
    fn a_number_is_read_from_the_front_of_a_piece() {
        let piece = format!("{MARK}{},\"pointsLoc\":[]}},\"type\":\"json_output\"}}", FIRST + 3);
        assert_eq!(number_of(&piece), Some(FIRST + 3));
        assert_eq!(number_of("{\"type\":\"json_state\"}"), None);
    }
}
