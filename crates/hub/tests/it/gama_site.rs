//! A class with a GAMA of the house, for the tests of the link and the experiment.

use crate::fake_gama::{FakeGama, Kind};
use crate::house::{House, Wire};
use crosstie_hub::api::classroom::{ClassRow, ClassroomReply, ClassroomRequest, ConsoleLine, GamaRow, OrderWord};
use crosstie_hub::api::{Problem, Reply, Request};
use crosstie_hub::classroom::catalog::{Catalog, Model};
use crosstie_hub::settings::{ClassroomSettings, GamaSettings, Settings};
use crosstie_hub::{ConnId, Face, Input};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Two models, `vr_xp` and `flood`.
pub(crate) fn catalog() -> Catalog {
    let model = |name: &str| Model {
        name: name.to_uppercase(),
        experiment: name.to_owned(),
        file: format!("/models/{name}.gaml"),
        is_here: true,
        settings: json!({"type": "json_settings", "name": name}).to_string(),
        ..Model::default()
    };
    Catalog {
        models: vec![model("vr_xp"), model("flood")],
        ..Catalog::default()
    }
}

/// A project with nothing but a class.
pub(crate) fn class(gama: GamaSettings) -> Settings {
    Settings {
        classroom: Some(ClassroomSettings {
            gama: Some(gama),
            ..ClassroomSettings::default()
        }),
        ..Settings::default()
    }
}

/// The house and its GAMA.
pub(crate) struct Site {
    pub(crate) house: House,
    pub(crate) gama: FakeGama,
}

impl Site {
    /// GAMA has greeted; its kind is found out.
    pub(crate) fn new(kind: Kind) -> Site {
        Site::with(kind, GamaSettings::default())
    }

    pub(crate) fn with(kind: Kind, settings: GamaSettings) -> Site {
        Site::of(kind, class(settings))
    }

    pub(crate) fn of(kind: Kind, settings: Settings) -> Site {
        let mut house = House::with(settings);
        house.give(Input::Packages(Arc::new(catalog())));
        let gama = FakeGama::arrive(&mut house, kind);
        Site { house, gama }
    }

    pub(crate) fn run(&mut self, millis: u64) {
        self.gama.run(&mut self.house, millis);
    }

    /// GAMA reports a state, and it has arrived.
    pub(crate) fn status(&mut self, state: &str) {
        self.gama.status(&mut self.house, state);
        self.run(2);
    }

    /// GAMA says something, and it has arrived.
    pub(crate) fn say(&mut self, message: Json) {
        self.gama.say(&mut self.house, message);
        self.run(2);
    }

    /// GAMA is dead, and another one has come with the next dial.
    pub(crate) fn revive(&mut self) {
        let kind = self.gama.kind;
        self.house.run_for(ms(5_000));
        self.gama = FakeGama::arrive(&mut self.house, kind);
    }

    // The class as the API shows it.

    /// An order, carried out or refused with these words.
    pub(crate) fn order(&mut self, order: OrderWord) -> Result<(), String> {
        match self.house.ask(Request::Classroom(ClassroomRequest::Order(order))) {
            Reply::Classroom(ClassroomReply::State(_)) => Ok(()),
            Reply::Refused(refused) => Err(refused.to_string()),
            other => panic!("{other:?}"),
        }
    }

    /// The same, and GAMA has done what it does about it.
    pub(crate) fn does(&mut self, order: OrderWord) {
        assert_eq!(self.order(order), Ok(()));
        self.run(20);
    }

    /// An experiment that is loaded.
    pub(crate) fn launched(kind: Kind) -> Site {
        let mut site = Site::new(kind);
        site.does(OrderWord::Launch);
        assert_eq!(site.row().state, "PAUSED");
        site.gama.heard.clear();
        site
    }

    pub(crate) fn class(&mut self) -> ClassRow {
        match self.house.ask(Request::Classroom(ClassroomRequest::State)) {
            Reply::Classroom(ClassroomReply::State(row)) => *row,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn row(&mut self) -> GamaRow {
        self.class().gama.expect("the class has a GAMA")
    }

    /// Words of the last error.
    pub(crate) fn error(&mut self) -> Option<String> {
        self.row().error.map(|error| error.text)
    }

    pub(crate) fn console(&mut self) -> Vec<ConsoleLine> {
        let request = ClassroomRequest::Console { after: None };
        match self.house.ask(Request::Classroom(request)) {
            Reply::Classroom(ClassroomReply::Console(lines, _)) => lines,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn problems(&mut self) -> Vec<Problem> {
        match self.house.ask(Request::Health) {
            Reply::Health(row) => row.problems,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn problem(&mut self, id: &str) -> Option<String> {
        let problems = self.problems();
        problems
            .into_iter()
            .find(|problem| problem.id == id)
            .map(|problem| problem.text)
    }

    /// The players in the game, as the class has them.
    pub(crate) fn in_game(&mut self) -> Vec<String> {
        let players = self.class().players.into_iter();
        players
            .filter(|player| player.in_game)
            .map(|player| player.id)
            .collect()
    }

    // Peers.

    /// A headset that has said who it is.
    pub(crate) fn headset(&mut self, id: &str) -> ConnId {
        let conn = self.house.connect_as(Face::Headset, Wire::default());
        let hello = json!({"type": "connection", "id": id, "heartbeat": 600_000});
        self.house.say(conn, hello);
        self.run(10);
        conn
    }

    /// A monitor that has been greeted.
    pub(crate) fn monitor(&mut self) -> ConnId {
        let conn = self.house.connect_as(Face::Monitor, Wire::default());
        self.run(5);
        conn
    }

    /// The `gama` part of the newest state that a monitor has been told.
    pub(crate) fn told(&mut self, monitor: ConnId) -> Json {
        let inbox = &self.house.peer(monitor).inbox;
        let mut states = inbox.iter().filter(|message| message["type"] == "json_state");
        states.next_back().expect("it was told a state")["gama"].clone()
    }
}
