//! From the file of a backup to a project folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};

use super::manifest::{FORMAT, FileRow, Manifest, VERSION};
use super::pack::{Hashing, create_private};
use super::{
    BYTES_MAX, BackupError, FILES_MAX, MANIFEST, MANIFEST_BYTES_MAX, PROJECT, Summary, beside, parent_of, system,
};
use crate::config::{FILE_NAME, STATE_FOLDER};

/// Bytes of a tar header and of the filling behind a file. They count besides the files themselves.
const BLOCK_LEN: u64 = 512;
/// Names that are tried for the folder that is put aside. After that somebody should clear up.
const ASIDE_MAX: u32 = 1_000;

type Reader = io::Take<GzDecoder<File>>;

/// Restores the backup in `file` as the project folder `folder`. Everything is checked before anything is put in place. A folder
/// with something in it is refused, or put aside with `force`.
///
/// # Errors
///
/// See [`BackupError`].
pub fn unpack(file: &Path, folder: &Path, force: bool) -> Result<Summary, BackupError> {
    let is_taken = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(system(folder, "read")(error)),
    };
    if is_taken && !force {
        return Err(BackupError::NotEmpty(folder.to_owned()));
    }
    let folder = target_of(folder)?;
    let temporary = beside(&folder, "restore");
    create_private_folder(&temporary).map_err(system(&temporary, "written"))?;
    let placed = read(file, &temporary).and_then(|mut summary| {
        summary.put_aside = put_in_place(&temporary, &folder, is_taken)?;
        Ok(summary)
    });
    if placed.is_err() {
        // The error that counts is the one above.
        drop(fs::remove_dir_all(&temporary));
    }
    placed
}

/// The folder with its true name, so that `.` can be renamed and what stands beside it is found.
fn target_of(folder: &Path) -> Result<PathBuf, BackupError> {
    if let Ok(folder) = folder.canonicalize() {
        return Ok(folder);
    }
    let parent = parent_of(folder);
    fs::create_dir_all(parent).map_err(system(parent, "written"))?;
    let parent = parent.canonicalize().map_err(system(parent, "read"))?;
    match folder.file_name() {
        Some(name) => Ok(parent.join(name)),
        None => Err(BackupError::Unfit {
            path: folder.to_owned(),
            expected: "the name of a folder was expected",
        }),
    }
}

fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn put_in_place(temporary: &Path, folder: &Path, is_taken: bool) -> Result<Option<PathBuf>, BackupError> {
    let mut put_aside = None;
    if is_taken {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let mut names = (1..=ASIDE_MAX).map(|number| folder.with_file_name(format!("{name}.before-restore-{number}")));
        let aside = names
            .find(|path| fs::symlink_metadata(path).is_err())
            .ok_or_else(|| BackupError::Unfit {
                path: folder.to_owned(),
                expected: "fewer folders that were put aside were expected beside it",
            })?;
        fs::rename(folder, &aside).map_err(system(folder, "written"))?;
        put_aside = Some(aside);
    } else if folder.exists() {
        fs::remove_dir(folder).map_err(system(folder, "written"))?;
    }
    if let Err(error) = fs::rename(temporary, folder) {
        // What stood there goes back; if that fails too, the message names the folder and the rest is beside it.
        if let Some(aside) = &put_aside {
            drop(fs::rename(aside, folder));
        }
        return Err(system(folder, "written")(error));
    }
    Ok(put_aside)
}

/// Why a file is no backup, before its name is added.
enum Fault {
    Broken(String),
    Other(BackupError),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Broken(format!("a whole .tar.gz file was expected: {error}"))
    }
}

fn broken<T>(expected: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Broken(expected.into()))
}

fn read(file: &Path, temporary: &Path) -> Result<Summary, BackupError> {
    let opened = File::open(file).map_err(system(file, "read"))?;
    read_archive(opened, temporary).map_err(|fault| match fault {
        Fault::Other(error) => error,
        Fault::Broken(expected) => BackupError::Broken {
            path: file.to_owned(),
            expected,
        },
    })
}

fn read_archive(file: File, temporary: &Path) -> Result<Summary, Fault> {
    let headers = (FILES_MAX as u64 + 2) * 2 * BLOCK_LEN;
    let mut archive = Archive::new(GzDecoder::new(file).take(BYTES_MAX + MANIFEST_BYTES_MAX + headers));
    let mut found: BTreeMap<String, FileRow> = BTreeMap::new();
    let mut manifest = None;
    let mut bytes = 0;
    // Raw: entries about other entries (long names, links) are entries here, and refused.
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        if manifest.is_some() {
            return broken("nothing behind the manifest");
        }
        if entry.header().entry_type() != EntryType::Regular {
            return broken("plain files only: no folders, links or devices");
        }
        let path = String::from_utf8(entry.path_bytes().into_owned());
        let Ok(path) = path else {
            return broken("names in UTF-8");
        };
        if path == MANIFEST {
            manifest = Some(read_manifest(&mut entry)?);
            continue;
        }
        let Some(inner) = inner_name(&path) else {
            return broken(format!(
                "names of files inside the project folder, not '{}'",
                path.escape_debug()
            ));
        };
        bytes += entry.size();
        if found.len() >= FILES_MAX || bytes > BYTES_MAX {
            return Err(Fault::Other(BackupError::TooLarge));
        }
        let row = take_file(&mut entry, temporary, inner)?;
        if found.insert(row.path.clone(), row).is_some() {
            return broken(format!("'{}' once only", path.escape_debug()));
        }
    }
    let Some(manifest) = manifest else {
        return broken("a manifest.json at its end");
    };
    compare(&manifest, found)?;
    for row in &manifest.files {
        let path = temporary.join(&row.path);
        let synced = File::open(&path).and_then(|file| file.sync_all());
        synced.map_err(|error| Fault::Other(system(&path, "written")(error)))?;
    }
    Ok(Summary {
        project: manifest.project,
        files: manifest.files.len(),
        bytes,
        put_aside: None,
    })
}

/// The path inside the project folder; `None` for one that would lead out of it, or mean something else on another system.
fn inner_name(path: &str) -> Option<&str> {
    let inner = path.strip_prefix(PROJECT)?.strip_prefix('/')?;
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    let is_portable = |sign: char| !sign.is_control() && !matches!(sign, '\\' | ':');
    (inner.split('/').all(is_plain) && inner.chars().all(is_portable)).then_some(inner)
}

fn read_manifest(entry: &mut Entry<'_, Reader>) -> Result<Manifest, Fault> {
    if entry.size() > MANIFEST_BYTES_MAX {
        return broken("a smaller manifest");
    }
    let mut text = Vec::new();
    entry.read_to_end(&mut text)?;
    match serde_json::from_slice::<Manifest>(&text) {
        Ok(manifest) if manifest.format != FORMAT => broken("a backup of Crosstie"),
        Ok(manifest) if manifest.version != VERSION => broken(format!(
            "version {VERSION} of the format, not {}: restore it with the Crosstie that made it ({})",
            manifest.version,
            manifest.crosstie.escape_debug()
        )),
        Ok(manifest) => Ok(manifest),
        Err(error) => broken(format!("a manifest as Crosstie writes it: {error}")),
    }
}

/// Writes one file into the temporary folder.
fn take_file(entry: &mut Entry<'_, Reader>, temporary: &Path, inner: &str) -> Result<FileRow, Fault> {
    let path = temporary.join(inner);
    let written = |error| Fault::Other(system(&path, "written")(error));
    if path.exists() {
        return broken(format!("'{}' once only", inner.escape_debug()));
    }
    fs::create_dir_all(parent_of(&path)).map_err(written)?;
    #[cfg(unix)]
    {
        let state = temporary.join(STATE_FOLDER);
        if path.starts_with(&state) {
            set_mode(&state, 0o700).map_err(written)?;
        }
    }
    let mut file = create_private(&path).map_err(written)?;
    let size = entry.size();
    let mode = entry.header().mode()?;
    let mut content = Hashing {
        inner: entry,
        hash: Sha256::new(),
        len: 0,
    };
    let mut buffer = vec![0; 64 << 10];
    loop {
        // Reading and writing fail for different reasons, so they are told apart.
        let len = content.read(&mut buffer)?;
        if len == 0 {
            break;
        }
        io::Write::write_all(&mut file, &buffer[..len]).map_err(written)?;
    }
    if content.len != size {
        return broken(format!("all of '{}'", inner.escape_debug()));
    }
    #[cfg(unix)]
    set_mode(&path, mode & 0o755).map_err(written)?;
    Ok(FileRow {
        path: inner.to_owned(),
        size,
        sha256: HEXLOWER.encode(&content.hash.finalize()),
    })
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// What was found is what the manifest says, all of it and nothing else.
fn compare(manifest: &Manifest, mut found: BTreeMap<String, FileRow>) -> Result<(), Fault> {
    for row in &manifest.files {
        match found.remove(&row.path) {
            Some(taken) if taken == *row => {}
            Some(_) => {
                return broken(format!(
                    "'{}' with the size and hash of the manifest",
                    row.path.escape_debug()
                ));
            }
            None => return broken(format!("'{}', which the manifest names", row.path.escape_debug())),
        }
    }
    if let Some(path) = found.keys().next() {
        return broken(format!(
            "nothing that the manifest does not name, such as '{}'",
            path.escape_debug()
        ));
    }
    match manifest.files.iter().any(|row| row.path == FILE_NAME) {
        true => Ok(()),
        false => broken(format!("a {FILE_NAME} in it")),
    }
}
