//! The decorators of contacts that keep their state outside the data table: OSR, OSF and DEBOUNCE (PL-64).
//!
//! TON, TOF and COUNTER decorators are the timers and counters of their slots: their output is the DN bit.

/// What OSR, OSF or DEBOUNCE remembers from scan to scan. The default is that of a program that never ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The input of the last scan.
    input: bool,
    /// DEBOUNCE: the output.
    output: bool,
    /// DEBOUNCE: whether there was a first scan.
    has_run: bool,
    /// DEBOUNCE: for how long the input has not moved, counted from the scan that saw it move.
    stable_us: u64,
}

/// On for one scan when the input rises; a true first scan is a rise.
pub(crate) fn rising(memory: &mut Memory, input: bool) -> bool {
    let was = std::mem::replace(&mut memory.input, input);
    input && !was
}

/// On for one scan when the input falls; a false first scan is no fall.
pub(crate) fn falling(memory: &mut Memory, input: bool) -> bool {
    let was = std::mem::replace(&mut memory.input, input);
    !input && was
}

/// Starts with the input of the first scan and follows when the input has been stable for `time_us`.
pub(crate) fn debounced(memory: &mut Memory, input: bool, time_us: u64, dt_us: u32) -> bool {
    if !memory.has_run {
        *memory = Memory {
            input,
            output: input,
            has_run: true,
            stable_us: 0,
        };
    }
    let has_moved = std::mem::replace(&mut memory.input, input) != input;
    memory.stable_us = if has_moved {
        0
    } else {
        memory.stable_us.saturating_add(u64::from(dt_us))
    };
    if memory.stable_us >= time_us {
        memory.output = input;
    }
    memory.output
}
