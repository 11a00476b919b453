//! From the document to the flat form: everything that can be wrong is found here, and all of it at once (PL-41, PL-63).

mod emit;
mod resolve;

use crate::address::Address;
use crate::data_table::{DataTable, Place, WordIndex};
use crate::diagnostic::Diagnostic;
use crate::fault::Fault;
use crate::flat::{Flat, Machine};
use crate::instruction::decorator::Memory;
use crate::power_flow::PowerFlow;
use crate::program::Program;
use std::ops::Range;

/// A program that can be executed.
///
/// It is made once, holds no state of a run, and is not changed by one.
#[derive(Debug, Clone)]
pub struct CompiledProgram {
    flat: Flat,
    /// How many one-shot and debounce memories a run needs.
    memories: usize,
    /// What every start loads, in the order of the document (PL-33).
    presets: Vec<(WordIndex, i32)>,
    instructions: usize,
    /// How many of them stand in each rung.
    rung_instructions: Box<[u32]>,
    warnings: Vec<Diagnostic>,
}

impl CompiledProgram {
    /// Compiles a document.
    ///
    /// # Errors
    ///
    /// All reasons why it cannot run, in the order of the document.
    pub fn new(program: &Program) -> Result<CompiledProgram, Vec<Diagnostic>> {
        let resolved = resolve::program(program)?;
        let flat = emit::flat(&resolved);
        Ok(CompiledProgram {
            flat,
            memories: resolved.debounce_us.len(),
            presets: resolved.presets,
            instructions: resolved.instructions as usize,
            rung_instructions: resolved.rung_instructions.into(),
            warnings: resolved.warnings,
        })
    }

    /// What was changed to make it run: presets that were clamped (W003).
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// How many rungs it has.
    pub fn rungs(&self) -> usize {
        self.flat.plain.rungs.len()
    }

    /// How many instructions it has.
    pub fn instructions(&self) -> usize {
        self.instructions
    }

    /// How many instructions each rung has, in order. A contact with decorators is one.
    pub fn rung_instructions(&self) -> &[u32] {
        &self.rung_instructions
    }

    /// Whether every start loads this place anew: the preset of a timer or counter of the program (PL-33).
    pub fn loads(&self, address: Address) -> bool {
        let word = Place::of(address).map(|place| place.bits().0);
        self.presets.iter().any(|(preset, _)| Some(*preset) == word)
    }

    /// Loads the presets of its timers and counters (PL-33).
    pub fn load_presets(&self, table: &mut DataTable) {
        for (word, preset) in &self.presets {
            table.write_word(*word, *preset);
        }
    }
}

/// What a run of a program remembers outside the data table: one-shots, debounce times, the first fault of a scan.
#[derive(Debug, Clone)]
pub struct RunMemory {
    memories: Box<[Memory]>,
    fault: Option<Fault>,
}

impl RunMemory {
    /// The memory of a program that never ran.
    pub fn new(program: &CompiledProgram) -> RunMemory {
        RunMemory {
            memories: vec![Memory::default(); program.memories].into(),
            fault: None,
        }
    }

    /// Forgets everything (PL-32).
    pub fn clear(&mut self) {
        self.memories.fill(Memory::default());
        self.fault = None;
    }

    /// Takes the first fault since it was taken last.
    pub fn take_fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }
}

impl CompiledProgram {
    /// Executes rungs once, in order. `dt_us` is the time that timers get, in microseconds; with a `flow` (made by
    /// [`CompiledProgram::power_flow`]) the power behind each instruction is noted.
    ///
    /// It allocates nothing, takes no lock and writes no log.
    ///
    /// # Panics
    ///
    /// When `rungs` reaches beyond [`CompiledProgram::rungs`], or `memory` was made for another program.
    pub fn run(
        &self,
        rungs: Range<usize>,
        table: &mut DataTable,
        memory: &mut RunMemory,
        dt_us: u32,
        flow: Option<&mut PowerFlow>,
    ) {
        let RunMemory { memories, fault } = memory;
        self.flat.run(
            rungs,
            &mut Machine {
                table,
                memories,
                dt_us,
                fault,
            },
            flow,
        );
    }

    /// A record for the power flow of this program.
    pub fn power_flow(&self) -> PowerFlow {
        PowerFlow::new(self.instructions)
    }
}
