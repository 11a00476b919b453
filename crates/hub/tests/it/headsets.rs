//! The headset port: seats, identity, heartbeats, the game (SI-30 to SI-37).

use crate::lesson::Lesson;
use crosstie_hub::ConnId;
use crosstie_hub::settings::{ClassroomSettings, PlayerKey};
use serde_json::{Value as Json, json};
use std::time::Duration;

fn by_address() -> ClassroomSettings {
    ClassroomSettings {
        player_key: PlayerKey::Address,
        ..ClassroomSettings::default()
    }
}

fn in_game_as_told(lesson: &mut Lesson, conn: ConnId) -> Vec<Json> {
    let messages = lesson.messages(conn).into_iter();
    let states = messages.filter(|message| message["type"] == "json_state");
    states.map(|state| state["in_game"].clone()).collect()
}

#[test]
fn si30_a_headset_says_its_name_and_gets_a_seat_and_its_state() {
    let mut lesson = Lesson::gamaless();
    for (heartbeat, echoed) in [
        (json!("5000"), json!("5000")),
        (json!(700), json!(700)),
        (json!(0), json!(5000)),
        (json!("0"), json!(5000)),
        (json!(null), json!(5000)),
        (json!("soon"), json!(5000)),
        (json!(100), json!(100)),
        (json!(9_999_999_999_u64), json!(9_999_999_999_u64)),
        (json!(format!("{}7000", "0".repeat(100))), json!(7000)),
    ] {
        let conn = lesson.socket_at("10.2.0.1:1");
        lesson.say(
            conn,
            json!({"type": "connection", "id": "Player_101", "heartbeat": heartbeat}),
        );
        let state = json!({
            "type": "json_state", "id_player": "Player_101", "id": "Player_101", "ping_interval": echoed,
            "is_alive": true, "connected": true, "in_game": false, "date_connection": "09:16",
        });
        assert_eq!(lesson.messages(conn), [state], "{heartbeat}");
    }
    let conn = lesson.socket_at("10.2.0.1:1");
    lesson.say(conn, json!({"type": "connection", "id": "Player_101"}));
    let text = r#"{"type":"json_state","id_player":"Player_101","id":"Player_101","ping_interval":5000,"is_alive":true,"connected":true,"in_game":false,"date_connection":"09:16"}"#;
    assert_eq!(lesson.texts(conn), [text]);
}

#[test]
fn si30_a_late_joiner_is_made_a_player_and_told_so() {
    let mut lesson = Lesson::launched(ClassroomSettings::default(), (None, None));
    lesson.words();
    let zoe = lesson.headset("Zoe \"Z\"");
    lesson.ms(10);
    assert_eq!(lesson.heard()[0]["expr"], r#"do create_player("Zoe \"Z\"");"#);
    assert_eq!(
        in_game_as_told(&mut lesson, zoe),
        [false, true],
        "when GAMA has answered"
    );
    // A refusal is seen, and the seat stays out of the game.
    lesson.gama().refuses.insert("create_player", "no such action");
    let adam = lesson.headset("Adam");
    lesson.ms(10);
    assert_eq!(in_game_as_told(&mut lesson, adam), [false]);
    assert_eq!(lesson.logged("GAMA has not made this player"), 1);
    let waits_for = lesson.row("Adam").waits_for.unwrap_or_default();
    assert!(waits_for.contains("no such action"), "{waits_for}");
    assert_eq!(lesson.in_game().len(), 1);
}

#[test]
fn si30_names_that_are_none_get_no_seat_and_a_reason() {
    let mut lesson = Lesson::gamaless();
    let none = ["", "  ", "a\nb", ".", ".."].map(String::from);
    for id in none.into_iter().chain(["x".repeat(257)]) {
        let conn = lesson.socket_at("10.2.0.1:1");
        lesson.say(conn, json!({"type": "connection", "id": id}));
        lesson.say(conn, json!({"type": "connection", "id": id}));
        assert_eq!(lesson.texts(conn), [""; 0]);
        assert_eq!(lesson.closed(conn), None);
    }
    assert_eq!(
        lesson.logged("a headset gets no seat: its name"),
        6 + 1,
        "a line each, and the problem once"
    );
    assert_eq!(lesson.players(), json!({}));
    lesson.headset(&"x".repeat(256));
    assert_eq!(lesson.connected().len(), 1);
}

#[test]
fn si30_seats_are_limited_and_idle_ones_make_room() {
    let mut lesson = Lesson::gamaless();
    let first = lesson.headset("first");
    lesson.house.disconnect(first);
    for number in 0..512 {
        lesson.headset(&format!("P{number}"));
    }
    let players = lesson.players();
    assert_eq!(players.as_object().map(serde_json::Map::len), Some(512));
    assert!(players.get("first").is_none(), "the oldest that is away has made room");
    let late = lesson.headset("late");
    assert_eq!(lesson.closed(late), Some(1013));
    assert_eq!(lesson.players().as_object().map(serde_json::Map::len), Some(512));
}

#[test]
fn si31_a_headset_that_comes_back_goes_on_in_its_seat_and_gama_is_not_told_twice() {
    let mut lesson = Lesson::launched(ClassroomSettings::default(), (None, None));
    let old = lesson.headset("Zoe");
    lesson.ms(10);
    assert_eq!(lesson.words().last(), Some(&"create_player"));
    lesson.house.disconnect(old);
    lesson.ms(60);
    assert_eq!(
        (lesson.connected().len(), lesson.in_game().len()),
        (0, 1),
        "its place is kept"
    );
    // From another address: its old socket is gone.
    let new = lesson.headset("Zoe");
    assert_eq!(in_game_as_told(&mut lesson, new), [true]);
    // From the same machine while the old socket still seems to be there.
    let again = lesson.headset_at("Zoe", "10.1.0.2:6000");
    assert_eq!(
        (lesson.closed(new), in_game_as_told(&mut lesson, again)),
        (Some(1000), vec![json!(true)])
    );
    assert!(lesson.words().is_empty());
    assert_eq!(lesson.connected(), ["Zoe"]);
}

#[test]
fn si31_a_second_headset_of_the_same_name_is_refused_until_the_first_misses_a_heartbeat() {
    let mut lesson = Lesson::gamaless();
    let first = lesson.socket_at("10.2.0.1:1");
    lesson.say(first, json!({"type": "connection", "id": "Zoe", "heartbeat": 10_000}));
    let second = lesson.headset("Zoe");
    assert_eq!((lesson.closed(first), lesson.closed(second)), (None, Some(1008)));
    assert_eq!(lesson.logged("two headsets say Zoe"), 1);
    assert!(lesson.row("Zoe").is_doubled);
    // It is asked for a sign of life after ten seconds and gives none; two more, and its seat can be taken.
    lesson.ms(10_000);
    let early = lesson.headset("Zoe");
    assert_eq!((lesson.closed(first), lesson.closed(early)), (None, Some(1008)));
    lesson.ms(2_000);
    let third = lesson.headset("Zoe");
    assert_eq!((lesson.closed(first), lesson.closed(third)), (Some(1000), None));
    assert_eq!(lesson.connected(), ["Zoe"]);
    assert!(!lesson.row("Zoe").is_doubled);
}

#[test]
fn si31_a_second_connection_on_a_socket_changes_nothing() {
    let mut lesson = Lesson::gamaless();
    let zoe = lesson.headset("Zoe");
    lesson.texts(zoe);
    for id in ["Adam", "Zoe", "Adam"] {
        lesson.say(zoe, json!({"type": "connection", "id": id}));
    }
    assert_eq!(lesson.texts(zoe), [""; 0]);
    assert_eq!(lesson.connected(), ["Zoe"]);
    assert_eq!(lesson.logged("ignored a second `connection`"), 1);
}

#[test]
fn si31_by_address_a_known_machine_has_its_seat_as_soon_as_its_socket_opens() {
    let mut lesson = Lesson::launched(by_address(), (None, None));
    let old = lesson.headset_at("Zoe", "10.2.0.1:5000");
    lesson.ms(10);
    lesson.words();
    lesson.house.disconnect(old);
    let new = lesson.socket_at("10.2.0.1:5001");
    lesson.ms(5);
    assert_eq!(in_game_as_told(&mut lesson, new), [true]);
    // Its app says its name all the same; another name is not heard.
    let lines = lesson.house.log.len();
    lesson.say(new, json!({"type": "connection", "id": "Zoe"}));
    assert_eq!(lesson.house.log.len(), lines);
    lesson.say(new, json!({"type": "connection", "id": "Renamed"}));
    assert_eq!(
        (lesson.house.log.len(), lesson.connected()),
        (lines + 1, vec![String::from("Zoe")])
    );
    // A second socket of the machine takes the seat over.
    let newest = lesson.socket_at("10.2.0.1:5002");
    lesson.ms(5);
    assert_eq!((lesson.closed(new), lesson.closed(newest)), (Some(1000), None));
    // Another machine with the name of somebody who is there is refused, as with ids.
    let other = lesson.headset_at("Zoe", "10.2.0.2:5000");
    assert_eq!(lesson.closed(other), Some(1008));
    assert!(lesson.words().is_empty());
    // Behind the same name and another machine, once the seat is free.
    lesson.house.disconnect(newest);
    let moved = lesson.headset_at("Zoe", "10.2.0.3:5000");
    assert_eq!(in_game_as_told(&mut lesson, moved), [true]);
    let stranger = lesson.socket_at("10.2.0.1:5003");
    lesson.ms(5);
    assert_eq!(lesson.texts(stranger), [""; 0], "the seat has moved on");
}

#[test]
fn si32_a_ping_is_answered_with_its_id() {
    let mut lesson = Lesson::gamaless();
    let zoe = lesson.headset("Zoe");
    lesson.texts(zoe);
    for (ping, pong) in [
        (r#"{"type":"ping","id":"Zoe"}"#, r#"{"type":"pong","id":"Zoe"}"#),
        (r#"{"type":"ping","id":7}"#, r#"{"type":"pong","id":7}"#),
        (r#"{"type":"ping"}"#, r#"{"type":"pong"}"#),
    ] {
        lesson.say_text(zoe, ping);
        assert_eq!(lesson.texts(zoe), [pong]);
    }
}

#[test]
fn whoever_asks_for_its_seat_is_told_why_it_waits_and_how_the_experiment_stands() {
    let mut lesson = Lesson::gamaless();
    let zoe = lesson.headset("Zoe");
    lesson.texts(zoe);
    lesson.say_text(zoe, r#"{"type":"seat"}"#);
    let told =
        r#"{"type":"seat","waits_for":"this class runs without GAMA: there is no game to be in","experiment":null}"#;
    assert_eq!(lesson.texts(zoe), [told]);

    let mut lesson = Lesson::launched(ClassroomSettings::default(), (None, Some(1)));
    let (first, second) = (lesson.headset("Ada"), lesson.headset("Ben"));
    lesson.ms(300);
    let mut seat = |conn| {
        lesson.texts(conn);
        lesson.say_text(conn, r#"{"type":"seat"}"#);
        lesson.texts(conn)
    };
    let (first, second) = (seat(first), seat(second));
    assert!(
        first[0].starts_with(r#"{"type":"seat","waits_for":null,"experiment":""#),
        "{first:?}"
    );
    assert!(
        second[0].contains(r#""waits_for":"the class is full (1 of 1)""#),
        "{second:?}"
    );
}

#[test]
fn si33_a_headset_is_asked_every_interval_and_closed_when_nothing_comes() {
    let mut lesson = Lesson::launched(ClassroomSettings::default(), (None, None));
    let zoe = lesson.socket_at("10.2.0.1:1");
    lesson
        .house
        .say(zoe, json!({"type": "connection", "id": "Zoe", "heartbeat": 600}));
    lesson.ms(300);
    lesson.messages(zoe);
    lesson.house.peer(zoe).arrivals.clear();
    let began = lesson.house.now - Duration::from_millis(300);
    // Any message is a sign of life, also one that is none.
    for sign in [r#"{"type":"pong"}"#, r#"{"type":"ping"}"#, "{"] {
        lesson.ms(595);
        lesson.say_text(zoe, sign);
    }
    lesson.ms(250);
    let pings = lesson
        .messages(zoe)
        .iter()
        .filter(|message| **message == json!({"type": "ping"}))
        .count();
    assert_eq!(pings, 3);
    let first = lesson.house.peer(zoe).arrivals[0].since(began);
    assert!(
        first > Duration::from_millis(599) && first < Duration::from_millis(610),
        "{first:?}"
    );
    lesson.ms(360);
    assert_eq!(lesson.closed(zoe), None);
    lesson.ms(600);
    assert_eq!(lesson.closed(zoe), Some(1000));
    let seat = lesson.players()["Zoe"].clone();
    let shown = ["is_alive", "connected", "in_game"].map(|field| seat[field].clone());
    assert_eq!(shown, [json!(false), json!(false), json!(true)], "the seat is kept");
}

#[test]
fn si33_intervals_are_kept_between_a_fifth_of_a_second_and_ten_minutes() {
    let mut lesson = Lesson::gamaless();
    let pings = |lesson: &mut Lesson, conn| {
        let messages = lesson.messages(conn);
        messages.iter().filter(|message| message["type"] == "ping").count()
    };
    let fast = lesson.socket_at("10.2.0.1:1");
    lesson.say(fast, json!({"type": "connection", "id": "fast", "heartbeat": 1}));
    lesson.ms(190);
    assert_eq!(pings(&mut lesson, fast), 0);
    lesson.ms(10);
    assert_eq!(pings(&mut lesson, fast), 1);
    let slow = lesson.socket_at("10.2.0.2:1");
    lesson.say(
        slow,
        json!({"type": "connection", "id": "slow", "heartbeat": 99_999_999}),
    );
    lesson.ms(599_000);
    assert_eq!(pings(&mut lesson, slow), 0);
    lesson.ms(1_100);
    assert_eq!(pings(&mut lesson, slow), 1);
}

#[test]
fn si33_what_the_hub_could_not_hear_is_not_held_against_a_headset() {
    let mut lesson = Lesson::gamaless();
    let zoe = lesson.socket_at("10.2.0.1:1");
    lesson.say(zoe, json!({"type": "connection", "id": "Zoe", "heartbeat": 1_000}));
    lesson.ms(1_100);
    // The process was stopped for a minute; the answer is still in the socket when it goes on.
    lesson.house.now = lesson.house.now + Duration::from_secs(60);
    lesson.house.give(crosstie_hub::Input::Tick);
    assert_eq!(lesson.closed(zoe), None);
    lesson.ms(2_100);
    assert_eq!(lesson.closed(zoe), Some(1000), "from then on it counts");
}

#[test]
fn si34_expressions_go_to_gama_only_with_an_experiment_and_carry_the_player() {
    let mut lesson = Lesson::new(ClassroomSettings::default());
    lesson.gama_arrives();
    let zoe = lesson.headset("Zoe \"\\Z");
    lesson.say(zoe, json!({"type": "expression", "expr": "do x($id);"}));
    assert!(lesson.words().is_empty());
    lesson.launch();
    lesson.words();
    lesson.say(zoe, json!({"type": "expression", "expr": "do x($id, $id); // $id"}));
    let expected = json!({
        "type": "expression", "content": "Send an expression", "exp_id": "0",
        "expr": r#"do x("Zoe \"\\Z", "Zoe \"\\Z"); // "Zoe \"\\Z""#,
    });
    assert_eq!(lesson.heard(), [expected]);
}

#[test]
fn si35_asks_go_to_gama_as_they_are_and_only_with_an_experiment() {
    let mut lesson = Lesson::new(ClassroomSettings::default());
    lesson.gama_arrives();
    let zoe = lesson.headset("Zoe");
    let ask = json!({
        "type": "ask", "action": "move_player_external", "args": "{\"id\":\"Zoe\",\"x\":\"12\"}",
        "agent": "simulation[0].unity_linker[0]", "extra": 1,
    });
    lesson.say(zoe, ask.clone());
    assert!(lesson.words().is_empty());
    lesson.launch();
    lesson.words();
    lesson.say(zoe, ask.clone());
    let mut expected = ask.clone();
    expected["exp_id"] = json!("0");
    assert_eq!(lesson.heard(), [expected]);
    lesson.heard();
    let mut own = ask;
    own["exp_id"] = json!("7");
    lesson.say(zoe, own.clone());
    assert_eq!(lesson.heard(), [own]);
}

#[test]
fn si36_a_headset_that_says_goodbye_is_out_of_the_game() {
    for forgets in [false, true] {
        let settings = ClassroomSettings {
            aggressive_disconnect: forgets,
            ..ClassroomSettings::default()
        };
        let mut lesson = Lesson::launched(settings, (None, None));
        let zoe = lesson.headset("Zoe");
        lesson.words();
        lesson.say(zoe, json!({"type": "disconnect_properly"}));
        assert_eq!(
            (lesson.closed(zoe), lesson.words()),
            (Some(1000), vec!["remove_player"])
        );
        assert_eq!(in_game_as_told(&mut lesson, zoe).last(), Some(&json!(false)));
        assert!(lesson.gama().players.is_empty() && lesson.in_game().is_empty() && lesson.connected().is_empty());
        let seats = lesson.players().as_object().map(serde_json::Map::len);
        assert_eq!(seats, Some(usize::from(!forgets)));
        // It may come again.
        lesson.headset("Zoe");
        lesson.ms(10);
        assert_eq!(lesson.in_game(), ["Zoe"]);
    }
    let mut lesson = Lesson::gamaless();
    let zoe = lesson.headset("Zoe");
    lesson.say(zoe, json!({"type": "disconnect_properly"}));
    assert_eq!(lesson.closed(zoe), Some(1000), "also without a game");
}

#[test]
fn si37_every_change_of_in_game_is_told() {
    let mut lesson = Lesson::launched(ClassroomSettings::default(), (None, None));
    let zoe = lesson.headset("Zoe");
    lesson.ms(10);
    lesson.gama.as_mut().unwrap().status(&mut lesson.house, "NONE");
    lesson.ms(10);
    lesson.launch();
    lesson.ms(10);
    lesson.house.disconnect(lesson.gama.as_ref().unwrap().conn);
    lesson.ms(10);
    assert_eq!(in_game_as_told(&mut lesson, zoe), [false, true, false, true, false]);
    assert_eq!(lesson.closed(zoe), None);
}

#[test]
fn si40_a_full_class_lists_who_comes_and_a_free_place_goes_to_who_waits_longest() {
    let mut lesson = Lesson::launched(ClassroomSettings::default(), (None, Some(2)));
    let ids = ["A", "B", "C", "D"];
    let conns = ids.map(|id| lesson.headset(id));
    lesson.ms(10);
    assert_eq!(
        (lesson.connected().len(), lesson.in_game()),
        (4, vec![String::from("A"), String::from("B")])
    );
    let full = lesson.row("C").waits_for;
    assert_eq!(full.as_deref(), Some("the class is full (2 of 2)"));
    assert_eq!(lesson.row("A").waits_for, None);
    // Who is cut off keeps the place.
    lesson.house.disconnect(conns[0]);
    lesson.ms(60);
    assert_eq!(lesson.in_game(), ["A", "B"]);
    lesson.words();
    lesson.say(conns[1], json!({"type": "disconnect_properly"}));
    lesson.ms(10);
    assert_eq!(
        (lesson.words(), lesson.in_game()),
        (
            vec!["remove_player", "create_player"],
            vec![String::from("A"), String::from("C")]
        )
    );
    // B is back and waits behind D.
    lesson.headset("B");
    let teacher = lesson.monitor();
    lesson.say(teacher, json!({"type": "add_player_headset", "id": "D"}));
    assert_eq!(lesson.logged("the class is full (2 of 2)"), 1);
    lesson.say(teacher, json!({"type": "remove_player_headset", "id": "A"}));
    lesson.ms(10);
    assert_eq!(lesson.in_game(), ["C", "D"]);
    // A place that GAMA does not fill goes to the next.
    lesson.gama().refuses.insert("create_player", "not this one");
    lesson.say(teacher, json!({"type": "remove_player_headset", "id": "C"}));
    lesson.ms(10);
    assert_eq!(lesson.in_game(), ["D"]);
}
