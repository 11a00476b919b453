//! Questions and commands about PLC contexts, and their answers.
//!
//! A context is named by its id or its name; an empty text is the first one.

use crate::input_log::kept;
use crate::plc::{DeviceState, Lateness, PlcId, Program, Realtime};
use crate::signal::Value;
use crate::time::Time;
use crosstie_ladder::address::Address;
use crosstie_ladder::controller::{Command, ControllerState, ScanStatistics};
use crosstie_ladder::data_table::CellValue;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// What the API asks about PLC contexts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum PlcRequest {
    /// All contexts.
    Contexts,
    /// One context.
    Context {
        /// Which.
        context: String,
    },
    /// The program of a context, with its document.
    Program {
        /// Which context.
        context: String,
    },
    /// A copy of its memory.
    Memory {
        /// Which context.
        context: String,
    },
    /// How long the rungs of its program take, fresh from its engine.
    Profile {
        /// Which context.
        context: String,
    },
    /// Begin to measure how long the rungs take, anew when it does so already, or end it.
    SetProfile {
        /// Which context.
        context: String,
        /// Begin.
        on: bool,
    },
    /// Start, stop, step and the like.
    Command {
        /// Which context.
        context: String,
        /// What to do.
        #[serde(with = "kept::command")]
        command: Command,
    },
    /// Give it this program, which the driver has read; stops it first.
    Download {
        /// Which context.
        context: String,
        /// The program.
        #[serde(with = "kept::program")]
        program: Arc<Program>,
    },
    /// Take its program away; stops it first.
    ClearProgram {
        /// Which context.
        context: String,
    },
    /// Write a place of the memory.
    Write {
        /// Which context.
        context: String,
        /// Address or symbol.
        address: String,
        /// The value; it is fitted to the place.
        value: Value,
    },
    /// Write several places of the memory at one border, in this order: all of them, or none. At most
    /// [`WRITES_MAX`](crate::plc::order::WRITES_MAX). For machines that write in a cycle: the audit log does not hold it.
    WriteAll {
        /// Which context.
        context: String,
        /// Where, and what.
        #[serde(with = "kept::writes")]
        writes: Vec<(Address, CellValue)>,
    },
    /// The same by address or symbol; the values are fitted to their places.
    WriteNamed {
        /// Which context.
        context: String,
        /// Where, and what.
        writes: Vec<(String, Value)>,
    },
    /// Turn a bit over, underneath where it is forced.
    Toggle {
        /// Which context.
        context: String,
        /// Address or symbol.
        address: String,
    },
    /// Force a place of the memory.
    Force {
        /// Which context.
        context: String,
        /// Address or symbol.
        address: String,
        /// The value; it is fitted to the place.
        value: Value,
        /// Why, for people; may be empty.
        reason: String,
        /// The force ends by itself after this.
        expires_after: Option<Duration>,
    },
    /// End the force on a place, or all forces.
    Release {
        /// Which context.
        context: String,
        /// Address or symbol; `None` for all.
        address: Option<String>,
    },
    /// Set or remove a breakpoint.
    Breakpoint {
        /// Which context.
        context: String,
        /// The rung, counted from 0.
        rung: usize,
        /// Set it, or remove it.
        is_set: bool,
    },
    /// Remove all breakpoints.
    ClearBreakpoints {
        /// Which context.
        context: String,
    },
    /// Make a context that is gone when the hub ends.
    Create {
        /// Its name; `PLC n` when there is none.
        name: Option<String>,
    },
    /// Remove a context that does not run and is not the last.
    Remove {
        /// Which context.
        context: String,
    },
}

/// The answer.
#[derive(Clone, Debug)]
pub enum PlcReply {
    /// To [`PlcRequest::Contexts`], in the order of `context.list`.
    Contexts(Vec<ContextRow>, Time),
    /// To [`PlcRequest::Context`] and to everything that changes a context, its making among it: how it stands afterwards.
    Context(Box<ContextRow>, Time),
    /// To [`PlcRequest::Program`].
    Program(ProgramRow),
    /// To [`PlcRequest::Memory`].
    Memory(MemoryRow),
    /// To [`PlcRequest::Profile`] and [`PlcRequest::SetProfile`].
    Profile(ProfileRow),
    /// To [`PlcRequest::Write`], [`PlcRequest::Toggle`] and [`PlcRequest::Force`].
    Written(Written),
    /// To [`PlcRequest::WriteAll`] and [`PlcRequest::WriteNamed`], in the order of the request.
    WrittenAll(Vec<Written>),
}

/// What readers see at a place that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The name of its signal.
    pub name: String,
    /// What readers see.
    pub stored: Value,
    /// Another value than the given one was taken: it was fitted to the place.
    pub coerced: bool,
    /// The place is forced: what was written stands underneath.
    pub forced: bool,
    /// What a toggle has made of the bit, underneath where it is forced.
    pub toggled: Option<bool>,
    /// The next start of the program loads its own preset here again (PL-33).
    pub until_start: bool,
    /// The device that drives the place: what was written has no effect as long as it does.
    pub driven_by: Option<String>,
}

/// One context.
#[derive(Clone, Debug)]
pub struct ContextRow {
    /// Its number.
    pub plc: PlcId,
    /// Its id on the wire.
    pub id: String,
    /// Its name, the second segment of its signals.
    pub name: String,
    /// Its state.
    pub state: ControllerState,
    /// Why it is in fault.
    pub fault: Option<String>,
    /// The rung that comes next in a scan that was begun.
    pub next_rung: Option<usize>,
    /// Its program.
    pub program: Option<ProgramSummary>,
    /// Target scan time in microseconds.
    pub target_scan_us: u32,
    /// A scan that takes longer is a fault, in microseconds.
    pub watchdog_us: Option<u64>,
    /// How scans went.
    pub statistics: ScanStatistics,
    /// Scans whose changes were merged because the hub was slow.
    pub merged_scans: u64,
    /// How late scans began, and how many were missed.
    pub lateness: Lateness,
    /// How its thread runs.
    pub realtime: Realtime,
    /// Rungs with a breakpoint, in order.
    pub breakpoints: Vec<usize>,
    /// What is forced, the oldest first.
    pub forces: Vec<ForceRow>,
    /// What drives its inputs and what its outputs drive, for people.
    pub io_provider: String,
    /// How the link stands, where the engine is elsewhere.
    pub link: Option<EngineLink>,
    /// The same with how it stands.
    pub io: IoRow,
    /// It came over the protocol and is gone when the hub ends.
    pub is_temporary: bool,
    /// It holds what its outputs drive when it stops.
    pub hold_outputs: bool,
    /// It measures how long the rungs of its program take.
    pub is_profiling: bool,
    /// Its retentive memory; `None` where the project names no place.
    pub retain: Option<RetainRow>,
}

/// How long the rungs of a program take.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileRow {
    /// Whether it is measured; without that, or without a program, there are no rungs.
    pub on: bool,
    /// Scans that were finished since measuring began.
    pub scans: u64,
    /// How often it is to scan, in microseconds.
    pub target_us: u32,
    /// So much longer does each rung take because it is measured, in nanoseconds. The times of the rungs are without it.
    pub overhead_ns: u64,
    /// The rungs in order.
    pub rungs: Vec<RungRow>,
}

/// How long one rung takes. Times are in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RungRow {
    /// How many instructions it has.
    pub instructions: u32,
    /// The last time.
    pub last_ns: u64,
    /// The average.
    pub avg_ns: u64,
    /// The longest.
    pub max_ns: u64,
    /// Its part of the time of all rungs together, 0 to 1.
    pub share: f64,
}

/// How the link to a remote engine stands, in a word (PL-90).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkColor {
    /// Connected, and snapshots come.
    Green,
    /// Connecting, or connected with a reservation.
    Yellow,
    /// The last attempt has failed.
    Red,
}

impl LinkColor {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            LinkColor::Green => "green",
            LinkColor::Yellow => "yellow",
            LinkColor::Red => "red",
        }
    }
}

/// The link to a remote engine.
#[derive(Clone, Debug)]
pub struct EngineLink {
    /// In a word.
    pub color: LinkColor,
    /// Why it is not green.
    pub reason: Option<String>,
    /// Where the engine is, without a query.
    pub url: String,
    /// Name and version of the server, once it has said them.
    pub server: Option<String>,
    /// Generation of the protocol that it speaks, `0.1` or `0.2`.
    pub dialect: Option<&'static str>,
    /// Id of the context there.
    pub remote_context: Option<String>,
    /// Failures since the link was up.
    pub attempts: u32,
    /// Time to the next attempt, while none is under way.
    pub retry_in: Option<Duration>,
}

/// The retentive memory of a context (PL-37).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetainRow {
    /// The places that keep their values, as the project names them.
    pub places: Vec<String>,
    /// When values of this run were written to the disk last.
    pub saved_at: Option<Time>,
    /// The context began with values of an earlier run.
    pub is_restored: bool,
    /// Why values are not kept, or were lost.
    pub error: Option<String>,
}

/// What is wired to a context.
#[derive(Clone, Debug)]
pub struct IoRow {
    /// The names of all providers.
    pub provider: String,
    /// `virtual`, or the worst state of its devices.
    pub state: &'static str,
    /// Why it is not up.
    pub reason: Option<String>,
    /// The inputs that devices write, such as `I:0/3` and `N:7`.
    pub drives: Vec<String>,
    /// Its devices.
    pub devices: Vec<IoDeviceRow>,
}

/// One device.
#[derive(Clone, Debug)]
pub struct IoDeviceRow {
    /// What it is, for people.
    pub name: String,
    /// Its state.
    pub state: DeviceState,
    /// Why it is not up.
    pub reason: Option<String>,
    /// What went wrong since it was configured.
    pub errors: u64,
}

/// The memory of a context as its engine told it last.
#[derive(Clone, Debug)]
pub struct MemoryRow {
    /// Time of the answer.
    pub now: Time,
    /// Name of its context.
    pub context: String,
    /// The state of the engine.
    pub state: ControllerState,
    /// All words, by [`WordIndex`](crosstie_ladder::data_table::WordIndex), forced bits as they are forced.
    pub words: Box<[u32]>,
    /// The forced bits of these words.
    pub masks: Box<[u32]>,
}

/// A program in short.
#[derive(Clone, Debug)]
pub struct ProgramSummary {
    /// Its name, may be empty.
    pub name: String,
    /// Counts the programs of this context: another number is another program.
    pub number: u64,
    /// How many rungs it has.
    pub rungs: usize,
    /// How many instructions it has.
    pub instructions: usize,
    /// How many errors and warnings the checks have found (PL-80).
    pub diagnostics: usize,
    /// Who loaded it.
    pub by: String,
    /// When.
    pub loaded_at: Time,
}

/// A program with everything.
#[derive(Clone, Debug)]
pub struct ProgramRow {
    /// Name of its context.
    pub context: String,
    /// In short.
    pub summary: ProgramSummary,
    /// The program.
    pub program: Arc<Program>,
}

/// One force.
#[derive(Clone, Debug)]
pub struct ForceRow {
    /// The address.
    pub address: String,
    /// Its symbol, where the program has one.
    pub symbol: Option<String>,
    /// The forced value.
    pub value: Value,
    /// Who forces.
    pub by: String,
    /// Why, may be empty.
    pub reason: String,
    /// Since when.
    pub since: Time,
    /// When it ends by itself.
    pub expires_at: Option<Time>,
}
