//! What one run of the suite knows about the server under test, and the means that its checks share.
//!
//! The rig is black box. It reads the catalog, writes a probe to a few signals of every type, and looks which of them the server
//! keeps: under either direction convention (RV-40) those are the signals that a peer may write. A signal that takes another
//! value by itself is somebody else's and is left alone. What the probes changed is written back at the end.

use super::Options;
use super::message::{Message, Transcript, same_value};
use super::peer::{Pace, Peer};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Signals of one type string that are probed for being writable. More would be written to without need.
const PROBED_PER_TYPE_MAX: usize = 24;
/// Probes in a row that a signal must keep: a bool that moves by itself keeps one by chance.
const PROBE_ROUNDS: usize = 3;
/// How long a server may take to show a kept probe in its catalog.
const PROBE_SETTLE: Duration = Duration::from_millis(300);
/// Pause between two looks at the catalog while a probe settles.
const PROBE_LOOK_EVERY: Duration = Duration::from_millis(25);
/// How long the signals are watched for another writer after a failure.
const RESTLESS_WATCH: Duration = Duration::from_millis(1_000);
/// Values that one run may make up; its numbers stay within a band of this width.
const FRESH_BAND: i64 = 50_000;

/// Why a check ends before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The server does not keep the claim.
    Failed {
        /// What the claim demands.
        expected: String,
        /// What was seen instead.
        got: String,
    },
    /// The check needs something that this server does not have.
    Skipped(String),
}

impl Stop {
    /// A failure with what was expected and what came.
    pub(crate) fn failed(expected: impl fmt::Display, got: impl fmt::Display) -> Stop {
        Stop::Failed {
            expected: expected.to_string(),
            got: got.to_string(),
        }
    }

    /// A check that cannot be made, with the reason.
    pub(crate) fn skipped(why: impl fmt::Display) -> Stop {
        Stop::Skipped(why.to_string())
    }
}

/// Fails with the two texts unless the claim holds.
pub(crate) fn ensure(holds: bool, expected: impl fmt::Display, got: impl fmt::Display) -> Result<(), Stop> {
    if holds {
        Ok(())
    } else {
        Err(Stop::failed(expected, got))
    }
}

/// Kind of a signal's value, as its type string ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number of 32 bits.
    Int,
    /// A number at single precision.
    Float,
    /// A string.
    Text,
}

impl Kind {
    /// The kind of a type string of the contract, prefixed or neutral (RV-40, RV-42).
    pub(crate) fn of_type(text: &str) -> Option<Kind> {
        let neutral = text
            .strip_prefix("PLCInput")
            .or_else(|| text.strip_prefix("PLCOutput"))
            .unwrap_or(text);
        match neutral {
            "Bool" => Some(Kind::Bool),
            "Int" => Some(Kind::Int),
            "Float" => Some(Kind::Float),
            "Text" => Some(Kind::Text),
            _ => None,
        }
    }

    /// Whether a wire value is of this kind.
    pub(crate) fn fits(self, value: &Value) -> bool {
        match self {
            Kind::Bool => value.is_boolean(),
            Kind::Int | Kind::Float => value.is_number(),
            Kind::Text => value.is_string(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::Text => "text",
        })
    }
}

/// One signal of the catalog.
#[derive(Clone, Debug)]
pub(crate) struct Signal {
    /// Its name on the wire.
    pub(crate) name: String,
    /// Kind of its value.
    pub(crate) kind: Kind,
    /// Its value when the suite began.
    pub(crate) initial: Value,
}

/// What was learnt about the server before the checks.
#[derive(Default)]
pub(crate) struct Field {
    /// Signals that keep a peer's write and that nobody else moves.
    pub(crate) writable: Vec<Signal>,
    /// Signals that kept a peer's write at the start, also those that somebody else was found to move since.
    touched: Vec<Signal>,
    /// Signals that do not take a peer's write and stand still.
    pub(crate) owned: Vec<Signal>,
    /// All names of the catalog.
    pub(crate) names: Vec<String>,
    /// The map of config_answer; `None` when the server does not answer config_get.
    pub(crate) config: Option<Map<String, Value>>,
    /// Whether the server sends its catalog unasked (RV-21).
    pub(crate) pushes: bool,
}

/// One run of the suite.
pub(crate) struct Rig {
    /// Address of the server under test.
    pub(crate) url: String,
    /// How long an expected message may take.
    pub(crate) limit: Duration,
    /// How long the slow reader reads nothing.
    pub(crate) hold: Duration,
    /// What went both ways in the running check.
    pub(crate) transcript: Transcript,
    /// What was learnt at the start.
    pub(crate) field: Field,
    next_fresh: i64,
}

impl Rig {
    /// A rig that has learnt nothing yet.
    pub(crate) fn new(url: &str, options: &Options) -> Rig {
        Rig {
            url: url.to_owned(),
            limit: options.limit,
            hold: options.hold,
            transcript: Transcript::default(),
            field: Field::default(),
            next_fresh: 0,
        }
    }

    /// A connected client that has said nothing.
    pub(crate) async fn peer(&self, label: &'static str) -> Result<Peer, Stop> {
        Peer::connect(&self.url, label, Pace::Usual, self.limit, &self.transcript).await
    }

    /// A client that has introduced itself, subscribed to these names and got its snapshot.
    pub(crate) async fn member(&self, label: &'static str, names: &[&str]) -> Result<Peer, Stop> {
        self.member_at(label, names, Pace::Usual).await
    }

    /// The same with a choice of buffers.
    pub(crate) async fn member_at(&self, label: &'static str, names: &[&str], pace: Pace) -> Result<Peer, Stop> {
        let mut peer = Peer::connect(&self.url, label, pace, self.limit, &self.transcript).await?;
        peer.init().await?;
        peer.subscribe(names).await?;
        Ok(peer)
    }

    /// A writable signal of this kind.
    pub(crate) fn one(&self, kind: Kind) -> Result<Signal, Stop> {
        let found = self.field.writable.iter().find(|signal| signal.kind == kind);
        found
            .cloned()
            .ok_or_else(|| Stop::skipped(format!("the server has no quiet {kind} signal that a peer may write")))
    }

    /// A writable number: int, else float.
    pub(crate) fn number(&self) -> Result<Signal, Stop> {
        self.one(Kind::Int)
            .or_else(|_| self.one(Kind::Float))
            .map_err(|_| Stop::skipped("the server has no quiet int or float signal that a peer may write"))
    }

    /// A writable signal beside `other` whose every value can be told from the one before: a number or a text.
    pub(crate) fn marker(&self, other: &Signal) -> Result<Signal, Stop> {
        let found = self
            .field
            .writable
            .iter()
            .find(|signal| signal.kind != Kind::Bool && signal.name != other.name);
        found
            .cloned()
            .ok_or_else(|| Stop::skipped("the server has no second number or text signal that a peer may write"))
    }

    /// A number to write and another signal to mark the end with.
    pub(crate) fn pair(&self) -> Result<(Signal, Signal), Stop> {
        let subject = self.number()?;
        let marker = self.marker(&subject)?;
        Ok((subject, marker))
    }

    /// A signal that does not take a peer's write; one whose values can be told apart, where there is one.
    pub(crate) fn owned(&self) -> Result<Signal, Stop> {
        let told_apart = self.field.owned.iter().find(|signal| signal.kind != Kind::Bool);
        let found = told_apart.or_else(|| self.field.owned.first());
        found
            .cloned()
            .ok_or_else(|| Stop::skipped("every quiet signal of the server takes a peer's write"))
    }

    /// Skips a check of the usual beginning at a server that begins by itself.
    pub(crate) fn waits_to_be_asked(&self) -> Result<(), Stop> {
        if self.field.pushes {
            return Err(Stop::skipped("the server sends its catalog unasked (push_on_connect)"));
        }
        Ok(())
    }

    /// A config map to work with.
    pub(crate) fn config(&self) -> Result<&Map<String, Value>, Stop> {
        self.field
            .config
            .as_ref()
            .ok_or_else(|| Stop::skipped("the server does not answer config_get"))
    }

    /// A bool of the server's configuration, when it has one of that name.
    pub(crate) fn config_flag(&self, key: &str) -> Option<bool> {
        self.field.config.as_ref()?.get(key)?.as_bool()
    }

    /// A whole number that no signal has held in this run.
    pub(crate) fn fresh_number(&mut self) -> i64 {
        self.next_fresh += 1;
        self.next_fresh
    }

    /// A value for this signal that it has not held in this run. A bool gets the opposite of its initial value.
    pub(crate) fn fresh(&mut self, signal: &Signal) -> Value {
        let number = self.fresh_number();
        match signal.kind {
            Kind::Bool => json!(signal.initial != json!(true)),
            Kind::Int => json!(number),
            // A half is exact at single precision, and shows whether a fraction survives.
            Kind::Float => json!(number as f64 + 0.5),
            Kind::Text => json!(format!("conform {} {number}", std::process::id())),
        }
    }

    /// Makes sure that the server has handled everything that this client sent before.
    pub(crate) async fn settle(&self, peer: &mut Peer) -> Result<(), Stop> {
        // A ping would be answered below the protocol, possibly before the messages that went out ahead of it are handled.
        match self.field.config {
            Some(_) => {
                peer.say_json(&json!({"type": "config_get"})).await?;
                peer.expect("config_answer").await.map(drop)
            }
            None => peer.catalog().await.map(drop),
        }
    }

    /// Writes a fresh value to the marker signal and waits until each watcher holds it.
    ///
    /// Deltas are ordered, so what a watcher had to get before must be in its log now.
    pub(crate) async fn mark(
        &mut self,
        writer: &mut Peer,
        marker: &Signal,
        watchers: &mut [&mut Peer],
    ) -> Result<(), Stop> {
        let value = self.fresh(marker);
        writer.write(&marker.name, &value).await?;
        for watcher in watchers {
            watcher.until(&marker.name, &value).await?;
        }
        Ok(())
    }

    /// Reads the catalog and the configuration, and finds out which signals take a peer's write.
    pub(crate) async fn learn(&mut self) -> Result<(), Stop> {
        let mut peer = self.peer("scout").await?;
        peer.init().await?;
        let catalog = peer.catalog().await?;
        self.field.config = learn_config(&mut peer).await?;

        let signals = signals_of(&catalog)?;
        self.next_fresh = quiet_band(&signals);
        self.field.names = signals.iter().map(|signal| signal.name.clone()).collect();
        let chosen = choose_candidates(&catalog, signals);

        let mut keeping: Vec<bool> = vec![true; chosen.len()];
        let mut never_kept: Vec<bool> = vec![true; chosen.len()];
        for round in 0..PROBE_ROUNDS {
            let probes: Vec<Option<Value>> = (0..chosen.len())
                .map(|at| keeping[at].then(|| self.probe(&chosen[at], round)))
                .collect();
            let kept = self.keeps(&mut peer, &chosen, &probes).await?;
            for (at, kept) in kept.into_iter().enumerate() {
                never_kept[at] &= !kept;
                keeping[at] &= kept;
            }
        }
        // A signal that still shows what it showed at the start is one that nobody moves.
        let now = peer.catalog().await?;
        for (at, signal) in chosen.into_iter().enumerate() {
            if keeping[at] {
                self.field.touched.push(signal.clone());
                self.field.writable.push(signal);
            } else if never_kept[at]
                && now
                    .signal(&signal.name)
                    .is_some_and(|value| same_value(value, &signal.initial))
            {
                self.field.owned.push(signal);
            }
        }
        self.restore(&mut peer).await?;
        self.field.pushes = peer.got_unasked_catalog();
        peer.leave().await
    }

    /// Watches the writable signals while nobody of this suite writes, and gives up those that move; `true` when there were any.
    ///
    /// What the suite writes may set a process going that stood still when the signals were chosen.
    pub(crate) async fn drop_restless(&mut self) -> Result<bool, Stop> {
        let names: Vec<&str> = self.field.writable.iter().map(|signal| signal.name.as_str()).collect();
        let mut observer = self.member("observer", &names).await?;
        let seen = observer.log().len() - 1;
        observer.listen(RESTLESS_WATCH).await?;
        let told = &observer.log()[seen..];
        let moves = |signal: &Signal| {
            let mut values = told.iter().filter_map(|message| message.signal(&signal.name));
            let first = values.next();
            values.any(|value| Some(value) != first)
        };
        let before = self.field.writable.len();
        self.field.writable.retain(|signal| !moves(signal));
        Ok(self.field.writable.len() < before)
    }

    /// Writes the initial values back and waits until they are handled.
    pub(crate) async fn restore(&self, peer: &mut Peer) -> Result<(), Stop> {
        let initial: BTreeMap<&str, &Value> = self
            .field
            .touched
            .iter()
            .map(|signal| (signal.name.as_str(), &signal.initial))
            .collect();
        if initial.is_empty() {
            return Ok(());
        }
        peer.say_json(&json!({"type": "data", "version": 2, "signals": initial}))
            .await?;
        self.settle(peer).await
    }

    fn probe(&mut self, signal: &Signal, round: usize) -> Value {
        match signal.kind {
            // The opposite of the initial value first, then to and fro.
            Kind::Bool => json!((signal.initial == json!(true)) != round.is_multiple_of(2)),
            _ => self.fresh(signal),
        }
    }

    /// Writes the probes in one message and tells which of them the catalog shows in the end.
    async fn keeps(&self, peer: &mut Peer, chosen: &[Signal], probes: &[Option<Value>]) -> Result<Vec<bool>, Stop> {
        let signals: BTreeMap<&str, &Value> = chosen
            .iter()
            .zip(probes)
            .filter_map(|(signal, probe)| Some((signal.name.as_str(), probe.as_ref()?)))
            .collect();
        peer.say_json(&json!({"type": "data", "version": 2, "signals": signals}))
            .await?;
        let deadline = Instant::now() + PROBE_SETTLE;
        loop {
            let catalog = peer.catalog().await?;
            let kept: Vec<bool> = chosen
                .iter()
                .zip(probes)
                .map(|(signal, probe)| match (probe, catalog.signal(&signal.name)) {
                    (Some(probe), Some(value)) => same_value(probe, value),
                    _ => false,
                })
                .collect();
            // Even when all are kept the time is used up: a signal with another writer loses its probe meanwhile.
            if Instant::now() >= deadline {
                return Ok(kept);
            }
            sleep(PROBE_LOOK_EVERY).await;
        }
    }
}

/// Asks for the configuration. The snapshot asked for behind it ends the wait at a server that has none.
///
/// That subscription is empty and stays: without a view nothing is delivered to the scout, so its probes cannot be taken for
/// an echo (RV-17).
async fn learn_config(peer: &mut Peer) -> Result<Option<Map<String, Value>>, Stop> {
    peer.say_json(&json!({"type": "config_get"})).await?;
    peer.subscribe(&[]).await?;
    let answer = peer.log().iter().rev().find(|message| message.kind == "config_answer");
    // An answer without a map is an answer all the same; that it has none is for a check to say.
    Ok(answer.map(|answer| {
        let map = answer.body.get("config").and_then(Value::as_object);
        map.cloned().unwrap_or_default()
    }))
}

/// The typed signals of an import_answer. A name without a usable type or value is left to the checks of the catalog.
fn signals_of(catalog: &Message) -> Result<Vec<Signal>, Stop> {
    let Some(signals) = catalog.body.get("signals").and_then(Value::as_object) else {
        return Err(Stop::failed("import_answer has an object `signals`", &catalog.text));
    };
    let kind_of = |name: &str| Kind::of_type(catalog.body.get("signalTypes")?.get(name)?.as_str()?);
    Ok(signals
        .iter()
        .filter_map(|(name, value)| {
            let kind = kind_of(name).filter(|kind| kind.fits(value))?;
            Some(Signal {
                name: name.clone(),
                kind,
                initial: value.clone(),
            })
        })
        .collect())
}

/// The first few signals of every type string: direction is told by the type, so each type deserves a probe.
fn choose_candidates(catalog: &Message, signals: Vec<Signal>) -> Vec<Signal> {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let type_of = |name: &str| catalog.body.get("signalTypes")?.get(name)?.as_str();
    signals
        .into_iter()
        .filter(|signal| {
            let count = taken
                .entry(type_of(&signal.name).unwrap_or_default().to_owned())
                .or_default();
            *count += 1;
            *count <= PROBED_PER_TYPE_MAX
        })
        .collect()
}

/// The start of a band of numbers in which no signal stands, so that every fresh number is a change.
fn quiet_band(signals: &[Signal]) -> i64 {
    let mut start = 1_000;
    // Single precision holds halves exactly below 2^22; the band stays under that.
    while start + FRESH_BAND < (1 << 22)
        && signals
            .iter()
            .filter_map(|signal| signal.initial.as_f64())
            .any(|value| value >= start as f64 && value <= (start + FRESH_BAND) as f64)
    {
        start += FRESH_BAND;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_from_prefixed_and_neutral_types() {
        assert_eq!(Kind::of_type("PLCInputBool"), Some(Kind::Bool));
        assert_eq!(Kind::of_type("PLCOutputText"), Some(Kind::Text));
        assert_eq!(Kind::of_type("Float"), Some(Kind::Float));
        assert_eq!(Kind::of_type("PLCInput"), None);
        assert_eq!(Kind::of_type("float"), None);
    }

    #[test]
    fn the_band_of_fresh_numbers_avoids_values_that_stand() {
        let signal = |value| Signal {
            name: String::new(),
            kind: Kind::Float,
            initial: json!(value),
        };
        assert_eq!(quiet_band(&[signal(999.0)]), 1_000);
        assert_eq!(quiet_band(&[signal(1_000.0)]), 1_000 + FRESH_BAND);
        assert_eq!(quiet_band(&[signal(1_000.0), signal(60_000.5)]), 1_000 + 2 * FRESH_BAND);
    }
}
