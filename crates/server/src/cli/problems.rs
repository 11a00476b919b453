//! `crosstie problems`: what a person should know about a running hub.

use super::api::Hub;
use super::{At, CliError, table};
use axum::http::Method;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;

/// The flags of `crosstie problems`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  crosstie problems\n  crosstie problems --all --json\n  \
                  crosstie problems ack conflict:twin/line/Run")]
pub struct ProblemsArgs {
    /// What to do with them, if not print them.
    #[command(subcommand)]
    pub command: Option<ProblemsCommand>,
    /// Print those that somebody has acknowledged, too
    #[arg(long)]
    pub all: bool,
    /// Print an array of objects instead of text
    #[arg(long)]
    pub json: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// What can be done with problems.
#[derive(Debug, Subcommand)]
pub enum ProblemsCommand {
    /// Note that a person has seen a problem
    #[command(after_help = "A problem that comes back is shown again. One that does not is forgotten after an hour.")]
    Ack(AckArgs),
}

/// The arguments of `crosstie problems ack`.
#[derive(Debug, Args)]
pub struct AckArgs {
    /// Id of the problem, as `crosstie problems` shows it
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub id: Option<String>,
    /// Acknowledge all of them
    #[arg(long)]
    pub all: bool,
}

/// The part of the health that is shown.
#[derive(Debug, Deserialize)]
struct Health {
    now_ms: u64,
    problems: Vec<Value>,
}

/// What people are shown of a problem.
#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    severity: String,
    subject: String,
    text: String,
    hint: String,
    last_seen_ms: u64,
    count: u64,
}

/// Carries out a verb on problems.
pub(super) async fn problems(args: ProblemsArgs, out: &mut impl Write) -> Result<(), CliError> {
    match args.command {
        None => list(&args, out).await,
        Some(ProblemsCommand::Ack(seen)) => {
            let body = seen.id.as_ref().map_or_else(|| json!({}), |id| json!({ "id": id }));
            let hub = Hub::at(&args.at)?;
            hub.send(Method::POST, "/api/v1/problems/acknowledge", Some(&body))
                .await?;
            let what = seen.id.as_deref().unwrap_or("every problem");
            writeln!(out, "{what} is acknowledged")?;
            Ok(())
        }
    }
}

async fn list(args: &ProblemsArgs, out: &mut impl Write) -> Result<(), CliError> {
    let Health { now_ms, mut problems } = Hub::at(&args.at)?.get("/api/v1/health").await?;
    problems.retain(|problem| args.all || problem["acknowledged"] != true);
    if args.json {
        writeln!(out, "{:#}", Value::from(problems))?;
        return Ok(());
    }
    if problems.is_empty() {
        writeln!(out, "no problems")?;
        return Ok(());
    }
    let rows = problems.into_iter().map(|problem| row(problem, now_ms));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    table::print(
        ["ID", "SEVERITY", "COUNT", "LAST SEEN", "WHAT HAPPENED AND WHAT TO DO"],
        &rows,
        out,
    )
}

fn row(problem: Value, now_ms: u64) -> Result<[String; 5], CliError> {
    let Row {
        id,
        severity,
        subject,
        text,
        hint,
        last_seen_ms,
        count,
    } = serde_json::from_value(problem).map_err(|error| CliError::failed(&error))?;
    let seconds = now_ms.saturating_sub(last_seen_ms) / 1_000;
    Ok([
        id,
        severity,
        count.to_string(),
        format!("{seconds} s ago"),
        format!("{subject}: {text} ({hint})"),
    ])
}
