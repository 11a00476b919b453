//! Type strings of a catalog, such as `PLCOutputFloat`.

use std::fmt;

use crate::value::Kind;

/// Which side of a PLC a type string names.
///
/// What that means for who writes the signal depends on the convention of the endpoint (RV-40) and is not decided here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// `PLCInput…`
    PlcInput,
    /// `PLCOutput…`
    PlcOutput,
}

/// A type string in parts.
///
/// Shape: `PLCInputBool PLCOutputBool PLCInputInt PLCOutputInt PLCInputFloat PLCOutputFloat PLCInputText PLCOutputText`, or
/// without a direction `Bool Int Float Text` (RV-40, RV-42).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SignalType {
    /// The direction, unless the type is neutral.
    pub prefix: Option<Prefix>,
    /// What the signal holds.
    pub kind: Kind,
}

impl SignalType {
    /// Reads a type string. Letters of any case are accepted, because clients accept `BOOL` and `plcoutputint` too; anything
    /// else is `None`.
    pub fn parse(text: &str) -> Option<SignalType> {
        SignalType::all().find(|signal_type| signal_type.as_str().eq_ignore_ascii_case(text))
    }

    /// The type string in its usual spelling.
    pub const fn as_str(self) -> &'static str {
        match (self.prefix, self.kind) {
            (Some(Prefix::PlcInput), Kind::Bool) => "PLCInputBool",
            (Some(Prefix::PlcInput), Kind::Int) => "PLCInputInt",
            (Some(Prefix::PlcInput), Kind::Float) => "PLCInputFloat",
            (Some(Prefix::PlcInput), Kind::Text) => "PLCInputText",
            (Some(Prefix::PlcOutput), Kind::Bool) => "PLCOutputBool",
            (Some(Prefix::PlcOutput), Kind::Int) => "PLCOutputInt",
            (Some(Prefix::PlcOutput), Kind::Float) => "PLCOutputFloat",
            (Some(Prefix::PlcOutput), Kind::Text) => "PLCOutputText",
            (None, Kind::Bool) => "Bool",
            (None, Kind::Int) => "Int",
            (None, Kind::Float) => "Float",
            (None, Kind::Text) => "Text",
        }
    }

    /// All twelve types.
    pub fn all() -> impl Iterator<Item = SignalType> {
        [Some(Prefix::PlcInput), Some(Prefix::PlcOutput), None]
            .into_iter()
            .flat_map(|prefix| Kind::ALL.into_iter().map(move |kind| SignalType { prefix, kind }))
    }
}

impl fmt::Display for SignalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_string_reads_back_in_any_case() {
        assert_eq!(SignalType::all().count(), 12);
        for signal_type in SignalType::all() {
            let text = signal_type.to_string();
            assert_eq!(SignalType::parse(&text), Some(signal_type));
            assert_eq!(SignalType::parse(&text.to_uppercase()), Some(signal_type));
            assert_eq!(SignalType::parse(&text.to_lowercase()), Some(signal_type));
        }
    }

    #[test]
    fn captured_spellings_are_understood() {
        let neutral_bool = SignalType {
            prefix: None,
            kind: Kind::Bool,
        };
        let output_int = SignalType {
            prefix: Some(Prefix::PlcOutput),
            kind: Kind::Int,
        };
        assert_eq!(SignalType::parse("BOOL"), Some(neutral_bool));
        assert_eq!(SignalType::parse("plcoutputint"), Some(output_int));
    }

    #[test]
    fn other_texts_are_no_type() {
        for text in [
            "",
            " Bool",
            "Bool ",
            "PLCBool",
            "PLCInput",
            "PLCInputReal",
            "PLCInOutBool",
            "Boolean",
            "ＢＯＯＬ",
        ] {
            assert_eq!(SignalType::parse(text), None, "{text:?}");
        }
    }
}
