//! What becomes of the values of a link that falls silent, ends and returns.

use crate::house::{House, Wire, line, signal};
use crate::link::{catalog, connected, import, linked, ms, server};
use crosstie_hub::access::{Access, Actor};
use crosstie_hub::api::{Refused, Reply, Request};
use crosstie_hub::settings::{EndpointId, EndpointSettings, LinkSettings, Owner, Settings};
use crosstie_hub::signal::{Kind, Quality, Value};
use crosstie_hub::{ConnId, Face, Hub, Input, Output, Ticket, Time};
use crosstie_wire::realvirtual;
use serde_json::json;

#[test]
fn values_that_return_unchanged_are_good_again_and_no_echo() {
    let mut house = linked(LinkSettings::default());
    let conn = connected(&mut house);
    // One generation each, as an echoer would return them.
    for values in [
        json!({"Run": false}),
        json!({"Speed": 1}),
        json!({"Count": 1}),
        json!({"Label": "x"}),
    ] {
        house.write(conn, values);
        house.run_for(ms(20));
    }
    house.disconnect(conn);
    house.run_for(ms(2_000));
    let conn = server(&mut house);
    house.run_for(ms(1_500));
    for values in [
        json!({"Run": false}),
        json!({"Speed": 1}),
        json!({"Count": 1}),
        json!({"Label": "x"}),
    ] {
        house.write(conn, values);
        house.run_for(ms(20));
    }
    for name in ["Run", "Speed", "Count", "Label"] {
        assert_eq!(house.quality(name), Quality::Good, "{name}");
    }
    let Reply::Clients(rows, _) = house.ask(Request::Clients) else {
        panic!("clients answer clients")
    };
    assert_eq!((rows[0].counters.ignored.echo, rows[0].echoer), (0, false));
}

#[test]
fn what_the_server_writes_takes_no_value_from_here_up_or_down() {
    let mut house = linked(LinkSettings::default());
    let conn = connected(&mut house);
    let before = house.value("Speed");
    for is_up in [true, false] {
        let reply = house.ask(Request::Write {
            name: "twin/line/Speed".into(),
            value: Value::Float(7.5),
        });
        let Reply::Refused(refused) = reply else {
            panic!("{reply:?} while up is {is_up}");
        };
        let expected =
            "'twin/line/Speed' is written by the server of the link 'line'; a value from here would not reach it";
        assert_eq!(refused.to_string(), expected);
        assert_eq!(house.value("Speed"), before);
        if is_up {
            house.disconnect(conn);
        }
    }
    assert_eq!(house.quality("Speed"), Quality::Stale);
}

#[test]
fn a_signal_that_the_server_no_longer_offers_stays_stale_when_a_silent_link_lives_again() {
    let mut house = linked(LinkSettings::default());
    let conn = connected(&mut house);
    house.say(
        conn,
        json!({"type": "import_answer", "version": 2, "signals": {"Run": true}, "signalTypes": {}}),
    );
    house.run_for(ms(20));
    house.peer(conn).wire.answers_pings = false;
    house.run_for(ms(8_000));
    assert_eq!(house.quality("Run"), Quality::Stale);
    house.peer(conn).wire.answers_pings = true;
    house.run_for(ms(8_000));
    assert_eq!(
        (house.quality("Run"), house.quality("Speed")),
        (Quality::Good, Quality::Stale)
    );
}

#[test]
fn of_a_burst_after_a_silence_only_the_newest_values_are_taken_whatever_carried_them() {
    let mut house = linked(LinkSettings::default());
    let conn = connected(&mut house);
    house.peer(conn).wire.answers_pings = false;
    house.run_for(ms(8_000));
    house.say(conn, catalog());
    house.say(conn, json!({"type": "snapshot", "version": 2, "signals": {"Count": 8}}));
    house.write(conn, json!({"Count": 9}));
    house.run_for(ms(10));
    assert_eq!(
        (house.value("Count"), house.quality("Count")),
        (Value::Int(7), Quality::Stale)
    );
    house.run_for(ms(100));
    assert_eq!(
        (house.value("Count"), house.quality("Count")),
        (Value::Int(9), Quality::Good)
    );
}

#[test]
fn a_servers_values_are_put_back_when_it_leaves_where_the_endpoint_says_so() {
    let mut house = House::new(EndpointSettings {
        link: Some(LinkSettings::default()),
        reset_on_disconnect: true,
        ..line()
    });
    let conn = connected(&mut house);
    assert_eq!(house.value("Count"), Value::Int(7));
    house.disconnect(conn);
    assert_eq!(
        (house.value("Count"), house.quality("Count")),
        (Value::Int(0), Quality::Stale)
    );
}

#[test]
fn values_are_old_as_soon_as_we_end_the_link_before_the_socket_is_closed() {
    let mut hub = Hub::new(Settings {
        endpoints: vec![EndpointSettings {
            link: Some(LinkSettings::default()),
            ..line()
        }],
        ..Settings::default()
    });
    let mut give = |input: Input| {
        let mut outputs = Vec::new();
        hub.handle(Time::from_millis(1), input, &mut outputs);
        outputs
    };
    let ask = |request| Input::Request {
        ticket: Ticket(1),
        by: Box::new(Actor::full("this machine", "10.0.0.9:9")),
        request,
    };
    give(Input::Tick);
    let conn = ConnId(1);
    give(Input::Connected {
        conn,
        face: Face::Link(EndpointId(0)),
        address: "10.0.0.1:1".into(),
        path: "/".into(),
        access: Access::full("this machine"),
    });
    let message = realvirtual::decode(catalog().to_string()).expect("it is a message");
    give(Input::Realvirtual {
        conn,
        message,
        bytes: 9,
    });
    let quality = |give: &mut dyn FnMut(Input) -> Vec<Output>| {
        let name = "twin/line/Speed".into();
        let outputs = give(ask(Request::Signal { name }));
        let row = outputs.into_iter().find_map(|output| match output {
            Output::Reply { reply, .. } => match *reply {
                Reply::Signal(row, _) => Some(row.quality),
                _ => None,
            },
            _ => None,
        });
        row.expect("the signal is there")
    };
    assert_eq!(quality(&mut give), Quality::Good);
    let endpoint = "line".into();
    let outputs = give(ask(Request::Disconnect { endpoint }));
    assert!(
        outputs
            .iter()
            .any(|output| matches!(output, Output::Close { code: 1001, .. }))
    );
    assert_eq!(quality(&mut give), Quality::Stale);
}

#[test]
fn a_server_that_takes_nothing_and_says_nothing_is_dropped_and_one_that_speaks_is_not() {
    let mut house = linked(LinkSettings::default());
    let conn = connected(&mut house);
    house.peer(conn).reads = false;
    house.peer(conn).wire.answers_pings = false;
    house.operate("Lamp", Value::Bool(true));
    for count in 0..30 {
        house.run_for(ms(2_000));
        house.write(conn, json!({"Count": count}));
    }
    assert_eq!(house.peer(conn).closed, None);
    house.run_for(ms(39_000));
    assert_eq!(house.peer(conn).closed, None);
    house.run_for(ms(2_000));
    assert_eq!(house.peer(conn).closed, Some(1001));
}

#[test]
fn an_imported_signal_that_exists_already_is_shown_as_it_is() {
    let mut panel = EndpointSettings::named("panel");
    panel.signals = vec![signal("In", Kind::Bool, Owner::Hub)];
    let mut house = House::with(Settings {
        endpoints: vec![
            EndpointSettings {
                link: Some(LinkSettings::default()),
                ..line()
            },
            panel,
        ],
        ..Settings::default()
    });
    let conn = connected(&mut house);
    house.run_for(ms(1_000));
    import(&mut house);
    house.say(
        conn,
        json!({"type": "import_answer", "version": 2, "signals": {"In": true}, "signalTypes": {"In": "PLCInputBool"}}),
    );
    house.run_for(ms(50));
    assert_eq!(house.peer(conn).believes.get("In"), None, "nobody here has said it");
    house.operate("In", Value::Bool(false));
    house.run_for(ms(50));
    assert_eq!(house.peer(conn).believes.get("In"), Some(&json!(false)));
}

#[test]
fn an_import_that_waited_for_its_link_too_long_takes_no_answer() {
    let mut house = linked(LinkSettings::default());
    house.run_for(ms(1));
    let ticket = import(&mut house);
    house.run_for(ms(9_000));
    let conn = house.connect_as(Face::Link(EndpointId(0)), Wire::default());
    house.run_for(ms(1_500));
    assert!(matches!(house.reply(ticket), Some(Reply::Imported(report)) if (report.asked, report.answered) == (1, 0)));
    house.say(
        conn,
        json!({"type": "import_answer", "version": 2, "signals": {"New": 1}, "signalTypes": {}}),
    );
    house.run_for(ms(50));
    assert!(house.imported.is_empty());
    let name = "twin/line/New".into();
    assert!(matches!(
        house.ask(Request::Signal { name }),
        Reply::Refused(Refused::NotFound { .. })
    ));
}
