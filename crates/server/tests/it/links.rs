//! Endpoints in the client role as a project says them, and the commands that steer and try their links.

use crate::cli::{check, crosstie, text, word};
use crate::support::{TestHub, http};
use crosstie_hub::settings::RouteSetting;
use crosstie_server::config::{self, Config, Overrides, Role, Style, load, load_text};
use serde_json::{Value, json};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

const CLIENT: &str = "[[realvirtual]]\nname = \"cell\"\nrole = \"client\"\n";
const SERVER: &str = "[[realvirtual]]\nname = \"line\"\n";

#[track_caller]
fn places(text: &str, expected: &[&str]) {
    let loaded = load_text(Path::new("no-such-folder"), text, &Overrides::default());
    let found: Vec<String> = (loaded.diagnostics.iter())
        .map(|found| {
            format!(
                "{}:{} {} {}",
                found.line,
                found.column,
                found.severity.word(),
                found.code
            )
        })
        .collect();
    assert_eq!(found, expected, "{text}\n{:#?}", loaded.diagnostics);
}

#[track_caller]
fn config(text: &str) -> Config {
    let loaded = load_text(Path::new("no-such-folder"), text, &Overrides::default());
    loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

#[test]
fn rv_30_a_link_has_every_setting_of_the_contract_and_its_default() {
    let config = config(&format!("[web]\nport = 0\n{CLIENT}"));
    let cell = config.endpoint("cell").unwrap();
    let settings = &cell.link.settings;
    assert_eq!(cell.role, Role::Client);
    assert_eq!(
        (cell.link.host.as_str(), cell.port, cell.link.target.as_str()),
        ("127.0.0.1", 1234, "/")
    );
    assert_eq!(
        (settings.client_name.as_str(), settings.max_reconnect_attempts),
        ("Crosstie", None)
    );
    assert!(settings.auto_reconnect && settings.connect_on_start && !settings.keep_alive);
    assert_eq!(settings.reconnect_interval, Duration::from_secs(2));
    assert_eq!(cell.url(), "ws://127.0.0.1:1234/");

    let config = self::config(&format!(
        "{CLIENT}address = \"::1\"\nport = 7000\nuse_ssl = true\npath = \"/ws?room=7\"\nclient_name = \"Hub 2\"\n\
         auto_reconnect = false\nreconnect_interval_seconds = 3600\nmax_reconnect_attempts = 5\n\
         connect_on_start = false\nkeep_alive = true\n"
    ));
    let cell = config.endpoint("cell").unwrap();
    let link = cell.hub_settings().link.expect("a client has a link");
    assert_eq!(cell.link.target, "/ws?room=7");
    assert_eq!(cell.path, None);
    assert_eq!(cell.url(), "wss://[::1]:7000/ws");
    assert_eq!(
        (link.client_name.as_str(), link.max_reconnect_attempts),
        ("Hub 2", Some(5))
    );
    assert!(!link.auto_reconnect && !link.connect_on_start && link.keep_alive);
    assert_eq!(link.reconnect_interval, Duration::from_secs(3600));
}

#[test]
fn both_sides_of_every_border_of_a_link() {
    let with = |line: &str| format!("{CLIENT}{line}\n");
    for fits in [
        "reconnect_interval_seconds = 1",
        "reconnect_interval_seconds = 3600",
        "max_reconnect_attempts = -1",
        "max_reconnect_attempts = 0",
        "max_reconnect_attempts = 1000000",
        "port = 1",
        "port = 65535",
        "address = \"plc-1.plant.local\"",
    ] {
        places(&with(fits), &[]);
    }
    places(&with("reconnect_interval_seconds = 0"), &["4:30 error out_of_range"]);
    places(&with("reconnect_interval_seconds = 3601"), &["4:30 error out_of_range"]);
    places(&with("max_reconnect_attempts = -2"), &["4:26 error out_of_range"]);
    places(&with("max_reconnect_attempts = 1000001"), &["4:26 error out_of_range"]);
    places(&with("port = 0"), &["4:8 error out_of_range"]);
    places(&with("address = \"10.0.0.256\""), &["4:11 error bad_value"]);
    places(&with("address = \"ws://plc\""), &["4:11 error bad_value"]);
    places(&with("path = \"/a#b\""), &["4:8 error bad_path"]);
    places(&with("client_name = \"\""), &["4:15 error bad_value"]);
    places(&with("ca_file = \"../ca.pem\""), &["4:11 error bad_path"]);
    places(&with("ca_file = \"ca.pem\""), &["4:11 warning no_file"]);
    places(&with("access_key_file = \"key\""), &["4:19 warning no_file"]);
}

#[test]
fn a_key_of_the_other_role_says_which_role_it_belongs_to() {
    for line in [
        "bind = \"127.0.0.1\"",
        "allow_unauthenticated = true",
        "allowed_origins = []",
        "tls = true",
        "push_on_connect = true",
    ] {
        places(&format!("{CLIENT}{line}\n"), &["4:1 error wrong_role"]);
        places(
            &format!("[tls]\n[[realvirtual]]\n{line}\nrole = \"client\"\nname = \"cell\"\n"),
            &["3:1 error wrong_role"],
        );
    }
    for line in [
        "address = \"127.0.0.1\"",
        "use_ssl = true",
        "client_name = \"a\"",
        "auto_reconnect = true",
        "reconnect_interval_seconds = 2",
        "max_reconnect_attempts = -1",
        "connect_on_start = true",
        "keep_alive = true",
        "ca_file = \"ca.pem\"",
        "access_key_file = \"key\"",
    ] {
        places(&format!("{SERVER}{line}\n"), &["3:1 error wrong_role"]);
    }
    places(&format!("{SERVER}path = \"/ws?a=b\"\n"), &["3:8 error bad_path"]);
    let loaded = load_text(
        Path::new(""),
        &format!("{SERVER}use_ssl = true\n"),
        &Overrides::default(),
    );
    assert_eq!(
        loaded.diagnostics[0].to_string(),
        "crosstie.toml:3:1: error: `use_ssl` belongs to the client role, and this endpoint has the server role; \
         expected no `use_ssl`, or role = \"client\""
    );
    // Variables and flags are held to it too, and the last word about the role counts.
    let overrides = Overrides {
        flags: vec![(String::from("realvirtual.cell.tls"), String::from("true"))],
        ..Overrides::default()
    };
    let loaded = load_text(Path::new(""), CLIENT, &overrides);
    assert_eq!(
        (loaded.diagnostics[0].code, &*loaded.diagnostics[0].source.name),
        ("wrong_role", "command line")
    );
    let overrides = Overrides {
        environment: vec![(String::from("CROSSTIE_REALVIRTUAL_LINE_ROLE"), String::from("client"))],
        ..Overrides::default()
    };
    let loaded = load_text(Path::new(""), &format!("{SERVER}path = \"/ws?a=b\"\n"), &overrides);
    assert_eq!(loaded.config.unwrap().endpoint("line").unwrap().link.target, "/ws?a=b");
}

#[test]
fn a_link_takes_no_port_and_no_offset_moves_it() {
    let two = CLIENT.replace("cell", "two");
    let text = format!("[web]\nport = 1234\n{CLIENT}{two}");
    let overrides = Overrides {
        port_offset: 100,
        ..Overrides::default()
    };
    let loaded = load_text(Path::new("p"), &text, &overrides);
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    let config = loaded.config.unwrap();
    assert_eq!(config.web.address.port(), 1334);
    assert_eq!(config.endpoint("two").unwrap().url(), "ws://127.0.0.1:1234/");
    places(
        &format!("{CLIENT}[[practice]]\nkind = \"twin\"\nendpoint = \"cell\"\n"),
        &["6:12 error wrong_role"],
    );
}

#[test]
fn certificates_and_origins_are_checked_at_their_place() {
    places(
        "[tls]\ncertificate = \"c.pem\"\n",
        &["2:15 error no_file", "2:15 error missing_key"],
    );
    places("[tls]\nnames = [\"plant.local\", \"10.0.0.7\"]\n", &[]);
    places("[tls]\nnames = [\"a b\"]\n", &["2:9 error bad_value"]);
    places("[web]\ntls = true\nallowed_origins = [\"https://hmi.local\"]\n", &[]);
    places("[web]\nallowed_origins = [\"*\"]\n", &["2:19 error bad_value"]);
    places(&format!("{SERVER}tls = true\nallowed_origins = [\"*\"]\n"), &[]);
    places(
        &format!("{SERVER}allowed_origins = [\"hmi.local\"]\n"),
        &["3:19 error bad_value"],
    );
    let folder = tempfile::tempdir().unwrap();
    for file in ["c.pem", "k.pem"] {
        fs::write(folder.path().join(file), "").unwrap();
    }
    let text =
        "[tls]\ncertificate = \"c.pem\"\nprivate_key = \"k.pem\"\n[[realvirtual]]\nname = \"line\"\ntls = true\n";
    let loaded = load_text(folder.path(), text, &Overrides::default());
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    let config = loaded.config.unwrap();
    assert_eq!(config.tls.private_key.as_deref(), Some(Path::new("k.pem")));
    assert_eq!(config.endpoint("line").unwrap().url(), "wss://127.0.0.1:1234/");
}

#[test]
fn the_query_of_a_path_is_shown_in_no_setting_and_no_message() {
    let secret = "SECRET";
    let path = format!("path = \"/ws?apikey={secret}\"\n");
    let loaded = load_text(Path::new("p"), &format!("{CLIENT}{path}"), &Overrides::default());
    places(&format!("{CLIENT}{path}"), &["4:8 warning key_in_path"]);
    let shown: Vec<Value> = (loaded.config.unwrap().settings().into_iter())
        .filter(|setting| setting.key == "realvirtual.cell.path")
        .map(|setting| setting.value)
        .collect();
    assert_eq!(shown, [json!("/ws?…")]);
    let mistakes = [
        format!("{CLIENT}{path}colour = 1\n"),
        format!("{CLIENT}{path}path = 1\n"),
        format!("{CLIENT}path = \"ws?apikey={secret}\"\n"),
        format!("{CLIENT}path = \"/a b?{secret}\"\n"),
        format!("{CLIENT}path = \"/ws?{secret}\nport = 1\n"),
        format!("{SERVER}{path}"),
        format!("{CLIENT}url = \"ws://host/?access_token={secret}\"\n"),
    ];
    for text in mistakes {
        let loaded = load_text(Path::new("p"), &text, &Overrides::default());
        assert!(loaded.has_errors(), "{text}");
        for diagnostic in &loaded.diagnostics {
            let all = format!(
                "{} {diagnostic} {}",
                diagnostic.render(Style::Plain),
                diagnostic.to_json()
            );
            assert!(!all.contains(secret), "{all}");
        }
    }
    for key in ["realvirtual.cell.path", "realvirtual.other.path"] {
        let overrides = Overrides {
            environment: vec![(
                key.replace('.', "_").to_uppercase().replace("REAL", "CROSSTIE_REAL"),
                format!("x?{secret}"),
            )],
            flags: vec![(key.to_owned(), format!("x?{secret}"))],
            ..Overrides::default()
        };
        let loaded = load_text(Path::new("p"), CLIENT, &overrides);
        assert!(loaded.diagnostics.len() >= 2, "{:#?}", loaded.diagnostics);
        for diagnostic in &loaded.diagnostics {
            let all = format!("{} {diagnostic}", diagnostic.render(Style::Plain));
            assert!(!all.contains(secret), "{all}");
        }
    }
    let error = config::check_setting("realvirtual.cell.path", &json!(format!("ws?{secret}"))).unwrap_err();
    assert!(!error.to_string().contains(secret), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(config::FILE_NAME);
    fs::write(&file, format!("{CLIENT}path = \"/ws?{secret}\n")).unwrap();
    let error = config::add_route(&file, &RouteSetting::plain("sim/a", "sim/b")).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
}

#[test]
fn a_live_change_of_the_other_role_is_refused() {
    let mut config = config(&format!("[web]\nport = 0\n{CLIENT}"));
    let setting = config::check_setting("realvirtual.cell.push_on_connect", &json!(true)).unwrap();
    assert_eq!(
        config.apply(&setting).unwrap_err().to_string(),
        "`realvirtual.cell.push_on_connect` belongs to the server role, and the endpoint `cell` has the client role"
    );
    let keys: Vec<String> = config.settings().into_iter().map(|setting| setting.key).collect();
    assert!(keys.contains(&String::from("realvirtual.cell.use_ssl")));
    assert!(!keys.contains(&String::from("realvirtual.cell.bind")));
}

#[test]
fn the_client_example_of_a_first_project_is_true() {
    let folder = tempfile::tempdir().unwrap();
    check(&["init", word(folder.path())], 0, "wrote ", "");
    let file = folder.path().join(config::FILE_NAME);
    let text = fs::read_to_string(&file).unwrap();
    let start = text
        .find("# [[realvirtual]]\n")
        .expect("the template has a client example");
    let end = start + text[start..].find("\n\n").expect("a blank line ends it");
    let example: String = (text[start..end].lines())
        .map(|line| format!("{}\n", line.strip_prefix("# ").expect("every line of it is a comment")))
        .collect();
    fs::write(&file, format!("{}{example}{}", &text[..start], &text[end..])).unwrap();
    let loaded = load(folder.path(), &Overrides::default());
    assert!(!loaded.has_errors(), "{:#?}", loaded.diagnostics);
    let clients = loaded
        .config
        .unwrap()
        .endpoints
        .into_iter()
        .filter(|endpoint| endpoint.role == Role::Client);
    assert_eq!(clients.count(), 1);
}

/// A hub with an endpoint `line` and two signals, and one with a link `cell` to `server`.
fn linked(server: SocketAddr, keys: &str) -> TestHub {
    TestHub::start(&format!(
        "[web]\nport = 0\n[[realvirtual]]\nname = \"door\"\nport = 0\n\
         [[realvirtual]]\nname = \"cell\"\nrole = \"client\"\nport = {}\nconnect_on_start = false\n{keys}\n",
        server.port()
    ))
}

fn plant(keys: &str) -> TestHub {
    let signal = |name: &str| format!("[[realvirtual.signal]]\nname = \"{name}\"\ntype = \"Bool\"\nwriter = \"hub\"\n");
    TestHub::start(&format!(
        "[web]\nport = 0\n[[realvirtual]]\nname = \"line\"\nport = 0\n{keys}{}{}",
        signal("a"),
        signal("b")
    ))
}

#[test]
fn a_hub_with_links_runs_and_shows_them_without_their_queries() {
    let plant = plant("");
    let hub = linked(plant.endpoint("line"), "path = \"/ws?room=SECRET\"");
    let endpoints = hub.get("/api/v1/endpoints")["endpoints"].clone();
    let (door, cell) = (&endpoints[0], &endpoints[1]);
    assert_eq!(
        [&door["role"], &door["state"], &door["host"]],
        [&json!("server"), &json!("listening"), &json!(null)]
    );
    assert_eq!(
        [&door["bind"], &door["link"], &door["tls"]],
        [&json!("127.0.0.1"), &json!(null), &json!(false)]
    );
    assert_eq!(
        [&cell["role"], &cell["state"], &cell["bind"]],
        [&json!("client"), &json!("off"), &json!(null)]
    );
    assert_eq!([&cell["host"], &cell["path"]], [&json!("127.0.0.1"), &json!("/ws")]);
    assert_eq!(cell["port"], plant.endpoint("line").port());
    assert_eq!(cell["url"], format!("ws://{}/ws", plant.endpoint("line")));
    let settings = hub.get("/api/v1/config").to_string();
    assert!(settings.contains("/ws?…") && !settings.contains("SECRET"), "{settings}");
    let (status, _) = hub.http("PATCH", "/api/v1/config", "{\"realvirtual.cell.push_on_connect\":true}");
    assert_eq!(status, 422);
    let (status, _) = hub.http("PATCH", "/api/v1/config", "{\"realvirtual.cell.keep_alive\":true}");
    assert_eq!(status, 409);
    assert_eq!(
        http(hub.web(), "GET", "/realvirtual/cell", &["Upgrade: websocket"], "").0,
        409
    );
}

#[test]
fn the_verbs_of_links_are_for_endpoints_in_the_client_role() {
    let plant = plant("");
    let hub = linked(plant.endpoint("line"), "");
    for verb in ["connect", "disconnect", "probe"] {
        let (status, body) = hub.http("POST", &format!("/api/v1/endpoints/door/{verb}"), "");
        assert_eq!(
            (status, &body["error"]["code"]),
            (409, &json!("conflict")),
            "{verb}: {body}"
        );
        let (status, body) = hub.http("POST", &format!("/api/v1/endpoints/none/{verb}"), "");
        assert_eq!(
            (status, &body["error"]["code"]),
            (404, &json!("not_found")),
            "{verb}: {body}"
        );
    }
}

#[test]
fn rv_35_a_probe_counts_the_catalog_and_leaves_nothing_behind() {
    let probe = |hub: &TestHub| {
        let (status, row) = hub.http("POST", "/api/v1/endpoints/cell/probe", "");
        assert_eq!(status, 200, "{row}");
        row
    };
    let plain = plant("");
    let row = probe(&linked(plain.endpoint("line"), ""));
    assert_eq!(
        [&row["ok"], &row["stage"], &row["error"]],
        [&json!(true), &json!("done"), &json!(null)]
    );
    assert_eq!([&row["catalog"], &row["server_pushes"]], [&json!(2), &json!(false)]);
    for time in ["connect_ms", "handshake_ms", "round_trip_ms"] {
        assert!(row[time].is_f64(), "{time} in {row}");
    }
    crate::support::eventually("the probe has left", || {
        plain.get("/api/v1/clients")["clients"] == json!([])
    });

    let pushing = plant("push_on_connect = true\n");
    let office = linked(pushing.endpoint("line"), "");
    // A machine that is very busy may answer the ping long before it pushes.
    crate::support::eventually("the push is seen", || {
        let row = probe(&office);
        assert_eq!([&row["ok"], &row["catalog"]], [&json!(true), &json!(2)]);
        row["server_pushes"] == true
    });
}

#[test]
fn rv_35_a_probe_says_at_which_stage_it_failed() {
    let probe = |server: SocketAddr, keys: &str, stage: &str, words: &str| {
        let (status, row) = linked(server, keys).http("POST", "/api/v1/endpoints/cell/probe", "");
        assert_eq!(status, 200, "{row}");
        assert_eq!([&row["ok"], &row["stage"]], [&json!(false), &json!(stage)], "{row}");
        assert!(
            row["error"].as_str().is_some_and(|error| error.contains(words)),
            "{row}"
        );
    };
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    probe(closed, "", "connect", "refused");
    probe(
        closed,
        "address = \"no-such-name.invalid\"",
        "address",
        "no-such-name.invalid",
    );
    let plant = plant("path = \"/ws\"\n");
    probe(plant.endpoint("line"), "path = \"/other\"", "upgrade", "404");
    probe(plant.endpoint("line"), "path = \"/ws\"\nuse_ssl = true", "tls", "TLS");
}

#[test]
fn a_url_is_probed_without_a_hub() {
    let plant = plant("");
    let url = format!("ws://{}/?token=SECRET", plant.endpoint("line"));
    let output = crosstie(&["realvirtual", "probe", &url]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    assert!(
        out.contains("catalog     2 signals") && !out.contains("SECRET"),
        "{out}"
    );
    let output = crosstie(&["realvirtual", "probe", &url, "--json"]);
    let row: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!([&row["ok"], &row["catalog"]], [&json!(true), &json!(2)]);
    check(&["realvirtual", "probe", "http://127.0.0.1:1/"], 2, "", "ws://");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("ws://{closed}/?apikey=SECRET");
    let output = crosstie(&["realvirtual", "probe", &url]);
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("(stage: connect)") && !err.contains("SECRET"), "{err}");
    assert_eq!(
        crosstie(&["realvirtual", "probe", &url, "--json"]).status.code(),
        Some(1)
    );
}

#[test]
fn the_verbs_of_links_talk_to_a_hub() {
    let plant = plant("");
    let hub = linked(plant.endpoint("line"), "");
    let at = format!("http://{}", hub.web());
    check(&["realvirtual", "endpoints", "--at", &at], 0, "cell", "");
    check(
        &["realvirtual", "probe", "cell", "--at", &at],
        0,
        "catalog     2 signals",
        "",
    );
    check(&["realvirtual", "probe", "door", "--at", &at], 1, "", "server role");
    check(&["realvirtual", "connect", "door", "--at", &at], 1, "", "(conflict)");
    check(
        &["realvirtual", "disconnect", "none", "--at", &at],
        1,
        "",
        "(not_found)",
    );
}

/// Two processes, one of them killed at moments that a seed chooses; `make soak` does the same for longer and also holds them.
#[cfg(unix)]
#[test]
fn two_hubs_mirror_each_other_whichever_is_killed() {
    let words = [
        "bench",
        "mirror",
        "--secs",
        "8",
        "--signals",
        "1000",
        "--seed",
        "11",
        "--json",
    ];
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_crosstie"))
        .args(words)
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}\n{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let at_least_one = |key: &str| report[key].as_u64().is_some_and(|count| count > 0);
    assert!(
        ["kills", "written", "refused", "rows"].into_iter().all(at_least_one),
        "{report}"
    );
}
