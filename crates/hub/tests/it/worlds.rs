//! What a simulation shows, on its way to the headsets (SI-38, SI-39, GA-7).

use crate::lesson::Lesson;
use crosstie_hub::ConnId;
use crosstie_hub::settings::ClassroomSettings;
use serde_json::{Value as Json, json};

fn world(lesson: &mut Lesson, contents: Json) {
    let gama = lesson.gama.as_mut().expect("it has arrived");
    gama.world(&mut lesson.house, contents);
    lesson.ms(2);
}

#[test]
fn si38_each_element_goes_to_its_players_in_order_and_byte_for_byte() {
    let mut lesson = Lesson::launched(ClassroomSettings::default(), (None, Some(1)));
    let (zoe, waits, away) = (lesson.headset("Zoe"), lesson.headset("Waits"), lesson.headset("Away"));
    lesson.house.disconnect(away);
    lesson.ms(10);
    lesson.texts(zoe);
    lesson.texts(waits);
    // Written by hand: the order of keys, numbers and blanks must not change.
    let inner = r#"{"contents":[{"id":["Zoe"],"contents":{"z": 1.50,"a":[1e3,2]}},{"id":["Zoe","Waits","nobody","Away"],"contents":{"pointsLoc":[{"c":[1,2,3]}]}},{"id":"Zoe","contents":{"x":1}},{"id":["Waits","Waits"],"contents":"text"},{"id":["Zoe"]}]}"#;
    let outer = json!({"type": "SimulationOutput", "content": inner, "exp_id": "0"});
    let gama = lesson.gama.as_mut().expect("it has arrived");
    gama.say(&mut lesson.house, outer);
    lesson.ms(5);
    let points = r#"{"contents":{"pointsLoc":[{"c":[1,2,3]}]},"type":"json_output"}"#;
    let zoes = [
        r#"{"contents":{"z": 1.50,"a":[1e3,2]},"type":"json_output"}"#,
        points,
        r#"{"contents":null,"type":"json_output"}"#,
    ];
    assert_eq!(lesson.texts(zoe), zoes);
    // Who is not in the game sees it too, and who is named twice once.
    assert_eq!(
        lesson.texts(waits),
        [points, r#"{"contents":"text","type":"json_output"}"#]
    );
}

#[test]
fn si39_a_headset_that_stops_reading_for_a_minute_costs_nobody_else_anything() {
    let mut lesson = Lesson::launched(ClassroomSettings::default(), (None, None));
    let conns: Vec<ConnId> = (0..30).map(|number| lesson.headset(&format!("P{number}"))).collect();
    lesson.ms(20);
    let ids: Vec<String> = (0..30).map(|number| format!("P{number}")).collect();
    // One has a frame begun when its socket fills up, the other has not.
    let slow = [conns[3], conns[4]];
    for conn in slow {
        lesson.texts(conn);
        lesson.house.peer(conn).reads = false;
    }
    let filler = "x".repeat(70_000);
    for cycle in 0..1_200 {
        let mut contents = vec![json!({"id": ids, "contents": {"pointsLoc": filler, "cycle": cycle}})];
        if cycle == 2 {
            contents.insert(0, json!({"id": ids, "contents": {"precision": 1_000}}));
        }
        world(&mut lesson, Json::Array(contents));
        for conn in conns.iter().filter(|conn| !slow.contains(conn)) {
            let newest = lesson.messages(*conn).pop().expect("it has got its world");
            assert_eq!(newest["contents"]["cycle"], cycle);
        }
        for conn in slow {
            // A slow one speaks all the same.
            if cycle % 100 == 0 {
                lesson.house.say(conn, json!({"type": "ping"}));
            }
        }
        lesson.ms(48);
    }
    let (quick, late) = (lesson.row("P0"), lesson.row("P3"));
    assert_eq!((quick.worlds, quick.worlds_dropped), (1_201, 0));
    assert!(
        late.worlds_dropped >= 1_201 - 33,
        "drops are shown: {}",
        late.worlds_dropped
    );
    for conn in slow {
        assert_eq!(lesson.closed(conn), None);
        lesson.house.peer(conn).bytes = 0;
        lesson.house.read_again(conn);
        lesson.ms(5);
        assert!(lesson.house.peer(conn).bytes < 9 << 20, "what waits is bounded");
        let messages = lesson.messages(conn);
        let pongs = messages.iter().filter(|message| message["type"] == "pong").count();
        assert_eq!(pongs, 12, "control messages are never dropped");
        let last_pong = messages
            .iter()
            .rposition(|message| message["type"] == "pong")
            .expect("there are some");
        // Behind the frame that was begun they go first.
        assert!(last_pong <= 12, "{last_pong}");
        let pieces: Vec<&Json> = messages
            .iter()
            .filter(|message| message["type"] == "json_output")
            .collect();
        assert!(pieces.len() <= 33, "{}", pieces.len());
        assert_eq!(
            pieces.last().map(|piece| piece["contents"]["cycle"].clone()),
            Some(json!(1_199))
        );
        assert!(
            pieces.iter().any(|piece| piece["contents"]["precision"] == 1_000),
            "what comes once survives"
        );
        let cycles: Vec<i64> = pieces
            .iter()
            .filter_map(|piece| piece["contents"]["cycle"].as_i64())
            .collect();
        assert!(cycles.windows(2).all(|pair| pair[0] < pair[1]), "in order: {cycles:?}");
    }
    // And they are in step again.
    world(&mut lesson, json!([{"id": ids, "contents": {"pointsLoc": 1}}]));
    for conn in slow {
        assert_eq!(lesson.messages(conn).len(), 1);
    }
}

#[test]
fn si39_a_socket_that_takes_nothing_for_ten_minutes_is_closed() {
    let mut lesson = Lesson::launched(ClassroomSettings::default(), (None, None));
    let zoe = lesson.headset("Zoe");
    lesson.ms(10);
    lesson.house.peer(zoe).reads = false;
    world(&mut lesson, json!([{"id": ["Zoe"], "contents": {"pointsLoc": 1}}]));
    for _ in 0..59 {
        lesson.say(zoe, json!({"type": "pong"}));
        lesson.ms(10_000);
    }
    assert_eq!(lesson.closed(zoe), None);
    for _ in 0..3 {
        lesson.say(zoe, json!({"type": "pong"}));
        lesson.ms(10_000);
    }
    assert_eq!(lesson.closed(zoe), Some(1008));
}
