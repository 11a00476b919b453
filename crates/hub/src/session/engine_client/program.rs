//! What a remote engine executes, and what of it came from here.
//!
//! The program is fetched when the link is up, when something points to another one, and now and then. After a lost link a
//! program that somebody downloaded through this hub is put back where the engine has none or an older one from here, and
//! nothing runs; the program of anybody else is never touched.

use super::state::{Reservation, What};
use crate::hub::Hub;
use crate::input::Uploaded;
use crate::plc::PlcId;
use crate::plc::context::Loaded;
use crate::plc::orders::Effect;
use crosstie_ladder::controller::ControllerState;
use crosstie_wire::piplc::{PROGRAM_FORMAT, Request, ServerReply};
use std::sync::Arc;

/// Who has loaded a program that did not come through this hub, for people.
const THE_ENGINE: &str = "the engine";

impl Hub {
    /// Snapshots come: what they do not tell is asked for, and routes say their values again.
    pub(super) fn engine_is_up(&mut self, plc: PlcId) {
        if let Some(context) = self.plcs.get_mut(plc)
            && context.state == ControllerState::Fault
            && context.fault.is_none()
        {
            context.fault = Some(String::from(
                "in fault since before the link was up; the engine does not say why",
            ));
            self.show_state(plc);
        }
        self.engine_ask(plc, What::About, &Request::Info);
        self.engine_ask(plc, What::Statistics, &Request::Statistics);
        self.engine_upload(plc, false);
        self.feed_again(plc);
    }

    /// Something points to another program.
    pub(super) fn engine_wants_program(&mut self, plc: PlcId) {
        let now = self.now;
        if let Some(client) = self.engine_clients.get_mut(&plc) {
            client.wants_upload(now);
        }
    }

    /// Fetches the program; `follows` right behind a download from here.
    pub(super) fn engine_upload(&mut self, plc: PlcId, follows: bool) {
        let now = self.now;
        let Some(client) = self.engine_clients.get_mut(&plc).filter(|client| client.is_up()) else {
            return;
        };
        client.uploads(now);
        self.engine_ask(plc, What::Upload { follows }, &Request::Upload);
    }

    /// The engine has answered a request for its program.
    pub(super) fn engine_uploaded(
        &mut self,
        plc: PlcId,
        follows: bool,
        reply: &ServerReply,
        uploaded: Option<Uploaded>,
    ) {
        if !reply.success {
            let error = reply.error.as_deref().unwrap_or("without a reason").to_owned();
            self.engine_ask(plc, What::Info { error }, &Request::Info);
            return;
        }
        let Some(uploaded) = uploaded else {
            // Too many programs are read at this moment.
            self.engine_wants_program(plc);
            return;
        };
        let Some(client) = self.engine_clients.get_mut(&plc) else {
            return;
        };
        if follows && client.just_placed {
            client.shows_placed(&uploaded.document);
        }
        self.engine_shows(plc, &uploaded);
        self.engine_compares(plc, &uploaded.document);
        if let (Err(diagnostics), Some(client)) = (&uploaded.program, self.engine_clients.get_mut(&plc)) {
            let first = diagnostics.first().map(ToString::to_string).unwrap_or_default();
            let text = format!("the program of the engine cannot be read here: {first}");
            client.reservation.get_or_insert(Reservation::Program(text));
        }
    }

    /// People see what the engine has, whoever put it there.
    fn engine_shows(&mut self, plc: PlcId, uploaded: &Uploaded) {
        let now = self.now;
        let (Some(context), Some(client)) = (self.plcs.get_mut(plc), self.engine_clients.get(&plc)) else {
            return;
        };
        let shown = context.program.as_ref().map(|loaded| &loaded.program.document);
        match &uploaded.program {
            Ok(program) if shown != Some(&program.document) => {
                let placed = client.placed.as_ref();
                let ours = placed.filter(|placed| placed.shown.as_ref() == Some(&uploaded.document));
                let by = ours.map_or(THE_ENGINE.into(), |placed| placed.by.clone());
                let rungs = program.compiled.rungs();
                context.breakpoints.retain(|rung| *rung < rungs);
                context.program_number += 1;
                context.program = Some(Loaded {
                    program: program.clone(),
                    by,
                    at: now,
                });
                self.publish(plc, Some(&program.logic));
            }
            Err(_) if shown.is_some() => self.take_effect(plc, Effect::Cleared),
            Ok(_) | Err(_) => {}
        }
    }

    /// Judges what the engine shows by what was downloaded here.
    fn engine_compares(&mut self, plc: PlcId, document: &Arc<str>) {
        let state = self.plcs.get(plc).map(|context| context.state);
        let Some(client) = self.engine_clients.get_mut(&plc) else {
            return;
        };
        if matches!(client.reservation, Some(Reservation::Program(_))) {
            client.reservation = None;
        }
        let Some(placed) = &client.placed else { return };
        // Where the link was lost right behind the download nobody has seen how the engine shows it.
        let is_it = match &placed.shown {
            Some(shown) => shown == document,
            None => placed.program.document == *document,
        };
        if is_it {
            client.shows_placed(document);
            client.returns = false;
            return;
        }
        let is_ours = client.is_ours(document);
        let text = match (is_ours, client.returns, state) {
            (true, true, Some(ControllerState::Stopped)) => return self.engine_put_back(plc),
            (true, true, _) => {
                "the engine is not stopped and has an older program than the one downloaded here; it is put back when the engine is stopped"
            }
            (true, false, _) => {
                "the engine has an older program than the one downloaded here; download again to replace it"
            }
            (false, ..) => {
                client.returns = false;
                "the engine has another program than the one downloaded here; download again to replace it"
            }
        };
        client.reservation = Some(Reservation::Program(text.into()));
    }

    /// The engine gives no program: either it has none, or it keeps it.
    pub(super) fn engine_has_none(&mut self, plc: PlcId, error: &str, reply: &ServerReply) {
        let has_program = reply.fields.get("hasProgram").and_then(serde_json::Value::as_bool);
        if has_program != Some(false) {
            return self.engine_keeps_program(plc, error);
        }
        let Some(context) = self.plcs.get(plc) else { return };
        let is_stopped = context.state == ControllerState::Stopped
            && reply
                .state
                .is_none_or(|state| super::memory::controller_state(state) == ControllerState::Stopped);
        if context.program.is_some() {
            self.take_effect(plc, Effect::Cleared);
        }
        let Some(client) = self.engine_clients.get_mut(&plc) else {
            return;
        };
        if matches!(client.reservation, Some(Reservation::Program(_))) {
            client.reservation = None;
        }
        match (client.placed.is_some(), client.returns, is_stopped) {
            (false, ..) => {}
            // Somebody has cleared it while the link was up.
            (true, false, _) => client.forget_placed(),
            (true, true, true) => self.engine_put_back(plc),
            (true, true, false) => {
                let text = "the engine has no program and is not stopped; the one downloaded here is put back when it is stopped";
                client.reservation = Some(Reservation::Program(text.into()));
            }
        }
    }

    /// What the engine has is not known.
    pub(super) fn engine_keeps_program(&mut self, plc: PlcId, error: &str) {
        if let Some(client) = self.engine_clients.get_mut(&plc) {
            let text = format!("the engine does not give its program: {error}");
            client.reservation = Some(Reservation::Program(text));
        }
    }

    /// Puts back what was downloaded here, as the document that it was. It is not started.
    fn engine_put_back(&mut self, plc: PlcId) {
        let Some(client) = self.engine_clients.get_mut(&plc) else {
            return;
        };
        client.returns = false;
        let Some(placed) = &client.placed else { return };
        let request = Request::Download {
            format: Some(PROGRAM_FORMAT.into()),
            document: crate::session::piplc::document(&placed.program).as_ref().into(),
        };
        self.engine_ask(plc, What::PutBack, &request);
        self.engine_upload(plc, true);
    }

    /// The engine has answered what was put back.
    pub(super) fn engine_took_back(&mut self, plc: PlcId, reply: &ServerReply) {
        let Some(client) = self.engine_clients.get_mut(&plc) else {
            return;
        };
        if !reply.success {
            let error = reply.error.as_deref().unwrap_or("without a reason");
            let text = format!("the engine does not take back the program that was downloaded here: {error}");
            client.reservation = Some(Reservation::Program(text));
            return;
        }
        client.just_placed = true;
        client.reservation = Some(Reservation::NotStarted);
        self.feed_again(plc);
    }
}
