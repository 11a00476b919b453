//! Routes that transform, pace and read several signals.

use crate::house::{House, signal};
use crate::plc_signals::{context, ms, routes};
use crosstie_hub::api::{Refused, Reply, Request, RouteRow, RoutesSet};
use crosstie_hub::settings::{
    EndpointSettings, OnStale, Owner, PlcSettings, RouteSetting, Settings, Transform, ValueMap,
};
use crosstie_hub::signal::{Kind, Quality, Value};
use serde_json::json;
use std::time::Duration;

/// One endpoint `line`: `in0` … `in3` of each kind are written by peers, `out0` … `out3` by the hub.
pub(crate) fn workbench() -> EndpointSettings {
    let mut endpoint = EndpointSettings::named("line");
    for (word, owner) in [("in", Owner::Peer), ("out", Owner::Hub)] {
        for kind in Kind::ALL {
            let name = |index: usize| format!("{}_{word}{index}", kind.word());
            endpoint
                .signals
                .extend((0..4).map(|index| signal(&name(index), kind, owner)));
        }
    }
    endpoint
}

pub(crate) fn house(plcs: Vec<PlcSettings>) -> House {
    House::with(Settings {
        endpoints: vec![workbench()],
        plcs,
        ..Settings::default()
    })
}

pub(crate) fn setting(from: &str, to: &str, transform: Transform) -> RouteSetting {
    RouteSetting {
        transform,
        ..RouteSetting::plain(&full(from), &full(to))
    }
}

/// Names without a `/` are of the workbench.
fn full(name: &str) -> String {
    match name.contains('/') {
        true => name.to_owned(),
        false => format!("twin/line/{name}"),
    }
}

pub(crate) fn formula(expr: &str, inputs: &[(&str, &str)]) -> Transform {
    let inputs = inputs.iter().map(|(name, signal)| ((*name).to_owned(), full(signal)));
    Transform {
        expr: Some(expr.to_owned()),
        inputs: inputs.collect(),
        ..Transform::default()
    }
}

pub(crate) fn lay(house: &mut House, setting: RouteSetting) -> RouteRow {
    match house.ask(Request::AddRoute(Box::new(setting))) {
        Reply::Route(row) => *row,
        other => panic!("{other:?}"),
    }
}

fn change(house: &mut House, id: u32, setting: RouteSetting) -> Reply {
    let route = Box::new(setting);
    house.ask(Request::ChangeRoute { id, route })
}

fn refused(reply: Reply) -> String {
    match reply {
        Reply::Refused(refused) => refused.to_string(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn row(house: &mut House, id: u32) -> RouteRow {
    routes(house)
        .into_iter()
        .find(|row| row.id == id)
        .expect("the route is there")
}

fn paced(deadband: Option<f64>, every_ms: Option<u64>) -> Transform {
    Transform {
        deadband,
        every: every_ms.map(Duration::from_millis),
        ..Transform::default()
    }
}

#[test]
fn each_transform_does_what_it_says_in_the_same_turn() {
    let mut house = house(Vec::new());
    let writer = house.join("writer");
    let map = ValueMap {
        entries: vec![("0".into(), Value::Text("Stopped".into()))],
        otherwise: Some(Value::Text("Unknown".into())),
    };
    let inverted = Transform {
        invert: true,
        ..Transform::default()
    };
    let line = Transform {
        scale: Some(0.1),
        offset: Some(-5.0),
        ..Transform::default()
    };
    let mapped = Transform {
        map: Some(map),
        ..Transform::default()
    };
    for route in [
        setting("bool_in0", "bool_out0", inverted),
        setting("int_in0", "float_out0", line.clone()),
        setting("float_in0", "int_out0", line),
        setting("int_in1", "text_out0", mapped),
        setting(
            "float_in1",
            "bool_out1",
            formula("value > 80.0 && run", &[("run", "bool_in1")]),
        ),
    ] {
        lay(&mut house, route);
    }
    let values =
        json!({"bool_in0": true, "bool_in1": true, "int_in0": 80, "float_in0": 75.0, "int_in1": 7, "float_in1": 81.0});
    house.write(writer, values);
    house.run_for(ms(20));
    assert_eq!(house.value("bool_out0"), Value::Bool(false));
    assert_eq!(house.value("float_out0"), Value::Float(3.0));
    assert_eq!(house.value("int_out0"), Value::Int(3), "2.5 is rounded away from zero");
    assert_eq!(house.value("text_out0"), Value::Text("Unknown".into()));
    assert_eq!(house.value("bool_out1"), Value::Bool(true));
    let generation = |house: &mut House, name: &str| house.row(&full(name)).generation;
    assert_eq!(generation(&mut house, "bool_out1"), generation(&mut house, "float_in1"));
    house.write(writer, json!({"bool_in1": false, "int_in1": 0}));
    house.run_for(ms(20));
    assert_eq!(house.value("bool_out1"), Value::Bool(false));
    assert_eq!(house.value("text_out0"), Value::Text("Stopped".into()));
}

#[test]
fn a_route_with_several_sources_is_evaluated_once_after_all_of_them_are_settled() {
    let mut house = house(Vec::new());
    let writer = house.join("writer");
    // Laid against the order of evaluation: the sum before what it reads.
    let sum = lay(
        &mut house,
        setting(
            "int_in0",
            "int_out0",
            formula("value + a + b", &[("a", "int_out1"), ("b", "int_out2")]),
        ),
    );
    lay(&mut house, setting("int_out1", "int_out2", formula("value * 10", &[])));
    lay(&mut house, setting("int_in0", "int_out1", formula("value * 10", &[])));
    let before = row(&mut house, sum.id).count;
    house.write(writer, json!({"int_in0": 3}));
    house.run_for(ms(20));
    assert_eq!(house.value("int_out0"), Value::Int(333));
    assert_eq!(
        row(&mut house, sum.id).count,
        before + 1,
        "no value in between was passed"
    );
}

#[test]
fn the_quality_of_a_result_is_the_worst_of_its_sources() {
    let mut house = house(Vec::new());
    let (one, other) = (house.join("one"), house.join("other"));
    lay(
        &mut house,
        setting("int_in0", "int_out0", formula("value + a", &[("a", "int_in1")])),
    );
    house.write(one, json!({"int_in0": 1}));
    house.run_for(ms(20));
    assert_eq!(house.quality("int_out0"), Quality::NeverWritten);
    house.write(other, json!({"int_in1": 2}));
    house.run_for(ms(20));
    assert_eq!(
        (house.value("int_out0"), house.quality("int_out0")),
        (Value::Int(3), Quality::Good)
    );
    house.disconnect(other);
    assert_eq!(house.quality("int_out0"), Quality::Stale);
    let sign = house.row("twin/line/int_out0").confirmed_at;
    house.run_for(Duration::from_secs(4));
    assert_eq!(
        house.row("twin/line/int_out0").confirmed_at,
        sign,
        "as old as its oldest source"
    );
}

#[test]
fn what_cannot_be_transformed_leaves_the_value_and_says_why() {
    let mut house = house(Vec::new());
    let writer = house.join("writer");
    let route = lay(&mut house, setting("int_in0", "int_out0", formula("100 / value", &[])));
    house.write(writer, json!({"int_in0": 20}));
    house.run_for(ms(20));
    let before = row(&mut house, route.id).failed;
    house.write(writer, json!({"int_in0": 0}));
    house.run_for(ms(20));
    assert_eq!(
        (house.value("int_out0"), house.quality("int_out0")),
        (Value::Int(5), Quality::RouteFailed)
    );
    let failed = row(&mut house, route.id);
    assert_eq!(
        (failed.failed, failed.error.as_deref()),
        (before + 1, Some("expr: division by zero"))
    );
    house.write(writer, json!({"int_in0": 50}));
    house.run_for(ms(20));
    assert_eq!(
        (house.value("int_out0"), house.quality("int_out0")),
        (Value::Int(2), Quality::Good)
    );
    assert_eq!(row(&mut house, route.id).error, None);
}

#[test]
fn what_a_map_has_nothing_for_is_not_passed_and_its_quality_is() {
    let mut house = house(Vec::new());
    let writer = house.join("writer");
    let map = ValueMap {
        entries: vec![("1".into(), Value::Int(10)), ("2".into(), Value::Int(20))],
        otherwise: None,
    };
    let transform = Transform {
        map: Some(map),
        ..Transform::default()
    };
    let route = lay(&mut house, setting("int_in0", "int_out0", transform));
    for value in [1, 7, 2, 9] {
        house.write(writer, json!({"int_in0": value}));
        house.run_for(ms(20));
    }
    assert_eq!(house.value("int_out0"), Value::Int(20));
    let row = row(&mut house, route.id);
    // The zero before the first write has no entry either.
    assert_eq!((row.count, row.held, row.failed), (2, 3, 0));
    house.disconnect(writer);
    assert_eq!(
        (house.value("int_out0"), house.quality("int_out0")),
        (Value::Int(20), Quality::Stale)
    );
}

#[test]
fn the_last_value_within_an_interval_is_passed_when_it_is_over() {
    let mut house = house(Vec::new());
    let writer = house.join("writer");
    let route = lay(&mut house, setting("int_in0", "int_out0", paced(None, Some(200))));
    let write = |house: &mut House, value: i64| {
        house.write(writer, json!({"int_in0": value}));
        house.run_for(ms(10));
    };
    house.run_for(ms(300));
    write(&mut house, 1);
    assert_eq!(house.value("int_out0"), Value::Int(1));
    for value in 2..=5 {
        write(&mut house, value);
    }
    assert_eq!(house.value("int_out0"), Value::Int(1));
    house.run_for(ms(200));
    assert_eq!(house.value("int_out0"), Value::Int(5));
    write(&mut house, 6);
    write(&mut house, 5);
    house.run_for(ms(400));
    assert_eq!(house.value("int_out0"), Value::Int(5), "what came back is not passed");
    let row = row(&mut house, route.id);
    assert_eq!((row.count, row.held), (2, 5));
    write(&mut house, 7);
    write(&mut house, 8);
    house.disconnect(writer);
    assert_eq!(
        (house.value("int_out0"), house.quality("int_out0")),
        (Value::Int(8), Quality::Stale),
        "a change of quality is passed at once, with the newest value"
    );
}

#[test]
fn a_value_that_came_back_takes_nothing_from_what_another_route_withholds() {
    let mut house = house(Vec::new());
    let writer = house.join("writer");
    house.run_for(ms(300));
    for index in 0..2 {
        let (from, to) = (format!("int_in{index}"), format!("int_out{index}"));
        lay(&mut house, setting(&from, &to, paced(None, Some(100))));
    }
    house.run_for(ms(200));
    for values in [
        json!({"int_in0": 1}),
        json!({"int_in0": 2}),
        json!({"int_in1": 1}),
        json!({"int_in1": 2}),
    ] {
        house.write(writer, values);
        house.run_for(ms(20));
    }
    house.write(writer, json!({"int_in0": 1}));
    house.run_for(ms(400));
    assert_eq!(
        (house.value("int_out0"), house.value("int_out1")),
        (Value::Int(1), Value::Int(2))
    );
}

#[test]
fn a_deadband_withholds_what_is_near() {
    let mut house = house(Vec::new());
    let writer = house.join("writer");
    lay(&mut house, setting("float_in0", "float_out0", paced(Some(0.5), None)));
    let mut after = |value: f64| {
        house.write(writer, json!({"float_in0": value}));
        house.run_for(ms(20));
        house.value("float_out0")
    };
    assert_eq!(after(10.0), Value::Float(10.0));
    assert_eq!(after(10.4), Value::Float(10.0));
    assert_eq!(after(10.5), Value::Float(10.5));
    assert_eq!(after(10.1), Value::Float(10.5));
}

#[test]
fn a_route_is_changed_in_place_and_a_refused_change_changes_nothing() {
    let mut house = house(Vec::new());
    let writer = house.join("writer");
    let route = lay(&mut house, setting("int_in0", "int_out0", paced(None, Some(10_000))));
    house.write(writer, json!({"int_in0": 4}));
    house.run_for(ms(20));
    house.write(writer, json!({"int_in0": 5}));
    house.run_for(ms(20));
    let before = row(&mut house, route.id);
    let text = refused(change(
        &mut house,
        route.id,
        setting("int_in0", "int_out0", formula("valu", &[])),
    ));
    assert_eq!(
        text,
        "'expr': column 1: there is no variable 'valu'; did you mean 'value'?"
    );
    let inverted = Transform {
        invert: true,
        ..Transform::default()
    };
    let text = refused(change(&mut house, route.id, setting("int_in0", "int_out0", inverted)));
    assert_eq!(text, "invert: 'twin/line/int_in0' is int; expected a bool");
    let after = row(&mut house, route.id);
    assert_eq!((after.transform, after.count), (before.transform, before.count));
    let reply = change(
        &mut house,
        route.id,
        setting("int_in0", "int_out0", formula("value * 2", &[])),
    );
    assert!(matches!(reply, Reply::Route(_)), "{reply:?}");
    assert_eq!(
        house.value("int_out0"),
        Value::Int(10),
        "what was withheld is transformed anew in the same turn"
    );
    assert_eq!(row(&mut house, route.id).count, before.count + 1);
    let entry = house.audited.last().expect("the change is written down");
    assert_eq!(entry.what, "route.change");
    assert_eq!(entry.old["every_ms"], 10_000);
    assert_eq!(entry.new["expr"], "value * 2");
    let reply = change(
        &mut house,
        route.id,
        setting("int_in0", "int_out1", Transform::default()),
    );
    assert!(matches!(reply, Reply::Route(_)), "{reply:?}");
    assert_eq!(house.value("int_out1"), Value::Int(5));
    house.write(writer, json!({"int_in0": 6}));
    house.run_for(ms(20));
    assert_eq!(
        (house.value("int_out0"), house.value("int_out1")),
        (Value::Int(10), Value::Int(6))
    );
}

#[test]
fn a_check_with_a_route_to_replace_does_not_mind_that_one() {
    let mut house = house(Vec::new());
    let route = lay(&mut house, setting("int_in0", "int_out0", Transform::default()));
    let check = |house: &mut House, instead_of| {
        let route = Box::new(setting("int_in1", "int_out0", Transform::default()));
        house.ask(Request::CheckRoute { route, instead_of })
    };
    assert!(refused(check(&mut house, None)).contains("already"));
    assert!(matches!(check(&mut house, Some(route.id)), Reply::Done));
    assert!(refused(check(&mut house, Some(99))).contains("no route is called '99'"));
}

fn set(house: &mut House, routes: &[RouteSetting], replace: bool) -> Reply {
    let routes = routes.to_vec();
    house.ask(Request::SetRoutes { routes, replace })
}

fn sets(reply: Reply) -> (usize, usize, usize, usize) {
    match reply {
        Reply::RoutesSet(RoutesSet {
            added,
            changed,
            same,
            removed,
        }) => (added, changed, same, removed),
        other => panic!("{other:?}"),
    }
}

#[test]
fn routes_are_set_together_or_not_at_all() {
    let mut house = house(Vec::new());
    let writer = house.join("writer");
    house.write(writer, json!({"int_in0": 4, "int_in1": 5}));
    house.run_for(ms(20));
    let plain = |from: &str, to: &str| setting(from, to, Transform::default());
    let first = [
        plain("int_in0", "int_out0"),
        plain("int_in1", "int_out1"),
        plain("twin/line/bool_*", "twin/$1/bool"),
    ];
    assert_eq!(sets(set(&mut house, &first, false)), (3, 0, 0, 0));
    assert_eq!(sets(set(&mut house, &first, true)), (0, 0, 3, 0));
    let ids: Vec<u32> = routes(&mut house).iter().map(|row| row.id).collect();
    // The two change places: neither is in the way of the other.
    let swapped = [
        plain("int_in1", "int_out0"),
        plain("int_in0", "int_out1"),
        first[2].clone(),
    ];
    assert_eq!(sets(set(&mut house, &swapped, true)), (0, 2, 1, 0));
    assert_eq!(
        (house.value("int_out0"), house.value("int_out1")),
        (Value::Int(5), Value::Int(4))
    );
    assert_eq!(routes(&mut house).iter().map(|row| row.id).collect::<Vec<_>>(), ids);
    let counts: Vec<u64> = routes(&mut house).iter().map(|row| row.count).collect();
    assert_eq!(counts[..2], [2, 2]);
    let mistaken = [
        plain("int_in0", "int_out2"),
        plain("int_in2", "int_in3"),
        plain("int_in1", "int_out0"),
    ];
    let Reply::Refused(Refused::Route { index, refused }) = set(&mut house, &mistaken, true) else {
        panic!("the second one cannot be laid")
    };
    assert_eq!(index, 1);
    assert!(refused.to_string().contains("second writer"), "{refused}");
    let twice = [plain("int_in0", "int_out2"), plain("int_in1", "int_out2")];
    let Reply::Refused(Refused::Route { index: 1, refused }) = set(&mut house, &twice, true) else {
        panic!("the second one cannot be laid")
    };
    assert!(refused.to_string().contains("already"), "{refused}");
    // Nothing has changed, and everything still runs.
    assert_eq!(routes(&mut house).iter().map(|row| row.id).collect::<Vec<_>>(), ids);
    house.write(writer, json!({"int_in0": 14, "int_in1": 15, "int_in2": 16}));
    house.run_for(ms(20));
    assert_eq!(
        (house.value("int_out0"), house.value("int_out1")),
        (Value::Int(15), Value::Int(14))
    );
    assert_eq!(house.value("int_out2"), Value::Int(0));
    assert_eq!(sets(set(&mut house, &swapped[..1], true)), (0, 0, 1, 2));
    assert_eq!(routes(&mut house).len(), 1);
}

#[test]
fn a_plc_takes_what_fits_and_on_stale_says_what_becomes_of_a_failure() {
    let mut house = house(vec![context("PROGRAM \"Line\"\nSOR XIC I:0/0 OTE O:0/0 EOR\n")]);
    house.run_for(ms(30));
    let writer = house.join("writer");
    let scaled = Transform {
        scale: Some(1000.0),
        ..Transform::default()
    };
    lay(&mut house, setting("float_in0", "plc/line/T:0.PRE", scaled.clone()));
    lay(&mut house, setting("float_in0", "plc/line/N:1", scaled));
    for (to, on_stale) in [("plc/line/N:2", OnStale::Hold), ("plc/line/N:3", OnStale::Zero)] {
        let divided = setting("int_in0", to, formula("100 / value", &[]));
        lay(&mut house, RouteSetting { on_stale, ..divided });
    }
    house.write(writer, json!({"float_in0": 1.0006, "int_in0": 5}));
    house.run_for(ms(40));
    let value = |house: &mut House, name: &str| house.row(name).value;
    assert_eq!(value(&mut house, "plc/line/N:1"), Value::Int(1001));
    assert_eq!(value(&mut house, "plc/line/N:2"), Value::Int(20));
    house.write(writer, json!({"float_in0": 1e9, "int_in0": 0}));
    house.run_for(ms(40));
    assert_eq!(value(&mut house, "plc/line/T:0.PRE"), Value::Int(32_767));
    assert_eq!(value(&mut house, "plc/line/N:1"), Value::Int(i64::from(i32::MAX)));
    assert_eq!(value(&mut house, "plc/line/N:2"), Value::Int(20));
    assert_eq!(value(&mut house, "plc/line/N:3"), Value::Int(0));
    assert_eq!(house.row("plc/line/N:2").quality, Quality::RouteFailed);
}
