//! A recording as CSV: one line per sample, for a spreadsheet or a script.

use super::{Message, OpenError, Recording};
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

/// Writes the samples of a recording as CSV: the state at its begin, then what changed. Without patterns all signals.
///
/// # Errors
///
/// The recording is damaged, or `out` takes nothing.
pub(crate) fn csv(recording: &mut Recording, patterns: &[String], out: impl Write) -> Result<u64, ExportError> {
    let patterns: Vec<Pattern> = patterns.iter().map(|pattern| Pattern::new(pattern)).collect();
    let origin = recording.session().origin_ns;
    let mut lines = csv::Writer::from_writer(out);
    let failed = |error: csv::Error| ExportError::Write(error.into());
    lines
        .write_record(["time", "hub_ms", "signal", "kind", "value", "quality", "by", "scan"])
        .map_err(failed)?;
    let (mut written, mut is_begun) = (0, false);
    for message in recording.messages_from(Time::ZERO) {
        let (at, samples) = match message? {
            (at, Message::Samples(samples)) => (at, samples),
            // The first state is where the signals begin; the later ones say nothing new.
            (at, Message::State(samples)) if !is_begun => {
                is_begun = samples.is_last;
                (at, samples)
            }
            _ => continue,
        };
        let time = rfc3339(UNIX_EPOCH + Duration::from_nanos(origin.saturating_add(at.as_nanos())));
        let hub_ms = format!("{}.{:06}", at.as_millis(), at.as_nanos() % 1_000_000);
        for sample in samples.signals {
            if !patterns.is_empty() && !patterns.iter().any(|pattern| pattern.fits(&sample.name)) {
                continue;
            }
            let value = match &sample.value {
                Json::String(text) => text.clone(),
                value => value.to_string(),
            };
            let scan = sample.scan.map_or(String::new(), |scan| scan.to_string());
            let quality = sample.quality.as_deref().unwrap_or("good");
            let by = sample.by.as_deref().unwrap_or("");
            let line = [&time, &hub_ms, &sample.name, &sample.kind, &value, quality, by, &scan];
            lines.write_record(line).map_err(failed)?;
            written += 1;
        }
    }
    lines.flush()?;
    Ok(written)
}
