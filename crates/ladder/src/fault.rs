//! Faults: what ends a program's run (PL-35).

use std::fmt;

use crate::address::Address;
use crate::instruction::InstructionKind;

/// What went wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An instruction could not do its work. The scan was finished.
    Instruction {
        /// What was wrong.
        kind: FaultKind,
        /// The rung, counted from 0.
        rung: u32,
        /// The column of the document; see [`crate::program::Instruction::column`].
        column: u32,
        /// The instruction.
        instruction: InstructionKind,
    },
    /// What feeds an input has fallen silent, and the project makes a fault of that.
    StaleInput {
        /// The input.
        address: Address,
    },
    /// A device does not answer, and the project makes a fault of that.
    DeviceLost {
        /// Its place among the devices of the PLC, from 0.
        device: u8,
    },
    /// A scan took longer than the watchdog allows.
    Watchdog {
        /// How long it took, in microseconds.
        took_us: u64,
        /// What is allowed, in microseconds.
        limit_us: u64,
    },
}

/// What an instruction can fail at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// DIV or MOD by 0.
    DivisionByZero,
    /// SCL with equal `inMin` and `inMax`.
    EmptyInputRange,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FaultKind::DivisionByZero => "Division by zero",
            FaultKind::EmptyInputRange => "Input range is zero",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Instruction {
                kind,
                rung,
                column,
                instruction,
            } => {
                write!(f, "{kind} at rung {rung}, column {column} ({instruction})")
            }
            Fault::StaleInput { address } => write!(f, "Input {address} is stale: what feeds it has fallen silent"),
            Fault::DeviceLost { device } => {
                write!(f, "I/O device {} does not answer: what it reads is old", device + 1)
            }
            Fault::Watchdog { took_us, limit_us } => {
                write!(f, "Watchdog: a scan took {took_us} µs, the limit is {limit_us} µs")
            }
        }
    }
}
