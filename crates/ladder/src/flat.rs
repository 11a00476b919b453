//! The flat form of a program, and the loop that executes it.
//!
//! What a scan costs is dispatch, not memory. So contacts have no opcode: a run of contacts, branches among them included,
//! becomes a graph of test nodes that all do the same (test one bit, go on at one of two places) and ends in true or false.
//! Everything else is an operation of eight bytes. The loop allocates nothing, locks nothing and logs nothing: it works on
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

/// A test node: one bit, and where to go on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Test {
    pub(crate) contact: Contact,
    /// The next node when the test is true, counted from the first node of the graph, or [`TRUE`] or [`FALSE`]. Always further
    /// on than this node, so that every walk ends.
    pub(crate) when_true: u16,
    /// The same when it is false.
    pub(crate) when_false: u16,
}

/// The graph ends with power.
pub(crate) const TRUE: u16 = u16::MAX;
/// The graph ends without power.
pub(crate) const FALSE: u16 = u16::MAX - 1;
/// Nodes of one graph; a longer run of contacts becomes several graphs.
pub(crate) const MAX_GRAPH_NODES: usize = 4096;

/// A bit that is tested.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contact {
    pub(crate) word: WordIndex,
    pub(crate) shift: u8,
    /// 1 for XIO.
    pub(crate) invert: u8,
}

impl Contact {
    #[inline(always)]
    fn is_closed(self, table: &DataTable) -> bool {
        (table.word(self.word) >> (self.shift & 31) ^ u32::from(self.invert)) & 1 != 0
    }
}

/// A bit that is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coil {
    pub(crate) word: WordIndex,
    pub(crate) shift: u8,
}

/// What a rung does, step by step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    /// A graph of contacts, by its first node.
    Graph(u32),
    Contact(Contact),
    Energize(Coil),
    Latch(Coil),
    Unlatch(Coil),
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
    /// The operations of each rung.
    pub(crate) rungs: Vec<Range<u32>>,
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
            let span = span.start as usize..span.end as usize;
            let mut rails = Rails {
                power: true,
                inputs: 0,
                results: 0,
            };
            for (at, op) in stream.ops[span.clone()].iter().enumerate() {
                self.step(*op, &mut rails, machine);
                if TRACED && let Some(instruction) = stream.completes[span.start + at] {
                    flow.note(instruction, rails.power);
                }
            }
        }
    }

    #[inline(always)]
    fn step(&self, op: Op, rails: &mut Rails, machine: &mut Machine<'_>) {
        let power = rails.power;
        let table = &mut *machine.table;
        match op {
            Op::Graph(first) => rails.power = power && self.conducts(first, table),
            Op::Contact(contact) => rails.power = power && contact.is_closed(table),
            Op::Energize(coil) => {
                table.write_bits(coil.word, 1 << (coil.shift & 31), u32::from(power) << (coil.shift & 31))
            }
            Op::Latch(coil) if power => table.write_bits(coil.word, 1 << (coil.shift & 31), u32::MAX),
            Op::Unlatch(coil) if power => table.write_bits(coil.word, 1 << (coil.shift & 31), 0),
            Op::Latch(_) | Op::Unlatch(_) => {}
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
            Op::CounterDecorator(slot) => rails.power = counter::run(table, CounterKind::Up, slot, power),
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

    /// Walks a graph of contacts.
    #[inline(always)]
    fn conducts(&self, first: u32, table: &DataTable) -> bool {
        let graph = &self.nodes[first as usize..];
        let mut at = 0;
        loop {
            let node = &graph[usize::from(at)];
            at = match node.contact.is_closed(table) {
                true => node.when_true,
                false => node.when_false,
            };
            if at >= FALSE {
                return at == TRUE;
            }
        }
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
