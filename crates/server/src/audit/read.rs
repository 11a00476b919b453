//! Reading the log from its end, for people.

use super::file::line_before;
use super::{current, full, full_files};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io;
use std::path::Path;
use utoipa::ToSchema;

/// One entry of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Entry {
    /// Its number, from 1 on.
    #[schema(example = 7)]
    pub(crate) n: u64,
    /// When, RFC 3339 in UTC.
    #[schema(example = "2026-03-01T09:30:00.250Z")]
    pub(crate) at: String,
    /// Who: the name of a key, `this machine`, `anonymous`.
    pub(crate) who: String,
    /// From where.
    pub(crate) from: String,
    /// What was done.
    #[schema(example = "write")]
    pub(crate) what: String,
    /// To what: the name of a signal, setting, route, endpoint or key.
    pub(crate) subject: String,
    /// What was there before; null where nothing was.
    pub(crate) old: Value,
    /// What is there now; null where nothing is.
    pub(crate) new: Value,
}

/// The newest entries of a state folder with a number below `before`, newest first, at most `limit`. Lines that are no entries
/// are passed over: `crosstie check` is there to find them.
///
/// # Errors
///
/// A file cannot be read.
pub(crate) fn read_before(folder: &Path, before: Option<u64>, limit: usize) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    if !folder.exists() {
        return Ok(entries);
    }
    // The newest file may become a full one meanwhile, so it is opened before the full ones are counted.
    let mut newest = open(&current(folder))?;
    let numbers = full_files(folder)?;
    let full = numbers.iter().rev().map(|number| full(folder, *number));
    let mut full = full.map(|path| open(&path));
    loop {
        let file = match newest.take() {
            Some(file) => Some(file),
            None => match full.next() {
                Some(file) => file?,
                None => return Ok(entries),
            },
        };
        if let Some(mut file) = file {
            let mut end = match before {
                Some(before) => begin_of(&mut file, before)?,
                None => file.metadata()?.len(),
            };
            while end > 0 {
                if entries.len() >= limit {
                    return Ok(entries);
                }
                let (start, line) = line_before(&mut file, end)?;
                // Somebody else's write may have begun the last line, or this file was read a moment ago under its other name.
                let entry = serde_json::from_slice(&line).ok();
                entries.extend(entry.filter(|entry: &Entry| {
                    before.is_none_or(|before| entry.n < before)
                        && entries.last().is_none_or(|last: &Entry| entry.n < last.n)
                }));
                end = start;
            }
        }
    }
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where the lines end that have a number below this one: halves the file until it is found, as numbers only grow.
fn begin_of(file: &mut File, before: u64) -> io::Result<u64> {
    #[derive(Deserialize)]
    struct Number {
        n: u64,
    }
    let (mut low, mut high) = (0, file.metadata()?.len());
    // All lines that end at or before `low` are below the number, all that begin at or after `high` are not.
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        let end = line_end(file, middle, high)?;
        let (start, line) = line_before(file, end)?;
        match serde_json::from_slice::<Number>(&line) {
            Ok(line) if line.n < before => low = end,
            Ok(_) => high = start.max(low),
            // A line that is no entry has no number: its neighbours are looked at one by one.
            Err(_) => return Ok(high),
        }
    }
    Ok(low)
}

/// The end of the line in which this byte stands, its line end included, at most `high`.
fn line_end(file: &mut File, byte: u64, high: u64) -> io::Result<u64> {
    use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
    let from = byte.saturating_sub(1);
    file.seek(SeekFrom::Start(from))?;
    let mut rest = Vec::new();
    let read = BufReader::new(file.take(high - from)).read_until(b'\n', &mut rest)?;
    Ok(from + read as u64)
}
