//! `crosstie route`: the routes of a running hub, and those of a project as CSV.

use super::api::Hub;
use super::{At, CliError, exchange, table};
use axum::http::Method;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;

/// What can be done with routes.
#[derive(Debug, Subcommand)]
pub enum RouteCommand {
    /// Print the routes with what they have carried
    List(ListArgs),
    /// Carry every change of one signal to another
    #[command(after_help = "Example:\n  crosstie route add twin/line/TankLevel twin/hmi/TankLevel")]
    Add(AddArgs),
    /// End a route
    Remove(RemoveArgs),
    /// Print the routes of a project as CSV; no hub has to run
    #[command(after_help = "Example:\n  crosstie route export my-line > routes.csv")]
    Export(exchange::ExportRoutesArgs),
    /// Add the routes of a CSV file to a project
    #[command(
        after_help = "Nothing is written when one row is wrong. A hub that runs takes the routes at its next start.\n\n\
                      Example:\n  crosstie route import routes.csv my-line"
    )]
    Import(exchange::ImportRoutesArgs),
}

/// The flags of `crosstie route list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Print an array of objects instead of a table
    #[arg(long)]
    pub json: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie route add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Signal whose changes are carried
    pub from: String,
    /// Signal that gets them; the hub must be its writer
    pub to: String,
    /// What becomes of a place of a PLC when the source falls silent
    #[arg(long, value_name = "WHAT", value_parser = ["hold", "zero", "fault"])]
    pub on_stale: Option<String>,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie route remove`.
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// Number of the route, as `crosstie route list` shows it
    pub id: u64,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

#[derive(Debug, Deserialize)]
struct Routes {
    routes: Vec<Value>,
}

/// What a table shows of a route.
#[derive(Debug, Deserialize)]
struct Row {
    id: u64,
    from: String,
    to: String,
    source: String,
    state: String,
    reason: Option<String>,
    count: u64,
    last_value: Value,
}

/// Carries out a verb on routes.
pub(super) async fn route(command: RouteCommand, out: &mut impl Write) -> Result<(), CliError> {
    match command {
        RouteCommand::List(args) => list(&args, out).await,
        RouteCommand::Add(args) => add(&args, out).await,
        RouteCommand::Remove(args) => {
            let path = format!("/api/v1/routes/{}", args.id);
            Hub::at(&args.at)?.send(Method::DELETE, &path, None).await?;
            writeln!(out, "route {} is removed", args.id)?;
            Ok(())
        }
        RouteCommand::Export(args) => exchange::export_routes(&args, out),
        RouteCommand::Import(args) => exchange::import_routes(&args, out),
    }
}

async fn list(args: &ListArgs, out: &mut impl Write) -> Result<(), CliError> {
    let Routes { routes } = Hub::at(&args.at)?.get("/api/v1/routes").await?;
    if args.json {
        writeln!(out, "{:#}", Value::from(routes))?;
        return Ok(());
    }
    let rows = routes.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
    table::print(
        ["ID", "FROM", "TO", "SOURCE", "STATE", "COUNT", "LAST VALUE"],
        &rows,
        out,
    )
}

async fn add(args: &AddArgs, out: &mut impl Write) -> Result<(), CliError> {
    let mut body = json!({ "from": args.from, "to": args.to });
    if let Some(on_stale) = &args.on_stale {
        body["on_stale"] = Value::from(on_stale.as_str());
    }
    let answer = Hub::at(&args.at)?
        .send(Method::POST, "/api/v1/routes", Some(&body))
        .await?;
    let [id, from, to, _, state, ..] = row(answer)?;
    writeln!(out, "route {id}: {from} → {to} ({state})")?;
    Ok(())
}

fn row(route: Value) -> Result<[String; 7], CliError> {
    let Row {
        id,
        from,
        to,
        source,
        state,
        reason,
        count,
        last_value,
    } = serde_json::from_value(route).map_err(|error| CliError::failed(&error))?;
    let state = reason.map_or_else(|| state.clone(), |reason| format!("{state}: {reason}"));
    let last_value = if last_value.is_null() {
        String::from("-")
    } else {
        last_value.to_string()
    };
    Ok([id.to_string(), from, to, source, state, count.to_string(), last_value])
}
