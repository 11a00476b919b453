//! A configuration becomes JSON, in the spelling of the protocol.

use serde_json::{Map, Value, json};

use super::{AnalogChannel, BitMapping, DigitalPin, IoConfig, ModbusClient, SafeState, WordMapping};

impl IoConfig {
    /// What `hello.reply` shows as `ioConfig`, keys in alphabetical order. `analogChannels` and `modbusClient` stand there only
    /// when they are configured. [`IoConfig::from_json`] gives the same configuration back.
    pub fn to_wire(&self) -> Value {
        let mut wire = Map::new();
        if !self.analog_channels.is_empty() {
            let channels = self.analog_channels.iter().map(analog_channel);
            wire.insert("analogChannels".to_owned(), channels.collect());
        }
        wire.insert("boardName".to_owned(), json!(self.board_name));
        let pins = self.digital_pins.iter().map(digital_pin);
        wire.insert("digitalPins".to_owned(), pins.collect());
        wire.insert("gpioChipPath".to_owned(), json!(self.gpio_chip));
        if let Some(client) = &self.modbus_client {
            wire.insert("modbusClient".to_owned(), modbus_client(client));
        }
        wire.insert("providerType".to_owned(), json!(self.provider.wire_name()));
        wire.insert("virtualInputCount".to_owned(), json!(self.virtual_inputs));
        wire.insert("virtualOutputCount".to_owned(), json!(self.virtual_outputs));
        Value::Object(wire)
    }
}

fn digital_pin(pin: &DigitalPin) -> Value {
    json!({
        "activeLow": pin.active_low,
        "bias": pin.bias.wire_name(),
        "direction": pin.direction.as_str(),
        "gpioLine": pin.gpio_line,
        "label": pin.label,
        "plcBit": pin.plc_bit,
        "plcWord": pin.plc_word,
        "safeState": pin.safe_state.as_str(),
    })
}

fn analog_channel(channel: &AnalogChannel) -> Value {
    json!({
        "channel": channel.channel,
        "direction": channel.direction.as_str(),
        "label": channel.label,
        "plcNWord": channel.plc_n_word,
        "rawMax": channel.raw_max,
        "rawMin": channel.raw_min,
        "scaledMax": channel.scaled_max,
        "scaledMin": channel.scaled_min,
    })
}

fn modbus_client(client: &ModbusClient) -> Value {
    // The original knows no safe state of a mapping: it stands there only where it is not the usual one.
    let bits = |mappings: &[BitMapping]| -> Value { mappings.iter().map(bit_mapping).collect() };
    let words = |mappings: &[WordMapping]| -> Value { mappings.iter().map(word_mapping).collect() };
    json!({
        "coilMappings": bits(&client.coils),
        "discreteInputMappings": bits(&client.discrete_inputs),
        "holdingRegisterMappings": words(&client.holding_registers),
        "host": client.host,
        "inputRegisterMappings": words(&client.input_registers),
        "pollIntervalMs": client.poll_interval_ms,
        "port": client.port,
        "timeoutMs": client.timeout_ms,
        "unitId": client.unit_id,
    })
}

fn bit_mapping(bit: &BitMapping) -> Value {
    let mut wire = json!({"modbusAddr": bit.modbus_addr, "plcBit": bit.plc_bit, "plcWord": bit.plc_word});
    if bit.safe_state != SafeState::Off {
        wire["safeState"] = json!(bit.safe_state.as_str());
    }
    wire
}

fn word_mapping(word: &WordMapping) -> Value {
    let mut wire = json!({"modbusAddr": word.modbus_addr, "plcNWord": word.plc_n_word});
    if word.safe_state != SafeState::Hold {
        wire["safeState"] = json!(word.safe_state.as_str());
    }
    wire
}
