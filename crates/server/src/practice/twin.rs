//! `crosstie practice twin`: the Unity side of realvirtual v2, played over a real socket.
//!
//! ```text
//!   connect → init → import_request → import_answer → subscribe → data ⇄ data, every 20 ms
//!      ↑                                                                       │
//!      └────────────── bounded back-off, for ever ←──────── link lost ─────────┘
//! ```
//!
//! It takes the role of the client, as Unity does (RV-30 to RV-36). While no hub is connected the line stands still,
//! because nobody could stop it; it goes on where it was. It says plainly on the console that it is a stand-in.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

use crate::clock_handle::ClockHandle;
use crate::dial::{self, DialError, Stream, Target};

use super::console::Console;
use super::station::{READS, Signals, Station};
use super::{stopped, without_query};

/// How long the hub may take to agree to the end.
const FAREWELL_MAX: Duration = Duration::from_millis(500);

/// What the practice twin is told at its start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the hub listens: `ws://address:port` or `wss://…`, optionally with a path and a query.
    pub url: String,
    /// Certificates in PEM that may vouch for the hub; those of the system when there is none.
    pub ca_file: Option<PathBuf>,
    /// File with the key that the hub wants, when it wants one.
    pub key_file: Option<PathBuf>,
    /// The name that the twin gives in its `init`.
    pub name: String,
    /// The automatic sequence has the line from the start.
    pub auto: bool,
    /// Nothing is written to the console.
    pub quiet: bool,
    /// The time in which the line is played; links and pings are of the world.
    pub clock: ClockHandle,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            url: "ws://127.0.0.1:1234/".to_owned(),
            ca_file: None,
            key_file: None,
            name: "Practice twin".to_owned(),
            auto: true,
            quiet: false,
            clock: ClockHandle::default(),
        }
    }
}

/// Why the practice twin does not even begin. A hub that is away is no error: it is tried again for ever (RV-33).
#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    /// The address cannot be read as one.
    #[error("{url:?} is not an address, expected one like ws://127.0.0.1:1234/")]
    Url {
        /// The address as given, without its query, which may hold a key.
        url: String,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Plays the twin until the future is dropped.
///
/// # Errors
///
/// A [`TwinError`] at once if the address is unusable; it does not return otherwise.
pub async fn run(options: Options) -> Result<(), TwinError> {
    let (_never_stops, stop) = watch::channel(false);
    run_until(options, stop).await
}

/// Plays the twin until `stop` holds true or its sender is gone; then the socket is closed in good order.
///
/// # Errors
///
/// A [`TwinError`] at once if the address is unusable.
pub async fn run_until(options: Options, stop: watch::Receiver<bool>) -> Result<(), TwinError> {
    play(options, stop, Timing::default()).await
}

/// The largest message that is read, in bytes; a larger one ends the link (RV-51).
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A cycle never plays more than this of missed time, in ms of the world: a process that was suspended has not bottled meanwhile.
const CYCLE_MS_MAX: u32 = 1_000;

/// Every time that the loop knows, so that tests can make it hurry.
#[derive(Clone, Copy, Debug)]
struct Timing {
    /// How often the line is played and its changes are sent, in the time of the clock.
    cycle: Duration,
    /// A connection attempt, with its upgrade, may take this long.
    connect: Duration,
    /// A peer that takes no message for this long is stuck.
    send: Duration,
    /// Without an `import_answer` for this long the data flows anyway (RV-32).
    catalog: Duration,
    /// A link that writes signals is pinged this often (RV-53).
    ping: Duration,
    /// A link without a sign of life for this long is given up (RV-53).
    silence: Duration,
    /// The pause after the first failure; each further one doubles it.
    back_off_first: Duration,
    /// The longest pause.
    back_off_max: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            cycle: Duration::from_millis(20),
            connect: Duration::from_secs(5),
            send: Duration::from_secs(5),
            catalog: Duration::from_secs(10),
            ping: Duration::from_secs(2),
            silence: Duration::from_secs(40),
            back_off_first: Duration::from_millis(250),
            back_off_max: Duration::from_secs(5),
        }
    }
}

impl Timing {
    /// The pause after so many failures in a row.
    fn back_off(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.back_off_first
            .saturating_mul(1 << doublings)
            .min(self.back_off_max)
    }
}

type Socket = WebSocketStream<Stream>;

/// Everything that can wake the loop of a link.
enum Wake {
    Stop,
    Received(Option<Result<Message, tungstenite::Error>>),
    Cycle,
    Heartbeat,
    NoCatalog,
}

/// How a link ended, unless it was told to stop. The socket's own errors already tell their causes in their text, so they are
/// quoted and not chained.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("no connection: {0}")]
    Dial(#[from] DialError),
    #[error("no connection within {0:?}")]
    ConnectTimeout(Duration),
    #[error("the hub closed the connection")]
    Closed,
    #[error("the connection broke: {0}")]
    Broken(tungstenite::Error),
    #[error("the hub took no message for {0:?}")]
    Stuck(Duration),
    #[error("no sign of life for {0:?}")]
    Silent(Duration),
}

/// Connects for ever, with bounded pauses; one station lives through all links.
async fn play(options: Options, mut stop: watch::Receiver<bool>, timing: Timing) -> Result<(), TwinError> {
    let target = target(&options)?;
    let console = Console::new("practice twin", options.quiet);
    let shown_url = without_query(&options.url);
    console.say(format_args!(
        "a stand-in for a Unity twin: it plays a small bottling line, there is no machine behind it"
    ));

    let mut station = Station::new(options.auto);
    let mut failures = 0_u32;
    loop {
        let mut link = Link {
            options: &options,
            station: &mut station,
            timing,
            console: console.clone(),
            streaming: false,
            settled: false,
            malformed: 0,
        };
        let lost = tokio::select! {
            () = stopped(&mut stop) => return Ok(()),
            opened = connect(&target, &timing) => match opened {
                Ok(socket) => {
                    console.say(format_args!("connected to {shown_url} as {:?}", options.name));
                    match link.talk(socket, &mut stop).await {
                        Ok(()) => return Ok(()),
                        Err(lost) => lost,
                    }
                }
                Err(lost) => lost,
            },
        };

        // Only a link that got through its handshake clears the count: a hub that takes us in and throws us out at once
        // is not tried four times a second.
        failures = if link.streaming { 1 } else { failures.saturating_add(1) };
        let pause = timing.back_off(failures);
        // The first failure is news, the hundredth is not.
        if failures.is_power_of_two() {
            console.say(format_args!(
                "{} ({shown_url}); trying again, attempt {failures} in {pause:?}",
                lost
            ));
        }
        tokio::select! {
            () = stopped(&mut stop) => return Ok(()),
            () = sleep(pause) => {}
        }
    }
}

/// One connection, from the upgrade to its end.
struct Link<'a> {
    options: &'a Options,
    station: &'a mut Station,
    timing: Timing,
    console: Console,
    /// Our data flows.
    streaming: bool,
    /// The baseline is in; from here on values are news.
    settled: bool,
    malformed: u64,
}

impl Link<'_> {
    /// Ends with `Ok` when told to stop, and with the reason otherwise.
    async fn talk(&mut self, mut socket: Socket, stop: &mut watch::Receiver<bool>) -> Result<(), Lost> {
        let init = json!({"type": "init", "version": 2, "name": self.options.name});
        self.send(&mut socket, &init).await?;
        let import_request = json!({"type": "import_request", "version": 2});
        self.send(&mut socket, &import_request).await?;

        let no_catalog = sleep(self.timing.catalog);
        tokio::pin!(no_catalog);
        let clock = self.options.clock.clone();
        let mut heartbeat = interval(self.timing.ping);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut played_until = clock.now();
        let mut last_heard = Instant::now();

        loop {
            let wake = tokio::select! {
                () = stopped(stop) => Wake::Stop,
                received = socket.next() => Wake::Received(received),
                () = clock.reached(played_until + self.timing.cycle), if self.streaming => Wake::Cycle,
                _ = heartbeat.tick() => Wake::Heartbeat,
                () = &mut no_catalog, if !self.streaming => Wake::NoCatalog,
            };
            match wake {
                Wake::Stop => {
                    // The hub learns that we left on purpose; if it does not listen, the end of the process tells it.
                    let farewell = async {
                        let is_said = socket.close(None).await.is_ok();
                        // A socket that is dropped with unread bytes would tear the close out of the hub's hands.
                        while is_said && socket.next().await.is_some_and(|message| message.is_ok()) {}
                    };
                    drop(timeout(FAREWELL_MAX, farewell).await);
                    return Ok(());
                }
                Wake::Received(None | Some(Ok(Message::Close(_)))) => return Err(Lost::Closed),
                Wake::Received(Some(Err(error))) => return Err(Lost::Broken(error)),
                Wake::Received(Some(Ok(message))) => {
                    last_heard = Instant::now();
                    // Pings are answered by the socket itself, and binary frames are not part of the protocol.
                    if let Message::Text(text) = message {
                        let was_streaming = self.streaming;
                        self.take(&mut socket, &text).await?;
                        if self.streaming && !was_streaming {
                            played_until = clock.now();
                        }
                    }
                }
                Wake::Cycle => {
                    // The rest of a begun millisecond stays for the next cycle, or the line would run slow.
                    let elapsed_ms = clock.now().since(played_until).as_millis() as u64;
                    played_until = played_until + Duration::from_millis(elapsed_ms);
                    self.play(&mut socket, elapsed_ms).await?;
                }
                Wake::Heartbeat => {
                    if last_heard.elapsed() > self.timing.silence {
                        return Err(Lost::Silent(self.timing.silence));
                    }
                    self.send_message(&mut socket, Message::Ping(Vec::new().into())).await?;
                }
                Wake::NoCatalog => {
                    self.console.say(format_args!(
                        "no import_answer within {:?}; writing anyway",
                        self.timing.catalog
                    ));
                    self.settled = true;
                    self.begin_data(&mut socket).await?;
                    played_until = clock.now();
                }
            }
        }
    }

    /// Plays the line for so long. Where the clock goes faster than the twin can be woken, it is played in cycles all the same, so
    /// that what happens between two of them is seen.
    async fn play(&mut self, socket: &mut Socket, elapsed_ms: u64) -> Result<(), Lost> {
        let fastest = self.options.clock.clock().rate().max(1.0);
        let mut rest_ms = elapsed_ms.min((f64::from(CYCLE_MS_MAX) * fastest) as u64);
        // At the speed of the world what was missed is one cycle.
        let whole_ms = if fastest > 1.0 {
            self.timing.cycle.as_millis().max(1) as u64
        } else {
            u64::from(CYCLE_MS_MAX)
        };
        while rest_ms > 0 {
            let dt_ms = rest_ms.min(whole_ms);
            rest_ms -= dt_ms;
            if let Some(signals) = self.station.advance(dt_ms as u32) {
                self.send_data(socket, signals).await?;
            }
        }
        Ok(())
    }

    /// Acts on one message of the hub. What cannot be read is counted and passed over; the link stays (RV-50).
    async fn take(&mut self, socket: &mut Socket, text: &str) -> Result<(), Lost> {
        let Ok(Json::Object(mut message)) = serde_json::from_str(text) else {
            self.malformed += 1;
            if self.malformed == 1 {
                self.console.say(format_args!(
                    "passing over a message that is no JSON object, and any like it"
                ));
            }
            return Ok(());
        };
        let signals = match message.remove("signals") {
            Some(Json::Object(signals)) => signals,
            _ => Signals::new(),
        };
        match message.get("type").and_then(Json::as_str) {
            Some("import_answer") => {
                self.report_unknown(&signals);
                let subscribe = json!({"type": "subscribe", "version": 2, "subscribe": READS});
                self.send(socket, &subscribe).await?;
                self.begin_data(socket).await
            }
            Some("snapshot") => {
                self.station.take_baseline(&signals);
                self.settled = true;
                Ok(())
            }
            Some("data") => {
                self.take_data(&signals);
                Ok(())
            }
            Some("import_request") => {
                let (signals, types) = self.station.catalog();
                let answer = json!({
                    "type": "import_answer", "version": 2, "signals": signals, "signalTypes": types,
                });
                self.send(socket, &answer).await
            }
            // Types from a later version of the protocol are no reason to leave.
            _ => Ok(()),
        }
    }

    fn take_data(&mut self, signals: &Signals) {
        // Some gateways push everything as data right after the upgrade (RV-21). That is what was there before us, and
        // not somebody who takes the line from the automatic sequence.
        if !self.settled {
            self.station.take_baseline(signals);
            return;
        }
        let was_auto = self.station.is_auto();
        self.station.take_news(signals);
        match (was_auto, self.station.is_auto()) {
            (true, false) => self.console.say(format_args!(
                "somebody else wrote Run: the automatic sequence yields (AutoRequest brings it back)"
            )),
            (false, true) => self
                .console
                .say(format_args!("AutoRequest: the automatic sequence runs the line again")),
            _ => {}
        }
    }

    /// Sends everything that the twin writes, and from here on the changes (RV-33).
    async fn begin_data(&mut self, socket: &mut Socket) -> Result<(), Lost> {
        self.streaming = true;
        let signals = self.station.full();
        self.send_data(socket, signals).await
    }

    /// A hub with another project accepts the link and ignores the names; without a word one would search for long.
    fn report_unknown(&self, known: &Signals) {
        let (values, _) = self.station.catalog();
        let unknown: Vec<&str> = values
            .keys()
            .filter(|name| !known.contains_key(*name))
            .map(String::as_str)
            .collect();
        if !unknown.is_empty() {
            self.console.say(format_args!(
                "the hub does not know these signals of the line: {}",
                unknown.join(", ")
            ));
        }
    }

    async fn send_data(&self, socket: &mut Socket, signals: Signals) -> Result<(), Lost> {
        let data = json!({"type": "data", "version": 2, "signals": signals});
        self.send(socket, &data).await
    }

    async fn send(&self, socket: &mut Socket, message: &Json) -> Result<(), Lost> {
        self.send_message(socket, Message::text(message.to_string())).await
    }

    async fn send_message(&self, socket: &mut Socket, message: Message) -> Result<(), Lost> {
        match timeout(self.timing.send, socket.send(message)).await {
            Ok(sent) => sent.map_err(Lost::Broken),
            Err(_) => Err(Lost::Stuck(self.timing.send)),
        }
    }
}

async fn connect(target: &Target, timing: &Timing) -> Result<Socket, Lost> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
        .read_buffer_size(16 * 1024);
    let opening = async {
        let stream = dial::open(target).await?;
        let (stream, early) = dial::greet(stream, target).await?;
        let socket = WebSocketStream::from_partially_read(stream, early.to_vec(), Role::Client, Some(config));
        Ok(socket.await)
    };
    match timeout(timing.connect, opening).await {
        Ok(opened) => opened,
        Err(_) => Err(Lost::ConnectTimeout(timing.connect)),
    }
}

fn target(options: &Options) -> Result<Target, TwinError> {
    let target = Target::from_url(&options.url).map_err(|source| TwinError::Url {
        url: without_query(&options.url).to_owned(),
        source: source.into(),
    })?;
    Ok(Target {
        ca_file: options.ca_file.clone(),
        access_key_file: options.key_file.clone(),
        ..target
    })
}

#[cfg(test)]
mod tests;
