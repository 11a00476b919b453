//! Live channels that watch a PLC context.

use crate::house::{House, Wire};
use crate::plc_requests::{after, ask, command, force, house_of, house_with, line, ms, program, write};
use crosstie_hub::access::{Access, Role, Scope};
use crosstie_hub::api::plc::PlcRequest;
use crosstie_hub::plc::PlcId;
use crosstie_hub::settings::PlcSettings;
use crosstie_hub::signal::Value;
use crosstie_hub::{ConnId, Face};
use crosstie_ladder::controller::Command;
use serde_json::{Value as Json, json};
use std::sync::Arc;

fn channel(house: &mut House) -> ConnId {
    let conn = house.connect_as(Face::Live, Wire::default());
    house.run_for(ms(1));
    house.peer(conn).inbox.clear();
    conn
}

/// Watches the line from a channel of its own; gives the answer.
fn watch(house: &mut House, cycle_ms: u64, power: bool) -> (ConnId, Json) {
    let conn = channel(house);
    let answer = watch_from(house, conn, cycle_ms, power);
    (conn, answer)
}

fn watch_from(house: &mut House, conn: ConnId, cycle_ms: u64, power: bool) -> Json {
    let request = json!({"type": "watch_plc", "id": 3, "context": "line", "cycle_ms": cycle_ms, "power": power});
    house.say(conn, request);
    house.run_for(ms(1));
    house.peer(conn).inbox.remove(0)
}

/// What a channel was told since the last look: the messages of type `plc`.
fn frames(house: &mut House, conn: ConnId) -> Vec<Json> {
    let mut inbox = std::mem::take(&mut house.peer(conn).inbox);
    inbox.retain(|message| message["type"] == "plc");
    inbox
}

fn records(house: &House) -> bool {
    house.engines[&PlcId(0)].engine.controller().power_flow().is_some()
}

#[test]
fn a_watch_shows_the_context_at_once_when_it_changes_and_once_a_second() {
    let mut house = house_with("line");
    ask(&mut house, force("I:0/3", "", None));
    let (conn, answer) = watch(&mut house, 100, false);
    assert_eq!(
        answer,
        json!({"type": "watching_plc", "id": 3, "context": "line", "cycle_ms": 100})
    );
    let first = frames(&mut house, conn);
    assert_eq!(first.len(), 1);
    let scan = json!({"count": 0, "last_us": 0, "min_us": 0, "max_us": 0, "avg_us": 0, "overruns": 0, "target_us": 10_000,
        "watchdog_us": null, "merged": 0});
    let now_ms = first[0]["now_ms"].clone();
    assert_eq!(
        first[0],
        json!({"type": "plc", "context": "line", "now_ms": now_ms, "state": "Stopped", "fault": null, "next_rung": null,
            "program": 1, "scan": scan, "forced": ["I:0/3"], "breakpoints": [], "power": ""})
    );
    house.run_for(ms(900));
    assert_eq!(frames(&mut house, conn).len(), 0, "nothing has changed");
    house.run_for(ms(200));
    assert_eq!(frames(&mut house, conn).len(), 1, "the channel lives");

    after(&mut house, command(Command::Start));
    house.run_for(ms(1_000));
    let shown = frames(&mut house, conn);
    assert_eq!(shown.len(), 10, "every scan changes the statistics");
    assert_eq!(shown[9]["state"], "Running");
    assert!(shown[9]["scan"]["count"].as_u64().is_some_and(|count| count >= 90));
    assert!(!records(&house), "nobody wants the power flow");
}

#[test]
fn power_flow_is_recorded_while_somebody_looks_at_it_and_shown_by_instruction() {
    let mut house = house_with("line");
    ask(&mut house, write("I:0/0", Value::Bool(true)));
    after(&mut house, command(Command::Start));
    let (one, _) = watch(&mut house, 50, true);
    let (two, _) = watch(&mut house, 50, true);
    house.run_for(ms(200));
    assert!(records(&house));
    for conn in [one, two] {
        let last = frames(&mut house, conn).pop().expect("there are some");
        // XIC and OTE of the first rung have power, XIC and DIV of the second have none.
        assert_eq!(last["power"], "AwAAAAAAAAA=");
    }
    ask(&mut house, write("I:0/0", Value::Bool(false)));
    house.run_for(ms(200));
    assert_eq!(
        frames(&mut house, one).pop().expect("there are some")["power"],
        "AAAAAAAAAAA="
    );

    house.say(one, json!({"type": "watch_plc", "id": 4}));
    house.run_for(ms(50));
    let messages = std::mem::take(&mut house.peer(one).inbox);
    let ended = json!({"type": "watching_plc", "id": 4, "context": null, "cycle_ms": 100});
    assert!(messages.contains(&ended), "{messages:?}");
    assert!(records(&house), "the other one looks");
    house.run_for(ms(500));
    assert_eq!(frames(&mut house, one).len(), 0);
    house.disconnect(two);
    house.run_for(ms(50));
    assert!(!records(&house));
}

#[test]
fn a_channel_watches_one_context_and_an_unknown_one_changes_nothing() {
    let mut house = house_of(vec![
        PlcSettings {
            program: Some(program("SOR XIC I:0/0 OTE O:0/1 EOR\n")),
            ..PlcSettings::named("line")
        },
        PlcSettings::named("spare"),
    ]);
    let (conn, _) = watch(&mut house, 1, true);
    assert!(records(&house));
    house.say(conn, json!({"type": "watch_plc", "id": 5, "context": "nobody"}));
    house.run_for(ms(5));
    let error = house.peer(conn).inbox.pop().expect("an answer");
    assert_eq!(
        error,
        json!({"type": "error", "id": 5, "code": "not_found", "message": "no context is called 'nobody'"})
    );
    frames(&mut house, conn);
    house.run_for(ms(1_100));
    assert_eq!(frames(&mut house, conn)[0]["context"], "line");
    house.say(
        conn,
        json!({"type": "watch_plc", "id": 6, "context": "spare", "cycle_ms": 99_999}),
    );
    house.run_for(ms(20));
    assert_eq!(house.peer(conn).inbox[0]["cycle_ms"], 10_000);
    let shown = frames(&mut house, conn);
    assert_eq!(
        (&shown[0]["context"], &shown[0]["program"]),
        (&json!("spare"), &Json::Null)
    );
    assert!(!records(&house), "nobody looks at the line any more");
}

#[test]
fn a_full_socket_gets_no_frames_and_then_the_newest() {
    let mut house = house_with("line");
    let (conn, _) = watch(&mut house, 50, false);
    after(&mut house, command(Command::Start));
    house.run_for(ms(100));
    house.peer(conn).reads = false;
    house.run_for(ms(5_000));
    frames(&mut house, conn);
    let bytes = house.peer(conn).bytes;
    house.read_again(conn);
    house.run_for(ms(60));
    let shown = frames(&mut house, conn);
    assert!(shown.len() <= 3, "{} frames have piled up", shown.len());
    assert!(house.peer(conn).bytes - bytes < 2_000);
    let count = shown.last().expect("it goes on")["scan"]["count"].as_u64();
    assert!(count.is_some_and(|count| count >= 500), "{count:?}");
}

#[test]
fn an_engine_that_does_not_answer_keeps_nobody_from_seeing_its_state() {
    let mut house = house_with("line");
    let (conn, _) = watch(&mut house, 100, true);
    house.engines.get_mut(&PlcId(0)).expect("it is there").holds = true;
    house.run_for(ms(4_000));
    let orders_before = house.engines[&PlcId(0)].engine.controller().statistics().scan_count;
    let shown = frames(&mut house, conn);
    assert!((3..=6).contains(&shown.len()), "{} frames", shown.len());
    house.engines.get_mut(&PlcId(0)).expect("it is there").holds = false;
    ask(&mut house, write("I:0/0", Value::Bool(true)));
    after(&mut house, command(Command::StepScan));
    house.run_for(ms(200));
    let last = frames(&mut house, conn).pop().expect("it goes on");
    assert_eq!(last["power"], "AwAAAAAAAAA=");
    assert_eq!(last["scan"]["count"], json!(orders_before + 1));
}

#[test]
fn the_watch_of_a_removed_context_ends_with_an_error() {
    let mut house = house_of(vec![PlcSettings::named("line"), PlcSettings::named("spare")]);
    let (conn, _) = watch(&mut house, 100, true);
    frames(&mut house, conn);
    ask(&mut house, PlcRequest::Remove { context: line() });
    house.run_for(ms(3_000));
    let messages: Vec<Json> = std::mem::take(&mut house.peer(conn).inbox)
        .into_iter()
        .filter(|message| message["type"] != "tick")
        .collect();
    let gone = json!({"type": "error", "id": 3, "code": "not_found", "message": "the context is gone"});
    assert_eq!(messages, [gone]);
}

#[test]
fn who_may_not_see_the_whole_memory_sees_no_power_flow_and_no_force_on_what_is_hidden() {
    let mut house = house_with("line");
    ask(&mut house, force("I:0/0", "", None));
    ask(&mut house, force("I:0/3", "", None));
    let access = Arc::new(Access {
        key: Some("k7".into()),
        ring: 1,
        who: "HMI".into(),
        role: Role::Viewer,
        view: Scope::new(Some(&[String::from("plc/line/I:0/3")])),
        write: Scope::All,
    });
    let conn = house.connect_with(Face::Live, Wire::default(), access);
    house.run_for(ms(1));
    house.peer(conn).inbox.clear();
    watch_from(&mut house, conn, 50, true);
    let shown = frames(&mut house, conn);
    assert_eq!(
        (&shown[0]["forced"], &shown[0]["power"]),
        (&json!(["I:0/3"]), &json!(""))
    );
    assert!(!records(&house));
}
