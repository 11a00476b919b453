//! Values, their kinds and their quality.

use crate::input_log::exact;
use crate::plc::PlcId;
use serde::{Deserialize, Serialize};

pub use crosstie_wire::value::Kind;

/// One value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// On or off.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite number.
    Float(#[serde(with = "exact")] f64),
    /// Text.
    Text(Box<str>),
}

impl Value {
    /// What a signal of this kind holds before anybody wrote it.
    pub fn zero(kind: Kind) -> Value {
        match kind {
            Kind::Bool => Value::Bool(false),
            Kind::Int => Value::Int(0),
            Kind::Float => Value::Float(0.0),
            Kind::Text => Value::Text("".into()),
        }
    }

    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Value::Bool(_) => Kind::Bool,
            Value::Int(_) => Kind::Int,
            Value::Float(_) => Kind::Float,
            Value::Text(_) => Kind::Text,
        }
    }

    /// The same value as the codecs see it.
    pub fn as_wire(&self) -> crosstie_wire::realvirtual::Value<'_> {
        use crosstie_wire::realvirtual::Value as Wire;
        match self {
            Value::Bool(value) => Wire::Bool(*value),
            Value::Int(value) => Wire::Int(*value),
            Value::Float(value) => Wire::Float(*value),
            Value::Text(value) => Wire::Text(value),
        }
    }

    /// Nothing changes for a reader when one of the two stands for the other.
    ///
    /// Floats are compared at single precision, because a Unity peer returns them so; two whole numbers are compared
    /// exactly, because counters beyond 2²⁴ must not stand still.
    pub fn is_same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => {
                a == b || (*a as f32 == *b as f32 && !(a.fract() == 0.0 && b.fract() == 0.0))
            }
            (Value::Text(a), Value::Text(b)) => a == b,
            _ => false,
        }
    }
}

/// May a value be believed?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quality {
    /// Its writer is alive, or it is ours.
    Good,
    /// Its writer has gone or is silent: the value is old.
    Stale,
    /// It is no value of anything: the peer that is meant to write it never has.
    NeverWritten,
    /// It came from a device that does not answer.
    DeviceLost,
    /// The engine that holds it is stopped.
    PlcStopped,
    /// The engine that holds it is paused.
    PlcPaused,
    /// The engine that holds it is stepping.
    PlcStepping,
    /// The engine that holds it is in fault; the signal space knows why.
    PlcFault(PlcId),
    /// The engine that holds it is elsewhere, and the link to it is down.
    PlcUnreachable,
    /// The engine that held it is gone.
    PlcGone,
    /// GAMA holds it, and the link to GAMA is down.
    GamaUnreachable,
    /// GAMA holds it while there is an experiment, and there is none.
    NoExperiment,
    /// GAMA does not answer what it is asked for it.
    GamaSilent,
    /// What GAMA answers is no value of its kind.
    GamaMisfit,
    /// The route into it cannot transform what its sources say.
    RouteFailed,
}

impl Quality {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Quality::Good => "good",
            Quality::Stale
            | Quality::DeviceLost
            | Quality::PlcStopped
            | Quality::PlcPaused
            | Quality::PlcStepping
            | Quality::PlcUnreachable
            | Quality::GamaUnreachable
            | Quality::NoExperiment
            | Quality::GamaSilent
            | Quality::RouteFailed => "stale",
            Quality::NeverWritten | Quality::PlcFault(_) | Quality::PlcGone | Quality::GamaMisfit => "bad",
        }
    }

    /// Why it is not good, for people.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Quality::Good => None,
            Quality::Stale => Some("its writer has gone or is silent"),
            Quality::NeverWritten => Some("never written"),
            Quality::DeviceLost => Some("its device does not answer"),
            Quality::PlcStopped => Some("the engine is stopped"),
            Quality::PlcPaused => Some("the engine is paused"),
            Quality::PlcStepping => Some("the engine is stepping"),
            Quality::PlcFault(_) => Some("the engine is in fault"),
            Quality::PlcUnreachable => Some("the link to the engine is down"),
            Quality::PlcGone => Some("the PLC context is gone"),
            Quality::GamaUnreachable => Some("the link to GAMA is down"),
            Quality::NoExperiment => Some("no experiment is there"),
            Quality::GamaSilent => Some("GAMA does not answer"),
            Quality::GamaMisfit => Some("what GAMA answers is no value of its kind"),
            Quality::RouteFailed => Some("the route into it cannot transform what its sources say"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_compared_at_single_precision_unless_both_are_whole() {
        assert!(Value::Float(0.1).is_same(&Value::Float(f64::from(0.1_f32))));
        assert!(!Value::Float(0.1).is_same(&Value::Float(0.100_001)));
        assert!(!Value::Float(16_777_216.0).is_same(&Value::Float(16_777_217.0)));
        assert!(Value::Float(0.0).is_same(&Value::Float(-0.0)));
    }

    #[test]
    fn values_of_different_kinds_are_never_the_same() {
        assert!(!Value::Int(1).is_same(&Value::Float(1.0)));
        assert!(!Value::Bool(true).is_same(&Value::Int(1)));
    }
}
