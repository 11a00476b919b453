//! Project folders as people write them: every mistake at its place, every source in its order, every change with its comments kept.

use crosstie_hub::settings::{Owner, RouteSetting, SignalSetting};
use crosstie_hub::signal::{Kind, Value};
use crosstie_server::config::{
    self, Diagnostic, Loaded, Overrides, PracticeConfig, Severity, Source, WriteError, add_route, add_signals, load,
    load_text, remove_route, write_settings,
};
use crosstie_server::practice::gama::Flavour;
use proptest::prelude::*;
use serde_json::json;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn loaded(text: &str) -> Loaded {
    load_text(Path::new("no-such-folder"), text, &Overrides::default())
}

/// `line:column code` of each diagnostic.
fn places(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .map(|found| format!("{}:{} {}", found.line, found.column, found.code))
        .collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let loaded = loaded(text);
    assert_eq!(
        places(&loaded.diagnostics),
        expected,
        "{text}\n{:#?}",
        loaded.diagnostics
    );
    assert_eq!(loaded.config.is_some(), !loaded.has_errors());
}

fn project(files: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder for a test");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file in a folder of this test");
    }
    let path = folder.path().join(config::FILE_NAME);
    (folder, path)
}

#[test]
fn an_empty_file_is_a_project_with_every_default() {
    let config = loaded("").config.unwrap();
    assert_eq!(config.project.name, "no-such-folder");
    assert_eq!(config.web.address.to_string(), "127.0.0.1:8000");
    assert_eq!(config.hub.stale_after.as_millis(), 5000);
    assert_eq!(
        (config.hub.max_signals, config.hub.max_clients, config.hub.threads),
        (1_000_000, 2_000, None)
    );
    assert!(config.endpoints.is_empty() && config.routes.is_empty() && config.practices.is_empty());
    let config = loaded("[[realvirtual]]\nname = \"line\"\n").config.unwrap();
    assert_eq!(config.endpoint("line").unwrap().url(), "ws://127.0.0.1:1234/");
}

#[test]
fn practice_peers_of_a_classroom_have_the_port_of_gama_and_the_offset() {
    let text = "[classroom]\n[gama]\nport = 6868\n[[practice]]\nkind = \"gama\"\nflavour = \"headless\"\n\
                [[practice]]\nkind = \"headset\"\ncount = 3\n";
    let moved = Overrides {
        port_offset: 100,
        ..Overrides::default()
    };
    let config = load_text(Path::new("no-such-folder"), text, &moved).config.unwrap();
    let gama = PracticeConfig::Gama {
        address: SocketAddr::from(([127, 0, 0, 1], 6968)),
        flavour: Flavour::Headless,
    };
    let headsets = PracticeConfig::Headset {
        id: String::from("Player_101"),
        count: 3,
    };
    assert_eq!(config.practices, [gama, headsets]);
    let class = config.classroom.unwrap();
    assert_eq!(class.gama.port, 6868, "a link is moved by no offset");
}

#[test]
fn sections_are_read_in_every_spelling_of_toml() {
    check(
        "web.port = 80\nroute = [{ from = \"sim/a\", to = \"sim/b\" }]\nrealvirtual = [{ name = \"a\", signal = [{ name = \"x\", type = \"Int\", writer = \"hub\" }] }]\n",
        &[],
    );
    check("web = 1\n", &["1:7 wrong_type"]);
    check("[route]\nfrom = \"sim/a\"\n", &["1:1 wrong_type"]);
    check("[[web]]\nport = 1\n", &["1:1 wrong_type"]);
    check("[[realvirtual]]\nname = \"a\"\nsignal = 5\n", &["3:10 wrong_type"]);
    check("route = [1]\n", &["1:9 wrong_type"]);
}

#[test]
fn mistakes_stand_at_their_line_and_column() {
    check("[web\n", &["1:5 syntax"]);
    check("[web]\nport = 1\nport = 2\n", &["3:1 syntax"]);
    check("[wep]\nport = 1\n", &["1:2 unknown_key"]);
    check("[web]\nprt = 1\n", &["2:1 unknown_key"]);
    check("[web]\n  port = 65536\n", &["2:10 out_of_range"]);
    check("[web]\nport = \"80\"\n", &["2:8 wrong_type"]);
    check("[web]\nport = 80.0\n", &["2:8 wrong_type"]);
    check("[web]\nbind = \"localhost\"\n", &["2:8 bad_value"]);
    check("[web]\nbind = \"0.0.0.0\"\n", &["2:8 not_loopback"]);
    check("[web]\nbind = \"0.0.0.0\"\nallow_unauthenticated = true\n", &[]);
    check("[web]\nbind = \"::1\"\n", &[]);
    check(
        "[hub]\nstale_after_ms = 999\nmax_clients = 0\n",
        &["2:18 out_of_range", "3:15 out_of_range"],
    );
    check("[project]\nname = \"\"\n", &["2:8 bad_value"]);
    check("[[realvirtual]]\nport = 1\n", &["1:1 missing_key"]);
    check("[[realvirtual]]\nname = \"a/b\"\n", &["2:8 bad_name"]);
    check("[[realvirtual]]\nname = \"a\"\nrole = \"both\"\n", &["3:8 bad_value"]);
    check("[[realvirtual]]\nname = \"a\"\npath = \"ws\"\n", &["3:8 bad_path"]);
    check(
        "[[realvirtual]]\nname = \"a\"\nsignals = \"../x.csv\"\n",
        &["3:11 bad_path"],
    );
    check(
        "[[realvirtual]]\nname = \"a\"\nsignals = \"x.csv\"\n",
        &["3:11 no_file"],
    );
    check(
        "[[realvirtual]]\nname = \"a\"\ninput_patterns = [\"x\", 1]\n",
        &["3:18 wrong_type"],
    );
    check(
        "[[realvirtual]]\nname = \"a\"\n\n[[realvirtual]]\nname = \"a\"\nport = 1235\n",
        &["5:8 duplicate_name"],
    );
    check(
        "[[realvirtual]]\nname = \"a\"\n\n[[realvirtual]]\nname = \"b\"\n",
        &["4:1 duplicate_port"],
    );
    check(
        "[web]\nport = 9\n[[realvirtual]]\nname = \"b\"\nport = 9\n",
        &["5:8 duplicate_port"],
    );
    check("[web]\nport = 0\n[[realvirtual]]\nname = \"b\"\nport = 0\n", &[]);
    check(
        "[[practice]]\nkind = \"twin\"\nendpoint = \"x\"\n",
        &["3:12 unknown_endpoint"],
    );
    check(
        "[[practice]]\nkind = \"robot\"\n",
        &["1:1 missing_key", "2:8 bad_value"],
    );
    check(
        "[[realvirtual]]\nname = \"x\"\n[[practice]]\nkind = \"twin\"\nendpoint = \"x\"\nauto = 1\n",
        &["6:8 wrong_type"],
    );
    check(
        "[classroom]\n[[practice]]\nkind = \"gama\"\n[[practice]]\nkind = \"headset\"\n",
        &[],
    );
    check("[[practice]]\nkind = \"gama\"\n", &["1:1 missing_key"]);
    check("[[practice]]\nkind = \"headset\"\n", &["1:1 missing_key"]);
    check(
        "[classroom]\ngamaless = true\n[[practice]]\nkind = \"gama\"\n",
        &["3:1 wrong_role"],
    );
    check(
        "[classroom]\n[[practice]]\nkind = \"gama\"\nport = 8080\nflavour = \"auto\"\nendpoint = \"x\"\n",
        &["4:8 duplicate_port", "5:11 bad_value", "6:1 unknown_key"],
    );
    check(
        "[classroom]\n[[practice]]\nkind = \"gama\"\n[[practice]]\nkind = \"gama\"\nport = 7\n",
        &["4:1 duplicate_name"],
    );
    check(
        "[classroom]\n[[practice]]\nkind = \"headset\"\ncount = 201\nid = 1\n",
        &["4:9 out_of_range", "5:6 wrong_type"],
    );
    check("# ü\n[[route]]\nfrom = \"x\"\nto = \"sim/ü\" \n", &["3:8 bad_name"]);
    check("[[route]]\nfrom = \"sim/a\"\nto = \"sim/a\"\n", &["3:6 bad_route"]);
    check("[[route]]\nfrom = \"sim/a\"\n", &["1:1 missing_key"]);
    check(
        "[[route]]\nfrom = \"sim/a\"\nto = \"sim/c\"\n[[route]]\nfrom = \"sim/b\"\nto = \"sim/c\"\n",
        &["6:6 bad_route"],
    );
    check(
        "[[route]]\nfrom = \"sim/a\"\nto = \"sim/b\"\nscael = 2\n",
        &["4:1 unknown_key"],
    );
}

#[test]
fn a_route_to_a_signal_that_nobody_declares_is_only_a_warning() {
    let endpoint = "[[realvirtual]]\nname = \"a\"\nauto_register = false\n[[realvirtual.signal]]\nname = \"Run\"\ntype = \"Bool\"\nwriter = \"hub\"\n";
    let route = "[[route]]\nfrom = \"sim/x\"\nto = \"twin/a/Rum\"\n";
    check(&format!("{endpoint}{route}"), &["10:6 unknown_signal"]);
    check(&format!("{endpoint}{route}").replace("false", "true"), &[]);
    check(&route.replace("twin/a", "twin/z"), &["3:6 unknown_signal"]);
}

#[test]
fn signals_are_checked_one_by_one() {
    let with = |lines: &str| format!("[[realvirtual]]\nname = \"a\"\n[[realvirtual.signal]]\nname = \"x\"\n{lines}");
    check(&with("type = \"Bool\"\nwriter = \"hub\"\n"), &[]);
    check(&with(""), &["3:1 missing_key", "3:1 missing_key"]);
    check(
        &with("type = \"bool\"\nwriter = \"me\"\n"),
        &["5:8 bad_value", "6:10 bad_value"],
    );
    check(
        &with("type = \"Bool\"\nwriter = \"hub\"\nvalue = 1\n"),
        &["7:9 value_mismatch"],
    );
    check(&with("type = \"Int\"\nwriter = \"hub\"\nvalue = 2147483647\n"), &[]);
    check(
        &with("type = \"Int\"\nwriter = \"hub\"\nvalue = 2147483648\n"),
        &["7:9 value_mismatch"],
    );
    check(&with("type = \"Float\"\nwriter = \"hub\"\nvalue = 1\n"), &[]);
    check(
        &with("type = \"Float\"\nwriter = \"hub\"\nvalue = inf\n"),
        &["7:9 value_mismatch"],
    );
    check(
        &with("type = \"Text\"\nwriter = \"hub\"\nvalue = 5\n"),
        &["7:9 value_mismatch"],
    );
    check(
        &with("type = \"Int\"\nwriter = \"hub\"\nsignal = \"x\"\n"),
        &["7:10 bad_name"],
    );
    check(
        &with("type = \"Int\"\nwriter = \"hub\"\nvalu = 1\ndirection_convention = \"x\"\n"),
        &["7:1 unknown_key", "8:24 bad_value"],
    );
    let second = "[[realvirtual.signal]]\nname = \"y\"\nsignal = \"twin/a/x\"\ntype = \"Int\"\nwriter = \"hub\"\n";
    check(
        &with(&format!("type = \"Int\"\nwriter = \"hub\"\n{second}")),
        &["9:10 duplicate_name"],
    );
    let same = second.replace("\"y\"\nsignal = \"twin/a/x\"", "\"x\"");
    check(
        &with(&format!("type = \"Int\"\nwriter = \"hub\"\n{same}")),
        &["8:8 duplicate_name"],
    );
    let elsewhere = "[[realvirtual]]\nname = \"b\"\nport = 1235\n";
    let other_type = second.replace("Int", "Bool");
    check(
        &with(&format!("type = \"Int\"\nwriter = \"hub\"\n{elsewhere}{other_type}")),
        &["12:10 type_mismatch"],
    );
}

#[test]
fn the_default_signal_name_is_the_escaped_wire_name() {
    let text = "[[realvirtual]]\nname = \"a\"\n[[realvirtual.signal]]\nname = \"Area/Motor~1\"\ntype = \"Int\"\nwriter = \"peer\"\nvalue = -3\n";
    let signal = loaded(text).config.unwrap().endpoints.remove(0).signals.remove(0);
    assert_eq!(signal.signal, "twin/a/Area~1Motor~01");
    assert_eq!((signal.owner, signal.value), (Owner::Peer, Some(Value::Int(-3))));
}

#[test]
fn every_mistake_is_found_in_one_pass() {
    let text = "[web]\nprot = 1\nport = -1\n[[realvirtual]]\nname = \"\"\necho = 3\n[[route]]\n";
    check(
        text,
        &[
            "2:1 unknown_key",
            "3:8 out_of_range",
            "5:8 bad_name",
            "6:8 wrong_type",
            "7:1 missing_key",
            "7:1 missing_key",
        ],
    );
    let loaded = loaded(text);
    assert_eq!(loaded.diagnostics[0].help.as_deref(), Some("did you mean `port`?"));
}

#[test]
fn signal_files_tell_row_and_column() {
    let toml = "[[realvirtual]]\nname = \"a\"\nsignals = \"s.csv\"\n";
    let check = |csv: &str, expected: &[&str]| {
        let (folder, _) = project(&[(config::FILE_NAME, toml), ("s.csv", csv)]);
        let loaded = load(folder.path(), &Overrides::default());
        assert_eq!(
            places(&loaded.diagnostics),
            expected,
            "{csv}\n{:#?}",
            loaded.diagnostics
        );
        loaded.config.map_or(0, |config| config.endpoints[0].signals.len())
    };
    assert_eq!(check("name,type,writer\na,Bool,hub\nb,Int,peer\n", &[]), 2);
    assert_eq!(
        check(
            "\u{feff}name;type;writer;value\r\na;Float;hub;2.5\r\n\r\nb;Text;peer;\r\n",
            &[]
        ),
        2
    );
    assert_eq!(check("name,type,writer,value\n\"a,\"\"b\",Text,hub, x \n", &[]), 1);
    check(
        "name,type,writer\nü,bool,hub\n\"q,q\",Int,me\n",
        &["2:3 bad_value", "3:11 bad_value"],
    );
    check("name,type,writer\r\na,Bool,hub\r\nb,Bool,me\r\n", &["3:8 bad_value"]);
    check("name,type,writer\na,Bool,hub\na,Int,hub\n", &["3:1 duplicate_name"]);
    check("name,type,writer\na,Bool,hub,5\n", &["2:12 bad_csv"]);
    check("name,type,writer\na,Bool\n", &["2:1 missing_key"]);
    check("name,typ,writer\n", &["1:6 unknown_key"]);
    check("name,name,type\n", &["1:6 bad_csv"]);
    check("name,type\n", &["1:1 missing_key"]);
    check("", &["1:1 bad_csv"]);
}

#[test]
fn what_cannot_be_read_is_one_error() {
    let (folder, path) = project(&[]);
    assert_eq!(
        places(&load(folder.path(), &Overrides::default()).diagnostics),
        ["1:1 no_file"]
    );
    fs::write(&path, b"# a\n# \xff\n").unwrap();
    assert_eq!(
        places(&load(folder.path(), &Overrides::default()).diagnostics),
        ["2:3 not_utf8"]
    );
}

#[test]
fn a_later_source_wins_and_is_named() {
    let text = "[web]\nport = 1\n[hub]\nmax_clients = 5\n[[realvirtual]]\nname = \"line-1\"\nport = 3\n";
    let overrides = Overrides {
        environment: vec![
            (String::from("CROSSTIE_WEB_PORT"), String::from("2")),
            (String::from("CROSSTIE_REALVIRTUAL_LINE_1_PORT"), String::from("4")),
            (
                String::from("CROSSTIE_REALVIRTUAL_LINE_1_INPUT_PATTERNS"),
                String::from("a,b"),
            ),
            (String::from("PATH"), String::from("x")),
        ],
        flags: vec![
            (String::from("web.port"), String::from("7")),
            (String::from("web.port"), String::from("8")),
        ],
        port_offset: 100,
    };
    let config = load_text(Path::new("p"), text, &overrides).config.unwrap();
    assert_eq!((config.web.port, config.web.address.port()), (8, 108));
    assert_eq!(config.endpoints[0].address.port(), 104);
    let source = |key: &str| {
        config
            .settings()
            .into_iter()
            .find(|setting| setting.key == key)
            .unwrap()
            .source
    };
    assert_eq!(source("web.port"), Source::Flag);
    assert_eq!(source("web.bind"), Source::Default);
    assert_eq!(source("hub.max_clients"), Source::File);
    assert_eq!(source("realvirtual.line-1.port"), Source::Environment);
    let patterns = config
        .settings()
        .into_iter()
        .find(|setting| setting.key.ends_with("input_patterns"))
        .unwrap();
    assert_eq!((patterns.value, patterns.live), (json!(["a", "b"]), true));
}

#[test]
fn mistakes_in_the_environment_and_in_flags_are_found_too() {
    let check = |environment: &[(&str, &str)], flags: &[(&str, &str)], port_offset: u16, expected: &[&str]| {
        let own = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .collect()
        };
        let overrides = Overrides {
            environment: own(environment),
            flags: own(flags),
            port_offset,
        };
        let loaded = load_text(Path::new("p"), "[[realvirtual]]\nname = \"line\"\n", &overrides);
        let found: Vec<String> = loaded
            .diagnostics
            .iter()
            .map(|d| format!("{} {} {}", d.source.name, d.column, d.code))
            .collect();
        assert_eq!(found, expected, "{:#?}", loaded.diagnostics);
    };
    check(&[("CROSSTIE_WEB_PORT", "x")], &[], 0, &["environment 19 wrong_type"]);
    check(
        &[("CROSSTIE_WEB_PROT", "1")],
        &[],
        0,
        &["environment 1 unknown_variable"],
    );
    check(
        &[("CROSSTIE_AT", "http://x"), ("CROSSTIE_PORT_OFFSET", "1")],
        &[],
        0,
        &[],
    );
    check(&[], &[("web.prot", "1")], 0, &["command line 1 unknown_key"]);
    check(
        &[],
        &[("realvirtual.lime.port", "1")],
        0,
        &["command line 1 unknown_key"],
    );
    check(
        &[],
        &[("realvirtual.line.port", "8000")],
        0,
        &["command line 23 duplicate_port"],
    );
    check(
        &[("CROSSTIE_REALVIRTUAL_LINE_BIND", "0.0.0.0")],
        &[],
        0,
        &["environment 32 not_loopback"],
    );
    check(&[], &[("web.port", "65000")], 536, &["command line 10 out_of_range"]);
    check(&[], &[("web.port", "65000")], 535, &[]);
}

#[test]
fn the_loopback_rule_says_which_listener_and_what_to_write() {
    let diagnostics = loaded("[[realvirtual]]\nname = \"line\"\nbind = \"192.168.1.5\"\n").diagnostics;
    assert_eq!(diagnostics[0].severity, Severity::Error);
    assert!(
        diagnostics[0]
            .found
            .contains("[[realvirtual]] \"line\" listens on 192.168.1.5")
    );
    assert!(
        diagnostics[0]
            .expected
            .contains("`allow_unauthenticated = true` in this [[realvirtual]] \"line\"")
    );
}

const COMMENTED: &str = "# The line.\n\n[web] # page\nport   =  8000   # why 8000\n\n# The twin\n[[realvirtual]]\nname = 'line'\nupdate_cycle_ms = 10 # fast\n\n[[realvirtual.signal]]\nname = \"Run\" # r\ntype = \"Bool\"\nwriter = \"hub\"\n\n[[realvirtual]]\nname = \"two\"\nport = 1235\n\n# ---- Routes ----\n\n# First.\n[[route]]\nfrom = \"sim/a\"\nto = \"sim/b\" # b\n\n# Second.\n[[route]]\nfrom = \"sim/c\"\nto = \"sim/d\"\n# The end.\n";

#[track_caller]
fn check_edit(before: &str, edit: impl Fn(&Path) -> Result<(), WriteError>, change: (&str, &str)) {
    let (_folder, path) = project(&[(config::FILE_NAME, before)]);
    edit(&path).expect("an edit that fits");
    assert!(before.contains(change.0), "the test names a part of its file");
    assert_eq!(
        fs::read_to_string(&path).expect("the edited file"),
        before.replacen(change.0, change.1, 1)
    );
}

fn settings(pairs: &[(&str, serde_json::Value)]) -> Vec<(String, serde_json::Value)> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect()
}

#[test]
fn a_written_setting_changes_nothing_around_it() {
    let write = |key: &'static str, value: serde_json::Value| {
        move |path: &Path| write_settings(path, &settings(&[(key, value.clone())]))
    };
    check_edit(COMMENTED, write("web.port", json!(81)), ("=  8000   #", "=  81   #"));
    check_edit(
        COMMENTED,
        write("realvirtual.line.update_cycle_ms", json!(20)),
        ("= 10 # fast", "= 20 # fast"),
    );
    check_edit(
        COMMENTED,
        write("realvirtual.two.debug", json!(true)),
        ("1235\n", "1235\ndebug = true\n"),
    );
    check_edit(
        COMMENTED,
        write("realvirtual.line.input_patterns", json!(["a", "b"])),
        ("# fast\n", "# fast\ninput_patterns = [\"a\", \"b\"]\n"),
    );
    check_edit(
        COMMENTED,
        write("hub.stale_after_ms", json!(9000)),
        ("# The end.\n", "\n[hub]\nstale_after_ms = 9000\n# The end.\n"),
    );
    let crlf = COMMENTED.replace('\n', "\r\n");
    check_edit(
        &crlf,
        write("realvirtual.two.debug", json!(true)),
        ("1235\r\n", "1235\r\ndebug = true\r\n"),
    );
    let marked = format!("\u{feff}{COMMENTED}");
    check_edit(&marked, write("web.port", json!(81)), ("=  8000   #", "=  81   #"));
    let inline = "realvirtual = [ { name = \"line\", debug = false } ] # x\n";
    check_edit(inline, write("realvirtual.line.debug", json!(true)), ("false", "true"));
    check_edit("", write("web.port", json!(81)), ("", "[web]\nport = 81\n"));
    check_edit("[web]\nport = 1", write("web.port", json!(81)), ("1", "81\n"));
}

#[test]
fn settings_are_written_all_or_nothing() {
    let check = |pairs: &[(&str, serde_json::Value)], expected: &str| {
        let (folder, path) = project(&[(config::FILE_NAME, COMMENTED)]);
        let error = write_settings(&path, &settings(pairs)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), COMMENTED);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no file is left over");
    };
    check(
        &[("web.port", json!(81)), ("web.prt", json!(1))],
        "unknown key `web.prt`",
    );
    check(
        &[("web.port", json!(81)), ("realvirtual.line.echo", json!("x"))],
        "expected one of \"auto\"",
    );
    check(
        &[("web.port", json!(81)), ("realvirtual.three.debug", json!(true))],
        "no endpoint named `three`",
    );
    check(&[("web.port", json!(1234))], "both listen on 127.0.0.1:1234");
}

#[cfg(unix)]
#[test]
fn permissions_and_links_survive_a_write() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (folder, path) = project(&[("real.toml", COMMENTED)]);
    let real = folder.path().join("real.toml");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&real, &path).unwrap();
    write_settings(&path, &settings(&[("web.port", json!(81))])).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::read_to_string(&real).unwrap().contains("=  81   #"));
}

#[test]
fn routes_come_and_go_without_touching_their_neighbours() {
    check_edit(
        COMMENTED,
        |path| add_route(path, &RouteSetting::plain("sim/e", "sim/f")),
        (
            "\"sim/d\"\n",
            "\"sim/d\"\n\n[[route]]\nfrom = \"sim/e\"\nto = \"sim/f\"\n",
        ),
    );
    check_edit(
        COMMENTED,
        |path| remove_route(path, "sim/a", "sim/b"),
        ("\n# First.\n[[route]]\nfrom = \"sim/a\"\nto = \"sim/b\" # b\n", ""),
    );
    check_edit(
        COMMENTED,
        |path| remove_route(path, "sim/c", "sim/d"),
        ("# Second.\n[[route]]\nfrom = \"sim/c\"\nto = \"sim/d\"\n", ""),
    );
    check_edit(
        "",
        |path| add_route(path, &RouteSetting::plain("sim/e", "sim/f")),
        ("", "\n[[route]]\nfrom = \"sim/e\"\nto = \"sim/f\"\n"),
    );
    let inline = "route = [{ from = \"sim/a\", to = \"sim/b\" }] # x\n";
    check_edit(
        inline,
        |path| remove_route(path, "sim/a", "sim/b"),
        ("{ from = \"sim/a\", to = \"sim/b\" }", ""),
    );

    let (_folder, path) = project(&[(config::FILE_NAME, COMMENTED)]);
    assert!(matches!(
        remove_route(&path, "sim/a", "sim/x"),
        Err(WriteError::UnknownRoute { .. })
    ));
    assert!(matches!(
        add_route(&path, &RouteSetting::plain("sim/a", "sim/b")),
        Err(WriteError::Invalid(_))
    ));
    assert!(matches!(
        add_route(&path, &RouteSetting::plain("a", "sim/b")),
        Err(WriteError::Invalid(_))
    ));
    assert_eq!(fs::read_to_string(&path).unwrap(), COMMENTED);
}

#[test]
fn imported_signals_are_added_to_their_endpoint() {
    let signal = |name: &str| SignalSetting {
        wire_name: name.to_owned(),
        signal: format!("twin/line/{name}"),
        kind: Kind::Float,
        owner: Owner::Peer,
        value: Some(Value::Float(2.0)),
        convention: None,
        neutral: false,
    };
    let written = "\n[[realvirtual.signal]]\nname = \"Level\"\ntype = \"Float\"\nwriter = \"peer\"\nvalue = 2.0\n";
    check_edit(
        COMMENTED,
        |path| add_signals(path, "line", &[signal("Level")]),
        ("writer = \"hub\"\n", &format!("writer = \"hub\"\n{written}")),
    );
    let mirrored = written.replace("\"Level\"\n", "\"Level\"\nsignal = \"twin/line/Level\"\n");
    check_edit(
        COMMENTED,
        |path| add_signals(path, "two", &[signal("Level")]),
        ("port = 1235\n", &format!("port = 1235\n{mirrored}")),
    );
    let (_folder, path) = project(&[(config::FILE_NAME, COMMENTED)]);
    assert!(matches!(
        add_signals(&path, "line", &[signal("Run")]),
        Err(WriteError::Invalid(_))
    ));
    assert!(matches!(
        add_signals(&path, "x", &[signal("Run")]),
        Err(WriteError::UnknownEndpoint { .. })
    ));
    assert_eq!(fs::read_to_string(&path).unwrap(), COMMENTED);
}

#[test]
fn a_live_change_is_seen_in_the_settings() {
    let mut config = loaded(COMMENTED).config.unwrap();
    let setting = config::check_setting("realvirtual.two.echo", &json!("always")).unwrap();
    config.apply(&setting).unwrap();
    let shown = config
        .settings()
        .into_iter()
        .find(|setting| setting.key == "realvirtual.two.echo")
        .unwrap();
    assert_eq!((shown.value, shown.source), (json!("always"), Source::File));
    let nowhere = config::check_setting("realvirtual.three.echo", &json!("always")).unwrap();
    assert!(config.apply(&nowhere).is_err());
}

/// Text that is nearly a project file, so that the reader gets further than the first line.
fn nearly_a_project() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just(String::from("[web]")),
        Just(String::from("[[realvirtual]]")),
        Just(String::from("[[realvirtual.signal]]")),
        Just(String::from("[[route]]")),
        Just(String::from("name = \"x\"")),
        Just(String::from("signal = [{ name = 1 }]")),
        "(port|type|value|writer|from|to|echo|bind|input_patterns) = (-?[0-9]{1,20}|\"[a-zü/~]{0,5}\"|true|nan|\\[\\]|\\{\\}|1979-05-27)",
        "\\PC{0,20}",
    ];
    proptest::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in prop_oneof![any::<String>(), nearly_a_project()]) {
        let loaded = loaded(&text);
        prop_assert_eq!(loaded.config.is_some(), !loaded.has_errors());
        for diagnostic in &loaded.diagnostics {
            prop_assert!(diagnostic.line >= 1 && diagnostic.column >= 1);
            prop_assert!(!diagnostic.render(config::Style::Plain).is_empty());
        }
    }

    #[test]
    fn no_signal_file_makes_the_reader_panic(text in any::<String>(), rows in "(name,type,writer\n)?[a,;\"\n\rüBol]{0,40}") {
        let toml = "[[realvirtual]]\nname = \"a\"\nsignals = \"s.csv\"\n";
        for csv in [text, rows] {
            let (folder, _) = project(&[(config::FILE_NAME, toml), ("s.csv", &csv)]);
            let loaded = load(folder.path(), &Overrides::default());
            prop_assert_eq!(loaded.config.is_some(), !loaded.has_errors());
        }
    }
}
