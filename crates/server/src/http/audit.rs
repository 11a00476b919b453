//! The audit log, read from its end.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::keys::only_for_engineers;
use super::{Api, ApiError, Caller, ErrorBody};
use crate::audit::{self, Entry};

/// Entries of one answer at most; a larger `limit` is refused.
const LIMIT_MAX: usize = 1_000;

/// Which entries.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// How many: 1 to 1,000; 100 when nothing is said.
    limit: Option<usize>,
    /// Only those with a smaller number: the smallest `n` of the page before.
    before: Option<u64>,
}

/// A page of the audit log.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct EntryList {
    /// Newest first.
    entries: Vec<Entry>,
}

/// Who has changed what.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(Wanted), responses(
    (status = 200, body = EntryList),
    (status = 400, body = ErrorBody),
    (status = 403, body = ErrorBody, description = "only an engineer reads the audit log"),
    (status = 500, body = ErrorBody, description = "the audit log cannot be read"),
))]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<EntryList>, ApiError> {
    only_for_engineers(&by, "read the audit log")?;
    let expected = || {
        ApiError::bad_request(format!(
            "`limit` from 1 to {LIMIT_MAX} and `before`, both whole numbers"
        ))
    };
    let Query(wanted) = wanted.map_err(|_| expected())?;
    let limit = wanted.limit.unwrap_or(100);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(expected());
    }
    let folder = api.gate.folder().to_owned();
    let reading = tokio::task::spawn_blocking(move || audit::read_before(&folder, wanted.before, limit));
    let read = reading.await.map_err(|_| ApiError::busy("the hub is shutting down"))?;
    let entries = read.map_err(|error| ApiError::unreadable(format!("the audit log cannot be read: {error}")))?;
    Ok(Json(EntryList { entries }))
}
