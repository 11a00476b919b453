//! WebSockets on the web port: the live channel, and the endpoints and the classroom for peers that can reach this port only.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use axum::response::IntoResponse;
use crosstie_hub::Face;
use crosstie_hub::access::Actor;

use super::{Api, ApiError, Caller, ErrorBody};
use crate::origin::Origins;
use crate::upgrade;

/// Where monitors of the classroom connect on the web port.
pub(crate) const MONITOR_PATH: &str = "/monitor";
/// Where headsets do.
pub(crate) const HEADSET_PATH: &str = "/headset";

/// The live channel: a WebSocket with one JSON object per text frame.
#[utoipa::path(get, path = "/api/v1/live", tag = "live", responses(
    (status = 101, description = "the channel is open; its messages are described in the manual"),
    (status = 401, body = ErrorBody, description = "a key is wanted, or it is not valid"),
    (status = 403, body = ErrorBody, description = "a page of another origin"),
    (status = 426, body = String, content_type = "text/plain", description = "no WebSocket handshake"),
))]
pub(crate) async fn live(State(api): State<Arc<Api>>, Caller(by): Caller, request: Request) -> Response<Body> {
    session(
        &api,
        by,
        request,
        (Face::Live, &api.origins),
        "This is the live channel of Crosstie: connect a WebSocket client.",
    )
}

/// A session of an endpoint, as on its own port.
#[utoipa::path(get, path = "/realvirtual/{endpoint}", tag = "live",
    params(("endpoint" = String, Path, description = "name of the endpoint")),
    responses(
        (status = 101, description = "the session is open"),
        (status = 401, body = ErrorBody, description = "a key is wanted, or it is not valid"),
        (status = 403, body = ErrorBody, description = "a page of another origin"),
        (status = 404, body = ErrorBody, description = "no such endpoint"),
        (status = 409, body = ErrorBody, description = "an endpoint in the client role"),
        (status = 426, body = String, content_type = "text/plain", description = "no WebSocket handshake"),
    ),
)]
pub(crate) async fn realvirtual(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    Path(name): Path<String>,
    request: Request,
) -> Response<Body> {
    let Some(endpoint) = api.ports.iter().find(|port| port.name == name) else {
        return ApiError::not_found(format!("no endpoint is called '{name}'")).into_response();
    };
    if endpoint.address().is_none() {
        let message =
            format!("the endpoint '{name}' has the client role: it connects to a server, nobody connects to it");
        return ApiError::conflict(message).into_response();
    }
    let hint = format!("This is the realvirtual endpoint '{name}' of Crosstie: connect a WebSocket client.");
    session(
        &api,
        by,
        request,
        (Face::Realvirtual(endpoint.id), &endpoint.origins),
        &hint,
    )
}

/// A session of a monitor, as on its own port.
#[utoipa::path(get, path = "/monitor", tag = "live", responses(
    (status = 101, description = "the session is open"),
    (status = 401, body = ErrorBody, description = "a key is wanted, or it is not valid"),
    (status = 403, body = ErrorBody, description = "a page of another origin"),
    (status = 404, body = ErrorBody, description = "the project has no classroom"),
    (status = 426, body = String, content_type = "text/plain", description = "no WebSocket handshake"),
))]
pub(crate) async fn monitor(State(api): State<Arc<Api>>, Caller(by): Caller, request: Request) -> Response<Body> {
    let hint = "This is where monitors of Crosstie's classroom connect: use a WebSocket client.";
    class_session(&api, by, request, Face::Monitor, hint)
}

/// A session of a headset, as on its own port.
#[utoipa::path(get, path = "/headset", tag = "live",
    params(("code" = Option<String>, Query, description = "the join code of a closed class, while joining is open")),
    responses(
        (status = 101, description = "the session is open"),
        (status = 401, body = ErrorBody, description = "the class is for headsets of this machine, or a key or a join code is not valid"),
        (status = 403, body = ErrorBody, description = "a page of another origin, or a key that does not do here"),
        (status = 404, body = ErrorBody, description = "the project has no classroom"),
        (status = 426, body = String, content_type = "text/plain", description = "no WebSocket handshake"),
    ),
)]
pub(crate) async fn headset(State(api): State<Arc<Api>>, Caller(by): Caller, request: Request) -> Response<Body> {
    let hint = "This is where headsets of Crosstie's classroom connect: use a WebSocket client.";
    class_session(&api, by, request, Face::Headset, hint)
}

fn class_session(api: &Api, by: Actor, request: Request, face: Face, hint: &str) -> Response<Body> {
    match api.class_door(face) {
        Some(door) => session(api, by, request, (face, &door.origins), hint),
        None => ApiError::not_found("the project has no [classroom]".to_owned()).into_response(),
    }
}

fn session(
    api: &Api,
    by: Actor,
    mut request: Request,
    (face, origins): (Face, &Origins),
    hint: &str,
) -> Response<Body> {
    // Browsers let every page open a WebSocket anywhere: here is the only place that can say no.
    if !origins.are_kept(request.headers()) {
        return ApiError::foreign_origin().into_response();
    }
    match upgrade::check(&request) {
        Ok(key) => upgrade::accept(&mut request, &key, face, by, &api.door),
        Err(why) => upgrade::refuse(why, hint),
    }
}
