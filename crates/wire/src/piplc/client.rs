//! The client's side: requests into the payload of a frame, and whatever a server sends out of its text.
//!
//! Reading is tolerant, because servers of both generations are met: a field that is missing or of another kind counts as not
//! told, and what a reply carries beyond the common fields stays a JSON map.

use serde_json::{Map, Value};

use super::dialect::Dialect;
use super::encode::write_route;
use super::message::{BitTarget, CounterWrite, Hello, Request, Route, SlotTarget, TimerWrite, WordTarget};
use super::object::Object;
use super::reply::{Event, ScanStats};
use super::state::EngineState;
use super::{PROGRAM_FORMAT, SEQ_NONE};
use crate::error::DecodeError;
use crate::json::TEXT_LEN_MAX;

/// A place that cannot be told to a server of dialect 0.1.
///
/// Such a server reads `region`, `word`, `bit` and `index` only, and takes what is missing for `B:0/0` or `T:0`: it must not be
/// sent anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpellingError {
    /// Not of the form `B:3/1`.
    #[error("expected a bit such as B:3/1, because a server of protocol 0.1 reads no symbols and no members")]
    Bit,
    /// Not of the form `N:5`.
    #[error("expected a word such as N:5, because a server of protocol 0.1 reads no symbols and no members")]
    Word,
    /// Not of the form `T:4` or `C:4`.
    #[error("expected a timer or counter such as T:4, because a server of protocol 0.1 reads no symbols")]
    Slot,
}

/// What a server sends.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerMessage {
    /// An answer to a request.
    Reply(ServerReply),
    /// Something that was not asked for.
    Event {
        /// The context that it is about, when it is about one.
        context_id: Option<Box<str>>,
        /// What happened.
        event: Event,
    },
    /// A type that the protocol does not have: to be ignored and counted.
    Unknown {
        /// The type as it was written.
        type_name: Box<str>,
    },
}

/// A reply of either generation.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerReply {
    /// The type, which ends with `.reply`; in dialect 0.1 it may name a family of requests only.
    pub type_name: Box<str>,
    /// The number of the request; [`SEQ_NONE`] when it is missing.
    pub seq: i32,
    /// Whether it was done. A reply that does not say so was, unless it tells an error.
    pub success: bool,
    /// Why it was not done.
    pub error: Option<Box<str>>,
    /// The context, when one was addressed.
    pub context_id: Option<Box<str>>,
    /// The state of the engine, when the reply tells it.
    pub state: Option<EngineState>,
    /// All other fields, in the order of the message.
    pub fields: Map<String, Value>,
}

/// Appends a request in the spelling that servers of this dialect read. `pong` has no `seq`.
///
/// A server of dialect 0.1 sets members of a timer or counter that are missing to zero instead of keeping them.
///
/// # Errors
///
/// [`SpellingError`] for a place that dialect 0.1 has no spelling for; nothing is appended then.
pub fn write_request(
    out: &mut Vec<u8>,
    dialect: Dialect,
    seq: i32,
    context_id: Option<&str>,
    request: &Request,
) -> Result<(), SpellingError> {
    let start = out.len();
    let mut object = Object::open(out);
    object.text("type", request.kind().type_name());
    if *request != Request::Pong {
        object.int("seq", seq);
    }
    object.text_if("contextId", context_id);
    let written = write_fields(&mut object, dialect, request);
    object.close();
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn write_fields(object: &mut Object<'_>, dialect: Dialect, request: &Request) -> Result<(), SpellingError> {
    match request {
        Request::Hello(hello) => write_hello(object, hello),
        Request::Download { format, document } => match dialect {
            Dialect::V02 => {
                object.text("format", format.as_deref().unwrap_or(PROGRAM_FORMAT));
                object.text("data", document);
            }
            Dialect::V01 => object.text("projectXml", document),
        },
        Request::ForceBit { target, value } | Request::WriteBit { target, value } => {
            write_bit_target(object, dialect, target)?;
            object.bool("value", *value);
        }
        Request::UnforceBit { target } => write_bit_target(object, dialect, target)?,
        Request::Subscribe { interval_ms } => object.int_if("intervalMs", *interval_ms),
        Request::WriteInteger { target, value } => {
            write_word_target(object, dialect, target)?;
            object.int("value", *value);
        }
        Request::WriteTimer(write) => write_timer(object, dialect, write)?,
        Request::WriteCounter(write) => write_counter(object, dialect, write)?,
        Request::SetBreakpoint { rung_index } | Request::RemoveBreakpoint { rung_index } => {
            object.int("rungIndex", *rung_index);
        }
        Request::LoadIoConfig { config } => object.map("config", config),
        Request::SyncRoutes { enabled, routes } => {
            object.bool("enabled", *enabled);
            object.list("routes", routes, write_route);
        }
        Request::CreateContext { name } => object.text_if("name", name.as_deref()),
        Request::Engine(_)
        | Request::Upload
        | Request::Clear
        | Request::ClearAllForces
        | Request::Unsubscribe
        | Request::ClearAllBreakpoints
        | Request::State
        | Request::Statistics
        | Request::Info
        | Request::ListRoutes
        | Request::RemoveContext
        | Request::ListContexts
        | Request::Pong => {}
    }
    Ok(())
}

fn write_hello(object: &mut Object<'_>, hello: &Hello) {
    object.int_if("protocolVersion", hello.protocol_version);
    object.text_if("clientName", hello.client_name.as_deref());
    object.text_if("clientVersion", hello.client_version.as_deref());
}

fn write_bit_target(object: &mut Object<'_>, dialect: Dialect, target: &BitTarget) -> Result<(), SpellingError> {
    let (region, word, bit) = match (target, dialect) {
        (BitTarget::Address(address), Dialect::V02) => {
            object.text("address", address);
            return Ok(());
        }
        (BitTarget::Address(address), Dialect::V01) => bit_of(address).ok_or(SpellingError::Bit)?,
        (BitTarget::Cell { region, word, bit }, _) => (region.to_string(), *word, *bit),
    };
    object.text("region", &region);
    object.int("word", word);
    object.int("bit", bit);
    Ok(())
}

fn write_word_target(object: &mut Object<'_>, dialect: Dialect, target: &WordTarget) -> Result<(), SpellingError> {
    let (region, word) = match (target, dialect) {
        (WordTarget::Address(address), Dialect::V02) => {
            object.text("address", address);
            return Ok(());
        }
        (WordTarget::Address(address), Dialect::V01) => word_of(address).ok_or(SpellingError::Word)?,
        (WordTarget::Cell { region, word }, _) => (region.to_string(), *word),
    };
    object.text("region", &region);
    object.int("word", word);
    Ok(())
}

fn write_slot_target(object: &mut Object<'_>, dialect: Dialect, target: &SlotTarget) -> Result<(), SpellingError> {
    match (target, dialect) {
        (SlotTarget::Address(address), Dialect::V02) => object.text("address", address),
        (SlotTarget::Address(address), Dialect::V01) => {
            let (_, index) = word_of(address).ok_or(SpellingError::Slot)?;
            object.int("index", index);
        }
        (SlotTarget::Index(index), _) => object.int("index", *index),
    }
    Ok(())
}

/// Region, word and bit of an address such as `B:3/1`.
fn bit_of(address: &str) -> Option<(String, u32, u32)> {
    let (word, bit) = address.split_once('/')?;
    let (region, word) = word_of(word)?;
    Some((region, word, number_of(bit)?))
}

/// Region and word of an address such as `N:5`.
fn word_of(address: &str) -> Option<(String, u32)> {
    let (region, word) = address.split_once(':')?;
    Some((region.to_ascii_uppercase(), number_of(word)?))
}

fn number_of(digits: &str) -> Option<u32> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

fn write_timer(object: &mut Object<'_>, dialect: Dialect, write: &TimerWrite) -> Result<(), SpellingError> {
    write_slot_target(object, dialect, &write.target)?;
    object.int_if("pre", write.pre);
    object.int_if("acc", write.acc);
    object.bool_if("en", write.en);
    object.bool_if("tt", write.tt);
    object.bool_if("dn", write.dn);
    Ok(())
}

fn write_counter(object: &mut Object<'_>, dialect: Dialect, write: &CounterWrite) -> Result<(), SpellingError> {
    write_slot_target(object, dialect, &write.target)?;
    object.int_if("pre", write.pre);
    object.int_if("acc", write.acc);
    object.bool_if("dn", write.dn);
    object.bool_if("ov", write.ov);
    object.bool_if("un", write.un);
    object.bool_if("cu", write.cu);
    object.bool_if("cd", write.cd);
    Ok(())
}

/// Reads one message of a server of either dialect.
///
/// # Errors
///
/// [`DecodeError::Unreadable`] when the text is not one JSON value, [`DecodeError::NotAnObject`], [`DecodeError::NoType`], and
/// [`DecodeError::MissingField`] for an event without what makes it one. A reply is never refused.
pub fn decode_server(text: &str) -> Result<ServerMessage, DecodeError> {
    if text.len() > TEXT_LEN_MAX {
        return Err(DecodeError::TooLong {
            limit: TEXT_LEN_MAX,
            got: text.len(),
        });
    }
    let value = serde_json::from_str(text).map_err(|error| DecodeError::Unreadable {
        reason: error.to_string(),
    })?;
    let mut fields = match value {
        Value::Object(fields) => fields,
        Value::Null => return Err(DecodeError::NotAnObject { found: "null" }),
        Value::Bool(_) => return Err(DecodeError::NotAnObject { found: "a bool" }),
        Value::Number(_) => return Err(DecodeError::NotAnObject { found: "a number" }),
        Value::String(_) => return Err(DecodeError::NotAnObject { found: "a string" }),
        Value::Array(_) => return Err(DecodeError::NotAnObject { found: "an array" }),
    };
    let type_name = take_text(&mut fields, "type").ok_or(DecodeError::NoType)?;
    if type_name.ends_with(".reply") {
        return Ok(ServerMessage::Reply(read_reply(type_name, fields)));
    }
    let context_id = take_text(&mut fields, "contextId");
    Ok(match read_event(&type_name, fields)? {
        Some(event) => ServerMessage::Event { context_id, event },
        None => ServerMessage::Unknown { type_name },
    })
}

fn read_reply(type_name: Box<str>, mut fields: Map<String, Value>) -> ServerReply {
    let seq = fields.shift_remove("seq").and_then(|seq| int_of(&seq));
    let error = take_text(&mut fields, "error");
    let success = fields.shift_remove("success").and_then(|success| success.as_bool());
    let state = fields
        .get("state")
        .and_then(Value::as_str)
        .and_then(EngineState::of_word);
    if state.is_some() {
        fields.shift_remove("state");
    }
    ServerReply {
        type_name,
        seq: seq.and_then(|seq| i32::try_from(seq).ok()).unwrap_or(SEQ_NONE),
        success: success.unwrap_or(error.is_none()),
        error,
        context_id: take_text(&mut fields, "contextId"),
        state,
        fields,
    }
}

/// `None` for a type that is no event of the protocol.
fn read_event(type_name: &str, mut fields: Map<String, Value>) -> Result<Option<Event>, DecodeError> {
    let missing = |field| DecodeError::MissingField { field };
    Ok(Some(match type_name {
        "event.stateChanged" => {
            let state = fields
                .get("state")
                .and_then(Value::as_str)
                .and_then(EngineState::of_word);
            Event::StateChanged {
                state: state.ok_or(missing("state"))?,
            }
        }
        "event.fault" => Event::Fault {
            message: take_text(&mut fields, "message").unwrap_or_default(),
            rung_index: index_of(&fields, "rungIndex"),
            column: index_of(&fields, "column"),
        },
        "event.breakpointHit" => Event::BreakpointHit {
            rung_index: index_of(&fields, "rungIndex").ok_or(missing("rungIndex"))?,
        },
        "event.scanStats" => Event::ScanStats(read_scan_stats(&fields)),
        "event.ping" => Event::Ping,
        "event.disconnecting" => Event::Disconnecting {
            reason: take_text(&mut fields, "reason").unwrap_or_default(),
        },
        "event.routesChanged" => Event::RoutesChanged {
            enabled: fields.get("enabled").and_then(Value::as_bool).unwrap_or(true),
            routes: match fields.shift_remove("routes") {
                Some(Value::Array(routes)) => routes.into_iter().filter_map(read_route).collect(),
                _ => Vec::new(),
            },
        },
        _ => return Ok(None),
    }))
}

fn read_scan_stats(fields: &Map<String, Value>) -> ScanStats {
    let number = |name| fields.get(name).and_then(Value::as_u64).unwrap_or(0);
    ScanStats {
        scan_count: number("scanCount"),
        last_scan_time_us: number("lastScanTimeUs"),
        min_scan_time_us: number("minScanTimeUs"),
        max_scan_time_us: number("maxScanTimeUs"),
        avg_scan_time_us: number("avgScanTimeUs"),
        overrun_count: number("overrunCount"),
        target_scan_time_us: number("targetScanTimeUs"),
    }
}

/// `None` for what is no object.
fn read_route(route: Value) -> Option<Route> {
    let Value::Object(mut fields) = route else {
        return None;
    };
    let default = Route::default();
    let data_type = fields.get("dataType").and_then(int_of);
    Some(Route {
        route_id: take_text(&mut fields, "routeId").filter(|id| !id.is_empty()),
        src_context: take_text(&mut fields, "srcContext").unwrap_or_default(),
        src_address: take_text(&mut fields, "srcAddress").unwrap_or_default(),
        dst_context: take_text(&mut fields, "dstContext").unwrap_or_default(),
        dst_address: take_text(&mut fields, "dstAddress").unwrap_or_default(),
        data_type: data_type
            .and_then(|number| i32::try_from(number).ok())
            .unwrap_or(default.data_type),
        enabled: fields
            .get("enabled")
            .and_then(Value::as_bool)
            .unwrap_or(default.enabled),
        interval_ms: index_of(&fields, "intervalMs").unwrap_or(default.interval_ms),
        description: take_text(&mut fields, "description").unwrap_or_default(),
    })
}

fn take_text(fields: &mut Map<String, Value>, name: &str) -> Option<Box<str>> {
    match fields.shift_remove(name) {
        Some(Value::String(text)) => Some(text.into_boxed_str()),
        _ => None,
    }
}

fn index_of(fields: &Map<String, Value>, name: &str) -> Option<u32> {
    u32::try_from(fields.get(name).and_then(int_of)?).ok()
}

/// A whole number, also when it was written as a float.
fn int_of(value: &Value) -> Option<i64> {
    let whole = |value: f64| (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64);
    value.as_i64().or_else(|| value.as_f64().and_then(whole))
}
