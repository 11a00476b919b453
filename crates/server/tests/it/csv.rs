//! Signals and routes of a project as CSV: out, through a spreadsheet, and in again.

use crate::cli::{check, crosstie, text, word};
use crosstie_hub::settings::{DirectionConvention, Owner, SignalSetting};
use crosstie_hub::signal::{Kind, Value};
use crosstie_server::config::{
    self, Changes, Config, ImportError, Overrides, WriteError, add_signals, export_routes, export_signals,
    import_routes, import_signals, load,
};
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A project folder with these files; a name beside them is `new` in it.
struct Folder(TempDir);

impl Folder {
    fn new(project: &str) -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a folder for a test"));
        folder.put(config::FILE_NAME, project);
        folder
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("a file in a folder of this test");
        path
    }

    fn project(&self) -> String {
        fs::read_to_string(self.0.path().join(config::FILE_NAME)).expect("the project file can be read")
    }

    #[track_caller]
    fn config(&self) -> Config {
        let loaded = load(self.0.path(), &Overrides::default());
        loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
    }

    fn import_signals(&self, csv: &str) -> Result<Changes, ImportError> {
        let file = self.put("new.csv", csv);
        import_signals(self.0.path(), "line", &file)
    }

    fn import_routes(&self, csv: &str) -> Result<Changes, ImportError> {
        let file = self.put("new.csv", csv);
        import_routes(self.0.path(), &file, false)
    }
}

/// `line:column code` of each mistake, which must all stand in the imported file; and nothing was written.
#[track_caller]
fn refused(folder: &Folder, result: Result<Changes, ImportError>, expected: &[&str]) {
    let before = folder.project();
    let Err(ImportError::Mistakes(diagnostics)) = result else {
        panic!("mistakes were expected: {result:?}");
    };
    let found: Vec<String> = (diagnostics.iter())
        .map(|found| {
            assert!(found.source.name.ends_with("new.csv"), "{found}");
            format!("{}:{} {}", found.line, found.column, found.code)
        })
        .collect();
    assert_eq!(found, expected, "{diagnostics:#?}");
    assert_eq!(folder.project(), before);
}

const COMMENTED: &str = "\
# the line
[[realvirtual]]
name = \"line\" # one

# starts it
[[realvirtual.signal]]
name = \"Start\"
type = \"Bool\" # a bit
writer = \"hub\"
value = true # at first

[[realvirtual.signal]]
name = \"Level\"
signal = \"twin/line/tank\"
type = \"Float\"
writer = \"peer\"

# the end
[[route]]
from = \"sim/a\"
to = \"twin/line/Start\"
";

#[test]
fn an_import_adds_changes_and_leaves_and_keeps_every_comment() {
    let folder = Folder::new(COMMENTED);
    let csv = "name,signal,type,writer,value\nStart,,Bool,hub,\nLevel,twin/line/tank,Float,peer,\nNew,,Int,hub,7\n";
    let changes = folder.import_signals(csv).unwrap();
    assert_eq!((changes.added, changes.changed, changes.left), (1, 1, 1));
    let added = "\n[[realvirtual.signal]]\nname = \"New\"\ntype = \"Int\"\nwriter = \"hub\"\nvalue = 7\n";
    let expected = (COMMENTED.replace("value = true # at first\n", ""))
        .replace("writer = \"peer\"\n", &format!("writer = \"peer\"\n{added}"));
    assert_eq!(folder.project(), expected);

    // A column that the file does not have says nothing about what it would hold.
    let changes = folder
        .import_signals("name,type,writer\nLevel,Float,peer\nNew,Int,peer\n")
        .unwrap();
    assert_eq!((changes.added, changes.changed, changes.left), (0, 1, 1));
    let level = folder.config().endpoints[0].signals[1].clone();
    assert_eq!(level.signal, "twin/line/tank");
    assert_eq!(folder.config().endpoints[0].signals[2].value, Some(Value::Int(7)));
    assert!(
        folder.project().contains("writer = \"peer\"\nvalue = 7\n"),
        "{}",
        folder.project()
    );

    // What spreadsheets make of it: semicolons, a byte order mark, capitals.
    let changes = folder
        .import_signals("\u{feff}name;type;writer;value\r\nStart;Bool;hub;TRUE\r\n")
        .unwrap();
    assert_eq!((changes.added, changes.changed, changes.left), (0, 1, 0));
    assert_eq!(folder.config().endpoints[0].signals[0].value, Some(Value::Bool(true)));
}

#[test]
fn signals_in_the_other_spelling_of_toml_are_changed_in_it() {
    let folder = Folder::new(
        "realvirtual = [{ name = \"line\", signal = [{ name = \"a\", type = \"Int\", writer = \"hub\" }] }]\n",
    );
    let changes = folder
        .import_signals("name,type,writer,value\na,Int,hub,5\nb,Bool,peer,\n")
        .unwrap();
    assert_eq!((changes.added, changes.changed), (1, 1));
    assert_eq!(folder.config().endpoints[0].signals.len(), 2);
    assert!(folder.project().starts_with("realvirtual = [{"), "{}", folder.project());
}

#[test]
fn every_mistake_of_a_file_of_signals_stands_at_its_row_and_column() {
    let folder = Folder::new(&format!(
        "{COMMENTED}[[realvirtual]]\nname = \"two\"\nport = 1235\n[[realvirtual.signal]]\nname = \"x\"\ntype = \"Int\"\nwriter = \"hub\"\n"
    ));
    let check = |csv: &str, expected: &[&str]| refused(&folder, folder.import_signals(csv), expected);
    check(
        "name,type,writer,value\nA,Bool,hub,1\nB,bool,me,\nA,Bool,hub,\nC,Int\n,Int,hub\n",
        &[
            "2:12 value_mismatch",
            "3:3 bad_value",
            "3:8 bad_value",
            "4:1 duplicate_name",
            "5:1 missing_key",
            "6:1 missing_key",
        ],
    );
    check("", &["1:1 bad_csv"]);
    check("name,type\n", &["1:1 missing_key"]);
    check("name,type,writer,colour\n", &["1:18 unknown_key"]);
    check("name,type,writer\na,Int,hub,1\n", &["2:11 bad_csv"]);
    // What the rest of the project says counts too.
    check(
        "name,type,writer,signal\na,Bool,hub,twin/two/x\n",
        &["2:12 type_mismatch"],
    );
    check(
        "name,type,writer,signal\na,Float,hub,twin/line/tank\n",
        &["2:13 duplicate_name"],
    );
    check("name,type,writer,neutral\na,Float,hub,maybe\n", &["2:13 wrong_type"]);
    assert!(matches!(
        import_signals(folder.0.path(), "three", &folder.put("new.csv", "name,type,writer\n")),
        Err(ImportError::UnknownEndpoint(_))
    ));
    // A change that the routes of the project do not go with is refused by the project, in the project.
    let result = folder.import_signals("name,type,writer\nStart,Bool,peer\n");
    assert!(
        matches!(result, Err(ImportError::Write(WriteError::Invalid(_)))),
        "{result:?}"
    );
}

#[test]
fn a_signal_of_the_signal_file_is_left_or_refused() {
    let folder = Folder::new("[[realvirtual]]\nname = \"line\"\nsignals = \"s.csv\"\n");
    folder.put("s.csv", "name,type,writer\nRun,Bool,hub\n");
    let changes = folder.import_signals("name,type,writer\nRun,Bool,hub\n").unwrap();
    assert_eq!((changes.added, changes.changed, changes.left), (0, 0, 1));
    let result = folder.import_signals("name,type,writer\nRun,Bool,peer\n");
    refused(&folder, result, &["2:1 in_signal_file"]);
}

#[test]
fn routes_go_out_and_in_and_the_hub_has_to_be_able_to_lay_them() {
    let folder = Folder::new(COMMENTED);
    let exported = export_routes(&folder.config().routes);
    assert_eq!(exported.text, "from,to\nsim/a,twin/line/Start\n");
    let changes = folder
        .import_routes("from,to\nsim/a,twin/line/Start\nsim/b,sim/c\n")
        .unwrap();
    assert_eq!((changes.added, changes.left), (1, 1));
    assert_eq!(
        folder.project(),
        format!("{COMMENTED}\n[[route]]\nfrom = \"sim/b\"\nto = \"sim/c\"\n")
    );
    let check = |csv: &str, expected: &[&str]| refused(&folder, folder.import_routes(csv), expected);
    check(
        "from,to\nsim/x,sim/x\nx,sim/y\nsim/y,\n",
        &["2:7 bad_route", "3:1 bad_name", "4:1 missing_key"],
    );
    check("from,to\nsim/x,sim/y\nsim/x,sim/y\n", &["3:7 bad_route"]);
    // A second writer of a signal, and a circle with a route that the project has.
    check("from,to\nsim/x,sim/z\nsim/y,sim/z\n", &["3:7 bad_route"]);
    check("from,to\nsim/c,sim/b\n", &["2:7 bad_route"]);
    check("from\nsim/x\n", &["1:1 missing_key"]);
    // The route into a signal that has one is that route, changed.
    let changes = folder.import_routes("from,to\nsim/x,sim/c\n").unwrap();
    assert_eq!((changes.added, changes.changed), (0, 1));
    assert!(folder.project().ends_with("from = \"sim/x\"\nto = \"sim/c\"\n"));
}

#[test]
fn cells_that_look_like_formulas_are_quoted_and_unchanged() {
    let project = "[[realvirtual]]\nname = \"line\"\n[[realvirtual.signal]]\nname = \"=HYPERLINK(1)\"\ntype = \"Text\"\n\
                   writer = \"hub\"\nvalue = \"@x\"\n[[realvirtual.signal]]\nname = \"n\"\ntype = \"Int\"\nwriter = \"hub\"\nvalue = -5\n";
    let folder = Folder::new(project);
    let exported = export_signals(&folder.config().endpoints[0]);
    assert_eq!(exported.formula_like, 2);
    assert_eq!(
        exported.text,
        "name,signal,type,writer,value,direction_convention,neutral\n\
         \"=HYPERLINK(1)\",,Text,hub,\"@x\",,\nn,,Int,hub,\"-5\",,\n"
    );
    assert_eq!(folder.import_signals(&exported.text).unwrap().left, 2);
    assert_eq!(folder.project(), project);
}

#[test]
fn the_verbs_of_csv_work_on_a_folder_without_a_hub() {
    let folder = Folder::new(COMMENTED);
    let dir = word(folder.0.path());
    let output = crosstie(&["signals", "export", "line", dir]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let file = folder.put("out.csv", &text(&output.stdout));
    check(
        &["signals", "import", "line", word(&file), dir],
        0,
        "0 added, 0 changed, 2 left",
        "",
    );
    let file = folder.put("new.csv", "name,type,writer\n+A,Bool,hub\n");
    check(
        &["signals", "import", "line", word(&file), dir],
        0,
        "a hub that runs takes them at its next start",
        "",
    );
    check(&["signals", "export", "line", dir], 0, "\"+A\"", "1 cell begin");
    let file = folder.put("new.csv", "name,type,writer\nB,Bool,me\n");
    check(&["signals", "import", "line", word(&file), dir], 2, "", "new.csv:2:8");
    check(
        &["signals", "import", "two", word(&file), dir],
        2,
        "",
        "no endpoint named `two`",
    );
    check(
        &["signals", "import", "line", "no-such-file", dir],
        2,
        "",
        "no-such-file cannot be read",
    );
    check(&["route", "export", dir], 0, "from,to\nsim/a,twin/line/Start\n", "");
    let file = folder.put("new.csv", "from,to\nsim/x,sim/y\n");
    check(
        &["route", "import", word(&file), dir],
        0,
        "routes: 1 added, 0 changed, 0 left as they are\na hub that runs in that folder takes them at once\n",
        "",
    );
    folder.put(config::FILE_NAME, "[web\n");
    check(&["route", "export", dir], 2, "", "syntax");
}

/// Signals of one endpoint as the project file may hold them: unique names, values of their kinds.
fn signals() -> impl Strategy<Value = Vec<SignalSetting>> {
    let value = prop_oneof![
        any::<bool>().prop_map(|flag| (Kind::Bool, Value::Bool(flag))),
        any::<i32>().prop_map(|number| (Kind::Int, Value::Int(i64::from(number)))),
        (proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO)
            .prop_map(|number| (Kind::Float, Value::Float(number))),
        "\\PC{1,12}|[=+@\\-\"',;\n\r\t ]{1,4}".prop_map(|text| (Kind::Text, Value::Text(text.into()))),
    ];
    let convention = proptest::option::of(prop_oneof![
        Just(DirectionConvention::Plc),
        Just(DirectionConvention::Simulation)
    ]);
    let signal = (
        "[^\\pC]{1,10}|[=+@\\-\"',; ]{1,4}",
        any::<bool>(),
        value,
        any::<(bool, bool, bool)>(),
        convention,
    );
    proptest::collection::vec(signal, 0..8).prop_map(|signals| {
        let mut taken = std::collections::HashSet::new();
        (signals.into_iter().enumerate())
            .map(
                |(index, (name, is_named, (kind, value), (is_hub, is_given, neutral), convention))| {
                    let wire_name = if taken.insert(name.clone()) {
                        name
                    } else {
                        format!("{name}{index}")
                    };
                    let default = format!("twin/line/{}", wire_name.replace('~', "~0").replace('/', "~1"));
                    SignalSetting {
                        signal: if is_named { format!("sim/ {index}, \"") } else { default },
                        wire_name,
                        kind,
                        owner: if is_hub { Owner::Hub } else { Owner::Peer },
                        value: is_given.then_some(value),
                        convention,
                        neutral,
                    }
                },
            )
            .collect()
    })
}

const EMPTY: &str = "[[realvirtual]]\nname = \"line\"\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn signals_that_are_added_come_back_as_they_were(signals in signals()) {
        let folder = Folder::new(EMPTY);
        add_signals(&folder.0.path().join(config::FILE_NAME), "line", &signals).unwrap();
        prop_assert_eq!(&folder.config().endpoints[0].signals, &signals);
    }

    #[test]
    fn signals_that_are_exported_come_back_as_they_were(signals in signals()) {
        let (from, to) = (Folder::new(EMPTY), Folder::new(EMPTY));
        add_signals(&from.0.path().join(config::FILE_NAME), "line", &signals).unwrap();
        let exported = export_signals(&from.config().endpoints[0]);
        let changes = to.import_signals(&exported.text).unwrap();
        prop_assert_eq!(changes.added, signals.len());
        prop_assert_eq!(&to.config().endpoints[0].signals, &signals);
        let again = to.import_signals(&exported.text).unwrap();
        prop_assert_eq!((again.added, again.changed, again.left), (0, 0, signals.len()));
    }

    #[test]
    fn no_file_makes_an_import_panic(text in any::<String>(), rows in "(name,type,writer\n|from,to\n)?[a,;\"\n\rüsim/BolhubB]{0,60}") {
        for csv in [text, rows] {
            let folder = Folder::new(EMPTY);
            if folder.import_signals(&csv).is_err() & folder.import_routes(&csv).is_err() {
                prop_assert_eq!(folder.project(), EMPTY);
            }
        }
    }
}
