//! Random programs, inputs, forces and times: engine and reference agree on all memory after every scan.

use crosstie_ladder::address::{BIT_WORDS, COUNTERS, INTEGER_WORDS, IO_WORDS, TIMERS};
use crosstie_ladder::compile::{CompiledProgram, RunMemory};
use crosstie_ladder::controller::{Command, Controller, ControllerSettings, ControllerState, Inputs};
use crosstie_ladder::data_table::{CellValue, DataTable};
use crosstie_ladder::program::Program;
use crosstie_ladder::{Address, CounterMember, Region, TimerMember, fuzz, text};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::programs::{bits, numbers, program, words};
use crate::reference::Reference;

/// What happens between two scans.
#[derive(Debug, Clone)]
enum Happening {
    Write(Address, CellValue),
    Force(Address, CellValue),
    Unforce(Address),
    ClearForces,
    LoadPresets,
}

fn place_and_value() -> impl Strategy<Value = (Address, CellValue)> {
    prop_oneof![
        3 => (bits(), any::<bool>()).prop_map(|(address, on)| (address, CellValue::Bit(on))),
        1 => (words(), numbers()).prop_map(|(address, number)| {
            let is_short = !matches!(address, Address::Word { .. });
            let number = if is_short { number.clamp(-32768, 32767) } else { number };
            (address, CellValue::Word(number))
        }),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        12 => place_and_value().prop_map(|(address, value)| Happening::Write(address, value)),
        3 => place_and_value().prop_map(|(address, value)| Happening::Force(address, value)),
        3 => place_and_value().prop_map(|(address, _)| Happening::Unforce(address)),
        1 => Just(Happening::ClearForces),
        1 => Just(Happening::LoadPresets),
    ]
}

fn scans() -> impl Strategy<Value = Vec<(Vec<Happening>, u32)>> {
    let dt_us = prop_oneof![6 => 1..30_000_u32, 2 => Just(10_000), 1 => Just(0), 1 => any::<u32>()];
    vec((vec(happening(), 0..5), dt_us), 1..12)
}

/// The same program on three tables: the reference, the plain form, the traced form.
struct Three {
    reference: Reference,
    compiled: CompiledProgram,
    plain: (DataTable, RunMemory),
    traced: (DataTable, RunMemory),
}

impl Three {
    fn new(program: &Program) -> Three {
        let compiled = CompiledProgram::new(program).unwrap();
        let fresh = (DataTable::new(), RunMemory::new(&compiled));
        let mut three = Three {
            reference: Reference::default(),
            plain: fresh.clone(),
            traced: fresh,
            compiled,
        };
        three.happen(program, &Happening::LoadPresets);
        three
    }

    fn happen(&mut self, program: &Program, happening: &Happening) {
        let tables = [&mut self.plain.0, &mut self.traced.0];
        match *happening {
            Happening::Write(address, value) => {
                self.reference.write(address, value);
                tables
                    .into_iter()
                    .for_each(|table| table.write(address, value).unwrap());
            }
            Happening::Force(address, value) => {
                self.reference.force(address, value);
                tables
                    .into_iter()
                    .for_each(|table| table.force(address, value).unwrap());
            }
            Happening::Unforce(address) => {
                self.reference.unforce(address);
                tables.into_iter().for_each(|table| table.unforce(address).unwrap());
            }
            Happening::ClearForces => {
                self.reference.clear_forces();
                tables.into_iter().for_each(DataTable::clear_forces);
            }
            Happening::LoadPresets => {
                self.reference.load_presets(program);
                tables.into_iter().for_each(|table| self.compiled.load_presets(table));
            }
        }
    }

    fn scan(&mut self, program: &Program, dt_us: u32) -> Result<(), TestCaseError> {
        let rungs = 0..self.compiled.rungs();
        self.reference.scan(program, dt_us);
        self.compiled
            .run(rungs.clone(), &mut self.plain.0, &mut self.plain.1, dt_us, None);
        let mut flow = self.compiled.power_flow();
        self.compiled
            .run(rungs, &mut self.traced.0, &mut self.traced.1, dt_us, Some(&mut flow));
        prop_assert_eq!(self.plain.0.words(), self.traced.0.words());
        let fault = self.plain.1.take_fault();
        prop_assert_eq!(fault, self.traced.1.take_fault());
        prop_assert_eq!(
            fault.map(|fault| fault.to_string()),
            self.reference.faults.first().cloned()
        );
        let power: Vec<bool> = (0..self.compiled.instructions())
            .map(|number| flow.is_on(number))
            .collect();
        prop_assert_eq!(&power, &self.reference.power);
        self.compare()
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        for address in every_word_and_flag() {
            let engine = self.plain.0.read(address).unwrap();
            prop_assert_eq!(engine, self.reference.read(address), "{}", address);
        }
        Ok(())
    }
}

/// Addresses that together show all memory.
fn every_word_and_flag() -> Vec<Address> {
    let mut all = Vec::new();
    let sizes = [IO_WORDS, IO_WORDS, BIT_WORDS, INTEGER_WORDS];
    for (region, size) in Region::ALL.into_iter().zip(sizes) {
        // The programs touch the first words; the last one of a region stands for the others.
        let words = (0..4).chain([(size - 1) as u8]);
        all.extend(words.map(|word| Address::Word { region, word }));
    }
    for timer in [0, 1, 2, TIMERS as u8 - 1] {
        all.extend(TimerMember::ALL.map(|member| Address::TimerMember { timer, member }));
    }
    for counter in [0, 1, 2, COUNTERS as u8 - 1] {
        all.extend(CounterMember::ALL.map(|member| Address::CounterMember { counter, member }));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pl50_engine_and_reference_agree_on_all_memory_after_every_scan(program in program(), scans in scans()) {
        let mut three = Three::new(&program);
        for (happenings, dt_us) in &scans {
            for happening in happenings {
                three.happen(&program, happening);
            }
            three.scan(&program, *dt_us)?;
        }
        three.happen(&program, &Happening::ClearForces);
        three.compare()?;
    }

    #[test]
    fn pl34_stops_between_rungs_change_nothing_of_the_result(
        program in program(),
        inputs in vec(any::<[u32; 8]>(), 1..6),
        breakpoints in vec(0..4_usize, 0..4),
        ways in vec(0..3_u8, 40),
    ) {
        let mut whole = controller(&program);
        let mut stopped = controller(&program);
        for rung in breakpoints {
            // A program may have fewer rungs.
            let _ = stopped.set_breakpoint(rung);
        }
        let mut ways = ways.into_iter().cycle();
        for words in inputs {
            let inputs = Inputs { words, driven: [u32::MAX; 8] };
            restart(&mut whole, &inputs);
            whole.scan(&inputs, STEP_US);
            let scans = stopped.statistics().scan_count;
            while stopped.statistics().scan_count == scans {
                restart(&mut stopped, &inputs);
                match ways.next() {
                    Some(0) => {
                        stopped.scan(&inputs, STEP_US);
                    }
                    Some(way) => {
                        let _ = stopped.command(Command::Pause, &inputs);
                        let step = if way == 1 { Command::StepRung } else { Command::StepScan };
                        let _ = stopped.command(step, &inputs);
                    }
                    None => unreachable!("it repeats"),
                }
            }
            prop_assert_eq!(whole.table().words(), stopped.table().words());
            prop_assert_eq!(whole.outputs(), stopped.outputs());
            prop_assert_eq!(whole.state() == ControllerState::Fault, stopped.state() == ControllerState::Fault);
        }
    }

    #[test]
    fn measuring_the_rungs_changes_nothing_of_what_a_scan_does(
        program in program(),
        inputs in vec(any::<[u32; 8]>(), 1..6),
        forces in vec(place_and_value(), 0..3),
        breakpoints in vec(0..4_usize, 0..3),
        records_power: bool,
    ) {
        let [mut plain, mut timed] = [controller(&program), controller(&program)];
        for controller in [&mut plain, &mut timed] {
            controller.record_power(records_power);
            forces.iter().for_each(|(address, value)| controller.force(*address, *value).unwrap());
            for rung in &breakpoints {
                // A program may have fewer rungs.
                let _ = controller.set_breakpoint(*rung);
            }
        }
        timed.profile_rungs(true);
        let mut now = 0;
        let mut clock = || { now += 3; now };
        for words in inputs {
            let inputs = Inputs { words, driven: [u32::MAX; 8] };
            // As many parts as there are breakpoints, and one more.
            for _ in 0..=breakpoints.len() {
                restart(&mut plain, &inputs);
                restart(&mut timed, &inputs);
                let events: Vec<_> = plain.scan(&inputs, STEP_US).iter().collect();
                let told = timed.scan_timed(&inputs, STEP_US, &mut clock);
                prop_assert_eq!(events, told.iter().collect::<Vec<_>>());
                prop_assert_eq!(plain.table().words(), timed.table().words());
                prop_assert_eq!(plain.outputs(), timed.outputs());
                prop_assert_eq!((plain.state(), plain.next_rung()), (timed.state(), timed.next_rung()));
                prop_assert_eq!(plain.statistics(), timed.statistics());
                let power = |controller: &Controller| controller.power_flow().map(|flow| flow.words().to_vec());
                prop_assert_eq!(power(&plain), power(&timed));
            }
        }
        let profile = timed.profile().unwrap();
        prop_assert_eq!(profile.scans(), timed.statistics().scan_count);
        let begun = u64::from(timed.next_rung().is_some());
        for (rung, time) in profile.rungs().enumerate() {
            let is_open = timed.next_rung().is_some_and(|next| rung < next);
            prop_assert!(time.count <= profile.scans() + begun && time.count >= profile.scans());
            prop_assert!(!is_open || time.count == profile.scans() + 1);
        }
    }

    #[test]
    fn pl73_a_program_reads_back_from_its_text(program in program()) {
        let written = text::write(&program);
        let read = text::read(&written).map(Program::without_places);
        prop_assert_eq!(read, Ok(program), "{}", written);
    }

    #[test]
    fn any_text_breaks_no_promise(words in vec(word(), 0..30), text: String) {
        fuzz::program(words.join(" ").as_bytes());
        fuzz::program(format!("SOR {} EOR", words.join(" ")).as_bytes());
        fuzz::program(text.as_bytes());
        fuzz::scan_table(format!("case x\n{}\ncolumns ms I:0 | O:0\n{text}", words.join(" ")).as_bytes());
        fuzz::scan_table(text.as_bytes());
    }
}

/// What a step and a scan here give to timers.
const STEP_US: u32 = 10_000;

fn controller(program: &Program) -> Controller {
    let mut controller = Controller::new(ControllerSettings::default());
    controller.load(CompiledProgram::new(program).unwrap());
    controller
}

/// Makes it Running again, out of a fault too.
fn restart(controller: &mut Controller, inputs: &Inputs) {
    if controller.state() == ControllerState::Fault {
        controller.command(Command::Stop, inputs).unwrap();
    }
    controller.command(Command::Start, inputs).unwrap();
}

/// Words that programs and tables are made of, and some that they are not.
fn word() -> impl Strategy<Value = String> {
    let known = "SOR EOR BST NXB BND { } ? XIC XIO OTE TON MOV BSL SCL TON OSR DEBOUNCE COUNTER I:0/0 O:0/0 N:1 T:0 C:0 T:0.DN 5 -1 \
        SYM Start RUNG \"a\\\"b\" \"open \n | ms columns case do start fault . # PROGRAM 99999999999 I:8/0";
    prop_oneof![
        12 => proptest::sample::select(known.split(' ').collect::<Vec<_>>()).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}
