//! The tags of one context: the signals that show places of its memory, found by word, and what routes have said to them.

use super::context::Context;
use super::io::is_claimed;
use crate::plc::PlcId;
use crate::replay::REPLAY_ROUTE;
use crate::signal::name::escape_segment;
use crate::signal::{Kind, Quality, SignalId, Value, Writer};
use crate::time::Time;
use crosstie_ladder::address::{Address, CounterMember, IO_WORDS, Region, TimerMember};
use crosstie_ladder::controller::ControllerState;
use crosstie_ladder::data_table::{Cell, CellValue, Place, USED_WORDS, WordIndex};
use crosstie_ladder::instruction::OperandRole;
use crosstie_ladder::program::{Operand, Program, SymbolMap};
use crosstie_ladder::project::IoClaims;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// A signal that shows a place of the memory.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) id: SignalId,
    pub(crate) address: Address,
    pub(crate) place: Place,
    /// What a route has said last.
    pub(crate) fed: Option<Fed>,
    /// How far a device moves it.
    pub(crate) device: ByDevice,
}

/// Whether a device writes a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByDevice {
    /// None does.
    No,
    /// One does, and it answers.
    Up,
    /// One does, and it does not answer: the value is old.
    Lost,
}

/// What a route says to a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fed {
    pub(crate) route: u32,
    pub(crate) value: CellValue,
    /// The quality of its source.
    pub(crate) quality: Quality,
}

/// The signals that say how a context stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StateSignals {
    pub(crate) state: SignalId,
    pub(crate) running: SignalId,
    pub(crate) fault: SignalId,
    pub(crate) scan_us: SignalId,
    pub(crate) overruns: SignalId,
    /// How the link stands, where the engine is elsewhere.
    pub(crate) link: Option<SignalId>,
}

/// The tags of one context.
#[derive(Debug)]
pub(crate) struct Tags {
    /// What the names of its signals begin with: `plc/<context>/`.
    pub(crate) prefix: String,
    list: Vec<Tag>,
    by_word: Box<[Vec<u32>]>,
    by_address: FxHashMap<Address, u32>,
    /// Words of the present border with bits that went and came back, and these bits.
    pub(crate) pulsed: Vec<(WordIndex, u32)>,
    /// What the signals show as quality; `None` before the engine has reported.
    pub(crate) shown: Option<Quality>,
    /// What the outputs drive as routes were told it last.
    pub(crate) driven: [u32; IO_WORDS],
    /// The bits of O that the program writes.
    pub(crate) written: [u32; IO_WORDS],
    /// Feeds since the engine was heard last.
    pub(crate) unheard: usize,
    /// Tags whose newest value waits until the engine is heard again.
    pub(crate) held: BTreeSet<u32>,
    /// Places whose route makes a fault of a stale source, and whose source is stale.
    pub(crate) stale: BTreeSet<Address>,
    /// A fault has been asked for and not been answered.
    pub(crate) fault_asked: bool,
    /// What devices write, and what of it is old because they do not answer.
    devices: Devices,
    pub(crate) signals: Option<StateSignals>,
    /// When the statistics were shown last.
    pub(crate) counted_at: Option<Time>,
}

impl Tags {
    /// No tags yet, for a context of this name.
    pub(crate) fn new(context: &str) -> Tags {
        Tags {
            prefix: format!("plc/{}/", escape_segment(context)),
            list: Vec::new(),
            by_word: vec![Vec::new(); USED_WORDS].into(),
            by_address: FxHashMap::default(),
            pulsed: Vec::new(),
            shown: None,
            driven: [0; IO_WORDS],
            written: [0; IO_WORDS],
            unheard: 0,
            held: BTreeSet::new(),
            stale: BTreeSet::new(),
            fault_asked: false,
            devices: Devices::default(),
            signals: None,
            counted_at: None,
        }
    }

    /// Adds the tag of a place.
    pub(crate) fn add(&mut self, id: SignalId, address: Address, place: Place) -> u32 {
        let index = self.list.len() as u32;
        self.by_word[place.bits().0.get()].push(index);
        self.by_address.insert(address, index);
        self.list.push(Tag {
            id,
            address,
            place,
            fed: None,
            device: self.devices.of(place),
        });
        index
    }

    /// The tag of an address, when it is published.
    pub(crate) fn id_of(&self, address: Address) -> Option<SignalId> {
        self.by_address.get(&address).map(|index| self.list[*index as usize].id)
    }

    /// One tag.
    pub(crate) fn get(&self, index: u32) -> Option<&Tag> {
        self.list.get(index as usize)
    }

    /// The same, to change it.
    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut Tag> {
        self.list.get_mut(index as usize)
    }

    /// Devices write other places, or others of them do not answer. Gives the signals whose quality is another one.
    pub(crate) fn set_devices(
        &mut self,
        lost: IoClaims,
        driven: IoClaims,
        engine: Option<Quality>,
    ) -> Vec<(SignalId, Quality)> {
        let devices = Devices { lost, driven };
        if devices == self.devices {
            return Vec::new();
        }
        self.devices = devices;
        let mut moved = Vec::new();
        for tag in &mut self.list {
            let device = self.devices.of(tag.place);
            if std::mem::replace(&mut tag.device, device) != device
                && let Some(engine) = engine
            {
                moved.push((tag.id, tag.quality(engine)));
            }
        }
        moved
    }

    /// All tags, in the order in which they were published.
    pub(crate) fn all(&self) -> &[Tag] {
        &self.list
    }

    /// The tags that show a word or a part of it.
    pub(crate) fn of_word(&self, word: WordIndex) -> impl Iterator<Item = &Tag> {
        let indexes = self.by_word.get(word.get()).map(Vec::as_slice).unwrap_or_default();
        indexes.iter().map(|index| &self.list[*index as usize])
    }
}

/// What devices write.
#[derive(Debug, Default, PartialEq, Eq)]
struct Devices {
    lost: IoClaims,
    driven: IoClaims,
}

impl Devices {
    fn of(&self, place: Place) -> ByDevice {
        match (is_claimed(&self.driven, place), is_claimed(&self.lost, place)) {
            (false, _) => ByDevice::No,
            (true, false) => ByDevice::Up,
            (true, true) => ByDevice::Lost,
        }
    }
}

impl Tag {
    /// Who has written what the tag shows: the route that said it, where others write; the engine everywhere else.
    pub(crate) fn writer(&self, plc: PlcId, shown: CellValue) -> Writer {
        let is_input = matches!(
            self.place.bits().0.cell(),
            Cell::Word {
                region: Region::Input,
                ..
            }
        );
        match self.fed {
            Some(fed) if is_input && self.device == ByDevice::No && fed.value == shown => match fed.route {
                REPLAY_ROUTE => Writer::Replay,
                route => Writer::Route(route),
            },
            _ => Writer::Plc(plc),
        }
    }

    /// How far it may be believed: as far as its engine, and then as far as its device or what feeds it.
    pub(crate) fn quality(&self, engine: Quality) -> Quality {
        match (engine, self.device, self.fed) {
            (Quality::Good, ByDevice::Lost, _) => Quality::DeviceLost,
            (Quality::Good, ByDevice::No, Some(fed)) => fed.quality,
            _ => engine,
        }
    }

    /// The kind of its values.
    pub(crate) fn kind(&self) -> Kind {
        kind(self.place)
    }

    /// A value of its kind as the memory holds it, which may be less than was said: 32 bits, or 16 for PRE and ACC.
    pub(crate) fn fit(&self, value: &Value) -> Option<CellValue> {
        let saturated = |number: i64, low: i64, high: i64| Some(CellValue::Word(number.clamp(low, high) as i32));
        match (self.place, value) {
            (Place::Bit(..), Value::Bool(on)) => Some(CellValue::Bit(*on)),
            (Place::Word(_), Value::Int(number)) => saturated(*number, i32::MIN.into(), i32::MAX.into()),
            (Place::Short(_), Value::Int(number)) => saturated(*number, i16::MIN.into(), i16::MAX.into()),
            _ => None,
        }
    }

    /// 0, or off.
    pub(crate) fn zero(&self) -> CellValue {
        self.place.value(0)
    }
}

impl Context {
    /// How far the memory may be believed.
    pub(crate) fn quality(&self) -> Quality {
        if self.is_lost {
            return Quality::PlcUnreachable;
        }
        match self.state {
            ControllerState::Running => Quality::Good,
            ControllerState::Stopped => Quality::PlcStopped,
            ControllerState::Paused => Quality::PlcPaused,
            ControllerState::Stepping => Quality::PlcStepping,
            ControllerState::Fault => Quality::PlcFault(self.plc),
        }
    }
}

/// The kind of the values of a place.
pub(crate) fn kind(place: Place) -> Kind {
    match place {
        Place::Bit(..) => Kind::Bool,
        Place::Word(_) | Place::Short(_) => Kind::Int,
    }
}

/// What a place holds, as a value of its signal.
pub(crate) fn as_value(value: CellValue) -> Value {
    match value {
        CellValue::Bit(on) => Value::Bool(on),
        CellValue::Word(number) => Value::Int(i64::from(number)),
    }
}

/// A place itself, or the members of a timer or counter that is named as a whole.
pub(crate) fn members(address: Address) -> Vec<Address> {
    match address {
        Address::Timer { timer } => TimerMember::ALL
            .into_iter()
            .map(|member| Address::TimerMember { timer, member })
            .collect(),
        Address::Counter { counter } => CounterMember::ALL
            .into_iter()
            .map(|member| Address::CounterMember { counter, member })
            .collect(),
        one => vec![one],
    }
}

/// Every place that the operands of a program name.
pub(crate) fn named(program: &Program) -> BTreeSet<Address> {
    let symbols = program.symbol_map();
    let mut found = BTreeSet::new();
    let mut take = |operands: &[Operand]| {
        let addresses = operands.iter().filter_map(|operand| operand.address(&symbols));
        found.extend(addresses.flat_map(members));
    };
    for (_, instruction) in program.instructions() {
        take(&instruction.operands);
        instruction
            .decorators
            .iter()
            .for_each(|decorator| take(&decorator.operands));
    }
    found
}

/// The bits of O that a program writes.
pub(crate) fn written_outputs(program: &Program) -> [u32; IO_WORDS] {
    let symbols: SymbolMap<'_> = program.symbol_map();
    let mut written = [0; IO_WORDS];
    for (_, instruction) in program.instructions() {
        for (spec, operand) in instruction.kind.operands().iter().zip(&instruction.operands) {
            let (word, bits) = match (spec.role, operand.address(&symbols)) {
                (OperandRole::OutputBit, Some(address)) => match Place::of(address) {
                    Some(place) => place.bits(),
                    None => continue,
                },
                // A bit means its word.
                (
                    OperandRole::Destination | OperandRole::MoveDestination,
                    Some(Address::Word { region, word } | Address::Bit { region, word, .. }),
                ) => (WordIndex::of(region, word), u32::MAX),
                _ => continue,
            };
            if let Some(output) = output_word(word) {
                written[output] |= bits;
            }
        }
    }
    written
}

/// Which word of O a word of the memory is.
pub(crate) fn output_word(word: WordIndex) -> Option<usize> {
    match word.cell() {
        Cell::Word {
            region: Region::Output,
            word,
        } => Some(usize::from(word)),
        _ => None,
    }
}
