//! Answers that name many signals: built in slices, so that no client's catalog holds up the others.
//!
//! The mark of what the client has been told is set when the first slice is built. What changes while the rest is built comes
//! with the first delta after the answer, so the answer and the deltas together miss nothing.

use crate::api::SignalRow;
use crate::endpoint::Endpoint;
use crate::signal::{Generation, SignalId, SignalSpace};
use crate::time::Time;
use crate::view::frame::{into_bytes, live_quality};
use bytes::Bytes;
use crosstie_wire::frame::FrameBuilder;
use crosstie_wire::{live, realvirtual};

/// What is answered.
#[derive(Debug)]
pub(crate) enum Kind {
    /// The catalog of an endpoint (RV-3).
    ImportAnswer,
    /// The subscribed signals (RV-5).
    Snapshot,
    /// The first data of a client that never subscribed (RV-11).
    FullData,
    /// The view of a live channel.
    LiveSnapshot {
        /// Id of the request.
        id: u64,
        /// Names that nobody knows.
        unknown: Vec<String>,
    },
}

/// An answer under construction.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) kind: Kind,
    /// What the client has been told once it has this answer.
    pub(crate) told: Generation,
    signals: Vec<SignalId>,
    next: usize,
    values_are_done: bool,
    builder: FrameBuilder,
}

impl Answer {
    /// Begins an answer about these signals.
    pub(crate) fn begin(kind: Kind, signals: Vec<SignalId>, space: &SignalSpace, now: Time) -> Answer {
        let mut builder = FrameBuilder::with_capacity(128 + signals.len() * 48);
        let out = builder.buffer();
        match &kind {
            Kind::ImportAnswer => out.extend_from_slice(realvirtual::IMPORT_ANSWER_HEAD),
            Kind::Snapshot => out.extend_from_slice(realvirtual::SNAPSHOT_HEAD),
            Kind::FullData => out.extend_from_slice(realvirtual::DATA_HEAD),
            Kind::LiveSnapshot { id, .. } => {
                let front = live::SnapshotFront {
                    id: *id,
                    now_ms: now.as_millis(),
                    generation: space.generation().0,
                };
                live::write_snapshot_head(out, front);
            }
        }
        Answer {
            kind,
            told: space.generation(),
            signals,
            next: 0,
            values_are_done: false,
            builder,
        }
    }

    /// How many signals it is about.
    pub(crate) fn len(&self) -> usize {
        self.signals.len()
    }

    /// Builds on for at most `budget` signals, taking what it used from it. Gives the frame when it is whole.
    pub(crate) fn build(
        &mut self,
        budget: &mut usize,
        space: &SignalSpace,
        endpoint: Option<&mut Endpoint>,
        row: impl Fn(SignalId) -> SignalRow,
    ) -> Option<Bytes> {
        match endpoint {
            Some(endpoint) => self.build_realvirtual(budget, space, endpoint)?,
            None => self.build_live(budget, row)?,
        }
        Some(into_bytes(std::mem::take(&mut self.builder)))
    }

    fn build_realvirtual(&mut self, budget: &mut usize, space: &SignalSpace, endpoint: &mut Endpoint) -> Option<()> {
        while !self.values_are_done {
            let Some(id) = self.take_next(budget)? else {
                self.values_are_done = true;
                self.next = 0;
                match self.kind {
                    Kind::ImportAnswer => self
                        .builder
                        .buffer()
                        .extend_from_slice(realvirtual::IMPORT_ANSWER_MIDDLE),
                    _ => {
                        self.builder.buffer().extend_from_slice(realvirtual::SIGNALS_TAIL);
                        return Some(());
                    }
                }
                break;
            };
            if let Some(slot) = endpoint.slot_of(id) {
                self.separate();
                endpoint.write_current(slot, space.cell(id), self.builder.buffer());
            }
        }
        loop {
            let Some(id) = self.take_next(budget)? else {
                self.builder.buffer().extend_from_slice(realvirtual::SIGNALS_TAIL);
                return Some(());
            };
            if let Some(slot) = endpoint.slot_of(id) {
                self.separate();
                endpoint.write_type(slot, space.cell(id).value.kind(), self.builder.buffer());
            }
        }
    }

    fn build_live(&mut self, budget: &mut usize, row: impl Fn(SignalId) -> SignalRow) -> Option<()> {
        while let Some(id) = self.take_next(budget)? {
            self.separate();
            live::write_signal_row(self.builder.buffer(), &wire_row(&row(id)));
        }
        let unknown = match &self.kind {
            Kind::LiveSnapshot { unknown, .. } => unknown.as_slice(),
            _ => &[],
        };
        live::write_snapshot_tail(self.builder.buffer(), unknown);
        Some(())
    }

    /// The next signal, `Some(None)` at the end of the pass, `None` when the budget is used up.
    fn take_next(&mut self, budget: &mut usize) -> Option<Option<SignalId>> {
        let Some(id) = self.signals.get(self.next) else {
            return Some(None);
        };
        if *budget == 0 {
            return None;
        }
        *budget -= 1;
        self.next += 1;
        Some(Some(*id))
    }

    fn separate(&mut self) {
        if self.next > 1 {
            self.builder.buffer().push(b',');
        }
    }
}

/// One row as the live channel writes it.
pub(crate) fn wire_row(row: &SignalRow) -> live::SignalRow<'_> {
    live::SignalRow {
        id: row.id.0,
        name: &row.name,
        kind: row.kind,
        value: row.value.as_wire(),
        quality: live_quality(row.quality),
        reason: row.reason.as_deref(),
        owner: row.owner.word(),
        writer: row.writer.as_deref(),
        conflict: row.conflict,
        writable: true,
        generation: row.generation.0,
        changed_at_ms: row.changed_at.as_millis(),
        confirmed_at_ms: row.confirmed_at.as_millis(),
    }
}
