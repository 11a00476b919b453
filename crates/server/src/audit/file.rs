//! The end of the log: finding it, putting it in order, appending to it, and beginning a new file when one is full.

use super::chain::{LINE_LEN_MAX, Link, Record, push_line, read_line};
use super::{current, full, full_files};
use crate::state;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Name of the lock of the log.
const LOCK_NAME: &str = "audit.lock";

/// Bytes of a file that is full: the next entry begins a new one. It ends with whole entries, so it is a little longer.
const FILE_LEN_MAX: u64 = 64 << 20;

/// Path of the file with the last entry's number and hash.
fn head_path(folder: &Path) -> PathBuf {
    folder.join("audit.head")
}

/// Holds the log still: whoever wants to append waits, for as long as this is kept.
pub(crate) fn lock(folder: &Path) -> io::Result<state::Locked> {
    state::lock(folder, LOCK_NAME)
}

/// Appends entries to the log of a state folder; when this returns they are on the disk. Puts the end of the log in order
/// first: what a power failure has left of a line is cut off, and an entry says so.
///
/// # Errors
///
/// As the system says; then none of the entries is in the log.
pub(crate) fn append(folder: &Path, records: &[Record]) -> io::Result<()> {
    append_within(folder, records, FILE_LEN_MAX)
}

pub(super) fn append_within(folder: &Path, records: &[Record], file_len_max: u64) -> io::Result<()> {
    if records.is_empty() && !folder.exists() {
        return Ok(());
    }
    let _locked = lock(folder)?;
    let (mut end, notes) = find_end(folder)?;
    if records.is_empty() && notes.is_empty() {
        return Ok(());
    }
    let mut text = String::new();
    for record in notes.iter().chain(records) {
        push_line(&mut text, &mut end, record)?;
    }
    begin_file_if_full(folder, file_len_max)?;
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    let mut file = state::private(&mut options).open(current(folder))?;
    let len = file.metadata()?.len();
    if len == 0 {
        state::sync_folder(&current(folder))?;
    }
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_data())
        .and_then(|()| write_head(folder, &end));
    if let Err(error) = written {
        // If this fails, too, the next batch finds a torn line and says so.
        drop(file.set_len(len));
        return Err(error);
    }
    Ok(())
}

/// Puts a full file aside, so that the next entry begins a new one.
fn begin_file_if_full(folder: &Path, file_len_max: u64) -> io::Result<()> {
    let is_full = current(folder).metadata().is_ok_and(|data| data.len() >= file_len_max);
    if is_full {
        let number = full_files(folder)?.last().map_or(1, |last| last + 1);
        fs::rename(current(folder), full(folder, number))?;
        state::sync_folder(&current(folder))?;
    }
    Ok(())
}

fn write_head(folder: &Path, end: &Link) -> io::Result<()> {
    state::write_whole(&head_path(folder), serde_json::to_string(end)?.as_bytes())
}

/// What the head says; `None` when there is none that can be understood.
pub(super) fn read_head(folder: &Path) -> io::Result<Option<Link>> {
    match fs::read(head_path(folder)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Finds the end of the chain, with entries about what was wrong with it. Under the lock only.
fn find_end(folder: &Path) -> io::Result<(Link, Vec<Record>)> {
    let mut notes = Vec::new();
    if let Some(bytes) = cut_torn_line(&current(folder))? {
        let subject = format!("the last line was torn: {bytes} bytes were cut off");
        notes.push(Record::of_log("audit.cut", subject));
    }
    let head = read_head(folder)?;
    let last = last_line(folder)?;
    let link = last.as_ref().map(|line| read_line(line).map(|linked| linked.link));
    let (end, trouble) = match (head, link) {
        (None, None) => (Link::start(), None),
        (Some(head), Some(Ok(link))) if link == head || link.n > head.n => (link, None),
        (Some(head), Some(Ok(link))) if link.n < head.n => {
            let trouble = format!("the entries {} to {} were removed", link.n + 1, head.n);
            (head, Some(trouble))
        }
        (Some(head), None) => {
            let trouble = format!("the entries up to {} were removed", head.n);
            (head, Some(trouble))
        }
        (Some(head), Some(_)) => (head, Some(String::from("the last entry was changed"))),
        (None, Some(Ok(link))) => (link, Some(String::from("audit.head was removed"))),
        (None, Some(Err(_))) => {
            let trouble = "the last entry was changed and audit.head was removed: the chain begins anew";
            (Link::start(), Some(trouble.to_owned()))
        }
    };
    notes.extend(trouble.map(|trouble| Record::of_log("audit.damaged", trouble)));
    Ok((end, notes))
}

/// Cuts off what stands behind the last line end of a file; gives the number of bytes when there was something.
fn cut_torn_line(path: &Path) -> io::Result<Option<u64>> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let len = file.metadata()?.len();
    let mut end = len;
    loop {
        let (start, piece) = piece_before(&mut file, end)?;
        match piece.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => {
                end = start + at as u64 + 1;
                break;
            }
            None => end = start,
        }
        if start == 0 {
            break;
        }
    }
    if end == len {
        return Ok(None);
    }
    file.set_len(end)?;
    file.sync_data()?;
    Ok(Some(len - end))
}

/// The last line of the log, wherever it stands, without its end.
fn last_line(folder: &Path) -> io::Result<Option<Vec<u8>>> {
    let full = full_files(folder)?.last().map(|number| full(folder, *number));
    for path in std::iter::once(current(folder)).chain(full) {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let len = file.metadata()?.len();
        if len > 0 {
            return Ok(Some(line_before(&mut file, len)?.1));
        }
    }
    Ok(None)
}

/// The line that ends at this place of a file, its end included there: where it begins, and its bytes without its end. Of a line
/// that is longer than any entry only the last part.
pub(super) fn line_before(file: &mut File, end: u64) -> io::Result<(u64, Vec<u8>)> {
    let (start, mut piece) = piece_before(file, end)?;
    if piece.last() == Some(&b'\n') {
        piece.pop();
    }
    let begin = piece.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    Ok((start + begin as u64, piece.split_off(begin)))
}

/// The bytes before this place of a file, as many as the longest line has; and where they begin.
fn piece_before(file: &mut File, end: u64) -> io::Result<(u64, Vec<u8>)> {
    let start = end.saturating_sub(LINE_LEN_MAX as u64 + 2);
    file.seek(SeekFrom::Start(start))?;
    let mut piece = Vec::new();
    file.take(end - start).read_to_end(&mut piece)?;
    Ok((start, piece))
}
