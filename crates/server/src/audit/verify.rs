//! Is the log as it was written? Walks the whole chain through all files.

use super::chain::{LINE_LEN_MAX, Link, read_line};
use super::file::{lock, read_head};
use super::{current, full, full_files};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

/// The first place where the log is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The file.
    pub(crate) file: PathBuf,
    /// The line, counted from 1.
    pub(crate) line: usize,
    /// The beginning of the line, as far as it is a text.
    pub(crate) text: String,
    /// What is wrong.
    pub(crate) found: String,
    /// It may come from a power failure and is put in order at the next start.
    pub(crate) is_torn: bool,
}

/// Bytes of a broken line that are shown.
const SHOWN_LEN_MAX: usize = 120;

/// Walks the chain of a state folder; gives the number of entries, or the first place where it is broken.
///
/// # Errors
///
/// A file cannot be read.
pub(crate) fn verify(folder: &Path) -> io::Result<Result<u64, Broken>> {
    let nothing = current(folder).symlink_metadata().is_err() && read_head(folder)?.is_none();
    if nothing && (!folder.exists() || full_files(folder)?.is_empty()) {
        return Ok(Ok(0));
    }
    // What is appended from here on is not looked at. A project that cannot be written has no writer either.
    let locked = lock(folder).ok();
    let head = read_head(folder)?;
    let numbers = full_files(folder)?;
    let newest = match File::open(current(folder)) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let newest_len = newest
        .as_ref()
        .map_or(Ok(0), |file| file.metadata().map(|data| data.len()))?;
    drop(locked);

    let mut walk = Walk {
        end: Link::start(),
        head,
        place: (current(folder), 0),
    };
    for number in 1..=numbers.last().copied().unwrap_or(0) {
        let path = full(folder, number);
        if !numbers.contains(&number) {
            return Ok(Err(walk.broken_at(path, 1, &[], String::from("the file is missing"))));
        }
        let file = File::open(&path)?;
        let len = file.metadata()?.len();
        if let Err(broken) = walk.file(path, &file, len)? {
            return Ok(Err(broken));
        }
    }
    if let Some(file) = newest
        && let Err(broken) = walk.file(current(folder), &file, newest_len)?
    {
        return Ok(Err(broken));
    }
    Ok(walk.finish())
}

struct Walk {
    /// The entry that was read last.
    end: Link,
    head: Option<Link>,
    /// File and line of that entry.
    place: (PathBuf, usize),
}

impl Walk {
    fn file(&mut self, path: PathBuf, file: &File, len: u64) -> io::Result<Result<(), Broken>> {
        let mut reader = BufReader::new(file.take(len));
        let mut line = Vec::new();
        let mut number = 0;
        loop {
            line.clear();
            let mut bounded = (&mut reader).take(LINE_LEN_MAX as u64 + 2);
            if bounded.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            number += 1;
            let Some(whole) = line.strip_suffix(b"\n") else {
                let found = String::from("the line is torn, or longer than any entry");
                let mut broken = self.broken_at(path, number, &line, found);
                // Entries are on the disk before audit.head says so: a line that a power failure has torn is none that it names.
                let is_named = self.head.as_ref().is_none_or(|head| head.n > self.end.n);
                broken.is_torn = line.len() <= LINE_LEN_MAX && !is_named;
                return Ok(Err(broken));
            };
            if let Err(found) = self.entry(whole) {
                return Ok(Err(self.broken_at(path, number, whole, found)));
            }
        }
        self.place = (path, number);
        Ok(Ok(()))
    }

    fn entry(&mut self, line: &[u8]) -> Result<(), String> {
        let linked = read_line(line)?;
        let expected = self.end.n + 1;
        if linked.link.n != expected {
            return Err(format!(
                "entry {expected} should stand here, not entry {}",
                linked.link.n
            ));
        }
        if linked.prev != self.end.hash {
            return Err(String::from(
                "it does not follow the entry before it: one of the two was put here later",
            ));
        }
        if self
            .head
            .as_ref()
            .is_some_and(|head| head.n == expected && head.hash != linked.link.hash)
        {
            return Err(String::from("it is not the entry of this number that audit.head names"));
        }
        self.end = linked.link;
        Ok(())
    }

    /// The end must be the one that was written.
    fn finish(self) -> Result<u64, Broken> {
        let last = self.end.n;
        let (path, line) = self.place.clone();
        match &self.head {
            Some(head) if head.n > last => {
                let found = format!("the entries {} to {} are missing at the end", last + 1, head.n);
                Err(self.broken_at(path, line + 1, &[], found))
            }
            None => {
                let found = String::from("audit.head is missing: nothing says whether this is the end");
                Err(self.broken_at(path, line + 1, &[], found))
            }
            Some(_) => Ok(last),
        }
    }

    fn broken_at(&self, file: PathBuf, line: usize, bytes: &[u8], found: String) -> Broken {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_LEN_MAX)]).into_owned();
        Broken {
            file,
            line,
            text,
            found,
            is_torn: false,
        }
    }
}
