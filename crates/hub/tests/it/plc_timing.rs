//! How late scans begin, how many are missed, and what the system grants a scan thread: rows and problems of a context.

use crate::house::House;
use crate::plc_requests::{after, command, house_of, house_with, line, problems, program, row};
use crosstie_hub::Input;
use crosstie_hub::api::plc::PlcRequest;
use crosstie_hub::api::{Problem, Reply, Request};
use crosstie_hub::plc::{
    Border, Denial, DeviceInputs, Engine, Entry, EntrySink, Granted, LateScans, Numbered, Order, PlcId, RealtimeAnswer,
    RealtimeWish, ScanTiming,
};
use crosstie_hub::settings::{PlcSettings, Settings};
use crosstie_ladder::controller::{Command, ControllerSettings, ControllerState, ScanStatistics};

fn found(house: &mut House, id: &str) -> Option<Problem> {
    match house.ask(Request::Health) {
        Reply::Health(health) => health.problems.into_iter().find(|problem| problem.id == id),
        other => panic!("{other:?}"),
    }
}

/// A running engine has scanned so often in all; since it was told last so many began late, and so many were missed.
fn scanned(house: &mut House, scans: u64, tardy: u32, missed: u32) {
    let mut statistics = ScanStatistics::default();
    statistics.scan_count = scans;
    let border = Border {
        scan: scans,
        dt_us: 10_000,
        scans: 1,
        state: ControllerState::Running,
        next_rung: None,
        is_safe: false,
    };
    let late = LateScans {
        bucket: 26,
        count: tardy,
        sum_us: 6_000 * u64::from(tardy),
        max_us: 6_000,
        tardy,
        missed,
    };
    house.give(Input::Plc {
        plc: PlcId(0),
        entries: vec![Entry::Border(border), Entry::Late(late), Entry::Statistics(statistics)],
    });
}

#[test]
fn late_and_missed_scans_above_one_per_cent_are_a_problem_until_a_good_window() {
    let mut house = house_with("line");
    scanned(&mut house, 400, 6, 4);
    assert_eq!(problems(&mut house), [""; 0]);
    scanned(&mut house, 500, 0, 1);
    let late = found(&mut house, "plc:line:late").expect("11 of 505");
    let text = "PLC line: of the last 505 scans 6 began more than 5 ms late, and 5 were left out";
    assert_eq!((&*late.text, late.is_error), (text, false));
    assert!(late.hint.contains("priority"), "{}", late.hint);
    assert_eq!(
        (row(&mut house).lateness.missed, row(&mut house).lateness.max_us),
        (5, 6_000)
    );
    scanned(&mut house, 1_000, 0, 0);
    scanned(&mut house, 1_999, 10, 0);
    assert!(
        found(&mut house, "plc:line:late").is_some(),
        "the next window is not full"
    );
    scanned(&mut house, 2_000, 0, 0);
    assert_eq!(problems(&mut house), [""; 0]);
    // Another program: everything is counted anew.
    let download = PlcRequest::Download {
        context: line(),
        program: program("SOR XIC I:0/0 OTE O:0/1 EOR\n"),
    };
    after(&mut house, download);
    assert_eq!(
        (row(&mut house).lateness.scans(), row(&mut house).lateness.missed),
        (0, 0)
    );
    scanned(&mut house, 10, 0, 11);
    assert!(found(&mut house, "plc:line:late").is_some());
}

#[test]
fn every_scan_of_a_running_context_is_counted_until_it_is_reset() {
    let mut house = house_with("line");
    after(&mut house, command(Command::Start));
    house.run_for(std::time::Duration::from_secs(1));
    let shown = row(&mut house);
    assert!(shown.statistics.scan_count >= 99);
    assert_eq!(shown.lateness.scans(), shown.statistics.scan_count);
    after(&mut house, command(Command::Stop));
    after(&mut house, command(Command::StepScan));
    let stepped = row(&mut house);
    assert_eq!(stepped.statistics.scan_count, shown.statistics.scan_count + 1);
    assert_eq!(
        stepped.lateness, shown.lateness,
        "a step is due when somebody asks for it"
    );
    after(&mut house, command(Command::Reset));
    assert_eq!(row(&mut house).lateness.scans(), 0);
}

/// A sink that has room only now and then, as a ring has when the hub is slow.
struct Slow {
    told: Vec<Entry>,
    has_room: bool,
}

impl EntrySink for Slow {
    fn room(&self) -> usize {
        if self.has_room { usize::MAX } else { 0 }
    }

    fn push(&mut self, entry: Entry) {
        self.told.push(entry);
    }
}

#[test]
fn no_late_and_no_missed_scan_is_lost_when_the_hub_is_slow() {
    let mut engine = Engine::new(ControllerSettings::default());
    let mut sink = Slow {
        told: Vec::new(),
        has_room: true,
    };
    let program = program("SOR XIC I:0/0 OTE O:0/0 EOR\n");
    for order in [Order::Load(program.compiled.clone()), Order::Command(Command::Start)] {
        engine.execute(Numbered::by_driver(1, order), &DeviceInputs::default(), &mut sink);
    }
    let (mut sum, mut missed) = (0, 0);
    for scan in 0..10_000_u32 {
        sink.has_room = scan % 700 == 699 || scan == 9_999;
        let timing = ScanTiming {
            late_us: scan % 7_993,
            missed: u32::from(scan % 13 == 0),
            took_us: 10,
        };
        sum += u64::from(timing.late_us);
        missed += u64::from(timing.missed);
        let events = engine.scan(&DeviceInputs::default(), 10_000);
        engine.report(Some(timing), events, &mut sink);
    }
    let mut house = house_with("line");
    house.give(Input::Plc {
        plc: PlcId(0),
        entries: sink.told,
    });
    let lateness = row(&mut house).lateness;
    assert_eq!(
        (lateness.scans(), lateness.sum_us, lateness.missed),
        (10_000, sum, missed)
    );
    assert_eq!(
        (lateness.max_us, lateness.tardy),
        (7_992, (0..10_000).filter(|n| n % 7_993 > 5_000).count() as u64)
    );
}

#[test]
fn what_the_system_does_not_grant_is_a_problem_and_stands_in_the_row() {
    let wish = RealtimeWish {
        priority: Some(50),
        cpu: None,
        spin: true,
    };
    let mut house = house_of(vec![PlcSettings {
        realtime: wish,
        ..PlcSettings::named("line")
    }]);
    let tell = |house: &mut House, priority, spin| {
        let answer = RealtimeAnswer {
            priority,
            spin,
            ..RealtimeAnswer::default()
        };
        house.give(Input::Plc {
            plc: PlcId(0),
            entries: vec![Entry::Realtime(answer)],
        });
    };
    let crowded = Granted::No(Denial::Crowded { contexts: 2, cpus: 2 });
    tell(&mut house, Granted::No(Denial::NotPermitted), crowded);
    let problem = found(&mut house, "plc:line:realtime").expect("nothing was granted");
    let expected = "scans without what was asked for: no real-time priority 50: not permitted; \
                    no busy waiting: it wants a CPU for itself, and 2 contexts scan on 2 CPUs";
    assert_eq!((&*problem.text, problem.is_error), (expected, false));
    for hint in ["setcap cap_sys_nice,cap_ipc_lock+ep", "LimitRTPRIO=", "spin"] {
        assert!(problem.hint.contains(hint), "{}", problem.hint);
    }
    assert_eq!(house.log.iter().filter(|line| line.contains("asked for")).count(), 1);
    assert_eq!(row(&mut house).realtime.denied.len(), 2);
    tell(&mut house, Granted::Yes, Granted::Yes);
    assert_eq!(found(&mut house, "plc:line:realtime"), None);
    let shown = row(&mut house).realtime;
    assert_eq!((shown.priority, shown.spin, shown.denied.len()), (Some(50), true, 0));
}

#[test]
fn memory_that_is_not_locked_is_a_problem_of_the_context() {
    let mut house = House::with(Settings {
        plcs: vec![PlcSettings::named("line")],
        locked_memory: Granted::No(Denial::LockLimit { kb: 8_192 }),
        ..Settings::default()
    });
    house.give(Input::Plc {
        plc: PlcId(0),
        entries: vec![Entry::Realtime(RealtimeAnswer::default())],
    });
    let problem = found(&mut house, "plc:line:realtime").expect("it was refused");
    assert!(
        problem.text.ends_with("no locked memory: the limit is 8192 kB"),
        "{}",
        problem.text
    );
    assert!(problem.hint.contains("LimitMEMLOCK=infinity"));
    assert!(!row(&mut house).realtime.locked_memory);
}
