//! Live channels that watch the class: its whole state whenever it has changed.

use crate::hub::Hub;
use crate::input::ConnId;
use crate::time::Time;

/// All watches, by channel.
#[derive(Debug, Default)]
pub(crate) struct ClassWatches {}

impl Hub {
    /// A channel no longer watches.
    pub(crate) fn class_unwatch(&mut self, _conn: ConnId) {}

    /// A channel that watches may be told again.
    pub(crate) fn class_watch_alarm(&mut self, _conn: ConnId, _at: Time) {}
}
