//! Which signals a replay may say: those that nobody here makes. What routes, engines and the hub itself make follows from what
//! is replayed, and two writers of one signal would show neither.

use crate::access::{Access, Actor};
use crate::api::replay::{Fit, ReplayRequest};
use crate::api::{Refused, Reply};
use crate::classroom::signals::is_watched;
use crate::hub::Hub;
use crate::session::link::is_state;
use crate::signal::{Kind, SignalId, Value, Writer, coerce, name};
use crosstie_ladder::Region;
use crosstie_ladder::address::Address;
use crosstie_ladder::data_table::Place;
use rustc_hash::FxHashMap;
use serde_json::Value as Json;

/// What the hub says of itself begins so.
const OWN_ROOT: &str = "sys/";

impl Hub {
    /// Answers a question about replays.
    pub(crate) fn replay_request(&mut self, by: &Actor, request: ReplayRequest) -> Result<Reply, Refused> {
        match request {
            ReplayRequest::Fits { signals } => Ok(Reply::Replay(self.replay_fits(&by.access, &signals))),
            ReplayRequest::Steered { deed, recording, new } => {
                self.audit(by, deed.word(), recording, (Json::Null, new));
                Ok(Reply::Done)
            }
        }
    }

    fn replay_fits(&self, access: &Access, signals: &[(Box<str>, Kind)]) -> Vec<Fit> {
        let mut routed: FxHashMap<String, String> = FxHashMap::default();
        for row in self.routes.rows().into_iter().chain(self.piplc.table.rows()) {
            routed.insert(self.meant(&row.to), row.from);
        }
        let fit = |(text, kind): &(Box<str>, Kind)| {
            self.replay_fit(access, &routed, text, *kind)
                .unwrap_or_else(Fit::Skipped)
        };
        signals.iter().map(fit).collect()
    }

    /// The fit of one signal, or why it is skipped.
    fn replay_fit(
        &self,
        access: &Access,
        routed: &FxHashMap<String, String>,
        text: &str,
        kind: Kind,
    ) -> Result<Fit, String> {
        let canonical = name::canonical(text, self.limits.name_len_max).map_err(|error| error.to_string())?;
        let name = self.meant(&canonical);
        if name.starts_with(OWN_ROOT) {
            return Err(String::from("the hub itself says it"));
        }
        if !access.writes(&name) {
            return Err(format!("{} may not write it", access.who));
        }
        // Without a class here the signals of a recorded one are like any others, and without an experiment what GAMA said then.
        let is_its_own = self.classroom.is_none() || is_watched(&name);
        if let Some(reason) = is_state(&name).filter(|_| !is_its_own) {
            return Err(reason);
        }
        if let Some(from) = routed.get(&name) {
            return Err(format!("a route from '{from}' makes it"));
        }
        self.plc_makes(&name, routed)?;
        let Some(id) = self.ledger.space.find(&name) else {
            return Ok(Fit::Free);
        };
        let own = self.ledger.space.cell(id).value.kind();
        if coerce::fit(own, Value::zero(kind).as_wire()).is_none() {
            return Err(format!(
                "it is {} here and {} in the recording",
                own.word(),
                kind.word()
            ));
        }
        Ok(self.replay_rival(&name, id).map_or(Fit::Free, Fit::Contested))
    }

    /// Refuses what an engine makes: everything in the memory of a context that is here, but for the inputs that nothing is wired to.
    fn plc_makes(&self, name: &str, routed: &FxHashMap<String, String>) -> Result<(), String> {
        let place = self.place_named(name).map_err(|refused| refused.to_string())?;
        let Some((plc, address)) = place else {
            return match self.is_of_plc(name) {
                true => Err(String::from("it is no place of its PLC")),
                false => Ok(()),
            };
        };
        let Some(context) = self.plcs.get(plc) else {
            return Ok(());
        };
        let owner = &context.settings.name;
        let Some(place) = Place::of(address).filter(|_| is_input(address)) else {
            return Err(format!("the engine of '{owner}' makes it"));
        };
        if let Some(device) = context.io.driver_of(place) {
            return Err(format!("the device '{device}' of '{owner}' makes it"));
        }
        // A route may make the word of a bit, or a bit of a word.
        let other = match address {
            Address::Bit { .. } => name.rsplit_once('/').and_then(|(word, _)| routed.get(word)),
            _ => {
                let bits = format!("{name}/");
                let mut routes = routed.iter();
                routes.find(|(to, _)| to.starts_with(&bits)).map(|(_, from)| from)
            }
        };
        match other {
            Some(from) => Err(format!("a route from '{from}' makes a part of it")),
            None => Ok(()),
        }
    }

    /// Who writes a signal at the moment and goes on doing so.
    fn replay_rival(&self, name: &str, id: SignalId) -> Option<String> {
        if is_watched(name) && self.classroom.as_ref().is_some_and(|class| class.is_watching()) {
            return Some(String::from("the experiment of the class"));
        }
        let writer = match self.ledger.space.cell(id).writer {
            Writer::Peer(conn) => Some(conn),
            // Another replay stands in the place of a peer that is there.
            Writer::Replay => self.hidden_peer(id),
            _ => None,
        };
        if let Some(conn) = writer
            && let Some(client) = self.clients.get(&conn)
        {
            return Some(client.title().to_owned());
        }
        let link = self.link_writing(id)?;
        let endpoint = self.endpoints.iter().find(|endpoint| endpoint.settings.name == link)?;
        let is_up = endpoint.link.as_ref().is_some_and(|link| link.up.is_some());
        is_up.then(|| format!("the server of the link '{link}'"))
    }
}

/// It is a place of the inputs.
fn is_input(address: Address) -> bool {
    let (Address::Word { region, .. } | Address::Bit { region, .. }) = address else {
        return false;
    };
    region == Region::Input
}
