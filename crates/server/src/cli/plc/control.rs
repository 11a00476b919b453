//! `crosstie plc status`, the commands to an engine, breakpoints, and making and removing contexts.

use super::{CONTEXTS, Context, EngineAt, Link, Which, engine, no_context, rows};
use crate::cli::api::Hub;
use crate::cli::{At, CliError, table};
use axum::http::Method;
use clap::{Args, Subcommand};
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
    /// Which engine, instead of a hub.
    #[command(flatten)]
    pub engine: EngineAt,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// What can be done with contexts themselves.
#[derive(Debug, Subcommand)]
pub enum ContextCommand {
    /// Make a context; that of a hub is gone when the hub ends
    #[command(after_help = "Examples:\n  crosstie plc context create 'Line 2'\n  \
                            crosstie plc context create 'Line 2' --engine ws://10.0.0.7:9100/")]
    Create(ContextArgs),
    /// Remove a context that is Stopped and is not the last
    Remove(ContextArgs),
}

/// The arguments of `crosstie plc context`.
#[derive(Debug, Args)]
pub struct ContextArgs {
    /// Name of the context; one that is there may be given by its id
    pub name: String,
    /// Which engine, instead of a hub.
    #[command(flatten)]
    pub engine: EngineAt,
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
    let contexts = match &args.engine.url {
        Some(url) => engine::status(url, &args.at, args.context.as_deref()).await?,
        None => rows(&Hub::at(&args.at)?, args.context.as_deref()).await?,
    };
    if args.json {
        writeln!(out, "{:#}", Value::from(contexts))?;
        return Ok(());
    }
    if contexts.is_empty() {
        return Err(no_context());
    }
    let contexts = contexts.into_iter().map(Context::read);
    let contexts = contexts.collect::<Result<Vec<_>, CliError>>()?;
    let kept: Vec<String> = contexts.iter().filter_map(retentive).collect();
    let rows: Vec<_> = contexts.into_iter().map(row).collect();
    table::print(
        [
            "CONTEXT", "PROGRAM", "SCANS", "LAST US", "AVG US", "MAX US", "OVERRUNS", "LATE P99", "MISSED", "FORCES",
            "STATE",
        ],
        &rows,
        out,
    )?;
    for line in kept {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// What a context keeps over a power loss, when it keeps anything.
fn retentive(context: &Context) -> Option<String> {
    let retain = context.retain.as_ref()?;
    let (name, places) = (&context.name, retain.places.join(", "));
    let began = if retain.restored { "warm" } else { "cold" };
    let error = retain.error.as_ref().map(|error| format!(": {error}"));
    Some(format!(
        "{name} keeps {places}; it began {began}{}",
        error.unwrap_or_default()
    ))
}

fn row(context: Context) -> [String; 11] {
    let scan = &context.scan;
    let state = match (&context.fault, context.next_rung) {
        (Some(fault), _) => format!("{}: {fault}", context.state),
        (None, Some(rung)) => format!("{}, rung {rung} is next", context.state),
        (None, None) => context.state.clone(),
    };
    let state = match context.io.as_ref().and_then(|io| io.reason.as_ref()) {
        Some(reason) => format!("{state}; {reason}"),
        None => state,
    };
    let state = match &context.link {
        None => state,
        Some(Link { color, reason: None }) => format!("{state} (link {color})"),
        Some(Link {
            color,
            reason: Some(reason),
        }) if color == "red" => format!("was {state} (link {color}: {reason})"),
        Some(Link {
            color,
            reason: Some(reason),
        }) => format!("{state} (link {color}: {reason})"),
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
        told(scan.lateness.as_ref().and_then(|lateness| lateness.p99_us)),
        told(scan.missed),
        context.forces.len().to_string(),
        state,
    ]
}

/// A number that not every engine tells.
fn told(number: Option<u64>) -> String {
    number.map_or_else(|| String::from("-"), |number| number.to_string())
}

/// Gives an engine a command and says how it stands then.
pub(super) async fn command(which: &Which, command: &str, out: &mut impl Write) -> Result<(), CliError> {
    let context = which.open().await?.command(command).await?;
    writeln!(out, "{}", context.stands())?;
    Ok(())
}

/// Sets a breakpoint, or removes one or all.
pub(super) async fn breakpoint(args: &BreakArgs, out: &mut impl Write) -> Result<(), CliError> {
    let mut door = args.which.open().await?;
    door.breakpoint(args.rung, !args.clear).await?;
    let name = &door.row().name;
    match (args.rung, args.clear) {
        (Some(rung), false) => writeln!(out, "{name} pauses before rung {rung}")?,
        (Some(rung), true) => writeln!(out, "{name} has no breakpoint before rung {rung}")?,
        (None, _) => writeln!(out, "{name} has no breakpoints")?,
    }
    Ok(())
}

/// Makes or removes a context.
pub(super) async fn context(command: &ContextCommand, out: &mut impl Write) -> Result<(), CliError> {
    match command {
        ContextCommand::Create(ContextArgs { name, engine, at }) => {
            let (id, name) = match &engine.url {
                Some(url) => engine::create(url, at, name).await?,
                None => {
                    let body = json!({ "name": name });
                    let answer = Hub::at(at)?.send(Method::POST, CONTEXTS, Some(&body)).await?;
                    let row = Context::of(answer)?;
                    (row.id, row.name)
                }
            };
            writeln!(out, "{name} is made; its id is {id}")?;
        }
        ContextCommand::Remove(ContextArgs { name, engine, at }) => {
            let which = Which {
                context: Some(name.clone()),
                engine: engine.clone(),
                at: at.clone(),
            };
            let mut door = which.open().await?;
            door.remove().await?;
            writeln!(out, "{} is removed", door.row().name)?;
        }
    }
    Ok(())
}
