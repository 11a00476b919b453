//! Snapshots: frames byte by byte, and what is no snapshot.

use super::lines;
use crosstie_wire::piplc::*;

/// A frame from rows of an offset and bytes in hexadecimal; what no row shows is zero.
fn frame(file: &str) -> Vec<u8> {
    let mut frame = vec![0; 2704];
    for row in lines(file) {
        let mut words = row.split_whitespace();
        let offset: usize = words
            .next()
            .and_then(|offset| offset.parse().ok())
            .expect("a row has an offset");
        for (index, byte) in words.enumerate() {
            frame[offset + index] = u8::from_str_radix(byte, 16).expect("a byte is hexadecimal");
        }
    }
    frame
}

fn written(header: &SnapshotHeader, body: &SnapshotBody, dialect: Dialect) -> Vec<u8> {
    let mut out = b"kept".to_vec();
    write_snapshot(&mut out, header, body, dialect);
    assert_eq!(&out[..4], b"kept");
    out.split_off(4)
}

/// Writes to these bytes and reads from them.
fn check(file: &str, dialect: Dialect, header: SnapshotHeader, body: SnapshotBody) {
    let frame = frame(file);
    assert!(written(&header, &body, dialect) == frame, "{file} is written otherwise");
    assert_eq!(
        [&encode_header(&header)[..], &encode_body(&body, dialect)].concat(),
        frame
    );
    assert_eq!(read_snapshot(&frame, dialect), Ok(Snapshot { header, body }));
}

#[test]
fn pl22_a_snapshot_of_the_published_engine_is_written_and_read_byte_for_byte() {
    let header = SnapshotHeader {
        sequence: 1,
        timestamp_ms: 0,
        state: EngineState::Paused.byte(),
        context_index: 0,
    };
    let mut body = SnapshotBody::default();
    body.inputs[0] = 1 << 3;
    body.bits[0] = 1;
    body.integers[0] = 0x1234_5678;
    body.timers[0] = SlotCells {
        pre: 1000,
        acc: 10,
        flags: timer_flag::ENABLED | timer_flag::TIMING,
    };
    body.counters[0] = SlotCells {
        pre: 5,
        acc: 1,
        flags: counter_flag::COUNT_UP,
    };
    body.forces[0] = 1 << 3;
    body.forces[9] = 1 << 31;
    body.forces[79] = 1;
    check("v01-snapshot.rows", Dialect::V01, header, body);
}

#[test]
fn pl23_every_region_and_flag_stands_where_the_description_says() {
    let header = SnapshotHeader {
        sequence: u32::MAX,
        timestamp_ms: 0x1234_5678,
        state: EngineState::Running.byte(),
        context_index: 3,
    };
    let mut body = SnapshotBody::default();
    (body.inputs[0], body.inputs[7]) = (1, 1 << 31);
    (body.outputs[0], body.outputs[7]) = (1 << 1, 1 << 30);
    (body.bits[0], body.bits[63]) = (1 << 2, 1 << 29);
    (body.integers[0], body.integers[255]) = (-1, i32::MIN);
    let slot = |pre, acc, flags| SlotCells { pre, acc, flags };
    body.timers[0] = slot(1000, 10, timer_flag::ENABLED);
    body.timers[1].flags = timer_flag::TIMING;
    body.timers[2].flags = timer_flag::DONE;
    body.timers[63] = slot(i16::MAX, -1, 7);
    body.counters[0] = slot(5, 1, counter_flag::DONE);
    body.counters[1].flags = counter_flag::OVERFLOW;
    body.counters[2].flags = counter_flag::UNDERFLOW;
    body.counters[3].flags = counter_flag::COUNT_UP;
    body.counters[4].flags = counter_flag::COUNT_DOWN;
    body.counters[63] = slot(i16::MIN, i16::MIN, 0x1F);
    (body.forces[0], body.forces[7]) = (1, 1 << 31);
    (body.forces[8], body.forces[15]) = (1 << 1, 1 << 30);
    (body.forces[16], body.forces[79]) = (1 << 2, 1 << 29);
    check("v02-snapshot.rows", Dialect::V02, header, body);
}

#[test]
fn pl25_longer_frames_are_accepted_and_shorter_ones_and_other_magics_refused() {
    let frame = frame("v02-snapshot.rows");
    let snapshot = read_snapshot(&frame, Dialect::V02).unwrap();
    for more in [1, 1000] {
        let longer = [&frame[..], &vec![0xFF; more]].concat();
        assert_eq!(read_snapshot(&longer, Dialect::V02).as_ref(), Ok(&snapshot));
    }
    for got in [0, 4, 15, 16, 17, 2703] {
        let error = read_snapshot(&frame[..got], Dialect::V02).unwrap_err();
        assert_eq!(error, SnapshotError::TooShort { got });
    }
    for spoiled in 0..4 {
        let mut other = frame.clone();
        other[spoiled] ^= 1;
        let error = read_snapshot(&other, Dialect::V02).unwrap_err();
        let found = MAGIC ^ 1 << (8 * spoiled);
        assert_eq!(error, SnapshotError::Magic { found }, "byte {spoiled}");
    }
    assert_eq!(
        SnapshotError::TooShort { got: 3 }.to_string(),
        "expected a snapshot of at least 2704 bytes, got 3"
    );
}
