//! The memory of a context as a whole, and writing places of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use crosstie_hub::api::plc::{MemoryRow, PlcReply, PlcRequest, Written};
use crosstie_hub::signal::Value;
use crosstie_ladder::Region;
use crosstie_ladder::data_table::{Cell, CellPart, WordIndex, counter_flag, timer_flag};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::of_path;
use crate::http::error::JsonBody;
use crate::http::signals::{from_json, to_json};
use crate::http::{Api, ApiError, Caller, ErrorBody};

/// The memory of a context as it was told last, forced bits as they are forced. Words are their 32 bits as a number from 0.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Memory {
    /// Hub time of the answer, in milliseconds.
    now_ms: u64,
    /// The state of the engine.
    state: &'static str,
    /// The 8 words of I.
    inputs: Vec<u32>,
    /// The 8 words of O.
    outputs: Vec<u32>,
    /// The 64 words of B.
    bits: Vec<u32>,
    /// The 256 words of N, with their sign.
    integers: Vec<i32>,
    /// The 64 timers.
    timers: Vec<Timer>,
    /// The 64 counters.
    counters: Vec<Counter>,
    /// The forced bits of each word that has any.
    forced: BTreeMap<String, u32>,
}

/// One timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Timer {
    /// Preset in milliseconds.
    pre: i32,
    /// Accumulated time in milliseconds.
    acc: i32,
    /// Enabled.
    en: bool,
    /// Timing.
    tt: bool,
    /// Done.
    dn: bool,
}

/// One counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Counter {
    /// Preset.
    pre: i32,
    /// Count.
    acc: i32,
    /// Done.
    dn: bool,
    /// Counted up beyond the end.
    ov: bool,
    /// Counted down beyond the end.
    un: bool,
    /// The count-up input of the last scan.
    cu: bool,
    /// The count-down input of the last scan.
    cd: bool,
}

impl From<MemoryRow> for Memory {
    fn from(row: MemoryRow) -> Memory {
        let mut memory = Memory {
            now_ms: row.now.as_millis(),
            state: row.state.as_str(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            bits: Vec::new(),
            integers: Vec::new(),
            timers: Vec::new(),
            counters: Vec::new(),
            forced: BTreeMap::new(),
        };
        for (at, bits) in row.words.iter().enumerate() {
            memory.take(at, *bits);
        }
        for (at, mask) in row.masks.iter().enumerate().filter(|(_, mask)| **mask != 0) {
            memory.forced.extend(name_of(at).map(|name| (name, *mask)));
        }
        memory
    }
}

impl Memory {
    /// Takes the next word; they come in their order.
    fn take(&mut self, at: usize, bits: u32) {
        let signed = bits.cast_signed();
        match WordIndex::new(at).map(WordIndex::cell) {
            Some(Cell::Word { region, .. }) => match region {
                Region::Input => self.inputs.push(bits),
                Region::Output => self.outputs.push(bits),
                Region::Bits => self.bits.push(bits),
                Region::Integer => self.integers.push(signed),
            },
            Some(Cell::Timer { part, .. }) => match (part, self.timers.last_mut()) {
                (CellPart::Preset, _) => self.timers.push(Timer {
                    pre: signed,
                    ..Timer::default()
                }),
                (CellPart::Accumulated, Some(timer)) => timer.acc = signed,
                (CellPart::Flags, Some(timer)) => {
                    timer.en = bits & timer_flag::ENABLED != 0;
                    timer.tt = bits & timer_flag::TIMING != 0;
                    timer.dn = bits & timer_flag::DONE != 0;
                }
                _ => {}
            },
            Some(Cell::Counter { part, .. }) => match (part, self.counters.last_mut()) {
                (CellPart::Preset, _) => self.counters.push(Counter {
                    pre: signed,
                    ..Counter::default()
                }),
                (CellPart::Accumulated, Some(counter)) => counter.acc = signed,
                (CellPart::Flags, Some(counter)) => {
                    counter.dn = bits & counter_flag::DONE != 0;
                    counter.ov = bits & counter_flag::OVERFLOW != 0;
                    counter.un = bits & counter_flag::UNDERFLOW != 0;
                    counter.cu = bits & counter_flag::COUNT_UP != 0;
                    counter.cd = bits & counter_flag::COUNT_DOWN != 0;
                }
                _ => {}
            },
            None => {}
        }
    }
}

/// What a word is called: `I:0`, `T:4.ACC`, and `T:4` for the flags of a timer.
fn name_of(at: usize) -> Option<String> {
    let member = |part| match part {
        CellPart::Preset => Some(".PRE"),
        CellPart::Accumulated => Some(".ACC"),
        CellPart::Flags => Some(""),
        CellPart::Rest => None,
    };
    match WordIndex::new(at)?.cell() {
        Cell::Word { region, word } => Some(crosstie_ladder::Address::Word { region, word }.to_string()),
        Cell::Timer { timer, part } => Some(format!("T:{timer}{}", member(part)?)),
        Cell::Counter { counter, part } => Some(format!("C:{counter}{}", member(part)?)),
    }
}

/// The memory of a context.
#[utoipa::path(get, path = "/api/v1/plc/contexts/{context}/memory", tag = "plc",
    params(("context" = String, Path, description = "id or name of the context")),
    responses(
        (status = 200, body = Memory),
        (status = 403, body = ErrorBody, description = "somebody who may see a part of it only"),
        (status = 404, body = ErrorBody),
    ),
)]
pub(crate) async fn read(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    context: Result<Path<String>, PathRejection>,
) -> Result<Json<Memory>, ApiError> {
    let context = of_path(context)?;
    match api.ask_plc(&by, PlcRequest::Memory { context }).await? {
        PlcReply::Memory(row) => Ok(Json(row.into())),
        _ => Err(ApiError::mismatch()),
    }
}

/// A value for a place.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPlaceValue {
    /// true or false, or a whole number.
    value: serde_json::Value,
}

/// What became of a value for a place.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PlaceWritten {
    /// The name of its signal.
    #[schema(example = "plc/line/I:0/3")]
    name: String,
    /// What readers see there now.
    stored: serde_json::Value,
    /// Another value than the given one was taken: it was fitted to the place.
    coerced: bool,
    /// The place is forced: what was written stands underneath.
    forced: bool,
    /// After a toggle: what the bit has become, underneath where it is forced. Readers see another value when the program has
    /// written the bit since.
    #[serde(skip_serializing_if = "Option::is_none")]
    toggled: Option<bool>,
    /// The next start of the program loads its own preset here again. Absent where it does not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    until_start: bool,
    /// The device that drives the place: what was written has no effect as long as it does. Absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    driven_by: Option<String>,
}

impl From<Written> for PlaceWritten {
    fn from(written: Written) -> PlaceWritten {
        PlaceWritten {
            name: written.name,
            stored: to_json(&written.stored),
            coerced: written.coerced,
            forced: written.forced,
            toggled: written.toggled,
            until_start: written.until_start,
            driven_by: written.driven_by,
        }
    }
}

impl PlaceWritten {
    pub(super) fn of(reply: PlcReply) -> Result<Json<PlaceWritten>, ApiError> {
        match reply {
            PlcReply::Written(written) => Ok(Json(written.into())),
            _ => Err(ApiError::mismatch()),
        }
    }
}

/// The value of a request.
pub(super) fn given(value: serde_json::Value) -> Result<Value, ApiError> {
    from_json(value).ok_or_else(|| ApiError::bad_value("true, false or a whole number was expected as `value`"))
}

/// Writes a place of the memory as an operator.
#[utoipa::path(put, path = "/api/v1/plc/contexts/{context}/memory/{address}", tag = "plc",
    params(
        ("context" = String, Path, description = "id or name of the context"),
        ("address" = String, Path, description = "address or symbol; its slash may be written plainly"),
    ),
    request_body = NewPlaceValue,
    responses(
        (status = 200, body = PlaceWritten),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "no such place, or a value that does not fit it"),
    ),
)]
pub(crate) async fn write(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    place: Result<Path<(String, String)>, PathRejection>,
    JsonBody(NewPlaceValue { value }): JsonBody<NewPlaceValue>,
) -> Result<Json<PlaceWritten>, ApiError> {
    let (context, address) = of_path(place)?;
    let request = PlcRequest::Write {
        context,
        address,
        value: given(value)?,
    };
    PlaceWritten::of(api.ask_plc(&by, request).await?)
}

/// A place and what is to stand there.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWrite {
    /// Address or symbol.
    #[schema(example = "N:7")]
    address: String,
    /// true or false, or a whole number.
    value: serde_json::Value,
}

/// Values for several places.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWrites {
    /// Written in this order; at most 2,048.
    writes: Vec<NewWrite>,
}

/// What became of values for several places.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PlacesWritten {
    /// Each of them, in the order of the request.
    written: Vec<PlaceWritten>,
}

/// Writes several places of the memory between two scans: all of them, or none.
#[utoipa::path(post, path = "/api/v1/plc/contexts/{context}/memory", tag = "plc",
    params(("context" = String, Path, description = "id or name of the context")),
    request_body = NewWrites,
    responses(
        (status = 200, body = PlacesWritten),
        (status = 403, body = ErrorBody, description = "one of the places may not be written; none is"),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "too many places"),
        (status = 422, body = ErrorBody, description = "no such place, or a value that does not fit it; none is written"),
    ),
)]
pub(crate) async fn write_all(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    context: Result<Path<String>, PathRejection>,
    JsonBody(NewWrites { writes }): JsonBody<NewWrites>,
) -> Result<Json<PlacesWritten>, ApiError> {
    let context = of_path(context)?;
    let each = writes
        .into_iter()
        .map(|write| given(write.value).map(|value| (write.address, value)));
    let writes = each.collect::<Result<Vec<_>, ApiError>>()?;
    match api.ask_plc(&by, PlcRequest::WriteNamed { context, writes }).await? {
        PlcReply::WrittenAll(written) => Ok(Json(PlacesWritten {
            written: written.into_iter().map(PlaceWritten::from).collect(),
        })),
        _ => Err(ApiError::mismatch()),
    }
}

/// A bit to turn over.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToggle {
    /// Address or symbol.
    #[schema(example = "B:3/1")]
    address: String,
}

/// Turns a bit of the memory over as an operator, in one step: nothing comes between what it was and what it is.
#[utoipa::path(post, path = "/api/v1/plc/contexts/{context}/toggle", tag = "plc",
    params(("context" = String, Path, description = "id or name of the context")),
    request_body = NewToggle,
    responses(
        (status = 200, body = PlaceWritten),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "no such place, or one that is no bit"),
    ),
)]
pub(crate) async fn toggle(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    context: Result<Path<String>, PathRejection>,
    JsonBody(NewToggle { address }): JsonBody<NewToggle>,
) -> Result<Json<PlaceWritten>, ApiError> {
    let context = of_path(context)?;
    PlaceWritten::of(api.ask_plc(&by, PlcRequest::Toggle { context, address }).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstie_hub::Time;
    use crosstie_ladder::Address;
    use crosstie_ladder::controller::ControllerState;
    use crosstie_ladder::data_table::{CellValue, DataTable, USED_WORDS};

    #[test]
    fn every_part_of_the_memory_stands_where_it_belongs() {
        let mut table = DataTable::new();
        let mut set = |address: &str, value: CellValue| {
            table.write(Address::parse(address).unwrap(), value).unwrap();
        };
        set("I:0/31", CellValue::Bit(true));
        set("O:7", CellValue::Word(5));
        set("B:63", CellValue::Word(-1));
        set("N:255", CellValue::Word(-7));
        set("T:63.PRE", CellValue::Word(500));
        set("T:63.ACC", CellValue::Word(20));
        set("T:63.TT", CellValue::Bit(true));
        set("C:0.ACC", CellValue::Word(-3));
        set("C:0.UN", CellValue::Bit(true));
        let mut masks = vec![0; USED_WORDS];
        masks[0] = 1 << 31;
        // The words of T:63: preset, accumulated, flags, rest.
        let timers_at = WordIndex::of(Region::Integer, 255).get() + 1;
        masks[timers_at + 63 * 4 + 1] = u32::MAX;
        masks[timers_at + 63 * 4 + 2] = timer_flag::TIMING;
        let memory = Memory::from(MemoryRow {
            now: Time::from_millis(7),
            context: String::from("line"),
            state: ControllerState::Running,
            words: table.words()[..USED_WORDS].into(),
            masks: masks.into(),
        });
        assert_eq!([memory.inputs.len(), memory.outputs.len()], [8, 8]);
        assert_eq!([memory.bits.len(), memory.integers.len()], [64, 256]);
        assert_eq!([memory.timers.len(), memory.counters.len()], [64, 64]);
        assert_eq!(
            (memory.inputs[0], memory.outputs[7], memory.bits[63]),
            (1 << 31, 5, u32::MAX)
        );
        assert_eq!(memory.integers[255], -7);
        let timer = Timer {
            pre: 500,
            acc: 20,
            tt: true,
            ..Timer::default()
        };
        assert_eq!(memory.timers[63], timer);
        let counter = Counter {
            acc: -3,
            un: true,
            ..Counter::default()
        };
        assert_eq!(memory.counters[0], counter);
        let forced: Vec<_> = memory
            .forced
            .iter()
            .map(|(name, mask)| (name.as_str(), *mask))
            .collect();
        assert_eq!(forced, [("I:0", 1 << 31), ("T:63", 2), ("T:63.ACC", u32::MAX)]);
    }
}
