//! One of the two hubs: its project, its process, and the judge's channel to it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::bench::BenchError;
use crate::bench::hub_process::{Folder, HubProcess};
use crate::bench::load::lost;

/// Cycle of the judge's view of each hub.
const CYCLE_MS: u32 = 20;
/// How long a hub that was just started may take to answer.
const OPEN_MAX: Duration = Duration::from_secs(10);

/// Which of the two hubs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The one that listens.
    Server,
    /// The one that connects.
    Client,
}

impl Side {
    pub(super) const BOTH: [Side; 2] = [Side::Server, Side::Client];

    /// The first letter of the names of the signals that it owns.
    pub(super) const fn letter(self) -> char {
        match self {
            Side::Server => 'A',
            Side::Client => 'B',
        }
    }

    pub(super) const fn other(self) -> Side {
        match self {
            Side::Server => Side::Client,
            Side::Client => Side::Server,
        }
    }
}

type Channel = WebSocketStream<TcpStream>;

/// A mirrored signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signal {
    /// Who owns it.
    pub(super) owner: Side,
    /// Its number.
    pub(super) index: usize,
}

/// What became of one written value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is stored.
    Taken,
    /// It is not, because the link is down.
    Refused,
}

/// One row of the judge's view.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) signal: Signal,
    /// Its value.
    pub(super) value: i64,
    pub(super) is_good: bool,
}

/// What a hub tells the judge.
#[derive(Debug)]
pub(super) enum News {
    /// Values.
    Rows(Vec<Row>),
    /// What became of a write: number of the signal, value, outcome.
    Written(Vec<(usize, i64, Outcome)>),
}

/// One hub.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) side: Side,
    folder: Folder,
    process: Option<HubProcess>,
    web: SocketAddr,
    sink: Option<SplitSink<Channel, Message>>,
    stream: Option<SplitStream<Channel>>,
    epoch: u64,
    names: HashMap<u64, Signal>,
    /// Writes that are not answered yet, by their id.
    asked: HashMap<u64, Vec<(usize, i64)>>,
}

impl Site {
    /// Writes the project of a hub. `port` is where the server listens for the link.
    pub(super) fn new(side: Side, signals: u32, port: u16) -> Result<Site, BenchError> {
        let web = free_address()?;
        let (name, project) = (format!("mirror-{}", side.letter()), project(side, (web.port(), port)));
        let folder = Folder::with_project(&name, &project, &catalog(side, signals))?;
        Ok(Site {
            side,
            folder,
            process: None,
            web,
            sink: None,
            stream: None,
            epoch: 0,
            names: HashMap::new(),
            asked: HashMap::new(),
        })
    }

    /// Starts the process and opens the channel to it.
    pub(super) async fn start(&mut self) -> Result<(), BenchError> {
        self.process = Some(HubProcess::run(self.folder.path())?);
        let opened = tokio::time::timeout(OPEN_MAX, self.open()).await;
        opened.map_err(|_| BenchError::Hub)?
    }

    async fn open(&mut self) -> Result<(), BenchError> {
        let stream = TcpStream::connect(self.web).await;
        let stream = stream.map_err(|source| BenchError::System {
            what: "connecting to the hub",
            source,
        })?;
        let url = format!("ws://{}/api/v1/live", self.web);
        let (channel, _) = tokio_tungstenite::client_async(url, stream).await.map_err(lost)?;
        let (mut sink, stream) = channel.split();
        let patterns = ["twin/mirror/**"];
        let subscribe = json!({"type": "subscribe", "id": 1, "names": [], "patterns": patterns, "cycle_ms": CYCLE_MS});
        sink.send(Message::text(subscribe.to_string())).await.map_err(lost)?;
        (self.sink, self.stream) = (Some(sink), Some(stream));
        Ok(())
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) {
        (self.sink, self.stream, self.process) = (None, None, None);
        self.names.clear();
        self.asked.clear();
    }

    /// SIGSTOP, or SIGCONT.
    pub(super) fn hold(&self, hold: bool) -> Result<(), BenchError> {
        let Some(process) = &self.process else { return Ok(()) };
        let signal = if hold { "-STOP" } else { "-CONT" };
        let status = Command::new("kill").arg(signal).arg(process.id().to_string()).status();
        let system = |source| BenchError::System {
            what: "holding a hub",
            source,
        };
        match status.map_err(system)?.success() {
            true => Ok(()),
            false => Err(BenchError::Hub),
        }
    }

    /// Writes signals that this hub owns.
    pub(super) async fn write(&mut self, id: u64, values: Vec<(usize, i64)>) -> Result<(), BenchError> {
        let letter = self.side.letter();
        let signals = values
            .iter()
            .map(|(index, value)| (name(letter, *index), Value::from(*value)));
        let signals: serde_json::Map<String, Value> = signals.collect();
        let write = json!({"type": "write", "id": id, "epoch": self.epoch, "signals": signals});
        let Some(sink) = &mut self.sink else { return Ok(()) };
        self.asked.insert(id, values);
        sink.send(Message::text(write.to_string())).await.map_err(lost)
    }

    /// The next thing that the hub tells; waits for ever while it is not running.
    pub(super) async fn next(&mut self) -> Result<News, BenchError> {
        loop {
            let Some(stream) = &mut self.stream else {
                return std::future::pending().await;
            };
            let message = stream.next().await;
            let closed = || lost(tokio_tungstenite::tungstenite::Error::ConnectionClosed);
            if let Message::Text(text) = message.ok_or_else(closed)?.map_err(lost)? {
                let message: Value = serde_json::from_str(&text).map_err(|_| BenchError::Hub)?;
                if let Some(news) = self.take(&message) {
                    return Ok(news);
                }
            }
        }
    }

    fn take(&mut self, message: &Value) -> Option<News> {
        match message["type"].as_str()? {
            "hello" => {
                self.epoch = message["epoch"].as_u64()?;
                None
            }
            "snapshot" | "added" => {
                let signals = message["signals"].as_array()?;
                Some(News::Rows(
                    signals.iter().filter_map(|signal| self.named_row(signal)).collect(),
                ))
            }
            "data" => {
                let rows = message["signals"].as_array()?.iter();
                Some(News::Rows(rows.filter_map(|row| self.row(row)).collect()))
            }
            "write_result" => {
                let asked = self.asked.remove(&message["id"].as_u64()?)?;
                let letter = self.side.letter();
                let outcome = |index| match &message["signals"][name(letter, index)]["ok"] {
                    Value::Bool(true) => Outcome::Taken,
                    _ => Outcome::Refused,
                };
                let outcomes = asked.into_iter().map(|(index, value)| (index, value, outcome(index)));
                Some(News::Written(outcomes.collect()))
            }
            _ => None,
        }
    }

    fn named_row(&mut self, signal: &Value) -> Option<Row> {
        let id = signal["id"].as_u64()?;
        let named = named(signal["name"].as_str()?)?;
        self.names.insert(id, named);
        Some(row(named, &signal["value"], &signal["quality"]))
    }

    fn row(&self, cells: &Value) -> Option<Row> {
        let named = *self.names.get(&cells[0].as_u64()?)?;
        Some(row(named, &cells[1], &cells[2]))
    }
}

fn row(signal: Signal, value: &Value, quality: &Value) -> Row {
    Row {
        signal,
        value: value.as_i64().unwrap_or_default(),
        is_good: quality == "good",
    }
}

fn named(name: &str) -> Option<Signal> {
    let owner = Side::BOTH
        .into_iter()
        .find(|side| name.contains(&format!("/{}", side.letter())))?;
    let index = name.rsplit('/').next()?.get(1..)?.parse().ok()?;
    Some(Signal { owner, index })
}

fn name(letter: char, index: usize) -> String {
    format!("twin/mirror/{letter}{index:05}")
}

/// An address of the loopback that nobody listens on at this moment.
pub(super) fn free_address() -> Result<SocketAddr, BenchError> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    bound.map_err(|source| BenchError::System {
        what: "finding a free port",
        source,
    })
}

fn project(side: Side, (web, port): (u16, u16)) -> String {
    let role = match side {
        Side::Server => "",
        Side::Client => "role = \"client\"\nreconnect_interval_seconds = 1\n",
    };
    format!(
        "[web]\nport = {web}\n\n[[realvirtual]]\nname = \"mirror\"\n{role}port = {port}\nsignals = \"signals.csv\"\n"
    )
}

/// The same names on both sides, each with the writer as that side sees it.
fn catalog(side: Side, signals: u32) -> String {
    let mut catalog = String::from("name,type,writer,value\n");
    for owner in Side::BOTH {
        let writer = if owner == side { "hub" } else { "peer" };
        for index in 0..signals {
            // Writing to a text cannot fail.
            let _ = writeln!(catalog, "{}{index:05},Int,{writer},0", owner.letter());
        }
    }
    catalog
}
