//! `crosstie signals`: the signals of a running hub, and those of a project as CSV.

use super::api::{Hub, escaped, escaped_name};
use super::{At, CliError, exchange, live, table};
use axum::http::Method;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;

/// What can be done with signals.
#[derive(Debug, Subcommand)]
pub enum SignalsCommand {
    /// Print signals with their values
    #[command(
        after_help = "Examples:\n  crosstie signals list --filter speed\n  crosstie signals list --pattern 'twin/*/Run' --json"
    )]
    List(ListArgs),
    /// Print signals and then each of their changes until Ctrl-C
    #[command(
        after_help = "Examples:\n  crosstie signals watch 'twin/line/**'\n  crosstie signals watch twin/line/Run twin/line/State --json"
    )]
    Watch(live::WatchArgs),
    /// Write one signal
    #[command(
        after_help = "Examples:\n  crosstie signals set twin/line/Run true\n  crosstie signals set twin/line/SpeedSetpoint 250"
    )]
    Set(SetArgs),
    /// Print the signals of an endpoint of a project as CSV; no hub has to run
    #[command(after_help = "Example:\n  crosstie signals export line my-line > line.csv")]
    Export(exchange::ExportSignalsArgs),
    /// Add the signals of a CSV file to an endpoint of a project, and change those that it has
    #[command(
        after_help = "Nothing is written when one row is wrong. A hub that runs takes the signals at its next start.\n\n\
                      Example:\n  crosstie signals import line line.csv my-line"
    )]
    Import(exchange::ImportSignalsArgs),
}

/// The flags of `crosstie signals list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only names that hold this text, in any case
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Only names of this pattern: `*` is one segment, a last `**` the rest
    #[arg(long, value_name = "PATTERN")]
    pub pattern: Option<String>,
    /// Print an array of objects instead of a table
    #[arg(long)]
    pub json: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie signals set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Name of the signal, such as twin/line/Run
    pub name: String,
    /// New value, as the kind of the signal writes it: true, 250, 2.5, text
    #[arg(allow_hyphen_values = true)]
    pub value: String,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// One page of the list of signals.
#[derive(Debug, Deserialize)]
struct Page {
    next: Option<String>,
    signals: Vec<Value>,
}

/// What a table shows of a signal.
#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    kind: String,
    value: Value,
    quality: String,
    reason: Option<String>,
    owner: String,
    writer: Option<String>,
}

/// What a write answers.
#[derive(Debug, Deserialize)]
struct Written {
    value: Value,
    coerced: bool,
}

/// Carries out a verb on signals.
pub(super) async fn signals(command: SignalsCommand, out: &mut impl Write) -> Result<(), CliError> {
    match command {
        SignalsCommand::List(args) => list(&args, out).await,
        SignalsCommand::Watch(args) => live::watch(&args, out).await,
        SignalsCommand::Set(args) => set(&args, out).await,
        SignalsCommand::Export(args) => exchange::export_signals(&args, out),
        SignalsCommand::Import(args) => exchange::import_signals(&args, out),
    }
}

async fn list(args: &ListArgs, out: &mut impl Write) -> Result<(), CliError> {
    let hub = Hub::at(&args.at)?;
    let mut query = String::from("/api/v1/signals?limit=1000");
    for (key, value) in [("filter", &args.filter), ("pattern", &args.pattern)] {
        if let Some(value) = value {
            query.push_str(&format!("&{key}={}", escaped(value)));
        }
    }
    let mut page: Page = hub.get(&query).await?;
    let mut signals = page.signals;
    while let Some(next) = page.next {
        page = hub.get(&format!("{query}&after={}", escaped(&next))).await?;
        signals.append(&mut page.signals);
    }
    if args.json {
        writeln!(out, "{:#}", Value::from(signals))?;
        return Ok(());
    }
    let rows = signals.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
    table::print(["NAME", "KIND", "VALUE", "QUALITY", "OWNER", "WRITER"], &rows, out)
}

fn row(signal: Value) -> Result<[String; 6], CliError> {
    let Row {
        name,
        kind,
        value,
        quality,
        reason,
        owner,
        writer,
    } = serde_json::from_value(signal).map_err(|error| CliError::failed(&error))?;
    let quality = reason.map_or_else(|| quality.clone(), |reason| format!("{quality}: {reason}"));
    Ok([
        name,
        kind,
        value.to_string(),
        quality,
        owner,
        writer.unwrap_or_else(|| String::from("-")),
    ])
}

async fn set(args: &SetArgs, out: &mut impl Write) -> Result<(), CliError> {
    let hub = Hub::at(&args.at)?;
    let path = format!("/api/v1/signals/{}", escaped_name(&args.name));
    // Only the hub knows the kind; without it `5` could be a number or a text.
    let signal: Row = hub.get(&path).await?;
    let value = value_of(&signal.kind, &args.value).ok_or_else(|| {
        CliError::Usage(format!(
            "{} is of the kind {}, {:?} is not",
            args.name, signal.kind, args.value
        ))
    })?;
    let answer = hub.send(Method::PUT, &path, Some(&json!({ "value": value }))).await?;
    let written: Written = serde_json::from_value(answer).map_err(|error| CliError::failed(&error))?;
    let note = if written.coerced { " (converted)" } else { "" };
    writeln!(out, "{} = {}{note}", signal.name, written.value)?;
    Ok(())
}

/// The JSON value that a typed text stands for in a kind.
fn value_of(kind: &str, text: &str) -> Option<Value> {
    match kind {
        "bool" => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "on" => Some(json!(true)),
            "false" | "0" | "off" => Some(json!(false)),
            _ => None,
        },
        "int" => text.parse::<i64>().ok().map(Value::from),
        "float" => text
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(Value::from),
        _ => Some(json!(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_value_is_read_by_the_kind_of_its_signal() {
        assert_eq!(value_of("bool", "On"), Some(json!(true)));
        assert_eq!(value_of("bool", "2"), None);
        assert_eq!(value_of("int", "-5"), Some(json!(-5)));
        assert_eq!(value_of("int", "5.0"), None);
        assert_eq!(value_of("float", "5"), Some(json!(5.0)));
        assert_eq!(value_of("float", "nan"), None);
        assert_eq!(value_of("text", "5"), Some(json!("5")));
    }
}
