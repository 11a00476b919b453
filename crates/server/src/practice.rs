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
//! The stand-ins read and write the wire with a few lines of their own instead of the hub's codecs: a peer that shared the
//! hub's reading of the protocol would also share its mistakes.

mod auto;
pub mod line;
mod station;
pub mod twin;
