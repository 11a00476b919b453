//! Operands become places of the data table; the document becomes a tree of operations.

use std::collections::HashSet;

use crate::address::{Address, Region};
use crate::data_table::{CounterSlot, Place, TimerSlot, WordIndex};
use crate::diagnostic::{Diagnostic, DiagnosticCode};
use crate::flat::{Coil, Contact, Destination, Op, Site, Source, WordOp};
use crate::instruction::compare::CompareKind;
use crate::instruction::counter::CounterKind;
use crate::instruction::math::{MathKind, Ranges};
use crate::instruction::shift::ShiftKind;
use crate::instruction::timer::TimerKind;
use crate::instruction::{DecoratorKind, InstructionKind, OperandRole, OperandSpec};
use crate::program::{
    Branch, Decorator, Element, Instruction, MAX_BRANCH_DEPTH, Operand, OperandValue, Position, Program, SymbolMap,
};

/// Instructions of one program; more are refused.
const MAX_INSTRUCTIONS: u32 = 1_000_000;
/// Problems that are told; what follows them is most likely the same again.
const MAX_PROBLEMS: usize = 1000;
const MICROS_PER_MILLI: u64 = 1000;

/// A program whose operands are places.
pub(super) struct Resolved {
    pub(super) rungs: Vec<Vec<Node>>,
    pub(super) word_ops: Vec<(WordOp, Site)>,
    /// One entry per memory; 0 for one-shots.
    pub(super) debounce_us: Vec<u64>,
    pub(super) presets: Vec<(WordIndex, i32)>,
    pub(super) instructions: u32,
    /// How many instructions stand in each rung.
    pub(super) rung_instructions: Vec<u32>,
    pub(super) warnings: Vec<Diagnostic>,
}

/// An instruction as its operations, or a branch.
pub(super) enum Node {
    /// The operations of one instruction: one, or a contact and its decorators.
    Instruction {
        number: u32,
        ops: Vec<Op>,
    },
    Branch(Vec<Vec<Node>>),
}

/// Resolves a whole program.
pub(super) fn program(program: &Program) -> Result<Resolved, Vec<Diagnostic>> {
    let mut resolver = Resolver {
        program,
        symbols: program.symbol_map(),
        resolved: Resolved {
            rungs: Vec::new(),
            word_ops: Vec::new(),
            debounce_us: Vec::new(),
            presets: Vec::new(),
            instructions: 0,
            rung_instructions: Vec::new(),
            warnings: Vec::new(),
        },
        problems: Vec::new(),
        site: None,
    };
    resolver.repeated_symbols();
    for (number, rung) in program.rungs.iter().enumerate() {
        resolver.site = Some(At {
            rung: number as u32,
            column: None,
            place: rung.place,
        });
        let before = resolver.resolved.instructions;
        let nodes = resolver.path(&rung.elements, 0);
        resolver.resolved.rungs.push(nodes);
        let instructions = resolver.resolved.instructions - before;
        resolver.resolved.rung_instructions.push(instructions);
    }
    if resolver.resolved.instructions > MAX_INSTRUCTIONS {
        let text = format!(
            "expected at most {MAX_INSTRUCTIONS} instructions, got {}",
            resolver.resolved.instructions
        );
        resolver.site = None;
        resolver.problem(DiagnosticCode::TooLarge, None, text);
    }
    match resolver.problems.is_empty() {
        true => Ok(resolver.resolved),
        false => Err(resolver.problems),
    }
}

/// Where the resolver stands.
#[derive(Clone, Copy)]
struct At {
    rung: u32,
    column: Option<u32>,
    place: Option<Position>,
}

struct Resolver<'a> {
    program: &'a Program,
    symbols: SymbolMap<'a>,
    resolved: Resolved,
    problems: Vec<Diagnostic>,
    site: Option<At>,
}

impl Resolver<'_> {
    fn repeated_symbols(&mut self) {
        let mut seen = HashSet::new();
        for entry in &self.program.symbols {
            if !seen.insert(&entry.name) {
                let text = format!("expected each symbol once, got `{}` again", entry.name);
                self.problem(DiagnosticCode::BadDocument, entry.place, text);
            }
        }
    }

    fn path(&mut self, elements: &[Element], depth: usize) -> Vec<Node> {
        let mut nodes = Vec::with_capacity(elements.len());
        for element in elements {
            match element {
                Element::Instruction(instruction) => nodes.extend(self.instruction(instruction)),
                Element::Branch(branch) if depth < MAX_BRANCH_DEPTH => nodes.push(self.branch(branch, depth)),
                Element::Branch(branch) => {
                    let text = format!("expected at most {MAX_BRANCH_DEPTH} branches in each other");
                    self.problem(DiagnosticCode::BadDocument, branch.place, text);
                }
            }
        }
        nodes
    }

    fn branch(&mut self, branch: &Branch, depth: usize) -> Node {
        let mut paths: Vec<_> = branch.paths.iter().map(|path| self.path(path, depth + 1)).collect();
        if paths.is_empty() {
            paths.push(Vec::new());
        }
        Node::Branch(paths)
    }

    /// The operations of an instruction; `None` after a problem was noted.
    fn instruction(&mut self, instruction: &Instruction) -> Option<Node> {
        let number = self.resolved.instructions;
        self.resolved.instructions += 1;
        if let Some(at) = &mut self.site {
            at.column = Some(instruction.column);
            at.place = instruction.place;
        }
        let kind = instruction.kind;
        if !instruction.decorators.is_empty() && !kind.takes_decorators() {
            let text = format!("expected decorators on XIC and XIO only, got some on {kind}");
            self.problem(DiagnosticCode::BadDocument, instruction.place, text);
        }
        let operands = self.operands(kind.mnemonic(), kind.operands(), &instruction.operands);
        let op = operands.and_then(|operands| self.op(kind, &operands, instruction.column));
        let mut ops = Vec::with_capacity(1 + instruction.decorators.len());
        ops.extend(op);
        for decorator in &instruction.decorators {
            ops.extend(self.decorator(decorator));
        }
        let is_whole = ops.len() == 1 + instruction.decorators.len();
        is_whole.then_some(Node::Instruction { number, ops })
    }

    fn decorator(&mut self, decorator: &Decorator) -> Option<Op> {
        let name = decorator.kind.name();
        let operands = self.operands(name, decorator.kind.operands(), &decorator.operands)?;
        Some(match (decorator.kind, operands.as_slice()) {
            (DecoratorKind::Ton, [Value::Timer(slot), Value::Number(preset)]) => {
                self.resolved.presets.push((slot.preset(), *preset));
                Op::TimerDecorator(TimerKind::OnDelay, *slot)
            }
            (DecoratorKind::Tof, [Value::Timer(slot), Value::Number(preset)]) => {
                self.resolved.presets.push((slot.preset(), *preset));
                Op::TimerDecorator(TimerKind::OffDelay, *slot)
            }
            (DecoratorKind::Counter, [Value::Counter(slot), Value::Number(preset)]) => {
                self.resolved.presets.push((slot.preset(), *preset));
                Op::CounterDecorator(*slot)
            }
            (DecoratorKind::Osr, []) => Op::Rising(self.memory(0)),
            (DecoratorKind::Osf, []) => Op::Falling(self.memory(0)),
            (DecoratorKind::Debounce, [Value::Number(time_ms)]) => {
                let time_us = u64::from(time_ms.unsigned_abs()) * MICROS_PER_MILLI;
                Op::Debounce(self.memory(time_us))
            }
            _ => return None,
        })
    }

    fn memory(&mut self, debounce_us: u64) -> u32 {
        self.resolved.debounce_us.push(debounce_us);
        (self.resolved.debounce_us.len() - 1) as u32
    }

    fn operands(&mut self, owner: &str, specs: &[OperandSpec], operands: &[Operand]) -> Option<Vec<Value>> {
        if specs.len() != operands.len() {
            let text = format!("expected {} operands of {owner}, got {}", specs.len(), operands.len());
            self.problem(DiagnosticCode::BadDocument, None, text);
            return None;
        }
        // All of them are looked at, so that all problems are told.
        let values: Vec<_> = specs
            .iter()
            .zip(operands)
            .map(|(spec, operand)| self.operand(owner, *spec, operand))
            .collect();
        values.into_iter().collect()
    }

    fn operand(&mut self, owner: &str, spec: OperandSpec, operand: &Operand) -> Option<Value> {
        let OperandSpec { name, role } = spec;
        let address = match &operand.value {
            OperandValue::Missing if role == OperandRole::Control => return Some(Value::Nothing),
            OperandValue::Missing => {
                let text = format!("expected {} as `{name}` of {owner}, got nothing", role.expected());
                self.problem(DiagnosticCode::MissingOperand, operand.place, text);
                return None;
            }
            OperandValue::Number(number) => {
                let number = *number;
                return self.number(owner, spec, number, operand.place);
            }
            OperandValue::Address(address) => *address,
            OperandValue::Symbol(symbol) => match self.symbols.get(symbol) {
                Some(address) => *address,
                None => {
                    let text = format!("expected a symbol of the program as `{name}` of {owner}, got `{symbol}`");
                    self.problem(DiagnosticCode::UnknownOperand, operand.place, text);
                    return None;
                }
            },
            OperandValue::Unreadable(text) => {
                let text = format!("`{name}` of {owner}: {}", why_unreadable(text));
                self.problem(DiagnosticCode::UnknownOperand, operand.place, text);
                return None;
            }
        };
        let value = place(role, address);
        if value.is_none() {
            let text = format!("expected {} as `{name}` of {owner}, got `{address}`", role.expected());
            self.problem(DiagnosticCode::WrongOperand, operand.place, text);
        }
        value
    }

    fn number(&mut self, owner: &str, spec: OperandSpec, number: i32, place: Option<Position>) -> Option<Value> {
        let range = match spec.role {
            OperandRole::TimerPreset => 0..=i32::from(i16::MAX),
            OperandRole::CounterPreset => i32::from(i16::MIN)..=i32::from(i16::MAX),
            OperandRole::Number => return Some(Value::Number(number)),
            OperandRole::Source => return Some(Value::Source(Source::Number(number))),
            _ => {
                let text = format!(
                    "expected {} as `{}` of {owner}, got {number}",
                    spec.role.expected(),
                    spec.name
                );
                self.problem(DiagnosticCode::WrongOperand, place, text);
                return None;
            }
        };
        let clamped = number.clamp(*range.start(), *range.end());
        if clamped != number {
            let text = format!("`{}` of {owner} is {number}; it runs with {clamped}", spec.name);
            let warning = self.diagnostic(DiagnosticCode::ClampedPreset, place, text);
            if self.resolved.warnings.len() < MAX_PROBLEMS {
                self.resolved.warnings.push(warning);
            }
        }
        Some(Value::Number(clamped))
    }

    fn op(&mut self, kind: InstructionKind, operands: &[Value], column: u32) -> Option<Op> {
        use InstructionKind::*;
        Some(match (kind, operands) {
            (Xic | Xio, [Value::Bit(word, bit)]) => Op::Contact(Contact::new(*word, *bit, kind == Xic)),
            (Ote, [Value::Bit(word, bit)]) => Op::Coil(Coil::energize(*word, *bit)),
            (Otl, [Value::Bit(word, bit)]) => Op::Coil(Coil::latch(*word, *bit)),
            (Otu, [Value::Bit(word, bit)]) => Op::Coil(Coil::unlatch(*word, *bit)),
            (Ton | Tof | Rto, [Value::Timer(slot), Value::Number(preset)]) => {
                self.resolved.presets.push((slot.preset(), *preset));
                let kind = match kind {
                    Ton => TimerKind::OnDelay,
                    Tof => TimerKind::OffDelay,
                    _ => TimerKind::Retentive,
                };
                Op::Timer(kind, *slot)
            }
            (Ctu | Ctd, [Value::Counter(slot), Value::Number(preset)]) => {
                self.resolved.presets.push((slot.preset(), *preset));
                Op::Counter(
                    if kind == Ctu {
                        CounterKind::Up
                    } else {
                        CounterKind::Down
                    },
                    *slot,
                )
            }
            (Res, [Value::Timer(slot)]) => Op::ResetTimer(*slot),
            (Res, [Value::Counter(slot)]) => Op::ResetCounter(*slot),
            _ => {
                let op = word_op(kind, operands)?;
                let rung = self.site.map_or(0, |at| at.rung);
                self.resolved.word_ops.push((
                    op,
                    Site {
                        rung,
                        column,
                        instruction: kind,
                    },
                ));
                Op::Word((self.resolved.word_ops.len() - 1) as u32)
            }
        })
    }

    fn problem(&mut self, code: DiagnosticCode, place: Option<Position>, text: String) {
        if self.problems.len() < MAX_PROBLEMS {
            let problem = self.diagnostic(code, place, text);
            self.problems.push(problem);
        }
    }

    fn diagnostic(&self, code: DiagnosticCode, place: Option<Position>, text: String) -> Diagnostic {
        Diagnostic {
            code,
            rung: self.site.map(|at| at.rung),
            column: self.site.and_then(|at| at.column),
            place: place.or(self.site.and_then(|at| at.place)),
            text,
        }
    }
}

/// An operand that fits its role.
enum Value {
    Bit(WordIndex, u8),
    Timer(TimerSlot),
    Counter(CounterSlot),
    Number(i32),
    Source(Source),
    Destination(Destination),
    Control(WordIndex),
    Nothing,
}

/// The place of an address in a role; `None` when it does not fit.
fn place(role: OperandRole, address: Address) -> Option<Value> {
    match (role, address) {
        (OperandRole::Timer | OperandRole::TimerOrCounter, Address::Timer { timer }) => {
            return Some(Value::Timer(TimerSlot(timer)));
        }
        (OperandRole::Counter | OperandRole::TimerOrCounter, Address::Counter { counter }) => {
            return Some(Value::Counter(CounterSlot(counter)));
        }
        (OperandRole::OutputBit, Address::TimerMember { .. } | Address::CounterMember { .. }) => return None,
        _ => {}
    }
    let is_short = matches!(Place::of(address)?, Place::Short(_));
    let word = match address {
        Address::Word { region, word } | Address::Bit { region, word, .. } => Some(WordIndex::of(region, word)),
        _ if is_short => Some(Place::of(address)?.bits().0),
        _ => None,
    };
    match role {
        OperandRole::Bit | OperandRole::OutputBit => match Place::of(address)? {
            Place::Bit(word, bit) => Some(Value::Bit(word, bit)),
            Place::Word(_) | Place::Short(_) => None,
        },
        OperandRole::Source => Some(Value::Source(Source::Word(word?))),
        OperandRole::Destination if is_short => None,
        OperandRole::Destination | OperandRole::MoveDestination => {
            Some(Value::Destination(Destination { word: word?, is_short }))
        }
        OperandRole::Control => match address {
            Address::Word {
                region: Region::Bits, ..
            }
            | Address::Bit {
                region: Region::Bits, ..
            } => Some(Value::Control(word?)),
            _ => None,
        },
        _ => None,
    }
}

/// Why a text is no operand.
fn why_unreadable(text: &str) -> String {
    let is_number = text
        .strip_prefix(['-', '+'])
        .unwrap_or(text)
        .bytes()
        .all(|byte| byte.is_ascii_digit());
    match Address::parse(text) {
        Err(_) if is_number => "expected a whole number from -2147483648 to 2147483647".to_owned(),
        Err(error) => error.to_string(),
        // An address reads; the reader of the document would have taken it.
        Ok(address) => format!("expected `{address}` to be given as an address"),
    }
}

fn word_op(kind: InstructionKind, operands: &[Value]) -> Option<WordOp> {
    use InstructionKind::*;
    Some(match (kind, operands) {
        (Equ | Neq | Les | Leq | Grt | Geq, [Value::Source(a), Value::Source(b)]) => {
            let kind = match kind {
                Equ => CompareKind::Equal,
                Neq => CompareKind::NotEqual,
                Les => CompareKind::Less,
                Leq => CompareKind::LessOrEqual,
                Grt => CompareKind::Greater,
                _ => CompareKind::GreaterOrEqual,
            };
            WordOp::Compare { kind, a: *a, b: *b }
        }
        (_, [Value::Source(a), Value::Source(b), Value::Destination(dest)]) => WordOp::Math {
            kind: math_kind(kind)?,
            a: *a,
            b: *b,
            dest: *dest,
        },
        (_, [Value::Source(a), Value::Destination(dest)]) => WordOp::Math {
            kind: math_kind(kind)?,
            a: *a,
            b: Source::Number(0),
            dest: *dest,
        },
        (
            Scl,
            [
                Value::Source(source),
                Value::Number(in_min),
                Value::Number(in_max),
                Value::Number(out_min),
                Value::Number(out_max),
                Value::Destination(dest),
            ],
        ) => {
            let ranges = Ranges {
                in_min: *in_min,
                in_max: *in_max,
                out_min: *out_min,
                out_max: *out_max,
            };
            WordOp::Scale {
                source: *source,
                ranges,
                dest: *dest,
            }
        }
        (
            Bsl | Bsr,
            [
                Value::Source(source),
                Value::Source(amount),
                Value::Destination(dest),
                control,
            ],
        ) => {
            let control = match control {
                Value::Control(word) => Some(*word),
                _ => None,
            };
            let kind = if kind == Bsl { ShiftKind::Left } else { ShiftKind::Right };
            WordOp::Shift {
                kind,
                source: *source,
                amount: *amount,
                dest: *dest,
                control,
            }
        }
        _ => return None,
    })
}

fn math_kind(kind: InstructionKind) -> Option<MathKind> {
    use InstructionKind::*;
    Some(match kind {
        Add => MathKind::Add,
        Sub => MathKind::Subtract,
        Mul => MathKind::Multiply,
        Div => MathKind::Divide,
        Mod => MathKind::Modulo,
        Neg => MathKind::Negate,
        Abs => MathKind::Absolute,
        Band => MathKind::And,
        Bor => MathKind::Or,
        Bxor => MathKind::ExclusiveOr,
        Bnot => MathKind::Not,
        N2b => MathKind::NumberToBit,
        Mov => MathKind::Move,
        _ => return None,
    })
}
