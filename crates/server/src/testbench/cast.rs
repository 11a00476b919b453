//! The stand-ins of a test: who plays along, over which connections, and what faults do to them.

use super::script::{PartnerKind, PartnerWish, Script};
use super::stage::Stage;
use crate::practice::gama::GamaInMemory;
use crate::practice::{Chance, TwinInMemory};
use crosstie_hub::api::Request;
use crosstie_hub::api::classroom::{ClassroomRequest, OrderWord};
use crosstie_hub::output::Callee;
use crosstie_hub::rig::{Partner, Rig, text_of};
use crosstie_hub::settings::{EndpointId, EndpointSettings};
use crosstie_hub::{ConnId, Face, Frame, Time};
use serde_json::{Map, Value as Json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// How often the twin's line is played, as over a socket.
const TWIN_CYCLE_MS: u32 = 20;

/// Everybody who plays along.
pub(crate) struct Cast {
    twins: Vec<TwinRole>,
    gama: Option<Rc<RefCell<GamaInMemory>>>,
}

/// A twin and its place.
pub(crate) struct TwinRole {
    /// Position of its endpoint.
    pub(crate) endpoint: EndpointId,
    /// Name of its endpoint.
    pub(crate) name: String,
    /// Its connection; `None` while the link is dropped.
    pub(crate) conn: Option<ConnId>,
    player: Rc<RefCell<TwinPlayer>>,
}

impl Cast {
    /// Puts the stand-ins of a script into a rig.
    ///
    /// # Errors
    ///
    /// The line of a wish that the project does not fit, and why.
    pub(crate) fn join(script: &Script, stage: &Stage, seed: u64, rig: &mut Rig) -> Result<Cast, (usize, String)> {
        let mut cast = Cast {
            twins: Vec::new(),
            gama: None,
        };
        for wish in &script.partners {
            match wish.kind {
                PartnerKind::Twin => {
                    let endpoint = endpoint_of(wish, stage).map_err(|why| (wish.line, why))?;
                    let mut role = TwinRole::new(endpoint, stage, seed);
                    if cast.twins.iter().any(|other| other.endpoint == role.endpoint) {
                        return Err((wish.line, format!("two twins at the endpoint `{}`", role.name)));
                    }
                    role.connect(rig);
                    cast.twins.push(role);
                }
                PartnerKind::Gama => {
                    if stage
                        .settings
                        .classroom
                        .as_ref()
                        .is_none_or(|classroom| classroom.gama.is_none())
                    {
                        return Err((wish.line, String::from("the project has no [classroom] with GAMA")));
                    }
                    cast.gama = Some(Rc::new(RefCell::new(GamaInMemory::new(seed))));
                    cast.gama_listens(rig);
                    // The hub has tried already, before GAMA was there.
                    rig.put(Request::Classroom(ClassroomRequest::Order(OrderWord::Connect)));
                }
            }
        }
        Ok(cast)
    }

    /// The twin at an endpoint, or the only one.
    pub(crate) fn twin(&mut self, endpoint: Option<&str>) -> Option<&mut TwinRole> {
        match endpoint {
            Some(name) => self.twins.iter_mut().find(|role| role.name == name),
            None if self.twins.len() == 1 => self.twins.first_mut(),
            None => None,
        }
    }

    /// GAMA can be reached.
    pub(crate) fn gama_listens(&self, rig: &mut Rig) {
        if let Some(gama) = self.gama.clone() {
            let maker = move || Box::new(GamaLink::new(Rc::clone(&gama))) as Box<dyn Partner>;
            rig.put_server(Callee::Gama, maker);
        }
    }

    /// GAMA is gone.
    pub(crate) fn gama_is_gone(&self, rig: &mut Rig) {
        rig.take_server(Callee::Gama);
        for conn in rig.conns(Face::Gama) {
            rig.drop_link(conn);
        }
    }

    /// Nobody outside changes this signal any more, or does again. True when a twin says it.
    pub(crate) fn stick(&self, signal: &str, stage: &Stage, is_stuck: bool) -> bool {
        let Some((player, wire_name)) = self.sayer(signal, stage) else {
            return false;
        };
        let mut player = player.borrow_mut();
        if is_stuck {
            player.stuck.entry(wire_name).or_insert(None);
        } else if let Some(Some(newest)) = player.stuck.remove(&wire_name) {
            player.freed.insert(wire_name, newest);
        }
        true
    }

    /// What a twin says of this signal is wrong by up to so much; `None` ends it. False when no twin says it.
    pub(crate) fn disturb(&self, signal: &str, stage: &Stage, amount: Option<f64>) -> bool {
        let Some((player, wire_name)) = self.sayer(signal, stage) else {
            return false;
        };
        let noise = &mut player.borrow_mut().noise;
        match amount {
            Some(amount) => drop(noise.insert(wire_name, amount)),
            None => drop(noise.remove(&wire_name)),
        }
        true
    }

    fn sayer(&self, signal: &str, stage: &Stage) -> Option<(&Rc<RefCell<TwinPlayer>>, String)> {
        self.twins.iter().find_map(|role| {
            let mut signals = stage
                .settings
                .endpoints
                .get(usize::from(role.endpoint.0))?
                .signals
                .iter();
            let setting = signals.find(|setting| setting.signal == signal)?;
            Some((&role.player, setting.wire_name.clone()))
        })
    }
}

impl TwinRole {
    fn new(endpoint: EndpointId, stage: &Stage, seed: u64) -> TwinRole {
        let name = stage.settings.endpoints[usize::from(endpoint.0)].name.clone();
        let mut chance = Chance::new(seed ^ (u64::from(endpoint.0) << 32));
        let phase_ms = chance.below(TWIN_CYCLE_MS);
        let player = TwinPlayer {
            twin: TwinInMemory::new(stage.is_auto(&name)),
            chance,
            phase: Duration::from_millis(u64::from(phase_ms)),
            stuck: BTreeMap::new(),
            freed: Map::new(),
            noise: BTreeMap::new(),
        };
        TwinRole {
            endpoint,
            name,
            conn: None,
            player: Rc::new(RefCell::new(player)),
        }
    }

    /// Its link comes up.
    pub(crate) fn connect(&mut self, rig: &mut Rig) {
        let link = TwinLink {
            endpoint: self.endpoint,
            player: Rc::clone(&self.player),
            next: None,
        };
        self.conn = Some(rig.join(Box::new(link)));
    }
}

/// Where the twin of a wish belongs: the endpoint that it names, that of the project's own practice twin, or the only one.
fn endpoint_of(wish: &PartnerWish, stage: &Stage) -> Result<EndpointId, String> {
    let listens: Vec<(usize, &EndpointSettings)> = stage
        .settings
        .endpoints
        .iter()
        .enumerate()
        .filter(|(_, endpoint)| endpoint.link.is_none())
        .collect();
    let wanted = wish.endpoint.as_deref().or_else(|| stage.twin_endpoint());
    let found = match wanted {
        Some(name) => listens.iter().find(|(_, endpoint)| endpoint.name == name),
        None if listens.len() == 1 => listens.first(),
        None => None,
    };
    let id = found.and_then(|(index, _)| u16::try_from(*index).ok()).map(EndpointId);
    id.ok_or_else(|| match wanted {
        Some(name) => format!("no endpoint that listens is named `{name}`"),
        None => String::from("which endpoint is the twin's? write \"twin:ENDPOINT\""),
    })
}

/// The twin itself: it outlives its links.
struct TwinPlayer {
    twin: TwinInMemory,
    chance: Chance,
    /// When its cycles begin, after its link came up.
    phase: Duration,
    /// Wire names of what it does not say, and what it would have said last.
    stuck: BTreeMap<String, Option<Json>>,
    /// What it says again with its next cycle.
    freed: Map<String, Json>,
    /// Wire names of what it says wrong, and by how much.
    noise: BTreeMap<String, f64>,
}

impl TwinPlayer {
    /// What leaves of what it says.
    fn texts(&mut self, messages: Vec<Json>) -> Vec<String> {
        let mut texts = Vec::with_capacity(messages.len());
        for mut message in messages {
            if message["type"] == "data"
                && let Some(signals) = message.get_mut("signals").and_then(Json::as_object_mut)
            {
                self.spoil(signals);
                if signals.is_empty() {
                    continue;
                }
            }
            texts.push(message.to_string());
        }
        texts
    }

    fn spoil(&mut self, signals: &mut Map<String, Json>) {
        for (name, newest) in &mut self.stuck {
            if let Some(value) = signals.remove(name) {
                *newest = Some(value);
            }
        }
        for (name, amount) in &self.noise {
            if let Some(value) = signals.get_mut(name)
                && let Some(number) = value.as_f64()
            {
                // From -1 to 1 in steps of a millionth.
                let part = f64::from(self.chance.below(2_000_001)) / 1_000_000.0 - 1.0;
                *value = Json::from(number + amount * part);
            }
        }
    }

    fn cycle(&mut self) -> Vec<String> {
        let mut said = self.twin.advance(TWIN_CYCLE_MS);
        if !self.freed.is_empty() {
            let mut freed = std::mem::take(&mut self.freed);
            match said.as_mut().and_then(|said| said["signals"].as_object_mut()) {
                // What it says now is newer.
                Some(signals) => {
                    freed.retain(|name, _| !signals.contains_key(name));
                    signals.append(&mut freed);
                }
                None => said = Some(serde_json::json!({"type": "data", "version": 2, "signals": freed})),
            }
        }
        self.texts(said.into_iter().collect())
    }
}

/// One link of a twin.
struct TwinLink {
    endpoint: EndpointId,
    player: Rc<RefCell<TwinPlayer>>,
    /// Its next cycle; `None` before it has said anything.
    next: Option<Time>,
}

impl Partner for TwinLink {
    fn face(&self) -> Face {
        Face::Realvirtual(self.endpoint)
    }

    fn due(&self) -> Option<Time> {
        Some(self.next.unwrap_or(Time::ZERO))
    }

    fn turn(&mut self, now: Time) -> Vec<String> {
        let mut player = self.player.borrow_mut();
        match self.next {
            None => {
                self.next = Some(now + player.phase + Duration::from_millis(u64::from(TWIN_CYCLE_MS)));
                let said = player.twin.connected();
                player.texts(said)
            }
            Some(next) => {
                self.next = Some(next + Duration::from_millis(u64::from(TWIN_CYCLE_MS)));
                player.cycle()
            }
        }
    }

    fn hear(&mut self, _: Time, frame: &Frame) -> Vec<String> {
        let Some(text) = text_of(frame) else { return Vec::new() };
        let mut player = self.player.borrow_mut();
        let said = player.twin.take(text);
        player.texts(said)
    }
}

/// One link to GAMA.
struct GamaLink {
    gama: Rc<RefCell<GamaInMemory>>,
    next: Option<Time>,
}

impl GamaLink {
    fn new(gama: Rc<RefCell<GamaInMemory>>) -> GamaLink {
        GamaLink { gama, next: None }
    }
}

impl Partner for GamaLink {
    fn face(&self) -> Face {
        Face::Gama
    }

    fn due(&self) -> Option<Time> {
        Some(self.next.unwrap_or(Time::ZERO))
    }

    fn turn(&mut self, now: Time) -> Vec<String> {
        let mut gama = self.gama.borrow_mut();
        let is_first = self.next.is_none();
        self.next = Some(now + Duration::from_millis(u64::from(gama.cycle_ms)));
        if is_first { gama.connected() } else { gama.cycle() }
    }

    fn hear(&mut self, _: Time, frame: &Frame) -> Vec<String> {
        text_of(frame).map_or_else(Vec::new, |text| self.gama.borrow_mut().take(text))
    }
}
