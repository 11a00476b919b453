//! A whole lesson without GAMA and without headsets: hub, practice GAMA and practice headsets over real sockets.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use super::practice_gama::Gama;
use super::support::{Client, LIMIT, PING, TEXT, TestHub, eventually};
use crosstie_server::practice::gama::{Flavour, Options};
use crosstie_server::practice::headset;
use serde_json::{Value, json};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;

const PONG: u8 = 0xA;

/// Hub, GAMA, three players and somebody at the monitor.
struct Class {
    monitor: Client,
    hub: TestHub,
    gama: Gama,
    stop: watch::Sender<bool>,
    headsets: Option<JoinHandle<()>>,
}

impl Class {
    fn begin(flavour: Flavour) -> Class {
        let gama = Gama::start(Options {
            flavour,
            rate: 50,
            ..Options::default()
        });
        let folder = tempfile::tempdir().unwrap();
        let lesson = folder.path().join("learning-packages/lesson");
        std::fs::create_dir_all(&lesson).unwrap();
        std::fs::write(lesson.join("flood.gaml"), "model flood").unwrap();
        let settings = json!({
            "type": "json_settings", "name": "Flood", "model_file_path": "flood.gaml", "experiment_name": "vr_xp",
            "minimal_players": "0", "maximal_players": "4",
        });
        std::fs::write(lesson.join("settings.json"), settings.to_string()).unwrap();
        let project = format!(
            "[web]\nport = 0\n[classroom]\n[monitor]\nport = 0\n[headset]\nport = 0\n[gama]\nhost = \"127.0.0.1\"\nport = {}\n\
             [[gama.watch]]\nname = \"water\"\nexpr = \"water_level\"\nevery_ms = 100\n\
             [[gama.write]]\nname = \"gate\"\nexpr = \"do set_gate($value);\"\ntype = \"Bool\"\n",
            gama.address.port()
        );
        std::fs::write(folder.path().join("crosstie.toml"), project).unwrap();
        let hub = TestHub::start_in(folder, |_| {}).unwrap();
        let (stop, stopped) = watch::channel(false);
        let options = headset::Options {
            url: format!("ws://{}/", hub.headset()),
            count: 3,
            again: Duration::from_millis(50),
            quiet: true,
            ..headset::Options::default()
        };
        let play = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(headset::run_until(options, stopped)).unwrap();
        };
        Class {
            monitor: Client::connect(hub.monitor(), "/"),
            hub,
            gama,
            stop,
            headsets: Some(std::thread::spawn(play)),
        }
    }

    fn order(&mut self, kind: &str) {
        self.monitor.send(&json!({"type": kind}).to_string());
    }

    /// Reads states until one is so. The hub pings its monitors, so there is always a frame to read.
    #[track_caller]
    fn until(&mut self, what: &str, is_so: impl Fn(&Value) -> bool) {
        let end = Instant::now() + LIMIT;
        let mut last = Value::Null;
        while Instant::now() < end {
            match self.monitor.try_frame() {
                Ok((PING, payload)) => self.monitor.send_frame(PONG, &payload),
                Ok((TEXT, payload)) => {
                    let message: Value = serde_json::from_slice(&payload).unwrap();
                    if message["type"] == "json_state" {
                        if is_so(&message) {
                            return;
                        }
                        last = message;
                    }
                }
                other => panic!("{what}: the monitor's connection ends: {other:?}"),
            }
        }
        panic!("not within {LIMIT:?}: {what}: {last}");
    }

    /// Launches and resumes.
    fn play(&mut self) {
        self.until("GAMA and three players are there", |state| {
            let players = state["player"].as_object().unwrap();
            let connected = players.values().filter(|player| player["connected"] == true).count();
            state["gama"]["connected"] == true && connected == 3
        });
        self.order("launch_experiment");
        self.until("all are in the game", |state| {
            is(state, "PAUSED") && in_game(state) == 3
        });
        self.order("resume_experiment");
        self.until("it runs", |state| is(state, "RUNNING"));
    }

    fn signal(&self, name: &str) -> Value {
        self.hub.get(&format!("/api/v1/signals/{name}"))["value"].clone()
    }
}

impl Drop for Class {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(headsets) = self.headsets.take() {
            headsets.join().expect("the headsets do not panic");
        }
    }
}

fn is(state: &Value, word: &str) -> bool {
    state["gama"]["experiment_state"] == word
}

fn in_game(state: &Value) -> usize {
    let players = state["player"].as_object().unwrap();
    players.values().filter(|player| player["in_game"] == true).count()
}

#[test]
fn a_lesson_is_launched_played_and_stopped_in_both_flavours() {
    for flavour in [Flavour::Gui, Flavour::Headless] {
        let mut class = Class::begin(flavour);
        class.play();
        eventually("the water of the simulation is a signal", || {
            class
                .signal("sim/watch/water")
                .as_f64()
                .is_some_and(|water| water > 0.02)
        });
        let body = json!({"value": true}).to_string();
        let (status, answer) = class.hub.http("PUT", "/api/v1/signals/sim/write/gate", &body);
        assert_eq!(status, 200, "{answer}");
        eventually("a signal closes the gate, and the water falls", || {
            class
                .signal("sim/watch/water")
                .as_f64()
                .is_some_and(|water| water < 0.01)
        });
        class.order("stop_experiment");
        class.until("it has ended", |state| is(state, "NONE") && in_game(state) == 0);
        // The headsets were sent away, and come back as the app does.
        class.play();
    }
}

#[test]
fn what_fails_in_the_simulation_is_told_to_the_class() {
    let mut class = Class::begin(Flavour::Gui);
    class.play();
    let mut bystander = Client::connect(class.gama.address, "/");
    let mut fault = |name: &str| {
        let expr = format!("practice fault {name}");
        bystander.send(&json!({"type": "expression", "exp_id": "0", "expr": expr}).to_string());
    };
    fault("runtime-error");
    class.until("the error, and that it stands", |state| {
        state["gama"]["content_error"]["type"] == "RuntimeError" && is(state, "PAUSED")
    });
    fault("unload");
    class.until("nobody is in the game", |state| {
        is(state, "NONE") && in_game(state) == 0
    });
    fault("drop-link");
    class.until("GAMA is gone", |state| state["gama"]["connected"] == false);
    class.until("and is found again", |state| state["gama"]["connected"] == true);
}
