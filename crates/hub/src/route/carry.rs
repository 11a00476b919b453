//! Carrying values on: from the source of a route to its target, in the same turn and the same generation.

use super::Moved;
use crate::api::Refused;
use crate::hub::Hub;
use crate::request::route_problem;
use crate::settings::RouteSetting;
use crate::signal::{Kind, SignalId, Value, Writer};

impl Hub {
    /// What was written to the source of a route is written to its target, in the same generation. Routes have no circles, so
    /// this ends. A target in the memory of a PLC is fed: its signal changes when the engine tells.
    pub(crate) fn carry_routes(&mut self) {
        let mut next = 0;
        while let Some(source) = self.ledger.routed.get(next).copied() {
            next += 1;
            let cell = self.ledger.space.cell(source);
            let quality = cell.quality;
            let driven = match cell.is_tag {
                true => self.plcs.driven(source),
                false => None,
            };
            let value = driven.unwrap_or_else(|| cell.value.clone());
            let targets: Vec<(u32, SignalId)> = self.routes.targets(source).collect();
            for (route, target) in targets {
                let cell = self.ledger.space.cell(target);
                let Some(value) = carry(&value, cell.value.kind()) else {
                    continue;
                };
                let has_passed = match cell.is_tag {
                    true => self.feed(route, target, &value, quality),
                    false => {
                        let writer = Writer::Route(route);
                        self.ledger.store(self.now, target, value.clone(), writer, quality)
                    }
                };
                if has_passed {
                    self.routes.carried(self.now, route, &value);
                }
            }
        }
        self.ledger.routed.clear();
    }

    /// Adds a plain route and carries the present value over at once.
    pub(crate) fn add_route(&mut self, setting: &RouteSetting, from_project: bool) -> Result<u32, Refused> {
        self.make_tag_named(&setting.from)?;
        self.make_tag_named(&setting.to)?;
        let space = &mut self.ledger.space;
        let id = self.routes.add(space, setting, from_project, self.limits.routes_max)?;
        let ends = self.routes.ends(id);
        self.ledger.routed.extend(ends.map(|(source, _)| source));
        if let Some((_, target)) = ends {
            self.note_driven(target);
        }
        self.problems.clear(&route_problem(&setting.from, &setting.to));
        Ok(id)
    }

    /// Removes a route. What it was in the way of begins.
    pub(crate) fn drop_route(&mut self, id: u32) {
        if let Some((_, target)) = self.routes.ends(id) {
            self.unfeed(id, target);
        }
        self.routes.remove(&mut self.ledger.space, id);
        let moved = self.routes.unblock(&mut self.ledger.space);
        self.routes_moved(moved);
    }

    /// Routes have other ends than before: the targets that they had keep what they hold, those that they have get the
    /// present value.
    pub(crate) fn routes_moved(&mut self, moved: Vec<Moved>) {
        for moved in &moved {
            if let Some((_, target)) = moved.before {
                self.unfeed(moved.id, target);
            }
        }
        for moved in moved {
            if let Some((source, target)) = moved.after {
                self.ledger.routed.push(source);
                self.note_driven(target);
            }
        }
    }
}

/// The value as the target holds it; `None` when it does not fit (a plain route changes nothing but the form).
pub(crate) fn carry(value: &Value, target: Kind) -> Option<Value> {
    match (value, target) {
        (value, target) if value.kind() == target => Some(value.clone()),
        (Value::Bool(value), Kind::Int) => Some(Value::Int(i64::from(*value))),
        (Value::Bool(value), Kind::Float) => Some(Value::Float(f64::from(u8::from(*value)))),
        (Value::Int(value), Kind::Float) => Some(Value::Float(*value as f64)),
        (Value::Int(value), Kind::Bool) => Some(Value::Bool(*value != 0)),
        _ => None,
    }
}
