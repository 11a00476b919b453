//! When the hub wants to be called again: a heap of alarms in the driver's time, and one of those in the hub's.
//!
//! Every client and view group keeps the time of its one alarm; an entry of the heap that no longer agrees with it is
//! skipped. Setting an alarm is therefore a push, and nothing is ever searched.

use crate::input::ConnId;
use crate::plc::PlcId;
use crate::session::piplc::StreamKey;
use crate::settings::EndpointId;
use crate::time::Time;
use crate::view::GroupId;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Whose alarm it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alarm {
    /// A view group may send again.
    Group(GroupId),
    /// Something of a client is due: ping, liveness, waiting, burst.
    Client(ConnId),
    /// Something of a link is due: an attempt, a catalog that has not come, a repeated `init`.
    Link(EndpointId),
    /// An import has waited long enough.
    Imports,
    /// An engine has not answered for long enough.
    PlcAnswers,
    /// A force may end, in the hub's time.
    PlcForces,
    /// The retentive memory of a context is to be kept.
    PlcMemory(PlcId),
    /// The cycle of a channel that watches a context is over.
    PlcWatch(ConnId),
    /// A client of PiPLC's protocol is to be asked for a sign of life.
    Piplc(ConnId),
    /// Something of the link to a remote engine is due.
    Engine(PlcId),
    /// Snapshots are due.
    Snapshots(StreamKey),
    /// Values that routes have withheld are due, in the hub's time.
    Routes,
    /// Routes of PiPLC's table are due, in the hub's time.
    RouteTable,
    /// Something of the link to GAMA is due: an attempt, an answer that has not come, a watch.
    Gama,
    /// A state that was held back is due for monitors.
    Monitors,
    /// The heartbeat of a headset is due.
    Headset(ConnId),
    /// A channel that watches the class may be told again.
    ClassWatch(ConnId),
}

/// The alarms, earliest first.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Time, Alarm)>>,
}

impl Timers {
    pub(crate) fn set(&mut self, at: Time, alarm: Alarm) {
        self.heap.push(Reverse((at, alarm)));
    }

    /// The earliest alarm that is due.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<(Time, Alarm)> {
        match self.heap.peek() {
            Some(Reverse((at, _))) if *at <= now => self.heap.pop().map(|Reverse(entry)| entry),
            _ => None,
        }
    }

    /// The time of the earliest alarm.
    pub(crate) fn next(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }
}
