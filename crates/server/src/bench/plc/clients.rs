//! The clients of a trial: each subscribes to the snapshots of one context and looks at nothing but their numbers and times.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::bench::BenchError;
use crate::bench::load::lost;
use crosstie_wire::piplc::{HEADER_LEN, MAGIC, SNAPSHOT_LEN};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What one client has seen since the trial began.
#[derive(Clone, Copy, Debug)]
struct Seen {
    snapshots: u64,
    gaps: u64,
    longest_pause: Duration,
    /// Number and time of the newest snapshot, also of those before the begin.
    newest: Option<(u32, Instant)>,
}

/// What all clients have seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Streams {
    pub(super) snapshots: u64,
    pub(super) snapshots_min: u64,
    pub(super) gaps: u64,
    pub(super) longest_pause: Duration,
}

/// The running clients.
#[derive(Debug)]
pub(super) struct Clients {
    tasks: JoinSet<Result<(), BenchError>>,
    seen: Vec<Arc<Mutex<Seen>>>,
}

impl Clients {
    /// Connects all of them, the contexts in turn; when this returns each has its first snapshot.
    pub(super) async fn start(url: &str, clients: u32, contexts: u32, every: Duration) -> Result<Clients, BenchError> {
        let mut all = Clients {
            tasks: JoinSet::new(),
            seen: Vec::new(),
        };
        for client in 0..clients {
            let mut socket = connect(url, client, client % contexts.max(1), every).await?;
            let mut seen = Seen::new();
            while seen.newest.is_none() {
                seen.take(&next(&mut socket).await?);
            }
            let seen = Arc::new(Mutex::new(seen));
            all.seen.push(Arc::clone(&seen));
            all.tasks.spawn(async move {
                loop {
                    let message = next(&mut socket).await?;
                    locked(&seen).take(&message);
                }
            });
        }
        Ok(all)
    }

    /// From here on it counts.
    pub(super) fn begin(&mut self) {
        for seen in &self.seen {
            let mut seen = locked(seen);
            let newest = seen.newest.map(|(number, _)| (number, Instant::now()));
            *seen = Seen { newest, ..Seen::new() };
        }
    }

    /// Waits; a client that is lost meanwhile ends the trial.
    pub(super) async fn watch(&mut self, span: Duration) -> Result<(), BenchError> {
        match tokio::time::timeout(span, self.tasks.join_next()).await {
            Ok(Some(Ok(ended))) => ended,
            Ok(Some(Err(_))) => Err(lost(tungstenite::Error::ConnectionClosed)),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// What they have seen until now. A pause that lasts counts as far as it has come.
    pub(super) fn streams(&self) -> Streams {
        let mut all = Streams {
            snapshots_min: u64::MAX,
            ..Streams::default()
        };
        for seen in &self.seen {
            let seen = *locked(seen);
            let lasting = seen.newest.map_or(Duration::ZERO, |(_, at)| at.elapsed());
            all.snapshots += seen.snapshots;
            all.snapshots_min = all.snapshots_min.min(seen.snapshots);
            all.gaps += seen.gaps;
            all.longest_pause = all.longest_pause.max(seen.longest_pause).max(lasting);
        }
        all
    }

    /// Ends them.
    pub(super) fn end(mut self) -> Streams {
        let streams = self.streams();
        self.tasks.abort_all();
        streams
    }
}

/// A client that panicked while it counted has left numbers that are still numbers.
fn locked(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    fn new() -> Seen {
        Seen {
            snapshots: 0,
            gaps: 0,
            longest_pause: Duration::ZERO,
            newest: None,
        }
    }

    fn take(&mut self, message: &Message) {
        let Message::Binary(frame) = message else { return };
        let Some(number) = number_of(frame) else {
            self.gaps += 1;
            return;
        };
        let now = Instant::now();
        if let Some((before, at)) = self.newest {
            self.gaps += u64::from(number != before.wrapping_add(1));
            self.longest_pause = self.longest_pause.max(now.duration_since(at));
        }
        self.snapshots += 1;
        self.newest = Some((number, now));
    }
}

/// The number of a snapshot; `None` when the frame is none.
fn number_of(frame: &[u8]) -> Option<u32> {
    let header = frame.first_chunk::<HEADER_LEN>()?;
    let (magic, number) = (header.first_chunk::<4>()?, header[4..].first_chunk::<4>()?);
    let is_snapshot = frame.len() >= SNAPSHOT_LEN && *magic == MAGIC.to_le_bytes();
    is_snapshot.then(|| u32::from_le_bytes(*number))
}

async fn connect(url: &str, client: u32, context: u32, every: Duration) -> Result<Socket, BenchError> {
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.map_err(lost)?;
    let name = format!("bench {client}");
    let hello = json!({"type": "hello", "seq": 1, "protocolVersion": 1, "clientName": name, "clientVersion": "0.2.0"});
    let subscribe = json!({"type": "memory.subscribe", "seq": 2, "intervalMs": every.as_millis() as u64,
        "contextId": format!("P{context}")});
    for request in [hello, subscribe] {
        socket.send(Message::text(request.to_string())).await.map_err(lost)?;
    }
    Ok(socket)
}

async fn next(socket: &mut Socket) -> Result<Message, BenchError> {
    let message = socket.next().await;
    let message = message
        .ok_or_else(|| lost(tungstenite::Error::ConnectionClosed))?
        .map_err(lost)?;
    if let Message::Text(text) = &message
        && text.contains("\"event.ping\"")
    {
        let pong = json!({"type": "pong"}).to_string();
        socket.send(Message::text(pong)).await.map_err(lost)?;
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(number: u32) -> Message {
        let mut frame = vec![0; SNAPSHOT_LEN];
        frame[..4].copy_from_slice(&MAGIC.to_le_bytes());
        frame[4..8].copy_from_slice(&number.to_le_bytes());
        Message::binary(frame)
    }

    #[test]
    fn a_number_that_does_not_follow_is_a_gap_and_so_is_what_is_no_snapshot() {
        let mut seen = Seen::new();
        for message in [
            snapshot(u32::MAX),
            snapshot(0),
            Message::text("{}"),
            snapshot(1),
            snapshot(3),
            Message::binary(vec![0; SNAPSHOT_LEN]),
            snapshot(3),
        ] {
            seen.take(&message);
        }
        assert_eq!((seen.snapshots, seen.gaps), (5, 3));
    }
}
