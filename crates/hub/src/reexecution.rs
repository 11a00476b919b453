//! Re-execution: the inputs of a recording, handed once more to a hub of the same settings and to engines of its contexts.
//!
//! ```text
//!   recorded input ─▶ decode ─▶ Hub::handle ─▶ outputs (the same bytes)
//!                        │           ▲  │ orders
//!                what an engine      │  ▼
//!                was given ───▶ Engine::execute_given ─▶ what it tells
//! ```
//!
//! Nothing is carried out but orders to engines: everything that came of an output is an input of the recording, too.

use crate::hub::Hub;
use crate::input::{ConnId, Input};
use crate::input_log::{self, LogError, Logged, Told, fingerprint};
use crate::output::{Frame, Output};
use crate::plc::{DeviceInputs, Engine, Entry, Given, LAST_ORDER, NotGiven, Order, PlcId, Refused};
use crate::settings::Settings;
use crate::time::Time;
use crosstie_ladder::controller::{Command, ControllerSettings};
use serde_json::Value as Json;
use std::collections::{BTreeMap, VecDeque};

/// Why an input cannot be executed again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// It cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The start of a hub, which is no input.
    #[error("the start of a hub stands in the middle of its inputs")]
    SecondStart,
    /// What the engine of a context did then cannot be done again.
    #[error("PLC context {plc}: {why}", plc = .plc.0)]
    NotGiven {
        /// Which context.
        plc: PlcId,
        /// Why.
        why: NotGiven,
    },
    /// The engine of a context tells less than it told then.
    #[error("PLC context {plc}: its engine told {missing} entries more then", plc = .plc.0)]
    TellsLess {
        /// Which context.
        plc: PlcId,
        /// How much less.
        missing: usize,
    },
    /// The frames that a socket gave back then were not sent now.
    #[error("connection {conn}: the frames that its socket did not take then are not sent now", conn = .conn.0)]
    OtherFrames {
        /// Which connection.
        conn: ConnId,
    },
}

/// A hub and its engines on their way through a recording.
#[derive(Debug)]
pub struct Reexecution {
    hub: Hub,
    now: Time,
    engines: BTreeMap<PlcId, Again>,
    /// The outputs of all inputs of the present moment: a full socket gives back frames of theirs.
    outputs: Vec<Output>,
    /// Where those of the last input begin.
    last: usize,
}

/// An engine that executes again what it was given.
#[derive(Debug)]
struct Again {
    engine: Engine,
    devices: DeviceInputs,
    given: VecDeque<Given>,
    /// What it has told and the hub has not heard.
    made: VecDeque<Entry>,
    orders: BTreeMap<u64, Order>,
}

impl Again {
    fn new(settings: ControllerSettings) -> Again {
        Again {
            engine: Engine::new(settings),
            devices: DeviceInputs::default(),
            given: VecDeque::new(),
            made: VecDeque::new(),
            orders: BTreeMap::new(),
        }
    }

    /// Executes until it has told so much; gives how much is missing when there is nothing more to execute.
    fn make(&mut self, count: usize) -> Result<usize, NotGiven> {
        let mut told = Vec::new();
        while self.made.len() < count
            && let Some(given) = self.given.pop_front()
        {
            let orders = &mut self.orders;
            let order = |number| match number {
                LAST_ORDER => Some(Order::Command(Command::Stop)),
                number => orders.remove(&number),
            };
            self.engine.execute_given(given, order, &mut self.devices, &mut told)?;
            self.made.extend(told.drain(..));
        }
        Ok(count.saturating_sub(self.made.len()))
    }
}

impl Reexecution {
    /// A hub of these settings, which are those of the recorded one, and its time before the first input.
    pub fn new(settings: Settings) -> Reexecution {
        Reexecution {
            hub: Hub::new(settings),
            now: Time::ZERO,
            engines: BTreeMap::new(),
            outputs: Vec::new(),
            last: 0,
        }
    }

    /// The hub, to look at.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The hub, for a tap that keeps notes in it.
    pub fn hub_mut(&mut self) -> &mut Hub {
        &mut self.hub
    }

    /// What the hub wanted done at the last input.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs[self.last..]
    }

    /// Executes the next input of the recording, which came at `now`.
    ///
    /// # Errors
    ///
    /// It cannot be read, or the hub does not do what it did then. Whatever follows means nothing.
    pub fn execute(&mut self, now: Time, kept: &Json) -> Result<(), ExecuteError> {
        let input = match input_log::decode(kept)? {
            Logged::Input(input) => *input,
            Logged::Start(_) => return Err(ExecuteError::SecondStart),
            Logged::Engine { plc, given, told } => self.engine_told(plc, given, &told)?,
            Logged::Unsent { conn, frames } => self.unsent(conn, &frames)?,
        };
        if now != self.now {
            (self.now, self.last) = (now, 0);
            self.outputs.clear();
        }
        self.last = self.outputs.len();
        self.hub.handle(now, input, &mut self.outputs);
        for output in &self.outputs[self.last..] {
            match output {
                Output::PlcBegin { plc, settings, .. } => drop(self.engines.insert(*plc, Again::new(*settings))),
                Output::PlcEnd { plc } => drop(self.engines.remove(plc)),
                Output::Plc { plc, order } => {
                    // What was fed is known by the scan that it came to.
                    let is_feed = matches!(order.order, Order::Feed { .. });
                    if let Some(again) = self.engines.get_mut(plc).filter(|_| !is_feed) {
                        again.orders.insert(order.number, order.order.clone());
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn engine_told(&mut self, plc: PlcId, given: Vec<Given>, told: &[Told]) -> Result<Input, ExecuteError> {
        let mut entries = Vec::new();
        let mut engine = self.engines.get_mut(&plc);
        if let Some(again) = &mut engine {
            again.given.extend(given);
        }
        for part in told {
            match (*part, &mut engine) {
                (Told::Own(count), Some(again)) => {
                    let missing = again.make(count).map_err(|why| ExecuteError::NotGiven { plc, why })?;
                    if missing > 0 {
                        return Err(ExecuteError::TellsLess { plc, missing });
                    }
                    entries.extend(again.made.drain(..count));
                }
                (Told::Own(missing), None) => return Err(ExecuteError::TellsLess { plc, missing }),
                (Told::Realtime(answer), _) => entries.push(Entry::Realtime(answer)),
                (Told::Busy(number), engine) => entries.push(refused(engine, number, Refused::Busy)),
                (Told::NoThread(number), engine) => entries.push(refused(engine, number, Refused::NoThread)),
            }
        }
        Ok(Input::Plc { plc, entries })
    }

    /// The last frames of these fingerprints that were sent to a connection at this moment.
    fn unsent(&self, conn: ConnId, fingerprints: &[u64]) -> Result<Input, ExecuteError> {
        let mut sent: Vec<Frame> = Vec::new();
        for output in &self.outputs {
            match output {
                Output::Send { conn: to, frame } if *to == conn => sent.push(frame.clone()),
                Output::Share { conns, frame } if conns.contains(&conn) => sent.push(frame.clone()),
                Output::Snapshots {
                    plc,
                    frame,
                    header_at,
                    to,
                } => {
                    let own = to.iter().filter(|one| one.conn == conn);
                    sent.extend(own.map(|one| one.frame(*plc, frame, *header_at)));
                }
                _ => {}
            }
        }
        let known: Vec<u64> = sent.iter().map(fingerprint).collect();
        let begins = (0..=known.len().saturating_sub(fingerprints.len())).rev();
        let mut runs = begins.filter(|begin| known[*begin..].starts_with(fingerprints));
        let begin = runs.next().ok_or(ExecuteError::OtherFrames { conn })?;
        let frames = sent.drain(begin..begin + fingerprints.len()).collect();
        Ok(Input::Unsent { conn, frames })
    }
}

/// The answer of a driver to an order that no engine gets.
fn refused(engine: &mut Option<&mut Again>, number: u64, refused: Refused) -> Entry {
    if let Some(again) = engine {
        again.orders.remove(&number);
    }
    Entry::Answer {
        number,
        result: Err(refused),
    }
}
