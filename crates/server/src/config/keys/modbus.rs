//! The keys of `[[modbus]]`.

use super::{Form, Key, PORT, count, port};
use crate::config::ModbusConfig;
use serde_json::json;

/// `[[modbus]]`, without its name and its maps.
pub(crate) const MODBUS_KEYS: &[Key<ModbusConfig>] = &[
    Key {
        name: "bind",
        form: Form::Address,
        live: false,
        get: |modbus| json!(modbus.bind),
        set: |modbus, value| modbus.bind = value.address(),
    },
    Key {
        name: "port",
        form: PORT,
        live: false,
        get: |modbus| json!(modbus.port),
        set: |modbus, value| modbus.port = port(value),
    },
    Key {
        name: "unit",
        form: Form::Whole { min: 1, max: 247 },
        live: false,
        get: |modbus| json!(modbus.unit),
        set: |modbus, value| modbus.unit = u8::try_from(value.whole()).expect("a unit's form ends at 247"),
    },
    Key {
        name: "context",
        form: Form::Context,
        live: false,
        get: |modbus| json!(modbus.context),
        set: |modbus, value| modbus.context = Some(value.text()),
    },
    Key {
        name: "read_only",
        form: Form::Flag,
        live: false,
        get: |modbus| json!(modbus.read_only),
        set: |modbus, value| modbus.read_only = value.flag(),
    },
    Key {
        name: "max_clients",
        form: Form::Whole { min: 1, max: 256 },
        live: false,
        get: |modbus| json!(modbus.clients_max),
        set: |modbus, value| modbus.clients_max = count(value),
    },
];
