//! `.ioconfig`: what the inputs and outputs of a PLC are wired to (PL-72).
//!
//! There are two spellings, that of files and that of the protocol; one reader takes both. Every number is checked: what is read
//! can be opened as far as numbers can say.

mod claims;
mod fields;
mod read;
mod wire;

use std::fmt;

pub use claims::{IoClaims, IoConflict, NumberSet, io_conflict};

/// What the inputs and outputs of a PLC are wired to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IoConfig {
    /// Who moves the values.
    pub provider: IoProvider,
    /// The name of the board, for people.
    pub board_name: String,
    /// Words of inputs of the virtual provider, which also stands in where a device is missing: 0 to 256.
    pub virtual_inputs: u32,
    /// Words of outputs of the virtual provider: 0 to 256.
    pub virtual_outputs: u32,
    /// The device of the GPIO lines, such as `/dev/gpiochip0`; empty with another provider that names none.
    pub gpio_chip: String,
    /// GPIO lines. No line and no address stands twice.
    pub digital_pins: Vec<DigitalPin>,
    /// Channels of converters. No channel and no word stands twice in one direction.
    pub analog_channels: Vec<AnalogChannel>,
    /// The Modbus server that is polled; there with that provider, and where it is configured though another one is used.
    pub modbus_client: Option<ModbusClient>,
    /// The keys that mean nothing here, such as `digitalPins[0].colour`, at most 100. They are not kept.
    pub ignored: Vec<String>,
}

impl Default for IoConfig {
    /// The virtual provider, as an engine has it that was told nothing.
    fn default() -> IoConfig {
        IoConfig {
            provider: IoProvider::Virtual,
            board_name: String::new(),
            virtual_inputs: DEFAULT_VIRTUAL_COUNT,
            virtual_outputs: DEFAULT_VIRTUAL_COUNT,
            gpio_chip: String::new(),
            digital_pins: Vec::new(),
            analog_channels: Vec::new(),
            modbus_client: None,
            ignored: Vec::new(),
        }
    }
}

/// Who moves values between a PLC and the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoProvider {
    /// Memory: clients and routes write the inputs.
    Virtual,
    /// GPIO lines of the machine.
    Gpio,
    /// A Modbus server that is polled over TCP.
    ModbusTcpClient,
}

impl IoProvider {
    /// The name in the protocol.
    pub const fn wire_name(self) -> &'static str {
        match self {
            IoProvider::Virtual => "Virtual",
            IoProvider::Gpio => "GPIO",
            IoProvider::ModbusTcpClient => "ModbusTcpClient",
        }
    }
}

/// Whether a pin or channel is read or driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It is read.
    Input,
    /// It is driven.
    Output,
}

impl Direction {
    const fn as_str(self) -> &'static str {
        match self {
            Direction::Input => "input",
            Direction::Output => "output",
        }
    }
}

/// The resistor at an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    /// To the supply.
    PullUp,
    /// To ground.
    PullDown,
    /// None.
    Disabled,
}

impl Bias {
    /// The name in the protocol; files have `_` for `-`.
    const fn wire_name(self) -> &'static str {
        match self {
            Bias::PullUp => "pull-up",
            Bias::PullDown => "pull-down",
            Bias::Disabled => "disabled",
        }
    }
}

/// What an output does when the PLC is stopped or in a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SafeState {
    /// It keeps its last value.
    Hold,
    /// It goes off.
    Off,
}

impl SafeState {
    const fn as_str(self) -> &'static str {
        match self {
            SafeState::Hold => "hold",
            SafeState::Off => "off",
        }
    }
}

/// A GPIO line and the bit that it moves: of I for an input, of O for an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigitalPin {
    /// The line on the chip, 0 to 1023.
    pub gpio_line: u32,
    /// Whether it is read or driven.
    pub direction: Direction,
    /// The word, 0 to 7.
    pub plc_word: u8,
    /// The bit, 0 to 31.
    pub plc_bit: u8,
    /// Whether a low level means on.
    pub active_low: bool,
    /// The resistor.
    pub bias: Bias,
    /// What an output does when the PLC is stopped.
    pub safe_state: SafeState,
    /// What it is, for people.
    pub label: String,
}

/// A channel of a converter and the integer that it moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalogChannel {
    /// The channel, 0 to 63.
    pub channel: u32,
    /// Whether it is read or driven.
    pub direction: Direction,
    /// The word of N, 0 to 255.
    pub plc_n_word: u8,
    /// The lowest number of the converter, below `raw_max`.
    pub raw_min: i32,
    /// The highest number of the converter.
    pub raw_max: i32,
    /// What the PLC sees at `raw_min`; not equal to `scaled_max`.
    pub scaled_min: i32,
    /// What the PLC sees at `raw_max`.
    pub scaled_max: i32,
    /// What it is, for people.
    pub label: String,
}

/// A Modbus server that is polled. What is mapped moves: discrete inputs to I, coils from O, input registers to N, holding
/// registers from N. Addresses of Modbus count from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModbusClient {
    /// Name or address of the machine.
    pub host: String,
    /// The TCP port, 1 to 65535.
    pub port: u16,
    /// The unit, 0 to 255.
    pub unit_id: u8,
    /// How long an answer may take, in milliseconds, 1 to 60,000.
    pub timeout_ms: u32,
    /// The pause between polls, in milliseconds, 10 to 3,600,000.
    pub poll_interval_ms: u32,
    /// Bits that are read.
    pub discrete_inputs: Vec<BitMapping>,
    /// Bits that are written.
    pub coils: Vec<BitMapping>,
    /// Words that are read.
    pub input_registers: Vec<WordMapping>,
    /// Words that are written.
    pub holding_registers: Vec<WordMapping>,
}

/// A bit of a Modbus server and one of the PLC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BitMapping {
    /// The address on the server, from 0.
    pub modbus_addr: u16,
    /// The word of I or O, 0 to 7.
    pub plc_word: u8,
    /// The bit, 0 to 31.
    pub plc_bit: u8,
    /// What a coil does when the PLC is stopped: off where nothing is said. An extension of ours; inputs have none.
    pub safe_state: SafeState,
}

/// A register of a Modbus server and an integer of the PLC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordMapping {
    /// The address on the server, from 0.
    pub modbus_addr: u16,
    /// The word of N, 0 to 255.
    pub plc_n_word: u8,
    /// What a holding register does when the PLC is stopped: hold where nothing is said. An extension of ours; inputs have none.
    pub safe_state: SafeState,
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {text}")]
pub struct IoConfigError {
    /// The key, such as `digitalPins[3].plcBit`.
    pub key: String,
    /// What was expected and what to do.
    pub text: String,
}

impl IoConfig {
    /// The name of the provider as people and the protocol see it, such as `GPIO (/dev/gpiochip0)`.
    pub fn provider_name(&self) -> String {
        match (self.provider, &self.modbus_client) {
            (IoProvider::Gpio, _) => format!("GPIO ({})", self.gpio_chip),
            (IoProvider::ModbusTcpClient, Some(client)) => format!("Modbus TCP ({}:{})", client.host, client.port),
            (IoProvider::Virtual | IoProvider::ModbusTcpClient, _) => "Virtual I/O".to_owned(),
        }
    }
}

impl fmt::Display for IoConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.provider_name())
    }
}

/// What the original has when nothing is said.
const DEFAULT_VIRTUAL_COUNT: u32 = 8;
