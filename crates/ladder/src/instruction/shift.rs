//! BSL and BSR: a word shifted by a number of bits, with an optional control word (PL-61).
//!
//! The amount moves the bits: 0 copies, below 0 or above 31 gives 0. The control word's bit 0 enters once at the end where
//! bits leave room (bit 0 for BSL, bit 31 for BSR); its bit 1 receives the bit that stood at the other end of the source. Both
//! happen on every true scan, whatever the amount.

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShiftKind {
    Left,
    Right,
}

/// Bit 0 of the control word, which is shifted in.
pub(crate) const CONTROL_IN: u32 = 1;
/// Bit 1 of the control word, which receives what is shifted out.
pub(crate) const CONTROL_OUT: u32 = 1 << 1;

/// The shifted word, and the bit at the end of the source where bits leave. `enters` is the bit that comes in.
pub(crate) fn shifted(kind: ShiftKind, source: u32, amount: i32, enters: bool) -> (u32, bool) {
    let amount = u32::try_from(amount).unwrap_or(u32::MAX);
    let enters = u32::from(enters);
    match kind {
        ShiftKind::Left => (source.checked_shl(amount).unwrap_or(0) | enters, source >> 31 == 1),
        ShiftKind::Right => (source.checked_shr(amount).unwrap_or(0) | enters << 31, source & 1 == 1),
    }
}
