//! Commands of clients, and what is answered (GA-3, GA-4, GA-12).

use serde_json::{Map, Value as Json, json};

use super::Flavour;
use super::experiment::State;
use super::fault::{self, Fault};
use super::flood::{DEPTH, WIDTH};
use super::gaml::{self, Expr};
use super::house::{ClientId, House, STEPS_MAX};
use super::world;

/// Why a command is not carried out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refusal {
    /// The command is none: something is missing in it, or it is unknown.
    Malformed(String),
    /// It cannot be done.
    Unable(String),
}

type Command = Map<String, Json>;

/// The agent that understands asks; the number of the simulation may be left out.
const AGENTS: [&str; 2] = ["simulation[0].unity_linker[0]", "unity_linker[0]"];

/// The asks that are understood, for people.
const ASKS: &str = "send_init_data, move_player_external, player_position_updated, player_ready_to_receive_geometries";

impl House {
    /// Carries out one command and answers it.
    pub(super) fn command(&mut self, client: ClientId, command: &Command) {
        let kind = command.get("type").and_then(Json::as_str).unwrap_or_default();
        if kind == "load" && self.lasting == Some(Fault::SilentLoad) {
            return;
        }
        let done = match kind {
            "load" => return self.load_command(client, command),
            "play" => self.play(client, command),
            "pause" => self.pause(client, command),
            "stop" => self.stop(client, command),
            "step" => self.steps(client, command),
            "stepBack" => self.steps_back(client, command),
            "reload" => self.reload(client, command),
            "expression" | "evaluate" => self.expression(client, command),
            "ask" => self.ask(client, command),
            "validate" => validate(command),
            "describe" => self.describe(command),
            "exit" => Err(unable("this server is ended with Ctrl+C where it was started")),
            "upload" | "download" => Err(unable("it has no files to give or to take")),
            "" => Err(Refusal::Malformed(
                "practice stand-in: a command needs a 'type'".to_owned(),
            )),
            other => {
                let other: String = other.chars().take(40).collect();
                let known = "load, play, pause, stop, step, stepBack, reload, expression, ask, describe, validate";
                Err(Refusal::Malformed(format!(
                    "practice stand-in: no command is called '{other}'; these are: {known}"
                )))
            }
        };
        self.answer_result(client, command, done);
    }

    fn answer_result(&mut self, client: ClientId, command: &Command, done: Result<Json, Refusal>) {
        match done {
            Ok(content) => self.answer(client, "CommandExecutedSuccessfully", content, command),
            Err(Refusal::Malformed(words)) => self.answer(client, "MalformedRequest", Json::from(words), command),
            Err(Refusal::Unable(words)) => self.answer(client, "UnableToExecuteRequest", Json::from(words), command),
        }
    }

    /// The answer comes before the states of the new experiment, as from GAMA.
    fn load_command(&mut self, client: ClientId, command: &Command) {
        let loaded = self.try_load(client, command);
        let is_gui = self.recipe.flavour == Flavour::Gui;
        let done = loaded.clone().map(|(id, name)| match is_gui {
            true => Json::from(name),
            false => Json::from(id.to_string()),
        });
        self.answer_result(client, command, done);
        let Ok((id, name)) = loaded else { return };
        self.say(format!(
            "experiment '{name}' ({id}) is loaded; it is the practice flood, whatever its model says"
        ));
        if is_gui {
            self.enter(id, State::NotReady);
        }
        self.console_line(
            id,
            "this is no GAMA: a small flood with people plays in place of the model",
        );
    }

    fn try_load(&mut self, client: ClientId, command: &Command) -> Result<(u64, String), Refusal> {
        let model = needed(command, "load", "model")?;
        let name = needed(command, "load", "experiment")?;
        if self.lasting == Some(Fault::RefuseLoad) {
            return Err(unable("the model has an error, as the fault refuse-load wants it"));
        }
        let has_console = command.get("console").and_then(Json::as_bool).unwrap_or(true);
        let id = self
            .load(client, name.trim(), model.trim(), has_console)
            .map_err(Refusal::Unable)?;
        Ok((id, name.trim().to_owned()))
    }

    /// The experiment that a command is about.
    fn find(&self, client: ClientId, command: &Command, kind: &str) -> Result<u64, Refusal> {
        let is_gui = self.recipe.flavour == Flavour::Gui;
        let named = match command.get("exp_id") {
            Some(Json::String(text)) => text.trim().parse().ok(),
            Some(Json::Number(number)) => number.as_u64(),
            // The window has one only, and headsets do not know its number.
            None if is_gui && matches!(kind, "ask" | "expression") => Some(0),
            _ => {
                return Err(Refusal::Malformed(format!(
                    "practice stand-in: '{kind}' needs 'exp_id'"
                )));
            }
        };
        let is_own = |owner: ClientId| {
            owner == client
                || command
                    .get("socket_id")
                    .and_then(Json::as_str)
                    .is_some_and(|name| name == format!("practice-{owner}"))
        };
        named
            .filter(|id| {
                self.experiments
                    .get(id)
                    .is_some_and(|experiment| experiment.owner.is_none_or(is_own))
            })
            .ok_or_else(|| Refusal::Unable("Unable to find the experiment or simulation".to_owned()))
    }

    /// The same, when it has finished loading.
    fn find_ready(&self, client: ClientId, command: &Command, kind: &str) -> Result<u64, Refusal> {
        let id = self.find(client, command, kind)?;
        if self.state(id) == Some(State::NotReady) {
            return Err(unable("the experiment is still loading"));
        }
        Ok(id)
    }

    fn state(&self, id: u64) -> Option<State> {
        self.experiments.get(&id).map(|experiment| experiment.state)
    }

    fn play(&mut self, client: ClientId, command: &Command) -> Result<Json, Refusal> {
        let id = self.find_ready(client, command, "play")?;
        match self.state(id) {
            Some(State::Paused) => self.enter(id, State::Running),
            Some(State::Finished) => return Err(unable("the experiment is at its end: reload or stop it")),
            _ => {}
        }
        Ok(Json::from(""))
    }

    fn pause(&mut self, client: ClientId, command: &Command) -> Result<Json, Refusal> {
        let id = self.find_ready(client, command, "pause")?;
        if self.state(id) == Some(State::Running) {
            self.enter(id, State::Paused);
        }
        Ok(Json::from(""))
    }

    fn stop(&mut self, client: ClientId, command: &Command) -> Result<Json, Refusal> {
        let id = self.find(client, command, "stop")?;
        self.close(id);
        Ok(Json::from(""))
    }

    fn steps(&mut self, client: ClientId, command: &Command) -> Result<Json, Refusal> {
        let id = self.find_ready(client, command, "step")?;
        if self.state(id) == Some(State::Finished) {
            return Err(unable("the experiment is at its end: reload or stop it"));
        }
        let count = step_count(command)?;
        if let Some(experiment) = self.experiments.get_mut(&id) {
            for _ in 0..count {
                experiment.step();
            }
        }
        self.show(id);
        Ok(Json::from(""))
    }

    fn steps_back(&mut self, client: ClientId, command: &Command) -> Result<Json, Refusal> {
        let id = self.find_ready(client, command, "stepBack")?;
        let count = step_count(command)?;
        let Some(experiment) = self.experiments.get_mut(&id) else {
            return Ok(Json::from(""));
        };
        let back = (0..count).take_while(|_| experiment.step_back()).count();
        self.show(id);
        if back == 0 {
            return Err(unable("there is no cycle left to take back"));
        }
        Ok(Json::from(""))
    }

    fn reload(&mut self, client: ClientId, command: &Command) -> Result<Json, Refusal> {
        let id = self.find_ready(client, command, "reload")?;
        let fresh = self.fresh();
        if let Some(experiment) = self.experiments.get_mut(&id) {
            experiment.restart(fresh);
            experiment.load_ms = super::house::LOAD_MS;
        }
        match self.recipe.flavour {
            Flavour::Gui => self.enter(id, State::NotReady),
            Flavour::Headless => self.enter(id, State::Paused),
        }
        Ok(Json::from(""))
    }

    fn expression(&mut self, client: ClientId, command: &Command) -> Result<Json, Refusal> {
        let text = needed(command, "expression", "expr")?;
        if let Some(order) = text.trim().strip_prefix("practice fault") {
            let order = fault::parse(order).map_err(Refusal::Unable)?;
            self.begin(order);
            return Ok(Json::from(""));
        }
        let id = self.find_ready(client, command, "expression")?;
        let Some(expr) = gaml::parse(text) else {
            return Err(unable(&format!(
                "it is no GAML; what it understands: {}",
                gaml::UNDERSTOOD
            )));
        };
        let value = self.evaluate(id, expr)?;
        let is_escaped = command
            .get("escaped")
            .is_some_and(|escaped| *escaped == true || escaped == "true");
        // GAMA puts the text of a value into quotes unless it is told that it is JSON already.
        Ok(match serde_json::from_str(&value) {
            Ok(json) if is_escaped => json,
            _ => Json::from(value),
        })
    }

    /// The value as GAMA writes it; nothing for a statement.
    fn evaluate(&mut self, id: u64, expr: Expr) -> Result<String, Refusal> {
        let refuses_players = self.lasting == Some(Fault::RefusePlayer);
        let Some(experiment) = self.experiments.get_mut(&id) else {
            return Ok(String::new());
        };
        let flood = &mut experiment.flood;
        let player_error = |error: super::flood::PlayerError| unable(&error.to_string());
        Ok(match expr {
            Expr::CreatePlayer(_) if refuses_players => {
                return Err(unable("players are refused, as the fault refuse-player wants it"));
            }
            Expr::CreatePlayer(player) => {
                flood.create_player(&player).map_err(player_error)?;
                self.say(format!("player {player} is there"));
                String::new()
            }
            Expr::RemovePlayer(player) => {
                flood.remove_player(&player).map_err(player_error)?;
                self.say(format!("player {player} is gone"));
                String::new()
            }
            Expr::SetGate(is_closed) => {
                flood.set_gate(is_closed);
                String::new()
            }
            Expr::Cycle => flood.cycle.to_string(),
            Expr::WaterLevel => metres(flood.level),
            Expr::GateClosed => flood.gate_is_closed().to_string(),
            Expr::People => flood.people.len().to_string(),
            Expr::SafePeople => flood.safe().to_string(),
            Expr::PlayersAtGate => flood.players_at_gate().to_string(),
            Expr::Players => flood.players.len().to_string(),
            Expr::Literal(text) => text,
        })
    }

    fn ask(&mut self, client: ClientId, command: &Command) -> Result<Json, Refusal> {
        let action = needed(command, "ask", "action")?;
        let id = self.find_ready(client, command, "ask")?;
        let agent = command.get("agent").and_then(Json::as_str).unwrap_or_default();
        if !AGENTS.contains(&agent) {
            return Err(unable(&format!("the one agent that can be asked is {}", AGENTS[0])));
        }
        let args = arguments(command)?;
        let player = args.get("id").and_then(Json::as_str).unwrap_or_default();
        let Some(experiment) = self.experiments.get_mut(&id) else {
            return Ok(Json::from(""));
        };
        let error = |error: super::flood::PlayerError| unable(&format!("{action}: {error}"));
        let one = experiment.flood.player(player).map_err(error);
        match action {
            "send_init_data" => {
                one?;
                let flood = &experiment.flood;
                let elements = [
                    (player.to_owned(), world::precision(flood, player)),
                    (player.to_owned(), world::properties()),
                ];
                self.send_elements(id, &elements);
            }
            "move_player_external" => {
                let player = one?;
                player.x = coordinate(&args, "x").unwrap_or(player.x).clamp(0, WIDTH);
                player.y = coordinate(&args, "y").unwrap_or(player.y).clamp(0, DEPTH);
                player.z = coordinate(&args, "z").unwrap_or(player.z).clamp(0, DEPTH);
                player.angle = coordinate(&args, "angle").unwrap_or(player.angle).rem_euclid(360);
            }
            "player_position_updated" => {
                one?;
            }
            "player_ready_to_receive_geometries" => {
                one?.is_ready = true;
                // The first world shows the player where it is, also while nothing runs.
                self.show(id);
            }
            other => {
                let other: String = other.chars().take(40).collect();
                return Err(unable(&format!("no action '{other}'; what it understands: {ASKS}")));
            }
        }
        Ok(Json::from(""))
    }

    fn describe(&self, command: &Command) -> Result<Json, Refusal> {
        let model = needed(command, "describe", "model")?;
        let species = |name: &str, variables: &[&str], actions: &[&str]| json!({"name": name, "variables": variables, "actions": actions});
        let experiments: Vec<&str> = self
            .experiments
            .values()
            .filter(|experiment| experiment.model == model)
            .map(|experiment| experiment.name.as_str())
            .collect();
        Ok(json!({
            "name": "practice stand-in for GAMA",
            "practice": true,
            "path": model,
            "experiments": experiments,
            "species": [
                species("world", &["cycle", "water_level", "gate_closed"], &["create_player", "remove_player", "set_gate"]),
                species("people", &["location", "is_safe"], &[]),
                species("unity_player", &["location", "angle"], &[]),
                species("unity_linker", &[], &ASKS.split(", ").collect::<Vec<_>>()),
            ],
        }))
    }
}

fn validate(command: &Command) -> Result<Json, Refusal> {
    let text = needed(command, "validate", "expr")?;
    match gaml::parse(text) {
        Some(_) => Ok(Json::from(text)),
        None => Err(unable(&format!(
            "it is no GAML; what it understands: {}",
            gaml::UNDERSTOOD
        ))),
    }
}

/// A text that a command needs.
fn needed<'a>(command: &'a Command, kind: &str, field: &str) -> Result<&'a str, Refusal> {
    let text = command.get(field).and_then(Json::as_str);
    text.ok_or_else(|| Refusal::Malformed(format!("practice stand-in: '{kind}' needs the text '{field}'")))
}

fn unable(words: &str) -> Refusal {
    Refusal::Unable(format!("practice stand-in: {words}"))
}

/// How many cycles; 1 where nothing is said.
fn step_count(command: &Command) -> Result<u64, Refusal> {
    let count = match command.get("nb_step") {
        None => Some(1),
        Some(Json::String(text)) => text.trim().parse().ok(),
        Some(other) => other.as_u64(),
    };
    count.filter(|count| (1..=STEPS_MAX).contains(count)).ok_or_else(|| {
        Refusal::Malformed(format!(
            "practice stand-in: 'nb_step' is a number from 1 to {STEPS_MAX}"
        ))
    })
}

/// The arguments of an ask: an object, or a text with one in it.
fn arguments(command: &Command) -> Result<Map<String, Json>, Refusal> {
    let object = match command.get("args") {
        None => Some(Map::new()),
        Some(Json::Object(object)) => Some(object.clone()),
        Some(Json::String(text)) => serde_json::from_str(text).ok(),
        Some(_) => None,
    };
    object.ok_or_else(|| unable("'args' is an object, or a text with an object in it"))
}

/// A number, or a text that holds one; fractions are cut.
fn coordinate(args: &Map<String, Json>, name: &str) -> Option<i64> {
    let number = match args.get(name)? {
        Json::String(text) => text.trim().parse::<f64>().ok(),
        other => other.as_f64(),
    };
    number.filter(|number| number.is_finite()).map(|number| number as i64)
}

/// Millimetres as metres.
fn metres(mm: i64) -> String {
    format!("{}.{:03}", mm / 1_000, mm % 1_000)
}
