//! `[classroom]` of a project with its doors and GAMA: every key, what a SIMPLE WebPlatform's variables say, and what does not go
//! together.

use crosstie_hub::settings::{Flavour, PlayerKey};
use crosstie_hub::signal::Kind;
use crosstie_server::config::{Diagnostic, Loaded, Overrides, Setting, Severity, Source, check_setting, load_text};
use serde_json::json;
use std::path::Path;

const MANUAL: &str = include_str!("../../../../docs/manual/project-file.md");

fn loaded_with(text: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Loaded {
    let pairs = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        pairs.collect()
    };
    let overrides = Overrides {
        environment: pairs(environment),
        flags: pairs(flags),
        port_offset: 0,
    };
    load_text(Path::new("no-such-folder"), text, &overrides)
}

fn loaded(text: &str) -> Loaded {
    loaded_with(text, &[], &[])
}

/// `line:column code` of each diagnostic.
fn places(loaded: &Loaded) -> Vec<String> {
    let place = |found: &Diagnostic| {
        let Diagnostic { line, column, code, .. } = found;
        format!("{line}:{column} {code}")
    };
    loaded.diagnostics.iter().map(place).collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let loaded = loaded(text);
    assert_eq!(places(&loaded), expected, "{text}\n{:#?}", loaded.diagnostics);
}

/// Value and source of a setting.
#[track_caller]
fn setting(settings: &[Setting], key: &str) -> (serde_json::Value, Source) {
    let found = settings.iter().find(|setting| setting.key == key);
    let found = found.unwrap_or_else(|| panic!("no setting {key}"));
    (found.value.clone(), found.source)
}

#[test]
fn si1_an_empty_classroom_has_the_ports_and_the_gama_of_the_platform() {
    let config = loaded("[classroom]\n").config.unwrap();
    let class = config.classroom.as_ref().unwrap();
    assert_eq!(class.monitor.address.to_string(), "127.0.0.1:8001");
    assert_eq!(class.headset.address.to_string(), "127.0.0.1:8080");
    assert_eq!(config.web.address.port(), 8000);
    assert_eq!(config.package_roots(), [Path::new("no-such-folder/learning-packages")]);
    let settings = config.hub_settings(1).classroom.unwrap();
    let gama = settings.gama.unwrap();
    assert_eq!((&*gama.url, gama.flavour), ("ws://localhost:1000", Flavour::Auto));
    assert_eq!(settings.player_key, PlayerKey::Id);
    assert!(settings.allow_expression, "only this machine takes part");
    assert!(
        settings
            .allowed_actions
            .iter()
            .any(|action| action == "move_player_external")
    );

    let config = loaded("").config.unwrap();
    assert!(config.classroom.is_none() && config.hub_settings(1).classroom.is_none());
    assert!(config.package_roots().is_empty());
}

#[test]
fn every_key_of_a_classroom_reaches_the_hub() {
    let text = r#"
[classroom]
learning_packages = "lessons"
extra_learning_packages = "/srv/lessons"
player_key = "address"
aggressive_disconnect = true
content_error_format = "text"
catalog_encoding = "array"
model_path_map = ["/srv/lessons=C:\\lessons"]

[monitor]
port = 9001
path = "/m"

[headset]
bind = "0.0.0.0"
port = 0
allowed_actions = ["move_player_external", "vote"]

[gama]
host = "10.0.0.7"
port = 6868
tls = true
flavour = "headless"
api_id = true

[[gama.watch]]
name = "water"
expr = "water_level"
every_ms = 100

[[gama.watch]]
name = "people"
expr = "length(people)"
type = "Int"

[[gama.write]]
name = "gate"
expr = "do set_gate($value);"
type = "Bool"
"#;
    let config = loaded(text).config.unwrap();
    let roots = config.package_roots();
    assert_eq!(roots, [Path::new("no-such-folder/lessons"), Path::new("/srv/lessons")]);
    let class = config.classroom.as_ref().unwrap();
    let map = [(String::from("/srv/lessons"), String::from("C:\\lessons"))];
    assert_eq!(class.path_map(), map);
    assert_eq!(class.monitor.path.as_deref(), Some("/m"));
    let settings = config.hub_settings(1).classroom.unwrap();
    assert_eq!(settings.player_key, PlayerKey::Address);
    assert!(settings.aggressive_disconnect && settings.error_as_text && settings.catalog_as_array);
    assert!(!settings.allow_expression, "other machines take part");
    assert_eq!(settings.allowed_actions, ["move_player_external", "vote"]);
    let gama = settings.gama.unwrap();
    assert_eq!(gama.url, "wss://10.0.0.7:6868");
    assert!(gama.flavour == Flavour::Headless && gama.use_api_id);
    let watches: Vec<_> = (gama.watches.iter())
        .map(|watch| (&*watch.name, &*watch.expr, watch.kind, watch.every.as_millis()))
        .collect();
    let expected = [
        ("water", "water_level", Kind::Float, 100),
        ("people", "length(people)", Kind::Int, 1_000),
    ];
    assert_eq!(watches, expected);
    let [write] = &gama.writes[..] else {
        panic!("{:?}", gama.writes);
    };
    assert_eq!(
        (&*write.name, &*write.expr, write.kind),
        ("gate", "do set_gate($value);", Kind::Bool)
    );

    let gamaless = loaded("[classroom]\ngamaless = true\n").config.unwrap();
    assert!(gamaless.hub_settings(1).classroom.unwrap().gama.is_none());
}

#[test]
fn what_is_wrong_with_a_classroom_is_said_at_its_place() {
    check(
        "[monitor]\n[headset]\n[gama]\n",
        &["1:1 missing_key", "2:1 missing_key", "3:1 missing_key"],
    );
    check("classroom = 1\n", &["1:13 wrong_type"]);
    check("[[classroom]]\n", &["1:1 wrong_type"]);
    check("[clasroom]\n", &["1:2 unknown_key"]);
    check("[classroom]\nplayer_key = \"name\"\n", &["2:14 bad_value"]);
    check("[classroom]\nport = 1\n", &["2:1 unknown_key"]);
    check("[classroom]\nmodel_path_map = [\"a\"]\n", &["2:18 bad_value"]);
    check("[classroom]\nmodel_path_map = [\"=a\"]\n", &["2:18 bad_value"]);
    check("[classroom]\n[gama]\nport = 0\n", &["3:8 out_of_range"]);
    check("[classroom]\n[gama]\nhost = \"a b\"\n", &["3:8 bad_value"]);
    check("[classroom]\n[gama]\nca_file = \"ca.pem\"\n", &["3:11 no_file"]);
    check("[classroom]\n[monitor]\npath = \"/m?k=1\"\n", &["3:8 bad_path"]);
    check(
        "[classroom]\n[headset]\nallowed_actions = [\"do it\"]\n",
        &["3:19 bad_value"],
    );
    check("[classroom]\n[monitor]\nport = 8080\n", &["1:1 duplicate_port"]);
    check(
        "[classroom]\n[monitor]\nport = 9\n[headset]\nport = 9\n",
        &["5:8 duplicate_port"],
    );
    check("[classroom]\n[monitor]\nport = 8000\n", &["3:8 duplicate_port"]);
}

#[test]
fn watches_and_writes_have_names_expressions_and_kinds() {
    let check = |text: &str, expected: &[&str]| check(&format!("[classroom]\n{text}"), expected);
    check("[gama]\nwatch = 1\n", &["3:9 wrong_type"]);
    check("[[gama.watch]]\nname = \"a\"\n", &["2:1 missing_key"]);
    check("[[gama.watch]]\nname = \"a/b\"\nexpr = \"x\"\n", &["3:8 bad_name"]);
    check(
        "[[gama.watch]]\nname = \"a\"\nexpr = \"x\"\ntype = \"float\"\n",
        &["5:8 bad_value"],
    );
    check(
        "[[gama.watch]]\nname = \"a\"\nexpr = \"x\"\nevery_ms = 99\n",
        &["5:12 out_of_range"],
    );
    check(
        "[[gama.watch]]\nname = \"a\"\nexpr = \"x\"\nevery_ms = 3600001\n",
        &["5:12 out_of_range"],
    );
    check("[[gama.watch]]\nname = \"a\"\nexpr = \"x\"\nevery_ms = 3600000\n", &[]);
    check(
        "[[gama.watch]]\nname = \"a\"\nexpr = \"x\"\nevery = 1\n",
        &["5:1 unknown_key"],
    );
    check(
        "[[gama.watch]]\nname = \"a\"\nexpr = \"x\"\n[[gama.watch]]\nname = \"a\"\nexpr = \"y\"\n",
        &["6:8 duplicate_name"],
    );
    check("[[gama.write]]\nname = \"a\"\nexpr = \"do x;\"\n", &["4:8 bad_value"]);
    check("[[gama.write]]\nname = \"a\"\nexpr = \"x <- $value;\"\n", &[]);
    let many = "[[gama.watch]]\nname = \"a\"\nexpr = \"x\"\n";
    let many: String = (0..257).map(|n| many.replace("\"a\"", &format!("\"a{n}\""))).collect();
    check(&many, &["770:1 too_large"]);
}

#[test]
fn routes_to_what_no_watch_or_write_makes_are_probably_mistakes() {
    let class = "[classroom]\n[[gama.watch]]\nname = \"water\"\nexpr = \"w\"\n[[gama.write]]\nname = \"gate\"\nexpr = \"g($value)\"\n";
    let check = |from: &str, to: &str, expected: &[&str]| {
        check(
            &format!("{class}[[route]]\nfrom = \"{from}\"\nto = \"{to}\"\n"),
            expected,
        );
    };
    check("sim/watch/water", "sim/write/gate", &[]);
    // These signals are there from the start, so that they do not fit is known.
    check("sim/state", "sim/write/gate", &["10:6 bad_route"]);
    check("sim/write/gate", "sim/watch/water", &["10:6 bad_route"]);
    check("sim/player/Player_101/connected", "sim/write/gate", &[]);
    check("sim/watch/watr", "sim/write/gate", &["9:8 unknown_signal"]);
    check("sim/watch/water", "sim/write/gat", &["10:6 unknown_signal"]);
    let found = &loaded(&format!(
        "{class}[[route]]\nfrom = \"sim/watch/watr\"\nto = \"sim/write/gate\"\n"
    ))
    .diagnostics;
    assert_eq!(found[0].help.as_deref(), Some("did you mean `water`?"));
    let gamaless = class.replace("[classroom]\n", "[classroom]\ngamaless = true\n");
    let gamaless = format!("{gamaless}[[route]]\nfrom = \"sim/watch/water\"\nto = \"sim/write/gate\"\n");
    assert_eq!(
        places(&loaded(&gamaless)),
        ["10:8 unknown_signal", "11:6 unknown_signal"]
    );
}

#[test]
fn si1_the_variables_of_the_platform_stand_between_the_file_and_the_command_line() {
    let text =
        "[web]\nport = 1\n[classroom]\ngamaless = true\n[monitor]\nport = 2\n[headset]\nport = 3\n[gama]\nport = 4\n";
    let environment = [
        ("MONITOR_WS_PORT", "12"),
        ("HEADSET_WS_PORT", " 13 "),
        ("GAMA_WS_PORT", "14"),
        ("GAMA_IP_ADDRESS", "host.docker.internal"),
        ("ENV_GAMALESS", "no"),
        ("LEARNING_PACKAGE_PATH", "./lessons"),
        ("EXTRA_LEARNING_PACKAGE_PATH", ""),
        ("AGGRESSIVE_DISCONNECT", "YES"),
        ("WEB_APPLICATION_HOST", "localhost"),
        ("WEB_APPLICATION_PORT", "11"),
    ];
    let loaded_all = loaded_with(text, &environment, &[("headset.port", "23")]);
    let config = loaded_all
        .config
        .unwrap_or_else(|| panic!("{:#?}", loaded_all.diagnostics));
    let settings = config.settings();
    for (key, value, source) in [
        ("monitor.port", json!(12), Source::Environment),
        ("headset.port", json!(23), Source::Flag),
        ("gama.port", json!(14), Source::Environment),
        ("gama.host", json!("host.docker.internal"), Source::Environment),
        ("classroom.gamaless", json!(false), Source::Environment),
        ("classroom.learning_packages", json!("./lessons"), Source::Environment),
        ("classroom.extra_learning_packages", json!(null), Source::Default),
        ("classroom.aggressive_disconnect", json!(true), Source::Environment),
        ("web.bind", json!("127.0.0.1"), Source::Environment),
        ("web.port", json!(11), Source::Environment),
    ] {
        assert_eq!(setting(&settings, key), (value, source), "{key}");
    }
    // Ours for the same key says what it means for this program.
    let both = [("MONITOR_WS_PORT", "12"), ("CROSSTIE_MONITOR_PORT", "22")];
    let config = loaded_with(text, &both, &[]).config.unwrap();
    assert_eq!(config.classroom.unwrap().monitor.port, 22);
    for word in ["true", "1", "yes", "True"] {
        let loaded = loaded_with("[classroom]\n", &[("ENV_GAMALESS", word)], &[]);
        assert!(loaded.config.unwrap().classroom.unwrap().gamaless, "{word}");
    }
}

#[test]
fn si1_a_bad_variable_of_the_platform_is_named_and_without_a_classroom_it_means_nothing() {
    let check = |text: &str, name: &str, value: &str, expected: &[&str]| {
        let loaded = loaded_with(text, &[(name, value)], &[]);
        let found: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found}");
        }
    };
    check(
        "[classroom]\n",
        "MONITOR_WS_PORT",
        "80a1",
        &["environment:1:17: error: `MONITOR_WS_PORT` is \"80a1\"; expected a whole number from 0 to 65535"],
    );
    check(
        "[classroom]\n",
        "ENV_GAMALESS",
        "maybe",
        &["`ENV_GAMALESS` is \"maybe\"; expected true or false"],
    );
    check(
        "[classroom]\n",
        "GAMA_WS_PORT",
        "0",
        &["`GAMA_WS_PORT` is \"0\"; expected a whole number from 1"],
    );
    check("", "WEB_APPLICATION_PORT", "x", &["`WEB_APPLICATION_PORT` is \"x\""]);
    check(
        "",
        "WEB_APPLICATION_HOST",
        "0.0.0.0",
        &["environment:1:22: error: [web] listens on 0.0.0.0"],
    );
    check("", "MONITOR_WS_PORT", "80a1", &[]);
    check("", "ENV_GAMALESS", "maybe", &[]);
}

#[test]
fn si40_an_open_class_is_told_where_headsets_may_do_everything() {
    check("[classroom]\n[headset]\nbind = \"0.0.0.0\"\n", &[]);
    check(
        "[classroom]\n[headset]\nbind = \"0.0.0.0\"\nallow_expression = true\n",
        &["4:20 open_listener"],
    );
    check(
        "[classroom]\n[headset]\nallow_unauthenticated = true\nallow_expression = true\n",
        &["4:20 open_listener"],
    );
    check("[classroom]\n[headset]\nallow_expression = true\n", &[]);
    check("[classroom]\n[monitor]\nbind = \"0.0.0.0\"\n", &["3:8 not_loopback"]);
    check(
        "[classroom]\n[monitor]\nbind = \"0.0.0.0\"\nallow_unauthenticated = true\n",
        &[],
    );
    let loaded = loaded("[classroom]\n[headset]\nbind = \"0.0.0.0\"\nallow_expression = true\n");
    assert!(loaded.config.is_some() && loaded.diagnostics[0].severity == Severity::Warning);
}

#[test]
fn settings_of_a_classroom_are_checked_one_by_one_and_belong_to_a_project_that_has_one() {
    let refused = |key: &str, value: serde_json::Value| check_setting(key, &value).unwrap_err().to_string();
    assert_eq!(
        refused("gama.flavour", json!("gamma")),
        "`gama.flavour` is \"gamma\", expected one of \"auto\", \"gui\", \"headless\""
    );
    assert_eq!(
        refused("monitor.prt", json!(1)),
        "unknown key `monitor.prt`, did you mean `monitor.port`?"
    );
    let port = check_setting("monitor.port", &json!(9)).unwrap();
    assert!(!port.live);
    let mut without = loaded("").config.unwrap();
    assert_eq!(
        without.apply(&port).unwrap_err().to_string(),
        "the project has no [classroom] (key `monitor.port`)"
    );
    let mut with = loaded("[classroom]\n").config.unwrap();
    for (key, value) in [
        ("monitor.port", json!(9)),
        ("headset.allow_expression", json!(false)),
        ("gama.host", json!("gama.local")),
        ("classroom.gamaless", json!(true)),
    ] {
        with.apply(&check_setting(key, &value).unwrap()).unwrap();
        assert_eq!(setting(&with.settings(), key), (value, Source::File));
    }
    let flag = loaded_with("", &[], &[("gama.port", "1")]);
    assert_eq!(
        flag.diagnostics[0].found,
        "`gama.port` without a [classroom] in the project"
    );
    let variable = loaded_with("", &[("CROSSTIE_GAMA_PORT", "1")], &[]);
    assert_eq!(variable.diagnostics[0].code, "unknown_variable");
}

#[test]
fn the_manual_names_every_key_of_a_classroom_and_every_variable_of_the_platform() {
    let config = loaded("[classroom]\n").config.unwrap();
    for setting in config.settings() {
        let Some((section, key)) = setting.key.split_once('.') else {
            panic!("{}", setting.key);
        };
        if !["classroom", "monitor", "headset", "gama"].contains(&section) {
            continue;
        }
        let heading = format!("## `[{section}]`");
        let text = MANUAL.split(&heading).nth(1).unwrap_or_else(|| panic!("no {heading}"));
        let text = text.split("\n## ").next().unwrap_or_default();
        assert!(
            text.contains(&format!("| `{key}` |")),
            "{} is not in the manual",
            setting.key
        );
    }
    for (variable, key) in [
        ("MONITOR_WS_PORT", "monitor.port"),
        ("HEADSET_WS_PORT", "headset.port"),
        ("GAMA_WS_PORT", "gama.port"),
        ("GAMA_IP_ADDRESS", "gama.host"),
        ("ENV_GAMALESS", "classroom.gamaless"),
        ("LEARNING_PACKAGE_PATH", "classroom.learning_packages"),
        ("EXTRA_LEARNING_PACKAGE_PATH", "classroom.extra_learning_packages"),
        ("AGGRESSIVE_DISCONNECT", "classroom.aggressive_disconnect"),
        ("WEB_APPLICATION_HOST", "web.bind"),
        ("WEB_APPLICATION_PORT", "web.port"),
    ] {
        assert!(MANUAL.contains(&format!("| `{variable}` | `{key}` |")), "{variable}");
    }
}
