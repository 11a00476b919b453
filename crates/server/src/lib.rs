//! Floor 2 of the house: sockets, threads, clock, files, command line and page of Crosstie.
//!
//! The binary is a thin `main` over this library, so that tests and benches drive the same code that runs.

pub mod cli;
pub mod config;
pub mod conform;
pub mod practice;
