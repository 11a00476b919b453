//! The claims of the server role, one story each.

use crate::house::{House, Wire, line, signal};
use crosstie_hub::api::{ImportReport, Reply, Request};
use crosstie_hub::settings::{Direction, DirectionConvention, Echo, EndpointSettings, Owner};
use crosstie_hub::signal::{Kind, Quality, Value};
use crosstie_hub::{ConnId, Input};
use serde_json::{Value as Json, json};
use std::time::Duration;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Everything a client was sent, as texts.
fn received(house: &mut House, conn: ConnId) -> Vec<String> {
    std::mem::take(&mut house.peer(conn).inbox)
        .iter()
        .map(Json::to_string)
        .collect()
}

#[test]
fn rv_1_a_repeated_init_changes_nothing() {
    let mut house = House::new(line());
    let conn = house.join("panel");
    house.say(conn, json!({"type": "init", "version": 2, "name": "panel"}));
    house.run_for(ms(2_000));
    assert!(received(&mut house, conn).is_empty());
}

#[test]
fn rv_3_and_15_the_catalog_names_every_signal_with_its_type_in_a_stable_order() {
    let mut house = House::new(line());
    let conn = house.connect(Wire::default());
    house.say(conn, json!({"type": "import_request", "version": 2}));
    house.say(conn, json!({"type": "import_request", "version": 2}));
    house.run_for(ms(10));
    let expected = concat!(
        r#"{"type":"import_answer","version":2,"#,
        r#""signals":{"Run":false,"Speed":0,"Count":0,"Label":"","Lamp":false,"Setpoint":0},"#,
        r#""signalTypes":{"Run":"PLCInputBool","Speed":"PLCInputFloat","Count":"PLCInputInt","Label":"PLCInputText","#,
        r#""Lamp":"PLCOutputBool","Setpoint":"PLCOutputFloat"}}"#
    );
    assert_eq!(received(&mut house, conn), [expected, expected]);
}

#[test]
fn rv_10_the_snapshot_and_the_deltas_after_it_miss_nothing_and_repeat_nothing_old() {
    let mut house = House::new(line());
    let (writer, reader) = (house.join("writer"), house.connect(Wire::default()));
    for count in 1..=200 {
        house.write(writer, json!({"Count": count}));
        if count == 100 {
            house.say(reader, json!({"type": "import_request", "version": 2}));
            house.say(
                reader,
                json!({"type": "subscribe", "version": 2, "subscribe": ["Count"]}),
            );
        }
        house.run_for(ms(1));
    }
    house.run_for(ms(100));
    assert_eq!(house.types(reader)[..2], ["import_answer", "snapshot"]);
    let inbox = std::mem::take(&mut house.peer(reader).inbox);
    let counts: Vec<i64> = inbox
        .iter()
        .skip(1)
        .map(|message| message["signals"]["Count"].as_i64().unwrap())
        .collect();
    assert!(counts.is_sorted(), "{counts:?}");
    assert_eq!(counts.last(), Some(&200));
}

#[test]
fn rv_11_a_client_that_only_says_init_gets_the_full_state_first() {
    let mut house = House::new(line());
    let conn = house.connect(Wire::default());
    house.say(conn, json!({"type": "init", "version": 2, "name": "x"}));
    house.run_for(ms(50));
    let data = house.take(conn, "data");
    assert_eq!(data.len(), 1);
    assert_eq!(data[0].as_object().unwrap().len(), 6);
    house.operate("Lamp", Value::Bool(true));
    house.run_for(ms(50));
    assert_eq!(house.take(conn, "data"), [json!({"Lamp": true})]);
}

#[test]
fn rv_11_a_client_that_says_nothing_begins_after_one_second() {
    let mut house = House::new(line());
    let conn = house.connect(Wire::default());
    house.run_for(ms(999));
    assert!(house.types(conn).is_empty());
    house.run_for(ms(2));
    assert_eq!(house.types(conn), ["data"]);
}

#[test]
fn rv_11_nothing_comes_between_a_catalog_and_the_subscribe_that_may_follow() {
    let mut house = House::new(line());
    let conn = house.connect(Wire::default());
    house.say(conn, json!({"type": "init", "version": 2, "name": "x"}));
    house.run_for(ms(1));
    house.say(conn, json!({"type": "import_request", "version": 2}));
    house.run_for(ms(500));
    house.operate("Lamp", Value::Bool(true));
    house.run_for(ms(490));
    assert_eq!(house.types(conn), ["import_answer"]);
    house.run_for(ms(100));
    assert_eq!(
        house.types(conn),
        ["import_answer", "data"],
        "after a second without a subscribe the full state comes"
    );
    assert_eq!(house.peer(conn).believes["Lamp"], json!(true));
}

#[test]
fn rv_11_a_running_client_that_asks_for_the_catalog_again_is_held_and_loses_nothing() {
    let mut house = House::new(line());
    let conn = house.connect(Wire::default());
    house.say(conn, json!({"type": "init", "version": 2, "name": "x"}));
    house.run_for(ms(50));
    house.say(conn, json!({"type": "import_request", "version": 2}));
    house.run_for(ms(5));
    house.operate("Lamp", Value::Bool(true));
    house.run_for(ms(900));
    assert_eq!(house.types(conn), ["data", "import_answer"]);
    house.run_for(ms(200));
    assert_eq!(house.types(conn), ["data", "import_answer", "data"]);
    assert_eq!(house.take(conn, "data").last(), Some(&json!({"Lamp": true})));
}

#[test]
fn rv_12_subscribe_forms() {
    let mut house = House::new(line());
    let mut check = |list: Json, expected: Json| {
        let conn = house.connect(Wire::default());
        let mut message = json!({"type": "subscribe", "version": 2, "subscribe": list});
        if message["subscribe"] == "missing" {
            message.as_object_mut().unwrap().remove("subscribe");
        }
        house.say(conn, message);
        house.run_for(ms(10));
        assert_eq!(house.take(conn, "snapshot"), [expected]);
    };
    let all = json!({"Run": false, "Speed": 0, "Count": 0, "Label": "", "Lamp": false, "Setpoint": 0});
    check(json!("missing"), all.clone());
    check(json!(null), all);
    check(json!([]), json!({}));
    check(json!(["Run", "Run", "run", "Nobody"]), json!({"Run": false}));
}

#[test]
fn rv_12_a_new_list_replaces_the_one_before_and_an_empty_one_is_quiet() {
    let mut house = House::new(line());
    let conn = house.join("panel");
    for (list, expected) in [(json!(["Lamp"]), vec![json!({"Lamp": true})]), (json!([]), vec![])] {
        house.operate("Lamp", Value::Bool(false));
        house.operate("Setpoint", Value::Float(0.0));
        house.say(conn, json!({"type": "subscribe", "version": 2, "subscribe": list}));
        house.run_for(ms(30));
        house.peer(conn).inbox.clear();
        house.operate("Lamp", Value::Bool(true));
        house.operate("Setpoint", Value::Float(7.0));
        house.run_for(ms(30));
        assert_eq!(house.take(conn, "data"), expected);
    }
}

#[test]
fn rv_12_a_name_that_appears_later_takes_effect() {
    let mut house = House::new(EndpointSettings {
        auto_register: true,
        ..line()
    });
    let (reader, writer) = (house.connect(Wire::default()), house.join("writer"));
    house.say(
        reader,
        json!({"type": "subscribe", "version": 2, "subscribe": ["Later", "Lamp"]}),
    );
    house.run_for(ms(10));
    house.write(writer, json!({"Later": 7, "Other": 1}));
    house.run_for(ms(30));
    assert_eq!(house.take(reader, "data"), [json!({"Later": 7})]);
    house.write(writer, json!({"Later": 8}));
    house.operate("Lamp", Value::Bool(true));
    house.run_for(ms(30));
    assert_eq!(
        house.peer(reader).believes,
        [("Lamp".into(), json!(true)), ("Later".into(), json!(8))].into()
    );
}

#[test]
fn rv_13_the_writer_gets_no_echo_and_the_others_get_the_value() {
    let mut house = House::new(line());
    let (writer, reader) = (house.join("writer"), house.join("reader"));
    house.run_for(ms(1_500));
    house.write(writer, json!({"Run": true, "Speed": 2.5}));
    house.run_for(ms(100));
    assert_eq!(house.take(reader, "data"), [json!({"Run": true, "Speed": 2.5})]);
    assert!(house.take(writer, "data").is_empty());
}

#[test]
fn rv_13_what_was_coerced_or_refused_goes_back_to_its_writer() {
    let mut house = House::new(line());
    let writer = house.join("writer");
    house.run_for(ms(1_500));
    for (written, returned) in [
        (json!({"Count": 2.7}), json!({"Count": 2})),
        (json!({"Count": 3_000_000_000_i64}), json!({"Count": 2_147_483_647})),
        (json!({"Run": "TRUE"}), json!({"Run": true})),
        (json!({"Speed": "abc"}), json!({"Speed": 0})),
        (json!({"Speed": null}), json!({"Speed": 0})),
        (json!({"Label": 5}), json!({"Label": "5"})),
        (json!({"Setpoint": 9}), json!({"Setpoint": 0})),
    ] {
        house.write(writer, written.clone());
        house.run_for(ms(100));
        assert_eq!(house.take(writer, "data"), [returned], "after {written}");
    }
}

#[test]
fn rv_13_two_peers_that_write_at_once_believe_the_same_in_the_end() {
    let mut house = House::new(line());
    let (one, two) = (house.join("one"), house.join("two"));
    house.run_for(ms(1_500));
    house.write(one, json!({"Count": 1}));
    house.write(two, json!({"Count": 2}));
    house.run_for(ms(500));
    let stored = crate::house::as_json(&house.value("Count"));
    assert_eq!(house.peer(one).believes["Count"], stored);
    assert_eq!(house.peer(two).believes["Count"], stored);
}

#[test]
fn rv_14_only_what_changed_is_sent_and_an_equal_value_is_no_change() {
    let mut house = House::new(line());
    let (writer, reader) = (house.join("writer"), house.join("reader"));
    house.write(writer, json!({"Speed": 2.5}));
    house.run_for(ms(50));
    house.peer(reader).inbox.clear();
    house.write(writer, json!({"Speed": 2.5, "Run": false}));
    house.run_for(ms(50));
    assert!(house.take(reader, "data").is_empty());
}

#[test]
fn rv_14_without_only_transmit_changed_everything_comes_every_cycle_but_not_to_its_writer() {
    let settings = EndpointSettings {
        only_transmit_changed: false,
        update_cycle: ms(20),
        ..line()
    };
    let mut house = House::new(settings);
    let conn = house.connect(Wire::default());
    house.say(
        conn,
        json!({"type": "subscribe", "version": 2, "subscribe": ["Run", "Lamp"]}),
    );
    house.run_for(ms(2_000));
    house.write(conn, json!({"Run": true}));
    house.run_for(ms(1_000));
    house.peer(conn).inbox.clear();
    house.run_for(ms(200));
    let data = house.take(conn, "data");
    assert!((9..=11).contains(&data.len()), "{}", data.len());
    assert!(
        data.iter().all(|signals| *signals == json!({"Lamp": false})),
        "{data:?}"
    );
}

#[test]
fn rv_16_messages_before_init_other_versions_unknown_types_and_v1_peers_are_survived() {
    let mut house = House::new(line());
    let conn = house.connect(Wire::default());
    house.write(conn, json!({"Speed": 1}));
    house.say(conn, json!({"type": "init", "version": 1, "name": "old"}));
    house.say(conn, json!({"type": "something", "x": 1}));
    house.say(conn, json!({"tag": "data", "signals": {}}));
    house.say_text(conn, "{no json".into());
    house.say(conn, json!({"type": "subscribe", "version": 3, "subscribe": ["Speed"]}));
    house.run_for(ms(50));
    assert_eq!(house.take(conn, "snapshot"), [json!({"Speed": 1})]);
    let log = house.log.join("\n");
    for words in [
        "before its init",
        "version 1",
        "unknown type 'something'",
        "old protocol v1",
        "a message that is none",
    ] {
        assert_eq!(log.matches(words).count(), 1, "{words} in\n{log}");
    }
}

#[test]
fn rv_17_a_write_to_a_signal_of_the_hub_is_counted_and_goes_nowhere() {
    let mut house = House::new(line());
    let (writer, reader) = (house.join("writer"), house.join("reader"));
    house.write(writer, json!({"Lamp": true}));
    house.run_for(ms(50));
    assert_eq!(house.value("Lamp"), Value::Bool(false));
    assert!(house.take(reader, "data").is_empty());
    let Reply::Clients(rows, _) = house.ask(Request::Clients) else {
        panic!("clients answer clients")
    };
    assert_eq!(rows[0].counters.ignored.owned, 1);
}

#[test]
fn rv_17_an_echoing_client_neither_loops_nor_reverts_a_newer_value() {
    for echo in [Echo::Auto, Echo::Always] {
        let mut house = House::new(EndpointSettings { echo, ..line() });
        let (writer, echoer, watcher) = (house.join("writer"), house.join("echoer"), house.join("watcher"));
        house.peer(echoer).echoes_after = Some(ms(15));
        // Three changes with time to be returned make an echoer.
        for count in 1..=4 {
            house.write(writer, json!({"Count": count}));
            house.run_for(ms(100));
        }
        house.peer(watcher).inbox.clear();
        for count in 5..=300 {
            house.write(writer, json!({"Count": count}));
            house.run_for(ms(10));
        }
        house.run_for(ms(500));
        let counts: Vec<i64> = house
            .take(watcher, "data")
            .iter()
            .map(|signals| signals["Count"].as_i64().unwrap())
            .collect();
        assert!(counts.is_sorted(), "{echo:?}: {counts:?}");
        assert_eq!(house.value("Count"), Value::Int(300));
        assert_eq!(house.peer(echoer).believes["Count"], json!(300));
        house.peer(watcher).inbox.clear();
        house.run_for(ms(2_000));
        assert!(house.take(watcher, "data").is_empty(), "no echo goes round at rest");
        let Reply::Clients(rows, _) = house.ask(Request::Clients) else {
            panic!("clients answer clients")
        };
        assert!(rows[1].echoer && !rows[0].echoer);
    }
}

#[test]
fn rv_17_a_handshake_on_one_bit_works_however_fast() {
    let mut house = House::new(line());
    let (asks, answers) = (house.join("asks"), house.join("answers"));
    let mut acknowledged = 0;
    for _ in 0..200 {
        house.write(asks, json!({"Run": true}));
        house.run_for(ms(13));
        assert_eq!(house.peer(answers).believes["Run"], json!(true));
        house.write(answers, json!({"Run": false}));
        house.run_for(ms(13));
        acknowledged += i32::from(house.peer(asks).believes["Run"] == json!(false));
    }
    assert_eq!(acknowledged, 200);
}

#[test]
fn rv_18_an_unknown_name_is_counted_or_registered() {
    let mut house = House::new(line());
    let conn = house.join("writer");
    house.write(conn, json!({"New": 1}));
    house.run_for(ms(20));
    let Reply::Endpoints(rows, _) = house.ask(Request::Endpoints) else {
        panic!("endpoints answer endpoints")
    };
    assert_eq!((rows[0].counters.ignored.unknown, rows[0].signals), (1, 6));

    let mut house = House::new(EndpointSettings {
        auto_register: true,
        ..line()
    });
    let conn = house.join("writer");
    house.write(conn, json!({"New": 1, "Bad": null, "Word": "x"}));
    house.run_for(ms(20));
    assert_eq!(house.value("New"), Value::Int(1));
    house.write(conn, json!({"New": 1.5}));
    house.run_for(ms(20));
    assert_eq!(house.value("New"), Value::Float(1.5), "a guessed number widens");
    house.say(conn, json!({"type": "import_request", "version": 2}));
    house.run_for(ms(20));
    let answer = house.peer(conn).inbox.last().unwrap().clone();
    assert_eq!(answer["signalTypes"]["New"], "Float");
    assert_eq!(answer["signalTypes"]["Word"], "Text");
    assert!(answer["signals"].get("Bad").is_none());
}

#[test]
fn rv_19_an_import_mirrors_the_catalog_of_a_client_with_inverted_direction() {
    let mut house = House::new(line());
    let (conn, silent) = (house.join("unity"), house.join("silent"));
    let import = house.ask_later(Request::Import {
        endpoint: "line".into(),
    });
    house.run_for(ms(10));
    assert!(house.reply(import).is_none(), "the answer waits for the peers");
    assert_eq!(house.types(conn), ["import_request"]);
    let answer = json!({"type": "import_answer", "version": 2, "signals": {"Out": 5, "In": true, "Neutral": 1.5},
        "signalTypes": {"Out": "PLCOutputInt", "In": "PLCInputBool", "Neutral": "Float"}});
    house.say(conn, answer.clone());
    house.run_for(ms(20));
    assert_eq!(house.row("twin/line/Out").owner, Owner::Peer);
    assert_eq!(house.row("twin/line/In").owner, Owner::Hub);
    assert_eq!(
        house.row("twin/line/Neutral").owner,
        Owner::Hub,
        "the default direction is input: we write it"
    );
    assert_eq!(house.value("Out"), Value::Int(5));
    assert_eq!(house.imported.len(), 3, "an import is kept in the project");
    house.say(conn, json!({"type": "import_request", "version": 2}));
    house.run_for(ms(20));
    let own = house.peer(conn).inbox.last().unwrap()["signalTypes"].clone();
    assert_eq!(
        (&own["Out"], &own["In"]),
        (&json!("PLCInputInt"), &json!("PLCOutputBool")),
        "RV-41"
    );

    house.run_for(ms(10_000));
    let report = ImportReport {
        asked: 2,
        answered: 1,
        found: 3,
        made: 3,
    };
    assert!(matches!(house.reply(import), Some(Reply::Imported(got)) if got == report));
    let kept: Vec<(&str, Option<Value>)> = house
        .imported
        .iter()
        .map(|signal| (signal.wire_name.as_str(), signal.value.clone()))
        .collect();
    let expected = [
        ("Out", None),
        ("In", Some(Value::Bool(true))),
        ("Neutral", Some(Value::Float(1.5))),
    ];
    assert_eq!(
        kept, expected,
        "a peer's live value is no initial value; ours would be sent as a zero without one"
    );
    let late = json!({"type": "import_answer", "version": 2, "signals": {"Late": 1}, "signalTypes": {"Late": "Int"}});
    house.say(silent, late);
    house.run_for(ms(20));
    assert!(
        matches!(
            house.ask(Request::Signal {
                name: "twin/line/Late".into()
            }),
            Reply::Refused(_)
        ),
        "given up after ten seconds"
    );
}

#[test]
fn rv_21_push_on_connect_sends_catalog_and_full_data_unasked() {
    let mut house = House::new(EndpointSettings {
        push_on_connect: true,
        ..line()
    });
    let conn = house.connect(Wire::default());
    house.run_for(ms(5));
    assert_eq!(house.types(conn), ["import_answer", "data"]);
    assert_eq!(house.take(conn, "data")[0].as_object().unwrap().len(), 6);
}

#[test]
fn rv_23_settings_are_checked_saved_applied_all_or_none() {
    let mut house = House::new(line());
    let conn = house.join("panel");
    let set = |house: &mut House, config: Json| {
        house.peer(conn).inbox.clear();
        house.say(conn, json!({"type": "config_set", "config": config}));
        house.say(conn, json!({"type": "config_get"}));
        house.run_for(ms(20));
        let inbox = std::mem::take(&mut house.peer(conn).inbox);
        (inbox[0].clone(), inbox[1]["config"]["updateCycleMs"].clone())
    };
    let (result, cycle) = set(&mut house, json!({"updateCycleMs": 50, "debug": true}));
    assert_eq!(
        (result, cycle),
        (
            json!({"type": "config_result", "success": true, "message": "applied"}),
            json!(50)
        )
    );
    assert_eq!(house.saved, [("update_cycle_ms", json!(50)), ("debug", json!(true))]);

    let (result, cycle) = set(&mut house, json!({"updateCycleMs": 70, "speed": 1}));
    assert!(
        result["message"].as_str().unwrap().contains("'speed': unknown key"),
        "{result}"
    );
    assert_eq!((&result["success"], cycle), (&json!(false), json!(50)));
    let (result, cycle) = set(&mut house, json!({"updateCycleMs": 0}));
    assert!(
        result["message"].as_str().unwrap().contains("updateCycleMs"),
        "{result}"
    );
    assert_eq!(cycle, json!(50));

    house.save_result = Err("the disk is full".into());
    let (result, cycle) = set(&mut house, json!({"updateCycleMs": 70}));
    assert_eq!(result["message"], "not saved: the disk is full");
    assert_eq!(cycle, json!(50));
}

#[test]
fn rv_23_a_new_cycle_is_live_at_once() {
    let mut house = House::new(line());
    let (writer, reader) = (house.join("writer"), house.join("reader"));
    house.say(writer, json!({"type": "config_set", "config": {"updateCycleMs": 200}}));
    house.run_for(ms(300));
    house.peer(reader).inbox.clear();
    for count in 1..=100 {
        house.write(writer, json!({"Count": count}));
        house.run_for(ms(10));
    }
    house.run_for(ms(300));
    let frames = house.take(reader, "data");
    assert!((4..=7).contains(&frames.len()), "{}", frames.len());
    assert_eq!(frames.last(), Some(&json!({"Count": 100})));
}

#[test]
fn rv_40_the_convention_turns_the_type_strings_round() {
    let mut settings = EndpointSettings {
        direction_convention: DirectionConvention::Simulation,
        ..line()
    };
    settings.signals[0].convention = Some(DirectionConvention::Plc);
    let mut house = House::new(settings);
    let conn = house.connect(Wire::default());
    house.say(conn, json!({"type": "import_request", "version": 2}));
    house.run_for(ms(10));
    let types = house.peer(conn).inbox[0]["signalTypes"].clone();
    assert_eq!(types["Run"], "PLCInputBool", "an override of the signal");
    assert_eq!(types["Speed"], "PLCOutputFloat");
    assert_eq!(types["Lamp"], "PLCInputBool");
}

#[test]
fn rv_42_neutral_types_of_an_import_go_by_their_names() {
    let mut settings = line();
    settings.input_patterns = vec!["unity".into()];
    settings.output_patterns = vec!["plc".into()];
    settings.default_signal_direction = Direction::Output;
    let mut house = House::new(settings);
    let conn = house.join("gateway");
    house.ask_later(Request::Import {
        endpoint: "line".into(),
    });
    let names = json!({"UnitySpeed": 1, "PlcSpeed": 1, "UnityPlc": 1, "Else": 1});
    house.say(
        conn,
        json!({"type": "import_answer", "version": 2, "signals": names, "signalTypes": {}}),
    );
    house.run_for(ms(20));
    let mut owner = |name: &str| house.row(&format!("twin/line/{name}")).owner;
    assert_eq!(
        [owner("UnitySpeed"), owner("PlcSpeed"), owner("UnityPlc"), owner("Else")],
        [Owner::Hub, Owner::Peer, Owner::Hub, Owner::Peer]
    );
    let Reply::Health(health) = house.ask(Request::Health) else {
        panic!("health answers health")
    };
    assert!(
        health.problems.iter().any(|problem| problem.subject == "UnityPlc"),
        "both lists match: one warning"
    );
}

#[test]
fn rv_44_a_number_that_is_not_finite_never_gets_in() {
    let mut house = House::new(line());
    let (writer, reader) = (house.join("writer"), house.join("reader"));
    house.say_text(
        writer,
        r#"{"type":"data","version":2,"signals":{"Speed":1e999,"Count":4}}"#.into(),
    );
    house.run_for(ms(20));
    assert_eq!(house.value("Speed"), Value::Float(0.0));
    assert_eq!(house.take(reader, "data"), [json!({"Count": 4})]);
}

#[test]
fn rv_45_the_last_of_two_equal_keys_wins() {
    let mut house = House::new(line());
    let writer = house.join("writer");
    house.say_text(
        writer,
        r#"{"type":"data","version":2,"signals":{"Count":4,"Count":5}}"#.into(),
    );
    house.run_for(ms(20));
    assert_eq!(house.value("Count"), Value::Int(5));
}

#[test]
fn rv_53_a_link_that_writes_is_stale_after_five_seconds_and_good_again_with_its_next_sign() {
    let mut house = House::new(line());
    let (writer, reader) = (house.join("writer"), house.join("reader"));
    house.write(writer, json!({"Speed": 2.5}));
    house.run_for(ms(60_000));
    assert_eq!(
        house.quality("Speed"),
        Quality::Good,
        "an unchanged sensor of a living peer is not old"
    );
    house.peer(reader).inbox.clear();
    house.peer(writer).wire.answers_pings = false;
    house.run_for(ms(7_500));
    assert_eq!(house.quality("Speed"), Quality::Stale);
    assert_eq!(house.quality("Setpoint"), Quality::Good);
    assert!(house.take(reader, "data").is_empty(), "losing a twin resends no values");
    house.give(Input::Seen { conn: writer });
    assert_eq!(house.quality("Speed"), Quality::Good);
}

#[test]
fn rv_53_a_link_that_answers_no_ping_for_forty_seconds_is_dropped_and_a_silent_one_is_not() {
    let mut house = House::new(line());
    let (silent, dead) = (house.join("silent"), house.join("dead"));
    house.peer(dead).wire.answers_pings = false;
    house.run_for(ms(65_000));
    assert_eq!(house.peer(dead).closed, Some(1001));
    assert_eq!(house.peer(silent).closed, None);
    house.run_for(ms(600_000));
    assert_eq!(house.peer(silent).closed, None, "silence is legal");
}

#[test]
fn rv_54_what_a_peer_wrote_is_kept_as_stale_or_put_back_when_it_leaves() {
    for (reset, value) in [(false, Value::Float(2.5)), (true, Value::Float(0.0))] {
        let mut house = House::new(EndpointSettings {
            reset_on_disconnect: reset,
            ..line()
        });
        let (writer, reader) = (house.join("writer"), house.join("reader"));
        house.write(writer, json!({"Speed": 2.5}));
        house.run_for(ms(50));
        house.disconnect(writer);
        house.run_for(ms(50));
        assert_eq!(
            (house.value("Speed"), house.quality("Speed")),
            (value.clone(), Quality::Stale)
        );
        assert_eq!(
            house.peer(reader).believes["Speed"].as_f64(),
            crate::house::as_json(&value).as_f64()
        );
        let again = house.join("writer again");
        house.write(again, json!({"Speed": 2.5}));
        house.run_for(ms(50));
        assert_eq!(
            house.quality("Speed"),
            Quality::Good,
            "an equal value from a new writer is good again"
        );
    }
}

#[test]
fn rv_55_two_writers_are_a_visible_conflict_and_the_last_one_wins() {
    let mut house = House::new(line());
    let (one, two) = (house.join("one"), house.join("two"));
    house.write(one, json!({"Count": 1}));
    house.run_for(ms(20));
    house.write(two, json!({"Count": 2}));
    house.run_for(ms(20));
    house.write(one, json!({"Count": 3}));
    house.run_for(ms(20));
    let row = house.row("twin/line/Count");
    assert!(row.conflict);
    assert_eq!((row.value, row.writer.as_deref()), (Value::Int(3), Some("one")));
    assert_eq!(house.log.iter().filter(|line| line.contains("two writers")).count(), 1);
}

#[test]
fn a_burst_after_a_silence_is_applied_newest_only_and_marked() {
    let mut house = House::new(line());
    let (writer, reader) = (house.join("writer"), house.join("reader"));
    house.write(writer, json!({"Count": 1}));
    house.run_for(ms(2_000));
    house.peer(writer).wire.answers_pings = false;
    house.run_for(ms(10_000));
    house.peer(reader).inbox.clear();
    for count in 2..=9 {
        house.write(writer, json!({"Count": count, "Run": count % 2 == 0}));
        house.run_for(ms(12));
    }
    assert_eq!(
        house.value("Count"),
        Value::Int(1),
        "nothing of a burst is executed before it is in"
    );
    house.run_for(ms(100));
    assert_eq!(
        house.take(reader, "data"),
        [json!({"Count": 9})],
        "the bit is where it was: it never went"
    );
    assert_eq!(house.quality("Count"), Quality::Good);
    let Reply::Health(health) = house.ask(Request::Health) else {
        panic!("health answers health")
    };
    assert!(
        health
            .problems
            .iter()
            .any(|problem| problem.text.contains("only the newest"))
    );
}

#[test]
fn limits_have_stated_effects() {
    let mut settings = crosstie_hub::settings::Settings {
        endpoints: vec![line()],
        ..Default::default()
    };
    settings.limits.clients_max = 1;
    settings.limits.text_len_max = 4;
    // Five are the hub's own.
    settings.limits.signals_max = 11;
    settings.endpoints[0].auto_register = true;
    let mut house = House::with(settings);
    let first = house.join("first");
    let second = house.connect(Wire::default());
    assert_eq!(house.peer(second).closed, Some(1013));
    let Reply::Endpoints(rows, _) = house.ask(Request::Endpoints) else {
        panic!("endpoints answer endpoints")
    };
    assert_eq!(rows[0].clients, 1);
    house.run_for(ms(1_500));
    house.write(first, json!({"Label": "12345", "Count": 1, "Seventh": 1}));
    house.run_for(ms(50));
    assert_eq!(
        (house.value("Label"), house.value("Count")),
        (Value::Text("".into()), Value::Int(1))
    );
    assert_eq!(house.take(first, "data"), [json!({"Label": ""})]);
    assert!(
        house
            .log
            .iter()
            .any(|line| line.contains("the signal space is full at 11 signals"))
    );
    house.write(first, json!({"Label": "1234"}));
    house.run_for(ms(50));
    assert_eq!(house.value("Label"), Value::Text("1234".into()));
}

#[test]
fn a_large_catalog_is_built_in_slices_while_others_go_on() {
    let mut settings = EndpointSettings::named("line");
    settings.signals = (0..20_000)
        .map(|index| signal(&format!("S{index}"), Kind::Int, Owner::Peer))
        .collect();
    let mut house = House::new(settings);
    let writer = house.connect(Wire::default());
    let reader = house.connect(Wire::default());
    house.say(reader, json!({"type": "import_request", "version": 2}));
    house.say(reader, json!({"type": "subscribe", "version": 2}));
    house.write(writer, json!({"S0": 1, "S19999": 1}));
    house.run_for(ms(50));
    assert_eq!(house.types(reader)[..2], ["import_answer", "snapshot"]);
    assert_eq!(house.peer(reader).believes["S0"], json!(1));
    assert_eq!(house.peer(reader).believes["S19999"], json!(1));
    assert_eq!(house.peer(reader).believes.len(), 20_000);
}

#[test]
fn a_flood_of_new_names_is_one_trouble_and_is_counted() {
    let mut settings = crosstie_hub::settings::Settings {
        endpoints: vec![line()],
        ..Default::default()
    };
    // Five are the hub's own.
    settings.limits.signals_max = 11;
    settings.endpoints[0].auto_register = true;
    let mut house = House::with(settings);
    let writer = house.join("writer");
    house.write(writer, json!({"A": 1, "B": 1, "C": 1}));
    house.run_for(ms(20));
    let full = house
        .log
        .iter()
        .filter(|line| line.contains("the signal space is full"));
    assert_eq!(full.count(), 1);
    let Reply::Endpoints(rows, _) = house.ask(Request::Endpoints) else {
        panic!("endpoints answer endpoints")
    };
    assert_eq!(rows[0].counters.ignored.unknown, 3);
}

#[test]
fn the_words_of_a_peer_never_begin_a_line_of_the_log() {
    let mut house = House::new(line());
    let conn = house.connect(Wire::default());
    house.say(conn, json!({"type": "init", "version": 2, "name": "a\nWARN forged"}));
    house.say(conn, json!({"type": "odd\u{1b}[2J", "version": 2}));
    house.run_for(ms(20));
    assert!(house.log.len() >= 2);
    assert!(
        house.log.iter().all(|line| !line.contains(char::is_control)),
        "{:?}",
        house.log
    );
}

#[test]
fn rv_23_requests_about_settings_are_answered_in_their_order_however_slow_the_disk_is() {
    let mut house = House::new(line());
    let conn = house.join("panel");
    house.slow_saves = Some(Vec::new());
    for config in [json!({"updateCycleMs": 11}), json!({"nope": 1})] {
        house.say(conn, json!({"type": "config_set", "config": config}));
        house.say(conn, json!({"type": "config_get"}));
    }
    house.run_for(ms(50));
    assert!(house.types(conn).is_empty());
    for ticket in house.slow_saves.take().unwrap() {
        house.give(Input::Saved { ticket, result: Ok(()) });
    }
    house.run_for(ms(50));
    let inbox = std::mem::take(&mut house.peer(conn).inbox);
    let told: Vec<(Json, Json)> = inbox
        .iter()
        .map(|message| (message["success"].clone(), message["config"]["updateCycleMs"].clone()))
        .collect();
    let (yes, no, eleven) = (json!(true), json!(false), json!(11));
    assert_eq!(
        told,
        [
            (yes, Json::Null),
            (Json::Null, eleven.clone()),
            (no, Json::Null),
            (Json::Null, eleven)
        ]
    );
}
