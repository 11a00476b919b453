//! What a person should know: each trouble once, counted.

use crate::api::Problem;
use crate::time::Time;
use std::collections::VecDeque;

/// A trouble as it is reported.
pub(crate) struct Trouble<'a> {
    /// Stable key; the same key counts up.
    pub(crate) id: String,
    pub(crate) is_error: bool,
    pub(crate) subject: &'a str,
    pub(crate) text: String,
    pub(crate) hint: &'a str,
}

/// The list, oldest first, bounded: the oldest makes room.
#[derive(Debug)]
pub(crate) struct Problems {
    list: VecDeque<Problem>,
    max: usize,
}

impl Problems {
    pub(crate) fn new(max: usize) -> Problems {
        Problems {
            list: VecDeque::new(),
            max: max.max(1),
        }
    }

    /// Notes a trouble. True when it is a new one and deserves a line in the log.
    pub(crate) fn note(&mut self, now: Time, trouble: Trouble<'_>) -> bool {
        if let Some(known) = self.list.iter_mut().find(|problem| problem.id == trouble.id) {
            known.count += 1;
            known.last_seen = now;
            known.text = trouble.text;
            known.is_acknowledged = false;
            return false;
        }
        if self.list.len() >= self.max {
            self.list.pop_front();
        }
        self.list.push_back(Problem {
            id: trouble.id,
            is_error: trouble.is_error,
            subject: trouble.subject.to_owned(),
            text: trouble.text,
            hint: trouble.hint.to_owned(),
            first_seen: now,
            last_seen: now,
            is_acknowledged: false,
            count: 1,
        });
        true
    }

    /// A person has seen the trouble of this id, or all of them; false when there is none of this id.
    pub(crate) fn acknowledge(&mut self, id: Option<&str>) -> bool {
        let wanted = |problem: &&mut Problem| id.is_none_or(|id| problem.id == id);
        let mut found = id.is_none();
        for problem in self.list.iter_mut().filter(wanted) {
            problem.is_acknowledged = true;
            found = true;
        }
        found
    }

    /// The trouble of this id is over.
    pub(crate) fn clear(&mut self, id: &str) {
        self.list.retain(|problem| problem.id != id);
    }

    pub(crate) fn list(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }
}
