//! The floor of a scan: the same program as C, compiled with `gcc -O2`, as a process of its own.
//!
//! What is written is what a person would write by hand who knows that nothing is ever forced, watched or stopped: one
//! expression per rung, on global arrays. It knows the instructions that the program of this bench uses, and says so about any
//! other.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crosstie_ladder::address::Address;
use crosstie_ladder::instruction::InstructionKind;
use crosstie_ladder::program::{Element, Instruction, OperandValue, Program, SymbolMap};
use crosstie_ladder::{CounterMember, Region, TimerMember};

/// What stands before the rungs: memory in the order of the engine's words, timers and counters with their flags.
const HEAD: &str = r"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
typedef struct { int16_t pre, acc; uint8_t flags; } cell;
static uint32_t B[80];
static int32_t N[256];
static cell T[64], C[64];

static inline void ton(cell *t, int power) {
    if (!power) { t->acc = 0; t->flags = 0; return; }
    if (t->acc < t->pre) { int next = t->acc + DT_MS; t->acc = next < t->pre ? next : t->pre; }
    t->flags = t->acc >= t->pre ? 5 : 3;
}
static inline void ctu(cell *c, int power) {
    uint8_t flags = (c->flags & 6) | (power ? 8 : 0);
    if (power && !(c->flags & 8)) { if (c->acc == 32767) { c->acc = -32768; flags |= 2; } else c->acc++; }
    c->flags = flags | (c->acc >= c->pre);
}
static inline int32_t add(int32_t a, int32_t b) {
    int32_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (a < 0 ? INT32_MIN : INT32_MAX) : sum;
}
";

/// What stands behind them: the loop that moves one input per scan and folds all memory into a number now and then.
const TAIL: &str = r#"
static uint64_t fold(uint64_t sum) {
#define WORD(x) sum = (sum ^ (uint32_t)(x)) * 1099511628211ull
    for (int i = 0; i < 80; i++) WORD(B[i]);
    for (int i = 0; i < 256; i++) WORD(N[i]);
    for (int i = 0; i < 64; i++) { WORD(T[i].pre); WORD(T[i].acc); WORD(T[i].flags); WORD(0); }
    for (int i = 0; i < 64; i++) { WORD(C[i].pre); WORD(C[i].acc); WORD(C[i].flags); WORD(0); }
    return sum;
}
int main(int count, char **arguments) {
    uint64_t scans = strtoull(arguments[1], 0, 10), every = strtoull(arguments[2], 0, 10);
    uint64_t sum = 14695981039346656037ull;
    uint32_t in[8];
    struct timespec from, to;
    (void)count;
    presets();
    for (int i = 0; i < 8; i++) in[i] = 0x5A5A5A5A;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (uint64_t n = 0; n < scans; n++) {
        uint64_t bit = (n * 0x9E3779B97F4A7C15ull) >> 56;
        in[bit >> 5] ^= 1u << (bit & 31);
        for (int i = 0; i < 8; i++) B[i] = in[i];
        scan();
        if ((n + 1) % every == 0) sum = fold(sum);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%lld %llu\n", (to.tv_sec - from.tv_sec) * 1000000000ll + to.tv_nsec - from.tv_nsec, (unsigned long long)sum);
}
"#;

/// Writes the program as C and compiles it into `folder`; the path of what can be run.
///
/// # Errors
///
/// A text for a person: gcc is missing or refuses, the folder cannot be written, or the program has an instruction that
/// is not known here.
pub(crate) fn build(program: &Program, dt_ms: u32, folder: &Path) -> Result<PathBuf, String> {
    let source = folder.join("floor.c");
    let binary = folder.join("floor");
    std::fs::write(&source, text(program, dt_ms)?).map_err(|error| format!("{}: {error}", source.display()))?;
    let gcc = Command::new("gcc")
        .arg("-O2")
        .arg("-o")
        .args([&binary, &source])
        .output();
    match gcc {
        Err(error) => Err(format!("gcc cannot be started ({error}); install it to see the floor")),
        Ok(output) if !output.status.success() => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Ok(_) => Ok(binary),
    }
}

/// The program as C.
fn text(program: &Program, dt_ms: u32) -> Result<String, String> {
    let writer = Writer {
        symbols: program.symbol_map(),
    };
    let mut presets = String::new();
    for (_, instruction) in program.instructions() {
        if matches!(instruction.kind, InstructionKind::Ton | InstructionKind::Ctu) {
            let _ = writeln!(
                presets,
                "    {}.pre = {};",
                writer.place(instruction, 0)?,
                writer.place(instruction, 1)?
            );
        }
    }
    let mut rungs = String::new();
    for rung in &program.rungs {
        writer.rung(&rung.elements, &mut rungs)?;
    }
    Ok(format!(
        "#define DT_MS {dt_ms}{HEAD}\nstatic void presets(void) {{\n{presets}}}\n\
         static __attribute__((noinline)) void scan(void) {{\n{rungs}}}\n{TAIL}"
    ))
}

struct Writer<'a> {
    symbols: SymbolMap<'a>,
}

impl Writer<'_> {
    /// Conditions become one expression, outputs statements on its value.
    fn rung(&self, elements: &[Element], rungs: &mut String) -> Result<(), String> {
        let conditions = elements.iter().take_while(|element| is_condition(element)).count();
        let _ = write!(rungs, "    {{ int p = {};", self.path(&elements[..conditions])?);
        for element in &elements[conditions..] {
            let Element::Instruction(instruction) = element else {
                return Err("expected branches of conditions only".to_owned());
            };
            let _ = write!(rungs, " {}", self.output(instruction)?);
        }
        rungs.push_str(" }\n");
        Ok(())
    }

    /// Elements in series.
    fn path(&self, elements: &[Element]) -> Result<String, String> {
        let mut terms = Vec::new();
        for element in elements {
            terms.push(match element {
                Element::Instruction(instruction) => self.condition(instruction)?,
                Element::Branch(branch) => {
                    let paths: Result<Vec<_>, _> = branch.paths.iter().map(|path| self.path(path)).collect();
                    format!("({})", paths?.join(" || "))
                }
            });
        }
        match terms.is_empty() {
            true => Ok("1".to_owned()),
            false => Ok(terms.join(" && ")),
        }
    }

    fn condition(&self, instruction: &Instruction) -> Result<String, String> {
        use InstructionKind::{Equ, Geq, Grt, Leq, Les, Neq, Xic, Xio};
        let operator = match instruction.kind {
            Xic => {
                return self
                    .bit(instruction)
                    .map(|[word, bit]| format!("({word} >> {bit} & 1)"));
            }
            Xio => {
                return self
                    .bit(instruction)
                    .map(|[word, bit]| format!("!({word} >> {bit} & 1)"));
            }
            Equ => "==",
            Neq => "!=",
            Les => "<",
            Leq => "<=",
            Grt => ">",
            Geq => ">=",
            other => return Err(format!("expected a condition, got {other}")),
        };
        let [a, b] = [self.place(instruction, 0)?, self.place(instruction, 1)?];
        Ok(format!("({a} {operator} {b})"))
    }

    fn output(&self, instruction: &Instruction) -> Result<String, String> {
        use InstructionKind::{Add, Ctu, Mov, Ote, Otl, Otu, Ton};
        let place = |at| self.place(instruction, at);
        Ok(match instruction.kind {
            Ote => {
                let [word, bit] = self.bit(instruction)?;
                format!("if (p) {word} |= 1u << {bit}; else {word} &= ~(1u << {bit});")
            }
            Otl => self
                .bit(instruction)
                .map(|[word, bit]| format!("if (p) {word} |= 1u << {bit};"))?,
            Otu => self
                .bit(instruction)
                .map(|[word, bit]| format!("if (p) {word} &= ~(1u << {bit});"))?,
            Ton => format!("ton(&{}, p);", place(0)?),
            Ctu => format!("ctu(&{}, p);", place(0)?),
            Add => format!("if (p) {} = add({}, {});", place(2)?, place(0)?, place(1)?),
            Mov => format!("if (p) {} = {};", place(1)?, place(0)?),
            other => return Err(format!("expected an output of the bench's program, got {other}")),
        })
    }

    /// The first operand as a word and the number of a bit in it.
    fn bit(&self, instruction: &Instruction) -> Result<[String; 2], String> {
        Ok(match instruction.operands[0].address(&self.symbols) {
            Some(Address::Bit { region, word, bit }) => [memory(region, word), bit.to_string()],
            Some(Address::TimerMember {
                timer,
                member: TimerMember::Done,
            }) => [format!("T[{timer}].flags"), "2".to_owned()],
            Some(Address::CounterMember {
                counter,
                member: CounterMember::Done,
            }) => [format!("C[{counter}].flags"), "0".to_owned()],
            _ => return Err(format!("expected a bit of I, O, B or a DN in {}", instruction.kind)),
        })
    }

    /// An operand that is a number, a word, a timer or a counter.
    fn place(&self, instruction: &Instruction, at: usize) -> Result<String, String> {
        let operand = &instruction.operands[at];
        if let OperandValue::Number(number) = operand.value {
            return Ok(format!("({number})"));
        }
        match operand.address(&self.symbols) {
            Some(Address::Word { region, word }) => Ok(memory(region, word)),
            Some(Address::Timer { timer }) => Ok(format!("T[{timer}]")),
            Some(Address::Counter { counter }) => Ok(format!("C[{counter}]")),
            _ => Err(format!(
                "expected a number, word, timer or counter in {}",
                instruction.kind
            )),
        }
    }
}

fn is_condition(element: &Element) -> bool {
    match element {
        Element::Instruction(instruction) => instruction.kind.is_condition(),
        Element::Branch(branch) => branch.paths.iter().flatten().all(is_condition),
    }
}

fn memory(region: Region, word: u8) -> String {
    match region {
        Region::Input => format!("B[{word}]"),
        Region::Output => format!("B[{}]", word + 8),
        Region::Bits => format!("B[{}]", word + 16),
        Region::Integer => format!("N[{word}]"),
    }
}
