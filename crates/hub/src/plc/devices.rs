//! What the devices of a context say at a border, and how long its scans take: the two things that a driver tells an engine.

use crosstie_ladder::controller::Inputs;

/// What devices say before a scan.
#[derive(Debug, Clone, Default)]
pub struct DeviceInputs {
    /// The words of I, and which of their bits devices drive.
    pub bits: Inputs,
    /// Words of N with what stands there. A driver keeps room for all of them, so that no scan allocates.
    pub numbers: Vec<(u8, i32)>,
}

/// When a scan began and how long it took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanTiming {
    /// How much later than due it began, in microseconds.
    pub late_us: u32,
    /// Scans before it that were due and were left out, because the thread came too late for them.
    pub missed: u32,
    /// What it took, in microseconds.
    pub took_us: u64,
}

/// How a device stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceReport {
    /// Its state.
    pub state: DeviceState,
    /// Why it is not up, for people.
    pub reason: Option<String>,
    /// What went wrong with it since it was configured: lost connections, answers that did not come or said no.
    pub errors: u64,
}
