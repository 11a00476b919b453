//! The table of the checks and the checks themselves: greeting, answers, states, outputs, errors, further commands.

use super::GamaFlavour;
use super::rig::{Rig, is_refusal};
use crate::conform::checks::{Entry, checks};
use crate::conform::message::shortened;
use crate::conform::rig::{Stop, ensure};
use crate::conform::simple::peer::Heard;
use serde_json::{Value, json};
use std::time::Duration;

/// How often GAMA pings, and time to spare (GA-1).
const PING_WITHIN: Duration = Duration::from_secs(13);
/// Steps before a reload, so that it shows.
const STEPS: u64 = 3;

/// Comes before all others: a server that does not greet is none.
pub(super) const REACHED: Entry<Rig> = Entry {
    id: "GA-1.greeting",
    claim: "GA-1",
    title: "the first message is ConnectionSuccessful",
    run: |rig| Box::pin(greeting(rig)),
};

/// Every check but the first, in the order in which they run.
pub(super) const CHECKS: &[Entry<Rig>] = checks! {
    "GA-1.pong" "GA-1" "a WebSocket ping is answered" pong;
    "GA-1.ping" "GA-1" "the server sends a WebSocket ping every 10 s" ping;
    "GA-4.command" "GA-4" "the answer to a load carries the load" command;
    "GA-4.extra" "GA-4" "fields that the server does not know travel back" extra;
    "GA-9.content" "GA-9" "the answer to a load holds the name of the experiment, or headless its id" content;
    "GA-5.states" "GA-5" "with a window, states follow the commands, with exp_id 0" states;
    "GA-5.changes" "GA-5" "with a window, a state is told when it changes, and not again" changes;
    "GA-6.silent" "GA-6" "headless, no state is told" silent;
    "GA-6.ids" "GA-6" "headless, every load has an id of its own" ids;
    "GA-6.unknown" "GA-6" "headless, a command for an unknown experiment is refused" unknown_experiment;
    "GA-7.outputs" "GA-7" "outputs for players are a text with contents, each with its players" outputs;
    "GA-8.type" "GA-8" "a command of an unknown type is refused" unknown_type;
    "GA-8.malformed" "GA-8" "what is no command is refused, and the link stays" malformed;
    "GA-8.model" "GA-8" "a model that is not there is refused" missing_model;
    "GA-8.expression" "GA-8" "an expression that means nothing is refused" bad_expression;
    "GA-12.expression" "GA-12" "an expression is evaluated" expression;
    "GA-12.ask" "GA-12" "an ask is answered" ask;
    "GA-12.step" "GA-12" "a step makes one cycle" step;
    "GA-12.reload" "GA-12" "a reload begins anew" reload;
    "GA-12.describe" "GA-12" "describe is answered" describe;
};

/// GA-1: hello.
async fn greeting(rig: &mut Rig) -> Result<(), Stop> {
    rig.client().await?.leave().await
}

/// GA-1: a sign of life on request.
async fn pong(rig: &mut Rig) -> Result<(), Stop> {
    rig.client().await?.ping().await
}

/// GA-1: a sign of life by itself.
async fn ping(rig: &mut Rig) -> Result<(), Stop> {
    if !rig.slow {
        return Err(Stop::skipped("it takes 10 s: ask for it with --slow"));
    }
    let mut peer = rig.client().await?;
    peer.listen(PING_WITHIN).await?;
    ensure(peer.was_pinged(), format!("a ping within {PING_WITHIN:?}"), "none")
}

/// GA-4: what it answers. That each answer carries its command is looked at with every command of the suite.
async fn command(rig: &mut Rig) -> Result<(), Stop> {
    let lab = rig.lab().await?;
    ensure(
        lab.answer.value["command"]["model"] == lab.load["model"],
        "the answer carries the model that was to be loaded",
        shortened(&lab.answer.text),
    )?;
    rig.end(lab).await
}

/// GA-4: the way to tell answers apart.
async fn extra(rig: &mut Rig) -> Result<(), Stop> {
    let mut lab = rig.lab().await?;
    let command =
        json!({"type": "expression", "exp_id": lab.exp_id, "expr": "cycle", "api_id": 4711, "note": "conform"});
    rig.done(&mut lab.peer, &command).await?;
    rig.end(lab).await
}

/// GA-9: name or id.
async fn content(rig: &mut Rig) -> Result<(), Stop> {
    let lab = rig.lab().await?;
    let got = shortened(&lab.answer.text);
    let content = &lab.answer.value["content"];
    let name = rig.experiment();
    match rig.is_gui() {
        true => ensure(content == name, format!("content {name:?}"), got)?,
        false => ensure(
            content.as_str().is_some_and(|id| !id.is_empty() && id != name),
            "content is a text, and not the name of the experiment",
            got,
        )?,
    }
    rig.end(lab).await
}

/// GA-5: each command and its state.
async fn states(rig: &mut Rig) -> Result<(), Stop> {
    let mut lab = rig.lab_of(GamaFlavour::Gui).await?;
    for (kind, state) in [("play", "RUNNING"), ("pause", "PAUSED"), ("stop", "NONE")] {
        rig.control_and_status(&mut lab, kind, state).await?;
    }
    let odd = lab
        .peer
        .log()
        .iter()
        .find(|heard| is_status(heard) && heard.value["exp_id"] != "0");
    ensure(
        odd.is_none(),
        "every state has exp_id \"0\"",
        odd.map_or("", |heard| heard.text.as_str()),
    )?;
    lab.peer.leave().await
}

fn is_status(heard: &Heard) -> bool {
    heard.kind() == "SimulationStatus"
}

/// GA-5: not twice.
async fn changes(rig: &mut Rig) -> Result<(), Stop> {
    let mut lab = rig.lab_of(GamaFlavour::Gui).await?;
    for (kind, state) in [
        ("play", "RUNNING"),
        ("pause", "PAUSED"),
        ("play", "RUNNING"),
        ("pause", "PAUSED"),
    ] {
        rig.control_and_status(&mut lab, kind, state).await?;
    }
    rig.evaluate(&mut lab, "cycle").await?;
    let told: Vec<&Value> = lab
        .peer
        .log()
        .iter()
        .filter(|heard| is_status(heard))
        .map(|heard| &heard.value["content"])
        .collect();
    let repeat = told.windows(2).find(|pair| pair[0] == pair[1]);
    ensure(repeat.is_none(), "no state follows itself", format!("{told:?}"))?;
    rig.end(lab).await
}

/// GA-6: nothing but answers.
async fn silent(rig: &mut Rig) -> Result<(), Stop> {
    let mut lab = rig.lab_of(GamaFlavour::Headless).await?;
    for kind in ["play", "pause"] {
        rig.control(&mut lab, kind).await?;
    }
    rig.evaluate(&mut lab, "cycle").await?;
    let told = lab.peer.log().iter().find(|heard| is_status(heard));
    ensure(
        told.is_none(),
        "no SimulationStatus",
        told.map_or("", |heard| heard.text.as_str()),
    )?;
    rig.end(lab).await
}

/// GA-6: two at once.
async fn ids(rig: &mut Rig) -> Result<(), Stop> {
    let first = rig.lab_of(GamaFlavour::Headless).await?;
    let second = rig.lab().await?;
    ensure(
        first.exp_id != second.exp_id,
        "two ids for two loads",
        format!("{:?} twice", first.exp_id),
    )?;
    rig.end(second).await?;
    rig.end(first).await
}

/// GA-6: nobody's id.
async fn unknown_experiment(rig: &mut Rig) -> Result<(), Stop> {
    let mut lab = rig.lab_of(GamaFlavour::Headless).await?;
    for kind in ["play", "pause", "step", "reload", "stop"] {
        let command = json!({"type": kind, "exp_id": "no experiment of conform"});
        rig.refused(&mut lab.peer, &command).await?;
    }
    rig.end(lab).await
}

/// GA-7: their shape.
async fn outputs(rig: &mut Rig) -> Result<(), Stop> {
    let mut lab = rig.lab().await?;
    let create = json!({"type": "expression", "exp_id": lab.exp_id, "expr": "do create_player(\"Conform\");"});
    // A model without players refuses this and sends no outputs, which is no fault of the server.
    rig.ask(&mut lab.peer, &create).await?;
    let exp_id = lab.exp_id.clone();
    rig.ask(&mut lab.peer, &init_data(&exp_id)).await?;
    rig.control(&mut lab, "play").await?;
    let is_output = |heard: &Heard| heard.kind() == "SimulationOutput" && !heard.value["content"].is_object();
    let came = lab.peer.until(|log| log.iter().any(is_output)).await?;
    rig.control(&mut lab, "pause").await?;
    for output in lab.peer.log().iter().filter(|heard| is_output(heard)) {
        look_at_output(output)?;
    }
    rig.end(lab).await?;
    match came {
        true => Ok(()),
        false => Err(Stop::skipped(
            "the model sends its players nothing, or does not know the action create_player",
        )),
    }
}

fn init_data(exp_id: &str) -> Value {
    let args = json!({"id": "Conform"}).to_string();
    json!({"type": "ask", "action": "send_init_data", "args": args, "agent": "simulation[0].unity_linker[0]", "exp_id": exp_id})
}

fn look_at_output(output: &Heard) -> Result<(), Stop> {
    let got = shortened(&output.text);
    let text = output.value["content"].as_str();
    let inner: Option<Value> = text.and_then(|text| serde_json::from_str(text).ok());
    let pieces = inner.as_ref().and_then(|inner| inner["contents"].as_array());
    let Some(pieces) = pieces else {
        return Err(Stop::failed(
            "content is a text that holds an object with a list `contents`",
            got,
        ));
    };
    let is_piece = |piece: &Value| {
        let ids = piece["id"].as_array();
        ids.is_some_and(|ids| ids.iter().all(Value::is_string)) && piece.get("contents").is_some()
    };
    ensure(
        pieces.iter().all(is_piece),
        "every element has a list of texts `id`, and `contents`",
        got,
    )
}

/// GA-8: no such command.
async fn unknown_type(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client().await?;
    rig.refused(&mut peer, &json!({"type": "conform"})).await?;
    peer.leave().await
}

/// GA-8: no command at all.
async fn malformed(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client().await?;
    for text in ["{oops", "null", "[]", "42", r#"{"notype":1}"#] {
        peer.say(text).await?;
        peer.next(&format!("an error for {text}"), is_refusal).await?;
    }
    peer.ping().await?;
    peer.leave().await
}

/// GA-8: no such file.
async fn missing_model(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client().await?;
    let load = json!({"type": "load", "model": "/no/model/of/conform.gaml", "experiment": rig.experiment()});
    rig.refused(&mut peer, &load).await?;
    peer.leave().await
}

/// GA-8: no GAML.
async fn bad_expression(rig: &mut Rig) -> Result<(), Stop> {
    let mut lab = rig.lab().await?;
    let command = json!({"type": "expression", "exp_id": lab.exp_id, "expr": "no_action_of_conform("});
    rig.refused(&mut lab.peer, &command).await?;
    rig.evaluate(&mut lab, "cycle").await?;
    rig.end(lab).await
}

/// GA-12: a value.
async fn expression(rig: &mut Rig) -> Result<(), Stop> {
    let mut lab = rig.lab().await?;
    let text = rig.evaluate(&mut lab, "12").await?;
    ensure(text.trim() == "12", "`12` evaluates to 12", text)?;
    rig.cycle_until(&mut lab, "`cycle` evaluates to a number", |_| true)
        .await?;
    rig.end(lab).await
}

/// GA-12: whatever the model says to it.
async fn ask(rig: &mut Rig) -> Result<(), Stop> {
    let mut lab = rig.lab().await?;
    let exp_id = lab.exp_id.clone();
    rig.ask(&mut lab.peer, &init_data(&exp_id)).await?;
    rig.end(lab).await
}

/// GA-12: one cycle.
async fn step(rig: &mut Rig) -> Result<(), Stop> {
    let mut lab = rig.lab().await?;
    let before = rig.cycle_until(&mut lab, "a cycle", |_| true).await?;
    rig.control(&mut lab, "step").await?;
    rig.cycle_until(&mut lab, "`cycle` is one more after a step", |cycle| {
        cycle == before + 1
    })
    .await?;
    rig.end(lab).await
}

/// GA-12: from the beginning.
async fn reload(rig: &mut Rig) -> Result<(), Stop> {
    let mut lab = rig.lab().await?;
    let first = rig.cycle_until(&mut lab, "a cycle", |_| true).await?;
    for _ in 0..STEPS {
        rig.control(&mut lab, "step").await?;
    }
    rig.cycle_until(&mut lab, "`cycle` is three more after three steps", |cycle| {
        cycle >= first + STEPS
    })
    .await?;
    rig.control(&mut lab, "reload").await?;
    rig.cycle_until(&mut lab, "`cycle` is as after a load", |cycle| cycle <= first)
        .await?;
    rig.end(lab).await
}

/// GA-12: what a model holds.
async fn describe(rig: &mut Rig) -> Result<(), Stop> {
    let lab = rig.lab().await?;
    let model = lab.load["model"].clone();
    rig.end(lab).await?;
    let mut peer = rig.client().await?;
    rig.done(&mut peer, &json!({"type": "describe", "model": model}))
        .await?;
    peer.leave().await
}
