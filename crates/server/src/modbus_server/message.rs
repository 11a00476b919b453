//! Messages of Modbus: what a request asks for in the memory of a PLC, and the bytes of its answer.
//!
//! Checks come in the order of the Modbus specification: the function, then quantity and length, then the addresses.

use crosstie_ladder::address::Address;
use crosstie_ladder::data_table::{CellValue, Place};

use crate::config::{ModbusConfig, ModbusTable};

const READ_COILS: u8 = 1;
const READ_DISCRETE_INPUTS: u8 = 2;
const READ_HOLDING_REGISTERS: u8 = 3;
const READ_INPUT_REGISTERS: u8 = 4;
const WRITE_COIL: u8 = 5;
const WRITE_REGISTER: u8 = 6;
const WRITE_COILS: u8 = 15;
const WRITE_REGISTERS: u8 = 16;

/// What a client gets at most in one answer, and writes at most in one request, as Modbus has it.
const READ_BITS_MAX: u16 = 2_000;
const READ_REGISTERS_MAX: u16 = 125;
const WRITE_BITS_MAX: u16 = 1_968;
const WRITE_REGISTERS_MAX: u16 = 123;

/// On and off in a request that writes one coil.
const COIL_ON: u16 = 0xFF00;
const COIL_OFF: u16 = 0;

/// The units that stand for the server itself.
const OWN_UNITS: [u8; 2] = [0, 255];

/// This bit of the function code says that the answer is an exception.
const EXCEPTION_BIT: u8 = 0x80;

/// Bytes of the function code, a first address and a quantity or value: the head of every request, and the whole answer to a
/// write.
const REQUEST_HEAD_LEN: usize = 5;

/// Why a request is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exception {
    /// 1: no such function here, or a write to a server that can only be read.
    Function,
    /// 2: not every address has a place.
    Address,
    /// 3: a quantity, a length or a value that cannot be.
    Value,
    /// 4: the engine has not taken it.
    Failure,
    /// 6: the hub has more to do than it can answer.
    Busy,
    /// 11: nobody is there under this unit.
    NoTarget,
}

impl Exception {
    pub(super) const ALL: [Exception; 6] = [
        Exception::Function,
        Exception::Address,
        Exception::Value,
        Exception::Failure,
        Exception::Busy,
        Exception::NoTarget,
    ];

    /// Its number on the wire.
    pub(super) const fn code(self) -> u8 {
        match self {
            Exception::Function => 1,
            Exception::Address => 2,
            Exception::Value => 3,
            Exception::Failure => 4,
            Exception::Busy => 6,
            Exception::NoTarget => 11,
        }
    }

    /// The answer to a request.
    pub(super) fn answer(self, request: &[u8]) -> Vec<u8> {
        let function = request.first().copied().unwrap_or_default();
        vec![function | EXCEPTION_BIT, self.code()]
    }
}

/// What is to be done for a request.
#[derive(Debug, PartialEq)]
pub(super) enum Plan<'a> {
    /// Show these places.
    Read(&'a [(u16, Address)]),
    /// Write these places, all at once.
    Write(Vec<(Address, CellValue)>),
}

/// What a request to a unit asks for.
pub(super) fn plan<'a>(config: &'a ModbusConfig, unit: u8, request: &[u8]) -> Result<Plan<'a>, Exception> {
    if unit != config.unit && !OWN_UNITS.contains(&unit) {
        return Err(Exception::NoTarget);
    }
    let (function, rest) = request.split_first().ok_or(Exception::Function)?;
    match *function {
        READ_COILS => read(config, ModbusTable::Coils, rest),
        READ_DISCRETE_INPUTS => read(config, ModbusTable::DiscreteInputs, rest),
        READ_HOLDING_REGISTERS => read(config, ModbusTable::HoldingRegisters, rest),
        READ_INPUT_REGISTERS => read(config, ModbusTable::InputRegisters, rest),
        WRITE_COIL | WRITE_REGISTER | WRITE_COILS | WRITE_REGISTERS if config.read_only => Err(Exception::Function),
        WRITE_COIL => write_coil(config, rest),
        WRITE_REGISTER => {
            let (start, value) = two_words(rest).filter(|_| rest.len() == 4).ok_or(Exception::Value)?;
            write(config, ModbusTable::HoldingRegisters, start, &[value])
        }
        WRITE_COILS => write_coils(config, rest),
        WRITE_REGISTERS => write_registers(config, rest),
        _ => Err(Exception::Function),
    }
}

fn read<'a>(config: &'a ModbusConfig, table: ModbusTable, rest: &[u8]) -> Result<Plan<'a>, Exception> {
    let limit = match table.is_bits() {
        true => READ_BITS_MAX,
        false => READ_REGISTERS_MAX,
    };
    let (start, count) = two_words(rest).filter(|_| rest.len() == 4).ok_or(Exception::Value)?;
    if !(1..=limit).contains(&count) {
        return Err(Exception::Value);
    }
    let cells = config.maps.of(table).range(start, count);
    cells.map(Plan::Read).ok_or(Exception::Address)
}

fn write_coil<'a>(config: &'a ModbusConfig, rest: &[u8]) -> Result<Plan<'a>, Exception> {
    let (start, value) = two_words(rest).filter(|_| rest.len() == 4).ok_or(Exception::Value)?;
    let on = match value {
        COIL_ON => 1,
        COIL_OFF => 0,
        _ => return Err(Exception::Value),
    };
    write(config, ModbusTable::Coils, start, &[on])
}

fn write_coils<'a>(config: &'a ModbusConfig, rest: &[u8]) -> Result<Plan<'a>, Exception> {
    let (start, count, bytes) = several(rest, WRITE_BITS_MAX, |count| count.div_ceil(8))?;
    let bit = |at: u16| u16::from(bytes[usize::from(at / 8)] >> (at % 8) & 1);
    let values: Vec<u16> = (0..count).map(bit).collect();
    write(config, ModbusTable::Coils, start, &values)
}

fn write_registers<'a>(config: &'a ModbusConfig, rest: &[u8]) -> Result<Plan<'a>, Exception> {
    let (start, _, bytes) = several(rest, WRITE_REGISTERS_MAX, |count| count * 2)?;
    let pairs = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    write(
        config,
        ModbusTable::HoldingRegisters,
        start,
        &pairs.collect::<Vec<u16>>(),
    )
}

/// First address, quantity and bytes of a request that writes several cells; `len_of` says how many bytes a quantity has.
fn several(rest: &[u8], limit: u16, len_of: fn(u16) -> u16) -> Result<(u16, u16, &[u8]), Exception> {
    let (start, count) = two_words(rest).ok_or(Exception::Value)?;
    let (told, bytes) = rest.get(4..).and_then(<[u8]>::split_first).ok_or(Exception::Value)?;
    let is_whole = (1..=limit).contains(&count) && u16::from(*told) == len_of(count);
    match is_whole && bytes.len() == usize::from(*told) {
        true => Ok((start, count, bytes)),
        false => Err(Exception::Value),
    }
}

fn write<'a>(config: &'a ModbusConfig, table: ModbusTable, start: u16, values: &[u16]) -> Result<Plan<'a>, Exception> {
    let count = u16::try_from(values.len()).map_err(|_| Exception::Value)?;
    let cells = config.maps.of(table).range(start, count).ok_or(Exception::Address)?;
    let value = |value: u16| match table.is_bits() {
        true => CellValue::Bit(value != 0),
        false => CellValue::Word(i32::from(value.cast_signed())),
    };
    let writes = cells.iter().zip(values);
    Ok(Plan::Write(
        writes.map(|((_, place), raw)| (*place, value(*raw))).collect(),
    ))
}

/// The first two words of a request: its first address, and its quantity or value.
fn two_words(rest: &[u8]) -> Option<(u16, u16)> {
    let (first, rest) = rest.split_first_chunk()?;
    let (second, _) = rest.split_first_chunk()?;
    Some((u16::from_be_bytes(*first), u16::from_be_bytes(*second)))
}

/// The answer to a write that was done: the head of the request again.
pub(super) fn written(request: &[u8]) -> Vec<u8> {
    request[..request.len().min(REQUEST_HEAD_LEN)].to_vec()
}

/// The answer to a request that reads these cells, out of the words of a memory.
pub(super) fn shown(request: &[u8], cells: &[(u16, Address)], words: &[u32]) -> Vec<u8> {
    let function = request.first().copied().unwrap_or_default();
    let values = cells.iter().map(|(_, address)| value_at(*address, words));
    let mut bytes = Vec::with_capacity(2 + cells.len() * 2);
    bytes.extend([function, 0]);
    if matches!(function, READ_COILS | READ_DISCRETE_INPUTS) {
        bytes.resize(2 + cells.len().div_ceil(8), 0);
        for (at, value) in values.enumerate() {
            bytes[2 + at / 8] |= u8::from(value != CellValue::Bit(false)) << (at % 8);
        }
    } else {
        values.for_each(|value| bytes.extend(register(value).to_be_bytes()));
    }
    // At most 250: the quantities of Modbus are made so that it fits.
    bytes[1] = (bytes.len() - 2) as u8;
    bytes
}

fn value_at(address: Address, words: &[u32]) -> CellValue {
    let place = Place::of(address);
    let word = place.and_then(|place| words.get(place.bits().0.get()));
    match (place, word) {
        (Some(place), Some(word)) => place.value(*word),
        // The project was checked for such addresses.
        _ => CellValue::Bit(false),
    }
}

/// A number of 32 bits in a register of 16: the nearest one that fits. Its low half alone would be another number, such as -1 for
/// 65 535.
fn register(value: CellValue) -> u16 {
    let number = match value {
        CellValue::Bit(on) => i32::from(on),
        CellValue::Word(number) => number,
    };
    let fitted = number.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
    fitted.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstie_ladder::data_table::{DataTable, USED_WORDS};
    use proptest::prelude::*;

    fn config() -> ModbusConfig {
        ModbusConfig::named("cell")
    }

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[track_caller]
    fn refused(request: &[u8], expected: Exception) {
        assert_eq!(plan(&config(), 1, request), Err(expected), "{request:02x?}");
    }

    /// The answer to a request that reads, over a memory with some values.
    fn answer(request: &[u8]) -> Vec<u8> {
        let mut table = DataTable::new();
        let mut set = |place: &str, value| table.write(address(place), value).unwrap();
        set("I:0/0", CellValue::Bit(true));
        set("I:0/9", CellValue::Bit(true));
        set("O:0/3", CellValue::Bit(true));
        set("N:0", CellValue::Word(-2));
        set("N:1", CellValue::Word(40_000));
        set("N:2", CellValue::Word(i32::MIN));
        set("N:10", CellValue::Word(0x1234));
        let config = config();
        let Ok(Plan::Read(cells)) = plan(&config, 1, request) else {
            panic!("{request:02x?} reads")
        };
        shown(request, cells, &table.words()[..USED_WORDS])
    }

    #[test]
    fn pl72_every_function_that_reads() {
        assert_eq!(answer(&[2, 0, 0, 0, 10]), [2, 2, 0b1, 0b10]);
        assert_eq!(answer(&[2, 0, 9, 0, 1]), [2, 1, 1]);
        assert_eq!(answer(&[1, 0, 0, 0, 16]), [1, 2, 0b1000, 0]);
        assert_eq!(answer(&[3, 0, 0, 0, 1]), [3, 2, 0x12, 0x34]);
        assert_eq!(answer(&[4, 0, 0, 0, 1]), [4, 2, 0xFF, 0xFE]);
    }

    #[test]
    fn pl72_a_number_beyond_a_register_is_the_nearest_that_fits() {
        assert_eq!(answer(&[4, 0, 1, 0, 2]), [4, 4, 0x7F, 0xFF, 0x80, 0]);
    }

    #[test]
    fn pl72_every_function_that_writes() {
        let writes = |request: &[u8], expected: &[(&str, CellValue)]| {
            let expected = expected.iter().map(|(place, value)| (address(place), *value));
            let config = config();
            assert_eq!(plan(&config, 1, request), Ok(Plan::Write(expected.collect())));
            assert_eq!(written(request), request[..5]);
        };
        let (on, off) = (CellValue::Bit(true), CellValue::Bit(false));
        writes(&[5, 0, 2, 0xFF, 0], &[("O:0/2", on)]);
        writes(&[5, 0, 2, 0, 0], &[("O:0/2", off)]);
        writes(&[6, 0, 0, 0xFF, 0xFF], &[("N:10", CellValue::Word(-1))]);
        writes(&[15, 0, 1, 0, 2, 1, 0b10], &[("O:0/1", off), ("O:0/2", on)]);
        let words = [("N:11", CellValue::Word(1)), ("N:12", CellValue::Word(0x7FFF))];
        writes(&[16, 0, 1, 0, 2, 4, 0, 1, 0x7F, 0xFF], &words);
    }

    #[test]
    fn pl72_the_exceptions() {
        for function in [0, 7, 8, 11, 17, 20, 21, 22, 23, 24, 43, 0x83, 255] {
            refused(&[function, 0, 0, 0, 1], Exception::Function);
        }
        // Quantity and length come before the addresses.
        refused(&[3, 0xFF, 0xFF, 0, 126], Exception::Value);
        refused(&[1, 0, 0, 7, 209], Exception::Value);
        for wrong in [
            &[1, 0, 0, 0, 0][..],
            &[2, 0, 0, 0],
            &[4, 0, 0, 0, 1, 0],
            &[5, 0, 0, 0, 1],
            &[5, 0, 0, 0xFF, 0, 0],
            &[6, 0, 0, 0],
            &[15, 0, 0, 0, 9, 1, 0],
            &[15, 0, 0, 0, 8, 1],
            &[15, 0, 0, 0, 0, 0],
            &[15, 0, 0, 0],
            &[16, 0, 0, 0, 1, 2, 0],
            &[16, 0, 0, 0, 1, 1, 0],
            &[16, 0, 0, 0, 124, 248],
        ] {
            refused(wrong, Exception::Value);
        }
        for beyond in [
            &[2, 0, 0, 0, 17][..],
            &[1, 0, 15, 0, 2],
            &[4, 0, 8, 0, 1],
            &[3, 0xFF, 0xFF, 0, 2],
            &[5, 0, 16, 0, 0],
            &[6, 0, 8, 0, 0],
            &[15, 0, 15, 0, 2, 1, 0],
            &[16, 0, 7, 0, 2, 4, 0, 0, 0, 0],
        ] {
            refused(beyond, Exception::Address);
        }
        assert_eq!(Exception::Address.answer(&[3, 0, 8, 0, 1]), [0x83, 2]);
    }

    #[test]
    fn pl72_a_unit_of_somebody_else_is_not_there() {
        let config = ModbusConfig { unit: 17, ..config() };
        let request = [3, 0, 0, 0, 1];
        for (unit, is_answered) in [
            (17, true),
            (0, true),
            (255, true),
            (1, false),
            (16, false),
            (254, false),
        ] {
            assert_eq!(plan(&config, unit, &request).is_ok(), is_answered, "{unit}");
        }
        assert_eq!(plan(&config, 1, &request), Err(Exception::NoTarget));
    }

    #[test]
    fn a_server_that_can_only_be_read_knows_no_function_that_writes() {
        let config = ModbusConfig {
            read_only: true,
            ..config()
        };
        assert!(plan(&config, 1, &[3, 0, 0, 0, 1]).is_ok());
        for request in [
            &[5, 0, 2, 0xFF, 0][..],
            &[6, 0, 0, 0, 1],
            &[15, 0, 1, 0, 2, 1, 2],
            &[16, 0, 1, 0, 1, 2, 0, 1],
        ] {
            assert_eq!(plan(&config, 1, request), Err(Exception::Function));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(unit: u8, request in prop::collection::vec(any::<u8>(), 1..=253)) {
            let config = config();
            let answer = match plan(&config, unit, &request) {
                Ok(Plan::Read(cells)) => shown(&request, cells, &[]),
                Ok(Plan::Write(writes)) => {
                    prop_assert!(!writes.is_empty());
                    written(&request)
                }
                Err(exception) => exception.answer(&request),
            };
            prop_assert!((2..=253).contains(&answer.len()));
        }

        #[test]
        fn what_looks_like_a_request_makes_it_panic_no_more(
            function in prop::sample::select(vec![1_u8, 2, 3, 4, 5, 6, 15, 16]),
            start in 0_u16..20,
            count in 0_u16..20,
            rest in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let config = config();
            let mut request = vec![function];
            request.extend(start.to_be_bytes());
            request.extend(count.to_be_bytes());
            request.extend(rest);
            if let Ok(Plan::Read(cells)) = plan(&config, 1, &request) {
                prop_assert_eq!(cells.len(), usize::from(count));
            }
        }
    }
}
