//! What a person should know, and when that is over; a hub that was away.

use crate::house::{House, Wire, line};
use crosstie_hub::api::{Problem, Refused, Reply, Report, Request};
use crosstie_hub::settings::{EndpointSettings, RouteSetting, Settings};
use crosstie_hub::signal::{Quality, Value};
use serde_json::json;
use std::time::Duration;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn problems(house: &mut House) -> Vec<Problem> {
    match house.ask(Request::Health) {
        Reply::Health(row) => row.problems,
        other => panic!("{other:?}"),
    }
}

fn ids(house: &mut House) -> Vec<String> {
    problems(house).into_iter().map(|problem| problem.id).collect()
}

/// Nobody calls the hub for so long; what its peers do meanwhile waits in their sockets.
fn stop_for(house: &mut House, span: Duration) {
    house.now = house.now + span;
}

#[test]
fn a_conflict_ends_when_one_of_the_two_leaves() {
    for leaver in [0, 1] {
        let mut house = House::new(line());
        let peers = [house.join("one"), house.join("two")];
        let bystander = house.join("three");
        for (peer, count) in [(0, 1), (1, 2), (0, 3)] {
            house.write(peers[peer], json!({"Count": count, "Speed": count}));
            house.run_for(ms(20));
        }
        assert_eq!(
            ids(&mut house),
            ["conflict:twin/line/Count", "conflict:twin/line/Speed"]
        );
        house.disconnect(bystander);
        assert!(house.row("twin/line/Count").conflict, "it was in nobody's way");
        house.disconnect(peers[leaver]);
        assert_eq!(ids(&mut house), [""; 0]);
        assert!(!house.row("twin/line/Count").conflict);
        let back = house.join("one again");
        for (peer, count) in [(back, 7), (peers[1 - leaver], 8)] {
            house.write(peer, json!({"Count": count}));
            house.run_for(ms(20));
        }
        assert_eq!(ids(&mut house), ["conflict:twin/line/Count"], "a new one is a new one");
    }
}

#[test]
fn a_route_of_the_project_that_was_left_out_is_no_problem_any_more_once_it_is_made() {
    let twice = RouteSetting::plain("twin/line/Speed", "twin/line/Setpoint");
    let mut house = House::with(Settings {
        endpoints: vec![line()],
        routes: vec![twice.clone(), twice],
        ..Settings::default()
    });
    assert_eq!(ids(&mut house), ["route:twin/line/Speed:twin/line/Setpoint"]);
    assert!(matches!(house.ask(Request::RemoveRoute { id: 1 }), Reply::Done));
    let add = Request::AddRoute(Box::new(RouteSetting::plain("twin/line/Speed", "twin/line/Setpoint")));
    assert!(matches!(house.ask(add), Reply::Route(_)));
    assert_eq!(ids(&mut house), [""; 0]);
}

#[test]
fn the_driver_reports_and_clears_and_a_person_acknowledges() {
    let mut house = House::new(line());
    let report = |text: &str| {
        Request::Report(Box::new(Report {
            id: String::from("store"),
            is_error: true,
            subject: String::from("crosstie.toml"),
            text: text.to_owned(),
            hint: String::from("make room"),
        }))
    };
    let acknowledge = |id: &str| Request::Acknowledge {
        problem: Some(id.to_owned()),
    };
    house.ask(report("full"));
    assert!(matches!(house.ask(acknowledge("store")), Reply::Done));
    assert!(problems(&mut house)[0].is_acknowledged);
    let refused = house.ask(acknowledge("other"));
    assert!(
        matches!(refused, Reply::Refused(Refused::NotFound { .. })),
        "{refused:?}"
    );
    house.ask(report("still full"));
    let problem = problems(&mut house).remove(0);
    assert_eq!((problem.count, problem.text.as_str()), (2, "still full"));
    assert!(!problem.is_acknowledged, "it has come back since");
    house.ask(Request::Clear {
        problem: String::from("store"),
    });
    assert_eq!(ids(&mut house), [""; 0]);
}

#[test]
fn a_problem_that_was_seen_and_stays_away_leaves_the_list_after_an_hour() {
    let mut house = House::new(line());
    let report = Report {
        id: String::from("once"),
        is_error: false,
        subject: String::from("line"),
        text: String::from("odd"),
        hint: String::from("look"),
    };
    house.ask(Request::Report(Box::new(report)));
    house.run_for(Duration::from_secs(7_200));
    assert_eq!(ids(&mut house), ["once"], "nobody has seen it");
    house.ask(Request::Acknowledge { problem: None });
    assert_eq!(ids(&mut house), [""; 0]);
}

#[test]
fn nobody_is_dropped_because_the_hub_itself_was_away() {
    let mut house = House::new(line());
    let (writer, reader) = (house.join("writer"), house.join("reader"));
    house.write(writer, json!({"Count": 1}));
    house.run_for(ms(2_500));
    stop_for(&mut house, Duration::from_secs(60));
    house.run_for(ms(100));
    assert_eq!(
        house.quality("Count"),
        Quality::Good,
        "the writer has answered as soon as it was asked"
    );
    assert!(house.peer(writer).closed.is_none() && house.peer(reader).closed.is_none());
    assert_eq!(ids(&mut house), ["hub:away"]);
    house.write(writer, json!({"Count": 2}));
    house.run_for(ms(100));
    assert_eq!(house.take(reader, "data").last(), Some(&json!({"Count": 2})));
}

#[test]
fn who_does_not_answer_after_the_hub_was_away_is_old_at_once_and_dropped_in_its_time() {
    let mut house = House::new(line());
    let writer = house.join("writer");
    house.write(writer, json!({"Count": 1}));
    // A ping is under way when the hub goes away: the time for its answer must not be over when the hub is back.
    house.peer(writer).wire.answers_pings = false;
    house.run_for(ms(2_500));
    stop_for(&mut house, Duration::from_secs(60));
    house.run_for(ms(100));
    assert_eq!(
        house.quality("Count"),
        Quality::Stale,
        "a value that nobody has confirmed for a minute is old, whoever was away"
    );
    house.run_for(Duration::from_secs(39));
    assert!(
        house.peer(writer).closed.is_none(),
        "its time to answer runs from when the hub was back"
    );
    house.run_for(Duration::from_secs(2));
    assert_eq!(house.peer(writer).closed, Some(1001));
}

#[test]
fn of_what_was_written_while_the_hub_was_away_only_the_newest_values_are_taken() {
    let mut house = House::new(line());
    let (writer, reader) = (house.join("writer"), house.join("reader"));
    house.write(writer, json!({"Run": false, "Count": 1}));
    house.run_for(ms(2_500));
    house.peer(reader).inbox.clear();
    for count in 2..=9 {
        house.write(writer, json!({"Count": count, "Run": count % 2 == 0}));
    }
    stop_for(&mut house, Duration::from_secs(60));
    house.run_for(ms(40));
    assert_eq!(
        house.value("Count"),
        Value::Int(1),
        "nothing is executed before all is in"
    );
    house.run_for(ms(200));
    assert_eq!(house.take(reader, "data"), [json!({"Count": 9})]);
    assert_eq!(ids(&mut house), ["hub:away"], "the writer was not the silent one");
}

#[test]
fn a_short_delay_of_the_hub_is_nothing_to_speak_of() {
    let mut house = House::new(line());
    let writer = house.connect(Wire::default());
    house.run_for(ms(1_500));
    house.write(writer, json!({"Count": 1}));
    stop_for(&mut house, ms(900));
    house.run_for(ms(20));
    assert_eq!(house.value("Count"), Value::Int(1));
    assert_eq!(ids(&mut house), [""; 0]);
}

#[test]
fn rv_18_a_name_that_browsers_take_out_of_an_address_is_left_out_alone_and_said() {
    let mut house = House::new(EndpointSettings {
        auto_register: true,
        ..line()
    });
    let twin = house.join("twin");
    house.write(twin, json!({"..": 1, "New": 2, ".": 3}));
    house.run_for(ms(20));
    assert_eq!(house.value("New"), Value::Int(2));
    let found = problems(&mut house);
    let problem = found.iter().find(|problem| problem.id == "signals:name").unwrap();
    assert!(
        problem.text.contains("browsers take it out of an address"),
        "{problem:?}"
    );
    assert!(house.peer(twin).closed.is_none());
}

#[test]
fn the_answer_to_a_write_says_what_is_stored_and_since_which_generation() {
    let mut house = House::new(line());
    let before = house.row("twin/line/Setpoint");
    let other = house.row("twin/line/Lamp").generation;
    house.operate("Lamp", Value::Bool(true));
    assert!(
        house.row("twin/line/Lamp").generation > other,
        "the newest generation is another one"
    );
    let mut put = |number: f64| {
        let name = String::from("twin/line/Setpoint");
        let value = Value::Float(number);
        match house.ask(Request::Write { name, value }) {
            Reply::Written {
                stored,
                coerced,
                generation,
            } => (stored, coerced, generation),
            other => panic!("{other:?}"),
        }
    };
    // At single precision this is 0, and nothing changes for a reader.
    assert_eq!(put(4.9e-324), (Value::Float(0.0), true, before.generation));
    let (stored, coerced, generation) = put(0.5);
    assert_eq!((stored, coerced), (Value::Float(0.5), false));
    assert_eq!(house.row("twin/line/Setpoint").generation, generation);
}
