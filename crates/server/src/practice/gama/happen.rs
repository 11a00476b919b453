//! Faults that happen once: what a client sees of them (GA-8).

use serde_json::{Value as Json, json};

use super::experiment::State;
use super::fault::Fault;
use super::house::{House, Out};

impl House {
    /// Lets a fault happen, to every experiment there is; errors of the server itself also without one.
    pub(super) fn happen(&mut self, fault: Fault) {
        if fault == Fault::DropLink {
            self.outs.push(Out::DropLinks);
            return;
        }
        let mut ids: Vec<u64> = self.experiments.keys().copied().collect();
        if ids.is_empty() && !matches!(fault, Fault::Finish | Fault::Unload) {
            ids.push(0);
        }
        for id in ids {
            self.happen_to(id, fault);
        }
    }

    fn happen_to(&mut self, id: u64, fault: Fault) {
        let cycle = self.experiments.get(&id).map_or(0, |experiment| experiment.flood.cycle);
        let words = |text: &str| Json::from(format!("practice stand-in: {text}"));
        match fault {
            Fault::ErrorDialog => self.broadcast(id, "SimulationErrorDialog", words("an error dialog was asked for")),
            Fault::StatusError => self.broadcast(
                id,
                "SimulationStatusError",
                words("an error in the status bar was asked for"),
            ),
            Fault::ServerError => self.broadcast(id, "GamaServerError", words("an error of the server was asked for")),
            Fault::RuntimeError => {
                self.broadcast(id, "RuntimeError", words("division by zero in the action rain"));
                // A model that fails stands still.
                if self
                    .experiments
                    .get(&id)
                    .is_some_and(|experiment| experiment.state == State::Running)
                {
                    self.enter(id, State::Paused);
                }
            }
            Fault::SimulationError => {
                let content =
                    json!({"exception": "practice stand-in: nil value in the species people", "cycle": cycle});
                self.broadcast(id, "SimulationError", content);
            }
            Fault::BadWorld => {
                self.broadcast(id, "SimulationOutput", Json::from("{\"contents\":[{\"id\":[\"Player"));
                self.send_elements(id, &[("nobody of this name".to_owned(), json!({"pointsLoc": []}))]);
                let no_list = "{\"contents\":[{\"id\":\"no list\",\"contents\":{\"pointsLoc\":[]}}]}";
                self.broadcast(id, "SimulationOutput", Json::from(no_list));
            }
            Fault::Finish => self.enter(id, State::Finished),
            Fault::Unload => self.close(id),
            Fault::DropLink
            | Fault::RefuseLoad
            | Fault::RefusePlayer
            | Fault::Silent
            | Fault::SilentLoad
            | Fault::Malformed => {}
        }
    }
}
