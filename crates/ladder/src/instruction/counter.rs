//! CTU, CTD and what RES does to a counter (PL-55, PL-56).
//!
//! The edge memory is the CU or CD bit: the power of the last run. It starts at 0, so that a rung that is true in the first
//! scan counts once. DN is worked out in every run, counted or not; ACC wraps at the ends of 16 bits and says so in OV or UN,
//! which stay until RES. The counter of a decorator (PL-64) counts up as CTU does, but not beyond PRE.

use crate::data_table::{CounterSlot, DataTable, counter_flag};

/// Which counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CounterKind {
    Up,
    Down,
    /// As Up, until PRE is reached.
    UpToPreset,
}

/// One run of a counter; true when DN is on afterwards, as readers see it.
#[inline]
pub(crate) fn run(table: &mut DataTable, kind: CounterKind, counter: CounterSlot, power: bool) -> bool {
    let (edge, wrapped, step) = match kind {
        CounterKind::Up | CounterKind::UpToPreset => (counter_flag::COUNT_UP, counter_flag::OVERFLOW, 1_i16),
        CounterKind::Down => (counter_flag::COUNT_DOWN, counter_flag::UNDERFLOW, -1),
    };
    let before = table.word(counter.flags());
    let mut touched = edge | counter_flag::DONE;
    let mut flags = if power { edge } else { 0 };
    let is_full = kind == CounterKind::UpToPreset && has_reached(table, counter);
    if power && before & edge == 0 && !is_full {
        // ACC never holds more than 16 bits: programs and clients are kept to that.
        let (next, has_wrapped) = (table.signed(counter.accumulated()) as i16).overflowing_add(step);
        table.write_word(counter.accumulated(), i32::from(next));
        if has_wrapped {
            touched |= wrapped;
            flags |= wrapped;
        }
    }
    let is_done = match kind {
        CounterKind::Up | CounterKind::UpToPreset => has_reached(table, counter),
        CounterKind::Down => table.signed(counter.accumulated()) <= 0,
    };
    if is_done {
        flags |= counter_flag::DONE;
    }
    table.write_bits(counter.flags(), touched, flags);
    table.word(counter.flags()) & counter_flag::DONE != 0
}

fn has_reached(table: &DataTable, counter: CounterSlot) -> bool {
    table.signed(counter.accumulated()) >= table.signed(counter.preset())
}

/// ACC and flags 0, PRE kept.
pub(crate) fn reset(table: &mut DataTable, counter: CounterSlot) {
    table.write_word(counter.accumulated(), 0);
    table.write_bits(counter.flags(), counter_flag::ALL, 0);
}
