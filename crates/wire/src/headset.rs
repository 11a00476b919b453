//! The headset port of a SIMPLE WebPlatform: what the app in a headset says, and what it is told (SI-30 to SI-38).

use crate::error::DecodeError;
use crate::frame::{Frame, FrameBuilder};
use crate::json::write_string;
use crate::monitor::{PlayerState, write_player_fields};
use crate::simple::{demand_text, read_object, unknown_type, unreadable, whole_number};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The interval between two pings where a headset asks for none, in milliseconds (SI-30).
pub const HEARTBEAT_DEFAULT_MS: u64 = 5_000;

/// What a headset says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Message {
    /// `connection`, the first message (SI-30).
    Connection {
        /// The name that the headset gives itself.
        id: String,
        /// The interval that it asks for, in milliseconds; not yet put into any range.
        heartbeat_ms: u64,
        /// JSON text of the interval as it was sent; `5000` where it was missing or 0.
        as_sent: String,
    },
    /// `ping`; the JSON text of its id, `None` where there is none (SI-32).
    Ping(Option<String>),
    /// `pong` (SI-32).
    Pong,
    /// `expression` (SI-34).
    Expression(String),
    /// `ask` (SI-35).
    Ask(Ask),
    /// `disconnect_properly` (SI-36).
    DisconnectProperly,
    /// `seat`: the headset asks how its player stands. A word of our own, which no app says.
    Seat,
}

/// An `ask` as it came (SI-35).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The whole object, byte for byte.
    pub text: String,
    /// The action that is asked for.
    pub action: String,
    /// It names the experiment itself.
    pub has_exp_id: bool,
}

/// What an ask says of whom it concerns (SI-40).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Concerns {
    /// The agent that is asked; `None` where the ask names none.
    pub agent: Option<String>,
    /// What stands in `id` of its arguments: a text as it is, else its JSON text; `None` where there is no `id`.
    pub player: Option<String>,
}

/// The fields of an ask that say whom it concerns. A field that stands there twice is an error of the reader: two readers could
/// take different ones.
#[derive(Deserialize)]
struct AskFields<'a> {
    #[serde(rename = "type")]
    _kind: String,
    #[serde(rename = "action")]
    _action: String,
    agent: Option<Value>,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
    #[serde(rename = "exp_id")]
    _exp_id: Option<Value>,
}

/// The field of arguments that says which player acts.
#[derive(Deserialize)]
struct Arguments {
    id: Option<Value>,
}

impl Ask {
    /// Reads whom the ask concerns; its arguments are a JSON object or a string that holds one.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`] where the arguments are no object, or where a field stands twice so that two readers could take
    /// different ones.
    pub fn concerns(&self) -> Result<Concerns, DecodeError> {
        let fields: AskFields<'_> = serde_json::from_str(&self.text).map_err(unreadable)?;
        let player = match fields.args.map(RawValue::get) {
            None => None,
            Some(args) if args.starts_with('"') => {
                let inner: String = serde_json::from_str(args).map_err(unreadable)?;
                arguments(&inner)?.id
            }
            Some(args) => arguments(args)?.id,
        };
        Ok(Concerns {
            agent: fields.agent.map(text_of),
            player: player.map(text_of),
        })
    }
}

/// The arguments of an ask. A list would be read like an object of its first fields, so it is refused here.
fn arguments(text: &str) -> Result<Arguments, DecodeError> {
    match text.trim_start().starts_with('{') {
        true => serde_json::from_str(text).map_err(unreadable),
        false => Err(DecodeError::NotAnObject {
            found: "something else",
        }),
    }
}

/// A text as it is, anything else as JSON text.
fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Reads the text of one frame.
///
/// # Errors
///
/// A [`DecodeError`] for everything that is no message of the port (SI-4).
pub fn decode(text: &str) -> Result<Message, DecodeError> {
    let (name, mut object) = read_object(text)?;
    Ok(match name.as_str() {
        "connection" => {
            let id = demand_text(&mut object, "id")?;
            let sent = object.get("heartbeat");
            let asked = sent.and_then(whole_number).filter(|interval| *interval > 0);
            let as_sent = match (sent, asked) {
                (Some(sent), Some(_)) => sent.to_string(),
                _ => HEARTBEAT_DEFAULT_MS.to_string(),
            };
            Message::Connection {
                id,
                heartbeat_ms: asked.unwrap_or(HEARTBEAT_DEFAULT_MS),
                as_sent,
            }
        }
        "ping" => Message::Ping(object.get("id").map(Value::to_string)),
        "pong" => Message::Pong,
        "expression" => Message::Expression(demand_text(&mut object, "expr")?),
        "ask" => Message::Ask(Ask {
            action: demand_text(&mut object, "action")?,
            has_exp_id: object.contains_key("exp_id"),
            text: text.trim().to_owned(),
        }),
        "disconnect_properly" => Message::DisconnectProperly,
        "seat" => Message::Seat,
        other => return Err(unknown_type(other)),
    })
}

/// Writes a `json_state` for the headset of a player (SI-37).
pub fn write_json_state(out: &mut Vec<u8>, player: &PlayerState) {
    out.extend_from_slice(br#"{"type":"json_state","id_player":"#);
    write_string(out, &player.id);
    out.push(b',');
    write_player_fields(out, player);
    out.push(b'}');
}

/// Writes the answer to `seat`: why the player is not in the game, in words, null for who is; and the state of the experiment as GAMA
/// spells it, null without GAMA.
pub fn write_seat(out: &mut Vec<u8>, waits_for: Option<&str>, experiment: Option<&str>) {
    let mut text_or_null = |name: &[u8], text: Option<&str>| {
        out.extend_from_slice(name);
        match text {
            Some(text) => write_string(out, text),
            None => out.extend_from_slice(b"null"),
        }
    };
    text_or_null(br#"{"type":"seat","waits_for":"#, waits_for);
    text_or_null(br#","experiment":"#, experiment);
    out.push(b'}');
}

/// Writes the heartbeat (SI-33).
pub fn write_ping(out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"ping"}"#);
}

/// Writes the answer to a ping; `id` is the JSON text that came with it (SI-32).
pub fn write_pong(out: &mut Vec<u8>, id: Option<&str>) {
    out.extend_from_slice(br#"{"type":"pong""#);
    if let Some(id) = id {
        out.extend_from_slice(br#","id":"#);
        out.extend_from_slice(id.as_bytes());
    }
    out.push(b'}');
}

/// The frame of a `json_output`: the contents pass through byte for byte (SI-38).
pub fn output_frame(contents: &str) -> Frame {
    const FRONT: &[u8] = br#"{"contents":"#;
    const BACK: &[u8] = br#","type":"json_output"}"#;
    let mut frame = FrameBuilder::with_capacity(FRONT.len() + contents.len() + BACK.len());
    frame.buffer().extend_from_slice(FRONT);
    frame.buffer().extend_from_slice(contents.as_bytes());
    frame.buffer().extend_from_slice(BACK);
    frame.finish()
}
