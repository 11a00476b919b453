//! The route table of PiPLC's clients.

use crate::house::House;
use crate::piplc::{client, done, exchange, heard, house, ms, reply};
use crosstie_hub::ConnId;
use crosstie_hub::api::{Refused, Reply, Request, RouteOrigin, RouteRow};
use crosstie_hub::plc::PlcId;
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
