//! What a headset may send into the simulation (SI-40).

use crate::lesson::Lesson;
use crosstie_hub::ConnId;
use crosstie_hub::access::{Access, JOIN_CODE, Role, Scope};
use crosstie_hub::settings::ClassroomSettings;
use serde_json::json;
use std::sync::Arc;

fn restricted() -> ClassroomSettings {
    ClassroomSettings {
        allow_expression: false,
        allowed_actions: vec![String::from("move_player_external"), String::from("jump")],
        ..ClassroomSettings::default()
    }
}

/// A class with Zoe and Adam in the game.
fn lesson(settings: ClassroomSettings) -> (Lesson, ConnId) {
    let mut lesson = Lesson::launched(settings, (None, None));
    let zoe = lesson.headset("Zoe");
    lesson.headset("Adam");
    lesson.ms(10);
    lesson.heard();
    (lesson, zoe)
}

/// What of these texts reaches GAMA.
fn passed(settings: ClassroomSettings, texts: &[&str]) -> Vec<bool> {
    let (mut lesson, zoe) = lesson(settings);
    let mut passed = Vec::new();
    for text in texts {
        lesson.say_text(zoe, text);
        assert_eq!(lesson.closed(zoe), None);
        passed.push(!lesson.heard().is_empty());
    }
    let row = lesson.row("Zoe");
    let went = passed.iter().filter(|passed| **passed).count() as u64;
    assert_eq!((row.said, row.said_dropped), (went, texts.len() as u64 - went));
    let refused = passed.iter().any(|passed| !passed);
    assert_eq!(
        lesson.logged("refused what the headset sends"),
        usize::from(refused),
        "one line"
    );
    passed
}

#[test]
fn si40_an_open_listener_takes_the_listed_actions_of_the_own_player_only() {
    let own = [
        r#"{"type":"ask","action":"jump","args":"{\"id\":\"Zoe\",\"x\":\"1\"}","agent":"simulation[0].unity_linker[0]"}"#,
        r#"{"type":"ask","action":"jump","args":{"id":"Zoe"},"agent":"simulation[0].unity_linker[0]"}"#,
        r#"{"type":"ask","action":"jump","args":"{}"}"#,
        r#"{"type":"ask","action":"jump"}"#,
        r#"{"type":"expression","expr":"do jump($id);"}"#,
        r#"{"type":"expression","expr":"do jump($id, 3, \"high\");"}"#,
    ];
    assert_eq!(passed(restricted(), &own), [true; 6]);
    let others = [
        r#"{"type":"ask","action":"die","args":"{\"id\":\"Zoe\"}"}"#,
        r#"{"type":"ask","action":"jump","args":"{\"id\":\"Adam\"}"}"#,
        r#"{"type":"ask","action":"jump","args":{"id":"Adam"}}"#,
        r#"{"type":"ask","action":"jump","args":{"id":"nobody"}}"#,
        r#"{"type":"ask","action":"jump","args":{"\u0069d":"Adam"}}"#,
        r#"{"type":"ask","action":"jump","args":"{\"id\":\"Zoe\",\"id\":\"Adam\"}"}"#,
        r#"{"type":"ask","action":"jump","args":{"id":"Zoe"},"args":{"id":"Adam"}}"#,
        r#"{"type":"ask","action":"die","action":"jump","args":{"id":"Zoe"}}"#,
        r#"{"type":"ask","action":"jump","args":"id=Adam"}"#,
        r#"{"type":"ask","action":"jump","args":{"id":"Zoe"},"agent":"simulation[0].people at_distance 5"}"#,
        r#"{"type":"ask","action":"jump","args":{"id":"Zoe"},"agent":"first(people)"}"#,
        r#"{"type":"expression","expr":"do die($id);"}"#,
        r#"{"type":"expression","expr":"do jump(\"Adam\");"}"#,
        r#"{"type":"expression","expr":"do jump($id); do die;"}"#,
        r#"{"type":"expression","expr":"length(people)"}"#,
    ];
    assert_eq!(passed(restricted(), &others), [false; 15]);
}

#[test]
fn si40_where_everything_is_allowed_only_another_player_is_not() {
    let texts = [
        r#"{"type":"expression","expr":"do anything(length(people));"}"#,
        r#"{"type":"ask","action":"anything","args":{"id":"a door"},"agent":"first(people)"}"#,
        r#"{"type":"ask","action":"anything","args":"id=Adam"}"#,
        r#"{"type":"ask","action":"anything","args":{"id":"Adam"}}"#,
    ];
    assert_eq!(passed(ClassroomSettings::default(), &texts), [true, true, true, false]);
}

#[test]
fn si40_who_joined_by_code_may_do_what_is_listed_also_where_everything_is_allowed() {
    let settings = ClassroomSettings {
        allow_expression: true,
        ..restricted()
    };
    let mut lesson = Lesson::launched(settings, (None, None));
    let mut passed = Vec::new();
    for (number, key) in [(1, None), (2, Some("k1"))] {
        let id = format!("Player_{number}");
        let access = Arc::new(Access {
            key: key.map(Into::into),
            ring: 1,
            who: JOIN_CODE.into(),
            role: Role::Viewer,
            view: Scope::new(Some(&[])),
            write: Scope::new(Some(&[])),
        });
        let conn = lesson.socket_with(access, &format!("10.2.0.{number}:5000"));
        lesson.say(conn, json!({"type": "connection", "id": id, "heartbeat": 600_000}));
        lesson.ms(10);
        lesson.heard();
        for text in [
            r#"{"type":"ask","action":"jump"}"#,
            r#"{"type":"ask","action":"die"}"#,
            r#"{"type":"expression","expr":"length(people)"}"#,
        ] {
            lesson.say_text(conn, text);
            passed.push(!lesson.heard().is_empty());
        }
    }
    // A key of that name is a key.
    assert_eq!(passed, [true, false, false, true, true, true]);
}

#[test]
fn si40_who_waits_for_a_full_class_cannot_act_in_it() {
    let mut lesson = Lesson::launched(ClassroomSettings::default(), (None, Some(1)));
    lesson.headset("Zoe");
    let waits = lesson.headset("Adam");
    lesson.ms(10);
    lesson.heard();
    lesson.say(waits, json!({"type": "expression", "expr": "do create_player($id);"}));
    lesson.say(
        waits,
        json!({"type": "ask", "action": "create_player", "args": {"id": "Adam"}}),
    );
    assert!(lesson.heard().is_empty());
}
