//! The PLC engine's view of memory.
//!
//! Today this crate holds the addresses of the data table: how `I:0/3`, `T:4.DN` or `N:7` is written, which of them exist and
//! what a symbol may be called. It knows no network and no message format.

pub mod address;
#[doc(hidden)]
pub mod fuzz;

pub use address::{Address, AddressError, CounterMember, Part, Region, Symbol, TimerMember};
