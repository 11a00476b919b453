//! The eight messages and what else a peer may send.

use crate::value::Values;

/// One message, whichever side sent it.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The client says who it is (RV-1). Shape: `{"type":"init","version":2,"name":"WebViewer"}`.
    Init(Init),
    /// The sender wants the catalog of the receiver (RV-2). Shape: `{"type":"import_request","version":2}`.
    ImportRequest {
        /// The version of the protocol, when the peer said it.
        version: Option<i64>,
    },
    /// The catalog of the sender (RV-3).
    ImportAnswer(Catalog),
    /// The signals that the client wants to get (RV-4).
    Subscribe(Subscribe),
    /// The state of all subscribed signals (RV-5). Shape: `{"type":"snapshot","version":2,"signals":{"RunOut":true}}`.
    Snapshot(Values),
    /// Changed values (RV-6). Shape: `{"type":"data","version":2,"signals":{"SpeedOut":520.5}}`.
    Data(Values),
    /// The client wants the settings (RV-7). Shape: `{"type":"config_get"}`.
    ConfigGet,
    /// The settings of the server (RV-7). Shape: `{"type":"config_answer","config":{"updateCycleMs":10}}`.
    ConfigAnswer(ConfigMap),
    /// New settings for the server (RV-8). Shape: `{"type":"config_set","config":{"updateCycleMs":20}}`.
    ConfigSet(ConfigMap),
    /// Whether the new settings were applied (RV-8). Shape: `{"type":"config_result","success":true,"message":"applied"}`.
    ConfigResult(ConfigResult),
    /// A type that this protocol does not have: to be ignored and counted (RV-16).
    Unknown {
        /// The type as it was written.
        type_name: String,
    },
    /// An object with `tag` and without `type`: an old peer of protocol v1, to be named once in the log and ignored (RV-16).
    Legacy,
}

/// Who a client is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// The version of the protocol, when the peer said it.
    pub version: Option<i64>,
    /// The name of the client, when it has one.
    pub name: Option<String>,
}

/// The signals of a peer with their values and types.
///
/// Shape: `{"type":"import_answer","version":2,"signals":{"RunOut":true},"signalTypes":{"RunOut":"PLCOutputBool"}}`.
/// Which signals there are is told by `values` alone (RV-15); a type without a value means nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalog {
    /// The version of the protocol, when the peer said it.
    pub version: Option<i64>,
    /// Name and value of every signal. A value may be unusable; the signal exists nevertheless.
    pub values: Values,
    /// Name and type string, in the order of the message, as written. Entries whose type is not a string are left out.
    pub types: Vec<(String, String)>,
}

/// The filter of a client (RV-12).
///
/// Shape: `{"type":"subscribe","version":2,"subscribe":["RunOut","SpeedOut"]}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// The version of the protocol, when the peer said it.
    pub version: Option<i64>,
    /// The exact names wanted, duplicates included. `None` when the field is missing or null: all signals. Empty: no signal.
    pub names: Option<Vec<String>>,
}

/// Settings by name, in the order of the message.
pub type ConfigMap = Vec<(String, serde_json::Value)>;

/// What became of new settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigResult {
    /// Whether they are applied. A result that does not say so counts as refused.
    pub success: bool,
    /// A text for people; empty when there is none.
    pub message: String,
}
