//! Who is connected.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use crosstie_hub::api::{self, Reply, Request};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, ApiError, Caller};

/// The connected clients.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ClientList {
    /// Hub time of the answer, in milliseconds.
    now_ms: u64,
    /// The clients, oldest first.
    clients: Vec<ClientRow>,
}

/// One connected client.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ClientRow {
    /// Number of the connection, never used twice.
    id: u32,
    /// Name of the endpoint, or `live` for a channel of the page.
    endpoint: String,
    /// `realvirtual` or `live`.
    protocol: &'static str,
    /// What it calls itself; empty as long as it has not said.
    name: String,
    /// Who that is: the name of its key, `this machine`, `anonymous`.
    who: String,
    /// `viewer`, `operator` or `engineer`.
    role: &'static str,
    /// Address and port it comes from.
    address: String,
    /// Path of its request.
    path: String,
    /// Hub time of its handshake, in milliseconds.
    connected_at_ms: u64,
    /// Hub time of its last sign of life, in milliseconds.
    last_seen_at_ms: u64,
    /// `good`, or `stale` when it writes signals and is silent.
    state: &'static str,
    /// `all`, `none` or `list`.
    view: &'static str,
    /// Signals in its view.
    view_len: usize,
    /// Signals whose last writer it is.
    writes: usize,
    /// It returns what it gets.
    echoer: bool,
    /// Measured round trip in microseconds.
    rtt_us: Option<u64>,
    /// How long its socket has been full, in milliseconds; 0 when it is in step.
    lag_ms: u64,
    /// Signals of which it may hold an older value: none when it is in step, at most those of its view.
    lag_signals: usize,
    /// What passed.
    counters: Counters,
}

impl From<api::ClientRow> for ClientRow {
    fn from(row: api::ClientRow) -> ClientRow {
        let is_behind = !row.lag.is_zero();
        ClientRow {
            id: row.id.0,
            endpoint: row.endpoint,
            protocol: row.protocol,
            name: row.name,
            who: row.who.into(),
            role: row.role.word(),
            address: row.address,
            path: row.path,
            connected_at_ms: row.connected_at.as_millis(),
            last_seen_at_ms: row.last_seen_at.as_millis(),
            state: if row.stale { "stale" } else { "good" },
            view: row.view,
            view_len: row.view_len,
            writes: row.writes,
            echoer: row.echoer,
            rtt_us: row.rtt.map(|rtt| rtt.as_micros() as u64),
            lag_ms: row.lag.as_millis() as u64,
            lag_signals: if is_behind { row.view_len } else { 0 },
            counters: row.counters.into(),
        }
    }
}

/// What passed over an endpoint or a client; the numbers only grow.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Counters {
    /// Messages received.
    messages_in: u64,
    /// Frames sent.
    messages_out: u64,
    /// Payload bytes received.
    bytes_in: u64,
    /// Bytes sent.
    bytes_out: u64,
    /// Values received.
    updates_in: u64,
    /// Values sent.
    updates_out: u64,
    /// Frames that stand for more than one cycle, because the client was slow.
    merged_frames: u64,
    /// Bursts after a silence of which only the newest values were taken.
    late_bursts: u64,
    /// What was ignored, by reason.
    ignored: Ignored,
}

/// What was ignored, by reason; the numbers only grow.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Ignored {
    /// Writes to signals that the hub owns.
    owned: u64,
    /// Writes outside the rights of whoever sent them.
    forbidden: u64,
    /// Writes to names that nobody knows.
    unknown: u64,
    /// Values that a peer returned as it got them.
    echo: u64,
    /// Values that fit no kind.
    bad_value: u64,
    /// Texts that are no message.
    malformed: u64,
    /// Messages of an unknown type.
    unknown_type: u64,
    /// Binary frames.
    binary: u64,
    /// Messages of the old protocol v1.
    legacy: u64,
}

impl From<api::Counters> for Counters {
    fn from(counters: api::Counters) -> Counters {
        let ignored = counters.ignored;
        Counters {
            messages_in: counters.messages_in,
            messages_out: counters.messages_out,
            bytes_in: counters.bytes_in,
            bytes_out: counters.bytes_out,
            updates_in: counters.updates_in,
            updates_out: counters.updates_out,
            merged_frames: counters.merged_frames,
            late_bursts: counters.late_bursts,
            ignored: Ignored {
                owned: ignored.owned,
                forbidden: ignored.forbidden,
                unknown: ignored.unknown,
                echo: ignored.echo,
                bad_value: ignored.bad_value,
                malformed: ignored.malformed,
                unknown_type: ignored.unknown_type,
                binary: ignored.binary,
                legacy: ignored.legacy,
            },
        }
    }
}

/// The connected clients.
#[utoipa::path(get, path = "/api/v1/clients", tag = "endpoints", responses((status = 200, body = ClientList)))]
pub(crate) async fn list(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Json<ClientList>, ApiError> {
    match api.ask(&by, Request::Clients).await? {
        Reply::Clients(rows, now) => Ok(Json(ClientList {
            now_ms: now.as_millis(),
            clients: rows.into_iter().map(ClientRow::from).collect(),
        })),
        _ => Err(ApiError::mismatch()),
    }
}
