//! The port where clients of the PLC engines connect.

use std::net::SocketAddr;
use std::sync::Arc;

use crosstie_hub::Face;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{RunError, system};
use crate::config::{Config, PiplcConfig};
use crate::core_task::Door;
use crate::keys::{Entrance, Gate};
use crate::listener::ProtocolPort;
use crate::origin::Origins;

/// The port as the network sees it.
#[derive(Debug)]
pub(super) struct PiplcPort {
    /// The address it is bound to.
    pub(super) address: SocketAddr,
    /// The one path that it accepts.
    pub(super) path: Option<String>,
    /// What to give to a client.
    pub(super) url: String,
    /// It speaks TLS: wss.
    pub(super) tls: bool,
    /// Clients may connect without a key.
    pub(super) is_open: bool,
    /// The pages that may connect.
    pub(super) origins: Arc<Origins>,
}

impl PiplcPort {
    /// The port of a project, which is bound; `None` for a project without one. `page` is the port of the page.
    pub(super) fn new(config: &Config, bound: Option<&TcpListener>, page: u16) -> Result<Option<PiplcPort>, RunError> {
        let (Some(piplc), Some(bound)) = (&config.piplc, bound) else {
            return Ok(None);
        };
        let address = bound.local_addr().map_err(system("asking for the port of [piplc]"))?;
        // Port 0 of a project becomes the one that the system chose.
        let chosen = PiplcConfig {
            address,
            ..piplc.clone()
        };
        let origins = Origins::of_endpoint(&config.web.allowed_origins, &piplc.allowed_origins, page);
        Ok(Some(PiplcPort {
            address,
            path: piplc.path.clone(),
            url: chosen.url(),
            tls: piplc.tls,
            is_open: piplc.allow_unauthenticated,
            origins: Arc::new(origins),
        }))
    }

    /// What answers there. `page` is the address of the page, for somebody who comes without a WebSocket.
    pub(super) fn protocol_port(
        &self,
        door: &Door,
        gate: &Arc<Gate>,
        tls: Option<TlsAcceptor>,
        page: &str,
    ) -> ProtocolPort {
        ProtocolPort {
            face: Face::Piplc,
            path: self.path.clone(),
            hint: format!(
                "This is the port of Crosstie's PLC engines: connect a client of PiPLC's protocol. The page is at {page}."
            ),
            door: door.clone(),
            tls,
            gate: Arc::clone(gate),
            entrance: Entrance::Endpoint { is_open: self.is_open },
            origins: Arc::clone(&self.origins),
            name: String::from("piplc"),
            section: String::from("[piplc]"),
        }
    }
}
