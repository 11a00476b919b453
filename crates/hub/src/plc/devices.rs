//! What the devices of a context say at a border, how they stand, and how long its scans take: what a driver tells besides
//! entries.

use crosstie_ladder::controller::Inputs;
use crosstie_ladder::project::IoConfig;
use serde::{Deserialize, Serialize};

/// What devices say before a scan.
#[derive(Debug, Clone, Default)]
pub struct DeviceInputs {
    /// The words of I, and which of their bits devices drive.
    pub bits: Inputs,
    /// Words of N with what stands there. A driver keeps room for all of them, so that no scan allocates.
    pub numbers: Vec<(u8, i32)>,
}

/// When a scan began and how long it took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanTiming {
    /// How much later than due it began, in microseconds.
    pub late_us: u32,
    /// Scans before it that were due and were left out, because the thread came too late for them.
    pub missed: u32,
    /// What it took, in microseconds.
    pub took_us: u64,
}

/// How a device stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceState {
    /// It has not answered since it was configured.
    #[default]
    Waiting,
    /// It answers.
    Up,
    /// It has answered and does so no more, or cannot be opened.
    Down,
}

impl DeviceState {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            DeviceState::Waiting => "waiting",
            DeviceState::Up => "up",
            DeviceState::Down => "down",
        }
    }
}

/// What a driver tells of a device. A newer report replaces an older one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// Its state.
    pub state: DeviceState,
    /// Why it is not up, for people.
    pub reason: Option<String>,
    /// What went wrong with it since it was configured: lost connections, answers that did not come or said no.
    pub errors: u64,
}

/// The devices that a context is to have.
#[derive(Debug, Clone)]
pub struct IoSetup {
    /// Reports name it; a higher number is a newer setup.
    pub number: u64,
    /// What to open, in the order in which reports tell of it. None of them is virtual; an empty list closes what is open.
    pub configs: Vec<IoConfig>,
    /// Outputs hold what they were told last when the PLC stops, whatever their own safe state is.
    pub hold_outputs: bool,
    /// Inputs of a device that does not answer read as 0 instead of what they were.
    pub zero_lost: bool,
    /// A device that cannot be opened is tried again until it can, and [`IoTold::Opened`] is not told. Otherwise one that
    /// cannot be opened brings back what was open before.
    pub retries: bool,
}

/// What a driver tells of the devices of a context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum IoTold {
    /// The setup is there, or why it is not. Told once, before the first report of the setup.
    Opened(Result<(), String>),
    /// How its devices stand, all of them, in the order of the setup.
    Devices(Vec<DeviceReport>),
}
