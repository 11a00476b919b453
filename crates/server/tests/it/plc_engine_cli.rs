//! `crosstie plc --engine`: every verb straight to an engine of each generation, and to servers that are none.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use crate::cli::{crosstie, text, word};
use crate::keys::{key, project};
use crate::support::{TestHub, eventually};
use crate::wrong_engine::{Fault, WrongEngine};
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const PROGRAM: &str = "PROGRAM \"Bottling line\"\nSYM Start I:0/0 BOOL \"the button\"\nSOR XIC Start OTE O:0/0 EOR\nSOR XIC O:0/0 TON T:4 20 EOR\n";
const PROJECT: &str =
    "[web]\nport = 0\n[piplc]\nport = 0\n[[plc]]\nname = \"line\"\n[[plc]]\nname = \"Line 2\"\nid = \"two\"\n";

/// An engine and the verbs that talk to it.
struct Told {
    _hub: Option<TestHub>,
    _old: Option<(WrongEngine, Runtime)>,
    url: String,
    /// The name of its first context.
    name: &'static str,
    folder: TempDir,
}

impl Told {
    /// Our own engine, which speaks 0.2.
    fn own() -> Told {
        let hub = TestHub::start(PROJECT);
        let url = format!("ws://{}/", hub.piplc());
        Told::new(url, "line", Some(hub), None)
    }

    /// An engine of the first generation.
    fn old() -> Told {
        Told::playing(WrongEngine::start_old)
    }

    fn playing<F: Future<Output = WrongEngine>>(start: impl FnOnce() -> F) -> Told {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let engine = runtime.block_on(start());
        Told::new(engine.url.clone(), "Main", None, Some((engine, runtime)))
    }

    fn new(url: String, name: &'static str, hub: Option<TestHub>, old: Option<(WrongEngine, Runtime)>) -> Told {
        Told {
            _hub: hub,
            _old: old,
            url,
            name,
            folder: tempfile::tempdir().expect("a folder for a test"),
        }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        crosstie(&[&["plc"], arguments, &["--engine", &self.url]].concat())
    }

    /// `NAME` in what is expected stands for the first context.
    #[track_caller]
    fn check(&self, arguments: &[&str], exit_code: i32, stdout: &str, stderr: &str) {
        checked(
            &self.run(arguments),
            exit_code,
            &stdout.replace("NAME", self.name),
            &stderr.replace("NAME", self.name),
        );
    }

    #[track_caller]
    fn out(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, content).expect("the folder takes a file");
        word(&path).to_owned()
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.out(&["status", "--json"])).expect("it is JSON")
    }
}

#[track_caller]
fn checked(output: &Output, exit_code: i32, stdout: &str, stderr: &str) {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(exit_code), "{out}\n{err}");
    assert!(out.contains(stdout), "{stdout:?} is not in {out}");
    assert!(err.contains(stderr), "{stderr:?} is not in {err}");
}

#[test]
fn pl91_a_program_is_loaded_run_and_looked_at_on_an_engine_of_0_2() {
    run_a_program(&Told::own());
}

#[test]
fn pl91_a_program_is_loaded_run_and_looked_at_on_an_engine_of_0_1() {
    run_a_program(&Told::old());
}

fn run_a_program(told: &Told) {
    let program = told.file("line.ladder", PROGRAM);
    told.check(&["upload"], 1, "", "the engine refuses: ");
    told.check(&["start"], 1, "", "NAME has no program; download one");
    told.check(&["step"], 1, "", "NAME has no program; download one");
    let loaded = "NAME is Stopped: 2 rungs with 4 instructions is loaded\n";
    told.check(&["download", &program], 0, loaded, "");
    told.check(&["start"], 0, "NAME is Running\n", "");
    let stops = "NAME is Running, and a download stops it; --yes allows that";
    told.check(&["download", &program], 2, "", stops);
    told.check(&["download", &program, "--yes"], 0, loaded, "");
    // What goes to an engine is XML; the text of it is the one that it was made from.
    let copy = told.folder.path().join("copy.plcproj");
    told.check(&["upload", word(&copy)], 0, "wrote ", "");
    told.check(
        &["upload", word(&copy)],
        1,
        "",
        "exists and is left as it is; --force replaces it",
    );
    checked(&crosstie(&["plc", "convert", word(&copy), "-"]), 0, PROGRAM, "");
    assert_eq!(told.out(&["upload"]), fs::read_to_string(&copy).unwrap());
    // One that is XML goes to the last byte.
    let document = fs::read_to_string(&copy).unwrap().replace("?>", "?><!-- kept -->");
    told.check(&["download", &told.file("own.plcproj", &document)], 0, loaded, "");
    assert_eq!(told.out(&["upload"]), document);

    told.check(&["step-rung"], 0, "NAME is Stepping\n", "");
    told.check(&["step"], 0, "NAME is Paused\n", "");
    told.check(&["resume"], 0, "NAME is Running\n", "");
    told.check(&["pause"], 0, "NAME is Paused\n", "");
    told.check(&["stop"], 0, "NAME is Stopped\n", "");
    let status = told.out(&["status"]);
    let heading = "CONTEXT  PROGRAM        SCANS  LAST US  AVG US  MAX US  OVERRUNS  LATE P99  MISSED  FORCES  STATE\n";
    assert!(status.starts_with(heading), "{status}");
    let row = format!("\n{:<7}  Bottling line  ", told.name);
    assert!(status.contains(&row) && status.contains("  Stopped\n"), "{status}");
    let row = &told.status()[0];
    assert_eq!(
        [&row["state"], &row["program"]["rungs"]],
        [&json!("Stopped"), &json!(2)]
    );
    assert!(row["scan"]["count"].as_u64() > Some(0), "{row}");
    told.check(&["reset"], 0, "NAME is Stopped\n", "");
    assert_eq!(told.status()[0]["scan"]["count"], 0);

    let faulty = told.file("fault.ladder", "SOR DIV 1 N:0 N:1 EOR\n");
    told.out(&["download", &faulty]);
    told.run(&["start"]);
    eventually("the division faults", || told.status()[0]["state"] == "Fault");
    told.check(&["stop"], 0, "NAME is Stopped\n", "");
    told.check(&["clear"], 0, "NAME has no program\n", "");
    assert_eq!(told.status()[0]["program"], Value::Null);
}

#[test]
fn pl91_places_are_forced_written_and_watched_on_an_engine_of_0_2() {
    let told = Told::own();
    use_the_memory(&told);
    told.check(&["write", "N:5/3", "on"], 0, "plc/line/N:5/3 = true\n", "");
    told.check(&["write", "B:3", "-1"], 0, "plc/line/B:3 = -1\n", "");
}

#[test]
fn pl91_places_are_forced_written_and_watched_on_an_engine_of_0_1() {
    let told = Told::old();
    use_the_memory(&told);
    let (old, _) = told._old.as_ref().unwrap();
    let before = old.changes();
    for (arguments, why) in [
        (
            &["write", "N:5/3", "on"][..],
            "an engine of PiPLC 0.1 writes bits of I, O and B, got N:5/3",
        ),
        (
            &["write", "B:3", "-1"],
            "an engine of PiPLC 0.1 writes words of N; write the bits one by one, got B:3",
        ),
        (
            &["force", "T:4.DN", "on"],
            "an engine of PiPLC 0.1 forces bits of I, O and B, got T:4.DN",
        ),
        (
            &["release", "T:4.DN"],
            "an engine of PiPLC 0.1 forces bits of I, O and B, got T:4.DN",
        ),
    ] {
        told.check(arguments, 2, "", why);
    }
    told.check(&["pause"], 1, "", "Main does not run, so there is nothing to pause");
    told.check(&["resume"], 1, "", "Main is not Paused, so there is nothing to resume");
    told.check(
        &["break", "9"],
        1,
        "",
        "Main has no rung 9: they are counted from 0, and it has 2",
    );
    assert_eq!(old.changes(), before, "nothing of it was sent");
    told.out(&["start"]);
    told.check(&["step"], 1, "", "leaves that state for a step; pause or stop it first");
}

fn use_the_memory(told: &Told) {
    told.out(&["download", &told.file("line.ladder", PROGRAM)]);
    told.check(&["profile", "--on"], 2, "", "PiPLC's protocol cannot measure rungs");
    told.check(&["forces"], 0, "nothing is forced in NAME\n", "");
    told.check(
        &["force", "Start", "1"],
        0,
        "plc/NAME/I:0/0 = true (converted), forced until it is released\n",
        "",
    );
    told.check(&["force", "B:63/31", "off"], 0, "plc/NAME/B:63/31 = false, forced", "");
    let forces = told.out(&["forces"]);
    let expected = "ADDRESS  SYMBOL  VALUE  BY  SINCE  ENDS  REASON\n\
                    I:0/0    Start   true   -   -      -     -\n\
                    B:63/31  -       false  -   -      -     -\n";
    assert_eq!(forces, expected);
    let rows: Value = serde_json::from_str(&told.out(&["forces", "--json"])).unwrap();
    assert_eq!([&rows[0]["symbol"], &rows[0]["by"]], [&json!("Start"), &Value::Null]);
    assert_eq!(told.status()[0]["forces"].as_array().map(Vec::len), Some(2));
    let flags = "only a hub keeps that, PiPLC's protocol does not know it";
    told.check(
        &["force", "Start", "on", "--for", "10m"],
        2,
        "",
        &format!("--for: {flags}"),
    );
    told.check(
        &["force", "Start", "on", "--reason", "why"],
        2,
        "",
        &format!("--reason: {flags}"),
    );
    told.check(
        &["force", "N:7", "-5"],
        2,
        "",
        "PiPLC's protocol forces bits such as I:0/3, got N:7",
    );
    told.check(
        &["toggle", "Start"],
        1,
        "",
        "I:0/0 is forced, and the engine does not tell what stands underneath",
    );
    let underneath = "plc/NAME/I:0/0 = true (forced; what was written stands underneath)\n";
    told.check(&["write", "Start", "off"], 0, underneath, "");
    told.check(&["release", "Start"], 0, "Start is released in NAME\n", "");
    told.check(&["release", "--all"], 0, "everything is released in NAME\n", "");
    told.check(&["forces"], 0, "nothing is forced in NAME\n", "");

    told.check(&["write", "Start", "1"], 0, "plc/NAME/I:0/0 = true (converted)\n", "");
    told.check(&["toggle", "Start"], 0, "plc/NAME/I:0/0 = false\n", "");
    told.check(&["toggle", "Start"], 0, "plc/NAME/I:0/0 = true\n", "");
    told.check(&["toggle", "N:7"], 2, "", "expected a bit such as B:3/1, got N:7");
    told.check(&["write", "N:7", "-80"], 0, "plc/NAME/N:7 = -80\n", "");
    told.check(&["write", "T:4.PRE", "500"], 0, "plc/NAME/T:4.PRE = 500\n", "");
    told.check(&["write", "T:4.ACC", "70"], 0, "plc/NAME/T:4.ACC = 70\n", "");
    told.check(&["write", "C:9.UN", "on"], 0, "plc/NAME/C:9.UN = true\n", "");
    let watched = told.out(&[
        "watch", "T:4.PRE", "T:4.ACC", "Start", "C:9.UN", "--count", "4", "--json",
    ]);
    let values: Vec<Value> = (watched.lines())
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["value"].clone())
        .collect();
    assert_eq!(
        values,
        [json!(500), json!(70), json!(true), json!(true)],
        "one write leaves the other members"
    );
    told.check(&["write", "T:4.PRE", "32768"], 2, "", "expected -32768 to 32767");
    told.check(&["write", "T:4", "1"], 2, "", "expected a member such as `T:4.ACC`");
    told.check(
        &["write", "Start", "2"],
        2,
        "",
        "expected on or off, or 1 or 0, for the bit I:0/0",
    );
    told.check(&["write", "Nobody", "1"], 2, "", "or a symbol of the program in NAME");
    let first = "     0.000  plc/NAME/N:7 = -80  (stale: the engine is stopped)\n";
    told.check(&["watch", "N:7", "--count", "1"], 0, first, "");

    let table = told.out(&["watch", "N:7", "--count", "1", "--csv"]);
    let expected = format!(
        "time_ms,name,value,quality,reason\n0,plc/{}/N:7,-80,stale,the engine is stopped\n",
        told.name
    );
    assert_eq!(table, expected);

    told.check(&["break", "1"], 0, "NAME pauses before rung 1\n", "");
    told.run(&["start"]);
    eventually("the breakpoint is hit", || told.status()[0]["state"] == "Paused");
    told.check(
        &["break", "--clear", "1"],
        0,
        "NAME has no breakpoint before rung 1\n",
        "",
    );
    told.check(&["break", "--clear"], 0, "NAME has no breakpoints\n", "");
    told.check(&["break", "9"], 1, "", "");
    told.out(&["stop"]);
}

#[test]
fn a_value_that_does_not_stay_is_told() {
    let told = Told::playing(|| WrongEngine::start(Some(Fault::IntegerShort)));
    let shown = "plc/Main/N:1 = -31072 (not what was written: something else writes this place)\n";
    told.check(&["write", "N:1", "100000"], 0, shown, "");
}

#[test]
fn changes_are_watched_as_they_come() {
    for told in [Told::own(), Told::old()] {
        told.out(&["download", &told.file("line.ladder", PROGRAM)]);
        told.out(&["start"]);
        let mut watching = Command::new(env!("CARGO_BIN_EXE_crosstie"))
            .args([
                "plc",
                "watch",
                "Start",
                "O:0/0",
                "--count",
                "4",
                "--cycle-ms",
                "10",
                "--engine",
                &told.url,
            ])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program of this package starts");
        let mut out = std::io::BufReader::new(watching.stdout.take().expect("it is piped"));
        let mut line = String::new();
        std::io::BufRead::read_line(&mut out, &mut line).expect("a line");
        assert!(line.ends_with(&format!("plc/{}/I:0/0 = false\n", told.name)), "{line}");
        told.out(&["write", "Start", "on"]);
        std::io::Read::read_to_string(&mut out, &mut line).expect("the rest");
        assert!(watching.wait().expect("it ends by its count").success());
        let values: Vec<&str> = line
            .lines()
            .filter_map(|line| line.split_once("plc/"))
            .map(|(_, told)| told)
            .collect();
        let name = told.name;
        let expected =
            ["I:0/0 = false", "O:0/0 = false", "I:0/0 = true", "O:0/0 = true"].map(|told| format!("{name}/{told}"));
        assert_eq!(values, expected);
    }
}

#[test]
fn contexts_are_made_chosen_and_removed() {
    for told in [Told::own(), Told::old()] {
        told.check(&["context", "create", "Third"], 0, "Third is made; its id is ", "");
        let rows = told.status();
        let last = rows.as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["name"], "Third");
        let id = last["id"].as_str().unwrap();
        told.out(&["download", &told.file("line.ladder", PROGRAM), "--context", "Third"]);
        told.check(&["start", "--context", id], 0, "Third is Running\n", "");
        told.check(
            &["write", "N:7", "3", "--context", "Third"],
            0,
            "plc/Third/N:7 = 3\n",
            "",
        );
        assert_eq!(told.status()[0]["state"], "Stopped", "the first context is another");
        let only: Value = serde_json::from_str(&told.out(&["status", "--json", "--context", "Third"])).unwrap();
        assert_eq!([&only[0]["id"], &only[1]], [&json!(id), &Value::Null]);
        told.check(
            &["context", "remove", "Third"],
            1,
            "",
            "Third is Running; stop it first",
        );
        told.out(&["stop", "--context", "Third"]);
        told.check(&["context", "remove", "Third"], 0, "Third is removed\n", "");
        let unknown = "the engine has no context \"Third\"; it has \"NAME\" (id ";
        told.check(&["start", "--context", "Third"], 1, "", unknown);
    }
    let old = Told::old();
    old.check(
        &["context", "remove", "Main"],
        1,
        "",
        "Main is the last context of the engine, and that one stays",
    );
    old.out(&["context", "create", "Main"]);
    old.check(
        &["start", "--context", "Main"],
        1,
        "",
        "several contexts of the engine are called \"Main\"; give the id",
    );
}

#[test]
fn a_hub_makes_and_removes_contexts_too() {
    let hub = TestHub::start(PROJECT);
    let at = format!("http://{}", hub.web());
    let run = |arguments: &[&str]| crosstie(&[&["plc", "context"], arguments, &["--at", &at]].concat());
    checked(&run(&["create", "Third"]), 0, "Third is made; its id is ", "");
    checked(&run(&["create", "Third"]), 1, "", "Third");
    checked(&run(&["remove", "Third"]), 0, "Third is removed\n", "");
    checked(&run(&["remove", "Third"]), 1, "", "(not_found)");
}

#[test]
fn a_refused_program_is_told_line_by_line() {
    for told in [Told::own(), Told::old()] {
        let bad = told.file("bad.ladder", "SOR XIC I:0/0 OTE O:9/0 EOR\n");
        told.check(&["download", &bad], 1, "", "bad.ladder:1:19: error[E101]: ");
        let doubtful = told.file("doubtful.ladder", "SOR OTE O:0/0 EOR\n");
        told.check(
            &["download", &doubtful],
            0,
            "1 rung with 1 instruction",
            "doubtful.ladder:1:5: warning[E003]: ",
        );
        let document = told.out(&["upload"]);
        let doubtful = told.file("doubtful.plcproj", &document);
        told.check(
            &["download", &doubtful],
            0,
            "1 rung with 1 instruction",
            "warning[E003]: ",
        );
    }
}

#[test]
fn a_key_is_asked_for_taken_and_refused() {
    let folder = project(PROJECT);
    let key = key(folder.path(), "cli", "engineer", &[]);
    let hub = TestHub::start_in(folder, |_| {}).unwrap();
    let url = format!("ws://{}/", hub.piplc());
    let status = |more: &[&str]| crosstie(&[&["plc", "status", "--engine", &url], more].concat());
    checked(
        &status(&[]),
        1,
        "",
        "401 Unauthorized: a key is wanted: --key-file FILE or the variable CROSSTIE_KEY",
    );
    let file = |content: &str| {
        let path = hub.folder().join("key.txt");
        fs::write(&path, content).unwrap();
        word(&path).to_owned()
    };
    let wrong = status(&["--key-file", &file("ct_wrong")]);
    checked(&wrong, 1, "", "401 Unauthorized: it does not take this key");
    assert!(!text(&wrong.stderr).contains("ct_"), "a key is in an error");
    checked(&status(&["--key-file", &file(&key)]), 0, "line ", "");
    let with_query = format!("{url}?access_token={key}");
    checked(&crosstie(&["plc", "status", "--engine", &with_query]), 0, "line ", "");
    let with_query = format!("{url}?access_token=ct_wrong");
    let wrong = crosstie(&["plc", "status", "--engine", &with_query]);
    checked(&wrong, 1, "", "401 Unauthorized");
    assert!(!text(&wrong.stderr).contains("ct_"), "a key is in an error");
}

#[test]
fn a_server_that_is_no_engine_is_told_in_words() {
    let start = |url: &str| crosstie(&["plc", "start", "--engine", url]);
    for url in [
        "10.0.0.7:9100",
        "http://10.0.0.7:9100/",
        "ws://u:p@h:9100/",
        "ws://h:0/",
    ] {
        checked(&start(url), 2, "", "--engine: ");
    }
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("no engine answers at ws://{address}/: does it run there? --engine URL names another");
    checked(&start(&format!("ws://{address}/?access_token=secret")), 3, "", &nobody);

    let hub = TestHub::start("[web]\nport = 0\n[[realvirtual]]\nname = \"cell\"\nport = 0\n");
    checked(
        &start(&format!("ws://{}/", hub.web())),
        1,
        "",
        "no PiPLC engine answers there, as an engine answers 101",
    );
    checked(
        &start(&hub.url("cell")),
        1,
        "",
        "no PiPLC engine answers there: it sends a message of the type \"",
    );

    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", silent.local_addr().unwrap());
    checked(
        &start(&url),
        1,
        "",
        "takes connections and does not answer within 5 s; is this a PiPLC engine?",
    );
    checked(
        &start(&said_by_a_server("{\"type\":\"import_answer\"}")),
        1,
        "",
        "it sends a message of the type \"import_answer\"",
    );
    checked(
        &start(&said_by_a_server("{\"type\":\"event.other\"}")),
        1,
        "",
        "no answer to the hello within 5 s; is this a PiPLC engine?",
    );
    checked(
        &start(&said_by_a_server("SSH-2.0")),
        1,
        "",
        "no PiPLC engine answers there: ",
    );
    let other = "{\"type\":\"hello.reply\",\"seq\":1,\"protocolVersion\":2,\"contexts\":[]}";
    checked(
        &start(&said_by_a_server(other)),
        1,
        "",
        "speaks version 2 of PiPLC's protocol, and this program speaks version 1",
    );
    let refusal = "{\"type\":\"hello.reply\",\"seq\":1,\"success\":false,\"error\":\"go away\"}";
    checked(
        &start(&said_by_a_server(refusal)),
        1,
        "",
        "it refuses the hello: go away",
    );
}

/// The address of a WebSocket server that says one thing to its first client and then waits for it to leave.
fn said_by_a_server(said: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client connects");
        let mut socket = tungstenite::accept(stream).expect("it asks for a WebSocket");
        socket.send(tungstenite::Message::text(said)).expect("it takes a text");
        while socket.read().is_ok() {}
    });
    url
}
