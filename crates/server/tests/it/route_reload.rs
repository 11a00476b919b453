//! The project file while the hub runs: its routes are taken over, mistakes change nothing, and no value is lost.

use crate::support::{TestHub, eventually};
use serde_json::{Value, json};
use std::fs;

const PROJECT: &str = "[web]\nport = 0\n[[realvirtual]]\nname = \"line\"\nport = 0\n[[realvirtual.signal]]\nname = \"Raw\"\ntype = \"Int\"\n\
    writer = \"hub\"\n[[realvirtual.signal]]\nname = \"A\"\ntype = \"Int\"\nwriter = \"hub\"\n[[realvirtual.signal]]\nname = \"B\"\n\
    type = \"Int\"\nwriter = \"hub\"\n";

fn route(from: &str, to: &str, more: &str) -> String {
    format!("\n[[route]]\nfrom = \"twin/line/{from}\"\nto = \"twin/line/{to}\"\n{more}")
}

fn write(hub: &TestHub, name: &str, value: i64) {
    let path = format!("/api/v1/signals/twin/line/{name}");
    let (status, body) = hub.http("PUT", &path, &json!({ "value": value }).to_string());
    assert_eq!(status, 200, "{body}");
}

fn value(hub: &TestHub, name: &str) -> Value {
    hub.get(&format!("/api/v1/signals/twin/line/{name}"))["value"].clone()
}

fn rows(hub: &TestHub) -> Vec<Value> {
    hub.get("/api/v1/routes")["routes"].as_array().expect("a list").clone()
}

fn problems(hub: &TestHub) -> Vec<String> {
    let health = hub.get("/api/v1/health");
    let problems = health["problems"].as_array().expect("a list").iter();
    problems
        .map(|problem| {
            let word = |key: &str| problem[key].as_str().unwrap_or_default();
            format!("{}: {}", word("subject"), word("text"))
        })
        .collect()
}

#[test]
fn routes_of_the_file_come_change_and_go_while_the_hub_runs() {
    let hub = TestHub::start(&format!("{PROJECT}{}", route("Raw", "A", "")));
    write(&hub, "Raw", 7);
    let before = rows(&hub)[0].clone();

    fs::write(
        hub.file(),
        format!("{PROJECT}{}{}", route("Raw", "A", "scale = 2\n"), route("A", "B", "")),
    )
    .unwrap();
    eventually("both routes are laid", || rows(&hub).len() == 2);
    // The changed one has the value of its source at once, and the new one what that made of it.
    assert_eq!((value(&hub, "A"), value(&hub, "B")), (json!(14), json!(14)));
    let after = rows(&hub)[0].clone();
    assert_eq!(after["id"], before["id"]);
    assert!(after["count"].as_u64() > before["count"].as_u64(), "{after}");

    fs::write(hub.file(), format!("{PROJECT}{}", route("A", "B", ""))).unwrap();
    eventually("one route is gone", || rows(&hub).len() == 1);
    write(&hub, "Raw", 8);
    assert_eq!((value(&hub, "A"), value(&hub, "B")), (json!(14), json!(14)));
    assert_eq!(problems(&hub), [""; 0]);
}

#[test]
fn a_route_of_the_api_is_in_the_file_and_goes_with_it() {
    let hub = TestHub::start(PROJECT);
    let body = json!({"from": "twin/line/Raw", "to": "twin/line/A"}).to_string();
    assert_eq!(hub.http("POST", "/api/v1/routes", &body).0, 201);
    let (_, read) = hub.http("POST", "/api/v1/routes/reload", "");
    assert_eq!(read["same"], 1, "{read}");
    fs::write(hub.file(), PROJECT).unwrap();
    eventually("the file is the truth", || rows(&hub).is_empty());
}

#[test]
fn a_mistake_changes_nothing_is_told_at_its_place_and_ends_when_it_is_mended() {
    let good = format!("{PROJECT}{}", route("Raw", "A", ""));
    let hub = TestHub::start(&good);
    let told = |words: &str| problems(&hub).iter().any(|text| text.contains(words));
    for (text, words) in [
        (
            good.replace("to = \"twin/line/A\"", "to = \"twin/line/A\"\nscael = 2"),
            "crosstie.toml:22:1: error: unknown key `scael`",
        ),
        (
            format!("{good}{}", route("Raw", "A", "")),
            "crosstie.toml:25:6: error: the same route a second time",
        ),
        (format!("{good}["), "not TOML"),
    ] {
        fs::write(hub.file(), text).unwrap();
        eventually(words, || told(words));
        assert!(told("the routes stay as they are"));
        assert_eq!(rows(&hub).len(), 1);
        let (status, refused) = hub.http("POST", "/api/v1/routes/reload", "");
        assert_eq!(
            (status, &refused["error"]["code"]),
            (422, &json!("bad_value")),
            "{refused}"
        );
    }
    fs::write(hub.file(), format!("{good}# better\n")).unwrap();
    eventually("it is mended", || problems(&hub).is_empty());
}

#[test]
fn what_else_has_changed_is_said_and_no_more_when_it_is_taken_back() {
    let hub = TestHub::start(PROJECT);
    let signal = "[[realvirtual.signal]]\nname = \"C\"\ntype = \"Int\"\nwriter = \"hub\"\n";
    let other = "[[realvirtual]]\nname = \"other\"\nport = 0\n";
    let text = format!(
        "{}{signal}{other}",
        PROJECT.replacen("port = 0", "port = 0\nallow_unauthenticated = true", 1)
    );
    fs::write(hub.file(), text).unwrap();
    let expected = "crosstie.toml: [[realvirtual]] \"other\", [web] allow_unauthenticated, [[realvirtual]] \"line\" signal have changed; \
                    they take effect at the next start";
    eventually("it is said", || problems(&hub) == [expected]);
    let (_, read) = hub.http("POST", "/api/v1/routes/reload", "");
    assert_eq!(read["later"].as_array().map(Vec::len), Some(3), "{read}");
    fs::write(hub.file(), PROJECT).unwrap();
    eventually("it is taken back", || problems(&hub).is_empty());
}

#[test]
fn no_value_is_lost_while_routes_change() {
    let hub = TestHub::start(&format!("{PROJECT}{}", route("Raw", "A", "")));
    for step in 1..=20 {
        let more = if step % 2 == 0 { "" } else { "offset = 1000\n" };
        fs::write(hub.file(), format!("{PROJECT}{}", route("Raw", "A", more))).unwrap();
        write(&hub, "Raw", step);
        let (status, read) = hub.http("POST", "/api/v1/routes/reload", "");
        assert_eq!(status, 200, "{read}");
        let offset = if step % 2 == 0 { 0 } else { 1000 };
        assert_eq!(value(&hub, "A"), step + offset, "{read}");
    }
    assert_eq!(rows(&hub)[0]["id"], 1);
}
