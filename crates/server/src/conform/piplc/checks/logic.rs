//! Instructions over the wire, scan by scan (PL-50 to PL-65). What every rule says in every corner is proven inside; these say
//! that what a client sees is what the rules give.

use crate::conform::piplc::frame::timer_flags;
use crate::conform::piplc::program::{branch, counting, decorated, follows, math, on, rung};
use crate::conform::piplc::rig::Rig;
use crate::conform::rig::{Stop, ensure};
use serde_json::json;

/// Scans until a timer of the length of three and a half scans is done.
const TIMER_SCANS: i16 = 4;

/// PL-50: rungs in order, results visible at once, and the last coil wins.
pub(super) async fn document_order(rig: &mut Rig) -> Result<(), Stop> {
    let rungs = [
        follows("B:0/0", "B:0/1"),
        follows("B:0/1", "B:0/2"),
        follows("B:0/3", "O:0/0"),
        follows("B:0/0", "O:0/0"),
    ];
    let mut plc = rig.plc(&rungs).await?;
    plc.set("B:0/0", true).await?;
    plc.step().await?;
    let frame = plc.peek().await?;
    ensure(
        frame.word('B', 0) == 0b0111 && frame.bit("O:0/0"),
        "B:0/1 and B:0/2 on in one scan, O:0/0 as the last coil says",
        format!("B:0 = {:#b}, O:0 = {:#b}", frame.word('B', 0), frame.word('O', 0)),
    )
}

/// PL-50: paths beside each other, an empty one among them.
pub(super) async fn branches(rig: &mut Rig) -> Result<(), Stop> {
    let either = rung(&[branch(&[on("XIC", "B:0/0"), on("XIO", "B:0/1")]), on("OTE", "O:0/0")]);
    let bridged = rung(&[branch(&[on("XIC", "B:0/0"), String::new()]), on("OTE", "O:0/1")]);
    let both = rung(&[branch(&[
        on("OTE", "O:0/2"),
        rung(&[on("XIC", "B:0/0"), on("OTE", "O:0/3")]),
    ])]);
    let mut plc = rig.plc(&[either, bridged, both]).await?;
    for (bits, outputs) in [(0b00, 0b0111), (0b01, 0b1111), (0b10, 0b0110), (0b11, 0b1111)] {
        plc.set("B:0/0", bits & 1 == 1).await?;
        plc.set("B:0/1", bits & 2 == 2).await?;
        plc.step().await?;
        let got = plc.peek().await?.word('O', 0);
        ensure(
            got == outputs,
            format!("O:0 = {outputs:#06b} with B:0 = {bits:#04b}"),
            format!("{got:#06b}"),
        )?;
    }
    Ok(())
}

/// PL-51: contacts and coils.
pub(super) async fn coils(rig: &mut Rig) -> Result<(), Stop> {
    let rungs = [
        follows("B:0/0", "O:0/0"),
        rung(&[on("XIO", "B:0/0"), on("OTE", "O:0/1")]),
        rung(&[on("XIC", "B:0/0"), on("OTL", "O:0/2")]),
        rung(&[on("XIC", "B:0/1"), on("OTU", "O:0/2")]),
    ];
    let mut plc = rig.plc(&rungs).await?;
    for (bits, outputs) in [(0b00, 0b010), (0b01, 0b101), (0b00, 0b110), (0b10, 0b010)] {
        plc.set("B:0/0", bits & 1 == 1).await?;
        plc.set("B:0/1", bits & 2 == 2).await?;
        plc.step().await?;
        let got = plc.peek().await?.word('O', 0);
        ensure(
            got == outputs,
            format!("O:0 = {outputs:#05b} with B:0 = {bits:#04b}"),
            format!("{got:#05b}"),
        )?;
    }
    Ok(())
}

/// PL-52: TON, the time of its first scan counted.
pub(super) async fn ton(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    let scan = plc.scan_time_ms().await?;
    let preset = scan * (TIMER_SCANS - 1) + (scan + 1) / 2;
    plc.load(&[rung(&[on("XIC", "B:0/0"), counting("TON", "T:0", preset.into())])])
        .await?;
    plc.set("B:0/0", true).await?;
    let (en, tt, dn) = timer_flags(rig.dialect);
    for step in 1..=TIMER_SCANS + 1 {
        plc.step().await?;
        let timer = plc.peek().await?.timer(0);
        let is_done = step >= TIMER_SCANS;
        let expected = (preset, (step * scan).min(preset), en | if is_done { dn } else { tt });
        ensure(
            (timer.pre, timer.acc, timer.flags) == expected,
            format!("PRE, ACC and flags {expected:?} after scan {step}"),
            format!("{timer:?}"),
        )?;
    }
    plc.set("B:0/0", false).await?;
    plc.step().await?;
    let timer = plc.peek().await?.timer(0);
    ensure(
        (timer.acc, timer.flags) == (0, 0),
        "ACC and flags 0 without power",
        format!("{timer:?}"),
    )
}

/// PL-53: TOF holds on for its time.
pub(super) async fn tof(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    let scan = plc.scan_time_ms().await?;
    let preset = 2 * scan;
    plc.load(&[rung(&[on("XIC", "B:0/0"), counting("TOF", "T:0", preset.into())])])
        .await?;
    let (en, tt, dn) = timer_flags(rig.dialect);
    for (on, acc, flags) in [
        (false, 0, 0),
        (true, 0, en | dn),
        (false, scan, tt | dn),
        (false, preset, 0),
        (true, 0, en | dn),
    ] {
        plc.set("B:0/0", on).await?;
        plc.step().await?;
        let timer = plc.peek().await?.timer(0);
        ensure(
            (timer.acc, timer.flags) == (acc, flags),
            format!("ACC {acc} and flags {flags:#05b}"),
            format!("{timer:?}"),
        )?;
    }
    Ok(())
}

/// PL-54, PL-56: RTO keeps its time, RES ends it.
pub(super) async fn rto(rig: &mut Rig) -> Result<(), Stop> {
    let retained = rung(&[on("XIC", "B:0/0"), counting("RTO", "T:0", 30_000)]);
    let mut plc = rig
        .plc(&[retained, rung(&[on("XIC", "B:0/1"), on("RES", "T:0")])])
        .await?;
    let scan = plc.scan_time_ms().await?;
    for (bits, scans) in [(0b01, 1), (0b00, 1), (0b01, 2), (0b10, 0)] {
        plc.set("B:0/0", bits & 1 == 1).await?;
        plc.set("B:0/1", bits & 2 == 2).await?;
        plc.step().await?;
        let timer = plc.peek().await?.timer(0);
        ensure(
            (timer.pre, timer.acc) == (30_000, scans * scan),
            format!("PRE 30000 and ACC {}", scans * scan),
            format!("{timer:?}"),
        )?;
    }
    Ok(())
}

/// PL-55: edges are counted, and the counter goes around with OV and UN.
pub(super) async fn counter_wrap(rig: &mut Rig) -> Result<(), Stop> {
    let up = rung(&[on("XIC", "B:0/0"), counting("CTU", "C:0", 2)]);
    let down = rung(&[on("XIC", "B:0/0"), counting("CTD", "C:1", 2)]);
    let mut plc = rig.plc(&[up, down]).await?;
    plc.put_slot("memory.writeCounter", json!({"index": 0, "acc": 32_766}))
        .await?;
    plc.put_slot("memory.writeCounter", json!({"index": 1, "acc": -32_767}))
        .await?;
    let (dn, ov, un, cu, cd) = (1, 2, 4, 8, 16);
    for (on, up, down) in [
        (true, (32_767, dn | cu), (-32_768, dn | cd)),
        (true, (32_767, dn | cu), (-32_768, dn | cd)),
        (false, (32_767, dn), (-32_768, dn)),
        (true, (-32_768, ov | cu), (32_767, un | cd)),
        (false, (-32_768, ov), (32_767, un)),
    ] {
        plc.set("B:0/0", on).await?;
        plc.step().await?;
        let frame = plc.peek().await?;
        let got = [frame.counter(0), frame.counter(1)].map(|counter| (counter.acc, counter.flags));
        ensure(
            got == [up, down],
            format!("ACC and flags {up:?} of CTU, {down:?} of CTD"),
            format!("{got:?}"),
        )?;
    }
    Ok(())
}

/// PL-57: math saturates and truncates.
pub(super) async fn arithmetic(rig: &mut Rig) -> Result<(), Stop> {
    let rows = [
        ("ADD", i32::MAX, 1, i32::MAX),
        ("SUB", i32::MIN, 1, i32::MIN),
        ("MUL", 65_536, 65_536, i32::MAX),
        ("DIV", -7, 2, -3),
        ("MOD", -7, 2, -1),
        ("DIV", i32::MIN, -1, i32::MAX),
        ("BXOR", 6, 3, 5),
    ];
    let rungs: Vec<String> = rows
        .iter()
        .enumerate()
        .map(|(row, (kind, ..))| {
            math(
                kind,
                &format!("N:{}", 3 * row),
                &format!("N:{}", 3 * row + 1),
                &format!("N:{}", 3 * row + 2),
                0,
            )
        })
        .collect();
    let mut plc = rig.plc(&rungs).await?;
    for (row, (_, a, b, _)) in rows.iter().enumerate() {
        plc.put(&format!("N:{}", 3 * row), i64::from(*a)).await?;
        plc.put(&format!("N:{}", 3 * row + 1), i64::from(*b)).await?;
    }
    plc.step().await?;
    let frame = plc.peek().await?;
    for (row, (kind, a, b, result)) in rows.iter().enumerate() {
        let got = frame.integer(3 * row + 2);
        ensure(got == *result, format!("{kind} {a} {b} = {result}"), got)?;
    }
    Ok(())
}

/// PL-57: by zero the destination keeps its value and the power passes.
pub(super) async fn division_by_zero(rig: &mut Rig) -> Result<(), Stop> {
    let rungs = ["DIV", "MOD"].map(|kind| rung(&[math(kind, "N:0", "N:1", "N:2", 0), on("OTE", "O:0/0")]));
    for one in rungs {
        let mut plc = rig.plc(&[one]).await?;
        plc.put("N:0", 9).await?;
        plc.put("N:2", 77).await?;
        plc.command("stepScan").await?;
        plc.until_state("Fault").await?;
        let frame = plc.peek().await?;
        ensure(
            frame.integer(2) == 77 && frame.bit("O:0/0"),
            "N:2 keeps 77, O:0/0 is on",
            format!("N:2 = {}, O:0/0 {}", frame.integer(2), frame.bit("O:0/0")),
        )?;
    }
    Ok(())
}

/// PL-59: numbers are compared with their signs.
pub(super) async fn compares(rig: &mut Rig) -> Result<(), Stop> {
    let kinds = ["EQU", "NEQ", "LES", "LEQ", "GRT", "GEQ"];
    let rungs: Vec<String> = kinds
        .iter()
        .enumerate()
        .map(|(bit, kind)| {
            let compare = format!("<Instruction type=\"{kind}\" column=\"0\" sourceA=\"N:0\" sourceB=\"N:1\"/>");
            rung(&[compare, on("OTE", &format!("O:0/{bit}"))])
        })
        .collect();
    let mut plc = rig.plc(&rungs).await?;
    for (a, b, results) in [(-1, 1, 0b00_1110), (1, -1, 0b11_0010), (5, 5, 0b10_1001)] {
        plc.put("N:0", a).await?;
        plc.put("N:1", b).await?;
        plc.step().await?;
        let got = plc.peek().await?.word('O', 0);
        ensure(
            got == results,
            format!("EQU to GEQ of {a} and {b} give {results:#08b}"),
            format!("{got:#08b}"),
        )?;
    }
    Ok(())
}

/// PL-60: MOV, bits and words.
pub(super) async fn moves(rig: &mut Rig) -> Result<(), Stop> {
    let mov = |source: &str, dest: &str| {
        format!("<Instruction type=\"MOV\" column=\"0\" source=\"{source}\" dest=\"{dest}\"/>")
    };
    let mut plc = rig
        .plc(&[mov("N:0", "B:3"), mov("B:3", "N:1"), mov("N:0", "C:0.PRE")])
        .await?;
    plc.put("N:0", 40_000).await?;
    plc.force("B:3/6", true).await?;
    plc.step().await?;
    let frame = plc.peek().await?;
    ensure(
        frame.integer(1) == 40_000 | 1 << 6 && frame.counter(0).pre == i16::MAX,
        "the word with its forced bit is read, and PRE is saturated to 32767",
        format!("N:1 = {}, C:0.PRE = {}", frame.integer(1), frame.counter(0).pre),
    )
}

/// PL-64: OSR fires for one scan, on a true first scan too.
pub(super) async fn one_shot(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig
        .plc(&[rung(&[
            decorated("XIC", "B:0/0", "OSR"),
            math("ADD", "N:0", "1", "N:0", 0),
        ])])
        .await?;
    plc.set("B:0/0", true).await?;
    for (on, count) in [(true, 1), (true, 1), (false, 1), (true, 2), (true, 2)] {
        plc.set("B:0/0", on).await?;
        plc.step().await?;
        let got = plc.peek().await?.integer(0);
        ensure(got == count, format!("{count} rising edges"), got)?;
    }
    Ok(())
}
