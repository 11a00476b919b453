//! JSON becomes a configuration; both spellings.

use std::collections::HashSet;
use std::hash::Hash;

use serde_json::Value;

use super::fields::{Fields, Report, shown};
use super::{
    AnalogChannel, Bias, BitMapping, DEFAULT_VIRTUAL_COUNT, DigitalPin, Direction, IoConfig, IoConfigError, IoProvider,
    ModbusClient, SafeState, WordMapping,
};
use crate::address::{INTEGER_WORDS, IO_WORDS, WORD_BITS};

/// The only version of the file form.
const VERSION: i64 = 1;
/// The device that is taken when none is named.
const DEFAULT_CHIP: &str = "/dev/gpiochip0";
/// The highest line of a chip; no known chip has more.
const MAX_LINE: i64 = 1023;
/// The highest channel of a converter.
const MAX_CHANNEL: i64 = 63;
/// The most words of a virtual provider.
const MAX_VIRTUAL_COUNT: i64 = 256;
/// What an analog channel has when nothing is said, as the original: 12 bits to hundredths of a percent.
const DEFAULT_RAW: (i64, i64) = (0, 4095);
const DEFAULT_SCALED: (i64, i64) = (0, 10_000);
const DEFAULT_MODBUS_PORT: i64 = 502;
const DEFAULT_UNIT: i64 = 1;
const DEFAULT_TIMEOUT_MS: i64 = 1000;
const DEFAULT_POLL_MS: i64 = 100;

impl IoConfig {
    /// Reads a configuration, in the spelling of files (`provider`) or that of the protocol (`providerType`).
    ///
    /// # Errors
    ///
    /// All that is wrong, each with its key.
    pub fn from_json(value: &Value) -> Result<IoConfig, Vec<IoConfigError>> {
        let mut report = Report::default();
        let config = Fields::of(value, String::new(), &mut report).map(|fields| config(fields, &mut report));
        match config {
            Some(config) if report.errors.is_empty() => Ok(IoConfig {
                ignored: report.ignored,
                ..config
            }),
            _ => Err(report.errors),
        }
    }
}

fn config(mut fields: Fields<'_>, report: &mut Report) -> IoConfig {
    fields.number_or("version", VERSION, VERSION, VERSION, report);
    let provider = provider(&mut fields, report);
    for name in ["boardFile", "board"] {
        if fields.get(name).is_some() {
            let text = "board files are not built in: list the pins as `digitalPins` and `analogChannels`";
            report.error(fields.key(name), text);
        }
    }
    let mut config = IoConfig {
        provider,
        ..IoConfig::default()
    };
    virtual_counts(&mut fields, &mut config, report);
    match fields.inner("gpio", report) {
        Some(mut gpio) => {
            pins_and_channels(&mut gpio, &mut config, report);
            gpio.end(report);
        }
        None => pins_and_channels(&mut fields, &mut config, report),
    }
    config.modbus_client = match fields.inner("modbusClient", report) {
        Some(mut client) => {
            let read = modbus_client(&mut client, report);
            client.end(report);
            Some(read)
        }
        None if provider == IoProvider::ModbusTcpClient => Some(modbus_client(&mut fields, report)),
        None => None,
    };
    fields.end(report);
    config
}

fn provider(fields: &mut Fields<'_>, report: &mut Report) -> IoProvider {
    let name = fields.spelled("provider", "providerType");
    let expected = "expected virtual, gpio or modbus_tcp_client";
    let Some(value) = fields.get(name) else {
        report.error(fields.key(name), expected);
        return IoProvider::Virtual;
    };
    let letters = value
        .as_str()
        .map(|text| text.to_ascii_lowercase().replace(['_', '-', ' '], ""));
    match letters.as_deref() {
        Some("virtual") => IoProvider::Virtual,
        Some("gpio") => IoProvider::Gpio,
        Some("modbustcpclient") => IoProvider::ModbusTcpClient,
        Some("explorerhatpro") => {
            report.error(
                fields.key(name),
                "explorer_hat_pro is not built in: use gpio with the lines of the board",
            );
            IoProvider::Virtual
        }
        _ => {
            report.error(fields.key(name), format!("{expected}, got {}", shown(value)));
            IoProvider::Virtual
        }
    }
}

fn virtual_counts(fields: &mut Fields<'_>, config: &mut IoConfig, report: &mut Report) {
    let default = i64::from(DEFAULT_VIRTUAL_COUNT);
    if let Some(mut counts) = fields.inner("virtualFallback", report) {
        config.virtual_inputs = counts.number_or("inputCount", default, 0, MAX_VIRTUAL_COUNT, report) as u32;
        config.virtual_outputs = counts.number_or("outputCount", default, 0, MAX_VIRTUAL_COUNT, report) as u32;
        counts.end(report);
        return;
    }
    config.virtual_inputs = fields.number_or("virtualInputCount", default, 0, MAX_VIRTUAL_COUNT, report) as u32;
    config.virtual_outputs = fields.number_or("virtualOutputCount", default, 0, MAX_VIRTUAL_COUNT, report) as u32;
}

fn pins_and_channels(fields: &mut Fields<'_>, config: &mut IoConfig, report: &mut Report) {
    config.board_name = fields.text("boardName", report);
    let chip = fields.spelled("gpioChip", "gpioChipPath");
    config.gpio_chip = fields.text(chip, report);
    if config.gpio_chip.is_empty() && config.provider == IoProvider::Gpio {
        config.gpio_chip = DEFAULT_CHIP.to_owned();
    }
    // A client may send a configuration: it must not make the hub open any other file.
    let is_device = config.gpio_chip.starts_with("/dev/") && !config.gpio_chip.contains("..");
    if !config.gpio_chip.is_empty() && !is_device {
        report.error(fields.key(chip), format!("expected a device such as {DEFAULT_CHIP}"));
    }
    let mut taken = (Taken::new(), Taken::new());
    for mut pin in fields.list("digitalPins", report) {
        let errors = report.errors.len();
        let read = digital_pin(&mut pin, report);
        if report.errors.len() == errors {
            taken.0.claim(read.gpio_line, &pin, "gpioLine", report);
            let address = (read.direction.as_str(), read.plc_word, read.plc_bit);
            taken.1.claim(address, &pin, "plcBit", report);
        }
        pin.end(report);
        config.digital_pins.push(read);
    }
    let mut taken = (Taken::new(), Taken::new());
    for mut channel in fields.list("analogChannels", report) {
        let errors = report.errors.len();
        let read = analog_channel(&mut channel, report);
        if report.errors.len() == errors {
            let direction = read.direction.as_str();
            taken.0.claim((direction, read.channel), &channel, "channel", report);
            taken
                .1
                .claim((direction, read.plc_n_word), &channel, "plcNWord", report);
        }
        channel.end(report);
        config.analog_channels.push(read);
    }
}

/// What earlier entries of a list have taken. Entries with errors take nothing: their numbers are not theirs.
struct Taken<T>(HashSet<T>);

impl<T: Hash + Eq> Taken<T> {
    fn new() -> Taken<T> {
        Taken(HashSet::new())
    }

    fn claim(&mut self, what: T, fields: &Fields<'_>, name: &str, report: &mut Report) {
        if !self.0.insert(what) {
            report.error(
                fields.key(name),
                "an earlier entry has taken it: every one may stand once",
            );
        }
    }
}

const DIRECTIONS: [(&str, Direction); 2] = [("input", Direction::Input), ("output", Direction::Output)];

fn plc_word(fields: &mut Fields<'_>, report: &mut Report) -> u8 {
    fields.needed("plcWord", 0, IO_WORDS as i64 - 1, report) as u8
}

fn plc_bit(fields: &mut Fields<'_>, report: &mut Report) -> u8 {
    fields.needed("plcBit", 0, WORD_BITS as i64 - 1, report) as u8
}

fn plc_n_word(fields: &mut Fields<'_>, report: &mut Report) -> u8 {
    fields.needed("plcNWord", 0, INTEGER_WORDS as i64 - 1, report) as u8
}

fn digital_pin(fields: &mut Fields<'_>, report: &mut Report) -> DigitalPin {
    let biases = [
        ("disabled", Bias::Disabled),
        ("pull_up", Bias::PullUp),
        ("pull_down", Bias::PullDown),
    ];
    DigitalPin {
        gpio_line: fields.needed("gpioLine", 0, MAX_LINE, report) as u32,
        direction: fields.choice("direction", &DIRECTIONS, report),
        plc_word: plc_word(fields, report),
        plc_bit: plc_bit(fields, report),
        active_low: fields.flag("activeLow", report),
        bias: fields.choice("bias", &biases, report),
        safe_state: fields.choice(
            "safeState",
            &[("off", SafeState::Off), ("hold", SafeState::Hold)],
            report,
        ),
        label: fields.text("label", report),
    }
}

fn analog_channel(fields: &mut Fields<'_>, report: &mut Report) -> AnalogChannel {
    let (min, max) = (i64::from(i32::MIN), i64::from(i32::MAX));
    let mut number = |name, default| fields.number_or(name, default, min, max, report) as i32;
    let (raw_min, raw_max) = (number("rawMin", DEFAULT_RAW.0), number("rawMax", DEFAULT_RAW.1));
    let (scaled_min, scaled_max) = (
        number("scaledMin", DEFAULT_SCALED.0),
        number("scaledMax", DEFAULT_SCALED.1),
    );
    if raw_min >= raw_max {
        report.error(
            fields.key("rawMax"),
            format!("expected more than `rawMin`, which is {raw_min}, got {raw_max}"),
        );
    }
    if scaled_min == scaled_max {
        let text = format!("expected another number than `scaledMin`, which is {scaled_min} too");
        report.error(fields.key("scaledMax"), text);
    }
    AnalogChannel {
        channel: fields.needed("channel", 0, MAX_CHANNEL, report) as u32,
        direction: fields.choice("direction", &DIRECTIONS, report),
        plc_n_word: plc_n_word(fields, report),
        raw_min,
        raw_max,
        scaled_min,
        scaled_max,
        label: fields.text("label", report),
    }
}

fn modbus_client(fields: &mut Fields<'_>, report: &mut Report) -> ModbusClient {
    let host = fields.text("host", report);
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']' | '%');
    if host.is_empty() || !host.chars().all(is_host) {
        report.error(fields.key("host"), "expected a name or an address such as 192.168.0.10");
    }
    ModbusClient {
        host,
        port: fields.number_or("port", DEFAULT_MODBUS_PORT, 1, i64::from(u16::MAX), report) as u16,
        unit_id: fields.number_or("unitId", DEFAULT_UNIT, 0, i64::from(u8::MAX), report) as u8,
        timeout_ms: fields.number_or("timeoutMs", DEFAULT_TIMEOUT_MS, 1, 60_000, report) as u32,
        poll_interval_ms: fields.number_or("pollIntervalMs", DEFAULT_POLL_MS, 10, 3_600_000, report) as u32,
        discrete_inputs: bit_mappings(fields, "discreteInputMappings", Direction::Input, report),
        coils: bit_mappings(fields, "coilMappings", Direction::Output, report),
        input_registers: word_mappings(fields, "inputRegisterMappings", Direction::Input, report),
        holding_registers: word_mappings(fields, "holdingRegisterMappings", Direction::Output, report),
    }
}

fn modbus_addr(fields: &mut Fields<'_>, report: &mut Report) -> u16 {
    fields.needed("modbusAddr", 0, i64::from(u16::MAX), report) as u16
}

/// Coils go off and registers hold when nothing is said: a coil is a valve, a register often a setpoint.
const COIL_SAFE_STATES: [(&str, SafeState); 2] = [("off", SafeState::Off), ("hold", SafeState::Hold)];
const REGISTER_SAFE_STATES: [(&str, SafeState); 2] = [("hold", SafeState::Hold), ("off", SafeState::Off)];

/// What a mapping does when the PLC is stopped; an input has nothing to do then, and the key means nothing there.
fn safe_state(
    entry: &mut Fields<'_>,
    direction: Direction,
    choices: &[(&str, SafeState)],
    report: &mut Report,
) -> SafeState {
    match direction {
        Direction::Input => choices[0].1,
        Direction::Output => entry.choice("safeState", choices, report),
    }
}

fn bit_mappings(
    fields: &mut Fields<'_>,
    name: &'static str,
    direction: Direction,
    report: &mut Report,
) -> Vec<BitMapping> {
    let (mut servers, mut plcs) = (Taken::new(), Taken::new());
    let mut mappings = Vec::new();
    for mut entry in fields.list(name, report) {
        let errors = report.errors.len();
        let mapping = BitMapping {
            modbus_addr: modbus_addr(&mut entry, report),
            plc_word: plc_word(&mut entry, report),
            plc_bit: plc_bit(&mut entry, report),
            safe_state: safe_state(&mut entry, direction, &COIL_SAFE_STATES, report),
        };
        if report.errors.len() == errors {
            servers.claim(mapping.modbus_addr, &entry, "modbusAddr", report);
            plcs.claim((mapping.plc_word, mapping.plc_bit), &entry, "plcBit", report);
        }
        entry.end(report);
        mappings.push(mapping);
    }
    mappings
}

fn word_mappings(
    fields: &mut Fields<'_>,
    name: &'static str,
    direction: Direction,
    report: &mut Report,
) -> Vec<WordMapping> {
    let (mut servers, mut plcs) = (Taken::new(), Taken::new());
    let mut mappings = Vec::new();
    for mut entry in fields.list(name, report) {
        let errors = report.errors.len();
        let mapping = WordMapping {
            modbus_addr: modbus_addr(&mut entry, report),
            plc_n_word: plc_n_word(&mut entry, report),
            safe_state: safe_state(&mut entry, direction, &REGISTER_SAFE_STATES, report),
        };
        if report.errors.len() == errors {
            servers.claim(mapping.modbus_addr, &entry, "modbusAddr", report);
            plcs.claim(mapping.plc_n_word, &entry, "plcNWord", report);
        }
        entry.end(report);
        mappings.push(mapping);
    }
    mappings
}
