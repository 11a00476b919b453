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
//!
//! There are two ways to do it. [`Reexecution::new`] does exactly the same once more, or says where that ends. With
//! [`Reexecution::of_changed`] the project may be another one than then, as in a test: each engine hears what *this* hub says, as
//! soon as it was heard then, and scans when it scanned then; what it tells of that is whatever it is.

use crate::hub::Hub;
use crate::input::{ConnId, Input};
use crate::input_log::{self, LogError, Logged, Told, fingerprint};
use crate::output::{Frame, Output};
use crate::plc::{DeviceInputs, Engine, Entry, Given, LAST_ORDER, NotGiven, Numbered, Order, PlcId, Refused};
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
    /// The project may be another one than then.
    is_changed: bool,
}

/// An engine that executes again what it was given.
#[derive(Debug)]
struct Again {
    engine: Engine,
    devices: DeviceInputs,
    given: VecDeque<Given>,
    /// What it has told and the hub has not heard.
    made: VecDeque<Entry>,
    said: Said,
}

/// What the hub has said to an engine.
#[derive(Debug)]
enum Said {
    /// The same as then: orders by their numbers. What was fed is known by the scan that it came to.
    Same(BTreeMap<u64, Order>),
    /// Orders and what is fed, in their order, until they are heard.
    Anew {
        waiting: VecDeque<Numbered>,
        strayed: Strayed,
    },
}

/// Whether an engine tells another number of entries than then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strayed {
    No,
    /// Something is left over of what was told then.
    Perhaps,
    /// The hub hears everything at once.
    Yes,
}

impl Again {
    fn new(settings: ControllerSettings, is_changed: bool) -> Again {
        Again {
            engine: Engine::new(settings),
            devices: DeviceInputs::default(),
            given: VecDeque::new(),
            made: VecDeque::new(),
            said: match is_changed {
                false => Said::Same(BTreeMap::new()),
                true => Said::Anew {
                    waiting: VecDeque::new(),
                    strayed: Strayed::No,
                },
            },
        }
    }

    /// The hub says something.
    fn hear(&mut self, numbered: &Numbered) {
        match &mut self.said {
            Said::Same(_) if matches!(numbered.order, Order::Feed { .. }) => {}
            Said::Same(orders) => drop(orders.insert(numbered.number, numbered.order.clone())),
            Said::Anew { waiting, .. } => waiting.push_back(numbered.clone()),
        }
    }

    /// The hub has heard from the driver that an order was not handed over.
    fn forget(&mut self, number: u64) {
        match &mut self.said {
            Said::Same(orders) => drop(orders.remove(&number)),
            Said::Anew { waiting, .. } => waiting.retain(|waits| waits.number != number),
        }
    }

    /// Executes until it has told so much; gives how much is missing when there is nothing more to execute.
    fn make(&mut self, count: usize) -> Result<usize, NotGiven> {
        let mut told = Vec::new();
        while self.made.len() < count
            && let Some(given) = self.given.pop_front()
        {
            self.one(given, &mut told)?;
            self.made.extend(told.drain(..));
        }
        Ok(count.saturating_sub(self.made.len()))
    }

    fn one(&mut self, given: Given, told: &mut Vec<Entry>) -> Result<(), NotGiven> {
        let last = Order::Command(Command::Stop);
        match (&mut self.said, given) {
            (Said::Same(orders), given) => {
                let order = |number| match number {
                    LAST_ORDER => Some(last),
                    number => orders.remove(&number),
                };
                self.engine.execute_given(given, order, &mut self.devices, told)
            }
            (Said::Anew { waiting, .. }, Given::Heard { until }) => {
                while let Some(numbered) = waiting.pop_front_if(|waits| waits.at <= until) {
                    self.engine.execute(numbered, &self.devices, told);
                }
                Ok(())
            }
            // What was fed, and which order it was, may be another matter now: this hub has said it.
            (Said::Anew { .. }, Given::Fed { .. }) => Ok(()),
            (Said::Anew { .. }, Given::Order { number }) if number != LAST_ORDER => Ok(()),
            (Said::Anew { .. }, given) => self
                .engine
                .execute_given(given, |_| Some(last), &mut self.devices, told),
        }
    }

    /// At the end of what was told at once then: where it no longer tells as much as then, everything that was given is executed, and
    /// the hub hears all of it. Once may be a scan that was told in two parts.
    fn settle(&mut self, tells_less: bool) -> Result<(), NotGiven> {
        let is_scan = |given: &Given| matches!(given, Given::Scan { .. });
        let is_left = !self.made.is_empty() || self.given.iter().any(is_scan);
        let Said::Anew { strayed, .. } = &mut self.said else {
            return Ok(());
        };
        *strayed = match *strayed {
            Strayed::Yes => Strayed::Yes,
            Strayed::No if is_left && !tells_less => Strayed::Perhaps,
            Strayed::No | Strayed::Perhaps if !is_left && !tells_less => Strayed::No,
            Strayed::No | Strayed::Perhaps => Strayed::Yes,
        };
        if *strayed == Strayed::Yes {
            self.make(usize::MAX)?;
        }
        Ok(())
    }

    /// All of it is to be heard at once.
    fn has_strayed(&self) -> bool {
        matches!(
            self.said,
            Said::Anew {
                strayed: Strayed::Yes,
                ..
            }
        )
    }
}

impl Reexecution {
    /// A hub of these settings, which are those of the recorded one, and its time before the first input.
    pub fn new(settings: Settings) -> Reexecution {
        Reexecution::with(settings, false)
    }

    /// The same with settings that may be others than those of the recorded hub, as far as its inputs mean something to this one:
    /// programs, routes and limits, but not other endpoints or contexts.
    pub fn of_changed(settings: Settings) -> Reexecution {
        Reexecution::with(settings, true)
    }

    fn with(settings: Settings, is_changed: bool) -> Reexecution {
        Reexecution {
            hub: Hub::new(settings),
            now: Time::ZERO,
            engines: BTreeMap::new(),
            outputs: Vec::new(),
            last: 0,
            is_changed,
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
            Logged::Unsent { conn, frames } => match self.unsent(conn, &frames) {
                // What is not sent now need not be given back.
                Err(ExecuteError::OtherFrames { .. }) if self.is_changed => return Ok(()),
                unsent => unsent?,
            },
        };
        if now != self.now {
            (self.now, self.last) = (now, 0);
            self.outputs.clear();
        }
        self.last = self.outputs.len();
        self.hub.handle(now, input, &mut self.outputs);
        for output in &self.outputs[self.last..] {
            match output {
                Output::PlcBegin { plc, settings, .. } => {
                    self.engines.insert(*plc, Again::new(*settings, self.is_changed));
                }
                Output::PlcEnd { plc } => drop(self.engines.remove(plc)),
                Output::Plc { plc, order } => {
                    if let Some(again) = self.engines.get_mut(plc) {
                        again.hear(order);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn engine_told(&mut self, plc: PlcId, given: Vec<Given>, told: &[Told]) -> Result<Input, ExecuteError> {
        let (mut entries, mut tells_less) = (Vec::new(), false);
        let mut engine = self.engines.get_mut(&plc);
        if let Some(again) = &mut engine {
            again.given.extend(given);
        }
        for part in told {
            match (*part, &mut engine) {
                (Told::Own(count), Some(again)) => {
                    let missing = again.make(count).map_err(|why| ExecuteError::NotGiven { plc, why })?;
                    if missing > 0 && !self.is_changed {
                        return Err(ExecuteError::TellsLess { plc, missing });
                    }
                    tells_less |= missing > 0;
                    entries.extend(again.made.drain(..count - missing));
                }
                (Told::Own(_), None) if self.is_changed => {}
                (Told::Own(missing), None) => return Err(ExecuteError::TellsLess { plc, missing }),
                (Told::Realtime(answer), _) => entries.push(Entry::Realtime(answer)),
                (Told::Busy(number), engine) => entries.push(refused(engine, number, Refused::Busy)),
                (Told::NoThread(number), engine) => entries.push(refused(engine, number, Refused::NoThread)),
            }
        }
        if let Some(again) = engine {
            again
                .settle(tells_less)
                .map_err(|why| ExecuteError::NotGiven { plc, why })?;
            if again.has_strayed() {
                entries.extend(again.made.drain(..));
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
        again.forget(number);
    }
    Entry::Answer {
        number,
        result: Err(refused),
    }
}
