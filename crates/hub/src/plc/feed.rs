//! From routes and operators to the memory of a PLC.
//!
//! The signal itself does not change here: a value becomes an order, and the signal changes when the engine tells. A route
//! that says what it has said before gives no order.

use super::PlcId;
use super::order::{Numbered, Order};
use super::orders::{Asked, Effect, OrderError};
use super::tags::{Fed, as_value, output_word};
use crate::api::Refused;
use crate::hub::Hub;
use crate::output::Output;
use crate::settings::OnStale;
use crate::signal::coerce::{self, Fitted};
use crate::signal::{Quality, SignalId, Value};
use crosstie_ladder::Region;
use crosstie_ladder::controller::ControllerState;
use crosstie_ladder::data_table::{Cell, Place, aligned};
use crosstie_ladder::fault::Fault;

/// Values that routes say to one context while its engine is not heard. Of those beyond it the newest of each place waits in
/// the hub until the engine is heard again; pulses in between are lost then.
pub(crate) const FEEDS_MAX: usize = 1_024;

impl Hub {
    /// A route says a value of the kind of its target; true when the engine is told something new. What the route does when
    /// its source is stale is decided here; a source that nobody has ever written says nothing.
    pub(crate) fn feed(&mut self, route: u32, target: SignalId, value: &Value, quality: Quality) -> bool {
        if quality == Quality::NeverWritten {
            return false;
        }
        let on_stale = self.routes.on_stale(route);
        let Some((plc, index)) = self.plcs.tag_of.get(&target).copied() else {
            return false;
        };
        let Some(context) = self.plcs.get_mut(plc) else {
            return false;
        };
        let engine = context.tags.shown;
        let tags = &mut context.tags;
        let Some(tag) = tags.get_mut(index) else { return false };
        let is_old = quality != Quality::Good;
        let fitted = match is_old && on_stale == OnStale::Zero {
            true => Some(tag.zero()),
            false => tag.fit(value),
        };
        let Some(fitted) = fitted else { return false };
        let before = tag.fed.replace(Fed {
            route,
            value: fitted,
            quality,
        });
        let shown = engine.map(|engine| tag.quality(engine));
        let address = tag.address;
        match is_old && on_stale == OnStale::Fault {
            true => tags.stale.insert(address),
            false => tags.stale.remove(&address),
        };
        if let Some(shown) = shown {
            self.ledger.mark(target, shown);
        }
        if before.is_none() {
            self.note_driven(target);
        }
        let is_new = before.is_none_or(|before| (before.route, before.value) != (route, fitted));
        if is_new {
            self.tell_engine(plc, index);
        }
        self.fault_if_stale(plc);
        is_new
    }

    /// A route no longer ends at a place, which keeps what it holds.
    pub(crate) fn unfeed(&mut self, route: u32, target: SignalId) {
        let Some((plc, index)) = self.plcs.tag_of.get(&target).copied() else {
            return;
        };
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let engine = context.tags.shown;
        let Some(tag) = context.tags.get_mut(index) else { return };
        tag.fed.take_if(|fed| fed.route == route);
        let (address, shown) = (tag.address, engine.map(|engine| tag.quality(engine)));
        context.tags.stale.remove(&address);
        if let Some(shown) = shown {
            self.ledger.mark(target, shown);
        }
    }

    /// The memory of an engine is forgotten by the order before this: whatever feeds it says its value again.
    pub(crate) fn feed_again(&mut self, plc: PlcId) {
        let Some(context) = self.plcs.get(plc) else { return };
        let fed = (0_u32..).zip(context.tags.all()).filter(|(_, tag)| tag.fed.is_some());
        let fed: Vec<u32> = fed.map(|(index, _)| index).collect();
        for index in fed {
            self.tell_engine(plc, index);
        }
    }

    fn tell_engine(&mut self, plc: PlcId, index: u32) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let tags = &mut context.tags;
        if tags.unheard >= FEEDS_MAX {
            tags.held.insert(index);
            return;
        }
        let Some((address, fed)) = tags.get(index).and_then(|tag| Some((tag.address, tag.fed?))) else {
            return;
        };
        tags.unheard += 1;
        if self.is_remote(plc) {
            if !self.engine_feed(plc, address, fed.value)
                && let Some(context) = self.plcs.get_mut(plc)
            {
                context.tags.held.insert(index);
            }
            return;
        }
        let order = Order::Feed {
            address,
            value: fed.value,
        };
        let (number, at) = (0, self.now);
        let order = Box::new(Numbered { number, at, order });
        self.outputs.push(Output::Plc { plc, order });
    }

    /// An engine is heard: it takes values again.
    pub(crate) fn feed_what_waited(&mut self, plc: PlcId) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        context.tags.unheard = 0;
        for index in std::mem::take(&mut context.tags.held) {
            self.tell_engine(plc, index);
        }
    }

    /// Makes a fault of a stale input or a lost device, where a route or the project asks for that, when the engine runs or as soon as it does.
    pub(crate) fn fault_if_stale(&mut self, plc: PlcId) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        if context.state != ControllerState::Running || context.tags.fault_asked {
            return;
        }
        let stale = context.tags.stale.first().copied();
        let lost = context.io.first_lost().map(|(device, _)| device);
        let lost = lost.filter(|_| context.settings.on_io_failure == OnStale::Fault);
        let fault = match (stale, lost) {
            (Some(address), _) => Fault::StaleInput { address },
            (None, Some(device)) => Fault::DeviceLost { device },
            (None, None) => return,
        };
        context.tags.fault_asked = true;
        let order = Order::Fault(fault);
        self.plc_order(plc, order, Effect::None, Asked::OnStale);
    }

    /// An operator writes a place of a PLC; gives what readers will see there.
    pub(crate) fn operator_writes_tag(
        &mut self,
        id: SignalId,
        received: crosstie_wire::realvirtual::Value<'_>,
    ) -> Result<Fitted, Refused> {
        let name = self.ledger.space.name(id).to_owned();
        let place = self.plcs.tag_of.get(&id).copied();
        let gone = || Refused::Conflict(format!("'{name}' belongs to a PLC context that is gone"));
        let (plc, index) = place.ok_or_else(gone)?;
        let context = self.plcs.get(plc).ok_or_else(gone)?;
        let tag = context.tags.get(index).ok_or_else(gone)?;
        let bad_value = || Refused::BadValue {
            name: name.clone(),
            expected: format!("expected a value for a {}", tag.kind().word()),
        };
        let fitted = coerce::fit(tag.kind(), received).ok_or_else(bad_value)?;
        let value = tag.fit(&fitted.value).ok_or_else(bad_value)?;
        let address = tag.address;
        let (word, _, bits) = aligned(address, value).map_err(|error| Refused::Plc(error.to_string()))?;
        if let Some(reason) = self.engine_cannot_write(plc, address, value) {
            return Err(Refused::Plc(reason));
        }
        if self.plcs.is_busy(plc) {
            return Err(Refused::Plc(OrderError::Busy.to_string()));
        }
        let device = Some(tag.place).filter(|place| context.io.driver_of(*place).is_some());
        // What is forced or what a device says stays; the value stands underneath.
        let forced = context.mirror.masks()[word.get()] | device.map_or(0, |place| place.bits().1);
        let seen = context.mirror.words()[word.get()] & forced | bits & !forced;
        let seen = as_value(tag.place.value(seen));
        self.note_driven(id);
        self.plc_order(plc, Order::Write { address, value }, Effect::None, Asked::Nobody);
        Ok(Fitted {
            exact: fitted.exact && seen == fitted.value,
            value: seen,
        })
    }

    /// Somebody else writes an output that the program drives: its next scan decides, and a person should know.
    pub(crate) fn note_driven(&mut self, target: SignalId) {
        let Some((plc, index)) = self.plcs.tag_of.get(&target).copied() else {
            return;
        };
        let name = self.ledger.space.name(target).to_owned();
        if let Some(device) = self.device_of(plc, index) {
            let text = format!("written from outside although {device} drives it: the device decides");
            let hint = "write another place, or take the input out of the I/O file";
            self.trouble(false, driven_id(&name), &name, text, hint);
            return;
        }
        if !self.is_driven(plc, index) {
            return;
        }
        let text = String::from("written from outside although the program writes it: the next scan decides");
        let hint = "write a bit of B that the program reads, or force the output";
        self.trouble(false, driven_id(&name), &name, text, hint);
    }

    /// The same for all places that routes write, after a change of the program or of the devices.
    pub(crate) fn note_all_driven(&mut self, plc: PlcId) {
        let Some(context) = self.plcs.get(plc) else { return };
        let outputs = (0_u32..)
            .zip(context.tags.all())
            .filter(|(_, tag)| may_be_driven(tag.place));
        let outputs: Vec<(u32, SignalId, bool)> =
            outputs.map(|(index, tag)| (index, tag.id, tag.fed.is_some())).collect();
        for (index, id, is_fed) in outputs {
            let is_driven = self.is_driven(plc, index) || self.device_of(plc, index).is_some();
            match is_fed && is_driven {
                true => self.note_driven(id),
                false => self.problems.clear(&driven_id(self.ledger.space.name(id))),
            }
        }
    }

    /// The device that writes a place.
    fn device_of(&self, plc: PlcId, index: u32) -> Option<String> {
        let context = self.plcs.get(plc)?;
        let place = context.tags.get(index)?.place;
        context.io.driver_of(place).map(str::to_owned)
    }

    fn is_driven(&self, plc: PlcId, index: u32) -> bool {
        let context = self.plcs.get(plc);
        let found = context.and_then(|context| Some((context, context.tags.get(index)?)));
        found.is_some_and(|(context, tag)| {
            let (word, bits) = tag.place.bits();
            output_word(word).is_some_and(|output| context.tags.written[output] & bits != 0)
        })
    }
}

/// Whether somebody besides routes may move a place: the program an output, a device an input or a number.
fn may_be_driven(place: Place) -> bool {
    match place.bits().0.cell() {
        Cell::Word { region, .. } => region != Region::Bits,
        Cell::Timer { .. } | Cell::Counter { .. } => false,
    }
}

fn driven_id(name: &str) -> String {
    format!("driven:{name}")
}
