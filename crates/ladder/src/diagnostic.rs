//! Diagnostics: what is wrong or doubtful in a program, with its place (PL-41, PL-80).

use std::fmt;

use crate::program::Position;

/// What is wrong or doubtful, where, and in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which rule.
    pub code: DiagnosticCode,
    /// The rung, counted from 0; `None` when it concerns the program as a whole.
    pub rung: Option<u32>,
    /// The column of the instruction in the document.
    pub column: Option<u32>,
    /// Where it stands in the file.
    pub place: Option<Position>,
    /// What it is and what to do: lower case, without a full stop.
    pub text: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(rung) = self.rung {
            write!(f, " rung {rung}")?;
        }
        if let Some(column) = self.column {
            write!(f, " column {column}")?;
        }
        if let Some(place) = self.place {
            write!(f, " (line {}, character {})", place.line, place.column)?;
        }
        write!(f, ": {}", self.text)
    }
}

/// The rules. Those up to `W002` are those of the original editor (PL-80); the others are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DiagnosticCode {
    /// E001: a rung without an element.
    EmptyRung,
    /// E002: a rung that changes nothing.
    NoOutput,
    /// E003: an output that is always on.
    UnconditionalOutput,
    /// E004: the same output twice in a rung, not in paths beside each other.
    RepeatedOutput,
    /// E005: an operand is missing. Such a program is refused.
    MissingOperand,
    /// E006: OTE of the same bit in several rungs; the last one wins.
    OutputInSeveralRungs,
    /// E007: a decorator keeps its state in a timer or counter that an instruction or another decorator uses.
    SharedSlot,
    /// E101: an operand cannot be read, an address does not exist, or a symbol is not known. Such a program is refused.
    UnknownOperand,
    /// E102: an operand is of the wrong kind. Such a program is refused.
    WrongOperand,
    /// E103: a document that does not hold together: decorators where none may stand, wrong number of operands, a symbol
    /// twice, branches that are nested too deep. Such a program is refused.
    BadDocument,
    /// E104: a limit of the engine is exceeded. Such a program is refused.
    TooLarge,
    /// W001: a branch with a single path.
    SinglePath,
    /// W002: an empty path: it conducts always.
    EmptyPath,
    /// W003: a preset that does not fit, and was clamped.
    ClampedPreset,
    /// W004: a part of a file that means nothing here; it is kept and does nothing.
    IgnoredPart,
}

impl DiagnosticCode {
    /// The code in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            DiagnosticCode::EmptyRung => "E001",
            DiagnosticCode::NoOutput => "E002",
            DiagnosticCode::UnconditionalOutput => "E003",
            DiagnosticCode::RepeatedOutput => "E004",
            DiagnosticCode::MissingOperand => "E005",
            DiagnosticCode::OutputInSeveralRungs => "E006",
            DiagnosticCode::SharedSlot => "E007",
            DiagnosticCode::UnknownOperand => "E101",
            DiagnosticCode::WrongOperand => "E102",
            DiagnosticCode::BadDocument => "E103",
            DiagnosticCode::TooLarge => "E104",
            DiagnosticCode::SinglePath => "W001",
            DiagnosticCode::EmptyPath => "W002",
            DiagnosticCode::ClampedPreset => "W003",
            DiagnosticCode::IgnoredPart => "W004",
        }
    }

    /// Whether a program with it is refused at download.
    pub const fn is_refusal(self) -> bool {
        matches!(
            self,
            DiagnosticCode::MissingOperand
                | DiagnosticCode::UnknownOperand
                | DiagnosticCode::WrongOperand
                | DiagnosticCode::BadDocument
                | DiagnosticCode::TooLarge
        )
    }
}

impl fmt::Display for DiagnosticCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
