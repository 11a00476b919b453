//! Our own live channel: views by name or pattern, values with quality and age, writes that carry the channel's epoch.

use super::answer::{Kind, wire_row};
use super::link::is_state;
use crate::access::Actor;
use crate::api::{Refused, SignalRow};
use crate::client::{Client, Clients, Pending, View};
use crate::clock::Both;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::plc::orders::Plcs;
use crate::rights;
use crate::route::Routes;
use crate::settings::Owner;
use crate::signal::coerce::Fitted;
use crate::signal::{Pattern, SignalId, SignalSpace, Value, Writer, coerce, name};
use crate::time::Time;
use crate::timely;
use crate::view::frame::live_writer;
use crate::view::{Codec, GroupKey};
use crosstie_wire::live::{self as wire, Request, RequestError, Subscribe, Write, WriteOutcome};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often a channel is told who is alive.
const TICK_EVERY: Duration = Duration::from_secs(1);
/// Cycle of a view that names none.
const CYCLE_DEFAULT_MS: u64 = 100;
/// Patterns of one view, which are tried on every signal in one turn of the core. A `subscribe` with more is answered by an error.
const PATTERNS_MAX: usize = 32;
/// A cycle is put into this range.
const CYCLE_RANGE_MS: std::ops::RangeInclusive<u64> = 10..=10_000;

impl Hub {
    pub(crate) fn live_connected(&mut self, conn: ConnId) {
        let (epoch, now, generation) = (self.epoch(conn), self.now, self.ledger.space.generation());
        let time = self.time();
        self.send_text(conn, |out| {
            wire::write_hello(out, epoch, time.as_millis(), generation.0, env!("CARGO_PKG_VERSION"));
        });
        if let Some(client) = self.clients.get_mut(&conn) {
            client.next_tick = now + TICK_EVERY;
        }
        self.tell_replay(conn);
        self.tell_clock_to(conn);
    }

    /// One text of a live channel.
    pub(crate) fn live(&mut self, conn: ConnId, request: Result<Request, RequestError>) {
        match request {
            Err(error) => {
                if let Some(client) = self.clients.get_mut(&conn) {
                    client.counters.ignored.malformed += 1;
                }
                let text = error.to_string();
                self.send_text(conn, |out| wire::write_error(out, error.id, "bad_request", &text));
            }
            Ok(request) if self.clients.get(&conn).is_some_and(|client| client.answer.is_some()) => {
                self.wait_for_answer(conn, Pending::Live(request));
            }
            Ok(Request::Subscribe(subscribe)) => self.live_subscribe(conn, subscribe),
            Ok(Request::Write(write)) => self.live_write(conn, write),
            Ok(Request::WatchPlc(watch)) => self.live_watch(conn, watch),
            Ok(Request::WatchClassroom(watch)) => self.live_watch_classroom(conn, watch),
        }
    }

    /// Who is alive, once a second; a channel that is stuck gets none, so that none can pile up.
    pub(crate) fn live_tick(&mut self, conn: ConnId) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        client.next_tick = self.now + TICK_EVERY;
        if client.outlet.stuck_since().is_some() || client.answer.is_some() {
            return;
        }
        let set = client
            .group
            .and_then(|group| self.views.key(group))
            .and_then(|key| key.set.clone());
        let mut writers: BTreeMap<wire::Writer, u64> = BTreeMap::new();
        for id in set.iter().flat_map(|set| set.iter()) {
            let writer = self.ledger.space.cell(*id).writer;
            if let (Some(writer), Some(at)) = (live_writer(writer), self.observer().last_sign(writer)) {
                writers.insert(writer, self.both().shown(at).as_millis());
            }
        }
        let (now, generation) = (self.time().as_millis(), self.ledger.space.generation().0);
        self.send_text(conn, |out| wire::write_tick(out, now, generation, writers, 0));
        self.tell_replay(conn);
    }

    /// Signals that appeared in this turn: routes that waited for them begin, and live views that fit them are told.
    pub(crate) fn announce_created(&mut self) {
        self.extend_patterns();
        let created = std::mem::take(&mut self.created);
        let named = std::mem::take(&mut self.named_anew);
        if created.is_empty() && named.is_empty() {
            return;
        }
        for id in &created {
            self.routes.signal_created(&mut self.ledger.space, *id);
        }
        let mut channels: Vec<ConnId> = self
            .clients
            .iter()
            .filter(|(_, client)| matches!(client.view, View::Patterns { .. }))
            .map(|(conn, _)| *conn)
            .collect();
        channels.sort_unstable();
        for conn in channels {
            let fits = |id: &&SignalId| {
                let name = self.ledger.space.name(**id);
                let client = self.clients.get(&conn);
                client.is_some_and(|client| client.access.sees(name) && client_wants(client, name))
            };
            let asked_for = |alias: &str, id: SignalId| {
                let client = self.clients.get(&conn);
                client
                    .is_some_and(|client| client.access.sees(self.ledger.space.name(id)) && client_wants(client, alias))
            };
            let meant = named.iter().filter(|(alias, id)| asked_for(alias, *id));
            let mut new: Vec<SignalId> = created.iter().filter(fits).copied().collect();
            new.extend(meant.map(|(_, id)| *id));
            if new.is_empty() {
                continue;
            }
            let key = self
                .clients
                .get(&conn)
                .and_then(|client| client.group)
                .and_then(|group| self.views.key(group))
                .cloned();
            let Some(key) = key else { continue };
            let mut ids: Vec<SignalId> = key.set.as_deref().unwrap_or_default().to_vec();
            new.sort_unstable();
            new.dedup();
            new.retain(|id| ids.binary_search(id).is_err());
            if new.is_empty() {
                continue;
            }
            let room = self.limits.live_signals_max.saturating_sub(ids.len());
            ids.extend(new.iter().take(room));
            ids.sort_unstable();
            ids.dedup();
            let rows: Vec<SignalRow> = new.iter().take(room).map(|id| self.observer().row(*id)).collect();
            let (now, generation) = (self.time().as_millis(), self.ledger.space.generation().0);
            self.send_text(conn, |out| {
                wire::write_added(out, now, generation, rows.iter().map(wire_row))
            });
            let told = self.ledger.space.generation();
            self.enter(
                conn,
                GroupKey {
                    set: Some(ids.into()),
                    ..key
                },
                told,
            );
        }
    }

    /// Tells all about signals.
    pub(crate) fn observer(&self) -> Observer<'_> {
        Observer {
            both: self.both(),
            space: &self.ledger.space,
            clients: &self.clients,
            routes: &self.routes,
            plcs: &self.plcs,
        }
    }

    fn epoch(&self, conn: ConnId) -> u64 {
        self.epoch_base + u64::from(conn.0)
    }

    fn live_subscribe(&mut self, conn: ConnId, subscribe: Subscribe) {
        let count = subscribe.patterns.len();
        if count > PATTERNS_MAX {
            let text = format!("a view takes at most {PATTERNS_MAX} patterns, not {count}; the view stays as it was");
            self.send_text(conn, |out| {
                wire::write_error(out, Some(subscribe.id), "bad_request", &text)
            });
            return;
        }
        let Some(access) = self.clients.get(&conn).map(|client| client.access.clone()) else {
            return;
        };
        for text in &subscribe.names {
            self.make_tag_seen(&access, text);
        }
        let space = &self.ledger.space;
        let mut names: FxHashSet<Box<str>> = FxHashSet::default();
        let mut unknown = Vec::new();
        let mut ids: Vec<SignalId> = Vec::new();
        for text in subscribe.names {
            match space.find(&text) {
                Some(id) if access.sees(space.name(id)) => {
                    ids.push(id);
                    // A symbol may mean another signal tomorrow.
                    let alias = name::canonical(&text, self.limits.name_len_max);
                    names.extend(
                        alias
                            .ok()
                            .filter(|alias| alias != space.name(id))
                            .map(String::into_boxed_str),
                    );
                }
                // What may not be seen is not there, and never will be.
                Some(_) => unknown.push(text),
                None => {
                    // A name that appears later is told; one that can never appear is only unknown.
                    if let Ok(canonical) = name::canonical(&text, self.limits.name_len_max) {
                        names.insert(canonical.into());
                    }
                    unknown.push(text);
                }
            }
        }
        let patterns: Vec<Pattern> = subscribe.patterns.iter().map(|text| Pattern::new(text)).collect();
        if !patterns.is_empty() {
            let all = (0..space.len() as u32).map(SignalId);
            let fits = |name: &str| access.sees(name) && Pattern::any_fits(&patterns, name);
            ids.extend(all.filter(|id| fits(space.name(*id))));
        }
        ids.sort_unstable();
        ids.dedup();
        for id in ids.drain(ids.len().min(self.limits.live_signals_max)..) {
            unknown.push(space.name(id).to_owned());
        }
        let cycle = subscribe
            .cycle_ms
            .unwrap_or(CYCLE_DEFAULT_MS)
            .clamp(*CYCLE_RANGE_MS.start(), *CYCLE_RANGE_MS.end());
        if let Some(client) = self.clients.get_mut(&conn) {
            client.view = View::Patterns { names, patterns };
        }
        let key = GroupKey {
            codec: Codec::Live,
            set: Some(ids.clone().into()),
            cycle: Duration::from_millis(cycle),
            only_changed: true,
        };
        let told = self.ledger.space.generation();
        self.enter(conn, key, told);
        self.answer(
            conn,
            Kind::LiveSnapshot {
                id: subscribe.id,
                unknown,
            },
            ids,
        );
    }

    fn live_write(&mut self, conn: ConnId, write: Write) {
        if write.epoch != self.epoch(conn) {
            let text = "this write was meant for an earlier connection and is not executed";
            self.send_text(conn, |out| wire::write_error(out, Some(write.id), "stale_epoch", text));
            return;
        }
        if let Some(text) = write
            .given_at_ms
            .and_then(|given_at_ms| timely::late(given_at_ms, self.now))
        {
            self.send_text(conn, |out| wire::write_error(out, Some(write.id), "too_late", &text));
            return;
        }
        let Some(by) = self.actor_of(conn) else { return };
        let mut outcomes: Vec<(&str, Result<Value, Refusal>)> = Vec::new();
        for (name, received) in write.signals.iter() {
            outcomes.push((name, self.live_write_one(conn, &by, name, received)));
        }
        let shown = outcomes.iter().map(|(name, outcome)| {
            let outcome = match outcome {
                Ok(value) => WriteOutcome::Stored(value.as_wire()),
                Err((code, message)) => WriteOutcome::Refused { code, message },
            };
            (*name, outcome)
        });
        let mut builder = crosstie_wire::frame::FrameBuilder::with_capacity(64 + write.signals.len() * 64);
        wire::write_write_result(builder.buffer(), write.id, shown);
        self.send(conn, crate::view::frame::into_bytes(builder));
    }

    fn live_write_one(
        &mut self,
        conn: ConnId,
        by: &Actor,
        name: &str,
        received: crosstie_wire::realvirtual::Value<'_>,
    ) -> Result<Value, Refusal> {
        let not_found = || ("not_found", String::from("no signal has this name"));
        self.make_tag_seen(&by.access, name);
        let id = self.ledger.space.find(name).ok_or_else(not_found)?;
        let name = self.ledger.space.name(id).to_owned();
        rights::check_write(&by.access, &name).map_err(|refused| match refused {
            Refused::Forbidden { .. } => ("forbidden", refused.to_string()),
            _ => not_found(),
        })?;
        let old = rights::json(&self.ledger.space.cell(id).value);
        let fitted = self
            .operator_writes(id, received, Some(conn))
            .map_err(|refused| match refused {
                Refused::BadValue { expected, .. } => ("bad_value", expected),
                Refused::LinkDown { .. } => ("link_down", refused.to_string()),
                refused => ("conflict", refused.to_string()),
            })?;
        self.audit(by, "write", name, (old, rights::json(&fitted.value)));
        Ok(fitted.value)
    }

    /// A person or script writes a signal; gives what is stored, or why it is not.
    pub(crate) fn operator_writes(
        &mut self,
        id: SignalId,
        received: crosstie_wire::realvirtual::Value<'_>,
        conn: Option<ConnId>,
    ) -> Result<Fitted, Refused> {
        let name = self.ledger.space.name(id);
        if let Some(refusal) = is_state(name) {
            return Err(Refused::Conflict(refusal));
        }
        if self.ledger.space.cell(id).is_tag {
            return self.operator_writes_tag(id, received);
        }
        if let Some(endpoint) = self.link_writing(id) {
            let text = format!(
                "'{name}' is written by the server of the link '{endpoint}'; a value from here would not reach it"
            );
            return Err(Refused::Conflict(text));
        }
        if let Some(endpoint) = self.link_down_for(id) {
            let endpoint = endpoint.to_owned();
            return Err(Refused::LinkDown { endpoint });
        }
        let bad_value = |expected: String| Refused::BadValue {
            name: name.to_owned(),
            expected,
        };
        let kind = self.ledger.space.cell(id).value.kind();
        let mut fitted =
            coerce::fit(kind, received).ok_or_else(|| bad_value(format!("expected a value for a {}", kind.word())))?;
        if let Value::Text(text) = &fitted.value
            && text.len() > self.limits.text_len_max
        {
            let limit = self.limits.text_len_max;
            return Err(bad_value(format!("expected a text of at most {limit} bytes")));
        }
        if self.ledger.space.owner(id) == Owner::Peer && !std::mem::replace(&mut self.operators_write, true) {
            self.watch_echoes();
        }
        self.ledger.store(
            self.now,
            id,
            fitted.value.clone(),
            Writer::Operator(conn),
            crate::signal::Quality::Good,
        );
        // A value that is the same for every reader leaves the one that was there.
        let stored = &self.ledger.space.cell(id).value;
        if *stored != fitted.value {
            fitted = Fitted {
                value: stored.clone(),
                exact: false,
            };
        }
        Ok(fitted)
    }
}

/// What is needed to tell all about a signal.
pub(crate) struct Observer<'a> {
    pub(crate) both: Both,
    pub(crate) space: &'a SignalSpace,
    pub(crate) clients: &'a Clients,
    pub(crate) routes: &'a Routes,
    pub(crate) plcs: &'a Plcs,
}

impl Observer<'_> {
    /// All that the API says of one signal.
    pub(crate) fn row(&self, id: SignalId) -> SignalRow {
        let cell = self.space.cell(id);
        let confirmed_at = self
            .last_sign(cell.writer)
            .map_or(cell.changed_at, |at| cell.changed_at.max(self.both.shown(at)));
        SignalRow {
            id,
            name: self.space.name(id).to_owned(),
            symbol: self.space.symbol(id).map(str::to_owned),
            kind: cell.value.kind(),
            value: cell.value.clone(),
            quality: cell.quality,
            reason: self.space.reason(cell.quality).map(str::to_owned),
            owner: self.space.owner(id),
            writer: self.title(cell.writer),
            conflict: cell.conflict,
            generation: cell.generation,
            changed_at: cell.changed_at,
            confirmed_at,
        }
    }

    /// The last sign of life of a writer; what comes over a route is as alive as the writer of its source, of several sources as
    /// the one that has been silent for longest.
    pub(crate) fn last_sign(&self, writer: Writer) -> Option<Time> {
        let Writer::Route(mut route) = writer else {
            return self.own_sign(writer);
        };
        // Routes have no circles, so the way back to the first sources ends; with several sources it may branch.
        let mut seen: Vec<u32> = Vec::new();
        let mut open: Vec<u32> = Vec::new();
        let mut oldest: Option<Time> = None;
        loop {
            let sources = self.routes.sources(route);
            for source in sources {
                match self.space.cell(*source).writer {
                    Writer::Route(next) if sources.len() == 1 => open.push(next),
                    Writer::Route(next) if !seen.contains(&next) => {
                        seen.push(next);
                        open.push(next);
                    }
                    Writer::Route(_) => {}
                    // What a person has set holds until it is set anew.
                    Writer::Nobody | Writer::Operator(_) | Writer::Replay => {}
                    writer => {
                        let sign = self.own_sign(writer)?;
                        oldest = Some(oldest.map_or(sign, |oldest| oldest.min(sign)));
                    }
                }
            }
            match open.pop() {
                Some(next) => route = next,
                None => return oldest,
            }
        }
    }

    fn own_sign(&self, writer: Writer) -> Option<Time> {
        match writer {
            Writer::Peer(conn) => self.clients.get(&conn).map(|client| client.last_seen),
            Writer::Plc(plc) => self.plcs.get(plc).map(|context| context.heard_at),
            Writer::Nobody | Writer::Operator(_) | Writer::Route(_) | Writer::Replay => None,
        }
    }

    fn title(&self, writer: Writer) -> Option<String> {
        match writer {
            Writer::Nobody => None,
            Writer::Peer(conn) => match self.clients.get(&conn) {
                Some(client) => Some(client.title().to_owned()),
                None => Some(String::from("a peer that has left")),
            },
            Writer::Operator(conn) => {
                let client = conn.and_then(|conn| self.clients.get(&conn));
                let holder = client.filter(|client| client.access.key.is_some());
                Some(holder.map_or_else(|| String::from("operator"), |client| client.access.who.to_string()))
            }
            Writer::Route(route) => Some(format!("route {route}")),
            Writer::Replay => Some(String::from("a recording")),
            Writer::Plc(plc) => Some(match self.plcs.get(plc) {
                Some(context) => context.settings.name.clone(),
                None => String::from("a PLC that is gone"),
            }),
        }
    }
}

/// The word for programs and the text for people.
type Refusal = (&'static str, String);

fn client_wants(client: &Client, name: &str) -> bool {
    match &client.view {
        View::Patterns { names, patterns } => names.contains(name) || Pattern::any_fits(patterns, name),
        _ => false,
    }
}
