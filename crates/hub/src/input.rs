//! Everything that can reach the hub: one enum, one door.
//!
//! The driver (`server`) turns sockets, timers and API calls into these values and hands them to
//! [`Hub::handle`](crate::Hub::handle) one at a time with the time of arrival. All of them are plain data, so a
//! log of them replays to the same outputs.

use crate::output::{Frame, Ticket};
use crate::settings::EndpointId;
use crosstie_wire::{live, realvirtual};

/// Names one connection for the life of the hub; never reused, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u32);

/// What kind of session a new connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// A realvirtual peer of this endpoint.
    Realvirtual(EndpointId),
    /// A channel of our own live API.
    Live,
}

/// What kept a frame from being a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Unreadable {
    /// Text that is no message of this protocol; the text says why, with line and column where known.
    Malformed(String),
    /// A binary frame on a protocol that has none.
    Binary,
}

/// One thing that happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// A peer's handshake is done.
    Connected {
        /// The new connection.
        conn: ConnId,
        /// What it speaks.
        face: Face,
        /// Address and port of the peer, for people.
        address: String,
        /// Path of the request, for people.
        path: String,
    },
    /// The connection is gone, whoever ended it. No further input names it.
    Closed {
        /// The connection.
        conn: ConnId,
        /// Why, for people.
        reason: String,
    },
    /// A realvirtual message arrived.
    Realvirtual {
        /// From whom.
        conn: ConnId,
        /// The message.
        message: realvirtual::Message,
        /// Size of its text in bytes.
        bytes: u32,
    },
    /// A text frame arrived on a live channel.
    Live {
        /// From whom.
        conn: ConnId,
        /// The request, or what was wrong with it.
        request: Result<live::Request, live::RequestError>,
        /// Size of its text in bytes.
        bytes: u32,
    },
    /// A frame arrived that is no message.
    Unreadable {
        /// From whom.
        conn: ConnId,
        /// What was wrong.
        why: Unreadable,
        /// Size of the frame in bytes.
        bytes: u32,
    },
    /// A WebSocket pong arrived. The hub's own pings carry eight bytes, the time of sending in nanoseconds, little-endian.
    Pong {
        /// From whom.
        conn: ConnId,
        /// The payload as a number, or `None` when it is not one of ours.
        sent_at_nanos: Option<u64>,
    },
    /// A WebSocket ping or another sign of life without content arrived. (The driver answers pings itself.)
    Seen {
        /// From whom.
        conn: ConnId,
    },
    /// The socket would block: these frames of the last outputs could not be begun. In order, whole; a frame of which the
    /// first byte was accepted is the driver's to finish and is not among them (the list may be empty). From now on the
    /// connection is *stuck* until [`Input::Writable`]. The driver hands this in before any other input.
    Unsent {
        /// The connection.
        conn: ConnId,
        /// What was not begun.
        frames: Vec<Frame>,
    },
    /// The rest of a begun frame has gone out and the socket takes bytes again.
    Writable {
        /// The connection.
        conn: ConnId,
    },
    /// Nothing but time. The driver calls this at [`Hub::next_deadline`](crate::Hub::next_deadline).
    Tick,
    /// A question or command of our own API.
    Request {
        /// Returned with the reply.
        ticket: Ticket,
        /// What is asked.
        request: crate::api::Request,
    },
    /// The settings of an [`Output::Save`](crate::Output::Save) are on the disk, or not.
    Saved {
        /// The ticket of the output.
        ticket: Ticket,
        /// The reason when they are not.
        result: Result<(), String>,
    },
}
