//! Frames and paths of the headset port (SI-2 to SI-4).

use crate::conform::rig::Stop;
use crate::conform::simple::peer::{How, Peer};
use crate::conform::simple::rig::{CALM_HEARTBEAT_MS, Rig};
use crate::conform::simple::shared::{self, Port};
use serde_json::json;

/// Messages that mean something only after `connection`.
const EARLY: &[&str] = &[
    r#"{"type":"pong"}"#,
    r#"{"type":"ping"}"#,
    r#"{"type":"ping","id":"early"}"#,
    r#"{"type":"expression","expr":"do x($id);"}"#,
    r#"{"type":"ask","action":"send_init_data","args":"{}","agent":"simulation[0].unity_linker[0]"}"#,
    r#"{"type":"disconnect_properly"}"#,
];

/// SI-2: an app asks for whatever path it is configured with.
pub(super) async fn path(rig: &mut Rig) -> Result<(), Stop> {
    let url = shared::elsewhere(rig.headset_url.as_deref().unwrap_or_default());
    let how = How {
        from: rig.fresh_address(),
        ..How::named("elsewhere")
    };
    let mut peer = Peer::connect(&url, how, rig.limit, &rig.transcript).await?;
    let id = rig.fresh_id();
    peer.tell(&json!({"type": "connection", "id": id, "heartbeat": CALM_HEARTBEAT_MS}))
        .await?;
    shared::served(&mut peer, Port::Headset).await
}

/// SI-2: some clients send everything in binary frames.
pub(super) async fn binary(rig: &mut Rig) -> Result<(), Stop> {
    let mut player = rig.player("headset").await?;
    player
        .peer
        .say_binary(br#"{"type":"ping","id":"binary"}"#.to_vec())
        .await?;
    let is_it = |heard: &crate::conform::simple::peer::Heard| heard.kind() == "pong" && heard.value["id"] == "binary";
    player.peer.next("a pong", is_it).await.map(drop)
}

/// SI-2: an old client cannot inflate what it has offered to.
pub(super) async fn plain(rig: &mut Rig) -> Result<(), Stop> {
    for deflates in [false, true] {
        let how = How {
            from: rig.fresh_address(),
            deflates,
            ..How::named("headset")
        };
        shared::plain(&rig.stranger(how).await?)?;
    }
    Ok(())
}

/// SI-3: within the limit.
pub(super) async fn large(rig: &mut Rig) -> Result<(), Stop> {
    shared::large(rig, Port::Headset).await
}

/// SI-3: above the limit.
pub(super) async fn oversized(rig: &mut Rig) -> Result<(), Stop> {
    shared::oversized(rig, Port::Headset).await
}

/// SI-4: what is no message.
pub(super) async fn malformed(rig: &mut Rig) -> Result<(), Stop> {
    shared::malformed(rig, Port::Headset).await
}

/// SI-4: too early.
pub(super) async fn early(rig: &mut Rig) -> Result<(), Stop> {
    let mut neighbour = rig.player("neighbour").await?;
    let how = How {
        from: rig.fresh_address(),
        ..How::named("hasty")
    };
    let mut hasty = rig.stranger(how).await?;
    for message in EARLY {
        hasty.say(*message).await?;
        hasty.ping().await?;
    }
    let id = rig.fresh_id();
    hasty
        .tell(&json!({"type": "connection", "id": id, "heartbeat": CALM_HEARTBEAT_MS}))
        .await?;
    hasty
        .next("its json_state", |heard| heard.kind() == "json_state")
        .await?;
    shared::served(&mut hasty, Port::Headset).await?;
    shared::served(&mut neighbour.peer, Port::Headset).await
}
