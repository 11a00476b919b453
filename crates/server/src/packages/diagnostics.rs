//! What `crosstie check` says about the packages of a project.

use std::path::Path;

use super::Sources;
use super::document::Position;
use super::read::{self, Finding};
use crate::config::{Diagnostic, Severity, SourceText, read_file};

/// Reads the packages and gives everything that is wrong with them, in the order of the folders.
pub(crate) fn diagnostics(sources: &Sources) -> Vec<Diagnostic> {
    let (_, findings) = read::read_with_findings(sources);
    findings.into_iter().map(diagnostic).collect()
}

fn diagnostic(finding: Finding) -> Diagnostic {
    // The line is shown where the file can still be read; a folder has none.
    let text = match finding.place {
        Some(_) => read_file(Path::new(&finding.file)).unwrap_or_default(),
        None => String::new(),
    };
    let (line, column) = finding.place.unwrap_or((1, 1));
    let start = byte_at(&text, (line, column));
    let end = text[start..].find('\n').map_or(text.len(), |len| start + len);
    Diagnostic {
        source: SourceText::new(finding.file, text),
        line,
        column,
        span: start..end,
        severity: if finding.is_error {
            Severity::Error
        } else {
            Severity::Warning
        },
        code: finding.code,
        found: finding.found,
        expected: finding.expected,
        help: None,
    }
}

/// The byte of a place; the end of the text for one that is not there.
fn byte_at(text: &str, (line, column): Position) -> usize {
    let line_start = match line {
        0 | 1 => 0,
        _ => text
            .match_indices('\n')
            .nth(line - 2)
            .map_or(text.len(), |(at, _)| at + 1),
    };
    let in_line = text[line_start..].char_indices().nth(column.saturating_sub(1));
    in_line.map_or(text.len(), |(at, _)| line_start + at)
}
