//! A tape for tests: what was recorded, as a list.

use super::deck::{Batch, Tape, TapeError};
use crosstie_hub::replay::Replayed;
use crosstie_hub::signal::{Quality, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// Batches in the order of their times.
#[derive(Clone, Debug)]
pub(crate) struct MemoryTape {
    length: Duration,
    batches: Vec<Batch>,
    next: usize,
}

impl MemoryTape {
    /// A tape so many milliseconds long, with what changed at which millisecond.
    pub(crate) fn new(length: u64, batches: Vec<(u64, Vec<Replayed>)>) -> MemoryTape {
        let batch = |(at, samples): (u64, Vec<Replayed>)| Batch {
            at: Duration::from_millis(at),
            samples,
        };
        MemoryTape {
            length: Duration::from_millis(length),
            batches: batches.into_iter().map(batch).collect(),
            next: 0,
        }
    }
}

impl Tape for MemoryTape {
    fn length(&self) -> Duration {
        self.length
    }

    fn seek(&mut self, to: Duration) -> Result<Vec<Replayed>, TapeError> {
        self.next = self.batches.iter().take_while(|batch| batch.at <= to).count();
        let said = self.batches[..self.next].iter().flat_map(|batch| &batch.samples);
        let state: BTreeMap<_, _> = said.map(|sample| (sample.name.clone(), sample.clone())).collect();
        Ok(state.into_values().collect())
    }

    fn next(&mut self) -> Result<Option<Batch>, TapeError> {
        let batch = self.batches.get(self.next).cloned();
        self.next += usize::from(batch.is_some());
        Ok(batch)
    }
}

/// A good value.
pub(crate) fn sample(name: &str, value: Value) -> Replayed {
    Replayed {
        name: name.into(),
        value,
        quality: Quality::Good,
    }
}
