//! Contexts of remote engines over real sockets (PL-90): another hub, and a small engine of the old generation.

use crate::support::{TestHub, eventually};
use crate::wrong_engine::WrongEngine;
use crosstie_server::config::{self, Overrides};
use serde_json::{Value, json};

const LAMP: &str = "SOR XIC B:0/0 OTE O:0/0 EOR\n";
const FAR: &str = "/api/v1/plc/contexts/far";

fn office(url: &str) -> TestHub {
    let project = format!("[web]\nport = 0\n[[plc]]\nname = \"far\"\nremote = \"{url}\"\n");
    TestHub::start(&project)
}

fn color(hub: &TestHub) -> Value {
    hub.get(FAR)["context"]["link"]["color"].clone()
}

fn done((status, body): (u16, Value)) -> Value {
    assert_eq!(status, 200, "{body}");
    body
}

/// Downloads, starts and writes over the API of a hub, and sees what comes of it.
fn operate(hub: &TestHub) {
    eventually("the engine is there", || color(hub) == "green");
    done(hub.http("PUT", &format!("{FAR}/program"), LAMP));
    let row = done(hub.http("POST", &format!("{FAR}/command"), r#"{"command":"start"}"#));
    assert_eq!(row["context"]["state"], "Running");
    let written = done(hub.http("PUT", &format!("{FAR}/memory/B:0/0"), r#"{"value":true}"#));
    assert_eq!(written["stored"], json!(true));
    eventually("the lamp is on", || {
        let memory = hub.get("/api/v1/signals?filter=plc/far/O:0/0");
        let lamp = &memory["signals"][0];
        lamp["value"] == json!(true) && lamp["quality"] == "good"
    });
    eventually("the program is that of the engine", || {
        hub.get(FAR)["context"]["program"]["rungs"] == 1
    });
}

#[test]
fn pl90_a_hub_operates_a_context_of_another_hub_and_leaves_it_running() {
    let plant = TestHub::start("[web]\nport = 0\n[piplc]\nport = 0\n[[plc]]\nname = \"line\"\n");
    let office = office(&format!("ws://{}/", plant.piplc()));
    operate(&office);
    assert_eq!(office.get(FAR)["context"]["link"]["dialect"], "0.2");
    office.stop();
    assert_eq!(plant.get("/api/v1/plc/contexts/line")["context"]["state"], "Running");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pl90_a_hub_operates_an_engine_of_the_old_generation() {
    let engine = WrongEngine::start_old().await;
    let url = engine.url.clone();
    let story = tokio::task::spawn_blocking(move || {
        let office = office(&url);
        operate(&office);
        assert_eq!(office.get(FAR)["context"]["link"]["dialect"], "0.1");
        let (status, refused) = office.http("PUT", &format!("{FAR}/memory/I:0/0"), r#"{"value":true}"#);
        assert!(status >= 400 && refused.to_string().contains("forgets"), "{refused}");
    });
    story.await.expect("the story is told to its end");
}

#[test]
fn pl90_what_answers_and_is_no_engine_is_red_with_the_reason() {
    let other = TestHub::start("[web]\nport = 0\n");
    let office = office(&format!("ws://{}/nothing", other.web()));
    eventually("it is red", || color(&office) == "red");
    let reason = office.get(FAR)["context"]["link"]["reason"].clone();
    assert!(
        reason.as_str().is_some_and(|reason| reason.contains("answered")),
        "{reason}"
    );
}

#[test]
fn keys_that_do_not_go_with_remote_are_mistakes() {
    let codes = |plc: &str| {
        let folder = tempfile::tempdir().expect("a folder for a test");
        let project = format!("[[plc]]\nname = \"far\"\n{plc}");
        std::fs::write(folder.path().join("crosstie.toml"), project).expect("the folder takes a file");
        let loaded = config::load(folder.path(), &Overrides::default());
        let codes: Vec<&str> = loaded.diagnostics.iter().map(|found| found.code).collect();
        codes
    };
    let remote = "remote = \"ws://10.0.0.1:9100/\"\n";
    assert!(codes(remote).is_empty());
    assert_eq!(codes(&format!("{remote}scan_time_ms = 5\n")), ["wrong_role"]);
    assert_eq!(codes("remote_context = \"PLC 1\"\n"), ["missing_key"]);
    for wrong in ["http://10.0.0.1/", "ws://10.0.0.1/?apikey=1", "10.0.0.1"] {
        assert_eq!(codes(&format!("remote = \"{wrong}\"\n")), ["bad_value"], "{wrong}");
    }
    assert_eq!(codes(&format!("{remote}access_key_file = \"far.key\"\n")), ["no_file"]);
}
