//! What GAMA has said lately, for the log view (GA-7, GA-8).

use super::experiment::cut;
use crate::api::classroom::ConsoleLine;
use crate::hub::Hub;
use crate::time::Time;
use std::collections::VecDeque;
use std::time::Duration;

/// Lines that are kept; the oldest makes room.
const LINES_MAX: usize = 500;
/// Bytes of a line; the rest of a longer one is cut off.
const LINE_LEN_MAX: usize = 2_048;
/// The same words are one line when they come again within this, so that what fails fifty times a second drives out nothing.
const REPEATS_WITHIN: Duration = Duration::from_secs(1);
/// Lines that are looked at for that.
const REPEATS_AMONG: usize = 8;

/// The newest lines.
#[derive(Debug, Default)]
pub(crate) struct Console {
    lines: VecDeque<ConsoleLine>,
    /// Number of the newest line.
    last: u64,
}

impl Console {
    /// Adds a line; false where it was there a moment ago.
    pub(crate) fn add(&mut self, at: Time, level: &'static str, kind: &str, text: &str) -> bool {
        let (kind, text) = (cut(kind, LINE_LEN_MAX), cut(text, LINE_LEN_MAX));
        let mut newest = self.lines.iter().rev().take(REPEATS_AMONG);
        let is_repeat = |line: &ConsoleLine| {
            (line.level, &line.kind, &line.text) == (level, &kind, &text) && at.since(line.at) < REPEATS_WITHIN
        };
        if newest.any(is_repeat) {
            return false;
        }
        if self.lines.len() >= LINES_MAX {
            self.lines.pop_front();
        }
        self.last += 1;
        self.lines.push_back(ConsoleLine {
            number: self.last,
            at,
            level,
            kind,
            text,
        });
        true
    }
}

impl Hub {
    /// The lines after this number, oldest first; all of them where there is none.
    pub(crate) fn console_lines(&self, after: Option<u64>) -> Vec<ConsoleLine> {
        let Some(class) = &self.classroom else {
            return Vec::new();
        };
        let after = after.unwrap_or(0);
        let lines = &class.console.lines;
        let known = lines.partition_point(|line| line.number <= after);
        lines.range(known..).cloned().collect()
    }
}
