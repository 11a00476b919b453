//! `crosstie practice headset`: the app of a player, for classrooms without headsets.
//!
//! ```text
//!   connect → connection → json_state … in_game → send_init_data → precision → player_ready… → worlds ⇄ moves
//!      ↑                                                                                          │
//!      └──────────────────────────── 5 s, for ever ←─────────── link lost ────────────────────────┘
//! ```
//!
//! `app` is the app without its socket, `walk` is how it walks; here are the socket and the clock.

mod app;
mod walk;

pub use walk::Walk;

use std::path::PathBuf;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

use super::console::Console;
use super::{stopped, without_query};
use crate::clock_handle::ClockHandle;
use crate::dial::{self, DialError, Stream, Target};
use app::{App, Step};

/// The largest message that is read, in bytes. A larger one ends the connection.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A platform that takes no message for this long is stuck.
const SEND_MAX: Duration = Duration::from_secs(5);

/// How long the platform may take to agree to the end.
const FAREWELL_MAX: Duration = Duration::from_millis(500);

/// How often the console says what comes in, and what has not come is asked for again.
const REPORT: Duration = Duration::from_secs(10);

/// What the stand-in is told at its start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the headset port is: `ws://address:port/`.
    pub url: String,
    /// Certificates in PEM that may vouch for it; those of the system when there is none.
    pub ca_file: Option<PathBuf>,
    /// The name of the first player; further ones count on from the number at its end.
    pub id: String,
    /// How many players.
    pub count: u32,
    /// Moves per second, from 1 to 50.
    pub rate: u32,
    /// The interval between two pings that it asks for, in ms.
    pub heartbeat_ms: u64,
    /// How it walks.
    pub walk: Walk,
    /// Pings are not answered.
    pub deaf: bool,
    /// For how long nothing is read once it is in the game; once.
    pub stall: Option<Duration>,
    /// The pause before it connects again.
    pub again: Duration,
    /// Nothing is written to the console.
    pub quiet: bool,
    /// The time in which players walk; links and pings are of the world.
    pub clock: ClockHandle,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            url: "ws://127.0.0.1:8080/".to_owned(),
            ca_file: None,
            id: "Player_101".to_owned(),
            count: 1,
            rate: 10,
            heartbeat_ms: 5_000,
            walk: Walk::Random,
            deaf: false,
            stall: None,
            again: Duration::from_secs(5),
            quiet: false,
            clock: ClockHandle::default(),
        }
    }
}

/// Why the stand-in does not even begin. A platform that is away is no error: it is tried again for ever.
#[derive(Debug, thiserror::Error)]
pub enum HeadsetError {
    /// The address cannot be read as one.
    #[error("{url:?} is not an address, expected one like ws://127.0.0.1:8080/")]
    Url {
        /// The address as given, without its query.
        url: String,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Plays the players until the future is dropped.
///
/// # Errors
///
/// A [`HeadsetError`] at once if the address is unusable; it does not return otherwise.
pub async fn run(options: Options) -> Result<(), HeadsetError> {
    let (_never_stops, stop) = watch::channel(false);
    run_until(options, stop).await
}

/// Plays the players until `stop` holds true or its sender is gone; then the sockets are closed in good order.
///
/// # Errors
///
/// A [`HeadsetError`] at once if the address is unusable.
pub async fn run_until(options: Options, stop: watch::Receiver<bool>) -> Result<(), HeadsetError> {
    let target = Target::from_url(&options.url).map_err(|source| HeadsetError::Url {
        url: without_query(&options.url).to_owned(),
        source: source.into(),
    })?;
    let target = Target {
        ca_file: options.ca_file.clone(),
        ..target
    };
    let mut players = JoinSet::new();
    for number in 0..options.count {
        let id = counted(&options.id, number);
        let player = Headset {
            console: Console::new(format!("practice headset {id}"), options.quiet),
            app: App::new(&id, options.walk, options.deaf),
            stall: options.stall,
            options: options.clone(),
            target: target.clone(),
        };
        players.spawn(player.play(stop.clone()));
    }
    while players.join_next().await.is_some() {}
    Ok(())
}

/// The name of a further player: the number at the end of the first one's name counts on.
pub(crate) fn counted(first: &str, number: u32) -> String {
    let stem = first.trim_end_matches(|sign: char| sign.is_ascii_digit());
    match first[stem.len()..].parse::<u64>() {
        _ if number == 0 => first.to_owned(),
        Ok(start) => format!("{stem}{}", start.saturating_add(u64::from(number))),
        Err(_) => format!("{first}{}", number + 1),
    }
}

type Socket = WebSocketStream<Stream>;

/// How a link ended, unless it was told to stop.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("no connection: {0}")]
    Dial(#[from] DialError),
    #[error("closed with {0}")]
    Closed(String),
    #[error("the connection broke: {0}")]
    Broken(tungstenite::Error),
    #[error("no message was taken for {SEND_MAX:?}")]
    Stuck,
}

enum Wake {
    Stop,
    Received(Option<Result<Message, tungstenite::Error>>),
    Walk,
    Report,
    StallEnds,
}

struct Headset {
    options: Options,
    target: Target,
    console: Console,
    app: App,
    /// Not yet used up.
    stall: Option<Duration>,
}

impl Headset {
    async fn play(mut self, mut stop: watch::Receiver<bool>) {
        let url = without_query(&self.options.url).to_owned();
        self.console.say("a stand-in for a headset: nobody wears it");
        let mut failures = 0_u32;
        loop {
            let link = async {
                let socket = connect(&self.target).await?;
                self.console.say(format_args!("connected to {url}"));
                failures = 0;
                Ok(socket)
            };
            let opened = tokio::select! {
                () = stopped(&mut stop) => return,
                opened = link => opened,
            };
            let lost = match opened {
                Ok(socket) => match self.talk(socket, &mut stop).await {
                    Ok(()) => return,
                    Err(lost) => lost,
                },
                Err(lost) => lost,
            };
            failures = failures.saturating_add(1);
            // The first failure is news, the hundredth is not.
            if failures.is_power_of_two() {
                self.console
                    .say(format_args!("{lost} ({url}); again in {:?}", self.options.again));
            }
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = sleep(self.options.again) => {}
            }
        }
    }

    /// Ends with `Ok` when told to stop, and with the reason otherwise.
    async fn talk(&mut self, mut socket: Socket, stop: &mut watch::Receiver<bool>) -> Result<(), Lost> {
        let hello = self.app.hello(self.options.heartbeat_ms);
        send(&mut socket, hello).await?;
        let (clock, pace) = (
            self.options.clock.clone(),
            Duration::from_secs(1) / self.options.rate.max(1),
        );
        let mut next_step = clock.now();
        let mut report = interval_at(Instant::now() + REPORT, REPORT);
        report.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stall_end = sleep(Duration::ZERO);
        tokio::pin!(stall_end);
        let mut stalls = false;
        loop {
            let wake = tokio::select! {
                () = stopped(stop) => Wake::Stop,
                received = socket.next(), if !stalls => Wake::Received(received),
                () = clock.reached(next_step), if self.app.in_game && !stalls => Wake::Walk,
                _ = report.tick() => Wake::Report,
                () = &mut stall_end, if stalls => Wake::StallEnds,
            };
            match wake {
                Wake::Stop => {
                    farewell(&mut socket).await;
                    return Ok(());
                }
                Wake::Received(None) => return Err(Lost::Closed("no word".to_owned())),
                Wake::Received(Some(Err(error))) => return Err(Lost::Broken(error)),
                Wake::Received(Some(Ok(Message::Close(frame)))) => {
                    let reason = frame.map(|frame| format!("{} {}", u16::from(frame.code), frame.reason));
                    let reason = reason.unwrap_or_else(|| "no code".to_owned());
                    // The answer to a close is on its way with the next read.
                    drop(timeout(FAREWELL_MAX, socket.next()).await);
                    return Err(Lost::Closed(reason.trim_end().to_owned()));
                }
                Wake::Received(Some(Ok(message))) => {
                    self.take(&mut socket, &message).await?;
                    if self.app.in_game
                        && let Some(pause) = self.stall.take()
                    {
                        self.console.say(format_args!("reads nothing for {pause:?}"));
                        stall_end.as_mut().reset(Instant::now() + pause);
                        stalls = true;
                    }
                }
                Wake::Walk => {
                    // Steps that were missed are not made up for.
                    next_step = clock.now() + pace;
                    if let Some(step) = self.app.walk() {
                        send(&mut socket, step).await?;
                    }
                }
                Wake::Report => self.report(&mut socket).await?,
                Wake::StallEnds => {
                    self.console.say("reads again");
                    stalls = false;
                }
            }
        }
    }

    async fn take(&mut self, socket: &mut Socket, message: &Message) -> Result<(), Lost> {
        // Pings of the socket are answered by it, and the app reads no binary frames.
        let Message::Text(text) = message else {
            return Ok(());
        };
        for step in self.app.take(text) {
            match step {
                Step::Send(text) => send(socket, text).await?,
                Step::Say(words) => self.console.say(words),
            }
        }
        Ok(())
    }

    async fn report(&mut self, socket: &mut Socket) -> Result<(), Lost> {
        let seen = self.app.take_seen();
        if seen.count() > 0 {
            let kinds: Vec<String> = seen
                .kinds
                .iter()
                .filter(|(_, count)| **count > 0)
                .map(|(kind, count)| format!("{kind} {:.1}/s", *count as f64 / REPORT.as_secs_f64()))
                .collect();
            self.console.say(format_args!(
                "{}; {} kB/s",
                kinds.join(", "),
                seen.bytes / 1_000 / REPORT.as_secs()
            ));
        }
        if seen.unreadable > 0 {
            self.console
                .say(format_args!("{} messages are unreadable", seen.unreadable));
        }
        match self.app.remind() {
            Some(text) => send(socket, text).await,
            None => Ok(()),
        }
    }
}

async fn connect(target: &Target) -> Result<Socket, Lost> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
        .read_buffer_size(16 * 1024);
    let dialled = dial::connect(target).await?;
    let early = dialled.early.to_vec();
    Ok(WebSocketStream::from_partially_read(dialled.stream, early, Role::Client, Some(config)).await)
}

async fn send(socket: &mut Socket, text: String) -> Result<(), Lost> {
    match timeout(SEND_MAX, socket.send(Message::text(text))).await {
        Ok(sent) => sent.map_err(Lost::Broken),
        Err(_) => Err(Lost::Stuck),
    }
}

/// The platform learns that the player left on purpose; if it does not listen, the end of the process tells it.
async fn farewell(socket: &mut Socket) {
    let said = async {
        let is_said = socket.close(None).await.is_ok();
        while is_said && socket.next().await.is_some_and(|message| message.is_ok()) {}
    };
    drop(timeout(FAREWELL_MAX, said).await);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_players_count_on() {
        assert_eq!(counted("Player_101", 0), "Player_101");
        assert_eq!(counted("Player_101", 2), "Player_103");
        assert_eq!(counted("Ada", 0), "Ada");
        assert_eq!(counted("Ada", 1), "Ada2");
        assert_eq!(counted("7", 3), "10");
        assert_eq!(counted("x99999999999999999999999", 1), "x999999999999999999999992");
    }
}
