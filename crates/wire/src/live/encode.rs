//! Messages of the hub on the live channel.
//!
//! Every function appends to a payload. Messages with many rows take an iterator of rows; a row alone can be appended too, for
//! whoever caches rows and splices them.

use crate::json::{write_name, write_string, write_text_or_null, write_uint, write_value};
use crate::value::{Kind, Value};

/// How far a value can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// The writer is alive.
    Good,
    /// The writer has been silent for too long, or is gone.
    Stale,
    /// The value cannot be used.
    Bad,
}

impl Quality {
    /// The word of the API: `good`, `stale` or `bad`.
    pub const fn word(self) -> &'static str {
        match self {
            Quality::Good => "good",
            Quality::Stale => "stale",
            Quality::Bad => "bad",
        }
    }
}

/// One signal with all that a table shows; also a row of the HTTP API.
///
/// Shape: `{"id":7,"name":"twin/line/Level","kind":"float","value":42.5,"quality":"good","reason":null,"owner":"peer",
/// "writer":"Practice twin","conflict":false,"writable":true,"generation":9120,"changed_at_ms":81200,"confirmed_at_ms":81230}`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignalRow<'a> {
    /// Number of the signal in this run of the hub.
    pub id: u32,
    /// Full path of the signal.
    pub name: &'a str,
    /// What it holds.
    pub kind: Kind,
    /// What it holds now; written as `null` when it is unusable or no finite number.
    pub value: Value<'a>,
    /// How far that can be trusted.
    pub quality: Quality,
    /// Why the quality is not good.
    pub reason: Option<&'a str>,
    /// Who is meant to write it: `hub` or `peer`.
    pub owner: &'a str,
    /// Name of who wrote it last.
    pub writer: Option<&'a str>,
    /// Whether two writers compete for it.
    pub conflict: bool,
    /// Whether this client may write it.
    pub writable: bool,
    /// Generation of the last change.
    pub generation: u64,
    /// Time of the last change on the hub's clock, in milliseconds.
    pub changed_at_ms: u64,
    /// Time of the writer's last sign of life, in milliseconds.
    pub confirmed_at_ms: u64,
}

/// One changed signal of a `data` message.
///
/// Shape: `[7,42.5,"good",81200,3]`, a bad one `[7,0,["bad","reason"],81200,null]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DataRow<'a> {
    /// Number of the signal in this run of the hub.
    pub id: u32,
    /// Its value; written as `null` when it is unusable or no finite number.
    pub value: Value<'a>,
    /// How far that can be trusted.
    pub quality: Quality,
    /// Why the quality is bad; of no effect otherwise.
    pub reason: &'a str,
    /// Time of the last change on the hub's clock, in milliseconds.
    pub changed_at_ms: u64,
    /// Who wrote it last; nobody yet when `None`.
    pub writer: Option<Writer>,
}

/// Who wrote a value, short.
///
/// Shape: a client by its number `3`, others in words `"route 1"`, `"plc 0"`, `"operator"`, `"replay"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writer {
    /// A connected client.
    Client(u64),
    /// A route by its id.
    Route(u32),
    /// The engine of a PLC context, by the number of the context.
    Plc(u16),
    /// A person or script through the API.
    Operator,
    /// A recording that is replayed.
    Replay,
}

/// What stands before the rows of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotFront {
    /// The id of the request that is answered.
    pub id: u64,
    /// The hub's clock in milliseconds.
    pub now_ms: u64,
    /// Generation that the rows show.
    pub generation: u64,
}

/// What stands before the rows of a data message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataFront {
    /// The hub's clock in milliseconds.
    pub now_ms: u64,
    /// Generation that the rows show.
    pub generation: u64,
    /// Set when frames were merged because the client did not take them in time.
    pub gap: Option<Gap>,
}

/// Cycles that a slow client did not see one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// When the last frame before the gap was taken, in milliseconds on the hub's clock.
    pub since_ms: u64,
    /// How many cycles are merged into this frame.
    pub merged: u64,
}

/// What became of one written signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WriteOutcome<'a> {
    /// Written; this is the stored value. Shape: `{"ok":true,"value":true}`.
    Stored(Value<'a>),
    /// Not written. Shape: `{"ok":false,"code":"not_found","message":"no such signal"}`.
    Refused {
        /// A word for programs, from the list of the HTTP API.
        code: &'a str,
        /// A text for people.
        message: &'a str,
    },
}

/// Appends `{"type":"hello","epoch":5,"now_ms":81234,"generation":9123,"version":"0.1.0"}`.
pub fn write_hello(out: &mut Vec<u8>, epoch: u64, now_ms: u64, generation: u64, version: &str) {
    out.extend_from_slice(br#"{"type":"hello""#);
    write_uint_field(out, "epoch", epoch);
    write_uint_field(out, "now_ms", now_ms);
    write_uint_field(out, "generation", generation);
    write_text_field(out, "version", Some(version));
    out.push(b'}');
}

/// Appends `{"type":"snapshot","id":1,"now_ms":81234,"generation":9123,"signals":[…],"unknown":["no/such/name"]}`.
pub fn write_snapshot<'a, N: AsRef<str>>(
    out: &mut Vec<u8>,
    front: SnapshotFront,
    rows: impl IntoIterator<Item = SignalRow<'a>>,
    unknown: impl IntoIterator<Item = N>,
) {
    write_snapshot_head(out, front);
    for (index, row) in rows.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_signal_row(out, &row);
    }
    write_snapshot_tail(out, unknown);
}

/// Appends what stands before the rows of a snapshot, for whoever writes a long one in several turns.
pub fn write_snapshot_head(out: &mut Vec<u8>, front: SnapshotFront) {
    out.extend_from_slice(br#"{"type":"snapshot""#);
    write_uint_field(out, "id", front.id);
    write_uint_field(out, "now_ms", front.now_ms);
    write_uint_field(out, "generation", front.generation);
    write_key(out, "signals");
    out.push(b'[');
}

/// Appends what stands behind the rows of a snapshot.
pub fn write_snapshot_tail<N: AsRef<str>>(out: &mut Vec<u8>, unknown: impl IntoIterator<Item = N>) {
    out.push(b']');
    write_list(out, "unknown", unknown, |out, name| write_string(out, name.as_ref()));
    out.push(b'}');
}

/// Appends `{"type":"added","now_ms":81234,"generation":9123,"signals":[…]}`.
pub fn write_added<'a>(out: &mut Vec<u8>, now_ms: u64, generation: u64, rows: impl IntoIterator<Item = SignalRow<'a>>) {
    out.extend_from_slice(br#"{"type":"added""#);
    write_uint_field(out, "now_ms", now_ms);
    write_uint_field(out, "generation", generation);
    write_list(out, "signals", rows, |out, row| write_signal_row(out, &row));
    out.push(b'}');
}

/// Appends `{"type":"data","now_ms":81234,"generation":9123,"signals":[[7,42.5,"good",81200,3]]}`, with
/// `"gap":{"since_ms":80000,"merged":12}` before the signals when there was one.
pub fn write_data<'a>(out: &mut Vec<u8>, front: DataFront, rows: impl IntoIterator<Item = DataRow<'a>>) {
    out.extend_from_slice(br#"{"type":"data""#);
    write_uint_field(out, "now_ms", front.now_ms);
    write_uint_field(out, "generation", front.generation);
    if let Some(gap) = front.gap {
        out.extend_from_slice(br#","gap":{"since_ms":"#);
        write_uint(out, gap.since_ms);
        write_uint_field(out, "merged", gap.merged);
        out.push(b'}');
    }
    write_list(out, "signals", rows, |out, row| write_data_row(out, &row));
    out.push(b'}');
}

/// Appends `{"type":"tick","now_ms":82234,"generation":9200,"writers":{"3":82230},"lag_ms":0}`.
///
/// `writers` gives clients and routes with the time of their last sign of life in milliseconds.
pub fn write_tick(
    out: &mut Vec<u8>,
    now_ms: u64,
    generation: u64,
    writers: impl IntoIterator<Item = (Writer, u64)>,
    lag_ms: u64,
) {
    out.extend_from_slice(br#"{"type":"tick""#);
    write_uint_field(out, "now_ms", now_ms);
    write_uint_field(out, "generation", generation);
    out.extend_from_slice(br#","writers":{"#);
    for (index, (writer, seen_at_ms)) in writers.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_writer_text(out, writer);
        out.push(b':');
        write_uint(out, seen_at_ms);
    }
    out.push(b'}');
    write_uint_field(out, "lag_ms", lag_ms);
    out.push(b'}');
}

/// How the hub's clock goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClockFrame<'a> {
    /// `real`, `scaled`, `stepped` or `recording`.
    pub mode: &'a str,
    /// Hub seconds per second of the world; 0 while it stands.
    pub rate: f64,
    /// Whether it goes.
    pub running: bool,
    /// The hub's time in milliseconds.
    pub now_ms: u64,
    /// The hub's time in milliseconds at which a step ends.
    pub until_ms: Option<u64>,
    /// The time since the start of the hub as the world goes, in milliseconds.
    pub real_ms: u64,
}

/// Appends `{"type":"clock","mode":"scaled","rate":10,"running":true,"now_ms":82234,"until_ms":null,"real_ms":41200}`.
pub fn write_clock(out: &mut Vec<u8>, clock: &ClockFrame<'_>) {
    out.extend_from_slice(br#"{"type":"clock","mode":"#);
    write_string(out, clock.mode);
    out.extend_from_slice(br#","rate":"#);
    write_value(out, Value::Float(clock.rate));
    out.extend_from_slice(if clock.running {
        br#","running":true"#
    } else {
        br#","running":false"#
    });
    write_uint_field(out, "now_ms", clock.now_ms);
    match clock.until_ms {
        Some(until_ms) => write_uint_field(out, "until_ms", until_ms),
        None => out.extend_from_slice(br#","until_ms":null"#),
    }
    write_uint_field(out, "real_ms", clock.real_ms);
    out.push(b'}');
}

/// Appends `{"type":"write_result","id":7,"signals":{"twin/line/Run":{"ok":true,"value":true}}}`.
pub fn write_write_result<'a>(
    out: &mut Vec<u8>,
    id: u64,
    outcomes: impl IntoIterator<Item = (&'a str, WriteOutcome<'a>)>,
) {
    out.extend_from_slice(br#"{"type":"write_result""#);
    write_uint_field(out, "id", id);
    out.extend_from_slice(br#","signals":{"#);
    for (index, (name, outcome)) in outcomes.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_name(out, name);
        match outcome {
            WriteOutcome::Stored(value) => {
                out.extend_from_slice(br#"{"ok":true,"value":"#);
                write_value_or_null(out, value);
            }
            WriteOutcome::Refused { code, message } => {
                out.extend_from_slice(br#"{"ok":false"#);
                write_text_field(out, "code", Some(code));
                write_text_field(out, "message", Some(message));
            }
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"}}");
}

/// Appends `{"type":"error","id":7,"code":"stale_epoch","message":"…"}`. The id is null when the request had none that could
/// be read.
pub fn write_error(out: &mut Vec<u8>, id: Option<u64>, code: &str, message: &str) {
    out.extend_from_slice(br#"{"type":"error""#);
    match id {
        Some(id) => write_uint_field(out, "id", id),
        None => out.extend_from_slice(br#","id":null"#),
    }
    write_text_field(out, "code", Some(code));
    write_text_field(out, "message", Some(message));
    out.push(b'}');
}

/// Appends one [`SignalRow`].
pub fn write_signal_row(out: &mut Vec<u8>, row: &SignalRow<'_>) {
    out.extend_from_slice(br#"{"id":"#);
    write_uint(out, u64::from(row.id));
    write_text_field(out, "name", Some(row.name));
    write_text_field(out, "kind", Some(row.kind.word()));
    out.extend_from_slice(br#","value":"#);
    write_value_or_null(out, row.value);
    write_text_field(out, "quality", Some(row.quality.word()));
    write_text_field(out, "reason", row.reason);
    write_text_field(out, "owner", Some(row.owner));
    write_text_field(out, "writer", row.writer);
    write_bool_field(out, "conflict", row.conflict);
    write_bool_field(out, "writable", row.writable);
    write_uint_field(out, "generation", row.generation);
    write_uint_field(out, "changed_at_ms", row.changed_at_ms);
    write_uint_field(out, "confirmed_at_ms", row.confirmed_at_ms);
    out.push(b'}');
}

/// Appends one [`DataRow`].
pub fn write_data_row(out: &mut Vec<u8>, row: &DataRow<'_>) {
    out.push(b'[');
    write_uint(out, u64::from(row.id));
    out.push(b',');
    write_value_or_null(out, row.value);
    match row.quality {
        Quality::Good => out.extend_from_slice(br#","good","#),
        Quality::Stale => out.extend_from_slice(br#","stale","#),
        Quality::Bad => {
            out.extend_from_slice(br#",["bad","#);
            write_string(out, row.reason);
            out.extend_from_slice(b"],");
        }
    }
    write_uint(out, row.changed_at_ms);
    out.push(b',');
    match row.writer {
        Some(Writer::Client(client)) => write_uint(out, client),
        Some(writer) => write_writer_text(out, writer),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b']');
}

/// A writer as a JSON string.
fn write_writer_text(out: &mut Vec<u8>, writer: Writer) {
    out.push(b'"');
    match writer {
        Writer::Client(client) => write_uint(out, client),
        Writer::Route(route) => {
            out.extend_from_slice(b"route ");
            write_uint(out, u64::from(route));
        }
        Writer::Plc(plc) => {
            out.extend_from_slice(b"plc ");
            write_uint(out, u64::from(plc));
        }
        Writer::Operator => out.extend_from_slice(b"operator"),
        Writer::Replay => out.extend_from_slice(b"replay"),
    }
    out.push(b'"');
}

fn write_value_or_null(out: &mut Vec<u8>, value: Value<'_>) {
    if !write_value(out, value) {
        out.extend_from_slice(b"null");
    }
}

/// Appends `,"key":[…]`.
pub(super) fn write_list<T>(
    out: &mut Vec<u8>,
    key: &str,
    items: impl IntoIterator<Item = T>,
    mut write_item: impl FnMut(&mut Vec<u8>, T),
) {
    write_key(out, key);
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_item(out, item);
    }
    out.push(b']');
}

pub(super) fn write_uint_field(out: &mut Vec<u8>, key: &str, value: u64) {
    write_key(out, key);
    write_uint(out, value);
}

fn write_bool_field(out: &mut Vec<u8>, key: &str, value: bool) {
    write_key(out, key);
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

pub(super) fn write_text_field(out: &mut Vec<u8>, key: &str, value: Option<&str>) {
    write_key(out, key);
    write_text_or_null(out, value);
}

pub(super) fn write_key(out: &mut Vec<u8>, key: &str) {
    out.push(b',');
    write_name(out, key);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: SignalRow<'static> = SignalRow {
        id: 7,
        name: "twin/line/Level",
        kind: Kind::Float,
        value: Value::Float(42.5),
        quality: Quality::Good,
        reason: None,
        owner: "peer",
        writer: Some("Practice twin"),
        conflict: false,
        writable: true,
        generation: 9120,
        changed_at_ms: 81_200,
        confirmed_at_ms: 81_230,
    };

    const ROW_TEXT: &str = concat!(
        r#"{"id":7,"name":"twin/line/Level","kind":"float","value":42.5,"quality":"good","reason":null,"#,
        r#""owner":"peer","writer":"Practice twin","conflict":false,"writable":true,"generation":9120,"#,
        r#""changed_at_ms":81200,"confirmed_at_ms":81230}"#
    );

    fn check(write: impl FnOnce(&mut Vec<u8>), expected: &str) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
        serde_json::from_str::<serde_json::Value>(expected).unwrap();
    }

    #[test]
    fn a_signal_row_is_that_of_the_manual() {
        check(|out| write_signal_row(out, &ROW), ROW_TEXT);
        let silent = SignalRow {
            value: Value::Float(f64::NAN),
            quality: Quality::Bad,
            reason: Some("no \"number\""),
            writer: None,
            conflict: true,
            ..ROW
        };
        let expected = ROW_TEXT
            .replace("42.5", "null")
            .replace(r#""good","reason":null"#, r#""bad","reason":"no \"number\"""#)
            .replace(r#""Practice twin","conflict":false"#, r#"null,"conflict":true"#);
        check(|out| write_signal_row(out, &silent), &expected);
    }

    #[test]
    fn snapshots_and_additions_hold_rows() {
        let front = SnapshotFront {
            id: 1,
            now_ms: 81_234,
            generation: 9123,
        };
        check(
            |out| write_snapshot(out, front, [ROW, ROW], ["no/such/name"]),
            &format!(
                r#"{{"type":"snapshot","id":1,"now_ms":81234,"generation":9123,"signals":[{ROW_TEXT},{ROW_TEXT}],"unknown":["no/such/name"]}}"#
            ),
        );
        check(
            |out| write_snapshot(out, front, [], [""; 0]),
            r#"{"type":"snapshot","id":1,"now_ms":81234,"generation":9123,"signals":[],"unknown":[]}"#,
        );
        check(
            |out| write_added(out, 1, 2, [ROW]),
            &format!(r#"{{"type":"added","now_ms":1,"generation":2,"signals":[{ROW_TEXT}]}}"#),
        );
    }

    #[test]
    fn data_rows_are_short() {
        let row = DataRow {
            id: 7,
            value: Value::Bool(true),
            quality: Quality::Good,
            reason: "",
            changed_at_ms: 81_200,
            writer: Some(Writer::Client(3)),
        };
        let rows = [
            row,
            DataRow {
                id: 8,
                value: Value::Unusable,
                quality: Quality::Stale,
                writer: None,
                ..row
            },
            DataRow {
                id: 9,
                value: Value::Text("a\nb"),
                quality: Quality::Bad,
                reason: "no sensor",
                ..row
            },
        ];
        let text = r#"[[7,true,"good",81200,3],[8,null,"stale",81200,null],[9,"a\nb",["bad","no sensor"],81200,3]]"#;
        let front = DataFront {
            now_ms: 5,
            generation: 6,
            gap: None,
        };
        check(
            |out| write_data(out, front, rows),
            &format!(r#"{{"type":"data","now_ms":5,"generation":6,"signals":{text}}}"#),
        );
        let front = DataFront {
            gap: Some(Gap {
                since_ms: 80_000,
                merged: 12,
            }),
            ..front
        };
        check(
            |out| write_data(out, front, []),
            r#"{"type":"data","now_ms":5,"generation":6,"gap":{"since_ms":80000,"merged":12},"signals":[]}"#,
        );
    }

    #[test]
    fn the_small_messages_are_those_of_the_manual() {
        check(
            |out| write_hello(out, 5, 81_234, 9123, "0.1.0"),
            r#"{"type":"hello","epoch":5,"now_ms":81234,"generation":9123,"version":"0.1.0"}"#,
        );
        let mut clock = ClockFrame {
            mode: "scaled",
            rate: 10.0,
            running: true,
            now_ms: 82_234,
            until_ms: None,
            real_ms: 41_200,
        };
        check(
            |out| write_clock(out, &clock),
            r#"{"type":"clock","mode":"scaled","rate":10,"running":true,"now_ms":82234,"until_ms":null,"real_ms":41200}"#,
        );
        (clock.rate, clock.running, clock.until_ms) = (0.0, false, Some(9));
        check(
            |out| write_clock(out, &clock),
            r#"{"type":"clock","mode":"scaled","rate":0,"running":false,"now_ms":82234,"until_ms":9,"real_ms":41200}"#,
        );
        check(
            |out| write_tick(out, 82_234, 9200, [(Writer::Client(3), 82_230)], 0),
            r#"{"type":"tick","now_ms":82234,"generation":9200,"writers":{"3":82230},"lag_ms":0}"#,
        );
        check(
            |out| {
                write_tick(
                    out,
                    1,
                    2,
                    [(Writer::Client(3), 4), (Writer::Route(5), 6), (Writer::Plc(0), 7)],
                    7,
                )
            },
            r#"{"type":"tick","now_ms":1,"generation":2,"writers":{"3":4,"route 5":6,"plc 0":7},"lag_ms":7}"#,
        );
        let refused = WriteOutcome::Refused {
            code: "not_found",
            message: "no such signal",
        };
        check(
            |out| {
                let outcomes = [
                    ("twin/line/Run", WriteOutcome::Stored(Value::Bool(true))),
                    ("x", refused),
                ];
                write_write_result(out, 7, outcomes);
            },
            concat!(
                r#"{"type":"write_result","id":7,"signals":{"twin/line/Run":{"ok":true,"value":true},"#,
                r#""x":{"ok":false,"code":"not_found","message":"no such signal"}}}"#
            ),
        );
        check(
            |out| write_error(out, Some(7), "stale_epoch", "the link was lost"),
            r#"{"type":"error","id":7,"code":"stale_epoch","message":"the link was lost"}"#,
        );
        check(
            |out| write_error(out, None, "bad_request", ""),
            r#"{"type":"error","id":null,"code":"bad_request","message":""}"#,
        );
    }
}
