//! The claims of the client role, one story each. The server is played by the test.

use crate::house::{House, Wire, line, signal};
use crosstie_hub::api::{ImportReport, LinkRow, LinkState, Refused, Reply, Request};
use crosstie_hub::output::Callee;
use crosstie_hub::settings::{
    EndpointId, EndpointSettings, LinkSettings, Owner, RouteSetting, Settings, SignalSetting,
};
use crosstie_hub::signal::{Kind, Quality, Value};
use crosstie_hub::{ConnId, Face, Input};
use serde_json::{Value as Json, json};
use std::time::Duration;

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn linked(link: LinkSettings) -> House {
    let mut endpoint = EndpointSettings {
        url: "ws://plc:1234".into(),
        link: Some(link),
        ..line()
    };
    say_values(&mut endpoint);
    House::new(endpoint)
}

/// The project gives a value to everything that the hub writes, so that all of it is said from the start.
pub(crate) fn say_values(endpoint: &mut EndpointSettings) {
    let ours = endpoint.signals.iter_mut().filter(|signal| signal.owner == Owner::Hub);
    ours.for_each(|signal| signal.value = Some(Value::zero(signal.kind)));
}

/// The hub dials, and the dial comes about.
pub(crate) fn server(house: &mut House) -> ConnId {
    house.run_for(ms(1));
    assert!(!house.dials.is_empty(), "the hub dials");
    house.connect_as(Face::Link(EndpointId(0)), Wire::default())
}

/// What the endpoint `line` looks like on the other side.
pub(crate) fn catalog() -> Json {
    json!({"type": "import_answer", "version": 2,
        "signals": {"Run": true, "Speed": 2.5, "Count": 7, "Label": "on", "Lamp": false, "Setpoint": 0},
        "signalTypes": {"Run": "PLCOutputBool", "Speed": "PLCOutputFloat", "Count": "PLCOutputInt",
            "Label": "PLCOutputText", "Lamp": "PLCInputBool", "Setpoint": "PLCInputFloat"}})
}

/// A link that is up.
pub(crate) fn connected(house: &mut House) -> ConnId {
    let conn = server(house);
    house.run_for(ms(5));
    house.say(conn, catalog());
    house.run_for(ms(50));
    house.peer(conn).inbox.clear();
    assert_eq!(row(house).state, LinkState::Connected);
    conn
}

fn row(house: &mut House) -> LinkRow {
    let Reply::Endpoints(rows, _) = house.ask(Request::Endpoints) else {
        panic!("endpoints answer endpoints")
    };
    let link = rows[0].link.clone().expect("it has a link");
    let is_up = matches!(link.state, LinkState::Greeting | LinkState::Connected);
    assert_eq!(rows[0].clients, usize::from(is_up));
    assert_eq!(house.row("sys/link/line/up").value, Value::Bool(is_up));
    assert_eq!(
        house.row("sys/link/line/state").value,
        Value::Text(link.state.word().into())
    );
    assert_eq!(
        house.row("sys/link/line/failures").value,
        Value::Int(i64::from(link.failures))
    );
    link
}

fn refuse(house: &mut House, reason: &str) {
    let (endpoint, dial) = *house.dials.last().expect("the hub dials");
    house.give(Input::DialFailed {
        callee: Callee::Endpoint(endpoint),
        dial,
        reason: reason.into(),
    });
}

fn connect(house: &mut House) {
    let endpoint = "line".into();
    assert!(matches!(house.ask(Request::Connect { endpoint }), Reply::Done));
}

fn disconnect(house: &mut House) {
    let endpoint = "line".into();
    assert!(matches!(house.ask(Request::Disconnect { endpoint }), Reply::Done));
}

pub(crate) fn import(house: &mut House) -> crosstie_hub::Ticket {
    house.ask_later(Request::Import {
        endpoint: "line".into(),
    })
}

fn problems(house: &mut House) -> Vec<String> {
    let Reply::Health(health) = house.ask(Request::Health) else {
        panic!("health answers health")
    };
    health.problems.into_iter().map(|problem| problem.id).collect()
}

fn types_of(house: &mut House, conn: ConnId) -> Vec<String> {
    let types = house.types(conn);
    house.peer(conn).inbox.clear();
    types
}

#[test]
fn rv_30_a_link_connects_on_start_or_when_it_is_told_to_and_stays_off_when_disconnected() {
    let mut house = linked(LinkSettings::default());
    assert_eq!(house.dials, [(EndpointId(0), 1)], "with the first turn");
    assert_eq!(row(&mut house).text, "connecting to ws://plc:1234");
    disconnect(&mut house);
    assert_eq!(house.hung_up, [Callee::Endpoint(EndpointId(0))]);
    house.run_for(ms(100_000));
    assert_eq!(row(&mut house).state, LinkState::Off);
    let late = house.connect_as(Face::Link(EndpointId(0)), Wire::default());
    assert_eq!(house.peer(late).closed, Some(1001), "nobody waits for it any more");
    assert_eq!(house.dials.len(), 1);

    let by_hand = LinkSettings {
        connect_on_start: false,
        ..LinkSettings::default()
    };
    let mut house = linked(by_hand);
    house.run_for(ms(60_000));
    assert!(house.dials.is_empty());
    connect(&mut house);
    assert_eq!(house.dials.len(), 1);
    connect(&mut house);
    assert_eq!(house.dials.len(), 1, "it is connecting already");
    let conn = connected(&mut house);
    let second = house.connect_as(Face::Link(EndpointId(0)), Wire::default());
    assert_eq!(house.peer(second).closed, Some(1001));
    assert_eq!(house.peer(conn).closed, None);
    disconnect(&mut house);
    assert_eq!(house.peer(conn).closed, Some(1001));
    house.run_for(ms(60_000));
    assert_eq!(row(&mut house).text, "off");
    assert_eq!(house.dials.len(), 1);
}

#[test]
fn rv_30_an_endpoint_that_listens_has_no_link() {
    let mut house = House::new(line());
    for request in [
        Request::Connect {
            endpoint: "line".into(),
        },
        Request::Disconnect {
            endpoint: "line".into(),
        },
    ] {
        assert!(matches!(
            house.ask(request),
            Reply::Refused(Refused::Conflict(text)) if text.contains("it listens")
        ));
    }
    let conn = house.connect_as(Face::Link(EndpointId(0)), Wire::default());
    assert_eq!(house.peer(conn).closed, Some(1001));
    house.give(Input::DialFailed {
        callee: Callee::Endpoint(EndpointId(9)),
        dial: 1,
        reason: "nobody dialled".into(),
    });
}

#[test]
fn rv_31_the_handshake_is_init_import_subscribe_and_then_data_goes_both_ways() {
    let mut house = linked(LinkSettings::default());
    let conn = server(&mut house);
    house.run_for(ms(5));
    let first = std::mem::take(&mut house.peer(conn).inbox);
    assert_eq!(
        first,
        [
            json!({"type": "init", "version": 2, "name": "Crosstie"}),
            json!({"type": "import_request", "version": 2})
        ]
    );
    assert_eq!(row(&mut house).state, LinkState::Greeting);
    house.say(conn, catalog());
    house.run_for(ms(5));
    let second = std::mem::take(&mut house.peer(conn).inbox);
    assert_eq!(
        second,
        [
            json!({"type": "subscribe", "version": 2, "subscribe": ["Run", "Speed", "Count", "Label"]}),
            json!({"type": "data", "version": 2, "signals": {"Lamp": false, "Setpoint": 0}})
        ]
    );
    assert_eq!(
        row(&mut house).text,
        "connected to ws://plc:1234 for the catalog of 6 signals"
    );
    assert_eq!(house.value("Speed"), Value::Float(2.5));
    assert_eq!(house.quality("Speed"), Quality::Good);
    house.say(
        conn,
        json!({"type": "snapshot", "version": 2, "signals": {"Speed": 3, "Count": 8.9}}),
    );
    house.write(conn, json!({"Run": false, "Lamp": true, "Else": 1}));
    house.run_for(ms(50));
    assert_eq!(
        (house.value("Speed"), house.value("Count"), house.value("Run")),
        (Value::Float(3.0), Value::Int(8), Value::Bool(false))
    );
    assert_eq!(
        house.take(conn, "data"),
        [json!({"Lamp": false})],
        "what we write is ours: the server is told again, and of its own signals nothing"
    );
    house.operate("Setpoint", Value::Float(4.5));
    house.run_for(ms(50));
    assert_eq!(house.take(conn, "data"), [json!({"Setpoint": 4.5})]);
    let Reply::Endpoints(rows, _) = house.ask(Request::Endpoints) else {
        panic!("endpoints answer endpoints")
    };
    let ignored = rows[0].counters.ignored;
    assert_eq!((ignored.owned, ignored.unknown, ignored.bad_value), (1, 1, 0));
}

#[test]
fn a_server_is_called_by_its_endpoint_where_a_writer_is_named() {
    let mut house = linked(LinkSettings::default());
    let conn = connected(&mut house);
    house.say(conn, json!({"type": "data", "version": 2, "signals": {"Run": true}}));
    house.run_for(ms(50));
    let Reply::Clients(rows, _) = house.ask(Request::Clients) else {
        panic!("clients answer clients")
    };
    assert_eq!(rows[0].name, "server of line");
    assert_eq!(house.row("twin/line/Run").writer.as_deref(), Some("server of line"));
}

#[test]
fn rv_31_a_server_that_insists_on_its_own_value_is_told_ours_less_and_less_often() {
    let mut house = linked(LinkSettings::default());
    let conn = connected(&mut house);
    house.operate("Setpoint", Value::Float(4.5));
    let mut told = 0;
    for _ in 0..1_000 {
        house.run_for(ms(10));
        let data = house.take(conn, "data");
        told += data.len();
        if !data.is_empty() {
            house.write(conn, json!({"Setpoint": 4}));
        }
    }
    assert_eq!(house.value("Setpoint"), Value::Float(4.5));
    assert!((5..60).contains(&told), "{told} times in ten seconds");
}

#[test]
fn rv_31_an_unasked_catalog_is_applied_again_and_signals_vanish_and_return() {
    let mut house = linked(LinkSettings::default());
    let conn = connected(&mut house);
    let less = json!({"type": "import_answer", "version": 2, "signals": {"Run": false, "Count": 9, "Lamp": false, "New": 1},
        "signalTypes": {"New": "PLCOutputInt"}});
    house.say(conn, less);
    house.run_for(ms(50));
    assert_eq!(house.value("Count"), Value::Int(9));
    assert_eq!(
        (house.quality("Count"), house.quality("Speed")),
        (Quality::Good, Quality::Stale),
        "nobody stands for what the server does not offer"
    );
    let Reply::Health(health) = house.ask(Request::Health) else {
        panic!("health answers health")
    };
    assert_eq!(
        health.problems[0].text,
        "the server does not offer 3 signals of this endpoint: Speed, Label, Setpoint"
    );
    assert_eq!(
        types_of(&mut house, conn),
        ["subscribe"],
        "what is offered is another list than before"
    );
    house.run_for(ms(30_000));
    assert_eq!(house.quality("Speed"), Quality::Stale, "whatever the pings say");
    assert!(house.imported.is_empty(), "nobody asked for an import");
    assert!(matches!(
        house.ask(Request::Signal {
            name: "twin/line/New".into()
        }),
        Reply::Refused(_)
    ));
    house.say(conn, catalog());
    house.run_for(ms(50));
    assert_eq!(house.quality("Speed"), Quality::Good);
    assert!(problems(&mut house).is_empty());
    assert_eq!(types_of(&mut house, conn), ["subscribe"]);
    house.say(conn, catalog());
    house.run_for(ms(50));
    assert!(types_of(&mut house, conn).is_empty(), "the same list is not sent twice");
}

#[test]
fn rv_32_a_server_without_a_catalog_is_warned_of_and_served_all_the_same() {
    let mut house = linked(LinkSettings::default());
    let conn = server(&mut house);
    house.run_for(ms(900));
    assert_eq!(types_of(&mut house, conn), ["init", "import_request"]);
    house.write(conn, json!({"Speed": 1.5}));
    house.run_for(ms(50));
    assert_eq!(
        (house.value("Speed"), house.quality("Speed")),
        (Value::Float(1.5), Quality::Good)
    );
    house.run_for(ms(100));
    assert_eq!(
        house.take(conn, "data"),
        [json!({"Lamp": false, "Setpoint": 0})],
        "a second after the connection our data begins"
    );
    house.operate("Lamp", Value::Bool(true));
    house.run_for(ms(50));
    assert_eq!(house.take(conn, "data"), [json!({"Lamp": true})]);
    assert!(problems(&mut house).is_empty());
    house.run_for(ms(9_000));
    assert_eq!(problems(&mut house), ["link:line:catalog"]);
    assert_eq!(house.log.iter().filter(|line| line.contains("no catalog")).count(), 1);
    house.run_for(ms(30_000));
    assert_eq!(row(&mut house).state, LinkState::Greeting);
    house.write(conn, json!({"Speed": 2.5}));
    house.say(conn, catalog());
    house.run_for(ms(50));
    assert!(problems(&mut house).is_empty());
    assert_eq!(row(&mut house).state, LinkState::Connected);
}

#[test]
fn rv_33_refusals_and_drops_are_tried_again_after_growing_pauses() {
    let mut house = linked(LinkSettings::default());
    house.run_for(ms(1));
    let mut pauses = Vec::new();
    for _ in 0..4 {
        refuse(&mut house, "connection refused");
        let link = row(&mut house);
        assert_eq!(link.state, LinkState::Waiting);
        let pause = link.next_attempt_at.expect("it is tried again").since(house.now);
        pauses.push(pause.as_secs());
        house.run_for(pause);
    }
    assert_eq!(pauses, [2, 4, 8, 8]);
    let link = row(&mut house);
    assert_eq!((link.failures, link.attempts), (4, 5));
    refuse(&mut house, "connection refused");
    assert_eq!(row(&mut house).text, "waiting 8 s: connection refused");
    house.give(Input::DialFailed {
        callee: Callee::Endpoint(EndpointId(0)),
        dial: 1,
        reason: "an old one".into(),
    });
    assert_eq!(row(&mut house).failures, 5, "only the dial that is waited for counts");
    connect(&mut house);
    assert_eq!(row(&mut house).failures, 0);
    let conn = connected(&mut house);
    house.disconnect(conn);
    let link = row(&mut house);
    assert_eq!((link.state, link.failures), (LinkState::Waiting, 1));
    assert_eq!(link.last_error.as_deref(), Some("test"));
    house.run_for(ms(2_000));
    let conn = connected(&mut house);
    assert_eq!(row(&mut house).failures, 0);
    assert!(house.peer(conn).closed.is_none());
}

#[test]
fn rv_33_a_link_that_opens_and_closes_at_once_is_no_success() {
    let mut house = linked(LinkSettings::default());
    let conn = server(&mut house);
    house.disconnect(conn);
    house.run_for(ms(2_000));
    let conn = server(&mut house);
    house.disconnect(conn);
    assert_eq!(row(&mut house).failures, 2);
    house.run_for(ms(4_000));
    let conn = server(&mut house);
    house.run_for(ms(5_000));
    assert_eq!(row(&mut house).failures, 0, "five seconds without a catalog are one");
    house.disconnect(conn);
}

#[test]
fn rv_33_a_link_is_given_up_after_so_many_failures_and_connected_again_by_hand() {
    let mut house = linked(LinkSettings {
        max_reconnect_attempts: Some(2),
        ..LinkSettings::default()
    });
    house.run_for(ms(1));
    refuse(&mut house, "connection refused");
    house.run_for(ms(2_000));
    refuse(&mut house, "connection refused");
    house.run_for(ms(100_000));
    assert_eq!(house.dials.len(), 2);
    assert_eq!(row(&mut house).state, LinkState::GivenUp);
    assert_eq!(problems(&mut house), ["link:line:given_up"]);
    connect(&mut house);
    assert_eq!(house.dials.len(), 3);
    assert!(problems(&mut house).is_empty());
    connected(&mut house);

    let mut house = linked(LinkSettings {
        auto_reconnect: false,
        ..LinkSettings::default()
    });
    let conn = connected(&mut house);
    house.disconnect(conn);
    house.run_for(ms(100_000));
    assert_eq!(house.dials.len(), 1);
    assert_eq!(row(&mut house).text, "off: test");
}

#[test]
fn rv_33_a_half_open_link_is_stale_after_five_seconds_and_dropped_after_forty() {
    let mut house = linked(LinkSettings::default());
    let conn = connected(&mut house);
    house.run_for(ms(100_000));
    assert_eq!(
        house.quality("Speed"),
        Quality::Good,
        "silence is legal while pings are answered"
    );
    house.peer(conn).wire.answers_pings = false;
    house.run_for(ms(8_000));
    assert_eq!(house.quality("Speed"), Quality::Stale);
    assert_eq!(row(&mut house).state, LinkState::Connected);
    house.run_for(ms(40_000));
    assert_eq!(house.peer(conn).closed, Some(1001));
    assert!(house.dials.len() > 1, "it is dialled again");
}

#[test]
fn rv_33_every_connection_begins_with_the_whole_handshake_and_full_data() {
    let mut house = linked(LinkSettings::default());
    let conn = connected(&mut house);
    house.operate("Setpoint", Value::Float(9.0));
    house.disconnect(conn);
    assert_eq!(house.quality("Speed"), Quality::Stale);
    house.run_for(ms(2_000));
    let conn = server(&mut house);
    house.run_for(ms(100));
    assert_eq!(types_of(&mut house, conn), ["init", "import_request"]);
    assert_eq!(house.quality("Speed"), Quality::Stale, "nothing new has come");
    house.say(conn, catalog());
    house.run_for(ms(100));
    assert_eq!(
        house.quality("Speed"),
        Quality::Good,
        "the catalog confirms the same value"
    );
    assert_eq!(types_of(&mut house, conn), ["subscribe", "data"]);
    assert_eq!(house.peer(conn).believes["Setpoint"], json!(9));
    assert_eq!(house.peer(conn).believes["Lamp"], json!(false));
}

#[test]
fn rv_33_many_signals_go_out_in_one_full_data_built_in_slices() {
    let mut settings = EndpointSettings {
        link: Some(LinkSettings::default()),
        ..EndpointSettings::named("line")
    };
    settings.signals = (0..10_000)
        .map(|index| signal(&format!("S{index}"), Kind::Int, Owner::Hub))
        .collect();
    say_values(&mut settings);
    let mut house = House::new(settings);
    let conn = server(&mut house);
    house.run_for(ms(5));
    house.say(
        conn,
        json!({"type": "import_answer", "version": 2, "signals": {}, "signalTypes": {}}),
    );
    house.operate("S7", Value::Int(7));
    house.run_for(ms(50));
    let data = house.take(conn, "data");
    assert_eq!(data.len(), 1);
    assert_eq!(data[0].as_object().unwrap().len(), 10_000);
    assert_eq!(data[0]["S7"], json!(7));
    let Reply::Health(health) = house.ask(Request::Health) else {
        panic!("health answers health")
    };
    let text = &health.problems[0].text;
    assert!(text.contains("10000 signals") && text.ends_with("S0, S1, S2, S3, S4 and 9995 more"));
}

#[test]
fn rv_34_init_is_repeated_only_where_keep_alive_asks_for_it() {
    for keep_alive in [false, true] {
        let mut house = linked(LinkSettings {
            keep_alive,
            ..LinkSettings::default()
        });
        let conn = connected(&mut house);
        house.run_for(ms(80_000));
        let expected = if keep_alive { 3 } else { 0 };
        assert_eq!(types_of(&mut house, conn), vec!["init"; expected]);
    }
}

#[test]
fn rv_35_an_import_makes_mirror_signals_and_keeps_them() {
    let mut house = linked(LinkSettings::default());
    let conn = connected(&mut house);
    let ticket = import(&mut house);
    house.run_for(ms(10));
    assert_eq!(types_of(&mut house, conn), ["import_request"]);
    house.say(
        conn,
        json!({"type": "import_answer", "version": 2, "signals": {"Out": 5, "In": true, "Count": 3},
        "signalTypes": {"Out": "PLCOutputInt", "In": "PLCInputBool", "Count": "PLCOutputInt"}}),
    );
    house.run_for(ms(50));
    let report = ImportReport {
        asked: 1,
        answered: 1,
        found: 3,
        made: 2,
    };
    assert!(matches!(house.reply(ticket), Some(Reply::Imported(got)) if got == report));
    assert_eq!(
        (house.row("twin/line/Out").owner, house.value("Out")),
        (Owner::Peer, Value::Int(5))
    );
    assert_eq!(
        (house.row("twin/line/In").owner, house.value("In")),
        (Owner::Hub, Value::Bool(false))
    );
    assert_eq!(house.quality("In"), Quality::NeverWritten);
    let kept: Vec<Option<Value>> = house.imported.iter().map(|signal| signal.value.clone()).collect();
    assert_eq!(kept, [None, None], "what is there now is nothing that this side says");
    let subscribed = house
        .peer(conn)
        .inbox
        .iter()
        .rfind(|message| message["type"] == "subscribe");
    assert_eq!(
        subscribed.expect("there is more to subscribe to")["subscribe"],
        json!(["Run", "Speed", "Count", "Label", "Out"])
    );
    assert!(!house.peer(conn).believes.contains_key("In"), "nobody here has said it");
    house.operate("In", Value::Bool(false));
    house.run_for(ms(50));
    assert_eq!(house.peer(conn).believes["In"], json!(false), "it is in the view");
}

#[test]
fn rv_35_an_import_connects_a_link_that_is_off_moves_nothing_and_disconnects_it() {
    let mut house = linked(LinkSettings {
        connect_on_start: false,
        ..LinkSettings::default()
    });
    let (one, two) = (import(&mut house), import(&mut house));
    assert_eq!(house.dials.len(), 1);
    let conn = house.connect_as(Face::Link(EndpointId(0)), Wire::default());
    house.run_for(ms(2_000));
    house.say(conn, catalog());
    house.run_for(ms(50));
    for ticket in [one, two] {
        assert!(matches!(house.reply(ticket), Some(Reply::Imported(report)) if report.answered == 1));
    }
    assert_eq!(house.peer(conn).closed, Some(1001));
    assert_eq!(row(&mut house).state, LinkState::Off);
    assert!(house.take(conn, "data").is_empty());

    let ticket = import(&mut house);
    refuse(&mut house, "connection refused");
    assert!(
        matches!(house.reply(ticket), Some(Reply::Refused(Refused::Conflict(text))) if text.contains("connection refused"))
    );
    house.run_for(ms(60_000));
    assert_eq!(row(&mut house).text, "off: connection refused");

    let ticket = import(&mut house);
    house.run_for(ms(9_999));
    assert!(house.reply(ticket).is_none());
    house.run_for(ms(1));
    assert!(matches!(
        house.reply(ticket),
        Some(Reply::Refused(Refused::Conflict(_)))
    ));
    assert_eq!(house.hung_up.len(), 1);
    assert_eq!(row(&mut house).state, LinkState::Off);

    let ticket = import(&mut house);
    let conn = house.connect_as(Face::Link(EndpointId(0)), Wire::default());
    house.disconnect(conn);
    assert!(matches!(house.reply(ticket), Some(Reply::Imported(report)) if (report.asked, report.answered) == (1, 0)));
    assert_eq!(row(&mut house).state, LinkState::Off);
}

#[test]
fn rv_35_imports_are_bounded_and_a_late_answer_was_not_asked_for() {
    let mut house = linked(LinkSettings::default());
    let conn = connected(&mut house);
    let tickets: Vec<_> = (0..17).map(|_| import(&mut house)).collect();
    assert!(matches!(
        house.reply(tickets[16]),
        Some(Reply::Refused(Refused::Limit { limit: 16, .. }))
    ));
    house.run_for(ms(10_000));
    for ticket in &tickets[..16] {
        assert!(matches!(house.reply(*ticket), Some(Reply::Imported(report)) if report.answered == 0));
    }
    house.say(
        conn,
        json!({"type": "import_answer", "version": 2, "signals": {"Late": 1}, "signalTypes": {}}),
    );
    house.run_for(ms(50));
    assert!(house.imported.is_empty());
    let waiting = import(&mut house);
    house.disconnect(conn);
    assert!(matches!(house.reply(waiting), Some(Reply::Imported(report)) if report.answered == 0));
    let dials = house.dials.len();
    let waiting = import(&mut house);
    assert_eq!(house.dials.len(), dials + 1, "at once");
    refuse(&mut house, "connection refused");
    assert!(matches!(
        house.reply(waiting),
        Some(Reply::Refused(Refused::Conflict(_)))
    ));
    assert_eq!(
        row(&mut house).state,
        LinkState::Waiting,
        "somebody wants it all the same"
    );

    let mut house = House::new(line());
    assert!(matches!(
        house.ask(Request::Import { endpoint: "line".into() }),
        Reply::Imported(report) if report == ImportReport::default()
    ));
}

#[test]
fn rv_36_a_server_that_asks_gets_our_catalog() {
    let mut house = linked(LinkSettings::default());
    let conn = connected(&mut house);
    house.say(conn, json!({"type": "import_request", "version": 2}));
    house.run_for(ms(50));
    let answers = std::mem::take(&mut house.peer(conn).inbox);
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0]["type"], "import_answer");
    assert_eq!(
        answers[0]["signalTypes"],
        json!({"Run": "PLCInputBool", "Speed": "PLCInputFloat", "Count": "PLCInputInt", "Label": "PLCInputText",
            "Lamp": "PLCOutputBool", "Setpoint": "PLCOutputFloat"})
    );
    for odd in ["config_get", "config_answer", "config_result", "subscribe", "surprise"] {
        house.say(conn, json!({"type": odd, "version": 2}));
    }
    house.say(conn, json!({"type": "init", "version": 2, "name": "PLC"}));
    house.run_for(ms(50));
    assert!(types_of(&mut house, conn).is_empty());
    let Reply::Clients(rows, _) = house.ask(Request::Clients) else {
        panic!("clients answer clients")
    };
    assert_eq!(
        (rows[0].name.as_str(), rows[0].counters.ignored.unknown_type),
        ("PLC", 5)
    );
}

#[test]
fn a_command_over_a_link_that_is_down_is_refused_and_never_kept() {
    let mut house = linked(LinkSettings::default());
    let write = |house: &mut House| {
        house.ask(Request::Write {
            name: "twin/line/Setpoint".into(),
            value: Value::Float(7.0),
        })
    };
    let is_down = |reply: &Reply| matches!(reply, Reply::Refused(Refused::LinkDown { endpoint }) if endpoint == "line");
    assert!(is_down(&write(&mut house)));
    let channel = house.connect_as(Face::Live, Wire::default());
    house.run_for(ms(5));
    let epoch = house.peer(channel).inbox[0]["epoch"].clone();
    house.say(
        channel,
        json!({"type": "write", "id": 1, "epoch": epoch, "signals": {"twin/line/Setpoint": 7, "sys/link/line/up": true}}),
    );
    house.run_for(ms(5));
    let outcome = house.peer(channel).inbox.pop().expect("it is answered")["signals"].take();
    assert_eq!(outcome["twin/line/Setpoint"]["code"], "link_down");
    assert_eq!(outcome["sys/link/line/up"]["code"], "conflict");
    let conn = connected(&mut house);
    assert_eq!(house.peer(conn).believes["Setpoint"], json!(0));
    assert!(matches!(write(&mut house), Reply::Written { .. }));
    house.disconnect(conn);
    assert!(is_down(&write(&mut house)));
}

#[test]
fn the_state_of_a_link_is_a_signal_that_routes_may_start_from_and_nobody_writes() {
    let settings = |route: &str| {
        let mut panel = EndpointSettings::named("panel");
        panel.signals = vec![signal("Lamp", Kind::Bool, Owner::Hub)];
        panel.signals[0].signal = "twin/panel/Lamp".into();
        let link = EndpointSettings {
            link: Some(LinkSettings::default()),
            ..line()
        };
        Settings {
            endpoints: vec![link, panel],
            routes: vec![RouteSetting::plain("sys/link/line/up", route)],
            ..Settings::default()
        }
    };
    let mut house = House::with(settings("twin/panel/Lamp"));
    let conn = connected(&mut house);
    assert_eq!(house.row("twin/panel/Lamp").value, Value::Bool(true));
    house.disconnect(conn);
    assert_eq!(house.row("twin/panel/Lamp").value, Value::Bool(false));
    let row = house.row("sys/link/line/state");
    assert_eq!((row.owner, row.quality), (Owner::Hub, Quality::Good));
    let reply = house.ask(Request::Write {
        name: "sys/link/line/up".into(),
        value: Value::Bool(true),
    });
    assert!(matches!(reply, Reply::Refused(Refused::Conflict(_))), "{reply:?}");
    let reply = house.ask(Request::AddRoute(Box::new(RouteSetting::plain(
        "twin/line/Run",
        "sys/link/line/up",
    ))));
    assert!(matches!(reply, Reply::Refused(Refused::Conflict(_))), "{reply:?}");
}

#[test]
fn settings_of_a_link_change_while_it_runs() {
    let mut house = linked(LinkSettings::default());
    let conn = connected(&mut house);
    let endpoint = "line".into();
    let changes = vec![("update_cycle_ms".to_owned(), json!(1_000))];
    assert!(matches!(
        house.ask(Request::Configure { endpoint, changes }),
        Reply::Done
    ));
    house.run_for(ms(2_000));
    for value in 1..=20 {
        house.operate("Setpoint", Value::Float(f64::from(value)));
        house.run_for(ms(100));
    }
    let data = house.take(conn, "data");
    assert!((2..=3).contains(&data.len()), "{data:?}");
    assert_eq!(data.last(), Some(&json!({"Setpoint": 20})));
}

#[test]
fn what_nobody_has_said_is_no_command_and_is_not_sent() {
    let mut endpoint = EndpointSettings {
        link: Some(LinkSettings::default()),
        ..line()
    };
    endpoint.signals.push(SignalSetting {
        value: Some(Value::Int(3)),
        ..signal("Mode", Kind::Int, Owner::Hub)
    });
    for only_changed in [true, false] {
        let mut house = House::new(EndpointSettings {
            only_transmit_changed: only_changed,
            ..endpoint.clone()
        });
        let conn = server(&mut house);
        house.say(conn, catalog());
        house.run_for(ms(100));
        assert_eq!(house.quality("Lamp"), Quality::NeverWritten);
        let first = house.take(conn, "data");
        assert_eq!(first[0], json!({"Mode": 3}), "the project says this one");

        // A server that sends its own value of what we write is not answered with a zero that nobody meant.
        house.say(conn, json!({"type": "data", "version": 2, "signals": {"Lamp": true}}));
        house.run_for(ms(100));
        let said = |house: &mut House| house.peer(conn).believes.get("Lamp").cloned();
        assert_eq!(said(&mut house), Some(json!(true)), "only what it sent itself");
        assert!(house.take(conn, "data").iter().all(|data| data.get("Lamp").is_none()));

        // The first value goes out also when it is the zero that stood there.
        house.operate("Lamp", Value::Bool(false));
        house.run_for(ms(20));
        let sent = house.take(conn, "data");
        assert_eq!(sent.last().unwrap().get("Lamp"), Some(&json!(false)));
        assert_eq!(house.quality("Lamp"), Quality::Good);

        // From then on it is part of the state that every connection begins with.
        house.disconnect(conn);
        house.run_for(ms(2_000));
        let conn = server(&mut house);
        house.say(conn, catalog());
        house.run_for(ms(100));
        assert_eq!(house.take(conn, "data")[0], json!({"Lamp": false, "Mode": 3}));
    }
}
