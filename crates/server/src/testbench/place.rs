//! Where tests are: a folder, the project that it belongs to, and the files in it that are tests.

use crate::config::FILE_NAME;
use std::io;
use std::path::{Path, PathBuf};

/// The folder of a project in which its tests are.
pub(crate) const TESTS_FOLDER: &str = "tests";

/// What stands behind the name of an accepted recording.
pub(crate) const ACCEPTED_ENDING: &str = ".test.toml";

/// How deep folders may stand in each other. What lies deeper is not looked for.
const FOLDER_DEPTH_MAX: usize = 16;

/// Tests of one folder. More are refused: the folder is probably not one of tests.
const TESTS_MAX: usize = 10_000;

/// A folder of tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The folder of the project; `None` when there is none above.
    pub(crate) project: Option<PathBuf>,
    /// Only this file.
    only: Option<PathBuf>,
}

/// What a test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A scan table.
    Scan,
    /// A script.
    Script,
    /// An accepted recording.
    Recording,
}

impl Kind {
    /// The word of the API.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Kind::Scan => "scan",
            Kind::Script => "script",
            Kind::Recording => "recording",
        }
    }
}

/// A test that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its file, from the folder of tests on, with `/` between folders. An accepted recording is called by its `.test.toml`'s name
    /// without that.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: Kind,
    /// Its file; of an accepted recording the `.test.toml`.
    pub(crate) path: PathBuf,
}

impl Place {
    /// The tests of a project's folder.
    pub(crate) fn of_project(project: &Path) -> Place {
        Place {
            folder: project.join(TESTS_FOLDER),
            project: Some(project.to_owned()),
            only: None,
        }
    }

    /// What a person means by a path: a project, a folder of tests, or one test.
    pub(crate) fn of(path: &Path) -> Place {
        if path.join(FILE_NAME).is_file() {
            return Place::of_project(path);
        }
        let (folder, only) = match path.is_file() {
            true => (parent(path), Some(path.to_owned())),
            false => (path.to_owned(), None),
        };
        let absolute = std::path::absolute(&folder).unwrap_or_else(|_| folder.clone());
        let mut above = absolute.ancestors();
        let project = above
            .find(|folder| folder.join(FILE_NAME).is_file())
            .map(Path::to_owned);
        Place { folder, project, only }
    }
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The tests of a place, in the order of their names. Links in folders are not followed. Where there is no folder there are no
/// tests.
///
/// # Errors
///
/// A folder cannot be read, or there are too many tests.
pub(crate) fn find(place: &Place) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    match &place.only {
        Some(path) => {
            let test = test_of(&place.folder, path);
            let beside = || accepted_of(path).and_then(|path| test_of(&place.folder, &path));
            found.extend(test.or_else(beside));
        }
        None => collect(place, &place.folder, 0, &mut found)?,
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The `.test.toml` of an `.mcap`.
fn accepted_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?.strip_suffix(".mcap")?;
    Some(path.with_file_name(format!("{name}{ACCEPTED_ENDING}")))
}

fn collect(place: &Place, folder: &Path, depth: usize, found: &mut Vec<Found>) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if depth == 0 && error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let (entry, path) = entry.map(|entry| (entry.file_type(), entry.path()))?;
        let kind = entry?;
        if kind.is_dir() && depth < FOLDER_DEPTH_MAX {
            collect(place, &path, depth + 1, found)?;
        } else if kind.is_file() {
            found.extend(test_of(&place.folder, &path));
        }
        if found.len() > TESTS_MAX {
            let text = format!("more than {TESTS_MAX} tests in {}", place.folder.display());
            return Err(io::Error::other(text));
        }
    }
    Ok(())
}

fn test_of(folder: &Path, path: &Path) -> Option<Found> {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<String> = inside
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let name = parts.join("/");
    let (name, kind) = match name.strip_suffix(ACCEPTED_ENDING) {
        Some(accepted) => (accepted.to_owned(), Kind::Recording),
        None if name.ends_with(".toml") && !name.ends_with(FILE_NAME) => (name, Kind::Script),
        None if name.ends_with(".scan") => (name, Kind::Scan),
        None => return None,
    };
    Some(Found {
        name,
        kind,
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_project_a_folder_of_tests_or_one_test() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::write(root.join(FILE_NAME), "").unwrap();
        std::fs::create_dir_all(root.join("tests/deep")).unwrap();
        for file in [
            "a.toml",
            "b.scan",
            "c.mcap",
            "c.test.toml",
            "notes.md",
            "d.mcap",
            "deep/e.toml",
        ] {
            std::fs::write(root.join("tests").join(file), "").unwrap();
        }
        let names = |path: &Path| -> Vec<(String, Kind)> {
            let place = Place::of(path);
            assert_eq!(place.project.as_deref(), Some(root));
            find(&place)
                .unwrap()
                .into_iter()
                .map(|test| (test.name, test.kind))
                .collect()
        };
        let all = [
            (String::from("a.toml"), Kind::Script),
            (String::from("b.scan"), Kind::Scan),
            (String::from("c"), Kind::Recording),
            (String::from("deep/e.toml"), Kind::Script),
        ];
        assert_eq!(names(root), all);
        assert_eq!(names(&root.join("tests")), all);
        assert_eq!(names(&root.join("tests/b.scan")), all[1..2]);
        assert_eq!(names(&root.join("tests/c.mcap")), all[2..3]);
        assert_eq!(
            names(&root.join("tests/deep")),
            [(String::from("e.toml"), Kind::Script)]
        );
        let empty = tempfile::tempdir().unwrap();
        let place = Place::of(&empty.path().join("tests"));
        assert_eq!((place.project.clone(), find(&place).unwrap().len()), (None, 0));
    }
}
