//! What follows from who somebody is: roles, scopes of names, revoked keys, and what is written down.

use crate::house::{House, Wire, line};
use crosstie_hub::access::{Access, Role, Scope};
use crosstie_hub::api::{Refused, Reply, Request, SignalQuery};
use crosstie_hub::settings::{EndpointId, RouteSetting};
use crosstie_hub::signal::Value;
use crosstie_hub::{ConnId, Face, Input};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A key `k7` of the first ring.
fn key(role: Role, view: Option<&[&str]>, write: Option<&[&str]>) -> Arc<Access> {
    let scope = |patterns: Option<&[&str]>| {
        let texts: Option<Vec<String>> = patterns.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect());
        Scope::new(texts.as_deref())
    };
    Arc::new(Access {
        key: Some("k7".into()),
        ring: 1,
        who: "HMI".into(),
        role,
        view: scope(view),
        write: scope(write),
    })
}

fn session(house: &mut House, access: Arc<Access>) -> ConnId {
    let face = Face::Realvirtual(EndpointId(0));
    let conn = house.connect_with(face, Wire::default(), access);
    house.say(conn, json!({"type": "init", "version": 2, "name": "HMI"}));
    conn
}

fn is_forbidden(reply: &Reply) -> bool {
    matches!(reply, Reply::Refused(Refused::Forbidden { .. }))
}

fn write(name: &str, value: bool) -> Request {
    Request::Write {
        name: name.to_owned(),
        value: Value::Bool(value),
    }
}

#[test]
fn a_viewer_looks_an_operator_writes_an_engineer_changes() {
    let mut house = House::new(line());
    let requests = [
        (
            Role::Viewer,
            Request::Signals(SignalQuery {
                limit: 9,
                ..SignalQuery::default()
            }),
        ),
        (Role::Viewer, Request::Health),
        (Role::Viewer, Request::Clients),
        (Role::Operator, write("twin/line/Lamp", true)),
        (Role::Operator, Request::Acknowledge { problem: None }),
        (
            Role::Engineer,
            Request::Import {
                endpoint: "line".into(),
            },
        ),
        (
            Role::Engineer,
            Request::AddRoute(Box::new(RouteSetting::plain("twin/line/Run", "twin/line/Lamp"))),
        ),
        (Role::Engineer, Request::RemoveRoute { id: 1 }),
        (
            Role::Engineer,
            Request::Configure {
                endpoint: "line".into(),
                changes: vec![("debug".into(), json!(true))],
            },
        ),
    ];
    for (needed, request) in requests {
        for role in [Role::Viewer, Role::Operator, Role::Engineer] {
            let reply = house.ask_as(key(role, None, None), request.clone());
            assert_eq!(is_forbidden(&reply), role < needed, "{} asks {request:?}", role.word());
        }
    }
}

#[test]
fn a_refusal_names_who_asked_and_what() {
    let mut house = House::new(line());
    let reply = house.ask_as(key(Role::Viewer, None, None), write("twin/line/Lamp", true));
    let Reply::Refused(refused) = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(refused.to_string(), "HMI is viewer and may not write signals");
}

#[test]
fn names_outside_the_scope_are_not_there_and_names_outside_the_write_scope_are_read_only() {
    let mut house = House::new(line());
    let hmi = key(
        Role::Operator,
        Some(&["twin/line/Lamp", "twin/line/Run"]),
        Some(&["twin/line/Lamp"]),
    );
    let page = Request::Signals(SignalQuery {
        limit: 99,
        ..SignalQuery::default()
    });
    let Reply::Signals(page) = house.ask_as(hmi.clone(), page) else {
        panic!("a page");
    };
    let names: Vec<&str> = page.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["twin/line/Run", "twin/line/Lamp"]);

    let hidden = house.ask_as(
        hmi.clone(),
        Request::Signal {
            name: "twin/line/Speed".into(),
        },
    );
    assert!(matches!(hidden, Reply::Refused(Refused::NotFound { .. })), "{hidden:?}");
    let hidden = house.ask_as(hmi.clone(), write("twin/line/Speed", true));
    assert!(matches!(hidden, Reply::Refused(Refused::NotFound { .. })), "{hidden:?}");
    assert!(is_forbidden(&house.ask_as(hmi.clone(), write("twin/line/Run", true))));
    let written = house.ask_as(hmi, write("twin/line/Lamp", true));
    assert!(matches!(written, Reply::Written { .. }), "{written:?}");
}

#[test]
fn a_route_needs_the_right_to_see_its_source_and_to_write_its_target() {
    let mut house = House::new(line());
    let route = |from: &str, to: &str| Request::AddRoute(Box::new(RouteSetting::plain(from, to)));
    let lamp = key(
        Role::Engineer,
        Some(&["twin/line/Run", "twin/line/Lamp"]),
        Some(&["twin/line/Lamp"]),
    );
    assert!(is_forbidden(
        &house.ask_as(lamp.clone(), route("twin/line/Speed", "twin/line/Setpoint"))
    ));
    assert!(is_forbidden(
        &house.ask_as(lamp.clone(), route("twin/line/Lamp", "twin/line/Run"))
    ));
    let added = house.ask_as(lamp.clone(), route("twin/line/Run", "twin/line/Lamp"));
    assert!(matches!(added, Reply::Route(_)), "{added:?}");

    house.ask(route("twin/line/Speed", "twin/line/Setpoint"));
    let Reply::Routes(rows, _) = house.ask_as(lamp.clone(), Request::Routes) else {
        panic!("routes");
    };
    assert_eq!(rows.len(), 1, "a route between hidden signals is hidden");
    let hidden = house.ask_as(lamp, Request::RemoveRoute { id: 2 });
    assert!(matches!(hidden, Reply::Refused(Refused::NotFound { .. })), "{hidden:?}");
}

#[test]
fn a_viewers_data_is_counted_and_what_counts_goes_back_to_it() {
    let mut house = House::new(line());
    let conn = session(&mut house, key(Role::Viewer, None, None));
    house.say(conn, json!({"type": "subscribe", "version": 2}));
    house.run_for(ms(50));
    house.write(conn, json!({"Run": true, "Speed": 3.5}));
    house.run_for(ms(50));
    assert_eq!(house.value("Run"), Value::Bool(false));
    assert_eq!(
        house.peer(conn).believes["Run"],
        json!(false),
        "it is told what is stored"
    );
    let Reply::Clients(rows, _) = house.ask(Request::Clients) else {
        panic!("clients");
    };
    assert_eq!(rows[0].counters.ignored.forbidden, 2);
    assert_eq!((&*rows[0].who, rows[0].role, rows[0].writes), ("HMI", Role::Viewer, 0));
}

#[test]
fn a_session_sees_only_its_scope_in_catalog_snapshot_full_state_and_deltas() {
    let scope = || {
        key(
            Role::Operator,
            Some(&["twin/line/R*", "twin/line/Run", "twin/line/Lamp"]),
            None,
        )
    };
    let names = |signals: &Json| -> Vec<String> { signals.as_object().unwrap().keys().cloned().collect() };
    let mut house = House::new(line());
    let unsaid = session(&mut house, scope());
    let listed = session(&mut house, scope());
    house.say(listed, json!({"type": "import_request", "version": 2}));
    let wanted = json!(["Run", "Speed", "Later"]);
    house.say(listed, json!({"type": "subscribe", "version": 2, "subscribe": wanted}));
    house.run_for(ms(50));
    assert_eq!(names(&house.take(unsaid, "data")[0]), ["Run", "Lamp"]);
    let answers = std::mem::take(&mut house.peer(listed).inbox);
    assert_eq!(names(&answers[0]["signals"]), ["Run", "Lamp"]);
    assert_eq!(names(&answers[0]["signalTypes"]), ["Run", "Lamp"]);
    assert_eq!(names(&answers[1]["signals"]), ["Run"]);

    let writer = house.join("writer");
    house.write(writer, json!({"Run": true, "Speed": 3.5}));
    house.run_for(ms(50));
    for conn in [unsaid, listed] {
        assert_eq!(house.take(conn, "data"), [json!({"Run": true})]);
    }
}

#[test]
fn names_that_appear_are_shown_only_where_they_may_be_seen() {
    let mut endpoint = line();
    endpoint.auto_register = true;
    let mut house = House::new(endpoint);
    let scope = key(
        Role::Viewer,
        Some(&["twin/line/New*", "twin/line/New", "twin/line/Run"]),
        None,
    );
    let unsaid = session(&mut house, scope.clone());
    let listed = session(&mut house, scope);
    let wanted = json!(["New", "Secret"]);
    house.say(listed, json!({"type": "subscribe", "version": 2, "subscribe": wanted}));
    house.run_for(ms(50));
    house.peer(unsaid).inbox.clear();
    let writer = house.join("writer");
    house.write(writer, json!({"New": 1, "Secret": 2}));
    house.run_for(ms(100));
    for conn in [unsaid, listed] {
        assert_eq!(house.take(conn, "data"), [json!({"New": 1})]);
    }
    // Nor may somebody without the right make a signal.
    house.write(unsaid, json!({"Mine": 1}));
    house.run_for(ms(50));
    let mine = house.ask(Request::Signal {
        name: "twin/line/Mine".into(),
    });
    assert!(matches!(mine, Reply::Refused(Refused::NotFound { .. })), "{mine:?}");
}

#[test]
fn a_live_channel_keeps_to_its_scope_and_says_why_a_write_is_refused() {
    let mut house = House::new(line());
    let scope = key(
        Role::Operator,
        Some(&["twin/line/Lamp", "twin/line/Run"]),
        Some(&["twin/line/Lamp"]),
    );
    let conn = house.connect_with(Face::Live, Wire::default(), scope);
    house.say(
        conn,
        json!({"type": "subscribe", "id": 1, "names": ["twin/line/Speed"], "patterns": ["**"], "cycle_ms": 100}),
    );
    house.run_for(ms(50));
    let inbox = std::mem::take(&mut house.peer(conn).inbox);
    assert_eq!(inbox.len(), 3, "{inbox:?}");
    let (hello, snapshot) = (&inbox[0], &inbox[2]);
    assert_eq!(snapshot["unknown"], json!(["twin/line/Speed"]));
    assert_eq!(snapshot["signals"].as_array().unwrap().len(), 2);

    let signals = json!({"twin/line/Lamp": true, "twin/line/Run": true, "twin/line/Speed": 1});
    house.say(
        conn,
        json!({"type": "write", "id": 2, "epoch": hello["epoch"], "signals": signals}),
    );
    house.run_for(ms(200));
    let inbox = std::mem::take(&mut house.peer(conn).inbox);
    let result = inbox.iter().find(|message| message["type"] == "write_result").unwrap();
    let outcome = |name: &str| &result["signals"][name];
    assert_eq!(outcome("twin/line/Lamp")["value"], true, "{result}");
    assert_eq!(outcome("twin/line/Run")["code"], "forbidden", "{result}");
    assert_eq!(outcome("twin/line/Speed")["code"], "not_found", "{result}");
    assert_eq!(house.value("Lamp"), Value::Bool(true));
    assert_eq!(house.row("twin/line/Lamp").writer.as_deref(), Some("HMI"));
}

#[test]
fn a_request_that_a_revoked_key_has_let_in_before_is_refused() {
    let mut house = House::new(line());
    let access = key(Role::Engineer, None, None);
    house.give(Input::Revoked {
        key: "k7".into(),
        ring: 2,
    });
    assert!(is_forbidden(&house.ask_as(access, write("twin/line/Lamp", true))));
    assert_eq!(house.value("Lamp"), Value::Bool(false));
}

#[test]
fn one_message_registers_so_many_names_and_no_more() {
    let mut endpoint = line();
    endpoint.auto_register = true;
    let mut house = House::new(endpoint);
    let writer = house.join("writer");
    let names: Vec<String> = (0..4_100).map(|index| format!("\"N{index}\":{index}")).collect();
    let flood = format!("{{\"type\":\"data\",\"signals\":{{{}}}}}", names.join(","));
    let Reply::Health(health) = house.ask(Request::Health) else {
        panic!("health");
    };
    let before = health.signals;
    for expected in [4_096 + before, 4_100 + before] {
        house.say_text(writer, flood.clone());
        house.run_for(ms(50));
        let Reply::Health(health) = house.ask(Request::Health) else {
            panic!("health");
        };
        assert_eq!(health.signals, expected, "the rest is made when it comes again");
    }
}

#[test]
fn a_revoked_key_ends_its_connections_and_those_that_are_on_their_way() {
    let mut house = House::new(line());
    let face = Face::Realvirtual(EndpointId(0));
    let held = session(&mut house, key(Role::Operator, None, None));
    let other = house.join("other");
    house.give(Input::Revoked {
        key: "k7".into(),
        ring: 2,
    });
    assert_eq!(house.peer(held).closed, Some(1008));
    assert_eq!(house.peer(other).closed, None);

    let late = house.connect_with(face, Wire::default(), key(Role::Operator, None, None));
    assert_eq!(house.peer(late).closed, Some(1008), "the first ring had let it in");
    let mut renewed = Access::clone(&key(Role::Viewer, None, None));
    renewed.ring = 2;
    let renewed = house.connect_with(face, Wire::default(), Arc::new(renewed));
    assert_eq!(
        house.peer(renewed).closed,
        None,
        "the key has other rights since the second ring"
    );
}

#[test]
fn what_somebody_did_is_written_down_with_what_was_there_before() {
    let mut house = House::new(line());
    let engineer = key(Role::Engineer, None, None);
    house.ask_as(engineer.clone(), write("twin/line/Lamp", true));
    let route = Request::AddRoute(Box::new(RouteSetting::plain("twin/line/Run", "twin/line/Lamp")));
    house.ask_as(engineer.clone(), route);
    house.ask_as(engineer.clone(), Request::RemoveRoute { id: 1 });
    let changes = vec![("update_cycle_ms".into(), json!(20)), ("debug".into(), json!(true))];
    house.ask_as(
        engineer.clone(),
        Request::Configure {
            endpoint: "line".into(),
            changes,
        },
    );
    // What is refused, and what only looks, has changed nothing.
    house.ask_as(key(Role::Viewer, None, None), write("twin/line/Lamp", false));
    house.ask_as(engineer, Request::Health);

    let lines: Vec<String> = house
        .audited
        .iter()
        .map(|entry| {
            format!(
                "{} {} {} {} {} {}",
                entry.by.access.who, entry.by.from, entry.what, entry.subject, entry.old, entry.new
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            "HMI 10.0.0.9:9 write twin/line/Lamp false true",
            "HMI 10.0.0.9:9 route.add twin/line/Lamp null \"twin/line/Run\"",
            "HMI 10.0.0.9:9 route.remove twin/line/Lamp \"twin/line/Run\" null",
            "HMI 10.0.0.9:9 config realvirtual.line.update_cycle_ms 10 20",
            "HMI 10.0.0.9:9 config realvirtual.line.debug false true",
        ]
    );
}

#[test]
fn only_an_engineer_changes_settings_over_the_protocol_and_what_is_not_saved_is_not_written_down() {
    let mut house = House::new(line());
    let set = json!({"type": "config_set", "config": {"updateCycleMs": 20}});
    let operator = session(&mut house, key(Role::Operator, None, None));
    house.say(operator, set.clone());
    house.run_for(ms(50));
    let results: Vec<Json> = house
        .peer(operator)
        .inbox
        .drain(..)
        .filter(|m| m["type"] == "config_result")
        .collect();
    assert_eq!(results[0]["success"], false);
    assert_eq!(results[0]["message"], "HMI is operator and may not change settings");

    house.save_result = Err("the disk is full".into());
    let engineer = session(&mut house, key(Role::Engineer, None, None));
    house.say(engineer, set);
    house.run_for(ms(50));
    assert!(house.audited.is_empty());
}
