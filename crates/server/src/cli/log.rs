//! `crosstie log`: how much a running hub logs.

use super::api::Hub;
use super::{At, CliError};
use axum::http::Method;
use clap::Args;
use serde_json::{Value, json};
use std::io::Write;

/// The arguments of `crosstie log`.
#[derive(Debug, Args)]
#[command(
    after_help = "A change lasts until the hub ends.\n\nExamples:\n  crosstie log\n  crosstie log debug\n  \
                        crosstie log info,crosstie_server=debug"
)]
pub struct LogArgs {
    /// New level: off, error, warn, info, debug, trace, or a filter; without it the present one is printed
    #[arg(value_name = "LEVEL")]
    pub filter: Option<String>,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// Prints the filter that is in force, after the change if there is one.
pub(super) async fn log(args: &LogArgs, out: &mut impl Write) -> Result<(), CliError> {
    let hub = Hub::at(&args.at)?;
    let path = "/api/v1/log";
    let answer: Value = match &args.filter {
        None => hub.get(path).await?,
        Some(filter) => hub.send(Method::PUT, path, Some(&json!({ "filter": filter }))).await?,
    };
    writeln!(out, "{}", answer["filter"].as_str().unwrap_or("?"))?;
    Ok(())
}
