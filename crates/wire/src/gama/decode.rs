//! Messages of GAMA.

use super::{Answer, Echoed, Element, ErrorMessage, Outcome, ServerMessage, World};
use crate::error::DecodeError;
use crate::headset;
use crate::simple::unreadable;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A message before its type is known.
#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    exp_id: Option<Value>,
    command: Option<Value>,
    #[serde(borrow)]
    contents: Option<&'a RawValue>,
}

/// Reads the text of one frame.
///
/// # Errors
///
/// A [`DecodeError`] for everything that is no message of GAMA.
pub fn decode(text: &str) -> Result<ServerMessage, DecodeError> {
    let outer: Outer<'_> = serde_json::from_str(text).map_err(unreadable)?;
    let kind = outer.kind.ok_or(DecodeError::NoType)?;
    let words = || outer.content.map(words_of).unwrap_or_default();
    let error = |kind: String| ErrorMessage {
        kind,
        text: text.trim().to_owned(),
        words: words(),
    };
    let outcome = match kind.as_str() {
        "CommandExecutedSuccessfully" => Some(Outcome::Executed),
        "UnableToExecuteRequest" => Some(Outcome::Unable),
        "MalformedRequest" => Some(Outcome::Malformed),
        _ => None,
    };
    if let Some(outcome) = outcome {
        return Ok(ServerMessage::Answer(Answer {
            outcome,
            command: outer.command.and_then(echoed),
            content: words(),
            world: outer.contents.map(|contents| world_of_list(contents.get())),
            error: (outcome != Outcome::Executed).then(|| error(kind)),
        }));
    }
    Ok(match kind.as_str() {
        "ConnectionSuccessful" => ServerMessage::Greeting(words()),
        "SimulationStatus" => ServerMessage::Status {
            status: words(),
            exp_id: outer.exp_id.as_ref().and_then(text_of),
        },
        "SimulationOutput" => match outer.content.map(|content| content.get()) {
            Some(content) if content.starts_with('{') => ServerMessage::Console(words()),
            Some(content) => ServerMessage::World(world_of_string(content)),
            None => ServerMessage::World(World::default()),
        },
        "SimulationStatusError" | "SimulationErrorDialog" | "SimulationError" | "RuntimeError" | "GamaServerError" => {
            ServerMessage::Error(error(kind))
        }
        _ => ServerMessage::Note { text: words(), kind },
    })
}

fn echoed(command: Value) -> Option<Echoed> {
    let Value::Object(fields) = command else { return None };
    let text = |name: &str| fields.get(name).and_then(text_of);
    Some(Echoed {
        kind: text("type").unwrap_or_default(),
        expr: text("expr"),
        action: text("action"),
        exp_id: text("exp_id"),
        api_id: fields.get("api_id").and_then(Value::as_u64),
    })
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What a content says, for people: a text as it is, the `message` of an object, else its JSON text.
fn words_of(content: &RawValue) -> String {
    match serde_json::from_str(content.get()) {
        Ok(Value::String(text)) => text,
        Ok(Value::Object(mut fields)) => match fields.remove("message").or_else(|| fields.remove("exception")) {
            Some(Value::String(text)) => text,
            _ => content.get().to_owned(),
        },
        _ => content.get().to_owned(),
    }
}

#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(borrow, default)]
    contents: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    contents: Option<&'a RawValue>,
}

/// The world in a JSON string.
fn world_of_string(content: &str) -> World {
    let problem = |problem: String| World {
        problem: Some(problem),
        ..World::default()
    };
    let text: String = match serde_json::from_str(content) {
        Ok(text) => text,
        Err(error) => return problem(error.to_string()),
    };
    match serde_json::from_str::<Inner<'_>>(&text) {
        Ok(inner) => inner.contents.map(|list| world_of_list(list.get())).unwrap_or_default(),
        Err(error) => problem(error.to_string()),
    }
}

fn world_of_list(list: &str) -> World {
    let pieces: Vec<Piece<'_>> = match serde_json::from_str(list) {
        Ok(pieces) => pieces,
        Err(error) => {
            return World {
                problem: Some(error.to_string()),
                ..World::default()
            };
        }
    };
    let mut world = World::default();
    for piece in pieces {
        let ids = piece
            .id
            .and_then(|ids| serde_json::from_str::<Vec<Box<str>>>(ids.get()).ok());
        match ids {
            Some(ids) => {
                let contents = piece.contents.map_or("null", RawValue::get);
                world.elements.push(Element {
                    ids,
                    frame: headset::output_frame(contents),
                    kind: kind_of(contents),
                });
            }
            None => world.skipped += 1,
        }
    }
    world
}

/// A number made of the first key (FNV-1a); of contents without one from their first byte.
fn kind_of(contents: &str) -> u64 {
    let first = contents
        .trim_start()
        .strip_prefix('{')
        .and_then(|rest| rest.trim_start().strip_prefix('"'))
        .and_then(|rest| rest.split('"').next())
        .unwrap_or("");
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    first.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, step)
}
