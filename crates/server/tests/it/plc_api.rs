//! PLC contexts over the API: programs, commands, memory, forces, breakpoints, and who may do what.

use crate::keys::{key, project};
use crate::support::{TestHub, eventually, http};
use serde_json::{Value, json};

/// Three rungs: a bit, a timer, a sum.
const PROGRAM: &str = "PROGRAM \"Bottling line\"\nSYM Start I:0/0 BOOL \"the button\"\nRUNG \"Motor\" \"seals itself in\"\n\
    SOR BST XIC Start NXB XIC O:0/0 BND XIO I:0/1 OTE O:0/0 EOR\nSOR XIC O:0/0 TON T:4 20 EOR\nSOR XIC T:4.DN ADD N:7 1 N:7 EOR\n";

const PROJECT: &str = "[web]\nport = 0\n[[plc]]\nname = \"line\"\n[[plc]]\nname = \"Line 2\"\nid = \"two\"\n";

const LINE: &str = "/api/v1/plc/contexts/line";

/// A hub with two contexts, the first with the program.
fn hub() -> TestHub {
    let hub = TestHub::start(PROJECT);
    let (status, body) = hub.http("PUT", &format!("{LINE}/program"), PROGRAM);
    assert_eq!(status, 200, "{body}");
    hub
}

#[track_caller]
fn ask(hub: &TestHub, method: &str, path: &str, body: Value, expected: u16) -> Value {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let (status, answer) = hub.http(method, &format!("{LINE}{path}"), &body);
    assert_eq!(status, expected, "{method} {path}: {answer}");
    answer
}

#[track_caller]
fn command(hub: &TestHub, command: &str) -> Value {
    ask(hub, "POST", "/command", json!({ "command": command }), 200)["context"].take()
}

fn context(hub: &TestHub) -> Value {
    hub.get(LINE)["context"].take()
}

#[track_caller]
fn refused(hub: &TestHub, method: &str, path: &str, body: &str, expected: (u16, &str)) {
    let (status, answer) = hub.http(method, path, body);
    let code = answer["error"]["code"].as_str().unwrap_or_default();
    assert_eq!((status, code), expected, "{method} {path}: {answer}");
}

#[test]
fn a_program_goes_in_runs_and_comes_back_as_it_was() {
    let hub = hub();
    let all = hub.get("/api/v1/plc/contexts");
    assert_eq!(
        [&all["contexts"][0]["id"], &all["contexts"][1]["id"]],
        [&json!("line"), &json!("two")]
    );
    assert_eq!(all["contexts"][1]["program"], Value::Null);
    let stopped = context(&hub);
    assert_eq!(stopped["state"], "Stopped");
    let program = &stopped["program"];
    assert_eq!(program["name"], "Bottling line");
    assert_eq!([&program["rungs"], &program["instructions"]], [&json!(3), &json!(8)]);

    assert_eq!(command(&hub, "start")["state"], "Running");
    let written = ask(&hub, "PUT", "/memory/I:0/0", json!({"value": 1}), 200);
    let expected = json!({"name": "plc/line/I:0/0", "stored": true, "coerced": true, "forced": false});
    assert_eq!(written, expected);
    eventually("the timer is done and the sum grows", || {
        hub.get(&format!("{LINE}/memory"))["integers"][7] != 0
    });
    let memory = hub.get(&format!("{LINE}/memory"));
    assert_eq!(memory["state"], "Running");
    assert_eq!(
        memory["timers"][4],
        json!({"pre": 20, "acc": 20, "en": true, "tt": false, "dn": true})
    );
    assert_eq!([&memory["inputs"][0], &memory["outputs"][0]], [&json!(1), &json!(1)]);
    let running = context(&hub);
    assert!(running["scan"]["count"].as_u64() > Some(1), "{running}");
    assert_eq!(running["scan"]["target_us"], 10_000);

    let (status, head, document) = http(hub.web(), "GET", &format!("{LINE}/program?format=document"), &[], "");
    assert_eq!((status, document.as_str()), (200, PROGRAM));
    assert!(head.contains("text/plain"), "{head}");
    // Whoever opens its address in a browser gets a file: a document may be XML with scripts in it.
    for field in [
        "content-disposition: attachment",
        "x-content-type-options: nosniff",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'; sandbox",
    ] {
        assert!(head.to_lowercase().contains(field), "{head}");
    }
    let drawn = hub.get(&format!("{LINE}/program"));
    assert_eq!(drawn["rungs"][0]["elements"][0]["branch"][1][0]["instruction"], 1);
    assert_eq!(drawn["rungs"][2]["elements"][1]["type"], "ADD");
    assert_eq!(drawn["symbols"][0]["address"], "I:0/0");

    assert_eq!(command(&hub, "stop")["state"], "Stopped");
    let cleared = ask(&hub, "DELETE", "/program", Value::Null, 200);
    assert_eq!(cleared["context"]["program"], Value::Null);
    refused(&hub, "GET", &format!("{LINE}/program"), "", (404, "no_program"));
}

#[test]
fn values_are_changed_while_the_program_runs() {
    let hub = hub();
    command(&hub, "start");
    let toggled = ask(&hub, "POST", "/toggle", json!({"address": "Start"}), 200);
    let expected =
        json!({"name": "plc/line/I:0/0", "stored": true, "coerced": false, "forced": false, "toggled": true});
    assert_eq!(toggled, expected);
    let writes = json!({"writes": [{"address": "T:4.PRE", "value": 30}, {"address": "Start", "value": 0}]});
    let written = ask(&hub, "POST", "/memory", writes, 200);
    assert_eq!(
        [&written["written"][0]["until_start"], &written["written"][1]["stored"]],
        [&json!(true), &json!(false)]
    );
    assert_eq!(written["written"][1]["until_start"], Value::Null);
    let one = ask(&hub, "PUT", "/memory/T:4.PRE", json!({"value": 40}), 200);
    assert_eq!(one["until_start"], true);
    let bad = r#"{"writes":[{"address":"N:9","value":1},{"address":"N:9","value":"x"}]}"#;
    refused(&hub, "POST", &format!("{LINE}/memory"), bad, (422, "bad_value"));
    refused(
        &hub,
        "POST",
        &format!("{LINE}/toggle"),
        r#"{"address":"N:9"}"#,
        (422, "bad_value"),
    );
    assert_eq!(hub.get(&format!("{LINE}/memory"))["integers"][9], 0);
}

#[test]
fn how_long_the_rungs_take_is_measured_on_demand() {
    let hub = hub();
    let path = format!("{LINE}/profile");
    let off = json!({"on": false, "scans": 0, "target_us": 10_000, "overhead_ns": 0, "rungs": []});
    assert_eq!(hub.get(&path), off);
    assert_eq!(context(&hub)["profiling"], false);
    ask(&hub, "PUT", "/profile", json!({"on": true}), 200);
    assert_eq!(context(&hub)["profiling"], true);
    command(&hub, "start");
    eventually("some scans are measured", || hub.get(&path)["scans"].as_u64() > Some(3));
    command(&hub, "stop");
    let told = hub.get(&path);
    let rungs = told["rungs"].as_array().expect("there are rungs");
    let instructions: Vec<&Value> = rungs.iter().map(|rung| &rung["instructions"]).collect();
    assert_eq!(instructions, [4, 2, 2], "{told}");
    let share: f64 = rungs.iter().filter_map(|rung| rung["share"].as_f64()).sum();
    assert!((share - 1.0).abs() < 1e-9, "{told}");
    assert_eq!(ask(&hub, "PUT", "/profile", json!({"on": false}), 200), off);
}

#[test]
fn a_project_file_comes_back_to_the_last_byte() {
    let hub = TestHub::start(PROJECT);
    let document = "<?xml version=\"1.0\"?>\n<PLCProject version=\"3.2\"><Metadata><Name>Ü</Name></Metadata>\n<Programs>\
        <Program type=\"Main\"><Rungs><Rung id=\"0\"><Instruction type=\"XIC\" address=\"I:0/0\" column=\"0\"/>\
        <Instruction type=\"OTE\" address=\"O:0/0\" column=\"5\"/></Rung></Rungs></Program></Programs></PLCProject>\n<!-- end -->\n";
    let (status, answer) = hub.http("PUT", "/api/v1/plc/contexts/Line%202/program", document);
    assert_eq!(status, 200, "{answer}");
    let path = "/api/v1/plc/contexts/two/program?format=document";
    let (_, head, back) = http(hub.web(), "GET", path, &[], "");
    assert_eq!(back, document);
    assert!(head.contains("application/xml"), "{head}");
    let drawn = hub.get("/api/v1/plc/contexts/two/program");
    assert_eq!(drawn["rungs"][0]["elements"][1]["column"], 5);
}

#[test]
fn a_download_never_stops_an_engine_unasked_and_a_bad_program_changes_nothing() {
    let hub = hub();
    command(&hub, "start");
    let path = format!("{LINE}/program");
    let other = "SOR XIC I:0/0 OTE O:0/1 EOR\n";
    refused(&hub, "PUT", &path, other, (409, "engine_runs"));
    assert_eq!(context(&hub)["state"], "Running");
    let (status, loaded) = hub.http("PUT", &format!("{path}?stop=true"), other);
    assert_eq!(
        (status, &loaded["context"]["state"]),
        (200, &json!("Stopped")),
        "{loaded}"
    );
    assert_eq!(loaded["context"]["program"]["rungs"], 1);

    let bad = "SOR OTE O:0/1 EOR\nSOR XIC ? OTE O:9/0 EOR\n";
    let (status, answer) = hub.http("PUT", &path, bad);
    assert_eq!(
        (status, &answer["error"]["code"]),
        (422, &json!("bad_program")),
        "{answer}"
    );
    let found = answer["diagnostics"].as_array().unwrap();
    let missing = found.iter().find(|found| found["code"] == "E005").expect("it is told");
    assert_eq!(missing["severity"], "error");
    assert_eq!([&missing["refuses"], &missing["rung"]], [&json!(true), &json!(1)]);
    assert_eq!([&missing["line"], &missing["character"]], [&json!(2), &json!(9)]);
    let (_, _, document) = http(hub.web(), "GET", &format!("{path}?format=document"), &[], "");
    assert_eq!(document, other);

    let (status, doubtful) = hub.http("PUT", &path, "SOR OTE O:0/1 EOR\n");
    assert_eq!((status, &doubtful["diagnostics"][0]["code"]), (200, &json!("E003")));
}

#[test]
fn only_a_document_may_be_longer_than_other_bodies() {
    let hub = TestHub::start(PROJECT);
    let path = format!("{LINE}/program");
    let comment = |len: usize| format!("SOR XIC I:0/0 OTE O:0/0 EOR\n#{}\n", "x".repeat(len));
    let (status, answer) = hub.http("PUT", &path, &comment(2 << 20));
    assert_eq!(status, 200, "{answer}");
    refused(&hub, "PUT", &path, &comment(8 << 20), (413, "too_large"));
    let long = json!({"value": "x".repeat(2 << 20)}).to_string();
    refused(&hub, "PUT", &format!("{LINE}/memory/N:0"), &long, (413, "too_large"));
}

#[test]
fn a_force_hides_the_value_says_why_and_ends_by_itself() {
    let hub = hub();
    let force = json!({"value": true, "reason": "sensor broken", "expires_after_s": 600});
    let forced = ask(&hub, "PUT", "/forces/I%3A0%2F0", force, 200);
    assert_eq!(
        [&forced["name"], &forced["forced"]],
        [&json!("plc/line/I:0/0"), &json!(true)]
    );
    let written = ask(&hub, "PUT", "/memory/Start", json!({"value": false}), 200);
    assert_eq!([&written["stored"], &written["forced"]], [&json!(true), &json!(true)]);
    ask(&hub, "PUT", "/forces/N:3", json!({"value": -5}), 200);

    let found = hub.get("/api/v1/signals?filter=PLC/line/Start");
    assert_eq!(
        found["signals"][0]["name"], "plc/line/I:0/0",
        "as it is written elsewhere"
    );

    let list = ask(&hub, "GET", "/forces", Value::Null, 200);
    let first = &list["forces"][0];
    assert_eq!(
        [&first["address"], &first["symbol"]],
        [&json!("I:0/0"), &json!("Start")]
    );
    assert_eq!(
        [&first["value"], &first["reason"]],
        [&json!(true), &json!("sensor broken")]
    );
    let since = first["since_ms"].as_u64().unwrap();
    assert_eq!(first["expires_at_ms"].as_u64(), Some(since + 600_000));
    assert_eq!(list["forces"][1]["value"], -5);
    assert_eq!(context(&hub)["forces"], list["forces"]);
    let memory = hub.get(&format!("{LINE}/memory"));
    assert_eq!(memory["forced"], json!({"I:0": 1, "N:3": u32::MAX}));

    ask(&hub, "DELETE", "/forces/Start", Value::Null, 204);
    assert_eq!(hub.get(&format!("{LINE}/memory"))["forced"], json!({"N:3": u32::MAX}));
    ask(&hub, "DELETE", "/forces", Value::Null, 204);
    assert_eq!(context(&hub)["forces"], json!([]));

    ask(
        &hub,
        "PUT",
        "/forces/I:0/0",
        json!({"value": true, "expires_after_s": 1}),
        200,
    );
    eventually("the force ends", || context(&hub)["forces"] == json!([]));
}

#[test]
fn a_breakpoint_pauses_before_its_rung_and_steps_go_on_from_there() {
    let hub = hub();
    ask(&hub, "PUT", "/breakpoints/1", Value::Null, 204);
    ask(&hub, "PUT", "/breakpoints/2", Value::Null, 204);
    assert_eq!(context(&hub)["breakpoints"], json!([1, 2]));
    command(&hub, "start");
    let waits = |state: &str, rung: Value| {
        eventually("it waits before its rung", || {
            let row = context(&hub);
            row["state"] == state && row["next_rung"] == rung
        });
    };
    waits("Paused", json!(1));
    ask(&hub, "DELETE", "/breakpoints/1", Value::Null, 204);
    command(&hub, "step_rung");
    eventually("the next rung is the third", || context(&hub)["next_rung"] == json!(2));
    ask(&hub, "DELETE", "/breakpoints", Value::Null, 204);
    assert_eq!(context(&hub)["breakpoints"], json!([]));
    assert_eq!(command(&hub, "step_scan")["state"], "Paused");
    command(&hub, "resume");
    eventually("it runs", || context(&hub)["state"] == "Running");
    refused(&hub, "PUT", &format!("{LINE}/breakpoints/9"), "", (409, "plc_refused"));
    refused(&hub, "PUT", &format!("{LINE}/breakpoints/x"), "", (400, "bad_request"));
}

#[test]
fn contexts_are_made_and_removed() {
    let hub = hub();
    let (status, made) = hub.http("POST", "/api/v1/plc/contexts", r#"{"name":"Filler/Ü"}"#);
    assert_eq!((status, &made["context"]["temporary"]), (201, &json!(true)), "{made}");
    let id = made["context"]["id"]
        .as_str()
        .unwrap()
        .replace('/', "%2F")
        .replace('Ü', "%C3%9C");
    let path = format!("/api/v1/plc/contexts/{id}");
    assert_eq!(hub.get(&path)["context"]["name"], "Filler/Ü");
    refused(
        &hub,
        "POST",
        "/api/v1/plc/contexts",
        r#"{"name":"line"}"#,
        (409, "conflict"),
    );
    assert_eq!(hub.http("DELETE", &path, "").0, 204);
    refused(&hub, "GET", &path, "", (404, "not_found"));
    let (status, made) = hub.http("POST", "/api/v1/plc/contexts", "{}");
    assert_eq!((status, &made["context"]["name"]), (201, &json!("PLC 1")), "{made}");
}

#[test]
fn what_cannot_be_is_refused_with_a_word() {
    let hub = hub();
    let at = |path: &str| format!("{LINE}{path}");
    let check = |method: &str, path: &str, body: &str, status: u16, code: &str| {
        refused(&hub, method, &at(path), body, (status, code));
    };
    refused(&hub, "GET", "/api/v1/plc/contexts/none", "", (404, "not_found"));
    refused(&hub, "GET", "/api/v1/plc/contexts/none/program", "", (404, "not_found"));
    refused(&hub, "GET", "/api/v1/plc/contexts/two/program", "", (404, "no_program"));
    check("POST", "/command", r#"{"command":"fly"}"#, 400, "bad_request");
    let start = r#"{"command":"start"}"#;
    refused(
        &hub,
        "POST",
        "/api/v1/plc/contexts/two/command",
        start,
        (409, "plc_refused"),
    );
    check("GET", "/program?format=pdf", "", 400, "bad_request");
    check("PUT", "/memory/I:9/0", r#"{"value":true}"#, 422, "bad_value");
    check("PUT", "/memory/Nobody", r#"{"value":true}"#, 422, "bad_value");
    check("PUT", "/memory/I:0/0", r#"{"value":7}"#, 422, "bad_value");
    check("PUT", "/memory/N:0", r#"{"value":1.5}"#, 422, "bad_value");
    check("PUT", "/memory/N:0", r#"{"value":null}"#, 422, "bad_value");
    check("PUT", "/memory/N:0", r#"{"worth":1}"#, 400, "bad_request");
    check(
        "PUT",
        "/forces/I:0/0",
        r#"{"value":true,"expires_after_s":0}"#,
        422,
        "bad_value",
    );
    check(
        "PUT",
        "/forces/I:0/0",
        r#"{"value":true,"expires_after_s":18446744073709551615}"#,
        422,
        "bad_value",
    );
    check("PATCH", "/program", "", 405, "method_not_allowed");
}

#[test]
fn each_role_may_do_what_it_may() {
    let folder = project(PROJECT);
    let [engineer, operator, viewer] =
        ["engineer", "operator", "viewer"].map(|role| key(folder.path(), role, role, &[]));
    let hub = TestHub::start_in(folder, |_| ()).expect("the hub of a test starts");
    let check = |key: &str, method: &str, path: &str, body: &str, expected: u16| {
        let headers = [&*format!("X-API-Key: {key}")];
        let (status, _, answer) = http(hub.web(), method, &format!("{LINE}{path}"), &headers, body);
        assert_eq!(status, expected, "{method} {path}: {answer}");
    };
    check(&viewer, "PUT", "/program", PROGRAM, 403);
    check(&operator, "PUT", "/program?stop=true", PROGRAM, 403);
    check(&engineer, "PUT", "/program", PROGRAM, 200);
    check(&viewer, "GET", "", "", 200);
    check(&viewer, "GET", "/program", "", 200);
    check(&viewer, "POST", "/command", r#"{"command":"start"}"#, 403);
    check(&operator, "POST", "/command", r#"{"command":"start"}"#, 200);
    check(&operator, "POST", "/command", r#"{"command":"pause"}"#, 200);
    check(&operator, "POST", "/command", r#"{"command":"step_scan"}"#, 403);
    check(&viewer, "PUT", "/memory/N:1", r#"{"value":1}"#, 403);
    check(&operator, "PUT", "/memory/N:1", r#"{"value":1}"#, 200);
    check(
        &viewer,
        "POST",
        "/memory",
        r#"{"writes":[{"address":"N:1","value":1}]}"#,
        403,
    );
    check(
        &operator,
        "POST",
        "/memory",
        r#"{"writes":[{"address":"N:1","value":1}]}"#,
        200,
    );
    check(&viewer, "POST", "/toggle", r#"{"address":"B:1/0"}"#, 403);
    check(&operator, "POST", "/toggle", r#"{"address":"B:1/0"}"#, 200);
    check(&operator, "PUT", "/profile", r#"{"on":true}"#, 403);
    check(&viewer, "GET", "/profile", "", 200);
    check(&engineer, "PUT", "/profile", r#"{"on":true}"#, 200);
    check(&operator, "PUT", "/breakpoints/0", "", 403);
    check(&operator, "DELETE", "/program", "", 403);
    check(&engineer, "DELETE", "/program", "", 200);
    check("ct_none", "GET", "", "", 401);
    check(&viewer, "PUT", "/forces/N:1", r#"{"value":1}"#, 403);
    check(&engineer, "PUT", "/forces/N:1", r#"{"value":1}"#, 200);
    check(&viewer, "DELETE", "/forces", "", 403);
}
