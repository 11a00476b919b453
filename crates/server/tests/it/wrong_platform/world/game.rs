//! Experiments, players and outputs of the small platform.

use super::{Player, World};
use crate::wrong_platform::{Fault, Out};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A piece of an output.
type Piece = BTreeMap<String, Box<RawValue>>;

impl World {
    fn runs(&self) -> bool {
        self.state != "NONE" && self.state != "NOTREADY"
    }

    pub(super) fn control(&mut self, kind: &str) {
        self.send(&json!({"type": kind, "exp_id": self.exp_id}));
    }

    fn send(&mut self, command: &Value) {
        if let Some(gama) = &self.gama {
            gama.say(command.to_string());
        }
    }

    fn call(&mut self, action: &str, id: &str) {
        let id = match self.has(Fault::NotEscaped) {
            true => format!("\"{id}\""),
            false => json!(id).to_string(),
        };
        self.send(&json!({"type": "expression", "exp_id": self.exp_id, "expr": format!("do {action}({id});")}));
    }

    pub(super) fn order(&mut self, kind: &str) {
        match kind {
            "launch_experiment" if self.gama.is_none() => {
                if !self.has(Fault::AwaySilent) {
                    self.tell_state(true);
                }
            }
            "launch_experiment" if self.state == "NONE" || self.has(Fault::LaunchTwice) => {
                let settings = self.active_settings();
                let name = match self.has(Fault::LoadsByName) {
                    true => &settings["name"],
                    false => &settings["experiment_name"],
                };
                self.loading = true;
                self.send(&json!({"type": "load", "model": settings["model_file_path"], "experiment": name}));
            }
            "pause_experiment" if self.state == "RUNNING" || self.has(Fault::PauseAlways) => self.control("pause"),
            "resume_experiment" if self.state == "PAUSED" || self.has(Fault::ResumeAlways) => self.control("play"),
            "stop_experiment" => self.stop(),
            _ => return,
        }
        self.changed();
    }

    fn stop(&mut self) {
        if !self.runs() {
            if !self.has(Fault::StopIdleSilent) {
                self.tell_state(true);
            }
            return;
        }
        if !self.has(Fault::StopKeepsHeadsets) {
            for player in &mut self.players {
                player.in_game = false;
                if let Some(headset) = player.conn.take().and_then(|conn| self.headsets.get(&conn)) {
                    headset.out.close(1000);
                }
            }
        }
        if self.state == "RUNNING" && !self.has(Fault::StopAtOnce) || self.has(Fault::StopPausesAlways) {
            self.stopping = Some(Instant::now());
            self.control("pause");
        } else {
            self.control("stop");
        }
    }

    pub(in crate::wrong_platform) fn gama_joins(&mut self, out: Out) {
        self.gama = Some(out);
    }

    pub(in crate::wrong_platform) fn gama_leaves(&mut self) {
        self.gama = None;
        self.greeted = false;
        self.headless = false;
        self.loading = false;
        self.stopping = None;
        if !self.has(Fault::LostKeepsState) {
            self.become_state("NONE");
        }
        self.changed();
    }

    fn become_state(&mut self, state: &str) {
        if self.has(Fault::FinishedIsPaused) && state == "FINISHED" {
            return self.become_state("PAUSED");
        }
        let was_there = self.runs();
        state.clone_into(&mut self.state);
        if self.runs() && !was_there {
            self.loading = false;
            for at in 0..self.players.len() {
                if self.players[at].conn.is_some() && !self.players[at].in_game {
                    let id = self.players[at].id.clone();
                    self.call("create_player", &id);
                }
            }
        }
        if !self.runs() {
            for at in 0..self.players.len() {
                self.set_in_game(at, false);
            }
        }
        if state == "PAUSED" && self.stopping.take().is_some() {
            self.control("stop");
        }
    }

    fn set_in_game(&mut self, at: usize, is_in: bool) {
        let changes = self.players[at].in_game != is_in;
        self.players[at].in_game = is_in;
        if changes && (is_in || !self.has(Fault::OutNotTold)) {
            self.tell_player(at);
        }
    }

    pub(in crate::wrong_platform) fn hear_gama(&mut self, text: &str) {
        let Ok(Value::Object(message)) = serde_json::from_str(text) else {
            return;
        };
        let content = message.get("content").cloned().unwrap_or(Value::Null);
        match message.get("type").and_then(Value::as_str).unwrap_or("") {
            "ConnectionSuccessful" => self.greeted = true,
            "SimulationStatus" => {
                if let Some(exp_id) = message.get("exp_id").and_then(Value::as_str) {
                    exp_id.clone_into(&mut self.exp_id);
                }
                self.become_state(content.as_str().unwrap_or(""));
            }
            "SimulationOutput" => self.hear_output(&content),
            "CommandExecutedSuccessfully" => {
                let command = message.get("command").cloned().unwrap_or(Value::Null);
                self.executed(&command, content.as_str().unwrap_or(""));
                if message.contains_key("contents") && !self.has(Fault::AnswerContentsLost) {
                    self.show(text);
                }
            }
            "SimulationStatusError"
            | "SimulationErrorDialog"
            | "SimulationError"
            | "RuntimeError"
            | "GamaServerError"
            | "MalformedRequest"
            | "UnableToExecuteRequest" => {
                self.loading = false;
                self.error = match self.has(Fault::ErrorIsItsKind) {
                    true => message["type"].clone(),
                    false => Value::Object(message),
                };
            }
            _ => {}
        }
        self.changed();
    }

    fn executed(&mut self, command: &Value, content: &str) {
        if !self.has(Fault::ErrorSticks) {
            self.error = json!("");
        }
        let expr = command["expr"].as_str().unwrap_or("");
        let becomes = match command["type"].as_str().unwrap_or("") {
            "load" => {
                command["experiment"]
                    .as_str()
                    .unwrap_or("")
                    .clone_into(&mut self.exp_name);
                if self.has(Fault::CreatesEarly) {
                    for at in 0..self.players.len() {
                        let id = self.players[at].id.clone();
                        self.call("create_player", &id);
                    }
                }
                self.headless = command["experiment"] != content && !self.has(Fault::HeadlessWaits);
                if self.headless {
                    content.clone_into(&mut self.exp_id);
                }
                "PAUSED"
            }
            "play" => "RUNNING",
            "pause" => "PAUSED",
            "stop" => "NONE",
            "expression" if expr.starts_with("do create_player(") => {
                let quoted = expr.trim_start_matches("do create_player(").trim_end_matches(");");
                let id: String = serde_json::from_str(quoted).unwrap_or_default();
                let created = self.players.iter().position(|player| player.id == id);
                if let Some(at) = created {
                    self.set_in_game(at, true);
                }
                return;
            }
            _ => return,
        };
        if self.headless {
            self.become_state(becomes);
        }
    }

    fn hear_output(&mut self, content: &Value) {
        match content {
            Value::String(text) => self.show(text),
            Value::Object(_) if self.has(Fault::ConsolePassedOn) => {
                for headset in self.headsets.values() {
                    headset
                        .out
                        .say(json!({"contents": content, "type": "json_output"}).to_string());
                }
            }
            _ => {}
        }
    }

    /// Gives the pieces of an output to their players.
    fn show(&mut self, text: &str) {
        let Ok(outer) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text) else {
            return;
        };
        let Some(list) = outer.get("contents") else { return };
        let Ok(mut pieces) = serde_json::from_str::<Vec<Piece>>(list.get()) else {
            return;
        };
        if self.has(Fault::LastElementOnly) {
            pieces.drain(..pieces.len().saturating_sub(1));
        }
        for piece in pieces {
            let ids = piece
                .get("id")
                .and_then(|ids| serde_json::from_str::<Vec<String>>(ids.get()).ok());
            let Some(ids) = ids else {
                match self.has(Fault::BadElementSpoils) {
                    true => return,
                    false => continue,
                }
            };
            let Some(contents) = piece.get("contents") else {
                continue;
            };
            let contents = match self.has(Fault::Reencoded) && text.contains("\"type\":\"output\"") {
                true => serde_json::from_str::<Value>(contents.get()).unwrap().to_string(),
                false => contents.get().to_owned(),
            };
            for player in self.players.iter().filter(|player| ids.contains(&player.id)) {
                if let Some(headset) = player.conn.and_then(|conn| self.headsets.get(&conn)) {
                    let frame = format!(r#"{{"contents":{contents},"type":"json_output"}}"#);
                    headset.out.show(frame, self.fault);
                }
            }
        }
    }

    fn find(&self, name: Option<&str>) -> Option<usize> {
        let name = name?;
        let by_address = !self.has(Fault::RemoveByIdOnly);
        self.players.iter().position(|player| {
            player.id == name || by_address && player.conn.is_some() && player.from.to_string() == name
        })
    }

    pub(super) fn add(&mut self, name: Option<&str>) {
        match self.find(name) {
            Some(at) if self.runs() && !self.players[at].in_game => {
                let id = self.players[at].id.clone();
                self.call("create_player", &id);
            }
            None if self.has(Fault::UnknownCreated) => self.call("create_player", "undefined"),
            _ => {}
        }
    }

    pub(super) fn remove(&mut self, name: Option<&str>) {
        let Some(at) = self.find(name) else { return };
        if !self.has(Fault::RemoveNotTold) {
            self.set_in_game(at, false);
        }
        self.take_out(at);
    }

    fn take_out(&mut self, at: usize) {
        let id = self.players[at].id.clone();
        if self.runs() {
            self.call("remove_player", &id);
        }
        self.players[at].in_game = false;
        let conn = self.players[at].conn.take();
        if let Some(headset) = conn.and_then(|conn| self.headsets.get(&conn)) {
            headset.out.close(1000);
        }
        self.changed();
    }

    pub(in crate::wrong_platform) fn hear_headset(&mut self, conn: u64, text: &str) {
        let Ok(Value::Object(mut message)) = serde_json::from_str(text) else {
            return;
        };
        let Some(headset) = self.headsets.get(&conn) else {
            return;
        };
        let (out, seat) = (headset.out.clone(), headset.player);
        let kind = message.get("type").and_then(Value::as_str).unwrap_or("").to_owned();
        if let Some(at) = seat
            && (kind == "pong" || !self.has(Fault::OnlyPongCounts))
        {
            self.players[at].alive = true;
        }
        match (kind.as_str(), seat) {
            ("connection", _) => self.connect(conn, &message),
            ("ping", Some(_)) => {
                let mut pong = json!({"type": "pong"});
                if let Some(id) = message
                    .remove("id")
                    .filter(|id| *id != "" || !self.has(Fault::PongEmptyLost))
                {
                    pong["id"] = id;
                }
                out.say(pong.to_string());
            }
            (_, None) if self.has(Fault::EarlyCloses) && kind == "disconnect_properly" => out.close(1000),
            ("expression", Some(at)) if self.runs() || self.has(Fault::IdlePassedOn) => {
                if let Some(expr) = message.get("expr").and_then(Value::as_str) {
                    let id = match self.has(Fault::NotEscaped) {
                        true => format!("\"{}\"", self.players[at].id),
                        false => json!(self.players[at].id).to_string(),
                    };
                    let times = if self.has(Fault::FirstIdOnly) { 1 } else { usize::MAX };
                    let expr = expr.replacen("$id", &id, times);
                    let exp_id = self.exp_id.clone();
                    self.send(
                        &json!({"type": "expression", "content": "Send an expression", "exp_id": exp_id, "expr": expr}),
                    );
                }
            }
            ("ask", Some(_)) if self.runs() && message.get("action").is_some_and(Value::is_string) => {
                if self.has(Fault::AskFieldsDropped) {
                    message.shift_remove("extra");
                }
                let exp_id = json!(self.exp_id);
                message.entry("exp_id").or_insert(exp_id);
                self.send(&Value::Object(message));
            }
            ("disconnect_properly", Some(at)) => {
                if self.has(Fault::LeaveNotRemoved) {
                    self.players[at].in_game = false;
                    self.players[at].conn = None;
                    out.close(1000);
                } else {
                    self.take_out(at);
                }
            }
            _ => {}
        }
        self.changed();
    }

    fn connect(&mut self, conn: u64, message: &serde_json::Map<String, Value>) {
        let Some(id) = message.get("id").and_then(Value::as_str) else {
            return;
        };
        let Some(headset) = self.headsets.get(&conn) else {
            return;
        };
        let (from, out) = (headset.from, headset.out.clone());
        if let Some(at) = headset.player {
            if self.has(Fault::SecondRenames) {
                id.clone_into(&mut self.players[at].id);
                self.tell_player(at);
            }
            return;
        }
        let sent = message.get("heartbeat").cloned().unwrap_or(json!(0));
        let asked = match &sent {
            Value::String(text) => text.parse().unwrap_or(0),
            other => other.as_u64().unwrap_or(0),
        };
        let asked = if asked == 0 { 5000 } else { asked };
        let interval = match sent == json!(0) || self.has(Fault::IntervalAsNumber) {
            true => json!(asked),
            false => sent,
        };
        let known = self.players.iter().position(|player| player.id == id);
        let at = match known {
            Some(_) if self.has(Fault::ReturnRefused) => return out.close(1008),
            Some(at) => {
                let there = self.players[at].conn.is_some();
                if there && self.players[at].from != from && !self.has(Fault::DuplicateAccepted) {
                    return out.close(1008);
                }
                let old = self.players[at].conn.and_then(|old| self.headsets.get_mut(&old));
                if let Some(old) = old.filter(|_| self.fault != Some(Fault::TakeoverLeavesOld)) {
                    old.player = None;
                    old.out.close(1000);
                }
                at
            }
            None => {
                self.players.push(Player {
                    id: id.to_owned(),
                    interval: interval.clone(),
                    every: Duration::ZERO,
                    next_ping: Instant::now(),
                    pinged: false,
                    alive: true,
                    in_game: false,
                    conn: None,
                    from,
                });
                self.players.len() - 1
            }
        };
        self.players[at].interval = interval;
        self.players[at].every = Duration::from_millis(asked.clamp(200, 600_000));
        self.players[at].from = from;
        self.be_seated(conn, at);
    }

    pub(super) fn be_seated(&mut self, conn: u64, at: usize) {
        self.sit_down(conn, at);
        let is_new = !self.players[at].in_game;
        if self.runs() && (is_new && !self.has(Fault::LateNotCreated) || self.has(Fault::CreatedTwice)) {
            let id = self.players[at].id.clone();
            self.call("create_player", &id);
        }
    }
}
