//! The classroom over the API: its state, orders, who may do what and what is written down, and live channels that watch it.

use crate::fake_gama::{FakeGama, Kind};
use crate::house::{House, Wire};
use crosstie_hub::access::{Access, Role, Scope};
use crosstie_hub::api::classroom::{ClassRow, ClassroomReply, ClassroomRequest, GamaLinkState, OrderWord};
use crosstie_hub::api::{Refused, Reply, Request};
use crosstie_hub::classroom::catalog::{Catalog, CatalogProblem, Entry, Model};
use crosstie_hub::settings::{ClassroomSettings, Settings};
use crosstie_hub::{ConnId, Face, Input};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn model(name: &str) -> Model {
    Model {
        name: name.to_owned(),
        experiment: format!("{name}_xp"),
        file: format!("/models/{name}.gaml"),
        maximal_players: Some(4),
        settings: json!({"type": "json_settings", "name": name}).to_string(),
        selected: json!({"type": "json_settings", "name": name, "model_index": 0}).to_string(),
        ..Model::default()
    }
}

/// A house with a classroom of two models.
fn house_with(classroom: ClassroomSettings) -> House {
    let mut house = House::with(Settings {
        classroom: Some(classroom),
        ..Settings::default()
    });
    house.give(Input::Packages(Arc::new(Catalog {
        models: vec![model("flood"), model("crowd")],
        entries: vec![Entry::Model(0), Entry::Model(1)],
        text: "[]".into(),
        problems: vec![CatalogProblem {
            is_error: false,
            file: "/models/crowd.gaml".into(),
            place: None,
            text: "is not on this machine".into(),
        }],
        roots: vec!["/models".into()],
    })));
    house
}

fn house() -> House {
    house_with(ClassroomSettings::default())
}

fn gamaless() -> House {
    house_with(ClassroomSettings {
        gama: None,
        ..ClassroomSettings::default()
    })
}

fn headset(house: &mut House, id: &str) -> ConnId {
    let conn = house.connect_as(Face::Headset, Wire::default());
    house.say(conn, json!({"type": "connection", "id": id, "heartbeat": "5000"}));
    house.run_for(ms(5));
    conn
}

fn key(role: Role) -> Arc<Access> {
    Arc::new(Access {
        key: Some("k7".into()),
        ring: 1,
        who: "HMI".into(),
        role,
        view: Scope::All,
        write: Scope::All,
    })
}

fn try_class(house: &mut House, request: ClassroomRequest) -> Result<ClassroomReply, Refused> {
    match house.ask(Request::Classroom(request)) {
        Reply::Classroom(reply) => Ok(reply),
        Reply::Refused(refused) => Err(refused),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn class(house: &mut House, request: ClassroomRequest) -> ClassRow {
    match try_class(house, request) {
        Ok(ClassroomReply::State(row)) => *row,
        other => panic!("{other:?}"),
    }
}

fn state(house: &mut House) -> ClassRow {
    class(house, ClassroomRequest::State)
}

fn order(word: OrderWord) -> ClassroomRequest {
    ClassroomRequest::Order(word)
}

/// What stands in the audit log: what, subject, old, new.
fn audited(house: &mut House) -> Vec<(&'static str, String, Json, Json)> {
    let entries = std::mem::take(&mut house.audited).into_iter();
    entries
        .map(|entry| (entry.what, entry.subject, entry.old, entry.new))
        .collect()
}

fn channel(house: &mut House) -> ConnId {
    let conn = house.connect_as(Face::Live, Wire::default());
    house.run_for(ms(1));
    house.peer(conn).inbox.clear();
    conn
}

/// Watches the class from a channel of its own; it has got the answer and the first frame.
fn watch(house: &mut House) -> (ConnId, Json) {
    let conn = channel(house);
    house.say(conn, json!({"type": "watch_classroom", "id": 3, "on": true}));
    house.run_for(ms(1));
    let answer = house.peer(conn).inbox.remove(0);
    assert_eq!(answer, json!({"type": "watching_classroom", "id": 3, "on": true}));
    let mut first = frames(house, conn);
    assert_eq!(first.len(), 1);
    (conn, first.remove(0))
}

/// What a channel was told of the class since the last look.
fn frames(house: &mut House, conn: ConnId) -> Vec<Json> {
    let mut inbox = std::mem::take(&mut house.peer(conn).inbox);
    inbox.retain(|message| message["type"] == "classroom");
    inbox
}

#[test]
fn a_project_without_a_classroom_has_none() {
    let mut house = House::with(Settings::default());
    for request in [
        ClassroomRequest::State,
        ClassroomRequest::Catalog,
        order(OrderWord::Launch),
    ] {
        let refused = try_class(&mut house, request).expect_err("there is no class");
        assert!(
            matches!(refused, Refused::NotFound { what: "section", .. }),
            "{refused}"
        );
    }
    let conn = channel(&mut house);
    house.say(conn, json!({"type": "watch_classroom", "id": 3, "on": true}));
    house.run_for(ms(5));
    assert_eq!(
        house.peer(conn).inbox,
        [json!({"type": "error", "id": 3, "code": "not_found", "message": "the project has no [classroom]"})]
    );
    house.run_for(ms(5_000));
    assert_eq!(frames(&mut house, conn).len(), 0);
}

#[test]
fn the_state_says_all_that_a_page_shows() {
    let mut house = house();
    let row = state(&mut house);
    let gama = row.gama.as_ref().expect("not GAMALESS");
    assert_eq!(gama.link, GamaLinkState::Connecting);
    assert_eq!(row.model, Some((0, String::from("flood"))));
    assert_eq!((row.minimal_players, row.maximal_players), (None, Some(4)));
    assert_eq!((row.models, row.catalog_problems, row.monitors), (2, 1, 0));

    let mut gama = FakeGama::arrive(&mut house, Kind::Gui);
    headset(&mut house, "Player_101");
    house.connect_as(Face::Monitor, Wire::default());
    let row = state(&mut house);
    assert_eq!(row.orders, [OrderWord::Launch]);
    assert_eq!(row.monitors, 1);
    assert_eq!(row.players.len(), 1);
    assert!(row.players[0].connected && !row.players[0].in_game);
    assert!(row.players[0].waits_for.is_some());

    let launched = class(&mut house, order(OrderWord::Launch));
    assert!(
        launched.gama.expect("a link").waits_for.is_some(),
        "the load is on its way"
    );
    gama.run(&mut house, 20);
    let row = state(&mut house);
    assert_eq!(row.gama.as_ref().map(|gama| gama.state.as_str()), Some("PAUSED"));
    assert!(row.players[0].in_game);
    assert!(row.orders.contains(&OrderWord::Resume) && !row.orders.contains(&OrderWord::Launch));
}

#[test]
fn every_order_over_the_api_does_what_a_monitor_can_do_and_is_refused_in_words() {
    let mut house = house();
    let refused = try_class(&mut house, order(OrderWord::Launch)).expect_err("GAMA is away");
    assert!(matches!(refused, Refused::Classroom(_)), "{refused}");
    let mut gama = FakeGama::arrive(&mut house, Kind::Gui);
    assert_eq!(audited(&mut house), [], "what was refused was not done");
    for (word, state_then) in [
        (OrderWord::Launch, "PAUSED"),
        (OrderWord::Resume, "RUNNING"),
        (OrderWord::Pause, "PAUSED"),
        (OrderWord::Stop, "NONE"),
    ] {
        class(&mut house, order(word));
        gama.run(&mut house, 50);
        let row = state(&mut house);
        assert_eq!(row.gama.expect("a link").state, state_then, "{word:?}");
    }
    let refused = try_class(&mut house, order(OrderWord::Resume)).expect_err("nothing is loaded");
    assert!(!refused.to_string().is_empty());
    let whats: Vec<_> = audited(&mut house)
        .into_iter()
        .map(|(what, subject, ..)| (what, subject))
        .collect();
    let flood = |what| (what, String::from("flood"));
    assert_eq!(
        whats,
        [
            flood("classroom.launch"),
            flood("classroom.resume"),
            flood("classroom.pause"),
            flood("classroom.stop")
        ]
    );
}

#[test]
fn models_seats_and_screens_are_changed_and_written_down() {
    let mut house = gamaless();
    let conn = headset(&mut house, "Player_101");
    audited(&mut house);
    let row = class(&mut house, ClassroomRequest::Select { model: 1 });
    assert_eq!(row.model, Some((1, String::from("crowd"))));
    class(&mut house, ClassroomRequest::Select { model: 1 });
    let refused = try_class(&mut house, ClassroomRequest::Select { model: 2 }).expect_err("there are two");
    assert!(matches!(refused, Refused::NotFound { what: "model", .. }), "{refused}");
    let Ok(ClassroomReply::Catalog(catalog, active)) = try_class(&mut house, ClassroomRequest::Catalog) else {
        panic!("a catalog was expected");
    };
    assert_eq!((catalog.models.len(), active), (2, 1));

    let screen = |text: &str| ClassroomRequest::Screen {
        display_type: text.to_owned(),
    };
    let row = class(&mut house, screen("stream"));
    assert_eq!(row.screen.as_deref(), Some("\"stream\""));
    class(&mut house, screen("stream"));
    let refused = try_class(&mut house, screen(&"x".repeat(257))).expect_err("too long");
    assert!(matches!(refused, Refused::BadValue { .. }), "{refused}");

    let id = || String::from("Player_101");
    let refused = try_class(&mut house, ClassroomRequest::ForgetPlayer { id: id() }).expect_err("it is connected");
    assert!(matches!(refused, Refused::Classroom(_)), "{refused}");
    class(&mut house, ClassroomRequest::RemovePlayer { id: id() });
    house.run_for(ms(5));
    assert_eq!(house.peers[&conn].closed, Some(1000));
    let row = class(&mut house, ClassroomRequest::ForgetPlayer { id: id() });
    assert_eq!(row.players, []);
    let refused = try_class(&mut house, ClassroomRequest::AddPlayer { id: id() }).expect_err("nobody of this name");
    assert!(matches!(refused, Refused::NotFound { .. }), "{refused}");
    assert_eq!(
        audited(&mut house),
        [
            ("classroom.model", "crowd".into(), json!("flood"), json!("crowd")),
            ("classroom.screen", "screen".into(), Json::Null, json!("stream")),
            ("classroom.remove", id(), Json::Null, Json::Null),
            ("classroom.forget", id(), Json::Null, Json::Null),
        ]
    );
}

#[test]
fn an_expression_is_answered_when_gama_has_answered_it() {
    let mut house = house();
    let mut gama = FakeGama::arrive(&mut house, Kind::Gui);
    gama.says.insert("length(people)".into(), "42".into());
    let evaluate = |expr: &str| Request::Classroom(ClassroomRequest::Evaluate { expr: expr.to_owned() });
    let refused = house.ask(evaluate("length(people)"));
    assert!(matches!(refused, Reply::Refused(Refused::Classroom(_))), "{refused:?}");
    class(&mut house, order(OrderWord::Launch));
    gama.run(&mut house, 50);
    audited(&mut house);
    let ticket = house.ask_later(evaluate("length(people)"));
    assert!(house.reply(ticket).is_none(), "GAMA has not answered yet");
    gama.run(&mut house, 20);
    match house.reply(ticket) {
        Some(Reply::Classroom(ClassroomReply::Evaluated(text))) => assert_eq!(text, "42"),
        other => panic!("{other:?}"),
    }
    let expected = (
        "classroom.evaluate",
        "flood".into(),
        Json::Null,
        json!("length(people)"),
    );
    assert_eq!(audited(&mut house), [expected]);
    let refused = house.ask(evaluate(&"1+".repeat(9_000)));
    assert!(
        matches!(refused, Reply::Refused(Refused::BadValue { .. })),
        "{refused:?}"
    );
    let ticket = house.ask_later(evaluate(&format!("1{}", "+1".repeat(1_000))));
    gama.run(&mut house, 20);
    assert!(house.reply(ticket).is_some());
    let (.., expr) = audited(&mut house).remove(0);
    assert_eq!(expr.as_str().map(str::len), Some(500), "the log is kept short");
}

#[test]
fn a_class_without_gama_takes_players_and_no_orders() {
    let mut house = gamaless();
    headset(&mut house, "Player_101");
    let row = state(&mut house);
    assert_eq!((row.gama.is_none(), row.players.len()), (true, 1));
    assert_eq!(row.orders, []);
    for word in OrderWord::ALL {
        let refused = try_class(&mut house, order(word)).expect_err("there is no GAMA");
        assert!(matches!(refused, Refused::Classroom(_)), "{word:?}: {refused}");
    }
    assert_eq!(audited(&mut house), []);
    let (_, first) = watch(&mut house);
    assert_eq!([&first["mode"], &first["gama"]], [&json!("gamaless"), &Json::Null]);
}

#[test]
fn a_viewer_looks_an_operator_runs_the_lesson_an_engineer_evaluates() {
    let mut house = gamaless();
    let id = || String::from("nobody");
    let requests = [
        (Role::Viewer, ClassroomRequest::State),
        (Role::Viewer, ClassroomRequest::Catalog),
        (Role::Viewer, ClassroomRequest::Console { after: None }),
        (Role::Operator, order(OrderWord::Launch)),
        (Role::Operator, ClassroomRequest::Select { model: 0 }),
        (Role::Operator, ClassroomRequest::AddPlayer { id: id() }),
        (Role::Operator, ClassroomRequest::RemovePlayer { id: id() }),
        (Role::Operator, ClassroomRequest::ForgetPlayer { id: id() }),
        (
            Role::Operator,
            ClassroomRequest::Screen {
                display_type: "x".into(),
            },
        ),
        (Role::Engineer, ClassroomRequest::Evaluate { expr: "1".into() }),
    ];
    for (needed, request) in requests {
        for role in [Role::Viewer, Role::Operator, Role::Engineer] {
            let reply = house.ask_as(key(role), Request::Classroom(request.clone()));
            let is_forbidden = matches!(reply, Reply::Refused(Refused::Forbidden { .. }));
            assert_eq!(is_forbidden, role < needed, "{role:?} {request:?}: {reply:?}");
        }
    }
}

#[test]
fn a_watch_is_told_at_once_when_something_changes_and_once_a_second() {
    let mut house = house();
    let mut gama = FakeGama::arrive(&mut house, Kind::Gui);
    let (conn, first) = watch(&mut house);
    assert_eq!(first["gama"]["state"], "NONE");
    assert_eq!(
        [&first["model"]["name"], &first["models"]],
        [&json!("flood"), &json!(2)]
    );
    house.run_for(ms(990));
    assert_eq!(frames(&mut house, conn).len(), 0, "nothing has changed");
    house.run_for(ms(20));
    assert_eq!(frames(&mut house, conn).len(), 1, "the channel lives");

    house.run_for(ms(300));
    headset(&mut house, "Player_101");
    let told = frames(&mut house, conn);
    assert_eq!(told.len(), 1, "within 5 ms, all of one turn in one frame");
    assert_eq!(told[0]["players"][0]["id"], "Player_101");
    class(&mut house, order(OrderWord::Launch));
    gama.run(&mut house, 150);
    let told = frames(&mut house, conn);
    let last = told.last().expect("something has changed");
    assert_eq!(last["gama"]["state"], "PAUSED");
    assert_eq!(last["players"][0]["in_game"], true);
}

#[test]
fn many_changes_are_ten_frames_a_second_and_the_last_state_is_told() {
    let mut house = gamaless();
    let (conn, _) = watch(&mut house);
    house.run_for(ms(200));
    for turn in 0..200 {
        class(&mut house, ClassroomRequest::Select { model: turn % 2 });
        house.run_for(ms(5));
    }
    let mut told = frames(&mut house, conn);
    assert!((9..=11).contains(&told.len()), "{}", told.len());
    class(&mut house, ClassroomRequest::Select { model: 0 });
    house.run_for(ms(110));
    // What came back to what was told last needs no frame.
    told.extend(frames(&mut house, conn));
    let last = told.last().expect("there are some");
    assert_eq!(last["model"]["index"], 0);
}

#[test]
fn a_watch_gets_the_newest_lines_and_then_each_new_one_once() {
    let mut house = house();
    let mut gama = FakeGama::arrive(&mut house, Kind::Gui);
    for number in 0..250 {
        gama.say(
            &mut house,
            json!({"type": "SimulationOutput", "content": {"message": format!("line {number}"), "color": null}}),
        );
    }
    gama.run(&mut house, 5);
    let (conn, first) = watch(&mut house);
    let lines = first["console"].as_array().expect("a list");
    assert_eq!(lines.len(), 200);
    assert_eq!(lines[199]["text"], "line 249");
    assert_eq!(
        [&lines[199]["level"], &lines[199]["kind"]],
        [&json!("console"), &json!("SimulationOutput")]
    );
    gama.say(
        &mut house,
        json!({"type": "SimulationOutput", "content": {"message": "one more", "color": null}}),
    );
    gama.run(&mut house, 1_200);
    let texts: Vec<Json> = frames(&mut house, conn)
        .iter()
        .flat_map(|frame| frame["console"].as_array().expect("a list").clone())
        .map(|line| line["text"].clone())
        .collect();
    assert_eq!(texts, ["one more"]);
    let last = lines[199]["number"].as_u64();
    let Ok(ClassroomReply::Console(lines, _)) = try_class(&mut house, ClassroomRequest::Console { after: last }) else {
        panic!("lines were expected");
    };
    assert_eq!(
        lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(),
        ["one more"]
    );
}

#[test]
fn a_stuck_channel_gets_nothing_and_catches_up_with_the_newest_state() {
    let mut house = gamaless();
    let (conn, _) = watch(&mut house);
    let (other, _) = watch(&mut house);
    house.peer(conn).reads = false;
    for turn in 0..100 {
        class(&mut house, ClassroomRequest::Select { model: turn % 2 });
        house.run_for(ms(50));
    }
    class(&mut house, ClassroomRequest::Select { model: 0 });
    house.run_for(ms(110));
    assert!(frames(&mut house, other).len() >= 40, "nobody else is held up");
    house.read_again(conn);
    house.run_for(ms(210));
    let told = frames(&mut house, conn);
    assert!(
        told.len() <= 3,
        "{} frames: one that was begun, and the newest",
        told.len()
    );
    assert_eq!(told.last().expect("it catches up")["model"]["index"], 0);
}

#[test]
fn a_watch_ends_when_it_is_said_or_its_channel_closes() {
    let mut house = gamaless();
    let (conn, _) = watch(&mut house);
    house.say(conn, json!({"type": "watch_classroom", "id": 4, "on": false}));
    house.run_for(ms(5));
    assert_eq!(
        house.peer(conn).inbox.pop(),
        Some(json!({"type": "watching_classroom", "id": 4, "on": false}))
    );
    class(&mut house, ClassroomRequest::Select { model: 1 });
    house.run_for(ms(2_000));
    assert_eq!(frames(&mut house, conn).len(), 0);
    let (gone, _) = watch(&mut house);
    house.disconnect(gone);
    class(&mut house, ClassroomRequest::Select { model: 0 });
    house.run_for(ms(2_000));
    let (_, first) = watch(&mut house);
    assert_eq!(first["model"]["index"], 0);
}
