//! Whose seat it is (SI-31).

use crate::conform::message::shortened;
use crate::conform::peer::Pace;
use crate::conform::rig::{Stop, ensure};
use crate::conform::simple::peer::{Heard, How};
use crate::conform::simple::rig::{CALM_HEARTBEAT_MS, Player, Rig, in_game, settle_headset};
use serde_json::json;
use std::net::IpAddr;

/// Close code "policy violation".
const REFUSED: u16 = 1008;

fn from(label: &'static str, from: Option<IpAddr>) -> How {
    How {
        label,
        from,
        pace: Pace::Usual,
        deflates: false,
    }
}

fn by_id(rig: &Rig) -> Result<(), Stop> {
    match rig.by_address {
        false => Ok(()),
        true => Err(Stop::skipped(
            "the platform knows headsets by their address, not by their id",
        )),
    }
}

/// The same headset on a new socket.
async fn again(rig: &Rig, id: &str, address: Option<IpAddr>) -> Result<Player, Stop> {
    let how = from("again", address);
    if !rig.by_address {
        return rig.join(how, id.to_owned(), json!(CALM_HEARTBEAT_MS)).await;
    }
    let mut peer = rig.stranger(how).await?;
    peer.next("its json_state without asking", |heard| heard.kind() == "json_state")
        .await?;
    Ok(Player {
        peer,
        id: id.to_owned(),
        from: address,
    })
}

fn last_state(player: &Player) -> Option<&Heard> {
    player
        .peer
        .log()
        .iter()
        .rev()
        .find(|heard| heard.kind() == "json_state")
}

/// SI-31: gone for a while.
pub(super) async fn returns(rig: &mut Rig) -> Result<(), Stop> {
    let player = rig.player("headset").await?;
    let (id, address) = (player.id, player.from);
    player.peer.leave().await?;
    let mut back = again(rig, &id, address).await?;
    let state = last_state(&back);
    ensure(
        state.is_some_and(|state| state.value["connected"] == json!(true) && state.value["id"] == id.as_str()),
        format!("json_state of {id}, connected"),
        state.map_or("none".to_owned(), |state| shortened(&state.text)),
    )?;
    settle_headset(&mut back.peer, "back").await
}

/// SI-31: the app was started anew, and its old socket hangs.
pub(super) async fn takeover(rig: &mut Rig) -> Result<(), Stop> {
    by_id(rig)?;
    let mut player = rig.player("headset").await?;
    let mut back = again(rig, &player.id, player.from).await?;
    player
        .peer
        .closed_with(1000, "when its id comes anew from its address")
        .await?;
    settle_headset(&mut back.peer, "back").await
}

/// SI-31: two headsets with one name.
pub(super) async fn refused(rig: &mut Rig) -> Result<(), Stop> {
    by_id(rig)?;
    let (first_address, other_address) = (rig.own_address()?, rig.own_address()?);
    let id = rig.fresh_id();
    let calm = json!(CALM_HEARTBEAT_MS);
    let mut first = rig
        .join(from("first", Some(first_address)), id.clone(), calm.clone())
        .await?;
    let mut second = rig.stranger(from("second", Some(other_address))).await?;
    second
        .tell(&json!({"type": "connection", "id": id, "heartbeat": calm}))
        .await?;
    second
        .closed_with(REFUSED, "because its id is taken by a headset that lives")
        .await?;
    settle_headset(&mut first.peer, "still here").await
}

/// SI-31: said twice.
pub(super) async fn second(rig: &mut Rig) -> Result<(), Stop> {
    let mut player = rig.player("headset").await?;
    let other = rig.fresh_id();
    player
        .peer
        .tell(&json!({"type": "connection", "id": other, "heartbeat": CALM_HEARTBEAT_MS}))
        .await?;
    settle_headset(&mut player.peer, "second").await?;
    let renamed = player
        .peer
        .log()
        .iter()
        .find(|heard| heard.value["id"] == other.as_str());
    ensure(
        renamed.is_none(),
        format!("the socket stays that of {}", player.id),
        renamed.map_or_else(String::new, |heard| shortened(&heard.text)),
    )
}

/// SI-31: the address is the key.
pub(super) async fn by_address(rig: &mut Rig) -> Result<(), Stop> {
    if !rig.by_address {
        return Err(Stop::skipped(
            "the platform knows headsets by their id, not by their address",
        ));
    }
    let address = rig.own_address()?;
    let id = rig.fresh_id();
    let first = rig
        .join(from("headset", Some(address)), id, json!(CALM_HEARTBEAT_MS))
        .await?;
    let mut back = again(rig, &first.id, first.from).await?;
    let state = last_state(&back);
    ensure(
        state.is_some_and(|state| state.value["id"] == first.id.as_str()),
        format!("json_state of {}", first.id),
        state.map_or("none".to_owned(), |state| shortened(&state.text)),
    )?;
    settle_headset(&mut back.peer, "back").await
}

/// SI-31: in the middle of a game.
pub(super) async fn kept(rig: &mut Rig) -> Result<(), Stop> {
    let (_monitor, player) = rig.game().await?;
    let mark = rig.stage()?.mark();
    let mut back = again(rig, &player.id, player.from).await?;
    in_game(&mut back, true).await?;
    // An expression of its own stands behind whatever its return has led to.
    back.peer
        .say(r#"{"type":"expression","expr":"do move_player_external($id);"}"#)
        .await?;
    let gama = rig.stage()?;
    gama.expect(mark, "the expression of the player", |command| {
        command.field("expr").contains("move_player_external")
    })
    .await?;
    let came = gama.since(mark);
    let twice = came
        .iter()
        .find(|command| command.field("expr").contains("create_player"));
    ensure(
        twice.is_none(),
        "GAMA is not told again of a player that it has",
        twice.map_or("", |command| command.text.as_str()),
    )
}
