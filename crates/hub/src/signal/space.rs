//! The store: one cell per signal, found by name or id, and what changed since when.

use super::name::{self, NameError};
use super::recency::Recency;
use super::value::{Kind, Quality, Value};
use super::{Generation, SignalId};
use crate::input::ConnId;
use crate::plc::PlcId;
use crate::settings::Owner;
use crate::time::Time;
use rustc_hash::FxHashMap;

/// Who wrote a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writer {
    /// Nobody yet: the initial value of the project.
    Nobody,
    /// A peer.
    Peer(ConnId),
    /// A person or script through our own API; the live channel's connection where there is one.
    Operator(Option<ConnId>),
    /// A route.
    Route(u32),
    /// The engine of a PLC context.
    Plc(PlcId),
    /// A recording that is replayed, or a test.
    Replay,
}

/// What the space holds of one signal.
#[derive(Debug)]
pub struct Cell {
    /// The value that everybody sees.
    pub value: Value,
    /// Generation of its last change.
    pub generation: Generation,
    /// Generation of the change before; tells a bit that went and came back.
    pub generation_before: Generation,
    /// When it last changed.
    pub changed_at: Time,
    /// Who wrote last, whether or not that changed the value.
    pub writer: Writer,
    /// May it be believed?
    pub quality: Quality,
    /// Generation of the last change of quality or writer.
    pub quality_generation: Generation,
    /// Some route starts here.
    pub is_routed: bool,
    /// It is a place in the memory of a PLC: whoever writes it gives its engine an order.
    pub is_tag: bool,
    /// Two writers were seen.
    pub conflict: bool,
}

/// What is fixed about a signal, apart from the hot cells.
#[derive(Debug)]
struct Card {
    name: Box<str>,
    owner: Owner,
    initial: Value,
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The value is another than before.
    pub changed: bool,
    /// Who had written last before.
    pub writer_before: Writer,
}

/// Why no signal could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreateError {
    /// The name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The space is full.
    #[error("the signal space is full at {limit} signals")]
    Full {
        /// Signals allowed.
        limit: usize,
    },
    /// The name stands for a signal of another kind.
    #[error("'{name}' exists already and is a {}", .kind.word())]
    OtherKind {
        /// The name.
        name: String,
        /// The kind it has.
        kind: Kind,
    },
}

/// All signals of the hub.
#[derive(Debug)]
pub struct SignalSpace {
    cells: Vec<Cell>,
    cards: Vec<Card>,
    by_name: FxHashMap<Box<str>, SignalId>,
    /// Other names of signals: the symbols of programs.
    aliases: FxHashMap<Box<str>, SignalId>,
    /// The symbols of signals, for people.
    symbols: FxHashMap<SignalId, Box<str>>,
    /// Why engines are in fault.
    faults: FxHashMap<PlcId, Box<str>>,
    values: Recency,
    qualities: Recency,
    generation: Generation,
    batch_is_open: bool,
    signals_max: usize,
    name_len_max: usize,
}

impl SignalSpace {
    /// An empty space with these limits.
    pub fn new(signals_max: usize, name_len_max: usize) -> SignalSpace {
        SignalSpace {
            cells: Vec::new(),
            cards: Vec::new(),
            by_name: FxHashMap::default(),
            aliases: FxHashMap::default(),
            symbols: FxHashMap::default(),
            faults: FxHashMap::default(),
            values: Recency::new(),
            qualities: Recency::new(),
            generation: Generation(0),
            batch_is_open: false,
            signals_max,
            name_len_max,
        }
    }

    /// How many signals there are; their ids are `0..len`.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Bytes that a name may have.
    pub fn name_len_max(&self) -> usize {
        self.name_len_max
    }

    /// The newest generation.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Finds or makes the signal of this name. A found one must be of the same kind.
    pub fn create(&mut self, now: Time, text: &str, owner: Owner, initial: Value) -> Result<SignalId, CreateError> {
        let name = name::canonical(text, self.name_len_max)?;
        if let Some(id) = self.by_name.get(name.as_str()).copied() {
            let kind = self.cell(id).value.kind();
            return if kind == initial.kind() {
                Ok(id)
            } else {
                Err(CreateError::OtherKind { name, kind })
            };
        }
        if self.cells.len() >= self.signals_max {
            return Err(CreateError::Full {
                limit: self.signals_max,
            });
        }
        let generation = self.open_batch();
        let id = SignalId(self.cells.len() as u32);
        let quality = match owner {
            Owner::Hub => Quality::Good,
            Owner::Peer => Quality::NeverWritten,
        };
        self.cells.push(Cell {
            value: initial.clone(),
            generation,
            generation_before: Generation(0),
            changed_at: now,
            writer: Writer::Nobody,
            quality,
            quality_generation: generation,
            is_routed: false,
            is_tag: false,
            conflict: false,
        });
        self.by_name.insert(name.as_str().into(), id);
        self.cards.push(Card {
            name: name.into(),
            owner,
            initial,
        });
        self.values.push();
        self.qualities.push();
        Ok(id)
    }

    /// The names of all signals, in the order in which they were made.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.cards.iter().map(|card| &*card.name)
    }

    /// The signal of this name in any spelling, or of this alias.
    pub fn find(&self, text: &str) -> Option<SignalId> {
        if let Some(id) = self.by_name.get(text) {
            return Some(*id);
        }
        let name = name::canonical(text, self.name_len_max).ok()?;
        let named = self.by_name.get(name.as_str());
        named.or_else(|| self.aliases.get(name.as_str())).copied()
    }

    /// Lets a signal be found under another name too. `symbol` is what people read beside its own name; the first one counts.
    pub fn add_alias(&mut self, alias: String, symbol: &str, id: SignalId) {
        self.aliases.insert(alias.into(), id);
        self.symbols.entry(id).or_insert_with(|| symbol.into());
    }

    /// The other names of signals, in no order.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.aliases.keys().map(|alias| &**alias)
    }

    /// Forgets the other names that begin so.
    pub fn forget_aliases(&mut self, prefix: &str) {
        let (aliases, symbols) = (&mut self.aliases, &mut self.symbols);
        aliases.retain(|alias, id| {
            let stays = !alias.starts_with(prefix);
            if !stays {
                symbols.remove(id);
            }
            stays
        });
    }

    /// The symbol of a signal.
    pub fn symbol(&self, id: SignalId) -> Option<&str> {
        self.symbols.get(&id).map(|symbol| &**symbol)
    }

    /// Keeps why an engine is in fault.
    pub fn set_fault(&mut self, plc: PlcId, text: &str) {
        self.faults.insert(plc, text.into());
    }

    /// Why a value is not good, for people.
    pub fn reason(&self, quality: Quality) -> Option<&str> {
        match quality {
            Quality::PlcFault(plc) => self.faults.get(&plc).map(|text| &**text).or(quality.reason()),
            _ => quality.reason(),
        }
    }

    /// The cell of a signal.
    pub fn cell(&self, id: SignalId) -> &Cell {
        &self.cells[id.0 as usize]
    }

    /// Its canonical name.
    pub fn name(&self, id: SignalId) -> &str {
        &self.cards[id.0 as usize].name
    }

    /// Who is meant to write it.
    pub fn owner(&self, id: SignalId) -> Owner {
        self.cards[id.0 as usize].owner
    }

    /// Its value before anybody wrote it.
    pub fn initial(&self, id: SignalId) -> &Value {
        &self.cards[id.0 as usize].initial
    }

    /// Marks that a route starts here, or no longer does.
    pub fn set_routed(&mut self, id: SignalId, is_routed: bool) {
        self.cells[id.0 as usize].is_routed = is_routed;
    }

    /// Marks a place in the memory of a PLC.
    pub fn set_tag(&mut self, id: SignalId) {
        self.cells[id.0 as usize].is_tag = true;
    }

    /// Marks that two writers were seen, or that one of them has left.
    pub fn set_conflict(&mut self, id: SignalId, is_in_conflict: bool) {
        self.cells[id.0 as usize].conflict = is_in_conflict;
    }

    /// Widens an `Int` that its first value registered to a `Float`.
    pub fn widen(&mut self, id: SignalId) {
        let cell = &mut self.cells[id.0 as usize];
        if let Value::Int(number) = cell.value {
            cell.value = Value::Float(number as f64);
        }
        let card = &mut self.cards[id.0 as usize];
        if let Value::Int(number) = card.initial {
            card.initial = Value::Float(number as f64);
        }
    }

    /// Stores a value of the signal's own kind, which its writer believes as far as `quality` says. An equal value moves no
    /// generation of the value.
    pub fn write(&mut self, now: Time, id: SignalId, value: Value, writer: Writer, quality: Quality) -> Written {
        let cell = &mut self.cells[id.0 as usize];
        debug_assert_eq!(cell.value.kind(), value.kind(), "the caller fits the value to the kind");
        let writer_before = cell.writer;
        let changed = !cell.value.is_same(&value);
        if changed {
            if !self.batch_is_open {
                self.batch_is_open = true;
                self.generation.0 += 1;
            }
            cell.value = value;
            cell.changed_at = now;
            if cell.generation != self.generation {
                cell.generation_before = cell.generation;
                cell.generation = self.generation;
                self.values.touch(id);
            } else {
                // Twice in one batch: whoever was told before this batch may see a bit that came back.
                cell.generation_before = self.generation;
            }
        }
        if writer_before != writer || cell.quality != quality {
            cell.writer = writer;
            self.set_quality(id, quality, writer_before != writer);
        }
        Written { changed, writer_before }
    }

    /// Changes what is believed of a value without touching it.
    pub fn mark(&mut self, id: SignalId, quality: Quality) {
        self.set_quality(id, quality, false);
    }

    /// The next change opens a new generation.
    pub fn close_batch(&mut self) {
        self.batch_is_open = false;
    }

    /// What changed its value after `told`, newest first.
    pub fn changed_since(&self, told: Generation) -> impl Iterator<Item = SignalId> + '_ {
        self.values
            .newest_first()
            .take_while(move |id| self.cell(*id).generation > told)
    }

    /// What changed its quality or writer after `told`, newest first.
    pub fn requalified_since(&self, told: Generation) -> impl Iterator<Item = SignalId> + '_ {
        self.qualities
            .newest_first()
            .take_while(move |id| self.cell(*id).quality_generation > told)
    }

    fn set_quality(&mut self, id: SignalId, quality: Quality, writer_changed: bool) {
        if self.cells[id.0 as usize].quality == quality && !writer_changed {
            return;
        }
        let generation = self.open_batch();
        let cell = &mut self.cells[id.0 as usize];
        cell.quality = quality;
        cell.quality_generation = generation;
        self.qualities.touch(id);
    }

    fn open_batch(&mut self) -> Generation {
        if !self.batch_is_open {
            self.batch_is_open = true;
            self.generation.0 += 1;
        }
        self.generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(names: &[&str]) -> (SignalSpace, Vec<SignalId>) {
        let mut space = SignalSpace::new(10, 99);
        let ids = names
            .iter()
            .map(|name| space.create(Time::ZERO, name, Owner::Hub, Value::Int(0)).unwrap())
            .collect();
        space.close_batch();
        (space, ids)
    }

    #[test]
    fn an_equal_value_moves_no_generation() {
        let (mut space, ids) = space(&["twin/a/x"]);
        let writer = Writer::Operator(None);
        assert!(
            space
                .write(Time::from_millis(1), ids[0], Value::Int(5), writer, Quality::Good)
                .changed
        );
        space.close_batch();
        let generation = space.generation();
        let again = space.write(Time::from_millis(2), ids[0], Value::Int(5), writer, Quality::Good);
        assert!(!again.changed);
        assert_eq!(space.generation(), generation);
        assert_eq!(space.cell(ids[0]).changed_at, Time::from_millis(1));
    }

    #[test]
    fn one_batch_is_one_generation_and_the_span_holds_exactly_what_changed() {
        let (mut space, ids) = space(&["twin/a/x", "twin/a/y", "twin/a/z"]);
        let told = space.generation();
        space.write(Time::ZERO, ids[2], Value::Int(1), Writer::Route(1), Quality::Good);
        space.write(Time::ZERO, ids[0], Value::Int(1), Writer::Route(1), Quality::Good);
        space.close_batch();
        assert_eq!(space.generation(), Generation(told.0 + 1));
        assert_eq!(space.changed_since(told).collect::<Vec<_>>(), [ids[0], ids[2]]);
    }

    #[test]
    fn losing_a_twin_moves_the_quality_and_no_value() {
        let (mut space, ids) = space(&["twin/a/x"]);
        let told = space.generation();
        space.mark(ids[0], Quality::Stale);
        space.close_batch();
        assert_eq!(space.changed_since(told).count(), 0);
        assert_eq!(space.requalified_since(told).collect::<Vec<_>>(), ids);
        space.mark(ids[0], Quality::Stale);
        space.close_batch();
        assert_eq!(space.generation(), Generation(told.0 + 1));
    }

    #[test]
    fn a_full_space_refuses_the_next_signal() {
        let mut space = SignalSpace::new(1, 99);
        space
            .create(Time::ZERO, "twin/a/x", Owner::Peer, Value::Bool(false))
            .unwrap();
        let refused = space.create(Time::ZERO, "twin/a/y", Owner::Peer, Value::Bool(false));
        assert_eq!(refused, Err(CreateError::Full { limit: 1 }));
        assert!(
            space
                .create(Time::ZERO, "twin/a/x", Owner::Peer, Value::Bool(true))
                .is_ok()
        );
        let other = space.create(Time::ZERO, "twin/a/x", Owner::Peer, Value::Int(0));
        assert!(matches!(other, Err(CreateError::OtherKind { .. })));
    }
}
