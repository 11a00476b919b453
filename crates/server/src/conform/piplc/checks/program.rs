//! Programs: down, up, away; what is refused; queries about an engine (PL-11 to PL-13, PL-19, PL-41).

use super::session::state_is;
use crate::conform::message::Message;
use crate::conform::piplc::peer::{is_about, reason};
use crate::conform::piplc::program::{counts_scans, document, follows, on};
use crate::conform::piplc::rig::{Plc, Rig, download_fields};
use crate::conform::rig::{Stop, ensure};
use crosstie_wire::piplc::Dialect;
use serde_json::{Value, json};

const NOTHING: Value = Value::Null;

/// A document that is cut off in its third line.
const CUT_OFF: &str = "<?xml version=\"1.0\"?>\n<PLCProject version=\"3.2\">\n  <Programs><Program";

async fn has_program(plc: &mut Plc) -> Result<bool, Stop> {
    let reply = plc.done("engine.info", &NOTHING).await?;
    Ok(reply.body.get("hasProgram") == Some(&json!(true)))
}

async fn uploaded(plc: &mut Plc) -> Result<String, Stop> {
    let reply = plc.done("program.upload", &NOTHING).await?;
    let text = reply.body.get("projectXml").and_then(Value::as_str);
    text.map(str::to_owned)
        .ok_or_else(|| Stop::failed("program.upload gives the document as projectXml", &reply.text))
}

/// PL-11: a program is taken.
pub(super) async fn download(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    ensure(
        !has_program(&mut plc).await?,
        "a new context has no program",
        "it has one",
    )?;
    let reply = plc.load(&[counts_scans(0)]).await?;
    ensure(is_about(&reply, &plc.id), "the reply names its context", &reply.text)?;
    ensure(
        has_program(&mut plc).await?,
        "hasProgram after a download",
        "it has none",
    )?;
    plc.step().await?;
    let scans = plc.peek().await?.integer(0);
    ensure(scans == 1, "the program runs: N:0 = 1 after a scan", scans)
}

/// PL-11: the other name of the document.
pub(super) async fn download_alias(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    let fields = json!({"projectXml": document(&[counts_scans(0)])});
    plc.done("program.download", &fields).await?;
    ensure(
        has_program(&mut plc).await?,
        "hasProgram after a download as projectXml",
        "it has none",
    )
}

/// PL-11: what is no program is refused with its place and changes nothing.
pub(super) async fn download_refused(rig: &mut Rig) -> Result<(), Stop> {
    let good = document(&[counts_scans(0)]);
    let mut plc = rig.bare_plc("operator").await?;
    let fields = download_fields(plc.peer.dialect(), &good);
    plc.done("program.download", &fields).await?;
    plc.step().await?;
    let before = uploaded(&mut plc).await?;
    for bad in [
        CUT_OFF.to_owned(),
        "<PLCProject/>".to_owned(),
        "no document".to_owned(),
        good.replace("ADD", "FROB"),
    ] {
        let fields = download_fields(plc.peer.dialect(), &bad);
        let reply = plc.peer.ask("program.download", Some(&plc.id), &fields).await?;
        ensure(
            reason(&reply).is_some(),
            "a document that is no program is refused with a reason",
            &reply.text,
        )?;
        if bad == CUT_OFF || bad.contains("FROB") {
            ensure(
                tells_place(&reply),
                "the refusal tells the line of the mistake",
                &reply.text,
            )?;
        }
        let after = uploaded(&mut plc).await?;
        ensure(
            after == before,
            "a refused download changes nothing: the program is the old one",
            &after,
        )?;
        plc.until_state("Paused").await?;
    }
    let scans = plc.peek().await?.integer(0);
    ensure(scans == 1, "a refused download leaves the memory alone: N:0 = 1", scans)
}

/// Whether a refusal tells where, in its text or in its list.
fn tells_place(reply: &Message) -> bool {
    let diagnostics = reply.body.get("diagnostics").and_then(Value::as_array);
    let has_line = |row: &Value| row.get("line").is_some_and(Value::is_u64);
    diagnostics.is_some_and(|rows| rows.iter().any(has_line))
        || reason(reply).is_some_and(|text| text.to_lowercase().contains("line"))
}

/// PL-41: an address that does not exist is found at download.
pub(super) async fn unknown_address(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    for address in ["B:64/0", "B:0/32", "Q:0/0", "T:0.XX", "nobody_knows"] {
        let fields = download_fields(plc.peer.dialect(), &document(&[follows(address, "O:0/0")]));
        let error = plc.refused("program.download", &fields).await?;
        ensure(!error.is_empty(), format!("{address} is refused"), "it is not")?;
    }
    ensure(!has_program(&mut plc).await?, "no program is taken", "one is")
}

/// PL-11: a download to a running engine stops it first.
pub(super) async fn download_stops(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    plc.command_to("start", "Running").await?;
    let from = plc.peer.log().len();
    let reply = plc.load(&[counts_scans(1)]).await?;
    let event = plc.peer.event("event.stateChanged", &plc.id, from).await?;
    ensure(
        state_is(&event, "Stopped"),
        "event.stateChanged tells Stopped",
        &event.text,
    )?;
    let kinds: Vec<&str> = plc
        .peer
        .messages_since(from)
        .filter(|message| message.text == reply.text || message.kind == "event.stateChanged")
        .map(|message| message.kind.as_str())
        .collect();
    ensure(
        kinds.first().is_some_and(|kind| kind.ends_with(".reply")),
        "first the reply, then the event",
        kinds.join(", "),
    )?;
    plc.until_state("Stopped").await
}

/// PL-12: the document comes back as it was.
pub(super) async fn upload(rig: &mut Rig) -> Result<(), Stop> {
    let sent = document(&[follows("B:0/0", "O:0/0")]).replace(
        "</Programs>",
        "</Programs>\n  <!-- kept -->\n  <WatchList><WatchEntry address=\"N:0\"/></WatchList>\n  <HmiFile>panel é.hmi</HmiFile>",
    );
    let mut plc = rig.bare_plc("operator").await?;
    let fields = download_fields(plc.peer.dialect(), &sent);
    plc.done("program.download", &fields).await?;
    let reply = plc.done("program.upload", &NOTHING).await?;
    let document = |name: &str| reply.body.get(name).and_then(Value::as_str).unwrap_or_default();
    ensure(
        document("projectXml") == sent,
        format!("projectXml is what was downloaded: {sent}"),
        document("projectXml"),
    )?;
    if plc.peer.dialect() == Dialect::V02 {
        ensure(
            document("format") == "plcproj-xml" && document("data") == sent,
            "the reply has the format plcproj-xml and the document as data too",
            &reply.text,
        )?;
    }
    Ok(())
}

/// PL-13: a program goes away.
pub(super) async fn clear(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    plc.command_to("start", "Running").await?;
    plc.done("program.clear", &NOTHING).await?;
    plc.until_state("Stopped").await?;
    ensure(
        !has_program(&mut plc).await?,
        "no program after program.clear",
        "there is one",
    )?;
    plc.refused("program.upload", &NOTHING).await.map(drop)
}

/// PL-19: what is told of an engine.
pub(super) async fn info(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    let reply = peer.done("engine.info", None, &NOTHING).await?;
    let text = |name| (name, reply.body.get(name).is_some_and(Value::is_string));
    let mut members = vec![
        text("name"),
        text("state"),
        text("ioProvider"),
        (
            "hasProgram",
            reply.body.get("hasProgram").is_some_and(Value::is_boolean),
        ),
        ("scanTimeMs", reply.body.get("scanTimeMs").is_some_and(Value::is_number)),
    ];
    if rig.dialect == Dialect::V02 {
        members.push(text("ioProviderName"));
        members.push(("ioConfig", reply.body.get("ioConfig").is_some_and(Value::is_object)));
    }
    told_all(&members, &reply)?;
    let time = reply.body.get("scanTimeMs").and_then(Value::as_f64).unwrap_or_default();
    ensure((0.5..=1000.0).contains(&time), "scanTimeMs from 0.5 to 1000", time)
}

/// PL-19: how scans go.
pub(super) async fn statistics(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    let reply = peer.done("engine.statistics", None, &NOTHING).await?;
    let number = |name| (name, reply.body.get(name).is_some_and(Value::is_u64));
    let mut members = vec![
        number("scanCount"),
        number("lastScanTimeUs"),
        number("minScanTimeUs"),
        number("maxScanTimeUs"),
        number("avgScanTimeUs"),
        number("overrunCount"),
    ];
    if rig.dialect == Dialect::V02 {
        members.push(number("targetScanTimeUs"));
    }
    told_all(&members, &reply)
}

/// PL-19: the state, as the dialect spells it.
pub(super) async fn state(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    let reply = peer.done("engine.state", None, &NOTHING).await?;
    let words = ["Stopped", "Running", "Paused", "Stepping", "Fault"].map(|word| match rig.dialect {
        Dialect::V02 => word.to_owned(),
        Dialect::V01 => word.to_lowercase(),
    });
    let told = reply.body.get("state").and_then(Value::as_str).unwrap_or_default();
    ensure(
        words.iter().any(|word| word == told),
        format!("one of {}", words.join(", ")),
        &reply.text,
    )
}

fn told_all(members: &[(&str, bool)], reply: &Message) -> Result<(), Stop> {
    let missing = members.iter().find(|(_, is_there)| !is_there);
    match missing {
        None => Ok(()),
        Some((name, _)) => Err(Stop::failed(format!("the reply has `{name}`"), &reply.text)),
    }
}

/// PL-40: an address may be written in any case and with leading zeros.
pub(super) async fn spelling(rig: &mut Rig) -> Result<(), Stop> {
    let rung = format!("{}{}", on("XIC", "b:00/01"), on("OTE", "o:0/0"));
    let mut plc = rig.plc(&[rung]).await?;
    plc.set("B:0/1", true).await?;
    plc.step().await?;
    let frame = plc.peek().await?;
    ensure(frame.bit("O:0/0"), "O:0/0 follows b:00/01", "it does not")
}
