//! The client role of realvirtual WebSocket Realtime v2 (RV-30 to RV-36).
//!
//! A link dials, says `init` and `import_request`, subscribes to what the server writes once the catalog is there, and then both
//! sides send data. Our side is a view like any other: the signals of the endpoint that the hub owns, full at first, then
//! what changes. What ends a link ends here too: what the server wrote is old at once, and the next attempt is set.

pub(crate) mod state;

use super::answer::Kind;
use super::write::Source;
use crate::api::{LinkState, Refused};
use crate::client::View;
use crate::endpoint::Slot;
use crate::hub::Hub;
use crate::input::{ConnId, Face};
use crate::output::{Callee, Level, Output};
use crate::settings::{EndpointId, Owner};
use crate::signal::{Quality, SignalId, Value, Writer};
use crate::timers::Alarm;
use crosstie_wire::realvirtual::{self as wire, Catalog, Message};
use rustc_hash::FxHashSet;
use state::{Due, Link, StateSignals};
use std::time::Duration;

/// A server without a catalog gets our values this long after the connection.
const BEGINS_AFTER: Duration = Duration::from_secs(1);
/// Bindings that appear one by one are subscribed to together after this, so that a stream of new names costs one list per pause.
const GROWS_AFTER: Duration = Duration::from_millis(100);
/// Names of missing signals that a problem tells; the others are counted.
const NAMES_TOLD: usize = 5;
/// What the hub itself says stands under this; nobody else writes there.
const STATE_PREFIX: &str = "sys/link/";

/// Why nobody but the hub writes a signal, when it says how a link, a PLC, a replay, the class or the clock stands.
pub(crate) fn is_state(name: &str) -> Option<String> {
    let what = match name {
        _ if name.starts_with(STATE_PREFIX) => "a link",
        _ if name.starts_with(crate::plc::publish::STATE_PREFIX) => "a PLC",
        _ if name.starts_with(crate::replay::shown::STATE_PREFIX) => "a replay",
        _ if name.starts_with(crate::clock::STATE_PREFIX) => "the clock",
        _ if crate::classroom::signals::is_state(name) => "the class",
        _ if crate::record::is_state(name) => "a recording",
        _ => return None,
    };
    Some(format!("'{name}' says how {what} stands; only the hub writes it"))
}

impl Hub {
    /// Makes the signals that say how each link stands, and sets the links off that connect on start.
    pub(crate) fn begin_links(&mut self) {
        for index in 0..self.endpoints.len() {
            let endpoint = &self.endpoints[index];
            if endpoint.link.is_none() {
                continue;
            }
            let name = endpoint.settings.name.clone();
            let up = self.state_signal(STATE_PREFIX, &name, "up", Value::Bool(false));
            let state = self.state_signal(STATE_PREFIX, &name, "state", Value::Text("".into()));
            let failures = self.state_signal(STATE_PREFIX, &name, "failures", Value::Int(0));
            if let (Some(up), Some(state), Some(failures), Some(link)) =
                (up, state, failures, self.endpoints[index].link.as_mut())
            {
                link.signals = Some(StateSignals { up, state, failures });
            }
            self.link_moved(EndpointId(index as u16));
        }
    }

    /// Makes a signal under one of the prefixes of [`is_state`]; one that is there already is taken over.
    pub(crate) fn state_signal(&mut self, prefix: &str, subject: &str, what: &str, initial: Value) -> Option<SignalId> {
        let name = format!("{prefix}{}/{what}", crate::signal::name::escape_segment(subject));
        let time = self.time();
        let error = match self.ledger.space.find(&name) {
            // A context of this name was there and is gone.
            Some(id) if self.ledger.space.cell(id).quality == Quality::PlcGone => return Some(id),
            Some(_) => String::from("the project has a signal of this name"),
            None => match self.ledger.space.create(time, &name, Owner::Hub, initial) {
                Ok(id) => {
                    self.created.push(id);
                    return Some(id);
                }
                Err(error) => error.to_string(),
            },
        };
        let text = format!("the state is not shown: {error}");
        self.trouble(
            false,
            format!("signal:{name}"),
            &name,
            text,
            "rename the signal or raise the limit",
        );
        None
    }

    /// The link of an endpoint, where it has one.
    pub(crate) fn link(&mut self, endpoint_id: EndpointId) -> Option<&mut Link> {
        self.endpoints.get_mut(endpoint_id.0 as usize)?.link.as_mut()
    }

    /// How the link of an endpoint stands; `None` where it listens.
    pub(crate) fn link_state(&self, endpoint_id: EndpointId) -> Option<LinkState> {
        let endpoint = self.endpoints.get(endpoint_id.0 as usize)?;
        endpoint.link.as_ref().map(Link::state)
    }

    /// Somebody wants the link connected, now and from now on.
    pub(crate) fn link_on(&mut self, endpoint_id: EndpointId) -> Result<(), Refused> {
        let Some(link) = self.link(endpoint_id) else {
            return Err(self.listens(endpoint_id));
        };
        let was_for_import = std::mem::take(&mut link.is_for_import);
        if let Some(conn) = link.up.as_ref().map(|up| up.conn)
            && was_for_import
        {
            self.link_begins(conn, endpoint_id);
        } else if matches!(link.state(), LinkState::Off | LinkState::Waiting | LinkState::GivenUp) {
            link.forget_failures();
            self.dial(endpoint_id);
        }
        Ok(())
    }

    /// Somebody wants the link disconnected until it is connected again by hand.
    pub(crate) fn link_off(&mut self, endpoint_id: EndpointId) -> Result<(), Refused> {
        let Some(link) = self.link(endpoint_id) else {
            return Err(self.listens(endpoint_id));
        };
        let was_dialling = link.state() == LinkState::Connecting;
        let conn = link.up.as_ref().map(|up| up.conn);
        link.off();
        if was_dialling {
            let callee = Callee::Endpoint(endpoint_id);
            self.outputs.push(Output::HangUp { callee });
        }
        if let Some(conn) = conn {
            self.close(conn, 1001, "disconnected");
        }
        for what in ["catalog", "missing", "given_up", "down"] {
            let id = self.link_problem(endpoint_id, what);
            self.problems.clear(&id);
        }
        self.link_moved(endpoint_id);
        self.import_link_failed(endpoint_id, "it was disconnected");
        Ok(())
    }

    fn listens(&self, endpoint_id: EndpointId) -> Refused {
        let name = &self.endpoints[endpoint_id.0 as usize].settings.name;
        Refused::Conflict(format!("the endpoint '{name}' has no link: it listens"))
    }

    fn link_problem(&self, endpoint_id: EndpointId, what: &str) -> String {
        format!("link:{}:{what}", self.endpoints[endpoint_id.0 as usize].settings.name)
    }

    /// Wants a connection to the server of an endpoint.
    pub(crate) fn dial(&mut self, endpoint_id: EndpointId) {
        let number = self.last_dial + 1;
        let Some(link) = self.link(endpoint_id) else { return };
        link.dialled(number);
        self.last_dial = number;
        let id = self.link_problem(endpoint_id, "given_up");
        self.problems.clear(&id);
        self.outputs.push(Output::Dial {
            callee: Callee::Endpoint(endpoint_id),
            dial: number,
        });
        self.link_moved(endpoint_id);
    }

    /// A dial did not come about.
    pub(crate) fn dial_failed(&mut self, endpoint_id: EndpointId, dial: u64, reason: &str) {
        if self.link(endpoint_id).is_some_and(|link| link.awaits(dial)) {
            self.link_failed(endpoint_id, reason);
        }
    }

    /// A connection to a server has come about; one that nobody waits for any more is closed.
    pub(crate) fn link_connected(&mut self, conn: ConnId, endpoint_id: EndpointId) {
        let now = self.now;
        let link = self.link(endpoint_id);
        let name = link.and_then(|link| link.connected(now, conn).then(|| link.client_name().to_owned()));
        let Some(name) = name else {
            self.close(conn, 1001, "not wanted");
            return;
        };
        let title = format!("server of {}", self.endpoints[endpoint_id.0 as usize].settings.name);
        if let Some(client) = self.clients.get_mut(&conn) {
            // A server does not say its name; people would see an address where they look for a writer.
            client.name = title;
            // What it is shown is a list of ours: no name of the peer's own choice waits in it.
            client.view = View::List {
                missing: FxHashSet::default(),
            };
            client.begins_at = Some(now + BEGINS_AFTER);
        }
        self.send_text(conn, |out| wire::write_init(out, &name));
        self.send_text(conn, wire::write_import_request);
        let settings = &self.endpoints[endpoint_id.0 as usize].settings;
        let text = format!("the link {} is connected to {}", settings.name, settings.url);
        self.log(Level::Info, Some(conn), text);
        self.import_link_up(endpoint_id, conn);
        self.link_moved(endpoint_id);
    }

    /// A connection to a server is over, by whoever: what came over it is old at once.
    pub(crate) fn link_closed(&mut self, conn: ConnId, endpoint_id: EndpointId, reason: &str) {
        if self.link(endpoint_id).is_some_and(|link| link.is_at(conn)) {
            self.link_failed(endpoint_id, reason);
        }
    }

    fn link_failed(&mut self, endpoint_id: EndpointId, reason: &str) {
        let now = self.now;
        let Some(link) = self.link(endpoint_id) else { return };
        let (failures_before, was_for_import) = (link.failures(), link.is_for_import);
        link.failed(now, reason);
        let state = link.state();
        let settings = &self.endpoints[endpoint_id.0 as usize].settings;
        let (name, url) = (settings.name.clone(), settings.url.clone());
        let text = self.endpoints[endpoint_id.0 as usize]
            .link
            .as_ref()
            .map(|link| link.text(&url))
            .unwrap_or_default();
        let down = self.link_problem(endpoint_id, "down");
        if state == LinkState::GivenUp {
            self.problems.clear(&down);
            self.trouble(
                true,
                self.link_problem(endpoint_id, "given_up"),
                &name,
                text,
                &format!("check that a server runs at {url}, then connect the link again"),
            );
        } else if failures_before == 0 && !was_for_import {
            // Once per row of failures: the state itself shows the others.
            let hint = match state {
                LinkState::Off => format!("check that a server runs at {url}, then connect the link again"),
                _ => format!("it is tried again by itself; check that a server runs at {url}"),
            };
            self.trouble(true, down, &name, format!("the link is down: {reason}"), &hint);
        }
        self.link_moved(endpoint_id);
        self.import_link_failed(endpoint_id, reason);
    }

    /// Shows the state of a link in its signals, and sets its alarm.
    pub(crate) fn link_moved(&mut self, endpoint_id: EndpointId) {
        let now = self.now;
        let Some(link) = self.link(endpoint_id) else { return };
        let is_up = link.up.is_some();
        let (word, failures, signals) = (link.state().word(), link.failures(), link.signals);
        if let Some(at) = link.next_due()
            && link.alarm.is_none_or(|alarm| alarm > at)
        {
            link.alarm = Some(at);
            self.timers.set(at, Alarm::Link(endpoint_id));
        }
        let Some(signals) = signals else { return };
        for (id, value) in [
            (signals.up, Value::Bool(is_up)),
            (signals.state, Value::Text(word.into())),
            (signals.failures, Value::Int(i64::from(failures))),
        ] {
            self.ledger.store(now, id, value, Writer::Nobody, Quality::Good);
        }
    }

    /// The alarm of a link went off: whatever is due is done, and the alarm is set again.
    pub(crate) fn link_alarm(&mut self, endpoint_id: EndpointId, at: crate::time::Time) {
        let now = self.now;
        match self.link(endpoint_id) {
            Some(link) if link.alarm == Some(at) => link.alarm = None,
            _ => return,
        }
        while let Some(link) = self.link(endpoint_id)
            && let Some(due) = link.take_due(now)
        {
            let conn = link.up.as_ref().map(|up| up.conn);
            let name = link.client_name().to_owned();
            match (due, conn) {
                (Due::Dial, _) => self.dial(endpoint_id),
                (Due::NoCatalog, _) => self.no_catalog(endpoint_id),
                (Due::Init, Some(conn)) => self.send_text(conn, |out| wire::write_init(out, &name)),
                (Due::Grow, Some(conn)) => self.link_grows(conn, endpoint_id),
                (Due::Proven, _) => self.link_is_up(endpoint_id),
                (_, None) => {}
            }
        }
        self.link_moved(endpoint_id);
    }

    /// The link was really up: what kept it down is over.
    fn link_is_up(&mut self, endpoint_id: EndpointId) {
        let id = self.link_problem(endpoint_id, "down");
        self.problems.clear(&id);
    }

    fn no_catalog(&mut self, endpoint_id: EndpointId) {
        let subject = self.endpoints[endpoint_id.0 as usize].settings.name.clone();
        let text = String::from("the server has sent no catalog within 10 s; values of names that are known are taken");
        self.trouble(
            false,
            self.link_problem(endpoint_id, "catalog"),
            &subject,
            text,
            "enable import in the server, then import the endpoint again",
        );
    }

    /// One message of a server.
    pub(crate) fn link_message(&mut self, conn: ConnId, endpoint_id: EndpointId, message: Message) {
        // A message that waited for an answer may outlive its connection.
        if !self.link(endpoint_id).is_some_and(|link| link.is_at(conn)) {
            return;
        }
        match message {
            Message::Data(values) | Message::Snapshot(values) => {
                self.apply_values(conn, endpoint_id, &values, Source::Data);
            }
            Message::ImportAnswer(catalog) => {
                self.check_version(conn, catalog.version);
                self.link_catalog(conn, endpoint_id, &catalog);
            }
            Message::ImportRequest { version } => {
                self.check_version(conn, version);
                self.import_request(conn, endpoint_id);
            }
            Message::Init(init) => {
                self.check_version(conn, init.version);
                self.init(conn, endpoint_id, init.name);
            }
            Message::Unknown { type_name } => self.ignore_unknown(conn, endpoint_id, &type_name),
            Message::Legacy => self.ignore_legacy(conn, endpoint_id),
            // We are no server of settings or snapshots here, and we never ask for settings.
            Message::Subscribe(_)
            | Message::ConfigGet
            | Message::ConfigSet(_)
            | Message::ConfigAnswer(_)
            | Message::ConfigResult(_) => self.ignore(conn, endpoint_id, |ignored| &mut ignored.unknown_type),
        }
    }

    /// The catalog of the server, asked for or not (RV-31): the link is up, what we know is applied, and our data begins.
    fn link_catalog(&mut self, conn: ConnId, endpoint_id: EndpointId, catalog: &Catalog) {
        let was_asked = self.takes_import(conn);
        if let Some(link) = self.link(endpoint_id) {
            link.catalog_came(catalog.values.len());
        }
        self.link_is_up(endpoint_id);
        let id = self.link_problem(endpoint_id, "catalog");
        self.problems.clear(&id);
        let mut made = Vec::new();
        if was_asked || self.endpoints[endpoint_id.0 as usize].settings.auto_register {
            made = self.take_catalog(conn, endpoint_id, catalog);
        }
        let made_count = made.len();
        if was_asked && !made.is_empty() {
            self.outputs.push(Output::SaveSignals {
                endpoint: endpoint_id,
                signals: made,
            });
        }
        self.apply_values(conn, endpoint_id, &catalog.values, Source::Catalog);
        let missing = self.tell_missing(conn, endpoint_id, catalog);
        self.subscribe_to_server(conn, endpoint_id, missing);
        if self.clients.get(&conn).is_some_and(|client| !client.has_begun) {
            self.link_begins(conn, endpoint_id);
        }
        self.show_to_server(conn, endpoint_id);
        self.link_moved(endpoint_id);
        self.import_answered(conn, catalog.values.len(), made_count);
    }

    /// Tells the names of ours that the server does not offer, and believes nothing that it is said to write under them. Gives
    /// those that it is meant to write.
    fn tell_missing(&mut self, conn: ConnId, endpoint_id: EndpointId, catalog: &Catalog) -> Vec<Slot> {
        let offered: FxHashSet<&str> = catalog.values.iter().map(|(name, _)| name).collect();
        let endpoint = &self.endpoints[endpoint_id.0 as usize];
        let missing: Vec<(&str, Slot)> = endpoint
            .names()
            .into_iter()
            .filter(|(name, _)| !offered.contains(name))
            .collect();
        let slots: Vec<Slot> = missing
            .iter()
            .map(|(_, slot)| *slot)
            .filter(|slot| endpoint.bindings[*slot as usize].owner == Owner::Peer)
            .collect();
        let told: Vec<&str> = missing.iter().take(NAMES_TOLD).map(|(name, _)| *name).collect();
        let (count, mut text) = (missing.len(), told.join(", "));
        if count > NAMES_TOLD {
            text.push_str(&format!(" and {} more", count - NAMES_TOLD));
        }
        let subject = endpoint.settings.name.clone();
        let id = self.link_problem(endpoint_id, "missing");
        if count == 0 {
            self.problems.clear(&id);
        } else {
            let signals = if count == 1 { "signal" } else { "signals" };
            self.trouble(
                false,
                id,
                &subject,
                format!("the server does not offer {count} {signals} of this endpoint: {text}"),
                "compare the names with those of the server; they are case-sensitive",
            );
        }
        for slot in &slots {
            self.disown(conn, endpoint_id, *slot);
        }
        slots
    }

    /// Nobody stands for the value of a signal that the server does not offer: it is old, and stays so when the link is
    /// alive again. Another peer that writes it and is here keeps it.
    fn disown(&mut self, conn: ConnId, endpoint_id: EndpointId, slot: Slot) {
        let id = self.endpoints[endpoint_id.0 as usize].bindings[slot as usize].signal;
        let cell = self.ledger.space.cell(id);
        let is_anothers =
            matches!(cell.writer, Writer::Peer(writer) if writer != conn && self.clients.contains_key(&writer));
        if !is_anothers && cell.quality != Quality::NeverWritten {
            let value = cell.value.clone();
            self.ledger.store(self.now, id, value, Writer::Nobody, Quality::Stale);
        }
        if let Some(burst) = self.clients.get_mut(&conn).and_then(|client| client.burst.as_mut()) {
            burst.values.remove(&slot);
        }
    }

    /// Bindings have appeared on the endpoints of links: they are subscribed to and shown soon.
    pub(crate) fn links_grow(&mut self, appeared: &[(EndpointId, Box<str>, SignalId)]) {
        let at = self.now + GROWS_AFTER;
        let mut before = None;
        for endpoint_id in appeared.iter().map(|(endpoint, ..)| *endpoint) {
            if before.replace(endpoint_id) == Some(endpoint_id) {
                continue;
            }
            if let Some(up) = self.link(endpoint_id).and_then(|link| link.up.as_mut()) {
                up.grows_at.get_or_insert(at);
                self.link_moved(endpoint_id);
            }
        }
    }

    fn link_grows(&mut self, conn: ConnId, endpoint_id: EndpointId) {
        let missing = self
            .link(endpoint_id)
            .and_then(|link| link.up.as_ref()?.subscribed.clone());
        if let Some((_, missing)) = missing {
            self.subscribe_to_server(conn, endpoint_id, missing);
        }
        self.show_to_server(conn, endpoint_id);
    }

    /// Subscribes to exactly the names that the server writes, when that list or what the server offers of it is another one
    /// than before.
    fn subscribe_to_server(&mut self, conn: ConnId, endpoint_id: EndpointId, missing: Vec<Slot>) {
        let endpoint = &mut self.endpoints[endpoint_id.0 as usize];
        let Some(up) = endpoint.link.as_mut().and_then(|link| link.up.as_mut()) else {
            return;
        };
        let count = endpoint
            .bindings
            .iter()
            .filter(|binding| binding.owner == Owner::Peer)
            .count();
        let list = (count, missing);
        if up.subscribed.as_ref() == Some(&list) {
            return;
        }
        up.subscribed = Some(list);
        let names = endpoint.names().into_iter();
        let names = names.filter(|(_, slot)| endpoint.bindings[*slot as usize].owner == Owner::Peer);
        let mut builder = crosstie_wire::frame::FrameBuilder::with_capacity(64 + count * 32);
        wire::write_subscribe(builder.buffer(), names.map(|(name, _)| name));
        self.send(conn, crate::view::frame::into_bytes(builder));
    }

    /// Our data begins: the full state of what we write, as it is now. A link that is connected for an import only moves
    /// nothing on the other side.
    pub(crate) fn link_begins(&mut self, conn: ConnId, endpoint_id: EndpointId) {
        let is_for_import = self.link(endpoint_id).is_some_and(|link| link.is_for_import);
        if let Some(client) = self.clients.get_mut(&conn) {
            client.has_begun = !is_for_import;
            client.begins_at = None;
        }
        if is_for_import {
            return;
        }
        let signals = self.endpoints[endpoint_id.0 as usize].said();
        if !signals.is_empty() {
            let key = self.endpoint_view(endpoint_id, Some(signals.clone()));
            self.enter(conn, key, self.ledger.space.generation());
            self.answer(conn, Kind::FullData, signals);
        }
    }

    /// Signals whose value was said for the first time: the links that show them show them from now on.
    pub(crate) fn links_say(&mut self) {
        let said = std::mem::take(&mut self.ledger.said);
        if said.is_empty() {
            return;
        }
        for index in 0..self.endpoints.len() {
            let endpoint = &mut self.endpoints[index];
            let Some(link) = &endpoint.link else { continue };
            let conn = link.up.as_ref().map(|up| up.conn);
            let mut has_news = false;
            for id in &said {
                let Some(slot) = endpoint.slot_of(*id) else { continue };
                let binding = &mut endpoint.bindings[slot as usize];
                has_news |= binding.owner == Owner::Hub && !std::mem::replace(&mut binding.said, true);
            }
            if let (true, Some(conn)) = (has_news, conn) {
                self.show_to_server(conn, EndpointId(index as u16));
            }
        }
    }

    /// Takes signals of ours that have appeared, or were said for the first time, into what the server is shown.
    fn show_to_server(&mut self, conn: ConnId, endpoint_id: EndpointId) {
        let signals = self.endpoints[endpoint_id.0 as usize].said();
        let Some(client) = self.clients.get(&conn).filter(|client| client.has_begun) else {
            return;
        };
        let key = client.group.and_then(|group| self.views.key(group));
        let shown = key.and_then(|key| key.set.as_deref()).unwrap_or_default();
        let is_new = |id: &SignalId| shown.binary_search(id).is_err();
        let new: Vec<SignalId> = signals.iter().copied().filter(is_new).collect();
        if new.is_empty() {
            return;
        }
        let key = self.endpoint_view(endpoint_id, Some(signals));
        self.change_view(conn, key);
        if let Some(client) = self.clients.get_mut(&conn) {
            client.owed.extend(new.into_iter().map(|id| (id, 0)));
        }
    }

    /// The link whose server alone writes a signal: what is written to it here reaches nobody.
    pub(crate) fn link_writing(&self, id: SignalId) -> Option<&str> {
        let is_written = |endpoint: &&crate::endpoint::Endpoint| {
            let slot = endpoint.slot_of(id).filter(|_| endpoint.link.is_some());
            slot.is_some_and(|slot| endpoint.bindings[slot as usize].owner == Owner::Peer)
        };
        let endpoint = self.endpoints.iter().find(is_written)?;
        Some(&endpoint.settings.name)
    }

    /// The link over which a command to a signal would have to go, when it is down: a command is executed now or not at all.
    pub(crate) fn link_down_for(&self, id: SignalId) -> Option<&str> {
        let is_down = |endpoint: &&crate::endpoint::Endpoint| {
            endpoint
                .link
                .as_ref()
                .is_some_and(|link| link.up.is_none() || link.is_for_import)
                && endpoint
                    .slot_of(id)
                    .is_some_and(|slot| endpoint.bindings[slot as usize].owner == Owner::Hub)
        };
        let endpoint = self.endpoints.iter().find(is_down)?;
        Some(&endpoint.settings.name)
    }

    /// A connection of ours to a server ends by our own decision: nothing that came over it is believed from now on.
    pub(crate) fn link_closes(&mut self, conn: ConnId, client_face: Face, reason: &str) {
        if let Face::Link(endpoint_id) = client_face {
            self.writer_left(conn, client_face);
            self.link_closed(conn, endpoint_id, reason);
        }
    }
}
