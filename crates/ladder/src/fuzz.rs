//! What the readers promise for any input, as plain functions that a fuzzer and the tests call.

use crate::address::{Address, Symbol};
use crate::check::check;
use crate::compile::{CompiledProgram, RunMemory};
use crate::data_table::DataTable;
use crate::program::Program;
use crate::{scan_table, slots, text};

/// Panics when an address is read that does not read back from its own text, or that is a symbol too.
pub fn address(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let is_symbol = Symbol::is_valid(&text);
    match Address::parse(&text) {
        Ok(address) => {
            assert!(!is_symbol, "{text} is an address and a symbol");
            assert_eq!(Address::parse(&address.to_string()), Ok(address));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Panics when a program is read that does not read back from its own text, or that cannot be checked, compiled or run without
/// a panic.
pub fn program(data: &[u8]) {
    let source = String::from_utf8_lossy(data);
    let Ok(mut program) = text::read(&source) else { return };
    let written = text::write(&program);
    let read = text::read(&written).map(Program::without_places);
    assert_eq!(read.as_ref(), Ok(&program.clone().without_places()), "{written}");
    check(&program);
    slots::assign_slots(&mut program);
    let Ok(compiled) = CompiledProgram::new(&program) else {
        return;
    };
    let (mut table, mut memory) = (DataTable::new(), RunMemory::new(&compiled));
    let mut flow = compiled.power_flow();
    compiled.load_presets(&mut table);
    compiled.run(0..compiled.rungs(), &mut table, &mut memory, u32::MAX, None);
    compiled.run(0..compiled.rungs(), &mut table, &mut memory, u32::MAX, Some(&mut flow));
}

/// Panics when a scan table cannot be read or run without a panic.
pub fn scan_table(data: &[u8]) {
    for case in scan_table::read(&String::from_utf8_lossy(data)).unwrap_or_default() {
        let _ = case.run();
    }
}
