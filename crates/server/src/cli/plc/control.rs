//! `crosstie plc status`, the commands to an engine, and breakpoints.

use super::{Context, Which, no_context, rows};
use crate::cli::api::Hub;
use crate::cli::{At, CliError, table};
use axum::http::Method;
use clap::Args;
use serde_json::{Value, json};
use std::io::Write;

/// The flags of `crosstie plc status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Id or name of the only context to print
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Print an array of objects instead of a table
    #[arg(long)]
    pub json: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie plc break`.
#[derive(Debug, Args)]
pub struct BreakArgs {
    /// The rung, counted from 0
    #[arg(required_unless_present = "clear")]
    pub rung: Option<usize>,
    /// Remove the breakpoint of this rung, or all of them
    #[arg(long)]
    pub clear: bool,
    /// Which context.
    #[command(flatten)]
    pub which: Which,
}

/// Prints the contexts.
pub(super) async fn status(args: &StatusArgs, out: &mut impl Write) -> Result<(), CliError> {
    let hub = Hub::at(&args.at)?;
    let contexts = rows(&hub, args.context.as_deref()).await?;
    if args.json {
        writeln!(out, "{:#}", Value::from(contexts))?;
        return Ok(());
    }
    if contexts.is_empty() {
        return Err(no_context());
    }
    let rows = contexts.into_iter().map(|context| Ok(row(Context::read(context)?)));
    let rows = rows.collect::<Result<Vec<_>, CliError>>()?;
    table::print(
        [
            "CONTEXT", "PROGRAM", "SCANS", "LAST US", "AVG US", "MAX US", "OVERRUNS", "LATE P99", "MISSED", "FORCES",
            "STATE",
        ],
        &rows,
        out,
    )
}

fn row(context: Context) -> [String; 11] {
    let scan = &context.scan;
    let state = match (&context.fault, context.next_rung) {
        (Some(fault), _) => format!("{}: {fault}", context.state),
        (None, Some(rung)) => format!("{}, rung {rung} is next", context.state),
        (None, None) => context.state.clone(),
    };
    let program = match &context.program {
        None => String::from("-"),
        Some(program) if program.name.is_empty() => String::from("(without a name)"),
        Some(program) => program.name.clone(),
    };
    [
        context.name.clone(),
        program,
        scan.count.to_string(),
        scan.last_us.to_string(),
        scan.avg_us.to_string(),
        scan.max_us.to_string(),
        scan.overruns.to_string(),
        scan.lateness
            .p99_us
            .map_or_else(|| String::from("-"), |us| us.to_string()),
        scan.missed.to_string(),
        context.forces.len().to_string(),
        state,
    ]
}

/// Gives an engine a command and says how it stands then.
pub(super) async fn command(which: &Which, command: &str, out: &mut impl Write) -> Result<(), CliError> {
    let found = which.find().await?;
    let path = format!("{}/command", found.path);
    let body = json!({ "command": command });
    let answer = found.hub.send(Method::POST, &path, Some(&body)).await?;
    writeln!(out, "{}", Context::of(answer)?.stands())?;
    Ok(())
}

/// Sets a breakpoint, or removes one or all.
pub(super) async fn breakpoint(args: &BreakArgs, out: &mut impl Write) -> Result<(), CliError> {
    let found = args.which.find().await?;
    let (path, name) = (format!("{}/breakpoints", found.path), &found.row.name);
    match (args.rung, args.clear) {
        (Some(rung), false) => {
            let path = format!("{path}/{rung}");
            found.hub.send(Method::PUT, &path, None).await?;
            writeln!(out, "{name} pauses before rung {rung}")?;
        }
        (Some(rung), true) => {
            let path = format!("{path}/{rung}");
            found.hub.send(Method::DELETE, &path, None).await?;
            writeln!(out, "{name} has no breakpoint before rung {rung}")?;
        }
        (None, _) => {
            found.hub.send(Method::DELETE, &path, None).await?;
            writeln!(out, "{name} has no breakpoints")?;
        }
    }
    Ok(())
}
