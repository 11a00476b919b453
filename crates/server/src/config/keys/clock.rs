//! The keys of `[clock]`.

use super::{Form, Key};
use crate::config::ClockConfig;
use serde_json::json;

pub(crate) const CLOCK_KEYS: &[Key<ClockConfig>] = &[
    Key {
        name: "mode",
        form: Form::Choice(&ClockConfig::MODES),
        live: false,
        get: |clock| json!(clock.mode),
        set: |clock, value| {
            let word = value.text();
            let known = ClockConfig::MODES.into_iter().find(|mode| *mode == word);
            clock.mode = known.expect("the form of the key allows exactly these words");
        },
    },
    Key {
        name: "rate",
        form: Form::Rate,
        live: false,
        get: |clock| json!(clock.rate),
        set: |clock, value| clock.rate = value.number(),
    },
];
