//! What the live channel tells of a PLC context: state, statistics, forces, breakpoints and power flow. Values come as signals.

use super::encode::{write_key, write_list, write_text_field, write_uint_field};
use crate::json::{write_string, write_text_or_null, write_uint};

/// How the scans of a context went. Times are in microseconds.
///
/// Shape: `{"count":1044,"last_us":38,"min_us":19,"max_us":95,"avg_us":43,"overruns":0,"target_us":10000,"watchdog_us":null,
/// "merged":0}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlcScan {
    /// Scans since the last download or reset.
    pub count: u64,
    /// How long the last one took.
    pub last_us: u64,
    /// The shortest; 0 before the first.
    pub min_us: u64,
    /// The longest.
    pub max_us: u64,
    /// The average; 0 before the first.
    pub avg_us: u64,
    /// Scans that took longer than the target.
    pub overruns: u64,
    /// How often a scan begins.
    pub target_us: u64,
    /// A scan that takes longer is a fault; `None` is off.
    pub watchdog_us: Option<u64>,
    /// Scans whose changes were merged.
    pub merged: u64,
}

/// How a context stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlcFrame<'a> {
    /// Its name.
    pub context: &'a str,
    /// The hub's clock in milliseconds.
    pub now_ms: u64,
    /// Its state: `Stopped`, `Running`, `Paused`, `Stepping`, `Fault`.
    pub state: &'a str,
    /// Why it is in fault.
    pub fault: Option<&'a str>,
    /// The rung that comes next in a scan that was begun, counted from 0.
    pub next_rung: Option<u64>,
    /// Number of its program; another number is another program. `None` without one.
    pub program: Option<u64>,
    /// How its scans went.
    pub scan: PlcScan,
    /// Addresses that are forced.
    pub forced: &'a [String],
    /// Rungs with a breakpoint, in order.
    pub breakpoints: &'a [usize],
    /// Power behind each instruction, 64 to a word, the first in the lowest bit; empty when there is none.
    pub power: &'a [u64],
}

/// Appends `{"type":"watching_plc","id":3,"context":"line","cycle_ms":100}`; the context is null when the watch has ended.
pub fn write_watching_plc(out: &mut Vec<u8>, id: u64, context: Option<&str>, cycle_ms: u64) {
    out.extend_from_slice(br#"{"type":"watching_plc""#);
    write_uint_field(out, "id", id);
    write_text_field(out, "context", context);
    write_uint_field(out, "cycle_ms", cycle_ms);
    out.push(b'}');
}

/// Appends one [`PlcFrame`]:
/// `{"type":"plc","context":"line","now_ms":1,"state":"Running","fault":null,"next_rung":null,"program":1,"scan":{…},
/// "forced":["I:0/3"],"breakpoints":[1],"power":"AQ=="}`. The power is the base64 of bytes, bit `k` of the stream (lowest bit
/// first) that behind instruction `k`.
pub fn write_plc(out: &mut Vec<u8>, frame: &PlcFrame<'_>) {
    out.extend_from_slice(br#"{"type":"plc""#);
    write_text_field(out, "context", Some(frame.context));
    write_uint_field(out, "now_ms", frame.now_ms);
    write_text_field(out, "state", Some(frame.state));
    write_text_field(out, "fault", frame.fault);
    write_optional(out, "next_rung", frame.next_rung);
    write_optional(out, "program", frame.program);
    out.extend_from_slice(br#","scan":{"count":"#);
    write_scan(out, &frame.scan);
    out.push(b'}');
    write_list(out, "forced", frame.forced, |out, address| write_string(out, address));
    write_list(out, "breakpoints", frame.breakpoints, |out, rung| {
        write_uint(out, *rung as u64);
    });
    let bytes: Vec<u8> = frame.power.iter().flat_map(|word| word.to_le_bytes()).collect();
    write_text_field(out, "power", Some(&data_encoding::BASE64.encode(&bytes)));
    out.push(b'}');
}

fn write_scan(out: &mut Vec<u8>, scan: &PlcScan) {
    write_uint(out, scan.count);
    write_uint_field(out, "last_us", scan.last_us);
    write_uint_field(out, "min_us", scan.min_us);
    write_uint_field(out, "max_us", scan.max_us);
    write_uint_field(out, "avg_us", scan.avg_us);
    write_uint_field(out, "overruns", scan.overruns);
    write_uint_field(out, "target_us", scan.target_us);
    write_optional(out, "watchdog_us", scan.watchdog_us);
    write_uint_field(out, "merged", scan.merged);
}

fn write_optional(out: &mut Vec<u8>, key: &str, value: Option<u64>) {
    write_key(out, key);
    match value {
        Some(value) => write_uint(out, value),
        None => write_text_or_null(out, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(write: impl FnOnce(&mut Vec<u8>), expected: &str) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
        serde_json::from_str::<serde_json::Value>(expected).unwrap();
    }

    #[test]
    fn the_answers_are_those_of_the_manual() {
        check(
            |out| write_watching_plc(out, 3, Some("line"), 100),
            r#"{"type":"watching_plc","id":3,"context":"line","cycle_ms":100}"#,
        );
        check(
            |out| write_watching_plc(out, 3, None, 100),
            r#"{"type":"watching_plc","id":3,"context":null,"cycle_ms":100}"#,
        );
    }

    #[test]
    fn a_frame_holds_everything_that_the_page_shows_and_no_value() {
        let forced = [String::from("I:0/3"), String::from("N:7")];
        let frame = PlcFrame {
            context: "a \"line\"",
            now_ms: 1,
            state: "Running",
            fault: None,
            next_rung: None,
            program: Some(1),
            scan: PlcScan {
                count: 1044,
                last_us: 38,
                min_us: 19,
                max_us: 95,
                avg_us: 43,
                overruns: 0,
                target_us: 10_000,
                watchdog_us: None,
                merged: 0,
            },
            forced: &forced,
            breakpoints: &[1, 4],
            power: &[0x0201],
        };
        check(
            |out| write_plc(out, &frame),
            concat!(
                r#"{"type":"plc","context":"a \"line\"","now_ms":1,"state":"Running","fault":null,"next_rung":null,"program":1,"#,
                r#""scan":{"count":1044,"last_us":38,"min_us":19,"max_us":95,"avg_us":43,"overruns":0,"target_us":10000,"#,
                r#""watchdog_us":null,"merged":0},"forced":["I:0/3","N:7"],"breakpoints":[1,4],"power":"AQIAAAAAAAA="}"#
            ),
        );
        let empty = PlcFrame {
            context: "x",
            state: "Fault",
            fault: Some("Division by zero"),
            next_rung: Some(3),
            program: None,
            scan: PlcScan {
                watchdog_us: Some(5),
                ..PlcScan::default()
            },
            forced: &[],
            breakpoints: &[],
            power: &[],
            ..frame
        };
        check(
            |out| write_plc(out, &empty),
            concat!(
                r#"{"type":"plc","context":"x","now_ms":1,"state":"Fault","fault":"Division by zero","next_rung":3,"program":null,"#,
                r#""scan":{"count":0,"last_us":0,"min_us":0,"max_us":0,"avg_us":0,"overruns":0,"target_us":0,"watchdog_us":5,"#,
                r#""merged":0},"forced":[],"breakpoints":[],"power":""}"#
            ),
        );
    }
}
