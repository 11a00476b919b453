//! The client of one remote engine (PL-90): a context whose engine is elsewhere, behind PiPLC's protocol.
//!
//! ```text
//!   dial ─▶ hello ─▶ context found ─▶ subscribe ─▶ first snapshot: up ─▶ program, statistics, values of routes
//!   order ─▶ request ─▶ reply ─▶ answer          snapshot, event ─▶ entries ─▶ mirror, like those of an engine here
//! ```
//!
//! What the engine tells becomes the same entries that an engine of ours tells, so that signals, routes, pages and clients need
//! nothing of their own. A lost link is tried again for ever. Commands are executed now or not at all; values of routes are
//! state, and the newest of each place goes out when the link is back.
//!
//! | room | what it does |
//! |---|---|
//! | `state` | how the link stands, and what is due |
//! | `requests` | orders as requests of the protocol |
//! | `memory` | snapshots as entries, and what answers say of the memory |
//! | `program` | what the engine executes, and what of it came from here |
//! | `replies` | what the engine answers and tells |

mod memory;
mod program;
mod replies;
mod requests;
mod state;

use crate::api::plc::EngineLink;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::{Callee, Level, Output};
use crate::plc::PlcId;
use crate::plc::order::Order;
use crate::plc::orders::{Effect, OrderError};
use crate::settings::RemoteSettings;
use crate::signal::{Quality, Value, Writer};
use crate::time::Time;
use crate::timers::Alarm;
use crosstie_ladder::address::Address;
use crosstie_ladder::controller::Command;
use crosstie_ladder::data_table::CellValue;
use crosstie_wire::piplc::{self as wire, Dialect, Hello, Request};
pub(crate) use state::EngineClient;
use state::{Due, Phase, What};

/// How the hub calls itself to an engine.
const CLIENT_NAME: &str = "Crosstie";
/// The generation of the protocol that the hub speaks as a client.
const CLIENT_VERSION: &str = "0.2.0";
/// The number of requests that write what routes say: nobody waits for their answers.
const FEED_SEQ: i32 = 0;

impl Hub {
    /// A context has its engine elsewhere: the first attempt is due at once.
    pub(crate) fn begin_engine_client(&mut self, plc: PlcId, settings: RemoteSettings) {
        self.engine_clients.insert(plc, EngineClient::new(settings));
        self.engine_moved(plc);
    }

    /// The context is removed: the connection ends, the engine stays as it is.
    pub(crate) fn end_engine_client(&mut self, plc: PlcId) {
        let Some(client) = self.engine_clients.remove(&plc) else {
            return;
        };
        if client.dial.is_some() {
            self.outputs.push(Output::HangUp {
                callee: Callee::Engine(plc),
            });
        }
        if let Some(conn) = client.conn {
            self.close(conn, 1001, "the context is removed");
        }
    }

    /// The engine of this context is elsewhere.
    pub(crate) fn is_remote(&self, plc: PlcId) -> bool {
        self.engine_clients.contains_key(&plc)
    }

    /// How the link to the engine of a context stands; `None` where the engine is here.
    pub(crate) fn engine_link(&self, plc: PlcId) -> Option<EngineLink> {
        self.engine_clients.get(&plc).map(|client| client.row(self.now))
    }

    /// Why nothing can be asked of the engine of a context now; `None` where it can.
    pub(crate) fn engine_down(&self, plc: PlcId) -> Option<String> {
        let client = self.engine_clients.get(&plc)?;
        (!client.is_up()).then(|| client.down_text())
    }

    /// Why the engine of a context cannot be written at an address; `None` where it can.
    pub(crate) fn engine_cannot_write(&self, plc: PlcId, address: Address, value: CellValue) -> Option<String> {
        let client = self.engine_clients.get(&plc)?;
        if !client.is_up() {
            return Some(client.down_text());
        }
        let context = self.plcs.get(plc)?;
        requests::write(context, client.dialect, address, value).err()
    }

    // The connection.

    fn engine_dial(&mut self, plc: PlcId) {
        self.last_dial += 1;
        let dial = self.last_dial;
        let Some(client) = self.engine_clients.get_mut(&plc) else {
            return;
        };
        client.dialled(dial);
        self.outputs.push(Output::Dial {
            callee: Callee::Engine(plc),
            dial,
        });
    }

    /// A dial did not come about.
    pub(crate) fn engine_dial_failed(&mut self, plc: PlcId, dial: u64, reason: &str) {
        let awaits = |client: &EngineClient| client.dial == Some(dial);
        if self.engine_clients.get(&plc).is_some_and(awaits) {
            self.engine_failed(plc, reason);
        }
    }

    /// A connection to an engine has come about; one that nobody waits for is closed.
    pub(crate) fn engine_connected(&mut self, conn: ConnId, plc: PlcId) {
        let now = self.now;
        let name = self.plcs.get(plc).map(|context| context.settings.name.clone());
        let client = self.engine_clients.get_mut(&plc);
        let Some(client) = client.filter(|client| client.phase == Phase::Dialling && client.conn.is_none()) else {
            self.close(conn, 1001, "not wanted");
            return;
        };
        client.connected(now, conn);
        let text = format!("connected to the engine at {}", client.settings.url);
        self.log(Level::Info, Some(conn), text);
        if let Some(client) = self.clients.get_mut(&conn) {
            client.name = format!("engine of {}", name.unwrap_or_default());
        }
        let hello = Hello {
            protocol_version: Some(wire::VERSION),
            client_name: Some(CLIENT_NAME.into()),
            client_version: Some(CLIENT_VERSION.into()),
        };
        self.engine_ask(plc, What::Hello, &Request::Hello(hello));
        self.engine_moved(plc);
    }

    /// A connection to an engine is over, by whoever.
    pub(crate) fn engine_closed(&mut self, conn: ConnId, plc: PlcId, reason: &str) {
        if self.is_engine_at(plc, conn) {
            self.engine_failed(plc, reason);
        }
    }

    fn is_engine_at(&self, plc: PlcId, conn: ConnId) -> bool {
        let client = self.engine_clients.get(&plc);
        client.is_some_and(|client| client.conn == Some(conn))
    }

    /// The attempt or the connection has failed: nothing that came over it is believed, nobody waits for an answer any more.
    fn engine_failed(&mut self, plc: PlcId, reason: &str) {
        let now = self.now;
        let Some(client) = self.engine_clients.get_mut(&plc) else {
            return;
        };
        let conn = client.conn;
        let orders = client.failed(now, reason);
        if let Some(context) = self.plcs.get_mut(plc) {
            context.is_lost = true;
        }
        self.show_border(plc);
        self.show_state(plc);
        if let Some(conn) = conn {
            self.close(conn, 1000, "reconnecting");
        }
        let lost = || OrderError::Remote(format!("link lost: {reason}"));
        for number in orders {
            self.plc_answer(number, Err(lost()));
        }
        self.engine_moved(plc);
    }

    // Asking.

    /// Sends a request whose answer is waited for.
    fn engine_ask(&mut self, plc: PlcId, what: What, request: &Request) {
        let now = self.now;
        let Some(client) = self.engine_clients.get_mut(&plc) else {
            return;
        };
        let seq = client.awaits(now, what);
        self.engine_send(plc, seq, request);
    }

    fn engine_send(&mut self, plc: PlcId, seq: i32, request: &Request) {
        let Some(client) = self.engine_clients.get(&plc) else {
            return;
        };
        let (Some(conn), dialect, id) = (client.conn, client.dialect, client.context.clone()) else {
            return;
        };
        let mut text = Vec::with_capacity(128);
        // Places without a spelling were refused when the request was made.
        if wire::write_request(&mut text, dialect, seq, id.as_deref(), request).is_ok() {
            self.send_text(conn, |out| out.extend_from_slice(&text));
        }
    }

    /// An order as requests, or why there is none; empty for what a remote engine need not be told.
    pub(crate) fn engine_request(
        &self,
        plc: PlcId,
        order: &Order,
        effect: &Effect,
    ) -> Result<Vec<Request>, OrderError> {
        let (Some(client), Some(context)) = (self.engine_clients.get(&plc), self.plcs.get(plc)) else {
            return Err(OrderError::Gone);
        };
        // The hub's own: power flow is not part of the protocol, and settings belong to the engine.
        if matches!(order, Order::RecordPower(_) | Order::TellPower | Order::Settings(_)) {
            return Ok(Vec::new());
        }
        if !client.is_up() {
            return Err(OrderError::Remote(client.down_text()));
        }
        requests::requests(context, client.dialect, order, effect).map_err(OrderError::Remote)
    }

    /// Hands an order that has its number to the engine.
    pub(crate) fn engine_order(&mut self, plc: PlcId, number: u64, order: &Order, requests: &[Request]) {
        let Some(client) = self.engine_clients.get_mut(&plc) else {
            return;
        };
        let is_old = client.dialect == Dialect::V01;
        let (Some((request, first)), Some(context)) = (requests.split_last(), self.plcs.get(plc)) else {
            return;
        };
        let done = requests::done(context, order);
        // The last of them answers for all; what is wrong with one before it is a problem of its own.
        for request in first {
            self.engine_send(plc, FEED_SEQ, request);
        }
        let Some(client) = self.engine_clients.get_mut(&plc) else {
            return;
        };
        match order {
            // compat: PL-9, the old generation answers no write: a question behind it tells that it was read.
            Order::Write { .. } | Order::WriteAll(_) | Order::Toggle { .. } if is_old => {
                self.engine_send(plc, FEED_SEQ, request);
                self.engine_ask(plc, What::Order { number, done }, &Request::State);
            }
            // It does not tell the state that a command leads to either.
            Order::Command(_) if is_old => {
                let state_seq = client.next_seq_after(1);
                self.engine_ask(plc, What::Command { number, state_seq }, request);
                self.engine_ask(plc, What::Order { number, done }, &Request::State);
            }
            Order::Load(_) => {
                self.engine_ask(plc, What::Order { number, done }, request);
                self.engine_upload(plc, true);
            }
            Order::ClearProgram => {
                client.forget_placed();
                self.engine_ask(plc, What::Order { number, done }, request);
                self.engine_wants_program(plc);
            }
            _ => self.engine_ask(plc, What::Order { number, done }, request),
        }
        if matches!(order, Order::Command(Command::Start))
            && let Some(client) = self.engine_clients.get_mut(&plc)
        {
            client.note_started();
        }
        self.engine_moved(plc);
    }

    /// A route says a value: it goes out now, or `false` tells that it has to wait for the link.
    pub(crate) fn engine_feed(&mut self, plc: PlcId, address: Address, value: CellValue) -> bool {
        let (Some(client), Some(context)) = (self.engine_clients.get(&plc), self.plcs.get(plc)) else {
            return true;
        };
        let conn = client.conn.filter(|_| client.is_up());
        let Some(peer) = conn.and_then(|conn| self.clients.get(&conn)) else {
            return false;
        };
        if peer.outlet.stuck_since().is_some() {
            return false;
        }
        match requests::write(context, client.dialect, address, value) {
            Ok(request) => self.engine_send(plc, FEED_SEQ, &request),
            Err(reason) => self.engine_takes_no_feed(plc, format!("a route ends at {address}: {reason}")),
        }
        true
    }

    fn engine_takes_no_feed(&mut self, plc: PlcId, text: String) {
        let hint = "end the route at a bit of B or a word of N that the program of the engine reads";
        self.plc_trouble(plc, (false, "feeds"), text, hint);
    }

    // Time.

    /// Something is due on the link to an engine.
    pub(crate) fn engine_alarm(&mut self, plc: PlcId, at: Time) {
        let now = self.now;
        match self.engine_clients.get_mut(&plc) {
            Some(client) if client.alarm == Some(at) => client.alarm = None,
            _ => return,
        }
        loop {
            let Some(client) = self.engine_clients.get_mut(&plc) else {
                return;
            };
            let peer = client.conn.and_then(|conn| self.clients.get(&conn));
            // What kept the hub from listening is not the engine's silence.
            let judged_from = peer.map_or(Time::ZERO, |peer| peer.judged_from);
            match client.take_due(now, judged_from) {
                None => break,
                Some(Due::Dial) => self.engine_dial(plc),
                Some(Due::Upload) => self.engine_upload(plc, false),
                Some(Due::Failed(reason)) => self.engine_failed(plc, &reason),
                Some(Due::Unanswered(number)) => self.plc_answer(number, Err(OrderError::NoAnswer)),
                Some(Due::UploadUnanswered) => self.engine_keeps_program(plc, "it does not answer"),
            }
        }
        self.engine_moved(plc);
    }

    /// The link may stand otherwise: shows it, says so where people look, and sets the alarm.
    fn engine_moved(&mut self, plc: PlcId) {
        let now = self.now;
        let Some(client) = self.engine_clients.get_mut(&plc) else {
            return;
        };
        if let Some(at) = client.next_due()
            && client.alarm.is_none_or(|alarm| alarm > at)
        {
            client.alarm = Some(at);
            self.timers.set(at, Alarm::Engine(plc));
        }
        let (color, reason) = client.color();
        let shown = (color, reason.map(str::to_owned));
        if client.shown.as_ref() == Some(&shown) {
            return;
        }
        client.shown = Some(shown.clone());
        let url = client.settings.url.clone();
        let (color, reason) = shown;
        let text = match &reason {
            Some(reason) => format!("{}: {reason}", color.word()),
            None => String::from(color.word()),
        };
        let signal = self.plcs.get(plc).and_then(|context| context.tags.signals?.link);
        if let Some(id) = signal {
            self.ledger
                .store(now, id, Value::Text(text.into()), Writer::Nobody, Quality::Good);
        }
        self.engine_problem(plc, color, reason, &url);
    }

    fn engine_problem(&mut self, plc: PlcId, color: crate::api::plc::LinkColor, reason: Option<String>, url: &str) {
        use crate::api::plc::LinkColor;
        match (color, reason) {
            (LinkColor::Red, reason) => {
                let reason = reason.unwrap_or_default();
                let hint = format!("it is tried again by itself; check that a PiPLC engine runs at {url}");
                self.plc_trouble(
                    plc,
                    (true, "link"),
                    format!("the link to the engine is down: {reason}"),
                    &hint,
                );
            }
            (LinkColor::Yellow, Some(reason)) if self.engine_down(plc).is_none() => {
                let hint = "look at the program and the state of the context";
                self.plc_trouble(plc, (false, "link"), reason, hint);
            }
            (LinkColor::Green, _) => self.end_plc_trouble(plc, "link"),
            (LinkColor::Yellow, _) => {}
        }
    }
}
