//! What an engine can be told. Orders are executed at the border before the next scan, in the order given.

use crosstie_ladder::address::Address;
use crosstie_ladder::compile::CompiledProgram;
use crosstie_ladder::controller::{Command, ControllerSettings, Refusal};
use crosstie_ladder::data_table::{AccessError, CellValue};
use crosstie_ladder::fault::Fault;
use crosstie_ladder::retain::RetainImage;

use crate::time::Time;

/// Places that one [`Order::WriteAll`] writes at most; whoever asks for more is refused. All coils of the longest request of
/// Modbus fit.
pub const WRITES_MAX: usize = 2_048;

/// Number of the order to stop that a driver gives by itself when the hub ends. The hub counts from 1 and comes nowhere near.
pub const LAST_ORDER: u64 = u64::MAX;

/// An order, and the number that its answer carries.
#[derive(Debug, Clone)]
pub struct Numbered {
    /// Counts up over all engines; [`Order::Feed`] and [`Order::TellInputs`] have none and carry 0.
    pub number: u64,
    /// When the hub said it, as its driver calls the time.
    pub at: Time,
    /// What to do.
    pub order: Order,
}

impl Numbered {
    /// An order that a driver gives by itself: it has no time.
    pub fn by_driver(number: u64, order: Order) -> Numbered {
        let at = Time::ZERO;
        Numbered { number, at, order }
    }
}

/// What an engine can be told. Everything but [`Order::Feed`] and [`Order::TellInputs`] is answered by one
/// [`Entry::Answer`](super::Entry::Answer).
#[derive(Debug, Clone)]
pub enum Order {
    /// Start, stop, step and the like.
    Command(Command),
    /// Take this program; stops first.
    Load(Box<CompiledProgram>),
    /// Forget the program; stops first.
    ClearProgram,
    /// A client writes a place of the memory, now.
    Write {
        /// Where.
        address: Address,
        /// What.
        value: CellValue,
    },
    /// A client writes several places of the memory at one border, in this order. All are checked before any is written.
    WriteAll(Box<[(Address, CellValue)]>),
    /// A client turns a bit over, underneath where it is forced: an [`Entry::Toggled`](super::Entry::Toggled) stands before the
    /// answer.
    Toggle {
        /// Which bit.
        address: Address,
    },
    /// A route writes a place of the memory. Of several writes before one border the newest counts; a bit that went and came
    /// back meanwhile is shown to the program for one scan.
    Feed {
        /// Where.
        address: Address,
        /// What.
        value: CellValue,
    },
    /// Force a place.
    Force {
        /// Where.
        address: Address,
        /// What.
        value: CellValue,
    },
    /// End the force on a place.
    Unforce {
        /// Where.
        address: Address,
    },
    /// End all forces.
    ClearForces,
    /// Pause before this rung.
    SetBreakpoint(usize),
    /// No longer pause before this rung.
    RemoveBreakpoint(usize),
    /// Remove all breakpoints.
    ClearBreakpoints,
    /// Make a fault of something that the hub has found, while Running.
    Fault(Fault),
    /// Other settings from now on.
    Settings(ControllerSettings),
    /// Begin or end to record the power flow.
    RecordPower(bool),
    /// Begin to measure how long the rungs take, anew when it does so already, or end it.
    Profile(bool),
    /// Tell how long the rungs took: an [`Entry::Profile`](super::Entry::Profile) stands before the answer.
    TellProfile,
    /// Tell the power flow of the last scan: an [`Entry::Power`](super::Entry::Power) stands before the answer.
    TellPower,
    /// Write what was kept over a power loss (PL-37). Forced bits change underneath.
    Restore(Box<RetainImage>),
    /// Fill this image with what stands in its places, under a force what the program has written: an
    /// [`Entry::Retained`](super::Entry::Retained) stands before the answer. Refused while a scan was begun and waits.
    TellRetained(Box<RetainImage>),
    /// Begin or end to tell what the engine is given, as [`Entry::Given`](super::Entry::Given). Its driver orders it, for a
    /// recording; the hub never does.
    TellInputs(bool),
}

/// Why an engine did not do what it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The state does not allow it, or there is no program.
    #[error(transparent)]
    State(#[from] Refusal),
    /// Address and value do not fit.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Half a scan is no image of the memory.
    #[error("a scan was begun and is not finished")]
    MidScan,
    /// The driver could not hand it over: so many orders wait already.
    #[error("the engine is busy: too many orders wait for it; try again")]
    Busy,
    /// There is no engine: the system gave the driver no thread for it.
    #[error("the engine does not run: the system has given it no thread")]
    NoThread,
}
