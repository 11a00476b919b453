//! Programs of a remote engine (PL-90): what comes back after a lost link, and what is never touched.

use crate::house::line;
use crate::old_engine::{Owner, Site, canonical};
use crate::schedules::Dice;
use crosstie_hub::api::plc::{LinkColor, PlcRequest};
use crosstie_ladder::controller::{Command, ControllerState};

const OURS: &str = "SOR XIC B:0/0 OTE O:0/0 EOR\n";
const OURS_TOO: &str = "SOR XIC B:0/0 OTE O:0/1 EOR\n";
const THEIRS: &str = "SOR XIC B:0/0 OTE O:0/7 EOR\nSOR XIC B:0/1 OTE O:0/6 EOR\n";

/// The document of the engine and who has put it there.
fn there(site: &mut Site) -> Option<(String, Owner)> {
    site.engine().document.clone()
}

fn downloaded() -> Site {
    let mut site = Site::new(line(), &[]);
    site.download(OURS).expect("the engine takes it");
    site.run_for(100);
    assert_eq!(there(&mut site), Some((canonical(OURS), Owner::Hub)));
    let by = site.row().program.map(|program| program.by);
    assert_eq!(by.as_deref(), Some("this machine"));
    site
}

#[test]
fn pl90_a_program_that_the_engine_has_lost_comes_back_and_is_not_started() {
    let mut site = downloaded();
    site.order(Command::Start).unwrap();
    site.restart();
    site.run_for(4_000);
    assert_eq!(there(&mut site), Some((canonical(OURS), Owner::Hub)));
    assert_eq!(site.engine().controller.state(), ControllerState::Stopped);
    let (color, reason) = site.color();
    assert_eq!(color, LinkColor::Yellow);
    assert!(reason.unwrap().contains("is not started"));
    assert!(site.problems().contains(&"plc:far:link".into()));
    site.order(Command::Start).unwrap();
    assert_eq!(site.color(), (LinkColor::Green, None));
    assert!(!site.problems().contains(&"plc:far:link".into()));
}

#[test]
fn pl90_the_program_of_somebody_else_is_shown_and_never_overwritten() {
    let mut site = downloaded();
    site.restart();
    site.engine().load(THEIRS, Owner::SomebodyElse);
    site.run_for(40_000);
    assert_eq!(there(&mut site), Some((canonical(THEIRS), Owner::SomebodyElse)));
    let row = site.row();
    let program = row.program.unwrap();
    assert_eq!((program.rungs, program.by.as_str()), (2, "the engine"));
    let (color, reason) = site.color();
    assert_eq!(color, LinkColor::Yellow);
    assert!(reason.unwrap().contains("another program than the one downloaded here"));
    // Somebody who means it replaces it.
    site.download(OURS).unwrap();
    site.run_for(1_500);
    assert_eq!(site.color(), (LinkColor::Green, None));
    assert_eq!(there(&mut site), Some((canonical(OURS), Owner::Hub)));
}

#[test]
fn pl90_an_older_program_from_here_is_replaced_when_the_engine_is_stopped_and_not_before() {
    let mut site = downloaded();
    site.download(OURS_TOO).unwrap();
    site.run_for(1_500);
    site.restart();
    site.engine().load(OURS, Owner::Hub);
    site.engine().command(Command::Start);
    site.run_for(5_000);
    assert_eq!(there(&mut site).unwrap().0, canonical(OURS), "it runs");
    assert_eq!(site.color().0, LinkColor::Yellow);
    site.engine().command(Command::Stop);
    site.run_for(2_000);
    assert_eq!(there(&mut site).unwrap().0, canonical(OURS_TOO));
}

#[test]
fn pl90_what_was_cleared_while_the_link_was_up_does_not_come_back() {
    let mut site = downloaded();
    site.engine().controller.clear_program();
    site.engine().document = None;
    site.run_for(31_000);
    assert!(site.row().program.is_none());
    site.restart();
    site.run_for(5_000);
    assert_eq!(there(&mut site), None);
    assert_eq!(site.color(), (LinkColor::Green, None));

    let mut site = downloaded();
    let context = String::from("far");
    site.ask(PlcRequest::ClearProgram { context }).unwrap();
    site.restart();
    site.run_for(5_000);
    assert_eq!(there(&mut site), None);
}

/// The stand-in asserts at every download that it takes nothing from anybody and nothing that runs.
#[test]
fn pl90_whatever_happens_to_link_and_engine_no_program_of_somebody_else_is_overwritten() {
    let mut came_back = 0;
    for seed in 0..150 {
        let mut dice = Dice::new(seed ^ 0x90);
        let mut site = Site::begun(line(), &[]);
        for _ in 0..25 {
            match dice.below(12) {
                0 | 1 => site.cut(),
                2 => site.end(),
                3 | 4 => site.restart(),
                5 => {
                    // Whoever restarts it also gives it a program.
                    site.restart();
                    site.engine()
                        .load([THEIRS, OURS_TOO][dice.below(2) as usize], Owner::SomebodyElse);
                }
                6 if site.engine.is_some() => {
                    let _ = site.download([OURS, OURS_TOO][dice.below(2) as usize]);
                }
                7 if site.engine.is_some() => site.engine().command(Command::Start),
                8 if site.engine.is_some() => site.engine().command(Command::Stop),
                9 if site.engine.is_some() => site.engine().is_silent = true,
                10 => drop(site.order(Command::Start)),
                _ => {}
            }
            let millis = [10, 60, 700, 4_000][dice.below(4) as usize];
            let before = site.engine.as_ref().is_some_and(|engine| engine.document.is_none());
            site.run_for(dice.below(millis) + 1);
            let after = site.engine.as_ref().is_some_and(|engine| engine.document.is_some());
            came_back += u32::from(before && after);
        }
        if site.engine.is_none() {
            site.restart();
        }
        site.run_for(15_000);
        let row = site.row();
        let link = row.link.unwrap();
        assert_ne!(link.color, LinkColor::Red, "seed {seed}: {:?}", link.reason);
        let shown = row.program.map(|program| program.rungs);
        let held = site.engine().controller.program().map(|program| program.rungs());
        assert_eq!(shown, held, "seed {seed}");
        assert_eq!(row.state, site.engine().controller.state(), "seed {seed}");
    }
    assert!(came_back > 20, "the schedules do bring programs back: {came_back}");
}
