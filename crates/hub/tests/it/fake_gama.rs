//! A GAMA without sockets: it answers by table, in both flavours, as late and as wrongly as a test wants it to.

use crate::house::{House, Wire};
use crosstie_hub::{ConnId, Face};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What GAMA is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With a window: it reports its states, its experiment is always `"0"`.
    Gui,
    /// Headless: it reports nothing, its experiments have numbers.
    Headless,
}

/// A GAMA server that is driven by the clock of a house.
pub(crate) struct FakeGama {
    pub(crate) conn: ConnId,
    pub(crate) kind: Kind,
    /// Everything that it was sent, oldest first.
    pub(crate) heard: Vec<Json>,
    /// The players that it has.
    pub(crate) players: BTreeSet<String>,
    /// Commands, by their words as in [`word`], that it does not answer.
    pub(crate) silent: BTreeSet<&'static str>,
    /// Commands that it refuses, each with what it says.
    pub(crate) refuses: BTreeMap<&'static str, &'static str>,
    /// It reports no states although it has a window.
    pub(crate) is_mute: bool,
    /// What it says to expressions.
    pub(crate) says: BTreeMap<String, String>,
    experiments: u32,
}

/// What a command is called here: its type, and for expressions that make or remove a player the action.
pub(crate) fn word(command: &Json) -> &'static str {
    const TYPES: [&str; 8] = ["load", "play", "pause", "stop", "step", "stepBack", "reload", "ask"];
    let expr = command["expr"].as_str().unwrap_or_default();
    match TYPES.into_iter().find(|kind| command["type"] == *kind) {
        Some(kind) => kind,
        None if expr.starts_with("do create_player(") => "create_player",
        None if expr.starts_with("do remove_player(") => "remove_player",
        None => "expression",
    }
}

impl FakeGama {
    /// The hub dials, the dial comes about, GAMA greets.
    pub(crate) fn arrive(house: &mut House, kind: Kind) -> FakeGama {
        let mut gama = FakeGama::come(house, kind);
        gama.say(house, json!({"type": "ConnectionSuccessful", "content": "1234567"}));
        gama.run(house, 5);
        gama
    }

    /// The same without a greeting.
    pub(crate) fn come(house: &mut House, kind: Kind) -> FakeGama {
        house.run_for(Duration::from_millis(1));
        assert!(house.gama_dials.pop().is_some(), "the hub dials GAMA");
        FakeGama {
            conn: house.connect_as(Face::Gama, Wire::default()),
            kind,
            heard: Vec::new(),
            players: BTreeSet::new(),
            silent: BTreeSet::new(),
            refuses: BTreeMap::new(),
            is_mute: false,
            says: BTreeMap::new(),
            experiments: 0,
        }
    }

    /// It is killed; it is back with the next dial, which the test makes come about.
    pub(crate) fn die(&mut self, house: &mut House) {
        house.disconnect(self.conn);
    }

    /// Time passes and it answers what it is sent.
    pub(crate) fn run(&mut self, house: &mut House, millis: u64) {
        let end = house.now + Duration::from_millis(millis);
        loop {
            let next = house.next_at().map_or(end, |at| at.min(end));
            house.run_for(next.since(house.now));
            if let Some(peer) = house.peers.get_mut(&self.conn) {
                for command in std::mem::take(&mut peer.inbox) {
                    self.hear(house, command);
                }
            }
            if house.now >= end {
                return;
            }
        }
    }

    /// It says something of its own accord.
    pub(crate) fn say(&mut self, house: &mut House, message: Json) {
        house.say_text(self.conn, message.to_string());
    }

    /// It reports a state.
    pub(crate) fn status(&mut self, house: &mut House, state: &str) {
        let exp_id = self.exp_id();
        self.say(
            house,
            json!({"type": "SimulationStatus", "content": state, "exp_id": exp_id}),
        );
    }

    /// It sends players their pieces of the world.
    pub(crate) fn world(&mut self, house: &mut House, contents: Json) {
        let content = json!({ "contents": contents }).to_string();
        let exp_id = self.exp_id();
        self.say(
            house,
            json!({"type": "SimulationOutput", "content": content, "exp_id": exp_id}),
        );
    }

    /// The words of what it was sent since it was asked last.
    pub(crate) fn words(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.heard).iter().map(word).collect()
    }

    fn exp_id(&self) -> String {
        match self.kind {
            Kind::Gui => String::from("0"),
            Kind::Headless => self.experiments.to_string(),
        }
    }

    fn hear(&mut self, house: &mut House, command: Json) {
        let word = word(&command);
        self.heard.push(command.clone());
        if self.silent.contains(word) {
            return;
        }
        if let Some(text) = self.refuses.get(word) {
            self.answer(house, "UnableToExecuteRequest", text, command);
            return;
        }
        let expr = command["expr"].as_str().unwrap_or_default().to_owned();
        let player = || expr.split('"').nth(1).unwrap_or_default().to_owned();
        let (states, content): (&[&str], String) = match word {
            "load" => {
                self.experiments += 1;
                let content = match self.kind {
                    Kind::Gui => command["experiment"].as_str().unwrap_or_default().to_owned(),
                    Kind::Headless => self.exp_id(),
                };
                (&["NOTREADY", "PAUSED"], content)
            }
            "reload" => (&["NOTREADY", "PAUSED"], String::new()),
            "play" => (&["RUNNING"], String::new()),
            "pause" => (&["PAUSED"], String::new()),
            "stop" => (&["NOTREADY", "NONE"], String::new()),
            "create_player" => {
                self.players.insert(player());
                (&[], String::new())
            }
            "remove_player" => {
                self.players.remove(&player());
                (&[], String::new())
            }
            _ => (&[], self.says.get(&expr).cloned().unwrap_or_default()),
        };
        if matches!(word, "load" | "reload" | "stop") {
            self.players.clear();
        }
        // GAMA with a window answers a load before it reports, and everything else after.
        let reports = self.kind == Kind::Gui && !self.is_mute;
        if word == "load" {
            self.answer(house, "CommandExecutedSuccessfully", &content, command.clone());
        }
        for state in states.iter().filter(|_| reports) {
            self.status(house, state);
        }
        if word != "load" {
            self.answer(house, "CommandExecutedSuccessfully", &content, command);
        }
    }

    /// It answers a command with this type of message.
    pub(crate) fn answer(&mut self, house: &mut House, kind: &str, content: &str, command: Json) {
        self.say(house, json!({"type": kind, "content": content, "command": command}));
    }
}
