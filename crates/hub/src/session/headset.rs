//! Headsets: the app of the players (SI-30 to SI-40).
//!
//! ```text
//!   connection ─▶ seat ─▶ json_state ─▶ create_player, where an experiment runs        ask, expression ─▶ rules ─▶ lane of the player
//! ```
//!
//! | room | what it does |
//! |---|---|
//! | `rules` | what a headset may send into the simulation |

mod rules;

use crate::classroom::players::{HeadsetSocket, Membership, Newcomer, NoSeat, SeatNo, doubled, ip_of};
use crate::hub::Hub;
use crate::input::{ClockMinute, ConnId};
use crate::output::Level;
use crate::settings::PlayerKey;
use crate::signal::name::is_dots;
use crate::time::Time;
use crosstie_wire::DecodeError;
use crosstie_wire::headset::{self, Message};
use std::time::Duration;

/// Bytes of the name of a player. A longer one gets no seat: names travel with every state and every world.
const ID_LEN_MAX: usize = 256;
/// The heartbeat of a headset is put into this range, in milliseconds (SI-30).
const HEARTBEAT_RANGE_MS: std::ops::RangeInclusive<u64> = 200..=600_000;
/// Bytes of an interval that are told to monitors as they were sent; a longer text is told as its number.
const INTERVAL_TEXT_MAX: usize = 32;

/// Why a name gets no seat, in words.
fn misnamed(id: &str) -> Option<String> {
    if id.trim().is_empty() {
        Some(String::from("its name is empty"))
    } else if id.len() > ID_LEN_MAX {
        Some(format!(
            "its name has {} bytes, and at most {ID_LEN_MAX} are taken",
            id.len()
        ))
    } else if id.contains(char::is_control) {
        Some(String::from("its name holds control characters"))
    } else if is_dots(id) {
        Some(format!("its name is '{id}', which browsers take out of an address"))
    } else {
        None
    }
}

impl Hub {
    pub(crate) fn headset_connected(&mut self, conn: ConnId) {
        let Some(class) = &mut self.classroom else { return };
        class.players.arrive(conn);
        if class.settings.player_key != PlayerKey::Address {
            return;
        }
        // A known address needs no words (SI-31).
        let Some(client) = self.clients.get(&conn) else { return };
        let known = class.players.of_ip(ip_of(&client.address));
        let Some(seat) = known.and_then(|no| class.players.seat(no)) else {
            return;
        };
        let (id, interval) = (seat.id.clone(), seat.ping_interval.clone());
        let (heartbeat, clock) = (seat.heartbeat, seat.arrived);
        self.take_seat(conn, &id, (interval, heartbeat), clock);
    }

    /// A connection is gone, or is being closed.
    pub(crate) fn headset_left(&mut self, conn: ConnId) {
        let Some(class) = &mut self.classroom else { return };
        let Some(no) = class.players.leave(conn) else { return };
        if let Some(seat) = class.players.seat_mut(no) {
            seat.is_doubled = false;
            let id = seat.id.clone();
            self.seat_is_single(&id);
        }
        self.class_changed();
    }

    /// One text of a headset.
    pub(crate) fn headset(&mut self, conn: ConnId, message: Result<Message, DecodeError>, clock: ClockMinute) {
        self.headset_lives(conn);
        let message = match message {
            Ok(message) => message,
            Err(error) => return self.misunderstood(conn, &error),
        };
        let seat = self.classroom.as_ref().and_then(|class| class.players.of_conn(conn));
        match (message, seat) {
            (
                Message::Connection {
                    id,
                    heartbeat_ms,
                    as_sent,
                },
                None,
            ) => self.headset_says_who(conn, &id, (heartbeat_ms, as_sent), clock),
            (Message::Connection { id, .. }, Some(no)) => self.headset_says_again(conn, no, &id),
            (_, None) => self.before_connection(conn),
            (Message::Ping(id), Some(_)) => self.send_text(conn, |out| headset::write_pong(out, id.as_deref())),
            (Message::Expression(expr), Some(no)) => self.headset_expression(conn, no, &expr),
            (Message::Ask(ask), Some(no)) => self.headset_ask(conn, no, &ask),
            (Message::DisconnectProperly, Some(no)) => self.send_away(no, "goodbye"),
            (Message::Seat, Some(no)) => self.tell_seat(conn, no),
            (_, Some(_)) => {}
        }
    }

    /// Says to whoever sits there why it is not in the game: the state of the protocol has no word for it, and our own page asks.
    fn tell_seat(&mut self, conn: ConnId, no: SeatNo) {
        let gama = self.gama_state();
        let Some(class) = &self.classroom else { return };
        let waits_for = class
            .players
            .seat(no)
            .and_then(|seat| class.waits_for(seat, gama.as_ref()));
        let experiment = gama.as_ref().map(|gama| gama.experiment_state.as_str());
        self.send_text(conn, |out| headset::write_seat(out, waits_for.as_deref(), experiment));
    }

    /// Any message is a sign of life (SI-32).
    fn headset_lives(&mut self, conn: ConnId) {
        let now = self.now;
        let Some(class) = &mut self.classroom else { return };
        let Some(socket) = class.players.socket(conn) else {
            return;
        };
        socket.unanswered = None;
        let no = socket.seat;
        if let Some(seat) = no.and_then(|no| class.players.seat_mut(no)) {
            seat.last_seen = now;
        }
    }

    /// What is no message of the port is counted, and the first of its kind is a line (SI-4). Monitors and headsets alike.
    pub(crate) fn misunderstood(&mut self, conn: ConnId, error: &DecodeError) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        let said = match error {
            DecodeError::UnknownType { .. } => {
                client.counters.ignored.unknown_type += 1;
                &mut client.said.unknown_type
            }
            _ => {
                client.counters.ignored.malformed += 1;
                &mut client.said.malformed
            }
        };
        if !std::mem::replace(said, true) {
            self.log(Level::Warn, Some(conn), format!("ignored a message: {error}"));
        }
    }

    /// Nobody is there yet who could say something else than `connection` (SI-4).
    fn before_connection(&mut self, conn: ConnId) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        client.counters.ignored.malformed += 1;
        if !std::mem::replace(&mut client.said.before_init, true) {
            let text = "ignored a message: a headset says `connection` with its id first";
            self.log(Level::Warn, Some(conn), String::from(text));
        }
    }

    fn headset_says_who(&mut self, conn: ConnId, id: &str, heartbeat: (u64, String), clock: ClockMinute) {
        if let Some(reason) = misnamed(id) {
            self.no_seat_for(conn, reason);
            return;
        }
        let (heartbeat_ms, as_sent) = heartbeat;
        let interval = match as_sent.len() <= INTERVAL_TEXT_MAX {
            true => as_sent,
            false => heartbeat_ms.to_string(),
        };
        let heartbeat_ms = heartbeat_ms.clamp(*HEARTBEAT_RANGE_MS.start(), *HEARTBEAT_RANGE_MS.end());
        self.take_seat(conn, id, (interval, Duration::from_millis(heartbeat_ms)), clock);
    }

    /// A name that gets no seat is a line, and a problem that says which headset it is.
    fn no_seat_for(&mut self, conn: ConnId, reason: String) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        client.counters.ignored.malformed += 1;
        let from = ip_of(&client.address).to_owned();
        let socket = self.classroom.as_mut().and_then(|class| class.players.socket(conn));
        if !socket.is_none_or(|socket| std::mem::replace(&mut socket.said.name, true)) {
            let text = format!("a headset gets no seat: {reason}");
            self.log(Level::Warn, Some(conn), text.clone());
            let hint = "give the headset another name in its app";
            self.trouble(false, format!("classroom:name:{from}"), &from, text, hint);
        }
    }

    /// A headset that has a seat says again who it is: it keeps its seat (SI-31).
    fn headset_says_again(&mut self, conn: ConnId, no: SeatNo, id: &str) {
        let Some(class) = &mut self.classroom else { return };
        let is_same = class.players.seat(no).is_some_and(|seat| *seat.id == *id);
        // The app says it after every connection, also where its address was enough.
        let is_news = !(is_same && class.settings.player_key == PlayerKey::Address);
        if let Some(socket) = class.players.socket(conn).filter(|_| is_news)
            && !std::mem::replace(&mut socket.said.again, true)
        {
            let text = "ignored a second `connection` on the same socket: the headset keeps its seat";
            self.log(Level::Info, Some(conn), String::from(text));
        }
    }

    /// Sits down, in the seat that the headset had or in a new one; what an experiment needs of it follows (SI-30, SI-31).
    fn take_seat(&mut self, conn: ConnId, id: &str, (interval, heartbeat): (String, Duration), clock: ClockMinute) {
        let now = self.now;
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        let Some(class) = &mut self.classroom else { return };
        let address = client.address.clone();
        // By its address a headset is known before it says anything; a name is one player for GAMA in any case.
        let known = class.players.of_id(id);
        let new = Newcomer {
            conn,
            id,
            address: &address,
            ping_interval: interval,
            heartbeat,
            clock,
        };
        let (no, before) = match class.players.sit(now, known, new) {
            Ok(seat) => seat,
            Err(NoSeat::Doubled(holder)) => {
                let text = format!("two headsets say {id}: {holder} has the seat, {address} was refused");
                let hint = "give one of them another name, or take the one out that has the seat";
                self.trouble(true, doubled(id), id, text, hint);
                self.close(conn, 1008, "another headset has this name");
                self.class_changed();
                return;
            }
            Err(NoSeat::Full) => {
                self.close(conn, 1013, "too many players");
                return;
            }
        };
        id.clone_into(&mut client.name);
        if let Some(before) = before {
            self.close(before, 1000, "the same player has connected again");
        }
        let takes_turns = self.classroom.as_ref().and_then(|class| class.players.seat(no));
        if takes_turns.is_some_and(|seat| seat.is_doubled) {
            let text = format!(
                "two headsets of the machine {} say {id} and take the seat from each other",
                ip_of(&address)
            );
            self.trouble(true, doubled(id), id, text, "give one of them another name");
        } else {
            self.seat_is_single(id);
        }
        self.problems.clear(&format!("classroom:name:{}", ip_of(&address)));
        self.log(Level::Info, Some(conn), format!("{id} has a seat, from {address}"));
        self.set_heartbeat(conn);
        self.tell_player(no);
        self.fill_game();
        self.look_at_number_of_players();
        self.class_changed();
    }

    fn set_heartbeat(&mut self, conn: ConnId) {
        let socket = self.classroom.as_mut().and_then(|class| class.players.socket(conn));
        if let Some(at) = socket.and_then(|socket| socket.next_ping) {
            self.timers.set(at, crate::timers::Alarm::Headset(conn));
        }
    }

    /// The heartbeat of a headset is due (SI-33).
    pub(crate) fn headset_alarm(&mut self, conn: ConnId, at: Time) {
        let now = self.now;
        let Some(client) = self.clients.get(&conn).filter(|client| !client.is_closing) else {
            return;
        };
        let judged_from = client.judged_from;
        let Some(class) = &mut self.classroom else { return };
        let Some(socket) = class.players.socket(conn) else {
            return;
        };
        if socket.next_ping != Some(at) {
            return;
        }
        // While the hub itself was away nobody could be heard.
        let is_dead = socket.unanswered.is_some_and(|sent| sent >= judged_from);
        let no = socket.seat;
        let Some(seat) = no.and_then(|no| class.players.seat_mut(no)) else {
            return;
        };
        seat.is_alive = !is_dead;
        let next = now + seat.heartbeat;
        if is_dead {
            self.close(conn, 1000, "no sign of life");
            return;
        }
        if let Some(socket) = class.players.socket(conn) {
            socket.next_ping = Some(next);
            socket.unanswered = Some(now);
        }
        self.send_text(conn, headset::write_ping);
        self.set_heartbeat(conn);
    }
}
