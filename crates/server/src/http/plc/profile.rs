//! How long the rungs of a program take.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use crosstie_hub::access::Actor;
use crosstie_hub::api::plc::{PlcReply, PlcRequest, ProfileRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::of_path;
use crate::http::error::JsonBody;
use crate::http::{Api, ApiError, Caller, ErrorBody};

/// How long the rungs of a program take.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Profile {
    /// It is measured; without that, or without a program, there are no rungs.
    on: bool,
    /// Scans that were finished since measuring began. Steps are not measured.
    scans: u64,
    /// How often it is to scan, in microseconds.
    target_us: u32,
    /// So many nanoseconds longer does each rung take because it is measured. The times of the rungs are without it.
    overhead_ns: u64,
    /// The rungs in order.
    rungs: Vec<Rung>,
}

/// How long one rung takes, in nanoseconds.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Rung {
    /// Its number, counted from 0.
    rung: usize,
    /// How many instructions it has; a contact with decorators is one.
    instructions: u32,
    /// The last time.
    last_ns: u64,
    /// The average.
    avg_ns: u64,
    /// The longest.
    max_ns: u64,
    /// Its part of the time of all rungs together, 0 to 1.
    share: f64,
}

impl From<ProfileRow> for Profile {
    fn from(row: ProfileRow) -> Profile {
        let rungs = row.rungs.into_iter().enumerate().map(|(rung, time)| Rung {
            rung,
            instructions: time.instructions,
            last_ns: time.last_ns,
            avg_ns: time.avg_ns,
            max_ns: time.max_ns,
            share: time.share,
        });
        Profile {
            on: row.on,
            scans: row.scans,
            target_us: row.target_us,
            overhead_ns: row.overhead_ns,
            rungs: rungs.collect(),
        }
    }
}

async fn ask(api: &Api, by: &Actor, request: PlcRequest) -> Result<Json<Profile>, ApiError> {
    match api.ask_plc(by, request).await? {
        PlcReply::Profile(row) => Ok(Json(row.into())),
        _ => Err(ApiError::mismatch()),
    }
}

/// How long the rungs take, fresh from the engine.
#[utoipa::path(get, path = "/api/v1/plc/contexts/{context}/profile", tag = "plc",
    params(("context" = String, Path, description = "id or name of the context")),
    responses(
        (status = 200, body = Profile),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "`plc_refused`: the engine is busy or does not answer"),
    ),
)]
pub(crate) async fn read(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    context: Result<Path<String>, PathRejection>,
) -> Result<Json<Profile>, ApiError> {
    let context = of_path(context)?;
    ask(&api, &by, PlcRequest::Profile { context }).await
}

/// Whether it is to be measured.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProfile {
    /// Begin, anew when it is measured already, or end.
    on: bool,
}

/// Begins to measure how long the rungs take, or ends it.
#[utoipa::path(put, path = "/api/v1/plc/contexts/{context}/profile", tag = "plc",
    params(("context" = String, Path, description = "id or name of the context")),
    request_body = NewProfile,
    responses(
        (status = 200, body = Profile),
        (status = 403, body = ErrorBody, description = "whoever is no engineer"),
        (status = 404, body = ErrorBody),
    ),
)]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    context: Result<Path<String>, PathRejection>,
    JsonBody(NewProfile { on }): JsonBody<NewProfile>,
) -> Result<Json<Profile>, ApiError> {
    let context = of_path(context)?;
    ask(&api, &by, PlcRequest::SetProfile { context, on }).await
}
