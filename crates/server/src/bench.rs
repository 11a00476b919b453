//! `crosstie bench`: measurements of this machine and hard trials of the program.
//!
//! The hub under trial is a process of its own with a project that is made for it, so its memory and its time are its own; the
//! load comes over loopback sockets, as from anybody. What was measured is printed in any case, and then judged.

pub mod classroom;
mod hub_process;
mod load;
mod memory;
pub mod mirror;
pub mod plc;
pub mod scale;

use std::io;

use tokio::runtime::{Builder, Runtime};

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The system refuses something that is needed.
    #[error("{what} failed")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The hub does not start; it has said why.
    #[error("the hub under test does not start")]
    Hub,
    /// A link to the hub broke.
    #[error("a link to the hub under test is lost")]
    Link(#[source] Box<tokio_tungstenite::tungstenite::Error>),
}

/// Two threads for whoever loads the hub.
fn threads() -> Result<Runtime, BenchError> {
    let built = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|source| BenchError::System {
        what: "starting the threads of the clients",
        source,
    })
}
