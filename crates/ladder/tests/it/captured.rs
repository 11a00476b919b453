//! What was observed of the engine 0.1.31 and does not fit into a scan table: commands by state, programs that are refused, and
//! what outlives a download. Section numbers are those of the record; `tests/scan/captured-*.scan` holds the rest.

use crosstie_ladder::check::check;
use crosstie_ladder::compile::CompiledProgram;
use crosstie_ladder::controller::{Command, ControllerState, Inputs, Refusal};
use crosstie_ladder::data_table::CellValue;
use crosstie_ladder::program::Element;
use crosstie_ladder::{Region, text};

use crate::plc::{Plc, address, compiled, told};

use Command::{Pause, Reset, Resume, Start, StepRung, StepScan, Stop};
use ControllerState::{Fault, Paused, Running, Stepping, Stopped};

/// Three rungs; input 0 makes the second one fail.
const PROGRAM: &str = "SOR ADD N:0 1 N:0 EOR\nSOR XIC I:0/0 DIV N:1 0 N:1 EOR\nSOR OTE O:0/0 EOR";

/// Sections 12 and 25, with a program: state, command, state after it, scans (`=` as before, `+1` one more, `on` more and more,
/// `0` counted anew), events. What is marked `!` succeeded there and is refused here.
const COMMANDS: &str = "
    stopped  start    running  on Running
    stopped  stop     stopped  =
    stopped  pause    stopped  =
    stopped  resume   stopped  =
    stopped  stepScan paused   +1 Stepping Paused
    stopped  stepRung stepping =  Stepping
    stopped  reset    stopped  =
    stopped  download stopped  =
    stopped  clear    stopped  =
    stopped  force    stopped  =
    running  start    running  on
    running  stop     stopped  =  Stopped
    running  pause    paused   =  Paused
    running  resume   running  on
    running  stepScan paused   on ! Stepping Paused
    running  stepRung stepping on ! Stepping
    running  reset    stopped  0  Stopped
    running  download stopped  0  Stopped
    running  clear    stopped  0  Stopped
    running  force    running  on
    paused   start    running  on Running
    paused   stop     stopped  =  Stopped
    paused   pause    paused   =
    paused   resume   running  on Running
    paused   stepScan paused   +1 Stepping Paused
    paused   stepRung stepping =  Stepping
    paused   reset    stopped  0  Stopped
    paused   download stopped  0  Stopped
    paused   clear    stopped  0  Stopped
    paused   force    paused   =
    fault    start    fault    =  !
    fault    stop     stopped  =  Stopped
    fault    pause    fault    =
    fault    resume   fault    =
    fault    stepScan fault    =  !
    fault    stepRung fault    =  !
    fault    reset    stopped  0  Stopped
    fault    download stopped  0  Stopped
    fault    clear    stopped  0  Stopped
    fault    force    fault    =
    stepping start    running  on Running
    stepping stop     stopped  =  Stopped
    stepping pause    stepping =
    stepping resume   stepping =
    stepping stepScan paused   +1 Paused
    stepping reset    stopped  0  Stopped
    stepping download stopped  0  Stopped
    stepping clear    stopped  0  Stopped
";

/// Scans that follow a command.
const FOLLOWING: u64 = 3;

fn state(name: &str) -> ControllerState {
    let all = [Stopped, Running, Paused, Stepping, Fault];
    let known = all.into_iter().find(|state| state.as_str().eq_ignore_ascii_case(name));
    known.unwrap()
}

/// What a command tells, or why it is refused.
fn give(plc: &mut Plc, name: &str) -> Result<Vec<String>, Refusal> {
    let command = match name {
        "start" => Start,
        "stop" => Stop,
        "pause" => Pause,
        "resume" => Resume,
        "stepScan" => StepScan,
        "stepRung" => StepRung,
        "reset" => Reset,
        "download" => return Ok(told(plc.controller.load(compiled(PROGRAM)))),
        "clear" => return Ok(told(plc.controller.clear_program())),
        _ => {
            plc.controller.force(address("I:0/5"), CellValue::Bit(true)).unwrap();
            return Ok(Vec::new());
        }
    };
    plc.controller.command(command, &plc.inputs).map(told)
}

#[test]
fn pl30_commands_do_what_was_observed_or_are_refused() {
    let mut refused = 0;
    for line in COMMANDS.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<_> = line.split_whitespace().collect();
        let [before, command, after, scans, events @ ..] = words.as_slice() else {
            panic!("{line}");
        };
        let mut plc = Plc::new(PROGRAM);
        plc.bring_to(state(before));
        let count = |plc: &Plc| plc.controller.statistics().scan_count;
        let scans_before = count(&plc);
        let got = give(&mut plc, command);
        if events.first() == Some(&"!") {
            let expected = match state(before) {
                Fault => Refusal::InFault,
                _ => Refusal::WhileRunning,
            };
            assert_eq!((got, plc.controller.state()), (Err(expected), state(before)), "{line}");
            refused += 1;
            continue;
        }
        let events: Vec<_> = events.iter().map(|event| (*event).to_owned()).collect();
        assert_eq!((got, plc.controller.state()), (Ok(events), state(after)), "{line}");
        (0..FOLLOWING).for_each(|_| drop(plc.scan()));
        let expected = match *scans {
            "=" => scans_before,
            "+1" => scans_before + 1,
            "on" => scans_before + FOLLOWING,
            _ => 0,
        };
        assert_eq!(count(&plc), expected, "{line}");
    }
    assert_eq!(refused, 5);
}

#[test]
fn pl30_without_a_program_a_start_is_refused_and_no_fault() {
    for command in [Start, StepScan, StepRung] {
        let mut plc = Plc::new(PROGRAM);
        plc.controller.clear_program();
        assert_eq!(plc.refused(command), Refusal::NoProgram);
        assert_eq!(plc.controller.state(), Stopped, "0.1 is in fault then");
    }
    for command in [Stop, Pause, Resume, Reset] {
        let mut plc = Plc::new(PROGRAM);
        plc.controller.clear_program();
        assert_eq!((plc.told(command).len(), plc.controller.state()), (0, Stopped));
    }
}

/// Section 14: five rungs, a breakpoint before the third.
#[test]
fn pl34_a_breakpoint_can_be_passed() {
    let mut plc =
        Plc::new("SOR OTE B:1/0 EOR\nSOR OTE B:1/1 EOR\nSOR OTE B:1/2 EOR\nSOR OTE B:1/3 EOR\nSOR ADD N:0 1 N:0 EOR");
    plc.controller.set_breakpoint(2).unwrap();
    assert_eq!(plc.told(Start), ["Running"]);
    assert_eq!(plc.scan(), ["at 2", "Paused"]);
    let seen = |plc: &Plc| {
        (
            plc.number("B:1"),
            plc.number("N:0"),
            plc.controller.statistics().scan_count,
        )
    };
    assert_eq!(seen(&plc), (3, 0, 0));
    // There a resume began the scan anew and stood before the same rung again.
    assert_eq!(plc.told(Resume), ["Running"]);
    assert_eq!(plc.scan(), [""; 0]);
    assert_eq!(seen(&plc), (15, 1, 1));
    assert_eq!(plc.scan(), ["at 2", "Paused"]);
    assert_eq!(plc.told(StepRung), ["Stepping"]);
    assert_eq!((plc.number("B:1"), plc.controller.next_rung()), (15, Some(3)));
    assert_eq!(plc.told(StepScan), ["Paused"]);
    assert_eq!(seen(&plc), (15, 2, 2));
    plc.told(Reset);
    plc.told(Start);
    assert_eq!(plc.scan(), ["at 2", "Paused"], "kept over a reset");
    let program = "SOR EOR\nSOR EOR\nSOR ADD N:0 1 N:0 EOR";
    assert_eq!(told(plc.controller.load(compiled(program))), ["Stopped"]);
    plc.told(Start);
    assert_eq!(plc.scan(), ["at 2", "Paused"], "kept over a download");
}

#[test]
fn pl33_memory_and_forces_outlive_downloads_while_stopped() {
    let mut plc = Plc::new(PROGRAM);
    let seen = |plc: &Plc| (plc.number("N:7"), plc.controller.table().force_mask(Region::Bits)[9]);
    let prepare = |plc: &mut Plc| {
        plc.write("N:7", 7);
        plc.controller.force(address("B:9/9"), CellValue::Bit(true)).unwrap();
    };
    prepare(&mut plc);
    give(&mut plc, "download").unwrap();
    assert_eq!(seen(&plc), (7, 512));
    give(&mut plc, "clear").unwrap();
    assert_eq!(seen(&plc), (7, 512));
    give(&mut plc, "download").unwrap();
    plc.told(Start);
    plc.scan();
    assert_eq!(seen(&plc), (7, 512), "and over a start");
    give(&mut plc, "download").unwrap();
    assert_eq!(seen(&plc), (0, 0), "not over a download while Running");
    prepare(&mut plc);
    plc.told(Start);
    give(&mut plc, "clear").unwrap();
    assert_eq!(seen(&plc), (0, 0));
}

#[test]
fn pl64_a_one_shot_fires_once_more_after_a_download() {
    let program = "SOR XIC B:0/0 {OSR} ADD N:0 1 N:0 EOR";
    let mut plc = Plc::new(program);
    plc.write("B:0", 1);
    for (expected, why) in [(1, "first scan"), (2, "stopped, downloaded, the bit still on")] {
        plc.told(Start);
        plc.scan();
        plc.scan();
        assert_eq!(plc.number("N:0"), expected, "{why}");
        plc.told(Stop);
        plc.controller.load(compiled(program));
    }
}

#[test]
fn pl50_document_order_executes_whatever_the_columns_say() {
    let mut program = text::read("SOR OTE O:0/0 XIC I:0/0 OTE O:0/1 EOR").unwrap();
    for (element, column) in program.rungs[0].elements.iter_mut().zip([5, 0, 2]) {
        let Element::Instruction(instruction) = element else {
            panic!("the rung has no branch");
        };
        instruction.column = column;
    }
    let mut plc = Plc::new("");
    plc.controller.load(CompiledProgram::new(&program).unwrap());
    plc.told(Start);
    plc.scan();
    assert_eq!(plc.number("O:0"), 1);
}

/// Section 23: a timer that is on for ten seconds. There it showed 9,677 ms.
#[test]
fn pl65_a_timer_shows_the_time_of_a_thousand_scans() {
    let mut plc = Plc::new("SOR TON T:0 30000 EOR");
    plc.told(Start);
    for number in 0..1000 {
        plc.controller
            .scan(&Inputs::default(), 10_004 + u32::from(number % 10 < 3));
    }
    assert_eq!(plc.number("T:0.ACC"), 10_004);
}

/// Section 18: programs that an editor rejects and that ran. They run here, and the checks name what is doubtful.
#[test]
fn pl80_what_an_editor_would_reject_runs() {
    let rows = [
        ("SOR EOR", "E001"),
        ("SOR XIC I:0/0 EOR", "E002"),
        ("SOR OTE O:0/0 EOR", "E003"),
        ("SOR XIC I:0/0 OTE O:0/0 OTE O:0/0 EOR", "E004"),
        ("SOR XIC I:0/0 OTE O:0/0 OTL O:0/0 EOR", ""),
        ("SOR XIC I:0/0 OTL O:0/0 OTU O:0/0 EOR", ""),
        ("SOR XIC I:0/0 OTE O:0/0 EOR\nSOR XIC I:0/1 OTE O:0/0 EOR", "E006"),
        ("SOR XIC I:0/0 OTE O:0/0 EOR\nSOR XIC I:0/1 OTL O:0/0 EOR", ""),
        ("SOR XIC I:0/0 OTL O:0/0 EOR\nSOR XIC I:0/1 OTL O:0/0 EOR", ""),
        ("SOR XIC I:0/0 TON T:0 5 EOR\nSOR XIC I:0/1 TON T:0 5 EOR", ""),
        ("SOR XIC I:0/0 ADD 1 2 N:0 ADD 3 4 N:0 EOR", ""),
        (
            "SOR XIC I:0/0 {TON T:0 5} OTE O:0/0 EOR\nSOR XIC I:0/0 TON T:0 5 EOR",
            "E007",
        ),
        ("SOR XIC I:0/0 {TON T:0 5} XIC I:0/1 {TON T:0 9} OTE O:0/0 EOR", "E007"),
        ("SOR XIC I:0/0 BST OTE O:0/0 BND EOR", "W001"),
        ("SOR BST XIC I:0/0 NXB BND OTE O:0/0 EOR", "W002"),
        ("SOR XIC I:0/0 BST BND OTE O:0/0 EOR", "W001"),
        (
            "SOR XIC I:0/0 BST XIC I:0/1 OTE O:0/0 NXB XIC I:0/2 OTE O:0/0 BND EOR",
            "",
        ),
        ("SOR XIC I:0/0 BST OTE O:0/0 NXB OTE O:0/1 BND EOR", ""),
        ("SOR OTE O:0/0 XIC I:0/0 EOR", "E003"),
        ("SOR XIC I:0/0 OTE O:0/0 XIC I:0/1 OTE O:0/1 EOR", ""),
        ("", ""),
        ("SOR XIC I:0/0 OTE I:1/1 EOR", ""),
        ("SOR EQU N:0 0 EOR", "E002"),
    ];
    for (source, code) in rows {
        let found = check(&text::read(source).unwrap());
        let codes: Vec<_> = found.iter().map(|found| found.code.to_string()).collect();
        assert_eq!(codes.is_empty(), code.is_empty(), "{source}: {codes:?}");
        assert!(
            code.is_empty() || codes.iter().any(|found| found == code),
            "{source}: {codes:?}"
        );
        let mut plc = Plc::new(source);
        plc.told(Start);
        assert_eq!(plc.scan(), [""; 0], "{source}");
    }
}

/// Sections 13, 16, 17, 18, 19, 20, 21 and 23: what there failed only while running (`fault`), did nothing (`silent`) or read 0
/// (`zero`). Each is refused at download.
const REFUSED: &str = "
    fault  XIC ?
    fault  OTE ?
    fault  TON ? 5
    fault  TON C:0 5
    fault  CTU T:0 5
    fault  RES N:0
    fault  MOV 1 T:0
    fault  MOV 1 T:0.DN
    fault  MOV 1 C:0
    fault  MOV 1 5
    fault  MOV 1 ?
    fault  ADD 40000 1 T:0.PRE
    fault  ADD 40000 1 T:0.ACC
    fault  ADD 40000 1 T:0.DN
    fault  ADD 40000 1 T:0
    fault  ADD 40000 1 C:0.PRE
    fault  ADD 40000 1 5
    fault  N2B N:1 T:0.PRE
    silent MOV 1 N:300
    silent MOV 1 B:64
    silent MOV 1 I:9
    silent MOV 1 O:8
    silent ADD 40000 1 N:300
    silent ADD 1 1 ?
    silent OTE N:1
    silent OTE T:0.DN
    silent OTE 5
    silent OTE O:8/0
    silent XIC I:0/0 {TON C:0 5}
    silent BSL N:1 1 N:4 N:9
    silent BSL N:1 1 N:4 T:9
    silent BSL N:1 1 N:4 C:9
    silent BSL N:1 1 N:4 O:1/2
    silent BSL N:1 1 N:4 I:1/2
    silent BSR N:1 1 N:4 N:9
    silent BSR N:1 1 N:4 T:9
    silent BSR N:1 1 N:4 C:9
    silent BSR N:1 1 N:4 O:1/2
    silent BSR N:1 1 N:4 I:1/2
    zero   XIC T:0
    zero   XIC T:0.ACC
    zero   XIC C:0
    zero   XIC N:1
    zero   ADD ? 1 N:4
    zero   ADD T:0.DN 1 N:4
    zero   ADD T:0.EN 1 N:4
    zero   ADD T:0 1 N:4
    zero   ADD C:0 1 N:4
    zero   ADD C:0.CU 1 N:4
    zero   ADD N:300 1 N:4
    zero   MOV T:0 N:4
    zero   BOR C:0 0 N:4
    zero   EQU N:300 0
    zero   EQU ? 0
    zero   EQU ? ?
    zero   GEQ T:0.DN 1
    zero   SCL N:1 N:2 100 0 9 N:4
";

#[test]
fn pl41_what_failed_or_did_nothing_while_running_is_refused_at_download() {
    for line in REFUSED.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (_, instruction) = line.split_once(' ').unwrap();
        let source = format!("SOR {instruction} OTE O:0/0 EOR");
        let problems = match text::read(&source) {
            Ok(program) => CompiledProgram::new(&program).unwrap_err(),
            Err(problems) => problems,
        };
        assert_eq!(
            (problems[0].rung, problems[0].code.to_string().len()),
            (Some(0), 4),
            "{line}"
        );
    }
}
