//! Clients of the PLC engines, such as PiPLC's editor (PL-1 to PL-21).
//!
//! ```text
//!   request ─▶ turn ─▶ plc_act ─▶ engine ─▶ answer ─▶ reply, in the order of the requests ─▶ events
//! ```
//!
//! Every request takes a turn. What an engine has to do goes out at once, so that many writes meet one border; everything else
//! waits until all turns before it are over, because it is answered from what the hub knows then. Replies leave in the order
//! of the requests (PL-4).
//!
//! | room | what it does |
//! |---|---|
//! | `requests` | what a request means |
//! | `replies` | what is answered |
//! | `places` | addresses and symbols of requests |
//! | `events` | what clients are told unasked, signs of life |
//! | `snapshots` | streams of the memory |
//! | `table` | routes between contexts |

mod events;
mod places;
mod replies;
mod requests;
mod snapshots;
mod table;

use crate::access::{Access, Actor};
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::Level;
use crate::plc::context::Context;
use crate::plc::orders::{Asked, OrderError};
use crate::plc::{PlcId, Program};
use crate::rights;
use crate::settings::PiplcSettings;
use crate::time::Time;
use bytes::Bytes;
use crosstie_ladder::diagnostic::Diagnostic;
use crosstie_wire::DecodeError;
use crosstie_wire::piplc::{Dialect, Envelope, Request, RequestError, RequestKind};
pub(crate) use replies::document;
use replies::{Front, Waited};
use snapshots::Snapshots;
pub(crate) use snapshots::StreamKey;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
pub(crate) use table::RouteTable;

/// Orders of one client that engines have not answered. A further request waits for one of them.
const ORDERS_MAX: usize = 64;
/// Bytes of the requests of one client that wait for their turn. More closes the connection with 1008 "answer pending".
const WAITING_BYTES_MAX: usize = 32 << 20;
/// Bytes of the name of a client that are kept; the rest is cut.
const CLIENT_NAME_MAX: usize = 256;

/// What the hub knows of the clients of its engines.
#[derive(Debug)]
pub(crate) struct Piplc {
    pub(crate) settings: PiplcSettings,
    /// In the order in which they came, which is the order in which they are told.
    sessions: BTreeMap<ConnId, Session>,
    snapshots: Snapshots,
    pub(crate) table: RouteTable,
    /// When the statistics of a context may be told again.
    next_statistics: BTreeMap<PlcId, Time>,
}

/// One client.
#[derive(Debug)]
struct Session {
    dialect: Dialect,
    /// Who acts, by key and by the name of the client; `None` before its hello.
    actor: Option<Actor>,
    turns: VecDeque<Turn>,
    last_turn: u64,
    /// Bytes of the turns that have not begun.
    waiting_bytes: usize,
    /// Turns are being taken further up in the same call.
    is_advancing: bool,
    /// Its last `pong`, or what counts as one: its hello, the moment in which its socket took bytes again.
    last_pong: Time,
    next_ping: Time,
    streams: Vec<(PlcId, StreamKey)>,
}

/// One request, from its arrival to its reply.
#[derive(Debug)]
enum Turn {
    /// It begins when those before it are over.
    Waits(Box<Work>),
    /// Engines work on it.
    Asked {
        turn: u64,
        /// Orders that are not answered.
        left: usize,
        waited: Box<Waited>,
    },
    /// It can go out.
    Ready(Bytes),
}

/// A request that has not begun.
#[derive(Debug)]
struct Work {
    message: Result<Envelope, RequestError>,
    program: Option<Result<Arc<Program>, Vec<Diagnostic>>>,
    bytes: usize,
}

impl Piplc {
    pub(crate) fn new(settings: PiplcSettings) -> Piplc {
        Piplc {
            settings,
            sessions: BTreeMap::new(),
            snapshots: Snapshots::default(),
            table: RouteTable::default(),
            next_statistics: BTreeMap::new(),
        }
    }
}

impl Session {
    fn orders(&self) -> usize {
        let orders = |turn: &Turn| match turn {
            Turn::Asked { left, .. } => *left,
            Turn::Waits(_) | Turn::Ready(_) => 0,
        };
        self.turns.iter().map(orders).sum()
    }

    /// Whether a request may begin while so many turns are before it: those are all on their way, and it is for an engine as
    /// well.
    fn may_begin(&self, work: &Work, before: usize) -> bool {
        let is_order = work.message.as_ref().is_ok_and(|envelope| is_order(&envelope.request));
        let is_held = self.turns.range(..before).any(|turn| match turn {
            Turn::Waits(_) => true,
            Turn::Asked { waited, .. } => waited.changes_what_follows(),
            Turn::Ready(_) => false,
        });
        before == 0 || is_order && !is_held && self.orders() < ORDERS_MAX
    }

    /// The first turn that waits, when it may begin.
    fn next_to_begin(&self) -> Option<usize> {
        let index = self.turns.iter().position(|turn| matches!(turn, Turn::Waits(_)))?;
        let Some(Turn::Waits(work)) = self.turns.get(index) else {
            return None;
        };
        self.may_begin(work, index).then_some(index)
    }
}

/// Whether a request is executed by an engine and depends on nothing that an order before it may change in the hub.
fn is_order(request: &Request) -> bool {
    matches!(
        request.kind(),
        RequestKind::Engine(_)
            | RequestKind::ForceBit
            | RequestKind::UnforceBit
            | RequestKind::ClearAllForces
            | RequestKind::WriteBit
            | RequestKind::WriteInteger
            | RequestKind::WriteTimer
            | RequestKind::WriteCounter
            | RequestKind::SetBreakpoint
            | RequestKind::RemoveBreakpoint
            | RequestKind::ClearAllBreakpoints
    )
}

impl Hub {
    pub(crate) fn piplc_connected(&mut self, conn: ConnId) {
        let session = Session {
            dialect: Dialect::default(),
            actor: None,
            turns: VecDeque::new(),
            last_turn: 0,
            waiting_bytes: 0,
            is_advancing: false,
            last_pong: self.now,
            next_ping: self.now,
            streams: Vec::new(),
        };
        self.piplc.sessions.insert(conn, session);
    }

    /// A connection is gone, or is being closed.
    pub(crate) fn piplc_left(&mut self, conn: ConnId) {
        if let Some(session) = self.piplc.sessions.remove(&conn) {
            for (_, key) in session.streams {
                self.piplc.snapshots.leave(key, conn);
            }
        }
    }

    /// One text of a client.
    pub(crate) fn piplc(
        &mut self,
        conn: ConnId,
        message: Result<Envelope, RequestError>,
        program: Option<Result<Arc<Program>, Vec<Diagnostic>>>,
        bytes: u32,
    ) {
        if let Err(error) = &message {
            self.piplc_complain(conn, error);
        }
        let Some(session) = self.piplc.sessions.get_mut(&conn) else {
            return;
        };
        let is_pong = message.as_ref().is_ok_and(|envelope| envelope.request == Request::Pong);
        if is_pong && session.actor.is_some() {
            session.last_pong = self.now;
            return;
        }
        let work = Work {
            message,
            program,
            bytes: bytes as usize,
        };
        if session.may_begin(&work, session.turns.len()) {
            let is_next = session.turns.is_empty();
            self.piplc_begin(conn, work, is_next);
            self.piplc_advance(conn);
            return;
        }
        session.waiting_bytes += work.bytes;
        session.turns.push_back(Turn::Waits(Box::new(work)));
        if session.turns.len() > self.limits.pending_messages_max || session.waiting_bytes > WAITING_BYTES_MAX {
            self.close(conn, 1008, "answer pending");
        }
    }

    /// Begins a turn: it is the next one to be answered, or joins those that are on their way.
    fn piplc_begin(&mut self, conn: ConnId, work: Work, is_next: bool) {
        let Some(session) = self.piplc.sessions.get(&conn) else {
            return;
        };
        let dialect = session.dialect;
        let is_known = session.actor.is_some();
        match work.message {
            Ok(Envelope {
                seq,
                request: Request::Hello(hello),
                ..
            }) => self.piplc_hello(conn, seq, &hello, is_next),
            Ok(envelope) if !is_known => {
                let front = Front::of(&envelope);
                self.piplc_refuse(conn, &front, replies::HANDSHAKE, is_next);
            }
            Err(error) if !is_known => {
                if let Some(seq) = error.reply_seq(dialect) {
                    self.piplc_answer_error(conn, &error, seq, replies::HANDSHAKE, is_next);
                }
            }
            Ok(envelope) => self.piplc_request(conn, envelope, work.program, is_next),
            Err(error) => {
                if let Some(seq) = error.reply_seq(dialect) {
                    let text = error.to_string();
                    self.piplc_answer_error(conn, &error, seq, &text, is_next);
                }
            }
        }
    }

    /// Takes turns as far as they go: what is ready goes out, what waited begins.
    fn piplc_advance(&mut self, conn: ConnId) {
        let Some(session) = self.piplc.sessions.get_mut(&conn) else {
            return;
        };
        if std::mem::replace(&mut session.is_advancing, true) {
            return;
        }
        while let Some(session) = self.piplc.sessions.get_mut(&conn) {
            if matches!(session.turns.front(), Some(Turn::Ready(_))) {
                if let Some(Turn::Ready(bytes)) = session.turns.pop_front() {
                    self.send(conn, bytes);
                }
                continue;
            }
            let Some(index) = session.next_to_begin() else { break };
            // What begins takes its place right behind those that are on their way.
            let rest = session.turns.split_off(index + 1);
            if let Some(Turn::Waits(work)) = session.turns.pop_back() {
                session.waiting_bytes -= work.bytes;
                self.piplc_begin(conn, *work, index == 0);
            }
            if let Some(session) = self.piplc.sessions.get_mut(&conn) {
                session.turns.extend(rest);
            }
        }
        if let Some(session) = self.piplc.sessions.get_mut(&conn) {
            session.is_advancing = false;
        }
    }

    /// A reply that needs nothing more: it goes out, or takes its place behind those before it.
    fn piplc_answer(&mut self, conn: ConnId, bytes: Bytes, is_next: bool) {
        if is_next {
            self.send(conn, bytes);
        } else if let Some(session) = self.piplc.sessions.get_mut(&conn) {
            session.turns.push_back(Turn::Ready(bytes));
        }
    }

    /// Opens a turn that is over when as many orders are answered; gives its number.
    fn piplc_wait(&mut self, conn: ConnId, waited: Waited, orders: usize) -> Option<u64> {
        let session = self.piplc.sessions.get_mut(&conn)?;
        session.last_turn += 1;
        let asked = Turn::Asked {
            turn: session.last_turn,
            left: orders,
            waited: Box::new(waited),
        };
        session.turns.push_back(asked);
        Some(session.last_turn)
    }

    /// An engine has answered an order of a turn, or will not.
    pub(crate) fn piplc_answered(&mut self, conn: ConnId, turn: u64, plc: PlcId, result: Result<(), OrderError>) {
        let Some(session) = self.piplc.sessions.get_mut(&conn) else {
            return;
        };
        let is_it = |asked: &Turn| matches!(asked, Turn::Asked { turn: number, .. } if *number == turn);
        let Some(index) = session.turns.iter().position(is_it) else {
            return;
        };
        let Turn::Asked { left, waited, .. } = &mut session.turns[index] else {
            return;
        };
        *left -= 1;
        if let Err(error) = result {
            waited.failed(&error);
        }
        if *left > 0 {
            return;
        }
        if let Some(config) = waited.take_to_open() {
            *left = 1;
            let by = session.actor.clone();
            self.plc_open_io(plc, config, by, Asked::Piplc { conn, turn });
            return;
        }
        // The reply says how things stand now, however long others before it still wait.
        let placeholder = Turn::Ready(Bytes::new());
        if let Turn::Asked { waited, .. } = std::mem::replace(&mut session.turns[index], placeholder) {
            let bytes = self.piplc_finish(conn, plc, *waited);
            let session = self.piplc.sessions.get_mut(&conn);
            if let Some(place) = session.and_then(|session| session.turns.get_mut(index)) {
                *place = Turn::Ready(bytes);
            }
        }
        self.piplc_advance(conn);
    }

    /// Counts a message that is none, and logs the first of its kind (PL-5).
    fn piplc_complain(&mut self, conn: ConnId, error: &RequestError) {
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        let said = match error.error {
            DecodeError::UnknownType { .. } => {
                client.counters.ignored.unknown_type += 1;
                &mut client.said.unknown_type
            }
            _ => {
                client.counters.ignored.malformed += 1;
                &mut client.said.malformed
            }
        };
        if !std::mem::replace(said, true) {
            self.log(
                Level::Warn,
                Some(conn),
                format!("got a message that is no request: {error}"),
            );
        }
    }
}

/// Whether somebody sees a context: all of its memory, because a snapshot shows all of it.
fn sees(access: &Access, context: &Context) -> bool {
    rights::check_memory(access, context).is_ok()
}

/// The rights of a connection under the name that its client gives itself.
fn actor(access: &Access, address: &str, client_name: &str) -> Actor {
    let mut named = access.clone();
    if !client_name.is_empty() {
        named.who = format!("{} ({client_name})", access.who).into();
    }
    Actor {
        access: Arc::new(named),
        from: address.into(),
    }
}
