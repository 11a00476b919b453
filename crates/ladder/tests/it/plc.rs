//! A PLC for tests: a controller with its inputs, driven by short calls.

use crosstie_ladder::compile::CompiledProgram;
use crosstie_ladder::controller::{
    Command, Controller, ControllerSettings, ControllerState, Event, Events, Inputs, Refusal,
};
use crosstie_ladder::data_table::CellValue;
use crosstie_ladder::{Address, text};

use Command::{Pause, Start, StepRung, StepScan};
use ControllerState::{Fault, Paused, Running, Stepping, Stopped};

/// The time that a scan gives to timers.
pub(crate) const DT_US: u32 = 10_000;

/// A controller, and what its devices give.
pub(crate) struct Plc {
    pub(crate) controller: Controller,
    pub(crate) inputs: Inputs,
}

impl Plc {
    pub(crate) fn new(source: &str) -> Plc {
        let mut controller = Controller::new(ControllerSettings::default());
        assert_eq!(told(controller.load(compiled(source))), [""; 0]);
        Plc {
            controller,
            inputs: Inputs::default(),
        }
    }

    pub(crate) fn told(&mut self, command: Command) -> Vec<String> {
        told(self.controller.command(command, &self.inputs).unwrap())
    }

    /// The refusal of a command, which leaves the state as it was.
    pub(crate) fn refused(&mut self, command: Command) -> Refusal {
        let state = self.controller.state();
        let refusal = self.controller.command(command, &self.inputs).unwrap_err();
        assert_eq!(self.controller.state(), state);
        refusal
    }

    pub(crate) fn scan(&mut self) -> Vec<String> {
        told(self.controller.scan(&self.inputs, DT_US))
    }

    pub(crate) fn number(&self, text: &str) -> i32 {
        match self.controller.table().read(address(text)) {
            Ok(CellValue::Word(number)) => number,
            other => panic!("{text} is {other:?}"),
        }
    }

    pub(crate) fn counts(&self) -> [i32; 3] {
        ["N:0", "N:2", "T:0.ACC"].map(|text| self.number(text))
    }

    pub(crate) fn write(&mut self, text: &str, number: i32) {
        self.controller.write(address(text), CellValue::Word(number)).unwrap();
    }

    pub(crate) fn fail(&mut self) {
        self.controller.write(address("I:0/0"), CellValue::Bit(true)).unwrap();
    }

    /// Goes to a state from Stopped.
    pub(crate) fn bring_to(&mut self, state: ControllerState) {
        let commands: &[Command] = match state {
            Stopped => &[],
            Running => &[Start],
            Paused => &[Start, Pause],
            Stepping => &[StepRung],
            Fault => {
                self.fail();
                &[StepScan]
            }
        };
        commands.iter().for_each(|command| drop(self.told(*command)));
        assert_eq!(self.controller.state(), state);
    }
}

pub(crate) fn compiled(source: &str) -> CompiledProgram {
    CompiledProgram::new(&text::read(source).unwrap()).unwrap()
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// Events as short texts.
pub(crate) fn told(events: Events) -> Vec<String> {
    let short = |event| match event {
        Event::StateChanged(state) => state.as_str().to_owned(),
        Event::Fault(fault) => fault.to_string(),
        Event::BreakpointHit { rung } => format!("at {rung}"),
    };
    events.iter().map(short).collect()
}
