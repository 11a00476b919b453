//! `crosstie backup` and `crosstie restore`: a project in one file, and back.

use super::CliError;
use super::check::{CheckArgs, check, counted, print_diagnostics, style_of};
use crate::backup::{BackupError, Summary, pack, unpack};
use crate::config::{self, Overrides};
use clap::Args;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

/// The arguments of `crosstie backup`.
#[derive(Debug, Args)]
#[command(
    after_help = "The file holds the project file, the files that it names and everything under state/, keys included: \
                        only its owner may read it. A hub may run meanwhile.\n\n\
                        Example:\n  crosstie backup my-line.tar.gz my-line"
)]
pub struct BackupArgs {
    /// File to write, such as my-line.tar.gz
    pub file: PathBuf,
    /// Project folder, the one with crosstie.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    pub force: bool,
}

/// The arguments of `crosstie restore`.
#[derive(Debug, Args)]
#[command(
    after_help = "Everything in the file is checked before anything is put in place. End a hub that runs in the folder first.\n\n\
                        Example:\n  crosstie restore my-line.tar.gz my-line"
)]
pub struct RestoreArgs {
    /// File of a backup
    pub file: PathBuf,
    /// Folder to make; it must be empty or not exist
    pub dir: PathBuf,
    /// Put a folder that is not empty aside, under another name
    #[arg(long)]
    pub force: bool,
}

impl From<BackupError> for CliError {
    fn from(error: BackupError) -> CliError {
        CliError::failed(&error)
    }
}

/// Makes a backup.
pub(super) fn backup(args: &BackupArgs, out: &mut impl Write) -> Result<(), CliError> {
    // What the environment says is not part of the project.
    let loaded = config::load(&args.dir, &Overrides::default());
    let Some(config) = loaded.config else {
        print_diagnostics(&loaded.diagnostics, style_of(&io::stderr()), &mut io::stderr())?;
        return Err(CliError::Usage(String::from(
            "no backup was made: which files belong to a project with mistakes is not known",
        )));
    };
    let summary = pack(&config, &args.file, args.force)?;
    writeln!(
        out,
        "wrote {}: {} of the project \"{}\"; it holds its keys, so keep it safe",
        args.file.display(),
        contents(&summary),
        summary.project
    )?;
    Ok(())
}

/// Restores a backup and checks the project.
pub(super) fn restore(args: &RestoreArgs, out: &mut (impl Write + IsTerminal)) -> Result<(), CliError> {
    let summary = unpack(&args.file, &args.dir, args.force)?;
    writeln!(
        out,
        "restored {} of the project \"{}\" into {}",
        contents(&summary),
        summary.project,
        args.dir.display()
    )?;
    if let Some(aside) = &summary.put_aside {
        writeln!(out, "what was there is now {}", aside.display())?;
    }
    let args = CheckArgs {
        dir: args.dir.clone(),
        json: false,
    };
    check(&args, out)
}

fn contents(summary: &Summary) -> String {
    format!("{} with {} bytes", counted(summary.files, "file"), summary.bytes)
}
