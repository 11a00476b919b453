//! Thousands of seeded schedules: writers, readers, slow sockets, subscribes, reconnects, crossings, echoes. At rest every
//! client believes what the hub holds.

use crate::house::{House, Wire, as_json, is_same, signal};
use crosstie_hub::ConnId;
use crosstie_hub::settings::{Echo, EndpointSettings, Owner, Settings};
use crosstie_hub::signal::{Kind, Value};
use serde_json::{Map, Value as Json, json};
use std::time::Duration;

/// A small generator of our own: the same numbers on every machine.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// What a seed decides about a house.
pub(crate) struct Plan {
    seed: u64,
    only_changed: bool,
    cycle: Duration,
    clients: u64,
    steps: u64,
    echoes: bool,
}

const SIGNALS: [(&str, Kind, Owner); 9] = [
    ("B0", Kind::Bool, Owner::Peer),
    ("B1", Kind::Bool, Owner::Peer),
    ("I0", Kind::Int, Owner::Peer),
    ("I1", Kind::Int, Owner::Peer),
    ("F0", Kind::Float, Owner::Peer),
    ("T0", Kind::Text, Owner::Peer),
    ("HB", Kind::Bool, Owner::Hub),
    ("HI", Kind::Int, Owner::Hub),
    ("HF", Kind::Float, Owner::Hub),
];

impl Plan {
    pub(crate) fn from_seed(seed: u64) -> Plan {
        let mut dice = Dice::new(seed ^ 0xABCD);
        Plan {
            seed,
            only_changed: !dice.one_in(4),
            cycle: Duration::from_millis([1, 10, 10, 50][dice.below(4) as usize]),
            clients: 2 + dice.below(4),
            steps: 60 + dice.below(60),
            echoes: dice.one_in(3),
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        let mut endpoint = EndpointSettings::named("line");
        endpoint.only_transmit_changed = self.only_changed;
        if self.echoes && !self.only_changed {
            // Where everything is sent every cycle, echoers hear their own values: the setting has to say that they are.
            endpoint.echo = Echo::Always;
        }
        endpoint.update_cycle = self.cycle;
        endpoint.signals = SIGNALS
            .iter()
            .map(|(name, kind, owner)| signal(name, *kind, *owner))
            .collect();
        Settings {
            endpoints: vec![endpoint],
            ..Settings::default()
        }
    }
}

/// Plays the schedule of a plan and then lets everything come to rest.
pub(crate) fn run(house: &mut House, plan: &Plan) {
    let mut dice = Dice::new(plan.seed);
    let mut conns: Vec<ConnId> = (0..plan.clients).map(|_| newcomer(house, &mut dice, plan)).collect();
    for _ in 0..plan.steps {
        let index = dice.below(conns.len() as u64) as usize;
        let conn = conns[index];
        match dice.below(20) {
            0..=7 => {
                let mut signals = Map::new();
                for _ in 0..1 + dice.below(3) {
                    let (name, value) = some_value(&mut dice);
                    signals.insert(name, value);
                }
                house.write(conn, Json::Object(signals));
            }
            8..=10 => {
                let name = ["HB", "HI", "HF", "B0", "I0"][dice.below(5) as usize];
                let value = match name {
                    "HB" | "B0" => Value::Bool(dice.one_in(2)),
                    "HF" => Value::Float(dice.below(100) as f64 / 4.0),
                    _ => Value::Int(dice.below(9) as i64),
                };
                house.operate(name, value);
            }
            // An echo of a frame that lay in a full socket for longer than the echo window is a write to everybody's eyes.
            11..=12 => house.peer(conn).reads = house.peer(conn).echoes_after.is_some(),
            13..=14 => house.read_again(conn),
            15 => subscribe(house, &mut dice, conn),
            16 => house.say(conn, json!({"type": "import_request", "version": 2})),
            17 => {
                house.disconnect(conn);
                conns[index] = newcomer(house, &mut dice, plan);
            }
            _ => {}
        }
        let micros = [50, 500, 3_000, 12_000, 60_000][dice.below(5) as usize];
        house.run_for(Duration::from_micros(dice.below(micros) + 1));
    }
    for conn in conns {
        house.read_again(conn);
    }
    // Longer than any wait of the protocol, shorter than the next ping: nobody is told anything because of a ping.
    house.run_for(Duration::from_secs(4));
}

fn newcomer(house: &mut House, dice: &mut Dice, plan: &Plan) -> ConnId {
    let latency = Duration::from_micros([20, 200, 2_000, 40_000][dice.below(4) as usize]);
    let conn = house.connect(Wire {
        latency,
        answers_pings: true,
    });
    if plan.echoes && dice.one_in(3) {
        house.peer(conn).echoes_after = Some(Duration::from_micros(dice.below(20_000)));
    }
    match dice.below(4) {
        0 => {}
        1 => house.say(
            conn,
            json!({"type": "init", "version": 2, "name": format!("peer {}", conn.0)}),
        ),
        _ => {
            house.say(
                conn,
                json!({"type": "init", "version": 2, "name": format!("peer {}", conn.0)}),
            );
            house.say(conn, json!({"type": "import_request", "version": 2}));
            subscribe(house, dice, conn);
        }
    }
    conn
}

fn subscribe(house: &mut House, dice: &mut Dice, conn: ConnId) {
    let names: Vec<&str> = SIGNALS
        .iter()
        .filter(|_| dice.one_in(2))
        .map(|(name, ..)| *name)
        .collect();
    let list = if dice.one_in(3) { Json::Null } else { json!(names) };
    house.say(conn, json!({"type": "subscribe", "version": 2, "subscribe": list}));
}

/// Some signal and some value for it, not always of its kind and not always one that a peer may write.
fn some_value(dice: &mut Dice) -> (String, Json) {
    let (name, kind, _) = SIGNALS[dice.below(SIGNALS.len() as u64) as usize];
    let value = match (kind, dice.below(8)) {
        (_, 0) => json!([null, [1], "x", "TRUE", 2.7, "3"])[dice.below(6) as usize].clone(),
        (Kind::Bool, _) => json!(dice.one_in(2)),
        (Kind::Int, _) => json!(dice.below(9)),
        (Kind::Float, _) => json!(dice.below(40) as f64 / 4.0),
        (Kind::Text, _) => json!(["", "Running", "Stopped"][dice.below(3) as usize]),
    };
    (name.to_owned(), value)
}

/// Where a client and the hub disagree.
fn disagreements(house: &mut House) -> Vec<String> {
    let held: Vec<(&str, Json)> = SIGNALS
        .iter()
        .map(|(name, ..)| (*name, as_json(&house.value(name))))
        .collect();
    let Some(views) = crate::schedules::views(house) else {
        return vec!["no client list".into()];
    };
    let mut wrong = Vec::new();
    for (conn, sees_all, view) in views {
        let believes = &house.peers[&conn].believes;
        for (name, value) in &held {
            if !sees_all && !view.contains(*name) {
                continue;
            }
            match believes.get(*name) {
                Some(believed) if is_same(believed, value) => {}
                other => wrong.push(format!("{conn:?} believes {name} = {other:?}, the hub holds {value}")),
            }
        }
    }
    wrong
}

/// The view of every client by its last subscribe.
fn views(house: &mut House) -> Option<Vec<(ConnId, bool, std::collections::BTreeSet<String>)>> {
    let conns: Vec<ConnId> = house.peers.keys().copied().collect();
    Some(conns.into_iter().map(|conn| view_of(house, conn)).collect())
}

fn view_of(house: &House, conn: ConnId) -> (ConnId, bool, std::collections::BTreeSet<String>) {
    let inbox = &house.peers[&conn].inbox;
    // The last snapshot names the view; without one the client never subscribed and sees all.
    match inbox.iter().rfind(|message| message["type"] == "snapshot") {
        Some(snapshot) => {
            let names = snapshot["signals"]
                .as_object()
                .expect("a snapshot has signals")
                .keys()
                .cloned()
                .collect();
            (conn, false, names)
        }
        None => (conn, true, Default::default()),
    }
}

fn check(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let plan = Plan::from_seed(seed);
        let mut house = House::with(plan.settings());
        run(&mut house, &plan);
        let wrong = disagreements(&mut house);
        assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
    }
}

// Four tests, so that they run side by side.

#[test]
fn at_rest_every_client_believes_what_the_hub_holds_first_thousand() {
    check(0..1_000);
}

#[test]
fn at_rest_every_client_believes_what_the_hub_holds_second_thousand() {
    check(1_000..2_000);
}

#[test]
fn at_rest_every_client_believes_what_the_hub_holds_third_thousand() {
    check(2_000..3_000);
}

#[test]
fn at_rest_every_client_believes_what_the_hub_holds_fourth_thousand() {
    check(3_000..4_000);
}
