//! The engine beside its floor: both execute the same scans in random order, and end with the same memory.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crosstie_ladder::program::Program;

use crate::{DT_US, Plant, floor};

/// Scans of one repetition; about a quarter of a second for the engine.
const SCANS: u64 = 50_000;
/// After how many scans all memory is folded into the checksum.
const FOLD_EVERY: u64 = 500;
/// Repetitions of each.
const REPETITIONS: usize = 9;
/// Scans under callgrind: what the second number has more than the first is what scans cost, without start and end.
const COUNTED: [u64; 2] = [200, 1_200];

/// Nanoseconds per instruction of one repetition, and the checksum of all memory.
type Run = (f64, u64);

/// Runs the comparison and prints it; says why when there is no floor to compare with.
///
/// # Panics
///
/// When engine and floor do not end with the same memory: one of them is wrong, and its speed means nothing.
pub(crate) fn run(program: &Program) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let floor = match floor::build(program, DT_US / 1000, folder) {
        Ok(floor) => floor,
        Err(why) => {
            println!("no floor: {why}");
            return;
        }
    };
    let mut runs: [Vec<Run>; 2] = Default::default();
    let mut random = Instant::now().elapsed().subsec_nanos() ^ std::process::id();
    for repetition in 0..=REPETITIONS {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        let first = (random & 1) as usize;
        for which in [first, 1 - first] {
            let run = if which == 0 { engine() } else { gcc(&floor) };
            // The first of each warms the machine.
            if repetition > 0 {
                runs[which].push(run);
            }
        }
    }
    let [engine, gcc] = runs;
    let sums = engine.iter().chain(&gcc).map(|run| run.1);
    assert!(
        sums.clone().all(|sum| sum == engine[0].1),
        "engine and floor end with different memory: {:x?}",
        sums.collect::<Vec<_>>()
    );
    let ratios: Vec<_> = engine.iter().zip(&gcc).map(|(engine, gcc)| engine.0 / gcc.0).collect();
    let times = |runs: &[Run]| runs.iter().map(|run| run.0).collect::<Vec<_>>();
    println!("scan of 1,000 rungs, {REPETITIONS} × {SCANS} scans in random order, median (range), equal checksums:");
    println!("  engine   {} ns per instruction", spread(times(&engine)));
    println!("  gcc -O2  {} ns per instruction", spread(times(&gcc)));
    println!("  ratio    {}", spread(ratios));
    let counted = |command: &dyn Fn(u64) -> Command| counted(command).map(|count| format!("{count:.2}"));
    let engine = counted(&|scans| {
        let mut command = callgrind();
        command
            .arg(std::env::current_exe().unwrap_or_default())
            .args(["--scans", &scans.to_string()]);
        command
    });
    let gcc = counted(&|scans| {
        let mut command = callgrind();
        command.arg(&floor).args([scans.to_string(), u64::MAX.to_string()]);
        command
    });
    match engine.and_then(|engine| Ok((engine, gcc?))) {
        Ok((engine, gcc)) => println!("  machine instructions per instruction: engine {engine}, gcc -O2 {gcc}"),
        Err(why) => println!("  machine instructions were not counted: {why}"),
    }
}

/// The median, and the range behind it.
fn spread(mut numbers: Vec<f64>) -> String {
    numbers.sort_by(f64::total_cmp);
    let [first, .., last] = numbers.as_slice() else {
        return format!("{numbers:?}");
    };
    format!("{:.3} ({first:.3}–{last:.3})", numbers[numbers.len() / 2])
}

fn per_instruction(nanoseconds: f64, instructions: u64) -> f64 {
    nanoseconds / (SCANS * instructions) as f64
}

fn engine() -> Run {
    let mut plant = Plant::new();
    let mut sum = 0xCBF2_9CE4_8422_2325;
    let start = Instant::now();
    for scan in 1..=SCANS {
        plant.scan();
        if scan % FOLD_EVERY == 0 {
            sum = plant.fold(sum);
        }
    }
    let took = start.elapsed().as_nanos() as f64;
    (per_instruction(took, plant.instructions), sum)
}

fn gcc(floor: &Path) -> Run {
    let output = Command::new(floor)
        .args([SCANS.to_string(), FOLD_EVERY.to_string()])
        .output()
        .expect("the floor was just built");
    let text = String::from_utf8_lossy(&output.stdout);
    let (took, sum) = text.trim().split_once(' ').expect("the floor prints two numbers");
    let took: f64 = took.parse().expect("nanoseconds");
    let sum = sum.parse().expect("a checksum");
    (per_instruction(took, Plant::new().instructions), sum)
}

fn callgrind() -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command
}

/// Machine instructions per instruction of the program.
fn counted(command: &dyn Fn(u64) -> Command) -> Result<f64, String> {
    let mut collected = [0_u64; 2];
    for (count, scans) in collected.iter_mut().zip(COUNTED) {
        let output = command(scans).output().map_err(|error| format!("valgrind: {error}"))?;
        let text = String::from_utf8_lossy(&output.stderr);
        let number = text.lines().find_map(|line| line.split_once("Collected : "));
        let number = number.and_then(|(_, number)| number.trim().parse().ok());
        *count = number.ok_or_else(|| format!("expected `Collected :` of callgrind, got {text}"))?;
    }
    let scans = COUNTED[1] - COUNTED[0];
    Ok((collected[1] - collected[0]) as f64 / (scans * Plant::new().instructions) as f64)
}
