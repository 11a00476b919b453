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

    /// Whether power can pass.
    #[inline(always)]
    fn is_closed(self, table: &DataTable) -> bool {
        (table.word(self.word) ^ i32::from(self.wanted) as u32) & self.mask == 0
    }

    /// The test of this contact: where to go on when it is closed, and when it is open.
    pub(crate) const fn test(self, when_closed: u32, when_open: u32) -> Test {
        let (when_on, when_off) = match self.wanted {
            0 => (when_open, when_closed),
            _ => (when_closed, when_open),
        };
        Test {
            mask: self.mask,
            word: self.word,
            when_on,
            when_off,
        }
    }
}

/// A test node: one bit, and where to go on. An XIO is an XIC with its ways exchanged, so that no node asks which it is: this is
/// what a scan mostly does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Test {
    /// The bit within its word.
    mask: u32,
    word: WordIndex,
    /// The next node when the bit is on, or [`TRUE`] or [`FALSE`]. Always further on than this node, so that every walk ends.
    when_on: u32,
    /// The same when it is off.
    when_off: u32,
}

impl Test {
    /// Ends with power whatever the memory holds.
    pub(crate) const PASSES: Test = Test {
        mask: 0,
        word: WordIndex::UNUSED,
        when_on: TRUE,
        when_off: TRUE,
    };

    /// Where to go on.
    #[inline(always)]
    fn next(&self, table: &DataTable) -> u32 {
        match table.word(self.word) & self.mask {
            0 => self.when_off,
            _ => self.when_on,
        }
    }
}

/// The graph ends with power.
pub(crate) const TRUE: u32 = u32::MAX;
/// The graph ends without power.
pub(crate) const FALSE: u32 = u32::MAX - 1;

/// A bit that is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coil {
    pub(crate) word: WordIndex,
    /// The bit within its word, 0 to 31.
    bit: u8,
    kind: CoilKind,
}

/// When a coil writes, and what.
#[derive(Debug, Clone, Copy)]
enum CoilKind {
    Energize,
    Latch,
    Unlatch,
}

impl Coil {
    pub(crate) const fn energize(word: WordIndex, bit: u8) -> Coil {
        let kind = CoilKind::Energize;
        Coil { word, bit, kind }
    }

    pub(crate) const fn latch(word: WordIndex, bit: u8) -> Coil {
        let kind = CoilKind::Latch;
        Coil { word, bit, kind }
    }

    pub(crate) const fn unlatch(word: WordIndex, bit: u8) -> Coil {
        let kind = CoilKind::Unlatch;
        Coil { word, bit, kind }
    }

    /// What it writes, as masks.
    pub(crate) const fn masks(self) -> CoilMasks {
        let mask = 1 << self.bit;
        let (touched_off, set_on) = match self.kind {
            CoilKind::Energize => (mask, mask),
            CoilKind::Latch => (0, mask),
            CoilKind::Unlatch => (0, 0),
        };
        CoilMasks {
            word: self.word,
            touched_on: mask,
            touched_off,
            set_on,
        }
    }

    #[inline(always)]
    fn run(self, table: &mut DataTable, power: bool) {
        self.masks().run(table, power);
    }
}

/// What a coil does to its word. The three kinds take the same steps, so that no one has to ask which it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CoilMasks {
    word: WordIndex,
    /// The bits that are written with power; those of `touched_off` are among them.
    touched_on: u32,
    /// The bits that are written without power, to 0.
    touched_off: u32,
    /// The bits that become 1 with power.
    set_on: u32,
}

impl CoilMasks {
    /// Writes nothing.
    pub(crate) const NONE: CoilMasks = CoilMasks {
        word: WordIndex::UNUSED,
        touched_on: 0,
        touched_off: 0,
        set_on: 0,
    };

    /// Writes the bit.
    #[inline(always)]
    fn run(self, table: &mut DataTable, power: bool) {
        let power = u32::from(power).wrapping_neg();
        table.write_bits(
            self.word,
            self.touched_on & power | self.touched_off,
            self.set_on & power,
        );
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
    /// The first test of the contacts that it begins with. It stands here so that a rung of one contact visits no node.
    pub(crate) lead: Test,
    /// The operations behind them.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// The coil that it ends with; it needs no dispatch either.
    pub(crate) coil: CoilMasks,
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
            let power = self.conducts(span.lead.next(machine.table), machine.table);
            let mut rails = Rails {
                power,
                inputs: 0,
                results: 0,
            };
            // Most rungs have nothing between their contacts and their coil.
            if span.start < span.end {
                for (at, op) in stream.ops[span.start as usize..span.end as usize].iter().enumerate() {
                    self.step(*op, &mut rails, machine);
                    if TRACED && let Some(instruction) = stream.completes[span.start as usize + at] {
                        flow.note(instruction, rails.power);
                    }
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
            Op::Contact(contact) => rails.power = power & contact.is_closed(table),
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
            at = node.next(table);
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
