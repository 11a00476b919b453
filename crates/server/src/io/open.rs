//! From a configuration to a device that is open. Opening may wait, so it happens on a thread of its own.

use std::sync::Arc;

use crosstie_ladder::project::{IoConfig, IoProvider};

use super::{Device, Status};

/// What every device is given besides its configuration.
#[derive(Debug)]
pub(crate) struct Opening {
    /// Outputs hold what they were told last when the PLC stops, whatever their own safe state is (`safe_state = "hold"`).
    pub(crate) hold_all: bool,
}

/// Opens the device of a configuration; the virtual provider is none.
///
/// # Errors
///
/// Why it cannot be opened and what to do, for people.
pub(crate) fn open(
    config: &IoConfig,
    status: &Arc<Status>,
    opening: &Opening,
) -> Result<Option<Box<dyn Device>>, String> {
    let _ = (status, opening);
    match (config.provider, &config.modbus_client) {
        (IoProvider::Gpio, _) => Err(format!(
            "{} is not built in; use a Crosstie with the feature `gpio` on Linux, or the provider virtual",
            config.provider_name()
        )),
        (IoProvider::ModbusTcpClient, Some(_)) => Err(format!(
            "{} is not built in; use a Crosstie with the feature `modbus`, or the provider virtual",
            config.provider_name()
        )),
        (IoProvider::Virtual | IoProvider::ModbusTcpClient, _) => Ok(None),
    }
}
