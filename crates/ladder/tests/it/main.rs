//! The engine against a reference that was written from the contract alone, and against tables of scans.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

mod any_file;
mod captured;
mod checks;
mod controller;
mod cost;
mod io_configs;
mod multi_projects;
mod plc;
mod programs;
mod projects;
mod property;
mod reference;
mod scan_tables;
mod texts;
