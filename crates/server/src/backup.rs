//! Backups: a project and everything that belongs to it in one file, and back.
//!
//! ```text
//!   crosstie.toml ─┐                                            ┌─ every name, size and hash checked
//!   files it names ┼─▶ project/… + manifest.json ─▶ .tar.gz ─▶ ─┴─▶ temporary folder ─▶ renamed
//!   state/**       ┘
//! ```
//!
//! The file holds keys, so only its owner may read it. A hub may run meanwhile: each file is as it was at one moment, because
//! the hub replaces its files whole, and the audit log, which only grows, is held still.

mod manifest;
mod pack;
mod unpack;

pub use pack::pack;
pub use unpack::unpack;

use std::io;
use std::path::{Path, PathBuf};

/// Files of one backup. More are refused, when it is made and when it is restored.
const FILES_MAX: usize = 10_000;
/// Bytes of all files of one backup: 4 GiB. More are refused, when it is made and when it is restored.
const BYTES_MAX: u64 = 4 << 30;
/// Bytes of the manifest. A larger one is refused; ten thousand long names stay below.
const MANIFEST_BYTES_MAX: u64 = 8 << 20;

/// Folder of the archive with the files of the project.
const PROJECT: &str = "project";
/// Name of the manifest in the archive. It is the last entry: only then are all sizes and hashes known.
const MANIFEST: &str = "manifest.json";

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Name of the project.
    pub project: String,
    /// Files in it, without the manifest.
    pub files: usize,
    /// Bytes of these files.
    pub bytes: u64,
    /// The folder that stood in the way of a restored project and was put aside, as it is called now.
    pub put_aside: Option<PathBuf>,
}

/// Why a backup was not made or not restored. Nothing is left behind then.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file of the backup exists.
    #[error("{} exists and is left as it is; --force replaces it", .0.display())]
    Exists(PathBuf),
    /// The folder to restore into has something in it.
    #[error("{} is not empty; name a new folder, or use --force, which puts this one aside", .0.display())]
    NotEmpty(PathBuf),
    /// A file cannot be part of a backup, or a place cannot take one.
    #[error("{}: {expected}", path.display())]
    Unfit {
        /// The file or folder.
        path: PathBuf,
        /// What was expected of it.
        expected: &'static str,
    },
    /// A limit is reached.
    #[error("a backup of at most {FILES_MAX} files and {} GiB was expected", BYTES_MAX >> 30)]
    TooLarge,
    /// The file to restore is not a backup, or was changed since it was made. The text says what was expected.
    #[error("{} is no backup that can be restored: {expected}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: String,
    },
    /// The system refuses something.
    #[error("{} cannot be {verb}", path.display())]
    System {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: `read`, `written`.
        verb: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

fn system(path: &Path, verb: &'static str) -> impl FnOnce(io::Error) -> BackupError {
    move |source| BackupError::System {
        path: path.to_owned(),
        verb,
        source,
    }
}

/// The folder that a path stands in; the current one for a bare name.
fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A name beside a path that nobody else uses.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.{ending}", std::process::id()))
}

#[cfg(test)]
mod tests;
