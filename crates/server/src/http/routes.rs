//! Routes: which signal follows which. A change is carried out by the hub first and then written to the project file.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use crosstie_hub::api::{self, Reply, Request};
use crosstie_hub::settings::{OnStale, RouteSetting};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::error::JsonBody;
use super::signals::to_json;
use super::{Api, ApiError, Caller, ErrorBody};
use crate::core_task::{Job, StoreError};

/// The routes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RouteList {
    /// Hub time of the answer, in milliseconds.
    now_ms: u64,
    /// The routes, in the order of their ids.
    routes: Vec<RouteRow>,
}

/// One route.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RouteRow {
    /// Its number, valid until the hub ends.
    id: u32,
    /// Name of the source.
    from: String,
    /// Name of the target.
    to: String,
    /// `project` when it stood in the project file at the start, `piplc` when a client of PiPLC's protocol sent it in its route
    /// table, otherwise `api`.
    source: &'static str,
    /// `active`, or `waiting` for a signal that does not exist yet.
    state: &'static str,
    /// Why it waits.
    reason: Option<String>,
    /// Where the target is a place of a PLC: what becomes of it when the source is stale.
    on_stale: &'static str,
    /// Values passed.
    count: u64,
    /// Last value passed.
    last_value: Option<serde_json::Value>,
    /// Hub time of the last value, in milliseconds.
    last_at_ms: Option<u64>,
}

impl From<api::RouteRow> for RouteRow {
    fn from(row: api::RouteRow) -> RouteRow {
        RouteRow {
            id: row.id,
            from: row.from,
            to: row.to,
            source: row.origin.word(),
            state: if row.waiting.is_none() { "active" } else { "waiting" },
            reason: row.waiting,
            on_stale: row.on_stale.word(),
            count: row.count,
            last_value: row.last_value.as_ref().map(to_json),
            last_at_ms: row.last_at.map(crosstie_hub::Time::as_millis),
        }
    }
}

/// The routes.
#[utoipa::path(get, path = "/api/v1/routes", tag = "routes", responses((status = 200, body = RouteList)))]
pub(crate) async fn list(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Json<RouteList>, ApiError> {
    match api.ask(&by, Request::Routes).await? {
        Reply::Routes(rows, now) => Ok(Json(RouteList {
            now_ms: now.as_millis(),
            routes: rows.into_iter().map(RouteRow::from).collect(),
        })),
        _ => Err(ApiError::mismatch()),
    }
}

/// A route to add.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRoute {
    /// Name of the source.
    #[schema(example = "plc/PLC1/O:0/3")]
    from: String,
    /// Name of the target.
    #[schema(example = "twin/line/Start")]
    to: String,
    /// Where the target is a place of a PLC: what becomes of it when the source is stale, `hold`, `zero` or `fault`.
    #[schema(example = "hold")]
    on_stale: Option<String>,
}

/// Adds a route.
#[utoipa::path(post, path = "/api/v1/routes", tag = "routes", request_body = NewRoute, responses(
    (status = 201, body = RouteRow),
    (status = 409, body = ErrorBody, description = "kinds that do not fit, a second writer, a loop"),
    (status = 500, body = ErrorBody, description = "the project file could not be written; the route is not there"),
))]
pub(crate) async fn add(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(NewRoute { from, to, on_stale }): JsonBody<NewRoute>,
) -> Result<(StatusCode, Json<RouteRow>), ApiError> {
    let on_stale = on_stale.map_or(Ok(OnStale::default()), |word| on_stale_of(&word, &to))?;
    // A route carries its value at once, so everything that can refuse it is asked first: the hub, then the project file.
    let route = RouteSetting {
        on_stale,
        ..RouteSetting::plain(&from, &to)
    };
    let check = Request::CheckRoute {
        route: Box::new(route.clone()),
        instead_of: None,
    };
    api.ask(&by, check).await?;
    let kept = keep(&api, |done| Job::AddRoute {
        route: route.clone(),
        done,
    })
    .await;
    kept.map_err(|error| ApiError::not_saved(error.to_string()))?;
    match api.ask(&by, Request::AddRoute(Box::new(route.clone()))).await {
        Ok(Reply::Route(row)) => Ok((StatusCode::CREATED, Json((*row).into()))),
        refused => {
            // Somebody was faster meanwhile: the file must not promise a route that the hub has not.
            let RouteSetting { from, to, .. } = route;
            let taken_back = keep(&api, |done| Job::RemoveRoute { from, to, done }).await;
            taken_back.map_err(|error| ApiError::not_saved(error.to_string()))?;
            refused.and(Err(ApiError::mismatch()))
        }
    }
}

/// Removes a route.
#[utoipa::path(delete, path = "/api/v1/routes/{id}", tag = "routes",
    params(("id" = u32, Path, description = "number of the route")),
    responses(
        (status = 204, description = "it is gone"),
        (status = 404, body = ErrorBody),
        (status = 500, body = ErrorBody, description = "it is gone, but not from the project file"),
    ),
)]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    id: Result<Path<u32>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let Path(id) = id.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let Reply::Routes(rows, _) = api.ask(&by, Request::Routes).await? else {
        return Err(ApiError::mismatch());
    };
    api.ask(&by, Request::RemoveRoute { id }).await?;
    if let Some(row) = rows.into_iter().find(|row| row.id == id) {
        let (from, to) = (row.from, row.to);
        let kept = keep(&api, |done| Job::RemoveRoute { from, to, done }).await;
        kept.map_err(|error| ApiError::not_saved(error.to_string()))?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// What is meant by a word for stale sources; only a place of a PLC has a choice.
fn on_stale_of(word: &str, to: &str) -> Result<OnStale, ApiError> {
    let on_stale = OnStale::from_word(word)
        .ok_or_else(|| ApiError::bad_value(String::from("`on_stale`: expected hold, zero or fault")))?;
    if on_stale != OnStale::default() && !to.starts_with("plc/") {
        return Err(ApiError::bad_value(String::from(
            "`on_stale`: expected a target that begins with plc/",
        )));
    }
    Ok(on_stale)
}

/// Hands a job to the store and waits for its end.
async fn keep(api: &Api, job: impl FnOnce(oneshot::Sender<Result<(), StoreError>>) -> Job) -> Result<(), StoreError> {
    let (done, kept) = oneshot::channel();
    api.store.hand_in(job(done));
    let gone = |_| StoreError(String::from("the hub is shutting down"));
    kept.await.unwrap_or_else(|error| Err(gone(error)))
}
