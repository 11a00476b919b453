//! Messages and codecs of every peer that Crosstie speaks with.
//!
//! Text of a WebSocket frame enters, typed messages leave, and the other way round. This crate knows spellings, field orders
//! and limits of the wire. It refuses to know who may write a signal, when a message is sent, what time it is and what a
//! socket is: there is no state, no policy and no clock in it.
//!
//! ```text
//!   frame text ──▶ realvirtual::decode ──▶ Message        (the realvirtual WebSocket interface, protocol v2)
//!   frame text ──▶ live::decode        ──▶ Request        (Crosstie's own live channel)
//!   frame text ──▶ piplc::decode       ──▶ Envelope       (the PiPLC engine protocol)
//!   frame text ──▶ monitor::decode, headset::decode ──▶ Request, Message   (the SIMPLE WebPlatform)
//!   frame text ──▶ gama::decode        ──▶ ServerMessage  (the GAMA server, whose client we are)
//!   values     ──▶ realvirtual::write_*, live::write_*, piplc::write_*  ──▶ payload bytes ──▶ frame::FrameBuilder ──▶ frame bytes
//! ```

mod error;
pub mod frame;
#[doc(hidden)]
pub mod fuzz;
pub mod gama;
pub mod headset;
pub mod json;
pub mod live;
pub mod monitor;
pub mod piplc;
pub mod realvirtual;
mod simple;
pub mod value;

pub use error::DecodeError;
pub use value::{Kind, Value, Values};
