//! `sim/...`: the state of the class as signals, watches of GAMA's expressions, and signals that are written into it (GA-13).
//!
//! | signal | |
//! |---|---|
//! | `sim/state`, `sim/connected`, `sim/players`, `sim/error` | how the class stands |
//! | `sim/player/<id>/connected`, `…/in_game` | every seat |
//! | `sim/cycle`, `sim/watch/<name>` | what GAMA is asked for while there is an experiment |
//! | `sim/write/<name>` | state: the newest value goes into the simulation, and again when another one begins |
//! | `sim/order/<launch, pause, resume, stop>` | orders: carried out when the signal becomes true, or not at all |

mod inputs;
mod outputs;

use super::Classroom;
use super::experiment::ClassOrder;
use crate::hub::Hub;
use crate::settings::{GamaSettings, Owner};
use crate::signal::name::escape_segment;
use crate::signal::{Kind, SignalId, Value};
use crate::time::Time;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often GAMA is asked for its cycle while it runs.
const CYCLE_EVERY: Duration = Duration::from_secs(1);
/// Players that have signals of their own; further ones are left out with a problem. A name is a signal for the rest of the run,
/// and whoever connects chooses his.
const PLAYERS_SHOWN_MAX: usize = 256;

/// Orders that have a signal.
const ORDERS: [(ClassOrder, &str); 4] = [
    (ClassOrder::Launch, "launch"),
    (ClassOrder::Pause, "pause"),
    (ClassOrder::Resume, "resume"),
    (ClassOrder::Stop, "stop"),
];

/// Nobody but the hub writes a signal of this name.
pub(crate) fn is_state(name: &str) -> bool {
    let is_one = matches!(name, "sim/state" | "sim/connected" | "sim/players" | "sim/error");
    is_one || is_watched(name) || name.starts_with("sim/player/")
}

/// GAMA is asked for it while there is an experiment; at other times a recording may say it.
pub(crate) fn is_watched(name: &str) -> bool {
    name == "sim/cycle" || name.starts_with("sim/watch/")
}

/// What of the class is a signal.
#[derive(Debug, Default)]
pub(crate) struct ClassSignals {
    /// Something that they show may have changed.
    pub(crate) is_due: bool,
    state: Option<SignalId>,
    connected: Option<SignalId>,
    players: Option<SignalId>,
    error: Option<SignalId>,
    seats: BTreeMap<String, Seat>,
    watches: Vec<Watch>,
    writes: Vec<Write>,
    orders: Vec<OrderSignal>,
}

/// The signals of a player.
#[derive(Clone, Copy, Debug)]
struct Seat {
    connected: Option<SignalId>,
    in_game: Option<SignalId>,
}

/// An expression that GAMA is asked for.
#[derive(Debug)]
struct Watch {
    id: Option<SignalId>,
    name: String,
    expr: String,
    kind: Kind,
    every: Duration,
    /// It moves only while the experiment runs; otherwise one look is enough.
    only_running: bool,
    is_out: bool,
    due: Option<Time>,
}

/// A signal that is written into the simulation.
#[derive(Debug)]
struct Write {
    id: Option<SignalId>,
    name: String,
    expr: String,
    /// What the present experiment was told.
    told: Option<Value>,
    is_out: bool,
}

/// A signal that is an order when it becomes true.
#[derive(Debug)]
struct OrderSignal {
    id: SignalId,
    order: ClassOrder,
    word: &'static str,
    was: bool,
}

impl Classroom {
    /// When GAMA is to be asked for something next.
    pub(crate) fn next_watch(&self) -> Option<Time> {
        let due = |watch: &Watch| watch.due.filter(|_| !watch.is_out);
        self.signals.watches.iter().filter_map(due).min()
    }

    /// GAMA is asked for what is watched, now and then.
    pub(crate) fn is_watching(&self) -> bool {
        let mut watches = self.signals.watches.iter();
        watches.any(|watch| watch.is_out || watch.due.is_some())
    }
}

impl Hub {
    /// Makes the signals that are there from the start.
    pub(crate) fn begin_class_signals(&mut self) {
        let settings = self.classroom.as_ref().and_then(|class| class.settings.gama.clone());
        let mut signals = ClassSignals {
            is_due: true,
            players: self.class_signal("sim/players", Value::Int(0)),
            ..ClassSignals::default()
        };
        if let Some(settings) = settings {
            self.begin_gama_signals(&mut signals, &settings);
        }
        if let Some(class) = &mut self.classroom {
            class.signals = signals;
        }
    }

    fn begin_gama_signals(&mut self, signals: &mut ClassSignals, settings: &GamaSettings) {
        signals.state = self.class_signal("sim/state", Value::Text("NONE".into()));
        signals.connected = self.class_signal("sim/connected", Value::Bool(false));
        signals.error = self.class_signal("sim/error", Value::Text("".into()));
        signals.watches.push(Watch {
            id: self.class_signal("sim/cycle", Value::Int(0)),
            name: "sim/cycle".into(),
            expr: "cycle".into(),
            kind: Kind::Int,
            every: CYCLE_EVERY,
            only_running: true,
            is_out: false,
            due: None,
        });
        for watch in &settings.watches {
            let name = format!("sim/watch/{}", escape_segment(&watch.name));
            signals.watches.push(Watch {
                id: self.class_signal(&name, Value::zero(watch.kind)),
                name,
                expr: watch.expr.clone(),
                kind: watch.kind,
                every: watch.every,
                only_running: false,
                is_out: false,
                due: None,
            });
        }
        for write in &settings.writes {
            let name = format!("sim/write/{}", escape_segment(&write.name));
            signals.writes.push(Write {
                id: self.class_signal(&name, Value::zero(write.kind)),
                name,
                expr: write.expr.clone(),
                told: None,
                is_out: false,
            });
        }
        for (order, word) in ORDERS {
            let id = self.class_signal(&format!("sim/order/{word}"), Value::Bool(false));
            signals.orders.extend(id.map(|id| OrderSignal {
                id,
                order,
                word,
                was: false,
            }));
        }
    }

    /// Makes a signal of the class. One that an endpoint shows is there already and is taken over; who writes it must fit.
    fn class_signal(&mut self, name: &str, initial: Value) -> Option<SignalId> {
        let time = self.time();
        let space = &mut self.ledger.space;
        let known = space.find(name);
        let error = match known {
            Some(id) if space.owner(id) == Owner::Peer && is_state(name) => {
                String::from("the project has a signal of this name that peers write")
            }
            _ => match space.create(time, name, Owner::Hub, initial) {
                Ok(id) => {
                    if known.is_none() {
                        self.created.push(id);
                    }
                    return Some(id);
                }
                Err(error) => error.to_string(),
            },
        };
        let text = format!("it is not part of the class: {error}");
        let hint = "rename the signal in the project file or raise the limit";
        self.trouble(false, format!("signal:{name}"), name, text, hint);
        None
    }
}
