//! A class for the tests: a house with models, monitors, headsets and, where a test wants it, GAMA.

use crate::fake_gama::{FakeGama, Kind, word};
use crate::house::{House, Wire};
use crosstie_hub::access::Access;
use crosstie_hub::api::classroom::{ClassroomReply, ClassroomRequest, PlayerRow};
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::classroom::catalog::{Catalog, Entry, Model};
use crosstie_hub::settings::{ClassroomSettings, Settings};
use crosstie_hub::{ConnId, Face, Input};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;

/// The class.
pub(crate) struct Lesson {
    pub(crate) house: House,
    pub(crate) gama: Option<FakeGama>,
    machines: u32,
}

/// A model of this name that takes so many players.
pub(crate) fn model(name: &str, players: (Option<u32>, Option<u32>)) -> Model {
    let settings = format!(r#"{{"type":"json_settings","name":"{name}","model_file_path":"/m/{name}.gaml","own":1}}"#);
    Model {
        name: name.to_owned(),
        experiment: String::from("vr_xp"),
        file: format!("/m/{name}.gaml"),
        is_here: true,
        splash: None,
        minimal_players: players.0,
        maximal_players: players.1,
        selected: settings.replace('}', r#","model_index":0}"#),
        settings,
    }
}

/// A catalog of these models.
pub(crate) fn catalog(models: Vec<Model>) -> Catalog {
    Catalog {
        entries: (0..models.len()).map(Entry::Model).collect(),
        text: String::from(r#"[{"type":"json_settings","name":"Flood","model_index":0}]"#),
        models,
        ..Catalog::default()
    }
}

/// A hub with a classroom of these settings.
pub(crate) fn class(settings: ClassroomSettings) -> Settings {
    Settings {
        classroom: Some(settings),
        ..Settings::default()
    }
}

impl Lesson {
    /// Two models, no GAMA there yet.
    pub(crate) fn new(settings: ClassroomSettings) -> Lesson {
        Lesson::of_models(
            settings,
            vec![model("Flood", (None, None)), model("Fire", (None, None))],
        )
    }

    pub(crate) fn of_models(settings: ClassroomSettings, models: Vec<Model>) -> Lesson {
        Lesson::in_house(House::with(class(settings)), models)
    }

    /// A class in this house, whose settings are those of a [`class`].
    pub(crate) fn in_house(mut house: House, models: Vec<Model>) -> Lesson {
        house.give(Input::Packages(Arc::new(catalog(models))));
        Lesson {
            house,
            gama: None,
            machines: 0,
        }
    }

    /// The same without GAMA in any form.
    pub(crate) fn gamaless() -> Lesson {
        Lesson::new(ClassroomSettings {
            gama: None,
            ..ClassroomSettings::default()
        })
    }

    /// A class whose GAMA is there and takes players: the model is loaded and paused.
    pub(crate) fn launched(settings: ClassroomSettings, players: (Option<u32>, Option<u32>)) -> Lesson {
        let mut lesson = Lesson::of_models(settings, vec![model("Flood", players)]);
        lesson.gama_arrives();
        lesson.launch();
        lesson
    }

    pub(crate) fn gama_arrives(&mut self) {
        self.gama = Some(FakeGama::arrive(&mut self.house, Kind::Gui));
    }

    pub(crate) fn gama(&mut self) -> &mut FakeGama {
        self.gama.as_mut().expect("the test has let GAMA arrive")
    }

    /// What GAMA was sent since it was asked last, but for the hub's own question about its cycle.
    pub(crate) fn heard(&mut self) -> Vec<Json> {
        let mut heard = std::mem::take(&mut self.gama().heard);
        heard.retain(|command| command["expr"] != "cycle");
        heard
    }

    /// The same in words.
    pub(crate) fn words(&mut self) -> Vec<&'static str> {
        self.heard().iter().map(word).collect()
    }

    /// A monitor launches, and leaves.
    pub(crate) fn launch(&mut self) {
        let teacher = self.monitor();
        self.say(teacher, json!({"type": "launch_experiment"}));
        self.house.disconnect(teacher);
        self.ms(1);
    }

    /// Time passes; GAMA answers.
    pub(crate) fn ms(&mut self, millis: u64) {
        match &mut self.gama {
            Some(gama) => gama.run(&mut self.house, millis),
            None => self.house.run_for(Duration::from_millis(millis)),
        }
    }

    /// A monitor that has been greeted.
    pub(crate) fn monitor(&mut self) -> ConnId {
        let conn = self.house.connect_as(Face::Monitor, Wire::default());
        self.ms(5);
        conn
    }

    /// A headset on a machine of its own that has said its name.
    pub(crate) fn headset(&mut self, id: &str) -> ConnId {
        self.machines += 1;
        let address = format!("10.1.0.{}:5000", self.machines);
        self.headset_at(id, &address)
    }

    pub(crate) fn headset_at(&mut self, id: &str, address: &str) -> ConnId {
        let conn = self.socket_at(address);
        // Long enough that no test ends it unless it wants to.
        self.say(conn, json!({"type": "connection", "id": id, "heartbeat": 600_000}));
        conn
    }

    /// A headset that has not said anything.
    pub(crate) fn socket_at(&mut self, address: &str) -> ConnId {
        self.socket_with(Access::full("open listener"), address)
    }

    /// The same, with these rights.
    pub(crate) fn socket_with(&mut self, access: Arc<Access>, address: &str) -> ConnId {
        self.house
            .connect_from(Face::Headset, Wire::default(), access, address.to_owned())
    }

    /// Says it, and waits for what comes of it.
    pub(crate) fn say(&mut self, conn: ConnId, message: Json) {
        self.house.say(conn, message);
        self.ms(5);
    }

    pub(crate) fn say_text(&mut self, conn: ConnId, text: &str) {
        self.house.say_text(conn, text.to_owned());
        self.ms(5);
    }

    /// What a monitor or headset was sent since it was asked last, as it came.
    pub(crate) fn texts(&mut self, conn: ConnId) -> Vec<String> {
        self.house.peer(conn).inbox.clear();
        std::mem::take(&mut self.house.peer(conn).texts)
    }

    /// The same as JSON.
    pub(crate) fn messages(&mut self, conn: ConnId) -> Vec<Json> {
        self.house.peer(conn).texts.clear();
        std::mem::take(&mut self.house.peer(conn).inbox)
    }

    /// The newest state that a monitor has.
    pub(crate) fn state(&mut self, monitor: ConnId) -> Json {
        self.ms(60);
        let states = self.messages(monitor);
        let last = states.into_iter().rfind(|message| message["type"] == "json_state");
        last.expect("the monitor was told a state")
    }

    /// What a new monitor is told of the players.
    pub(crate) fn players(&mut self) -> Json {
        let monitor = self.monitor();
        let state = self.state(monitor);
        self.house.disconnect(monitor);
        state["player"].clone()
    }

    /// Who is in the game, as a new monitor is told.
    pub(crate) fn in_game(&mut self) -> Vec<String> {
        self.named(|player| player["in_game"] == true)
    }

    /// Who is connected, as a new monitor is told.
    pub(crate) fn connected(&mut self) -> Vec<String> {
        self.named(|player| player["connected"] == true)
    }

    fn named(&mut self, which: impl Fn(&Json) -> bool) -> Vec<String> {
        let players = self.players();
        let players = players.as_object().expect("players are an object").iter();
        players
            .filter(|(_, player)| which(player))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// The seat of a player as the API shows it.
    pub(crate) fn row(&mut self, id: &str) -> PlayerRow {
        let state = self.house.ask(Request::Classroom(ClassroomRequest::State));
        let Reply::Classroom(ClassroomReply::State(row)) = state else {
            panic!("{state:?}")
        };
        let seat = row.players.into_iter().find(|player| player.id == id);
        seat.expect("the test named a player")
    }

    pub(crate) fn closed(&mut self, conn: ConnId) -> Option<u16> {
        self.house.peer(conn).closed
    }

    /// Lines of the log that hold this.
    pub(crate) fn logged(&self, part: &str) -> usize {
        self.house.log.iter().filter(|line| line.contains(part)).count()
    }
}
