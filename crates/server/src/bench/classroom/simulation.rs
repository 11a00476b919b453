//! GAMA, played for a trial: it greets and shows a world in every cycle, whatever it is told.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::bench::BenchError;
use crate::bench::load::lost;
use crate::cli::bench::ClassroomOptions;

/// The number that stands in the text where the number of a world is to be: as many digits as it gets.
const NUMBER: &str = "1000000000";
/// The number of the first world.
pub(super) const FIRST: u64 = 1_000_000_000;
/// How long the hub may take to look for GAMA.
const DIAL_MAX: Duration = Duration::from_secs(20);

/// When each world was shown.
pub(super) type Shown = Arc<Mutex<Vec<Instant>>>;

/// A socket that waits for the hub.
pub(super) struct Waiting(TcpListener, u16);

/// The simulation with its link.
pub(super) struct Simulation {
    socket: WebSocketStream<TcpStream>,
    text: String,
    /// Where the numbers stand in it.
    places: Vec<usize>,
    shown: Shown,
    cycle: Interval,
}

/// Takes a port.
pub(super) async fn listen() -> Result<Waiting, BenchError> {
    let system = |source| BenchError::System {
        what: "taking a port for GAMA",
        source,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(system)?;
    let port = listener.local_addr().map_err(system)?.port();
    Ok(Waiting(listener, port))
}

impl Waiting {
    pub(super) fn port(&self) -> u16 {
        self.1
    }

    /// The hub connects and is greeted.
    pub(super) async fn greeted(self, options: &ClassroomOptions) -> Result<Simulation, BenchError> {
        let accepted = tokio::time::timeout(DIAL_MAX, self.0.accept()).await;
        let (stream, _) = accepted.ok().and_then(Result::ok).ok_or(BenchError::Hub)?;
        let mut socket = tokio_tungstenite::accept_async(stream).await.map_err(lost)?;
        let greeting = json!({"type": "ConnectionSuccessful", "content": "bench"}).to_string();
        socket.send(Message::text(greeting)).await.map_err(lost)?;
        let text = world(options);
        let places = text.match_indices(NUMBER).map(|(place, _)| place).collect();
        let mut cycle = tokio::time::interval(Duration::from_secs_f64(1.0 / f64::from(options.rate)));
        cycle.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Simulation {
            socket,
            text,
            places,
            shown: Shown::default(),
            cycle,
        })
    }
}

impl Simulation {
    /// Waits for the next cycle and shows it.
    pub(super) async fn show(&mut self) -> Result<(), BenchError> {
        loop {
            tokio::select! {
                _ = self.cycle.tick() => break,
                // What it is told means nothing to it, but has to be read.
                message = self.socket.next() => match message {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(lost(error)),
                    None => return Err(BenchError::Hub),
                },
            }
        }
        let digits = (FIRST + self.worlds()).to_string();
        for place in &self.places {
            self.text.replace_range(*place..*place + NUMBER.len(), &digits);
        }
        let message = Message::text(self.text.clone());
        locked(&self.shown).push(Instant::now());
        self.socket.send(message).await.map_err(lost)
    }

    /// Worlds shown so far.
    pub(super) fn worlds(&self) -> u64 {
        locked(&self.shown).len() as u64
    }

    /// When each of them was shown.
    pub(super) fn shown(&self) -> &Shown {
        &self.shown
    }
}

/// Times are whole after every statement.
fn locked(shown: &Mutex<Vec<Instant>>) -> std::sync::MutexGuard<'_, Vec<Instant>> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The text of a world: for every headset its number, and points until the size is reached.
fn world(options: &ClassroomOptions) -> String {
    let mut points = String::new();
    let len = options.world_kb as usize * 1_000;
    for index in 0.. {
        if points.len() >= len {
            break;
        }
        let comma = if index > 0 { "," } else { "" };
        points.push_str(&format!(
            "{comma}{{\"c\":[{},{},{}]}}",
            20_000 + index % 900,
            30_000 + index % 700,
            index % 360
        ));
    }
    let piece = |headset: u32| {
        format!("{{\"id\":[\"H{headset}\"],\"contents\":{{\"number\":{NUMBER},\"pointsLoc\":[{points}]}}}}")
    };
    let pieces: Vec<String> = (0..options.headsets).map(piece).collect();
    let contents = format!("{{\"contents\":[{}]}}", pieces.join(","));
    json!({"type": "SimulationOutput", "content": contents, "exp_id": "0"}).to_string()
}
