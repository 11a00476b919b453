//! From what an engine tells to signals: values, quality, what the outputs drive, how the context stands.
//!
//! Every border is a generation of its own, and the pulses of merged scans are two: whatever changed goes over its routes
//! before the next border is looked at, so that no bit that went and came back is lost on the way out.

use super::PlcId;
use super::tags::{as_value, output_word};
use crate::hub::Hub;
use crate::signal::{Quality, Value, Writer};
use crosstie_ladder::address::Region;
use crosstie_ladder::controller::{ControllerState, ScanStatistics};
use crosstie_ladder::data_table::WordIndex;
use std::time::Duration;

/// Scan time and overruns of a context are shown so often at most: a signal that changed with every scan would be all that a
/// reader gets.
const COUNTED_EVERY: Duration = Duration::from_secs(1);

impl Hub {
    /// The head of a border is there: quality follows the state.
    pub(crate) fn show_border(&mut self, plc: PlcId) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let quality = context.quality();
        if context.tags.shown == Some(quality) || (context.is_lost && context.tags.shown.is_none()) {
            return;
        }
        context.tags.shown = Some(quality);
        self.show_all(plc);
        self.show_state(plc);
    }

    /// A word has changed. Bits that are what they were and were not in between are shown so first.
    pub(crate) fn show_change(&mut self, plc: PlcId, word: WordIndex, after: u32, pulsed: u32) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        context.mirror.set_word(word, after);
        context.note_kept(word);
        if pulsed != 0 {
            context.tags.pulsed.push((word, pulsed));
        }
        self.show_word(plc, word, Some(after ^ pulsed));
    }

    /// Everything that an engine has told of a border is here.
    pub(crate) fn end_border(&mut self, plc: PlcId) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let pulsed = std::mem::take(&mut context.tags.pulsed);
        self.show_drives(plc, &pulsed);
        self.carry_routes();
        self.ledger.space.close_batch();
        self.note_generation();
        if !pulsed.is_empty() {
            for (word, _) in &pulsed {
                self.show_word(plc, *word, None);
            }
            self.show_drives(plc, &[]);
            self.carry_routes();
            self.ledger.space.close_batch();
            self.note_generation();
        }
        self.fault_if_stale(plc);
        self.keep_when_due(plc);
    }

    /// Shows a word on its tags: these bits, or those of the mirror. A word without tags costs nothing.
    pub(crate) fn show_word(&mut self, plc: PlcId, word: WordIndex, bits: Option<u32>) {
        let now = self.now;
        let Some(context) = self.plcs.get(plc) else { return };
        let Some(engine) = context.tags.shown else { return };
        let Some(bits) = bits.or_else(|| context.mirror.words().get(word.get()).copied()) else {
            return;
        };
        for tag in context.tags.of_word(word) {
            let value = tag.place.value(bits);
            let (writer, quality) = (tag.writer(plc, value), tag.quality(engine));
            self.ledger.store(now, tag.id, as_value(value), writer, quality);
        }
    }

    /// Shows all tags of a context as the mirror has them.
    fn show_all(&mut self, plc: PlcId) {
        let now = self.now;
        let Some(context) = self.plcs.get(plc) else { return };
        let Some(engine) = context.tags.shown else { return };
        for tag in context.tags.all() {
            let Some(value) = context.mirror.read(tag.address) else {
                continue;
            };
            let (writer, quality) = (tag.writer(plc, value), tag.quality(engine));
            self.ledger.store(now, tag.id, as_value(value), writer, quality);
        }
    }

    /// Routes that begin at outputs carry what these drive, which need not move together with the image of the outputs.
    fn show_drives(&mut self, plc: PlcId, pulsed: &[(WordIndex, u32)]) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let mut drives = context.drives();
        for (word, bits) in pulsed {
            // What no longer drives has no pulse either.
            if let Some(output) = output_word(*word).filter(|_| !context.mirror.is_safe) {
                drives[output] ^= bits;
            }
        }
        let before = std::mem::replace(&mut context.tags.driven, drives);
        for (word, (before, now)) in (0_u8..).zip(before.into_iter().zip(drives)) {
            if before == now {
                continue;
            }
            for tag in context.tags.of_word(WordIndex::of(Region::Output, word)) {
                if self.ledger.space.cell(tag.id).is_routed {
                    self.ledger.routed.push(tag.id);
                }
            }
        }
    }

    /// Shows the state of a context and its fault.
    pub(crate) fn show_state(&mut self, plc: PlcId) {
        let now = self.now;
        let Some(context) = self.plcs.get(plc) else { return };
        let fault = context.fault.clone().unwrap_or_default();
        if !fault.is_empty() {
            self.ledger.space.set_fault(plc, &fault);
        }
        let Some(signals) = context.tags.signals else { return };
        let is_running = context.state == ControllerState::Running;
        let quality = match context.is_lost {
            true => Quality::PlcUnreachable,
            false => Quality::Good,
        };
        for (id, value) in [
            (signals.state, Value::Text(context.state.as_str().into())),
            (signals.running, Value::Bool(is_running)),
            (signals.fault, Value::Text(fault.into())),
        ] {
            self.ledger.store(now, id, value, Writer::Nobody, quality);
        }
    }

    /// Shows how scans went, now and then.
    pub(crate) fn show_statistics(&mut self, plc: PlcId, statistics: ScanStatistics) {
        let now = self.now;
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let overruns = context.statistics.overrun_count;
        context.statistics = statistics;
        let is_due = context.tags.counted_at.is_none_or(|at| now.since(at) >= COUNTED_EVERY);
        if !is_due && overruns == statistics.overrun_count {
            return;
        }
        context.tags.counted_at = Some(now);
        let Some(signals) = context.tags.signals else { return };
        for (id, count) in [
            (signals.scan_us, statistics.last_us),
            (signals.overruns, statistics.overrun_count),
        ] {
            let value = Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
            self.ledger.store(now, id, value, Writer::Nobody, Quality::Good);
        }
    }
}
