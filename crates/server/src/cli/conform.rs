//! `crosstie conform`: the flags of the conformance check.

use super::CliError;
use crate::conform::{self, Options};
use clap::{Args, Subcommand};
use std::io::Write;
use std::path::PathBuf;

/// What can be checked.
#[derive(Debug, Subcommand)]
pub enum ConformCommand {
    /// Check a realvirtual server claim by claim; exit code 1 if one is not kept. It writes to every signal that a peer may
    /// write: use it on a plant that nobody drives meanwhile
    #[command(after_help = "Examples:\n  crosstie conform realvirtual ws://127.0.0.1:1234/\n  \
                      crosstie conform realvirtual ws://127.0.0.1:1234/ --only RV-10 --only RV-12 --junit report.xml")]
    Realvirtual {
        /// Address of the server
        url: String,
        /// What to check and how to report.
        #[command(flatten)]
        options: ConformOptions,
    },
}

/// What to check and how to report.
#[derive(Clone, Debug, Default, Args)]
pub struct ConformOptions {
    /// Also write a JUnit report
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Print a JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Check only this claim, such as RV-10; may be given more than once
    #[arg(long, value_name = "CLAIM")]
    pub only: Vec<String>,
}

/// Checks a server and prints the report.
pub(super) async fn realvirtual(url: &str, args: &ConformOptions, out: &mut dyn Write) -> Result<(), CliError> {
    let options = Options {
        only: args.only.clone(),
        ..Options::default()
    };
    if let Some(unknown) = options.unknown().first() {
        return Err(CliError::Usage(format!(
            "--only {unknown}: no claim or check has this name"
        )));
    }
    let report = conform::realvirtual(url, &options).await;
    if let Some(path) = &args.junit {
        std::fs::write(path, report.to_junit())?;
    }
    let text = if args.json { report.to_json() } else { report.to_text() };
    writeln!(out, "{}", text.trim_end())?;
    match report.exit_code() {
        0 => Ok(()),
        exit_code => Err(CliError::Told { exit_code }),
    }
}
