//! The ports where front ends of a SIMPLE WebPlatform and headsets connect.

use std::net::SocketAddr;
use std::sync::Arc;

use crosstie_hub::Face;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{RunError, system};
use crate::config::{ClassroomConfig, Config};
use crate::core_task::Door;
use crate::http::ClassDoor;
use crate::keys::{Entrance, Gate};
use crate::listener::ProtocolPort;
use crate::origin::Origins;

/// The two listeners of a classroom, bound.
pub(super) struct ClassListeners {
    pub(super) monitor: TcpListener,
    pub(super) headset: TcpListener,
}

/// The classroom as the network sees it.
#[derive(Debug)]
pub(super) struct ClassPorts {
    /// Where monitors connect.
    pub(super) monitor: ClassPort,
    /// Where headsets connect.
    pub(super) headset: ClassPort,
    /// Where GAMA is looked for; `None` in GAMALESS mode.
    pub(super) gama: Option<String>,
}

/// One port of a classroom.
#[derive(Debug)]
pub(super) struct ClassPort {
    /// The address it is bound to.
    pub(super) address: SocketAddr,
    /// The one path that it accepts.
    pub(super) path: Option<String>,
    /// It speaks TLS: wss.
    pub(super) tls: bool,
    /// What is spoken there, and who may come in.
    pub(super) door: ClassDoor,
}

impl ClassPort {
    /// What to give to a client.
    pub(super) fn url(&self) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}{}", self.address, self.path.as_deref().unwrap_or("/"))
    }
}

impl ClassPorts {
    /// The ports of a project, which are bound; `None` for a project without a classroom. `page` is the port of the page.
    pub(super) fn new(
        config: &Config,
        bound: Option<&ClassListeners>,
        page: u16,
    ) -> Result<Option<ClassPorts>, RunError> {
        let (Some(classroom), Some(bound)) = (&config.classroom, bound) else {
            return Ok(None);
        };
        let ClassroomConfig { monitor, headset, .. } = classroom;
        let asking = "asking for a port of the classroom";
        let origins = |own: &[String]| Arc::new(Origins::of_endpoint(&config.web.allowed_origins, own, page));
        Ok(Some(ClassPorts {
            monitor: ClassPort {
                address: bound.monitor.local_addr().map_err(system(asking))?,
                path: monitor.path.clone(),
                tls: monitor.tls,
                door: ClassDoor {
                    face: Face::Monitor,
                    entrance: Entrance::Endpoint {
                        is_open: monitor.allow_unauthenticated,
                    },
                    origins: origins(&monitor.allowed_origins),
                },
            },
            headset: ClassPort {
                address: bound.headset.local_addr().map_err(system(asking))?,
                path: None,
                tls: headset.tls,
                door: ClassDoor {
                    face: Face::Headset,
                    entrance: Entrance::Headset {
                        is_open: headset.is_open(),
                    },
                    origins: origins(&headset.allowed_origins),
                },
            },
            gama: (!classroom.gamaless).then(|| classroom.gama.url()),
        }))
    }

    /// Begins to accept connections. `page` is the address of the page, for somebody who comes without a WebSocket; `acceptor` is
    /// what a port with TLS needs. Within a runtime only.
    pub(super) fn open(
        &self,
        listeners: ClassListeners,
        (door, gate): (&Door, &Arc<Gate>),
        acceptor: impl Fn(bool) -> Option<TlsAcceptor>,
        page: &str,
    ) {
        let port = |port: &ClassPort, name: &str, who: &str| ProtocolPort {
            face: port.door.face,
            path: port.path.clone(),
            hint: format!("This is the port of Crosstie's classroom for {who}. The page is at {page}."),
            door: door.clone(),
            tls: acceptor(port.tls),
            gate: Arc::clone(gate),
            entrance: port.door.entrance,
            origins: Arc::clone(&port.door.origins),
            name: name.to_owned(),
            section: format!("[{name}]"),
        };
        let monitors = "monitors: connect a front end of the SIMPLE WebPlatform";
        port(&self.monitor, "monitor", monitors).open(listeners.monitor);
        port(&self.headset, "headset", "headsets: connect the app").open(listeners.headset);
    }
}
