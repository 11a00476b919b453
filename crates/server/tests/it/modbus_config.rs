//! `[[modbus]]` of a project: its keys, its maps, and who can reach it.

use crate::cli::{crosstie, text};
use crosstie_server::config::{Diagnostic, Loaded, Overrides, Severity, load_text};
use serde_json::json;
use std::path::Path;

const PLC: &str = "[[plc]]\nname = \"line\"\n";

fn loaded(text: &str) -> Loaded {
    load_text(Path::new("no-such-folder"), text, &Overrides::default())
}

/// `line:column code` of each diagnostic of a project with a context and this.
#[track_caller]
fn check(modbus: &str, expected: &[&str]) {
    let loaded = loaded(&format!("{PLC}{modbus}"));
    let place = |found: &Diagnostic| {
        let Diagnostic { line, column, code, .. } = found;
        format!("{line}:{column} {code}")
    };
    let places: Vec<String> = loaded.diagnostics.iter().map(place).collect();
    assert_eq!(places, expected, "{modbus}\n{:#?}", loaded.diagnostics);
}

#[test]
fn every_key_has_a_default_and_can_be_moved() {
    let text = format!("{PLC}[[modbus]]\nname = \"cell\"\n");
    let config = loaded(&text).config.unwrap();
    let cell = &config.modbuses[0];
    assert_eq!(cell.address.to_string(), "127.0.0.1:502");
    assert_eq!((cell.unit, cell.read_only, cell.clients_max), (1, false, 16));
    let setting = |key: &str| {
        let settings = config.settings();
        let found = settings.into_iter().find(|setting| setting.key == key);
        found.unwrap_or_else(|| panic!("no setting {key}")).value
    };
    assert_eq!(setting("modbus.cell.unit"), json!(1));
    assert_eq!(setting("modbus.cell.context"), json!(null));
    let overrides = Overrides {
        environment: vec![(String::from("CROSSTIE_MODBUS_CELL_UNIT"), String::from("3"))],
        flags: vec![(String::from("modbus.cell.port"), String::from("1502"))],
        port_offset: 100,
    };
    let loaded = load_text(Path::new("no-such-folder"), &text, &overrides);
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    let cell = &loaded.config.unwrap().modbuses[0];
    assert_eq!((cell.address.port(), cell.unit), (1602, 3));
}

#[test]
fn every_mistake_is_found_at_its_place() {
    check("[[modbus]]\nname = \"a\"\nunit = 0\n", &["5:8 out_of_range"]);
    check("[[modbus]]\nname = \"a\"\nunit = 248\n", &["5:8 out_of_range"]);
    check(
        "[[modbus]]\nname = \"a\"\ncontext = \"lnie\"\n",
        &["5:11 unknown_context"],
    );
    check("[[modbus]]\nport = 7\n", &["3:1 missing_key"]);
    check("[[modbus]]\nname = \"a\"\ncoil = []\n", &["5:1 unknown_key"]);
    check("[[modbus]]\nname = \"a\"\ncoils = 3\n", &["5:9 wrong_type"]);
    check(
        "[[modbus]]\nname = \"a\"\nport = 1\n[[modbus]]\nname = \"a\"\nport = 2\n",
        &["7:8 duplicate_name"],
    );
    check(
        "[[modbus]]\nname = \"a\"\n[[modbus]]\nname = \"b\"\n",
        &["5:1 duplicate_port"],
    );
    // The finding stands where the entry has a `^`, which is taken out.
    let entry = |marked: &str, code: &str| {
        let before = "coils = [";
        let at = marked.find('^').map(|at| format!("5:{} {code}", before.len() + at + 1));
        let entry = marked.replace('^', "");
        let expected: Vec<&str> = at.iter().map(String::as_str).collect();
        check(&format!("[[modbus]]\nname = \"a\"\n{before}{entry}]\n"), &expected);
    };
    entry("{ address = 65535, place = \"B:0/0\" }", "");
    entry("{ address = 65535, count = 2, place = ^\"B:0/0\" }", "out_of_range");
    entry("{ address = ^65536, place = \"B:0/0\" }", "out_of_range");
    entry("^{ place = \"B:0/0\" }", "missing_key");
    entry("^{ address = 0 }", "missing_key");
    entry("{ address = 0, place = ^\"B:0\" }", "bad_value");
    entry("{ address = 0, place = ^\"Q:0/0\" }", "bad_value");
    entry("{ address = 0, count = ^0, place = \"B:0/0\" }", "out_of_range");
    entry("{ address = 0, count = 2, place = ^\"B:63/31\" }", "out_of_range");
    entry("{ address = 0, place = \"B:0/0\", ^plac = 1 }", "unknown_key");
    entry(
        "{ address = 0, count = 9, place = \"B:0/0\" }, { address = 8, place = ^\"B:1/0\" }",
        "duplicate_name",
    );
    let none = loaded("[[modbus]]\nname = \"a\"\n");
    assert_eq!(
        none.diagnostics[0].found,
        "[[modbus]] in a project without a PLC context"
    );
}

#[test]
fn a_server_that_other_machines_reach_is_a_warning() {
    let text = format!("{PLC}[[modbus]]\nname = \"cell\"\nbind = \"0.0.0.0\"\nport = 1502\n");
    let loaded = loaded(&text);
    let [warning] = &loaded.diagnostics[..] else {
        panic!("{:#?}", loaded.diagnostics)
    };
    assert_eq!((warning.code, warning.severity), ("open_listener", Severity::Warning));
    assert!(
        warning.found.contains("reads and writes there without a key"),
        "{}",
        warning.found
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("crosstie.toml"), text).unwrap();
    let checked = crosstie(&["check", &folder.path().display().to_string()]);
    assert!(checked.status.success());
    assert!(text_of(&checked).contains("open_listener"), "{}", text_of(&checked));
}

fn text_of(output: &std::process::Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}
