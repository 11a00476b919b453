//! The stand-in without its sockets, for tests on virtual time: one client after another, texts in, texts out.

use super::Options;
use super::house::{ClientId, House, Out, Recipe};

/// A GAMA that one hub talks to.
#[derive(Debug)]
pub(crate) struct GamaInMemory {
    house: House,
    client: ClientId,
    /// Length of a cycle, in ms.
    pub(crate) cycle_ms: u32,
}

impl GamaInMemory {
    /// A GAMA with a window, with the flood of this seed.
    pub(crate) fn new(seed: u64) -> GamaInMemory {
        let Options {
            flavour, people, rate, ..
        } = Options::default();
        let recipe = Recipe {
            flavour,
            seed,
            people,
            world_bytes: 0,
        };
        GamaInMemory {
            house: House::new(recipe, None),
            client: 0,
            cycle_ms: 1_000 / rate,
        }
    }

    /// The hub has connected, after it has left if it was there: what it is told.
    pub(crate) fn connected(&mut self) -> Vec<String> {
        if self.client > 0 {
            self.house.left(self.client);
        }
        self.client += 1;
        texts(self.house.connected(self.client))
    }

    /// A text of the hub: what it is answered.
    pub(crate) fn take(&mut self, text: &str) -> Vec<String> {
        texts(self.house.take(self.client, text))
    }

    /// A cycle passes: what the hub is told.
    pub(crate) fn cycle(&mut self) -> Vec<String> {
        texts(self.house.tick(u64::from(self.cycle_ms)))
    }
}

fn texts(outs: Vec<Out>) -> Vec<String> {
    let text = |out| match out {
        Out::Text(_, text) | Out::World(_, text) => Some(text),
        Out::DropLinks | Out::Say(_) => None,
    };
    outs.into_iter().filter_map(text).collect()
}
