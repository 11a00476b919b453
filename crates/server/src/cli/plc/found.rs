//! Diagnostics of programs as lines that editors understand: `file:line:column: error[E005]: text`.

use crate::cli::CliError;
use crate::http::plc::rows::DiagnosticRow;
use std::io::Write;

/// Diagnostics of one file that are printed. What follows is counted: a file of another kind is wrong in every line.
const PRINTED_MAX: usize = 50;

/// Prints diagnostics, one per line. One without a line is told by its rung.
pub(super) fn print(file: &str, found: &[DiagnosticRow], out: &mut dyn Write) -> Result<(), CliError> {
    for row in found.iter().take(PRINTED_MAX) {
        writeln!(out, "{}", line(file, row))?;
    }
    if let Some(more @ 1..) = found.len().checked_sub(PRINTED_MAX) {
        writeln!(out, "{file}: and {more} more")?;
    }
    Ok(())
}

fn line(file: &str, row: &DiagnosticRow) -> String {
    let place = match (row.line, row.character) {
        (Some(line), Some(character)) => format!("{file}:{line}:{character}"),
        (Some(line), None) => format!("{file}:{line}"),
        (None, _) => file.to_owned(),
    };
    let rung = match (row.line, row.rung) {
        (None, Some(rung)) => format!("rung {rung}: "),
        _ => String::new(),
    };
    // The code is that of the original's editor; what does not keep the program from running is no error here.
    let severity = if row.refuses { "error" } else { "warning" };
    format!("{place}: {severity}[{}]: {rung}{}", row.code, row.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_is_a_line_with_its_place() {
        let row = DiagnosticRow {
            code: String::from("E005"),
            severity: String::from("error"),
            refuses: true,
            rung: Some(2),
            column: Some(1),
            line: Some(14),
            character: Some(9),
            text: String::from("no address"),
        };
        assert_eq!(line("a.plcproj", &row), "a.plcproj:14:9: error[E005]: no address");
        let without_place = DiagnosticRow {
            line: None,
            character: None,
            ..row
        };
        assert_eq!(line("a", &without_place), "a: error[E005]: rung 2: no address");
    }
}
