//! The partners of a rig and what is on its way between them and the hub.

use super::Rig;
use crate::access::Access;
use crate::input::{ClockMinute, ConnId, Face, Input};
use crate::input_log::heard;
use crate::output::{Callee, Frame};
use crate::time::Time;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

/// Frames and texts that are on their way together. A link that sends one more is dropped, like one whose socket has been full
/// for too long: it happens only to links that were given a latency.
pub const IN_FLIGHT_MAX: usize = 1 << 16;

/// A partner that wants its next turn at the moment of the present one gets it so much later.
const TURN_MIN: Duration = Duration::from_micros(1);

/// A peer in memory: what would sit at the other end of a socket. Pings are answered for it.
pub trait Partner {
    /// What it speaks.
    fn face(&self) -> Face;

    /// When it wants its turn next; `None` while it only listens.
    fn due(&self) -> Option<Time>;

    /// It has its turn: the texts that it sends.
    fn turn(&mut self, now: Time) -> Vec<String>;

    /// A frame has arrived: the texts that it answers with. [`text_of`] reads it.
    fn hear(&mut self, now: Time, frame: &Frame) -> Vec<String>;
}

/// The text in a frame of the hub; `None` when it is a binary one.
pub fn text_of(frame: &Frame) -> Option<&str> {
    match unframed(&frame.bytes) {
        (1, payload) => std::str::from_utf8(payload).ok(),
        _ => None,
    }
}

/// Opcode and payload of a frame that is not masked.
fn unframed(bytes: &[u8]) -> (u8, &[u8]) {
    let head = match bytes.get(1) {
        Some(126) => 4,
        Some(127) => 10,
        _ => 2,
    };
    let opcode = bytes.first().map_or(0, |first| first & 15);
    (opcode, bytes.get(head..).unwrap_or_default())
}

/// Makes a partner for each connection that the hub dials.
pub(super) type Maker = Box<dyn FnMut() -> Box<dyn Partner>>;

/// One connection.
struct Link {
    partner: Box<dyn Partner>,
    face: Face,
    latency: Duration,
    /// It neither hears nor says anything.
    is_silent: bool,
    /// Its next turn is not before this.
    not_before: Time,
    /// No frame overtakes another: the last arrival at the partner, and at the hub.
    arrivals: [Time; 2],
}

/// What is on its way.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Load {
    /// A frame of the hub; its place in [`Links::frames`].
    Frame(u64),
    /// A text of the partner.
    Text(String),
    /// The answer to a ping, with what stood in it.
    Pong(Option<u64>),
}

/// Something has arrived.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    at: Time,
    number: u64,
    conn: ConnId,
    load: Load,
}

/// All connections.
#[derive(Default)]
pub(super) struct Links {
    links: BTreeMap<ConnId, Link>,
    makers: Vec<(Callee, Maker)>,
    queue: BinaryHeap<Reverse<Event>>,
    frames: BTreeMap<u64, Frame>,
    last_event: u64,
    last_conn: u32,
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let conns: Vec<&ConnId> = self.links.keys().collect();
        f.debug_struct("Links").field("conns", &conns).finish_non_exhaustive()
    }
}

impl Links {
    /// When something of a link is due.
    pub(super) fn due(&self) -> Option<Time> {
        let arrival = self.queue.peek().map(|Reverse(event)| event.at);
        let turns = self.links.values().filter_map(Link::due);
        turns.chain(arrival).min()
    }

    /// What has arrived first.
    pub(super) fn take_arrived(&mut self, now: Time) -> Option<Event> {
        self.queue.peek().filter(|Reverse(event)| event.at <= now)?;
        self.queue.pop().map(|Reverse(event)| event)
    }

    /// The first partner whose turn is due has it: the texts that it sends.
    pub(super) fn take_turn(&mut self, now: Time) -> Option<(ConnId, Vec<String>)> {
        let is_due = |link: &Link| link.due().is_some_and(|due| due <= now);
        let (conn, link) = self.links.iter_mut().find(|(_, link)| is_due(link))?;
        link.not_before = now + TURN_MIN;
        Some((*conn, link.partner.turn(now)))
    }

    fn send(&mut self, now: Time, conn: ConnId, load: Load) -> bool {
        let Some(link) = self.links.get_mut(&conn) else {
            return true;
        };
        if link.is_silent {
            return true;
        }
        let arrival = &mut link.arrivals[usize::from(!matches!(load, Load::Frame(_)))];
        let at = (now + link.latency).max(*arrival);
        *arrival = at;
        self.last_event += 1;
        let event = Event {
            at,
            number: self.last_event,
            conn,
            load,
        };
        self.queue.push(Reverse(event));
        self.queue.len() <= IN_FLIGHT_MAX
    }
}

impl Link {
    fn due(&self) -> Option<Time> {
        let due = self.partner.due().filter(|_| !self.is_silent)?;
        Some(due.max(self.not_before))
    }
}

impl Rig {
    /// The same over a link on which frames and texts take so long.
    pub fn join_over(&mut self, partner: Box<dyn Partner>, latency: Duration) -> ConnId {
        self.join_as(partner, latency, Access::full("this machine"))
    }

    /// The same with these rights.
    pub fn join_as(&mut self, partner: Box<dyn Partner>, latency: Duration, access: Arc<Access>) -> ConnId {
        let (conn, connected) = self.admit(partner, latency, access);
        self.give(connected);
        conn
    }

    fn admit(&mut self, partner: Box<dyn Partner>, latency: Duration, access: Arc<Access>) -> (ConnId, Input) {
        self.links.last_conn += 1;
        let (conn, face) = (ConnId(self.links.last_conn), partner.face());
        let link = Link {
            partner,
            face,
            latency,
            is_silent: false,
            not_before: self.now,
            arrivals: [self.now; 2],
        };
        self.links.links.insert(conn, link);
        let connected = Input::Connected {
            conn,
            face,
            address: format!("partner {}", conn.0),
            path: String::from("/"),
            access,
        };
        (conn, connected)
    }

    /// Puts a server where the hub dials: each connection gets the partner that `maker` makes. Until then dials are refused.
    pub fn put_server(&mut self, callee: Callee, maker: impl FnMut() -> Box<dyn Partner> + 'static) {
        self.take_server(callee);
        self.links.makers.push((callee, Box::new(maker)));
    }

    /// Nobody answers there any more; what is connected stays.
    pub fn take_server(&mut self, callee: Callee) {
        self.links.makers.retain(|(other, _)| *other != callee);
    }

    /// The connections of the partners that speak this, the oldest first: also those that the hub has dialled.
    pub fn conns(&self, face: Face) -> Vec<ConnId> {
        let links = self.links.links.iter().filter(|(_, link)| link.face == face);
        links.map(|(conn, _)| *conn).collect()
    }

    /// A link is lost: the hub hears it at once, and what is on its way is gone.
    pub fn drop_link(&mut self, conn: ConnId) {
        self.close_link(conn, "the link was dropped");
    }

    /// From now on frames and texts take so long on this link. None overtakes another.
    pub fn delay_link(&mut self, conn: ConnId, latency: Duration) {
        if let Some(link) = self.links.links.get_mut(&conn) {
            link.latency = latency;
        }
    }

    /// A partner falls silent, and nothing reaches it, while its link stays; or it goes on.
    pub fn silence(&mut self, conn: ConnId, is_silent: bool) {
        if let Some(link) = self.links.links.get_mut(&conn) {
            link.is_silent = is_silent;
        }
    }

    /// The hub dials: the partner that was put there answers.
    pub(super) fn dialled(&mut self, callee: Callee, dial: u64) {
        let maker = self.links.makers.iter_mut().find(|(other, _)| *other == callee);
        match maker {
            Some((_, maker)) => {
                let partner = maker();
                let (_, connected) = self.admit(partner, Duration::ZERO, Access::full("this machine"));
                self.inputs.push_back(connected);
            }
            None => self.inputs.push_back(Input::DialFailed {
                callee,
                dial,
                reason: String::from("connection refused"),
            }),
        }
    }

    pub(super) fn close_link(&mut self, conn: ConnId, reason: &str) {
        if self.links.links.remove(&conn).is_some() {
            let reason = reason.to_owned();
            self.give(Input::Closed { conn, reason });
        }
    }

    /// A connection ends in the middle of a turn.
    pub(super) fn hang_up(&mut self, conn: ConnId, reason: &str) {
        if self.links.links.remove(&conn).is_some() {
            let reason = reason.to_owned();
            self.inputs.push_back(Input::Closed { conn, reason });
        }
    }

    /// The hub sends a frame.
    pub(super) fn send(&mut self, conn: ConnId, frame: Frame) {
        if !self.links.links.contains_key(&conn) {
            return;
        }
        let (now, number) = (self.now, self.links.last_event + 1);
        self.links.frames.insert(number, frame);
        if !self.links.send(now, conn, Load::Frame(number)) {
            self.hang_up(conn, "too much is on its way");
        }
        if self.links.last_event < number {
            self.links.frames.remove(&number);
        }
    }

    /// A partner sends texts.
    pub(super) fn speaks(&mut self, conn: ConnId, texts: Vec<String>) {
        for text in texts {
            if !self.links.send(self.now, conn, Load::Text(text)) {
                self.close_link(conn, "too much is on its way");
            }
        }
    }

    /// Something is there.
    pub(super) fn arrived(&mut self, event: Event) {
        let Event { conn, load, .. } = event;
        let frame = match load {
            Load::Frame(number) => self.links.frames.remove(&number),
            _ => None,
        };
        let Some(link) = self.links.links.get_mut(&conn).filter(|link| !link.is_silent) else {
            return;
        };
        match (load, frame) {
            (Load::Frame(_), Some(frame)) => match unframed(&frame.bytes) {
                (9, payload) => {
                    let sent_at = payload.try_into().ok().map(u64::from_le_bytes);
                    self.links.send(self.now, conn, Load::Pong(sent_at));
                }
                _ => {
                    let texts = link.partner.hear(self.now, &frame);
                    self.speaks(conn, texts);
                }
            },
            (Load::Frame(_), None) => {}
            (Load::Pong(sent_at_nanos), _) => self.give(Input::Pong { conn, sent_at_nanos }),
            (Load::Text(text), _) => {
                let minute = self.now.as_millis() / 60_000 % (24 * 60);
                let input = heard(conn, link.face, text, ClockMinute(minute as u16));
                self.give(input);
            }
        }
    }
}
