//! What stands in a recording. One place for the writer, the reader, the tests of both and whoever opens it in Foxglove.
//!
//! A recording is an MCAP file of profile `crosstie`. Every channel has message encoding `json` and a JSON schema. The log time
//! of a message is [`Session::origin_ns`] plus the hub's time in nanoseconds, so that it is the world's time while the clock is
//! real. Messages of one generation are one message; chunks are compressed with zstd.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Topic of [`Samples`]: what changed in a turn.
pub(crate) const SAMPLES: &str = "/crosstie/samples";

/// Topic of [`Samples`] that hold every signal that has been seen so far: where a seek begins. Several messages of the same
/// generation are one such state; the last of them has [`Samples::is_last`].
pub(crate) const STATE: &str = "/crosstie/state";

/// Topic of [`Entered`]: what entered the hub.
pub(crate) const INPUTS: &str = "/crosstie/inputs";

/// Topic of [`Gap`]: what is missing.
pub(crate) const GAPS: &str = "/crosstie/gaps";

/// Name of the metadata record with [`Session`], one text per field.
pub(crate) const SESSION: &str = "crosstie.session";

/// Under this name in the attachments stand the files of the project as they were at the begin: `project/crosstie.toml` and what it
/// names. Keys, certificates and what the hub keeps in its state folder are not among them.
pub(crate) const PROJECT_FOLDER: &str = "project/";

/// What a recording says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    /// Version of this format: 1.
    pub(crate) format: u32,
    /// Version of Crosstie that wrote it.
    pub(crate) crosstie: String,
    /// Name of the project.
    pub(crate) project: String,
    /// The world's time at which the hub's was zero, in nanoseconds since 1970.
    pub(crate) origin_ns: u64,
    /// The hub's time at the begin of the recording, in nanoseconds.
    pub(crate) begins_ns: u64,
    /// It began with the hub, so that its inputs can be executed again.
    pub(crate) from_start: bool,
    /// Patterns of the signals in it; empty for all.
    pub(crate) signals: Vec<String>,
    /// Inputs are in it.
    pub(crate) inputs: bool,
}

/// Signals that changed together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Samples {
    /// The generation.
    pub(crate) generation: u64,
    /// The last message of a state; left out where it is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_last: bool,
    /// The signals.
    pub(crate) signals: Vec<Sample>,
}

/// One signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Its name.
    pub(crate) name: String,
    /// Its kind, `Bool`, `Int`, `Float` or `Text`: an Int of JSON may be a Float.
    pub(crate) kind: String,
    /// Its value; a Float that is no number is one of the texts `NaN`, `Infinity`, `-Infinity`.
    pub(crate) value: Json,
    /// Left out where it is good; otherwise `stale` or `bad`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quality: Option<String>,
    /// What wrote it: `peer`, `operator`, `route`, `plc`, `replay`; left out where nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    /// For what the engine of a PLC context wrote: the number of the scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan: Option<u64>,
}

/// What entered the hub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entered {
    /// Counts the inputs of the run, from 1; a number that is missing is a gap.
    pub(crate) number: u64,
    /// The driver's time, in nanoseconds: what `Hub::handle` was called with.
    pub(crate) now_ns: u64,
    /// The input, as `crosstie_hub::input_log` writes it.
    pub(crate) input: Json,
}

/// What is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gap {
    /// `samples` (made up for by the newest values) or `inputs` (lost).
    pub(crate) what: String,
    /// Why: `the recorder was behind`, `the disk was full`, …
    pub(crate) why: String,
    /// From this moment of the hub's time on, in nanoseconds.
    pub(crate) from_ns: u64,
    /// Up to this one.
    pub(crate) to_ns: u64,
    /// How many generations, or inputs.
    pub(crate) lost: u64,
}
