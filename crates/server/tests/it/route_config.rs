//! Routes with all their keys, as files say them: every mistake at its place, every change with its neighbours kept, CSV both ways.

use crosstie_hub::settings::{OnStale, RouteSetting, Transform, ValueMap};
use crosstie_hub::signal::Value;
use crosstie_server::config::{
    self, Config, Overrides, WriteError, add_route, change_route, export_routes, import_routes, load, load_text,
    remove_route,
};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

const HOUSE: &str = "[[realvirtual]]\nname = \"line\"\n[[realvirtual.signal]]\nname = \"Level\"\ntype = \"Float\"\nwriter = \"peer\"\n\
    [[realvirtual.signal]]\nname = \"Text\"\ntype = \"Text\"\nwriter = \"hub\"\n[[realvirtual.signal]]\nname = \"Run\"\ntype = \"Bool\"\n\
    writer = \"hub\"\n";

/// Lines of [`HOUSE`] and the header of the route.
const ABOVE: usize = 15;

/// Where the diagnostics of a route stand, in lines of its own, and their codes.
#[track_caller]
fn check(route: &str, expected: &[&str]) {
    let text = format!("{HOUSE}[[route]]\n{route}");
    let loaded = load_text(Path::new("no-such-folder"), &text, &Overrides::default());
    let found = loaded.diagnostics.iter();
    let found: Vec<String> = found
        .map(|found| format!("{}:{} {}", found.line.saturating_sub(ABOVE), found.column, found.code))
        .collect();
    assert_eq!(found, expected, "{route}\n{:#?}", loaded.diagnostics);
}

const ENDS: &str = "from = \"sim/a\"\nto = \"sim/b\"\n";

#[test]
fn every_key_is_checked_in_its_form_and_range_at_its_place() {
    let with = |line: &str| format!("{ENDS}{line}\n");
    for (line, expected) in [
        ("scael = 1", "3:1 unknown_key"),
        ("scale = \"x\"", "3:9 wrong_type"),
        ("scale = 0", "3:9 out_of_range"),
        ("scale = inf", "3:9 out_of_range"),
        ("offset = nan", "3:10 out_of_range"),
        ("deadband = -0.1", "3:12 out_of_range"),
        ("every_ms = 0", "3:12 out_of_range"),
        ("every_ms = 3600001", "3:12 out_of_range"),
        ("invert = 1", "3:10 wrong_type"),
        ("expr = 1", "3:8 wrong_type"),
        ("inputs = \"x\"", "3:10 wrong_type"),
        ("inputs = { a = \"sim/x\" }", "3:10 bad_route"),
        ("expr = \"a\"\ninputs = { a = 1 }", "4:16 wrong_type"),
        ("expr = \"a\"\ninputs = { a = \"x\" }", "4:16 bad_name"),
        ("map = {}", "3:7 bad_value"),
        ("map = { a = [1] }", "3:13 wrong_type"),
        ("map = [1]", "3:7 wrong_type"),
    ] {
        check(&with(line), &[expected]);
    }
    let all = "expr = \"value\"\ninputs = { a = \"sim/x\" }\nscale = 2\noffset = -1\ndeadband = 0.5\nevery_ms = 0.5\n";
    check(&with(all), &["8:12 out_of_range"]);
}

#[test]
fn what_the_hub_could_not_lay_stands_at_the_key_that_it_is_about() {
    let from = |lines: &str| format!("from = \"twin/line/Level\"\n{lines}\n");
    check(&from("to = \"twin/line/Run\""), &["2:6 bad_route"]);
    check(&from("to = \"twin/line/Text\"\nexpr = \"value +\""), &["3:8 bad_route"]);
    check(&from("to = \"twin/line/Run\"\nexpr = \"value > 3.0\""), &[]);
    check(
        &from("to = \"twin/line/Run\"\nexpr = \"value > 3.0 && runing\"\ninputs = { running = \"twin/line/Run\" }"),
        &["3:8 bad_route"],
    );
    check(&from("to = \"twin/line/Text\"\nscale = 2"), &["3:9 bad_route"]);
    check(&from("to = \"twin/line/Text\"\ninvert = true"), &["3:10 bad_route"]);
    check("from = \"twin/line/*\"\nto = \"twin/line/$2x\"\n", &["2:6 bad_route"]);
}

#[test]
fn names_that_nobody_declares_and_patterns_that_fit_nothing_are_warned_of() {
    check("from = \"twin/line/*\"\nto = \"sim/$1\"\n", &[]);
    check("from = \"twin/line/Lev*\"\nto = \"sim/$1\"\n", &[]);
    check("from = \"twin/line/Lov*\"\nto = \"sim/$1\"\n", &["1:8 unknown_signal"]);
    check("from = \"twin/*/Level\"\nto = \"sim/$1\"\n", &[]);
    check("from = \"plc/*/O:0/3\"\nto = \"sim/$1\"\n", &["1:8 unknown_signal"]);
    check(
        &format!("{ENDS}expr = \"value && a\"\ninputs = {{ a = \"twin/line/Rum\" }}\n"),
        &["4:10 unknown_signal"],
    );
}

struct Folder(TempDir);

impl Folder {
    fn new(project: &str) -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a folder for a test"));
        fs::write(folder.file(), project).expect("a file in a folder of this test");
        folder
    }

    fn file(&self) -> PathBuf {
        self.0.path().join(config::FILE_NAME)
    }

    fn project(&self) -> String {
        fs::read_to_string(self.file()).expect("the project file can be read")
    }

    #[track_caller]
    fn config(&self) -> Config {
        let loaded = load(self.0.path(), &Overrides::default());
        loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
    }

    fn import(&self, csv: &str, replace: bool) -> Result<config::Changes, config::ImportError> {
        let file = self.0.path().join("routes.csv");
        fs::write(&file, csv).expect("a file in a folder of this test");
        import_routes(self.0.path(), &file, replace)
    }
}

fn scaled(from: &str, to: &str, scale: f64) -> RouteSetting {
    let mut route = RouteSetting::plain(from, to);
    route.transform.scale = Some(scale);
    route
}

const COMMENTED: &str = "# Routes.\n\n# The tank\n[[route]]\nfrom = \"sim/a\" # its level\nto = \"sim/b\"\nscale = 0.1 # percent\n\n\
    [[route]]\nfrom = \"sim/c\"\nto = \"sim/d\"\nexpr = \"value\"\n[route.inputs]\nx = \"sim/x\" # more\n\n# The end\n[web]\nport = 0\n";

#[test]
fn a_route_changes_in_its_place_and_its_neighbours_stay() {
    let folder = Folder::new(COMMENTED);
    let old = folder.config().routes[0].clone();
    assert_eq!(old, scaled("sim/a", "sim/b", 0.1));
    let mut new = scaled("sim/a", "sim/b", 0.2);
    new.transform.every = Some(Duration::from_millis(200));
    change_route(&folder.file(), &old, &new).unwrap();
    let expected = COMMENTED.replace("0.1 # percent\n", "0.2 # percent\nevery_ms = 200\n");
    assert_eq!(folder.project(), expected);
    assert_eq!(folder.config().routes[0], new);

    let plain = RouteSetting::plain("sim/z", "sim/b");
    change_route(&folder.file(), &new, &plain).unwrap();
    let expected = COMMENTED
        .replace("sim/a", "sim/z")
        .replace("scale = 0.1 # percent\n", "");
    assert_eq!(folder.project(), expected);

    // A section inside the section goes with it, and another key of it changes alone.
    let with_inputs = folder.config().routes[1].clone();
    let mut changed = with_inputs.clone();
    changed.transform.expr = Some(String::from("value && x"));
    change_route(&folder.file(), &with_inputs, &changed).unwrap();
    assert!(
        folder
            .project()
            .contains("expr = \"value && x\"\n[route.inputs]\nx = \"sim/x\" # more\n")
    );
    remove_route(&folder.file(), "sim/c", "sim/d").unwrap();
    assert_eq!(folder.config().routes, [plain]);
    assert!(
        folder.project().ends_with("# The end\n[web]\nport = 0\n"),
        "{}",
        folder.project()
    );

    let unknown = change_route(&folder.file(), &with_inputs, &changed);
    assert!(matches!(unknown, Err(WriteError::UnknownRoute { .. })), "{unknown:?}");
}

#[test]
fn a_route_in_the_other_spelling_of_toml_is_changed_in_it() {
    let folder = Folder::new("route = [{ from = \"sim/a\", to = \"sim/b\" }] # x\n");
    let old = RouteSetting::plain("sim/a", "sim/b");
    change_route(&folder.file(), &old, &scaled("sim/a", "sim/b", 0.5)).unwrap();
    assert!(folder.project().starts_with("route = [{"), "{}", folder.project());
    assert_eq!(folder.config().routes, [scaled("sim/a", "sim/b", 0.5)]);
}

#[test]
fn a_table_changes_adds_and_with_replace_removes() {
    let folder = Folder::new(COMMENTED);
    let table = "from,to,scale,map\nsim/a,sim/b,0.5,\nsim/e,sim/f,,\"0=Off;1=On;*=\"\"?\"\"\"\n";
    let changes = folder.import(table, false).unwrap();
    assert_eq!(
        (changes.added, changes.changed, changes.left, changes.removed),
        (1, 1, 0, 0)
    );
    let routes = folder.config().routes;
    assert_eq!(routes.len(), 3);
    assert_eq!(routes[0], scaled("sim/a", "sim/b", 0.5));
    let map = routes[2].transform.map.clone().unwrap();
    assert_eq!(map.otherwise, Some(Value::Text("?".into())));
    assert_eq!(map.entries[1], (String::from("1"), Value::Text("On".into())));
    assert!(folder.project().contains("scale = 0.5 # percent"));

    // A column that the table does not have says nothing about what it would hold.
    let changes = folder.import("from,to\nsim/a,sim/b\nsim/e,sim/f\n", true).unwrap();
    assert_eq!(
        (changes.added, changes.changed, changes.left, changes.removed),
        (0, 0, 2, 1)
    );
    assert_eq!(folder.config().routes[0], scaled("sim/a", "sim/b", 0.5));

    let before = folder.project();
    let refused = folder
        .import("from,to,scale\nsim/x,sim/y,1\nsim/x,sim/z,none\n", true)
        .unwrap_err();
    assert!(refused.to_string().contains("routes.csv:3:13"), "{refused}");
    let refused = folder.import("from,to,inputs\nsim/x,sim/y,a\n", true).unwrap_err();
    assert!(refused.to_string().contains("pairs such as a=b;c=d"), "{refused}");
    assert_eq!(folder.project(), before);
}

fn text() -> impl Strategy<Value = String> {
    "\\PC{0,8}|[=+@\\-\"',;\\\\\n\r\t *]{1,4}|true|TRUE|-?[0-9]{1,3}|1e5|nan"
}

fn number() -> impl Strategy<Value = f64> {
    proptest::num::f64::NORMAL.prop_filter("what a signal can hold", |number| number.abs() < 1e30)
}

fn value_map() -> impl Strategy<Value = ValueMap> {
    let entries = proptest::collection::btree_map(text().prop_filter("an other", |key| key != "*"), text(), 1..4);
    (entries, proptest::option::of(text())).prop_map(|(entries, otherwise)| ValueMap {
        entries: (entries.into_iter())
            .map(|(key, value)| (key, Value::Text(value.into())))
            .collect(),
        otherwise: otherwise.map(|value| Value::Text(value.into())),
    })
}

/// A transform whose parts go with each other whatever the kinds of the signals are.
fn transform() -> impl Strategy<Value = Transform> {
    let every = || proptest::option::of((1_000..3_600_000_000_u64).prop_map(Duration::from_micros));
    let numbers = (
        proptest::option::of(number()),
        proptest::option::of(number()),
        proptest::option::of(number()),
        every(),
    );
    let numbers = numbers.prop_map(|(scale, offset, deadband, every)| Transform {
        scale,
        offset,
        deadband: deadband.map(f64::abs),
        every,
        ..Transform::default()
    });
    let mapped = (value_map(), every()).prop_map(|(map, every)| Transform {
        map: Some(map),
        every,
        ..Transform::default()
    });
    let computed = proptest::option::of(Just(String::from("sim/in put;=\"x"))).prop_map(|input| Transform {
        expr: Some(String::from(if input.is_some() {
            "a == value"
        } else {
            "value > 0.5 || value < -1.5"
        })),
        inputs: input.into_iter().map(|signal| (String::from("a"), signal)).collect(),
        ..Transform::default()
    });
    let inverted = any::<bool>().prop_map(|invert| Transform {
        invert,
        ..Transform::default()
    });
    prop_oneof![numbers, mapped, computed, inverted]
}

fn routes() -> impl Strategy<Value = Vec<RouteSetting>> {
    let on_stale = prop_oneof![Just(OnStale::Hold), Just(OnStale::Zero), Just(OnStale::Fault)];
    proptest::collection::vec((transform(), on_stale), 0..6).prop_map(|routes| {
        let routes = routes.into_iter().enumerate();
        routes
            .map(|(index, (transform, on_stale))| RouteSetting {
                from: format!("sim/a, {index}"),
                to: match on_stale {
                    OnStale::Hold => format!("sim/b\" {index}"),
                    _ => format!("plc/later/N:{index}"),
                },
                on_stale,
                transform,
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn routes_come_back_from_the_file_and_from_a_table_as_they_were(routes in routes()) {
        let (from, to) = (Folder::new(""), Folder::new(""));
        for route in &routes {
            add_route(&from.file(), route).unwrap();
        }
        prop_assert_eq!(&from.config().routes, &routes);
        let exported = export_routes(&routes).text;
        let changes = to.import(&exported, true).unwrap();
        prop_assert_eq!(changes.added, routes.len());
        prop_assert_eq!(&to.config().routes, &routes);
        let again = to.import(&exported, true).unwrap();
        prop_assert_eq!((again.left, again.changed + again.removed), (routes.len(), 0));
    }

    #[test]
    fn a_route_becomes_any_other_in_its_place(old in transform(), new in transform()) {
        let route = |transform: Transform| RouteSetting { transform, ..RouteSetting::plain("sim/a", "sim/b") };
        let (old, new) = (route(old), route(new));
        let folder = Folder::new("# above\n\n[web]\nport = 0 # any\n");
        add_route(&folder.file(), &old).unwrap();
        change_route(&folder.file(), &old, &new).unwrap();
        prop_assert_eq!(&folder.config().routes, &[new]);
        prop_assert!(folder.project().starts_with("# above\n\n[web]\nport = 0 # any\n"));
    }
}
