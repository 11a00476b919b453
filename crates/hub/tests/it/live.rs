//! Our own live channel.

use crate::house::{House, Wire, line};
use crosstie_hub::settings::EndpointSettings;
use crosstie_hub::signal::Value;
use crosstie_hub::{ConnId, Face};
use serde_json::{Value as Json, json};
use std::time::Duration;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn open(house: &mut House, request: Json) -> (ConnId, Json) {
    let conn = house.connect_as(Face::Live, Wire::default());
    house.say(conn, request);
    house.run_for(ms(20));
    assert_eq!(house.types(conn), ["hello", "clock", "snapshot"]);
    let mut inbox = std::mem::take(&mut house.peer(conn).inbox);
    let snapshot = inbox.pop().expect("three messages came");
    (conn, json!({"hello": inbox.remove(0), "snapshot": snapshot}))
}

#[test]
fn a_channel_shows_value_quality_age_and_writer_by_name_and_pattern() {
    let mut house = House::new(line());
    let writer = house.join("writer");
    house.write(writer, json!({"Speed": 2.5}));
    house.run_for(ms(50));
    let names = json!(["twin/line/Lamp", "twin/line/Nobody"]);
    let request = json!({"type": "subscribe", "id": 1, "names": names, "patterns": ["twin/*/Speed"], "cycle_ms": 100});
    let (live, first) = open(&mut house, request);
    let rows = first["snapshot"]["signals"].as_array().unwrap();
    let named: Vec<&Json> = rows.iter().map(|row| &row["name"]).collect();
    assert_eq!(named, ["twin/line/Speed", "twin/line/Lamp"]);
    assert_eq!(
        (&rows[0]["value"], &rows[0]["quality"], &rows[0]["writer"]),
        (&json!(2.5), &json!("good"), &json!("writer"))
    );
    assert_eq!(first["snapshot"]["unknown"], json!(["twin/line/Nobody"]));

    house.write(writer, json!({"Speed": 3.5, "Count": 1}));
    house.run_for(ms(200));
    let data = house.take(live, "data");
    assert_eq!(data.len(), 1);
    let row = &data[0][0];
    assert_eq!(
        (&row[1], &row[2], &row[4]),
        (&json!(3.5), &json!("good"), &json!(writer.0))
    );

    house.disconnect(writer);
    house.run_for(ms(200));
    assert_eq!(
        house.take(live, "data")[0][0][2],
        "stale",
        "a lost twin shows although no value changed"
    );
}

#[test]
fn the_tick_tells_the_last_sign_of_life_of_every_writer() {
    let mut house = House::new(line());
    let writer = house.join("writer");
    house.write(writer, json!({"Speed": 2.5}));
    let (live, _) = open(
        &mut house,
        json!({"type": "subscribe", "id": 1, "patterns": ["twin/**"], "cycle_ms": 100}),
    );
    house.run_for(ms(10_000));
    let ticks: Vec<Json> = house
        .peer(live)
        .inbox
        .iter()
        .filter(|message| message["type"] == "tick")
        .cloned()
        .collect();
    assert!((9..=11).contains(&ticks.len()), "{}", ticks.len());
    let last = ticks.last().unwrap();
    let seen = last["writers"][writer.0.to_string()].as_u64().unwrap();
    assert!(last["now_ms"].as_u64().unwrap() - seen <= 2_100, "{last}");
}

#[test]
fn a_write_carries_the_epoch_of_its_channel_or_is_refused() {
    let mut house = House::new(line());
    let (live, first) = open(
        &mut house,
        json!({"type": "subscribe", "id": 1, "patterns": ["**"], "cycle_ms": 50}),
    );
    let epoch = first["hello"]["epoch"].as_u64().unwrap();
    let mut write = |epoch: u64, signals: Json| {
        house.say(
            live,
            json!({"type": "write", "id": 7, "epoch": epoch, "signals": signals}),
        );
        house.run_for(ms(5));
        let lamp = house.value("Lamp");
        let inbox = std::mem::take(&mut house.peer(live).inbox);
        (
            inbox.into_iter().find(|message| message["type"] != "data").unwrap(),
            lamp,
        )
    };
    let (refused, lamp) = write(epoch + 1, json!({"twin/line/Lamp": true}));
    assert_eq!((&refused["code"], lamp), (&json!("stale_epoch"), Value::Bool(false)));
    let (done, lamp) = write(
        epoch,
        json!({"twin/line/Lamp": 1, "twin/line/No": 1, "twin/line/Speed": "x"}),
    );
    assert_eq!(lamp, Value::Bool(true));
    assert_eq!(done["signals"]["twin/line/Lamp"], json!({"ok": true, "value": true}));
    assert_eq!(done["signals"]["twin/line/No"]["code"], "not_found");
    assert_eq!(done["signals"]["twin/line/Speed"]["code"], "bad_value");
}

#[test]
fn a_write_that_was_given_long_ago_is_not_executed() {
    let mut house = House::new(line());
    let (live, first) = open(
        &mut house,
        json!({"type": "subscribe", "id": 1, "patterns": ["**"], "cycle_ms": 50}),
    );
    let epoch = &first["hello"]["epoch"];
    house.run_for(ms(10_000));
    let now = first["hello"]["now_ms"].as_u64().unwrap() + 10_000;
    let mut write = |given_at_ms: u64, value: bool| {
        let text = json!({"type": "write", "id": 7, "epoch": epoch, "given_at_ms": given_at_ms, "signals": {"twin/line/Lamp": value}});
        house.say(live, text);
        house.run_for(ms(5));
        let inbox = std::mem::take(&mut house.peer(live).inbox);
        let refusal = inbox.into_iter().find(|message| message["type"] == "error");
        (refusal.map(|refusal| refusal["code"].clone()), house.value("Lamp"))
    };
    assert_eq!(write(now, true), (None, Value::Bool(true)));
    // The socket, or a hub that stood still, has held it back.
    assert_eq!(write(now - 3_100, false), (Some(json!("too_late")), Value::Bool(true)));
    assert_eq!(write(now + 99_000, false), (Some(json!("too_late")), Value::Bool(true)));
    assert_eq!(write(now - 2_500, false), (None, Value::Bool(false)));
}

#[test]
fn a_signal_that_appears_is_announced_to_the_views_it_fits() {
    let mut house = House::new(EndpointSettings {
        auto_register: true,
        ..line()
    });
    let (live, _) = open(
        &mut house,
        json!({"type": "subscribe", "id": 1, "patterns": ["twin/line/N*", "twin/*/New"], "cycle_ms": 50}),
    );
    let writer = house.join("writer");
    house.write(writer, json!({"New": 1, "Old": 1}));
    house.run_for(ms(100));
    let added: Vec<Json> = house.take(live, "added");
    assert_eq!(added.len(), 1);
    assert_eq!(added[0][0]["name"], "twin/line/New");
    house.write(writer, json!({"New": 2, "Old": 2}));
    house.run_for(ms(100));
    assert_eq!(house.take(live, "data").len(), 1);
}

#[test]
fn a_gap_is_told_to_a_channel_that_could_not_keep_up() {
    let mut house = House::new(line());
    let (live, _) = open(
        &mut house,
        json!({"type": "subscribe", "id": 1, "patterns": ["**"], "cycle_ms": 50}),
    );
    house.peer(live).reads = false;
    for round in 0..100 {
        house.operate("Setpoint", Value::Float(f64::from(round)));
        house.run_for(ms(50));
    }
    house.peer(live).inbox.clear();
    house.read_again(live);
    house.run_for(ms(100));
    let inbox = std::mem::take(&mut house.peer(live).inbox);
    let merged = inbox
        .iter()
        .rfind(|message| message["gap"].is_object())
        .expect("the merged frame says so");
    assert!(merged["gap"]["merged"].as_u64().unwrap() > 90, "{merged}");
    assert_eq!(merged["signals"][0][1], 99);
}

#[test]
fn a_view_with_too_many_patterns_is_refused_and_stays_as_it_was() {
    let mut house = House::new(line());
    let (live, _) = open(
        &mut house,
        json!({"type": "subscribe", "id": 1, "names": ["twin/line/Speed"], "cycle_ms": 50}),
    );
    let mut ask = |count: usize| {
        let patterns = vec!["twin/*/Speed"; count];
        house.say(
            live,
            json!({"type": "subscribe", "id": 2, "patterns": patterns, "cycle_ms": 50}),
        );
        house.run_for(ms(50));
        let inbox = std::mem::take(&mut house.peer(live).inbox);
        let mut answers = inbox.into_iter().filter(|message| message["id"] == 2);
        answers.next().expect("an answer came")
    };
    assert_eq!(ask(32)["type"], "snapshot");
    let refused = ask(33);
    assert_eq!((&refused["code"], &refused["id"]), (&json!("bad_request"), &json!(2)));
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("at most 32 patterns, not 33"),
        "{refused}"
    );
    let writer = house.join("writer");
    house.write(writer, json!({"Speed": 9.5}));
    house.run_for(ms(200));
    assert_eq!(house.take(live, "data").len(), 1);
}

#[test]
fn a_text_that_is_no_request_gets_a_located_error_and_the_channel_lives() {
    let mut house = House::new(line());
    let (live, _) = open(
        &mut house,
        json!({"type": "subscribe", "id": 1, "patterns": ["**"], "cycle_ms": 50}),
    );
    house.say_text(live, r#"{"type":"write","id":3,"epoch":"five"}"#.into());
    house.run_for(ms(5));
    let error = house.peer(live).inbox.pop().expect("two messages came");
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("error"), &json!("bad_request"))
    );
    assert!(house.peer(live).closed.is_none());
}
