//! Taps: what a recorder is told of each turn.
//!
//! While a recording runs the core hands over, after each turn, what has changed, and before each turn what enters. It never waits
//! and never writes: it puts values into a bounded ring, and the recorder thread makes messages of them. With a full ring nothing
//! is handed over. What changed meanwhile is told by its newest values when there is room again, with a gap before it; inputs
//! that found no room are lost, and a gap says so.
//!
//! Without a recording all of this is one look at an empty place per turn.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use crosstie_hub::signal::{Generation, Pattern, Quality, SignalId, Value, Writer};
use crosstie_hub::tap::Noted;
use crosstie_hub::{Hub, Time};
use serde_json::Value as Json;

/// Hand-overs that wait for the recorder: many seconds of a fast line. With a full ring the core hands over nothing.
const RING_MAX: usize = 16_384;

/// Bytes of the values that wait there, texts and inputs with what they hold. Same effect.
const RING_BYTES_MAX: usize = 64 << 20;

/// Hand-overs of one turn at most, besides its notes; so many places are free before a turn is told.
const ROOM_MIN: usize = 8;

/// Signals in one hand-over: about half a millisecond of the core. The others follow with the next turns.
const SLICE_MAX: usize = 4_096;

/// How soon a core that has nothing else to do tries a full ring again.
const RETRY: Duration = Duration::from_millis(5);

/// Something for the recorder.
#[derive(Debug)]
pub(crate) enum Taken {
    /// The first of all: from here on everything is told.
    Begun {
        /// The hub's time.
        time: Time,
        /// What the state that follows is the state of.
        generation: Generation,
    },
    /// A part of the state at the begin, as it is now: what changed meanwhile has the newer value already.
    State {
        /// The hub's time.
        time: Time,
        /// The signals.
        samples: Vec<Sample>,
        /// The last part.
        is_last: bool,
    },
    /// Signals that changed.
    Changes {
        /// The hub's time.
        time: Time,
        /// The newest generation among them.
        generation: Generation,
        /// The signals.
        samples: Vec<Sample>,
    },
    /// Something enters the hub.
    Input {
        /// The hub's time before it.
        time: Time,
        /// Counts the inputs of the recording, from 1; those that are lost have a number, too.
        number: u64,
        /// What the driver calls the time.
        now: Time,
        /// The input.
        input: Json,
    },
    /// Something is missing.
    Gap {
        /// What.
        what: Missing,
        /// From this moment of the hub's time on.
        from: Time,
        /// Up to this one.
        to: Time,
        /// How many generations were merged, or inputs are lost.
        lost: u64,
    },
}

/// What a gap is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Values between, which newer ones make up for.
    Samples,
    /// Inputs.
    Inputs,
}

/// A signal as it was.
#[derive(Debug)]
pub(crate) struct Sample {
    /// Its id.
    pub(crate) id: SignalId,
    /// Its name, the first time.
    pub(crate) name: Option<Box<str>>,
    /// Its value.
    pub(crate) value: Value,
    /// Whether it may be believed.
    pub(crate) quality: Quality,
    /// Who wrote it.
    pub(crate) writer: Writer,
    /// The scan, where the engine of a PLC wrote it.
    pub(crate) scan: Option<u64>,
}

/// The recorder's end of the ring. It is at its end when the core has handed over everything and lets go of its own.
#[derive(Debug)]
pub(crate) struct Ring {
    taken: Receiver<Taken>,
    bytes: Arc<AtomicUsize>,
}

impl Ring {
    /// Where hand-overs come from. What is taken from it is counted with [`Ring::took`].
    pub(crate) fn taken(&self) -> &Receiver<Taken> {
        &self.taken
    }

    /// There is room for more.
    pub(crate) fn took(&self, taken: &Taken) {
        self.bytes.fetch_sub(weight(taken), Ordering::Relaxed);
    }
}

/// What the core is to hand over.
#[derive(Debug)]
pub(crate) struct Tap {
    ring: Sender<Taken>,
    bytes: Arc<AtomicUsize>,
    wanted: Vec<Pattern>,
    inputs: bool,
}

impl Tap {
    /// A tap on the signals that fit one of these patterns (all of them when there is none), with or without inputs.
    pub(crate) fn new(patterns: &[String], inputs: bool) -> (Tap, Ring) {
        Tap::with_room(patterns, inputs, RING_MAX)
    }

    /// The same with a ring of so many places.
    pub(crate) fn with_room(patterns: &[String], inputs: bool, room: usize) -> (Tap, Ring) {
        let (ring, taken) = crossbeam_channel::bounded(room.max(ROOM_MIN));
        let bytes = Arc::new(AtomicUsize::new(0));
        let tap = Tap {
            ring,
            bytes: Arc::clone(&bytes),
            wanted: patterns.iter().map(|pattern| Pattern::new(pattern)).collect(),
            inputs,
        };
        (tap, Ring { taken, bytes })
    }
}

impl Tap {
    /// Inputs are to be told.
    pub(crate) fn wants_inputs(&self) -> bool {
        self.inputs
    }
}

/// The taps of the core.
#[derive(Debug, Default)]
pub(crate) struct Taps {
    running: Option<Box<Running>>,
}

/// What is known of a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Known {
    #[default]
    Nothing,
    /// It is not part of the recording.
    Unwanted,
    /// The recorder knows its name.
    Named,
}

#[derive(Debug)]
struct Running {
    tap: Tap,
    /// Everything up to here was handed over, or is in `pending`.
    told: Generation,
    known: Vec<Known>,
    /// Signals whose turn is still to come: the state at the begin, and what too many changes at once have left over.
    pending: VecDeque<SignalId>,
    /// The pending ones are the state at the begin.
    is_state: bool,
    /// Inputs since the begin.
    inputs: u64,
    /// Since when, and from which generation on, nothing was handed over.
    behind: Option<(Time, Generation)>,
    /// Since when inputs were lost, and how many.
    lost_inputs: Option<(Time, u64)>,
    /// Memory that is used again.
    ids: Vec<SignalId>,
}

impl Taps {
    /// From now on `tap` is told; one that was told before is at its end.
    pub(crate) fn begin(&mut self, hub: &mut Hub, tap: Tap) {
        let (time, generation) = (hub.time(), hub.generation());
        hub.keep_notes(true);
        let mut running = Running {
            told: generation,
            known: Vec::new(),
            pending: (0..hub.signals()).map(SignalId).collect(),
            is_state: true,
            inputs: 0,
            behind: None,
            lost_inputs: None,
            ids: Vec::new(),
            tap,
        };
        running.put(Taken::Begun { time, generation });
        // The state stands before what changes it, as far as one hand-over takes it.
        running.slice(hub, time, generation);
        self.running = Some(Box::new(running));
    }

    /// Nothing is told any more.
    pub(crate) fn end(&mut self, hub: &mut Hub) {
        // What waits was not told, and the gap in its place ends with the recording.
        if let Some(running) = &mut self.running {
            running.end(hub);
        }
        hub.keep_notes(false);
        self.running = None;
    }

    /// Inputs are wanted: each is to be handed in before its turn.
    pub(crate) fn wants_inputs(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.tap.inputs)
    }

    /// An input that is about to be handled; `now` is what the hub will be told, `time` its own time before.
    pub(crate) fn input(&mut self, time: Time, now: Time, input: Json) {
        if let Some(running) = self.running.as_mut().filter(|running| running.tap.inputs) {
            running.input(time, now, input);
        }
    }

    /// A turn is over.
    pub(crate) fn turn(&mut self, hub: &mut Hub) {
        if let Some(running) = &mut self.running {
            running.turn(hub);
        }
    }

    /// How soon there is something to hand over although nothing happens.
    pub(crate) fn wants_turn_in(&self) -> Option<Duration> {
        let running = self.running.as_ref()?;
        let is_done = running.pending.is_empty() && running.behind.is_none() && running.lost_inputs.is_none();
        let soon = if running.has_room() { Duration::ZERO } else { RETRY };
        (!is_done).then_some(soon)
    }
}

impl Running {
    fn has_room(&self) -> bool {
        let ring = &self.tap.ring;
        let free = ring.capacity().unwrap_or(0).saturating_sub(ring.len());
        free >= ROOM_MIN.min(ring.capacity().unwrap_or(0)) && self.tap.bytes.load(Ordering::Relaxed) < RING_BYTES_MAX
    }

    /// Puts one into the ring; the caller has seen that there is room. A recorder that has gone wants nothing.
    fn put(&self, taken: Taken) {
        let bytes = weight(&taken);
        self.tap.bytes.fetch_add(bytes, Ordering::Relaxed);
        if self.tap.ring.try_send(taken).is_err() {
            self.tap.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    fn input(&mut self, time: Time, now: Time, input: Json) {
        self.inputs += 1;
        if !self.has_room() {
            self.lost_inputs.get_or_insert((time, 0)).1 += 1;
            return;
        }
        self.say_lost_inputs(time);
        self.put(Taken::Input {
            time,
            number: self.inputs,
            now,
            input,
        });
    }

    fn say_lost_inputs(&mut self, time: Time) {
        if let Some((from, lost)) = self.lost_inputs.take() {
            self.put(Taken::Gap {
                what: Missing::Inputs,
                from,
                to: time,
                lost,
            });
        }
    }

    fn say_merged(&mut self, time: Time, generation: Generation) {
        if let Some((from, told)) = self.behind.take() {
            self.put(Taken::Gap {
                what: Missing::Samples,
                from,
                to: time,
                lost: generation.0.saturating_sub(told.0).max(1),
            });
        }
    }

    fn turn(&mut self, hub: &mut Hub) {
        let (notes, generation, time) = (hub.take_notes(), hub.generation(), hub.time());
        if !self.has_room() {
            if generation > self.told {
                self.behind.get_or_insert((time, self.told));
            }
            return;
        }
        self.say_lost_inputs(time);
        if self.behind.is_none() {
            notes.into_iter().for_each(|noted| self.noted(hub, time, noted));
        }
        if generation > self.told {
            self.changes(hub, time, generation);
        }
        if !self.pending.is_empty() && self.has_room() {
            self.slice(hub, time, generation);
        }
    }

    /// The last turn: what is still to come, as far as there is room for it.
    fn end(&mut self, hub: &mut Hub) {
        self.turn(hub);
        while !self.pending.is_empty() && self.has_room() {
            self.slice(hub, hub.time(), hub.generation());
        }
        let (time, generation) = (hub.time(), hub.generation());
        if !self.pending.is_empty() {
            self.behind.get_or_insert((time, self.told));
        }
        // Two places are kept for these by nobody else: what finds none is a recorder that stands still.
        self.say_lost_inputs(time);
        self.say_merged(time, generation);
    }

    /// A border within the turn: one generation, told as it was.
    fn noted(&mut self, hub: &Hub, time: Time, noted: Noted) {
        if !self.has_room() {
            self.behind.get_or_insert((time, self.told));
            return;
        }
        let generation = noted.generation;
        let samples = noted.signals.into_iter().filter_map(|note| {
            let name = self.name(hub, note.id)?;
            Some(Sample {
                id: note.id,
                name,
                value: note.value,
                quality: note.quality,
                writer: note.writer,
                scan: note.scan,
            })
        });
        let samples: Vec<Sample> = samples.collect();
        self.told = self.told.max(generation);
        if !samples.is_empty() {
            self.put(Taken::Changes {
                time,
                generation,
                samples,
            });
        }
    }

    fn changes(&mut self, hub: &Hub, time: Time, generation: Generation) {
        if !self.has_room() {
            self.behind.get_or_insert((time, self.told));
            return;
        }
        self.say_merged(time, generation);
        let mut ids = std::mem::take(&mut self.ids);
        hub.changed_since(self.told, &mut ids);
        self.told = generation;
        if ids.len() > SLICE_MAX {
            self.pending.extend(ids.drain(SLICE_MAX..));
        }
        let samples = self.samples(hub, ids.drain(..));
        self.ids = ids;
        if !samples.is_empty() {
            self.put(Taken::Changes {
                time,
                generation,
                samples,
            });
        }
    }

    fn slice(&mut self, hub: &Hub, time: Time, generation: Generation) {
        let many = self.pending.len().min(SLICE_MAX);
        let mut pending = std::mem::take(&mut self.pending);
        let samples = self.samples(hub, pending.drain(..many));
        self.pending = pending;
        let is_last = self.pending.is_empty();
        if self.is_state {
            self.is_state = !is_last;
            self.put(Taken::State { time, samples, is_last });
        } else if !samples.is_empty() {
            self.put(Taken::Changes {
                time,
                generation,
                samples,
            });
        }
    }

    fn samples(&mut self, hub: &Hub, ids: impl Iterator<Item = SignalId>) -> Vec<Sample> {
        let is_state = self.is_state;
        ids.filter_map(|id| {
            let name = self.name(hub, id)?;
            let change = hub.change(id);
            Some(Sample {
                id,
                name,
                value: change.value.clone(),
                quality: change.quality,
                writer: change.writer,
                // What stood there at the begin may be of any scan before.
                scan: change.scan.filter(|_| !is_state),
            })
        })
        .collect()
    }

    /// The name of a signal that is wanted: `None` where it is not, `Some(None)` where the recorder knows it.
    fn name(&mut self, hub: &Hub, id: SignalId) -> Option<Option<Box<str>>> {
        let index = id.0 as usize;
        if index >= self.known.len() {
            self.known.resize(index + 1, Known::Nothing);
        }
        match self.known[index] {
            Known::Named => return Some(None),
            Known::Unwanted => return None,
            Known::Nothing => {}
        }
        let name = hub.change(id).name;
        let wanted = &self.tap.wanted;
        if !wanted.is_empty() && !Pattern::any_fits(wanted, name) {
            self.known[index] = Known::Unwanted;
            return None;
        }
        self.known[index] = Known::Named;
        Some(Some(name.into()))
    }
}

/// Bytes that a hand-over holds in memory, nearly.
fn weight(taken: &Taken) -> usize {
    match taken {
        Taken::State { samples, .. } | Taken::Changes { samples, .. } => {
            let text = |sample: &Sample| match &sample.value {
                Value::Text(text) => text.len(),
                _ => 0,
            };
            let name = |sample: &Sample| sample.name.as_ref().map_or(0, |name| name.len());
            let more: usize = samples.iter().map(|sample| text(sample) + name(sample)).sum();
            more + samples.len() * size_of::<Sample>()
        }
        Taken::Input { input, .. } => weight_of_json(input),
        Taken::Begun { .. } | Taken::Gap { .. } => 0,
    }
}

/// The same of an input. Objects count for more than their texts: their tables are memory, too.
fn weight_of_json(value: &Json) -> usize {
    let inside = match value {
        Json::Array(items) => items.iter().map(weight_of_json).sum(),
        Json::Object(fields) => fields
            .iter()
            .map(|(key, value)| key.len() + 64 + weight_of_json(value))
            .sum(),
        Json::String(text) => text.len(),
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
    };
    inside + size_of::<Json>()
}
