//! The life of an experiment: launched, paused, resumed, stopped (SI-18 to SI-20).

use crate::conform::message::shortened;
use crate::conform::rig::{Stop, ensure};
use crate::conform::simple::gama::Heard;
use crate::conform::simple::peer::Peer;
use crate::conform::simple::rig::{Rig, await_state, in_game, settle, settle_headset};
use serde_json::json;
use std::time::Duration;

/// How long a stop waits for the pause (SI-20).
const PAUSE_MAX: Duration = Duration::from_secs(10);

const LAUNCH: &str = r#"{"type":"launch_experiment"}"#;
const PAUSE: &str = r#"{"type":"pause_experiment"}"#;
const RESUME: &str = r#"{"type":"resume_experiment"}"#;
const STOP: &str = r#"{"type":"stop_experiment"}"#;

/// Fails when one of these commands came.
fn none_of(commands: &[Heard], kinds: &[&str], when: &str) -> Result<(), Stop> {
    let stray = commands.iter().find(|command| kinds.contains(&command.kind()));
    ensure(
        stray.is_none(),
        format!("GAMA gets no {} {when}", kinds.join(" and no ")),
        stray.map_or_else(String::new, |command| shortened(&command.text)),
    )
}

/// A control command of the experiment that is played.
async fn control(rig: &Rig, from: usize, kind: &str) -> Result<Heard, Stop> {
    let gama = rig.stage()?;
    let command = gama
        .expect(from, &format!("`{kind}`"), |command| command.kind() == kind)
        .await?;
    let exp_id = gama.experiment();
    ensure(
        command.field("exp_id") == exp_id,
        format!("`{kind}` with exp_id {exp_id:?}"),
        &command.text,
    )?;
    Ok(command)
}

async fn state_is(monitor: &mut Peer, state: &str) -> Result<(), Stop> {
    await_state(monitor, state, |gama| gama["experiment_state"] == state).await
}

/// SI-18, GA-3: what GAMA is told.
pub(super) async fn load(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    let (_, settings) = rig.stage_model(&mut monitor).await?;
    let gama = rig.stage()?;
    let from = gama.mark();
    monitor.say(LAUNCH).await?;
    let load = gama.expect(from, "`load`", |command| command.kind() == "load").await?;
    ensure(
        load.value["model"] == settings["model_file_path"] && load.value["experiment"] == settings["experiment_name"],
        format!(
            "model {} and experiment {}",
            settings["model_file_path"], settings["experiment_name"]
        ),
        &load.text,
    )?;
    await_state(&mut monitor, "PAUSED, with the name of the experiment", |gama| {
        gama["experiment_state"] == "PAUSED" && gama["experiment_name"] == settings["experiment_name"]
    })
    .await?;
    settle(&mut monitor).await?;
    none_of(&gama.since(from), &["play"], "before resume_experiment")
}

/// SI-18: one experiment at a time.
pub(super) async fn busy(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    rig.launch(&mut monitor).await?;
    let from = rig.stage()?.mark();
    monitor.say(LAUNCH).await?;
    settle(&mut monitor).await?;
    // The next command stands behind whatever the launch has led to.
    monitor.say(RESUME).await?;
    control(rig, from, "play").await?;
    none_of(&rig.stage()?.since(from), &["load"], "while an experiment is there")
}

/// SI-18: not polled, and not too early.
pub(super) async fn created(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    let mut player = rig.player("headset").await?;
    rig.stage_model(&mut monitor).await?;
    let gama = rig.stage()?;
    gama.hold("load");
    let from = gama.mark();
    monitor.say(LAUNCH).await?;
    let load = gama.expect(from, "`load`", |command| command.kind() == "load").await?;
    gama.answer(&load, load.field("experiment")).await?;
    gama.status("NOTREADY").await?;
    state_is(&mut monitor, "NOTREADY").await?;
    settle_headset(&mut player.peer, "not ready").await?;
    none_of(&gama.since(from), &["expression"], "before the experiment is there")?;
    gama.status("PAUSED").await?;
    let expr = format!("do create_player({});", json!(player.id));
    let created = gama
        .expect(from, &expr, |command| command.field("expr").contains("create_player"))
        .await?;
    ensure(
        created.kind() == "expression" && created.field("expr") == expr && created.field("exp_id") == "0",
        format!("an expression {expr} with exp_id \"0\""),
        &created.text,
    )?;
    in_game(&mut player, true).await
}

/// SI-18: nothing to launch with.
pub(super) async fn away(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    let gama = rig.stage()?;
    gama.open(false);
    gama.drop_link();
    await_state(&mut monitor, "not connected", |gama| gama["connected"] == json!(false)).await?;
    settle(&mut monitor).await?;
    monitor.say(LAUNCH).await?;
    monitor
        .next("a json_state for its launch", |heard| heard.kind() == "json_state")
        .await
        .map(drop)
}

/// GA-6: GAMA without a window tells no states.
pub(super) async fn headless(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.headless().await?;
    rig.launch(&mut monitor).await?;
    let exp_id = rig.stage()?.experiment();
    await_state(&mut monitor, "the id of the experiment", |gama| {
        gama["experiment_id"] == exp_id.as_str()
    })
    .await?;
    for (order, kind, state) in [
        (RESUME, "play", "RUNNING"),
        (PAUSE, "pause", "PAUSED"),
        (STOP, "stop", "NONE"),
    ] {
        let from = rig.stage()?.mark();
        monitor.say(order).await?;
        control(rig, from, kind).await?;
        state_is(&mut monitor, state).await?;
    }
    Ok(())
}

/// SI-19: pause.
pub(super) async fn pause(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    let from = rig.stage()?.mark();
    monitor.say(PAUSE).await?;
    settle(&mut monitor).await?;
    rig.launch(&mut monitor).await?;
    monitor.say(PAUSE).await?;
    settle(&mut monitor).await?;
    monitor.say(RESUME).await?;
    control(rig, from, "play").await?;
    none_of(&rig.stage()?.since(from), &["pause"], "where nothing runs")?;
    state_is(&mut monitor, "RUNNING").await?;
    monitor.say(PAUSE).await?;
    control(rig, from, "pause").await?;
    state_is(&mut monitor, "PAUSED").await
}

/// SI-19: resume.
pub(super) async fn resume(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    let from = rig.stage()?.mark();
    monitor.say(RESUME).await?;
    settle(&mut monitor).await?;
    rig.launch(&mut monitor).await?;
    none_of(&rig.stage()?.since(from), &["play"], "without an experiment")?;
    monitor.say(RESUME).await?;
    control(rig, from, "play").await?;
    state_is(&mut monitor, "RUNNING").await?;
    let from = rig.stage()?.mark();
    monitor.say(RESUME).await?;
    settle(&mut monitor).await?;
    monitor.say(PAUSE).await?;
    control(rig, from, "pause").await?;
    none_of(&rig.stage()?.since(from), &["play"], "where it runs already")
}

/// SI-20: one after the other.
pub(super) async fn stop(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    rig.run(&mut monitor).await?;
    let gama = rig.stage()?;
    gama.hold("pause");
    let from = gama.mark();
    monitor.say(STOP).await?;
    let paused = control(rig, from, "pause").await?;
    settle(&mut monitor).await?;
    none_of(&gama.since(from), &["stop"], "before it is paused")?;
    gama.status("PAUSED").await?;
    gama.answer(&paused, "").await?;
    control(rig, from, "stop").await?;
    state_is(&mut monitor, "NONE").await
}

/// SI-20: nothing to wait for.
pub(super) async fn stop_paused(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    rig.launch(&mut monitor).await?;
    let from = rig.stage()?.mark();
    monitor.say(STOP).await?;
    control(rig, from, "stop").await?;
    none_of(&rig.stage()?.since(from), &["pause"], "where nothing runs")?;
    state_is(&mut monitor, "NONE").await
}

/// SI-20: nothing to stop.
pub(super) async fn stop_idle(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    let from = rig.stage()?.mark();
    settle(&mut monitor).await?;
    monitor.say(STOP).await?;
    monitor
        .next("a json_state for its stop", |heard| heard.kind() == "json_state")
        .await?;
    rig.launch(&mut monitor).await?;
    none_of(&rig.stage()?.since(from), &["stop", "pause"], "without an experiment")
}

/// SI-20: GAMA does not pause.
pub(super) async fn stop_stuck(rig: &mut Rig) -> Result<(), Stop> {
    if !rig.slow {
        return Err(Stop::skipped("it takes 10 s: ask for it with --slow"));
    }
    let mut monitor = rig.director().await?;
    rig.run(&mut monitor).await?;
    let gama = rig.stage()?;
    gama.hold("pause");
    let from = gama.mark();
    monitor.say(STOP).await?;
    let paused = control(rig, from, "pause").await?;
    let stopped = gama
        .expect_within(PAUSE_MAX + rig.limit, from, "`stop` all the same", |command| {
            command.kind() == "stop"
        })
        .await?;
    let waited = stopped.at - paused.at;
    ensure(
        waited >= PAUSE_MAX / 2,
        format!("`stop` after about {PAUSE_MAX:?}"),
        format!("after {waited:?}"),
    )
}
