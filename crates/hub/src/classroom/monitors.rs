//! What monitors are told, and when (SI-10 to SI-14, SI-22).
//!
//! A monitor is owed the state as it is, never what it was: a change marks the class as changed, and what is sent is written
//! from the class as it stands then. So a monitor that does not read has nothing to catch up with but one state.

use crate::api::Refused;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::{Class, Frame, Output};
use crate::time::Time;
use crate::timers::Alarm;
use bytes::Bytes;
use crosstie_wire::frame::FrameBuilder;
use crosstie_wire::monitor as wire;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// The shortest time between two states: at most 20 a second (SI-12).
const STATE_EVERY: Duration = Duration::from_millis(50);
/// Bytes of what `screen_control` may name. A longer one is refused: it is kept for monitors that come later.
const SCREEN_LEN_MAX: usize = 16 << 10;

/// One monitor.
#[derive(Debug, Default)]
pub(crate) struct MonitorSession {
    /// The state that it was told last.
    told: Bytes,
    /// It is to be told the state when it reads again.
    owes_state: bool,
    /// The same for what screens show.
    owes_screen: bool,
    /// It was told the settings of a model (SI-10).
    has_settings: bool,
    /// The last refusal that was logged for it.
    pub(crate) refused: Option<String>,
}

/// What monitors have been told.
#[derive(Debug, Default)]
pub(crate) struct Monitors {
    sessions: BTreeMap<ConnId, MonitorSession>,
    /// Something has changed since the last state.
    is_changed: bool,
    /// A request is to be answered by a state, also by the same again.
    is_asked: bool,
    sent_at: Option<Time>,
    alarm: Option<Time>,
    /// What monitors were told to show last (SI-22).
    screen: Option<Value>,
}

impl Monitors {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// What they show; `None` until somebody has said it.
    pub(crate) fn screen(&self) -> Option<&Value> {
        self.screen.as_ref()
    }

    pub(crate) fn arrive(&mut self, conn: ConnId) {
        self.sessions.insert(conn, MonitorSession::default());
    }

    pub(crate) fn leave(&mut self, conn: ConnId) -> bool {
        self.sessions.remove(&conn).is_some()
    }

    pub(crate) fn session(&mut self, conn: ConnId) -> Option<&mut MonitorSession> {
        self.sessions.get_mut(&conn)
    }

    fn conns(&self) -> Vec<ConnId> {
        self.sessions.keys().copied().collect()
    }
}

impl Hub {
    /// Something that a monitor, the page or a signal shows has changed. Cheap; call it as often as anything changes.
    pub(crate) fn class_changed(&mut self) {
        if let Some(class) = &mut self.classroom {
            class.monitors.is_changed = true;
            class.signals.is_due = true;
        }
        self.wake_monitors();
        self.class_watches_changed();
    }

    /// A request that is answered by one state for all: the same again is sent too (SI-18, SI-20).
    pub(crate) fn state_is_asked(&mut self) {
        if let Some(class) = &mut self.classroom {
            class.monitors.is_asked = true;
        }
        self.wake_monitors();
    }

    /// The next state goes out at the end of this turn, or as soon as the last one is old enough (SI-12).
    fn wake_monitors(&mut self) {
        let now = self.now;
        let Some(class) = &mut self.classroom else { return };
        let monitors = &mut class.monitors;
        if monitors.alarm.is_some() || monitors.sessions.is_empty() {
            return;
        }
        let at = monitors.sent_at.map_or(now, |sent| now.max(sent + STATE_EVERY));
        monitors.alarm = Some(at);
        self.timers.set(at, Alarm::Monitors);
    }

    /// A state that was held back is due (SI-12).
    pub(crate) fn monitors_alarm(&mut self, at: Time) {
        let Some(class) = &mut self.classroom else { return };
        let monitors = &mut class.monitors;
        if monitors.alarm != Some(at) {
            return;
        }
        monitors.alarm = None;
        let is_asked = std::mem::take(&mut monitors.is_asked);
        if !std::mem::take(&mut monitors.is_changed) && !is_asked {
            return;
        }
        let conns = monitors.conns();
        let state = self.class_state();
        let mut has_sent = false;
        for conn in conns {
            has_sent |= self.tell_monitor(conn, &state, is_asked);
        }
        if let Some(class) = self.classroom.as_mut().filter(|_| has_sent) {
            class.monitors.sent_at = Some(self.now);
        }
    }

    /// Tells one monitor the state unless it knows it; one that does not read is told when it does. True when it was sent.
    fn tell_monitor(&mut self, conn: ConnId, state: &Bytes, is_asked: bool) -> bool {
        let Some(class) = &mut self.classroom else { return false };
        let Some(session) = class.monitors.sessions.get_mut(&conn) else {
            return false;
        };
        let Some(client) = self.clients.get_mut(&conn).filter(|client| !client.is_closing) else {
            return false;
        };
        if client.outlet.stuck_since().is_some() {
            session.owes_state |= is_asked || session.told != *state;
            return false;
        }
        if !is_asked && session.told == *state {
            return false;
        }
        session.owes_state = false;
        session.told = state.clone();
        client.counters.messages_out += 1;
        client.counters.bytes_out += state.len() as u64;
        self.outputs.push(Output::Send {
            conn,
            frame: Frame {
                bytes: state.clone(),
                class: Class::State,
            },
        });
        true
    }

    /// The whole frame of the state as it is (SI-11).
    fn class_state(&self) -> Bytes {
        let mut builder = FrameBuilder::with_capacity(1_024);
        if let Some(class) = &self.classroom {
            let players: Vec<_> = class.players.seats().map(|seat| seat.state()).collect();
            wire::write_json_state(builder.buffer(), self.gama_state().as_ref(), &players);
        }
        crate::view::frame::into_bytes(builder)
    }

    /// A new monitor: the state, the settings of the active model, and what screens show where somebody has said it (SI-10).
    pub(crate) fn greet_monitor(&mut self, conn: ConnId) {
        let state = self.class_state();
        self.tell_monitor(conn, &state, true);
        self.tell_settings(conn);
        self.tell_last_screen(conn);
    }

    fn tell_settings(&mut self, conn: ConnId) {
        let Some(class) = &mut self.classroom else { return };
        let Some(settings) = class.active_model().map(|model| model.settings.clone()) else {
            return;
        };
        if let Some(session) = class.monitors.session(conn) {
            session.has_settings = true;
        }
        self.send_text(conn, |out| out.extend_from_slice(settings.as_bytes()));
    }

    /// There are models: monitors that came before them get what they have missed (SI-10).
    pub(crate) fn settings_have_come(&mut self) {
        let Some(class) = &self.classroom else { return };
        let sessions = class.monitors.sessions.iter();
        let without = sessions.filter(|(_, session)| !session.has_settings);
        let without: Vec<ConnId> = without.map(|(conn, _)| *conn).collect();
        for conn in without {
            self.tell_settings(conn);
        }
    }

    /// A state could not be begun: it is written anew when the monitor reads again.
    pub(crate) fn state_unsent(&mut self, conn: ConnId) {
        let class = self.classroom.as_mut();
        if let Some(session) = class.and_then(|class| class.monitors.session(conn)) {
            session.owes_state = true;
        }
    }

    /// A monitor reads again: it is told the newest of what it has missed.
    pub(crate) fn monitor_writable(&mut self, conn: ConnId) {
        let class = self.classroom.as_mut();
        let Some(session) = class.and_then(|class| class.monitors.session(conn)) else {
            return;
        };
        let owes_state = std::mem::take(&mut session.owes_state);
        let owes_screen = std::mem::take(&mut session.owes_screen);
        if owes_state {
            let state = self.class_state();
            self.tell_monitor(conn, &state, true);
        }
        if owes_screen {
            self.tell_last_screen(conn);
        }
    }

    /// Tells one monitor what screens show; one that does not read is told the last that was set.
    fn tell_screen(&mut self, conn: ConnId, screen: Option<&Value>) {
        let client = self.clients.get(&conn);
        let is_stuck = client.is_some_and(|client| client.outlet.stuck_since().is_some());
        let class = self.classroom.as_mut();
        match class.and_then(|class| class.monitors.session(conn)) {
            Some(session) if is_stuck => session.owes_screen = true,
            Some(_) => self.send_text(conn, |out| wire::write_screen(out, screen)),
            None => {}
        }
    }

    /// The same with what was set last, where anything was.
    fn tell_last_screen(&mut self, conn: ConnId) {
        let screen = self.classroom.as_ref().and_then(|class| class.monitors.screen.clone());
        if screen.is_some() {
            self.tell_screen(conn, screen.as_ref());
        }
    }

    /// Switches what monitors show; all of them are told, the one that asks as well (SI-22).
    ///
    /// # Errors
    ///
    /// What is named is too long.
    pub(crate) fn set_screen(&mut self, display_type: Option<Value>) -> Result<(), Refused> {
        let len = display_type.as_ref().map_or(0, |value| value.to_string().len());
        if len > SCREEN_LEN_MAX {
            return Err(Refused::BadValue {
                name: String::from("display_type"),
                expected: format!("expected at most {SCREEN_LEN_MAX} bytes, got {len}"),
            });
        }
        let Some(class) = &mut self.classroom else {
            return Ok(());
        };
        if display_type.is_some() {
            class.monitors.screen.clone_from(&display_type);
        }
        let conns = class.monitors.conns();
        for conn in conns {
            self.tell_screen(conn, display_type.as_ref());
        }
        self.class_changed();
        Ok(())
    }

    /// Makes another model the one that a launch loads (SI-16).
    ///
    /// # Errors
    ///
    /// There is no model of this index.
    pub(crate) fn select_model(&mut self, index: usize) -> Result<(), Refused> {
        let Some(class) = &mut self.classroom else {
            return Ok(());
        };
        if index >= class.catalog.models.len() {
            return Err(Refused::NotFound {
                what: "model",
                name: index.to_string(),
            });
        }
        class.select(index);
        self.class_changed();
        Ok(())
    }
}
