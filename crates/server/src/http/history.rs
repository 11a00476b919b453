//! What signals were: the answers of the historian.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use crosstie_hub::access::Actor;
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::signal::name::canonical;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Api, ApiError, Caller, ErrorBody};
use crate::config::Limits;
use crate::history::{self, HistoryError, Point, Wanted};
use crate::spreadsheet;

/// Points of one answer at most; a larger `points` is refused.
const POINTS_MAX: usize = 10_000;

/// Points when nothing is said.
const POINTS: usize = 500;

/// How far back an answer reaches when nothing is said: an hour.
const SPAN_MS: i64 = 3_600_000;

/// What is asked for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Name of the signal, or a symbol of it.
    signal: String,
    /// From this moment on, in milliseconds since 1970; an hour before `to_ms` when nothing is said.
    from_ms: Option<i64>,
    /// Up to this moment; now when nothing is said.
    to_ms: Option<i64>,
    /// Points of the answer at most: 1 to 10,000; 500 when nothing is said.
    points: Option<usize>,
    /// `json`, or `csv` for a table with a line for each point.
    format: Option<String>,
}

/// What a signal was.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct HistoryAnswer {
    /// The world's time of the answer, in milliseconds since 1970.
    now_ms: i64,
    /// The signal.
    signal: String,
    /// What the points are made of: `raw` samples, or a row for each `second` or `minute`, several of them together where there
    /// are many.
    resolution: &'static str,
    /// The last sample before the first point: what the signal was at the begin.
    before: Option<HistoryPoint>,
    /// By time. A signal holds its value until the next point.
    points: Vec<HistoryPoint>,
    /// Why there is nothing although nobody may have expected that: `history.signals` does not list the signal, or there is no such
    /// signal. Null where there is something, or where the signal is kept.
    note: Option<String>,
}

/// One point: a sample with `value`, or a part of the time with the others.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct HistoryPoint {
    /// When, or the begin of the part, in milliseconds since 1970.
    at_ms: i64,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<serde_json::Value>,
    /// Left out where it was good; otherwise `stale` or `bad`.
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<String>,
    /// The smallest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    /// The mean over the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    avg: Option<f64>,
    /// The largest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    /// Samples in the part.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<i64>,
}

impl From<Point> for HistoryPoint {
    fn from(point: Point) -> HistoryPoint {
        match point {
            Point::Sample { at_ms, value, quality } => HistoryPoint {
                at_ms,
                value: Some(value),
                quality,
                ..HistoryPoint::default()
            },
            Point::Part {
                at_ms,
                min,
                avg,
                max,
                count,
            } => HistoryPoint {
                at_ms,
                min: Some(min),
                avg: Some(avg),
                max: Some(max),
                count: Some(count),
                ..HistoryPoint::default()
            },
        }
    }
}

/// What a signal was, with at most so many points.
#[utoipa::path(get, path = "/api/v1/history", tag = "history", params(Asked), responses(
    (status = 200, body = HistoryAnswer),
    (status = 400, body = ErrorBody),
    (status = 404, body = ErrorBody, description = "the project keeps no history, or the signal is not to be seen"),
    (status = 500, body = ErrorBody, description = "the history cannot be read"),
))]
pub(crate) async fn points(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(asked) = asked.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let is_csv = match asked.format.as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(ApiError::bad_request("`format`: expected json or csv")),
    };
    let now_ms = now_ms();
    let to_ms = asked.to_ms.unwrap_or(now_ms);
    let from_ms = asked.from_ms.unwrap_or_else(|| to_ms.saturating_sub(SPAN_MS));
    let points = asked.points.unwrap_or(POINTS);
    // Microseconds of both fit into 64 bits far beyond any calendar.
    let fits = |ms: i64| (0..=1_000_000_000_000_000).contains(&ms);
    if !fits(from_ms) || !fits(to_ms) || from_ms > to_ms {
        return Err(ApiError::bad_request(
            "`from_ms` and `to_ms`: expected milliseconds since 1970, the first not after the second",
        ));
    }
    if !(1..=POINTS_MAX).contains(&points) {
        return Err(ApiError::bad_request(format!(
            "`points`: expected a whole number from 1 to {POINTS_MAX}"
        )));
    }
    let folder = folder(&api)?;
    let (signal, is_there) = name_of(&api, &by, &asked.signal).await?;
    let wanted = Wanted {
        signal: signal.clone(),
        from_ms,
        to_ms,
        points,
    };
    let reading = tokio::task::spawn_blocking(move || history::query(&folder, &wanted));
    let read = reading.await.map_err(|_| ApiError::busy("the hub is shutting down"))?;
    let found = read.map_err(unreadable)?;
    let is_empty = found.points.is_empty() && found.before.is_none();
    let is_kept = api.historian.as_ref().is_some_and(|historian| historian.keeps(&signal));
    let note = match (is_empty, is_there, is_kept) {
        (true, false, _) => Some(format!("there is no signal '{signal}', and nothing is kept of one")),
        (true, true, false) => Some(format!(
            "`history.signals` does not list '{signal}': nothing is kept of it"
        )),
        _ => None,
    };
    let points = found.points.into_iter().map(HistoryPoint::from).collect();
    if is_csv {
        let body = csv(points);
        return Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], body).into_response());
    }
    let before = found.before.map(|(at_ms, value)| HistoryPoint {
        at_ms,
        value: Some(value),
        ..HistoryPoint::default()
    });
    let answer = HistoryAnswer {
        now_ms,
        signal,
        resolution: found.resolution,
        before,
        points,
        note,
    };
    Ok(Json(answer).into_response())
}

/// How the historian is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct HistorianState {
    /// Signals that are kept.
    signals: u64,
    /// Samples in the file.
    rows: u64,
    /// Size of the file in bytes.
    bytes: u64,
    /// Samples written since the hub started.
    written: u64,
    /// Samples that were not written because there were too many of them, or because the file could not be written.
    dropped: u64,
    /// Samples that are taken in a second at most.
    rows_per_second_max: u32,
    /// Samples that wait to be written.
    queue: usize,
    /// The world's time of the oldest sample, in milliseconds since 1970.
    oldest_ms: Option<i64>,
}

/// How the historian is.
#[utoipa::path(get, path = "/api/v1/historian", tag = "history", responses(
    (status = 200, body = HistorianState),
    (status = 404, body = ErrorBody, description = "the project keeps no history"),
    (status = 500, body = ErrorBody, description = "the history cannot be read"),
))]
pub(crate) async fn state(State(api): State<Arc<Api>>, Caller(_): Caller) -> Result<Json<HistorianState>, ApiError> {
    let historian = api.historian.clone().ok_or_else(no_history)?;
    let reading = tokio::task::spawn_blocking(move || historian.state());
    let read = reading.await.map_err(|_| ApiError::busy("the hub is shutting down"))?;
    let state = read.map_err(unreadable)?;
    Ok(Json(HistorianState {
        signals: state.signals,
        rows: state.rows,
        bytes: state.bytes,
        written: state.written,
        dropped: state.dropped,
        rows_per_second_max: state.rows_per_second_max,
        queue: state.queue,
        oldest_ms: state.oldest_ms,
    }))
}

fn folder(api: &Api) -> Result<std::path::PathBuf, ApiError> {
    let historian = api.historian.as_ref().ok_or_else(no_history)?;
    Ok(historian.folder().to_owned())
}

fn no_history() -> ApiError {
    ApiError::not_found("the project keeps no history: list signals in `history.signals`")
}

fn unreadable(error: HistoryError) -> ApiError {
    ApiError::unreadable(format!("the history cannot be read: {error}"))
}

/// The name under which a signal is kept: a symbol stands for an address. What is gone since is still to be asked for.
/// Says whether there is such a signal now.
async fn name_of(api: &Api, by: &Actor, text: &str) -> Result<(String, bool), ApiError> {
    let request = Request::Signal { name: text.to_owned() };
    match api.ask(by, request).await {
        Ok(Reply::Signal(row, _)) => Ok((row.name, true)),
        Ok(_) => Err(ApiError::mismatch()),
        Err(error) => match canonical(text, Limits::DEFAULT.name_len_max) {
            Ok(name) if error.is_not_found() && by.access.sees(&name) => Ok((name, false)),
            _ => Err(error),
        },
    }
}

pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A line for each point: samples have `value` and `quality`, parts of the time the other columns.
fn csv(points: Vec<HistoryPoint>) -> String {
    let mut text = String::from("at_ms,value,quality,min,avg,max,count\r\n");
    for point in points {
        let value = match point.value {
            None => String::new(),
            Some(serde_json::Value::String(value)) => quoted(&value),
            Some(value) => value.to_string(),
        };
        let number = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
        let count = point.count.map_or_else(String::new, |count| count.to_string());
        let (min, avg, max) = (number(point.min), number(point.avg), number(point.max));
        let quality = point.quality.unwrap_or_default();
        // Writing to a text never fails.
        let _ = write!(text, "{},{value},{quality},{min},{avg},{max},{count}\r\n", point.at_ms);
    }
    text
}

/// A text as a cell: in quotes, and never one that a spreadsheet takes for a formula.
fn quoted(text: &str) -> String {
    format!("\"{}\"", spreadsheet::plain(text).replace('"', "\"\""))
}
