//! Modbus TCP servers, as the project says them, and which place of a memory stands under which address.

use super::LOOPBACK;
use crosstie_ladder::address::{Address, COUNTERS, Region, TIMERS};
use crosstie_ladder::data_table::Place;
use std::net::{IpAddr, SocketAddr};

/// Addresses of one table of Modbus.
pub(super) const TABLE_LEN: usize = 65_536;

/// Bits of a word of the memory.
const WORD_BITS: u8 = 32;

/// `[[modbus]]`: a Modbus TCP server that shows places of one PLC context (PL-72).
#[derive(Clone, Debug)]
pub struct ModbusConfig {
    /// Unique; what people and metrics call it.
    pub name: String,
    /// Address as the project says it.
    pub bind: IpAddr,
    /// Port as the project says it; 0 lets the system choose.
    pub port: u16,
    /// Where to listen: `bind` and `port` with the offset added.
    pub address: SocketAddr,
    /// The unit that is answered besides 0 and 255, which stand for the server itself: 1 to 247.
    pub unit: u8,
    /// Name or id of the context; `None` for the first one.
    pub context: Option<String>,
    /// Nothing can be written.
    pub read_only: bool,
    /// Clients at a time: 1 to 256. One more is closed at once.
    pub clients_max: usize,
    /// Which place stands where.
    pub maps: ModbusMaps,
}

impl ModbusConfig {
    /// A server of this name with every setting at its default.
    pub fn named(name: &str) -> ModbusConfig {
        let (bind, port) = (LOOPBACK, 502);
        ModbusConfig {
            name: name.to_owned(),
            bind,
            port,
            address: SocketAddr::new(bind, port),
            unit: 1,
            context: None,
            read_only: false,
            clients_max: 16,
            maps: ModbusMaps::default(),
        }
    }
}

/// One of the four tables of Modbus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModbusTable {
    /// Bits that clients read.
    DiscreteInputs,
    /// Bits that clients read and write.
    Coils,
    /// Registers that clients read.
    InputRegisters,
    /// Registers that clients read and write.
    HoldingRegisters,
}

impl ModbusTable {
    /// All four.
    pub const ALL: [ModbusTable; 4] = [
        ModbusTable::DiscreteInputs,
        ModbusTable::Coils,
        ModbusTable::InputRegisters,
        ModbusTable::HoldingRegisters,
    ];

    /// Its key in the project file.
    pub const fn key(self) -> &'static str {
        match self {
            ModbusTable::DiscreteInputs => "discrete_inputs",
            ModbusTable::Coils => "coils",
            ModbusTable::InputRegisters => "input_registers",
            ModbusTable::HoldingRegisters => "holding_registers",
        }
    }

    /// Its cells are bits, not registers.
    pub const fn is_bits(self) -> bool {
        matches!(self, ModbusTable::DiscreteInputs | ModbusTable::Coils)
    }
}

/// What stands in the four tables.
#[derive(Clone, Debug)]
pub struct ModbusMaps {
    discrete_inputs: ModbusMap,
    coils: ModbusMap,
    input_registers: ModbusMap,
    holding_registers: ModbusMap,
}

impl Default for ModbusMaps {
    /// Discrete inputs 0–15 are `I:0/0`–15, coils 0–15 are `O:0/0`–15, input registers 0–7 are `N:0`–7, and holding registers 0–7
    /// are `N:10`–17.
    fn default() -> ModbusMaps {
        let bits = |region| first_cells(16, |bit| Address::Bit { region, word: 0, bit });
        let words = |from: u8| {
            first_cells(8, |word| Address::Word {
                region: Region::Integer,
                word: from + word,
            })
        };
        ModbusMaps {
            discrete_inputs: bits(Region::Input),
            coils: bits(Region::Output),
            input_registers: words(0),
            holding_registers: words(10),
        }
    }
}

fn first_cells(count: u8, place: impl Fn(u8) -> Address) -> ModbusMap {
    ModbusMap {
        cells: (0..count).map(|at| (u16::from(at), place(at))).collect(),
    }
}

impl ModbusMaps {
    /// What stands in a table.
    pub fn of(&self, table: ModbusTable) -> &ModbusMap {
        match table {
            ModbusTable::DiscreteInputs => &self.discrete_inputs,
            ModbusTable::Coils => &self.coils,
            ModbusTable::InputRegisters => &self.input_registers,
            ModbusTable::HoldingRegisters => &self.holding_registers,
        }
    }

    pub(super) fn set(&mut self, table: ModbusTable, map: ModbusMap) {
        match table {
            ModbusTable::DiscreteInputs => self.discrete_inputs = map,
            ModbusTable::Coils => self.coils = map,
            ModbusTable::InputRegisters => self.input_registers = map,
            ModbusTable::HoldingRegisters => self.holding_registers = map,
        }
    }
}

/// The places of one table, by ascending Modbus address; no address is there twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModbusMap {
    cells: Vec<(u16, Address)>,
}

impl ModbusMap {
    /// The places of consecutive addresses; `None` when one of them has none.
    pub fn range(&self, start: u16, count: u16) -> Option<&[(u16, Address)]> {
        let from = self.cells.binary_search_by_key(&start, |(at, _)| *at).ok()?;
        let cells = self.cells.get(from..from + usize::from(count))?;
        // The addresses ascend, so the last one stands this far away only when none is missing.
        let last = cells.last()?.0;
        (usize::from(last) - usize::from(start) == cells.len() - 1).then_some(cells)
    }

    /// Adds cells; gives an address that is taken already, and then nothing is added.
    pub(super) fn add(&mut self, first: u16, places: &[Address]) -> Result<(), u16> {
        let end = usize::from(first) + places.len();
        let at = self.cells.partition_point(|(taken, _)| *taken < first);
        if let Some((taken, _)) = self.cells.get(at).filter(|(taken, _)| usize::from(*taken) < end) {
            return Err(*taken);
        }
        let cells = (first..=u16::MAX).zip(places.iter().copied());
        self.cells.splice(at..at, cells);
        Ok(())
    }
}

/// The places from one on: the bits of a word and then those of the next, words, the same member of the next timer or counter.
/// `None` when there are not so many.
pub(super) fn places_from(first: Address, count: usize) -> Option<Vec<Address>> {
    let mut place = Some(first);
    let mut places = Vec::new();
    for _ in 0..count {
        let here = place?;
        places.push(here);
        place = next(here);
    }
    Some(places)
}

fn next(place: Address) -> Option<Address> {
    match place {
        Address::Bit { region, word, bit } if bit + 1 < WORD_BITS => Some(Address::Bit {
            region,
            word,
            bit: bit + 1,
        }),
        Address::Bit { region, word, .. } => Some(Address::Bit {
            region,
            word: next_of(word, region.words())?,
            bit: 0,
        }),
        Address::Word { region, word } => Some(Address::Word {
            region,
            word: next_of(word, region.words())?,
        }),
        Address::TimerMember { timer, member } => Some(Address::TimerMember {
            timer: next_of(timer, TIMERS)?,
            member,
        }),
        Address::CounterMember { counter, member } => Some(Address::CounterMember {
            counter: next_of(counter, COUNTERS)?,
            member,
        }),
        Address::Timer { .. } | Address::Counter { .. } => None,
    }
}

fn next_of(number: u8, count: usize) -> Option<u8> {
    let next = number.checked_add(1)?;
    (usize::from(next) < count).then_some(next)
}

/// Whether a place can stand in a table: bits in tables of bits, numbers in tables of registers. The words of I, O and B are 32 bits
/// and no number, so they stand in none.
pub(super) fn fits(table: ModbusTable, place: Address) -> bool {
    match Place::of(place) {
        Some(Place::Bit(..)) => table.is_bits(),
        Some(Place::Short(_)) => !table.is_bits(),
        Some(Place::Word(_)) => {
            !table.is_bits()
                && matches!(
                    place,
                    Address::Word {
                        region: Region::Integer,
                        ..
                    }
                )
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn last_of(first: &str, count: usize) -> Option<String> {
        let places = places_from(address(first), count)?;
        assert_eq!(places.len(), count);
        places.last().map(ToString::to_string)
    }

    #[test]
    fn places_follow_each_other_to_the_end_of_their_region() {
        let last = |first, count| last_of(first, count).unwrap_or_default();
        assert_eq!(last("I:0/30", 4), "I:1/1");
        assert_eq!(last("B:63/31", 1), "B:63/31");
        assert_eq!(last_of("B:63/31", 2), None);
        assert_eq!(last("N:10", 8), "N:17");
        assert_eq!(last("N:0", 256), "N:255");
        assert_eq!(last_of("N:0", 257), None);
        assert_eq!(last("T:0.ACC", 64), "T:63.ACC");
        assert_eq!(last_of("C:1.PRE", 64), None);
    }

    #[test]
    fn a_range_holds_only_where_every_address_has_a_place() {
        let mut map = ModbusMap::default();
        let places = places_from(address("N:0"), 4).unwrap();
        assert_eq!(map.add(100, &places), Ok(()));
        assert_eq!(map.add(10, &places), Ok(()));
        assert_eq!(map.add(98, &places), Err(100));
        assert_eq!(map.add(103, &places), Err(103));
        assert_eq!(map.add(104, &places), Ok(()));
        assert_eq!(map.add(u16::MAX, &places[..1]), Ok(()));
        assert_eq!(map.range(100, 8).map(<[_]>::len), Some(8));
        assert_eq!(map.range(100, 9), None);
        assert_eq!(map.range(13, 2), None);
        assert_eq!(map.range(9, 1), None);
        assert_eq!(map.range(u16::MAX, 1).map(<[_]>::len), Some(1));
        assert_eq!(map.range(u16::MAX, 2), None);
        assert_eq!(map.range(10, 4).unwrap()[3], (13, address("N:3")));
    }

    #[test]
    fn pl72_the_default_map() {
        let maps = ModbusMaps::default();
        let cell = |table, at| maps.of(table).range(at, 1).map(|cells| cells[0].1.to_string());
        let shown = |table, at| cell(table, at).unwrap_or_default();
        assert_eq!(shown(ModbusTable::DiscreteInputs, 15), "I:0/15");
        assert_eq!(shown(ModbusTable::Coils, 0), "O:0/0");
        assert_eq!(shown(ModbusTable::InputRegisters, 7), "N:7");
        assert_eq!(shown(ModbusTable::HoldingRegisters, 0), "N:10");
        assert_eq!(shown(ModbusTable::HoldingRegisters, 7), "N:17");
        for table in ModbusTable::ALL {
            assert_eq!(cell(table, if table.is_bits() { 16 } else { 8 }), None);
        }
    }

    #[test]
    fn tables_hold_what_they_can_show() {
        assert!(fits(ModbusTable::Coils, address("N:5/3")) && fits(ModbusTable::Coils, address("T:1.DN")));
        assert!(fits(ModbusTable::InputRegisters, address("C:1.ACC")));
        for (table, place) in [
            (ModbusTable::Coils, "N:5"),
            (ModbusTable::Coils, "T:1"),
            (ModbusTable::HoldingRegisters, "B:3"),
            (ModbusTable::HoldingRegisters, "B:3/1"),
        ] {
            assert!(!fits(table, address(place)), "{place}");
        }
    }
}
