//! The tree as one value: the text of every file that a rule may look at, and what cargo says of the packages.
//!
//! Enters: the folder of the repository, or, in tests, a handful of made-up files. Folders that hold no source of
//! ours (build output, installed packages) are not entered. Nothing is read after [`Tree::read`] has returned.

use super::source::Source;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fmt, fs, io};

/// Folders that are made, installed or foreign, wherever they stand.
const SKIPPED_FOLDERS: &[&str] = &[
    ".git",
    ".venv",
    ".venv-gama",
    "artifacts",
    "dist",
    "node_modules",
    "target",
    "test-results",
];

/// Endings of the files whose text is kept. Of all others only the name is known.
const TEXT_ENDINGS: &[&str] = &[
    "cjs", "css", "html", "json", "lock", "md", "mjs", "py", "rs", "sh", "svelte", "toml", "ts", "txt", "yml",
];

/// Files without an ending whose text is kept, by folder or by name.
const TEXT_FOLDERS: &[&str] = &["scripts/", ".ci/", "bench/run"];

/// Larger files are data, not source: their text is not kept.
const TEXT_BYTES_MAX: u64 = 4 << 20;

/// What the rules look at.
pub(crate) struct Tree {
    /// Every file and folder by its path from the top.
    paths: BTreeSet<String>,
    texts: BTreeMap<String, String>,
    rust: BTreeMap<String, Source>,
    /// The answer of `cargo metadata`, or null in a made-up tree that has none.
    pub(crate) metadata: Value,
}

impl Tree {
    /// Reads the repository at `root`.
    ///
    /// Errors: a folder or file that cannot be read, or a `cargo metadata` that fails.
    pub(crate) fn read(root: &Path) -> Result<Self, ReadError> {
        let mut tree = Self::empty();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            let located = |error| ReadError::Path(folder.clone(), error);
            for entry in fs::read_dir(&folder).map_err(located)? {
                let entry = entry.map_err(located)?;
                let path = entry.path();
                let kind = entry.file_type().map_err(located)?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let relative = relative(root, &path);
                if kind.is_dir() {
                    if !SKIPPED_FOLDERS.contains(&name.as_str()) {
                        tree.paths.insert(relative);
                        folders.push(path);
                    }
                } else {
                    let len = entry.metadata().map_err(located)?.len();
                    let bytes = if is_text(&relative) && len <= TEXT_BYTES_MAX {
                        fs::read(&path).map_err(|error| ReadError::Path(path.clone(), error))?
                    } else {
                        Vec::new()
                    };
                    tree.insert(relative, String::from_utf8_lossy(&bytes).into_owned());
                }
            }
        }
        tree.metadata = metadata(root)?;
        Ok(tree)
    }

    /// A made-up tree. Texts are given by path; the text of `metadata.json`, if there, stands for cargo's answer.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::empty();
        for (path, text) in files {
            if *path == "metadata.json" {
                tree.metadata = serde_json::from_str(text).expect("the made-up metadata is JSON");
            } else {
                tree.insert((*path).to_owned(), (*text).to_owned());
            }
        }
        tree
    }

    fn empty() -> Self {
        Self {
            paths: BTreeSet::new(),
            texts: BTreeMap::new(),
            rust: BTreeMap::new(),
            metadata: Value::Null,
        }
    }

    fn insert(&mut self, path: String, text: String) {
        if path.ends_with(".rs") {
            self.rust.insert(path.clone(), Source::read(&text, is_test_path(&path)));
        }
        if is_text(&path) {
            self.texts.insert(path.clone(), text);
        }
        self.paths.insert(path);
    }

    /// Number of files and folders that were seen.
    pub(crate) fn file_count(&self) -> usize {
        self.paths.len()
    }

    /// True if a file or a folder of this path exists.
    pub(crate) fn has(&self, path: &str) -> bool {
        path.is_empty() || self.paths.contains(path)
    }

    /// Every path with a kept text, in order.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Every Rust file as lines of code and comment, in order of path.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.rust.iter().map(|(path, source)| (path.as_str(), source))
    }

    /// The packages of the workspace and of its dependencies, as cargo describes them.
    pub(crate) fn packages(&self) -> impl Iterator<Item = &Value> {
        self.metadata["packages"].as_array().into_iter().flatten()
    }
}

/// Why the tree could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// This folder or file.
    Path(PathBuf, io::Error),
    /// `cargo metadata` could not be started or understood.
    Cargo(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Cargo(message) => write!(f, "cargo metadata: {}", message.trim()),
        }
    }
}

fn relative(root: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(root).unwrap_or(path).components();
    parts
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

fn is_text(path: &str) -> bool {
    let ending = path
        .rsplit('/')
        .next()
        .and_then(|name| name.rsplit_once('.'))
        .map(|(_, ending)| ending);
    match ending {
        Some(ending) if TEXT_ENDINGS.contains(&ending) => true,
        _ => path == "Makefile" || TEXT_FOLDERS.iter().any(|folder| path.starts_with(folder)),
    }
}

/// Files that hold nothing but tests. Benches and examples are not among them: they may wait for a clock.
fn is_test_path(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}

fn metadata(root: &Path) -> Result<Value, ReadError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let answer = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root)
        .output()
        .map_err(|error| ReadError::Cargo(error.to_string()))?;
    if !answer.status.success() {
        return Err(ReadError::Cargo(String::from_utf8_lossy(&answer.stderr).into_owned()));
    }
    serde_json::from_slice(&answer.stdout).map_err(|error| ReadError::Cargo(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_files_are_known_by_ending_or_folder() {
        for (path, expected) in [
            ("README.md", true),
            ("Makefile", true),
            ("scripts/tools", true),
            (".ci/run", true),
            ("docs/img/overview-dark.png", false),
            ("LICENSE-MIT", false),
        ] {
            assert_eq!(is_text(path), expected, "{path}");
        }
    }

    #[test]
    fn test_paths_are_folders_and_files_of_tests() {
        for (path, expected) in [
            ("crates/hub/tests/it/main.rs", true),
            ("crates/hub/src/route/tests.rs", true),
            ("crates/hub/src/route.rs", false),
            ("crates/wire/benches/realvirtual.rs", false),
        ] {
            assert_eq!(is_test_path(path), expected, "{path}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_in_the_error() {
        let error = Tree::read(Path::new("/no/such/folder"))
            .err()
            .expect("nothing can be read there");
        assert!(error.to_string().starts_with("/no/such/folder: "), "{error}");
    }
}
