//! `crosstie check`: everything that is wrong with a project, at once.

use super::{CliError, audit, environment};
use crate::config::{self, Config, Diagnostic, STATE_FOLDER, Severity, Style};
use crate::packages;
use clap::Args;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// The flags of `crosstie check`.
#[derive(Debug, Args)]
#[command(
    after_help = "The environment counts as it would for `crosstie run`. Warnings do not make a project invalid.\n\n\
                  Example:\n  crosstie check my-line --json | jq '.[].code'"
)]
pub struct CheckArgs {
    /// Project folder, the one with crosstie.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Print an array of objects instead of text
    #[arg(long)]
    pub json: bool,
}

/// Prints all diagnostics of a project; exit code 2 when one of them is an error.
pub(super) fn check(args: &CheckArgs, out: &mut (impl Write + IsTerminal)) -> Result<(), CliError> {
    let (overrides, mut found) = environment::read();
    let mut loaded = config::load(&args.dir, &overrides);
    loaded.diagnostics.append(&mut found);
    loaded.diagnostics.append(&mut loaded.program_warnings);
    loaded
        .diagnostics
        .extend(audit::diagnostics(&args.dir.join(STATE_FOLDER)));
    if let Some(sources) = loaded.config.as_ref().and_then(Config::package_sources) {
        loaded.diagnostics.extend(packages::diagnostics(&sources));
    }
    if args.json {
        let list: Vec<_> = loaded.diagnostics.iter().map(Diagnostic::to_json).collect();
        writeln!(out, "{:#}", serde_json::Value::from(list))?;
    } else {
        let style = style_of(out);
        print_diagnostics(&loaded.diagnostics, style, out)?;
        let warnings = loaded
            .diagnostics
            .iter()
            .filter(|found| found.severity == Severity::Warning)
            .count();
        let errors = loaded.diagnostics.len() - warnings;
        match &loaded.config {
            Some(_) if errors > 0 => writeln!(out, "{}, {}", counted(errors, "error"), counted(warnings, "warning"))?,
            Some(config) if warnings == 0 => writeln!(out, "{}", summary(config))?,
            Some(config) => writeln!(out, "{}, {}", summary(config), counted(warnings, "warning"))?,
            None => writeln!(out, "{}, {}", counted(errors, "error"), counted(warnings, "warning"))?,
        }
    }
    if loaded.has_errors() {
        Err(CliError::Told { exit_code: 2 })
    } else {
        Ok(())
    }
}

/// Prints diagnostics for people.
pub(super) fn print_diagnostics(
    diagnostics: &[Diagnostic],
    style: Style,
    out: &mut impl Write,
) -> Result<(), CliError> {
    for diagnostic in diagnostics {
        writeln!(out, "{}", diagnostic.render(style))?;
    }
    Ok(())
}

/// Colours are for terminals whose owner has not declined them.
pub(super) fn style_of(out: &impl IsTerminal) -> Style {
    let is_declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if out.is_terminal() && !is_declined {
        Style::Colour
    } else {
        Style::Plain
    }
}

fn summary(config: &Config) -> String {
    let signal_count = config.endpoints.iter().map(|endpoint| endpoint.signals.len()).sum();
    let contexts = match config.plcs.len() {
        0 => String::new(),
        many => format!(", {}", counted(many, "PLC context")),
    };
    format!(
        "the project \"{}\" is sound: {}, {}, {}{contexts}",
        config.project.name,
        counted(config.endpoints.len(), "endpoint"),
        counted(signal_count, "signal"),
        counted(config.routes.len(), "route"),
    )
}

/// `1 signal`, `2 signals`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
