//! Monitors: the front end of a SIMPLE WebPlatform (SI-10 to SI-23).

use crate::hub::Hub;
use crate::input::ConnId;
use crate::time::Time;
use crosstie_wire::DecodeError;
use crosstie_wire::monitor::Request;

impl Hub {
    pub(crate) fn monitor_connected(&mut self, _conn: ConnId) {}

    /// A connection is gone, or is being closed.
    pub(crate) fn monitor_left(&mut self, _conn: ConnId) {}

    /// One text of a monitor.
    pub(crate) fn monitor(&mut self, _conn: ConnId, _request: Result<Request, DecodeError>) {}

    /// A state that was held back is due (SI-12).
    pub(crate) fn monitors_alarm(&mut self, _at: Time) {}
}
