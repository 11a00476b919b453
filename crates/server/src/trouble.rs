//! Troubles of the driver's own: what the hub cannot see by itself, told to it so that people see it with the rest.

use crosstie_hub::access::Actor;
use crosstie_hub::api::{Report, Request};

use crate::core_task::{Door, Event};

/// One trouble that comes and goes. It is told once when it comes and once when it is over, however often it is met between.
#[derive(Debug)]
pub(crate) struct Trouble {
    door: Door,
    id: String,
    subject: String,
    hint: &'static str,
    is_on: bool,
}

impl Trouble {
    /// A trouble that is not there. Shape of `id`: `store`, `accept:line`.
    pub(crate) fn new(door: Door, id: String, subject: String, hint: &'static str) -> Trouble {
        Trouble {
            door,
            id,
            subject,
            hint,
            is_on: false,
        }
    }

    /// It is there.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// It was met; the first time it is told. The hub logs it then.
    pub(crate) fn met(&mut self, text: String) {
        if !std::mem::replace(&mut self.is_on, true) {
            let report = Report {
                id: self.id.clone(),
                is_error: true,
                subject: self.subject.clone(),
                text,
                hint: self.hint.to_owned(),
            };
            self.tell(Request::Report(Box::new(report)));
        }
    }

    /// It is over.
    pub(crate) fn over(&mut self) {
        if std::mem::take(&mut self.is_on) {
            tracing::info!(subject = self.subject, "works again: {}", self.id);
            let problem = self.id.clone();
            self.tell(Request::Clear { problem });
        }
    }

    fn tell(&self, request: Request) {
        self.door.tell(Event::Request {
            by: Box::new(Actor::full("the hub itself", "")),
            request,
            reply: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::time::Instant;

    #[test]
    fn a_trouble_is_told_when_it_comes_and_when_it_goes() {
        let door = Door::new();
        let mut trouble = Trouble::new(door.clone(), String::from("store"), String::from("file"), "make room");
        trouble.over();
        for _ in 0..3 {
            trouble.met(String::from("full"));
        }
        assert!(trouble.is_on());
        trouble.over();
        trouble.over();
        let mut events = VecDeque::new();
        door.take(Some(Instant::now()), &mut events);
        let told: Vec<Request> = events
            .into_iter()
            .filter_map(|event| match event {
                Event::Request { request, .. } => Some(request),
                _ => None,
            })
            .collect();
        assert!(
            matches!(&told[..], [Request::Report(report), Request::Clear { problem }]
                if report.id == "store" && report.text == "full" && problem == "store"),
            "{told:?}"
        );
    }
}
