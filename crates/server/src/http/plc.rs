//! PLC contexts: how they stand, what they are told to do, and making and removing them.
//!
//! | room | what it does |
//! |---|---|
//! | `rows` | a context, a force, a diagnostic as JSON |
//! | `program` | download, upload, and the program as a page draws it |
//! | `drawing` | rungs, branches and instructions as JSON |
//! | `memory` | the memory as a whole, and writing places of it |
//! | `profile` | how long rungs take |
//! | `forces` | forces and breakpoints |
//!
//! `{context}` of a path is an id or a name. Who may do what is decided by the hub.

pub(crate) mod drawing;
pub(crate) mod forces;
pub(crate) mod memory;
pub(crate) mod profile;
pub(crate) mod program;
pub(crate) mod rows;

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::routing::{delete, get, post, put};
use crosstie_hub::Time;
use crosstie_hub::access::Actor;
use crosstie_hub::api::plc::{ContextRow, PlcReply, PlcRequest};
use crosstie_hub::api::{Reply, Request};
use crosstie_ladder::controller::Command;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::JsonBody;
use super::{Api, ApiError, Caller, ErrorBody, Operation};
use rows::Context;

/// All contexts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ContextList {
    /// Hub time of the answer, in milliseconds.
    now_ms: u64,
    /// The contexts, those of the project first.
    contexts: Vec<Context>,
}

/// One context.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct OneContext {
    /// Hub time of the answer, in milliseconds.
    now_ms: u64,
    /// How it stands.
    context: Context,
}

impl OneContext {
    fn new(row: ContextRow, now: Time) -> OneContext {
        OneContext {
            now_ms: now.as_millis(),
            context: row.into(),
        }
    }
}

impl Api {
    /// Asks the hub about PLC contexts and waits for its answer.
    async fn ask_plc(&self, by: &Actor, request: PlcRequest) -> Result<PlcReply, ApiError> {
        match self.ask(by, Request::Plc(request)).await? {
            Reply::Plc(reply) => Ok(reply),
            _ => Err(ApiError::mismatch()),
        }
    }

    /// The same, where the answer says how a context stands.
    async fn ask_context(&self, by: &Actor, request: PlcRequest) -> Result<(ContextRow, Time), ApiError> {
        match self.ask_plc(by, request).await? {
            PlcReply::Context(row, now) => Ok((*row, now)),
            _ => Err(ApiError::mismatch()),
        }
    }

    /// The same, where it is enough that it is done.
    async fn ask_done(&self, by: &Actor, request: PlcRequest) -> Result<StatusCode, ApiError> {
        self.ask_context(by, request).await.map(|_| StatusCode::NO_CONTENT)
    }
}

/// Everything that programs may ask for about PLC contexts.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        (Method::GET, "/api/v1/plc/contexts", get(list)),
        (Method::POST, "/api/v1/plc/contexts", post(create)),
        (Method::GET, "/api/v1/plc/contexts/{context}", get(one)),
        (Method::DELETE, "/api/v1/plc/contexts/{context}", delete(remove)),
        (Method::POST, "/api/v1/plc/contexts/{context}/command", post(command)),
        (
            Method::GET,
            "/api/v1/plc/contexts/{context}/program",
            get(program::upload),
        ),
        (
            Method::PUT,
            "/api/v1/plc/contexts/{context}/program",
            put(program::download),
        ),
        (
            Method::DELETE,
            "/api/v1/plc/contexts/{context}/program",
            delete(program::clear),
        ),
        (Method::GET, "/api/v1/plc/contexts/{context}/memory", get(memory::read)),
        (
            Method::POST,
            "/api/v1/plc/contexts/{context}/memory",
            post(memory::write_all),
        ),
        (
            Method::POST,
            "/api/v1/plc/contexts/{context}/toggle",
            post(memory::toggle),
        ),
        (
            Method::PUT,
            "/api/v1/plc/contexts/{context}/memory/{*address}",
            put(memory::write),
        ),
        (
            Method::GET,
            "/api/v1/plc/contexts/{context}/profile",
            get(profile::read),
        ),
        (
            Method::PUT,
            "/api/v1/plc/contexts/{context}/profile",
            put(profile::change),
        ),
        (Method::GET, "/api/v1/plc/contexts/{context}/forces", get(forces::list)),
        (
            Method::DELETE,
            "/api/v1/plc/contexts/{context}/forces",
            delete(forces::release_all),
        ),
        (
            Method::PUT,
            "/api/v1/plc/contexts/{context}/forces/{*address}",
            put(forces::force),
        ),
        (
            Method::DELETE,
            "/api/v1/plc/contexts/{context}/forces/{*address}",
            delete(forces::release),
        ),
        (
            Method::DELETE,
            "/api/v1/plc/contexts/{context}/breakpoints",
            delete(forces::clear_breakpoints),
        ),
        (
            Method::PUT,
            "/api/v1/plc/contexts/{context}/breakpoints/{rung}",
            put(forces::set_breakpoint),
        ),
        (
            Method::DELETE,
            "/api/v1/plc/contexts/{context}/breakpoints/{rung}",
            delete(forces::remove_breakpoint),
        ),
    ]
}

/// What stands in a path, or why it cannot be read.
fn of_path<T>(path: Result<Path<T>, PathRejection>) -> Result<T, ApiError> {
    let Path(found) = path.map_err(|error| ApiError::bad_request(error.body_text()))?;
    Ok(found)
}

/// All contexts.
#[utoipa::path(get, path = "/api/v1/plc/contexts", tag = "plc", responses((status = 200, body = ContextList)))]
pub(crate) async fn list(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Json<ContextList>, ApiError> {
    match api.ask_plc(&by, PlcRequest::Contexts).await? {
        PlcReply::Contexts(rows, now) => Ok(Json(ContextList {
            now_ms: now.as_millis(),
            contexts: rows.into_iter().map(Context::from).collect(),
        })),
        _ => Err(ApiError::mismatch()),
    }
}

/// One context.
#[utoipa::path(get, path = "/api/v1/plc/contexts/{context}", tag = "plc",
    params(("context" = String, Path, description = "id or name of the context")),
    responses((status = 200, body = OneContext), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn one(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    context: Result<Path<String>, PathRejection>,
) -> Result<Json<OneContext>, ApiError> {
    let context = of_path(context)?;
    let (row, now) = api.ask_context(&by, PlcRequest::Context { context }).await?;
    Ok(Json(OneContext::new(row, now)))
}

/// A context to make.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewContext {
    /// Its name; `PLC n` without it.
    #[schema(example = "Line 2")]
    name: Option<String>,
}

/// Makes a context that is gone when the hub ends.
#[utoipa::path(post, path = "/api/v1/plc/contexts", tag = "plc", request_body = NewContext, responses(
    (status = 201, body = OneContext),
    (status = 409, body = ErrorBody, description = "a name that is taken, or as many contexts as there may be"),
    (status = 422, body = ErrorBody, description = "a name that is none"),
))]
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(NewContext { name }): JsonBody<NewContext>,
) -> Result<(StatusCode, Json<OneContext>), ApiError> {
    let (row, now) = api.ask_context(&by, PlcRequest::Create { name }).await?;
    Ok((StatusCode::CREATED, Json(OneContext::new(row, now))))
}

/// Removes a context that does not run and is not the last.
#[utoipa::path(delete, path = "/api/v1/plc/contexts/{context}", tag = "plc",
    params(("context" = String, Path, description = "id or name of the context")),
    responses(
        (status = 204, description = "it is gone until the hub starts again, when it is one of the project"),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "it runs, or it is the last"),
    ),
)]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    context: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let context = of_path(context)?;
    match api.ask(&by, Request::Plc(PlcRequest::Remove { context })).await? {
        Reply::Done => Ok(StatusCode::NO_CONTENT),
        _ => Err(ApiError::mismatch()),
    }
}

/// A command to an engine.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCommand {
    /// What to do.
    command: CommandWord,
}

/// What an engine can be told to do.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CommandWord {
    /// Run, from the first rung or from where it paused.
    Start,
    /// Stop; ends a fault.
    Stop,
    /// Pause after the current scan.
    Pause,
    /// Run on after a pause.
    Resume,
    /// Execute one whole scan, or the rest of one that was begun.
    StepScan,
    /// Execute one rung.
    StepRung,
    /// Stop and forget memory, forces, statistics and faults.
    Reset,
}

impl From<CommandWord> for Command {
    fn from(word: CommandWord) -> Command {
        match word {
            CommandWord::Start => Command::Start,
            CommandWord::Stop => Command::Stop,
            CommandWord::Pause => Command::Pause,
            CommandWord::Resume => Command::Resume,
            CommandWord::StepScan => Command::StepScan,
            CommandWord::StepRung => Command::StepRung,
            CommandWord::Reset => Command::Reset,
        }
    }
}

/// Starts, stops, pauses, steps or resets a context.
#[utoipa::path(post, path = "/api/v1/plc/contexts/{context}/command", tag = "plc",
    params(("context" = String, Path, description = "id or name of the context")),
    request_body = NewCommand,
    responses(
        (status = 200, body = OneContext, description = "how it stands now"),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "`plc_refused`: not in this state, or without a program"),
    ),
)]
pub(crate) async fn command(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    context: Result<Path<String>, PathRejection>,
    JsonBody(NewCommand { command }): JsonBody<NewCommand>,
) -> Result<Json<OneContext>, ApiError> {
    let context = of_path(context)?;
    let command = command.into();
    let (row, now) = api.ask_context(&by, PlcRequest::Command { context, command }).await?;
    Ok(Json(OneContext::new(row, now)))
}
