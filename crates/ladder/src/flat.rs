//! The flat form of a program, and the loop that executes it.
//!
//! What a scan costs is dispatch, not memory. So contacts have no opcode: a run of contacts, branches among them included,
//! becomes a graph of test nodes that all do the same (test one bit, go on at one of two places) and ends in true or false. A
//! rung begins with such a graph and mostly ends with a coil; neither is dispatched, and the three kinds of coils are one.
//! Everything else is an operation of twelve bytes. The loop allocates nothing, locks nothing and logs nothing: it works on
//! slices that were made when the program was compiled, and on numbers.
//!
//! Two forms of each program exist. The *plain* one merges contacts into graphs. The *traced* one has an operation per contact
//! and notes the power behind every instruction; it runs only while somebody looks (see [`crate::power_flow`]).

use std::ops::Range;

use crate::data_table::{CounterSlot, DataTable, TimerSlot, WordIndex};
use crate::fault::{Fault, FaultKind};
use crate::instruction::InstructionKind;
use crate::instruction::compare::{self, CompareKind};
use crate::instruction::counter::{self, CounterKind};
use crate::instruction::decorator::{self, Memory};
use crate::instruction::math::{self, MathKind, Ranges};
use crate::instruction::shift::{self, ShiftKind};
use crate::instruction::timer::{self, TimerKind};
use crate::power_flow::PowerFlow;

/// A bit that is tested.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contact {
    /// The bit within its word.
    mask: u32,
    word: WordIndex,
    /// All bits of it are 1 when the bit has to be on (XIC), 0 when it has to be off (XIO).
    wanted: i8,
}

impl Contact {
    pub(crate) const fn new(word: WordIndex, bit: u8, is_on: bool) -> Contact {
        Contact {
            mask: 1 << bit,
            word,
            wanted: if is_on { -1 } else { 0 },
        }
    }

    /// 0 when power can pass, another number when it cannot. No shift and no branch: this is what a scan mostly does.
    #[inline(always)]
    fn opening(self, table: &DataTable) -> u32 {
        (table.word(self.word) ^ i32::from(self.wanted) as u32) & self.mask
    }
}

/// A test node: one contact, and where to go on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Test {
    pub(crate) contact: Contact,
    /// The next node when the contact is closed, or [`TRUE`] or [`FALSE`]. Always further on than this node, so that every walk
    /// ends.
    pub(crate) when_closed: u32,
    /// The same when it is open.
    pub(crate) when_open: u32,
}

/// The graph ends with power. As the begin of a graph: there is none, power passes.
pub(crate) const TRUE: u32 = u32::MAX;
/// The graph ends without power.
pub(crate) const FALSE: u32 = u32::MAX - 1;

/// A bit that is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coil {
    /// The bit within its word.
    pub(crate) mask: u32,
    pub(crate) word: WordIndex,
    /// All bits are 1 when it is written without power too (OTE).
    always: i8,
    /// All bits are 1 when power writes 0 (OTU).
    inverted: i8,
}

impl Coil {
    /// Writes nothing.
    pub(crate) const NONE: Coil = Coil {
        mask: 0,
        word: WordIndex::UNUSED,
        always: 0,
        inverted: 0,
    };

    pub(crate) const fn energize(word: WordIndex, bit: u8) -> Coil {
        Coil {
            mask: 1 << bit,
            word,
            always: -1,
            inverted: 0,
        }
    }

    pub(crate) const fn latch(word: WordIndex, bit: u8) -> Coil {
        Coil {
            mask: 1 << bit,
            word,
            always: 0,
            inverted: 0,
        }
    }

    pub(crate) const fn unlatch(word: WordIndex, bit: u8) -> Coil {
        Coil {
            mask: 1 << bit,
            word,
            always: 0,
            inverted: -1,
        }
    }

    /// Writes the bit. The three kinds take the same steps, so that no one has to ask which it is.
    #[inline(always)]
    fn run(self, table: &mut DataTable, power: bool) {
        let power = u32::from(power).wrapping_neg();
        let touched = self.mask & (power | i32::from(self.always) as u32);
        table.write_bits(self.word, touched, power ^ i32::from(self.inverted) as u32);
    }
}

/// What a rung does, step by step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    /// A graph of contacts, by its first node.
    Graph(u32),
    Contact(Contact),
    Coil(Coil),
    Timer(TimerKind, TimerSlot),
    Counter(CounterKind, CounterSlot),
    ResetTimer(TimerSlot),
    ResetCounter(CounterSlot),
    /// Compare, math, scale, shift: by its number.
    Word(u32),
    TimerDecorator(TimerKind, TimerSlot),
    CounterDecorator(CounterSlot),
    Rising(u32),
    Falling(u32),
    Debounce(u32),
    OpenBranch,
    NextPath,
    CloseBranch,
}

/// Every rung is walked through these; a larger one would be a slower scan.
const _: () = assert!(size_of::<Op>() == 12);

/// Where a number comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    Word(WordIndex),
    Number(i32),
}

impl Source {
    #[inline(always)]
    fn read(self, table: &DataTable) -> i32 {
        match self {
            Source::Word(word) => table.signed(word),
            Source::Number(number) => number,
        }
    }
}

/// Where a number goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Destination {
    pub(crate) word: WordIndex,
    /// `PRE` or `ACC`: the number saturates to 16 bits.
    pub(crate) is_short: bool,
}

/// An instruction on words.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WordOp {
    Compare {
        kind: CompareKind,
        a: Source,
        b: Source,
    },
    Math {
        kind: MathKind,
        a: Source,
        b: Source,
        dest: Destination,
    },
    Scale {
        source: Source,
        ranges: Ranges,
        dest: Destination,
    },
    Shift {
        kind: ShiftKind,
        source: Source,
        amount: Source,
        dest: Destination,
        control: Option<WordIndex>,
    },
}

/// Where an instruction stands, for its faults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site {
    pub(crate) rung: u32,
    pub(crate) column: u32,
    pub(crate) instruction: InstructionKind,
}

/// The operations of all rungs, one after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stream {
    pub(crate) ops: Vec<Op>,
    /// Of the traced form: the instruction that each operation completes, if any.
    pub(crate) completes: Vec<Option<u32>>,
    pub(crate) rungs: Vec<RungSpan>,
}

/// Where a rung lies in its stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RungSpan {
    /// The graph of the contacts that it begins with, or [`TRUE`].
    pub(crate) lead: u32,
    /// The operations behind them.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// The coil that it ends with; it needs no dispatch either.
    pub(crate) coil: Coil,
}

/// A program in its flat form.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flat {
    pub(crate) plain: Stream,
    pub(crate) traced: Stream,
    pub(crate) nodes: Vec<Test>,
    pub(crate) word_ops: Vec<(WordOp, Site)>,
    /// How long each DEBOUNCE waits, in microseconds, by the number of its memory.
    pub(crate) debounce_us: Vec<u64>,
}

/// What a scan works on beside the program.
pub(crate) struct Machine<'a> {
    pub(crate) table: &'a mut DataTable,
    pub(crate) memories: &'a mut [Memory],
    pub(crate) dt_us: u32,
    /// The first fault of the scan.
    pub(crate) fault: &'a mut Option<Fault>,
}

impl Flat {
    /// Executes rungs. With a `flow` the traced form runs and notes the power.
    pub(crate) fn run(&self, rungs: Range<usize>, machine: &mut Machine<'_>, flow: Option<&mut PowerFlow>) {
        match flow {
            None => self.run_stream::<false>(&self.plain, rungs, machine, &mut PowerFlow::default()),
            Some(flow) => self.run_stream::<true>(&self.traced, rungs, machine, flow),
        }
    }

    #[inline(always)]
    fn run_stream<const TRACED: bool>(
        &self,
        stream: &Stream,
        rungs: Range<usize>,
        machine: &mut Machine<'_>,
        flow: &mut PowerFlow,
    ) {
        for span in &stream.rungs[rungs] {
            let power = self.conducts(span.lead, machine.table);
            let mut rails = Rails {
                power,
                inputs: 0,
                results: 0,
            };
            for (at, op) in stream.ops[span.start as usize..span.end as usize].iter().enumerate() {
                self.step(*op, &mut rails, machine);
                if TRACED && let Some(instruction) = stream.completes[span.start as usize + at] {
                    flow.note(instruction, rails.power);
                }
            }
            span.coil.run(machine.table, rails.power);
        }
    }

    #[inline(always)]
    fn step(&self, op: Op, rails: &mut Rails, machine: &mut Machine<'_>) {
        let power = rails.power;
        let table = &mut *machine.table;
        match op {
            Op::Graph(first) => rails.power = power && self.conducts(first, table),
            Op::Contact(contact) => rails.power = power & (contact.opening(table) == 0),
            Op::Coil(coil) => coil.run(table, power),
            Op::Timer(kind, slot) => {
                timer::run(table, kind, slot, power, machine.dt_us);
            }
            Op::Counter(kind, slot) => {
                counter::run(table, kind, slot, power);
            }
            Op::ResetTimer(slot) if power => timer::reset(table, slot),
            Op::ResetCounter(slot) if power => counter::reset(table, slot),
            Op::ResetTimer(_) | Op::ResetCounter(_) => {}
            Op::Word(number) if power => rails.power = self.run_word(number, machine),
            Op::Word(_) => {}
            Op::TimerDecorator(kind, slot) => rails.power = timer::run(table, kind, slot, power, machine.dt_us),
            Op::CounterDecorator(slot) => rails.power = counter::run(table, CounterKind::UpToPreset, slot, power),
            Op::Rising(memory) => rails.power = decorator::rising(&mut machine.memories[memory as usize], power),
            Op::Falling(memory) => rails.power = decorator::falling(&mut machine.memories[memory as usize], power),
            Op::Debounce(memory) => {
                let memory = memory as usize;
                let time_us = self.debounce_us[memory];
                rails.power = decorator::debounced(&mut machine.memories[memory], power, time_us, machine.dt_us);
            }
            Op::OpenBranch => rails.open(),
            Op::NextPath => rails.next(),
            Op::CloseBranch => rails.close(),
        }
    }

    /// Walks a graph of contacts from its first node, or from its end.
    #[inline(always)]
    fn conducts(&self, first: u32, table: &DataTable) -> bool {
        let mut at = first;
        // The two ends lie beyond all nodes.
        while let Some(node) = self.nodes.get(at as usize) {
            at = match node.contact.opening(table) {
                0 => node.when_closed,
                _ => node.when_open,
            };
        }
        at == TRUE
    }

    /// An instruction on words with power before it; the power behind it.
    fn run_word(&self, number: u32, machine: &mut Machine<'_>) -> bool {
        let (op, site) = &self.word_ops[number as usize];
        let table = &mut *machine.table;
        let (result, dest) = match *op {
            WordOp::Compare { kind, a, b } => return compare::holds(kind, a.read(table), b.read(table)),
            WordOp::Math { kind, a, b, dest } => (math::result(kind, a.read(table), b.read(table)), dest),
            WordOp::Scale { source, ranges, dest } => (math::scale(source.read(table), ranges), dest),
            WordOp::Shift {
                kind,
                source,
                amount,
                dest,
                control,
            } => {
                run_shift(table, kind, [source, amount], dest, control);
                return true;
            }
        };
        match result {
            Ok(number) => store(table, dest, number),
            Err(kind) => note_fault(machine.fault, kind, site),
        }
        true
    }
}

fn store(table: &mut DataTable, dest: Destination, number: i32) {
    let number = match dest.is_short {
        true => number.clamp(i32::from(i16::MIN), i32::from(i16::MAX)),
        false => number,
    };
    table.write_word(dest.word, number);
}

fn run_shift(
    table: &mut DataTable,
    kind: ShiftKind,
    [source, amount]: [Source; 2],
    dest: Destination,
    control: Option<WordIndex>,
) {
    let enters = control.is_some_and(|control| table.word(control) & shift::CONTROL_IN != 0);
    let (word, leaves) = shift::shifted(kind, source.read(table) as u32, amount.read(table), enters);
    table.write_word(dest.word, word as i32);
    if let Some(control) = control {
        table.write_bits(control, shift::CONTROL_OUT, if leaves { shift::CONTROL_OUT } else { 0 });
    }
}

#[cold]
fn note_fault(fault: &mut Option<Fault>, kind: FaultKind, site: &Site) {
    fault.get_or_insert(Fault::Instruction {
        kind,
        rung: site.rung,
        column: site.column,
        instruction: site.instruction,
    });
}

/// The power at the current place, and of the branches around it: one bit per level, the innermost lowest.
struct Rails {
    power: bool,
    /// The power before each open branch.
    inputs: u64,
    /// Whether a finished path of each open branch had power.
    results: u64,
}

impl Rails {
    #[inline(always)]
    fn open(&mut self) {
        self.inputs = self.inputs << 1 | u64::from(self.power);
        self.results <<= 1;
    }

    #[inline(always)]
    fn next(&mut self) {
        self.results |= u64::from(self.power);
        self.power = self.inputs & 1 == 1;
    }

    #[inline(always)]
    fn close(&mut self) {
        self.power |= self.results & 1 == 1;
        self.inputs >>= 1;
        self.results >>= 1;
    }
}
