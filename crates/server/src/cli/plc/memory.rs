//! `crosstie plc force`, `release`, `forces`, `write`, `toggle` and `watch`.

use super::{Door, Found, Which};
use crate::cli::{CliError, live, table};
use crate::http::plc::forces::EXPIRES_MAX_S;
use clap::Args;
use crosstie_hub::signal::name::escape_segment;
use crosstie_ladder::Address;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::Write;

/// The arguments of `crosstie plc force`.
#[derive(Debug, Args)]
pub struct ForceArgs {
    /// Address such as I:0/3 or N:7, or a symbol of the program
    pub address: String,
    /// on, off, true, false, or a whole number
    #[arg(allow_hyphen_values = true)]
    pub value: String,
    /// Why, for whoever finds it
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// Release it by itself after this time, such as 90s, 10m, 8h or 2d
    #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
    pub expires_after_s: Option<u64>,
    /// Which context.
    #[command(flatten)]
    pub which: Which,
}

/// The arguments of `crosstie plc release`.
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// Address such as I:0/3 or N:7, or a symbol of the program
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub address: Option<String>,
    /// Release everything that is forced in the context
    #[arg(long)]
    pub all: bool,
    /// Which context.
    #[command(flatten)]
    pub which: Which,
}

/// The flags of `crosstie plc forces`.
#[derive(Debug, Args)]
pub struct ForcesArgs {
    /// Print an array of objects instead of a table
    #[arg(long)]
    pub json: bool,
    /// Which context.
    #[command(flatten)]
    pub which: Which,
}

/// The arguments of `crosstie plc write`.
#[derive(Debug, Args)]
pub struct WriteArgs {
    /// Address such as I:0/3 or N:7, or a symbol of the program
    pub address: String,
    /// on, off, true, false, or a whole number
    #[arg(allow_hyphen_values = true)]
    pub value: String,
    /// Which context.
    #[command(flatten)]
    pub which: Which,
}

/// The arguments of `crosstie plc toggle`.
#[derive(Debug, Args)]
pub struct ToggleArgs {
    /// Address such as B:3/1, or a symbol of the program
    pub address: String,
    /// Which context.
    #[command(flatten)]
    pub which: Which,
}

/// The arguments of `crosstie plc watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Addresses such as I:0/3 or T:4.ACC, or symbols of the program
    #[arg(required = true)]
    pub addresses: Vec<String>,
    /// Shortest time between two reports of one place, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    pub cycle_ms: u32,
    /// End after this many lines
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
    /// Print a table for spreadsheets: time in milliseconds, name, value, quality, reason
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Which context.
    #[command(flatten)]
    pub which: Which,
}

/// What a force or a write answers.
#[derive(Debug, Deserialize)]
pub(super) struct Written {
    pub(super) name: String,
    /// What readers see there now.
    pub(super) stored: Value,
    /// The value was converted to the kind of the place.
    pub(super) coerced: bool,
    /// The place is forced.
    pub(super) forced: bool,
    /// Something else stands there already. Only an engine's snapshot tells that.
    #[serde(default)]
    pub(super) overwritten: bool,
    /// What the bit was turned to.
    #[serde(default)]
    pub(super) toggled: Option<bool>,
    /// The next start loads another value from the program.
    #[serde(default)]
    pub(super) until_start: bool,
    /// The device that drives the place: what was written has no effect.
    #[serde(default)]
    pub(super) driven_by: Option<String>,
}

/// What a table shows of a force. An engine itself tells neither who forces nor why nor since when.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct ForceRow {
    pub(super) address: String,
    pub(super) symbol: Option<String>,
    pub(super) value: Value,
    pub(super) by: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) since_ms: Option<u64>,
    pub(super) expires_at_ms: Option<u64>,
}

/// Forces a place.
pub(super) async fn force(args: &ForceArgs, out: &mut impl Write) -> Result<(), CliError> {
    let value = value_of(&args.value)?;
    refuse_unknown_to_engines(args)?;
    let written = args.which.open().await?.force(args, &value).await?;
    let until = args.expires_after_s.map_or_else(
        || String::from("until it is released"),
        |seconds| format!("for {seconds} s"),
    );
    let note = if written.coerced { " (converted)" } else { "" };
    writeln!(out, "{} = {}{note}, forced {until}", written.name, written.stored)?;
    Ok(())
}

/// A force that never ends is not what somebody wants who says when it is to end.
fn refuse_unknown_to_engines(args: &ForceArgs) -> Result<(), CliError> {
    let flag = match (&args.which.engine.url, args.expires_after_s, args.reason.as_str()) {
        (None, ..) | (Some(_), None, "") => return Ok(()),
        (Some(_), Some(_), _) => "--for",
        (Some(_), None, _) => "--reason",
    };
    Err(CliError::Usage(format!(
        "{flag}: only a hub keeps that, PiPLC's protocol does not know it; leave it out, or go through a hub with --at"
    )))
}

/// Writes a place once.
pub(super) async fn write(args: &WriteArgs, out: &mut impl Write) -> Result<(), CliError> {
    let value = value_of(&args.value)?;
    let written = args.which.open().await?.write(&args.address, &value).await?;
    let note = match &written {
        Written { forced: true, .. } => " (forced; what was written stands underneath)",
        Written { overwritten: true, .. } => " (not what was written: something else writes this place)",
        Written { coerced: true, .. } => " (converted)",
        _ => "",
    };
    if let Some(device) = &written.driven_by {
        writeln!(
            out,
            "{} = {} (without effect: {device} drives this place)",
            written.name, written.stored
        )?;
        return Ok(());
    }
    writeln!(out, "{} = {}{note}", written.name, written.stored)?;
    if written.until_start {
        writeln!(
            out,
            "it counts until the next start, which loads the preset of the program"
        )?;
    }
    Ok(())
}

/// Turns a bit over.
pub(super) async fn toggle(args: &ToggleArgs, out: &mut impl Write) -> Result<(), CliError> {
    let written = args.which.open().await?.toggle(&args.address).await?;
    let stored = written.stored.as_bool();
    let note = match (written.forced, written.toggled) {
        (true, Some(on)) => format!(" (forced; underneath it is {on} now)"),
        (false, Some(on)) if stored != Some(on) => {
            format!(" (it was turned to {on}, and the program has written it since)")
        }
        _ => String::new(),
    };
    writeln!(out, "{} = {}{note}", written.name, written.stored)?;
    Ok(())
}

/// Ends the force on a place, or all of them.
pub(super) async fn release(args: &ReleaseArgs, out: &mut impl Write) -> Result<(), CliError> {
    let mut door = args.which.open().await?;
    door.release(args.address.as_deref()).await?;
    let what = args.address.as_deref().unwrap_or("everything");
    writeln!(out, "{what} is released in {}", door.row().name)?;
    Ok(())
}

/// Prints what is forced.
pub(super) async fn forces(args: &ForcesArgs, out: &mut impl Write) -> Result<(), CliError> {
    let mut door = args.which.open().await?;
    let forces = door.forces().await?;
    if args.json {
        writeln!(out, "{:#}", forces.json)?;
        return Ok(());
    }
    if forces.rows.is_empty() {
        writeln!(out, "nothing is forced in {}", door.row().name)?;
        return Ok(());
    }
    let now_ms = forces.now_ms;
    let rows: Vec<_> = forces.rows.into_iter().map(|force| row(force, now_ms)).collect();
    table::print(
        ["ADDRESS", "SYMBOL", "VALUE", "BY", "SINCE", "ENDS", "REASON"],
        &rows,
        out,
    )
}

fn row(force: ForceRow, now_ms: u64) -> [String; 7] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| String::from("-"));
    let since = force.since_ms.map(|since| now_ms.saturating_sub(since) / 1_000);
    let ends = force.expires_at_ms.map(|at| at.saturating_sub(now_ms).div_ceil(1_000));
    [
        force.address,
        or_dash(force.symbol),
        force.value.to_string(),
        or_dash(force.by),
        or_dash(since.map(|seconds| format!("{seconds} s ago"))),
        or_dash(ends.map(|seconds| format!("in {seconds} s"))),
        or_dash(force.reason),
    ]
}

/// Prints places and then their changes, as `crosstie signals watch` does.
pub(super) async fn watch(args: &WatchArgs, out: &mut impl Write) -> Result<(), CliError> {
    let found = match args.which.open().await? {
        Door::Hub(found) => found,
        Door::Engine(mut engine) => return engine.watch(args, out).await,
    };
    let names = names(&found, &args.addresses).await?;
    let signals = live::WatchArgs {
        names,
        cycle_ms: args.cycle_ms,
        count: args.count,
        json: args.json,
        csv: args.csv,
        at: args.which.at.clone(),
    };
    live::watch(&signals, out).await
}

/// The signals of these places. The program is asked for only when one of them is no address.
async fn names(found: &Found, places: &[String]) -> Result<Vec<String>, CliError> {
    let mut program = Value::Null;
    if places.iter().any(|place| Address::parse(place).is_err()) && found.row.program.is_some() {
        program = found.hub.get(&format!("{}/program", found.path)).await?;
    }
    let symbols = program["symbols"].as_array().map(Vec::as_slice).unwrap_or_default();
    let address_of = |name: &str| {
        let symbol = symbols.iter().find(|symbol| symbol["name"] == name)?;
        Address::parse(symbol["address"].as_str()?).ok()
    };
    let context = &found.row.name;
    let places = places.iter().map(|place| address(place, context, address_of));
    places.map(|place| Ok(signal(context, place?))).collect()
}

/// The address that a typed text stands for: itself, or that of a symbol.
pub(super) fn address(
    place: &str,
    context: &str,
    symbol: impl FnOnce(&str) -> Option<Address>,
) -> Result<Address, CliError> {
    Address::parse(place).or_else(|error| {
        let unknown = || CliError::Usage(format!("{error}, or a symbol of the program in {context}"));
        symbol(place).ok_or_else(unknown)
    })
}

/// What a place is called as a signal; that of an engine is told alike, so that scripts need not care whom they ask.
pub(super) fn signal(context: &str, address: Address) -> String {
    format!("plc/{}/{address}", escape_segment(context))
}

/// The JSON value that a typed text stands for; the hub fits it to the place.
fn value_of(text: &str) -> Result<Value, CliError> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" => Ok(json!(true)),
        "false" | "off" => Ok(json!(false)),
        number => number
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| CliError::Usage(format!("expected on, off, true, false or a whole number, got {text:?}"))),
    }
}

/// Seconds of a time such as `90s`, `10m`, `8h` or `2d`; a plain number is seconds.
fn seconds(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(60 * 60),
        "d" => Some(24 * 60 * 60),
        _ => None,
    };
    let seconds = unit.and_then(|unit| digits.parse::<u64>().ok()?.checked_mul(unit));
    seconds
        .filter(|seconds| (1..=EXPIRES_MAX_S).contains(seconds))
        .ok_or_else(|| String::from("expected a time such as 90s, 10m, 8h or 2d, at most 365d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_or_is_in_seconds() {
        let check = |text: &str, expected: Option<u64>| assert_eq!(seconds(text).ok(), expected, "{text}");
        check("90", Some(90));
        check("90s", Some(90));
        check("10m", Some(600));
        check("8h", Some(28_800));
        check("365d", Some(EXPIRES_MAX_S));
        check("366d", None);
        check("0s", None);
        check("-1s", None);
        check("10 m", None);
        check("10min", None);
        check("m", None);
        check("18446744073709551615h", None);
    }

    #[test]
    fn a_typed_value_is_a_bit_or_a_whole_number() {
        assert_eq!(value_of("On").unwrap(), json!(true));
        assert_eq!(value_of("false").unwrap(), json!(false));
        assert_eq!(value_of("1").unwrap(), json!(1));
        assert_eq!(value_of("-5").unwrap(), json!(-5));
        for text in ["2.5", "", "fast"] {
            assert_eq!(value_of(text).unwrap_err().exit_code(), 2, "{text}");
        }
    }

    #[test]
    fn a_force_shows_its_age_and_its_end() {
        let force = |expires_at_ms| ForceRow {
            address: String::from("I:0/3"),
            symbol: None,
            value: json!(true),
            by: Some(String::from("this machine")),
            reason: Some(String::from("sensor broken")),
            since_ms: Some(1_000),
            expires_at_ms,
        };
        let expected = [
            "I:0/3",
            "-",
            "true",
            "this machine",
            "2 s ago",
            "in 8 s",
            "sensor broken",
        ];
        assert_eq!(row(force(Some(11_000)), 3_500), expected);
        assert_eq!(row(force(None), 3_500)[5], "-");
    }
}
