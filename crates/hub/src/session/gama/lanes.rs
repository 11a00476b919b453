//! What is on its way to GAMA and what waits for that: one order of each kind, one wish per seat, and a bounded lane per player.
//! Nothing here sends.
//!
//! ```text
//!   orders      load, play, pause, …      one of each kind, never dropped, each with its time limit
//!   seats       create, remove            one per player; of what is wished meanwhile the last counts
//!   players     asks, expressions         some at GAMA, some waiting, the oldest of those goes
//!   the hub's   watches, writes, API      one of each
//! ```
//!
//! An answer is matched by the number that it brings back, else by its kind and text, the oldest first (GA-4): where it is
//! given to the wrong one of two that say the same, both are counted right all the same.

use crate::classroom::experiment::table::{Command, Stage};
use crate::output::Ticket;
use crate::time::Time;
use crosstie_wire::gama::{Control, Echoed, gaml};
use crosstie_wire::headset::Ask;
use rustc_hash::{FxHashMap, FxHasher};
use std::collections::{BTreeMap, VecDeque};
use std::hash::Hasher;
use std::time::Duration;

/// A command without an answer for so long has failed (GA-10).
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(10);
/// The same for `load`: a large model is compiled and initialised before the answer.
pub(crate) const LOAD_MAX: Duration = Duration::from_secs(120);
/// Asks and expressions of one player that may be at GAMA unanswered. Further ones wait here, so that one player who asks
/// faster than GAMA works delays the others by so many at most.
pub(crate) const AT_GAMA_MAX: usize = 16;
/// The same of all players. More would only wait at GAMA instead of here, where the newest can be kept.
pub(crate) const ALL_AT_GAMA_MAX: usize = 512;
/// Asks and expressions of one player that wait here. One more, and the oldest is dropped and counted.
pub(crate) const WAITING_MAX: usize = 32;
/// Bytes of them. Same effect; the newest is kept whatever its size.
pub(crate) const WAITING_BYTES_MAX: usize = 256 * 1024;
/// Answers to expressions and asks that are waited for at all, those of experiments that are gone among them. Beyond it the
/// oldest is not waited for any more.
const AWAITED_MAX: usize = 8_192;
/// Evaluations for the API that may be unanswered. One more is refused.
pub(crate) const EVALUATIONS_MAX: usize = 8;

/// What is wished for a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Create,
    Remove,
}

impl Wish {
    /// The expression that fulfils it.
    pub(crate) fn expr(self, id: &str) -> String {
        match self {
            Wish::Create => gaml::create_player(id),
            Wish::Remove => gaml::remove_player(id),
        }
    }

    /// The action, for people.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Wish::Create => "create_player",
            Wish::Remove => "remove_player",
        }
    }
}

/// What a player says.
#[derive(Clone, Debug)]
pub(crate) enum Speech {
    /// GAML with the player's id in it.
    Expression(String),
    Ask(Ask),
}

impl Speech {
    fn len(&self) -> usize {
        match self {
            Speech::Expression(expr) => expr.len(),
            Speech::Ask(ask) => ask.text.len(),
        }
    }

    fn key(&self) -> Key {
        match self {
            Speech::Expression(expr) => Key::expression(expr),
            Speech::Ask(ask) => Key::ask(&ask.action),
        }
    }
}

/// What an answer brings back of an expression or an ask, short enough to be kept by the thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u64);

impl Key {
    pub(crate) fn expression(expr: &str) -> Key {
        Key::of(0, expr)
    }

    fn ask(action: &str) -> Key {
        Key::of(1, action)
    }

    fn of(kind: u8, text: &str) -> Key {
        let mut hasher = FxHasher::default();
        hasher.write_u8(kind);
        hasher.write(text.as_bytes());
        Key(hasher.finish())
    }
}

/// For whom an expression or an ask is at GAMA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum For {
    Seat(Box<str>, Wish),
    Player(Box<str>),
    Evaluation(Ticket),
    Watch(usize),
    Write(usize),
    /// Nobody any more: its experiment is gone.
    Nobody,
}

/// An expression or an ask at GAMA.
#[derive(Debug)]
struct Awaited {
    whom: For,
    key: Key,
    api_id: Option<u64>,
    sent_at: Time,
}

/// An order at GAMA.
#[derive(Debug)]
struct Ordered {
    command: Command,
    api_id: Option<u64>,
    sent_at: Time,
    is_answered: bool,
    has_effect: bool,
    /// Its experiment is gone: nobody waits for it any more, and its silence is no error.
    is_moot: bool,
}

impl Ordered {
    fn limit(&self) -> Duration {
        limit(self.command)
    }

    fn is_done(&self) -> bool {
        self.is_answered && self.has_effect
    }
}

/// How long a command may take (GA-10).
pub(crate) fn limit(command: Command) -> Duration {
    match command {
        Command::Load => LOAD_MAX,
        Command::Control(_) => ANSWER_MAX,
    }
}

/// What an answer belongs to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Order(Command),
    Other(For),
}

/// What has taken too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Late {
    /// No answer to a command.
    Answer(Command),
    /// An answer, but not the state that it should have led to.
    Effect(Command),
    Other(For),
}

#[derive(Debug, Default)]
struct Seat {
    at_gama: Option<Wish>,
    next: Option<Wish>,
}

#[derive(Debug, Default)]
struct Player {
    at_gama: usize,
    waiting: VecDeque<Speech>,
    waiting_bytes: usize,
    is_in_turn: bool,
    dropped: u64,
}

/// Everything that is on its way.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    orders: Vec<Ordered>,
    awaited: VecDeque<Awaited>,
    seats: BTreeMap<Box<str>, Seat>,
    players: FxHashMap<Box<str>, Player>,
    /// Players with something that may be sent, in turn.
    turns: VecDeque<Box<str>>,
    players_at_gama: usize,
    evaluations: usize,
}

impl Lanes {
    // Orders.

    /// A command is sent. GAMA that reports no states has no effects to wait for.
    pub(crate) fn order(&mut self, now: Time, command: Command, api_id: Option<u64>, reports: bool) {
        self.orders.push(Ordered {
            command,
            api_id,
            sent_at: now,
            is_answered: false,
            has_effect: !reports || !command.has_effect(),
            is_moot: false,
        });
    }

    /// A command of this kind is at GAMA.
    pub(crate) fn is_out(&self, command: Command) -> bool {
        self.orders.iter().any(|order| order.command == command)
    }

    /// The state that it leads to has not come.
    pub(crate) fn awaits_effect(&self, command: Command) -> bool {
        self.orders
            .iter()
            .any(|order| order.command == command && !order.has_effect)
    }

    /// Some command has not come to its end.
    pub(crate) fn is_busy(&self) -> bool {
        self.orders.iter().any(|order| !order.is_moot)
    }

    /// The command that was sent first of those that have not come to their end.
    pub(crate) fn first_order(&self) -> Option<Command> {
        let mut waited = self.orders.iter().filter(|order| !order.is_moot);
        waited.next().map(|order| order.command)
    }

    /// GAMA reports a state: commands may have come to their effect.
    pub(crate) fn effect(&mut self, from: Stage, to: Stage) {
        for order in &mut self.orders {
            order.has_effect |= order.command.leads_to(from, to);
        }
        self.orders.retain(|order| !order.is_done());
    }

    /// GAMA reports no states: what is answered is done.
    pub(crate) fn expect_no_effects(&mut self) {
        for order in &mut self.orders {
            order.has_effect = true;
        }
        self.orders.retain(|order| !order.is_done());
    }

    /// A reload has led to the state that was there before.
    pub(crate) fn settled(&mut self) {
        self.orders
            .retain(|order| order.command != Command::Control(Control::Reload) || !order.is_answered);
    }

    /// GAMA has refused a command: it has no effect.
    pub(crate) fn fail(&mut self, command: Command) {
        self.orders.retain(|order| order.command != command);
    }

    // Seats.

    /// Something is wished for a seat. Gives what is to be sent now: nothing while a wish for it is at GAMA; then the last wish
    /// counts when that is answered.
    pub(crate) fn wish(&mut self, id: &str, wish: Wish) -> Option<Wish> {
        let seat = self.seats.entry(id.into()).or_default();
        match seat.at_gama {
            Some(at_gama) => {
                seat.next = Some(wish).filter(|wish| *wish != at_gama);
                None
            }
            None => {
                seat.at_gama = Some(wish);
                Some(wish)
            }
        }
    }

    /// The wish for a seat has come to its end; gives the next one, which is to be sent now.
    pub(crate) fn wished(&mut self, id: &str) -> Option<Wish> {
        let seat = self.seats.get_mut(id)?;
        seat.at_gama = seat.next.take();
        let next = seat.at_gama;
        if next.is_none() {
            self.seats.remove(id);
        }
        next
    }

    // Players.

    /// A player says something; it waits for its turn.
    pub(crate) fn say(&mut self, id: &str, speech: Speech) {
        let player = self.players.entry(id.into()).or_default();
        player.waiting_bytes += speech.len();
        player.waiting.push_back(speech);
        while player.waiting.len() > 1
            && (player.waiting.len() > WAITING_MAX || player.waiting_bytes > WAITING_BYTES_MAX)
            && let Some(oldest) = player.waiting.pop_front()
        {
            player.waiting_bytes -= oldest.len();
            player.dropped += 1;
        }
        self.take_turn(id);
    }

    /// What a player says goes nowhere: there is nothing that could take it.
    pub(crate) fn refuse(&mut self, id: &str) {
        self.players.entry(id.into()).or_default().dropped += 1;
    }

    fn take_turn(&mut self, id: &str) {
        let Some(player) = self.players.get_mut(id) else { return };
        if !player.is_in_turn && player.at_gama < AT_GAMA_MAX && !player.waiting.is_empty() {
            player.is_in_turn = true;
            self.turns.push_back(id.into());
        }
    }

    /// What may be sent next, and whose it is.
    pub(crate) fn next_speech(&mut self) -> Option<(Box<str>, Speech)> {
        if self.players_at_gama >= ALL_AT_GAMA_MAX {
            return None;
        }
        while let Some(id) = self.turns.pop_front() {
            let Some(player) = self.players.get_mut(&id) else {
                continue;
            };
            player.is_in_turn = false;
            let Some(speech) = player.waiting.pop_front() else {
                continue;
            };
            player.waiting_bytes -= speech.len();
            player.at_gama += 1;
            self.players_at_gama += 1;
            self.take_turn(&id);
            return Some((id, speech));
        }
        None
    }

    /// How much of what a player has said was dropped.
    pub(crate) fn dropped(&self, id: &str) -> u64 {
        self.players.get(id).map_or(0, |player| player.dropped)
    }

    /// A player is gone for good.
    pub(crate) fn forget(&mut self, id: &str) {
        self.players.remove(id);
        for awaited in &mut self.awaited {
            if matches!(&awaited.whom, For::Player(player) if **player == *id) {
                awaited.whom = For::Nobody;
                self.players_at_gama -= 1;
            }
        }
    }

    // Answers.

    /// An evaluation more may be sent.
    pub(crate) fn takes_evaluation(&self) -> bool {
        self.evaluations < EVALUATIONS_MAX
    }

    /// An expression of the hub's own is sent.
    pub(crate) fn expect(&mut self, now: Time, whom: For, key: Key, api_id: Option<u64>) {
        if matches!(whom, For::Evaluation(_)) {
            self.evaluations += 1;
        }
        if self.awaited.len() >= AWAITED_MAX
            && let Some(oldest) = self.awaited.pop_front()
        {
            self.is_over(&oldest.whom);
        }
        self.awaited.push_back(Awaited {
            whom,
            key,
            api_id,
            sent_at: now,
        });
    }

    /// What a player says is sent.
    pub(crate) fn expect_speech(&mut self, now: Time, id: Box<str>, speech: &Speech, api_id: Option<u64>) {
        self.expect(now, For::Player(id), speech.key(), api_id);
    }

    /// Finds what an answer belongs to, and counts it as answered.
    pub(crate) fn answered(&mut self, echoed: &Echoed) -> Option<Owner> {
        if let Some(command) = Command::of(&echoed.kind) {
            let fits = |order: &&mut Ordered| {
                order.command == command && echoed.api_id.is_none_or(|api_id| order.api_id == Some(api_id))
            };
            let order = self.orders.iter_mut().find(fits)?;
            order.is_answered = true;
            self.orders.retain(|order| !order.is_done());
            return Some(Owner::Order(command));
        }
        let key = match (echoed.kind.as_str(), &echoed.expr, &echoed.action) {
            ("expression", Some(expr), _) => Key::expression(expr),
            ("ask", _, Some(action)) => Key::ask(action),
            _ => return None,
        };
        let fits = |awaited: &Awaited| match echoed.api_id {
            Some(api_id) => awaited.api_id == Some(api_id),
            None => awaited.key == key,
        };
        let position = self.awaited.iter().position(fits)?;
        let awaited = self.awaited.remove(position)?;
        self.is_over(&awaited.whom);
        Some(Owner::Other(awaited.whom))
    }

    fn is_over(&mut self, whom: &For) {
        match whom {
            For::Player(id) => {
                self.players_at_gama -= 1;
                if let Some(player) = self.players.get_mut(id) {
                    player.at_gama -= 1;
                }
                self.take_turn(&id.clone());
            }
            For::Evaluation(_) => self.evaluations -= 1,
            For::Seat(..) | For::Watch(_) | For::Write(_) | For::Nobody => {}
        }
    }

    // Time.

    /// When something takes too long, if nothing comes. A silence before `judged_from` is not GAMA's.
    pub(crate) fn next_late(&self, judged_from: Time) -> Option<Time> {
        let orders = self
            .orders
            .iter()
            .map(|order| order.sent_at.max(judged_from) + order.limit());
        let awaited = self.awaited.front();
        let awaited = awaited.map(|awaited| awaited.sent_at.max(judged_from) + ANSWER_MAX);
        orders.chain(awaited).min()
    }

    /// Takes one that has taken too long.
    pub(crate) fn take_late(&mut self, now: Time, judged_from: Time) -> Option<Late> {
        let is_late = |order: &Ordered| now >= order.sent_at.max(judged_from) + order.limit();
        if let Some(position) = self.orders.iter().position(is_late) {
            let order = self.orders.remove(position);
            if order.is_moot {
                return self.take_late(now, judged_from);
            }
            return Some(match order.is_answered {
                true => Late::Effect(order.command),
                false => Late::Answer(order.command),
            });
        }
        let oldest = self.awaited.front()?;
        if now < oldest.sent_at.max(judged_from) + ANSWER_MAX {
            return None;
        }
        let awaited = self.awaited.pop_front()?;
        self.is_over(&awaited.whom);
        Some(Late::Other(awaited.whom))
    }

    // Ends.

    /// The experiment is gone: nobody waits any more for what it was ordered to do. The orders stay at GAMA until they are answered
    /// or late, so that none of a kind is there twice.
    pub(crate) fn end_orders(&mut self) {
        for order in &mut self.orders {
            order.is_moot |= !matches!(order.command, Command::Load | Command::Control(Control::Stop));
        }
    }

    /// The experiment is gone: what players say in it is for nobody, and so are the answers that still come.
    pub(crate) fn dissolve(&mut self) {
        self.seats.clear();
        self.turns.clear();
        for player in self.players.values_mut() {
            player.dropped += player.waiting.len() as u64;
            player.waiting.clear();
            player.waiting_bytes = 0;
            player.at_gama = 0;
            player.is_in_turn = false;
        }
        self.players_at_gama = 0;
        for awaited in &mut self.awaited {
            if matches!(
                awaited.whom,
                For::Seat(..) | For::Player(_) | For::Write(_) | For::Watch(_)
            ) {
                awaited.whom = For::Nobody;
            }
        }
    }

    /// The link is gone, and with it every answer. Gives the evaluations that somebody waits for.
    pub(crate) fn lose(&mut self) -> Vec<Ticket> {
        self.dissolve();
        self.orders.clear();
        self.evaluations = 0;
        let ticket = |awaited: Awaited| match awaited.whom {
            For::Evaluation(ticket) => Some(ticket),
            _ => None,
        };
        std::mem::take(&mut self.awaited)
            .into_iter()
            .filter_map(ticket)
            .collect()
    }
}
