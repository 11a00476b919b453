//! Recordings of a running hub: by the API, by a signal, with the hub; their limits; and a process that is killed.

use crate::keys::key;
use crate::support::{TestHub, eventually, http};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_crosstie");

const LINE: &str = r#"
[project]
name = "Line"

[web]
port = 0

[[realvirtual]]
name = "line"
port = 0

[[realvirtual.signal]]
name = "Lamp"
type = "Bool"
writer = "hub"

[[realvirtual.signal]]
name = "Text"
type = "Text"
writer = "hub"
"#;

fn write(hub: &TestHub, signal: &str, value: &Value) {
    let body = json!({ "value": value }).to_string();
    let (status, answer) = hub.http("PUT", &format!("/api/v1/signals/{signal}"), &body);
    assert_eq!(status, 200, "{answer}");
}

fn refused(answer: (u16, Value)) -> (u16, String, String) {
    let word = |key: &str| answer.1["error"][key].as_str().unwrap_or_default().to_owned();
    (answer.0, word("code"), word("message"))
}

/// What `crosstie` prints of a recording, line by line.
fn exported(file: &Path, more: &[&str]) -> Vec<String> {
    let output = Command::new(BINARY)
        .args(["record", "export"])
        .arg(file)
        .args(more)
        .output()
        .expect("what a test made is there");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout)
        .expect("what a test made is there")
        .lines()
        .map(str::to_owned)
        .collect()
}

fn file(hub: &TestHub, name: &str) -> std::path::PathBuf {
    hub.folder().join("recordings").join(format!("{name}.mcap"))
}

/// The body of an answer that is no text.
fn download(address: SocketAddr, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("what a test made is there");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .expect("what a test made is there");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("what a test made is there");
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("what a test made is there");
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer[..end])
    );
    answer.split_off(end + 4)
}

/// Status, head and body of a table, which comes in pieces.
fn table(hub: &TestHub, path: &str) -> (String, Vec<String>) {
    let address = hub.web();
    let mut stream = TcpStream::connect(address).expect("what a test made is there");
    write!(
        stream,
        "GET /api/v1/recordings/{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .expect("what a test made is there");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer is text");
    let (head, mut rest) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    let mut body = String::new();
    while let Some((len, more)) = rest.split_once("\r\n") {
        let len = usize::from_str_radix(len, 16).expect("the length of a piece");
        body.push_str(&more[..len]);
        rest = &more[len + 2..];
        if len == 0 {
            return (head.to_lowercase(), body.lines().map(str::to_owned).collect());
        }
    }
    panic!("the table is cut: {answer}");
}

#[test]
fn the_table_of_a_recording_is_that_of_the_command_line() {
    let hub = TestHub::start(LINE);
    assert_eq!(hub.http("POST", "/api/v1/recordings", r#"{"name":"shift 2"}"#).0, 201);
    for number in 0..50 {
        write(&hub, "twin/line/Text", &json!(format!("=1+{number}")));
        write(&hub, "twin/line/Text", &json!(format!("a, \"{number}\"")));
        write(&hub, "twin/line/Lamp", &json!(number % 2 == 0));
    }
    assert_eq!(hub.http("POST", "/api/v1/recordings/stop", "").0, 200);
    let (head, lines) = table(&hub, "shift%202/csv");
    assert!(head.contains("content-type: text/csv; charset=utf-8"), "{head}");
    assert!(
        head.contains("content-disposition: attachment; filename=\"shift 2.csv\""),
        "{head}"
    );
    let file = file(&hub, "shift 2");
    assert_eq!(lines, exported(&file, &[]));
    // No spreadsheet takes what a peer has written for a formula.
    assert!(lines.iter().any(|line| line.contains(",'=1+7,")), "{lines:?}");
    let some = ["--signals", "twin/line/L*", "--signals", "sys/record/**"];
    let wanted = table(&hub, "shift%202/csv?signals=twin/line/L*,sys/record/**").1;
    assert_eq!(wanted, exported(&file, &some));
    assert!(wanted.len() > 25 && wanted.len() < lines.len());

    // From a moment on: how everything stood then, and what came after it.
    let last = lines.last().expect("there are lines");
    let at_of = |line: &str| line.split(',').next().expect("a time").to_owned();
    let at: jiff::Timestamp = at_of(last).parse().expect("a time as RFC 3339");
    let at_ms = at.as_millisecond();
    assert_eq!(table(&hub, &format!("shift%202/csv?to_ms={at_ms}")).1, lines);
    let later = table(&hub, &format!("shift%202/csv?from_ms={at_ms}")).1;
    let named = |line: &&String| line.contains(",twin/line/Text,Text,");
    assert!(
        later.len() < lines.len() && later[1..].iter().filter(named).count() >= 1,
        "{later:#?}"
    );
    assert!(later[1..].iter().all(|line| at_of(line) >= at_of(last)), "{later:#?}");
    let after = table(
        &hub,
        &format!("shift%202/csv?from_ms={}&signals=twin/line/Text", at_ms + 60_000),
    )
    .1;
    assert_eq!(after.len(), 2, "{after:#?}");
    assert!(after[1].contains("\"a, \"\"49\"\"\""), "{after:#?}");
    assert_eq!(table(&hub, "shift%202/csv?to_ms=1").1, lines[..1]);

    for (path, status, words) in [
        ("none/csv", 404, "none"),
        ("shift%202/csv?signals=", 422, "patterns with commas"),
        ("shift%202/csv?from_ms=2&to_ms=1", 422, "the first not after the second"),
        ("shift%202/csv?from_ms=x", 400, "from_ms"),
    ] {
        let (found, _, text) = refused(hub.http("GET", &format!("/api/v1/recordings/{path}"), ""));
        assert_eq!(found, status, "{path}: {text}");
        assert!(text.contains(words), "{path}: {text}");
    }
}

#[test]
fn a_recording_is_started_stopped_shown_fetched_and_removed() {
    let hub = TestHub::start(LINE);
    let none = hub.get("/api/v1/recordings");
    assert_eq!((&none["active"], &none["recordings"]), (&Value::Null, &json!([])));
    assert_eq!(refused(hub.http("POST", "/api/v1/recordings/stop", "")).0, 404);

    let (status, active) = hub.http("POST", "/api/v1/recordings", r#"{"name":"first","max_minutes":5}"#);
    assert_eq!((status, &active["name"]), (201, &json!("first")), "{active}");
    assert_eq!(active["max_ms"], 300_000);
    let (status, code, text) = refused(hub.http("POST", "/api/v1/recordings", "{}"));
    assert_eq!((status, code.as_str()), (409, "conflict"));
    assert!(text.contains("the recording 'first' runs; stop it first"), "{text}");
    let (status, code, _) = refused(hub.http("DELETE", "/api/v1/recordings/first", ""));
    assert_eq!((status, code.as_str()), (409, "conflict"));

    write(&hub, "twin/line/Lamp", &json!(true));
    write(&hub, "twin/line/Text", &json!("a, \"b\""));
    let (status, row) = hub.http("POST", "/api/v1/recordings/stop", "");
    assert_eq!(
        (status, &row["whole"], &row["gaps"]),
        (200, &json!(true), &json!(0)),
        "{row}"
    );
    assert!(row["samples"].as_u64().unwrap() >= 2 && row["ended"].as_str().unwrap().starts_with("stopped by"));

    let list = hub.get("/api/v1/recordings");
    assert_eq!(list["recordings"][0], row);
    assert_eq!(list["active"], Value::Null);
    let one = hub.get("/api/v1/recordings/first");
    assert_eq!(one["project"], "Line");
    let names = one["signal_names"].as_array().unwrap();
    assert!(names.contains(&json!("twin/line/Lamp")) && names.contains(&json!("sys/record/active")));

    let bytes = download(hub.web(), "/api/v1/recordings/first/file");
    assert_eq!(bytes, std::fs::read(file(&hub, "first")).unwrap());
    assert!(bytes.starts_with(b"\x89MCAP0\r\n") && bytes.ends_with(b"\x89MCAP0\r\n"));
    let lines = exported(&file(&hub, "first"), &["--signals", "twin/**"]);
    let wanted = |line: &&String| line.contains("twin/line/Text,Text,\"a, \"\"b\"\"\",good,operator");
    assert_eq!(lines.iter().filter(wanted).count(), 1, "{lines:#?}");

    let (status, code, _) = refused(hub.http("POST", "/api/v1/recordings", r#"{"name":"first"}"#));
    assert_eq!((status, code.as_str()), (409, "conflict"), "nothing is overwritten");
    for body in [r#"{"name":"../x"}"#, r#"{"max_mb":0}"#, r#"{"signals":[""]}"#] {
        let (status, code, _) = refused(hub.http("POST", "/api/v1/recordings", body));
        assert_eq!((status, code.as_str()), (422, "bad_value"), "{body}");
    }
    // The ranges of `[record]` are those of the API.
    for (body, range) in [
        (
            r#"{"max_minutes":18446744073709551615}"#,
            "`max_minutes`: a whole number from 1 to 100000",
        ),
        (
            r#"{"max_minutes":100001}"#,
            "`max_minutes`: a whole number from 1 to 100000",
        ),
        (r#"{"max_mb":1000001}"#, "`max_mb`: a whole number from 1 to 1000000"),
    ] {
        let (status, code, text) = refused(hub.http("POST", "/api/v1/recordings", body));
        assert_eq!((status, code.as_str()), (422, "bad_value"), "{body}");
        assert!(text.contains(range), "{text}");
    }
    assert_eq!(hub.http("DELETE", "/api/v1/recordings/first", "").0, 204);
    for path in ["first", "first/file", "..%2Fcrosstie", ".."] {
        assert_eq!(
            hub.http("GET", &format!("/api/v1/recordings/{path}"), "").0,
            404,
            "{path}"
        );
    }
    // The log is written beside what it tells of.
    for what in ["recording.start", "recording.stop", "recording.delete"] {
        eventually(what, || {
            let audit = hub.get("/api/v1/audit");
            let mut entries = audit["entries"].as_array().unwrap().iter();
            entries.any(|entry| entry["what"] == what)
        });
    }
    let metrics = http(hub.web(), "GET", "/metrics", &[], "").2;
    assert!(metrics.contains("crosstie_recordings_total 1\n"), "{metrics}");
    assert!(metrics.contains("crosstie_recording_active 0\n"), "{metrics}");
}

#[test]
fn a_signal_starts_and_ends_a_recording() {
    let hub = TestHub::start(LINE);
    let value = |name: &str| hub.get(&format!("/api/v1/signals/{name}"))["value"].clone();
    assert_eq!(value("sys/record/active"), json!(false));
    for name in ["sys/record/active", "sys/record/lost"] {
        let (status, ..) = refused(hub.http("PUT", &format!("/api/v1/signals/{name}"), r#"{"value":true}"#));
        assert_eq!(status, 409, "{name} is the hub's own");
    }
    write(&hub, "sys/record/run", &json!(true));
    eventually("a recording runs", || value("sys/record/active") == json!(true));
    assert_eq!(hub.get("/api/v1/recordings")["active"]["by"], "sys/record/run");
    write(&hub, "twin/line/Lamp", &json!(true));
    write(&hub, "sys/record/run", &json!(false));
    eventually("it has ended", || value("sys/record/active") == json!(false));
    let row = hub.get("/api/v1/recordings")["recordings"][0].clone();
    assert_eq!(row["ended"], "sys/record/run became false");
    assert_eq!(row["whole"], true);

    // One that somebody else has started is not ended by it.
    write(&hub, "sys/record/run", &json!(true));
    eventually("another runs", || value("sys/record/active") == json!(true));
    assert_eq!(hub.http("POST", "/api/v1/recordings/stop", "").0, 200);
    assert_eq!(hub.http("POST", "/api/v1/recordings", r#"{"name":"mine"}"#).0, 201);
    write(&hub, "sys/record/run", &json!(false));
    write(&hub, "twin/line/Lamp", &json!(false));
    assert_eq!(hub.get("/api/v1/recordings")["active"]["name"], "mine");
    assert_eq!(hub.http("POST", "/api/v1/recordings/stop", "").0, 200);
}

#[test]
fn a_recording_begins_with_the_hub_and_ends_with_it() {
    let hub = TestHub::start(&format!(
        "{LINE}\n[record]\nautostart = true\nsignals = [\"twin/**\"]\n"
    ));
    let mut active = Value::Null;
    eventually("it runs", || {
        active = hub.get("/api/v1/recordings")["active"].clone();
        !active.is_null()
    });
    assert_eq!(
        (&active["started_ms"], &active["by"]),
        (&json!(0), &json!("the start of the hub"))
    );
    let name = active["name"].as_str().unwrap().to_owned();
    write(&hub, "twin/line/Lamp", &json!(true));
    let folder = tempfile::tempdir().unwrap();
    let (from, kept) = (file(&hub, &name), folder.path().join("kept.mcap"));
    let keeper = hub.folder().to_owned();
    let copied = std::thread::spawn({
        let (from, kept) = (from.clone(), kept.clone());
        move || {
            // The folder of the hub goes with it; its end is written before.
            let mut last = Vec::new();
            while keeper.exists() {
                if let Ok(bytes) = std::fs::read(&from) {
                    last = bytes;
                }
            }
            std::fs::write(kept, last).unwrap();
        }
    });
    drop(hub);
    copied.join().unwrap();
    let lines = exported(&kept, &[]);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("twin/line/Lamp,Bool,true,good,operator")),
        "{lines:#?}"
    );
    assert!(
        lines.iter().all(|line| !line.contains("sys/")),
        "patterns count: {lines:#?}"
    );
}

#[test]
fn a_recording_ends_at_its_limit_and_people_are_told() {
    let hub = TestHub::start(LINE);
    let (status, _) = hub.http("POST", "/api/v1/recordings", r#"{"name":"small","max_mb":1}"#);
    assert_eq!(status, 201);
    let mut seed = 7_u32;
    // Noise: what is the same again and again becomes small.
    let mut noise = || -> String {
        let sign = |_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'!' + (seed >> 24) as u8 % 90)
        };
        (0..50_000).map(sign).collect()
    };
    eventually("it has ended", || {
        write(&hub, "twin/line/Text", &json!(noise()));
        hub.get("/api/v1/recordings")["active"].is_null()
    });
    let row = hub.get("/api/v1/recordings")["recordings"][0].clone();
    assert_eq!(
        (&row["ended"], &row["whole"]),
        (&json!("it has reached its limit of 1 MB"), &json!(true))
    );
    assert!(row["bytes"].as_u64().unwrap() < 4 << 20, "{row}");
    let ids = |health: Value| -> Vec<Value> {
        let problems = health["problems"].as_array().unwrap().iter();
        problems.map(|problem| problem["id"].clone()).collect()
    };
    eventually("people are told", || {
        ids(hub.get("/api/v1/health")).contains(&json!("record"))
    });
    assert_eq!(hub.http("POST", "/api/v1/recordings", r#"{"name":"next"}"#).0, 201);
    eventually("the next one works", || {
        !ids(hub.get("/api/v1/health")).contains(&json!("record"))
    });
}

#[test]
fn recordings_beyond_their_room_are_refused_in_words_and_none_is_removed() {
    let hub = TestHub::start(&format!("{LINE}\n[record]\nkeep_mb = 1\n"));
    std::fs::create_dir(hub.folder().join("recordings")).unwrap();
    std::fs::write(file(&hub, "old"), vec![0; 2 << 20]).unwrap();
    let (status, code, text) = refused(hub.http("POST", "/api/v1/recordings", "{}"));
    assert_eq!((status, code.as_str()), (409, "conflict"));
    assert!(text.contains("2 MB") && text.contains("keep_mb"), "{text}");
    let row = hub.get("/api/v1/recordings")["recordings"][0].clone();
    assert!(
        row["error"]
            .as_str()
            .unwrap()
            .contains("is no recording: expected an MCAP file"),
        "{row}"
    );
    write(&hub, "sys/record/run", &json!(true));
    eventually("the signal is refused, too", || {
        hub.get("/api/v1/health")["problems"]
            .to_string()
            .contains("sys/record/run has started no recording")
    });
}

#[test]
fn roles_count() {
    let hub = TestHub::start(LINE);
    // The first key of a project is an engineer's.
    let _first = key(hub.folder(), "Engineer", "engineer", &[]);
    let viewer = key(hub.folder(), "Viewer", "viewer", &[]);
    let operator = key(hub.folder(), "Operator", "operator", &[]);
    let narrow = key(hub.folder(), "Narrow", "engineer", &["--view", "twin/line/Lamp"]);
    let ask = |key: &str, method: &str, path: &str, body: &str| {
        let bearer = format!("Authorization: Bearer {key}");
        let (status, _, text) = http(hub.web(), method, path, &[&bearer], body);
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    };
    // The ring is read as a whole: with the last key all are known.
    eventually("the keys count", || {
        ask(&narrow, "GET", "/api/v1/recordings", "").0 == 200
    });
    assert_eq!(ask(&viewer, "POST", "/api/v1/recordings", "{}").0, 403);
    assert_eq!(ask(&operator, "POST", "/api/v1/recordings", r#"{"name":"a"}"#).0, 201);
    assert_eq!(ask(&viewer, "POST", "/api/v1/recordings/stop", "").0, 403);
    assert_eq!(ask(&operator, "POST", "/api/v1/recordings/stop", "").0, 200);
    assert_eq!(ask(&operator, "DELETE", "/api/v1/recordings/a", "").0, 403);
    for path in ["/api/v1/recordings/a/file", "/api/v1/recordings/a/csv"] {
        assert_eq!(ask(&viewer, "GET", path, "").0, 403, "{path}");
        assert_eq!(ask(&narrow, "GET", path, "").0, 403, "{path}");
    }
    assert_eq!(
        ask(&narrow, "GET", "/api/v1/recordings/a/file", "").0,
        403,
        "it holds more than this key sees"
    );
    let one = ask(&narrow, "GET", "/api/v1/recordings/a", "").1;
    assert_eq!(one["signal_names"], json!(["twin/line/Lamp"]));
}

/// The process is killed as a power failure would do it: what is on the disk is a recording.
#[cfg(unix)]
#[test]
fn a_recording_of_a_killed_process_opens_up_to_its_last_second() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("crosstie.toml"), LINE).unwrap();
    let mut process = Command::new(BINARY)
        .args(["run", "--record"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    let web: SocketAddr = loop {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it tells its page");
        if let Some((_, url)) = line.split_once("http://") {
            break url.trim().trim_end_matches('/').parse().unwrap();
        }
    };
    let put = |value: bool| {
        let body = json!({ "value": value }).to_string();
        http(web, "PUT", "/api/v1/signals/twin/line/Lamp", &[], &body).0
    };
    assert_eq!(put(true), 200);
    let file = std::fs::read_dir(folder.path().join("recordings"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    // A chunk is handed to the system within a second; whoever looks sees a recording that was cut.
    eventually("the sample is on the disk", || {
        let lines = exported(&file, &[]);
        lines
            .iter()
            .any(|line| line.contains("twin/line/Lamp,Bool,true,good,operator"))
    });
    let killed = Command::new("kill").args(["-KILL", &process.id().to_string()]).status();
    assert!(killed.unwrap().success());
    process.wait().unwrap();
    let lines = exported(&file, &[]);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("twin/line/Lamp,Bool,true,good,operator")),
        "{lines:#?}"
    );

    // The next run of the hub lists it as what it is.
    let loaded = crosstie_server::config::load(folder.path(), &crosstie_server::config::Overrides::default());
    let hub = crosstie_server::run::RunningHub::start(loaded.config.unwrap()).unwrap();
    let (_, _, text) = http(hub.web(), "GET", "/api/v1/recordings", &[], "");
    let list: Value = serde_json::from_str(&text).unwrap();
    let row = &list["recordings"][0];
    assert_eq!(
        (&row["whole"], &row["ended"], &row["error"]),
        (&json!(false), &Value::Null, &Value::Null),
        "{row}"
    );
    assert_eq!(row["from_start"], true);
    assert!(row["samples"].as_u64().unwrap() >= 1, "{row}");
    hub.stop();
}
