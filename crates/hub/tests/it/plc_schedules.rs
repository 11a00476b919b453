//! Hundreds of seeded schedules with an engine in the house: a twin that writes, scans, pauses, stops, a slow hub. At rest the
//! twin and the PLC agree, and every count of edges obeys the rule: of a bit that moves more often than the engine scans, one
//! pulse is kept. The same inputs replay to the same outputs.

use crate::house::{House, line};
use crate::plc_signals::{PLC, context, ms, plant, value};
use crate::schedules::Dice;
use crosstie_hub::api::Request;
use crosstie_hub::api::plc::PlcRequest;
use crosstie_hub::settings::{EndpointSettings, PlcSettings, RouteSetting, Settings};
use crosstie_hub::signal::{Quality, Value};
use crosstie_hub::{ConnId, Hub};
use crosstie_ladder::controller::{Command, ControllerSettings, ScanTime};
use serde_json::json;
use std::time::Duration;

/// O:0/0 follows I:0/0, C:0 counts its rising edges, N:1 follows N:0.
const FOLLOW: &str = "SOR XIC I:0/0 OTE O:0/0 EOR\nSOR XIC I:0/0 CTU C:0 9999 EOR\nSOR MOV N:0 N:1 EOR\n";
const ROUTES: [(&str, &str); 4] = [
    ("twin/line/Run", "plc/line/I:0/0"),
    ("twin/line/Count", "plc/line/N:0"),
    ("plc/line/O:0/0", "twin/line/Lamp"),
    ("plc/line/N:1", "twin/line/Setpoint"),
];

fn settings(seed: u64) -> Settings {
    let mut dice = Dice::new(seed ^ 0x51);
    let scan_us = [500, 1_000, 10_000, 40_000][dice.below(4) as usize];
    let cycle = ms([1, 10, 50][dice.below(3) as usize]);
    Settings {
        endpoints: vec![EndpointSettings {
            update_cycle: cycle,
            ..line()
        }],
        plcs: vec![PlcSettings {
            controller: ControllerSettings {
                target_scan: ScanTime::from_us(scan_us).expect("each of them is in range"),
                ..ControllerSettings::default()
            },
            ..context(FOLLOW)
        }],
        routes: ROUTES.iter().map(|(from, to)| RouteSetting::plain(from, to)).collect(),
        ..Settings::default()
    }
}

/// What the twin has done.
struct Said {
    run: bool,
    count: i64,
    rises: i64,
}

/// Plays a schedule and lets everything come to rest with the engine running.
fn run(house: &mut House, seed: u64) -> (ConnId, Said) {
    let mut dice = Dice::new(seed);
    house.run_for(ms(100));
    let twin = house.join("twin");
    let mut said = Said {
        run: false,
        count: 0,
        rises: 0,
    };
    for _ in 0..60 + dice.below(60) {
        match dice.below(16) {
            0..=6 => {
                let run = dice.one_in(2);
                said.rises += i64::from(run && !said.run);
                said.run = run;
                house.write(twin, json!({ "Run": run }));
            }
            7..=9 => {
                said.count = dice.below(9) as i64;
                house.write(twin, json!({"Count": said.count}));
            }
            10 => order(house, Command::Pause),
            11 => order(house, Command::Stop),
            12 => house.driven(PLC).holds = dice.one_in(2),
            13 => house.peer(twin).reads = dice.one_in(2),
            _ => relax(house, twin),
        }
        let micros = [50, 500, 3_000, 12_000, 60_000][dice.below(5) as usize];
        house.run_for(Duration::from_micros(dice.below(micros) + 1));
    }
    relax(house, twin);
    house.run_for(ms(3_000));
    (twin, said)
}

/// Gives a command; a hub that does not hear the engine has no answer yet.
fn order(house: &mut House, command: Command) {
    let context = String::from("line");
    house.ask_later(Request::Plc(PlcRequest::Command { context, command }));
    house.run_for(ms(5));
}

/// The hub hears the engine, the twin reads, and the engine runs.
fn relax(house: &mut House, twin: ConnId) {
    house.driven(PLC).holds = false;
    house.read_again(twin);
    house.run_for(ms(50));
    order(house, Command::Start);
}

fn check(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let mut house = House::with(settings(seed));
        let (twin, said) = run(&mut house, seed);
        let bit = Value::Bool(said.run);
        for name in ["twin/line/Run", "plc/line/I:0/0", "plc/line/O:0/0", "twin/line/Lamp"] {
            let row = house.row(name);
            assert_eq!(
                (row.value, row.quality),
                (bit.clone(), Quality::Good),
                "seed {seed}: {name}"
            );
        }
        for name in ["plc/line/N:0", "plc/line/N:1"] {
            assert_eq!(value(&mut house, name), Value::Int(said.count), "seed {seed}: {name}");
        }
        assert_eq!(house.peer(twin).believes["Lamp"], json!(said.run), "seed {seed}");
        let memory = house.engines[&PLC].engine.controller().table().words()[0];
        assert_eq!(
            memory & 1,
            u32::from(said.run),
            "seed {seed}: the engine and its mirror"
        );
        let Value::Int(edges) = value(&mut house, "plc/line/C:0.ACC") else {
            panic!("a count is a number")
        };
        assert!(edges <= said.rises, "seed {seed}: {edges} of {} edges", said.rises);
        assert!(
            edges > 0 || said.rises == 0 || !said.run,
            "seed {seed}: a bit that is on has risen"
        );
    }
}

// Two tests, so that they run side by side.

#[test]
fn at_rest_the_twin_and_the_plc_agree_first_half() {
    check(0..150);
}

#[test]
fn at_rest_the_twin_and_the_plc_agree_second_half() {
    check(150..300);
}

#[test]
fn pulses_that_are_apart_by_more_than_two_scans_are_counted_each() {
    for seed in 0..20 {
        let mut dice = Dice::new(seed);
        let mut house = plant(line(), context(FOLLOW), &ROUTES);
        house.run_for(ms(50));
        let twin = house.join("twin");
        for _ in 0..30 {
            house.write(twin, json!({"Run": true}));
            house.run_for(Duration::from_micros(dice.below(30_000) + 1));
            house.write(twin, json!({"Run": false}));
            house.run_for(ms(25 + dice.below(20)));
        }
        house.run_for(ms(50));
        assert_eq!(value(&mut house, "plc/line/C:0.ACC"), Value::Int(30), "seed {seed}");
    }
}

#[test]
fn a_log_of_inputs_with_an_engine_replays_to_the_same_outputs() {
    for seed in 0..10 {
        let mut house = House::logged(settings(seed));
        let mut hub = Hub::new(settings(seed));
        run(&mut house, seed);
        crate::replay::executes_again(&house, settings(seed), &format!("seed {seed}"));
        let mut replayed = Vec::new();
        for (now, input) in house.inputs {
            let mut outputs = Vec::new();
            hub.handle(now, input, &mut outputs);
            replayed.extend(outputs.iter().map(|output| format!("{output:?}")));
        }
        assert!(replayed.len() > 100, "the story is long enough: {}", replayed.len());
        assert!(replayed == house.outputs, "seed {seed}: the replay differs");
    }
}
