//! `crosstie conform`: the flags of the conformance check.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What can be checked.
#[derive(Debug, Subcommand)]
pub enum ConformCommand {
    /// Check a realvirtual server claim by claim; exit code 1 if one is not kept
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
