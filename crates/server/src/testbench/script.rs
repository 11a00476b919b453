//! Scripts: what is done to signals, when, and what is expected of them.
//!
//! A script is a TOML file. What is read here is checked as far as it can be without a project: forms, ranges, times.

mod read;

pub(crate) use read::read;

use super::wanted::Wanted;
use crosstie_hub::signal::Value;
use crosstie_ladder::controller::Command;
use std::time::Duration;

/// Steps of a script. A script with more is refused.
pub(crate) const STEPS_MAX: usize = 10_000;

/// Faults of a script. A script with more is refused.
pub(crate) const FAULTS_MAX: usize = 1_000;

/// Seeds of a script: a script with more is refused, because each is a run of its own.
pub(crate) const SEEDS_MAX: usize = 1_000;

/// The latest moment of a script. A later one is refused.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(86_400);

/// A script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// What it shows, for people; the name of its file when it says none.
    pub(crate) name: String,
    /// Where chance begins; one run for each.
    pub(crate) seeds: Vec<u64>,
    /// Who plays along.
    pub(crate) partners: Vec<PartnerWish>,
    /// How long it takes at least.
    pub(crate) end: Duration,
    /// The steps, in the order of the file.
    pub(crate) steps: Vec<Step>,
    /// The faults, in the order of the file.
    pub(crate) faults: Vec<Fault>,
}

/// A stand-in in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartnerWish {
    /// What it plays.
    pub(crate) kind: PartnerKind,
    /// Name of the endpoint; the only one that knows its signals when `None`.
    pub(crate) endpoint: Option<String>,
    /// Line of the wish in its file.
    pub(crate) line: usize,
}

/// What a stand-in plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartnerKind {
    /// The practice twin: a small bottling line.
    Twin,
    /// The practice GAMA.
    Gama,
}

/// One step.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Line in its file.
    pub(crate) line: usize,
    /// When it begins.
    pub(crate) begin: Begin,
    /// For the report.
    pub(crate) say: Option<String>,
    /// Signals and what they are set to.
    pub(crate) set: Vec<(String, Value)>,
    /// Signals that become stale: as if their writer had fallen silent.
    pub(crate) stale: Vec<String>,
    /// PLC contexts and what they are told.
    pub(crate) plc: Vec<(String, Command)>,
    /// What the class is told, in this order.
    pub(crate) classroom: Vec<ClassOrder>,
    /// What must be so, all of it at the same time.
    pub(crate) expect: Vec<(String, Wanted)>,
    /// What must not be so while the step lasts.
    pub(crate) never: Vec<(String, Wanted)>,
    /// `expect` may come so much later.
    pub(crate) within: Duration,
    /// `expect` stays so, or `never` stays away, for so long.
    pub(crate) lasts: Duration,
}

/// When a step begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// At this time of the test.
    At(Duration),
    /// So much after the step before it is over.
    After(Duration),
}

/// What a PLC context may be told, by its words.
pub(crate) const PLC_ORDERS: [(&str, Command); 5] = [
    ("start", Command::Start),
    ("stop", Command::Stop),
    ("pause", Command::Pause),
    ("resume", Command::Resume),
    ("reset", Command::Reset),
];

/// What the class is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClassOrder {
    /// `select N`: the model of this position.
    Select(usize),
    /// `launch`
    Launch,
    /// `pause`
    Pause,
    /// `resume`
    Resume,
    /// `stop`
    Stop,
}

/// Something that goes wrong.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// Line in its file.
    pub(crate) line: usize,
    /// From this time of the test on.
    pub(crate) at: Duration,
    /// For so long; to the end when `None`.
    pub(crate) lasts: Option<Duration>,
    /// What it is.
    pub(crate) kind: FaultKind,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FaultKind {
    /// The stand-in of this endpoint loses its connection, and is there again when the fault is over.
    DropLink {
        /// Name of the endpoint; that of the only stand-in when `None`.
        endpoint: Option<String>,
    },
    /// What goes to and from the stand-in of this endpoint takes so much longer, and by chance up to `jitter` more.
    Delay {
        /// Name of the endpoint; that of the only stand-in when `None`.
        endpoint: Option<String>,
        /// How much longer.
        by: Duration,
        /// How much more by chance.
        jitter: Duration,
    },
    /// Nobody outside changes this signal: a sensor that is stuck.
    Stuck {
        /// Name of the signal.
        signal: String,
    },
    /// What a stand-in says of this signal, a number, is wrong by up to so much.
    Noise {
        /// Name of the signal.
        signal: String,
        /// The largest error.
        amount: f64,
    },
    /// GAMA is gone, and there again when the fault is over.
    LostGama,
}
