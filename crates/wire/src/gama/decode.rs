//! Messages of GAMA. A world is scanned once and its pieces are copied into their frames; nothing of it is taken apart.

use super::{Answer, Echoed, Element, ErrorMessage, Outcome, ServerMessage, World};
use crate::error::DecodeError;
use crate::headset;
use crate::json::Place;
use crate::json::field::walk;
use crate::json::scan::{NotJson, Scanner, TEXT_LEN_MAX};
use crate::value::Span;
use serde_json::Value;

/// Elements of one world that are read. Further ones are skipped and counted.
const ELEMENTS_MAX: usize = 10_000;
/// Players that one element may name, many more than a class has seats. Further ones get nothing of it, and the element is counted
/// among the skipped.
const IDS_MAX: usize = 10_000;

/// The fields of a message before its type is known.
#[derive(Clone, Copy, Default)]
struct Fields {
    kind: Option<Span>,
    /// A content that is a text, without its quotes and escapes.
    content_text: Option<Span>,
    /// JSON text of the content, whatever it is.
    content: Option<Span>,
    exp_id: Option<Span>,
    command: Option<Span>,
    contents: Option<Span>,
}

/// Reads the text of one frame.
///
/// # Errors
///
/// A [`DecodeError`] for everything that is no message of GAMA.
pub fn decode(text: &str) -> Result<ServerMessage, DecodeError> {
    if text.len() > TEXT_LEN_MAX {
        return Err(DecodeError::TooLong {
            limit: TEXT_LEN_MAX,
            got: text.len(),
        });
    }
    let mut scanner = Scanner::new(text);
    let mut fields = Fields::default();
    match walk(&mut scanner, &mut |scanner, key| read_field(scanner, key, &mut fields)) {
        Ok(None) => {}
        Ok(Some(found)) => return Err(DecodeError::NotAnObject { found }),
        Err(NotJson) => return Err(why(&scanner, text)),
    }
    let kind = fields.kind.map(|kind| scanner.str_of(kind).to_owned());
    let kind = kind.ok_or(DecodeError::NoType)?;
    if kind == "SimulationOutput" {
        return Ok(match (fields.content_text, fields.content) {
            (Some(content), _) => ServerMessage::World(read_world(scanner.str_of(content))),
            (None, Some(content)) => ServerMessage::Console(words_of(content.of(text))),
            (None, None) => ServerMessage::World(World::default()),
        });
    }
    let words = match (fields.content_text, fields.content) {
        (Some(content), _) => words_in(scanner.str_of(content)),
        (None, Some(content)) => words_of(content.of(text)),
        (None, None) => String::new(),
    };
    Ok(message(text, kind, words, fields))
}

fn read_field(scanner: &mut Scanner<'_>, key: Span, fields: &mut Fields) -> Result<(), NotJson> {
    let is_text = scanner.peek() == Some(b'"');
    let slot = match scanner.str_of(key) {
        "type" => {
            fields.kind = scanner.scalar()?.as_text();
            return Ok(());
        }
        "content" if is_text => {
            let start = scanner.offset();
            fields.content_text = Some(scanner.string()?);
            fields.content = Some(scanner.span_from(start));
            return Ok(());
        }
        "content" => {
            fields.content_text = None;
            &mut fields.content
        }
        "exp_id" => &mut fields.exp_id,
        "command" => &mut fields.command,
        "contents" => &mut fields.contents,
        _ => return scanner.skip(),
    };
    let start = scanner.offset();
    scanner.skip()?;
    *slot = Some(scanner.span_from(start));
    Ok(())
}

/// Every message but a world.
fn message(text: &str, kind: String, words: String, fields: Fields) -> ServerMessage {
    let error = |kind: &str| ErrorMessage {
        kind: kind.to_owned(),
        text: text.trim().to_owned(),
        words: words.clone(),
    };
    let outcome = match kind.as_str() {
        "ConnectionSuccessful" => return ServerMessage::Greeting(words),
        "SimulationStatus" => {
            return ServerMessage::Status {
                status: words,
                exp_id: fields.exp_id.and_then(|exp_id| text_in(exp_id.of(text))),
            };
        }
        "CommandExecutedSuccessfully" => Outcome::Executed,
        "UnableToExecuteRequest" => Outcome::Unable,
        "MalformedRequest" => Outcome::Malformed,
        "SimulationStatusError" | "SimulationErrorDialog" | "SimulationError" | "RuntimeError" | "GamaServerError" => {
            return ServerMessage::Error(error(&kind));
        }
        _ => return ServerMessage::Note { kind, text: words },
    };
    ServerMessage::Answer(Answer {
        outcome,
        command: fields.command.and_then(|command| echoed(command.of(text))),
        world: fields.contents.map(|contents| read_elements(contents.of(text))),
        error: (outcome != Outcome::Executed).then(|| error(&kind)),
        content: words,
    })
}

fn echoed(command: &str) -> Option<Echoed> {
    let Ok(Value::Object(fields)) = serde_json::from_str(command) else {
        return None;
    };
    let text = |name: &str| fields.get(name).and_then(as_text);
    Some(Echoed {
        kind: text("type").unwrap_or_default(),
        expr: text("expr"),
        action: text("action"),
        exp_id: text("exp_id"),
        api_id: fields.get("api_id").and_then(Value::as_u64),
    })
}

fn text_in(json: &str) -> Option<String> {
    serde_json::from_str(json).ok().as_ref().and_then(as_text)
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What a text says: GAMA puts an object into a text for some of its messages.
fn words_in(text: &str) -> String {
    match text.starts_with('{') {
        true => words_of(text),
        false => text.to_owned(),
    }
}

/// What a content says, for people: the `message` or `exception` of an object, else its text as it is.
fn words_of(json: &str) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::from_str(json) else {
        return json.to_owned();
    };
    match fields.remove("message").or_else(|| fields.remove("exception")) {
        Some(Value::String(text)) => text,
        _ => json.to_owned(),
    }
}

/// Reads a world: the elements up to the first thing that is no JSON.
fn read_world(text: &str) -> World {
    let mut scanner = Scanner::new(text);
    let mut world = World::default();
    let read = walk(&mut scanner, &mut |scanner, key| match scanner.str_of(key) {
        "contents" => {
            world = World::default();
            read_list(scanner, text, &mut world)
        }
        _ => scanner.skip(),
    });
    world.problem = match read {
        Ok(None) => None,
        Ok(Some(found)) => Some(DecodeError::NotAnObject { found }.to_string()),
        Err(NotJson) => Some(why(&scanner, text).to_string()),
    };
    world
}

/// Reads a list of elements that stands alone (GA-7).
fn read_elements(text: &str) -> World {
    let mut scanner = Scanner::new(text);
    let mut world = World::default();
    if read_list(&mut scanner, text, &mut world).is_err() {
        world.problem = Some(why(&scanner, text).to_string());
    }
    world
}

/// Appends the elements of a list; whatever else stands there is skipped.
fn read_list(scanner: &mut Scanner<'_>, text: &str, world: &mut World) -> Result<(), NotJson> {
    if scanner.peek() != Some(b'[') {
        return scanner.skip();
    }
    scanner.open()?;
    let mut first = true;
    while scanner.next_element(&mut first)? {
        if scanner.peek() == Some(b'{') && world.elements.len() < ELEMENTS_MAX {
            read_element(scanner, text, world)?;
        } else {
            scanner.skip()?;
            world.skipped += 1;
        }
    }
    Ok(())
}

fn read_element(scanner: &mut Scanner<'_>, text: &str, world: &mut World) -> Result<(), NotJson> {
    let (mut ids, mut contents) = (None, "null");
    scanner.open()?;
    let mut first = true;
    while let Some(key) = scanner.next_key(&mut first)? {
        let is_list = scanner.peek() == Some(b'[');
        match scanner.str_of(key) {
            "id" if is_list => ids = Some(read_ids(scanner)?),
            "contents" => {
                let start = scanner.offset();
                scanner.skip()?;
                contents = scanner.span_from(start).of(text);
            }
            _ => scanner.skip()?,
        }
    }
    match ids {
        Some((ids, has_more)) => {
            world.skipped += usize::from(has_more);
            world.elements.push(Element {
                ids,
                frame: headset::output_frame(contents),
                kind: kind_of(contents),
            });
        }
        None => world.skipped += 1,
    }
    Ok(())
}

/// The names of a list, and whether there are more than are kept; what is no text names nobody.
fn read_ids(scanner: &mut Scanner<'_>) -> Result<(Vec<Box<str>>, bool), NotJson> {
    let mut ids = Vec::new();
    let mut has_more = false;
    scanner.open()?;
    let mut first = true;
    while scanner.next_element(&mut first)? {
        if let Some(id) = scanner.scalar()?.as_text() {
            match ids.len() < IDS_MAX {
                true => ids.push(Box::from(scanner.str_of(id))),
                false => has_more = true,
            }
        }
    }
    Ok((ids, has_more))
}

/// A number made of the first key (FNV-1a); all contents without one share theirs.
fn kind_of(contents: &str) -> u64 {
    let first = contents
        .strip_prefix('{')
        .and_then(|rest| rest.trim_start().strip_prefix('"'))
        .and_then(|rest| rest.split('"').next())
        .unwrap_or("");
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    first.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, step)
}

fn why(scanner: &Scanner<'_>, text: &str) -> DecodeError {
    let (problem, offset) = scanner.failure().expect("a step that fails leaves why");
    DecodeError::Json {
        problem,
        place: Place::of(text, offset),
    }
}
