//! The log of the process: key-value lines on standard error.

use super::{CliError, Command};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging as loudly as the verb wants it.
pub(super) fn install(command: &Command) -> Result<(), CliError> {
    let filter = match command {
        Command::Run(run) => run.log.as_str(),
        // The other verbs print what they find; only what would be lost otherwise is logged.
        _ => "warn",
    };
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        CliError::Usage(format!(
            "--log {filter}: {error}; expected error, warn, info, debug or trace, such as --log debug"
        ))
    })?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second installation in one process happens only in tests; the first one goes on.
    drop(log.try_init());
    Ok(())
}
