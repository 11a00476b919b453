//! Replies and events into the payload of a frame.
//!
//! The order of fields is that of the protocol's description, and what it does not show follows. Every function appends, so
//! the payload can stand behind the room of a frame header.

use super::dialect::Dialect;
use super::message::{RequestKind, Route};
use super::object::Object;
use super::reply::{
    ContextRow, Diagnostic, EngineInfo, Event, HelloReply, RefusedRoute, Reply, ReplyFront, ReplyTo, ScanStats,
};
use super::snapshot::SNAPSHOT_LEN;
use super::{PROGRAM_FORMAT, VERSION};
use crate::json::write_value;
use crate::value::Value;

/// Appends a reply (PL-4). Its type is that of the request, and in dialect 0.1 that of the request's family (PL-9).
pub fn write_reply(out: &mut Vec<u8>, dialect: Dialect, front: &ReplyFront<'_>, reply: &Reply<'_>) {
    let mut object = Object::open(out);
    write_front(&mut object, dialect, front, reply);
    match reply {
        Reply::Done | Reply::State(_) | Reply::Hello(_) => {}
        Reply::Refused { diagnostics, .. } => write_diagnostics(&mut object, diagnostics),
        Reply::Statistics(stats) => {
            write_scan_times(&mut object, stats);
            if dialect == Dialect::V02 {
                object.uint("targetScanTimeUs", stats.target_scan_time_us);
            }
        }
        Reply::Info(info) => write_info(&mut object, dialect, info),
        Reply::Download { diagnostics } => write_diagnostics(&mut object, diagnostics),
        Reply::Upload { document } => {
            if dialect == Dialect::V02 {
                object.text("format", PROGRAM_FORMAT);
                object.text("data", document);
            }
            object.text("projectXml", document);
        }
        Reply::Subscribed { interval_ms } => object.int("intervalMs", *interval_ms),
        Reply::RoutesSynced { route_count, refused } => {
            object.uint("routeCount", *route_count as u64);
            if dialect == Dialect::V02 || !refused.is_empty() {
                object.list("refused", refused, write_refused_route);
            }
        }
        Reply::Routes { enabled, routes } => {
            object.bool("enabled", *enabled);
            object.list("routes", routes, write_route);
        }
        Reply::ContextCreated { name } => object.text("name", name),
        Reply::Contexts(contexts) => object.list("contexts", contexts, |out, context| {
            write_context(out, dialect, context, dialect == Dialect::V02);
        }),
    }
    object.close();
}

/// Appends an event (PL-7, PL-8, PL-20). `context_id` is the context that it is about, `None` for those about none.
pub fn write_event(out: &mut Vec<u8>, dialect: Dialect, context_id: Option<&str>, event: &Event) {
    let mut object = Object::open(out);
    object.text("type", event.type_name());
    if dialect == Dialect::V01 {
        // compat: PL-9, a number that answers nothing.
        object.int("seq", 0);
    }
    match event {
        Event::StateChanged { state } => object.text("state", state.word(dialect)),
        Event::Fault {
            message,
            rung_index,
            column,
        } => {
            object.text("message", message);
            if dialect == Dialect::V02 {
                object.int_if("rungIndex", *rung_index);
                object.int_if("column", *column);
            }
        }
        Event::BreakpointHit { rung_index } => object.int("rungIndex", *rung_index),
        Event::ScanStats(stats) => {
            write_scan_times(&mut object, stats);
            object.uint("targetScanTimeUs", stats.target_scan_time_us);
        }
        Event::Ping => {}
        Event::Disconnecting { reason } => object.text("reason", reason),
        Event::RoutesChanged { enabled, routes } => {
            object.bool("enabled", *enabled);
            object.list("routes", routes, write_route);
        }
    }
    object.text_if("contextId", context_id);
    object.close();
}

/// What stands before the content: type, seq, success, error, state, context.
fn write_front(object: &mut Object<'_>, dialect: Dialect, front: &ReplyFront<'_>, reply: &Reply<'_>) {
    let refusal = match reply {
        Reply::Refused { error, state, .. } => Some((*error, *state)),
        _ => None,
    };
    write_type(object, dialect, front.to, refusal.is_some());
    object.int("seq", front.seq);
    if let Reply::Hello(hello) = reply {
        return write_hello(object, dialect, hello);
    }
    let is_command = matches!(front.to, ReplyTo::Request(RequestKind::Engine(_)));
    let state = match (reply, dialect) {
        // compat: PL-9, the state of an engine comes as an event only.
        (_, Dialect::V01) if is_command => None,
        (Reply::State(state), _) => Some(*state),
        (Reply::Info(_), _) => None,
        _ => refusal.and_then(|(_, state)| state),
    };
    if dialect == Dialect::V02 || refusal.is_some() || !is_plain_query(front.to) {
        object.bool("success", refusal.is_none());
    }
    object.text_if("error", refusal.map(|(error, _)| error));
    object.text_if("state", state.map(|state| state.word(dialect)));
    // compat: PL-9, a refusal does not say which context.
    if addresses_context(front.to) && (dialect == Dialect::V02 || refusal.is_none()) {
        object.text_if("contextId", front.context_id);
    }
}

fn write_type(object: &mut Object<'_>, dialect: Dialect, to: ReplyTo<'_>, is_refused: bool) {
    let family = match (dialect, to) {
        (Dialect::V02, _) => None,
        (Dialect::V01, ReplyTo::Request(kind)) => family(kind, is_refused),
        (Dialect::V01, ReplyTo::Unknown(_) | ReplyTo::Unreadable) => Some("engine.reply"),
    };
    let type_name = match to {
        ReplyTo::Request(kind) => kind.type_name(),
        ReplyTo::Unknown(type_name) => type_name,
        ReplyTo::Unreadable => "error",
    };
    match family {
        Some(family) => object.text("type", family),
        None => object.text("type", &format!("{type_name}.reply")),
    }
}

/// The reply type of a request in dialect 0.1, `None` for those that keep their own. Queries keep it unless they are refused.
fn family(kind: RequestKind, is_refused: bool) -> Option<&'static str> {
    Some(match kind {
        RequestKind::State | RequestKind::Statistics | RequestKind::Info if !is_refused => return None,
        RequestKind::Hello if !is_refused => return None,
        RequestKind::SyncRoutes | RequestKind::ListRoutes | RequestKind::ListContexts => return None,
        RequestKind::Engine(_)
        | RequestKind::State
        | RequestKind::Statistics
        | RequestKind::Info
        | RequestKind::Hello
        | RequestKind::Pong => "engine.reply",
        RequestKind::Download | RequestKind::Upload | RequestKind::Clear => "program.reply",
        RequestKind::ForceBit
        | RequestKind::UnforceBit
        | RequestKind::ClearAllForces
        | RequestKind::WriteBit
        | RequestKind::WriteInteger
        | RequestKind::WriteTimer
        | RequestKind::WriteCounter => "memory.reply",
        RequestKind::Subscribe | RequestKind::Unsubscribe => "memory.stream.reply",
        RequestKind::SetBreakpoint | RequestKind::RemoveBreakpoint | RequestKind::ClearAllBreakpoints => {
            "breakpoint.reply"
        }
        RequestKind::LoadIoConfig => "ioconfig.reply",
        RequestKind::CreateContext | RequestKind::RemoveContext => "context.reply",
    })
}

/// Whether it asks for the state, the statistics or the name of an engine, whose replies say no `success` in dialect 0.1.
fn is_plain_query(to: ReplyTo<'_>) -> bool {
    matches!(
        to,
        ReplyTo::Request(RequestKind::State | RequestKind::Statistics | RequestKind::Info)
    )
}

/// Whether a context is addressed, so that the reply names it.
fn addresses_context(to: ReplyTo<'_>) -> bool {
    !matches!(
        to,
        ReplyTo::Request(
            RequestKind::Hello | RequestKind::SyncRoutes | RequestKind::ListRoutes | RequestKind::ListContexts
        )
    )
}

fn write_hello(object: &mut Object<'_>, dialect: Dialect, hello: &HelloReply<'_>) {
    object.int("protocolVersion", VERSION);
    object.text("serverName", hello.server_name);
    object.text("serverVersion", hello.server_version);
    object.text("engineId", hello.engine_id);
    object.list("capabilities", hello.capabilities, |out, word| {
        crate::json::write_string(out, word);
    });
    let mut layout = Object::open(object.name("memoryLayout"));
    layout.int("inputWords", 8);
    layout.int("outputWords", 8);
    layout.int("bitWords", 64);
    layout.int("integerWords", 256);
    layout.int("timerCount", 64);
    layout.int("counterCount", 64);
    layout.int("timers", 64);
    layout.int("counters", 64);
    layout.uint("snapshotSize", SNAPSHOT_LEN as u64);
    layout.close();
    if dialect == Dialect::V02 {
        object.bool("success", true);
    }
    object.text("engineName", hello.engine_name);
    object.text("engineState", hello.engine_state.word(dialect));
    object.list("contexts", hello.contexts, |out, context| {
        write_context(out, dialect, context, false);
    });
    object.map("ioConfig", hello.io_config);
    object.text("ioProviderName", hello.io_provider_name);
}

fn write_context(out: &mut Vec<u8>, dialect: Dialect, context: &ContextRow<'_>, has_context_id: bool) {
    let mut object = Object::open(out);
    object.text("id", context.id);
    object.text_if("contextId", has_context_id.then_some(context.id));
    object.text("name", context.name);
    object.text("state", context.state.word(dialect));
    object.bool("hasProgram", context.has_program);
    object.close();
}

fn write_info(object: &mut Object<'_>, dialect: Dialect, info: &EngineInfo<'_>) {
    object.text("name", info.name);
    object.text("state", info.state.word(dialect));
    object.bool("hasProgram", info.has_program);
    object.text("ioProvider", info.io_provider);
    let scan_time_ms = Value::Float(f64::from(info.scan_time_us) / 1e3);
    write_value(object.name("scanTimeMs"), scan_time_ms);
    if dialect == Dialect::V02 {
        object.text("ioProviderName", info.io_provider_name);
        object.map("ioConfig", info.io_config);
    }
}

fn write_scan_times(object: &mut Object<'_>, stats: &ScanStats) {
    object.uint("scanCount", stats.scan_count);
    object.uint("lastScanTimeUs", stats.last_scan_time_us);
    object.uint("minScanTimeUs", stats.min_scan_time_us);
    object.uint("maxScanTimeUs", stats.max_scan_time_us);
    object.uint("avgScanTimeUs", stats.avg_scan_time_us);
    object.uint("overrunCount", stats.overrun_count);
}

/// Appends the list unless it is empty.
fn write_diagnostics(object: &mut Object<'_>, diagnostics: &[Diagnostic<'_>]) {
    if diagnostics.is_empty() {
        return;
    }
    object.list("diagnostics", diagnostics, |out, diagnostic| {
        let mut object = Object::open(out);
        object.text("code", diagnostic.code);
        object.int_if("rung", diagnostic.rung);
        object.int_if("column", diagnostic.column);
        object.int_if("line", diagnostic.line);
        object.int_if("character", diagnostic.character);
        object.text("text", diagnostic.text);
        object.close();
    });
}

fn write_refused_route(out: &mut Vec<u8>, refused: &RefusedRoute<'_>) {
    let mut object = Object::open(out);
    object.text("routeId", refused.route_id);
    object.text("error", refused.error);
    object.close();
}

/// Appends a route with all its fields.
pub(super) fn write_route(out: &mut Vec<u8>, route: &Route) {
    let mut object = Object::open(out);
    object.text_if("routeId", route.route_id.as_deref());
    object.text("srcContext", &route.src_context);
    object.text("srcAddress", &route.src_address);
    object.text("dstContext", &route.dst_context);
    object.text("dstAddress", &route.dst_address);
    object.int("dataType", route.data_type);
    object.bool("enabled", route.enabled);
    object.int("intervalMs", route.interval_ms);
    object.text("description", &route.description);
    object.close();
}
