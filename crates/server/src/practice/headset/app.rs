//! The app without its socket: what it answers to each text, and what it has seen.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::walk::{Walk, Walker};

/// The agent that the app asks.
const AGENT: &str = "simulation[0].unity_linker[0]";

/// Kinds of worlds that are counted by name; further ones are counted together.
const KINDS_MAX: usize = 16;

/// One player's app.
#[derive(Debug)]
pub(super) struct App {
    id: String,
    deaf: bool,
    walker: Walker,
    /// As the platform has said.
    pub(super) in_game: bool,
    /// The simulation has said how its numbers are to be read.
    initialised: bool,
    /// Since the last [`App::take_seen`].
    seen: Seen,
}

/// What has come in a while.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Messages by the first key of their contents.
    pub(super) kinds: BTreeMap<String, u64>,
    pub(super) bytes: u64,
    pub(super) unreadable: u64,
}

impl Seen {
    /// All messages.
    pub(super) fn count(&self) -> u64 {
        self.kinds.values().sum()
    }
}

/// What a text leads to.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    Send(String),
    /// Words for the console.
    Say(String),
}

impl App {
    pub(super) fn new(id: &str, walk: Walk, deaf: bool) -> App {
        // Every player walks its own way, and the same way again.
        let seed = id
            .bytes()
            .fold(7, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        App {
            id: id.to_owned(),
            deaf,
            walker: Walker::new(walk, seed),
            in_game: false,
            initialised: false,
            seen: Seen::default(),
        }
    }

    /// A connection is there: the first message (SI-30). Unity sends the interval as a text.
    pub(super) fn hello(&mut self, heartbeat_ms: u64) -> String {
        self.in_game = false;
        self.initialised = false;
        json!({"type": "connection", "id": self.id, "heartbeat": heartbeat_ms.to_string()}).to_string()
    }

    /// One text of the platform.
    pub(super) fn take(&mut self, text: &str) -> Vec<Step> {
        let Ok(Json::Object(message)) = serde_json::from_str(text) else {
            self.seen.unreadable += 1;
            return Vec::new();
        };
        match message.get("type").and_then(Json::as_str) {
            Some("ping") if !self.deaf => vec![Step::Send(json!({"type": "pong"}).to_string())],
            Some("json_state") => self.take_state(message.get("in_game") == Some(&Json::Bool(true))),
            Some("json_output") => {
                self.seen.bytes += text.len() as u64;
                self.take_output(message.get("contents").unwrap_or(&Json::Null))
            }
            _ => Vec::new(),
        }
    }

    fn take_state(&mut self, in_game: bool) -> Vec<Step> {
        let was = std::mem::replace(&mut self.in_game, in_game);
        match (was, in_game) {
            (false, true) => vec![Step::Say("in the game".to_owned()), Step::Send(self.init_request())],
            (true, false) => {
                self.initialised = false;
                vec![Step::Say("out of the game, waits".to_owned())]
            }
            (false, false) => vec![Step::Say("connected, waits for the game".to_owned())],
            (true, true) => Vec::new(),
        }
    }

    fn take_output(&mut self, contents: &Json) -> Vec<Step> {
        let first = contents.as_object().and_then(|object| object.keys().next());
        let kind = first.map_or("(no key)", String::as_str);
        let mut steps = Vec::new();
        if self.count(kind) {
            steps.push(Step::Say(format!("receives {kind}")));
        }
        if kind == "precision" {
            let numbers = |key: &str| {
                let list = contents.get(key)?.as_array()?;
                Some((list.first()?.as_i64()?, list.get(1)?.as_i64()?))
            };
            if let Some(precision) = contents.get("precision").and_then(Json::as_i64) {
                self.walker.measure(precision);
            }
            if let Some(at) = numbers("position") {
                self.walker.place(at, numbers("world"));
            }
            if !self.initialised {
                self.initialised = true;
                steps.push(Step::Send(
                    self.ask("player_ready_to_receive_geometries", &json!({"id": self.id})),
                ));
            }
        }
        steps
    }

    /// Counts a message; true for the first of its kind.
    fn count(&mut self, kind: &str) -> bool {
        let kinds = &mut self.seen.kinds;
        let name = if kinds.contains_key(kind) || kinds.len() < KINDS_MAX {
            kind
        } else {
            "(more)"
        };
        let count = kinds.entry(name.to_owned()).or_default();
        *count += 1;
        *count == 1 && name == kind
    }

    /// The next move; nothing while there is no game.
    pub(super) fn walk(&mut self) -> Option<String> {
        if !self.in_game || !self.initialised {
            return None;
        }
        let (x, y, angle) = self.walker.step();
        // The app sends numbers as texts.
        let args = json!({
            "id": self.id, "x": x.to_string(), "y": y.to_string(), "z": "0", "angle": angle.to_string(),
        });
        Some(self.ask("move_player_external", &args))
    }

    /// Asks again for what has not come; nothing where it has, or where there is no game.
    pub(super) fn remind(&self) -> Option<String> {
        (self.in_game && !self.initialised).then(|| self.init_request())
    }

    fn init_request(&self) -> String {
        self.ask("send_init_data", &json!({"id": self.id}))
    }

    fn ask(&self, action: &str, args: &Json) -> String {
        json!({"type": "ask", "action": action, "args": args.to_string(), "agent": AGENT}).to_string()
    }

    /// What has come since the last time; kinds stay known.
    pub(super) fn take_seen(&mut self) -> Seen {
        let kinds = self.seen.kinds.keys().map(|kind| (kind.clone(), 0)).collect();
        let fresh = Seen {
            kinds,
            ..Seen::default()
        };
        std::mem::replace(&mut self.seen, fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app() -> App {
        let mut app = App::new("Player_101", Walk::Circle, false);
        app.hello(5_000);
        app
    }

    fn sent(steps: &[Step]) -> Vec<Json> {
        let texts = steps.iter().filter_map(|step| match step {
            Step::Send(text) => serde_json::from_str(text).ok(),
            Step::Say(_) => None,
        });
        texts.collect()
    }

    const IN_GAME: &str =
        r#"{"type":"json_state","id_player":"Player_101","id":"Player_101","connected":true,"in_game":true}"#;
    const WAITS: &str =
        r#"{"type":"json_state","id_player":"Player_101","id":"Player_101","connected":true,"in_game":false}"#;
    const PRECISION: &str =
        r#"{"contents":{"precision":1000,"world":[100,60],"position":[5,6,0]},"type":"json_output"}"#;

    #[test]
    fn it_says_who_it_is_with_the_interval_as_a_text() {
        let hello = App::new("A", Walk::Still, false).hello(600);
        assert_eq!(hello, r#"{"type":"connection","id":"A","heartbeat":"600"}"#);
    }

    #[test]
    fn a_ping_is_answered_unless_it_is_deaf() {
        let ping = r#"{"type":"ping"}"#;
        assert_eq!(app().take(ping), [Step::Send(r#"{"type":"pong"}"#.to_owned())]);
        assert!(App::new("A", Walk::Still, true).take(ping).is_empty());
    }

    #[test]
    fn in_the_game_it_asks_for_its_data_then_for_worlds_and_then_it_walks() {
        let mut app = app();
        app.take(WAITS);
        assert_eq!((app.walk(), app.remind()), (None, None));

        let asked = sent(&app.take(IN_GAME));
        assert_eq!(asked[0]["action"], "send_init_data");
        assert_eq!(asked[0]["args"], r#"{"id":"Player_101"}"#);
        assert_eq!(asked[0]["agent"], AGENT);
        assert_eq!(app.walk(), None, "it does not know yet where it is");
        assert!(app.remind().unwrap().contains("send_init_data"));

        let asked = sent(&app.take(PRECISION));
        assert_eq!(asked[0]["action"], "player_ready_to_receive_geometries");
        assert!(sent(&app.take(PRECISION)).is_empty(), "once");
        let moved: Json = serde_json::from_str(&app.walk().unwrap()).unwrap();
        assert_eq!(moved["action"], "move_player_external");
        let args: Json = serde_json::from_str(moved["args"].as_str().unwrap()).unwrap();
        assert!(args["x"].is_string() && args["angle"].is_string(), "{args}");
        assert_eq!(app.remind(), None);

        app.take(WAITS);
        assert_eq!((app.walk(), app.remind()), (None, None));
        assert_eq!(
            sent(&app.take(IN_GAME))[0]["action"],
            "send_init_data",
            "it begins anew"
        );
    }

    #[test]
    fn worlds_are_counted_by_their_first_key() {
        let mut app = app();
        let world = r#"{"contents":{"pointsLoc":[],"names":[]},"type":"json_output"}"#;
        assert_eq!(app.take(world), [Step::Say("receives pointsLoc".to_owned())]);
        assert!(app.take(world).is_empty());
        app.take("no json");
        app.take("[]");
        app.take(r#"{"contents":null,"type":"json_output"}"#);
        let seen = app.take_seen();
        assert_eq!((seen.count(), seen.unreadable, seen.kinds["pointsLoc"]), (3, 2, 2));
        assert_eq!(app.take_seen().count(), 0);
        assert_eq!(
            app.take(world),
            [Step::Say("receives pointsLoc".to_owned())],
            "and again after a while"
        );
    }

    #[test]
    fn kinds_do_not_grow_without_end() {
        let mut app = app();
        for number in 0..100 {
            app.take(&format!(r#"{{"contents":{{"kind{number}":1}},"type":"json_output"}}"#));
        }
        let seen = app.take_seen();
        assert_eq!(seen.kinds.len(), KINDS_MAX + 1);
        assert_eq!(seen.count(), 100);
    }
}
