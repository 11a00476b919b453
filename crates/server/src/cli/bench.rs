//! `crosstie bench`: the flags of the measurements.

use clap::{Args, Subcommand};

/// What can be measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Load a hub with many signals, clients and routes, and hold it to its clients, its memory and its recording
    #[command(
        after_help = "The figures are printed in any case; exit code 1 says that one is not good enough, and which.\n\n\
                      Example:\n  crosstie bench scale --signals 100000 --clients 50 --routes 10000 --record --secs 60"
    )]
    Scale(ScaleOptions),
    /// Let two hubs mirror each other, kill one of them again and again, and hold them to what they promise
    #[command(after_help = "Example:\n  crosstie bench mirror --secs 120 --holds")]
    Mirror(MirrorOptions),
    /// Let several PLCs scan fast while many clients look at them, and hold the hub to its times and its memory
    #[command(
        after_help = "The figures are printed in any case; exit code 1 says that one is not good enough, and which.\n\n\
                      Example:\n  crosstie bench plc --secs 600 --priority 50"
    )]
    Plc(PlcOptions),
    /// Show many headsets much, let some of them stop reading, and hold the hub to what the others get and to its memory
    #[command(
        after_help = "The figures are printed in any case; exit code 1 says that one is not good enough, and which.\n\n\
                      Example:\n  crosstie bench classroom --headsets 30 --world-kb 70 --rate 20"
    )]
    Classroom(ClassroomOptions),
}

/// The trial of `crosstie bench classroom`.
#[derive(Clone, Debug, Args)]
pub struct ClassroomOptions {
    /// Headsets
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub headsets: u32,
    /// So many of them stop reading after a second
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=500))]
    pub stalled: u32,
    /// Size of what each headset gets of a world, in kilobytes
    #[arg(long, value_name = "KB", default_value_t = 70, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub world_kb: u32,
    /// Worlds per second
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rate: u32,
    /// Seconds to measure
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub secs: u32,
    /// Print a JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// The trial of `crosstie bench plc`.
#[derive(Clone, Debug, Args)]
pub struct PlcOptions {
    /// Contexts that scan
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub contexts: u32,
    /// Time between two scans in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1.0, value_parser = scan_ms)]
    pub scan_ms: f64,
    /// Clients that get a snapshot every 50 ms
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub clients: u32,
    /// Seconds to measure
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub secs: u32,
    /// Real-time priority of the contexts; without it they have none
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=99))]
    pub priority: Option<u8>,
    /// Print a JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// The trial of `crosstie bench mirror`.
#[derive(Clone, Debug, Args)]
pub struct MirrorOptions {
    /// Signals of each side
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub signals: u32,
    /// Seconds after which nothing new is begun
    #[arg(long, value_name = "S", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub secs: u32,
    /// Seed of the moments
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub seed: u64,
    /// Also hold a hub for longer than a silence may last, now and then
    #[arg(long)]
    pub holds: bool,
    /// Print a JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// The load of `crosstie bench scale`.
#[derive(Clone, Debug, Args)]
pub struct ScaleOptions {
    /// Signals of the endpoint
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub signals: u32,
    /// Clients that read all of them
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub clients: u32,
    /// Routes from these signals to those of another endpoint, which one client more reads; at most one per signal counts
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub routes: u32,
    /// Record every input and every sample meanwhile
    #[arg(long)]
    pub record: bool,
    /// Seconds to measure
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub secs: u32,
    /// Share of the signals that changes in every cycle of the writer
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, value_parser = share)]
    pub change: f64,
    /// Cycle of the writer in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub every_ms: u32,
    /// Print a JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

impl ScaleOptions {
    /// Routes: one per signal at most.
    pub fn routes(&self) -> u32 {
        self.routes.min(self.signals)
    }

    /// Signals that change in every cycle; the one that carries the number of the cycle always does.
    pub fn changes(&self) -> u32 {
        ((f64::from(self.signals) * self.change).round() as u32).clamp(1, self.signals)
    }
}

fn scan_ms(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(ms) if (0.5..=1_000.0).contains(&ms) => Ok(ms),
        _ => Err(String::from("expected a number from 0.5 to 1000, such as 1")),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(String::from("expected a number from 0 to 1, such as 0.1")),
    }
}
