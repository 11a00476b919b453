//! One entry as a line, and how lines hang together.
//!
//! A line is one JSON object and a line end. Its fields stand in this order:
//!
//! ```text
//! {"n":7,"at":"2026-03-01T09:30:00.250Z","who":"HMI west","key":"k2","from":"192.168.1.20:50112","what":"write",
//!  "subject":"twin/line/Start","old":false,"new":true,"prev":"<64 digits>","hash":"<64 digits>"}
//! ```
//!
//! `n` counts from 1 without gaps. `hash` is the SHA-256, as 64 lower-case hexadecimal digits, of the bytes of the line from its first
//! brace up to the comma before `"hash"`, that comma not included. `prev` is the hash of the line before, or 64 zeros in the first line;
//! as `prev` is among the bytes that are hashed, each hash covers the whole log before it.

use crate::state;
use crosstie_hub::output::AuditEntry;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::time::SystemTime;

/// Bytes of one value or text of an entry. The rest of a longer one is left out, and its length is said instead.
const VALUE_LEN_MAX: usize = 1_024;

/// Bytes of a line: no entry becomes longer, so a longer line is none of ours.
pub(super) const LINE_LEN_MAX: usize = 64 << 10;

/// What stands before the hash of a line.
const BEFORE_HASH: &str = ",\"hash\":\"";

/// What stands behind it.
const AFTER_HASH: &str = "\"}";

/// Digits of a hash.
const HASH_LEN: usize = 64;

/// Something that somebody has done, not yet in the log.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// When.
    pub(crate) at: SystemTime,
    /// Who.
    pub(crate) who: String,
    /// Id of the key that was shown.
    pub(crate) key: Option<String>,
    /// From where.
    pub(crate) from: String,
    /// What was done.
    pub(crate) what: &'static str,
    /// To what.
    pub(crate) subject: String,
    /// What was there before.
    pub(crate) old: Value,
    /// What is there now.
    pub(crate) new: Value,
}

impl Record {
    /// The log's own entry about the log.
    pub(super) fn of_log(what: &'static str, subject: String) -> Record {
        Record {
            at: SystemTime::now(),
            who: String::from("the hub"),
            key: None,
            from: String::new(),
            what,
            subject,
            old: Value::Null,
            new: Value::Null,
        }
    }
}

impl From<AuditEntry> for Record {
    fn from(entry: AuditEntry) -> Record {
        Record {
            at: SystemTime::now(),
            who: entry.by.access.who.to_string(),
            key: crate::keys::gate::key_id(&entry.by.access).map(str::to_owned),
            from: entry.by.from.into(),
            what: entry.what,
            subject: entry.subject,
            old: entry.old,
            new: entry.new,
        }
    }
}

/// Where the chain ends: the number and the hash of its last entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    /// Number of the entry; 0 before the first one.
    pub(super) n: u64,
    /// Its hash.
    pub(super) hash: String,
}

impl Link {
    /// The end of a log without entries.
    pub(super) fn start() -> Link {
        Link {
            n: 0,
            hash: "0".repeat(HASH_LEN),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    n: u64,
    at: String,
    who: &'a str,
    key: Option<&'a str>,
    from: &'a str,
    what: &'a str,
    subject: &'a str,
    old: Value,
    new: Value,
    prev: &'a str,
}

/// Writes an entry behind the end of the chain and moves the end.
pub(super) fn push_line(text: &mut String, end: &mut Link, record: &Record) -> serde_json::Result<()> {
    let body = Body {
        n: end.n + 1,
        at: state::rfc3339(record.at),
        who: &shortened(&record.who),
        key: record.key.as_deref(),
        from: &shortened(&record.from),
        what: record.what,
        subject: &shortened(&record.subject),
        old: shortened_value(&record.old),
        new: shortened_value(&record.new),
        prev: &end.hash,
    };
    let body = serde_json::to_string(&body)?;
    let body = body.strip_suffix('}').unwrap_or(&body);
    let hash = HEXLOWER.encode(&Sha256::digest(body.as_bytes()));
    for piece in [body, BEFORE_HASH, &hash, AFTER_HASH, "\n"] {
        text.push_str(piece);
    }
    *end = Link { n: end.n + 1, hash };
    Ok(())
}

/// What a line says about its place in the chain.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Linked {
    /// Its own number and hash.
    pub(super) link: Link,
    /// The hash of the line before.
    pub(super) prev: String,
}

/// Reads a line, without its end, and checks its own hash.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn read_line(line: &[u8]) -> Result<Linked, &'static str> {
    #[derive(Deserialize)]
    struct Fields {
        n: u64,
        prev: String,
        hash: String,
    }
    if line.len() > LINE_LEN_MAX {
        return Err("it is longer than any entry");
    }
    let fields: Fields = serde_json::from_slice(line).map_err(|_| "it is no entry")?;
    let tail_len = BEFORE_HASH.len() + HASH_LEN + AFTER_HASH.len();
    let (body, tail) = line.split_at(line.len().saturating_sub(tail_len));
    if tail != format!("{BEFORE_HASH}{}{AFTER_HASH}", fields.hash).as_bytes() {
        return Err("its hash does not stand at its end");
    }
    if HEXLOWER.encode(&Sha256::digest(body)) != fields.hash {
        return Err("it was changed: its hash is that of another entry");
    }
    Ok(Linked {
        link: Link {
            n: fields.n,
            hash: fields.hash,
        },
        prev: fields.prev,
    })
}

/// A text within the limit, with its length when it was longer.
fn shortened(text: &str) -> String {
    if text.len() <= VALUE_LEN_MAX {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(VALUE_LEN_MAX);
    format!("{}… ({} bytes)", &text[..end], text.len())
}

fn shortened_value(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(shortened(text)),
        Value::Array(_) | Value::Object(_) => {
            let text = value.to_string();
            if text.len() <= VALUE_LEN_MAX {
                value.clone()
            } else {
                Value::String(shortened(&text))
            }
        }
        small => small.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(new: Value) -> Record {
        Record {
            new,
            ..Record::of_log("write", String::from("twin/line/Start"))
        }
    }

    #[test]
    fn a_line_is_read_back_and_any_other_byte_is_noticed() {
        let mut text = String::new();
        let mut end = Link::start();
        push_line(&mut text, &mut end, &record(json!("ü\n"))).unwrap();
        let line = text.trim_end().as_bytes();
        let read = read_line(line).unwrap();
        assert_eq!((&read.link, read.prev.as_str()), (&end, Link::start().hash.as_str()));
        for at in 0..line.len() {
            let mut changed = line.to_vec();
            changed[at] ^= 1;
            assert!(read_line(&changed).is_err(), "byte {at}");
        }
        assert!(read_line(b"").is_err() && read_line(b"{}").is_err());
    }

    #[test]
    fn no_line_is_longer_than_the_limit_and_a_long_value_keeps_its_length() {
        let worst = "\u{1}".repeat(1 << 20);
        let record = Record {
            who: worst.clone(),
            from: worst.clone(),
            subject: worst.clone(),
            old: json!(worst),
            ..record(json!([worst]))
        };
        let mut text = String::new();
        push_line(&mut text, &mut Link::start(), &record).unwrap();
        assert!(text.len() <= LINE_LEN_MAX, "{}", text.len());
        assert!(read_line(text.trim_end().as_bytes()).is_ok());
        assert_eq!(
            shortened(&"ü".repeat(600)),
            format!("{}… (1200 bytes)", "ü".repeat(512))
        );
        assert_eq!(shortened_value(&json!([1, 2])), json!([1, 2]));
    }
}
