//! The PLC engine: data table, program, scan.
//!
//! It knows no network, no message format, no clock and no thread: inputs and elapsed time are handed in, what happened is
//! handed out as values. A program is read as a document ([`program`]), checked and compiled ([`compile`]), and executed on the
//! data table ([`data_table`]) by a controller ([`controller`]).

pub mod address;
pub mod check;
pub mod compile;
pub mod controller;
pub mod data_table;
pub mod diagnostic;
pub mod fault;
mod flat;
pub mod force;
#[doc(hidden)]
pub mod fuzz;
pub mod instruction;
pub mod power_flow;
pub mod profile;
pub mod program;
pub mod project;
pub mod retain;
pub mod scan_table;
pub mod slots;
mod stepping;
pub mod text;

pub use address::{Address, AddressError, CounterMember, Part, Region, Symbol, TimerMember};
