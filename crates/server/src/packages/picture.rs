//! Splash screens: where the pictures of the packages are, and their bytes for the web port (SI-54).
//!
//! A path names a picture only when every part of it is plain, when the file behind all links lies within the root, and when
//! it is a picture by its extension. Nothing else of a package can be read from outside.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::{PICTURE_LEN_MAX, Root, RootKind, Sources, paths};

/// Extensions of pictures, in small letters, and what they are on the web.
const KINDS: [(&str, &str); 6] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("svg", "image/svg+xml"),
];

/// Bytes of a path; a longer one names nothing.
const PATH_LEN_MAX: usize = 1_024;

/// Why there is no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Nothing that may be shown is there.
    #[error("there is no such file in the folder of the packages")]
    NotFound,
    /// Its extension is not that of a picture.
    #[error("its name does not end like that of a picture")]
    NotAPicture,
    /// It is larger than [`PICTURE_LEN_MAX`].
    #[error("it is larger than 8 MiB")]
    TooLarge,
    /// It stands on another server.
    #[error("it is on another server")]
    Elsewhere,
}

/// A picture for the web port.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// Reads a picture; `path` is what stands behind the first segment of the URL, its percent signs undone.
pub(crate) fn load(sources: &Sources, kind: RootKind, path: &[u8]) -> Result<Picture, Refusal> {
    let root = sources
        .roots()
        .find(|root| root.kind == kind)
        .ok_or(Refusal::NotFound)?;
    let path = std::str::from_utf8(path).map_err(|_| Refusal::NotFound)?;
    let (file, content_type) = within(&root.folder, path)?;
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(|_| Refusal::NotFound)?;
    let read = opened.take(PICTURE_LEN_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|_| Refusal::NotFound)?;
    if bytes.len() as u64 > PICTURE_LEN_MAX {
        return Err(Refusal::TooLarge);
    }
    Ok(Picture { content_type, bytes })
}

/// Where a picture is served that a `settings.json` in this folder names: from the root of the web port.
///
/// What stands there is relative to the folder, or to the root, or begins with the name of the root as a URL.
pub(super) fn find(sources: &Sources, root: &Root, folder: &Path, said: &str) -> Result<String, Refusal> {
    let said = said.replace('\\', "/");
    if said.starts_with("//") || said.contains("://") || said.starts_with("data:") {
        return Err(Refusal::Elsewhere);
    }
    let said = said.trim_start_matches('/');
    let root_folder = root.absolute();
    let mut candidates: Vec<(Root, String)> = Vec::new();
    for other in sources.roots() {
        let rest = said.strip_prefix(other.kind.segment());
        if let Some(rest) = rest.and_then(|rest| rest.strip_prefix('/')) {
            candidates.push((other, rest.to_owned()));
        }
    }
    let below_root = |path: &Path| {
        let path = paths::normal(path);
        let rest = path.strip_prefix(paths::normal(&root_folder)).ok()?;
        let parts: Option<Vec<&str>> = rest.iter().map(|part| part.to_str()).collect();
        Some((root.clone(), parts?.join("/")))
    };
    candidates.extend(below_root(&folder.join(said)));
    candidates.extend(below_root(&root_folder.join(said)));
    let url_of_main = said.strip_prefix(RootKind::Main.segment());
    if let Some(rest) = url_of_main.and_then(|rest| rest.strip_prefix('/')) {
        candidates.extend(below_root(&root_folder.join(rest)));
    }

    let mut refusal = Refusal::NotFound;
    for (root, path) in candidates {
        match within(&root.folder, &path) {
            Ok(_) => return Ok(format!("/{}/{}", root.kind.segment(), encoded(&path))),
            // A file that is there and cannot be shown says more than one that is not there.
            Err(other) if refusal == Refusal::NotFound => refusal = other,
            Err(_) => {}
        }
    }
    Err(refusal)
}

/// The file that a path within a root names, and what it is on the web.
fn within(root: &Path, path: &str) -> Result<(PathBuf, &'static str), Refusal> {
    let is_plain = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':']) && !part.contains(char::is_control)
    };
    if path.len() > PATH_LEN_MAX || !path.split('/').all(is_plain) {
        return Err(Refusal::NotFound);
    }
    let root = fs::canonicalize(root).map_err(|_| Refusal::NotFound)?;
    let file = fs::canonicalize(root.join(path)).map_err(|_| Refusal::NotFound)?;
    if !file.starts_with(&root) {
        return Err(Refusal::NotFound);
    }
    // What a link is called does not make its target a picture.
    let of_target = content_type(&file).ok_or(Refusal::NotAPicture)?;
    let data = fs::metadata(&file).map_err(|_| Refusal::NotFound)?;
    match data.is_file() {
        false => Err(Refusal::NotFound),
        true if data.len() > PICTURE_LEN_MAX => Err(Refusal::TooLarge),
        true => Ok((file, of_target)),
    }
}

fn content_type(file: &Path) -> Option<&'static str> {
    let extension = file.extension()?.to_str()?.to_ascii_lowercase();
    let kind = KINDS.iter().find(|(known, _)| *known == extension);
    kind.map(|(_, content_type)| *content_type)
}

/// A path as it stands in a URL.
fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
