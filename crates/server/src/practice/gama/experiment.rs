//! One experiment: a flood, whether it runs, and who has it.

use std::collections::VecDeque;

use super::flood::Flood;
use super::house::ClientId;

/// Cycles that can be taken back. Older ones are forgotten.
const PAST_MAX: usize = 50;

/// How a run stands (GA-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    NotReady,
    Paused,
    Running,
    Finished,
}

impl State {
    /// As GAMA spells it.
    pub(super) fn word(self) -> &'static str {
        match self {
            State::NotReady => "NOTREADY",
            State::Paused => "PAUSED",
            State::Running => "RUNNING",
            State::Finished => "FINISHED",
        }
    }
}

/// An experiment that is loaded, or is about to be.
#[derive(Clone, Debug)]
pub(super) struct Experiment {
    pub(super) name: String,
    pub(super) model: String,
    /// Who has loaded it, and hears of it; `None` where everybody does.
    pub(super) owner: Option<ClientId>,
    pub(super) state: State,
    /// What is left of loading, in ms.
    pub(super) load_ms: u64,
    /// The lines of its console are sent.
    pub(super) has_console: bool,
    pub(super) flood: Flood,
    past: VecDeque<Flood>,
    /// The last that its console has said of the gate.
    pub(super) gate_said: bool,
}

impl Experiment {
    pub(super) fn new(name: &str, model: &str, owner: Option<ClientId>, flood: Flood) -> Experiment {
        Experiment {
            name: name.to_owned(),
            model: model.to_owned(),
            owner,
            state: State::NotReady,
            load_ms: 0,
            has_console: true,
            flood,
            past: VecDeque::new(),
            gate_said: false,
        }
    }

    /// One cycle.
    pub(super) fn step(&mut self) {
        if self.past.len() == PAST_MAX {
            self.past.pop_front();
        }
        self.past.push_back(self.flood.clone());
        self.flood.step();
    }

    /// One cycle back; players stay who and where they are. False where there is none left to take back.
    pub(super) fn step_back(&mut self) -> bool {
        let Some(mut before) = self.past.pop_back() else {
            return false;
        };
        before.players = std::mem::take(&mut self.flood.players);
        self.flood = before;
        true
    }

    /// Begins anew with this flood.
    pub(super) fn restart(&mut self, flood: Flood) {
        self.flood = flood;
        self.past.clear();
        self.gate_said = false;
    }
}
