//! What a controller is told, and what it tells.

use crate::fault::Fault;

/// Whether and how a controller runs. The numbers are those of a snapshot (PL-22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ControllerState {
    /// Does not scan.
    Stopped = 0,
    /// Scans.
    Running = 1,
    /// Waits between scans, or at a breakpoint.
    Paused = 2,
    /// Waits between rungs.
    Stepping = 3,
    /// Does not scan after a fault.
    Fault = 4,
}

impl ControllerState {
    /// The word in messages (PL-4).
    pub const fn as_str(self) -> &'static str {
        match self {
            ControllerState::Stopped => "Stopped",
            ControllerState::Running => "Running",
            ControllerState::Paused => "Paused",
            ControllerState::Stepping => "Stepping",
            ControllerState::Fault => "Fault",
        }
    }
}

/// What a controller can be told to do (PL-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Run, from the first rung or from where it paused.
    Start,
    /// Stop; ends a fault.
    Stop,
    /// Pause after the current scan.
    Pause,
    /// Run on after a pause.
    Resume,
    /// Execute one whole scan, or the rest of one that was begun.
    StepScan,
    /// Execute one rung.
    StepRung,
    /// Stop and forget memory, forces, statistics and faults.
    Reset,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// There is a new state.
    StateChanged(ControllerState),
    /// Why it is Fault.
    Fault(Fault),
    /// Execution waits before a rung.
    BreakpointHit {
        /// The rung, counted from 0.
        rung: usize,
    },
}

/// What one call can make happen at most: Stepping, then a breakpoint or a fault with its state.
const MAX_EVENTS: usize = 4;

/// What happened during one call, in order. It holds up to four events in place: a scan allocates nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Events {
    list: [Option<Event>; MAX_EVENTS],
}

impl Events {
    pub(crate) fn push(&mut self, event: Event) {
        if let Some(free) = self.list.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(event);
        }
    }

    /// The events in order.
    pub fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        self.list.iter().flatten().copied()
    }

    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.list[0].is_none()
    }
}

/// Why a command changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is nothing to execute.
    #[error("no program is loaded; download one first")]
    NoProgram,
    /// A fault has to be seen first.
    #[error("the engine is in fault; stop or reset it first")]
    InFault,
    /// A step needs a controller that waits.
    #[error("the engine is running; pause or stop it first")]
    WhileRunning,
    /// A breakpoint needs a rung.
    #[error("expected a rung below {rungs}, got {rung}")]
    UnknownRung {
        /// What was asked for.
        rung: usize,
        /// How many rungs there are.
        rungs: usize,
    },
}
