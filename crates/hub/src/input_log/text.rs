//! Texts of peers: what a driver, a rig and a recording that is executed again make of them is the same.

use crate::input::{ClockMinute, ConnId, Face, Input, Unreadable, Uploaded};
use crate::plc::Program;
use crosstie_wire::piplc::{Envelope, Request, ServerMessage};
use crosstie_wire::{gama, headset, live, monitor, piplc, realvirtual};
use std::sync::Arc;

/// The input that a text of a peer is, which speaks this. Programs in it are read. `clock` is for headsets: the time of the day.
pub fn heard(conn: ConnId, face: Face, text: String, clock: ClockMinute) -> Input {
    // Messages end far below 4 GiB.
    let bytes = text.len() as u32;
    match face {
        Face::Live => Input::Live {
            conn,
            request: live::decode(text),
            bytes,
        },
        Face::Piplc => {
            let message = piplc::decode(&text);
            let program = match &message {
                Ok(Envelope {
                    request: Request::Download { document, .. },
                    ..
                }) => Some(Program::read(document).map(Arc::new)),
                _ => None,
            };
            Input::Piplc {
                conn,
                message,
                program,
                bytes,
            }
        }
        Face::Engine(_) => {
            let mut message = piplc::decode_server(&text);
            let document = match &mut message {
                Ok(message) => document_of(message),
                Err(_) => None,
            };
            Input::Engine {
                conn,
                uploaded: document.map(|document| Uploaded::read(&document)),
                message,
                bytes,
            }
        }
        Face::Monitor => Input::Monitor {
            conn,
            request: monitor::decode(&text),
            bytes,
        },
        Face::Headset => Input::Headset {
            conn,
            message: headset::decode(&text),
            clock,
            bytes,
        },
        Face::Gama => Input::Gama {
            conn,
            message: gama::decode(&text).map(Box::new),
            bytes,
        },
        Face::Realvirtual(_) | Face::Link(_) => match realvirtual::decode(text) {
            Ok(message) => Input::Realvirtual { conn, message, bytes },
            Err(error) => Input::Unreadable {
                conn,
                why: Unreadable::Malformed(error.to_string()),
                bytes,
            },
        },
    }
}

/// Takes the program out of the answer of an engine to an upload: both spellings are the same document.
pub fn document_of(message: &mut ServerMessage) -> Option<String> {
    let ServerMessage::Reply(reply) = message else {
        return None;
    };
    let (data, project_xml) = (
        reply.fields.shift_remove("data"),
        reply.fields.shift_remove("projectXml"),
    );
    data.into_iter().chain(project_xml).find_map(|field| match field {
        serde_json::Value::String(document) => Some(document),
        _ => None,
    })
}
