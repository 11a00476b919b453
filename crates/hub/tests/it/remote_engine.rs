//! The client of a remote engine (PL-90) against a stand-in of generation 0.1 (PL-9): connecting, losing, values, commands.

use crate::house::line;
use crate::old_engine::{Owner, PLC, Site};
use crosstie_hub::api::plc::{LinkColor, PlcReply, PlcRequest, Written};
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::signal::{Quality, Value};
use crosstie_ladder::controller::{Command, ControllerState};
use crosstie_ladder::data_table::CellValue;
use serde_json::json;

/// O:0/0 follows B:0/0, N:1 follows N:0, a timer runs while B:0/1 is on, C:0 counts B:0/0.
const FOLLOW: &str =
    "SOR XIC B:0/0 OTE O:0/0 EOR\nSOR MOV N:0 N:1 EOR\nSOR XIC B:0/1 TON T:0 1000 EOR\nSOR XIC B:0/0 CTU C:0 99 EOR\n";

fn running(routes: &[(&str, &str)]) -> Site {
    let mut site = Site::begun(line(), routes);
    site.engine().load(FOLLOW, Owner::SomebodyElse);
    site.engine().command(Command::Start);
    site.run_for(300);
    assert_eq!(site.color(), (LinkColor::Green, None));
    site
}

fn write(site: &mut Site, address: &str, value: Value) -> Result<(Value, bool), String> {
    let (context, address) = (String::from("far"), address.to_owned());
    match site.ask(PlcRequest::Write {
        context,
        address,
        value,
    })? {
        PlcReply::Written(Written { stored, forced, .. }) => Ok((stored, forced)),
        other => panic!("{other:?}"),
    }
}

fn force(site: &mut Site, address: &str, value: Value) -> Result<PlcReply, String> {
    let (context, address) = (String::from("far"), address.to_owned());
    site.ask(PlcRequest::Force {
        context,
        address,
        value,
        reason: "test".into(),
        expires_after: None,
    })
}

#[test]
fn pl90_a_remote_context_has_signals_program_and_state_like_a_local_one() {
    let mut site = running(&[]);
    let row = site.row();
    assert_eq!(
        (row.state, row.program.as_ref().map(|program| program.rungs)),
        (ControllerState::Running, Some(4))
    );
    assert_eq!(row.program.unwrap().by, "the engine");
    assert_eq!(row.io_provider, "Virtual I/O");
    assert!(row.statistics.scan_count > 10);
    let link = row.link.unwrap();
    assert_eq!((link.dialect, link.attempts), (Some("0.1"), 0));
    assert_eq!(write(&mut site, "N:0", Value::Int(-7)), Ok((Value::Int(-7), false)));
    let seen = site.house.row("plc/far/N:1");
    assert_eq!((seen.value, seen.quality), (Value::Int(-7), Quality::Good));
    assert_eq!(site.house.row("sys/plc/far/link").value, Value::Text("green".into()));
    assert_eq!(site.house.row("sys/plc/far/running").value, Value::Bool(true));
}

#[test]
fn pl90_a_lost_link_makes_values_old_refuses_commands_and_is_tried_every_three_seconds() {
    let mut site = running(&[]);
    write(&mut site, "N:0", Value::Int(5)).unwrap();
    site.end();
    site.run_for(100);
    let seen = site.house.row("plc/far/N:1");
    assert_eq!((seen.value, seen.quality), (Value::Int(5), Quality::PlcUnreachable));
    assert_eq!(site.house.row("sys/plc/far/running").quality, Quality::PlcUnreachable);
    assert_eq!(site.color(), (LinkColor::Red, Some("test".into())));
    let refused = site.order(Command::Stop).unwrap_err();
    assert!(refused.contains("the link to the engine is down"), "{refused}");
    assert!(write(&mut site, "N:0", Value::Int(6)).is_err());
    let name = String::from("plc/far/N:0");
    let value = Value::Int(6);
    let reply = site.house.ask(Request::Write { name, value });
    assert!(matches!(reply, Reply::Refused(_)), "{reply:?}");
    assert!(site.problems().contains(&"plc:far:link".into()));
    let dials = site.house.engine_dials.len();
    site.run_for(30_000);
    let tried = site.house.engine_dials.len() - dials;
    assert!((9..=11).contains(&tried), "{tried}");
    assert!(site.row().link.unwrap().retry_in.is_some());
    // Another start, other ids: found again, and what was refused was not kept.
    site.restart();
    site.engine().load(FOLLOW, Owner::SomebodyElse);
    site.run_for(4_000);
    assert_eq!(site.color(), (LinkColor::Green, None));
    assert_eq!(site.engine().read("N:0"), CellValue::Word(0));
    assert_eq!(site.row().state, ControllerState::Stopped);
    assert!(!site.problems().contains(&"plc:far:link".into()));
}

#[test]
fn pl90_a_silent_engine_is_dropped_after_five_seconds() {
    let mut site = running(&[]);
    site.engine().is_silent = true;
    site.run_for(4_500);
    assert_eq!(site.color().0, LinkColor::Green);
    site.run_for(1_000);
    assert_eq!(site.color(), (LinkColor::Red, Some("no snapshot for 5 s".into())));
    site.run_for(4_000);
    assert_eq!(site.color(), (LinkColor::Green, None), "it listens again");
}

#[test]
fn pl90_who_waits_for_an_answer_hears_at_once_that_the_link_is_lost() {
    let mut site = running(&[]);
    site.engine().is_silent = true;
    let context = String::from("far");
    let command = Command::Stop;
    let ticket = site
        .house
        .ask_later(Request::Plc(PlcRequest::Command { context, command }));
    site.run_for(50);
    assert!(site.house.reply(ticket).is_none());
    site.cut();
    match site.house.reply(ticket) {
        Some(Reply::Refused(refused)) => assert!(refused.to_string().contains("link lost"), "{refused}"),
        other => panic!("{other:?}"),
    }
    site.run_for(4_000);
    assert_eq!(
        site.row().state,
        ControllerState::Running,
        "the command is not repeated"
    );
}

#[test]
fn pl90_a_wrong_version_or_another_server_is_red_with_the_reason() {
    let mut site = Site::begun(line(), &[]);
    site.engine().version = 2;
    site.run_for(200);
    let (color, reason) = site.color();
    assert_eq!(color, LinkColor::Red);
    assert!(reason.unwrap().contains("speaks version 2"));
    site.engine().version = 1;
    site.run_for(4_000);
    assert_eq!(site.color().0, LinkColor::Green);
    let conn = site.conn.unwrap();
    site.house.say_text(conn, "Welcome to chat!".into());
    site.run_for(20);
    let (color, reason) = site.color();
    assert_eq!(color, LinkColor::Red);
    assert!(reason.unwrap().starts_with("no PiPLC engine"));
    site.run_for(4_000);
    for (frame, expected) in [(vec![0; 100], "at least 2704"), (vec![1; 2704], "begins with")] {
        let conn = site.conn.unwrap();
        site.send(conn, frame);
        let (color, reason) = site.color();
        let reason = reason.unwrap_or_default();
        assert!(color == LinkColor::Red && reason.contains(expected), "{reason}");
        site.run_for(4_000);
        assert_eq!(site.color().0, LinkColor::Green);
    }
    // Longer frames are those of a later version (PL-25).
    let conn = site.conn.unwrap();
    let mut frame = vec![0x4D, 0x45, 0x4D, 0x50];
    frame.resize(3_000, 0);
    site.send(conn, frame);
    assert_eq!(site.color().0, LinkColor::Green);
}

#[test]
fn pl90_commands_forces_and_timers_reach_the_engine() {
    let mut site = running(&[]);
    let state = |reply| match reply {
        Ok(PlcReply::Context(row, _)) => row.state,
        other => panic!("{other:?}"),
    };
    assert_eq!(state(site.order(Command::Pause)), ControllerState::Paused);
    assert_eq!(state(site.order(Command::Resume)), ControllerState::Running);
    force(&mut site, "B:0/0", Value::Bool(true)).unwrap();
    assert_eq!(site.engine().read("O:0/0"), CellValue::Bit(true));
    assert_eq!(
        write(&mut site, "B:0/0", Value::Bool(false)),
        Ok((Value::Bool(true), true))
    );
    site.engine().force("B:5/7", true);
    site.run_for(100);
    let forces = site.row().forces;
    let named: Vec<(&str, &str)> = forces
        .iter()
        .map(|force| (force.address.as_str(), force.by.as_str()))
        .collect();
    assert_eq!(named, [("B:0/0", "this machine"), ("B:5/7", "the engine")]);
    let context = String::from("far");
    site.ask(PlcRequest::Release { context, address: None }).unwrap();
    assert!(site.row().forces.is_empty());
    // A member of a timer keeps the others.
    write(&mut site, "B:0/1", Value::Bool(true)).unwrap();
    site.run_for(200);
    write(&mut site, "T:0.PRE", Value::Int(5_000)).unwrap();
    site.run_for(1_000);
    assert!(
        matches!(site.engine().read("T:0.ACC"), CellValue::Word(1_100..)),
        "ACC goes on"
    );
    assert_eq!(site.house.row("plc/far/T:0.TT").value, Value::Bool(true));
    assert_eq!(site.house.row("plc/far/T:0.DN").value, Value::Bool(false));
}

#[test]
fn pl90_bits_are_turned_over_and_several_places_are_written_one_after_the_other() {
    let mut site = running(&[]);
    let (context, address) = (String::from("far"), String::from("B:2/5"));
    let toggled = site.ask(PlcRequest::Toggle { context, address });
    assert!(
        matches!(
            &toggled,
            Ok(PlcReply::Written(Written {
                toggled: Some(true),
                ..
            }))
        ),
        "{toggled:?}"
    );
    assert_eq!(site.engine().read("B:2/5"), CellValue::Bit(true));
    let context = String::from("far");
    let writes = vec![("N:0".into(), Value::Int(8)), ("B:2/6".into(), Value::Bool(true))];
    let written = site.ask(PlcRequest::WriteNamed { context, writes });
    assert!(
        matches!(&written, Ok(PlcReply::WrittenAll(all)) if all.len() == 2),
        "{written:?}"
    );
    assert_eq!(site.engine().read("B:2"), CellValue::Word(0x60));
}

#[test]
fn pl9_what_the_old_generation_cannot_do_is_refused_in_words() {
    let mut site = running(&[]);
    for (address, value, expected) in [
        ("I:0/0", Value::Bool(true), "forgets"),
        ("I:0", Value::Int(1), "forgets"),
        ("B:3", Value::Int(1), "words of N only"),
        ("N:3/1", Value::Bool(true), "no bits of integers"),
    ] {
        let refused = write(&mut site, address, value).unwrap_err();
        assert!(refused.contains(expected), "{address}: {refused}");
    }
    for (address, value) in [
        ("N:0", Value::Int(1)),
        ("T:0.DN", Value::Bool(true)),
        ("N:0/0", Value::Bool(true)),
    ] {
        let refused = force(&mut site, address, value).unwrap_err();
        assert!(refused.contains("bits"), "{address}: {refused}");
    }
    assert!(site.row().forces.is_empty());
}

#[test]
fn pl90_routes_go_both_ways_and_the_newest_values_go_out_when_the_link_is_back() {
    let mut site = running(&[
        ("twin/line/Run", "plc/far/B:0/0"),
        ("twin/line/Count", "plc/far/N:0"),
        ("plc/far/O:0/0", "twin/line/Lamp"),
        ("plc/far/N:1", "twin/line/Setpoint"),
    ]);
    let twin = site.house.join("twin");
    site.house.write(twin, json!({"Run": true, "Count": 41}));
    site.run_for(200);
    let lamp = site.house.row("twin/line/Lamp");
    assert_eq!((lamp.value, lamp.quality), (Value::Bool(true), Quality::Good));
    site.cut();
    site.house.write(twin, json!({"Count": 42}));
    site.house.write(twin, json!({"Count": 43}));
    site.run_for(200);
    assert_eq!(
        site.house.row("twin/line/Lamp").value,
        Value::Bool(true),
        "held while the link is down"
    );
    site.run_for(4_000);
    assert_eq!(site.engine().read("N:1"), CellValue::Word(43));
    assert_eq!(site.house.row("twin/line/Setpoint").value, Value::Float(43.0));
    // A pulse that is longer than a snapshot's interval arrives, and each of several.
    for _ in 0..3 {
        site.house.write(twin, json!({"Run": false}));
        site.run_for(100);
        assert_eq!(site.house.row("twin/line/Lamp").value, Value::Bool(false));
        site.house.write(twin, json!({"Run": true}));
        site.run_for(100);
        assert_eq!(site.house.row("twin/line/Lamp").value, Value::Bool(true));
    }
}

#[test]
fn pl9_a_route_to_an_input_of_the_old_generation_is_a_problem_and_nothing_is_sent() {
    let mut site = running(&[("twin/line/Run", "plc/far/I:0/0")]);
    let twin = site.house.join("twin");
    site.house.write(twin, json!({"Run": true}));
    site.run_for(200);
    assert!(site.problems().contains(&"plc:far:feeds".into()));
    assert!(!site.engine().heard.iter().any(|kind| kind.starts_with("memory.write")));
}

#[test]
fn an_engine_that_was_never_there_moves_nothing() {
    let mut site = Site::begun(line(), &[("plc/far/O:0/0", "twin/line/Lamp")]);
    site.end();
    site.run_for(500);
    assert_eq!(site.color(), (LinkColor::Red, Some("connection refused".into())));
    assert_eq!(
        site.house.row("twin/line/Lamp").quality,
        Quality::NeverWritten,
        "nobody has written it"
    );
    assert_eq!(site.house.row("plc/far/O:0/0").quality, Quality::NeverWritten);
}

#[test]
fn a_remote_context_can_be_removed_and_the_engine_goes_on() {
    let mut site = running(&[]);
    let name = Some(String::from("other"));
    site.ask(PlcRequest::Create { name }).unwrap();
    let context = String::from("far");
    assert!(
        site.ask(PlcRequest::Remove {
            context: context.clone()
        })
        .is_err(),
        "it runs"
    );
    site.order(Command::Pause).unwrap();
    site.house.ask(Request::Plc(PlcRequest::Remove { context }));
    site.run_for(10_000);
    assert!(site.conn.is_none());
    assert_eq!(site.engine().controller.state(), ControllerState::Paused);
    assert_eq!(site.house.row("plc/far/O:0/0").quality, Quality::PlcGone);
    assert!(!site.house.engines.contains_key(&PLC));
}
