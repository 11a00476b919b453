//! From a project folder to the file of a backup.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path};

use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::manifest::{FORMAT, FileRow, Manifest, VERSION};
use super::{BYTES_MAX, BackupError, FILES_MAX, MANIFEST, PROJECT, Summary, beside, parent_of, system};
use crate::audit;
use crate::config::{Config, FILE_NAME, STATE_FOLDER};
use crate::retain::RETAIN_FILE;

/// Folders within folders below `state/`. Deeper ones are refused.
const DEPTH_MAX: usize = 16;
/// Bytes that are read at once to find the end of the last whole line.
const TAIL_LEN: u64 = 64 << 10;
/// A name below `state/` that ends so is a log that only grows: a line that a power failure has cut off is left out.
const GROWING: &str = ".jsonl";

type Archive = Builder<GzEncoder<File>>;

/// Writes the backup of a project into `file`. An existing file is replaced only with `force`.
///
/// # Errors
///
/// See [`BackupError`].
pub fn pack(config: &Config, file: &Path, force: bool) -> Result<Summary, BackupError> {
    if !force && file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let folder = parent_of(file).canonicalize();
    let folder = folder.map_err(system(parent_of(file), "written"))?;
    let state = config.state_folder();
    if state.canonicalize().is_ok_and(|state| folder.starts_with(state)) {
        return Err(BackupError::Unfit {
            path: file.to_owned(),
            expected: "a place outside the state folder, which is part of the backup",
        });
    }
    // The entries of the audit log and what says how far they go must be of one moment. The hub's own entries wait meanwhile in
    // their queue.
    let state = config.state_folder();
    let held = state.is_dir().then(|| audit::lock(&state)).transpose();
    let _held = held.map_err(system(&state, "held still"))?;
    let paths = paths_of(config)?;
    let temporary = beside(file, "new");
    let packed = write(config, &paths, &temporary).and_then(|summary| {
        if !force && file.exists() {
            return Err(BackupError::Exists(file.to_owned()));
        }
        fs::rename(&temporary, file).map_err(system(file, "written"))?;
        Ok(summary)
    });
    if packed.is_err() {
        // The error that counts is the one above.
        drop(fs::remove_file(&temporary));
    }
    packed
}

/// Everything that belongs to a project, by its path from the project folder.
fn paths_of(config: &Config) -> Result<BTreeSet<String>, BackupError> {
    let mut paths = BTreeSet::from([FILE_NAME.to_owned()]);
    let of_endpoints = config.endpoints.iter().flat_map(|endpoint| {
        let link = &endpoint.link;
        [&endpoint.signals_file, &link.ca_file, &link.access_key_file]
    });
    let programs = config.plcs.iter().map(|plc| &plc.program_file);
    let named = of_endpoints
        .chain(programs)
        .chain(config.classroom.iter().map(|classroom| &classroom.gama.ca_file))
        .chain([&config.tls.certificate, &config.tls.private_key]);
    for path in named.flatten() {
        let inner = path.strip_prefix(&config.folder).unwrap_or(path);
        paths.insert(inner_path(inner)?);
    }
    let state = config.state_folder();
    match fs::symlink_metadata(&state) {
        Ok(_) => add_folder(&state, STATE_FOLDER, 0, &mut paths)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(system(&state, "read")(error)),
    }
    if paths.len() > FILES_MAX {
        return Err(BackupError::TooLarge);
    }
    Ok(paths)
}

fn add_folder(folder: &Path, inner: &str, depth: usize, paths: &mut BTreeSet<String>) -> Result<(), BackupError> {
    let unfit = |path: &Path, expected| BackupError::Unfit {
        path: path.to_owned(),
        expected,
    };
    if depth > DEPTH_MAX {
        return Err(unfit(folder, "a folder that is not so deep was expected"));
    }
    for entry in fs::read_dir(folder).map_err(system(folder, "read"))? {
        let entry = entry.map_err(system(folder, "read"))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(system(&path, "read"))?;
        let name = entry.file_name();
        let name = name
            .to_str()
            .ok_or_else(|| unfit(&path, "a name in UTF-8 was expected"))?;
        // A file that is just being written beside its place: whoever writes it puts it there, or clears it away.
        // Locks hold nothing.
        // The retentive memory is of a machine at one moment, not of a project.
        if name.starts_with('.') || name.ends_with(".lock") || name.starts_with(RETAIN_FILE) {
            continue;
        }
        let inner = format!("{inner}/{name}");
        if kind.is_dir() {
            add_folder(&path, &inner, depth + 1, paths)?;
        } else if kind.is_file() {
            paths.insert(inner);
        } else {
            return Err(unfit(
                &path,
                "a plain file or folder was expected, no link and no device",
            ));
        }
        if paths.len() > FILES_MAX {
            return Err(BackupError::TooLarge);
        }
    }
    Ok(())
}

/// A path that the project names, as the archive spells it.
fn inner_path(path: &Path) -> Result<String, BackupError> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) if part.to_str().is_some() => parts.extend(part.to_str()),
            _ => {
                return Err(BackupError::Unfit {
                    path: path.to_owned(),
                    expected: "a file inside the project folder was expected",
                });
            }
        }
    }
    Ok(parts.join("/"))
}

fn write(config: &Config, paths: &BTreeSet<String>, temporary: &Path) -> Result<Summary, BackupError> {
    let file = create_private(temporary).map_err(system(temporary, "written"))?;
    let mut archive = Builder::new(GzEncoder::new(file, Compression::default()));
    let mut files = Vec::new();
    let mut bytes = 0;
    for path in paths {
        let row = add_file(&mut archive, &config.folder, path, BYTES_MAX - bytes)?;
        bytes += row.size;
        files.push(row);
    }
    let summary = Summary {
        project: config.project.name.clone(),
        files: files.len(),
        bytes,
        put_aside: None,
    };
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        version: VERSION,
        crosstie: env!("CARGO_PKG_VERSION").to_owned(),
        project: config.project.name.clone(),
        files,
    };
    let finish = || {
        let text = serde_json::to_vec_pretty(&manifest)?;
        let mut header = header(text.len() as u64, 0o600);
        archive.append_data(&mut header, MANIFEST, text.as_slice())?;
        let mut file = archive.into_inner()?.finish()?;
        file.flush()?;
        file.sync_all()
    };
    finish().map_err(system(temporary, "written"))?;
    Ok(summary)
}

/// A new file that nobody but its owner may read: keys go into it.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn header(size: u64, mode: u32) -> Header {
    // The plain format has no entries about entries, so whoever reads it needs no memory for them.
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_size(size);
    header.set_mode(mode);
    header
}

fn add_file(archive: &mut Archive, folder: &Path, inner: &str, room: u64) -> Result<FileRow, BackupError> {
    let path = folder.join(inner);
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let metadata = fs::metadata(&path).map_err(system(&path, "read"))?;
    if !metadata.is_file() {
        return Err(BackupError::Unfit {
            path,
            expected: "a plain file was expected",
        });
    }
    let mut file = File::open(&path).map_err(system(&path, "read"))?;
    let metadata = file.metadata().map_err(system(&path, "read"))?;
    let is_growing = inner
        .strip_prefix(STATE_FOLDER)
        .is_some_and(|inner| inner.ends_with(GROWING));
    let size = match is_growing {
        true => whole_lines(&mut file, metadata.len()).map_err(system(&path, "read"))?,
        false => metadata.len(),
    };
    if size > room {
        return Err(BackupError::TooLarge);
    }
    let mut header = header(size, mode_of(&metadata));
    header
        .set_path(format!("{PROJECT}/{inner}"))
        .map_err(|_| BackupError::Unfit {
            path: path.clone(),
            expected: "a shorter path was expected: at most 255 bytes in all and 100 in a name",
        })?;
    header.set_cksum();
    let mut content = Hashing {
        inner: file.take(size),
        hash: Sha256::new(),
        len: 0,
    };
    archive.append(&header, &mut content).map_err(system(&path, "read"))?;
    if content.len != size {
        return Err(BackupError::Unfit {
            path,
            expected: "a file that does not shrink while it is read was expected; try again",
        });
    }
    Ok(FileRow {
        path: inner.to_owned(),
        size,
        sha256: HEXLOWER.encode(&content.hash.finalize()),
    })
}

#[cfg(unix)]
fn mode_of(metadata: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o777
}

#[cfg(not(unix))]
fn mode_of(_: &fs::Metadata) -> u32 {
    0o600
}

/// Bytes up to the end of the last whole line among the first `len`. The file is at its start again afterwards.
fn whole_lines(file: &mut File, len: u64) -> io::Result<u64> {
    let mut end = len;
    while end > 0 {
        let start = end.saturating_sub(TAIL_LEN);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        Read::by_ref(file).take(end - start).read_to_end(&mut tail)?;
        if let Some(at) = tail.iter().rposition(|byte| *byte == b'\n') {
            file.rewind()?;
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    file.rewind()?;
    Ok(0)
}

/// Hashes what is read through it.
pub(super) struct Hashing<R> {
    pub(super) inner: R,
    pub(super) hash: Sha256,
    pub(super) len: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        self.hash.update(&buffer[..len]);
        self.len += len as u64;
        Ok(len)
    }
}
