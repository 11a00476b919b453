//! What inputs and outputs are wired to, in both spellings (PL-72).

use crosstie_ladder::project::{Bias, Direction, IoConfig, IoConfigError, IoProvider, SafeState};
use serde_json::{Value, json};

fn read(config: Value) -> IoConfig {
    IoConfig::from_json(&config).unwrap_or_else(|errors| panic!("{config}\n{errors:?}"))
}

fn refused(config: Value, expected: &[&str]) {
    let errors = IoConfig::from_json(&config).expect_err(&config.to_string());
    let texts: Vec<_> = errors.iter().map(IoConfigError::to_string).collect();
    assert_eq!(texts, expected, "{config}");
}

/// What the published engine shows for the first of the pins and channels below.
const WIRE: &str = r#"{"analogChannels":[{"channel":0,"direction":"input","label":"","plcNWord":3,"rawMax":4095,"rawMin":0,"scaledMax":10000,"scaledMin":0}],"boardName":"X","digitalPins":[{"activeLow":true,"bias":"pull-up","direction":"input","gpioLine":17,"label":"l","plcBit":0,"plcWord":0,"safeState":"off"}],"gpioChipPath":"/dev/gpiochip0","providerType":"GPIO","virtualInputCount":8,"virtualOutputCount":8}"#;

#[test]
fn pl72_the_wire_form_is_that_of_the_original_to_the_letter() {
    let config = read(json!({
        "providerType": "GPIO", "gpioChipPath": "/dev/gpiochip0", "boardName": "X",
        "digitalPins": [{"gpioLine": 17, "direction": "input", "plcWord": 0, "plcBit": 0, "activeLow": true,
            "bias": "pull-up", "safeState": "off", "label": "l"}],
        "analogChannels": [{"channel": 0, "plcNWord": 3}],
    }));
    assert_eq!(config.to_wire().to_string(), WIRE);
    assert_eq!(config.provider_name(), "GPIO (/dev/gpiochip0)");
    assert_eq!(
        IoConfig::default().to_wire().to_string(),
        r#"{"boardName":"","digitalPins":[],"gpioChipPath":"","providerType":"Virtual","virtualInputCount":8,"virtualOutputCount":8}"#
    );
    assert_eq!(IoConfig::default().provider_name(), "Virtual I/O");
    assert_eq!(read(IoConfig::default().to_wire()), IoConfig::default());
    let virtual_io = read(json!({"providerType": "Virtual", "virtualInputCount": 16, "virtualOutputCount": 4}));
    assert_eq!((virtual_io.virtual_inputs, virtual_io.virtual_outputs), (16, 4));
}

#[test]
fn pl72_both_spellings_mean_the_same() {
    let pin = |bias: &str| json!([{"gpioLine": 4, "direction": "Output", "plcWord": 7, "plcBit": 31.0, "bias": bias, "safeState": "hold"}]);
    let flat = read(json!({
        "version": 1, "provider": "gpio", "boardName": "b", "gpioChip": "/dev/gpiochip4", "digitalPins": pin("pull_down"),
        "virtualFallback": {"inputCount": 2, "outputCount": 3},
    }));
    let nested = read(json!({
        "version": 1, "provider": "GPIO", "virtualFallback": {"inputCount": 2, "outputCount": 3},
        "gpio": {"boardName": "b", "gpioChip": "/dev/gpiochip4", "digitalPins": pin("PULL_DOWN")},
    }));
    let wire = read(json!({
        "providerType": "GPIO", "boardName": "b", "gpioChipPath": "/dev/gpiochip4", "digitalPins": pin("pull-down"),
        "virtualInputCount": 2, "virtualOutputCount": 3,
    }));
    assert_eq!(flat, wire);
    assert_eq!(nested, wire);
    let pin = &wire.digital_pins[0];
    assert_eq!(
        (pin.gpio_line, pin.direction, pin.plc_word, pin.plc_bit),
        (4, Direction::Output, 7, 31)
    );
    assert_eq!(
        (pin.active_low, pin.bias, pin.safe_state),
        (false, Bias::PullDown, SafeState::Hold)
    );
    assert_eq!(wire.ignored, [""; 0]);
    assert_eq!(read(json!({"provider": "gpio"})).gpio_chip, "/dev/gpiochip0");
}

#[test]
fn pl72_a_modbus_client_with_its_defaults_and_mappings() {
    let least = read(json!({"provider": "modbus_tcp_client", "modbusClient": {"host": "10.0.0.7"}}));
    assert_eq!(least.provider, IoProvider::ModbusTcpClient);
    assert_eq!(least.provider_name(), "Modbus TCP (10.0.0.7:502)");
    let client = least.modbus_client.unwrap();
    assert_eq!(
        (client.port, client.unit_id, client.timeout_ms, client.poll_interval_ms),
        (502, 1, 1000, 100)
    );
    let full = json!({
        "providerType": "ModbusTcpClient", "host": "plc.local", "port": 1502, "unitId": 9, "timeoutMs": 200, "pollIntervalMs": 20,
        "discreteInputMappings": [{"modbusAddr": 0, "plcWord": 0, "plcBit": 0}, {"modbusAddr": 65535, "plcWord": 7, "plcBit": 31}],
        "coilMappings": [{"modbusAddr": 5, "plcWord": 1, "plcBit": 2}],
        "inputRegisterMappings": [{"modbusAddr": 1, "plcNWord": 255}],
        "holdingRegisterMappings": [{"modbusAddr": 2, "plcNWord": 10}],
    });
    let config = read(full);
    assert_eq!(config.ignored, [""; 0]);
    let client = config.modbus_client.as_ref().unwrap();
    assert_eq!((client.discrete_inputs.len(), client.coils.len()), (2, 1));
    assert_eq!(client.input_registers[0].plc_n_word, 255);
    assert_eq!(client.holding_registers[0].modbus_addr, 2);
    assert_eq!(read(config.to_wire()), config);
}

#[test]
fn pl72_every_pin_is_checked_and_each_error_names_its_key() {
    refused(
        json!({"provider": "gpio", "gpioChip": "/etc/shadow", "virtualInputCount": 257, "digitalPins": [
            {"gpioLine": 4, "direction": "input", "plcWord": 0, "plcBit": 0},
            {"gpioLine": 4, "direction": "input", "plcWord": 0, "plcBit": 1},
            {"gpioLine": 5, "direction": "input", "plcWord": 0, "plcBit": 0},
            {"gpioLine": 6, "direction": "output", "plcWord": 0, "plcBit": 0},
            {"gpioLine": 7, "direction": "sideways", "plcWord": 8, "plcBit": 32},
            {"gpioLine": -1, "plcWord": "1", "bias": "up", "safeState": 1, "activeLow": "yes", "label": [], "plcBit": 0.5},
            3,
        ]}),
        &[
            "virtualInputCount: expected a number from 0 to 256, got 257",
            "gpioChip: expected a device such as /dev/gpiochip0",
            "digitalPins[6]: expected an object",
            "digitalPins[1].gpioLine: an earlier entry has taken it: every one may stand once",
            "digitalPins[2].plcBit: an earlier entry has taken it: every one may stand once",
            "digitalPins[4].direction: expected input or output, got \"sideways\"",
            "digitalPins[4].plcWord: expected a number from 0 to 7, got 8",
            "digitalPins[4].plcBit: expected a number from 0 to 31, got 32",
            "digitalPins[5].gpioLine: expected a number from 0 to 1023, got -1",
            "digitalPins[5].plcWord: expected a number from 0 to 7, got \"1\"",
            "digitalPins[5].plcBit: expected a number from 0 to 31, got 0.5",
            "digitalPins[5].activeLow: expected true or false, got \"yes\"",
            "digitalPins[5].bias: expected disabled or pull_up or pull_down, got \"up\"",
            "digitalPins[5].safeState: expected off or hold, got 1",
            "digitalPins[5].label: expected a text of at most 256 bytes, got a list",
        ],
    );
    refused(
        json!({"provider": "virtual", "analogChannels": [
            {"channel": 64, "plcNWord": 256, "rawMin": 5, "rawMax": 5, "scaledMin": 7, "scaledMax": 7},
            {"channel": 1, "plcNWord": 1}, {"channel": 1, "plcNWord": 1}, {"channel": 1, "direction": "output", "plcNWord": 1},
            {},
        ]}),
        &[
            "analogChannels[0].rawMax: expected more than `rawMin`, which is 5, got 5",
            "analogChannels[0].scaledMax: expected another number than `scaledMin`, which is 7 too",
            "analogChannels[0].channel: expected a number from 0 to 63, got 64",
            "analogChannels[0].plcNWord: expected a number from 0 to 255, got 256",
            "analogChannels[2].channel: an earlier entry has taken it: every one may stand once",
            "analogChannels[2].plcNWord: an earlier entry has taken it: every one may stand once",
            "analogChannels[4].channel: expected a number from 0 to 63",
            "analogChannels[4].plcNWord: expected a number from 0 to 255",
        ],
    );
    refused(
        json!({"provider": "modbus_tcp_client", "modbusClient": {"host": "a b", "port": 0, "unitId": 256, "coilMappings": [
            {"modbusAddr": 65536, "plcWord": 0, "plcBit": 0}, {"modbusAddr": 3, "plcWord": 0, "plcBit": 0},
            {"modbusAddr": 4, "plcWord": 0, "plcBit": 0}],
            "inputRegisterMappings": {}}}),
        &[
            "modbusClient.host: expected a name or an address such as 192.168.0.10",
            "modbusClient.port: expected a number from 1 to 65535, got 0",
            "modbusClient.unitId: expected a number from 0 to 255, got 256",
            "modbusClient.coilMappings[0].modbusAddr: expected a number from 0 to 65535, got 65536",
            "modbusClient.coilMappings[2].plcBit: an earlier entry has taken it: every one may stand once",
            "modbusClient.inputRegisterMappings: expected a list of at most 2048 objects",
        ],
    );
}

#[test]
fn pl72_what_is_not_built_in_is_refused_by_name_and_the_rest_by_key() {
    let expected = "expected virtual, gpio or modbus_tcp_client";
    refused(json!([]), &[": expected an object"]);
    refused(json!({}), &[&format!("provider: {expected}")]);
    refused(
        json!({"providerType": "Nope"}),
        &[&format!("providerType: {expected}, got \"Nope\"")],
    );
    refused(
        json!({"provider": "explorer_hat_pro", "version": 2}),
        &[
            "version: expected a number from 1 to 1, got 2",
            "provider: explorer_hat_pro is not built in: use gpio with the lines of the board",
        ],
    );
    refused(
        json!({"provider": "gpio", "boardFile": "hat.json"}),
        &["boardFile: board files are not built in: list the pins as `digitalPins` and `analogChannels`"],
    );
    refused(
        json!({"provider": "gpio", "gpio": 3, "gpioChip": "/dev/../etc/x"}),
        &[
            "gpio: expected an object",
            "gpioChip: expected a device such as /dev/gpiochip0",
        ],
    );
    let config = read(json!({"provider": "virtual", "colour": 1, "digitalPins":
        [{"gpioLine": 1, "plcWord": 0, "plcBit": 0, "activLow": true}]}));
    assert_eq!(config.ignored, ["digitalPins[0].activLow", "colour"]);
}
