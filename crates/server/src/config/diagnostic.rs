//! What is wrong in a project, where it stands, and how it is shown to people and to programs.
//!
//! A project is read to its end: every mistake becomes one [`Diagnostic`], so that one round of corrections is enough.
//! Environment variables and flags are sources like files, with the one line that was given.

use super::limits::Limits;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Does a diagnostic keep the project from running?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The project does not run.
    Error,
    /// The project runs; something in it probably does not do what was meant.
    Warning,
}

impl Severity {
    /// The word of the machine-readable form.
    pub const fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// A text that diagnostics point into: a file, an environment variable or a flag.
#[derive(Clone, Debug)]
pub struct SourceText {
    /// Path of the file as people know it, or `environment`, or `command line`.
    pub name: Arc<str>,
    /// All of it.
    pub text: Arc<str>,
}

impl SourceText {
    /// A source of this name.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> SourceText {
        SourceText {
            name: name.into(),
            text: text.into(),
        }
    }
}

/// One mistake in a project.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// The text it stands in.
    pub source: SourceText,
    /// Line of its first character, counted from 1.
    pub line: usize,
    /// Column of its first character in characters, counted from 1.
    pub column: usize,
    /// Bytes of the source that it is about.
    pub span: Range<usize>,
    /// Error or warning.
    pub severity: Severity,
    /// A stable word for programs, such as `unknown_key`.
    pub code: &'static str,
    /// What was found.
    pub found: String,
    /// What should stand there.
    pub expected: String,
    /// What to do, when that is more than writing what is expected.
    pub help: Option<String>,
}

impl Diagnostic {
    /// The machine-readable form: one object with `file`, `line`, `column`, `span`, `severity`, `code`, `found`, `expected`, `help`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "file": &*self.source.name,
            "line": self.line,
            "column": self.column,
            "span": [self.span.start, self.span.end],
            "severity": self.severity.word(),
            "code": self.code,
            "found": self.found,
            "expected": self.expected,
            "help": self.help,
        })
    }

    /// The form for people: the message with the source line below it.
    pub fn render(&self, style: Style) -> String {
        let theme = match style {
            Style::Colour => GraphicalTheme::unicode(),
            Style::Plain => GraphicalTheme::unicode_nocolor(),
        };
        let mut out = String::new();
        let report = Report {
            diagnostic: self,
            source: NamedSource::new(&self.source.name, Arc::clone(&self.source.text)),
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(100)
            .with_links(false);
        match handler.render_report(&mut out, &report) {
            Ok(()) => out,
            // The one-line form needs no source, so a message is never lost to its decoration.
            Err(fmt::Error) => format!("{self}\n"),
        }
    }
}

/// `file:line:column: found; expected …`
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostic {
            source,
            line,
            column,
            severity,
            found,
            expected,
            ..
        } = self;
        write!(
            f,
            "{}:{line}:{column}: {}: {found}; expected {expected}",
            source.name,
            severity.word()
        )
    }
}

/// How a rendering looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// With the colours of a terminal.
    Colour,
    /// Without, for files and pipes.
    Plain,
}

/// Collects diagnostics up to the limit.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    kept: Vec<Diagnostic>,
    left_out: usize,
    errors: usize,
}

impl Findings {
    /// Adds an error and gives it back, so that a caller can say what to do about it.
    pub(crate) fn error(
        &mut self,
        place: &Place,
        code: &'static str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> &mut Findings {
        self.push(place, Severity::Error, code, found.into(), expected.into())
    }

    /// Adds a warning.
    pub(crate) fn warning(
        &mut self,
        place: &Place,
        code: &'static str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> &mut Findings {
        self.push(place, Severity::Warning, code, found.into(), expected.into())
    }

    /// Takes over what was found elsewhere.
    pub(crate) fn adopt(&mut self, diagnostics: Vec<Diagnostic>) {
        for diagnostic in diagnostics {
            self.errors += usize::from(diagnostic.severity == Severity::Error);
            if self.kept.len() == Limits::DEFAULT.diagnostics_max {
                self.left_out += 1;
            } else {
                self.kept.push(diagnostic);
            }
        }
    }

    /// Says what to do about the diagnostic that was added last.
    pub(crate) fn help(&mut self, help: impl Into<String>) {
        if self.left_out == 0
            && let Some(last) = self.kept.last_mut()
        {
            last.help = Some(help.into());
        }
    }

    /// Is there an error so far?
    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// All of them, ordered by file and place, with one more that tells how many did not fit.
    pub(crate) fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        self.kept
            .sort_by(|a, b| (&a.source.name, a.span.start).cmp(&(&b.source.name, b.span.start)));
        if self.left_out > 0
            && let Some(last) = self.kept.last()
        {
            let mut note = last.clone();
            note.severity = if self.errors > 0 {
                Severity::Error
            } else {
                Severity::Warning
            };
            note.code = "too_many";
            note.found = format!("{} more mistakes are not shown", self.left_out);
            note.expected = String::from("the shown ones to be corrected first");
            note.help = None;
            self.kept.push(note);
        }
        self.kept
    }

    fn push(
        &mut self,
        place: &Place,
        severity: Severity,
        code: &'static str,
        found: String,
        expected: String,
    ) -> &mut Findings {
        if severity == Severity::Error {
            self.errors += 1;
        }
        if self.kept.len() == Limits::DEFAULT.diagnostics_max {
            self.left_out += 1;
            return self;
        }
        let (line, column) = line_and_column(&place.source.text, place.span.start);
        self.kept.push(Diagnostic {
            source: place.source.clone(),
            line,
            column,
            span: place.span.clone(),
            severity,
            code,
            found,
            expected,
            help: None,
        });
        self
    }
}

/// Some bytes of a source.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) source: SourceText,
    pub(crate) span: Range<usize>,
}

/// Line and column of a byte, both counted from 1, the column in characters.
pub(crate) fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// A diagnostic as miette renders it.
struct Report<'a> {
    diagnostic: &'a Diagnostic,
    source: NamedSource<Arc<str>>,
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostic.fmt(f)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.found)
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.diagnostic
            .help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Diagnostic { span, expected, .. } = self.diagnostic;
        let label = LabeledSpan::new(Some(format!("expected {expected}")), span.start, span.len());
        Some(Box::new(std::iter::once(label)))
    }
}

/// The known word that is nearest to a mistyped one, when one is near enough to be meant.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase();
    let near_enough = (typed.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|word| (edits(&typed, word), word))
        .filter(|(edits, _)| *edits <= near_enough)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, word)| word)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
fn edits(from: &str, to: &str) -> usize {
    // Three rows of the table are enough, so a very long key costs time in proportion, never memory in its square.
    let from: Vec<char> = from.chars().take(Limits::DEFAULT.name_len_max).collect();
    let to: Vec<char> = to.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut row = vec![i; to.len() + 1];
        for j in 1..=to.len() {
            let replaced = last[j - 1] + usize::from(from[i - 1] != to[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        let text = "a\nüö = 1\n";
        assert_eq!(line_and_column(text, 0), (1, 1));
        assert_eq!(line_and_column(text, 2), (2, 1));
        assert_eq!(line_and_column(text, 6), (2, 3));
        assert_eq!(line_and_column(text, text.len()), (3, 1));
        assert_eq!(line_and_column(text, 999), (3, 1));
    }

    #[test]
    fn only_a_near_word_is_suggested() {
        let known = ["port", "path", "update_cycle_ms"];
        assert_eq!(nearest("prt", known), Some("port"));
        assert_eq!(nearest("Port", known), Some("port"));
        assert_eq!(nearest("prot", known), Some("port"));
        assert_eq!(nearest("updatecyclems", known), Some("update_cycle_ms"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn what_exceeds_the_limit_is_counted() {
        let limit = Limits::DEFAULT.diagnostics_max;
        let place = Place {
            source: SourceText::new("x", "abc"),
            span: 0..1,
        };
        let mut findings = Findings::default();
        for _ in 0..limit {
            findings.warning(&place, "w", "x", "y");
        }
        findings.error(&place, "e", "x", "y").help("not for the last kept one");
        assert!(findings.has_errors());
        let diagnostics = findings.into_diagnostics();
        assert_eq!(diagnostics.len(), limit + 1);
        assert_eq!(diagnostics[limit - 1].help, None);
        let last = &diagnostics[limit];
        assert_eq!((last.code, last.severity), ("too_many", Severity::Error));
        assert!(last.found.starts_with("1 more"));
    }

    #[test]
    fn a_rendering_shows_the_line_and_what_was_expected() {
        let place = Place {
            source: SourceText::new("crosstie.toml", "[web]\nport = 70000\n"),
            span: 13..18,
        };
        let mut findings = Findings::default();
        findings
            .error(
                &place,
                "out_of_range",
                "`port` is 70000",
                "a whole number from 0 to 65535",
            )
            .help("do this");
        let diagnostics = findings.into_diagnostics();
        let text = diagnostics[0].render(Style::Plain);
        for part in [
            "crosstie.toml:2:8",
            "port = 70000",
            "expected a whole number from 0 to 65535",
            "out_of_range",
            "do this",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(diagnostics[0].to_json()["line"], 2);
        assert_eq!(diagnostics[0].to_json()["span"], serde_json::json!([13, 18]));
    }
}
