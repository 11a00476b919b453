//! `crosstie replay`: recordings played again into a running hub.

use super::api::Hub;
use super::execute::{ExecuteArgs, execute};
use super::{At, CliError};
use axum::http::Method;
use clap::{Args, Subcommand};
use crosstie_hub::clock::{RATE_MAX, RATE_MIN};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Path of the replay in the API.
const REPLAY: &str = "/api/v1/replay";
/// Longer than the hub itself waits for a large recording.
const START_MAX: Duration = Duration::from_secs(20);

/// What can be done with a replay.
#[derive(Debug, Subcommand)]
pub enum ReplayCommand {
    /// Play a recording into the hub: what was said then is said again, and routes and PLCs do with it what they do
    #[command(
        after_help = "Examples:\n  crosstie replay start 2026-03-01T09-30-00Z\n  crosstie replay start monday --speed 10 --loop\n  \
                      crosstie replay start monday --signals 'twin/line/**' --at-time 1:30 --paused"
    )]
    Start(StartArgs),
    /// Let it go on; after its end from the begin
    Play(At),
    /// Let it stand where it is
    Pause(At),
    /// End it: what it said is old from then on
    Stop(At),
    /// Go to a time of the recording; every signal becomes what it was then
    #[command(after_help = "Examples:\n  crosstie replay seek 12.5\n  crosstie replay seek 1:02:30")]
    Seek(SeekArgs),
    /// Let it go at another speed
    #[command(after_help = "Examples:\n  crosstie replay speed 10\n  crosstie replay speed max")]
    Speed(SpeedArgs),
    /// Print how it stands
    Show(ShowArgs),
    /// Execute a recording once more, without a hub: its inputs give the same bytes, or the first difference is printed
    #[command(
        after_help = "Exit code 1 for a difference, 2 for a recording that cannot be executed.\n\n\
                      Examples:\n  crosstie replay execute recordings/monday.mcap\n  \
                      crosstie replay execute recordings/monday.mcap --project changed"
    )]
    Execute(ExecuteArgs),
}

/// The arguments of `crosstie replay start`.
#[derive(Debug, Args)]
pub struct StartArgs {
    /// Name of a recording of the hub, or its file there
    #[arg(value_name = "NAME|FILE")]
    pub recording: String,
    /// Only signals that fit this pattern; may be given several times
    #[arg(long, value_name = "PATTERN")]
    pub signals: Vec<String>,
    /// How many times as fast as it was recorded, 0.1 to 100, or max
    #[arg(long, value_name = "SPEED", value_parser = speed_of, default_value = "1")]
    pub speed: f64,
    /// Begin anew when it is over
    #[arg(long = "loop")]
    pub loops: bool,
    /// Let the hub's time go as the replay does: a pause pauses scans and stand-ins too
    #[arg(long)]
    pub leads_clock: bool,
    /// Stand until `crosstie replay play`
    #[arg(long)]
    pub paused: bool,
    /// Begin at this time of the recording, such as 12.5 or 1:02:30
    #[arg(long, value_name = "TIME", value_parser = time_of)]
    pub at_time: Option<Duration>,
    /// Also replay signals that something connected writes at the moment
    #[arg(long)]
    pub force: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie replay seek`.
#[derive(Debug, Args)]
pub struct SeekArgs {
    /// Time of the recording: seconds, or minutes and hours before them, such as 12.5 or 1:02:30
    #[arg(value_name = "TIME", value_parser = time_of)]
    pub to: Duration,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie replay speed`.
#[derive(Debug, Args)]
pub struct SpeedArgs {
    /// How many times as fast as it was recorded, 0.1 to 100, or max
    #[arg(value_parser = speed_of)]
    pub speed: f64,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie replay show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Print the JSON of the API
    #[arg(long)]
    pub json: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// What is printed of a replay.
#[derive(Debug, Deserialize)]
struct State {
    state: String,
    recording: Option<String>,
    position_ms: u64,
    duration_ms: u64,
    speed: f64,
    r#loop: bool,
    leads_clock: bool,
    signals: u64,
    skipped: Vec<Skipped>,
    skipped_count: u64,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Skipped {
    name: String,
    reason: String,
}

/// Carries out a verb on the replay.
pub(super) async fn replay(command: ReplayCommand, out: &mut impl Write) -> Result<(), CliError> {
    match command {
        ReplayCommand::Start(args) => start(&args, out).await,
        ReplayCommand::Play(at) => order(&at, "play", out).await,
        ReplayCommand::Pause(at) => order(&at, "pause", out).await,
        ReplayCommand::Stop(at) => order(&at, "stop", out).await,
        ReplayCommand::Seek(args) => {
            let millis = u64::try_from(args.to.as_millis()).unwrap_or(u64::MAX);
            change(&args.at, &json!({ "position_ms": millis }), out).await
        }
        ReplayCommand::Speed(args) => change(&args.at, &json!({ "speed": args.speed }), out).await,
        ReplayCommand::Show(args) => show(&args, out).await,
        ReplayCommand::Execute(args) => execute(&args, out),
    }
}

async fn start(args: &StartArgs, out: &mut impl Write) -> Result<(), CliError> {
    // The hub plays what lies in its own folder of recordings; of a path only the name counts.
    let name = Path::new(&args.recording).file_name().and_then(|name| name.to_str());
    let mut body = json!({
        "recording": name.unwrap_or(&args.recording),
        "speed": args.speed,
        "loop": args.loops,
        "leads_clock": args.leads_clock,
        "paused": args.paused,
        "force": args.force,
    });
    if !args.signals.is_empty() {
        body["signals"] = json!(args.signals);
    }
    if let Some(at) = args.at_time {
        body["position_ms"] = json!(u64::try_from(at.as_millis()).unwrap_or(u64::MAX));
    }
    let hub = Hub::at(&args.at)?;
    let answer = hub.send_within(START_MAX, Method::POST, REPLAY, Some(&body)).await?;
    print(&read(answer)?, out)
}

async fn order(at: &At, word: &str, out: &mut impl Write) -> Result<(), CliError> {
    let hub = Hub::at(at)?;
    let answer = hub.send(Method::POST, &format!("{REPLAY}/{word}"), None).await?;
    print(&read(answer)?, out)
}

async fn change(at: &At, body: &Value, out: &mut impl Write) -> Result<(), CliError> {
    let answer = Hub::at(at)?.send(Method::PUT, REPLAY, Some(body)).await?;
    print(&read(answer)?, out)
}

async fn show(args: &ShowArgs, out: &mut impl Write) -> Result<(), CliError> {
    let answer: Value = Hub::at(&args.at)?.get(REPLAY).await?;
    if args.json {
        writeln!(out, "{answer:#}")?;
        return Ok(());
    }
    let state = read(answer)?;
    print(&state, out)?;
    for Skipped { name, reason } in &state.skipped {
        writeln!(out, "  not said: {name}: {reason}")?;
    }
    let named = u64::try_from(state.skipped.len()).unwrap_or(u64::MAX);
    if let more @ 1.. = state.skipped_count.saturating_sub(named) {
        writeln!(out, "  not said: {more} more")?;
    }
    Ok(())
}

fn read(answer: Value) -> Result<State, CliError> {
    serde_json::from_value(answer).map_err(|error| CliError::failed(&error))
}

/// One line, and one more for what is wrong.
fn print(state: &State, out: &mut impl Write) -> Result<(), CliError> {
    let Some(recording) = &state.recording else {
        writeln!(out, "{}", state.state)?;
        return Ok(());
    };
    let speed = match state.speed {
        0.0 => String::from("as fast as possible"),
        speed => format!("{speed}x"),
    };
    let (looped, leads) = (
        if state.r#loop { ", in a loop" } else { "" },
        if state.leads_clock { ", leads the clock" } else { "" },
    );
    writeln!(
        out,
        "{} {recording}: {} of {}, {speed}{looped}{leads}, {} signals, {} skipped",
        state.state,
        clock(state.position_ms),
        clock(state.duration_ms),
        state.signals,
        state.skipped_count,
    )?;
    if let Some(error) = &state.error {
        writeln!(out, "  {error}")?;
    }
    Ok(())
}

/// A time of a recording: `0:12.400`, `1:02:30.000`.
fn clock(millis: u64) -> String {
    let (seconds, millis) = (millis / 1_000, millis % 1_000);
    match seconds / 3_600 {
        0 => format!("{}:{:02}.{millis:03}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}.{millis:03}", seconds / 60 % 60, seconds % 60),
    }
}

/// The speed of a word.
fn speed_of(text: &str) -> Result<f64, String> {
    let speed: f64 = match text {
        "max" => 0.0,
        _ => text.parse().map_err(|_| String::from("expected a number or max"))?,
    };
    match speed == 0.0 || (RATE_MIN..=RATE_MAX).contains(&speed) {
        true => Ok(speed),
        false => Err(format!("expected {RATE_MIN} to {RATE_MAX}, or max")),
    }
}

/// The time of a text: `12.5`, `2:30`, `1:02:30.5`.
fn time_of(text: &str) -> Result<Duration, String> {
    let wrong = || String::from("expected a time such as 12.5, 2:30 or 1:02:30");
    let parts: Vec<&str> = text.split(':').collect();
    let (last, before) = parts.split_last().ok_or_else(wrong)?;
    if before.len() > 2 {
        return Err(wrong());
    }
    let mut seconds: f64 = 0.0;
    for part in before {
        let number: u32 = part.parse().map_err(|_| wrong())?;
        seconds = (seconds + f64::from(number)) * 60.0;
    }
    let last: f64 = last.parse().map_err(|_| wrong())?;
    // More than a minute may stand alone only.
    if !before.is_empty() && !(0.0..60.0).contains(&last) {
        return Err(wrong());
    }
    Duration::try_from_secs_f64(seconds + last).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_with_minutes_and_hours_before_them() {
        let check = |text: &str, millis: u64| assert_eq!(time_of(text), Ok(Duration::from_millis(millis)), "{text}");
        check("0", 0);
        check("12.5", 12_500);
        check("90", 90_000);
        check("2:30", 150_000);
        check("1:02:30.5", 3_750_500);
        for text in ["", "-1", "1:60", "1:2:3:4", "a:1", "NaN", "inf", "1:-1", "1e300"] {
            assert!(time_of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn speeds_are_those_of_the_hub() {
        assert_eq!(speed_of("max"), Ok(0.0));
        assert_eq!(speed_of("0.1"), Ok(0.1));
        for text in ["-1", "0.05", "101", "fast", "NaN"] {
            assert!(speed_of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_position_is_read_as_a_clock() {
        assert_eq!(clock(12_400), "0:12.400");
        assert_eq!(clock(3_750_500), "1:02:30.500");
    }
}
