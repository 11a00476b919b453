//! Problems that a person has seen.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use crosstie_hub::api::{Reply, Request};
use serde::Deserialize;
use utoipa::ToSchema;

use super::error::JsonBody;
use super::{Api, ApiError, Caller, ErrorBody};

/// What a person has seen.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    /// Id of the problem; all of them when there is none.
    #[schema(example = "conflict:twin/line/Run")]
    #[serde(default)]
    id: Option<String>,
}

/// Notes that a person has seen one problem or all of them.
#[utoipa::path(post, path = "/api/v1/problems/acknowledge", tag = "health",
    request_body = Seen,
    responses(
        (status = 204, description = "it is noted"),
        (status = 404, body = ErrorBody, description = "no such problem, or it is over"),
    ),
)]
pub(crate) async fn acknowledge(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(seen): JsonBody<Seen>,
) -> Result<StatusCode, ApiError> {
    match api.ask(&by, Request::Acknowledge { problem: seen.id }).await? {
        Reply::Done => Ok(StatusCode::NO_CONTENT),
        _ => Err(ApiError::mismatch()),
    }
}
