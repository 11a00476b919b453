//! The signal space together with what follows from every write: routes to carry on, echoes to recognise, writers to count.

use crate::clock::Clock;
use crate::signal::{Generation, Quality, SignalId, SignalSpace, Value, Writer};
use crate::time::Time;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::time::Duration;

/// A value that another has replaced a moment ago.
#[derive(Debug)]
struct Superseded {
    value: Value,
    generation: Generation,
    writer: Writer,
    at: Time,
}

/// How long after it was superseded a returned value counts as an echo (RV-17).
const ECHO_WINDOW: Duration = Duration::from_millis(150);

/// The space and the consequences of writes that are still to be drawn.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) space: SignalSpace,
    /// What the hub's time follows from, as [`Hub::clock`](crate::hub::Hub).
    pub(crate) clock: Clock,
    /// Sources of routes that changed and are to be carried on.
    pub(crate) routed: Vec<SignalId>,
    /// Signals whose value somebody has said for the first time.
    pub(crate) said: Vec<SignalId>,
    /// Changes of writer: before and after.
    pub(crate) handed_over: Vec<(Writer, Writer)>,
    /// Values superseded lately, kept only while some peer may return them.
    superseded: Option<FxHashMap<SignalId, VecDeque<Superseded>>>,
    echo_values_max: usize,
}

impl Ledger {
    pub(crate) fn new(space: SignalSpace, echo_values_max: usize) -> Ledger {
        Ledger {
            space,
            clock: Clock::default(),
            routed: Vec::new(),
            said: Vec::new(),
            handed_over: Vec::new(),
            superseded: None,
            echo_values_max,
        }
    }

    /// Begins or ends to remember superseded values.
    pub(crate) fn watch_echoes(&mut self, watch: bool) {
        match (watch, self.superseded.is_some()) {
            (true, false) => self.superseded = Some(FxHashMap::default()),
            (false, true) => self.superseded = None,
            _ => {}
        }
    }

    /// Stores a value; true when it is another than before. `now` is the driver's time, in which peers return values; what is kept
    /// of a change is the hub's.
    pub(crate) fn store(&mut self, now: Time, id: SignalId, value: Value, writer: Writer, quality: Quality) -> bool {
        let cell = self.space.cell(id);
        let (is_routed, quality_before) = (cell.is_routed, cell.quality);
        if let Some(superseded) = &mut self.superseded
            && !cell.value.is_same(&value)
        {
            let trail = superseded.entry(id).or_default();
            while trail.len() >= self.echo_values_max
                || trail.front().is_some_and(|old| now.since(old.at) > ECHO_WINDOW)
            {
                trail.pop_front();
            }
            let old = Superseded {
                value: cell.value.clone(),
                generation: cell.generation,
                writer: cell.writer,
                at: now,
            };
            trail.push_back(old);
        }
        let written = self.space.write(self.clock.at(now), id, value, writer, quality);
        if written.writer_before != writer {
            self.handed_over.push((written.writer_before, writer));
        }
        let is_first = written.writer_before == Writer::Nobody || quality_before == Quality::NeverWritten;
        if is_first && writer != Writer::Nobody && quality != Quality::NeverWritten {
            self.said.push(id);
        }
        if is_routed && (written.changed || quality_before != quality) {
            self.routed.push(id);
        }
        written.changed
    }

    /// Changes what is believed of a value.
    pub(crate) fn mark(&mut self, id: SignalId, quality: Quality) {
        if self.space.cell(id).quality != quality {
            self.space.mark(id, quality);
            if self.space.cell(id).is_routed {
                self.routed.push(id);
            }
        }
    }

    /// Generation of a value that was superseded a moment ago and that a peer had been told: of another writer, or with
    /// `own_too` also its own, which is told to it when it was owed.
    pub(crate) fn superseded_lately(
        &self,
        now: Time,
        id: SignalId,
        value: &Value,
        told: Generation,
        (peer, own_too): (Writer, bool),
    ) -> Option<Generation> {
        let trail = self.superseded.as_ref()?.get(&id)?;
        let fits = |old: &&Superseded| {
            now.since(old.at) < ECHO_WINDOW
                && (own_too || old.writer != peer)
                && old.generation <= told
                && old.value.is_same(value)
        };
        trail.iter().rev().find(fits).map(|old| old.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::ConnId;
    use crate::settings::Owner;

    #[test]
    fn a_superseded_value_is_remembered_for_the_echo_window_and_not_for_its_own_writer() {
        let mut ledger = Ledger::new(SignalSpace::new(9, 99), 4);
        let id = ledger
            .space
            .create(Time::ZERO, "twin/a/x", Owner::Peer, Value::Int(0))
            .unwrap();
        let (author, reader) = (Writer::Peer(ConnId(1)), Writer::Peer(ConnId(2)));
        ledger.watch_echoes(true);
        ledger.store(Time::from_millis(0), id, Value::Int(1), author, Quality::Good);
        ledger.space.close_batch();
        ledger.store(Time::from_millis(10), id, Value::Int(2), author, Quality::Good);
        let told = ledger.space.generation();
        let seen = |at: u64, value: i64, writer| {
            ledger
                .superseded_lately(Time::from_millis(at), id, &Value::Int(value), told, (writer, false))
                .is_some()
        };
        assert!(seen(11, 1, reader));
        assert!(seen(159, 1, reader));
        assert!(!seen(160, 1, reader));
        assert!(!seen(11, 1, author));
        assert!(!seen(11, 2, reader));
        assert!(seen(11, 0, author), "the initial value is nobody's");
    }
}
