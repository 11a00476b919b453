//! The files of a project that go into its recordings: what somebody needs to understand, replay and execute them again.
//!
//! Keys, certificates and what the hub keeps in its state folder are not among them, and queries in the project file, which may hold
//! a key, are masked.

use super::writer::ProjectFile;
use crate::config::{Config, FILE_NAME, masked};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// Bytes of one file. A larger one is left out.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// The files that a project names, by their path in its folder.
pub(crate) fn files_of(config: &Config) -> Vec<PathBuf> {
    let signals = config
        .endpoints
        .iter()
        .filter_map(|endpoint| endpoint.signals_file.as_ref());
    let plcs = config
        .plcs
        .iter()
        .flat_map(|plc| plc.program_file.iter().chain(&plc.io_files));
    let named: BTreeSet<PathBuf> = (signals.chain(plcs))
        .map(|path| path.strip_prefix(&config.folder).unwrap_or(path).to_owned())
        .collect();
    std::iter::once(PathBuf::from(FILE_NAME)).chain(named).collect()
}

/// Reads these files of a folder. One that cannot be read, is large or lies elsewhere is left out.
pub(crate) fn read(folder: &Path, files: &[PathBuf]) -> Vec<ProjectFile> {
    let read = |path: &PathBuf| {
        let name = inner_name(path)?;
        let path = folder.join(path);
        let is_fit = path
            .metadata()
            .is_ok_and(|data| data.is_file() && data.len() <= FILE_BYTES_MAX);
        let mut content = is_fit.then(|| std::fs::read(&path).ok()).flatten()?;
        if name == FILE_NAME {
            content = masked(&String::from_utf8_lossy(&content)).into_bytes();
        }
        Some(ProjectFile { name, content })
    };
    files.iter().filter_map(read).collect()
}

/// The path with slashes, when it stays inside.
fn inner_name(path: &Path) -> Option<String> {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let parts: Option<Vec<&str>> = parts
        .map(|part| match part {
            Component::Normal(part) => part.to_str(),
            _ => None,
        })
        .collect();
    parts.map(|parts| parts.join("/"))
}
