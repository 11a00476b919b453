//! `crosstie bench`: measurements of this machine and hard trials of the program.
//!
//! `scale`: many signals, many clients, for as long as one likes.
//!
//! ```text
//!   writer ──── some of all signals, every so many ms ────▶ hub (a process of its own) ────▶ clients that read all
//!      └──────────────── number of the cycle, in one of the signals ────────────────────────────────┘
//! ```
//!
//! The hub is a child process with a project of its own, so its memory is its own. Every write carries the number of its
//! cycle; how far the number that a client reads lies behind the newest one that was written is the client's lag. When
//! the writer has stopped every client must come to the last number, or the measurement has failed.

pub mod classroom;
mod hub_process;
mod load;
mod memory;
pub mod mirror;
pub mod plc;

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cli::bench::ScaleOptions;
use hub_process::{Folder, HubProcess};
use load::{ENDPOINT, Load, Progress, signal_name};

/// How often a line about the state is printed.
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// How often the memory of the hub is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long the clients may take to read the last values.
const SETTLE_MAX: Duration = Duration::from_secs(30);

/// Why nothing was measured, or what was found wanting.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The system refuses something that is needed.
    #[error("{what} failed")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The hub does not start; it has said why.
    #[error("the hub under test does not start")]
    Hub,
    /// A link to the hub broke.
    #[error("a link to the hub under test is lost")]
    Link(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    /// Some clients never got the last values.
    #[error("{clients} clients did not get the last values within {SETTLE_MAX:?}")]
    NeverSettled {
        /// How many.
        clients: usize,
    },
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
struct Report {
    signals: u32,
    clients: u32,
    changes_per_cycle: u32,
    every_ms: u32,
    secs: f64,
    cycles_written: u64,
    frames_read: u64,
    updates_read: u64,
    updates_read_per_s: f64,
    /// The furthest that any client was behind, in cycles of the writer.
    lag_cycles_max: u64,
    memory: Memory,
}

/// Private memory of the hub in kilobytes; 0 where the system does not tell.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Memory {
    /// When all clients had got their first values.
    begin_kb: u64,
    /// The most that was seen.
    max_kb: u64,
    /// At the end.
    end_kb: u64,
}

/// Measures, and prints what came out.
///
/// # Errors
///
/// A [`BenchError`]; what was measured until then is not printed.
pub fn scale(options: ScaleOptions) -> Result<(), BenchError> {
    let folder = project(options.signals)?;
    let hub = HubProcess::run(folder.path())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|source| BenchError::System {
            what: "starting the threads of the clients",
            source,
        })?;
    let report = runtime.block_on(measure(&options, &hub))?;
    print(&options, &report).map_err(|source| BenchError::System {
        what: "printing",
        source,
    })
}

/// A project with one endpoint that shows so many signals; its ports are chosen by the system.
fn project(signals: u32) -> Result<Folder, BenchError> {
    let project =
        format!("[web]\nport = 0\n\n[[realvirtual]]\nname = \"{ENDPOINT}\"\nport = 0\nsignals = \"signals.csv\"\n");
    let mut catalog = String::from("name,type,writer\n");
    for signal in 0..signals {
        // Writing to a text cannot fail.
        let _ = std::fmt::Write::write_fmt(&mut catalog, format_args!("{},Float,peer\n", signal_name(signal)));
    }
    Folder::with_project("bench", &project, &catalog)
}

async fn measure(options: &ScaleOptions, hub: &HubProcess) -> Result<Report, BenchError> {
    let load = Load {
        url: hub.url(ENDPOINT)?.to_owned(),
        signals: options.signals,
        clients: options.clients,
        changes: options.changes(),
        every: Duration::from_millis(u64::from(options.every_ms)),
    };
    let progress = Arc::new(Progress::default());
    let mut running = load.start(&progress).await?;
    let mut memory = Memory {
        begin_kb: hub.private_kb(),
        ..Memory::default()
    };

    let started = Instant::now();
    let before = progress.read();
    let mut reported = started;
    let span = Duration::from_secs(u64::from(options.secs));
    while started.elapsed() < span {
        let pause = LOOK_EVERY.min(span.saturating_sub(started.elapsed()));
        running.watch(pause).await?;
        memory.max_kb = memory.max_kb.max(hub.private_kb());
        if !options.json && reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            say(started.elapsed(), hub.private_kb(), &progress);
        }
    }
    let secs = started.elapsed().as_secs_f64();
    let after = progress.read();
    let behind = running.settle(SETTLE_MAX).await?;
    if behind > 0 {
        return Err(BenchError::NeverSettled { clients: behind });
    }
    memory.end_kb = hub.private_kb();
    memory.max_kb = memory.max_kb.max(memory.end_kb);
    let updates = after.updates - before.updates;
    Ok(Report {
        signals: options.signals,
        clients: options.clients,
        changes_per_cycle: options.changes(),
        every_ms: options.every_ms,
        secs,
        cycles_written: after.cycles - before.cycles,
        frames_read: after.frames - before.frames,
        updates_read: updates,
        updates_read_per_s: updates as f64 / secs,
        lag_cycles_max: after.lag_max,
        memory,
    })
}

/// A line in between; it goes to stderr, because only results go to stdout.
fn say(elapsed: Duration, private_kb: u64, progress: &Progress) {
    let now = progress.read();
    // A closed stderr is no reason to stop measuring.
    let _ = writeln!(
        io::stderr(),
        "{:>6} s  {:>9} cycles  {:>12} updates read  furthest behind {} cycles  hub {private_kb} kB",
        elapsed.as_secs(),
        now.cycles,
        now.updates,
        now.lag_max,
    );
}

fn print(options: &ScaleOptions, report: &Report) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if options.json {
        return writeln!(out, "{}", serde_json::json!(report));
    }
    let Memory {
        begin_kb,
        max_kb,
        end_kb,
    } = report.memory;
    writeln!(
        out,
        "{} signals, {} clients, {} changes every {} ms, {:.1} s\n  \
         cycles written     {}\n  \
         frames read        {}\n  \
         updates read       {} ({:.0} per second)\n  \
         furthest behind    {} cycles\n  \
         memory of the hub  {begin_kb} kB at the begin, {max_kb} kB at most, {end_kb} kB at the end",
        report.signals,
        report.clients,
        report.changes_per_cycle,
        report.every_ms,
        report.secs,
        report.cycles_written,
        report.frames_read,
        report.updates_read,
        report.updates_read_per_s,
        report.lag_cycles_max,
    )
}
