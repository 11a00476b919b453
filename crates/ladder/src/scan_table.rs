//! Scan tables: a program and, scan by scan, what goes in and what must come out, as a text that people read and write.
//!
//! ```text
//! case a timer is done in the scan that fills it
//! SOR XIC I:0/0 TON T:0 20 EOR
//! columns ms I:0/0 | T:0.ACC T:0.TT T:0.DN
//!         10 1     | 10      1      0
//!         10 .     | 20      0      1
//! ```
//!
//! A case holds a program in the text form ([`crate::text`]), or `program FILE.plcproj` names one beside the table
//! ([`read_beside`]); then one or more headings, and rows. It begins with all memory 0 and
//! Running. Left of the bar stand the time that a scan adds, in milliseconds, and places that are written before it; right of
//! it, places that are compared after it. `.` writes, compares or, as the time, scans nothing. A heading `!B:3/0` forces, and
//! its value `-` releases. The heading `state` compares the state of the controller.
//!
//! Between rows `do start`, `stop`, `pause`, `resume`, `step-scan`, `step-rung` or `reset` gives a command, and `fault TEXT`
//! says which fault the row or command before it must have made; any other fault is a mistake. `#` begins a remark.

mod read;

pub use read::{Load, read, read_beside};

use std::fmt;

use crate::address::Address;
use crate::compile::CompiledProgram;
use crate::controller::{Command, Controller, ControllerSettings, Event, Events, Inputs};
use crate::data_table::CellValue;

/// A program with what it must do.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// Where it begins in its file, counted from 1.
    pub line: u32,
    program: CompiledProgram,
    steps: Vec<Step>,
}

/// One line of a case.
#[derive(Debug, Clone)]
struct Step {
    line: u32,
    action: Action,
}

#[derive(Debug, Clone)]
enum Action {
    Row {
        given: Vec<Given>,
        dt_us: Option<u32>,
        expected: Vec<Expected>,
    },
    Command(Command),
    Fault(String),
}

/// What happens before a scan.
#[derive(Debug, Clone)]
enum Given {
    Write(Address, CellValue),
    Force(Address, CellValue),
    Release(Address),
}

/// What must be so after it.
#[derive(Debug, Clone)]
enum Expected {
    Value(Address, CellValue),
    State(String),
}

/// Something that is wrong in a table, or that the engine does otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, counted from 1.
    pub line: u32,
    /// What was expected and what was there.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

impl Case {
    /// Runs the case.
    ///
    /// # Errors
    ///
    /// Everything that the first wrong row shows. What follows it would only repeat it.
    pub fn run(&self) -> Result<(), Vec<Problem>> {
        let mut controller = Controller::new(ControllerSettings::default());
        controller.load(self.program.clone());
        let mut fault = None;
        let mut steps = self.steps.iter().peekable();
        run_command(&mut controller, Command::Start, &mut fault, self.line)?;
        while let Some(step) = steps.next() {
            match &step.action {
                Action::Row { given, dt_us, expected } => {
                    prepare(&mut controller, given, step.line)?;
                    if let Some(dt_us) = dt_us {
                        note_fault(controller.scan(&Inputs::default(), *dt_us), &mut fault);
                    }
                    compare(&controller, expected, step.line)?;
                }
                Action::Command(command) => run_command(&mut controller, *command, &mut fault, step.line)?,
                Action::Fault(expected) => {
                    let got = fault.take().unwrap_or_else(|| "none".to_owned());
                    if got != *expected {
                        return one(step.line, format!("expected the fault `{expected}`, got `{got}`"));
                    }
                }
            }
            let is_announced = steps.peek().is_some_and(|next| matches!(next.action, Action::Fault(_)));
            if let Some(fault) = fault.take_if(|_| !is_announced) {
                return one(step.line, format!("expected no fault, got `{fault}`"));
            }
        }
        Ok(())
    }
}

fn one(line: u32, text: String) -> Result<(), Vec<Problem>> {
    Err(vec![Problem { line, text }])
}

fn run_command(
    controller: &mut Controller,
    command: Command,
    fault: &mut Option<String>,
    line: u32,
) -> Result<(), Vec<Problem>> {
    match controller.command(command, &Inputs::default()) {
        Ok(events) => {
            note_fault(events, fault);
            Ok(())
        }
        Err(refusal) => one(line, refusal.to_string()),
    }
}

fn note_fault(events: Events, fault: &mut Option<String>) {
    for event in events.iter() {
        if let Event::Fault(what) = event {
            *fault = Some(what.to_string());
        }
    }
}

fn prepare(controller: &mut Controller, given: &[Given], line: u32) -> Result<(), Vec<Problem>> {
    for given in given {
        let done = match *given {
            Given::Write(address, value) => controller.write(address, value),
            Given::Force(address, value) => controller.force(address, value),
            Given::Release(address) => controller.unforce(address),
        };
        if let Err(error) = done {
            return one(line, error.to_string());
        }
    }
    Ok(())
}

fn compare(controller: &Controller, expected: &[Expected], line: u32) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    for expected in expected {
        let text = match expected {
            Expected::Value(address, value) => match controller.table().read(*address) {
                Ok(got) if got == *value => continue,
                Ok(got) => format!("expected {address} = {}, got {}", shown(*value), shown(got)),
                Err(error) => error.to_string(),
            },
            Expected::State(state) => match controller.state().as_str() {
                got if got.eq_ignore_ascii_case(state) => continue,
                got => format!("expected the state {state}, got {got}"),
            },
        };
        problems.push(Problem { line, text });
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn shown(value: CellValue) -> i32 {
    match value {
        CellValue::Bit(on) => i32::from(on),
        CellValue::Word(number) => number,
    }
}
