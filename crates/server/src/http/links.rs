//! Links: how each stands, connecting and disconnecting it, and trying its server without it (RV-30 to RV-35).

use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use crosstie_hub::Time;
use crosstie_hub::access::{Actor, Role};
use crosstie_hub::api::{self, Refused, Reply, Request};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::{Api, ApiError, Caller, ErrorBody};
use crate::config;
use crate::dial::Target;
use crate::probe::{self, Probe};

/// Probes that run at one time. A further one is refused as busy: each holds a connection for as long as its server wants.
const PROBES_MAX: usize = 8;

static PROBES: Semaphore = Semaphore::const_new(PROBES_MAX);

/// How a link stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Link {
    /// `off`, `connecting`, `greeting` (connected, without a catalog yet), `connected`, `waiting` (for the next attempt) or
    /// `given_up`.
    state: &'static str,
    /// The same in words, with the reason.
    text: String,
    /// Failures in a row.
    failures: u32,
    /// Attempts since the hub started.
    attempts: u64,
    /// Milliseconds until it is tried again; null when no attempt is due.
    next_attempt_in_ms: Option<u64>,
    /// For how many milliseconds it is connected; null when it is not.
    connected_ms: Option<u64>,
    /// Why the last attempt or connection ended; null when none has.
    last_error: Option<String>,
    /// Signals in the catalog of the server; null when it has sent none.
    catalog: Option<usize>,
}

impl Link {
    pub(crate) fn new(row: api::LinkRow, now: Time) -> Link {
        let millis = |later: Time, earlier: Time| later.as_millis().saturating_sub(earlier.as_millis());
        Link {
            state: row.state.word(),
            text: row.text,
            failures: row.failures,
            attempts: row.attempts,
            next_attempt_in_ms: row.next_attempt_at.map(|at| millis(at, now)),
            connected_ms: row.connected_at.map(|at| millis(now, at)),
            last_error: row.last_error,
            catalog: row.catalog,
        }
    }

    pub(crate) fn state(&self) -> &'static str {
        self.state
    }
}

/// Connects the link of an endpoint, now, and keeps it connected.
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/connect", tag = "endpoints",
    params(("name" = String, Path, description = "name of the endpoint")),
    responses(
        (status = 204, description = "the link is being connected; its state says how it goes"),
        (status = 404, body = ErrorBody, description = "no such endpoint"),
        (status = 409, body = ErrorBody, description = "an endpoint in the server role"),
    ),
)]
pub(crate) async fn connect(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let endpoint = client_endpoint(&api, name)?;
    done(api.ask(&by, Request::Connect { endpoint }).await?)
}

/// Disconnects the link of an endpoint and keeps it so.
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/disconnect", tag = "endpoints",
    params(("name" = String, Path, description = "name of the endpoint")),
    responses(
        (status = 204, description = "the link is off"),
        (status = 404, body = ErrorBody, description = "no such endpoint"),
        (status = 409, body = ErrorBody, description = "an endpoint in the server role"),
    ),
)]
pub(crate) async fn disconnect(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let endpoint = client_endpoint(&api, name)?;
    done(api.ask(&by, Request::Disconnect { endpoint }).await?)
}

fn done(reply: Reply) -> Result<StatusCode, ApiError> {
    match reply {
        Reply::Done => Ok(StatusCode::NO_CONTENT),
        _ => Err(ApiError::mismatch()),
    }
}

/// What a probe has found out.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ProbeRow {
    /// All stages were passed.
    pub(crate) ok: bool,
    /// Milliseconds for the name, the connection and TLS; null when it did not come so far.
    pub(crate) connect_ms: Option<f64>,
    /// Milliseconds for the WebSocket handshake.
    pub(crate) handshake_ms: Option<f64>,
    /// Milliseconds from a ping to its pong; null also when the server answers no pings.
    pub(crate) round_trip_ms: Option<f64>,
    /// Signals in the catalog.
    pub(crate) catalog: Option<usize>,
    /// The server sent its catalog before it was asked.
    pub(crate) server_pushes: bool,
    /// What went wrong, in words.
    pub(crate) error: Option<String>,
    /// The stage that failed: `address`, `connect`, `tls`, `upgrade`, `catalog`; `done` when none did.
    pub(crate) stage: String,
}

impl From<Probe> for ProbeRow {
    fn from(probe: Probe) -> ProbeRow {
        let millis = |duration: std::time::Duration| duration.as_micros() as f64 / 1_000.0;
        ProbeRow {
            ok: probe.is_ok(),
            connect_ms: probe.connect.map(millis),
            handshake_ms: probe.handshake.map(millis),
            round_trip_ms: probe.round_trip.map(millis),
            catalog: probe.catalog,
            server_pushes: probe.server_pushes,
            stage: probe.stage.word().to_owned(),
            error: probe.error,
        }
    }
}

/// Tries the server of a link on a connection of its own: connect, handshake, catalog, round trip, disconnect (RV-35).
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/probe", tag = "endpoints",
    params(("name" = String, Path, description = "name of the endpoint")),
    responses(
        (status = 200, body = ProbeRow),
        (status = 403, body = ErrorBody, description = "somebody who may only look"),
        (status = 404, body = ErrorBody, description = "no such endpoint"),
        (status = 409, body = ErrorBody, description = "an endpoint in the server role"),
        (status = 503, body = ErrorBody, description = "too many probes at one time"),
    ),
)]
pub(crate) async fn probe(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<ProbeRow>, ApiError> {
    may_probe(&by)?;
    let name = client_endpoint(&api, name)?;
    let (target, client_name) = {
        let config = api.config.lock().unwrap_or_else(PoisonError::into_inner);
        let endpoint = config.endpoint(&name).ok_or_else(ApiError::mismatch)?;
        let target = Target::of_endpoint(endpoint, &config.folder);
        (target, endpoint.link.settings.client_name.clone())
    };
    let permit = PROBES.try_acquire();
    let _permit = permit.map_err(|_| ApiError::busy("too many probes run at this time; try again"))?;
    Ok(Json(probe::probe(&target, &client_name).await.into()))
}

/// The hub is not asked for a probe, so the right to it is looked at here: it is that of connecting a link.
fn may_probe(by: &Actor) -> Result<(), ApiError> {
    if by.access.role >= Role::Operator {
        return Ok(());
    }
    let refused = Refused::Forbidden {
        who: by.access.who.clone(),
        role: by.access.role.word(),
        what: String::from("probe a link"),
    };
    Err(refused.into())
}

/// The name of an endpoint in the client role.
fn client_endpoint(api: &Api, name: Result<Path<String>, PathRejection>) -> Result<String, ApiError> {
    let Path(name) = name.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let config = api.config.lock().unwrap_or_else(PoisonError::into_inner);
    match config.endpoint(&name).map(|endpoint| endpoint.role) {
        Some(config::Role::Client) => Ok(name),
        Some(config::Role::Server) => Err(ApiError::conflict(format!(
            "the endpoint '{name}' has the server role: peers connect to it, it has no link"
        ))),
        None => Err(ApiError::not_found(format!("no endpoint is called '{name}'"))),
    }
}
