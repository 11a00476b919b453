//! `crosstie run`: from flags and a folder to a checked project.

use super::CliError;
use super::check::{print_diagnostics, style_of};
use crate::config::{self, Config, Overrides};
use clap::Args;
use std::io;
use std::path::PathBuf;

/// The flags of `crosstie run`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  crosstie run                                     the project in this folder\n  \
                  crosstie run my-line --practice                  with the practice twin of the project\n  \
                  crosstie run my-line --port-offset 100           on 8100, 1334, …\n  \
                  crosstie run --set realvirtual.line.debug=true   with one setting changed for this run"
)]
pub struct RunArgs {
    /// Project folder, the one with crosstie.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Also start the practice peers of the project
    #[arg(long)]
    pub practice: bool,
    /// Begin every PLC context at 0 instead of with its retentive memory
    #[arg(long)]
    pub cold: bool,
    /// Record from the start, so that the recording can be executed again
    #[arg(long)]
    pub record: bool,
    /// Add N to every listening port
    #[arg(long, value_name = "N", env = "CROSSTIE_PORT_OFFSET", default_value_t = 0)]
    pub port_offset: u16,
    /// Port of the page and the API, instead of the project's
    #[arg(long, value_name = "P")]
    pub web_port: Option<u16>,
    /// Set one key for this run, such as hub.max_clients=50; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub set: Vec<(String, String)>,
    /// How much to log: off, error, warn, info, debug, trace, or a filter such as crosstie_server=debug
    #[arg(long, value_name = "LEVEL", env = "CROSSTIE_LOG", default_value = "info")]
    pub log: String,
}

/// How the hub is run, apart from what the project says.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Start the practice peers of the project, too.
    pub practice: bool,
    /// Begin every PLC context at 0 instead of with its retentive memory.
    pub cold: bool,
    /// Begin a recording with the hub.
    pub record: bool,
    /// What the environment and the flags said, for reading the project again with the same result.
    pub overrides: Overrides,
}

/// Reads the project of the flags. Warnings and mistakes are told on standard error.
pub(super) fn prepare(args: RunArgs) -> Result<(Config, RunOptions), CliError> {
    let mut overrides = Overrides::from_environment();
    overrides.port_offset = args.port_offset;
    overrides.flags = args.set;
    overrides
        .flags
        .extend(args.web_port.map(|port| (String::from("web.port"), port.to_string())));
    let loaded = config::load(&args.dir, &overrides);
    print_diagnostics(&loaded.diagnostics, style_of(&io::stderr()), &mut io::stderr())?;
    match loaded.config {
        Some(config) => Ok((
            config,
            RunOptions {
                practice: args.practice,
                cold: args.cold,
                record: args.record,
                overrides,
            },
        )),
        None => Err(CliError::Told { exit_code: 2 }),
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err(String::from("expected KEY=VALUE, such as web.port=8001")),
    }
}
