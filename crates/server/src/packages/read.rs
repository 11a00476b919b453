//! From the roots to the catalog: which files are read, in which order, and within which limits (SI-50, SI-53).

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crosstie_hub::classroom::catalog::{Catalog, CatalogProblem, Model};

use super::document::{self, Position};
use super::list::{self, Listed};
use super::{ALL_FILES_LEN_MAX, FILE_LEN_MAX, FOLDERS_MAX, PROBLEMS_MAX, Root, SETTINGS_FILE, Sources};
use crate::config::shown_path;

/// Reads all packages. It takes as long as the disk does; nobody who must not wait calls it.
pub fn read(sources: &Sources) -> Catalog {
    let (catalog, _) = read_with_findings(sources);
    catalog
}

/// The same, with the problems as `crosstie check` shows them.
pub(super) fn read_with_findings(sources: &Sources) -> (Catalog, Vec<Finding>) {
    let mut reader = Reader::new(sources);
    for root in sources.roots() {
        reader.root(&root);
    }
    reader.finish()
}

/// Something wrong in a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) is_error: bool,
    /// The file or folder, as the project names its root.
    pub(super) file: String,
    pub(super) place: Option<Position>,
    /// A stable word for programs.
    pub(super) code: &'static str,
    pub(super) found: String,
    pub(super) expected: String,
}

impl Finding {
    fn problem(&self) -> CatalogProblem {
        CatalogProblem {
            is_error: self.is_error,
            file: self.file.clone(),
            place: self.place,
            text: format!("{}; expected {}", self.found, self.expected),
        }
    }
}

/// What is wrong, up to the limit.
#[derive(Debug, Default)]
pub(super) struct Findings {
    kept: Vec<Finding>,
    left_out: usize,
    left_out_errors: usize,
}

impl Findings {
    /// Something is missing from the list for it.
    pub(super) fn error(&mut self, at: At<'_>, code: &'static str, found: impl Into<String>, expected: &str) {
        self.note(true, at, code, found.into(), expected);
    }

    /// Everything is in the list all the same.
    pub(super) fn warning(&mut self, at: At<'_>, code: &'static str, found: impl Into<String>, expected: &str) {
        self.note(false, at, code, found.into(), expected);
    }

    fn note(&mut self, is_error: bool, at: At<'_>, code: &'static str, found: String, expected: &str) {
        if self.kept.len() == PROBLEMS_MAX {
            self.left_out += 1;
            self.left_out_errors += usize::from(is_error);
            return;
        }
        self.kept.push(Finding {
            is_error,
            file: at.file.to_owned(),
            place: at.place,
            code,
            found,
            expected: expected.to_owned(),
        });
    }

    fn into_list(mut self) -> Vec<Finding> {
        if let Some(last) = self.kept.last().filter(|_| self.left_out > 0) {
            self.kept.push(Finding {
                is_error: self.left_out_errors > 0,
                file: last.file.clone(),
                place: None,
                code: "too_many",
                found: format!("{} more problems are not shown", self.left_out),
                expected: String::from("the shown ones to be corrected first"),
            });
        }
        self.kept
    }
}

/// Where a problem is.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    pub(super) file: &'a str,
    pub(super) place: Option<Position>,
}

/// One `settings.json` that was found.
#[derive(Debug)]
pub(super) struct PackageFile<'a> {
    /// Its path for people.
    pub(super) shown: String,
    /// The folder that it stands in, absolute.
    pub(super) folder: PathBuf,
    pub(super) root: &'a Root,
}

impl PackageFile<'_> {
    /// A place in it.
    pub(super) fn at(&self, place: Position) -> At<'_> {
        At {
            file: &self.shown,
            place: Some(place),
        }
    }

    fn whole(&self) -> At<'_> {
        At {
            file: &self.shown,
            place: None,
        }
    }
}

/// What is read so far.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) sources: &'a Sources,
    pub(super) models: Vec<Model>,
    pub(super) findings: Findings,
    /// The limit of models was told.
    pub(super) is_full: bool,
    listed: Vec<Listed>,
    roots: Vec<String>,
    bytes_left: u64,
}

impl<'a> Reader<'a> {
    fn new(sources: &'a Sources) -> Reader<'a> {
        Reader {
            sources,
            models: Vec::new(),
            findings: Findings::default(),
            is_full: false,
            listed: Vec::new(),
            roots: Vec::new(),
            bytes_left: ALL_FILES_LEN_MAX,
        }
    }

    fn finish(self) -> (Catalog, Vec<Finding>) {
        let findings = self.findings.into_list();
        let catalog = Catalog {
            models: self.models,
            entries: list::entries(&self.listed),
            text: list::text(&self.listed),
            problems: findings.iter().map(Finding::problem).collect(),
            roots: self.roots,
        };
        (catalog, findings)
    }

    /// Reads the package that a root itself is, then those in its sub-folders.
    fn root(&mut self, root: &Root) {
        let shown = shown_path(&root.folder);
        self.roots.push(shown.clone());
        let at = At {
            file: &shown,
            place: None,
        };
        let folders = match sub_folders(&root.folder) {
            Ok(folders) => folders,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let found = "there is no such folder, so it has no models";
                let expected = format!(
                    "the folder of the learning packages (`{}`); it is looked for again",
                    root.kind.key()
                );
                return self.findings.warning(at, "no_folder", found, &expected);
            }
            Err(error) => {
                let found = format!("the folder cannot be read: {error}");
                return self
                    .findings
                    .error(at, "unreadable", found, "a folder that can be read");
            }
        };
        let is_package = self.folder(root, &root.folder, false);
        for name in folders.iter().take(FOLDERS_MAX) {
            // A root that is a package itself has folders with models and pictures, and hidden ones are nobody's package.
            let is_demanded = !is_package && !name.as_encoded_bytes().starts_with(b".");
            self.folder(root, &root.folder.join(name), is_demanded);
        }
        if folders.len() > FOLDERS_MAX {
            let found = format!(
                "{} folders are here, and those after the first {FOLDERS_MAX} are left out",
                folders.len()
            );
            self.findings.error(
                at,
                "too_many_folders",
                found,
                "fewer folders, or catalogs in one settings.json",
            );
        }
    }

    /// Reads the package in a folder; false when there is none.
    fn folder(&mut self, root: &Root, folder: &Path, is_demanded: bool) -> bool {
        let path = folder.join(SETTINGS_FILE);
        let file = PackageFile {
            shown: shown_path(&path),
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
            root,
        };
        match fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if is_demanded {
                    let shown = shown_path(folder);
                    let at = At {
                        file: &shown,
                        place: None,
                    };
                    let found = format!("this folder has no {SETTINGS_FILE}, so it has no models");
                    self.findings
                        .warning(at, "no_settings", found, "a package, or no folder here");
                }
                return false;
            }
            Err(error) => {
                let found = format!("the file cannot be read: {error}");
                self.findings
                    .error(file.whole(), "unreadable", found, "a file that can be read");
            }
            Ok(data) if !data.is_file() => {
                self.findings
                    .error(file.whole(), "no_file", "this is not a file", "a file with JSON");
            }
            Ok(_) => self.read_file(&file, &path),
        }
        true
    }

    fn read_file(&mut self, file: &PackageFile<'_>, path: &Path) {
        let limit = FILE_LEN_MAX.min(self.bytes_left);
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|opened| opened.take(limit + 1).read_to_end(&mut bytes));
        if let Err(error) = read {
            let found = format!("the file cannot be read: {error}");
            return self
                .findings
                .error(file.whole(), "unreadable", found, "a file that can be read");
        }
        if bytes.len() as u64 > limit {
            let (found, expected) = match limit {
                FILE_LEN_MAX => ("the file is larger than 1 MiB", "several smaller packages"),
                _ => ("all settings together are larger than 16 MiB", "fewer or smaller files"),
            };
            return self.findings.error(file.whole(), "too_large", found, expected);
        }
        self.bytes_left -= bytes.len() as u64;
        match std::str::from_utf8(&bytes) {
            // Some editors begin a file with a mark of its encoding.
            Ok(text) => self.text(file, text.strip_prefix('\u{feff}').unwrap_or(text)),
            Err(error) => {
                let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                let place = document::position(&before, before.len());
                let found = "this is not UTF-8";
                self.findings.error(
                    file.at(place),
                    "not_utf8",
                    found,
                    "text in UTF-8: save the file with that encoding",
                );
            }
        }
    }

    /// Reads the text of a `settings.json`.
    pub(super) fn text(&mut self, file: &PackageFile<'_>, text: &str) {
        match document::parse(text) {
            Ok(node) => {
                let listed = self.document(file, node);
                self.listed.extend(listed);
            }
            Err(mistake) => self
                .findings
                .error(file.at(mistake.at), "not_json", mistake.text, "JSON"),
        }
    }
}

/// Names of the folders in a folder, in byte order.
fn sub_folders(folder: &Path) -> std::io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // What stands behind a link counts, so that a package may live elsewhere.
        if fs::metadata(entry.path()).is_ok_and(|data| data.is_dir()) {
            names.push(entry.file_name());
        }
    }
    names.sort_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    Ok(names)
}
