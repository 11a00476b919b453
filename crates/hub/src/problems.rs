//! What a person should know: each trouble once, counted.

use crate::api::Problem;
use crate::time::Time;
use std::collections::VecDeque;
use std::time::Duration;

/// A trouble that a person has seen leaves the list when it has not come back for so long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);

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

    /// Is the trouble of this id in the list?
    pub(crate) fn holds(&self, id: &str) -> bool {
        self.list.iter().any(|problem| problem.id == id)
    }

    /// The words of the trouble of this id.
    pub(crate) fn text(&self, id: &str) -> Option<&str> {
        let problem = self.list.iter().find(|problem| problem.id == id)?;
        Some(&problem.text)
    }

    /// The trouble of this id is over.
    pub(crate) fn clear(&mut self, id: &str) {
        self.clear_where(|other| other == id);
    }

    /// The troubles of these ids are over.
    pub(crate) fn clear_where(&mut self, is_over: impl Fn(&str) -> bool) {
        self.list.retain(|problem| !is_over(&problem.id));
    }

    /// What a person should know now; what was seen and has not come back is forgotten.
    pub(crate) fn list(&mut self, now: Time) -> impl Iterator<Item = &Problem> {
        let is_old = |problem: &Problem| problem.is_acknowledged && now.since(problem.last_seen) >= FORGOTTEN_AFTER;
        self.list.retain(|problem| !is_old(problem));
        self.list.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(id: &str) -> Trouble<'_> {
        Trouble {
            id: id.to_owned(),
            is_error: false,
            subject: "line",
            text: String::from("odd"),
            hint: "look",
        }
    }

    fn ids(problems: &mut Problems, now: Time) -> Vec<String> {
        problems.list(now).map(|problem| problem.id.clone()).collect()
    }

    #[test]
    fn what_was_seen_and_does_not_come_back_is_forgotten_after_an_hour() {
        let mut problems = Problems::new(9);
        let minutes = |count: u64| Time::from_millis(count * 60_000);
        for id in ["seen", "unseen", "back"] {
            assert!(problems.note(minutes(0), trouble(id)));
        }
        assert!(problems.acknowledge(Some("seen")) && problems.acknowledge(Some("back")));
        assert!(!problems.acknowledge(Some("nothing")));
        assert!(!problems.note(minutes(30), trouble("back")), "it is known");
        assert_eq!(
            ids(&mut problems, Time::from_millis(60 * 60_000 - 1)),
            ["seen", "unseen", "back"]
        );
        assert_eq!(ids(&mut problems, minutes(60)), ["unseen", "back"]);
        assert!(problems.acknowledge(None));
        assert_eq!(
            ids(&mut problems, minutes(89)),
            ["back"],
            "its hour began when it came back"
        );
        assert_eq!(ids(&mut problems, minutes(90)), [""; 0]);
    }
}
