//! What one run knows about the GAMA under test, and the means that its checks share.

use super::{GamaFlavour, GamaOptions};
use crate::conform::message::{Transcript, shortened};
use crate::conform::rig::{Stop, ensure};
use crate::conform::simple::peer::{Heard, How, Peer};
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// Types of messages that say that a command was not carried out (GA-4, GA-8).
const REFUSALS: &[&str] = &[
    "UnableToExecuteRequest",
    "MalformedRequest",
    "GamaServerError",
    "RuntimeError",
];
/// The answer to a command that was carried out.
const EXECUTED: &str = "CommandExecutedSuccessfully";

/// Pause between two looks at the cycle.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One run of the suite.
pub(crate) struct Rig {
    url: String,
    limit: Duration,
    load_limit: Duration,
    /// Also the checks that take ten seconds and more.
    pub(super) slow: bool,
    /// What went both ways in the running check.
    pub(super) transcript: Transcript,
    model: String,
    experiment: String,
    flavour: Option<GamaFlavour>,
}

/// A connection with an experiment.
pub(super) struct Lab {
    /// The client.
    pub(super) peer: Peer,
    /// Id of the experiment.
    pub(super) exp_id: String,
    /// The `load` as it was sent.
    pub(super) load: Value,
    /// The answer to it.
    pub(super) answer: Heard,
}

impl Rig {
    /// A rig that has learnt nothing yet.
    pub(super) fn new(url: &str, options: &GamaOptions) -> Rig {
        Rig {
            url: url.to_owned(),
            limit: options.limit,
            load_limit: options.load_limit,
            slow: options.slow,
            transcript: Transcript::default(),
            model: options.model.clone(),
            experiment: options.experiment.clone(),
            flavour: options.flavour,
        }
    }

    /// A client that was greeted.
    pub(super) async fn client(&self) -> Result<Peer, Stop> {
        let mut peer = Peer::connect(&self.url, How::named("client"), self.limit, &self.transcript).await?;
        let greeting = peer.next("ConnectionSuccessful", |_| true).await?;
        ensure(
            greeting.kind() == "ConnectionSuccessful" && greeting.value["content"].is_string(),
            r#"{"type":"ConnectionSuccessful","content":"<id of the socket>"} first of all"#,
            shortened(&greeting.text),
        )?;
        Ok(peer)
    }

    /// A client with an experiment that is paused.
    pub(super) async fn lab(&mut self) -> Result<Lab, Stop> {
        let mut peer = self.client().await?;
        let load = json!({"type": "load", "model": self.model, "experiment": self.experiment});
        peer.tell(&load).await?;
        let answer = self.answer_within(&mut peer, &load, self.load_limit).await?;
        ensure(
            answer.kind() == EXECUTED,
            format!("{EXECUTED} for a load of experiment {:?}", self.experiment),
            shortened(&answer.text),
        )?;
        let content = answer.value["content"].as_str().unwrap_or("").to_owned();
        let found = match content == self.experiment {
            true => GamaFlavour::Gui,
            false => GamaFlavour::Headless,
        };
        let flavour = *self.flavour.get_or_insert(found);
        let exp_id = match flavour {
            GamaFlavour::Gui => {
                self.is_ready(&mut peer).await?;
                "0".to_owned()
            }
            GamaFlavour::Headless => content,
        };
        Ok(Lab {
            peer,
            exp_id,
            load,
            answer,
        })
    }

    /// A lab, of a GAMA of this flavour only.
    pub(super) async fn lab_of(&mut self, flavour: GamaFlavour) -> Result<Lab, Stop> {
        let lab = self.lab().await?;
        if self.flavour == Some(flavour) {
            return Ok(lab);
        }
        self.end(lab).await?;
        Err(Stop::skipped(match flavour {
            GamaFlavour::Gui => "it is headless: it tells no states",
            GamaFlavour::Headless => "it has a window, and one experiment",
        }))
    }

    /// Name of the experiment that is loaded.
    pub(super) fn experiment(&self) -> &str {
        &self.experiment
    }

    /// Which GAMA it is, once one experiment was loaded.
    pub(super) fn is_gui(&self) -> bool {
        self.flavour == Some(GamaFlavour::Gui)
    }

    /// Waits until this connection was told that the experiment is there.
    async fn is_ready(&self, peer: &mut Peer) -> Result<(), Stop> {
        let is_it = |heard: &Heard| {
            heard.kind() == "SimulationStatus"
                && ["PAUSED", "RUNNING"]
                    .iter()
                    .any(|state| heard.value["content"] == *state)
        };
        let came = peer.until(|log| log.iter().any(is_it)).await?;
        ensure(came, "SimulationStatus PAUSED after a load", "it did not come")
    }

    /// Sends a command and gives its answer, whatever that is.
    pub(super) async fn ask(&self, peer: &mut Peer, command: &Value) -> Result<Heard, Stop> {
        peer.tell(command).await?;
        self.answer_within(peer, command, self.limit * 4).await
    }

    /// Sends a command that must be carried out.
    pub(super) async fn done(&self, peer: &mut Peer, command: &Value) -> Result<Heard, Stop> {
        let answer = self.ask(peer, command).await?;
        ensure(
            answer.kind() == EXECUTED,
            format!("{EXECUTED} for {command}"),
            shortened(&answer.text),
        )?;
        Ok(answer)
    }

    /// Sends a command that must be refused.
    pub(super) async fn refused(&self, peer: &mut Peer, command: &Value) -> Result<Heard, Stop> {
        let answer = self.ask(peer, command).await?;
        ensure(
            is_refusal(&answer),
            format!("a refusal of {command}"),
            shortened(&answer.text),
        )?;
        Ok(answer)
    }

    /// A control command for the experiment of a lab.
    pub(super) async fn control(&self, lab: &mut Lab, kind: &str) -> Result<Heard, Stop> {
        let command = json!({"type": kind, "exp_id": lab.exp_id});
        self.done(&mut lab.peer, &command).await
    }

    /// The same, up to the state that it leads to; the state may come before or after the answer.
    pub(super) async fn control_and_status(&self, lab: &mut Lab, kind: &str, state: &str) -> Result<(), Stop> {
        let told = lab.peer.log().len();
        self.control(lab, kind).await?;
        let is_it = |heard: &Heard| heard.kind() == "SimulationStatus" && heard.value["content"] == state;
        let came = lab.peer.until(|log| log[told..].iter().any(is_it)).await?;
        ensure(
            came,
            format!("SimulationStatus {state} after {kind}"),
            "it did not come",
        )
    }

    /// What an expression evaluates to, as a text.
    pub(super) async fn evaluate(&self, lab: &mut Lab, expr: &str) -> Result<String, Stop> {
        let command = json!({"type": "expression", "exp_id": lab.exp_id, "expr": expr});
        let answer = self.done(&mut lab.peer, &command).await?;
        Ok(match &answer.value["content"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    /// Evaluates `cycle` again and again until it is such a number. A refusal is no answer yet: a reload may take its time.
    pub(super) async fn cycle_until(
        &self,
        lab: &mut Lab,
        what: &str,
        holds: impl Fn(u64) -> bool,
    ) -> Result<u64, Stop> {
        let deadline = Instant::now() + self.limit;
        let command = json!({"type": "expression", "exp_id": lab.exp_id, "expr": "cycle"});
        loop {
            let answer = self.ask(&mut lab.peer, &command).await?;
            let content = &answer.value["content"];
            let cycle = content.as_u64().or_else(|| content.as_str()?.trim().parse().ok());
            match cycle {
                Some(cycle) if holds(cycle) => return Ok(cycle),
                None if !is_refusal(&answer) => {
                    return Err(Stop::failed(
                        "`cycle` evaluates to a whole number",
                        shortened(&answer.text),
                    ));
                }
                _ if Instant::now() > deadline => {
                    return Err(Stop::failed(what, format!("it stays {}", shortened(&answer.text))));
                }
                _ => lab.peer.listen(LOOK_EVERY).await?,
            }
        }
    }

    /// Ends the experiment, so that the next check finds none.
    pub(super) async fn end(&self, mut lab: Lab) -> Result<(), Stop> {
        match self.is_gui() {
            true => self.control_and_status(&mut lab, "stop", "NONE").await?,
            false => self.control(&mut lab, "stop").await.map(drop)?,
        }
        lab.peer.leave().await
    }

    async fn answer_within(&self, peer: &mut Peer, command: &Value, limit: Duration) -> Result<Heard, Stop> {
        let deadline = Instant::now() + limit;
        let is_it = |heard: &Heard| {
            let echoed = &heard.value["command"];
            let answers = heard.kind() == EXECUTED || is_refusal(heard);
            answers && (echoed.is_null() || echoed["type"] == command["type"])
        };
        let answer = peer
            .next_before(deadline, is_it)
            .await?
            .ok_or_else(|| Stop::failed(format!("an answer to {command}"), format!("none within {limit:?}")))?;
        ensure(
            carries(&answer.value["command"], command),
            format!("an answer that carries the command {command}"),
            shortened(&answer.text),
        )?;
        Ok(answer)
    }
}

/// The command came back with all of its fields, in any order (GA-4).
fn carries(echoed: &Value, command: &Value) -> bool {
    let none = Map::new();
    let (echoed, sent) = (
        echoed.as_object().unwrap_or(&none),
        command.as_object().unwrap_or(&none),
    );
    sent.iter().all(|(name, value)| echoed.get(name) == Some(value))
}

/// It says that a command was not carried out.
pub(super) fn is_refusal(heard: &Heard) -> bool {
    REFUSALS.contains(&heard.kind())
}
