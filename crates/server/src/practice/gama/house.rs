//! The server without its sockets: texts of clients in, texts for clients out. No clock: whoever holds it says how much time has
//! passed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::Flavour;
use super::experiment::{Experiment, State};
use super::fault::{self, Fault, Order};
use super::flood::Flood;
use super::world::{self, Scene};

/// How long an experiment takes to load where a window opens for it, in ms.
pub(super) const LOAD_MS: u64 = 400;

/// Experiments at once. A further load is refused.
const EXPERIMENTS_MAX: usize = 32;

/// Cycles that one `step` may ask for. More are refused: nobody else would be answered meanwhile.
pub(super) const STEPS_MAX: u64 = 10_000;

/// Names a client.
pub(super) type ClientId = u64;

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Out {
    /// A text that must arrive.
    Text(ClientId, String),
    /// A world: one that comes too late may be left out.
    World(ClientId, String),
    /// Every connection is torn.
    DropLinks,
    /// A line for the console.
    Say(String),
}

/// What a simulation is made of.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub(super) flavour: Flavour,
    pub(super) seed: u64,
    pub(super) people: usize,
    /// What a world of one player should have at least, in bytes.
    pub(super) world_bytes: usize,
}

/// Everything that the server remembers.
#[derive(Debug)]
pub(super) struct House {
    pub(super) recipe: Recipe,
    clients: BTreeSet<ClientId>,
    /// By the number that is their `exp_id`.
    pub(super) experiments: BTreeMap<u64, Experiment>,
    next_experiment: u64,
    pub(super) lasting: Option<Fault>,
    /// Happens when something runs.
    armed: Option<Fault>,
    pub(super) outs: Vec<Out>,
}

impl House {
    /// A server without clients; `fault` is there from the start, or happens when an experiment first runs.
    pub(super) fn new(recipe: Recipe, fault: Option<Fault>) -> House {
        House {
            recipe,
            clients: BTreeSet::new(),
            experiments: BTreeMap::new(),
            next_experiment: 0,
            lasting: fault.filter(|fault| fault.is_lasting()),
            armed: fault.filter(|fault| !fault.is_lasting()),
            outs: Vec::new(),
        }
    }

    /// A client has come; it is greeted (GA-1).
    pub(super) fn connected(&mut self, client: ClientId) -> Vec<Out> {
        self.clients.insert(client);
        let greeting = json!({"type": "ConnectionSuccessful", "content": format!("practice-{client}")});
        self.tell(client, &greeting);
        self.say(format!("client {client} is there"));
        self.done()
    }

    /// A client is gone; its experiments end with it where they are its own.
    pub(super) fn left(&mut self, client: ClientId) -> Vec<Out> {
        if self.clients.remove(&client) {
            self.say(format!("client {client} is gone"));
        }
        self.experiments
            .retain(|_, experiment| experiment.owner != Some(client));
        self.done()
    }

    /// One text of a client.
    pub(super) fn take(&mut self, client: ClientId, text: &str) -> Vec<Out> {
        match serde_json::from_str(text) {
            Ok(Json::Object(command)) => self.command(client, &command),
            _ => {
                let words = "practice stand-in: a command is a JSON object with a type";
                let answer = json!({"type": "MalformedRequest", "content": words});
                self.answer_with(client, &answer);
            }
        }
        self.done()
    }

    /// Time passes: one cycle of everything that runs, and `dt_ms` of what loads.
    pub(super) fn tick(&mut self, dt_ms: u64) -> Vec<Out> {
        let ids: Vec<u64> = self.experiments.keys().copied().collect();
        for id in ids {
            let Some(experiment) = self.experiments.get_mut(&id) else {
                continue;
            };
            match experiment.state {
                State::NotReady => {
                    experiment.load_ms = experiment.load_ms.saturating_sub(dt_ms);
                    if experiment.load_ms == 0 {
                        self.enter(id, State::Paused);
                    }
                }
                State::Running => {
                    experiment.step();
                    self.show(id);
                }
                State::Paused | State::Finished => {}
            }
        }
        self.done()
    }

    /// Somebody at the keyboard asks for a fault.
    pub(super) fn order(&mut self, line: &str) -> Vec<Out> {
        match fault::parse(line) {
            Ok(order) => self.begin(order),
            Err(words) => self.say(words),
        }
        self.done()
    }

    /// Carries out an order for faults.
    pub(super) fn begin(&mut self, order: Order) {
        match order {
            Order::Off => {
                self.lasting = None;
                self.armed = None;
                self.say("fault: off".to_owned());
            }
            Order::Begin(fault) if fault.is_lasting() => {
                self.lasting = Some(fault);
                self.say(format!("fault: {} until it is switched off", fault.name()));
            }
            Order::Begin(fault) => {
                self.say(format!("fault: {}", fault.name()));
                self.happen(fault);
            }
        }
    }

    /// A new experiment, in the state in which loading leaves it.
    pub(super) fn load(&mut self, client: ClientId, name: &str, model: &str, has_console: bool) -> Result<u64, String> {
        let (id, owner) = match self.recipe.flavour {
            // A window has one experiment, and everybody sees it.
            Flavour::Gui => (0, None),
            Flavour::Headless => (self.next_experiment, Some(client)),
        };
        let file = Path::new(model);
        if !file.is_file() {
            return Err(format!("'{model}' does not exist"));
        }
        if file.extension().is_none_or(|extension| extension != "gaml") {
            return Err(format!("'{model}' is not a gaml file"));
        }
        if self.recipe.flavour == Flavour::Headless {
            if self.experiments.len() >= EXPERIMENTS_MAX {
                return Err(format!(
                    "practice stand-in: no more than {EXPERIMENTS_MAX} experiments at once"
                ));
            }
            self.next_experiment += 1;
        }
        let mut experiment = Experiment::new(name, model, owner, self.fresh());
        experiment.has_console = has_console;
        experiment.load_ms = LOAD_MS;
        if self.recipe.flavour == Flavour::Headless {
            experiment.state = State::Paused;
        }
        self.experiments.insert(id, experiment);
        Ok(id)
    }

    pub(super) fn fresh(&self) -> Flood {
        Flood::new(self.recipe.seed, self.recipe.people)
    }

    /// A state is entered, and told where states are told (GA-5, GA-6).
    pub(super) fn enter(&mut self, id: u64, state: State) {
        let Some(experiment) = self.experiments.get_mut(&id) else {
            return;
        };
        experiment.state = state;
        let name = experiment.name.clone();
        self.status(id, state.word());
        self.say(format!("experiment '{name}' ({id}): {}", state.word()));
        if state == State::Running
            && let Some(fault) = self.armed.take()
        {
            self.begin(Order::Begin(fault));
        }
    }

    /// Tells a state, where states are told.
    pub(super) fn status(&mut self, id: u64, word: &str) {
        if self.recipe.flavour == Flavour::Gui {
            self.broadcast(id, "SimulationStatus", Json::from(word));
        }
    }

    /// An experiment ends; who sees states sees it go.
    pub(super) fn close(&mut self, id: u64) {
        if !self.experiments.contains_key(&id) {
            return;
        }
        self.status(id, State::NotReady.word());
        self.status(id, "NONE");
        self.experiments.remove(&id);
        self.say(format!("experiment {id} is closed"));
    }

    /// The world as it is now, to every player who takes it; and a line about the gate when it has moved.
    pub(super) fn show(&mut self, id: u64) {
        let Some(experiment) = self.experiments.get_mut(&id) else {
            return;
        };
        let is_closed = experiment.flood.gate_is_closed();
        let is_news = experiment.gate_said != is_closed;
        experiment.gate_said = is_closed;
        if is_news {
            let words = if is_closed {
                "the gate is closed: the water falls"
            } else {
                "the gate is open: the water rises"
            };
            self.console_line(id, words);
        }
        let Some(experiment) = self.experiments.get(&id) else {
            return;
        };
        let flood = &experiment.flood;
        let ready: Vec<&String> = flood
            .players
            .iter()
            .filter(|(_, player)| player.is_ready)
            .map(|(id, _)| id)
            .collect();
        if ready.is_empty() {
            return;
        }
        let scene = Scene::of(flood, self.recipe.world_bytes);
        let elements: Vec<(String, Json)> = ready
            .into_iter()
            .map(|id| (id.clone(), scene.for_player(flood, id)))
            .collect();
        let message = simulation_output(id, &elements);
        for client in self.listeners(id) {
            self.outs.push(Out::World(client, message.clone()));
        }
    }

    /// Pieces that must arrive, each for one player.
    pub(super) fn send_elements(&mut self, id: u64, elements: &[(String, Json)]) {
        let message = simulation_output(id, elements);
        for client in self.listeners(id) {
            self.outs.push(Out::Text(client, message.clone()));
        }
    }

    /// A line of the experiment's console (GA-7).
    pub(super) fn console_line(&mut self, id: u64, words: &str) {
        if self
            .experiments
            .get(&id)
            .is_some_and(|experiment| experiment.has_console)
        {
            let content = json!({
                "message": format!("practice stand-in: {words}"),
                "color": {"red": 0, "green": 0, "blue": 0, "alpha": 255},
            });
            self.broadcast(id, "SimulationOutput", content);
        }
    }

    /// A message about an experiment, to everybody who hears of it.
    pub(super) fn broadcast(&mut self, id: u64, kind: &str, content: Json) {
        let message = json!({"type": kind, "content": content, "exp_id": id.to_string()});
        for client in self.listeners(id) {
            self.tell(client, &message);
        }
    }

    /// Who hears of an experiment: its owner, or everybody.
    fn listeners(&self, id: u64) -> Vec<ClientId> {
        match self.experiments.get(&id).and_then(|experiment| experiment.owner) {
            Some(owner) => vec![owner],
            None => self.clients.iter().copied().collect(),
        }
    }

    /// The answer to a command, with the command in it (GA-4). GAMA gives its fields in an order of its own, so they stand the
    /// other way round here: a client must not rely on theirs.
    pub(super) fn answer(&mut self, client: ClientId, kind: &str, content: Json, command: &Map<String, Json>) {
        let command: Map<String, Json> = command
            .iter()
            .rev()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        self.answer_with(client, &json!({"type": kind, "content": content, "command": command}));
    }

    fn answer_with(&mut self, client: ClientId, answer: &Json) {
        match self.lasting {
            Some(Fault::Silent) => {}
            Some(Fault::Malformed) => {
                let mut text = answer.to_string();
                let middle = (0..=text.len() / 2)
                    .rev()
                    .find(|at| text.is_char_boundary(*at))
                    .unwrap_or(0);
                text.truncate(middle);
                self.outs.push(Out::Text(client, text));
            }
            _ => self.tell(client, answer),
        }
    }

    fn tell(&mut self, client: ClientId, message: &Json) {
        self.outs.push(Out::Text(client, message.to_string()));
    }

    pub(super) fn say(&mut self, line: String) {
        self.outs.push(Out::Say(line));
    }

    fn done(&mut self) -> Vec<Out> {
        std::mem::take(&mut self.outs)
    }
}

fn simulation_output(id: u64, elements: &[(String, Json)]) -> String {
    json!({"type": "SimulationOutput", "content": world::output(elements), "exp_id": id.to_string()}).to_string()
}

#[cfg(test)]
#[path = "house_tests.rs"]
mod tests;
