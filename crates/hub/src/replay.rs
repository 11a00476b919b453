//! A recording as a source of signals: what it says is written as if the writers of that time were there again.
//!
//! A place in the memory of a PLC is fed, as by a route: its signal changes when the engine tells. Everything else is written at
//! once, with the quality that it had. When the recording ends, what it wrote is stale.

mod fits;
pub(crate) mod shown;

use crate::classroom::signals::is_watched;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::session::link::is_state;
use crate::session::write::{conflict_id, is_too_long};
use crate::settings::Owner;
use crate::signal::space::CreateError;
use crate::signal::{Quality, SignalId, Value, Writer, coerce};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// What a recording says of a signal.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// Name of the signal. One that does not exist is made, as one that peers write.
    pub name: Arc<str>,
    /// Its value at that time; it is fitted to the kind of the signal as what peers write.
    pub value: Value,
    /// Its quality at that time. Of a signal that nobody had written then nothing is taken, and what was said of it before is
    /// taken back.
    pub quality: Quality,
}

/// In the place of the number of a route, for places of a PLC that a recording feeds: routes count from 1.
pub(crate) const REPLAY_ROUTE: u32 = u32::MAX;

/// The problem of a signal whose sample was not taken begins so.
const REFUSED: &str = "not replayed: ";

fn refusal_id(name: &str) -> String {
    format!("replay:{name}")
}

/// What a recording or a test has said so far.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// The signals that it has written.
    written: FxHashSet<SignalId>,
    /// The signals that were made for it in this run of the hub.
    made: FxHashSet<SignalId>,
    /// Those of them that a peer writes too, and the peer.
    conflicts: FxHashMap<SignalId, ConnId>,
    /// What connected peers have said last of signals that the recording says now. They say what changes and nothing else, so this
    /// is how it is when the recording ends.
    hidden: FxHashMap<SignalId, Hidden>,
}

/// What a peer has said last.
#[derive(Clone, Debug)]
struct Hidden {
    conn: ConnId,
    value: Value,
    quality: Quality,
}

impl Hub {
    /// Takes what a replay or a test says of the outside world, as one generation.
    pub(crate) fn replayed(&mut self, samples: Vec<Replayed>) {
        // A peer that returns what a recording has said is an echo as one that returns what an operator has said.
        if !std::mem::replace(&mut self.operators_write, true) {
            self.watch_echoes();
        }
        for sample in samples {
            if sample.quality == Quality::NeverWritten {
                self.take_back_replayed(&sample.name);
                continue;
            }
            if let Err(why) = self.replay_sample(&sample) {
                let hint = "leave the signal out of the replay, or give it the kind that it had";
                let text = format!("{REFUSED}{why}");
                self.trouble(false, refusal_id(&sample.name), &sample.name, text, hint);
            }
        }
    }

    /// Why what a replay or a test has said of this signal was not taken; `None` when nothing was refused, or when that is over.
    pub fn replay_refusal(&self, name: &str) -> Option<&str> {
        self.problems.text(&refusal_id(name))?.strip_prefix(REFUSED)
    }

    /// At this time of the recording nobody had written the signal: what the recording has said of it is taken back. A place of a
    /// PLC keeps what it holds.
    fn take_back_replayed(&mut self, name: &str) {
        let Some(id) = self.ledger.space.find(name) else { return };
        let cell = self.ledger.space.cell(id);
        if cell.writer == Writer::Replay && !cell.is_tag {
            let (at, initial) = (self.time(), self.ledger.space.initial(id).clone());
            let nobody = Quality::NeverWritten;
            self.ledger.store(at, id, initial, Writer::Replay, nobody);
        }
    }

    /// The recording or the test says nothing more.
    pub(crate) fn replay_ends(&mut self) {
        let written = std::mem::take(&mut self.replay.written);
        let conflicts = std::mem::take(&mut self.replay.conflicts);
        let mut written: Vec<SignalId> = written.into_iter().collect();
        written.sort_unstable();
        for id in written {
            let fed = self.replay_feed(id);
            match fed {
                Some(value) => drop(self.feed(REPLAY_ROUTE, id, &value, Quality::Stale)),
                None if self.ledger.space.cell(id).writer == Writer::Replay => self.show_hidden(id),
                None => {}
            }
        }
        self.replay.hidden.clear();
        let over: FxHashSet<String> = conflicts.keys().map(|id| self.end_replay_conflict(*id)).collect();
        self.problems
            .clear_where(|id| id.starts_with("replay:") || over.contains(id));
    }

    /// The recording says nothing more of a signal: what a peer that is still there has said is how it is; otherwise it is old.
    fn show_hidden(&mut self, id: SignalId) {
        let hidden = self.replay.hidden.remove(&id);
        match hidden.filter(|hidden| self.clients.contains_key(&hidden.conn)) {
            Some(Hidden { conn, value, quality }) => {
                let at = self.time();
                self.ledger.store(at, id, value, Writer::Peer(conn), quality);
            }
            None => self.ledger.mark(id, Quality::Stale),
        }
    }

    /// The peer that has said a signal which the recording says now.
    fn hidden_peer(&self, id: SignalId) -> Option<ConnId> {
        self.replay.hidden.get(&id).map(|hidden| hidden.conn)
    }

    /// What a recording has said last to a place of a PLC, unless a route has said something since.
    fn replay_feed(&self, id: SignalId) -> Option<Value> {
        let (plc, index) = self.plcs.tag_of.get(&id)?;
        let fed = self.plcs.get(*plc)?.tags.get(*index)?.fed?;
        (fed.route == REPLAY_ROUTE).then(|| crate::plc::tags::as_value(fed.value))
    }

    fn replay_sample(&mut self, sample: &Replayed) -> Result<(), String> {
        let id = match self.make_tag_named(&sample.name).map_err(|error| error.to_string())? {
            Some(id) => id,
            None => self.make_replayed(sample).map_err(|error| error.to_string())?,
        };
        let cell = self.ledger.space.cell(id);
        // What the hub itself has made is its own; without a class here the signals of a recorded one are like any others.
        let name = self.ledger.space.name(id);
        let is_its_own = matches!(cell.writer, Writer::Replay) || self.replay.made.contains(&id) || is_watched(name);
        if let Some(refusal) = is_state(name).filter(|_| !is_its_own) {
            return Err(refusal);
        }
        let kind = cell.value.kind();
        let fitted = coerce::fit(kind, sample.value.as_wire())
            .ok_or_else(|| format!("expected a value for a {}", kind.word()))?
            .value;
        if is_too_long(&fitted, self.limits.text_len_max) {
            let limit = self.limits.text_len_max;
            return Err(format!("expected a text of at most {limit} bytes"));
        }
        if cell.is_tag {
            self.feed(REPLAY_ROUTE, id, &fitted, sample.quality);
        } else {
            let (before, at) = (cell.writer, self.time());
            if let Writer::Peer(conn) = before {
                let hidden = Hidden {
                    conn,
                    value: cell.value.clone(),
                    quality: cell.quality,
                };
                self.replay.hidden.insert(id, hidden);
            }
            let changed = self.ledger.store(at, id, fitted, Writer::Replay, sample.quality);
            if let (true, Writer::Peer(conn)) = (changed, before) {
                self.note_replay_conflict(id, conn);
            }
        }
        self.replay.written.insert(id);
        Ok(())
    }

    fn make_replayed(&mut self, sample: &Replayed) -> Result<SignalId, CreateError> {
        let (at, zero) = (self.time(), Value::zero(sample.value.kind()));
        let id = self.ledger.space.create(at, &sample.name, Owner::Peer, zero)?;
        self.replay.made.insert(id);
        self.created.push(id);
        Ok(id)
    }

    /// A peer and a recording write the same signal.
    pub(crate) fn note_replay_conflict(&mut self, id: SignalId, conn: ConnId) {
        let peer = self.clients.get(&conn).map(|client| client.title().to_owned());
        let Some(peer) = peer else { return };
        self.ledger.space.set_conflict(id, true);
        self.replay.conflicts.insert(id, conn);
        let name = self.ledger.space.name(id).to_owned();
        let text = format!("two writers: {peer} and the replay; the last one wins");
        let hint = "leave the signal out of the replay, or disconnect the peer";
        self.trouble(false, conflict_id(&name), &name, text, hint);
    }

    /// A peer that has left is in no recording's way.
    pub(crate) fn end_replay_conflicts(&mut self, conn: ConnId) {
        let mut over: Vec<SignalId> = Vec::new();
        self.replay.hidden.retain(|_, hidden| hidden.conn != conn);
        self.replay.conflicts.retain(|id, other| {
            if *other == conn {
                over.push(*id);
            }
            *other != conn
        });
        let over: FxHashSet<String> = over.into_iter().map(|id| self.end_replay_conflict(id)).collect();
        if !over.is_empty() {
            self.problems.clear_where(|id| over.contains(id));
        }
    }

    /// The id of the problem that is over, unless two peers write the signal all the same.
    fn end_replay_conflict(&mut self, id: SignalId) -> String {
        if self.conflicts.contains_key(&id) {
            return String::new();
        }
        self.ledger.space.set_conflict(id, false);
        conflict_id(self.ledger.space.name(id))
    }
}
