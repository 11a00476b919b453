//! The engine against a reference that was written from the contract alone, and against tables of scans.

mod programs;
mod property;
mod reference;
