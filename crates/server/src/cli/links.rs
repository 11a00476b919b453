//! `crosstie realvirtual endpoints`, `probe`, `connect`, `disconnect` and `import`: the links of a running hub, and trying a
//! server without one.

use super::api::{Hub, escaped};
use super::check::counted;
use super::{At, CliError, table};
use crate::dial::Target;
use crate::http::links::ProbeRow;
use crate::probe::{self, PROBE_MAX};
use axum::http::Method;
use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use std::io::Write;

/// What a stand-alone probe calls itself.
const PROBE_NAME: &str = "Crosstie probe";

/// The flags of `crosstie realvirtual endpoints`.
#[derive(Debug, Args)]
pub struct EndpointsArgs {
    /// Print an array of objects instead of a table
    #[arg(long)]
    pub json: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of the verbs that take an endpoint.
#[derive(Debug, Args)]
pub struct EndpointArgs {
    /// Name of the endpoint, as the project says it
    pub endpoint: String,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie realvirtual probe`.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// Name of an endpoint in the client role (the hub tries its server), or ws://… or wss://… (this machine tries it)
    #[arg(value_name = "NAME_OR_URL")]
    pub server: String,
    /// Print an object instead of text
    #[arg(long)]
    pub json: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

#[derive(Debug, Deserialize)]
struct Endpoints {
    endpoints: Vec<Value>,
}

/// What a table shows of an endpoint.
#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    role: String,
    url: String,
    state: String,
    link: Option<LinkWords>,
    clients: u64,
    signals: u64,
}

#[derive(Debug, Deserialize)]
struct LinkWords {
    text: String,
}

/// Prints the endpoints; of a link its state in words.
pub(super) async fn endpoints(args: &EndpointsArgs, out: &mut impl Write) -> Result<(), CliError> {
    let Endpoints { endpoints } = Hub::at(&args.at)?.get("/api/v1/endpoints").await?;
    if args.json {
        writeln!(out, "{:#}", Value::from(endpoints))?;
        return Ok(());
    }
    let rows = endpoints.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
    table::print(["NAME", "ROLE", "URL", "CLIENTS", "SIGNALS", "STATE"], &rows, out)
}

fn row(endpoint: Value) -> Result<[String; 6], CliError> {
    let row: Row = serde_json::from_value(endpoint).map_err(|error| CliError::failed(&error))?;
    Ok([
        row.name,
        row.role,
        row.url,
        row.clients.to_string(),
        row.signals.to_string(),
        row.link.map_or(row.state, |link| link.text),
    ])
}

/// Connects the link of an endpoint.
pub(super) async fn connect(args: &EndpointArgs, out: &mut impl Write) -> Result<(), CliError> {
    let path = format!("/api/v1/endpoints/{}/connect", escaped(&args.endpoint));
    Hub::at(&args.at)?.send(Method::POST, &path, None).await?;
    let name = &args.endpoint;
    writeln!(
        out,
        "the link of `{name}` is being connected; `crosstie realvirtual endpoints` says how it stands"
    )?;
    Ok(())
}

/// Disconnects the link of an endpoint.
pub(super) async fn disconnect(args: &EndpointArgs, out: &mut impl Write) -> Result<(), CliError> {
    let path = format!("/api/v1/endpoints/{}/disconnect", escaped(&args.endpoint));
    Hub::at(&args.at)?.send(Method::POST, &path, None).await?;
    writeln!(out, "the link of `{}` is off until somebody connects it", args.endpoint)?;
    Ok(())
}

#[derive(Debug, Deserialize)]
struct Imported {
    asked: usize,
    answered: usize,
    found: usize,
    made: usize,
}

/// Asks the peers of an endpoint for their catalogs and says what came of it.
pub(super) async fn import(args: &EndpointArgs, out: &mut impl Write) -> Result<(), CliError> {
    let path = format!("/api/v1/endpoints/{}/import", escaped(&args.endpoint));
    let answer = Hub::at(&args.at)?.send(Method::POST, &path, None).await?;
    let imported = serde_json::from_value(answer).map_err(|error| CliError::failed(&error))?;
    let Imported {
        asked,
        answered,
        found,
        made,
    } = imported;
    let name = &args.endpoint;
    if asked == 0 {
        let message = format!("no peer of `{name}` is connected, so nobody was asked");
        return Err(CliError::Failed(message));
    }
    if answered == 0 {
        let message = format!(
            "none of {} of `{name}` has answered with a catalog",
            counted(asked, "peer")
        );
        return Err(CliError::Failed(message));
    }
    writeln!(
        out,
        "{answered} of {} of `{name}` answered: {} found, {made} made",
        counted(asked, "peer"),
        counted(found, "signal")
    )?;
    Ok(())
}

/// Tries a server and prints what it is like; exit code 1 when it is of no use.
pub(super) async fn probe(args: &ProbeArgs, out: &mut impl Write) -> Result<(), CliError> {
    let (server, row) = if args.server.contains("://") {
        probe_url(args).await?
    } else {
        probe_endpoint(args).await?
    };
    if args.json {
        let value = serde_json::to_value(&row).map_err(|error| CliError::failed(&error))?;
        writeln!(out, "{value:#}")?;
        return if row.ok {
            Ok(())
        } else {
            Err(CliError::Told { exit_code: 1 })
        };
    }
    writeln!(out, "{server}")?;
    let steps = [
        ("connect", row.connect_ms),
        ("handshake", row.handshake_ms),
        ("round trip", row.round_trip_ms),
    ];
    for (step, millis) in steps {
        if let Some(millis) = millis {
            writeln!(out, "  {step:<10}  {millis:.1} ms")?;
        }
    }
    if let Some(signals) = row.catalog {
        let note = if row.server_pushes { ", sent unasked" } else { "" };
        writeln!(out, "  {:<10}  {}{note}", "catalog", counted(signals, "signal"))?;
    }
    match row.error {
        None => Ok(()),
        Some(error) => Err(CliError::Failed(format!("{server}: {error} (stage: {})", row.stage))),
    }
}

async fn probe_url(args: &ProbeArgs) -> Result<(String, ProbeRow), CliError> {
    // The text itself is not repeated: it may hold a key.
    let mut target = Target::from_url(&args.server).map_err(|error| CliError::Usage(error.to_string()))?;
    // Without a hub in between, key and certificates are for that server.
    target.ca_file.clone_from(&args.at.ca);
    target.access_key_file.clone_from(&args.at.key_file);
    let probe = probe::probe(&target, PROBE_NAME).await;
    Ok((format!("{target:?}"), probe.into()))
}

async fn probe_endpoint(args: &ProbeArgs) -> Result<(String, ProbeRow), CliError> {
    let path = format!("/api/v1/endpoints/{}/probe", escaped(&args.server));
    let hub = Hub::at(&args.at)?;
    let answer = hub.send_within(PROBE_MAX, Method::POST, &path, None).await?;
    let row = serde_json::from_value(answer).map_err(|error| CliError::failed(&error))?;
    Ok((args.server.clone(), row))
}
