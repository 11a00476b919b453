//! Inputs as a recording keeps them, and back: everything that can change the hub, so that another hub of the same settings can
//! execute it again and say the same, byte for byte.
//!
//! Messages of peers are kept as the texts that came, and decoded again by the same decoders. Of what an engine tells its inputs
//! are kept, not what it made of them: another engine makes it again. Frames that a full socket gave back are kept by their
//! fingerprints: the hub has sent them itself a moment before.
//!
//! Shape: an object with one field, which names the kind of input.

pub(crate) mod exact;
mod given;
pub(crate) mod kept;
mod people;
mod start;
mod text;

pub use given::Told;
pub use start::Start;
pub use text::{document_of, heard};

use crate::input::{ClockMinute, ConnId, Face, Input, Unreadable};
use crate::output::Frame;
use crate::plc::{Given, PlcId};
use crate::replay::Replayed;
use bytes::Bytes;
use data_encoding::BASE64;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;

/// Why something that was kept is no input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// A newer Crosstie has written it.
    #[error("'{0}' is no input that this version knows")]
    Unknown(String),
    /// It is not of its shape.
    #[error("an input of the kind '{kind}': {why}")]
    Shape {
        /// Its kind.
        kind: String,
        /// What is wrong.
        why: String,
    },
    /// A message whose text was not kept: the recording of inputs had only begun.
    #[error("the text of a message was not kept: it came before the recording began to keep inputs")]
    NoText,
}

/// What was kept.
#[derive(Debug)]
pub enum Logged {
    /// An input as it was.
    Input(Box<Input>),
    /// What an engine told.
    Engine {
        /// Whose engine.
        plc: PlcId,
        /// What it was given.
        given: Vec<Given>,
        /// What it told then, in its order.
        told: Vec<Told>,
    },
    /// What the hub was told at its start: the first of all, and no input.
    Start(Box<Start>),
    /// A socket did not take the last frames of a connection: those with these fingerprints.
    Unsent {
        /// The connection.
        conn: ConnId,
        /// See [`fingerprint`].
        frames: Vec<u64>,
    },
}

/// What a frame is known by (FNV-1a, 64 bits): enough to find it among those that were sent in the same turn.
pub fn fingerprint(frame: &Frame) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    frame.bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Writes an input down. `text` is that of the message in it, where it came as text.
pub fn encode(input: &Input, text: Option<&str>) -> Json {
    match input {
        Input::Realvirtual { conn, .. }
        | Input::Live { conn, .. }
        | Input::Monitor { conn, .. }
        | Input::Gama { conn, .. }
        | Input::Unreadable {
            conn,
            why: Unreadable::Malformed(_),
            ..
        } => message(*conn, face_word(input), text, json!({})),
        Input::Headset { conn, clock, .. } => message(*conn, "headset", text, json!({"minute": clock.0})),
        Input::Piplc { conn, program, .. } => message(*conn, "piplc", text, json!({"read": program.is_some()})),
        Input::Engine { conn, uploaded, .. } => message(*conn, "engine", text, json!({"read": uploaded.is_some()})),
        Input::Unreadable { conn, bytes, .. } => json!({"binary": {"conn": conn, "bytes": bytes}}),
        Input::Snapshot { conn, frame, bytes } => {
            json!({"snapshot": {"conn": conn, "bytes": bytes, "frame": BASE64.encode(frame)}})
        }
        Input::Connected {
            conn,
            face,
            address,
            path,
            access,
        } => json!({"connected": {
            "conn": conn, "face": face, "address": address, "path": path, "access": people::encode_access(access),
        }}),
        Input::Closed { conn, reason } => json!({"closed": {"conn": conn, "reason": reason}}),
        Input::DialFailed { callee, dial, reason } => {
            json!({"dial_failed": {"callee": callee, "dial": dial, "reason": reason}})
        }
        Input::Revoked { key, ring } => json!({"revoked": {"key": key, "ring": ring}}),
        Input::Pong { conn, sent_at_nanos } => json!({"pong": {"conn": conn, "sent_at_ns": sent_at_nanos}}),
        Input::Seen { conn } => json!({"seen": conn}),
        Input::Writable { conn } => json!({"writable": conn}),
        Input::Unsent { conn, frames } => {
            let frames: Vec<u64> = frames.iter().map(fingerprint).collect();
            json!({"unsent": {"conn": conn, "frames": frames}})
        }
        Input::Plc { plc, entries } => json!({"plc": given::encode(*plc, entries)}),
        Input::PlcIo { plc, number, told } => json!({"plc_io": {"plc": plc, "number": number, "told": told}}),
        Input::Retained { plc, number, result } => {
            json!({"retained": {"plc": plc, "number": number, "error": result.as_ref().err()}})
        }
        Input::Saved { ticket, result } => json!({"saved": {"ticket": ticket, "error": result.as_ref().err()}}),
        Input::Request { ticket, by, request } => {
            json!({"request": {"ticket": ticket, "by": people::encode_actor(by), "request": request}})
        }
        Input::Packages(catalog) => json!({"packages": **catalog}),
        Input::Replayed(samples) => {
            let samples = samples.iter();
            let samples = samples.map(|sample| json!([&*sample.name, sample.value, sample.quality]));
            json!({"replayed": samples.collect::<Vec<Json>>()})
        }
        Input::ReplayEnds => json!({"replay_ends": null}),
        Input::ReplayRate(rate) => json!({"replay_rate": rate.to_string()}),
        Input::Recording { is_active, lost } => json!({"recording": {"is_active": is_active, "lost": lost}}),
        Input::ReplayShown(shown) => json!({"replay_shown": **shown}),
        Input::ShuttingDown => json!({"shutting_down": null}),
        Input::Tick => json!({"tick": null}),
    }
}

/// Writes down what a hub is told at its start.
pub fn encode_start(start: &Start) -> Json {
    json!({ "start": start })
}

/// A message by its text.
fn message(conn: ConnId, face: &str, text: Option<&str>, mut more: Json) -> Json {
    let Some(text) = text else {
        return json!({"unkept": {"conn": conn}});
    };
    more["conn"] = json!(conn);
    more["text"] = json!(text);
    json!({ face: more })
}

fn face_word(input: &Input) -> &'static str {
    match input {
        Input::Live { .. } => "live",
        Input::Monitor { .. } => "monitor",
        Input::Gama { .. } => "gama",
        _ => "realvirtual",
    }
}

#[derive(Deserialize)]
struct Text {
    conn: ConnId,
    text: String,
    #[serde(default)]
    minute: u16,
    #[serde(default)]
    read: bool,
}

#[derive(Deserialize)]
struct Connected {
    conn: ConnId,
    face: Face,
    address: String,
    path: String,
    access: people::KeptAccess,
}

#[derive(Deserialize)]
struct Request {
    ticket: crate::Ticket,
    by: people::KeptActor,
    request: crate::api::Request,
}

/// Reads what was written down.
///
/// # Errors
///
/// It is no input, or one of a newer version, or one that was not kept whole.
pub fn decode(kept: &Json) -> Result<Logged, LogError> {
    let entry = kept.as_object().filter(|object| object.len() == 1);
    let Some((kind, body)) = entry.and_then(|object: &Map<String, Json>| object.iter().next()) else {
        return Err(LogError::Shape {
            kind: String::from("?"),
            why: String::from("expected an object with one field"),
        });
    };
    let input = match kind.as_str() {
        "realvirtual" | "live" | "piplc" | "engine" | "monitor" | "headset" | "gama" => {
            text_of(kind, read(kind, body)?)
        }
        "plc" => return given::decode(body).map_err(|why| shape(kind, why)),
        "unsent" => {
            #[derive(Deserialize)]
            struct Unsent {
                conn: ConnId,
                frames: Vec<u64>,
            }
            let Unsent { conn, frames } = read(kind, body)?;
            return Ok(Logged::Unsent { conn, frames });
        }
        "start" => return Ok(Logged::Start(Box::new(read(kind, body)?))),
        "unkept" => return Err(LogError::NoText),
        _ => plain(kind, body)?,
    };
    Ok(Logged::Input(Box::new(input)))
}

/// A text as [`heard`] reads it; a program in it is only read where it was read then.
fn text_of(kind: &str, text: Text) -> Input {
    let face = match kind {
        "live" => Face::Live,
        "piplc" => Face::Piplc,
        "engine" => Face::Engine(PlcId(0)),
        "monitor" => Face::Monitor,
        "headset" => Face::Headset,
        "gama" => Face::Gama,
        _ => Face::Realvirtual(crate::settings::EndpointId(0)),
    };
    let mut input = heard(text.conn, face, text.text, ClockMinute(text.minute));
    match &mut input {
        Input::Piplc { program, .. } if !text.read => *program = None,
        Input::Engine { uploaded, .. } if !text.read => *uploaded = None,
        _ => {}
    }
    input
}

fn plain(kind: &str, body: &Json) -> Result<Input, LogError> {
    #[derive(Deserialize)]
    struct Answer<T> {
        #[serde(alias = "ticket")]
        number: T,
        #[serde(default)]
        plc: Option<PlcId>,
        error: Option<String>,
    }
    let failed = |error: Option<String>| error.map_or(Ok(()), Err);
    Ok(match kind {
        "connected" => {
            let Connected {
                conn,
                face,
                address,
                path,
                access,
            } = read(kind, body)?;
            Input::Connected {
                conn,
                face,
                address,
                path,
                access: access.into(),
            }
        }
        "request" => {
            let Request { ticket, by, request } = read(kind, body)?;
            let by = Box::new(by.into());
            Input::Request { ticket, by, request }
        }
        "binary" => Input::Unreadable {
            conn: field(kind, body, "conn")?,
            why: Unreadable::Binary,
            bytes: field(kind, body, "bytes")?,
        },
        "snapshot" => {
            let frame: String = field(kind, body, "frame")?;
            let frame = BASE64.decode(frame.as_bytes()).map_err(|error| shape(kind, error))?;
            Input::Snapshot {
                conn: field(kind, body, "conn")?,
                frame: Bytes::from(frame),
                bytes: field(kind, body, "bytes")?,
            }
        }
        "closed" => Input::Closed {
            conn: field(kind, body, "conn")?,
            reason: field(kind, body, "reason")?,
        },
        "dial_failed" => Input::DialFailed {
            callee: field(kind, body, "callee")?,
            dial: field(kind, body, "dial")?,
            reason: field(kind, body, "reason")?,
        },
        "revoked" => Input::Revoked {
            key: field(kind, body, "key")?,
            ring: field(kind, body, "ring")?,
        },
        "pong" => Input::Pong {
            conn: field(kind, body, "conn")?,
            sent_at_nanos: field(kind, body, "sent_at_ns")?,
        },
        "seen" => Input::Seen {
            conn: read(kind, body)?,
        },
        "writable" => Input::Writable {
            conn: read(kind, body)?,
        },
        "plc_io" => Input::PlcIo {
            plc: field(kind, body, "plc")?,
            number: field(kind, body, "number")?,
            told: field(kind, body, "told")?,
        },
        "retained" => {
            let Answer { number, plc, error } = read(kind, body)?;
            let plc = plc.ok_or_else(|| shape(kind, "expected the field 'plc'"))?;
            Input::Retained {
                plc,
                number,
                result: failed(error),
            }
        }
        "saved" => {
            let Answer { number, error, .. } = read(kind, body)?;
            Input::Saved {
                ticket: number,
                result: failed(error),
            }
        }
        "packages" => Input::Packages(Arc::new(read(kind, body)?)),
        "replayed" => {
            let samples: Vec<(String, crate::signal::Value, crate::signal::Quality)> = read(kind, body)?;
            let samples = samples.into_iter().map(|(name, value, quality)| Replayed {
                name: name.into(),
                value,
                quality,
            });
            Input::Replayed(samples.collect())
        }
        "replay_ends" => Input::ReplayEnds,
        "replay_rate" => {
            let rate: String = read(kind, body)?;
            Input::ReplayRate(rate.parse().map_err(|error| shape(kind, error))?)
        }
        "recording" => Input::Recording {
            is_active: field(kind, body, "is_active")?,
            lost: field(kind, body, "lost")?,
        },
        "replay_shown" => Input::ReplayShown(Arc::new(read(kind, body)?)),
        "shutting_down" => Input::ShuttingDown,
        "tick" => Input::Tick,
        _ => return Err(LogError::Unknown(kind.to_owned())),
    })
}

fn shape(kind: &str, why: impl std::fmt::Display) -> LogError {
    LogError::Shape {
        kind: kind.to_owned(),
        why: why.to_string(),
    }
}

fn read<T: DeserializeOwned>(kind: &str, body: &Json) -> Result<T, LogError> {
    serde_json::from_value(body.clone()).map_err(|error| shape(kind, error))
}

fn field<T: DeserializeOwned>(kind: &str, body: &Json, name: &str) -> Result<T, LogError> {
    let value = body.get(name).unwrap_or(&Json::Null);
    serde_json::from_value(value.clone()).map_err(|error| shape(kind, format!("{name}: {error}")))
}
