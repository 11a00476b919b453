//! A slow and obvious engine: it walks the document, knows forces as a list, and shares no rule with the real one.

use std::collections::BTreeMap;

use crosstie_ladder::data_table::CellValue;
use crosstie_ladder::instruction::{DecoratorKind, InstructionKind};
use crosstie_ladder::program::{Decorator, Element, Instruction, Operand, OperandValue, Program};
use crosstie_ladder::{Address, CounterMember, Region, TimerMember};

#[derive(Clone, Copy, Default)]
struct Timer {
    pre: i32,
    acc: i32,
    rest_us: i64,
    en: bool,
    tt: bool,
    dn: bool,
}

#[derive(Clone, Copy, Default)]
struct Counter {
    pre: i32,
    acc: i32,
    dn: bool,
    ov: bool,
    un: bool,
    cu: bool,
    cd: bool,
}

/// What a decorator remembers, by its place in the program.
#[derive(Clone, Copy)]
struct Debounced {
    last_input: bool,
    output: bool,
    since_us: i64,
}

#[derive(Default)]
pub(crate) struct Reference {
    words: BTreeMap<(Region, u8), i32>,
    timers: BTreeMap<u8, Timer>,
    counters: BTreeMap<u8, Counter>,
    forces: Vec<(Address, CellValue)>,
    one_shots: BTreeMap<Vec<usize>, bool>,
    debounced: BTreeMap<Vec<usize>, Debounced>,
    rung: usize,
    /// The texts of all faults of the last scan, in order.
    pub(crate) faults: Vec<String>,
    /// The power behind every instruction in the last scan.
    pub(crate) power: Vec<bool>,
}

impl Reference {
    /// What a reader sees.
    pub(crate) fn read(&self, address: Address) -> CellValue {
        let mut value = self.underneath(address);
        for (forced, to) in &self.forces {
            value = overlay(address, value, *forced, *to);
        }
        value
    }

    fn underneath(&self, address: Address) -> CellValue {
        match address {
            Address::Word { region, word } => CellValue::Word(*self.words.get(&(region, word)).unwrap_or(&0)),
            Address::Bit { region, word, bit } => {
                let word = *self.words.get(&(region, word)).unwrap_or(&0);
                CellValue::Bit(word & (1 << bit) != 0)
            }
            Address::TimerMember { timer, member } => {
                let timer = self.timers.get(&timer).copied().unwrap_or_default();
                match member {
                    TimerMember::Preset => CellValue::Word(timer.pre),
                    TimerMember::Accumulated => CellValue::Word(timer.acc),
                    TimerMember::Enabled => CellValue::Bit(timer.en),
                    TimerMember::Timing => CellValue::Bit(timer.tt),
                    TimerMember::Done => CellValue::Bit(timer.dn),
                }
            }
            Address::CounterMember { counter, member } => {
                let counter = self.counters.get(&counter).copied().unwrap_or_default();
                match member {
                    CounterMember::Preset => CellValue::Word(counter.pre),
                    CounterMember::Accumulated => CellValue::Word(counter.acc),
                    CounterMember::Done => CellValue::Bit(counter.dn),
                    CounterMember::Overflow => CellValue::Bit(counter.ov),
                    CounterMember::Underflow => CellValue::Bit(counter.un),
                    CounterMember::CountUp => CellValue::Bit(counter.cu),
                    CounterMember::CountDown => CellValue::Bit(counter.cd),
                }
            }
            Address::Timer { .. } | Address::Counter { .. } => panic!("{address} has no value"),
        }
    }

    /// Writes underneath all forces.
    pub(crate) fn write(&mut self, address: Address, value: CellValue) {
        match (address, value) {
            (Address::Word { region, word }, CellValue::Word(number)) => {
                self.words.insert((region, word), number);
            }
            (Address::Bit { region, word, bit }, CellValue::Bit(on)) => {
                let word = self.words.entry((region, word)).or_default();
                *word = if on { *word | (1 << bit) } else { *word & !(1 << bit) };
            }
            (Address::TimerMember { timer, member }, value) => {
                let timer = self.timers.entry(timer).or_default();
                match (member, value) {
                    (TimerMember::Preset, CellValue::Word(number)) => timer.pre = number,
                    (TimerMember::Accumulated, CellValue::Word(number)) => timer.acc = number,
                    (TimerMember::Enabled, CellValue::Bit(on)) => timer.en = on,
                    (TimerMember::Timing, CellValue::Bit(on)) => timer.tt = on,
                    (TimerMember::Done, CellValue::Bit(on)) => timer.dn = on,
                    _ => panic!("{address} and {value:?}"),
                }
            }
            (Address::CounterMember { counter, member }, value) => {
                let counter = self.counters.entry(counter).or_default();
                match (member, value) {
                    (CounterMember::Preset, CellValue::Word(number)) => counter.pre = number,
                    (CounterMember::Accumulated, CellValue::Word(number)) => counter.acc = number,
                    (CounterMember::Done, CellValue::Bit(on)) => counter.dn = on,
                    (CounterMember::Overflow, CellValue::Bit(on)) => counter.ov = on,
                    (CounterMember::Underflow, CellValue::Bit(on)) => counter.un = on,
                    (CounterMember::CountUp, CellValue::Bit(on)) => counter.cu = on,
                    (CounterMember::CountDown, CellValue::Bit(on)) => counter.cd = on,
                    _ => panic!("{address} and {value:?}"),
                }
            }
            _ => panic!("{address} and {value:?}"),
        }
    }

    /// Forces bit by bit; the last force of a bit counts.
    pub(crate) fn force(&mut self, address: Address, value: CellValue) {
        self.unforce(address);
        self.forces.push((address, value));
    }

    /// Ends the forces of the bits of an address. A force on a whole word that loses bits stays for the others.
    pub(crate) fn unforce(&mut self, address: Address) {
        let mut kept = Vec::new();
        for (forced, value) in std::mem::take(&mut self.forces) {
            for (bit, value) in bits_of(forced, value) {
                if !bits_of(address, blank(address)).iter().any(|(other, _)| *other == bit) {
                    kept.push((bit, value));
                }
            }
        }
        self.forces = kept;
    }

    pub(crate) fn clear_forces(&mut self) {
        self.forces.clear();
    }

    pub(crate) fn load_presets(&mut self, program: &Program) {
        for (_, instruction) in program.instructions() {
            use InstructionKind::{Ctd, Ctu, Rto, Tof, Ton};
            if matches!(instruction.kind, Ton | Tof | Rto | Ctu | Ctd) {
                self.load_preset(program, &instruction.operands);
            }
            for decorator in &instruction.decorators {
                if matches!(
                    decorator.kind,
                    DecoratorKind::Ton | DecoratorKind::Tof | DecoratorKind::Counter
                ) {
                    self.load_preset(program, &decorator.operands);
                }
            }
        }
    }

    fn load_preset(&mut self, program: &Program, operands: &[Operand]) {
        let number = number(&operands[1]);
        match operands[0].address(&program.symbol_map()).unwrap() {
            Address::Timer { timer } => self.timers.entry(timer).or_default().pre = number.clamp(0, 32767),
            Address::Counter { counter } => {
                self.counters.entry(counter).or_default().pre = number.clamp(-32768, 32767);
            }
            other => panic!("{other}"),
        }
    }

    pub(crate) fn scan(&mut self, program: &Program, dt_us: u32) {
        self.faults.clear();
        self.power.clear();
        for (number, rung) in program.rungs.iter().enumerate() {
            let mut place = vec![number];
            self.rung = number;
            self.path(program, &rung.elements, true, i64::from(dt_us), &mut place);
        }
    }

    fn path(&mut self, program: &Program, path: &[Element], power: bool, dt_us: i64, place: &mut Vec<usize>) -> bool {
        let mut power = power;
        for (number, element) in path.iter().enumerate() {
            place.push(number);
            power = match element {
                Element::Instruction(instruction) => {
                    let after = self.instruction(program, instruction, power, dt_us, place);
                    self.power.push(after);
                    after
                }
                Element::Branch(branch) => {
                    let mut result = branch.paths.is_empty() && power;
                    for (number, path) in branch.paths.iter().enumerate() {
                        place.push(number);
                        if self.path(program, path, power, dt_us, place) {
                            result = true;
                        }
                        place.pop();
                    }
                    result
                }
            };
            place.pop();
        }
        power
    }

    fn instruction(
        &mut self,
        program: &Program,
        instruction: &Instruction,
        power: bool,
        dt_us: i64,
        place: &mut Vec<usize>,
    ) -> bool {
        use InstructionKind::*;
        let operands = &instruction.operands;
        let address = |at: usize| operands[at].address(&program.symbol_map());
        match instruction.kind {
            Xic | Xio => {
                let closed = self.bit(address(0).unwrap()) == (instruction.kind == Xic);
                let mut power = power && closed;
                for (number, decorator) in instruction.decorators.iter().enumerate() {
                    place.push(number);
                    power = self.decorator(program, decorator, power, dt_us, place);
                    place.pop();
                }
                return power;
            }
            Equ | Neq | Les | Leq | Grt | Geq => {
                let a = self.source(program, &operands[0]);
                let b = self.source(program, &operands[1]);
                let holds = match instruction.kind {
                    Equ => a == b,
                    Neq => a != b,
                    Les => a < b,
                    Leq => a <= b,
                    Grt => a > b,
                    _ => a >= b,
                };
                return power && holds;
            }
            Ote => self.write(address(0).unwrap(), CellValue::Bit(power)),
            Otl if power => self.write(address(0).unwrap(), CellValue::Bit(true)),
            Otu if power => self.write(address(0).unwrap(), CellValue::Bit(false)),
            Ton | Tof | Rto => self.timer(instruction.kind, address(0).unwrap(), power, dt_us),
            Ctu | Ctd => self.counter(instruction.kind, address(0).unwrap(), power, false),
            Res if power => match address(0).unwrap() {
                Address::Timer { timer } => {
                    let timer = self.timers.entry(timer).or_default();
                    *timer = Timer {
                        pre: timer.pre,
                        ..Timer::default()
                    };
                }
                Address::Counter { counter } => {
                    let counter = self.counters.entry(counter).or_default();
                    *counter = Counter {
                        pre: counter.pre,
                        ..Counter::default()
                    };
                }
                other => panic!("{other}"),
            },
            Otl | Otu | Res => {}
            _ if power => self.words(program, instruction),
            _ => {}
        }
        power
    }

    /// Math, scale, move, shift with power before them.
    fn words(&mut self, program: &Program, instruction: &Instruction) {
        use InstructionKind::*;
        let operands = &instruction.operands;
        let a = i128::from(self.source(program, &operands[0]));
        let b = match operands.len() {
            3 | 4 => i128::from(self.source(program, &operands[1])),
            _ => 0,
        };
        let fits = |number: i128| number.clamp(i128::from(i32::MIN), i128::from(i32::MAX)) as i32;
        let result = match instruction.kind {
            Add => fits(a + b),
            Sub => fits(a - b),
            Mul => fits(a * b),
            Div | Mod if b == 0 => return self.fault("Division by zero", instruction),
            Div => fits(a / b),
            Mod => fits(a - a / b * b),
            Neg => fits(-a),
            Abs => fits(a.abs()),
            Band => (a as i32) & (b as i32),
            Bor => (a as i32) | (b as i32),
            Bxor => (a as i32) ^ (b as i32),
            Bnot => !(a as i32),
            N2b if (0..=31).contains(&a) => (1_u32 << a) as i32,
            N2b => 0,
            Mov => a as i32,
            Scl => {
                let [in_min, in_max, out_min, out_max] = [1, 2, 3, 4].map(|at| i128::from(number(&operands[at])));
                if in_min == in_max {
                    return self.fault("Input range is zero", instruction);
                }
                let scaled = out_min + (a - in_min) * (out_max - out_min) / (in_max - in_min);
                scaled.max(out_min.min(out_max)).min(out_min.max(out_max)) as i32
            }
            Bsl | Bsr => return self.shift(program, instruction),
            other => panic!("{other}"),
        };
        let dest = operands.last().unwrap();
        self.store(program, dest, result);
    }

    fn shift(&mut self, program: &Program, instruction: &Instruction) {
        let left = instruction.kind == InstructionKind::Bsl;
        let source = self.source(program, &instruction.operands[0]) as u32;
        let amount = self.source(program, &instruction.operands[1]);
        let mut bits: Vec<bool> = (0..32).map(|bit| source >> bit & 1 == 1).collect();
        let leaving = if left { bits[31] } else { bits[0] };
        if (0..=31).contains(&amount) {
            for _ in 0..amount {
                if left {
                    bits.insert(0, false);
                    bits.pop();
                } else {
                    bits.remove(0);
                    bits.push(false);
                }
            }
        } else {
            bits = vec![false; 32];
        }
        let control = match instruction.operands[3].address(&program.symbol_map()) {
            Some(Address::Word { region, word } | Address::Bit { region, word, .. }) => Some((region, word)),
            _ => None,
        };
        if let Some((region, word)) = control {
            let entering = self.bit(Address::Bit { region, word, bit: 0 });
            let end = if left { 0 } else { 31 };
            bits[end] = bits[end] || entering;
        }
        let number = bits
            .iter()
            .enumerate()
            .fold(0_u32, |number, (bit, on)| number | u32::from(*on) << bit);
        self.store(program, &instruction.operands[2], number as i32);
        if let Some((region, word)) = control {
            self.write(Address::Bit { region, word, bit: 1 }, CellValue::Bit(leaving));
        }
    }

    fn store(&mut self, program: &Program, dest: &Operand, number: i32) {
        match dest.address(&program.symbol_map()).unwrap() {
            Address::Bit { region, word, .. } => self.write(Address::Word { region, word }, CellValue::Word(number)),
            address @ Address::Word { .. } => self.write(address, CellValue::Word(number)),
            address => self.write(address, CellValue::Word(number.clamp(-32768, 32767))),
        }
    }

    fn fault(&mut self, text: &str, instruction: &Instruction) {
        let Instruction { kind, column, .. } = instruction;
        self.faults
            .push(format!("{text} at rung {}, column {column} ({kind})", self.rung));
    }

    fn timer(&mut self, kind: InstructionKind, address: Address, power: bool, dt_us: i64) {
        let Address::Timer { timer: number } = address else {
            panic!("{address}")
        };
        let member = |member| Address::TimerMember { timer: number, member };
        // What readers see decides, also about forced members.
        let pre = self.word(member(TimerMember::Preset));
        let acc = self.word(member(TimerMember::Accumulated));
        let was_done = self.bit(member(TimerMember::Done));
        let timer = self.timers.entry(number).or_default();
        let runs = match kind {
            InstructionKind::Tof => !power && was_done,
            _ => power,
        };
        let mut reached = false;
        if runs {
            if pre <= 0 || acc >= pre {
                reached = true;
            } else {
                let total_us = i64::from(acc) * 1000 + timer.rest_us + dt_us;
                reached = total_us >= i64::from(pre) * 1000;
                timer.acc = if reached { pre } else { total_us.div_euclid(1000) as i32 };
                timer.rest_us = if reached { 0 } else { total_us.rem_euclid(1000) };
            }
        }
        match kind {
            InstructionKind::Tof => {
                timer.en = power;
                timer.dn = power || runs && !reached;
                timer.tt = runs && !reached;
                if power {
                    (timer.acc, timer.rest_us) = (0, 0);
                }
            }
            _ => {
                timer.en = power;
                timer.tt = power && !reached;
                if power {
                    timer.dn = timer.dn || reached;
                } else if kind == InstructionKind::Ton {
                    timer.dn = false;
                    (timer.acc, timer.rest_us) = (0, 0);
                }
            }
        }
    }

    fn counter(&mut self, kind: InstructionKind, address: Address, power: bool, stops_at_preset: bool) {
        let Address::Counter { counter: number } = address else {
            panic!("{address}")
        };
        let member = |member| Address::CounterMember {
            counter: number,
            member,
        };
        let up = kind == InstructionKind::Ctu;
        let edge = member(if up {
            CounterMember::CountUp
        } else {
            CounterMember::CountDown
        });
        let is_full = self.word(member(CounterMember::Accumulated)) >= self.word(member(CounterMember::Preset));
        if power && !self.bit(edge) && !(stops_at_preset && is_full) {
            let next = self.word(member(CounterMember::Accumulated)) + if up { 1 } else { -1 };
            let counter = self.counters.entry(number).or_default();
            counter.acc = match next {
                32768 => {
                    counter.ov = true;
                    -32768
                }
                -32769 => {
                    counter.un = true;
                    32767
                }
                next => next,
            };
        }
        let acc = self.word(member(CounterMember::Accumulated));
        let done = if up {
            acc >= self.word(member(CounterMember::Preset))
        } else {
            acc <= 0
        };
        self.write(edge, CellValue::Bit(power));
        self.write(member(CounterMember::Done), CellValue::Bit(done));
    }

    fn decorator(
        &mut self,
        program: &Program,
        decorator: &Decorator,
        input: bool,
        dt_us: i64,
        place: &[usize],
    ) -> bool {
        let slot = || decorator.operands[0].address(&program.symbol_map()).unwrap();
        match decorator.kind {
            DecoratorKind::Ton | DecoratorKind::Tof => {
                let kind = match decorator.kind {
                    DecoratorKind::Ton => InstructionKind::Ton,
                    _ => InstructionKind::Tof,
                };
                let Address::Timer { timer } = slot() else { panic!() };
                self.timer(kind, slot(), input, dt_us);
                self.bit(Address::TimerMember {
                    timer,
                    member: TimerMember::Done,
                })
            }
            DecoratorKind::Counter => {
                let Address::Counter { counter } = slot() else { panic!() };
                self.counter(InstructionKind::Ctu, slot(), input, true);
                self.bit(Address::CounterMember {
                    counter,
                    member: CounterMember::Done,
                })
            }
            DecoratorKind::Osr => {
                let was = self.one_shots.insert(place.to_vec(), input).unwrap_or(false);
                input && !was
            }
            DecoratorKind::Osf => {
                let was = self.one_shots.insert(place.to_vec(), input).unwrap_or(false);
                was && !input
            }
            DecoratorKind::Debounce => {
                let time_us = i64::from(number(&decorator.operands[0]).clamp(0, 32767)) * 1000;
                let fresh = Debounced {
                    last_input: input,
                    output: input,
                    since_us: -dt_us,
                };
                let state = self.debounced.entry(place.to_vec()).or_insert(fresh);
                state.since_us = if state.last_input == input {
                    state.since_us + dt_us
                } else {
                    0
                };
                state.last_input = input;
                if state.since_us >= time_us {
                    state.output = input;
                }
                state.output
            }
        }
    }

    fn source(&self, program: &Program, operand: &Operand) -> i32 {
        match operand.value {
            OperandValue::Number(number) => number,
            _ => match operand.address(&program.symbol_map()).unwrap() {
                Address::Bit { region, word, .. } => self.word(Address::Word { region, word }),
                address => self.word(address),
            },
        }
    }

    fn word(&self, address: Address) -> i32 {
        match self.read(address) {
            CellValue::Word(number) => number,
            CellValue::Bit(_) => panic!("{address} is a bit"),
        }
    }

    fn bit(&self, address: Address) -> bool {
        match self.read(address) {
            CellValue::Bit(on) => on,
            CellValue::Word(_) => panic!("{address} is a word"),
        }
    }
}

fn number(operand: &Operand) -> i32 {
    match operand.value {
        OperandValue::Number(number) => number,
        _ => panic!("{operand:?}"),
    }
}

/// Any value of the right kind.
fn blank(address: Address) -> CellValue {
    match address {
        Address::Word { .. }
        | Address::TimerMember {
            member: TimerMember::Preset | TimerMember::Accumulated,
            ..
        }
        | Address::CounterMember {
            member: CounterMember::Preset | CounterMember::Accumulated,
            ..
        } => CellValue::Word(0),
        _ => CellValue::Bit(false),
    }
}

/// A force on a word of I, O, B or N as forces on its bits; any other stays whole.
fn bits_of(address: Address, value: CellValue) -> Vec<(Address, CellValue)> {
    match (address, value) {
        (Address::Word { region, word }, CellValue::Word(number)) => (0..32)
            .map(|bit| {
                (
                    Address::Bit { region, word, bit },
                    CellValue::Bit(number & (1 << bit) != 0),
                )
            })
            .collect(),
        _ => vec![(address, value)],
    }
}

/// A value as it looks under one force.
fn overlay(address: Address, value: CellValue, forced: Address, to: CellValue) -> CellValue {
    if address == forced {
        return to;
    }
    for (bit, to) in bits_of(forced, to) {
        if bit == address {
            return to;
        }
    }
    match (address, value, forced, to) {
        (
            Address::Word { region, word },
            CellValue::Word(number),
            Address::Bit {
                region: forced_region,
                word: forced_word,
                bit,
            },
            CellValue::Bit(on),
        ) if region == forced_region && word == forced_word => {
            CellValue::Word(if on { number | (1 << bit) } else { number & !(1 << bit) })
        }
        _ => value,
    }
}
