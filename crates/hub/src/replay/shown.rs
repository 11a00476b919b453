//! That people see a recording and not the plant: a frame of the live channel, and signals that routes can begin at.
//!
//! The signals are there from the first replay of a run on, so that a hub that never replays shows none; a route from one of
//! them waits until then.

use crate::api::replay::{ReplayShown, ReplayState};
use crate::hub::Hub;
use crate::input::{ConnId, Face};
use crate::settings::Owner;
use crate::signal::{Quality, Value, Writer};
use crosstie_wire::live as wire;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// What stands under this says how a replay stands; nobody else writes there.
pub(crate) const STATE_PREFIX: &str = "sys/replay/";

/// What the hub knows of the replay.
#[derive(Debug, Default)]
pub(crate) struct ReplayBoard {
    shown: Option<Arc<ReplayShown>>,
    /// Counts what was shown.
    number: u64,
    /// The number that each live channel was told last.
    told: FxHashMap<ConnId, u64>,
}

impl Hub {
    /// A replay stands otherwise than before, or goes on.
    pub(crate) fn replay_shown(&mut self, shown: Arc<ReplayShown>) {
        let signals = [
            ("state", Value::Text(shown.state.word().into())),
            ("position", Value::Float(shown.position.as_secs_f64())),
            (
                "recording",
                Value::Text(shown.recording.as_deref().unwrap_or_default().into()),
            ),
        ];
        for (what, value) in signals {
            self.show_replay_signal(what, value);
        }
        self.replay_board.number += 1;
        self.replay_board.shown = Some(shown);
        let mut channels: Vec<ConnId> = (self.clients.iter())
            .filter(|(_, client)| client.face == Face::Live)
            .map(|(conn, _)| *conn)
            .collect();
        channels.sort_unstable();
        channels.into_iter().for_each(|conn| self.tell_replay(conn));
    }

    fn show_replay_signal(&mut self, what: &str, value: Value) {
        let name = format!("{STATE_PREFIX}{what}");
        let now = self.time();
        let existed = self.ledger.space.len();
        let zero = Value::zero(value.kind());
        // A full space, or a signal of the project in the way, costs this signal only: the frame says the same.
        let Ok(id) = self.ledger.space.create(now, &name, Owner::Hub, zero) else {
            return;
        };
        if self.ledger.space.len() > existed {
            self.created.push(id);
        }
        self.ledger.store(now, id, value, Writer::Nobody, Quality::Good);
    }

    /// Tells a live channel how the replay stands, when it does not know. A channel that is busy or stuck is told with its next
    /// tick, so that nothing can pile up.
    pub(crate) fn tell_replay(&mut self, conn: ConnId) {
        let number = self.replay_board.number;
        let Some(shown) = self.replay_board.shown.clone() else {
            return;
        };
        let Some(client) = self.clients.get(&conn) else { return };
        let told = self.replay_board.told.get(&conn).copied();
        let is_news = match told {
            // Whoever comes when there is none needs not be told so.
            None => shown.state != ReplayState::Idle,
            Some(told) => told < number,
        };
        if !is_news || client.outlet.stuck_since().is_some() || client.answer.is_some() {
            return;
        }
        let access = client.access.clone();
        self.replay_board.told.insert(conn, number);
        self.send_text(conn, |out| wire::write_replay(out, &shown.shown(&access)));
    }

    /// A connection has ended.
    pub(crate) fn replay_left(&mut self, conn: ConnId) {
        self.replay_board.told.remove(&conn);
    }
}
