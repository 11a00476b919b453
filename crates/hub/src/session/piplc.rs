//! Clients of the PLC engines, such as PiPLC's editor (PL-1 to PL-21).

use crate::hub::Hub;
use crate::input::ConnId;
use crate::plc::Program;
use crosstie_ladder::diagnostic::Diagnostic;
use crosstie_wire::piplc::{Envelope, RequestError};
use std::sync::Arc;

impl Hub {
    pub(crate) fn piplc_connected(&mut self, _conn: ConnId) {}

    /// One text of a client.
    pub(crate) fn piplc(
        &mut self,
        conn: ConnId,
        _message: Result<Envelope, RequestError>,
        _program: Option<Result<Arc<Program>, Vec<Diagnostic>>>,
    ) {
        if let Some(client) = self.clients.get_mut(&conn) {
            client.counters.ignored.unknown_type += 1;
        }
    }

    /// The hub is about to end.
    pub(crate) fn piplc_shuts_down(&mut self) {}
}
