//! What a GPIO device wants of a chip. The kernel's is one; tests have another.

use std::fmt::Debug;

use crosstie_ladder::project::{DigitalPin, Direction};

/// Lines of one request, as the kernel has it. Further lines are in a further request.
pub(super) const LINES_MAX: usize = 64;

/// A chip with lines.
pub(super) trait Chip: Debug + Send {
    /// Requests lines of one direction, at most [`LINES_MAX`] in the order of their numbers, with their bias and polarity. Outputs
    /// begin as off.
    ///
    /// # Errors
    ///
    /// Why they cannot be had and what to do, for people.
    fn request(&self, direction: Direction, pins: &[DigitalPin]) -> Result<Box<dyn Lines>, String>;
}

/// Requested lines. Dropping them gives them back. Called at the border of a scan: nothing here waits or allocates.
pub(super) trait Lines: Debug + Send {
    /// Which of them are on; bit n is the nth.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn get(&mut self) -> Result<u64, i32>;

    /// Turns them on and off; bit n is the nth.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn set(&mut self, bits: u64) -> Result<(), i32>;
}
