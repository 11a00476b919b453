//! The link to GAMA: reaching it, commands in their lanes, what it answers (GA-1 to GA-12).

use crate::hub::Hub;
use crate::input::ConnId;
use crate::settings::GamaSettings;
use crate::time::Time;
use crosstie_wire::DecodeError;
use crosstie_wire::gama::ServerMessage;
use crosstie_wire::headset::Ask;

/// How the link stands.
#[derive(Debug, Default)]
pub(crate) struct GamaLink {}

impl GamaLink {
    pub(crate) fn new(_settings: Option<&GamaSettings>) -> GamaLink {
        GamaLink {}
    }
}

impl Hub {
    /// The first attempt is due at once; nothing in GAMALESS mode.
    pub(crate) fn begin_gama(&mut self) {}

    pub(crate) fn gama_dial_failed(&mut self, _dial: u64, _reason: &str) {}

    pub(crate) fn gama_connected(&mut self, _conn: ConnId) {}

    pub(crate) fn gama_closed(&mut self, _conn: ConnId, _reason: &str) {}

    /// One text of GAMA.
    pub(crate) fn gama_message(&mut self, _conn: ConnId, _message: Result<ServerMessage, DecodeError>) {}

    /// Something of the link is due.
    pub(crate) fn gama_alarm(&mut self, _at: Time) {}

    /// Makes a player; [`Hub::player_created`] answers.
    pub(crate) fn gama_create(&mut self, _id: &str) {}

    /// Takes a player away, where there is an experiment.
    pub(crate) fn gama_remove(&mut self, _id: &str) {}

    /// An expression of a player, `$id` still in it; bounded, the oldest goes (architecture: a lane per player).
    pub(crate) fn gama_expression(&mut self, _player: &str, _expr: &str) {}

    /// An ask of a player.
    pub(crate) fn gama_ask(&mut self, _player: &str, _ask: &Ask) {}

    /// A player has gone for good: what still waits of it is forgotten.
    pub(crate) fn gama_forget(&mut self, _player: &str) {}
}
