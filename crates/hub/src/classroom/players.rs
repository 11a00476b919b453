//! The seats of the class: who sits there, who is in the game (SI-30 to SI-40).

use crate::hub::Hub;

/// The players in the order of their arrival.
#[derive(Debug, Default)]
pub(crate) struct Players {}

impl Hub {
    /// The experiment takes players now: everybody who is connected and has a seat in it is made one (SI-18).
    pub(crate) fn class_ready(&mut self) {}

    /// The experiment is gone: nobody is in the game any more, and everybody concerned is told (GA-2, GA-5).
    pub(crate) fn class_dissolved(&mut self) {}

    /// `stop_experiment`: every headset is sent away with 1000 (SI-20).
    pub(crate) fn class_dismissed(&mut self) {}

    /// GAMA has made a player, or has not: then the words say why.
    pub(crate) fn player_created(&mut self, _id: &str, _result: Result<(), String>) {}
}
