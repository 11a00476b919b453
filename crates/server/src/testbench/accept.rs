//! Turning a session into a test: the recording is copied into the project's tests, run once, and kept only when it passes.

use super::budget::Budget;
use super::compare::Slack;
use super::diagram::Signs;
use super::place::{ACCEPTED_ENDING, Place};
use super::show;
use super::stage::Stage;
use super::tape::{Accepted, Tape, Terms, digest};
use crate::state::rfc3339;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Characters of a test's name.
const NAME_LEN_MAX: usize = 100;

/// How far a run may be beside the recording, in scans and milliseconds, tried in this order. With the inputs of the recording
/// nothing is beside it; of samples alone a hub hears of a scan a little late, and a route may reach a PLC just before or just
/// behind a border.
const SLACKS: [(u64, u64); 4] = [(0, 20), (1, 20), (2, 50), (4, 100)];

/// What is to be accepted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    /// The recording.
    pub(crate) recording: PathBuf,
    /// Name of the test; that of the recording when `None`.
    pub(crate) name: Option<String>,
    /// Patterns of the signals to compare; all that routes and PLCs write when there is none.
    pub(crate) signals: Vec<String>,
    /// Numbers that may differ, and by how much.
    pub(crate) tolerances: Vec<(String, f64)>,
    /// A test of the same name is replaced.
    pub(crate) replaces: bool,
    /// What a refusal is drawn with.
    pub(crate) signs: Signs,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    /// Name of the test.
    pub(crate) name: String,
    /// Its `.test.toml`.
    pub(crate) path: PathBuf,
    /// How many signals it compares.
    pub(crate) compared: usize,
}

/// Why a recording is not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AcceptError {
    /// The name cannot be the name of a file.
    #[error(
        "the name {0:?}: expected 1 to {NAME_LEN_MAX} of the letters A-Z and a-z, digits, `_`, `-` and `.`, not beginning with `.`"
    )]
    Name(String),
    /// There is one already.
    #[error("there is a test `{0}` already")]
    Exists(String),
    /// The project or the recording is not as it should be.
    #[error("{0}")]
    Unusable(String),
    /// This project does not do what the recording says.
    #[error("the project does not do what the recording says, so it is no test\n{0}")]
    Differs(String),
    /// The system refuses a file.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Makes a test of a recording.
///
/// # Errors
///
/// Why not; then nothing is left behind.
pub(crate) fn accept(project: &Path, wish: &Wish, budget: &Budget) -> Result<Made, AcceptError> {
    let stem = || {
        wish.recording
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let name = wish.name.clone().unwrap_or_else(stem);
    if !is_name(&name) {
        return Err(AcceptError::Name(name));
    }
    let folder = Place::of_project(project).folder;
    let (recording, terms_path) = (
        folder.join(format!("{name}.mcap")),
        folder.join(format!("{name}{ACCEPTED_ENDING}")),
    );
    if terms_path.exists() && !wish.replaces {
        return Err(AcceptError::Exists(name));
    }
    let stage = Stage::load(project).map_err(|diagnostics| {
        let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        AcceptError::Unusable(lines.join("\n"))
    })?;
    let accepted = try_out(wish, &name, &stage, budget)?;
    let made = Made {
        name,
        path: terms_path.clone(),
        compared: accepted.compared(),
    };
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| AcceptError::File { path, source }
    };
    std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
    let is_there = same_file(&wish.recording, &recording);
    if !is_there {
        let part = folder.join(format!(".{}.part", made.name));
        let moved = std::fs::copy(&wish.recording, &part).and_then(|_| std::fs::rename(&part, &recording));
        if moved.is_err() {
            // What is left of it is no test; that it cannot be removed is the smaller trouble.
            drop(std::fs::remove_file(&part));
        }
        moved.map_err(failed(&recording))?;
    }
    let text = accepted.terms.to_text(&rfc3339(SystemTime::now()));
    std::fs::write(&terms_path, text).map_err(failed(&terms_path))?;
    Ok(made)
}

/// Runs a recording with as little slack as it needs.
fn try_out(wish: &Wish, name: &str, stage: &Stage, budget: &Budget) -> Result<Accepted, AcceptError> {
    let unusable = AcceptError::Unusable;
    let mut terms = Terms {
        name: name.to_owned(),
        digest: digest(&wish.recording).map_err(unusable)?,
        signals: wish.signals.clone(),
        slack: Slack::default(),
        tolerances: wish.tolerances.clone(),
    };
    let tape = Tape::read(&wish.recording, stage).map_err(unusable)?;
    let mut accepted = Accepted::new(terms.clone(), tape).map_err(unusable)?;
    let mut found = None;
    for (scans, millis) in SLACKS {
        terms.slack = Slack {
            scans,
            time: Duration::from_millis(millis),
            lets_blinks: scans > 0,
        };
        accepted.terms = terms.clone();
        match accepted.run(stage, budget).map_err(unusable)? {
            None => return Ok(accepted),
            Some(deviation) => found = Some(deviation),
        }
    }
    let text = found.map_or_else(String::new, |found| show::difference(&found, stage, wish.signs));
    Err(AcceptError::Differs(text))
}

fn is_name(name: &str) -> bool {
    let fits = |sign: char| sign.is_ascii_alphanumeric() || "_-.".contains(sign);
    (1..=NAME_LEN_MAX).contains(&name.len()) && name.chars().all(fits) && !name.starts_with('.')
}

/// Both are the same file already.
fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tests_are_names_of_files() {
        for name in ["a", "2026-01-01T10-00-00Z", "morning_shift.2"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", ".", "..", ".a", "a/b", "a b", "ä", &"a".repeat(101)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
