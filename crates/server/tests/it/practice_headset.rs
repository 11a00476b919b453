//! The stand-in for a headset over real sockets, against a small platform of the test.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use super::support::LIMIT;
use crosstie_server::practice::headset::{self, HeadsetError, Options, Walk};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::future::Future;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

/// A platform with one port, and the headsets that were told its address.
struct Platform {
    listener: TcpListener,
    stop: watch::Sender<bool>,
    headsets: JoinHandle<Result<(), HeadsetError>>,
}

/// One headset's socket, from the platform's side.
struct Seat(WebSocketStream<TcpStream>);

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("within the limit")
}

impl Platform {
    async fn with(options: Options) -> Platform {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = Options {
            url: format!("ws://{}/", listener.local_addr().unwrap()),
            again: Duration::from_millis(1),
            quiet: true,
            ..options
        };
        let (stop, stopped) = watch::channel(false);
        let headsets = tokio::spawn(headset::run_until(options, stopped));
        Platform {
            listener,
            stop,
            headsets,
        }
    }

    async fn accept(&self) -> Seat {
        let (stream, _) = within(self.listener.accept()).await.unwrap();
        Seat(within(accept_async(stream)).await.unwrap())
    }

    async fn end(self) {
        self.stop.send(true).unwrap();
        within(self.headsets).await.unwrap().unwrap();
    }
}

impl Seat {
    async fn next(&mut self) -> Value {
        loop {
            match within(self.0.next()).await.expect("the headset is there").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(_) => panic!("the headset has gone"),
                _ => {}
            }
        }
    }

    /// The next ask of this action; others are passed over.
    async fn next_ask(&mut self, action: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["action"] == action {
                assert_eq!(
                    (&message["type"], &message["agent"]),
                    (&json!("ask"), &json!("simulation[0].unity_linker[0]"))
                );
                return serde_json::from_str(message["args"].as_str().unwrap()).unwrap();
            }
        }
    }

    async fn say(&mut self, message: Value) {
        within(self.0.send(Message::text(message.to_string()))).await.unwrap();
    }

    async fn state(&mut self, id: &str, in_game: bool) {
        self.say(json!({"type": "json_state", "id_player": id, "id": id, "connected": true, "in_game": in_game}))
            .await;
    }

    async fn begin(&mut self, id: &str) {
        self.state(id, true).await;
        assert_eq!(self.next_ask("send_init_data").await, json!({"id": id}));
        let contents = json!({"precision": 1000, "world": [100_000, 60_000], "position": [5000, 6000, 0]});
        self.say(json!({"contents": contents, "type": "json_output"})).await;
        assert_eq!(
            self.next_ask("player_ready_to_receive_geometries").await,
            json!({"id": id})
        );
    }
}

#[tokio::test]
async fn si30_it_says_its_name_first_waits_and_plays() {
    let platform = Platform::with(Options {
        walk: Walk::Still,
        rate: 50,
        ..Options::default()
    })
    .await;
    let mut seat = platform.accept().await;
    let hello = json!({"type": "connection", "id": "Player_101", "heartbeat": "5000"});
    assert_eq!(seat.next().await, hello);
    seat.state("Player_101", false).await;
    seat.say(json!({"type": "ping"})).await;
    assert_eq!(
        seat.next().await,
        json!({"type": "pong"}),
        "it waits, and answers pings"
    );
    seat.begin("Player_101").await;
    for _ in 0..3 {
        let moved = seat.next_ask("move_player_external").await;
        assert_eq!((&moved["x"], &moved["y"]), (&json!("5000"), &json!("6000")));
    }
    seat.state("Player_101", false).await;
    seat.say(json!({"type": "ping"})).await;
    while seat.next().await["type"] != "pong" {}
    seat.begin("Player_101").await;
    platform.end().await;
}

#[tokio::test]
async fn it_comes_back_whenever_its_link_is_lost() {
    let platform = Platform::with(Options::default()).await;
    for _ in 0..3 {
        let mut seat = platform.accept().await;
        assert_eq!(seat.next().await["type"], "connection");
        within(seat.0.close(None)).await.unwrap();
    }
    // Torn, also before the handshake is done.
    drop(within(platform.listener.accept()).await.unwrap());
    drop(platform.accept().await);
    assert_eq!(platform.accept().await.next().await["type"], "connection");
    platform.end().await;
}

#[tokio::test]
async fn several_headsets_count_on() {
    let platform = Platform::with(Options {
        count: 3,
        ..Options::default()
    })
    .await;
    let mut ids = Vec::new();
    let mut seats = Vec::new();
    for _ in 0..3 {
        let mut seat = platform.accept().await;
        ids.push(seat.next().await["id"].as_str().unwrap().to_owned());
        seats.push(seat);
    }
    ids.sort();
    assert_eq!(ids, ["Player_101", "Player_102", "Player_103"]);
    platform.end().await;
}

#[tokio::test]
async fn a_deaf_headset_answers_no_ping() {
    let platform = Platform::with(Options {
        deaf: true,
        ..Options::default()
    })
    .await;
    let mut seat = platform.accept().await;
    seat.next().await;
    seat.say(json!({"type": "ping"})).await;
    // Had it answered, the pong would come before what it says now.
    seat.state("Player_101", true).await;
    assert_eq!(seat.next().await["action"], "send_init_data");
    platform.end().await;
}

#[tokio::test]
async fn a_headset_that_stalls_reads_later() {
    let platform = Platform::with(Options {
        stall: Some(Duration::from_millis(200)),
        ..Options::default()
    })
    .await;
    let mut seat = platform.accept().await;
    seat.next().await;
    seat.state("Player_101", true).await;
    assert_eq!(seat.next().await["action"], "send_init_data");
    // More than the buffers of a socket hold: this is taken only once it reads again.
    let large = "x".repeat(1024 * 1024);
    for _ in 0..16 {
        seat.say(json!({"contents": {"pointsLoc": large}, "type": "json_output"}))
            .await;
    }
    seat.say(json!({"type": "ping"})).await;
    assert_eq!(seat.next().await["type"], "pong");
    platform.end().await;
}

#[tokio::test]
async fn nonsense_does_not_end_it() {
    let platform = Platform::with(Options::default()).await;
    let mut seat = platform.accept().await;
    seat.next().await;
    for text in [
        "",
        "null",
        "[]",
        "{broken",
        "{\"type\":7}",
        "{\"type\":\"json_output\"}",
        "{\"type\":\"json_state\"}",
    ] {
        within(seat.0.send(Message::text(text))).await.unwrap();
    }
    seat.say(json!({"type": "ping"})).await;
    assert_eq!(seat.next().await["type"], "pong");
    platform.end().await;
}

#[tokio::test]
async fn an_address_that_is_none_is_told_without_its_query() {
    let (_stop, stopped) = watch::channel(false);
    let options = Options {
        url: "http://x/?key=secret".to_owned(),
        ..Options::default()
    };
    let error = headset::run_until(options, stopped).await.unwrap_err().to_string();
    assert!(
        error.contains("ws://127.0.0.1:8080/") && !error.contains("secret"),
        "{error}"
    );
}
