//! What the messages of a SIMPLE WebPlatform share: reading small objects whose fields come in any order.

use crate::error::DecodeError;
use serde_json::{Map, Value};

/// The object of a message and its `type`. `null`, arrays, numbers and texts without a `type` are refused (SI-4).
pub(crate) fn read_object(text: &str) -> Result<(String, Map<String, Value>), DecodeError> {
    let value: Value = serde_json::from_str(text).map_err(unreadable)?;
    let object = match value {
        Value::Object(object) => object,
        other => return Err(DecodeError::NotAnObject { found: kind(&other) }),
    };
    match object.get("type") {
        Some(Value::String(name)) => Ok((name.clone(), object)),
        _ => Err(DecodeError::NoType),
    }
}

/// A text that a message needs.
pub(crate) fn demand_text(object: &mut Map<String, Value>, field: &'static str) -> Result<String, DecodeError> {
    match object.remove(field) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(DecodeError::MissingField { field }),
    }
}

pub(crate) fn unknown_type(name: &str) -> DecodeError {
    DecodeError::UnknownType {
        type_name: name.chars().take(64).collect(),
    }
}

pub(crate) fn unreadable(error: serde_json::Error) -> DecodeError {
    DecodeError::Unreadable {
        reason: error.to_string(),
    }
}

/// A number that is whole, or a text that holds one (SI-16, SI-30).
pub(crate) fn whole_number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let float = number.as_f64()?;
            (float >= 0.0 && float.fract() == 0.0 && float < 9e15).then_some(float as u64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
