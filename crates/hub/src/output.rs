//! Everything the hub wants done: values that the driver carries out in order.

use crate::access::Actor;
use crate::clock::Clock;
use crate::input::ConnId;
use crate::plc::{self, PlcId};
use crate::settings::EndpointId;
use crate::signal::{Generation, SignalId};
use bytes::Bytes;
use crosstie_ladder::controller::ControllerSettings;
use crosstie_ladder::retain::RetainImage;
use crosstie_wire::piplc::HEADER_LEN;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Ties an answer to its question across the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ticket(pub u64);

/// One WebSocket frame, header and payload, ready for the socket. Cloning shares the bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The bytes as they go on the wire.
    pub bytes: Bytes,
    /// What may happen to it when the socket is full.
    pub class: Class,
}

/// How a frame is treated when it cannot go out at once.
#[derive(Clone, Debug, PartialEq)]
pub enum Class {
    /// Kept in order until it is sent.
    Control,
    /// Values: a frame that was not begun is thrown away and built anew, over everything since `from`.
    Value {
        /// What the client had been told before this frame.
        from: Generation,
        /// Signals the frame carries for another reason than a change since `from`, when there are some.
        extra: Option<Arc<[SignalId]>>,
    },
    /// The state of the class: a frame that was not begun is thrown away, and the newest one goes out when the socket opens
    /// (SI-12).
    State,
    /// A piece of what a simulation shows: of pieces that wait the newest are kept (SI-39).
    World {
        /// Pieces of the same kind share it.
        kind: u64,
    },
    /// A picture of the memory of a PLC: a frame that was not begun is thrown away, and the next one takes its number.
    Snapshot {
        /// The context whose memory it shows.
        plc: PlcId,
        /// Its number in the stream.
        sequence: u32,
    },
}

/// One client's own part of [`Output::Snapshots`].
#[derive(Clone, Debug)]
pub struct SnapshotFor {
    /// The client.
    pub conn: ConnId,
    /// The header of its frame.
    pub header: [u8; HEADER_LEN],
    /// The sequence number in it.
    pub sequence: u32,
}

impl SnapshotFor {
    /// Its whole frame, for a driver that keeps it.
    pub fn frame(&self, plc: PlcId, template: &[u8], header_at: usize) -> Frame {
        let mut bytes = template.to_vec();
        bytes[header_at..header_at + HEADER_LEN].copy_from_slice(&self.header);
        Frame {
            bytes: bytes.into(),
            class: Class::Snapshot {
                plc,
                sequence: self.sequence,
            },
        }
    }
}

/// How loud a line for the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Only where the endpoint's `debug` asks for it.
    Debug,
    /// Worth a line in normal operation.
    Info,
    /// A person may want to act.
    Warn,
}

/// A server that the hub connects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Callee {
    /// The realvirtual server of this endpoint.
    Endpoint(EndpointId),
    /// The PiPLC engine of this context.
    Engine(PlcId),
    /// GAMA.
    Gama,
}

/// Something that somebody did, for the audit log.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// Who, and from where.
    pub by: Actor,
    /// What was done: `write`, `config`, `route.add`, `route.remove`, `import`, `connect`, `disconnect`, `acknowledge`,
    /// `plc.start` and what else is done to a PLC, `classroom.launch` and what else is done to the class.
    pub what: &'static str,
    /// Name of the signal, setting, route or endpoint.
    pub subject: String,
    /// What was there before; null where nothing was.
    pub old: serde_json::Value,
    /// What is there now; null where nothing is.
    pub new: serde_json::Value,
}

/// One thing to do. The driver does them in the order given.
#[derive(Clone, Debug)]
pub enum Output {
    /// Write this frame to the socket, at once if it takes it; see [`Input::Unsent`](crate::Input::Unsent).
    Send {
        /// To whom.
        conn: ConnId,
        /// What.
        frame: Frame,
    },
    /// Write the same frame to the socket of each of these, as if it were sent to one after the other.
    Share {
        /// To whom.
        conns: Vec<ConnId>,
        /// What.
        frame: Frame,
    },
    /// Write frames to the sockets of these that differ in a few bytes only, as if each were sent its own.
    Snapshots {
        /// Whose memory.
        plc: PlcId,
        /// The frame that all of them get, but for its header.
        frame: Bytes,
        /// Where the header stands in it.
        header_at: usize,
        /// To whom, with the header and the sequence number in it.
        to: Vec<SnapshotFor>,
    },
    /// Send a WebSocket close with this code and end the connection; [`Input::Closed`](crate::Input::Closed) follows.
    Close {
        /// Whom.
        conn: ConnId,
        /// WebSocket close code.
        code: u16,
        /// Reason for the peer, at most 123 bytes.
        reason: &'static str,
    },
    /// Connect to a server and do the WebSocket handshake, within ten seconds.
    /// [`Input::Connected`](crate::Input::Connected) with [`Face::Link`](crate::Face::Link) or
    /// [`Face::Engine`](crate::Face::Engine), or [`Input::DialFailed`](crate::Input::DialFailed) answers, the latter with the
    /// same number.
    Dial {
        /// Whom.
        callee: Callee,
        /// Number of this dial: counts up over all of them.
        dial: u64,
    },
    /// Give up a dial that is not answered yet. Nothing answers.
    HangUp {
        /// Who was called.
        callee: Callee,
    },
    /// Make an engine for a context: Stopped, without a program, all memory 0.
    PlcBegin {
        /// The context.
        plc: PlcId,
        /// Its name, for the name of a thread and for people.
        name: String,
        /// How it scans.
        settings: ControllerSettings,
        /// What its thread asks of the system.
        realtime: plc::RealtimeWish,
    },
    /// Hand this order to an engine; [`Input::Plc`](crate::Input::Plc) answers.
    Plc {
        /// Whose engine.
        plc: PlcId,
        /// What to do.
        order: Box<plc::Numbered>,
    },
    /// Give a context these devices instead of those that it has; [`Input::PlcIo`](crate::Input::PlcIo) answers. Behind the orders
    /// given before: a context that was stopped is stopped when its devices are exchanged.
    PlcIo {
        /// Which context.
        plc: PlcId,
        /// Its devices.
        setup: Box<plc::IoSetup>,
    },
    /// End an engine. What it still tells is for nobody.
    PlcEnd {
        /// Whose engine.
        plc: PlcId,
    },
    /// Put this image of retentive memory on the disk, all of it or nothing, in the place of the one before;
    /// [`Input::Retained`](crate::Input::Retained) answers. A newer image takes the place of one that still waits, and what
    /// could not be written is tried again.
    Retain {
        /// Whose memory.
        plc: PlcId,
        /// The name of the context.
        context: String,
        /// Counts the images of this context.
        number: u64,
        /// What is to be kept.
        image: Arc<RetainImage>,
    },
    /// The hub's time goes otherwise from now on: engines and stand-ins follow it.
    Clock(Clock),
    /// `sys/record/run` has become true, or false: start a recording, or end the one that it has started.
    /// [`Input::Recording`](crate::Input::Recording) says what became of it.
    Record(bool),
    /// Write this down where it cannot be changed unnoticed: somebody has done something.
    Audit(Box<AuditEntry>),
    /// The answer to a request.
    Reply {
        /// The ticket of the request.
        ticket: Ticket,
        /// The answer.
        reply: Box<crate::api::Reply>,
    },
    /// Write these settings of an endpoint into the project; [`Input::Saved`](crate::Input::Saved) answers.
    Save {
        /// To be returned.
        ticket: Ticket,
        /// Whose settings.
        endpoint: EndpointId,
        /// Keys as in the project file and their new values.
        changes: Vec<(&'static str, serde_json::Value)>,
    },
    /// Add these signals of an endpoint to the project: an import made them.
    SaveSignals {
        /// Whose signals.
        endpoint: EndpointId,
        /// What to add.
        signals: Vec<crate::settings::SignalSetting>,
    },
    /// A line for the log.
    Log {
        /// How loud.
        level: Level,
        /// Whom it is about.
        conn: Option<ConnId>,
        /// The line: lower case, no full stop.
        text: String,
    },
}
