//! What a simulation shows, on its way to the headsets (SI-38, SI-39, GA-7).

use crate::hub::Hub;
use crate::input::ConnId;
use bytes::Bytes;
use crosstie_wire::gama::World;

impl Hub {
    /// Gives each piece to the players that it is for, in order.
    pub(crate) fn world(&mut self, _world: World) {}

    /// The socket of a headset is full: these pieces could not be begun, each with its kind. The newest are kept.
    pub(crate) fn worlds_unsent(&mut self, _conn: ConnId, _pieces: Vec<(u64, Bytes)>) {}

    /// It takes bytes again; control messages have gone out.
    pub(crate) fn worlds_writable(&mut self, _conn: ConnId) {}
}
