//! `crosstie plc`: the PLC contexts of a running hub or of any PiPLC engine, and programs and scan tables in files.
//!
//! A verb asks its `Door`, and one printer tells what came, whichever way it came:
//!
//! ```text
//!   verb ─▶ Which ─┬─ --at ─────▶ Found: the hub's HTTP API ───────┬─▶ Context, Written, ForceRow, Change ─▶ table, line or JSON
//!                  └─ --engine ─▶ Engine: PiPLC's protocol itself ─┘
//! ```
//!
//! | room | verbs |
//! |---|---|
//! | `control` | status, start, stop, pause, resume, step, step-rung, reset, break, context |
//! | `program` | download, upload, clear |
//! | `profile` | profile |
//! | `memory` | force, release, forces, write, toggle, watch |
//! | `files` | check, convert; no hub has to run |
//! | `scan_test` | scan-test; no hub has to run |
//! | `door` | the two ways to a context |
//! | `engine` | the way to any engine |
//! | `found` | how diagnostics of programs are printed |

pub mod control;
pub mod files;
pub mod memory;
pub mod profile;
pub mod program;
pub mod scan_test;

mod door;
mod engine;
mod found;

use super::api::{Hub, escaped};
use super::{At, CliError};
use clap::{Args, Subcommand};
use door::Door;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::Write;

/// What can be done with PLC contexts, programs and scan tables.
#[derive(Debug, Subcommand)]
pub enum PlcCommand {
    /// Print the contexts: state, program, scan times, forces
    #[command(
        after_help = "Examples:\n  crosstie plc status\n  crosstie plc status --context 'Line 2' --json\n  \
                      crosstie plc status --engine ws://10.0.0.7:9100/"
    )]
    Status(control::StatusArgs),
    /// Run the program, from the first rung or from where it paused
    #[command(
        after_help = "Examples:\n  crosstie plc start\n  crosstie plc start --engine ws://10.0.0.7:9100/ --context 'Line 2'"
    )]
    Start(Which),
    /// Stop; ends a fault
    Stop(Which),
    /// Pause after the current scan
    Pause(Which),
    /// Run on after a pause
    Resume(Which),
    /// Execute one whole scan, or the rest of one that was begun
    Step(Which),
    /// Execute one rung
    StepRung(Which),
    /// Stop and forget memory, forces, statistics and faults
    Reset(Which),
    /// Give a context the program of a file
    #[command(
        after_help = "The file is a .plcproj or a text with one rung per line. A download stops the engine; one that is not \
                      Stopped is stopped only after a yes.\n\n\
                      Examples:\n  crosstie plc download bottling.plcproj\n  crosstie plc download bottling.plcproj --yes && crosstie plc start\n  \
                      crosstie plc download bottling.plcproj --engine ws://10.0.0.7:9100/"
    )]
    Download(program::DownloadArgs),
    /// Print the document of a context's program, or write it to a file
    #[command(after_help = "It is the document as it was downloaded, to the last byte.\n\n\
                      Example:\n  crosstie plc upload bottling.plcproj")]
    Upload(program::UploadArgs),
    /// Take the program of a context away; stops it
    Clear(Which),
    /// Force a place of the memory: every reader sees this value until it is released
    #[command(
        after_help = "Examples:\n  crosstie plc force I:0/3 on --reason 'sensor broken' --for 10m\n  crosstie plc force N:7 -5"
    )]
    Force(memory::ForceArgs),
    /// End the force on a place, or all forces of a context
    #[command(after_help = "Examples:\n  crosstie plc release I:0/3\n  crosstie plc release --all")]
    Release(memory::ReleaseArgs),
    /// Print what is forced, by whom and why; an engine itself tells neither whom nor why
    Forces(memory::ForcesArgs),
    /// Print places of the memory and then each of their changes until Ctrl-C
    #[command(after_help = "Examples:\n  crosstie plc watch I:0/3 T:4.ACC Motor\n  \
                      crosstie plc watch Motor --engine ws://10.0.0.7:9100/ --csv > motor.csv")]
    Watch(memory::WatchArgs),
    /// Write a place of the memory once
    #[command(after_help = "Examples:\n  crosstie plc write N:7 250\n  crosstie plc write Start on --context 'Line 2'")]
    Write(memory::WriteArgs),
    /// Turn a bit of the memory over
    #[command(after_help = "Examples:\n  crosstie plc toggle B:3/1\n  crosstie plc toggle Manual")]
    Toggle(memory::ToggleArgs),
    /// Pause before a rung, or no longer
    #[command(
        after_help = "Examples:\n  crosstie plc break 3\n  crosstie plc break --clear 3\n  crosstie plc break --clear"
    )]
    Break(control::BreakArgs),
    /// Print which rungs a scan is spent on
    #[command(after_help = "Measuring costs time in every scan, so it is switched on and off.\n\n\
                      Example:\n  crosstie plc profile --on && sleep 10 && crosstie plc profile --top 5 && crosstie plc profile --off")]
    Profile(profile::ProfileArgs),
    /// Make and remove contexts
    #[command(subcommand)]
    Context(control::ContextCommand),
    /// Run scan tables: programs with what they must do; no hub has to run
    #[command(
        after_help = "Of a folder all files *.scan are run, those of its folders too. Exit codes: 0 all cases hold, 1 one does \
                      not, 2 a table cannot be read.\n\n\
                      Example:\n  crosstie plc scan-test tests/ --junit report.xml"
    )]
    ScanTest(scan_test::ScanTestArgs),
    /// Print everything that is wrong or doubtful in programs; no hub has to run
    #[command(
        after_help = "Files are .plcproj, .mplcproj or texts with one rung per line. Exit code 2 when a program cannot run; \
                      one that is doubtful runs all the same.\n\n\
                      Example:\n  crosstie plc check bottling.plcproj"
    )]
    Check(files::CheckArgs),
    /// Turn a .plcproj into a text with one rung per line, or back; no hub has to run
    #[command(after_help = "The ending of OUT says what is written: .plcproj, or else text.\n\n\
                      Examples:\n  crosstie plc convert bottling.plcproj bottling.ladder\n  crosstie plc convert bottling.plcproj -")]
    Convert(files::ConvertArgs),
}

/// Which context of which hub or engine a verb is about.
#[derive(Debug, Clone, Default, Args)]
pub struct Which {
    /// Id or name of the context; the first one without it
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Which engine, instead of a hub.
    #[command(flatten)]
    pub engine: EngineAt,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// Which engine a verb talks to, when it is not to ask a hub.
#[derive(Debug, Clone, Default, Args)]
pub struct EngineAt {
    /// Talk to any PiPLC engine at this address, such as ws://10.0.0.7:9100/, and to no hub
    #[arg(long = "engine", value_name = "URL")]
    pub url: Option<String>,
}

/// Carries out a verb.
pub(super) async fn plc(command: PlcCommand, out: &mut impl Write) -> Result<(), CliError> {
    match command {
        PlcCommand::Status(args) => control::status(&args, out).await,
        PlcCommand::Start(which) => control::command(&which, "start", out).await,
        PlcCommand::Stop(which) => control::command(&which, "stop", out).await,
        PlcCommand::Pause(which) => control::command(&which, "pause", out).await,
        PlcCommand::Resume(which) => control::command(&which, "resume", out).await,
        PlcCommand::Step(which) => control::command(&which, "step_scan", out).await,
        PlcCommand::StepRung(which) => control::command(&which, "step_rung", out).await,
        PlcCommand::Reset(which) => control::command(&which, "reset", out).await,
        PlcCommand::Download(args) => program::download(&args, out).await,
        PlcCommand::Upload(args) => program::upload(&args, out).await,
        PlcCommand::Clear(which) => program::clear(&which, out).await,
        PlcCommand::Force(args) => memory::force(&args, out).await,
        PlcCommand::Release(args) => memory::release(&args, out).await,
        PlcCommand::Forces(args) => memory::forces(&args, out).await,
        PlcCommand::Watch(args) => memory::watch(&args, out).await,
        PlcCommand::Write(args) => memory::write(&args, out).await,
        PlcCommand::Toggle(args) => memory::toggle(&args, out).await,
        PlcCommand::Break(args) => control::breakpoint(&args, out).await,
        PlcCommand::Profile(args) => profile::profile(&args, out).await,
        PlcCommand::Context(command) => control::context(&command, out).await,
        PlcCommand::ScanTest(args) => scan_test::scan_test(&args, out),
        PlcCommand::Check(args) => files::check(&args, out),
        PlcCommand::Convert(args) => files::convert(&args, out),
    }
}

/// Path of the contexts in the API.
const CONTEXTS: &str = "/api/v1/plc/contexts";

/// A context of a running hub.
#[derive(Debug)]
struct Found {
    hub: Hub,
    /// Its path in the API.
    path: String,
    /// What the API says of it.
    row: Context,
}

/// What verbs want to know of a context; of an engine this is all that `--json` prints.
#[derive(Debug, Deserialize, Serialize)]
struct Context {
    id: String,
    name: String,
    state: String,
    fault: Option<String>,
    next_rung: Option<usize>,
    program: Option<Program>,
    scan: Scan,
    forces: Vec<Value>,
    /// PiPLC's protocol does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    retain: Option<Retain>,
    /// Nor this.
    #[serde(skip_serializing_if = "Option::is_none")]
    io: Option<Io>,
    /// The link to the engine of a context that is elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<Link>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Link {
    color: String,
    reason: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Retain {
    places: Vec<String>,
    restored: bool,
    error: Option<String>,
}

/// What is wired to a context.
#[derive(Debug, Deserialize, Serialize)]
struct Io {
    /// Why a device does not answer.
    reason: Option<String>,
}

/// An answer that says how a context stands.
#[derive(Debug, Deserialize)]
struct OneContext {
    context: Value,
}

#[derive(Debug, Deserialize)]
struct ContextList {
    contexts: Vec<Value>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Program {
    name: String,
    /// `None` of an engine's program that cannot be read here.
    rungs: Option<usize>,
    instructions: Option<usize>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Scan {
    count: u64,
    last_us: u64,
    min_us: u64,
    max_us: u64,
    avg_us: u64,
    overruns: u64,
    /// PiPLC's protocol does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lateness: Option<Lateness>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Lateness {
    p99_us: Option<u64>,
}

impl Which {
    /// Goes to the context, whether a hub has it or an engine.
    async fn open(&self) -> Result<Door, CliError> {
        match &self.engine.url {
            Some(url) => {
                let engine = engine::Engine::open(url, &self.at, self.context.as_deref()).await?;
                Ok(Door::Engine(Box::new(engine)))
            }
            None => Ok(Door::Hub(Box::new(self.find().await?))),
        }
    }

    /// Finds the context of a hub.
    async fn find(&self) -> Result<Found, CliError> {
        let hub = Hub::at(&self.at)?;
        let rows = rows(&hub, self.context.as_deref()).await?;
        let row = Context::read(rows.into_iter().next().ok_or_else(no_context)?)?;
        Ok(Found {
            hub,
            path: path_of(&row.id),
            row,
        })
    }
}

/// What the API says of one context, or of all of them.
async fn rows(hub: &Hub, context: Option<&str>) -> Result<Vec<Value>, CliError> {
    match context {
        Some(name) => Ok(vec![hub.get::<OneContext>(&path_of(name)).await?.context]),
        None => Ok(hub.get::<ContextList>(CONTEXTS).await?.contexts),
    }
}

fn no_context() -> CliError {
    CliError::Failed(String::from(
        "the hub has no PLC contexts; [piplc] or [[plc]] in its project makes one",
    ))
}

fn path_of(context: &str) -> String {
    format!("{CONTEXTS}/{}", escaped(context))
}

impl Context {
    fn read(row: Value) -> Result<Context, CliError> {
        serde_json::from_value(row).map_err(|error| CliError::failed(&error))
    }

    /// The context of an answer.
    fn of(answer: Value) -> Result<Context, CliError> {
        let answer: OneContext = serde_json::from_value(answer).map_err(|error| CliError::failed(&error))?;
        Context::read(answer.context)
    }

    /// How it stands, in words.
    fn stands(&self) -> String {
        let mut text = format!("{} is {}", self.name, self.state);
        if let Some(fault) = &self.fault {
            text.push_str(&format!(": {fault}"));
        }
        if let Some(rung) = self.next_rung {
            text.push_str(&format!(", rung {rung} is next"));
        }
        text
    }
}
