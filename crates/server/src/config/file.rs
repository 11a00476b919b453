//! Reading the files of a project: text in UTF-8 of a bounded size, or the reason why not.

use super::limits::Limits;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Why a file could not be read.
pub(crate) struct Unreadable {
    pub(crate) code: &'static str,
    pub(crate) found: String,
    pub(crate) expected: &'static str,
    /// What could be read of it, for the place of the mistake.
    pub(crate) text: String,
    pub(crate) at: usize,
}

/// Reads a whole file of text, within the limit.
pub(crate) fn read_file(path: &Path) -> Result<String, Unreadable> {
    let limit = Limits::DEFAULT.file_bytes_max;
    let unreadable = |code, found, expected| Unreadable {
        code,
        found,
        expected,
        text: String::new(),
        at: 0,
    };
    // Whoever opens a pipe waits for its other end, for ever.
    if is_pipe(path) {
        let found = format!("{} is a pipe", shown_path(path));
        return Err(unreadable("unreadable", found, "a file that can be read"));
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        let code = if error.kind() == std::io::ErrorKind::NotFound {
            "no_file"
        } else {
            "unreadable"
        };
        let found = format!("{} cannot be read: {error}", shown_path(path));
        return Err(unreadable(code, found, "a file that can be read"));
    }
    if bytes.len() as u64 > limit {
        let found = format!("{} is larger than {} MiB", shown_path(path), limit >> 20);
        return Err(unreadable("too_large", found, "a smaller file"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        Unreadable {
            code: "not_utf8",
            found: String::from("bytes that are not UTF-8"),
            expected: "text in UTF-8",
            text,
            at,
        }
    })
}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_: &Path) -> bool {
    false
}

/// A path as people know it: without a leading `./`.
pub(crate) fn shown_path(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}
