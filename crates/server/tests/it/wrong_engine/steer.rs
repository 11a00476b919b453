//! What the ladder engine does for a request: commands, programs, breakpoints, inputs and outputs.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use super::fault::Fault::{self, self as F};
use super::memory::{forced_bits, forget_inputs};
use super::{Done, World, fields};
use crosstie_ladder::address::Address;
use crosstie_ladder::compile::CompiledProgram;
use crosstie_ladder::controller::{Command, Controller, ControllerState, Event, Events, Inputs, ScanTime};
use crosstie_ladder::data_table::{CellValue, SlotValue};
use crosstie_ladder::diagnostic::Diagnostic;
use crosstie_ladder::project::{IoConfig, read_project};
use serde_json::{Map, Value, json};

impl World {
    /// Commands, programs, breakpoints, memory: what the ladder engine does.
    pub(super) fn steer(
        &mut self,
        kind: &str,
        at: usize,
        request: &Map<String, Value>,
        events: &mut Vec<Event>,
    ) -> Done {
        match kind.split_once('.') {
            Some(("engine", command)) => self.command(command, at, events),
            Some(("program", "download")) => self.download(at, request, events),
            Some(("program", "upload")) => self.upload(at),
            Some(("program", _)) => {
                events.extend(self.plcs[at].controller.clear_program().iter());
                if !self.has(F::ClearKeepsProgram) {
                    self.plcs[at].document = None;
                }
                Ok(Map::new())
            }
            Some(("breakpoint", how)) => self.breakpoint(how, at, request),
            Some(("ioconfig", _)) => self.load_io(at, request, events),
            _ => self.memory(kind, at, request),
        }
    }

    fn command(&mut self, name: &str, at: usize, events: &mut Vec<Event>) -> Done {
        let fault = self.fault;
        let plc = &mut self.plcs[at];
        let before = plc.controller.state();
        let Some(command) = meant(fault, name, &plc.controller) else {
            return Ok(Map::new());
        };
        let presets: Vec<SlotValue> = plc.controller.table().timers().collect();
        let has_scanned = plc.controller.statistics().scan_count > 0;
        if fault == Some(F::StartRevives) && command == Command::Start && before == ControllerState::Fault {
            plc.controller.command(Command::Stop, &Inputs::default()).unwrap();
        }
        let forced = forced_bits(&plc.controller);
        let usual = *plc.controller.settings();
        let mut settings = usual;
        if fault == Some(F::StepTakesLonger) {
            settings.target_scan = ScanTime::from_us(13_000).unwrap();
        }
        plc.controller.set_settings(settings);
        let done = plc.controller.command(command, &Inputs::default());
        plc.controller.set_settings(usual);
        let done: Events = done.map_err(|refusal| refusal.to_string())?;
        match (fault, command) {
            (Some(F::ResetKeepsForces), Command::Reset) => forced
                .into_iter()
                .for_each(|(address, value)| plc.controller.force(address, value).unwrap()),
            (Some(F::StopEndsForces), Command::Stop) => plc.controller.clear_forces(),
            (Some(F::PresetsKept), _) if before == ControllerState::Stopped && has_scanned => {
                let address = Address::parse("T:0.PRE").unwrap();
                let preset = CellValue::Word(presets[0].preset.into());
                plc.controller.write(address, preset).unwrap();
            }
            (Some(F::BreakpointNotPassed), Command::Resume) => {
                plc.controller.command(Command::Pause, &Inputs::default()).unwrap();
            }
            (Some(F::InputsForgotten), Command::StepScan) => forget_inputs(plc),
            _ => {}
        }
        if matches!(command, Command::StepScan | Command::StepRung) {
            plc.controller.scan_took(40);
        }
        events.extend(done.iter());
        Ok(Map::new())
    }

    fn download(&mut self, at: usize, request: &Map<String, Value>, events: &mut Vec<Event>) -> Done {
        let alias = request.get("projectXml").filter(|_| !self.has(F::AliasNotRead));
        let document = request
            .get("data")
            .or(alias)
            .and_then(Value::as_str)
            .ok_or("expected a document in data")?;
        let read = match self.fault {
            Some(Fault::Reads(from, to)) => document.replace(from, to),
            _ => document.to_owned(),
        };
        let tell = |diagnostics: &[Diagnostic]| {
            diagnostics.first().map_or_else(String::new, |first| match first.place {
                Some(place) if self.fault != Some(F::PlaceNotTold) => format!("line {}: {}", place.line, first.text),
                _ => "the program cannot be read".to_owned(),
            })
        };
        let compiled = read_project(&read).and_then(|project| CompiledProgram::new(&project.program));
        let compiled = match compiled {
            Ok(compiled) => compiled,
            Err(_) if self.has(F::UnknownAddressTaken) => return Ok(Map::new()),
            Err(diagnostics) => {
                let error = tell(&diagnostics);
                if self.has(F::BadDocumentClears) {
                    self.plcs[at].document = None;
                }
                return Err(error);
            }
        };
        let lost = self.has(F::ProgramNotTaken);
        let plc = &mut self.plcs[at];
        if !lost {
            events.extend(plc.controller.load(compiled).iter());
            plc.document = Some(document.to_owned());
        }
        Ok(Map::new())
    }

    fn upload(&mut self, at: usize) -> Done {
        let document = self.plcs[at].document.clone().ok_or("no program is loaded")?;
        let document = match self.has(F::UploadRewritten) {
            true => read_project(&document).unwrap().write(),
            false => document,
        };
        fields(json!({"format": "plcproj-xml", "data": document, "projectXml": document}))
    }

    fn breakpoint(&mut self, how: &str, at: usize, request: &Map<String, Value>) -> Done {
        let (anywhere, stays) = (self.has(F::BreakpointAnywhere), self.has(F::BreakpointStays));
        let later = usize::from(self.has(F::BreakpointAfterRung));
        let controller = &mut self.plcs[at].controller;
        if how == "clearAll" {
            if !stays {
                controller.clear_breakpoints();
            }
            return Ok(Map::new());
        }
        let rung = request
            .get("rungIndex")
            .and_then(Value::as_u64)
            .ok_or("expected a rungIndex")? as usize
            + later;
        let done = match how {
            "set" => controller.set_breakpoint(rung),
            _ => controller.remove_breakpoint(rung),
        };
        match done {
            Err(refusal) if !anywhere => Err(refusal.to_string()),
            _ => Ok(Map::new()),
        }
    }

    fn load_io(&mut self, at: usize, request: &Map<String, Value>, events: &mut Vec<Event>) -> Done {
        let config = request.get("config").cloned().unwrap_or_default();
        let is_empty = config.as_object().is_none_or(Map::is_empty);
        if !self.has(F::BadIoTaken) {
            let read = IoConfig::from_json(&config);
            if is_empty || read.is_err() {
                return Err("expected a configuration that can be built".to_owned());
            }
        }
        let (goes_on, is_lost) = (self.has(F::IoGoesOn), self.has(F::IoNotTold));
        let plc = &mut self.plcs[at];
        if !goes_on {
            events.extend(
                plc.controller
                    .command(Command::Stop, &Inputs::default())
                    .unwrap()
                    .iter(),
            );
        }
        if !is_lost {
            plc.io = config;
        }
        Ok(Map::new())
    }
}

/// The command of a name; `None` for one that is answered and not done.
fn meant(fault: Option<Fault>, name: &str, controller: &Controller) -> Option<Command> {
    let is_running = controller.state() == ControllerState::Running;
    Some(match (name, fault) {
        ("start" | "stepScan" | "stepRung", Some(F::StartsWithoutProgram)) if controller.program().is_none() => {
            return None;
        }
        ("stepScan" | "stepRung", Some(F::StepsWhileRunning)) if is_running => return None,
        ("pause", Some(F::PauseIgnored)) => return None,
        ("start", _) => Command::Start,
        ("stop", Some(F::StopClears)) => Command::Reset,
        ("stop", _) => Command::Stop,
        ("pause", _) => Command::Pause,
        ("resume", _) => Command::Resume,
        ("stepRung", Some(F::RungStepIsScan)) | ("stepScan", _) => Command::StepScan,
        ("stepRung", _) => Command::StepRung,
        _ => Command::Reset,
    })
}
