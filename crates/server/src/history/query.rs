//! What a signal was: samples where they are few, otherwise smallest, mean and largest of equal parts of the time.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value as Json;

use super::database::{HISTORY_FILE, HistoryError, ROLLED, reader};
use super::rollup::SPANS;

/// What is asked for. Times are the world's, in milliseconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Name of the signal.
    pub(crate) signal: String,
    /// From this moment on.
    pub(crate) from_ms: i64,
    /// Up to this one, which is not before `from_ms`.
    pub(crate) to_ms: i64,
    /// Points of the answer at most, at least 1.
    pub(crate) points: usize,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// What the points are made of: `raw`, `second` or `minute`.
    pub(crate) resolution: &'static str,
    /// The last sample before the first point: what the signal was at the begin.
    pub(crate) before: Option<(i64, Json)>,
    /// By time.
    pub(crate) points: Vec<Point>,
}

/// One point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Point {
    /// A sample.
    Sample {
        /// When, in milliseconds.
        at_ms: i64,
        /// What it was.
        value: Json,
        /// The word of its quality where it was not good.
        quality: Option<String>,
    },
    /// A part of the time.
    Part {
        /// Its begin in milliseconds.
        at_ms: i64,
        /// The smallest value.
        min: f64,
        /// The mean over the time.
        avg: f64,
        /// The largest.
        max: f64,
        /// Samples in it.
        count: i64,
    },
}

/// Looks up what a signal was.
///
/// # Errors
///
/// The file cannot be read. A signal of which nothing was kept has no points.
pub(crate) fn query(folder: &Path, wanted: &Wanted) -> Result<Answer, HistoryError> {
    let nothing = Answer {
        resolution: "raw",
        before: None,
        points: Vec::new(),
    };
    let connection = match reader(folder) {
        Err(HistoryError::None) => return Ok(nothing),
        opened => opened?,
    };
    let known = "SELECT id, kind FROM signal WHERE name = ?1";
    let found = connection.query_row(known, [&wanted.signal], |row| Ok((row.get(0)?, row.get(1)?)));
    let Some((signal, kind)) = found.optional()? else {
        return Ok(nothing);
    };
    let kind: String = kind;
    let range = (wanted.from_ms * 1_000, wanted.to_ms * 1_000);
    let before = before(&connection, signal, &kind, range.0)?;
    // One more than wanted says that there are too many.
    let samples = samples(&connection, (signal, &kind), range, wanted.points + 1)?;
    let is_text = kind == "Text";
    let oldest = oldest_sample(&connection, signal)?;
    let reaches_back = oldest.is_some_and(|oldest| oldest <= range.0) || !has_rolled(&connection, signal, range.0)?;
    if is_text || (samples.len() <= wanted.points && reaches_back) {
        let mut points = samples;
        points.truncate(wanted.points);
        return Ok(Answer {
            resolution: "raw",
            before,
            points,
        });
    }
    let span_s = (wanted.to_ms - wanted.from_ms).max(1) / 1_000 / wanted.points as i64;
    let index = usize::from(span_s >= SPANS[1]);
    Ok(Answer {
        resolution: ROLLED[index],
        before,
        points: parts(&connection, signal, index, wanted)?,
    })
}

fn before(connection: &Connection, signal: i64, kind: &str, from_us: i64) -> Result<Option<(i64, Json)>, HistoryError> {
    let last = "SELECT at_us, value FROM raw WHERE signal = ?1 AND at_us < ?2 ORDER BY at_us DESC LIMIT 1";
    let mut statement = connection.prepare(last)?;
    let row = statement.query_row(params![signal, from_us], |row| {
        Ok((row.get::<_, i64>(0)? / 1_000, json_of(row.get_ref(1)?, kind)))
    });
    Ok(row.optional()?)
}

fn samples(
    connection: &Connection,
    (signal, kind): (i64, &str),
    (from_us, to_us): (i64, i64),
    limit: usize,
) -> Result<Vec<Point>, HistoryError> {
    let select =
        "SELECT at_us, value, quality FROM raw WHERE signal = ?1 AND at_us BETWEEN ?2 AND ?3 ORDER BY at_us LIMIT ?4";
    let mut statement = connection.prepare(select)?;
    let rows = statement.query_map(params![signal, from_us, to_us, limit as i64], |row| {
        Ok(Point::Sample {
            at_ms: row.get::<_, i64>(0)? / 1_000,
            value: json_of(row.get_ref(1)?, kind),
            quality: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn oldest_sample(connection: &Connection, signal: i64) -> Result<Option<i64>, HistoryError> {
    let oldest = "SELECT min(at_us) FROM raw WHERE signal = ?1";
    Ok(connection.query_row(oldest, [signal], |row| row.get(0))?)
}

/// Whether the roll-ups reach further back than the samples do.
fn has_rolled(connection: &Connection, signal: i64, from_us: i64) -> Result<bool, HistoryError> {
    let minutes = "SELECT EXISTS (SELECT 1 FROM minute WHERE signal = ?1 AND at_s * 1000000 + 60000000 <=
        coalesce((SELECT min(at_us) FROM raw WHERE signal = ?1), 9223372036854775807) AND at_s * 1000000 >= ?2 - 60000000)";
    Ok(connection.query_row(minutes, params![signal, from_us], |row| row.get(0))?)
}

/// Equal parts of the time from a table of roll-ups.
fn parts(connection: &Connection, signal: i64, index: usize, wanted: &Wanted) -> Result<Vec<Point>, HistoryError> {
    let table = ROLLED[index];
    let span = SPANS[index];
    let from_s = wanted.from_ms.div_euclid(1_000).div_euclid(span) * span;
    let to_s = wanted.to_ms.div_euclid(1_000);
    // Parts are whole spans, so that no row is split.
    let part_s = ((to_s - from_s) / wanted.points as i64).div_euclid(span) * span + span;
    let select = format!(
        "SELECT (at_s - ?3) / ?2 * ?2 + ?3 AS begin, min(min), max(max), sum(area), sum(weight), sum(count) FROM {table}
         WHERE signal = ?1 AND at_s BETWEEN ?3 AND ?4 GROUP BY begin ORDER BY begin"
    );
    let mut statement = connection.prepare(&select)?;
    let rows = statement.query_map(params![signal, part_s, from_s, to_s], |row| {
        let (min, max): (f64, f64) = (row.get(1)?, row.get(2)?);
        let (area, weight): (f64, i64) = (row.get(3)?, row.get(4)?);
        Ok(Point::Part {
            at_ms: row.get::<_, i64>(0)? * 1_000,
            min,
            avg: if weight > 0 { area / weight as f64 } else { max },
            max,
            count: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The time of the oldest sample in milliseconds, and bytes on the disk.
pub(super) fn size(connection: &Connection, folder: &Path) -> Result<(Option<i64>, u64), HistoryError> {
    let oldest = connection.query_row("SELECT min(at_us) / 1000 FROM raw", (), |row| row.get(0))?;
    let bytes = ["", "-wal"].map(|ending| {
        let path = folder.join(format!("{HISTORY_FILE}{ending}"));
        std::fs::metadata(path).map_or(0, |file| file.len())
    });
    Ok((oldest, bytes.iter().sum()))
}

fn json_of(value: ValueRef<'_>, kind: &str) -> Json {
    match value {
        ValueRef::Integer(number) if kind == "Bool" => Json::from(number != 0),
        ValueRef::Integer(number) if kind == "Float" => Json::from(number as f64),
        ValueRef::Integer(number) => Json::from(number),
        ValueRef::Real(number) => Json::from(number),
        ValueRef::Text(text) => Json::from(String::from_utf8_lossy(text)),
        ValueRef::Null | ValueRef::Blob(_) => Json::Null,
    }
}
