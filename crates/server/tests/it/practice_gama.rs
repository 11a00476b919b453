//! The stand-in for GAMA over real sockets.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use super::support::{Client, LIMIT, PING, eventually};
use crosstie_server::practice::gama::{Flavour, Options, Server};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;

/// A stand-in with a thread of its own and a model to load; all end together.
pub(crate) struct Gama {
    pub(crate) address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    folder: TempDir,
}

impl Gama {
    pub(crate) fn start(options: Options) -> Gama {
        let options = Options {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            quiet: true,
            ..options
        };
        let server = Server::bind(options).expect("a port is free");
        let address = server.address();
        let (stop, stopped) = watch::channel(false);
        let play = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(server.run(stopped)).unwrap();
        };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("flood.gaml"), "model flood").unwrap();
        Gama {
            address,
            stop,
            thread: Some(std::thread::spawn(play)),
            folder,
        }
    }

    pub(crate) fn model(&self) -> PathBuf {
        self.folder.path().join("flood.gaml")
    }

    fn connect(&self) -> Client {
        let mut client = Client::connect(self.address, "/");
        assert!(
            client.next_of("ConnectionSuccessful")["content"]
                .as_str()
                .unwrap()
                .starts_with("practice-")
        );
        client
    }

    /// A client with a loaded experiment of a window.
    fn with_experiment(&self) -> Client {
        let mut client = self.connect();
        say(
            &mut client,
            json!({"type": "load", "model": self.model(), "experiment": "vr_xp"}),
        );
        state(&mut client, "PAUSED");
        client
    }
}

impl Drop for Gama {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the stand-in does not panic");
        }
    }
}

fn say(client: &mut Client, command: Value) {
    client.send(&command.to_string());
}

fn state(client: &mut Client, word: &str) {
    while client.next_of("SimulationStatus")["content"] != word {}
}

/// The answer to an expression.
fn evaluate(client: &mut Client, expr: &str) -> Value {
    say(client, json!({"type": "expression", "exp_id": "0", "expr": expr}));
    loop {
        let message = client.json();
        if message["command"]["expr"] == expr {
            return message;
        }
    }
}

fn ask(client: &mut Client, action: &str, player: &str) {
    let agent = "simulation[0].unity_linker[0]";
    let args = json!({"id": player}).to_string();
    say(
        client,
        json!({"type": "ask", "exp_id": "0", "action": action, "args": args, "agent": agent}),
    );
}

/// A player that takes worlds.
fn player(client: &mut Client, id: &str) {
    assert_eq!(
        evaluate(client, &format!("do create_player(\"{id}\");"))["type"],
        "CommandExecutedSuccessfully"
    );
    ask(client, "player_ready_to_receive_geometries", id);
}

/// The ids and first keys of the next world.
fn world(client: &mut Client) -> Vec<(String, String)> {
    loop {
        let message = client.next_of("SimulationOutput");
        let Some(content) = message["content"].as_str() else {
            continue;
        };
        let content: Value = serde_json::from_str(content).unwrap();
        let elements = content["contents"].as_array().unwrap().iter();
        let first_key = |element: &Value| element["contents"].as_object().unwrap().keys().next().unwrap().clone();
        return elements
            .map(|element| (element["id"][0].as_str().unwrap().to_owned(), first_key(element)))
            .collect();
    }
}

#[test]
fn ga1_clients_are_greeted_and_pinged() {
    // A client may be silent for three of these: long enough for a machine that is slow for a moment.
    let gama = Gama::start(Options {
        ping: Duration::from_secs(1),
        ..Options::default()
    });
    let mut client = gama.connect();
    for _ in 0..4 {
        let (opcode, payload) = client.try_frame().unwrap();
        assert_eq!(opcode, PING);
        client.send_frame(0xA, &payload);
    }
    assert_eq!(
        evaluate(&mut client, "cycle")["type"],
        "UnableToExecuteRequest",
        "who answers stays"
    );
}

#[test]
fn ga1_a_client_that_answers_no_ping_is_let_go() {
    let gama = Gama::start(Options {
        ping: Duration::from_millis(20),
        ..Options::default()
    });
    let mut client = gama.connect();
    eventually("a silent client is let go", || client.try_frame().is_err());
}

#[test]
fn ga7_every_player_gets_a_world_of_its_own_in_every_cycle() {
    let gama = Gama::start(Options {
        rate: 100,
        ..Options::default()
    });
    let mut client = gama.with_experiment();
    player(&mut client, "A");
    player(&mut client, "B");
    say(&mut client, json!({"type": "play", "exp_id": "0"}));
    state(&mut client, "RUNNING");
    for _ in 0..20 {
        let pair = |id: &str| (id.to_owned(), "pointsLoc".to_owned());
        assert_eq!(world(&mut client), [pair("A"), pair("B")]);
    }
    let cycle: u64 = evaluate(&mut client, "cycle")["content"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(cycle >= 20, "{cycle}");
}

#[test]
fn messages_are_bounded_and_bytes_are_read_as_text() {
    let gama = Gama::start(Options::default());
    let mut client = gama.connect();
    client.send_frame(0x2, br#"{"type":"play","exp_id":"0"}"#);
    assert_eq!(client.json()["type"], "UnableToExecuteRequest");
    client.send_frame(0x2, &[0xFF, 0xFE]);
    assert_eq!(client.json()["type"], "MalformedRequest");
    let long = format!(
        "{{\"type\":\"expression\",\"exp_id\":\"0\",\"expr\":\"{}\"}}",
        "x".repeat(1_000_000)
    );
    client.send(&long);
    assert_eq!(client.json()["type"], "UnableToExecuteRequest");
    // A refusal may come while the rest is still on its way.
    let _ = client.try_send(&"x".repeat(2 * 1024 * 1024));
    eventually("what is too large ends the connection", || match client.try_frame() {
        Ok((opcode, payload)) => opcode == 0x8 && payload.starts_with(&1009_u16.to_be_bytes()),
        Err(_) => true,
    });
    assert_eq!(
        evaluate(&mut gama.with_experiment(), "cycle")["content"],
        "0",
        "others are served"
    );
}

#[test]
fn a_torn_link_is_torn_for_everybody_and_can_be_taken_up_again() {
    let gama = Gama::start(Options::default());
    let mut first = gama.with_experiment();
    let mut second = gama.connect();
    say(
        &mut second,
        json!({"type": "expression", "exp_id": "0", "expr": "practice fault drop-link"}),
    );
    let torn = |client: &mut Client| loop {
        match client.try_frame() {
            Ok((opcode, _)) => assert_ne!(opcode, 0x8, "without a word"),
            Err(_) => return,
        }
    };
    torn(&mut first);
    torn(&mut second);
    let mut third = gama.connect();
    assert_eq!(
        evaluate(&mut third, "cycle")["content"],
        "0",
        "the window is still there"
    );
}

#[test]
fn a_client_that_does_not_read_disturbs_nobody() {
    let gama = Gama::start(Options {
        rate: 100,
        world_kb: 500,
        ..Options::default()
    });
    let mut lazy = gama.with_experiment();
    player(&mut lazy, "A");
    say(&mut lazy, json!({"type": "play", "exp_id": "0"}));
    state(&mut lazy, "RUNNING");
    let mut other = gama.connect();
    // Worlds of more than the buffers of both sockets hold.
    for _ in 0..40 {
        world(&mut other);
    }
    assert_eq!(evaluate(&mut other, "length(people)")["content"], "60");
}

#[test]
fn without_a_window_an_experiment_ends_with_its_client() {
    let gama = Gama::start(Options {
        flavour: Flavour::Headless,
        ..Options::default()
    });
    let mut first = gama.connect();
    say(
        &mut first,
        json!({"type": "load", "model": gama.model(), "experiment": "e"}),
    );
    assert_eq!(first.next_of("CommandExecutedSuccessfully")["content"], "0");
    let mut second = gama.connect();
    let mut by_name = || {
        let command = json!({"type": "expression", "exp_id": "0", "expr": "cycle", "socket_id": "practice-1"});
        say(&mut second, command);
        second.json()["type"].clone()
    };
    assert_eq!(by_name(), "CommandExecutedSuccessfully");
    drop(first);
    eventually("its experiment is gone", || by_name() == "UnableToExecuteRequest");
}

#[test]
fn what_comes_before_the_handshake_ends_with_the_connection() {
    let gama = Gama::start(Options::default());
    let mut stream = TcpStream::connect(gama.address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = std::io::Read::read_to_end(&mut stream, &mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 101"));
    gama.connect();
}

#[test]
fn a_taken_port_is_said_in_words() {
    let gama = Gama::start(Options::default());
    let options = Options {
        address: gama.address,
        quiet: true,
        ..Options::default()
    };
    let error = Server::bind(options).unwrap_err().to_string();
    assert!(
        error.contains(&gama.address.to_string()) && error.contains("--port"),
        "{error}"
    );
}
