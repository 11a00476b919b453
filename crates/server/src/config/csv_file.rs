//! CSV as spreadsheets write it: rows under a header, each cell with its place, and the cells that go out.
//!
//! A row becomes the table that the same thing would be in the project file, so that both are checked in one place.

use super::diagnostic::{Findings, Place, SourceText, nearest};
use super::limits::Limits;
use super::raw::{RawEntry, RawTable, RawValue, shortened};
use std::ops::Range;

/// What the columns of a file may be.
pub(crate) struct Columns {
    /// What the file is called in messages.
    pub(crate) what: &'static str,
    /// Every column that there is.
    pub(crate) known: &'static [&'static str],
    /// Those that no file can do without.
    pub(crate) needed: &'static [&'static str],
    /// Those whose cells are taken with the blanks around them.
    pub(crate) exact: &'static [&'static str],
}

/// The rows of a file below its header.
pub(crate) struct Rows<'a> {
    source: &'a SourceText,
    rules: &'static Columns,
    reader: csv::Reader<&'a [u8]>,
    record: csv::StringRecord,
    delimiter: u8,
    columns: Vec<&'static str>,
    count: usize,
}

impl<'a> Rows<'a> {
    /// Reads the header; `None`, with a finding, when rows could not be understood with it.
    pub(crate) fn open(source: &'a SourceText, rules: &'static Columns, findings: &mut Findings) -> Option<Rows<'a>> {
        let delimiter = delimiter(&source.text);
        let mut rows = Rows {
            source,
            rules,
            reader: csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .delimiter(delimiter)
                .from_reader(source.text.as_bytes()),
            record: csv::StringRecord::new(),
            delimiter,
            columns: Vec::new(),
            count: 0,
        };
        if !rows.read(findings)? {
            let expected = format!(
                "a header with the columns {} and any of {}",
                in_words(rules.needed),
                rules.known.join(", ")
            );
            let found = format!("an empty {}", rules.what);
            findings.error(&whole(source), "bad_csv", found, expected);
            return None;
        }
        rows.columns = rows.header(findings)?;
        Some(rows)
    }

    /// The columns that the header names.
    pub(crate) fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// The next row; its cells that are not empty are the entries.
    pub(crate) fn next(&mut self, findings: &mut Findings) -> Option<RawTable> {
        while self.read(findings)? {
            self.count += 1;
            let row = self.row();
            if self.count > Limits::DEFAULT.csv_rows_max {
                let expected = format!("at most {} rows", Limits::DEFAULT.csv_rows_max);
                findings.error(&row.place(0), "too_large", "more rows than the limit", expected);
                return None;
            }
            if self.record.len() > self.columns.len() {
                let found = format!("{} cells", self.record.len());
                let expected = format!("{}, one for each column of the header", self.columns.len());
                findings.error(&row.place(self.columns.len()), "bad_csv", found, expected);
                continue;
            }
            return Some(row.table(self.rules, &self.columns, &self.record));
        }
        None
    }

    /// Reads one record; false at the end of the file, `None` when the rest cannot be read.
    fn read(&mut self, findings: &mut Findings) -> Option<bool> {
        match self.reader.read_record(&mut self.record) {
            Ok(is_there) => Some(is_there),
            Err(error) => {
                let found = format!("not readable as CSV: {error}");
                findings.error(&whole(self.source), "bad_csv", found, "rows of cells between commas");
                None
            }
        }
    }

    fn row(&self) -> Row<'a> {
        let position = self.record.position();
        let start = position.map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
        Row {
            source: self.source,
            start,
            delimiter: self.delimiter,
        }
    }

    fn header(&self, findings: &mut Findings) -> Option<Vec<&'static str>> {
        let Columns { known, needed, .. } = self.rules;
        let row = self.row();
        if self.record.len() > known.len() {
            let found = format!("{} columns", self.record.len());
            let expected = format!("at most {}: {}", known.len(), known.join(", "));
            findings.error(&row.place(0), "bad_csv", found, expected);
            return None;
        }
        let mut columns = Vec::with_capacity(self.record.len());
        let mut is_sound = true;
        for (index, cell) in self.record.iter().enumerate() {
            let cell = cell.trim().trim_start_matches('\u{feff}');
            match known.iter().find(|key| **key == cell) {
                Some(key) if columns.contains(key) => {
                    let found = format!("the column `{key}` stands twice");
                    findings.error(&row.place(index), "bad_csv", found, "each column once");
                    is_sound = false;
                }
                Some(key) => columns.push(*key),
                None => {
                    let found = format!("unknown column `{}`", shortened(cell));
                    let expected = format!("one of {}", known.join(", "));
                    let finding = findings.error(&row.place(index), "unknown_key", found, expected);
                    if let Some(near) = nearest(cell, known.iter().copied()) {
                        finding.help(format!("did you mean `{near}`?"));
                    }
                    is_sound = false;
                }
            }
        }
        for missing in needed.iter().filter(|needed| !columns.contains(*needed)) {
            if is_sound {
                let found = format!("the column `{missing}` is missing");
                let expected = format!("the columns {} in the first row", in_words(needed));
                findings.error(&row.place(0), "missing_key", found, expected);
                is_sound = false;
            }
        }
        is_sound.then_some(columns)
    }
}

/// `a, b and c`.
fn in_words(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// Spreadsheets of half of the world write semicolons; the header tells which.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    if header.contains(';') && !header.contains(',') {
        b';'
    } else {
        b','
    }
}

fn whole(source: &SourceText) -> Place {
    Place {
        source: source.clone(),
        span: 0..0,
    }
}

/// Would a spreadsheet take this cell for a formula when somebody opens the file?
pub(crate) fn looks_like_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err()
}

/// Writes one row. A cell stands in quotes where its text could be read otherwise, and nothing of its text changes.
pub(crate) fn put_row<'a>(out: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let is_plain = !cell.contains([',', ';', '"', '\n', '\r', '\t'])
            && !cell.starts_with(['=', '+', '-', '@', '\u{feff}'])
            && cell.trim() == cell;
        if is_plain {
            out.push_str(cell);
        } else {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        }
    }
    out.push('\n');
}

/// One row of a file.
struct Row<'a> {
    source: &'a SourceText,
    start: usize,
    delimiter: u8,
}

impl Row<'_> {
    /// The cells that are not empty, as keys of a section.
    fn table(&self, rules: &Columns, columns: &[&'static str], record: &csv::StringRecord) -> RawTable {
        let cells = columns.iter().zip(record.iter()).zip(self.cells());
        let entries = cells
            .filter(|((_, cell), _)| !cell.is_empty())
            .map(|((column, cell), span)| {
                let cell = if rules.exact.contains(column) {
                    cell
                } else {
                    cell.trim()
                };
                RawEntry {
                    key: (*column).to_owned(),
                    key_span: span.clone(),
                    value: RawValue::Plain(cell.to_owned()),
                    value_span: span,
                }
            });
        RawTable {
            entries: entries.collect(),
            span: self.cells().next().unwrap_or(self.start..self.start),
        }
    }

    fn place(&self, index: usize) -> Place {
        let span = self.cells().nth(index).unwrap_or(self.start..self.start);
        Place {
            source: self.source.clone(),
            span,
        }
    }

    /// The bytes of each cell in the file, with its quotes. The CSV reader gives the cells without their places.
    fn cells(&self) -> impl Iterator<Item = Range<usize>> {
        let bytes = self.source.text.as_bytes();
        let mut next = Some(self.start.min(bytes.len()));
        // The reader places a row at the end of the line before it, or at a byte order mark.
        while let Some(at) = next.filter(|at| matches!(bytes.get(*at), Some(b'\r' | b'\n'))) {
            next = Some(at + 1);
        }
        let delimiter = self.delimiter;
        std::iter::from_fn(move || {
            let start = next?;
            let mut is_quoted = false;
            let mut end = start;
            while let Some(byte) = bytes.get(end) {
                match byte {
                    b'"' => is_quoted = !is_quoted,
                    byte if !is_quoted && *byte == delimiter => break,
                    b'\r' | b'\n' if !is_quoted => break,
                    _ => {}
                }
                end += 1;
            }
            next = (bytes.get(end) == Some(&delimiter)).then_some(end + 1);
            Some(start..end)
        })
    }
}
