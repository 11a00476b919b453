//! Scan tables among the tests: programs scan by scan, without a project.

use super::report::Verdict;
use crosstie_hub::plc::program::DOCUMENT_LEN_MAX;
use crosstie_ladder::scan_table::{self, Case, Problem};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Reads a table with the programs that it names: beside it, or in the folder of the project.
///
/// # Errors
///
/// Everything that is wrong with it, line by line.
pub(crate) fn read(path: &Path, shown_name: &str, project: Option<&Path>) -> Result<Vec<Case>, String> {
    let source = read_text(path)?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut load = |name: &str| match (folder.join(name), project) {
        (beside, Some(project)) if !beside.exists() => read_text(&project.join(name)),
        (beside, _) => read_text(&beside),
    };
    scan_table::read_beside(&source, &mut load).map_err(|problems| placed(&problems, shown_name))
}

/// Runs one case.
pub(crate) fn run(case: &Case, shown_name: &str) -> Verdict {
    match case.run() {
        Ok(()) => Verdict::Passed,
        Err(problems) => Verdict::Failed(placed(&problems, shown_name)),
    }
}

fn placed(problems: &[Problem], name: &str) -> String {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("{name}:{}: {}", problem.line, problem.text))
        .collect();
    lines.join("\n")
}

/// Reads a file of text that is not longer than a program may be.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let limit = DOCUMENT_LEN_MAX as u64;
    let read = File::open(path).and_then(|file| file.take(limit + 1).read_to_string(&mut text));
    read.map_err(|error| format!("{}: {error}", path.display()))?;
    match text.len() > DOCUMENT_LEN_MAX {
        true => Err(format!(
            "{}: expected a file of at most {DOCUMENT_LEN_MAX} bytes",
            path.display()
        )),
        false => Ok(text),
    }
}
