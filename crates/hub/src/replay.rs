//! A recording as a source of signals: what it says is written as if the writers of that time were there again.

use crate::hub::Hub;
use crate::signal::{Quality, Value};
use std::sync::Arc;

/// What a recording says of a signal.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// Name of the signal. One that does not exist is made.
    pub name: Arc<str>,
    /// Its value at that time.
    pub value: Value,
    /// Its quality at that time.
    pub quality: Quality,
}

impl Hub {
    /// Takes what a replay or a test says of the outside world, as one generation.
    pub(crate) fn replayed(&mut self, samples: Vec<Replayed>) {
        let _ = samples;
    }
}
