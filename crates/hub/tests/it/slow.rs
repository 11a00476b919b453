//! A client that stops reading costs nothing and misses nothing final (RV-52).

use crate::house::{House, Wire, signal};
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::settings::{EndpointSettings, Owner, Settings};
use crosstie_hub::signal::Kind;
use crosstie_hub::{ConnId, Input};
use serde_json::{Map, Value as Json, json};
use std::time::Duration;

fn thousand() -> EndpointSettings {
    let mut settings = EndpointSettings::named("line");
    settings.signals = (0..1_000)
        .map(|index| signal(&format!("S{index}"), Kind::Int, Owner::Peer))
        .collect();
    settings
}

fn join(house: &mut House) -> ConnId {
    let conn = house.connect(Wire::default());
    house.say(conn, json!({"type": "subscribe", "version": 2}));
    house.run_for(Duration::from_millis(20));
    conn
}

#[test]
fn a_client_that_stops_reading_for_a_minute_gets_every_final_value_in_its_first_frame() {
    let mut house = House::new(thousand());
    let writer = join(&mut house);
    let (watcher, one, two) = (join(&mut house), join(&mut house), join(&mut house));
    for slow in [one, two] {
        house.peer(slow).reads = false;
    }
    let mut last = Json::Null;
    for round in 1..=6_000_u64 {
        let values: Map<String, Json> = (0..1_000)
            .map(|index| (format!("S{index}"), json!(round * 1_000 + index)))
            .collect();
        last = Json::Object(values);
        house.write(writer, last.clone());
        house.run_for(Duration::from_millis(10));
        // A watcher that forgets keeps the test itself flat.
        assert_eq!(
            house
                .peer(watcher)
                .inbox
                .pop()
                .map(|message| message["signals"]["S7"].clone()),
            Some(json!(round * 1_000 + 7))
        );
        house.peer(watcher).inbox.clear();
    }
    let Reply::Clients(rows, _) = house.ask(Request::Clients) else {
        panic!("clients answer clients")
    };
    assert!(
        rows.iter().filter(|row| row.lag > Duration::from_secs(59)).count() == 2,
        "the lag is visible"
    );
    for slow in [one, two] {
        assert!(house.peer(slow).closed.is_none());
        let bytes_before = house.peer(slow).bytes;
        house.peer(slow).inbox.clear();
        house.read_again(slow);
        house.run_for(Duration::from_millis(5));
        let data = house.take(slow, "data");
        assert!(data.len() <= 2, "at most the rest of a begun frame and one merged one");
        assert!(
            data.last() == Some(&last),
            "the first whole frame holds every final value"
        );
        assert!(house.peer(slow).bytes - bytes_before < 64 * 1024, "nothing was queued");
        last["S1"] = json!(slow.0);
        house.write(writer, json!({"S1": slow.0}));
        house.run_for(Duration::from_millis(30));
        assert_eq!(
            house.take(slow, "data"),
            [json!({"S1": slow.0})],
            "and it is in step again"
        );
    }
}

#[test]
fn what_a_stuck_client_asks_for_waits_in_order_before_any_value() {
    let mut house = House::new(thousand());
    let (writer, slow) = (join(&mut house), join(&mut house));
    house.write(writer, json!({"S1": 1}));
    house.peer(slow).reads = false;
    house.run_for(Duration::from_millis(20));
    house.say(slow, json!({"type": "config_get"}));
    house.say(
        slow,
        json!({"type": "subscribe", "version": 2, "subscribe": ["S1", "S2"]}),
    );
    house.run_for(Duration::from_millis(20));
    house.write(writer, json!({"S2": 5, "S3": 5}));
    house.run_for(Duration::from_millis(20));
    house.peer(slow).inbox.clear();
    house.read_again(slow);
    house.run_for(Duration::from_millis(20));
    let types: Vec<String> = house
        .types(slow)
        .into_iter()
        .skip_while(|kind| kind == "data")
        .collect();
    assert_eq!(types, ["config_answer", "snapshot", "data"]);
    assert_eq!(house.take(slow, "data").last(), Some(&json!({"S2": 5})));
}

#[test]
fn a_control_queue_that_overflows_closes_the_connection_with_a_reason() {
    let mut house = House::new(thousand());
    let slow = join(&mut house);
    house.peer(slow).reads = false;
    for _ in 0..1_100 {
        house.say(slow, json!({"type": "config_get"}));
    }
    house.run_for(Duration::from_millis(20));
    assert_eq!(house.peer(slow).closed, Some(1008));
    assert!(house.log.iter().any(|line| line.contains("control queue full")));
}

#[test]
fn when_all_queues_together_are_full_the_largest_pay_and_not_the_small_ones() {
    let mut settings = Settings {
        endpoints: vec![thousand()],
        ..Settings::default()
    };
    settings.limits.headset_control_bytes_max = 2_000;
    settings.limits.control_bytes_sum_max = 20_000;
    let mut house = House::with(settings);
    let (greedy, modest) = (join(&mut house), join(&mut house));
    for slow in [greedy, modest] {
        house.peer(slow).reads = false;
        house.say(slow, json!({"type": "config_get"}));
    }
    for _ in 0..500 {
        house.say(greedy, json!({"type": "config_get"}));
    }
    house.run_for(Duration::from_millis(20));
    house.say(modest, json!({"type": "config_get"}));
    house.run_for(Duration::from_millis(20));
    assert_eq!(
        (house.peer(greedy).closed, house.peer(modest).closed),
        (Some(1008), None)
    );
}

#[test]
fn a_socket_that_takes_nothing_for_ten_minutes_is_closed_with_a_reason() {
    let mut house = House::new(thousand());
    let (writer, slow) = (join(&mut house), join(&mut house));
    house.peer(slow).reads = false;
    house.write(writer, json!({"S1": 1}));
    house.run_for(Duration::from_secs(590));
    assert_eq!(house.peer(slow).closed, None);
    house.run_for(Duration::from_secs(20));
    assert_eq!(house.peer(slow).closed, Some(1008));
}

#[test]
fn a_report_about_an_unknown_connection_harms_nobody() {
    let mut house = House::new(thousand());
    let reader = join(&mut house);
    let nobody = ConnId(99);
    house.give(Input::Unsent {
        conn: nobody,
        frames: Vec::new(),
    });
    house.give(Input::Writable { conn: nobody });
    house.give(Input::Seen { conn: nobody });
    house.give(Input::Pong {
        conn: nobody,
        sent_at_nanos: None,
    });
    house.give(Input::Closed {
        conn: nobody,
        reason: String::new(),
    });
    assert!(house.peer(reader).closed.is_none());
}
