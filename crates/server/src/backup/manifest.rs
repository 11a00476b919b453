//! The list of what a backup holds.

use serde::{Deserialize, Serialize};

/// The word that tells our backups from other archives.
pub(super) const FORMAT: &str = "crosstie-backup";
/// Version of the format. Another one is refused.
pub(super) const VERSION: u32 = 1;

/// What a backup holds.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Manifest {
    /// Always [`FORMAT`].
    pub(super) format: String,
    /// Version of the format.
    pub(super) version: u32,
    /// Version of the program that made it, for people.
    pub(super) crosstie: String,
    /// Name of the project.
    pub(super) project: String,
    /// The files, in the order of the archive.
    pub(super) files: Vec<FileRow>,
}

/// One file.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct FileRow {
    /// Path from the project folder, with `/`.
    pub(super) path: String,
    /// Bytes.
    pub(super) size: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub(super) sha256: String,
}
