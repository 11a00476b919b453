//! The seats of the class: who sits there, who is in the game (SI-30 to SI-40).
//!
//! A seat belongs to a name. Headsets come and go; the seat stays, and with it whether GAMA knows the player, so that a headset
//! that was away for a moment goes on where it was.
//!
//! | room | what it does |
//! |---|---|
//! | `game` | who becomes a player of the experiment, who waits, what follows when the experiment ends |
//! | `steer` | what a teacher does to seats, and how the API shows them |

mod game;
mod steer;

pub(crate) use steer::doubled;

use super::catalog::Model;
use super::worlds::Pieces;
use crate::api::classroom::ClassCounters;
use crate::input::{ClockMinute, ConnId};
use crate::time::Time;
use crosstie_wire::monitor::PlayerState;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::time::Duration;

/// Seats of a class. For one more, the oldest seat that is neither connected nor in the game makes room; where there is none,
/// the headset is closed with 1013 "too many players".
const SEATS_MAX: usize = 512;
/// A ping that was not answered for so long is a missed heartbeat: somebody else may take the seat over (SI-31).
const MISSED_AFTER: Duration = Duration::from_secs(2);

/// A seat that is taken from a living headset twice within this has two that take it from each other.
const TAKES_TURNS_WITHIN: Duration = Duration::from_secs(60);

/// Names one seat; counts up in the order of arrival and is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SeatNo(u64);

/// What GAMA knows of a player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    /// Nothing.
    Out,
    /// It was asked to make the player and has not answered.
    Asked,
    /// It has made the player.
    In,
}

/// One seat.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) id: Box<str>,
    /// Address and port of its last headset.
    pub(crate) address: String,
    /// The socket of its headset, while it is open.
    pub(crate) conn: Option<ConnId>,
    /// JSON text of the interval as the headset has sent it.
    pub(crate) ping_interval: String,
    pub(crate) heartbeat: Duration,
    pub(crate) is_alive: bool,
    pub(crate) membership: Membership,
    /// Why GAMA has not made the player when it was asked.
    pub(crate) refusal: Option<String>,
    pub(crate) arrived: ClockMinute,
    pub(crate) last_seen: Time,
    /// A second headset that says the same name was refused, or the two take the seat from each other.
    pub(crate) is_doubled: bool,
    /// When it was taken from a headset that was there.
    taken_at: Option<Time>,
    /// Its place among those who wait for the game: the smallest has waited longest.
    waits: u64,
    /// The last element of a world in which it was named.
    pub(crate) named_in: u64,
    pub(crate) worlds: u64,
    pub(crate) worlds_dropped: u64,
    pub(crate) said: u64,
    pub(crate) said_dropped: u64,
}

impl Seat {
    /// What monitors and the headset are told of it (SI-11, SI-37).
    pub(crate) fn state(&self) -> PlayerState {
        PlayerState {
            id: String::from(&*self.id),
            ping_interval: self.ping_interval.clone(),
            is_alive: self.is_alive,
            connected: self.conn.is_some(),
            in_game: self.membership == Membership::In,
            date_connection: self.arrived.to_string(),
        }
    }

    /// The part of its address that a second connection from the same machine shares.
    pub(crate) fn ip(&self) -> &str {
        ip_of(&self.address)
    }
}

/// An address without its port.
pub(crate) fn ip_of(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(ip, _)| ip)
}

/// What was logged once for a headset.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeadsetSaid {
    pub(crate) name: bool,
    pub(crate) again: bool,
    pub(crate) refused: bool,
}

/// The socket of one headset.
#[derive(Debug, Default)]
pub(crate) struct HeadsetSocket {
    /// Where it sits; `None` before its `connection`.
    pub(crate) seat: Option<SeatNo>,
    /// When its next heartbeat is due.
    pub(crate) next_ping: Option<Time>,
    /// Its last heartbeat, while nothing has come since.
    pub(crate) unanswered: Option<Time>,
    /// What it is to get when it reads again.
    pub(crate) pieces: Pieces,
    pub(crate) said: HeadsetSaid,
}

impl HeadsetSocket {
    /// Has it missed a heartbeat?
    fn has_missed(&self, now: Time) -> bool {
        self.unanswered.is_some_and(|sent| now.since(sent) >= MISSED_AFTER)
    }
}

/// How many players an experiment needs and takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GameSize {
    pub(crate) minimal: Option<u32>,
    /// `None` for as many as come.
    pub(crate) maximal: Option<u32>,
}

impl GameSize {
    /// What the settings of a model say; 0 is no limit.
    pub(crate) fn of(model: &Model) -> GameSize {
        GameSize {
            minimal: model.minimal_players,
            maximal: model.maximal_players.filter(|most| *most > 0),
        }
    }
}

/// The players in the order of their arrival.
#[derive(Debug, Default)]
pub(crate) struct Players {
    seats: BTreeMap<SeatNo, Seat>,
    by_id: FxHashMap<Box<str>, SeatNo>,
    sockets: FxHashMap<ConnId, HeadsetSocket>,
    last_no: u64,
    /// What the running experiment takes: a model that is selected meanwhile changes nothing.
    size: Option<GameSize>,
    /// Counts the elements of all worlds.
    pub(crate) elements: u64,
    /// What passed in the class.
    pub(crate) counters: ClassCounters,
}

/// Why a headset gets no seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoSeat {
    /// Another headset of this name is there, and gives signs of life; its address.
    Doubled(String),
    /// There are as many as there may be, and all are in use.
    Full,
}

/// What a headset says of itself.
#[derive(Debug)]
pub(crate) struct Newcomer<'a> {
    pub(crate) conn: ConnId,
    pub(crate) id: &'a str,
    pub(crate) address: &'a str,
    pub(crate) ping_interval: String,
    pub(crate) heartbeat: Duration,
    pub(crate) clock: ClockMinute,
}

impl Players {
    /// The seats in the order of arrival.
    pub(crate) fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.seats.values()
    }

    pub(crate) fn seat(&self, no: SeatNo) -> Option<&Seat> {
        self.seats.get(&no)
    }

    pub(crate) fn seat_mut(&mut self, no: SeatNo) -> Option<&mut Seat> {
        self.seats.get_mut(&no)
    }

    /// The seat of a name.
    pub(crate) fn of_id(&self, id: &str) -> Option<SeatNo> {
        self.by_id.get(id).copied()
    }

    /// The seat of whoever is at this socket.
    pub(crate) fn of_conn(&self, conn: ConnId) -> Option<SeatNo> {
        self.sockets.get(&conn)?.seat
    }

    /// The newest seat of those that come from this machine.
    pub(crate) fn of_ip(&self, ip: &str) -> Option<SeatNo> {
        let mut from_there = self.seats.iter().rev().filter(|(_, seat)| seat.ip() == ip);
        from_there.next().map(|(no, _)| *no)
    }

    pub(crate) fn socket(&mut self, conn: ConnId) -> Option<&mut HeadsetSocket> {
        self.sockets.get_mut(&conn)
    }

    /// A socket is open; nobody knows yet who it is.
    pub(crate) fn arrive(&mut self, conn: ConnId) {
        self.sockets.insert(conn, HeadsetSocket::default());
    }

    /// A socket is gone; gives the seat that it leaves, if it still had one.
    pub(crate) fn leave(&mut self, conn: ConnId) -> Option<SeatNo> {
        let no = self.sockets.remove(&conn)?.seat?;
        let seat = self.seats.get_mut(&no).filter(|seat| seat.conn == Some(conn))?;
        seat.conn = None;
        Some(no)
    }

    /// All open sockets, also those that have not said who they are, in the order in which they came.
    pub(crate) fn conns(&self) -> Vec<ConnId> {
        let mut conns: Vec<ConnId> = self.sockets.keys().copied().collect();
        conns.sort_unstable();
        conns
    }

    /// The seat for a newcomer: the one that it had, or a new one. The second part is the socket that it takes the seat from
    /// (SI-31).
    pub(crate) fn sit(
        &mut self,
        now: Time,
        known: Option<SeatNo>,
        new: Newcomer<'_>,
    ) -> Result<(SeatNo, Option<ConnId>), NoSeat> {
        let no = match known {
            Some(no) => no,
            None => self.add_seat(&new)?,
        };
        let Some(seat) = self.seats.get_mut(&no) else {
            return Err(NoSeat::Full);
        };
        let before = seat.conn.filter(|conn| *conn != new.conn);
        let holder = before.and_then(|conn| self.sockets.get(&conn));
        if holder.is_some_and(|holder| !holder.has_missed(now)) && seat.ip() != ip_of(new.address) {
            seat.is_doubled = true;
            return Err(NoSeat::Doubled(seat.address.clone()));
        }
        let is_taken = holder.is_some_and(|holder| !holder.has_missed(now));
        let again = is_taken && seat.taken_at.is_some_and(|at| now.since(at) < TAKES_TURNS_WITHIN);
        if is_taken {
            seat.taken_at = Some(now);
        }
        seat.conn = Some(new.conn);
        seat.address = new.address.to_owned();
        seat.ping_interval = new.ping_interval;
        seat.heartbeat = new.heartbeat;
        seat.is_alive = true;
        seat.is_doubled = again;
        seat.last_seen = now;
        seat.refusal = None;
        if let Some(socket) = self.sockets.get_mut(&new.conn) {
            socket.seat = Some(no);
            socket.next_ping = Some(now + seat.heartbeat);
            socket.unanswered = None;
        }
        Ok((no, before))
    }

    fn add_seat(&mut self, new: &Newcomer<'_>) -> Result<SeatNo, NoSeat> {
        if self.seats.len() >= SEATS_MAX {
            let is_idle = |seat: &Seat| seat.conn.is_none() && seat.membership == Membership::Out;
            let idle = self.seats.iter().find(|(_, seat)| is_idle(seat)).map(|(no, _)| *no);
            self.remove(idle.ok_or(NoSeat::Full)?);
        }
        let no = SeatNo(self.next_no());
        self.by_id.insert(new.id.into(), no);
        self.seats.insert(
            no,
            Seat {
                id: new.id.into(),
                address: String::new(),
                conn: None,
                ping_interval: String::new(),
                heartbeat: Duration::ZERO,
                is_alive: true,
                membership: Membership::Out,
                refusal: None,
                arrived: new.clock,
                last_seen: Time::ZERO,
                is_doubled: false,
                taken_at: None,
                waits: no.0,
                named_in: 0,
                worlds: 0,
                worlds_dropped: 0,
                said: 0,
                said_dropped: 0,
            },
        );
        Ok(no)
    }

    /// Forgets a seat.
    pub(crate) fn remove(&mut self, no: SeatNo) -> Option<Seat> {
        let seat = self.seats.remove(&no)?;
        self.by_id.remove(&seat.id);
        Some(seat)
    }

    fn next_no(&mut self) -> u64 {
        self.last_no += 1;
        self.last_no
    }
}
