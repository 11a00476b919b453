//! Stories over real sockets and real files: one binary for all of them.

mod audit;
mod cli;
mod config;
mod conform;
mod conform_piplc;
mod csv;
mod keys;
mod ladder_manual;
mod links;
mod nasty;
mod operations;
mod plc;
mod plc_api;
mod plc_cli;
mod plc_config;
mod plc_devices;
mod plc_engine_cli;
mod plc_timing;
mod remote_engine;
mod retain;
mod server;
mod support;
mod tls;
mod wrong_client;
mod wrong_engine;
mod wrong_server;
