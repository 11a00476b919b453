//! A context, a force and a diagnostic as JSON.

use crosstie_hub::api::plc::{ContextRow, EngineLink, ForceRow, IoRow, ProgramSummary, RetainRow};
use crosstie_hub::plc::Lateness;
use crosstie_ladder::diagnostic::Diagnostic;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::signals::to_json;

/// One context.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Context {
    /// What PiPLC's protocol calls it.
    id: String,
    /// Its name, the second segment of its signals.
    name: String,
    /// `Stopped`, `Running`, `Paused`, `Stepping` or `Fault`.
    state: &'static str,
    /// Why it is in fault.
    fault: Option<String>,
    /// The rung that comes next in a scan that was begun, counted from 0.
    next_rung: Option<usize>,
    /// Its program in short; null without one.
    program: Option<Program>,
    /// How scans went.
    scan: Scan,
    /// How its thread runs; null where none of this hub scans.
    realtime: Option<Realtime>,
    /// Rungs with a breakpoint, in order.
    breakpoints: Vec<usize>,
    /// What is forced, the oldest first.
    forces: Vec<Force>,
    /// What drives its inputs and what its outputs drive, for people.
    io_provider: String,
    /// The same with how it stands.
    io: Io,
    /// How the link to its engine stands; null where the engine is here.
    link: Option<Link>,
    /// What its outputs drive stays as it is when it stops.
    hold_outputs: bool,
    /// It is gone when the hub ends.
    temporary: bool,
    /// It measures how long the rungs of its program take.
    profiling: bool,
    /// Its retentive memory; null where the project names no place.
    retain: Option<Retain>,
}

impl From<ContextRow> for Context {
    fn from(row: ContextRow) -> Context {
        let scan = Scan::of(&row);
        Context {
            id: row.id,
            name: row.name,
            state: row.state.as_str(),
            fault: row.fault,
            next_rung: row.next_rung,
            program: row.program.map(Program::from),
            scan,
            // A scan thread elsewhere is not known.
            realtime: row.link.is_none().then(|| row.realtime.into()),
            breakpoints: row.breakpoints,
            forces: row.forces.into_iter().map(Force::from).collect(),
            io_provider: row.io_provider,
            io: Io::from(row.io),
            link: row.link.map(Link::from),
            hold_outputs: row.hold_outputs,
            temporary: row.is_temporary,
            profiling: row.is_profiling,
            retain: row.retain.map(Retain::from),
        }
    }
}

/// The places that keep their values over a power loss.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Retain {
    /// The places, as the project names them.
    places: Vec<String>,
    /// Hub time, in milliseconds, at which values of this run were written to the disk last; null before that.
    saved_at_ms: Option<u64>,
    /// The context began with values of an earlier run.
    restored: bool,
    /// Why values are not kept, or were lost; null when all is well.
    error: Option<String>,
}

impl From<RetainRow> for Retain {
    fn from(row: RetainRow) -> Retain {
        Retain {
            places: row.places,
            saved_at_ms: row.saved_at.map(|at| at.as_millis()),
            restored: row.is_restored,
            error: row.error,
        }
    }
}

/// The link to an engine elsewhere.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Link {
    /// `green`, `yellow` or `red`.
    color: &'static str,
    /// Why it is not green.
    reason: Option<String>,
    /// Where the engine is, without a query.
    #[schema(example = "ws://192.0.2.7:9100/")]
    url: String,
    /// Name and version of the server, once it has said them.
    server: Option<String>,
    /// Generation of the protocol that it speaks, `0.1` or `0.2`.
    dialect: Option<&'static str>,
    /// Id of the context there.
    remote_context: Option<String>,
    /// Failures since the link was up.
    attempts: u32,
    /// Time to the next attempt in milliseconds; null while none is waited for.
    retry_in_ms: Option<u64>,
}

impl From<EngineLink> for Link {
    fn from(link: EngineLink) -> Link {
        Link {
            color: link.color.word(),
            reason: link.reason,
            url: link.url,
            server: link.server,
            dialect: link.dialect,
            remote_context: link.remote_context,
            attempts: link.attempts,
            retry_in_ms: link.retry_in.map(|span| span.as_millis() as u64),
        }
    }
}

/// What is wired to a context.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Io {
    /// The names of all providers.
    #[schema(example = "Modbus TCP (192.0.2.7:502)")]
    provider: String,
    /// `virtual`, or the worst state of its devices: `down`, `waiting`, `up`.
    state: &'static str,
    /// Why it is not up.
    reason: Option<String>,
    /// The inputs that devices write: what others write there has no effect.
    #[schema(example = json!(["I:0/0", "N:3"]))]
    drives: Vec<String>,
    /// Its devices.
    devices: Vec<IoDevice>,
}

/// One device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct IoDevice {
    /// What it is, for people.
    name: String,
    /// `waiting`: it has not answered since it was configured; `up`; `down`.
    state: &'static str,
    /// Why it is not up.
    reason: Option<String>,
    /// What went wrong since it was configured.
    errors: u64,
}

impl From<IoRow> for Io {
    fn from(row: IoRow) -> Io {
        let devices = row.devices.into_iter().map(|device| IoDevice {
            name: device.name,
            state: device.state.word(),
            reason: device.reason,
            errors: device.errors,
        });
        Io {
            provider: row.provider,
            state: row.state,
            reason: row.reason,
            drives: row.drives,
            devices: devices.collect(),
        }
    }
}

/// A program in short.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Program {
    /// Its name, may be empty.
    name: String,
    /// Another number is another program.
    number: u64,
    /// How many rungs it has.
    rungs: usize,
    /// How many instructions it has.
    instructions: usize,
    /// How many errors and warnings its checks have found.
    diagnostics: usize,
    /// Who loaded it.
    by: String,
    /// Hub time of that, in milliseconds.
    loaded_at_ms: u64,
}

impl From<ProgramSummary> for Program {
    fn from(summary: ProgramSummary) -> Program {
        Program {
            name: summary.name,
            number: summary.number,
            rungs: summary.rungs,
            instructions: summary.instructions,
            diagnostics: summary.diagnostics,
            by: summary.by,
            loaded_at_ms: summary.loaded_at.as_millis(),
        }
    }
}

/// How scans went since the program was loaded or the context was reset. Times are in microseconds.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Scan {
    /// Scans that were finished.
    count: u64,
    /// How long the last one took.
    last_us: u64,
    /// The shortest.
    min_us: u64,
    /// The longest.
    max_us: u64,
    /// The average.
    avg_us: u64,
    /// Scans that took longer than the target.
    overruns: u64,
    /// How often it is to scan.
    target_us: u32,
    /// A longer scan is a fault; null when none is.
    watchdog_us: Option<u64>,
    /// Scans of which the hub saw the image of a later one only.
    merged: u64,
    /// Scans that were due and were left out, because the thread came too late for them.
    missed: u64,
    /// How much later than due scans began.
    lateness: LatenessRow,
}

/// How much later than due scans began. A percentile is the upper bound of its bucket; null without scans.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LatenessRow {
    /// The latest of all, in microseconds.
    max_us: u32,
    /// Half of them began no later.
    p50_us: Option<u32>,
    /// 99 of 100 began no later.
    p99_us: Option<u32>,
    /// How many began how late, each counted in one bucket.
    buckets: Vec<LateBucket>,
}

/// Scans that began about as late as each other.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct LateBucket {
    /// They began no later than this, and later than the bucket before says; null in the last one.
    le_us: Option<u32>,
    /// How many.
    count: u64,
}

impl From<&Lateness> for LatenessRow {
    fn from(lateness: &Lateness) -> LatenessRow {
        let buckets = lateness.buckets();
        LatenessRow {
            max_us: lateness.max_us,
            p50_us: lateness.percentile_us(50),
            p99_us: lateness.percentile_us(99),
            buckets: buckets.map(|(le_us, count)| LateBucket { le_us, count }).collect(),
        }
    }
}

/// How the thread of a context runs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Realtime {
    /// Its real-time priority, 1 to 99; null when it has none.
    priority: Option<u8>,
    /// The only CPU that it runs on; null when all are right.
    cpu: Option<u16>,
    /// It waits for the last moment before a scan with its eyes open.
    spin: bool,
    /// The memory of the hub stays in the memory of the machine.
    locked_memory: bool,
    /// What was asked for and not granted, each in words.
    denied: Vec<String>,
}

impl From<crosstie_hub::plc::Realtime> for Realtime {
    fn from(realtime: crosstie_hub::plc::Realtime) -> Realtime {
        Realtime {
            priority: realtime.priority,
            cpu: realtime.cpu,
            spin: realtime.spin,
            locked_memory: realtime.locked_memory,
            denied: realtime.denied,
        }
    }
}

impl Scan {
    fn of(row: &ContextRow) -> Scan {
        let statistics = &row.statistics;
        Scan {
            count: statistics.scan_count,
            last_us: statistics.last_us,
            min_us: statistics.min_us,
            max_us: statistics.max_us,
            avg_us: statistics.average_us(),
            overruns: statistics.overrun_count,
            target_us: row.target_scan_us,
            watchdog_us: row.watchdog_us,
            merged: row.merged_scans,
            missed: row.lateness.missed,
            lateness: (&row.lateness).into(),
        }
    }
}

/// One force.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Force {
    /// The address.
    #[schema(example = "I:0/3")]
    address: String,
    /// Its symbol, when the program has one.
    symbol: Option<String>,
    /// The forced value.
    value: serde_json::Value,
    /// Who forces.
    by: String,
    /// Why, may be empty.
    reason: String,
    /// Hub time of its begin, in milliseconds.
    since_ms: u64,
    /// Hub time at which it ends by itself; null when it does not.
    expires_at_ms: Option<u64>,
}

impl From<ForceRow> for Force {
    fn from(row: ForceRow) -> Force {
        Force {
            address: row.address,
            symbol: row.symbol,
            value: to_json(&row.value),
            by: row.by,
            reason: row.reason,
            since_ms: row.since.as_millis(),
            expires_at_ms: row.expires_at.map(crosstie_hub::Time::as_millis),
        }
    }
}

/// What is wrong or doubtful in a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct DiagnosticRow {
    /// The rule.
    #[schema(example = "E003")]
    pub(crate) code: String,
    /// `error` or `warning`.
    pub(crate) severity: String,
    /// A program with it is refused.
    pub(crate) refuses: bool,
    /// The rung, counted from 0.
    pub(crate) rung: Option<u32>,
    /// The column of the instruction in the document.
    pub(crate) column: Option<u32>,
    /// The line of the document, counted from 1.
    pub(crate) line: Option<u32>,
    /// The character within that line, counted from 1.
    pub(crate) character: Option<u32>,
    /// What it is and what to do.
    pub(crate) text: String,
}

impl From<&Diagnostic> for DiagnosticRow {
    fn from(found: &Diagnostic) -> DiagnosticRow {
        // The codes of the rules say it.
        let severity = match found.code.as_str().starts_with('W') {
            true => "warning",
            false => "error",
        };
        DiagnosticRow {
            code: found.code.as_str().to_owned(),
            severity: String::from(severity),
            refuses: found.code.is_refusal(),
            rung: found.rung,
            column: found.column,
            line: found.place.map(|place| place.line),
            character: found.place.map(|place| place.column),
            text: found.text.clone(),
        }
    }
}

/// Diagnostics as JSON, in their order.
pub(crate) fn diagnostics(found: &[Diagnostic]) -> Vec<DiagnosticRow> {
    found.iter().map(DiagnosticRow::from).collect()
}
