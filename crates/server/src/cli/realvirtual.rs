//! `crosstie realvirtual`: the realvirtual endpoints of a running hub.

use super::api::Hub;
use super::check::counted;
use super::{At, CliError, links, table};
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::Value;
use std::io::Write;

/// What can be done with realvirtual endpoints.
#[derive(Debug, Subcommand)]
pub enum RealvirtualCommand {
    /// Print the connected clients
    Clients(ClientsArgs),
    /// Print the endpoints; of those in the client role how their links stand
    Endpoints(links::EndpointsArgs),
    /// Try a realvirtual server: connect, handshake, round trip, catalog, disconnect
    #[command(
        after_help = "Examples:\n  crosstie realvirtual probe cell\n  crosstie realvirtual probe wss://10.0.0.7:7000/ws --ca ca.pem --key-file key"
    )]
    Probe(links::ProbeArgs),
    /// Connect the link of an endpoint and keep it connected
    Connect(links::EndpointArgs),
    /// Disconnect the link of an endpoint and keep it so
    Disconnect(links::EndpointArgs),
    /// Ask every peer of an endpoint for its catalog and add what it names
    #[command(after_help = "Example:\n  crosstie realvirtual import line")]
    Import(links::EndpointArgs),
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

/// Carries out a verb on realvirtual endpoints.
pub(super) async fn realvirtual(command: RealvirtualCommand, out: &mut impl Write) -> Result<(), CliError> {
    match command {
        RealvirtualCommand::Clients(args) => clients(&args, out).await,
        RealvirtualCommand::Endpoints(args) => links::endpoints(&args, out).await,
        RealvirtualCommand::Probe(args) => links::probe(&args, out).await,
        RealvirtualCommand::Connect(args) => links::connect(&args, out).await,
        RealvirtualCommand::Disconnect(args) => links::disconnect(&args, out).await,
        RealvirtualCommand::Import(args) => links::import(&args, out).await,
    }
}

async fn clients(args: &ClientsArgs, out: &mut impl Write) -> Result<(), CliError> {
    let hub = Hub::at(&args.at)?;
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
