//! `crosstie bench scale`: many signals, many clients, many routes, and a recording of all of it, for as long as one likes.
//!
//! ```text
//!   writer ──── some of all signals, every so many ms ────▶ hub (a process of its own) ────▶ clients that read all
//!      └──────────────── number of the cycle, in one of the signals ────────────────────────────────┘
//!                                                            │ routes to signals of another endpoint ─▶ one client
//!                                                            └ recording
//! ```
//!
//! The hub is a child process with a project of its own, so its memory is its own. Every write carries the number of its
//! cycle; how far the number that a client reads lies behind the newest one that was written is the client's lag. When
//! the writer has stopped every client must come to the last number, or the measurement has failed. Then it is judged: nobody was
//! further behind than one cycle, the memory of the hub has not grown, and nothing is missing in the recording.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::BenchError;
use super::hub_process::{Folder, HubProcess};
use super::load::{Load, Progress, signal_name};
use super::memory::MemoryThirds;
use crate::cli::CliError;
use crate::cli::api::Hub;
use crate::cli::bench::ScaleOptions;

/// Name of the endpoint that the writer writes to and the clients read.
const ENDPOINT: &str = "scale";
/// Name of the endpoint that the routes write to.
const ROUTED: &str = "routed";
/// How often a line about the state is printed.
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// How often the memory of the hub is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long the clients may take to read the last values.
const SETTLE_MAX: Duration = Duration::from_secs(30);
/// The furthest that a client may be behind, in cycles of the writer.
const LAG_MAX: u64 = 1;
/// What the routes do, in turn.
const TRANSFORMS: [&str; 4] = [
    "",
    "scale = 2.0\noffset = 1.0\n",
    "expr = \"value > 0.0 ? value * 0.5 : value\"\n",
    "deadband = 0.1\n",
];

/// Why a trial has failed.
#[derive(Debug, thiserror::Error)]
pub enum ScaleBenchError {
    /// It could not be made.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// Some clients never got the last values.
    #[error("{clients} clients did not get the last values within {SETTLE_MAX:?}")]
    NeverSettled {
        /// How many.
        clients: usize,
    },
    /// The hub does not say how its recording stands.
    #[error("asking the hub under test failed")]
    Api(#[source] CliError),
    /// It was made, and something is wanting.
    #[error("{}", .0.join("; "))]
    Wanting(Vec<String>),
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
struct Report {
    signals: u32,
    clients: u32,
    routes: u32,
    changes_per_cycle: u32,
    every_ms: u32,
    secs: f64,
    cycles_written: u64,
    frames_read: u64,
    updates_read: u64,
    updates_read_per_s: f64,
    /// The furthest that any client was behind, in cycles of the writer.
    lag_cycles_max: u64,
    /// Seconds of a processor that the hub has used meanwhile; 0 where the system does not tell.
    hub_cpu_s: f64,
    /// Private memory of the hub when all clients had got their first values.
    memory_begin_kb: u64,
    #[serde(flatten)]
    memory: MemoryThirds,
    recording: Option<Recording>,
}

/// The recording that was made meanwhile.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Recording {
    samples: u64,
    inputs: u64,
    gaps: u64,
    bytes: u64,
}

#[derive(Debug, Deserialize)]
struct Recordings {
    active: Option<Recording>,
}

/// Runs the trial, prints what came out, and judges it.
///
/// # Errors
///
/// A [`ScaleBenchError`]; what was measured is printed also when something is wanting.
pub fn scale(options: &ScaleOptions) -> Result<(), ScaleBenchError> {
    let system = |what| move |source| BenchError::System { what, source };
    let folder = project(options)?;
    let hub = HubProcess::run(folder.path())?;
    let runtime = super::threads()?;
    let report = runtime.block_on(measure(options, &hub))?;
    print(options.json, &report).map_err(system("printing"))?;
    let wanting = judge(&report);
    match wanting.is_empty() {
        true => Ok(()),
        false => Err(ScaleBenchError::Wanting(wanting)),
    }
}

/// A project with one endpoint that shows so many signals, and one that routes write to; its ports are chosen by the system.
fn project(options: &ScaleOptions) -> Result<Folder, BenchError> {
    let endpoint = |name: &str| format!("[[realvirtual]]\nname = \"{name}\"\nport = 0\nsignals = \"{name}.csv\"\n");
    let mut project = format!(
        "[web]\nport = 0\n[hub]\nmax_clients = {}\n{}",
        options.clients + 10,
        endpoint(ENDPOINT)
    );
    let mut catalog = String::from("name,type,writer\n");
    // Writing to a text cannot fail.
    for signal in 0..options.signals {
        let _ = writeln!(catalog, "{},Float,peer", signal_name(signal));
    }
    let mut routed = String::from("name,type,writer\n");
    if options.routes > 0 {
        project.push_str(&endpoint(ROUTED));
    }
    for route in 0..options.routes() {
        let name = signal_name(route);
        let _ = writeln!(routed, "{name},Float,hub");
        let transform = TRANSFORMS[route as usize % TRANSFORMS.len()];
        let _ = write!(
            project,
            "[[route]]\nfrom = \"twin/{ENDPOINT}/{name}\"\nto = \"twin/{ROUTED}/{name}\"\n{transform}"
        );
    }
    if options.record {
        project.push_str("[record]\nautostart = true\nmax_mb = 1000000\nmax_minutes = 100000\nkeep_mb = 10000000\n");
    }
    let files = [
        ("crosstie.toml", project.as_str()),
        ("scale.csv", catalog.as_str()),
        ("routed.csv", routed.as_str()),
    ];
    Folder::with_files("bench", &files)
}

async fn measure(options: &ScaleOptions, hub: &HubProcess) -> Result<Report, ScaleBenchError> {
    let load = Load {
        url: hub.url(ENDPOINT)?.to_owned(),
        routed: match options.routes {
            0 => None,
            _ => Some(hub.url(ROUTED)?.to_owned()),
        },
        signals: options.signals,
        clients: options.clients,
        changes: options.changes(),
        every: Duration::from_millis(u64::from(options.every_ms)),
    };
    let progress = Arc::new(Progress::default());
    let mut running = load.start(&progress).await?;
    let (memory_begin_kb, cpu_before) = (hub.private_kb(), hub.cpu());

    let started = Instant::now();
    let before = progress.read();
    let (mut reported, mut memory) = (started, Vec::new());
    let span = Duration::from_secs(u64::from(options.secs));
    while started.elapsed() < span {
        let pause = LOOK_EVERY.min(span.saturating_sub(started.elapsed()));
        running.watch(pause).await?;
        memory.push(hub.private_kb());
        if !options.json && reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            say(started.elapsed(), hub.private_kb(), &progress);
        }
    }
    let secs = started.elapsed().as_secs_f64();
    let (after, cpu) = (progress.read(), hub.cpu().saturating_sub(cpu_before));
    let behind = running.settle(SETTLE_MAX).await?;
    if behind > 0 {
        return Err(ScaleBenchError::NeverSettled { clients: behind });
    }
    memory.push(hub.private_kb());
    let updates = after.updates - before.updates;
    Ok(Report {
        signals: options.signals,
        clients: options.clients,
        routes: options.routes(),
        changes_per_cycle: options.changes(),
        every_ms: options.every_ms,
        secs,
        cycles_written: after.cycles - before.cycles,
        frames_read: after.frames - before.frames,
        updates_read: updates,
        updates_read_per_s: updates as f64 / secs,
        lag_cycles_max: after.lag_max,
        hub_cpu_s: cpu.as_secs_f64(),
        memory_begin_kb,
        memory: MemoryThirds::of(&memory),
        recording: match options.record {
            true => recording(hub).await?,
            false => None,
        },
    })
}

/// How the recording stands that began with the hub.
async fn recording(hub: &HubProcess) -> Result<Option<Recording>, ScaleBenchError> {
    let api = Hub::at(&hub.at()?).map_err(ScaleBenchError::Api)?;
    let recordings: Recordings = api.get("/api/v1/recordings").await.map_err(ScaleBenchError::Api)?;
    let none = || ScaleBenchError::Wanting(vec![String::from("the recording has ended before its time")]);
    recordings.active.ok_or_else(none).map(Some)
}

/// What is wanting, in words; nothing when the trial was passed.
fn judge(report: &Report) -> Vec<String> {
    let mut wanting = Vec::new();
    let behind = report.lag_cycles_max;
    if behind > LAG_MAX {
        wanting.push(format!("a client was {behind} cycles behind"));
    }
    wanting.extend(report.memory.complaint());
    if let Some(recording) = report.recording.as_ref().filter(|recording| recording.gaps > 0) {
        wanting.push(format!("the recording has {} gaps", recording.gaps));
    }
    wanting
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

fn print(json: bool, report: &Report) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        return writeln!(out, "{}", serde_json::json!(report));
    }
    writeln!(
        out,
        "{} signals, {} clients, {} routes, {} changes every {} ms, {:.1} s\n  \
         cycles written     {}\n  \
         frames read        {}\n  \
         updates read       {} ({:.0} per second)\n  \
         furthest behind    {} cycles\n  \
         time of the hub    {:.1} s of a processor\n  \
         memory of the hub  {} kB at the begin, {} kB in the first third, {} kB in the last, {} kB at most",
        report.signals,
        report.clients,
        report.routes,
        report.changes_per_cycle,
        report.every_ms,
        report.secs,
        report.cycles_written,
        report.frames_read,
        report.updates_read,
        report.updates_read_per_s,
        report.lag_cycles_max,
        report.hub_cpu_s,
        report.memory_begin_kb,
        report.memory.first_kb,
        report.memory.last_kb,
        report.memory.max_kb,
    )?;
    match &report.recording {
        None => Ok(()),
        Some(recording) => writeln!(
            out,
            "  recording          {} samples, {} inputs, {} gaps, {:.1} MB",
            recording.samples,
            recording.inputs,
            recording.gaps,
            recording.bytes as f64 / 1e6
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanting_is_said() {
        let mut report = Report {
            signals: 1,
            clients: 1,
            routes: 0,
            changes_per_cycle: 1,
            every_ms: 1,
            secs: 1.0,
            cycles_written: 1,
            frames_read: 1,
            updates_read: 1,
            updates_read_per_s: 1.0,
            lag_cycles_max: 1,
            hub_cpu_s: 0.0,
            memory_begin_kb: 1,
            memory: MemoryThirds::default(),
            recording: None,
        };
        assert_eq!(judge(&report), [""; 0]);
        report.lag_cycles_max = 2;
        report.recording = Some(Recording {
            samples: 9,
            inputs: 9,
            gaps: 3,
            bytes: 9,
        });
        assert_eq!(
            judge(&report),
            ["a client was 2 cycles behind", "the recording has 3 gaps"]
        );
    }
}
