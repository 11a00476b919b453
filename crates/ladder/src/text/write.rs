//! A document becomes text.

use std::fmt::Write;

use super::{BRANCH_END, BRANCH_START, MISSING, NEXT_PATH, PROGRAM, RUNG_END, RUNG_START, RUNG_TEXTS, SYMBOL};
use crate::program::{Element, Operand, OperandValue, Program, Rung};

/// The text of a program. [`read`](super::read) gives the same logic back.
pub fn write(program: &Program) -> String {
    let mut text = String::new();
    if !program.name.is_empty() {
        add(&mut text, PROGRAM);
        add_quoted(&mut text, &program.name);
        text.push('\n');
    }
    for entry in &program.symbols {
        // Writing into a String cannot fail.
        let _ = write!(text, "{SYMBOL} {} {}", entry.name, entry.address);
        if !entry.data_type.is_empty() || !entry.description.is_empty() {
            add_token(&mut text, &entry.data_type);
        }
        if !entry.description.is_empty() {
            add_quoted(&mut text, &entry.description);
        }
        text.push('\n');
    }
    for line in &program.rungs {
        if !line.title.is_empty() || !line.comment.is_empty() {
            add(&mut text, RUNG_TEXTS);
            add_quoted(&mut text, &line.title);
            if !line.comment.is_empty() {
                add_quoted(&mut text, &line.comment);
            }
            text.push('\n');
        }
        text.push_str(&rung(line));
        text.push('\n');
    }
    text
}

/// The logic of one rung, from `SOR` to `EOR`, without its title and comment.
pub fn rung(rung: &Rung) -> String {
    let mut text = RUNG_START.to_owned();
    add_elements(&mut text, &rung.elements);
    add(&mut text, RUNG_END);
    text
}

fn add_elements(text: &mut String, elements: &[Element]) {
    for element in elements {
        match element {
            Element::Instruction(instruction) => {
                add(text, instruction.kind.mnemonic());
                add_operands(text, &instruction.operands);
                for decorator in &instruction.decorators {
                    add(text, "{");
                    text.push_str(decorator.kind.name());
                    add_operands(text, &decorator.operands);
                    text.push('}');
                }
            }
            Element::Branch(branch) => {
                add(text, BRANCH_START);
                for (at, path) in branch.paths.iter().enumerate() {
                    if at > 0 {
                        add(text, NEXT_PATH);
                    }
                    add_elements(text, path);
                }
                add(text, BRANCH_END);
            }
        }
    }
}

fn add_operands(text: &mut String, operands: &[Operand]) {
    for operand in operands {
        match &operand.value {
            OperandValue::Missing => add(text, MISSING),
            OperandValue::Number(number) => add(text, &number.to_string()),
            OperandValue::Address(address) => add(text, &address.to_string()),
            OperandValue::Symbol(symbol) => add(text, symbol.as_str()),
            OperandValue::Unreadable(written) => add_token(text, written),
        }
    }
}

/// Adds a word after a space, unless it is the first of its line.
fn add(text: &mut String, word: &str) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push(' ');
    }
    text.push_str(word);
}

/// Adds a text as it is when it can stand without quotes.
fn add_token(text: &mut String, word: &str) {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '{' | '}' | '#');
    match word != MISSING && !word.is_empty() && word.chars().all(is_plain) {
        true => add(text, word),
        false => add_quoted(text, word),
    }
}

fn add_quoted(text: &mut String, word: &str) {
    add(text, "\"");
    for c in word.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c => text.push(c),
        }
    }
    text.push('"');
}
