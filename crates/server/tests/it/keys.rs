//! Who may come in: keys, roles, origins, and what a hub without keys lets pass.

use crate::cli::{crosstie, text};
use crate::support::{Client, TestHub, eventually, handshake, http};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const PROJECT: &str = "[web]\nport = 0\n\
    [[realvirtual]]\nname = \"line\"\nport = 0\ndebug = true\n\
    [[realvirtual.signal]]\nname = \"Start\"\ntype = \"Bool\"\nwriter = \"hub\"\n\
    [[realvirtual.signal]]\nname = \"Speed\"\ntype = \"Int\"\nwriter = \"peer\"\n\
    [[realvirtual]]\nname = \"other\"\nport = 0\npath = \"/ws\"\n";

/// A folder with a project.
pub(crate) fn project(text: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder for a test");
    fs::write(folder.path().join("crosstie.toml"), text).expect("the folder takes a file");
    folder
}

fn path(folder: &Path) -> &str {
    folder.to_str().expect("a temporary folder has a plain name")
}

/// Makes a key with the program; the key.
#[track_caller]
pub(crate) fn key(folder: &Path, name: &str, role: &str, more: &[&str]) -> String {
    let output = crosstie(&[&["key", "add", name, path(folder), "--role", role], more].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!text(&output.stderr).contains("ct_"));
    text(&output.stdout).trim().to_owned()
}

/// A hub with a key of each role: engineer, operator, viewer.
fn hub_with_keys() -> (TestHub, [String; 3]) {
    let folder = project(PROJECT);
    let keys = ["engineer", "operator", "viewer"].map(|role| key(folder.path(), role, role, &[]));
    (
        TestHub::start_in(folder, |_| ()).expect("the hub of a test starts"),
        keys,
    )
}

/// A request with a key in the header; status and body.
fn ask(hub: &TestHub, key: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let (status, _, body) = http(hub.web(), method, path, &[&format!("X-API-Key: {key}")], body);
    (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
}

/// The four places of a key: what is added to the path, and a header.
fn places(key: &str) -> [(String, String); 4] {
    [
        (format!("?apikey={key}"), String::new()),
        (format!("?access_token={key}"), String::new()),
        (String::new(), format!("X-API-Key: {key}")),
        (String::new(), format!("Authorization: Bearer {key}")),
    ]
}

/// The status of a handshake.
fn knock(address: SocketAddr, path: &str, header: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the port takes connections");
    let headers: &[&str] = if header.is_empty() { &[] } else { &[header] };
    let head = handshake(&mut stream, path, headers);
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), head.to_lowercase())
}

#[test]
fn every_operation_wants_a_key_and_finds_it_in_each_of_the_four_places() {
    let (hub, [engineer, ..]) = hub_with_keys();
    let (_, description) = ask(&hub, &engineer, "GET", "/api/v1/openapi.json", "");
    let mut operations = 0;
    for (path, methods) in description["paths"].as_object().unwrap() {
        let parts = path.trim_start_matches('/').split('/');
        let parts = parts.map(|part| if part.starts_with('{') { "none" } else { part });
        let path = parts.collect::<Vec<&str>>().join("/");
        for method in methods.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
            operations += 1;
            let (status, head, body) = http(hub.web(), &method, &format!("/{path}"), &[], "");
            if ["healthz", "api/v1/version"].contains(&path.as_str()) {
                assert_eq!(status, 200, "{path}");
                continue;
            }
            assert_eq!(status, 401, "{method} {path} without a key: {body}");
            assert!(head.to_lowercase().contains("www-authenticate: bearer"), "{head}");
            assert_eq!(
                serde_json::from_str::<Value>(&body).unwrap()["error"]["code"],
                "unauthorized"
            );
            for (query, header) in places(&engineer) {
                let headers: &[&str] = if header.is_empty() { &[] } else { &[&header] };
                let (status, _, body) = http(hub.web(), &method, &format!("/{path}{query}"), headers, "");
                assert!(status != 401 && status != 403, "{method} {path}: {status} {body}");
                assert!(!body.contains(&engineer));
            }
        }
    }
    assert!(operations > 20, "{operations}");
    let (status, ..) = http(hub.web(), "GET", "/", &[], "");
    assert!(status == 200 || status == 503, "the page holds no data: {status}");
}

#[test]
fn every_handshake_wants_a_key_and_finds_it_in_each_of_the_four_places() {
    let (hub, [engineer, ..]) = hub_with_keys();
    for (address, path) in [
        (hub.endpoint("line"), "/"),
        (hub.endpoint("line"), "/any/path"),
        (hub.endpoint("other"), "/ws"),
        (hub.web(), "/realvirtual/line"),
        (hub.web(), "/realvirtual/li%6Ee"),
        (hub.web(), "/api/v1/live"),
    ] {
        let (status, head) = knock(address, path, "");
        assert_eq!(status, 401, "{path}");
        assert!(head.contains("www-authenticate: bearer"), "{head}");
        assert_eq!(knock(address, &format!("{path}?apikey=ct_wrong"), "").0, 401, "{path}");
        assert_eq!(knock(address, &format!("{path}?apikey="), "").0, 401, "{path}");
        for (query, header) in places(&engineer) {
            assert_eq!(
                knock(address, &format!("{path}{query}"), &header).0,
                101,
                "{path}{query} {header}"
            );
        }
        let two = format!("{path}?apikey={engineer}");
        assert_eq!(knock(address, &two, "X-API-Key: ct_other").0, 401, "two keys");
    }
}

#[test]
fn me_says_who_asks_and_a_key_that_is_shown_is_valid_everywhere() {
    let (hub, [engineer, operator, _]) = hub_with_keys();
    let (status, me) = ask(&hub, &operator, "GET", "/api/v1/me", "");
    let expected =
        json!({"who": "operator", "role": "operator", "key": "k2", "keys_exist": true, "view": null, "write": null});
    assert_eq!((status, me), (200, expected));
    let wanted = json!({"name": "HMI", "role": "operator", "view": ["twin/line/**"], "write": ["twin/*/Start"]});
    let (status, made) = ask(&hub, &engineer, "POST", "/api/v1/keys", &wanted.to_string());
    assert_eq!((status, &made["id"]), (201, &json!("k4")));
    let hmi = made["key"].as_str().unwrap();
    let (_, me) = ask(&hub, hmi, "GET", "/api/v1/me", "");
    assert_eq!((&me["view"], &me["write"]), (&wanted["view"], &wanted["write"]));
    assert_eq!(
        ask(&hub, hmi, "PUT", "/api/v1/signals/twin/line/Start", "{\"value\":true}").0,
        200
    );

    let (_, list) = ask(&hub, &engineer, "GET", "/api/v1/keys", "");
    let row = list["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["id"] == "k4")
        .cloned()
        .unwrap();
    assert!(
        row["last_used_ms"].is_u64() && row["created"].as_str().unwrap().ends_with('Z'),
        "{row}"
    );
    assert!(list["keys"][2]["last_used_ms"].is_null());
    assert!(!list.to_string().contains("ct_") && !list.to_string().contains("sha256"));
    for (body, status) in [
        ("{\"name\":\"x\",\"role\":\"root\"}", 422),
        ("{\"name\":\"\",\"role\":\"viewer\"}", 422),
        ("{\"name\":\"x\"}", 400),
        ("{\"name\":\"x\",\"role\":\"viewer\",\"veiw\":[]}", 400),
    ] {
        assert_eq!(ask(&hub, &engineer, "POST", "/api/v1/keys", body).0, status, "{body}");
    }
    assert_eq!(ask(&hub, &engineer, "DELETE", "/api/v1/keys/k9", "").0, 404);
    assert_eq!(
        ask(&hub, &engineer, "DELETE", "/api/v1/keys/k1", "").0,
        409,
        "the last engineer"
    );
}

#[test]
fn a_viewer_changes_nothing_on_any_way() {
    let (hub, [engineer, operator, viewer]) = hub_with_keys();
    let start = "/api/v1/signals/twin/line/Start";
    let (status, body) = ask(&hub, &viewer, "PUT", start, "{\"value\":true}");
    assert_eq!((status, &body["error"]["code"]), (403, &json!("forbidden")));
    assert_eq!(
        ask(
            &hub,
            &operator,
            "PATCH",
            "/api/v1/config",
            "{\"realvirtual.line.debug\":false}"
        )
        .0,
        403
    );
    for key in [&viewer, &operator] {
        assert_eq!(ask(&hub, key, "GET", "/api/v1/keys", "").0, 403);
        assert_eq!(
            ask(
                &hub,
                key,
                "POST",
                "/api/v1/keys",
                "{\"name\":\"x\",\"role\":\"engineer\"}"
            )
            .0,
            403
        );
        assert_eq!(ask(&hub, key, "DELETE", "/api/v1/keys/k1", "").0, 403);
        assert_eq!(ask(&hub, key, "GET", "/api/v1/audit", "").0, 403);
    }
    let mut live = Client::connect(hub.web(), &format!("/api/v1/live?access_token={viewer}"));
    live.send("{\"type\":\"write\",\"id\":1,\"epoch\":1,\"name\":\"twin/line/Start\",\"value\":true}");
    let answer = live.next_of("error");
    assert!(answer["id"].is_null() || answer["id"] == 1, "{answer}");

    let mut peer = Client::connect(hub.endpoint("line"), &format!("/?apikey={viewer}"));
    peer.send("{\"type\":\"data\",\"version\":2,\"signals\":{\"Speed\":7}}");
    peer.send("{\"type\":\"subscribe\",\"version\":2,\"subscribe\":\"*\"}");
    eventually("the value is counted as forbidden", || {
        let (_, endpoints) = ask(&hub, &engineer, "GET", "/api/v1/endpoints", "");
        endpoints["endpoints"][0]["counters"]["ignored"]["forbidden"] == 1
            || ask(&hub, &engineer, "GET", "/api/v1/clients", "").1["clients"]
                .as_array()
                .unwrap()
                .iter()
                .any(|client| client["counters"]["ignored"]["forbidden"] == 1)
    });
    for name in ["Start", "Speed"] {
        let (_, signal) = ask(&hub, &engineer, "GET", &format!("/api/v1/signals/twin/line/{name}"), "");
        assert!(
            signal["value"] == json!(false) || signal["value"] == json!(0),
            "{signal}"
        );
    }
}

#[test]
fn a_revoked_key_ends_its_connections_and_no_others() {
    let (hub, [engineer, operator, viewer]) = hub_with_keys();
    let connect = |key: &str| {
        [
            Client::connect(hub.endpoint("line"), &format!("/?apikey={key}")),
            Client::connect(hub.web(), &format!("/realvirtual/line?apikey={key}")),
            Client::connect(hub.web(), &format!("/api/v1/live?access_token={key}")),
        ]
    };
    let (mut of_operator, of_viewer) = (connect(&operator), connect(&viewer));
    eventually("all are there", || {
        let (_, clients) = ask(&hub, &engineer, "GET", "/api/v1/clients", "");
        clients["clients"].as_array().unwrap().len() == 6
    });
    assert_eq!(ask(&hub, &engineer, "DELETE", "/api/v1/keys/k2", "").0, 204);
    for client in &mut of_operator {
        assert_eq!(client.close_code(), (1008, String::from("key revoked")));
    }
    assert_eq!(ask(&hub, &operator, "GET", "/api/v1/me", "").0, 401);
    assert_eq!(ask(&hub, &viewer, "GET", "/api/v1/me", "").0, 200);
    // The command line changes the file; the hub sees it within a second.
    assert!(crosstie(&["key", "revoke", "k3", path(hub.folder())]).status.success());
    for mut client in of_viewer {
        assert_eq!(client.close_code(), (1008, String::from("key revoked")));
    }
    assert_eq!(ask(&hub, &viewer, "GET", "/api/v1/me", "").0, 401);
}

#[test]
fn a_body_that_is_held_back_until_its_key_is_revoked_changes_nothing() {
    let (hub, [engineer, ..]) = hub_with_keys();
    let wanted = r#"{"name":"mallory","role":"engineer"}"#;
    let (_, made) = ask(&hub, &engineer, "POST", "/api/v1/keys", wanted);
    let second = made["key"].as_str().unwrap().to_owned();
    let mut held: Vec<TcpStream> = Vec::new();
    for (method, target, body) in [
        ("POST", "/api/v1/keys", r#"{"name":"back door","role":"engineer"}"#),
        ("PUT", "/api/v1/signals/twin/line/Start", r#"{"value":true}"#),
        ("PUT", "/api/v1/log", r#"{"filter":"off"}"#),
    ] {
        let mut stream = TcpStream::connect(hub.web()).unwrap();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {second}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let (begun, _) = body.split_at(body.len() - 1);
        stream.write_all(format!("{head}{begun}").as_bytes()).unwrap();
        held.push(stream);
    }
    assert_eq!(ask(&hub, &engineer, "DELETE", "/api/v1/keys/k4", "").0, 204);
    for mut stream in held {
        stream.write_all(b"}").unwrap();
        let mut status = String::new();
        BufReader::new(stream).read_line(&mut status).unwrap();
        assert!(status.contains(" 401 "), "{status}");
    }
    let (_, keys) = ask(&hub, &engineer, "GET", "/api/v1/keys", "");
    assert_eq!(keys["keys"].as_array().unwrap().len(), 3, "{keys}");
    let (_, start) = ask(&hub, &engineer, "GET", "/api/v1/signals/twin/line/Start", "");
    assert_eq!(start["value"], false);
}

#[test]
fn the_first_key_is_an_engineers_and_ends_what_came_without_one() {
    let hub = TestHub::start(PROJECT);
    let me = hub.get("/api/v1/me");
    let expected = json!({"who": "this machine", "role": "engineer", "key": null, "keys_exist": false, "view": null, "write": null});
    assert_eq!(me, expected);
    let mut live = Client::connect(hub.web(), "/api/v1/live");
    let (status, body) = hub.http("POST", "/api/v1/keys", "{\"name\":\"HMI\",\"role\":\"operator\"}");
    assert_eq!(status, 422, "{body}");
    let (status, made) = hub.http("POST", "/api/v1/keys", "{\"name\":\"Anna\",\"role\":\"engineer\"}");
    assert_eq!(status, 201, "{made}");
    assert_eq!(live.close_code(), (1008, String::from("key revoked")));
    assert_eq!(hub.http("GET", "/api/v1/me", "").0, 401);
    let engineer = made["key"].as_str().unwrap();
    assert_eq!(ask(&hub, engineer, "GET", "/api/v1/me", "").1["keys_exist"], true);
    assert_eq!(ask(&hub, engineer, "DELETE", "/api/v1/keys/k1", "").0, 204);
    assert_eq!(hub.get("/api/v1/me")["role"], "engineer", "no keys exist again");
}

#[test]
fn an_open_listener_takes_anybody_without_a_key_as_far_as_it_is_open() {
    let folder = project(&PROJECT.replace("port = 0\n[[", "port = 0\nallow_unauthenticated = true\n[["));
    let engineer = key(folder.path(), "Anna", "engineer", &[]);
    let hub = TestHub::start_in(folder, |config| config.endpoints[0].allow_unauthenticated = true).unwrap();
    let me = hub.get("/api/v1/me");
    assert_eq!(
        (&me["who"], &me["role"], &me["key"]),
        (&json!("anonymous"), &json!("viewer"), &Value::Null)
    );
    assert_eq!(
        hub.http("PUT", "/api/v1/signals/twin/line/Start", "{\"value\":true}").0,
        403
    );
    assert_eq!(knock(hub.endpoint("other"), "/ws", "").0, 401, "open is one listener");
    assert_eq!(knock(hub.web(), "/realvirtual/other", "").0, 401);
    assert_eq!(knock(hub.web(), "/realvirtual/line", "").0, 101);
    assert_eq!(
        knock(hub.endpoint("line"), "/?apikey=ct_wrong", "").0,
        401,
        "a shown key is valid"
    );
    let mut peer = Client::connect(hub.endpoint("line"), "/");
    peer.send("{\"type\":\"data\",\"version\":2,\"signals\":{\"Speed\":7}}");
    eventually("the value of the anonymous peer is there", || {
        ask(&hub, &engineer, "GET", "/api/v1/signals/twin/line/Speed", "").1["value"] == 7
    });
}

#[test]
fn behind_a_proxy_nobody_is_this_machine() {
    let hub = TestHub::start(PROJECT);
    for header in [
        "Forwarded: for=10.0.0.1",
        "X-Forwarded-For: 10.0.0.1",
        "X-Real-IP: 10.0.0.1",
        "Via: 1.1 proxy",
    ] {
        assert_eq!(
            http(hub.web(), "GET", "/api/v1/health", &[header], "").0,
            401,
            "{header}"
        );
        assert_eq!(knock(hub.endpoint("line"), "/", header).0, 401, "{header}");
    }
    assert_eq!(knock(hub.endpoint("line"), "/", "X-Other: 1").0, 101);
}

#[test]
fn pages_of_other_origins_are_refused_by_every_port_unless_they_are_listed() {
    let hub = TestHub::start_in(project(PROJECT), |config| {
        config.web.allowed_origins = vec![String::from("https://line.example")];
        config.endpoints[1].allowed_origins = vec![String::from("*")];
    })
    .unwrap();
    let page = format!("Origin: http://{}", hub.web());
    let check = |address: SocketAddr, path: &str, origin: &str, expected: u16| {
        assert_eq!(knock(address, path, origin).0, expected, "{path} {origin}");
    };
    for (address, path) in [
        (hub.endpoint("line"), "/"),
        (hub.web(), "/realvirtual/line"),
        (hub.web(), "/api/v1/live"),
    ] {
        check(address, path, "Origin: http://evil.example", 403);
        check(address, path, "Origin: null", 403);
        check(address, path, "Origin: https://line.example", 101);
        check(address, path, &page, 101);
        check(address, path, "", 101);
    }
    check(hub.endpoint("other"), "/ws", "Origin: http://evil.example", 101);
    let mut stream = TcpStream::connect(hub.endpoint("line")).unwrap();
    handshake(&mut stream, "/", &["Origin: http://evil.example"]);
    let mut body = String::new();
    stream.read_to_string(&mut body).unwrap();
    assert!(body.contains("`allowed_origins` of the endpoint 'line'"), "{body}");
    let problems = hub.get("/api/v1/health")["problems"].to_string();
    assert!(problems.contains("origin:line"), "{problems}");
    let rebound = [
        ("", "line.example"),
        ("", "evil.example"),
        ("http://line.example", "line.example"),
        ("http://evil.example", "line.example"),
        ("http://line.example", "evil.example"),
    ]
    .map(|(target, host)| {
        let mut stream = TcpStream::connect(hub.web()).unwrap();
        std::io::Write::write_all(
            &mut stream,
            format!("GET {target}/api/v1/me HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    });
    assert_eq!(
        rebound,
        ["200", "403", "200", "403", "403"],
        "the name of the proxy is ours, another one is not, neither in the target nor in the header"
    );
}

#[test]
fn wrong_keys_again_and_again_are_told_to_wait() {
    let (hub, [engineer, ..]) = hub_with_keys();
    for _ in 0..20 {
        assert_eq!(ask(&hub, "ct_wrong", "GET", "/api/v1/me", "").0, 401);
    }
    let (status, head, body) = http(hub.web(), "GET", "/api/v1/me", &["X-API-Key: ct_wrong"], "");
    assert_eq!(status, 429, "{body}");
    assert!(head.to_lowercase().contains("retry-after: 60"), "{head}");
    assert_eq!(knock(hub.endpoint("line"), "/?apikey=ct_wrong", "").0, 429);
    assert_eq!(
        ask(&hub, &engineer, "GET", "/api/v1/me", "").0,
        200,
        "a right key is never locked out"
    );
}

#[test]
fn a_damaged_file_is_never_no_keys() {
    let (hub, [engineer, ..]) = hub_with_keys();
    let file = hub.folder().join("state/keys.toml");
    let sound = fs::read_to_string(&file).unwrap();
    let has_problem = || {
        let (_, health) = ask(&hub, &engineer, "GET", "/api/v1/health", "");
        let problems = health["problems"].as_array().unwrap();
        problems
            .iter()
            .any(|problem| problem["id"] == "keys" && problem["severity"] == "error")
    };
    for damage in [Some("next_id = "), None] {
        match damage {
            Some(text) => fs::write(&file, text).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        eventually("the problem is shown", has_problem);
        assert_eq!(hub.http("GET", "/api/v1/me", "").0, 401);
        assert_eq!(
            ask(
                &hub,
                &engineer,
                "POST",
                "/api/v1/keys",
                "{\"name\":\"x\",\"role\":\"viewer\"}"
            )
            .0 / 100,
            if damage.is_some() { 5 } else { 4 }
        );
        fs::write(&file, &sound).unwrap();
        eventually("the problem is over", || !has_problem());
    }
    fs::write(&file, sound.replace("role = \"viewer\"", "role = \"root\"")).unwrap();
    let folder = path(hub.folder());
    for verb in ["check", "run"] {
        let output = crosstie(&[verb, folder]);
        assert_eq!(output.status.code(), Some(2), "{verb}");
        let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(
            told.contains("keys.toml") && told.contains("viewer, operator or engineer"),
            "{told}"
        );
    }
    assert_eq!(crosstie(&["key", "list", folder]).status.code(), Some(2));
}

#[test]
fn other_machines_are_let_in_by_keys_or_by_openness_and_nothing_listens_there_by_default() {
    let hub = TestHub::start(PROJECT);
    assert!(hub.web().ip().is_loopback());
    let endpoints = hub.get("/api/v1/endpoints");
    for endpoint in endpoints["endpoints"].as_array().unwrap() {
        let address = hub.endpoint(endpoint["name"].as_str().unwrap());
        assert!(address.ip().is_loopback(), "{endpoint}");
    }
    let folder = project(&PROJECT.replace("[web]\n", "[web]\nbind = \"0.0.0.0\"\n"));
    let output = crosstie(&["check", path(folder.path())]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stdout).contains("crosstie key add"),
        "{}",
        text(&output.stdout)
    );
    key(folder.path(), "Anna", "engineer", &[]);
    assert!(crosstie(&["check", path(folder.path())]).status.success());
}

#[test]
fn the_command_line_makes_lists_and_revokes_keys_and_shows_one_to_a_hub() {
    let (hub, [engineer, ..]) = hub_with_keys();
    let folder = path(hub.folder());
    let output = crosstie(&["key", "list", folder, "--json"]);
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list[1]["role"], "operator");
    assert!(!text(&output.stdout).contains("ct_"));
    assert_eq!(crosstie(&["key", "revoke", "k9", folder]).status.code(), Some(2));
    assert_eq!(crosstie(&["key", "list", "no-such-folder"]).status.code(), Some(2));

    let at = format!("http://{}", hub.web());
    assert_eq!(
        crosstie(&["signals", "list", "--at", &at]).status.code(),
        Some(1),
        "a key is wanted"
    );
    let file = hub.folder().join("my.key");
    fs::write(&file, format!("{engineer}\n")).unwrap();
    let of_file = ["--at", &at, "--key-file", path(&file)];
    for verb in [
        &["signals", "list"][..],
        &["route", "list"],
        &["signals", "watch", "--count", "1"],
        &["signals", "set", "twin/line/Start", "true"],
    ] {
        let output = crosstie(&[verb, &of_file[..]].concat());
        assert!(output.status.success(), "{verb:?}: {}", text(&output.stderr));
    }
    fs::write(&file, "ct_ wrong\nct_x").unwrap();
    let output = crosstie(&[&["signals", "list"], &of_file[..]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(!text(&output.stderr).contains("ct_x"), "{}", text(&output.stderr));
}

#[test]
fn no_key_stands_in_a_log_a_file_or_a_refusal() {
    let practice = "[[practice]]\nkind = \"twin\"\nendpoint = \"line\"\n";
    let folder = project(&format!("{PROJECT}{practice}"));
    let engineer = key(folder.path(), "Anna", "engineer", &[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_crosstie"));
    command.args(["run", path(folder.path()), "--practice", "--log", "trace"]);
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
    let (web, line) = (address("page      http://"), address("line: ws://"));
    let wrong = format!("{engineer}x");
    let mut answers = String::new();
    for key in [&engineer, &wrong] {
        for (query, header) in places(key) {
            let headers: &[&str] = if header.is_empty() { &[] } else { &[&header] };
            for path in [
                "/api/v1/health",
                "/api/v1/none",
                "/none",
                "/api/v1/live",
                "/api/v1/signals/none",
                "/api/v1/clients",
            ] {
                let (_, head, body) = http(web, "GET", &format!("{path}{query}"), headers, "");
                answers.push_str(&head);
                answers.push_str(&body);
            }
            let (_, head) = knock(line, &format!("/{query}"), &header);
            answers.push_str(&head);
        }
    }
    let header = format!("X-API-Key: {engineer}");
    eventually("the practice twin is let in", || {
        http(web, "GET", "/api/v1/clients", &[&header], "")
            .2
            .contains("practice twin")
    });
    let (status, _, made) = http(
        web,
        "POST",
        "/api/v1/keys",
        &[&header],
        "{\"name\":\"B\",\"role\":\"viewer\"}",
    );
    assert_eq!(status, 201, "{made}");
    let mut peer = Client::connect(line, &format!("/?apikey={engineer}"));
    peer.send("{\"type\":\"data\",\"version\":2,\"signals\":{\"Speed\":7}}");
    let pid = process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(process.wait().unwrap().success());
    let log = log.join().unwrap();
    assert!(log.contains("refused"), "the log tells of refusals: {log}");
    assert!(!log.contains("ct_"), "{log}");
    assert!(!summary.contains("ct_") && !answers.contains("ct_"));
    for entry in fs::read_dir(folder.path())
        .unwrap()
        .chain(fs::read_dir(folder.path().join("state")).unwrap())
    {
        let path = entry.unwrap().path();
        if path.is_file() {
            assert!(!text(&fs::read(&path).unwrap()).contains("ct_"), "{}", path.display());
        }
    }
}
