//! What a teacher does to seats, and how the API shows them (SI-21).

use super::{Membership, SeatNo, ip_of};
use crate::api::Refused;
use crate::api::classroom::{ClassCounters, PlayerRow};
use crate::hub::Hub;

/// Characters of a name that a refusal repeats.
const NAME_SHOWN_MAX: usize = 64;

/// The problem of two headsets that say the same name.
pub(crate) fn doubled(id: &str) -> String {
    format!("classroom:doubled:{id}")
}

impl Hub {
    /// The seat of a name, else of an address with or without its port.
    fn seat_named(&self, id_or_address: &str) -> Result<SeatNo, Refused> {
        let unknown = || Refused::NotFound {
            what: "player",
            name: id_or_address.chars().take(NAME_SHOWN_MAX).collect(),
        };
        let players = &self.classroom.as_ref().ok_or_else(unknown)?.players;
        if let Some(no) = players.of_id(id_or_address) {
            return Ok(no);
        }
        let wanted = id_or_address.trim_matches(['[', ']']);
        let fits = |address: &str| address == id_or_address || ip_of(address).trim_matches(['[', ']']) == wanted;
        let mut from_there = players.seats.iter().filter(|(_, seat)| fits(&seat.address));
        match (from_there.next(), from_there.next()) {
            (Some((no, _)), None) => Ok(*no),
            (None, _) => Err(unknown()),
            (Some(_), Some(_)) => Err(Refused::Classroom(format!(
                "several players come from {wanted}: name one of them by its id"
            ))),
        }
    }

    /// Makes a connected player one of the game, also one that GAMA has refused before (SI-21).
    ///
    /// # Errors
    ///
    /// Nobody of this name, not connected, no experiment, the class is full, in the game already.
    pub(crate) fn add_player(&mut self, id_or_address: &str) -> Result<(), Refused> {
        let no = self.seat_named(id_or_address)?;
        let gama = self.gama_state();
        let Some(class) = &mut self.classroom else {
            return Ok(());
        };
        let Some(seat) = class.players.seat(no) else {
            return Ok(());
        };
        if seat.membership != Membership::Out {
            return Err(Refused::Classroom(format!("'{}' is in the game already", seat.id)));
        }
        let is_ready = seat.conn.is_some() && class.settings.gama.is_some() && class.experiment.takes_players();
        let reason = match is_ready {
            true => class.full(),
            false => class.waits_for(seat, gama.as_ref()),
        };
        if let Some(reason) = reason {
            return Err(Refused::Classroom(format!("'{}' cannot be added: {reason}", seat.id)));
        }
        let id = seat.id.clone();
        if let Some(seat) = class.players.seat_mut(no) {
            seat.refusal = None;
            seat.membership = Membership::Asked;
        }
        self.gama_create(&id);
        self.class_changed();
        Ok(())
    }

    /// Takes a player out of the game and closes its connection; a place that becomes free goes to who waits longest (SI-21).
    ///
    /// # Errors
    ///
    /// Nobody of this name.
    pub(crate) fn remove_player(&mut self, id_or_address: &str) -> Result<(), Refused> {
        let no = self.seat_named(id_or_address)?;
        self.send_away(no, "taken out of the class");
        Ok(())
    }

    /// The end of a player by order, its own or the teacher's: out of the game, closed with 1000, forgotten where the project
    /// wants it so (SI-20, SI-21, SI-36).
    pub(crate) fn send_away(&mut self, no: SeatNo, reason: &'static str) {
        self.take_out(no);
        let conn = self.classroom.as_ref().and_then(|class| class.players.seat(no)?.conn);
        if let Some(conn) = conn {
            self.close(conn, 1000, reason);
        }
        if self
            .classroom
            .as_ref()
            .is_some_and(|class| class.settings.aggressive_disconnect)
        {
            self.forget_seat(no);
        }
        self.fill_game();
        self.class_changed();
    }

    /// Forgets a player that is not connected.
    ///
    /// # Errors
    ///
    /// Nobody of this name; it is connected.
    pub(crate) fn forget_player(&mut self, id_or_address: &str) -> Result<(), Refused> {
        let no = self.seat_named(id_or_address)?;
        let seat = self.classroom.as_ref().and_then(|class| class.players.seat(no));
        if let Some(seat) = seat.filter(|seat| seat.conn.is_some()) {
            return Err(Refused::Classroom(format!(
                "'{}' is connected: take it out first",
                seat.id
            )));
        }
        self.take_out(no);
        self.forget_seat(no);
        self.fill_game();
        self.class_changed();
        Ok(())
    }

    fn forget_seat(&mut self, no: SeatNo) {
        let seat = self.classroom.as_mut().and_then(|class| class.players.remove(no));
        if let Some(seat) = seat {
            self.gama_forget(&seat.id);
            self.seat_is_single(&seat.id);
        }
    }

    /// Nobody else says this name any more, as far as we know.
    pub(crate) fn seat_is_single(&mut self, id: &str) {
        self.problems.clear(&doubled(id));
    }

    /// The seats in the order of arrival, as the API shows them.
    pub(crate) fn player_rows(&self) -> Vec<PlayerRow> {
        let Some(class) = &self.classroom else {
            return Vec::new();
        };
        let gama = self.gama_state();
        let row = |seat: &super::Seat| PlayerRow {
            id: String::from(&*seat.id),
            address: seat.address.clone(),
            connected: seat.conn.is_some(),
            in_game: seat.membership == Membership::In,
            is_alive: seat.is_alive,
            arrived: seat.arrived.to_string(),
            heartbeat: seat.heartbeat,
            last_seen_at: seat.last_seen,
            waits_for: class.waits_for(seat, gama.as_ref()),
            is_doubled: seat.is_doubled,
            worlds: seat.worlds,
            worlds_dropped: seat.worlds_dropped,
            said: seat.said.saturating_sub(class.link.lanes.dropped(&seat.id)),
            said_dropped: seat.said_dropped + class.link.lanes.dropped(&seat.id),
        };
        class.players.seats().map(row).collect()
    }

    /// What passed in the class.
    pub(crate) fn class_counters(&self) -> ClassCounters {
        let class = self.classroom.as_ref();
        let counters = class.map(|class| ClassCounters {
            unreadable: class.link.unreadable,
            ..class.players.counters
        });
        counters.unwrap_or_default()
    }
}
