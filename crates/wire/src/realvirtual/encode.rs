//! Messages into the payload of a frame.
//!
//! Field order is that of captured peers: type, version, then the rest. Every function appends, so the payload can stand
//! behind the room of a frame header. Values that must not reach the wire (NaN, infinities, unusable ones) are left out with
//! their names (RV-44), except in a catalog, where a signal without a value would not exist for the peer.

use crate::json::{write_name, write_string, write_value};
use crate::value::Value;

/// Front of a `data` message, up to its first signal.
pub const DATA_HEAD: &[u8] = br#"{"type":"data","version":2,"signals":{"#;
/// Front of a `snapshot` message, up to its first signal.
pub const SNAPSHOT_HEAD: &[u8] = br#"{"type":"snapshot","version":2,"signals":{"#;
/// End of a `data`, `snapshot` or `import_answer` message, behind its last signal.
pub const SIGNALS_TAIL: &[u8] = b"}}";
/// Front of an `import_answer` message, up to its first value.
pub const IMPORT_ANSWER_HEAD: &[u8] = br#"{"type":"import_answer","version":2,"signals":{"#;
/// Between the last value and the first type of an `import_answer` message.
pub const IMPORT_ANSWER_MIDDLE: &[u8] = br#"},"signalTypes":{"#;

/// Appends `{"type":"init","version":2,"name":"WebViewer"}` (RV-1).
pub fn write_init(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(br#"{"type":"init","version":2,"name":"#);
    write_string(out, name);
    out.push(b'}');
}

/// Appends `{"type":"import_request","version":2}` (RV-2).
pub fn write_import_request(out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"import_request","version":2}"#);
}

/// Appends `{"type":"import_answer","version":2,"signals":{…},"signalTypes":{…}}` (RV-3, RV-15).
///
/// `signals` gives name, value and type string. A value that cannot be written stands as `null`, so that the signal is still
/// named (RV-44 keeps NaN itself off the wire).
pub fn write_import_answer<'a>(
    out: &mut Vec<u8>,
    signals: impl Iterator<Item = (&'a str, Value<'a>, &'a str)> + Clone,
) {
    out.extend_from_slice(IMPORT_ANSWER_HEAD);
    for (index, (name, value, _)) in signals.clone().enumerate() {
        write_comma(out, index);
        write_name(out, name);
        if !write_value(out, value) {
            out.extend_from_slice(b"null");
        }
    }
    out.extend_from_slice(IMPORT_ANSWER_MIDDLE);
    for (index, (name, _, type_string)) in signals.enumerate() {
        write_comma(out, index);
        write_name(out, name);
        write_string(out, type_string);
    }
    out.extend_from_slice(SIGNALS_TAIL);
}

/// Appends `{"type":"subscribe","version":2,"subscribe":[…]}` (RV-4).
pub fn write_subscribe<N: AsRef<str>>(out: &mut Vec<u8>, names: impl IntoIterator<Item = N>) {
    out.extend_from_slice(br#"{"type":"subscribe","version":2,"subscribe":["#);
    for (index, name) in names.into_iter().enumerate() {
        write_comma(out, index);
        write_string(out, name.as_ref());
    }
    out.extend_from_slice(b"]}");
}

/// Appends `{"type":"snapshot","version":2,"signals":{…}}` (RV-5) and tells how many values had to be left out (RV-44).
pub fn write_snapshot<'a>(out: &mut Vec<u8>, signals: impl IntoIterator<Item = (&'a str, Value<'a>)>) -> usize {
    write_signals(out, SNAPSHOT_HEAD, signals)
}

/// Appends `{"type":"data","version":2,"signals":{…}}` (RV-6) and tells how many values had to be left out (RV-44).
pub fn write_data<'a>(out: &mut Vec<u8>, signals: impl IntoIterator<Item = (&'a str, Value<'a>)>) -> usize {
    write_signals(out, DATA_HEAD, signals)
}

/// Appends `{"type":"config_get"}` (RV-7).
pub fn write_config_get(out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"config_get"}"#);
}

/// Appends `{"type":"config_answer","config":{…}}` (RV-7).
pub fn write_config_answer(out: &mut Vec<u8>, config: &[(String, serde_json::Value)]) {
    out.extend_from_slice(br#"{"type":"config_answer","config":"#);
    write_config(out, config);
    out.push(b'}');
}

/// Appends `{"type":"config_set","config":{…}}` (RV-8).
pub fn write_config_set(out: &mut Vec<u8>, config: &[(String, serde_json::Value)]) {
    out.extend_from_slice(br#"{"type":"config_set","config":"#);
    write_config(out, config);
    out.push(b'}');
}

/// Appends `{"type":"config_result","success":true,"message":"applied"}` (RV-8).
pub fn write_config_result(out: &mut Vec<u8>, success: bool, message: &str) {
    out.extend_from_slice(br#"{"type":"config_result","success":"#);
    out.extend_from_slice(if success { b"true" } else { b"false" });
    out.extend_from_slice(br#","message":"#);
    write_string(out, message);
    out.push(b'}');
}

fn write_signals<'a>(out: &mut Vec<u8>, head: &[u8], signals: impl IntoIterator<Item = (&'a str, Value<'a>)>) -> usize {
    out.extend_from_slice(head);
    let first_at = out.len();
    let mut left_out = 0;
    for (name, value) in signals {
        let before = out.len();
        if before > first_at {
            out.push(b',');
        }
        write_name(out, name);
        if !write_value(out, value) {
            out.truncate(before);
            left_out += 1;
        }
    }
    out.extend_from_slice(SIGNALS_TAIL);
    left_out
}

fn write_config(out: &mut Vec<u8>, config: &[(String, serde_json::Value)]) {
    out.push(b'{');
    for (index, (key, value)) in config.iter().enumerate() {
        write_comma(out, index);
        write_name(out, key);
        serde_json::to_writer(&mut *out, value).expect("a JSON value is writable and memory does not refuse bytes");
    }
    out.push(b'}');
}

fn write_comma(out: &mut Vec<u8>, index: usize) {
    if index > 0 {
        out.push(b',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rv44_values_that_cannot_be_written_are_left_out_with_their_names() {
        let nan = Value::Float(f64::NAN);
        let mut out = Vec::new();
        let left_out = write_data(
            &mut out,
            [
                ("a", nan),
                ("b", Value::Int(1)),
                ("c", Value::Unusable),
                ("d", Value::Bool(true)),
                ("e", nan),
            ],
        );
        assert_eq!(
            std::str::from_utf8(&out).unwrap(),
            r#"{"type":"data","version":2,"signals":{"b":1,"d":true}}"#
        );
        assert_eq!(left_out, 3);
    }

    #[test]
    fn rv15_a_catalog_names_a_signal_even_without_a_value() {
        let mut out = Vec::new();
        write_import_answer(&mut out, [("a", Value::Float(f64::NAN), "Float")].into_iter());
        let expected = r#"{"type":"import_answer","version":2,"signals":{"a":null},"signalTypes":{"a":"Float"}}"#;
        assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
    }

    #[test]
    fn messages_without_signals_are_complete() {
        let check = |write: &dyn Fn(&mut Vec<u8>), expected: &str| {
            let mut out = b"kept".to_vec();
            write(&mut out);
            assert_eq!(std::str::from_utf8(&out).unwrap(), format!("kept{expected}"));
        };
        check(
            &|out| assert_eq!(write_data(out, []), 0),
            r#"{"type":"data","version":2,"signals":{}}"#,
        );
        check(
            &|out| assert_eq!(write_snapshot(out, []), 0),
            r#"{"type":"snapshot","version":2,"signals":{}}"#,
        );
        check(
            &|out| write_subscribe(out, [""; 0]),
            r#"{"type":"subscribe","version":2,"subscribe":[]}"#,
        );
        check(
            &|out| write_config_answer(out, &[]),
            r#"{"type":"config_answer","config":{}}"#,
        );
        check(
            &|out| write_import_answer(out, std::iter::empty()),
            r#"{"type":"import_answer","version":2,"signals":{},"signalTypes":{}}"#,
        );
    }
}
