//! Text becomes a document.

use super::{BRANCH_END, BRANCH_START, MISSING, NEXT_PATH, PROGRAM, RUNG_END, RUNG_START, RUNG_TEXTS, SYMBOL};
use crate::address::{Address, Symbol};
use crate::diagnostic::{Diagnostic, DiagnosticCode};
use crate::instruction::{DecoratorKind, InstructionKind, OperandSpec};
use crate::program::{
    Branch, Decorator, Element, Instruction, MAX_BRANCH_DEPTH, Operand, OperandValue, Position, Program, Rung,
    SymbolEntry,
};

/// Problems that are told; a text with more is no program.
const MAX_PROBLEMS: usize = 1000;
/// How much of an unexpected word a complaint repeats.
const SHOWN_CHARS: usize = 32;

/// Reads a program.
///
/// # Errors
///
/// What is wrong with its form, one problem per line at most. Operands are not looked at: compiling does that.
pub fn read(text: &str) -> Result<Program, Vec<Diagnostic>> {
    let mut program = Program::default();
    let mut texts = None;
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut words = Words {
            line,
            at: 0,
            number: number as u32 + 1,
            characters: 0,
            counted: 0,
        };
        let rungs = program.rungs.len();
        if let Err(problem) = read_line(&mut words, &mut program, &mut texts) {
            let rung = line.trim_start().starts_with(RUNG_START).then_some(rungs as u32);
            problems.push(Diagnostic {
                code: DiagnosticCode::BadDocument,
                rung,
                column: None,
                place: Some(problem.place),
                text: problem.text,
            });
            if problems.len() >= MAX_PROBLEMS {
                break;
            }
        }
    }
    if problems.is_empty() {
        Ok(program)
    } else {
        Err(problems)
    }
}

/// Reads an operand as it stands in a rung: `?`, a number, an address or a symbol.
pub fn operand(word: &str) -> OperandValue {
    if word == MISSING {
        OperandValue::Missing
    } else {
        OperandValue::parse(word)
    }
}

/// What is wrong with a line.
struct Problem {
    place: Position,
    text: String,
}

fn read_line(
    words: &mut Words<'_>,
    program: &mut Program,
    texts: &mut Option<(String, String)>,
) -> Result<(), Problem> {
    let Some(first) = words.next()? else { return Ok(()) };
    match first.text.as_str() {
        comment if comment.starts_with('#') && !first.is_quoted => return Ok(()),
        RUNG_START => {
            let elements = Elements { words, count: 0 }.path(0, &[RUNG_END])?.0;
            let (title, comment) = texts.take().unwrap_or_default();
            program.rungs.push(Rung {
                title,
                comment,
                elements,
                place: Some(first.place),
            });
        }
        RUNG_TEXTS => {
            let title = words.expect("a title in quotes")?.text;
            let comment = words.next()?.map(|word| word.text).unwrap_or_default();
            *texts = Some((title, comment));
        }
        SYMBOL => program.symbols.push(read_symbol(words, first.place)?),
        PROGRAM => program.name = words.expect("a name in quotes")?.text,
        _ => return Err(first.problem("SOR, RUNG, SYM, PROGRAM or #")),
    }
    match words.next()? {
        None => Ok(()),
        Some(word) if word.text.starts_with('#') && !word.is_quoted => Ok(()),
        Some(word) => Err(word.problem("the end of the line")),
    }
}

fn read_symbol(words: &mut Words<'_>, place: Position) -> Result<SymbolEntry, Problem> {
    let name = words.expect("a name")?;
    let Some(symbol) = Symbol::new(&name.text) else {
        return Err(name.problem("a name of letters, digits and `_`"));
    };
    let address = words.expect("an address")?;
    let address = match Address::parse(&address.text) {
        Ok(address) => address,
        Err(error) => {
            return Err(Problem {
                place: address.place,
                text: error.to_string(),
            });
        }
    };
    let data_type = words.next()?.map(|word| word.text).unwrap_or_default();
    let description = words.next()?.map(|word| word.text).unwrap_or_default();
    Ok(SymbolEntry {
        name: symbol,
        address,
        data_type,
        description,
        place: Some(place),
    })
}

/// Reads what stands in a rung.
struct Elements<'a, 'b> {
    words: &'a mut Words<'b>,
    /// Instructions so far.
    count: u32,
}

impl Elements<'_, '_> {
    /// Reads up to one of the words that may end a path, and says which did.
    fn path(&mut self, depth: usize, ends: &[&'static str]) -> Result<(Vec<Element>, &'static str), Problem> {
        let mut elements = Vec::new();
        loop {
            let word = self.words.expect(&format!("an instruction or {}", ends.join(" or ")))?;
            if let Some(end) = ends.iter().find(|end| **end == word.text && !word.is_quoted) {
                return Ok((elements, end));
            }
            if word.text == BRANCH_START {
                elements.push(Element::Branch(self.branch(depth, word.place)?));
            } else if word.text == "{" {
                self.decorator(&word, elements.last_mut())?;
            } else {
                elements.push(Element::Instruction(self.instruction(&word)?));
            }
        }
    }

    fn branch(&mut self, depth: usize, place: Position) -> Result<Branch, Problem> {
        if depth >= MAX_BRANCH_DEPTH {
            let text = format!("expected at most {MAX_BRANCH_DEPTH} branches in each other");
            return Err(Problem { place, text });
        }
        let mut paths = Vec::new();
        loop {
            let (path, end) = self.path(depth + 1, &[NEXT_PATH, BRANCH_END])?;
            paths.push(path);
            if end == BRANCH_END {
                return Ok(Branch {
                    paths,
                    place: Some(place),
                });
            }
        }
    }

    fn instruction(&mut self, word: &Word) -> Result<Instruction, Problem> {
        let kind = InstructionKind::parse(&word.text).map_err(|error| Problem {
            place: word.place,
            text: error.to_string(),
        })?;
        let operands = self.operands(kind.operands())?;
        let column = self.count;
        self.count += 1;
        Ok(Instruction {
            kind,
            operands,
            decorators: Vec::new(),
            column,
            place: Some(word.place),
        })
    }

    fn decorator(&mut self, brace: &Word, before: Option<&mut Element>) -> Result<(), Problem> {
        let Some(Element::Instruction(instruction)) = before else {
            return Err(brace.problem("a contact before a decorator"));
        };
        let name = self.words.expect("the name of a decorator")?;
        let Some(kind) = DecoratorKind::parse(&name.text) else {
            return Err(name.problem("a decorator: TON, TOF, OSR, OSF, DEBOUNCE or COUNTER"));
        };
        let operands = self.operands(kind.operands())?;
        let end = self.words.expect("`}`")?;
        if end.text != "}" {
            return Err(end.problem("`}`"));
        }
        instruction.decorators.push(Decorator {
            kind,
            operands,
            place: Some(brace.place),
        });
        Ok(())
    }

    fn operands(&mut self, specs: &[OperandSpec]) -> Result<Vec<Operand>, Problem> {
        let mut operands = Vec::with_capacity(specs.len());
        for spec in specs {
            let expected = format!("`{}` or `?`", spec.name);
            let word = self.words.expect(&expected)?;
            if !word.is_quoted && (matches!(word.text.as_str(), "{" | "}") || word.text == RUNG_END) {
                return Err(word.problem(&expected));
            }
            let value = if word.is_quoted {
                OperandValue::parse(&word.text)
            } else {
                operand(&word.text)
            };
            operands.push(Operand {
                value,
                place: Some(word.place),
            });
        }
        Ok(operands)
    }
}

/// The words of a line.
struct Words<'a> {
    line: &'a str,
    at: usize,
    number: u32,
    /// How many characters lie before the byte `counted`, so that a long line is counted once.
    characters: u32,
    counted: usize,
}

/// A word, or a text in quotes.
struct Word {
    text: String,
    is_quoted: bool,
    place: Position,
}

impl Word {
    fn problem(&self, expected: &str) -> Problem {
        let got: String = self.text.chars().take(SHOWN_CHARS).collect();
        Problem {
            place: self.place,
            text: format!("expected {expected}, got `{got}`"),
        }
    }
}

impl Words<'_> {
    fn place(&mut self) -> Position {
        self.characters += self.line[self.counted..self.at].chars().count() as u32;
        self.counted = self.at;
        Position {
            line: self.number,
            column: self.characters + 1,
        }
    }

    fn expect(&mut self, expected: &str) -> Result<Word, Problem> {
        let place = self.place();
        self.next()?.ok_or_else(|| Problem {
            place,
            text: format!("expected {expected}, got the end of the line"),
        })
    }

    fn next(&mut self) -> Result<Option<Word>, Problem> {
        let rest = &self.line[self.at..];
        let blank = rest.len() - rest.trim_start().len();
        self.at += blank;
        let rest = &self.line[self.at..];
        let place = self.place();
        let Some(first) = rest.chars().next() else {
            return Ok(None);
        };
        if first == '"' {
            return self.quoted(place).map(Some);
        }
        let is_end = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | '"');
        let length = match first {
            '{' | '}' => 1,
            // A remark reaches to the end of the line.
            '#' => rest.len(),
            _ => rest.find(is_end).unwrap_or(rest.len()),
        };
        self.at += length;
        Ok(Some(Word {
            text: rest[..length].to_owned(),
            is_quoted: false,
            place,
        }))
    }

    fn quoted(&mut self, place: Position) -> Result<Word, Problem> {
        let mut text = String::new();
        let mut chars = self.line[self.at..].char_indices().skip(1);
        while let Some((offset, c)) = chars.next() {
            let c = match c {
                '"' => {
                    self.at += offset + 1;
                    return Ok(Word {
                        text,
                        is_quoted: true,
                        place,
                    });
                }
                '\\' => match chars.next().map(|(_, escaped)| escaped) {
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some('t') => '\t',
                    Some(escaped @ ('"' | '\\')) => escaped,
                    _ => {
                        return Err(Problem {
                            place,
                            text: "expected \\\", \\\\, \\n, \\r or \\t after `\\`".to_owned(),
                        });
                    }
                },
                c => c,
            };
            text.push(c);
        }
        self.at = self.line.len();
        Err(Problem {
            place,
            text: "expected `\"` at the end of the text".to_owned(),
        })
    }
}
