//! The keys of `[record]`.

use super::{Form, Key, unsigned};
use crate::config::RecordConfig;
use crate::config::record::{MAX_MB, MAX_MINUTES};
use serde_json::json;

/// `[record]`.
pub(crate) const RECORD_KEYS: &[Key<RecordConfig>] = &[
    Key {
        name: "folder",
        form: Form::Folder,
        live: false,
        get: |record| json!(record.folder),
        set: |record, value| record.folder = value.text().into(),
    },
    Key {
        name: "autostart",
        form: Form::Flag,
        live: false,
        get: |record| json!(record.autostart),
        set: |record, value| record.autostart = value.flag(),
    },
    Key {
        name: "signals",
        form: Form::Patterns,
        live: false,
        get: |record| json!(record.signals),
        set: |record, value| record.signals = value.list(),
    },
    Key {
        name: "inputs",
        form: Form::Flag,
        live: false,
        get: |record| json!(record.inputs),
        set: |record, value| record.inputs = value.flag(),
    },
    Key {
        name: "max_mb",
        form: Form::Whole {
            min: *MAX_MB.start() as i64,
            max: *MAX_MB.end() as i64,
        },
        live: false,
        get: |record| json!(record.max_mb),
        set: |record, value| record.max_mb = unsigned(value),
    },
    Key {
        name: "max_minutes",
        form: Form::Whole {
            min: *MAX_MINUTES.start() as i64,
            max: *MAX_MINUTES.end() as i64,
        },
        live: false,
        get: |record| json!(record.max_minutes),
        set: |record, value| record.max_minutes = unsigned(value),
    },
    Key {
        name: "keep_mb",
        form: Form::Whole {
            min: 1,
            max: 10_000_000,
        },
        live: false,
        get: |record| json!(record.keep_mb),
        set: |record, value| record.keep_mb = unsigned(value),
    },
];
