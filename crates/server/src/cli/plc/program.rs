//! `crosstie plc download`, `upload` and `clear`.

use super::files::{DocumentFile, write_new};
use super::{Context, Found, Which, found};
use crate::cli::CliError;
use crate::cli::check::counted;
use crate::http::plc::rows::{DiagnosticRow, diagnostics};
use axum::http::Method;
use clap::Args;
use crosstie_hub::plc::Program;
use serde_json::Value;
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
    // What no engine takes stops none.
    if let Err(problems) = Program::read(&document.text) {
        found::print(&document.name, &diagnostics(&problems), &mut io::stderr())?;
        let text = format!("{} cannot run; nothing is changed", document.name);
        return Err(CliError::Failed(text));
    }
    let found = args.which.find().await?;
    let is_stop_allowed = args.yes || may_stop(&found)?;
    let path = format!("{}/program?stop={is_stop_allowed}", found.path);
    match found.hub.put_text(&path, document.text).await {
        Ok(answer) => {
            found::print(&document.name, &rows(&answer)?, &mut io::stderr())?;
            let context = Context::of(answer)?;
            writeln!(out, "{}", loaded(&context))?;
            Ok(())
        }
        Err((answer, error)) => {
            found::print(&document.name, &rows(&answer)?, &mut io::stderr())?;
            Err(error)
        }
    }
}

fn rows(answer: &Value) -> Result<Vec<DiagnosticRow>, CliError> {
    match &answer["diagnostics"] {
        Value::Null => Ok(Vec::new()),
        rows => serde_json::from_value(rows.clone()).map_err(|error| CliError::failed(&error)),
    }
}

fn loaded(context: &Context) -> String {
    let Some(program) = &context.program else {
        return context.stands();
    };
    format!(
        "{}: {} with {} is loaded",
        context.stands(),
        counted(program.rungs, "rung"),
        counted(program.instructions, "instruction")
    )
}

/// Whether an engine that is not Stopped may be stopped: whoever sits at a terminal is asked.
fn may_stop(found: &Found) -> Result<bool, CliError> {
    let Context { name, state, .. } = &found.row;
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
    let found = args.which.find().await?;
    let path = format!("{}/program?format=document", found.path);
    let document = found.hub.get_text(&path).await?;
    match &args.file {
        None => out.write_all(document.as_bytes())?,
        Some(file) => {
            write_new(file, document.as_bytes(), args.force)?;
            writeln!(out, "wrote {}: the program of {}", file.display(), found.row.name)?;
        }
    }
    Ok(())
}

/// Takes the program of a context away.
pub(super) async fn clear(which: &Which, out: &mut impl Write) -> Result<(), CliError> {
    let found = which.find().await?;
    let path = format!("{}/program", found.path);
    found.hub.send(Method::DELETE, &path, None).await?;
    writeln!(out, "{} has no program", found.row.name)?;
    Ok(())
}
