//! Writes, forces, and how the frame shows the memory (PL-14, PL-16, PL-22 to PL-24).

use crate::conform::piplc::frame::{Slot, timer_flags};
use crate::conform::piplc::peer::{cell, target};
use crate::conform::piplc::program::{counting, counts_scans, follows};
use crate::conform::piplc::rig::{Plc, Rig, with};
use crate::conform::rig::{Stop, ensure};
use crosstie_wire::piplc::Dialect;
use serde_json::{Map, Value, json};

const NOTHING: Value = Value::Null;

/// Bits at both ends of the regions that can be forced.
const BITS: &[&str] = &[
    "I:0/0", "I:0/3", "I:7/31", "O:0/0", "O:1/31", "O:7/31", "B:0/0", "B:17/9", "B:63/31",
];

/// PL-14, PL-23: each forced bit shows, and where the description says.
pub(super) async fn bitmap(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    for (count, address) in (1..).zip(BITS) {
        plc.force(address, true).await?;
        let frame = plc.peek().await?;
        ensure(
            frame.is_forced(address) && frame.forced_bits() == count,
            format!("{address} in the force bitmap, and {count} bits in all"),
            format!("{}, {} bits", frame.is_forced(address), frame.forced_bits()),
        )?;
    }
    Ok(())
}

/// PL-14: forces end one by one and all at once.
pub(super) async fn force_ends(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    for address in BITS {
        plc.force(address, true).await?;
    }
    plc.unforce(BITS[0]).await?;
    let frame = plc.peek().await?;
    ensure(
        !frame.is_forced(BITS[0]) && frame.forced_bits() == BITS.len() as u32 - 1,
        format!("{} alone is not forced any more", BITS[0]),
        format!("{} bits are", frame.forced_bits()),
    )?;
    plc.done("memory.clearAllForces", &NOTHING).await?;
    let left = plc.peek().await?.forced_bits();
    ensure(left == 0, "no force after memory.clearAllForces", left)
}

/// PL-14, PL-16: region, word and bit are another spelling of an address.
pub(super) async fn spelled_by_cell(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    let Value::Object(fields) = cell("B:5/6") else {
        return Ok(());
    };
    plc.done("memory.forceBit", &with(fields.clone(), "value", true))
        .await?;
    let frame = plc.peek().await?;
    ensure(
        frame.is_forced("B:5/6") && frame.bit("B:5/6"),
        "B:5/6 is forced on",
        "it is not",
    )?;
    plc.done("memory.unforceBit", &Value::Object(fields.clone())).await?;
    write(&mut plc, "memory.writeBit", with(fields, "value", true)).await?;
    let Value::Object(fields) = cell("N:6") else {
        return Ok(());
    };
    write(&mut plc, "memory.writeInteger", with(fields, "value", -80)).await?;
    let frame = plc.peek().await?;
    ensure(
        frame.bit("B:5/6") && !frame.is_forced("B:5/6") && frame.integer(6) == -80,
        "B:5/6 on and not forced, N:6 = -80",
        format!("B:5/6 {}, N:6 = {}", frame.bit("B:5/6"), frame.integer(6)),
    )
}

async fn write(plc: &mut Plc, kind: &str, fields: Value) -> Result<(), Stop> {
    plc.peer.write(kind, &plc.id, &fields).await
}

/// PL-14: what cannot be forced is refused.
pub(super) async fn force_refused(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    let bad = match rig.dialect {
        Dialect::V02 => vec![
            json!({"address": "Q:0/0"}),
            json!({"address": "B:64/0"}),
            json!({"address": "B:0/32"}),
            json!({"address": "nobody_knows"}),
            json!({"address": "I:8/0"}),
        ],
        Dialect::V01 => vec![cell("Q:0/0"), cell("B:64/0"), cell("B:0/32"), cell("I:8/0")],
    };
    for fields in bad {
        let Value::Object(fields) = fields else { continue };
        plc.refused("memory.forceBit", &with(fields, "value", true)).await?;
    }
    let forced = plc.peek().await?.forced_bits();
    ensure(forced == 0, "no force is set", forced)
}

/// PL-16: bits of every region.
pub(super) async fn write_bit(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    for address in BITS {
        for on in [true, false] {
            plc.set(address, on).await?;
            let frame = plc.peek().await?;
            ensure(
                frame.bit(address) == on,
                format!("{address} = {on}"),
                frame.bit(address),
            )?;
            ensure(
                !frame.is_forced(address),
                format!("{address} is written, not forced"),
                "it is forced",
            )?;
        }
    }
    Ok(())
}

/// PL-16: integers, both ends of them.
pub(super) async fn write_integer(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    for (word, value) in [(0, 0x1234_5678), (6, -80), (255, i32::MAX), (254, i32::MIN)] {
        plc.put(&format!("N:{word}"), i64::from(value)).await?;
        let frame = plc.peek().await?;
        ensure(
            frame.integer(word) == value,
            format!("N:{word} = {value}"),
            frame.integer(word),
        )?;
    }
    Ok(())
}

/// PL-16: members of timers and counters.
pub(super) async fn write_slots(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    plc.put_slot(
        "memory.writeTimer",
        json!({"index": 63, "pre": 500, "acc": 20, "tt": true}),
    )
    .await?;
    plc.put_slot(
        "memory.writeCounter",
        json!({"index": 4, "pre": -5, "acc": 32_767, "dn": true, "cd": true}),
    )
    .await?;
    let frame = plc.peek().await?;
    let expected = |pre, acc, flags| Slot {
        pre,
        acc,
        flags,
        rest: [0; 3],
    };
    let (_, tt, _) = timer_flags(rig.dialect);
    ensure(
        frame.timer(63) == expected(500, 20, tt),
        "T:63 with PRE 500, ACC 20, TT",
        format!("{:?}", frame.timer(63)),
    )?;
    ensure(
        frame.counter(4) == expected(-5, 32_767, 0b10001),
        "C:4 with PRE -5, ACC 32767, DN and CD",
        format!("{:?}", frame.counter(4)),
    )
}

/// PL-16: what does not exist or does not fit is refused.
pub(super) async fn write_refused(rig: &mut Rig) -> Result<(), Stop> {
    if rig.dialect == Dialect::V01 {
        return Err(Stop::skipped("dialect 0.1 answers no write"));
    }
    let mut plc = rig.bare_plc("operator").await?;
    for (kind, fields) in [
        ("memory.writeBit", json!({"address": "B:64/0", "value": true})),
        (
            "memory.writeBit",
            json!({"region": "B", "word": 0, "bit": 32, "value": true}),
        ),
        ("memory.writeInteger", json!({"address": "N:256", "value": 1})),
        (
            "memory.writeInteger",
            json!({"address": "N:0", "value": 3_000_000_000_i64}),
        ),
        ("memory.writeTimer", json!({"index": 64, "pre": 1})),
        ("memory.writeTimer", json!({"index": 0, "pre": 40_000})),
        ("memory.writeCounter", json!({"index": 64, "acc": 1})),
        ("memory.writeCounter", json!({"index": 0, "acc": -70_000})),
    ] {
        plc.refused(kind, &fields).await?;
    }
    let frame = plc.peek().await?;
    let untouched = frame.integer(0) == 0 && frame.timer(0).pre == 0 && frame.counter(0).acc == 0;
    ensure(untouched, "a refused write changes nothing", "N:0, T:0 or C:0 changed")
}

/// PL-16: an input that a client wrote stays while scans go on.
pub(super) async fn inputs_persist(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[follows("I:0/3", "O:0/0"), counts_scans(0)]).await?;
    plc.set("I:0/3", true).await?;
    for scans in 1..=3 {
        plc.step().await?;
        let frame = plc.peek().await?;
        ensure(
            frame.bit("I:0/3") && frame.bit("O:0/0"),
            format!("I:0/3 on, and O:0/0 with it, after scan {scans}"),
            format!("I:0/3 {}, O:0/0 {}", frame.bit("I:0/3"), frame.bit("O:0/0")),
        )?;
    }
    Ok(())
}

/// PL-22: each region where the description has it.
pub(super) async fn regions(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    for address in ["I:7/31", "O:7/31", "B:63/31"] {
        plc.set(address, true).await?;
    }
    plc.put("N:255", -2).await?;
    plc.put_slot("memory.writeTimer", json!({"index": 63, "pre": 258, "acc": 3}))
        .await?;
    plc.put_slot("memory.writeCounter", json!({"index": 63, "pre": 259, "acc": 4}))
        .await?;
    let frame = plc.peek().await?;
    let bits: u32 = ['I', 'O', 'B'].iter().map(|region| set_bits(&frame, *region)).sum();
    ensure(
        frame.bit("I:7/31") && frame.bit("O:7/31") && frame.bit("B:63/31") && bits == 3,
        "I:7/31, O:7/31 and B:63/31 alone are on",
        format!("{bits} bits are on"),
    )?;
    ensure(
        frame.integer(255) == -2 && (frame.timer(63).pre, frame.timer(63).acc) == (258, 3),
        "N:255 = -2 and T:63 with PRE 258, ACC 3",
        format!("N:255 = {}, {:?}", frame.integer(255), frame.timer(63)),
    )?;
    ensure(
        (frame.counter(63).pre, frame.counter(63).acc) == (259, 4),
        "C:63 with PRE 259, ACC 4",
        format!("{:?}", frame.counter(63)),
    )
}

fn set_bits(frame: &crate::conform::piplc::frame::Frame, region: char) -> u32 {
    let words = if region == 'B' { 64 } else { 8 };
    (0..words).map(|word| frame.word(region, word).count_ones()).sum()
}

/// PL-22: the flags of timers and counters, in the order of the dialect.
pub(super) async fn flags(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    let (en, tt, dn) = timer_flags(rig.dialect);
    for (name, mask) in [("en", en), ("tt", tt), ("dn", dn)] {
        let mut fields = Map::new();
        fields.insert("index".to_owned(), json!(7));
        for member in ["en", "tt", "dn"] {
            fields.insert(member.to_owned(), json!(member == name));
        }
        plc.put_slot("memory.writeTimer", Value::Object(fields)).await?;
        let flags = plc.peek().await?.timer(7).flags;
        ensure(
            flags == mask,
            format!("the flags of a timer with {name} alone are {mask:#05b}"),
            format!("{flags:#05b}"),
        )?;
    }
    for (bit, name) in ["dn", "ov", "un", "cu", "cd"].into_iter().enumerate() {
        let mut fields = Map::new();
        fields.insert("index".to_owned(), json!(7));
        for member in ["dn", "ov", "un", "cu", "cd"] {
            fields.insert(member.to_owned(), json!(member == name));
        }
        plc.put_slot("memory.writeCounter", Value::Object(fields)).await?;
        let flags = plc.peek().await?.counter(7).flags;
        ensure(
            flags == 1 << bit,
            format!("the flags of a counter with {name} alone are {:#07b}", 1 << bit),
            format!("{flags:#07b}"),
        )?;
    }
    Ok(())
}

/// PL-24: a frame shows the value that readers see.
pub(super) async fn forced_value(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    for address in BITS {
        plc.set(address, false).await?;
        plc.force(address, true).await?;
        let shown = plc.peek().await?.bit(address);
        ensure(shown, format!("{address} shows its force"), "it is off")?;
    }
    Ok(())
}

/// PL-66: what is written under a force returns when it ends; logic sees the force.
pub(super) async fn under_a_force(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[follows("B:0/0", "B:1/0"), follows("B:1/0", "O:0/0")]).await?;
    plc.set("B:0/0", true).await?;
    plc.force("B:1/0", false).await?;
    plc.step().await?;
    let frame = plc.peek().await?;
    ensure(
        !frame.bit("B:1/0") && !frame.bit("O:0/0"),
        "B:1/0 forced off, and O:0/0 with it",
        "one of them is on",
    )?;
    plc.unforce("B:1/0").await?;
    let frame = plc.peek().await?;
    ensure(
        frame.bit("B:1/0"),
        "what logic wrote returns with the end of the force",
        "B:1/0 is off",
    )?;
    plc.force("B:1/0", true).await?;
    plc.set("B:1/0", false).await?;
    plc.unforce("B:1/0").await?;
    let frame = plc.peek().await?;
    ensure(
        !frame.bit("B:1/0"),
        "what a client wrote returns with the end of the force",
        "B:1/0 is on",
    )
}

/// PL-16: members that a write does not name keep their values.
pub(super) async fn kept_members(rig: &mut Rig) -> Result<(), Stop> {
    if rig.dialect == Dialect::V01 {
        return Err(Stop::skipped("dialect 0.1 sets members that are missing to zero"));
    }
    let mut plc = rig.plc(&[counting("CTU", "C:0", 9)]).await?;
    plc.step().await?;
    plc.put_slot("memory.writeCounter", json!({"index": 0, "acc": 3}))
        .await?;
    let counter = plc.peek().await?.counter(0);
    ensure(
        (counter.pre, counter.acc, counter.flags) == (9, 3, 0b01000),
        "C:0 with PRE 9, ACC 3 and CU as before",
        format!("{counter:?}"),
    )?;
    let fields = with(target(rig.dialect, "C:0.ACC"), "value", 4);
    write(&mut plc, "memory.writeInteger", fields).await?;
    let counter = plc.peek().await?.counter(0);
    ensure(counter.acc == 4, "C:0.ACC = 4", counter.acc)
}
