//! Learning packages over real sockets and real files: what changes reaches everybody, and pictures leave while nothing else does.

use crate::cli::{check, crosstie, text, word};
use crate::keys::{key, project};
use crate::support::{Client, TestHub, eventually, http};
use crosstie_server::packages::{Sources, read};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const PROJECT: &str = "[web]\nport = 0\n[classroom]\ngamaless = true\n[monitor]\nport = 0\n[headset]\nport = 0\n";

/// A `settings.json` of one model with this name.
fn model(name: &str) -> String {
    format!(
        r#"{{"type":"json_settings","name":"{name}","model_file_path":"m.gaml","experiment_name":"e","splashscreen":"x.svg"}}"#
    )
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join("learning-packages").join(path);
    fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder can be made");
    fs::write(path, text).expect("the folder takes a file");
}

/// A project with a package `a` that is sound.
fn with_a_package() -> TempDir {
    let folder = project(PROJECT);
    write(folder.path(), "a/settings.json", &model("A"));
    write(folder.path(), "a/m.gaml", "model m");
    write(folder.path(), "a/x.svg", "<svg/>");
    folder
}

fn start(folder: TempDir) -> TestHub {
    TestHub::start_in(folder, |_| ()).expect("the hub of a test starts")
}

/// Names and indexes in the list that a monitor gets.
fn listed(monitor: &mut Client) -> Vec<(String, u64)> {
    monitor.send(r#"{"type":"get_simulation_informations"}"#);
    let list = loop {
        if let Value::String(list) = monitor.json() {
            break list;
        }
    };
    let list: Vec<Value> = serde_json::from_str(&list).expect("the list is an array in a text");
    let line = |model: &Value| {
        let name = model["name"].as_str().expect("a name").to_owned();
        (name, model["model_index"].as_u64().expect("an index"))
    };
    list.iter().map(line).collect()
}

fn eventually_listed(monitor: &mut Client, names: &[&str]) {
    let expected: Vec<(String, u64)> = names.iter().map(|name| (*name).to_owned()).zip(0..).collect();
    eventually(&format!("the list is {names:?}"), || listed(monitor) == expected);
}

#[test]
fn si55_a_changed_package_reaches_everybody_without_a_restart() {
    let hub = start(with_a_package());
    let mut monitor = Client::connect(hub.web(), "/monitor");
    eventually_listed(&mut monitor, &["A"]);
    write(hub.folder(), "b/settings.json", &model("B"));
    eventually_listed(&mut monitor, &["A", "B"]);
    // As editors do it: a new file takes the place of the old one.
    write(hub.folder(), "a/new", &model("A, better"));
    let a = hub.folder().join("learning-packages/a");
    fs::rename(a.join("new"), a.join("settings.json")).expect("a file can be moved");
    eventually_listed(&mut monitor, &["A, better", "B"]);
    fs::remove_dir_all(&a).expect("a folder can be removed");
    eventually_listed(&mut monitor, &["B"]);
    hub.stop();
}

#[test]
fn si55_a_root_that_comes_later_is_found() {
    let hub = start(project(PROJECT));
    let mut monitor = Client::connect(hub.web(), "/monitor");
    eventually_listed(&mut monitor, &[]);
    write(hub.folder(), "a/settings.json", &model("A"));
    eventually_listed(&mut monitor, &["A"]);
    // Another folder in its place is another one to watch.
    let root = hub.folder().join("learning-packages");
    fs::rename(&root, hub.folder().join("old")).expect("a folder can be moved");
    write(hub.folder(), "b/settings.json", &model("B"));
    eventually_listed(&mut monitor, &["B"]);
    write(hub.folder(), "c/settings.json", &model("C"));
    eventually_listed(&mut monitor, &["B", "C"]);
    hub.stop();
}

#[test]
fn si55_a_mistake_is_a_problem_of_the_hub_until_it_is_corrected() {
    let hub = start(with_a_package());
    let of_package = |hub: &TestHub| -> Vec<Value> {
        let health = hub.get("/api/v1/health");
        let problems = health["problems"].as_array().expect("a list").iter();
        let is_ours = |problem: &&Value| problem["id"].as_str().is_some_and(|id| id.starts_with("package:"));
        problems.filter(is_ours).cloned().collect()
    };
    let mut monitor = Client::connect(hub.web(), "/monitor");
    eventually_listed(&mut monitor, &["A"]);
    assert_eq!(of_package(&hub), [] as [Value; 0]);
    write(hub.folder(), "b/settings.json", "{\n  \"type\": json_settings\n}");
    eventually("the mistake is told", || of_package(&hub).len() == 1);
    let problem = of_package(&hub).remove(0).to_string();
    for part in ["line 2, column 11: this is not JSON", "b/settings.json"] {
        assert!(problem.contains(part), "{part} in {problem}");
    }
    assert_eq!(listed(&mut monitor), [(String::from("A"), 0)], "the others load");
    write(hub.folder(), "b/settings.json", &model("B"));
    write(hub.folder(), "b/m.gaml", "model m");
    write(hub.folder(), "b/x.svg", "<svg/>");
    eventually("the mistake is over", || of_package(&hub).is_empty());
    hub.stop();
}

#[test]
fn si54_pictures_are_served_and_nothing_else() {
    let folder = with_a_package();
    write(folder.path(), "a/ä b.png", "png");
    write(folder.path(), "../secret.png", "secret");
    let hub = start(folder);
    let ask = |method: &str, path: &str, headers: &[&str]| http(hub.web(), method, path, headers, "");
    let (status, head, body) = ask("GET", "/learning-packages/a/x.svg", &[]);
    assert_eq!((status, body.as_str()), (200, "<svg/>"));
    let head = head.to_lowercase();
    for field in [
        "content-type: image/svg+xml",
        "x-content-type-options: nosniff",
        "content-security-policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
        "cache-control: no-cache",
    ] {
        assert!(head.contains(field), "{field} in {head}");
    }
    let etag = head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .expect("an ETag");
    let known = format!("If-None-Match: {etag}");
    let (status, _, body) = ask("GET", "/learning-packages/a/x.svg", &[&known]);
    assert_eq!((status, body.as_str()), (304, ""));
    let (status, _, body) = ask("HEAD", "/learning-packages/a/x.svg", &[]);
    assert_eq!((status, body.as_str()), (200, ""));
    assert_eq!(ask("GET", "/learning-packages/a/%C3%A4%20b.png", &[]).2, "png");
    write(hub.folder(), "a/x.svg", "<svg></svg>");
    let (status, _, body) = ask("GET", "/learning-packages/a/x.svg", &[&known]);
    assert_eq!(
        (status, body.as_str()),
        (200, "<svg></svg>"),
        "a changed picture is another one"
    );

    for path in [
        "/learning-packages/a/settings.json",
        "/learning-packages/a/m.gaml",
        "/learning-packages/a/",
        "/learning-packages/a",
        "/learning-packages/",
        "/learning-packages/../secret.png",
        "/learning-packages/a/../../secret.png",
        "/learning-packages/%2e%2e/secret.png",
        "/learning-packages/a/..%2f..%2fsecret.png",
        "/learning-packages/a%2f..%2f..%2fsecret.png",
        "/learning-packages/..%5csecret.png",
        "/learning-packages/%252e%252e/secret.png",
        "/learning-packages/a/x.svg%00.png",
        "/learning-packages/a/x.svg%00",
        "/learning-packages//a/x.svg",
        "/learning-packages/%2fetc%2fpasswd",
        "/learning-packages/./a/x.svg",
        "/learning-packages/a/%ff.png",
        "/extra-learning-packages/a/x.svg",
    ] {
        let (status, _, body) = ask("GET", path, &[]);
        assert_eq!(status, 404, "{path}: {body}");
        assert!(!body.contains("secret\n") && !body.contains("root:"), "{path}: {body}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(ask(method, "/learning-packages/a/x.svg", &[]).0, 405, "{method}");
    }
    hub.stop();

    let without = TestHub::start("[web]\nport = 0\n");
    assert_eq!(http(without.web(), "GET", "/learning-packages/a/x.svg", &[], "").0, 404);
    without.stop();
}

#[test]
fn si54_who_needs_a_key_for_the_api_needs_it_for_pictures() {
    let folder = with_a_package();
    key(folder.path(), "engineer", "engineer", &[]);
    let viewer = key(folder.path(), "viewer", "viewer", &[]);
    let hub = start(folder);
    let path = "/learning-packages/a/x.svg";
    assert_eq!(http(hub.web(), "GET", path, &[], "").0, 401);
    assert_eq!(
        http(hub.web(), "GET", path, &[&format!("X-API-Key: {viewer}")], "").0,
        200
    );
    assert_eq!(
        http(hub.web(), "GET", &format!("{path}?access_token={viewer}"), &[], "").0,
        200
    );
    hub.stop();
}

#[test]
fn si53_check_tells_what_is_wrong_in_packages() {
    let folder = with_a_package();
    check(&["check", word(folder.path())], 0, "is sound", "");
    fs::remove_file(folder.path().join("learning-packages/a/m.gaml")).expect("a file can be removed");
    let output = crosstie(&["check", word(folder.path()), "--json"]);
    assert_eq!(output.status.code(), Some(0), "a warning makes nothing invalid");
    let list: Value = serde_json::from_str(&text(&output.stdout)).expect("JSON");
    assert_eq!(
        (&list[0]["code"], &list[0]["severity"]),
        (&"no_model_file".into(), &"warning".into())
    );
    write(folder.path(), "a/settings.json", "{\n \"type\": \"json_setting\"\n}");
    check(&["check", word(folder.path())], 2, "\"type\": \"json_setting\"", "");
    check(&["check", word(folder.path())], 2, "a/settings.json:2:10", "");
}

#[test]
fn the_lesson_of_the_tour_is_sound() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/tour/learning-packages");
    let sources = Sources {
        main: Some(folder),
        ..Sources::default()
    };
    let catalog = read(&sources);
    assert_eq!(catalog.problems, []);
    let models = catalog.models.iter();
    let models: Vec<_> = models
        .map(|model| (model.name.as_str(), model.minimal_players, model.maximal_players))
        .collect();
    assert_eq!(
        models,
        [
            ("Flood", Some(1), Some(4)),
            ("Crowd", Some(0), Some(4)),
            ("Evacuation", Some(3), Some(6))
        ]
    );
    assert!(
        catalog
            .models
            .iter()
            .all(|model| model.is_here && model.splash.is_some())
    );
}
