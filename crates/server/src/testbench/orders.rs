//! Orders to the class: of several, each is given when the one before was answered and the experiment has come to rest.

use super::script::ClassOrder;
use crosstie_hub::api::classroom::{ClassroomRequest, OrderWord};
use crosstie_hub::{Ticket, Time};
use std::collections::VecDeque;
use std::time::Duration;

/// An experiment that has not come to rest so long after an order, while another waits, fails the test.
pub(crate) const REST_MAX: Duration = Duration::from_secs(60);

/// Orders that are not given yet, and the one that was given last while others wait.
#[derive(Debug, Default)]
pub(crate) struct ClassOrders {
    waiting: VecDeque<(usize, ClassOrder)>,
    before: Option<Before>,
}

/// An order behind which another one waits.
#[derive(Debug)]
struct Before {
    line: usize,
    order: ClassOrder,
    ticket: Ticket,
    since: Time,
}

/// What is to be done about the orders now.
pub(crate) enum Turn {
    /// Nothing waits, or it has to.
    Wait,
    /// This one of this line is given now.
    Give(usize, ClassOrder),
    /// The experiment does not come to rest: the line, and how it stands, in words.
    Restless(usize, String),
}

impl ClassOrders {
    /// Orders of a step, behind those that wait.
    pub(crate) fn add(&mut self, line: usize, orders: &[ClassOrder]) {
        self.waiting.extend(orders.iter().map(|order| (line, order.clone())));
    }

    /// None waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What is to be done at this moment, with the experiment in this state (`sim/state`). `is_asked` says of an order that its
    /// answer is still out.
    pub(crate) fn turn(&mut self, now: Time, state: &str, is_asked: impl Fn(Ticket) -> bool) -> Turn {
        let Some((_, next)) = self.waiting.front() else {
            return Turn::Wait;
        };
        if let Some(before) = &self.before {
            if now.since(before.since) > REST_MAX {
                let (word, next) = (before.order.word(), next.word());
                let seconds = REST_MAX.as_secs();
                let text =
                    format!("the experiment is {state} {seconds} s after `{word}`; `{next}` waits for it to rest");
                return Turn::Restless(before.line, text);
            }
            if is_asked(before.ticket) || !before.order.is_done(state) {
                return Turn::Wait;
            }
            self.before = None;
        }
        let next = self.waiting.pop_front();
        next.map_or(Turn::Wait, |(line, order)| Turn::Give(line, order))
    }

    /// An order was given; what waits, waits for it.
    pub(crate) fn given(&mut self, line: usize, order: ClassOrder, ticket: Ticket, since: Time) {
        self.before = (!self.waiting.is_empty()).then_some(Before {
            line,
            order,
            ticket,
            since,
        });
    }
}

impl ClassOrder {
    /// As it stands in a script.
    pub(crate) fn word(&self) -> String {
        match self {
            ClassOrder::Select(model) => format!("select {model}"),
            ClassOrder::Launch => String::from("launch"),
            ClassOrder::Pause => String::from("pause"),
            ClassOrder::Resume => String::from("resume"),
            ClassOrder::Stop => String::from("stop"),
        }
    }

    /// As the hub is asked.
    pub(crate) fn request(&self) -> ClassroomRequest {
        match self {
            ClassOrder::Select(model) => ClassroomRequest::Select { model: *model },
            ClassOrder::Launch => ClassroomRequest::Order(OrderWord::Launch),
            ClassOrder::Pause => ClassroomRequest::Order(OrderWord::Pause),
            ClassOrder::Resume => ClassroomRequest::Order(OrderWord::Resume),
            ClassOrder::Stop => ClassroomRequest::Order(OrderWord::Stop),
        }
    }

    /// In this state of the experiment it has done its work.
    fn is_done(&self, state: &str) -> bool {
        match self {
            ClassOrder::Select(_) => true,
            ClassOrder::Launch => !matches!(state, "NONE" | "NOTREADY"),
            ClassOrder::Pause => state == "PAUSED",
            ClassOrder::Resume => state != "PAUSED",
            ClassOrder::Stop => state == "NONE",
        }
    }
}
