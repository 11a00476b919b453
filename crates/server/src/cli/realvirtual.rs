//! `crosstie realvirtual`: the realvirtual endpoints of a running hub.

use super::api::{Hub, escaped};
use super::check::counted;
use super::{At, CliError, table};
use axum::http::Method;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::Value;
use std::io::Write;

/// What can be done with realvirtual endpoints.
#[derive(Debug, Subcommand)]
pub enum RealvirtualCommand {
    /// Print the connected clients
    Clients(ClientsArgs),
    /// Ask every client of an endpoint for its catalog and add what it names (RV-19)
    #[command(after_help = "Example:\n  crosstie realvirtual import line")]
    Import(ImportArgs),
}

/// The flags of `crosstie realvirtual clients`.
#[derive(Debug, Args)]
pub struct ClientsArgs {
    /// Print an array of objects instead of a table
    #[arg(long)]
    pub json: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie realvirtual import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Name of the endpoint, as the project says it
    pub endpoint: String,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

#[derive(Debug, Deserialize)]
struct Clients {
    clients: Vec<Value>,
}

/// What a table shows of a client.
#[derive(Debug, Deserialize)]
struct Row {
    id: u64,
    endpoint: String,
    name: Option<String>,
    address: String,
    state: String,
    view: String,
    view_len: u64,
    writes: u64,
    echoer: bool,
    lag_ms: u64,
}

#[derive(Debug, Deserialize)]
struct Asked {
    asked: usize,
}

/// Carries out a verb on realvirtual endpoints.
pub(super) async fn realvirtual(command: RealvirtualCommand, out: &mut impl Write) -> Result<(), CliError> {
    match command {
        RealvirtualCommand::Clients(args) => clients(&args, out).await,
        RealvirtualCommand::Import(args) => import(&args, out).await,
    }
}

async fn clients(args: &ClientsArgs, out: &mut impl Write) -> Result<(), CliError> {
    let hub = Hub::at(&args.at.at)?;
    let Clients { clients } = hub.get("/api/v1/clients").await?;
    let clients: Vec<Value> = clients
        .into_iter()
        .filter(|client| client["protocol"] == "realvirtual")
        .collect();
    if args.json {
        writeln!(out, "{:#}", Value::from(clients))?;
        return Ok(());
    }
    let rows = clients.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
    table::print(
        ["ID", "ENDPOINT", "NAME", "ADDRESS", "STATE", "VIEW", "WRITES", "LAG MS"],
        &rows,
        out,
    )
}

fn row(client: Value) -> Result<[String; 8], CliError> {
    let client: Row = serde_json::from_value(client).map_err(|error| CliError::failed(&error))?;
    let view = if client.view == "list" {
        counted(client.view_len as usize, "signal")
    } else {
        client.view
    };
    let state = if client.echoer {
        format!("{}, echoer", client.state)
    } else {
        client.state
    };
    Ok([
        client.id.to_string(),
        client.endpoint,
        client.name.unwrap_or_else(|| String::from("-")),
        client.address,
        state,
        view,
        client.writes.to_string(),
        client.lag_ms.to_string(),
    ])
}

async fn import(args: &ImportArgs, out: &mut impl Write) -> Result<(), CliError> {
    let hub = Hub::at(&args.at.at)?;
    let path = format!("/api/v1/endpoints/{}/import", escaped(&args.endpoint));
    let answer = hub.send(Method::POST, &path, None).await?;
    let Asked { asked } = serde_json::from_value(answer).map_err(|error| CliError::failed(&error))?;
    if asked == 0 {
        return Err(CliError::Failed(format!(
            "no client of `{}` is connected, so nobody was asked",
            args.endpoint
        )));
    }
    writeln!(
        out,
        "asked {} of `{}`; its signals appear as it answers",
        counted(asked, "client"),
        args.endpoint
    )?;
    Ok(())
}
