//! Outbound connections on behalf of the hub: one task per dial, and a connection like any other when it has come about.

use std::path::Path;

use crosstie_hub::access::Access;
use crosstie_hub::output::Callee;
use crosstie_hub::plc::PlcId;
use crosstie_hub::settings::EndpointId;
use crosstie_hub::{Face, Input};
use rustc_hash::FxHashMap;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::{Door, Event};
use crate::config::{Config, Role};
use crate::connection::{self, Upgraded};
use crate::dial::{self, DialError, Target};
use crate::sink::MaskKeys;

/// What the endpoints in the client role, the contexts of remote engines and the classroom connect to, and the dials that are under way.
#[derive(Debug)]
pub(crate) struct Links {
    runtime: Handle,
    targets: FxHashMap<Callee, Target>,
    /// The newest dial of each of them; one that has ended does no harm here.
    dials: FxHashMap<Callee, AbortHandle>,
}

impl Links {
    /// The links of a project; their tasks run in this runtime.
    pub(crate) fn new(config: &Config, runtime: Handle) -> Links {
        let endpoints = (0_u16..).map(EndpointId).zip(&config.endpoints);
        let clients = endpoints.filter(|(_, endpoint)| endpoint.role == Role::Client);
        let folder: &Path = &config.folder;
        let clients = clients.map(|(id, endpoint)| (Callee::Endpoint(id), Target::of_endpoint(endpoint, folder)));
        // The hub numbers the contexts of the project in its order.
        let contexts = (0_u16..).map(PlcId).zip(&config.plcs);
        let engines = contexts.filter_map(|(id, plc)| {
            let target = Target::of_engine(plc.remote.as_ref()?, folder).ok()?;
            Some((Callee::Engine(id), target))
        });
        let classroom = config.classroom.iter().filter(|classroom| !classroom.gamaless);
        let gama = classroom.map(|classroom| (Callee::Gama, Target::of_gama(&classroom.gama, folder)));
        Links {
            runtime,
            targets: clients.chain(engines).chain(gama).collect(),
            dials: FxHashMap::default(),
        }
    }

    /// Begins a dial; an older one to the same is given up.
    pub(super) fn dial(&mut self, callee: Callee, dial: u64, door: &Door) {
        self.hang_up(callee);
        let target = self.targets.get(&callee).cloned();
        let door = door.clone();
        let task = self.runtime.spawn(async move {
            let connected = match target {
                Some(target) => connect(callee, &target).await.map_err(|error| error.to_string()),
                None => Err(String::from("the project names nothing to connect to")),
            };
            match connected {
                // In a task of its own: whoever gives up the dial does not mean the connection.
                Ok(upgraded) => drop(tokio::spawn(connection::serve(upgraded, door))),
                Err(reason) => {
                    let failed = Input::DialFailed { callee, dial, reason };
                    door.tell(Event::Input(failed));
                }
            }
        });
        self.dials.insert(callee, task.abort_handle());
    }

    /// Gives up a dial, if one is under way.
    pub(super) fn hang_up(&mut self, callee: Callee) {
        if let Some(dial) = self.dials.remove(&callee) {
            dial.abort();
        }
    }

    /// Gives up all dials.
    pub(super) fn hang_up_all(&mut self) {
        self.dials.drain().for_each(|(_, dial)| dial.abort());
    }
}

async fn connect(callee: Callee, target: &Target) -> Result<Upgraded, DialError> {
    let dialled = dial::connect(target).await?;
    let masks = MaskKeys::random().map_err(DialError::Unreachable)?;
    Ok(Upgraded {
        socket: dialled.stream.into(),
        early: dialled.early,
        face: match callee {
            Callee::Endpoint(endpoint) => Face::Link(endpoint),
            Callee::Engine(plc) => Face::Engine(plc),
            Callee::Gama => Face::Gama,
        },
        address: dialled.address.to_string(),
        path: target.path().to_owned(),
        access: Access::full("link"),
        masks: Some(masks),
    })
}

#[cfg(test)]
mod tests;
