//! How much the hub logs, read and changed while it runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use crosstie_hub::access::Role;
use crosstie_hub::api::Refused;
use crosstie_hub::output::AuditEntry;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::JsonBody;
use super::{Api, ApiError, Caller, ErrorBody};
use crate::log::{self, FilterError};

/// How much is logged.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogFilter {
    /// A level, or targets with levels, with commas between them; at most 1,024 bytes.
    #[schema(example = "info,crosstie_server=debug")]
    filter: String,
}

/// How much is logged.
#[utoipa::path(get, path = "/api/v1/log", tag = "config", responses(
    (status = 200, body = LogFilter),
    (status = 409, body = ErrorBody, description = "the log of the process is not the hub's own"),
))]
pub(crate) async fn read() -> Result<Json<LogFilter>, ApiError> {
    let filter = log::filter().ok_or_else(|| ApiError::conflict(FilterError::NotOurs.to_string()))?;
    Ok(Json(LogFilter { filter }))
}

/// Changes how much is logged, until the hub ends or the next change.
#[utoipa::path(put, path = "/api/v1/log", tag = "config",
    request_body = LogFilter,
    responses(
        (status = 200, body = LogFilter),
        (status = 403, body = ErrorBody, description = "only an engineer may"),
        (status = 409, body = ErrorBody, description = "the log of the process is not the hub's own"),
        (status = 422, body = ErrorBody, description = "no filter"),
    ),
)]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(wanted): JsonBody<LogFilter>,
) -> Result<Json<LogFilter>, ApiError> {
    // The hub decides over everything else; the log is no business of its.
    if by.access.role < Role::Engineer {
        let forbidden = Refused::Forbidden {
            who: by.access.who.clone(),
            role: by.access.role.word(),
            what: String::from("change the log"),
        };
        return Err(forbidden.into());
    }
    let before = log::filter();
    match log::change(&wanted.filter) {
        Ok(()) => {
            let entry = AuditEntry {
                by: by.clone(),
                what: "log",
                subject: String::from("filter"),
                old: before.into(),
                new: wanted.filter.clone().into(),
            };
            api.audit.hand_in(entry.into());
            tracing::info!(who = %by.access.who, filter = wanted.filter, "the log was changed");
            Ok(Json(wanted))
        }
        Err(error @ FilterError::NotOurs) => Err(ApiError::conflict(error.to_string())),
        Err(error) => Err(ApiError::bad_value(error.to_string())),
    }
}
