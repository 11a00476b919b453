//! Views: which signals a client is told about, how often, and what it has been told.
//!
//! Clients with the same view are members of one *group* and share its frames: what changed since the group was told is
//! walked once, encoded once and framed once, and the same bytes go to every member in step. A member whose socket is full
//! leaves the step, keeps its own mark of what it was told, gets one frame over everything since then when it can take it, and
//! is in step again.

pub(crate) mod frame;

use crate::client::{Clients, Step, View};
use crate::clock::Both;
use crate::endpoint::Endpoint;
use crate::input::ConnId;
use crate::output::{Class, Frame, Output};
use crate::settings::EndpointId;
use crate::signal::{Cell, Generation, SignalId, SignalSpace, Value, Writer};
use crate::time::Time;
use crate::timers::{Alarm, Timers};
use bytes::Bytes;
use frame::Row;
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::time::Duration;

/// Names one group while it has users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupId(u32);

/// How the frames of a group are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Codec {
    /// `data` of an endpoint.
    Realvirtual(EndpointId),
    /// `data` of our live channel.
    Live,
}

/// What makes two views the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GroupKey {
    pub(crate) codec: Codec,
    /// The signals in ascending order; `None` for all of the endpoint.
    pub(crate) set: Option<Arc<[SignalId]>>,
    /// No two frames stand closer than this, on average.
    pub(crate) cycle: Duration,
    /// Only what changed, or everything every cycle.
    pub(crate) only_changed: bool,
}

/// Clients with one view.
#[derive(Debug)]
struct Group {
    key: GroupKey,
    /// The members in step.
    members: Vec<ConnId>,
    /// Members and those that are behind.
    users: usize,
    told: Generation,
    next_at: Time,
    alarm: Option<Time>,
    /// Somebody is owed a value, or a held bit has to come down, although nothing changed.
    wants: bool,
    /// Bits that are shown other than they are, for one cycle: what is shown.
    held: Vec<(SignalId, bool)>,
}

/// A group may send early by this part of its cycle, so that a writer at exactly the cycle's rate is never delayed.
const EARLY_PART: u32 = 8;
/// A group of which nothing had changed looks again after this.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// All groups.
#[derive(Debug, Default)]
pub(crate) struct Views {
    groups: Vec<Option<Group>>,
    by_key: FxHashMap<GroupKey, GroupId>,
    looked_at: Generation,
    look_again: bool,
    span: Vec<SignalId>,
}

/// What a flush works on: the parts of the hub that it reads and writes.
pub(crate) struct House<'a> {
    pub(crate) now: Time,
    pub(crate) both: Both,
    pub(crate) space: &'a SignalSpace,
    pub(crate) endpoints: &'a mut [Endpoint],
    pub(crate) clients: &'a mut Clients,
    pub(crate) timers: &'a mut Timers,
    pub(crate) outputs: &'a mut Vec<Output>,
}

impl Views {
    /// The group of this view, made when there is none; the caller becomes a user of it.
    pub(crate) fn enter(&mut self, key: GroupKey, now: Time, generation: Generation) -> GroupId {
        if let Some(id) = self.by_key.get(&key).copied()
            && let Some(group) = self.group_mut(id)
        {
            group.users += 1;
            return id;
        }
        let free = self.groups.iter().position(Option::is_none);
        let index = free.unwrap_or(self.groups.len());
        if free.is_none() {
            self.groups.push(None);
        }
        let id = GroupId(index as u32);
        self.by_key.insert(key.clone(), id);
        let group = Group {
            key,
            members: Vec::new(),
            users: 1,
            told: generation,
            next_at: now,
            alarm: None,
            wants: false,
            held: Vec::new(),
        };
        self.groups[index] = Some(group);
        id
    }

    /// The caller no longer uses a group; a group without users is gone.
    pub(crate) fn leave(&mut self, id: GroupId, conn: ConnId) {
        let Some(group) = self.group_mut(id) else { return };
        group.members.retain(|member| *member != conn);
        group.users -= 1;
        if group.users == 0
            && let Some(group) = self.groups[id.0 as usize].take()
        {
            self.by_key.remove(&group.key);
        }
    }

    /// The mark of a group.
    pub(crate) fn told(&self, id: GroupId) -> Generation {
        self.group(id).map_or(Generation(0), |group| group.told)
    }

    /// The view of a group.
    pub(crate) fn key(&self, id: GroupId) -> Option<&GroupKey> {
        self.group(id).map(|group| &group.key)
    }

    /// Something is owed to a member in step: the group sends at its next cycle although nothing may have changed.
    pub(crate) fn want(&mut self, id: GroupId) {
        if let Some(group) = self.group_mut(id) {
            group.wants = true;
            self.look_again = true;
        }
    }

    /// A member takes no more frames: it keeps its own mark from now on.
    pub(crate) fn fall_behind(&mut self, house: &mut House<'_>, conn: ConnId, told: Generation) {
        let Some(client) = house.clients.get_mut(&conn) else {
            return;
        };
        match client.step {
            Step::Idle => {}
            Step::Behind { told: before, since } => {
                client.step = Step::Behind {
                    told: before.min(told),
                    since,
                }
            }
            Step::Shared => {
                client.step = Step::Behind { told, since: house.now };
                if let Some(id) = client.group {
                    let held = self.leave_step(id, conn);
                    client.owed.extend(held.into_iter().map(|id| (id, 0)));
                }
            }
        }
    }

    /// Takes a member out of the step. The bits that are held just now were shown to it other than they are: it is owed them.
    pub(crate) fn leave_step(&mut self, id: GroupId, conn: ConnId) -> Vec<SignalId> {
        let Some(group) = self.group_mut(id) else {
            return Vec::new();
        };
        group.members.retain(|member| *member != conn);
        group.held.iter().map(|(id, _)| *id).collect()
    }

    /// A client that was behind gets one frame over everything since its mark and is in step again, if it takes values now.
    pub(crate) fn catch_up(&mut self, house: &mut House<'_>, conn: ConnId) {
        let Some(client) = house.clients.get_mut(&conn) else {
            return;
        };
        let Step::Behind { told, since } = client.step else {
            return;
        };
        let Some(id) = client.group else { return };
        if !client.takes_values() {
            return;
        }
        let mut span = std::mem::take(&mut self.span);
        let Some(group) = self.group_mut(id) else { return };
        collect_changed(house.space, house.endpoints, &group.key, told, &mut span);
        let cycles = house.now.since(since).as_nanos() / group.key.cycle.as_nanos().max(1);
        let gap = (cycles > 0).then_some(frame::Gap {
            since,
            merged: cycles as u64,
        });
        client.step = Step::Shared;
        client.baseline_at = Some(house.now);
        if group.members.is_empty() {
            // Nobody in step has been told anything that this client has not: the group begins with it.
            group.told = house.space.generation();
            group.held.clear();
        }
        group.members.push(conn);
        // A newcomer to a quiet group starts no new cycle of the others.
        let rows: Vec<Row> = own_rows(
            house.space,
            conn,
            &group.key,
            span.iter().copied().map(Row::current),
            &client.owed,
        );
        send_own(house, &group.key, conn, (told, None), rows, gap);
        span.clear();
        self.span = span;
    }

    /// Sends to every group that has something to send and may; sets the alarm of the others. Called at the end of every turn.
    pub(crate) fn flush_due(&mut self, house: &mut House<'_>) {
        let generation = house.space.generation();
        if self.looked_at == generation && !std::mem::take(&mut self.look_again) {
            return;
        }
        self.looked_at = generation;
        for index in 0..self.groups.len() {
            self.flush_if_due(house, GroupId(index as u32));
        }
    }

    /// The alarm of a group went off.
    pub(crate) fn alarm(&mut self, house: &mut House<'_>, id: GroupId, at: Time) {
        match self.group_mut(id) {
            Some(group) if group.alarm == Some(at) => group.alarm = None,
            _ => return,
        }
        self.flush_if_due(house, id);
    }

    fn flush_if_due(&mut self, house: &mut House<'_>, id: GroupId) {
        let mut span = std::mem::take(&mut self.span);
        if let Some(group) = self.group_mut(id) {
            let has_news = group.told < house.space.generation() || group.wants || !group.key.only_changed;
            if has_news && !group.members.is_empty() {
                if house.now + group.key.cycle / EARLY_PART >= group.next_at {
                    group.flush(house, &mut span);
                }
                group.set_alarm(house, id);
            }
        }
        span.clear();
        self.span = span;
    }

    fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(id.0 as usize)?.as_ref()
    }

    fn group_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.groups.get_mut(id.0 as usize)?.as_mut()
    }
}

impl Group {
    /// One cycle: what changed, once for all members in step.
    fn flush(&mut self, house: &mut House<'_>, span: &mut Vec<SignalId>) {
        let told = self.told;
        match self.key.only_changed {
            true => collect_changed(house.space, house.endpoints, &self.key, told, span),
            false => collect_all(house.space, house.endpoints, &self.key, span),
        }
        let (rows, extra) = self.rows(house, span, told);
        self.told = house.space.generation();
        self.wants = !self.held.is_empty();
        let authors = authors(house.space, &rows);
        let mut sharers: Vec<ConnId> = Vec::with_capacity(if rows.is_empty() { 0 } else { self.members.len() });
        let mut sent = false;
        for index in 0..self.members.len() {
            let conn = self.members[index];
            let Some(client) = house.clients.get(&conn) else {
                continue;
            };
            if client.owed.is_empty() && !authors.contains(&conn) {
                sharers.push(conn);
            } else {
                let own = own_rows(house.space, conn, &self.key, rows.iter().copied(), &client.owed);
                sent |= send_own(house, &self.key, conn, (told, extra.as_deref()), own, None);
            }
        }
        if !rows.is_empty() && !sharers.is_empty() {
            let bytes = frame::encode(house.space, house.endpoints, &self.key, house.both, &rows, None);
            for conn in &sharers {
                if let Some(client) = house.clients.get_mut(conn) {
                    count(&mut client.counters, 1, bytes.len(), rows.len());
                }
            }
            if let Codec::Realvirtual(endpoint) = self.key.codec {
                let counters = &mut house.endpoints[endpoint.0 as usize].counters;
                count(counters, sharers.len(), bytes.len(), rows.len());
            }
            let frame = Frame {
                bytes,
                class: Class::Value { from: told, extra },
            };
            house.outputs.push(Output::Share { conns: sharers, frame });
            sent = true;
        }
        // The schedule is kept when a frame is late by less than a cycle, so that a writer who slips once is not delayed from
        // then on. A held bit stays for a whole cycle.
        let pause = if sent {
            self.key.cycle
        } else {
            self.key.cycle.min(LOOK_AGAIN)
        };
        let is_on_schedule = house.now.since(self.next_at) < self.key.cycle;
        self.next_at = if is_on_schedule { self.next_at } else { house.now } + pause;
        if !self.held.is_empty() {
            self.next_at = self.next_at.max(house.now + self.key.cycle);
        }
    }

    /// The rows of this cycle, and those among them that stand for something else than a change since `told`.
    ///
    /// A bit that went and came back since the last frame would be lost: it is shown as it was in between, and as it is in
    /// the next cycle. A bit that is held already and moved again keeps one edge pending, so no single pulse is lost.
    fn rows(&mut self, house: &House<'_>, span: &[SignalId], told: Generation) -> (Vec<Row>, Option<Arc<[SignalId]>>) {
        let holds = match self.key.codec {
            Codec::Realvirtual(endpoint) => house.endpoints[endpoint.0 as usize].settings.hold_pulses,
            Codec::Live => true,
        };
        let held = std::mem::take(&mut self.held);
        let mut rows = Vec::with_capacity(span.len() + held.len());
        for id in span {
            let cell = house.space.cell(*id);
            let row = match cell.value {
                Value::Bool(bit) if holds => self.held_row(*id, cell, bit, told, &held),
                _ => Row::current(*id),
            };
            rows.push(row);
        }
        // A held bit that did not move again comes down now, although its change is older than `told`.
        let came_down = held.iter().map(|(id, _)| *id);
        let came_down: Vec<SignalId> = came_down
            .filter(|id| house.space.cell(*id).generation <= told)
            .collect();
        if self.key.only_changed {
            rows.extend(came_down.iter().copied().map(Row::current));
        }
        (rows, (!came_down.is_empty()).then(|| came_down.into()))
    }

    fn held_row(&mut self, id: SignalId, cell: &Cell, bit: bool, told: Generation, held: &[(SignalId, bool)]) -> Row {
        let shown = held.iter().find(|(other, _)| *other == id).map(|(_, shown)| *shown);
        let came_back = match shown {
            Some(shown) => shown == bit,
            None => cell.generation > told && cell.generation_before > told,
        };
        if !came_back {
            return Row::current(id);
        }
        self.held.push((id, !bit));
        Row { id, shown: Some(!bit) }
    }

    fn set_alarm(&mut self, house: &mut House<'_>, id: GroupId) {
        let has_news = self.told < house.space.generation() || self.wants || !self.key.only_changed;
        if has_news && self.alarm.is_none_or(|alarm| alarm > self.next_at) {
            self.alarm = Some(self.next_at);
            house.timers.set(self.next_at, Alarm::Group(id));
        }
    }
}

/// Is a signal in the view of a client?
pub(crate) fn is_in_view(view: &View, key: Option<&GroupKey>, endpoint: Option<&Endpoint>, id: SignalId) -> bool {
    match (view, key.and_then(|key| key.set.as_ref())) {
        (_, Some(set)) => set.binary_search(&id).is_ok(),
        (View::All | View::Unsaid, None) => endpoint.is_some_and(|endpoint| endpoint.slot_of(id).is_some()),
        (View::List { .. } | View::Patterns { .. }, None) => false,
    }
}

/// The signals of a view that changed after `told`, newest first; for the live channel also those of which the quality did.
fn collect_changed(
    space: &SignalSpace,
    endpoints: &[Endpoint],
    key: &GroupKey,
    told: Generation,
    span: &mut Vec<SignalId>,
) {
    span.clear();
    match (&key.set, key.codec) {
        (None, Codec::Realvirtual(endpoint)) => {
            let endpoint = &endpoints[endpoint.0 as usize];
            span.extend(space.changed_since(told).filter(|id| endpoint.slot_of(*id).is_some()));
        }
        (None, Codec::Live) => span.extend(space.changed_since(told)),
        (Some(set), _) => {
            // Walking what changed costs a search per signal, walking the set a look at each cell: take the shorter way.
            let search_cost = set.len().max(2).ilog2() as usize;
            let budget = set.len() / search_cost;
            if space.changed_since(told).nth(budget).is_some() {
                span.extend(set.iter().copied().filter(|id| space.cell(*id).generation > told));
            } else {
                span.extend(space.changed_since(told).filter(|id| set.binary_search(id).is_ok()));
            }
        }
    }
    if key.codec == Codec::Live {
        let in_set = |id: &SignalId| key.set.as_ref().is_none_or(|set| set.binary_search(id).is_ok());
        span.extend(
            space
                .requalified_since(told)
                .filter(|id| space.cell(*id).generation <= told && in_set(id)),
        );
    }
}

fn collect_all(space: &SignalSpace, endpoints: &[Endpoint], key: &GroupKey, span: &mut Vec<SignalId>) {
    span.clear();
    match (&key.set, key.codec) {
        (Some(set), _) => span.extend(set.iter().copied()),
        (None, Codec::Realvirtual(endpoint)) => {
            span.extend(
                endpoints[endpoint.0 as usize]
                    .bindings
                    .iter()
                    .map(|binding| binding.signal),
            );
        }
        (None, Codec::Live) => span.extend((0..space.len() as u32).map(SignalId)),
    }
}

/// The peers that wrote what stands in these rows.
fn authors(space: &SignalSpace, rows: &[Row]) -> Vec<ConnId> {
    let mut authors: Vec<ConnId> = Vec::new();
    for row in rows {
        if let Writer::Peer(conn) = space.cell(row.id).writer
            && authors.last() != Some(&conn)
            && !authors.contains(&conn)
        {
            authors.push(conn);
        }
    }
    authors
}

/// The rows for one client: without what it wrote itself and surely holds, with what it is owed (RV-13).
fn own_rows(
    space: &SignalSpace,
    conn: ConnId,
    key: &GroupKey,
    rows: impl Iterator<Item = Row>,
    owed: &FxHashMap<SignalId, u32>,
) -> Vec<Row> {
    let is_own = |id: SignalId| key.codec != Codec::Live && space.cell(id).writer == Writer::Peer(conn);
    let mut own: Vec<Row> = rows
        .filter(|row| !is_own(row.id) && !owed.contains_key(&row.id))
        .collect();
    let mut owed: Vec<SignalId> = owed.keys().copied().collect();
    owed.sort_unstable();
    own.extend(owed.into_iter().map(Row::current));
    own
}

/// Sends one client its own frame; false when there is nothing to send.
fn send_own(
    house: &mut House<'_>,
    key: &GroupKey,
    conn: ConnId,
    (from, come_down): (Generation, Option<&[SignalId]>),
    rows: Vec<Row>,
    gap: Option<frame::Gap>,
) -> bool {
    let Some(client) = house.clients.get_mut(&conn) else {
        return false;
    };
    if rows.is_empty() {
        return false;
    }
    let owed = client.take_owed(house.now);
    // What this frame carries beyond its span is owed again if it cannot be begun.
    let extra: Vec<SignalId> = owed
        .into_iter()
        .chain(come_down.into_iter().flatten().copied())
        .collect();
    let bytes: Bytes = frame::encode(house.space, house.endpoints, key, house.both, &rows, gap);
    count(&mut client.counters, 1, bytes.len(), rows.len());
    if let Codec::Realvirtual(endpoint) = key.codec {
        count(
            &mut house.endpoints[endpoint.0 as usize].counters,
            1,
            bytes.len(),
            rows.len(),
        );
    }
    house.outputs.push(Output::Send {
        conn,
        frame: Frame {
            bytes,
            class: Class::Value {
                from,
                extra: (!extra.is_empty()).then(|| extra.into()),
            },
        },
    });
    true
}

/// Counts so many frames of the same size.
fn count(counters: &mut crate::api::Counters, frames: usize, bytes: usize, rows: usize) {
    counters.messages_out += frames as u64;
    counters.bytes_out += (frames * bytes) as u64;
    counters.updates_out += (frames * rows) as u64;
}
