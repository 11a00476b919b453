//! Live channels that watch a context: its state, statistics, forces and breakpoints, and the power flow of its program.
//!
//! Every channel has one watch at most. Power flow is recorded only while somebody looks at it; one order per context asks for
//! it, and its answer goes to all whose cycle is over. A channel whose socket is full gets nothing, so that nothing can pile up.

use super::PlcId;
use super::context::Context;
use super::order::Order;
use super::orders::{Asked, Effect};
use crate::access::Access;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::rights;
use crate::time::Time;
use crate::timers::Alarm;
use crosstie_wire::live::{self as wire, PlcFrame, PlcScan, WatchPlc};
use std::collections::BTreeMap;
use std::time::Duration;

/// Cycle of a watch that names none.
const CYCLE_DEFAULT_MS: u64 = 100;
/// A cycle is put into this range.
const CYCLE_RANGE_MS: std::ops::RangeInclusive<u64> = 50..=10_000;
/// A frame is sent after so long although nothing has changed, so that whoever looks knows that the channel lives.
const QUIET_MAX: Duration = Duration::from_secs(1);

/// All watches, by channel.
pub(crate) type Watches = BTreeMap<ConnId, Watch>;

/// One watch.
#[derive(Debug)]
pub(crate) struct Watch {
    /// The request that it came with.
    id: u64,
    plc: PlcId,
    cycle: Duration,
    wants_power: bool,
    /// When its cycle is over.
    due: Time,
    /// It waits for the power flow since its cycle was over.
    waits: bool,
    told: Option<(Time, Shown)>,
}

/// What a frame shows besides the time.
#[derive(Debug, PartialEq)]
struct Shown {
    context: String,
    state: &'static str,
    fault: Option<String>,
    next_rung: Option<u64>,
    program: Option<u64>,
    scan: PlcScan,
    forced: Vec<String>,
    breakpoints: Vec<usize>,
    power: Box<[u64]>,
}

impl Hub {
    /// A channel wants to watch another context, or none.
    pub(crate) fn live_watch(&mut self, conn: ConnId, request: WatchPlc) {
        let Some(access) = self.clients.get(&conn).map(|client| client.access.clone()) else {
            return;
        };
        let cycle = request.cycle_ms.unwrap_or(CYCLE_DEFAULT_MS);
        let cycle = cycle.clamp(*CYCLE_RANGE_MS.start(), *CYCLE_RANGE_MS.end());
        let Some(name) = request.context else {
            self.unwatch(conn);
            self.send_text(conn, |out| wire::write_watching_plc(out, request.id, None, cycle));
            return;
        };
        let Some(context) = self.plcs.find(&name) else {
            let text = format!("no context is called '{name}'");
            self.send_text(conn, |out| {
                wire::write_error(out, Some(request.id), "not_found", &text);
            });
            return;
        };
        let (plc, name) = (context.plc, context.settings.name.clone());
        let wants_power = request.power && rights::check_memory(&access, context).is_ok();
        let watch = Watch {
            id: request.id,
            plc,
            cycle: Duration::from_millis(cycle),
            wants_power,
            due: self.now,
            waits: false,
            told: None,
        };
        let before = self.watches.insert(conn, watch);
        if let Some(before) = before.filter(|before| before.plc != plc || !wants_power) {
            self.record_while_watched(before.plc);
        }
        self.send_text(conn, |out| {
            wire::write_watching_plc(out, request.id, Some(&name), cycle);
        });
        self.look(conn);
    }

    /// A channel no longer watches.
    pub(crate) fn unwatch(&mut self, conn: ConnId) {
        if let Some(watch) = self.watches.remove(&conn) {
            self.record_while_watched(watch.plc);
        }
    }

    /// A context goes away: its watches end, and whoever watched is told.
    pub(crate) fn end_watches_of(&mut self, plc: PlcId) {
        let ended: Vec<(ConnId, u64)> = self
            .watches
            .extract_if(.., |_, watch| watch.plc == plc)
            .map(|(conn, watch)| (conn, watch.id))
            .collect();
        for (conn, id) in ended {
            let text = "the context is gone";
            self.send_text(conn, |out| wire::write_error(out, Some(id), "not_found", text));
        }
    }

    /// The alarm of a watch.
    pub(crate) fn watch_alarm(&mut self, conn: ConnId, at: Time) {
        if self.watches.get(&conn).is_some_and(|watch| watch.due == at) {
            self.look(conn);
        }
    }

    /// A cycle is over: shows the context, or asks for its power flow first.
    fn look(&mut self, conn: ConnId) {
        let now = self.now;
        let Some(watch) = self.watches.get_mut(&conn) else {
            return;
        };
        watch.due = now + watch.cycle;
        let (plc, due) = (watch.plc, watch.due);
        self.timers.set(due, Alarm::PlcWatch(conn));
        let takes = |client: &crate::client::Client| client.outlet.stuck_since().is_none() && client.answer.is_none();
        if !self.clients.get(&conn).is_some_and(takes) {
            return;
        }
        // An engine that has not answered since the cycle before does not keep its state from being shown.
        if watch.wants_power && !std::mem::replace(&mut watch.waits, true) {
            self.ask_for_power(plc);
        } else {
            self.show(conn);
        }
    }

    fn ask_for_power(&mut self, plc: PlcId) {
        self.record_while_watched(plc);
        let Some(context) = self.plcs.get_mut(plc) else { return };
        if !std::mem::replace(&mut context.is_power_asked, true) {
            self.plc_order(plc, Order::TellPower, Effect::None, Asked::Watchers);
        }
    }

    /// The power flow is there, or will not come: shows the context to all who wait.
    pub(crate) fn power_is_told(&mut self, plc: PlcId) {
        if let Some(context) = self.plcs.get_mut(plc) {
            context.is_power_asked = false;
        }
        let waiting = self
            .watches
            .iter_mut()
            .filter(|(_, watch)| watch.plc == plc && watch.waits);
        let due: Vec<ConnId> = waiting
            .map(|(conn, watch)| {
                watch.waits = false;
                *conn
            })
            .collect();
        for conn in due {
            self.show(conn);
        }
    }

    /// Has the power flow recorded while somebody looks at it, and only then.
    fn record_while_watched(&mut self, plc: PlcId) {
        let is_watched = self.watches.values().any(|watch| watch.plc == plc && watch.wants_power);
        let is_busy = self.plcs.is_busy(plc);
        let Some(context) = self.plcs.get_mut(plc) else { return };
        if is_busy || context.records_power == is_watched {
            return;
        }
        context.records_power = is_watched;
        context.power = Box::default();
        self.plc_order(plc, Order::RecordPower(is_watched), Effect::None, Asked::Nobody);
    }

    fn show(&mut self, conn: ConnId) {
        let now = self.now;
        let (Some(watch), Some(client)) = (self.watches.get(&conn), self.clients.get(&conn)) else {
            return;
        };
        if client.outlet.stuck_since().is_some() || client.answer.is_some() {
            return;
        }
        let Some(context) = self.plcs.get(watch.plc) else {
            return;
        };
        let shown = Shown::of(context, &client.access, watch.wants_power);
        let is_old = |(at, told): &(Time, Shown)| *told != shown || now.since(*at) >= QUIET_MAX;
        if !watch.told.as_ref().is_none_or(is_old) {
            return;
        }
        let time = self.time();
        self.send_text(conn, |out| wire::write_plc(out, &shown.frame(time)));
        if let Some(watch) = self.watches.get_mut(&conn) {
            watch.told = Some((now, shown));
        }
    }
}

impl Shown {
    fn of(context: &Context, access: &Access, with_power: bool) -> Shown {
        let statistics = &context.statistics;
        let settings = &context.settings.controller;
        Shown {
            context: context.settings.name.clone(),
            state: context.state.as_str(),
            fault: context.fault.clone(),
            next_rung: context.next_rung.map(|rung| rung as u64),
            program: context.program.as_ref().map(|_| context.program_number),
            scan: PlcScan {
                count: statistics.scan_count,
                last_us: statistics.last_us,
                min_us: statistics.min_us,
                max_us: statistics.max_us,
                avg_us: statistics.average_us(),
                overruns: statistics.overrun_count,
                target_us: u64::from(settings.target_scan.us()),
                watchdog_us: settings.watchdog_us,
                merged: context.merged_scans,
            },
            forced: context
                .forces_seen(access)
                .map(|force| force.address.to_string())
                .collect(),
            breakpoints: context.breakpoints.iter().copied().collect(),
            power: match with_power {
                true => context.power.clone(),
                false => Box::default(),
            },
        }
    }

    fn frame(&self, now: Time) -> PlcFrame<'_> {
        PlcFrame {
            context: &self.context,
            now_ms: now.as_millis(),
            state: self.state,
            fault: self.fault.as_deref(),
            next_rung: self.next_rung,
            program: self.program,
            scan: self.scan,
            forced: &self.forced,
            breakpoints: &self.breakpoints,
            power: &self.power,
        }
    }
}
