//! What has changed, change by change.

use super::Rig;
use crate::hub::Hub;
use crate::plc::PlcId;
use crate::signal::{Generation, Quality, SignalId, Value, Writer};
use crate::time::Time;
use std::sync::Arc;

/// Changes that are kept until somebody fetches them. Those that come when so many wait are counted and not kept.
pub const CHANGES_MAX: usize = 1 << 20;

/// A signal whose value, quality or writer has changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// Which signal.
    pub id: SignalId,
    /// Its name.
    pub name: Arc<str>,
    /// Its value.
    pub value: Value,
    /// Whether it may be believed.
    pub quality: Quality,
    /// Who wrote it.
    pub writer: Writer,
    /// The hub's time.
    pub at: Time,
    /// For a place of a PLC whose engine is here: the scan behind which it is so.
    pub scan: Option<u64>,
}

/// The list of them.
#[derive(Debug, Default)]
pub(super) struct Changes {
    list: Vec<Changed>,
    lost: u64,
    told: Generation,
    /// By signal.
    names: Vec<Arc<str>>,
    /// Kept for its room.
    ids: Vec<SignalId>,
}

impl Changes {
    pub(super) fn take(&mut self) -> Vec<Changed> {
        std::mem::take(&mut self.list)
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes in what has changed since the last turn.
    fn note(&mut self, hub: &Hub, scan_of: impl Fn(PlcId) -> Option<u64>) {
        if hub.generation() == self.told {
            return;
        }
        self.ids.clear();
        hub.changed_since(self.told, &mut self.ids);
        self.told = hub.generation();
        let unnamed = self.names.len() as u32..hub.signals();
        self.names
            .extend(unnamed.map(|index| Arc::from(hub.change(SignalId(index)).name)));
        let at = hub.time();
        for id in &self.ids {
            if self.list.len() >= CHANGES_MAX {
                self.lost += 1;
                continue;
            }
            let change = hub.change(*id);
            self.list.push(Changed {
                id: *id,
                name: self.names[id.0 as usize].clone(),
                value: change.value.clone(),
                quality: change.quality,
                writer: change.writer,
                at,
                scan: hub.plcs.tag_of.get(id).and_then(|(plc, _)| scan_of(*plc)),
            });
        }
    }
}

impl Rig {
    pub(super) fn note_changes(&mut self) {
        let engines = &self.engines;
        self.changes.note(&self.hub, |plc| {
            let driven = engines.iter().find(|driven| driven.plc == plc);
            driven.map(super::driven::Driven::scans)
        });
    }
}
