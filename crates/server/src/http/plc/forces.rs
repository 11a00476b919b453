//! Forces and breakpoints.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use crosstie_hub::api::plc::PlcRequest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::memory::{PlaceWritten, given};
use super::of_path;
use super::rows::Force;
use crate::http::error::JsonBody;
use crate::http::{Api, ApiError, Caller, ErrorBody};

/// Seconds after which a force may end by itself: a year. A longer time is refused.
pub(crate) const EXPIRES_MAX_S: u64 = 365 * 24 * 60 * 60;

/// The forces of a context.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ForceList {
    /// Hub time of the answer, in milliseconds.
    now_ms: u64,
    /// The forces, the oldest first.
    forces: Vec<Force>,
}

/// The forces of a context.
#[utoipa::path(get, path = "/api/v1/plc/contexts/{context}/forces", tag = "plc",
    params(("context" = String, Path, description = "id or name of the context")),
    responses((status = 200, body = ForceList), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    context: Result<Path<String>, PathRejection>,
) -> Result<Json<ForceList>, ApiError> {
    let context = of_path(context)?;
    let (row, now) = api.ask_context(&by, PlcRequest::Context { context }).await?;
    Ok(Json(ForceList {
        now_ms: now.as_millis(),
        forces: row.forces.into_iter().map(Force::from).collect(),
    }))
}

/// A force to set.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewForce {
    /// true or false, or a whole number.
    value: serde_json::Value,
    /// Why, for people.
    #[serde(default)]
    #[schema(example = "sensor broken")]
    reason: String,
    /// The force ends by itself after so many seconds; without it, it does not.
    #[schema(minimum = 1, maximum = 31_536_000)]
    expires_after_s: Option<u64>,
}

/// Forces a place of the memory.
#[utoipa::path(put, path = "/api/v1/plc/contexts/{context}/forces/{address}", tag = "plc",
    params(
        ("context" = String, Path, description = "id or name of the context"),
        ("address" = String, Path, description = "address or symbol; its slash may be written plainly"),
    ),
    request_body = NewForce,
    responses(
        (status = 200, body = PlaceWritten),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "as many forces as there may be"),
        (status = 422, body = ErrorBody, description = "no such place, or a value that does not fit it"),
    ),
)]
pub(crate) async fn force(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    place: Result<Path<(String, String)>, PathRejection>,
    JsonBody(force): JsonBody<NewForce>,
) -> Result<Json<PlaceWritten>, ApiError> {
    let (context, address) = of_path(place)?;
    let request = PlcRequest::Force {
        context,
        address,
        value: given(force.value)?,
        reason: force.reason,
        expires_after: force.expires_after_s.map(expiry).transpose()?,
    };
    PlaceWritten::of(api.ask_plc(&by, request).await?)
}

fn expiry(seconds: u64) -> Result<Duration, ApiError> {
    match (1..=EXPIRES_MAX_S).contains(&seconds) {
        true => Ok(Duration::from_secs(seconds)),
        false => Err(ApiError::bad_value(format!(
            "`expires_after_s` is a number from 1 to {EXPIRES_MAX_S}"
        ))),
    }
}

/// Ends the force on a place.
#[utoipa::path(delete, path = "/api/v1/plc/contexts/{context}/forces/{address}", tag = "plc",
    params(
        ("context" = String, Path, description = "id or name of the context"),
        ("address" = String, Path, description = "address or symbol; its slash may be written plainly"),
    ),
    responses((status = 204, description = "it is not forced"), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn release(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    place: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let (context, address) = of_path(place)?;
    let address = Some(address);
    api.ask_done(&by, PlcRequest::Release { context, address }).await
}

/// Ends all forces of a context.
#[utoipa::path(delete, path = "/api/v1/plc/contexts/{context}/forces", tag = "plc",
    params(("context" = String, Path, description = "id or name of the context")),
    responses((status = 204, description = "nothing is forced"), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn release_all(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    context: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let context = of_path(context)?;
    let address = None;
    api.ask_done(&by, PlcRequest::Release { context, address }).await
}

/// Sets a breakpoint: the engine pauses before this rung.
#[utoipa::path(put, path = "/api/v1/plc/contexts/{context}/breakpoints/{rung}", tag = "plc",
    params(
        ("context" = String, Path, description = "id or name of the context"),
        ("rung" = usize, Path, description = "the rung, counted from 0"),
    ),
    responses(
        (status = 204, description = "it is set"),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "`plc_refused`: the program has no such rung"),
    ),
)]
pub(crate) async fn set_breakpoint(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    place: Result<Path<(String, usize)>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    breakpoint(&api, &by, place, true).await
}

/// Removes a breakpoint.
#[utoipa::path(delete, path = "/api/v1/plc/contexts/{context}/breakpoints/{rung}", tag = "plc",
    params(
        ("context" = String, Path, description = "id or name of the context"),
        ("rung" = usize, Path, description = "the rung, counted from 0"),
    ),
    responses(
        (status = 204, description = "none is there"),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "`plc_refused`: the program has no such rung"),
    ),
)]
pub(crate) async fn remove_breakpoint(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    place: Result<Path<(String, usize)>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    breakpoint(&api, &by, place, false).await
}

async fn breakpoint(
    api: &Api,
    by: &crosstie_hub::access::Actor,
    place: Result<Path<(String, usize)>, PathRejection>,
    is_set: bool,
) -> Result<StatusCode, ApiError> {
    let (context, rung) = of_path(place)?;
    let request = PlcRequest::Breakpoint { context, rung, is_set };
    api.ask_done(by, request).await
}

/// Removes all breakpoints of a context.
#[utoipa::path(delete, path = "/api/v1/plc/contexts/{context}/breakpoints", tag = "plc",
    params(("context" = String, Path, description = "id or name of the context")),
    responses((status = 204, description = "none is left"), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn clear_breakpoints(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    context: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let context = of_path(context)?;
    api.ask_done(&by, PlcRequest::ClearBreakpoints { context }).await
}
