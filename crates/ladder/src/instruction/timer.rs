//! TON, TOF, RTO and what RES does to a timer (PL-52, PL-53, PL-54, PL-56, PL-65).
//!
//! | | power | ACC | EN | TT | DN |
//! |---|---|---|---|---|---|
//! | TON, RTO | on, ACC + dt below PRE | + dt | 1 | 1 | stays |
//! | TON, RTO | on, ACC + dt reaches PRE | PRE | 1 | 0 | 1 |
//! | TON | off | 0 | 0 | 0 | 0 |
//! | RTO | off | stays | 0 | 0 | stays |
//! | TOF | on | 0 | 1 | 0 | 1 |
//! | TOF | off, DN, ACC + dt below PRE | + dt | 0 | 1 | 1 |
//! | TOF | off, DN, ACC + dt reaches PRE | PRE | 0 | 0 | 0 |
//! | TOF | off, not DN | stays | 0 | 0 | 0 |
//!
//! A PRE that is 0 or less is reached at once. An ACC that is at or beyond PRE already (somebody wrote it) stays as it is. A DN
//! that is on when somebody moves ACC back or PRE away stays on until the power goes or RES, while the timer times again.

use crate::data_table::{DataTable, TimerSlot, timer_flag};

const MICROS_PER_MILLI: u64 = 1000;

/// Which timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimerKind {
    OnDelay,
    OffDelay,
    Retentive,
}

/// One run of a timer; true when DN is on afterwards, as readers see it.
#[inline]
pub(crate) fn run(table: &mut DataTable, kind: TimerKind, timer: TimerSlot, power: bool, dt_us: u32) -> bool {
    match (kind, power) {
        (TimerKind::OnDelay | TimerKind::Retentive, true) => {
            let (touched, flags) = match advance(table, timer, dt_us) {
                true => (timer_flag::ALL, timer_flag::ENABLED | timer_flag::DONE),
                false => {
                    let flags = timer_flag::ENABLED | timer_flag::TIMING;
                    (flags, flags)
                }
            };
            table.write_bits(timer.flags(), touched, flags);
        }
        (TimerKind::OnDelay, false) => reset(table, timer),
        (TimerKind::Retentive, false) => {
            table.write_bits(timer.flags(), timer_flag::ENABLED | timer_flag::TIMING, 0);
        }
        (TimerKind::OffDelay, true) => {
            reset(table, timer);
            table.write_bits(timer.flags(), timer_flag::ALL, timer_flag::ENABLED | timer_flag::DONE);
        }
        (TimerKind::OffDelay, false) => {
            let is_timing = is_done(table, timer) && !advance(table, timer, dt_us);
            let flags = if is_timing {
                timer_flag::TIMING | timer_flag::DONE
            } else {
                0
            };
            table.write_bits(timer.flags(), timer_flag::ALL, flags);
        }
    }
    is_done(table, timer)
}

/// ACC and flags 0, PRE kept.
pub(crate) fn reset(table: &mut DataTable, timer: TimerSlot) {
    table.write_word(timer.accumulated(), 0);
    table.write_word(timer.rest(), 0);
    table.write_bits(timer.flags(), timer_flag::ALL, 0);
}

fn is_done(table: &DataTable, timer: TimerSlot) -> bool {
    table.word(timer.flags()) & timer_flag::DONE != 0
}

/// Adds the time and carries what is less than a millisecond; true when PRE is reached.
fn advance(table: &mut DataTable, timer: TimerSlot, dt_us: u32) -> bool {
    let preset = table.signed(timer.preset());
    let accumulated = table.signed(timer.accumulated());
    if preset <= 0 || accumulated >= preset {
        return true;
    }
    let time_us = u64::from(dt_us) + u64::from(table.word(timer.rest()));
    let reached = i64::from(accumulated) + (time_us / MICROS_PER_MILLI) as i64;
    if reached >= i64::from(preset) {
        table.write_word(timer.accumulated(), preset);
        table.write_word(timer.rest(), 0);
        return true;
    }
    table.write_word(timer.accumulated(), reached as i32);
    table.write_word(timer.rest(), (time_us % MICROS_PER_MILLI) as i32);
    false
}
