//! Everything that can reach the hub: one enum, one door.
//!
//! The driver (`server`) turns sockets, timers and API calls into these values and hands them to
//! [`Hub::handle`](crate::Hub::handle) one at a time with the time of arrival. All of them are plain data, so a
//! log of them replays to the same outputs.

use crate::access::{Access, Actor};
use crate::api::replay::ReplayShown;
use crate::classroom::catalog::Catalog;
use crate::output::{Callee, Frame, Ticket};
use crate::plc::{self, PlcId, Program};
use crate::replay::Replayed;
use crate::settings::EndpointId;
use bytes::Bytes;
use crosstie_ladder::diagnostic::Diagnostic;
use crosstie_wire::{DecodeError, gama, headset, live, monitor, piplc, realvirtual};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Names one connection for the life of the hub; never reused, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnId(pub u32);

/// What kind of session a new connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Face {
    /// A realvirtual client of this endpoint, which listens.
    Realvirtual(EndpointId),
    /// The realvirtual server that this endpoint has dialled: here we are the client.
    Link(EndpointId),
    /// A channel of our own live API.
    Live,
    /// A client of the PLC engines, such as PiPLC's editor.
    Piplc,
    /// The PiPLC engine of this context, which we have dialled: here we are the client.
    Engine(PlcId),
    /// A monitor of the classroom: the front end of a SIMPLE WebPlatform.
    Monitor,
    /// A headset of the classroom.
    Headset,
    /// GAMA, which we have dialled: here we are the client.
    Gama,
}

impl Face {
    /// The endpoint of a realvirtual session, whichever side we are.
    pub const fn endpoint(self) -> Option<EndpointId> {
        match self {
            Face::Realvirtual(endpoint) | Face::Link(endpoint) => Some(endpoint),
            Face::Live | Face::Piplc | Face::Engine(_) | Face::Monitor | Face::Headset | Face::Gama => None,
        }
    }
}

/// What kept a frame from being a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Unreadable {
    /// Text that is no message of this protocol; the text says why, with line and column where known.
    Malformed(String),
    /// A binary frame on a protocol that has none.
    Binary,
}

/// Local time of the day, in minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockMinute(pub u16);

impl std::fmt::Display for ClockMinute {
    /// `HH:MM`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60 % 24, self.0 % 60)
    }
}

/// The program of an engine as an upload gave it. The driver reads a document once and hands in the same as long as the engine
/// shows the same.
#[derive(Clone, Debug)]
pub struct Uploaded {
    /// The document.
    pub document: Arc<str>,
    /// The document as [`Program::read`] has read it, or everything that is wrong with it.
    pub program: Result<Arc<Program>, Arc<[Diagnostic]>>,
}

impl Uploaded {
    /// Reads a document.
    pub fn read(document: &str) -> Uploaded {
        Uploaded {
            document: document.into(),
            program: Program::read(document).map(Arc::new).map_err(Arc::from),
        }
    }
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
        /// What it may do. A link has full rights: its limits are those of its endpoint.
        access: Arc<Access>,
    },
    /// What an [`Output::Dial`](crate::Output::Dial) asked for did not come about. (When it did, `Connected` with
    /// [`Face::Link`] or [`Face::Engine`] says so.)
    DialFailed {
        /// Who was called.
        callee: Callee,
        /// The number of the dial.
        dial: u64,
        /// Why, for people, such as `connection refused`.
        reason: String,
    },
    /// A key is no longer valid, or its rights have changed: the connections that came with it end, also those that an older
    /// ring has let in and that arrive only now.
    Revoked {
        /// Id of the key.
        key: Box<str>,
        /// Number of the first key ring without it, or with its new rights.
        ring: u64,
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
    /// A text frame arrived from a client of the PLC engines.
    Piplc {
        /// From whom.
        conn: ConnId,
        /// The request, or what was wrong with it.
        message: Result<piplc::Envelope, piplc::RequestError>,
        /// For [`piplc::Request::Download`]: its document as [`Program::read`] has read it, or everything that is wrong with it.
        /// Reading takes long, so the driver does it before it hands the request in. `None` for every other request, and where
        /// nobody wants to know: before the hello, from a client that may not change programs, while too many are read.
        program: Option<Result<Arc<Program>, Vec<Diagnostic>>>,
        /// Size of its text in bytes.
        bytes: u32,
    },
    /// A text frame arrived from a PiPLC engine.
    Engine {
        /// From whom.
        conn: ConnId,
        /// What it says, or what was wrong with it.
        message: Result<piplc::ServerMessage, DecodeError>,
        /// The program in it, where it is the answer to an upload. `None` while too many are read.
        uploaded: Option<Uploaded>,
        /// Size of its text in bytes.
        bytes: u32,
    },
    /// A binary frame arrived from a PiPLC engine.
    Snapshot {
        /// From whom.
        conn: ConnId,
        /// Its front, at most [`piplc::SNAPSHOT_LEN`] bytes: what follows is left to later versions.
        frame: Bytes,
        /// Size of the whole frame in bytes.
        bytes: u32,
    },
    /// A text frame arrived from a monitor.
    Monitor {
        /// From whom.
        conn: ConnId,
        /// The request, or what was wrong with it.
        request: Result<monitor::Request, DecodeError>,
        /// Size of its text in bytes.
        bytes: u32,
    },
    /// A text frame arrived from a headset.
    Headset {
        /// From whom.
        conn: ConnId,
        /// What it says, or what was wrong with it.
        message: Result<headset::Message, DecodeError>,
        /// The time of the day when it came.
        clock: ClockMinute,
        /// Size of its text in bytes.
        bytes: u32,
    },
    /// A text frame arrived from GAMA.
    Gama {
        /// From whom.
        conn: ConnId,
        /// What it says, or what was wrong with it.
        message: Result<Box<gama::ServerMessage>, DecodeError>,
        /// Size of its text in bytes.
        bytes: u32,
    },
    /// What a recording, or a test, says of signals, in its order.
    Replayed(Vec<Replayed>),
    /// The recording, or the test, says nothing more: what it wrote last is stale from now on.
    ReplayEnds,
    /// A replay that leads the hub's time (see [`ClockMode::Recording`](crate::clock::ClockMode::Recording)) goes at this speed from
    /// now on; 0 while it is paused.
    ReplayRate(f64),
    /// How recording stands: `sys/record/active` and `sys/record/lost` show it.
    Recording {
        /// A recording runs.
        is_active: bool,
        /// Samples and inputs that are missing in it.
        lost: u64,
    },
    /// How a replay stands, whenever that changes, and from time to time while it plays.
    ReplayShown(Arc<ReplayShown>),
    /// The learning packages were read, for the first time or again (SI-55).
    Packages(Arc<Catalog>),
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
    /// What an engine tells.
    Plc {
        /// Whose engine.
        plc: PlcId,
        /// What it tells, in its order.
        entries: Vec<plc::Entry>,
    },
    /// What the driver tells of the devices of a context.
    PlcIo {
        /// Whose devices.
        plc: PlcId,
        /// The number of the setup.
        number: u64,
        /// What it tells.
        told: plc::IoTold,
    },
    /// An image of [`Output::Retain`](crate::Output::Retain) is on the disk, or could not be written this time. Images that a
    /// newer one has replaced are not answered.
    Retained {
        /// Whose memory.
        plc: PlcId,
        /// The number of the image.
        number: u64,
        /// Why it could not be written.
        result: Result<(), String>,
    },
    /// The hub is about to end: retentive memory is kept once more (see [`Hub::keeps_memory`](crate::Hub::keeps_memory)), and
    /// whoever is to hear it before its connection closes is told now (PL-7). The driver carries out
    /// what comes of it before it closes anything.
    ShuttingDown,
    /// Nothing but time. The driver calls this at [`Hub::next_deadline`](crate::Hub::next_deadline).
    Tick,
    /// A question or command of our own API.
    Request {
        /// Returned with the reply.
        ticket: Ticket,
        /// Who asks.
        by: Box<Actor>,
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
