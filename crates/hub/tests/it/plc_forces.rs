//! Forces that nobody forgets, and the other problems of PLC contexts.

use crate::house::House;
use crate::plc_requests::{
    after, ask, audited, command, force, house_of, house_with, line, ms, problems, program, refusal, row, write,
    written,
};
use crosstie_hub::Input;
use crosstie_hub::api::plc::{ForceRow, PlcRequest};
use crosstie_hub::api::{Problem, Refused, Reply, Request};
use crosstie_hub::plc::{Border, Entry, PlcId};
use crosstie_hub::settings::PlcSettings;
use crosstie_hub::signal::Value;
use crosstie_ladder::controller::{Command, ControllerState, ScanStatistics};
use serde_json::{Value as Json, json};
use std::time::Duration;

fn release(address: Option<&str>) -> PlcRequest {
    PlcRequest::Release {
        context: line(),
        address: address.map(str::to_owned),
    }
}

fn forced(house: &mut House) -> Vec<String> {
    let forces = row(house).forces.into_iter();
    forces.map(|force| force.address).collect()
}

fn problem(house: &mut House, id: &str) -> Option<Problem> {
    match house.ask(Request::Health) {
        Reply::Health(health) => health.problems.into_iter().find(|problem| problem.id == id),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_force_is_listed_with_who_why_and_since_when_and_holds_until_its_release() {
    let mut house = house_with("line");
    house.run_for(ms(500));
    let since = house.now;
    let stored = written(&mut house, force("Start", "sensor broken", None));
    assert_eq!(stored, (String::from("plc/line/I:0/0"), Value::Bool(true), false, true));
    let ForceRow {
        address,
        symbol,
        value,
        by,
        reason,
        since: at,
        expires_at,
    } = row(&mut house).forces.remove(0);
    assert_eq!(
        (&*address, symbol.as_deref(), value, &*by, &*reason, at, expires_at),
        (
            "I:0/0",
            Some("Start"),
            Value::Bool(true),
            "this machine",
            "sensor broken",
            since,
            None
        )
    );
    let below = written(&mut house, write("Start", Value::Bool(false)));
    assert_eq!((below.1, below.3), (Value::Bool(true), true), "a write goes underneath");
    after(&mut house, release(Some("Start")));
    assert_eq!(forced(&mut house), [""; 0]);
    assert_eq!(
        audited(&mut house),
        [
            (
                "plc.force",
                String::from("plc/line/I:0/0"),
                json!(false),
                json!({"value": true, "reason": "sensor broken", "expires_after_s": null})
            ),
            ("plc.write", String::from("plc/line/I:0/0"), json!(true), json!(false)),
            (
                "plc.release",
                String::from("plc/line/I:0/0"),
                json!({"value": true, "by": "this machine", "reason": "sensor broken"}),
                json!(false)
            ),
        ]
    );
}

#[test]
fn a_force_takes_over_what_is_forced_within_its_place_and_all_end_at_once() {
    let mut house = house_with("line");
    ask(&mut house, force("N:0/3", "", None));
    ask(&mut house, force("B:1/0", "", None));
    let word = PlcRequest::Force {
        context: line(),
        address: String::from("N:0"),
        value: Value::Int(16),
        reason: String::new(),
        expires_after: None,
    };
    ask(&mut house, word);
    assert_eq!(forced(&mut house), ["B:1/0", "N:0"], "the bit is a part of the word");
    ask(&mut house, force("N:0/0", "", None));
    let row = row(&mut house);
    assert_eq!(row.forces[1].value, Value::Int(17), "what readers see of the word");
    audited(&mut house);
    after(&mut house, release(None));
    assert_eq!(forced(&mut house), [""; 0]);
    let (what, subject, old, new) = audited(&mut house).remove(0);
    assert_eq!((what, &*subject, new), ("plc.release", "plc/line", Json::Null));
    let names: Vec<&String> = old.as_object().expect("all forces by address").keys().collect();
    assert_eq!(names, ["B:1/0", "N:0", "N:0/0"]);
}

#[test]
fn a_force_ends_when_its_time_is_over_and_the_hub_says_so() {
    let mut house = house_with("line");
    ask(&mut house, force("I:0/0", "test", Some(Duration::from_secs(600))));
    ask(&mut house, force("I:0/1", "", None));
    let expected = Some(house.now + Duration::from_secs(600));
    assert_eq!(row(&mut house).forces[0].expires_at, expected);
    audited(&mut house);
    house.run_for(ms(599_999));
    assert_eq!(forced(&mut house), ["I:0/0", "I:0/1"]);
    house.run_for(ms(1));
    assert_eq!(forced(&mut house), ["I:0/1"]);
    let entry = house.audited.remove(0);
    assert_eq!((&*entry.by.access.who, entry.what), ("the hub", "plc.release"));
    let line = "plc/line/I:0/0: the force of this machine has expired";
    assert!(house.log.iter().any(|text| text == line), "{:?}", house.log);
}

#[test]
fn a_force_that_replaces_one_has_its_own_time() {
    let mut house = house_with("line");
    ask(&mut house, force("I:0/0", "", Some(Duration::from_secs(10))));
    house.run_for(ms(5_000));
    ask(&mut house, force("I:0/0", "longer", Some(Duration::from_secs(10))));
    house.run_for(ms(9_999));
    assert_eq!(forced(&mut house), ["I:0/0"]);
    house.run_for(ms(1));
    assert_eq!(forced(&mut house), [""; 0]);

    // The new one is on its way to a busy engine when the time of the old one is over.
    ask(&mut house, force("I:0/0", "", Some(Duration::from_secs(10))));
    house.engines.get_mut(&PlcId(0)).expect("it is there").holds = true;
    house.run_for(ms(9_000));
    house.ask_later(Request::Plc(force("I:0/0", "for good", None)));
    house.run_for(ms(3_000));
    house.engines.get_mut(&PlcId(0)).expect("it is there").holds = false;
    ask(&mut house, write("N:0", Value::Int(1)));
    house.run_for(ms(5_000));
    assert_eq!(forced(&mut house), ["I:0/0"]);
    assert_eq!(&*row(&mut house).forces[0].reason, "for good");
}

#[test]
fn a_reset_and_a_download_that_stops_end_all_forces() {
    let mut house = house_with("line");
    ask(&mut house, force("I:0/0", "", None));
    after(&mut house, command(Command::Reset));
    assert_eq!(forced(&mut house), [""; 0]);
    ask(&mut house, force("I:0/0", "", None));
    after(&mut house, command(Command::Start));
    let download = PlcRequest::Download {
        context: line(),
        program: program("SOR XIC I:0/0 OTE O:0/1 EOR\n"),
    };
    after(&mut house, download);
    assert_eq!(forced(&mut house), [""; 0]);
    assert_eq!(problems(&mut house), [""; 0]);
}

#[test]
fn forces_are_a_problem_until_the_last_is_released_also_when_somebody_has_seen_it() {
    let mut house = house_with("line");
    ask(&mut house, force("I:0/0", "", None));
    let id = "plc:line:forces";
    let first = problem(&mut house, id).expect("there is a force");
    assert_eq!((&*first.text, first.is_error), ("1 place is forced", false));
    ask(&mut house, force("I:0/1", "", None));
    assert_eq!(
        problem(&mut house, id).expect("there are two").text,
        "2 places are forced"
    );
    let problem_id = Some(String::from(id));
    house.ask(Request::Acknowledge { problem: problem_id });
    house.run_for(Duration::from_secs(3_600));
    problem(&mut house, id);
    let again = problem(&mut house, id).expect("it is seen again after an hour");
    assert!(!again.is_acknowledged);
    ask(&mut house, release(Some("I:0/0")));
    assert_eq!(problem(&mut house, id).expect("there is one").text, "1 place is forced");
    ask(&mut house, release(Some("I:0/1")));
    assert_eq!(problem(&mut house, id), None);
}

#[test]
fn forces_and_their_reasons_are_limited() {
    let mut house = house_with("line");
    let refused = refusal(&mut house, force("I:0/0", &"x".repeat(1_025), None));
    assert!(matches!(refused, Refused::BadValue { name, .. } if name == "reason"));
    let places = (0..32).flat_map(|word| (0..32).map(move |bit| format!("B:{word}/{bit}")));
    for place in places.take(1_000) {
        written(&mut house, force(&place, "", None));
    }
    assert_eq!(
        refusal(&mut house, force("I:0/0", "", None)).to_string(),
        "forces of a context: the limit is 1000"
    );
    written(&mut house, force("B:0/0", "again", None));
}

#[test]
fn a_fault_is_a_problem_until_the_engine_leaves_it() {
    let mut house = house_with("line");
    ask(&mut house, write("I:0/1", Value::Bool(true)));
    after(&mut house, command(Command::Start));
    house.run_for(ms(30));
    let row = row(&mut house);
    assert_eq!(row.state, ControllerState::Fault);
    let text = "Division by zero at rung 1, column 1 (DIV)";
    assert_eq!(row.fault.as_deref(), Some(text));
    let found = problem(&mut house, "plc:line:fault").expect("it is in fault");
    assert_eq!((&*found.text, found.is_error, &*found.subject), (text, true, "line"));
    assert!(matches!(
        refusal(&mut house, command(Command::Start)),
        Refused::Plc(text) if text == "the engine is in fault; stop or reset it first"
    ));
    after(&mut house, command(Command::Stop));
    assert_eq!(problem(&mut house, "plc:line:fault"), None);
}

#[test]
fn a_step_that_fails_is_answered_with_its_fault() {
    let mut house = house_with("line");
    ask(&mut house, write("I:0/1", Value::Bool(true)));
    let row = after(&mut house, command(Command::StepScan));
    assert_eq!(row.state, ControllerState::Fault);
    assert!(row.fault.is_some_and(|fault| fault.starts_with("Division by zero")));
}

#[test]
fn a_context_that_cannot_start_with_the_hub_is_a_problem_until_it_runs() {
    let mut house = house_of(vec![PlcSettings {
        autostart: true,
        ..PlcSettings::named("line")
    }]);
    let found = problem(&mut house, "plc:line:start").expect("it has no program");
    assert_eq!(found.text, "not started: no program is loaded; download one first");
    let download = PlcRequest::Download {
        context: line(),
        program: program("SOR XIC I:0/0 OTE O:0/1 EOR\n"),
    };
    after(&mut house, download);
    assert!(problem(&mut house, "plc:line:start").is_some());
    after(&mut house, command(Command::Start));
    assert_eq!(problem(&mut house, "plc:line:start"), None);
}

/// An engine has scanned so often, with so many overruns among it, and merged so many scans meanwhile.
fn scanned(house: &mut House, scans: u64, overruns: u64, merged: u32) {
    let mut statistics = ScanStatistics::default();
    statistics.scan_count = scans;
    statistics.overrun_count = overruns;
    let border = Border {
        scan: scans,
        dt_us: 10_000,
        scans: merged + 1,
        state: ControllerState::Running,
        next_rung: None,
        is_safe: false,
    };
    house.give(Input::Plc {
        plc: PlcId(0),
        entries: vec![Entry::Border(border), Entry::Statistics(statistics)],
    });
}

#[test]
fn overruns_above_one_per_cent_are_a_problem_until_a_thousand_scans_have_few() {
    let mut house = house_with("line");
    scanned(&mut house, 500, 10, 0);
    assert_eq!(problems(&mut house), [""; 0]);
    scanned(&mut house, 600, 11, 0);
    let found = problem(&mut house, "plc:line:overrun").expect("11 of 600");
    assert_eq!(found.text, "PLC line: 11 of 600 scans took longer than 10000 µs");
    assert!(!found.is_error);
    scanned(&mut house, 1_000, 40, 0);
    scanned(&mut house, 1_999, 50, 0);
    let found = problem(&mut house, "plc:line:overrun").expect("the next thousand is not full");
    assert_eq!(found.count, 1);
    scanned(&mut house, 2_000, 50, 0);
    assert_eq!(problems(&mut house), [""; 0]);
    // A reset begins at 0.
    scanned(&mut house, 3, 0, 0);
    scanned(&mut house, 20, 12, 0);
    assert_eq!(problems(&mut house), ["plc:line:overrun"]);
}

#[test]
fn merged_scans_say_that_the_hub_was_slow() {
    let mut house = house_with("line");
    scanned(&mut house, 10, 0, 7);
    let found = problem(&mut house, "plc:line:merged").expect("seven were merged");
    assert_eq!(
        found.text,
        "PLC line: the hub was slow: the changes of 7 scans were merged into others"
    );
    assert_eq!(row(&mut house).merged_scans, 7);
    scanned(&mut house, 1_000, 0, 0);
    scanned(&mut house, 2_000, 0, 0);
    assert_eq!(problems(&mut house), [""; 0]);
}

#[test]
fn a_context_that_is_removed_takes_its_problems_along() {
    let mut house = house_of(vec![
        PlcSettings {
            autostart: true,
            ..PlcSettings::named("line")
        },
        PlcSettings::named("line:2"),
    ]);
    let force = PlcRequest::Force {
        context: String::from("line:2"),
        address: String::from("I:0/0"),
        value: Value::Bool(true),
        reason: String::new(),
        expires_after: Some(Duration::from_secs(1)),
    };
    ask(&mut house, force);
    ask(
        &mut house,
        crate::plc_requests::force("I:0/0", "", Some(Duration::from_secs(1))),
    );
    assert_eq!(
        problems(&mut house),
        ["plc:line:start", "plc:line:2:forces", "plc:line:forces"]
    );
    let reply = ask(&mut house, PlcRequest::Remove { context: line() });
    assert!(matches!(reply, Reply::Done), "{reply:?}");
    assert_eq!(problems(&mut house), ["plc:line:2:forces"]);
    house.run_for(ms(1_000));
    assert_eq!(
        problems(&mut house),
        [""; 0],
        "the alarm of the removed one harms nobody"
    );
}
