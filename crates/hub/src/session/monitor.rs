//! Monitors: the front end of a SIMPLE WebPlatform (SI-10 to SI-23).

use crate::api::Refused;
use crate::classroom::experiment::ClassOrder;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::Level;
use crate::rights;
use crosstie_wire::DecodeError;
use crosstie_wire::monitor::{self, Request};
use serde_json::Value as Json;

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
        let (what, subject) = named(&request);
        let result = may.and_then(|()| self.monitor_order(conn, request));
        match result {
            Ok(()) => {
                self.audit(&actor, what, subject, (Json::Null, Json::Null));
                self.monitor_is_heard(conn);
            }
            Err(refused) => self.monitor_refused(conn, what, &refused),
        }
    }

    fn monitor_order(&mut self, conn: ConnId, request: Request) -> Result<(), Refused> {
        match request {
            Request::Launch => {
                let result = self.order_class(ClassOrder::Launch);
                if result.is_err() {
                    self.state_is_asked();
                }
                result
            }
            Request::Pause => self.order_class(ClassOrder::Pause),
            Request::Resume => self.order_class(ClassOrder::Resume),
            Request::Stop => {
                self.state_is_asked();
                self.order_class(ClassOrder::Stop)
            }
            Request::Select(index) => self.monitor_selects(conn, index),
            Request::AddPlayer(id) => self.add_player(&id),
            Request::RemovePlayer(id) => self.remove_player(&id),
            Request::Screen(display_type) => self.set_screen(display_type),
            _ => Ok(()),
        }
    }

    /// The answer is the settings of the model, with its index (SI-16, SI-17).
    fn monitor_selects(&mut self, conn: ConnId, index: Option<u64>) -> Result<(), Refused> {
        let index = index.and_then(|index| usize::try_from(index).ok());
        let index = index.ok_or_else(|| Refused::BadValue {
            name: String::from("model_index"),
            expected: String::from("expected a whole number"),
        })?;
        self.select_model(index)?;
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
    fn monitor_refused(&mut self, conn: ConnId, what: &'static str, refused: &Refused) {
        let text = format!("refused {what}: {refused}");
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

/// What a request is in the audit log, and whom or what it is about.
fn named(request: &Request) -> (&'static str, String) {
    match request {
        Request::Launch => ("classroom.launch", String::new()),
        Request::Pause => ("classroom.pause", String::new()),
        Request::Resume => ("classroom.resume", String::new()),
        Request::Stop => ("classroom.stop", String::new()),
        Request::Select(index) => (
            "classroom.model",
            index.map(|index| index.to_string()).unwrap_or_default(),
        ),
        Request::AddPlayer(id) => ("classroom.add", shortened(id)),
        Request::RemovePlayer(id) => ("classroom.remove", shortened(id)),
        Request::Screen(Some(screen)) => ("classroom.screen", shortened(&screen.to_string())),
        _ => ("classroom.screen", String::new()),
    }
}

/// A peer's words in the audit log, at most so many characters.
fn shortened(text: &str) -> String {
    const CHARACTERS_MAX: usize = 256;
    text.chars().take(CHARACTERS_MAX).collect()
}
