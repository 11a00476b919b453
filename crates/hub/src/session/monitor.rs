//! Monitors: the front end of a SIMPLE WebPlatform (SI-10 to SI-23).

use crate::access::Actor;
use crate::api::Refused;
use crate::api::classroom::OrderWord;
use crate::classroom::experiment::ClassOrder;
use crate::classroom::requests::ClassAct;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::Level;
use crate::rights;
use crosstie_wire::DecodeError;
use crosstie_wire::monitor::{self, Request};

impl Hub {
    pub(crate) fn monitor_connected(&mut self, conn: ConnId) {
        let Some(class) = &mut self.classroom else { return };
        class.monitors.arrive(conn);
        self.greet_monitor(conn);
        self.class_changed();
    }

    /// A connection is gone, or is being closed.
    pub(crate) fn monitor_left(&mut self, conn: ConnId) {
        if self.classroom.as_mut().is_some_and(|class| class.monitors.leave(conn)) {
            self.class_changed();
        }
    }

    /// One text of a monitor.
    pub(crate) fn monitor(&mut self, conn: ConnId, request: Result<Request, DecodeError>) {
        if self.classroom.is_none() {
            return;
        }
        match request {
            Err(error) => self.misunderstood(conn, &error),
            Ok(Request::Catalog) => self.monitor_catalog(conn),
            Ok(request) => self.monitor_orders(conn, request),
        }
    }

    /// The catalog, to whoever asks (SI-15).
    fn monitor_catalog(&mut self, conn: ConnId) {
        let Some(class) = &self.classroom else { return };
        let (catalog, as_text) = (class.catalog.clone(), !class.settings.catalog_as_array);
        // A project without packages has an empty list, not an empty text.
        let array = match catalog.text.as_str() {
            "" => "[]",
            text => text,
        };
        self.send_text(conn, |out| monitor::write_catalog(out, array, as_text));
    }

    /// Everything that changes the class needs the right to run lessons.
    fn monitor_orders(&mut self, conn: ConnId, request: Request) {
        let Some(actor) = self.actor_of(conn) else { return };
        let may = rights::check_need(&actor.access, rights::RUN_LESSONS);
        if request == Request::TryConnection {
            // The front end asks by itself, again and again: neither a line nor an entry.
            if may.is_ok() {
                let _ = self.order_class(ClassOrder::Connect);
            }
            return;
        }
        let verb = verb(&request);
        match may.and_then(|()| self.monitor_order(conn, &actor, request)) {
            Ok(()) => self.monitor_is_heard(conn),
            Err(refused) => self.monitor_refused(conn, verb, &refused),
        }
    }

    fn monitor_order(&mut self, conn: ConnId, actor: &Actor, request: Request) -> Result<(), Refused> {
        let act = match request {
            Request::Launch => ClassAct::Order(OrderWord::Launch),
            Request::Pause => ClassAct::Order(OrderWord::Pause),
            Request::Resume => ClassAct::Order(OrderWord::Resume),
            Request::Stop => {
                // Also a stop of nothing is answered by a state (SI-20).
                self.state_is_asked();
                ClassAct::Order(OrderWord::Stop)
            }
            Request::Select(index) => return self.monitor_selects(conn, actor, index),
            Request::AddPlayer(id) => ClassAct::Add(id),
            Request::RemovePlayer(id) => ClassAct::Remove(id),
            Request::Screen(Some(display_type)) => ClassAct::Screen(display_type),
            Request::Screen(None) => return self.set_screen(None),
            _ => return Ok(()),
        };
        let is_launch = matches!(act, ClassAct::Order(OrderWord::Launch));
        let result = self.class_act(actor, act);
        if is_launch && result.is_err() {
            // GAMA is away, or has an experiment already: how things stand is the answer (SI-18).
            self.state_is_asked();
        }
        result
    }

    /// The answer is the settings of the model, with its index (SI-16, SI-17).
    fn monitor_selects(&mut self, conn: ConnId, actor: &Actor, index: Option<u64>) -> Result<(), Refused> {
        let index = index.and_then(|index| usize::try_from(index).ok());
        let index = index.ok_or_else(|| Refused::BadValue {
            name: String::from("model_index"),
            expected: String::from("expected a whole number"),
        })?;
        self.class_act(actor, ClassAct::Select(index))?;
        let model = self.classroom.as_ref().and_then(|class| class.active_model());
        if let Some(selected) = model.map(|model| model.selected.clone()) {
            self.send_text(conn, |out| monitor::write_selected(out, &selected));
        }
        Ok(())
    }

    fn monitor_is_heard(&mut self, conn: ConnId) {
        let class = self.classroom.as_mut();
        if let Some(session) = class.and_then(|class| class.monitors.session(conn)) {
            session.refused = None;
        }
    }

    /// The port has no word for a refusal: it is a line in the log, the same one again is none.
    fn monitor_refused(&mut self, conn: ConnId, verb: &'static str, refused: &Refused) {
        let text = format!("refused to {verb}: {refused}");
        if matches!(refused, Refused::Forbidden { .. })
            && let Some(client) = self.clients.get_mut(&conn)
        {
            client.counters.ignored.forbidden += 1;
        }
        let class = self.classroom.as_mut();
        let Some(session) = class.and_then(|class| class.monitors.session(conn)) else {
            return;
        };
        if session.refused.as_ref() != Some(&text) {
            session.refused = Some(text.clone());
            self.log(Level::Warn, Some(conn), text);
        }
    }
}

/// A request as a verb, for people.
fn verb(request: &Request) -> &'static str {
    match request {
        Request::Launch => "launch",
        Request::Pause => "pause",
        Request::Resume => "resume",
        Request::Stop => "stop",
        Request::Select(_) => "select a model",
        Request::AddPlayer(_) => "add a player",
        Request::RemovePlayer(_) => "take a player out",
        Request::Screen(_) => "switch the screens",
        _ => "do that",
    }
}
