//! Routes with patterns: one setting, a route from each signal that it fits.

use crate::house::House;
use crate::plc_signals::{PROGRAM, context, download, ms, routes};
use crate::route_transforms::{formula, house, lay, row, setting, workbench};
use crosstie_hub::access::{Access, Role, Scope};
use crosstie_hub::api::{Reply, Request, RouteRow};
use crosstie_hub::limits::Limits;
use crosstie_hub::settings::{EndpointSettings, PlcSettings, RouteSetting, Settings, Transform};
use crosstie_hub::signal::Value;
use serde_json::json;
use std::sync::Arc;

fn plain(from: &str, to: &str) -> RouteSetting {
    RouteSetting::plain(from, to)
}

fn children(house: &mut House, id: u32) -> Vec<RouteRow> {
    let mut rows = routes(house);
    rows.retain(|row| row.pattern == Some(id));
    rows
}

fn named(name: &str, text: &str) -> PlcSettings {
    PlcSettings {
        name: name.into(),
        id: name.into(),
        ..context(text)
    }
}

#[test]
fn a_pattern_ties_every_signal_that_fits_with_what_its_wildcards_catch() {
    let mut house = house(Vec::new());
    let writer = house.join("writer");
    let route = setting("twin/line/*_in*", "twin/line/$1_out$2", Transform::default());
    let family = lay(&mut house, route);
    assert_eq!((family.fits, family.pattern), (Some(16), None));
    house.write(writer, json!({"int_in2": 7, "text_in1": "x"}));
    house.run_for(ms(20));
    assert_eq!(house.value("int_out2"), Value::Int(7));
    assert_eq!(house.value("text_out1"), Value::Text("x".into()));
    let rows = children(&mut house, family.id);
    assert_eq!(rows.len(), 16);
    let row = rows.iter().find(|row| row.to == "twin/line/int_out2").unwrap();
    assert_eq!((row.from.as_str(), row.fits, row.count), ("twin/line/int_in2", None, 1));
    let text = match house.ask(Request::RemoveRoute { id: row.id }) {
        Reply::Refused(refused) => refused.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(
        text.contains(&format!("the pattern of route {} stands for", family.id)),
        "{text}"
    );
    let route = Box::new(plain("twin/line/int_in2", "twin/line/int_out2"));
    let reply = house.ask(Request::ChangeRoute { id: row.id, route });
    assert!(matches!(reply, Reply::Refused(_)), "{reply:?}");
    assert!(matches!(house.ask(Request::RemoveRoute { id: family.id }), Reply::Done));
    assert!(routes(&mut house).is_empty());
    house.write(writer, json!({"int_in2": 8}));
    house.run_for(ms(20));
    assert_eq!(house.value("int_out2"), Value::Int(7));
}

#[test]
fn the_inputs_of_an_expression_take_captures_too() {
    let mut house = house(Vec::new());
    let writer = house.join("writer");
    let family = lay(
        &mut house,
        setting(
            "twin/line/int_in*",
            "twin/line/bool_out$1",
            formula("value > 3 && run", &[("run", "bool_in$1")]),
        ),
    );
    house.write(writer, json!({"int_in2": 7, "int_in3": 7, "bool_in2": true}));
    house.run_for(ms(20));
    assert_eq!(
        (house.value("bool_out2"), house.value("bool_out3")),
        (Value::Bool(true), Value::Bool(false))
    );
    let rows = children(&mut house, family.id);
    assert_eq!(
        rows[2].transform.inputs,
        [("run".to_owned(), "twin/line/bool_in2".to_owned())]
    );
}

#[test]
fn signals_that_come_later_get_their_route_in_the_same_turn() {
    let mut endpoint = EndpointSettings::named("line");
    endpoint.auto_register = true;
    endpoint.signals = workbench().signals;
    let mut house = House::with(Settings {
        endpoints: vec![endpoint],
        routes: vec![plain("twin/line/Sensor*", "twin/line/int_out$1")],
        ..Settings::default()
    });
    let writer = house.join("writer");
    house.write(writer, json!({"Sensor1": 41, "Sensor2": 42, "Sensor": 43}));
    house.run_for(ms(20));
    assert_eq!(
        (house.value("int_out1"), house.value("int_out2")),
        (Value::Int(41), Value::Int(42))
    );
    assert_eq!(
        house.row("twin/line/Sensor1").generation,
        house.row("twin/line/int_out1").generation
    );
    assert_eq!(routes(&mut house)[0].fits, Some(2));
}

#[test]
fn an_address_in_every_context_is_a_signal_of_each_of_them() {
    let plcs = ["a", "b"].map(|name| named(name, PROGRAM));
    let mut house = house(plcs.to_vec());
    let family = lay(&mut house, plain("plc/*/n:7", "twin/line/Count_$1"));
    let rows = children(&mut house, family.id);
    let names: Vec<&str> = rows.iter().map(|row| row.from.as_str()).collect();
    assert_eq!(names, ["plc/a/N:7", "plc/b/N:7"]);
    assert_eq!(
        rows[0].waiting.as_deref(),
        Some("no signal is called 'twin/line/Count_a' yet")
    );
    // And the other way round: the places of the targets are made.
    let family = lay(&mut house, plain("twin/line/bool_in*", "plc/a/I:0/1$1"));
    let rows = children(&mut house, family.id);
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row.waiting.is_none()), "{rows:?}");
    let writer = house.join("writer");
    house.write(writer, json!({"bool_in2": true}));
    house.run_for(ms(40));
    assert_eq!(house.row("plc/a/I:0/12").value, Value::Bool(true));
}

#[test]
fn a_pattern_of_symbols_follows_the_programs() {
    let mut house = house(vec![context(PROGRAM)]);
    house.run_for(ms(30));
    let family = lay(&mut house, plain("plc/*/Mot*", "twin/line/bool_out$2"));
    let rows = children(&mut house, family.id);
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].from.as_str(), rows[0].to.as_str()),
        ("plc/line/Motor", "twin/line/bool_outor")
    );
    download(
        &mut house,
        "PROGRAM \"Line\"\nSYM Mot2 B:0/0 BOOL \"\"\nSOR XIC I:0/0 OTE Mot2 EOR\n",
    );
    house.run_for(ms(30));
    let rows = children(&mut house, family.id);
    assert_eq!(rows.len(), 2);
    assert_eq!(
        rows[0].waiting.as_deref(),
        Some("no program has the symbol 'plc/line/Motor' yet")
    );
    assert_eq!(
        (rows[1].to.as_str(), rows[1].waiting.as_deref()),
        ("twin/line/bool_out2", None)
    );
}

#[test]
fn a_route_that_names_its_source_wins_over_a_pattern_and_the_second_pattern_waits() {
    let mut house = house(Vec::new());
    let writer = house.join("writer");
    house.write(writer, json!({"int_in0": 1, "int_in1": 2}));
    house.run_for(ms(20));
    let first = lay(&mut house, plain("twin/line/int_in*", "twin/line/int_out$1"));
    assert_eq!(house.value("int_out0"), Value::Int(1));
    let own = lay(&mut house, plain("twin/line/int_in1", "twin/line/int_out0"));
    assert_eq!(house.value("int_out0"), Value::Int(2));
    let waiting = |house: &mut House, id: u32| children(house, id)[0].waiting.clone();
    assert_eq!(
        waiting(&mut house, first.id).as_deref(),
        Some("'twin/line/int_out0' is written by a route from 'twin/line/int_in1' already")
    );
    let second = lay(&mut house, plain("twin/line/int*0", "twin/line/int_out0"));
    assert!(waiting(&mut house, second.id).unwrap().contains("already"));
    assert!(matches!(house.ask(Request::RemoveRoute { id: own.id }), Reply::Done));
    assert_eq!(waiting(&mut house, first.id), None);
    assert_eq!(house.value("int_out0"), Value::Int(1));
    assert!(
        waiting(&mut house, second.id)
            .unwrap()
            .contains("from 'twin/line/int_in0' already")
    );
    let again = house.ask(Request::AddRoute(Box::new(plain(
        "twin/line/int_in*",
        "twin/line/int_out$1",
    ))));
    assert!(matches!(again, Reply::Refused(_)), "{again:?}");
}

#[test]
fn circles_through_patterns_are_found() {
    let mut house = house(Vec::new());
    lay(&mut house, plain("twin/line/int_out0", "twin/line/int_out1"));
    let family = lay(&mut house, plain("twin/line/int_o*1", "twin/line/int_out0"));
    assert_eq!(
        children(&mut house, family.id)[0].waiting.as_deref(),
        Some("the routes would go in a circle: twin/line/int_out1 → twin/line/int_out0 → twin/line/int_out1")
    );
    // A signal is not tied to itself.
    let family = lay(&mut house, plain("twin/line/int_out*", "twin/line/int_out3"));
    let rows = children(&mut house, family.id);
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0].waiting, None);
}

#[test]
fn a_pattern_is_changed_in_place() {
    let mut house = house(Vec::new());
    let writer = house.join("writer");
    let family = lay(&mut house, plain("twin/line/int_in*", "twin/line/int_out$1"));
    house.write(writer, json!({"int_in0": 3}));
    house.run_for(ms(20));
    let before = children(&mut house, family.id);
    let doubled = setting("twin/line/int_in*", "twin/line/int_out$1", formula("value * 2", &[]));
    let reply = house.ask(Request::ChangeRoute {
        id: family.id,
        route: Box::new(doubled),
    });
    assert!(matches!(reply, Reply::Route(_)), "{reply:?}");
    assert_eq!(house.value("int_out0"), Value::Int(6));
    let after = children(&mut house, family.id);
    assert_eq!((after[0].id, after[0].count), (before[0].id, before[0].count + 1));
    let elsewhere = plain("twin/line/int_in*", "twin/line/float_out$1");
    let reply = house.ask(Request::ChangeRoute {
        id: family.id,
        route: Box::new(elsewhere),
    });
    assert!(matches!(reply, Reply::Route(_)), "{reply:?}");
    assert_eq!(house.value("float_out0"), Value::Float(3.0));
    assert_eq!(children(&mut house, family.id).len(), 4);
    let one = plain("twin/line/int_in1", "twin/line/float_out1");
    let reply = house.ask(Request::ChangeRoute {
        id: family.id,
        route: Box::new(one),
    });
    assert!(matches!(reply, Reply::Route(_)), "{reply:?}");
    assert_eq!(routes(&mut house).len(), 1);
    assert_eq!(row(&mut house, family.id).fits, None);
}

#[test]
fn the_limit_of_routes_counts_what_patterns_stand_for() {
    let mut house = House::with(Settings {
        endpoints: vec![workbench()],
        limits: Limits {
            routes_max: 3,
            ..Limits::default()
        },
        ..Settings::default()
    });
    let family = lay(&mut house, plain("twin/line/int_in*", "twin/line/int_out$1"));
    assert_eq!(family.fits, Some(2));
    assert_eq!(
        family.waiting.as_deref(),
        Some("not every signal that fits has a route: the limit is 3 routes")
    );
}

#[test]
fn whoever_may_not_reach_everything_that_a_pattern_reaches_may_not_lay_it() {
    let scope = |text: &str| Scope::new(Some(&[text.to_owned()]));
    let access = |view: &str, write: &str| {
        Arc::new(Access {
            key: Some("k1".into()),
            ring: 1,
            who: "HMI".into(),
            role: Role::Engineer,
            view: scope(view),
            write: scope(write),
        })
    };
    let mut house = house(Vec::new());
    let mut lays = |view: &str, write: &str, from: &str, to: &str| {
        let reply = house.ask_as(access(view, write), Request::AddRoute(Box::new(plain(from, to))));
        match reply {
            Reply::Route(row) => {
                house.ask(Request::RemoveRoute { id: row.id });
                true
            }
            Reply::Refused(_) => false,
            other => panic!("{other:?}"),
        }
    };
    assert!(lays(
        "twin/**",
        "twin/line/*",
        "twin/line/int_in*",
        "twin/line/int_out$1"
    ));
    assert!(!lays(
        "twin/line/int_in1",
        "twin/line/*",
        "twin/line/int_in*",
        "twin/line/int_out$1"
    ));
    assert!(!lays(
        "twin/**",
        "twin/line/int_out1",
        "twin/line/int_in*",
        "twin/line/int_out$1"
    ));
    assert!(!lays("twin/*/*", "twin/**", "twin/line/**", "twin/line/x/$1"));
}
