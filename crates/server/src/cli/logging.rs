//! The log of the process: key-value lines on standard error.

use super::{CliError, Command};
use crate::log;

/// Starts logging as loudly as the verb wants it.
pub(super) fn install(command: &Command) -> Result<(), CliError> {
    let filter = match command {
        Command::Run(run) => run.log.as_str(),
        // The other verbs print what they find; only what would be lost otherwise is logged.
        _ => "warn",
    };
    log::install(filter).map_err(|error| CliError::Usage(format!("--log (or CROSSTIE_LOG): {error}")))
}
