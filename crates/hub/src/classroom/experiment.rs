//! What GAMA does for us: the state of the experiment, and what may be asked of it.

use crate::api::Refused;
use crate::hub::Hub;
use crosstie_wire::monitor::GamaState;

/// What somebody wants of the experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClassOrder {
    /// Load the active model.
    Launch,
    Pause,
    Resume,
    /// End it and send all headsets away.
    Stop,
    Step,
    StepBack,
    Reload,
    /// Try to reach GAMA now.
    Connect,
}

/// The experiment as far as we know it.
#[derive(Debug, Default)]
pub(crate) struct Experiment {}

impl Experiment {
    /// GAMA has one that players can be in: neither NONE nor NOTREADY (SI-34).
    pub(crate) fn takes_players(&self) -> bool {
        false
    }
}

impl Hub {
    /// Carries out an order, or says why not now.
    pub(crate) fn order_class(&mut self, _order: ClassOrder) -> Result<(), Refused> {
        Ok(())
    }

    /// The `gama` part of a `json_state`; `None` in GAMALESS mode.
    pub(crate) fn gama_state(&self) -> Option<GamaState> {
        None
    }
}
