//! The checks of the original editor (PL-80): what is doubtful in a program that runs all the same.
//!
//! Nothing here refuses a program. What refuses one is found when it is compiled; a missing operand, E005, among it.

use std::collections::HashMap;

use crate::address::Address;
use crate::diagnostic::{Diagnostic, DiagnosticCode};
use crate::instruction::InstructionKind;
use crate::program::{Branch, Element, Instruction, MAX_BRANCH_DEPTH, Position, Program, Rung, SymbolMap};

/// Diagnostics of one program; the first ones are told.
const MAX_DIAGNOSTICS: usize = 1000;

/// Looks through a program; what it finds, in the order of the rungs.
pub fn check(program: &Program) -> Vec<Diagnostic> {
    let symbols = program.symbol_map();
    let slots = slots_in_use(program, &symbols);
    let mut checker = Checker {
        symbols: &symbols,
        found: Vec::new(),
        rung: 0,
    };
    let mut energized = HashMap::new();
    for (number, rung) in program.rungs.iter().enumerate() {
        checker.rung = number as u32;
        checker.rung(rung);
        checker.across_rungs(rung, &mut energized);
        checker.shared_slots(rung, &slots);
    }
    checker.found
}

/// How many instructions and decorators use each timer and counter as their own.
fn slots_in_use(program: &Program, symbols: &SymbolMap<'_>) -> HashMap<Address, usize> {
    let mut slots = HashMap::new();
    for (_, instruction) in program.instructions() {
        if is_timer_or_counter(instruction.kind)
            && let Some(address) = output_of(symbols, instruction)
        {
            *slots.entry(address).or_default() += 1;
        }
        for decorator in &instruction.decorators {
            if let Some(address) = decorator.operands.first().and_then(|slot| slot.address(symbols)) {
                *slots.entry(address).or_default() += 1;
            }
        }
    }
    slots
}

fn is_timer_or_counter(kind: InstructionKind) -> bool {
    use InstructionKind::*;
    matches!(kind, Ton | Tof | Rto | Ctu | Ctd)
}

/// The address that an output writes as its own.
fn output_of(symbols: &SymbolMap<'_>, instruction: &Instruction) -> Option<Address> {
    instruction
        .operands
        .first()
        .and_then(|operand| operand.address(symbols))
}

/// An output with the path to it: which path of which branch, from the outside in.
struct Output<'a> {
    instruction: &'a Instruction,
    address: Option<Address>,
    path: Vec<(usize, usize)>,
}

impl Output<'_> {
    /// Whether the two stand in different paths of the same branch.
    fn excludes(&self, other: &Output<'_>) -> bool {
        let both = self.path.iter().zip(&other.path);
        both.into_iter()
            .any(|((branch, path), (other_branch, other_path))| branch == other_branch && path != other_path)
    }
}

struct Checker<'a> {
    symbols: &'a SymbolMap<'a>,
    found: Vec<Diagnostic>,
    rung: u32,
}

impl<'a> Checker<'a> {
    fn rung(&mut self, rung: &'a Rung) {
        if rung.elements.is_empty() {
            self.tell(
                DiagnosticCode::EmptyRung,
                None,
                rung.place,
                "the rung is empty".to_owned(),
            );
            return;
        }
        let mut walk = Walk {
            outputs: Vec::new(),
            path: Vec::new(),
            branches: 0,
        };
        self.path(&rung.elements, false, &mut walk);
        if walk.outputs.is_empty() {
            self.tell(
                DiagnosticCode::NoOutput,
                None,
                rung.place,
                "the rung has no output: it changes nothing".to_owned(),
            );
        }
        self.repeated(&walk.outputs);
    }

    /// Walks a path; whether what follows it depends on a condition.
    fn path(&mut self, elements: &'a [Element], is_conditional: bool, walk: &mut Walk<'a>) -> bool {
        let mut is_conditional = is_conditional;
        for element in elements {
            match element {
                Element::Instruction(instruction) if instruction.kind.is_condition() => is_conditional = true,
                Element::Instruction(instruction) => {
                    if !is_conditional {
                        let text = format!("{} has no condition before it: it is always on", instruction.kind);
                        let column = Some(instruction.column);
                        self.tell(DiagnosticCode::UnconditionalOutput, column, instruction.place, text);
                    }
                    let address = output_of(self.symbols, instruction);
                    walk.outputs.push(Output {
                        instruction,
                        address,
                        path: walk.path.clone(),
                    });
                }
                Element::Branch(branch) if walk.path.len() < MAX_BRANCH_DEPTH => {
                    is_conditional |= self.branch(branch, is_conditional, walk);
                }
                // Such a document is refused when it is compiled.
                Element::Branch(_) => {}
            }
        }
        is_conditional
    }

    fn branch(&mut self, branch: &'a Branch, is_conditional: bool, walk: &mut Walk<'a>) -> bool {
        if branch.paths.len() < 2 {
            let text = "the branch has a single path".to_owned();
            self.tell(DiagnosticCode::SinglePath, None, branch.place, text);
        }
        let number = walk.branches;
        walk.branches += 1;
        let mut every = !branch.paths.is_empty();
        for (at, path) in branch.paths.iter().enumerate() {
            if path.is_empty() {
                let text = format!("path {} of the branch is empty: it conducts always", at + 1);
                self.tell(DiagnosticCode::EmptyPath, None, branch.place, text);
            }
            walk.path.push((number, at));
            every &= self.path(path, is_conditional, walk);
            walk.path.pop();
        }
        every
    }

    /// E004: the same coil, timer or counter again. Math in series on one word is how sums are written.
    fn repeated(&mut self, outputs: &[Output<'_>]) {
        let mut seen: HashMap<(InstructionKind, Address), Vec<&Output<'_>>> = HashMap::new();
        for output in outputs {
            let kind = output.instruction.kind;
            let counts = matches!(kind, InstructionKind::Ote | InstructionKind::Otl | InstructionKind::Otu)
                || is_timer_or_counter(kind);
            let Some(address) = output.address.filter(|_| counts) else {
                continue;
            };
            let earlier = seen.entry((kind, address)).or_default();
            if earlier.iter().any(|other| !other.excludes(output)) {
                let text = format!("{kind} {address} stands twice in the rung");
                let place = output.instruction.place;
                self.tell(
                    DiagnosticCode::RepeatedOutput,
                    Some(output.instruction.column),
                    place,
                    text,
                );
            }
            earlier.push(output);
        }
    }

    fn across_rungs(&mut self, rung: &Rung, energized: &mut HashMap<Address, u32>) {
        for instruction in instructions(rung) {
            if instruction.kind != InstructionKind::Ote {
                continue;
            }
            let Some(address) = output_of(self.symbols, instruction) else {
                continue;
            };
            let first = *energized.entry(address).or_insert(self.rung);
            if first != self.rung {
                let text = format!("OTE {address} stands in rung {first} too: the last one wins");
                self.tell(
                    DiagnosticCode::OutputInSeveralRungs,
                    Some(instruction.column),
                    instruction.place,
                    text,
                );
            }
        }
    }

    fn shared_slots(&mut self, rung: &Rung, slots: &HashMap<Address, usize>) {
        for instruction in instructions(rung) {
            for decorator in &instruction.decorators {
                let Some(address) = decorator.operands.first().and_then(|slot| slot.address(self.symbols)) else {
                    continue;
                };
                if slots.get(&address).is_some_and(|users| *users > 1) {
                    let text = format!(
                        "the {} decorator shares {address} with another user of it",
                        decorator.kind.name()
                    );
                    let place = decorator.place.or(instruction.place);
                    self.tell(DiagnosticCode::SharedSlot, Some(instruction.column), place, text);
                }
            }
        }
    }

    fn tell(&mut self, code: DiagnosticCode, column: Option<u32>, place: Option<Position>, text: String) {
        if self.found.len() < MAX_DIAGNOSTICS {
            self.found.push(Diagnostic {
                code,
                rung: Some(self.rung),
                column,
                place,
                text,
            });
        }
    }
}

/// The state of a walk through a rung.
struct Walk<'a> {
    outputs: Vec<Output<'a>>,
    path: Vec<(usize, usize)>,
    branches: usize,
}

fn instructions(rung: &Rung) -> Vec<&Instruction> {
    let mut found = Vec::new();
    crate::program::collect(&rung.elements, &mut found);
    found
}
