//! Plain routes between endpoints.

use crate::house::{House, line, signal};
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::settings::{EndpointSettings, Owner, RouteSetting, Settings};
use crosstie_hub::signal::{Kind, Quality, Value};
use serde_json::json;
use std::time::Duration;

fn two_endpoints() -> House {
    let mut panel = EndpointSettings::named("panel");
    for (name, kind) in [("Count", Kind::Float), ("Run", Kind::Bool)] {
        let mut mirror = signal(name, kind, Owner::Hub);
        mirror.signal = format!("twin/panel/{name}");
        panel.signals.push(mirror);
    }
    let route = |name: &str| RouteSetting::plain(&format!("twin/line/{name}"), &format!("twin/panel/{name}"));
    House::with(Settings {
        endpoints: vec![line(), panel],
        routes: vec![route("Count"), route("Run")],
        ..Settings::default()
    })
}

#[test]
fn a_value_is_carried_in_the_same_turn_with_its_quality() {
    let mut house = two_endpoints();
    let writer = house.join("writer");
    house.write(writer, json!({"Count": 7, "Run": true}));
    house.run_for(Duration::from_millis(20));
    assert_eq!(house.row("twin/panel/Count").value, Value::Float(7.0));
    assert_eq!(house.row("twin/panel/Run").value, Value::Bool(true));
    assert_eq!(
        house.row("twin/panel/Run").generation,
        house.row("twin/line/Run").generation
    );
    house.run_for(Duration::from_secs(10));
    let row = house.row("twin/panel/Count");
    assert_eq!(row.writer.as_deref(), Some("route 1"));
    assert!(
        house.now.since(row.confirmed_at) <= Duration::from_millis(2_100),
        "as alive as the writer of its source"
    );
    house.disconnect(writer);
    assert_eq!(house.row("twin/panel/Count").quality, Quality::Stale);
    let Reply::Routes(rows, _) = house.ask(Request::Routes) else {
        panic!("routes answer routes")
    };
    assert_eq!(
        (rows[0].count, rows[0].last_value.clone()),
        (1, Some(Value::Float(7.0)))
    );
}

#[test]
fn a_route_made_while_running_carries_the_present_value_and_a_removed_one_nothing() {
    let mut house = two_endpoints();
    let writer = house.join("writer");
    house.write(writer, json!({"Speed": 2.5}));
    house.run_for(Duration::from_millis(20));
    let add = Request::AddRoute(Box::new(RouteSetting::plain("twin/line/Speed", "twin/line/Setpoint")));
    let Reply::Route(row) = house.ask(add) else {
        panic!("the route fits")
    };
    assert_eq!(house.value("Setpoint"), Value::Float(2.5));
    assert!(matches!(house.ask(Request::RemoveRoute { id: row.id }), Reply::Done));
    house.write(writer, json!({"Speed": 9.5}));
    house.run_for(Duration::from_millis(20));
    assert_eq!(house.value("Setpoint"), Value::Float(2.5));
    assert!(matches!(
        house.ask(Request::RemoveRoute { id: row.id }),
        Reply::Refused(_)
    ));
}
