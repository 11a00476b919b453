//! The writer and the clients of a measurement.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::BenchError;

/// The largest message that a client takes: a catalog of a million signals fits.
const MESSAGE_LEN_MAX: usize = 256 << 20;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The name of a signal; all are of the same length.
pub(super) fn signal_name(signal: u32) -> String {
    format!("S{signal:07}")
}

/// What is to be done to the hub.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) url: String,
    /// Where routes write; one client more reads that.
    pub(super) routed: Option<String>,
    pub(super) signals: u32,
    pub(super) clients: u32,
    pub(super) changes: u32,
    pub(super) every: Duration,
}

/// What has been done so far, counted by all tasks together.
#[derive(Debug, Default)]
pub(super) struct Progress {
    cycles: AtomicU64,
    frames: AtomicU64,
    updates: AtomicU64,
    lag_max: AtomicU64,
}

/// A reading of [`Progress`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) cycles: u64,
    pub(super) frames: u64,
    pub(super) updates: u64,
    pub(super) lag_max: u64,
}

impl Progress {
    pub(super) fn read(&self) -> Reading {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Reading {
            cycles: of(&self.cycles),
            frames: of(&self.frames),
            updates: of(&self.updates),
            lag_max: of(&self.lag_max),
        }
    }
}

/// The tasks of a load.
#[derive(Debug)]
pub(super) struct Running {
    tasks: JoinSet<Result<(), BenchError>>,
    stop: watch::Sender<bool>,
    /// The newest number of a cycle that each client has read.
    newest: Vec<watch::Receiver<u64>>,
    progress: Arc<Progress>,
}

impl Load {
    /// Connects everybody; when this returns every client has got its first values and the writer writes.
    pub(super) async fn start(&self, progress: &Arc<Progress>) -> Result<Running, BenchError> {
        let mut tasks = JoinSet::new();
        let mut newest = Vec::new();
        let readers = (0..self.clients).map(|_| &self.url).chain(&self.routed);
        for (client, url) in readers.enumerate() {
            let (sink, mut stream) = connect(url, &format!("reader {client}")).await?.split();
            let sink = ask_for_values(sink, &mut stream).await?;
            let (told, newest_of_client) = watch::channel(0);
            newest.push(newest_of_client);
            tasks.spawn(read(sink, stream, told, Arc::clone(progress)));
        }
        let writer = connect(&self.url, "writer").await?;
        let (stop, stopped) = watch::channel(false);
        tasks.spawn(write(self.clone(), writer, stopped, Arc::clone(progress)));
        Ok(Running {
            tasks,
            stop,
            newest,
            progress: Arc::clone(progress),
        })
    }
}

async fn connect(url: &str, name: &str) -> Result<Socket, BenchError> {
    let mut config = WebSocketConfig::default();
    config.max_message_size = Some(MESSAGE_LEN_MAX);
    config.max_frame_size = Some(MESSAGE_LEN_MAX);
    let connected = tokio_tungstenite::connect_async_with_config(url, Some(config), true).await;
    let (mut socket, _) = connected.map_err(lost)?;
    let init = format!(r#"{{"type":"init","version":2,"name":"{name}"}}"#);
    socket.send(Message::text(init)).await.map_err(lost)?;
    Ok(socket)
}

impl Running {
    /// Waits; a task that ends meanwhile ends the measurement.
    pub(super) async fn watch(&mut self, span: Duration) -> Result<(), BenchError> {
        match tokio::time::timeout(span, self.tasks.join_next()).await {
            Ok(Some(Ok(Err(error)))) => Err(error),
            Ok(_) => Err(lost(tungstenite::Error::ConnectionClosed)),
            Err(_) => Ok(()),
        }
    }

    /// Stops the writer and waits until every client has read its last values; gives the number of those that have not.
    pub(super) async fn settle(mut self, limit: Duration) -> Result<usize, BenchError> {
        let stopped_at = Instant::now();
        // The writer holds its receiver until it is told.
        let _ = self.stop.send(true);
        // The writer is the only task that ends well, so the first one that ends is the writer or an error.
        if let Some(Ok(result)) = self.tasks.join_next().await {
            result?;
        }
        let last = self.progress.cycles.load(Ordering::Relaxed);
        let mut behind = 0;
        for newest in &mut self.newest {
            let left = limit.saturating_sub(stopped_at.elapsed());
            let arrived = tokio::time::timeout(left, newest.wait_for(|newest| *newest >= last)).await;
            behind += usize::from(!matches!(arrived, Ok(Ok(_))));
        }
        Ok(behind)
    }
}

/// Asks for all signals and waits for the snapshot; gives the sink back.
async fn ask_for_values(
    mut sink: SplitSink<Socket, Message>,
    stream: &mut SplitStream<Socket>,
) -> Result<SplitSink<Socket, Message>, BenchError> {
    let subscribe = r#"{"type":"subscribe","version":2}"#;
    sink.send(Message::text(subscribe)).await.map_err(lost)?;
    loop {
        let message = stream
            .next()
            .await
            .ok_or_else(|| lost(tungstenite::Error::ConnectionClosed))?;
        if let Message::Text(text) = message.map_err(lost)?
            && text.starts_with(r#"{"type":"snapshot""#)
        {
            return Ok(sink);
        }
    }
}

/// Reads what the hub sends and looks for the number of the cycle in it.
async fn read(
    mut sink: SplitSink<Socket, Message>,
    mut stream: SplitStream<Socket>,
    newest: watch::Sender<u64>,
    progress: Arc<Progress>,
) -> Result<(), BenchError> {
    let marker = format!("\"{}\":", signal_name(0));
    while let Some(message) = stream.next().await {
        let text = match message.map_err(lost)? {
            Message::Text(text) => text,
            // The pong was prepared while reading; it leaves with the next write.
            Message::Ping(_) => {
                sink.flush().await.map_err(lost)?;
                continue;
            }
            _ => continue,
        };
        progress.frames.fetch_add(1, Ordering::Relaxed);
        // `type`, `version` and `signals` are three colons of every frame, each value has one more.
        let colons = text.bytes().filter(|byte| *byte == b':').count();
        progress
            .updates
            .fetch_add(colons.saturating_sub(3) as u64, Ordering::Relaxed);
        if let Some(cycle) = number_behind(&text, &marker) {
            let behind = progress.cycles.load(Ordering::Relaxed).saturating_sub(cycle);
            progress.lag_max.fetch_max(behind, Ordering::Relaxed);
            newest.send_replace(cycle);
        }
    }
    Err(lost(tungstenite::Error::ConnectionClosed))
}

fn number_behind(text: &str, marker: &str) -> Option<u64> {
    let start = text.find(marker)? + marker.len();
    let digits = text[start..].split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Writes the share of the signals that is to change, every cycle another one, until it is told to stop.
async fn write(
    load: Load,
    mut socket: Socket,
    mut stopped: watch::Receiver<bool>,
    progress: Arc<Progress>,
) -> Result<(), BenchError> {
    let mut ticks = tokio::time::interval(load.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut text = String::new();
    let mut next = 0;
    let mut cycle = 0_u64;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            // A sender that is gone means that nobody measures any more.
            _ = stopped.changed() => return Ok(()),
            message = socket.next() => match message {
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(lost(error)),
                None => return Err(lost(tungstenite::Error::ConnectionClosed)),
            },
        }
        cycle += 1;
        text.clear();
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            r#"{{"type":"data","version":2,"signals":{{"{}":{cycle}"#,
            signal_name(0)
        );
        for _ in 1..load.changes {
            next = next % (load.signals - 1) + 1;
            let _ = write!(text, ",\"{}\":{cycle}.5", signal_name(next));
        }
        text.push_str("}}");
        progress.cycles.store(cycle, Ordering::Relaxed);
        socket.send(Message::text(text.as_str())).await.map_err(lost)?;
    }
}

pub(super) fn lost(error: tungstenite::Error) -> BenchError {
    BenchError::Link(Box::new(error))
}
