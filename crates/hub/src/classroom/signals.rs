//! `sim/...`: the state of the class as signals, watches of GAMA's expressions, and signals that are written into it (GA-13).

use crate::hub::Hub;

/// What of the class is a signal.
#[derive(Debug, Default)]
pub(crate) struct ClassSignals {}

impl Hub {
    /// Makes the signals that are there from the start.
    pub(crate) fn begin_class_signals(&mut self) {}
}
