//! The stand-ins of a project.

use crate::practice::gama::Flavour;
use std::net::SocketAddr;

/// `[[practice]]`: a peer that `run --practice` starts beside the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PracticeConfig {
    /// A digital twin that writes what its side owns and reacts to what the hub writes.
    Twin {
        /// Name of the endpoint that it connects to.
        endpoint: String,
        /// Its automatic sequence has the line from the start; otherwise somebody else runs it.
        auto: bool,
    },
    /// A GAMA server; the classroom looks for GAMA there and nowhere else.
    Gama {
        /// Where it listens: the loopback, with the port offset added.
        address: SocketAddr,
        /// Which kind of GAMA it plays.
        flavour: Flavour,
    },
    /// The apps of players.
    Headset {
        /// Name of the first; further ones count on.
        id: String,
        /// How many.
        count: u32,
    },
}
