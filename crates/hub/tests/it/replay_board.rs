//! Which signals a recording may say, and how people see that it does.

use crate::house::{House, Wire};
use crate::plc_signals::{PROGRAM, context, ms, plant};
use crosstie_hub::access::{Access, Role, Scope};
use crosstie_hub::api::replay::{Fit, ReplayDeed, ReplayRequest, ReplayShown, ReplayState};
use crosstie_hub::api::{Refused, Reply, Request};
use crosstie_hub::replay::Replayed;
use crosstie_hub::signal::{Kind, Quality, Value};
use crosstie_hub::{Face, Input};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

fn key(role: Role, view: Option<&[&str]>, write: Option<&[&str]>) -> Arc<Access> {
    let scope = |patterns: Option<&[&str]>| {
        let texts: Option<Vec<String>> = patterns.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect());
        Scope::new(texts.as_deref())
    };
    Arc::new(Access {
        key: Some("k7".into()),
        ring: 1,
        who: "HMI".into(),
        role,
        view: scope(view),
        write: scope(write),
    })
}

/// A plant whose motor drives the lamp of the line, and whose third input is the line's.
fn site() -> House {
    let routes = [
        ("plc/line/O:0/0", "twin/line/Lamp"),
        ("twin/line/Run", "plc/line/I:0/3"),
    ];
    let mut house = plant(crate::house::line(), context(PROGRAM), &routes);
    house.run_for(ms(30));
    house
}

fn fits_for(house: &mut House, access: Arc<Access>, signals: &[(&str, Kind)]) -> Vec<Fit> {
    let signals = signals.iter().map(|(name, kind)| (Box::from(*name), *kind)).collect();
    match house.ask_as(access, Request::Replay(ReplayRequest::Fits { signals })) {
        Reply::Replay(fits) => fits,
        other => panic!("{other:?}"),
    }
}

fn fit(house: &mut House, name: &str, kind: Kind) -> Fit {
    fits_for(house, Access::full("test"), &[(name, kind)]).remove(0)
}

fn replay(house: &mut House, samples: &[(&str, Value)]) {
    let sample = |(name, value): &(&str, Value)| Replayed {
        name: Arc::from(*name),
        value: value.clone(),
        quality: Quality::Good,
    };
    house.give(Input::Replayed(samples.iter().map(sample).collect()));
}

#[test]
fn a_recording_says_what_nobody_here_makes() {
    let mut house = site();
    for (name, kind) in [
        ("twin/line/Run", Kind::Bool),
        ("twin/line/Setpoint", Kind::Float),
        // One that is not there yet, and those of a context and of a class that are not here.
        ("twin/other/Speed", Kind::Float),
        ("plc/far/O:0/3", Kind::Bool),
        ("sim/state", Kind::Text),
        // Inputs that nothing is wired to, by address and by symbol.
        ("plc/line/I:0/5", Kind::Bool),
        ("plc/line/Start", Kind::Bool),
    ] {
        assert_eq!(fit(&mut house, name, kind), Fit::Free, "{name}");
    }
    for (name, kind, why) in [
        ("sys/plc/line/state", Kind::Text, "the hub itself"),
        ("twin/line/Lamp", Kind::Bool, "a route from 'plc/line/O:0/0'"),
        ("plc/line/I:0/3", Kind::Bool, "a route from 'twin/line/Run' makes it"),
        ("plc/line/I:0", Kind::Int, "makes a part of it"),
        ("plc/line/O:0/0", Kind::Bool, "the engine of 'line'"),
        ("plc/line/Motor", Kind::Bool, "the engine of 'line'"),
        ("plc/line/N:7", Kind::Int, "the engine of 'line'"),
        ("plc/line/T:4.ACC", Kind::Int, "the engine of 'line'"),
        ("plc/line/Nothing", Kind::Bool, "no place"),
        ("twin/line/Speed", Kind::Text, "Float here and Text"),
        ("twin//x", Kind::Bool, "is empty"),
    ] {
        let Fit::Skipped(reason) = fit(&mut house, name, kind) else {
            panic!("{name}");
        };
        assert!(reason.to_lowercase().contains(&why.to_lowercase()), "{name}: {reason}");
    }
}

#[test]
fn a_signal_that_a_connected_peer_writes_is_contested_until_it_leaves() {
    let mut house = site();
    let twin = house.join("Unity");
    house.write(twin, json!({"Speed": 2.5}));
    house.run_for(ms(20));
    let speed = |house: &mut House| fit(house, "twin/line/Speed", Kind::Float);
    assert_eq!(speed(&mut house), Fit::Contested(String::from("Unity")));
    house.disconnect(twin);
    house.run_for(ms(20));
    assert_eq!(speed(&mut house), Fit::Free);
}

#[test]
fn what_a_connected_peer_has_said_is_there_again_when_the_replay_ends() {
    let mut house = site();
    let twin = house.join("Unity");
    house.write(twin, json!({"Speed": 2.5, "Run": true}));
    house.run_for(ms(20));
    replay(
        &mut house,
        &[
            ("twin/line/Speed", Value::Float(7.0)),
            ("twin/line/Run", Value::Bool(false)),
        ],
    );
    assert_eq!(house.row("twin/line/Speed").value, Value::Float(7.0));
    // It is there all the same, and a second replay would have a second writer, too.
    let unity = Fit::Contested(String::from("Unity"));
    assert_eq!(fit(&mut house, "twin/line/Speed", Kind::Float), unity);
    // Meanwhile it says something, and the replay goes on.
    house.write(twin, json!({"Speed": 3.5}));
    house.run_for(ms(20));
    replay(&mut house, &[("twin/line/Speed", Value::Float(8.0))]);
    house.give(Input::ReplayEnds);
    house.run_for(ms(30));
    for (name, value) in [
        ("twin/line/Speed", Value::Float(3.5)),
        ("twin/line/Run", Value::Bool(true)),
        ("plc/line/I:0/3", Value::Bool(true)),
    ] {
        let row = house.row(name);
        assert_eq!((row.value, row.quality), (value, Quality::Good), "{name}");
    }
    // One that has left does not come back.
    replay(&mut house, &[("twin/line/Speed", Value::Float(9.0))]);
    house.disconnect(twin);
    house.run_for(ms(20));
    house.give(Input::ReplayEnds);
    let row = house.row("twin/line/Speed");
    assert_eq!((row.value, row.quality), (Value::Float(9.0), Quality::Stale));
}

#[test]
fn whoever_replays_writes_and_needs_the_right_to_it() {
    let mut house = site();
    let signals = [("twin/line/Run", Kind::Bool), ("twin/line/Speed", Kind::Float)];
    let hmi = key(Role::Operator, None, Some(&["twin/line/Run"]));
    let fits = fits_for(&mut house, hmi, &signals);
    assert_eq!(fits[0], Fit::Free);
    assert_eq!(fits[1], Fit::Skipped(String::from("HMI may not write it")));

    let request = Request::Replay(ReplayRequest::Fits { signals: Vec::new() });
    let reply = house.ask_as(key(Role::Viewer, None, None), request);
    let Reply::Refused(refused @ Refused::Forbidden { .. }) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(refused.to_string(), "HMI is viewer and may not replay recordings");
}

#[test]
fn what_is_done_with_a_replay_is_written_down() {
    let mut house = site();
    let steered = ReplayRequest::Steered {
        deed: ReplayDeed::Start,
        recording: String::from("monday"),
        new: json!({"speed": 10.0}),
    };
    house.ask_as(key(Role::Operator, None, None), Request::Replay(steered));
    let entry = house.audited.last().unwrap();
    assert_eq!((entry.what, entry.subject.as_str()), ("replay.start", "monday"));
    assert_eq!(entry.new, json!({"speed": 10.0}));
    assert_eq!(&*entry.by.access.who, "HMI");
}

#[test]
fn at_a_time_when_nobody_had_written_a_signal_it_is_as_it_was() {
    let mut house = site();
    replay(
        &mut house,
        &[("twin/line/Speed", Value::Float(2.5)), ("twin/new/X", Value::Int(7))],
    );
    assert_eq!(house.row("twin/new/X").value, Value::Int(7));
    let nobody = |name: &str| Replayed {
        name: Arc::from(name),
        value: Value::Int(0),
        quality: Quality::NeverWritten,
    };
    let signals = ["twin/line/Speed", "twin/new/X", "twin/never/Seen"];
    house.give(Input::Replayed(signals.map(nobody).to_vec()));
    for (name, value) in [("twin/line/Speed", Value::Float(0.0)), ("twin/new/X", Value::Int(0))] {
        let row = house.row(name);
        assert_eq!((row.value, row.quality), (value, Quality::NeverWritten), "{name}");
    }
    let name = String::from("twin/never/Seen");
    let reply = house.ask(Request::Signal { name });
    assert!(matches!(reply, Reply::Refused(Refused::NotFound { .. })), "{reply:?}");
    // What somebody else has written since is his.
    replay(&mut house, &[("twin/line/Speed", Value::Float(2.5))]);
    let twin = house.join("Unity");
    house.write(twin, json!({"Speed": 4.0}));
    house.run_for(ms(20));
    house.give(Input::Replayed(vec![nobody("twin/line/Speed")]));
    assert_eq!(house.row("twin/line/Speed").value, Value::Float(4.0));
}

fn playing(position: u64) -> ReplayShown {
    ReplayShown {
        state: ReplayState::Playing,
        recording: Some("monday".into()),
        position: ms(position),
        length: ms(60_000),
        speed: 10.0,
        signals: 3,
        skipped: vec![("plc/line/O:0/0".into(), "the engine of 'line' makes it".into())],
        skipped_count: 1,
        ..ReplayShown::default()
    }
}

#[test]
fn the_live_channel_and_signals_say_that_it_is_a_recording() {
    let mut house = site();
    let early = house.connect_as(Face::Live, Wire::default());
    house.run_for(ms(5));
    assert_eq!(
        house.types(early),
        ["hello", "clock"],
        "without a replay nothing is said of one"
    );
    house.give(Input::ReplayShown(Arc::new(playing(1_500))));
    house.run_for(ms(5));
    let frame = house.peer(early).inbox.pop().unwrap();
    assert_eq!(
        frame,
        json!({
            "type": "replay", "state": "playing", "recording": "monday", "position_ms": 1_500, "duration_ms": 60_000,
            "speed": 10.0, "loop": false, "leads_clock": false, "signals": 3,
            "skipped": [{"name": "plc/line/O:0/0", "reason": "the engine of 'line' makes it"}], "skipped_count": 1,
            "error": null,
        })
    );
    let signal = |house: &mut House, what: &str| house.row(&format!("sys/replay/{what}")).value;
    assert_eq!(signal(&mut house, "state"), Value::Text("playing".into()));
    assert_eq!(signal(&mut house, "position"), Value::Float(1.5));
    assert_eq!(signal(&mut house, "recording"), Value::Text("monday".into()));
    let name = String::from("sys/replay/state");
    let value = Value::Text("x".into());
    let written = house.ask(Request::Write { name, value });
    assert!(matches!(written, Reply::Refused(Refused::Conflict(_))), "{written:?}");

    // Whoever comes later is told at once, and sees no name that it may not see.
    let scope = key(Role::Viewer, Some(&["twin/**"]), None);
    let late = house.connect_with(Face::Live, Wire::default(), scope);
    house.run_for(ms(5));
    assert_eq!(house.types(late), ["hello", "replay", "clock"]);
    let frames = &house.peer(late).inbox;
    let frame = frames.iter().find(|frame| frame["type"] == "replay").unwrap();
    assert_eq!((&frame["skipped"], &frame["skipped_count"]), (&json!([]), &json!(1)));

    house.give(Input::ReplayShown(Arc::default()));
    house.run_for(ms(5));
    for conn in [early, late] {
        assert_eq!(house.peer(conn).inbox.last().unwrap()["state"], "idle");
    }
    assert_eq!(signal(&mut house, "recording"), Value::Text("".into()));
}

#[test]
fn a_channel_that_does_not_read_is_told_the_newest_when_it_does() {
    let mut house = site();
    let live = house.connect_as(Face::Live, Wire::default());
    house.run_for(ms(5));
    let peer = house.peer(live);
    peer.inbox.clear();
    peer.reads = false;
    house.run_for(Duration::from_secs(3));
    for position in 0..50 {
        house.give(Input::ReplayShown(Arc::new(playing(position))));
        house.run_for(ms(10));
    }
    house.read_again(live);
    house.run_for(Duration::from_secs(2));
    let frames: Vec<u64> = (house.peer(live).inbox.iter())
        .filter(|message| message["type"] == "replay")
        .map(|frame| frame["position_ms"].as_u64().unwrap())
        .collect();
    assert_eq!(frames.last(), Some(&49));
    assert!(frames.len() < 10, "they do not pile up: {}", frames.len());
}

#[test]
fn a_route_from_the_state_of_the_replay_begins_with_the_first_replay() {
    let routes = [("sys/replay/state", "twin/line/Note")];
    let mut endpoint = crate::house::line();
    let note = crate::house::signal("Note", Kind::Text, crosstie_hub::settings::Owner::Hub);
    endpoint.signals.push(note);
    let mut house = plant(endpoint, context(PROGRAM), &routes);
    house.give(Input::ReplayShown(Arc::new(playing(0))));
    assert_eq!(house.value("Note"), Value::Text("playing".into()));
}
