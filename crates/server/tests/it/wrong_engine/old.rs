//! How an engine of the first generation differs: what it reads of a request, and what it says. Written from what the published
//! engine 0.1.31 was seen to do.

use super::Done;
use serde_json::{Map, Value, json};

/// A hello says neither the version of the server nor what it can do.
pub(super) fn shorten_hello(told: &mut Value) {
    if let Value::Object(told) = told {
        for name in ["serverName", "serverVersion", "engineId", "capabilities"] {
            told.remove(name);
        }
    }
}

/// A request as it is read: no addresses, `projectXml` only, and what is missing is zero.
pub(super) fn as_read(kind: &str, request: &Map<String, Value>) -> Map<String, Value> {
    let mut read = request.clone();
    for name in ["address", "data", "format"] {
        read.remove(name);
    }
    let zeros: &[(&str, Value)] = match kind {
        "memory.forceBit" | "memory.unforceBit" | "memory.writeBit" => {
            &[("region", json!("B")), ("word", json!(0)), ("bit", json!(0))]
        }
        "memory.writeTimer" | "memory.writeCounter" => &[
            ("index", json!(0)),
            ("pre", json!(0)),
            ("acc", json!(0)),
            ("en", json!(false)),
            ("tt", json!(false)),
            ("dn", json!(false)),
            ("ov", json!(false)),
            ("un", json!(false)),
            ("cu", json!(false)),
            ("cd", json!(false)),
        ],
        "program.download" => {
            if let Some(document) = read.remove("projectXml") {
                read.insert("data".to_owned(), document);
            }
            &[]
        }
        _ => &[],
    };
    for (name, zero) in zeros {
        read.entry((*name).to_owned()).or_insert_with(|| zero.clone());
    }
    read
}

/// What it cannot do it answers with success, and does not do it.
pub(super) fn answered(kind: &str, done: Done) -> Done {
    let is_taken = ["engine.", "memory.force", "memory.unforce", "breakpoint."];
    match done {
        Err(_) if is_taken.iter().any(|family| kind.starts_with(family)) => Ok(Map::new()),
        Ok(mut told) if kind == "engine.statistics" => {
            told.remove("targetScanTimeUs");
            Ok(told)
        }
        Ok(mut told) if kind == "engine.info" => {
            told.remove("ioConfig");
            told.remove("ioProviderName");
            Ok(told)
        }
        Ok(mut told) if kind == "program.upload" => {
            told.remove("format");
            told.remove("data");
            Ok(told)
        }
        done => done,
    }
}
