//! What one run knows about the platform under test, and the means that its checks share.
//!
//! Every check has players, and on loopback addresses, of its own, so that what an earlier check left behind is in nobody's way.

use super::SimpleOptions;
use super::gama::{Flavour, Gama};
use super::peer::{Heard, How, Peer};
use crate::conform::message::{Transcript, shortened};
use crate::conform::peer::host_and_port;
use crate::conform::rig::{Stop, ensure};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// How long the platform may take to come back to GAMA: the 5 s of GA-2 and time to spare.
const LINK_MAX: Duration = Duration::from_secs(20);
/// Heartbeat of players that are not to be closed for their silence, in milliseconds.
pub(super) const CALM_HEARTBEAT_MS: u64 = 600_000;
/// The fields of a player, in the order of SI-11.
pub(super) const PLAYER_FIELDS: &[&str] = &[
    "id",
    "ping_interval",
    "is_alive",
    "connected",
    "in_game",
    "date_connection",
];

/// A model of the catalog.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// Place in the flat list.
    pub(super) index: u64,
    /// Its name in the catalog.
    pub(super) name: String,
}

/// One run of the suite.
pub(crate) struct Rig {
    /// Address of the monitor port, if it was given.
    pub(super) monitor_url: Option<String>,
    /// Address of the headset port, if it was given.
    pub(super) headset_url: Option<String>,
    /// How long an expected message may take.
    pub(super) limit: Duration,
    /// Also the checks that take ten seconds and more.
    pub(super) slow: bool,
    /// What went both ways in the running check.
    pub(super) transcript: Transcript,
    /// The platform works without GAMA (SI-11).
    pub(super) is_gamaless: bool,
    /// Models of the catalog.
    pub(super) models: Vec<Model>,
    /// Players are known by their address (SI-31).
    pub(super) by_address: bool,
    /// What a monitor was told at first, to be put back in the end.
    found: Found,
    gama: Option<Gama>,
    /// The platform did not come to GAMA once; nobody waits for it again.
    gama_missed: bool,
    /// Headsets can come from addresses of their own.
    many_addresses: bool,
    names: u16,
}

/// What was found at the start.
#[derive(Default)]
struct Found {
    /// Name and experiment of the active model.
    active: Option<Value>,
    /// The screen message, as it was told.
    screen: Option<String>,
}

/// A headset that the platform knows, with the player that it is.
pub(super) struct Player {
    /// Its connection.
    pub(super) peer: Peer,
    /// Its id.
    pub(super) id: String,
    /// Where it comes from; `None` where that cannot be chosen.
    pub(super) from: Option<IpAddr>,
}

impl Rig {
    /// A rig that has learnt nothing yet.
    ///
    /// # Errors
    /// Fails when GAMA's listener has no address.
    pub(super) fn new(
        monitor: Option<String>,
        headset: Option<String>,
        gama: Option<TcpListener>,
        options: &SimpleOptions,
    ) -> std::io::Result<Rig> {
        let transcript = Transcript::default();
        let gama = gama
            .map(|listener| Gama::new(listener, options.limit, transcript.clone()))
            .transpose()?;
        Ok(Rig {
            monitor_url: monitor,
            headset_url: headset,
            limit: options.limit,
            slow: options.slow,
            transcript,
            is_gamaless: false,
            models: Vec::new(),
            by_address: false,
            found: Found::default(),
            gama,
            gama_missed: false,
            many_addresses: false,
            names: 0,
        })
    }

    /// A connected monitor that was told nothing yet.
    pub(super) async fn fresh_monitor(&self, label: &'static str) -> Result<Peer, Stop> {
        let url = self
            .monitor_url
            .as_deref()
            .ok_or_else(|| Stop::skipped("it needs the monitor port: --monitor ws://HOST:8001/"))?;
        Peer::connect(url, How::named(label), self.limit, &self.transcript).await
    }

    /// A monitor that has been told everything that a new one is told.
    pub(super) async fn monitor(&self, label: &'static str) -> Result<Peer, Stop> {
        let mut peer = self.fresh_monitor(label).await?;
        peer.next("json_state on connection", |heard| heard.kind() == "json_state")
            .await?;
        settle(&mut peer).await?;
        Ok(peer)
    }

    /// A connected headset that has said nothing.
    pub(super) async fn stranger(&self, how: How) -> Result<Peer, Stop> {
        let url = self
            .headset_url
            .as_deref()
            .ok_or_else(|| Stop::skipped("it needs the headset port: --headset ws://HOST:8080/"))?;
        Peer::connect(url, how, self.limit, &self.transcript).await
    }

    /// A headset with a player of its own that does not have to answer pings.
    pub(super) async fn player(&mut self, label: &'static str) -> Result<Player, Stop> {
        let id = self.fresh_id();
        self.player_called(label, id, json!(CALM_HEARTBEAT_MS)).await
    }

    /// The same with an id and a heartbeat.
    pub(super) async fn player_called(
        &mut self,
        label: &'static str,
        id: String,
        heartbeat: Value,
    ) -> Result<Player, Stop> {
        let from = self.fresh_address();
        let how = How {
            from,
            ..How::named(label)
        };
        self.join(how, id, heartbeat).await
    }

    /// Connects a headset and says who it is.
    pub(super) async fn join(&self, how: How, id: String, heartbeat: Value) -> Result<Player, Stop> {
        let mut peer = self.stranger(how).await?;
        peer.tell(&json!({"type": "connection", "id": id, "heartbeat": heartbeat}))
            .await?;
        peer.next("its json_state", |heard| heard.kind() == "json_state")
            .await?;
        Ok(Player {
            peer,
            id,
            from: how.from,
        })
    }

    /// An id that no player of this run had.
    pub(super) fn fresh_id(&mut self) -> String {
        self.names += 1;
        format!("Conform_{}_{}", std::process::id(), self.names)
    }

    /// A loopback address that no headset of this run had; `None` where the system's choice has to do.
    pub(super) fn fresh_address(&mut self) -> Option<IpAddr> {
        self.names += 1;
        let [high, low] = self.names.to_be_bytes();
        // Neither 127.0.0.1, which others use, nor an address that ends in 0 or 255.
        self.many_addresses
            .then(|| IpAddr::V4(Ipv4Addr::new(127, 77, high * 2 + low / 128, low % 128 + 1)))
    }

    /// An address of its own for a headset of a check that needs several.
    pub(super) fn own_address(&mut self) -> Result<IpAddr, Stop> {
        self.fresh_address().ok_or_else(|| {
            Stop::skipped("it needs headsets from several addresses, which only a platform on 127.0.0.1 sees")
        })
    }

    /// The GAMA that this run plays, with the platform connected to it.
    pub(super) async fn gama(&mut self) -> Result<&Gama, Stop> {
        if self.is_gamaless {
            return Err(Stop::skipped("the platform works without GAMA"));
        }
        let Some(gama) = &self.gama else {
            return Err(Stop::skipped(
                "it needs a GAMA that the suite plays: --gama-port PORT, with the platform told to find GAMA there",
            ));
        };
        if self.gama_missed {
            return Err(Stop::skipped(format!(
                "the platform does not connect to GAMA at {}",
                gama.address()
            )));
        }
        if gama.linked(Instant::now()).await {
            return Ok(gama);
        }
        if let Ok(mut monitor) = self.monitor("monitor").await {
            monitor.say(r#"{"type":"try_connection"}"#).await?;
        }
        if gama.linked(Instant::now() + LINK_MAX).await {
            return Ok(gama);
        }
        self.gama_missed = true;
        let expected = format!("the platform connects to GAMA at {}", gama.address());
        Err(Stop::failed(expected, format!("it did not within {LINK_MAX:?}")))
    }

    /// The GAMA that [`Rig::gama`] has given before.
    ///
    /// # Errors
    /// Skips the check where there is none.
    pub(super) fn stage(&self) -> Result<&Gama, Stop> {
        self.gama
            .as_ref()
            .ok_or_else(|| Stop::skipped("it needs a GAMA that the suite plays: --gama-port PORT"))
    }

    /// A monitor of a platform that is connected to GAMA and has no experiment.
    pub(super) async fn director(&mut self) -> Result<Peer, Stop> {
        self.gama().await?;
        let mut monitor = self.monitor("monitor").await?;
        await_state(&mut monitor, "connected to GAMA, without an experiment", |gama| {
            gama["connected"] == json!(true) && gama["experiment_state"] == json!("NONE")
        })
        .await?;
        Ok(monitor)
    }

    /// The settings of a model, selected by its index (SI-16).
    pub(super) async fn select(&self, monitor: &mut Peer, index: u64) -> Result<Value, Stop> {
        monitor
            .tell(&json!({"type": "get_simulation_by_index", "simulationIndex": index}))
            .await?;
        let answer = monitor
            .next("the settings of the model that it selects", is_selected)
            .await?;
        Ok(answer.value["simulation"].clone())
    }

    /// Index of a model to launch: the first with room for three players.
    pub(super) async fn stage_model(&self, monitor: &mut Peer) -> Result<(u64, Value), Stop> {
        for model in &self.models {
            let settings = self.select(monitor, model.index).await?;
            if settings
                .get("maximal_players")
                .and_then(number_of)
                .is_none_or(|most| most >= 3.0)
            {
                return Ok((model.index, settings));
            }
        }
        Err(Stop::skipped("the platform has no model with room for three players"))
    }

    /// Launches an experiment and waits until monitors see it paused.
    pub(super) async fn launch(&self, monitor: &mut Peer) -> Result<(), Stop> {
        let gama = self.stage()?;
        self.stage_model(monitor).await?;
        let from = gama.mark();
        monitor.say(r#"{"type":"launch_experiment"}"#).await?;
        gama.expect(from, "`load`", |command| command.kind() == "load").await?;
        await_state(monitor, "PAUSED after the load", |gama| {
            gama["experiment_state"] == json!("PAUSED")
        })
        .await
    }

    /// The same, and lets it run.
    pub(super) async fn run(&self, monitor: &mut Peer) -> Result<(), Stop> {
        self.launch(monitor).await?;
        let gama = self.stage()?;
        let from = gama.mark();
        monitor.say(r#"{"type":"resume_experiment"}"#).await?;
        gama.expect(from, "`play`", |command| command.kind() == "play").await?;
        await_state(monitor, "RUNNING after the play", |gama| {
            gama["experiment_state"] == json!("RUNNING")
        })
        .await
    }

    /// A director, a running experiment, and a player in the game.
    pub(super) async fn game(&mut self) -> Result<(Peer, Player), Stop> {
        let mut monitor = self.director().await?;
        let mut player = self.player("headset").await?;
        self.run(&mut monitor).await?;
        in_game(&mut player, true).await?;
        Ok((monitor, player))
    }

    /// Reads the catalog, and what a monitor and a headset are told at first.
    pub(super) async fn learn(&mut self) -> Result<(), Stop> {
        self.many_addresses = self.can_choose_addresses().await;
        if self.monitor_url.is_some() {
            self.learn_monitor().await?;
        }
        if self.headset_url.is_some() {
            self.learn_headset().await?;
        }
        Ok(())
    }

    async fn learn_monitor(&mut self) -> Result<(), Stop> {
        let mut peer = self.fresh_monitor("first").await?;
        let state = peer.next("json_state on connection", |_| true).await?;
        ensure(
            state.kind() == "json_state",
            "the first message to a monitor is json_state",
            shortened(&state.text),
        )?;
        self.is_gamaless = state.value["gama"].as_object().is_some_and(serde_json::Map::is_empty);
        peer.say(r#"{"type":"get_simulation_informations"}"#).await?;
        let answer = peer.next("the catalog", is_catalog).await?;
        self.models = models_of(&catalog_of(&answer)?);
        let told = |kind: &str| peer.log().iter().find(|heard| heard.kind() == kind).cloned();
        self.found = Found {
            active: told("json_settings").map(|heard| heard.value),
            screen: told("screen_control").map(|heard| heard.text),
        };
        peer.leave().await
    }

    /// Finds out whether a headset is known by its address alone (SI-31).
    async fn learn_headset(&mut self) -> Result<(), Stop> {
        let first = self.player("first").await?;
        let Player { peer, from, .. } = first;
        peer.leave().await?;
        let mut again = self
            .stranger(How {
                from,
                ..How::named("again")
            })
            .await?;
        // Where addresses are the key, the socket has its seat already and this changes nothing.
        let id = self.fresh_id();
        again
            .tell(&json!({"type": "connection", "id": id, "heartbeat": CALM_HEARTBEAT_MS}))
            .await?;
        let state = again
            .next("its json_state", |heard| heard.kind() == "json_state")
            .await?;
        self.by_address = state.value["id"] != id.as_str();
        Ok(())
    }

    async fn can_choose_addresses(&self) -> bool {
        let Some(url) = &self.headset_url else { return false };
        let Ok(Ok((host, _))) = url.parse().map(|uri| host_and_port(&uri)) else {
            return false;
        };
        let is_loopback = host == "localhost" || host.parse::<Ipv4Addr>().is_ok_and(|host| host.is_loopback());
        // Not every system has more than one loopback address.
        is_loopback
            && TcpListener::bind(SocketAddr::from(([127, 77, 255, 1], 0)))
                .await
                .is_ok()
    }

    /// Puts the suite's own GAMA back after a check.
    pub(super) async fn tidy(&self) {
        if let Some(gama) = &self.gama {
            gama.tidy().await;
        }
    }

    /// Selects the model that was active, and shows the screen that was shown.
    pub(super) async fn leave_as_found(&self) -> Result<(), Stop> {
        if self.monitor_url.is_none() {
            return Ok(());
        }
        let mut monitor = self.monitor("tidier").await?;
        if let Some(active) = &self.found.active {
            for model in self.models.iter().filter(|model| active["name"] == model.name.as_str()) {
                let settings = self.select(&mut monitor, model.index).await?;
                if settings["model_file_path"] == active["model_file_path"] {
                    break;
                }
            }
        }
        let screen = self.found.screen.as_deref().unwrap_or(r#"{"type":"screen_control"}"#);
        monitor.say(screen).await?;
        settle(&mut monitor).await
    }

    /// Headless GAMA is played on the next connection, which the platform is asked for.
    pub(super) async fn headless(&mut self) -> Result<Peer, Stop> {
        self.gama().await?;
        let gama = self.stage()?;
        let links = gama.links();
        gama.play(Flavour::Headless);
        gama.drop_link();
        let mut monitor = self.monitor("monitor").await?;
        await_state(&mut monitor, "without GAMA", |gama| gama["connected"] == json!(false)).await?;
        monitor.say(r#"{"type":"try_connection"}"#).await?;
        let came = gama.link_number(links + 1, Instant::now() + LINK_MAX).await;
        ensure(
            came,
            "the platform comes back to GAMA",
            format!("it did not within {LINK_MAX:?}"),
        )?;
        await_state(&mut monitor, "connected to GAMA", |gama| {
            gama["connected"] == json!(true)
        })
        .await?;
        Ok(monitor)
    }
}

/// Makes sure that the platform has handled what this monitor said before: it asks for the catalog and gets it.
///
/// Answers to a monitor keep the order of its requests, so what it had to be told before is in its log now.
pub(super) async fn settle(monitor: &mut Peer) -> Result<(), Stop> {
    monitor.say(r#"{"type":"get_simulation_informations"}"#).await?;
    monitor.next("the catalog", is_catalog).await.map(drop)
}

/// Makes sure that the platform has handled what this headset said before.
pub(super) async fn settle_headset(headset: &mut Peer, mark: &str) -> Result<(), Stop> {
    headset.tell(&json!({"type": "ping", "id": mark})).await?;
    headset
        .next("the pong of its ping", |heard| {
            heard.kind() == "pong" && heard.value["id"] == mark
        })
        .await
        .map(drop)
}

/// Reads on until the newest `json_state` has such a `gama`.
pub(super) async fn await_state(monitor: &mut Peer, what: &str, holds: impl Fn(&Value) -> bool) -> Result<(), Stop> {
    await_told(monitor, what, |state| holds(&state["gama"])).await
}

/// Reads on until the newest `json_state` is such a one.
pub(super) async fn await_told(peer: &mut Peer, what: &str, holds: impl Fn(&Value) -> bool) -> Result<(), Stop> {
    let newest = |log: &[Heard]| log.iter().rev().find(|heard| heard.kind() == "json_state").cloned();
    let came = peer
        .until(|log| newest(log).is_some_and(|state| holds(&state.value)))
        .await?;
    ensure(came, format!("json_state becomes: {what}"), {
        newest(peer.log()).map_or("no json_state at all".to_owned(), |state| {
            format!("it stays {}", shortened(&state.text))
        })
    })
}

/// Reads on until a headset was told that it is, or is not, in the game.
pub(super) async fn in_game(player: &mut Player, is_in: bool) -> Result<(), Stop> {
    let what = if is_in { "in_game true" } else { "in_game false" };
    await_told(&mut player.peer, what, |state| state["in_game"] == json!(is_in)).await
}

/// The catalog in either encoding (SI-15): a JSON string whose text is an array, or the array itself.
pub(super) fn is_catalog(heard: &Heard) -> bool {
    heard.value.is_array() || heard.value.is_string()
}

/// The answer to a selection.
pub(super) fn is_selected(heard: &Heard) -> bool {
    heard.kind() == "get_simulation_by_index"
}

/// The nested list of a catalog message.
pub(super) fn catalog_of(heard: &Heard) -> Result<Vec<Value>, Stop> {
    let expected = "the catalog is an array, or a JSON string whose text is one";
    let list = match &heard.value {
        Value::String(text) => serde_json::from_str(text).map_err(|error| Stop::failed(expected, error))?,
        other => other.clone(),
    };
    match list {
        Value::Array(entries) => Ok(entries),
        _ => Err(Stop::failed(expected, shortened(&heard.text))),
    }
}

/// The models of a nested list, in the order in which they stand.
pub(super) fn models_of(entries: &[Value]) -> Vec<Model> {
    let mut models = Vec::new();
    for entry in entries {
        if let Some(index) = entry.get("model_index").and_then(Value::as_u64) {
            models.push(Model {
                index,
                name: entry.get("name").and_then(Value::as_str).unwrap_or("").to_owned(),
            });
        }
        if let Some(Value::Array(entries)) = entry.get("entries") {
            models.extend(models_of(entries));
        }
    }
    models
}

/// The keys of an object, in their order; nothing where it is none.
pub(super) fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .map(|object| object.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

/// A number, or a text that holds one.
fn number_of(value: &Value) -> Option<f64> {
    value
        .as_f64()
        .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))
}
