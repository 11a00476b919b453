//! Devices of PLC contexts (PL-18, PL-30, PL-35, PL-72): starts wait for them, what they read is stale without them, nobody
//! writes beside them, and a configuration that cannot be opened changes nothing.

use crate::house::House;
use crate::piplc::{client, done, exchange, reply};
use crate::plc_requests::{LINE, after, ask, audited, command, house_of, ms, program, refusal, row, write};
use crosstie_hub::Input;
use crosstie_hub::api::plc::PlcReply;
use crosstie_hub::api::{Problem, Reply, Request};
use crosstie_hub::plc::{DeviceReport, DeviceState, IoTold, PlcId};
use crosstie_hub::settings::{OnStale, PlcSettings, RouteSetting, Settings};
use crosstie_hub::signal::{Quality, Value};
use crosstie_ladder::controller::{Command, ControllerState};
use crosstie_ladder::project::IoConfig;
use serde_json::{Value as Json, json};

const PLC: PlcId = PlcId(0);

/// I:0/0 and N:7 come from a coupler, O:0/0 goes there.
fn coupler() -> Json {
    json!({"version": 1, "provider": "modbus_tcp_client", "modbusClient": {
        "host": "192.0.2.7",
        "discreteInputMappings": [{"modbusAddr": 0, "plcWord": 0, "plcBit": 0}],
        "coilMappings": [{"modbusAddr": 0, "plcWord": 0, "plcBit": 0}],
        "inputRegisterMappings": [{"modbusAddr": 0, "plcNWord": 7}],
    }})
}

const NAME: &str = "Modbus TCP (192.0.2.7:502)";

fn config(json: &Json) -> IoConfig {
    IoConfig::from_json(json).expect("the test's configuration is good")
}

fn context() -> PlcSettings {
    PlcSettings {
        program: Some(program(LINE)),
        io: vec![config(&coupler())],
        ..PlcSettings::named("line")
    }
}

fn report(house: &mut House, state: DeviceState, reason: Option<&str>) {
    let number = house.setups.last().map_or(0, |setup| setup.number);
    let report = DeviceReport {
        state,
        reason: reason.map(str::to_owned),
        errors: 1,
    };
    let told = IoTold::Devices(vec![report]);
    house.give(Input::PlcIo { plc: PLC, number, told });
    house.run_for(ms(25));
}

fn problem(house: &mut House, id: &str) -> Option<Problem> {
    match house.ask(Request::Health) {
        Reply::Health(health) => health.problems.into_iter().find(|problem| problem.id == id),
        other => panic!("{other:?}"),
    }
}

/// A running house whose coupler answers.
fn running(settings: PlcSettings) -> House {
    let mut house = house_of(vec![settings]);
    report(&mut house, DeviceState::Up, None);
    let row = after(&mut house, command(Command::Start));
    assert_eq!(row.state, ControllerState::Running);
    house.run_for(ms(25));
    house
}

fn quality(house: &mut House, name: &str) -> Quality {
    house.row(name).quality
}

#[test]
fn pl30_a_start_is_refused_until_all_devices_answer_and_says_which_does_not() {
    let mut house = house_of(vec![context()]);
    let setup = house.setups.first().expect("the driver is asked for the devices");
    assert!(setup.retries && !setup.zero_lost && setup.configs == [config(&coupler())]);
    for order in [Command::Start, Command::StepScan, Command::StepRung] {
        let refused = refusal(&mut house, command(order)).to_string();
        assert!(refused.contains(&format!("{NAME} has not answered yet")), "{refused}");
    }
    report(&mut house, DeviceState::Waiting, Some("connection refused"));
    let refused = refusal(&mut house, command(Command::Start)).to_string();
    assert!(refused.contains("connection refused"), "{refused}");
    let io = row(&mut house).io;
    assert_eq!((io.provider.as_str(), io.state), (NAME, "waiting"));
    assert_eq!(io.drives, ["I:0/0", "N:7"]);
    assert_eq!(io.devices[0].errors, 1);
    report(&mut house, DeviceState::Up, None);
    assert_eq!(row(&mut house).io.state, "up");
    assert_eq!(
        after(&mut house, command(Command::Start)).state,
        ControllerState::Running
    );
}

#[test]
fn an_autostart_waits_for_the_devices_and_says_so() {
    let waiting = || {
        house_of(vec![PlcSettings {
            autostart: true,
            ..context()
        }])
    };
    let mut house = waiting();
    house.run_for(ms(100));
    assert_eq!(row(&mut house).state, ControllerState::Stopped);
    assert_eq!(
        problem(&mut house, "plc:line:io").map(|problem| problem.text),
        None,
        "not yet"
    );
    report(&mut house, DeviceState::Waiting, Some("connection refused"));
    let text = problem(&mut house, "plc:line:io")
        .map(|problem| problem.text)
        .unwrap_or_default();
    assert!(
        text.contains("connection refused") && text.contains("starts as soon as it answers"),
        "{text}"
    );
    report(&mut house, DeviceState::Up, None);
    assert_eq!(row(&mut house).state, ControllerState::Running);
    assert!(problem(&mut house, "plc:line:io").is_none());
    // Whoever stops it meanwhile means it.
    let mut house = waiting();
    after(&mut house, command(Command::Stop));
    report(&mut house, DeviceState::Up, None);
    assert_eq!(row(&mut house).state, ControllerState::Stopped);
}

#[test]
fn what_a_lost_device_has_read_is_stale_until_it_is_back() {
    let mut house = running(context());
    let read = |house: &mut House| ["plc/line/I:0/0", "plc/line/N:7"].map(|name| quality(house, name));
    assert_eq!(read(&mut house), [Quality::Good; 2]);
    report(&mut house, DeviceState::Down, Some("no answer within 1000 ms"));
    assert_eq!(read(&mut house), [Quality::DeviceLost; 2]);
    assert_eq!(quality(&mut house, "plc/line/O:0/0"), Quality::Good);
    assert_eq!(
        quality(&mut house, "plc/line/I:0/1"),
        Quality::Good,
        "clients write that one"
    );
    assert_eq!(row(&mut house).state, ControllerState::Running, "hold");
    let text = problem(&mut house, "plc:line:io")
        .map(|problem| problem.text)
        .unwrap_or_default();
    assert!(
        text.contains("no answer within 1000 ms") && text.contains("what it read last"),
        "{text}"
    );
    report(&mut house, DeviceState::Up, None);
    assert_eq!(read(&mut house), [Quality::Good; 2]);
    assert!(problem(&mut house, "plc:line:io").is_none());
}

#[test]
fn pl35_a_lost_device_is_a_fault_where_the_project_says_so() {
    let mut house = running(PlcSettings {
        on_io_failure: OnStale::Fault,
        ..context()
    });
    report(&mut house, DeviceState::Down, Some("no answer within 1000 ms"));
    let row = row(&mut house);
    assert_eq!(row.state, ControllerState::Fault);
    let fault = row.fault.unwrap_or_default();
    assert!(fault.contains("I/O device 1 does not answer"), "{fault}");
    after(&mut house, command(Command::Stop));
    let refused = refusal(&mut house, command(Command::Start)).to_string();
    assert!(refused.contains(NAME), "{refused}");
    report(&mut house, DeviceState::Up, None);
    assert_eq!(
        after(&mut house, command(Command::Start)).state,
        ControllerState::Running
    );
}

#[test]
fn zero_is_what_the_driver_makes_of_it() {
    let house = house_of(vec![PlcSettings {
        on_io_failure: OnStale::Zero,
        hold_outputs: true,
        ..context()
    }]);
    let setup = house.setups.first().expect("the driver is asked for the devices");
    assert!(setup.zero_lost && setup.hold_outputs);
}

#[test]
fn steps_and_scans_see_devices_and_nobody_writes_beside_them() {
    let mut house = running(context());
    house.driven(PLC).inputs.bits.words[0] = 1;
    house.driven(PLC).inputs.bits.driven[0] = 1;
    house.driven(PLC).inputs.numbers = vec![(7, -40)];
    house.run_for(ms(25));
    let value = |house: &mut House, name: &str| house.row(name).value;
    assert_eq!(value(&mut house, "plc/line/O:0/0"), Value::Bool(true));
    assert_eq!(value(&mut house, "plc/line/N:7"), Value::Int(-40));
    match ask(&mut house, write("I:0/0", Value::Bool(false))) {
        Reply::Plc(PlcReply::Written(written)) => assert_eq!(written.driven_by.as_deref(), Some(NAME)),
        other => panic!("{other:?}"),
    }
    match ask(&mut house, write("I:0/1", Value::Bool(false))) {
        Reply::Plc(PlcReply::Written(written)) => assert_eq!(written.driven_by, None),
        other => panic!("{other:?}"),
    }
    house.run_for(ms(25));
    assert_eq!(
        value(&mut house, "plc/line/I:0/0"),
        Value::Bool(true),
        "the device decides"
    );
    after(&mut house, command(Command::Stop));
    house.driven(PLC).inputs.bits.words[0] = 0;
    house.driven(PLC).inputs.numbers = vec![(7, 41)];
    after(&mut house, command(Command::StepScan));
    assert_eq!(value(&mut house, "plc/line/O:0/0"), Value::Bool(false));
    assert_eq!(value(&mut house, "plc/line/N:7"), Value::Int(41));
    // A scan that was begun keeps what it began with.
    after(&mut house, command(Command::StepRung));
    house.driven(PLC).inputs.numbers = vec![(7, 42)];
    after(&mut house, command(Command::StepRung));
    assert_eq!(value(&mut house, "plc/line/N:7"), Value::Int(41));
}

#[test]
fn a_route_into_an_input_that_a_device_drives_is_a_problem() {
    let mut house = House::with(Settings {
        plcs: vec![
            context(),
            PlcSettings {
                program: Some(program(LINE)),
                autostart: true,
                ..PlcSettings::named("other")
            },
        ],
        routes: vec![RouteSetting::plain("plc/other/O:0/0", "plc/line/I:0/0")],
        ..Settings::default()
    });
    house.run_for(ms(50));
    let problem = problem(&mut house, "driven:plc/line/I:0/0").expect("a person should know");
    assert!(
        problem.text.contains(NAME) && problem.text.contains("the device decides"),
        "{}",
        problem.text
    );
}

#[test]
fn pl18_devices_that_cannot_be_opened_change_nothing() {
    let mut house = house_of(vec![PlcSettings {
        program: Some(program(LINE)),
        ..PlcSettings::named("line")
    }]);
    let conn = client(&mut house, "0.2.0");
    house.io_result = Err(String::from("/dev/gpiochip9: no such file"));
    let gpio = json!({"providerType": "GPIO", "gpioChipPath": "/dev/gpiochip9",
        "digitalPins": [{"gpioLine": 1, "direction": "input", "plcWord": 0, "plcBit": 0}]});
    let load = |seq: i32, config: &Json| json!({"type": "ioconfig.load", "seq": seq, "config": config});
    let answer = reply(&mut house, conn, load(1, &gpio));
    assert_eq!(
        (&answer["success"], &answer["error"]),
        (&json!(false), &json!("/dev/gpiochip9: no such file"))
    );
    assert_eq!(row(&mut house).io_provider, "Virtual I/O");
    done(&mut house, conn, json!({"type": "engine.start", "seq": 2}));
    audited(&mut house);
    // A server that does not answer yet is taken: it may boot slower than the hub.
    house.io_result = Ok(());
    let wire = json!({"providerType": "ModbusTcpClient", "modbusClient": coupler()["modbusClient"]});
    let got = exchange(&mut house, conn, load(3, &wire));
    let answer = got.iter().find(|message| message["seq"] == 3).expect("a reply");
    assert_eq!(answer["success"], true, "{answer}");
    let row = row(&mut house);
    assert_eq!((row.state, row.io.state), (ControllerState::Stopped, "waiting"));
    let written = audited(&mut house);
    let io = written
        .iter()
        .find(|entry| entry.0 == "plc.io_config")
        .expect("it is written down");
    assert_eq!((&io.2, &io.3), (&json!("Virtual I/O"), &json!(NAME)));
    report(&mut house, DeviceState::Up, None);
    done(&mut house, conn, json!({"type": "engine.start", "seq": 4}));
}

#[test]
fn pl72_one_word_that_is_read_and_carried_is_refused_with_its_name() {
    let mut house = house_of(vec![PlcSettings::named("line")]);
    let conn = client(&mut house, "0.2.0");
    let wire = json!({"providerType": "ModbusTcpClient", "modbusClient": {"host": "a",
        "inputRegisterMappings": [{"modbusAddr": 0, "plcNWord": 3}],
        "holdingRegisterMappings": [{"modbusAddr": 0, "plcNWord": 3}]}});
    let answer = reply(
        &mut house,
        conn,
        json!({"type": "ioconfig.load", "seq": 1, "config": wire}),
    );
    let error = answer["error"].as_str().unwrap_or_default();
    assert!(error.contains("N:3") && error.contains("Modbus TCP (a:502)"), "{error}");
    assert!(house.setups.is_empty());
}

#[test]
fn pl3_capabilities_follow_the_devices() {
    let capabilities = |io: Vec<Json>| {
        let mut house = house_of(vec![PlcSettings {
            io: io.iter().map(config).collect(),
            ..PlcSettings::named("line")
        }]);
        let conn = client(&mut house, "0.2.0");
        let hello = json!({"type": "hello", "seq": 2, "protocolVersion": 1, "clientVersion": "0.2.0"});
        reply(&mut house, conn, hello)["capabilities"].clone()
    };
    let pin =
        json!({"provider": "gpio", "digitalPins": [{"gpioLine": 1, "direction": "input", "plcWord": 1, "plcBit": 0}]});
    let bits = json!({"provider": "modbus_tcp_client", "modbusClient": {"host": "a"}});
    assert_eq!(capabilities(vec![]), json!([]));
    assert_eq!(capabilities(vec![pin.clone()]), json!(["gpio"]));
    assert_eq!(capabilities(vec![bits]), json!([]));
    assert_eq!(capabilities(vec![coupler()]), json!(["analog"]));
    assert_eq!(capabilities(vec![pin, coupler()]), json!(["gpio", "analog"]));
}
