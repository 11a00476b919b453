//! Headsets: the app of the players (SI-30 to SI-40).

use crate::hub::Hub;
use crate::input::{ClockMinute, ConnId};
use crate::time::Time;
use crosstie_wire::DecodeError;
use crosstie_wire::headset::Message;

impl Hub {
    pub(crate) fn headset_connected(&mut self, _conn: ConnId) {}

    /// A connection is gone, or is being closed.
    pub(crate) fn headset_left(&mut self, _conn: ConnId) {}

    /// One text of a headset.
    pub(crate) fn headset(&mut self, _conn: ConnId, _message: Result<Message, DecodeError>, _clock: ClockMinute) {}

    /// The heartbeat of a headset is due (SI-33).
    pub(crate) fn headset_alarm(&mut self, _conn: ConnId, _at: Time) {}
}
