//! Refusals of the API: one JSON shape for all of them.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use crosstie_hub::access::{Actor, Role};
use crosstie_hub::api::Refused;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::{BODY_LEN_MAX, BODY_TIME_MAX};
use crate::keys::{KeysError, Refusal};
use crate::upgrade;

/// Why a request is refused.
///
/// Shape: `{"error":{"code":"not_found","message":"no signal is called 'a/b'"}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

/// The body of every refusal.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// What is wrong.
    error: ErrorDetail,
}

/// What is wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ErrorDetail {
    /// A word for programs.
    #[schema(example = "not_found")]
    code: &'static str,
    /// What was expected, for people.
    message: String,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError {
            status,
            code,
            message: message.into(),
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// Nothing is called as was asked.
    pub(crate) fn is_not_found(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    pub(crate) fn bad_value(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_value", message)
    }

    pub(crate) fn needs_restart(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::CONFLICT, "needs_restart", message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::CONFLICT, "conflict", message)
    }

    pub(crate) fn too_late(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::CONFLICT, "too_late", message)
    }

    pub(crate) fn not_saved(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "not_saved", message)
    }

    pub(crate) fn unreadable(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "unreadable", message)
    }

    pub(crate) fn busy(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
    }

    /// Nobody knows what has become of what was asked.
    pub(crate) fn is_busy(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE
    }

    pub(crate) fn method_not_allowed() -> ApiError {
        let message = "this path exists, but not with this method (see /api/v1/openapi.json)";
        ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    }

    pub(crate) fn foreign_origin() -> ApiError {
        let message = "a page of another origin may not use this hub: web.allowed_origins names those that may, and the names of a reverse proxy";
        ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", message)
    }

    pub(crate) fn forbidden(by: &Actor, what: &str) -> ApiError {
        Refused::Forbidden {
            who: by.access.who.clone(),
            role: by.access.role.word(),
            what: what.to_owned(),
        }
        .into()
    }

    pub(crate) fn no_program(context: &str) -> ApiError {
        let message = format!("the context '{context}' has no program; download one");
        ApiError::new(StatusCode::NOT_FOUND, "no_program", message)
    }

    pub(crate) fn engine_runs(context: &str, state: &str) -> ApiError {
        let message =
            format!("'{context}' is {state} and a download stops it; stop it first, or allow that with stop=true");
        ApiError::new(StatusCode::CONFLICT, "engine_runs", message)
    }

    /// A program with so many reasons why it cannot run.
    pub(crate) fn bad_program(reasons: usize) -> ApiError {
        let plural = if reasons == 1 { "" } else { "s" };
        let message = format!("the program cannot run for {reasons} reason{plural}; the engine keeps what it has");
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_program", message)
    }

    fn too_large(len_max: usize) -> ApiError {
        let message = format!("a body of at most {len_max} bytes");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// The hub answered a question that nobody asked: our own mistake, told as such instead of a panic.
    pub(crate) fn mismatch() -> ApiError {
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the hub gave an answer to another question",
        )
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> ApiError {
        let message = refused.to_string();
        // Of several, one was in the way: the words name it, the status is its own.
        let refused = match refused {
            Refused::Route { refused, .. } => *refused,
            refused => refused,
        };
        match refused {
            Refused::Route { .. } => ApiError::conflict(message),
            Refused::NotFound { .. } => ApiError::not_found(message),
            Refused::BadValue { .. } => ApiError::bad_value(message),
            Refused::Conflict(_) => ApiError::conflict(message),
            Refused::Limit { .. } => ApiError::new(StatusCode::CONFLICT, "refused", message),
            Refused::NotSaved(_) => ApiError::not_saved(message),
            Refused::Forbidden { .. } => ApiError::new(StatusCode::FORBIDDEN, "forbidden", message),
            Refused::Plc(_) => ApiError::new(StatusCode::CONFLICT, "plc_refused", message),
            Refused::Classroom(_) => ApiError::new(StatusCode::CONFLICT, "classroom_refused", message),
            Refused::LinkDown { .. } => ApiError::new(StatusCode::CONFLICT, "link_down", message),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> ApiError {
        let (status, code) = match refusal {
            Refusal::TooOften => (StatusCode::TOO_MANY_REQUESTS, "too_many_failures"),
            Refusal::NoHeadset => (StatusCode::FORBIDDEN, "forbidden"),
            _ => (StatusCode::UNAUTHORIZED, "unauthorized"),
        };
        ApiError::new(status, code, refusal.to_string())
    }
}

impl From<KeysError> for ApiError {
    fn from(error: KeysError) -> ApiError {
        let message = error.to_string();
        match error {
            KeysError::BadValue(_) => ApiError::bad_value(message),
            KeysError::Unknown(_) => ApiError::not_found(message),
            KeysError::Conflict(_) => ApiError::new(StatusCode::CONFLICT, "conflict", message),
            KeysError::TooMany => ApiError::new(StatusCode::CONFLICT, "refused", message),
            KeysError::Damaged(_) | KeysError::Write(_) | KeysError::Audit(_) | KeysError::Random(_) => {
                ApiError::not_saved(message)
            }
        }
    }
}

impl ApiError {
    /// Status and body, for an answer that says more than this.
    pub(super) fn into_body(self) -> (StatusCode, ErrorBody) {
        let error = ErrorDetail {
            code: self.code,
            message: self.message,
        };
        (self.status, ErrorBody { error })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, body) = self.into_body();
        let mut response = (status, Json(body)).into_response();
        upgrade::say_what_is_wanted(&mut response);
        response
    }
}

/// Refuses whoever has a smaller role; `what` is what it wanted to do.
pub(super) fn needs(by: &Actor, role: Role, what: &str) -> Result<(), ApiError> {
    match by.access.role >= role {
        true => Ok(()),
        false => Err(ApiError::forbidden(by, what)),
    }
}

/// The whole of a body, within its limits.
pub(super) async fn whole_body(body: Body, len_max: usize) -> Result<Bytes, ApiError> {
    let body = tokio::time::timeout(BODY_TIME_MAX, axum::body::to_bytes(body, len_max)).await;
    let body = body.map_err(|_| ApiError::bad_request(format!("a body within {BODY_TIME_MAX:?}")))?;
    // Reading fails for one reason only that somebody is there to hear: too many bytes.
    body.map_err(|_| ApiError::too_large(len_max))
}

/// A JSON body of a known form, whatever the content type says, refused in the API's own words.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<JsonBody<T>, ApiError> {
        let body = whole_body(request.into_body(), BODY_LEN_MAX).await?;
        let value = serde_json::from_slice(&body);
        value
            .map(JsonBody)
            .map_err(|error| ApiError::bad_request(format!("a JSON body was expected: {error}")))
    }
}
