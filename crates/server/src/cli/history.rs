//! `crosstie history`: what a signal of a running hub was.

use super::api::{Hub, escaped};
use super::{At, CliError, table};
use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// The arguments of `crosstie history`.
#[derive(Debug, Args)]
#[command(after_help = "The project lists in `history.signals` what is kept.\n\n\
                  Examples:\n  crosstie history twin/line/TankLevel\n  \
                  crosstie history plc/line/N:10 --last 7d --points 100\n  \
                  crosstie history twin/line/TankLevel --from 2026-03-01T08:00:00Z --to 2026-03-01T09:00:00Z --csv > tank.csv\n  \
                  crosstie history --state")]
pub struct HistoryArgs {
    /// Name of the signal
    #[arg(required_unless_present = "state")]
    pub signal: Option<String>,
    /// How far back, such as 90s, 15m, 8h or 7d; an hour when nothing is said
    #[arg(long, value_name = "SPAN", value_parser = span, conflicts_with = "from")]
    pub last: Option<i64>,
    /// From this moment on: a time such as 2026-03-01T08:00:00Z, or milliseconds since 1970
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<i64>,
    /// Up to this moment
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub to: Option<i64>,
    /// Points of the answer at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub points: Option<u32>,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print the answer of the hub as it is
    #[arg(long)]
    pub json: bool,
    /// Print how the historian is: signals, samples, size, what was dropped
    #[arg(long, conflicts_with_all = ["signal", "csv"])]
    pub state: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

#[derive(Debug, Deserialize)]
struct Answer {
    resolution: String,
    before: Option<Point>,
    points: Vec<Point>,
    #[serde(default)]
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Point {
    at_ms: i64,
    #[serde(default)]
    value: Value,
    quality: Option<String>,
    min: Option<f64>,
    avg: Option<f64>,
    max: Option<f64>,
    count: Option<i64>,
}

/// Prints what a signal was.
pub(super) async fn history(args: HistoryArgs, out: &mut impl Write) -> Result<(), CliError> {
    let hub = Hub::at(&args.at)?;
    let Some(signal) = &args.signal else {
        let state: Value = hub.get("/api/v1/historian").await?;
        return match (args.json, state.as_object()) {
            (false, Some(figures)) => {
                let rows: Vec<[String; 2]> = (figures.iter())
                    .map(|(name, value)| [name.clone(), value.to_string()])
                    .collect();
                table::print(["WHAT", "VALUE"], &rows, out)
            }
            _ => Ok(writeln!(out, "{state:#}")?),
        };
    };
    let mut path = format!("/api/v1/history?signal={}", escaped(signal));
    let to = args.to;
    let from = args.from.or_else(|| Some(to.unwrap_or_else(now_ms) - args.last?));
    for (name, value) in [("from_ms", from), ("to_ms", to), ("points", args.points.map(i64::from))] {
        if let Some(value) = value {
            path.push_str(&format!("&{name}={value}"));
        }
    }
    if args.csv {
        write!(out, "{}", hub.get_text(&format!("{path}&format=csv")).await?)?;
        return Ok(());
    }
    if args.json {
        writeln!(out, "{:#}", hub.get::<Value>(&path).await?)?;
        return Ok(());
    }
    let answer: Answer = hub.get(&path).await?;
    if let Some(before) = &answer.before {
        writeln!(out, "before: {} since {}", before.value, shown(before.at_ms))?;
    }
    if answer.points.is_empty() {
        let note = answer.note.as_deref().unwrap_or("no samples in this time");
        writeln!(out, "{note}")?;
        return Ok(());
    }
    if answer.resolution == "raw" {
        let rows: Vec<[String; 3]> = (answer.points.iter())
            .map(|point| {
                let quality = point.quality.clone().unwrap_or_else(|| String::from("good"));
                [shown(point.at_ms), point.value.to_string(), quality]
            })
            .collect();
        return table::print(["TIME", "VALUE", "QUALITY"], &rows, out);
    }
    let number = |number: Option<f64>| number.map_or_else(String::new, |number| format!("{number:.6}"));
    let rows: Vec<[String; 5]> = (answer.points.iter())
        .map(|point| {
            let count = point.count.unwrap_or_default().to_string();
            [
                shown(point.at_ms),
                number(point.min),
                number(point.avg),
                number(point.max),
                count,
            ]
        })
        .collect();
    table::print(["FROM", "MIN", "AVG", "MAX", "SAMPLES"], &rows, out)
}

/// A moment in UTC.
fn shown(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| format!("{at:.3}"))
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Reads a moment.
fn moment(text: &str) -> Result<i64, String> {
    if let Ok(ms) = text.parse::<i64>() {
        return Ok(ms);
    }
    let at: Result<jiff::Timestamp, _> = text.parse();
    at.map(jiff::Timestamp::as_millisecond)
        .map_err(|_| String::from("expected a time such as 2026-03-01T08:00:00Z, or milliseconds since 1970"))
}

/// Reads a span in milliseconds.
fn span(text: &str) -> Result<i64, String> {
    let expected = || String::from("expected a whole number and s, m, h or d, such as 90s or 7d");
    let unit = text.chars().last().ok_or_else(expected)?;
    let factor = match unit {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return Err(expected()),
    };
    let count: i64 = text[..text.len() - 1].parse().map_err(|_| expected())?;
    count.checked_mul(factor).filter(|span| *span > 0).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_moments_are_read_or_refused() {
        assert_eq!(span("90s"), Ok(90_000));
        assert_eq!(span("7d"), Ok(604_800_000));
        for wrong in ["", "s", "7", "-1h", "0m", "9223372036854775807d", "1w", "7é"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
        assert_eq!(moment("1970-01-01T00:00:01Z"), Ok(1_000));
        assert_eq!(moment("1500"), Ok(1_500));
        assert!(moment("yesterday").is_err());
    }
}
