//! Contexts, routes between them, inputs and outputs (PL-18, PL-20, PL-21).

use super::session::is_row;
use crate::conform::piplc::peer::is_about;
use crate::conform::piplc::program::counts_scans;
use crate::conform::piplc::rig::{Plc, Rig};
use crate::conform::rig::{Stop, ensure};
use crosstie_wire::piplc::Dialect;
use serde_json::{Value, json};
use tokio::time::Instant;

const NOTHING: Value = Value::Null;
/// Contexts that a server may hold at most (PL-21).
const CONTEXTS_MAX: usize = 64;

/// PL-21: the rows of the list.
pub(super) async fn list(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    let reply = peer.done("context.list", None, &NOTHING).await?;
    let rows = reply.body.get("contexts").and_then(Value::as_array);
    let rows = rows.ok_or_else(|| Stop::failed("context.list has the list `contexts`", &reply.text))?;
    for row in rows {
        let has_both = rig.dialect == Dialect::V01 || row.get("id") == row.get("contextId");
        ensure(
            is_row(row) && has_both,
            "every row has id, name, state and hasProgram, and the id as contextId",
            row,
        )?;
    }
    Ok(())
}

/// PL-21: a context is made with its name, listed, and removed.
pub(super) async fn create(rig: &mut Rig) -> Result<(), Stop> {
    rig.may_write()?;
    let mut peer = rig.client("client").await?;
    let id = rig.context(&mut peer).await?;
    let listed = peer.done("context.list", None, &NOTHING).await?;
    let rows = listed
        .body
        .get("contexts")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let row = rows.iter().find(|row| row.get("id") == Some(&json!(id)));
    let name = row
        .and_then(|row| row.get("name"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    ensure(
        name.starts_with("conform "),
        "the new context is listed with its name",
        &listed.text,
    )?;
    let row = row.cloned().unwrap_or_default();
    let is_new = row.get("hasProgram") == Some(&json!(false));
    ensure(is_new, "a new context has no program", &row)?;
    let nameless = peer.done("context.create", None, &NOTHING).await?;
    let made = nameless
        .body
        .get("contextId")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    rig.made(&made);
    let has_name = nameless
        .body
        .get("name")
        .and_then(Value::as_str)
        .is_some_and(|name| !name.is_empty());
    ensure(
        has_name && !made.is_empty() && made != id,
        "without a name a context gets one, and an id of its own",
        &nameless.text,
    )?;
    for id in [id, made] {
        let reply = peer.done("context.remove", Some(&id), &NOTHING).await?;
        ensure(is_about(&reply, &id), "context.remove names the context", &reply.text)?;
        peer.refused("engine.state", Some(&id), &NOTHING).await?;
    }
    Ok(())
}

/// PL-21: what is not removed.
pub(super) async fn remove_refused(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    plc.peer
        .refused("context.remove", Some("no such context"), &NOTHING)
        .await?;
    plc.peer.refused("context.remove", None, &NOTHING).await?;
    plc.command_to("start", "Running").await?;
    plc.refused("context.remove", &NOTHING).await?;
    plc.until_state("Running").await?;
    plc.command_to("stop", "Stopped").await?;
    plc.done("context.remove", &NOTHING).await.map(drop)
}

/// PL-21: there is a limit.
pub(super) async fn limit(rig: &mut Rig) -> Result<(), Stop> {
    rig.may_write()?;
    let mut peer = rig.client("client").await?;
    for _ in 0..=CONTEXTS_MAX {
        let reply = peer.ask("context.create", None, &NOTHING).await?;
        match reply.body.get("contextId").and_then(Value::as_str) {
            Some(id) => rig.made(id),
            None => {
                let error = reply.body.get("error").and_then(Value::as_str);
                return ensure(
                    reply.body.get("success") == Some(&json!(false)) && error.is_some(),
                    "beyond the limit a context is refused with a reason",
                    &reply.text,
                );
            }
        }
    }
    Err(Stop::failed(format!("at most {CONTEXTS_MAX} contexts"), "one more"))
}

/// PL-20: the table, read.
pub(super) async fn route_list(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    let reply = peer.done("route.list", None, &NOTHING).await?;
    let has_both = reply.body.get("enabled").is_some_and(Value::is_boolean)
        && reply.body.get("routes").is_some_and(Value::is_array);
    ensure(has_both, "route.list tells `enabled` and `routes`", &reply.text)
}

fn route(id: &str, from: (&str, &str), to: (&str, &str)) -> Value {
    json!({
        "routeId": id, "srcContext": from.0, "srcAddress": from.1, "dstContext": to.0, "dstAddress": to.1,
        "dataType": 1, "enabled": true, "intervalMs": 10, "description": "conform"
    })
}

/// Two contexts of the suite's own and their clients.
async fn pair(rig: &mut Rig) -> Result<(Plc, Plc), Stop> {
    let first = rig.bare_plc("operator").await?;
    let second = rig.bare_plc("witness").await?;
    Ok((first, second))
}

/// PL-20: a table is taken and listed, what is missing filled in.
pub(super) async fn sync(rig: &mut Rig) -> Result<(), Stop> {
    let (mut first, second) = pair(rig).await?;
    let full = route("conform-1", (&first.id, "B:0/0"), (&second.id, "B:1/1"));
    let sparse = json!({"srcContext": first.id, "srcAddress": "N:0", "dstContext": second.id, "dstAddress": "N:9"});
    let reply = rig.sync(&mut first.peer, &[full.clone(), sparse]).await?;
    let count = rig.found_routes().len() + 2;
    ensure(
        reply.body.get("routeCount") == Some(&json!(count)),
        format!("routeCount {count}"),
        &reply.text,
    )?;
    let listed = first.peer.done("route.list", None, &NOTHING).await?;
    let rows = listed
        .body
        .get("routes")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    ensure(
        rows.contains(&full),
        format!("the route as it was sent: {full}"),
        &listed.text,
    )?;
    let filled = rows.iter().find(|row| row.get("dstAddress") == Some(&json!("N:9")));
    let filled = filled.cloned().unwrap_or_default();
    let is_text = |name: &str| {
        filled
            .get(name)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    ensure(
        is_text("routeId")
            && filled.get("intervalMs") == Some(&json!(50))
            && filled.get("enabled") == Some(&json!(true)),
        "a route without routeId, intervalMs and enabled gets an id, 50 and true",
        &filled,
    )
}

/// PL-20: routes that lead nowhere are told, and the others taken.
pub(super) async fn sync_refused(rig: &mut Rig) -> Result<(), Stop> {
    let (mut first, second) = pair(rig).await?;
    let routes = [
        route("conform-good", (&first.id, "B:0/0"), (&second.id, "B:1/1")),
        route("conform-context", (&first.id, "B:0/0"), ("no such context", "B:1/1")),
        route("conform-address", (&first.id, "B:64/0"), (&second.id, "B:1/1")),
    ];
    let reply = rig.sync(&mut first.peer, &routes).await?;
    let refused = reply
        .body
        .get("refused")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    for id in ["conform-context", "conform-address"] {
        let row = refused.iter().find(|row| row.get("routeId") == Some(&json!(id)));
        let error = row
            .and_then(|row| row.get("error"))
            .and_then(Value::as_str)
            .unwrap_or_default();
        ensure(!error.is_empty(), format!("{id} is refused with a reason"), &reply.text)?;
    }
    let count = rig.found_routes().len() + 1;
    ensure(
        reply.body.get("routeCount") == Some(&json!(count)),
        format!("routeCount {count}"),
        &reply.text,
    )
}

/// PL-20: the other clients hear of a new table, its sender does not.
pub(super) async fn told(rig: &mut Rig) -> Result<(), Stop> {
    let (mut first, mut second) = pair(rig).await?;
    let from = first.peer.log().len();
    let row = route("conform-told", (&first.id, "B:0/0"), (&second.id, "B:1/1"));
    rig.sync(&mut first.peer, std::slice::from_ref(&row)).await?;
    let expected = "the other client gets event.routesChanged with the new table".to_owned();
    let event = second
        .peer
        .find(0, expected, |message| message.kind == "event.routesChanged")
        .await?;
    let routes = event
        .body
        .get("routes")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    ensure(
        routes.contains(&row) && event.body.get("enabled") == Some(&json!(true)),
        format!("event.routesChanged has the route {row}"),
        &event.text,
    )?;
    first.peer.done("engine.state", None, &NOTHING).await?;
    let back = first
        .peer
        .messages_since(from)
        .find(|message| message.kind == "event.routesChanged");
    ensure(
        back.is_none(),
        "no event.routesChanged to the client that sent the table",
        back.map_or("", |event| &event.text),
    )
}

/// PL-20: bits and integers are carried, one as the other where they differ.
pub(super) async fn carries(rig: &mut Rig) -> Result<(), Stop> {
    let (mut first, mut second) = pair(rig).await?;
    let routes = [
        route("conform-bit", (&first.id, "B:0/0"), (&second.id, "B:1/1")),
        route("conform-integer", (&first.id, "N:0"), (&second.id, "N:9")),
        route("conform-bit-to-integer", (&first.id, "B:0/0"), (&second.id, "N:10")),
        route("conform-integer-to-bit", (&first.id, "N:0"), (&second.id, "B:1/2")),
    ];
    rig.sync(&mut first.peer, &routes).await?;
    for (on, number) in [(true, -80), (false, 0)] {
        first.set("B:0/0", on).await?;
        first.put("N:0", number).await?;
        let expected = (on, number as i32, i32::from(on), number != 0);
        second.done("memory.subscribe", &json!({"intervalMs": 10})).await?;
        let deadline = Instant::now() + rig.limit;
        loop {
            let frame = second.peer.frame().await?;
            let got = (
                frame.bit("B:1/1"),
                frame.integer(9),
                frame.integer(10),
                frame.bit("B:1/2"),
            );
            if got == expected {
                break;
            }
            ensure(
                Instant::now() < deadline,
                format!("B:1/1, N:9, N:10, B:1/2 become {expected:?}"),
                format!("{got:?}"),
            )?;
        }
    }
    Ok(())
}

/// PL-20: a route whose context goes away is disabled, not forgotten.
pub(super) async fn context_gone(rig: &mut Rig) -> Result<(), Stop> {
    let (mut first, second) = pair(rig).await?;
    let row = route("conform-gone", (&first.id, "B:0/0"), (&second.id, "B:1/1"));
    rig.sync(&mut first.peer, &[row]).await?;
    first.peer.done("context.remove", Some(&second.id), &NOTHING).await?;
    let listed = first.peer.done("route.list", None, &NOTHING).await?;
    let rows = listed
        .body
        .get("routes")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let row = rows
        .iter()
        .find(|row| row.get("routeId") == Some(&json!("conform-gone")));
    ensure(
        row.is_some_and(|row| row.get("enabled") == Some(&json!(false))),
        "the route is listed, with enabled false",
        &listed.text,
    )
}

/// PL-18: virtual inputs and outputs are taken and told.
pub(super) async fn io_virtual(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    let config = json!({"providerType": "Virtual", "virtualInputCount": 16, "virtualOutputCount": 4});
    plc.done("ioconfig.load", &json!({"config": config})).await?;
    let info = plc.done("engine.info", &NOTHING).await?;
    let provider = info.body.get("ioProvider").and_then(Value::as_str).unwrap_or_default();
    ensure(
        provider.to_lowercase().contains("virtual"),
        "ioProvider is virtual",
        &info.text,
    )?;
    if rig.dialect == Dialect::V02 {
        let told = info.body.get("ioConfig").cloned().unwrap_or_default();
        ensure(
            told.get("virtualInputCount") == Some(&json!(16)),
            "ioConfig has virtualInputCount 16",
            &info.text,
        )?;
    }
    Ok(())
}

/// PL-18: what is no configuration is refused and changes nothing.
pub(super) async fn io_refused(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.bare_plc("operator").await?;
    let told = |message: &crate::conform::message::Message| {
        let mut body = message.body.clone();
        body.remove("seq");
        body
    };
    let before = told(&plc.done("engine.info", &NOTHING).await?);
    let pin = |line: i64, bit: i64| json!({"gpioLine": line, "direction": "input", "plcWord": 0, "plcBit": bit});
    for config in [
        json!({"providerType": "no such provider"}),
        json!({"providerType": "GPIO", "gpioChipPath": "/dev/gpiochip0", "digitalPins": [pin(17, 32)]}),
        json!({"providerType": "GPIO", "gpioChipPath": "/dev/gpiochip0", "digitalPins": [pin(17, 0), pin(18, 0)]}),
        json!({}),
    ] {
        plc.refused("ioconfig.load", &json!({"config": config})).await?;
    }
    let after = told(&plc.done("engine.info", &NOTHING).await?);
    ensure(
        before == after,
        format!("engine.info as before: {before:?}"),
        format!("{after:?}"),
    )
}

/// PL-18: other inputs and outputs stop the engine first.
pub(super) async fn io_stops(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    plc.command_to("start", "Running").await?;
    let config = json!({"providerType": "Virtual", "virtualInputCount": 8, "virtualOutputCount": 8});
    plc.done("ioconfig.load", &json!({"config": config})).await?;
    plc.until_state("Stopped").await
}
