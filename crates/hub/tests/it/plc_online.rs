//! Values changed while a program runs: bits turned over, several places at one border, presets that the next start loads.

use crate::house::House;
use crate::plc_requests::{
    LINE, after, ask, audited, command, house_of, house_with, line, program, refusal, write, written,
};
use crate::plc_rights::key;
use crate::plc_signals::value;
use crosstie_hub::access::Role;
use crosstie_hub::api::plc::{PlcReply, PlcRequest, Written};
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
    assert_eq!(entries.len(), 3, "what was refused is not among them: {entries:?}");
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
