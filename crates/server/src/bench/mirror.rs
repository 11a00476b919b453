//! `crosstie bench mirror`: two hubs as two processes mirror each other, and one of them is killed again and again.
//!
//! ```text
//!   hub A (server) ◀──── realvirtual link ────▶ hub B (client)
//!      ▲ writes its own, watches both              ▲
//!      └──────────── the judge, a live channel to each ──┘
//! ```
//!
//! Every value is written once in the whole run, so a value tells when it was true. At random moments one hub is ended
//! with SIGKILL, or held with SIGSTOP for longer than a silence may last. The judge holds the run to three promises:
//!
//! - after every return all values are right on both sides, with good quality;
//! - nothing is shown as good while it is old: while a hub is gone no mirrored value is good on the other side, and a value
//!   of a hub's earlier life never is;
//! - a command that was refused because the link was down is never seen anywhere afterwards.

mod judge;
mod site;

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::BenchError;
use crate::cli::bench::MirrorOptions;
use judge::{Judge, Victim};

/// How long a return may take: the start of the process, the pause before the next attempt, the catalog and the first values.
const RETURN_MAX: Duration = Duration::from_secs(30);
/// How long a hub may take to see that the other one was killed: the system closes its sockets at once.
const LOSS_SEEN_MAX: Duration = Duration::from_secs(6);
/// How long a hub is held: longer than the silence after which its values are stale.
const HELD_FOR: Duration = Duration::from_secs(8);

/// What a run showed. Every promise was kept, or there is an error instead.
#[derive(Clone, Debug, Serialize)]
pub struct MirrorReport {
    /// Signals of each side.
    pub signals: u32,
    /// Seed of the moments.
    pub seed: u64,
    /// How often a hub was killed.
    pub kills: u32,
    /// How often a hub was held.
    pub holds: u32,
    /// Values that were written and taken.
    pub written: u64,
    /// Commands that were refused while the link was down.
    pub refused: u64,
    /// Rows that were looked at.
    pub rows: u64,
    /// The longest time from the start of a process to all values right on both sides, in milliseconds.
    pub slowest_return_ms: u64,
}

/// Which promise was broken, or why it could not be watched.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The hubs could not be run.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// A promise was broken.
    #[error("broken promise (seed {seed}, after {kills} kills): {what}")]
    Broken {
        /// Seed of the run.
        seed: u64,
        /// Kills before it.
        kills: u32,
        /// What was seen.
        what: String,
    },
}

/// Runs the two hubs for the time of the options and prints what it showed.
///
/// # Errors
///
/// [`MirrorError`]: the first broken promise ends the run.
pub fn mirror(options: &MirrorOptions) -> Result<(), MirrorError> {
    let system = |what| move |source| BenchError::System { what, source };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(system("starting the judge"))?;
    let report = runtime.block_on(run(options))?;
    print(options.json, &report).map_err(system("printing"))?;
    Ok(())
}

async fn run(options: &MirrorOptions) -> Result<MirrorReport, MirrorError> {
    let mut judge = Judge::start(options.signals, options.seed).await?;
    judge.await_agreement(RETURN_MAX).await?;
    let end = Instant::now() + Duration::from_secs(u64::from(options.secs));
    while Instant::now() < end {
        let victim = judge.choose();
        judge.write_for_millis(100..1_500).await?;
        match victim {
            Victim::Held(side) if options.holds => {
                judge.hold(side, HELD_FOR).await?;
            }
            Victim::Held(side) | Victim::Killed(side) => {
                judge.kill(side);
                judge.await_loss(side, LOSS_SEEN_MAX).await?;
                judge.write_for_millis(0..1_000).await?;
                judge.restart(side).await?;
            }
        }
        judge.await_agreement(RETURN_MAX).await?;
        if !options.json {
            // A closed stderr is no reason to stop.
            let _ = writeln!(io::stderr(), "{}", judge.line());
        }
    }
    Ok(judge.report())
}

fn print(json: bool, report: &MirrorReport) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        return writeln!(out, "{}", serde_json::json!(report));
    }
    writeln!(
        out,
        "{} signals each way, seed {}: {} kills, {} holds\n  \
         values written and taken        {}\n  \
         commands refused, link down     {}\n  \
         rows looked at                  {}\n  \
         slowest return                  {} ms\n  \
         every value right after every return, none good while it was old, no command late",
        report.signals,
        report.seed,
        report.kills,
        report.holds,
        report.written,
        report.refused,
        report.rows,
        report.slowest_return_ms,
    )
}
