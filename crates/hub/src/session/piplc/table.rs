//! The route table of PiPLC's clients: addresses of contexts, carried from one to the other at their own pace (PL-20).
//!
//! It stands beside the routes of the hub, which carry every change at once. A table is sampled: at every tick the sources of
//! all routes that are due are read before any target is written, and targets are written in the order of the table.

use super::places;
use super::replies::Front;
use super::sees;
use crate::access::{Access, Actor};
use crate::api::{RouteOrigin, RouteRow};
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::Output;
use crate::plc::act::{as_value, signal_name};
use crate::plc::{Numbered, Order, PlcId};
use crate::rights;
use crate::settings::OnStale;
use crate::signal::Value;
use crate::time::Time;
use crate::timers::Alarm;
use crosstie_ladder::address::Address;
use crosstie_ladder::data_table::{CellValue, Place};
use crosstie_wire::piplc::{Event, RefusedRoute, Reply, Route};
use rustc_hash::FxHashSet;
use serde_json::json;
use std::time::Duration;

/// The grid on which tables are worked off, in milliseconds.
const TICK_MS: u64 = 10;
/// Routes of a table. Further ones are refused.
const ROUTES_MAX: usize = 10_000;

/// The table.
#[derive(Debug)]
pub(crate) struct RouteTable {
    is_enabled: bool,
    routes: Vec<TableRoute>,
    next_tick: Option<Time>,
    last_given: u64,
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
            waiting: self.why_idle(route).map(String::from),
            count: route.count,
            last_value: route.last.as_ref().map(|(value, _)| value.clone()),
            last_at: route.last.as_ref().map(|(_, at)| *at),
        })
    }

    fn why_idle(&self, route: &TableRoute) -> Option<&'static str> {
        match (route.is_cut, route.route.enabled, self.is_enabled) {
            (true, ..) => Some("its context is gone"),
            (_, false, _) => Some("it is switched off in the route table of a PiPLC client"),
            (.., false) => Some("the route table of PiPLC clients is switched off"),
            _ => None,
        }
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

    fn listed(&self) -> Vec<Route> {
        self.routes.iter().map(|route| route.route.clone()).collect()
    }

    /// When the next route is due.
    fn next(&self) -> Option<Time> {
        let routes = self.routes.iter().filter(|route| self.why_idle(route).is_none());
        routes.map(|route| route.next).min()
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
        let (taken, refused) = self.checked_routes(&by.access, routes);
        let before = self.piplc.table.routes.len();
        let (first, count) = (self.next_tick(), taken.len());
        self.piplc.table.is_enabled = enabled;
        self.piplc.table.routes = taken
            .into_iter()
            .map(|(route, from, to)| TableRoute {
                row: self.routes.next_id(),
                route,
                from,
                to,
                next: first,
                count: 0,
                last: None,
                is_cut: false,
            })
            .collect();
        self.set_table_alarm();
        let rows: Vec<RefusedRoute<'_>> = refused
            .iter()
            .map(|(route_id, error)| RefusedRoute { route_id, error })
            .collect();
        let reply = Reply::RoutesSynced {
            route_count: count,
            refused: &rows,
        };
        self.piplc_reply(conn, front, &reply, is_next);
        let values = (json!({"routes": before}), json!({"routes": count, "enabled": enabled}));
        self.audit(by, "route.sync", String::from("routes of PiPLC clients"), values);
        let event = Event::RoutesChanged {
            enabled,
            routes: self.piplc.table.listed(),
        };
        self.piplc_tell_all(None, &event, Some(conn));
    }

    pub(super) fn piplc_list_routes(&mut self, conn: ConnId, front: &Front, is_next: bool) {
        let routes = self.piplc.table.listed();
        let enabled = self.piplc.table.is_enabled;
        let reply = Reply::Routes {
            enabled,
            routes: &routes,
        };
        self.piplc_reply(conn, front, &reply, is_next);
    }

    /// The routes that can be carried, with their ends, and why the others cannot.
    fn checked_routes(&mut self, access: &Access, routes: Vec<Route>) -> (Vec<Taken>, Vec<NotTaken>) {
        let mut taken = Vec::new();
        let mut refused = Vec::new();
        let mut ids: FxHashSet<Box<str>> = routes.iter().filter_map(|route| route.route_id.clone()).collect();
        let mut seen: FxHashSet<Box<str>> = FxHashSet::default();
        for mut route in routes {
            let id = match route.route_id.take() {
                Some(id) => id,
                None => self.piplc.table.free_id(&mut ids),
            };
            let ends = match (seen.insert(id.clone()), taken.len() < ROUTES_MAX) {
                (false, _) => Err(format!("there is a route '{id}' before it already")),
                (_, false) => Err(format!("the limit of {ROUTES_MAX} routes is reached")),
                _ => self.ends(access, &route),
            };
            match ends {
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
        Time::from_millis((self.now.as_millis() / TICK_MS + 1) * TICK_MS)
    }

    fn set_table_alarm(&mut self) {
        let next = self.piplc.table.next();
        self.piplc.table.next_tick = next;
        if let Some(next) = next {
            self.timers.set(next, Alarm::RouteTable);
        }
    }

    /// Routes of the table are due: their sources are read, then their targets are written.
    pub(crate) fn table_alarm(&mut self, at: Time) {
        if self.piplc.table.next_tick != Some(at) {
            return;
        }
        let now = self.now;
        let due: Vec<usize> = self.piplc.table.due(now);
        let read = |end: &End| {
            let context = self.plcs.get(end.plc)?;
            context.mirror.read(end.address)
        };
        let table = &self.piplc.table;
        let values: Vec<(usize, Option<CellValue>, Option<CellValue>)> = due
            .into_iter()
            .filter_map(|index| {
                let route = table.routes.get(index)?;
                Some((index, read(&route.from), read(&route.to)))
            })
            .collect();
        let mut written: Vec<(PlcId, Address)> = Vec::new();
        for (index, source, target) in values {
            let Some(route) = self.piplc.table.routes.get_mut(index) else {
                continue;
            };
            let (Some(source), Some(target)) = (source, target) else {
                continue;
            };
            route.next = next_of(route, now);
            let value = fitted(source, target, route.to.address);
            let to = (route.to.plc, route.to.address);
            // What stands there already need not be written, unless a route before it has just written something else.
            if value == target && !written.contains(&to) {
                continue;
            }
            written.push(to);
            route.count += 1;
            route.last = Some((as_value(value), now));
            let order = Order::Feed {
                address: route.to.address,
                value,
            };
            self.outputs.push(Output::Plc {
                plc: route.to.plc,
                order: Box::new(Numbered { number: 0, order }),
            });
        }
        self.set_table_alarm();
    }
}

impl RouteTable {
    fn due(&self, now: Time) -> Vec<usize> {
        let routes = self.routes.iter().enumerate();
        let due = routes.filter(|(_, route)| self.why_idle(route).is_none() && route.next <= now);
        due.map(|(index, _)| index).collect()
    }

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

/// When a route is due again, on the grid and after now.
fn next_of(route: &TableRoute, now: Time) -> Time {
    let every = u64::from(route.route.interval_ms).max(1).next_multiple_of(TICK_MS);
    let missed = now.since(route.next).as_millis() as u64 / every;
    route.next + Duration::from_millis(every * (missed + 1))
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
