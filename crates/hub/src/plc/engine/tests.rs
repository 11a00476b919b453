//! The engine from border to border: what stands before what, and what a full sink merges.

use super::*;
use crate::plc::program::Program;
use crosstie_ladder::address::Address;
use crosstie_ladder::controller::{Event, Refusal};
use crosstie_ladder::data_table::CellValue;

/// A sink whose room the test sets.
struct Sink {
    list: Vec<Entry>,
    room: usize,
}

impl EntrySink for Sink {
    fn room(&self) -> usize {
        self.room
    }

    fn push(&mut self, entry: Entry) {
        self.list.push(entry);
    }
}

fn sink() -> Sink {
    Sink {
        list: Vec::new(),
        room: usize::MAX,
    }
}

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn order(engine: &mut Engine, order: Order) -> Vec<Entry> {
    let mut sink = sink();
    engine.execute(Numbered::by_driver(7, order), &DeviceInputs::default(), &mut sink);
    sink.list
}

fn scan(engine: &mut Engine, sink: &mut Sink) {
    let events = engine.scan(&DeviceInputs::default(), 10_000);
    let timing = ScanTiming {
        took_us: 100,
        ..ScanTiming::default()
    };
    engine.report(Some(timing), events, sink);
}

/// An engine that runs this program.
fn running(text: &str) -> Engine {
    let mut engine = Engine::new(ControllerSettings::default());
    let program = Program::read(text).unwrap();
    order(&mut engine, Order::Load(program.compiled));
    order(&mut engine, Order::Command(Command::Start));
    engine
}

fn write(engine: &mut Engine, place: &str, on: bool) -> Vec<Entry> {
    let (address, value) = (address(place), CellValue::Bit(on));
    order(engine, Order::Write { address, value })
}

/// The words of a list of entries, in order.
fn kinds(entries: &[Entry]) -> Vec<&'static str> {
    let kind = |entry: &Entry| match entry {
        Entry::Border(_) => "border",
        Entry::Change { .. } => "change",
        Entry::Forced { .. } => "forced",
        Entry::Drive { .. } => "drive",
        Entry::Event(_) => "event",
        Entry::Answer { .. } => "answer",
        Entry::Statistics(_) => "statistics",
        Entry::Late(_) => "late",
        Entry::Realtime(_) => "realtime",
        Entry::Power(_) => "power",
        Entry::Toggled(_) => "toggled",
        Entry::Retained(_) => "retained",
        Entry::Profile(_) => "profile",
        Entry::Given(_) => "given",
    };
    entries.iter().map(kind).collect()
}

#[test]
fn an_answer_stands_behind_the_changes_of_its_order_and_before_its_events() {
    let mut engine = running("SOR XIC I:0/0 OTE O:0/0 EOR\n");
    assert_eq!(
        kinds(&write(&mut engine, "I:0/0", true)),
        ["border", "change", "answer"]
    );
    let stop = order(&mut engine, Order::Command(Command::Stop));
    assert_eq!(kinds(&stop), ["border", "answer", "event"]);
    let step = order(&mut engine, Order::Command(Command::StepScan));
    assert_eq!(
        kinds(&step),
        ["border", "change", "drive", "answer", "event", "event", "statistics"]
    );
    let answer = Entry::Answer {
        number: 7,
        result: Ok(()),
    };
    assert!(stop.contains(&answer));
}

#[test]
fn a_refused_order_is_answered_with_the_reason_and_changes_nothing() {
    let mut engine = Engine::new(ControllerSettings::default());
    let told = order(&mut engine, Order::Command(Command::Start));
    let refused = Entry::Answer {
        number: 7,
        result: Err(Refused::State(Refusal::NoProgram)),
    };
    assert_eq!(told.last(), Some(&refused));
    assert_eq!(kinds(&told), ["border", "answer"]);
}

#[test]
fn what_is_written_between_two_borders_reaches_the_program_at_the_next() {
    let mut engine = running("SOR XIC I:0/0 OTE O:0/0 EOR\n");
    write(&mut engine, "I:0/0", true);
    assert_eq!(
        engine.controller().table().read(address("O:0/0")),
        Ok(CellValue::Bit(false))
    );
    let mut sink = sink();
    scan(&mut engine, &mut sink);
    assert_eq!(
        engine.controller().table().read(address("O:0/0")),
        Ok(CellValue::Bit(true))
    );
    assert_eq!(kinds(&sink.list), ["border", "change", "drive", "late", "statistics"]);
    let Entry::Border(border) = sink.list[0] else {
        panic!("a report begins with a border")
    };
    assert_eq!((border.scans, border.dt_us, border.is_safe), (1, 10_000, false));
}

#[test]
fn a_full_sink_takes_no_orders_and_merges_scans_with_their_pulses() {
    let mut engine = running("SOR XIC I:0/0 {OSR} OTE O:0/0 EOR\nSOR ADD N:0 1 N:0 EOR\n");
    let mut sink = sink();
    scan(&mut engine, &mut sink);
    write(&mut engine, "I:0/0", true);
    sink.room = ROOM_MIN - 1;
    sink.list.clear();
    assert!(!engine.takes_orders(&sink));
    for _ in 0..5 {
        scan(&mut engine, &mut sink);
    }
    assert_eq!(sink.list, []);
    sink.room = ROOM_MIN;
    assert!(engine.takes_orders(&sink));
    scan(&mut engine, &mut sink);
    let Entry::Border(border) = sink.list[0] else {
        panic!("a report begins with a border")
    };
    assert_eq!((border.scans, border.dt_us), (6, 60_000));
    let output = WordIndex::of(crosstie_ladder::Region::Output, 0);
    let pulse = Entry::Change {
        word: output,
        after: 0,
        pulsed: 1,
    };
    assert!(sink.list.contains(&pulse), "{:?}", sink.list);
    let number = |entry: &Entry| matches!(entry, Entry::Change { word, after: 7, .. } if word.get() == 80);
    assert!(
        sink.list.iter().any(number),
        "of a number the newest counts: {:?}",
        sink.list
    );
}

#[test]
fn events_are_told_to_a_full_sink_too() {
    let mut engine = running("SOR DIV N:0 N:1 N:2 EOR\n");
    let mut sink = sink();
    sink.room = 0;
    scan(&mut engine, &mut sink);
    assert_eq!(engine.state(), ControllerState::Fault);
    let fault = |entry: &Entry| matches!(entry, Entry::Event(Event::Fault(_)));
    assert!(sink.list.iter().any(fault), "{:?}", sink.list);
}

#[test]
fn several_places_are_written_at_one_border_or_none_of_them() {
    let mut engine = running("SOR XIC I:0/0 OTE O:0/0 EOR\n");
    let feed = Order::Feed {
        address: address("N:1"),
        value: CellValue::Word(4),
    };
    engine.execute(Numbered::by_driver(0, feed), &DeviceInputs::default(), &mut sink());
    let writes = |value| Order::WriteAll([(address("N:1"), CellValue::Word(9)), (address("I:0/3"), value)].into());
    let told = order(&mut engine, writes(CellValue::Word(1)));
    assert_eq!(kinds(&told), ["border", "answer"]);
    assert_eq!(engine.controller().table().read(address("N:1")), Ok(CellValue::Word(0)));
    let told = order(&mut engine, writes(CellValue::Bit(true)));
    assert_eq!(kinds(&told), ["border", "change", "change", "answer"]);
    scan(&mut engine, &mut sink());
    let table = engine.controller().table();
    assert_eq!(
        table.read(address("N:1")),
        Ok(CellValue::Word(9)),
        "what a route said before is older"
    );
    assert_eq!(table.read(address("I:0/3")), Ok(CellValue::Bit(true)));
}

#[test]
fn a_toggle_tells_what_the_bit_is_then_and_the_program_keeps_it() {
    let mut engine = running("SOR XIC I:0/0 OTE O:0/0 EOR\n");
    let toggle = |text| Order::Toggle { address: address(text) };
    let told = order(&mut engine, toggle("I:0/0"));
    assert_eq!(kinds(&told), ["border", "change", "toggled", "answer"]);
    assert!(told.contains(&Entry::Toggled(true)));
    scan(&mut engine, &mut sink());
    assert_eq!(
        engine.controller().table().read(address("O:0/0")),
        Ok(CellValue::Bit(true))
    );
    let force = Order::Force {
        address: address("I:0/0"),
        value: CellValue::Bit(true),
    };
    order(&mut engine, force);
    let told = order(&mut engine, toggle("I:0/0"));
    assert_eq!(kinds(&told), ["border", "toggled", "answer"]);
    assert!(told.contains(&Entry::Toggled(false)), "underneath");
    assert_eq!(kinds(&order(&mut engine, toggle("N:1"))), ["border", "answer"]);
}

#[test]
fn times_of_rungs_are_told_before_the_answer_while_they_are_measured() {
    let mut engine = running("SOR XIC I:0/0 OTE O:0/0 EOR\n");
    let told = order(&mut engine, Order::TellProfile);
    assert_eq!(kinds(&told), ["border", "profile", "answer"]);
    assert!(told.contains(&Entry::Profile(None)));
    order(&mut engine, Order::Profile(true));
    let mut now = 0;
    let mut clock = || {
        now += 5;
        now
    };
    engine.scan_timed(&DeviceInputs::default(), 10_000, &mut clock);
    let told = order(&mut engine, Order::TellProfile);
    let profile = told.iter().find_map(|entry| match entry {
        Entry::Profile(profile) => profile.as_deref(),
        _ => None,
    });
    assert_eq!(
        profile.map(|profile| (profile.scans(), profile.overhead_ns())),
        Some((1, 5))
    );
}

#[test]
fn force_masks_are_told_when_they_move_and_only_then() {
    let mut engine = running("SOR XIC I:0/0 OTE O:0/0 EOR\n");
    let force = |value| Order::Force {
        address: address("I:0/3"),
        value,
    };
    let told = order(&mut engine, force(CellValue::Bit(true)));
    assert_eq!(kinds(&told), ["border", "change", "forced", "answer"]);
    let word = WordIndex::of(crosstie_ladder::Region::Input, 0);
    assert!(told.contains(&Entry::Forced { word, mask: 1 << 3 }));
    let again = order(&mut engine, force(CellValue::Bit(true)));
    assert_eq!(kinds(&again), ["border", "answer"]);
    let reset = order(&mut engine, Order::Command(Command::Reset));
    assert!(reset.contains(&Entry::Forced { word, mask: 0 }), "{reset:?}");
}

#[test]
fn power_is_told_before_the_answer_and_is_empty_while_it_is_not_recorded() {
    let mut engine = running("SOR XIC I:0/0 OTE O:0/0 EOR\n");
    let empty = order(&mut engine, Order::TellPower);
    assert_eq!(kinds(&empty), ["border", "power", "answer"]);
    assert!(empty.contains(&Entry::Power(Box::default())));
    order(&mut engine, Order::RecordPower(true));
    write(&mut engine, "I:0/0", true);
    scan(&mut engine, &mut sink());
    let told = order(&mut engine, Order::TellPower);
    assert!(told.contains(&Entry::Power([0b11].into())), "{told:?}");
}
