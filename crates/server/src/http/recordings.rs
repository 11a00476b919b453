//! Recordings: which there are, start and stop, the file, away with one.
//!
//! | room | what it does |
//! |---|---|
//! | `csv` | the samples of one as a table |

pub(crate) mod csv;

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use bytes::Bytes;
use crosstie_hub::access::{Actor, Role};
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::output::AuditEntry;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::error::{JsonBody, needs};
use super::{ANSWER_MAX, Api, ApiError, Caller, ErrorBody, Operation};
use crate::config::record::{MAX_MB, MAX_MINUTES};
use crate::recording::{ActiveRow, RecordError, RecordingRow, Wish, file_of, folder};

/// Names of signals in one answer.
const NAMES_MAX: usize = 1_000;

/// Patterns of one recording. More are refused.
const PATTERNS_MAX: usize = 1_000;

/// Bytes that are read at once for a download.
const PIECE_LEN: usize = 256 << 10;

/// What there is to do with recordings.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        (Method::GET, "/api/v1/recordings", get(list)),
        (Method::POST, "/api/v1/recordings", post(start)),
        (Method::POST, "/api/v1/recordings/stop", post(stop)),
        (Method::GET, "/api/v1/recordings/{name}", get(one)),
        (Method::DELETE, "/api/v1/recordings/{name}", delete(remove)),
        (Method::GET, "/api/v1/recordings/{name}/file", get(file)),
        (Method::GET, "/api/v1/recordings/{name}/csv", get(csv::table)),
    ]
}

impl From<RecordError> for ApiError {
    fn from(error: RecordError) -> ApiError {
        let text = error.to_string();
        match error {
            RecordError::Conflict(_) => ApiError::conflict(text),
            RecordError::BadValue(_) => ApiError::bad_value(text),
            RecordError::NotFound(_) => ApiError::not_found(text),
            RecordError::Disk(_) | RecordError::Fallen(_) => ApiError::unreadable(text),
            RecordError::Busy(_) => ApiError::busy(text),
        }
    }
}

/// The recordings.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RecordingList {
    /// Hub time of the answer, in milliseconds.
    now_ms: u64,
    /// Where they are.
    folder: String,
    /// Bytes that are free there; null where the system does not say.
    free_bytes: Option<u64>,
    /// The one that runs.
    active: Option<ActiveRow>,
    /// The others, newest first.
    recordings: Vec<RecordingRow>,
}

/// The recordings.
#[utoipa::path(get, path = "/api/v1/recordings", tag = "recordings", responses(
    (status = 200, body = RecordingList),
    (status = 500, body = ErrorBody, description = "the folder cannot be read"),
))]
pub(crate) async fn list(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Json<RecordingList>, ApiError> {
    let now_ms = hub_time(&api, &by).await?;
    let recorder = api.recorder.clone();
    let read = on_disk(move || (recorder.list(), folder::free_bytes(recorder.folder()))).await?;
    let (rows, free_bytes) = read;
    let folder = api.recorder.folder().display().to_string();
    Ok(Json(RecordingList {
        now_ms,
        recordings: rows.map_err(|error| ApiError::unreadable(format!("{folder} cannot be read: {error}")))?,
        folder,
        free_bytes,
        active: api.recorder.active(),
    }))
}

/// How a recording is to be; what is left out or null is as `[record]` says.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRecording {
    /// Its name; the time of its begin when there is none.
    #[schema(example = "shift-2")]
    name: Option<String>,
    /// It ends at so many megabytes: 1 to 1,000,000.
    max_mb: Option<u64>,
    /// It ends after so many minutes of the world's time: 1 to 100,000.
    max_minutes: Option<u64>,
    /// Patterns of the signals in it.
    signals: Option<Vec<String>>,
}

/// Starts a recording.
#[utoipa::path(post, path = "/api/v1/recordings", tag = "recordings", request_body = NewRecording, responses(
    (status = 201, body = ActiveRow),
    (status = 403, body = ErrorBody, description = "only an operator or an engineer may"),
    (status = 409, body = ErrorBody, description = "one runs already, the name is taken, or `record.keep_mb` is reached"),
    (status = 422, body = ErrorBody, description = "a name, a limit or a pattern that is none"),
    (status = 500, body = ErrorBody, description = "the disk refuses it"),
))]
pub(crate) async fn start(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(wanted): JsonBody<NewRecording>,
) -> Result<(StatusCode, Json<ActiveRow>), ApiError> {
    needs(&by, Role::Operator, "start and stop recordings")?;
    let are_patterns = |patterns: &Vec<String>| {
        patterns.len() <= PATTERNS_MAX && patterns.iter().all(|pattern| (1..=1_024).contains(&pattern.len()))
    };
    if !wanted.signals.as_ref().is_none_or(are_patterns) {
        let text = format!("`signals`: at most {PATTERNS_MAX} patterns were expected, such as \"twin/line/**\"");
        return Err(ApiError::bad_value(text));
    }
    let wish = Wish {
        max_mb: within_range("max_mb", wanted.max_mb, MAX_MB)?,
        max_minutes: within_range("max_minutes", wanted.max_minutes, MAX_MINUTES)?,
        name: wanted.name,
        signals: wanted.signals,
    };
    let row = within(api.recorder.begin(wish, by.access.who.to_string())).await?;
    note(&api, &by, "recording.start", &row.name);
    Ok((StatusCode::CREATED, Json(row)))
}

/// A limit as `[record]` takes it.
fn within_range(key: &str, value: Option<u64>, range: RangeInclusive<u64>) -> Result<Option<u64>, ApiError> {
    match value {
        Some(value) if !range.contains(&value) => Err(ApiError::bad_value(format!(
            "`{key}`: a whole number from {} to {} was expected, found {value}",
            range.start(),
            range.end()
        ))),
        value => Ok(value),
    }
}

/// Ends the recording that runs.
#[utoipa::path(post, path = "/api/v1/recordings/stop", tag = "recordings", responses(
    (status = 200, body = RecordingRow),
    (status = 403, body = ErrorBody, description = "only an operator or an engineer may"),
    (status = 404, body = ErrorBody, description = "none runs"),
    (status = 500, body = ErrorBody, description = "its end could not be written"),
))]
pub(crate) async fn stop(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Json<RecordingRow>, ApiError> {
    needs(&by, Role::Operator, "start and stop recordings")?;
    let row = within(api.recorder.end(by.access.who.to_string())).await?;
    note(&api, &by, "recording.stop", &row.name);
    Ok(Json(row))
}

/// A recording with what is in it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RecordingDetail {
    /// The same as in the list.
    #[serde(flatten)]
    row: RecordingRow,
    /// Name of the project.
    project: String,
    /// Names of its signals that the caller may see, the first 1,000 of them.
    signal_names: Vec<String>,
}

/// One recording.
#[utoipa::path(get, path = "/api/v1/recordings/{name}", tag = "recordings",
    params(("name" = String, Path, description = "name of the recording")),
    responses(
        (status = 200, body = RecordingDetail),
        (status = 404, body = ErrorBody),
        (status = 500, body = ErrorBody, description = "it cannot be read"),
    ),
)]
pub(crate) async fn one(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<RecordingDetail>, ApiError> {
    let name = named(name)?;
    let recorder = api.recorder.clone();
    let read = on_disk(move || {
        let (row, mut recording) = recorder.one(&name)?;
        let state = recording.state_at(recording.ends());
        let state = state.map_err(|error| RecordError::Disk(error.to_string()))?;
        let seen = state.into_iter().map(|sample| sample.name);
        let signal_names = seen.filter(|name| by.access.sees(name)).take(NAMES_MAX).collect();
        let project = recording.session().project.clone();
        Ok::<_, RecordError>(RecordingDetail {
            row,
            project,
            signal_names,
        })
    });
    Ok(Json(read.await??))
}

/// The file of a recording, for Foxglove or to keep it.
#[utoipa::path(get, path = "/api/v1/recordings/{name}/file", tag = "recordings",
    params(("name" = String, Path, description = "name of the recording")),
    responses(
        (status = 200, body = String, content_type = "application/octet-stream"),
        (status = 403, body = ErrorBody, description = "a recording holds every signal, and the caller may not see all of them"),
        (status = 404, body = ErrorBody),
        (status = 500, body = ErrorBody, description = "it cannot be read"),
    ),
)]
pub(crate) async fn file(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let name = named(name)?;
    needs_whole(&by)?;
    let path = file_of(api.recorder.folder(), &name)?;
    let opened = on_disk(move || {
        let file = File::open(&path)?;
        let len = file.metadata()?.len();
        Ok::<_, io::Error>((file, len))
    });
    let unreadable = |error| ApiError::unreadable(format!("'{name}' cannot be read: {error}"));
    let (file, len) = opened.await?.map_err(unreadable)?;
    // A recording that runs grows meanwhile: the answer is as long as it said.
    let pieces = futures_util::stream::try_unfold(file.take(len), |mut file| async move {
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = Vec::with_capacity(PIECE_LEN);
            (&mut file).take(PIECE_LEN as u64).read_to_end(&mut piece)?;
            Ok::<_, io::Error>((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
        });
        read.await.map_err(io::Error::other)?
    });
    let headers = [
        (CONTENT_TYPE, String::from("application/octet-stream")),
        (CONTENT_LENGTH, len.to_string()),
        (CONTENT_DISPOSITION, attachment(&name, "mcap")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Removes a recording.
#[utoipa::path(delete, path = "/api/v1/recordings/{name}", tag = "recordings",
    params(("name" = String, Path, description = "name of the recording")),
    responses(
        (status = 204, description = "it is gone"),
        (status = 403, body = ErrorBody, description = "only an engineer may"),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "it runs"),
    ),
)]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    needs(&by, Role::Engineer, "remove recordings")?;
    let name = named(name)?;
    let (recorder, wanted) = (api.recorder.clone(), name.clone());
    on_disk(move || recorder.remove(&wanted)).await??;
    note(&api, &by, "recording.delete", &name);
    Ok(StatusCode::NO_CONTENT)
}

fn named(name: Result<Path<String>, PathRejection>) -> Result<String, ApiError> {
    let Path(name) = name.map_err(|error| ApiError::bad_request(error.body_text()))?;
    Ok(name.strip_suffix(".mcap").map_or(name.clone(), str::to_owned))
}

/// A recording holds every signal, and so do the things that are made of it.
fn needs_whole(by: &Actor) -> Result<(), ApiError> {
    if !by.access.view.is_all() {
        return Err(ApiError::forbidden(
            by,
            "read whole recordings: its key does not see every signal",
        ));
    }
    needs(by, Role::Operator, "read whole recordings")
}

/// Says to a browser as what file it keeps the answer.
fn attachment(name: &str, extension: &str) -> String {
    // A name holds no quotes; what is not ASCII stands in the URL already.
    let ascii: String = name.chars().filter(char::is_ascii).collect();
    format!("attachment; filename=\"{ascii}.{extension}\"")
}

fn note(api: &Api, by: &Actor, what: &'static str, name: &str) {
    let entry = AuditEntry {
        by: by.clone(),
        what,
        subject: name.to_owned(),
        old: Value::Null,
        new: Value::Null,
    };
    api.audit.hand_in(entry.into());
}

async fn hub_time(api: &Api, by: &Actor) -> Result<u64, ApiError> {
    match api.ask(by, Request::Clock).await? {
        Reply::Clock(row) => Ok(row.now.as_millis()),
        _ => Err(ApiError::mismatch()),
    }
}

/// Waits for the recorder, which may wait for the disk.
async fn within<T>(answer: impl Future<Output = Result<T, RecordError>>) -> Result<T, ApiError> {
    match tokio::time::timeout(ANSWER_MAX, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(ApiError::busy("the disk of the recordings does not answer; try again")),
    }
}

/// Does something that reads files.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| ApiError::busy("the hub is shutting down"))
}
