//! Players as monitors see and steer them (SI-11, SI-12, SI-20, SI-21).

use crate::conform::message::shortened;
use crate::conform::rig::{Stop, ensure};
use crate::conform::simple::peer::{Heard, Peer};
use crate::conform::simple::rig::{
    CALM_HEARTBEAT_MS, PLAYER_FIELDS, Player, Rig, await_told, in_game, keys, settle, settle_headset,
};
use serde_json::{Value, json};

/// Signs of life that must not make news.
const SIGNS: usize = 20;

/// The newest state that a monitor holds.
fn newest(monitor: &Peer) -> Option<&Heard> {
    monitor.log().iter().rev().find(|heard| heard.kind() == "json_state")
}

/// Waits until a monitor sees a player so.
async fn sees(monitor: &mut Peer, player: &Player, what: &str, holds: impl Fn(&Value) -> bool) -> Result<(), Stop> {
    let what = format!("{} {what}", player.id);
    await_told(monitor, &what, |state| {
        state["player"].get(&player.id).is_some_and(&holds)
    })
    .await
}

/// SI-11: one player.
pub(super) async fn listed(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.monitor("monitor").await?;
    for heartbeat in [json!(CALM_HEARTBEAT_MS), json!("500000")] {
        let id = rig.fresh_id();
        let player = rig.player_called("headset", id, heartbeat.clone()).await?;
        sees(&mut monitor, &player, "connected and not in the game", |entry| {
            entry["connected"] == json!(true) && entry["in_game"] == json!(false)
        })
        .await?;
        let state = newest(&monitor).map(|heard| heard.value.clone()).unwrap_or_default();
        let entry = &state["player"][&player.id];
        let got = shortened(&entry.to_string());
        ensure(keys(entry) == PLAYER_FIELDS, format!("{PLAYER_FIELDS:?}"), &got)?;
        ensure(entry["id"] == player.id.as_str(), format!("id {:?}", player.id), &got)?;
        ensure(
            entry["ping_interval"] == heartbeat,
            format!("ping_interval {heartbeat}, as it was sent"),
            &got,
        )?;
        let time = entry["date_connection"].as_str().unwrap_or("").as_bytes();
        let is_time = matches!(time, [a, b, b':', c, d] if [a, b, c, d].iter().all(|digit| digit.is_ascii_digit()));
        ensure(is_time, "date_connection is HH:MM", &got)?;
    }
    Ok(())
}

/// SI-11: the order of `player`.
pub(super) async fn arrival(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.monitor("monitor").await?;
    let mut players = Vec::new();
    for front in ["Z_", "A_", "M_"] {
        if rig.by_address {
            rig.own_address()?;
        }
        let id = format!("{front}{}", rig.fresh_id());
        players.push(rig.player_called("headset", id, json!(CALM_HEARTBEAT_MS)).await?);
    }
    for player in &players {
        sees(&mut monitor, player, "connected", |entry| {
            entry["connected"] == json!(true)
        })
        .await?;
    }
    let state = newest(&monitor).map(|heard| heard.value.clone()).unwrap_or_default();
    let shown: Vec<&str> = keys(&state["player"])
        .into_iter()
        .filter(|id| players.iter().any(|player| player.id == *id))
        .collect();
    let came: Vec<&str> = players.iter().map(|player| player.id.as_str()).collect();
    ensure(shown == came, format!("{came:?}"), format!("{shown:?}"))
}

/// SI-12: the same is not said twice.
pub(super) async fn repeats(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.monitor("monitor").await?;
    let told = monitor.log().len();
    let mut player = rig.player("headset").await?;
    sees(&mut monitor, &player, "connected", |entry| {
        entry["connected"] == json!(true)
    })
    .await?;
    for sign in 0..SIGNS {
        player.peer.say(r#"{"type":"pong"}"#).await?;
        settle_headset(&mut player.peer, &format!("sign {sign}")).await?;
    }
    player.peer.say(r#"{"type":"disconnect_properly"}"#).await?;
    await_told(&mut monitor, "without the player, or with it not connected", |state| {
        state["player"]
            .get(&player.id)
            .is_none_or(|entry| entry["connected"] == json!(false))
    })
    .await?;
    settle(&mut monitor).await?;
    let states: Vec<&Heard> = monitor.log()[told..]
        .iter()
        .filter(|heard| heard.kind() == "json_state")
        .collect();
    let repeat = states.windows(2).find(|pair| pair[0].text == pair[1].text);
    ensure(
        repeat.is_none(),
        "every state differs from the one before",
        repeat.map_or_else(String::new, |pair| format!("twice {}", shortened(&pair[0].text))),
    )
}

/// SI-20: the class is over.
pub(super) async fn stopped(rig: &mut Rig) -> Result<(), Stop> {
    let (mut monitor, mut player) = rig.game().await?;
    monitor.say(r#"{"type":"stop_experiment"}"#).await?;
    player.peer.closed_with(1000, "when the experiment is stopped").await?;
    await_told(&mut monitor, "without the player, or with it not connected", |state| {
        state["player"]
            .get(&player.id)
            .is_none_or(|entry| entry["connected"] == json!(false) && entry["in_game"] == json!(false))
    })
    .await
}

/// SI-21: a player that GAMA has refused gets another chance.
pub(super) async fn added(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    rig.run(&mut monitor).await?;
    let gama = rig.stage()?;
    gama.refuse(Some("create_player"));
    let from = gama.mark();
    let mut player = rig.player("headset").await?;
    let gama = rig.stage()?;
    let create = |command: &crate::conform::simple::gama::Heard| command.field("expr").contains("create_player");
    gama.expect(from, "create_player", create).await?;
    await_told(
        &mut monitor,
        "content_error, because GAMA refuses the player",
        |state| state["gama"]["content_error"] != "",
    )
    .await?;
    settle_headset(&mut player.peer, "refused").await?;
    sees(
        &mut monitor,
        &player,
        "not in the game, because GAMA refuses it",
        |entry| entry["in_game"] == json!(false),
    )
    .await?;
    gama.refuse(None);
    let from = gama.mark();
    monitor
        .tell(&json!({"type": "add_player_headset", "id": player.id}))
        .await?;
    let again = gama.expect(from, "create_player once more", create).await?;
    let expr = format!("do create_player({});", json!(player.id));
    ensure(again.field("expr") == expr, expr, &again.text)?;
    in_game(&mut player, true).await?;
    sees(&mut monitor, &player, "in the game", |entry| {
        entry["in_game"] == json!(true)
    })
    .await
}

async fn remove(rig: &mut Rig, by_address: bool) -> Result<(), Stop> {
    let (mut monitor, mut player) = rig.game().await?;
    let gama = rig.stage()?;
    let from = gama.mark();
    let name = match (by_address, player.peer.address()) {
        (false, _) => player.id.clone(),
        (true, Some(address)) => address.ip().to_string(),
        (true, None) => return Err(Stop::skipped("the system does not know the address of a socket")),
    };
    monitor
        .tell(&json!({"type": "remove_player_headset", "id": name}))
        .await?;
    let expr = format!("do remove_player({});", json!(player.id));
    let removed = gama
        .expect(from, &expr, |command| command.field("expr").contains("remove_player"))
        .await?;
    ensure(removed.field("expr") == expr, expr, &removed.text)?;
    player.peer.closed_with(1000, "when it is removed").await?;
    let last = player
        .peer
        .log()
        .iter()
        .rev()
        .find(|heard| heard.kind() == "json_state");
    ensure(
        last.is_some_and(|heard| heard.value["in_game"] == json!(false)),
        "the last json_state of the headset has in_game false",
        last.map_or("none".to_owned(), |heard| shortened(&heard.text)),
    )?;
    await_told(
        &mut monitor,
        "without the player, or with it out of the game",
        |state| {
            state["player"]
                .get(&player.id)
                .is_none_or(|entry| entry["connected"] == json!(false) && entry["in_game"] == json!(false))
        },
    )
    .await
}

/// SI-21: by id.
pub(super) async fn removed(rig: &mut Rig) -> Result<(), Stop> {
    remove(rig, false).await
}

/// SI-21: by address.
pub(super) async fn removed_by_address(rig: &mut Rig) -> Result<(), Stop> {
    rig.own_address()?;
    remove(rig, true).await
}

/// SI-21: nobody.
pub(super) async fn unknown(rig: &mut Rig) -> Result<(), Stop> {
    let (mut monitor, mut player) = rig.game().await?;
    let from = rig.stage()?.mark();
    for kind in ["add_player_headset", "remove_player_headset"] {
        for id in ["ghost of conform", "", "127.77.255.254"] {
            monitor.tell(&json!({"type": kind, "id": id})).await?;
        }
    }
    settle(&mut monitor).await?;
    player
        .peer
        .say(r#"{"type":"expression","expr":"do create_player($id);"}"#)
        .await?;
    let is_own = |expr: &str| expr.contains(&player.id);
    let gama = rig.stage()?;
    gama.expect(from, "the expression of the player", |command| {
        is_own(command.field("expr"))
    })
    .await?;
    let came = gama.since(from);
    let stray = came.iter().find(|command| !is_own(command.field("expr")));
    ensure(
        stray.is_none(),
        "GAMA is told nothing about an id that nobody has",
        stray.map_or("", |command| command.text.as_str()),
    )?;
    settle_headset(&mut player.peer, "untouched").await
}
