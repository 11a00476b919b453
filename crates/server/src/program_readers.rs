//! How many programs are read at one time, whichever way they come: each takes a processor and a multiple of its length in memory.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Programs that are read or drawn at one time. A further one is refused as busy.
const READERS_MAX: usize = 4;

static READERS: Semaphore = Semaphore::const_new(READERS_MAX);

/// The right to read one program until it is dropped; `None` while too many are read.
pub(crate) fn admit() -> Option<SemaphorePermit<'static>> {
    READERS.try_acquire().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_programs_are_read_at_one_time_and_the_next_is_refused() {
        let readers: Vec<_> = std::iter::from_fn(admit).take(READERS_MAX + 1).collect();
        assert!(readers.len() <= READERS_MAX, "{}", readers.len());
        drop(readers);
        assert!(admit().is_some());
    }
}
