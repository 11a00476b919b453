//! A small GAMA server that is right, in either flavour, or wrong in exactly one planted way.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::interval;
use tokio_tungstenite::tungstenite::Message;

/// The one model that it can load.
pub(crate) const MODEL: &str = "/models/Flood.gaml";
/// The experiment of that model.
pub(crate) const EXPERIMENT: &str = "vr_xp";

/// One way of being wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GamaFault {
    GreetsWithoutId,
    CommandCut,
    ExtraLost,
    ContentEmpty,
    StateLate,
    StateRepeated,
    HeadlessTalks,
    OneId,
    UnknownTaken,
    OutputBare,
    OutputsWithoutPlayers,
    UnknownTypeDone,
    MalformedDropped,
    AnyModel,
    AnyExpression,
    ExpressionWrong,
    AskSilent,
    StepStands,
    ReloadGoesOn,
    DescribeRefused,
    DiesOnBadJson,
}

impl GamaFault {
    /// Every fault with whether it is one of a GAMA with a window, and exactly the checks that fail.
    pub(crate) const ALL: &'static [(GamaFault, bool, &'static [&'static str])] = &[
        (GamaFault::GreetsWithoutId, true, &["GA-1.greeting"]),
        (GamaFault::CommandCut, false, &["GA-4.command", "GA-4.extra"]),
        (GamaFault::ExtraLost, true, &["GA-4.extra"]),
        (GamaFault::ContentEmpty, false, &["GA-9.content"]),
        (GamaFault::StateLate, true, &["GA-5.states"]),
        (GamaFault::StateRepeated, true, &["GA-5.changes"]),
        (GamaFault::HeadlessTalks, false, &["GA-6.silent"]),
        (GamaFault::OneId, false, &["GA-6.ids"]),
        (GamaFault::UnknownTaken, false, &["GA-6.unknown"]),
        (GamaFault::OutputBare, true, &["GA-7.outputs"]),
        (GamaFault::OutputsWithoutPlayers, false, &["GA-7.outputs"]),
        (GamaFault::UnknownTypeDone, true, &["GA-8.type"]),
        (GamaFault::MalformedDropped, true, &["GA-8.malformed"]),
        (GamaFault::AnyModel, true, &["GA-8.model"]),
        (GamaFault::AnyExpression, true, &["GA-8.expression"]),
        (GamaFault::ExpressionWrong, true, &["GA-12.expression"]),
        (GamaFault::AskSilent, true, &["GA-12.ask"]),
        (GamaFault::StepStands, true, &["GA-12.step", "GA-12.reload"]),
        (GamaFault::ReloadGoesOn, false, &["GA-12.reload"]),
        (GamaFault::DescribeRefused, true, &["GA-12.describe"]),
    ];
}

/// The running server. It ends when it is dropped.
pub(crate) struct WrongGama {
    /// Its address on loopback.
    pub(crate) url: String,
    accepting: JoinHandle<()>,
}

impl WrongGama {
    /// Starts on a free port.
    pub(crate) async fn start(is_gui: bool, fault: Option<GamaFault>) -> WrongGama {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let accepting = tokio::spawn(async move {
            // Dropped with this task, the set ends its connections.
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    taken = listener.accept() => {
                        connections.spawn(serve(taken.unwrap().0, is_gui, fault));
                    }
                    // The listener goes with the task, as with a server that has died.
                    Some(Ok(true)) = connections.join_next() => return,
                }
            }
        });
        WrongGama { url, accepting }
    }
}

impl Drop for WrongGama {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Experiments of all servers of a test get numbers of their own.
static EXPERIMENTS: AtomicU64 = AtomicU64::new(1);

struct Session {
    is_gui: bool,
    fault: Option<GamaFault>,
    state: &'static str,
    exp_id: String,
    cycle: u64,
    player: bool,
    out: Vec<Value>,
}

/// One connection from its upgrade to its end; `true` when the whole server dies with it.
async fn serve(stream: TcpStream, is_gui: bool, fault: Option<GamaFault>) -> bool {
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
        return false;
    };
    let mut session = Session {
        is_gui,
        fault,
        state: "NONE",
        exp_id: String::new(),
        cycle: 0,
        player: false,
        out: Vec::new(),
    };
    let mut greeting = json!({"type": "ConnectionSuccessful", "content": "1234567"});
    if fault == Some(GamaFault::GreetsWithoutId) {
        greeting["content"] = json!(null);
    }
    session.out.push(greeting);
    let mut cycles = interval(Duration::from_millis(10));
    loop {
        for message in std::mem::take(&mut session.out) {
            if socket.send(Message::text(message.to_string())).await.is_err() {
                return false;
            }
        }
        tokio::select! {
            read = socket.next() => match read {
                Some(Ok(Message::Text(text))) => {
                    if fault == Some(GamaFault::DiesOnBadJson) && serde_json::from_str::<Value>(&text).is_err() {
                        return true;
                    }
                    session.hear(&text);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return false,
            },
            _ = cycles.tick() => session.cycle(),
        }
    }
}

impl Session {
    fn has(&self, fault: GamaFault) -> bool {
        self.fault == Some(fault)
    }

    fn cycle(&mut self) {
        if self.state != "RUNNING" {
            return;
        }
        self.cycle += 1;
        if self.player {
            let piece = match self.has(GamaFault::OutputsWithoutPlayers) {
                true => json!({"id": "Conform", "contents": {"pointsLoc": []}}),
                false => json!({"id": ["Conform"], "contents": {"pointsLoc": []}}),
            };
            let world = json!({"contents": [piece]});
            let content = match self.has(GamaFault::OutputBare) {
                true => json!([world]),
                false => json!(world.to_string()),
            };
            self.out
                .push(json!({"type": "SimulationOutput", "content": content, "exp_id": self.exp_id}));
        }
    }

    fn answer(&mut self, kind: &str, content: Value, mut command: Value) {
        if self.has(GamaFault::CommandCut) {
            command = json!({"type": command["type"]});
        }
        if self.has(GamaFault::ExtraLost)
            && let Some(fields) = command.as_object_mut()
        {
            fields.shift_remove("note");
        }
        self.out
            .push(json!({"type": kind, "content": content, "command": command}));
    }

    fn become_state(&mut self, state: &'static str) {
        self.state = state;
        if self.is_gui || self.has(GamaFault::HeadlessTalks) {
            let exp_id = if self.has(GamaFault::StateLate) { "1" } else { "0" };
            let status = json!({"type": "SimulationStatus", "content": state, "exp_id": exp_id});
            self.out.push(status.clone());
            if self.has(GamaFault::StateRepeated) {
                self.out.push(status);
            }
        }
    }

    fn hear(&mut self, text: &str) {
        let command: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        let Some(kind) = command["type"].as_str().map(str::to_owned) else {
            if !self.has(GamaFault::MalformedDropped) {
                let content = json!("a command is an object with a type");
                self.out.push(json!({"type": "MalformedRequest", "content": content}));
            }
            return;
        };
        let field = |name: &str| command[name].as_str().unwrap_or("").to_owned();
        let needs_experiment = !matches!(kind.as_str(), "load" | "describe") && command.get("exp_id").is_some();
        let is_its = self.is_gui || field("exp_id") == self.exp_id || self.has(GamaFault::UnknownTaken);
        if needs_experiment && !is_its {
            return self.answer("UnableToExecuteRequest", json!("no such experiment"), command);
        }
        let content = match kind.as_str() {
            "load" if field("model") != MODEL && !self.has(GamaFault::AnyModel) => Err("no such model"),
            "load" => Ok(self.load(&field("experiment"))),
            "play" => Ok(self.becomes("RUNNING")),
            "pause" => Ok(self.becomes("PAUSED")),
            "stop" => Ok(self.becomes("NONE")),
            "step" => {
                self.cycle += u64::from(!self.has(GamaFault::StepStands));
                Ok(json!(""))
            }
            "reload" => {
                if !self.has(GamaFault::ReloadGoesOn) {
                    self.cycle = 0;
                }
                Ok(self.becomes("PAUSED"))
            }
            "expression" => self.evaluate(&field("expr")),
            "ask" if self.has(GamaFault::AskSilent) => return,
            "ask" => Ok(json!("")),
            "describe" if !self.has(GamaFault::DescribeRefused) => Ok(json!({"name": "Flood"})),
            _ if self.has(GamaFault::UnknownTypeDone) => Ok(json!("")),
            _ => Err("no such command"),
        };
        match content {
            Ok(content) => self.answer("CommandExecutedSuccessfully", content, command),
            Err(why) => self.answer("UnableToExecuteRequest", json!(why), command),
        }
    }

    fn load(&mut self, experiment: &str) -> Value {
        let number = match self.has(GamaFault::OneId) {
            true => 1,
            false => EXPERIMENTS.fetch_add(1, Ordering::Relaxed),
        };
        self.cycle = 0;
        self.exp_id = if self.is_gui {
            "0".to_owned()
        } else {
            format!("exp{number}")
        };
        let content = match (self.is_gui, self.has(GamaFault::ContentEmpty)) {
            (_, true) => {
                self.exp_id = String::new();
                json!("")
            }
            (true, false) => json!(experiment),
            (false, false) => json!(self.exp_id),
        };
        self.becomes("NOTREADY");
        self.becomes("PAUSED");
        content
    }

    /// Changes the state where it is another one, as the command does that is answered next.
    fn becomes(&mut self, state: &'static str) -> Value {
        if self.state != state {
            self.become_state(state);
        }
        json!("")
    }

    fn evaluate(&mut self, expr: &str) -> Result<Value, &'static str> {
        let wrong = u64::from(self.has(GamaFault::ExpressionWrong));
        match expr {
            "cycle" => Ok(json!(self.cycle.to_string())),
            expr if expr.starts_with("do create_player(") => {
                self.player = true;
                Ok(json!(""))
            }
            expr if self.has(GamaFault::AnyExpression) => Ok(json!(expr)),
            expr => match expr.parse::<u64>() {
                Ok(number) => Ok(json!((number + wrong).to_string())),
                Err(_) => Err("no GAML"),
            },
        }
    }
}
