//! `crosstie signals export` and `import`, `crosstie route export` and `import`: the project folder and CSV.
//!
//! These verbs work on the files of a project, and no hub has to run. One that runs takes routes at once and signals at its next
//! start.

use super::check::{counted, print_diagnostics, style_of};
use super::{At, CliError};
use crate::config::{self, Changes, Config, Exported, ImportError, Overrides};
use clap::Args;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The arguments of `crosstie signals export`.
#[derive(Debug, Args)]
pub struct ExportSignalsArgs {
    /// Name of the endpoint, as the project says it
    pub endpoint: String,
    /// Project folder, the one with crosstie.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
}

/// The arguments of `crosstie signals import`.
#[derive(Debug, Args)]
pub struct ImportSignalsArgs {
    /// Name of the endpoint, as the project says it
    pub endpoint: String,
    /// CSV with the columns name, type, writer and any of signal, value, direction_convention, neutral
    pub file: PathBuf,
    /// Project folder, the one with crosstie.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
}

/// The arguments of `crosstie route export`.
#[derive(Debug, Args)]
pub struct ExportRoutesArgs {
    /// Ask the hub that runs, and not the files of a project
    #[arg(long, conflicts_with = "dir")]
    pub hub: bool,
    /// Project folder, the one with crosstie.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie route import`.
#[derive(Debug, Args)]
pub struct ImportRoutesArgs {
    /// CSV with the columns from and to, and any other key of a route
    pub file: PathBuf,
    /// Remove the routes that the file does not have
    #[arg(long)]
    pub replace: bool,
    /// Hand the file to the hub that runs, which takes the routes at once and writes them into its own project
    #[arg(long, conflicts_with = "dir")]
    pub hub: bool,
    /// Project folder, the one with crosstie.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// Prints the signals of an endpoint as CSV.
pub(super) fn export_signals(args: &ExportSignalsArgs, out: &mut impl Write) -> Result<(), CliError> {
    let config = project(&args.dir)?;
    let endpoint = config.endpoint(&args.endpoint).ok_or_else(|| {
        let unknown = ImportError::UnknownEndpoint(args.endpoint.clone());
        CliError::Usage(unknown.to_string())
    })?;
    print(&config::export_signals(endpoint), out)
}

/// Prints the routes of a project as CSV.
pub(super) fn export_routes(args: &ExportRoutesArgs, out: &mut impl Write) -> Result<(), CliError> {
    print(&config::export_routes(&project(&args.dir)?.routes), out)
}

/// Takes the signals of a file into the project.
pub(super) fn import_signals(args: &ImportSignalsArgs, out: &mut impl Write) -> Result<(), CliError> {
    let changes = config::import_signals(&args.dir, &args.endpoint, &args.file);
    let changes = told(changes)?;
    print_changes(changes, &format!("signals of `{}`", args.endpoint), out)?;
    if changes.added + changes.changed > 0 {
        writeln!(out, "a hub that runs takes them at its next start")?;
    }
    Ok(())
}

/// Takes the routes of a file into the project.
pub(super) fn import_routes(args: &ImportRoutesArgs, out: &mut impl Write) -> Result<(), CliError> {
    let changes = config::import_routes(&args.dir, &args.file, args.replace);
    let changes = told(changes)?;
    print_changes(changes, "routes", out)?;
    if changes.added + changes.changed + changes.removed > 0 {
        writeln!(out, "a hub that runs in that folder takes them at once")?;
    }
    Ok(())
}

/// The text of a file of routes that goes to a hub.
pub(super) fn table_of(file: &Path) -> Result<String, CliError> {
    let shown = file.display();
    std::fs::read_to_string(file).map_err(|error| CliError::Usage(format!("{shown} cannot be read: {error}")))
}

/// The project of a folder as its files say it.
fn project(dir: &Path) -> Result<Config, CliError> {
    let loaded = config::load(dir, &Overrides::default());
    match loaded.config {
        Some(config) => Ok(config),
        None => told(Err(ImportError::Mistakes(loaded.diagnostics))),
    }
}

fn print(exported: &Exported, out: &mut impl Write) -> Result<(), CliError> {
    out.write_all(exported.text.as_bytes())?;
    if exported.formula_like > 0 {
        let cells = counted(exported.formula_like, "cell");
        writeln!(
            io::stderr(),
            "{cells} begin with =, +, - or @: they are written as they are, in quotes; open the file with its columns as text"
        )?;
    }
    Ok(())
}

fn print_changes(changes: Changes, of: &str, out: &mut impl Write) -> Result<(), CliError> {
    let Changes {
        added,
        changed,
        left,
        removed,
    } = changes;
    let gone = match removed {
        0 => String::new(),
        removed => format!(", {removed} removed"),
    };
    writeln!(
        out,
        "{of}: {added} added, {changed} changed, {left} left as they are{gone}"
    )?;
    Ok(())
}

/// Tells every mistake at its place on standard error.
fn told<T>(result: Result<T, ImportError>) -> Result<T, CliError> {
    let diagnostics = match result {
        Ok(value) => return Ok(value),
        Err(ImportError::Mistakes(diagnostics) | ImportError::Write(config::WriteError::Invalid(diagnostics))) => {
            diagnostics
        }
        Err(error @ ImportError::UnknownEndpoint(_)) => return Err(CliError::Usage(error.to_string())),
        Err(error) => return Err(CliError::failed(&error)),
    };
    let stderr = &mut io::stderr();
    print_diagnostics(&diagnostics, style_of(stderr), stderr)?;
    Err(CliError::Told { exit_code: 2 })
}
