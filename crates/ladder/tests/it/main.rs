//! The engine against a reference that was written from the contract alone, and against tables of scans.

mod checks;
mod controller;
mod programs;
mod property;
mod reference;
mod scan_tables;
mod texts;
