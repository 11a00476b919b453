//! Routes over HTTP: all keys in and out, changed in place, tables, and the project file that follows.

use crate::support::{TestHub, eventually, http};
use serde_json::{Value, json};
use std::fs;

const PROJECT: &str = "# ours\n[project]\nname = \"Line\"\n[web]\nport = 0\n[[realvirtual]]\nname = \"line\"\nport = 0\n\
    [[realvirtual.signal]]\nname = \"Raw\"\ntype = \"Float\"\nwriter = \"hub\"\n[[realvirtual.signal]]\nname = \"Percent\"\ntype = \"Float\"\n\
    writer = \"hub\"\n[[realvirtual.signal]]\nname = \"Run\"\ntype = \"Bool\"\nwriter = \"hub\"\n[[realvirtual.signal]]\nname = \"Alarm\"\n\
    type = \"Bool\"\nwriter = \"hub\"\n[[realvirtual.signal]]\nname = \"Word\"\ntype = \"Text\"\nwriter = \"hub\"\n";

fn add(hub: &TestHub, route: &Value) -> (u16, Value) {
    hub.http("POST", "/api/v1/routes", &route.to_string())
}

fn write(hub: &TestHub, name: &str, value: Value) {
    let (status, body) = hub.http(
        "PUT",
        &format!("/api/v1/signals/twin/line/{name}"),
        &json!({ "value": value }).to_string(),
    );
    assert_eq!(status, 200, "{body}");
}

fn value(hub: &TestHub, name: &str) -> Value {
    hub.get(&format!("/api/v1/signals/twin/line/{name}"))["value"].clone()
}

#[test]
fn a_route_with_every_key_is_laid_shown_and_written_down() {
    let hub = TestHub::start(PROJECT);
    let alarm = json!({"from": "twin/line/Raw", "to": "twin/line/Alarm", "expr": "value > 80.0 && running",
        "inputs": {"running": "twin/line/Run"}});
    let (status, row) = add(&hub, &alarm);
    assert_eq!((status, &row["state"]), (201, &json!("active")), "{row}");
    assert_eq!((&row["expr"], &row["inputs"]), (&alarm["expr"], &alarm["inputs"]));
    assert_eq!(
        (&row["map"], &row["scale"], &row["pattern"]),
        (&json!({}), &Value::Null, &Value::Null)
    );
    assert!(
        hub.project().contains("inputs = { running = \"twin/line/Run\" }"),
        "{}",
        hub.project()
    );
    write(&hub, "Raw", json!(90.5));
    assert_eq!(value(&hub, "Alarm"), false);
    write(&hub, "Run", json!(true));
    assert_eq!(value(&hub, "Alarm"), true);

    let percent =
        json!({"from": "twin/line/Raw", "to": "twin/line/Percent", "scale": 0.5, "offset": -5.0, "deadband": 1.0});
    let (status, row) = add(&hub, &percent);
    assert_eq!(
        (status, &row["scale"], &row["deadband"]),
        (201, &json!(0.5), &json!(1.0)),
        "{row}"
    );
    assert_eq!(value(&hub, "Percent"), 40.25);
    write(&hub, "Raw", json!(91.0));
    assert_eq!(value(&hub, "Percent"), 40.25, "nearer than the deadband");
    let word = json!({"from": "twin/line/Run", "to": "twin/line/Word", "map": {"true": "Running", "*": "Stopped"}});
    let (status, row) = add(&hub, &word);
    assert_eq!((status, &row["map"]), (201, &word["map"]), "{row}");
    assert_eq!(value(&hub, "Word"), "Running");

    let rows = hub.get("/api/v1/routes")["routes"].as_array().unwrap().clone();
    assert_eq!(
        (&rows[1]["held"], &rows[1]["failed"]),
        (&json!(1), &json!(0)),
        "{}",
        rows[1]
    );
    let metrics = hub.get("/metrics");
    let metrics = metrics.as_str().unwrap();
    assert!(metrics.contains("crosstie_routes{state=\"active\"} 3\n"), "{metrics}");
    assert!(metrics.contains("crosstie_route_held_total 1\n"), "{metrics}");

    // What stands in the file is what a hub starts with.
    let restarted = TestHub::start(&hub.project());
    let rows = restarted.get("/api/v1/routes")["routes"].as_array().unwrap().clone();
    assert_eq!(
        (rows.len(), &rows[0]["expr"], &rows[2]["map"]),
        (3, &alarm["expr"], &word["map"])
    );
}

#[test]
fn what_does_not_fit_is_refused_in_words_and_nothing_is_written() {
    let hub = TestHub::start(PROJECT);
    let before = hub.project();
    let check = |keys: Value, status: u16, code: &str, words: &str| {
        let mut route = json!({"from": "twin/line/Raw", "to": "twin/line/Percent"});
        route.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        let (got, refused) = add(&hub, &route);
        let message = refused["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(
            (got, &refused["error"]["code"]),
            (status, &json!(code)),
            "{keys}: {refused}"
        );
        assert!(message.contains(words), "{message}");
    };
    check(
        json!({"scale": 0}),
        422,
        "bad_value",
        "`scale` is 0; expected a number that is not 0",
    );
    check(json!({"every_ms": 0.5}), 422, "bad_value", "`every_ms` is 0.5");
    check(json!({"scale": "x"}), 400, "bad_request", "invalid type");
    check(json!({"scael": 1}), 400, "bad_request", "unknown field `scael`");
    check(json!({"on_stale": "zero"}), 422, "bad_value", "begins with plc/");
    check(
        json!({"inputs": {"a": "sim/a"}}),
        422,
        "bad_value",
        "`inputs` without an `expr`",
    );
    check(json!({"to": "twin/line/Run"}), 409, "conflict", "");
    assert_eq!(hub.project(), before);
}

#[test]
fn a_route_is_changed_in_place_with_its_number_and_its_counters() {
    let hub = TestHub::start(PROJECT);
    let (_, row) = add(&hub, &json!({"from": "twin/line/Raw", "to": "twin/line/Percent"}));
    write(&hub, "Raw", json!(8.0));
    assert_eq!(value(&hub, "Percent"), 8.0);
    let count = hub.get("/api/v1/routes")["routes"][0]["count"].as_u64().unwrap();
    let path = format!("/api/v1/routes/{}", row["id"]);
    let put = |route: Value| hub.http("PUT", &path, &route.to_string());
    let (status, changed) = put(json!({"from": "twin/line/Raw", "to": "twin/line/Percent", "scale": 0.5}));
    assert_eq!(
        (status, &changed["id"], &changed["scale"]),
        (200, &row["id"], &json!(0.5)),
        "{changed}"
    );
    let counted = hub.get("/api/v1/routes")["routes"][0]["count"].as_u64().unwrap();
    assert!(counted > count, "{changed}");
    assert_eq!(value(&hub, "Percent"), 4.0);
    assert!(hub.project().contains("scale = 0.5"), "{}", hub.project());

    let before = hub.project();
    let (status, _) = put(json!({"from": "twin/line/Raw", "to": "twin/line/Run"}));
    assert_eq!(status, 409);
    assert_eq!((hub.project(), value(&hub, "Percent")), (before, json!(4.0)));
    let (status, _) = hub.http("PUT", "/api/v1/routes/99", r#"{"from":"sim/a","to":"sim/b"}"#);
    assert_eq!(status, 404);
}

#[test]
fn a_table_goes_out_and_in_all_of_it_or_nothing() {
    let hub = TestHub::start(PROJECT);
    add(
        &hub,
        &json!({"from": "twin/line/Raw", "to": "twin/line/Percent", "scale": 0.5}),
    );
    add(&hub, &json!({"from": "sim/a", "to": "sim/b"}));
    let export = || hub.get("/api/v1/routes/export").as_str().unwrap().to_owned();
    assert_eq!(
        export(),
        "from,to,scale\ntwin/line/Raw,twin/line/Percent,0.5\nsim/a,sim/b,\n"
    );
    let id = hub.get("/api/v1/routes")["routes"][0]["id"].clone();

    let import = |replace: bool, table: &str| {
        let path = format!("/api/v1/routes/import?replace={replace}");
        hub.http("POST", &path, table)
    };
    let (status, set) = import(
        false,
        "from,to,scale\ntwin/line/Raw,twin/line/Percent,2\nsim/c,sim/d,\n",
    );
    assert_eq!(
        (status, &set),
        (200, &json!({"added": 1, "changed": 1, "same": 0, "removed": 0}))
    );
    let (status, set) = import(true, "from,to\ntwin/line/Raw,twin/line/Percent\n");
    assert_eq!(
        (status, &set),
        (200, &json!({"added": 0, "changed": 0, "same": 1, "removed": 2}))
    );
    let rows = hub.get("/api/v1/routes")["routes"].as_array().unwrap().clone();
    assert_eq!((rows.len(), &rows[0]["id"], &rows[0]["scale"]), (1, &id, &json!(2.0)));
    assert!(!hub.project().contains("sim/"), "{}", hub.project());

    let before = hub.project();
    let (status, refused) = import(true, "from,to,scale\nsim/x,sim/y,\nsim/x,sim/z,none\n");
    assert_eq!((status, &refused["error"]["code"]), (422, &json!("bad_value")));
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("routes.csv:3:13: error: `scale` is \"none\""),
        "{message}"
    );
    let (status, _) = import(true, "from,to\nsim/x,twin/line/Raw\ntwin/line/Percent,twin/line/Run\n");
    assert_eq!(status, 422);
    assert_eq!(hub.project(), before);
    assert_eq!(hub.get("/api/v1/routes")["routes"].as_array().unwrap().len(), 1);
}

#[test]
fn only_an_engineer_hands_in_a_table_or_has_the_file_read() {
    let hub = TestHub::start(PROJECT);
    let key = |role: &str| {
        let (status, key) = hub.http("POST", "/api/v1/keys", &json!({"name": role, "role": role}).to_string());
        assert_eq!(status, 201, "{key}");
        format!("Authorization: Bearer {}", key["key"].as_str().unwrap())
    };
    // The first key ends the time of doors that stand open.
    let engineer = key("engineer");
    let operator = {
        let body = json!({"name": "operator", "role": "operator"}).to_string();
        let (status, _, answer) = http(hub.web(), "POST", "/api/v1/keys", &[&engineer], &body);
        assert_eq!(status, 201, "{answer}");
        let key: Value = serde_json::from_str(&answer).unwrap();
        format!("Authorization: Bearer {}", key["key"].as_str().unwrap())
    };
    for (path, body) in [
        ("/api/v1/routes/import", "from,to\nsim/a,sim/b\n"),
        ("/api/v1/routes/reload", ""),
    ] {
        assert_eq!(http(hub.web(), "POST", path, &[&operator], body).0, 403, "{path}");
        assert_eq!(http(hub.web(), "POST", path, &[&engineer], body).0, 200, "{path}");
    }
}

#[test]
fn what_the_hub_writes_itself_is_not_read_again_as_a_change() {
    let hub = TestHub::start(PROJECT);
    add(&hub, &json!({"from": "sim/a", "to": "sim/b"}));
    let path = "/api/v1/config";
    assert_eq!(
        hub.http("PATCH", path, r#"{"realvirtual.line.update_cycle_ms": 20}"#).0,
        200
    );
    let (status, read) = hub.http("POST", "/api/v1/routes/reload", "");
    let same = json!({"added": 0, "changed": 0, "same": 1, "removed": 0, "later": []});
    assert_eq!((status, read), (200, same));
    fs::write(hub.file(), hub.project().replace("Line", "Belt")).unwrap();
    eventually("the change of somebody else is told", || {
        let health = hub.get("/api/v1/health").to_string();
        health.contains("[project] name has changed; it takes effect at the next start")
    });
}
