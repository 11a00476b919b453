//! A program as a client downloads it: the document, read, checked and compiled, or everything that is wrong with it.
//!
//! Reading takes as long as the document is large, so the driver does it where it holds nobody up and hands in the result.

use crosstie_ladder::check;
use crosstie_ladder::compile::CompiledProgram;
use crosstie_ladder::diagnostic::{Diagnostic, DiagnosticCode};
use crosstie_ladder::program::Program as Logic;
use crosstie_ladder::project::read_project;
use crosstie_ladder::text;
use std::sync::Arc;

/// Bytes of a document. A longer one is refused before it is read.
pub const DOCUMENT_LEN_MAX: usize = 8 << 20;

/// A program that can be executed, with its document.
#[derive(Debug, Clone)]
pub struct Program {
    /// The document as it came: that is what an upload returns (PL-12).
    pub document: Arc<str>,
    /// What it says.
    pub logic: Arc<Logic>,
    /// What an engine executes.
    pub compiled: Box<CompiledProgram>,
    /// What is doubtful in it (PL-80); none of it keeps it from running.
    pub diagnostics: Vec<Diagnostic>,
}

impl Program {
    /// Reads, checks and compiles a document: a `.plcproj` (PL-70), or the text form (PL-73).
    ///
    /// # Errors
    ///
    /// All reasons why it cannot run, with their places (PL-11, PL-41).
    pub fn read(document: &str) -> Result<Program, Vec<Diagnostic>> {
        if document.len() > DOCUMENT_LEN_MAX {
            return Err(vec![Diagnostic {
                code: DiagnosticCode::TooLarge,
                rung: None,
                column: None,
                place: None,
                text: format!(
                    "the program has {} bytes, at most {DOCUMENT_LEN_MAX} are read",
                    document.len()
                ),
            }]);
        }
        let (logic, mut diagnostics) = match document.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
            true => {
                let project = read_project(document)?;
                (project.program, project.warnings)
            }
            false => (text::read(document)?, Vec::new()),
        };
        let compiled = CompiledProgram::new(&logic)?;
        diagnostics.extend(check::check(&logic));
        diagnostics.extend(compiled.warnings().iter().cloned());
        Ok(Program {
            document: document.into(),
            logic: Arc::new(logic),
            compiled: Box::new(compiled),
            diagnostics,
        })
    }
}
