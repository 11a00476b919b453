//! The command line as scripts see it: what the process prints and returns, against a hub whose answers are written down here.

use axum::extract::{Path as UrlPath, RawQuery};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

/// The program with the environment of a fresh shell.
pub(crate) fn crosstie(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crosstie"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CROSSTIE_")) {
        command.env_remove(name);
    }
    command
        .env("NO_COLOR", "1")
        .args(arguments)
        .output()
        .expect("the program of this package starts")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
pub(crate) fn check(arguments: &[&str], exit_code: i32, stdout: &str, stderr: &str) {
    let output = crosstie(arguments);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(exit_code), "{out}\n{err}");
    assert!(out.contains(stdout), "{stdout:?} is not in {out}");
    assert!(err.contains(stderr), "{stderr:?} is not in {err}");
}

pub(crate) fn word(path: &Path) -> &str {
    path.to_str().expect("a temporary folder has a plain name")
}

#[test]
fn a_first_project_passes_its_check_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("my line");
    check(&["init", word(&project)], 0, "wrote ", "");
    let written = fs::read_to_string(project.join("crosstie.toml")).unwrap();
    check(
        &["check", word(&project)],
        0,
        "\"my line\" is sound: 1 endpoint, 7 signals, 0 routes",
        "",
    );
    check(&["check", word(&project), "--json"], 0, "[]", "");
    check(&["init", word(&project)], 1, "", "exists and is left as it is");
    assert_eq!(fs::read_to_string(project.join("crosstie.toml")).unwrap(), written);
}

#[test]
fn check_prints_every_mistake_and_returns_two() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("crosstie.toml");
    check(
        &["check", word(folder.path())],
        2,
        "`crosstie init` writes a first project file",
        "",
    );
    fs::write(&file, "[web]\nprt = 1\nport = 70000\n").unwrap();
    check(&["check", word(folder.path())], 2, "2 errors, 0 warnings", "");
    check(&["run", word(folder.path())], 2, "", "did you mean `port`?");
    let output = crosstie(&["check", word(folder.path()), "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found[1]["code"], "out_of_range");
    assert_eq!([&found[1]["line"], &found[1]["column"]], [&json!(3), &json!(8)]);
    fs::write(&file, "[[route]]\nfrom = \"twin/a/x\"\nto = \"sim/a\"\n").unwrap();
    check(&["check", word(folder.path())], 0, "1 warning", "");
}

#[test]
fn mistakes_of_the_command_line_return_two() {
    check(&["fly"], 2, "", "unrecognized subcommand");
    check(
        &["signals", "list", "--at", "ftp://localhost:8000"],
        2,
        "",
        "expected an address such as http://127.0.0.1:8000",
    );
    check(
        &["run", "no-such-folder", "--set", "web.port"],
        2,
        "",
        "expected KEY=VALUE",
    );
    check(
        &["run", "no-such-folder", "--log", "bogus"],
        2,
        "",
        "`bogus` is neither a level (off, error, warn, info, debug, trace) nor a target with one",
    );
    check(&["--help"], 0, "Exit codes:", "");
    check(&["completions", "bash"], 0, "_crosstie", "");
}

#[test]
fn without_a_hub_the_message_says_what_to_do() {
    // A port that was free a moment ago and that nobody listens on now.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let at = format!("http://{address}");
    for verb in [
        &["signals", "list"][..],
        &["signals", "watch"],
        &["route", "list"],
        &["realvirtual", "clients"],
    ] {
        let arguments = [verb, &["--at", &at]].concat();
        check(
            &arguments,
            3,
            "",
            &format!("no hub answers at {at}: is `crosstie run` up? --at URL names another"),
        );
    }
}

#[test]
fn conform_listens_for_a_client_and_says_where() {
    let listen = |more: &[&str], exit_code, stdout: &str, stderr: &str| {
        let arguments = [&["conform", "realvirtual", "--listen", "0", "--wait", "1"], more].concat();
        check(&arguments, exit_code, stdout, stderr);
    };
    listen(
        &[],
        1,
        "FAILED   RV-30.reached",
        "waiting up to 1 s for a client at ws://127.0.0.1:",
    );
    listen(&["--json"], 1, "\"failed\":1", "none within 1s");
    listen(
        &["--only", "RV-13"],
        2,
        "",
        "--only RV-13: no claim or check has this name",
    );

    let folder = tempfile::tempdir().unwrap();
    let catalog = folder.path().join("catalog.json");
    listen(&["--catalog", word(&catalog)], 2, "", "--catalog ");
    fs::write(&catalog, r#"{"signals":{"x":1},"signalTypes":{"x":"int"}}"#).unwrap();
    listen(
        &["--catalog", word(&catalog)],
        2,
        "",
        "signal \"x\" has no type of the contract",
    );

    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    check(
        &["conform", "realvirtual", "--listen", &port],
        1,
        "",
        "--listen 0 takes a free port",
    );
}

fn signal(name: &str, kind: &str, value: Value) -> Value {
    json!({"id":7,"name":name,"kind":kind,"value":value,"quality":"good","reason":null,"owner":"hub","writer":"Unity",
           "conflict":false,"writable":true,"generation":1,"changed_at_ms":1,"confirmed_at_ms":1})
}

async fn signals(RawQuery(query): RawQuery) -> Json<Value> {
    let query = query.unwrap_or_default();
    assert!(query.contains("filter=a%20b"), "{query}");
    Json(match query.contains("after=x%2F1") {
        false => {
            json!({"now_ms":1,"generation":1,"total":2,"next":"x/1","signals":[signal("twin/line/Run", "bool", json!(true))]})
        }
        true => {
            json!({"now_ms":1,"generation":1,"total":2,"next":null,"signals":[signal("twin/line/State", "text", json!("on"))]})
        }
    })
}

async fn put_signal(UrlPath(name): UrlPath<String>, Json(body): Json<Value>) -> Json<Value> {
    Json(json!({"name":name,"value":body["value"],"coerced":false,"generation":2}))
}

async fn get_signal(UrlPath(name): UrlPath<String>) -> (StatusCode, Json<Value>) {
    if name == "twin/line/Speed ü" {
        return (StatusCode::OK, Json(signal(&name, "float", json!(1.0))));
    }
    (
        StatusCode::NOT_FOUND,
        Json(json!({"error":{"code":"not_found","message":"no signal is named so"}})),
    )
}

/// A hub that knows what this file needs.
fn written_down() -> Router {
    let route = json!({"id":1,"from":"sim/a","to":"sim/b","source":"api","state":"waiting","reason":"no sim/a yet","count":0,
                       "last_value":null,"last_at_ms":null});
    let client = json!({"id":3,"endpoint":"line","protocol":"realvirtual","name":"Unity","address":"127.0.0.1:5","path":"/",
                        "connected_at_ms":1,"last_seen_at_ms":1,"state":"good","view":"list","view_len":24,"writes":5,
                        "echoer":true,"rtt_us":1,"lag_ms":0,"lag_signals":0,"counters":{}});
    let routes = json!({ "routes": [route.clone()] });
    Router::new()
        .route("/api/v1/signals", get(signals))
        .route("/api/v1/signals/{*name}", get(get_signal).put(put_signal))
        .route("/api/v1/clients", get(Json(json!({ "clients": [client] }))))
        .route(
            "/api/v1/endpoints/{name}/import",
            post(|UrlPath(name): UrlPath<String>| async move {
                let asked = if name == "other" { 0 } else { 2 };
                let answered = usize::from(name == "line");
                Json(json!({ "asked": asked, "answered": answered, "found": 24 * answered, "made": 3 * answered }))
            }),
        )
        .route(
            "/api/v1/routes",
            get(Json(routes)).post((StatusCode::CREATED, Json(route))),
        )
        .route("/api/v1/routes/{id}", delete(StatusCode::NO_CONTENT))
}

async fn started() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    tokio::spawn(async { axum::serve(listener, written_down()).await });
    format!("http://{address}")
}

/// Runs the program beside the hub of this test, which needs its own thread meanwhile.
async fn check_at(at: &str, arguments: &[&str], exit_code: i32, stdout: &str, stderr: &str) {
    let arguments: Vec<String> = arguments
        .iter()
        .copied()
        .chain(["--at", at])
        .map(str::to_owned)
        .collect();
    let (stdout, stderr) = (stdout.to_owned(), stderr.to_owned());
    let run = tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        check(&arguments, exit_code, &stdout, &stderr);
    });
    run.await.expect("the program says and returns what it should");
}

#[tokio::test]
async fn signals_are_listed_over_all_pages_and_set_by_their_kind() {
    let at = started().await;
    let table = "NAME             KIND  VALUE  QUALITY  OWNER  WRITER\n\
                 twin/line/Run    bool  true   good     hub    Unity\n\
                 twin/line/State  text  \"on\"   good     hub    Unity\n";
    check_at(&at, &["signals", "list", "--filter", "a b"], 0, table, "").await;
    check_at(
        &at,
        &["signals", "list", "--filter", "a b", "--json"],
        0,
        "\"kind\": \"text\"",
        "",
    )
    .await;
    check_at(
        &at,
        &["signals", "set", "twin/line/Speed ü", "-2.5"],
        0,
        "twin/line/Speed ü = -2.5\n",
        "",
    )
    .await;
    check_at(
        &at,
        &["signals", "set", "twin/line/Speed ü", "fast"],
        2,
        "",
        "is of the kind float, \"fast\" is not",
    )
    .await;
    check_at(
        &at,
        &["signals", "set", "twin/x", "1"],
        1,
        "",
        "no signal is named so (not_found)",
    )
    .await;
}

#[tokio::test]
async fn routes_and_clients_are_shown_and_changed() {
    let at = started().await;
    let routes = "ID  FROM   TO     TRANSFORM  SOURCE  STATE                  COUNT  HELD  FAILED  LAST VALUE\n\
                  1   sim/a  sim/b  -          api     waiting: no sim/a yet  0      0     0       -\n";
    check_at(&at, &["route", "list"], 0, routes, "").await;
    check_at(
        &at,
        &["route", "add", "sim/a", "sim/b"],
        0,
        "route 1: sim/a → sim/b (waiting: no sim/a yet)\n",
        "",
    )
    .await;
    check_at(&at, &["route", "remove", "1"], 0, "route 1 is removed\n", "").await;
    let clients = "ID  ENDPOINT  NAME   ADDRESS      STATE         VIEW        WRITES  LAG MS\n\
                   3   line      Unity  127.0.0.1:5  good, echoer  24 signals  5       0\n";
    check_at(&at, &["realvirtual", "clients"], 0, clients, "").await;
    check_at(
        &at,
        &["realvirtual", "import", "line"],
        0,
        "1 of 2 peers of `line` answered: 24 signals found, 3 made",
        "",
    )
    .await;
    check_at(&at, &["realvirtual", "import", "other"], 1, "", "nobody was asked").await;
}

/// Plays the live channel once: the subscription of the client, then these messages, then a close.
async fn live(messages: Vec<Value>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound address");
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("the program connects");
        let mut channel = tokio_tungstenite::accept_async(stream)
            .await
            .expect("the program upgrades");
        let subscription = channel
            .next()
            .await
            .expect("the program subscribes")
            .expect("a whole frame");
        assert!(
            subscription.to_text().is_ok_and(|text| text.contains("\"subscribe\"")),
            "{subscription}"
        );
        for message in messages {
            channel
                .send(Message::text(message.to_string()))
                .await
                .expect("the program reads");
        }
        // A socket that is dropped with unread bytes is reset, and a reset would overtake the messages.
        drop(channel.close(None).await);
        while let Some(Ok(_)) = channel.next().await {}
    });
    address
}

#[tokio::test]
async fn watch_prints_the_snapshot_and_then_the_changes() {
    let messages = vec![
        json!({"type":"hello","epoch":5,"now_ms":1,"generation":1,"version":"0.1.0"}),
        json!({"type":"snapshot","id":1,"now_ms":1,"generation":1,"signals":[signal("twin/line/Run", "bool", json!(true))],"unknown":["twin/line/Gone"]}),
        json!({"type":"data","now_ms":2,"generation":2,"signals":[[7,false,"stale",81_234,3]]}),
    ];
    let at = format!("http://{}", live(messages.clone()).await);
    let lines = "     0.001  twin/line/Run = true\n    81.234  twin/line/Run = false  (stale)\n";
    let waiting = "no signal is called twin/line/Gone; waiting for it\n";
    let arguments = ["signals", "watch", "twin/line/*", "twin/line/Gone", "--count", "2"];
    check_at(&at, &arguments, 0, lines, waiting).await;
    let at = format!("http://{}", live(messages).await);
    check_at(
        &at,
        &["signals", "watch", "--json"],
        3,
        "\"name\":\"twin/line/Run\",\"value\":false",
        "the live channel ended",
    )
    .await;
}

#[test]
fn the_certificate_of_a_project_is_made_shown_and_renewed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("crosstie.toml"), "[project]\nname = \"Line\"\n").unwrap();
    let dir = word(folder.path());
    let fingerprint = |arguments: &[&str]| {
        let output = crosstie(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let out = text(&output.stdout);
        let line = out.lines().find_map(|line| line.strip_prefix("SHA-256      "));
        line.expect("the fingerprint is printed").to_owned()
    };
    check(&["tls", "show", dir], 0, "the hub's certificate is made\n", "");
    check(&["tls", "show", dir], 0, "names        localhost, 127.0.0.1, ::1", "");
    check(&["tls", "show", dir], 0, "speaks http: web.tls = true turns TLS on", "");
    let open = "[web]\nbind = \"0.0.0.0\"\nport = 8443\ntls = true\nallow_unauthenticated = true\n";
    fs::write(folder.path().join("crosstie.toml"), open).unwrap();
    check(&["tls", "show", dir], 0, "page         https://127.0.0.1:8443/\n", "");
    let first = fingerprint(&["tls", "show", dir]);
    assert_eq!(fingerprint(&["tls", "show", dir]), first);
    assert_ne!(fingerprint(&["tls", "renew", dir]), first);
    fs::write(folder.path().join("state/tls/certificate.pem"), "").unwrap();
    let fault = "state/tls/certificate.pem: a certificate in PEM was expected, and none is in it";
    check(&["tls", "show", dir], 1, "", fault);

    fs::rename(folder.path().join("state/tls"), folder.path().join("plant")).unwrap();
    let given = "[tls]\ncertificate = \"plant/certificate.pem\"\nprivate_key = \"plant/private-key.pem\"\n";
    fs::write(folder.path().join("crosstie.toml"), given).unwrap();
    let fault = "plant/certificate.pem: a certificate in PEM was expected, and none is in it";
    check(&["tls", "show", dir], 1, "", fault);
    check(&["tls", "renew", dir], 1, "", "it is renewed where it came from");
}
