//! The folder of recordings: names, what is in it, how much room there is.

use super::{OpenError, RecordError, Recording};
use crate::state::rfc3339;
use serde::Serialize;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use utoipa::ToSchema;

/// How the file of a recording ends.
pub(crate) const ENDING: &str = "mcap";

/// Bytes of a name. A longer one is refused.
const NAME_LEN_MAX: usize = 100;

/// Recordings that are listed, the newest of them. Others are there and can be asked for by name.
const LISTED_MAX: usize = 10_000;

/// A recording that was ended or cut.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RecordingRow {
    /// Its name: that of its file without `.mcap`.
    pub(crate) name: String,
    /// Bytes of its file.
    pub(crate) bytes: u64,
    /// When it began, RFC 3339, by the world's time wherever the hub's clock stood.
    pub(crate) started: String,
    /// Hub time that it covers, in milliseconds.
    pub(crate) duration_ms: u64,
    /// Signals in it.
    pub(crate) signals: u64,
    /// Samples in it.
    pub(crate) samples: u64,
    /// Inputs in it.
    pub(crate) inputs: u64,
    /// Gaps in it.
    pub(crate) gaps: u64,
    /// It is being recorded: it goes up to what was handed to the system last.
    pub(crate) running: bool,
    /// It was ended in good order; otherwise it runs, or was cut and goes up to its last whole chunk.
    pub(crate) whole: bool,
    /// It began with the hub.
    pub(crate) from_start: bool,
    /// Why it ended; null where it runs or was cut.
    pub(crate) ended: Option<String>,
    /// Why it cannot be read; null where it can.
    pub(crate) error: Option<String>,
}

impl RecordingRow {
    /// The row of a recording.
    pub(crate) fn of(path: &Path, recording: &Recording) -> RecordingRow {
        let (session, totals) = (recording.session(), recording.totals());
        let by_the_clock = || session.origin_ns.saturating_add(session.begins_ns);
        let started = UNIX_EPOCH + Duration::from_nanos(session.started_ns.unwrap_or_else(by_the_clock));
        RecordingRow {
            name: name_of(path),
            bytes: recording.bytes(),
            started: rfc3339(started),
            duration_ms: u64::try_from(recording.ends().since(recording.begins()).as_millis()).unwrap_or(u64::MAX),
            signals: totals.signals,
            samples: totals.samples,
            inputs: totals.inputs,
            gaps: totals.gaps,
            running: false,
            whole: recording.is_whole(),
            from_start: session.from_start,
            ended: totals.ended.clone(),
            error: None,
        }
    }

    /// The row of a file that is no recording, or a damaged one.
    fn unreadable(path: &Path, bytes: u64, error: &OpenError) -> RecordingRow {
        RecordingRow {
            name: name_of(path),
            bytes,
            started: String::new(),
            duration_ms: 0,
            signals: 0,
            samples: 0,
            inputs: 0,
            gaps: 0,
            running: false,
            whole: false,
            from_start: false,
            ended: None,
            error: Some(error.to_string()),
        }
    }
}

/// What was read of files that have not changed since.
#[derive(Debug, Default)]
pub(crate) struct Known {
    rows: HashMap<PathBuf, (u64, Option<SystemTime>, RecordingRow)>,
}

impl Known {
    /// The recordings of a folder, newest first, without the one that is being written.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub(crate) fn list(&mut self, folder: &Path, active: Option<&str>) -> io::Result<Vec<RecordingRow>> {
        let mut files = files_of(folder)?;
        files.retain(|(path, _)| active.is_none_or(|active| name_of(path) != active));
        files.sort_by(|(path_a, a), (path_b, b)| (b.modified().ok(), path_b).cmp(&(a.modified().ok(), path_a)));
        files.truncate(LISTED_MAX);
        let before = std::mem::take(&mut self.rows);
        let mut rows = Vec::with_capacity(files.len());
        for (path, data) in files {
            let facts = (data.len(), data.modified().ok());
            let row = match before.get(&path) {
                Some((bytes, at, row)) if (*bytes, *at) == facts => row.clone(),
                _ => match Recording::open(&path) {
                    Ok(recording) => RecordingRow::of(&path, &recording),
                    Err(error) => RecordingRow::unreadable(&path, data.len(), &error),
                },
            };
            self.rows.insert(path, (facts.0, facts.1, row.clone()));
            rows.push(row);
        }
        Ok(rows)
    }
}

/// The files of recordings in a folder; none where there is no such folder.
fn files_of(folder: &Path) -> io::Result<Vec<(PathBuf, fs::Metadata)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == ENDING)
            && let Ok(data) = fs::symlink_metadata(&path)
            && data.is_file()
        {
            files.push((path, data));
        }
    }
    Ok(files)
}

/// Bytes of all recordings of a folder.
///
/// # Errors
///
/// The folder cannot be read.
pub(crate) fn bytes_of(folder: &Path) -> io::Result<u64> {
    Ok(files_of(folder)?.iter().map(|(_, data)| data.len()).sum())
}

/// Bytes that are free where this folder is, or will be; `None` where the system does not say.
#[cfg(target_os = "linux")]
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|folder| folder.exists())?;
    let there = if there.as_os_str().is_empty() {
        Path::new(".")
    } else {
        there
    };
    let disk = rustix::fs::statvfs(there).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Bytes that are free there; this system is not asked.
#[cfg(not(target_os = "linux"))]
pub(crate) fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// The name of a recording by its file.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The name that a recording is given at a time, when nobody gives it one. Without colons: not every disk takes them.
pub(crate) fn name_at(at: SystemTime) -> String {
    let whole = rfc3339(at);
    let seconds = whole.split('.').next().unwrap_or_default().trim_end_matches('Z');
    format!("{}Z", seconds.replace(':', "-"))
}

/// Checks a name: letters, digits, blanks, `-`, `_` and `.`, and it is no path. `.mcap` at its end is not part of it.
///
/// # Errors
///
/// What was expected.
pub(crate) fn checked_name(name: &str) -> Result<&str, RecordError> {
    let name = name.strip_suffix(".mcap").unwrap_or(name);
    let is_sign = |sign: char| sign.is_alphanumeric() || matches!(sign, '-' | '_' | '.' | ' ');
    let is_name = !name.is_empty()
        && name.len() <= NAME_LEN_MAX
        && name.chars().all(is_sign)
        && !name.starts_with(['.', ' ', '-'])
        && !name.ends_with(['.', ' ']);
    is_name.then_some(name).ok_or_else(|| {
        RecordError::BadValue(String::from(
            "a name of letters, digits, blanks, '-', '_' and '.' was expected, at most 100 bytes",
        ))
    })
}

/// Path of the file that a recording of this name has or gets.
///
/// # Errors
///
/// It is no name.
pub(crate) fn path_of(folder: &Path, name: &str) -> Result<PathBuf, RecordError> {
    Ok(folder.join(format!("{}.{ENDING}", checked_name(name)?)))
}

/// The file of an existing recording.
///
/// # Errors
///
/// There is none of this name.
pub(crate) fn file_of(folder: &Path, name: &str) -> Result<PathBuf, RecordError> {
    // What can be no name is the name of nothing.
    let path = path_of(folder, name).ok().filter(|path| path.is_file());
    path.ok_or_else(|| RecordError::NotFound(format!("no recording is called '{}'", name.escape_debug())))
}
