//! `crosstie audit`: what is in the audit log of a project.

use super::{CliError, key};
use crate::audit::{self, Broken};
use crate::config::{Diagnostic, Severity, SourceText, shown_path};
use clap::Args;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Entries that are read from the log at a time.
const PAGE_LEN: usize = 1_000;

/// The flags of `crosstie audit`.
#[derive(Debug, Args)]
#[command(after_help = "`crosstie check` finds out whether the log is as it was written.\n\n\
                  Example:\n  crosstie audit my-line --tail 20")]
pub struct AuditArgs {
    /// Project folder, the one with crosstie.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Print the newest N entries only
    #[arg(long, value_name = "N")]
    pub tail: Option<usize>,
}

/// Prints entries, the oldest first.
pub(super) fn audit(args: &AuditArgs, out: &mut impl Write) -> Result<(), CliError> {
    let folder = key::state_folder(&args.dir)?;
    let unreadable = |error: std::io::Error| CliError::Failed(format!("the audit log cannot be read: {error}"));
    let newest = audit::read_before(&folder, None, 1).map_err(unreadable)?;
    let Some(newest) = newest.first().map(|entry| entry.n) else {
        writeln!(std::io::stderr(), "the audit log is empty")?;
        return Ok(());
    };
    let wanted = args.tail.and_then(|tail| u64::try_from(tail).ok()).unwrap_or(u64::MAX);
    // Pages go from old to new, so that a long log needs little memory.
    let mut first = newest.saturating_sub(wanted.saturating_sub(1)).max(1);
    while first <= newest && wanted > 0 {
        let next = (first + PAGE_LEN as u64).min(newest + 1);
        let mut page = audit::read_before(&folder, Some(next), PAGE_LEN).map_err(unreadable)?;
        page.retain(|entry| entry.n >= first);
        for entry in page.iter().rev() {
            let change = match (&entry.old, &entry.new) {
                (Value::Null, Value::Null) => String::new(),
                (old, new) => format!("  {old} → {new}"),
            };
            let from = match entry.from.as_str() {
                "" => String::new(),
                from => format!(" ({from})"),
            };
            let line = format!(
                "{:>6}  {}  {}{from}  {}  {}{change}",
                entry.n, entry.at, entry.who, entry.what, entry.subject
            );
            writeln!(out, "{}", visible(&line))?;
        }
        first = next;
    }
    Ok(())
}

/// Names come from peers; a terminal obeys control characters.
fn visible(line: &str) -> String {
    line.chars()
        .map(|char| if char.is_control() { '\u{fffd}' } else { char })
        .collect()
}

/// What `crosstie check` says about the log: at most one diagnostic, at the first place where it is not as it was written.
pub(super) fn diagnostics(folder: &Path) -> Vec<Diagnostic> {
    match audit::verify(folder) {
        Ok(Ok(_)) => Vec::new(),
        Ok(Err(broken)) => vec![diagnostic(broken)],
        Err(error) => vec![diagnostic(Broken {
            file: folder.join("audit.jsonl"),
            line: 1,
            text: String::new(),
            found: format!("the audit log cannot be read: {error}"),
            is_torn: false,
        })],
    }
}

fn diagnostic(broken: Broken) -> Diagnostic {
    let Broken {
        file,
        line,
        text,
        found,
        is_torn,
    } = broken;
    let file = shown_path(&file);
    // Empty lines stand for those above, so that what is shown has its own number.
    let before = "\n".repeat(line - 1);
    let span = before.len()..before.len() + text.len();
    let help = if is_torn {
        "a power failure can tear the last line: the hub cuts it off at its next start and writes that down"
    } else {
        "somebody or something has changed the log; a backup has it as it was"
    };
    Diagnostic {
        source: SourceText::new(file.as_str(), format!("{before}{text}")),
        line,
        column: 1,
        span,
        severity: if is_torn { Severity::Warning } else { Severity::Error },
        code: if is_torn { "audit_torn" } else { "audit_broken" },
        found: format!("the audit log is broken at {file}, line {line}: {found}"),
        expected: String::from("the log as it was written"),
        help: Some(help.to_owned()),
    }
}
