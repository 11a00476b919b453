//! A headset on its seat: heartbeat, states, leaving (SI-30, SI-32, SI-33, SI-36, SI-37).

use crate::conform::message::shortened;
use crate::conform::rig::{Stop, ensure};
use crate::conform::simple::peer::Heard;
use crate::conform::simple::rig::{CALM_HEARTBEAT_MS, PLAYER_FIELDS, Rig, await_told, in_game, keys, settle_headset};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// Heartbeat of the checks that wait for pings, in milliseconds.
const HEARTBEAT_MS: u64 = 600;
/// Pings that are answered before a headset counts as one that stays.
const ROUNDS: usize = 3;

fn is_state(heard: &Heard) -> bool {
    heard.kind() == "json_state"
}

fn is_ping(heard: &Heard) -> bool {
    heard.kind() == "ping"
}

/// SI-30: what is sent comes back.
pub(super) async fn interval(rig: &mut Rig) -> Result<(), Stop> {
    let cases = [
        (Some(json!(600_000)), json!(600_000)),
        (Some(json!("5000")), json!("5000")),
        (Some(json!(0)), json!(5000)),
        (None, json!(5000)),
    ];
    for (sent, echoed) in cases {
        let how = crate::conform::simple::peer::How {
            from: rig.fresh_address(),
            ..crate::conform::simple::peer::How::named("headset")
        };
        let mut peer = rig.stranger(how).await?;
        let mut message = json!({"type": "connection", "id": rig.fresh_id()});
        if let Some(sent) = &sent {
            message["heartbeat"] = sent.clone();
        }
        peer.tell(&message).await?;
        let state = peer.next("its json_state", is_state).await?;
        ensure(
            state.value["ping_interval"] == echoed,
            format!("ping_interval {echoed} for {message}"),
            shortened(&state.text),
        )?;
    }
    Ok(())
}

/// SI-37: names and order.
pub(super) async fn fields(rig: &mut Rig) -> Result<(), Stop> {
    let player = rig.player("headset").await?;
    let state = player.peer.log().iter().find(|heard| is_state(heard)).cloned();
    let state = state.ok_or_else(|| Stop::failed("a json_state", "none"))?;
    let mut expected = vec!["type", "id_player"];
    expected.extend(PLAYER_FIELDS);
    let got = shortened(&state.text);
    ensure(keys(&state.value) == expected, format!("{expected:?}"), &got)?;
    let id = player.id.as_str();
    ensure(
        state.value["id_player"] == id && state.value["id"] == id,
        format!("id_player and id {id:?}"),
        &got,
    )?;
    ensure(
        state.value["connected"] == json!(true) && state.value["in_game"] == json!(false),
        "connected, and not in the game",
        &got,
    )
}

/// SI-32: an echo of the id.
pub(super) async fn pong(rig: &mut Rig) -> Result<(), Stop> {
    let mut player = rig.player("headset").await?;
    for id in [json!(player.id), json!("ü\"\\🚀"), json!("")] {
        player.peer.tell(&json!({"type": "ping", "id": id})).await?;
        let pong = player.peer.next("pong", |heard| heard.kind() == "pong").await?;
        ensure(
            pong.value == json!({"type": "pong", "id": id}),
            json!({"type": "pong", "id": id}),
            &pong.text,
        )?;
    }
    Ok(())
}

/// SI-33: the heartbeat.
pub(super) async fn pinged(rig: &mut Rig) -> Result<(), Stop> {
    let id = rig.fresh_id();
    let joins_at = Instant::now();
    let mut player = rig.player_called("headset", id, json!(HEARTBEAT_MS)).await?;
    for round in 1..=ROUNDS {
        let ping = player.peer.next("ping", is_ping).await?;
        ensure(ping.value == json!({"type": "ping"}), r#"{"type":"ping"}"#, &ping.text)?;
        // A busy machine may be late; it cannot be early by itself.
        let earliest = Duration::from_millis(HEARTBEAT_MS) * round as u32 / 2;
        let after = joins_at.elapsed();
        ensure(
            after >= earliest,
            format!("ping {round} after about {round} intervals of {HEARTBEAT_MS} ms"),
            format!("after {after:?}"),
        )?;
        player.peer.say(r#"{"type":"pong"}"#).await?;
    }
    settle_headset(&mut player.peer, "still there").await
}

/// SI-33: not only pongs.
pub(super) async fn any_sign(rig: &mut Rig) -> Result<(), Stop> {
    let id = rig.fresh_id();
    let mut player = rig.player_called("headset", id, json!(HEARTBEAT_MS)).await?;
    for round in 0..ROUNDS {
        player.peer.next("ping", is_ping).await?;
        settle_headset(&mut player.peer, &format!("sign {round}")).await?;
    }
    Ok(())
}

/// SI-33: nobody is there.
pub(super) async fn silent(rig: &mut Rig) -> Result<(), Stop> {
    let id = rig.fresh_id();
    let mut player = rig.player_called("headset", id, json!(HEARTBEAT_MS)).await?;
    player
        .peer
        .closed_with(1000, "after a ping that it did not answer")
        .await?;
    let pings = player.peer.log().iter().filter(|heard| is_ping(heard)).count();
    ensure(pings >= 1, "a ping before the close", "none")?;
    if rig.monitor_url.is_none() {
        return Ok(());
    }
    let mut monitor = rig.monitor("monitor").await?;
    await_told(&mut monitor, "with the player listed and not connected", |state| {
        state["player"]
            .get(&player.id)
            .is_some_and(|entry| entry["connected"] == json!(false))
    })
    .await
}

/// SI-30: front ends see it.
pub(super) async fn monitors(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.monitor("monitor").await?;
    let player = rig.player("headset").await?;
    await_told(&mut monitor, "with the new player, connected", |state| {
        state["player"]
            .get(&player.id)
            .is_some_and(|entry| entry["connected"] == json!(true))
    })
    .await
}

/// SI-30: who comes late.
pub(super) async fn late(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    rig.run(&mut monitor).await?;
    let from = rig.stage()?.mark();
    let mut player = rig.player("headset").await?;
    let expr = format!("do create_player({});", json!(player.id));
    rig.stage()?
        .expect(from, &expr, |command| command.field("expr") == expr)
        .await?;
    in_game(&mut player, true).await
}

/// SI-36: out of the game and gone.
pub(super) async fn leaves(rig: &mut Rig) -> Result<(), Stop> {
    let (mut monitor, mut player) = rig.game().await?;
    let from = rig.stage()?.mark();
    player.peer.say(r#"{"type":"disconnect_properly"}"#).await?;
    let expr = format!("do remove_player({});", json!(player.id));
    rig.stage()?
        .expect(from, &expr, |command| command.field("expr") == expr)
        .await?;
    player.peer.closed_with(1000, "when it has asked for it").await?;
    await_told(
        &mut monitor,
        "without the player, or with it out of the game",
        |state| {
            state["player"]
                .get(&player.id)
                .is_none_or(|entry: &Value| entry["connected"] == json!(false) && entry["in_game"] == json!(false))
        },
    )
    .await
}

/// SI-37: into the game, out of the game.
pub(super) async fn changes(rig: &mut Rig) -> Result<(), Stop> {
    let (_monitor, mut player) = rig.game().await?;
    rig.stage()?.status("NOTREADY").await?;
    rig.stage()?.status("NONE").await?;
    in_game(&mut player, false).await?;
    let told: Vec<bool> = player
        .peer
        .log()
        .iter()
        .filter(|heard| is_state(heard))
        .map(|heard| heard.value["in_game"] == json!(true))
        .collect();
    ensure(
        told == [false, true, false],
        "three states: on connection, in the game, out of it",
        format!("in_game was {told:?}"),
    )?;
    // Heartbeat and seat do not depend on the game.
    settle_headset(&mut player.peer, "after the game").await?;
    ensure(
        player.peer.log().iter().all(|heard| !is_ping(heard)),
        format!("no ping within the interval of {CALM_HEARTBEAT_MS} ms"),
        "a ping",
    )
}
