//! Forces end when their time is over (the hub's: a force waits while the clock stands), and as long as there are any they are a problem that a person sees: nobody forgets one.

use super::PlcId;
use super::act::{FORCES_MAX, PlcAction, signal_name};
use super::context::{Context, Force};
use super::orders::Asked;
use crate::access::Actor;
use crate::hub::Hub;
use crate::output::Level;
use crate::timers::Alarm;
use crosstie_ladder::address::{Address, IO_WORDS, Region};
use crosstie_ladder::data_table::{CellValue, Place, WordIndex};
use std::time::Duration;

/// When a force could not be ended because its engine is busy, or while it is being replaced, the hub looks again after this.
const EXPIRY_RETRY: Duration = Duration::from_secs(1);

impl Context {
    /// A place is forced: what was forced within it is taken over.
    pub(crate) fn take_force(&mut self, force: Force) {
        self.forces.retain(|other| !covers(force.address, other.address));
        self.forces.push(force);
    }
}

/// Whether all bits of `inner` are bits of `outer`.
fn covers(outer: Address, inner: Address) -> bool {
    let bits = |address| Place::of(address).map(Place::bits);
    match (bits(outer), bits(inner)) {
        (Some((outer_word, outer)), Some((inner_word, inner))) => outer_word == inner_word && inner & !outer == 0,
        _ => false,
    }
}

impl Hub {
    /// Ends the forces whose time is over.
    pub(crate) fn expire_forces(&mut self) {
        let now = self.time();
        let is_due = |force: &&Force| force.expires_at.is_some_and(|at| at <= now);
        let contexts = self.plcs.contexts.iter();
        let due: Vec<(PlcId, Address)> = contexts
            .flat_map(|context| {
                let forces = context.forces.iter().filter(is_due);
                forces.map(|force| (context.plc, force.address))
            })
            .collect();
        for (plc, address) in due {
            self.expire_force(plc, address);
        }
    }

    fn expire_force(&mut self, plc: PlcId, address: Address) {
        let is_down = self.engine_down(plc).is_some();
        let waits = is_down || self.plcs.is_busy(plc) || self.plcs.is_forcing(plc, address);
        let again = self.time() + EXPIRY_RETRY;
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let name = signal_name(context, address);
        let Some(force) = context.forces.iter_mut().find(|force| force.address == address) else {
            return;
        };
        force.expires_at = waits.then_some(again);
        if waits {
            self.hub_timers.set(again, Alarm::PlcForces);
            return;
        }
        let text = format!("{name}: the force of {} has expired", force.by);
        self.log(Level::Info, None, text);
        let by = Actor::full("the hub", "");
        self.plc_act(&by, plc, PlcAction::Release(Some(address)), Asked::Nobody);
    }

    /// Bits of a remote engine that are forced, and not from here: whoever looks at the list sees them too.
    pub(crate) fn note_foreign_forces(&mut self, plc: PlcId) {
        let now = self.time();
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let places = [
            (Region::Input, IO_WORDS),
            (Region::Output, IO_WORDS),
            (Region::Bits, Region::Bits.words()),
        ];
        for (region, words) in places {
            for word in 0..words as u8 {
                let mask = context.mirror.masks()[WordIndex::of(region, word).get()];
                for bit in (0..32_u8).filter(|bit| mask >> bit & 1 == 1) {
                    let address = Address::Bit { region, word, bit };
                    let is_known = context.forces.iter().any(|force| covers(force.address, address));
                    if is_known || context.forces.len() >= FORCES_MAX {
                        continue;
                    }
                    let value = context.mirror.read(address).unwrap_or(CellValue::Bit(true));
                    context.forces.push(Force {
                        address,
                        value,
                        by: "the engine".into(),
                        reason: Box::default(),
                        since: now,
                        expires_at: None,
                    });
                }
            }
        }
        self.tell_forces(plc);
    }

    /// The forces of a context may be others: says so where people look.
    pub(crate) fn tell_forces(&mut self, plc: PlcId) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let count = context.forces.len();
        if std::mem::replace(&mut context.forces_told, count) != count {
            self.note_forces(plc);
        }
    }

    /// A person has seen a problem of forces and it was forgotten; the forces are still there.
    pub(crate) fn remind_of_forces(&mut self) {
        let forced = self.plcs.contexts.iter().filter(|context| !context.forces.is_empty());
        let forgotten = forced.filter(|context| !self.problems.holds(&context.problem("forces")));
        for plc in forgotten.map(|context| context.plc).collect::<Vec<PlcId>>() {
            self.note_forces(plc);
        }
    }

    fn note_forces(&mut self, plc: PlcId) {
        let Some(context) = self.plcs.get(plc) else { return };
        let (id, name) = (context.problem("forces"), context.settings.name.clone());
        let text = match context.forces.len() {
            0 => {
                self.problems.clear(&id);
                return;
            }
            1 => String::from("1 place is forced"),
            count => format!("{count} places are forced"),
        };
        let hint = "release every force that is no longer needed";
        self.trouble(false, id, &name, text, hint);
    }
}
