//! What monitors are told, and when (SI-10 to SI-14, SI-22).

use crate::hub::Hub;

/// What monitors have been told.
#[derive(Debug, Default)]
pub(crate) struct Monitors {}

impl Hub {
    /// Something that a monitor, the page or a signal shows has changed. Cheap; call it as often as anything changes.
    pub(crate) fn class_changed(&mut self) {}
}
