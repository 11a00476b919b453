//! PLC engines in the running hub: scanned in real time, tied to twins, steered over PiPLC's port, stopped in good order.

use crate::cli::{crosstie, text};
use crate::keys::{key, project};
use crate::support::{CLOSE, Client, TestHub, eventually, handshake, http};
use crosstie_server::config::{self, Overrides};
use crosstie_server::run::{RunError, RunningHub};
use serde_json::{Value, json};
use std::fs;
use std::net::{TcpListener, TcpStream};
use tempfile::TempDir;

const BINARY: u8 = 0x2;

/// The lamp follows the button.
const LAMP: &str = "SOR XIC I:0/0 OTE O:0/0 EOR\n";

/// The same as the original's editor writes it.
const LAMP_XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<PLCProject version="3.2">
  <Metadata><Name>Lamp</Name></Metadata>
  <SymbolTable/>
  <Programs>
    <Program name="Lamp" type="Main">
      <Rungs>
        <Rung id="0" number="0">
          <Instruction type="XIC" column="0" address="I:0/0"/>
          <Instruction type="OTE" column="1" address="O:0/0"/>
        </Rung>
      </Rungs>
    </Program>
  </Programs>
</PLCProject>
"#;

/// A folder with a project and the program `lamp.txt`.
fn folder(project_file: &str, program: &str) -> TempDir {
    let folder = project(project_file);
    fs::write(folder.path().join("lamp.txt"), program).expect("the folder takes a file");
    folder
}

fn start(project_file: &str) -> TestHub {
    TestHub::start_in(folder(project_file, LAMP), |_| ()).expect("the hub of a test starts")
}

const PLAIN: &str = "[web]\nport = 0\n[piplc]\nport = 0\n";

/// A cell with a button and a lamp, tied to a program that runs from the start.
const CELL: &str = r#"
[web]
port = 0
[piplc]
port = 0
[[plc]]
name = "line"
program = "lamp.txt"
scan_time_ms = 2
autostart = true
[[realvirtual]]
name = "cell"
port = 0
[[realvirtual.signal]]
name = "Button"
type = "Bool"
writer = "peer"
[[realvirtual.signal]]
name = "Lamp"
type = "Bool"
writer = "hub"
[[route]]
from = "twin/cell/Button"
to = "plc/line/I:0/0"
[[route]]
from = "plc/line/O:0/0"
to = "twin/cell/Lamp"
"#;

/// The value of a sample of `/metrics`.
fn sample(hub: &TestHub, sample: &str) -> f64 {
    let Value::String(page) = hub.get("/metrics") else {
        panic!("metrics are text")
    };
    let line = page.lines().find_map(|line| line.strip_prefix(sample));
    let value = line.unwrap_or_else(|| panic!("no {sample} in {page}"));
    value.trim().parse().expect("a number")
}

#[test]
fn a_project_with_autostart_runs_without_a_client_and_its_figures_say_so() {
    let hub = start(
        "[web]\nport = 0\n[[plc]]\nname = \"line\"\nprogram = \"lamp.txt\"\nscan_time_ms = 0.5\nautostart = true\n\
         [[plc]]\nname = \"spare\"\n",
    );
    eventually("it scans", || {
        sample(&hub, "crosstie_plc_scans_total{context=\"line\"}") > 100.0
    });
    assert_eq!(
        sample(&hub, "crosstie_plc_state{context=\"line\",state=\"Running\"}"),
        1.0
    );
    assert_eq!(
        sample(&hub, "crosstie_plc_state{context=\"line\",state=\"Fault\"}"),
        0.0
    );
    assert_eq!(
        sample(&hub, "crosstie_plc_state{context=\"spare\",state=\"Stopped\"}"),
        1.0
    );
    assert_eq!(
        sample(&hub, "crosstie_plc_scan_seconds{context=\"line\",of=\"target\"}"),
        0.0005
    );
    let average = sample(&hub, "crosstie_plc_scan_seconds{context=\"line\",of=\"average\"}");
    let max = sample(&hub, "crosstie_plc_scan_seconds{context=\"line\",of=\"max\"}");
    assert!(average <= max);
    let expected = json!({"contexts": 2, "running": 1, "in_fault": 0, "url": null});
    assert_eq!(hub.get("/api/v1/health")["plc"], expected);
}

#[test]
fn the_port_of_the_engines_says_where_it_is_and_wants_a_key_where_keys_exist() {
    let folder = folder(PLAIN, LAMP);
    let operator = {
        key(folder.path(), "engineer", "engineer", &[]);
        key(folder.path(), "operator", "operator", &[])
    };
    let hub = TestHub::start_in(folder, |_| ()).expect("the hub of a test starts");
    let knock = |path: &str, headers: &[&str]| {
        let mut stream = TcpStream::connect(hub.piplc()).expect("the port takes connections");
        handshake(&mut stream, path, headers)
    };
    assert!(knock("/", &[]).starts_with("HTTP/1.1 401 "));
    assert!(knock("/", &["X-API-Key: ct_wrong"]).starts_with("HTTP/1.1 401 "));
    assert!(knock(&format!("/?apikey={operator}"), &[]).starts_with("HTTP/1.1 101 "));
    let page = "Origin: https://evil.example";
    let with_key = format!("X-API-Key: {operator}");
    assert!(knock("/", &[page, &with_key]).starts_with("HTTP/1.1 403 "));

    let (status, _, body) = http(hub.web(), "GET", "/api/v1/health", &[&with_key], "");
    let health: Value = serde_json::from_str(&body).expect("health is JSON");
    assert_eq!(
        (status, &health["plc"]["url"]),
        (200, &json!(format!("ws://{}/", hub.piplc())))
    );
    assert_eq!(health["plc"]["contexts"], 1, "somebody who connects finds an engine");
    let problems = health["problems"].to_string();
    assert!(problems.contains("`allowed_origins` of [piplc]"), "{problems}");
    let (status, _, body) = http(hub.piplc(), "GET", "/", &[&with_key], "");
    assert_eq!(status, 426, "{body}");
    assert!(body.contains("PLC engines"), "{body}");
}

#[test]
fn a_port_that_is_taken_is_named_with_what_moves_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its number").port();
    let Err(RunError::BusyPorts(message)) = TestHub::try_start(&format!("[web]\nport = 0\n[piplc]\nport = {port}\n"))
    else {
        panic!("the port is taken")
    };
    assert!(
        message.contains("piplc") && message.contains("(moved by piplc.port)"),
        "{message}"
    );
}

#[test]
fn a_program_with_a_mistake_keeps_the_hub_from_starting_and_names_the_place() {
    let folder = folder(CELL, "SOR XIC I:0/0 OTE O:0/0 EOR\nSOR XIC Button OTE O:0/1 EOR\n");
    let dir = folder.path().to_str().expect("a plain name");
    for verb in ["check", "run"] {
        let output = crosstie(&[verb, dir]);
        assert_eq!(output.status.code(), Some(2));
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(said.contains("lamp.txt:2:") && said.contains("E101"), "{said}");
    }
    fs::write(folder.path().join("lamp.txt"), "SOR OTE O:0/0 EOR\n").expect("the folder takes a file");
    let output = crosstie(&["check", dir]);
    let said = text(&output.stdout);
    assert!(output.status.success() && said.contains("E003"), "{said}");
}

/// A twin that shows and moves a cell.
fn twin(hub: &TestHub) -> Client {
    let mut twin = Client::connect(hub.endpoint("cell"), "/");
    twin.send(r#"{"type":"init","version":2,"name":"twin"}"#);
    twin.send(r#"{"type":"subscribe","version":2,"subscribe":["Lamp"]}"#);
    twin.next_of("snapshot");
    twin
}

fn press(twin: &mut Client, is_pressed: bool) {
    let message = json!({"type": "data", "version": 2, "signals": {"Button": is_pressed}});
    twin.send(&message.to_string());
}

/// Waits until the twin is told that its lamp is so.
fn await_lamp(twin: &mut Client, is_on: bool) {
    while twin.next_of("data")["signals"]["Lamp"] != is_on {}
}

#[test]
fn a_twin_presses_a_button_and_sees_the_lamp_of_the_program() {
    let hub = start(CELL);
    let mut twin = twin(&hub);
    for _ in 0..20 {
        press(&mut twin, true);
        await_lamp(&mut twin, true);
        press(&mut twin, false);
        await_lamp(&mut twin, false);
    }
}

#[test]
fn at_the_end_outputs_go_off_and_the_twins_hear_it_before_they_are_closed() {
    let hub = start(CELL);
    let mut twin = twin(&hub);
    press(&mut twin, true);
    await_lamp(&mut twin, true);
    let ends = std::thread::spawn(move || {
        await_lamp(&mut twin, false);
        let close = twin.close_code();
        twin.send_frame(CLOSE, &1001_u16.to_be_bytes());
        close
    });
    hub.stop();
    assert_eq!(ends.join().expect("the lamp goes off").0, 1001);
}

/// A client of PiPLC's protocol that has been greeted.
fn greeted(hub: &TestHub) -> Client {
    let mut client = Client::connect(hub.piplc(), "/");
    client.send(r#"{"type":"hello","seq":1,"protocolVersion":1,"clientName":"test","clientVersion":"0.2.0"}"#);
    let hello = client.next_of("hello.reply");
    assert_eq!((&hello["seq"], &hello["protocolVersion"]), (&json!(1), &json!(1)));
    client
}

/// Sends a request; its reply, which says success.
#[track_caller]
fn order(client: &mut Client, request: &Value) -> Value {
    client.send(&request.to_string());
    let kind = format!("{}.reply", request["type"].as_str().expect("a request has a type"));
    let reply = next_json_of(client, &kind);
    assert_eq!(
        (&reply["seq"], &reply["success"]),
        (&request["seq"], &json!(true)),
        "{reply}"
    );
    reply
}

/// The next text of this type; snapshots and other texts are passed over.
fn next_json_of(client: &mut Client, kind: &str) -> Value {
    loop {
        let (opcode, payload) = client.frame();
        if opcode == BINARY {
            continue;
        }
        let message: Value = serde_json::from_slice(&payload).expect("texts are JSON");
        if message["type"] == kind {
            return message;
        }
    }
}

/// The next picture of the memory.
fn snapshot(client: &mut Client) -> Vec<u8> {
    loop {
        if let (BINARY, payload) = client.frame() {
            return payload;
        }
    }
}

#[test]
fn a_client_of_the_protocol_loads_starts_watches_and_stops_a_program() {
    let hub = start(PLAIN);
    let mut client = greeted(&hub);
    let download = json!({"type": "program.download", "seq": 2, "format": "plcproj-xml", "data": LAMP_XML});
    order(&mut client, &download);
    let upload = order(&mut client, &json!({"type": "program.upload", "seq": 3}));
    assert_eq!(upload["data"], LAMP_XML);
    let state = order(&mut client, &json!({"type": "engine.start", "seq": 4}))["state"].clone();
    assert_eq!(state, "Running");
    order(
        &mut client,
        &json!({"type": "memory.subscribe", "seq": 5, "intervalMs": 10}),
    );
    let first = snapshot(&mut client);
    assert_eq!((first.len(), &first[..4]), (2704, &[0x4D, 0x45, 0x4D, 0x50][..]));
    order(
        &mut client,
        &json!({"type": "memory.forceBit", "seq": 6, "address": "I:0/0", "value": true}),
    );
    // I stands behind the head of 16 bytes, O behind its eight words.
    while snapshot(&mut client)[16 + 32] != 1 {}
    let broken = json!({"type": "program.download", "seq": 7, "format": "plcproj-xml", "data": "SOR XIC I:9/0 EOR"});
    client.send(&broken.to_string());
    let refused = next_json_of(&mut client, "program.download.reply");
    assert_eq!(
        (&refused["seq"], &refused["success"]),
        (&json!(7), &json!(false)),
        "{refused}"
    );
    let state = order(&mut client, &json!({"type": "engine.stop", "seq": 8}))["state"].clone();
    assert_eq!(state, "Stopped");
}

#[test]
fn a_program_is_not_even_read_for_who_has_not_greeted_or_may_not_change_programs() {
    let folder = folder(PLAIN, LAMP);
    let operator = {
        key(folder.path(), "engineer", "engineer", &[]);
        key(folder.path(), "operator", "operator", &[])
    };
    let hub = TestHub::start_in(folder, |_| ()).expect("the hub of a test starts");
    let mut client = Client::connect(hub.piplc(), &format!("/?apikey={operator}"));
    // Whoever read it would name its place.
    let broken = json!({"type": "program.download", "seq": 7, "data": "SOR XIC I:9/0 EOR"});
    client.send(&broken.to_string());
    let error = next_json_of(&mut client, "program.download.reply")["error"].to_string();
    assert!(error.contains("handshake required"), "{error}");
    client.send(r#"{"type":"hello","seq":1,"clientVersion":"0.2.0"}"#);
    next_json_of(&mut client, "hello.reply");
    client.send(&broken.to_string());
    let error = next_json_of(&mut client, "program.download.reply")["error"].to_string();
    assert!(
        error.contains("may not change programs") && !error.contains("line"),
        "{error}"
    );
}

#[test]
fn a_binary_frame_and_a_text_that_is_no_message_end_nothing() {
    let hub = start(PLAIN);
    let mut client = greeted(&hub);
    client.send_frame(BINARY, &[1, 2, 3]);
    client.send("{");
    client.send(r#"{"type":"engine.fly","seq":9}"#);
    order(&mut client, &json!({"type": "engine.state", "seq": 10}));
}

#[test]
fn at_the_end_a_client_of_the_protocol_is_told_before_it_is_closed() {
    let hub = start(PLAIN);
    let mut client = greeted(&hub);
    let ends = std::thread::spawn(move || {
        let told = next_json_of(&mut client, "event.disconnecting");
        let close = client.close_code();
        client.send_frame(CLOSE, &1000_u16.to_be_bytes());
        (told, close.0)
    });
    hub.stop();
    let (told, code) = ends.join().expect("it is told");
    assert!(told["reason"].is_string(), "{told}");
    assert_eq!(code, 1000, "as the original closes");
}

#[test]
fn the_engine_is_known_again_after_a_restart() {
    let folder = project(PLAIN);
    let greet = || {
        let loaded = config::load(folder.path(), &Overrides::default());
        let hub = RunningHub::start(loaded.config.expect("a sound project")).expect("the hub of a test starts");
        let mut client = Client::connect(hub.piplc().expect("it has the port"), "/");
        client.send(r#"{"type":"hello","seq":1,"protocolVersion":1,"clientVersion":"0.2.0"}"#);
        let id = client.next_of("hello.reply")["engineId"].clone();
        drop(client);
        hub.stop();
        id
    };
    let first = greet();
    assert_eq!(greet(), first);
    let kept = fs::read_to_string(folder.path().join("state/engine-id")).expect("it is kept");
    assert_eq!(first, kept.trim());
}
