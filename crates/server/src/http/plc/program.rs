//! Programs: a document enters, is read where it holds nobody up, and goes to the engine; the same document comes back.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use crosstie_hub::access::{Actor, Role};
use crosstie_hub::api::plc::{PlcReply, PlcRequest, ProgramRow};
use crosstie_hub::plc::Program;
use crosstie_hub::plc::program::DOCUMENT_LEN_MAX;
use crosstie_ladder::controller::ControllerState;
use crosstie_ladder::diagnostic::Diagnostic;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::drawing::Drawing;
use super::rows::{Context, DiagnosticRow, diagnostics};
use super::{OneContext, of_path};
use crate::http::error::{ErrorBody, whole_body};
use crate::http::{Api, ApiError, Caller};
use crate::program_readers;

/// The path before a context, and the one behind it, of the only body that may be as long as a document.
const PROGRAM_PATH: (&str, &str) = ("/api/v1/plc/contexts/", "/program");

/// Whether the body of a request to this path is the document of a program.
pub(crate) fn takes_document(path: &str) -> bool {
    let (before, behind) = PROGRAM_PATH;
    path.starts_with(before) && path.ends_with(behind)
}

/// A body that is the document of a program.
pub(crate) struct Document(String);

impl<S: Send + Sync> FromRequest<S> for Document {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Document, ApiError> {
        let body = whole_body(request.into_body(), DOCUMENT_LEN_MAX).await?;
        let text = String::from_utf8(body.into());
        let not_text = |_| ApiError::bad_request("a program in UTF-8 was expected: a .plcproj file or the text form");
        text.map(Document).map_err(not_text)
    }
}

/// How a program is wanted.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Form {
    /// `document`: the document as it was downloaded, as a text. Without it: the program as JSON.
    format: Option<String>,
}

/// The program of a context.
#[utoipa::path(get, path = "/api/v1/plc/contexts/{context}/program", tag = "plc",
    params(("context" = String, Path, description = "id or name of the context"), Form),
    responses(
        (status = 200, body = Drawing, description = "with `format=document` a text"),
        (status = 404, body = ErrorBody, description = "`not_found`: no such context; `no_program`: it has none"),
        (status = 503, body = ErrorBody, description = "too many programs are read at one time"),
    ),
)]
pub(crate) async fn upload(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    context: Result<Path<String>, PathRejection>,
    form: Result<Query<Form>, QueryRejection>,
) -> Result<Response, ApiError> {
    let context = of_path(context)?;
    let Query(Form { format }) = form.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let as_document = match format.as_deref() {
        None => false,
        Some("document") => true,
        Some(_) => return Err(ApiError::bad_request("`format` is `document`, or not given")),
    };
    let row = program_of(&api, &by, context).await?;
    if as_document {
        let document = Arc::clone(&row.program.document);
        let fields = [
            (CONTENT_TYPE, content_type(&document)),
            // It is the work of others, in a language that a browser would carry out.
            (CONTENT_DISPOSITION, "attachment"),
        ];
        return Ok((fields, document.to_string()).into_response());
    }
    let drawing = aside(move || Drawing::new(&row)).await?;
    Ok(Json(drawing).into_response())
}

/// A context without a program is told apart from one that is not there.
async fn program_of(api: &Api, by: &Actor, context: String) -> Result<ProgramRow, ApiError> {
    let question = PlcRequest::Context {
        context: context.clone(),
    };
    let (row, _) = api.ask_context(by, question).await?;
    if row.program.is_none() {
        return Err(ApiError::no_program(&row.name));
    }
    match api.ask_plc(by, PlcRequest::Program { context }).await? {
        PlcReply::Program(row) => Ok(row),
        _ => Err(ApiError::mismatch()),
    }
}

fn content_type(document: &str) -> &'static str {
    match document.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        true => "application/xml; charset=utf-8",
        false => "text/plain; charset=utf-8",
    }
}

/// Does what takes its time where nobody waits for it but whoever asked.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let permit = program_readers::admit();
    let _permit = permit.ok_or_else(|| ApiError::busy("too many programs are read at this time; try again"))?;
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| ApiError::busy("the hub is shutting down"))
}

/// What a download may do.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Allowed {
    /// It may stop an engine that is not `Stopped`.
    #[serde(default)]
    stop: bool,
}

/// A program that was taken.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Loaded {
    /// Hub time of the answer, in milliseconds.
    now_ms: u64,
    /// How the context stands now.
    context: Context,
    /// What is doubtful in the program; none of it keeps it from running.
    diagnostics: Vec<DiagnosticRow>,
}

/// A program that was not taken.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RefusedProgram {
    #[serde(flatten)]
    body: ErrorBody,
    /// Everything that is wrong or doubtful in it.
    diagnostics: Vec<DiagnosticRow>,
}

/// Why a download was not carried out.
#[derive(Debug)]
pub(crate) enum NotLoaded {
    /// As any other request.
    Api(ApiError),
    /// The document is no program that can run.
    Refused(Vec<Diagnostic>),
}

impl From<ApiError> for NotLoaded {
    fn from(error: ApiError) -> NotLoaded {
        NotLoaded::Api(error)
    }
}

impl IntoResponse for NotLoaded {
    fn into_response(self) -> Response {
        match self {
            NotLoaded::Api(error) => error.into_response(),
            NotLoaded::Refused(found) => {
                let refusing = found.iter().filter(|found| found.code.is_refusal()).count().max(1);
                let (status, body) = ApiError::bad_program(refusing).into_body();
                let diagnostics = diagnostics(&found);
                (status, Json(RefusedProgram { body, diagnostics })).into_response()
            }
        }
    }
}

/// Gives a context another program; the engine is Stopped afterwards.
#[utoipa::path(put, path = "/api/v1/plc/contexts/{context}/program", tag = "plc",
    params(("context" = String, Path, description = "id or name of the context"), Allowed),
    request_body(content = String, content_type = "text/plain", description = "a .plcproj file, or the text form; at most 8 MiB"),
    responses(
        (status = 200, body = Loaded),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "`engine_runs`: it is not `Stopped` and `stop` is not true"),
        (status = 413, body = ErrorBody),
        (status = 422, body = RefusedProgram, description = "`bad_program`: it cannot run"),
        (status = 503, body = ErrorBody, description = "too many programs are read at one time"),
    ),
)]
pub(crate) async fn download(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    context: Result<Path<String>, PathRejection>,
    allowed: Result<Query<Allowed>, QueryRejection>,
    Document(document): Document,
) -> Result<Json<Loaded>, NotLoaded> {
    let context = of_path(context)?;
    let Query(Allowed { stop }) = allowed.map_err(|error| ApiError::bad_request(error.body_text()))?;
    may_download(&by)?;
    may_stop(&api, &by, &context, stop).await?;
    let program = aside(move || Program::read(&document)).await?;
    let program = Arc::new(program.map_err(NotLoaded::Refused)?);
    // Somebody may have started it while the program was read.
    may_stop(&api, &by, &context, stop).await?;
    let request = PlcRequest::Download {
        context,
        program: Arc::clone(&program),
    };
    let (row, now) = api.ask_context(&by, request).await?;
    Ok(Json(Loaded {
        now_ms: now.as_millis(),
        context: row.into(),
        diagnostics: diagnostics(&program.diagnostics),
    }))
}

/// The hub decides who may; whoever may not is told before a document is read for them.
fn may_download(by: &Actor) -> Result<(), ApiError> {
    match by.access.role >= Role::Engineer {
        true => Ok(()),
        false => Err(ApiError::forbidden(by, "change programs")),
    }
}

async fn may_stop(api: &Api, by: &Actor, context: &str, is_allowed: bool) -> Result<(), ApiError> {
    let context = context.to_owned();
    let (row, _) = api.ask_context(by, PlcRequest::Context { context }).await?;
    match is_allowed || row.state == ControllerState::Stopped {
        true => Ok(()),
        false => Err(ApiError::engine_runs(&row.name, row.state.as_str())),
    }
}

/// Takes the program of a context away; it is Stopped afterwards.
#[utoipa::path(delete, path = "/api/v1/plc/contexts/{context}/program", tag = "plc",
    params(("context" = String, Path, description = "id or name of the context")),
    responses((status = 200, body = OneContext), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn clear(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    context: Result<Path<String>, PathRejection>,
) -> Result<Json<OneContext>, ApiError> {
    let context = of_path(context)?;
    let (row, now) = api.ask_context(&by, PlcRequest::ClearProgram { context }).await?;
    Ok(Json(OneContext::new(row, now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_document_of_a_program_may_be_as_long_as_one() {
        let check = |path: &str, expected: bool| assert_eq!(takes_document(path), expected, "{path}");
        check("/api/v1/plc/contexts/line/program", true);
        check("/api/v1/plc/contexts/Line%202/program", true);
        check("/api/v1/plc/contexts/line/command", false);
        check("/api/v1/plc/contexts", false);
        check("/api/v1/signals/plc/contexts/line/program", false);
    }

    #[test]
    fn a_document_says_itself_what_it_is() {
        assert!(content_type("\u{feff} <PLCProject/>").starts_with("application/xml"));
        assert!(content_type("SOR OTE O:0/0 EOR").starts_with("text/plain"));
    }
}
