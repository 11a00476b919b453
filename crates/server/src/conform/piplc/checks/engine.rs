//! States, steps, breakpoints, faults (PL-17, PL-30 to PL-36).

use super::session::state_is;
use crate::conform::piplc::frame::timer_flags;
use crate::conform::piplc::program::{counting, counts_scans, follows, math, on, rung};
use crate::conform::piplc::rig::{Plc, Rig};
use crate::conform::rig::{Stop, ensure};
use crosstie_wire::piplc::Dialect;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

const NOTHING: Value = Value::Null;
/// Scans of a running engine that are waited for.
const SCANS_AWAITED: u64 = 5;

/// A command, the state before it, and the state after it; `None`: it is refused and the state stays (PL-30, PL-31).
const COMMANDS: &[(&str, &str, Option<&str>)] = &[
    ("Stopped", "start", Some("Running")),
    ("Stopped", "stop", Some("Stopped")),
    ("Stopped", "pause", Some("Stopped")),
    ("Stopped", "resume", Some("Stopped")),
    ("Stopped", "stepScan", Some("Paused")),
    ("Stopped", "stepRung", Some("Stepping")),
    ("Stopped", "reset", Some("Stopped")),
    ("Running", "start", Some("Running")),
    ("Running", "stop", Some("Stopped")),
    ("Running", "pause", Some("Paused")),
    ("Running", "resume", Some("Running")),
    ("Running", "stepScan", None),
    ("Running", "stepRung", None),
    ("Running", "reset", Some("Stopped")),
    ("Paused", "start", Some("Running")),
    ("Paused", "stop", Some("Stopped")),
    ("Paused", "pause", Some("Paused")),
    ("Paused", "resume", Some("Running")),
    ("Paused", "stepScan", Some("Paused")),
    ("Paused", "stepRung", Some("Stepping")),
    ("Paused", "reset", Some("Stopped")),
    ("Stepping", "start", Some("Running")),
    ("Stepping", "stop", Some("Stopped")),
    ("Stepping", "stepScan", Some("Paused")),
    ("Stepping", "stepRung", Some("Paused")),
    ("Stepping", "reset", Some("Stopped")),
    ("Fault", "start", None),
    ("Fault", "stop", Some("Stopped")),
    ("Fault", "stepScan", None),
    ("Fault", "stepRung", None),
    ("Fault", "reset", Some("Stopped")),
];

/// A program of two rungs; the second divides by zero while B:0/0 is on.
fn may_fail() -> Vec<String> {
    let divide = rung(&[
        on("XIC", "B:0/0"),
        math("DIV", "N:1", "N:2", "N:3", 5),
        on("OTE", "B:0/1"),
    ]);
    vec![counts_scans(0), divide]
}

/// PL-30: every command in every state, those that are refused among them.
pub(super) async fn commands(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&may_fail()).await?;
    for (before, command, after) in COMMANDS {
        bring_to(&mut plc, before).await?;
        match after {
            Some(_) => drop(plc.command(command).await?),
            None => drop(plc.refused(&format!("engine.{command}"), &NOTHING).await?),
        }
        let expected = after.unwrap_or(before);
        if plc.peer.dialect() == Dialect::V01 {
            plc.until_state(expected).await?;
        }
        let state = plc.state().await?;
        ensure(
            state.eq_ignore_ascii_case(expected),
            format!("`engine.{command}` leads from {before} to {expected}"),
            state,
        )?;
    }
    Ok(())
}

async fn bring_to(plc: &mut Plc, state: &str) -> Result<(), Stop> {
    plc.command_to("reset", "Stopped").await?;
    match state {
        "Running" => plc.command_to("start", "Running").await,
        "Paused" => plc.step().await,
        "Stepping" => plc.command_to("stepRung", "Stepping").await,
        "Fault" => {
            plc.set("B:0/0", true).await?;
            plc.command("stepScan").await?;
            plc.until_state("Fault").await
        }
        _ => Ok(()),
    }
}

/// PL-30: without a program nothing starts, and nothing goes wrong.
pub(super) async fn without_program(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    for command in ["start", "stepScan", "stepRung"] {
        plc.refused(&format!("engine.{command}"), &NOTHING).await?;
        let state = plc.state().await?;
        ensure(state.eq_ignore_ascii_case("Stopped"), "the state stays Stopped", state)?;
    }
    Ok(())
}

/// PL-30: a stop keeps the memory, the image of the outputs among it.
pub(super) async fn stop_keeps(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0), follows("B:0/0", "O:0/0")]).await?;
    plc.set("B:0/0", true).await?;
    plc.step().await?;
    plc.command_to("stop", "Stopped").await?;
    let frame = plc.peek().await?;
    ensure(
        frame.integer(0) == 1 && frame.bit("O:0/0") && frame.state() == 0,
        "N:0 = 1 and O:0/0 on after a scan and a stop",
        format!(
            "N:0 = {}, O:0/0 = {}, state {}",
            frame.integer(0),
            frame.bit("O:0/0"),
            frame.state()
        ),
    )
}

/// PL-31: a step is one scan and adds exactly the target scan time.
pub(super) async fn step_time(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0), counting("TON", "T:0", 30_000)]).await?;
    let scan = plc.scan_time_ms().await?;
    for step in 1..=5_i16 {
        plc.step().await?;
        let frame = plc.peek().await?;
        ensure(
            frame.integer(0) == i32::from(step) && frame.timer(0).acc == step * scan,
            format!("{step} scans and T:0.ACC = {}", step * scan),
            format!("{} scans and {:?}", frame.integer(0), frame.timer(0)),
        )?;
    }
    Ok(())
}

/// PL-31: paused time counts for nothing.
pub(super) async fn paused_time(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counting("TON", "T:0", 30_000)]).await?;
    let scan = plc.scan_time_ms().await?;
    plc.command_to("start", "Running").await?;
    plc.command_to("pause", "Paused").await?;
    let before = plc.peek().await?.timer(0).acc;
    // More than a scan passes meanwhile.
    plc.peer
        .listen(Duration::from_millis(3 * scan.unsigned_abs() as u64))
        .await?;
    plc.step().await?;
    let after = plc.peek().await?.timer(0).acc;
    ensure(
        after == before + scan,
        format!("T:0.ACC = {} after a pause and a step", before + scan),
        after,
    )
}

/// PL-31: rung by rung, the outputs of one rung visible to the next.
pub(super) async fn step_rung(rig: &mut Rig) -> Result<(), Stop> {
    let rungs = [counts_scans(0), counts_scans(1), counts_scans(2)];
    let mut plc = rig.plc(&rungs).await?;
    for (executed, state) in [(1, "Stepping"), (2, "Stepping"), (3, "Paused"), (4, "Stepping")] {
        plc.command_to("stepRung", state).await?;
        let frame = plc.peek().await?;
        let sum: i32 = (0..3).map(|word| frame.integer(word)).sum();
        ensure(sum == executed, format!("{executed} rungs are executed"), sum)?;
        ensure(
            frame.state() == if state == "Stepping" { 3 } else { 2 },
            format!("the state byte of {state}"),
            frame.state(),
        )?;
    }
    Ok(())
}

/// PL-31: a running engine is not stepped.
pub(super) async fn step_while_running(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    plc.command_to("start", "Running").await?;
    for command in ["stepScan", "stepRung"] {
        plc.refused(&format!("engine.{command}"), &NOTHING).await?;
        plc.until_state("Running").await?;
    }
    Ok(())
}

/// PL-32: what a reset clears and what it keeps.
pub(super) async fn reset(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0), counting("TON", "T:0", 30_000)]).await?;
    plc.force("B:1/0", true).await?;
    plc.step().await?;
    plc.done("breakpoint.set", &json!({"rungIndex": 1})).await?;
    plc.command_to("reset", "Stopped").await?;
    let frame = plc.peek().await?;
    ensure(
        frame.integer(0) == 0 && frame.timer(0).acc == 0 && frame.forced_bits() == 0 && !frame.bit("B:1/0"),
        "memory and forces are cleared",
        format!(
            "N:0 = {}, {:?}, {} forces",
            frame.integer(0),
            frame.timer(0),
            frame.forced_bits()
        ),
    )?;
    let scans = plc.statistic("scanCount").await?;
    ensure(scans == 0, "scanCount is 0", scans)?;
    let from = plc.peer.log().len();
    plc.command("start").await?;
    plc.peer.event("event.breakpointHit", &plc.id, from).await.map(drop)
}

/// PL-33: memory and forces over stop and start.
pub(super) async fn kept_over_stop(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    plc.force("B:1/0", true).await?;
    plc.put("N:9", -77).await?;
    plc.step().await?;
    plc.command_to("stop", "Stopped").await?;
    plc.step().await?;
    kept(&mut plc, 2).await
}

async fn kept(plc: &mut Plc, scans: i32) -> Result<(), Stop> {
    let frame = plc.peek().await?;
    ensure(
        frame.integer(9) == -77 && frame.integer(0) == scans && frame.bit("B:1/0") && frame.is_forced("B:1/0"),
        format!("N:9 = -77, N:0 = {scans}, B:1/0 forced on"),
        format!(
            "N:9 = {}, N:0 = {}, B:1/0 {}, forced {}",
            frame.integer(9),
            frame.integer(0),
            frame.bit("B:1/0"),
            frame.is_forced("B:1/0")
        ),
    )
}

/// PL-33: memory and forces over a download while Stopped.
pub(super) async fn kept_over_download(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    plc.force("B:1/0", true).await?;
    plc.put("N:9", -77).await?;
    plc.step().await?;
    plc.command_to("stop", "Stopped").await?;
    plc.load(&[counts_scans(0)]).await?;
    kept(&mut plc, 1).await?;
    // While it was not Stopped nothing is kept.
    plc.command_to("start", "Running").await?;
    plc.load(&[counts_scans(0)]).await?;
    let frame = plc.peek().await?;
    ensure(
        frame.integer(9) == 0 && frame.forced_bits() == 0,
        "after a download to a running engine memory and forces are cleared",
        format!("N:9 = {}, {} forces", frame.integer(9), frame.forced_bits()),
    )
}

/// PL-33: presets come from the program at every start.
pub(super) async fn presets(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig
        .plc(&[counting("TON", "T:0", 700), counting("CTU", "C:0", 9)])
        .await?;
    plc.step().await?;
    plc.put_slot("memory.writeTimer", json!({"index": 0, "pre": 5})).await?;
    plc.put_slot("memory.writeCounter", json!({"index": 0, "pre": 5}))
        .await?;
    plc.command_to("stop", "Stopped").await?;
    plc.step().await?;
    let frame = plc.peek().await?;
    ensure(
        (frame.timer(0).pre, frame.counter(0).pre) == (700, 9),
        "T:0.PRE = 700 and C:0.PRE = 9 after a step from Stopped",
        format!("{:?}, {:?}", frame.timer(0), frame.counter(0)),
    )
}

/// PL-33: a client that leaves takes nothing with it.
pub(super) async fn client_gone(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    let mut other = Plc {
        peer: rig.client("guest").await?,
        id: plc.id.clone(),
    };
    other.force("B:1/0", true).await?;
    other.put("N:9", 5).await?;
    other.done("breakpoint.set", &json!({"rungIndex": 0})).await?;
    other.done("breakpoint.clearAll", &NOTHING).await?;
    other.command_to("start", "Running").await?;
    drop(other);
    plc.until_state("Running").await?;
    let frame = plc.peek().await?;
    ensure(
        frame.is_forced("B:1/0") && frame.bit("B:1/0") && frame.integer(9) == 5 && frame.state() == 1,
        "the engine runs on with the force and the value of the client that left",
        format!(
            "state {}, {} forces, N:9 = {}",
            frame.state(),
            frame.forced_bits(),
            frame.integer(9)
        ),
    )
}

/// PL-17: a breakpoint has a rung.
pub(super) async fn breakpoint_range(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0), counts_scans(1)]).await?;
    for rung in [2, 99, 4_000_000_000_u32] {
        plc.refused("breakpoint.set", &json!({"rungIndex": rung})).await?;
    }
    plc.done("breakpoint.set", &json!({"rungIndex": 1})).await.map(drop)
}

/// PL-17: breakpoints go one by one and all at once.
pub(super) async fn breakpoints_end(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0), counts_scans(1)]).await?;
    for (kind, fields) in [
        ("breakpoint.remove", json!({"rungIndex": 1})),
        ("breakpoint.clearAll", NOTHING),
    ] {
        plc.done("breakpoint.set", &json!({"rungIndex": 1})).await?;
        plc.done(kind, &fields).await?;
        plc.step().await?;
        let frame = plc.peek().await?;
        ensure(
            frame.integer(0) == frame.integer(1),
            format!("after `{kind}` a scan is not held"),
            format!("N:0 = {}, N:1 = {}", frame.integer(0), frame.integer(1)),
        )?;
    }
    Ok(())
}

/// PL-34: before the rung, told, and passed on resume.
pub(super) async fn breakpoint(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0), counts_scans(1)]).await?;
    plc.done("breakpoint.set", &json!({"rungIndex": 1})).await?;
    for (command, scans) in [("start", 1), ("resume", 2)] {
        let from = plc.peer.log().len();
        plc.command(command).await?;
        let event = plc.peer.event("event.breakpointHit", &plc.id, from).await?;
        ensure(
            event.body.get("rungIndex") == Some(&json!(1)),
            "event.breakpointHit tells rungIndex 1",
            &event.text,
        )?;
        plc.until_state("Paused").await?;
        let frame = plc.peek().await?;
        ensure(
            (frame.integer(0), frame.integer(1)) == (scans, scans - 1),
            format!("rung 0 is executed {scans} times and rung 1 once less"),
            format!("N:0 = {}, N:1 = {}", frame.integer(0), frame.integer(1)),
        )?;
    }
    Ok(())
}

/// PL-34: a rung step executes the rung with the breakpoint.
pub(super) async fn breakpoint_step(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0), counts_scans(1), counts_scans(2)]).await?;
    plc.done("breakpoint.set", &json!({"rungIndex": 1})).await?;
    let from = plc.peer.log().len();
    plc.command("start").await?;
    plc.peer.event("event.breakpointHit", &plc.id, from).await?;
    plc.command_to("stepRung", "Stepping").await?;
    let frame = plc.peek().await?;
    ensure(
        (frame.integer(1), frame.integer(2)) == (1, 0),
        "the rung with the breakpoint is executed, and no other",
        format!("N:1 = {}, N:2 = {}", frame.integer(1), frame.integer(2)),
    )
}

/// PL-35: what is told of a fault.
pub(super) async fn fault(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&may_fail()).await?;
    plc.set("B:0/0", true).await?;
    let from = plc.peer.log().len();
    plc.command("start").await?;
    let event = plc.peer.event("event.fault", &plc.id, from).await?;
    let text = event.body.get("message").and_then(Value::as_str).unwrap_or_default();
    ensure(
        text.starts_with("Division by zero"),
        "a message that begins with Division by zero",
        &event.text,
    )?;
    if plc.peer.dialect() == Dialect::V02 {
        ensure(
            text == "Division by zero at rung 1, column 5 (DIV)"
                && event.body.get("rungIndex") == Some(&json!(1))
                && event.body.get("column") == Some(&json!(5)),
            "Division by zero at rung 1, column 5 (DIV), with rungIndex 1 and column 5",
            &event.text,
        )?;
    }
    plc.until_state("Fault").await?;
    let told = plc
        .peer
        .messages_since(from)
        .any(|message| message.kind == "event.stateChanged" && state_is(message, "Fault"));
    ensure(told, "event.stateChanged tells Fault", "it does not")?;
    let frame = plc.peek().await?;
    ensure(
        frame.state() == 4 && frame.integer(0) == 1 && frame.bit("B:0/1"),
        "the scan is finished, then the state byte is 4",
        format!(
            "state {}, N:0 = {}, B:0/1 {}",
            frame.state(),
            frame.integer(0),
            frame.bit("B:0/1")
        ),
    )
}

/// PL-35: a fault is ended by a stop or a reset, not by a start.
pub(super) async fn fault_ends(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&may_fail()).await?;
    for end in ["stop", "reset"] {
        plc.set("B:0/0", true).await?;
        plc.command("stepScan").await?;
        plc.until_state("Fault").await?;
        plc.refused("engine.start", &NOTHING).await?;
        plc.until_state("Fault").await?;
        plc.command_to(end, "Stopped").await?;
    }
    plc.step().await
}

/// PL-36: the target scan time is kept on average, and told alike everywhere.
pub(super) async fn target(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0), counting("TON", "T:0", 30_000)]).await?;
    let scan = plc.scan_time_ms().await?;
    let from = plc.peer.log().len();
    plc.step().await?;
    let event = plc.peer.event("event.scanStats", &plc.id, from).await?;
    ensure(
        event.body.get("targetScanTimeUs") == Some(&json!(i64::from(scan) * 1000)),
        format!("targetScanTimeUs {} with scanTimeMs {scan}", i64::from(scan) * 1000),
        &event.text,
    )?;
    plc.command_to("start", "Running").await?;
    let deadline = Instant::now() + rig.limit;
    while plc.statistic("scanCount").await? < SCANS_AWAITED {
        ensure(
            Instant::now() < deadline,
            format!("{SCANS_AWAITED} scans within {:?}", rig.limit),
            "fewer",
        )?;
        plc.peer
            .listen(Duration::from_millis(scan.unsigned_abs().into()))
            .await?;
    }
    plc.command_to("pause", "Paused").await?;
    let frame = plc.peek().await?;
    let (en, ..) = timer_flags(plc.peer.dialect());
    ensure(
        frame.timer(0).flags & en == en && frame.timer(0).acc > 0 && frame.integer(0) > 4,
        "time goes on while Running",
        format!("N:0 = {}, {:?}", frame.integer(0), frame.timer(0)),
    )
}
