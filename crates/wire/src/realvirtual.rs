//! The realvirtual WebSocket interface, wire protocol v2.
//!
//! Every message is one JSON object in one text frame. [`decode`] takes the text of a frame and gives a [`Message`]; the
//! `write_*` functions append messages to a payload, in the field order of real peers. Both directions are here for both
//! roles, because the hub is server and client. What may be written, by whom and when is not known here.
//!
//! | claim | type | read as | written by |
//! |---|---|---|---|
//! | RV-1 | `init` | [`Message::Init`] | [`write_init`] |
//! | RV-2 | `import_request` | [`Message::ImportRequest`] | [`write_import_request`] |
//! | RV-3 | `import_answer` | [`Message::ImportAnswer`] | [`write_import_answer`] |
//! | RV-4 | `subscribe` | [`Message::Subscribe`] | [`write_subscribe`] |
//! | RV-5 | `snapshot` | [`Message::Snapshot`] | [`write_snapshot`] |
//! | RV-6 | `data` | [`Message::Data`] | [`write_data`] |
//! | RV-7 | `config_get`, `config_answer` | [`Message::ConfigGet`], [`Message::ConfigAnswer`] | [`write_config_get`], [`write_config_answer`] |
//! | RV-8 | `config_set`, `config_result` | [`Message::ConfigSet`], [`Message::ConfigResult`] | [`write_config_set`], [`write_config_result`] |

mod decode;
mod encode;
mod message;
mod signal_type;

pub use crate::error::DecodeError;
pub use crate::json::{write_name, write_string, write_value};
pub use crate::value::{Kind, Value, Values};
pub use decode::{Limits, decode, decode_within};
pub use encode::{
    DATA_HEAD, IMPORT_ANSWER_HEAD, IMPORT_ANSWER_MIDDLE, SIGNALS_TAIL, SNAPSHOT_HEAD, write_config_answer,
    write_config_get, write_config_result, write_config_set, write_data, write_import_answer, write_import_request,
    write_init, write_snapshot, write_subscribe,
};
pub use message::{Catalog, ConfigMap, ConfigResult, Init, Message, Subscribe};
pub use signal_type::{Prefix, SignalType};

/// The version of the protocol that is spoken. Another number in a message is worth a warning and nothing more (RV-16).
pub const VERSION: i64 = 2;
