//! Any order of what monitors, headsets and GAMA do: nothing panics, seats stay whole.

use crate::house::House;
use crate::house::Wire;
use crate::lesson::{Lesson, class};
use crate::replay::executes_again;
use crosstie_hub::settings::{ClassroomSettings, PlayerKey};
use crosstie_hub::{ConnId, Face};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Opens { machine: u8 },
    Says { headset: usize, name: u8 },
    Goodbye { headset: usize },
    Drops { headset: usize },
    Speaks { headset: usize },
    Reads { headset: usize, reads: bool },
    Order(&'static str),
    Player { word: &'static str, name: u8 },
    Status(&'static str),
    World,
    GamaDies,
    Refuses(bool),
    Waits(u64),
}

const ORDERS: [&str; 5] = [
    "launch_experiment",
    "stop_experiment",
    "pause_experiment",
    "resume_experiment",
    "try_connection",
];
const STATES: [&str; 6] = ["NONE", "NOTREADY", "PAUSED", "RUNNING", "FINISHED", "ODD"];

fn step() -> impl Strategy<Value = Step> {
    let headset = 0..12_usize;
    prop_oneof![
        3 => (0..4_u8).prop_map(|machine| Step::Opens { machine }),
        4 => (headset.clone(), 0..4_u8).prop_map(|(headset, name)| Step::Says { headset, name }),
        1 => headset.clone().prop_map(|headset| Step::Goodbye { headset }),
        1 => headset.clone().prop_map(|headset| Step::Drops { headset }),
        2 => headset.clone().prop_map(|headset| Step::Speaks { headset }),
        1 => (headset, any::<bool>()).prop_map(|(headset, reads)| Step::Reads { headset, reads }),
        4 => prop::sample::select(&ORDERS[..]).prop_map(Step::Order),
        2 => (prop::sample::select(&["add_player_headset", "remove_player_headset"][..]), 0..4_u8)
            .prop_map(|(word, name)| Step::Player { word, name }),
        2 => prop::sample::select(&STATES[..]).prop_map(Step::Status),
        2 => Just(Step::World),
        1 => Just(Step::GamaDies),
        1 => any::<bool>().prop_map(Step::Refuses),
        3 => prop::sample::select(&[1, 20, 300, 6_000][..]).prop_map(Step::Waits),
    ]
}

struct Play {
    lesson: Lesson,
    teacher: ConnId,
    headsets: Vec<ConnId>,
}

impl Play {
    fn headset(&self, number: usize) -> Option<ConnId> {
        let open: Vec<ConnId> = self
            .headsets
            .iter()
            .copied()
            .filter(|conn| self.is_open(*conn))
            .collect();
        (!open.is_empty()).then(|| open[number % open.len()])
    }

    fn is_open(&self, conn: ConnId) -> bool {
        self.lesson
            .house
            .peers
            .get(&conn)
            .is_some_and(|peer| peer.closed.is_none())
    }

    fn take(&mut self, step: Step) {
        let lesson = &mut self.lesson;
        match step {
            Step::Opens { machine } => {
                let conn = lesson.socket_at(&format!("10.2.0.{machine}:1"));
                self.headsets.push(conn);
            }
            Step::Says { headset, name } => {
                self.say(
                    headset,
                    json!({"type": "connection", "id": format!("P{name}"), "heartbeat": 2_000}),
                );
            }
            Step::Goodbye { headset } => self.say(headset, json!({"type": "disconnect_properly"})),
            Step::Speaks { headset } => {
                self.say(headset, json!({"type": "expression", "expr": "do x($id);"}));
            }
            Step::Drops { headset } => {
                if let Some(conn) = self.headset(headset) {
                    self.lesson.house.disconnect(conn);
                }
            }
            Step::Reads { headset, reads } => {
                if let Some(conn) = self.headset(headset) {
                    self.lesson.house.peer(conn).reads = false;
                    if reads {
                        self.lesson.house.read_again(conn);
                    }
                }
            }
            Step::Order(order) => lesson.house.say(self.teacher, json!({ "type": order })),
            Step::Player { word, name } => {
                lesson
                    .house
                    .say(self.teacher, json!({"type": word, "id": format!("P{name}")}));
            }
            Step::Status(state) => {
                if let Some(gama) = &mut lesson.gama {
                    gama.status(&mut lesson.house, state);
                }
            }
            Step::World => {
                if let Some(gama) = &mut lesson.gama {
                    gama.world(
                        &mut lesson.house,
                        json!([{"id": ["P0", "P1", "P2"], "contents": {"pointsLoc": 1}}]),
                    );
                }
            }
            Step::GamaDies => {
                if let Some(mut gama) = lesson.gama.take() {
                    gama.die(&mut lesson.house);
                }
            }
            Step::Refuses(refuses) => {
                if let Some(gama) = &mut lesson.gama {
                    gama.refuses.clear();
                    if refuses {
                        gama.refuses.insert("create_player", "not now");
                    }
                }
            }
            Step::Waits(millis) => self.wait(millis),
        }
        self.wait(1);
    }

    fn say(&mut self, headset: usize, message: Json) {
        if let Some(conn) = self.headset(headset) {
            self.lesson.house.say(conn, message);
        }
    }

    /// Time passes; GAMA comes when it is dialled.
    fn wait(&mut self, millis: u64) {
        self.lesson.ms(millis);
        if self.lesson.gama.is_none() && !self.lesson.house.gama_dials.is_empty() {
            self.lesson.gama_arrives();
        }
    }

    /// What holds at any time.
    fn check(&mut self) -> Result<(), TestCaseError> {
        // The state is that of the turn in which the monitor comes; who is there then has been sent its own before.
        let monitor = self.lesson.house.connect_as(Face::Monitor, Wire::default());
        let headsets: Vec<ConnId> = self
            .headsets
            .iter()
            .copied()
            .filter(|conn| self.is_open(*conn))
            .collect();
        self.lesson.ms(2);
        let state = self.lesson.messages(monitor).remove(0);
        self.lesson.house.disconnect(monitor);
        let has_experiment = !matches!(
            state["gama"]["experiment_state"].as_str(),
            Some("NONE" | "NOTREADY") | None
        );
        let mut open: BTreeMap<String, usize> = BTreeMap::new();
        for conn in headsets {
            let messages = &self.lesson.house.peer(conn).inbox;
            let own = messages.iter().find(|message| message["type"] == "json_state");
            if let Some(own) = own {
                *open.entry(own["id"].to_string()).or_default() += 1;
            }
        }
        prop_assert!(
            open.values().all(|sockets| *sockets == 1),
            "one socket per seat: {open:?}"
        );
        let players = state["player"].as_object().cloned().unwrap_or_default();
        for (id, player) in &players {
            prop_assert!(
                player["in_game"] == false || has_experiment,
                "{id} is in no game: {state}"
            );
            let is_there = open.contains_key(&player["id"].to_string());
            let all_read = self.lesson.house.peers.values().all(|peer| peer.reads);
            prop_assert!(
                !all_read || is_there == (player["connected"] == true),
                "{id}: {state} {open:?}"
            );
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn seats_stay_whole_whatever_happens(
        steps in prop::collection::vec(step(), 1..60),
        is_by_address in any::<bool>(),
        forgets in any::<bool>(),
    ) {
        let settings = ClassroomSettings {
            player_key: if is_by_address { PlayerKey::Address } else { PlayerKey::Id },
            aggressive_disconnect: forgets,
            ..ClassroomSettings::default()
        };
        let house = House::logged(class(settings.clone()));
        let mut lesson = Lesson::in_house(house, vec![crate::lesson::model("Flood", (Some(1), Some(2)))]);
        lesson.gama_arrives();
        let teacher = lesson.monitor();
        let mut play = Play { lesson, teacher, headsets: Vec::new() };
        for step in steps {
            play.take(step);
            play.check()?;
        }
        executes_again(&play.lesson.house, class(settings), "a class");
    }
}
