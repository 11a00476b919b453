//! Floor 2 of the house: sockets, threads, clock, files, command line and page of Crosstie.
//!
//! The binary is a thin `main` over this library, so that tests and benches drive the same code that runs.
//!
//! ```text
//!   cli ─▶ config ─▶ run ─┬─ listener ─▶ upgrade ─▶ connection ─┐
//!                         ├─ http (API, live channel, web page) ─┼─▶ core_task ─▶ crosstie_hub::Hub
//!                         ├─ practice                            │       ├─▶ sink ─▶ socket (with or without TLS)
//!                         └─ tls (the certificate)               │       ├─▶ dial ─▶ connection
//!                                                                │       └─▶ scan_thread (PLC engines)
//!                                                                ├─ store (project file)
//!                                                                └─ retain (memory of PLCs)
//! ```

pub mod backup;
pub mod bench;
pub mod cli;
pub mod config;
pub mod conform;
pub mod log;
pub mod packages;
pub mod practice;
pub mod retain;
pub mod run;
pub mod web;

mod audit;
mod clock_handle;
mod connection;
mod core_task;
mod dial;
mod history;
mod http;
mod io;
mod keys;
mod listener;
mod modbus_server;
mod openapi;
mod origin;
mod player;
mod probe;
mod program_readers;
mod recording;
mod reexecution;
mod reload;
mod scan_thread;
mod sink;
mod socket;
mod spreadsheet;
mod state;
mod testbench;
mod tls;
mod trouble;
mod upgrade;
mod write_limit;
