//! Streams of the memory (PL-15, PL-22 to PL-24).
//!
//! Frames go out at a few fixed moments of each interval, so that clients that look at the same context with the same interval
//! are few groups with one alarm each: what is sent together costs half of what is sent apart. The second frame of a stream
//! waits for the next such moment, up to a fifth longer than an interval; from then on it is exact. The body of a frame is
//! encoded once for every state of the memory; a client's own frame is that with another header, which the driver writes into it
//! right before it is sent.

use super::replies::engine_state;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::{Output, SnapshotFor};
use crate::plc::PlcId;
use crate::plc::context::{Context, Mirror};
use crate::time::Time;
use crate::timers::Alarm;
use bytes::Bytes;
use crosstie_ladder::address::Region;
use crosstie_ladder::data_table::{Cell, CellPart, WordIndex};
use crosstie_wire::frame::binary_frame;
use crosstie_wire::piplc::{
    Dialect, HEADER_LEN, SNAPSHOT_LEN, SlotCells, SnapshotBody, SnapshotHeader, encode_body, encode_header,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// The dialects, each at its own number.
const DIALECTS: [Dialect; 2] = [Dialect::V02, Dialect::V01];

/// Moments of an interval at which frames go out.
const PHASES: u64 = 5;

/// What the streams of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StreamKey {
    /// The context that is shown.
    plc: PlcId,
    interval_ms: u32,
    /// The millisecond of the interval in which a frame goes out.
    phase_ms: u32,
}

/// All streams.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    groups: BTreeMap<StreamKey, Group>,
    /// The memory of each context, as it was encoded last.
    pictures: BTreeMap<PlcId, Picture>,
}

#[derive(Debug)]
struct Group {
    next: Time,
    /// In the order of their connections.
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    conn: ConnId,
    dialect: Dialect,
    sequence: u32,
    /// Its first frame went out when it subscribed; the next is not due before this.
    begins: Time,
}

/// The memory of a context, encoded for each dialect that somebody speaks.
#[derive(Debug, Default)]
struct Picture {
    version: u64,
    frames: [Option<Bytes>; DIALECTS.len()],
}

impl Snapshots {
    fn join(&mut self, begins: Time, key: StreamKey, (conn, dialect): (ConnId, Dialect)) -> Option<Time> {
        let member = Member {
            conn,
            dialect,
            sequence: 0,
            begins,
        };
        let is_new = !self.groups.contains_key(&key);
        let group = self.groups.entry(key).or_insert_with(|| Group {
            next: begins,
            members: Vec::new(),
        });
        let at = group.members.partition_point(|other| other.conn < conn);
        group.members.insert(at, member);
        is_new.then_some(begins)
    }

    /// A client leaves a group; one without members is forgotten.
    pub(super) fn leave(&mut self, key: StreamKey, conn: ConnId) {
        let Some(group) = self.groups.get_mut(&key) else { return };
        group.members.retain(|member| member.conn != conn);
        if group.members.is_empty() {
            self.groups.remove(&key);
        }
    }

    fn forget(&mut self, plc: PlcId) {
        self.groups.retain(|key, _| key.plc != plc);
        self.pictures.remove(&plc);
    }

    fn member(&mut self, key: StreamKey, conn: ConnId) -> Option<&mut Member> {
        let members = &mut self.groups.get_mut(&key)?.members;
        let at = members.binary_search_by_key(&conn, |member| member.conn).ok()?;
        members.get_mut(at)
    }
}

impl Picture {
    /// A frame with the memory of a context as it is; its header is still to be written.
    fn frame(&mut self, context: &Context, dialect: Dialect) -> Bytes {
        if self.version != context.mirror.version {
            *self = Picture {
                version: context.mirror.version,
                frames: [None, None],
            };
        }
        let frame = self.frames[dialect as usize].get_or_insert_with(|| encoded(&context.mirror, dialect));
        frame.clone()
    }
}

impl Hub {
    /// A client wants to see the memory of a context from now on: the first frame goes out at once, then one every interval.
    pub(super) fn piplc_stream(&mut self, conn: ConnId, plc: PlcId, interval_ms: u32) {
        self.piplc_unsubscribe(conn, plc);
        let (begins, phase_ms) = second_frame(self.now, interval_ms);
        let key = StreamKey {
            plc,
            interval_ms,
            phase_ms,
        };
        let Some(session) = self.piplc.sessions.get_mut(&conn) else {
            return;
        };
        session.streams.push((plc, key));
        let member = (conn, session.dialect);
        if let Some(next) = self.piplc.snapshots.join(begins, key, member) {
            self.timers.set(next, Alarm::Snapshots(key));
        }
        self.send_snapshots(key, |member| member.conn == conn);
    }

    /// A client wants to see it no longer.
    pub(super) fn piplc_unsubscribe(&mut self, conn: ConnId, plc: PlcId) {
        let Some(session) = self.piplc.sessions.get_mut(&conn) else {
            return;
        };
        if let Some(at) = session.streams.iter().position(|(of, _)| *of == plc) {
            let (_, key) = session.streams.swap_remove(at);
            self.piplc.snapshots.leave(key, conn);
        }
    }

    /// A context is gone, and everything about it.
    pub(crate) fn piplc_context_gone(&mut self, plc: PlcId) {
        self.piplc.snapshots.forget(plc);
        for session in self.piplc.sessions.values_mut() {
            session.streams.retain(|(of, _)| *of != plc);
        }
        self.piplc.next_statistics.remove(&plc);
        self.piplc.table.context_gone(plc);
    }

    /// The frames of a group are due. Moments that have passed unheard are left out: the next frame shows everything.
    pub(crate) fn snapshots_alarm(&mut self, key: StreamKey, at: Time) {
        let now = self.now;
        let Some(group) = self
            .piplc
            .snapshots
            .groups
            .get_mut(&key)
            .filter(|group| group.next == at)
        else {
            return;
        };
        let interval = Duration::from_millis(u64::from(key.interval_ms));
        let missed = now.since(at).as_nanos() / interval.as_nanos();
        group.next = at + interval * (u32::try_from(missed).unwrap_or(u32::MAX - 1) + 1);
        let next = group.next;
        self.timers.set(next, Alarm::Snapshots(key));
        self.send_snapshots(key, |member| member.begins <= now);
    }

    fn send_snapshots(&mut self, key: StreamKey, is_due: impl Fn(&Member) -> bool) {
        let position = self.plcs.contexts.iter().position(|context| context.plc == key.plc);
        let Some((index, context)) = position.and_then(|index| Some((index, self.plcs.contexts.get(index)?))) else {
            return;
        };
        let Snapshots { groups, pictures } = &mut self.piplc.snapshots;
        let Some(group) = groups.get_mut(&key) else { return };
        let picture = pictures.entry(key.plc).or_default();
        let time = self.clock.at(self.now);
        let mut to: [Vec<SnapshotFor>; DIALECTS.len()] = Default::default();
        for member in group.members.iter_mut().filter(|member| is_due(member)) {
            let Some(client) = self.clients.get_mut(&member.conn) else {
                continue;
            };
            if client.is_closing || client.outlet.stuck_since().is_some() {
                continue;
            }
            let sequence = member.sequence;
            let header = encode_header(&SnapshotHeader {
                sequence,
                timestamp_ms: time.as_millis() as u32,
                state: engine_state(context.state).byte(),
                context_index: index as u8,
            });
            member.sequence = sequence.wrapping_add(1);
            client.counters.messages_out += 1;
            client.counters.bytes_out += SNAPSHOT_LEN as u64;
            to[member.dialect as usize].push(SnapshotFor {
                conn: member.conn,
                header,
                sequence,
            });
        }
        for (dialect, to) in DIALECTS.into_iter().zip(to) {
            if to.is_empty() {
                continue;
            }
            let frame = picture.frame(context, dialect);
            self.outputs.push(Output::Snapshots {
                plc: key.plc,
                header_at: frame.len() - SNAPSHOT_LEN,
                frame,
                to,
            });
        }
    }

    /// Frames of a stream were not begun: the next one takes the number of the first of them.
    pub(crate) fn snapshot_unsent(&mut self, conn: ConnId, plc: PlcId, sequence: u32) {
        let Some(session) = self.piplc.sessions.get(&conn) else {
            return;
        };
        let key = session.streams.iter().find(|(of, _)| *of == plc).map(|(_, key)| *key);
        if let Some(member) = key.and_then(|key| self.piplc.snapshots.member(key, conn)) {
            member.sequence = sequence;
        }
    }
}

/// When the second frame of a stream that begins now goes out, and which millisecond of the interval that is.
fn second_frame(now: Time, interval_ms: u32) -> (Time, u32) {
    let interval = u64::from(interval_ms.max(1));
    let step = (interval / PHASES).max(1);
    let now_ms = now.as_nanos().div_ceil(1_000_000);
    let within = now_ms % interval;
    let phase = (within.div_ceil(step) * step).min(interval);
    let begins = Time::from_millis(now_ms - within + interval + phase);
    (begins, (phase % interval) as u32)
}

/// A whole binary frame with the memory; its front is still to be written.
fn encoded(mirror: &Mirror, dialect: Dialect) -> Bytes {
    let mut frame = binary_frame(SNAPSHOT_LEN).as_bytes().to_vec();
    frame.extend_from_slice(&[0; HEADER_LEN]);
    frame.extend_from_slice(&encode_body(&body(mirror), dialect));
    frame.into()
}

fn body(mirror: &Mirror) -> SnapshotBody {
    let mut body = SnapshotBody::default();
    for (index, (&word, &mask)) in mirror.words().iter().zip(mirror.masks()).enumerate() {
        let Some(at) = WordIndex::new(index) else { continue };
        match at.cell() {
            Cell::Word { region, word: number } => {
                let number = usize::from(number);
                let force_at = match region {
                    Region::Input => {
                        body.inputs[number] = word;
                        number
                    }
                    Region::Output => {
                        body.outputs[number] = word;
                        8 + number
                    }
                    Region::Bits => {
                        body.bits[number] = word;
                        16 + number
                    }
                    // Forces on integers have no place in the frame (PL-23).
                    Region::Integer => {
                        body.integers[number] = word as i32;
                        continue;
                    }
                };
                body.forces[force_at] = mask;
            }
            Cell::Timer { timer, part } => put(&mut body.timers[usize::from(timer)], part, word),
            Cell::Counter { counter, part } => put(&mut body.counters[usize::from(counter)], part, word),
        }
    }
    body
}

/// One word of a timer or counter. The flags stand in the order of the protocol in both.
fn put(slot: &mut SlotCells, part: CellPart, word: u32) {
    match part {
        CellPart::Preset => slot.pre = word as i16,
        CellPart::Accumulated => slot.acc = word as i16,
        CellPart::Flags => slot.flags = word as u8,
        CellPart::Rest => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pl15_the_second_frame_comes_after_an_interval_and_at_most_a_fifth_of_it_more() {
        for interval in [10, 11, 33, 50, 100, 5_000] {
            let mut phases = std::collections::BTreeSet::new();
            for step in 0..2_000_u64 {
                let now = Time::from_nanos(7_000_000_000 + step * 7_123_457);
                let (begins, phase) = second_frame(now, interval);
                let (least, waits) = (u64::from(interval) * 1_000_000, begins.since(now).as_nanos() as u64);
                let most = least + u64::from(interval.div_ceil(5) + 1) * 1_000_000;
                assert!((least..=most).contains(&waits), "{interval} ms: {waits} ns");
                assert_eq!(begins.as_millis() % u64::from(interval), u64::from(phase));
                phases.insert(phase);
            }
            assert!(phases.len() <= 6, "{interval} ms: {phases:?}");
        }
    }
}
