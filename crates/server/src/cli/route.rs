//! `crosstie route`: the routes of a running hub, and those of a project as CSV.

mod shown;

use super::api::{Hub, escaped};
use super::{At, CliError, exchange, table};
use crate::config::ROUTE_KEYS;
use axum::http::Method;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::Path;

/// What can be done with routes.
#[derive(Debug, Subcommand)]
pub enum RouteCommand {
    /// Print the routes with what they have carried
    List(ListArgs),
    /// Carry every change of one signal to another
    #[command(
        after_help = "Examples:\n  crosstie route add twin/line/TankLevel twin/hmi/TankLevel\n  \
                      crosstie route add twin/line/Raw twin/hmi/Percent --scale 0.1 --deadband 0.5 --every-ms 200\n  \
                      crosstie route add twin/line/Level twin/hmi/Alarm --expr 'value > 80.0 && running' --input running=plc/line/Run\n  \
                      crosstie route add twin/line/State twin/hmi/Text --map '0=Stopped;1=Running;*=Unknown'"
    )]
    Add(AddArgs),
    /// Change a route in place; keys that are not named stay
    #[command(
        after_help = "Examples:\n  crosstie route change 3 --scale 0.2\n  crosstie route change 3 --clear deadband,every_ms"
    )]
    Change(ChangeArgs),
    /// End a route
    Remove(RemoveArgs),
    /// Print the routes of a project as CSV, or with --hub those of a hub that runs
    #[command(
        after_help = "Examples:\n  crosstie route export my-line > routes.csv\n  crosstie route export --hub > routes.csv"
    )]
    Export(exchange::ExportRoutesArgs),
    /// Take the routes of a CSV file into a project, or with --hub into a hub that runs
    #[command(
        after_help = "Nothing is written when one row is wrong. A hub that runs in that folder takes the routes at once.\n\n\
                      Examples:\n  crosstie route import routes.csv my-line\n  crosstie route import --hub routes.csv"
    )]
    Import(exchange::ImportRoutesArgs),
    /// Let the hub read its project file again; it does so by itself when the file changes
    Reload(ReloadArgs),
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
    /// What becomes of values on the way.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The keys of a route besides its two names.
#[derive(Debug, Default, Args)]
pub struct KeyArgs {
    /// What becomes of a place of a PLC when the source falls silent
    #[arg(long, value_name = "WHAT", value_parser = ["hold", "zero", "fault"])]
    pub on_stale: Option<String>,
    /// Expression in CEL that gives the value; `value` in it is the source
    #[arg(long, value_name = "CEL")]
    pub expr: Option<String>,
    /// A further variable of the expression and its signal; may be given several times
    #[arg(long = "input", value_name = "NAME=SIGNAL")]
    pub inputs: Vec<String>,
    /// Values and what they become, `*` for every other: '0=Stopped;1=Running;*=Unknown'
    #[arg(long, value_name = "A=B;…")]
    pub map: Option<String>,
    /// On becomes off and off becomes on
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub invert: Option<bool>,
    /// Factor of numbers
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub scale: Option<f64>,
    /// Added to numbers after the factor
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub offset: Option<f64>,
    /// A number that is nearer than this to the one passed last is not passed
    #[arg(long, value_name = "NUMBER")]
    pub deadband: Option<f64>,
    /// At most one value in so many milliseconds
    #[arg(long, value_name = "MS")]
    pub every_ms: Option<f64>,
}

impl KeyArgs {
    /// The keys that were given, as the API takes them.
    fn keys(&self) -> Result<Map<String, Value>, CliError> {
        let mut keys = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                keys.insert(key.to_owned(), value);
            }
        };
        put("on_stale", self.on_stale.clone().map(Value::from));
        put("expr", self.expr.clone().map(Value::from));
        let inputs = self.inputs.iter().map(|input| match input.split_once('=') {
            Some((name, signal)) => Ok((name.trim().to_owned(), Value::from(signal.trim()))),
            None => Err(CliError::Usage(format!("--input {input}: expected NAME=SIGNAL"))),
        });
        let inputs = inputs.collect::<Result<Map<_, _>, _>>()?;
        put("inputs", (!inputs.is_empty()).then_some(Value::Object(inputs)));
        put("map", self.map.as_deref().map(map_of).transpose()?);
        put("invert", self.invert.map(Value::from));
        put("scale", self.scale.map(Value::from));
        put("offset", self.offset.map(Value::from));
        put("deadband", self.deadband.map(Value::from));
        put("every_ms", self.every_ms.map(Value::from));
        Ok(keys)
    }
}

/// The map of a flag, in the spelling of CSV.
fn map_of(cell: &str) -> Result<Value, CliError> {
    let pairs = crate::config::pairs_to_json(cell);
    pairs.map_err(|expected| CliError::Usage(format!("--map {cell}: expected {expected}")))
}

/// The arguments of `crosstie route change`.
#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// Number of the route, as `crosstie route list` shows it
    pub id: u64,
    /// Another source
    #[arg(long, value_name = "SIGNAL")]
    pub from: Option<String>,
    /// Another target
    #[arg(long, value_name = "SIGNAL")]
    pub to: Option<String>,
    /// What becomes of values on the way.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// Keys that go back to their defaults, such as scale,map
    #[arg(long, value_name = "KEY,…", value_delimiter = ',')]
    pub clear: Vec<String>,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie route reload`.
#[derive(Debug, Args)]
pub struct ReloadArgs {
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

/// What the hub says of a table of routes and of its project file.
#[derive(Debug, Deserialize)]
pub(super) struct Taken {
    added: usize,
    changed: usize,
    same: usize,
    removed: usize,
    #[serde(default)]
    later: Vec<String>,
}

impl Taken {
    /// Says it.
    pub(super) fn print(&self, out: &mut impl Write) -> Result<(), CliError> {
        let Taken {
            added,
            changed,
            same,
            removed,
            later,
        } = self;
        writeln!(
            out,
            "routes: {added} added, {changed} changed, {removed} removed, {same} left as they are"
        )?;
        for change in later {
            writeln!(out, "{change} has changed; it takes effect at the next start")?;
        }
        Ok(())
    }
}

/// Carries out a verb on routes.
pub(super) async fn route(command: RouteCommand, out: &mut impl Write) -> Result<(), CliError> {
    match command {
        RouteCommand::List(args) => list(&args, out).await,
        RouteCommand::Add(args) => add(&args, out).await,
        RouteCommand::Change(args) => change(&args, out).await,
        RouteCommand::Remove(args) => {
            let path = format!("/api/v1/routes/{}", args.id);
            Hub::at(&args.at)?.send(Method::DELETE, &path, None).await?;
            writeln!(out, "route {} is removed", args.id)?;
            Ok(())
        }
        RouteCommand::Export(args) if args.hub => {
            let table = Hub::at(&args.at)?.get_text("/api/v1/routes/export").await?;
            out.write_all(table.as_bytes())?;
            Ok(())
        }
        RouteCommand::Export(args) => exchange::export_routes(&args, out),
        RouteCommand::Import(args) if args.hub => import(&args, out).await,
        RouteCommand::Import(args) => exchange::import_routes(&args, out),
        RouteCommand::Reload(args) => {
            let hub = Hub::at(&args.at)?;
            let answer = hub.send(Method::POST, "/api/v1/routes/reload", None).await?;
            taken(answer)?.print(out)
        }
    }
}

fn taken(answer: Value) -> Result<Taken, CliError> {
    serde_json::from_value(answer).map_err(|error| CliError::failed(&error))
}

async fn import(args: &exchange::ImportRoutesArgs, out: &mut impl Write) -> Result<(), CliError> {
    let table = exchange::table_of(&args.file)?;
    let path = format!("/api/v1/routes/import?replace={}", escaped(&args.replace.to_string()));
    let answer = Hub::at(&args.at)?.post_table(&path, table).await;
    taken(answer.map_err(|error| of_file(error, &args.file))?)?.print(out)
}

/// Places in a table that was sent to the hub begin so.
const HUBS_NAME: &str = "routes.csv:";

/// The hub does not know what the file is called here: places in it are told with its own name.
fn of_file(error: CliError, file: &Path) -> CliError {
    match error {
        CliError::Failed(text) => CliError::Failed(text.replace(HUBS_NAME, &format!("{}:", file.display()))),
        other => other,
    }
}

async fn list(args: &ListArgs, out: &mut impl Write) -> Result<(), CliError> {
    let Routes { routes } = Hub::at(&args.at)?.get("/api/v1/routes").await?;
    if args.json {
        writeln!(out, "{:#}", Value::from(routes))?;
        return Ok(());
    }
    let rows = routes.into_iter().map(shown::row).collect::<Result<Vec<_>, _>>()?;
    table::print(shown::HEADING, &rows, out)
}

async fn add(args: &AddArgs, out: &mut impl Write) -> Result<(), CliError> {
    let mut keys = args.keys.keys()?;
    keys.insert(String::from("from"), json!(args.from));
    keys.insert(String::from("to"), json!(args.to));
    let body = Value::Object(keys);
    let answer = Hub::at(&args.at)?
        .send(Method::POST, "/api/v1/routes", Some(&body))
        .await?;
    writeln!(out, "{}", shown::line(answer)?)?;
    Ok(())
}

async fn change(args: &ChangeArgs, out: &mut impl Write) -> Result<(), CliError> {
    if let Some(key) = args.clear.iter().find(|key| !ROUTE_KEYS[2..].contains(&&***key)) {
        let known = ROUTE_KEYS[2..].join(", ");
        return Err(CliError::Usage(format!("--clear {key}: expected one of {known}")));
    }
    let hub = Hub::at(&args.at)?;
    let Routes { routes } = hub.get("/api/v1/routes").await?;
    let old = routes.into_iter().find(|route| route["id"] == args.id);
    let Some(Value::Object(mut keys)) = old else {
        let message = format!("no route is called '{}'; `crosstie route list` shows them", args.id);
        return Err(CliError::Failed(message));
    };
    keys.retain(|key, value| ROUTE_KEYS.contains(&&**key) && !value.is_null() && !args.clear.contains(key));
    keys.extend(args.keys.keys()?);
    keys.extend(args.from.iter().map(|from| (String::from("from"), json!(from))));
    keys.extend(args.to.iter().map(|to| (String::from("to"), json!(to))));
    let path = format!("/api/v1/routes/{}", args.id);
    let answer = hub.send(Method::PUT, &path, Some(&Value::Object(keys))).await?;
    writeln!(out, "{}", shown::line(answer)?)?;
    Ok(())
}
