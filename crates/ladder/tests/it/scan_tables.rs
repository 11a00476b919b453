//! Runs the tables of `tests/scan` and of the samples, and shows what a wrong one is told.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crosstie_ladder::check::check;
use crosstie_ladder::compile::CompiledProgram;
use crosstie_ladder::instruction::{DecoratorKind, InstructionKind};
use crosstie_ladder::project::{Project, read_project};
use crosstie_ladder::scan_table::{Case, Problem};
use crosstie_ladder::{scan_table, text};

/// All problems of a text, of its form or of a run.
fn problems(source: &str) -> Vec<String> {
    problems_of(scan_table::read(source))
}

fn problems_of(read: Result<Vec<Case>, Vec<Problem>>) -> Vec<String> {
    match read {
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

/// The files of a folder of this repository with this extension.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    found.sort();
    found
}

/// Runs the tables of a folder: how many cases there are.
fn run_tables(folder: &str) -> usize {
    let mut found = Vec::new();
    let mut count = 0;
    for path in files(folder, "scan") {
        let source = fs::read_to_string(&path).unwrap();
        let mut load = |name: &str| fs::read_to_string(path.with_file_name(name)).map_err(|error| error.to_string());
        let read = scan_table::read_beside(&source, &mut load);
        count += read.as_ref().map_or(0, Vec::len);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        found.extend(
            problems_of(read)
                .into_iter()
                .map(|problem| format!("{name}: {problem}")),
        );
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    count
}

#[test]
fn scan_tables_hold() {
    let cases = run_tables("tests/scan");
    assert!(cases >= 60, "only {cases} cases");
}

/// The folder of the samples.
const SAMPLES: &str = "../../examples/ladder";

#[test]
fn the_scan_tables_of_the_samples_hold() {
    let cases = run_tables(SAMPLES);
    assert!(cases >= 20, "only {cases} cases");
}

#[test]
fn the_samples_are_written_as_the_original_does_and_no_check_finds_anything() {
    let paths = files(SAMPLES, "plcproj");
    assert!(paths.len() >= 10, "only {} samples", paths.len());
    let mut kinds = HashSet::new();
    let mut decorators = HashSet::new();
    for path in paths {
        let source = fs::read_to_string(&path).unwrap();
        let project = read_project(&source).unwrap();
        assert_eq!(project.write(), source, "{}", path.display());
        assert_eq!(project.warnings, [], "{}", path.display());
        assert_eq!(check(&project.program), [], "{}", path.display());
        let compiled = CompiledProgram::new(&project.program).unwrap();
        assert_eq!(compiled.warnings(), [], "{}", path.display());
        assert!(path.with_extension("scan").exists(), "{} has no table", path.display());
        for (_, instruction) in project.program.instructions() {
            kinds.insert(instruction.kind);
            decorators.extend(instruction.decorators.iter().map(|decorator| decorator.kind));
        }
    }
    let missing: Vec<_> = InstructionKind::ALL
        .iter()
        .filter(|kind| !kinds.contains(kind))
        .collect();
    assert!(missing.is_empty(), "no sample has {missing:?}");
    assert_eq!(decorators.len(), DecoratorKind::ALL.len());
}

#[test]
fn a_project_file_that_cannot_be_had_is_told_with_its_line() {
    let beside = |source: &str| {
        let mut load = |name: &str| match name {
            "good.plcproj" => Ok(Project::new(text::read("SOR XIC I:0/0 OTE O:0/0 EOR").unwrap()).write()),
            "wrong.plcproj" => Ok(Project::new(text::read("SOR XIC I:9/0 OTE O:0/0 EOR").unwrap()).write()),
            "bad.plcproj" => Ok("<PLCProject/>".to_owned()),
            _ => Err("no such file".to_owned()),
        };
        problems_of(scan_table::read_beside(source, &mut load))
    };
    let row = "columns ms I:0/0 | O:0/0\n10 1 | 1\n";
    assert_eq!(beside(&format!("case a\nprogram good.plcproj\n{row}")), [""; 0]);
    let name = "expected the name of a .plcproj file beside the table, got";
    for (program, expected) in [
        ("program good.plcproj\nSOR EOR", "good.plcproj: expected either a project file or a program, got both".to_owned()),
        ("program none.plcproj", "none.plcproj: no such file".to_owned()),
        ("program ../good.plcproj", format!("{name} `../good.plcproj`")),
        ("program /good.plcproj", format!("{name} `/good.plcproj`")),
        ("program good.txt", format!("{name} `good.txt`")),
        (
            "program bad.plcproj",
            "bad.plcproj: E103 (line 1, character 1): expected `version` such as 3.2 in `PLCProject`".to_owned(),
        ),
        (
            "program wrong.plcproj",
            "wrong.plcproj: E101 rung 0 column 0 (line 11, character 55): `address` of XIC: expected a word from 0 to 7, got 9".to_owned(),
        ),
    ] {
        let found = beside(&format!("case a\n{program}\n"));
        assert_eq!(found, [format!("line 2: {expected}")]);
    }
    let alone = problems("case a\nprogram good.plcproj\n");
    assert_eq!(
        alone,
        ["line 2: good.plcproj: a table without a folder has no files beside it"]
    );
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
fn a_heading_that_is_a_symbol_is_told_with_its_address() {
    let source = "case one\nSYM Stop I:0/1 BOOL\nSOR XIC Stop OTE O:0/0 EOR\ncolumns ms stop | O:0\n\
        case two\nSOR XIC I:0/1 OTE O:0/0 EOR\ncolumns ms Stop | O:0\n";
    let expected = [
        "line 4: heading `stop`: symbols are not taken here; write its address, I:0/1",
        "line 7: heading `Stop`: symbols are not taken here, only addresses such as I:0/1",
    ];
    assert_eq!(problems(source), expected);
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
