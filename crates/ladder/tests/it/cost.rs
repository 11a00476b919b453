//! What a scan costs, in machine instructions: callgrind counts them, so that the figure is the same on every machine of
//! one kind, busy or not, and a change that makes scans slower is seen.
//!
//! The test starts this very binary under valgrind, twice, with different numbers of scans: what the second run has more is
//! scans and nothing else. Without valgrind it says so and counts nothing.

use std::env;
use std::process::{Command, Stdio};

use crosstie_ladder::compile::CompiledProgram;
use crosstie_ladder::controller::{Command as Order, Controller, ControllerSettings, Inputs};
use crosstie_ladder::text;

/// The 1,000 rungs of the bench.
const PROGRAM: &str = include_str!("../../benches/scan/program.txt");
/// How many scans the started binary makes.
const SCANS: &str = "CROSSTIE_COUNTED_SCANS";
const COUNTED: [u64; 2] = [20, 220];
/// Machine instructions per instruction of the program, in the test profile, which optimises this crate.
/// Fifteen of a hundred above what it was when this was set. A scan that costs more has become slower: find out why, or say why
/// it has to be so and set the limit anew.
const LIMIT: f64 = 18.0;

/// Scans as a plant gives them: one input moves per scan. The number of instructions of the program.
fn scans(count: u64) -> u64 {
    let compiled = CompiledProgram::new(&text::read(PROGRAM).unwrap()).unwrap();
    let instructions = compiled.instructions() as u64;
    let mut controller = Controller::new(ControllerSettings::default());
    controller.load(compiled);
    controller.command(Order::Start, &Inputs::default()).unwrap();
    let mut inputs = Inputs {
        words: [0x5A5A_5A5A; 8],
        driven: [u32::MAX; 8],
    };
    for scan in 0..count {
        let bit = scan.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56;
        inputs.words[(bit >> 5) as usize] ^= 1 << (bit & 31);
        controller.scan(&inputs, 10_000);
    }
    assert_eq!(controller.statistics().scan_count, count);
    instructions
}

/// Makes the scans that the counting test asks for; by itself, a few.
#[test]
fn scans_to_count() {
    let count = env::var(SCANS).ok().and_then(|count| count.parse().ok());
    scans(count.unwrap_or(1));
}

/// The machine instructions of this binary with so many scans.
fn counted(scans: u64) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().unwrap())
        .args(["cost::scans_to_count", "--exact", "--test-threads=1"])
        .env(SCANS, scans.to_string())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let number = text.lines().find_map(|line| line.split_once("Collected : "));
    assert!(output.status.success(), "{text}");
    number.unwrap().1.trim().parse().unwrap()
}

#[test]
fn a_scan_costs_no_more_machine_instructions_than_its_limit() {
    if !cfg!(target_arch = "x86_64") {
        println!("not counted: the limit is one of x86-64");
        return;
    }
    let valgrind = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    if !valgrind.is_ok_and(|status| status.success()) {
        println!("not counted: valgrind cannot be started; install it to see what a scan costs");
        return;
    }
    let [few, many] = COUNTED.map(counted);
    let cost = (many - few) as f64 / ((COUNTED[1] - COUNTED[0]) * scans(1)) as f64;
    println!("{cost:.2} machine instructions per instruction of the program");
    assert!(
        cost < LIMIT,
        "a scan costs {cost:.2} machine instructions per instruction, the limit is {LIMIT}"
    );
}
