//! The route table of PiPLC's clients: addresses of contexts, carried from one to the other at their own pace, in the hub's time (PL-20).
//!
//! It stands beside the routes of the hub, which carry every change at once. A table is sampled: at every tick the sources of
//! all routes that are due are read before any target is written, and targets are written in the order of the table. Of
//! several routes to one target the last of the table that is due is the one that writes.
//!
//! There is one table for all clients, and each deals with its own part: it is shown the routes of which it may see both
//! ends, and replaces those that it could have made. The others stay when it sends a table, behind the routes that it sends.

use super::events::event_frame;
use super::places;
use super::replies::Front;
use super::sees;
use crate::access::{Access, Actor};
use crate::api::{RouteOrigin, RouteRow};
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::Output;
use crate::plc::act::{as_value, signal_name};
use crate::plc::context::Context;
use crate::plc::{Numbered, Order, PlcId};
use crate::rights;
use crate::settings::{OnStale, Transform};
use crate::signal::Value;
use crate::time::Time;
use crate::timers::Alarm;
use bytes::Bytes;
use crosstie_ladder::address::Address;
use crosstie_ladder::data_table::{CellValue, Place};
use crosstie_wire::piplc::{Dialect, Event, RefusedRoute, Reply, Route};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The grid on which tables are worked off, in milliseconds.
const TICK_MS: u64 = 10;
/// Routes of a table. Further ones are refused.
const ROUTES_MAX: usize = 10_000;
/// Moments of a route that may pass unserved within [`LATE_WINDOW`]. More are a problem.
const MISSED_MAX: u64 = 10;
/// The time in which missed moments are counted together.
const LATE_WINDOW: Duration = Duration::from_secs(1);
/// A table that has missed nothing for so long is on time again.
const ON_TIME_AFTER: Duration = Duration::from_secs(10);
/// The problem of a table that is late.
const LATE: &str = "piplc:routes";

/// The table.
#[derive(Debug)]
pub(crate) struct RouteTable {
    /// The switch as it was sent last; each route has its own copy of what its sender said.
    is_enabled: bool,
    routes: Vec<TableRoute>,
    next_tick: Option<Time>,
    last_given: u64,
    /// What each target was told last, or showed by itself. A force hides what stands underneath.
    fed: FxHashMap<Target, CellValue>,
    lateness: Lateness,
}

/// Where a value goes.
type Target = (PlcId, Address);

/// How far the table is behind.
#[derive(Debug, Default)]
struct Lateness {
    /// When the count began.
    since: Time,
    /// Moments that passed unserved since then, of the route that missed most at each tick.
    missed: u64,
    last_missed: Time,
    is_said: bool,
}

#[derive(Debug)]
struct TableRoute {
    /// Its number among all routes of the hub.
    row: u32,
    /// As it is listed.
    route: Route,
    from: End,
    to: End,
    next: Time,
    count: u64,
    last: Option<(Value, Time)>,
    /// The switch of the table that it came with.
    is_on: bool,
    /// A context of it is gone.
    is_cut: bool,
}

/// One end of a route.
#[derive(Debug, Clone)]
struct End {
    plc: PlcId,
    address: Address,
    /// Name of its signal.
    name: String,
}

/// A route that can be carried, and its ends.
type Taken = (Route, End, End);
/// The id of a route that cannot be carried, and why.
type NotTaken = (Box<str>, String);

impl Default for RouteTable {
    fn default() -> RouteTable {
        RouteTable {
            is_enabled: true,
            routes: Vec::new(),
            next_tick: None,
            last_given: 0,
            fed: FxHashMap::default(),
            lateness: Lateness::default(),
        }
    }
}

impl RouteTable {
    /// One row for each route, in the order of the table.
    pub(crate) fn rows(&self) -> impl Iterator<Item = RouteRow> + '_ {
        self.routes.iter().map(|route| RouteRow {
            id: route.row,
            from: route.from.name.clone(),
            to: route.to.name.clone(),
            origin: RouteOrigin::Piplc,
            on_stale: OnStale::Hold,
            waiting: why_idle(route).map(String::from),
            count: route.count,
            held: 0,
            failed: 0,
            error: None,
            last_value: route.last.as_ref().map(|(value, _)| value.clone()),
            last_at: route.last.as_ref().map(|(_, at)| *at),
            transform: Transform::default(),
            pattern: None,
            fits: None,
        })
    }

    /// Whether a route of the hub stands here.
    pub(crate) fn holds(&self, row: u32) -> bool {
        self.routes.iter().any(|route| route.row == row)
    }

    /// Routes of a context that is gone are switched off, and stay in the table.
    pub(super) fn context_gone(&mut self, plc: PlcId) {
        for route in &mut self.routes {
            if route.from.plc == plc || route.to.plc == plc {
                route.is_cut = true;
                route.route.enabled = false;
            }
        }
    }

    /// When the next route is due.
    fn next(&self) -> Option<Time> {
        let routes = self.routes.iter().filter(|route| why_idle(route).is_none());
        routes.map(|route| route.next).min()
    }
}

fn why_idle(route: &TableRoute) -> Option<&'static str> {
    match (route.is_cut, route.route.enabled, route.is_on) {
        (true, ..) => Some("its context is gone"),
        (_, false, _) => Some("it is switched off in the route table of a PiPLC client"),
        (.., false) => Some("the route table of PiPLC clients is switched off"),
        _ => None,
    }
}

impl Hub {
    /// Another table (PL-20).
    pub(super) fn piplc_sync_routes(
        &mut self,
        conn: ConnId,
        by: &Actor,
        (front, is_next): (&Front, bool),
        (enabled, routes): (bool, Vec<Route>),
    ) {
        if let Err(refused) = rights::check_need(&by.access, rights::CHANGE_ROUTES) {
            return self.piplc_refuse(conn, front, &refused.to_string(), is_next);
        }
        let before = self.piplc.table.routes.len();
        let replaced = self.replaced_routes(&by.access);
        let mut old = std::mem::take(&mut self.piplc.table.routes);
        let mut replaced = replaced.into_iter();
        old.retain(|_| !replaced.next().unwrap_or(false));
        let (taken, refused) = self.checked_routes(&by.access, routes, &old);
        let (first, count) = (self.next_tick(), taken.len());
        let mut table: Vec<TableRoute> = taken
            .into_iter()
            .map(|(route, from, to)| TableRoute {
                row: self.routes.next_id(),
                route,
                from,
                to,
                next: first,
                count: 0,
                last: None,
                is_on: enabled,
                is_cut: false,
            })
            .collect();
        table.append(&mut old);
        let after = table.len();
        self.piplc.table.is_enabled = enabled;
        self.piplc.table.routes = table;
        self.piplc.table.fed.clear();
        self.set_table_alarm();
        self.table_on_time();
        let rows: Vec<RefusedRoute<'_>> = refused
            .iter()
            .map(|(route_id, error)| RefusedRoute { route_id, error })
            .collect();
        let reply = Reply::RoutesSynced {
            route_count: count,
            refused: &rows,
        };
        self.piplc_reply(conn, front, &reply, is_next);
        let values = (json!({"routes": before}), json!({"routes": after, "enabled": enabled}));
        self.audit(by, "route.sync", String::from("routes of PiPLC clients"), values);
        self.piplc_tell_routes(conn);
    }

    pub(super) fn piplc_list_routes(&mut self, conn: ConnId, by: &Actor, front: &Front, is_next: bool) {
        let (enabled, routes) = self.routes_shown(&by.access);
        let reply = Reply::Routes {
            enabled,
            routes: &routes,
        };
        self.piplc_reply(conn, front, &reply, is_next);
    }

    /// Tells every client but one the part of the table that it may see.
    fn piplc_tell_routes(&mut self, but: ConnId) {
        let sessions = self.piplc.sessions.iter().filter(|(conn, _)| **conn != but);
        let told: Vec<(ConnId, Dialect, Arc<Access>)> = sessions
            .filter_map(|(conn, session)| Some((*conn, session.dialect, session.actor.as_ref()?.access.clone())))
            .collect();
        let frame = |hub: &Hub, access: &Access, dialect: Dialect| {
            let (enabled, routes) = hub.routes_shown(access);
            event_frame(dialect, None, &Event::RoutesChanged { enabled, routes })
        };
        // Those who may see everything are told the same.
        let mut whole: [Option<Bytes>; 2] = [None, None];
        for (conn, dialect, access) in told {
            let bytes = match access.view.is_all() {
                true => whole[dialect as usize]
                    .get_or_insert_with(|| frame(self, &access, dialect))
                    .clone(),
                false => frame(self, &access, dialect),
            };
            self.piplc_tell(conn, bytes);
        }
    }

    /// The routes of which somebody may see both ends, and whether they are on. Where some are on, those that are off by the
    /// switch of another client are listed as switched off themselves.
    fn routes_shown(&self, access: &Access) -> (bool, Vec<Route>) {
        let table = &self.piplc.table;
        let routes = table.routes.iter();
        let seen: Vec<&TableRoute> = routes
            .filter(|route| self.sees_end(access, &route.from) && self.sees_end(access, &route.to))
            .collect();
        let enabled = match seen.is_empty() {
            true => table.is_enabled,
            false => seen.iter().any(|route| route.is_on),
        };
        let listed = |route: &&TableRoute| Route {
            enabled: route.route.enabled && (route.is_on || !enabled),
            ..route.route.clone()
        };
        (enabled, seen.iter().map(listed).collect())
    }

    fn sees_end(&self, access: &Access, end: &End) -> bool {
        access.view.is_all() || access.sees(&self.meant(&end.name))
    }

    /// For each route of the table whether somebody could have made it, and so replaces it with another table.
    fn replaced_routes(&self, access: &Access) -> Vec<bool> {
        let sees_whole = |end: &End| {
            let context = self.plcs.get(end.plc);
            self.sees_end(access, end) && context.is_none_or(|context| sees(access, context))
        };
        let routes = self.piplc.table.routes.iter();
        routes
            .map(|route| sees_whole(&route.from) && sees_whole(&route.to) && access.writes(&route.to.name))
            .collect()
    }

    /// The routes that can be carried, with their ends, and why the others cannot.
    fn checked_routes(
        &mut self,
        access: &Access,
        routes: Vec<Route>,
        kept: &[TableRoute],
    ) -> (Vec<Taken>, Vec<NotTaken>) {
        let mut taken = Vec::new();
        let mut refused = Vec::new();
        let mut ids: FxHashSet<Box<str>> = routes.iter().filter_map(|route| route.route_id.clone()).collect();
        let kept_ids: FxHashSet<Box<str>> = kept.iter().filter_map(|route| route.route.route_id.clone()).collect();
        ids.extend(kept_ids.iter().cloned());
        let mut seen: FxHashSet<Box<str>> = FxHashSet::default();
        for mut route in routes {
            let id = match route.route_id.take() {
                Some(id) => id,
                None => self.piplc.table.free_id(&mut ids),
            };
            let ends = match (seen.insert(id.clone()), kept.len() + taken.len() < ROUTES_MAX) {
                (false, _) => Err(format!("there is a route '{id}' before it already")),
                (_, false) => Err(format!("the limit of {ROUTES_MAX} routes is reached")),
                _ => self.ends(access, &route),
            };
            match ends {
                Ok(_) if kept_ids.contains(&id) => {
                    refused.push((
                        id,
                        String::from("another client has a route of this id; expected another id"),
                    ));
                }
                Ok((from, to)) => {
                    route.route_id = Some(id);
                    taken.push((route, from, to));
                }
                Err(error) => refused.push((id, error)),
            }
        }
        (taken, refused)
    }

    fn ends(&self, access: &Access, route: &Route) -> Result<(End, End), String> {
        let from = self.end(access, &route.src_context, &route.src_address)?;
        let to = self.end(access, &route.dst_context, &route.dst_address)?;
        rights::check_write(access, &to.name).map_err(|refused| refused.to_string())?;
        Ok((from, to))
    }

    fn end(&self, access: &Access, context: &str, address: &str) -> Result<End, String> {
        let context = self.plcs.find(context).filter(|context| sees(access, context));
        let Some(context) = context else {
            return Err(String::from("one of its contexts does not exist"));
        };
        let address = places::address(context, address)?;
        match Place::of(address) {
            Some(_) => Ok(End {
                plc: context.plc,
                address,
                name: signal_name(context, address),
            }),
            None => Err(format!("expected a member such as {address}.ACC, got {address}")),
        }
    }

    /// The next moment on the grid.
    fn next_tick(&self) -> Time {
        Time::from_millis((self.time().as_millis() / TICK_MS + 1) * TICK_MS)
    }

    fn set_table_alarm(&mut self) {
        let next = self.piplc.table.next();
        self.piplc.table.next_tick = next;
        if let Some(next) = next {
            self.hub_timers.set(next, Alarm::RouteTable);
        }
    }

    /// Routes of the table are due: their sources are read, then their targets are written.
    pub(crate) fn table_alarm(&mut self, at: Time) {
        if self.piplc.table.next_tick != Some(at) {
            return;
        }
        let now = self.time();
        let samples = self.samples(now);
        let missed = samples.iter().map(|sample| sample.missed).max().unwrap_or(0);
        let mut last_of: FxHashMap<Target, usize> = FxHashMap::default();
        for sample in &samples {
            last_of.insert(sample.target, sample.index);
        }
        let table = &mut self.piplc.table;
        // The bits of each word that this tick has written.
        let mut written: FxHashMap<(PlcId, usize), u32> = FxHashMap::default();
        for sample in samples {
            let Some(route) = table.routes.get_mut(sample.index) else {
                continue;
            };
            route.next = route.next + route_every(route) * (sample.missed as u32).saturating_add(1);
            let (Some((value, is_right)), Some(place)) = (sample.value, Place::of(route.to.address)) else {
                continue;
            };
            if last_of.get(&sample.target) != Some(&sample.index) {
                continue;
            }
            let is_fed = table.fed.insert(sample.target, value) == Some(value);
            let (word, bits) = place.bits();
            let written = written.entry((route.to.plc, word.get())).or_default();
            // What stands there already need not be written, unless a route before it has just written over it. Under a force
            // nobody sees what stands there: what was told last counts.
            if is_right.unwrap_or(is_fed) && *written & bits == 0 {
                continue;
            }
            *written |= bits;
            route.count += 1;
            route.last = Some((as_value(value), now));
            let order = Order::Feed {
                address: route.to.address,
                value,
            };
            self.outputs.push(Output::Plc {
                plc: route.to.plc,
                order: Box::new(Numbered {
                    number: 0,
                    at: self.now,
                    order,
                }),
            });
        }
        self.set_table_alarm();
        self.judge_table(missed);
    }

    /// What the routes that are due read, in the order of the table.
    fn samples(&self, now: Time) -> Vec<Sample> {
        let contexts: FxHashMap<PlcId, &Context> = self
            .plcs
            .contexts
            .iter()
            .map(|context| (context.plc, context))
            .collect();
        let routes = self.piplc.table.routes.iter().enumerate();
        let due = routes.filter(|(_, route)| why_idle(route).is_none() && route.next <= now);
        due.map(|(index, route)| Sample {
            index,
            target: (route.to.plc, route.to.address),
            missed: (now.since(route.next).as_nanos() / route_every(route).as_nanos()) as u64,
            value: contexts
                .get(&route.from.plc)
                .zip(contexts.get(&route.to.plc))
                .and_then(|(from, to)| sampled(route, from, to)),
        })
        .collect()
    }

    /// Says that the table is late, or no longer.
    fn judge_table(&mut self, missed: u64) {
        let now = self.time();
        let table = &mut self.piplc.table;
        if table.next_tick.is_none() {
            return self.table_on_time();
        }
        let late = &mut table.lateness;
        if now.since(late.since) >= LATE_WINDOW {
            (late.since, late.missed) = (now, 0);
        }
        late.missed += missed;
        if missed > 0 {
            late.last_missed = now;
        }
        if late.missed > MISSED_MAX && !std::mem::replace(&mut late.is_said, true) {
            let (missed, count) = (late.missed, table.routes.len());
            let text = format!("the table of {count} routes is late: {missed} moments passed unserved within a second");
            let hint = "give the table fewer routes or longer intervals";
            self.trouble(false, String::from(LATE), "routes of PiPLC clients", text, hint);
        } else if late.is_said && now.since(late.last_missed) >= ON_TIME_AFTER {
            self.table_on_time();
        }
    }

    /// Nothing is late any more, or nothing is left that could be.
    fn table_on_time(&mut self) {
        let time = self.time();
        self.piplc.table.lateness = Lateness {
            since: time,
            ..Lateness::default()
        };
        self.problems.clear(LATE);
    }
}

/// What a route that is due has read.
struct Sample {
    /// Its place in the table.
    index: usize,
    target: Target,
    /// How often it should have been served since it was due.
    missed: u64,
    /// The value for its target, and whether the target shows it; `None` for the latter under a force.
    value: Option<(CellValue, Option<bool>)>,
}

fn sampled(route: &TableRoute, from: &Context, to: &Context) -> Option<(CellValue, Option<bool>)> {
    let (source, target) = (from.mirror.read(route.from.address)?, to.mirror.read(route.to.address)?);
    let value = fitted(source, target, route.to.address);
    let is_forced = to.mirror.is_forced(route.to.address);
    Some((value, (!is_forced).then_some(value == target)))
}

impl RouteTable {
    /// An id for a route that has none.
    fn free_id(&mut self, taken: &mut FxHashSet<Box<str>>) -> Box<str> {
        loop {
            self.last_given += 1;
            let id: Box<str> = format!("route-{}", self.last_given).into();
            if taken.insert(id.clone()) {
                return id;
            }
        }
    }
}

/// The pace of a route, on the grid.
fn route_every(route: &TableRoute) -> Duration {
    Duration::from_millis(u64::from(route.route.interval_ms).max(1).next_multiple_of(TICK_MS))
}

/// A value as its target holds it: a bit as 0 or 1, a number as on or off, a large number as the largest that fits.
fn fitted(source: CellValue, target: CellValue, address: Address) -> CellValue {
    let number = match (source, target) {
        (CellValue::Bit(on), CellValue::Bit(_)) => return CellValue::Bit(on),
        (CellValue::Word(number), CellValue::Bit(_)) => return CellValue::Bit(number != 0),
        (CellValue::Bit(on), CellValue::Word(_)) => i32::from(on),
        (CellValue::Word(number), CellValue::Word(_)) => number,
    };
    match Place::of(address) {
        Some(Place::Short(_)) => CellValue::Word(number.clamp(i16::MIN.into(), i16::MAX.into())),
        _ => CellValue::Word(number),
    }
}
