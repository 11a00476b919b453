//! What stands in a recording. One place for the writer, the reader, the tests of both and whoever opens it in Foxglove.
//!
//! A recording is an MCAP file of profile `crosstie`. Every channel has message encoding `json` and a JSON schema. The log time
//! of a message is [`Session::origin_ns`] plus the hub's time in nanoseconds, so that it is the world's time while the clock is
//! real. Messages of one generation are one message; chunks are compressed with zstd.

use super::schema;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Topic of [`Samples`]: what changed in a turn.
pub(crate) const SAMPLES: &str = "/crosstie/samples";

/// Topic of [`Samples`] that hold every signal that has been seen so far: where a seek begins. Several messages of the same
/// generation are one such state; the last of them has [`Samples::is_last`].
pub(crate) const STATE: &str = "/crosstie/state";

/// Topic of [`Entered`]: what entered the hub.
pub(crate) const INPUTS: &str = "/crosstie/inputs";

/// Topic of [`Gap`]: what is missing.
pub(crate) const GAPS: &str = "/crosstie/gaps";

/// The channels with their schemas; their ids count from 1 in this order.
pub(crate) const CHANNELS: [(&str, &str, &str); 4] = [
    (SAMPLES, "crosstie.Samples", schema::SAMPLES),
    (STATE, "crosstie.State", schema::SAMPLES),
    (INPUTS, "crosstie.Input", schema::INPUT),
    (GAPS, "crosstie.Gap", schema::GAP),
];

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
    /// The world's time at the begin, in nanoseconds since 1970: another one than `origin_ns` and `begins_ns` together when the clock of
    /// the hub did not always go as the world's does. `None` in what an older Crosstie has recorded.
    pub(crate) started_ns: Option<u64>,
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
    #[serde(deserialize_with = "scalar")]
    pub(crate) value: Json,
    /// Left out where it is good; otherwise `stale` or `bad`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quality: Option<String>,
    /// What wrote it: `peer`, `operator`, `route`, `plc`, `simulation`, `replay`; left out where nobody did, such as for what the hub says
    /// itself under `sys/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
    /// For what the engine of a PLC context wrote: the number of the scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scan: Option<u64>,
}

/// Reads a value: a bool, a number or a text. Anything else is refused before any of it is built.
fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
    struct Scalar;

    impl Visitor<'_> for Scalar {
        type Value = Json;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a bool, a number or a text")
        }

        fn visit_bool<E: de::Error>(self, value: bool) -> Result<Json, E> {
            Ok(Json::from(value))
        }

        fn visit_i64<E: de::Error>(self, value: i64) -> Result<Json, E> {
            Ok(Json::from(value))
        }

        fn visit_u64<E: de::Error>(self, value: u64) -> Result<Json, E> {
            Ok(Json::from(value))
        }

        fn visit_f64<E: de::Error>(self, value: f64) -> Result<Json, E> {
            Ok(Json::from(value))
        }

        fn visit_str<E: de::Error>(self, value: &str) -> Result<Json, E> {
            Ok(Json::from(value))
        }
    }

    deserializer.deserialize_any(Scalar)
}

/// [`Samples`] of which only the number of signals is wanted: nothing of them is kept.
#[derive(Debug, Deserialize)]
pub(crate) struct CountedSamples {
    #[serde(rename = "signals", deserialize_with = "counted")]
    pub(crate) count: u64,
}

/// Counts the samples of a list, each of which has to be one.
fn counted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Counted;

    impl<'de> Visitor<'de> for Counted {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of samples")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<u64, A::Error> {
            let mut count = 0;
            while list.next_element::<Sample>()?.is_some() {
                count += 1;
            }
            Ok(count)
        }
    }

    deserializer.deserialize_seq(Counted)
}

/// An [`Entered`] of which nothing is wanted but that it is one.
#[derive(Debug, Deserialize)]
pub(crate) struct CountedInput {
    #[serde(rename = "number")]
    _number: u64,
    #[serde(rename = "now_ns")]
    _now_ns: u64,
    #[serde(rename = "input")]
    _input: Parts,
}

/// How many values there are in a text of JSON, those within others included; none of them is built.
#[derive(Debug)]
pub(crate) struct Parts(pub(crate) u64);

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Parts, D::Error> {
        deserializer.deserialize_any(Counting)
    }
}

struct Counting;

impl<'de> Visitor<'de> for Counting {
    type Value = Parts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Parts, E> {
        Ok(Parts(1))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Parts, E> {
        Ok(Parts(1))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Parts, E> {
        Ok(Parts(1))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Parts, E> {
        Ok(Parts(1))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Parts, E> {
        Ok(Parts(1))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Parts, E> {
        Ok(Parts(1))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Parts, A::Error> {
        let mut count = 1;
        while let Some(Parts(inside)) = list.next_element()? {
            count += inside;
        }
        Ok(Parts(count))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts, A::Error> {
        let mut count = 1;
        while let Some((de::IgnoredAny, Parts(inside))) = map.next_entry()? {
            count += inside;
        }
        Ok(Parts(count))
    }
}

/// What entered the hub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entered {
    /// Counts the inputs of the recording, from 1; a number that is missing is a gap.
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

/// Opcode of the private record of [`Totals`], as JSON, behind each piece of the file that was handed to the system.
pub(crate) const TOTALS: u8 = 0x80;

/// What a recording holds so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Totals {
    /// The hub's time up to which it goes, in nanoseconds.
    pub(crate) ends_ns: u64,
    /// Signals.
    pub(crate) signals: u64,
    /// Samples of them, without those of states.
    pub(crate) samples: u64,
    /// Inputs.
    pub(crate) inputs: u64,
    /// Gaps.
    pub(crate) gaps: u64,
    /// Generations and inputs that are missing.
    pub(crate) lost: u64,
    /// Why it has ended, when it has.
    pub(crate) ended: Option<String>,
}

impl Totals {
    /// Adds what a chunk holds.
    pub(crate) fn add(&mut self, more: &Totals) {
        self.ends_ns = self.ends_ns.max(more.ends_ns);
        self.samples = self.samples.saturating_add(more.samples);
        self.inputs = self.inputs.saturating_add(more.inputs);
        self.gaps = self.gaps.saturating_add(more.gaps);
        self.lost = self.lost.saturating_add(more.lost);
    }
}

impl Session {
    /// As it stands in the metadata record.
    pub(crate) fn to_fields(&self) -> BTreeMap<String, String> {
        let fields = [
            ("format", self.format.to_string()),
            ("crosstie", self.crosstie.clone()),
            ("project", self.project.clone()),
            ("origin_ns", self.origin_ns.to_string()),
            ("begins_ns", self.begins_ns.to_string()),
            ("from_start", self.from_start.to_string()),
            ("signals", Json::from(self.signals.clone()).to_string()),
            ("inputs", self.inputs.to_string()),
        ];
        let started = self.started_ns.map(|started| ("started_ns", started.to_string()));
        let fields = fields.into_iter().chain(started);
        fields.map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// Reads the fields of the metadata record; gives the field that does not fit.
    pub(crate) fn from_fields(fields: &BTreeMap<String, String>) -> Result<Session, &'static str> {
        fn of<T: FromStr>(fields: &BTreeMap<String, String>, key: &'static str) -> Result<T, &'static str> {
            fields.get(key).and_then(|text| text.parse().ok()).ok_or(key)
        }
        let patterns = fields.get("signals").and_then(|text| serde_json::from_str(text).ok());
        Ok(Session {
            format: of(fields, "format")?,
            crosstie: of(fields, "crosstie")?,
            project: of(fields, "project")?,
            origin_ns: of(fields, "origin_ns")?,
            begins_ns: of(fields, "begins_ns")?,
            from_start: of(fields, "from_start")?,
            signals: patterns.ok_or("signals")?,
            inputs: of(fields, "inputs")?,
            started_ns: match fields.contains_key("started_ns") {
                true => Some(of(fields, "started_ns")?),
                false => None,
            },
        })
    }
}
