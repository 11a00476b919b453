//! `crosstie classroom check`: the learning packages of a project.

use super::show;
use crate::cli::check::{counted, print_diagnostics, style_of};
use crate::cli::{CliError, environment, table};
use crate::config::{self, Diagnostic, Severity};
use crate::http::classroom::rows::ClassCatalog;
use crate::packages;
use clap::Args;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// The arguments of `crosstie classroom check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Project folder, the one with crosstie.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Print an array of objects instead of text
    #[arg(long)]
    pub json: bool,
}

/// Prints what is wrong with the packages, and the models that are found all the same; exit code 2 when one is broken.
pub(super) fn check(args: &CheckArgs, out: &mut (impl Write + IsTerminal)) -> Result<(), CliError> {
    let (overrides, _) = environment::read();
    let loaded = config::load(&args.dir, &overrides);
    let Some(project) = &loaded.config else {
        print_diagnostics(&loaded.diagnostics, style_of(out), out)?;
        return Err(CliError::Told { exit_code: 2 });
    };
    let sources = project.package_sources().ok_or_else(|| {
        CliError::Usage(format!(
            "the project in {} has no [classroom]: add that section to have learning packages",
            args.dir.display()
        ))
    })?;
    let found = packages::diagnostics(&sources);
    let errors = found.iter().filter(|found| found.severity == Severity::Error).count();
    if args.json {
        let list: Vec<_> = found.iter().map(Diagnostic::to_json).collect();
        writeln!(out, "{:#}", serde_json::Value::from(list))?;
    } else {
        print_diagnostics(&found, style_of(out), out)?;
        let catalog = ClassCatalog::new(&packages::read(&sources), usize::MAX);
        if !catalog.models.is_empty() {
            table::print(show::MODELS, &show::models(&catalog), out)?;
        }
        let models = counted(catalog.models.len(), "model");
        let warnings = counted(found.len() - errors, "warning");
        writeln!(out, "{models}, {}, {warnings}", counted(errors, "error"))?;
    }
    match errors {
        0 => Ok(()),
        _ => Err(CliError::Told { exit_code: 2 }),
    }
}
