//! The samples of a recording as a table, told as they are read.
//!
//! ```text
//!   file ─▶ thread: chunk by chunk, lines ─▶ a few pieces that wait ─▶ body of the answer
//! ```

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use crosstie_hub::Time;
use serde::Deserialize;
use tokio::sync::{Semaphore, mpsc};
use utoipa::IntoParams;

use super::super::{Api, ApiError, Caller, ErrorBody};
use super::{PATTERNS_MAX, PIECE_LEN, attachment, named, needs_whole, on_disk};
use crate::recording::Recording;
use crate::recording::export::{self, ExportError, Wanted};

/// Tables that are read at the same time. A further one is refused as "busy": each holds a thread for as long as its reader takes.
const TABLES_MAX: usize = 4;

static TABLES: Semaphore = Semaphore::const_new(TABLES_MAX);

/// Pieces of a table that wait for its reader. Then the reading waits, so a slow reader costs no more memory.
const PIECES_MAX: usize = 2;

/// Bytes of one pattern. No name is longer.
const PATTERN_LEN_MAX: usize = 1_024;

/// Which part of a recording is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Patterns of the signals with commas between them; all signals when nothing is said.
    #[param(example = "twin/line/**,plc/**")]
    signals: Option<String>,
    /// From this moment on, in milliseconds since 1970; from the begin when nothing is said.
    from_ms: Option<u64>,
    /// Up to this moment; to the end when nothing is said.
    to_ms: Option<u64>,
}

impl Asked {
    /// The patterns.
    fn patterns(&self) -> Result<Vec<String>, ApiError> {
        let Some(text) = &self.signals else {
            return Ok(Vec::new());
        };
        let patterns: Vec<String> = text.split(',').map(|pattern| pattern.trim().to_owned()).collect();
        let is_pattern = |pattern: &String| (1..=PATTERN_LEN_MAX).contains(&pattern.len());
        match patterns.len() <= PATTERNS_MAX && patterns.iter().all(is_pattern) {
            true => Ok(patterns),
            false => Err(ApiError::bad_value(format!(
                "`signals`: at most {PATTERNS_MAX} patterns with commas between them were expected, such as \"twin/line/**,plc/**\""
            ))),
        }
    }

    /// What is wanted of a recording whose hub began at this moment, in nanoseconds since 1970.
    fn wanted(&self, origin_ns: u64) -> Result<Wanted, ApiError> {
        if let (Some(from), Some(to)) = (self.from_ms, self.to_ms)
            && from > to
        {
            let text = "`from_ms` and `to_ms`: expected milliseconds since 1970, the first not after the second";
            return Err(ApiError::bad_value(text));
        }
        let of_hub = |ms: u64, more_ns: u64| {
            let ns = ms.saturating_mul(1_000_000).saturating_add(more_ns);
            Time::from_nanos(ns.saturating_sub(origin_ns))
        };
        // The column `time` has whole milliseconds: the last one is wanted whole.
        let (from, to) = (
            self.from_ms.map(|ms| of_hub(ms, 0)),
            self.to_ms.map(|ms| of_hub(ms, 999_999)),
        );
        Ok(Wanted::of(&self.patterns()?).between(from, to))
    }
}

/// The samples of a recording as CSV: the state at the begin of what is wanted, then what changed.
#[utoipa::path(get, path = "/api/v1/recordings/{name}/csv", tag = "recordings",
    params(("name" = String, Path, description = "name of the recording"), Asked),
    responses(
        (status = 200, body = String, content_type = "text/csv"),
        (status = 400, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "a recording holds every signal, and the caller may not see all of them"),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "a pattern that is none, or an end before its begin"),
        (status = 500, body = ErrorBody, description = "it cannot be read"),
        (status = 503, body = ErrorBody, description = "four tables are being read"),
    ),
)]
pub(crate) async fn table(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    name: Result<Path<String>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    let name = named(name)?;
    let Query(asked) = asked.map_err(|error| ApiError::bad_request(error.body_text()))?;
    needs_whole(&by)?;
    let busy = format!("{TABLES_MAX} tables of recordings are being read; try again");
    let turn = TABLES.try_acquire().map_err(|_| ApiError::busy(busy))?;
    let (recorder, wanted_name) = (api.recorder.clone(), name.clone());
    let (_, recording) = on_disk(move || recorder.one(&wanted_name)).await??;
    let wanted = asked.wanted(recording.session().origin_ns)?;

    let (pieces, received) = mpsc::channel(PIECES_MAX);
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        tell(recording, &wanted, pieces);
    });
    let headers = [
        (CONTENT_TYPE, String::from("text/csv; charset=utf-8")),
        (CONTENT_DISPOSITION, attachment(&name, "csv")),
    ];
    let pieces = futures_util::stream::unfold(received, |mut received| async move {
        let piece = received.recv().await?;
        Some((piece, received))
    });
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Reads the recording and tells it to whoever asked, to its end or until nobody listens.
fn tell(mut recording: Recording, wanted: &Wanted, pieces: mpsc::Sender<io::Result<Bytes>>) {
    let out = BufWriter::with_capacity(PIECE_LEN, Pieces(pieces.clone()));
    match export::csv(&mut recording, wanted, out) {
        // Whoever asked has gone.
        Ok(()) | Err(ExportError::Write(_)) => {}
        Err(error) => {
            tracing::warn!(%error, "a table of a recording is cut");
            // The answer has begun: ending it before its end is what is left to say.
            let _ = pieces.blocking_send(Err(io::Error::other(error)));
        }
    }
}

/// Where a table is written to: pieces for the body of an answer. Waits while enough of them wait.
struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Ok(Bytes::copy_from_slice(bytes));
        let sent = self.0.blocking_send(piece);
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into()).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
