//! What the API asks of PLC contexts: programs, commands, memory, contexts that come and go; rights and the audit log.

use crate::house::House;
use crosstie_hub::api::plc::{ContextRow, MemoryRow, PlcReply, PlcRequest};
use crosstie_hub::api::{Refused, Reply, Request};
use crosstie_hub::plc::{PlcId, Program};
use crosstie_hub::settings::{PiplcSettings, PlcSettings, Settings};
use crosstie_hub::signal::Value;
use crosstie_ladder::address::Region;
use crosstie_ladder::controller::{Command, ControllerState};
use crosstie_ladder::data_table::WordIndex;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A lamp behind a button, and a word that is divided by another.
pub(crate) const LINE: &str = "PROGRAM \"Bottling line\"\nSYM Start I:0/0 BOOL \"green\"\nSYM Speed N:7 INT \"\"\n\
    SOR XIC Start OTE O:0/0 EOR\nSOR XIC I:0/1 DIV N:0 N:1 N:2 EOR\n";

pub(crate) fn program(document: &str) -> Arc<Program> {
    Arc::new(Program::read(document).expect("the test's program is good"))
}

/// A house with a context of this name and the program above.
pub(crate) fn house_with(name: &str) -> House {
    house_of(vec![PlcSettings {
        program: Some(program(LINE)),
        ..PlcSettings::named(name)
    }])
}

pub(crate) fn house_of(plcs: Vec<PlcSettings>) -> House {
    House::with(Settings {
        plcs,
        piplc: PiplcSettings {
            contexts_max: 3,
            ..PiplcSettings::default()
        },
        ..Settings::default()
    })
}

pub(crate) fn line() -> String {
    String::from("line")
}

pub(crate) fn command(command: Command) -> PlcRequest {
    PlcRequest::Command {
        context: line(),
        command,
    }
}

pub(crate) fn write(address: &str, value: Value) -> PlcRequest {
    PlcRequest::Write {
        context: line(),
        address: address.to_owned(),
        value,
    }
}

/// What the hub answers, at once or within a second.
pub(crate) fn ask(house: &mut House, request: PlcRequest) -> Reply {
    let ticket = house.ask_later(Request::Plc(request));
    for _ in 0..100 {
        if let Some(reply) = house.reply(ticket) {
            return reply;
        }
        house.run_for(ms(10));
    }
    panic!("no answer within a second");
}

pub(crate) fn row(house: &mut House) -> ContextRow {
    match ask(house, PlcRequest::Context { context: line() }) {
        Reply::Plc(PlcReply::Context(row, _)) => *row,
        other => panic!("{other:?}"),
    }
}

/// How the context stands after a command.
pub(crate) fn after(house: &mut House, request: PlcRequest) -> ContextRow {
    match ask(house, request) {
        Reply::Plc(PlcReply::Context(row, _)) => *row,
        other => panic!("{other:?}"),
    }
}

/// Why a request was refused.
pub(crate) fn refusal(house: &mut House, request: PlcRequest) -> Refused {
    match ask(house, request) {
        Reply::Refused(refused) => refused,
        other => panic!("{other:?}"),
    }
}

/// Name, stored value, coerced, forced.
pub(crate) fn written(house: &mut House, request: PlcRequest) -> (String, Value, bool, bool) {
    match ask(house, request) {
        Reply::Plc(PlcReply::Written(written)) => (written.name, written.stored, written.coerced, written.forced),
        other => panic!("{other:?}"),
    }
}

fn memory(house: &mut House) -> MemoryRow {
    match ask(house, PlcRequest::Memory { context: line() }) {
        Reply::Plc(PlcReply::Memory(row)) => row,
        other => panic!("{other:?}"),
    }
}

/// What was written down since the last look: what, subject, old, new.
pub(crate) fn audited(house: &mut House) -> Vec<(&'static str, String, Json, Json)> {
    let entries = std::mem::take(&mut house.audited);
    let entry = |entry: crosstie_hub::output::AuditEntry| (entry.what, entry.subject, entry.old, entry.new);
    entries.into_iter().map(entry).collect()
}

#[test]
fn a_context_of_the_project_has_its_program_and_runs_when_it_says_so() {
    let mut house = house_of(vec![
        PlcSettings {
            program: Some(program(LINE)),
            autostart: true,
            ..PlcSettings::named("line")
        },
        PlcSettings::named("spare"),
    ]);
    let row = row(&mut house);
    assert_eq!((row.state, row.plc), (ControllerState::Running, PlcId(0)));
    let summary = row.program.expect("the project names one");
    assert_eq!(
        (&*summary.name, summary.number, summary.rungs, summary.instructions),
        ("Bottling line", 1, 2, 4)
    );
    assert_eq!(summary.by, "project file");
    match house.ask(Request::Plc(PlcRequest::Contexts)) {
        Reply::Plc(PlcReply::Contexts(rows, _)) => {
            let names: Vec<&str> = rows.iter().map(|row| &*row.name).collect();
            assert_eq!(names, ["line", "spare"]);
        }
        other => panic!("{other:?}"),
    }
    assert!(house.audited.is_empty(), "the project has done it, and nobody else");
}

#[test]
fn contexts_are_found_by_id_by_name_and_as_the_first() {
    let mut house = house_of(vec![PlcSettings {
        id: String::from("4711"),
        ..PlcSettings::named("line")
    }]);
    for context in ["line", "4711", ""] {
        let context = context.to_owned();
        assert_eq!(after(&mut house, PlcRequest::Context { context }).name, "line");
    }
    let context = String::from("nobody");
    assert_eq!(
        refusal(
            &mut house,
            PlcRequest::Command {
                context,
                command: Command::Stop
            }
        )
        .to_string(),
        "no context is called 'nobody'"
    );
}

#[test]
fn commands_are_answered_when_the_engine_has_executed_them_and_are_written_down() {
    let mut house = house_with("line");
    assert_eq!(
        after(&mut house, command(Command::Start)).state,
        ControllerState::Running
    );
    house.run_for(ms(100));
    assert_eq!(
        after(&mut house, command(Command::Pause)).state,
        ControllerState::Paused
    );
    let scans = row(&mut house).statistics.scan_count;
    assert!(scans >= 9, "{scans}");
    let stepped = after(&mut house, command(Command::StepScan));
    assert_eq!(
        stepped.statistics.scan_count,
        scans + 1,
        "the answer of a step shows the step"
    );
    assert_eq!(after(&mut house, command(Command::StepRung)).next_rung, Some(1));
    assert_eq!(
        after(&mut house, command(Command::Start)).state,
        ControllerState::Running
    );
    assert!(matches!(
        refusal(&mut house, command(Command::StepScan)),
        Refused::Plc(text) if text == "the engine is running; pause or stop it first"
    ));
    assert_eq!(
        after(&mut house, command(Command::Reset)).state,
        ControllerState::Stopped
    );
    let told: Vec<_> = audited(&mut house)
        .into_iter()
        .map(|(what, subject, old, new)| (what, subject, old.to_string(), new.to_string()))
        .collect();
    let entry = |what, old: &str, new: &str| {
        (
            what,
            String::from("plc/line"),
            json!(old).to_string(),
            json!(new).to_string(),
        )
    };
    assert_eq!(
        told,
        [
            entry("plc.start", "Stopped", "Running"),
            entry("plc.pause", "Running", "Paused"),
            entry("plc.step_scan", "Paused", "Paused"),
            entry("plc.step_rung", "Paused", "Stepping"),
            entry("plc.start", "Stepping", "Running"),
            entry("plc.reset", "Running", "Stopped"),
        ],
        "what was refused is not among them"
    );
}

#[test]
fn a_download_replaces_the_program_and_stops_what_runs() {
    let mut house = house_with("line");
    after(&mut house, command(Command::Start));
    let download = PlcRequest::Download {
        context: line(),
        program: program("PROGRAM \"Other\"\nSOR XIC I:0/0 OTE O:0/1 EOR\n"),
    };
    let row = after(&mut house, download);
    assert_eq!(row.state, ControllerState::Stopped);
    let summary = row.program.expect("one was loaded");
    assert_eq!(
        (&*summary.name, summary.number, &*summary.by),
        ("Other", 2, "this machine")
    );
    match ask(&mut house, PlcRequest::Program { context: line() }) {
        Reply::Plc(PlcReply::Program(row)) => assert!(row.program.document.contains("O:0/1")),
        other => panic!("{other:?}"),
    }
    assert!(
        after(&mut house, PlcRequest::ClearProgram { context: line() })
            .program
            .is_none()
    );
    assert_eq!(
        refusal(&mut house, PlcRequest::Program { context: line() }).to_string(),
        "no program in the context is called 'line'"
    );
    assert_eq!(
        refusal(&mut house, command(Command::Start)),
        Refused::Plc(String::from("no program is loaded; download one first"))
    );
    let (old, new) = (
        json!({"name": "Bottling line", "rungs": 2}),
        json!({"name": "Other", "rungs": 1}),
    );
    assert_eq!(
        audited(&mut house)[1..],
        [
            ("plc.download", String::from("plc/line"), old, new.clone()),
            ("plc.clear", String::from("plc/line"), new, Json::Null),
        ]
    );
}

#[test]
fn values_are_fitted_to_their_places_or_refused_with_what_was_expected() {
    let mut house = house_with("line");
    let mut check = |address: &str, value: Value, name: &str, stored: Value, coerced: bool| {
        let expected = (format!("plc/line/{name}"), stored, coerced, false);
        assert_eq!(written(&mut house, write(address, value)), expected, "{address}");
    };
    check("I:0/3", Value::Bool(true), "I:0/3", Value::Bool(true), false);
    check("i:00/3", Value::Int(0), "I:0/3", Value::Bool(false), true);
    check("Start", Value::Float(1.0), "I:0/0", Value::Bool(true), true);
    check("Speed", Value::Bool(true), "N:7", Value::Int(1), true);
    check("n:7", Value::Float(-3.0), "N:7", Value::Int(-3), false);
    check(
        "N:7",
        Value::Int(-2_147_483_648),
        "N:7",
        Value::Int(-2_147_483_648),
        false,
    );
    check("T:4.pre", Value::Int(-32_768), "T:4.PRE", Value::Int(-32_768), false);
    check("C:63.DN", Value::Bool(true), "C:63.DN", Value::Bool(true), false);

    let mut refuses = |address: &str, value: Value, expected: &str| {
        let refused = refusal(&mut house, write(address, value));
        assert!(matches!(refused, Refused::BadValue { .. }), "{refused:?}");
        assert_eq!(refused.to_string(), expected);
    };
    refuses("I:0/3", Value::Int(2), "'I:0/3': expected true or false, or 1 or 0");
    refuses(
        "I:0/3",
        Value::Text("true".into()),
        "'I:0/3': expected true or false, or 1 or 0",
    );
    let whole = "'N:7': expected a whole number from -2147483648 to 2147483647";
    for value in [
        Value::Float(0.5),
        Value::Int(1 << 31),
        Value::Float(2_147_483_648.0),
        Value::Float(f64::NAN),
    ] {
        refuses("N:7", value, whole);
    }
    refuses(
        "C:0.ACC",
        Value::Int(32_768),
        "'C:0.ACC': expected -32768 to 32767 for `C:0.ACC`, got 32768",
    );
    refuses("T:4", Value::Int(1), "'T:4': expected a member such as `T:4.ACC`");
    refuses(
        "I:8/0",
        Value::Bool(true),
        "'I:8/0': expected a word from 0 to 7, got 8",
    );
    refuses(
        "Stop",
        Value::Bool(true),
        "'Stop': expected an address such as I:0/3, or a symbol of the program in 'line'",
    );
    assert_eq!(audited(&mut house).len(), 8);
}

#[test]
fn the_memory_is_shown_as_the_engine_told_it() {
    let mut house = house_with("line");
    ask(&mut house, write("N:3", Value::Int(-1)));
    ask(&mut house, write("Start", Value::Bool(true)));
    after(&mut house, command(Command::Start));
    house.run_for(ms(30));
    let memory = memory(&mut house);
    let at = |region, word| memory.words[WordIndex::of(region, word).get()];
    assert_eq!(memory.state, ControllerState::Running);
    assert_eq!(
        (at(Region::Input, 0), at(Region::Output, 0), at(Region::Integer, 3)),
        (1, 1, u32::MAX)
    );
    assert!(memory.masks.iter().all(|mask| *mask == 0));
    assert_eq!(
        audited(&mut house)[0],
        ("plc.write", String::from("plc/line/N:3"), json!(0), json!(-1))
    );
}

#[test]
fn breakpoints_are_set_removed_and_hit() {
    let mut house = house_with("line");
    let set = |rung, is_set| PlcRequest::Breakpoint {
        context: line(),
        rung,
        is_set,
    };
    assert_eq!(after(&mut house, set(1, true)).breakpoints, [1]);
    assert_eq!(
        refusal(&mut house, set(2, true)),
        Refused::Plc(String::from("expected a rung below 2, got 2"))
    );
    after(&mut house, command(Command::Start));
    house.run_for(ms(30));
    let row = row(&mut house);
    assert_eq!((row.state, row.next_rung), (ControllerState::Paused, Some(1)));
    assert_eq!(after(&mut house, set(1, false)).breakpoints, [0; 0]);
    after(&mut house, set(0, true));
    let clear = PlcRequest::ClearBreakpoints { context: line() };
    assert_eq!(after(&mut house, clear).breakpoints, [0; 0]);
    let breakpoints: Vec<_> = audited(&mut house)
        .into_iter()
        .filter(|(what, ..)| *what == "plc.breakpoint")
        .map(|(_, _, old, new)| (old, new))
        .collect();
    assert_eq!(
        breakpoints,
        [
            (Json::Null, json!(1)),
            (json!(1), Json::Null),
            (Json::Null, json!(0)),
            (json!([0]), Json::Null)
        ]
    );
}

#[test]
fn an_engine_that_does_not_answer_is_given_up_and_its_late_answer_still_counts() {
    let mut house = house_with("line");
    house.engines.get_mut(&PlcId(0)).expect("it is there").holds = true;
    let download = PlcRequest::Download {
        context: line(),
        program: program("SOR XIC I:0/0 OTE O:0/1 EOR\n"),
    };
    let ticket = house.ask_later(Request::Plc(download));
    house.run_for(ms(4_999));
    assert!(house.reply(ticket).is_none());
    house.run_for(ms(1));
    let reply = house.reply(ticket);
    assert!(
        matches!(&reply, Some(Reply::Refused(Refused::Plc(text))) if text == "the engine has not answered within 5 s"),
        "{reply:?}"
    );
    assert_eq!(problems(&mut house), ["plc:line:silent"]);
    assert!(house.audited.is_empty() && row(&mut house).program.is_some_and(|program| program.number == 1));

    house.engines.get_mut(&PlcId(0)).expect("it is there").holds = false;
    ask(&mut house, write("N:0", Value::Int(1)));
    assert!(row(&mut house).program.is_some_and(|program| program.number == 2));
    assert_eq!(audited(&mut house)[0].0, "plc.download");
    assert_eq!(problems(&mut house), [""; 0]);
}

#[test]
fn a_hub_that_was_away_itself_gives_engines_the_full_time_to_answer() {
    let mut house = house_with("line");
    house.engines.get_mut(&PlcId(0)).expect("it is there").holds = true;
    let ticket = house.ask_later(Request::Plc(write("N:0", Value::Int(1))));
    house.now = house.now + ms(60_000);
    house.run_for(ms(4_999));
    assert!(house.reply(ticket).is_none());
    assert_eq!(problems(&mut house), ["hub:away"]);
    house.run_for(ms(1));
    assert!(matches!(house.reply(ticket), Some(Reply::Refused(Refused::Plc(_)))));
}

#[test]
fn a_stalled_engine_collects_no_orders_without_limit() {
    let mut house = house_with("line");
    house.engines.get_mut(&PlcId(0)).expect("it is there").holds = true;
    let tickets: Vec<_> = (0..257)
        .map(|number| house.ask_later(Request::Plc(write("N:0", Value::Int(number)))))
        .collect();
    let answered: Vec<usize> = (0..257).filter(|at| house.reply(tickets[*at]).is_some()).collect();
    assert_eq!(answered, [256], "only the last one is refused at once");
}

#[test]
fn contexts_are_made_and_removed_within_their_limits() {
    let mut house = house_with("line");
    let create = |name: Option<&str>| PlcRequest::Create {
        name: name.map(str::to_owned),
    };
    let remove = |context: &str| PlcRequest::Remove {
        context: context.to_owned(),
    };
    assert!(matches!(refusal(&mut house, remove("line")), Refused::Plc(text) if text.contains("the last context")));
    let made = after(&mut house, create(None));
    assert_eq!((&*made.name, made.is_temporary, made.plc), ("PLC 1", true, PlcId(1)));
    assert!(matches!(
        refusal(&mut house, create(Some("line"))),
        Refused::Conflict(_)
    ));
    for name in ["", "  ", "a\nb", ".", "..", &"x".repeat(65)] {
        assert!(matches!(
            refusal(&mut house, create(Some(name))),
            Refused::BadValue { .. }
        ));
    }
    assert_eq!(after(&mut house, create(Some("Line 2"))).name, "Line 2");
    assert_eq!(
        refusal(&mut house, create(None)).to_string(),
        "contexts: the limit is 3"
    );

    after(&mut house, command(Command::Start));
    assert!(matches!(refusal(&mut house, remove("line")), Refused::Plc(text) if text.contains("stop it first")));
    // An order that is on its way to a context when it goes is answered.
    house.engines.get_mut(&PlcId(2)).expect("it is there").holds = true;
    let waiting = house.ask_later(Request::Plc(PlcRequest::Write {
        context: String::from("Line 2"),
        address: String::from("N:0"),
        value: Value::Int(1),
    }));
    assert!(matches!(ask(&mut house, remove("Line 2")), Reply::Done));
    let reply = house.reply(waiting);
    assert!(
        matches!(&reply, Some(Reply::Refused(Refused::Plc(text))) if text == "the context is gone"),
        "{reply:?}"
    );
    assert!(!house.engines.contains_key(&PlcId(2)));
    assert!(matches!(ask(&mut house, remove("PLC 1")), Reply::Done));
    let again = after(&mut house, create(None));
    assert_eq!(
        (&*again.name, again.plc),
        ("PLC 1", PlcId(3)),
        "a number is never used again"
    );
    let told: Vec<_> = audited(&mut house)
        .into_iter()
        .map(|(what, subject, ..)| (what, subject))
        .collect();
    let entry = |what, subject: &str| (what, subject.to_owned());
    assert_eq!(
        told,
        [
            entry("plc.create", "plc/PLC 1"),
            entry("plc.create", "plc/Line 2"),
            entry("plc.start", "plc/line"),
            entry("plc.remove", "plc/Line 2"),
            entry("plc.remove", "plc/PLC 1"),
            entry("plc.create", "plc/PLC 1"),
        ]
    );
}

/// Forces a place to on.
pub(crate) fn force(address: &str, reason: &str, expires_after: Option<Duration>) -> PlcRequest {
    PlcRequest::Force {
        context: line(),
        address: address.to_owned(),
        value: Value::Bool(true),
        reason: reason.to_owned(),
        expires_after,
    }
}

/// Ids of all problems, oldest first.
pub(crate) fn problems(house: &mut House) -> Vec<String> {
    match house.ask(Request::Health) {
        Reply::Health(health) => health.problems.into_iter().map(|problem| problem.id).collect(),
        other => panic!("{other:?}"),
    }
}
