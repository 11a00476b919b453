//! The route table of PiPLC's clients.

use crate::house::House;
use crate::piplc::{access, client, client_with, done, exchange, heard, house, ms, reply};
use crosstie_hub::ConnId;
use crosstie_hub::access::Role;
use crosstie_hub::api::{Problem, Refused, Reply, Request, RouteOrigin, RouteRow};
use crosstie_hub::plc::PlcId;
use crosstie_hub::settings::{PlcSettings, Settings};
use crosstie_hub::signal::Value;
use crosstie_ladder::address::Address;
use crosstie_ladder::data_table::CellValue;
use serde_json::{Value as Json, json};

fn write(house: &mut House, conn: ConnId, context: &str, address: &str, value: i64) {
    let mut request = json!({"seq": 1, "contextId": context, "address": address, "value": value});
    request["type"] = match address.contains('/') {
        true => {
            request["value"] = (value != 0).into();
            "memory.writeBit".into()
        }
        false => "memory.writeInteger".into(),
    };
    done(house, conn, request);
}

fn read(house: &House, plc: u16, address: &str) -> i64 {
    let address = Address::parse(address).expect("the test named an address");
    let table = house.engines[&PlcId(plc)].engine.controller().table();
    match table.read(address).expect("it can be read") {
        CellValue::Bit(on) => i64::from(on),
        CellValue::Word(number) => i64::from(number),
    }
}

fn route(id: &str, from: (&str, &str), to: (&str, &str), interval_ms: u32) -> Json {
    json!({"routeId": id, "srcContext": from.0, "srcAddress": from.1, "dstContext": to.0, "dstAddress": to.1, "dataType": 1,
        "enabled": true, "intervalMs": interval_ms, "description": "d"})
}

fn sync(house: &mut House, conn: ConnId, routes: &[Json]) -> Json {
    reply(
        house,
        conn,
        json!({"type": "route.sync", "seq": 9, "enabled": true, "routes": routes}),
    )
}

fn rows(house: &mut House) -> Vec<RouteRow> {
    match house.ask(Request::Routes) {
        Reply::Routes(rows, _) => rows,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pl20_values_go_from_context_to_context_in_every_pair_of_kinds() {
    let mut house = house(&["a", "b"]);
    let conn = client(&mut house, "0.2.0");
    let answer = sync(
        &mut house,
        conn,
        &[
            route("bit", ("a", "O:0/0"), ("b", "I:0/0"), 10),
            route("word", ("a", "N:1"), ("b", "N:1"), 10),
            route("bit to word", ("a", "O:0/0"), ("b", "N:2"), 10),
            route("word to bit", ("a", "N:1"), ("b", "B:3/4"), 10),
            route("short", ("a", "N:1"), ("b", "T:0.PRE"), 10),
        ],
    );
    assert_eq!(
        answer,
        json!({"type": "route.sync.reply", "seq": 9, "success": true, "routeCount": 5, "refused": []})
    );
    write(&mut house, conn, "a", "O:0/0", 1);
    write(&mut house, conn, "a", "N:1", 70_000);
    house.run_for(ms(25));
    let got: Vec<i64> = ["I:0/0", "N:1", "N:2", "B:3/4", "T:0.PRE"]
        .map(|at| read(&house, 1, at))
        .into();
    assert_eq!(got, [1, 70_000, 1, 1, 32_767]);
    let row = rows(&mut house).remove(0);
    assert_eq!((row.from.as_str(), row.to.as_str()), ("plc/a/O:0/0", "plc/b/I:0/0"));
    assert_eq!(
        (row.origin, row.waiting, row.count, row.last_value),
        (RouteOrigin::Piplc, None, 1, Some(Value::Bool(true)))
    );
    let id = rows(&mut house)[0].id;
    let Reply::Refused(Refused::Conflict(text)) = house.ask(Request::RemoveRoute { id }) else {
        panic!("it is not the API's")
    };
    assert!(text.contains("table of PiPLC clients"), "{text}");
}

#[test]
fn pl20_sources_are_read_before_targets_are_written_and_the_last_of_the_list_wins() {
    let mut house = house(&["a"]);
    let conn = client(&mut house, "0.2.0");
    write(&mut house, conn, "a", "N:0", 5);
    write(&mut house, conn, "a", "N:1", 7);
    // The two change places with every tick.
    sync(
        &mut house,
        conn,
        &[
            route("x", ("a", "N:0"), ("a", "N:1"), 1_000),
            route("y", ("a", "N:1"), ("a", "N:0"), 1_000),
        ],
    );
    house.run_for(ms(15));
    assert_eq!((read(&house, 0, "N:0"), read(&house, 0, "N:1")), (7, 5));
    house.run_for(ms(1_000));
    assert_eq!((read(&house, 0, "N:0"), read(&house, 0, "N:1")), (5, 7));
    sync(
        &mut house,
        conn,
        &[
            route("x", ("a", "N:0"), ("a", "N:9"), 10),
            route("y", ("a", "N:1"), ("a", "N:9"), 10),
        ],
    );
    for _ in 0..4 {
        house.run_for(ms(10));
        assert_eq!(read(&house, 0, "N:9"), 7);
    }
}

#[test]
fn pl20_every_route_has_its_own_pace() {
    let mut house = house(&["a"]);
    let conn = client(&mut house, "0.2.0");
    sync(
        &mut house,
        conn,
        &[
            route("slow", ("a", "N:0"), ("a", "N:1"), 200),
            route("fast", ("a", "N:0"), ("a", "N:2"), 10),
        ],
    );
    house.run_for(ms(30));
    write(&mut house, conn, "a", "N:0", 5);
    house.run_for(ms(20));
    assert_eq!((read(&house, 0, "N:1"), read(&house, 0, "N:2")), (0, 5));
    house.run_for(ms(180));
    assert_eq!(read(&house, 0, "N:1"), 5);
}

#[test]
fn pl20_what_cannot_be_carried_is_refused_and_the_rest_is_taken() {
    let mut house = house(&["a", "b"]);
    let (conn, other) = (client(&mut house, "0.2.0"), client(&mut house, "0.2.0"));
    heard(&mut house, other);
    let answer = sync(
        &mut house,
        conn,
        &[
            route("good", ("a", "O:0/0"), ("b", "I:0/0"), 50),
            route("good", ("a", "O:0/1"), ("b", "I:0/1"), 50),
            route("nowhere", ("c", "O:0/0"), ("b", "I:0/0"), 50),
            route("no address", ("a", "O:9/0"), ("b", "I:0/0"), 50),
            route("whole", ("a", "N:1"), ("b", "T:0"), 50),
            json!({"srcContext": "a", "srcAddress": "N:0", "dstContext": "b", "dstAddress": "N:9"}),
        ],
    );
    assert_eq!((&answer["success"], &answer["routeCount"]), (&json!(true), &json!(2)));
    let refused: Vec<&str> = answer["refused"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|refused| refused["routeId"].as_str())
        .collect();
    assert_eq!(refused, ["good", "nowhere", "no address", "whole"]);
    let list = reply(&mut house, conn, json!({"type": "route.list", "seq": 3}));
    let routes = json!([
        route("good", ("a", "O:0/0"), ("b", "I:0/0"), 50),
        {"routeId": "route-1", "srcContext": "a", "srcAddress": "N:0", "dstContext": "b", "dstAddress": "N:9", "dataType": 0,
            "enabled": true, "intervalMs": 50, "description": ""},
    ]);
    assert_eq!(
        list,
        json!({"type": "route.list.reply", "seq": 3, "success": true, "enabled": true, "routes": routes})
    );
    assert_eq!(
        heard(&mut house, other),
        [json!({"type": "event.routesChanged", "enabled": true, "routes": routes})]
    );
}

#[test]
fn pl20_a_table_that_is_off_carries_nothing_and_is_listed() {
    let mut house = house(&["a"]);
    let conn = client(&mut house, "0.2.0");
    let routes = [route("r", ("a", "N:0"), ("a", "N:1"), 10)];
    done(
        &mut house,
        conn,
        json!({"type": "route.sync", "seq": 1, "enabled": false, "routes": routes}),
    );
    write(&mut house, conn, "a", "N:0", 5);
    house.run_for(ms(50));
    assert_eq!(read(&house, 0, "N:1"), 0);
    let list = reply(&mut house, conn, json!({"type": "route.list", "seq": 2}));
    assert_eq!((&list["enabled"], &list["routes"]), (&json!(false), &json!(routes)));
    sync(&mut house, conn, &routes);
    house.run_for(ms(50));
    assert_eq!(read(&house, 0, "N:1"), 5);
}

#[test]
fn pl20_a_route_whose_context_goes_away_is_disabled_and_not_forgotten() {
    let mut house = house(&["a", "b"]);
    let conn = client(&mut house, "0.2.0");
    sync(
        &mut house,
        conn,
        &[
            route("r", ("a", "N:0"), ("b", "N:1"), 10),
            route("s", ("a", "N:0"), ("a", "N:1"), 10),
        ],
    );
    done(
        &mut house,
        conn,
        json!({"type": "context.remove", "seq": 2, "contextId": "b"}),
    );
    write(&mut house, conn, "a", "N:0", 5);
    house.run_for(ms(50));
    let list = reply(&mut house, conn, json!({"type": "route.list", "seq": 3}));
    assert_eq!(
        (&list["routes"][0]["enabled"], &list["routes"][1]["enabled"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(rows(&mut house)[0].waiting.as_deref(), Some("its context is gone"));
    assert_eq!(read(&house, 0, "N:1"), 5);
}

/// What the program writes to the target as well is written again at the next tick, and a target that is right is left alone.
#[test]
fn pl20_a_target_that_is_right_is_not_written_again() {
    let mut house = house(&["a"]);
    let conn = client(&mut house, "0.2.0");
    sync(&mut house, conn, &[route("r", ("a", "N:0"), ("a", "N:1"), 10)]);
    write(&mut house, conn, "a", "N:0", 5);
    house.run_for(ms(1_000));
    assert_eq!(rows(&mut house)[0].count, 1);
    exchange(
        &mut house,
        conn,
        json!({"type": "memory.writeInteger", "seq": 1, "address": "N:1", "value": 6}),
    );
    house.run_for(ms(50));
    assert_eq!((rows(&mut house)[0].count, read(&house, 0, "N:1")), (2, 5));
}

/// A key of an engineer for one context of the two.
fn limited(house: &mut House, view: &[&str], write: &[&str]) -> ConnId {
    client_with(house, "0.2.0", access(Role::Engineer, Some(view), Some(write)))
}

fn listed(house: &mut House, conn: ConnId) -> (Json, Vec<String>) {
    let list = reply(house, conn, json!({"type": "route.list", "seq": 3}));
    (list["enabled"].clone(), ids(&list))
}

fn ids(message: &Json) -> Vec<String> {
    let routes = message["routes"].as_array().into_iter().flatten();
    routes
        .filter_map(|route| Some(route["routeId"].as_str()?.to_owned()))
        .collect()
}

#[test]
fn pl20_clients_see_only_routes_of_which_they_may_see_both_ends() {
    let mut house = house(&["one", "two"]);
    let conn = client(&mut house, "0.2.0");
    let one = limited(&mut house, &["plc/one/**"], &["plc/one/**"]);
    let both = client(&mut house, "0.2.0");
    for conn in [one, both] {
        heard(&mut house, conn);
    }
    let routes = [
        route("one", ("one", "N:0"), ("one", "N:1"), 50),
        route("out", ("one", "N:0"), ("two", "N:1"), 50),
        route("in", ("two", "N:0"), ("one", "N:2"), 50),
        route("two", ("two", "N:0"), ("two", "N:1"), 50),
    ];
    sync(&mut house, conn, &routes);
    assert_eq!(ids(&heard(&mut house, one)[0]), ["one"]);
    assert_eq!(ids(&heard(&mut house, both)[0]), ["one", "out", "in", "two"]);
    assert_eq!(listed(&mut house, one).1, ["one"]);
    assert_eq!(listed(&mut house, both).1, ["one", "out", "in", "two"]);
}

#[test]
fn pl20_a_client_replaces_only_routes_that_it_could_have_made() {
    let mut house = house(&["one", "two"]);
    let conn = client(&mut house, "0.2.0");
    let one = limited(
        &mut house,
        &["plc/one/**"],
        &["plc/one/N:0", "plc/one/N:1", "plc/one/N:3", "plc/one/N:4"],
    );
    let routes = [
        route("hidden", ("two", "N:0"), ("two", "N:1"), 10),
        route("mine", ("one", "N:0"), ("one", "N:1"), 10),
        route("locked", ("one", "B:0/0"), ("one", "B:0/1"), 10),
    ];
    sync(&mut house, conn, &routes);
    let new = [
        route("new", ("one", "N:0"), ("one", "N:3"), 10),
        route("hidden", ("one", "N:0"), ("one", "N:4"), 10),
        routes[2].clone(),
    ];
    let message = json!({"type": "route.sync", "seq": 9, "enabled": false, "routes": new});
    let answer = reply(&mut house, one, message);
    assert_eq!(answer["routeCount"], 1);
    let refused = &answer["refused"];
    assert_eq!(
        (&refused[0]["routeId"], &refused[1]["routeId"]),
        (&json!("hidden"), &json!("locked"))
    );
    assert_eq!(
        listed(&mut house, conn),
        (json!(true), vec!["new".into(), "hidden".into(), "locked".into()]),
        "what stays stands behind"
    );
    // It has switched off its own, and nothing else.
    write(&mut house, conn, "one", "N:0", 5);
    write(&mut house, conn, "two", "N:0", 5);
    house.run_for(ms(50));
    assert_eq!((read(&house, 0, "N:3"), read(&house, 1, "N:1")), (0, 5));
    sync(&mut house, one, &[]);
    assert_eq!(listed(&mut house, conn).1, ["hidden", "locked"]);
}

fn feeds(house: &mut House) -> usize {
    let outputs = std::mem::take(&mut house.outputs);
    outputs.iter().filter(|output| output.contains("order: Feed")).count()
}

#[test]
fn pl20_a_target_is_fed_once_at_a_tick_by_the_last_route_of_the_list() {
    let mut house = House::logged(Settings {
        plcs: vec![PlcSettings::named("a")],
        ..Settings::default()
    });
    let conn = client(&mut house, "0.2.0");
    for (address, value) in [("N:0", 5), ("N:1", 6), ("N:2", 7)] {
        write(&mut house, conn, "a", address, value);
    }
    let routes: Vec<Json> = ["N:0", "N:1", "N:2"]
        .map(|from| route(from, ("a", from), ("a", "N:9"), 10))
        .into();
    sync(&mut house, conn, &routes);
    house.run_for(ms(500));
    assert_eq!((read(&house, 0, "N:9"), feeds(&mut house)), (7, 1));
    let counts: Vec<u64> = rows(&mut house).iter().map(|row| row.count).collect();
    assert_eq!(counts, [0, 0, 1]);
}

/// A word and a bit of it: the bit stands later in the list and is written over the word each time.
#[test]
fn pl20_a_route_to_a_bit_wins_over_one_before_it_to_its_word() {
    let mut house = house(&["a"]);
    let conn = client(&mut house, "0.2.0");
    write(&mut house, conn, "a", "B:0/0", 1);
    let routes = [
        route("word", ("a", "N:0"), ("a", "B:3"), 10),
        route("bit", ("a", "B:0/0"), ("a", "B:3/4"), 10),
    ];
    sync(&mut house, conn, &routes);
    for _ in 0..6 {
        house.run_for(ms(10));
        assert_eq!(read(&house, 0, "B:3/4"), 1);
    }
}

fn late(house: &mut House) -> Option<Problem> {
    match house.ask(Request::Health) {
        Reply::Health(health) => health.problems.into_iter().find(|problem| problem.id == "piplc:routes"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn pl20_a_table_that_is_late_is_a_problem_until_it_is_on_time_or_another() {
    let mut house = house(&["a"]);
    let conn = client(&mut house, "0.2.0");
    let routes = [
        route("r", ("a", "N:0"), ("a", "N:1"), 10),
        route("s", ("a", "N:0"), ("a", "N:2"), 1_000),
    ];
    sync(&mut house, conn, &routes);
    house.run_for(ms(2_000));
    house.now = house.now + ms(60);
    house.run_for(ms(3_000));
    assert!(late(&mut house).is_none(), "a few moments are no problem");
    for _ in 0..2 {
        house.now = house.now + ms(100);
        house.run_for(ms(20));
    }
    let problem = late(&mut house).expect("it is late");
    assert!(
        !problem.is_error && problem.text.contains("table of 2 routes"),
        "{}",
        problem.text
    );
    house.run_for(ms(9_000));
    assert!(late(&mut house).is_some());
    house.run_for(ms(1_500));
    assert!(late(&mut house).is_none());
    house.now = house.now + ms(500);
    house.run_for(ms(20));
    assert!(late(&mut house).is_some());
    sync(&mut house, conn, &routes[1..]);
    assert!(late(&mut house).is_none());
    house.now = house.now + ms(500);
    house.run_for(ms(20));
    assert!(late(&mut house).is_none(), "a slow route has missed nothing");
}

#[test]
fn pl66_a_route_writes_underneath_a_force() {
    let mut house = house(&["a"]);
    let conn = client(&mut house, "0.2.0");
    sync(&mut house, conn, &[route("r", ("a", "B:0/0"), ("a", "B:1/0"), 10)]);
    let force = json!({"type": "memory.forceBit", "seq": 1, "address": "B:1/0", "value": true});
    done(&mut house, conn, force);
    house.run_for(ms(50));
    write(&mut house, conn, "a", "B:0/0", 1);
    house.run_for(ms(50));
    let before = rows(&mut house)[0].count;
    house.run_for(ms(500));
    assert_eq!(rows(&mut house)[0].count, before, "the same is not said again");
    // No tick comes between the end of the force and the look.
    sync(&mut house, conn, &[route("r", ("a", "B:0/0"), ("a", "B:1/0"), 100_000)]);
    house.run_for(ms(50));
    let free = json!({"type": "memory.unforceBit", "seq": 1, "address": "B:1/0"});
    done(&mut house, conn, free);
    assert_eq!(read(&house, 0, "B:1/0"), 1);
}
