//! The keys of `[history]`.

use super::super::HistoryConfig;
use super::{Checked, Form, Key};
use serde_json::json;

const DAYS: Form = Form::Whole { min: 1, max: 36_500 };

/// The range of every number of this section lies within its form.
fn number(checked: Checked) -> u32 {
    u32::try_from(checked.whole()).expect("every form of this section lies between 0 and 2^32")
}

/// `[history]`.
pub(crate) const HISTORY_KEYS: &[Key<HistoryConfig>] = &[
    Key {
        name: "signals",
        form: Form::Patterns,
        live: false,
        get: |history| json!(history.signals),
        set: |history, value| history.signals = value.list(),
    },
    Key {
        name: "raw_days",
        form: DAYS,
        live: false,
        get: |history| json!(history.raw_days),
        set: |history, value| history.raw_days = number(value),
    },
    Key {
        name: "seconds_days",
        form: DAYS,
        live: false,
        get: |history| json!(history.seconds_days),
        set: |history, value| history.seconds_days = number(value),
    },
    Key {
        name: "minutes_days",
        form: DAYS,
        live: false,
        get: |history| json!(history.minutes_days),
        set: |history, value| history.minutes_days = number(value),
    },
    Key {
        name: "max_mb",
        form: Form::Whole { min: 1, max: 1_000_000 },
        live: false,
        get: |history| json!(history.max_mb),
        set: |history, value| history.max_mb = number(value),
    },
    Key {
        name: "rows_per_second_max",
        form: Form::Whole { min: 1, max: 1_000_000 },
        live: false,
        get: |history| json!(history.rows_per_second_max),
        set: |history, value| history.rows_per_second_max = number(value),
    },
];
