//! What the core hands to the historian after each turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Sender, TrySendError};
use crosstie_hub::Hub;
use crosstie_hub::signal::{Generation, Pattern, SignalId};
use rustc_hash::FxHashSet;

use super::Row;

/// What intake and thread both count.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Samples that were not written because there were too many of them.
    pub(crate) dropped: AtomicU64,
    /// Samples in the file since the start of the hub.
    pub(crate) written: AtomicU64,
    /// Samples in the file.
    pub(crate) rows: AtomicU64,
    /// Signals that are kept.
    pub(crate) signals: AtomicU64,
}

/// The core's end of the historian.
#[derive(Debug)]
pub(crate) struct Intake {
    patterns: Vec<Pattern>,
    /// For each signal that was looked at: whether it is kept, and whether its name was told.
    kept: Vec<Kept>,
    told: Generation,
    /// Signals whose newest value is not told.
    missed: FxHashSet<SignalId>,
    queue: Sender<Row>,
    /// Samples that this second may still take.
    allowed: u32,
    allowed_max: u32,
    second: i64,
    counters: Arc<Counters>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// Nobody has looked.
    Unknown,
    No,
    Untold,
    Told,
}

impl Intake {
    pub(super) fn new(patterns: Vec<Pattern>, allowed_max: u32, queue: Sender<Row>, counters: Arc<Counters>) -> Self {
        Intake {
            patterns,
            kept: Vec::new(),
            told: Generation(0),
            missed: FxHashSet::default(),
            queue,
            allowed: allowed_max,
            allowed_max,
            second: 0,
            counters,
        }
    }

    /// Takes what has changed. Never waits. The time is the world's, in microseconds since 1970.
    pub(crate) fn after_turn(&mut self, hub: &Hub, at_us: i64) {
        let second = at_us.div_euclid(1_000_000);
        if second != self.second {
            self.second = second;
            self.allowed = self.allowed_max;
        }
        let generation = hub.generation();
        if generation == self.told && (self.missed.is_empty() || self.allowed == 0) {
            return;
        }
        self.take_missed(hub, at_us);
        if generation != self.told {
            for change in hub.changes_since(self.told) {
                if self.keeps(change.id, change.name) {
                    self.take(hub, change.id, at_us);
                }
            }
            self.told = generation;
        }
    }

    /// What there was no room for before: the value of now.
    fn take_missed(&mut self, hub: &Hub, at_us: i64) {
        if self.missed.is_empty() || self.queue.is_full() {
            return;
        }
        let mut missed: Vec<SignalId> = self.missed.iter().copied().collect();
        missed.sort_unstable();
        missed.truncate(self.allowed as usize);
        for id in missed {
            self.missed.remove(&id);
            self.take(hub, id, at_us);
        }
    }

    fn take(&mut self, hub: &Hub, id: SignalId, at_us: i64) {
        if self.allowed == 0 {
            self.miss(id);
            return;
        }
        self.allowed -= 1;
        let change = hub.change(id);
        let kept = &mut self.kept[id.0 as usize];
        let is_new = std::mem::replace(kept, Kept::Told) == Kept::Untold;
        self.hand_over(Row {
            signal: id,
            name: is_new.then(|| change.name.into()),
            at_us,
            value: change.value.clone(),
            quality: change.quality.word(),
        });
    }

    /// A sample that is not written; the newest one will be.
    fn miss(&mut self, id: SignalId) {
        self.missed.insert(id);
        self.counters.dropped.fetch_add(1, Ordering::Relaxed);
    }

    fn hand_over(&mut self, row: Row) {
        if let Err(TrySendError::Full(lost) | TrySendError::Disconnected(lost)) = self.queue.try_send(row) {
            if lost.name.is_some() {
                self.kept[lost.signal.0 as usize] = Kept::Untold;
            }
            self.miss(lost.signal);
        }
    }

    /// Whether a signal is among those that are listed.
    fn keeps(&mut self, id: SignalId, name: &str) -> bool {
        let index = id.0 as usize;
        if self.kept.len() <= index {
            self.kept.resize(index + 1, Kept::Unknown);
        }
        if self.kept[index] == Kept::Unknown {
            let is_kept = Pattern::any_fits(&self.patterns, name);
            self.counters.signals.fetch_add(u64::from(is_kept), Ordering::Relaxed);
            self.kept[index] = if is_kept { Kept::Untold } else { Kept::No };
        }
        self.kept[index] != Kept::No
    }
}
