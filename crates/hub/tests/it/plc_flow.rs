//! Values on their way through a PLC: from a twin into the memory, from the outputs to an actuator, and what becomes of them
//! when one side falls silent.

use crate::house::{House, line, signal};
use crate::plc_signals::{PLC, PROGRAM, command, context, ms, plant, plc, routes, value, write};
use crosstie_hub::ConnId;
use crosstie_hub::api::plc::{PlcReply, PlcRequest};
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::settings::{EndpointSettings, OnStale, Owner, PlcSettings, RouteSetting, Settings};
use crosstie_hub::signal::{Kind, Quality, Value};
use crosstie_ladder::controller::{Command, ControllerState};
use serde_json::json;

const THROUGH: [(&str, &str); 2] = [
    ("twin/line/Run", "plc/line/Start"),
    ("plc/line/Motor", "twin/line/Lamp"),
];

fn through() -> (House, ConnId) {
    let mut house = plant(line(), context(PROGRAM), &THROUGH);
    let twin = house.join("twin");
    (house, twin)
}

/// What a reader saw of `Lamp`, in order.
fn lamp(house: &mut House, reader: ConnId) -> Vec<bool> {
    let told = house.take(reader, "data");
    told.iter().filter_map(|signals| signals["Lamp"].as_bool()).collect()
}

fn state(house: &House) -> ControllerState {
    house.engines[&PLC].engine.state()
}

#[test]
fn a_sensor_goes_through_the_plc_to_an_actuator() {
    let (mut house, twin) = through();
    house.write(twin, json!({"Run": true}));
    house.run_for(ms(30));
    let start = house.row("plc/line/Start");
    assert_eq!(
        (start.value, start.writer.as_deref()),
        (Value::Bool(true), Some("route 1"))
    );
    assert_eq!(start.quality, Quality::Good);
    let lamp_row = house.row("twin/line/Lamp");
    assert_eq!(
        (lamp_row.value, lamp_row.writer.as_deref()),
        (Value::Bool(true), Some("route 2"))
    );
    assert_eq!(
        lamp_row.generation,
        house.row("plc/line/Motor").generation,
        "in the same turn"
    );
    assert_eq!(lamp(&mut house, twin), [true]);
    let rows = routes(&mut house);
    assert_eq!(
        (rows[0].count, rows[0].last_value.clone()),
        (1, Some(Value::Bool(true)))
    );
}

#[test]
fn a_pulse_of_one_scan_reaches_a_peer_as_on_and_off() {
    let endpoint = EndpointSettings {
        update_cycle: ms(50),
        ..line()
    };
    let mut house = plant(endpoint, context(PROGRAM), &[("plc/line/O:0/1", "twin/line/Lamp")]);
    let reader = house.join("reader");
    write(&mut house, "plc/line/I:0/3", Value::Bool(true));
    house.run_for(ms(200));
    assert_eq!(lamp(&mut house, reader), [true, false]);
}

#[test]
fn a_pulse_of_a_twin_shorter_than_a_scan_is_one_scan_long() {
    let mut house = plant(line(), context(PROGRAM), &[("twin/line/Run", "plc/line/I:0/1")]);
    let twin = house.join("twin");
    for pulses in 1..=20 {
        house.write(twin, json!({"Run": true}));
        house.run_for(ms(1));
        house.write(twin, json!({"Run": false}));
        house.run_for(ms(30));
        assert_eq!(value(&mut house, "plc/line/C:0.ACC"), Value::Int(pulses));
        assert_eq!(value(&mut house, "plc/line/I:0/1"), Value::Bool(false));
    }
}

#[test]
fn merged_scans_show_their_pulses_and_are_counted() {
    let delayed = "SOR XIC I:0/3 TON T:0 50 EOR\nSOR XIC T:0.DN {OSR} OTE O:0/1 EOR\n";
    let mut house = plant(line(), context(delayed), &[("plc/line/O:0/1", "twin/line/Lamp")]);
    let reader = house.join("reader");
    write(&mut house, "plc/line/I:0/3", Value::Bool(true));
    house.run_for(ms(25));
    house.driven(PLC).is_full = true;
    house.run_for(ms(100));
    assert_eq!(lamp(&mut house, reader), [false; 0], "nothing was told");
    house.driven(PLC).is_full = false;
    house.run_for(ms(100));
    assert_eq!(lamp(&mut house, reader), [true, false]);
    assert_eq!(routes(&mut house)[0].last_value, Some(Value::Bool(false)));
    let context = String::from("line");
    let PlcReply::Context(row, _) = plc(&mut house, PlcRequest::Context { context }) else {
        panic!("a context answers a context")
    };
    assert!(row.merged_scans >= 8, "{}", row.merged_scans);
}

#[test]
fn a_stop_and_a_fault_switch_the_outputs_off_and_leave_their_image() {
    for fault in [false, true] {
        let (mut house, twin) = through();
        house.write(twin, json!({"Run": true}));
        house.run_for(ms(30));
        assert_eq!(value(&mut house, "twin/line/Lamp"), Value::Bool(true));
        match fault {
            true => drop(write(&mut house, "plc/line/I:0/2", Value::Bool(true))),
            false => command(&mut house, Command::Stop),
        }
        house.run_for(ms(30));
        assert_eq!(
            value(&mut house, "plc/line/Motor"),
            Value::Bool(true),
            "the image stays readable"
        );
        let row = house.row("twin/line/Lamp");
        let expected = if fault {
            Quality::PlcFault(PLC)
        } else {
            Quality::PlcStopped
        };
        assert_eq!((row.value, row.quality), (Value::Bool(false), expected));
        assert_eq!(lamp(&mut house, twin), [true, false]);
    }
}

#[test]
fn a_pause_holds_the_outputs_and_marks_them() {
    let (mut house, twin) = through();
    house.write(twin, json!({"Run": true}));
    house.run_for(ms(30));
    command(&mut house, Command::Pause);
    let row = house.row("twin/line/Lamp");
    assert_eq!((row.value, row.quality), (Value::Bool(true), Quality::PlcPaused));
}

#[test]
fn outputs_that_are_to_be_held_are_held() {
    let holding = PlcSettings {
        hold_outputs: true,
        ..context(PROGRAM)
    };
    let mut house = plant(line(), holding, &THROUGH);
    let twin = house.join("twin");
    house.write(twin, json!({"Run": true}));
    house.run_for(ms(30));
    command(&mut house, Command::Stop);
    let row = house.row("twin/line/Lamp");
    assert_eq!((row.value, row.quality), (Value::Bool(true), Quality::PlcStopped));
}

#[test]
fn outputs_drive_from_the_end_of_a_scan_and_not_between_rungs() {
    let (mut house, twin) = through();
    house.write(twin, json!({"Run": true}));
    command(&mut house, Command::Stop);
    command(&mut house, Command::StepRung);
    assert_eq!(value(&mut house, "plc/line/Motor"), Value::Bool(true));
    assert_eq!(
        value(&mut house, "twin/line/Lamp"),
        Value::Bool(false),
        "the scan is not over"
    );
    for _ in 0..3 {
        command(&mut house, Command::StepRung);
    }
    assert_eq!(value(&mut house, "twin/line/Lamp"), Value::Bool(true));
}

fn stale_after(on_stale: OnStale) -> (House, ConnId) {
    let mut house = House::with(Settings {
        endpoints: vec![line()],
        plcs: vec![context(PROGRAM)],
        routes: vec![RouteSetting {
            on_stale,
            ..RouteSetting::plain("twin/line/Run", "plc/line/Start")
        }],
        ..Settings::default()
    });
    house.run_for(ms(30));
    assert_eq!(
        state(&house),
        ControllerState::Running,
        "a twin that was never there is not stale"
    );
    let twin = house.join("twin");
    house.write(twin, json!({"Run": true}));
    house.run_for(ms(30));
    assert_eq!(value(&mut house, "plc/line/Motor"), Value::Bool(true));
    house.disconnect(twin);
    house.run_for(ms(30));
    let twin = house.join("twin");
    (house, twin)
}

#[test]
fn a_stale_source_is_held_unless_the_route_says_otherwise() {
    let (mut house, _) = stale_after(OnStale::Hold);
    let start = house.row("plc/line/Start");
    assert_eq!((start.value, start.quality), (Value::Bool(true), Quality::Stale));
    assert_eq!(value(&mut house, "plc/line/Motor"), Value::Bool(true));
}

#[test]
fn a_stale_source_is_zero_where_the_route_says_so_until_it_lives_again() {
    let (mut house, twin) = stale_after(OnStale::Zero);
    assert_eq!(value(&mut house, "plc/line/Motor"), Value::Bool(false));
    assert_eq!(value(&mut house, "twin/line/Run"), Value::Bool(true));
    house.write(twin, json!({"Run": true}));
    house.run_for(ms(30));
    let start = house.row("plc/line/Start");
    assert_eq!((start.value, start.quality), (Value::Bool(true), Quality::Good));
}

#[test]
fn a_stale_source_is_a_fault_where_the_route_says_so_also_at_a_later_start() {
    let (mut house, twin) = stale_after(OnStale::Fault);
    let text = "Input I:0/0 is stale: what feeds it has fallen silent";
    assert_eq!(state(&house), ControllerState::Fault);
    assert_eq!(value(&mut house, "sys/plc/line/fault"), Value::Text(text.into()));
    command(&mut house, Command::Stop);
    command(&mut house, Command::Start);
    house.run_for(ms(30));
    assert_eq!(state(&house), ControllerState::Fault, "it still is");
    house.write(twin, json!({"Run": true}));
    command(&mut house, Command::Stop);
    command(&mut house, Command::Start);
    house.run_for(ms(30));
    assert_eq!(state(&house), ControllerState::Running);
}

#[test]
fn what_feeds_a_plc_is_there_again_after_a_reset() {
    let (mut house, twin) = through();
    house.write(twin, json!({"Run": true}));
    house.run_for(ms(30));
    command(&mut house, Command::Reset);
    assert_eq!(value(&mut house, "plc/line/Start"), Value::Bool(true));
    command(&mut house, Command::Start);
    house.run_for(ms(30));
    assert_eq!(value(&mut house, "twin/line/Lamp"), Value::Bool(true));
}

#[test]
fn an_engine_that_stands_still_collects_no_values_without_limit() {
    let mut house = plant(line(), context(PROGRAM), &[("twin/line/Count", "plc/line/N:4")]);
    let twin = house.join("twin");
    house.driven(PLC).is_full = true;
    for count in 1..=5_000 {
        house.write(twin, json!({"Count": count}));
        house.run_for(ms(1));
    }
    assert_eq!(house.engines[&PLC].orders_waiting(), 1_024);
    house.driven(PLC).is_full = false;
    house.run_for(ms(50));
    assert_eq!(value(&mut house, "plc/line/N:4"), Value::Int(5_000));
}

#[test]
fn a_signal_of_an_endpoint_that_names_a_place_is_tied_to_it() {
    let mut endpoint = EndpointSettings::named("line");
    for (name, kind, owner, place) in [
        ("Button", Kind::Bool, Owner::Peer, "plc/line/Start"),
        ("Drive", Kind::Bool, Owner::Hub, "plc/line/O:0/0"),
        ("Time", Kind::Int, Owner::Hub, "plc/line/T:0.ACC"),
    ] {
        let mut shown = signal(name, kind, owner);
        shown.signal = place.into();
        endpoint.signals.push(shown);
    }
    let mut house = plant(endpoint, context(PROGRAM), &[]);
    let twin = house.join("twin");
    house.write(twin, json!({"Button": true}));
    house.run_for(ms(30));
    assert_eq!(value(&mut house, "plc/line/Start"), Value::Bool(true));
    let told: Vec<_> = house.take(twin, "data");
    assert!(told.iter().any(|signals| signals["Drive"] == json!(true)), "{told:?}");
    assert!(
        told.iter().all(|signals| signals["Button"].is_null()),
        "its own value does not come back"
    );
    write(&mut house, "plc/line/T:0.ACC", Value::Int(120));
    house.run_for(ms(30));
    assert_eq!(house.row("twin/line/Time").value, Value::Int(120));
    command(&mut house, Command::Stop);
    assert_eq!(
        house.peer(twin).believes["Drive"],
        json!(false),
        "the safe state reaches what is bound"
    );
}

#[test]
fn a_route_that_is_removed_leaves_the_place_as_it_is() {
    let (mut house, twin) = through();
    house.write(twin, json!({"Run": true}));
    house.run_for(ms(30));
    assert!(matches!(house.ask(Request::RemoveRoute { id: 1 }), Reply::Done));
    house.disconnect(twin);
    house.run_for(ms(30));
    let start = house.row("plc/line/Start");
    assert_eq!((start.value, start.quality), (Value::Bool(true), Quality::Good));
}
