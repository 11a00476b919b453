//! What a scan costs: the 1,000 rungs of `bench/plc/gen.py`, executed by the controller as a driver does it.
//!
//! Criterion shows the time per scan and, as throughput, instructions per second; 1 Gelem/s is 1 ns per instruction.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crosstie_ladder::compile::CompiledProgram;
use crosstie_ladder::controller::{Command, Controller, ControllerSettings, Inputs};
use crosstie_ladder::data_table::CellValue;
use crosstie_ladder::text;

const PROGRAM: &str = include_str!("program.txt");
const DT_US: u32 = 10_000;

fn running() -> (Controller, u64) {
    let program = text::read(PROGRAM).expect("the program is part of the bench");
    let compiled = CompiledProgram::new(&program).expect("the program is part of the bench");
    let instructions = compiled.instructions() as u64;
    let mut controller = Controller::new(ControllerSettings::default());
    controller.load(compiled);
    controller
        .command(Command::Start, &Inputs::default())
        .expect("a program is loaded");
    (controller, instructions)
}

/// Inputs of which one bit changes per scan, as a plant's do.
fn moving(inputs: &mut Inputs, scan: u64) {
    let bit = scan.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56;
    inputs.words[(bit >> 5) as usize] ^= 1 << (bit & 31);
}

fn scans(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan_1000_rungs");
    let mut case = |name: &str, prepare: &dyn Fn(&mut Controller), moves: bool| {
        let (mut controller, instructions) = running();
        prepare(&mut controller);
        let mut inputs = Inputs {
            words: [0x5A5A_5A5A; 8],
            driven: [u32::MAX; 8],
        };
        let mut count = 0;
        group.throughput(Throughput::Elements(instructions));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                if moves {
                    moving(&mut inputs, count);
                    count += 1;
                }
                black_box(controller.scan(black_box(&inputs), DT_US));
            });
        });
    };
    case("inputs_still", &|_| (), false);
    case("one_input_moves", &|_| (), true);
    let force = |controller: &mut Controller| {
        let address = "B:5/5".parse().expect("the address exists");
        controller.force(address, CellValue::Bit(true)).expect("it is a bit");
    };
    case("one_input_moves_with_a_force", &force, true);
    case(
        "one_input_moves_power_recorded",
        &|controller| controller.record_power(true),
        true,
    );
    group.finish();
}

fn changes(criterion: &mut Criterion) {
    let (mut controller, _) = running();
    let mut inputs = Inputs {
        words: [0x5A5A_5A5A; 8],
        driven: [u32::MAX; 8],
    };
    let mut count = 0;
    criterion.bench_function("scan_and_take_changes", |bencher| {
        bencher.iter(|| {
            moving(&mut inputs, count);
            count += 1;
            controller.scan(&inputs, DT_US);
            controller.take_changes(|change| {
                black_box(change);
            });
        });
    });
}

criterion_group!(benches, scans, changes);
criterion_main!(benches);
