//! The keys of `[piplc]` and `[[plc]]`.

use super::{Form, Key, PORT, count, port};
use crate::config::{PiplcConfig, PlcConfig};
use crosstie_hub::settings::OnStale;
use crosstie_ladder::controller::ScanTime;
use serde_json::{Value, json};
use std::path::PathBuf;

pub(crate) const SAFE_STATE_WORDS: [&str; 2] = ["off", "hold"];

/// What the program gets from a device that does not answer; see [`OnStale`].
const ON_IO_FAILURE_WORDS: [&str; 3] = [OnStale::Hold.word(), OnStale::Zero.word(), OnStale::Fault.word()];

/// The longest time of a watchdog, in microseconds.
const WATCHDOG_MAX_US: u32 = 60_000_000;

/// Milliseconds as they stand in the file: whole where they are.
pub(super) fn millis_of_us(us: u32) -> Value {
    match us % 1_000 {
        0 => json!(us / 1_000),
        _ => json!(f64::from(us) / 1e3),
    }
}

/// `[piplc]`.
pub(crate) const PIPLC_KEYS: &[Key<PiplcConfig>] = &[
    Key {
        name: "bind",
        form: Form::Address,
        live: false,
        get: |piplc| json!(piplc.bind),
        set: |piplc, value| piplc.bind = value.address(),
    },
    Key {
        name: "port",
        form: PORT,
        live: false,
        get: |piplc| json!(piplc.port),
        set: |piplc, value| piplc.port = port(value),
    },
    Key {
        name: "path",
        form: Form::UrlPath,
        live: false,
        get: |piplc| json!(piplc.path),
        set: |piplc, value| piplc.path = Some(value.text()),
    },
    Key {
        name: "allow_unauthenticated",
        form: Form::Flag,
        live: false,
        get: |piplc| json!(piplc.allow_unauthenticated),
        set: |piplc, value| piplc.allow_unauthenticated = value.flag(),
    },
    Key {
        name: "allowed_origins",
        form: Form::Origins { any: true },
        live: false,
        get: |piplc| json!(piplc.allowed_origins),
        set: |piplc, value| piplc.allowed_origins = value.list(),
    },
    Key {
        name: "tls",
        form: Form::Flag,
        live: false,
        get: |piplc| json!(piplc.tls),
        set: |piplc, value| piplc.tls = value.flag(),
    },
    Key {
        name: "engine_name",
        form: Form::Text,
        live: false,
        get: |piplc| json!(piplc.engine_name),
        set: |piplc, value| piplc.engine_name = value.text(),
    },
    Key {
        name: "max_contexts",
        form: Form::Whole { min: 1, max: 64 },
        live: false,
        get: |piplc| json!(piplc.contexts_max),
        set: |piplc, value| piplc.contexts_max = count(value),
    },
];

/// `[[plc]]`, without its name.
pub(crate) const PLC_KEYS: &[Key<PlcConfig>] = &[
    Key {
        name: "id",
        form: Form::Context,
        live: false,
        get: |plc| json!(plc.id()),
        set: |plc, value| plc.id = Some(value.text()),
    },
    Key {
        name: "program",
        form: Form::ProjectPath,
        live: false,
        get: |plc| json!(plc.program_file),
        set: |plc, value| plc.program_file = Some(value.text().into()),
    },
    Key {
        name: "scan_time_ms",
        form: Form::Millis {
            min_us: ScanTime::MIN.us(),
            max_us: ScanTime::MAX.us(),
        },
        live: false,
        get: |plc| millis_of_us(plc.controller.target_scan.us()),
        set: |plc, value| {
            let scan = ScanTime::from_us(value.micros());
            plc.controller.target_scan = scan.expect("the form has the limits of a scan time");
        },
    },
    Key {
        name: "autostart",
        form: Form::Flag,
        live: false,
        get: |plc| json!(plc.autostart),
        set: |plc, value| plc.autostart = value.flag(),
    },
    Key {
        name: "watchdog_ms",
        form: Form::Millis {
            min_us: ScanTime::MIN.us(),
            max_us: WATCHDOG_MAX_US,
        },
        live: false,
        // Set through this key only, so it fits.
        get: |plc| {
            let us = plc.controller.watchdog_us.and_then(|us| u32::try_from(us).ok());
            us.map_or(Value::Null, millis_of_us)
        },
        set: |plc, value| plc.controller.watchdog_us = Some(u64::from(value.micros())),
    },
    Key {
        name: "keep_memory_on_download",
        form: Form::Flag,
        live: false,
        get: |plc| json!(plc.controller.keep_memory_on_download),
        set: |plc, value| plc.controller.keep_memory_on_download = value.flag(),
    },
    Key {
        name: "safe_state",
        form: Form::Choice(&SAFE_STATE_WORDS),
        live: false,
        get: |plc| json!(SAFE_STATE_WORDS[usize::from(plc.hold_outputs)]),
        set: |plc, value| plc.hold_outputs = value.text() == SAFE_STATE_WORDS[1],
    },
    Key {
        name: "priority",
        form: Form::Whole { min: 1, max: 99 },
        live: false,
        get: |plc| json!(plc.realtime.priority),
        set: |plc, value| plc.realtime.priority = u8::try_from(count(value)).ok(),
    },
    Key {
        name: "cpu",
        form: Form::Whole { min: 0, max: 1_023 },
        live: false,
        get: |plc| json!(plc.realtime.cpu),
        set: |plc, value| plc.realtime.cpu = u16::try_from(count(value)).ok(),
    },
    Key {
        name: "spin",
        form: Form::Flag,
        live: false,
        get: |plc| json!(plc.realtime.spin),
        set: |plc, value| plc.realtime.spin = value.flag(),
    },
    Key {
        name: "remote",
        form: Form::EngineUrl,
        live: false,
        get: |plc| json!(plc.remote.as_ref().map(|remote| &remote.url)),
        set: |plc, value| plc.remote.get_or_insert_default().url = value.text(),
    },
    Key {
        name: "remote_context",
        form: Form::Text,
        live: false,
        get: |plc| json!(plc.remote.as_ref().and_then(|remote| remote.context.as_ref())),
        set: |plc, value| plc.remote.get_or_insert_default().context = Some(value.text()),
    },
    Key {
        name: "ca_file",
        form: Form::ProjectPath,
        live: false,
        get: |plc| json!(plc.remote.as_ref().and_then(|remote| remote.ca_file.as_ref())),
        set: |plc, value| plc.remote.get_or_insert_default().ca_file = Some(value.text().into()),
    },
    Key {
        name: "access_key_file",
        form: Form::ProjectPath,
        live: false,
        get: |plc| json!(plc.remote.as_ref().and_then(|remote| remote.access_key_file.as_ref())),
        set: |plc, value| plc.remote.get_or_insert_default().access_key_file = Some(value.text().into()),
    },
    Key {
        name: "retain",
        form: Form::Places,
        live: false,
        get: |plc| json!(plc.retain),
        set: |plc, value| plc.retain = value.list(),
    },
    Key {
        name: "io",
        form: Form::ProjectPaths,
        live: false,
        get: |plc| json!(plc.io_files),
        set: |plc, value| plc.io_files = value.list().into_iter().map(PathBuf::from).collect(),
    },
    Key {
        name: "on_io_failure",
        form: Form::Choice(&ON_IO_FAILURE_WORDS),
        live: false,
        get: |plc| json!(plc.on_io_failure.word()),
        set: |plc, value| {
            let choice = OnStale::from_word(&value.text());
            plc.on_io_failure = choice.expect("the form has the words of the choices");
        },
    },
];
