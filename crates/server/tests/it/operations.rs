//! Week one of an operator: the hub as a process beside full disks, taken ports, signals and too few sockets.
//!
//! Every sentence of `docs/manual/operations.md` on what the hub does then is a story here or in the hub's own house.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use crate::support::{CLOSE, Client, LIMIT, eventually, http};
use crosstie_server::config::{self, Overrides};
use crosstie_server::run::RunningHub;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_crosstie");

const LINE: &str = r#"# A comment that stays.
[project]
name = "Line"

[web]
port = 0

[[realvirtual]]
name = "line"
port = 0
signals = "line.csv"

[[realvirtual.signal]]
name = "Speed"
type = "Float"
writer = "peer"

[[realvirtual.signal]]
name = "Setpoint"
type = "Float"
writer = "hub"
value = 2.5

[[route]]
from = "twin/line/Speed"
to = "twin/line/Mirror"
"#;

const CSV: &str = "name,type,writer\nCount,Int,peer\nMirror,Float,hub\n";
const INIT: &str = r#"{"type":"init","version":2,"name":"Twin"}"#;
const SUBSCRIBE_ALL: &str = r#"{"type":"subscribe","version":2}"#;
const CYCLE: &str = "realvirtual.line.update_cycle_ms";

fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("crosstie.toml"), LINE).unwrap();
    fs::write(folder.path().join("line.csv"), CSV).unwrap();
    folder
}

fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CROSSTIE_")) {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").args(arguments).stdin(Stdio::null());
    command
}

fn crosstie(arguments: &[&str]) -> Output {
    command(BINARY, arguments).output().unwrap()
}

#[track_caller]
fn check(arguments: &[&str], exit_code: i32, stdout: &str, stderr: &str) -> String {
    let output = crosstie(arguments);
    let (out, err) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert_eq!(output.status.code(), Some(exit_code), "{out}\n{err}");
    assert!(out.contains(stdout), "{stdout:?} is not in {out}");
    assert!(err.contains(stderr), "{stderr:?} is not in {err}");
    out
}

/// The hub as a process of its own; it ends with its test.
struct Process {
    child: Child,
    web: SocketAddr,
    line: SocketAddr,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Runs the project under a shell script that ends in `exec "$0" run "$1"` or the like.
    fn under(script: &str, binary: &Path, folder: &Path) -> Process {
        let mut command = command("sh", &["-c", script]);
        let mut child = command
            .arg(binary)
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let kept = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let mut log = kept.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut address_after = |word: &str| {
            let mut line = String::new();
            loop {
                line.clear();
                let len = stdout.read_line(&mut line).unwrap();
                assert_ne!(len, 0, "the hub says where it is: {}", log.lock().unwrap());
                if let Some((_, address)) = line.split_once(word) {
                    return address.trim().trim_end_matches('/').parse().unwrap();
                }
            }
        };
        let (web, line) = (address_after("page      http://"), address_after("line: ws://"));
        Process {
            child,
            web,
            line,
            log,
            reader: Some(reader),
        }
    }

    fn start(folder: &Path) -> Process {
        Process::under("exec \"$0\" run \"$1\"", Path::new(BINARY), folder)
    }

    fn at(&self) -> String {
        format!("http://{}", self.web)
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (status, _, body) = http(self.web, method, path, &[], &body.to_string());
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = self.request("GET", path, &Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    fn problems(&self) -> Vec<Value> {
        self.get("/api/v1/health")["problems"].as_array().unwrap().clone()
    }

    fn has_problem(&self, id: &str) -> bool {
        self.problems().iter().any(|problem| problem["id"] == id)
    }

    fn cycle(&self) -> Value {
        let config = self.get("/api/v1/config");
        let mut settings = config["settings"].as_array().unwrap().iter();
        settings.find(|setting| setting["key"] == CYCLE).unwrap()["value"].clone()
    }

    fn set_cycle(&self, millis: u64) -> (u16, Value) {
        self.request("PATCH", "/api/v1/config", &json!({ CYCLE: millis }))
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Waits for the end, which comes by itself.
    fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                if let Some(reader) = self.reader.take() {
                    reader.join().unwrap();
                }
                return status;
            }
            assert!(Instant::now() < until, "the hub does not end: {}", self.log());
            std::thread::yield_now();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Most have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn word(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn project_text(folder: &Path) -> String {
    fs::read_to_string(folder.join("crosstie.toml")).unwrap()
}

#[track_caller]
fn loads(folder: &Path) -> config::Config {
    let loaded = config::load(folder, &Overrides::default());
    assert!(
        !loaded.has_errors(),
        "{:#?}\n{}",
        loaded.diagnostics,
        project_text(folder)
    );
    loaded.config.unwrap()
}

fn leftovers(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".new")).collect()
}

/// What a restored project must give again.
fn shown(folder: &Path) -> Value {
    let hub = RunningHub::start(loads(folder)).unwrap();
    let get = |path: &str| -> Value {
        let (status, _, body) = http(hub.web(), "GET", path, &[], "");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    };
    let rows = |list: &Value, keys: &[&str]| -> Vec<Value> {
        let rows = list.as_array().unwrap().iter();
        rows.map(|row| keys.iter().map(|key| row[*key].clone()).collect())
            .collect()
    };
    let shown = json!({
        "signals": rows(&get("/api/v1/signals")["signals"], &["name", "kind", "owner", "value"]),
        "routes": rows(&get("/api/v1/routes")["routes"], &["from", "to", "source", "state"]),
        "settings": get("/api/v1/config")["settings"],
    });
    hub.stop();
    shown
}

#[test]
fn the_keys_of_a_restored_project_open_it_and_nothing_else_does() {
    let folder = project();
    let words = ["key", "add", "engineer", "--role", "engineer", word(folder.path())];
    let made = check(&words, 0, "ct_", "");
    let key = made.split_whitespace().find(|word| word.starts_with("ct_")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let (file, back) = (elsewhere.path().join("line.tar.gz"), elsewhere.path().join("back"));
    check(
        &["backup", word(&file), word(folder.path())],
        0,
        "it holds its keys",
        "",
    );
    check(&["restore", word(&file), word(&back)], 0, "restored ", "");
    let config = config::load(&back, &Overrides::default()).config.unwrap();
    let hub = RunningHub::start(config).unwrap();
    let status = |headers: &[&str]| http(hub.web(), "GET", "/api/v1/signals", headers, "").0;
    assert_eq!(status(&[]), 401);
    assert_eq!(status(&[&format!("Authorization: Bearer {key}")]), 200);
    hub.stop();
}

#[test]
fn a_restored_project_runs_the_same() {
    let folder = project();
    let process = Process::start(folder.path());
    assert_eq!(process.set_cycle(25).0, 200);
    fs::create_dir_all(folder.path().join("state")).unwrap();
    fs::write(folder.path().join("state/keys.toml"), "next_id = 7\n").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let (file, back) = (elsewhere.path().join("line.tar.gz"), elsewhere.path().join("back"));
    check(
        &["backup", word(&file), word(folder.path())],
        0,
        "of the project \"Line\"; it holds its keys",
        "",
    );
    check(
        &["backup", word(&file), word(folder.path())],
        1,
        "",
        "--force replaces it",
    );
    drop(process);
    let told = check(
        &["restore", word(&file), word(&back)],
        0,
        "\"Line\" is sound: 1 endpoint, 4 signals, 1 route",
        "",
    );
    assert!(told.starts_with("restored "), "{told}");
    check(&["restore", word(&file), word(&back)], 1, "", "is not empty");
    check(
        &["restore", word(&file), word(&back), "--force"],
        0,
        "what was there is now ",
        "",
    );
    assert_eq!(
        fs::read_to_string(back.join("state/keys.toml")).unwrap(),
        "next_id = 7\n"
    );
    assert_eq!(shown(&back), shown(folder.path()));
    assert_eq!(loads(&back).endpoints[0].update_cycle.as_millis(), 25);
}

#[test]
fn how_much_is_logged_changes_while_the_hub_runs() {
    let folder = project();
    let mut process = Process::start(folder.path());
    let at = process.at();
    check(&["log", "--at", &at], 0, "info\n", "");
    check(&["log", "bogus", "--at", &at], 1, "", "`bogus` is neither a level");
    let long = json!({ "filter": "a".repeat(2_000) });
    assert_eq!(process.request("PUT", "/api/v1/log", &long).0, 422);
    assert_eq!(process.request("PUT", "/api/v1/log", &json!({})).0, 400);
    let comes_and_goes = |name: &str| {
        let mut client = Client::connect(process.line, "/");
        client.send(&INIT.replace("Twin", name));
        let is_there = || {
            let clients = process.get("/api/v1/clients");
            clients["clients"].to_string().contains(&format!("\"{name}\""))
        };
        eventually("the client is known", is_there);
        drop(client);
        eventually("the client is gone", || !is_there());
    };
    comes_and_goes("Loud");
    check(&["log", "warn", "--at", &at], 0, "warn\n", "");
    comes_and_goes("Quiet");
    check(&["log", "info,crosstie_server=debug", "--at", &at], 0, "info,", "");
    comes_and_goes("Again");
    process.signal("-TERM");
    assert!(process.ended().success());
    let log = process.log();
    let line = |name: &str| log.lines().find(|line| line.contains(&format!("{name} has left")));
    assert!(
        line("Loud").is_some_and(|line| line.contains("endpoint=\"line\"")),
        "{log}"
    );
    assert_eq!(line("Quiet"), None);
    assert!(line("Again").is_some(), "{log}");
}

#[test]
fn a_problem_is_shown_until_somebody_has_seen_it() {
    let folder = project();
    let process = Process::start(folder.path());
    let at = process.at();
    check(&["problems", "--at", &at], 0, "no problems\n", "");
    let mut twins: Vec<Client> = (0..2).map(|_| Client::connect(process.line, "/")).collect();
    let mut count = 0;
    eventually("two writers are a problem", || {
        count += 1;
        let text = format!(r#"{{"type":"data","version":2,"signals":{{"Count":{count}}}}}"#);
        twins[count % 2].send(&text);
        process.has_problem("conflict:twin/line/Count")
    });
    check(&["problems", "--at", &at], 0, "twin/line/Count: two writers", "");
    let id = "conflict:twin/line/Count";
    check(&["problems", "ack", id, "--at", &at], 0, "is acknowledged", "");
    check(&["problems", "--at", &at], 0, "no problems\n", "");
    check(
        &["problems", "--all", "--json", "--at", &at],
        0,
        "\"acknowledged\": true",
        "",
    );
    check(&["problems", "ack", "--all", "--at", &at], 0, "every problem", "");
    check(
        &["problems", "ack", "none", "--at", &at],
        1,
        "",
        "no problem is called 'none' (not_found)",
    );
    let acknowledge = |body: &Value| process.request("POST", "/api/v1/problems/acknowledge", body).0;
    assert_eq!(acknowledge(&json!({ "id": id })), 204);
    assert_eq!(acknowledge(&json!({ "id": "none" })), 404);
    assert_eq!(acknowledge(&json!({ "what": id })), 400);
    twins.pop();
    eventually("the conflict ends with one of the two", || !process.has_problem(id));
}

#[test]
fn a_full_disk_keeps_the_old_project_and_is_over_when_there_is_room() {
    let folder = project();
    // No file may grow: writing fails as on a full disk, for every account. The limit is a soft one and can be raised again.
    let script = "trap '' XFSZ; ulimit -S -f 0; exec \"$0\" run \"$1\"";
    let process = Process::under(script, Path::new(BINARY), folder.path());
    let (before, cycle) = (project_text(folder.path()), process.cycle());
    let (status, refused) = process.set_cycle(77);
    assert_eq!(
        (status, &refused["error"]["code"]),
        (500, &json!("not_saved")),
        "{refused}"
    );
    let route = json!({"from": "twin/line/Speed", "to": "twin/line/Setpoint"});
    let (status, refused) = process.request("POST", "/api/v1/routes", &route);
    assert_eq!(
        (status, &refused["error"]["code"]),
        (500, &json!("not_saved")),
        "{refused}"
    );
    assert_eq!(process.cycle(), cycle, "the value in force stays");
    assert_eq!(project_text(folder.path()), before);
    assert_eq!(leftovers(folder.path()), [""; 0]);
    assert!(process.has_problem("store:write"), "{:?}", process.problems());
    assert_eq!(process.get("/api/v1/health")["status"], "degraded");

    let id = process.child.id().to_string();
    let raised = Command::new("prlimit")
        .args(["--pid", &id, "--fsize=unlimited"])
        .status();
    assert!(raised.unwrap().success());
    eventually("it is tried again by itself", || !process.has_problem("store:write"));
    assert_eq!(process.set_cycle(77).0, 200);
    assert_eq!(
        (process.cycle(), process.get("/api/v1/health")["status"].clone()),
        (json!(77), json!("ok"))
    );
    assert_eq!(loads(folder.path()).endpoints[0].update_cycle.as_millis(), 77);
    assert!(project_text(folder.path()).starts_with("# A comment that stays."));
}

#[test]
fn a_project_that_cannot_be_written_runs_and_says_why_it_saves_nothing() {
    let folder = project();
    let is_root = String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout)
        .unwrap()
        .trim()
        == "0";
    let (script, mode) = match is_root {
        true => (
            "exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$0\" run \"$1\"",
            0o755,
        ),
        false => ("exec \"$0\" run \"$1\"", 0o555),
    };
    // The other account may not reach the folder that this binary was built in.
    let elsewhere = tempfile::tempdir().unwrap();
    let binary = elsewhere.path().join("crosstie");
    fs::hard_link(BINARY, &binary)
        .or_else(|_| fs::copy(BINARY, &binary).map(|_| ()))
        .unwrap();
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    let process = Process::under(script, &binary, folder.path());
    let signals = process.get("/api/v1/signals");
    assert_eq!(signals["total"], 9, "five are the hub's own");
    let set = process.request("PUT", "/api/v1/signals/twin/line/Setpoint", &json!({"value": 9}));
    assert_eq!(set.0, 200, "values are not kept in files: {}", set.1);
    let (status, refused) = process.set_cycle(77);
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert_eq!(status, 500, "{refused}");
    assert!(message.contains("cannot be written: Permission denied"), "{message}");
    // The store tells the problem behind its answer.
    eventually("the problem is told", || process.has_problem("store:write"));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(project_text(folder.path()), LINE);
}

#[test]
fn taken_ports_are_all_named_and_nothing_is_left_half_started() {
    let folder = tempfile::tempdir().unwrap();
    let taken: Vec<TcpListener> = (0..2).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let endpoint = |name: &str, port: u16| format!("[[realvirtual]]\nname = \"{name}\"\nport = {port}\n");
    let text = format!(
        "[web]\nport = {}\n{}{}",
        port(&taken[0]),
        endpoint("a", port(&taken[1])),
        endpoint("b", 0)
    );
    fs::write(folder.path().join("crosstie.toml"), text).unwrap();
    let output = crosstie(&["run", word(folder.path())]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    for listener in &taken {
        assert!(told.contains(&port(listener).to_string()), "{told}");
    }
    assert!(!told.contains("\"b\"") && output.stdout.is_empty(), "{told}");
}

#[test]
fn the_orders_to_end_close_every_connection_and_keep_the_project_whole() {
    for (first, second) in [
        ("-TERM", None),
        ("-INT", None),
        ("-TERM", Some("-TERM")),
        ("-INT", Some("-TERM")),
    ] {
        let folder = project();
        let mut process = Process::start(folder.path());
        let mut agreeing = Client::connect(process.line, "/");
        // It never answers the close: the hub does not wait for it for ever.
        let mut stubborn = Client::connect(process.line, "/");
        assert_eq!(process.set_cycle(31).0, 200);
        process.signal(first);
        let goodbye = (1001, String::from("the hub is shutting down"));
        assert_eq!(agreeing.close_code(), goodbye);
        agreeing.send_frame(CLOSE, &1001_u16.to_be_bytes());
        assert_eq!(stubborn.close_code(), goodbye);
        if let Some(second) = second {
            process.signal(second);
        }
        assert_eq!(process.ended().code(), Some(0), "{first} {second:?}: {}", process.log());
        assert_eq!(loads(folder.path()).endpoints[0].update_cycle.as_millis(), 31);
    }
}

/// Changes settings, adds a route and answers imports until the hub is gone.
fn busy(process: &Process, round: u64) -> Vec<JoinHandle<()>> {
    let (web, line) = (process.web, process.line);
    let post = move |method: &str, path: &str, body: &str| {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {web}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let mut answer = Vec::new();
        TcpStream::connect(web)
            .and_then(|mut stream| {
                stream.set_read_timeout(Some(LIMIT))?;
                stream.write_all(request.as_bytes())?;
                stream.read_to_end(&mut answer)
            })
            .is_ok()
            && !answer.is_empty()
    };
    let settings = std::thread::spawn(move || {
        for millis in 1_u64.. {
            let body = json!({ CYCLE: millis % 1_000 + 1 }).to_string();
            if !post("PATCH", "/api/v1/config", &body) {
                return;
            }
        }
    });
    let imports = std::thread::spawn(move || while post("POST", "/api/v1/endpoints/line/import", "") {});
    let mut twin = Client::connect(line, "/");
    let catalogs = std::thread::spawn(move || {
        twin.send(INIT);
        for number in 0_u64.. {
            loop {
                match twin.try_frame() {
                    Ok((_, text)) if String::from_utf8_lossy(&text).contains("import_request") => break,
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
            let name = format!("New{round}_{number}");
            let answer = json!({"type": "import_answer", "version": 2, "signals": {name.as_str(): 1.5},
                                "signalTypes": {name.as_str(): "PLCOutputFloat"}});
            if twin.try_send(&answer.to_string()).is_err() {
                return;
            }
        }
    });
    vec![settings, imports, catalogs]
}

#[test]
fn a_hub_that_is_killed_while_it_writes_leaves_a_project_that_loads() {
    let folder = project();
    let mut seed = 7_u64;
    for round in 0..20 {
        let mut process = Process::start(folder.path());
        assert_eq!(leftovers(folder.path()), [""; 0], "the next start clears up");
        let busy = busy(&process, round);
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // The project file is replaced with each change: so many of them are seen before the end.
        let mut changes = seed >> 61;
        let mut last = project_text(folder.path());
        eventually("the project file changes", || {
            let text = project_text(folder.path());
            if text != last {
                last = text;
                changes = changes.saturating_sub(1);
            }
            changes == 0
        });
        process.child.kill().unwrap();
        process.ended();
        for thread in busy {
            thread.join().unwrap();
        }
        let config = loads(folder.path());
        assert!(config.endpoints[0].signals.len() >= 4);
        assert!(project_text(folder.path()).starts_with("# A comment that stays."));
    }
    Process::start(folder.path());
    assert_eq!(leftovers(folder.path()), [""; 0]);
}

/// One connection for several requests: it is inside before the others come.
struct KeptAlive(BufReader<TcpStream>);

impl KeptAlive {
    fn health(&mut self) -> Value {
        let request = b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
        self.0.get_mut().write_all(request).unwrap();
        let mut len = 0;
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the connection is kept");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                len = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; len];
        self.0.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }
}

#[test]
fn too_few_sockets_are_a_problem_and_nobody_inside_notices() {
    let folder = project();
    let script = "ulimit -n 64; exec \"$0\" run \"$1\"";
    let process = Process::under(script, Path::new(BINARY), folder.path());
    let (mut writer, mut watcher) = (Client::connect(process.line, "/"), Client::connect(process.line, "/"));
    watcher.send(SUBSCRIBE_ALL);
    watcher.next_of("snapshot");
    let stream = TcpStream::connect(process.web).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let mut inside = KeptAlive(BufReader::new(stream));
    inside.health();
    let crowd: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(process.web).unwrap()).collect();
    eventually("it is a problem", || {
        inside.health()["problems"].to_string().contains("\"accept:page\"")
    });
    for count in 1..=50 {
        writer.send(&format!(
            r#"{{"type":"data","version":2,"signals":{{"Count":{count}}}}}"#
        ));
        while watcher.next_of("data")["signals"]["Count"] != count {}
    }
    let lines = process.log().matches("no connection can be accepted").count();
    assert_eq!(lines, 1, "{}", process.log());
    drop(crowd);
    eventually("it is over", || process.problems().is_empty());
    assert!(process.log().contains("works again"), "{}", process.log());
}

#[test]
fn a_unit_grants_what_contexts_ask_for_and_nothing_else() {
    let unit_of = |project: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("crosstie.toml"), project).unwrap();
        let arguments = ["service", "print", word(folder.path()), "--user", "daemon"];
        check(&arguments, 0, "Type=exec", "systemctl")
    };
    let has = |unit: &str, line: &str| unit.lines().any(|known| known == line);
    let plain = unit_of("[[plc]]\nname = \"line\"\ncpu = 1\nspin = true\n");
    assert!(has(&plain, "RestrictRealtime=yes"), "{plain}");
    assert!(
        !plain.contains("LimitRTPRIO") && !plain.contains("LimitMEMLOCK"),
        "{plain}"
    );
    let hard = unit_of("[hub]\nlock_memory = true\n[[plc]]\nname = \"line\"\npriority = 50\n");
    for line in ["RestrictRealtime=no", "LimitRTPRIO=99", "LimitMEMLOCK=infinity"] {
        assert!(has(&hard, line), "{line} is not in {hard}");
    }
}

#[test]
fn the_unit_for_systemd_is_sound() {
    let folder = project();
    let odd = folder.path().join("my 100% \"line\"");
    fs::create_dir(&odd).unwrap();
    for file in ["crosstie.toml", "line.csv"] {
        fs::copy(folder.path().join(file), odd.join(file)).unwrap();
    }
    let unit = check(
        &["service", "print", word(&odd), "--user", "daemon"],
        0,
        "Type=exec",
        "systemctl enable --now crosstie-line",
    );
    for line in [
        "User=daemon",
        "Restart=on-failure",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
    ] {
        assert!(unit.lines().any(|known| known == line), "{line} is not in {unit}");
    }
    // The grammar: sections, comments, and keys with values.
    for line in unit
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with(['[', '#']))
    {
        let (key, _) = line.split_once('=').unwrap_or_else(|| panic!("{line}"));
        assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{line}");
    }
    let file = folder.path().join("crosstie-line.service");
    fs::write(&file, &unit).unwrap();
    let Ok(verified) = command("systemd-analyze", &["verify", word(&file)]).output() else {
        return;
    };
    let told = String::from_utf8_lossy(&verified.stderr).into_owned();
    let about_ours: Vec<&str> = told.lines().filter(|line| line.contains("crosstie-line")).collect();
    assert_eq!(about_ours, [""; 0], "{told}");
    check(&["service", "print", word(&odd), "--user", "a b"], 2, "", "an account");
}
