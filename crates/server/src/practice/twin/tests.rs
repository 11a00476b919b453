//! The loop against a small hub in the test: everything is driven by messages, and nothing waits for wall time except for
//! the limit at which a test that hangs fails.

use super::*;
use crosstie_hub::Time;
use crosstie_hub::clock::ClockMode;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::accept_async;

/// Far longer than anything here takes; it only turns a hang into a failure.
const LIMIT: Duration = Duration::from_secs(30);

const FAST: Timing = Timing {
    cycle: Duration::from_millis(2),
    connect: LIMIT,
    send: LIMIT,
    catalog: LIMIT,
    ping: LIMIT,
    silence: LIMIT,
    back_off_first: Duration::from_millis(1),
    back_off_max: Duration::from_millis(4),
};

/// The hub's side: a listener on a free port, and a twin that was told its address.
struct House {
    listener: TcpListener,
    stop: watch::Sender<bool>,
    twin: JoinHandle<Result<(), TwinError>>,
}

impl House {
    async fn with_twin(auto: bool, timing: Timing) -> Self {
        House::with_twin_in(ClockHandle::default(), auto, timing).await
    }

    async fn with_twin_in(clock: ClockHandle, auto: bool, timing: Timing) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = Options {
            url: format!("ws://{}/", listener.local_addr().unwrap()),
            auto,
            quiet: true,
            clock,
            ..Options::default()
        };
        let (stop, stopped) = watch::channel(false);
        let twin = tokio::spawn(play(options, stopped, timing));
        Self { listener, stop, twin }
    }

    async fn accept_tcp(&self) -> TcpStream {
        within(self.listener.accept()).await.unwrap().0
    }

    async fn accept(&self) -> Peer {
        let socket = self.accept_tcp().await;
        Peer {
            socket: within(accept_async(socket)).await.unwrap(),
            held: Signals::new(),
        }
    }

    /// A peer whose handshake is done and whose snapshot was given, with the first data of the twin.
    async fn accept_and_shake_hands(&self, snapshot: Json) -> (Peer, Signals) {
        let mut peer = self.accept().await;
        assert_eq!(peer.next().await["type"], "init");
        assert_eq!(peer.next().await["type"], "import_request");
        peer.send(json!({"type": "import_answer", "signals": {"Run": false}, "signalTypes": {"Run": "PLCInputBool"}}))
            .await;
        assert_eq!(peer.next().await["type"], "subscribe");
        peer.send(json!({"type": "snapshot", "version": 2, "signals": snapshot}))
            .await;
        let first = peer.next_data().await;
        (peer, first)
    }
}

/// One connection as the hub sees it, with what the hub holds by now.
struct Peer {
    socket: WebSocketStream<TcpStream>,
    held: Signals,
}

impl Peer {
    async fn send(&mut self, message: Json) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    async fn send_raw(&mut self, message: Message) {
        within(self.socket.send(message)).await.unwrap();
    }

    async fn data(&mut self, signals: Json) {
        self.held.extend(signals.as_object().unwrap().clone());
        self.send(json!({"type": "data", "version": 2, "signals": signals}))
            .await;
    }

    async fn next_raw(&mut self) -> Message {
        within(self.socket.next()).await.unwrap().unwrap()
    }

    async fn next(&mut self) -> Json {
        loop {
            if let Message::Text(text) = self.next_raw().await {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    async fn next_data(&mut self) -> Signals {
        let message = self.next().await;
        assert_eq!(message["type"], "data");
        assert_eq!(message["version"], 2);
        let signals = message["signals"].as_object().unwrap().clone();
        self.held.extend(signals.clone());
        signals
    }

    /// Reads data until the hub holds this value of this signal.
    async fn until(&mut self, name: &str, value: Json) {
        while self.held.get(name) != Some(&value) {
            self.next_data().await;
        }
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future).await.expect("came within the limit")
}

#[tokio::test]
async fn handshake_is_init_import_request_subscribe_and_then_full_data() {
    let house = House::with_twin(true, FAST).await;
    let mut peer = house.accept().await;
    assert_eq!(
        peer.next().await,
        json!({"type": "init", "version": 2, "name": "Practice twin"})
    );
    assert_eq!(peer.next().await, json!({"type": "import_request", "version": 2}));
    peer.send(json!({"type": "import_answer", "version": 2, "signals": {}, "signalTypes": {}}))
        .await;
    assert_eq!(
        peer.next().await,
        json!({"type": "subscribe", "version": 2,
               "subscribe": ["Run", "FaultSwitch", "SpeedSetpoint", "ResetCount", "AutoRequest"]})
    );
    let first = peer.next_data().await;
    assert_eq!(
        first.keys().collect::<Vec<_>>(),
        [
            "Run",
            "Auto",
            "ConveyorSpeed",
            "ConveyorPosition",
            "SensorInfeed",
            "SensorFiller",
            "SensorOutfeed",
            "FillerOpen",
            "FillLevel",
            "TankLevel",
            "BottleCount",
            "State",
            "FaultActive",
        ]
    );
    peer.send(json!({"type": "snapshot", "version": 2, "signals": {"Run": false, "SpeedSetpoint": 4}}))
        .await;
    peer.until("ConveyorSpeed", json!(4.0)).await;
}

#[tokio::test]
async fn operator_takes_the_line_and_gives_it_back() {
    let house = House::with_twin(true, FAST).await;
    let (mut peer, first) = house.accept_and_shake_hands(json!({"Run": false})).await;
    assert_eq!((&first["Run"], &first["Auto"]), (&json!(true), &json!(true)));
    peer.until("State", json!("Running")).await;
    peer.data(json!({"Run": false})).await;
    peer.until("Auto", json!(false)).await;
    peer.until("State", json!("Stopped")).await;
    peer.data(json!({"AutoRequest": true})).await;
    peer.until("Auto", json!(true)).await;
    assert_eq!(peer.held["Run"], true);
    peer.until("State", json!("Running")).await;
}

#[tokio::test]
async fn fault_switch_puts_the_line_into_fault() {
    let house = House::with_twin(true, FAST).await;
    let (mut peer, _) = house.accept_and_shake_hands(json!({})).await;
    peer.data(json!({"FaultSwitch": true})).await;
    peer.until("State", json!("Fault")).await;
}

#[tokio::test]
async fn data_pushed_before_the_snapshot_does_not_end_auto() {
    let house = House::with_twin(true, FAST).await;
    let mut peer = house.accept().await;
    peer.send(json!({"type": "import_answer", "signals": {"Run": false}, "signalTypes": {}}))
        .await;
    peer.data(json!({"Run": false, "SpeedSetpoint": 7})).await;
    for expected in ["init", "import_request", "subscribe"] {
        assert_eq!(peer.next().await["type"], expected);
    }
    peer.send(json!({"type": "snapshot", "signals": {"Run": false}})).await;
    peer.until("ConveyorSpeed", json!(7.0)).await;
    peer.data(json!({"FaultSwitch": true})).await;
    peer.until("State", json!("Fault")).await;
    peer.send(json!({"type": "import_request", "version": 2})).await;
    let catalog = loop {
        let message = peer.next().await;
        if message["type"] == "import_answer" {
            break message;
        }
    };
    assert_eq!(catalog["signals"]["Auto"], true);
    assert_eq!(catalog["signalTypes"]["Auto"], "PLCOutputBool");
    assert_eq!(catalog["signalTypes"]["FaultSwitch"], "PLCInputBool");
}

#[tokio::test]
async fn after_a_drop_the_whole_handshake_comes_again_and_the_line_goes_on() {
    let house = House::with_twin(false, FAST).await;
    let (mut peer, first) = house
        .accept_and_shake_hands(json!({"Run": true, "SpeedSetpoint": 3}))
        .await;
    assert_eq!(first.get("Run"), None, "Run is the operator's");
    peer.until("ConveyorSpeed", json!(3.0)).await;
    // The second drop comes before the upgrade is answered.
    drop(peer);
    drop(house.accept_tcp().await);
    let (mut peer, first) = house.accept_and_shake_hands(json!({"Run": false})).await;
    assert_eq!(first["ConveyorSpeed"], 3.0);
    assert_ne!(first["ConveyorPosition"], 0.0);
    peer.until("State", json!("Stopped")).await;
}

#[tokio::test]
async fn hub_that_is_alive_but_mute_is_left_and_tried_again() {
    let timing = Timing {
        ping: Duration::from_millis(5),
        silence: Duration::from_millis(20),
        ..FAST
    };
    let house = House::with_twin(true, timing).await;
    // The socket is kept and never read, so no ping is answered.
    let _mute = house.accept().await;
    house.accept().await;
}

#[tokio::test]
async fn hub_that_answers_pings_is_kept_however_silent() {
    let timing = Timing {
        ping: Duration::from_millis(5),
        silence: LIMIT,
        ..FAST
    };
    let house = House::with_twin(true, timing).await;
    let (mut peer, _) = house.accept_and_shake_hands(json!({})).await;
    let mut pings = 0;
    while pings < 3 {
        pings += u32::from(peer.next_raw().await.is_ping());
    }
}

#[tokio::test]
async fn hub_without_import_gets_data_all_the_same() {
    let timing = Timing {
        catalog: Duration::from_millis(5),
        ..FAST
    };
    let house = House::with_twin(true, timing).await;
    let mut peer = house.accept().await;
    for expected in ["init", "import_request"] {
        assert_eq!(peer.next().await["type"], expected);
    }
    assert_eq!(peer.next_data().await["Auto"], true);
    peer.data(json!({"Run": false})).await;
    peer.until("Auto", json!(false)).await;
}

#[tokio::test]
async fn messages_that_cannot_be_read_do_not_cost_the_link() {
    let house = House::with_twin(true, FAST).await;
    let (mut peer, _) = house.accept_and_shake_hands(json!({})).await;
    let spoiled = [
        Message::text("{\"type\":\"data\",\"signals\":{"),
        Message::text("null"),
        Message::text("[]"),
        Message::text("{}"),
        Message::text("{\"type\":7}"),
        Message::text("{\"type\":\"from_tomorrow\"}"),
        Message::text("{\"type\":\"data\"}"),
        Message::text("{\"type\":\"data\",\"signals\":null}"),
        Message::text("{\"type\":\"data\",\"signals\":{\"Run\":null,\"SpeedSetpoint\":{}}}"),
        Message::binary(vec![0, 159, 146, 150]),
    ];
    for message in spoiled {
        peer.send_raw(message).await;
    }
    peer.data(json!({"FaultSwitch": true})).await;
    peer.until("State", json!("Fault")).await;
}

#[tokio::test]
async fn stop_closes_the_socket_in_good_order() {
    let house = House::with_twin(true, FAST).await;
    let (mut peer, _) = house.accept_and_shake_hands(json!({})).await;
    house.stop.send(true).unwrap();
    while !peer.next_raw().await.is_close() {}
    within(house.twin).await.unwrap().unwrap();
}

#[tokio::test]
async fn stop_ends_a_twin_that_finds_no_hub() {
    let timing = Timing {
        back_off_first: LIMIT,
        back_off_max: LIMIT,
        ..FAST
    };
    let house = House::with_twin(true, timing).await;
    drop(house.accept_tcp().await);
    drop(house.stop);
    within(house.twin).await.unwrap().unwrap();
}

#[tokio::test]
async fn unusable_address_is_refused_and_shows_no_key() {
    // (address, what the message says)
    let cases = [
        ("", "is not an address"),
        ("not an address", "is not an address"),
        ("ws:///?apikey=secret", "is not an address"),
        ("127.0.0.1:1234", "is not an address"),
        ("http://127.0.0.1:1234/?apikey=secret", "is not an address"),
        ("wss://127.0.0.1:0/?apikey=secret", "is not an address"),
    ];
    for (url, expected) in cases {
        let options = Options {
            url: url.to_owned(),
            ..Options::default()
        };
        let error = within(run(options)).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{url:?}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn back_off_doubles_up_to_its_limit() {
    let timing = Timing::default();
    let cases = [
        (1, 250),
        (2, 500),
        (3, 1_000),
        (5, 4_000),
        (6, 5_000),
        (u32::MAX, 5_000),
    ];
    for (failures, pause_ms) in cases {
        assert_eq!(timing.back_off(failures).as_millis(), pause_ms);
    }
}

/// Lets the clock go otherwise.
fn goes(handle: &ClockHandle, rate: f64) -> Time {
    handle.close();
    let (mut clock, now) = (handle.clock(), handle.world());
    clock.go(now, ClockMode::Scaled(rate), rate, None);
    handle.publish(clock);
    clock.at(now)
}

#[tokio::test]
async fn the_line_is_played_in_the_time_of_the_clock_and_stands_with_it() {
    let clock = ClockHandle::default();
    goes(&clock, 0.0);
    let timing = Timing {
        ping: Duration::from_millis(5),
        ..FAST
    };
    let house = House::with_twin_in(clock.clone(), true, timing).await;
    let (mut peer, _) = house.accept_and_shake_hands(json!({})).await;
    // Pings go on in the world, and between them the line stands still.
    let mut pings = 0;
    while pings < 5 {
        let message = peer.next_raw().await;
        assert!(!message.is_text(), "{message:?}");
        pings += u32::from(message.is_ping());
    }
    let began = goes(&clock, 100.0);
    // The sequence lets the line run for 20 s and then stops it.
    peer.until("State", json!("Running")).await;
    peer.until("State", json!("Stopped")).await;
    let took = clock.now().since(began);
    assert!(took >= Duration::from_secs(20), "{took:?}");
    assert!(clock.world().since(Time::ZERO) < took, "it was not the world's time");
    assert_ne!(peer.held["BottleCount"], json!(0), "{:?}", peer.held);
}
