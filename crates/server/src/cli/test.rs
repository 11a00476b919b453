//! `crosstie test`: the tests of a project on virtual time, without a hub.

use super::CliError;
use super::check::counted;
use super::record::recording_file;
use crate::testbench::accept::{AcceptError, Wish, accept};
use crate::testbench::budget::Budget;
use crate::testbench::diagram::Signs;
use crate::testbench::{self, Options, Place};
use clap::{Args, Subcommand};
use std::io::Write;
use std::path::PathBuf;

/// `crosstie test …`.
#[derive(Debug, Subcommand)]
pub enum TestCommand {
    /// Run the tests of a project: scripts, scan tables and accepted recordings
    #[command(
        after_help = "Exit codes: 0 everything passed, 1 something failed, 2 a test or the project is wrong itself.\n\n\
                      Example:\n  crosstie test run my-line --repeat 100 --junit report.xml"
    )]
    Run(RunArgs),
    /// Make a test of a recording: what the outside world said is said again, and what routes and PLCs make of it is compared
    #[command(
        after_help = "The recording is run once and refused when the project does not do what it says.\n\n\
                      Example:\n  crosstie test accept recordings/2026-01-01T10-00-00Z.mcap --name start --signals 'plc/**'"
    )]
    Accept(AcceptArgs),
}

/// The arguments of `crosstie test run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Project folder, a folder of tests in it, or one test
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Also write a JUnit report
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Run every case so often; it passes when it passes every time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub repeat: u32,
    /// Only tests and cases whose name holds this text
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Print an object instead of text
    #[arg(long)]
    pub json: bool,
    /// Draw diagrams with ASCII only
    #[arg(long)]
    pub ascii: bool,
}

/// The arguments of `crosstie test accept`.
#[derive(Debug, Args)]
pub struct AcceptArgs {
    /// The recording: a file, or the name of one in the project's folder of recordings
    pub recording: PathBuf,
    /// Project folder, the one with crosstie.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Name of the test; that of the recording without it
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Compare only signals that fit this pattern; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub signals: Vec<String>,
    /// Numbers of these signals may differ by so much: PATTERN=0.1; may be repeated
    #[arg(long, value_name = "PATTERN=NUMBER", value_parser = tolerance)]
    pub tolerance: Vec<(String, f64)>,
    /// Replace a test of the same name
    #[arg(long)]
    pub force: bool,
    /// Draw diagrams with ASCII only
    #[arg(long)]
    pub ascii: bool,
}

fn tolerance(text: &str) -> Result<(String, f64), String> {
    let expected = || String::from("expected PATTERN=NUMBER with a number from 0, such as plc/line/N:10=0.5");
    let (pattern, number) = text.rsplit_once('=').ok_or_else(expected)?;
    let number: f64 = number.trim().parse().map_err(|_| expected())?;
    match number.is_finite() && number >= 0.0 && !pattern.is_empty() {
        true => Ok((pattern.to_owned(), number)),
        false => Err(expected()),
    }
}

/// Carries out a verb of `crosstie test`.
pub(super) fn test(command: TestCommand, out: &mut impl Write) -> Result<(), CliError> {
    match command {
        TestCommand::Run(args) => run(&args, out),
        TestCommand::Accept(args) => accept_recording(&args, out),
    }
}

fn accept_recording(args: &AcceptArgs, out: &mut impl Write) -> Result<(), CliError> {
    let recording = recording_file(&args.recording, &args.dir)?;
    let wish = Wish {
        recording,
        name: args.name.clone(),
        signals: args.signals.clone(),
        tolerances: args.tolerance.clone(),
        replaces: args.force,
        signs: if args.ascii { Signs::Ascii } else { Signs::Unicode },
    };
    match accept(&args.dir, &wish, &Budget::default()) {
        Ok(made) => {
            let compared = counted(made.compared, "signal");
            writeln!(out, "{} compares {compared}: {}", made.name, made.path.display())?;
            Ok(())
        }
        Err(error @ AcceptError::Exists(_)) => Err(CliError::Failed(format!("{error}; --force replaces it"))),
        Err(error @ (AcceptError::Name(_) | AcceptError::Unusable(_))) => Err(CliError::Usage(error.to_string())),
        Err(error) => Err(CliError::failed(&error)),
    }
}

fn run(args: &RunArgs, out: &mut impl Write) -> Result<(), CliError> {
    if !args.dir.exists() {
        return Err(CliError::Usage(format!(
            "{}: expected a folder or a test",
            args.dir.display()
        )));
    }
    let place = Place::of(&args.dir);
    let tests =
        testbench::find(&place).map_err(|error| CliError::Usage(format!("{}: {error}", place.folder.display())))?;
    let options = Options {
        filter: args.filter.clone(),
        repeat: args.repeat,
        signs: if args.ascii { Signs::Ascii } else { Signs::Unicode },
        threads: None,
    };
    let budget = Budget::default();
    let mut written = Ok(());
    let summary = testbench::run(&place, &tests, &options, &budget, |result| {
        if !args.json && written.is_ok() {
            written = out.write_all(result.to_text().as_bytes());
            if written.is_err() {
                // Whoever read it has seen enough.
                budget.stop();
            }
        }
    });
    written?;
    if let Some(path) = &args.junit {
        let report = summary.to_junit().map_err(CliError::Failed)?;
        std::fs::write(path, report).map_err(|error| CliError::Failed(format!("{}: {error}", path.display())))?;
    }
    match args.json {
        true => writeln!(out, "{:#}", summary.to_json())?,
        false => writeln!(out, "\n{} in {}", summary.to_text(), counted(summary.tests(), "test"))?,
    }
    match (summary.broken(), summary.failed()) {
        (1.., _) => Err(CliError::Told { exit_code: 2 }),
        (0, 1..) => Err(CliError::Told { exit_code: 1 }),
        (0, 0) if summary.results.is_empty() && !tests.is_empty() => {
            let filter = args.filter.as_deref().unwrap_or_default();
            let (folder, found) = (place.folder.display(), counted(tests.len(), "test"));
            Err(CliError::Usage(format!(
                "no test fits the filter '{filter}': none of {found} in {folder} has it in its file's name or in a case's"
            )))
        }
        (0, 0) if summary.results.is_empty() => {
            let folder = place.folder.display();
            Err(CliError::Usage(format!(
                "no test was found in {folder}: expected *.toml, *.scan or *.test.toml"
            )))
        }
        (0, 0) => Ok(()),
    }
}
