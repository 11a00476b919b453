//! The figures of the recorder.

use super::Page;
use crate::recording::{Figures, Recorder};
use std::sync::atomic::{AtomicU64, Ordering};

/// Name, help and value of a counter.
type Counter = (&'static str, &'static str, fn(&Figures) -> &AtomicU64);

const COUNTERS: [Counter; 5] = [
    (
        "crosstie_recordings_total",
        "Recordings that were started.",
        |figures| &figures.started,
    ),
    (
        "crosstie_recording_samples_total",
        "Samples in recordings.",
        |figures| &figures.samples,
    ),
    ("crosstie_recording_inputs_total", "Inputs in recordings.", |figures| {
        &figures.inputs
    }),
    ("crosstie_recording_gaps_total", "Gaps in recordings.", |figures| {
        &figures.gaps
    }),
    ("crosstie_recording_bytes_total", "Bytes of recordings.", |figures| {
        &figures.bytes
    }),
];

/// They as text.
pub(super) fn exposition(recorder: &Recorder) -> String {
    let mut page = Page::default();
    let active = recorder.active();
    page.family("crosstie_recording_active", "gauge", "1 while a recording runs.");
    page.sample(&[], u8::from(active.is_some()));
    page.family(
        "crosstie_recording_lost",
        "gauge",
        "Generations and inputs that are missing in the recording that runs.",
    );
    page.sample(&[], active.map_or(0, |active| active.lost));
    for (name, help, counter) in COUNTERS {
        page.family(name, "counter", help);
        page.sample(&[], counter(recorder.figures()).load(Ordering::Relaxed));
    }
    page.text
}
