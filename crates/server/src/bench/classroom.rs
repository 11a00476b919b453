//! `crosstie bench classroom`: a simulation that shows much to many headsets, some of which stop reading.
//!
//! ```text
//!   GAMA (played here) ── a world with a piece for each headset, 20 times a second ──▶ hub (a process of its own) ──▶ headsets
//! ```
//!
//! Every piece carries the number of its world. When the time is over the trial is judged: a headset that reads has got every
//! world in its order; one that has stopped for most of the time reads on and comes to the last world; and the memory of the
//! hub has not grown.

mod headsets;
mod simulation;

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::BenchError;
use super::hub_process::{Folder, HubProcess};
use super::memory::MemoryThirds;
use crate::cli::bench::ClassroomOptions;
use headsets::{Headsets, Seen};

/// How often the memory of the hub is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often a line about the state is printed.
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// How long the headsets may take to come to the last world.
const SETTLE_MAX: Duration = Duration::from_secs(30);
/// For so long everybody reads before some stop.
const READS_AT_FIRST: Duration = Duration::from_secs(1);

/// Why a trial has failed.
#[derive(Debug, thiserror::Error)]
pub enum ClassroomBenchError {
    /// It could not be made.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// It was made, and something is wanting.
    #[error("{}", .0.join("; "))]
    Wanting(Vec<String>),
}

/// What was seen.
#[derive(Clone, Debug, Default, Serialize)]
struct Report {
    headsets: u32,
    stalled: u32,
    world_kb: u32,
    secs: f64,
    worlds: u64,
    /// Of all headsets that read.
    pieces: u64,
    /// Worlds that one of them did not get, or got out of order.
    lost: u64,
    latency_p50_ms: f64,
    latency_p99_ms: f64,
    latency_max_ms: f64,
    /// Worlds that a stalled headset did not get: the fewest and the most.
    stalled_missed_min: u64,
    stalled_missed_max: u64,
    /// Headsets that never came to the last world.
    behind_at_end: u64,
    #[serde(flatten)]
    memory: MemoryThirds,
}

/// Runs the trial, prints what was seen, and judges it.
///
/// # Errors
///
/// A [`ClassroomBenchError`]; what was seen is printed also when something is wanting.
pub fn classroom(options: &ClassroomOptions) -> Result<(), ClassroomBenchError> {
    let system = |what| move |source| BenchError::System { what, source };
    let runtime = super::threads()?;
    let report = runtime.block_on(measure(options))?;
    print(options.json, &report).map_err(system("printing"))?;
    let wanting = judge(&report);
    match wanting.is_empty() {
        true => Ok(()),
        false => Err(ClassroomBenchError::Wanting(wanting)),
    }
}

async fn measure(options: &ClassroomOptions) -> Result<Report, ClassroomBenchError> {
    let waiting = simulation::listen().await?;
    let project = format!(
        "[web]\nport = 0\n[classroom]\n[monitor]\nport = 0\n[headset]\nport = 0\n[gama]\nhost = \"127.0.0.1\"\nport = {}\n",
        waiting.port()
    );
    let folder = Folder::with_project("bench-classroom", &project, "")?;
    let hub = HubProcess::run(folder.path())?;
    let mut simulation = waiting.greeted(options).await?;
    let mut headsets = Headsets::start(hub.headset()?, options, simulation.shown()).await?;
    let (started, mut reported, mut looked) = (Instant::now(), Instant::now(), Instant::now());
    let span = Duration::from_secs(u64::from(options.secs));
    let mut memory = Vec::new();
    while started.elapsed() < span {
        simulation.show().await?;
        headsets.stall(started.elapsed() >= READS_AT_FIRST);
        headsets.check()?;
        if looked.elapsed() >= LOOK_EVERY {
            looked = Instant::now();
            memory.push(hub.private_kb());
        }
        if !options.json && reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            // A closed stderr is no reason to stop.
            let _ = writeln!(
                io::stderr(),
                "{:>6} s  {:>8} worlds  hub {} kB",
                started.elapsed().as_secs(),
                simulation.worlds(),
                hub.private_kb()
            );
        }
    }
    let elapsed = started.elapsed();
    headsets.stall(false);
    let behind = headsets.settle(simulation.worlds(), SETTLE_MAX).await?;
    let report = Report {
        headsets: options.headsets,
        stalled: options.stalled,
        world_kb: options.world_kb,
        secs: elapsed.as_secs_f64(),
        worlds: simulation.worlds(),
        behind_at_end: behind,
        memory: MemoryThirds::of(&memory),
        ..Report::default()
    };
    Ok(report.with(&headsets.end()))
}

impl Report {
    fn with(mut self, seen: &[Seen]) -> Report {
        let mut latencies: Vec<f64> = Vec::new();
        let mut missed = Vec::new();
        for seen in seen {
            if seen.is_stalled {
                missed.push(self.worlds.saturating_sub(seen.pieces));
                continue;
            }
            self.pieces += seen.pieces;
            self.lost += seen.out_of_order + self.worlds.saturating_sub(seen.pieces);
            latencies.extend(seen.latencies_ms.iter().map(|ms| f64::from(*ms)));
        }
        latencies.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let index = (latencies.len() as f64 * share) as usize;
            latencies.get(index.min(latencies.len().saturating_sub(1))).copied()
        };
        self.latency_p50_ms = at(0.5).unwrap_or_default();
        self.latency_p99_ms = at(0.99).unwrap_or_default();
        self.latency_max_ms = latencies.last().copied().unwrap_or_default();
        self.stalled_missed_min = missed.iter().copied().min().unwrap_or_default();
        self.stalled_missed_max = missed.iter().copied().max().unwrap_or_default();
        self
    }
}

/// What is wanting, in words; nothing when the trial was passed.
fn judge(report: &Report) -> Vec<String> {
    let mut wanting = Vec::new();
    if report.worlds == 0 || report.pieces == 0 {
        wanting.push(String::from("no headset has got a world"));
    }
    if report.lost > 0 {
        wanting.push(format!(
            "headsets that read did not get {} pieces, or got them out of order",
            report.lost
        ));
    }
    if report.behind_at_end > 0 {
        wanting.push(format!(
            "{} headsets did not come to the last world",
            report.behind_at_end
        ));
    }
    wanting.extend(report.memory.complaint());
    wanting
}

fn print(json: bool, report: &Report) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        return writeln!(out, "{}", serde_json::json!(report));
    }
    writeln!(
        out,
        "{} headsets, {} of them stalled, worlds of {} kB for each, {:.1} s\n  \
         worlds             {} ({} pieces read, {} lost)\n  \
         latency            {:.1} ms (p50), {:.1} ms (p99), {:.1} ms at most\n  \
         stalled headsets   {} worlds missed at least, {} at most\n  \
         behind at the end  {}\n  \
         memory of the hub  {} kB in the first third, {} kB in the last, {} kB at most",
        report.headsets,
        report.stalled,
        report.world_kb,
        report.secs,
        report.worlds,
        report.pieces,
        report.lost,
        report.latency_p50_ms,
        report.latency_p99_ms,
        report.latency_max_ms,
        report.stalled_missed_min,
        report.stalled_missed_max,
        report.behind_at_end,
        report.memory.first_kb,
        report.memory.last_kb,
        report.memory.max_kb,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(is_stalled: bool, pieces: u64, latencies_ms: &[f32]) -> Seen {
        Seen {
            is_stalled,
            pieces,
            latencies_ms: latencies_ms.to_vec(),
            ..Seen::default()
        }
    }

    #[test]
    fn a_headset_that_reads_must_get_every_world_and_one_that_stalls_need_not() {
        let report = Report {
            worlds: 100,
            ..Report::default()
        };
        let good = report
            .clone()
            .with(&[seen(false, 100, &[1.0, 3.0, 2.0]), seen(true, 20, &[9.0])]);
        assert_eq!(judge(&good), [""; 0]);
        assert_eq!((good.stalled_missed_min, good.latency_max_ms), (80, 3.0));
        let bad = report.with(&[seen(false, 99, &[]), seen(true, 20, &[])]);
        assert_eq!(
            judge(&bad),
            ["headsets that read did not get 1 pieces, or got them out of order"]
        );
        let behind = Report {
            behind_at_end: 2,
            worlds: 1,
            pieces: 1,
            ..Report::default()
        };
        assert_eq!(judge(&behind), ["2 headsets did not come to the last world"]);
        assert_eq!(judge(&Report::default()), ["no headset has got a world"]);
    }
}
