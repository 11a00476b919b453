//! What goes to GAMA (GA-3, GA-4, SI-34, SI-35).

use super::lanes::{For, Key, Speech, Wish};
use crate::api::Refused;
use crate::classroom::Launched;
use crate::classroom::experiment::table::{Command, Stage};
use crate::classroom::players::GameSize;
use crate::hub::Hub;
use crate::output::Ticket;
use crosstie_wire::gama::{gaml, write_ask, write_control, write_expression, write_load};
use crosstie_wire::headset::Ask;

impl Hub {
    /// Sends a command about the experiment. One of the same kind that is at GAMA already stands for it.
    pub(crate) fn gama_command(&mut self, command: Command) {
        let now = self.now;
        let Some(class) = &mut self.classroom else { return };
        if !class.link.is_up() || class.link.lanes.is_out(command) {
            return;
        }
        let api_id = class.link.next_api_id();
        let reports = !class.link.is_headless();
        let mut text = Vec::with_capacity(256);
        let told = match command {
            Command::Load => {
                let Some(model) = class.catalog.models.get(class.active) else {
                    return;
                };
                class.experiment.asked = Some(model.experiment.clone());
                class.launched = Some(Launched {
                    index: class.active,
                    name: model.name.clone(),
                    size: GameSize::of(model),
                });
                write_load(&mut text, &model.file, &model.experiment, api_id);
                format!("load '{}' of {}", model.experiment, model.file)
            }
            Command::Control(control) => {
                write_control(&mut text, control, class.experiment.exp_id(), api_id);
                format!("{} '{}'", command.word(), class.experiment.name)
            }
        };
        class.link.lanes.order(now, command, api_id, reports);
        class.console.add(now, "order", command.word(), &told);
        self.gama_send(&text);
        self.gama_set_alarm();
    }

    /// Makes a player; [`Hub::player_created`] answers.
    pub(crate) fn gama_create(&mut self, id: &str) {
        match self.gama_takes_no_player() {
            Some(reason) => self.player_created(id, Err(reason)),
            None => self.gama_wish(id, Wish::Create),
        }
    }

    /// Takes a player away, where there is an experiment.
    pub(crate) fn gama_remove(&mut self, id: &str) {
        if self.gama_takes_no_player().is_none() {
            self.gama_wish(id, Wish::Remove);
        }
    }

    /// Why no player can be made now.
    fn gama_takes_no_player(&self) -> Option<String> {
        let Some(class) = &self.classroom else {
            return Some(String::from("this project has no [classroom]"));
        };
        match class.experiment.stage() {
            _ if !class.link.is_up() => Some(class.link.text(self.now)),
            Stage::None => Some(String::from("there is no experiment; launch one")),
            Stage::NotReady => Some(String::from("the experiment is not ready yet")),
            Stage::Paused | Stage::Running | Stage::Finished | Stage::Other => None,
        }
    }

    fn gama_wish(&mut self, id: &str, wish: Wish) {
        let Some(class) = &mut self.classroom else { return };
        if let Some(wish) = class.link.lanes.wish(id, wish) {
            self.gama_send_wish(id, wish);
        }
    }

    pub(super) fn gama_send_wish(&mut self, id: &str, wish: Wish) {
        self.gama_express(For::Seat(id.into(), wish), &wish.expr(id));
        self.gama_set_alarm();
    }

    /// Sends an expression of the hub's own.
    pub(crate) fn gama_express(&mut self, whom: For, expr: &str) {
        let now = self.now;
        let Some(class) = &mut self.classroom else { return };
        let api_id = class.link.next_api_id();
        class.link.lanes.expect(now, whom, Key::expression(expr), api_id);
        let mut text = Vec::with_capacity(128);
        write_expression(&mut text, class.experiment.exp_id(), expr, false, api_id);
        self.gama_send(&text);
    }

    /// Has GAMA evaluate an expression for the API; the answer comes with the ticket.
    ///
    /// # Errors
    ///
    /// There is no experiment, or too many evaluations are not answered yet.
    pub(crate) fn gama_evaluate(&mut self, ticket: Ticket, expr: &str) -> Result<(), Refused> {
        if let Some(reason) = self.gama_takes_no_player() {
            return Err(Refused::Classroom(reason));
        }
        let lanes = self.classroom.as_ref().map(|class| &class.link.lanes);
        if !lanes.is_some_and(|lanes| lanes.takes_evaluation()) {
            return Err(Refused::Limit {
                what: "evaluations that GAMA has not answered",
                limit: super::lanes::EVALUATIONS_MAX,
            });
        }
        self.gama_express(For::Evaluation(ticket), expr);
        self.gama_set_alarm();
        Ok(())
    }

    /// An expression of a player, `$id` still in it; bounded, the oldest goes (architecture: a lane per player).
    pub(crate) fn gama_expression(&mut self, player: &str, expr: &str) {
        self.gama_speech(player, Speech::Expression(gaml::with_player(expr, player)));
    }

    /// An ask of a player.
    pub(crate) fn gama_ask(&mut self, player: &str, ask: &Ask) {
        self.gama_speech(player, Speech::Ask(ask.clone()));
    }

    fn gama_speech(&mut self, player: &str, speech: Speech) {
        let Some(class) = &mut self.classroom else { return };
        if !class.link.is_up() || !class.experiment.takes_players() {
            class.link.lanes.refuse(player);
            return;
        }
        class.link.lanes.say(player, speech);
        self.gama_send_speech();
        self.gama_set_alarm();
    }

    /// Sends what players have said, as far as GAMA and its socket take it.
    pub(super) fn gama_send_speech(&mut self) {
        let now = self.now;
        let mut text = Vec::new();
        while let Some(class) = &mut self.classroom {
            let Some(peer) = class.link.conn.and_then(|conn| self.clients.get(&conn)) else {
                return;
            };
            // What waits here can still be dropped for something newer; what waits for the socket cannot.
            if peer.outlet.stuck_since().is_some() || peer.is_closing {
                return;
            }
            let Some((player, speech)) = class.link.lanes.next_speech() else {
                return;
            };
            let api_id = class.link.next_api_id();
            let exp_id = class.experiment.exp_id();
            text.clear();
            match &speech {
                Speech::Expression(expr) => write_expression(&mut text, exp_id, expr, true, api_id),
                Speech::Ask(ask) => write_ask(&mut text, ask, exp_id, api_id),
            }
            class.link.lanes.expect_speech(now, player, &speech, api_id);
            self.gama_send(&text);
        }
    }

    /// A player has gone for good: what still waits of it is forgotten.
    pub(crate) fn gama_forget(&mut self, player: &str) {
        if let Some(class) = &mut self.classroom {
            class.link.lanes.forget(player);
        }
    }

    fn gama_send(&mut self, text: &[u8]) {
        if let Some(conn) = self.classroom.as_ref().and_then(|class| class.link.conn) {
            self.send_text(conn, |out| out.extend_from_slice(text));
        }
    }
}
