//! Places of a PLC's memory as signals: which there are, what they are called, how far they may be believed, who writes them.

use crate::house::{House, Wire, line};
use crosstie_hub::access::Access;
use crosstie_hub::api::plc::{PlcReply, PlcRequest};
use crosstie_hub::api::{Refused, Reply, Request, RouteRow, SignalQuery, SignalRow};
use crosstie_hub::plc::{PlcId, Program};
use crosstie_hub::settings::{EndpointSettings, PlcSettings, RouteSetting, Settings};
use crosstie_hub::signal::{Quality, Value};
use crosstie_hub::{ConnId, Face};
use crosstie_ladder::controller::{Command, ControllerState};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const PLC: PlcId = PlcId(0);

/// `Start` switches `Motor`; C:0 counts the edges of I:0/1; I:0/2 divides by zero.
pub(crate) const PROGRAM: &str = r#"PROGRAM "Line"
SYM Start I:0/0 BOOL "the green button"
SYM Motor O:0/0 BOOL ""
SYM Fill T:4 TIMER ""
SOR XIC Start OTE Motor EOR
SOR XIC I:0/1 CTU C:0 9999 EOR
SOR XIC I:0/2 DIV N:1 N:2 N:3 EOR
SOR XIC I:0/3 {OSR} OTE O:0/1 EOR
"#;

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn program(text: &str) -> Arc<Program> {
    Arc::new(Program::read(text).expect("the program of the test is right"))
}

/// The context `line` with the program above, running, a scan every 10 ms.
pub(crate) fn context(text: &str) -> PlcSettings {
    PlcSettings {
        program: Some(program(text)),
        autostart: true,
        ..PlcSettings::named("line")
    }
}

/// A running context without a program of its own that would write anything.
pub(crate) fn named_context(name: &str) -> PlcSettings {
    PlcSettings {
        name: name.into(),
        id: name.into(),
        ..context("PROGRAM \"Idle\"\nSOR XIC I:0/0 OTE O:0/0 EOR\n")
    }
}

pub(crate) fn plant(endpoint: EndpointSettings, plc: PlcSettings, routes: &[(&str, &str)]) -> House {
    let routes = routes.iter().map(|(from, to)| RouteSetting::plain(from, to));
    House::with(Settings {
        endpoints: vec![endpoint],
        plcs: vec![plc],
        routes: routes.collect(),
        ..Settings::default()
    })
}

/// A running house without routes.
pub(crate) fn running() -> House {
    let mut house = plant(line(), context(PROGRAM), &[]);
    house.run_for(ms(30));
    house
}

pub(crate) fn command(house: &mut House, command: Command) {
    let context = String::from("line");
    plc(house, PlcRequest::Command { context, command });
}

pub(crate) fn download(house: &mut House, text: &str) {
    let (context, program) = (String::from("line"), program(text));
    plc(house, PlcRequest::Download { context, program });
}

pub(crate) fn plc(house: &mut House, request: PlcRequest) -> PlcReply {
    let ticket = house.ask_later(Request::Plc(request));
    house.run_for(ms(15));
    match house.reply(ticket) {
        Some(Reply::Plc(reply)) => reply,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn write(house: &mut House, name: &str, value: Value) -> Reply {
    let name = name.into();
    house.ask(Request::Write { name, value })
}

pub(crate) fn value(house: &mut House, name: &str) -> Value {
    house.row(name).value
}

fn stored(reply: Reply) -> (Value, bool) {
    match reply {
        Reply::Written { stored, coerced, .. } => (stored, coerced),
        other => panic!("{other:?}"),
    }
}

fn names(house: &mut House) -> Vec<String> {
    let query = SignalQuery {
        pattern: Some("plc/line/**".into()),
        limit: 1_000,
        ..SignalQuery::default()
    };
    let Reply::Signals(page) = house.ask(Request::Signals(query)) else {
        panic!("signals answer signals")
    };
    page.rows.into_iter().map(|row| row.name).collect()
}

pub(crate) fn routes(house: &mut House) -> Vec<RouteRow> {
    let Reply::Routes(rows, _) = house.ask(Request::Routes) else {
        panic!("routes answer routes")
    };
    rows
}

fn problems(house: &mut House) -> Vec<String> {
    let Reply::Health(health) = house.ask(Request::Health) else {
        panic!("health answers health")
    };
    let problems = health.problems.into_iter();
    problems.map(|problem| problem.id).collect()
}

fn refused(house: &mut House, request: Request) -> Refused {
    match house.ask(request) {
        Reply::Refused(refused) => refused,
        other => panic!("{other:?}"),
    }
}

fn read(name: &str) -> Request {
    Request::Signal { name: name.into() }
}

#[test]
fn what_the_program_and_its_symbols_name_is_published() {
    let mut house = running();
    let mut found = names(&mut house);
    found.sort();
    let counter = ["ACC", "CD", "CU", "DN", "OV", "PRE", "UN"].map(|member| format!("C:0.{member}"));
    let timer = ["ACC", "DN", "EN", "PRE", "TT"].map(|member| format!("T:4.{member}"));
    let others = [
        "I:0/0", "I:0/1", "I:0/2", "I:0/3", "N:1", "N:2", "N:3", "O:0/0", "O:0/1",
    ]
    .map(String::from);
    let mut expected: Vec<String> = [&counter[..], &timer[..], &others[..]].concat();
    expected.sort();
    let expected: Vec<String> = expected.iter().map(|cell| format!("plc/line/{cell}")).collect();
    // The one-shot has no address of its own; whatever slot a decorator has is published with its operands.
    found.retain(|name| expected.contains(name) || !name.contains("/B:"));
    assert_eq!(found, expected);
    assert_eq!(house.row("plc/line/T:4.PRE").value, Value::Int(0));
    assert_eq!(house.row("plc/line/T:4.DN").value, Value::Bool(false));
}

#[test]
fn any_other_place_is_published_when_somebody_names_it_and_no_other() {
    let mut house = running();
    let before = names(&mut house).len();
    assert_eq!(value(&mut house, "plc/line/n:07/3"), Value::Bool(false));
    assert_eq!(house.row("plc/line/n:07/3").name, "plc/line/N:7/3");
    assert_eq!(names(&mut house).len(), before + 1);
    for (name, words) in [
        ("plc/line/I:9/0", "expected a word from 0 to 7"),
        ("plc/line/T:1", "expected a member such as T:1.ACC"),
        ("plc/line/X:1", "expected region"),
    ] {
        let text = refused(&mut house, read(name)).to_string();
        assert!(text.contains(words), "{text}");
    }
    let unknown = refused(&mut house, read("plc/line/Nobody"));
    assert!(matches!(unknown, Refused::NotFound { .. }), "{unknown:?}");
    assert!(matches!(
        refused(&mut house, read("plc/other/N:1")),
        Refused::NotFound { .. }
    ));
    assert_eq!(names(&mut house).len(), before + 1, "nothing that is none was made");
}

#[test]
fn who_may_not_see_a_place_does_not_make_it() {
    let mut house = running();
    let before = names(&mut house).len();
    let mut access = (*Access::full("viewer")).clone();
    access.view = crosstie_hub::access::Scope::new(Some(&[String::from("twin/**")]));
    let reply = house.ask_as(Arc::new(access), read("plc/line/N:9"));
    assert!(matches!(reply, Reply::Refused(Refused::NotFound { .. })), "{reply:?}");
    assert_eq!(names(&mut house).len(), before);
}

#[test]
fn words_bits_and_members_are_views_of_one_cell() {
    let mut house = running();
    for name in ["plc/line/B:3", "plc/line/B:3/1"] {
        house.row(name);
    }
    assert_eq!(
        stored(write(&mut house, "plc/line/B:3", Value::Int(6))),
        (Value::Int(6), false)
    );
    house.run_for(ms(20));
    assert_eq!(value(&mut house, "plc/line/B:3/1"), Value::Bool(true));
    assert_eq!(value(&mut house, "plc/line/B:3/0"), Value::Bool(false));
    write(&mut house, "plc/line/B:3/0", Value::Bool(true));
    house.run_for(ms(20));
    let word = house.row("plc/line/B:3");
    assert_eq!(word.value, Value::Int(7));
    assert_eq!(word.generation, house.row("plc/line/B:3/0").generation);
}

#[test]
fn a_symbol_finds_the_signal_of_its_address() {
    let mut house = running();
    let row = house.row("plc/line/Start");
    assert_eq!(
        (row.name.as_str(), row.symbol.as_deref()),
        ("plc/line/I:0/0", Some("Start"))
    );
    assert_eq!(house.row("plc/line/Fill.ACC").name, "plc/line/T:4.ACC");
    let query = SignalQuery {
        filter: String::from("fill.acc"),
        limit: 9,
        ..SignalQuery::default()
    };
    let Reply::Signals(page) = house.ask(Request::Signals(query)) else {
        panic!("a page of signals")
    };
    assert_eq!(page.rows.len(), 1, "the list is searched by symbols too");
    assert_eq!(
        stored(write(&mut house, "plc/line/Start", Value::Bool(true))),
        (Value::Bool(true), false)
    );
    house.run_for(ms(20));
    assert_eq!(value(&mut house, "plc/line/Motor"), Value::Bool(true));
    assert_eq!(house.row("plc/line/O:0/0").writer.as_deref(), Some("line"));
}

#[test]
fn what_an_operator_writes_is_fitted_and_the_reply_says_what_readers_will_see() {
    let mut house = running();
    let mut check = |name: &str, given: Value, seen: Value, coerced: bool| {
        let name = format!("plc/line/{name}");
        assert_eq!(
            stored(write(&mut house, &name, given)),
            (seen.clone(), coerced),
            "{name}"
        );
        house.run_for(ms(20));
        assert_eq!(value(&mut house, &name), seen, "{name}");
    };
    check("N:5", Value::Int(5_000_000_000), Value::Int(i64::from(i32::MAX)), true);
    check("N:5", Value::Float(2.7), Value::Int(2), true);
    check("T:7.PRE", Value::Int(40_000), Value::Int(32_767), true);
    check("B:0/3", Value::Int(1), Value::Bool(true), true);
    check("C:9.ACC", Value::Int(-5), Value::Int(-5), false);
    let word = Request::Write {
        name: "plc/line/N:5".into(),
        value: Value::Text("many".into()),
    };
    assert!(matches!(refused(&mut house, word), Refused::BadValue { .. }));
}

#[test]
fn a_write_to_a_forced_place_answers_the_forced_value() {
    let mut house = running();
    let force = PlcRequest::Force {
        context: "line".into(),
        address: "Start".into(),
        value: Value::Bool(true),
        reason: String::new(),
        expires_after: None,
    };
    plc(&mut house, force);
    let reply = write(&mut house, "plc/line/Start", Value::Bool(false));
    assert_eq!(stored(reply), (Value::Bool(true), true));
    let word = write(&mut house, "plc/line/I:0", Value::Int(0b100_0000));
    assert_eq!(stored(word), (Value::Int(0b100_0001), true));
    house.run_for(ms(20));
    assert_eq!(value(&mut house, "plc/line/I:0"), Value::Int(0b100_0001));
}

#[test]
fn quality_follows_the_engine_with_a_reason_in_words() {
    let mut house = plant(line(), PlcSettings::named("line"), &[]);
    let told = |house: &mut House| {
        let SignalRow { quality, reason, .. } = house.row("plc/line/N:1");
        (quality.word(), reason.unwrap_or_default())
    };
    assert_eq!(told(&mut house), ("bad", String::from("never written")));
    download(&mut house, PROGRAM);
    assert_eq!(told(&mut house), ("stale", String::from("the engine is stopped")));
    assert_eq!(value(&mut house, "sys/plc/line/state"), Value::Text("Stopped".into()));
    command(&mut house, Command::Start);
    assert_eq!(told(&mut house), ("good", String::new()));
    assert_eq!(value(&mut house, "sys/plc/line/running"), Value::Bool(true));
    command(&mut house, Command::Pause);
    assert_eq!(told(&mut house), ("stale", String::from("the engine is paused")));
    command(&mut house, Command::StepRung);
    assert_eq!(told(&mut house), ("stale", String::from("the engine is stepping")));
    command(&mut house, Command::Start);
    write(&mut house, "plc/line/I:0/2", Value::Bool(true));
    house.run_for(ms(30));
    let (word, reason) = told(&mut house);
    assert_eq!(word, "bad");
    assert!(reason.starts_with("Division by zero at rung 2"), "{reason}");
    assert_eq!(value(&mut house, "sys/plc/line/fault"), Value::Text(reason.into()));
    command(&mut house, Command::Stop);
    assert_eq!(told(&mut house).1, "the engine is stopped");
    assert_eq!(value(&mut house, "sys/plc/line/fault"), Value::Text("".into()));
    assert_eq!(value(&mut house, "sys/plc/line/scan_us"), Value::Int(100));
}

#[test]
fn nobody_but_the_hub_writes_how_a_context_stands() {
    let mut house = running();
    let name = String::from("sys/plc/line/running");
    let value = Value::Bool(false);
    let text = refused(&mut house, Request::Write { name, value }).to_string();
    assert!(text.contains("says how a PLC stands"), "{text}");
}

#[test]
fn an_output_that_the_program_drives_is_written_with_a_visible_note() {
    let mut house = running();
    write(&mut house, "plc/line/N:9", Value::Int(1));
    write(&mut house, "plc/line/O:1/0", Value::Bool(true));
    assert_eq!(problems(&mut house), [""; 0], "the program does not write these");
    write(&mut house, "plc/line/Motor", Value::Bool(true));
    assert_eq!(problems(&mut house), ["driven:plc/line/O:0/0"]);
}

#[test]
fn routes_by_symbol_follow_it_from_program_to_program() {
    let route = [("twin/line/Run", "plc/line/Start")];
    let mut house = plant(line(), context(PROGRAM), &route);
    let twin = house.join("twin");
    house.write(twin, json!({"Run": true}));
    house.run_for(ms(30));
    assert_eq!(value(&mut house, "plc/line/I:0/0"), Value::Bool(true));
    download(&mut house, "SYM Start I:0/5 BOOL \"\"\nSOR XIC Start OTE O:0/0 EOR\n");
    assert_eq!(house.row("plc/line/Start").name, "plc/line/I:0/5");
    assert_eq!(
        value(&mut house, "plc/line/I:0/5"),
        Value::Bool(true),
        "the present value is there at once"
    );
    assert_eq!(house.row("plc/line/I:0/0").symbol, None);
    house.write(twin, json!({"Run": false}));
    house.run_for(ms(30));
    assert_eq!(value(&mut house, "plc/line/I:0/5"), Value::Bool(false));
    download(&mut house, "SOR XIC I:0/0 OTE O:0/0 EOR\n");
    let row = routes(&mut house).remove(0);
    assert_eq!(
        row.waiting.as_deref(),
        Some("no program has the symbol 'plc/line/Start' yet")
    );
    assert_eq!(row.to, "plc/line/Start");
    let said = |house: &mut House| match house.ask(Request::Health) {
        Reply::Health(health) => health
            .problems
            .into_iter()
            .find(|problem| problem.id == "plc:line:routes"),
        other => panic!("{other:?}"),
    };
    let text = said(&mut house).map(|problem| problem.text);
    assert_eq!(
        text.as_deref(),
        Some("a route waits for 'plc/line/Start': the program has no such symbol")
    );
    house.write(twin, json!({"Run": true}));
    house.run_for(ms(30));
    download(&mut house, PROGRAM);
    assert_eq!(routes(&mut house)[0].waiting, None);
    assert!(said(&mut house).is_none(), "the symbol is back");
    assert_eq!(value(&mut house, "plc/line/I:0/0"), Value::Bool(true));
}

#[test]
fn a_second_writer_is_refused_whatever_it_calls_the_place() {
    let mut house = plant(line(), context(PROGRAM), &[("twin/line/Run", "plc/line/Start")]);
    let add = |from: &str, to: &str| Request::AddRoute(Box::new(RouteSetting::plain(from, to)));
    let text = refused(&mut house, add("twin/line/Lamp", "plc/line/i:0/0")).to_string();
    assert!(
        text.contains("is written by a route from 'twin/line/Run' already"),
        "{text}"
    );
    let text = refused(&mut house, add("twin/line/Speed", "plc/line/N:1")).to_string();
    assert!(text.contains("does not convert"), "{text}");
    let text = refused(&mut house, add("twin/line/Lamp", "plc/line/I:8/0")).to_string();
    assert!(text.contains("expected a word from 0 to 7"), "{text}");
    assert!(matches!(
        house.ask(add("plc/line/Start", "plc/line/B:1/0")),
        Reply::Route(_)
    ));
    let circle = refused(&mut house, add("plc/line/B:1/0", "twin/line/Run"));
    assert!(matches!(circle, Refused::Conflict(_)), "{circle:?}");
    // Two symbols that come to mean one place: the second route waits until the first is gone.
    download(
        &mut house,
        "SYM Start I:0/0 BOOL \"\"\nSYM Stop I:0/1 BOOL \"\"\nSOR XIC Start OTE O:0/0 EOR\n",
    );
    assert!(matches!(
        house.ask(add("twin/line/Lamp", "plc/line/Stop")),
        Reply::Route(_)
    ));
    download(
        &mut house,
        "SYM Start I:0/0 BOOL \"\"\nSYM Stop I:0/0 BOOL \"\"\nSOR XIC Start OTE O:0/0 EOR\n",
    );
    let rows = routes(&mut house);
    let blocked = rows.iter().find(|row| row.to == "plc/line/Stop").unwrap();
    assert!(blocked.waiting.as_deref().unwrap().contains("already"), "{blocked:?}");
    let first = rows.iter().find(|row| row.to == "plc/line/Start").unwrap().id;
    house.ask(Request::RemoveRoute { id: first });
    assert!(routes(&mut house).iter().all(|row| row.waiting.is_none()));
}

#[test]
fn the_signals_of_a_context_that_is_gone_are_not_believed_and_live_again_with_it() {
    let mut house = plant(line(), context(PROGRAM), &[]);
    let create = || PlcRequest::Create {
        name: Some("two".into()),
    };
    plc(&mut house, create());
    write(&mut house, "plc/two/N:1", Value::Int(4));
    house.run_for(ms(30));
    assert_eq!(house.row("plc/two/N:1").quality, Quality::PlcStopped);
    let remove = PlcRequest::Remove { context: "two".into() };
    house.ask(Request::Plc(remove));
    let row = house.row("plc/two/N:1");
    assert_eq!(
        (row.quality.word(), row.reason.as_deref()),
        ("bad", Some("the PLC context is gone"))
    );
    let name = String::from("plc/two/N:1");
    let value = Value::Int(5);
    assert!(matches!(
        refused(&mut house, Request::Write { name, value }),
        Refused::Conflict(_)
    ));
    plc(&mut house, create());
    assert_eq!(house.row("plc/two/N:1").id, row.id, "one id per address");
    write(&mut house, "plc/two/N:1", Value::Int(6));
    house.run_for(ms(30));
    assert_eq!(house.row("plc/two/N:1").value, Value::Int(6));
}

fn live(house: &mut House, names: &[&str]) -> ConnId {
    let conn = house.connect_as(Face::Live, Wire::default());
    house.say(
        conn,
        json!({"type": "subscribe", "id": 1, "names": names, "cycle_ms": 10}),
    );
    house.run_for(ms(20));
    conn
}

#[test]
fn a_live_channel_subscribes_by_address_and_by_symbol_and_follows_the_symbol() {
    let mut house = running();
    let conn = live(&mut house, &["plc/line/Start", "plc/line/N:77"]);
    let inbox = std::mem::take(&mut house.peer(conn).inbox);
    let snapshot = inbox.iter().find(|message| message["type"] == "snapshot").unwrap();
    let named: Vec<&str> = snapshot["signals"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["name"].as_str())
        .collect();
    assert_eq!(named, ["plc/line/I:0/0", "plc/line/N:77"]);
    download(&mut house, "SYM Start I:0/5 BOOL \"\"\nSOR XIC Start OTE O:0/0 EOR\n");
    let inbox = std::mem::take(&mut house.peer(conn).inbox);
    let added: Vec<&Json> = inbox.iter().filter(|message| message["type"] == "added").collect();
    assert_eq!(added.len(), 1, "{inbox:?}");
    assert_eq!(added[0]["signals"][0]["name"], "plc/line/I:0/5");
    assert_eq!(house.engines[&PLC].engine.state(), ControllerState::Stopped);
}
