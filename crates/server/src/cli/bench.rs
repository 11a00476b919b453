//! `crosstie bench`: the flags of the measurements.

use clap::{Args, Subcommand};

/// What can be measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Load a hub in this process with clients over loopback sockets and print what it did
    #[command(after_help = "Example:\n  crosstie bench scale --signals 100000 --clients 50 --secs 60")]
    Scale(ScaleOptions),
}

/// The load of `crosstie bench scale`.
#[derive(Clone, Debug, Args)]
pub struct ScaleOptions {
    /// Signals of the endpoint
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub signals: u32,
    /// Clients that read all of them
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub clients: u32,
    /// Seconds to measure
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub secs: u32,
    /// Signals that change in every cycle
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub changes: u32,
    /// Update cycle of the endpoint in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub cycle_ms: u32,
    /// Print a JSON object instead of text
    #[arg(long)]
    pub json: bool,
}
