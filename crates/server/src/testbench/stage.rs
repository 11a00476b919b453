//! What every test of a project needs of it: its settings, and what its program says about signals.

use crate::config::{self, Config, Diagnostic, Overrides, PracticeConfig};
use crate::packages;
use crosstie_hub::classroom::catalog::Catalog;
use crosstie_hub::settings::{PlcSettings, Settings};
use crosstie_hub::signal::name::escape_segment;
use crosstie_ladder::address::Address;
use crosstie_ladder::instruction::OperandRole;
use crosstie_ladder::program::{Instruction, SymbolMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Signals that [`Stage::behind`] gives at most.
const BEHIND_MAX: usize = 10;

/// A project as tests see it. Ports, keys and links of it play no part; memory that outlives a restart begins at 0.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    /// All that a hub is told.
    pub(crate) settings: Settings,
    /// The learning packages, when it has a classroom.
    pub(crate) catalog: Option<Arc<Catalog>>,
    practices: Vec<PracticeConfig>,
}

impl Stage {
    /// Reads the project of a folder.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub(crate) fn load(folder: &Path) -> Result<Stage, Vec<Diagnostic>> {
        let loaded = config::load(folder, &Overrides::default());
        match loaded.config {
            Some(config) => Ok(Stage::new(&config)),
            None => Err(loaded.diagnostics),
        }
    }

    /// The stage of a project that is read already.
    pub(crate) fn new(config: &Config) -> Stage {
        Stage {
            settings: config.hub_settings(0),
            catalog: config
                .package_sources()
                .map(|sources| Arc::new(packages::read(&sources))),
            practices: config.practices.clone(),
        }
    }

    /// The endpoint of the project's own practice twin, when it has exactly one.
    pub(crate) fn twin_endpoint(&self) -> Option<&str> {
        let mut endpoints = self.practices.iter().filter_map(|practice| match practice {
            PracticeConfig::Twin { endpoint, .. } => Some(endpoint.as_str()),
            _ => None,
        });
        endpoints.next().filter(|_| endpoints.next().is_none())
    }

    /// The twin at this endpoint presses start and stop by itself, because the project says so.
    pub(crate) fn is_auto(&self, name: &str) -> bool {
        let says_so = |practice: &PracticeConfig| matches!(practice, PracticeConfig::Twin { endpoint, auto: true } if endpoint == name);
        self.practices.iter().any(says_so)
    }

    /// What the PLC contexts may be called: their names and their ids.
    pub(crate) fn contexts(&self) -> Vec<&str> {
        let contexts = self.settings.plcs.iter();
        contexts
            .flat_map(|context| {
                let id = Some(context.id.as_str()).filter(|id| *id != context.name);
                [context.name.as_str()].into_iter().chain(id)
            })
            .collect()
    }

    /// The PLC context that a signal belongs to, with the place that the name means.
    pub(crate) fn context_of(&self, signal: &str) -> Option<(&PlcSettings, Option<Address>)> {
        let (segment, cell) = signal.strip_prefix("plc/")?.split_once('/')?;
        let mut contexts = self.settings.plcs.iter();
        let context = contexts.find(|context| escape_segment(&context.name) == segment)?;
        let symbol = || {
            let program = context.program.as_ref()?;
            let mut symbols = program.logic.symbols.iter();
            let entry = symbols.find(|entry| entry.name.as_str().eq_ignore_ascii_case(cell))?;
            Some(entry.address)
        };
        Some((context, cell.parse().ok().or_else(symbol)))
    }

    /// How long a scan of the context of a signal takes; `None` for a signal of nobody.
    pub(crate) fn scan_time(&self, signal: &str) -> Option<Duration> {
        let (context, _) = self.context_of(signal)?;
        Some(Duration::from_micros(u64::from(
            context.controller.target_scan.us().max(1),
        )))
    }

    /// The signals that decide about this one: what the routes to it begin at, and what the rungs that write it read.
    pub(crate) fn behind(&self, signal: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut add = |name: String| {
            if name != signal && !found.contains(&name) && found.len() < BEHIND_MAX {
                found.push(name);
            }
        };
        let canonical = self.canonical(signal);
        for route in &self.settings.routes {
            if self.canonical(&route.to) == canonical {
                let from = self.canonical(&route.from);
                add(from.clone());
                route
                    .transform
                    .inputs
                    .iter()
                    .for_each(|(_, name)| add(self.canonical(name)));
                self.rung_inputs(&from).into_iter().for_each(&mut add);
            }
        }
        self.rung_inputs(&canonical).into_iter().for_each(&mut add);
        found
    }

    /// The name under which the hub has a signal: a symbol becomes its address.
    pub(crate) fn canonical(&self, name: &str) -> String {
        match self.context_of(name) {
            Some((context, Some(address))) => format!("plc/{}/{address}", escape_segment(&context.name)),
            _ => name.to_owned(),
        }
    }

    /// A place of a PLC as people call it: with its symbol, where it has one.
    pub(crate) fn shown(&self, name: &str) -> String {
        let symbol = self.context_of(name).and_then(|(context, address)| {
            let (program, address) = (context.program.as_ref()?, address?);
            let entry = program.logic.symbols.iter().find(|entry| entry.address == address)?;
            Some(entry.name.as_str().to_owned())
        });
        match symbol {
            Some(symbol) if !name.ends_with(&symbol) => format!("{name} {symbol}"),
            _ => name.to_owned(),
        }
    }

    fn rung_inputs(&self, signal: &str) -> Vec<String> {
        let Some((context, Some(address))) = self.context_of(signal) else {
            return Vec::new();
        };
        let Some(program) = &context.program else {
            return Vec::new();
        };
        let symbols = program.logic.symbol_map();
        let instructions: Vec<(usize, &Instruction)> = program.logic.instructions().collect();
        let writes = |instruction: &Instruction| {
            let mut operands = operands(instruction, &symbols);
            operands.any(|(role, operand)| is_written(role) && is_part_of(address, operand))
        };
        let rungs: Vec<usize> = instructions
            .iter()
            .filter(|(_, instruction)| writes(instruction))
            .map(|(rung, _)| *rung)
            .collect();
        let mut found = Vec::new();
        for (_, instruction) in instructions.iter().filter(|(rung, _)| rungs.contains(rung)) {
            for (_, operand) in operands(instruction, &symbols).filter(|(role, _)| is_read(*role)) {
                let name = format!("plc/{}/{operand}", escape_segment(&context.name));
                if name != signal && !found.contains(&name) {
                    found.push(name);
                }
            }
        }
        found
    }
}

fn operands<'a>(
    instruction: &'a Instruction,
    symbols: &'a SymbolMap<'a>,
) -> impl Iterator<Item = (OperandRole, Address)> + 'a {
    let operands = instruction.kind.operands().iter().zip(&instruction.operands);
    operands.filter_map(|(spec, operand)| Some((spec.role, operand.address(symbols)?)))
}

fn is_written(role: OperandRole) -> bool {
    use OperandRole::{Control, Counter, Destination, MoveDestination, OutputBit, Timer, TimerOrCounter};
    matches!(
        role,
        OutputBit | Timer | Counter | TimerOrCounter | Destination | MoveDestination | Control
    )
}

fn is_read(role: OperandRole) -> bool {
    matches!(role, OperandRole::Bit | OperandRole::Source)
}

/// A place is what an instruction writes, or a part of it: `T:4.DN` of `T:4`, `B:3/0` of `B:3`.
fn is_part_of(place: Address, written: Address) -> bool {
    let (place, written) = (place.to_string(), written.to_string());
    match place.strip_prefix(written.as_str()) {
        Some(rest) => rest.is_empty() || rest.starts_with(['.', '/']),
        None => false,
    }
}
