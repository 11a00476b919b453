//! Requests of the API about the class.

use crate::access::Actor;
use crate::api::Refused;
use crate::api::classroom::{ClassroomReply, ClassroomRequest};
use crate::hub::Hub;
use crate::output::Ticket;

impl Hub {
    /// Answers, or gives nothing when the answer comes later with this ticket.
    pub(crate) fn class_request(
        &mut self,
        _ticket: Ticket,
        _by: &Actor,
        _request: ClassroomRequest,
    ) -> Result<Option<ClassroomReply>, Refused> {
        Err(Refused::NotFound {
            what: "section",
            name: String::from("[classroom]"),
        })
    }
}
