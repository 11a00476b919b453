//! Routes: which signal follows which. The project file is the truth, so it is written first; what the hub then refuses is taken
//! out of it again.

pub(crate) mod file;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use crosstie_hub::access::Actor;
use crosstie_hub::api::{self, Reply, Request};
use crosstie_hub::settings::{RouteSetting, Transform};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::error::JsonBody;
use super::signals::to_json;
use super::{Api, ApiError, Caller, ErrorBody};
use crate::config::{self, Rewritten, RoutePlan};
use crate::core_task::{Job, StoreError};
use crate::reload::Reload;

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
    last_value: Option<Value>,
    /// Hub time of the last value, in milliseconds.
    last_at_ms: Option<u64>,
    /// Values that deadband, interval or map have withheld.
    held: u64,
    /// Values that could not be transformed.
    failed: u64,
    /// Why the last value could not be transformed; null since one could.
    error: Option<String>,
    /// The expression in CEL that gives the value.
    expr: Option<String>,
    /// Further variables of the expression, and their signals.
    inputs: BTreeMap<String, String>,
    /// Values as text and what they become; `*` stands for every other.
    map: BTreeMap<String, Value>,
    /// On becomes off and off becomes on.
    invert: bool,
    /// Factor of numbers.
    scale: Option<f64>,
    /// Added to numbers after the factor.
    offset: Option<f64>,
    /// A number that is nearer than this to the one passed last is not passed.
    deadband: Option<f64>,
    /// At most one value in so many milliseconds.
    every_ms: Option<f64>,
    /// Number of the route with the pattern that this one stands for.
    pattern: Option<u32>,
    /// For a route with a pattern: how many routes it stands for now.
    fits: Option<usize>,
}

impl From<api::RouteRow> for RouteRow {
    fn from(row: api::RouteRow) -> RouteRow {
        let Transform {
            expr,
            inputs,
            map,
            invert,
            scale,
            offset,
            deadband,
            every,
        } = row.transform;
        let map = map.into_iter().flat_map(|map| {
            let otherwise = map.otherwise.map(|value| (String::from("*"), value));
            map.entries.into_iter().chain(otherwise)
        });
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
            held: row.held,
            failed: row.failed,
            error: row.error,
            expr,
            inputs: inputs.into_iter().collect(),
            map: map.map(|(name, value)| (name, to_json(&value))).collect(),
            invert,
            scale,
            offset,
            deadband,
            every_ms: every.map(|every| every.as_secs_f64() * 1e3),
            pattern: row.pattern,
            fits: row.fits,
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

/// A route as it is to be; a key that is null or not given is at its default.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRoute {
    /// Name of the source, or a pattern.
    #[schema(example = "plc/PLC1/O:0/3")]
    from: String,
    /// Name of the target; with a pattern `$1` and so on stand for what its wildcards have caught.
    #[schema(example = "twin/line/Start")]
    to: String,
    /// Where the target is a place of a PLC: what becomes of it when the source is stale, `hold`, `zero` or `fault`.
    #[schema(example = "hold")]
    #[serde(skip_serializing_if = "Option::is_none")]
    on_stale: Option<String>,
    /// An expression in CEL that gives the value; `value` in it is the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    expr: Option<String>,
    /// Further variables of the expression, and their signals.
    #[serde(default, skip_serializing_if = "is_empty")]
    inputs: Option<BTreeMap<String, String>>,
    /// Values as text and what they become; `*` stands for every other.
    #[serde(default, skip_serializing_if = "is_empty")]
    map: Option<BTreeMap<String, Value>>,
    /// On becomes off and off becomes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    invert: Option<bool>,
    /// Factor of numbers, not 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<f64>,
    /// Added to numbers after the factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<f64>,
    /// A number that is nearer than this to the one passed last is not passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    deadband: Option<f64>,
    /// At most one value in so many milliseconds, from 1 to 3,600,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    every_ms: Option<f64>,
}

fn is_empty<T>(table: &Option<BTreeMap<String, T>>) -> bool {
    table.as_ref().is_none_or(BTreeMap::is_empty)
}

impl NewRoute {
    /// The route, every key in its form and range, as in the project file.
    fn setting(&self) -> Result<RouteSetting, ApiError> {
        let keys = serde_json::to_value(self).map_err(|error| ApiError::bad_request(error.to_string()))?;
        config::route_of_json(&keys).map_err(ApiError::bad_value)
    }
}

/// Adds a route.
#[utoipa::path(post, path = "/api/v1/routes", tag = "routes", request_body = NewRoute, responses(
    (status = 201, body = RouteRow),
    (status = 409, body = ErrorBody, description = "kinds that do not fit, a second writer, a loop"),
    (status = 422, body = ErrorBody, description = "a key that does not fit its form or range"),
    (status = 500, body = ErrorBody, description = "the project file could not be written; the route is not there"),
))]
pub(crate) async fn add(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(wanted): JsonBody<NewRoute>,
) -> Result<(StatusCode, Json<RouteRow>), ApiError> {
    let route = wanted.setting()?;
    let mut turn = api.reload_turn().await?;
    // A route carries its value at once, so everything that can refuse it is asked first: the hub, then the project file.
    check(&api, &by, &route, None).await?;
    let plan = RoutePlan {
        added: vec![route.clone()],
        ..RoutePlan::default()
    };
    let request = Request::AddRoute(Box::new(route));
    let row = keep_and_ask(&api, &mut turn, &by, plan, request).await?;
    Ok((StatusCode::CREATED, Json(row_of(row)?)))
}

/// Changes a route in place: nothing that its source says meanwhile is lost, and its counters go on.
#[utoipa::path(put, path = "/api/v1/routes/{id}", tag = "routes", request_body = NewRoute,
    params(("id" = u32, Path, description = "number of the route")),
    responses(
        (status = 200, body = RouteRow),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "kinds that do not fit, a second writer, a loop; the route is as it was"),
        (status = 422, body = ErrorBody, description = "a key that does not fit its form or range"),
        (status = 500, body = ErrorBody, description = "the project file could not be written; the route is as it was"),
    ),
)]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    id: Result<Path<u32>, PathRejection>,
    JsonBody(wanted): JsonBody<NewRoute>,
) -> Result<Json<RouteRow>, ApiError> {
    let Path(id) = id.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let route = wanted.setting()?;
    let mut turn = api.reload_turn().await?;
    let old = setting_of(one(&api, &by, id).await?);
    check(&api, &by, &route, Some(id)).await?;
    let plan = RoutePlan {
        changed: vec![(old, route.clone())],
        ..RoutePlan::default()
    };
    let route = Box::new(route);
    let row = keep_and_ask(&api, &mut turn, &by, plan, Request::ChangeRoute { id, route }).await?;
    Ok(Json(row_of(row)?))
}

/// Removes a route.
#[utoipa::path(delete, path = "/api/v1/routes/{id}", tag = "routes",
    params(("id" = u32, Path, description = "number of the route")),
    responses(
        (status = 204, description = "it is gone"),
        (status = 404, body = ErrorBody),
        (status = 500, body = ErrorBody, description = "it is gone, but not from the project file: a reload brings it back"),
    ),
)]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    id: Result<Path<u32>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let Path(id) = id.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let mut turn = api.reload_turn().await?;
    let route = setting_of(one(&api, &by, id).await?);
    api.ask(&by, Request::RemoveRoute { id }).await?;
    let plan = RoutePlan {
        removed: vec![route],
        ..RoutePlan::default()
    };
    turn.wrote(&keep(&api, plan).await?);
    Ok(StatusCode::NO_CONTENT)
}

/// The row of a route that the caller may see.
async fn one(api: &Api, by: &Actor, id: u32) -> Result<api::RouteRow, ApiError> {
    let Reply::Routes(rows, _) = api.ask(by, Request::Routes).await? else {
        return Err(ApiError::mismatch());
    };
    let row = rows.into_iter().find(|row| row.id == id);
    row.ok_or_else(|| ApiError::not_found(format!("no route is called '{id}'")))
}

fn row_of(reply: Reply) -> Result<RouteRow, ApiError> {
    match reply {
        Reply::Route(row) => Ok((*row).into()),
        _ => Err(ApiError::mismatch()),
    }
}

/// What a row says of its route.
fn setting_of(row: api::RouteRow) -> RouteSetting {
    RouteSetting {
        from: row.from,
        to: row.to,
        on_stale: row.on_stale,
        transform: row.transform,
    }
}

/// Would the hub lay this route?
async fn check(api: &Api, by: &Actor, route: &RouteSetting, instead_of: Option<u32>) -> Result<(), ApiError> {
    let route = Box::new(route.clone());
    api.ask(by, Request::CheckRoute { route, instead_of }).await.map(drop)
}

/// Writes the project file and then asks the hub; what the hub refuses all the same is taken out of the file again.
async fn keep_and_ask(
    api: &Api,
    turn: &mut Reload,
    by: &Actor,
    plan: RoutePlan,
    request: Request,
) -> Result<Reply, ApiError> {
    let rewritten = keep(api, plan).await?;
    match api.ask(by, request).await {
        Ok(reply) => {
            turn.wrote(&rewritten);
            Ok(reply)
        }
        // Perhaps the hub does it yet: the file says so, and is read again.
        Err(busy) if busy.is_busy() => Err(busy),
        Err(refused) => {
            // Somebody was faster meanwhile: the file must not promise what the hub has not.
            put_back(api, rewritten).await?;
            Err(refused)
        }
    }
}

/// Hands a change of the routes to the store and waits for its end.
async fn keep(api: &Api, plan: RoutePlan) -> Result<Rewritten, ApiError> {
    let (done, kept) = oneshot::channel();
    let plan = Box::new(plan);
    api.store.hand_in(Job::Routes { plan, done });
    answer(kept.await)
}

async fn put_back(api: &Api, rewritten: Rewritten) -> Result<(), ApiError> {
    let (done, kept) = oneshot::channel();
    api.store.hand_in(Job::PutBack { rewritten, done });
    // Where somebody has changed the file since, it says what they want, and a reload tells them.
    answer(kept.await).map(drop)
}

fn answer<T>(kept: Result<Result<T, StoreError>, oneshot::error::RecvError>) -> Result<T, ApiError> {
    let gone = |_| ApiError::busy("the hub is shutting down");
    kept.map_err(gone)?
        .map_err(|error| ApiError::not_saved(error.to_string()))
}
