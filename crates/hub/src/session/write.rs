//! What a peer's values do: ownership, coercion, echoes, crossings, bursts (RV-13, RV-17, RV-18, RV-43, RV-54, RV-55).

use crate::client::{Burst, Step};
use crate::endpoint::Slot;
use crate::hub::Hub;
use crate::input::{ConnId, Face};
use crate::rights::MayWrite;
use crate::settings::{Echo, EndpointId, Owner, SignalSetting};
use crate::signal::space::CreateError;
use crate::signal::{Generation, Kind, Quality, SignalId, Value, Writer, coerce, name};
use crate::view::is_in_view;
use crosstie_wire::realvirtual::{Value as Wire, Values};
use rustc_hash::{FxHashMap, FxHashSet};
use std::time::Duration;

/// Delivered changes that a peer must have returned unchanged to be an echoer.
const RETURNS_OF_AN_ECHOER: u8 = 3;
/// A burst after a silence is over when nothing more came for so long …
const BURST_PAUSE: Duration = Duration::from_millis(50);
/// … and at the latest after this.
const BURST_MAX: Duration = Duration::from_millis(500);

/// Where values stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// In `data` or a snapshot: every entry is meant as a value.
    Data,
    /// In the catalog of a server: it names also what we write, what we do not know and what has no value.
    Catalog,
}

impl Hub {
    /// Applies the values of one message, in their order.
    pub(crate) fn apply_values(&mut self, conn: ConnId, endpoint_id: EndpointId, values: &Values, source: Source) {
        let is_link = self.endpoints[endpoint_id.0 as usize].link.is_some();
        if let Some(client) = self.clients.get_mut(&conn)
            && !is_link
            && !std::mem::replace(&mut client.has_sent_data, true)
        {
            self.endpoints[endpoint_id.0 as usize].senders += 1;
            self.watch_echoes();
        }
        let Hub {
            now,
            clients,
            endpoints,
            ledger,
            views,
            limits,
            ..
        } = self;
        let now = *now;
        let Some(client) = clients.get_mut(&conn) else { return };
        let endpoint = &mut endpoints[endpoint_id.0 as usize];
        let key = client.group.and_then(|group| views.key(group));
        let told = match client.step {
            Step::Shared => client.group.map_or(Generation(0), |group| views.told(group)),
            Step::Behind { told, .. } => told,
            Step::Idle => Generation(0),
        };
        let me = Writer::Peer(conn);
        let may_cross_since = client.crossing_since(now);
        let baseline_crosses = client.baseline_at.is_some_and(|at| at >= may_cross_since);
        let cycle = endpoint.settings.update_cycle;
        let only_changed = endpoint.settings.only_transmit_changed;
        let is_late = client.is_stale || client.burst.is_some();
        // A server is told only what it does not write: nothing that it writes can be an echo.
        let echo = if is_link { Echo::Never } else { endpoint.settings.echo };

        let access = client.access.clone();
        let may_write = MayWrite::of(&access);
        let mut ignored = crate::api::Ignored::default();
        let mut unknown: Vec<usize> = Vec::new();
        let mut conflicts: Vec<(SignalId, Option<ConnId>)> = Vec::new();
        let mut previous: Option<Slot> = None;
        for (index, (name, received)) in values.iter().enumerate() {
            let Some(slot) = endpoint.slot_named(name, previous) else {
                unknown.push(index);
                continue;
            };
            previous = Some(slot);
            let binding = &endpoint.bindings[slot as usize];
            let (id, owner) = (binding.signal, binding.owner);
            if binding.guessed && matches!(received, Wire::Float(_)) {
                ledger.space.widen(id);
            }
            let cell = ledger.space.cell(id);
            let mut owe = || {
                if client.step != Step::Idle && is_in_view(&client.view, key, Some(endpoint), id) {
                    client.owed.insert(id, 0);
                }
            };
            let fitted = match coerce::fit(cell.value.kind(), received) {
                Some(fitted) if !is_too_long(&fitted.value, limits.text_len_max) => fitted,
                _ => {
                    ignored.bad_value += u64::from(source == Source::Data);
                    owe();
                    continue;
                }
            };
            let is_same = cell.value.is_same(&fitted.value);
            let is_allowed = may_write.holds(&ledger.space, id);
            if owner == Owner::Hub || !is_allowed {
                let count = u64::from(source == Source::Data);
                match is_allowed {
                    true => ignored.owned += count,
                    false => ignored.forbidden += count,
                }
                match is_same && fitted.exact {
                    true => {}
                    // A server that keeps its own value all the same is told less and less often.
                    false if is_link && client.owed_sent.contains_key(&id) => client.settle(now, id),
                    false => owe(),
                }
                continue;
            }
            if is_late {
                let burst = client.burst.get_or_insert_with(|| Burst {
                    began: now,
                    until: now,
                    is_ours: false,
                    has_sign: false,
                    values: FxHashMap::default(),
                });
                burst.until = (now + BURST_PAUSE).min(burst.began + BURST_MAX);
                burst.values.insert(slot, fitted.value);
                continue;
            }
            // Its own values come back to a peer only when they are owed; one that returns everything returns them too.
            let is_echoer = client.is_echoer || echo == Echo::Always;
            let own_too = is_echoer && client.owed_sent.contains_key(&id);
            if cell.writer != me || !is_same {
                // A peer that returns what it was given has written nothing, whether or not there is a newer value meanwhile.
                let returned = if is_same && cell.generation <= told && told > Generation(0) {
                    Some(cell.generation)
                } else {
                    ledger.superseded_lately(now, id, &fitted.value, told, (me, own_too))
                };
                // What was never delivered to it cannot come back from it.
                let was_delivered = || client.step != Step::Idle && is_in_view(&client.view, key, Some(endpoint), id);
                if let Some(generation) = returned.filter(|_| echo != Echo::Never && was_delivered()) {
                    if generation > client.last_returned {
                        client.last_returned = generation;
                        client.returned = client.returned.saturating_add(1);
                    }
                    client.is_echoer |= echo == Echo::Always || client.returned >= RETURNS_OF_AN_ECHOER;
                    if client.is_echoer {
                        ignored.echo += 1;
                        if !(is_same && fitted.exact) {
                            owe();
                        }
                        continue;
                    }
                    // It may have been an echo all the same: then the peer holds something newer, and is told what counts.
                    if !is_same {
                        owe();
                    }
                }
                // An equal value from a second peer leaves the signal with its writer, and its quality with that link. What an
                // operator has put in the place of a server's value is the server's again.
                let stays = !is_link || matches!(cell.writer, Writer::Peer(_));
                if is_same && cell.quality == Quality::Good && stays {
                    if !fitted.exact {
                        owe();
                    }
                    continue;
                }
            }
            let (writer_before, generation_before, changed_before) = (cell.writer, cell.generation, cell.changed_at);
            let meets_another = writer_before != me
                && (generation_before > told || changed_before + cycle + cycle >= may_cross_since || !only_changed);
            let crosses = baseline_crosses || meets_another;
            if !fitted.exact || crosses {
                owe();
            } else if !is_same && !client.owed_sent.is_empty() {
                client.settle(now, id);
            }
            let changed = ledger.store(now, id, fitted.value, me, Quality::Good);
            if changed
                && let Writer::Peer(other) = writer_before
                && other != conn
            {
                conflicts.push((id, Some(other)));
            } else if changed && writer_before == Writer::Replay {
                conflicts.push((id, None));
            }
        }

        let update_count = if source == Source::Data { values.len() as u64 } else { 0 };
        client.counters.updates_in += update_count;
        endpoint.counters.updates_in += update_count;
        add_ignored(&mut client.counters.ignored, ignored);
        add_ignored(&mut endpoint.counters.ignored, ignored);
        if let (Step::Shared, Some(group), false) = (client.step, client.group, client.owed.is_empty()) {
            views.want(group);
        }
        if is_late && self.clients.get(&conn).is_some_and(|client| client.burst.is_none()) {
            // Nothing in it was a write: it was only a sign of life.
            self.seen(conn);
        }
        let needs_alarm = is_late
            || self
                .clients
                .get(&conn)
                .is_some_and(|client| !client.settling.is_empty());
        if needs_alarm {
            self.set_alarm(conn);
        }
        for (id, other) in conflicts {
            match other {
                Some(other) => self.note_conflict(id, conn, other),
                None => self.note_replay_conflict(id, conn),
            }
        }
        if !unknown.is_empty() && source == Source::Data {
            self.unknown_names(conn, endpoint_id, values, &unknown);
        }
    }

    /// Superseded values are kept only where somebody may return them: two peers that send, or the setting says so.
    pub(crate) fn watch_echoes(&mut self) {
        let needs = |endpoint: &crate::endpoint::Endpoint| match endpoint.settings.echo {
            Echo::Never => false,
            Echo::Auto => endpoint.senders + usize::from(self.operators_write) > 1,
            Echo::Always => endpoint.senders > 0,
        };
        let watch = self.endpoints.iter().any(needs);
        self.ledger.watch_echoes(watch);
    }

    /// A burst after a silence is over: the newest value of each signal is applied, the ones before it never were (they would
    /// be old commands), and the link is good again.
    pub(crate) fn end_burst(&mut self, conn: ConnId, endpoint_id: EndpointId) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        let Some(burst) = client.burst.take() else { return };
        let is_ours = burst.is_ours;
        if is_ours && burst.values.is_empty() {
            if burst.has_sign {
                self.seen(conn);
            }
            return;
        }
        client.counters.late_bursts += 1;
        client.is_stale = false;
        client.last_seen = self.now;
        let title = client.title().to_owned();
        let mut values: Vec<(Slot, Value)> = burst.values.into_iter().collect();
        values.sort_unstable_by_key(|(slot, _)| *slot);
        let bindings = &self.endpoints[endpoint_id.0 as usize].bindings;
        let values: Vec<(SignalId, Value)> = values
            .into_iter()
            .map(|(slot, value)| (bindings[slot as usize].signal, value))
            .collect();
        for (id, value) in values {
            // What was sent meanwhile may cross; the peer is told what is stored.
            if let Some(client) = self.clients.get_mut(&conn)
                && client.step != Step::Idle
                && is_in_view(
                    &client.view,
                    client.group.and_then(|group| self.views.key(group)),
                    self.endpoints.get(endpoint_id.0 as usize),
                    id,
                )
            {
                client.owed.insert(id, 0);
            }
            self.ledger
                .store(self.now, id, value, Writer::Peer(conn), Quality::Good);
        }
        self.link_is_good(conn);
        if let Some(client) = self.clients.get(&conn)
            && let (Step::Shared, Some(group)) = (client.step, client.group)
        {
            self.views.want(group);
        }
        if is_ours {
            return;
        }
        let text = format!(
            "{title} was silent for more than {} ms; of what arrived then only the newest values were taken",
            self.stale_after.as_millis()
        );
        self.trouble(
            false,
            format!("late:{title}"),
            &title,
            text,
            "look at the network between the peer and this machine",
        );
    }

    /// The hub did not run for longer than a peer may be silent. What its peers wrote meanwhile waits in their sockets, and the
    /// values before the newest ones are old commands: they are taken as a burst after a silence.
    pub(crate) fn expect_bursts(&mut self) {
        let now = self.now;
        let mut writers: Vec<ConnId> = Vec::new();
        for (conn, client) in &mut self.clients {
            let may_have_sent = client.has_sent_data || matches!(client.face, Face::Link(_));
            if may_have_sent && client.burst.is_none() {
                client.burst = Some(Burst {
                    began: now,
                    until: now + BURST_PAUSE,
                    is_ours: true,
                    has_sign: false,
                    values: FxHashMap::default(),
                });
                writers.push(*conn);
            }
        }
        writers.into_iter().for_each(|conn| self.set_alarm(conn));
    }

    /// A stale link lives again: what it wrote last is believed again.
    pub(crate) fn link_is_good(&mut self, conn: ConnId) {
        for id in self.written_by(conn) {
            if self.ledger.space.cell(id).quality == Quality::Stale {
                self.ledger.mark(id, Quality::Good);
            }
        }
    }

    fn note_conflict(&mut self, id: SignalId, conn: ConnId, other: ConnId) {
        let Some(before) = self.clients.get(&other).map(|client| client.title().to_owned()) else {
            return;
        };
        let writer = self
            .clients
            .get(&conn)
            .map(|client| client.title().to_owned())
            .unwrap_or_default();
        self.ledger.space.set_conflict(id, true);
        self.conflicts.insert(id, [conn, other]);
        let name = self.ledger.space.name(id).to_owned();
        let text = format!("two writers: {before} and now {writer}; the last one wins");
        self.trouble(
            false,
            conflict_id(&name),
            &name,
            text,
            "let one of the two peers write it",
        );
    }

    /// A peer that has left is in nobody's way: the conflicts with it are over.
    pub(crate) fn end_conflicts(&mut self, conn: ConnId) {
        let mut over: FxHashSet<String> = FxHashSet::default();
        let space = &mut self.ledger.space;
        self.conflicts.retain(|id, writers| {
            let is_over = writers.contains(&conn);
            if is_over {
                space.set_conflict(*id, false);
                over.insert(conflict_id(space.name(*id)));
            }
            !is_over
        });
        if !over.is_empty() {
            self.problems.clear_where(|id| over.contains(id));
        }
    }

    fn unknown_names(&mut self, conn: ConnId, endpoint_id: EndpointId, values: &Values, unknown: &[usize]) {
        let Some(access) = self.clients.get(&conn).map(|client| client.access.clone()) else {
            return;
        };
        let endpoint = &self.endpoints[endpoint_id.0 as usize];
        if !endpoint.settings.auto_register {
            let count = unknown.len() as u64;
            self.endpoints[endpoint_id.0 as usize].counters.ignored.unknown += count;
            if let Some(client) = self.clients.get_mut(&conn) {
                client.counters.ignored.unknown += count;
            }
            return;
        }
        let (now, later) = unknown.split_at(unknown.len().min(self.limits.registered_max));
        self.endpoints[endpoint_id.0 as usize].counters.ignored.unknown += later.len() as u64;
        for index in now {
            let (wire_name, received) = values.get(*index);
            let kind = match received {
                Wire::Bool(_) => Kind::Bool,
                Wire::Int(_) => Kind::Int,
                Wire::Float(_) => Kind::Float,
                Wire::Text(_) => Kind::Text,
                Wire::Unusable => {
                    self.endpoints[endpoint_id.0 as usize].counters.ignored.bad_value += 1;
                    continue;
                }
            };
            let setting = self.neutral_signal(endpoint_id, wire_name, kind, Owner::Peer);
            if !access.writes(&setting.signal) {
                self.endpoints[endpoint_id.0 as usize].counters.ignored.forbidden += 1;
                continue;
            }
            if let Some(id) = self.add_signal(endpoint_id, &setting, true)
                && let Some(fitted) = coerce::fit(kind, received)
            {
                self.ledger
                    .store(self.now, id, fitted.value, Writer::Peer(conn), Quality::Good);
            }
        }
    }

    /// The setting of a signal that a peer brought: a neutral type, named after its endpoint.
    pub(crate) fn neutral_signal(
        &self,
        endpoint: EndpointId,
        wire_name: &str,
        kind: Kind,
        owner: Owner,
    ) -> SignalSetting {
        let endpoint = &self.endpoints[endpoint.0 as usize].settings.name;
        SignalSetting {
            wire_name: wire_name.to_owned(),
            signal: format!("twin/{endpoint}/{}", name::escape_segment(wire_name)),
            kind,
            owner,
            value: None,
            convention: None,
            neutral: true,
        }
    }

    /// Makes a signal and shows it on an endpoint; `None` when a limit or another signal is in the way, which is noted.
    pub(crate) fn add_signal(
        &mut self,
        endpoint_id: EndpointId,
        setting: &SignalSetting,
        guessed: bool,
    ) -> Option<SignalId> {
        if self.is_of_plc(&setting.signal) {
            return self.add_signal_of_plc(endpoint_id, setting);
        }
        let initial = setting.value.clone().unwrap_or_else(|| Value::zero(setting.kind));
        let existed = self.ledger.space.len();
        let time = self.time();
        let id = match self.ledger.space.create(time, &setting.signal, setting.owner, initial) {
            Ok(id) => id,
            Err(error) => {
                self.endpoints[endpoint_id.0 as usize].counters.ignored.unknown += 1;
                // A full space is one trouble, however many names knock at it.
                let id = match &error {
                    CreateError::Full { .. } => String::from("signals:full"),
                    CreateError::Name(_) => String::from("signals:name"),
                    CreateError::OtherKind { name, .. } => format!("signal:{name}"),
                };
                let text = format!("the signal is left out: {error}");
                self.trouble(true, id, &setting.signal, text, "rename it or raise the limit");
                return None;
            }
        };
        let endpoint = &mut self.endpoints[endpoint_id.0 as usize];
        if !endpoint.bind(
            id,
            &setting.wire_name,
            setting.owner,
            setting.convention,
            setting.neutral,
        ) {
            let text = format!(
                "'{}' is shown on endpoint '{}' already",
                setting.wire_name, endpoint.settings.name
            );
            self.trouble(
                true,
                format!("bind:{}", setting.signal),
                &setting.signal,
                text,
                "give each signal one name per endpoint",
            );
            return None;
        }
        let cell = self.ledger.space.cell(id);
        let is_said =
            setting.value.is_some() || (cell.writer != Writer::Nobody && cell.quality != Quality::NeverWritten);
        if let Some(binding) = endpoint.bindings.last_mut() {
            binding.guessed = guessed;
            binding.said = is_said;
        }
        let is_of_link = endpoint.link.is_some() && setting.owner == Owner::Hub;
        if is_of_link && !is_said && self.ledger.space.len() > existed {
            self.ledger.mark(id, Quality::NeverWritten);
        }
        if self.ledger.space.len() > existed {
            self.created.push(id);
        }
        self.appeared.push((endpoint_id, setting.wire_name.as_str().into(), id));
        Some(id)
    }
}

pub(crate) fn conflict_id(name: &str) -> String {
    format!("conflict:{name}")
}

pub(crate) fn is_too_long(value: &Value, max: usize) -> bool {
    matches!(value, Value::Text(text) if text.len() > max)
}

fn add_ignored(total: &mut crate::api::Ignored, more: crate::api::Ignored) {
    total.owned += more.owned;
    total.forbidden += more.forbidden;
    total.echo += more.echo;
    total.bad_value += more.bad_value;
}
