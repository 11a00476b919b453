//! Figures for Prometheus, in its text format.
//!
//! They are read from the hub at the moment of the scrape, so there is no second set of counters that could differ.

mod classroom;
mod history;
mod recordings;

use std::fmt::{Display, Write as _};
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use crosstie_hub::api::classroom::ClassRow;
use crosstie_hub::api::plc::{ContextRow, PlcReply, PlcRequest};
use crosstie_hub::api::replay::ReplayState;
use crosstie_hub::api::{Counters, EndpointRow, HealthRow, Ignored, Reply, Request, RouteRow};
use crosstie_hub::plc::{DeviceState, Lateness};
use crosstie_ladder::controller::ControllerState;

use super::{Api, ApiError, Caller};
use crate::modbus_server::ModbusPort;
use crate::player::Player;

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, body = String, content_type = "text/plain; version=0.0.4"),
))]
pub(crate) async fn metrics(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Response, ApiError> {
    let Reply::Health(health) = api.ask(&by, Request::Health).await? else {
        return Err(ApiError::mismatch());
    };
    let Reply::Endpoints(endpoints, _) = api.ask(&by, Request::Endpoints).await? else {
        return Err(ApiError::mismatch());
    };
    let contexts = Request::Plc(PlcRequest::Contexts);
    let Reply::Plc(PlcReply::Contexts(contexts, _)) = api.ask(&by, contexts).await? else {
        return Err(ApiError::mismatch());
    };
    let Reply::Routes(routes, _) = api.ask(&by, Request::Routes).await? else {
        return Err(ApiError::mismatch());
    };
    let Reply::Clock(clock) = api.ask(&by, Request::Clock).await? else {
        return Err(ApiError::mismatch());
    };
    let class = api.class_row(&by).await?;
    let mut text = exposition(
        (&health, clock.clock.rate()),
        &endpoints,
        &routes,
        &contexts,
        class.as_ref(),
        &api.modbuses,
    );
    if let Some(historian) = &api.historian {
        text.push_str(&history::exposition(historian.counts()));
    }
    text.push_str(&recordings::exposition(&api.recorder));
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    text.push_str(&replay(&api.player));
    Ok((kind, text).into_response())
}

/// The figures of the replay.
fn replay(player: &Player) -> String {
    let mut page = Page::default();
    page.family("crosstie_replay_playing", "gauge", "1 while a recording is replayed.");
    page.sample(&[], u8::from(player.shown().state == ReplayState::Playing));
    page.family(
        "crosstie_replay_samples_total",
        "counter",
        "Samples of recordings that were handed to the hub.",
    );
    page.sample(&[], player.samples());
    page.text
}

fn exposition(
    (health, clock_rate): (&HealthRow, f64),
    endpoints: &[EndpointRow],
    routes: &[RouteRow],
    contexts: &[ContextRow],
    class: Option<&ClassRow>,
    modbuses: &[Arc<ModbusPort>],
) -> String {
    let mut page = Page::default();
    page.family("crosstie_info", "gauge", "Version and project of this hub.");
    page.sample(
        &[("version", env!("CARGO_PKG_VERSION")), ("project", &health.project)],
        1,
    );
    page.family("crosstie_uptime_seconds", "gauge", "Time since the hub was started.");
    page.sample(&[], health.now.as_nanos() as f64 / 1e9);
    page.family(
        "crosstie_clock_rate",
        "gauge",
        "Seconds of the hub's own time in a second of the world; 0 while it stands.",
    );
    page.sample(&[], clock_rate);
    page.family("crosstie_signals", "gauge", "Signals in the signal space.");
    page.sample(&[], health.signals);
    page.family(
        "crosstie_clients",
        "gauge",
        "Connected clients, channels of the page included.",
    );
    page.sample(&[], health.clients);
    page.family(
        "crosstie_generations_total",
        "counter",
        "Batches of changes that were applied.",
    );
    page.sample(&[], health.generation.0);
    page.family(
        "crosstie_problems",
        "gauge",
        "Problems that a person should know, by severity.",
    );
    for (severity, is_error) in [("error", true), ("warning", false)] {
        let count = health
            .problems
            .iter()
            .filter(|problem| problem.is_error == is_error)
            .count();
        page.sample(&[("severity", severity)], count);
    }
    page.family(
        "crosstie_endpoint_clients",
        "gauge",
        "Connected clients of an endpoint.",
    );
    for endpoint in endpoints {
        page.sample(&[("endpoint", &endpoint.name)], endpoint.clients);
    }
    page.family("crosstie_endpoint_signals", "gauge", "Signals that an endpoint shows.");
    for endpoint in endpoints {
        page.sample(&[("endpoint", &endpoint.name)], endpoint.signals);
    }
    for (name, help, counter) in COUNTERS {
        page.family(name, "counter", help);
        for endpoint in endpoints {
            page.sample(&[("endpoint", &endpoint.name)], counter(&endpoint.counters));
        }
    }
    page.family("crosstie_ignored_total", "counter", "What was ignored, by reason.");
    for endpoint in endpoints {
        for (reason, counter) in REASONS {
            let labels = [("endpoint", endpoint.name.as_str()), ("reason", reason)];
            page.sample(&labels, counter(&endpoint.counters.ignored));
        }
    }
    add_routes(&mut page, routes);
    add_engines(&mut page, contexts);
    if let Some(class) = class {
        classroom::add(&mut page, class);
    }
    add_modbuses(&mut page, modbuses);
    page.text
}

/// The figures of all routes together: one sample for each of ten thousand would be more than a scrape is for.
fn add_routes(page: &mut Page, routes: &[RouteRow]) {
    page.family(
        "crosstie_routes",
        "gauge",
        "Routes, by state; those with a pattern are not among them.",
    );
    let plain = || routes.iter().filter(|route| route.fits.is_none());
    for (state, is_waiting) in [("active", false), ("waiting", true)] {
        let count = plain().filter(|route| route.waiting.is_some() == is_waiting).count();
        page.sample(&[("state", state)], count);
    }
    for (name, help, counter) in ROUTE_COUNTERS {
        page.family(name, "counter", help);
        page.sample(&[], plain().map(counter).sum::<u64>());
    }
}

/// The figures of the PLC engines. Their counters begin anew with another program and with a reset.
fn add_engines(page: &mut Page, contexts: &[ContextRow]) {
    page.family(
        "crosstie_plc_state",
        "gauge",
        "1 for the state that a PLC context is in, 0 for the others.",
    );
    for context in contexts {
        for state in STATES {
            let labels = [("context", context.name.as_str()), ("state", state.as_str())];
            page.sample(&labels, u8::from(context.state == state));
        }
    }
    for (name, help, counter) in SCAN_COUNTERS {
        page.family(name, "counter", help);
        for context in contexts {
            page.sample(&[("context", &context.name)], counter(context));
        }
    }
    add_devices(page, contexts);
    page.family(
        "crosstie_plc_scan_seconds",
        "gauge",
        "What scans take, and the target time between their beginnings.",
    );
    for context in contexts {
        for (of, micros) in SCAN_TIMES {
            let labels = [("context", context.name.as_str()), ("of", of)];
            page.sample(&labels, micros(context) as f64 / 1e6);
        }
    }
    page.family(
        "crosstie_plc_lateness_seconds",
        "histogram",
        "How much later than due scans began.",
    );
    for context in contexts {
        page.histogram(&context.name, &context.lateness);
    }
}

/// The devices that are wired to PLC contexts.
fn add_devices(page: &mut Page, contexts: &[ContextRow]) {
    let devices = || {
        let rows = contexts.iter();
        rows.flat_map(|context| context.io.devices.iter().map(move |device| (context, device)))
    };
    page.family(
        "crosstie_plc_device_up",
        "gauge",
        "1 while a device of a PLC context answers, 0 while it does not.",
    );
    for (context, device) in devices() {
        let labels = [("context", context.name.as_str()), ("device", device.name.as_str())];
        page.sample(&labels, u8::from(device.state == DeviceState::Up));
    }
    page.family(
        "crosstie_plc_device_errors_total",
        "counter",
        "What went wrong with a device of a PLC context since it was configured.",
    );
    for (context, device) in devices() {
        let labels = [("context", context.name.as_str()), ("device", device.name.as_str())];
        page.sample(&labels, device.errors);
    }
}

/// The figures of the Modbus servers.
fn add_modbuses(page: &mut Page, modbuses: &[Arc<ModbusPort>]) {
    for (name, kind, help, figure) in MODBUS_FIGURES {
        page.family(name, kind, help);
        for port in modbuses {
            page.sample(&[("server", &port.config.name)], figure(port));
        }
    }
    page.family(
        "crosstie_modbus_exceptions_total",
        "counter",
        "Requests that were answered by an exception, by its code.",
    );
    for port in modbuses {
        for (code, count) in port.figures.exceptions() {
            page.sample(&[("server", &port.config.name), ("code", &code.to_string())], count);
        }
    }
}

/// Name, kind, help and value.
type Figure<T> = (&'static str, &'static str, &'static str, Of<T>);

const MODBUS_FIGURES: [Figure<ModbusPort>; 4] = [
    (
        "crosstie_modbus_clients",
        "gauge",
        "Connected clients of a Modbus server.",
        |port| port.clients() as u64,
    ),
    (
        "crosstie_modbus_connections_total",
        "counter",
        "Clients that a Modbus server has let in.",
        |port| port.figures.connections(),
    ),
    (
        "crosstie_modbus_refused_total",
        "counter",
        "Clients that found all places of a Modbus server taken.",
        |port| port.figures.refused(),
    ),
    (
        "crosstie_modbus_requests_total",
        "counter",
        "Requests that a Modbus server has answered, by an exception or otherwise.",
        |port| port.figures.requests(),
    ),
];

const STATES: [ControllerState; 5] = [
    ControllerState::Stopped,
    ControllerState::Running,
    ControllerState::Paused,
    ControllerState::Stepping,
    ControllerState::Fault,
];

const SCAN_COUNTERS: [(&str, &str, Of<ContextRow>); 4] = [
    ("crosstie_plc_scans_total", "Scans that were finished.", |c| {
        c.statistics.scan_count
    }),
    (
        "crosstie_plc_overruns_total",
        "Scans that took longer than the target time.",
        |c| c.statistics.overrun_count,
    ),
    (
        "crosstie_plc_missed_scans_total",
        "Scans that were due and were left out, because the engine came too late for them.",
        |c| c.lateness.missed,
    ),
    (
        "crosstie_plc_merged_scans_total",
        "Scans whose changes the hub has seen together with those of others.",
        |c| c.merged_scans,
    ),
];

const SCAN_TIMES: [(&str, Of<ContextRow>); 4] = [
    ("last", |c| c.statistics.last_us),
    ("max", |c| c.statistics.max_us),
    ("average", |c| c.statistics.average_us()),
    ("target", |c| u64::from(c.target_scan_us)),
];

type Of<T> = fn(&T) -> u64;

/// What routes count. A route that is removed takes its figures with it.
const ROUTE_COUNTERS: [(&str, &str, Of<RouteRow>); 3] = [
    (
        "crosstie_route_passed_total",
        "Values that routes have passed.",
        |route| route.count,
    ),
    (
        "crosstie_route_held_total",
        "Values that deadband, interval or map of a route have withheld.",
        |route| route.held,
    ),
    (
        "crosstie_route_failed_total",
        "Values that a route could not transform.",
        |route| route.failed,
    ),
];

const COUNTERS: [(&str, &str, Of<Counters>); 8] = [
    (
        "crosstie_messages_received_total",
        "Messages received from peers.",
        |c| c.messages_in,
    ),
    ("crosstie_messages_sent_total", "Frames sent to peers.", |c| {
        c.messages_out
    }),
    (
        "crosstie_received_bytes_total",
        "Payload bytes received from peers.",
        |c| c.bytes_in,
    ),
    ("crosstie_sent_bytes_total", "Bytes sent to peers.", |c| c.bytes_out),
    (
        "crosstie_updates_received_total",
        "Signal values received from peers.",
        |c| c.updates_in,
    ),
    ("crosstie_updates_sent_total", "Signal values sent to peers.", |c| {
        c.updates_out
    }),
    (
        "crosstie_merged_frames_total",
        "Frames that stand for more than one cycle.",
        |c| c.merged_frames,
    ),
    (
        "crosstie_late_bursts_total",
        "Bursts after a silence, taken newest-only.",
        |c| c.late_bursts,
    ),
];

const REASONS: [(&str, Of<Ignored>); 9] = [
    ("owned", |i| i.owned),
    ("forbidden", |i| i.forbidden),
    ("unknown", |i| i.unknown),
    ("echo", |i| i.echo),
    ("bad_value", |i| i.bad_value),
    ("malformed", |i| i.malformed),
    ("unknown_type", |i| i.unknown_type),
    ("binary", |i| i.binary),
    ("legacy", |i| i.legacy),
];

/// A page of families, each with its samples directly behind it, as the format demands.
#[derive(Default)]
struct Page {
    text: String,
    family: &'static str,
}

// Writing to a text cannot fail, so its results are passed over here.
impl Page {
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.family = name;
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// The lines of one context in the histogram that was begun last; buckets count everything up to their bound.
    fn histogram(&mut self, context: &str, lateness: &Lateness) {
        let mut scans = 0;
        for (bound, count) in lateness.buckets() {
            scans += count;
            let bound = bound.map_or_else(|| String::from("+Inf"), |us| (f64::from(us) / 1e6).to_string());
            self.line("_bucket", &[("context", context), ("le", &bound)], scans);
        }
        self.line("_sum", &[("context", context)], lateness.sum_us as f64 / 1e6);
        self.line("_count", &[("context", context)], scans);
    }

    /// One line of the family that was begun last.
    fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.line("", labels, value);
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(self.family);
        self.text.push_str(suffix);
        for (index, (name, value)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{name}=\"");
            for character in value.chars() {
                match character {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    other => self.text.push(other),
                }
            }
            self.text.push('"');
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{end} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_samples_stand_below_their_family() {
        let mut page = Page::default();
        page.family("a_total", "counter", "What it is.");
        page.sample(&[("name", "x\"y\\z\n"), ("other", "")], 3);
        page.family("b", "gauge", "Another.");
        page.sample(&[], 0.5);
        let expected = "# HELP a_total What it is.\n# TYPE a_total counter\n\
            a_total{name=\"x\\\"y\\\\z\\n\",other=\"\"} 3\n\
            # HELP b Another.\n# TYPE b gauge\nb 0.5\n";
        assert_eq!(page.text, expected);
    }
}
