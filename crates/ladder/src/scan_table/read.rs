//! Text becomes cases.

use super::{Action, Case, Expected, Given, Problem, Step};
use crate::address::Address;
use crate::compile::CompiledProgram;
use crate::controller::Command;
use crate::data_table::{CellValue, Place};
use crate::diagnostic::Diagnostic;
use crate::program::{OperandValue, Program, SymbolEntry};
use crate::project::read_project;
use crate::text;

/// Problems that are told.
const MAX_PROBLEMS: usize = 100;
/// The longest time of a row in milliseconds: an hour.
const MAX_TIME_MS: u32 = 3_600_000;
const MICROS_PER_MILLI: u32 = 1000;
/// Digits behind the point of a time.
const TIME_DIGITS: usize = 3;

/// Reads the cases of a file whose programs all stand in it.
///
/// # Errors
///
/// What is wrong with its form, and with its programs.
pub fn read(source: &str) -> Result<Vec<Case>, Vec<Problem>> {
    let mut nothing = |_: &str| Err("a table without a folder has no files beside it".to_owned());
    read_beside(source, &mut nothing)
}

/// Reads the cases of a file that may name project files beside it. `load` gives the text of one, or says why it cannot; it
/// gets a plain file name.
///
/// # Errors
///
/// What is wrong with its form, and with its programs.
pub fn read_beside(source: &str, load: Load<'_>) -> Result<Vec<Case>, Vec<Problem>> {
    let mut reader = Reader {
        load,
        cases: Vec::new(),
        current: None,
        problems: Vec::new(),
    };
    for (number, line) in source.lines().enumerate() {
        let number = number as u32 + 1;
        if let Err(text) = reader.line(number, line) {
            reader.problem(number, text);
        }
    }
    reader.end_case();
    if reader.problems.is_empty() {
        Ok(reader.cases)
    } else {
        Err(reader.problems)
    }
}

/// Gives the text of the project file of this name, or says why it cannot.
pub type Load<'a> = &'a mut dyn FnMut(&str) -> Result<String, String>;

/// A case while it is read.
struct Draft {
    name: String,
    line: u32,
    /// The project file that it names, and the line that does.
    file: Option<(u32, String)>,
    /// The lines of the program, each at its own line of the file, so that places in complaints are right.
    program: String,
    program_lines: u32,
    headings: Option<Headings>,
    /// Headings that are no addresses but may be symbols, with their lines.
    symbols: Vec<(u32, String)>,
    steps: Vec<Step>,
}

/// What is wrong with headings.
struct WrongHeading {
    text: String,
    /// The heading, where it may be a symbol of the program.
    symbol: Option<String>,
}

impl From<String> for WrongHeading {
    fn from(text: String) -> WrongHeading {
        WrongHeading { text, symbol: None }
    }
}

#[derive(Clone)]
struct Headings {
    given: Vec<Heading>,
    expected: Vec<Heading>,
}

#[derive(Clone, Copy)]
enum Heading {
    Place(Address),
    Force(Address),
    State,
}

struct Reader<'a> {
    load: Load<'a>,
    cases: Vec<Case>,
    current: Option<Draft>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, line: u32, text: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem { line, text });
        }
    }

    fn line(&mut self, number: u32, line: &str) -> Result<(), String> {
        let trimmed = line.trim();
        let (first, rest) = trimmed.split_once(char::is_whitespace).unwrap_or((trimmed, ""));
        if first.is_empty() || first.starts_with('#') {
            return Ok(());
        }
        if first == "case" {
            self.end_case();
            self.current = Some(Draft {
                name: rest.trim().to_owned(),
                line: number,
                file: None,
                program: String::new(),
                program_lines: 0,
                headings: None,
                symbols: Vec::new(),
                steps: Vec::new(),
            });
            return Ok(());
        }
        let Some(draft) = &mut self.current else {
            return Err(format!("expected `case` first, got `{first}`"));
        };
        let action = match first {
            "SOR" | "SYM" | "RUNG" | "PROGRAM" => {
                let skipped = (number - 1).saturating_sub(draft.program_lines);
                draft.program.extend((0..skipped).map(|_| '\n'));
                draft.program.push_str(line);
                draft.program.push('\n');
                draft.program_lines = number;
                return Ok(());
            }
            "program" => {
                draft.file = Some((number, file_name(rest.trim())?));
                return Ok(());
            }
            "columns" => {
                let taken = headings(rest);
                if let Err(wrong) = &taken {
                    draft
                        .symbols
                        .extend(wrong.symbol.clone().map(|symbol| (number, symbol)));
                }
                draft.headings = Some(taken.map_err(|wrong| wrong.text)?);
                return Ok(());
            }
            "do" => Action::Command(command(rest.trim())?),
            "fault" => Action::Fault(rest.trim().to_owned()),
            _ => row(
                trimmed,
                draft
                    .headings
                    .as_ref()
                    .ok_or("expected `columns` before the first row")?,
            )?,
        };
        draft.steps.push(Step { line: number, action });
        Ok(())
    }

    fn end_case(&mut self) {
        let Some(draft) = self.current.take() else { return };
        let compiled = match &draft.file {
            Some((line, name)) => self.compile_file(*line, name, &draft),
            None => compile_text(&draft),
        };
        match compiled {
            Ok((program, symbols)) => {
                self.name_addresses(&draft, &symbols);
                self.cases.push(Case {
                    name: draft.name,
                    line: draft.line,
                    program,
                    steps: draft.steps,
                });
            }
            Err(problems) => {
                for Problem { line, text } in problems {
                    self.problem(line, text);
                }
            }
        }
    }

    /// Headings that turn out to be symbols are told with the address that is to be written.
    fn name_addresses(&mut self, draft: &Draft, symbols: &[SymbolEntry]) {
        for (line, symbol) in &draft.symbols {
            let mut entries = symbols.iter();
            let entry = entries.find(|entry| entry.name.as_str().eq_ignore_ascii_case(symbol));
            let told = format!("heading `{symbol}`:");
            let mut problems = self.problems.iter_mut();
            let problem = problems.find(|problem| problem.line == *line && problem.text.starts_with(&told));
            if let (Some(entry), Some(problem)) = (entry, problem) {
                problem.text = format!(
                    "{told} symbols are not taken here; write its address, {}",
                    entry.address
                );
            }
        }
    }

    fn compile_file(&mut self, line: u32, name: &str, draft: &Draft) -> Result<Compiled, Vec<Problem>> {
        let told = |text: String| Problem {
            line,
            text: format!("{name}: {text}"),
        };
        if !draft.program.is_empty() {
            return Err(vec![told(
                "expected either a project file or a program, got both".to_owned(),
            )]);
        }
        let source = (self.load)(name).map_err(|text| vec![told(text)])?;
        let compiled = read_project(&source).and_then(|project| with_symbols(&project.program));
        compiled.map_err(|problems| problems.iter().map(|problem| told(problem.to_string())).collect())
    }
}

/// A program that runs, with its symbols.
type Compiled = (CompiledProgram, Vec<SymbolEntry>);

fn with_symbols(program: &Program) -> Result<Compiled, Vec<Diagnostic>> {
    CompiledProgram::new(program).map(|compiled| (compiled, program.symbols.clone()))
}

fn compile_text(draft: &Draft) -> Result<Compiled, Vec<Problem>> {
    let compiled = text::read(&draft.program).and_then(|program| with_symbols(&program));
    compiled.map_err(|problems| {
        let told = problems.into_iter().map(|problem| Problem {
            line: problem.place.map_or(draft.line, |place| place.line),
            text: problem.to_string(),
        });
        told.collect()
    })
}

/// A file beside the table: a plain name, so that a table cannot name any other.
fn file_name(name: &str) -> Result<String, String> {
    match name.ends_with(".plcproj") && !name.starts_with('.') && !name.contains(['/', '\\', ':']) {
        true => Ok(name.to_owned()),
        false => Err(format!(
            "expected the name of a .plcproj file beside the table, got `{name}`"
        )),
    }
}

fn command(name: &str) -> Result<Command, String> {
    Ok(match name {
        "start" => Command::Start,
        "stop" => Command::Stop,
        "pause" => Command::Pause,
        "resume" => Command::Resume,
        "step-scan" => Command::StepScan,
        "step-rung" => Command::StepRung,
        "reset" => Command::Reset,
        _ => {
            return Err(format!(
                "expected start, stop, pause, resume, step-scan, step-rung or reset, got `{name}`"
            ));
        }
    })
}

fn halves(line: &str) -> Result<(&str, &str), String> {
    line.split_once('|')
        .ok_or_else(|| "expected `|` between what goes in and what comes out".to_owned())
}

fn headings(rest: &str) -> Result<Headings, WrongHeading> {
    let (given, expected) = halves(rest)?;
    let mut given = given.split_whitespace();
    if given.next() != Some("ms") {
        return Err("expected `ms` as the first heading".to_owned().into());
    }
    let place = |text: &str| match Address::parse(text) {
        Ok(address) if Place::of(address).is_some() => Ok(address),
        Ok(address) => Err(format!("expected a member such as `{address}.ACC`, got `{address}`").into()),
        Err(_) if is_symbol(text) => Err(WrongHeading {
            text: format!("heading `{text}`: symbols are not taken here, only addresses such as I:0/1"),
            symbol: Some(text.to_owned()),
        }),
        Err(error) => Err(format!("heading `{text}`: {error}").into()),
    };
    let given = given.map(|text| match text.strip_prefix('!') {
        Some(text) => place(text).map(Heading::Force),
        None => place(text).map(Heading::Place),
    });
    let expected = expected.split_whitespace().map(|text| match text {
        "state" => Ok(Heading::State),
        text => place(text).map(Heading::Place),
    });
    Ok(Headings {
        given: given.collect::<Result<_, WrongHeading>>()?,
        expected: expected.collect::<Result<_, WrongHeading>>()?,
    })
}

/// It looks like a symbol.
fn is_symbol(text: &str) -> bool {
    text.starts_with(|sign: char| sign.is_alphabetic())
        && text.chars().all(|sign| sign.is_alphanumeric() || sign == '_')
}

fn row(line: &str, headings: &Headings) -> Result<Action, String> {
    let line = line.split_once('#').map_or(line, |(cells, _)| cells);
    let (left, right) = halves(line)?;
    let left: Vec<_> = left.split_whitespace().collect();
    let right: Vec<_> = right.split_whitespace().collect();
    let Some((time, left)) = left.split_first() else {
        return Err("expected a time in milliseconds".to_owned());
    };
    if (left.len(), right.len()) != (headings.given.len(), headings.expected.len()) {
        return Err(format!(
            "expected {} values before and {} behind the bar, got {} and {}",
            headings.given.len() + 1,
            headings.expected.len(),
            left.len() + 1,
            right.len()
        ));
    }
    let dt_us = if *time == "." { None } else { Some(time_us(time)?) };
    let mut given = Vec::new();
    for (heading, cell) in headings.given.iter().zip(left) {
        match (*heading, *cell) {
            (_, ".") => {}
            (Heading::Force(address), "-") => given.push(Given::Release(address)),
            (Heading::Force(address), cell) => given.push(Given::Force(address, value(address, cell)?)),
            (Heading::Place(address), cell) => given.push(Given::Write(address, value(address, cell)?)),
            (Heading::State, _) => {}
        }
    }
    let mut expected = Vec::new();
    for (heading, cell) in headings.expected.iter().zip(right) {
        match (*heading, cell) {
            (_, ".") => {}
            (Heading::State, state) => expected.push(Expected::State(state.to_owned())),
            (Heading::Place(address) | Heading::Force(address), cell) => {
                expected.push(Expected::Value(address, value(address, cell)?));
            }
        }
    }
    Ok(Action::Row { given, dt_us, expected })
}

/// Reads a time in milliseconds with up to three digits behind the point.
fn time_us(text: &str) -> Result<u32, String> {
    let wrong = || format!("expected a time in milliseconds such as 10 or 0.4, up to {MAX_TIME_MS}, got `{text}`");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let whole: u32 = whole.parse().map_err(|_| wrong())?;
    if whole > MAX_TIME_MS || part.len() > TIME_DIGITS || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let part: u32 = format!("{part:0<TIME_DIGITS$}").parse().map_err(|_| wrong())?;
    Ok(whole * MICROS_PER_MILLI + part)
}

/// Reads a value as the place wants it: 0 or 1 for a bit, a number for a word.
fn value(address: Address, cell: &str) -> Result<CellValue, String> {
    let OperandValue::Number(number) = OperandValue::parse(cell) else {
        return Err(format!("expected a number for {address}, got `{cell}`"));
    };
    match (Place::of(address), number) {
        (Some(Place::Bit(..)), 0 | 1) => Ok(CellValue::Bit(number == 1)),
        (Some(Place::Bit(..)), _) => Err(format!("expected 0 or 1 for {address}, got {number}")),
        _ => Ok(CellValue::Word(number)),
    }
}
