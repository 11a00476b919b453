//! The automatic sequence: it presses start and stop of the practice line, so that there is life without an operator.

/// How long the sequence lets the line run, in ms.
pub(super) const ON_MS: u32 = 20_000;

/// How long the line then stands, in ms.
pub(super) const OFF_MS: u32 = 5_000;

/// On for [`ON_MS`], off for [`OFF_MS`], for as long as nobody takes over.
#[derive(Clone, Debug)]
pub(super) struct AutoSequence {
    active: bool,
    phase_ms: u32,
}

impl AutoSequence {
    /// A sequence at its beginning, active or not.
    pub(super) fn new(active: bool) -> Self {
        Self { active, phase_ms: 0 }
    }

    pub(super) fn is_active(&self) -> bool {
        self.active
    }

    /// Gives the line to the operator.
    pub(super) fn give_way(&mut self) {
        self.active = false;
    }

    /// Takes the line back; the sequence begins anew, so what follows first is a start.
    pub(super) fn take_over(&mut self) {
        *self = Self::new(true);
    }

    /// Lets `dt_ms` pass and says what `Run` should be now, or nothing while an operator has the line.
    pub(super) fn step(&mut self, dt_ms: u32) -> Option<bool> {
        if !self.active {
            return None;
        }
        let round_ms = ON_MS + OFF_MS;
        self.phase_ms = (self.phase_ms + dt_ms % round_ms) % round_ms;
        Some(self.phase_ms < ON_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_is_on_for_twenty_seconds_and_off_for_five() {
        let cases = [
            (0, true),
            (19_999, true),
            (20_000, false),
            (24_999, false),
            (25_000, true),
            (44_999, true),
            (45_000, false),
            (u32::MAX, true),
        ];
        for (at_ms, run) in cases {
            assert_eq!(AutoSequence::new(true).step(at_ms), Some(run), "at {at_ms} ms");
        }
    }

    #[test]
    fn sequence_is_the_same_in_small_steps() {
        let mut sequence = AutoSequence::new(true);
        let on = (0..50_000).filter(|_| sequence.step(1) == Some(true)).count();
        assert_eq!(on, 40_000);
    }

    #[test]
    fn sequence_that_gave_way_says_nothing_until_it_takes_over_from_the_start() {
        let mut sequence = AutoSequence::new(true);
        sequence.step(22_000);
        sequence.give_way();
        assert_eq!(sequence.step(60_000), None);
        sequence.take_over();
        assert_eq!(sequence.step(0), Some(true));
        assert_eq!(sequence.step(19_999), Some(true));
        assert_eq!(sequence.step(1), Some(false));
    }
}
