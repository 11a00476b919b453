//! How long tests may take in the world's time, and whether anybody still wants to know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What bounds a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budget {
    end: Option<(Instant, Duration)>,
    stop: Arc<AtomicBool>,
}

impl Budget {
    /// So much of the world's time.
    pub(crate) fn of(time: Duration) -> Budget {
        Budget {
            end: Some((Instant::now() + time, time)),
            stop: Arc::default(),
        }
    }

    /// Everything that goes on with this budget ends soon.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// May it go on?
    ///
    /// # Errors
    ///
    /// Why not, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(String::from("not finished: the run was ended"));
        }
        match self.end {
            Some((end, time)) if Instant::now() >= end => {
                Err(format!("not finished: tests had {} s in all", time.as_secs()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_ends_by_time_and_by_order() {
        assert_eq!(Budget::default().check(), Ok(()));
        assert!(Budget::of(Duration::ZERO).check().is_err());
        let budget = Budget::of(Duration::from_secs(3_600));
        assert_eq!(budget.clone().check(), Ok(()));
        budget.stop();
        assert!(budget.check().unwrap_err().contains("ended"));
    }
}
