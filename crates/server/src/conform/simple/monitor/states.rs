//! The state of GAMA as monitors see it (SI-11 to SI-14, SI-23).

use crate::conform::message::shortened;
use crate::conform::rig::{Stop, ensure};
use crate::conform::simple::peer::Heard;
use crate::conform::simple::rig::{Rig, await_state, keys};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// The fields of `gama`, in the order of SI-11.
const GAMA_FIELDS: &[&str] = &[
    "connected",
    "experiment_state",
    "loading",
    "content_error",
    "experiment_id",
    "experiment_name",
];
/// Changes of a burst: many more than may be told in the second that it takes at most.
const BURST_LEN: usize = 300;
/// States that monitors are told in a second, at most (SI-12).
const STATES_PER_SECOND: f64 = 20.0;
/// States that may come beside those: the first of a burst, the last, and what was on its way.
const STATES_BESIDE: usize = 12;
/// How soon the link must be tried again when somebody asks; by itself it is tried after 5 s (GA-2).
const RETRY_MAX: Duration = Duration::from_secs(4);
/// Errors that no command has to answer for (GA-8).
const ERRORS: &[&str] = &[
    "SimulationStatusError",
    "SimulationErrorDialog",
    "SimulationError",
    "RuntimeError",
    "GamaServerError",
];

/// The first state of a new monitor.
async fn first_state(rig: &Rig) -> Result<Heard, Stop> {
    let mut peer = rig.fresh_monitor("newcomer").await?;
    peer.next("json_state", |heard| heard.kind() == "json_state").await
}

/// SI-11: names and order.
pub(super) async fn order(rig: &mut Rig) -> Result<(), Stop> {
    let state = first_state(rig).await?;
    let got = shortened(&state.text);
    ensure(
        keys(&state.value) == ["type", "gama", "player"],
        "type, gama, player",
        &got,
    )?;
    ensure(state.value["player"].is_object(), "`player` is an object", &got)?;
    if rig.is_gamaless {
        return Ok(());
    }
    let gama = &state.value["gama"];
    ensure(keys(gama) == GAMA_FIELDS, format!("gama has {GAMA_FIELDS:?}"), &got)?;
    let right = gama["connected"].is_boolean()
        && gama["loading"].is_boolean()
        && ["experiment_state", "experiment_id", "experiment_name"]
            .iter()
            .all(|name| gama[*name].is_string());
    ensure(right, "connected and loading are bools, the others texts", &got)
}

/// SI-13: nothing is to be waited for.
pub(super) async fn connected(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    await_state(&mut monitor, "connected, NONE, not loading", |gama| {
        gama["connected"] == json!(true) && gama["experiment_state"] == "NONE" && gama["loading"] == json!(false)
    })
    .await
}

/// SI-13: each state.
pub(super) async fn passed(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    rig.launch(&mut monitor).await?;
    for state in ["RUNNING", "PAUSED", "FINISHED", "NOTREADY", "NONE"] {
        rig.stage()?.status(state).await?;
        await_state(&mut monitor, state, |gama| gama["experiment_state"] == state).await?;
    }
    Ok(())
}

/// SI-13: a command is on its way.
pub(super) async fn loading(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    rig.stage_model(&mut monitor).await?;
    let gama = rig.stage()?;
    gama.hold("load");
    let from = gama.mark();
    monitor.say(r#"{"type":"launch_experiment"}"#).await?;
    let load = gama.expect(from, "`load`", |command| command.kind() == "load").await?;
    await_state(&mut monitor, "loading, while GAMA loads", |gama| {
        gama["loading"] == json!(true)
    })
    .await?;
    gama.answer(&load, load.field("experiment")).await?;
    gama.status("NOTREADY").await?;
    gama.status("PAUSED").await?;
    await_state(&mut monitor, "PAUSED and not loading, when GAMA has loaded", |gama| {
        gama["experiment_state"] == "PAUSED" && gama["loading"] == json!(false)
    })
    .await
}

/// SI-13: the link is gone.
pub(super) async fn lost(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    rig.launch(&mut monitor).await?;
    let gama = rig.stage()?;
    gama.open(false);
    gama.drop_link();
    await_state(&mut monitor, "not connected, NONE and loading", |gama| {
        gama["connected"] == json!(false) && gama["experiment_state"] == "NONE" && gama["loading"] == json!(true)
    })
    .await
}

/// SI-12: many changes at once.
pub(super) async fn burst(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    rig.launch(&mut monitor).await?;
    let gama = rig.stage()?;
    let told = monitor.log().len();
    let start = Instant::now();
    for turn in 0..BURST_LEN {
        gama.status(if turn % 2 == 0 { "RUNNING" } else { "PAUSED" }).await?;
    }
    gama.status("FINISHED").await?;
    await_state(&mut monitor, "FINISHED, the last of the burst", |gama| {
        gama["experiment_state"] == "FINISHED"
    })
    .await?;
    let took = start.elapsed();
    let states = monitor.log()[told..]
        .iter()
        .filter(|heard| heard.kind() == "json_state")
        .count();
    let most = STATES_BESIDE + (STATES_PER_SECOND * took.as_secs_f64()) as usize;
    ensure(
        states <= most,
        format!("at most {most} states in {took:?} for {BURST_LEN} changes"),
        states,
    )
}

/// SI-14, GA-8: what GAMA complains about.
pub(super) async fn errors(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    let gama = rig.stage()?;
    for (number, kind) in ERRORS.iter().enumerate() {
        let words = format!("conform \"{number}\"");
        let content = match number % 2 {
            0 => json!(words),
            _ => json!({"exception": words, "cycle": 3}),
        };
        let message = json!({"type": kind, "content": content, "exp_id": "0"});
        gama.say(message.to_string()).await?;
        await_state(&mut monitor, &format!("content_error of {message}"), |gama| {
            is_error(&gama["content_error"], &message, &words)
        })
        .await?;
    }
    Ok(())
}

fn is_error(shown: &Value, message: &Value, words: &str) -> bool {
    match shown {
        Value::String(text) => text.contains(words) || text.contains(&message["content"].to_string()),
        other => other == message,
    }
}

/// SI-14: it is over.
pub(super) async fn cleared(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    rig.launch(&mut monitor).await?;
    let gama = rig.stage()?;
    let error = json!({"type": "SimulationError", "content": "conform", "exp_id": "0"});
    gama.say(error.to_string()).await?;
    await_state(&mut monitor, "content_error of SimulationError", |gama| {
        gama["content_error"] != ""
    })
    .await?;
    monitor.say(r#"{"type":"resume_experiment"}"#).await?;
    await_state(&mut monitor, "RUNNING, with content_error empty again", |gama| {
        gama["experiment_state"] == "RUNNING" && gama["content_error"] == ""
    })
    .await
}

/// SI-23: somebody does not want to wait.
pub(super) async fn retried(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    let gama = rig.stage()?;
    let links = gama.links();
    let lost_at = Instant::now();
    gama.drop_link();
    await_state(&mut monitor, "not connected", |gama| gama["connected"] == json!(false)).await?;
    monitor.say(r#"{"type":"try_connection"}"#).await?;
    let came = gama.link_number(links + 1, lost_at + RETRY_MAX).await;
    ensure(
        came,
        format!("the platform comes back within {RETRY_MAX:?}, because it was asked to"),
        "it did not",
    )
}
