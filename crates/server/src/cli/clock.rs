//! `crosstie clock`: the time of a running hub.

use super::api::Hub;
use super::{At, CliError};
use axum::http::Method;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;

const CLOCK: &str = "/api/v1/clock";

/// The flags of `crosstie clock`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  crosstie clock\n  crosstie clock set scaled 10\n  crosstie clock set stepped\n  \
                        crosstie clock step 100\n  crosstie clock set real"
)]
pub struct ClockArgs {
    /// What to do; prints the clock without it
    #[command(subcommand)]
    pub command: Option<ClockCommand>,
    /// Print the clock as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// What can be done with the clock.
#[derive(Debug, Subcommand)]
pub enum ClockCommand {
    /// Print how the hub's time goes, and who does not follow it
    Show,
    /// Let the hub's time go otherwise
    #[command(subcommand)]
    Set(Mode),
    /// Let a stepped clock go on by so many milliseconds
    Step {
        /// Milliseconds of the hub's time, from 1 to 3600000
        ms: u64,
    },
}

/// Ways in which the hub's time goes.
#[derive(Debug, Subcommand)]
pub enum Mode {
    /// As the world's
    Real,
    /// So many times as fast, from 0.1 to 100
    Scaled {
        /// Seconds of the hub in a second of the world
        rate: f64,
    },
    /// It stands, and goes on by steps
    Stepped,
    /// A replay leads it; it stands while there is none
    Recording,
}

#[derive(Debug, Deserialize)]
struct Clock {
    mode: String,
    rate: f64,
    running: bool,
    now_ms: u64,
    until_ms: Option<u64>,
    does_not_follow: Vec<String>,
}

/// Carries out a verb on the clock.
pub(super) async fn clock(args: &ClockArgs, out: &mut impl Write) -> Result<(), CliError> {
    let hub = Hub::at(&args.at)?;
    let answer: Value = match &args.command {
        None | Some(ClockCommand::Show) => hub.get(CLOCK).await?,
        Some(ClockCommand::Set(mode)) => {
            let body = match mode {
                Mode::Real => json!({"mode": "real"}),
                Mode::Scaled { rate } => json!({"mode": "scaled", "rate": rate}),
                Mode::Stepped => json!({"mode": "stepped"}),
                Mode::Recording => json!({"mode": "recording"}),
            };
            hub.send(Method::PUT, CLOCK, Some(&body)).await?
        }
        Some(ClockCommand::Step { ms }) => {
            let path = format!("{CLOCK}/step");
            hub.send(Method::POST, &path, Some(&json!({"ms": ms}))).await?
        }
    };
    if args.json {
        writeln!(out, "{answer:#}")?;
        return Ok(());
    }
    let clock: Clock = serde_json::from_value(answer).map_err(|error| CliError::failed(&error))?;
    write!(out, "{}", clock.words())?;
    Ok(())
}

impl Clock {
    fn words(&self) -> String {
        let goes = match (self.running, self.until_ms) {
            (false, _) => String::from("it stands"),
            (true, Some(until)) => format!("it goes until {}", seconds(until)),
            (true, None) => format!("it goes at {} times the speed of the world", self.rate),
        };
        let mut words = format!("{}: {}, {goes}\n", self.mode, seconds(self.now_ms));
        if !self.does_not_follow.is_empty() {
            words += &format!(
                "these live in a time of their own: {}\n",
                self.does_not_follow.join(", ")
            );
        }
        words
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1_000, ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_told_in_words() {
        let mut clock = Clock {
            mode: String::from("scaled"),
            rate: 10.0,
            running: true,
            now_ms: 81_234,
            until_ms: None,
            does_not_follow: vec![String::from("link/line"), String::from("plc/press")],
        };
        assert_eq!(
            clock.words(),
            "scaled: 81.234 s, it goes at 10 times the speed of the world\n\
             these live in a time of their own: link/line, plc/press\n"
        );
        (clock.mode, clock.rate) = (String::from("real"), 1.0);
        assert!(
            clock.words().ends_with("own: link/line, plc/press\n"),
            "{}",
            clock.words()
        );
        clock.does_not_follow.clear();
        (clock.mode, clock.running) = (String::from("stepped"), false);
        assert_eq!(clock.words(), "stepped: 81.234 s, it stands\n");
        (clock.running, clock.until_ms) = (true, Some(82_000));
        assert_eq!(clock.words(), "stepped: 81.234 s, it goes until 82.000 s\n");
    }
}
