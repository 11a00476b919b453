//! Two hubs, one the server of the other, with a wire between them that is slow, full, cut or silent. At rest both hold the
//! same; nothing is good while it is old; a command that was refused never arrives.

use crate::house::{House, Wire, as_json, is_same, signal};
use crate::schedules::Dice;
use crosstie_hub::api::{LinkState, Refused, Reply, Request};
use crosstie_hub::output::Callee;
use crosstie_hub::settings::{EndpointId, EndpointSettings, LinkSettings, Owner, Settings};
use crosstie_hub::signal::{Kind, Quality, Value};
use crosstie_hub::{ConnId, Face, Input, Time};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Written by the plant, which is the server.
const PLANTS: [(&str, Kind); 4] = [
    ("PB", Kind::Bool),
    ("PI", Kind::Int),
    ("PF", Kind::Float),
    ("PT", Kind::Text),
];
/// Written by the office, which is the client.
const OFFICES: [(&str, Kind); 3] = [("CB", Kind::Bool), ("CI", Kind::Int), ("CF", Kind::Float)];

/// A value that is good is not older than a silent link may be, and the way it takes.
const GOOD_FOR: Duration = Duration::from_millis(5_600);

/// The present connection, as each side calls it.
#[derive(Clone, Copy)]
struct Line {
    plant: ConnId,
    office: ConnId,
    /// Frames of both directions are lost and nobody is told.
    is_dead: bool,
}

struct TwoHouses {
    plant: House,
    office: House,
    latency: Duration,
    line: Option<Line>,
    /// Dials that are refused before one is taken.
    refusals: u64,
    dials: usize,
    /// What the side that writes a signal has held since when.
    held: BTreeMap<String, Vec<(Time, Json)>>,
    /// Values of `CI` that were refused.
    refused: BTreeSet<i64>,
    last_command: i64,
    /// The office has imported, which may have connected the link for that only.
    has_imported: bool,
}

impl TwoHouses {
    fn new(
        plants: &[(String, Kind)],
        offices: &[(String, Kind)],
        latency: Duration,
        update_cycle: Duration,
    ) -> TwoHouses {
        let side = |of_plants, of_offices, link| {
            let mut endpoint = EndpointSettings::named("line");
            endpoint.update_cycle = update_cycle;
            endpoint.link = link;
            let settings = |names: &[(String, Kind)], owner| -> Vec<_> {
                names.iter().map(|(name, kind)| signal(name, *kind, owner)).collect()
            };
            endpoint.signals = settings(plants, of_plants);
            endpoint.signals.extend(settings(offices, of_offices));
            House::with(Settings {
                endpoints: vec![endpoint],
                ..Settings::default()
            })
        };
        let link = LinkSettings {
            reconnect_interval: Duration::from_millis(500),
            ..LinkSettings::default()
        };
        let zero = |(name, kind): &(String, Kind)| (name.clone(), vec![(Time::ZERO, as_json(&Value::zero(*kind)))]);
        TwoHouses {
            plant: side(Owner::Hub, Owner::Peer, None),
            office: side(Owner::Peer, Owner::Hub, Some(link)),
            latency,
            line: None,
            refusals: 0,
            dials: 0,
            held: plants.iter().chain(offices).map(zero).collect(),
            refused: BTreeSet::new(),
            last_command: 0,
            has_imported: false,
        }
    }

    /// Lets both houses and the wire between them go on.
    fn run_for(&mut self, span: Duration) {
        let end = self.plant.now + span;
        loop {
            self.exchange();
            let next = [self.plant.next_at(), self.office.next_at()]
                .into_iter()
                .flatten()
                .min();
            let Some(at) = next.filter(|at| *at <= end) else { break };
            let step = at.since(self.plant.now);
            self.plant.run_for(step);
            self.office.run_for(step);
        }
        let rest = end.since(self.plant.now);
        self.plant.run_for(rest);
        self.office.run_for(rest);
    }

    /// Carries what each side has sent to the other, and answers dials.
    fn exchange(&mut self) {
        if let Some(line) = self.line {
            let to_plant = std::mem::take(&mut self.office.peer(line.office).inbox);
            let to_office = std::mem::take(&mut self.plant.peer(line.plant).inbox);
            for message in to_plant {
                let command = message["signals"]["CI"].as_i64().filter(|_| message["type"] == "data");
                assert!(
                    command.is_none_or(|command| !self.refused.contains(&command)),
                    "a refused command is under way: {message}"
                );
                if !line.is_dead {
                    self.plant.say_text(line.plant, message.to_string());
                }
            }
            for message in to_office.iter().filter(|_| !line.is_dead) {
                self.office.say_text(line.office, message.to_string());
            }
            let office_closed = self.office.peer(line.office).closed.is_some();
            let plant_closed = self.plant.peer(line.plant).closed.is_some();
            if office_closed && !plant_closed && !line.is_dead {
                self.plant.disconnect(line.plant);
            }
            if plant_closed && !office_closed && !line.is_dead {
                self.office.disconnect(line.office);
            }
            if office_closed || (plant_closed && !line.is_dead) {
                // On a dead line the plant waits alone until it gives the connection up.
                self.office.peers.remove(&line.office);
                self.line = None;
            }
        }
        while self.dials < self.office.dials.len() {
            let (endpoint, dial) = self.office.dials[self.dials];
            self.dials += 1;
            if self.refusals > 0 {
                self.refusals -= 1;
                let reason = String::from("connection refused");
                self.office.give(Input::DialFailed {
                    callee: Callee::Endpoint(endpoint),
                    dial,
                    reason,
                });
                continue;
            }
            let wire = Wire {
                latency: self.latency,
                answers_pings: true,
            };
            let plant = self.plant.connect(wire);
            let office = self.office.connect_as(Face::Link(EndpointId(0)), wire);
            if self.office.peer(office).closed.is_some() {
                // It was hung up meanwhile.
                self.plant.disconnect(plant);
                self.office.peers.remove(&office);
                continue;
            }
            self.line = Some(Line {
                plant,
                office,
                is_dead: false,
            });
        }
    }

    fn plant_writes(&mut self, name: &str, value: Value) {
        self.held
            .entry(name.into())
            .or_default()
            .push((self.plant.now, as_json(&value)));
        self.plant.operate(name, value);
    }

    /// An operator in the office writes; a command over a link that is down is refused.
    fn office_writes(&mut self, name: &str, value: Value) {
        let reply = self.office.ask(Request::Write {
            name: format!("twin/line/{name}"),
            value: value.clone(),
        });
        match reply {
            Reply::Written { .. } => self
                .held
                .entry(name.into())
                .or_default()
                .push((self.office.now, as_json(&value))),
            Reply::Refused(Refused::LinkDown { .. }) => {
                // One that is connected for an import only takes none.
                assert!(self.has_imported || !self.is_up(), "an up link takes commands");
                if let Value::Int(command) = value {
                    self.refused.insert(command);
                }
            }
            other => panic!("{name}: {other:?}"),
        }
    }

    fn link(&mut self) -> LinkState {
        let Reply::Endpoints(rows, _) = self.office.ask(Request::Endpoints) else {
            panic!("endpoints answer endpoints")
        };
        rows[0].link.as_ref().expect("the office has a link").state
    }

    fn is_up(&mut self) -> bool {
        matches!(self.link(), LinkState::Greeting | LinkState::Connected)
    }

    /// The connection is cut, and both sides hear of it.
    fn cut(&mut self) {
        if let Some(line) = self.line.take() {
            self.plant.disconnect(line.plant);
            self.office.disconnect(line.office);
        }
    }

    /// From now on every frame is lost, and no ping is answered.
    fn die(&mut self) {
        if let Some(line) = &mut self.line {
            line.is_dead = true;
            self.plant.peer(line.plant).wire.answers_pings = false;
            self.office.peer(line.office).wire.answers_pings = false;
        }
    }

    /// One side's socket takes no more bytes: its frames and its answers to pings stay where they are.
    fn fill(&mut self, plants: bool) {
        let Some(line) = self.line.filter(|line| !line.is_dead) else {
            return;
        };
        if plants {
            self.plant.peer(line.plant).reads = false;
            self.office.peer(line.office).wire.answers_pings = false;
        } else {
            self.office.peer(line.office).reads = false;
            self.plant.peer(line.plant).wire.answers_pings = false;
        }
    }

    fn drain(&mut self) {
        let Some(line) = self.line.filter(|line| !line.is_dead) else {
            return;
        };
        self.plant.peer(line.plant).wire.answers_pings = true;
        self.office.peer(line.office).wire.answers_pings = true;
        self.plant.read_again(line.plant);
        self.office.read_again(line.office);
    }

    /// Values that are good and that the other side has not held for too long.
    fn old_and_good(&mut self) -> Vec<String> {
        let now = self.plant.now;
        let mut wrong = Vec::new();
        let names = PLANTS.iter().map(|(name, _)| (*name, true));
        for (name, is_plants) in names.chain(OFFICES.iter().map(|(name, _)| (*name, false))) {
            let reader = if is_plants { &mut self.office } else { &mut self.plant };
            let row = reader.row(&format!("twin/line/{name}"));
            let held = &self.held[name];
            let was_held = held.iter().enumerate().any(|(index, (_, value))| {
                let until = held.get(index + 1).map_or(now, |(at, _)| *at);
                until + GOOD_FOR >= now && is_same(value, &as_json(&row.value))
            });
            if row.quality == Quality::Good && !was_held {
                wrong.push(format!(
                    "{name} = {:?} is good at {now:?}; held were {held:?}",
                    row.value
                ));
            }
        }
        wrong
    }

    /// Names of which the two sides hold different values.
    fn disagreements(&mut self) -> Vec<String> {
        let names: Vec<String> = self.held.keys().cloned().collect();
        let mut wrong = Vec::new();
        for name in names {
            let (plants, offices) = (as_json(&self.plant.value(&name)), as_json(&self.office.value(&name)));
            if !is_same(&plants, &offices) {
                wrong.push(format!("{name}: the plant holds {plants}, the office {offices}"));
            }
        }
        wrong
    }
}

fn names(list: &[(&str, Kind)]) -> Vec<(String, Kind)> {
    list.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect()
}

fn some_value(dice: &mut Dice, kind: Kind, number: i64) -> Value {
    match kind {
        Kind::Bool => Value::Bool(dice.one_in(2)),
        Kind::Int => Value::Int(number),
        Kind::Float => Value::Float(dice.below(40) as f64 / 4.0),
        Kind::Text => Value::Text(["", "Running", "Stopped"][dice.below(3) as usize].into()),
    }
}

/// Plays the schedule of a seed and lets it come to rest; gives how many commands were refused.
fn play(seed: u64) -> usize {
    let mut dice = Dice::new(seed ^ 0x7107);
    let latency = Duration::from_micros([20, 200, 2_000, 40_000][dice.below(4) as usize]);
    let cycle = Duration::from_millis([1, 10, 50][dice.below(3) as usize]);
    let mut houses = TwoHouses::new(&names(&PLANTS), &names(&OFFICES), latency, cycle);
    houses.refusals = dice.below(3);
    for _ in 0..30 + dice.below(40) {
        houses.last_command += 1;
        let number = houses.last_command;
        match dice.below(24) {
            0..=7 => {
                let (name, kind) = PLANTS[dice.below(4) as usize];
                let value = some_value(&mut dice, kind, number);
                houses.plant_writes(name, value);
            }
            8..=13 => {
                let (name, kind) = OFFICES[dice.below(3) as usize];
                let value = some_value(&mut dice, kind, number);
                houses.office_writes(name, value);
            }
            14 => houses.cut(),
            15 => houses.die(),
            16 => {
                houses.refusals = dice.below(4);
                houses.cut();
            }
            17 => houses.fill(true),
            18 => houses.fill(false),
            19..=20 => houses.drain(),
            21 => {
                let endpoint = String::from("line");
                let request = match dice.below(3) {
                    0 => Request::Connect { endpoint },
                    1 => Request::Disconnect { endpoint },
                    _ => Request::Import { endpoint },
                };
                houses.has_imported |= matches!(request, Request::Import { .. });
                houses.office.ask_later(request);
            }
            22 => {
                let endpoint = String::from("line");
                houses.plant.ask_later(Request::Import { endpoint });
            }
            _ => {}
        }
        let millis = [1, 5, 40, 400, 6_000][dice.below(5) as usize];
        houses.run_for(Duration::from_micros(dice.below(millis * 1_000) + 1));
        let wrong = houses.old_and_good();
        assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
    }
    rest(&mut houses);
    let wrong = houses.disagreements();
    assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
    let wrong = houses.old_and_good();
    assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
    for (name, _) in PLANTS {
        assert_eq!(houses.office.quality(name), Quality::Good, "seed {seed}: {name}");
    }
    houses.refused.len()
}

/// Nothing disturbs the wire any more, and the link has all the time that it may take.
fn rest(houses: &mut TwoHouses) {
    houses.refusals = 0;
    houses.drain();
    let endpoint = String::from("line");
    houses.office.ask_later(Request::Connect { endpoint });
    // A dead line that writes nothing is pinged after twenty seconds and given up forty seconds later.
    houses.run_for(Duration::from_secs(90));
    assert_eq!(houses.link(), LinkState::Connected);
}

fn check(seeds: std::ops::Range<u64>) {
    let count = seeds.end - seeds.start;
    let refused: usize = seeds.map(play).sum();
    assert!(
        refused as u64 > count / 4,
        "the schedules do refuse commands: {refused}"
    );
}

// Three tests, so that they run side by side.

#[test]
fn at_rest_two_hubs_agree_and_nothing_was_good_while_it_was_old_first_thousand() {
    check(0..1_000);
}

#[test]
fn at_rest_two_hubs_agree_and_nothing_was_good_while_it_was_old_second_thousand() {
    check(1_000..2_000);
}

#[test]
fn at_rest_two_hubs_agree_and_nothing_was_good_while_it_was_old_third_thousand() {
    check(2_000..3_000);
}

#[test]
fn ten_thousand_signals_each_way_are_mirrored_through_drops() {
    const COUNT: usize = 10_000;
    let side = |letter: char| -> Vec<(String, Kind)> {
        (0..COUNT)
            .map(|index| (format!("{letter}{index}"), [Kind::Int, Kind::Float][index % 2]))
            .collect()
    };
    let (plants, offices) = (side('p'), side('o'));
    let cycle = Duration::from_millis(10);
    let mut houses = TwoHouses::new(&plants, &offices, Duration::from_millis(2), cycle);
    houses.run_for(Duration::from_millis(200));
    assert_eq!(houses.link(), LinkState::Connected);
    let value = |index: usize, round: usize| match index % 2 {
        0 => Value::Int((index * 10 + round) as i64),
        _ => Value::Float((index * 10 + round) as f64 + 0.5),
    };
    for round in 1..=3 {
        for index in (0..COUNT).filter(|index| round == 1 || index % (round * 7) == 0) {
            houses.plant.operate(&plants[index].0, value(index, round));
            houses.office.operate(&offices[index].0, value(index, round));
        }
        houses.run_for(Duration::from_millis(3));
        if round == 2 {
            houses.cut();
            let row = houses.office.row("twin/line/p0");
            assert_eq!(row.quality, Quality::Stale);
        }
        houses.run_for(Duration::from_secs(2));
        assert_eq!(houses.link(), LinkState::Connected);
        assert!(houses.disagreements().is_empty());
    }
    for (name, _) in &plants {
        assert_eq!(houses.office.quality(name), Quality::Good);
    }
    for (name, _) in &offices {
        assert_eq!(houses.plant.quality(name), Quality::Good);
    }
    assert_eq!(as_json(&houses.plant.value("o9996")), json!(99_963));
}
