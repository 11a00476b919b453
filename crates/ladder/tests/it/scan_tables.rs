//! Runs the tables of `tests/scan`, and shows what a wrong one is told.

use std::fs;
use std::path::Path;

use crosstie_ladder::scan_table;

/// All problems of a text, of its form or of a run.
fn problems(source: &str) -> Vec<String> {
    match scan_table::read(source) {
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
        Ok(cases) => {
            let failed = cases
                .iter()
                .filter_map(|case| case.run().err().map(|problems| (case, problems)));
            let lines = failed.flat_map(|(case, problems)| {
                problems
                    .into_iter()
                    .map(|problem| format!("{}: {problem}", case.name))
                    .collect::<Vec<_>>()
            });
            lines.collect()
        }
    }
}

#[test]
fn scan_tables_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scan");
    let mut found = Vec::new();
    let mut cases = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "scan") {
            let source = fs::read_to_string(&path).unwrap();
            cases += scan_table::read(&source).map_or(0, |cases| cases.len());
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            found.extend(
                problems(&source)
                    .into_iter()
                    .map(|problem| format!("{name}: {problem}")),
            );
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    assert!(cases >= 60, "only {cases} cases");
}

#[test]
fn a_row_that_does_not_hold_is_told_with_its_line() {
    let program = "case one\nSOR XIC I:0/0 ADD N:0 1 N:0 OTE O:0/0 EOR\ncolumns ms I:0/0 | O:0/0 N:0 state\n";
    let shows = |rows: &str, expected: &[&str]| assert_eq!(problems(&format!("{program}{rows}")), expected);
    shows("10 1 | 1 1 running\n10 0 | 0 1 Running", &[]);
    shows(
        "10 1 | 0 2 Paused\n10 1 | 0 9 .",
        &[
            "one: line 4: expected O:0/0 = 0, got 1",
            "one: line 4: expected N:0 = 2, got 1",
            "one: line 4: expected the state Paused, got Running",
        ],
    );
    shows(
        "do step-scan",
        &["one: line 4: the engine is running; pause or stop it first"],
    );
    shows(
        "10 1 | . . .\nfault X",
        &["one: line 5: expected the fault `X`, got `none`"],
    );
    let fault = "case two\nSOR DIV 1 0 N:0 EOR\ncolumns ms | state\n10 | Fault\n";
    let expected = "Division by zero at rung 0, column 0 (DIV)";
    assert_eq!(
        problems(fault),
        [format!("two: line 4: expected no fault, got `{expected}`")]
    );
    assert_eq!(problems(&format!("{fault}fault {expected}")), [""; 0]);
}

#[test]
fn a_table_that_cannot_be_read_is_told_line_by_line() {
    let source = "10 | 1\ncase one\n10 | 1\nSOR XIC I:9/0 OTE O:0/0 EOR\ncolumns I:0 | O:0\ncolumns ms T:0 | O:0\n\
        columns ms I:0/0 | O:8\ncolumns ms I:0/0 O:0\ncolumns ms I:0/0 | O:0\n10 1 | 2 3\nx 1 | 1\n0.1234 1 | 1\n10 2 | 1\n\
        10 1 | x\n10 | 1\ndo jump\n";
    let expected = [
        "line 1: expected `case` first, got `10`",
        "line 3: expected `columns` before the first row",
        "line 5: expected `ms` as the first heading",
        "line 6: expected a member such as `T:0.ACC`, got `T:0`",
        "line 7: heading `O:8`: expected a word from 0 to 7, got 8",
        "line 8: expected `|` between what goes in and what comes out",
        "line 10: expected 2 values before and 1 behind the bar, got 2 and 2",
        "line 11: expected a time in milliseconds such as 10 or 0.4, up to 3600000, got `x`",
        "line 12: expected a time in milliseconds such as 10 or 0.4, up to 3600000, got `0.1234`",
        "line 13: expected 0 or 1 for I:0/0, got 2",
        "line 14: expected a number for O:0, got `x`",
        "line 15: expected 2 values before and 1 behind the bar, got 1 and 1",
        "line 16: expected start, stop, pause, resume, step-scan, step-rung or reset, got `jump`",
    ];
    let got = problems(source);
    // The program of a case is looked at when the case is over.
    assert_eq!(got[..13], expected);
    assert!(
        got[13..].iter().all(|text| text.starts_with("line 4: E101 rung 0")),
        "{got:?}"
    );
    assert_eq!(got.len(), 14);
}
