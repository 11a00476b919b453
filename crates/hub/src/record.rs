//! `sys/record/...`: the signal that starts and stops a recording, and those that say how one stands.
//!
//! | signal | |
//! |---|---|
//! | `sys/record/run` | a recording starts when it becomes true and ends when it becomes false; operators and routes write it |
//! | `sys/record/active` | a recording runs, whoever started it |
//! | `sys/record/lost` | samples and inputs that are missing in it |

use crate::hub::Hub;
use crate::output::Output;
use crate::settings::Owner;
use crate::signal::{Quality, SignalId, Value, Writer};

/// Nobody but the hub writes a signal of this name.
pub(crate) fn is_state(name: &str) -> bool {
    matches!(name, "sys/record/active" | "sys/record/lost")
}

/// The signals of the recorder, as far as there was room for them.
#[derive(Debug, Default)]
pub(crate) struct RecordSignals {
    run: Option<SignalId>,
    active: Option<SignalId>,
    lost: Option<SignalId>,
    /// What the recorder was told last.
    told: bool,
}

impl Hub {
    /// Makes the signals.
    pub(crate) fn begin_record_signals(&mut self) {
        self.record = RecordSignals {
            run: self.record_signal("sys/record/run", Value::Bool(false)),
            active: self.record_signal("sys/record/active", Value::Bool(false)),
            lost: self.record_signal("sys/record/lost", Value::Int(0)),
            told: false,
        };
    }

    /// One that an endpoint shows is there already, if it fits.
    fn record_signal(&mut self, name: &str, initial: Value) -> Option<SignalId> {
        let error = match self.ledger.space.create(self.now, name, Owner::Hub, initial) {
            Ok(id) => return Some(id),
            Err(error) => error,
        };
        let text = format!("recordings cannot use it: {error}");
        let hint = "rename the signal in the project file or raise the limit";
        self.trouble(false, format!("signal:{name}"), name, text, hint);
        None
    }

    /// Looks whether `sys/record/run` says something new.
    pub(crate) fn record_takes_signal(&mut self) {
        let Some(run) = self.record.run else { return };
        let wanted = self.ledger.space.cell(run).value == Value::Bool(true);
        if std::mem::replace(&mut self.record.told, wanted) != wanted {
            self.outputs.push(Output::Record(wanted));
        }
    }

    /// Shows how recording stands.
    pub(crate) fn recording_stands(&mut self, is_active: bool, lost: u64) {
        let now = self.time();
        let lost = i64::try_from(lost).unwrap_or(i64::MAX);
        let shown = [
            (self.record.active, Value::Bool(is_active)),
            (self.record.lost, Value::Int(lost)),
        ];
        for (id, value) in shown {
            if let Some(id) = id {
                self.ledger.store(now, id, value, Writer::Nobody, Quality::Good);
            }
        }
    }
}
