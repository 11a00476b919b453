//! Requests of the API about the class.

use super::experiment::ClassOrder;
use crate::access::Actor;
use crate::api::Refused;
use crate::api::classroom::{ClassroomReply, ClassroomRequest, GamaLinkState, OrderWord};
use crate::hub::Hub;
use crate::output::Ticket;
use serde_json::Value as Json;

/// Bytes of a display type that comes over the API; a longer one is refused.
const SCREEN_LEN_MAX: usize = 256;
/// Bytes of an expression to be evaluated; a longer one is refused.
const EXPR_LEN_MAX: usize = 16 << 10;
/// Characters of an expression in the audit log; the rest of a longer one is cut off there.
const EXPR_AUDITED_MAX: usize = 500;

/// What somebody does to the class.
#[derive(Debug)]
pub(crate) enum ClassAct {
    /// An order to the experiment.
    Order(OrderWord),
    /// Another model becomes the active one (SI-16).
    Select(usize),
    /// A player is added by id or address (SI-21).
    Add(String),
    /// A player is removed by id or address (SI-21).
    Remove(String),
    /// A player that is not connected is forgotten.
    Forget(String),
    /// Monitors show something else (SI-22).
    Screen(Json),
}

impl From<OrderWord> for ClassOrder {
    fn from(word: OrderWord) -> ClassOrder {
        match word {
            OrderWord::Launch => ClassOrder::Launch,
            OrderWord::Pause => ClassOrder::Pause,
            OrderWord::Resume => ClassOrder::Resume,
            OrderWord::Stop => ClassOrder::Stop,
            OrderWord::Step => ClassOrder::Step,
            OrderWord::StepBack => ClassOrder::StepBack,
            OrderWord::Reload => ClassOrder::Reload,
            OrderWord::Connect => ClassOrder::Connect,
        }
    }
}

/// An order as the audit log calls it.
const fn audited_as(word: OrderWord) -> &'static str {
    match word {
        OrderWord::Launch => "classroom.launch",
        OrderWord::Pause => "classroom.pause",
        OrderWord::Resume => "classroom.resume",
        OrderWord::Stop => "classroom.stop",
        OrderWord::Step => "classroom.step",
        OrderWord::StepBack => "classroom.step_back",
        OrderWord::Reload => "classroom.reload",
        OrderWord::Connect => "classroom.connect",
    }
}

impl Hub {
    /// Answers, or gives nothing when the answer comes later with this ticket.
    pub(crate) fn class_request(
        &mut self,
        ticket: Ticket,
        by: &Actor,
        request: ClassroomRequest,
    ) -> Result<Option<ClassroomReply>, Refused> {
        let class = self.classroom.as_ref().ok_or_else(no_classroom)?;
        let act = match request {
            ClassroomRequest::State => return self.class_answer(),
            ClassroomRequest::Catalog => {
                return Ok(Some(ClassroomReply::Catalog(class.catalog.clone(), class.active)));
            }
            ClassroomRequest::Console { after } => {
                return Ok(Some(ClassroomReply::Console(self.console_lines(after), self.now)));
            }
            ClassroomRequest::Evaluate { expr } => return self.class_evaluate(ticket, by, &expr).map(|()| None),
            ClassroomRequest::Select { model } => ClassAct::Select(model),
            // A monitor's stop of nothing is answered by the state (SI-20); whoever asks here is told.
            ClassroomRequest::Order(OrderWord::Stop) if !self.class_orders().contains(&OrderWord::Stop) => {
                self.check_order(ClassOrder::Stop).map_err(Refused::Classroom)?;
                let down = self.gama_row().filter(|gama| gama.link != GamaLinkState::Connected);
                let why = down.map_or_else(
                    || String::from("there is no experiment that could be stopped"),
                    |gama| gama.text,
                );
                return Err(Refused::Classroom(why));
            }
            ClassroomRequest::Order(word) => ClassAct::Order(word),
            ClassroomRequest::AddPlayer { id } => ClassAct::Add(id),
            ClassroomRequest::RemovePlayer { id } => ClassAct::Remove(id),
            ClassroomRequest::ForgetPlayer { id } => ClassAct::Forget(id),
            ClassroomRequest::Screen { display_type } => {
                at_most("display_type", &display_type, SCREEN_LEN_MAX)?;
                ClassAct::Screen(Json::from(display_type))
            }
        };
        self.class_act(by, act)?;
        self.class_answer()
    }

    fn class_answer(&self) -> Result<Option<ClassroomReply>, Refused> {
        let row = self.class_row().ok_or_else(no_classroom)?;
        Ok(Some(ClassroomReply::State(Box::new(row))))
    }

    /// Does something to the class for somebody who may, and writes it down: the one way for the API and for monitors. What leaves
    /// everything as it was is not written down.
    pub(crate) fn class_act(&mut self, by: &Actor, act: ClassAct) -> Result<(), Refused> {
        match act {
            ClassAct::Order(word) => {
                let subject = self.class_subject();
                self.order_class(word.into())?;
                self.audit(by, audited_as(word), subject, (Json::Null, Json::Null));
            }
            ClassAct::Select(model) => {
                let (before, old) = (self.active_index(), self.class_subject());
                self.select_model(model)?;
                if before != self.active_index() {
                    let new = self.class_subject();
                    self.audit(by, "classroom.model", new.clone(), (Json::from(old), Json::from(new)));
                }
            }
            ClassAct::Add(id) => {
                self.add_player(&id)?;
                self.audit(by, "classroom.add", id, (Json::Null, Json::Null));
            }
            ClassAct::Remove(id) => {
                self.remove_player(&id)?;
                self.audit(by, "classroom.remove", id, (Json::Null, Json::Null));
            }
            ClassAct::Forget(id) => {
                self.forget_player(&id)?;
                self.audit(by, "classroom.forget", id, (Json::Null, Json::Null));
            }
            ClassAct::Screen(display_type) => {
                let old = self.class_screen();
                self.set_screen(Some(display_type))?;
                let new = self.class_screen();
                if old != new {
                    self.audit(by, "classroom.screen", String::from("screen"), (old, new));
                }
            }
        }
        Ok(())
    }

    /// Has GAMA evaluate an expression; the answer goes to the ticket.
    fn class_evaluate(&mut self, ticket: Ticket, by: &Actor, expr: &str) -> Result<(), Refused> {
        at_most("expr", expr, EXPR_LEN_MAX)?;
        let subject = self.class_subject();
        self.gama_evaluate(ticket, expr)?;
        let new: String = expr.chars().take(EXPR_AUDITED_MAX).collect();
        self.audit(by, "classroom.evaluate", subject, (Json::Null, Json::from(new)));
        Ok(())
    }

    /// What monitors show; null until somebody has said it.
    fn class_screen(&self) -> Json {
        let screen = self.classroom.as_ref().and_then(|class| class.monitors.screen());
        screen.cloned().unwrap_or_default()
    }

    fn active_index(&self) -> Option<usize> {
        self.classroom.as_ref().map(|class| class.active)
    }

    /// What orders are about, for the audit log: the name of the active model.
    fn class_subject(&self) -> String {
        let model = self.classroom.as_ref().and_then(|class| class.active_model());
        model.map_or_else(|| String::from("no model"), |model| model.name.clone())
    }
}

fn at_most(name: &str, text: &str, limit: usize) -> Result<(), Refused> {
    match text.len() <= limit {
        true => Ok(()),
        false => Err(Refused::BadValue {
            name: name.to_owned(),
            expected: format!("at most {limit} bytes were expected"),
        }),
    }
}

fn no_classroom() -> Refused {
    Refused::NotFound {
        what: "section",
        name: String::from("[classroom]"),
    }
}
