//! Routes by the file: a table of them in and out as CSV, and the project file read again.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request as HttpRequest, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use crosstie_hub::api::{Reply, Request, RouteOrigin, RoutesSet};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::error::whole_body;
use super::super::keys::only_for_engineers;
use super::super::{Api, ApiError, Caller, ErrorBody};
use super::{keep_and_ask, setting_of};
use crate::config::{self, Diagnostic, ImportError, SourceText};
use crate::reload::{self, Reloaded};

/// Path of the operation that takes a table of routes.
pub(crate) const IMPORT_PATH: &str = "/api/v1/routes/import";

/// Bytes of a table of routes: 100,000 of them and more. A longer one is refused with 413.
pub(crate) const TABLE_LEN_MAX: usize = 16 << 20;

/// What became of the routes of a table.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Imported {
    /// Routes that were not there.
    added: usize,
    /// Routes that are others than before.
    changed: usize,
    /// Routes that were there as they are.
    same: usize,
    /// Routes that are no longer there.
    removed: usize,
}

impl From<RoutesSet> for Imported {
    fn from(set: RoutesSet) -> Imported {
        let RoutesSet {
            added,
            changed,
            same,
            removed,
        } = set;
        Imported {
            added,
            changed,
            same,
            removed,
        }
    }
}

/// How a table is taken.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportQuery {
    #[serde(default)]
    replace: bool,
}

/// Takes a table of routes: all of it, or nothing.
#[utoipa::path(post, path = "/api/v1/routes/import", tag = "routes",
    request_body(content = String, content_type = "text/csv", description = "the columns `from` and `to`, and any other key of a route"),
    params(("replace" = Option<bool>, Query, description = "remove the routes that the table does not have")),
    responses(
        (status = 200, body = Imported),
        (status = 409, body = ErrorBody, description = "a route that the hub refuses; nothing has changed"),
        (status = 422, body = ErrorBody, description = "the first mistake at its row and column; nothing has changed"),
        (status = 500, body = ErrorBody, description = "the project file could not be written; nothing has changed"),
    ),
)]
pub(crate) async fn import(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    query: Result<Query<ImportQuery>, QueryRejection>,
    request: HttpRequest,
) -> Result<Json<Imported>, ApiError> {
    let Query(ImportQuery { replace }) = query.map_err(|error| ApiError::bad_request(error.body_text()))?;
    // Whoever may not change routes is told before a table is read for them.
    only_for_engineers(&by, "change routes")?;
    let body = whole_body(request.into_body(), TABLE_LEN_MAX).await?;
    let table = String::from_utf8(body.into()).map_err(|_| ApiError::bad_request("a table in UTF-8"))?;
    let mut turn = api.reload_turn().await?;
    let file = api.file();
    let plan = reload::aside(move || config::plan_routes(&file, &SourceText::new("routes.csv", table), replace));
    let plan = plan.await?.map_err(refused)?;
    let routes = plan.routes.clone();
    let request = Request::SetRoutes { routes, replace };
    match keep_and_ask(&api, &mut turn, &by, plan, request).await? {
        Reply::RoutesSet(set) => Ok(Json(set.into())),
        _ => Err(ApiError::mismatch()),
    }
}

/// The routes as a table that an import takes. Those of clients of PiPLC's protocol are not among them: they come with their clients.
#[utoipa::path(get, path = "/api/v1/routes/export", tag = "routes", responses(
    (status = 200, body = String, content_type = "text/csv"),
))]
pub(crate) async fn export(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Response, ApiError> {
    let Reply::Routes(rows, _) = api.ask(&by, Request::Routes).await? else {
        return Err(ApiError::mismatch());
    };
    let own = rows
        .into_iter()
        .filter(|row| row.pattern.is_none() && row.origin != RouteOrigin::Piplc);
    let routes: Vec<_> = own.map(setting_of).collect();
    let table = config::export_routes(&routes).text;
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], table).into_response())
}

/// What became of the project file that was read again.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ReloadedRoutes {
    /// What became of the routes.
    #[serde(flatten)]
    routes: Imported,
    /// What else has changed in it and takes effect at the next start, in words.
    later: Vec<String>,
}

/// Reads the project file again and takes over its routes. The hub does so by itself when the file changes.
#[utoipa::path(post, path = "/api/v1/routes/reload", tag = "routes", responses(
    (status = 200, body = ReloadedRoutes),
    (status = 409, body = ErrorBody, description = "a route that the hub refuses; nothing has changed"),
    (status = 422, body = ErrorBody, description = "the first mistake of the project file; nothing has changed"),
))]
pub(crate) async fn reload(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Json<ReloadedRoutes>, ApiError> {
    only_for_engineers(&by, "change routes")?;
    let Reloaded { routes, later } = api.reload_turn().await?.run(&api, &by).await?;
    Ok(Json(ReloadedRoutes {
        routes: routes.into(),
        later,
    }))
}

/// The first mistake of a table, or of the project that it is for.
fn refused(error: ImportError) -> ApiError {
    match error {
        ImportError::Mistakes(diagnostics) => ApiError::bad_value(first_of(&diagnostics)),
        error => ApiError::not_saved(error.to_string()),
    }
}

/// The first error in words, and how many more there are.
pub(crate) fn first_of(diagnostics: &[Diagnostic]) -> String {
    let mut errors = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == config::Severity::Error);
    let first = errors.next().map_or_else(String::new, ToString::to_string);
    match errors.count() {
        0 => first,
        more => format!("{first} (and {more} more)"),
    }
}
