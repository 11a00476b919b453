//! The instructions: their mnemonics, their operands, and one room per family that says what they do (PL-51 to PL-64).
//!
//! A room takes the data table, places that are already checked, and the power from the left. What it means to stand in a rung
//! is the matter of [`crate::compile`].

pub(crate) mod compare;
pub(crate) mod counter;
pub(crate) mod decorator;
pub(crate) mod math;
pub(crate) mod shift;
pub(crate) mod timer;

use std::fmt;

/// What an instruction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InstructionKind {
    /// `XIC`, examine if closed: true when the bit is on.
    Xic,
    /// `XIO`, examine if open: true when the bit is off.
    Xio,
    /// `OTE`, output energize: the bit is the power.
    Ote,
    /// `OTL`, output latch: power sets the bit.
    Otl,
    /// `OTU`, output unlatch: power clears the bit.
    Otu,
    /// `TON`, timer on delay.
    Ton,
    /// `TOF`, timer off delay.
    Tof,
    /// `RTO`, retentive timer on.
    Rto,
    /// `CTU`, count up.
    Ctu,
    /// `CTD`, count down.
    Ctd,
    /// `RES`, reset of a timer or counter.
    Res,
    /// `ADD`.
    Add,
    /// `SUB`.
    Sub,
    /// `MUL`.
    Mul,
    /// `DIV`.
    Div,
    /// `MOD`, the rest of a division.
    Mod,
    /// `NEG`, negate.
    Neg,
    /// `ABS`, absolute value.
    Abs,
    /// `SCL`, scale from one range to another.
    Scl,
    /// `EQU`, equal.
    Equ,
    /// `NEQ`, not equal.
    Neq,
    /// `LES`, less than.
    Les,
    /// `LEQ`, less than or equal.
    Leq,
    /// `GRT`, greater than.
    Grt,
    /// `GEQ`, greater than or equal.
    Geq,
    /// `MOV`, move.
    Mov,
    /// `BAND`, bitwise and.
    Band,
    /// `BOR`, bitwise or.
    Bor,
    /// `BXOR`, bitwise exclusive or.
    Bxor,
    /// `BNOT`, bitwise not.
    Bnot,
    /// `BSL`, bit shift left.
    Bsl,
    /// `BSR`, bit shift right.
    Bsr,
    /// `N2B`, number to bit.
    N2b,
}

impl InstructionKind {
    /// All of them, in the order of the contract.
    pub const ALL: [InstructionKind; 33] = {
        use InstructionKind::*;
        [
            Xic, Xio, Ote, Otl, Otu, Ton, Tof, Rto, Ctu, Ctd, Res, Add, Sub, Mul, Div, Mod, Neg, Abs, Scl, Equ, Neq,
            Les, Leq, Grt, Geq, Mov, Band, Bor, Bxor, Bnot, Bsl, Bsr, N2b,
        ]
    };

    /// Reads a mnemonic, in any case.
    ///
    /// # Errors
    ///
    /// An [`UnknownInstruction`] that repeats the name.
    pub fn parse(name: &str) -> Result<InstructionKind, UnknownInstruction> {
        let known = InstructionKind::ALL.into_iter();
        known
            .into_iter()
            .find(|kind| kind.mnemonic().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                let got = name.chars().take(SHOWN_CHARS).collect();
                match NEWER.iter().any(|newer| newer.eq_ignore_ascii_case(name)) {
                    true => UnknownInstruction::Newer { got },
                    false => UnknownInstruction::Unknown { got },
                }
            })
    }

    /// The name in files and texts.
    pub const fn mnemonic(self) -> &'static str {
        use InstructionKind::*;
        match self {
            Xic => "XIC",
            Xio => "XIO",
            Ote => "OTE",
            Otl => "OTL",
            Otu => "OTU",
            Ton => "TON",
            Tof => "TOF",
            Rto => "RTO",
            Ctu => "CTU",
            Ctd => "CTD",
            Res => "RES",
            Add => "ADD",
            Sub => "SUB",
            Mul => "MUL",
            Div => "DIV",
            Mod => "MOD",
            Neg => "NEG",
            Abs => "ABS",
            Scl => "SCL",
            Equ => "EQU",
            Neq => "NEQ",
            Les => "LES",
            Leq => "LEQ",
            Grt => "GRT",
            Geq => "GEQ",
            Mov => "MOV",
            Band => "BAND",
            Bor => "BOR",
            Bxor => "BXOR",
            Bnot => "BNOT",
            Bsl => "BSL",
            Bsr => "BSR",
            N2b => "N2B",
        }
    }

    /// The operands, in the order of the text form. Their names are the attributes of a project file (PL-70).
    pub const fn operands(self) -> &'static [OperandSpec] {
        use InstructionKind::*;
        use OperandRole::*;
        const CONTACT: &[OperandSpec] = &[spec("address", Bit)];
        const COIL: &[OperandSpec] = &[spec("address", OutputBit)];
        const TIMER: &[OperandSpec] = &[spec("address", Timer), spec("preset", TimerPreset)];
        const COUNTER: &[OperandSpec] = &[spec("address", Counter), spec("preset", CounterPreset)];
        const RESET: &[OperandSpec] = &[spec("address", TimerOrCounter)];
        const COMPARE: &[OperandSpec] = &[spec("sourceA", Source), spec("sourceB", Source)];
        const TWO: &[OperandSpec] = &[
            spec("sourceA", Source),
            spec("sourceB", Source),
            spec("dest", Destination),
        ];
        const ONE: &[OperandSpec] = &[spec("sourceA", Source), spec("dest", Destination)];
        const MOVE: &[OperandSpec] = &[spec("source", Source), spec("dest", MoveDestination)];
        const SCALE: &[OperandSpec] = &[
            spec("source", Source),
            spec("inMin", Number),
            spec("inMax", Number),
            spec("outMin", Number),
            spec("outMax", Number),
            spec("dest", Destination),
        ];
        const SHIFT: &[OperandSpec] = &[
            spec("sourceA", Source),
            spec("sourceB", Source),
            spec("dest", Destination),
            spec("ctrl", Control),
        ];
        match self {
            Xic | Xio => CONTACT,
            Ote | Otl | Otu => COIL,
            Ton | Tof | Rto => TIMER,
            Ctu | Ctd => COUNTER,
            Res => RESET,
            Add | Sub | Mul | Div | Mod | Band | Bor | Bxor => TWO,
            Neg | Abs | Bnot | N2b => ONE,
            Scl => SCALE,
            Equ | Neq | Les | Leq | Grt | Geq => COMPARE,
            Mov => MOVE,
            Bsl | Bsr => SHIFT,
        }
    }

    /// Whether it is a condition: it can take the power away. All others are outputs, which pass it on (PL-50).
    pub const fn is_condition(self) -> bool {
        use InstructionKind::*;
        matches!(self, Xic | Xio | Equ | Neq | Les | Leq | Grt | Geq)
    }

    /// Whether it may carry decorators (PL-64).
    pub const fn takes_decorators(self) -> bool {
        matches!(self, InstructionKind::Xic | InstructionKind::Xio)
    }
}

impl fmt::Display for InstructionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mnemonic())
    }
}

/// Instructions of newer PiPLC engines that have no public description (PL-63).
const NEWER: [&str; 3] = ["INTERVAL", "INTERVALMS", "SCRIPT"];

/// How much of an unknown name a complaint repeats.
const SHOWN_CHARS: usize = 16;

/// A mnemonic that is not known. A program with one is refused, never run without it (PL-63).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownInstruction {
    /// PiPLC has it since a version after 0.1.31.
    #[error("`{got}` belongs to a newer PiPLC and cannot be run; replace it by timers or compare instructions")]
    Newer {
        /// The name, cut after 16 characters.
        got: String,
    },
    /// Nobody has it.
    #[error("expected an instruction such as XIC, OTE or TON, got `{got}`")]
    Unknown {
        /// The name, cut after 16 characters.
        got: String,
    },
}

/// An operand of an instruction: what it is called and what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperandSpec {
    /// The attribute in a project file, such as `sourceA`.
    pub name: &'static str,
    /// What it must be.
    pub role: OperandRole,
}

const fn spec(name: &'static str, role: OperandRole) -> OperandSpec {
    OperandSpec { name, role }
}

/// What an operand must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperandRole {
    /// A bit that is read: of I, O, B or N, or a flag of a timer or counter.
    Bit,
    /// A bit that is written: of I, O, B or N.
    OutputBit,
    /// A timer as a whole.
    Timer,
    /// A counter as a whole.
    Counter,
    /// A timer or counter as a whole.
    TimerOrCounter,
    /// A preset in milliseconds, 0 to 32,767; outside of it: clamped, with a warning.
    TimerPreset,
    /// A count, -32,768 to 32,767; outside of it: clamped, with a warning.
    CounterPreset,
    /// A whole number of 32 bits.
    Number,
    /// A number, a word of I, O, B or N (a bit means its word), `.PRE` or `.ACC`.
    Source,
    /// A word of I, O, B or N (a bit means its word).
    Destination,
    /// The same, or `.PRE` or `.ACC`.
    MoveDestination,
    /// A word of B (a bit means its word), or nothing.
    Control,
}

impl OperandRole {
    /// What to write there, for a complaint.
    pub const fn expected(self) -> &'static str {
        match self {
            OperandRole::Bit => "a bit such as `I:0/3`, `B:3/0` or `T:4.DN`",
            OperandRole::OutputBit => "a bit of I, O, B or N such as `O:0/3`",
            OperandRole::Timer => "a timer such as `T:4`",
            OperandRole::Counter => "a counter such as `C:4`",
            OperandRole::TimerOrCounter => "a timer or counter such as `T:4`",
            OperandRole::TimerPreset => "a preset in milliseconds, 0 to 32767",
            OperandRole::CounterPreset => "a preset, -32768 to 32767",
            OperandRole::Number => "a whole number",
            OperandRole::Source => "a number or a word such as `N:7` or `T:4.ACC`",
            OperandRole::Destination => "a word of I, O, B or N such as `N:7`",
            OperandRole::MoveDestination => "a word such as `N:7` or `T:4.PRE`",
            OperandRole::Control => "a word of B such as `B:3`",
        }
    }
}

/// What a decorator of a contact does (PL-64).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DecoratorKind {
    /// `TON`: on after the preset.
    Ton,
    /// `TOF`: off after the preset; holds the rung meanwhile.
    Tof,
    /// `OSR`, one shot rising: on for one scan after off.
    Osr,
    /// `OSF`, one shot falling: on for one scan after on.
    Osf,
    /// `DEBOUNCE`: follows when the input has been stable.
    Debounce,
    /// `COUNTER`: on when the preset is reached.
    Counter,
}

impl DecoratorKind {
    /// All of them.
    pub const ALL: [DecoratorKind; 6] = [
        DecoratorKind::Ton,
        DecoratorKind::Tof,
        DecoratorKind::Osr,
        DecoratorKind::Osf,
        DecoratorKind::Debounce,
        DecoratorKind::Counter,
    ];

    /// Reads a name, in any case; `CTU` is another name of `COUNTER`. `None` when it is none.
    pub fn parse(name: &str) -> Option<DecoratorKind> {
        match name.eq_ignore_ascii_case("CTU") {
            true => Some(DecoratorKind::Counter),
            false => DecoratorKind::ALL
                .into_iter()
                .find(|kind| kind.name().eq_ignore_ascii_case(name)),
        }
    }

    /// The name in texts.
    pub const fn name(self) -> &'static str {
        match self {
            DecoratorKind::Ton => "TON",
            DecoratorKind::Tof => "TOF",
            DecoratorKind::Osr => "OSR",
            DecoratorKind::Osf => "OSF",
            DecoratorKind::Debounce => "DEBOUNCE",
            DecoratorKind::Counter => "COUNTER",
        }
    }

    /// The operands: at most the timer or counter that keeps its state, then its number. The number's attribute in a project
    /// file is `preset` or `debounceTime`.
    pub const fn operands(self) -> &'static [OperandSpec] {
        const TIMER: &[OperandSpec] = &[
            spec("address", OperandRole::Timer),
            spec("preset", OperandRole::TimerPreset),
        ];
        const COUNTER: &[OperandSpec] = &[
            spec("address", OperandRole::Counter),
            spec("preset", OperandRole::CounterPreset),
        ];
        const DEBOUNCE: &[OperandSpec] = &[spec("debounceTime", OperandRole::TimerPreset)];
        match self {
            DecoratorKind::Ton | DecoratorKind::Tof => TIMER,
            DecoratorKind::Osr | DecoratorKind::Osf => &[],
            DecoratorKind::Debounce => DEBOUNCE,
            DecoratorKind::Counter => COUNTER,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mnemonic_reads_back_in_any_case() {
        for (number, kind) in InstructionKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
            assert_eq!(InstructionKind::parse(kind.mnemonic()), Ok(kind));
            assert_eq!(InstructionKind::parse(&kind.mnemonic().to_lowercase()), Ok(kind));
        }
        for kind in DecoratorKind::ALL {
            assert_eq!(DecoratorKind::parse(&kind.name().to_lowercase()), Some(kind));
        }
        assert_eq!(DecoratorKind::parse("ONS"), None);
    }

    #[test]
    fn pl63_newer_instructions_are_refused_by_name() {
        for name in ["INTERVAL", "IntervalMs", "SCRIPT"] {
            let error = InstructionKind::parse(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("newer"), "{error}");
        }
        let error = InstructionKind::parse("a very long name of nothing").unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected an instruction such as XIC, OTE or TON, got `a very long name`"
        );
    }
}
