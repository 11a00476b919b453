//! The doors of the classroom over real sockets: who comes in where, what is read as a message, and the way to GAMA (SI-1 to SI-4,
//! SI-40, GA-11).

use crate::support::{Client, LIMIT, TestHub, eventually, frame, handshake, http};
use crosstie_server::run::RunError;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use tungstenite::{Message, WebSocket};

const BINARY: u8 = 0x2;

/// A classroom without GAMA, on ports of the system.
const CLASS: &str = "[web]\nport = 0\n[classroom]\ngamaless = true\n[monitor]\nport = 0\n[headset]\nport = 0\n";

fn connection(id: &str) -> String {
    json!({"type": "connection", "id": id, "heartbeat": "60000"}).to_string()
}

/// A headset that has its seat.
fn seated(address: SocketAddr, path: &str, id: &str) -> Client {
    let mut headset = Client::connect(address, path);
    headset.send(&connection(id));
    assert_eq!(headset.next_of("json_state")["id"], id);
    headset
}

/// A monitor that has been greeted.
fn monitor(address: SocketAddr, path: &str) -> Client {
    let mut monitor = Client::connect(address, path);
    assert_eq!(monitor.next_of("json_state")["gama"], json!({}));
    monitor
}

/// The hub answers a headset: it is there, and nothing of it was lost before.
#[track_caller]
fn is_answered(headset: &mut Client, id: &str) {
    headset.send(&json!({"type": "ping", "id": id}).to_string());
    assert_eq!(headset.next_of("pong")["id"], id);
}

#[test]
fn si1_si2_monitors_and_headsets_come_in_on_their_ports_at_every_path_and_on_the_web_port() {
    let hub = TestHub::start(CLASS);
    for path in ["/", "/any/path?x=1", "//"] {
        monitor(hub.monitor(), path);
        seated(hub.headset(), path, &format!("Player {path}"));
    }
    monitor(hub.web(), "/monitor");
    let mut headset = seated(hub.web(), "/headset", "Player_web");
    is_answered(&mut headset, "Player_web");

    let answer = |address, path| {
        let (status, _, body) = http(address, "GET", path, &[], "");
        assert_eq!(status, 426, "{path}: {body}");
        body
    };
    assert!(answer(hub.monitor(), "/").contains("port of Crosstie's classroom for monitors"));
    assert!(answer(hub.headset(), "/").contains("port of Crosstie's classroom for headsets"));
    assert!(answer(hub.web(), "/monitor").contains("monitors of Crosstie's classroom"));
    assert!(answer(hub.web(), "/headset").contains("headsets of Crosstie's classroom"));
}

#[test]
fn the_join_page_stands_on_the_web_port_and_on_the_headset_port_where_nothing_else_of_the_page_does() {
    let hub = TestHub::start(CLASS);
    add_key(&hub, None, "Anna", "engineer");
    const BROWSER: &str = "Accept: text/html,application/xhtml+xml,*/*;q=0.8";
    let (status, head, body) = http(hub.web(), "GET", "/join", &[BROWSER], "");
    // Whether the page was built before this binary is not the hub's to say; the words are.
    match status {
        200 => assert!(body.starts_with("<!doctype html>"), "{body}"),
        404 => assert!(body.contains("no Join page"), "{body}"),
        _ => panic!("{head}"),
    }
    assert!(
        head.to_lowercase()
            .contains("content-security-policy: default-src 'none'"),
        "{head}"
    );
    let at_headsets = http(hub.headset(), "GET", "/join", &["X-Forwarded-For: 10.0.0.9"], "");
    assert_eq!((at_headsets.0, at_headsets.2), (status, body), "the same without a key");
    let (head_status, _, head_body) = http(hub.headset(), "HEAD", "/join", &[], "");
    assert_eq!((head_status, head_body.as_str()), (status, ""));
    assert_eq!(http(hub.headset(), "GET", "/assets/gone.js", &[], "").0, 404);

    let (status, head, _) = http(hub.headset(), "GET", "/", &[BROWSER], "");
    assert_eq!(status, 303);
    assert!(head.to_lowercase().contains("\r\nlocation: join\r\n"), "{head}");
    for path in ["/", "/index.html", "/signals", "/headset", "/api/v1/health"] {
        let (status, _, body) = http(hub.headset(), "GET", path, &[], "");
        assert_eq!(status, 426, "{path}");
        assert!(body.contains("Crosstie's classroom for headsets"), "{path}: {body}");
    }
    let refused = |headers: &[&str]| http(hub.headset(), "GET", "/headset", headers, "").0;
    assert_eq!(refused(&["X-Forwarded-For: 10.0.0.9"]), 401);
    assert_eq!(refused(&["Origin: http://evil.example"]), 403);
    assert_eq!(http(hub.headset(), "POST", "/join", &[], "").0, 426);
    // A headset may come in at every path, also at those of the page.
    for path in ["/join", "/assets/index.js", "/favicon.svg"] {
        seated(hub.headset(), path, &format!("Player {path}"));
    }
    assert_eq!(
        http(hub.monitor(), "GET", "/join", &[BROWSER], "").0,
        401,
        "monitors have no page"
    );
    let own = format!("Origin: http://{}", hub.headset());
    check_status(hub.headset(), "/headset", &[&own], "101");
}

#[test]
fn without_a_classroom_the_web_port_knows_neither_and_a_path_of_a_project_is_the_only_one() {
    let hub = TestHub::start("[web]\nport = 0\n");
    for path in ["/monitor", "/headset"] {
        let (status, body) = hub.http("GET", path, "");
        assert_eq!((status, &body["error"]["code"]), (404, &json!("not_found")), "{path}");
    }
    let hub = TestHub::start(&CLASS.replace("[headset]", "path = \"/m\"\n[headset]"));
    monitor(hub.monitor(), "/m");
    assert_eq!(http(hub.monitor(), "GET", "/", &[], "").0, 404);
}

#[test]
fn si2_no_compression_is_agreed_on_whatever_a_client_offers() {
    let hub = TestHub::start(CLASS);
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-webkit-deflate-frame";
    for (address, path) in [(hub.headset(), "/"), (hub.monitor(), "/"), (hub.web(), "/headset")] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let head = handshake(&mut stream, path, &[offer]).to_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        assert!(!head.contains("sec-websocket-extensions"), "{head}");
        // A frame that is compressed all the same breaks the protocol: its first reserved bit means nothing here.
        let mut compressed = frame(0x1, b"x");
        compressed[0] |= 0x40;
        stream.write_all(&compressed).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        let close = rest
            .windows(4)
            .any(|bytes| bytes[0] == 0x88 && bytes[2..] == 1002_u16.to_be_bytes());
        assert!(close, "closed with 1002: {rest:02x?}");
    }
}

#[test]
fn si2_binary_frames_are_read_like_texts() {
    let hub = TestHub::start(CLASS);
    let mut headset = Client::connect(hub.headset(), "/");
    headset.send_frame(BINARY, connection("Spieler_grün").as_bytes());
    assert_eq!(headset.next_of("json_state")["id"], "Spieler_grün");
    headset.send_frame(BINARY, br#"{"type":"ping","id":"x"}"#);
    assert_eq!(headset.next_of("pong")["id"], "x");
    // What is no UTF-8 is no message, and no reason to close.
    headset.send_frame(BINARY, &[0xFF, 0xFE]);
    is_answered(&mut headset, "y");

    let mut monitor = monitor(hub.monitor(), "/");
    monitor.send_frame(BINARY, br#"{"type":"screen_control","display_type":"grid"}"#);
    assert_eq!(monitor.next_of("screen_control")["display_type"], "grid");
}

#[test]
fn si3_a_message_of_one_mib_is_taken_and_one_byte_more_is_closed_with_1009() {
    let hub = TestHub::start(CLASS);
    let mut neighbour = seated(hub.headset(), "/", "Neighbour");
    for (address, path) in [
        (hub.headset(), "/"),
        (hub.monitor(), "/"),
        (hub.web(), "/headset"),
        (hub.web(), "/monitor"),
    ] {
        for opcode in [0x1, BINARY] {
            let mut client = Client::connect(address, path);
            let most = vec![b' '; 1 << 20];
            client.send_frame(opcode, &most);
            let mut one_more = most;
            one_more.push(b' ');
            let _ = client.try_send_frame(opcode, &one_more);
            assert_eq!(
                client.close_code(),
                (1009, String::from("message above 1 MiB")),
                "{path}"
            );
        }
    }
    // In pieces, and with a length that nobody has.
    let mut client = Client::connect(hub.headset(), "/");
    client.send_bytes(&[0x01, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]);
    client.send_bytes(&vec![b' '; 1 << 20]);
    client.send_bytes(&[0x80, 0x81, 0, 0, 0, 0]);
    assert_eq!(client.close_code().0, 1009);
    let mut client = Client::connect(hub.headset(), "/");
    client.send_bytes(&[0x81, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]);
    assert_eq!(client.close_code().0, 1009);
    is_answered(&mut neighbour, "Neighbour");
}

/// What the existing platform dies on, and more (SI-4).
const ZOO: [&str; 22] = [
    "",
    " ",
    "null",
    "[]",
    "[{\"type\":\"ping\"}]",
    "42",
    "true",
    "\"text\"",
    "{",
    "{}",
    "not json",
    "{\"type\":null}",
    "{\"type\":7}",
    "{\"type\":\"nonsense\"}",
    "{\"type\":\"connection\"}",
    "{\"type\":\"connection\",\"id\":null}",
    "{\"type\":\"connection\",\"id\":{\"a\":1},\"heartbeat\":\"soon\"}",
    "{\"type\":\"expression\"}",
    "{\"type\":\"ask\"}",
    "{\"type\":\"send_simulation\"}",
    "{\"type\":\"remove_player_headset\"}",
    "{\"type\":\"get_simulation_by_index\",\"simulationIndex\":\"x\"}",
];

#[test]
fn si4_malformed_messages_leave_their_socket_and_every_neighbour_as_they_are() {
    let hub = TestHub::start(CLASS);
    let mut neighbour = seated(hub.headset(), "/", "Neighbour");
    let mut watching = monitor(hub.monitor(), "/");
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    for (address, path) in [
        (hub.headset(), "/"),
        (hub.monitor(), "/"),
        (hub.web(), "/monitor"),
        (hub.web(), "/headset"),
    ] {
        let mut client = Client::connect(address, path);
        for text in ZOO.iter().copied().chain([deep.as_str()]) {
            client.send(text);
            client.send_frame(BINARY, text.as_bytes());
        }
        // Before a `connection` everything else is as wrong.
        client.send("{\"type\":\"ping\",\"id\":\"x\"}");
        client.send("{\"type\":\"disconnect_properly\"}");
        if path.ends_with("headset") || address == hub.headset() {
            let id = format!("After {address}{path}");
            client.send(&connection(&id));
            assert_eq!(client.next_of("json_state")["id"], Value::String(id));
        } else {
            client.send("{\"type\":\"screen_control\",\"display_type\":\"x\"}");
            client.next_of("screen_control");
        }
    }
    is_answered(&mut neighbour, "Neighbour");
    watching.send("{\"type\":\"screen_control\",\"display_type\":\"last\"}");
    eventually("the monitor sees its own order", || {
        watching.next_of("screen_control")["display_type"] == "last"
    });
}

#[test]
fn si1_taken_ports_of_a_classroom_are_named_together() {
    let taken = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [monitor, headset] = taken.each_ref().map(|listener| listener.local_addr().unwrap().port());
    let project = format!(
        "[web]\nport = 0\n[classroom]\ngamaless = true\n[monitor]\nport = {monitor}\n[headset]\nport = {headset}\n"
    );
    let Err(RunError::BusyPorts(message)) = TestHub::try_start(&project) else {
        panic!("both ports are taken");
    };
    assert!(
        message.contains("2 ports") && message.contains("(moved by monitor.port)"),
        "{message}"
    );
    assert!(message.contains("(moved by headset.port)"), "{message}");
}

/// The head of the answer to a handshake with further headers.
fn head_of(address: SocketAddr, path: &str, headers: &[&str]) -> String {
    let mut stream = TcpStream::connect(address).expect("the port takes connections");
    stream.set_read_timeout(Some(LIMIT)).expect("a limit can be set");
    handshake(&mut stream, path, headers)
}

#[track_caller]
fn check_status(address: SocketAddr, path: &str, headers: &[&str], status: &str) {
    let head = head_of(address, path, headers);
    assert!(
        head.starts_with(&format!("HTTP/1.1 {status} ")),
        "{path} {headers:?}: {head}"
    );
}

fn add_key(hub: &TestHub, by: Option<&str>, name: &str, role: &str) -> String {
    let body = json!({"name": name, "role": role}).to_string();
    let bearer = by.map(|key| format!("Authorization: Bearer {key}"));
    let headers: Vec<&str> = bearer.iter().map(String::as_str).collect();
    let (status, _, body) = http(hub.web(), "POST", "/api/v1/keys", &headers, &body);
    assert!((200..300).contains(&status), "{body}");
    let body: Value = serde_json::from_str(&body).expect("answers are JSON");
    body["secret"]
        .as_str()
        .or(body["key"].as_str())
        .expect("a key is shown once")
        .to_owned()
}

#[test]
fn si40_with_keys_monitors_show_one_and_headsets_do_not() {
    let hub = TestHub::start(CLASS);
    let engineer = add_key(&hub, None, "Anna", "engineer");
    let viewer = add_key(&hub, Some(&engineer), "Board", "viewer");
    let operator = add_key(&hub, Some(&engineer), "Desk", "operator");
    for (address, path) in [(hub.monitor(), "/"), (hub.web(), "/monitor")] {
        check_status(address, path, &[], "401");
        check_status(address, path, &["X-API-Key: ct_wrong"], "401");
    }
    for (address, path) in [(hub.headset(), "/"), (hub.web(), "/headset")] {
        check_status(address, path, &[], "101");
        check_status(address, path, &["X-API-Key: ct_wrong"], "401");
        // Behind a proxy nobody is on this machine, and the key of a viewer must not become every expression.
        check_status(address, path, &["X-Forwarded-For: 10.0.0.9"], "401");
        let with = |key: &str| format!("{path}?access_token={key}");
        check_status(address, &with(&operator), &["X-Forwarded-For: 10.0.0.9"], "403");
        check_status(address, &with(&engineer), &["X-Forwarded-For: 10.0.0.9"], "101");
    }
    // A viewer looks on and orders nothing.
    let mut looking = monitor(hub.monitor(), &format!("/?access_token={viewer}"));
    let mut ordering = monitor(hub.web(), &format!("/monitor?access_token={operator}"));
    looking.send("{\"type\":\"screen_control\",\"display_type\":\"of the viewer\"}");
    ordering.send("{\"type\":\"screen_control\",\"display_type\":\"of the operator\"}");
    assert_eq!(looking.next_of("screen_control")["display_type"], "of the operator");
}

#[test]
fn si40_an_open_class_takes_headsets_through_a_proxy_and_open_monitors_without_a_key() {
    let open = CLASS
        .replace("[monitor]\n", "[monitor]\nallow_unauthenticated = true\n")
        .replace("[headset]\n", "[headset]\nallow_unauthenticated = true\n");
    let hub = TestHub::start(&open);
    add_key(&hub, None, "Anna", "engineer");
    for (address, path) in [
        (hub.headset(), "/"),
        (hub.web(), "/headset"),
        (hub.monitor(), "/"),
        (hub.web(), "/monitor"),
    ] {
        check_status(address, path, &[], "101");
        check_status(address, path, &["X-Forwarded-For: 10.0.0.9"], "101");
        check_status(address, path, &["X-API-Key: ct_wrong"], "401");
    }
}

#[test]
fn pages_of_other_origins_become_neither_monitor_nor_headset() {
    let hub = TestHub::start(CLASS);
    for (address, path) in [
        (hub.monitor(), "/"),
        (hub.headset(), "/"),
        (hub.web(), "/monitor"),
        (hub.web(), "/headset"),
    ] {
        check_status(address, path, &["Origin: http://evil.example"], "403");
        check_status(address, path, &["Origin: http://localhost:5173"], "101");
    }
    let problems = hub.get("/api/v1/health")["problems"].to_string();
    assert!(
        problems.contains("origin:monitor") && problems.contains("`allowed_origins` of [headset]"),
        "{problems}"
    );
    let any = CLASS.replace(
        "[monitor]\n",
        "[monitor]\nallowed_origins = [\"http://front.example\"]\n",
    );
    let hub = TestHub::start(&any);
    check_status(hub.monitor(), "/", &["Origin: http://front.example"], "101");
}

/// A GAMA that a test plays itself.
struct FakeGama {
    listener: TcpListener,
}

impl FakeGama {
    fn start() -> FakeGama {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for a test");
        listener.set_nonblocking(true).expect("an option of TCP");
        FakeGama { listener }
    }

    /// A project that looks for it.
    fn project(&self) -> String {
        let port = self.listener.local_addr().expect("a bound port").port();
        let class = CLASS.replace("gamaless = true\n", "");
        format!("{class}[gama]\nhost = \"localhost\"\nport = {port}\n")
    }

    /// The hub's connection, with the path that it asks for. Nothing is said yet.
    fn accept(&self) -> (WebSocket<TcpStream>, String) {
        let mut accepted = None;
        eventually("the hub dials GAMA", || {
            accepted = self.listener.accept().ok();
            accepted.is_some()
        });
        let (stream, _) = accepted.expect("there is one now");
        stream.set_nonblocking(false).expect("an option of TCP");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit can be set");
        let mut path = String::new();
        #[expect(clippy::result_large_err, reason = "the library wants exactly this type")]
        let look = |request: &tungstenite::handshake::server::Request, response| {
            path = request.uri().to_string();
            assert!(
                request.headers().get("sec-websocket-extensions").is_none(),
                "no compression is asked for"
            );
            assert!(request.headers().get("authorization").is_none());
            Ok(response)
        };
        let socket = tungstenite::accept_hdr(stream, look).expect("the hub does its handshake");
        (socket, path)
    }
}

/// The next text; pings are answered by the library.
fn next_text(socket: &mut WebSocket<TcpStream>) -> String {
    loop {
        match socket.read().expect("the hub says something within the limit") {
            Message::Text(text) => return text.to_string(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

const GREETING: &str = r#"{"type":"ConnectionSuccessful","content":"7"}"#;

#[test]
fn ga1_gama_is_dialled_at_its_root_and_hears_nothing_before_it_has_greeted() {
    let gama = FakeGama::start();
    let hub = TestHub::start(&gama.project());
    let (mut socket, path) = gama.accept();
    assert_eq!(path, "/");
    let mut monitor = Client::connect(hub.monitor(), "/");
    // Orders of people do not reach a GAMA that has not greeted; a ping shows that nothing else was on its way.
    monitor.send("{\"type\":\"launch_experiment\"}");
    monitor.send("{\"type\":\"try_connection\"}");
    monitor.send("{\"type\":\"screen_control\",\"display_type\":\"x\"}");
    monitor.next_of("screen_control");
    socket.send(Message::Ping(vec![7].into())).unwrap();
    loop {
        match socket.read().unwrap() {
            Message::Ping(_) => {}
            Message::Pong(payload) if payload[..] == [7] => break,
            other => panic!("GAMA was told something before it has greeted: {other:?}"),
        }
    }
    socket.send(Message::text(GREETING)).unwrap();
    // A monitor that comes now is told so with its first state; one that was there may have been told before.
    eventually("monitors are told of GAMA", || {
        let mut monitor = Client::connect(hub.monitor(), "/");
        monitor.next_of("json_state")["gama"]["connected"] == true
    });
}

#[test]
fn ga11_a_message_of_gama_above_100_mib_ends_the_link_and_one_of_20_mib_reaches_its_player() {
    let gama = FakeGama::start();
    let hub = TestHub::start(&gama.project());
    let (mut socket, _) = gama.accept();
    socket.send(Message::text(GREETING)).unwrap();
    socket
        .send(Message::text(
            r#"{"type":"SimulationStatus","content":"PAUSED","exp_id":"0"}"#,
        ))
        .unwrap();
    let mut headset = seated(hub.headset(), "/", "Player_1");
    eventually("GAMA is asked for the player", || {
        next_text(&mut socket).contains("create_player(\\\"Player_1\\\")")
    });

    let long = "x".repeat(20 << 20);
    let inner = json!({"contents": [{"id": ["Player_1"], "contents": {"long": long}}]}).to_string();
    let outer = json!({"type": "SimulationOutput", "content": inner}).to_string();
    socket.send(Message::text(outer)).unwrap();
    let output = headset.next_of("json_output");
    assert_eq!(output["contents"]["long"].as_str().map(str::len), Some(long.len()));

    // The head of a frame alone says how long it will be.
    let mut head = vec![0x81, 127];
    head.extend(((100_u64 << 20) + 1).to_be_bytes());
    socket.get_mut().write_all(&head).unwrap();
    let close = loop {
        match socket.read() {
            Ok(Message::Close(close)) => break close.expect("a close with a code"),
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(
        (u16::from(close.code), close.reason.as_str()),
        (1009, "message above 100 MiB")
    );
}

#[test]
fn si39_a_headset_that_reads_nothing_holds_up_neither_the_hub_nor_its_neighbours() {
    let gama = FakeGama::start();
    let hub = TestHub::start(&gama.project());
    let (mut socket, _) = gama.accept();
    socket.send(Message::text(GREETING)).unwrap();
    socket
        .send(Message::text(
            r#"{"type":"SimulationStatus","content":"PAUSED","exp_id":"0"}"#,
        ))
        .unwrap();
    let stuck = seated(hub.headset(), "/", "Stuck");
    let mut neighbour = seated(hub.headset(), "/", "Neighbour");
    let pad = "x".repeat(256 << 10);
    const WORLDS: usize = 100;
    for number in 0..WORLDS {
        let inner = json!({"contents": [
            {"id": ["Stuck", "Neighbour"], "contents": {"number": number, "pad": pad}},
        ]});
        let outer = json!({"type": "SimulationOutput", "content": inner.to_string()}).to_string();
        socket.send(Message::text(outer)).unwrap();
        assert_eq!(neighbour.next_of("json_output")["contents"]["number"], number);
    }
    is_answered(&mut neighbour, "Neighbour");
    // When it reads again it gets what fitted the socket before, and of the rest the newest.
    let mut stuck = stuck;
    let mut seen = Vec::new();
    while seen.last() != Some(&(WORLDS - 1)) {
        let number = stuck.next_of("json_output")["contents"]["number"].as_u64().unwrap();
        seen.push(number as usize);
    }
    assert!(seen.is_sorted(), "{seen:?}");
    assert!(
        seen.len() < WORLDS,
        "a socket that is not read holds less than {WORLDS} worlds"
    );
    is_answered(&mut stuck, "Stuck");
}
