//! `crosstie bench plc`: several PLCs at work and many clients that look at them, for as long as one likes.
//!
//! ```text
//!   8 scan threads, 1 ms ──▶ hub (a process of its own) ──▶ 100 clients of PiPLC's protocol, a snapshot every 50 ms
//! ```
//!
//! The clients share the contexts among them. When the time is over the trial is judged: no client was without a snapshot, in
//! every stream one number follows the other, scans begin on time, and the memory of the hub has not grown.

mod clients;

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::BenchError;
use super::hub_process::{Folder, HubProcess};
use super::memory::MemoryThirds;
use crate::cli::CliError;
use crate::cli::api::Hub;
use crate::cli::bench::PlcOptions;
use clients::{Clients, Streams};

/// What all contexts execute: a cycle with timers, a sum, a count, and lamps that follow.
const PROGRAM: &str = "PROGRAM \"Bench\"\n\
    SOR XIO T:0.DN TON T:0 70 EOR\n\
    SOR XIC T:0.DN BST XIO B:0/0 OTL B:0/1 NXB XIC B:0/0 OTU B:0/1 BND EOR\n\
    SOR XIC B:0/1 OTE B:0/0 OTE O:0/0 EOR\n\
    SOR XIC T:0.DN CTU C:0 32000 ADD N:0 1 N:0 EOR\n\
    SOR GRT N:0 1000 MOV 0 N:0 RES C:0 EOR\n\
    SOR XIC O:0/0 TON T:1 30 EOR\n\
    SOR XIC T:1.TT OTE O:0/1 EOR\n\
    SOR XIC T:1.DN OTE O:0/2 EOR\n\
    SOR LEQ N:1 2000000000 ADD N:1 1 N:1 EOR\n\
    SOR MUL N:0 7 N:2 MOD N:2 100 N:3 GRT N:3 50 OTE O:0/3 EOR\n\
    SOR SCL N:3 0 100 0 4095 N:4 EOR\n\
    SOR XIC I:0/0 {OSR} BST XIO I:0/1 NXB XIC B:0/2 BND OTE O:0/4 EOR\n";

/// Milliseconds between two snapshots of a client.
const SNAPSHOT_EVERY_MS: u32 = 50;
/// How often the memory of the hub is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often a line about the state is printed.
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// Of the snapshots that are due a client may lack this part: those at the edges of the time.
const SNAPSHOTS_LACKING_MAX: f64 = 0.05;
/// A client that waits longer for its next snapshot has missed some: twenty times its interval.
const PAUSE_MAX: Duration = Duration::from_millis(20 * SNAPSHOT_EVERY_MS as u64);
/// Of the scans that are due so many may be missed: one per cent, as the hub itself judges.
const MISSED_MAX: f64 = 0.01;

/// Why a trial has failed.
#[derive(Debug, thiserror::Error)]
pub enum PlcBenchError {
    /// It could not be made.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// The hub does not say how its contexts stand.
    #[error("asking the hub under test failed")]
    Api(#[source] CliError),
    /// It was made, and something is wanting.
    #[error("{}", .0.join("; "))]
    Wanting(Vec<String>),
}

/// What was seen.
#[derive(Clone, Debug, Default, Serialize)]
struct Report {
    contexts: u32,
    clients: u32,
    scan_ms: f64,
    secs: f64,
    /// Of all contexts together.
    scans: u64,
    missed_scans: u64,
    overruns: u64,
    merged_scans: u64,
    /// Of the context that was worst.
    lateness_p50_us: u64,
    lateness_p99_us: u64,
    lateness_max_us: u64,
    /// What the system has not granted the first context.
    denied: Vec<String>,
    snapshots: u64,
    /// Of the client that got fewest.
    snapshots_min: u64,
    snapshots_due: u64,
    /// Numbers that did not follow the one before.
    sequence_gaps: u64,
    longest_pause_ms: u64,
    #[serde(flatten)]
    memory: MemoryThirds,
}

/// Runs the trial, prints what was seen, and judges it.
///
/// # Errors
///
/// A [`PlcBenchError`]; what was seen is printed also when something is wanting.
pub fn plc(options: &PlcOptions) -> Result<(), PlcBenchError> {
    let system = |what| move |source| BenchError::System { what, source };
    let folder = project(options)?;
    let hub = HubProcess::run(folder.path())?;
    let runtime = super::threads()?;
    let report = runtime.block_on(measure(options, &hub))?;
    print(options.json, &report).map_err(system("printing"))?;
    let wanting = judge(&report);
    match wanting.is_empty() {
        true => Ok(()),
        false => Err(PlcBenchError::Wanting(wanting)),
    }
}

/// A project with so many contexts that run at once.
fn project(options: &PlcOptions) -> Result<Folder, BenchError> {
    use std::fmt::Write as _;
    let mut project = format!(
        "[web]\nport = 0\n[piplc]\nport = 0\nmax_contexts = {}\n[hub]\nmax_clients = {}\n",
        options.contexts,
        options.clients + 10
    );
    for context in 0..options.contexts {
        // Writing to a text cannot fail.
        let _ = writeln!(
            project,
            "[[plc]]\nname = \"P{context}\"\nprogram = \"bench.ladder\"\nautostart = true\nscan_time_ms = {}",
            options.scan_ms
        );
        if let Some(priority) = options.priority {
            let _ = writeln!(project, "priority = {priority}");
        }
    }
    let folder = Folder::with_project("bench-plc", &project, "")?;
    std::fs::write(folder.path().join("bench.ladder"), PROGRAM).map_err(|source| BenchError::System {
        what: "writing the program",
        source,
    })?;
    Ok(folder)
}

async fn measure(options: &PlcOptions, hub: &HubProcess) -> Result<Report, PlcBenchError> {
    let api = Hub::at(&hub.at()?).map_err(PlcBenchError::Api)?;
    let every = Duration::from_millis(u64::from(SNAPSHOT_EVERY_MS));
    let mut clients = Clients::start(hub.piplc()?, options.clients, options.contexts, every).await?;
    reset(&api, options.contexts).await?;
    clients.begin();
    let (started, mut reported, mut memory) = (Instant::now(), Instant::now(), Vec::new());
    let span = Duration::from_secs(u64::from(options.secs));
    while started.elapsed() < span {
        memory.push(hub.private_kb());
        clients
            .watch(LOOK_EVERY.min(span.saturating_sub(started.elapsed())))
            .await?;
        if !options.json && reported.elapsed() >= REPORT_EVERY {
            reported = Instant::now();
            // A closed stderr is no reason to stop.
            let _ = writeln!(
                io::stderr(),
                "{:>6} s  {:>10} snapshots  hub {} kB",
                started.elapsed().as_secs(),
                clients.streams().snapshots,
                hub.private_kb()
            );
        }
    }
    let elapsed = started.elapsed();
    let streams = clients.end();
    let rows: ContextList = api.get(CONTEXTS).await.map_err(PlcBenchError::Api)?;
    let due = (elapsed.as_millis() / every.as_millis()) as u64;
    let report = Report {
        contexts: options.contexts,
        clients: options.clients,
        scan_ms: options.scan_ms,
        secs: elapsed.as_secs_f64(),
        snapshots_due: due,
        memory: MemoryThirds::of(&memory),
        ..Report::default()
    };
    Ok(report.with(&streams).with_contexts(&rows))
}

/// Counting begins when everybody is there: a context that is reset and started has statistics of its own time.
async fn reset(api: &Hub, contexts: u32) -> Result<(), PlcBenchError> {
    for context in 0..contexts {
        for command in ["reset", "start"] {
            let body = serde_json::json!({ "command": command });
            let path = format!("{CONTEXTS}/P{context}/command");
            let done = api.send(axum::http::Method::POST, &path, Some(&body)).await;
            done.map_err(PlcBenchError::Api)?;
        }
    }
    Ok(())
}

const CONTEXTS: &str = "/api/v1/plc/contexts";

#[derive(Debug, Deserialize)]
struct ContextList {
    contexts: Vec<Context>,
}

#[derive(Debug, Deserialize)]
struct Context {
    scan: Scan,
    realtime: Realtime,
}

#[derive(Debug, Deserialize)]
struct Scan {
    count: u64,
    missed: u64,
    overruns: u64,
    merged: u64,
    lateness: Lateness,
}

#[derive(Debug, Deserialize)]
struct Lateness {
    max_us: u64,
    p50_us: Option<u64>,
    p99_us: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Realtime {
    denied: Vec<String>,
}

impl Report {
    fn with(self, streams: &Streams) -> Report {
        Report {
            snapshots: streams.snapshots,
            snapshots_min: streams.snapshots_min,
            sequence_gaps: streams.gaps,
            longest_pause_ms: streams.longest_pause.as_millis() as u64,
            ..self
        }
    }

    fn with_contexts(mut self, rows: &ContextList) -> Report {
        for Context { scan, .. } in &rows.contexts {
            self.scans += scan.count;
            self.missed_scans += scan.missed;
            self.overruns += scan.overruns;
            self.merged_scans += scan.merged;
            self.lateness_p50_us = self.lateness_p50_us.max(scan.lateness.p50_us.unwrap_or_default());
            self.lateness_p99_us = self.lateness_p99_us.max(scan.lateness.p99_us.unwrap_or_default());
            self.lateness_max_us = self.lateness_max_us.max(scan.lateness.max_us);
        }
        let first = rows.contexts.first();
        self.denied = first.map_or_else(Vec::new, |context| context.realtime.denied.clone());
        self
    }
}

/// What is wanting, in words; nothing when the trial was passed.
fn judge(report: &Report) -> Vec<String> {
    let mut wanting = Vec::new();
    let least = (report.snapshots_due as f64 * (1.0 - SNAPSHOTS_LACKING_MAX)).floor() as u64;
    if report.snapshots_min + 1 < least {
        wanting.push(format!(
            "a client got {} snapshots of {} that were due",
            report.snapshots_min, report.snapshots_due
        ));
    }
    if report.sequence_gaps > 0 {
        wanting.push(format!(
            "{} snapshots did not follow the one before",
            report.sequence_gaps
        ));
    }
    if u128::from(report.longest_pause_ms) > PAUSE_MAX.as_millis() {
        wanting.push(format!("a client waited {} ms for a snapshot", report.longest_pause_ms));
    }
    if report.scans == 0 {
        wanting.push(String::from("no context has scanned"));
    }
    let due = report.scans + report.missed_scans;
    if report.missed_scans as f64 > due as f64 * MISSED_MAX {
        wanting.push(format!("{} of {due} scans were missed", report.missed_scans));
    }
    if report.lateness_p99_us as f64 > report.scan_ms * 1e3 {
        wanting.push(format!(
            "one of 100 scans of a context began {} µs late or later, with {} ms between them",
            report.lateness_p99_us, report.scan_ms
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
    let denied = match report.denied.is_empty() {
        true => String::new(),
        false => format!("  not granted        {}\n", report.denied.join("; ")),
    };
    writeln!(
        out,
        "{} contexts every {} ms, {} clients every {SNAPSHOT_EVERY_MS} ms, {:.1} s\n{denied}  \
         scans              {} ({} missed, {} overruns, {} merged)\n  \
         began late         {} µs (p50), {} µs (p99), {} µs at most, in the worst context\n  \
         snapshots          {} ({} the fewest of a client, {} due, {} out of sequence)\n  \
         longest pause      {} ms\n  \
         memory of the hub  {} kB in the first third, {} kB in the last, {} kB at most",
        report.contexts,
        report.scan_ms,
        report.clients,
        report.secs,
        report.scans,
        report.missed_scans,
        report.overruns,
        report.merged_scans,
        report.lateness_p50_us,
        report.lateness_p99_us,
        report.lateness_max_us,
        report.snapshots,
        report.snapshots_min,
        report.snapshots_due,
        report.sequence_gaps,
        report.longest_pause_ms,
        report.memory.first_kb,
        report.memory.last_kb,
        report.memory.max_kb,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Report {
        Report {
            scan_ms: 1.0,
            scans: 80_000,
            missed_scans: 800,
            lateness_p99_us: 1_000,
            snapshots_due: 200,
            snapshots_min: 190,
            longest_pause_ms: 1_000,
            memory: MemoryThirds::of(&[10_000, 10_000, 12_500]),
            ..Report::default()
        }
    }

    #[test]
    fn a_trial_is_passed_within_its_limits_and_fails_beyond_each() {
        assert_eq!(judge(&good()), [""; 0]);
        type Spoil = fn(&mut Report);
        let spoils: [(Spoil, &str); 7] = [
            (
                |report| report.snapshots_min = 188,
                "a client got 188 snapshots of 200 that were due",
            ),
            (
                |report| report.sequence_gaps = 1,
                "1 snapshots did not follow the one before",
            ),
            (
                |report| report.longest_pause_ms = 1_001,
                "a client waited 1001 ms for a snapshot",
            ),
            (
                |report| (report.scans, report.missed_scans) = (0, 0),
                "no context has scanned",
            ),
            (|report| report.missed_scans = 900, "900 of 80900 scans were missed"),
            (
                |report| report.lateness_p99_us = 2_000,
                "one of 100 scans of a context began 2000 µs late or later, with 1 ms between them",
            ),
            (
                |report| report.memory = MemoryThirds::of(&[10_000, 10_000, 12_600]),
                "the hub's memory has grown from 10000 kB to 12600 kB",
            ),
        ];
        for (spoil, expected) in spoils {
            let mut report = good();
            spoil(&mut report);
            assert_eq!(judge(&report), [expected]);
        }
    }
}
