//! What headsets send to the simulation (SI-34, SI-35).

use crate::conform::rig::{Stop, ensure};
use crate::conform::simple::rig::{CALM_HEARTBEAT_MS, Rig, in_game, settle_headset};
use serde_json::{Value, json};

/// SI-34: every `$id`, and the fields that GAMA gets.
pub(super) async fn expression(rig: &mut Rig) -> Result<(), Stop> {
    let (_monitor, mut player) = rig.game().await?;
    let from = rig.stage()?.mark();
    let sent = json!({"type": "expression", "expr": "do move_player_external($id, 12, $id);"});
    player.peer.tell(&sent).await?;
    let gama = rig.stage()?;
    let came = gama
        .expect(from, "the expression", |command| {
            command.field("expr").contains("move_player_external")
        })
        .await?;
    let id = json!(player.id);
    let expected = json!({
        "type": "expression",
        "content": "Send an expression",
        "exp_id": gama.experiment(),
        "expr": format!("do move_player_external({id}, 12, {id});"),
    });
    same_but_api_id(&came.value, &expected, &came.text)
}

/// The command is as expected; a platform may add `api_id` (GA-4).
fn same_but_api_id(came: &Value, expected: &Value, text: &str) -> Result<(), Stop> {
    let mut came = came.clone();
    if let Some(fields) = came.as_object_mut() {
        fields.shift_remove("api_id");
    }
    ensure(came == *expected, expected, text)
}

/// SI-34: an id that tries to break out.
pub(super) async fn quoted(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    rig.run(&mut monitor).await?;
    let from = rig.stage()?.mark();
    let id = format!("{}\"\\", rig.fresh_id());
    let escaped = id.replace('\\', "\\\\").replace('"', "\\\"");
    let mut player = rig.player_called("headset", id, json!(CALM_HEARTBEAT_MS)).await?;
    let gama = rig.stage()?;
    let expr = format!("do create_player(\"{escaped}\");");
    gama.expect(from, &expr, |command| command.field("expr") == expr)
        .await?;
    in_game(&mut player, true).await?;
    player
        .peer
        .say(r#"{"type":"expression","expr":"do move_player_external($id);"}"#)
        .await?;
    let came = rig
        .stage()?
        .expect(from, "the expression", |command| {
            command.field("expr").contains("move_player_external")
        })
        .await?;
    let expr = format!("do move_player_external(\"{escaped}\");");
    ensure(came.field("expr") == expr, expr, &came.text)
}

/// SI-34, SI-35: nobody to send it to.
pub(super) async fn idle(rig: &mut Rig) -> Result<(), Stop> {
    let mut monitor = rig.director().await?;
    let mut player = rig.player("headset").await?;
    let from = rig.stage()?.mark();
    player
        .peer
        .say(r#"{"type":"expression","expr":"do move_player_external($id, 1);"}"#)
        .await?;
    player
        .peer
        .say(r#"{"type":"ask","action":"move_player_external","args":"{}","agent":"simulation[0].unity_linker[0]"}"#)
        .await?;
    settle_headset(&mut player.peer, "too early").await?;
    rig.run(&mut monitor).await?;
    in_game(&mut player, true).await?;
    let came = rig.stage()?.since(from);
    let stray = came
        .iter()
        .find(|command| command.text.contains("move_player_external"));
    ensure(
        stray.is_none(),
        "GAMA gets nothing that was said before the experiment",
        stray.map_or("", |command| command.text.as_str()),
    )
}

/// SI-35: as it came.
pub(super) async fn ask(rig: &mut Rig) -> Result<(), Stop> {
    let (_monitor, mut player) = rig.game().await?;
    let args = json!({"id": player.id, "x": "12"}).to_string();
    for exp_id in [None, Some("own")] {
        let mut sent = json!({
            "type": "ask",
            "action": "move_player_external",
            "args": args,
            "agent": "simulation[0].unity_linker[0]",
            "extra": {"deep": [1.5, null]},
        });
        let mut expected = sent.clone();
        if let Some(exp_id) = exp_id {
            sent["exp_id"] = json!(exp_id);
        }
        let gama = rig.stage()?;
        expected["exp_id"] = json!(exp_id.map_or_else(|| gama.experiment(), str::to_owned));
        let from = gama.mark();
        player.peer.tell(&sent).await?;
        let came = rig
            .stage()?
            .expect(from, "the ask", |command| command.kind() == "ask")
            .await?;
        same_but_api_id(&came.value, &expected, &came.text)?;
    }
    Ok(())
}
