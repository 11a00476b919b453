//! What the API shows of a context.

use super::act::{as_value, signal_name};
use super::context::{Context, Force};
use super::retain::Keeper;
use crate::access::Access;
use crate::api::plc::{ContextRow, ForceRow, ProfileRow, ProgramSummary, RungRow};
use crosstie_ladder::address::Address;
use crosstie_ladder::profile::RungTime;

impl Context {
    /// All that the API says of a context; of its forces those that may be seen.
    pub(crate) fn row(&self, access: &Access) -> ContextRow {
        let seen = self.forces_seen(access);
        ContextRow {
            plc: self.plc,
            id: self.settings.id.clone(),
            name: self.settings.name.clone(),
            state: self.state,
            fault: self.fault.clone(),
            next_rung: self.next_rung,
            program: self.summary(),
            target_scan_us: self.settings.controller.target_scan.us(),
            watchdog_us: self.settings.controller.watchdog_us,
            statistics: self.statistics,
            merged_scans: self.merged_scans,
            lateness: self.lateness.clone(),
            realtime: self.realtime.clone(),
            breakpoints: self.breakpoints.iter().copied().collect(),
            forces: seen.map(|force| self.force_row(force)).collect(),
            io_provider: self.io.provider_name(),
            link: None,
            io: self.io.row(),
            is_temporary: self.settings.is_temporary,
            hold_outputs: self.settings.hold_outputs,
            is_profiling: self.is_profiling,
            retain: self.keeper.as_ref().map(Keeper::row),
        }
    }

    /// How long its rungs take, as it was told last.
    pub(crate) fn profile_row(&self) -> ProfileRow {
        let compiled = self.program.as_ref().map(|loaded| &loaded.program.compiled);
        let mut row = ProfileRow {
            on: self.is_profiling,
            scans: 0,
            target_us: self.settings.controller.target_scan.us(),
            overhead_ns: 0,
            rungs: Vec::new(),
        };
        let (Some(compiled), Some(profile)) = (compiled, &self.profile) else {
            return row;
        };
        row.scans = profile.scans();
        row.overhead_ns = profile.overhead_ns();
        let all: u64 = profile.rungs().map(|time| time.sum_ns).sum();
        let each = compiled.rung_instructions().iter().zip(profile.rungs());
        let rung = |(instructions, time): (&u32, RungTime)| RungRow {
            instructions: *instructions,
            last_ns: time.last_ns,
            avg_ns: time.average_ns(),
            max_ns: time.max_ns,
            share: time.sum_ns as f64 / all.max(1) as f64,
        };
        row.rungs = each.map(rung).collect();
        row
    }

    /// Its program in short.
    pub(crate) fn summary(&self) -> Option<ProgramSummary> {
        let loaded = self.program.as_ref()?;
        let program = &loaded.program;
        Some(ProgramSummary {
            name: program.logic.name.clone(),
            number: self.program_number,
            rungs: self.rungs(),
            instructions: program.compiled.instructions(),
            diagnostics: program.diagnostics.len(),
            by: loaded.by.to_string(),
            loaded_at: loaded.at,
        })
    }

    /// Forces on places whose signals may be seen, the oldest first.
    pub(crate) fn forces_seen(&self, access: &Access) -> impl Iterator<Item = &Force> {
        self.forces
            .iter()
            .filter(move |force| access.view.is_all() || access.sees(&signal_name(self, force.address)))
    }

    fn force_row(&self, force: &Force) -> ForceRow {
        ForceRow {
            address: force.address.to_string(),
            symbol: self.symbol_of(force.address),
            // A bit of a forced word may be forced by itself since then.
            value: as_value(self.mirror.read(force.address).unwrap_or(force.value)),
            by: force.by.to_string(),
            reason: force.reason.to_string(),
            since: force.since,
            expires_at: force.expires_at,
        }
    }

    fn symbol_of(&self, address: Address) -> Option<String> {
        let symbols = &self.program.as_ref()?.program.logic.symbols;
        let entry = symbols.iter().find(|entry| entry.address == address)?;
        Some(entry.name.to_string())
    }
}
