//! `crosstie plc download`, `upload` and `clear`.

use super::files::{DocumentFile, write_new};
use super::{Context, Which, found};
use crate::cli::CliError;
use crate::cli::check::counted;
use crate::http::plc::rows::diagnostics;
use clap::Args;
use crosstie_hub::plc::Program;
use std::io::{self, BufRead as _, IsTerminal as _, Write};
use std::path::PathBuf;

/// The arguments of `crosstie plc download`.
#[derive(Debug, Args)]
pub struct DownloadArgs {
    /// A .plcproj, or a text with one rung per line
    pub file: PathBuf,
    /// Stop an engine that is not Stopped without asking
    #[arg(long)]
    pub yes: bool,
    /// Which context.
    #[command(flatten)]
    pub which: Which,
}

/// The arguments of `crosstie plc upload`.
#[derive(Debug, Args)]
pub struct UploadArgs {
    /// File to write; standard output without it
    pub file: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    pub force: bool,
    /// Which context.
    #[command(flatten)]
    pub which: Which,
}

/// Gives a context a program; everything that is wrong or doubtful in it is told on standard error.
pub(super) async fn download(args: &DownloadArgs, out: &mut impl Write) -> Result<(), CliError> {
    let document = DocumentFile::read(&args.file)?;
    let program = match Program::read(&document.text) {
        Ok(program) => program,
        // What no engine takes stops none.
        Err(problems) => {
            found::print(&document.name, &diagnostics(&problems), &mut io::stderr())?;
            let text = format!("{} cannot run; nothing is changed", document.name);
            return Err(CliError::Failed(text));
        }
    };
    let mut door = args.which.open().await?;
    let is_stop_allowed = args.yes || may_stop(door.row())?;
    match door.put_program(&program, is_stop_allowed).await {
        Ok(done) => {
            found::print(&document.name, &done.diagnostics, &mut io::stderr())?;
            writeln!(out, "{}", loaded(&done.context))?;
            Ok(())
        }
        Err(refused) => {
            found::print(&document.name, &refused.diagnostics, &mut io::stderr())?;
            Err(refused.error)
        }
    }
}

fn loaded(context: &Context) -> String {
    let sizes = context
        .program
        .as_ref()
        .map(|program| (program.rungs, program.instructions));
    let Some((Some(rungs), Some(instructions))) = sizes else {
        return context.stands();
    };
    format!(
        "{}: {} with {} is loaded",
        context.stands(),
        counted(rungs, "rung"),
        counted(instructions, "instruction")
    )
}

/// Whether an engine that is not Stopped may be stopped: whoever sits at a terminal is asked.
fn may_stop(Context { name, state, .. }: &Context) -> Result<bool, CliError> {
    if state == "Stopped" {
        return Ok(false);
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(CliError::Usage(format!(
            "{name} is {state}, and a download stops it; --yes allows that"
        )));
    }
    write!(
        io::stderr(),
        "{name} is {state}, and a download stops it. Go on? [y/N] "
    )?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        _ => Err(CliError::Failed(format!("{name} is left as it is"))),
    }
}

/// Prints the document of the program, or writes it to a file.
pub(super) async fn upload(args: &UploadArgs, out: &mut impl Write) -> Result<(), CliError> {
    let mut door = args.which.open().await?;
    let document = door.document().await?;
    match &args.file {
        None => out.write_all(document.as_bytes())?,
        Some(file) => {
            write_new(file, document.as_bytes(), args.force)?;
            writeln!(out, "wrote {}: the program of {}", file.display(), door.row().name)?;
        }
    }
    Ok(())
}

/// Takes the program of a context away.
pub(super) async fn clear(which: &Which, out: &mut impl Write) -> Result<(), CliError> {
    let mut door = which.open().await?;
    door.clear().await?;
    writeln!(out, "{} has no program", door.row().name)?;
    Ok(())
}
