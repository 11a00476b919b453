//! The client role of realvirtual WebSocket Realtime v2 (RV-30 to RV-36).

use crate::api::Refused;
use crate::client::Client;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::settings::EndpointId;

impl Hub {
    pub(crate) fn link_connected(&mut self, _conn: ConnId, _endpoint_id: EndpointId) {}

    pub(crate) fn link_closed(&mut self, _endpoint_id: EndpointId, _client: &Client, _reason: &str) {}

    pub(crate) fn dial_failed(&mut self, _endpoint_id: EndpointId, _dial: u64, _reason: String) {}

    pub(crate) fn link_on(&mut self, endpoint_id: EndpointId) -> Result<(), Refused> {
        let name = &self.endpoints[endpoint_id.0 as usize].settings.name;
        Err(Refused::Conflict(format!(
            "the endpoint '{name}' has no link: it listens"
        )))
    }

    pub(crate) fn link_off(&mut self, endpoint_id: EndpointId) -> Result<(), Refused> {
        self.link_on(endpoint_id)
    }
}
