//! What a simulation shows, on its way to the headsets (SI-38, SI-39, GA-7).

use crate::client::Client;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::{Class, Frame, Output};
use bytes::Bytes;
use crosstie_wire::gama::{Element, World};
use std::collections::VecDeque;

/// Pieces that wait for a headset that does not read. For one more an old one is dropped and counted.
const PIECES_MAX: usize = 32;
/// Bytes of the pieces that wait for a headset that does not read. Same effect; the newest piece stays whatever its size.
const PIECES_BYTES_MAX: usize = 8 << 20;

/// What a headset that does not read is to get when it reads again: bounded, the newest stay.
///
/// Of two pieces of one kind the newer one says more. So the oldest piece that has a newer one of its kind goes first, and what
/// comes only once, such as the precision of coordinates, survives a flood of positions.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    waiting: VecDeque<(u64, Bytes)>,
    bytes: usize,
}

impl Pieces {
    /// One more piece; gives the number of those that were dropped for it.
    fn push(&mut self, kind: u64, bytes: Bytes) -> u64 {
        self.bytes += bytes.len();
        self.waiting.push_back((kind, bytes));
        self.shrink()
    }

    /// These were on their way before everything that waits here.
    fn push_front(&mut self, pieces: Vec<(u64, Bytes)>) -> u64 {
        for (kind, bytes) in pieces.into_iter().rev() {
            self.bytes += bytes.len();
            self.waiting.push_front((kind, bytes));
        }
        self.shrink()
    }

    fn shrink(&mut self) -> u64 {
        let mut dropped = 0;
        while self.waiting.len() > 1 && (self.waiting.len() > PIECES_MAX || self.bytes > PIECES_BYTES_MAX) {
            let has_newer = |index: &usize| {
                let kind = self.waiting[*index].0;
                self.waiting.range(index + 1..).any(|(newer, _)| *newer == kind)
            };
            let oldest = (0..self.waiting.len()).find(has_newer).unwrap_or(0);
            if let Some((_, bytes)) = self.waiting.remove(oldest) {
                self.bytes -= bytes.len();
                dropped += 1;
            }
        }
        dropped
    }

    fn take(&mut self) -> VecDeque<(u64, Bytes)> {
        self.bytes = 0;
        std::mem::take(&mut self.waiting)
    }
}

impl Hub {
    /// Gives each piece to the players that it is for, in order.
    pub(crate) fn world(&mut self, world: World) {
        let Some(class) = &mut self.classroom else { return };
        class.players.counters.worlds += 1;
        class.players.counters.skipped += world.skipped as u64;
        for element in world.elements {
            self.give_element(element);
        }
    }

    fn give_element(&mut self, element: Element) {
        let Element { ids, frame, kind } = element;
        let bytes = Bytes::from(frame.buffer).slice(frame.start..);
        let Some(class) = &mut self.classroom else { return };
        let players = &mut class.players;
        players.elements += 1;
        let number = players.elements;
        let mut conns = Vec::with_capacity(ids.len());
        for id in &ids {
            let no = players.of_id(id);
            let Some(seat) = no.and_then(|no| players.seat_mut(no)) else {
                players.counters.unknown_ids += 1;
                continue;
            };
            // A player that is named twice gets the piece once.
            if std::mem::replace(&mut seat.named_in, number) == number {
                continue;
            }
            let Some(conn) = seat.conn else { continue };
            let Some(client) = self.clients.get_mut(&conn).filter(|client| !client.is_closing) else {
                continue;
            };
            if client.outlet.stuck_since().is_none() {
                seat.worlds += 1;
                players.counters.pieces += 1;
                count_sent(client, bytes.len());
                conns.push(conn);
            } else if let Some(socket) = players.socket(conn) {
                let dropped = socket.pieces.push(kind, bytes.clone());
                count_dropped(players, no, dropped);
            }
        }
        if !conns.is_empty() {
            self.outputs.push(Output::Share {
                conns,
                frame: Frame {
                    bytes,
                    class: Class::World { kind },
                },
            });
        }
    }

    /// The socket of a headset is full: these pieces could not be begun, each with its kind. The newest are kept.
    pub(crate) fn worlds_unsent(&mut self, conn: ConnId, pieces: Vec<(u64, Bytes)>) {
        let Some(class) = self.classroom.as_mut().filter(|_| !pieces.is_empty()) else {
            return;
        };
        let players = &mut class.players;
        let no = players.of_conn(conn);
        let count = pieces.len() as u64;
        let Some(socket) = players.socket(conn) else { return };
        let dropped = socket.pieces.push_front(pieces);
        players.counters.pieces = players.counters.pieces.saturating_sub(count);
        if let Some(seat) = no.and_then(|no| players.seat_mut(no)) {
            seat.worlds = seat.worlds.saturating_sub(count);
        }
        count_dropped(players, no, dropped);
    }

    /// It takes bytes again; control messages have gone out.
    pub(crate) fn worlds_writable(&mut self, conn: ConnId) {
        let Some(class) = &mut self.classroom else { return };
        let Some(socket) = class.players.socket(conn) else {
            return;
        };
        let pieces = socket.pieces.take();
        let Some(client) = self.clients.get_mut(&conn).filter(|client| !client.is_closing) else {
            return;
        };
        let no = class.players.of_conn(conn);
        class.players.counters.pieces += pieces.len() as u64;
        if let Some(seat) = no.and_then(|no| class.players.seat_mut(no)) {
            seat.worlds += pieces.len() as u64;
        }
        for (kind, bytes) in pieces {
            count_sent(client, bytes.len());
            self.outputs.push(Output::Send {
                conn,
                frame: Frame {
                    bytes,
                    class: Class::World { kind },
                },
            });
        }
    }
}

fn count_sent(client: &mut Client, bytes: usize) {
    client.counters.messages_out += 1;
    client.counters.bytes_out += bytes as u64;
}

fn count_dropped(players: &mut super::players::Players, no: Option<super::players::SeatNo>, dropped: u64) {
    if let Some(seat) = no.and_then(|no| players.seat_mut(no)) {
        seat.worlds_dropped += dropped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(pieces: &Pieces) -> Vec<u64> {
        pieces.waiting.iter().map(|(kind, _)| *kind).collect()
    }

    #[test]
    fn si39_what_comes_once_survives_a_flood_and_the_newest_stay_in_order() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.push(7, Bytes::from_static(b"once")), 0);
        let mut dropped = 0;
        for number in 0..1_000_u32 {
            dropped += pieces.push(1, Bytes::copy_from_slice(&number.to_le_bytes()));
        }
        assert_eq!(dropped, 1_001 - PIECES_MAX as u64);
        assert_eq!(kinds(&pieces), [&[7][..], &[1; PIECES_MAX - 1]].concat());
        let newest: Vec<u32> = (1_000 - (PIECES_MAX as u32 - 1)..1_000).collect();
        let kept: Vec<u32> = pieces
            .take()
            .iter()
            .skip(1)
            .map(|(_, bytes)| bytes[0] as u32 | (bytes[1] as u32) << 8)
            .collect();
        assert_eq!(kept, newest);
        assert_eq!(pieces.bytes, 0);
    }

    #[test]
    fn si39_where_nothing_is_repeated_the_oldest_goes() {
        let mut pieces = Pieces::default();
        for kind in 0..40 {
            pieces.push(kind, Bytes::from_static(b"x"));
        }
        assert_eq!(kinds(&pieces), (8..40).collect::<Vec<u64>>());
    }

    #[test]
    fn si39_the_queue_ends_at_its_bytes_and_the_newest_stays_whatever_its_size() {
        let mut pieces = Pieces::default();
        let third = Bytes::from(vec![0; PIECES_BYTES_MAX / 3]);
        let dropped: u64 = (0..10).map(|_| pieces.push(1, third.clone())).sum();
        assert_eq!((dropped, pieces.waiting.len()), (7, 3));
        assert_eq!(pieces.push(2, Bytes::from(vec![0; PIECES_BYTES_MAX + 1])), 3);
        assert_eq!(kinds(&pieces), [2]);
        assert_eq!(
            pieces.push_front(vec![(3, third.clone()), (4, third)]),
            2,
            "older than what waits"
        );
        assert_eq!(kinds(&pieces), [2]);
    }
}
