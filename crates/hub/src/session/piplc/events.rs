//! What clients are told unasked (PL-7, PL-8), and whether they still live.

use super::replies::{engine_state, frame, scan_stats};
use super::{Session, Turn};
use crate::hub::Hub;
use crate::input::ConnId;
use crate::plc::PlcId;
use crate::time::Time;
use crate::timers::Alarm;
use bytes::Bytes;
use crosstie_ladder::controller::{ControllerState, Event as Happened};
use crosstie_ladder::fault::Fault;
use crosstie_wire::piplc::{self as wire, Dialect, Event};
use std::time::Duration;

/// How often a client is asked for a sign of life (PL-7).
const PING_EVERY: Duration = Duration::from_secs(30);
/// A client without a `pong` for so long is closed (PL-7).
const SILENCE_MAX: Duration = Duration::from_secs(90);
/// Statistics of a running engine are told at most so often (PL-8).
const STATISTICS_EVERY: Duration = Duration::from_millis(100);

impl Hub {
    /// A client has said hello: from now on it is told what happens, and asked for signs of life.
    pub(super) fn piplc_greeted(&mut self, conn: ConnId) {
        let now = self.now;
        let Some(session) = self.piplc.sessions.get_mut(&conn) else {
            return;
        };
        session.last_pong = now;
        if session.next_ping <= now {
            session.next_ping = now + PING_EVERY;
            self.timers.set(session.next_ping, Alarm::Piplc(conn));
        }
    }

    /// A client is asked for a sign of life, or has given none for too long.
    pub(crate) fn piplc_alarm(&mut self, conn: ConnId, at: Time) {
        let now = self.now;
        let (Some(session), Some(client)) = (self.piplc.sessions.get_mut(&conn), self.clients.get(&conn)) else {
            return;
        };
        if session.next_ping != at {
            return;
        }
        while session.next_ping <= now {
            session.next_ping = session.next_ping + PING_EVERY;
        }
        self.timers.set(session.next_ping, Alarm::Piplc(conn));
        if client.outlet.stuck_since().is_some() {
            // It can neither hear nor answer; how long that may last is decided for all connections alike.
            return;
        }
        if now.since(session.last_pong.max(client.judged_from)) >= SILENCE_MAX {
            self.close(conn, 1000, "no pong");
            return;
        }
        let bytes = event_frame(session.dialect, None, &Event::Ping);
        self.piplc_tell(conn, bytes);
    }

    /// The socket of a client takes bytes again: it could not answer before.
    pub(crate) fn piplc_writable(&mut self, conn: ConnId) {
        if let Some(session) = self.piplc.sessions.get_mut(&conn) {
            session.last_pong = self.now;
        }
    }

    /// The hub is about to end: clients are told, and their connections end (PL-7).
    pub(crate) fn piplc_shuts_down(&mut self) {
        let event = Event::Disconnecting {
            reason: "Server shutting down".into(),
        };
        self.piplc_tell_all(None, &event);
        let conns: Vec<ConnId> = self.piplc.sessions.keys().copied().collect();
        for conn in conns {
            self.close(conn, 1000, "server shutting down");
        }
    }

    /// Something has happened in an engine.
    pub(crate) fn piplc_happened(&mut self, plc: PlcId, happened: Happened) {
        let event = match happened {
            Happened::StateChanged(state) => Event::StateChanged {
                state: engine_state(state),
            },
            Happened::Fault(fault) => {
                let (rung_index, column) = match fault {
                    Fault::Instruction { rung, column, .. } => (Some(rung), Some(column)),
                    Fault::StaleInput { .. } | Fault::DeviceLost { .. } | Fault::Watchdog { .. } => (None, None),
                };
                Event::Fault {
                    message: fault.to_string().into(),
                    rung_index,
                    column,
                }
            }
            Happened::BreakpointHit { rung } => Event::BreakpointHit {
                rung_index: rung as u32,
            },
        };
        self.piplc_tell_all(Some(plc), &event);
    }

    /// A remote engine is in fault, in its own words.
    pub(crate) fn plc_fault_told(&mut self, plc: PlcId, message: &str, rung_index: Option<u32>, column: Option<u32>) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        context.fault = Some(message.to_owned());
        self.show_state(plc);
        self.plc_failed(plc, message.to_owned());
        let event = Event::Fault {
            message: message.into(),
            rung_index,
            column,
        };
        self.piplc_tell_all(Some(plc), &event);
    }

    /// An engine has told its statistics. Those of a running one are told ten times a second; what ends a run, or a step, is
    /// always told.
    pub(crate) fn piplc_statistics(&mut self, plc: PlcId) {
        let Some(context) = self.plcs.get(plc) else { return };
        let next = self.piplc.next_statistics.entry(plc).or_default();
        if context.state == ControllerState::Running && self.now < *next {
            return;
        }
        *next = self.now + STATISTICS_EVERY;
        let event = Event::ScanStats(scan_stats(context));
        self.piplc_tell_all(Some(plc), &event);
    }

    /// Tells all clients that have said hello and see the context.
    pub(super) fn piplc_tell_all(&mut self, plc: Option<PlcId>, event: &Event) {
        if self.piplc.sessions.is_empty() {
            return;
        }
        let context = plc.and_then(|plc| self.plcs.get(plc));
        let id = context.map(|context| context.settings.id.as_str());
        let hears = |(_, session): &(&ConnId, &Session)| {
            let access = session.actor.as_ref().map(|actor| &actor.access);
            access.is_some_and(|access| context.is_none_or(|context| super::sees(access, context)))
        };
        let told: Vec<(ConnId, Dialect)> = self
            .piplc
            .sessions
            .iter()
            .filter(hears)
            .map(|(conn, session)| (*conn, session.dialect))
            .collect();
        let mut frames: [Option<Bytes>; 2] = [None, None];
        let mut made = Vec::with_capacity(told.len());
        for (conn, dialect) in told {
            let frame = frames[dialect as usize].get_or_insert_with(|| event_frame(dialect, id, event));
            made.push((conn, frame.clone()));
        }
        for (conn, frame) in made {
            self.piplc_tell(conn, frame);
        }
    }

    /// Sends an event; where a reply is ready and waits for its turn, the event comes after it (PL-4).
    pub(super) fn piplc_tell(&mut self, conn: ConnId, bytes: Bytes) {
        let Some(session) = self.piplc.sessions.get_mut(&conn) else {
            return;
        };
        let ready = session.turns.iter().rposition(|turn| matches!(turn, Turn::Ready(_)));
        match ready {
            Some(index) => session.turns.insert(index + 1, Turn::Ready(bytes)),
            None => self.send(conn, bytes),
        }
    }
}

/// An event as a frame.
pub(super) fn event_frame(dialect: Dialect, context_id: Option<&str>, event: &Event) -> Bytes {
    frame(|out| wire::write_event(out, dialect, context_id, event))
}
