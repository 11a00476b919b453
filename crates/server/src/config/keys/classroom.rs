//! The keys of `[classroom]`, `[monitor]`, `[headset]` and `[gama]`, and what a SIMPLE WebPlatform calls some of them.

use super::{Form, Key, PORT, by_word, port, word_of};
use crate::config::{ClassroomConfig, GamaConfig, HeadsetConfig, MonitorConfig};
use crosstie_hub::settings::{Flavour, PlayerKey};
use serde_json::json;

const PLAYER_KEY_WORDS: [&str; 2] = ["id", "address"];
const PLAYER_KEYS: [(&str, PlayerKey); 2] = [
    (PLAYER_KEY_WORDS[0], PlayerKey::Id),
    (PLAYER_KEY_WORDS[1], PlayerKey::Address),
];
const ERROR_WORDS: [&str; 2] = ["object", "text"];
const CATALOG_WORDS: [&str; 2] = ["string", "array"];
const FLAVOUR_WORDS: [&str; 3] = ["auto", "gui", "headless"];
const FLAVOURS: [(&str, Flavour); 3] = [
    (FLAVOUR_WORDS[0], Flavour::Auto),
    (FLAVOUR_WORDS[1], Flavour::Gui),
    (FLAVOUR_WORDS[2], Flavour::Headless),
];

/// Variables of a SIMPLE WebPlatform, with the keys that they set (SI-1).
const PLATFORM_VARIABLES: [(&str, &str); 10] = [
    ("MONITOR_WS_PORT", "monitor.port"),
    ("HEADSET_WS_PORT", "headset.port"),
    ("GAMA_WS_PORT", "gama.port"),
    ("GAMA_IP_ADDRESS", "gama.host"),
    ("ENV_GAMALESS", "classroom.gamaless"),
    ("LEARNING_PACKAGE_PATH", "classroom.learning_packages"),
    ("EXTRA_LEARNING_PACKAGE_PATH", "classroom.extra_learning_packages"),
    ("AGGRESSIVE_DISCONNECT", "classroom.aggressive_disconnect"),
    ("WEB_APPLICATION_HOST", "web.bind"),
    ("WEB_APPLICATION_PORT", "web.port"),
];

/// What a SIMPLE WebPlatform calls the variable of a key, where it has one.
pub(crate) fn platform_variable(dotted: &str) -> Option<&'static str> {
    let mut variables = PLATFORM_VARIABLES.iter();
    variables.find(|(_, key)| *key == dotted).map(|(name, _)| *name)
}

/// Is a variable of this name one of a SIMPLE WebPlatform?
pub(crate) fn is_platform_variable(name: &str) -> bool {
    PLATFORM_VARIABLES.iter().any(|(variable, _)| *variable == name)
}

/// The value of such a variable in our spelling: there `1` and `yes` are true, `0`, `no` and nothing are false, and `localhost` is
/// an address.
pub(crate) fn platform_value(form: Form, text: &str) -> &str {
    let text = text.trim();
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match form {
        Form::Flag if is(&["1", "yes"]) => "true",
        Form::Flag if is(&["0", "no"]) => "false",
        Form::Address if is(&["localhost"]) => "127.0.0.1",
        _ => text,
    }
}

/// `[classroom]`.
pub(crate) const CLASSROOM_KEYS: &[Key<ClassroomConfig>] = &[
    Key {
        name: "learning_packages",
        form: Form::Folder,
        live: false,
        get: |classroom| json!(classroom.learning_packages),
        set: |classroom, value| classroom.learning_packages = value.text().into(),
    },
    Key {
        name: "extra_learning_packages",
        form: Form::Folder,
        live: false,
        get: |classroom| json!(classroom.extra_learning_packages),
        set: |classroom, value| classroom.extra_learning_packages = Some(value.text().into()),
    },
    Key {
        name: "gamaless",
        form: Form::Flag,
        live: false,
        get: |classroom| json!(classroom.gamaless),
        set: |classroom, value| classroom.gamaless = value.flag(),
    },
    Key {
        name: "player_key",
        form: Form::Choice(&PLAYER_KEY_WORDS),
        live: false,
        get: |classroom| json!(word_of(&PLAYER_KEYS, &classroom.player_key)),
        set: |classroom, value| classroom.player_key = by_word(&PLAYER_KEYS, value),
    },
    Key {
        name: "aggressive_disconnect",
        form: Form::Flag,
        live: false,
        get: |classroom| json!(classroom.aggressive_disconnect),
        set: |classroom, value| classroom.aggressive_disconnect = value.flag(),
    },
    Key {
        name: "content_error_format",
        form: Form::Choice(&ERROR_WORDS),
        live: false,
        get: |classroom| json!(ERROR_WORDS[usize::from(classroom.error_as_text)]),
        set: |classroom, value| classroom.error_as_text = value.text() == ERROR_WORDS[1],
    },
    Key {
        name: "catalog_encoding",
        form: Form::Choice(&CATALOG_WORDS),
        live: false,
        get: |classroom| json!(CATALOG_WORDS[usize::from(classroom.catalog_as_array)]),
        set: |classroom, value| classroom.catalog_as_array = value.text() == CATALOG_WORDS[1],
    },
    Key {
        name: "model_path_map",
        form: Form::PathMap,
        live: false,
        get: |classroom| json!(classroom.model_path_map),
        set: |classroom, value| classroom.model_path_map = value.list(),
    },
];

/// `[monitor]`.
pub(crate) const MONITOR_KEYS: &[Key<MonitorConfig>] = &[
    Key {
        name: "bind",
        form: Form::Address,
        live: false,
        get: |monitor| json!(monitor.bind),
        set: |monitor, value| monitor.bind = value.address(),
    },
    Key {
        name: "port",
        form: PORT,
        live: false,
        get: |monitor| json!(monitor.port),
        set: |monitor, value| monitor.port = port(value),
    },
    Key {
        name: "path",
        form: Form::UrlPath,
        live: false,
        get: |monitor| json!(monitor.path),
        set: |monitor, value| monitor.path = Some(value.text()),
    },
    Key {
        name: "allow_unauthenticated",
        form: Form::Flag,
        live: false,
        get: |monitor| json!(monitor.allow_unauthenticated),
        set: |monitor, value| monitor.allow_unauthenticated = value.flag(),
    },
    Key {
        name: "allowed_origins",
        form: Form::Origins { any: true },
        live: false,
        get: |monitor| json!(monitor.allowed_origins),
        set: |monitor, value| monitor.allowed_origins = value.list(),
    },
    Key {
        name: "tls",
        form: Form::Flag,
        live: false,
        get: |monitor| json!(monitor.tls),
        set: |monitor, value| monitor.tls = value.flag(),
    },
];

/// `[headset]`.
pub(crate) const HEADSET_KEYS: &[Key<HeadsetConfig>] = &[
    Key {
        name: "bind",
        form: Form::Address,
        live: false,
        get: |headset| json!(headset.bind),
        set: |headset, value| headset.bind = value.address(),
    },
    Key {
        name: "port",
        form: PORT,
        live: false,
        get: |headset| json!(headset.port),
        set: |headset, value| headset.port = port(value),
    },
    Key {
        name: "allow_unauthenticated",
        form: Form::Flag,
        live: false,
        get: |headset| json!(headset.allow_unauthenticated),
        set: |headset, value| headset.allow_unauthenticated = value.flag(),
    },
    Key {
        name: "allowed_origins",
        form: Form::Origins { any: true },
        live: false,
        get: |headset| json!(headset.allowed_origins),
        set: |headset, value| headset.allowed_origins = value.list(),
    },
    Key {
        name: "tls",
        form: Form::Flag,
        live: false,
        get: |headset| json!(headset.tls),
        set: |headset, value| headset.tls = value.flag(),
    },
    Key {
        name: "allow_expression",
        form: Form::Flag,
        live: false,
        get: |headset| json!(headset.allows_expressions()),
        set: |headset, value| headset.allow_expression = Some(value.flag()),
    },
    Key {
        name: "allowed_actions",
        form: Form::Actions,
        live: false,
        get: |headset| json!(headset.allowed_actions),
        set: |headset, value| headset.allowed_actions = value.list(),
    },
];

/// `[gama]`, without its watches and writes.
pub(crate) const GAMA_KEYS: &[Key<GamaConfig>] = &[
    Key {
        name: "host",
        form: Form::Host,
        live: false,
        get: |gama| json!(gama.host),
        set: |gama, value| gama.host = value.text(),
    },
    Key {
        name: "port",
        form: Form::Whole { min: 1, max: 65_535 },
        live: false,
        get: |gama| json!(gama.port),
        set: |gama, value| gama.port = port(value),
    },
    Key {
        name: "tls",
        form: Form::Flag,
        live: false,
        get: |gama| json!(gama.tls),
        set: |gama, value| gama.tls = value.flag(),
    },
    Key {
        name: "ca_file",
        form: Form::ProjectPath,
        live: false,
        get: |gama| json!(gama.ca_file),
        set: |gama, value| gama.ca_file = Some(value.text().into()),
    },
    Key {
        name: "flavour",
        form: Form::Choice(&FLAVOUR_WORDS),
        live: false,
        get: |gama| json!(word_of(&FLAVOURS, &gama.flavour)),
        set: |gama, value| gama.flavour = by_word(&FLAVOURS, value),
    },
    Key {
        name: "api_id",
        form: Form::Flag,
        live: false,
        get: |gama| json!(gama.api_id),
        set: |gama, value| gama.api_id = value.flag(),
    },
];
