//! `crosstie plc scan-test`: scan tables, run without a hub, for people and for build servers.

use super::files::DocumentFile;
use crate::cli::CliError;
use crate::cli::check::counted;
use clap::Args;
use crosstie_ladder::scan_table::{self, Problem};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The arguments of `crosstie plc scan-test`.
#[derive(Debug, Args)]
pub struct ScanTestArgs {
    /// Scan tables, or folders of them
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Also write a JUnit report
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// What a folder is searched for.
const TABLE_ENDING: &str = "scan";
/// How deep folders may stand in each other. What lies deeper is a mistake.
const FOLDER_DEPTH_MAX: usize = 32;

/// One table and how it went.
#[derive(Debug)]
struct Table {
    /// Its file, as it was found.
    name: String,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    /// It was read, and this is how its cases went.
    Run(Vec<Run>),
    /// It is no table.
    Unreadable(Vec<Problem>),
    /// Its file cannot be read.
    NoFile(String),
}

/// One case and how it went.
#[derive(Debug)]
struct Run {
    name: String,
    line: u32,
    problems: Vec<Problem>,
    took: Duration,
}

/// Runs tables and prints how their cases went; exit code 1 when one does not hold, 2 when a table cannot be read.
pub(super) fn scan_test(args: &ScanTestArgs, out: &mut impl Write) -> Result<(), CliError> {
    let mut files = Vec::new();
    for path in &args.files {
        collect(path, 0, &mut files)?;
    }
    let mut tables = Vec::new();
    for path in &files {
        let table = run(path);
        print(&table, out)?;
        tables.push(table);
    }
    if let Some(path) = &args.junit {
        let written = std::fs::write(path, junit(&tables));
        written.map_err(|error| CliError::Failed(format!("{}: {error}", path.display())))?;
    }
    let runs = || tables.iter().flat_map(Table::runs);
    let failed = runs().filter(|run| !run.problems.is_empty()).count();
    let passed = runs().count() - failed;
    let unreadable = tables.iter().filter(|table| table.is_unreadable()).count();
    let mut summary = format!("{passed} passed, {failed} failed in {}", counted(tables.len(), "table"));
    if unreadable > 0 {
        summary.push_str(&format!(", {unreadable} of them unreadable"));
    }
    writeln!(out, "\n{summary}")?;
    match (unreadable, failed) {
        (1.., _) => Err(CliError::Told { exit_code: 2 }),
        (0, 1..) => Err(CliError::Told { exit_code: 1 }),
        (0, 0) if passed == 0 => Err(CliError::Usage(String::from("no case was found"))),
        (0, 0) => Ok(()),
    }
}

/// The tables behind a path, in the order of their names. Links in folders are not followed.
fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), CliError> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mistake = |what: &dyn std::fmt::Display| CliError::Usage(format!("{}: {what}", path.display()));
    if depth > FOLDER_DEPTH_MAX {
        return Err(mistake(&"expected folders that stand less deep in each other"));
    }
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = entries.map_err(|error| mistake(&error))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let is_table = path.extension().is_some_and(|ending| ending == TABLE_ENDING);
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_table || is_folder {
            collect(&path, depth + 1, files)?;
        }
    }
    Ok(())
}

fn run(path: &Path) -> Table {
    let name = path.display().to_string();
    let source = match DocumentFile::read(path) {
        Ok(file) => file.text,
        Err(error) => {
            let outcome = Outcome::NoFile(error.to_string());
            return Table { name, outcome };
        }
    };
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut load = |name: &str| match DocumentFile::read(&folder.join(name)) {
        Ok(file) => Ok(file.text),
        Err(error) => Err(error.to_string()),
    };
    let outcome = match scan_table::read_beside(&source, &mut load) {
        Err(problems) => Outcome::Unreadable(problems),
        Ok(cases) => Outcome::Run(cases.iter().map(run_case).collect()),
    };
    Table { name, outcome }
}

fn run_case(case: &scan_table::Case) -> Run {
    let start = Instant::now();
    let problems = case.run().err().unwrap_or_default();
    Run {
        name: case.name.clone(),
        line: case.line,
        problems,
        took: start.elapsed(),
    }
}

impl Table {
    fn runs(&self) -> &[Run] {
        match &self.outcome {
            Outcome::Run(runs) => runs,
            Outcome::Unreadable(_) | Outcome::NoFile(_) => &[],
        }
    }

    fn is_unreadable(&self) -> bool {
        !matches!(self.outcome, Outcome::Run(_))
    }

    /// A problem with its place.
    fn placed(&self, problem: &Problem) -> String {
        format!("{}:{}: {}", self.name, problem.line, problem.text)
    }
}

fn print(table: &Table, out: &mut impl Write) -> Result<(), CliError> {
    let name = &table.name;
    match &table.outcome {
        Outcome::NoFile(text) => writeln!(out, "UNREADABLE  {text}")?,
        Outcome::Unreadable(problems) => {
            writeln!(out, "UNREADABLE  {name}")?;
            for problem in problems {
                writeln!(out, "            {}", table.placed(problem))?;
            }
        }
        Outcome::Run(runs) => {
            for run in runs {
                let word = if run.problems.is_empty() { "passed" } else { "FAILED" };
                writeln!(out, "{word}  {name}:{}  {}", run.line, run.name)?;
                for problem in &run.problems {
                    writeln!(out, "        {}", table.placed(problem))?;
                }
            }
        }
    }
    Ok(())
}

/// The report as JUnit XML: a suite per table, a test case per case; a table that cannot be read is a case with an error.
fn junit(tables: &[Table]) -> String {
    let mut report = quick_junit::Report::new("scan tables");
    for table in tables {
        let mut suite = TestSuite::new(table.name.as_str());
        let refused = |lines: Vec<String>| {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status
                .set_message("the table cannot be read")
                .set_description(lines.join("\n"));
            TestCase::new("read", status)
        };
        match &table.outcome {
            Outcome::NoFile(text) => {
                suite.add_test_case(refused(vec![text.clone()]));
            }
            Outcome::Unreadable(problems) => {
                let lines = problems.iter().map(|problem| table.placed(problem)).collect();
                suite.add_test_case(refused(lines));
            }
            Outcome::Run(runs) => {
                for run in runs {
                    suite.add_test_case(case_of(table, run));
                }
            }
        }
        report.add_test_suite(suite);
    }
    report
        .to_string()
        .expect("every text of a report is a string, and those can be written as XML")
}

fn case_of(table: &Table, run: &Run) -> TestCase {
    let status = match run.problems.as_slice() {
        [] => TestCaseStatus::success(),
        [first, ..] => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let lines: Vec<String> = run.problems.iter().map(|problem| table.placed(problem)).collect();
            status
                .set_message(first.text.as_str())
                .set_description(lines.join("\n"));
            status
        }
    };
    let mut case = TestCase::new(run.name.as_str(), status);
    case.set_classname(table.name.as_str()).set_time(run.took);
    case
}
