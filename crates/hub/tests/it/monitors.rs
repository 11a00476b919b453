//! The monitor port (SI-4, SI-10 to SI-23).

use crate::fake_gama::word;
use crate::house::Wire;
use crate::lesson::{Lesson, model};
use crosstie_hub::access::{Access, Role, Scope};
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::settings::ClassroomSettings;
use crosstie_hub::{ConnId, Face};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const SETTINGS: &str = r#"{"type":"json_settings","name":"Flood","model_file_path":"/m/Flood.gaml","own":1}"#;

fn viewer() -> Arc<Access> {
    Arc::new(Access {
        key: None,
        ring: 0,
        who: "pupil".into(),
        role: Role::Viewer,
        view: Scope::All,
        write: Scope::All,
    })
}

fn states(lesson: &mut Lesson, monitor: ConnId) -> Vec<serde_json::Value> {
    let mut messages = lesson.messages(monitor);
    messages.retain(|message| message["type"] == "json_state");
    messages
}

#[test]
fn si10_a_new_monitor_gets_the_state_then_the_settings_and_nobody_else_gets_them() {
    let mut lesson = Lesson::gamaless();
    let first = lesson.monitor();
    let state = r#"{"type":"json_state","gama":{},"player":{}}"#;
    assert_eq!(lesson.texts(first), [state, SETTINGS]);
    let second = lesson.monitor();
    assert_eq!(lesson.texts(second), [state, SETTINGS]);
    assert_eq!(lesson.texts(first), [""; 0]);
    // The model that was selected last is the active one.
    lesson.say(first, json!({"type": "get_simulation_by_index", "simulationIndex": 1}));
    let third = lesson.monitor();
    assert_eq!(lesson.texts(third)[1], SETTINGS.replace("Flood", "Fire"));
    let mut empty = Lesson::of_models(ClassroomSettings::default(), Vec::new());
    let monitor = empty.monitor();
    assert_eq!(empty.texts(monitor).len(), 1, "without models the state all the same");
}

#[test]
fn si11_the_state_has_its_fields_in_order_and_players_in_the_order_of_arrival() {
    let mut lesson = Lesson::gamaless();
    let monitor = lesson.monitor();
    lesson.texts(monitor);
    for text in [
        r#"{"type":"connection","id":"Zoe","heartbeat":"5000"}"#,
        r#"{"type":"connection","id":"Adam","heartbeat":700}"#,
        r#"{"type":"connection","id":"Ben \"B\""}"#,
    ] {
        let conn = lesson.socket_at("10.2.0.1:1");
        lesson.say_text(conn, text);
    }
    lesson.ms(60);
    let player = |id: &str, interval: &str| {
        format!(
            r#""{id}":{{"id":"{id}","ping_interval":{interval},"is_alive":true,"connected":true,"in_game":false,"date_connection":"09:16"}}"#
        )
    };
    let players = [
        player("Zoe", "\"5000\""),
        player("Adam", "700"),
        player("Ben \\\"B\\\"", "5000"),
    ]
    .join(",");
    let expected = format!(r#"{{"type":"json_state","gama":{{}},"player":{{{players}}}}}"#);
    assert_eq!(lesson.texts(monitor).last(), Some(&expected));
    let mut lesson = Lesson::new(ClassroomSettings::default());
    let monitor = lesson.monitor();
    let first = lesson.texts(monitor).remove(0);
    let gama = r#"{"type":"json_state","gama":{"connected":false,"experiment_state":"NONE","loading":true,"content_error":"","experiment_id":"","experiment_name":""},"player":{}}"#;
    assert_eq!(first, gama);
}

#[test]
fn si12_a_change_goes_out_at_once_a_burst_is_20_a_second_and_the_final_state_is_sent() {
    let mut lesson = Lesson::gamaless();
    let monitor = lesson.monitor();
    lesson.ms(500);
    lesson.texts(monitor);
    lesson.house.peer(monitor).arrivals.clear();
    let began = lesson.house.now;
    for number in 0..100 {
        let conn = lesson.socket_at(&format!("10.3.0.{number}:1"));
        lesson
            .house
            .say(conn, json!({"type": "connection", "id": format!("P{number}")}));
        lesson.ms(10);
    }
    lesson.ms(60);
    let arrivals = lesson.house.peer(monitor).arrivals.clone();
    assert!(
        arrivals[0].since(began) < Duration::from_millis(1),
        "at once after a pause"
    );
    assert!(
        (20..=22).contains(&arrivals.len()),
        "{} states in a second",
        arrivals.len()
    );
    let apart = arrivals.windows(2).map(|pair| pair[1].since(pair[0])).min();
    assert!(apart >= Some(Duration::from_millis(49)), "{apart:?}");
    let states = states(&mut lesson, monitor);
    assert_eq!(
        states.last().map(|state| state["player"].as_object().unwrap().len()),
        Some(100)
    );
    assert!(states.windows(2).all(|pair| pair[0] != pair[1]), "no exact repeats");
    // What changes nothing that monitors see is not sent.
    let headset = lesson.headset_at("P1", "10.3.0.1:1");
    lesson.ms(60);
    lesson.texts(monitor);
    lesson.say(headset, json!({"type": "pong"}));
    lesson.say(
        monitor,
        json!({"type": "send_simulation", "simulation": {"model_index": 0}}),
    );
    lesson.ms(100);
    assert_eq!(states.len(), arrivals.len());
    assert_eq!(lesson.messages(monitor).len(), 1, "the answer and no state");
}

#[test]
fn si12_a_monitor_that_does_not_read_is_told_the_newest_state_once() {
    let mut lesson = Lesson::gamaless();
    // One of the two has a frame begun when its socket fills up, the other has not.
    let (one, two) = (lesson.monitor(), lesson.monitor());
    for monitor in [one, two] {
        lesson.texts(monitor);
        lesson.house.peer(monitor).reads = false;
    }
    for number in 0..3_000 {
        let conn = lesson.headset("Zoe");
        lesson.house.disconnect(conn);
        if number % 100 == 0 {
            lesson.say(one, json!({"type": "screen_control", "display_type": number}));
        }
    }
    for monitor in [one, two] {
        assert_eq!(lesson.closed(monitor), None);
        lesson.house.read_again(monitor);
        lesson.ms(5);
        let messages = lesson.messages(monitor);
        let states = messages
            .iter()
            .filter(|message| message["type"] == "json_state")
            .count();
        assert!(
            (1..=2).contains(&states),
            "at most the rest of a begun frame and the newest: {states}"
        );
        assert!(messages.len() <= 4, "{}", messages.len());
        let state = messages
            .iter()
            .rfind(|message| message["type"] == "json_state")
            .unwrap();
        assert_eq!(state["player"]["Zoe"]["connected"], false);
        let screen = messages
            .iter()
            .rfind(|message| message["type"] == "screen_control")
            .unwrap();
        assert_eq!(screen["display_type"], 2_900);
    }
    let zoe = lesson.headset("Zoe");
    for monitor in [one, two] {
        assert_eq!(
            lesson.state(monitor)["player"]["Zoe"]["connected"],
            true,
            "and it is in step again"
        );
    }
    assert_eq!(lesson.closed(zoe), None);
}

#[test]
fn si15_the_catalog_is_a_string_for_who_asks_or_the_array_itself() {
    let mut lesson = Lesson::gamaless();
    let (asks, other) = (lesson.monitor(), lesson.monitor());
    lesson.texts(asks);
    lesson.texts(other);
    lesson.say(asks, json!({"type": "get_simulation_informations"}));
    let text = r#"[{"type":"json_settings","name":"Flood","model_index":0}]"#;
    assert_eq!(lesson.texts(asks), [serde_json::to_string(text).unwrap()]);
    assert_eq!(lesson.texts(other), [""; 0]);
    let mut lesson = Lesson::new(ClassroomSettings {
        catalog_as_array: true,
        ..ClassroomSettings::default()
    });
    let asks = lesson.monitor();
    lesson.texts(asks);
    lesson.say(asks, json!({"type": "get_simulation_informations"}));
    assert_eq!(lesson.texts(asks), [text]);
}

#[test]
fn si16_selecting_answers_who_asks_with_the_settings_and_counts_for_all() {
    let mut lesson = Lesson::gamaless();
    let (asks, other) = (lesson.monitor(), lesson.monitor());
    lesson.texts(asks);
    lesson.texts(other);
    let answer = |name: &str| {
        let settings = SETTINGS.replace("Flood", name).replace('}', r#","model_index":0}"#);
        format!(r#"{{"type":"get_simulation_by_index","simulation":{settings}}}"#)
    };
    for index in [json!(1), json!("1"), json!(1.0)] {
        lesson.say(
            asks,
            json!({"type": "get_simulation_by_index", "simulationIndex": index}),
        );
        assert_eq!(lesson.texts(asks), [answer("Fire")], "{index}");
    }
    for index in [
        json!(2),
        json!(-1),
        json!(0.5),
        json!("x"),
        json!(null),
        json!([0]),
        json!(99_999_999_999_999_u64),
    ] {
        lesson.say(
            asks,
            json!({"type": "get_simulation_by_index", "simulationIndex": index}),
        );
        assert_eq!(lesson.texts(asks), [""; 0], "{index}");
    }
    assert!(lesson.logged("refused to select a model") > 0);
    assert_eq!(lesson.texts(other), [""; 0], "other monitors are not told");
    let late = lesson.monitor();
    assert!(lesson.texts(late)[1].contains("Fire"), "one active model for all");
}

#[test]
fn si17_send_simulation_is_answered_in_the_turn_in_which_it_comes() {
    let mut lesson = Lesson::gamaless();
    let monitor = lesson.monitor();
    lesson.texts(monitor);
    let message = json!({"type": "send_simulation", "simulation": {"type": "json_settings", "model_index": "1"}});
    lesson.house.say(monitor, message);
    // There and back over the wire of the house.
    lesson.house.run_for(Duration::from_micros(500));
    let texts = lesson.texts(monitor);
    assert!(texts.len() == 1 && texts[0].contains("Fire"), "{texts:?}");
}

#[test]
fn si18_a_launch_without_gama_is_one_state_and_one_line() {
    let mut lesson = Lesson::new(ClassroomSettings::default());
    let (asks, other) = (lesson.monitor(), lesson.monitor());
    lesson.ms(100);
    lesson.texts(asks);
    lesson.texts(other);
    lesson.say(asks, json!({"type": "launch_experiment"}));
    lesson.ms(100);
    for monitor in [asks, other] {
        let texts = lesson.texts(monitor);
        assert!(texts.len() == 1 && texts[0].contains(r#""loading":true"#), "{texts:?}");
    }
    assert_eq!(lesson.logged("refused to launch"), 1);
    for order in ["launch_experiment", "pause_experiment", "resume_experiment"] {
        lesson.say(asks, json!({ "type": order }));
    }
    assert_eq!(
        lesson.logged("refused to "),
        3,
        "each refusal is a line, the same again is none"
    );
}

#[test]
fn si18_a_launch_loads_the_active_model_and_makes_who_is_connected_a_player() {
    let mut lesson = Lesson::new(ClassroomSettings::default());
    lesson.gama_arrives();
    let (teacher, zoe, gone) = (lesson.monitor(), lesson.headset("Zoe"), lesson.headset("Gone"));
    lesson.house.disconnect(gone);
    lesson.say(
        teacher,
        json!({"type": "send_simulation", "simulation": {"model_index": 1}}),
    );
    lesson.texts(zoe);
    lesson.say(teacher, json!({"type": "launch_experiment"}));
    lesson.ms(20);
    let heard = lesson.heard();
    assert_eq!(heard[0]["model"], "/m/Fire.gaml");
    let words: Vec<&str> = heard.iter().map(word).collect();
    assert_eq!(words, ["load", "create_player"], "launching does not play");
    assert_eq!(
        lesson.messages(zoe).last().map(|state| state["in_game"].clone()),
        Some(json!(true))
    );
    assert_eq!(lesson.in_game(), ["Zoe"]);
    // Who was away is made one when it is back.
    lesson.headset("Gone");
    lesson.ms(10);
    assert_eq!(lesson.in_game(), ["Zoe", "Gone"]);
    lesson.say(teacher, json!({"type": "resume_experiment"}));
    assert_eq!(lesson.words(), ["create_player", "play"]);
    assert_eq!(lesson.state(teacher)["gama"]["experiment_state"], "RUNNING");
}

#[test]
fn si20_a_stop_closes_every_headset_and_keeps_the_seats() {
    for forgets in [false, true] {
        let settings = ClassroomSettings {
            aggressive_disconnect: forgets,
            ..ClassroomSettings::default()
        };
        let mut lesson = Lesson::launched(settings, (None, None));
        let (teacher, zoe, silent) = (lesson.monitor(), lesson.headset("Zoe"), lesson.socket_at("10.9.0.1:1"));
        let away = lesson.headset("Away");
        lesson.house.disconnect(away);
        lesson.say(teacher, json!({"type": "resume_experiment"}));
        lesson.words();
        lesson.say(teacher, json!({"type": "stop_experiment"}));
        lesson.ms(20);
        assert_eq!(lesson.words(), ["pause", "stop"]);
        assert_eq!((lesson.closed(zoe), lesson.closed(silent)), (Some(1000), Some(1000)));
        assert_eq!((lesson.connected().len(), lesson.in_game().len()), (0, 0));
        let seats = lesson.players().as_object().unwrap().len();
        assert_eq!(seats, if forgets { 0 } else { 2 });
    }
}

#[test]
fn si20_a_stop_of_nothing_is_one_state() {
    let mut lesson = Lesson::new(ClassroomSettings::default());
    lesson.gama_arrives();
    let monitor = lesson.monitor();
    lesson.ms(100);
    lesson.texts(monitor);
    lesson.say(monitor, json!({"type": "stop_experiment"}));
    lesson.ms(100);
    assert_eq!(states(&mut lesson, monitor).len(), 1);
    assert!(lesson.words().is_empty());
}

#[test]
fn si21_players_are_taken_out_and_added_by_id_and_by_address() {
    for name in ["Zoe", "10.4.0.1:5000", "10.4.0.1"] {
        let mut lesson = Lesson::launched(ClassroomSettings::default(), (None, None));
        let (teacher, zoe) = (lesson.monitor(), lesson.headset_at("Zoe", "10.4.0.1:5000"));
        let adam = lesson.headset("Adam");
        lesson.words();
        lesson.texts(zoe);
        lesson.say(teacher, json!({"type": "remove_player_headset", "id": name}));
        assert_eq!(lesson.words(), ["remove_player"], "{name}");
        assert_eq!(lesson.closed(zoe), Some(1000));
        assert_eq!(lesson.in_game(), ["Adam"]);
        let told = lesson.messages(zoe);
        assert_eq!(
            told.last().map(|state| state["in_game"].clone()),
            Some(json!(false)),
            "it is told before"
        );
        // A player that GAMA has refused once is added by hand.
        lesson.gama().refuses.insert("create_player", "no such action");
        lesson.headset_at("Zoe", "10.4.0.1:5000");
        lesson.ms(10);
        assert_eq!(lesson.in_game(), ["Adam"]);
        lesson.gama().refuses.clear();
        lesson.say(teacher, json!({"type": "add_player_headset", "id": name}));
        lesson.ms(10);
        assert_eq!(lesson.in_game(), ["Zoe", "Adam"], "{name}");
        lesson.say(teacher, json!({"type": "add_player_headset", "id": "nobody"}));
        lesson.say(teacher, json!({"type": "remove_player_headset", "id": "10.4.0.9"}));
        assert_eq!(lesson.logged("no player is called"), 2);
        assert_eq!(lesson.closed(adam), None);
    }
}

#[test]
fn si22_screens_are_switched_for_all_and_for_who_comes_later() {
    let mut lesson = Lesson::gamaless();
    let (asks, other) = (lesson.monitor(), lesson.monitor());
    lesson.texts(asks);
    lesson.texts(other);
    lesson.say(asks, json!({"type": "screen_control"}));
    let late = lesson.monitor();
    assert_eq!(lesson.texts(late).len(), 2, "nothing was set");
    lesson.say(asks, json!({"type": "screen_control", "display_type": "stream"}));
    let stream = r#"{"type":"screen_control","display_type":"stream"}"#;
    for monitor in [asks, other] {
        assert_eq!(lesson.texts(monitor), [r#"{"type":"screen_control"}"#, stream]);
    }
    let late = lesson.monitor();
    assert_eq!(lesson.texts(late)[1..], [SETTINGS, stream]);
    lesson.say(
        asks,
        json!({"type": "screen_control", "display_type": "x".repeat(20_000)}),
    );
    assert_eq!(lesson.texts(asks), [""; 0], "what is kept has a limit");
}

#[test]
fn si23_try_connection_is_neither_answered_nor_logged() {
    let mut lesson = Lesson::new(ClassroomSettings::default());
    let monitor = lesson.monitor();
    lesson.ms(100);
    lesson.texts(monitor);
    let lines = lesson.house.log.len();
    for _ in 0..3 {
        lesson.say(monitor, json!({"type": "try_connection"}));
    }
    assert_eq!(lesson.texts(monitor), [""; 0]);
    assert_eq!(lesson.house.log.len(), lines);
}

#[test]
fn a_viewer_looks_and_orders_nothing() {
    let mut lesson = Lesson::launched(ClassroomSettings::default(), (None, None));
    let zoe = lesson.headset("Zoe");
    lesson.words();
    let pupil = lesson.house.connect_with(Face::Monitor, Wire::default(), viewer());
    lesson.ms(5);
    assert_eq!(lesson.texts(pupil).len(), 2);
    lesson.say(pupil, json!({"type": "get_simulation_informations"}));
    assert_eq!(lesson.texts(pupil).len(), 1);
    for message in [
        json!({"type": "resume_experiment"}),
        json!({"type": "stop_experiment"}),
        json!({"type": "remove_player_headset", "id": "Zoe"}),
        json!({"type": "screen_control", "display_type": "stream"}),
        json!({"type": "send_simulation", "simulation": {"model_index": 0}}),
        json!({"type": "try_connection"}),
    ] {
        lesson.say(pupil, message);
    }
    assert_eq!(lesson.texts(pupil), [""; 0]);
    assert!(lesson.words().is_empty() && lesson.closed(zoe).is_none());
    assert_eq!(lesson.logged("pupil is viewer and may not run lessons"), 5);
    assert!(
        lesson
            .house
            .audited
            .iter()
            .all(|entry| &*entry.by.access.who != "pupil")
    );
}

#[test]
fn what_a_monitor_orders_is_in_the_audit_log() {
    let mut lesson = Lesson::gamaless();
    let monitor = lesson.monitor();
    lesson.say(
        monitor,
        json!({"type": "get_simulation_by_index", "simulationIndex": 1}),
    );
    lesson.say(monitor, json!({"type": "screen_control", "display_type": "stream"}));
    lesson.headset("Zoe");
    lesson.say(monitor, json!({"type": "remove_player_headset", "id": "Zoe"}));
    let audited = lesson.house.audited.iter();
    let entries: Vec<(&str, &str)> = audited.map(|entry| (entry.what, entry.subject.as_str())).collect();
    let expected = [
        ("classroom.model", "Fire"),
        ("classroom.screen", "screen"),
        ("classroom.remove", "Zoe"),
    ];
    assert_eq!(entries, expected);
}

#[test]
fn si4_what_is_no_message_costs_one_line_and_disturbs_nobody() {
    let mut lesson = Lesson::gamaless();
    let (monitor, headset) = (lesson.monitor(), lesson.headset("Zoe"));
    let unknown = lesson.socket_at("10.5.0.1:1");
    let lines = lesson.house.log.len();
    for text in [
        "",
        "{",
        "null",
        "[]",
        "7",
        "\"x\"",
        "{}",
        r#"{"type":7}"#,
        r#"{"type":"send_simulation"}"#,
        r#"{"type":"add_player_headset"}"#,
        r#"{"type":"ask"}"#,
        r#"{"type":"connection"}"#,
        r#"{"type":"connection","id":7}"#,
        r#"{"type":"what"}"#,
        r#"{"type":"ever"}"#,
    ] {
        for conn in [monitor, headset, unknown] {
            lesson.say_text(conn, text);
            assert_eq!(lesson.closed(conn), None, "{text}");
        }
    }
    // Anything before `connection` is the same kind of mistake.
    for message in ["ping", "pong", "disconnect_properly"] {
        lesson.say(unknown, json!({ "type": message }));
    }
    lesson.say(unknown, json!({"type": "expression", "expr": "do x($id);"}));
    lesson.say(unknown, json!({"type": "ask", "action": "x"}));
    assert_eq!(lesson.house.log.len() - lines, 7, "{:#?}", &lesson.house.log[lines..]);
    let Reply::Clients(rows, _) = lesson.house.ask(Request::Clients) else {
        panic!("clients answer clients")
    };
    let ignored: Vec<u64> = rows.iter().map(|row| row.counters.ignored.malformed).collect();
    assert!(ignored.iter().all(|count| *count >= 10), "{ignored:?}");
    // All of them go on as if nothing had been.
    lesson.say(unknown, json!({"type": "connection", "id": "Adam"}));
    lesson.say(headset, json!({"type": "ping", "id": "Zoe"}));
    assert_eq!(lesson.connected(), ["Zoe", "Adam"]);
    assert_eq!(
        lesson.messages(headset).last().map(|message| message["type"].clone()),
        Some(json!("pong"))
    );
}

#[test]
fn fewer_players_than_a_model_needs_are_a_problem_until_they_come() {
    let models = vec![model("Flood", (Some(2), None))];
    let mut lesson = Lesson::of_models(ClassroomSettings::default(), models);
    lesson.gama_arrives();
    lesson.headset("Zoe");
    lesson.launch();
    lesson.ms(20);
    assert_eq!(lesson.in_game(), ["Zoe"], "it begins all the same");
    assert_eq!(
        lesson.logged("1 players are connected, and this model needs at least 2"),
        1
    );
    lesson.headset("Adam");
    lesson.ms(20);
    let Reply::Health(health) = lesson.house.ask(Request::Health) else {
        panic!("health answers health")
    };
    assert!(health.problems.iter().all(|problem| problem.id != "classroom:players"));
}
