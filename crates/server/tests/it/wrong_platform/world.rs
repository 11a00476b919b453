//! What the small platform knows, and what it does about what it hears.

mod game;

use super::{Fault, Out};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Pause between two states (SI-12).
const STATE_EVERY: Duration = Duration::from_millis(50);
/// How long a stop waits for the pause (SI-20).
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Someone at the headset port.
pub(super) struct Headset {
    pub(super) out: Out,
    pub(super) from: IpAddr,
    /// Place in the list of players, once it has said who it is.
    pub(super) player: Option<usize>,
}

/// A player, connected or not.
pub(super) struct Player {
    pub(super) id: String,
    pub(super) interval: Value,
    pub(super) every: Duration,
    pub(super) next_ping: Instant,
    pub(super) pinged: bool,
    pub(super) alive: bool,
    pub(super) in_game: bool,
    pub(super) conn: Option<u64>,
    pub(super) from: IpAddr,
}

/// Everything behind the lock.
pub(super) struct World {
    pub(super) fault: Option<Fault>,
    pub(super) monitors: BTreeMap<u64, Out>,
    pub(super) headsets: BTreeMap<u64, Headset>,
    pub(super) players: Vec<Player>,
    pub(super) gama: Option<Out>,
    pub(super) greeted: bool,
    pub(super) headless: bool,
    pub(super) state: String,
    pub(super) loading: bool,
    pub(super) error: Value,
    pub(super) exp_id: String,
    pub(super) exp_name: String,
    /// A stop waits for the pause since then.
    pub(super) stopping: Option<Instant>,
    active: usize,
    screen: Option<Value>,
    last_state: String,
    told_at: Option<Instant>,
    next_conn: u64,
}

impl World {
    pub(super) fn new(fault: Option<Fault>) -> World {
        World {
            fault,
            monitors: BTreeMap::new(),
            headsets: BTreeMap::new(),
            players: Vec::new(),
            gama: None,
            greeted: false,
            headless: false,
            state: "NONE".to_owned(),
            loading: false,
            error: json!(""),
            exp_id: String::new(),
            exp_name: String::new(),
            stopping: None,
            active: 0,
            screen: None,
            last_state: String::new(),
            told_at: None,
            next_conn: 0,
        }
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn models() -> [Value; 3] {
        let model = |name: &str, most: &str| {
            json!({"type": "json_settings", "name": name, "splashscreen": "x.png", "model_file_path": format!("/models/{name}.gaml"),
                   "experiment_name": format!("xp {name}"), "minimal_players": "0", "maximal_players": most, "kept": {"as": "it is"}})
        };
        [model("Flood", "6"), model("Small", "1"), model("Deep", "9")]
    }

    fn indices(&self) -> [u64; 3] {
        match self.has(Fault::IndexTwice) {
            true => [0, 1, 1],
            false => [0, 1, 2],
        }
    }

    fn catalog(&self) -> String {
        let [flood, small, deep] = World::models();
        let [first, second, third] = self.indices();
        let odd = self.has(Fault::CatalogTypeOdd);
        let leaf = |model: &Value, index: u64| {
            let kind = if odd { "model" } else { "json_settings" };
            json!({"type": kind, "name": model["name"], "splashscreen": model["splashscreen"], "model_index": index})
        };
        let inner = json!({"type": "catalog", "name": "Inner", "entries": [leaf(&deep, third)]});
        json!([leaf(&flood, first), {"type": "catalog", "name": "More", "entries": [leaf(&small, second), inner]}])
            .to_string()
    }

    pub(super) fn active_settings(&self) -> Value {
        World::models()[self.active].clone()
    }

    pub(super) fn monitor_joins(&mut self, out: Out) -> u64 {
        self.next_conn += 1;
        // What the newcomer is told is what all were told last, so that the next change is one for everybody.
        self.tell_state(false);
        out.say(self.json_state());
        let mut settings = self.active_settings();
        if self.has(Fault::SettingsWithIndex) {
            settings["model_index"] = json!(self.active);
        }
        out.say(settings.to_string());
        if let Some(screen) = self.screen.as_ref().filter(|_| !self.has(Fault::ScreenForgotten)) {
            out.say(screen.to_string());
        }
        self.monitors.insert(self.next_conn, out);
        self.next_conn
    }

    pub(super) fn leaves(&mut self, conn: u64) {
        self.monitors.remove(&conn);
        self.headsets.remove(&conn);
        for player in self.players.iter_mut().filter(|player| player.conn == Some(conn)) {
            player.conn = None;
        }
        self.changed();
    }

    /// A state has changed: it is told now, or with the next tick that may tell.
    pub(super) fn changed(&mut self) {
        let waits = self.told_at.is_some_and(|at| at.elapsed() < STATE_EVERY);
        if !waits || self.has(Fault::BurstNotPutTogether) {
            self.tell_state(false);
        }
    }

    pub(super) fn tell_state(&mut self, again: bool) {
        let state = self.json_state();
        if state == self.last_state && !again {
            return;
        }
        let times = if self.has(Fault::StatesRepeated) { 2 } else { 1 };
        for out in self.monitors.values() {
            (0..times).for_each(|_| out.say(state.clone()));
        }
        self.last_state = state;
        self.told_at = Some(Instant::now());
    }

    pub(super) fn tick(&mut self) {
        self.changed();
        if self.stopping.is_some_and(|since| since.elapsed() >= PAUSE_MAX) {
            self.stopping = None;
            self.control("stop");
        }
        let now = Instant::now();
        for at in 0..self.players.len() {
            let (silent_stays, at_once) = (self.has(Fault::SilentStays), self.has(Fault::PingsAtOnce));
            let player = &mut self.players[at];
            let Some(conn) = player.conn else { continue };
            let first_at_once = at_once && !player.pinged;
            if now < player.next_ping && !first_at_once {
                continue;
            }
            let Some(headset) = self.headsets.get(&conn) else {
                continue;
            };
            if player.pinged && !player.alive && !silent_stays {
                player.conn = None;
                headset.out.close(1000);
                continue;
            }
            headset.out.say(r#"{"type":"ping"}"#);
            player.pinged = true;
            player.alive = false;
            player.next_ping = now + player.every;
        }
    }

    fn json_state(&self) -> String {
        let loading = match self.fault {
            Some(Fault::LoadingAlways) => true,
            Some(Fault::LoadingNever) => false,
            _ => self.loading || !self.greeted,
        };
        let mut gama = Map::new();
        gama.insert("connected".to_owned(), json!(self.greeted));
        gama.insert("experiment_state".to_owned(), json!(self.state));
        gama.insert("loading".to_owned(), json!(loading));
        gama.insert("content_error".to_owned(), self.error.clone());
        gama.insert("experiment_id".to_owned(), json!(self.exp_id));
        gama.insert("experiment_name".to_owned(), json!(self.exp_name));
        if self.has(Fault::StateOrder) {
            let connected = gama.shift_remove("connected").unwrap();
            gama.insert("connected".to_owned(), connected);
        }
        let mut order: Vec<&Player> = self.players.iter().collect();
        if self.has(Fault::PlayersSorted) {
            order.sort_by_key(|player| &player.id);
        }
        if self.has(Fault::MonitorsNotTold) {
            order.clear();
        }
        let mut players = Map::new();
        for player in order {
            let mut fields = self.player_fields(player);
            if self.has(Fault::PlayerOrder) {
                let id = fields.shift_remove("id").unwrap();
                fields.insert("id".to_owned(), id);
            }
            players.insert(player.id.clone(), Value::Object(fields));
        }
        json!({"type": "json_state", "gama": gama, "player": players}).to_string()
    }

    fn player_fields(&self, player: &Player) -> Map<String, Value> {
        let fields = json!({
            "id": player.id,
            "ping_interval": player.interval,
            "is_alive": player.alive || !player.pinged,
            "connected": player.conn.is_some(),
            "in_game": player.in_game,
            "date_connection": "09:16",
        });
        match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    /// Tells a headset what its player is.
    pub(super) fn tell_player(&self, at: usize) {
        let player = &self.players[at];
        let Some(headset) = player.conn.and_then(|conn| self.headsets.get(&conn)) else {
            return;
        };
        let mut state = Map::new();
        state.insert("type".to_owned(), json!("json_state"));
        state.insert("id_player".to_owned(), json!(player.id));
        state.extend(self.player_fields(player));
        if self.has(Fault::HeadsetFieldOrder) {
            let id = state.shift_remove("id_player").unwrap();
            state.insert("id_player".to_owned(), id);
        }
        headset.out.say(Value::Object(state).to_string());
    }

    pub(super) fn hear_monitor(&mut self, conn: u64, text: &str) {
        let Ok(Value::Object(message)) = serde_json::from_str(text) else {
            return;
        };
        let field = |name: &str| message.get(name).cloned().unwrap_or(Value::Null);
        match message.get("type").and_then(Value::as_str).unwrap_or("") {
            "get_simulation_informations" => {
                let catalog = json!(self.catalog()).to_string();
                let to_all = self.has(Fault::CatalogToAll);
                for (_, out) in self.monitors.iter().filter(|(other, _)| to_all || **other == conn) {
                    out.say(catalog.clone());
                }
            }
            "get_simulation_by_index" => self.select(conn, &field("simulationIndex")),
            "send_simulation" if !self.has(Fault::SendSimulationDeaf) => {
                self.select(conn, &field("simulation")["model_index"]);
            }
            "screen_control" => self.show_screen(message.get("display_type")),
            "try_connection" if self.has(Fault::TryAnswered) => {
                self.monitors[&conn].say(r#"{"type":"try_connection","ok":true}"#);
            }
            "add_player_headset" if !self.has(Fault::AddDeaf) => self.add(field("id").as_str()),
            "remove_player_headset" => self.remove(field("id").as_str()),
            kind => self.order(kind),
        }
    }

    fn select(&mut self, conn: u64, index: &Value) {
        let wanted = match index {
            Value::String(_) if self.has(Fault::TextIndexRefused) => None,
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        };
        let indices = self.indices();
        let found = wanted.and_then(|wanted| indices.iter().position(|index| *index == wanted));
        let found = match found {
            None if self.has(Fault::BadIndexIsFirst) => 0,
            None => return,
            Some(found) => found,
        };
        if !self.has(Fault::SelectionNotActive) {
            self.active = found;
        }
        let mut settings = World::models()[found].clone();
        settings["model_index"] = json!(indices[found]);
        if self.has(Fault::PathRelative) {
            settings["model_file_path"] = json!("models/x.gaml");
        }
        let answer = json!({"type": "get_simulation_by_index", "simulation": settings}).to_string();
        let to_all = self.has(Fault::SelectedToAll);
        for (_, out) in self.monitors.iter().filter(|(other, _)| to_all || **other == conn) {
            out.say(answer.clone());
        }
    }

    fn show_screen(&mut self, display: Option<&Value>) {
        let mut message = json!({"type": "screen_control"});
        let display = match display {
            Some(Value::Null) if self.has(Fault::ScreenNullLost) => None,
            None if self.has(Fault::ScreenBareNull) => Some(&Value::Null),
            other => other,
        };
        if let Some(display) = display {
            message["display_type"] = display.clone();
        }
        for out in self.monitors.values() {
            out.say(message.to_string());
        }
        self.screen = Some(message);
    }

    pub(super) fn headset_joins(&mut self, out: Out, from: IpAddr) -> u64 {
        self.next_conn += 1;
        let headset = Headset {
            out,
            from,
            player: None,
        };
        self.headsets.insert(self.next_conn, headset);
        let known = self.players.iter().position(|player| player.from == from);
        match (known, self.fault) {
            (Some(at), Some(Fault::KeyedByAddress)) => self.be_seated(self.next_conn, at),
            // Whoever comes back is the first player of all.
            (Some(_), Some(Fault::AddressMixedUp)) => self.be_seated(self.next_conn, 0),
            _ => {}
        }
        self.next_conn
    }

    pub(super) fn sit_down(&mut self, conn: u64, at: usize) {
        let player = &mut self.players[at];
        player.conn = Some(conn);
        player.alive = true;
        player.pinged = false;
        player.next_ping = Instant::now() + player.every;
        if let Some(headset) = self.headsets.get_mut(&conn) {
            headset.player = Some(at);
        }
        self.tell_player(at);
        self.changed();
    }
}
