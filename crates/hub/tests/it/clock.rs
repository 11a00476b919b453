//! The hub's own time beside the driver's: scaled, stepped, led by a replay, and what follows it.

use crate::house::{House, Wire, line};
use crate::plc_requests::{ask, audited, force, house_with, row};
use crosstie_hub::access::{Access, Role, Scope};
use crosstie_hub::api::{Refused, Reply, Request, SignalQuery};
use crosstie_hub::clock::{ClockMode, ClockRow, STEP_MAX};
use crosstie_hub::output::Output;
use crosstie_hub::settings::Settings;
use crosstie_hub::signal::Value;
use crosstie_hub::{Face, Hub, Input, Time};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn clock(house: &mut House) -> ClockRow {
    match house.ask(Request::Clock) {
        Reply::Clock(row) => row,
        other => panic!("{other:?}"),
    }
}

fn set(house: &mut House, mode: ClockMode) -> ClockRow {
    match house.ask(Request::SetClock(mode)) {
        Reply::Clock(row) => row,
        other => panic!("{other:?}"),
    }
}

fn step(house: &mut House, step: Duration) -> ClockRow {
    match house.ask(Request::StepClock(step)) {
        Reply::Clock(row) => row,
        other => panic!("{other:?}"),
    }
}

fn refusal(house: &mut House, request: Request) -> String {
    match house.ask(request) {
        Reply::Refused(refused) => refused.to_string(),
        other => panic!("{other:?}"),
    }
}

/// What the signals say: the rate, and whether the clock goes.
fn said(house: &mut House) -> (Value, Value) {
    (house.row("sys/clock/rate").value, house.row("sys/clock/running").value)
}

fn now(house: &mut House) -> u64 {
    clock(house).now.as_millis()
}

#[test]
fn both_times_are_the_same_until_somebody_touches_the_clock() {
    let mut house = House::new(line());
    house.run_for(ms(1_234));
    let row = clock(&mut house);
    assert_eq!((row.now, row.real), (house.now, house.now));
    assert_eq!((row.clock.mode(), row.clock.rate()), (ClockMode::Real, 1.0));
    assert_eq!(said(&mut house), (Value::Float(1.0), Value::Bool(true)));
}

#[test]
fn a_scaled_clock_goes_on_from_where_it_was_and_signals_show_it() {
    let mut house = House::new(line());
    let writer = house.join("writer");
    house.run_for(ms(1_000));
    let touched = house.now.as_millis();
    set(&mut house, ClockMode::Scaled(10.0));
    assert_eq!(said(&mut house), (Value::Float(10.0), Value::Bool(true)));
    house.run_for(ms(500));
    assert_eq!(now(&mut house), touched + 5_000);
    house.write(writer, json!({"Speed": 2.5}));
    house.run_for(ms(20));
    let changed = house.row("twin/line/Speed").changed_at.as_millis();
    let written = touched + 5_000;
    assert!((written..=written + 200).contains(&changed), "{changed}");
    set(&mut house, ClockMode::Real);
    let before = now(&mut house);
    house.run_for(ms(500));
    assert_eq!(now(&mut house), before + 500, "it does not jump back");
    assert!(clock(&mut house).now > clock(&mut house).real);
}

#[test]
fn a_stepped_clock_stands_goes_on_by_steps_and_stands_again() {
    let mut house = House::new(line());
    house.run_for(ms(300));
    let row = set(&mut house, ClockMode::Stepped);
    let stands = row.now;
    house.run_for(ms(5_000));
    assert_eq!(
        (clock(&mut house).now, said(&mut house).1),
        (stands, Value::Bool(false))
    );

    let row = step(&mut house, ms(100));
    assert_eq!(row.clock.until(), Some(stands + ms(100)));
    assert_eq!(said(&mut house), (Value::Float(1.0), Value::Bool(true)));
    house.run_for(ms(60));
    assert_eq!(clock(&mut house).now, stands + ms(60));
    // What is left of it is not lost.
    step(&mut house, ms(50));
    house.run_for(ms(1_000));
    let row = clock(&mut house);
    assert_eq!(
        (row.now, row.clock.until(), row.clock.rate()),
        (stands + ms(150), None, 0.0)
    );
    assert_eq!(said(&mut house), (Value::Float(0.0), Value::Bool(false)));
    assert_eq!(
        house.row("sys/clock/running").changed_at,
        stands + ms(150),
        "it stops at the end of the step, not later"
    );
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let mut house = House::new(line());
    let text = refusal(&mut house, Request::StepClock(ms(100)));
    assert!(text.contains("set its mode to stepped first"), "{text}");
    for rate in [0.0, 0.09, 100.1, -1.0, f64::NAN, f64::INFINITY] {
        let text = refusal(&mut house, Request::SetClock(ClockMode::Scaled(rate)));
        assert!(text.contains("expected a rate from 0.1 to 100"), "{text}");
    }
    set(&mut house, ClockMode::Stepped);
    for wrong in [Duration::ZERO, STEP_MAX + ms(1), Duration::MAX] {
        let text = refusal(&mut house, Request::StepClock(wrong));
        assert!(text.contains("expected a step of 1 to 3600000 ms"), "{text}");
    }
    step(&mut house, STEP_MAX);
    let text = refusal(&mut house, Request::StepClock(ms(1)));
    assert!(text.contains("what is left of the one before"), "{text}");
    let operator = Arc::new(Access {
        who: "Ada".into(),
        role: Role::Operator,
        view: Scope::new(None),
        write: Scope::new(None),
        key: None,
        ring: 0,
    });
    let reply = house.ask_as(operator, Request::SetClock(ClockMode::Real));
    assert!(matches!(reply, Reply::Refused(Refused::Forbidden { .. })), "{reply:?}");
    let reply = house.ask(Request::Write {
        name: "sys/clock/rate".into(),
        value: Value::Float(2.0),
    });
    assert!(matches!(reply, Reply::Refused(Refused::Conflict(_))), "{reply:?}");
}

#[test]
fn a_clock_that_a_recording_leads_goes_as_fast_as_the_replay_and_stands_without_one() {
    let mut house = House::new(line());
    house.run_for(ms(100));
    set(&mut house, ClockMode::Recording);
    let stands = now(&mut house);
    house.run_for(ms(1_000));
    assert_eq!(now(&mut house), stands);
    house.give(Input::ReplayRate(5.0));
    house.run_for(ms(200));
    assert_eq!(now(&mut house), stands + 1_000);
    house.give(Input::ReplayRate(0.0));
    house.run_for(ms(200));
    assert_eq!(now(&mut house), stands + 1_000);
    for (told, rate) in [(1e-300, 0.1), (1e300, 100.0), (f64::NAN, 0.0), (-3.0, 0.0)] {
        house.give(Input::ReplayRate(told));
        house.run_for(ms(1));
        assert_eq!(clock(&mut house).clock.rate(), rate, "{told}");
    }
    // One that plays while the clock goes another way leads it when it is asked to.
    set(&mut house, ClockMode::Real);
    house.give(Input::ReplayRate(2.0));
    assert_eq!(clock(&mut house).clock.rate(), 1.0);
    assert_eq!(set(&mut house, ClockMode::Recording).clock.rate(), 2.0);
}

#[test]
fn every_live_channel_hears_of_the_clock_at_its_opening_and_at_every_change() {
    let mut house = House::new(line());
    house.run_for(ms(50));
    let live = house.connect_as(Face::Live, Wire::default());
    house.run_for(ms(5));
    assert_eq!(house.types(live), ["hello", "clock"]);
    set(&mut house, ClockMode::Scaled(0.5));
    set(&mut house, ClockMode::Scaled(0.5));
    set(&mut house, ClockMode::Stepped);
    step(&mut house, ms(40));
    house.run_for(ms(300));
    let told: Vec<Json> = std::mem::take(&mut house.peer(live).inbox);
    let of = |frame: &Json| (frame["mode"].clone(), frame["rate"].clone(), frame["running"].clone());
    let frames: Vec<&Json> = told.iter().filter(|frame| frame["type"] == "clock").collect();
    let expected = [
        (json!("real"), json!(1), json!(true)),
        (json!("scaled"), json!(0.5), json!(true)),
        (json!("stepped"), json!(0), json!(false)),
        (json!("stepped"), json!(1), json!(true)),
        (json!("stepped"), json!(0), json!(false)),
    ];
    assert_eq!(frames.iter().copied().map(of).collect::<Vec<_>>(), expected);
    let (went, stood) = (frames[3], frames[4]);
    assert_eq!(went["until_ms"], stood["now_ms"]);
    assert_eq!(
        went["until_ms"].as_u64().unwrap() - went["now_ms"].as_u64().unwrap(),
        40
    );
    assert_eq!(stood["until_ms"], Json::Null);
}

#[test]
fn ages_of_signs_of_life_stay_what_they_are_in_the_world() {
    let mut house = House::new(line());
    let writer = house.join("writer");
    house.write(writer, json!({"Speed": 2.5}));
    house.run_for(ms(500));
    set(&mut house, ClockMode::Scaled(100.0));
    let live = house.connect_as(Face::Live, Wire::default());
    house.say(
        live,
        json!({"type": "subscribe", "id": 1, "patterns": ["twin/**"], "cycle_ms": 100}),
    );
    house.run_for(ms(5_000));
    let ticks: Vec<Json> = std::mem::take(&mut house.peer(live).inbox);
    let last = ticks.into_iter().rfind(|message| message["type"] == "tick").unwrap();
    let (now, seen) = (
        last["now_ms"].as_u64().unwrap(),
        last["writers"][writer.0.to_string()].as_u64().unwrap(),
    );
    assert!(now > 400_000, "the hub's time: {last}");
    assert!(now - seen <= 2_100, "it is pinged every 2 s of the world: {last}");
    let row = house.row("twin/line/Speed");
    assert!(row.confirmed_at > row.changed_at);
}

#[test]
fn a_force_ends_when_its_time_is_over_on_the_hubs_clock() {
    let mut house = house_with("line");
    house.run_for(ms(500));
    ask(&mut house, force("Start", "test", Some(Duration::from_secs(60))));
    set(&mut house, ClockMode::Stepped);
    house.run_for(Duration::from_secs(300));
    let forces = row(&mut house).forces;
    assert_eq!(forces.len(), 1, "it waits while the clock stands");
    let (since, expires_at) = (forces[0].since, forces[0].expires_at.unwrap());
    assert_eq!(expires_at, since + Duration::from_secs(60));
    set(&mut house, ClockMode::Scaled(100.0));
    let rest = expires_at.since(clock(&mut house).now);
    house.run_for(rest.div_f64(100.0) - ms(2));
    assert_eq!(row(&mut house).forces.len(), 1);
    house.run_for(ms(10));
    assert_eq!(row(&mut house).forces.len(), 0);
}

#[test]
fn who_moves_the_clock_is_written_down() {
    let mut house = House::new(line());
    set(&mut house, ClockMode::Scaled(10.0));
    set(&mut house, ClockMode::Scaled(10.0));
    set(&mut house, ClockMode::Stepped);
    step(&mut house, ms(100));
    let clocks: Vec<(&str, Json, Json)> = (audited(&mut house).into_iter())
        .filter(|(what, ..)| what.starts_with("clock."))
        .map(|(what, _, old, new)| (what, old, new))
        .collect();
    let expected = [
        ("clock.set", json!("real"), json!("scaled 10")),
        ("clock.set", json!("scaled 10"), json!("stepped")),
        ("clock.step", Json::Null, json!(100)),
    ];
    assert_eq!(clocks, expected);
}

#[test]
fn the_clock_of_the_project_goes_from_the_first_moment_and_engines_are_told_first() {
    let settings = Settings {
        endpoints: vec![line()],
        clock: ClockMode::Scaled(10.0),
        ..Settings::default()
    };
    let mut hub = Hub::new(settings.clone());
    let mut outputs = Vec::new();
    hub.handle(Time::from_millis(100), Input::Tick, &mut outputs);
    assert!(
        matches!(outputs[0], Output::Clock(clock) if clock.rate() == 10.0),
        "{outputs:?}"
    );
    assert_eq!(hub.time(), Time::from_millis(1_000));
    let mut house = House::with(settings);
    assert_eq!(said(&mut house).0, Value::Float(10.0));
}

#[test]
fn who_does_not_follow_is_told() {
    let mut house = House::new(line());
    house.join("Twin");
    let twin = format!("client/{}/Twin", line().name);
    assert_eq!(clock(&mut house).outside, [twin]);
}

/// Whatever is done with the clock at whatever times: it never goes back, and stands exactly at the end of a step.
#[test]
fn time_never_goes_back() {
    let mut house = House::new(line());
    let mut chance = 1_u64;
    let (mut last, mut changed) = (Time::ZERO, Time::ZERO);
    for turn in 0..2_000_u64 {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (kind, span) = (chance >> 60, chance >> 33 & 63);
        match kind {
            0 => drop(house.ask(Request::SetClock(ClockMode::Real))),
            1..=3 => drop(house.ask(Request::SetClock(ClockMode::Scaled(0.1 + span as f64)))),
            4 => drop(house.ask(Request::SetClock(ClockMode::Stepped))),
            5..=8 => drop(house.ask(Request::StepClock(ms(span)))),
            9 => drop(house.ask(Request::SetClock(ClockMode::Recording))),
            10 => house.give(Input::ReplayRate(span as f64 / 7.0)),
            _ => house.run_for(Duration::from_micros(span * 997)),
        }
        house.operate("Lamp", Value::Bool(turn % 2 == 0));
        let row = clock(&mut house);
        let until = row.clock.until();
        assert!(row.now >= last && until.is_none_or(|until| row.now < until), "{row:?}");
        let at = house.row("twin/line/Lamp").changed_at;
        assert!(at >= changed && at <= row.now);
        (last, changed) = (row.now, at);
    }
    let page = house.ask(Request::Signals(SignalQuery::default()));
    assert!(matches!(page, Reply::Signals(page) if page.now == last));
}
