//! A program as a document: rungs, branches, instructions, operands as they were written.
//!
//! Files and texts are read into these types, and written from them. A document may be wrong: what an operand means is decided
//! when it is compiled ([`crate::compile`]), so that all problems are told at once. Positions in the file are optional.

use std::collections::HashMap;

use crate::address::{Address, Symbol};
use crate::instruction::{DecoratorKind, InstructionKind};

/// How deep branches may stand in each other. Readers refuse a deeper document, and so does the compiler.
pub const MAX_BRANCH_DEPTH: usize = 32;

/// A program: what one PLC executes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// Its name, may be empty.
    pub name: String,
    /// The names of addresses. Each name stands once.
    pub symbols: Vec<SymbolEntry>,
    /// The rungs, executed in this order.
    pub rungs: Vec<Rung>,
}

impl Program {
    /// The address of a symbol. The first entry counts.
    pub fn symbol(&self, name: &Symbol) -> Option<Address> {
        self.symbols
            .iter()
            .find(|entry| entry.name == *name)
            .map(|entry| entry.address)
    }

    /// All symbols, for whoever asks for many. The first entry of a name counts.
    pub fn symbol_map(&self) -> SymbolMap<'_> {
        let mut map = SymbolMap::with_capacity(self.symbols.len());
        for entry in &self.symbols {
            map.entry(&entry.name).or_insert(entry.address);
        }
        map
    }

    /// All instructions in the order of execution, with the numbers of their rungs.
    pub fn instructions(&self) -> impl Iterator<Item = (usize, &Instruction)> {
        let rungs = self.rungs.iter().enumerate();
        rungs.flat_map(|(number, rung)| {
            let mut found = Vec::new();
            collect(&rung.elements, &mut found);
            found.into_iter().map(move |instruction| (number, instruction))
        })
    }

    /// Forgets where everything stood in its file: two readings of the same logic are equal then.
    pub fn without_places(mut self) -> Program {
        for entry in &mut self.symbols {
            entry.place = None;
        }
        for rung in &mut self.rungs {
            rung.place = None;
            visit_mut(&mut rung.elements, &mut |element| match element {
                Element::Branch(branch) => branch.place = None,
                Element::Instruction(instruction) => {
                    instruction.place = None;
                    instruction.operands.iter_mut().for_each(|operand| operand.place = None);
                    for decorator in &mut instruction.decorators {
                        decorator.place = None;
                        decorator.operands.iter_mut().for_each(|operand| operand.place = None);
                    }
                }
            });
        }
        self
    }
}

pub(crate) fn collect<'a>(elements: &'a [Element], found: &mut Vec<&'a Instruction>) {
    for element in elements {
        match element {
            Element::Instruction(instruction) => found.push(instruction),
            Element::Branch(branch) => branch.paths.iter().for_each(|path| collect(path, found)),
        }
    }
}

/// Addresses by their symbols.
pub type SymbolMap<'a> = HashMap<&'a Symbol, Address>;

/// Calls `visit` for every element, a branch before what stands in it.
pub(crate) fn visit_mut(elements: &mut [Element], visit: &mut impl FnMut(&mut Element)) {
    for element in elements {
        visit(element);
        if let Element::Branch(branch) = element {
            for path in &mut branch.paths {
                visit_mut(path, visit);
            }
        }
    }
}

/// A name for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolEntry {
    /// The name.
    pub name: Symbol,
    /// What it stands for.
    pub address: Address,
    /// The type as the file says it, such as `BOOL` or `DINT`; it decides nothing.
    pub data_type: String,
    /// What the signal is, for people.
    pub description: String,
    /// Where it stands in its file.
    pub place: Option<Position>,
}

/// A line of logic between the two power rails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rung {
    /// Its heading, may be empty.
    pub title: String,
    /// What it is for, may be empty.
    pub comment: String,
    /// What stands in it, from left to right.
    pub elements: Vec<Element>,
    /// Where it stands in its file.
    pub place: Option<Position>,
}

/// What stands in a rung or in a path of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    /// One instruction.
    Instruction(Instruction),
    /// Paths beside each other.
    Branch(Branch),
}

/// Paths beside each other: all are executed in every scan with the power from the left; power leaves when it leaves any of
/// them (PL-50).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Branch {
    /// The paths from top to bottom. An empty path conducts; a branch without paths does too.
    pub paths: Vec<Vec<Element>>,
    /// Where it stands in its file.
    pub place: Option<Position>,
}

/// An instruction with its operands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub kind: InstructionKind,
    /// As many operands as [`InstructionKind::operands`] names, in that order; a missing one is [`OperandValue::Missing`].
    pub operands: Vec<Operand>,
    /// What changes the result of a contact, in the order of execution. Other instructions have none.
    pub decorators: Vec<Decorator>,
    /// Where an editor draws it; document order executes, a fault names it (PL-50, PL-35). A text form has no columns: there it
    /// is the number of the instruction within its rung.
    pub column: u32,
    /// Where it stands in its file.
    pub place: Option<Position>,
}

impl Instruction {
    /// An instruction without decorators, in column 0.
    pub fn new(kind: InstructionKind, operands: Vec<Operand>) -> Instruction {
        Instruction {
            kind,
            operands,
            decorators: Vec::new(),
            column: 0,
            place: None,
        }
    }
}

/// What follows a contact and replaces its result (PL-64).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decorator {
    /// What it does.
    pub kind: DecoratorKind,
    /// As many operands as [`DecoratorKind::operands`] names, in that order. A missing slot is assigned by
    /// [`assign_slots`](crate::slots::assign_slots).
    pub operands: Vec<Operand>,
    /// Where it stands in its file.
    pub place: Option<Position>,
}

/// An operand as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operand {
    /// What was written.
    pub value: OperandValue,
    /// Where it stands in its file.
    pub place: Option<Position>,
}

impl Operand {
    /// Reads what stands in an attribute or a text, without a position.
    pub fn parse(text: &str) -> Operand {
        Operand::from(OperandValue::parse(text))
    }
}

impl Operand {
    /// The address that it means, through the symbols; `None` when it means none.
    pub fn address(&self, symbols: &SymbolMap<'_>) -> Option<Address> {
        match &self.value {
            OperandValue::Address(address) => Some(*address),
            OperandValue::Symbol(name) => symbols.get(name).copied(),
            _ => None,
        }
    }
}

impl From<OperandValue> for Operand {
    fn from(value: OperandValue) -> Operand {
        Operand { value, place: None }
    }
}

/// What an operand says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperandValue {
    /// Nothing was written.
    Missing,
    /// A number.
    Number(i32),
    /// A place in the data table.
    Address(Address),
    /// A name, known or not.
    Symbol(Symbol),
    /// None of these: an address that does not exist, a number that is too large, anything. Compiling says what is wrong.
    Unreadable(String),
}

impl OperandValue {
    /// Reads an operand. Empty text is [`OperandValue::Missing`]; nothing fails.
    pub fn parse(text: &str) -> OperandValue {
        if text.is_empty() {
            return OperandValue::Missing;
        }
        if let Ok(address) = Address::parse(text) {
            return OperandValue::Address(address);
        }
        if let Some(name) = Symbol::new(text) {
            return OperandValue::Symbol(name);
        }
        match text.parse() {
            Ok(number) => OperandValue::Number(number),
            Err(_) => OperandValue::Unreadable(text.to_owned()),
        }
    }
}

/// A place in a text or a file. Both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The character within the line.
    pub column: u32,
}
