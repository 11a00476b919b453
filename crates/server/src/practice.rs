//! Stand-ins to practise with: they play the far side of a link over a real socket, so that everything that can be seen
//! with a machine or a Unity scene can be seen without one.
//!
//! ```text
//!   line        the bottling line: pure, deterministic, no clock, no socket
//!    ↑ commands, ↓ changes
//!   station     the line, its automatic sequence and its signals under their wire names
//!    ↑ ↓ signal maps
//!   twin        the WebSocket client: handshake, cycle, reconnect, console
//!    ↑ ↓ realvirtual v2
//!   a hub
//! ```
//!
//! ```text
//!   gama        a WebSocket server that plays GAMA, with a small flood of its own ([`gama`])
//!   headset     the app of a player ([`headset`])
//! ```
//!
//! Tests on virtual time use the twin and GAMA without their sockets (`in_memory`, [`gama`]).
//!
//! The stand-ins read and write the wire with a few lines of their own instead of the hub's codecs: a peer that shared the
//! hub's reading of the protocol would also share its mistakes.

mod auto;
mod chance;
mod console;
pub mod gama;
pub mod headset;
mod in_memory;
pub mod line;
mod station;
pub mod twin;

pub(crate) use chance::Chance;
pub(crate) use in_memory::TwinInMemory;

use tokio::sync::watch;

/// Waits for the order to stop; a sender that is gone can give no other.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// The address as it may be shown: a query can hold an access key (RV-57).
fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(address, _)| address)
}
