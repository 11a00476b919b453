//! What the readers promise for any input, as plain functions that a fuzzer and the tests call.

use crate::address::{Address, Symbol};
use crate::check::check;
use crate::compile::{CompiledProgram, RunMemory};
use crate::data_table::DataTable;
use crate::diagnostic::Diagnostic;
use crate::program::Program;
use crate::project::{IoConfig, MultiProject, Project, read_multi_project, read_project};
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
    slots::assign_slots(&mut program);
    run(&program);
}

/// Checks, compiles and runs a program.
fn run(program: &Program) {
    check(program);
    let Ok(compiled) = CompiledProgram::new(program) else {
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

/// Panics when a project is read that does not read back from what is written, that is written in two ways, or whose program
/// cannot be checked, compiled or run without a panic.
pub fn plcproj(data: &[u8]) {
    let source = String::from_utf8_lossy(data);
    let project = match read_project(&source) {
        Ok(project) => project,
        Err(problems) => return told(&problems),
    };
    run(&project.program);
    let project = project.without_places();
    let written = project.write();
    let read = read_project(&written).map(Project::without_places);
    assert_eq!(read.as_ref(), Ok(&project), "{written}");
    assert_eq!(read.map(|read| read.write()).as_ref(), Ok(&written));
}

/// The same for a project of several contexts.
pub fn mplcproj(data: &[u8]) {
    let source = String::from_utf8_lossy(data);
    let project = match read_multi_project(&source) {
        Ok(project) => project.without_places(),
        Err(problems) => return told(&problems),
    };
    let written = project.write();
    let read = read_multi_project(&written).map(MultiProject::without_places);
    assert_eq!(read.as_ref(), Ok(&project), "{written}");
    assert_eq!(read.map(|read| read.write()).as_ref(), Ok(&written));
}

/// A refusal has a reason, and each has words.
fn told(problems: &[Diagnostic]) {
    assert!(!problems.is_empty());
    assert!(
        problems
            .iter()
            .all(|problem| problem.code.is_refusal() && !problem.text.is_empty())
    );
}

/// Panics when an I/O configuration is read that does not read back from its wire form, or is refused without a reason.
pub fn ioconfig(data: &[u8]) {
    let Ok(json) = serde_json::from_slice(data) else { return };
    match IoConfig::from_json(&json) {
        Ok(config) => {
            let plain = IoConfig {
                ignored: Vec::new(),
                ..config
            };
            assert!(!plain.provider_name().is_empty());
            assert_eq!(IoConfig::from_json(&plain.to_wire()), Ok(plain));
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            assert!(errors.iter().all(|error| !error.text.is_empty()));
        }
    }
}
