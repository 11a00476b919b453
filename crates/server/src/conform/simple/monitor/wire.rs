//! Frames and paths of the monitor port (SI-2 to SI-4).

use crate::conform::rig::Stop;
use crate::conform::simple::peer::{How, Peer};
use crate::conform::simple::rig::{Rig, is_catalog};
use crate::conform::simple::shared::{self, Port};

/// SI-2: front ends ask for whatever path they are configured with.
pub(super) async fn path(rig: &mut Rig) -> Result<(), Stop> {
    let url = shared::elsewhere(rig.monitor_url.as_deref().unwrap_or_default());
    let mut peer = Peer::connect(&url, How::named("elsewhere"), rig.limit, &rig.transcript).await?;
    shared::served(&mut peer, Port::Monitor).await
}

/// SI-2: some clients send everything in binary frames.
pub(super) async fn binary(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.monitor("monitor").await?;
    peer.say_binary(br#"{"type":"get_simulation_informations"}"#.to_vec())
        .await?;
    peer.next("the catalog", is_catalog).await.map(drop)
}

/// SI-2: an upgrade without extensions stays one.
pub(super) async fn plain(rig: &mut Rig) -> Result<(), Stop> {
    shared::plain(&rig.fresh_monitor("monitor").await?)
}

/// SI-3: within the limit.
pub(super) async fn large(rig: &mut Rig) -> Result<(), Stop> {
    shared::large(rig, Port::Monitor).await
}

/// SI-3: above the limit.
pub(super) async fn oversized(rig: &mut Rig) -> Result<(), Stop> {
    shared::oversized(rig, Port::Monitor).await
}

/// SI-4: what is no message.
pub(super) async fn malformed(rig: &mut Rig) -> Result<(), Stop> {
    shared::malformed(rig, Port::Monitor).await
}
