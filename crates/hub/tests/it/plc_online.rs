//! What is done to a program while it runs: bits turned over, several places written at one border, presets that the next start
//! loads, rungs measured.

use crate::house::House;
use crate::plc_requests::{
    LINE, after, ask, audited, command, house_of, house_with, line, ms, program, refusal, row, write, written,
};
use crate::plc_rights::key;
use crate::plc_signals::value;
use crosstie_hub::access::Role;
use crosstie_hub::api::plc::{PlcReply, PlcRequest, ProfileRow, RungRow, Written};
use crosstie_hub::api::{Refused, Reply, Request};
use crosstie_hub::plc::order::WRITES_MAX;
use crosstie_hub::settings::PlcSettings;
use crosstie_hub::signal::Value;
use crosstie_ladder::controller::Command;
use crosstie_ladder::data_table::CellValue;
use serde_json::json;

fn toggle(address: &str) -> PlcRequest {
    PlcRequest::Toggle {
        context: line(),
        address: address.to_owned(),
    }
}

fn named(writes: &[(&str, Value)]) -> PlcRequest {
    let writes = writes
        .iter()
        .map(|(address, value)| ((*address).to_owned(), value.clone()));
    PlcRequest::WriteNamed {
        context: line(),
        writes: writes.collect(),
    }
}

fn all(house: &mut House, request: PlcRequest) -> Vec<Written> {
    match ask(house, request) {
        Reply::Plc(PlcReply::WrittenAll(written)) => written,
        other => panic!("{other:?}"),
    }
}

fn one(house: &mut House, request: PlcRequest) -> Written {
    match ask(house, request) {
        Reply::Plc(PlcReply::Written(written)) => written,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_toggle_says_what_the_bit_has_become_and_is_written_down() {
    let mut house = house_with("line");
    after(&mut house, command(Command::Start));
    let on = one(&mut house, toggle("Start"));
    assert_eq!(
        (&*on.name, on.stored, on.toggled),
        ("plc/line/I:0/0", Value::Bool(true), Some(true))
    );
    let off = one(&mut house, toggle("I:0/0"));
    assert_eq!((off.stored, off.toggled), (Value::Bool(false), Some(false)));
    let force = PlcRequest::Force {
        context: line(),
        address: String::from("Start"),
        value: Value::Bool(false),
        reason: String::new(),
        expires_after: None,
    };
    written(&mut house, force);
    let under = one(&mut house, toggle("Start"));
    assert_eq!(
        (under.stored, under.forced, under.toggled),
        (Value::Bool(false), true, Some(true))
    );
    let told: Vec<_> = audited(&mut house)
        .into_iter()
        .filter(|(what, ..)| *what == "plc.toggle")
        .map(|(_, subject, old, new)| (subject, old, new))
        .collect();
    let entry = |old: bool, new: bool| (String::from("plc/line/I:0/0"), json!(old), json!(new));
    assert_eq!(told, [entry(false, true), entry(true, false), entry(false, true)]);

    let number = refusal(&mut house, toggle("Speed")).to_string();
    assert_eq!(
        number,
        "'N:7': expected a bit such as `B:3/1`, got `N:7`, which holds a number"
    );
    let whole = refusal(&mut house, toggle("T:4")).to_string();
    assert_eq!(
        whole,
        "'T:4': expected a member such as `T:4.ACC`, got `T:4` as a whole"
    );
    // What a coil writes in every scan is the coil's again.
    let lamp = one(&mut house, toggle("O:0/0"));
    assert_eq!((lamp.stored, lamp.toggled), (Value::Bool(false), Some(true)));
}

#[test]
fn several_places_are_written_together_or_none_and_are_one_entry() {
    let mut house = house_with("line");
    after(&mut house, command(Command::Start));
    let writes = [
        ("Speed", Value::Int(40)),
        ("B:1/2", Value::Int(1)),
        ("N:7", Value::Int(41)),
    ];
    let answers = all(&mut house, named(&writes));
    let seen: Vec<_> = answers
        .iter()
        .map(|one| (&*one.name, one.stored.clone(), one.coerced))
        .collect();
    let speed = ("plc/line/N:7", Value::Int(41), false);
    assert_eq!(
        seen,
        [speed.clone(), ("plc/line/B:1/2", Value::Bool(true), true), speed]
    );
    let by_address = PlcRequest::WriteAll {
        context: line(),
        writes: vec![("N:1".parse().unwrap(), CellValue::Word(5))],
    };
    assert_eq!(all(&mut house, by_address)[0].stored, Value::Int(5));

    let bad = [("N:7", Value::Int(1)), ("Nobody", Value::Int(1))];
    let misfit = [("N:7", Value::Int(1)), ("T:0.PRE", Value::Int(1 << 20))];
    for writes in [bad, misfit] {
        let refused = refusal(&mut house, named(&writes));
        assert!(matches!(refused, Refused::BadValue { .. }), "{refused:?}");
    }
    let many = vec![("N:7", Value::Int(1)); WRITES_MAX + 1];
    assert!(matches!(
        refusal(&mut house, named(&many)),
        Refused::Limit { limit: WRITES_MAX, .. }
    ));
    assert_eq!(one(&mut house, write("N:8", Value::Int(0))).stored, Value::Int(0));
    let entries: Vec<_> = audited(&mut house)
        .into_iter()
        .filter(|(what, ..)| *what == "plc.write")
        .collect();
    let first = (
        "plc.write",
        String::from("plc/line"),
        json!({"B:1/2": false, "N:7": 0}),
        json!({"B:1/2": true, "N:7": 41}),
    );
    assert_eq!(entries[0], first);
    assert_eq!(
        entries.len(),
        2,
        "neither what was refused nor what a machine wrote is there: {entries:?}"
    );
    assert_eq!(one(&mut house, write("N:9", Value::Int(0))).name, "plc/line/N:9");
}

#[test]
fn a_preset_that_the_next_start_loads_anew_says_so() {
    let text = format!("{LINE}SOR XIC I:0/2 TON T:4 100 EOR\nSOR XIC I:0/2 CTU C:1 7 EOR\n");
    let mut house = house_of(vec![PlcSettings {
        program: Some(program(&text)),
        ..PlcSettings::named("line")
    }]);
    after(&mut house, command(Command::Start));
    let until = |house: &mut House, place: &str| one(house, write(place, Value::Int(50))).until_start;
    assert!(until(&mut house, "T:4.PRE"));
    assert!(until(&mut house, "C:1.PRE"));
    assert!(
        !until(&mut house, "T:5.PRE"),
        "no instruction of the program has this timer"
    );
    assert!(!until(&mut house, "T:4.ACC"));
    let several = all(
        &mut house,
        named(&[("T:4.PRE", Value::Int(60)), ("N:7", Value::Int(1))]),
    );
    assert_eq!([several[0].until_start, several[1].until_start], [true, false]);
    after(&mut house, command(Command::Stop));
    after(&mut house, command(Command::Start));
    assert_eq!(value(&mut house, "plc/line/T:4.PRE"), Value::Int(100), "it was true");
}

#[test]
fn who_may_not_write_one_of_the_places_writes_none() {
    let mut house = house_with("line");
    let hmi = key(
        Role::Operator,
        Some(&["plc/line/I:0/3", "plc/line/N:7"]),
        Some(&["plc/*/I:0/3"]),
    );
    let mut as_hmi = |request| house.ask_as(hmi.clone(), Request::Plc(request));
    assert!(matches!(as_hmi(toggle("I:0/3")), Reply::Plc(PlcReply::Written(_))));
    let seen_only = as_hmi(named(&[("I:0/3", Value::Int(0)), ("N:7", Value::Int(3))]));
    let Reply::Refused(refused @ Refused::Forbidden { .. }) = seen_only else {
        panic!("{seen_only:?}")
    };
    assert!(refused.to_string().contains("write 'plc/line/N:7'"), "{refused}");
    let unseen = as_hmi(toggle("I:0/4"));
    assert!(
        matches!(unseen, Reply::Refused(Refused::NotFound { what: "signal", .. })),
        "{unseen:?}"
    );
    let viewer = key(Role::Viewer, None, None);
    for request in [toggle("I:0/3"), named(&[("I:0/3", Value::Int(0))])] {
        let refused = house.ask_as(viewer.clone(), Request::Plc(request));
        assert!(
            matches!(refused, Reply::Refused(Refused::Forbidden { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(value(&mut house, "plc/line/I:0/3"), Value::Bool(true));
}

fn profile(house: &mut House, request: PlcRequest) -> ProfileRow {
    match ask(house, request) {
        Reply::Plc(PlcReply::Profile(row)) => row,
        other => panic!("{other:?}"),
    }
}

fn how_long() -> PlcRequest {
    PlcRequest::Profile { context: line() }
}

fn measure(on: bool) -> PlcRequest {
    PlcRequest::SetProfile { context: line(), on }
}

#[test]
fn how_long_each_rung_takes_is_measured_while_somebody_wants_it() {
    let mut house = house_with("line");
    let plc = row(&mut house).plc;
    after(&mut house, command(Command::Start));
    // The empty rung takes 40 ns of looking at the clock, as every rung does.
    house.driven(plc).looks_ns = vec![0, 40, 0, 140, 340];
    house.run_for(ms(50));
    let off = profile(&mut house, how_long());
    assert_eq!((off.on, off.scans, off.rungs.len()), (false, 0, 0));
    assert!(!row(&mut house).is_profiling);

    let fresh = profile(&mut house, measure(true));
    assert_eq!((fresh.on, fresh.scans), (true, 0));
    house.run_for(ms(100));
    let told = profile(&mut house, how_long());
    assert!((9..=12).contains(&told.scans), "{told:?}");
    assert_eq!((told.overhead_ns, told.target_us), (40, 10_000));
    let rung = |instructions, ns, share| RungRow {
        instructions,
        last_ns: ns,
        avg_ns: ns,
        max_ns: ns,
        share,
    };
    assert_eq!(told.rungs, [rung(2, 100, 0.25), rung(2, 300, 0.75)]);
    assert!(row(&mut house).is_profiling);

    // A reset and a download begin anew, and so does switching it on.
    after(&mut house, command(Command::Reset));
    assert_eq!(profile(&mut house, how_long()).scans, 0);
    after(&mut house, command(Command::Start));
    house.run_for(ms(50));
    assert!(profile(&mut house, how_long()).scans > 0);
    assert_eq!(profile(&mut house, measure(true)).scans, 0);
    house.run_for(ms(50));
    let other = PlcRequest::Download {
        context: line(),
        program: program("SOR XIC I:0/0 XIC I:0/1 OTE O:0/0 EOR\n"),
    };
    after(&mut house, other);
    let told = profile(&mut house, how_long());
    assert_eq!((told.on, told.scans), (true, 0));
    assert_eq!(told.rungs, [rung(3, 0, 0.0)]);
    let off = profile(&mut house, measure(false));
    assert_eq!((off.on, off.rungs.len()), (false, 0));
    let told: Vec<_> = audited(&mut house)
        .into_iter()
        .filter(|(what, ..)| *what == "plc.profile")
        .map(|(_, subject, old, new)| (subject, old, new))
        .collect();
    let entry = |old: bool, new: bool| (String::from("plc/line"), json!(old), json!(new));
    assert_eq!(told, [entry(false, true), entry(true, true), entry(true, false)]);
}

#[test]
fn many_who_ask_how_long_rungs_take_are_one_order_and_hear_one_answer() {
    let mut house = house_with("line");
    let plc = row(&mut house).plc;
    house.driven(plc).holds = true;
    let waiting: Vec<_> = (0..64).map(|_| house.ask_later(Request::Plc(how_long()))).collect();
    let refused = house.ask(Request::Plc(how_long()));
    assert!(matches!(refused, Reply::Refused(Refused::Plc(_))), "{refused:?}");
    house.driven(plc).holds = false;
    after(&mut house, command(Command::Stop));
    for ticket in waiting {
        let reply = house.reply(ticket);
        assert!(matches!(reply, Some(Reply::Plc(PlcReply::Profile(_)))), "{reply:?}");
    }
    assert!(!profile(&mut house, how_long()).on);

    // An engine that does not answer, or is gone, is told to all of them.
    house.driven(plc).holds = true;
    let waiting = house.ask_later(Request::Plc(how_long()));
    house.run_for(ms(6_000));
    let reply = house.reply(waiting);
    assert!(
        matches!(&reply, Some(Reply::Refused(Refused::Plc(text))) if text.contains("not answered")),
        "{reply:?}"
    );
}

#[test]
fn an_engineer_measures_and_everybody_looks() {
    let mut house = house_with("line");
    let operator = key(Role::Operator, None, None);
    let refused = house.ask_as(operator.clone(), Request::Plc(measure(true)));
    let Reply::Refused(refused @ Refused::Forbidden { .. }) = refused else {
        panic!("{refused:?}")
    };
    assert!(refused.to_string().contains("measure how long rungs take"), "{refused}");
    for role in [Role::Viewer, Role::Operator] {
        let reply = house.ask_as(key(role, None, None), Request::Plc(how_long()));
        assert!(matches!(reply, Reply::Plc(PlcReply::Profile(_))), "{reply:?}");
    }
    let engineer = key(Role::Engineer, None, None);
    let reply = house.ask_as(engineer, Request::Plc(measure(true)));
    assert!(matches!(reply, Reply::Plc(PlcReply::Profile(_))), "{reply:?}");
}
