//! A recording as something to play from.

use super::deck::{Batch, Tape, TapeError};
use crate::recording::format::{Sample, Samples};
use crate::recording::{Message, OpenError, Recording};
use crosstie_hub::Time;
use crosstie_hub::replay::Replayed;
use crosstie_hub::signal::{Quality, Value};
use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

/// Generations that are read ahead together. The chunk that they end in is read once more for the next ones.
const AHEAD_MAX: usize = 4_096;

/// A recording, where it is read next, and what was read of it.
#[derive(Debug)]
pub(super) struct RecordedTape {
    recording: Recording,
    /// What comes next is from this moment of the hub's time on.
    from: Time,
    ahead: VecDeque<Batch>,
    /// The state of all signals is known: what the recording repeats of it is no change.
    knows_state: bool,
}

impl RecordedTape {
    /// Opens a recording.
    ///
    /// # Errors
    ///
    /// The text says where it is damaged, or what the system says.
    pub(super) fn open(file: &Path) -> Result<RecordedTape, TapeError> {
        let recording = Recording::open(file)?;
        Ok(RecordedTape {
            from: recording.begins(),
            recording,
            ahead: VecDeque::new(),
            knows_state: false,
        })
    }

    /// What a person should know who plays it.
    pub(super) fn what_is_wrong(&self) -> Option<String> {
        let seconds = self.length().as_secs_f64();
        let cut = (!self.recording.is_whole())
            .then(|| format!("the recording is cut: it plays to {seconds:.1} s, the end is missing"));
        let gaps = match self.recording.totals().gaps {
            0 => None,
            1 => Some(String::from(
                "the recording has a gap: some of what happened is missing",
            )),
            gaps => Some(format!(
                "the recording has {gaps} gaps: some of what happened is missing"
            )),
        };
        let wrong: Vec<String> = cut.into_iter().chain(gaps).collect();
        (!wrong.is_empty()).then(|| wrong.join("; "))
    }

    /// Where a moment of the hub's time is on the tape.
    fn position(&self, at: Time) -> Duration {
        at.since(self.recording.begins())
    }

    /// Reads some more.
    fn read_on(&mut self) -> Result<(), TapeError> {
        let begins = self.recording.begins();
        let mut last = None;
        for message in self.recording.messages_from(self.from) {
            let (at, message) = message?;
            // What came at one moment is read together: reading goes on behind a moment.
            if self.ahead.len() >= AHEAD_MAX && last != Some(at) {
                self.from = at;
                return Ok(());
            }
            last = Some(at);
            let samples = match message {
                Message::Samples(samples) => samples,
                Message::State(samples) if !self.knows_state => {
                    self.knows_state = samples.is_last;
                    samples
                }
                Message::State(_) | Message::Input(_) | Message::Gap(_) => continue,
            };
            self.ahead.push_back(Batch {
                at: at.since(begins),
                samples: all_of(&samples),
            });
        }
        self.from = Time::from_nanos(u64::MAX);
        Ok(())
    }
}

impl Tape for RecordedTape {
    fn length(&self) -> Duration {
        self.position(self.recording.ends())
    }

    fn seek(&mut self, to: Duration) -> Result<Vec<Replayed>, TapeError> {
        let at = self.recording.begins() + to;
        let state = self.recording.state_at(at)?;
        self.ahead.clear();
        self.from = at + Duration::from_nanos(1);
        self.knows_state = !state.is_empty();
        Ok(state.iter().filter_map(replayed).collect())
    }

    fn next(&mut self) -> Result<Option<Batch>, TapeError> {
        if self.ahead.is_empty() {
            self.read_on()?;
        }
        Ok(self.ahead.pop_front())
    }
}

impl From<OpenError> for TapeError {
    fn from(error: OpenError) -> TapeError {
        TapeError(error.to_string())
    }
}

fn all_of(samples: &Samples) -> Vec<Replayed> {
    samples.signals.iter().filter_map(replayed).collect()
}

/// What a sample says; `None` when it is of a kind that is not known.
fn replayed(sample: &Sample) -> Option<Replayed> {
    let json = &sample.value;
    let value = match sample.kind.as_str() {
        "Bool" => Value::Bool(json.as_bool()?),
        "Int" => Value::Int(json.as_i64()?),
        // A Float that is no number is a text in JSON, and no value of a signal.
        "Float" => Value::Float(json.as_f64()?),
        "Text" => Value::Text(json.as_str()?.into()),
        _ => return None,
    };
    Some(Replayed {
        name: sample.name.as_str().into(),
        value,
        quality: match sample.quality.as_deref() {
            None => Quality::Good,
            Some("stale") => Quality::Stale,
            Some(_) => Quality::NeverWritten,
        },
    })
}
