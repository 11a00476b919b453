//! What an engine told, as it is kept: what it was given in short arrays, what its driver put in between as it was, and of what
//! the engine made itself only how much it was.

use super::Logged;
use crate::plc::{Entry, Given, PlcId, RealtimeAnswer, Refused, ScanTiming};
use crate::time::Time;
use crosstie_ladder::data_table::WordIndex;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// A part of what an engine told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// So many entries of its own.
    Own(usize),
    /// Its driver: what the system grants its thread.
    Realtime(RealtimeAnswer),
    /// Its driver: an order was not handed over, because too many wait.
    Busy(u64),
    /// Its driver: an order was not handed over, because there is no engine.
    NoThread(u64),
}

pub(super) fn encode(plc: PlcId, entries: &[Entry]) -> Json {
    let mut given: Vec<Json> = Vec::new();
    let mut told: Vec<Told> = Vec::new();
    for entry in entries {
        match entry {
            Entry::Given(one) => given.push(encode_given(one)),
            Entry::Realtime(answer) => told.push(Told::Realtime(*answer)),
            Entry::Answer {
                number,
                result: Err(Refused::Busy),
            } => told.push(Told::Busy(*number)),
            Entry::Answer {
                number,
                result: Err(Refused::NoThread),
            } => told.push(Told::NoThread(*number)),
            _ => match told.last_mut() {
                Some(Told::Own(count)) => *count += 1,
                _ => told.push(Told::Own(1)),
            },
        }
    }
    json!({"plc": plc, "given": given, "told": told})
}

fn encode_given(given: &Given) -> Json {
    match *given {
        Given::Heard { until } => json!(["heard", until.as_nanos()]),
        Given::Fed { word, touched, bits } => json!(["fed", word.get(), touched, bits]),
        Given::Bits { word, bits, driven } => json!(["bits", word, bits, driven]),
        Given::Number { word, number } => json!(["number", word, number]),
        Given::Order { number } => json!(["order", number]),
        Given::Scan { dt_us, timing, is_told } => {
            json!(["scan", dt_us, timing.late_us, timing.missed, timing.took_us, is_told])
        }
        Given::Show { is_told } => json!(["show", is_told]),
        Given::Lost { count } => json!(["lost", count]),
    }
}

pub(super) fn decode(body: &Json) -> Result<Logged, String> {
    #[derive(Deserialize)]
    struct Kept {
        plc: PlcId,
        given: Vec<Vec<Json>>,
        told: Vec<Told>,
    }
    let Kept { plc, given, told } = Kept::deserialize(body).map_err(|error| error.to_string())?;
    let given: Option<Vec<Given>> = given.iter().map(|parts| decode_given(parts)).collect();
    let given = given.ok_or_else(|| String::from("expected what an engine is given, such as [\"fed\", 3, 1, 1]"))?;
    Ok(Logged::Engine { plc, given, told })
}

fn decode_given(parts: &[Json]) -> Option<Given> {
    let (name, parts) = parts.split_first()?;
    let number = |index: usize| u32::try_from(parts.get(index)?.as_u64()?).ok();
    let byte = |index: usize| u8::try_from(parts.get(index)?.as_u64()?).ok();
    Some(match name.as_str()? {
        "heard" => Given::Heard {
            until: Time::from_nanos(parts.first()?.as_u64()?),
        },
        "fed" => Given::Fed {
            word: WordIndex::new(number(0)? as usize)?,
            touched: number(1)?,
            bits: number(2)?,
        },
        "bits" => Given::Bits {
            word: byte(0)?,
            bits: number(1)?,
            driven: number(2)?,
        },
        "number" => Given::Number {
            word: byte(0)?,
            number: match parts.get(1)? {
                Json::Null => None,
                number => Some(i32::try_from(number.as_i64()?).ok()?),
            },
        },
        "order" => Given::Order {
            number: parts.first()?.as_u64()?,
        },
        "scan" => Given::Scan {
            dt_us: number(0)?,
            timing: ScanTiming {
                late_us: number(1)?,
                missed: number(2)?,
                took_us: parts.get(3)?.as_u64()?,
            },
            is_told: parts.get(4)?.as_bool()?,
        },
        "show" => Given::Show {
            is_told: parts.first()?.as_bool()?,
        },
        "lost" => Given::Lost { count: number(0)? },
        _ => return None,
    })
}
