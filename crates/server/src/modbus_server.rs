//! Modbus TCP servers: places of a PLC context for panels and devices that speak Modbus (PL-72).
//!
//! | room | what it does |
//! |---|---|
//! | `frame` | the seven bytes before each message, within their limits |
//! | `message` | what a request asks for, and the bytes of its answer; without a socket |
//! | `session` | one client: request after request |
//!
//! A client costs a task, a small buffer and one request at a time: what it sends ahead waits in its socket. All values of one answer are
//! from one border of the engine, and everything that one request writes is there at one border.

mod frame;
mod message;
mod session;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crosstie_hub::access::{Access, Role, Scope};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::ModbusConfig;
use crate::core_task::Door;
use crate::listener;
use message::Exception;

/// A server as the network sees it, with its figures.
#[derive(Debug)]
pub(crate) struct ModbusPort {
    /// What the project says; its address is the one that is bound.
    pub(crate) config: ModbusConfig,
    /// What happened there.
    pub(crate) figures: Figures,
    /// A permit for each client.
    room: Arc<Semaphore>,
}

/// What happened at a server since the hub was started.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    connections: AtomicU64,
    refused: AtomicU64,
    requests: AtomicU64,
    /// By [`Exception`], in its order.
    exceptions: [AtomicU64; Exception::ALL.len()],
}

impl Figures {
    /// Clients that were let in.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Clients that found all places taken.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Requests that were answered, with exceptions or without.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Answers that were exceptions, each code with its number.
    pub(crate) fn exceptions(&self) -> impl Iterator<Item = (u8, u64)> {
        let counted = self.exceptions.iter().map(|count| count.load(Ordering::Relaxed));
        Exception::ALL.into_iter().map(Exception::code).zip(counted)
    }

    fn count(&self, exception: Option<Exception>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let Some(exception) = exception else { return };
        let counted = Exception::ALL.into_iter().zip(&self.exceptions);
        for (_, count) in counted.filter(|(known, _)| *known == exception) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl ModbusPort {
    /// The server of a project whose port is bound to `address`.
    pub(crate) fn new(config: &ModbusConfig, address: SocketAddr) -> ModbusPort {
        ModbusPort {
            config: ModbusConfig {
                address,
                ..config.clone()
            },
            figures: Figures::default(),
            room: Arc::new(Semaphore::new(config.clients_max)),
        }
    }

    /// Clients that are connected.
    pub(crate) fn clients(&self) -> usize {
        self.config.clients_max - self.room.available_permits()
    }

    /// Begins to accept connections. Within a runtime only.
    pub(crate) fn open(self: &Arc<Self>, listener: TcpListener, door: &Door) {
        let shortage = listener::shortage(&self.config.name, door);
        let server = Arc::new(Server {
            access: self.access(),
            port: Arc::clone(self),
            door: door.clone(),
        });
        tokio::spawn(listener::accept_all(listener, shortage, move |stream, address, _| {
            // The permit of the listener is for those who do not say yet what they want; here there is nothing to wait for.
            match server.port.let_in() {
                Some(permit) => {
                    tokio::spawn(Arc::clone(&server).serve(stream, address, permit));
                }
                None => drop(stream),
            }
        }));
    }

    fn let_in(&self) -> Option<OwnedSemaphorePermit> {
        let permit = Arc::clone(&self.room).try_acquire_owned().ok();
        let figures = &self.figures;
        let counter = match &permit {
            Some(_) => &figures.connections,
            None => &figures.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        permit
    }

    /// Modbus knows no keys: whoever connects acts in the name of the server.
    fn access(&self) -> Arc<Access> {
        Arc::new(Access {
            key: None,
            ring: 0,
            who: format!("modbus {}", self.config.name).into(),
            role: match self.config.read_only {
                true => Role::Viewer,
                false => Role::Operator,
            },
            view: Scope::All,
            write: Scope::All,
        })
    }
}

/// What the clients of a server share.
#[derive(Debug)]
struct Server {
    port: Arc<ModbusPort>,
    access: Arc<Access>,
    door: Door,
}
