//! Any order of inputs: nothing panics, no kind of command is at GAMA twice, every loading ends.

use crate::fake_gama::{FakeGama, Kind, word};
use crate::gama_site::Site;
use crosstie_hub::api::classroom::OrderWord;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Order(usize),
    Status(&'static str),
    /// GAMA answers the command that waits longest, or the newest, this way.
    Answer {
        newest: bool,
        outcome: &'static str,
    },
    Say(&'static str),
    Headset(u8),
    Ask(u8),
    Die,
    Run(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let states = ["NONE", "NOTREADY", "PAUSED", "RUNNING", "FINISHED", "weird"];
    let outcomes = [
        "CommandExecutedSuccessfully",
        "CommandExecutedSuccessfully",
        "UnableToExecuteRequest",
        "MalformedRequest",
    ];
    let texts = ["SimulationEnded", "RuntimeError", "ConnectionSuccessful", "Whatever"];
    prop_oneof![
        4 => (0..OrderWord::ALL.len()).prop_map(Step::Order),
        4 => prop::sample::select(states.to_vec()).prop_map(Step::Status),
        6 => (any::<bool>(), prop::sample::select(outcomes.to_vec()))
            .prop_map(|(newest, outcome)| Step::Answer { newest, outcome }),
        1 => prop::sample::select(texts.to_vec()).prop_map(Step::Say),
        2 => (0..3_u8).prop_map(Step::Headset),
        3 => (0..3_u8).prop_map(Step::Ask),
        1 => Just(Step::Die),
        3 => prop::sample::select(vec![1_u64, 50, 3_000, 11_000]).prop_map(Step::Run),
    ]
}

/// What names a kind of command: control commands by their type, those about a player by their expression.
fn kind_of(command: &Json) -> Option<String> {
    match word(command) {
        "ask" | "expression" => None,
        "create_player" | "remove_player" => command["expr"].as_str().map(str::to_owned),
        word => Some(word.to_owned()),
    }
}

/// GAMA answers nothing of its own accord here: what it was sent waits, and the test answers.
struct Desk {
    site: Site,
    waiting: Vec<(Json, u64)>,
    headsets: BTreeMap<u8, crosstie_hub::ConnId>,
}

impl Desk {
    /// Time passes; no kind of command is sent again before it is answered or its time is over.
    fn run(&mut self, millis: u64) {
        self.site.house.run_for(std::time::Duration::from_millis(millis));
        let now = self.site.house.now.as_millis();
        let Some(peer) = self.site.house.peers.get_mut(&self.site.gama.conn) else {
            return;
        };
        let came = std::mem::take(&mut peer.arrivals);
        let inbox = std::mem::take(&mut peer.inbox);
        self.waiting
            .retain(|(command, sent)| now < sent + if word(command) == "load" { 120_000 } else { 10_000 });
        let late = came.len() - inbox.len();
        for (command, at) in inbox.into_iter().zip(came.into_iter().skip(late)) {
            if let Some(kind) = kind_of(&command) {
                let twice = self
                    .waiting
                    .iter()
                    .find(|(other, _)| kind_of(other).as_ref() == Some(&kind));
                // A player may be wished for anew in another experiment.
                let is_of_player = kind.starts_with("do ");
                assert!(twice.is_none() || is_of_player, "{kind} is at GAMA twice");
            }
            self.waiting.push((command, at.as_millis()));
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Order(index) => drop(self.site.order(OrderWord::ALL[*index])),
            Step::Status(state) => self.site.gama.status(&mut self.site.house, state),
            Step::Answer { newest, outcome } => {
                let command = match newest {
                    true => self.waiting.pop(),
                    false if self.waiting.is_empty() => None,
                    false => Some(self.waiting.remove(0)),
                };
                if let Some((command, _)) = command {
                    self.site.gama.answer(&mut self.site.house, outcome, "vr_xp", command);
                }
            }
            Step::Say(kind) => self
                .site
                .gama
                .say(&mut self.site.house, json!({"type": kind, "content": "x"})),
            Step::Headset(number) => {
                let conn = self
                    .site
                    .house
                    .connect_as(crosstie_hub::Face::Headset, crate::house::Wire::default());
                let hello = json!({"type": "connection", "id": format!("P{number}"), "heartbeat": 600_000});
                self.site.house.say(conn, hello);
                self.headsets.insert(*number, conn);
            }
            Step::Ask(number) => {
                let open = |conn: &&crosstie_hub::ConnId| self.site.house.peers.contains_key(conn);
                if let Some(conn) = self.headsets.get(number).filter(open).copied() {
                    let ask = json!({"type": "ask", "action": "go", "args": "{}", "agent": "a"});
                    self.site.house.say(conn, ask);
                }
            }
            Step::Die => {
                self.site.gama.die(&mut self.site.house);
                self.site.house.run_for(std::time::Duration::from_secs(5));
                self.site.gama = FakeGama::arrive(&mut self.site.house, self.site.gama.kind);
                self.waiting.clear();
            }
            Step::Run(millis) => self.run(*millis),
        }
        self.run(2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_inputs_sends_no_command_twice_and_ends_every_loading(
        steps in prop::collection::vec(step(), 1..60),
        headless in any::<bool>(),
    ) {
        let kind = if headless { Kind::Headless } else { Kind::Gui };
        let mut desk = Desk { site: Site::new(kind), waiting: Vec::new(), headsets: BTreeMap::new() };
        for step in &steps {
            desk.take(step);
            prop_assert!(desk.site.class().players.len() <= 3);
        }
        desk.run(140_000);
        let row = desk.site.row();
        prop_assert_eq!(row.waits_for, None, "after {:?}", steps);
        let monitor = desk.site.monitor();
        prop_assert_eq!(&desk.site.told(monitor)["loading"], &json!(false));
    }
}
