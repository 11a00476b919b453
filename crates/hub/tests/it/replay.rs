//! The same inputs at the same times give the same bytes, also after they were written down and with other engines.

use crate::house::{House, line};
use crate::plc_signals::{PLC, PROGRAM, context, ms};
use crate::schedules::{Plan, run};
use crosstie_hub::Hub;
use crosstie_hub::reexecution::Reexecution;
use crosstie_hub::settings::{RouteSetting, Settings};
use crosstie_hub::signal::Value;
use serde_json::{Value as Json, json};

#[test]
fn a_log_of_inputs_replays_to_the_same_bytes() {
    let mut inputs_in_all = 0;
    for seed in 0..20 {
        let plan = Plan::from_seed(seed);
        let settings = plan.settings();
        let mut house = House::with(settings.clone());
        house.keeps_log = true;
        run(&mut house, &plan);
        inputs_in_all += house.inputs.len();

        let mut hub = Hub::new(settings);
        let mut replayed = Vec::new();
        for (now, input) in house.inputs {
            let mut outputs = Vec::new();
            hub.handle(now, input, &mut outputs);
            replayed.extend(outputs.iter().map(|output| format!("{output:?}")));
        }
        assert!(replayed == house.outputs, "seed {seed}: the replay differs");
    }
    assert!(inputs_in_all > 2_000, "the stories are long enough: {inputs_in_all}");
}

/// Executes what a house has kept, through the text that a recording holds, and compares every output: as the same project and as
/// one that might have been changed, but was not.
pub(crate) fn executes_again(house: &House, settings: Settings, story: &str) {
    compare(house, Reexecution::new(settings.clone()), story);
    compare(
        house,
        Reexecution::of_changed(settings),
        &format!("{story}, perhaps changed"),
    );
}

fn compare(house: &House, mut again: Reexecution, story: &str) {
    let mut said = house.outputs.iter();
    for (number, (now, kept)) in house.log_kept.iter().enumerate() {
        let kept: Json = serde_json::from_str(&kept.to_string()).expect("it is JSON");
        if let Err(error) = again.execute(*now, &kept) {
            panic!("{story}, input {number} {kept}: {error}");
        }
        for output in again.outputs() {
            let output = format!("{output:?}");
            assert_eq!(Some(&output), said.next(), "{story}, input {number} {kept}");
        }
    }
    assert_eq!(said.next(), None, "{story}: everything was said");
}

#[test]
fn inputs_that_were_written_down_are_executed_again_to_the_same_bytes() {
    for seed in 100..120 {
        let plan = Plan::from_seed(seed);
        let settings = plan.settings();
        let mut house = House::logged(settings.clone());
        run(&mut house, &plan);
        executes_again(&house, settings, &format!("seed {seed}"));
    }
}

#[test]
fn scans_that_were_merged_are_executed_again_one_by_one() {
    let settings = || Settings {
        endpoints: vec![line()],
        plcs: vec![context(PROGRAM)],
        routes: vec![RouteSetting::plain("twin/line/Run", "plc/line/I:0/1")],
        ..Settings::default()
    };
    let mut house = House::logged(settings());
    let twin = house.join("twin");
    for round in 0..6 {
        house.driven(PLC).is_full = round % 2 == 0;
        for run in [true, false, true, false] {
            house.write(twin, json!({ "Run": run }));
            house.run_for(ms(15));
        }
    }
    house.run_for(ms(100));
    assert!(
        house.row("plc/line/C:0.ACC").value != Value::Int(0),
        "the program has counted"
    );
    let merged = |(_, kept): &(_, Json)| kept.to_string().contains(r#"["scan",10000,0,0,100,false]"#);
    assert!(house.log_kept.iter().any(merged), "scans were merged");
    executes_again(&house, settings(), "merged scans");
}

#[test]
fn what_was_kept_is_executed_with_a_changed_program_and_each_scan_hears_what_it_heard() {
    let settings = |program: &str| Settings {
        endpoints: vec![line()],
        plcs: vec![context(program)],
        routes: vec![RouteSetting::plain("twin/line/Run", "plc/line/I:0/1")],
        ..Settings::default()
    };
    let counts = "SOR XIC I:0/1 CTU C:0 100 EOR\n";
    let mut house = House::logged(settings(counts));
    let twin = house.join("twin");
    for run in [true, false, true, false, true] {
        house.write(twin, json!({ "Run": run }));
        house.run_for(ms(25));
    }
    let log = house.log_kept;
    let execute = |program: &str| {
        let mut again = Reexecution::of_changed(settings(program));
        for (now, kept) in &log {
            again.execute(*now, kept).expect("it means something to this project");
        }
        // A place that the program does not use has no signal.
        let value = |name: &str| {
            let id = again.hub().find(name);
            id.map_or(Value::Int(0), |id| again.hub().change(id).value.clone())
        };
        (
            value("plc/line/I:0/1"),
            value("plc/line/C:0.ACC"),
            value("plc/line/N:5"),
        )
    };
    let on = Value::Bool(true);
    assert_eq!(execute(counts), (on.clone(), Value::Int(3), Value::Int(0)));
    // Each scan tells more than then, and is counted as it was then.
    let talks = format!("{counts}SOR ADD N:5 1 N:5 ADD N:6 2 N:6 ADD N:7 3 N:7 EOR\n");
    let (input, count, sum) = execute(&talks);
    assert_eq!((input, count), (on.clone(), Value::Int(3)));
    assert!(matches!(sum, Value::Int(11..)), "the newest scan is heard: {sum:?}");
    // And here it tells less: nothing is missed.
    assert_eq!(
        execute("SOR XIC I:0/7 OTE O:0/0 EOR\n"),
        (on, Value::Int(0), Value::Int(0))
    );
}

#[test]
fn an_entry_of_a_newer_version_or_of_no_shape_says_what_it_is() {
    let mut again = Reexecution::new(Settings::default());
    let mut refused = |text: &str| {
        let kept = serde_json::from_str(text).expect("the test writes JSON");
        let error = again.execute(crosstie_hub::Time::ZERO, &kept);
        error.expect_err("it is no input of this version").to_string()
    };
    assert_eq!(
        refused(r#"{"thought":{"conn":1}}"#),
        "'thought' is no input that this version knows"
    );
    assert_eq!(
        refused(r#"{"closed":{"conn":1}}"#),
        "an input of the kind 'closed': reason: invalid type: null, expected a string"
    );
    assert!(refused("[]").contains("expected an object with one field"));
    assert!(refused(r#"{"unkept":{"conn":1}}"#).contains("was not kept"));
    assert!(refused(r#"{"unsent":{"conn":1,"frames":[7]}}"#).contains("not sent now"));
    let told = r#"{"plc":{"plc":3,"given":[],"told":[{"own":4}]}}"#;
    assert_eq!(refused(told), "PLC context 3: its engine told 4 entries more then");
}
