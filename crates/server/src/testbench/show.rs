//! What went wrong, in words and as a diagram.

use super::COLUMN;
use super::compare::{Difference, shown_time};
use super::diagram::{Frame, Row, Signs, draw};
use super::play::Failure;
use super::stage::Stage;
use super::trace::Trace;

/// Rows of a diagram.
const ROWS_MAX: usize = 14;

/// A run of an accepted recording that went otherwise.
#[derive(Debug)]
pub(crate) struct Deviation {
    /// The first difference.
    pub(crate) difference: Difference,
    /// What was accepted.
    pub(crate) expected: Trace,
    /// What the run did.
    pub(crate) got: Trace,
    /// The signals that the outside world changed.
    pub(crate) given: Vec<String>,
}

/// A script that failed.
pub(crate) fn failure(failure: &Failure, test: &str, stage: &Stage, signs: Signs) -> String {
    let Failure {
        line,
        text,
        at,
        signals,
        ..
    } = failure;
    let scan = failure.scan.map_or_else(String::new, |scan| format!(", scan {scan}"));
    let mut out = format!("{test}:{line}: {text}, at {}{scan}\n", shown_time(*at));
    let Some(first) = signals.first() else { return out };
    let mut names: Vec<(String, &'static str, bool)> = Vec::new();
    for signal in signals {
        names.push((stage.canonical(signal), "got", names.is_empty()));
    }
    for signal in signals {
        for name in stage.behind(signal) {
            if names.iter().all(|(other, ..)| *other != name) {
                names.push((name, "", false));
            }
        }
    }
    names.truncate(ROWS_MAX);
    let titles: Vec<String> = names.iter().map(|(name, ..)| stage.shown(name)).collect();
    let rows: Vec<Row<'_>> = names
        .iter()
        .zip(&titles)
        .map(|((name, side, is_marked), title)| Row {
            name: title,
            side,
            track: failure.trace.track(name),
            is_marked: *is_marked,
        })
        .collect();
    let frame = Frame {
        at: *at,
        scan: failure.scan.zip(stage.scan_time(first)),
        column: COLUMN,
    };
    out.push('\n');
    out.push_str(&draw(&rows, &frame, signs));
    out
}

/// A recording that came out otherwise.
pub(crate) fn difference(found: &Deviation, stage: &Stage, signs: Signs) -> String {
    let Difference { signal, at, scan, .. } = &found.difference;
    let mut out = match stage.shown(signal) {
        title if title == *signal => format!("{}\n\n", found.difference),
        title => format!(
            "{}\n\n",
            found.difference.to_string().replacen(signal.as_str(), &title, 1)
        ),
    };
    let mut names = vec![signal.clone()];
    let around = stage.behind(signal).into_iter().chain(found.given.iter().cloned());
    for name in around {
        if !names.contains(&name) && found.got.track(&name).is_some() && names.len() < ROWS_MAX {
            names.push(name);
        }
    }
    let titles: Vec<String> = names.iter().map(|name| stage.shown(name)).collect();
    let row = |index: usize, side, trace: &'_ Trace| (index, side, trace.track(&names[index]).cloned());
    let mut tracks = vec![row(0, "expected", &found.expected), row(0, "got", &found.got)];
    tracks.extend((1..names.len()).map(|index| row(index, "", &found.got)));
    let rows: Vec<Row<'_>> = tracks
        .iter()
        .enumerate()
        .map(|(line, (index, side, track))| Row {
            name: if line == 1 { "" } else { &titles[*index] },
            side,
            track: track.as_ref(),
            is_marked: line == 1,
        })
        .collect();
    let frame = Frame {
        at: *at,
        scan: scan.zip(stage.scan_time(signal)),
        column: COLUMN,
    };
    out.push_str(&draw(&rows, &frame, signs));
    out
}
