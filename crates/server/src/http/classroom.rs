//! The classroom: how it stands, the models, GAMA's console, orders, seats and what monitors show.
//!
//! | room | what it does |
//! |---|---|
//! | `join` | joining with a browser: whether it is open, the code, the addresses |
//! | `rows` | the state, the catalog and the console as JSON |
//!
//! Everything that changes the class is answered by its state. Who may do what, and what is possible now, is decided by the hub.

pub(crate) mod join;
pub(crate) mod rows;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use crosstie_hub::access::Actor;
use crosstie_hub::api::classroom::{ClassRow, ClassroomReply, ClassroomRequest, OrderWord};
use crosstie_hub::api::{Reply, Request};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::JsonBody;
use super::{ANSWER_MAX, Api, ApiError, Caller, ErrorBody, Operation};
use rows::{ClassCatalog, ClassConsole, ClassState};

/// How long GAMA may take to evaluate an expression before the request is refused with 503. The hub itself waits 10 s and then
/// says so; this is longer, so that its words arrive.
const EVALUATE_MAX: Duration = Duration::from_secs(15);

/// The state of the class as the hub has written it.
#[derive(Debug)]
pub(crate) struct StateAnswer(Vec<u8>);

impl IntoResponse for StateAnswer {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

impl Api {
    async fn ask_class(
        &self,
        limit: Duration,
        by: &Actor,
        request: ClassroomRequest,
    ) -> Result<ClassroomReply, ApiError> {
        match self.ask_within(limit, by, Request::Classroom(request)).await? {
            Reply::Classroom(reply) => Ok(reply),
            _ => Err(ApiError::mismatch()),
        }
    }

    async fn ask_class_row(&self, by: &Actor, request: ClassroomRequest) -> Result<ClassRow, ApiError> {
        match self.ask_class(ANSWER_MAX, by, request).await? {
            ClassroomReply::State(row) => Ok(*row),
            _ => Err(ApiError::mismatch()),
        }
    }

    async fn ask_class_state(&self, by: &Actor, request: ClassroomRequest) -> Result<StateAnswer, ApiError> {
        let row = self.ask_class_row(by, request).await?;
        let mut text = Vec::new();
        row.write_json(&mut text);
        Ok(StateAnswer(text))
    }

    /// How the class stands; `None` where the project has none.
    pub(super) async fn class_row(&self, by: &Actor) -> Result<Option<ClassRow>, ApiError> {
        match self.ask_class_row(by, ClassroomRequest::State).await {
            Ok(row) => Ok(Some(row)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Everything that programs may ask for about the classroom.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        (Method::GET, "/api/v1/classroom", get(state)),
        (Method::GET, "/api/v1/classroom/catalog", get(catalog)),
        (Method::GET, "/api/v1/classroom/console", get(console)),
        (Method::GET, "/api/v1/classroom/join", get(join::show)),
        (Method::PUT, "/api/v1/classroom/join", put(join::change)),
        (Method::PUT, "/api/v1/classroom/model", put(select)),
        (Method::PUT, "/api/v1/classroom/screen", put(screen)),
        (Method::POST, "/api/v1/classroom/evaluate", post(evaluate)),
        (Method::POST, "/api/v1/classroom/{order}", post(order)),
        (Method::POST, "/api/v1/classroom/players/{id}/add", post(add)),
        (Method::POST, "/api/v1/classroom/players/{id}/remove", post(remove)),
        (Method::DELETE, "/api/v1/classroom/players/{id}", delete(forget)),
    ]
}

/// What stands in a path, or why it cannot be read.
fn of_path<T>(path: Result<Path<T>, PathRejection>) -> Result<T, ApiError> {
    let Path(found) = path.map_err(|error| ApiError::bad_request(error.body_text()))?;
    Ok(found)
}

/// How the class stands.
#[utoipa::path(get, path = "/api/v1/classroom", tag = "classroom", responses(
    (status = 200, body = ClassState),
    (status = 404, body = ErrorBody, description = "the project has no [classroom]"),
))]
pub(crate) async fn state(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<StateAnswer, ApiError> {
    api.ask_class_state(&by, ClassroomRequest::State).await
}

/// The models of the learning packages, and what was found wrong in them.
#[utoipa::path(get, path = "/api/v1/classroom/catalog", tag = "classroom", responses(
    (status = 200, body = ClassCatalog),
    (status = 404, body = ErrorBody, description = "the project has no [classroom]"),
))]
pub(crate) async fn catalog(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Json<ClassCatalog>, ApiError> {
    match api.ask_class(ANSWER_MAX, &by, ClassroomRequest::Catalog).await? {
        ClassroomReply::Catalog(catalog, active) => Ok(Json(ClassCatalog::new(&catalog, active))),
        _ => Err(ApiError::mismatch()),
    }
}

/// Which lines are wanted.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedLines {
    /// Only lines with a larger number.
    after: Option<u64>,
}

/// The newest lines of GAMA's console.
#[utoipa::path(get, path = "/api/v1/classroom/console", tag = "classroom", params(WantedLines), responses(
    (status = 200, body = ClassConsole),
    (status = 400, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "the project has no [classroom]"),
))]
pub(crate) async fn console(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    wanted: Result<Query<WantedLines>, QueryRejection>,
) -> Result<Json<ClassConsole>, ApiError> {
    let Query(WantedLines { after }) = wanted.map_err(|error| ApiError::bad_request(error.body_text()))?;
    match api
        .ask_class(ANSWER_MAX, &by, ClassroomRequest::Console { after })
        .await?
    {
        ClassroomReply::Console(lines, now) => Ok(Json(ClassConsole::new(lines, now))),
        _ => Err(ApiError::mismatch()),
    }
}

/// Gives an order to the experiment.
#[utoipa::path(post, path = "/api/v1/classroom/{order}", tag = "classroom",
    params(("order" = String, Path,
        description = "`launch`, `pause`, `resume`, `stop`, `step`, `step_back`, `reload`, or `connect`: try to reach GAMA now")),
    responses(
        (status = 200, body = ClassState, description = "how the class stands now"),
        (status = 404, body = ErrorBody, description = "no such order, or no [classroom]"),
        (status = 409, body = ErrorBody, description = "`classroom_refused`: not as the class stands; the message says why"),
    ),
)]
pub(crate) async fn order(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    order: Result<Path<String>, PathRejection>,
) -> Result<StateAnswer, ApiError> {
    let order = of_path(order)?;
    let known = OrderWord::ALL.into_iter().find(|known| known.word() == order);
    let known = known.ok_or_else(|| {
        let words = OrderWord::ALL.map(OrderWord::word).join(", ");
        ApiError::not_found(format!("no order is called '{order}': expected one of {words}"))
    })?;
    api.ask_class_state(&by, ClassroomRequest::Order(known)).await
}

/// A model to select.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewModel {
    /// Its index in the catalog.
    index: usize,
}

/// Makes another model the one that a launch loads.
#[utoipa::path(put, path = "/api/v1/classroom/model", tag = "classroom", request_body = NewModel, responses(
    (status = 200, body = ClassState, description = "how the class stands now"),
    (status = 404, body = ErrorBody, description = "no such model, or no [classroom]"),
    (status = 409, body = ErrorBody, description = "`classroom_refused`"),
))]
pub(crate) async fn select(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(NewModel { index }): JsonBody<NewModel>,
) -> Result<StateAnswer, ApiError> {
    api.ask_class_state(&by, ClassroomRequest::Select { model: index })
        .await
}

/// What monitors are to show.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewScreen {
    /// The display type, as the front ends know it; at most 256 bytes.
    #[schema(example = "stream")]
    display_type: String,
}

/// Switches what all monitors show.
#[utoipa::path(put, path = "/api/v1/classroom/screen", tag = "classroom", request_body = NewScreen, responses(
    (status = 200, body = ClassState, description = "how the class stands now"),
    (status = 404, body = ErrorBody, description = "the project has no [classroom]"),
    (status = 422, body = ErrorBody, description = "a display type that is too long"),
))]
pub(crate) async fn screen(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(NewScreen { display_type }): JsonBody<NewScreen>,
) -> Result<StateAnswer, ApiError> {
    api.ask_class_state(&by, ClassroomRequest::Screen { display_type })
        .await
}

/// Makes a connected player one of the game.
#[utoipa::path(post, path = "/api/v1/classroom/players/{id}/add", tag = "classroom",
    params(("id" = String, Path, description = "id or address of the player")),
    responses(
        (status = 200, body = ClassState, description = "how the class stands now; `in_game` follows when GAMA has answered"),
        (status = 404, body = ErrorBody, description = "no such player, or no [classroom]"),
        (status = 409, body = ErrorBody, description = "`classroom_refused`"),
    ),
)]
pub(crate) async fn add(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<StateAnswer, ApiError> {
    let id = of_path(id)?;
    api.ask_class_state(&by, ClassroomRequest::AddPlayer { id }).await
}

/// Takes a player out of the game and closes its connection.
#[utoipa::path(post, path = "/api/v1/classroom/players/{id}/remove", tag = "classroom",
    params(("id" = String, Path, description = "id or address of the player")),
    responses(
        (status = 200, body = ClassState, description = "how the class stands now"),
        (status = 404, body = ErrorBody, description = "no such player, or no [classroom]"),
        (status = 409, body = ErrorBody, description = "`classroom_refused`"),
    ),
)]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<StateAnswer, ApiError> {
    let id = of_path(id)?;
    api.ask_class_state(&by, ClassroomRequest::RemovePlayer { id }).await
}

/// Forgets a player that is not connected.
#[utoipa::path(delete, path = "/api/v1/classroom/players/{id}", tag = "classroom",
    params(("id" = String, Path, description = "id or address of the player")),
    responses(
        (status = 200, body = ClassState, description = "how the class stands now"),
        (status = 404, body = ErrorBody, description = "no such player, or no [classroom]"),
        (status = 409, body = ErrorBody, description = "`classroom_refused`: it is connected"),
    ),
)]
pub(crate) async fn forget(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<StateAnswer, ApiError> {
    let id = of_path(id)?;
    api.ask_class_state(&by, ClassroomRequest::ForgetPlayer { id }).await
}

/// An expression to evaluate.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewExpression {
    /// GAML; at most 16 KiB.
    #[schema(example = "length(people)")]
    expr: String,
}

/// What GAMA says.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Evaluated {
    /// The value as GAMA writes it.
    result: String,
}

/// Has GAMA evaluate an expression in the running experiment. For engineers: an expression can do anything in a simulation.
#[utoipa::path(post, path = "/api/v1/classroom/evaluate", tag = "classroom", request_body = NewExpression, responses(
    (status = 200, body = Evaluated),
    (status = 404, body = ErrorBody, description = "the project has no [classroom]"),
    (status = 409, body = ErrorBody, description = "`classroom_refused`: no experiment, GAMA has refused it, or it does not answer"),
    (status = 422, body = ErrorBody, description = "an expression that is too long"),
))]
pub(crate) async fn evaluate(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(NewExpression { expr }): JsonBody<NewExpression>,
) -> Result<Json<Evaluated>, ApiError> {
    match api
        .ask_class(EVALUATE_MAX, &by, ClassroomRequest::Evaluate { expr })
        .await?
    {
        ClassroomReply::Evaluated(result) => Ok(Json(Evaluated { result })),
        _ => Err(ApiError::mismatch()),
    }
}
