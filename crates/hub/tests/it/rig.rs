//! The rig: scans by virtual time, partners and what can go wrong with their links, what recordings and tests say.

use crate::house::line;
use crate::plc_signals::{PLC, PROGRAM, context, ms};
use crosstie_hub::api::plc::{PlcReply, PlcRequest};
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::output::Callee;
use crosstie_hub::plc::ScanTiming;
use crosstie_hub::replay::Replayed;
use crosstie_hub::rig::{Changed, Partner, Rig, Scheduled, text_of};
use crosstie_hub::settings::{EndpointId, EndpointSettings, LinkSettings, RouteSetting, Settings};
use crosstie_hub::signal::{Quality, Value, Writer};
use crosstie_hub::{ConnId, Face, Frame, Input, Time};
use crosstie_ladder::controller::{Command, ControllerState};
use proptest::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

/// What a partner has heard: when, and the text.
type Heard = Rc<RefCell<Vec<(Time, String)>>>;

/// A partner that joins, listens, and says what it was given at its times.
struct Script {
    face: Face,
    says: Vec<(Time, String)>,
    heard: Heard,
}

impl Script {
    fn new(heard: &Heard, says: &[(u64, &str)]) -> Box<Script> {
        let join = [
            (0, r#"{"type":"init","version":2,"name":"script"}"#),
            (0, r#"{"type":"subscribe","version":2}"#),
        ];
        let says = join.iter().chain(says);
        let mut says: Vec<(Time, String)> = says
            .map(|(at, text)| (Time::from_millis(*at), (*text).to_owned()))
            .collect();
        says.reverse();
        Box::new(Script {
            face: Face::Realvirtual(EndpointId(0)),
            says,
            heard: heard.clone(),
        })
    }
}

impl Partner for Script {
    fn face(&self) -> Face {
        self.face
    }

    fn due(&self) -> Option<Time> {
        self.says.last().map(|(at, _)| *at)
    }

    fn turn(&mut self, _: Time) -> Vec<String> {
        self.says.pop().map(|(_, text)| text).into_iter().collect()
    }

    fn hear(&mut self, now: Time, frame: &Frame) -> Vec<String> {
        let text = text_of(frame).expect("a realvirtual client is told texts");
        self.heard.borrow_mut().push((now, text.to_owned()));
        Vec::new()
    }
}

/// `twin/line/Run` starts the motor of the PLC, which lights `twin/line/Lamp`.
fn settings() -> Settings {
    Settings {
        endpoints: vec![line()],
        plcs: vec![context(PROGRAM)],
        routes: vec![
            RouteSetting::plain("twin/line/Run", "plc/line/I:0/0"),
            RouteSetting::plain("plc/line/O:0/0", "twin/line/Lamp"),
        ],
        ..Settings::default()
    }
}

fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

fn sample(name: &str, value: Value) -> Replayed {
    Replayed {
        name: name.into(),
        value,
        quality: Quality::Good,
    }
}

fn of<'a>(changes: &'a [Changed], name: &str) -> Vec<&'a Changed> {
    changes.iter().filter(|change| &*change.name == name).collect()
}

#[test]
fn scans_come_on_time_and_the_first_one_when_the_run_begins() {
    let mut rig = Rig::new(settings());
    rig.run_until(at(0));
    assert_eq!(rig.state(PLC), Some(ControllerState::Running));
    assert_eq!(rig.scans(PLC), Some(1));
    rig.run_until(at(99));
    assert_eq!(rig.scans(PLC), Some(10));
    rig.run_until(at(20_000));
    assert_eq!(rig.scans(PLC), Some(2_001));
    assert_eq!(rig.now(), at(20_000));
    let Reply::Plc(PlcReply::Context(row, _)) = rig.ask(Request::Plc(PlcRequest::Context { context: "line".into() }))
    else {
        panic!("a context answers itself")
    };
    assert_eq!((row.statistics.min_us, row.statistics.max_us), (0, 0));
}

#[test]
fn an_order_to_a_running_engine_is_answered_at_its_next_scan() {
    let mut rig = Rig::new(settings());
    rig.run_until(at(5));
    let stop = PlcRequest::Command {
        context: "line".into(),
        command: Command::Stop,
    };
    let reply = rig.ask(Request::Plc(stop));
    assert!(matches!(reply, Reply::Plc(PlcReply::Context(..))), "{reply:?}");
    assert_eq!((rig.now(), rig.state(PLC)), (at(10), Some(ControllerState::Stopped)));
    assert_eq!(rig.scans(PLC), Some(1));
}

#[test]
fn a_schedule_gives_the_moments_and_times_of_the_scans() {
    let mut rig = Rig::new(settings());
    let scan = |at_us: u64, dt_us: u32| Scheduled {
        at: Time::from_nanos(at_us * 1_000),
        dt_us,
        timing: ScanTiming {
            late_us: 7,
            missed: 0,
            took_us: 40,
        },
    };
    assert!(rig.set_schedule(PLC, [scan(300, 10_000), scan(10_450, 10_150)].into()));
    rig.run_until(Time::from_nanos(299_999));
    assert_eq!(rig.scans(PLC), Some(0));
    rig.run_until(at(10));
    assert_eq!(rig.scans(PLC), Some(1));
    rig.run_until(at(11));
    assert_eq!(rig.scans(PLC), Some(2));
    // Behind the last of them: the period.
    rig.run_until(Time::from_nanos(20_450_000));
    assert_eq!(rig.scans(PLC), Some(3));
    let Reply::Plc(PlcReply::Context(row, _)) = rig.ask(Request::Plc(PlcRequest::Context { context: "line".into() }))
    else {
        panic!("a context answers itself")
    };
    assert_eq!(row.statistics.max_us, 40);
}

#[test]
fn every_change_is_told_with_its_scan_and_its_time() {
    let mut rig = Rig::new(settings());
    rig.run_until(at(15));
    rig.take_changes();
    for on in [true, false, true] {
        rig.say(vec![sample("twin/line/Run", Value::Bool(on))]);
    }
    rig.run_until(at(40));
    let changes = rig.take_changes();
    let run: Vec<&Value> = of(&changes, "twin/line/Run")
        .iter()
        .map(|change| &change.value)
        .collect();
    assert_eq!(run, [&Value::Bool(true), &Value::Bool(false), &Value::Bool(true)]);
    let motor = of(&changes, "plc/line/O:0/0");
    assert_eq!(motor.len(), 1, "{motor:?}");
    assert_eq!((motor[0].scan, motor[0].at), (Some(3), at(20)));
    assert_eq!(motor[0].writer, Writer::Plc(PLC));
    let lamp = of(&changes, "twin/line/Lamp");
    assert_eq!((lamp.len(), lamp[0].at, lamp[0].scan), (1, at(20), None));
    assert_eq!(rig.value("twin/line/Lamp"), Some(Value::Bool(true)));
    assert_eq!(rig.take_changes(), []);
}

#[test]
fn a_partner_is_heard_and_hears_over_a_link_with_a_latency() {
    let mut rig = Rig::new(settings());
    let heard = Heard::default();
    let write = r#"{"type":"data","version":2,"signals":{"Run":true}}"#;
    let conn = rig.join_over(Script::new(&heard, &[(50, write)]), ms(3));
    rig.run_until(at(52));
    assert_eq!(rig.value("twin/line/Run"), Some(Value::Bool(false)));
    rig.run_until(at(53));
    assert_eq!(rig.value("twin/line/Run"), Some(Value::Bool(true)));
    assert_eq!(
        rig.hub().change(rig.hub().find("twin/line/Run").unwrap()).writer,
        Writer::Peer(conn)
    );
    rig.run_until(at(100));
    let lamp = heard
        .borrow()
        .iter()
        .find(|(_, text)| text.contains(r#""Lamp":true"#))
        .cloned();
    assert_eq!(lamp.map(|(when, _)| when), Some(at(63)), "scan at 60, 3 ms on the way");
}

#[test]
fn links_can_be_dropped_delayed_and_silenced() {
    let mut rig = Rig::new(settings());
    let heard = Heard::default();
    let write = r#"{"type":"data","version":2,"signals":{"Run":true}}"#;
    let late = r#"{"type":"data","version":2,"signals":{"Speed":7.5}}"#;
    let conn = rig.join(Script::new(&heard, &[(10, write), (7_000, late)]));
    rig.run_until(at(1_000));
    let quality = |rig: &Rig, name: &str| rig.hub().change(rig.hub().find(name).unwrap()).quality;
    assert_eq!(quality(&rig, "twin/line/Run"), Quality::Good);
    rig.silence(conn, true);
    rig.run_until(at(8_000));
    assert_eq!(
        quality(&rig, "twin/line/Run"),
        Quality::Stale,
        "it does not answer pings"
    );
    assert_eq!(quality(&rig, "plc/line/I:0/0"), Quality::Stale);
    rig.silence(conn, false);
    rig.delay_link(conn, ms(200));
    rig.run_until(at(8_199));
    assert_eq!(rig.value("twin/line/Speed"), Some(Value::Float(0.0)));
    rig.run_until(at(8_400));
    assert_eq!(rig.value("twin/line/Speed"), Some(Value::Float(7.5)));
    assert_eq!(quality(&rig, "twin/line/Run"), Quality::Good);
    rig.drop_link(conn);
    assert_eq!(quality(&rig, "twin/line/Speed"), Quality::Stale);
    assert_eq!(rig.conns(Face::Realvirtual(EndpointId(0))), []);
    let told = heard.borrow().len();
    rig.run_until(at(9_000));
    assert_eq!(heard.borrow().len(), told);
}

#[test]
fn a_dial_is_refused_until_somebody_is_there() {
    let endpoint = EndpointSettings {
        link: Some(LinkSettings::default()),
        ..line()
    };
    let mut rig = Rig::new(Settings {
        endpoints: vec![endpoint],
        ..Settings::default()
    });
    let state = |rig: &Rig| rig.value("sys/link/line/up");
    rig.run_until(at(1_000));
    assert_eq!(state(&rig), Some(Value::Bool(false)));
    let heard = Heard::default();
    let theirs = heard.clone();
    rig.put_server(Callee::Endpoint(EndpointId(0)), move || {
        let mut server = Script::new(&theirs, &[]);
        server.face = Face::Link(EndpointId(0));
        server.says.clear();
        server
    });
    rig.run_until(at(5_000));
    assert_eq!(rig.conns(Face::Link(EndpointId(0))), [ConnId(1)]);
    assert!(heard.borrow().iter().any(|(_, text)| text.contains("init")));
}

#[test]
fn what_a_recording_says_makes_signals_feeds_programs_and_is_stale_at_its_end() {
    let mut rig = Rig::new(settings());
    rig.run_until(at(5));
    rig.say(vec![
        sample("twin/other/Level", Value::Float(1.5)),
        sample("plc/line/I:0/0", Value::Bool(true)),
        sample("twin/line/Count", Value::Text("12".into())),
        sample("twin/line/Speed", Value::Text("fast".into())),
        sample("sys/plc/line/running", Value::Bool(false)),
    ]);
    rig.run_until(at(25));
    let change = |rig: &Rig, name: &str| {
        let change = rig.hub().change(rig.hub().find(name).expect(name));
        (change.value.clone(), change.quality, change.writer)
    };
    let good = |value| (value, Quality::Good, Writer::Replay);
    assert_eq!(change(&rig, "twin/other/Level"), good(Value::Float(1.5)));
    assert_eq!(change(&rig, "plc/line/I:0/0"), good(Value::Bool(true)));
    assert_eq!(change(&rig, "twin/line/Count"), good(Value::Int(12)));
    assert_eq!(
        rig.value("plc/line/O:0/0"),
        Some(Value::Bool(true)),
        "the program has seen it"
    );
    assert_eq!(rig.value("sys/plc/line/running"), Some(Value::Bool(true)));
    assert_eq!(
        problems(&mut rig, "replay:"),
        ["replay:twin/line/Speed", "replay:sys/plc/line/running"]
    );

    rig.give(Input::ReplayEnds);
    rig.run_until(at(45));
    let stale = |value| (value, Quality::Stale, Writer::Replay);
    assert_eq!(change(&rig, "twin/other/Level"), stale(Value::Float(1.5)));
    assert_eq!(change(&rig, "plc/line/I:0/0"), stale(Value::Bool(true)));
    assert_eq!(problems(&mut rig, "replay:"), [""; 0]);
}

#[test]
fn a_peer_and_a_recording_that_write_the_same_signal_are_in_conflict_and_the_last_one_wins() {
    let mut rig = Rig::new(settings());
    let heard = Heard::default();
    let write = |on| format!(r#"{{"type":"data","version":2,"signals":{{"Run":{on}}}}}"#);
    let conn = rig.join(Script::new(&heard, &[(500, &write(true)), (900, &write(true))]));
    rig.say(vec![sample("twin/line/Run", Value::Bool(false))]);
    rig.run_until(at(600));
    assert_eq!(rig.value("twin/line/Run"), Some(Value::Bool(true)));
    assert_eq!(problems(&mut rig, "conflict:"), ["conflict:twin/line/Run"]);
    rig.say(vec![sample("twin/line/Run", Value::Bool(false))]);
    assert_eq!(rig.value("twin/line/Run"), Some(Value::Bool(false)));
    rig.drop_link(conn);
    assert_eq!(problems(&mut rig, "conflict:"), [""; 0]);
}

fn problems(rig: &mut Rig, prefix: &str) -> Vec<String> {
    let Reply::Health(health) = rig.ask(Request::Health) else {
        panic!("health answers health")
    };
    let ids = health.problems.into_iter().map(|problem| problem.id);
    ids.filter(|id| id.starts_with(prefix)).collect()
}

#[derive(Clone, Debug)]
enum Act {
    Say(&'static str, Value),
    Peer(bool),
    Delay(u64),
    Silence(bool),
    Drop,
    Run(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let name = prop_oneof![Just("twin/line/Run"), Just("plc/line/I:0/1"), Just("twin/new/X")];
    let act = prop_oneof![
        (name, any::<bool>()).prop_map(|(name, on)| Act::Say(name, Value::Bool(on))),
        any::<bool>().prop_map(Act::Peer),
        (0_u64..30).prop_map(Act::Delay),
        any::<bool>().prop_map(Act::Silence),
        Just(Act::Drop),
        (1_u64..3_000).prop_map(Act::Run),
    ];
    proptest::collection::vec(act, 1..40)
}

/// Everything that came out, as text: each change and each frame.
fn session(acts: &[Act]) -> String {
    let mut rig = Rig::new(settings());
    let heard = Heard::default();
    let writes = [(20, r#"{"type":"data","version":2,"signals":{"Run":true,"Count":3}}"#)];
    let mut conn = rig.join(Script::new(&heard, &writes));
    for act in acts {
        match act {
            Act::Say(name, value) => rig.say(vec![sample(name, value.clone())]),
            Act::Peer(on) => {
                let write = format!(r#"{{"type":"data","version":2,"signals":{{"Run":{on}}}}}"#);
                let mut script = Script::new(&heard, &[(rig.now().as_millis() + 7, &write)]);
                script.says.iter_mut().for_each(|(when, _)| *when = (*when).max(at(1)));
                conn = rig.join(script);
            }
            Act::Delay(millis) => rig.delay_link(conn, ms(*millis)),
            Act::Silence(on) => rig.silence(conn, *on),
            Act::Drop => rig.drop_link(conn),
            Act::Run(micros) => rig.run_until(rig.now() + std::time::Duration::from_micros(*micros * 10)),
        }
    }
    rig.run_until(rig.now() + ms(300));
    format!("{:?}\n{:?}", rig.take_changes(), heard.borrow())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn the_same_orders_give_the_same_bytes(acts in acts()) {
        prop_assert_eq!(session(&acts), session(&acts));
    }
}
