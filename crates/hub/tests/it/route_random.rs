//! Random graphs of routes over two endpoints, the places of a PLC and peers that return what they get: they come to rest, every
//! target holds what its sources make of it, and two runs are the same.

use crate::house::{House, as_json};
use crate::plc_signals::{ms, named_context, routes};
use crate::route_transforms::{formula, setting};
use crate::schedules::Dice;
use crosstie_hub::api::{Reply, Request, RouteRow};
use crosstie_hub::settings::{EndpointId, EndpointSettings, Owner, Settings, SignalSetting, Transform};
use crosstie_hub::signal::{Kind, Value};
use crosstie_hub::{ConnId, Face};
use serde_json::json;
use std::time::Duration;

const SEEDS: u64 = 120;
const ROUTES: u64 = 24;
const STEPS: u64 = 60;
/// Values that pass before everything rests after the last write: each route passes at most so many of its own accord.
const LATE_VALUES_MAX: u64 = 3;

/// Two signals of each kind for peers and three for the hub.
fn endpoint(name: &str) -> EndpointSettings {
    let mut endpoint = EndpointSettings::named(name);
    for (word, owner, count) in [("in", Owner::Peer, 2), ("out", Owner::Hub, 3)] {
        for kind in [Kind::Bool, Kind::Int, Kind::Float] {
            for index in 0..count {
                let wire_name = format!("{}_{word}{index}", kind.word());
                endpoint.signals.push(SignalSetting {
                    signal: format!("twin/{name}/{wire_name}"),
                    wire_name,
                    kind,
                    owner,
                    value: None,
                    convention: None,
                    neutral: false,
                });
            }
        }
    }
    endpoint
}

/// The name of some signal, of places of the PLC too; no two of these share a word.
fn some_signal(dice: &mut Dice, words: &[&str]) -> String {
    let index = dice.below(3);
    match dice.below(5) {
        0 => format!("plc/line/N:{}", 10 + index),
        1 => format!("plc/line/B:{index}/0"),
        _ => {
            let endpoint = ["a", "b"][dice.below(2) as usize];
            let word = words[dice.below(words.len() as u64) as usize];
            let kind = ["bool", "int", "float"][dice.below(3) as usize];
            let index = if word == "in" { index.min(1) } else { index };
            format!("twin/{endpoint}/{kind}_{word}{index}")
        }
    }
}

fn some_transform(dice: &mut Dice) -> Transform {
    let mut transform = match dice.below(8) {
        0 => Transform {
            invert: true,
            ..Transform::default()
        },
        1 => Transform {
            scale: Some(2.0),
            offset: Some(1.0),
            ..Transform::default()
        },
        2 => formula("value > other", &[("other", &some_signal(dice, &["in", "out"]))]),
        3 => formula("100 / value", &[]),
        4 => formula("value + other", &[("other", &some_signal(dice, &["in", "out"]))]),
        _ => Transform::default(),
    };
    if dice.one_in(6) {
        transform.every = Some(ms(30));
    }
    if dice.one_in(8) {
        transform.deadband = Some(2.0);
    }
    transform
}

/// Lays random routes; those that break a rule are refused.
fn lay_routes(house: &mut House, dice: &mut Dice) {
    for _ in 0..ROUTES {
        let (from, to) = match dice.below(10) {
            0 => (String::from("twin/a/*_in*"), String::from("twin/b/$1_out$2")),
            1 => (String::from("twin/b/*_out*"), String::from("twin/a/$1_out$2")),
            2 => (String::from("twin/*/int_in1"), String::from("plc/line/N:11")),
            _ => (some_signal(dice, &["in", "out"]), some_signal(dice, &["out"])),
        };
        let route = setting(&from, &to, some_transform(dice));
        drop(house.ask(Request::AddRoute(Box::new(route))));
    }
}

/// Peers of both endpoints; some return every value that they get.
fn connect(house: &mut House, dice: &mut Dice) -> Vec<ConnId> {
    let mut peers = Vec::new();
    for endpoint in [0, 0, 1, 1] {
        let conn = house.connect_as(Face::Realvirtual(EndpointId(endpoint)), crate::house::Wire::default());
        house.say(
            conn,
            json!({"type": "init", "version": 2, "name": format!("peer {conn:?}")}),
        );
        house.say(conn, json!({"type": "subscribe", "version": 2}));
        if dice.one_in(2) {
            house.peer(conn).echoes_after = Some(Duration::from_micros(dice.below(20_000)));
        }
        peers.push(conn);
    }
    house.run_for(ms(50));
    peers
}

/// Writes, changes of routes and pauses.
fn live(house: &mut House, dice: &mut Dice, peers: &[ConnId]) {
    for _ in 0..STEPS {
        let conn = peers[dice.below(peers.len() as u64) as usize];
        let number = dice.below(9) as i64 - 4;
        match dice.below(12) {
            0..=2 => house.write(conn, json!({"bool_in0": number > 0, "int_in0": number})),
            3..=5 => house.write(conn, json!({"int_in1": number})),
            6..=7 => house.write(
                conn,
                json!({"float_in0": number as f64 / 2.0, "float_in1": number as f64}),
            ),
            8 => {
                let name = some_signal(dice, &["out"]);
                drop(house.ask(Request::Write {
                    name,
                    value: Value::Int(number),
                }));
            }
            9 => {
                let rows = routes(house);
                if !rows.is_empty() {
                    let row = &rows[dice.below(rows.len() as u64) as usize];
                    let route = Box::new(setting(&row.from, &row.to, some_transform(dice)));
                    let id = row.id;
                    drop(house.ask(Request::ChangeRoute { id, route }));
                }
            }
            _ => house.run_for(Duration::from_micros(dice.below(40_000))),
        }
    }
}

/// What a route makes of the present values of its sources, told apart from how the hub does it; `None` where this cannot be told.
fn expected(house: &mut House, row: &RouteRow) -> Option<Value> {
    let transform = &row.transform;
    if row.waiting.is_some() || row.fits.is_some() || row.error.is_some() || transform.deadband.is_some() {
        return None;
    }
    let source = house.row(&row.from).value;
    let number = |value: &Value| match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Bool(_) | Value::Text(_) => None,
    };
    let other = transform.inputs.first().map(|(_, name)| house.row(name).value);
    let made = match (transform.expr.as_deref(), other) {
        (Some("value > other"), Some(other)) => match (&source, &other) {
            (Value::Bool(value), Value::Bool(other)) => Value::Bool(value & !other),
            (value, other) => Value::Bool(number(value)? > number(other)?),
        },
        (Some("value + other"), Some(other)) => match (&source, &other) {
            (Value::Int(value), Value::Int(other)) => Value::Int(value + other),
            (value, other) => Value::Float(number(value)? + number(other)?),
        },
        (Some("100 / value"), _) => match source {
            Value::Int(value) => Value::Int(100 / value),
            _ => return None,
        },
        _ => match (source, transform.invert, transform.scale) {
            (Value::Bool(value), true, _) => Value::Bool(!value),
            (value, _, Some(scale)) => Value::Float(number(&value)? * scale + 1.0),
            (value, ..) => value,
        },
    };
    let target = house.row(&row.to).kind;
    Some(match (made, target) {
        (Value::Float(number), Kind::Int) => Value::Int((number + 0.5 * number.signum()).trunc() as i64),
        (Value::Int(number), Kind::Float) => Value::Float(number as f64),
        (Value::Int(number), Kind::Bool) => Value::Bool(number != 0),
        (Value::Bool(value), Kind::Int) => Value::Int(i64::from(value)),
        (Value::Bool(value), Kind::Float) => Value::Float(f64::from(u8::from(value))),
        (made, _) => made,
    })
}

fn passed(house: &mut House) -> u64 {
    let rows = routes(house).into_iter().filter(|row| row.fits.is_none());
    rows.map(|row| row.count).sum()
}

/// One seed from its beginning to its rest; what came out of the hub.
fn run(seed: u64) -> Vec<String> {
    let mut dice = Dice::new(seed);
    let mut house = House::logged(Settings {
        endpoints: vec![endpoint("a"), endpoint("b")],
        plcs: vec![named_context("line")],
        ..Settings::default()
    });
    house.run_for(ms(30));
    lay_routes(&mut house, &mut dice);
    let peers = connect(&mut house, &mut dice);
    live(&mut house, &mut dice, &peers);
    let busy = passed(&mut house);
    house.run_for(ms(400));
    let rest = passed(&mut house);
    let count = routes(&mut house).len() as u64;
    assert!(
        rest - busy <= count * LATE_VALUES_MAX,
        "seed {seed}: {} values after the last write",
        rest - busy
    );
    house.run_for(Duration::from_secs(3));
    assert_eq!(passed(&mut house), rest, "seed {seed}: the house does not come to rest");
    for row in routes(&mut house) {
        let (Some(expected), target) = (expected(&mut house, &row), row.to.clone()) else {
            continue;
        };
        let held = house.row(&target);
        // What an operator has written over a route stays until its source says something new.
        if held.writer == Some(format!("route {}", row.id)) {
            assert!(
                held.value.is_same(&expected),
                "seed {seed}: {row:?} has {:?}, not {expected:?}",
                held.value
            );
        }
    }
    for conn in peers {
        for (name, believed) in house.peer(conn).believes.clone() {
            let endpoint = if conn.0 <= 2 { "a" } else { "b" };
            let held = as_json(&house.row(&format!("twin/{endpoint}/{name}")).value);
            assert!(
                crate::house::is_same(&believed, &held),
                "seed {seed}: {name} is {held}, {conn:?} believes {believed}"
            );
        }
    }
    std::mem::take(&mut house.outputs)
}

#[test]
fn random_graphs_of_routes_come_to_rest_with_what_their_sources_say() {
    for seed in 1..=SEEDS {
        run(seed);
    }
}

#[test]
fn two_runs_of_the_same_routes_are_the_same() {
    for seed in 1..=10 {
        let (one, other) = (run(seed), run(seed));
        let first = one.iter().zip(&other).position(|(one, other)| one != other);
        assert_eq!(first.map(|index| (&one[index], &other[index])), None, "seed {seed}");
        assert_eq!(one.len(), other.len(), "seed {seed}");
    }
}

#[test]
fn an_echo_through_two_protocols_ends() {
    let mut house = House::with(Settings {
        endpoints: vec![endpoint("a"), endpoint("b")],
        plcs: vec![named_context("line")],
        ..Settings::default()
    });
    house.run_for(ms(30));
    for (from, to) in [
        ("twin/a/int_in0", "plc/line/N:10"),
        ("plc/line/N:10", "twin/b/int_out0"),
    ] {
        let reply = house.ask(Request::AddRoute(Box::new(setting(from, to, Transform::default()))));
        assert!(matches!(reply, Reply::Route(_)), "{reply:?}");
    }
    let peers = connect(&mut house, &mut Dice::new(1));
    for conn in &peers {
        house.peer(*conn).echoes_after = Some(ms(7));
    }
    for value in 1..=20 {
        house.write(peers[0], json!({"int_in0": value}));
        house.run_for(ms(3));
    }
    house.run_for(ms(300));
    let rest = passed(&mut house);
    assert_eq!(house.row("twin/b/int_out0").value, Value::Int(20));
    assert_eq!(house.row("twin/a/int_in0").value, Value::Int(20));
    house.run_for(Duration::from_secs(5));
    assert_eq!(passed(&mut house), rest);
    let circle = house.ask(Request::AddRoute(Box::new(setting(
        "twin/b/int_out0",
        "plc/line/N:10",
        Transform::default(),
    ))));
    assert!(matches!(circle, Reply::Refused(_)), "{circle:?}");
}
