//! Joining a class with a browser: the code, who sees it, where it lets in, and where it never stands (SI-40).

use crate::cli::{check, crosstie, text};
use crate::keys::{key, project};
use crate::support::{Client, LIMIT, TestHub, eventually, handshake, http};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

/// A classroom without GAMA, on ports of the system, for this machine.
const CLASS: &str = "[web]\nport = 0\n[classroom]\ngamaless = true\n[monitor]\nport = 0\n[headset]\nport = 0\n";
const JOIN: &str = "/api/v1/classroom/join";

/// Whoever comes through a proxy is on another machine.
const ELSEWHERE: &str = "X-Forwarded-For: 10.0.0.9";

/// A hub with a key of each role: engineer, operator, viewer.
fn closed_class() -> (TestHub, [String; 3]) {
    let folder = project(CLASS);
    let keys = ["engineer", "operator", "viewer"].map(|role| key(folder.path(), role, role, &[]));
    (
        TestHub::start_in(folder, |_| ()).expect("the hub of a test starts"),
        keys,
    )
}

fn ask(hub: &TestHub, key: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let bearer = format!("Authorization: Bearer {key}");
    let (status, _, text) = http(hub.web(), method, path, &[&bearer], body);
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[track_caller]
fn set(hub: &TestHub, key: &str, open: bool) -> Value {
    let (status, join) = ask(hub, key, "PUT", JOIN, &json!({ "open": open }).to_string());
    assert_eq!((status, &join["open"]), (200, &json!(open)), "{join}");
    join
}

fn code_of(join: &Value) -> &str {
    join["code"].as_str().expect("joining is open")
}

/// What a page is told that asks whether its headset would be let in, from another machine.
fn asked(address: SocketAddr, path: &str) -> (u16, String) {
    let (status, _, body) = http(address, "GET", path, &[ELSEWHERE], "");
    (status, body)
}

/// A headset of another machine that has its seat.
fn seated(address: SocketAddr, path: &str, id: &str) -> Client {
    let stream = TcpStream::connect(address).expect("the port takes connections");
    let mut headset = Client::with(stream, path, &[ELSEWHERE]);
    headset.send(&json!({"type": "connection", "id": id, "heartbeat": "60000"}).to_string());
    assert_eq!(headset.next_of("json_state")["id"], id);
    headset
}

/// Status of a handshake of another machine.
fn knock(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the port takes connections");
    stream.set_read_timeout(Some(LIMIT)).expect("a limit can be set");
    let head = handshake(&mut stream, path, &[ELSEWHERE]);
    head.split(' ').nth(1).expect("a status").to_owned()
}

#[test]
fn si40_a_join_code_lets_a_headset_into_a_closed_class_and_nobody_anywhere_else() {
    let (hub, [engineer, operator, viewer]) = closed_class();
    let doors = [hub.web(), hub.headset()];
    let closed = ask(&hub, &viewer, "GET", JOIN, "").1;
    assert_eq!([&closed["open"], &closed["needs_code"]], [&json!(false), &json!(true)]);
    assert_eq!(closed["urls"], json!([format!("http://{}/join", hub.headset())]));
    assert!(
        closed["hint"]
            .as_str()
            .is_some_and(|hint| hint.contains("bind = \"0.0.0.0\" under [headset]")),
        "{closed}"
    );
    assert_eq!(ask(&hub, &viewer, "PUT", JOIN, r#"{"open":true}"#).0, 403);
    assert_eq!(ask(&hub, &operator, "PUT", JOIN, r#"{"code":"AAAAAA"}"#).0, 400);
    for address in doors {
        for path in ["/headset", "/headset?code=", "/headset?code=K7QF3M"] {
            let (status, body) = asked(address, path);
            assert_eq!(status, 401, "{path}: {body}");
            assert!(body.contains("join code"), "{path}: {body}");
        }
    }

    let open = set(&hub, &operator, true);
    let code = code_of(&open).to_owned();
    assert_eq!(code.len(), 6, "{code}");
    assert_eq!(set(&hub, &operator, true)["code"], code.as_str(), "it is open already");
    let seen = ask(&hub, &viewer, "GET", JOIN, "").1;
    assert_eq!([&seen["open"], &seen["code"]], [&json!(true), &Value::Null]);

    let path = format!("/headset?code={code}");
    for address in doors {
        assert_eq!(asked(address, &path).0, 426);
        assert_eq!(asked(address, "/headset").0, 401);
    }
    let mut by_web = seated(hub.web(), &format!("/headset?code={}", code.to_lowercase()), "Phone");
    let mut by_headset = seated(hub.headset(), &format!("/any/path?x=1&code={code}"), "Laptop");
    assert_eq!(knock(hub.monitor(), &format!("/?code={code}")), "401");
    assert_eq!(knock(hub.web(), &format!("/monitor?code={code}")), "401");
    assert_eq!(asked(hub.web(), &format!("/api/v1/health?code={code}")).0, 401);
    let clients = ask(&hub, &operator, "GET", "/api/v1/clients", "").1.to_string();
    assert_eq!(clients.matches(r#""who":"join code""#).count(), 2, "{clients}");

    set(&hub, &operator, false);
    assert_eq!(knock(hub.headset(), &path), "401", "joining is closed");
    for (headset, id) in [(&mut by_web, "Phone"), (&mut by_headset, "Laptop")] {
        headset.send(&json!({"type": "ping", "id": id}).to_string());
        assert_eq!(headset.next_of("pong")["id"], id, "who is in stays in");
    }
    let again = set(&hub, &operator, true);
    assert_ne!(code_of(&again), code);
    assert_eq!(knock(hub.headset(), &path), "401", "the code of before");

    let audit = || ask(&hub, &engineer, "GET", "/api/v1/audit", "").1;
    eventually("three changes stand in the audit log", || {
        let entries = audit();
        let joins = entries["entries"].as_array().expect("a list").iter();
        joins.filter(|entry| entry["what"] == "classroom.join").count() == 3
    });
    let told = [
        audit().to_string(),
        clients,
        http(hub.web(), "GET", "/metrics", &[&format!("X-API-Key: {operator}")], "").2,
    ];
    assert!(
        told.iter()
            .all(|text| !text.contains(&code) && !text.contains(code_of(&again)))
    );

    // Wrong codes are counted, and then nobody of this address is heard.
    let tries = (0..=20).map(|_| asked(hub.headset(), "/headset?code=wrong").0);
    assert!(tries.collect::<Vec<_>>().contains(&429));
    let right = format!("/headset?code={}", code_of(&again));
    let (status, body) = asked(hub.web(), &right);
    assert_eq!(status, 429, "{body}");
    assert!(
        body.contains("too_many_failures") && body.contains("join codes"),
        "{body}"
    );
    assert_eq!(knock(hub.headset(), &right), "429");
}

#[test]
fn where_no_code_is_needed_joining_is_open_and_stays_so() {
    let hub = TestHub::start(&CLASS.replace("[headset]\n", "[headset]\nallow_unauthenticated = true\n"));
    let expected = json!({
        "now_ms": 0, "open": true, "code": null, "needs_code": false,
        "urls": [format!("http://{}/join", hub.headset())], "hint": hub.get(JOIN)["hint"],
    });
    let without_time = |mut join: Value| {
        assert!(join["now_ms"].is_u64(), "{join}");
        join["now_ms"] = json!(0);
        join
    };
    assert_eq!(without_time(hub.get(JOIN)), expected);
    let (status, opened) = hub.http("PUT", JOIN, r#"{"open":true}"#);
    assert_eq!((status, without_time(opened)), (200, expected));
    let (status, refused) = hub.http("PUT", JOIN, r#"{"open":false}"#);
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("conflict")));
    assert!(refused.to_string().contains("no code is needed"), "{refused}");
    assert_eq!(asked(hub.headset(), "/headset?code=of-before").0, 426);

    let at = format!("http://{}", hub.web());
    check(&["classroom", "join", "--at", &at], 0, "code     none is needed", "");
    check(&["classroom", "join", "--close", "--at", &at], 1, "", "(conflict)");

    let hub = TestHub::start("[web]\nport = 0\n");
    for (method, body) in [("GET", ""), ("PUT", r#"{"open":true}"#)] {
        let (status, refused) = hub.http(method, JOIN, body);
        assert_eq!(
            (status, &refused["error"]["code"]),
            (404, &json!("not_found")),
            "{method}"
        );
    }
}

#[test]
fn the_command_line_opens_and_closes_joining() {
    let hub = TestHub::start(CLASS);
    let at = format!("http://{}", hub.web());
    let printed = |more: &[&str]| {
        let output = crosstie(&[&["classroom", "join", "--at", &at], more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let opened = printed(&[]);
    let join = hub.get(JOIN);
    let expected = format!("code     {}\naddress  http://{}/join\n", code_of(&join), hub.headset());
    assert!(opened.starts_with(&expected), "{opened}");
    assert_eq!(printed(&[]), opened, "the code is kept");
    let told: Value = serde_json::from_str(&printed(&["--json"])).expect("JSON");
    assert_eq!(told["code"], join["code"]);
    assert_eq!(printed(&["--close"]), "joining is closed; who is connected stays\n");
    assert_eq!(hub.get(JOIN)["open"], json!(false));
}

#[test]
fn no_join_code_stands_in_a_log_or_a_file() {
    let folder = project(CLASS);
    let dir = folder.path().to_str().expect("a temporary folder has a plain name");
    let mut command = Command::new(env!("CARGO_BIN_EXE_crosstie"));
    command.args(["run", dir, "--log", "trace"]);
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = process.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).unwrap();
        log
    });
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    let mut summary = String::new();
    while !summary.contains("end with") {
        assert_ne!(stdout.read_line(&mut summary).unwrap(), 0, "{summary}");
    }
    let address = |before: &str| -> SocketAddr {
        let rest = summary.split_once(before).unwrap().1;
        rest.split('/').next().unwrap().parse().unwrap()
    };
    let (web, headset) = (address("page      http://"), address("headsets  ws://"));
    let (status, _, opened) = http(web, "PUT", JOIN, &[], r#"{"open":true}"#);
    assert_eq!(status, 200, "{opened}");
    let opened: Value = serde_json::from_str(&opened).unwrap();
    let code = code_of(&opened);
    for address in [web, headset] {
        seated(address, &format!("/headset?code={code}"), &format!("Player {address}"));
        let (status, body) = asked(address, &format!("/headset?code={code}wrong"));
        assert!(status == 401 && !body.contains(code), "{body}");
    }
    assert_eq!(http(web, "PUT", JOIN, &[], r#"{"open":false}"#).0, 200);
    let pid = process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(process.wait().unwrap().success());
    let log = log.join().unwrap();
    assert!(log.contains("refused") && !log.contains(code), "{log}");
    for file in fs::read_dir(folder.path().join("state")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            assert!(!text(&fs::read(&path).unwrap()).contains(code), "{}", path.display());
        }
    }
}
