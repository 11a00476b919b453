//! `crosstie replay execute`: a recording executed once more, without a hub.

use super::CliError;
use super::record::recording_file;
use crate::reexecution::{self, Difference, Executed};
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The arguments of `crosstie replay execute`.
#[derive(Debug, Args)]
pub struct ExecuteArgs {
    /// A recording that began with the hub: its file, or its name in the project of this folder
    #[arg(value_name = "NAME|FILE")]
    pub file: PathBuf,
    /// Take the project from this folder instead of from the recording: what would it have made of that day?
    #[arg(long, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Executes a recording and prints what came of it; a sample that is another one is exit code 1.
pub(crate) fn execute(args: &ExecuteArgs, out: &mut impl Write) -> Result<(), CliError> {
    let file = recording_file(&args.file, Path::new("."))?;
    let executed = reexecution::execute(&file, args.project.as_deref());
    let executed = executed.map_err(|error| CliError::Usage(error.to_string()))?;
    let text = match args.json {
        true => serde_json::json!(executed).to_string(),
        false => words(&executed),
    };
    writeln!(out, "{text}")?;
    match executed.difference {
        None => Ok(()),
        Some(_) => Err(CliError::Told { exit_code: 1 }),
    }
}

fn words(executed: &Executed) -> String {
    let Executed {
        inputs,
        seconds,
        digest,
        compared,
        ..
    } = executed;
    let mut text =
        format!("executed {inputs} inputs of {seconds:.3} s\noutputs  sha256:{digest}\nsamples  {compared} compared");
    match &executed.difference {
        None => text.push_str(", all the same"),
        Some(difference) => {
            text.push_str("\ndiffers at ");
            text.push_str(&difference_words(difference));
        }
    }
    if let Some(note) = &executed.note {
        text.push_str("\nnote     ");
        text.push_str(note);
    }
    text
}

fn difference_words(difference: &Difference) -> String {
    let scan = difference.scan.map_or(String::new(), |scan| format!(", scan {scan}"));
    let nothing = "did not change";
    let (then, now) = match (&difference.then, &difference.now) {
        (Some(then), Some(now)) => (format!("was {then}"), format!("now {now}")),
        (Some(then), None) => (format!("was {then}"), nothing.to_owned()),
        (None, now) => (
            nothing.to_owned(),
            format!("now {}", now.as_deref().unwrap_or_default()),
        ),
    };
    format!("{:.3} s{scan}: {}: {then}, {now}", difference.at, difference.signal)
}
