//! Who is in the game: players are made when the experiment takes them, and are out of it when it ends (SI-18, SI-20, SI-40).

use super::{GameSize, Membership, Players, Seat, SeatNo};
use crate::classroom::Classroom;
use crate::classroom::experiment::table::Command;
use crate::hub::Hub;
use crate::input::ConnId;
use crosstie_wire::headset;

/// The problem of a lesson that began with fewer players than its model needs.
const FEW_PLAYERS: &str = "classroom:players";

/// The problem of a player that GAMA has not made.
fn not_made(id: &str) -> String {
    format!("classroom:player:{id}")
}

impl Players {
    /// Seats that count as taken in the game: those of players that GAMA knows, and those that it was asked for. Who was cut off
    /// keeps the place and comes back to it.
    fn members(&self) -> u32 {
        self.seats().filter(|seat| seat.membership != Membership::Out).count() as u32
    }

    /// Who has waited longest for the game. Whom GAMA has refused is not asked for again and again.
    fn first_waiting(&mut self) -> Option<&mut Seat> {
        let waits =
            |seat: &&mut Seat| seat.conn.is_some() && seat.membership == Membership::Out && seat.refusal.is_none();
        self.seats.values_mut().filter(waits).min_by_key(|seat| seat.waits)
    }

    /// What the running experiment needs and takes; a model that is selected while it runs changes nothing.
    fn size_of_game(&mut self, model: Option<GameSize>) -> GameSize {
        *self.size.get_or_insert(model.unwrap_or_default())
    }
}

impl Classroom {
    /// The next player that is to be made, who counts as asked for from now on.
    fn next_player(&mut self) -> Option<Box<str>> {
        if self.settings.gama.is_none() || !self.experiment.takes_players() {
            return None;
        }
        let model = self.model_of_lesson().map(|model| model.size);
        let size = self.players.size_of_game(model);
        if size.maximal.is_some_and(|most| self.players.members() >= most) {
            return None;
        }
        let seat = self.players.first_waiting()?;
        seat.membership = Membership::Asked;
        Some(seat.id.clone())
    }

    /// The words of a class that takes nobody else, while it is one.
    pub(crate) fn full(&self) -> Option<String> {
        let most = self.players.size?.maximal?;
        let members = self.players.members();
        (members >= most).then(|| format!("the class is full ({members} of {most})"))
    }

    /// Why somebody is not in the game; `None` for who is.
    pub(crate) fn waits_for(&self, seat: &Seat, gama: Option<&crosstie_wire::monitor::GamaState>) -> Option<String> {
        let Some(gama) = gama else {
            return Some(String::from("this class runs without GAMA: there is no game to be in"));
        };
        let text = match seat.membership {
            Membership::In => return None,
            _ if seat.conn.is_none() => "the headset is not connected",
            Membership::Asked => "GAMA is making the player",
            Membership::Out if !gama.connected => "GAMA is not connected",
            Membership::Out if gama.experiment_state == "NOTREADY" || self.link.lanes.is_out(Command::Load) => {
                "the experiment is loading"
            }
            Membership::Out if !self.experiment.takes_players() => "the experiment is not running",
            Membership::Out => {
                let refusal = seat
                    .refusal
                    .as_ref()
                    .map(|words| format!("GAMA has not made the player: {words}"));
                return refusal
                    .or_else(|| self.full())
                    .or_else(|| Some(String::from("add it to the game, or let its headset connect again")));
            }
        };
        Some(String::from(text))
    }
}

impl Hub {
    /// The experiment takes players now: everybody who is connected and has a seat in it is made one (SI-18).
    pub(crate) fn class_ready(&mut self) {
        self.fill_game();
        self.look_at_number_of_players();
        self.class_changed();
    }

    /// Has players made, who waits longest first, until the game is full or nobody waits.
    pub(crate) fn fill_game(&mut self) {
        // Each turn of the loop takes one seat out of those that wait.
        while let Some(id) = self.classroom.as_mut().and_then(|class| class.next_player()) {
            self.gama_create(&id);
        }
    }

    /// A lesson that has begun with fewer players than its model needs is a problem until they are there (SI-40).
    pub(crate) fn look_at_number_of_players(&mut self) {
        let Some(class) = &self.classroom else { return };
        let Some(least) = class.players.size.and_then(|size| size.minimal) else {
            return;
        };
        let there = class.players.seats().filter(|seat| seat.conn.is_some()).count();
        if there >= least as usize {
            self.problems.clear(FEW_PLAYERS);
        } else if !self.problems.holds(FEW_PLAYERS) {
            let text = format!("{there} players are connected, and this model needs at least {least}");
            self.console_line("note", "players", &text);
            let hint = "let more headsets connect: they are taken into the game as they come";
            self.trouble(false, FEW_PLAYERS.to_owned(), "classroom", text, hint);
        }
    }

    /// The experiment is gone: nobody is in the game any more, and everybody concerned is told (GA-2, GA-5).
    pub(crate) fn class_dissolved(&mut self) {
        let Some(class) = &mut self.classroom else { return };
        class.players.size = None;
        let mut told = Vec::new();
        let mut refused = Vec::new();
        for (no, seat) in &mut class.players.seats {
            if seat.membership == Membership::In {
                told.push(*no);
            }
            seat.membership = Membership::Out;
            if seat.refusal.take().is_some() {
                refused.push(not_made(&seat.id));
            }
        }
        for no in told {
            self.tell_player(no);
        }
        for problem in refused {
            self.problems.clear(&problem);
        }
        self.problems.clear(FEW_PLAYERS);
        self.class_changed();
    }

    /// `stop_experiment`: every headset is sent away with 1000 (SI-20).
    pub(crate) fn class_dismissed(&mut self) {
        self.class_dissolved();
        let Some(class) = &self.classroom else { return };
        let (conns, forgets) = (class.players.conns(), class.settings.aggressive_disconnect);
        for conn in conns {
            self.close(conn, 1000, "the experiment was stopped");
        }
        if forgets {
            self.forget_seats();
        }
        self.class_changed();
    }

    /// Forgets all seats (SI-20).
    fn forget_seats(&mut self) {
        let Some(class) = &mut self.classroom else { return };
        let seats = std::mem::take(&mut class.players.seats);
        class.players.by_id.clear();
        for seat in seats.into_values() {
            self.gama_forget(&seat.id);
            self.seat_is_single(&seat.id);
        }
    }

    /// GAMA has made a player, or has not: then the words say why.
    pub(crate) fn player_created(&mut self, id: &str, result: Result<(), String>) {
        let Some(class) = &mut self.classroom else { return };
        let Some(no) = class.players.of_id(id) else { return };
        // Who was taken out meanwhile stays out.
        let Some(seat) = class
            .players
            .seat_mut(no)
            .filter(|seat| seat.membership == Membership::Asked)
        else {
            return;
        };
        match result {
            Ok(()) => {
                seat.membership = Membership::In;
                seat.refusal = None;
                self.problems.clear(&not_made(id));
                self.tell_player(no);
            }
            Err(words) => {
                seat.membership = Membership::Out;
                seat.refusal = Some(words.clone());
                let text = format!("GAMA has not made this player: {words}");
                let hint = "look at the model's create_player, then add the player again";
                self.trouble(false, not_made(id), id, text, hint);
                // Its place is free for who waits.
                self.fill_game();
            }
        }
        self.class_changed();
    }

    /// Takes a player out of the game: GAMA and the headset are told. True when it was in it.
    pub(crate) fn take_out(&mut self, no: SeatNo) -> bool {
        let Some(class) = &mut self.classroom else { return false };
        let waits = class.players.next_no();
        let Some(seat) = class.players.seat_mut(no) else {
            return false;
        };
        let before = std::mem::replace(&mut seat.membership, Membership::Out);
        let problem = seat.refusal.take().map(|_| not_made(&seat.id));
        if before != Membership::Out {
            // It waits behind those who wait already.
            seat.waits = waits;
        }
        let id = seat.id.clone();
        if let Some(problem) = problem {
            self.problems.clear(&problem);
        }
        if before == Membership::Out {
            return false;
        }
        self.gama_remove(&id);
        if before == Membership::In {
            self.tell_player(no);
        }
        true
    }

    /// Tells a headset its own state (SI-37).
    pub(crate) fn tell_player(&mut self, no: SeatNo) {
        let Some((conn, state)) = self.state_of_player(no) else {
            return;
        };
        self.send_text(conn, |out| headset::write_json_state(out, &state));
    }

    fn state_of_player(&self, no: SeatNo) -> Option<(ConnId, crosstie_wire::monitor::PlayerState)> {
        let seat = self.classroom.as_ref()?.players.seat(no)?;
        Some((seat.conn?, seat.state()))
    }
}
