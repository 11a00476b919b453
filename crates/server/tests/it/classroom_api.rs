//! The classroom over HTTP, over the live channel and on the command line, with headsets on real sockets.

use crate::cli::{check, crosstie, text};
use crate::keys::{key, project};
use crate::support::{Client, TestHub, eventually, http};
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use tempfile::TempDir;

const GAMALESS: &str = "[web]\nport = 0\n[classroom]\ngamaless = true\n[monitor]\nport = 0\n[headset]\nport = 0\n";
const CLASS: &str = "/api/v1/classroom";

/// A project whose GAMA is at an address where nobody listens.
fn without_gama() -> String {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = port.expect("a free port").port();
    format!(
        "[web]\nport = 0\n[classroom]\n[monitor]\nport = 0\n[headset]\nport = 0\n[gama]\nhost = \"127.0.0.1\"\nport = {port}\n"
    )
}

#[track_caller]
fn ask(hub: &TestHub, method: &str, path: &str, body: Value, expected: u16) -> Value {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let (status, answer) = hub.http(method, &format!("{CLASS}{path}"), &body);
    assert_eq!(status, expected, "{method} {path}: {answer}");
    answer
}

#[track_caller]
fn refused(hub: &TestHub, method: &str, path: &str, body: &str, expected: (u16, &str)) -> String {
    let (status, answer) = hub.http(method, &format!("{CLASS}{path}"), body);
    let code = answer["error"]["code"].as_str().unwrap_or_default();
    assert_eq!((status, code), expected, "{method} {path}: {answer}");
    answer["error"]["message"].as_str().unwrap_or_default().to_owned()
}

/// A headset that has said its name.
fn headset(hub: &TestHub, id: &str) -> Client {
    let mut headset = Client::connect(hub.headset(), "/");
    headset.send(&json!({"type": "connection", "id": id, "heartbeat": "60000"}).to_string());
    let told = headset.next_of("json_state");
    assert_eq!(told["id_player"], id);
    headset
}

#[test]
fn a_hub_without_a_classroom_answers_404() {
    let hub = TestHub::start("[web]\nport = 0\n");
    for (method, path) in [
        ("GET", ""),
        ("GET", "/catalog"),
        ("GET", "/console"),
        ("POST", "/launch"),
    ] {
        refused(&hub, method, path, "", (404, "not_found"));
    }
    assert_eq!(hub.get("/api/v1/health")["classroom"], Value::Null);
    let at = format!("http://{}", hub.web());
    check(&["classroom", "status", "--at", &at], 1, "", "(not_found)");
    check(
        &["classroom", "watch", "--at", &at],
        1,
        "",
        "the project has no [classroom] (not_found)",
    );
}

#[test]
fn seats_and_screens_are_changed_over_the_api() {
    let hub = TestHub::start(GAMALESS);
    let empty = ask(&hub, "GET", "", Value::Null, 200);
    assert_eq!(empty["mode"], "gamaless");
    assert_eq!([&empty["gama"], &empty["model"], &empty["screen"]], [&Value::Null; 3]);
    assert_eq!([&empty["players"], &empty["orders"]], [&json!([]), &json!([])]);
    assert_eq!(ask(&hub, "GET", "/catalog", Value::Null, 200)["models"], json!([]));
    assert_eq!(
        ask(&hub, "GET", "/console?after=3", Value::Null, 200)["lines"],
        json!([])
    );

    let mut one = headset(&hub, "Player 101/a");
    let class = ask(&hub, "GET", "", Value::Null, 200);
    let seat = &class["players"][0];
    assert_eq!(
        [&seat["id"], &seat["heartbeat_ms"]],
        [&json!("Player 101/a"), &json!(60_000)]
    );
    assert_eq!([&seat["connected"], &seat["in_game"]], [&json!(true), &json!(false)]);
    let shown = ask(&hub, "PUT", "/screen", json!({"display_type": "stream"}), 200);
    assert_eq!(shown["screen"], "stream");
    refused(
        &hub,
        "DELETE",
        "/players/Player%20101%2Fa",
        "",
        (409, "classroom_refused"),
    );
    ask(&hub, "POST", "/players/Player%20101%2Fa/remove", Value::Null, 200);
    assert_eq!(one.close_code().0, 1000);
    let forgotten = ask(&hub, "DELETE", "/players/Player%20101%2Fa", Value::Null, 200);
    assert_eq!(forgotten["players"], json!([]));
    refused(&hub, "POST", "/players/nobody/add", "", (404, "not_found"));

    let reason = refused(&hub, "POST", "/launch", "", (409, "classroom_refused"));
    assert!(reason.contains("GAMA"), "{reason}");
    let reason = refused(&hub, "POST", "/fly", "", (404, "not_found"));
    assert!(reason.contains("launch, pause, resume, stop"), "{reason}");
    refused(&hub, "GET", "/launch", "", (405, "method_not_allowed"));
    refused(&hub, "PUT", "/model", r#"{"index":0}"#, (404, "not_found"));
    refused(&hub, "PUT", "/model", r#"{"index":"0"}"#, (400, "bad_request"));
    refused(&hub, "PUT", "/screen", "{}", (400, "bad_request"));
    refused(&hub, "POST", "/evaluate", r#"{"expr":"1"}"#, (409, "classroom_refused"));
    refused(&hub, "GET", "/console?after=x", "", (400, "bad_request"));
}

#[test]
fn a_gama_that_is_away_is_told_in_words() {
    let hub = TestHub::start(&without_gama());
    eventually("the first attempt has failed", || {
        ask(&hub, "GET", "", Value::Null, 200)["gama"]["link"] == "waiting"
    });
    let class = ask(&hub, "GET", "", Value::Null, 200);
    let gama = &class["gama"];
    assert!(
        gama["text"].as_str().is_some_and(|text| text.contains("not reachable")),
        "{gama}"
    );
    assert!(
        gama["retry_in_ms"].as_u64().is_some_and(|millis| millis <= 5_000),
        "{gama}"
    );
    assert_eq!(class["orders"], json!(["connect"]));
    let reason = refused(&hub, "POST", "/launch", "", (409, "classroom_refused"));
    assert!(reason.contains("not reachable"), "{reason}");
    ask(&hub, "POST", "/connect", Value::Null, 200);
    let health = hub.get("/api/v1/health");
    let expected = json!({"gama": false, "state": "NONE", "players": 0, "connected": 0, "in_game": 0, "monitors": 0});
    assert_eq!(health["classroom"], expected);
    let (_, _, metrics) = http(hub.web(), "GET", "/metrics", &[], "");
    assert!(metrics.contains("\ncrosstie_classroom_gama_up 0\n"), "{metrics}");
}

#[test]
fn a_page_sees_every_change_on_its_live_channel() {
    let hub = TestHub::start(GAMALESS);
    let mut page = Client::connect(hub.web(), "/api/v1/live");
    page.send(r#"{"type":"watch_classroom","id":1,"on":true}"#);
    assert_eq!(
        page.next_of("watching_classroom"),
        json!({"type": "watching_classroom", "id": 1, "on": true})
    );
    let mut first = page.next_of("classroom");
    assert_eq!([&first["players"], &first["console"]], [&json!([]), &json!([])]);
    let answer = ask(&hub, "GET", "", Value::Null, 200);
    // The frame is the answer, with two members more and another time.
    let frame = first.as_object_mut().expect("an object");
    frame.remove("type");
    frame.remove("console");
    frame.insert("now_ms".into(), answer["now_ms"].clone());
    assert_eq!(first, answer);
    let _one = headset(&hub, "Player_101");
    let mut seen = page.next_of("classroom");
    while seen["players"] == json!([]) {
        seen = page.next_of("classroom");
    }
    assert_eq!(seen["players"][0]["connected"], true);
}

/// A GAMALESS project with a key of each role and one model.
fn with_keys() -> (TestHub, [String; 3]) {
    let folder = project(GAMALESS);
    write_models(&folder);
    let keys = ["engineer", "operator", "viewer"].map(|role| key(folder.path(), role, role, &[]));
    (
        TestHub::start_in(folder, |_| ()).expect("the hub of a test starts"),
        keys,
    )
}

fn write_models(folder: &TempDir) {
    let package = folder.path().join("learning-packages/demo");
    fs::create_dir_all(&package).expect("the folder takes a folder");
    let model = |name: &str| {
        json!({"type": "json_settings", "name": name, "model_file_path": "demo.gaml", "experiment_name": "vr_xp",
            "minimal_players": "0", "maximal_players": "4"})
    };
    let settings = json!([model("Flood"), model("Crowd")]).to_string();
    fs::write(package.join("settings.json"), settings).expect("the folder takes a file");
    fs::write(package.join("demo.gaml"), "model demo").expect("the folder takes a file");
}

#[test]
fn roles_are_kept_and_what_was_done_is_in_the_audit_log() {
    let (hub, [engineer, operator, viewer]) = with_keys();
    let ask = |key: &str, method: &str, path: &str, body: &str| {
        let (status, _, body) = http(hub.web(), method, path, &[&format!("X-API-Key: {key}")], body);
        (status, serde_json::from_str::<Value>(&body).unwrap_or_default())
    };
    assert_eq!(ask(&viewer, "GET", CLASS, "").0, 200);
    let screen = format!("{CLASS}/screen");
    let body = r#"{"display_type":"stream"}"#;
    assert_eq!(ask(&viewer, "PUT", &screen, body).0, 403);
    assert_eq!(ask(&operator, "PUT", &screen, body).0, 200);
    let evaluate = format!("{CLASS}/evaluate");
    assert_eq!(ask(&operator, "POST", &evaluate, r#"{"expr":"1"}"#).0, 403);
    assert_eq!(ask(&engineer, "POST", &evaluate, r#"{"expr":"1"}"#).0, 409);
    eventually("the audit log has it", || {
        let (_, log) = ask(&engineer, "GET", "/api/v1/audit?limit=1", "");
        let entry = &log["entries"][0];
        entry["what"] == "classroom.screen" && entry["who"] == "operator" && entry["new"] == "stream"
    });
}

/// A hub and the verbs that talk to it.
struct Told {
    hub: TestHub,
    at: String,
}

impl Told {
    fn new(hub: TestHub) -> Told {
        let at = format!("http://{}", hub.web());
        Told { hub, at }
    }

    #[track_caller]
    fn check(&self, arguments: &[&str], exit_code: i32, stdout: &str, stderr: &str) {
        let arguments = [&["classroom"], arguments, &["--at", &self.at]].concat();
        check(&arguments, exit_code, stdout, stderr);
    }

    fn out(&self, arguments: &[&str]) -> String {
        let output = crosstie(&[&["classroom"], arguments, &["--at", &self.at]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }
}

#[test]
fn the_lesson_is_looked_at_and_run_from_the_command_line() {
    let told = Told::new(TestHub::start(GAMALESS));
    told.check(&["players"], 0, "no headset has connected yet\n", "");
    told.check(&["catalog"], 0, "no model was found in ", "");
    told.check(&["console"], 0, "", "");
    told.check(&["launch"], 1, "", "(classroom_refused)");
    told.check(&["step-back"], 1, "", "(classroom_refused)");
    told.check(&["eval", "1"], 1, "", "(classroom_refused)");
    told.check(&["select", "0"], 1, "", "(not_found)");
    told.check(&["select", "Flood"], 1, "", "`crosstie classroom catalog` prints them");
    let mut one = headset(&told.hub, "Player_101");
    let status = told.out(&["status"]);
    assert!(status.starts_with("experiment  GAMALESS: "), "{status}");
    assert!(
        status.contains("\nplayers     1 of 1 seat connected, 0 in the game\n"),
        "{status}"
    );
    assert!(status.contains("\nPLAYER      ADDRESS "), "{status}");
    let row: Value = serde_json::from_str(&told.out(&["status", "--json"])).unwrap();
    assert_eq!(row["players"][0]["id"], "Player_101");
    let rows: Value = serde_json::from_str(&told.out(&["players", "--json"])).unwrap();
    assert_eq!(rows[0]["id"], "Player_101");
    told.check(&["screen", "stream"], 0, "0 monitors shown: \"stream\"\n", "");
    let watched = told.out(&["watch", "--count", "3"]);
    assert!(
        watched.contains("  GAMALESS: ") && watched.contains("  Player_101 is connected"),
        "{watched}"
    );
    let frame: Value = serde_json::from_str(&told.out(&["watch", "--count", "1", "--json"])).unwrap();
    assert_eq!(
        [&frame["type"], &frame["screen"]],
        [&json!("classroom"), &json!("stream")]
    );
    told.check(&["forget", "Player_101"], 1, "", "(classroom_refused)");
    told.check(&["remove", "Player_101"], 0, "Player_101 is away", "");
    assert_eq!(one.close_code().0, 1000);
    told.check(&["forget", "Player_101"], 0, "Player_101 has no seat any more\n", "");
    told.check(&["add", "Player_101"], 1, "", "(not_found)");
    check(
        &["classroom", "status", "--at", "http://127.0.0.1:1"],
        3,
        "",
        "no hub answers",
    );
}

#[test]
fn a_gama_that_is_away_is_told_on_the_command_line() {
    let told = Told::new(TestHub::start(&without_gama()));
    eventually("the first attempt has failed", || {
        told.hub.get(CLASS)["gama"]["link"] == "waiting"
    });
    told.check(
        &["status"],
        0,
        "GAMA        GAMA is not reachable at ws://127.0.0.1:",
        "",
    );
    told.check(&["launch"], 1, "", "GAMA is not reachable at ws://127.0.0.1:");
}

#[test]
fn models_are_listed_and_selected() {
    let folder = project(GAMALESS);
    write_models(&folder);
    let told = Told::new(TestHub::start_in(folder, |_| ()).expect("the hub of a test starts"));
    eventually("the packages are read", || told.hub.get(CLASS)["models"] == 2);
    let catalog = told.out(&["catalog"]);
    assert!(catalog.contains("*  0      Flood  0 to 4   vr_xp\n"), "{catalog}");
    told.check(
        &["select", "Crowd"],
        0,
        "a launch loads Crowd (index 1), 0 to 4 players\n",
        "",
    );
    told.check(&["select", "0"], 0, "a launch loads Flood (index 0)", "");
    let json: Value = serde_json::from_str(&told.out(&["catalog", "--json"])).unwrap();
    assert_eq!(
        [&json["active"], &json["models"][1]["name"]],
        [&json!(0), &json!("Crowd")]
    );
    assert!(Path::new(json["models"][0]["file"].as_str().unwrap()).is_absolute());
}

#[test]
fn learning_packages_are_checked_without_a_hub() {
    let folder = project(GAMALESS);
    write_models(&folder);
    let dir = folder.path().to_str().expect("a temporary folder has a plain name");
    check(&["classroom", "check", dir], 0, "2 models, 0 errors, 0 warnings\n", "");
    check(&["classroom", "check", dir], 0, "  0      Flood  0 to 4   vr_xp\n", "");
    let broken = folder.path().join("learning-packages/broken");
    fs::create_dir_all(&broken).expect("the folder takes a folder");
    fs::write(broken.join("settings.json"), "{\n  \"type\": }").expect("the folder takes a file");
    check(&["classroom", "check", dir], 2, "settings.json:2:", "");
    check(&["classroom", "check", dir], 2, "2 models, 1 error, 0 warnings\n", "");
    let output = crosstie(&["classroom", "check", dir, "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("an array");
    assert_eq!([&found[0]["severity"], &found[0]["line"]], [&json!("error"), &json!(2)]);
    let other = project("[web]\nport = 0\n");
    let dir = other.path().to_str().expect("a temporary folder has a plain name");
    check(&["classroom", "check", dir], 2, "", "has no [classroom]");
}
