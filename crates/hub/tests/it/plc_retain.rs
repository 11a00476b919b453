//! Retentive memory: what a context begins with, when an image is taken, and what a person hears when it is not kept (PL-37).

use crate::house::{House, line};
use crate::plc_requests::problems;
use crate::plc_signals::{PLC, command, context, download, ms, plant, plc, value, write};
use crosstie_hub::Input;
use crosstie_hub::api::plc::{PlcReply, PlcRequest, RetainRow};
use crosstie_hub::plc::KEEP_EVERY;
use crosstie_hub::settings::{PlcSettings, RetainSettings, RetainStart};
use crosstie_hub::signal::Value;
use crosstie_ladder::address::Address;
use crosstie_ladder::controller::{Command, ControllerState};
use crosstie_ladder::data_table::{CellValue, DataTable, Place};
use crosstie_ladder::retain::{RetainImage, RetainList};
use std::sync::Arc;

/// N:0 counts scans, N:1 follows it, T:0 runs, B:0/0 is what I:0/0 is.
const COUNT: &str = "SOR ADD N:0 1 N:0 EOR\nSOR MOV N:0 N:1 EOR\nSOR TON T:0 500 EOR\nSOR XIC I:0/0 OTE B:0/0 EOR\nSOR ADD N:0 1 N:2 EOR\n";
/// Nothing of the list changes by itself.
const STILL: &str = "SOR XIC I:0/0 OTE B:0/0 EOR\n";

pub(crate) fn list(texts: &[&str]) -> Arc<RetainList> {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    Arc::new(RetainList::read(&texts, |_| None).expect("the list of the test is right"))
}

fn address(text: &str) -> Address {
    text.parse().expect("the address of the test is right")
}

/// What an image of the list holds when these words stand in the memory.
fn image(texts: &[&str], words: &[(&str, i32)]) -> Arc<RetainImage> {
    let mut table = DataTable::new();
    for (text, number) in words {
        table
            .write(address(text), CellValue::Word(*number))
            .expect("the place of the test takes a word");
    }
    let mut image = RetainImage::blank(&list(texts));
    table.fill(&mut image);
    Arc::new(image)
}

pub(crate) fn keeping(program: &str, texts: &[&str], start: RetainStart) -> PlcSettings {
    PlcSettings {
        retain: Some(RetainSettings {
            list: list(texts),
            start,
        }),
        ..context(program)
    }
}

fn house(program: &str, texts: &[&str], start: RetainStart) -> House {
    plant(line(), keeping(program, texts, start), &[])
}

/// The word of an address in the newest image.
fn kept(house: &House, text: &str) -> Option<u32> {
    let (_, image) = house.kept.last()?;
    let (word, _) = Place::of(address(text))?.bits();
    image.word(word).map(|(_, bits)| bits)
}

fn row(house: &mut House) -> RetainRow {
    let context = String::from("line");
    match plc(house, PlcRequest::Context { context }) {
        PlcReply::Context(row, _) => row.retain.expect("the project names places"),
        other => panic!("{other:?}"),
    }
}

fn state(house: &House) -> ControllerState {
    house.engines[&PLC].engine.state()
}

#[test]
fn pl37_what_was_kept_is_there_before_the_first_scan() {
    let start = RetainStart::Warm(image(
        &["N:0-9", "T:0", "B:7"],
        &[("N:0", 41), ("N:5", 7), ("T:0.ACC", 300), ("T:0.PRE", 9)],
    ));
    let mut house = house(COUNT, &["N:0", "T:0", "C:1"], start);
    house.run_for(ms(12));
    assert_eq!(house.engines[&PLC].engine.controller().statistics().scan_count, 1);
    assert_eq!(value(&mut house, "plc/line/N:0"), Value::Int(42));
    assert_eq!(
        value(&mut house, "plc/line/N:1"),
        Value::Int(42),
        "the program has seen it"
    );
    assert_eq!(
        value(&mut house, "plc/line/N:5"),
        Value::Int(0),
        "it is on the list no more"
    );
    assert_eq!(value(&mut house, "plc/line/T:0.ACC"), Value::Int(310));
    assert_eq!(
        value(&mut house, "plc/line/T:0.PRE"),
        Value::Int(500),
        "the program says it at every start"
    );
    let row = row(&mut house);
    assert!(row.is_restored && row.error.is_none());
    assert_eq!(row.places, ["N:0", "T:0", "C:1"]);
    assert!(
        house
            .log
            .iter()
            .any(|line| line == "line: the retentive memory is restored")
    );
}

#[test]
fn pl37_without_a_list_nothing_is_kept_and_nothing_is_asked() {
    let mut house = plant(line(), context(COUNT), &[]);
    house.run_for(ms(3_000));
    house.give(Input::ShuttingDown);
    house.run_for(ms(30));
    assert!(house.kept.is_empty() && !house.hub.keeps_memory());
}

#[test]
fn pl37_while_values_change_an_image_is_taken_every_second_and_otherwise_none() {
    let mut house = house(COUNT, &["N:0"], RetainStart::Cold);
    house.run_for(ms(10_000));
    let times = house.kept.iter().map(|(at, _)| *at).collect::<Vec<_>>();
    assert!((9..=11).contains(&times.len()), "{} images in ten seconds", times.len());
    assert!(
        times
            .windows(2)
            .skip(1)
            .all(|pair| pair[1].since(pair[0]) >= KEEP_EVERY - ms(10))
    );
    assert_eq!(row(&mut house).saved_at, times.last().copied());

    let mut house = self::house(STILL, &["N:0"], RetainStart::Cold);
    house.run_for(ms(5_000));
    assert_eq!(house.kept.len(), 1, "the zeros of the cold start");
    write(&mut house, "plc/line/N:0", Value::Int(7));
    house.run_for(ms(30));
    assert_eq!(
        (house.kept.len(), kept(&house, "N:0")),
        (2, Some(7)),
        "the first change is kept at once"
    );
    write(&mut house, "plc/line/N:3", Value::Int(7));
    house.run_for(ms(5_000));
    assert_eq!(house.kept.len(), 2, "not on the list");

    let start = RetainStart::Warm(image(&["N:0"], &[("N:0", 7)]));
    let mut house = self::house(STILL, &["N:0"], start);
    house.run_for(ms(5_000));
    assert!(house.kept.is_empty(), "it is on the disk already");
}

#[test]
fn pl37_a_stop_a_fault_and_a_reset_are_kept_at_once() {
    let divides = format!("{COUNT}SOR XIC I:0/1 DIV N:1 N:9 N:3 EOR\n");
    let mut house = house(&divides, &["N:0"], RetainStart::Cold);
    house.run_for(ms(2_345));
    command(&mut house, Command::Stop);
    let stopped = value(&mut house, "plc/line/N:0");
    assert_eq!(stopped, Value::Int(i64::from(kept(&house, "N:0").unwrap())));
    command(&mut house, Command::Start);
    house.run_for(ms(345));
    write(&mut house, "plc/line/I:0/1", Value::Bool(true));
    house.run_for(ms(25));
    assert_eq!(state(&house), ControllerState::Fault);
    assert_eq!(
        value(&mut house, "plc/line/N:0"),
        Value::Int(i64::from(kept(&house, "N:0").unwrap()))
    );
    command(&mut house, Command::Reset);
    assert_eq!(kept(&house, "N:0"), Some(0), "cleared, and kept as cleared");
}

#[test]
fn pl37_a_download_keeps_or_clears_as_the_project_says() {
    let mut house = house(COUNT, &["N:0"], RetainStart::Cold);
    house.run_for(ms(500));
    command(&mut house, Command::Stop);
    let before = kept(&house, "N:0");
    assert!(before > Some(40));
    download(&mut house, STILL);
    assert_eq!(kept(&house, "N:0"), before, "while Stopped memory outlives a download");
    command(&mut house, Command::Start);
    download(&mut house, STILL);
    assert_eq!(
        kept(&house, "N:0"),
        Some(0),
        "while Running it does not, and that is kept at once"
    );
}

#[test]
fn pl37_the_end_of_the_hub_waits_until_the_last_image_is_given() {
    let mut house = house(COUNT, &["N:0"], RetainStart::Cold);
    house.run_for(ms(2_345));
    house.give(Input::ShuttingDown);
    assert!(house.hub.keeps_memory(), "the engine is asked");
    house.run_for(ms(15));
    assert!(!house.hub.keeps_memory());
    assert_eq!(kept(&house, "N:0"), Some(234), "the scan before the order");
}

#[test]
fn pl37_what_cannot_be_written_is_a_problem_until_it_is_written() {
    let mut house = house(COUNT, &["N:0"], RetainStart::Cold);
    house.keep_result = Err(String::from("the disk is full"));
    house.run_for(ms(2_500));
    assert_eq!(problems(&mut house), ["plc:line:retain"]);
    assert_eq!(row(&mut house).error.as_deref(), Some("the disk is full"));
    house.keep_result = Ok(());
    house.run_for(ms(1_500));
    assert_eq!(problems(&mut house), [""; 0]);
    assert_eq!(row(&mut house).error, None);
}

#[test]
fn pl37_where_what_was_kept_is_lost_nothing_starts_and_nothing_takes_its_place() {
    let lost = || RetainStart::Lost(String::from("the file is damaged"));
    let mut first = house(COUNT, &["N:0"], lost());
    first.run_for(ms(3_000));
    assert_eq!(state(&first), ControllerState::Stopped);
    assert_eq!(problems(&mut first), ["plc:line:retain"]);
    let shown = row(&mut first);
    assert!(!shown.is_restored && shown.error.as_deref() == Some("the file is damaged"));
    write(&mut first, "plc/line/N:0", Value::Int(3));
    first.run_for(ms(3_000));
    first.give(Input::ShuttingDown);
    assert!(first.kept.is_empty() && !first.hub.keeps_memory());

    let mut started = house(COUNT, &["N:0"], lost());
    command(&mut started, Command::Start);
    started.run_for(ms(100));
    assert!(!started.kept.is_empty(), "somebody has looked at it");
    assert_eq!(problems(&mut started), [""; 0]);

    let mut reset = house(COUNT, &["N:0"], lost());
    command(&mut reset, Command::Reset);
    assert_eq!((kept(&reset, "N:0"), problems(&mut reset).len()), (Some(0), 0));
}

#[test]
fn pl37_what_stands_under_a_force_is_kept() {
    let mut house = house(COUNT, &["N:0", "B:0"], RetainStart::Cold);
    house.run_for(ms(50));
    let force = PlcRequest::Force {
        context: String::from("line"),
        address: String::from("N:0"),
        value: Value::Int(1_000),
        reason: String::new(),
        expires_after: None,
    };
    plc(&mut house, force);
    house.run_for(ms(3_000));
    // The program adds 1 to what it sees, and that goes under the force.
    assert_eq!(kept(&house, "N:0"), Some(1_001));
    assert_eq!(value(&mut house, "plc/line/N:0"), Value::Int(1_000));
    // Of what changes under a force nothing is told: it is looked at every second.
    let images = house.kept.len();
    write(&mut house, "plc/line/I:0/0", Value::Bool(true));
    house.run_for(ms(3_000));
    assert_eq!(house.kept.len(), images + 1, "B:0/0 once, and nothing else is new");
}

#[test]
fn pl37_half_a_scan_is_no_image() {
    let mut house = house(COUNT, &["N:0-2"], RetainStart::Cold);
    house.run_for(ms(1_500));
    let breakpoint = PlcRequest::Breakpoint {
        context: String::from("line"),
        rung: 1,
        is_set: true,
    };
    plc(&mut house, breakpoint);
    house.run_for(ms(10));
    assert_eq!(state(&house), ControllerState::Paused);
    let images = house.kept.len();
    house.run_for(ms(5_000));
    assert_eq!(house.kept.len(), images, "N:0 is ahead of N:1");
    plc(
        &mut house,
        PlcRequest::ClearBreakpoints {
            context: String::from("line"),
        },
    );
    command(&mut house, Command::Resume);
    house.run_for(ms(2_000));
    assert!(house.kept.len() > images);
    for (_, image) in &house.kept[images..] {
        let word = |text: &str| image.word(Place::of(address(text)).unwrap().bits().0).unwrap().1;
        assert_eq!((word("N:1"), word("N:2")), (word("N:0"), word("N:0") + 1));
    }
}
