//! The GAMA that the suite plays: it listens, keeps every command, and answers as GAMA does unless a check tells it not to.

use crate::conform::message::{Transcript, shortened};
use crate::conform::rig::Stop;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message as WsMessage;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// How it stands in a transcript.
const LABEL: &str = "GAMA";
/// Messages that wait to be written to the platform; a check that says more waits.
const UNSENT_MAX: usize = 64;
/// Commands that are kept within one check; a platform that sends more fails it.
const COMMANDS_MAX: usize = 20_000;

/// Which GAMA is played (GA-6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    /// With a window: it tells its states, and every experiment is `"0"`.
    Gui,
    /// Headless: it tells no states, and every experiment has an id of its own.
    Headless,
}

/// One command of the platform.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    /// The text of its frame.
    pub(super) text: String,
    /// What it says.
    pub(super) value: Value,
    /// When it came.
    pub(super) at: Instant,
}

impl Heard {
    /// Its `type`.
    pub(super) fn kind(&self) -> &str {
        self.field("type")
    }

    /// One of its texts; empty where it has none.
    pub(super) fn field(&self, name: &str) -> &str {
        self.value.get(name).and_then(Value::as_str).unwrap_or("")
    }
}

/// The running GAMA. It ends when it is dropped.
pub(crate) struct Gama {
    address: SocketAddr,
    shared: Arc<Shared>,
    limit: Duration,
    accepting: JoinHandle<()>,
}

impl Drop for Gama {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Shared {
    stage: Mutex<Stage>,
    /// Something of the stage has changed.
    news: Notify,
    /// Held while something is put into the way to the platform: what a check says comes behind the answers to commands that it
    /// has seen.
    turn: tokio::sync::Mutex<()>,
    transcript: Transcript,
}

struct Stage {
    flavour: Flavour,
    /// Connections are taken; otherwise they are ended as soon as they come.
    is_open: bool,
    /// Way to the newest connection, with its number.
    link: Option<(u64, mpsc::Sender<WsMessage>)>,
    links: u64,
    commands: Vec<Heard>,
    overflown: bool,
    state: &'static str,
    experiment: String,
    experiments: u64,
    /// Types of commands that are kept and not answered.
    held: BTreeSet<&'static str>,
    /// Expressions that hold this text are refused.
    refused: Option<String>,
    spoiled: bool,
}

impl Gama {
    /// Plays GAMA on a bound listener.
    ///
    /// # Errors
    /// Fails when the system does not know the address of the listener.
    pub(super) fn new(listener: TcpListener, limit: Duration, transcript: Transcript) -> std::io::Result<Gama> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            stage: Mutex::new(Stage {
                flavour: Flavour::Gui,
                is_open: true,
                link: None,
                links: 0,
                commands: Vec::new(),
                overflown: false,
                state: "NONE",
                experiment: "0".to_owned(),
                experiments: 0,
                held: BTreeSet::new(),
                refused: None,
                spoiled: false,
            }),
            news: Notify::new(),
            turn: tokio::sync::Mutex::new(()),
            transcript,
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Gama {
            address,
            shared,
            limit,
            accepting,
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the platform is connected; `false` when it is not before the deadline.
    pub(super) async fn linked(&self, deadline: Instant) -> bool {
        self.wait(deadline, |stage| stage.link.is_some()).await
    }

    /// How many connections the platform has made.
    pub(super) fn links(&self) -> u64 {
        self.with(|stage| stage.links)
    }

    /// Waits for connection number `links`; `false` when it does not come before the deadline.
    pub(super) async fn link_number(&self, links: u64, deadline: Instant) -> bool {
        self.wait(deadline, |stage| stage.links >= links && stage.link.is_some())
            .await
    }

    /// Number of the commands so far: the place from which a check looks.
    pub(super) fn mark(&self) -> usize {
        self.with(|stage| stage.commands.len())
    }

    /// The commands from a place on.
    pub(super) fn since(&self, from: usize) -> Vec<Heard> {
        self.with(|stage| stage.commands.get(from..).unwrap_or_default().to_vec())
    }

    /// The first command of this sort from a place on.
    ///
    /// # Errors
    /// Fails when none comes within the limit, with `what` as that which was expected.
    pub(super) async fn expect(&self, from: usize, what: &str, is_it: impl Fn(&Heard) -> bool) -> Result<Heard, Stop> {
        self.expect_within(self.limit, from, what, is_it).await
    }

    /// The same with a time of its own.
    pub(super) async fn expect_within(
        &self,
        limit: Duration,
        from: usize,
        what: &str,
        is_it: impl Fn(&Heard) -> bool,
    ) -> Result<Heard, Stop> {
        let deadline = Instant::now() + limit;
        let find = |stage: &Stage| {
            let commands = stage.commands.get(from..).unwrap_or_default();
            commands.iter().find(|command| is_it(command)).cloned()
        };
        if self
            .wait(deadline, |stage| stage.overflown || find(stage).is_some())
            .await
            && let Some(found) = self.with(|stage| find(stage))
        {
            return Ok(found);
        }
        let came = self.with(|stage| {
            let commands = stage.commands.get(from..).unwrap_or_default();
            match (stage.overflown, commands.last()) {
                (true, _) => format!("more than {COMMANDS_MAX} commands"),
                (false, None) => format!("no command at all within {limit:?}"),
                (false, Some(last)) => format!("none within {limit:?}; the last is {}", shortened(&last.text)),
            }
        });
        Err(Stop::failed(format!("GAMA gets {what}"), came))
    }

    /// Sends one message to the platform.
    ///
    /// # Errors
    /// Fails when the platform is not connected or takes nothing within the limit.
    pub(super) async fn say(&self, text: impl Into<String>) -> Result<(), Stop> {
        let text = text.into();
        const EXPECTED: &str = "the platform stays connected to GAMA and takes its messages";
        let link = self.with(|stage| stage.link.as_ref().map(|(_, link)| link.clone()));
        let link = link.ok_or_else(|| Stop::failed(EXPECTED, "it is not connected"))?;
        let send = async {
            let _turn = self.shared.turn.lock().await;
            self.shared.transcript.add(LABEL, "→", &text);
            link.send(WsMessage::text(text)).await
        };
        match tokio::time::timeout(self.limit, send).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Stop::failed(EXPECTED, "it has gone")),
            Err(_) => Err(Stop::failed(EXPECTED, format!("nothing is taken for {:?}", self.limit))),
        }
    }

    /// Tells a state, as GAMA with a window does (GA-5).
    pub(super) async fn status(&self, state: &'static str) -> Result<(), Stop> {
        let exp_id = self.with(|stage| {
            stage.state = state;
            stage.experiment.clone()
        });
        self.say(status(state, &exp_id)).await
    }

    /// Answers a command that was held.
    pub(super) async fn answer(&self, command: &Heard, content: &str) -> Result<(), Stop> {
        self.say(executed(&command.value, content)).await
    }

    /// Sends a world: `content` is a JSON text that goes as a string (GA-7).
    pub(super) async fn output(&self, content: &str) -> Result<(), Stop> {
        let exp_id = self.experiment();
        let message = json!({"type": "SimulationOutput", "content": content, "exp_id": exp_id});
        self.say(message.to_string()).await
    }

    /// Id of the experiment that is played.
    pub(super) fn experiment(&self) -> String {
        self.with(|stage| stage.experiment.clone())
    }

    /// Commands of this type are kept and not answered.
    pub(super) fn hold(&self, kind: &'static str) {
        self.with(|stage| {
            stage.held.insert(kind);
            stage.spoiled = true;
        });
    }

    /// Expressions that hold this text are refused; `None` refuses none.
    pub(super) fn refuse(&self, text: Option<&str>) {
        self.with(|stage| stage.refused = text.map(str::to_owned));
    }

    /// Plays this flavour from the next connection on.
    pub(super) fn play(&self, flavour: Flavour) {
        self.with(|stage| {
            stage.flavour = flavour;
            stage.spoiled = true;
        });
    }

    /// Takes connections, or ends them as they come.
    pub(super) fn open(&self, is_open: bool) {
        self.with(|stage| stage.is_open = is_open);
    }

    /// Ends the connection of the platform, without a close frame.
    pub(super) fn drop_link(&self) {
        self.shared.transcript.add(LABEL, "→", "(end of the connection)");
        self.with(|stage| {
            stage.link = None;
            stage.state = "NONE";
            stage.experiment = "0".to_owned();
        });
    }

    /// Becomes a usual GAMA with no experiment again.
    pub(super) async fn tidy(&self) {
        let (spoiled, busy) = self.with(|stage| {
            let was = (stage.spoiled, stage.state != "NONE");
            stage.flavour = Flavour::Gui;
            stage.is_open = true;
            stage.held.clear();
            stage.refused = None;
            stage.spoiled = false;
            stage.commands.clear();
            stage.overflown = false;
            was
        });
        if spoiled {
            // A platform may still wait for an answer that was held; a new connection begins anew.
            self.drop_link();
        } else if busy {
            // A platform that is gone meanwhile has no experiment either.
            for state in ["NOTREADY", "NONE"] {
                let _ = self.status(state).await;
            }
        }
    }

    async fn wait(&self, deadline: Instant, holds: impl Fn(&Stage) -> bool) -> bool {
        loop {
            let mut news = std::pin::pin!(self.shared.news.notified());
            news.as_mut().enable();
            if self.with(|stage| holds(stage)) {
                return true;
            }
            if timeout_at(deadline, news).await.is_err() {
                return self.with(|stage| holds(stage));
            }
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Stage) -> T) -> T {
        self.shared.with(act)
    }
}

impl Shared {
    fn with<T>(&self, act: impl FnOnce(&mut Stage) -> T) -> T {
        // A check that panicked half-way leaves a whole stage behind, so a poisoned lock is still good.
        act(&mut self.stage.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, the set ends its connections.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            taken = listener.accept() => {
                if let Ok((stream, _)) = taken
                    && shared.with(|stage| stage.is_open)
                {
                    connections.spawn(serve(stream, Arc::clone(&shared)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection of the platform from its upgrade to its end.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut config = WebSocketConfig::default();
    config.max_frame_size = None;
    config.max_message_size = None;
    let Ok(socket) = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await else {
        return;
    };
    let (mut sink, mut stream) = socket.split();
    let (sender, mut unsent) = mpsc::channel(UNSENT_MAX);
    let greeting = json!({"type": "ConnectionSuccessful", "content": "conform"}).to_string();
    shared.transcript.add(LABEL, "→", &greeting);
    if sink.send(WsMessage::text(greeting)).await.is_err() {
        return;
    }
    // The stage holds the only lasting sender: without it the writing ends, and with that the connection.
    let weak = sender.downgrade();
    let number = shared.with(|stage| {
        stage.links += 1;
        stage.link = Some((stage.links, sender));
        stage.links
    });
    shared.news.notify_waiters();
    let write = async {
        while let Some(message) = unsent.recv().await {
            if sink.send(message).await.is_err() {
                break;
            }
        }
    };
    let read = async {
        while let Some(Ok(message)) = stream.next().await {
            let Ok(text) = message.to_text() else { continue };
            if !message.is_text() && !message.is_binary() {
                continue;
            }
            let turn = shared.turn.lock().await;
            shared.transcript.add(LABEL, "←", text);
            let answers = shared.with(|stage| hear(stage, text));
            for answer in answers {
                shared.transcript.add(LABEL, "→", &answer);
                let Some(sender) = weak.upgrade() else { return };
                if sender.send(WsMessage::text(answer)).await.is_err() {
                    return;
                }
            }
            drop(turn);
            shared.news.notify_waiters();
        }
    };
    tokio::select! {
        () = write => {}
        () = read => {}
    }
    shared.with(|stage| {
        if stage.link.as_ref().is_some_and(|(link, _)| *link == number) {
            stage.link = None;
        }
    });
    shared.news.notify_waiters();
}

/// Keeps a command and gives what GAMA answers.
fn hear(stage: &mut Stage, text: &str) -> Vec<String> {
    if stage.commands.len() >= COMMANDS_MAX {
        stage.overflown = true;
        return Vec::new();
    }
    let value: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    let command = Heard {
        text: text.to_owned(),
        value,
        at: Instant::now(),
    };
    let kind = command.kind().to_owned();
    let expr = command.field("expr").to_owned();
    let value = command.value.clone();
    stage.commands.push(command);
    if stage.held.contains(kind.as_str()) {
        return Vec::new();
    }
    if stage.refused.as_ref().is_some_and(|refused| expr.contains(refused)) {
        let refusal = json!({"type": "UnableToExecuteRequest", "content": "refused by the check", "command": value});
        return vec![refusal.to_string()];
    }
    let is_gui = stage.flavour == Flavour::Gui;
    let mut answers = Vec::new();
    let mut become_state = |stage: &mut Stage, state: &'static str| {
        stage.state = state;
        if is_gui {
            answers.push(status(state, &stage.experiment));
        }
    };
    let mut content = String::new();
    match kind.as_str() {
        "load" => {
            stage.experiments += 1;
            if is_gui {
                stage.experiment = "0".to_owned();
                content = value.get("experiment").and_then(Value::as_str).unwrap_or("").to_owned();
            } else {
                stage.experiment = format!("{}", 40 + stage.experiments);
                content = stage.experiment.clone();
            }
            become_state(stage, "NOTREADY");
            become_state(stage, "PAUSED");
            answers.insert(0, executed(&value, &content));
            return answers;
        }
        "play" => become_state(stage, "RUNNING"),
        "pause" => become_state(stage, "PAUSED"),
        "stop" => {
            become_state(stage, "NOTREADY");
            become_state(stage, "NONE");
        }
        _ => {}
    }
    answers.push(executed(&value, &content));
    answers
}

fn status(state: &str, exp_id: &str) -> String {
    json!({"type": "SimulationStatus", "content": state, "exp_id": exp_id}).to_string()
}

fn executed(command: &Value, content: &str) -> String {
    json!({"type": "CommandExecutedSuccessfully", "content": content, "command": command}).to_string()
}
