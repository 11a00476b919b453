//! Tables for people: columns as wide as their widest cell.

use super::CliError;
use std::io::Write;

/// Prints rows under a heading; the last column is not padded.
pub(super) fn print<const COLUMNS: usize>(
    heading: [&str; COLUMNS],
    rows: &[[String; COLUMNS]],
    out: &mut impl Write,
) -> Result<(), CliError> {
    let mut widths = heading.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    print_row(heading.iter().copied(), &widths, out)?;
    for row in rows {
        print_row(row.iter().map(String::as_str), &widths, out)?;
    }
    Ok(())
}

fn print_row<'a>(cells: impl Iterator<Item = &'a str>, widths: &[usize], out: &mut impl Write) -> Result<(), CliError> {
    let mut line = String::new();
    for (cell, width) in cells.zip(widths) {
        line.push_str(&format!("{cell:<width$}  "));
    }
    writeln!(out, "{}", line.trim_end())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut out = Vec::new();
        let row = |name: &str, kind: &str| [name.to_owned(), kind.to_owned()];
        print(["NAME", "KIND"], &[row("twin/ü", "bool"), row("a", "text")], &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "NAME    KIND\ntwin/ü  bool\na       text\n"
        );
    }
}
