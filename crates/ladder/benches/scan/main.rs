//! What a scan costs: the 1,000 rungs of `bench/plc/gen.py`, executed by the controller as a driver does it.
//!
//! First beside the floor, the same program as C (`-- floor` for this alone): times in random order, their ratio, and machine
//! instructions where valgrind is installed. Then criterion's cases: the time per scan and, as throughput, instructions per
//! second; 1 Gelem/s is 1 ns per instruction.

mod compare;
mod floor;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use crosstie_ladder::compile::CompiledProgram;
use crosstie_ladder::controller::{Command, Controller, ControllerSettings, Inputs};
use crosstie_ladder::data_table::CellValue;
use crosstie_ladder::program::Program;
use crosstie_ladder::text;

const PROGRAM: &str = include_str!("program.txt");
const DT_US: u32 = 10_000;

fn program() -> Program {
    text::read(PROGRAM).expect("the program is part of the bench")
}

/// A controller that runs, and inputs of which one bit changes per scan, as a plant's do.
struct Plant {
    controller: Controller,
    instructions: u64,
    inputs: Inputs,
    count: u64,
}

impl Plant {
    fn new() -> Plant {
        let compiled = CompiledProgram::new(&program()).expect("the program is part of the bench");
        let instructions = compiled.instructions() as u64;
        let mut controller = Controller::new(ControllerSettings::default());
        controller.load(compiled);
        controller
            .command(Command::Start, &Inputs::default())
            .expect("a program is loaded");
        Plant {
            controller,
            instructions,
            inputs: Inputs {
                words: [0x5A5A_5A5A; 8],
                driven: [u32::MAX; 8],
            },
            count: 0,
        }
    }

    fn scan(&mut self) {
        let bit = self.count.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56;
        self.inputs.words[(bit >> 5) as usize] ^= 1 << (bit & 31);
        self.count += 1;
        black_box(self.controller.scan(black_box(&self.inputs), DT_US));
    }

    /// All memory as one number, by FNV-1a over words.
    fn fold(&self, sum: u64) -> u64 {
        let words = self.controller.table().words().iter();
        words.fold(sum, |sum, word| {
            (sum ^ u64::from(*word)).wrapping_mul(1_099_511_628_211)
        })
    }
}

fn scans(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan_1000_rungs");
    let mut case = |name: &str, prepare: &dyn Fn(&mut Controller)| {
        let mut plant = Plant::new();
        prepare(&mut plant.controller);
        group.throughput(Throughput::Elements(plant.instructions));
        group.bench_function(name, |bencher| bencher.iter(|| plant.scan()));
    };
    case("plain", &|_| ());
    case("with_a_force", &|controller| {
        let address = "B:5/5".parse().expect("the address exists");
        controller.force(address, CellValue::Bit(true)).expect("it is a bit");
    });
    case("power_recorded", &|controller| controller.record_power(true));
    group.finish();
}

fn changes(criterion: &mut Criterion) {
    let mut plant = Plant::new();
    criterion.bench_function("scan_and_take_changes", |bencher| {
        bencher.iter(|| {
            plant.scan();
            plant.controller.take_changes(|change| {
                black_box(change);
            });
        });
    });
}

fn main() {
    let arguments: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--scans", count] => {
            let mut plant = Plant::new();
            (0..count.parse::<u64>().unwrap_or(0)).for_each(|_| plant.scan());
        }
        ["floor"] => compare::run(&program()),
        filters => {
            if filters.is_empty() {
                compare::run(&program());
            }
            let mut criterion = Criterion::default().configure_from_args();
            scans(&mut criterion);
            changes(&mut criterion);
            criterion.final_summary();
        }
    }
}
