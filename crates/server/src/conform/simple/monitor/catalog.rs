//! Models, selections and the screen (SI-10, SI-15 to SI-17, SI-22, SI-23).

use crate::conform::message::shortened;
use crate::conform::rig::{Stop, ensure};
use crate::conform::simple::peer::{Heard, Peer};
use crate::conform::simple::rig::{Rig, catalog_of, is_catalog, is_selected, models_of, settle};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// How soon the answer to `send_simulation` must come (SI-17).
const SOON: Duration = Duration::from_millis(100);
/// Answers of which one must have come so soon: a busy machine between us is nobody's fault.
const SOON_TRIES: usize = 8;
/// An index that no list of models is long enough for.
const BEYOND: u64 = 1_000_000;

/// Skips a check that needs so many models.
fn needs_models(rig: &Rig, count: usize) -> Result<(), Stop> {
    if rig.models.len() < count {
        let have = rig.models.len();
        return Err(Stop::skipped(format!(
            "the platform has {have} models, and it needs {count}"
        )));
    }
    Ok(())
}

/// The first messages of a connection up to the answer of a first request.
async fn greeted(rig: &Rig, label: &'static str) -> Result<Vec<Heard>, Stop> {
    let mut peer = rig.fresh_monitor(label).await?;
    settle(&mut peer).await?;
    Ok(peer.log().iter().filter(|heard| !is_catalog(heard)).cloned().collect())
}

/// SI-10: what a new monitor is told.
pub(super) async fn active(rig: &mut Rig) -> Result<(), Stop> {
    needs_models(rig, 1)?;
    let told = greeted(rig, "newcomer").await?;
    let kinds: Vec<&str> = told.iter().map(Heard::kind).collect();
    ensure(
        kinds.first() == Some(&"json_state") && kinds.get(1) == Some(&"json_settings"),
        "json_state and then json_settings",
        format!("{kinds:?}"),
    )?;
    let settings = &told[1].value;
    ensure(
        settings.get("name").is_some() && settings.get("experiment_name").is_some(),
        "the settings have a name and an experiment_name",
        shortened(&told[1].text),
    )?;
    ensure(
        settings.get("model_index").is_none(),
        "the settings on connection are bare, without model_index",
        shortened(&told[1].text),
    )
}

async fn ask_catalog(peer: &mut Peer) -> Result<Vec<Value>, Stop> {
    peer.say(r#"{"type":"get_simulation_informations"}"#).await?;
    catalog_of(&peer.next("the catalog", is_catalog).await?)
}

/// SI-15: the shape of the list.
pub(super) async fn catalog(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.monitor("monitor").await?;
    let entries = ask_catalog(&mut peer).await?;
    look_at_entries(&entries)
}

fn look_at_entries(entries: &[Value]) -> Result<(), Stop> {
    for entry in entries {
        let got = shortened(&entry.to_string());
        let has_text = |name: &str| entry.get(name).is_some_and(Value::is_string);
        let has_splash = entry.get("splashscreen").is_none_or(Value::is_string);
        match entry.get("type").and_then(Value::as_str) {
            Some("json_settings") => ensure(
                has_text("name") && has_splash && entry.get("model_index").is_some_and(Value::is_u64),
                "a model has a name, a model_index, and a splashscreen that is a text where there is one",
                got,
            )?,
            Some("catalog") => {
                let Some(Value::Array(inner)) = entry.get("entries") else {
                    return Err(Stop::failed("a catalog has a list of entries", got));
                };
                ensure(
                    has_text("name") && has_splash,
                    "a catalog has a name, and a splashscreen that is a text where there is one",
                    got,
                )?;
                look_at_entries(inner)?;
            }
            _ => return Err(Stop::failed("an entry is of type json_settings or catalog", got)),
        }
    }
    Ok(())
}

/// SI-15: an index names one model. It may skip some, because not every model has to stand in the list (SI-51).
pub(super) async fn indices(rig: &mut Rig) -> Result<(), Stop> {
    needs_models(rig, 2)?;
    let mut peer = rig.monitor("monitor").await?;
    let mut found: Vec<u64> = models_of(&ask_catalog(&mut peer).await?)
        .iter()
        .map(|model| model.index)
        .collect();
    found.sort_unstable();
    let twice = found.windows(2).find(|pair| pair[0] == pair[1]);
    ensure(twice.is_none(), "each index once", format!("{found:?}"))
}

/// SI-15: nobody else asked for it.
pub(super) async fn catalog_to_one(rig: &mut Rig) -> Result<(), Stop> {
    let mut asker = rig.monitor("asker").await?;
    let mut other = rig.monitor("other").await?;
    let told = other.log().len();
    ask_catalog(&mut asker).await?;
    // The screen goes to all, behind whatever was sent before.
    asker
        .say(r#"{"type":"screen_control","display_type":"conform"}"#)
        .await?;
    other
        .next("screen_control", |heard| heard.kind() == "screen_control")
        .await?;
    let stray = other.log()[told..].iter().find(|heard| is_catalog(heard));
    ensure(
        stray.is_none(),
        "the other monitor gets no catalog",
        stray.map_or_else(String::new, |heard| shortened(&heard.text)),
    )
}

/// SI-16: each model by its index.
pub(super) async fn selected(rig: &mut Rig) -> Result<(), Stop> {
    needs_models(rig, 1)?;
    let mut peer = rig.monitor("monitor").await?;
    for model in rig.models.clone() {
        let settings = rig.select(&mut peer, model.index).await?;
        look_at_settings(&settings, model.index, &model.name)?;
    }
    Ok(())
}

fn look_at_settings(settings: &Value, index: u64, name: &str) -> Result<(), Stop> {
    let got = shortened(&settings.to_string());
    ensure(
        settings["name"] == name,
        format!("the settings of model {index}, which is {name:?} in the catalog"),
        &got,
    )?;
    ensure(settings["model_index"] == index, format!("model_index {index}"), &got)?;
    let path = settings["model_file_path"].as_str().unwrap_or("");
    let has_drive = path.get(1..3).is_some_and(|start| start == ":\\" || start == ":/");
    ensure(
        path.starts_with('/') || path.starts_with("\\\\") || has_drive,
        "model_file_path is absolute",
        &got,
    )?;
    ensure(
        settings["experiment_name"].is_string(),
        "experiment_name is a text",
        &got,
    )
}

/// SI-16: `"2"` is 2.
pub(super) async fn text_index(rig: &mut Rig) -> Result<(), Stop> {
    needs_models(rig, 1)?;
    let mut peer = rig.monitor("monitor").await?;
    for model in rig.models.clone() {
        peer.tell(&json!({"type": "get_simulation_by_index", "simulationIndex": model.index.to_string()}))
            .await?;
        let answer = peer.next("the settings of the model", is_selected).await?;
        look_at_settings(&answer.value["simulation"], model.index, &model.name)?;
    }
    Ok(())
}

/// SI-16: what is out of range or no whole number.
pub(super) async fn refused(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.monitor("monitor").await?;
    for index in [
        json!(BEYOND),
        json!(-1),
        json!(0.5),
        json!("x"),
        json!(""),
        json!(true),
        json!([0]),
        json!(null),
    ] {
        let told = peer.log().len();
        peer.tell(&json!({"type": "get_simulation_by_index", "simulationIndex": index}))
            .await?;
        peer.tell(&json!({"type": "send_simulation", "simulation": {"model_index": index}}))
            .await?;
        no_answer(&mut peer, told, &format!("index {index}")).await?;
    }
    let told = peer.log().len();
    peer.say(r#"{"type":"get_simulation_by_index"}"#).await?;
    no_answer(&mut peer, told, "a missing index").await
}

async fn no_answer(peer: &mut Peer, told: usize, what: &str) -> Result<(), Stop> {
    settle(peer).await?;
    let answer = peer.log()[told..].iter().find(|heard| is_selected(heard));
    ensure(
        answer.is_none(),
        format!("{what} is not answered"),
        answer.map_or_else(String::new, |heard| shortened(&heard.text)),
    )
}

/// SI-16: front ends are not told what another has selected.
pub(super) async fn selected_to_one(rig: &mut Rig) -> Result<(), Stop> {
    needs_models(rig, 1)?;
    let mut asker = rig.monitor("asker").await?;
    let mut other = rig.monitor("other").await?;
    let told = other.log().len();
    rig.select(&mut asker, rig.models[0].index).await?;
    asker
        .say(r#"{"type":"screen_control","display_type":"conform"}"#)
        .await?;
    other
        .next("screen_control", |heard| heard.kind() == "screen_control")
        .await?;
    let stray = other.log()[told..].iter().find(|heard| is_selected(heard));
    ensure(
        stray.is_none(),
        "the other monitor is not told of the selection",
        stray.map_or_else(String::new, |heard| shortened(&heard.text)),
    )
}

/// SI-16: there is one active model for all.
pub(super) async fn global(rig: &mut Rig) -> Result<(), Stop> {
    needs_models(rig, 2)?;
    let mut asker = rig.monitor("asker").await?;
    for model in [rig.models[1].clone(), rig.models[0].clone()] {
        let settings = rig.select(&mut asker, model.index).await?;
        let told = greeted(rig, "newcomer").await?;
        let got = told.iter().find(|heard| heard.kind() == "json_settings");
        let bare = got.map(|heard| &heard.value);
        let same = ["name", "model_file_path", "experiment_name"];
        ensure(
            bare.is_some_and(|bare| same.iter().all(|field| bare[*field] == settings[*field])),
            format!(
                "a new monitor gets the settings of {:?}, which was selected last",
                model.name
            ),
            got.map_or("none".to_owned(), |heard| shortened(&heard.text)),
        )?;
    }
    Ok(())
}

async fn send_simulation(peer: &mut Peer, index: &Value) -> Result<Value, Stop> {
    peer.tell(&json!({"type": "send_simulation", "simulation": {"model_index": index}}))
        .await?;
    let answer = peer.next("the settings of the model", is_selected).await?;
    Ok(answer.value["simulation"].clone())
}

/// SI-17: the other way to select.
pub(super) async fn sent(rig: &mut Rig) -> Result<(), Stop> {
    needs_models(rig, 1)?;
    let mut peer = rig.monitor("monitor").await?;
    for model in rig.models.clone() {
        for index in [json!(model.index), json!(model.index.to_string())] {
            let settings = send_simulation(&mut peer, &index).await?;
            look_at_settings(&settings, model.index, &model.name)?;
        }
    }
    Ok(())
}

/// SI-17: a front end gives up after 100 ms.
pub(super) async fn soon(rig: &mut Rig) -> Result<(), Stop> {
    needs_models(rig, 1)?;
    let mut peer = rig.monitor("monitor").await?;
    let index = json!(rig.models[0].index);
    let mut best = Duration::MAX;
    for _ in 0..SOON_TRIES {
        let start = Instant::now();
        send_simulation(&mut peer, &index).await?;
        best = best.min(start.elapsed());
    }
    ensure(
        best <= SOON,
        format!("one of {SOON_TRIES} answers within {SOON:?}"),
        format!("the quickest took {best:?}"),
    )
}

/// SI-22: to all, as it came.
pub(super) async fn screen(rig: &mut Rig) -> Result<(), Stop> {
    let mut sender = rig.monitor("sender").await?;
    let mut other = rig.monitor("other").await?;
    for display in [json!("stream"), json!({"deep": [1, "x"]}), json!(null)] {
        let message = json!({"type": "screen_control", "display_type": display});
        sender.tell(&message).await?;
        for peer in [&mut sender, &mut other] {
            let heard = peer
                .next("screen_control", |heard| heard.kind() == "screen_control")
                .await?;
            ensure(heard.value == message, message.to_string(), &heard.text)?;
        }
    }
    Ok(())
}

/// SI-22: nothing given, nothing said.
pub(super) async fn bare_screen(rig: &mut Rig) -> Result<(), Stop> {
    let mut sender = rig.monitor("sender").await?;
    sender.say(r#"{"type":"screen_control"}"#).await?;
    let heard = sender
        .next("screen_control", |heard| heard.kind() == "screen_control")
        .await?;
    ensure(
        heard.value == json!({"type": "screen_control"}),
        r#"{"type":"screen_control"}"#,
        &heard.text,
    )
}

/// SI-22: who comes later sees the same.
pub(super) async fn late_screen(rig: &mut Rig) -> Result<(), Stop> {
    let mut sender = rig.monitor("sender").await?;
    let message = json!({"type": "screen_control", "display_type": "conform"});
    sender.tell(&message).await?;
    sender
        .next("screen_control", |heard| heard.kind() == "screen_control")
        .await?;
    let told = greeted(rig, "newcomer").await?;
    let kinds: Vec<&str> = told.iter().map(Heard::kind).collect();
    let expected = match rig.models.is_empty() {
        true => &["json_state", "screen_control"][..],
        false => &["json_state", "json_settings", "screen_control"][..],
    };
    // Some platforms tell everybody what they tell a newcomer, so more of the same may follow.
    ensure(
        kinds.starts_with(expected),
        format!("{expected:?}"),
        format!("{kinds:?}"),
    )?;
    let got = &told[expected.len() - 1];
    ensure(got.value == message, message, &got.text)
}

/// SI-23: nothing to say.
pub(super) async fn try_connection(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.monitor("monitor").await?;
    let told = peer.log().len();
    peer.say(r#"{"type":"try_connection"}"#).await?;
    settle(&mut peer).await?;
    let answer = peer.log()[told..]
        .iter()
        .find(|heard| !is_catalog(heard) && heard.kind() != "json_state");
    ensure(
        answer.is_none(),
        "nothing comes for it",
        answer.map_or("", |heard| heard.text.as_str()),
    )
}
