//! The server role of realvirtual WebSocket Realtime v2: who may see and say what, and in which order (RV-1…8, RV-10…23).
//!
//! A client begins unsaid. Its first `init` or `data`, or one second, begins it with the full state; a `subscribe` begins it
//! with a snapshot. Between its `import_request` and the answer it gets no values, and for a second after the answer it gets
//! none either, because a `subscribe` may follow.

use super::answer::{Answer, Kind};
use super::write::Source;
use crate::api::Ignored;
use crate::client::{Client, Pending, Step, View};
use crate::clock::Both;
use crate::hub::Hub;
use crate::input::{ConnId, Face};
use crate::output::{Class, Frame, Level, Output};
use crate::rights;
use crate::settings::EndpointId;
use crate::signal::{Generation, SignalId};
use crate::time::Time;
use crate::timers::Alarm;
use crate::view::{Codec, GroupKey};
use crosstie_wire::frame::ping_frame;
use crosstie_wire::realvirtual::{self as wire, Message, Subscribe};
use rustc_hash::FxHashSet;
use std::time::Duration;

/// A client that says nothing begins after this (RV-11).
const BEGINS_AFTER: Duration = Duration::from_secs(1);
/// A `subscribe` may follow an import_answer for so long (RV-11).
const HOLDS_FOR: Duration = Duration::from_secs(1);

impl Hub {
    pub(crate) fn realvirtual_connected(&mut self, conn: ConnId, endpoint_id: EndpointId) {
        let endpoint = &mut self.endpoints[endpoint_id.0 as usize];
        endpoint.clients += 1;
        let pushes = endpoint.settings.push_on_connect;
        if let Some(client) = self.clients.get_mut(&conn) {
            client.begins_at = Some(self.now + BEGINS_AFTER);
        }
        if pushes {
            self.import_request(conn, endpoint_id);
            if let Some(client) = self.clients.get_mut(&conn) {
                client.holds_until = None;
            }
            self.begin_full(conn, endpoint_id);
        }
    }

    pub(crate) fn realvirtual_closed(&mut self, endpoint_id: EndpointId, client: &Client) {
        let endpoint = &mut self.endpoints[endpoint_id.0 as usize];
        endpoint.clients -= 1;
        if client.has_sent_data {
            endpoint.senders -= 1;
        }
        self.watch_echoes();
    }

    /// One message of a realvirtual client.
    pub(crate) fn realvirtual(&mut self, conn: ConnId, message: Message) {
        if self
            .clients
            .get(&conn)
            .is_none_or(|client| client.answer.is_some() || client.is_saving)
        {
            self.wait_for_answer(conn, Pending::Realvirtual(message));
            return;
        }
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        let (endpoint_id, is_link) = match client.face {
            Face::Realvirtual(endpoint_id) => (endpoint_id, false),
            Face::Link(endpoint_id) => (endpoint_id, true),
            Face::Live | Face::Piplc | Face::Engine(_) | Face::Monitor | Face::Headset | Face::Gama => return,
        };
        if self.endpoints[endpoint_id.0 as usize].settings.debug {
            let text = format!("got {}", shortened(&message));
            self.log(Level::Debug, Some(conn), text);
        }
        // Every word is a sign of life, but values after a silence are a burst first (see `session::write`).
        let carries_values = match message {
            Message::Data(_) => true,
            Message::Snapshot(_) | Message::ImportAnswer(_) => is_link,
            _ => false,
        };
        if !carries_values {
            self.seen(conn);
        }
        if is_link {
            self.link_message(conn, endpoint_id, message);
            return;
        }
        let is_init = matches!(message, Message::Init(_));
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        if !is_init && !std::mem::replace(&mut client.said.before_init, true) {
            self.log(Level::Info, Some(conn), String::from("spoke before its init; accepted"));
        }
        match message {
            Message::Init(init) => {
                if let Some(client) = self.clients.get_mut(&conn) {
                    client.said.before_init = true;
                }
                self.check_version(conn, init.version);
                self.init(conn, endpoint_id, init.name);
            }
            Message::ImportRequest { version } => {
                self.check_version(conn, version);
                self.import_request(conn, endpoint_id);
            }
            Message::ImportAnswer(catalog) => self.import_answer(conn, endpoint_id, catalog),
            Message::Subscribe(subscribe) => {
                self.check_version(conn, subscribe.version);
                self.subscribe(conn, endpoint_id, subscribe);
            }
            Message::Data(values) => {
                self.begin_soon(conn, endpoint_id);
                self.apply_values(conn, endpoint_id, &values, Source::Data);
            }
            Message::ConfigGet => self.config_get(conn, endpoint_id),
            Message::ConfigSet(config) => self.config_set(conn, endpoint_id, config),
            Message::Unknown { type_name } => self.ignore_unknown(conn, endpoint_id, &type_name),
            // What only a server sends means nothing from a client.
            Message::Snapshot(_) | Message::ConfigAnswer(_) | Message::ConfigResult(_) => {
                self.ignore(conn, endpoint_id, |ignored| &mut ignored.unknown_type);
            }
            Message::Legacy => self.ignore_legacy(conn, endpoint_id),
        }
    }

    pub(crate) fn ignore_unknown(&mut self, conn: ConnId, endpoint_id: EndpointId, type_name: &str) {
        self.ignore(conn, endpoint_id, |ignored| &mut ignored.unknown_type);
        let is_first = self
            .clients
            .get_mut(&conn)
            .is_some_and(|client| !std::mem::replace(&mut client.said.unknown_type, true));
        if is_first {
            let shown: String = type_name.chars().take(64).collect();
            let text = format!("ignored a message of the unknown type '{shown}'");
            self.log(Level::Warn, Some(conn), text);
        }
    }

    pub(crate) fn ignore_legacy(&mut self, conn: ConnId, endpoint_id: EndpointId) {
        self.ignore(conn, endpoint_id, |ignored| &mut ignored.legacy);
        let is_first = self
            .clients
            .get_mut(&conn)
            .is_some_and(|client| !std::mem::replace(&mut client.said.legacy, true));
        if is_first {
            let text = "this peer speaks the old protocol v1 ('tag' instead of 'type'); update it to v2";
            self.log(Level::Warn, Some(conn), text.to_owned());
        }
    }

    /// Names that exist from this turn on: whoever subscribed to them gets them (RV-12).
    pub(crate) fn announce_names(&mut self) {
        let appeared = std::mem::take(&mut self.appeared);
        if appeared.is_empty() {
            return;
        }
        self.links_grow(&appeared);
        let mut waiting: Vec<(ConnId, EndpointId, Vec<SignalId>)> = Vec::new();
        for (conn, client) in &mut self.clients {
            let Face::Realvirtual(endpoint_id) = client.face else {
                continue;
            };
            let access = &client.access;
            let here = appeared
                .iter()
                .filter(|(endpoint, _, id)| *endpoint == endpoint_id && access.sees(self.ledger.space.name(*id)));
            let new: Vec<SignalId> = match &mut client.view {
                View::List { missing } => here
                    .filter(|(_, name, _)| missing.remove(name))
                    .map(|(.., id)| *id)
                    .collect(),
                // The view of somebody who may not see all is a list of what it may see.
                View::All | View::Unsaid if client.group.is_some() && !access.view.is_all() => {
                    here.map(|(.., id)| *id).collect()
                }
                _ => continue,
            };
            if !new.is_empty() {
                waiting.push((*conn, endpoint_id, new));
            }
        }
        waiting.sort_unstable();
        for (conn, endpoint_id, new) in waiting {
            let set = self
                .clients
                .get(&conn)
                .and_then(|client| client.group)
                .and_then(|group| self.views.key(group));
            let mut ids: Vec<SignalId> = set.and_then(|key| key.set.as_deref()).unwrap_or_default().to_vec();
            ids.extend(new.iter().copied());
            let key = self.endpoint_view(endpoint_id, Some(ids));
            self.change_view(conn, key);
            if let Some(client) = self.clients.get_mut(&conn) {
                client.owed.extend(new.into_iter().map(|id| (id, 0)));
            }
        }
    }

    /// The view of an endpoint with its present cycle: these signals, or all.
    pub(crate) fn endpoint_view(&self, endpoint_id: EndpointId, set: Option<Vec<SignalId>>) -> GroupKey {
        let settings = &self.endpoints[endpoint_id.0 as usize].settings;
        GroupKey {
            codec: Codec::Realvirtual(endpoint_id),
            set: set.map(|mut ids| {
                ids.sort_unstable();
                ids.dedup();
                ids.into()
            }),
            cycle: settings.update_cycle,
            only_changed: settings.only_transmit_changed,
        }
    }

    /// Gives a client another view and keeps what it was told: it gets its next frame by itself and is then in step.
    pub(crate) fn change_view(&mut self, conn: ConnId, key: GroupKey) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        let told = match (client.step, client.group) {
            (Step::Behind { told, .. }, _) => told,
            (Step::Shared, Some(group)) => {
                let held = self.views.leave_step(group, conn);
                client.owed.extend(held.into_iter().map(|id| (id, 0)));
                self.views.told(group)
            }
            _ => self.ledger.space.generation(),
        };
        self.enter(conn, key, told);
    }

    /// Enters the group of a view as somebody who was told up to `told`, leaving the group before.
    pub(crate) fn enter(&mut self, conn: ConnId, key: GroupKey, told: Generation) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        if let Some(group) = client.group.take() {
            self.views.leave(group, conn);
        }
        client.group = Some(self.views.enter(key, self.now, told));
        client.step = Step::Behind { told, since: self.now };
        client.has_begun = true;
        client.begins_at = None;
        self.rejoining.push(conn);
    }

    pub(crate) fn init(&mut self, conn: ConnId, endpoint_id: EndpointId, name: Option<String>) {
        let limit = self.limits.name_len_max;
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        if let Some(mut name) = name.filter(|name| !name.is_empty()) {
            name.truncate(name.floor_char_boundary(limit));
            if client.name != name {
                client.name = name;
                let text = format!("{} has joined from {}", client.name, client.address);
                self.log(Level::Info, Some(conn), text);
            }
        }
        self.begin_soon(conn, endpoint_id);
    }

    /// The first word of a client begins it (RV-11), one cycle later: an import_request that comes right behind the `init` is
    /// answered first, and the full state is not sent twice.
    fn begin_soon(&mut self, conn: ConnId, endpoint_id: EndpointId) {
        let cycle = self.endpoints[endpoint_id.0 as usize].settings.update_cycle;
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        if client.has_begun || client.view != View::Unsaid {
            return;
        }
        let at = self.now + cycle.min(BEGINS_AFTER);
        client.begins_at = Some(client.begins_at.map_or(at, |before| before.min(at)));
        self.set_alarm(conn);
    }

    pub(crate) fn import_request(&mut self, conn: ConnId, endpoint_id: EndpointId) {
        let signals = self.whole_view(conn, endpoint_id).0;
        let group = self.clients.get(&conn).and_then(|client| client.group);
        let told = group.map(|group| self.views.told(group));
        let (views, mut house) = self.split();
        if let Some(told) = told {
            views.fall_behind(&mut house, conn, told);
        }
        if let Some(client) = self.clients.get_mut(&conn)
            && client.view == View::Unsaid
        {
            client.holds_until = Some(self.now + HOLDS_FOR);
        }
        self.set_alarm(conn);
        self.answer(conn, Kind::ImportAnswer, signals);
    }

    /// Every signal of the endpoint that the client may see, and the set of such a view.
    fn whole_view(&self, conn: ConnId, endpoint_id: EndpointId) -> (Vec<SignalId>, Option<Vec<SignalId>>) {
        let endpoint = &self.endpoints[endpoint_id.0 as usize];
        let access = self.clients.get(&conn).map(|client| &client.access);
        match access.filter(|access| !access.view.is_all()) {
            None => (endpoint.catalog(), None),
            Some(access) => {
                let signals = rights::visible(endpoint, &self.ledger.space, access);
                (signals.clone(), Some(signals))
            }
        }
    }

    fn subscribe(&mut self, conn: ConnId, endpoint_id: EndpointId, subscribe: Subscribe) {
        let whole = subscribe.names.is_none().then(|| self.whole_view(conn, endpoint_id));
        let endpoint = &self.endpoints[endpoint_id.0 as usize];
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        client.holds_until = None;
        client.owed.clear();
        client.settling.clear();
        client.settles_at = None;
        let (signals, set) = match subscribe.names {
            None => {
                client.view = View::All;
                whole.unwrap_or_default()
            }
            Some(names) => {
                let mut seen: FxHashSet<SignalId> = FxHashSet::default();
                let mut missing: FxHashSet<Box<str>> = FxHashSet::default();
                let mut signals = Vec::with_capacity(names.len());
                for name in names {
                    match endpoint.find(&name) {
                        Some(slot) => {
                            let id = endpoint.bindings[slot as usize].signal;
                            // What may not be seen is not there.
                            if client.access.sees(self.ledger.space.name(id)) && seen.insert(id) {
                                signals.push(id);
                            }
                        }
                        None => {
                            missing.insert(name.into());
                        }
                    }
                }
                client.view = View::List { missing };
                (signals.clone(), Some(signals))
            }
        };
        let key = self.endpoint_view(endpoint_id, set);
        self.enter(conn, key, self.ledger.space.generation());
        self.answer(conn, Kind::Snapshot, signals);
    }

    /// The full state as the first `data` of a client that never subscribed.
    fn begin_full(&mut self, conn: ConnId, endpoint_id: EndpointId) {
        let (signals, set) = self.whole_view(conn, endpoint_id);
        let key = self.endpoint_view(endpoint_id, set);
        self.enter(conn, key, self.ledger.space.generation());
        self.answer(conn, Kind::FullData, signals);
    }

    /// Begins a large answer; a small one is whole at the end of this turn. An answer waits for the one before it.
    pub(crate) fn answer(&mut self, conn: ConnId, kind: Kind, signals: Vec<SignalId>) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        if client.is_closing {
            return;
        }
        if client.answer.is_some() {
            // Only our own push of catalog and full data begins two answers in one turn: finish the first.
            let mut budget = usize::MAX;
            self.answering.retain(|other| *other != conn);
            self.build_answer(conn, &mut budget);
        }
        let time = self.time();
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        client.answer = Some(Answer::begin(kind, signals, &self.ledger.space, time));
        self.answering.push_back(conn);
    }

    /// Builds on the answer of a connection; when it is whole, sends it and goes on with what waited.
    pub(crate) fn build_answer(&mut self, conn: ConnId, budget: &mut usize) {
        let Some(mut answer) = self.clients.get_mut(&conn).and_then(|client| client.answer.take()) else {
            return;
        };
        let face = self.clients.get(&conn).map(|client| client.face);
        let (space, clients, endpoints) = (&self.ledger.space, &self.clients, &mut self.endpoints);
        let endpoint = match face {
            Some(face) => face
                .endpoint()
                .and_then(|endpoint| endpoints.get_mut(endpoint.0 as usize)),
            None => None,
        };
        let both = Both {
            world: self.now,
            hub: self.clock.at(self.now),
        };
        let observer = super::live::Observer {
            both,
            space,
            clients,
            routes: &self.routes,
            plcs: &self.plcs,
        };
        let row = |id| observer.row(id);
        let Some(bytes) = answer.build(budget, space, endpoint, row) else {
            if let Some(client) = self.clients.get_mut(&conn) {
                client.answer = Some(answer);
                self.answering.push_back(conn);
            }
            return;
        };
        let updates = answer.len() as u64;
        if let Some(client) = self.clients.get_mut(&conn) {
            client.counters.updates_out += updates;
            if !matches!(answer.kind, Kind::ImportAnswer) {
                client.baseline_at = Some(self.now);
                if let Step::Behind { since, .. } = client.step {
                    client.step = Step::Behind {
                        told: answer.told,
                        since,
                    };
                }
            }
        }
        self.send(conn, bytes);
        self.rejoining.push(conn);
        self.go_on_after_answer(conn);
    }

    /// What a client said while its answer was built is heard now, until the next large answer begins.
    pub(crate) fn go_on_after_answer(&mut self, conn: ConnId) {
        while let Some(client) = self.clients.get_mut(&conn)
            && client.answer.is_none()
            && !client.is_saving
            && let Some(pending) = client.pending.pop_front()
        {
            match pending {
                Pending::Realvirtual(message) => self.realvirtual(conn, message),
                Pending::Live(request) => self.live(conn, Ok(request)),
            }
        }
    }

    /// Lets those who went their own way into step, when they can take values.
    pub(crate) fn rejoin(&mut self) {
        let rejoining = std::mem::take(&mut self.rejoining);
        for conn in rejoining {
            let (views, mut house) = self.split();
            views.catch_up(&mut house, conn);
        }
    }

    pub(crate) fn check_version(&mut self, conn: ConnId, version: Option<i64>) {
        let Some(version) = version.filter(|version| *version != wire::VERSION) else {
            return;
        };
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        if !std::mem::replace(&mut client.said.version, true) {
            self.log(
                Level::Warn,
                Some(conn),
                format!(
                    "the peer speaks version {version} of the protocol, expected {}; going on",
                    wire::VERSION
                ),
            );
        }
    }

    pub(crate) fn ignore(&mut self, conn: ConnId, endpoint_id: EndpointId, counter: impl Fn(&mut Ignored) -> &mut u64) {
        *counter(&mut self.endpoints[endpoint_id.0 as usize].counters.ignored) += 1;
        if let Some(client) = self.clients.get_mut(&conn) {
            *counter(&mut client.counters.ignored) += 1;
        }
    }

    // Time: waiting, pings, liveness.

    /// Sends a ping that carries its time of sending, unless one is on its way.
    pub(crate) fn ping(&mut self, conn: ConnId) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        client.next_ping = self.now + client.ping_every();
        if client.outlet.stuck_since().is_some() || client.is_closing {
            return;
        }
        client.ping_sent_at.get_or_insert(self.now);
        let bytes = ping_frame(&self.now.as_nanos().to_le_bytes()).into();
        self.outputs.push(Output::Send {
            conn,
            frame: Frame {
                bytes,
                class: Class::Control,
            },
        });
    }

    pub(crate) fn pong(&mut self, conn: ConnId, sent_at_nanos: Option<u64>) {
        let now = self.now;
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        client.ping_sent_at = None;
        if let Some(sent) = sent_at_nanos
            .map(Time::from_nanos)
            .filter(|sent| *sent <= now && *sent >= client.connected_at)
        {
            client.rtt = Some(now.since(sent));
        }
        self.seen(conn);
    }

    pub(crate) fn seen(&mut self, conn: ConnId) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        if let Some(burst) = &mut client.burst {
            burst.has_sign = true;
            return;
        }
        client.last_seen = self.now;
        if std::mem::take(&mut client.is_stale) {
            self.link_is_good(conn);
            self.set_alarm(conn);
        }
    }

    /// The alarm of a client went off: whatever is due is done, and the alarm is set again.
    pub(crate) fn client_alarm(&mut self, conn: ConnId, at: Time) {
        let now = self.now;
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        if client.alarm != Some(at) || client.is_closing {
            return;
        }
        client.alarm = None;
        let face = client.face;
        if client
            .not_reading_since()
            .is_some_and(|since| now.since(since) >= self.limits.stuck_max)
        {
            self.close(conn, 1008, "not reading");
            return;
        }
        if client.dead_at().is_some_and(|at| now >= at) {
            self.close(conn, 1001, "no answer to pings");
            return;
        }
        let is_silent = client.writes > 0 && !client.is_stale && now.since(client.last_seen) >= self.stale_after;
        let burst_is_over = client.burst.as_ref().is_some_and(|burst| now >= burst.until);
        let hold_is_over = client.holds_until.is_some_and(|until| now >= until);
        let begins =
            client.begins_at.is_some_and(|at| now >= at) && client.holds_until.is_none_or(|until| now >= until);
        if client.settle_due(now)
            && let (Step::Shared, Some(group)) = (client.step, client.group)
        {
            self.views.want(group);
        }
        let tick_is_due = face == Face::Live && now >= client.next_tick;
        let ping_is_due = now >= client.next_ping;
        if is_silent {
            client.is_stale = true;
            for id in self.written_by(conn) {
                self.ledger.mark(id, crate::signal::Quality::Stale);
            }
        }
        if let Some(endpoint_id) = face.endpoint() {
            if burst_is_over {
                self.end_burst(conn, endpoint_id);
            }
            if let Some(client) = self.clients.get_mut(&conn)
                && hold_is_over
            {
                client.holds_until = None;
                self.rejoining.push(conn);
            }
            match face {
                Face::Link(_) if begins => self.link_begins(conn, endpoint_id),
                _ if begins => self.begin_full(conn, endpoint_id),
                _ => {}
            }
        }
        if tick_is_due {
            self.live_tick(conn);
        }
        if ping_is_due {
            self.ping(conn);
        }
        self.set_alarm(conn);
    }

    /// Sets the alarm of a client to the next thing that is due. An alarm that is too early only looks and sets itself again.
    pub(crate) fn set_alarm(&mut self, conn: ConnId) {
        let stale_after = self.stale_after;
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        if client.is_closing {
            return;
        }
        let begins = client
            .begins_at
            .map(|at| client.holds_until.map_or(at, |until| at.max(until)));
        let silent = (client.writes > 0 && !client.is_stale).then(|| client.last_seen + stale_after);
        let stuck = client.not_reading_since().map(|since| since + self.limits.stuck_max);
        let dead = client.dead_at();
        let tick = (client.face == Face::Live).then_some(client.next_tick);
        let burst = client.burst.as_ref().map(|burst| burst.until);
        let settles = client.settles_at;
        let due = [
            Some(client.next_ping),
            begins,
            client.holds_until,
            silent,
            stuck,
            dead,
            tick,
            burst,
            settles,
        ];
        let Some(at) = due.into_iter().flatten().min() else {
            return;
        };
        if client.alarm.is_none_or(|alarm| alarm > at) {
            client.alarm = Some(at);
            self.timers.set(at, Alarm::Client(conn));
        }
    }
}

/// A message in a few words for the log of an endpoint that is being debugged.
fn shortened(message: &Message) -> String {
    let mut text = format!("{message:?}");
    if text.len() > 200 {
        text.truncate(text.floor_char_boundary(200));
        text.push('…');
    }
    text
}
