//! States, steps, breakpoints, faults, outputs, statistics: PL-30 to PL-36.

use crosstie_ladder::Region;
use crosstie_ladder::controller::{
    Command, Controller, ControllerSettings, ControllerState, Inputs, Refusal, ScanTime,
};
use crosstie_ladder::data_table::{Cell, CellValue};

use crate::plc::{Plc, address, compiled, told};

use Command::{Pause, Reset, Resume, Start, StepRung, StepScan, Stop};
use ControllerState::{Fault, Paused, Running, Stepping, Stopped};

/// Three rungs that count what ran; input 0 makes the second one fail.
const COUNTING: &str = "SOR ADD N:0 1 N:0 OTE O:0/0 EOR\n\
    SOR XIC I:0/0 DIV N:1 0 N:1 EOR\n\
    SOR ADD N:2 1 N:2 TON T:0 100 EOR";

const DIVISION: &str = "Division by zero at rung 1, column 1 (DIV)";

/// A command, its events or refusal, and the state after it.
type Told = (Command, Result<&'static [&'static str], Refusal>, ControllerState);

#[test]
fn pl30_every_command_in_every_state() {
    let nothing: &[&str] = &[];
    let rows: [(ControllerState, [Told; 7]); 5] = [
        (
            Stopped,
            [
                (Start, Ok(&["Running"]), Running),
                (Stop, Ok(nothing), Stopped),
                (Pause, Ok(nothing), Stopped),
                (Resume, Ok(nothing), Stopped),
                (StepScan, Ok(&["Stepping", "Paused"]), Paused),
                (StepRung, Ok(&["Stepping"]), Stepping),
                (Reset, Ok(nothing), Stopped),
            ],
        ),
        (
            Running,
            [
                (Start, Ok(nothing), Running),
                (Stop, Ok(&["Stopped"]), Stopped),
                (Pause, Ok(&["Paused"]), Paused),
                (Resume, Ok(nothing), Running),
                (StepScan, Err(Refusal::WhileRunning), Running),
                (StepRung, Err(Refusal::WhileRunning), Running),
                (Reset, Ok(&["Stopped"]), Stopped),
            ],
        ),
        (
            Paused,
            [
                (Start, Ok(&["Running"]), Running),
                (Stop, Ok(&["Stopped"]), Stopped),
                (Pause, Ok(nothing), Paused),
                (Resume, Ok(&["Running"]), Running),
                (StepScan, Ok(&["Stepping", "Paused"]), Paused),
                (StepRung, Ok(&["Stepping"]), Stepping),
                (Reset, Ok(&["Stopped"]), Stopped),
            ],
        ),
        (
            Stepping,
            [
                (Start, Ok(&["Running"]), Running),
                (Stop, Ok(&["Stopped"]), Stopped),
                (Pause, Ok(nothing), Stepping),
                (Resume, Ok(nothing), Stepping),
                (StepScan, Ok(&["Paused"]), Paused),
                (StepRung, Ok(nothing), Stepping),
                (Reset, Ok(&["Stopped"]), Stopped),
            ],
        ),
        (
            Fault,
            [
                (Start, Err(Refusal::InFault), Fault),
                (Stop, Ok(&["Stopped"]), Stopped),
                (Pause, Ok(nothing), Fault),
                (Resume, Ok(nothing), Fault),
                (StepScan, Err(Refusal::InFault), Fault),
                (StepRung, Err(Refusal::InFault), Fault),
                (Reset, Ok(&["Stopped"]), Stopped),
            ],
        ),
    ];
    for (before, commands) in rows {
        for (command, expected, after) in commands {
            let mut plc = Plc::new(COUNTING);
            plc.bring_to(before);
            let events = plc.controller.command(command, &plc.inputs).map(told);
            assert_eq!(
                events,
                expected.map(|list| list.iter().map(|s| s.to_string()).collect()),
                "{before:?} {command:?}"
            );
            assert_eq!(plc.controller.state(), after, "{before:?} {command:?}");
        }
    }
}

#[test]
fn pl30_without_a_program_nothing_starts() {
    let mut plc = Plc {
        controller: Controller::new(ControllerSettings::default()),
        inputs: Inputs::default(),
    };
    for command in [Start, StepScan, StepRung] {
        assert_eq!(plc.refused(command), Refusal::NoProgram);
    }
    assert_eq!(plc.told(Reset), [""; 0]);
    assert_eq!(plc.scan(), [""; 0]);
}

#[test]
fn pl30_outputs_are_driven_from_the_first_finished_scan_until_a_stop() {
    let mut plc = Plc::new("SOR XIC I:0/0 OTE O:0/0 EOR\nSOR DIV 1 N:0 N:1 EOR");
    plc.write("N:0", 1);
    plc.inputs = Inputs {
        words: [1; 8],
        driven: [1; 8],
    };
    assert_eq!(plc.controller.outputs(), None);
    plc.told(Start);
    assert_eq!(plc.controller.outputs(), None);
    plc.scan();
    assert_eq!(plc.controller.outputs().unwrap()[0], 1);
    plc.told(Pause);
    plc.inputs.words[0] = 0;
    plc.told(StepRung);
    assert_eq!(
        plc.controller.outputs().unwrap()[0],
        1,
        "written after the last rung only"
    );
    plc.told(StepRung);
    assert_eq!(plc.controller.outputs().unwrap()[0], 0);
    plc.told(Resume);
    plc.inputs.words[0] = 1;
    plc.scan();
    plc.told(Stop);
    assert_eq!(plc.controller.outputs(), None);
    assert_eq!(
        plc.controller.table().region(Region::Output)[0],
        1,
        "the image stays readable"
    );
    plc.told(Start);
    plc.scan();
    plc.write("N:0", 0);
    plc.scan();
    assert_eq!((plc.controller.state(), plc.controller.outputs()), (Fault, None));
    assert_eq!(plc.controller.table().region(Region::Output)[0], 1);
}

#[test]
fn pl31_a_step_adds_the_target_scan_time_and_waits_between_rungs() {
    let mut plc = Plc::new(COUNTING);
    assert_eq!(plc.told(StepScan), ["Stepping", "Paused"]);
    assert_eq!(plc.counts(), [1, 1, 10]);
    assert_eq!(plc.told(StepRung), ["Stepping"]);
    assert_eq!((plc.counts(), plc.controller.next_rung()), ([2, 1, 10], Some(1)));
    assert_eq!(plc.told(StepRung), [""; 0]);
    assert_eq!(plc.told(StepRung), ["Paused"]);
    assert_eq!((plc.counts(), plc.controller.next_rung()), ([2, 2, 20], None));
    plc.told(StepRung);
    assert_eq!(plc.told(StepScan), ["Paused"], "the rest of the scan that was begun");
    assert_eq!((plc.counts(), plc.controller.statistics().scan_count), ([3, 3, 30], 3));
    plc.told(StepRung);
    plc.told(Start);
    plc.scan();
    assert_eq!((plc.counts(), plc.controller.statistics().scan_count), ([4, 4, 40], 4));
    plc.scan();
    assert_eq!(plc.counts(), [5, 5, 50]);
    plc.told(Stop);
    plc.told(StepRung);
    plc.told(Stop);
    assert_eq!(plc.controller.next_rung(), None, "a stop ends the scan");
    plc.told(StepRung);
    assert_eq!(plc.counts(), [7, 5, 50]);
}

#[test]
fn pl31_a_begun_scan_keeps_its_inputs_and_its_time() {
    let mut plc = Plc::new("SOR XIC I:0/0 OTE O:0/0 EOR\nSOR XIC I:0/0 OTE O:0/1 TON T:0 500 EOR");
    plc.told(StepRung);
    plc.inputs = Inputs {
        words: [1; 8],
        driven: [1; 8],
    };
    plc.told(StepRung);
    assert_eq!(plc.controller.table().region(Region::Output)[0], 0);
    let settings = ControllerSettings {
        target_scan: ScanTime::from_us(2500).unwrap(),
        ..ControllerSettings::default()
    };
    plc.controller.set_settings(settings);
    plc.told(StepScan);
    plc.told(StepScan);
    assert_eq!(
        (plc.controller.table().region(Region::Output)[0], plc.number("T:0.ACC")),
        (3, 5)
    );
}

#[test]
fn pl31_a_program_without_rungs_runs() {
    let mut plc = Plc::new("");
    assert_eq!(plc.told(StepRung), ["Stepping", "Paused"]);
    assert_eq!(plc.told(StepScan), ["Stepping", "Paused"]);
    plc.told(Start);
    plc.scan();
    assert_eq!(plc.controller.statistics().scan_count, 3);
}

#[test]
fn pl32_reset_clears_everything_but_program_and_breakpoints() {
    let mut plc = Plc::new("SOR XIC I:0/0 {OSR} ADD N:0 1 N:0 EOR\nSOR XIC I:0/0 TON T:0 50 EOR");
    plc.controller.set_breakpoint(1).unwrap();
    plc.controller.write(address("I:0/0"), CellValue::Bit(true)).unwrap();
    plc.controller.force(address("B:0/0"), CellValue::Bit(true)).unwrap();
    plc.told(StepScan);
    plc.told(StepScan);
    plc.controller.scan_took(7);
    assert_eq!(
        (plc.number("N:0"), plc.number("T:0.ACC"), plc.number("T:0.PRE")),
        (1, 10, 50)
    );
    assert_eq!(plc.told(Reset), ["Stopped"]);
    assert!(plc.controller.table().words().iter().all(|word| *word == 0));
    assert_eq!(plc.controller.table().forced_words().count(), 0);
    assert_eq!(*plc.controller.statistics(), Default::default());
    assert_eq!(plc.controller.breakpoints().collect::<Vec<_>>(), [1]);
    plc.told(StepScan);
    assert_eq!(plc.number("I:0"), 0, "the virtual input image is memory");
    plc.told(StepScan);
    plc.controller.write(address("I:0/0"), CellValue::Bit(true)).unwrap();
    plc.told(StepScan);
    assert_eq!(plc.number("N:0"), 1, "the one-shot was cleared");
}

#[test]
fn pl33_memory_and_one_shots_outlive_a_stop_and_presets_are_loaded_at_every_start() {
    let mut plc = Plc::new("SOR XIC I:0/0 {OSR} ADD N:0 1 N:0 EOR\nSOR RTO T:0 500 CTU C:0 3 EOR");
    plc.controller.write(address("I:0/0"), CellValue::Bit(true)).unwrap();
    plc.told(Start);
    plc.scan();
    plc.write("T:0.PRE", 9);
    plc.write("C:0.PRE", 9);
    plc.told(Pause);
    plc.told(Start);
    plc.scan();
    assert_eq!(
        (plc.number("T:0.PRE"), plc.number("C:0.PRE")),
        (9, 9),
        "a pause is no start"
    );
    plc.told(Stop);
    plc.controller.force(address("B:1/0"), CellValue::Bit(true)).unwrap();
    for command in [Start, StepScan, StepRung] {
        plc.write("T:0.PRE", 9);
        plc.write("C:0.PRE", 9);
        plc.told(command);
        assert_eq!((plc.number("T:0.PRE"), plc.number("C:0.PRE")), (500, 3), "{command:?}");
        plc.told(Stop);
    }
    assert_eq!((plc.number("N:0"), plc.number("C:0.ACC"), plc.number("B:1")), (1, 1, 1));
}

#[test]
fn pl33_a_download_keeps_memory_only_while_stopped_and_if_the_project_says_so() {
    let remembered = |state: ControllerState, keeps: bool| {
        let mut plc = Plc::new(COUNTING);
        plc.controller.set_settings(ControllerSettings {
            keep_memory_on_download: keeps,
            ..Default::default()
        });
        plc.write("N:9", 7);
        plc.controller.force(address("B:0/0"), CellValue::Bit(true)).unwrap();
        plc.controller.set_breakpoint(0).unwrap();
        plc.controller.set_breakpoint(2).unwrap();
        plc.bring_to_around_breakpoints(state);
        let events = told(plc.controller.load(compiled("SOR OTE O:0/0 EOR")));
        assert_eq!(events.len(), usize::from(state != Stopped), "{state:?}");
        assert_eq!(plc.controller.state(), Stopped);
        assert_eq!(
            plc.controller.breakpoints().collect::<Vec<_>>(),
            [0],
            "only rungs that exist"
        );
        assert_eq!(plc.controller.statistics().scan_count, 0);
        (plc.number("N:9"), plc.controller.table().forced_words().count())
    };
    assert_eq!(remembered(Stopped, true), (7, 1));
    assert_eq!(remembered(Stopped, false), (0, 0));
    for state in [Running, Paused, Stepping, Fault] {
        assert_eq!(remembered(state, true), (0, 0), "{state:?}");
    }
    let mut plc = Plc::new(COUNTING);
    plc.write("N:9", 7);
    assert!(plc.controller.clear_program().is_empty());
    assert_eq!((plc.number("N:9"), plc.refused(Start)), (7, Refusal::NoProgram));
}

impl Plc {
    /// As `bring_to`, with breakpoints put aside while a fault is made.
    fn bring_to_around_breakpoints(&mut self, state: ControllerState) {
        let kept: Vec<_> = self.controller.breakpoints().collect();
        self.controller.clear_breakpoints();
        self.bring_to(state);
        kept.into_iter()
            .for_each(|rung| self.controller.set_breakpoint(rung).unwrap());
    }
}

#[test]
fn pl34_a_breakpoint_pauses_before_its_rung_and_resume_executes_it() {
    let mut plc = Plc::new(COUNTING);
    plc.controller.set_breakpoint(1).unwrap();
    plc.told(Start);
    assert_eq!(plc.scan(), ["at 1", "Paused"]);
    assert_eq!((plc.counts(), plc.controller.outputs()), ([1, 0, 0], None));
    assert_eq!(plc.scan(), [""; 0], "nothing runs while paused");
    assert_eq!(plc.told(Resume), ["Running"]);
    assert_eq!(plc.scan(), [""; 0]);
    assert_eq!((plc.counts(), plc.controller.statistics().scan_count), ([1, 1, 10], 1));
    assert_eq!(plc.scan(), ["at 1", "Paused"]);
    assert_eq!(plc.told(StepRung), ["Stepping"], "the rung of the breakpoint");
    assert_eq!(plc.told(StepScan), ["Paused"]);
    assert_eq!(plc.told(StepScan), ["Stepping", "at 1", "Paused"]);
    assert_eq!(plc.told(StepScan), ["Stepping", "Paused"]);
    assert_eq!(plc.counts(), [3, 3, 30]);
}

#[test]
fn pl34_breakpoints_at_both_ends_and_after_each_other() {
    let mut plc = Plc::new(COUNTING);
    for rung in [0, 1, 2] {
        plc.controller.set_breakpoint(rung).unwrap();
    }
    plc.told(Start);
    for rung in [0, 1, 2, 0, 1, 2] {
        while plc.controller.state() == Running {
            let events = plc.scan();
            if !events.is_empty() {
                assert_eq!(events, [format!("at {rung}"), "Paused".to_owned()]);
            }
        }
        plc.told(Resume);
    }
    plc.controller.clear_breakpoints();
    assert_eq!(plc.scan(), [""; 0]);
    assert_eq!(plc.counts(), [2, 2, 20]);
}

#[test]
fn pl34_a_step_that_stands_before_a_breakpoint_is_not_held_again() {
    let mut plc = Plc::new(COUNTING);
    plc.controller.set_breakpoint(1).unwrap();
    plc.told(StepRung);
    assert_eq!(plc.controller.next_rung(), Some(1));
    plc.told(Start);
    assert_eq!(plc.scan(), [""; 0]);
    assert_eq!(plc.counts(), [1, 1, 10]);
}

#[test]
fn pl17_breakpoints_need_a_rung() {
    let mut plc = Plc::new(COUNTING);
    assert_eq!(
        plc.controller.set_breakpoint(3),
        Err(Refusal::UnknownRung { rung: 3, rungs: 3 })
    );
    assert_eq!(
        plc.controller.remove_breakpoint(3).unwrap_err().to_string(),
        "expected a rung below 3, got 3"
    );
    plc.controller.set_breakpoint(2).unwrap();
    plc.controller.remove_breakpoint(2).unwrap();
    plc.controller.remove_breakpoint(2).unwrap();
    assert_eq!(plc.controller.breakpoints().count(), 0);
}

#[test]
fn pl35_a_fault_finishes_the_scan_and_the_first_one_is_told() {
    let mut plc = Plc::new(
        "SOR XIC I:0/0 DIV 7 0 N:1 OTE O:0/1 EOR\nSOR XIC I:0/0 SCL N:0 5 5 0 9 N:1 EOR\nSOR ADD N:2 1 N:2 EOR",
    );
    plc.write("N:1", 42);
    plc.told(Start);
    assert_eq!(plc.scan(), [""; 0]);
    plc.fail();
    let expected = "Division by zero at rung 0, column 1 (DIV)";
    assert_eq!(plc.scan(), ["Fault", expected]);
    assert_eq!(
        (plc.number("N:1"), plc.number("N:2"), plc.number("O:0")),
        (42, 2, 2),
        "power passed, nothing stored"
    );
    assert_eq!(plc.controller.statistics().scan_count, 2);
    assert_eq!(plc.scan(), [""; 0]);
    plc.told(Stop);
    plc.controller.write(address("I:0/0"), CellValue::Bit(false)).unwrap();
    plc.told(Start);
    assert_eq!(plc.scan(), [""; 0], "a stop ends the fault");
}

#[test]
fn pl35_a_fault_between_rung_steps_waits_for_the_end_of_the_scan() {
    let mut plc = Plc::new(COUNTING);
    plc.fail();
    plc.told(StepRung);
    assert_eq!(plc.told(StepRung), [""; 0]);
    assert_eq!(plc.told(StepRung), ["Fault", DIVISION]);
    plc.told(Stop);
    plc.told(StepRung);
    plc.told(StepRung);
    plc.told(Stop);
    plc.controller.write(address("I:0/0"), CellValue::Bit(false)).unwrap();
    assert_eq!(
        plc.told(StepScan),
        ["Stepping", "Paused"],
        "a fault of a scan that was given up is forgotten"
    );
    plc.fail();
    assert_eq!(plc.told(StepScan), ["Stepping", "Fault", DIVISION]);
}

#[test]
fn pl36_statistics_overruns_and_the_watchdog() {
    let mut plc = Plc::new(COUNTING);
    plc.told(Start);
    for took_us in [40, 10_000, 10_001, 20] {
        plc.scan();
        assert_eq!(told(plc.controller.scan_took(took_us)), [""; 0]);
    }
    let statistics = plc.controller.statistics();
    assert_eq!((statistics.scan_count, statistics.overrun_count), (4, 1));
    assert_eq!(
        (
            statistics.last_us,
            statistics.min_us,
            statistics.max_us,
            statistics.average_us()
        ),
        (20, 20, 10_001, 5015)
    );
    plc.controller.set_settings(ControllerSettings {
        watchdog_us: Some(50),
        ..Default::default()
    });
    plc.scan();
    assert_eq!(told(plc.controller.scan_took(50)), [""; 0]);
    plc.scan();
    assert_eq!(
        told(plc.controller.scan_took(51)),
        ["Fault", "Watchdog: a scan took 51 µs, the limit is 50 µs"]
    );
    assert_eq!(plc.controller.outputs(), None);
    assert_eq!(ScanTime::from_us(499), None);
    assert_eq!(ScanTime::from_us(1_000_001), None);
    assert_eq!(
        [500, 1_000_000].map(|us| ScanTime::from_us(us).unwrap().us()),
        [500, 1_000_000]
    );
}

#[test]
fn pl16_what_clients_write_to_inputs_stays_where_no_device_drives() {
    let mut plc = Plc::new("SOR XIC I:0/0 OTE I:0/9 EOR");
    plc.controller.write(address("I:0"), CellValue::Word(0b1001)).unwrap();
    assert_eq!(plc.number("I:0"), 0b1001, "seen before the next scan");
    plc.inputs = Inputs {
        words: [0b0110; 8],
        driven: [0b0011; 8],
    };
    plc.told(Start);
    plc.scan();
    assert_eq!(plc.number("I:0"), 0b1010);
    plc.inputs.words = [0b0001; 8];
    plc.scan();
    assert_eq!(
        plc.number("I:0"),
        0b10_0000_1001,
        "logic writes for the rest of the scan"
    );
    plc.controller.force(address("I:0/3"), CellValue::Bit(false)).unwrap();
    plc.inputs.words = [0; 8];
    plc.scan();
    assert_eq!(plc.number("I:0"), 0);
    plc.controller.clear_forces();
    assert_eq!(plc.number("I:0"), 0b1000);
}

#[test]
fn changed_words_are_handed_out_once_with_before_and_after() {
    let mut plc = Plc::new("SOR XIC I:0/0 TON T:0 500 OTE O:0/3 EOR");
    let changes = |plc: &mut Plc| {
        let mut list = Vec::new();
        plc.controller
            .take_changes(|change| list.push((change.word.cell(), change.before, change.after)));
        list
    };
    let word = |region, word| Cell::Word { region, word };
    let timer = |part| Cell::Timer { timer: 0, part };
    use crosstie_ladder::data_table::CellPart::{Accumulated, Flags, Preset};
    plc.controller.write(address("I:0/0"), CellValue::Bit(true)).unwrap();
    plc.told(Start);
    assert_eq!(
        changes(&mut plc),
        [(word(Region::Input, 0), 0, 1), (timer(Preset), 0, 500)]
    );
    plc.controller.scan(&plc.inputs, 10_400);
    assert_eq!(
        changes(&mut plc),
        [
            (word(Region::Output, 0), 0, 8),
            (timer(Accumulated), 0, 10),
            (timer(Flags), 0, 3)
        ]
    );
    plc.controller.scan(&plc.inputs, 400);
    assert_eq!(changes(&mut plc), [], "less than a millisecond has no address");
    plc.controller.scan(&plc.inputs, 200);
    assert_eq!(changes(&mut plc), [(timer(Accumulated), 10, 11)]);
}

#[test]
fn power_flow_is_recorded_on_demand() {
    let mut plc = Plc::new("SOR XIC I:0/0 BST XIC I:0/1 NXB XIO I:0/1 BND OTE O:0/0 EOR");
    assert!(plc.controller.power_flow().is_none());
    plc.controller.record_power(true);
    plc.controller.write(address("I:0/0"), CellValue::Bit(true)).unwrap();
    plc.told(StepScan);
    let flow = plc.controller.power_flow().unwrap();
    assert_eq!(
        [0, 1, 2, 3, 4].map(|number| flow.is_on(number)),
        [true, false, true, true, false]
    );
    plc.controller.load(compiled("SOR OTE O:0/0 EOR"));
    plc.told(StepScan);
    assert!(
        plc.controller.power_flow().unwrap().is_on(0),
        "a new program is recorded too"
    );
    plc.controller.record_power(false);
    assert!(plc.controller.power_flow().is_none());
}
