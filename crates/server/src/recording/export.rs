//! A recording as CSV: one line per sample, for a spreadsheet or a script.

use super::format::Sample;
use super::{Message, OpenError, Recording};
use crate::spreadsheet;
use crate::state::rfc3339;
use crosstie_hub::Time;
use crosstie_hub::signal::Pattern;
use serde_json::Value as Json;
use std::io::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

/// Why nothing could be exported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// The recording cannot be read.
    #[error(transparent)]
    Recording(#[from] OpenError),
    /// The lines cannot be written.
    #[error("the lines cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// What of a recording is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    patterns: Vec<Pattern>,
    from: Option<Time>,
    to: Option<Time>,
}

impl Wanted {
    /// The signals that fit one of these patterns; without patterns all signals.
    pub(crate) fn of(patterns: &[String]) -> Wanted {
        Wanted {
            patterns: patterns.iter().map(|pattern| Pattern::new(pattern)).collect(),
            ..Wanted::default()
        }
    }

    /// From and up to moments of the hub's time, both included.
    pub(crate) fn between(self, from: Option<Time>, to: Option<Time>) -> Wanted {
        Wanted { from, to, ..self }
    }

    fn holds(&self, name: &str) -> bool {
        self.patterns.is_empty() || Pattern::any_fits(&self.patterns, name)
    }

    fn is_over(&self, at: Time) -> bool {
        self.to.is_some_and(|to| at > to)
    }
}

/// Writes the samples of a recording as CSV: the state at the begin of what is wanted, then what changed.
///
/// # Errors
///
/// The recording is damaged, or `out` takes nothing.
pub(crate) fn csv(recording: &mut Recording, wanted: &Wanted, out: impl Write) -> Result<(), ExportError> {
    let mut lines = Lines::begin(recording.session().origin_ns, wanted, out)?;
    let later = wanted.from.filter(|from| *from > recording.begins());
    if let Some(from) = later.filter(|from| !wanted.is_over(*from)) {
        lines.write(from, recording.state_at(from)?)?;
    }
    // A state was written already, or is there to be read: the first is where the signals begin, the later ones say nothing new.
    let mut is_begun = later.is_some();
    for message in recording.messages_from(later.unwrap_or(Time::ZERO)) {
        let (at, message) = message?;
        if wanted.is_over(at) {
            break;
        }
        match message {
            Message::Samples(samples) if later.is_none_or(|from| at > from) => lines.write(at, samples.signals)?,
            Message::State(samples) if !is_begun => {
                is_begun = samples.is_last;
                lines.write(at, samples.signals)?;
            }
            _ => {}
        }
    }
    lines.end()
}

/// The table as it is written.
struct Lines<'a, W: Write> {
    lines: csv::Writer<W>,
    wanted: &'a Wanted,
    /// The world's time at which the hub's was zero, in nanoseconds since 1970.
    origin: u64,
}

fn refused(error: csv::Error) -> ExportError {
    ExportError::Write(error.into())
}

impl<'a, W: Write> Lines<'a, W> {
    fn begin(origin: u64, wanted: &'a Wanted, out: W) -> Result<Lines<'a, W>, ExportError> {
        let mut lines = csv::Writer::from_writer(out);
        lines
            .write_record(["time", "hub_ms", "signal", "kind", "value", "quality", "by", "scan"])
            .map_err(refused)?;
        Ok(Lines { lines, wanted, origin })
    }

    fn write(&mut self, at: Time, samples: Vec<Sample>) -> Result<(), ExportError> {
        let time = rfc3339(UNIX_EPOCH + Duration::from_nanos(self.origin.saturating_add(at.as_nanos())));
        let hub_ms = format!("{}.{:06}", at.as_millis(), at.as_nanos() % 1_000_000);
        for sample in samples {
            if !self.wanted.holds(&sample.name) {
                continue;
            }
            let value = match &sample.value {
                Json::String(text) => spreadsheet::plain(text),
                value => value.to_string().into(),
            };
            let scan = sample.scan.map_or(String::new(), |scan| scan.to_string());
            let quality = sample.quality.as_deref().unwrap_or("good");
            let by = spreadsheet::plain(sample.by.as_deref().unwrap_or(""));
            let name = spreadsheet::plain(&sample.name);
            let line = [
                &time,
                &hub_ms,
                name.as_ref(),
                &sample.kind,
                value.as_ref(),
                quality,
                by.as_ref(),
                &scan,
            ];
            self.lines.write_record(line).map_err(refused)?;
        }
        Ok(())
    }

    fn end(mut self) -> Result<(), ExportError> {
        Ok(self.lines.flush()?)
    }
}
